"""Losses in the tail: value at risk, expected shortfall, and their relatives for drawdowns.

Entry points: `value_at_risk`, `conditional_value_at_risk`, `entropic_value_at_risk`, `conditional_drawdown_at_risk`,
`entropic_drawdown_at_risk`, `tail_ratio`, `skewness`, `kurtosis`.

Invariants: a risk is a loss as a fraction, positive when money is lost (empyrical and quantstats give the return, with
the other sign); `level` is the confidence, 0.95 for the worst twentieth; nothing is annualised.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from ._check import F64, one_of, probability, series

__all__ = [
    "conditional_drawdown_at_risk",
    "conditional_value_at_risk",
    "entropic_drawdown_at_risk",
    "entropic_value_at_risk",
    "kurtosis",
    "skewness",
    "tail_ratio",
    "value_at_risk",
]

TailMethod = Literal["historical", "lower", "normal", "cornish_fisher"]
_NORMAL: Final = NormalDist()


def value_at_risk(returns: npt.ArrayLike, *, level: float = 0.95, method: TailMethod = "historical") -> float:
    """Loss that is exceeded with probability ``1 - level``.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    level : float
        Confidence in (0, 1).
    method : {"historical", "lower", "normal", "cornish_fisher"}
        ``"historical"``: the quantile of the returns, interpolated between two of them (NumPy, empyrical).
        ``"lower"``: the return number ``ceil(n (1 - level))`` from the worst (skfolio, but for its rounding
        where that is whole). ``"normal"``: from mean and
        sample deviation, ``-(mean + z deviation)`` (quantstats). ``"cornish_fisher"``: the same with the normal
        quantile ``z`` corrected for skewness and excess kurtosis (``ddof=0``), sometimes called modified.

    Returns
    -------
    float
        Fraction; negative when even the tail earns. NaN without returns (two for the parametric methods).

    Raises
    ------
    InputError
        If `level` or `method` is unknown, or a return is not finite.

    Notes
    -----
    Cornish-Fisher: ``z + (z^2 - 1) S / 6 + (z^3 - 3 z) K / 24 - (2 z^3 - 5 z) S^2 / 36``. It is monotone, and so means
    something, only for moderate ``S`` and ``K``. Source: Favre and Galeano (2002), "Mean-Modified Value-at-Risk
    Optimization with Hedge Funds", Journal of Alternative Investments 5(2).

    Examples
    --------
    The quantile at 20 % of these five lies at position 0.8 between the worst two:

    >>> change = [-0.05, -0.02, 0.0, 0.01, 0.03]
    >>> round(value_at_risk(change, level=0.8), 6), value_at_risk(change, level=0.8, method="lower")
    (0.026, 0.05)
    """
    change = series(returns, "returns")
    alpha = 1.0 - probability(level, "level")
    one_of(method, ("historical", "lower", "normal", "cornish_fisher"), "method")
    n = change.size
    if n < (1 if method in {"historical", "lower"} else 2):
        return math.nan
    if method == "historical":
        return -float(np.quantile(change, alpha))
    if method == "lower":
        return -float(np.partition(change, _place(n, alpha))[_place(n, alpha)])
    z = _NORMAL.inv_cdf(alpha)
    if method == "cornish_fisher":
        s, k = skewness(change), kurtosis(change) - 3.0
        if math.isnan(s):
            return math.nan
        z += (z * z - 1.0) * s / 6.0 + (z**3 - 3.0 * z) * k / 24.0 - (2.0 * z**3 - 5.0 * z) * s * s / 36.0
    return -(float(change.mean()) + z * float(change.std(ddof=1)))


def conditional_value_at_risk(
    returns: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: Literal["historical", "mean_beyond", "normal"] = "historical",
) -> float:
    """Mean loss in the worst ``1 - level`` of cases: expected shortfall.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    level : float
        Confidence in (0, 1).
    method : {"historical", "mean_beyond", "normal"}
        ``"historical"``: the mean over exactly ``n (1 - level)`` worst returns, the last of them in part (Rockafellar
        and Uryasev; skfolio, PyPortfolioOpt). ``"mean_beyond"``: the mean of the returns at or below the interpolated
        quantile, which is what most people write. ``"normal"``: from mean and sample deviation.

    Returns
    -------
    float
        Fraction; NaN without returns.

    Notes
    -----
    Source: Rockafellar and Uryasev (2002), "Conditional Value-at-Risk for General Loss Distributions", Journal of
    Banking & Finance 26(7), proposition 8.

    Examples
    --------
    A quarter of five returns is the worst one and a quarter of the next: (0.05 + 0.25 * 0.02) / 1.25.

    >>> round(conditional_value_at_risk([-0.05, -0.02, 0.0, 0.01, 0.03], level=0.75), 6)
    0.044
    """
    change = series(returns, "returns")
    alpha = 1.0 - probability(level, "level")
    one_of(method, ("historical", "mean_beyond", "normal"), "method")
    if change.size < (2 if method == "normal" else 1):
        return math.nan
    if method == "historical":
        return _shortfall(change, alpha)
    if method == "mean_beyond":
        return -float(change[change <= np.quantile(change, alpha)].mean())
    z = _NORMAL.inv_cdf(alpha)
    return -float(change.mean()) + float(change.std(ddof=1)) * _NORMAL.pdf(z) / alpha


def entropic_value_at_risk(returns: npt.ArrayLike, *, level: float = 0.95) -> float:
    """Tightest bound on value at risk and expected shortfall that the moment generating function gives.

    ``min over t > 0 of t ln(mean(exp(-r / t)) / (1 - level))``.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    level : float
        Confidence in (0, 1).

    Returns
    -------
    float
        Fraction, at least the expected shortfall and at most the worst loss; NaN without returns.

    Notes
    -----
    Source: Ahmadi-Javid (2012), "Entropic Value-at-Risk: A New Coherent Risk Measure", Journal of Optimization Theory
    and Applications 155(3). The function is convex in ``t``; it is minimised over ``ln t`` by golden section.

    Examples
    --------
    >>> change = [-0.05, -0.02, 0.0, 0.01, 0.03]
    >>> conditional_value_at_risk(change, level=0.6) < entropic_value_at_risk(change, level=0.6) < 0.05
    True
    """
    change = series(returns, "returns")
    alpha = 1.0 - probability(level, "level")
    return _entropic(change, alpha) if change.size else math.nan


def conditional_drawdown_at_risk(returns: npt.ArrayLike, *, level: float = 0.95, compounded: bool = True) -> float:
    """Mean of the deepest ``1 - level`` of the drawdowns of every bar.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    level : float
        Confidence in (0, 1); 0 gives the mean drawdown only in the limit, use `ulcer_index` and its kind for that.
    compounded : bool
        True: drawdowns of the compounded curve, fractions of its peak, which starts at 1. False: of the running sum of
        the returns, as skfolio and Riskfolio do by default (there the peak starts with the first return).

    Returns
    -------
    float
        Fraction, zero or positive; NaN without returns.

    Notes
    -----
    Source: Chekhlov, Uryasev and Zabarankin (2005), "Drawdown Measure in Portfolio Optimization", International Journal
    of Theoretical and Applied Finance 8(1).

    Examples
    --------
    Drawdowns 0, -0.5, -0.25 and -0.5: the worst half is 0.5.

    >>> conditional_drawdown_at_risk([0.0, -0.5, 0.5, -1 / 3], level=0.5)
    0.5
    """
    below = _drawdowns(series(returns, "returns"), compounded)
    alpha = 1.0 - probability(level, "level")
    return _shortfall(below, alpha) if below.size else math.nan


def entropic_drawdown_at_risk(returns: npt.ArrayLike, *, level: float = 0.95, compounded: bool = True) -> float:
    """`entropic_value_at_risk` of the drawdowns of every bar.

    Parameters
    ----------
    returns, level, compounded
        As in `conditional_drawdown_at_risk`.

    Returns
    -------
    float
        Fraction; NaN without returns.

    Examples
    --------
    >>> round(entropic_drawdown_at_risk([0.0, -0.5, 0.0, 0.0], level=0.5), 6)
    0.5
    """
    below = _drawdowns(series(returns, "returns"), compounded)
    alpha = 1.0 - probability(level, "level")
    return _entropic(below, alpha) if below.size else math.nan


def tail_ratio(returns: npt.ArrayLike, *, level: float = 0.95) -> float:
    """Size of the best returns against the size of the worst: ``|quantile(level)| / |quantile(1 - level)|``.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    level : float
        In (0.5, 1).

    Returns
    -------
    float
        NaN without returns, or when the lower quantile is zero.

    Notes
    -----
    The convention of empyrical and quantstats (interpolated quantiles).

    Examples
    --------
    >>> round(tail_ratio([-0.02, 0.0, 0.04], level=0.99), 6)
    2.0
    """
    change = series(returns, "returns")
    high = probability(level, "level")
    if not change.size:
        return math.nan
    low, top = np.abs(np.quantile(change, [1.0 - high, high]))
    return float(top / low) if low > 0.0 else math.nan


def skewness(returns: npt.ArrayLike) -> float:
    """Third standardised moment, of the population (``ddof=0``; SciPy's default, pandas corrects for the sample).

    Parameters
    ----------
    returns : array-like, shape (n_bars,)

    Returns
    -------
    float
        NaN when all returns are equal.

    Examples
    --------
    >>> round(skewness([0.0, 0.0, 3.0]), 6)
    0.707107
    """
    return _standardised(series(returns, "returns"), 3)


def kurtosis(returns: npt.ArrayLike) -> float:
    """Fourth standardised moment, of the population and raw: 3 for a normal distribution.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)

    Returns
    -------
    float
        NaN when all returns are equal. SciPy and pandas subtract 3.

    Examples
    --------
    >>> kurtosis([1.0, -1.0])
    1.0
    """
    return _standardised(series(returns, "returns"), 4)


def _standardised(change: F64, power: int) -> float:
    if change.size < 2 or change.min() == change.max():
        return math.nan
    off = change - change.mean()
    spread = float((off * off).mean())
    return float((off**power).mean()) / spread ** (power / 2) if spread > 0.0 else math.nan


def _place(n: int, alpha: float) -> int:
    return max(0, math.ceil(n * alpha - 1e-9) - 1)


def _shortfall(values: F64, alpha: float) -> float:
    """Mean of the lowest ``alpha n`` values, the last in part, with the sign of a loss."""
    count = values.size * alpha
    place = _place(values.size, alpha)
    ordered = np.partition(values, place)
    below = float(ordered[:place].sum())
    return -(below + float(ordered[place]) * (count - place)) / count


def _entropic(values: F64, alpha: float) -> float:
    worst = float(values.min())
    spread = float(values.max()) - worst
    if spread <= 0.0:
        return -worst
    off = values - worst  # so that the exponentials are at most 1
    share = -math.log(alpha)

    def bound(log_t: float) -> float:
        t = math.exp(log_t)
        return -worst + t * (math.log(float(np.exp(-off / t).mean())) + share)

    low, high = math.log(spread) - 25.0, math.log(spread) + 12.0
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    a, b = high - golden * (high - low), low + golden * (high - low)
    at_a, at_b = bound(a), bound(b)
    for _ in range(120):
        if at_a <= at_b:
            high, b, at_b = b, a, at_a
            a = high - golden * (high - low)
            at_a = bound(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + golden * (high - low)
            at_b = bound(b)
    return min(-worst, at_a, at_b)


def _drawdowns(change: F64, compounded: bool) -> F64:
    if not change.size:
        return change
    if compounded:
        curve = np.cumprod(1.0 + change)
        below: F64 = curve / np.maximum(np.maximum.accumulate(curve), 1.0) - 1.0
        return below
    total = np.cumsum(change)
    return np.asarray(total - np.maximum.accumulate(total), dtype=np.float64)
