"""Whether a forecast of value at risk was right: how often it was exceeded, and whether that came in clusters.

Entry points: `kupiec`, `christoffersen`, `exceedances`, `traffic_light`.

Invariants: an exceedance is a loss larger than the forecast; likelihood ratios are compared with the chi-squared
distribution; a small p-value speaks against the forecast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError

from ._check import probability, series

__all__ = ["Christoffersen", "Kupiec", "christoffersen", "exceedances", "kupiec", "traffic_light"]


def exceedances(returns: npt.ArrayLike, risk: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Bars on which more was lost than the value at risk that was forecast for them.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    risk : float or array-like, shape (n_bars,)
        Value at risk of each bar as a positive loss, made before the bar.

    Returns
    -------
    bool array, shape (n_bars,)

    Examples
    --------
    >>> exceedances([-0.03, 0.01, -0.01], 0.02).tolist()
    [True, False, False]
    """
    change = series(returns, "returns")
    level = np.asarray(risk, dtype=np.float64)
    if level.ndim and level.shape != change.shape:
        raise InputError(f"There are {change.size} returns but {level.size} forecasts; give one a bar, or one for all.")
    if not np.isfinite(level).all():
        raise InputError("A forecast of value at risk is not finite; leave out the bars that have none.")
    return np.asarray(change < -level)


@dataclass(frozen=True, slots=True)
class Kupiec:
    """Test of the number of exceedances.

    Parameters
    ----------
    n, failures : int
        Bars, and exceedances among them.
    expected : float
        Exceedances that the level means.
    statistic, pvalue : float
        Likelihood ratio, chi-squared with one degree of freedom.
    """

    n: int
    failures: int
    expected: float
    statistic: float
    pvalue: float


def kupiec(failures: int | npt.ArrayLike, n: int | None = None, *, level: float = 0.95) -> Kupiec:
    """Proportion-of-failures test: is the number of exceedances what the level means?

    ``LR = -2 ln((1 - p)^(n - x) p^x / ((1 - x/n)^(n - x) (x/n)^x))`` with ``p = 1 - level``.

    Parameters
    ----------
    failures : int, or array-like of bool
        Exceedances `x`, or whether each bar was one.
    n : int, optional
        Bars; not with an array.
    level : float
        Confidence of the value at risk.

    Returns
    -------
    Kupiec

    Raises
    ------
    InputError
        If there are no bars, or more exceedances than bars.

    Notes
    -----
    Source: Kupiec (1995), "Techniques for Verifying the Accuracy of Risk Measurement Models", Journal of Derivatives
    3(2). The example is that of J.P. Morgan in 1998 in Jorion, "Value at Risk", 3rd ed., ch. 6: 20 exceedances of the
    95 % level in 252 days.

    Examples
    --------
    >>> found = kupiec(20, 252, level=0.95)
    >>> round(found.statistic, 2), round(found.expected, 1), found.pvalue < 0.05
    (3.91, 12.6, True)
    """
    p = 1.0 - probability(level, "level")
    if n is None:
        hits = np.asarray(failures)
        if hits.ndim != 1:
            raise InputError("failures is one number; give n, the number of bars, with it.")
        x, count = int(hits.astype(bool).sum()), int(hits.size)
    else:
        x, count = int(np.asarray(failures)), int(n)
    if count < 1 or not 0 <= x <= count:
        raise InputError(f"There are {x} exceedances in {count} bars; there must be bars, and no more than that.")
    statistic = 2.0 * (_log_likelihood(x, count, x / count) - _log_likelihood(x, count, p))
    statistic = max(0.0, statistic)
    return Kupiec(count, x, p * count, statistic, _chi2_tail(statistic, 1))


@dataclass(frozen=True, slots=True)
class Christoffersen:
    """Tests of the clustering of exceedances.

    Parameters
    ----------
    n00, n01, n10, n11 : int
        Bars after a bar: without after without, with after without, without after with, with after with.
    unconditional, independence, conditional : float
        Likelihood ratios of the number, of the independence, and of both; the last is the sum of the others.
    unconditional_pvalue, independence_pvalue, conditional_pvalue : float
        Chi-squared with one, one and two degrees of freedom.
    """

    n00: int
    n01: int
    n10: int
    n11: int
    unconditional: float
    independence: float
    conditional: float
    unconditional_pvalue: float
    independence_pvalue: float
    conditional_pvalue: float


def christoffersen(failures: npt.ArrayLike, *, level: float = 0.95) -> Christoffersen:
    """Does an exceedance make another one more likely on the next bar?

    Parameters
    ----------
    failures : array-like of bool, shape (n_bars,)
        Whether each bar was an exceedance.
    level : float
        Confidence of the value at risk.

    Returns
    -------
    Christoffersen
        The test of the number is over all bars, that of independence over the pairs of neighbours.

    Raises
    ------
    InputError
        With fewer than two bars.

    Notes
    -----
    Source: Christoffersen (1998), "Evaluating Interval Forecasts", International Economic Review 39(4).

    Examples
    --------
    Ten exceedances of the 90 % level in a hundred bars, all in a row: the right number, at the wrong times.

    >>> found = christoffersen([False] * 45 + [True] * 10 + [False] * 45, level=0.9)
    >>> round(found.unconditional_pvalue, 2), found.independence_pvalue < 0.001
    (1.0, True)
    """
    hits = np.asarray(failures).astype(bool)
    if hits.ndim != 1 or hits.size < 2:
        raise InputError(f"failures has shape {hits.shape}; give one truth value a bar, for at least two bars.")
    number = kupiec(hits, level=level)
    before, after = hits[:-1], hits[1:]
    n00, n01 = int((~before & ~after).sum()), int((~before & after).sum())
    n10, n11 = int((before & ~after).sum()), int((before & after).sum())
    independence = christoffersen_independence(n00, n01, n10, n11)
    both = number.statistic + independence
    return Christoffersen(
        n00,
        n01,
        n10,
        n11,
        number.statistic,
        independence,
        both,
        number.pvalue,
        _chi2_tail(independence, 1),
        _chi2_tail(both, 2),
    )


def christoffersen_independence(n00: int, n01: int, n10: int, n11: int) -> float:
    """Likelihood ratio of the independence of exceedances, from the counts of neighbours.

    Examples
    --------
    J.P. Morgan in 1998 (Jorion, "Value at Risk", 3rd ed., ch. 6):

    >>> round(christoffersen_independence(218, 14, 14, 6), 2)
    9.53
    """
    after_none, after_one = n00 + n01, n10 + n11
    total = after_none + after_one
    share = (n01 + n11) / total
    split = _log_likelihood(n01, after_none, n01 / after_none if after_none else 0.0)
    split += _log_likelihood(n11, after_one, n11 / after_one if after_one else 0.0)
    return max(0.0, 2.0 * (split - _log_likelihood(n01 + n11, total, share)))


def traffic_light(failures: int, n: int = 250, *, level: float = 0.99) -> str:
    """Zone of the Basel Committee: green, yellow or red.

    Parameters
    ----------
    failures : int
        Exceedances.
    n : int
        Bars.
    level : float
        Confidence of the value at risk.

    Returns
    -------
    str
        ``"yellow"`` from a cumulative probability of 95 % on, ``"red"`` from 99.99 % on.

    Notes
    -----
    Source: Basel Committee on Banking Supervision (1996), "Supervisory Framework for the Use of Backtesting": with 250
    days at 99 %, up to 4 are green, 5 to 9 yellow, 10 and more red.

    Examples
    --------
    >>> [traffic_light(x) for x in (4, 5, 9, 10)]
    ['green', 'yellow', 'yellow', 'red']
    """
    p = 1.0 - probability(level, "level")
    if n < 1 or not 0 <= failures <= n:
        raise InputError(f"There are {failures} exceedances in {n} bars; there must be bars, and no more than that.")
    terms = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
        for k in range(failures + 1)
    ]
    below = math.fsum(map(math.exp, terms))
    return "red" if below >= 0.9999 else ("yellow" if below >= 0.95 else "green")


def _log_likelihood(x: int, n: int, p: float) -> float:
    """Logarithm of ``p^x (1 - p)^(n - x)``, with 0 ln 0 = 0."""
    out = 0.0
    if x:
        out += x * math.log(p)
    if n - x:
        out += (n - x) * math.log1p(-p)
    return out


def _chi2_tail(value: float, degrees: int) -> float:
    return math.erfc(math.sqrt(value / 2.0)) if degrees == 1 else math.exp(-value / 2.0)
