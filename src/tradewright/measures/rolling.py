"""Risk and ratio of the last `window` returns, bar by bar.

Entry points: `rolling_volatility`, `rolling_sharpe`, `rolling_sortino`, `rolling_beta`, `rolling_alpha`,
`rolling_max_drawdown`, and `rolling`, which takes any function of a window.

Invariants: the value at bar `t` reads bars ``t - window + 1`` to ``t``; NaN until the window is full. The cost does not
depend on the window, and nothing is ever subtracted from a running sum: the bars are cut into blocks as long as the
window, and each window is put together from the end of one block and the beginning of the next. So a wild bar leaves no
rounding behind in the windows after it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ._check import F64, pair, periods, series, window_of

__all__ = [
    "rolling",
    "rolling_alpha",
    "rolling_beta",
    "rolling_max_drawdown",
    "rolling_sharpe",
    "rolling_sortino",
    "rolling_volatility",
]


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


def rolling_sortino(returns: npt.ArrayLike, *, window: int, periods_per_year: float, risk_free: float = 0.0) -> F64:
    """Sortino ratio of the last `window` returns, by the convention of `sortino`.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    window : int
        Bars, at least 2.
    periods_per_year : float
        Bars in a year.
    risk_free : float
        Target return a year, simple.

    Returns
    -------
    float64 array, shape (n_bars,)
        NaN for the first ``window - 1`` bars and where no return of the window is below the target.

    Examples
    --------
    >>> rolling_sortino([0.03, -0.01, 0.01], window=2, periods_per_year=1.0).round(6).tolist()
    [nan, 1.414214, 0.0]
    """
    change = series(returns, "returns")
    year = periods(periods_per_year)
    size = window_of(window)
    target = risk_free / year
    mean, _ = _moments(change, size)
    lacking = np.minimum(change - target, 0.0)
    below, _ = _moments(lacking * lacking, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: F64 = (mean - target) / np.sqrt(below) * np.sqrt(year)
    ratio[~(_windowed(lacking, size, np.min) < 0.0)] = np.nan
    return ratio


def rolling_beta(returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, window: int) -> F64:
    """Beta over the last `window` bars.

    Parameters
    ----------
    returns, benchmark : array-like, shape (n_bars,)
        Simple returns of the same bars.
    window : int
        Bars, at least 2.

    Returns
    -------
    float64 array, shape (n_bars,)
        NaN for the first ``window - 1`` bars and where the benchmark did not vary.

    Notes
    -----
    ``cov(r, b) = (var(r + b) - var(r - b)) / 4``, so that it rests on the same stable moments as the others.

    Examples
    --------
    >>> rolling_beta([0.02, -0.02, 0.01], [0.01, -0.01, 0.02], window=2).round(6).tolist()
    [nan, 2.0, 1.0]
    """
    own, other = pair(returns, benchmark, "returns", "benchmark")
    size = window_of(window)
    _, spread = _moments(other, size)
    # Both at the same scale, or the difference of squares would drown the smaller one.
    scale = float(other.std()) / float(own.std()) if own.size and own.std() > 0.0 and other.std() > 0.0 else 1.0
    _, plus = _moments(own * scale + other, size)
    _, minus = _moments(own * scale - other, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope: F64 = (plus - minus) * (plus + minus) / 4.0 / (spread * spread) / scale
    slope[~(spread > 0.0)] = np.nan
    return slope


def rolling_alpha(
    returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, window: int, periods_per_year: float, risk_free: float = 0.0
) -> F64:
    """Arithmetic alpha a year over the last `window` bars.

    Parameters
    ----------
    returns, benchmark : array-like, shape (n_bars,)
        Simple returns of the same bars.
    window : int
        Bars, at least 2.
    periods_per_year : float
        Bars in a year.
    risk_free : float
        Risk-free return a year, simple.

    Returns
    -------
    float64 array, shape (n_bars,)
        NaN for the first ``window - 1`` bars and where the benchmark did not vary.

    Examples
    --------
    >>> rolling_alpha([0.03, -0.01], [0.01, -0.01], window=2, periods_per_year=1.0).round(6).tolist()
    [nan, 0.01]
    """
    own, other = pair(returns, benchmark, "returns", "benchmark")
    year = periods(periods_per_year)
    size = window_of(window)
    rate = risk_free / year
    out: F64 = (
        _moments(own, size)[0] - rate - rolling_beta(own, other, window=size) * (_moments(other, size)[0] - rate)
    ) * year
    return out


def rolling_max_drawdown(returns: npt.ArrayLike, *, window: int) -> F64:
    """Deepest drawdown of the compounded curve inside the last `window` bars, which begins at their start.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns above -1.
    window : int
        Bars, at least 1.

    Returns
    -------
    float64 array, shape (n_bars,)
        Zero or negative; NaN for the first ``window - 1`` bars.

    Examples
    --------
    >>> rolling_max_drawdown([-0.1, 0.2, -0.5], window=2).round(6).tolist()
    [nan, -0.1, -0.5]
    """

    def deepest(rows: F64) -> F64:
        curve = np.cumprod(1.0 + rows, axis=1)
        below: F64 = (curve / np.maximum(np.maximum.accumulate(curve, axis=1), 1.0) - 1.0).min(axis=1)
        return below

    return _by_rows(series(returns, "returns"), window_of(window, 1), deepest)


def rolling(returns: npt.ArrayLike, measure: Callable[[F64], float], *, window: int) -> F64:
    """Any measure of the last `window` returns.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    measure : callable
        Takes the returns of a window and gives a number; called once a bar, so a window costs what it costs.
    window : int
        Bars, at least 1.

    Returns
    -------
    float64 array, shape (n_bars,)
        NaN for the first ``window - 1`` bars.

    Examples
    --------
    >>> rolling([0.01, -0.02, 0.03], lambda part: float(part.min()), window=2).tolist()
    [nan, -0.02, -0.02]
    """
    return _by_rows(
        series(returns, "returns"), window_of(window, 1), lambda rows: np.array([float(measure(row)) for row in rows])
    )


def _by_rows(change: F64, window: int, measure: Callable[[F64], F64]) -> F64:
    out = np.full(change.size, np.nan)
    if change.size < window:
        return out
    rows = np.lib.stride_tricks.sliding_window_view(change, window)
    step = max(1, (1 << 20) // window)  # parts, so that memory stays small
    for first in range(0, len(rows), step):
        out[window - 1 + first : window - 1 + first + step] = measure(rows[first : first + step])
    return out


def _windowed(change: F64, window: int, extreme: Callable[..., F64]) -> F64:
    return _by_rows(change, window, lambda rows: extreme(rows, axis=1))


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
