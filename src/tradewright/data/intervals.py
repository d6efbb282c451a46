"""Lengths of bars: their names, and how to read them off the stamps.

Entry points: `interval_ns`, `interval_name`, `infer_interval`.

Invariants: a length is nanoseconds, 0 when not known. Months, quarters and years have no fixed length; they are written
as 30, 91 and 365 days, and everything that needs the calendar asks `unit_of`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from ..domain.errors import InputError
from .hours import MINUTE_NS
from .zones import DAY_NS, SECOND_NS

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["infer_interval", "interval_name", "interval_ns", "unit_of"]

WEEK_NS: Final = 7 * DAY_NS
MONTH_NS: Final = 30 * DAY_NS
QUARTER_NS: Final = 91 * DAY_NS
YEAR_NS: Final = 365 * DAY_NS
HOUR_NS: Final = 60 * MINUTE_NS

_UNITS: Final = {
    "s": SECOND_NS, "sec": SECOND_NS, "second": SECOND_NS,
    "t": MINUTE_NS, "min": MINUTE_NS, "minute": MINUTE_NS, "m": MINUTE_NS,
    "h": HOUR_NS, "hour": HOUR_NS,
    "d": DAY_NS, "day": DAY_NS, "daily": DAY_NS,
    "w": WEEK_NS, "wk": WEEK_NS, "week": WEEK_NS, "weekly": WEEK_NS,
    "mo": MONTH_NS, "month": MONTH_NS, "monthly": MONTH_NS,
    "q": QUARTER_NS, "quarter": QUARTER_NS, "quarterly": QUARTER_NS,
    "y": YEAR_NS, "year": YEAR_NS, "yearly": YEAR_NS,
    "hourly": HOUR_NS,
}  # fmt: skip
_TEXT: Final = re.compile(r"^\s*(\d*)\s*([a-z]+?)s?\s*$")
# Data may skip a bar or change its clock by an hour, so long steps are recognised by ranges of days.
_CALENDAR_STEPS: Final = (
    (20 / 24, 1.5, DAY_NS),
    (4.0, 10.0, WEEK_NS),
    (27.0, 32.0, MONTH_NS),
    (80.0, 100.0, QUARTER_NS),
    (350.0, 380.0, YEAR_NS),
)


def interval_ns(text: str | int) -> int:
    """Nanoseconds of a bar length.

    Parameters
    ----------
    text : str or int
        ``"1min"``, ``"15m"``, ``"1h"``, ``"1d"``, ``"daily"``, ``"1w"``, ``"1mo"`` (``m`` is minutes, ``M`` months), or
        nanoseconds.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If the text names no length.

    Examples
    --------
    >>> interval_ns("15min") == interval_ns("15m") == 900_000_000_000
    True
    >>> interval_ns("1M") == interval_ns("monthly")
    True
    """
    if isinstance(text, int):
        if text < 0:
            raise InputError(f"The interval is {text} ns; it must be at least 0.")
        return text
    plain = text.strip()
    plain = plain[:-1] + "mo" if plain.endswith("M") and not plain[:-1].isalpha() else plain.lower()
    match = _TEXT.match(plain)
    unit = _UNITS.get(match.group(2)) or _UNITS.get(match.group(2) + "s") if match else None
    if match is None or unit is None or match.group(1) == "0":
        raise InputError(f"{text!r} is not a bar length; write it like '1min', '15min', '1h', '1d', '1w' or '1mo'.")
    return unit * int(match.group(1) or 1)


def interval_name(ns: int) -> str:
    """Short name of a bar length.

    Examples
    --------
    >>> [interval_name(interval_ns(t)) for t in ("60m", "1d", "2w", "1mo", "90s")]
    ['1h', '1d', '2w', '1mo', '90s']
    >>> interval_name(0)
    'unknown'
    """
    if ns <= 0:
        return "unknown"
    for unit, name in (
        (YEAR_NS, "y"), (QUARTER_NS, "q"), (MONTH_NS, "mo"), (WEEK_NS, "w"), (DAY_NS, "d"), (HOUR_NS, "h"),
        (MINUTE_NS, "min"), (SECOND_NS, "s"),
    ):  # fmt: skip
        if ns % unit == 0:
            return f"{ns // unit}{name}"
    return f"{ns}ns"


def unit_of(ns: int) -> str:
    """Kind of a bar length: ``"intraday"``, ``"day"``, ``"week"``, ``"month"``, ``"quarter"``, ``"year"`` or ``""``.

    Examples
    --------
    >>> unit_of(interval_ns("4h")), unit_of(interval_ns("1d")), unit_of(interval_ns("1mo")), unit_of(0)
    ('intraday', 'day', 'month', '')
    """
    if ns <= 0:
        return ""
    for unit, name in ((YEAR_NS, "year"), (QUARTER_NS, "quarter"), (MONTH_NS, "month"), (WEEK_NS, "week")):
        if ns % unit == 0:
            return name
    return "day" if ns >= DAY_NS else "intraday"


def infer_interval(ts: npt.NDArray[np.int64]) -> int:
    """Bar length that a series of stamps shows.

    The lower quartile of the steps between stamps: nights, weekends and missing bars make steps longer, never shorter.
    A long series is judged by its first, middle and last thousands.

    Parameters
    ----------
    ts : int64 array, shape (n,)
        Nanoseconds, labels or closes, in any order.

    Returns
    -------
    int
        Nanoseconds; 0 when fewer than two different stamps are given.

    Examples
    --------
    >>> days = np.array(["2024-01-04", "2024-01-05", "2024-01-08"], dtype="datetime64[ns]").astype(np.int64)
    >>> interval_name(infer_interval(days))
    '1d'
    """
    if ts.size > 30_000:
        middle = ts.size // 2
        parts = [ts[:8_000], ts[middle : middle + 8_000], ts[-8_000:]]
    else:
        parts = [ts]
    steps = np.concatenate([np.diff(part) for part in parts])
    if steps.size and int(steps.min()) <= 0:
        steps = np.concatenate([np.diff(np.sort(part)) for part in parts])
        steps = steps[steps > 0]
    if not steps.size:
        return 0
    step = int(np.partition(steps, (steps.size - 1) // 4)[(steps.size - 1) // 4])
    days = step / DAY_NS
    for low, high, nominal in _CALENDAR_STEPS:
        if low <= days <= high:
            return nominal
    return step
