"""Folds in time, and what may be trained on beside them.

Entry points: `Timeline`.

Invariants: rows that share an instant, or a group, lie in one block, and blocks follow each other in time; a training
span never meets ``[first t0, last t1]`` of a test fold, widened by the gap; no training row begins within the embargo
behind it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError
from tradewright.features.labels.events import duration_ns
from tradewright.models.validation.spans import I64, Spans

__all__ = ["Margin", "Timeline", "check_margin", "n_rows_of"]

Margin: TypeAlias = "float | int | str | dt.timedelta | np.timedelta64"
"""A stretch of time: a share of all instants (float below 1), a number of instants (int), or a duration such as
``"5d"``."""


def n_rows_of(X: Any, y: Any) -> int:
    """Rows of what is split."""
    for value in (X, y):
        if value is not None:
            return int(value.shape[0]) if hasattr(value, "shape") else len(value)
    raise InputError("There is nothing to split; give X.")


def check_margin(name: str, value: Margin) -> Margin:
    """The margin itself, when it is one.

    Examples
    --------
    >>> check_margin("embargo", 0.01), check_margin("gap", "5d")
    (0.01, '5d')
    """
    if isinstance(value, bool) or not isinstance(value, (float, int, np.integer, str, dt.timedelta, np.timedelta64)):
        raise InputError(
            f"{name} is {value!r}; give a share such as 0.01, a number of instants such as 10, or a time such as '5d'."
        )
    if isinstance(value, np.timedelta64):
        duration_ns(name, value)
    elif isinstance(value, float):
        if not 0.0 <= value < 1.0:
            raise InputError(
                f"{name} is {value}; as a share it must lie from 0 to below 1. A number of instants is an int."
            )
    elif isinstance(value, (int, np.integer)):
        if value < 0:
            raise InputError(f"{name} is {value}; it must be 0 or more.")
    else:
        duration_ns(name, value)
    return value


class Timeline:
    """Rows ordered in time, in blocks that are never torn apart.

    Parameters
    ----------
    spans : Spans
        One for each row.
    groups : array-like, optional
        Rows of one group are kept together (a session, a news item). Groups that overlap in time become one block.

    Examples
    --------
    >>> line = Timeline(Spans(np.array([0, 0, 1, 2]), np.array([1, 1, 2, 3])))
    >>> line.n_blocks, line.block.tolist()
    (3, [0, 0, 1, 2])
    >>> line.training(np.array([False, False, False, True]), gap=0, embargo=0).tolist()
    [0, 1]
    """

    def __init__(self, spans: Spans, groups: npt.ArrayLike | None = None) -> None:
        self.spans = spans
        self.times, instant = np.unique(spans.t0, return_inverse=True)
        self.block: I64 = instant.astype(np.int64)
        if groups is not None:
            self.block = self._kept_together(np.asarray(groups))
        self.n_blocks = int(self.block.max()) + 1 if self.block.size else 0

    def _kept_together(self, groups: npt.NDArray[Any]) -> I64:
        if groups.shape != self.block.shape:
            raise InputError(f"groups have shape {groups.shape}; there are {self.block.size} rows.")
        _, member = np.unique(groups, return_inverse=True)
        n_groups = int(member.max()) + 1 if member.size else 0
        first = np.full(n_groups, np.iinfo(np.int64).max)
        last = np.full(n_groups, -1)
        np.minimum.at(first, member, self.block)
        np.maximum.at(last, member, self.block)
        # An instant begins a new block when no group reaches over it from before.
        reach = np.full(self.times.size, -1)
        np.maximum.at(reach, first, last)
        over = np.maximum.accumulate(reach)
        begins = np.ones(self.times.size, dtype=np.bool_)
        begins[1:] = over[:-1] < np.arange(1, self.times.size)
        out: I64 = (np.cumsum(begins) - 1)[self.block]
        return out

    def folds(self, n_folds: int) -> I64:
        """Number of the fold of each row: blocks in order of time, split as evenly as can be, larger folds first.

        Raises
        ------
        InputError
            If there are fewer blocks than folds.
        """
        if self.n_blocks < n_folds:
            raise InputError(
                f"{self.block.size} rows make {self.n_blocks} blocks, fewer than the {n_folds} folds. Rows of one "
                "instant, or of groups that overlap in time, stay together: use fewer folds, or leave groups out "
                "(instruments need none: an instant is never torn apart)."
            )
        sizes = np.full(n_folds, self.n_blocks // n_folds)
        sizes[: self.n_blocks % n_folds] += 1
        fold_of_block: I64 = np.repeat(np.arange(n_folds, dtype=np.int64), sizes)
        return fold_of_block[self.block]

    def training(self, test: npt.NDArray[np.bool_], *, gap: Margin, embargo: Margin) -> I64:
        """Rows that may be trained on beside one test fold, ascending."""
        return np.flatnonzero(~(test | self.forbidden(test, gap=gap, embargo=embargo)))

    def forbidden(self, test: npt.NDArray[np.bool_], *, gap: Margin, embargo: Margin) -> npt.NDArray[np.bool_]:
        """Rows that one fold (a mask of rows, neighbours in time) forbids to train on."""
        t0, t1 = self.spans.t0, self.spans.t1
        begin, end = self._before(int(t0[test].min()), gap), self._behind(int(t1[test].max()), gap)
        meets = (t1 >= begin) & (t0 <= end)
        out: npt.NDArray[np.bool_] = meets | ((t0 > end) & (t0 <= self._behind(end, embargo)))
        return out

    def _behind(self, instant: int, margin: Margin) -> int:
        count, time = self._margin(margin)
        if count:
            place = int(np.searchsorted(self.times, instant, side="right")) + count - 1
            return max(instant, int(self.times[min(place, self.times.size - 1)]))
        return instant + time

    def _before(self, instant: int, margin: Margin) -> int:
        count, time = self._margin(margin)
        if count:
            return int(self.times[max(int(np.searchsorted(self.times, instant)) - count, 0)])
        return instant - time

    def _margin(self, margin: Margin) -> tuple[int, int]:
        """As a number of instants, and as a time."""
        if isinstance(margin, np.timedelta64):
            return 0, duration_ns("margin", margin)
        if isinstance(margin, float):
            return int(margin * self.times.size), 0
        if isinstance(margin, (int, np.integer)):
            return int(margin), 0
        return 0, duration_ns("margin", margin)
