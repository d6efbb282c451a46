"""Selection of features as transformers, so that it is fitted inside of the fold and nowhere else.

Entry points: `VifSelector`, `ClusterSelector`, `MutualInformationSelector`, `PermutationSelector`, `vif`,
`correlation_clusters`.

Invariants: what is kept depends on the rows given to ``fit`` only; put a selector in a `sklearn.pipeline.Pipeline` and
cross-validate that. Selecting on all rows first and validating afterwards finds skill in noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.errors import ConfigError, InputError

try:
    from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
    from sklearn.feature_selection import SelectorMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise ConfigError("Selection needs scikit-learn; install it with 'pip install tradewright[ml]'.") from None

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = [
    "ClusterSelector",
    "MutualInformationSelector",
    "PermutationSelector",
    "VifSelector",
    "correlation_clusters",
    "vif",
]


def vif(X: Any) -> F64:
    """Variance inflation factor of each column.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features)
        Complete rows.

    Returns
    -------
    float64 array, shape (n_features,)
        ``1 / (1 - R^2)`` of the regression of a column on all others with an intercept; 1 is independent, infinite is
        a linear combination of others. NaN for a column that does not change.

    Notes
    -----
    Belsley, Kuh and Welsch (1980), Regression Diagnostics, ch. 3. Computed as the diagonal of the inverse of the
    correlation matrix.

    Examples
    --------
    >>> a, b = [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]
    >>> vif(np.column_stack([a, b])).round(6).tolist()
    [1.0, 1.0]
    >>> vif(np.column_stack([a, b, np.add(a, b)])).tolist()
    [inf, inf, inf]
    """
    table = np.asarray(X, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] < 2:
        raise InputError(f"X has shape {table.shape}; it must be (n_samples, n_features) with two samples or more.")
    out = np.full(table.shape[1], np.nan)
    moves = np.ptp(table, axis=0) > 0.0
    own = table[:, moves]
    if own.shape[1] == 0:
        return out
    scaled = (own - own.mean(axis=0)) / own.std(axis=0)
    values, vectors = np.linalg.eigh(scaled.T @ scaled / table.shape[0])
    null = values < 1e-10
    with np.errstate(divide="ignore"):
        found = (vectors[:, ~null] ** 2 / values[~null]).sum(axis=1)
    # A column with a part in the null space is a combination of others.
    out[moves] = np.where((vectors[:, null] ** 2).sum(axis=1) > 1e-10, np.inf, np.maximum(found, 1.0))
    return out


def correlation_clusters(X: Any, *, threshold: float = 0.7) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Groups of columns that move together.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features)
    threshold : float
        Columns whose absolute Spearman correlation is on average above it come together.

    Returns
    -------
    int64 array, shape (n_features,)
        Number of the group of each column, counted from 0 in the order of their first columns.

    Notes
    -----
    Average linkage on ``1 - |rho|`` (Lopez de Prado (2020), Machine Learning for Asset Managers, ch. 4, with average
    linkage for the number of groups).

    Examples
    --------
    >>> x = np.arange(20.0)
    >>> correlation_clusters(np.column_stack([x, -x**3, np.cos(x)])).tolist()
    [0, 0, 1]
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform
    from scipy.stats import rankdata

    if not 0.0 <= threshold <= 1.0:
        raise InputError(f"threshold is {threshold}; a correlation in absolute value is from 0 to 1.")
    table = np.asarray(X, dtype=np.float64)
    if table.shape[1] == 1:
        return np.zeros(1, dtype=np.int64)
    ranked = rankdata(table, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        near = np.nan_to_num(np.corrcoef(ranked, rowvar=False))
    away = np.clip(1.0 - np.abs((near + near.T) / 2.0), 0.0, 1.0)
    np.fill_diagonal(away, 0.0)
    labels = fcluster(linkage(squareform(away, checks=False), "average"), 1.0 - threshold, "distance")
    return np.array([list(dict.fromkeys(labels.tolist())).index(one) for one in labels.tolist()], dtype=np.int64)


class _Selector(SelectorMixin, BaseEstimator):  # type: ignore[misc]
    """What the selectors share."""

    def _get_support_mask(self) -> Mask:
        check_is_fitted(self, "support_")
        found: Mask = self.support_
        return found

    def _table(self, X: Any, y: Any = None) -> Any:
        if y is None:
            return np.asarray(validate_data(self, X, dtype=np.float64, ensure_min_samples=2), dtype=np.float64)
        return validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)


class VifSelector(_Selector):
    """Take out the column with the largest variance inflation factor until all are at most the limit.

    Parameters
    ----------
    limit : float
        Usual are 5 and 10.

    Attributes
    ----------
    support_ : bool array, shape (n_features,)
    vif_ : float64 array, shape (n_features,)
        Factor of each column when it was taken out, or at the end.

    Examples
    --------
    >>> a, b = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0])
    >>> VifSelector(limit=10).fit(np.column_stack([a, b, a + b])).get_support().tolist()
    [True, True, False]
    """

    def __init__(self, limit: float = 10.0) -> None:
        self.limit = limit

    def fit(self, X: Any, y: Any = None) -> VifSelector:
        """Choose columns on these rows."""
        if not self.limit >= 1.0:
            raise InputError(f"limit is {self.limit}; a variance inflation factor is at least 1.")
        table = self._table(X)
        support = np.ptp(table, axis=0) > 0.0
        self.vif_ = np.full(table.shape[1], np.nan)
        while support.sum() > 1:
            own = np.flatnonzero(support)
            found = vif(table[:, own])
            self.vif_[own] = found
            worst = int(np.flatnonzero(found == found.max())[-1])  # of equals the last: the order given is a preference
            if found[worst] <= self.limit:
                break
            support[own[worst]] = False
        self.support_ = support
        return self


class ClusterSelector(_Selector):
    """Keep one column of each group of correlated ones.

    Parameters
    ----------
    threshold : float
        As in `correlation_clusters`.
    by : {"relation", "medoid"}
        Which one: the one whose absolute Spearman correlation with the target is largest, or the one that is nearest to
        the others of its group (no target needed).

    Attributes
    ----------
    support_ : bool array, shape (n_features,)
    groups_ : int64 array, shape (n_features,)

    Examples
    --------
    >>> x = np.arange(20.0)
    >>> pick = ClusterSelector(by="medoid").fit(np.column_stack([x, x**3, np.cos(x)]))
    >>> pick.groups_.tolist(), int(pick.get_support().sum())
    ([0, 0, 1], 2)
    """

    def __init__(self, threshold: float = 0.7, by: str = "relation") -> None:
        self.threshold = threshold
        self.by = by

    def fit(self, X: Any, y: Any = None) -> ClusterSelector:
        """Choose columns on these rows."""
        from scipy.stats import rankdata

        if self.by not in {"relation", "medoid"}:
            raise InputError(f"by is {self.by!r}; it must be relation or medoid.")
        if self.by == "relation" and y is None:
            raise InputError("by is 'relation' and no target was given; give y, or choose by='medoid'.")
        table = self._table(X)
        self.groups_ = correlation_clusters(table, threshold=self.threshold)
        ranked = rankdata(table, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.by == "relation":
                target = rankdata(np.asarray(y, dtype=np.float64))
                score = np.abs(np.nan_to_num(np.corrcoef(ranked, target, rowvar=False)[-1, :-1]))
            else:
                near = np.abs(np.nan_to_num(np.corrcoef(ranked, rowvar=False))).reshape(table.shape[1], -1)
                score = np.array([near[k, self.groups_ == g].mean() for k, g in enumerate(self.groups_)])
        self.support_ = np.zeros(table.shape[1], dtype=bool)
        for group in np.unique(self.groups_):
            members = np.flatnonzero(self.groups_ == group)
            self.support_[members[int(np.argmax(score[members]))]] = True
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.by == "relation"
        return tags


class MutualInformationSelector(_Selector):
    """Keep the columns that tell most about the target.

    Parameters
    ----------
    k : int
        How many.
    discrete : bool
        The target is a class.
    n_neighbors, random_state
        Of the estimator (Kraskov, Stoegbauer and Grassberger 2004), by scikit-learn.

    Attributes
    ----------
    support_ : bool array, shape (n_features,)
    scores_ : float64 array, shape (n_features,)
        Mutual information, nats.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> MutualInformationSelector(k=1, random_state=0).fit(X, X[:, 1] ** 2).get_support().tolist()
    [False, True, False]
    """

    def __init__(self, k: int = 20, discrete: bool = False, n_neighbors: int = 3, random_state: int | None = 0) -> None:
        self.k = k
        self.discrete = discrete
        self.n_neighbors = n_neighbors
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> MutualInformationSelector:
        """Choose columns on these rows."""
        from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

        if self.k < 1:
            raise InputError(f"k is {self.k}; it must be at least 1.")
        table, target = self._table(X, y)
        score = mutual_info_classif if self.discrete else mutual_info_regression
        self.scores_ = score(table, target, n_neighbors=self.n_neighbors, random_state=self.random_state)
        self.support_ = np.zeros(table.shape[1], dtype=bool)
        self.support_[np.argsort(-self.scores_, kind="stable")[: self.k]] = True
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class PermutationSelector(MetaEstimatorMixin, _Selector):  # type: ignore[misc]
    """Keep the columns whose shuffling hurts a model on rows it has not seen.

    Parameters
    ----------
    estimator : estimator
        Is cloned.
    cv : splitter or int
        Splits of the training rows; labels that overlap need a purged splitter here. An int is that many blocks in
        order of time, without shuffling.
    n_repeats : int
        Shuffles of each column in each split.
    width : float
        A column is kept when its mean importance is above this many standard errors over splits and repeats.
    scoring : str or callable, optional
    random_state : int

    Attributes
    ----------
    support_ : bool array, shape (n_features,)
        At least one column: the best.
    importances_ : float64 array, shape (n_features,)
    errors_ : float64 array, shape (n_features,)
        Standard errors.

    Notes
    -----
    Breiman (2001), Machine Learning 45(1); out of sample as in AFML section 8.3.2 (mean decrease accuracy).

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> PermutationSelector(LinearRegression(), cv=4).fit(X, 2 * X[:, 2]).get_support().tolist()
    [False, False, True]
    """

    def __init__(
        self, estimator: Any, cv: Any = 5, n_repeats: int = 5, width: float = 2.0, scoring: Any = None,
        random_state: int = 0,
    ) -> None:  # fmt: skip
        self.estimator = estimator
        self.cv = cv
        self.n_repeats = n_repeats
        self.width = width
        self.scoring = scoring
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> PermutationSelector:
        """Choose columns on these rows."""
        from sklearn.inspection import permutation_importance
        from sklearn.model_selection import KFold

        table, target = self._table(X, y)
        splitter = KFold(self.cv) if isinstance(self.cv, int) else self.cv
        drops = []
        for train, test in splitter.split(table, target, groups):
            model = clone(self.estimator).fit(table[train], target[train])
            found = permutation_importance(
                model, table[test], target[test], n_repeats=self.n_repeats, scoring=self.scoring,
                random_state=self.random_state,
            )  # fmt: skip
            drops.append(found.importances)
        every = np.concatenate(drops, axis=1)
        self.importances_ = every.mean(axis=1)
        self.errors_ = every.std(axis=1, ddof=1) / np.sqrt(every.shape[1])
        self.support_ = (self.importances_ > self.width * self.errors_) & (self.importances_ > 0.0)
        if not self.support_.any():
            self.support_[int(np.argmax(self.importances_))] = True
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
