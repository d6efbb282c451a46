"""When bars are due: the stamps a series must have by its exchange's calendar, and how many come between.

Entry points: `Schedule`, `schedule` (sessions of a market between two days), `due_stamps` (closes of intraday bars),
`bars_due` (how many bars should have become known since an instant).

Invariants: where `exchange_calendars` knows the market the answer is exact (holidays, half days, noon breaks, daylight
saving); where it does not (library absent, dates beyond its reach) weekdays and usual hours stand in and `exact` is
False. Around the clock is exact by arithmetic. Days are counted from 1970-01-01, stamps are nanoseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from ..domain.errors import ConfigError, InputError
from .calendars import session_days, sessions
from .hours import MINUTE_NS, MarketHours, hours_of
from .intervals import unit_of
from .stamps import NAT
from .zones import DAY_NS, to_local, to_utc

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Anchor",
    "Schedule",
    "anchor_of",
    "bars_due",
    "due_stamps",
    "period_keys",
    "schedule",
    "session_closes_of",
    "session_numbers",
]

Anchor: TypeAlias = Literal["open", "clock"]
"""Whether intraday bars are counted from the opening bell or from the full hour of the exchange's clock."""

_PAUSE_AT_THE_END: Final = {"CMES": 60 * MINUTE_NS}
"""Closed hours at the end of a session that the calendar library counts as open."""

_BEYOND: Final = {"week": 14, "month": 45, "quarter": 110, "year": 400}
"""Days after a moment in which the next period has surely begun."""

_WEEK_OFFSET: Final = 3  # 1970-01-01 was a Thursday: weeks counted from here begin on Mondays


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Sessions of a market in a range of days.

    Parameters
    ----------
    calendar : str
        Code of the market.
    days : int64 array, shape (n_sessions,)
        Session dates, days since 1970-01-01.
    starts, ends : int64 array, shape (n_parts,)
        Trading hours, nanoseconds UTC; a session with a noon break has two parts.
    session : int64 array, shape (n_parts,)
        Position in `days` of each part.
    exact : bool
        False where weekdays and usual hours stood in for the exchange's calendar.
    note : str
        Why it is not exact.
    """

    calendar: str
    days: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    session: npt.NDArray[np.int64]
    exact: bool = True
    note: str = ""


def schedule(calendar: str, first_day: int, last_day: int) -> Schedule:
    """Sessions of a market from one day to another, both included.

    Parameters
    ----------
    calendar : str
        As in `Instrument.calendar`.
    first_day, last_day : int
        Days since 1970-01-01.

    Returns
    -------
    Schedule

    Examples
    --------
    >>> first = int(np.datetime64("2024-07-01").astype(np.int64))
    >>> week = schedule("XNYS", first, first + 6)
    >>> week.days.astype("datetime64[D]").astype(str).tolist(), week.exact
    (['2024-07-01', '2024-07-02', '2024-07-03', '2024-07-05'], True)
    >>> str(week.ends[2:3].view("datetime64[ns]")[0])[11:16]  # half day: 13:00 in New York
    '17:00'
    """
    hours = hours_of(calendar)
    # Whole years, so that nearly all questions are answered from one table.
    whole = _table(hours.calendar, _year(first_day), _year(last_day))
    a, b = (int(x) for x in np.searchsorted(whole.days, [first_day, last_day + 1]))
    c, d = (int(x) for x in np.searchsorted(whole.session, [a, b]))
    return Schedule(calendar, whole.days[a:b], whole.starts[c:d], whole.ends[c:d], whole.session[c:d] - a,
                    whole.exact, whole.note)  # fmt: skip


def _year(day: int) -> int:
    return int(np.int64(day).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)) + 1970


@lru_cache(maxsize=64)
def _table(calendar: str, first_year: int, last_year: int) -> Schedule:
    hours = hours_of(calendar)
    first, last = (
        int(np.datetime64(f"{year}-01-01", "D").astype(np.int64)) for year in (first_year, last_year + 1)
    )  # fmt: skip
    every = np.arange(first, last, dtype=np.int64)
    if hours.always_open:
        return Schedule(calendar, every, every * DAY_NS, (every + 1) * DAY_NS, np.arange(every.size))
    if calendar == "24/5":
        # Currencies trade on every weekday; the library's days of this name turn at midnight UTC, the market's do not.
        return _usual(hours, every, exact=True)
    try:
        found = sessions(calendar, np.datetime64(first, "D"), np.datetime64(last - 1, "D"))
    except (ConfigError, InputError) as error:
        return _usual(hours, every, exact=False, note=str(error))
    ends = found.closes - _PAUSE_AT_THE_END.get(calendar, 0)
    days = found.dates.astype(np.int64)
    number = np.arange(days.size, dtype=np.int64)
    paused = found.break_starts != NAT
    if not paused.any():
        return Schedule(calendar, days, found.opens, ends, number)
    starts = np.concatenate((found.opens, found.break_ends[paused]))
    stops = np.concatenate((np.where(paused, found.break_starts, ends), ends[paused]))
    order = np.argsort(starts, kind="stable")
    session = np.concatenate((number, number[paused]))
    return Schedule(calendar, days, starts[order], stops[order], session[order])


def _usual(hours: MarketHours, every: npt.NDArray[np.int64], *, exact: bool, note: str = "") -> Schedule:
    days = every[(every + _WEEK_OFFSET) % 7 < 5]
    ends = to_utc(days * DAY_NS + hours.close_minute * MINUTE_NS, hours.zone)
    opens = (days - 1 if hours.overnight else days) * DAY_NS + hours.open_minute * MINUTE_NS
    return Schedule(
        hours.calendar, days, to_utc(opens, hours.zone), ends - _PAUSE_AT_THE_END.get(hours.calendar, 0),
        np.arange(days.size), exact, note,
    )  # fmt: skip


def due_stamps(
    plan: Schedule, interval_ns: int, *, anchor: Anchor = "open"
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Closes of the intraday bars of some sessions.

    Parameters
    ----------
    plan : Schedule
        Sessions.
    interval_ns : int
        Length of a bar.
    anchor : {"open", "clock"}
        Where bars are counted from. The last bar of a part of a session ends with it.

    Returns
    -------
    stamps : int64 array, shape (n_due,)
        Nanoseconds UTC, increasing.
    session : int64 array, shape (n_due,)
        Position in ``plan.days`` of each.

    Examples
    --------
    >>> day = int(np.datetime64("2024-07-03").astype(np.int64))
    >>> stamps, _ = due_stamps(schedule("XNYS", day, day), 30 * MINUTE_NS)
    >>> stamps.size, str(stamps[-1:].view("datetime64[ns]")[0])[11:16]
    (7, '17:00')
    """
    if not plan.days.size:
        return plan.days[:0], plan.days[:0]
    begin = plan.starts
    if anchor == "clock":
        zone = hours_of(plan.calendar).zone
        local = to_local(plan.starts, zone)
        begin = plan.starts - local % interval_ns
    counts = -((begin - plan.ends) // interval_ns)
    part = np.repeat(np.arange(begin.size), counts)
    place = np.arange(part.size) - np.repeat(np.cumsum(counts) - counts, counts)
    stamps = np.minimum(begin[part] + (place + 1) * interval_ns, plan.ends[part])
    return stamps, plan.session[part]


def anchor_of(ts: npt.NDArray[np.int64], plan: Schedule, interval_ns: int) -> Anchor:
    """Where the bars of a series are counted from, by which grid more of them lie on.

    Parameters
    ----------
    ts : int64 array, shape (n,)
        Closes of bars.
    plan : Schedule
        Sessions of the range.
    interval_ns : int
        Length of a bar.
    """
    local = to_local(plan.starts[:1], hours_of(plan.calendar).zone)
    if not local.size or int(local[0]) % interval_ns == 0:
        return "open"
    few = ts[:4_096]
    by_open = int(np.isin(few, due_stamps(plan, interval_ns)[0]).sum())
    by_clock = int(np.isin(few, due_stamps(plan, interval_ns, anchor="clock")[0]).sum())
    return "clock" if by_clock > by_open else "open"


def period_keys(days: npt.NDArray[np.int64], interval_ns: int) -> npt.NDArray[np.int64]:
    """Number of the day, week, month, quarter or year that dates belong to.

    Parameters
    ----------
    days : int64 array, shape (n,)
        Days since 1970-01-01.
    interval_ns : int
        Length of a bar of a day or more.

    Examples
    --------
    >>> days = np.array(["2024-01-31", "2024-02-01"], dtype="datetime64[D]").astype(np.int64)
    >>> period_keys(days, 30 * 86_400_000_000_000).tolist()
    [648, 649]
    """
    unit = unit_of(interval_ns)
    if unit == "week":
        return (days + _WEEK_OFFSET) // 7
    if unit in {"month", "quarter", "year"}:
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        return months // {"month": 1, "quarter": 3, "year": 12}[unit]
    return days


def session_numbers(ts: npt.NDArray[np.int64], calendar: str) -> npt.NDArray[np.int64]:
    """Session of each close, as days since 1970-01-01; stamps at midnight of an exchange with bells name their day.

    Parameters
    ----------
    ts : int64 array, shape (n,)
        Nanoseconds UTC, increasing.
    calendar : str
        Market calendar.

    Examples
    --------
    >>> stamps = np.array(["2024-01-02T21:00", "2024-01-03T14:31"], dtype="datetime64[ns]").astype(np.int64)
    >>> np.diff(session_numbers(stamps, "XNYS")).tolist()
    [1]
    """
    hours = hours_of(calendar)
    if not hours.always_open and ts.size and int(ts[0]) % DAY_NS == 0 and bool((ts % DAY_NS == 0).all()):
        return ts // DAY_NS
    if ts.size < 4_096:
        return session_days(ts, hours)
    # Rows are in order of time: find the few midnights among them instead of the day of each.
    first, last = (int(day) for day in session_days(ts[[0, -1]], hours))
    days = np.arange(first, last + 2, dtype=np.int64)
    shift = (1440 - hours.close_minute) * MINUTE_NS if hours.overnight else 0
    edges = np.searchsorted(ts, to_utc(days * DAY_NS - shift, hours.zone), side="right")
    return np.repeat(days[:-1], np.diff(edges))


def session_closes_of(plan: Schedule) -> npt.NDArray[np.int64]:
    """Instant at which each session ends, nanoseconds UTC."""
    if not plan.days.size:
        return plan.days
    last = np.searchsorted(plan.session, np.arange(plan.days.size), side="right") - 1
    return plan.ends[last]


def bars_due(calendar: str, interval_ns: int, after: int, now: int) -> int:
    """How many bars should have become known since an instant.

    Parameters
    ----------
    calendar : str
        Market calendar.
    interval_ns : int
        Length of a bar; a day or more counts sessions.
    after, now : int
        Nanoseconds UTC; bars that close later than `after`, and not later than `now`.

    Returns
    -------
    int
        0 while nothing is due: overnight, on weekends and on holidays prices do not age.

    Examples
    --------
    >>> moments = np.array(["2024-01-12T21:00", "2024-01-16T15:00"], dtype="datetime64[ns]").astype(np.int64)
    >>> friday, tuesday = moments.tolist()
    >>> bars_due("XNYS", 30 * MINUTE_NS, friday, tuesday)  # Monday was a holiday; Tuesday opened at 14:30 UTC
    1
    >>> bars_due("24/7", MINUTE_NS, friday, friday + 90 * 1_000_000_000)
    1
    """
    if now <= after or interval_ns <= 0:
        return 0
    hours = hours_of(calendar)
    if unit_of(interval_ns) == "intraday" and hours.always_open:
        return (now - after) // interval_ns
    # A daily bar stamped at the regular close belongs to a session that may have ended before (a half day).
    first, last = (int(day) for day in session_days(np.array([after, now], dtype=np.int64), hours))
    if unit_of(interval_ns) != "intraday" and not hours.always_open and after % DAY_NS == 0:
        first = after // DAY_NS  # bars built by hand from plain dates: midnight names the day
    unit = unit_of(interval_ns)
    # A week or month is due when the last of its sessions has ended, so one looks to its end.
    plan = schedule(calendar, first, last + _BEYOND.get(unit, 1))
    if unit == "intraday":
        stamps, _ = due_stamps(plan, interval_ns)
        return int(np.searchsorted(stamps, now, side="right") - np.searchsorted(stamps, after, side="right"))
    keys = period_keys(plan.days, interval_ns)
    here = int(period_keys(np.array([first]), interval_ns)[0])
    ended = np.ones(keys.size, dtype=np.bool_)
    if unit != "day":
        ended = np.append(keys[1:] != keys[:-1], False)
    ended &= (session_closes_of(plan) <= now) & (keys > here)
    return int(ended.sum()) // (max(1, round(interval_ns / DAY_NS)) if unit == "day" else 1)
