"""How much of a Sharpe ratio is left when one knows how often, and for how long, it was tried.

Entry points: `sharpe_moments` (what the others read, from returns), `probabilistic_sharpe`, `expected_max_sharpe`,
`deflated_sharpe`, `min_track_record`, `min_backtest_length`, `best_of` (what the best of several series is worth).

Invariants: a Sharpe ratio here is that of one bar, never annualised (divide an annual one by the square root of the
periods per year, and an annual variance by the periods per year); `skew` and `kurtosis` are those of the population
(``ddof=0``) and kurtosis is raw, 3 for a normal distribution, as in the papers; what is not defined is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError

from ._check import F64, finite, probability, series, table

if TYPE_CHECKING:
    from statistics import NormalDist

__all__ = [
    "BestOf",
    "SharpeMoments",
    "best_of",
    "deflated_sharpe",
    "expected_max_sharpe",
    "min_backtest_length",
    "min_track_record",
    "probabilistic_sharpe",
    "sharpe_moments",
]

EULER: Final = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class SharpeMoments:
    """What the distribution of an estimated Sharpe ratio depends on.

    Parameters
    ----------
    sharpe : float
        Per bar: mean excess return over the sample deviation (``ddof=1``).
    n : int
        Returns.
    skew : float
        Third standardised moment (``ddof=0``).
    kurtosis : float
        Fourth standardised moment (``ddof=0``), 3 for a normal distribution.

    Examples
    --------
    >>> found = sharpe_moments([0.02, -0.01, 0.03, 0.01, -0.02, 0.015])
    >>> found.n, round(found.sharpe, 4), round(found.probabilistic(), 4)
    (6, 0.3967, 0.7919)
    """

    sharpe: float
    n: int
    skew: float = 0.0
    kurtosis: float = 3.0

    def probabilistic(self, benchmark: float = 0.0) -> float:
        """Probability that the true Sharpe ratio is above `benchmark`; see `probabilistic_sharpe`."""
        return probabilistic_sharpe(self.sharpe, n=self.n, skew=self.skew, kurtosis=self.kurtosis, benchmark=benchmark)

    def deflated(self, n_trials: float, variance: float) -> float:
        """Probability that it is above what luck gives the best of `n_trials`; see `deflated_sharpe`."""
        return deflated_sharpe(
            self.sharpe, n=self.n, skew=self.skew, kurtosis=self.kurtosis, n_trials=n_trials, variance=variance
        )

    def min_track_record(self, benchmark: float = 0.0, confidence: float = 0.95) -> float:
        """Bars that it needs to be above `benchmark` with `confidence`; see `min_track_record`."""
        return min_track_record(
            self.sharpe, skew=self.skew, kurtosis=self.kurtosis, benchmark=benchmark, confidence=confidence
        )


def sharpe_moments(returns: npt.ArrayLike, *, risk_free: float = 0.0) -> SharpeMoments:
    """Sharpe ratio per bar, number, skewness and kurtosis of returns.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    risk_free : float
        Risk-free return a bar.

    Returns
    -------
    SharpeMoments
        NaN where all returns are equal or fewer than two.

    Examples
    --------
    >>> sharpe_moments([0.01, -0.01, 0.01, -0.01])
    SharpeMoments(sharpe=0.0, n=4, skew=0.0, kurtosis=1.0)
    """
    change = series(returns, "returns")
    n = int(change.size)
    if n < 2 or change.min() == change.max():
        return SharpeMoments(math.nan, n, math.nan, math.nan)
    mean = float(change.mean())
    off = change - mean
    square = off * off
    variance = float(square.mean())
    if variance <= 0.0:  # so small that its square is no number any more
        return SharpeMoments(math.nan, n, math.nan, math.nan)
    return SharpeMoments(
        (mean - finite(risk_free, "risk_free")) / math.sqrt(variance * n / (n - 1)),
        n,
        float(square @ off) / n / variance**1.5,
        float(square @ square) / n / variance**2,
    )


def probabilistic_sharpe(
    sharpe: float, *, n: int, skew: float = 0.0, kurtosis: float = 3.0, benchmark: float = 0.0
) -> float:
    """Probability that the true Sharpe ratio is above a benchmark, given an estimate.

    ``Z((SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2))`` with ``Z`` the normal distribution.

    Parameters
    ----------
    sharpe : float
        Estimate per bar.
    n : int
        Returns it was estimated from, at least 2.
    skew, kurtosis : float
        Of the returns; kurtosis raw (3 for normal).
    benchmark : float
        Sharpe ratio per bar to be above.

    Returns
    -------
    float
        In [0, 1]; NaN when an argument is NaN or the variance of the estimate would not be positive.

    Raises
    ------
    InputError
        If there are fewer than two returns.

    Notes
    -----
    Source: D. Bailey, M. López de Prado (2012), "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), eq. 11.

    Examples
    --------
    The paper's example: two years of monthly returns with an annual Sharpe ratio of 1.59, as if they were normal, and
    with their skewness of -2.448 and kurtosis of 10.164:

    >>> round(probabilistic_sharpe(0.458, n=24), 3)
    0.982
    >>> round(probabilistic_sharpe(0.458, n=24, skew=-2.448, kurtosis=10.164), 3)
    0.913
    """
    if n < 2:
        raise InputError(f"n is {n}; a Sharpe ratio needs at least 2 returns.")
    spread = _spread(sharpe, skew, kurtosis)
    if not (spread > 0.0 and math.isfinite(benchmark)):
        return math.nan
    return _normal().cdf((sharpe - benchmark) * math.sqrt(n - 1) / math.sqrt(spread))


def expected_max_sharpe(n_trials: float, *, variance: float = 1.0) -> float:
    """Sharpe ratio that the best of `n_trials` independent trials without skill is expected to have.

    ``sqrt(variance) ((1 - g) z(1 - 1 / N) + g z(1 - 1 / (N e)))`` with ``g`` Euler's constant and ``z`` the normal
    quantile; 0 for one trial.

    Parameters
    ----------
    n_trials : float
        Independent trials, at least 1; an effective number need not be whole.
    variance : float
        Variance of the Sharpe ratios over the trials, in the unit squared of the answer; at least 0.

    Returns
    -------
    float
        In the unit of ``sqrt(variance)``. The formula is for many trials; below 1.4 of them, where it would be
        negative, it is 0.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    Source: D. Bailey, M. López de Prado (2014), "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5),
    eq. 1 and appendix A.2. The true expectation for two trials is 0.564, the formula gives 0.520.

    Examples
    --------
    >>> round(expected_max_sharpe(10), 3), round(expected_max_sharpe(100, variance=0.5), 3), expected_max_sharpe(1)
    (1.575, 1.789, 0.0)
    """
    count = finite(n_trials, "n_trials")
    if count < 1.0:
        raise InputError(f"n_trials is {n_trials}; it must be at least 1.")
    if finite(variance, "variance") < 0.0:
        raise InputError(f"variance is {variance}; it must be at least 0.")
    if count == 1.0:
        return 0.0
    quantile = (1.0 - EULER) * _quantile_of_one_in(count) + EULER * _quantile_of_one_in(count * math.e)
    return math.sqrt(variance) * max(0.0, quantile)


def deflated_sharpe(
    sharpe: float, *, n: int, n_trials: float, variance: float, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Probability that the true Sharpe ratio is above what luck alone gives the best of the trials.

    `probabilistic_sharpe` against ``expected_max_sharpe(n_trials, variance=variance)``.

    Parameters
    ----------
    sharpe : float
        Estimate per bar, of the trial that was chosen.
    n : int
        Returns it was estimated from.
    n_trials : float
        Independent trials it was chosen from.
    variance : float
        Variance of the Sharpe ratios per bar over the trials.
    skew, kurtosis : float
        Of the returns; kurtosis raw (3 for normal).

    Returns
    -------
    float
        In [0, 1]; 0.95 and more is what one would call a discovery. NaN when an argument is NaN.

    Notes
    -----
    Source: D. Bailey, M. López de Prado (2014), "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5),
    eq. 2. The paper's example: annual Sharpe ratio 2.5 over 1,250 days of 250 a year, skew -3, kurtosis 10, chosen
    among 100 trials whose annual Sharpe ratios vary by 1/2; had there been 46, it would pass.

    Examples
    --------
    >>> facts = dict(n=1250, skew=-3.0, kurtosis=10.0, variance=0.5 / 250)
    >>> round(deflated_sharpe(2.5 / 250**0.5, n_trials=100, **facts), 4)
    0.9004
    >>> round(deflated_sharpe(2.5 / 250**0.5, n_trials=46, **facts), 4)
    0.9505
    """
    if math.isnan(variance):
        return math.nan
    luck = expected_max_sharpe(n_trials, variance=variance)
    return probabilistic_sharpe(sharpe, n=n, skew=skew, kurtosis=kurtosis, benchmark=luck)


def min_track_record(
    sharpe: float, *, skew: float = 0.0, kurtosis: float = 3.0, benchmark: float = 0.0, confidence: float = 0.95
) -> float:
    """Bars that a track record must have for its Sharpe ratio to be above a benchmark with confidence.

    ``1 + (1 - skew SR + (kurtosis - 1) / 4 SR^2) (z(confidence) / (SR - SR*))^2``.

    Parameters
    ----------
    sharpe : float
        Estimate per bar.
    skew, kurtosis : float
        Of the returns; kurtosis raw (3 for normal).
    benchmark : float
        Sharpe ratio per bar to be above.
    confidence : float
        In (0.5, 1).

    Returns
    -------
    float
        Bars, not rounded; NaN when the estimate is not above the benchmark: no length would do.

    Notes
    -----
    Source: D. Bailey, M. López de Prado (2012), "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), eq. 13.
    The paper's example: an annual Sharpe ratio of 2 is above 1 with 95 % after 2.73 years of daily returns, or 3.24
    years of monthly ones.

    Examples
    --------
    >>> daily = min_track_record(2 / 252**0.5, benchmark=1 / 252**0.5) / 252
    >>> monthly = min_track_record(2 / 12**0.5, benchmark=1 / 12**0.5) / 12
    >>> round(daily, 2), round(monthly, 2)
    (2.73, 3.24)
    """
    if not 0.5 < confidence < 1.0:
        raise InputError(f"confidence is {confidence}; it must lie between 0.5 and 1, such as 0.95.")
    spread = _spread(sharpe, skew, kurtosis)
    if not (spread > 0.0 and sharpe > benchmark):
        return math.nan
    return 1.0 + spread * (_normal().inv_cdf(confidence) / (sharpe - benchmark)) ** 2


def min_backtest_length(n_trials: float, *, target: float = 1.0) -> float:
    """Years of data below which the best of `n_trials` trials without skill is expected to reach a Sharpe ratio.

    ``(expected_max_sharpe(N) / target)^2``, which is below ``2 ln(N) / target^2``.

    Parameters
    ----------
    n_trials : float
        Independent trials, at least 1.
    target : float
        Annual Sharpe ratio that must not come about by luck, above 0.

    Returns
    -------
    float
        Years.

    Notes
    -----
    Source: D. Bailey, J. Borwein, M. López de Prado, Q. Zhu (2014), "Pseudo-Mathematics and Financial Charlatanism",
    Notices of the AMS 61(5), theorem 2: with five years of data, no more than 45 configurations should be tried.

    Examples
    --------
    >>> round(min_backtest_length(45), 1)
    5.0
    """
    if finite(target, "target") <= 0.0:
        raise InputError(f"target is {target}; the Sharpe ratio to be on guard against must be above 0.")
    return (expected_max_sharpe(n_trials) / target) ** 2


@dataclass(frozen=True, slots=True)
class BestOf:
    """What the best of several series of returns is worth.

    Parameters
    ----------
    column : int
        Of the best.
    moments : SharpeMoments
        Of the best, per bar.
    n_trials : int
        Series with a Sharpe ratio.
    effective_trials : float
        Independent trials whose best would be as good by luck (`effective_trials`).
    variance : float
        Of the Sharpe ratios per bar over the series, at least that of one estimate (``1 / (n - 1)``).
    luck : float
        Expected best Sharpe ratio per bar without skill.
    deflated : float
        Probability that the best is better than luck.
    """

    column: int
    moments: SharpeMoments
    n_trials: int
    effective_trials: float
    variance: float
    luck: float
    deflated: float


def best_of(returns: npt.ArrayLike, *, n_trials: float | None = None) -> BestOf:
    """Deflated Sharpe ratio of the best column of a table of returns.

    Parameters
    ----------
    returns : array-like, shape (n_bars, n_trials)
        Simple returns of every trial on the same bars; leaving out the failures is what makes the answer wrong.
    n_trials : float, optional
        Effective number of trials; default `effective_trials` of the table by simulation.

    Returns
    -------
    BestOf

    Raises
    ------
    InputError
        If no column has a Sharpe ratio.

    Examples
    --------
    Fifty coins: the best looks good, and is luck.

    >>> noise = np.random.default_rng(1).normal(0.0, 0.01, (1000, 50))
    >>> found = best_of(noise)
    >>> found.n_trials, found.moments.probabilistic() > 0.95, found.deflated < 0.95
    (50, True, True)
    """
    matrix = table(returns, "returns")
    n = matrix.shape[0]
    ratios = _column_ratios(matrix)
    known = np.flatnonzero(np.isfinite(ratios))
    if not known.size:
        raise InputError("None of the columns of returns has a Sharpe ratio; each needs two different values.")
    best = int(known[ratios[known].argmax()])
    if n_trials is None:
        from .multiple import effective_trials

        n_trials = effective_trials(matrix[:, known])
    variance = max(float(ratios[known].var(ddof=1)) if known.size > 1 else 0.0, 1.0 / (n - 1))
    moments = sharpe_moments(matrix[:, best])
    return BestOf(
        best,
        moments,
        int(known.size),
        n_trials,
        variance,
        expected_max_sharpe(n_trials, variance=variance),
        moments.deflated(n_trials, variance),
    )


@lru_cache(maxsize=1)
def _normal() -> NormalDist:
    """Standard normal distribution; its module loads slowly, and recording a trial needs none of it."""
    from statistics import NormalDist

    return NormalDist()


def _column_ratios(matrix: F64) -> F64:
    """Sharpe ratio per bar of each column; NaN where all values are equal."""
    if matrix.shape[0] < 2:
        return np.full(matrix.shape[1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios: F64 = matrix.mean(axis=0) / matrix.std(axis=0, ddof=1)
    ratios[matrix.min(axis=0) == matrix.max(axis=0)] = np.nan
    return ratios


def _spread(sharpe: float, skew: float, kurtosis: float) -> float:
    """``(n - 1)`` times the variance of the estimate."""
    return 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe


def _quantile_of_one_in(count: float) -> float:
    """Normal quantile of ``1 - 1 / count``, from the other tail, where it stays exact for a huge count."""
    return -_normal().inv_cdf(probability(1.0 / count, "1 / n_trials"))
