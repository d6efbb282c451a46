"""Longer bars beside shorter ones, without a look into bars that are still open.

Entry points: `join`, `higher`, `Joined`.

Invariants: a row is given the newest longer bar whose stamp is at or before its own, so never one that is still
running; what a row is given does not depend on any later row; nothing is filled in silently, for each value comes with
its age. Values are those of the longer bars to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..domain.bars import FIELDS, Bars
from ..domain.errors import InputError, closest
from .grid import resample

if TYPE_CHECKING:
    import numpy.typing as npt

    F64 = npt.NDArray[np.float64]

__all__ = ["Joined", "higher", "join"]


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Longer bars on the rows of shorter ones.

    Parameters
    ----------
    fields : dict of str to float64 array, shape (n_bars, n_assets)
        NaN before an instrument's first longer bar is complete.
    row : int64 array, shape (n_bars, n_assets)
        Row of the longer bar, -1 where there is none.
    age_ns : int64 array, shape (n_bars, n_assets)
        Nanoseconds since that bar became known; -1 where there is none.
    age : int64 array, shape (n_bars, n_assets)
        Rows since then: 0 in the row in which it became known; -1 where there is none.
    """

    fields: dict[str, F64]
    row: npt.NDArray[np.int64]
    age_ns: npt.NDArray[np.int64]
    age: npt.NDArray[np.int64]

    def __getitem__(self, name: str) -> F64:
        if name not in self.fields:
            raise InputError(
                f"{name!r} was not joined{closest(name, self.fields) or '.'} There are {', '.join(self.fields)}."
            )
        return self.fields[name]


def join(
    bars: Bars, longer: Bars, fields: Sequence[str] = FIELDS, *, values: dict[str, F64] | None = None, lag: int = 0
) -> Joined:
    """Newest closed longer bar at each row.

    Parameters
    ----------
    bars : Bars
        Whose rows are wanted.
    longer : Bars
        Longer bars of (at least) the same instruments, each stamped with the instant it became known, as `resample` and
        the providers make them.
    fields : sequence of str
        Fields that are joined: open, high, low, close, volume.
    values : dict of str to array, shape (longer.n_bars,) or (longer.n_bars, n_assets of `longer`), optional
        More that is known at the closes of the longer bars (an average of them, say).
    lag : int
        How many closed bars further back; 0 is the newest.

    Returns
    -------
    Joined

    Raises
    ------
    InputError
        If `longer` is not longer, an instrument is missing there, or a field is unknown.

    Notes
    -----
    A longer bar that closes together with a row is known in that row: both are stamped with the same instant. An
    instrument without a longer bar at a stamp keeps its older one, whose age tells.

    Prices across a split are those of their own day; join adjusted bars where that matters (`tradewright.data.adjust`).

    Examples
    --------
    >>> ends = np.array(["2024-01-02T14:35", "2024-01-02T14:40", "2024-01-02T14:45", "2024-01-02T14:50"])
    >>> five = Bars.from_arrays(ends.astype("datetime64[ns]"), *[[1, 2, 3, 4]] * 4, symbols="SPY",
    ...                         interval_ns=300 * 10**9)
    >>> found = join(five, resample(five, "15min"), ["close"])
    >>> found["close"][:, 0].tolist(), found.age[:, 0].tolist()
    ([nan, nan, 3.0, 3.0], [-1, -1, 0, 1])
    """
    if 0 < longer.interval_ns < bars.interval_ns:
        raise InputError("The longer bars are shorter than the bars themselves; swap the two.")
    if lag < 0:
        raise InputError(f"lag is {lag}; it counts closed bars back and must be at least 0.")
    for name in fields:
        if name not in FIELDS:
            raise InputError(f"Bars have no field {name!r}{closest(name, FIELDS) or '.'} Known: {', '.join(FIELDS)}.")
    place = [longer.column(symbol) for symbol in bars.symbols]
    given = {name: getattr(longer, name) for name in fields} | {
        name: _table(name, table, longer) for name, table in (values or {}).items()
    }
    shape = (bars.n_bars, bars.n_assets)
    row = np.full(shape, -1, dtype=np.int64)
    age_ns, age = row.copy(), row.copy()
    out = {name: np.full(shape, np.nan) for name in given}
    for j, column in enumerate(place):
        own = np.flatnonzero(np.isfinite(longer.close[:, column]))
        newest = np.searchsorted(longer.ts[own], bars.ts, side="right") - 1 - lag
        known = newest >= 0
        chosen = own[newest[known]]
        row[known, j] = chosen
        age_ns[known, j] = bars.ts[known] - longer.ts[chosen]
        first = np.searchsorted(bars.ts, longer.ts[chosen], side="left")
        age[known, j] = np.flatnonzero(known) - first
        for name, table in given.items():
            out[name][known, j] = table[chosen, column]
    return Joined(out, row, age_ns, age)


def higher(bars: Bars, interval: str | int, fields: Sequence[str] = FIELDS, *, lag: int = 0) -> Joined:
    """Resample and join: the newest closed bar of a longer interval at each row.

    Parameters
    ----------
    bars : Bars
    interval : str or int
        As in `tradewright.data.resample`.
    fields, lag
        As in `join`.

    Examples
    --------
    >>> ends = np.array(["2024-01-02T14:35", "2024-01-02T14:40", "2024-01-02T14:45"], dtype="datetime64[ns]")
    >>> five = Bars.from_arrays(ends, *[[1, 2, 3]] * 4, symbols="SPY", interval_ns=300 * 10**9)
    >>> higher(five, "15min", ["high"])["high"][:, 0].tolist()
    [nan, nan, 3.0]
    """
    return join(bars, resample(bars, interval), fields, lag=lag)


def _table(name: str, values: F64, longer: Bars) -> F64:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 1 and longer.n_assets == 1:
        array = array.reshape(-1, 1)
    if array.shape != (longer.n_bars, longer.n_assets):
        raise InputError(
            f"{name} has shape {np.shape(values)}; one value a longer bar is ({longer.n_bars}, {longer.n_assets})."
        )
    return array
