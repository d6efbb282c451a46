"""A series of returns against a benchmark.

Entry points: `relative`, which returns a `Relative`.

Invariants: both series are simple returns of the same bars; alpha is arithmetic (mean times periods), so that
``mean excess = alpha + beta * mean excess of the benchmark`` holds exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy.typing as npt

from ._check import pair, periods

__all__ = ["Relative", "relative"]


@dataclass(frozen=True, slots=True)
class Relative:
    """What a benchmark explains of a series of returns.

    Parameters
    ----------
    alpha : float
        Excess return a year that beta does not explain, fraction.
    beta : float
        Return that goes with one unit of benchmark return.
    correlation : float
        Pearson correlation of the returns, in [-1, 1].
    tracking_error : float
        Annualised deviation of the return difference, fraction.
    information_ratio : float
        Annualised mean return difference over the tracking error.
    """

    alpha: float
    beta: float
    correlation: float
    tracking_error: float
    information_ratio: float


def relative(
    returns: npt.ArrayLike, benchmark: npt.ArrayLike, *, periods_per_year: float, risk_free: float = 0.0
) -> Relative:
    """Alpha, beta, correlation, tracking error and information ratio.

    ``beta = cov(r, b) / var(b)``; ``alpha = (mean(r) - f - beta * (mean(b) - f)) * periods_per_year`` with
    ``f = risk_free / periods_per_year``; ``tracking_error = std(r - b) * sqrt(periods_per_year)``;
    ``information_ratio = mean(r - b) / std(r - b) * sqrt(periods_per_year)``. All deviations with ``ddof=1``.

    Parameters
    ----------
    returns, benchmark : array-like, shape (n_bars,)
        Simple returns of the same bars, fractions.
    periods_per_year : float
        Bars in a year.
    risk_free : float
        Risk-free return a year, simple.

    Returns
    -------
    Relative
        NaN where a deviation is zero, or with fewer than two bars.

    Raises
    ------
    InputError
        If the lengths differ or a value is not finite.

    Notes
    -----
    Source: Jensen (1968), "The Performance of Mutual Funds in the Period 1945-1964", eq. 8; Grinold and Kahn (1999),
    "Active Portfolio Management", ch. 5.

    Examples
    --------
    Twice the benchmark plus one percent a bar:

    >>> found = relative([0.03, -0.01, 0.05], [0.01, -0.01, 0.02], periods_per_year=1.0)
    >>> round(found.alpha, 6), round(found.beta, 6), round(found.correlation, 6)
    (0.01, 2.0, 1.0)
    """
    own, other = pair(returns, benchmark, "returns", "benchmark")
    year = periods(periods_per_year)
    if own.size < 2:
        return Relative(math.nan, math.nan, math.nan, math.nan, math.nan)
    rate = risk_free / year
    own_dev, other_dev = own - own.mean(), other - other.mean()
    covariance, variance = float(own_dev @ other_dev), float(other_dev @ other_dev)
    beta = covariance / variance if other.min() < other.max() else math.nan
    scale = math.sqrt(float(own_dev @ own_dev) * variance)
    correlation = max(-1.0, min(1.0, covariance / scale)) if scale > 0.0 and own.min() < own.max() else math.nan
    difference = own - other
    spread = float(difference.std(ddof=1)) if difference.min() < difference.max() else 0.0
    return Relative(
        alpha=(float(own.mean()) - rate - beta * (float(other.mean()) - rate)) * year,
        beta=beta,
        correlation=correlation,
        tracking_error=spread * math.sqrt(year),
        information_ratio=float(difference.mean()) / spread * math.sqrt(year) if spread > 0.0 else math.nan,
    )
