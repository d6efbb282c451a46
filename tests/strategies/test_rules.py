"""The rules of the built-in strategies, against slow and obvious computations of the same thing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.bars import Bars
from tradewright.domain.forecasts import HOLD
from tradewright.strategies.registry import make_strategy
from tradewright.testing import walk_bars

seeds = st.integers(0, 2**31)


def _sma_state(close: np.ndarray, fast: int, slow: int) -> list[int | None]:
    out: list[int | None] = []
    for t in range(close.size):
        if t + 1 < slow:
            out.append(None)
        else:
            out.append(int(close[t - fast + 1 : t + 1].mean() > close[t - slow + 1 : t + 1].mean()))
    return out


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 8), st.integers(1, 12))
def test_sma_cross_is_the_order_of_two_means(seed: int, fast: int, gap: int) -> None:
    slow = fast + gap
    bars = walk_bars(80, seed=seed)
    want = _sma_state(bars.close[:, 0], fast, slow)
    state = make_strategy("sma_cross", {"fast": fast, "slow": slow, "on": "state"}).signals(bars)[:, 0]
    assert [None if s == HOLD else int(s) for s in state] == want
    cross = make_strategy("sma_cross", {"fast": fast, "slow": slow}).signals(bars)[:, 0]
    for t in range(80):
        changed = t > 0 and want[t] is not None and want[t - 1] is not None and want[t] != want[t - 1]
        assert cross[t] == (want[t] if changed else HOLD)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 10), st.integers(1, 10))
def test_donchian_compares_a_close_with_previous_bars_only(seed: int, entry: int, leave: int) -> None:
    bars = walk_bars(90, seed=seed)
    close, high, low = bars.close[:, 0], bars.high[:, 0], bars.low[:, 0]
    got = make_strategy("donchian_breakout", {"entry": entry, "exit": leave}).signals(bars)[:, 0]
    state = 0
    for t in range(90):
        if t < max(entry, leave):
            assert got[t] == HOLD
            continue
        if close[t] > high[t - entry : t].max():
            state = 1
        elif close[t] < low[t - leave : t].min():
            state = 0
        assert got[t] == state, f"bar {t}"


def test_a_channel_with_the_current_bar_in_it_would_never_be_left() -> None:
    """A drawn series: each close is a new high, but never the high of its own bar."""
    close = np.array([10.0, 11.0, 12.0, 13.0, 14.0])
    bars = Bars.from_arrays(None, close, close + 0.5, close - 0.5, close)
    got = make_strategy("donchian_breakout", {"entry": 2, "exit": 2}).signals(bars)[:, 0]
    assert got.tolist() == [HOLD, HOLD, 1, 1, 1]
    assert not (close[2:] > np.maximum(bars.high[1:-1, 0], bars.high[2:, 0])).any()


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(3, 15), st.floats(0.3, 2.5))
def test_bollinger_buys_below_the_band_and_leaves_at_the_mean(seed: int, window: int, width: float) -> None:
    bars = walk_bars(90, seed=seed)
    close = bars.close[:, 0]
    got = make_strategy("bollinger_reversion", {"window": window, "width": width}).signals(bars)[:, 0]
    state = 0
    for t in range(90):
        if t + 1 < window:
            assert got[t] == HOLD
            continue
        part = close[t - window + 1 : t + 1]
        mean, std = part.mean(), part.std()
        if abs(close[t] - (mean - width * std)) < 1e-9 or abs(close[t] - mean) < 1e-9:
            state = int(got[t])  # a tie that rounding decides
        elif close[t] < mean - width * std:
            state = 1
        elif close[t] >= mean:
            state = 0
        assert got[t] == state, f"bar {t}"


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 6), st.integers(2, 20), st.integers(0, 5), st.integers(1, 7))
def test_momentum_holds_the_strongest(seed: int, top: int, lookback: int, skip: int, every: int) -> None:
    skip = min(skip, lookback - 1)
    bars = walk_bars(60, 5, seed=seed)
    params = {"top": top, "lookback": lookback, "skip": skip, "every": every}
    rows, weights = make_strategy("momentum_rotation", params).weights(bars)
    assert rows.tolist() == list(range(lookback, 60, every))
    for row, weight in zip(rows, weights, strict=True):
        score = bars.close[row - skip] / bars.close[row - lookback] - 1.0
        best = sorted(range(5), key=lambda j: (-score[j], j))[: min(top, 5)]
        assert np.flatnonzero(weight).tolist() == sorted(best)
        assert weight.sum() == pytest.approx(1.0)


def test_buy_and_hold_buys_each_instrument_once() -> None:
    bars = walk_bars(40, 3, seed=3, holes=0.3)
    got = make_strategy("buy_and_hold").signals(bars)
    for j in range(3):
        known = np.flatnonzero(np.isfinite(bars.close[:, j]))
        assert np.flatnonzero(got[:, j] == 1).tolist() == [known[0]]
        assert set(np.unique(got[:, j])) == {1, HOLD}
