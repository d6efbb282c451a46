"""What a backtest gives back.

Entry point: `Result`.

Invariants: the engine's run is kept as it is, everything shown is computed from it when asked for and then kept; the
same inputs give the same JSON bytes whatever the hash seed, locale, time zone, directory or number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tradewright.engine.statistics import Statistics, check_plausible
from tradewright.engine.tables import Table, iso_times
from tradewright.kernel import core

if TYPE_CHECKING:
    import pandas as pd

    from tradewright.data.sanity import SanityReport
    from tradewright.domain.bars import Bars
    from tradewright.engine.bands import Bands
    from tradewright.engine.decisions import Decisions
    from tradewright.engine.evidence import Evidence
    from tradewright.engine.lookahead.certificate import Certificate
    from tradewright.engine.prepared import Prepared
    from tradewright.engine.promotion import Promotion
    from tradewright.engine.saved import SavedResult
    from tradewright.engine.settings import Settings
    from tradewright.measures.attribution import Attribution

    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Origin", "Result"]

Kept = TypeVar("Kept")

DAY_NS = 86_400_000_000_000


class Origin:
    """Where a result's inputs came from, so that it can be run again.

    Attributes
    ----------
    inputs : dict
        Arguments of the loader, or ``{"kind": "memory"}``.
    config : dict
        Resolved configuration beyond the engine settings, if there was one (hash, profile, rows of ``explain``).
    command : str
        The command line, if there was one.
    benchmark : object
        What to compare with, or None.
    bands : bool
        Whether the fill bands were asked for.
    validated : bool
        Whether the data was judged.
    detail : Bars or None
        Finer bars.
    """

    __slots__ = ("bands", "benchmark", "command", "config", "detail", "inputs", "validated")

    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {"kind": "memory"}
        self.config: dict[str, Any] = {}
        self.command = ""
        self.benchmark: Any = None
        self.bands = False
        self.validated = True
        self.detail: Bars | None = None


class Result:
    """One backtest: statistics, curves, tables, and everything needed to run it again.

    Made by `tradewright.backtest`; not by hand.

    Examples
    --------
    >>> import tradewright as tw
    >>> result = tw.backtest({"close": [10.0, 11.0, 12.0, 13.0]}, "buy_and_hold", no_costs=True, initial_capital=1100)
    >>> result.equity.round(6).tolist()
    [1100.0, 1100.0, 1200.0, 1300.0]
    >>> result.trades["exit_reason"].tolist(), result.stamps
    (['open'], ['no costs: every trade was free'])
    """

    __slots__ = ("_kept", "decisions", "given", "origin", "prepared", "run", "strategy")

    def __init__(
        self, run: core.Run, prepared: Prepared, decisions: Decisions, strategy: Any, given: Any, origin: Origin
    ) -> None:
        self.run = run
        self.prepared = prepared
        self.decisions = decisions
        self.strategy = strategy
        self.given = given
        self.origin = origin
        stats = run.stats
        check_plausible(stats, len(prepared.bars.ts))
        self._kept: dict[str, Any] = {"core_stats": stats}

    # --- what went in -----------------------------------------------------------------------------

    @property
    def bars(self) -> Bars:
        """The bars that were traded, checked and cut to the range."""
        return self.prepared.bars

    @property
    def settings(self) -> Settings:
        """Resolved engine settings."""
        return self.prepared.settings

    @property
    def symbols(self) -> tuple[str, ...]:
        """Identity of each instrument."""
        return self.prepared.bars.symbols

    @property
    def strategy_name(self) -> str:
        """Name of the strategy, or of the kind of arrays that were given."""
        if self.strategy is None:
            return f"given {self.decisions.kind}"
        return str(getattr(self.strategy, "name", "") or type(self.strategy).__name__)

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of the strategy."""
        found = getattr(self.strategy, "params", None)
        return dict(found) if found else {}

    @property
    def periods_per_year(self) -> float:
        """Bars in a year, by which statistics are annualised."""
        return self.prepared.periods_per_year

    @property
    def initial_capital(self) -> float:
        """Cash before the first bar."""
        return self.prepared.settings.initial_capital

    @property
    def findings(self) -> SanityReport | None:
        """What the data checks found in this run; None when nothing."""
        return self.prepared.findings

    # --- what came out ----------------------------------------------------------------------------

    @property
    def stats(self) -> Statistics:
        """Statistics by name, each with ``.convention(name)``."""
        return self._keep("stats", lambda: Statistics(self, self._kept["core_stats"]))

    @property
    def equity(self) -> F64:
        """Equity at the close of each bar, shape (n_bars,)."""
        return np.asarray(self.run.equity)

    @property
    def exposure(self) -> F64:
        """Gross exposure at the close of each bar as a fraction of equity, shape (n_bars,)."""
        return np.asarray(self.run.exposure)

    @property
    def times(self) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Close of each bar, datetime64[ns] UTC."""
        return self.bars.ts.astype("datetime64[ns]")

    @property
    def dates(self) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Trading session of each bar, datetime64[D]."""
        return self._keep("dates", self._dates)

    @property
    def trades(self) -> Table:
        """Closed and open trades, one row per fill that reduced a position; see the result schema."""
        return self._keep("trades", self._trades)

    @property
    def orders(self) -> Table:
        """Every order with its fate."""
        return self._keep("orders", self._orders)

    @property
    def fills(self) -> Table:
        """Every execution."""
        return self._keep("fills", self._fills)

    @property
    def cash_flows(self) -> Table:
        """Money that moved without a trade: dividends, borrow, funding, interest."""
        return self._keep("cash_flows", self._cash_flows)

    @property
    def positions(self) -> Table:
        """What is held at the last bar."""
        return self._keep("positions", self._positions)

    @property
    def refusals(self) -> dict[str, int]:
        """Decisions and orders that were not taken, by reason."""
        return dict(sorted(self.run.refusals.items()))

    @property
    def bands(self) -> Bands | None:
        """Pessimistic, expected and optimistic statistics; None unless asked for (``bands=True``)."""
        return self.compute_bands() if self.origin.bands else None

    def compute_bands(self) -> Bands:
        """Fill bands of this run, whether they were asked for or not."""
        from tradewright.engine.bands import bands_of

        return self._keep("bands", lambda: bands_of(self.prepared, self.decisions, self.run))

    @property
    def benchmark(self) -> F64 | None:
        """Equity of the benchmark with the same initial capital; None when none was asked for."""
        return None if self.origin.benchmark is None else self.benchmark_curve()

    def benchmark_curve(self) -> F64:
        """Equity of the benchmark, or of buying and holding the same instruments when none was asked for."""
        from tradewright.engine.benchmark import benchmark_curve

        def curve() -> F64:
            what = "buy_and_hold" if self.origin.benchmark is None else self.origin.benchmark
            if isinstance(what, str) and what != "buy_and_hold" and what not in self.symbols:
                from tradewright.engine.backtest import benchmark_bars

                what = benchmark_bars(what, self.bars, self.origin.inputs)
            return benchmark_curve(what, self.bars, self.initial_capital)

        return self._keep("benchmark", curve)

    @property
    def conventions(self) -> dict[str, str]:
        """Every convention of the run in words, by topic."""
        from tradewright.engine.conventions import conventions_of

        return self._keep(
            "conventions",
            lambda: conventions_of(
                self.bars,
                self.settings,
                self.periods_per_year,
                self.prepared.periods_reason,
                on_adjusted=self.decisions.seen is not None,
            ),
        )

    @property
    def stamps(self) -> list[str]:
        """What one must know before believing the numbers; empty when there is nothing."""
        from tradewright.engine.conventions import stamps_of

        found = self.findings
        repaired = 0 if found is None else found.rejected
        return self._keep(
            "stamps",
            lambda: stamps_of(self.bars, self.settings, validated=self.origin.validated, repaired=repaired),
        )

    @property
    def warnings(self) -> list[str]:
        """Stamps, and what went differently than one might expect (no trades, refused orders, a short range)."""
        return self._keep("warnings", self._warnings)

    @property
    def manifest(self) -> dict[str, Any]:
        """What is needed to run it again, and hashes of what went in and came out."""
        from tradewright.engine.manifest import manifest_of

        return self._keep("manifest", lambda: manifest_of(self))

    @property
    def evidence(self) -> Evidence:
        """What stands behind this result: trials on the same returns, and what they leave of its Sharpe ratio.

        Computed from the ledger of trials as it is now; no part of the document's bytes and hash.
        """
        from tradewright.engine.evidence import evidence_of_result

        return evidence_of_result(self)

    @property
    def certificate(self) -> Certificate | None:
        """Certificate that the strategy does not look ahead; None where none was given."""
        found: Certificate | None = self._kept.get("certificate")
        return found

    @property
    def promotion(self) -> Promotion:
        """What must be shown before this is traded, and what of it is missing."""
        from tradewright.engine.promotion import requirements

        return requirements(self)

    @property
    def result_hash(self) -> str:
        """SHA-256 over everything in the JSON that does not depend on machine, command or file names."""
        return str(self.document()["result_hash"])

    def attribution(self, by: str = "asset", groups: Mapping[str, str] | None = None) -> Attribution:
        """Where the profit came from, in parts that add up: by asset, sector, side, cost, reason or strategy."""
        from tradewright.engine.attribution import attribution_of

        return attribution_of(self, by, groups)

    # --- out of here ------------------------------------------------------------------------------

    def equity_frame(self) -> pd.DataFrame:
        """Return a pandas frame: equity, drawdown, exposure (and benchmark), indexed by closes in UTC."""
        import pandas as pd

        equity = self.equity
        peak = np.maximum(np.maximum.accumulate(equity), self.initial_capital)
        columns = {"equity": equity, "drawdown": equity / peak - 1.0, "exposure": self.exposure}
        if self.benchmark is not None:
            columns["benchmark"] = self.benchmark
        return pd.DataFrame(columns, index=pd.DatetimeIndex(self.times, tz="UTC", name="time"))

    def document(self) -> dict[str, Any]:
        """Return the whole result as plain values (docs/result-schema.md)."""
        from tradewright.engine.record import document_of

        return self._keep("document", lambda: document_of(self))

    def to_json(self, *, evidence: bool = False) -> str:
        """Return the whole result as JSON text; its schema is ``tradewright.result/1`` (docs/result-schema.md).

        With `evidence`, the block of that name is in it, which depends on the trials so far and is not hashed.
        """
        return self.to_bytes(evidence=evidence).decode("utf-8")

    def to_bytes(self, *, evidence: bool = False) -> bytes:
        """Return the JSON as `save` writes it."""
        from tradewright.engine.record import to_bytes

        document = self.document()
        return to_bytes({**document, "evidence": self.evidence.as_dict()} if evidence else document)

    def save(self, path: str | Path, *, evidence: bool = False) -> Path:
        """Write the JSON to a file, at once or not at all, and return its path."""
        from tradewright.engine.record import write_atomic

        return write_atomic(Path(path), self.to_bytes(evidence=evidence))

    @staticmethod
    def load(path: str | Path) -> SavedResult:
        """Read a result that `save` wrote: the same statistics, tables and manifest, without the bars.

        Raises
        ------
        DataError
            If the file is not a result or of a newer schema.
        """
        from tradewright.engine.saved import SavedResult

        return SavedResult.read(path)

    def plot(self, **options: Any) -> Any:
        """Return a plotly figure of equity, drawdown and trades (needs the ``report`` extra)."""
        from tradewright.engine.hooks import hook

        return hook("report.plot")(self, **options)

    def report(self, path: str | Path = "report.html", **options: Any) -> Path:
        """Write a self-contained HTML report and return its path (needs the ``report`` extra)."""
        from tradewright.engine.hooks import hook

        written = hook("report.write")(self, Path(path), **options)
        return Path(written) if written is not None else Path(path)

    def __repr__(self) -> str:
        from tradewright.engine.record import summary

        return summary(self)

    # --- how it is made ---------------------------------------------------------------------------

    def labels(self, bar: int) -> str:
        """Return what to call a bar in text: its session for daily and longer bars, else its close in UTC."""
        if self.daily:
            return str(self.dates[bar])
        return iso_times(self.bars.ts[bar : bar + 1])[0] or ""

    @property
    def daily(self) -> bool:
        """True when bars are a day or longer."""
        return self._keep("daily", self._daily)

    def _daily(self) -> bool:
        bars = self.bars
        step = bars.interval_ns or (int(np.median(np.diff(bars.ts))) if bars.n_bars > 1 else DAY_NS)
        return step >= DAY_NS * 5 // 6

    def _keep(self, name: str, make: Callable[[], Kept]) -> Kept:
        found: Kept | None = self._kept.get(name)
        if found is None:
            found = self._kept[name] = make()
        return found

    def _dates(self) -> Any:
        from tradewright.data.calendars import session_dates

        return session_dates(self.bars)

    def _symbols_at(self, columns: Any) -> Any:
        names = np.array([*self.symbols, ""], dtype=object)  # -1 (the account) is the empty text
        return names[np.asarray(columns, dtype=np.int64)]

    def _times_at(self, rows: Any) -> Any:
        rows = np.asarray(rows, dtype=np.int64)
        times = self.times
        return np.where(rows >= 0, times[np.maximum(rows, 0)], np.datetime64("NaT", "ns")) if rows.size else times[:0]

    def _trades(self) -> Table:
        raw = self.run.trades
        return Table(
            "trades",
            {
                "symbol": lambda: self._symbols_at(raw["asset"]),
                "direction": lambda: np.where(raw["direction"] > 0, "long", "short").astype(object),
                "quantity": raw["quantity"],
                "entry_bar": raw["entry_bar"],
                "entry_time": lambda: self._times_at(raw["entry_bar"]),
                "entry_price": raw["entry_price"],
                "exit_bar": raw["exit_bar"],
                "exit_time": lambda: self._times_at(raw["exit_bar"]),
                "exit_price": raw["exit_price"],
                "fees": raw["fees"],
                "pnl": raw["pnl"],
                "return": raw["ret"],
                "order_dependent": lambda: raw["ambiguous"].astype(bool),
                "entry_reason": lambda: _words(core.REASONS, raw["entry_reason"]),
                "exit_reason": lambda: _words(core.REASONS, raw["exit_reason"]),
                "entry_order": raw["entry_order"],
                "exit_order": raw["exit_order"],
            },
        )

    def _orders(self) -> Table:
        raw = self.run.orders
        return Table(
            "orders",
            {
                "id": np.asarray(raw["id"]),
                "bar": np.asarray(raw["bar"]),
                "time": self._times_at(raw["bar"]),
                "symbol": self._symbols_at(raw["asset"]),
                "kind": _words(core.KINDS, raw["kind"]),
                "quantity": np.asarray(raw["quantity"]),
                "limit": np.asarray(raw["limit"]),
                "stop": np.asarray(raw["stop"]),
                "tif": _words(core.TIFS, raw["tif"]),
                "status": _words(core.STATUSES, raw["status"]),
                "filled": np.asarray(raw["filled"]),
                "price": np.asarray(raw["price"]),
                "reason": _words(core.REASONS, raw["reason"]),
                "parent": np.asarray(raw["parent"]),
                "group": np.asarray(raw["group"]),
            },
        )

    def _fills(self) -> Table:
        raw = self.run.fills
        return Table(
            "fills",
            {
                "order": np.asarray(raw["order"]),
                "bar": np.asarray(raw["bar"]),
                "time": self._times_at(raw["bar"]),
                "symbol": self._symbols_at(raw["asset"]),
                "phase": _words(("open", "inside", "close"), raw["phase"]),
                "quantity": np.asarray(raw["quantity"]),
                "price": np.asarray(raw["price"]),
                "raw_price": np.asarray(raw["raw_price"]),
                "fee": np.asarray(raw["fee"]),
                "slippage": np.asarray(raw["slippage"]),
                "notional": np.asarray(raw["notional"]),
                "order_dependent": np.asarray(raw["ambiguous"]).astype(bool),
                "reason": _words(core.REASONS, raw["reason"]),
            },
        )

    def _cash_flows(self) -> Table:
        raw = self.run.cash_flows
        return Table(
            "cash flows",
            {
                "bar": np.asarray(raw["bar"]),
                "time": self._times_at(raw["bar"]),
                "symbol": self._symbols_at(raw["asset"]),
                "kind": np.asarray(raw["kind"]).astype(str).astype(object),
                "amount": np.asarray(raw["amount"]),
            },
        )

    def _positions(self) -> Table:
        raw = self.run.positions
        columns = {name: np.asarray(raw[name]) for name in ("quantity", "cost", "mark", "value")}
        return Table("positions", {"symbol": self._symbols_at(raw["asset"]), **columns})

    def _warnings(self) -> list[str]:
        out = list(self.stamps)
        if self.stats["n_fills"] == 0:
            out.append("no trades: the strategy never traded in this range")
        findings = self.findings
        if findings is not None:
            out += findings.alerts(int(self.bars.ts[0]), int(self.bars.ts[-1]))
        for reason, count in self.refusals.items():
            if count:
                out.append(f"{count} decision{'s' if count > 1 else ''} or orders not taken: {reason}")
        if self.stats["years"] < 1.0:
            out.append(f"short range: {self.stats['years']:.2f} years; yearly figures are extrapolations")
        return out


def _words(table: tuple[str, ...], codes: Any) -> np.ndarray[Any, np.dtype[Any]]:
    return np.array(table, dtype=object)[np.asarray(codes, dtype=np.int64)]
