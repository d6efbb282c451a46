"""Time zones for whole arrays of stamps.

Entry points: `utc_offsets`, `to_local`, `to_utc`, `zone_of`.

Invariants: the rules come from the time-zone database by way of `zoneinfo`; only the places where the offset changes
are looked up one by one, once a zone and year, so a million stamps cost a few milliseconds. Local time is an int64
count of nanoseconds as if it were UTC.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from ..domain.errors import InputError, closest

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["to_local", "to_utc", "utc_offsets", "zone_of"]

SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
_STEP_DAYS: Final = 5  # no zone changes its offset twice within five days


@lru_cache(maxsize=64)
def zone_of(name: str) -> dt.tzinfo:
    """Time zone of an IANA name.

    Parameters
    ----------
    name : str
        Such as ``"America/New_York"``; ``"UTC"`` in any case.

    Returns
    -------
    tzinfo

    Raises
    ------
    InputError
        If there is no such zone; the message names the nearest.

    Examples
    --------
    >>> zone_of("utc")
    datetime.timezone.utc
    >>> zone_of("America/New_York").key
    'America/New_York'
    """
    if name.upper() in {"UTC", "Z", "GMT", "ETC/UTC"}:
        return dt.UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"There is no time zone {name!r}{closest(name, available_timezones()) or '.'}") from None


def utc_offsets(ts: npt.NDArray[np.int64], zone: str) -> npt.NDArray[np.int64]:
    """What local time is ahead of UTC at each instant.

    Parameters
    ----------
    ts : int64 array, shape (n,)
        Nanoseconds UTC, in any order.
    zone : str
        IANA name.

    Returns
    -------
    int64 array, shape (n,)
        Nanoseconds, negative west of Greenwich.

    Examples
    --------
    >>> days = np.array(["2024-01-15", "2024-07-15"], dtype="datetime64[ns]").astype(np.int64)
    >>> (utc_offsets(days, "America/New_York") // 3_600_000_000_000).tolist()
    [-5, -4]
    """
    if not ts.size or zone_of(zone) is dt.UTC:
        return np.zeros(ts.shape, dtype=np.int64)
    low, high = int(ts.min()), int(ts.max())
    first = _year_of(low)
    changes: list[int] = []
    offsets = [_year(zone, first)[0]]
    for year in range(first, _year_of(high) + 1):
        for instant, offset in _year(zone, year)[1]:
            changes.append(instant)
            offsets.append(offset)
    values = np.array(offsets, dtype=np.int64)
    edges = np.array(changes, dtype=np.int64)
    if ts.size > 10_000 and bool((ts[1:] >= ts[:-1]).all()):
        # Sorted stamps: find the few edges among the stamps, not each stamp among the edges.
        bounds = np.concatenate(([0], np.searchsorted(ts, edges, side="left"), [ts.size]))
        return np.repeat(values, np.diff(bounds))
    result: npt.NDArray[np.int64] = values[np.searchsorted(edges, ts, side="right")]
    return result


def to_local(ts: npt.NDArray[np.int64], zone: str) -> npt.NDArray[np.int64]:
    """Wall-clock time of instants, as nanoseconds.

    Examples
    --------
    >>> noon = np.array(["2024-01-15T17:00"], dtype="datetime64[ns]").astype(np.int64)
    >>> str(to_local(noon, "America/New_York").view("datetime64[ns]")[0].astype("datetime64[m]"))
    '2024-01-15T12:00'
    """
    return ts if zone_of(zone) is dt.UTC else ts + utc_offsets(ts, zone)


def to_utc(local: npt.NDArray[np.int64], zone: str) -> npt.NDArray[np.int64]:
    """Instants of wall-clock times.

    Parameters
    ----------
    local : int64 array, shape (n,)
        Wall-clock time as nanoseconds.
    zone : str
        IANA name.

    Returns
    -------
    int64 array, shape (n,)
        Nanoseconds UTC. An hour that happens twice in autumn is read as its first pass; an hour that spring skips is
        read with the offset before the change.

    Examples
    --------
    >>> wall = np.array(["2024-11-03T01:30", "2024-03-10T02:30", "2024-03-11T09:30"], dtype="datetime64[ns]")
    >>> [str(t)[:16] for t in to_utc(wall.astype(np.int64), "America/New_York").view("datetime64[ns]")]
    ['2024-11-03T05:30', '2024-03-10T07:30', '2024-03-11T13:30']
    """
    if not local.size or zone_of(zone) is dt.UTC:
        return local
    before = utc_offsets(local - DAY_NS, zone)
    after = utc_offsets(local + DAY_NS, zone)
    if np.array_equal(before, after):
        return local - before
    early, late = local - before, local - after
    fits_early = utc_offsets(early, zone) == before
    fits_late = utc_offsets(late, zone) == after
    return np.where(fits_early | ~fits_late, early, late)


def _year_of(ns: int) -> int:
    return int(np.datetime64(ns, "ns").astype("datetime64[Y]").astype(np.int64)) + 1970


@lru_cache(maxsize=4096)
def _year(zone: str, year: int) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Offset at the start of a UTC year, and each change in it as (instant, offset after)."""
    start = int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp())
    end = int(dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC).timestamp())
    tz = zone_of(zone)

    def offset(second: int) -> int:
        delta = dt.datetime.fromtimestamp(second, tz).utcoffset()
        return 0 if delta is None else int(delta.total_seconds())

    changes: list[tuple[int, int]] = []
    first = before = offset(start)
    low = start
    while low < end:
        high = min(low + _STEP_DAYS * 86_400, end)
        now = offset(high)
        if now != before:
            left, right = low, high
            while right - left > 1:
                middle = (left + right) // 2
                left, right = (middle, right) if offset(middle) == before else (left, middle)
            if right < end:
                changes.append((right * SECOND_NS, now * SECOND_NS))
        before, low = now, high
    return first * SECOND_NS, tuple(changes)
