"""What a source delivered, before anybody believed it.

Entry points: `RawSeries`, `to_floats`.

Invariants: one instrument, columns of equal length in the order of the source; nothing is dropped or repaired here.
An unreadable stamp is `stamps.NAT`, an unreadable or empty number is NaN and, when it held text, its row is in
`text_rows`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..domain.actions import CorporateAction
from ..domain.bars import Provenance
from ..domain.instrument import Instrument

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["RawSeries", "to_floats"]

_NO_ROWS: Final = np.zeros(0, dtype=np.int64)
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")  # 1,250 and 1,250.75
_COMMA: Final = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+")  # 102,5 and 1.250,75
_DOTS: Final = re.compile(r"[+-]?\d{1,3}(\.\d{3}){2,}")  # 1.250.000
_DECORATION: Final = str.maketrans("", "", "$\u20ac\u00a3\u00a5 \u00a0\u202f")
_EMPTY: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "-", ".", "#n/a"})


@dataclass(frozen=True, slots=True, eq=False)
class RawSeries:
    """Unchecked bars of one instrument.

    Parameters
    ----------
    instrument : Instrument
        Whose bars they are.
    ts : int64 array, shape (n_rows,)
        Nanoseconds UTC at which each bar became known, in any order, `stamps.NAT` where unreadable.
    open, high, low, close, volume : float64 array, shape (n_rows,)
        As read; NaN where a cell is missing.
    interval_ns : int
        Length of a bar, 0 when unknown.
    provenance : Provenance
        Where the rows come from.
    text_rows : int64 array
        Rows with text in the place of a number.
    ragged : int
        Rows that had the wrong number of cells and could not be laid out in columns at all.
    side : str
        What its intraday time labels mark: ``"start"``, ``"end"``, ``"assumed"`` (nothing tells, the start was taken);
        empty for daily and longer bars.
    actions : tuple of CorporateAction
        Splits and dividends the source names.
    """

    instrument: Instrument
    ts: npt.NDArray[np.int64]
    open: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    close: npt.NDArray[np.float64]
    volume: npt.NDArray[np.float64]
    interval_ns: int = 0
    provenance: Provenance = field(default_factory=Provenance)
    text_rows: npt.NDArray[np.int64] = field(default_factory=lambda: _NO_ROWS)
    ragged: int = 0
    side: str = ""
    actions: tuple[CorporateAction, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows as read, without the ragged ones."""
        return int(self.ts.shape[0])


def to_floats(cells: Sequence[Any] | npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Numbers of a column that may hold anything.

    Parameters
    ----------
    cells : sequence or array
        Numbers or text. In text, currency signs, thousands separators (1,250.75) and decimal commas (102,5 and
        1.250,75) are understood. Which of the two a comma is, is decided for the whole column, never cell by cell: it
        separates thousands when every comma of the column could. What means "missing" becomes NaN.

    Returns
    -------
    values : float64 array, shape (n,)
        NaN where there is no number.
    text_rows : int64 array
        Rows that held text which is neither a number nor a word for "missing".

    Examples
    --------
    >>> values, text_rows = to_floats(["1.5", "", "abc", "1,250", None])
    >>> values.tolist(), text_rows.tolist()
    ([1.5, nan, nan, 1250.0, nan], [2])
    >>> to_floats(["102,5", "1.102,125", "99"])[0].tolist()
    [102.5, 1102.125, 99.0]
    """
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "fiub":
        return np.ascontiguousarray(cells, dtype=np.float64), _NO_ROWS
    items: Sequence[Any] = cells.tolist() if isinstance(cells, np.ndarray) else cells
    try:
        return np.fromiter(map(float, items), dtype=np.float64, count=len(items)), _NO_ROWS
    except (TypeError, ValueError):
        pass
    values = np.full(len(items), np.nan)
    text_rows: list[int] = []
    with_comma: list[tuple[int, str]] = []
    for row, item in enumerate(items):
        if item is None:
            continue
        try:
            values[row] = float(item)
        except (TypeError, ValueError):
            text = str(item).strip()
            if text.casefold() in _EMPTY:
                continue
            text = text.translate(_DECORATION)
            if "," in text:
                with_comma.append((row, text))
                continue
            try:
                values[row] = float(text.replace(".", "") if _DOTS.fullmatch(text) else text)
            except ValueError:
                text_rows.append(row)
    grouped = all(_GROUPED.fullmatch(text) or not _COMMA.fullmatch(text) for _, text in with_comma)
    for row, text in with_comma:
        if (_GROUPED if grouped else _COMMA).fullmatch(text):
            values[row] = float(text.replace(",", "") if grouped else text.replace(".", "").replace(",", "."))
        else:
            text_rows.append(row)
    return values, np.array(sorted(text_rows), dtype=np.int64)
