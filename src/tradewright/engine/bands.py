"""Honest fill bands: what a result would be if the unknown order of high and low had been kind, fair or unkind.

Entry points: `Bands`, `bands_of`.

Invariants: the three runs differ in nothing but the rule inside bars; decisions are the same arrays (a callback
strategy is run anew, because what it sees depends on its fills). The band from `low` to `high` contains all three.
"""

from __future__ import annotations

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
    runs: dict[str, core.Run] = {prepared.settings.intrabar: run}
    rests = _rests(prepared, decisions, run)
    for rule in RULES:
        if rule in runs:
            continue
        if not rests:
            runs[rule] = run
            continue
        settings = replace(prepared.settings, intrabar=rule)
        spec = spec_of(prepared.bars, settings, prepared.periods_per_year)
        runs[rule] = decisions.run(prepared.market, spec, prepared.bars)
    trades = runs["pessimistic"].trades
    closed = trades["exit_bar"] >= 0
    values = {rule: {name: _defined(value) for name, value in runs[rule].stats.items()} for rule in RULES}
    low = high = 0.0
    if rests:
        low, high = _range([runs[rule] for rule in RULES], prepared, decisions.kind)
    returns = [float(values[rule]["total_return"] or 0.0) for rule in RULES]
    return Bands(
        **values,
        n_order_dependent=int((trades["ambiguous"][closed] != 0).sum()),
        n_trades=int(closed.sum()),
        low=min(low, *returns) if rests else min(returns),
        high=max(high, *returns) if rests else max(returns),
    )


def _rests(prepared: Prepared, decisions: Decisions, run: core.Run) -> bool:
    """Whether any order of the run waited inside a bar for a price."""
    settings = prepared.settings
    protected = settings.stop or settings.target or settings.trail
    if decisions.kind in {"signals", "weights"}:
        return bool(protected)
    kinds = [core.KINDS.index(kind) for kind in _RESTING]
    return bool(np.isin(run.orders["kind"], kinds).any())


def _range(runs: Sequence[core.Run], prepared: Prepared, kind: str) -> tuple[float, float]:
    """Worst and best total return of the histories that can be put together from the runs of `RULES`.

    All runs meet where each of them opens the same position (instrument, bar, direction): what they did before does
    not matter for what follows. Between two meetings each run is one possible history, so the worst (best) of all
    combinations takes the worst (best) run of every stretch.
    """
    settings = prepared.settings
    initial, compounds = settings.initial_capital, settings.size_mode in {"fraction", "risk"} and kind != "orders"
    tables = [run.trades for run in runs]
    n_bars = runs[0].equity.shape[0]
    keys = [
        2 * (table["asset"].astype(np.int64) * n_bars + table["entry_bar"]) + (table["direction"] > 0)
        for table in tables
    ]
    met = np.intersect1d(np.intersect1d(keys[0], keys[1]), keys[2])
    starts = 2 * n_bars * np.unique(np.concatenate([table["asset"] for table in tables]).astype(np.int64))
    edges = np.union1d(met, starts)
    entered = edges // 2 % n_bars
    gains = np.empty((2 * len(runs), edges.size))
    for row, (run, table, key) in enumerate(zip(runs, tables, keys, strict=True)):
        stretch = np.searchsorted(edges, key, side="right") - 1
        worst = table["pnl"]
        if settings.trail and settings.trail_update == "path" and row > 0:
            worst = worst - _hidden_loss(table, key, tables[0], keys[0], prepared, n_bars)
        before = np.where(entered > 0, run.equity[entered - 1], initial)
        for at, pnl in ((row, table["pnl"]), (row + len(runs), worst)):
            gains[at] = np.bincount(stretch, weights=pnl, minlength=edges.size)
            if compounds:
                gains[at] = np.log1p(np.maximum(gains[at] / before, -1.0 + 1e-12))
    # Measured from one of the runs, so that what no trade explains (dividends, borrow, interest) is in.
    base = runs[1].final_equity
    down, up = (float((bound - gains[1]).sum()) for bound in (gains.min(axis=0), gains.max(axis=0)))
    low, high = (base * np.exp(down), base * np.exp(up)) if compounds else (base + down, base + up)
    return float(low / initial - 1.0), float(high / initial - 1.0)


def _hidden_loss(
    table: core.Columns, key: I64, first: core.Columns, first_key: I64, prepared: Prepared, n_bars: int
) -> F64:
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
    left = first_key * n_bars + first["exit_bar"]
    order = np.argsort(left, kind="stable")
    here = key[rows] * n_bars + bar
    at = np.searchsorted(left[order], here)
    same = order[np.minimum(at, order.size - 1)] if order.size else np.zeros(rows.size, dtype=np.int64)
    worse = np.zeros(rows.size, dtype=bool)
    if order.size:
        worse = (left[same] == here) & (direction * (table["exit_price"][rows] - first["exit_price"][same]) > 0.0)
    loss[rows] = np.where(worse, 0.0, np.maximum(found, 0.0))
    return loss


def _defined(value: float) -> float | None:
    return float(value) if value - value == 0.0 else None
