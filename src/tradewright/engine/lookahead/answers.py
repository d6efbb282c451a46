"""What a subject answered, one row per bar, and where two answers differ.

Entry points: `Table`, `table_of`, `Difference`, `first_difference`.

Invariants: row ``t`` of a table is what the subject claims to know at the close of bar ``t``; two rows are the same
when their bits are (NaN equals NaN); the only allowance is the one that `first_difference` states.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import InputError

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["ALLOWANCE", "Difference", "Table", "digest_rows", "first_difference", "table_digest", "table_of"]

ALLOWANCE: Final = 1e-12
"""Largest difference, relative to the largest value of the column, that another length of the data may cause."""


@dataclass(slots=True)
class Table:
    """Answers by column.

    Parameters
    ----------
    columns : dict of arrays, each (n_bars, width)
        Numbers; what is no number stands as the hash of its text.
    late : mapping of str to int
        Columns whose last rows before a cut are not compared, and how many of them: an order of the last common bar is
        sized and filled on a bar that differs.
    labels : tuple of str
        Names of the columns inside an array, where its width is the number of instruments.
    """

    columns: dict[str, Array]
    late: Mapping[str, int] = field(default_factory=dict)
    labels: tuple[str, ...] = ()

    @property
    def n_bars(self) -> int:
        """Number of rows."""
        return next(iter(self.columns.values())).shape[0] if self.columns else 0

    def place(self, column: str, j: int) -> str:
        """Name of one column of numbers, for people."""
        width = self.columns[column].shape[1]
        inner = self.labels[j] if len(self.labels) == width and width > 1 else str(j + 1) if width > 1 else ""
        return f"{column} of {inner}" if inner and column else column or inner


@dataclass(frozen=True, slots=True)
class Difference:
    """First row in which two answers differ.

    Parameters
    ----------
    row : int
    column : str
    relative : float
        Largest difference of that row relative to the largest value of its column; infinite where a value appears or
        disappears.
    before, after : float
        The two values.
    """

    row: int
    column: str
    relative: float
    before: float
    after: float


def first_difference(
    base: Table, other: Table, upto: int, *, allow: float = 0.0, late: Mapping[str, int] | None = None
) -> Difference | None:
    """First row before `upto` in which two answers differ.

    Parameters
    ----------
    base, other : Table
        With the same columns, else the first row differs.
    upto : int
        Rows compared.
    allow : float
        Differences up to this fraction of the largest finite value of the column are none. 0 compares bits. It is above
        0 only where the two answers come from data of different length, which may add numbers up in another order.
    late : mapping, optional
        More rows to leave out before `upto`, by column.

    Examples
    --------
    >>> a, b = Table({"x": np.array([[1.0], [2.0], [3.0]])}), Table({"x": np.array([[1.0], [2.5], [9.0]])})
    >>> first_difference(a, b, 3).row, first_difference(a, b, 1)
    (1, None)
    """
    if list(base.columns) != list(other.columns):
        odd = sorted(set(base.columns) ^ set(other.columns)) or list(base.columns)
        return Difference(0, odd[0], np.inf, np.nan, np.nan)
    found: Difference | None = None
    for name, whole in base.columns.items():
        part = other.columns[name]
        rows = min(upto - base.late.get(name, 0) - (late or {}).get(name, 0), whole.shape[0], part.shape[0])
        if rows <= 0:
            continue
        if part.shape[1:] != whole.shape[1:]:
            return Difference(0, name, np.inf, np.nan, np.nan)
        x, y = whole[:rows], part[:rows]
        different = x != y
        if x.dtype.kind == "f":
            different &= ~(np.isnan(x) & np.isnan(y))
        if not different.any():
            continue
        if x.dtype.kind == "f":
            finite = np.abs(np.where(np.isfinite(x), x, 0.0))
            scale = np.maximum(finite.max(axis=0, keepdims=True), np.finfo(float).tiny)
            with np.errstate(all="ignore"):
                relative = np.abs(x - y) / scale
            relative = np.where(different & ~np.isfinite(relative), np.inf, relative)
            if allow:
                different &= relative > allow
                if not different.any():
                    continue
        else:
            relative = np.where(different, np.inf, 0.0)
        row = int(np.flatnonzero(different.any(axis=1))[0])
        j = int(np.flatnonzero(different[row])[0])
        if found is None or row < found.row:
            found = Difference(
                row, base.place(name, j), float(relative[row, j]), _number(x[row, j]), _number(y[row, j])
            )
    return found


def table_digest(table: Table) -> str:
    """SHA-256 over all columns, the same on every machine."""
    digest = hashlib.sha256()
    for name, values in table.columns.items():
        array = np.ascontiguousarray(values)
        if array.dtype.kind == "f":
            array = np.where(np.isnan(array), np.nan, array)
        digest.update(f"{name}{array.shape}{array.dtype.kind}".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def table_of(value: Any, bars: Bars, name: str) -> Table:
    """Answers of a feature, indicator or model as a table.

    Parameters
    ----------
    value : array, list, series, frame, mapping or tuple of these
        One row a bar. Series and frames with times are put where their times belong: a value stamped ``s`` is known
        from the first bar at or after ``s``.
    bars : Bars
        What was asked about.
    name : str
        Of the subject, for messages.

    Raises
    ------
    InputError
        If there is not one row a bar.
    """
    columns: dict[str, Array] = {}
    _collect(value, "", bars, name, columns)
    if not columns:
        raise InputError(f"{name} answers with nothing; it must give one value a bar.")
    return Table(columns, labels=bars.symbols)


def digest_rows(rows: Array, parts: list[Array], n_bars: int) -> Array:
    """One number per bar that stands for all events of that bar, (n_bars, 1); 0 where there are none."""
    out = np.zeros((n_bars, 1), dtype=np.int64)
    if rows.size:
        stacked = np.column_stack([np.where(np.isnan(p), np.nan, p).astype("<f8") for p in parts])
        starts = np.flatnonzero(np.r_[True, np.diff(rows) != 0])
        for start, end in zip(starts, np.r_[starts[1:], rows.size], strict=True):
            text = np.ascontiguousarray(stacked[start:end]).tobytes()
            out[int(rows[start]), 0] = _hash(text)
    return out


def _hash(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=6).digest(), "little") + 1


def _collect(value: Any, label: str, bars: Bars, name: str, out: dict[str, Array]) -> None:
    if hasattr(value, "to_pandas") and not hasattr(value, "index"):
        value = value.to_pandas()
    if type(value).__module__.startswith("pandas") and hasattr(value, "index"):
        _collect_frame(value, label, bars, name, out)
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            _collect(item, f"{label}.{key}" if label else str(key), bars, name, out)
        return
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None) or [str(k + 1) for k in range(len(value))]
        for key, item in zip(names, value, strict=True):
            _collect(item, f"{label}.{key}" if label else str(key), bars, name, out)
        return
    array = np.asarray(value)
    if array.ndim == 0 or array.shape[0] != bars.n_bars:
        raise InputError(
            f"{name} answers with shape {array.shape} for {bars.n_bars} bars; it must give one value a bar, NaN where "
            "it knows none, or a series with times."
        )
    out[label] = _numbers(array).reshape(bars.n_bars, -1)


def _collect_frame(value: Any, label: str, bars: Bars, name: str, out: dict[str, Array]) -> None:
    columns: dict[str, Any] = {label: value}
    if value.ndim == 2:
        columns = {}
        for k, key in enumerate(value.columns):
            word = ".".join(map(str, key)) if isinstance(key, tuple) else str(key)
            columns[f"{label}.{word}" if label else word] = value.iloc[:, k]
    index = value.index
    timed = str(getattr(index, "dtype", "")).startswith("datetime64")
    for key, series in columns.items():
        array = _numbers(np.asarray(series))
        if timed:
            stamps = index.tz_convert("UTC").tz_localize(None) if getattr(index, "tz", None) is not None else index
            ns = np.asarray(stamps).astype("datetime64[ns]").astype(np.int64)
            out[key] = _placed(np.searchsorted(bars.ts, ns, side="left"), array, bars.n_bars)
        elif array.shape[0] == bars.n_bars:
            out[key] = array.reshape(-1, 1)
        elif str(getattr(index, "dtype", "")).startswith("int"):
            out[key] = _placed(np.asarray(index), array, bars.n_bars)
        else:
            raise InputError(
                f"{name} answers with {array.shape[0]} rows for {bars.n_bars} bars, without times; keep the index of "
                "the bars, or give one value a bar."
            )


def _placed(rows: Array, values: Array, n_bars: int) -> Array:
    """Values at the rows from which they can be used; several of one row become the hash of all."""
    inside = (rows >= 0) & (rows < n_bars)
    rows, values = rows[inside], values[inside]
    order = np.argsort(rows, kind="stable")
    rows, values = rows[order], values[order]
    if rows.size == np.unique(rows).size:
        out = np.full((n_bars, 1), np.nan)
        out[rows, 0] = values
        return out
    return digest_rows(rows, [values.astype(np.float64)], n_bars)


def _numbers(array: Array) -> Array:
    if array.dtype.kind == "f":
        return array.astype(np.float64, copy=False)
    if array.dtype.kind in "mM":
        return array.astype(np.int64)
    if array.dtype.kind in "iub":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind == "c":
        return np.stack([array.real, array.imag], axis=-1)
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        flat = [_hash(repr(item).encode()) for item in array.ravel().tolist()]
        return np.array(flat, dtype=np.int64).reshape(array.shape)


def _number(value: Any) -> float:
    return float(value)
