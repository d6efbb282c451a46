"""Purged k-fold: every row is tested once, by a model that saw nothing of its time.

Entry points: `PurgedKFold`, `PurgedSplitter` (what all splitters share).

Invariants: see `Timeline`; test folds are disjoint and together are all rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError
from tradewright.models.validation.folds import Margin, Timeline, check_margin, n_rows_of
from tradewright.models.validation.spans import I64, Spans, SpansLike, spans_of

__all__ = ["PurgedKFold", "PurgedSplitter"]


class PurgedSplitter:
    """What splitters share: spans, the margins around a test fold, and the form scikit-learn asks for."""

    def __init__(self, spans: SpansLike | None, embargo: Margin, gap: Margin) -> None:
        self.spans = spans
        self.embargo = check_margin("embargo", embargo)
        self.gap = check_margin("gap", gap)

    def __repr__(self) -> str:
        options = ", ".join(
            f"{name}={'given' if name == 'spans' else repr(value)}"
            for name, value in vars(self).items()
            if value is not None
        )
        return f"{type(self).__name__}({options})"

    def restrict(self, rows: npt.ArrayLike) -> Self:
        """Return the same splitter for a part of the rows (places, or a mask), as a nested search needs it.

        Examples
        --------
        >>> cv = PurgedKFold(2, spans=([0, 1, 2, 3], [0, 1, 2, 3]), embargo=0)
        >>> [test.tolist() for _, test in cv.restrict([2, 3]).split(np.zeros((2, 1)))]
        [[0], [1]]
        """
        from copy import copy

        if self.spans is None:
            return copy(self)
        whole = spans_of(self.spans, None, _count(self.spans))
        chosen = np.asarray(rows)
        other = copy(self)
        other.spans = Spans(whole.t0[chosen], whole.t1[chosen])
        return other

    def _timeline(self, X: Any, y: Any, groups: npt.ArrayLike | None) -> Timeline:
        n_rows = n_rows_of(X, y)
        return Timeline(spans_of(self.spans, X, n_rows), groups)

    def _checked(self, train: I64, split: int, n_rows: int) -> I64:
        if not train.size:
            raise InputError(
                f"Split {split} has nothing left to train on: of {n_rows} rows, all are tested, or their labels meet "
                "the test fold or its embargo. Use fewer folds, shorter labels, or a smaller embargo or gap."
            )
        return train


class PurgedKFold(PurgedSplitter):
    """K folds in order of time; training labels that meet a test fold are left out, on both sides, by their spans.

    Parameters
    ----------
    n_splits : int
        Number of folds, at least 2.
    spans : labels, or what `spans_of` reads
        When the label of each row begins and ends. None: the index of X says it (`Aligned.to_frame`).
    embargo : float, int or duration
        Training rows that begin this soon after the last label of a test fold are left out too: a share of all
        instants (0.01), a number of instants (10), or a time (``"5d"``).
    gap : float, int or duration
        Widens every test fold on both sides before labels are purged, for features that smear time further than labels.

    Notes
    -----
    `split` takes ``groups``: rows of one group are never torn apart. Rows of one instant never are, so a panel of
    several instruments needs no groups. Labels are purged across instruments, since instruments move together.

    skfolio's `CombinatorialPurgedCV` and `WalkForward` purge a constant number of rows whatever the labels span, and
    yield test sets as lists that scikit-learn's functions do not take; for labels of one constant length on single
    rows, the folds here are the same as theirs.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, section 7.4, snippets 7.1 to 7.3.

    Examples
    --------
    Ten rows, each label over this row and the next: beside rows 4 and 5 the labels of 3 and 6 meet the test fold.

    >>> rows = np.arange(10)
    >>> cv = PurgedKFold(5, spans=(rows, rows + 1), embargo=0)
    >>> train, test = list(cv.split(np.zeros((10, 1))))[2]
    >>> train.tolist(), test.tolist()
    ([0, 1, 2, 7, 8, 9], [4, 5])
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        spans: SpansLike | None = None,
        embargo: Margin = 0.01,
        gap: Margin = 0,
    ) -> None:
        if isinstance(n_splits, bool) or not isinstance(n_splits, (int, np.integer)) or n_splits < 2:
            raise InputError(f"n_splits is {n_splits!r}; it must be a whole number, 2 or more.")
        self.n_splits = int(n_splits)
        super().__init__(spans, embargo, gap)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds."""
        return self.n_splits

    def split(self, X: Any, y: Any = None, groups: npt.ArrayLike | None = None) -> Iterator[tuple[I64, I64]]:
        """Places of training and test rows, ascending.

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
            If spans are missing or not one for each row, there are fewer instants than folds, or nothing is left to
            train on.
        """
        line = self._timeline(X, y, groups)
        fold = line.folds(self.n_splits)
        for k in range(self.n_splits):
            test = fold == k
            train = line.training(test, gap=self.gap, embargo=self.embargo)
            yield self._checked(train, k, fold.size), np.flatnonzero(test)


def _count(spans: SpansLike) -> int:
    if hasattr(spans, "labels"):
        return len(spans.labels)
    return len(spans[0]) if isinstance(spans, tuple) else len(spans)
