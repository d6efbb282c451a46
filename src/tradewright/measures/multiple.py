"""Many trials at once: how many they really are, and which of them survive being one of many.

Entry points: `effective_trials`, `trial_clusters`, `independent_equivalent`, `adjust_pvalues`, `reality_check`,
`superior_predictive_ability`.

Invariants: simulations are seeded, so the same input gives the same answer; p-values are in [0, 1] and small ones speak
against luck; what needs a library imports it in the call (scikit-learn for `trial_clusters`, arch for the two tests of
the best).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import ConfigError, InputError

from ._check import F64, one_of, series, table

__all__ = [
    "BestTest",
    "TrialClusters",
    "adjust_pvalues",
    "effective_trials",
    "independent_equivalent",
    "reality_check",
    "superior_predictive_ability",
    "trial_clusters",
]

Adjustment = Literal["bonferroni", "holm", "benjamini_hochberg", "benjamini_yekutieli"]
EffectiveMethod = Literal["simulation", "galwey", "li_ji", "participation", "clusters"]

_METHODS: Final = ("simulation", "galwey", "li_ji", "participation", "clusters")
_DRAWS: Final = 4096
_SEED: Final = 20_140_901
_BLOCK: Final = 1 << 22


def effective_trials(returns: npt.ArrayLike, *, method: EffectiveMethod = "simulation") -> float:
    """Number of independent trials that these correlated ones amount to.

    Parameters
    ----------
    returns : array-like, shape (n_bars, n_trials)
        Returns of the trials on the same bars.
    method : {"simulation", "galwey", "li_ji", "participation", "clusters"}
        ``"simulation"``: the number of independent trials whose best would be as good by luck, from seeded draws with
        the correlation of these; the one that deflation needs, exact for equal and for unrelated trials and for any
        mixture. ``"galwey"``: ``(sum sqrt(l))^2 / sum l`` over the eigenvalues of the correlation matrix.
        ``"li_ji"``: ``sum (1[l >= 1] + l - floor(l))``. ``"participation"``: ``(sum l)^2 / sum l^2``, which is far too
        small for trials that are all correlated a little. ``"clusters"``: `trial_clusters`.

    Returns
    -------
    float
        In [1, n_trials]; columns without variance are left out.

    Raises
    ------
    InputError
        If no column varies, or the method is unknown.

    Notes
    -----
    Sources: Galwey (2009), "A new measure of the effective number of tests", Genetic Epidemiology 33; Li and Ji (2005),
    "Adjusting multiple testing in multilocus analyses", Heredity 95; M. López de Prado (2019), "A Data Science Solution
    to the Multiple-Testing Crisis in Financial Research", Journal of Financial Data Science 1(1). The simulation is
    ours: it inverts the expected maximum of correlated normals.

    Examples
    --------
    Ten trials that are one and the same, and ten that have nothing to do with each other:

    >>> noise = np.random.default_rng(2).normal(size=(500, 10))
    >>> round(effective_trials(noise[:, [0] * 10]), 1), 9.0 < effective_trials(noise) <= 10.0
    (1.0, True)
    """
    one_of(method, _METHODS, "method")
    unit = _unit_columns(table(returns, "returns"))
    count = unit.shape[1]
    if count == 1:
        return 1.0
    if method == "simulation":
        return independent_equivalent(unit.T)
    if method == "clusters":
        return float(trial_clusters(returns).n_clusters)
    # The eigenvalues of the correlation matrix are the squares of the singular values of the unit columns.
    values = np.linalg.svd(unit, compute_uv=False) ** 2
    if method == "galwey":
        found = float(np.sqrt(values).sum() ** 2 / values.sum())
    elif method == "participation":
        found = float(values.sum() ** 2 / (values @ values))
    else:
        kept = values[values > 1e-9]
        near = np.rint(kept)
        kept = np.where(np.abs(kept - near) < 1e-9 * count, near, kept)  # a rounding error is no trial
        found = float(((kept >= 1.0) + kept - np.floor(kept)).sum())
    return min(float(count), max(1.0, found))


def independent_equivalent(vectors: npt.ArrayLike, *, draws: int = _DRAWS) -> float:
    """Number of independent trials whose expected best equals that of these, by simulation.

    Draws ``g`` of independent normals give every trial the score ``v_i . g / |v_i|``; the scores of two trials have the
    correlation of their vectors. The mean of the highest score over the draws is the expected maximum of the trials,
    and the number of independent normals with the same expected maximum is returned. Random projections of returns
    (sketches) keep it nearly unchanged, which no count of eigenvalues does.

    Parameters
    ----------
    vectors : array-like, shape (n_trials, n_dimensions)
        One row a trial: its centred returns, or a sketch of them. Rows of zeros are trials that never moved; together
        they count as one.
    draws : int
        Simulations; half of them are the negatives of the others.

    Returns
    -------
    float
        In [1, n_trials].

    Examples
    --------
    >>> 45.0 < independent_equivalent(np.eye(50)) <= 50.0, round(independent_equivalent(np.ones((50, 3))), 1)
    (True, 1.0)
    """
    rows = table(vectors, "vectors")
    norm = np.sqrt((rows * rows).sum(axis=1))
    still = norm == 0.0
    rows = rows[~still] / norm[~still, None]
    count = rows.shape[0] + int(still.any())
    if count <= 1:
        return 1.0
    half = max(1, draws // 2)
    normals = np.random.default_rng(_SEED).standard_normal((rows.shape[1], half))
    if still.any():
        rows = np.vstack([rows, np.zeros(rows.shape[1])])
    highest, lowest = np.full(half, -np.inf), np.full(half, np.inf)
    step = max(1, _BLOCK // half)
    for first in range(0, rows.shape[0], step):
        scores = rows[first : first + step] @ normals
        np.maximum(highest, scores.max(axis=0), out=highest)
        np.minimum(lowest, scores.min(axis=0), out=lowest)
    # The lengths of the draws vary by chance; a score against them would carry that into the answer.
    length = float(np.sqrt((normals * normals).sum(axis=0)).mean())
    ideal = math.exp(math.lgamma((rows.shape[1] + 1) / 2) - math.lgamma(rows.shape[1] / 2)) * math.sqrt(2.0)
    mean = float((highest - lowest).mean()) / 2.0 * ideal / length
    return min(float(count), _inverse_maximum(mean))


@dataclass(frozen=True, slots=True, eq=False)
class TrialClusters:
    """Trials that belong together.

    Parameters
    ----------
    labels : int64 array, shape (n_trials,)
        Cluster of each trial, numbered by size, the largest first; -1 for a trial without variance.
    quality : float
        Mean silhouette over its deviation; NaN when there is one cluster.
    """

    labels: npt.NDArray[np.int64]
    quality: float

    @property
    def n_clusters(self) -> int:
        """How many there are."""
        return max(1, int(self.labels.max()) + 1)


def trial_clusters(returns: npt.ArrayLike, *, most: int | None = None) -> TrialClusters:
    """Group trials by the correlation of their returns; the number of groups is the one with the best silhouettes.

    Distances ``sqrt((1 - correlation) / 2)``, k-means on the rows of the distance matrix for every number of clusters
    from 2 to `most`, and the number whose silhouettes have the highest mean over deviation: the base step of ONC.

    Parameters
    ----------
    returns : array-like, shape (n_bars, n_trials)
        Returns of the trials on the same bars.
    most : int, optional
        Largest number of clusters; default half of the trials, at most 50.

    Returns
    -------
    TrialClusters

    Raises
    ------
    ConfigError
        If scikit-learn is not installed.

    Notes
    -----
    Source: M. López de Prado, M. Lewis (2019), "Detection of False Investment Strategies Using Unsupervised Learning
    Methods", Quantitative Finance 19(9), snippet 1 (without the re-clustering of weak clusters). Silhouettes need two
    clusters, so trials that all correlate above 0.9 are one by rule.

    Examples
    --------
    Three ideas, each tried five times with small changes:

    >>> rng = np.random.default_rng(3)
    >>> ideas = np.repeat(rng.normal(size=(400, 3)), 5, axis=1) + 0.2 * rng.normal(size=(400, 15))
    >>> trial_clusters(ideas).n_clusters  # doctest: +SKIP
    3
    """
    matrix = table(returns, "returns")
    moving = np.flatnonzero(matrix.min(axis=0) < matrix.max(axis=0)) if matrix.size else np.empty(0, dtype=np.int64)
    unit = _unit_columns(matrix)
    count = unit.shape[1]
    labels = np.full(matrix.shape[1], -1, dtype=np.int64)
    correlation = np.clip(unit.T @ unit, -1.0, 1.0)
    if count < 3 or correlation.min() > 0.9:
        labels[moving] = 0 if correlation.min() > 0.9 else np.arange(count)
        return TrialClusters(labels, math.nan)
    try:
        from sklearn.cluster import KMeans
        from sklearn.metrics import silhouette_samples
    except ImportError as error:
        raise ConfigError("Clusters of trials need scikit-learn: pip install tradewright[ml].") from error
    distance = np.sqrt((1.0 - correlation) / 2.0)
    best: tuple[float, Any] = (-math.inf, None)
    limit = min(count - 1, most if most is not None else min(50, max(2, count // 2)))
    for k in range(2, limit + 1):
        found = KMeans(n_clusters=k, n_init=4, random_state=_SEED % 2**31).fit_predict(distance)
        shape = silhouette_samples(distance, found)
        spread = float(shape.std())
        quality = float(shape.mean()) / spread if spread > 0.0 else math.inf
        if quality > best[0]:
            best = (quality, found)
    _, sizes = np.unique(best[1], return_counts=True)
    rank = np.empty(sizes.size, dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(sizes.size)
    labels[moving] = rank[best[1]]
    return TrialClusters(labels, best[0])


def adjust_pvalues(pvalues: npt.ArrayLike, *, method: Adjustment = "holm") -> F64:
    """P-values corrected for being several.

    Parameters
    ----------
    pvalues : array-like, shape (n_tests,)
        In [0, 1].
    method : {"bonferroni", "holm", "benjamini_hochberg", "benjamini_yekutieli"}
        The first two bound the probability of one false discovery (Holm is never worse than Bonferroni), the others
        the expected share of false ones among the discoveries (Benjamini and Yekutieli under any dependence).

    Returns
    -------
    float64 array, shape (n_tests,)
        In the order given; a test is a discovery at level ``a`` when its value is at most ``a``.

    Raises
    ------
    InputError
        If a value is outside of [0, 1] or the method is unknown.

    Notes
    -----
    Sources: Holm (1979), Scandinavian Journal of Statistics 6; Benjamini and Hochberg (1995), JRSS B 57; Benjamini and
    Yekutieli (2001), Annals of Statistics 29.

    Examples
    --------
    >>> adjust_pvalues([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    >>> adjust_pvalues([0.01, 0.04, 0.03], method="benjamini_hochberg").round(6).tolist()
    [0.03, 0.04, 0.04]
    """
    p = series(pvalues, "pvalues")
    one_of(method, ("bonferroni", "holm", "benjamini_hochberg", "benjamini_yekutieli"), "method")
    if p.size and (p.min() < 0.0 or p.max() > 1.0):
        wrong = p[(p < 0.0) | (p > 1.0)][0]
        raise InputError(f"A p-value is {wrong}; every one must lie between 0 and 1.")
    m = p.size
    if method == "bonferroni" or not m:
        return np.minimum(p * m, 1.0)
    order = np.argsort(p, kind="stable")
    rank = np.arange(1, m + 1)
    if method == "holm":
        stepped = np.maximum.accumulate((m - rank + 1) * p[order])
    else:
        factor = float((1.0 / rank).sum()) if method == "benjamini_yekutieli" else 1.0
        stepped = np.minimum.accumulate((p[order] * m * factor / rank)[::-1])[::-1]
    out = np.empty(m)
    out[order] = np.minimum(stepped, 1.0)
    return out


@dataclass(frozen=True, slots=True)
class BestTest:
    """Whether the best of several series is better than a benchmark by more than luck.

    Parameters
    ----------
    pvalue : float
        Probability of a best this good if none were better than the benchmark.
    lower, upper : float
        Bounds of it: with all poor series left out of the null, and with none (which is the least favourable one).
    best : int
        Column with the highest mean.
    statistic : str
        What was compared, in words.
    """

    pvalue: float
    lower: float
    upper: float
    best: int
    statistic: str


def reality_check(
    returns: npt.ArrayLike,
    *,
    benchmark: npt.ArrayLike | None = None,
    block: float | None = None,
    reps: int = 1000,
    seed: int = 0,
) -> BestTest:
    """White's reality check: is the best mean return better than the benchmark by more than luck?

    Parameters
    ----------
    returns : array-like, shape (n_bars, n_trials)
        Returns of every trial.
    benchmark : array-like, shape (n_bars,), optional
        Returns to beat; default zero.
    block : float, optional
        Mean length of the blocks of the stationary bootstrap; default the square root of the number of bars.
    reps : int
        Bootstrap samples.
    seed : int
        Of the bootstrap.

    Returns
    -------
    BestTest
        `pvalue` is that of the least favourable null (all trials exactly as good as the benchmark), without
        studentising: the original test. Poor trials make it conservative; `superior_predictive_ability` does not let
        them.

    Raises
    ------
    ConfigError
        If arch is not installed.

    Notes
    -----
    Source: H. White (2000), "A Reality Check for Data Snooping", Econometrica 68(5); computed by ``arch.bootstrap``.

    Examples
    --------
    >>> noise = np.random.default_rng(5).normal(0.0, 0.01, (300, 20))
    >>> found = reality_check(noise, reps=200)  # doctest: +SKIP
    >>> found.pvalue > 0.05  # doctest: +SKIP
    True
    """
    lower, consistent, upper, best = _best_test(returns, benchmark, block, reps, seed, studentize=False)
    return BestTest(upper, min(lower, consistent), upper, best, "mean return, not studentised, least favourable null")


def superior_predictive_ability(
    returns: npt.ArrayLike,
    *,
    benchmark: npt.ArrayLike | None = None,
    block: float | None = None,
    reps: int = 1000,
    seed: int = 0,
) -> BestTest:
    """Hansen's test of superior predictive ability: the reality check that poor trials cannot dilute.

    Parameters
    ----------
    returns, benchmark, block, reps, seed
        As in `reality_check`.

    Returns
    -------
    BestTest
        `pvalue` is the consistent one, between `lower` and `upper`; means are studentised.

    Raises
    ------
    ConfigError
        If arch is not installed.

    Notes
    -----
    Source: P. Hansen (2005), "A Test for Superior Predictive Ability", Journal of Business & Economic Statistics 23(4);
    computed by ``arch.bootstrap.SPA``.
    """
    lower, consistent, upper, best = _best_test(returns, benchmark, block, reps, seed, studentize=True)
    return BestTest(consistent, lower, upper, best, "mean return, studentised, consistent null")


def _best_test(
    returns: npt.ArrayLike, benchmark: npt.ArrayLike | None, block: float | None, reps: int, seed: int, studentize: bool
) -> tuple[float, float, float, int]:
    matrix = table(returns, "returns")
    n = matrix.shape[0]
    if n < 10:
        raise InputError(f"There are {n} returns; the test needs at least 10 bars, and means something from 100 on.")
    other = np.zeros(n) if benchmark is None else series(benchmark, "benchmark")
    if other.size != n:
        raise InputError(f"There are {n} returns but {other.size} of the benchmark; they must be of the same bars.")
    if block is not None and not 1 <= block <= n:
        raise InputError(f"block is {block}; the mean length of a block must lie between 1 and the {n} bars.")
    moving = np.flatnonzero((matrix - other[:, None]).std(axis=0) > 0.0)
    if not moving.size:
        raise InputError("No column differs from the benchmark by a varying amount; there is nothing to test.")
    try:
        from arch.bootstrap import SPA
    except ImportError as error:
        raise ConfigError("The reality check and SPA need arch: pip install tradewright[ml].") from error
    length = round(block) if block is not None else max(1, int(math.sqrt(n)))
    # arch compares losses: what is lost less is better.
    test = SPA(-other, -matrix[:, moving], block_size=length, reps=reps, studentize=studentize, seed=seed)
    test.compute()
    p = test.pvalues
    best = int(matrix.mean(axis=0).argmax())
    return float(p["lower"]), float(p["consistent"]), float(p["upper"]), best


def _unit_columns(matrix: F64) -> F64:
    """Columns that vary, centred and of length one."""
    if matrix.shape[0] < 2:
        raise InputError(f"There are {matrix.shape[0]} returns; a correlation needs at least 2.")
    kept = matrix[:, matrix.min(axis=0) < matrix.max(axis=0)]
    if not kept.shape[1]:
        raise InputError("None of the columns of returns varies; there is nothing to count.")
    off = kept - kept.mean(axis=0)
    unit: F64 = off / np.sqrt((off * off).sum(axis=0))
    return unit


def _expected_maximum(count: float) -> float:
    """Exact expected maximum of `count` independent standard normals (also between whole numbers)."""
    grid, density, log_cdf = _normal_grid()
    # E = integral of x n f(x) F(x)^(n - 1) dx
    weight = count * np.exp((count - 1.0) * log_cdf) * density
    return float((grid * weight).sum() / weight.sum())


@lru_cache(maxsize=1)
def _normal_grid() -> tuple[F64, F64, F64]:
    grid = np.linspace(-12.0, 12.0, 1201)
    density = np.exp(-0.5 * grid * grid)
    tail = np.array([0.5 * math.erfc(abs(x) / math.sqrt(2.0)) for x in grid.tolist()])
    log_cdf = np.where(grid < 0.0, np.log(tail), np.log1p(-tail))
    return grid, density, log_cdf


def _inverse_maximum(mean: float) -> float:
    """Number of independent normals with this expected maximum; at least 1."""
    if mean <= 0.0:
        return 1.0
    low, high = 0.0, 32.0  # logarithms
    for _ in range(32):
        middle = 0.5 * (low + high)
        if _expected_maximum(math.exp(middle)) < mean:
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))
