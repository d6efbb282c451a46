"""Exact money: integers in units of 1e-12, and the few functions that lead to them.

Entry points: `to_units`, `from_units`, `mul`, `floor_units`, `floor_lot`.

Invariants: addition of units is exact and `mul` rounds half to even once, so a ledger never drifts; the order engine
uses the same unit and the same rounding, so its integers can be compared with those of a `Portfolio`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias

from .errors import InputError

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["UNIT", "Number", "floor_lot", "floor_units", "from_units", "mul", "mul_div", "to_units"]

UNIT: Final = 10**12
"""Units in one: the smallest amount of money, price or quantity in the ledger is 1e-12."""

Number: TypeAlias = "int | float | str | Decimal"
"""What `to_units` accepts."""

_LIMIT: Final = 17 * 10**37


def to_units(value: Number) -> int:
    """Units of a number, rounded half to even.

    Parameters
    ----------
    value : int, float, str or Decimal
        A float is multiplied by 1e12 in float64, as the order engine does; text, integers and decimals are exact.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If the value is not a finite number or is beyond 1.7e26 in magnitude.

    Examples
    --------
    >>> to_units("0.1"), to_units(0.1), to_units(2)
    (100000000000, 100000000000, 2000000000000)
    """
    if isinstance(value, int):
        units = int(value) * UNIT
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"The amount {value!r} cannot enter the ledger; it must be finite.")
        units = round(float(value) * 1e12)
    else:
        from fractions import Fraction

        try:
            units = round(Fraction(value) * UNIT)
        except (ValueError, OverflowError, TypeError):
            raise InputError(f"The amount {value!r} cannot enter the ledger; it must be a finite number.") from None
    if abs(units) > _LIMIT:
        raise InputError(f"The amount {value!r} is beyond 1.7e26, the largest that the ledger holds.")
    return units


def from_units(units: int) -> float:
    """Nearest float of an amount in units.

    Examples
    --------
    >>> from_units(1_500_000_000_000)
    1.5
    """
    return float(units) / 1e12


def floor_units(value: float) -> int:
    """Units of a number, cut down to a whole unit (for quantities one can afford).

    Examples
    --------
    >>> floor_units(1.25)
    1250000000000
    """
    if not math.isfinite(value):
        raise InputError(f"The amount {value!r} cannot enter the ledger; it must be finite.")
    return math.floor(value * 1e12)


def mul(a: int, b: int) -> int:
    """Product of two amounts in units, rounded half to even.

    Examples
    --------
    >>> mul(to_units(3), to_units("0.5")) == to_units("1.5")
    True
    """
    return mul_div(a, b, UNIT)


def mul_div(a: int, b: int, divisor: int) -> int:
    """``a * b / divisor`` with an exact product, rounded half to even.

    Examples
    --------
    >>> [mul_div(n, 1, 2) for n in (1, 3, 5, -1, -3)]
    [0, 2, 2, 0, -2]
    """
    product = a * b
    if divisor < 0:
        product, divisor = -product, -divisor
    quotient, rest = divmod(abs(product), divisor)
    if 2 * rest > divisor or (2 * rest == divisor and quotient & 1):
        quotient += 1
    return quotient if product >= 0 else -quotient


def floor_lot(units: int, lot_units: int) -> int:
    """Largest whole number of lots in a quantity, towards zero (a lot of 0 cuts nothing).

    Examples
    --------
    >>> floor_lot(-to_units("2.7"), to_units(1)) == -to_units(2)
    True
    """
    if lot_units <= 0:
        return units
    magnitude = abs(units)
    magnitude -= magnitude % lot_units
    return magnitude if units >= 0 else -magnitude
