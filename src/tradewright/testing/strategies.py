"""The exam of strategies.

Entry point: `check_strategy`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.forecasts import HOLD
from tradewright.engine.decisions import Decisions, decide
from tradewright.engine.prepared import market_of, prepare
from tradewright.engine.settings import Settings
from tradewright.strategies.base import FunctionStrategy, initialised
from tradewright.strategies.registry import make_strategy
from tradewright.testing.market import walk_bars, with_other_future

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars

__all__ = ["check_strategy"]


def check_strategy(what: Any, *, bars: Bars | None = None, params: dict[str, Any] | None = None) -> None:
    """Examine a strategy: form, determinism, warm-up, and that it never looks ahead.

    Parameters
    ----------
    what : str, Strategy, class or function
        Whatever `tradewright.backtest` takes.
    bars : Bars, optional
        What to examine on; default random walks of one and of three instruments, long enough for the warm-up.
    params : dict, optional
        Parameters.

    Raises
    ------
    AssertionError
        With the fact that does not hold.

    Notes
    -----
    A look ahead is found in two ways: decisions on the first bars alone must equal the first decisions on all bars, and
    must not change when the bars after them do.

    Examples
    --------
    >>> check_strategy("sma_cross", params={"fast": 3, "slow": 8})
    >>> def peek(bars):
    ...     return np.roll(bars.close, -1, axis=0) > bars.close
    >>> check_strategy(peek)
    Traceback (most recent call last):
    ...
    AssertionError: peek looks ahead: its decision at bar ... depends on later bars.
    """
    strategy = make_strategy(what, params)
    name = str(getattr(strategy, "name", "") or type(strategy).__name__)
    warm_up = int(strategy.warm_up()) if hasattr(strategy, "warm_up") else 1
    assert warm_up >= 1, f"{name}: warm_up() is {warm_up}; it counts the row itself, so it is at least 1."
    given = dict(getattr(strategy, "params", None) or {})
    assert json.loads(json.dumps(given)) == _listed(given), f"{name}: its parameters {given!r} are not plain values."
    if hasattr(type(strategy), "params") and not isinstance(strategy, FunctionStrategy):
        again = make_strategy(type(strategy), given)
        assert dict(again.params) == given, f"{name}: made from its own parameters it has others ({again.params!r})."
    n = max(160, warm_up + 120)
    markets = (
        [bars] if bars is not None else [walk_bars(n), walk_bars(n, 3, seed=8), walk_bars(n, 2, seed=9, holes=0.05)]
    )
    for market in markets:
        _examine(strategy, name, warm_up, market)


def _examine(strategy: Any, name: str, warm_up: int, bars: Bars) -> None:
    whole = _decisions(strategy, bars)
    before = bars.close.copy()
    second = _decisions(strategy, bars)
    assert np.array_equal(before, bars.close, equal_nan=True), f"{name} changes the bars it is given."
    assert _same(whole, second, bars.n_bars), f"{name} answers differently when asked twice."
    if whole.kind == "signals":
        early = np.flatnonzero((np.asarray(whole.signals).reshape(bars.n_bars, -1) != HOLD).any(axis=1))
        assert early.size == 0 or early[0] >= warm_up - 1, (
            f"{name} has an opinion at bar {early[0]}, before its warm-up of {warm_up} bars is over."
        )
    elif whole.kind == "weights" and whole.rows is not None and whole.rows.size:
        assert whole.rows[0] >= warm_up - 1, (
            f"{name} has an opinion at bar {whole.rows[0]}, before its warm-up of {warm_up} bars is over."
        )
    if bars.n_bars <= warm_up:
        return
    cuts = np.unique(np.linspace(warm_up, bars.n_bars - 1, 7).astype(int))
    for cut in cuts.tolist():
        for other in (bars.head(cut), with_other_future(bars, cut)):
            row = _first_difference(whole, _decisions(strategy, other), cut)
            if row is None and whole.kind == "callback":
                row = _indicator_difference(strategy, bars, other, cut)
            assert row is None, f"{name} looks ahead: its decision at bar {row} depends on later bars."


def _decisions(strategy: Any, bars: Bars) -> Decisions:
    settings = Settings()
    made = decide(strategy, bars, market_of(bars, settings))
    if made.kind == "callback":
        prepared = prepare(bars, settings, validate=False)
        run = made.run(prepared.market, prepared.spec, bars)
        made.extra["n_bars"] = bars.n_bars
        made.extra["orders"] = {
            k: np.asarray(run.orders[k]) for k in ("bar", "asset", "kind", "quantity", "limit", "stop")
        }
    return made


def _indicator_difference(strategy: Any, bars: Bars, other: Bars, cut: int) -> int | None:
    """First bar before `cut` at which an indicator of a callback strategy knows what comes later."""
    pairs = zip(initialised(strategy, bars)[1], initialised(strategy, other)[1], strict=True)
    rows: list[int] = []
    for left, right in pairs:
        a, b = left.source[:cut], right.source[:cut]
        rows += np.flatnonzero((a != b) & ~(np.isnan(a) & np.isnan(b)))[:1].tolist()
    return min(rows, default=None)


def _same(left: Decisions, right: Decisions, cut: int) -> bool:
    return _first_difference(left, right, cut) is None


def _first_difference(left: Decisions, right: Decisions, cut: int) -> int | None:
    """First bar before `cut` at which two answers differ."""
    if left.kind == "signals":
        a, b = (np.asarray(item.signals)[:cut].reshape(cut, -1) for item in (left, right))
        rows = np.flatnonzero((a != b).any(axis=1))
        return int(rows[0]) if rows.size else None
    if left.kind == "weights":
        return _compare_events(
            {"bar": np.asarray(left.rows), "w": np.asarray(left.weights)},
            {"bar": np.asarray(right.rows), "w": np.asarray(right.weights)},
            cut,
        )
    a_columns, b_columns = (
        {k: np.asarray(v) for k, v in (item.orders or item.extra["orders"]).items()} for item in (left, right)
    )
    if left.kind != "callback":
        return _compare_events(a_columns, b_columns, cut)
    row = _compare_events(a_columns, b_columns, cut - 1)
    if row is not None or int(left.extra["n_bars"]) != int(right.extra["n_bars"]):
        return row  # without a next bar, what is asked for at the last one need not become an order
    # An order of the last common bar fills, and is sized, on a bar that differs: only what was asked for is compared.
    asked = ("bar", "asset", "kind")
    return _compare_events({k: a_columns[k] for k in asked}, {k: b_columns[k] for k in asked}, cut)


def _compare_events(left: dict[str, Any], right: dict[str, Any], cut: int) -> int | None:
    """First bar before `cut` at which two tables of decisions, ordered by bar, differ."""
    a, b = left["bar"] < cut, right["bar"] < cut
    n = min(int(a.sum()), int(b.sum()))
    for i in range(n):
        for key in left:
            x, y = left[key][a][i], right[key][b][i]
            if not np.array_equal(x, y, equal_nan=np.asarray(x).dtype.kind == "f"):
                return int(min(left["bar"][a][i], right["bar"][b][i]))
    if int(a.sum()) != int(b.sum()):
        longer = left["bar"][a] if a.sum() > b.sum() else right["bar"][b]
        return int(longer[n])
    return None


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _listed(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_listed(v) for v in value]
    return value
