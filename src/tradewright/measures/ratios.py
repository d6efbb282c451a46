"""Ratios of reward to other kinds of risk than the deviation, and what goes with a benchmark's good and bad bars.

Entry points: `downside_deviation`, `omega`, `gain_to_pain`, `ulcer_index`, `ulcer_performance`, `pain_index`,
`average_drawdown`, `recovery_factor`, `stability`, `payoff_ratio`, `hit_rate`; against a benchmark `alpha`, `beta`,
`capture`, `treynor`, `up_down_beta`.

Invariants: returns are simple, one a bar; where libraries disagree the convention is in the name of an option; what is
not defined is NaN, never infinite.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from ._check import F64, finite, one_of, pair, periods, series
from .tails import _drawdowns

__all__ = [
    "alpha",
    "average_drawdown",
    "beta",
    "capture",
    "downside_deviation",
    "gain_to_pain",
    "hit_rate",
    "omega",
    "pain_index",
    "payoff_ratio",
    "recovery_factor",
    "stability",
    "treynor",
    "ulcer_index",
    "ulcer_performance",
    "up_down_beta",
]


def downside_deviation(returns: npt.ArrayLike, *, periods_per_year: float, target: float = 0.0) -> float:
    """Annualised root mean square of what returns lack to a target, over all returns.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    periods_per_year : float
        Bars in a year.
    target : float
        Return a bar.

    Returns
    -------
    float
        Fraction a year; NaN without returns.

    Examples
    --------
    >>> round(downside_deviation([0.03, -0.02], periods_per_year=2.0), 6)
    0.02
    """
    change = series(returns, "returns")
    year = periods(periods_per_year)
    if not change.size:
        return math.nan
    return math.sqrt(float(np.mean(np.minimum(change - finite(target, "target"), 0.0) ** 2)) * year)


def omega(returns: npt.ArrayLike, *, target: float = 0.0) -> float:
    """Sum of what returns have above a target over the sum of what they lack.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    target : float
        Return a bar (not a year; empyrical's ``required_return`` is a year's and is brought to a bar by compounding).

    Returns
    -------
    float
        NaN when no return lacks anything.

    Notes
    -----
    Source: Keating and Shadwick (2002), "A Universal Performance Measure", Journal of Performance Measurement 6(3).

    Examples
    --------
    >>> round(omega([0.03, -0.01, 0.01]), 6)
    4.0
    """
    off = series(returns, "returns") - finite(target, "target")
    lacking = -float(off[off < 0.0].sum())
    return float(off[off > 0.0].sum()) / lacking if lacking > 0.0 else math.nan


def gain_to_pain(returns: npt.ArrayLike) -> float:
    """Sum of all returns over the sum of the losses (Schwager), which is `omega` less one.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns; Schwager takes those of months.

    Returns
    -------
    float
        NaN when nothing was lost.

    Notes
    -----
    Source: Schwager (2012), "Hedge Fund Market Wizards", appendix A.

    Examples
    --------
    >>> round(gain_to_pain([0.03, -0.01, 0.01]), 6)
    3.0
    """
    change = series(returns, "returns")
    lost = -float(change[change < 0.0].sum())
    return float(change.sum()) / lost if lost > 0.0 else math.nan


def ulcer_index(returns: npt.ArrayLike) -> float:
    """Root mean square of the drawdowns of every bar, of the compounded curve from 1 on.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.

    Returns
    -------
    float
        Fraction (Martin writes percent); NaN without returns. quantstats divides by ``n - 1``.

    Notes
    -----
    Source: Martin and McCann (1989), "The Investor's Guide to Fidelity Funds".

    Examples
    --------
    >>> ulcer_index([0.0, -0.5, 1.0, 0.0])
    0.25
    """
    below = _drawdowns(series(returns, "returns"), True)
    return math.sqrt(float(np.mean(below * below))) if below.size else math.nan


def pain_index(returns: npt.ArrayLike) -> float:
    """Mean depth of the drawdowns of every bar, bars at a peak included; positive.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.

    Returns
    -------
    float
        Fraction; NaN without returns.

    Examples
    --------
    >>> pain_index([0.0, -0.5, 1.0, 0.0])
    0.125
    """
    below = _drawdowns(series(returns, "returns"), True)
    return -float(below.mean()) + 0.0 if below.size else math.nan


def average_drawdown(returns: npt.ArrayLike) -> float:
    """Mean of the deepest points of all drawdown episodes; zero or negative.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.

    Returns
    -------
    float
        Fraction; 0 without a drawdown, NaN without returns.

    Examples
    --------
    Episodes of 10 % and 50 %:

    >>> round(average_drawdown([-0.1, 0.2, -0.5, 1.5]), 6)
    -0.3
    """
    from .drawdown import drawdowns

    change = series(returns, "returns")
    if not change.size:
        return math.nan
    depth = drawdowns(np.cumprod(1.0 + change), initial=1.0).depth
    return float(depth.mean()) if depth.size else 0.0


def ulcer_performance(returns: npt.ArrayLike, *, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Annual growth above the risk-free rate over the ulcer index (Martin ratio).

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    periods_per_year : float
        Bars in a year.
    risk_free : float
        Risk-free return a year.

    Returns
    -------
    float
        NaN without a drawdown.

    Examples
    --------
    >>> round(ulcer_performance([0.0, -0.5, 1.0, 0.21], periods_per_year=2.0), 6)
    0.4
    """
    change = series(returns, "returns")
    year = periods(periods_per_year)
    pain = ulcer_index(change)
    if not pain > 0.0:
        return math.nan
    return (_growth(change, year) - risk_free) / pain


def recovery_factor(returns: npt.ArrayLike) -> float:
    """Total compounded return over the depth of the deepest drawdown.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.

    Returns
    -------
    float
        NaN without a drawdown. quantstats takes the sum of the returns instead of the compounded one.

    Examples
    --------
    >>> round(recovery_factor([-0.1, 0.0, 1 / 3]), 6)
    2.0
    """
    change = series(returns, "returns")
    below = _drawdowns(change, True)
    depth = -float(below.min()) if below.size else 0.0
    return (float(np.prod(1.0 + change)) - 1.0) / depth if depth > 0.0 else math.nan


def stability(returns: npt.ArrayLike) -> float:
    """R squared of a line through the cumulative log returns: how evenly the money was made.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns above -1.

    Returns
    -------
    float
        In [0, 1]; a steady loss has 1 too. NaN with fewer than two returns, after a total loss, or when nothing moved.

    Notes
    -----
    The convention of empyrical (``stability_of_timeseries``).

    Examples
    --------
    >>> round(stability([0.01, 0.01, 0.01]), 6)
    1.0
    """
    change = series(returns, "returns")
    if change.size < 2 or change.min() <= -1.0:
        return math.nan
    curve = np.cumsum(np.log1p(change))
    x = np.arange(curve.size) - (curve.size - 1) / 2.0
    off = curve - curve.mean()
    total = float(off @ off)
    return min(1.0, float(x @ off) ** 2 / (float(x @ x) * total)) if total > 0.0 else math.nan


def payoff_ratio(returns: npt.ArrayLike) -> float:
    """Mean gain of winning bars over mean loss of losing ones.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)

    Returns
    -------
    float
        NaN without a gain or without a loss.

    Examples
    --------
    >>> payoff_ratio([0.02, 0.04, -0.01])
    3.0
    """
    change = series(returns, "returns")
    gains, losses = change[change > 0.0], change[change < 0.0]
    return float(gains.mean()) / -float(losses.mean()) if gains.size and losses.size else math.nan


def hit_rate(returns: npt.ArrayLike) -> float:
    """Share of bars with a gain, among all bars (quantstats leaves out those without a change).

    Parameters
    ----------
    returns : array-like, shape (n_bars,)

    Returns
    -------
    float
        In [0, 1]; NaN without returns.

    Examples
    --------
    >>> hit_rate([0.01, 0.0, -0.01, 0.02])
    0.5
    """
    change = series(returns, "returns")
    return float(np.mean(change > 0.0)) if change.size else math.nan


# --- against a benchmark ------------------------------------------------------------------------------


def beta(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> float:
    """Covariance with the benchmark over its variance.

    Parameters
    ----------
    returns, benchmark : array-like, shape (n_bars,)
        Simple returns of the same bars.

    Returns
    -------
    float
        NaN when the benchmark does not vary.

    Examples
    --------
    >>> round(beta([0.02, -0.02, 0.04], [0.01, -0.01, 0.02]), 6)
    2.0
    """
    own, other = pair(returns, benchmark, "returns", "benchmark")
    return _beta(own, other)


def alpha(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    periods_per_year: float,
    risk_free: float = 0.0,
    method: Literal["arithmetic", "compounded"] = "arithmetic",
) -> float:
    """Yearly return that beta does not explain.

    Parameters
    ----------
    returns, benchmark : array-like, shape (n_bars,)
        Simple returns of the same bars.
    periods_per_year : float
        Bars in a year.
    risk_free : float
        Risk-free return a year, simple; a bar has ``risk_free / periods_per_year``.
    method : {"arithmetic", "compounded"}
        With ``a`` the mean of a bar: ``a P`` (Jensen; quantstats; what a result carries), or ``(1 + a)^P - 1``
        (empyrical).

    Returns
    -------
    float
        Fraction a year; NaN when the benchmark does not vary.

    Examples
    --------
    One percent a bar more than twice the benchmark:

    >>> own, other = [0.03, -0.01, 0.05], [0.01, -0.01, 0.02]
    >>> round(alpha(own, other, periods_per_year=12), 6)
    0.12
    >>> round(alpha(own, other, periods_per_year=12, method="compounded"), 6)
    0.126825
    """
    own, other = pair(returns, benchmark, "returns", "benchmark")
    year = periods(periods_per_year)
    one_of(method, ("arithmetic", "compounded"), "method")
    if own.size < 2:
        return math.nan
    rate = finite(risk_free, "risk_free") / year
    a = float(own.mean()) - rate - _beta(own, other) * (float(other.mean()) - rate)
    return a * year if method == "arithmetic" else (1.0 + a) ** year - 1.0


def capture(
    returns: npt.ArrayLike,
    benchmark: npt.ArrayLike,
    *,
    side: Literal["up", "down"],
    periods_per_year: float,
    method: Literal["annual", "cumulative", "mean"] = "annual",
) -> float:
    """Return over the benchmark's return, on the bars on which the benchmark rose (or fell).

    Parameters
    ----------
    returns, benchmark : array-like, shape (n_bars,)
        Simple returns of the same bars.
    side : {"up", "down"}
        Bars with a benchmark return above (below) zero.
    periods_per_year : float
        Bars in a year; only ``"annual"`` uses it.
    method : {"annual", "cumulative", "mean"}
        ``"annual"``: both compounded over those bars and brought to a year of them (empyrical). ``"cumulative"``:
        compounded, not annualised. ``"mean"``: ratio of the means (Morningstar's is geometric, per month).

    Returns
    -------
    float
        1 captures all of it; NaN without such bars.

    Examples
    --------
    >>> own, other = [0.02, -0.01, 0.04], [0.01, -0.02, 0.02]
    >>> capture(own, other, side="up", periods_per_year=252, method="mean")
    2.0
    >>> round(capture(own, other, side="down", periods_per_year=252, method="cumulative"), 6)
    0.5
    """
    own, other = pair(returns, benchmark, "returns", "benchmark")
    year = periods(periods_per_year)
    one_of(side, ("up", "down"), "side")
    one_of(method, ("annual", "cumulative", "mean"), "method")
    chosen = other > 0.0 if side == "up" else other < 0.0
    if not chosen.any():
        return math.nan
    mine, its = own[chosen], other[chosen]
    if method == "mean":
        return float(mine.mean()) / float(its.mean())
    year = year if method == "annual" else float(mine.size)
    top, bottom = _growth(mine, year), _growth(its, year)
    return top / bottom if bottom != 0.0 else math.nan


def up_down_beta(returns: npt.ArrayLike, benchmark: npt.ArrayLike) -> tuple[float, float]:
    """Beta over the bars on which the benchmark rose, and over those on which it fell.

    Parameters
    ----------
    returns, benchmark : array-like, shape (n_bars,)
        Simple returns of the same bars.

    Returns
    -------
    up, down : float
        NaN with fewer than two such bars.

    Examples
    --------
    >>> up, down = up_down_beta([0.02, 0.04, -0.01, -0.02], [0.01, 0.02, -0.02, -0.04])
    >>> round(up, 6), round(down, 6)
    (2.0, 0.5)
    """
    own, other = pair(returns, benchmark, "returns", "benchmark")
    up, down = other > 0.0, other < 0.0
    return _beta(own[up], other[up]), _beta(own[down], other[down])


def treynor(
    returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, periods_per_year: float, risk_free: float = 0.0
) -> float:
    """Mean excess return a year (arithmetic) over beta.

    Parameters
    ----------
    returns, benchmark : array-like, shape (n_bars,)
        Simple returns of the same bars.
    periods_per_year : float
        Bars in a year.
    risk_free : float
        Risk-free return a year, simple.

    Returns
    -------
    float
        NaN when beta is zero or undefined. quantstats takes the total return over beta.

    Examples
    --------
    >>> round(treynor([0.03, -0.01, 0.05], [0.01, -0.01, 0.02], periods_per_year=3), 6)
    0.035
    """
    own, other = pair(returns, benchmark, "returns", "benchmark")
    year = periods(periods_per_year)
    slope = _beta(own, other)
    return (float(own.mean()) * year - risk_free) / slope if own.size and slope != 0.0 else math.nan


def _beta(own: F64, other: F64) -> float:
    if own.size < 2 or other.min() == other.max():
        return math.nan
    off = other - other.mean()
    return float((own - own.mean()) @ off) / float(off @ off)


def _growth(change: F64, year: float) -> float:
    """Compound growth of a year."""
    total = float(np.prod(1.0 + change))
    if total <= 0.0:
        return -1.0 if total == 0.0 else math.nan
    try:
        return math.pow(total, year / change.size) - 1.0
    except OverflowError:
        return math.nan
