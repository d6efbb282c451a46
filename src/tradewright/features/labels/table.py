"""The table of labels: what was asked, when the answer was known, and what it is.

Entry points: `Labels`, `Barrier`.

Invariants: columns are read-only arrays of one length, sorted by ``t0``, then by asset; ``row0 <= row1``; the span
``[t0, t1]`` is closed and holds every bar that had a part in the label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["F64", "I8", "I64", "Barrier", "Labels"]

F64: TypeAlias = npt.NDArray[np.float64]
I64: TypeAlias = npt.NDArray[np.int64]
I8: TypeAlias = npt.NDArray[np.int8]


class Barrier(IntEnum):
    """What ended a label.

    Examples
    --------
    >>> Barrier(1).word, Barrier["VERTICAL"].value
    ('upper', 0)
    """

    LOWER = -1
    VERTICAL = 0
    UPPER = 1
    NONE = 2
    """Nothing was met: the data ended (only with ``at_end="keep"``)."""

    @property
    def word(self) -> str:
        """In lower case."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Labels in columns, each with its span, what ended it and what it returned.

    Parameters
    ----------
    kind : str
        What made them: ``"triple_barrier"``, ``"trend_scan"``, ``"fixed_horizon"``, ``"meta"``, or your own word.
    symbols : tuple of str
        Of the bars; `asset` counts into it.
    asset : int64 array, shape (n,)
        Column of the bars.
    row0, row1 : int64 array, shape (n,)
        Row of the event, and the last row that had a part in the answer.
    bar0, bar1 : int64 array, shape (n,)
        The same counted in the instrument's own bars, from its first: rows without a bar of it do not count.
    t0, t1 : int64 array, shape (n,)
        The same as instants: closes of those bars, nanoseconds UTC.
    label : int8 array, shape (n,)
        1, 0 or -1; of meta-labels 1 (act) or 0 (do not).
    ret : float64 array, shape (n,)
        Simple return from entry to exit, before costs; where a side was given, of that side.
    net : float64 array, shape (n,)
        What acting on the label (or on the side that was given) returns after the cost: 0 for a label of 0 without a
        side.
    barrier : int8 array, shape (n,)
        A `Barrier`.
    both : bool array, shape (n,)
        One bar met both barriers, so their order is not known from bars: the rule of the call decided.
    side : int8 array, shape (n,)
        Side that was given, 0 where none was.
    entry, exit : float64 array, shape (n,)
        Prices.
    width : float64 array, shape (n,)
        Unit of the barriers at the event as a fraction (volatility), NaN where the kind has none.
    score : float64 array, shape (n,)
        Strength: t-value of a trend; NaN where the kind has none.
    n_bars : int
        Rows of the bars.
    dropped : mapping of str to int
        Events that gave no label, by reason.
    conventions : mapping of str to str
        How everything was decided, in words.

    Raises
    ------
    InputError
        If columns differ in length, spans end before they begin, or rows lie outside of the bars.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> from tradewright.features.labels import fixed_horizon
    >>> close = [100.0, 101.0, 103.0, 102.0]
    >>> found = fixed_horizon(Bars.from_arrays(None, close, close, close, close), horizon=1, threshold=0.0)
    >>> found
    Labels(fixed_horizon: 3 of ASSET; 2 up, 0 flat, 1 down; dropped 1)
    >>> found.label.tolist(), found.row1.tolist(), dict(found.dropped)
    ([1, 1, -1], [1, 2, 3], {'no bar after the event': 1})
    """

    kind: str
    symbols: tuple[str, ...]
    asset: I64
    row0: I64
    row1: I64
    bar0: I64
    bar1: I64
    t0: I64
    t1: I64
    label: I8
    ret: F64
    net: F64
    barrier: I8
    both: npt.NDArray[np.bool_]
    side: I8
    entry: F64
    exit: F64
    width: F64
    score: F64
    n_bars: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    conventions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = self.row0.shape[0]
        for name in COLUMNS:
            array = getattr(self, name)
            if array.shape != (n,):
                raise InputError(f"{name} has shape {array.shape}; it must have one value for each of the {n} labels.")
            view = array.view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)
        if not n:
            return
        wrong = (self.row1 < self.row0) | (self.bar1 < self.bar0) | (self.t1 < self.t0)
        if wrong.any():
            k = int(wrong.argmax())
            raise InputError(
                f"Label {k} begins at row {self.row0[k]} and ends at row {self.row1[k]}; a span ends at or after its "
                "beginning."
            )
        if int(self.row0.min()) < 0 or int(self.row1.max()) >= self.n_bars:
            raise InputError(
                f"Labels lie in rows {self.row0.min()} to {self.row1.max()}, but there are {self.n_bars} bars."
            )

    def __len__(self) -> int:
        return int(self.row0.shape[0])

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("Labels are columns; use their arrays, or to_frame().")

    def __repr__(self) -> str:
        names = ", ".join(self.symbols[:3]) + (", ..." if len(self.symbols) > 3 else "")
        up, flat, down = (int((self.label == value).sum()) for value in (1, 0, -1))
        lost = sum(self.dropped.values())
        return (
            f"Labels({self.kind}: {len(self)} of {names}; {up} up, {flat} flat, {down} down"
            f"{f'; dropped {lost}' if lost else ''})"
        )

    @property
    def bars_held(self) -> I64:
        """Bars of the instrument from the event to the answer."""
        return self.bar1 - self.bar0

    def select(self, which: npt.ArrayLike) -> Labels:
        """Labels at these places, or where this mask holds, in the order of the table.

        Parameters
        ----------
        which : array-like of bool or int

        Returns
        -------
        Labels

        Raises
        ------
        InputError
            If a mask has another length or a place does not exist.
        """
        chosen = np.asarray(which)
        if chosen.dtype.kind == "b":
            if chosen.shape != (len(self),):
                raise InputError(f"The mask has shape {chosen.shape}; there are {len(self)} labels.")
            chosen = np.flatnonzero(chosen)
        elif chosen.size and (chosen.dtype.kind not in "iu" or chosen.min() < 0 or chosen.max() >= len(self)):
            raise InputError(f"Places must be integers from 0 to {len(self) - 1}, not {chosen.dtype} {chosen[:5]}.")
        places = np.sort(chosen.astype(np.int64))
        return replace(self, **{name: getattr(self, name)[places] for name in COLUMNS})

    def of(self, symbol: str) -> Labels:
        """Labels of one symbol.

        Raises
        ------
        InputError
            If there is no such symbol.
        """
        from tradewright.domain.errors import closest

        if symbol not in self.symbols:
            raise InputError(f"No labels of {symbol!r}{closest(symbol, self.symbols) or '.'}")
        return self.select(self.asset == self.symbols.index(symbol))

    def to_frame(self) -> pd.DataFrame:
        """As a data frame, one row a label; instants are datetime64 in UTC, barriers are words.

        Returns
        -------
        pandas.DataFrame
            Columns ``symbol, t0, t1, row0, row1, label, ret, net, barrier, both, side, entry, exit, width, score``.
        """
        import pandas as pd

        out: dict[str, Any] = {
            "symbol": pd.Categorical([self.symbols[j] for j in self.asset.tolist()], categories=list(self.symbols)),
            "t0": pd.to_datetime(self.t0, utc=True),
            "t1": pd.to_datetime(self.t1, utc=True),
        }
        out |= {name: getattr(self, name) for name in ("row0", "row1", "label", "ret", "net")}
        out["barrier"] = [Barrier(code).word for code in self.barrier.tolist()]
        out |= {name: getattr(self, name) for name in ("both", "side", "entry", "exit", "width", "score")}
        return pd.DataFrame(out)


COLUMNS = tuple(f.name for f in fields(Labels) if f.name not in {"kind", "symbols", "n_bars", "dropped", "conventions"})


def assembled(
    kind: str, symbols: tuple[str, ...], ts: I64, columns: Mapping[str, npt.NDArray[Any]], *,
    dropped: Mapping[str, int], conventions: Mapping[str, str],
) -> Labels:  # fmt: skip
    """Labels of columns in any order, with what follows from rows filled in."""
    n = columns["row0"].shape[0]
    empty: dict[str, npt.NDArray[Any]] = {
        "barrier": np.zeros(n, dtype=np.int8),
        "both": np.zeros(n, dtype=np.bool_),
        "side": np.zeros(n, dtype=np.int8),
        "width": np.full(n, np.nan),
        "score": np.full(n, np.nan),
    }
    order = np.lexsort((columns["asset"], columns["row0"]))
    made = {name: value[order] for name, value in {**empty, **columns}.items()}
    return Labels(
        kind=kind,
        symbols=symbols,
        t0=ts[made["row0"]],
        t1=ts[made["row1"]],
        n_bars=int(ts.shape[0]),
        dropped={reason: count for reason, count in dropped.items() if count},
        conventions=dict(conventions),
        **made,
    )
