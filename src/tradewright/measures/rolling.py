"""Risk and ratio of the last `window` returns, bar by bar.

Entry points: `rolling_volatility`, `rolling_sharpe`.

Invariants: the value at bar `t` reads bars ``t - window + 1`` to ``t``; NaN until the window is full. The cost does not
depend on the window, and nothing is ever subtracted from a running sum: the bars are cut into blocks as long as the
window, and each window is put together from the end of one block and the beginning of the next. So a wild bar leaves no
rounding behind in the windows after it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ._check import F64, periods, series, window_of

__all__ = ["rolling_sharpe", "rolling_volatility"]


def rolling_volatility(returns: npt.ArrayLike, *, window: int, periods_per_year: float) -> F64:
    """Annualised sample standard deviation of the last `window` returns.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    window : int
        Bars, at least 2.
    periods_per_year : float
        Bars in a year.

    Returns
    -------
    float64 array, shape (n_bars,)
        Fractions a year; NaN for the first ``window - 1`` bars.

    Examples
    --------
    >>> rolling_volatility([0.01, -0.01, 0.01], window=2, periods_per_year=4.0).round(6).tolist()
    [nan, 0.028284, 0.028284]
    """
    _, spread = _moments(series(returns, "returns"), window_of(window))
    scaled: F64 = spread * np.sqrt(periods(periods_per_year))
    return scaled


def rolling_sharpe(returns: npt.ArrayLike, *, window: int, periods_per_year: float, risk_free: float = 0.0) -> F64:
    """Sharpe ratio of the last `window` returns, by the convention of `sharpe`.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    window : int
        Bars, at least 2.
    periods_per_year : float
        Bars in a year.
    risk_free : float
        Risk-free return a year, simple.

    Returns
    -------
    float64 array, shape (n_bars,)
        NaN for the first ``window - 1`` bars and where all returns of the window are equal.

    Examples
    --------
    >>> rolling_sharpe([0.02, 0.0, 0.0], window=2, periods_per_year=1.0).round(6).tolist()
    [nan, 0.707107, nan]
    """
    year = periods(periods_per_year)
    mean, spread = _moments(series(returns, "returns"), window_of(window))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: F64 = (mean - risk_free / year) / spread * np.sqrt(year)
    ratio[spread == 0.0] = np.nan
    return ratio


def _moments(change: F64, window: int) -> tuple[F64, F64]:
    """Mean and sample deviation of each full window; the deviation is exactly 0 where all values are equal."""
    size = change.size
    mean, spread = np.full(size, np.nan), np.full(size, np.nan)
    if size < window:
        return mean, spread
    blocks = -(-size // window)
    padded = np.full(blocks * window, change[-1])
    padded[:size] = change
    table = padded.reshape(blocks, window)
    centre = table.mean(axis=1)
    counts = np.arange(1.0, window + 1.0)
    head = _parts(table, centre, counts)
    tail = tuple(part[:, ::-1] for part in _parts(table[:, ::-1], centre, counts))
    head_n, tail_n = np.tile(counts, blocks), np.tile(counts[::-1], blocks)
    last = np.arange(window - 1, size)
    first = last - window + 1
    # Chan, Golub and LeVeque (1979): two parts become one without a difference of large sums.
    means, squares, lows, highs = (part.reshape(-1)[last] for part in head)
    means_t, squares_t, lows_t, highs_t = (part.reshape(-1)[first] for part in tail)
    count, count_t = head_n[last], tail_n[first]
    whole = first % window == 0  # the window is one block: its beginning is all of it
    shift = means_t - means
    mean[last] = np.where(whole, means, means + shift * count_t / window)
    total = np.where(whole, squares, squares + squares_t + shift * shift * count * count_t / window)
    flat = np.where(whole, lows == highs, np.minimum(lows, lows_t) == np.maximum(highs, highs_t))
    spread[last] = np.where(flat, 0.0, np.sqrt(np.maximum(total, 0.0) / (window - 1)))
    return mean, spread


def _parts(table: F64, centre: F64, counts: F64) -> tuple[F64, F64, F64, F64]:
    """Mean, sum of squared deviations, lowest and highest of the first 1, 2, ... values of each row."""
    off = table - centre[:, None]
    sums = np.cumsum(off, axis=1)
    squares = np.cumsum(off * off, axis=1) - sums * sums / counts
    return (
        centre[:, None] + sums / counts,
        np.maximum(squares, 0.0),
        np.minimum.accumulate(table, axis=1),
        np.maximum.accumulate(table, axis=1),
    )
