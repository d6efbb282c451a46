"""May this instrument be decided on, or ordered, now: the verdicts of `Sanity.judge`.

Entry points: `Limits`, `Verdict`, `Judgement`, `judge_now`.

The price of an instrument has an age: the number of bars that were due since the last bar with news, by the exchange's
calendar (nights, weekends and holidays do not age it). A bar without news repeats the four prices of the one before it,
or never leaves its close, so a feed that stops and a feed that repeats its last tick for ever look the same.

| reason | when |
|---|---|
| ``no_data`` | there is no bar of it |
| ``poisoned`` | a rule finds an error in the bars that a decision reads |
| ``future`` | its last bar closes after now |
| ``stale`` | at least `Limits.max_age` bars were due since its last bar |
| ``frozen`` | its bars come, but the last `max_age` or more are without news |
| ``spike`` | its last return is beyond `Limits.spike` robust deviations; the next bar confirms or takes it back |
| ``quote`` | its quote is crossed, not positive, not finite, or as far from its last close as a spike |

Invariants: not knowing means no; verdicts of one instrument never depend on another; the answer is a pure function of
bars, limits, quotes and `now`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from ..domain.bars import Bars, Instant, instant_ns, utc
from ..domain.errors import DataError, InconsistentDataError, InputError, MissingDataError, StaleDataError, closest
from ..domain.events import Finding, Severity
from .intervals import infer_interval
from .judging import judge_column
from .robust import MAD_TO_SIGMA
from .rules import SPIKE, Rule
from .schedule import bars_due

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Judgement", "Limits", "Point", "Verdict", "judge_now"]

Point: TypeAlias = Literal["load", "decision", "order"]

POINTS: Final = ("load", "decision", "order")

_LEAST: Final = 20
"""Returns that are needed before one of them can be called wild."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on an instrument is left alone.

    Parameters
    ----------
    max_age : int
        Due bars without news from which no new entry is made. 1: only a price that is as new as it can be is traded.
    spike : float
        Robust standard deviations of the last return from which the next bar is waited for; infinite switches it off.
    window : int
        Bars that a decision reads, as far as poison is concerned, and returns that a spike is compared with.
    grace_seconds : float
        How late a bar may arrive before it counts as due; 0 in a replay, some seconds with a live feed.

    Examples
    --------
    >>> Limits(max_age=0)
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: max_age is 0; it must be at least 1 bar.
    """

    max_age: int = 1
    spike: float = SPIKE
    window: int = 100
    grace_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.max_age < 1:
            raise InputError(f"max_age is {self.max_age}; it must be at least 1 bar.")
        if not self.spike > 0.0:
            raise InputError(f"spike is {self.spike}; it must be above 0 (inf switches it off).")
        if self.window < _LEAST + 1:
            raise InputError(f"window is {self.window}; it must be at least {_LEAST + 1} bars.")
        if not 0.0 <= self.grace_seconds < 3_600.0:
            raise InputError(f"grace_seconds is {self.grace_seconds}; it must be from 0 to 3,600.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one instrument may be traded now.

    Parameters
    ----------
    symbol : str
        Whose verdict it is.
    findings : tuple of Finding
        Why not; warnings and information are kept beside errors. Without an error the answer is yes.
    last_ts : int or None
        Stamp of its last bar, nanoseconds UTC.
    price : float
        Close of its last bar; NaN without one.
    age_ns : int
        Time since the last bar with news.
    age_bars : int
        Due bars since then.
    """

    symbol: str
    findings: tuple[Finding, ...] = ()
    last_ts: int | None = None
    price: float = float("nan")
    age_ns: int = 0
    age_bars: int = 0

    @property
    def ok(self) -> bool:
        """True when a new entry may be decided and ordered."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def may_reduce(self) -> bool:
        """True when a position may be made smaller: its price may be old, but it is one."""
        wrong = {f.rule for f in self.findings if f.severity is Severity.ERROR}
        return not wrong & {"no_data", "poisoned", "future"}

    @property
    def reason(self) -> str:
        """First reason why not, empty when it may be traded."""
        return next((f.rule for f in self.findings if f.severity is Severity.ERROR), "")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdicts over all instruments at one moment.

    Parameters
    ----------
    point : {"load", "decision", "order"}
        Where it was asked.
    now : int
        When, nanoseconds UTC.
    verdicts : tuple of Verdict
        In the order of the columns.
    checked : bool
        False when the checks were switched off (research only).
    """

    point: Point
    now: int
    verdicts: tuple[Verdict, ...]
    checked: bool = True

    @property
    def ok(self) -> bool:
        """True when every instrument may be traded."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def allowed(self) -> tuple[str, ...]:
        """Symbols that may be traded."""
        return tuple(verdict.symbol for verdict in self.verdicts if verdict.ok)

    @property
    def refused(self) -> dict[str, str]:
        """Symbols that may not, and the first reason."""
        return {verdict.symbol: verdict.reason for verdict in self.verdicts if not verdict.ok}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was found."""
        return tuple(finding for verdict in self.verdicts for finding in verdict.findings)

    def mask(self) -> npt.NDArray[np.bool_]:
        """True for each column that may be traded, shape (n_assets,)."""
        return np.array([verdict.ok for verdict in self.verdicts], dtype=np.bool_)

    def __getitem__(self, symbol: str) -> Verdict:
        for verdict in self.verdicts:
            if verdict.symbol == symbol:
                return verdict
        names = [verdict.symbol for verdict in self.verdicts]
        raise InputError(f"No verdict on {symbol!r}{closest(symbol, names) or '.'} There are {', '.join(names[:8])}.")

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def require(self, symbol: str) -> Verdict:
        """Verdict on an instrument that may be traded.

        Raises
        ------
        StaleDataError, InconsistentDataError, MissingDataError
            By the first reason why it may not.
        """
        verdict = self[symbol]
        if verdict.ok:
            return verdict
        kind: type[DataError] = InconsistentDataError
        if verdict.reason in {"stale", "frozen"}:
            kind = StaleDataError
        elif verdict.reason == "no_data":
            kind = MissingDataError
        raise kind(f"{verdict.findings[0].message} No {self.point} on {symbol} until that has ended.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON and journals."""
        return {
            "point": self.point,
            "now": utc(self.now).isoformat(),
            "checked": self.checked,
            "ok": self.ok,
            "verdicts": [
                {
                    "symbol": v.symbol,
                    "ok": v.ok,
                    "may_reduce": v.may_reduce,
                    "reason": v.reason,
                    "age_bars": v.age_bars,
                    "age_seconds": v.age_ns / 1e9,
                    "last": None if v.last_ts is None else utc(v.last_ts).isoformat(),
                    "findings": [f.message for f in v.findings],
                }
                for v in self.verdicts
            ],
        }


def judge_now(
    bars: Bars,
    rules: Sequence[Rule],
    limits: Limits,
    *,
    now: Instant | None = None,
    point: Point = "decision",
    quotes: Mapping[str, tuple[float, float]] | None = None,
    validate: bool = True,
) -> Judgement:
    """Verdict on every column of bars; see `Sanity.judge`.

    Parameters
    ----------
    bars : Bars
        What is known, newest last.
    rules : sequence of Rule
        Their errors poison.
    limits : Limits
    now : Instant, optional
        Default: the last stamp.
    point : {"load", "decision", "order"}
    quotes : mapping of str to (bid, ask), optional
    validate : bool
        False says yes to everything, unchecked.

    Raises
    ------
    InputError
        If the point or a symbol among the quotes is not known.
    """
    if point not in POINTS:
        raise InputError(
            f"point is {point!r}{closest(str(point), POINTS) or ';'} It must be one of {', '.join(POINTS)}."
        )
    moment = instant_ns(now) if now is not None else int(bars.ts[-1]) if bars.n_bars else 0
    for symbol in quotes or ():
        bars.column(symbol)
    if not validate:
        return Judgement(point, moment, tuple(Verdict(symbol) for symbol in bars.symbols), checked=False)
    tail = bars.tail(limits.window)
    interval = bars.interval_ns or infer_interval(bars.tail(1_000).ts)
    asked = {bars.column(symbol): pair for symbol, pair in (quotes or {}).items()}
    found = tuple(_verdict(bars, tail, j, rules, limits, moment, interval, asked.get(j)) for j in range(bars.n_assets))
    return Judgement(point, moment, found)


def _verdict(
    bars: Bars, tail: Bars, j: int, rules: Sequence[Rule], limits: Limits, now: int, interval: int,
    quote: tuple[float, float] | None,
) -> Verdict:  # fmt: skip
    symbol = bars.instruments[j].id
    rows = np.flatnonzero(~np.isnan(tail.close[:, j]))
    if not rows.size:
        # Longer ago than a decision reads: old news are told apart from none.
        older = np.flatnonzero(~np.isnan(bars.close[:, j]))
        if not older.size:
            return Verdict(symbol, (_error("no_data", symbol, "there is no bar of it", None, None),))
        row = int(older[-1])
        ts = int(bars.ts[row])
        due = max(limits.max_age, bars_due(bars.instruments[j].calendar, interval, ts, now))
        text = f"its last bar is {due} due bars old, the limit is {limits.max_age}"
        return Verdict(symbol, (_error("stale", symbol, text, ts, float(due)),), ts, float(bars.close[row, j]),
                       now - ts, due)  # fmt: skip
    findings: list[Finding] = []
    report = judge_column(tail, j, rules).report
    bad = report.errors
    if bad:
        text = f"{len(bad)} of the last {rows.size} bars cannot be believed: {bad[-1].message}"
        findings.append(_error("poisoned", symbol, text, bad[-1].ts, bad[-1].value))
    findings += report.warnings
    last = int(rows[-1])
    ts, price = int(tail.ts[last]), float(tail.close[last, j])
    if ts > now:
        text = f"its last bar closes at {utc(ts):%Y-%m-%d %H:%M:%S}, after now ({utc(now):%Y-%m-%d %H:%M:%S})"
        findings.append(_error("future", symbol, text, ts, (ts - now) / 1e9))
    prices = np.stack([getattr(tail, name)[rows, j] for name in ("open", "high", "low", "close")])
    # The same bar again, or a bar that never left the last close: what a feed makes of a tick that it repeats.
    same = (prices[:, 1:] == prices[:, :-1]).all(axis=0) | (prices[:, 1:] == prices[3, :-1]).all(axis=0)
    news = np.flatnonzero(~same)
    fresh = int(news[-1]) + 1 if news.size else 0
    repeats = rows.size - 1 - fresh
    news_ts = int(tail.ts[rows[fresh]])
    calendar = bars.instruments[j].calendar
    until = now - int(limits.grace_seconds * 1e9)
    missed = bars_due(calendar, interval, ts, until)
    age = max(repeats + missed, bars_due(calendar, interval, news_ts, until) if repeats else missed)
    if missed >= limits.max_age:
        text = (
            f"{missed} bar{'s were' if missed > 1 else ' was'} due since its last one of {utc(ts):%Y-%m-%d %H:%M}, "
            f"the limit is {limits.max_age}"
        )
        findings.append(_error("stale", symbol, text, ts, float(missed)))
    elif age >= limits.max_age:
        bars_repeat = f"{age} bars repeat" if age > 1 else "bar repeats"
        text = f"its last {bars_repeat} a price that was there, the limit is {limits.max_age}"
        findings.append(_error("frozen", symbol, text, ts, float(age)))
    elif age:
        text = f"{age} bars without news, the limit is {limits.max_age}"
        findings.append(Finding(rule="age", severity=Severity.WARNING, message=f"{symbol}: {text}.", symbol=symbol,
                                ts=ts, value=float(age)))  # fmt: skip
    wild = _wild(prices[3], limits)
    if wild is not None:
        text = f"its last return is {wild:.3g} robust deviations, the limit is {limits.spike:g}; the next bar will tell"
        findings.append(_error("spike", symbol, text, ts, wild))
    if quote is not None:
        fault = _fault(quote, prices[3], limits)
        if fault:
            findings.append(_error("quote", symbol, fault, now, quote[0]))
    findings.sort(key=lambda finding: finding.severity is not Severity.ERROR)
    return Verdict(symbol, tuple(findings), ts, price, max(0, now - news_ts), age)


def _error(rule: str, symbol: str, text: str, ts: int | None, value: float | None) -> Finding:
    return Finding(rule=rule, severity=Severity.ERROR, message=f"{symbol}: {text}.", symbol=symbol, ts=ts, value=value,
                   action="refused")  # fmt: skip


def _wild(close: npt.NDArray[np.float64], limits: Limits) -> float | None:
    """Robust deviations of the last return, when they are too many."""
    if close.size < _LEAST + 2:
        return None
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        change = np.diff(np.log(close))
    past = change[:-1]
    past = past[np.isfinite(past)]
    if past.size < _LEAST:
        return None
    middle = float(np.median(past))
    sigma = max(_least_move(past), MAD_TO_SIGMA * float(np.median(np.abs(past - middle))))
    z = abs(float(change[-1]) - middle) / sigma
    return z if z > limits.spike else None


def _least_move(past: npt.NDArray[np.float64]) -> float:
    """A price that mostly stands still moves by ticks; the usual tick is what it moves by when it moves."""
    moved = np.abs(past[past != 0.0])
    return max(1e-4, float(np.median(moved)) if moved.size else 0.0)


def _fault(quote: tuple[float, float], close: npt.NDArray[np.float64], limits: Limits) -> str:
    bid, ask = float(quote[0]), float(quote[1])
    if not (np.isfinite(bid) and np.isfinite(ask)):
        return f"its quote {bid:g} / {ask:g} is not finite"
    if bid <= 0.0 or ask <= 0.0:
        return f"its quote {bid:g} / {ask:g} is not above 0"
    if bid > ask:
        return f"its quote is crossed: bid {bid:g} above ask {ask:g}"
    wild = _wild(np.append(close, (bid + ask) / 2.0), limits)
    if wild is not None:
        return f"the middle of its quote lies {wild:.3g} robust deviations from its last close"
    return ""
