"""Walk-forward: train on the past, test on what came next, move on.

Entry points: `WalkForward`.

Invariants: every training label is over before the first test row begins; windows move by `step` and never look back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tradewright.domain.bars import DAY_NS, Instant, instant_ns
from tradewright.domain.errors import InputError
from tradewright.features.labels.events import word_of
from tradewright.models.validation.folds import Margin, Timeline
from tradewright.models.validation.kfold import PurgedSplitter
from tradewright.models.validation.spans import I64, SpansLike

__all__ = ["WalkForward"]

_MODES: Final = ("rolling", "expanding", "anchored")
_UNITS: Final = ("rows", "days")


class WalkForward(PurgedSplitter):
    """Windows of training and test that move through time.

    Parameters
    ----------
    train_size, test_size : int
        Length of the windows in `unit`. Labels that are not over when the test begins are then purged, so fewer rows
        than `train_size` may train.
    step : int, optional
        From one test window to the next, default `test_size`: every row is tested once. Smaller, rows are tested in up
        to ``ceil(test_size / step)`` windows, and scikit-learn's `cross_val_predict` does not apply.
    mode : str
        ``"rolling"``: training has a constant length. ``"expanding"``: it begins with the data and grows.
        ``"anchored"``: it begins at `anchor` and grows; rows before are not used.
    anchor : instant, optional
        Of mode anchored; default the first row.
    unit : str
        ``"rows"``: instants (rows of one instant, such as several instruments, count once; with groups, blocks).
        ``"days"``: calendar days of 24 hours; windows without a test row are left out.
    spans : labels, or what `spans_of` reads
        As in `PurgedKFold`. In days, instants must be nanoseconds.
    gap : float, int or duration
        Left free between the last training label and the first test row.
    partial : bool
        Also test on what is left at the end, if it is shorter than `test_size`.

    References
    ----------
    Pardo (2008), The Evaluation and Optimization of Trading Strategies, chapter 11; purging as in Lopez de Prado
    (2018), section 7.4.1.

    Examples
    --------
    Labels over this row and the next: the last row of each training window is purged.

    >>> rows = np.arange(9)
    >>> cv = WalkForward(4, 2, spans=(rows, rows + 1))
    >>> [(train.tolist(), test.tolist()) for train, test in cv.split(np.zeros((9, 1)))]
    [([0, 1, 2], [4, 5]), ([2, 3, 4], [6, 7])]
    >>> cv = WalkForward(180, 45, 15, spans=(np.arange(300), np.arange(300)))
    >>> cv.get_n_splits(np.zeros((300, 1)))
    6
    """

    def __init__(
        self,
        train_size: int,
        test_size: int,
        step: int | None = None,
        *,
        mode: str = "rolling",
        anchor: Instant | None = None,
        unit: str = "rows",
        spans: SpansLike | None = None,
        gap: Margin = 0,
        partial: bool = False,
    ) -> None:
        for name, value in (("train_size", train_size), ("test_size", test_size), ("step", step)):
            wrong = isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1
            if wrong and not (name == "step" and value is None):
                raise InputError(f"{name} is {value!r}; it must be a whole number, 1 or more.")
        word_of("mode", mode, _MODES)
        word_of("unit", unit, _UNITS)
        if anchor is not None and mode != "anchored":
            raise InputError(f"An anchor is given, but the mode is {mode!r}; use mode='anchored'.")
        self.train_size, self.test_size = int(train_size), int(test_size)
        self.step = self.test_size if step is None else int(step)
        self.mode, self.anchor, self.unit, self.partial = mode, anchor, unit, partial
        super().__init__(spans, 0, gap)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of windows, which depends on X.

        Raises
        ------
        InputError
            If X is None.
        """
        if X is None:
            raise InputError("The number of windows depends on the rows; give X.")
        return len(self._windows(self._timeline(X, y, groups)))

    def split(self, X: Any, y: Any = None, groups: npt.ArrayLike | None = None) -> Iterator[tuple[I64, I64]]:
        """Places of training and test rows of each window, ascending.

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
            If spans are missing, there are too few rows for one window, or a window has nothing left to train on.
        """
        line = self._timeline(X, y, groups)
        for number, (window, test) in enumerate(self._windows(line)):
            barred = line.forbidden(test, gap=self.gap, embargo=0)
            yield self._checked(np.flatnonzero(window & ~barred), number, window.size), np.flatnonzero(test)

    def _windows(self, line: Timeline) -> list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
        """Masks of the training window and of the test rows."""
        in_days = self.unit == "days"
        position: I64 = line.spans.t0 if in_days else line.block
        if not position.size:
            raise InputError("There are no rows to split.")
        scale = DAY_NS if in_days else 1
        train, test, step = self.train_size * scale, self.test_size * scale, self.step * scale
        origin, stop = int(position.min()), int(position.max()) + 1
        if self.anchor is not None:
            instant = instant_ns(self.anchor)
            later = line.spans.t0 >= instant
            if not later.any():
                raise InputError(f"No row begins at or after the anchor {self.anchor}; give an earlier one.")
            origin = max(origin, instant) if in_days else int(position[later].min())
        out = []
        start = origin + train
        while start < stop and (self.partial or start + test <= stop or (in_days and start + test - DAY_NS < stop)):
            tested = (position >= start) & (position < start + test)
            begin = start - train if self.mode == "rolling" else origin
            if tested.any():
                out.append(((position >= begin) & (position < start), tested))
            start += step
        if not out:
            raise InputError(
                f"{position.size} rows over {(stop - origin) / scale:.4g} {self.unit} are too few for a training "
                f"window of {self.train_size} and a test window of {self.test_size} {self.unit}; use shorter "
                f"windows{'' if self.partial else ', or partial=True'}."
            )
        return out
