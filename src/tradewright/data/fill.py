"""Carrying the last known close over holes, explicitly, with the age of every value.

Entry points: `filled`, `Filled`.

Nothing is ever filled in silence: bars keep NaN where there is no bar. Who needs a value on every row (a correlation,
a portfolio's marks) asks for it and gets a `Filled`, which is not `Bars`: the engine cannot be handed it, so a filled
value can neither fill an order nor feed a statistic of a run. What is traded is `Filled.bars`, the bars as they were.

Invariants: `close` equals the bar's close where `age` is 0; a value is never older than `max_age`; nothing is filled
before an instrument's first bar, or from the future.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..domain.bars import Bars
from ..domain.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Filled", "filled"]


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """Closes without holes, and how old each is.

    Parameters
    ----------
    bars : Bars
        As they were, with their holes: what may be traded and measured.
    close : float64 array, shape (n_bars, n_assets)
        Last known close; NaN where it would be older than `max_age`, and before the first bar.
    age : int32 array, shape (n_bars, n_assets)
        Rows since the value was new: 0 on a bar, -1 where there is no value.
    max_age : int
        Oldest age that was carried.
    """

    bars: Bars
    close: npt.NDArray[np.float64]
    age: npt.NDArray[np.int32]
    max_age: int

    @property
    def real(self) -> npt.NDArray[np.bool_]:
        """True where the value is of this row's own bar, shape (n_bars, n_assets)."""
        found: npt.NDArray[np.bool_] = self.age == 0
        return found

    @property
    def n_filled(self) -> int:
        """Values that were carried."""
        return int((self.age > 0).sum())


def filled(bars: Bars, max_age: int) -> Filled:
    """Closes with holes of up to `max_age` rows carried over.

    Parameters
    ----------
    bars : Bars
        NaN where there is no bar.
    max_age : int
        Rows over which a close is carried, at least 0.

    Returns
    -------
    Filled

    Raises
    ------
    InputError
        If `max_age` is negative or no whole number.

    Examples
    --------
    >>> nan = float("nan")
    >>> bars = Bars.from_arrays(None, [1, nan, nan, 4], [1, nan, nan, 4], [1, nan, nan, 4], [1, nan, nan, 4])
    >>> found = filled(bars, 1)
    >>> found.close[:, 0].tolist(), found.age[:, 0].tolist(), found.n_filled
    ([1.0, 1.0, nan, 4.0], [0, 1, -1, 0], 1)
    >>> found.bars is bars
    True
    """
    if isinstance(max_age, bool) or not isinstance(max_age, (int, np.integer)) or max_age < 0:
        raise InputError(f"max_age is {max_age!r}; it must be a whole number of rows, at least 0.")
    there = ~np.isnan(bars.close)
    row = np.arange(bars.n_bars, dtype=np.int64)[:, None]
    last = np.maximum.accumulate(np.where(there, row, -1), axis=0)
    age = row - last
    known = (last >= 0) & (age <= max_age)
    values = np.take_along_axis(bars.close, np.maximum(last, 0), axis=0)
    return Filled(
        bars, np.where(known, values, np.nan), np.where(known, age, -1).astype(np.int32), int(max_age)
    )  # fmt: skip
