"""Checks shared by the measures: one sentence of complaint for one kind of wrong argument.

Entry points: `series`, `periods`, `capital`, `window_of`.

Invariants: what they return is float64, one-dimensional and finite where that was asked for; nothing is copied that is
already right.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError

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
