"""The rolling kernels against TA-Lib: equal values, and the first value at the same bar."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.kernel import core

Array = np.ndarray[Any, np.dtype[np.float64]]
Drawn = Callable[..., tw.Bars]


@pytest.fixture(params=["walk 1", "walk 2", "rough", "pennies", "large", "SPY", "MSFT"])
def bars(request: pytest.FixtureRequest, draw_bars: Drawn) -> tw.Bars:
    made = {
        "walk 1": lambda: draw_bars(1, 2000),
        "walk 2": lambda: draw_bars(2, 301),
        "rough": lambda: draw_bars(3, 2000, sigma=0.05, gap=0.03, wick=0.03),
        "pennies": lambda: draw_bars(4, 1000, start=0.05, sigma=0.002, gap=0.0, wick=0.001),
        "large": lambda: draw_bars(5, 1000, start=60_000.0, sigma=0.02),
    }
    if request.param in made:
        return made[request.param]()
    request.applymarker(pytest.mark.shared_data)
    found: tw.Bars = request.getfixturevalue("real_bars")(request.param)
    return found


def column(bars: tw.Bars, name: str) -> Array:
    return np.ascontiguousarray(getattr(bars, name)[:, 0])


def assert_same(ours: Array, theirs: Array, first: int, *, atol: float = 0.0) -> None:
    """NaN until `first` in both, then equal to 1e-10."""
    assert ours.shape == theirs.shape
    assert np.isnan(ours[:first]).all()
    assert np.isfinite(ours[first:]).all()
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=atol)


@pytest.mark.parametrize("window", [2, 3, 20, 200])
def test_sma(talib: Any, bars: tw.Bars, window: int) -> None:
    close = column(bars, "close")
    assert_same(core.sma(close, window), talib.SMA(close, window), window - 1)


@pytest.mark.parametrize("span", [2, 3, 12, 26, 200])
def test_ema_starts_from_a_simple_average(talib: Any, bars: tw.Bars, span: int) -> None:
    """TA-Lib's default compatibility: the mean of the first `span` values, then alpha = 2 / (span + 1)."""
    close = column(bars, "close")
    assert_same(core.ema(close, span), talib.EMA(close, span), span - 1)


@pytest.mark.parametrize("window", [2, 5, 20, 100])
def test_rolling_std_of_the_population(talib: Any, bars: tw.Bars, window: int) -> None:
    """To 1e-10; TA-Lib subtracts two large sums, whose rounding (some units of x squared) is all that is allowed more.

    Which of the two is right where they differ, the next test decides.
    """
    close = column(bars, "close")
    lost = 16.0 * np.finfo(float).eps * float(close.max()) ** 2
    ours, theirs = core.rolling_std(close, window), talib.STDDEV(close, window)
    assert np.isnan(ours[: window - 1]).all()
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours**2, theirs**2, rtol=1e-10, atol=lost)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("window", [2, 5, 20, 100])
def test_rolling_std_in_exact_arithmetic(bars: tw.Bars, window: int, ddof: int) -> None:
    """Each window by itself: sums without rounding (`math.fsum`), which neither a drift nor a cancellation survives."""
    close = column(bars, "close")
    ours = core.rolling_std(close, window, ddof)
    for row in range(window - 1, close.size, 7):
        part = close[row + 1 - window : row + 1]
        mean = math.fsum(part) / window
        exact = math.sqrt(math.fsum((x - mean) ** 2 for x in part) / (window - ddof))
        assert ours[row] == pytest.approx(exact, rel=1e-12, abs=1e-15 * abs(mean))


@pytest.mark.parametrize("window", [2, 3, 14, 100])
def test_rsi(talib: Any, bars: tw.Bars, window: int) -> None:
    close = column(bars, "close")
    assert_same(core.rsi(close, window), talib.RSI(close, window), window, atol=1e-9)


def test_rsi_of_prices_that_stand_still(talib: Any) -> None:
    """Neither gains nor losses: 50 here, the middle of the range; TA-Lib says 0, which reads as a crash."""
    still = np.full(40, 12.5)
    assert (core.rsi(still, 14)[14:] == 50.0).all()
    assert (talib.RSI(still, 14)[14:] == 0.0).all()


@pytest.mark.parametrize("window", [2, 3, 14, 100])
def test_atr(talib: Any, bars: tw.Bars, window: int) -> None:
    high, low, close = (column(bars, name) for name in ("high", "low", "close"))
    assert_same(core.atr(high, low, close, window), talib.ATR(high, low, close, window), window)


@pytest.mark.parametrize("window", [2, 3, 20, 250])
def test_rolling_extremes(talib: Any, bars: tw.Bars, window: int) -> None:
    """Not a single bit may differ: an extreme is one of the values."""
    high, low = column(bars, "high"), column(bars, "low")
    np.testing.assert_array_equal(core.rolling_max(high, window), talib.MAX(high, window))
    np.testing.assert_array_equal(core.rolling_min(low, window), talib.MIN(low, window))


@pytest.mark.parametrize("length", [1, 2, 13, 14, 15, 16])
def test_series_about_as_long_as_the_window(talib: Any, draw_bars: Drawn, length: int) -> None:
    """The first value, or none at all, exactly where TA-Lib has it."""
    drawn = draw_bars(9, 40)
    high, low, close = (np.ascontiguousarray(column(drawn, name)[:length]) for name in ("high", "low", "close"))
    for ours, theirs in (
        (core.sma(close, 14), talib.SMA(close, 14)),
        (core.ema(close, 14), talib.EMA(close, 14)),
        (core.rolling_std(close, 14), talib.STDDEV(close, 14)),
        (core.rsi(close, 14), talib.RSI(close, 14)),
        (core.atr(high, low, close, 14), talib.ATR(high, low, close, 14)),
        (core.rolling_max(high, 14), talib.MAX(high, 14)),
        (core.rolling_min(low, 14), talib.MIN(low, 14)),
    ):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
        np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def test_leading_holes_shift_the_warm_up(talib: Any, draw_bars: Drawn) -> None:
    """A series that begins later is that series, later: TA-Lib skips leading NaN too."""
    drawn = draw_bars(10, 300)
    holes = np.full(37, np.nan)
    high, low, close = (np.concatenate([holes, column(drawn, name)]) for name in ("high", "low", "close"))
    assert_same(core.ema(close, 12), talib.EMA(close, 12), 37 + 11)
    assert_same(core.rsi(close, 14), talib.RSI(close, 14), 37 + 14, atol=1e-9)
    assert_same(core.atr(high, low, close, 14), talib.ATR(high, low, close, 14), 37 + 14)
    assert_same(core.sma(close, 20), talib.SMA(close, 20), 37 + 19)
    assert_same(core.rolling_max(high, 20), talib.MAX(high, 20), 37 + 19)


def test_built_in_bollinger_bands_are_those_of_talib(talib: Any, draw_bars: Drawn) -> None:
    """The compiled rule trades at TA-Lib's bands: long below the lower one, out at the middle."""
    drawn = draw_bars(11, 3000)
    close = column(drawn, "close")
    _, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    expected, state = np.zeros(close.size, dtype=np.int64), 0
    for row in range(19, close.size):
        if state == 0 and close[row] < lower[row]:
            state = 1
        elif state == 1 and close[row] >= middle[row]:
            state = 0
        expected[row] = state
    market = core.Market(drawn.ts, drawn.open, drawn.high, drawn.low, drawn.close)
    ours = core.rule_signals("bollinger", market, np.array([20.0, 2.0]), by_state=True, long_only=True).reshape(-1)
    assert expected.sum() > 100
    np.testing.assert_array_equal(ours[19:], expected[19:])


@pytest.mark.parametrize("window", [20, 100])
def test_averages_after_a_giant_do_not_remember_it(talib: Any, window: int) -> None:
    """A split that nobody adjusted: after values of 1e8 come values of 1. A plain running sum keeps their rounding."""
    rng = np.random.default_rng(12)
    values = np.concatenate([1e8 * (1.0 + rng.random(1000)), 1.0 + rng.random(20_000)])
    rows = np.arange(2000, values.size, 501)
    exact = np.array([math.fsum(values[row + 1 - window : row + 1]) / window for row in rows])
    np.testing.assert_allclose(core.sma(values, window)[rows], exact, rtol=1e-12)
    assert np.abs(talib.SMA(values, window)[rows] / exact - 1.0).max() > 1e-10
