"""Rebalanced portfolios with shared cash, and three stops at once, against vectorbt on the same arrays."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tradewright as tw

HOLD = -128
CASH = 1_000_000.0
FEE = 0.0005

pytestmark = pytest.mark.filterwarnings("ignore")  # the other library's own


# --- target weights ---------------------------------------------------------------------------------


def rebalanced(vbt: Any, bars: tw.Bars, rows: np.ndarray, weights: np.ndarray, slippage: float = 0.0) -> Any:
    """Portfolio of vectorbt: weights decided at the closes of `rows`, traded at the next opens out of one purse."""
    size = np.full(bars.close.shape, np.nan)
    traded = rows < bars.n_bars - 1
    size[rows[traded] + 1] = weights[traded]
    return vbt.Portfolio.from_orders(
        bars.close,
        size,
        size_type="targetpercent",
        price=bars.open,
        fees=FEE,
        slippage=slippage,
        init_cash=CASH,
        group_by=True,
        cash_sharing=True,
        call_seq="auto",
        freq="1D",
    )


def assert_same_orders(result: tw.Result, portfolio: Any, least: int) -> None:
    """Equal equity at every bar and the same executions, in the order in which they were executed."""
    np.testing.assert_allclose(result.equity, portfolio.value().to_numpy(), rtol=1e-9)
    ours, other = result.run.fills, portfolio.orders.records.sort_values("id")
    assert len(ours["bar"]) == len(other) >= least
    np.testing.assert_array_equal(ours["bar"], other["idx"].to_numpy())
    np.testing.assert_array_equal(ours["asset"], other["col"].to_numpy())
    quantity = np.where(other["side"] == 0, other["size"], -other["size"])
    # A change of a holding is the difference of two: its error is measured by the holding.
    holding = np.abs(quantity).max()
    np.testing.assert_allclose(ours["quantity"], quantity, rtol=1e-9, atol=1e-11 * holding)
    np.testing.assert_allclose(ours["price"], other["price"].to_numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours["fee"], other["fees"].to_numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_momentum_rotation(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int) -> None:
    """The built-in strategy against a ranking written out here; all equity is invested, so the last buy is cut."""
    bars = draw_bars(seed, 900, 40, sigma=0.018)
    n, top, lookback, skip, every = bars.n_bars, 8, 252, 21, 21
    momentum = np.full(bars.close.shape, np.nan)
    momentum[lookback:] = bars.close[lookback - skip : n - skip] / bars.close[: n - lookback] - 1.0
    rows = np.arange(lookback, n, every)
    weights = np.zeros((rows.size, bars.n_assets))
    np.put_along_axis(weights, np.argsort(-momentum[rows], axis=1, kind="stable")[:, :top], 1.0 / top, axis=1)
    rule: dict[str, Any] = {"top": top, "lookback": lookback, "skip": skip, "every": every}
    options: dict[str, Any] = {"commission": FEE, "slippage": 0.0, "initial_capital": CASH}
    result = tw.backtest(bars, "momentum_rotation", params=rule, **options)
    assert_same_orders(result, rebalanced(vbt, bars, rows, weights), least=300)


@pytest.mark.parametrize("invested", [0.6, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_random_weights(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int, invested: float) -> None:
    """Uneven weights, assets that leave and come back, slippage; at 1.0 cash is short at every rebalance."""
    bars = draw_bars(10 + seed, 400, 12, gap=0.01)
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(rng.random(bars.n_bars) < 0.15)
    weights = rng.dirichlet(np.full(12, 0.7), rows.size) * (rng.random((rows.size, 12)) < 0.7)
    weights *= invested / weights.sum(axis=1, keepdims=True)
    options: dict[str, Any] = {"commission": FEE, "slippage": 0.0002, "initial_capital": CASH}
    result = tw.backtest(bars, weights=(rows, weights), **options)
    assert_same_orders(result, rebalanced(vbt, bars, rows, weights, 0.0002), least=300)


@pytest.mark.parametrize("seed", range(3))
def test_weights_that_leave_some_assets_alone(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int) -> None:
    bars = draw_bars(20 + seed, 400, 6)
    rng = np.random.default_rng(seed)
    rows = np.arange(5, 400, 7)
    weights = rng.uniform(0.0, 0.15, (rows.size, 6))
    weights[rng.random(weights.shape) < 0.4] = np.nan
    options: dict[str, Any] = {"commission": FEE, "slippage": 0.0, "initial_capital": CASH}
    result = tw.backtest(bars, weights=(rows, weights), **options)
    assert_same_orders(result, rebalanced(vbt, bars, rows, weights), least=150)


@pytest.mark.parametrize("seed", range(3))
def test_long_and_short_weights(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int) -> None:
    """Weights of both signs that cross zero; ours executes a crossing as two fills, so positions are compared."""
    bars = draw_bars(30 + seed, 400, 6)
    rng = np.random.default_rng(seed)
    rows = np.arange(5, 400, 7)
    weights = rng.uniform(-0.12, 0.14, (rows.size, 6))
    options: dict[str, Any] = {"commission": FEE, "slippage": 0.0, "initial_capital": CASH, "maintenance_margin": 0.0}
    result = tw.backtest(bars, weights=(rows, weights), **options)
    portfolio = rebalanced(vbt, bars, rows, weights)
    np.testing.assert_allclose(result.equity, portfolio.value().to_numpy(), rtol=1e-9)
    held = np.zeros(bars.close.shape)
    np.add.at(held, (result.run.fills["bar"], result.run.fills["asset"]), result.run.fills["quantity"])
    held = held.cumsum(axis=0)
    assert (held.min(axis=0) < 0).all()
    assert (held.max(axis=0) > 0).all()
    np.testing.assert_allclose(held, portfolio.assets().to_numpy(), rtol=1e-9, atol=1e-8)


# --- stops ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def order_function(vbt: Any) -> Any:
    """The rule of docs/fill-semantics.md for a long position with stop, target and trail, as vectorbt's callback.

    Written out: entry all in at the open; at each later open gap exits, then the open lifts the trail; inside the bar
    the low first, then the high, then from the high (which lifts the trail) to the close.
    """
    njit: Any = importlib.import_module("numba").njit
    no_order, order_nb = vbt.portfolio.enums.NoOrder, vbt.portfolio.nb.order_nb

    @njit
    def order(c, open_, high, low, close, signal, fee, stop, target, trail, state, done):  # type: ignore[no-untyped-def]
        # state: entry price, highest price, bar of the entry; done: bar of the last exit
        i, col = c.i, c.from_col
        held = c.last_position[col]
        if held == 0.0:
            if c.call_idx > 0 or i == 0 or not signal[i - 1] or c.last_cash[0] == 0.0:
                return -1, no_order
            state[0] = open_[i]
            state[1] = open_[i]
            state[2] = i
            return col, order_nb(size=np.inf, price=open_[i], fees=fee, direction=0)
        if done[0] == i:
            return -1, no_order
        fixed, ceiling = state[0] * (1.0 - stop), state[0] * (1.0 + target)
        level = max(fixed, state[1] * (1.0 - trail))
        price = 0.0
        if i > state[2]:
            if open_[i] <= level or open_[i] >= ceiling:
                price = open_[i]
            else:
                state[1] = max(state[1], open_[i])
                level = max(fixed, state[1] * (1.0 - trail))
        if price == 0.0:
            if low[i] <= level:
                price = level
            elif high[i] >= ceiling:
                price = ceiling
            else:
                state[1] = max(state[1], high[i])
                level = max(fixed, state[1] * (1.0 - trail))
                if close[i] <= level:
                    price = level
        if price == 0.0:
            return -1, no_order
        done[0] = i
        return col, order_nb(size=-held, price=price, fees=fee, direction=0)

    return order


NEVER = 1e9  # a target that is never reached; a stop or trail of 1 is at a price of zero


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stop", "target", "trail"),
    [(0.01, 0.02, 0.015), (0.015, 0.03, 0.025), (0.02, None, None), (None, 0.03, None), (None, None, 0.02),
     (0.015, 0.01, None), (None, 0.02, 0.01), (0.02, None, 0.03)],
)  # fmt: skip
@pytest.mark.parametrize("seed", range(3))
def test_stop_target_and_trail(
    vbt: Any,
    order_function: Any,
    draw_bars: Callable[..., tw.Bars],
    seed: int,
    stop: float | None,
    target: float | None,
    trail: float | None,
) -> None:
    """Bars that span several levels and open with gaps, so every branch of the rule is taken."""
    bars = draw_bars(50 + seed, 4000, sigma=0.01, gap=0.006, wick=0.008)
    signal = np.random.default_rng(seed).random(4000) < 0.05
    arrays = (bars.open[:, 0], bars.high[:, 0], bars.low[:, 0], bars.close[:, 0], signal)
    levels = (stop or 1.0, target or NEVER, trail or 1.0)
    portfolio = vbt.Portfolio.from_order_func(
        bars.close[:, 0], order_function, *arrays, FEE, *levels, np.zeros(3), np.full(1, -1), flexible=True,
        init_cash=CASH, freq="1D", max_orders=8000,
    )  # fmt: skip
    options: dict[str, Any] = {"commission": FEE, "slippage": 0.0, "initial_capital": CASH}
    result = tw.backtest(bars, signals=np.where(signal, 1, HOLD), stop=stop, target=target, trail=trail, **options)
    np.testing.assert_allclose(result.equity, portfolio.value().to_numpy(), rtol=1e-9)
    ours, other = result.trades, portfolio.trades.records
    assert len(ours) == len(other) >= 12
    np.testing.assert_array_equal(ours["entry_bar"], other["entry_idx"].to_numpy())
    is_open = other["status"].to_numpy() == 0
    np.testing.assert_array_equal(ours["exit_bar"], np.where(is_open, -1, other["exit_idx"].to_numpy()))
    for name, column in (("quantity", "size"), ("entry_price", "entry_price"), ("exit_price", "exit_price")):
        np.testing.assert_allclose(ours[name], other[column].to_numpy(), rtol=1e-9, err_msg=name)
    expected = {name for name, level in (("stop", stop), ("target", target), ("trail", trail)) if level}
    assert set(ours["exit_reason"]) - {"open"} == expected
    assert (ours["entry_bar"] == ours["exit_bar"]).any(), "no trade ended in the bar of its entry"


@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("seed", range(3))
def test_stop_and_target_of_signals(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int, short: bool) -> None:
    """`from_signals` of vectorbt knows no stop in the bar of the entry, so here the levels lie beyond one bar."""
    bars = draw_bars(70 + seed, 3000, sigma=0.006, gap=0.0, wick=0.001)
    span = (bars.high / bars.low).max() - 1.0
    stop, target = 0.04, 0.05
    assert span < stop
    signal = np.random.default_rng(seed).random(3000) < 0.02
    entries = np.concatenate([[False], signal[:-1]])
    portfolio = vbt.Portfolio.from_signals(
        bars.close[:, 0], entries, False, price=bars.open[:, 0], open=bars.open[:, 0], high=bars.high[:, 0],
        low=bars.low[:, 0], init_cash=CASH, fees=FEE, freq="1D", direction="shortonly" if short else "longonly",
        sl_stop=stop, tp_stop=target, stop_entry_price="fillprice", stop_exit_price="stoplimit", size=5_000.0,
    )  # fmt: skip
    result = tw.backtest(
        bars, signals=np.where(signal, -1 if short else 1, HOLD), stop=stop, target=target, size=5_000.0,
        size_mode="quantity", commission=FEE, slippage=0.0, initial_capital=CASH,
    )  # fmt: skip
    np.testing.assert_allclose(result.equity, portfolio.value().to_numpy(), rtol=1e-9)
    ours, other = result.trades, portfolio.trades.records
    assert len(ours) == len(other) >= 10
    np.testing.assert_array_equal(ours["entry_bar"], other["entry_idx"].to_numpy())
    for name, column in (("quantity", "size"), ("entry_price", "entry_price"), ("exit_price", "exit_price")):
        np.testing.assert_allclose(ours[name], other[column].to_numpy(), rtol=1e-9, err_msg=name)
    assert {"stop", "target"} <= set(ours["exit_reason"])
