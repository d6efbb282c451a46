"""Fixed-point numbers of the ledger and the fixed tables of codes.

Quantities, prices and money in the ledger are Python integers in units of 1e-12. This module is the only place where
a float becomes such an integer or the other way round. The tables give names to the integer codes in the columns of a
run; the compiled engine has the same ones.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
I8 = NDArray[np.int8]

UNIT = 10**12
LIMIT = 17 * 10**37  # what a signed 128-bit integer can surely hold
HOLD = -128

KINDS = ("market", "limit", "stop", "stop_limit", "trail", "open", "close")
TIFS = ("gtc", "day", "gtd", "ioc", "fok")
STATUSES = ("pending", "filled", "cancelled", "expired", "refused")
REASONS = (
    "",
    "signal",
    "order",
    "weights",
    "stop",
    "target",
    "trail",
    "end",
    "open",
    "expired",
    "ioc",
    "fok",
    "replaced",
    "oco",
    "position_closed",
    "split",
    "zero",
    "within_buffer",
    "below_lot",
    "unfilled",
    "price",
    "halt",
    "cooldown",
    "short",
    "max_position",
    "max_gross",
    "cash",
    "margin",
    "min_notional",
    "volume",
    "daily_loss",
    "drawdown",
    "margin_call",
    "bankrupt",
    "cancelled",
    "delisted",
    "spin_off",
    "merger",
    "dividend",
)
REASON_CODE = {name: code for code, name in enumerate(REASONS)}
STATUS_CODE = {name: code for code, name in enumerate(STATUSES)}
KIND_CODE = {name: code for code, name in enumerate(KINDS)}
TIF_CODE = {name: code for code, name in enumerate(TIFS)}
DETAIL_KINDS = ("fraction", "amount", "atr", "price")  # of a protective distance


def checked(units: int) -> int:
    """Return `units` unchanged, or raise ``OverflowError`` when they lie outside of the ledger's range.

    >>> checked(5)
    5
    """
    if not -LIMIT <= units <= LIMIT:
        raise OverflowError(
            f"The ledger got {units} units, beyond its limit of {LIMIT}; "
            "use smaller quantities or prices, or a larger currency unit."
        )
    return units


def to_units(x: float) -> int:
    """Nearest integer number of units, ties to even; the product is taken in float64.

    >>> to_units(0.1), to_units(-2.5e-12), to_units(3.5e-12)
    (100000000000, -2, 4)
    """
    if not math.isfinite(x):
        raise OverflowError(f"The value {x} cannot enter the ledger; it must be a finite number.")
    return checked(round(x * 1e12))


def floor_units(x: float) -> int:
    """Largest integer number of units not above `x`.

    >>> floor_units(1.9e-12), floor_units(-1.1e-12)
    (1, -2)
    """
    if not math.isfinite(x):
        raise OverflowError(f"The value {x} cannot enter the ledger; it must be a finite number.")
    return checked(math.floor(x * 1e12))


def from_units(units: int) -> float:
    """Return the float value of an integer number of units.

    >>> from_units(2_500_000_000_000)
    2.5
    """
    return float(units) / 1e12


def div_half_even(a: int, b: int) -> int:
    """``a / b`` rounded to the nearest integer, ties to even; the sign is handled by magnitude.

    >>> div_half_even(5, 2), div_half_even(-7, 2), div_half_even(7, -3)
    (2, -4, -2)
    """
    quotient, rest = divmod(abs(a), abs(b))
    double = 2 * rest
    if double > abs(b) or (double == abs(b) and quotient % 2 == 1):
        quotient += 1
    return quotient if (a < 0) == (b < 0) else -quotient


def mul(a: int, b: int) -> int:
    """Product of two numbers in units, in units.

    >>> mul(3 * UNIT, UNIT // 2) == 3 * UNIT // 2
    True
    """
    return checked(div_half_even(a * b, UNIT))


def floor_lot(units: int, lot: int) -> int:
    """Multiple of `lot` towards zero; lot 0 means one unit.

    >>> floor_lot(17, 5), floor_lot(-17, 5), floor_lot(17, 0)
    (15, -15, 17)
    """
    if lot == 0:
        return units
    size = abs(units) - abs(units) % lot
    return size if units >= 0 else -size


def ceil_lot(units: int, lot: int) -> int:
    """Multiple of `lot` not below a nonnegative number of units; lot 0 means one unit.

    >>> ceil_lot(17, 5), ceil_lot(15, 5), ceil_lot(17, 0)
    (20, 15, 17)
    """
    if lot == 0:
        return units
    return -(-units // lot) * lot


def size_units(x: float, lot: int) -> int:
    """Quantity in units for a wanted size: floored to the lot, 0 for what is not positive or not a number.

    >>> size_units(1.75, UNIT // 2) == 3 * UNIT // 2, size_units(float("nan"), 0), size_units(-1.0, 0)
    (True, 0, 0)
    """
    if not x > 0.0:
        return 0
    return floor_lot(floor_units(x), lot)


def sign(x: float) -> int:
    """Return -1, 0 or 1.

    >>> sign(-3), sign(0), sign(2)
    (-1, 0, 1)
    """
    return (x > 0) - (x < 0)


def down_tick(price: float, tick: float) -> float:
    """`price` on the tick at or below it (a billionth of a tick is forgiven); tick 0: unchanged.

    >>> down_tick(10.07, 0.05)
    10.05
    """
    return price if tick == 0.0 or not math.isfinite(price) else math.floor(price / tick + 1e-9) * tick


def up_tick(price: float, tick: float) -> float:
    """`price` on the tick at or above it (a billionth of a tick is forgiven); tick 0: unchanged.

    >>> up_tick(10.07, 0.05)
    10.100000000000001
    """
    return price if tick == 0.0 or not math.isfinite(price) else math.ceil(price / tick - 1e-9) * tick


def usable_price(price: float) -> bool:
    """Whether a price can be traded at: finite and positive.

    >>> usable_price(1.0), usable_price(0.0), usable_price(float("inf"))
    (True, False, False)
    """
    return math.isfinite(price) and price > 0.0
