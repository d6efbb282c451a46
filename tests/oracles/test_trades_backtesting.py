"""Trades and equity against backtesting.py: whole units, flips, brackets, trails, limits, stops and leverage.

Its conventions in ours: ``lot=1``, market orders at the next open, ``commission`` per fill, no slippage,
``maintenance_margin=0``. Positions that are still open at the end are not among its trades.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tradewright as tw

HOLD = -128
CASH = 100_000.0
FEE = 0.002
OURS: dict[str, Any] = {
    "initial_capital": CASH, "commission": FEE, "slippage": 0.0, "lot": 1, "maintenance_margin": 0.0,
}  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore")  # open trades at the end, and the libraries' own

Bars = Callable[..., tw.Bars]


def frame_of(bars: tw.Bars) -> Any:
    import pandas as pd

    columns = {name.capitalize(): getattr(bars, name)[:, 0] for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(bars.ts.view("datetime64[ns]")))


def theirs(bt: Any, bars: tw.Bars, step: Callable[[Any, int], None], **options: Any) -> Any:
    """Result of backtesting.py; ``step(strategy, row)`` decides at the close of each row from the second on."""
    body = {"init": lambda self: None, "next": lambda self: step(self, len(self.data) - 1)}
    strategy = type("Drawn", (bt.Strategy,), body)
    return bt.Backtest(frame_of(bars), strategy, **{"cash": CASH, "commission": FEE, **options}).run()


class Decides:
    """Our side of the same decisions, called at every close."""

    def __init__(self, step: Callable[[Any, int], None]) -> None:
        self.step = step

    def on_bar(self, ctx: Any) -> None:
        self.step(ctx, ctx.bar)


def assert_same(result: tw.Result, other: Any, *, least: int, equity: bool = True) -> None:
    """Equal closed trades (size, bars, prices, profit) and, at every bar, equal equity."""
    if equity:
        np.testing.assert_allclose(result.equity, other["_equity_curve"]["Equity"].to_numpy(), rtol=1e-9)
    table = result.trades
    closed = np.asarray(table["exit_bar"]) >= 0
    sign = np.where(np.asarray(table["direction"]) == "long", 1.0, -1.0)
    trades = other["_trades"].sort_values(["ExitBar", "EntryBar"], kind="stable")
    assert closed.sum() == len(trades) >= least
    np.testing.assert_array_equal((table["quantity"] * sign)[closed], trades["Size"].to_numpy())
    for name, column in (("entry_bar", "EntryBar"), ("exit_bar", "ExitBar")):
        np.testing.assert_array_equal(table[name][closed], trades[column].to_numpy(), err_msg=name)
    for name, column in (("entry_price", "EntryPrice"), ("exit_price", "ExitPrice")):
        np.testing.assert_allclose(table[name][closed], trades[column].to_numpy(), rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(table["pnl"][closed], trades["PnL"].to_numpy(), rtol=1e-9, atol=1e-7)
    fees = trades["Commission"].to_numpy()
    np.testing.assert_allclose(table["fees"][closed], fees, rtol=1e-9, atol=1e-9)


def assert_same_statistics(result: tw.Result, other: Any) -> None:
    """The statistics on which both agree by definition."""
    stats = result.stats
    closed = np.asarray(result.trades["exit_bar"]) >= 0
    pnl = result.trades["pnl"][closed]
    assert stats["final_equity"] == pytest.approx(other["Equity Final [$]"], rel=1e-9)
    assert stats["total_return"] == pytest.approx(other["Return [%]"] / 100.0, rel=1e-9)
    assert stats["max_drawdown"] == pytest.approx(other["Max. Drawdown [%]"] / 100.0, rel=1e-9)
    assert stats["n_trades"] == other["# Trades"]
    assert stats["win_rate"] == pytest.approx(other["Win Rate [%]"] / 100.0, rel=1e-12)
    assert stats["sqn"] == pytest.approx(other["SQN"], rel=1e-9)
    assert stats["calmar"] * stats["max_drawdown"] == pytest.approx(-stats["cagr"], rel=1e-12)
    assert stats["best_trade"] == pytest.approx(other["Best Trade [%]"] / 100.0, rel=1e-9)
    assert stats["worst_trade"] == pytest.approx(other["Worst Trade [%]"] / 100.0, rel=1e-9)
    wins = pnl > 0.0
    payoff = pnl[wins].mean() / -pnl[~wins].mean()
    assert other["Kelly Criterion"] == pytest.approx(wins.mean() - (1.0 - wins.mean()) / payoff, rel=1e-9)


# --- market orders ----------------------------------------------------------------------------------


def follow(signals: np.ndarray) -> Callable[[Any, int], None]:
    """Buy and sell with all there is whenever the signal differs from the position."""

    def step(strategy: Any, row: int) -> None:
        held = np.sign(strategy.position.size)
        if signals[row] == HOLD or signals[row] == held:
            return
        if signals[row] == 0:
            strategy.position.close()
        elif signals[row] > 0:
            strategy.buy()
        else:
            strategy.sell()

    return step


def crosses(close: np.ndarray, fast: int, slow: int) -> np.ndarray:
    """1 and -1 where the fast average crosses, by exact integer sums of ticks; `slow` full averages come first."""
    total = np.concatenate([[0], np.cumsum(np.rint(close / 1e-4).astype(np.int64))])
    rows = np.arange(slow - 1, close.size)
    order = np.sign(
        (total[rows + 1] - total[rows + 1 - fast]) * slow - (total[rows + 1] - total[rows + 1 - slow]) * fast
    )
    out = np.full(close.size, HOLD)
    out[rows[1:]] = np.where(order[1:] * order[:-1] < 0, order[1:], HOLD)
    return out


@pytest.mark.parametrize("seed", range(4))
def test_cross_that_flips(bt: Any, draw_bars: Bars, seed: int) -> None:
    bars = draw_bars(seed, 1500)
    rule = {"fast": 10, "slow": 20, "direction": "long_short"}
    result = tw.backtest(bars, "sma_cross", params=rule, **OURS)
    other = theirs(bt, bars, follow(crosses(bars.close[:, 0], 10, 20)), exclusive_orders=True)
    assert_same(result, other, least=40)
    assert_same_statistics(result, other)


@pytest.mark.shared_data
@pytest.mark.parametrize(("fast", "slow"), [(10, 20), (10, 30), (5, 50)])
def test_cross_on_google(bt: Any, real_bars: Bars, fast: int, slow: int) -> None:
    """The library's own example with a commission on both sides, from 10,000 in cash."""
    bars = real_bars("GOOG")
    rule = {"fast": fast, "slow": slow, "direction": "long_short"}
    result = tw.backtest(bars, "sma_cross", params=rule, **{**OURS, "initial_capital": 10_000.0})
    other = theirs(bt, bars, follow(crosses(bars.close[:, 0], fast, slow)), exclusive_orders=True, cash=10_000.0)
    assert_same(result, other, least=40)
    assert_same_statistics(result, other)


@pytest.mark.parametrize("cash", [2_500.0, 100_000.0])
@pytest.mark.parametrize("seed", range(4))
def test_random_signals(bt: Any, draw_bars: Bars, seed: int, cash: float) -> None:
    """Entries, exits and flips with all there is; with little cash a rounding of one unit would be seen."""
    bars = draw_bars(20 + seed, 700, gap=0.01)
    signals = np.random.default_rng(seed).choice([1, 0, -1, HOLD], 700, p=[0.1, 0.1, 0.1, 0.7])
    signals[0] = HOLD
    result = tw.backtest(bars, signals=signals, **{**OURS, "initial_capital": cash})
    other = theirs(bt, bars, follow(signals), exclusive_orders=True, cash=cash)
    assert_same(result, other, least=80)
    assert_same_statistics(result, other)


@pytest.mark.parametrize("seed", range(3))
def test_flip_by_callback(bt: Any, draw_bars: Bars, seed: int) -> None:
    """The decisions of `test_random_signals`, given bar by bar."""
    bars = draw_bars(20 + seed, 700, gap=0.01)
    signals = np.random.default_rng(seed).choice([1, 0, -1, HOLD], 700, p=[0.1, 0.1, 0.1, 0.7])
    signals[0] = HOLD

    def step(ctx: Any, row: int) -> None:
        if signals[row] == HOLD or signals[row] == np.sign(ctx.position):
            return
        if ctx.position:
            ctx.close_position()
        if signals[row]:
            (ctx.buy if signals[row] > 0 else ctx.sell)()

    result = tw.backtest(bars, Decides(step), **OURS)
    assert_same(result, theirs(bt, bars, follow(signals), exclusive_orders=True), least=80)


@pytest.mark.parametrize("seed", range(3))
def test_fill_at_the_close_of_the_decision(bt: Any, draw_bars: Bars, seed: int) -> None:
    """Its books record such a fill one bar later, so equity is compared between the fills."""
    bars = draw_bars(30 + seed, 700)
    signals = np.random.default_rng(seed).choice([1, 0, HOLD], 700, p=[0.1, 0.1, 0.8])
    signals[0] = signals[-1] = HOLD
    result = tw.backtest(bars, signals=signals, fill="same_close", **OURS)
    other = theirs(bt, bars, follow(signals), trade_on_close=True)
    assert_same(result, other, least=25, equity=False)
    quiet = np.ones(700, dtype=bool)
    quiet[np.asarray(result.fills["bar"])] = False
    curve = other["_equity_curve"]["Equity"].to_numpy()
    np.testing.assert_allclose(result.equity[quiet], curve[quiet], rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_two_to_one_leverage(bt: Any, draw_bars: Bars, seed: int) -> None:
    bars = draw_bars(40 + seed, 600, sigma=0.004)
    signals = np.random.default_rng(seed).choice([1, 0, -1, HOLD], 600, p=[0.05, 0.05, 0.05, 0.85])
    signals[0] = HOLD
    free: dict[str, Any] = {"no_costs": True, "initial_capital": CASH, "lot": 1, "maintenance_margin": 0.0}
    result = tw.backtest(bars, signals=signals, leverage=2.0, size=2.0, **free)
    other = theirs(bt, bars, follow(signals), exclusive_orders=True, margin=0.5, commission=0.0)
    assert_same(result, other, least=30)
    assert result.exposure.max() > 1.9


@pytest.mark.parametrize("seed", range(4))
def test_orders_that_add_and_reduce(bt: Any, draw_bars: Bars, seed: int) -> None:
    """Its trades are first in, first out and ours have average cost, but money is money: equity is equal."""
    bars = draw_bars(50 + seed, 500)
    quantity = np.random.default_rng(seed).choice([0, 10, 25, -10, -25], 500, p=[0.6, 0.1, 0.1, 0.1, 0.1])
    quantity[0] = 0

    def step(strategy: Any, row: int) -> None:
        if quantity[row] > 0:
            strategy.buy(size=quantity[row])
        elif quantity[row] < 0:
            strategy.sell(size=-quantity[row])

    rows = np.flatnonzero(quantity)
    result = tw.backtest(bars, orders={"bar": rows, "quantity": quantity[rows].astype(float)}, **OURS)
    other = theirs(bt, bars, step)
    np.testing.assert_allclose(result.equity, other["_equity_curve"]["Equity"].to_numpy(), rtol=1e-9)
    held = np.zeros(500)
    np.add.at(held, np.asarray(result.run.fills["bar"]), np.asarray(result.run.fills["quantity"]))
    assert held.cumsum().min() < 0 < held.cumsum().max()


# --- protection -------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [(0.02, 0.03), (0.02, None), (None, 0.03), (0.02, 0.02)])
@pytest.mark.parametrize("seed", range(3))
def test_brackets(bt: Any, draw_bars: Bars, seed: int, levels: tuple[float | None, float | None]) -> None:
    """Stop and target as prices, hit in the bar of the entry too, both sides, gaps through either level.

    Left out is the one bar on which the two differ on purpose: it opens beyond the target and then falls to the stop.
    """
    bars = draw_bars(60 + seed, 1500, sigma=0.008, gap=0.004, wick=0.004)
    stop, target = levels
    rng = np.random.default_rng(seed)
    side = rng.choice([0, 1, -1], 1500, p=[0.8, 0.1, 0.1])
    side[0] = side[-1] = 0
    opened = bars.open[:, 0]
    if stop and target:
        apart = (1.0 + target) / (1.0 - stop)
        assert (bars.open / bars.low).max() < apart > (bars.high / bars.open).max()

    def around(row: int) -> dict[str, float | None]:
        price = opened[row + 1]
        return {
            "sl": None if stop is None else float(price * (1.0 - side[row] * stop)),
            "tp": None if target is None else float(price * (1.0 + side[row] * target)),
        }

    def other_step(strategy: Any, row: int) -> None:
        if strategy.position and row % 40 == 0:
            strategy.position.close()
        elif not strategy.position and side[row]:
            (strategy.buy if side[row] > 0 else strategy.sell)(size=100, **around(row))

    def our_step(ctx: Any, row: int) -> None:
        if ctx.position and row % 40 == 0:
            ctx.close_position()
        elif not ctx.position and side[row]:
            made = around(row)
            ctx.order(100.0 * side[row], stop_loss=made["sl"], take_profit=made["tp"], protect_kind="price")

    result = tw.backtest(bars, Decides(our_step), **OURS)
    assert_same(result, theirs(bt, bars, other_step), least=40)
    reasons = set(result.trades["exit_reason"])
    assert {name for name, level in (("stop", stop), ("target", target)) if level} <= reasons
    if stop:
        assert (np.asarray(result.trades["entry_bar"]) == np.asarray(result.trades["exit_bar"])).any()


@pytest.mark.parametrize("seed", range(3))
def test_protection_that_the_entry_has_passed_already(bt: Any, draw_bars: Bars, seed: int) -> None:
    """Prices chosen at the close; the open jumps beyond one of them, and the position ends where it began."""
    calm = draw_bars(110 + seed, 1500, sigma=0.003, gap=0.0, wick=0.002)
    jump = np.exp(np.cumsum(0.01 * np.random.default_rng(seed + 9).standard_normal((1500, 1)), axis=0))
    op, hi, lo, cl = (np.round(getattr(calm, name) * jump, 4) for name in ("open", "high", "low", "close"))
    bars = tw.Bars.from_arrays(calm.ts, op, hi, lo, cl, calm.volume)
    stop, target = 0.012, 0.02
    apart = (1.0 + target) / (1.0 - stop)
    assert (bars.open / bars.low).max() < apart > (bars.high / bars.open).max()
    side = np.random.default_rng(seed).choice([0, 1, -1], 1500, p=[0.6, 0.2, 0.2])
    side[0] = side[-1] = 0
    close = bars.close[:, 0]

    def around(row: int) -> tuple[float, float]:
        return float(close[row] * (1.0 - side[row] * stop)), float(close[row] * (1.0 + side[row] * target))

    def other_step(strategy: Any, row: int) -> None:
        if not strategy.position and side[row]:
            sl, tp = around(row)
            (strategy.buy if side[row] > 0 else strategy.sell)(size=100, sl=sl, tp=tp)

    def our_step(ctx: Any, row: int) -> None:
        if not ctx.position and side[row]:
            sl, tp = around(row)
            ctx.order(100.0 * side[row], stop_loss=sl, take_profit=tp, protect_kind="price")

    result = tw.backtest(bars, Decides(our_step), **OURS)
    assert_same(result, theirs(bt, bars, other_step), least=80)
    table = result.trades
    at_once = np.asarray(table["entry_price"]) == np.asarray(table["exit_price"])
    assert {"stop", "target"} <= set(np.asarray(table["exit_reason"])[at_once])


def test_a_bar_that_opens_beyond_the_target_and_falls_to_the_stop(bt: Any) -> None:
    """The open comes first: the target is filled there. Backtesting.py looks at the stop first and takes a loss."""
    quiet = [100.0, 100.5, 99.5, 100.0]
    op, hi, lo, cl = np.array([quiet, quiet, quiet, [106.0, 107.0, 94.0, 95.0]]).T
    bars = tw.Bars.from_arrays(None, op, hi, lo, cl)
    levels = {"stop_loss": 97.0, "stop_loss_kind": "price", "take_profit": 105.0, "take_profit_kind": "price"}
    result = tw.backtest(bars, orders=[{"bar": 1, "quantity": 10, **levels}], **OURS)
    assert result.trades["exit_price"].tolist() == [106.0]
    other = theirs(bt, bars, lambda strategy, row: strategy.buy(size=10, sl=97.0, tp=105.0) if row == 1 else None)
    assert other["_trades"]["ExitPrice"].tolist() == [97.0]


@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("seed", range(3))
def test_trail_that_moves_when_the_bar_is_over(bt: Any, draw_bars: Bars, seed: int, side: int) -> None:
    """``trail_update="bar"``: from the entry price at first, then from the highest high of the bars before."""
    bars = draw_bars(70 + seed, 1500, sigma=0.01, gap=0.003, wick=0.006)
    trail = 0.015
    enter = np.random.default_rng(seed).random(1500) < 0.1
    enter[0] = enter[-1] = False
    opened, high, low = bars.open[:, 0], bars.high[:, 0], bars.low[:, 0]

    def step(strategy: Any, row: int) -> None:
        for trade in strategy.trades:
            span = slice(trade.entry_bar, row + 1)
            if side > 0:
                trade.sl = max(trade.sl, high[span].max() * (1.0 - trail))
            else:
                trade.sl = min(trade.sl, low[span].min() * (1.0 + trail))
        if not strategy.position and enter[row]:
            order = strategy.buy if side > 0 else strategy.sell
            order(size=100, sl=float(opened[row + 1] * (1.0 - side * trail)))

    signals = np.where(enter, side, HOLD)
    options: dict[str, Any] = {"signals": signals, "size": 100, "size_mode": "quantity", "trail": trail, **OURS}
    result = tw.backtest(bars, trail_update="bar", **options)
    assert_same(result, theirs(bt, bars, step), least=20)
    assert set(result.trades["exit_reason"]) - {"open"} == {"trail"}
    inside = tw.backtest(bars, trail_update="path", **options)
    assert inside.trades["exit_bar"].tolist() != result.trades["exit_bar"].tolist()


@pytest.mark.parametrize("seed", range(3))
def test_a_stop_that_is_replaced_at_every_close(bt: Any, draw_bars: Bars, seed: int) -> None:
    """Cancel and submit again, as a strategy does that trails by closes."""
    bars = draw_bars(80 + seed, 1200, sigma=0.008)
    close = bars.close[:, 0]
    enter = np.random.default_rng(seed).random(1200) < 0.1
    enter[0] = enter[-1] = False

    def other_step(strategy: Any, row: int) -> None:
        for trade in strategy.trades:
            trade.sl = max(trade.sl or 0.0, close[row] * 0.97)
        if not strategy.position and enter[row]:
            strategy.buy(size=100)

    kept: dict[str, float] = {"level": 0.0}

    def our_step(ctx: Any, row: int) -> None:
        for order in ctx.active_orders():
            ctx.cancel(order)
        if ctx.position:
            kept["level"] = max(kept["level"], close[row] * 0.97)
            ctx.order(-ctx.position, "stop", stop=kept["level"], reduce_only=True)
        else:
            kept["level"] = 0.0
            if enter[row]:
                ctx.order(100.0)

    result = tw.backtest(bars, Decides(our_step), **OURS)
    assert_same(result, theirs(bt, bars, other_step), least=20)


# --- resting orders ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["limit", "stop", "stop_limit"])
@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("seed", range(2))
def test_entries_that_wait_for_their_price(bt: Any, draw_bars: Bars, seed: int, side: int, kind: str) -> None:
    """Good till cancelled after five bars; the position is closed after four.

    A stop with a limit is drawn without gaps: where the open jumps over the stop, backtesting.py fills at the stop.
    """
    bars = draw_bars(90 + seed, 1500, gap=0.0 if kind == "stop_limit" else 0.006)
    close = bars.close[:, 0]
    wanted = np.random.default_rng(seed).random(1500) < 0.2
    wanted[0] = wanted[-1] = False
    away = side * (-0.01 if kind == "limit" else 0.01)

    def prices(row: int) -> dict[str, float]:
        price = float(close[row] * (1.0 + away))
        if kind == "stop_limit":
            return {"stop": price, "limit": price * (1.0 + side * 0.004)}
        return {kind: price}

    placed = {"theirs": 0, "ours": 0}

    def other_step(strategy: Any, row: int) -> None:
        for order in strategy.orders:
            if row - placed["theirs"] >= 5:
                order.cancel()
        for trade in strategy.trades:
            if row - trade.entry_bar == 4:
                trade.close()
        if not strategy.position and not strategy.orders and wanted[row]:
            (strategy.buy if side > 0 else strategy.sell)(size=50, **prices(row))
            placed["theirs"] = row

    since = {"bar": 0, "held": 0}

    def our_step(ctx: Any, row: int) -> None:
        since["held"] = since["held"] + 1 if ctx.position else 0
        for order in ctx.active_orders():
            if row - placed["ours"] >= 5:
                ctx.cancel(order)
        if since["held"] == 5:
            ctx.close_position()
        if not ctx.position and not ctx.active_orders() and wanted[row]:
            ctx.order(50.0 * side, kind, **prices(row))
            placed["ours"] = row

    result = tw.backtest(bars, Decides(our_step), **OURS)
    assert_same(result, theirs(bt, bars, other_step), least=40)
    assert "cancelled" in set(result.orders["status"])
