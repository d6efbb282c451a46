"""Risk and ratio of the last `window` returns, bar by bar.

Entry points: `rolling_volatility`, `rolling_sharpe`.

Invariants: the value at bar `t` reads bars ``t - window + 1`` to ``t``; NaN until the window is full. Each window is
summed afresh (in blocks that bound the memory), so one wild bar leaves no rounding behind in the bars that follow.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ._check import F64, periods, series, window_of

__all__ = ["rolling_sharpe", "rolling_volatility"]

_CELLS = 2_000_000  # values of one block of windows: 16 MB at a time, however long the series


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
    mean = np.full(change.size, np.nan)
    spread = np.full(change.size, np.nan)
    if change.size < window:
        return mean, spread
    windows = np.lib.stride_tricks.sliding_window_view(change, window)
    block = max(1, _CELLS // window)
    for first in range(0, len(windows), block):
        part = windows[first : first + block]
        rows = slice(first + window - 1, first + window - 1 + len(part))
        mean[rows] = part.mean(axis=1)
        spread[rows] = np.where(part.min(axis=1) == part.max(axis=1), 0.0, part.std(axis=1, ddof=1))
    return mean, spread
