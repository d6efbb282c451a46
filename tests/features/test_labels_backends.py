"""The compiled scans behind labels and their readable twins give the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright import _reference as twin

core = pytest.importorskip("tradewright._core")

FEW = settings(max_examples=60, deadline=None)


def prices(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    """Bars on a coarse grid, so that barriers are touched exactly and both at once."""
    close = 100 + np.cumsum(rng.integers(-2, 3, n)).astype(float)
    opening = np.concatenate([[100.0], close[:-1]]) + rng.integers(-1, 2, n)
    high = np.maximum(opening, close) + rng.integers(0, 3, n)
    low = np.minimum(opening, close) - rng.integers(0, 3, n)
    return [opening, high, low, close]


@FEW
@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_first_touch(seed: int, by_close: bool, gap_first: bool) -> None:
    rng = np.random.default_rng(seed)
    columns = prices(rng, 80)
    first = rng.integers(0, 80, 50)
    last = np.minimum(first + rng.integers(0, 30, 50), 79)
    upper = 100 + rng.integers(-3, 10, 50).astype(float)
    lower = upper - rng.integers(1, 9, 50)
    upper[:5], lower[5:10] = np.inf, -np.inf
    wins = rng.integers(0, 2, 50).astype(np.int8)
    found, wanted = (
        side.first_touch(*columns, first, last, upper, lower, wins, by_close=by_close, gap_first=gap_first)
        for side in (core, twin)
    )
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine.dtype == theirs.dtype
        assert np.array_equal(mine, theirs)


@FEW
@given(st.integers(0, 2**32), st.integers(3, 8), st.integers(0, 9), st.integers(1, 3))
def test_trend_scan(seed: int, shortest: int, more: int, step: int) -> None:
    rng = np.random.default_rng(seed)
    x = 100 + np.cumsum(rng.normal(size=60))
    x[20:30] = 100.0  # flat
    x[30:45] = np.arange(15.0)  # exactly straight
    first = np.arange(60 - shortest - more + 1)
    found, wanted = (side.trend_scan(x, first, shortest, shortest + more, step) for side in (core, twin))
    assert np.array_equal(found[0], wanted[0])
    assert np.array_equal(found[1], wanted[1])


@FEW
@given(st.integers(0, 2**32), st.floats(0.001, 0.2))
def test_cusum_and_deviation(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    change = rng.normal(0, 0.05, 200)
    change[rng.random(200) < 0.1] = np.nan
    limit = np.where(rng.random(200) < 0.1, np.nan, threshold)
    for mine, theirs in zip(core.cusum_events(change, limit), twin.cusum_events(change, limit), strict=True):
        assert np.array_equal(mine, theirs)
    for count in (2, 20):
        assert np.array_equal(
            core.ewm_std(change, threshold, count), twin.ewm_std(change, threshold, count), equal_nan=True
        )


@FEW
@given(st.integers(0, 2**32), st.integers(1, 25))
def test_sequential_draws(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    first = np.sort(rng.integers(0, 30, n))
    last = first + rng.integers(0, 12, n)
    uniform = rng.random(40)
    assert np.array_equal(core.sequential_draws(first, last, uniform), twin.sequential_draws(first, last, uniform))


@pytest.mark.parametrize("side", [core, twin])
def test_bad_input_is_refused(side: object) -> None:
    x = np.arange(5.0)
    with pytest.raises(ValueError, match="holds row 9"):
        side.trend_scan(x, np.array([9]), 3, 3)
    with pytest.raises(ValueError, match="must be sorted"):
        side.sequential_draws(np.array([3, 1]), np.array([4, 2]), np.array([0.5]))
    with pytest.raises(ValueError, match="begins at row 3 and ends at row 1"):
        side.sequential_draws(np.array([3]), np.array([1]), np.array([0.5]))
    with pytest.raises(ValueError, match="alpha is 0"):
        side.ewm_std(x, 0.0)
    with pytest.raises(ValueError, match="no spans"):
        side.sequential_draws(np.array([], dtype=np.int64), np.array([], dtype=np.int64), np.array([0.5]))
