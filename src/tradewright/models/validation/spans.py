"""When the label of each row begins and ends.

Entry points: `Spans`, `instant_spans`, and `spans_of`, which reads what users give.

Invariants: one closed span ``[t0, t1]`` for each row of X, in the order of the rows, which need not be that of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tradewright.domain.bars import instant_ns
from tradewright.domain.errors import InputError

__all__ = ["I64", "Spans", "SpansLike", "instant_spans", "spans_of"]

I64: TypeAlias = npt.NDArray[np.int64]
SpansLike: TypeAlias = Any
"""`Spans`, labels (anything with ``t0`` and ``t1``), a series of ends indexed by begins, a frame with columns t0 and
t1, a pair of arrays, or an array of shape (n, 2)."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Begin and end of each row's label.

    Parameters
    ----------
    t0, t1 : int64 array, shape (n,)
        Nanoseconds UTC, or rows of bars: any counting that only grows. Closed on both sides.

    Raises
    ------
    InputError
        If a span ends before it begins, or lengths differ.

    Examples
    --------
    >>> Spans(np.array([0, 1]), np.array([2, 3]))
    Spans(2)
    """

    t0: I64
    t1: I64

    def __post_init__(self) -> None:
        if self.t0.shape != self.t1.shape or self.t0.ndim != 1:
            raise InputError(f"Spans have {self.t0.shape} begins and {self.t1.shape} ends; each label needs both.")
        wrong = self.t1 < self.t0
        if wrong.any():
            k = int(wrong.argmax())
            raise InputError(
                f"The label of row {k} begins at {self.t0[k]} and ends at {self.t1[k]}, which is before it."
            )

    def __len__(self) -> int:
        return int(self.t0.shape[0])

    def __repr__(self) -> str:
        return f"Spans({len(self)})"


def instant_spans(times: npt.ArrayLike) -> Spans:
    """Spans of labels that are known at the instant of their row, such as a state of now.

    Use this to say so on purpose: a label that looks ahead by even one bar is not of that kind.

    Parameters
    ----------
    times : array-like, shape (n,)
        datetime64, datetimes, ISO text, nanoseconds or rows.

    Returns
    -------
    Spans

    Examples
    --------
    >>> instant_spans(range(3)).t1.tolist()
    [0, 1, 2]
    """
    stamps = _stamps("times", times)
    return Spans(stamps, stamps)


def spans_of(spans: SpansLike | None, X: Any, n_rows: int) -> Spans:
    """Spans of whatever was given, one for each row.

    Parameters
    ----------
    spans : see `SpansLike`, or None
        With None they are read from levels ``t0`` and ``t1`` of the index of X, or from a column index of that name.
    X : any
        What is split.
    n_rows : int
        Its rows.

    Raises
    ------
    InputError
        If there are no spans, or not one for each row.
    """
    if spans is None:
        found = _of_index(X)
        if found is None:
            raise InputError(
                "Label spans are missing, and without them a fold leaks into the next. Give spans=labels (when each "
                "label begins and ends), or X as Aligned.to_frame() makes it, whose index holds t0 and t1; labels "
                "known at once have spans=instant_spans(times)."
            )
    elif isinstance(spans, Spans):
        found = spans
    elif hasattr(spans, "labels") and hasattr(spans.labels, "t0"):
        found = spans_of(spans.labels, None, n_rows)
    elif hasattr(spans, "index") and hasattr(spans, "to_numpy"):
        found = _of_pandas(spans)
    elif hasattr(spans, "t0") and hasattr(spans, "t1"):
        found = Spans(_stamps("t0", spans.t0), _stamps("t1", spans.t1))
    else:
        found = _of_arrays(spans)
    if len(found) != n_rows:
        raise InputError(
            f"There are {len(found)} spans for {n_rows} rows. Inside of a nested search a part of the rows is split: "
            "give X as Aligned.to_frame() makes it, whose index carries the spans along, or splitter.restrict(rows)."
        )
    return found


def _of_index(X: Any) -> Spans | None:
    names = getattr(getattr(X, "index", None), "names", None)
    if names is None or not {"t0", "t1"} <= set(names):
        return None
    return Spans(*(_stamps(level, X.index.get_level_values(level)) for level in ("t0", "t1")))


def _of_pandas(table: Any) -> Spans:
    columns = getattr(table, "columns", None)
    if columns is None:  # a series of ends, indexed by begins
        return Spans(_stamps("t0", table.index), _stamps("t1", table))
    if not {"t0", "t1"} <= set(columns):
        raise InputError(f"The frame of spans has columns {', '.join(map(str, columns))}; it needs t0 and t1.")
    return Spans(_stamps("t0", table["t0"]), _stamps("t1", table["t1"]))


def _of_arrays(spans: Any) -> Spans:
    if isinstance(spans, tuple) and len(spans) == 2:
        return Spans(_stamps("t0", spans[0]), _stamps("t1", spans[1]))
    table = np.asarray(spans)
    if table.ndim != 2 or table.shape[1] != 2:
        raise InputError(
            f"Spans are {type(spans).__name__} of shape {table.shape}; give labels, a pair of arrays (t0, t1), or an "
            "array of shape (n, 2)."
        )
    return Spans(_stamps("t0", table[:, 0]), _stamps("t1", table[:, 1]))


def _stamps(name: str, values: Any) -> I64:
    if (getattr(values, "tz", None) or getattr(getattr(values, "dtype", None), "tz", None)) is not None:
        import pandas as pd

        values = pd.DatetimeIndex(values).tz_convert("UTC").tz_localize(None)
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"{name} has {array.ndim} dimensions; it must have one.")
    if array.dtype.kind == "M":
        if np.isnat(array).any():
            raise InputError(
                f"{name} is missing in row {int(np.isnat(array).argmax())}; drop labels whose end is not known."
            )
        return array.astype("datetime64[ns]").astype(np.int64)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    if array.dtype.kind in "OU":
        try:
            return np.array([instant_ns(item) for item in array.tolist()], dtype=np.int64)
        except (InputError, TypeError, ValueError) as error:
            raise InputError(f"{name} cannot be read as instants ({error}).") from None
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise InputError(f"{name} is NaN in row {int(np.isnan(array).argmax())}; drop labels whose end is not known.")
    if array.dtype.kind == "f" and (array == np.floor(array)).all():
        return array.astype(np.int64)
    raise InputError(f"{name} has type {array.dtype}; give instants or whole numbers.")
