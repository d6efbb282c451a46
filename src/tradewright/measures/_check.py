"""Checks shared by the measures: one sentence of complaint for one kind of wrong argument.

Entry points: `series`, `pair`, `table`, `finite`, `probability`, `periods`, `capital`, `window_of`, `one_of`.

Invariants: what they return is float64, one-dimensional and finite where that was asked for; nothing is copied that is
already right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError, closest

F64 = npt.NDArray[np.float64]


def series(values: npt.ArrayLike, name: str, *, finite: bool = True) -> F64:
    """One-dimensional float64 view of `values`; InputError names the first value that is not finite."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise InputError(f"{name} has {array.ndim} dimensions; it must have one.")
    if finite and not np.isfinite(array).all():
        row = int(np.isfinite(array).argmin())
        raise InputError(f"{name} is {array[row]} at row {row}; every value must be finite.")
    return array


def pair(values: npt.ArrayLike, other: npt.ArrayLike, name: str, other_name: str) -> tuple[F64, F64]:
    """Two series of the same bars; InputError when their lengths differ."""
    first, second = series(values, name), series(other, other_name)
    if first.size != second.size:
        raise InputError(
            f"There are {first.size} {name} but {second.size} of the {other_name}; they must be of the same bars."
        )
    return first, second


def table(values: npt.ArrayLike, name: str) -> F64:
    """Two-dimensional finite float64 array; one series becomes one column."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    if array.ndim != 2:
        raise InputError(f"{name} has {array.ndim} dimensions; it must have two: bars and columns.")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0].tolist()
        raise InputError(f"{name} is {array[row, column]} at row {row}, column {column}; every value must be finite.")
    return array


def finite(value: float, name: str) -> float:
    """Number, checked to be finite."""
    if not math.isfinite(value):
        raise InputError(f"{name} is {value!r}; it must be a finite number.")
    return float(value)


def probability(value: float, name: str) -> float:
    """Number strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise InputError(f"{name} is {value!r}; it must lie between 0 and 1, both excluded, such as 0.95.")
    return float(value)


def one_of(value: str, known: Iterable[str], name: str) -> str:
    """Word from a closed set; InputError names the nearest."""
    words = tuple(known)
    if value not in words:
        raise InputError(f"There is no {name} {value!r}{closest(value, words) or '.'} Known: {', '.join(words)}.")
    return value


def periods(periods_per_year: float) -> float:
    """Periods per year, checked to be finite and positive."""
    if not (math.isfinite(periods_per_year) and periods_per_year > 0.0):
        raise InputError(
            f"periods_per_year is {periods_per_year!r}; it must be finite and above 0 (252 for trading days)."
        )
    return float(periods_per_year)


def capital(initial: float) -> float:
    """Starting capital, checked to be finite and positive."""
    if not (math.isfinite(initial) and initial > 0.0):
        raise InputError(f"initial is {initial!r}; the starting capital must be finite and above 0.")
    return float(initial)


def window_of(window: int, least: int = 2) -> int:
    """Window length, checked to be a whole number of at least `least` values."""
    if isinstance(window, bool) or window != int(window) or window < least:
        raise InputError(f"window is {window!r}; it must be a whole number of at least {least}.")
    return int(window)
