"""Honest fill bands: what a result would be if the unknown order of high and low had been kind, fair or unkind.

Entry points: `Bands`, `bands_of`.

Invariants: the three runs differ in nothing but the rule inside bars; decisions are the same arrays (a callback
strategy is run anew, because what it sees depends on its fills). The band from `low` to `high` contains all three.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.engine.prepared import spec_of
from tradewright.kernel import core

if TYPE_CHECKING:
    from tradewright.engine.decisions import Decisions
    from tradewright.engine.prepared import Prepared

    F64 = np.ndarray[Any, np.dtype[np.float64]]
    I64 = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["ORDER_DEPENDENT_SHARE", "RULES", "Bands", "bands_of"]

RULES: Final = ("pessimistic", "expected", "optimistic")
ORDER_DEPENDENT_SHARE: Final = 0.1
"""Share of order-dependent trades from which a whole result is called order-dependent."""

WORTH_A_THREAD: Final = 20_000
"""Bars from which two runs are made at the same time."""

_RESTING: Final = ("limit", "stop", "stop_limit", "trail")


@dataclass(frozen=True, slots=True)
class Bands:
    """Statistics under the three rules inside bars, and the range of returns they allow.

    Parameters
    ----------
    pessimistic, expected, optimistic : mapping of str to float or None
        Statistics of the run under each rule.
    n_order_dependent : int
        Closed trades of the pessimistic run whose outcome depends on the unknown order.
    n_trades : int
        Closed trades of the pessimistic run.
    low, high : float
        Total return of the worst and of the best history that can be put together from the three runs, changing
        from one to another where all three enter the same trade. See docs/fill-bands.md.

    Examples
    --------
    >>> import numpy as np, tradewright as tw
    >>> close = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 500)))
    >>> bars = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close}
    >>> bands = tw.backtest(bars, "sma_cross", params={"fast": 2, "slow": 5}, trail=0.01, bands=True).bands
    >>> bands.low < bands.high, bands.order_dependent
    (True, True)
    """

    pessimistic: Mapping[str, float | None]
    expected: Mapping[str, float | None]
    optimistic: Mapping[str, float | None]
    n_order_dependent: int
    n_trades: int
    low: float
    high: float

    @property
    def spread(self) -> float:
        """Width of the band of total returns, `high` less `low`: how much these bars do not tell."""
        return self.high - self.low

    @property
    def order_dependent(self) -> bool:
        """True when at least `ORDER_DEPENDENT_SHARE` of the closed trades depend on the unknown order."""
        return 0 < self.n_order_dependent >= ORDER_DEPENDENT_SHARE * self.n_trades

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "pessimistic": dict(self.pessimistic),
            "expected": dict(self.expected),
            "optimistic": dict(self.optimistic),
            "n_order_dependent": self.n_order_dependent,
            "n_trades": self.n_trades,
            "low": self.low,
            "high": self.high,
            "spread": self.spread,
            "order_dependent": self.order_dependent,
        }


def bands_of(prepared: Prepared, decisions: Decisions, run: core.Run) -> Bands:
    """Run the engine under the rules that `run` did not use and put the three side by side.

    Nothing is run again when no order ever rested in the market: the rules inside bars have nothing to say then.

    Parameters
    ----------
    prepared : Prepared
    decisions : Decisions
    run : core.Run
        Made under ``prepared.settings.intrabar``.
    """
    runs = dict.fromkeys(RULES, run)
    rests = _rests(prepared, decisions, run)
    if rests:
        runs |= _others(prepared, decisions)
    tables = [runs[rule].trades for rule in RULES]
    closed = tables[0]["exit_bar"] >= 0
    values = {rule: {name: _defined(value) for name, value in runs[rule].stats.items()} for rule in RULES}
    returns = [float(values[rule]["total_return"] or 0.0) for rule in RULES]
    reach = _range([runs[rule] for rule in RULES], tables, prepared, decisions.kind) if rests else ()
    return Bands(
        **values,
        n_order_dependent=int((tables[0]["ambiguous"][closed] != 0).sum()),
        n_trades=int(closed.sum()),
        low=min(*returns, *reach),
        high=max(*returns, *reach),
    )


def _others(prepared: Prepared, decisions: Decisions) -> dict[str, core.Run]:
    """Runs under the rules that the settings do not name, at the same time where that pays."""
    rules = [rule for rule in RULES if rule != prepared.settings.intrabar]
    runs: dict[str, core.Run] = {}

    def add(rule: str) -> None:
        spec = prepared.memory.get(f"spec {rule}")
        if spec is None:
            settings = replace(prepared.settings, intrabar=rule)
            spec = prepared.memory[f"spec {rule}"] = spec_of(prepared.bars, settings, prepared.periods_per_year)
        runs[rule] = decisions.run(prepared.market, spec, prepared.bars)

    if decisions.kind == "callback" or prepared.bars.n_bars < WORTH_A_THREAD or core.__backend__ != "rust":
        for rule in rules:
            add(rule)
        return runs
    from concurrent.futures import ThreadPoolExecutor

    # The engine releases the interpreter while it runs, and the runs share nothing that changes.
    first, *rest = rules
    with ThreadPoolExecutor(len(rest)) as pool:
        waiting = [pool.submit(add, rule) for rule in rest]
        add(first)
        for item in waiting:
            item.result()
    return runs


def _rests(prepared: Prepared, decisions: Decisions, run: core.Run) -> bool:
    """Whether any order of the run waited inside a bar for a price."""
    settings = prepared.settings
    protected = settings.stop or settings.target or settings.trail
    if decisions.kind in {"signals", "weights"}:
        return bool(protected)
    kinds = [core.KINDS.index(kind) for kind in _RESTING]
    return bool(np.isin(run.orders["kind"], kinds).any())


def _range(
    runs: Sequence[core.Run], tables: Sequence[core.Columns], prepared: Prepared, kind: str
) -> tuple[float, ...]:
    """Worst and best total return of the histories that can be put together from the runs of `RULES`.

    All runs meet where each of them opens the same position (instrument, bar, direction): what they did before does
    not matter for what follows. Between two meetings each run is one possible history, so the worst (best) of all
    combinations takes the worst (best) run of every stretch. Empty when all are one.
    """
    settings = prepared.settings
    initial, compounds = settings.initial_capital, settings.size_mode in {"fraction", "risk"} and kind != "orders"
    n_bars, n_assets = prepared.bars.n_bars, prepared.bars.n_assets
    keys = [_entries(table, n_bars, n_assets) for table in tables]
    edges = _meetings(keys, 2 * n_bars * np.arange(n_assets))
    entered = edges // 2 % n_bars
    ways: list[F64] = []
    for row, (run, table, key) in enumerate(zip(runs, tables, keys, strict=True)):
        stretch = edges.searchsorted(key, side="right") - 1
        pnls = [table["pnl"]]
        if row > 0 and settings.trail_update == "path":
            pnls.append(table["pnl"] - _hidden_loss(table, key, tables[0], keys[0], prepared))
        before = np.maximum(np.where(entered > 0, run.equity[entered - 1], initial), 1e-9 * initial)
        for pnl in pnls:
            gain = np.asarray(np.bincount(stretch, weights=pnl, minlength=edges.size), dtype=np.float64)
            ways.append(np.log1p(np.maximum(gain / before, -1.0 + 1e-12)) if compounds else gain)
    # Measured from the expected run, so that what no trade explains (dividends, borrow, interest) is in.
    base, usual, gains = runs[1].final_equity, ways[1], np.array(ways)
    down, up = (float((bound - usual).sum()) for bound in (gains.min(axis=0), gains.max(axis=0)))
    if down == up:
        return ()
    low, high = (base * math.exp(down), base * math.exp(up)) if compounds else (base + down, base + up)
    return low / initial - 1.0, high / initial - 1.0


def _entries(table: core.Columns, n_bars: int, n_assets: int) -> I64:
    """What each trade opened: instrument, bar and direction in one number."""
    bar = table["entry_bar"].astype(np.int64)
    if n_assets > 1:
        bar += table["asset"].astype(np.int64) * n_bars
    return 2 * bar + (table["direction"] > 0)


def _meetings(keys: Sequence[I64], starts: I64) -> I64:
    """Entries that every run has, ascending, and the start of each instrument."""
    if starts.size > 1:  # one instrument's trades are in order already
        keys = [np.sort(key, kind="stable") for key in keys]
    met = keys[0]
    for other in keys[1:]:
        if other.size == 0:
            return starts
        met = met[other[np.minimum(other.searchsorted(met), other.size - 1)] == met]
    both = np.concatenate((starts, met))
    if starts.size > 1:
        both.sort(kind="stable")
    return both[np.diff(both, prepend=-1) > 0]


def _hidden_loss(table: core.Columns, key: I64, first: core.Columns, first_key: I64, prepared: Prepared) -> F64:
    """What each trade could have lost more if the price had turned at the worst moment of its last bar.

    A trail that follows the price within the bar can be met anywhere between the far extreme of the bar and the
    level that the near one gives; the worst way rises just so far that the fall to the low (short: the rise to the
    high) meets it. No walk over the extremes alone goes there. Where the pessimistic run left the same trade in the
    same bar at a worse price, the trail (or a stop) had been in reach from the start, and that price is the worst.
    """
    trailed = (
        (table["ambiguous"] != 0) & (table["exit_bar"] >= 0) & (table["exit_reason"] == core.REASONS.index("trail"))
    )
    rows = np.flatnonzero(trailed)
    loss = np.zeros(trailed.size)
    if rows.size == 0:
        return loss
    asset, bar, direction = (table[name][rows].astype(np.int64) for name in ("asset", "exit_bar", "direction"))
    bars, costs = prepared.bars, prepared.settings.costs.spec_settings()
    slip = costs["half_spread"] + (costs["slip_a"] if costs["slip_model"] == "rate" else 0.0)
    extreme = np.where(direction > 0, bars.low[bar, asset], bars.high[bar, asset]) * (1.0 - direction * slip)
    multiplier = np.array([instrument.multiplier for instrument in bars.instruments])[asset]
    found = np.abs(table["quantity"][rows]) * multiplier * direction * (table["exit_price"][rows] - extreme)
    # Where the first run left the same trade in the same bar; the last row stands for nowhere.
    left = np.append(first_key * bars.n_bars + first["exit_bar"], -1)
    order = np.argsort(left, kind="stable")
    here = key[rows] * bars.n_bars + bar
    same = order[np.minimum(np.searchsorted(left[order], here), order.size - 1)]
    gap = direction * (table["exit_price"][rows] - np.append(first["exit_price"], 0.0)[same])
    loss[rows] = np.where((left[same] == here) & (gap > 0.0), 0.0, np.maximum(found, 0.0))
    return loss


def _defined(value: float) -> float | None:
    return float(value) if value - value == 0.0 else None
