"""What a report shows, taken out of a result once: the only file here that knows how a result is made.

Entry points: `View` and its parts, `view_of`.

Invariants: times are wall-clock milliseconds of the exchange (a daily bar shows the date of its session); arrays have
one value a bar; statistics that are not defined are None; nothing here is HTML yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from tradewright import measures
from tradewright.domain.errors import InputError

from .payload import candle_levels
from .text import value_text

__all__ = [
    "Band",
    "Benchmark",
    "Candles",
    "ConfigRow",
    "Cost",
    "Coverage",
    "Note",
    "Rejected",
    "Stamp",
    "Trades",
    "View",
    "pretty_name",
    "view_of",
]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Level = Literal["alarm", "warn", "info"]

MAX_INSTRUMENTS: Final = 30
MAX_CANDLES: Final = 60_000
JUDGED_CELLS: Final = 3_000_000
"""Bars times instruments up to which the report computes coverage and quality."""
MIN_CANDLES: Final = 1_500
_ALARMS: Final = ("synthetic", "no costs", "same-close", "unchecked", "NO TRIAL LEDGER", "TRIAL LEDGER NOT")
_INTERVALS: Final = {
    "1d": "daily bars",
    "1w": "weekly bars",
    "1mo": "monthly bars",
    "1q": "quarterly bars",
    "1y": "yearly bars",
}
_ACRONYMS: Final = {"adx", "atr", "ema", "macd", "rsi", "sma", "vwap"}
_TOPICS: Final = {
    "ddof": "Standard deviation",
    "risk_free": "Risk-free rate",
    "intrabar": "Inside a bar",
    "cash": "When cash is short",
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """A warning on top of the report."""

    title: str
    text: str
    level: Level = "warn"


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """What the strategy is compared with, on the same bars and starting capital."""

    label: str
    equity: F64
    stats: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Columns of all trades, open ones last with an `exit_ms` of NaN."""

    asset: I64
    symbol: list[str]
    direction: npt.NDArray[np.int8]
    quantity: F64
    entry_bar: I64
    entry_ms: F64
    entry_price: F64
    exit_bar: I64
    exit_ms: F64
    exit_price: F64
    pnl: F64
    ret: F64
    fees: F64
    entry_reason: list[str]
    exit_reason: list[str]
    ambiguous: npt.NDArray[np.bool_]
    stop: F64
    target: F64

    def __len__(self) -> int:
        return int(self.pnl.size)


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Candles of one instrument in levels of detail."""

    asset: int
    symbol: str
    levels: list[dict[str, Any]]
    close_only: bool


@dataclass(frozen=True, slots=True)
class Cost:
    """Money by kind: taken by trading when `is_cost`, else received (negative the other way round)."""

    label: str
    amount: float
    is_cost: bool = True


@dataclass(frozen=True, slots=True)
class Band:
    """Statistics under one assumption about the path inside a bar."""

    name: str
    stats: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One configuration value and the layer it came from."""

    key: str
    value: Any
    layer: str = ""
    where: str = ""
    overrode: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A finding about the data."""

    severity: str
    rule: str
    symbol: str
    when: str
    text: str
    action: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows of an instrument that were taken out for one reason."""

    symbol: str
    rule: str
    count: int
    first: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of an instrument there is."""

    symbol: str
    kind: str
    first: str
    last: str
    bars: int
    share: float
    trades: int
    expected: int = 0
    missing: int = 0
    quality: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Everything a report shows."""

    title: str
    strategy: str
    params: Mapping[str, Any]
    symbols: tuple[str, ...]
    interval: str
    first: str
    last: str
    currency: str
    daily: bool
    times_ms: F64
    dates: npt.NDArray[np.datetime64]
    equity: F64
    exposure: F64
    initial: float
    periods_per_year: float
    risk_free: float
    stats: Mapping[str, Any]
    reasons: Mapping[str, str]
    benchmark: Benchmark | None
    trades: Trades
    candles: list[Candles]
    stamps: list[Stamp] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    band: tuple[float, float] | None = None
    refusals: Mapping[str, int] = field(default_factory=dict)
    conventions: list[tuple[str, str]] = field(default_factory=list)
    config: list[ConfigRow] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    judged: tuple[int, int] = (0, 0)
    provenance: list[tuple[str, str]] = field(default_factory=list)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    rangebreaks: list[dict[str, Any]] = field(default_factory=list)
    hidden_symbols: int = 0
    checked: bool = True
    version: str = ""
    evidence: str = ""
    """What stands behind the result, in words."""


def view_of(result: Any, *, benchmark: Any = None, title: str | None = None) -> View:
    """Take everything a report shows out of a result.

    Parameters
    ----------
    result : Result
        Of a backtest.
    benchmark : str, Bars, array-like or False, optional
        What to compare with: see `tradewright.engine.benchmark.benchmark_curve`. Default: the benchmark of the run, or
        buying and holding its instruments. False: nothing.
    title : str, optional
        Default: name of the strategy and its symbols.

    Returns
    -------
    View

    Raises
    ------
    InputError
        If the result was read from a file and has no bars.
    """
    from tradewright import __version__
    from tradewright.data.calendars import market_hours
    from tradewright.data.intervals import interval_name
    from tradewright.data.zones import to_local
    from tradewright.engine.statistics import EVIDENCE

    bars = getattr(result, "bars", None)
    if bars is None:
        raise InputError("This result has no bars (it was read from a file); run the backtest again to get its report.")
    daily = bool(result.daily)
    dates = np.asarray(result.dates, dtype="datetime64[D]")
    hours = market_hours(bars)
    local = dates.astype("datetime64[ms]").astype(np.float64) if daily else to_local(bars.ts, hours.zone) / 1e6
    length = interval_name(bars.interval_ns) if bars.interval_ns else ""
    name = str(result.strategy_name)
    symbols = tuple(result.symbols)
    equity = np.asarray(result.equity, dtype=np.float64)
    initial = float(result.initial_capital)
    chosen = _benchmark(result, benchmark)
    stats = dict(result.stats.items())
    evidence = result.evidence
    stats.update({name: evidence[key] for name, key in EVIDENCE.items()})
    if chosen is not None:
        _compare(stats, equity, chosen, result)
    trades = _trades(result, local)
    candles, hidden = _candles(bars, trades, local)
    currencies = {instrument.currency for instrument in bars.instruments}
    return View(
        title=title or f"{pretty_name(name)} on {_some(symbols)}",
        strategy=name,
        params=dict(result.params),
        symbols=symbols,
        interval=_INTERVALS.get(length, f"{length} bars" if length else ""),
        first=_moment(local[0], daily),
        last=_moment(local[-1], daily),
        currency=currencies.pop() if len(currencies) == 1 else "",
        daily=daily,
        times_ms=np.asarray(local, dtype=np.float64),
        dates=dates,
        equity=equity,
        exposure=np.nan_to_num(np.asarray(result.exposure, dtype=np.float64)),
        initial=initial,
        periods_per_year=float(result.periods_per_year),
        risk_free=float(result.settings.risk_free),
        stats=stats,
        reasons=result.stats.undefined(),
        benchmark=chosen,
        trades=trades,
        candles=candles,
        stamps=_stamps(result),
        costs=_costs(stats),
        bands=_bands(result),
        band=None if result.bands is None else (result.bands.low, result.bands.high),
        refusals={reason: number for reason, number in result.refusals.items() if number},
        conventions=[
            (_TOPICS.get(topic, topic.replace("_", " ").capitalize()), text)
            for topic, text in result.conventions.items()
        ],
        config=_config(result),
        notes=_notes(result),
        coverage=_coverage(bars, trades, local, daily),
        rejected=_rejected(result),
        judged=(0, 0) if result.findings is None else (result.findings.n_rows, result.findings.n_kept),
        provenance=_provenance(bars),
        manifest=result.manifest,
        rangebreaks=_breaks(hours, daily),
        hidden_symbols=hidden,
        checked=bool(result.origin.validated),
        version=__version__,
        evidence=evidence.sentence if evidence["counted"] else "",
    )


def pretty_name(name: str) -> str:
    """Name of a strategy for people."""
    words = [word.upper() if word in _ACRONYMS else word for word in name.replace("_", " ").split()]
    text = " ".join(words) or "Strategy"
    return text[:1].upper() + text[1:]


def _some(symbols: tuple[str, ...]) -> str:
    return ", ".join(symbols) if len(symbols) <= 3 else f"{len(symbols)} instruments"


def _moment(ms: float, daily: bool) -> str:
    text = str(np.datetime64(int(ms), "ms"))
    return text[:10] if daily else text[:16].replace("T", " ")


def _benchmark(result: Any, asked: Any) -> Benchmark | None:
    from tradewright.engine.benchmark import benchmark_curve

    if asked is False:
        return None
    initial = float(result.initial_capital)
    what = asked if asked is not None else result.origin.benchmark
    if what is None:
        what = "buy_and_hold"
    curve = result.benchmark_curve() if asked is None else benchmark_curve(what, result.bars, initial)
    if isinstance(what, str):
        label = "Buy and hold" if what == "buy_and_hold" else what
    else:
        label = ", ".join(getattr(what, "symbols", ())) or "Benchmark"
    equity = np.asarray(curve, dtype=np.float64)
    if not np.isfinite(equity).all():
        return None
    year, rate = float(result.periods_per_year), float(result.settings.risk_free)
    change = np.nan_to_num(measures.returns(equity, initial=initial))
    stats = {
        "final_equity": float(equity[-1]),
        "total_return": measures.total_return(equity, initial=initial),
        "cagr": measures.cagr(equity, initial=initial, periods_per_year=year),
        "volatility": measures.volatility(change, periods_per_year=year),
        "max_drawdown": measures.max_drawdown(equity, initial=initial),
        "max_drawdown_bars": float(measures.max_drawdown_bars(equity, initial=initial)),
        "sharpe": measures.sharpe(change, periods_per_year=year, risk_free=rate),
        "sortino": measures.sortino(change, periods_per_year=year, risk_free=rate),
        "calmar": measures.calmar(equity, initial=initial, periods_per_year=year),
    }
    return Benchmark(label, equity, {key: value if np.isfinite(value) else None for key, value in stats.items()})


def _compare(stats: dict[str, Any], equity: F64, benchmark: Benchmark, result: Any) -> None:
    initial = float(result.initial_capital)
    own = np.nan_to_num(measures.returns(equity, initial=initial))
    other = np.nan_to_num(measures.returns(benchmark.equity, initial=initial))
    found = measures.relative(
        own, other, periods_per_year=float(result.periods_per_year), risk_free=float(result.settings.risk_free)
    )
    held = benchmark.stats["total_return"]
    stats["benchmark_return"] = held
    stats["excess_return"] = None if held is None else float(equity[-1] / initial - 1.0) - held
    for key in ("alpha", "beta", "correlation", "tracking_error", "information_ratio"):
        value = float(getattr(found, key))
        stats[key] = value if np.isfinite(value) else None


def _trades(result: Any, local: Any) -> Trades:
    table, bars = result.trades, result.bars
    place = {symbol: index for index, symbol in enumerate(bars.symbols)}
    symbol = [str(item) for item in table["symbol"].tolist()]
    entry_bar = np.asarray(table["entry_bar"], dtype=np.int64)
    exit_bar = np.asarray(table["exit_bar"], dtype=np.int64)
    times = np.asarray(local, dtype=np.float64)
    stop, target = _levels(result, np.asarray(table["entry_order"], dtype=np.int64))
    return Trades(
        asset=np.array([place[item] for item in symbol], dtype=np.int64),
        symbol=symbol,
        direction=np.where(np.asarray(table["direction"]).astype(str) == "long", 1, -1).astype(np.int8),
        quantity=np.abs(np.asarray(table["quantity"], dtype=np.float64)),
        entry_bar=entry_bar,
        entry_ms=times[entry_bar],
        entry_price=np.asarray(table["entry_price"], dtype=np.float64),
        exit_bar=exit_bar,
        exit_ms=np.where(exit_bar >= 0, times[np.maximum(exit_bar, 0)], np.nan),
        exit_price=np.asarray(table["exit_price"], dtype=np.float64),
        pnl=np.asarray(table["pnl"], dtype=np.float64),
        ret=np.asarray(table["return"], dtype=np.float64),
        fees=np.asarray(table["fees"], dtype=np.float64),
        entry_reason=[str(item) for item in table["entry_reason"].tolist()],
        exit_reason=[str(item) for item in table["exit_reason"].tolist()],
        ambiguous=np.asarray(table["order_dependent"], dtype=bool),
        stop=stop,
        target=target,
    )


def _levels(result: Any, entries: I64) -> tuple[F64, F64]:
    """Stop and target that protected each trade when it was opened; NaN without."""
    orders = result.orders
    parents = np.asarray(orders["parent"], dtype=np.int64)
    stop: dict[int, float] = {}
    target: dict[int, float] = {}
    for row in np.flatnonzero(parents >= 0).tolist():
        kind = str(orders["kind"][row])
        if kind == "stop":
            stop.setdefault(int(parents[row]), float(orders["stop"][row]))
        elif kind == "limit":
            target.setdefault(int(parents[row]), float(orders["limit"][row]))
    nan = float("nan")
    wanted = entries.tolist()
    return np.array([stop.get(i, nan) for i in wanted], float), np.array([target.get(i, nan) for i in wanted], float)


def _candles(bars: Any, trades: Trades, local: Any) -> tuple[list[Candles], int]:
    counts = np.bincount(trades.asset, minlength=bars.n_assets)
    order = np.argsort(-counts, kind="stable")[:MAX_INSTRUMENTS].tolist()
    limit = max(MIN_CANDLES, MAX_CANDLES // len(order))
    times = np.asarray(local, dtype=np.float64)
    found = []
    for asset in order:
        columns = [np.ascontiguousarray(array[:, asset]) for array in (bars.open, bars.high, bars.low, bars.close)]
        flat = bool(np.array_equal(columns[1], columns[2], equal_nan=True))
        found.append(Candles(asset, bars.symbols[asset], candle_levels(times, *columns, limit=limit), flat))
    return found, bars.n_assets - len(order)


def _stamps(result: Any) -> list[Stamp]:
    stamps, out = list(result.stamps), []
    for text in [*stamps, *result.evidence["stamps"]]:
        title, _, rest = text.partition(": ")
        level: Level = "alarm" if title.startswith(_ALARMS) else "warn"
        out.append(Stamp(title.upper(), f"{rest[:1].upper()}{rest[1:]}." if rest else "", level))
    for text in result.warnings:
        if text not in stamps:
            title, _, rest = text.partition(": ")
            out.append(
                Stamp(f"{title[:1].upper()}{title[1:]}", f"{rest[:1].upper()}{rest[1:]}." if rest else "", "info")
            )
    return out


def _costs(stats: Mapping[str, Any]) -> list[Cost]:
    kinds = (
        ("fees", "Commission", True),
        ("slippage", "Spread, slippage and impact", True),
        ("borrow", "Borrowing what was sold short", True),
        ("funding", "Funding", True),
        ("interest", "Interest on cash", False),
        ("dividends", "Dividends", False),
    )
    found = []
    for name, label, is_cost in kinds:
        amount = float(stats.get(name) or 0.0)
        if amount or name in {"fees", "slippage"}:
            found.append(Cost(label, amount, is_cost))
    return found


def _bands(result: Any) -> list[Band]:
    bands = result.bands
    if bands is None:
        return []
    return [Band(name, dict(getattr(bands, name))) for name in ("pessimistic", "expected", "optimistic")]


def _config(result: Any) -> list[ConfigRow]:
    found = []
    for row in result.origin.config.get("rows") or ():
        take = _reader(row)
        line = take("line")
        where = f"{take('file') or ''}{f':{line}' if line else ''}"
        older = [f"{value_text(_reader(old)('value'))} ({_reader(old)('layer')})" for old in take("overrode") or ()]
        overrode = f"instead of {', '.join(older)}" if older else ""
        found.append(ConfigRow(str(take("key")), take("value"), str(take("layer") or ""), where, overrode))
    return found or _settings(result.settings)


def _reader(row: Any) -> Callable[[str], Any]:
    """Access to a row that is a mapping (out of JSON) or an object (fresh)."""
    return row.get if isinstance(row, Mapping) else lambda key: getattr(row, key, None)


def _settings(settings: Any) -> list[ConfigRow]:
    """Settings of a run that was started from code: given, or the default."""
    standard = type(settings)()
    rows = []
    for item in fields(settings):
        value, usual = getattr(settings, item.name), getattr(standard, item.name)
        if is_dataclass(value) and not isinstance(value, type):
            inner = type(value)()
            for part in fields(value):
                own, default = getattr(value, part.name), getattr(inner, part.name)
                rows.append(ConfigRow(f"{item.name}.{part.name}", own, "default" if own == default else "given"))
        else:
            rows.append(ConfigRow(item.name, value, "default" if value == usual else "given"))
    return rows


def _notes(result: Any) -> list[Note]:
    report = result.findings
    if report is None:
        return []
    order = {"error": 0, "warning": 1, "info": 2}
    found = [
        Note(
            str(finding.severity),
            str(finding.rule),
            str(finding.symbol),
            "" if finding.ts is None else str(np.datetime64(int(finding.ts), "ns"))[:16].replace("T", " "),
            str(finding.message),
            str(finding.action),
        )
        for finding in report.findings
    ]
    return sorted(found, key=lambda note: order.get(note.severity, 3))


def _coverage(bars: Any, trades: Trades, local: Any, daily: bool) -> list[Coverage]:
    from tradewright.data.scores import scores_of, tally

    counts = np.bincount(trades.asset, minlength=bars.n_assets)
    numbered = any(note.startswith("no stamps were given") for note in bars.provenance.notes)
    small = bars.n_bars * bars.n_assets <= JUDGED_CELLS
    tallies = tally(bars) if small and not numbered else [None] * bars.n_assets
    found = []
    for asset, (instrument, one) in enumerate(zip(bars.instruments, tallies, strict=True)):
        rows = np.flatnonzero(np.isfinite(bars.close[:, asset]))
        first, last = (
            (_moment(local[rows[0]], daily), _moment(local[rows[-1]], daily)) if rows.size else ("none", "none")
        )
        share = rows.size / max(1, bars.n_bars)
        kind = str(instrument.asset_class)
        row = Coverage(bars.symbols[asset], kind, first, last, rows.size, share, int(counts[asset]))
        if one is not None:
            scores = scores_of(one, None)
            cover = one.coverage
            row = replace(
                row, expected=cover.expected if cover.exact else 0, missing=int(cover.missing.size), unit=cover.unit,
                quality=scores[0].score if scores else None,
            )  # fmt: skip
        found.append(row)
    return found


def _rejected(result: Any) -> list[Rejected]:
    report = result.findings
    if report is None:
        return []
    first = {(f.symbol, f.rule): str(f.message) for f in reversed(report.findings) if str(f.severity) == "error"}
    return [
        Rejected(symbol, rule, number, first.get((symbol, rule), ""))
        for (symbol, rule, severity), number in report.counts.items()
        if severity == "error"
    ]


def _provenance(bars: Any) -> list[tuple[str, str]]:
    origin = bars.provenance
    found = [
        ("Source", origin.source or "given in memory"),
        ("Licence", origin.licence or "not stated"),
        (
            "Adjustment",
            {"split+dividend": "for splits and dividends", "split": "for splits", "raw": "none"}.get(
                origin.adjusted, "not known"
            ),
        ),
        ("Generated", "yes, these prices were never traded" if origin.synthetic else "no"),
        ("Fingerprint", bars.data_hash()),
    ]
    return found + [("Note", note) for note in origin.notes]


def _breaks(hours: Any, daily: bool) -> list[dict[str, Any]]:
    """Hours in which an intraday chart has nothing to show."""
    if daily or hours.always_open or hours.overnight:
        return []
    return [
        {"bounds": ["sat", "mon"]},
        # A bar stamped at the closing bell is still inside.
        {"bounds": [hours.close_minute / 60 + 0.02, hours.open_minute / 60], "pattern": "hour"},
    ]
