"""Trades, equity and sums against vectorbt on the same arrays: signals of one instrument, long, short and both.

Vectorbt fills in the row of the signal, so decisions of a close are handed to it one row later with ``price=open``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.kernel import core

HOLD = -128
CASH = 250_000.0
FEE, SLIP = 0.0005, 0.0001
COSTS: dict[str, Any] = {"commission": FEE, "slippage": SLIP, "initial_capital": CASH}

pytestmark = pytest.mark.filterwarnings("ignore")  # the other library's own


def next_row(decided: np.ndarray) -> np.ndarray:
    """What was decided at closes, in the rows where it is traded."""
    out = np.zeros(decided.shape, dtype=bool)
    out[1:] = decided[:-1]
    return out


def theirs(vbt: Any, bars: tw.Bars, signals: np.ndarray, **options: Any) -> Any:
    """Portfolio of vectorbt from our signals: 1 long, 0 flat, -1 short, HOLD nothing."""
    given = {"price": bars.open[:, 0], "init_cash": CASH, "fees": FEE, "slippage": SLIP, "freq": "1D", **options}
    return vbt.Portfolio.from_signals(
        bars.close[:, 0],
        entries=next_row(signals == 1),
        exits=next_row(signals == 0),
        short_entries=next_row(signals == -1),
        short_exits=next_row(signals == 0),
        **given,
    )


def assert_same(result: tw.Result, portfolio: Any, rel: float = 1e-9, least: int = 5) -> None:
    """Equal equity at every bar and equal trades: bars exactly, prices and quantities to `rel`."""
    np.testing.assert_allclose(result.equity, portfolio.value().to_numpy(), rtol=rel)
    ours, other = result.trades, portfolio.trades.records
    assert len(ours) == len(other) >= least
    still_open = other["status"].to_numpy() == 0
    np.testing.assert_array_equal(ours["entry_bar"], other["entry_idx"].to_numpy())
    np.testing.assert_array_equal(ours["exit_bar"], np.where(still_open, -1, other["exit_idx"].to_numpy()))
    np.testing.assert_array_equal(ours["direction"] == "short", other["direction"].to_numpy() == 1)
    for name, column in (("quantity", "size"), ("entry_price", "entry_price"), ("exit_price", "exit_price")):
        np.testing.assert_allclose(ours[name], other[column].to_numpy(), rtol=rel, err_msg=name)
    fees = (other["entry_fees"] + other["exit_fees"]).to_numpy()
    np.testing.assert_allclose(ours["fees"], fees, rtol=rel, atol=1e-9)
    # A profit is the small difference of two large values, so its error is measured by their size.
    np.testing.assert_allclose(ours["pnl"], other["pnl"].to_numpy(), rtol=rel, atol=rel * CASH)


def crosses(close: np.ndarray, fast: int, slow: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows where the fast average goes above and below the slow one, by exact integer sums of ticks."""
    ticks = np.rint(close / 1e-4).astype(np.int64)
    total = np.concatenate([[0], np.cumsum(ticks)])
    order = np.zeros(close.size, dtype=np.int64)
    rows = np.arange(slow - 1, close.size)
    quick = (total[rows + 1] - total[rows + 1 - fast]) * slow
    order[rows] = np.sign(quick - (total[rows + 1] - total[rows + 1 - slow]) * fast)
    assert (order[rows] != 0).all(), "the draw has a tie of the two averages; choose another seed"
    up, down = np.zeros(close.size, dtype=bool), np.zeros(close.size, dtype=bool)
    up[slow:] = (order[slow:] > 0) & (order[slow - 1 : -1] < 0)
    down[slow:] = (order[slow:] < 0) & (order[slow - 1 : -1] > 0)
    return up, down


@pytest.mark.parametrize("seed", range(6))
def test_moving_average_cross_at_next_open(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int) -> None:
    """The built-in strategy finds the crosses by itself; vectorbt is told where they are."""
    bars = draw_bars(seed, 4000, sigma=0.012)
    up, down = crosses(bars.close[:, 0], 10, 40)
    result = tw.backtest(bars, "sma_cross", params={"fast": 10, "slow": 40}, **COSTS)
    signals = np.where(up, 1, np.where(down, 0, HOLD))
    assert_same(result, theirs(vbt, bars, signals), least=30)


@pytest.mark.parametrize("seed", [1, 2])
def test_moving_average_cross_that_flips(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int) -> None:
    bars = draw_bars(seed, 4000, sigma=0.012)
    up, down = crosses(bars.close[:, 0], 10, 40)
    options: dict[str, Any] = {"params": {"fast": 10, "slow": 40, "direction": "long_short"}, "maintenance_margin": 0.0}
    result = tw.backtest(bars, "sma_cross", **options, **COSTS)
    assert_same(result, theirs(vbt, bars, np.where(up, 1, np.where(down, -1, HOLD))), least=60)


@pytest.mark.parametrize("rough", [False, True], ids=["calm", "gappy"])
@pytest.mark.parametrize("seed", range(5))
def test_random_long_signals(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int, rough: bool) -> None:
    bars = draw_bars(100 + seed, 800, gap=0.03 if rough else 0.0, wick=0.02)
    signals = np.random.default_rng(seed).choice([1, 0, HOLD, HOLD], 800)
    result = tw.backtest(bars, signals=signals, **COSTS)
    assert_same(result, theirs(vbt, bars, signals), least=80)


@pytest.mark.parametrize("rough", [False, True], ids=["calm", "gappy"])
@pytest.mark.parametrize("seed", range(5))
def test_random_signals_to_both_sides(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int, rough: bool) -> None:
    """Entries from cash, exits, and flips in one bar, each with all the equity there is."""
    bars = draw_bars(200 + seed, 600, gap=0.02 if rough else 0.0)
    signals = np.random.default_rng(seed).choice(
        [1, 0, -1, HOLD, HOLD, HOLD], 600, p=[0.1, 0.05, 0.1, 0.25, 0.25, 0.25]
    )
    result = tw.backtest(bars, signals=signals, maintenance_margin=0.0, **COSTS)
    assert set(result.trades["direction"]) == {"long", "short"}
    assert_same(result, theirs(vbt, bars, signals), least=50)


@pytest.mark.parametrize("seed", range(3))
def test_executions_of_flips(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int) -> None:
    """Bar by bar, what the executions add up to is what vectorbt holds."""
    bars = draw_bars(200 + seed, 600, gap=0.02)
    signals = np.random.default_rng(seed).choice([1, 0, -1, HOLD], 600, p=[0.1, 0.05, 0.1, 0.75])
    result = tw.backtest(bars, signals=signals, maintenance_margin=0.0, **COSTS)
    held = np.zeros(600)
    np.add.at(held, np.asarray(result.fills["bar"]), np.asarray(result.fills["quantity"]))
    expected = theirs(vbt, bars, signals).assets().to_numpy()
    np.testing.assert_allclose(held.cumsum(), expected, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("fraction", [0.25, 0.8])
def test_entries_with_a_fraction_of_equity(vbt: Any, draw_bars: Callable[..., tw.Bars], fraction: float) -> None:
    bars = draw_bars(31, 900)
    signals = np.random.default_rng(31).choice([1, 0, HOLD], 900)
    result = tw.backtest(bars, signals=signals, size=fraction, **COSTS)
    assert_same(result, theirs(vbt, bars, signals, size=fraction, size_type="percent"), least=100)


def test_entries_with_a_value(vbt: Any, draw_bars: Callable[..., tw.Bars]) -> None:
    """Our value is what an entry may cost with slippage and fee; vectorbt's is quantity times the raw price."""
    bars = draw_bars(32, 900)
    signals = np.random.default_rng(32).choice([1, 0, HOLD], 900)
    result = tw.backtest(bars, signals=signals, size=20_000.0, size_mode="value", **COSTS)
    raw = 20_000.0 / ((1.0 + SLIP) * (1.0 + FEE))
    assert_same(result, theirs(vbt, bars, signals, size=raw, size_type="value"), least=100)
    spent = np.asarray(result.fills["notional"] + result.fills["fee"])[::2]
    np.testing.assert_allclose(spent, 20_000.0, rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_flips_with_a_value(vbt: Any, draw_bars: Callable[..., tw.Bars], seed: int) -> None:
    """Both sides, less than all equity: no order is cut, so shorts agree as exactly as longs."""
    bars = draw_bars(40 + seed, 900, gap=0.01)
    signals = np.random.default_rng(seed).choice([1, 0, -1, HOLD], 900)
    result = tw.backtest(bars, signals=signals, size=30_000.0, size_mode="value", **COSTS)
    raw = np.concatenate([[np.nan], 30_000.0 / ((1.0 + SLIP * np.sign(signals[:-1])) * (1.0 + FEE))])
    assert_same(result, theirs(vbt, bars, signals, size=raw, size_type="value"), least=150)


@pytest.mark.parametrize("fraction", [0.3, 0.9])
def test_shorts_with_a_fraction_of_equity(vbt: Any, draw_bars: Callable[..., tw.Bars], fraction: float) -> None:
    bars = draw_bars(45, 900, gap=0.01)
    signals = np.random.default_rng(45).choice([-1, 0, HOLD], 900)
    result = tw.backtest(bars, signals=signals, size=fraction, maintenance_margin=0.0, **COSTS)
    assert_same(result, theirs(vbt, bars, signals, size=fraction, size_type="percent"), least=100)


def test_entries_with_a_quantity_to_both_sides(vbt: Any, draw_bars: Callable[..., tw.Bars]) -> None:
    bars = draw_bars(33, 900)
    signals = np.random.default_rng(33).choice([1, 0, -1, HOLD], 900)
    result = tw.backtest(bars, signals=signals, size=150, size_mode="quantity", **COSTS)
    assert_same(result, theirs(vbt, bars, signals, size=150.0), least=150)
    assert (np.asarray(result.trades["quantity"]) == 150.0).all()


def test_a_size_per_bar(vbt: Any, draw_bars: Callable[..., tw.Bars]) -> None:
    bars = draw_bars(34, 900)
    rng = np.random.default_rng(34)
    signals, size = rng.choice([1, 0, HOLD], 900), rng.uniform(0.05, 0.95, 900)
    result = tw.backtest(bars, signals=signals, size=size, **COSTS)
    moved = np.concatenate([[np.nan], size[:-1]])
    assert_same(result, theirs(vbt, bars, signals, size=moved, size_type="percent"), least=100)


def test_whole_lots(vbt: Any, draw_bars: Callable[..., tw.Bars]) -> None:
    bars = draw_bars(35, 900)
    signals = np.random.default_rng(35).choice([1, 0, HOLD], 900)
    result = tw.backtest(bars, signals=signals, lot=10, **COSTS)
    assert_same(result, theirs(vbt, bars, signals, size_granularity=10.0), least=100)
    assert (np.asarray(result.trades["quantity"]) % 10 == 0).all()


def test_a_fixed_fee_per_order(vbt: Any, draw_bars: Callable[..., tw.Bars]) -> None:
    bars = draw_bars(36, 900)
    signals = np.random.default_rng(36).choice([1, 0, HOLD], 900)
    costs: dict[str, Any] = {
        "per_order": 7.5,
        "taker_rate": FEE,
        "maker_rate": FEE,
        "slip_model": "rate",
        "slip_a": SLIP,
    }
    result = tw.backtest(bars, signals=signals, costs=costs, initial_capital=CASH)
    assert_same(result, theirs(vbt, bars, signals, fixed_fees=7.5), least=100)


def test_fill_at_the_close_of_the_decision(vbt: Any, draw_bars: Callable[..., tw.Bars]) -> None:
    bars = draw_bars(37, 900)
    signals = np.random.default_rng(37).choice([1, 0, HOLD], 900)
    result = tw.backtest(bars, signals=signals, fill="same_close", **COSTS)
    same = vbt.Portfolio.from_signals(
        bars.close[:, 0], signals == 1, signals == 0, init_cash=CASH, fees=FEE, slippage=SLIP, freq="1D"
    )
    assert_same(result, same, least=100)


def test_fill_at_the_next_close(vbt: Any, draw_bars: Callable[..., tw.Bars]) -> None:
    bars = draw_bars(38, 900)
    signals = np.random.default_rng(38).choice([1, 0, HOLD], 900)
    result = tw.backtest(bars, signals=signals, fill="next_close", **COSTS)
    assert_same(result, theirs(vbt, bars, signals, price=bars.close[:, 0]), least=100)


@pytest.mark.shared_data
@pytest.mark.parametrize(("symbol", "fast", "slow"), [("GOOG", 10, 20), ("SPY", 5, 20), ("MSFT", 20, 100)])
@pytest.mark.parametrize("flip", [False, True], ids=["long", "long_short"])
def test_cross_on_real_bars(
    vbt: Any, real_bars: Callable[[str], tw.Bars], symbol: str, fast: int, slow: int, flip: bool
) -> None:
    bars = real_bars(symbol)
    rule: dict[str, Any] = {"fast": fast, "slow": slow, "direction": "long_short" if flip else "long"}
    result = tw.backtest(bars, "sma_cross", params=rule, maintenance_margin=0.0, **COSTS)
    up, down = crosses(bars.close[:, 0], fast, slow)
    other = theirs(vbt, bars, np.where(up, 1, np.where(down, -int(flip), HOLD)))
    assert_same(result, other)


@pytest.mark.parametrize("flip", [False, True], ids=["long", "long_short"])
def test_sums_of_a_sweep(vbt: Any, draw_bars: Callable[..., tw.Bars], flip: bool) -> None:
    """Final equity, drawdown, Sharpe ratio per day and number of trades of 60 pairs, by all three ways to run them."""
    bars = draw_bars(5, 2520, sigma=0.012)
    close = bars.close[:, 0]
    pairs = [(fast, slow) for fast in range(5, 25, 2) for slow in (30, 45, 60, 90, 120, 200)]
    made = [crosses(close, *pair) for pair in pairs]
    ups, downs = (np.column_stack([pair[k] for pair in made]) for k in (0, 1))
    wide = np.broadcast_to(close[:, None], ups.shape)
    direction = "both" if flip else "longonly"  # with both, an exit goes short
    portfolio = vbt.Portfolio.from_signals(
        wide, next_row(ups), next_row(downs), price=bars.open, init_cash=CASH, fees=FEE, slippage=SLIP, freq="1D",
        direction=direction,
    )  # fmt: skip
    other = {
        "final_equity": np.asarray(portfolio.final_value()),
        "max_drawdown": np.asarray(portfolio.max_drawdown()),
        "sharpe": np.asarray(portfolio.sharpe_ratio()) / np.sqrt(365.0),
        "n_trades": np.asarray(portfolio.trades.closed.count()),
    }
    assert other["n_trades"].min() > 0

    market = core.Market(bars.ts, bars.open, bars.high, bars.low, bars.close)
    spec = core.Spec(1, initial_cash=CASH, maker_rate=FEE, taker_rate=FEE, slip_model="rate", slip_a=SLIP,
                     allow_short=flip, maintenance_margin=0.0, periods_per_year=1.0)  # fmt: skip
    params = np.array(pairs, dtype=np.float64)
    signals = np.stack(
        [
            core.rule_signals("sma_cross", market, pair, by_state=False, long_only=not flip).reshape(-1)
            for pair in params
        ]
    )
    for rows in (
        core.sweep_rule(market, spec, "sma_cross", params, by_state=False, long_only=not flip, threads=1),
        core.sweep_signals(market, spec, signals, threads=1),
    ):
        for name, values in other.items():
            np.testing.assert_allclose(rows[:, core.METRICS.index(name)], values, rtol=1e-9, atol=1e-12, err_msg=name)
    for k in (0, 17, 59):
        rule = {"fast": pairs[k][0], "slow": pairs[k][1], "direction": "long_short" if flip else "long"}
        stats = tw.backtest(bars, "sma_cross", params=rule, maintenance_margin=0.0, **COSTS).stats
        assert stats["n_trades"] == other["n_trades"][k]
        assert stats["final_equity"] == pytest.approx(other["final_equity"][k], rel=1e-9)
        assert stats["sharpe"] / np.sqrt(365.0) == pytest.approx(other["sharpe"][k], rel=1e-9)
