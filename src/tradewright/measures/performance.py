"""Return and risk of an equity curve in one number each.

Entry points: `returns`, `total_return`, `cagr`, `volatility`, `sharpe`, `sortino`, `calmar`.

Invariants: returns are simple, one per bar, the first against the starting capital; a year is `periods_per_year` bars,
not calendar days; spreads are sample standard deviations (``ddof=1``), downside deviation divides by all observations.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ._check import F64, capital, periods, series
from .drawdown import max_drawdown

__all__ = ["cagr", "calmar", "returns", "sharpe", "sortino", "total_return", "volatility"]


def returns(equity: npt.ArrayLike, *, initial: float) -> F64:
    """Simple return of every bar, the first against the starting capital.

    ``r[0] = e[0] / initial - 1`` and ``r[t] = e[t] / e[t - 1] - 1``, so that ``initial * prod(1 + r) = e[-1]``.

    Parameters
    ----------
    equity : array-like, shape (n_bars,)
        Equity at the close of each bar, in money.
    initial : float
        Capital before the first bar, above 0.

    Returns
    -------
    float64 array, shape (n_bars,)
        Fractions; known at the close of the same bar. A bar that follows an equity of exactly 0 is NaN.

    Raises
    ------
    InputError
        If an equity is not finite or `initial` is not positive.

    Examples
    --------
    >>> returns([110.0, 99.0], initial=100.0).round(6).tolist()
    [0.1, -0.1]
    """
    curve = series(equity, "equity")
    before = np.concatenate(([capital(initial)], curve[:-1])) if curve.size else curve
    with np.errstate(divide="ignore", invalid="ignore"):
        change = curve / before - 1.0
    change[before == 0.0] = np.nan
    return change


def total_return(equity: npt.ArrayLike, *, initial: float) -> float:
    """Final equity over starting capital, less one.

    Parameters
    ----------
    equity : array-like, shape (n_bars,)
        Equity at the close of each bar, in money.
    initial : float
        Capital before the first bar, above 0.

    Returns
    -------
    float
        Fraction; NaN without bars.

    Examples
    --------
    >>> round(total_return([110.0, 121.0], initial=100.0), 6)
    0.21
    """
    curve = series(equity, "equity")
    return float(curve[-1]) / capital(initial) - 1.0 if curve.size else math.nan


def cagr(equity: npt.ArrayLike, *, initial: float, periods_per_year: float) -> float:
    """Compound annual growth rate, with years counted in bars.

    ``(final / initial) ** (1 / years) - 1`` with ``years = n_bars / periods_per_year``. Counting bars makes the rate
    consistent with the volatility; a library that counts calendar days differs by the share of holidays.

    Parameters
    ----------
    equity : array-like, shape (n_bars,)
        Equity at the close of each bar, in money.
    initial : float
        Capital before the first bar, above 0.
    periods_per_year : float
        Bars in a year, from the calendar (252 for US trading days, 365 for round-the-clock days).

    Returns
    -------
    float
        Fraction a year; NaN without bars, or when the final equity is zero or less.

    Examples
    --------
    Two bars at one bar a year: 21 % in two years is 10 % a year.

    >>> round(cagr([110.0, 121.0], initial=100.0, periods_per_year=1.0), 6)
    0.1
    """
    curve = series(equity, "equity")
    year = periods(periods_per_year)
    start = capital(initial)
    if not curve.size or curve[-1] <= 0.0:
        return math.nan
    try:
        return math.pow(float(curve[-1]) / start, year / curve.size) - 1.0
    except OverflowError:
        return math.nan


def volatility(returns: npt.ArrayLike, *, periods_per_year: float) -> float:
    """Annualised sample standard deviation of returns.

    ``std(r, ddof=1) * sqrt(periods_per_year)``, which assumes uncorrelated returns.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    periods_per_year : float
        Bars in a year.

    Returns
    -------
    float
        Fraction a year; NaN with fewer than two returns.

    Examples
    --------
    >>> round(volatility([0.01, -0.01], periods_per_year=4.0), 6)
    0.028284
    """
    change = series(returns, "returns")
    year = periods(periods_per_year)
    return float(np.std(change, ddof=1)) * math.sqrt(year) if change.size > 1 else math.nan


def sharpe(returns: npt.ArrayLike, *, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Sharpe ratio: mean excess return over its standard deviation, annualised.

    ``(mean(r) - risk_free / periods_per_year) / std(r, ddof=1) * sqrt(periods_per_year)``.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    periods_per_year : float
        Bars in a year.
    risk_free : float
        Risk-free return a year, simple; spread evenly over the bars.

    Returns
    -------
    float
        NaN with fewer than two returns, or when all returns are equal.

    Notes
    -----
    Source: Sharpe (1994), "The Sharpe Ratio", Journal of Portfolio Management 21(1), eq. 1 to 6. The square-root rule
    holds for uncorrelated returns (Lo, 2002).

    Examples
    --------
    Mean 0.01, deviation 0.0141421:

    >>> round(sharpe([0.02, 0.0], periods_per_year=1.0), 6)
    0.707107
    """
    change = series(returns, "returns")
    year = periods(periods_per_year)
    if change.size < 2 or _constant(change):
        return math.nan
    spread = float(np.std(change, ddof=1))
    return (float(np.mean(change)) - risk_free / year) / spread * math.sqrt(year) if spread > 0.0 else math.nan


def sortino(returns: npt.ArrayLike, *, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Sortino ratio: mean excess return over downside deviation, annualised.

    ``(mean(r) - t) / sqrt(mean(min(r - t, 0) ** 2)) * sqrt(periods_per_year)`` with the target
    ``t = risk_free / periods_per_year``. The mean of squares runs over all returns, gains counting as zero.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    periods_per_year : float
        Bars in a year.
    risk_free : float
        Target return a year, simple.

    Returns
    -------
    float
        NaN without returns, or when no return is below the target.

    Notes
    -----
    Source: Sortino and Price (1994), "Performance Measurement in a Downside Risk Framework", Journal of Investing 3(3).

    Examples
    --------
    Mean 0.01, downside deviation sqrt(0.01 ** 2 / 2):

    >>> round(sortino([0.03, -0.01], periods_per_year=1.0), 6)
    1.414214
    """
    change = series(returns, "returns")
    year = periods(periods_per_year)
    if not change.size:
        return math.nan
    target = risk_free / year
    downside = math.sqrt(float(np.mean(np.minimum(change - target, 0.0) ** 2)))
    return (float(np.mean(change)) - target) / downside * math.sqrt(year) if downside > 0.0 else math.nan


def calmar(equity: npt.ArrayLike, *, initial: float, periods_per_year: float) -> float:
    """Compound annual growth over the deepest drawdown of the whole period.

    ``cagr / |max_drawdown|``. Young (1991) takes the last 36 months; this takes everything that was run.

    Parameters
    ----------
    equity : array-like, shape (n_bars,)
        Equity at the close of each bar, in money.
    initial : float
        Capital before the first bar, above 0.
    periods_per_year : float
        Bars in a year.

    Returns
    -------
    float
        NaN without a drawdown or without a growth rate.

    Notes
    -----
    Source: Young (1991), "Calmar Ratio: A Smoother Tool", Futures 20(1).

    Examples
    --------
    20 % in one year with a fall from 100 to 90 on the way:

    >>> round(calmar([90.0, 120.0], initial=100.0, periods_per_year=2.0), 6)
    2.0
    """
    depth = max_drawdown(equity, initial=initial)
    growth = cagr(equity, initial=initial, periods_per_year=periods_per_year)
    return growth / abs(depth) if depth < 0.0 else math.nan


def _constant(change: F64) -> bool:
    # The deviation of equal returns is rounding noise, not risk: a ratio of 1e16 would be absurd.
    return bool(change.min() == change.max())
