"""Combinatorial purged k-fold: many histories out of one.

Entry points: `CombinatorialPurgedKFold`.

Invariants: every pair, triple, ... of folds is tested once; every row is tested in ``n_paths`` splits, and every path
holds every row once, predicted by a model that saw nothing of its time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError
from tradewright.models.validation.folds import Margin, n_rows_of
from tradewright.models.validation.kfold import PurgedSplitter
from tradewright.models.validation.spans import I64, SpansLike

__all__ = ["CombinatorialPurgedKFold"]

_MOST = 100_000


class CombinatorialPurgedKFold(PurgedSplitter):
    """Every choice of `n_test_folds` out of `n_folds` is tested; the predictions are put together to whole paths.

    Parameters
    ----------
    n_folds : int
        N, at least 3.
    n_test_folds : int
        k, from 1 to N - 1.
    spans, embargo, gap
        As in `PurgedKFold`; each test fold purges for itself, so a training fold between two of them loses labels on
        both sides.

    Attributes
    ----------
    n_splits : int
        ``N! / (k! (N - k)!)``.
    n_paths : int
        ``n_splits * k / N``.

    References
    ----------
    Lopez de Prado (2018), section 12.4.

    Examples
    --------
    Six folds, two tested: 15 splits and 5 paths, the example of section 12.4.1.

    >>> rows = np.arange(12)
    >>> cv = CombinatorialPurgedKFold(6, 2, spans=(rows, rows), embargo=0)
    >>> cv.n_splits, cv.n_paths
    (15, 5)
    >>> train, test = next(cv.split(np.zeros((12, 1))))
    >>> train.tolist(), test.tolist()
    ([4, 5, 6, 7, 8, 9, 10, 11], [0, 1, 2, 3])
    """

    def __init__(
        self,
        n_folds: int = 6,
        n_test_folds: int = 2,
        *,
        spans: SpansLike | None = None,
        embargo: Margin = 0.01,
        gap: Margin = 0,
    ) -> None:
        for name, value in (("n_folds", n_folds), ("n_test_folds", n_test_folds)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise InputError(f"{name} is {value!r}; it must be a whole number.")
        if n_folds < 3 or not 1 <= n_test_folds < n_folds:
            raise InputError(
                f"{n_test_folds} of {n_folds} folds are to be tested; there must be 3 folds or more, and at least one "
                "must be left to train on."
            )
        if math.comb(n_folds, n_test_folds) > _MOST:
            raise InputError(
                f"{n_test_folds} of {n_folds} folds can be chosen in {math.comb(n_folds, n_test_folds):,} ways, and "
                f"each is a model to fit; the limit is {_MOST:,}. Use fewer folds."
            )
        self.n_folds, self.n_test_folds = int(n_folds), int(n_test_folds)
        super().__init__(spans, embargo, gap)

    @property
    def n_splits(self) -> int:
        """Number of choices of test folds."""
        return math.comb(self.n_folds, self.n_test_folds)

    @property
    def n_paths(self) -> int:
        """Number of whole histories."""
        return math.comb(self.n_folds - 1, self.n_test_folds - 1)

    @property
    def test_folds(self) -> I64:
        """Folds tested by each split, shape (n_splits, n_test_folds)."""
        return np.array(list(itertools.combinations(range(self.n_folds), self.n_test_folds)), dtype=np.int64)

    @property
    def path_splits(self) -> I64:
        """Split that predicts each fold of each path, shape (n_paths, n_folds).

        Examples
        --------
        >>> CombinatorialPurgedKFold(4, 2).path_splits.tolist()
        [[0, 0, 1, 2], [1, 3, 3, 4], [2, 4, 5, 5]]
        """
        tested = self.test_folds
        columns = [np.flatnonzero((tested == fold).any(axis=1)) for fold in range(self.n_folds)]
        return np.stack(columns, axis=1).astype(np.int64)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits."""
        return self.n_splits

    def split(self, X: Any, y: Any = None, groups: npt.ArrayLike | None = None) -> Iterator[tuple[I64, I64]]:
        """Places of training and test rows of each choice, ascending.

        Parameters
        ----------
        X : array-like, shape (n, n_features)
        y : array-like, optional
        groups : array-like, shape (n,), optional
            Rows to keep together.

        Yields
        ------
        train, test : int64 array

        Raises
        ------
        InputError
            As `PurgedKFold.split`.
        """
        line = self._timeline(X, y, groups)
        fold = line.folds(self.n_folds)
        forbidden = [line.forbidden(fold == k, gap=self.gap, embargo=self.embargo) for k in range(self.n_folds)]
        for number, chosen in enumerate(self.test_folds.tolist()):
            test = np.isin(fold, chosen)
            barred = test.copy()
            for k in chosen:
                barred |= forbidden[k]
            yield self._checked(np.flatnonzero(~barred), number, fold.size), np.flatnonzero(test)

    def folds(self, X: Any, y: Any = None, groups: npt.ArrayLike | None = None) -> I64:
        """Return the fold of each row, shape (n,)."""
        return self._timeline(X, y, groups).folds(self.n_folds)

    def paths(
        self, predictions: Sequence[npt.ArrayLike], X: Any, y: Any = None, groups: npt.ArrayLike | None = None
    ) -> npt.NDArray[Any]:
        """Put the predictions of all splits together to whole histories.

        Parameters
        ----------
        predictions : sequence of array-like
            One for each split, in their order: an entry (a number, or a row of probabilities) for each of its test
            rows.
        X, y, groups
            As given to `split`.

        Returns
        -------
        array, shape (n_paths, n, ...)
            Path p holds for each row what split ``path_splits[p, fold of the row]`` predicted.

        Raises
        ------
        InputError
            If there is not one array a split, or not one entry a test row.

        Examples
        --------
        Each split predicts its own number.

        >>> rows = np.arange(4)
        >>> cv = CombinatorialPurgedKFold(4, 2, spans=(rows, rows), embargo=0)
        >>> cv.paths([[k, k] for k in range(6)], np.zeros((4, 1))).tolist()
        [[0, 0, 1, 2], [1, 3, 3, 4], [2, 4, 5, 5]]
        """
        if len(predictions) != self.n_splits:
            raise InputError(f"There are predictions of {len(predictions)} splits; there are {self.n_splits}.")
        fold = self.folds(X, y, groups)
        given = [np.asarray(part) for part in predictions]
        tests = [np.flatnonzero(np.isin(fold, chosen)) for chosen in self.test_folds.tolist()]
        for k, (part, test) in enumerate(zip(given, tests, strict=True)):
            if part.shape[:1] != test.shape:
                raise InputError(f"Split {k} tests {test.size} rows but has predictions of shape {part.shape}.")
        out = np.zeros((self.n_paths, fold.size, *given[0].shape[1:]), dtype=np.result_type(*given))
        for path, splits in enumerate(self.path_splits.tolist()):
            for number, split in enumerate(splits):
                mine = fold[tests[split]] == number
                out[path, tests[split][mine]] = given[split][mine]
        return out

    def predict_paths(
        self, estimator: Any, X: Any, y: Any, *, groups: npt.ArrayLike | None = None, method: str = "predict",
        fit_params: Mapping[str, Any] | None = None,
    ) -> npt.NDArray[Any]:  # fmt: skip
        """Fit a fresh copy on each split, predict, and put the paths together.

        Parameters
        ----------
        estimator : scikit-learn estimator
            It is cloned, never fitted itself.
        X, y, groups
            As given to `split`.
        method : str
            ``"predict"``, ``"predict_proba"`` or ``"decision_function"``.
        fit_params : mapping, optional
            Passed to `fit`; arrays with one entry a row, such as ``sample_weight``, are cut to the training rows.

        Returns
        -------
        array, shape (n_paths, n, ...)
        """
        from sklearn.base import clone
        from sklearn.utils import _safe_indexing

        n_rows = n_rows_of(X, y)
        target = np.asarray(y)
        found = []
        for train, test in self.split(X, y, groups):
            params = {
                name: np.asarray(value)[train] if np.shape(value)[:1] == (n_rows,) else value
                for name, value in (fit_params or {}).items()
            }
            model = clone(estimator).fit(_safe_indexing(X, train), target[train], **params)
            found.append(getattr(model, method)(_safe_indexing(X, test)))
        return self.paths(found, X, y, groups)
