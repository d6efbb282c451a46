"""Where a row stands in its session, week, month and year, by the calendar of its exchange.

Entry points: the definitions below, registered by name; `places`.

Invariants: a value depends on the stamp of its row and on the calendar only, so it is known before the row; no other
row is looked at. Half days and holidays are those of `exchange_calendars`; where that is not installed or does not
reach, weekdays and usual hours stand in, which the notes of the result say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from tradewright.features.feature import Market, define

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]
    I64 = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["Places", "places", "sessions_of"]

Definer: TypeAlias = "Callable[[Callable[..., Any]], Callable[..., Any]]"

_F: Final = "calendar"
_CLASSICAL: Final = "Classical"
_DAY_NS: Final = 86_400_000_000_000
_MINUTE_NS: Final = 60_000_000_000
_AROUND: Final = 40
_KNOWN: Final = "before its row, by the calendar"


def sessions_of(ts: I64, calendar: str, interval_ns: int) -> I64:
    """Session of each row, days since 1970-01-01, from its stamp alone.

    Bars of a day or more that are stamped at midnight of an exchange with bells name their day.

    Examples
    --------
    >>> stamps = np.array(["2024-01-02T21:00", "2024-01-03T14:31"], dtype="datetime64[ns]").astype(np.int64)
    >>> np.diff(sessions_of(stamps, "XNYS", 60 * 10**9)).tolist()
    [1]
    """
    from tradewright.data.calendars import session_days
    from tradewright.data.hours import hours_of

    hours = hours_of(calendar)
    days = session_days(ts, hours)
    if hours.always_open or 0 < interval_ns < _DAY_NS:
        return days
    return np.where(ts % _DAY_NS == 0, ts // _DAY_NS, days)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Rows in the calendar of one market; arrays of shape ``(n_rows,)``.

    Parameters
    ----------
    day : int64
        Session date, days since 1970-01-01.
    open, close : int64
        Of that session, nanoseconds UTC; early closes included.
    since : int64
        Session number within its month, 1 for the first.
    left : int64
        Sessions of the month that come after it.
    days_before, days_after : int64
        Days to the session before and after it.
    half : bool
        The session is shorter than usual.
    minute : float64
        Minute of the exchange's own day at which the row closes.
    """

    day: I64
    open: I64
    close: I64
    since: I64
    left: I64
    days_before: I64
    days_after: I64
    half: np.ndarray[Any, np.dtype[np.bool_]]
    minute: F64


@lru_cache(maxsize=32)
def _sessions(calendar: str, first_year: int, last_year: int) -> tuple[I64, I64, I64, bool, str]:
    """Days, opens and closes of the sessions of some years and 40 days around them; whether exact; why not."""
    from tradewright.data.schedule import schedule, session_closes_of

    first, last = (int(np.datetime64(f"{y}-01-01", "D").astype(np.int64)) for y in (first_year, last_year + 1))
    plan = schedule(calendar, first - _AROUND, last + _AROUND)
    begins = np.full(plan.days.size, np.iinfo(np.int64).max)
    np.minimum.at(begins, plan.session, plan.starts)
    return plan.days, begins, session_closes_of(plan), plan.exact, plan.note


@lru_cache(maxsize=512)
def _year_table(calendar: str, year: int) -> tuple[Any, ...]:
    """Sessions of one year with what each needs of its neighbours; a row never decides how long the table is."""
    decade = year // 10 * 10
    found = _sessions(calendar, decade, decade + 9)  # one question to the library for ten years, where it reaches
    if not found[3]:
        found = _sessions(calendar, year, year)
    first, last = (int(np.datetime64(f"{y}-01-01", "D").astype(np.int64)) for y in (year, year + 1))
    cut = slice(*np.searchsorted(found[0], [first - _AROUND, last + _AROUND + 1]).tolist())
    days, begins, closes = found[0][cut], found[1][cut], found[2][cut]
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    start = np.searchsorted(months, months, side="left")
    end = np.searchsorted(months, months, side="right")
    place = np.arange(days.size)
    length = closes - begins
    before = np.diff(days, prepend=days[:1] - 1)
    after = np.diff(days, append=days[-1:] + 1)
    usual = np.median(length) if length.size else 0
    return days, begins, closes, place - start + 1, end - place - 1, before, after, length < usual, found[4]


def places(ts: I64, calendar: str, interval_ns: int) -> Places:
    """Rows in the calendar of a market.

    Parameters
    ----------
    ts : int64 array, shape (n_rows,)
        Closes, nanoseconds UTC.
    calendar : str
        Code of the exchange.
    interval_ns : int
        Length of a bar.

    Examples
    --------
    >>> stamps = np.array(["2024-07-03T17:00", "2024-07-05T20:00"], dtype="datetime64[ns]").astype(np.int64)
    >>> found = places(stamps, "XNYS", 3600 * 10**9)
    >>> found.half.tolist(), found.days_after.tolist(), found.since.tolist()
    ([True, False], [2, 3], [3, 4])
    """
    from tradewright.data.hours import hours_of
    from tradewright.data.zones import to_local

    day = sessions_of(ts, calendar, interval_ns)
    years = day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    columns: list[Any] = [np.zeros(ts.size, dtype=np.int64) for _ in range(7)]
    half = np.zeros(ts.size, dtype=bool)
    for year in np.unique(years).tolist():
        rows = np.flatnonzero(years == year)
        table = _year_table(calendar, year)
        # A row on a day without a session (a wrong stamp, a market that is closed) belongs to the next one.
        at = np.minimum(np.searchsorted(table[0], day[rows]), table[0].size - 1)
        for k, column in enumerate(columns):
            column[rows] = table[k][at]
        half[rows] = table[7][at]
    local = to_local(ts, hours_of(calendar).zone)
    minute = (local % _DAY_NS) / _MINUTE_NS
    return Places(day, columns[1], columns[2], columns[3], columns[4], columns[5], columns[6], half, minute)


def notes(market: Market) -> list[str]:
    """What stood in for the calendar of an exchange."""
    if not market.ts.size:
        return []
    out = []
    for calendar in sorted({instrument.calendar for instrument in market.instruments}):
        days = sessions_of(market.ts[[0, -1]], calendar, market.interval_ns)
        years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
        text = next((t for y in range(int(years[0]), int(years[1]) + 1) if (t := _year_table(calendar, y)[8])), "")
        if text:
            out.append(f"calendar {calendar}: weekdays and usual hours stood in ({text})")
    return out


def _by_calendar(market: Market, function: Callable[[Places], Any]) -> F64:
    """One value a row and asset, computed once for each calendar."""
    found: dict[str, Any] = {}
    out = np.empty(market.shape)
    for j, instrument in enumerate(market.instruments):
        code = instrument.calendar
        if code not in found:
            found[code] = np.asarray(function(places(market.ts, code, market.interval_ns)), dtype=np.float64)
        out[:, j] = found[code]
    return out


def _rows(title: str, unit: str, notes: str = "", undefined: str = "", *, source: str = _CLASSICAL) -> Definer:
    return define(
        title, family=_F, kind="rows", scope="market", unit=unit, source=source, notes=notes, undefined=undefined,
        known_at=_KNOWN, standard=[{}],
    )  # fmt: skip


@_rows("Place in the session", "0 (open) to 1 (close)", "1 for bars of a day and longer.")
def session_place(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Share of the session that is over at the close of the row."""

    def place(x: Places) -> F64:
        if not 0 < market.interval_ns < _DAY_NS:
            return np.ones(x.day.size)
        return np.clip((market.ts - x.open) / (x.close - x.open), 0.0, 1.0)

    return _by_calendar(market, place)


@_rows("Minutes since the open", "minutes", "Counted to the close of the row.")
def minutes_since_open(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Minutes from the opening bell to the close of the row, not below 0."""
    return _by_calendar(market, lambda x: np.maximum(np.minimum(market.ts, x.close) - x.open, 0) / _MINUTE_NS)


@_rows("Minutes to the close", "minutes", "To the early close on half days; 0 for bars of a day and longer.")
def minutes_to_close(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Minutes from the close of the row to the closing bell, not below 0."""

    def left(x: Places) -> F64:
        if not 0 < market.interval_ns < _DAY_NS:
            return np.zeros(x.day.size)
        return np.asarray(np.maximum(x.close - market.ts, 0) / _MINUTE_NS)

    return _by_calendar(market, left)


@_rows("Day of the week", "0 (Monday) to 6", source="French (1980), Journal of Financial Economics 8(1)")
def day_of_week(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Weekday of the session."""
    return _by_calendar(market, lambda x: (x.day + 3) % 7)


@_rows("Sine of the week", "-1 to 1", "sin(2 pi weekday / 7)")
def week_sine(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Weekday on a circle: sine."""
    return _by_calendar(market, lambda x: np.sin(2.0 * np.pi * ((x.day + 3) % 7) / 7.0))


@_rows("Cosine of the week", "-1 to 1", "cos(2 pi weekday / 7)")
def week_cosine(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Weekday on a circle: cosine."""
    return _by_calendar(market, lambda x: np.cos(2.0 * np.pi * ((x.day + 3) % 7) / 7.0))


@_rows("Sine of the day", "-1 to 1", "sin(2 pi minute / 1440), minute of the exchange's own day.")
def day_sine(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Time of day on a circle: sine."""
    return _by_calendar(market, lambda x: np.sin(2.0 * np.pi * x.minute / 1440.0))


@_rows("Cosine of the day", "-1 to 1", "cos(2 pi minute / 1440), minute of the exchange's own day.")
def day_cosine(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Time of day on a circle: cosine."""
    return _by_calendar(market, lambda x: np.cos(2.0 * np.pi * x.minute / 1440.0))


def _month(x: Places) -> I64:
    return np.asarray(x.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12)


@_rows("Month", "1 to 12", source="Rozeff and Kinney (1976), Journal of Financial Economics 3(4)")
def month(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Month of the session."""
    return _by_calendar(market, lambda x: _month(x) + 1)


@_rows("Sine of the year", "-1 to 1", "sin(2 pi (month - 1) / 12)")
def year_sine(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Month on a circle: sine."""
    return _by_calendar(market, lambda x: np.sin(2.0 * np.pi * _month(x) / 12.0))


@_rows("Cosine of the year", "-1 to 1", "cos(2 pi (month - 1) / 12)")
def year_cosine(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Month on a circle: cosine."""
    return _by_calendar(market, lambda x: np.cos(2.0 * np.pi * _month(x) / 12.0))


@_rows("Session of the month", "1, 2, ...", source="Ariel (1987), Journal of Financial Economics 18(1)")
def session_of_month(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Number of the session within its month."""
    return _by_calendar(market, lambda x: x.since)


@_rows("Sessions to the end of the month", "0 on the last", source="Lakonishok and Smidt (1988), RFS 1(4)")
def sessions_to_month_end(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Sessions of the month that come after this one."""
    return _by_calendar(market, lambda x: x.left)


@_rows("Turn of the month", "0 or 1", source="Lakonishok and Smidt (1988), Review of Financial Studies 1(4)")
def turn_of_month(given: Sequence[F64], market: Market, p: Any) -> F64:
    """1 in the last session of a month and the first three of the next."""
    return _by_calendar(market, lambda x: (x.left == 0) | (x.since <= 3))


@_rows("End of the quarter", "0 or 1")
def quarter_end(given: Sequence[F64], market: Market, p: Any) -> F64:
    """1 in the last session of March, June, September and December."""
    return _by_calendar(market, lambda x: (x.left == 0) & (_month(x) % 3 == 2))


@_rows("Days since the session before", "days; 1 on ordinary days, 3 on Mondays")
def days_since_session(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Calendar days since the session before this one."""
    return _by_calendar(market, lambda x: x.days_before)


@_rows("Days to the next session", "days; 1 on ordinary days", source="Ariel (1990), Journal of Finance 45(5)")
def days_to_session(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Calendar days to the session after this one."""
    return _by_calendar(market, lambda x: x.days_after)


@_rows("Half day", "0 or 1")
def half_day(given: Sequence[F64], market: Market, p: Any) -> F64:
    """1 where the session is shorter than usual."""
    return _by_calendar(market, lambda x: x.half)


@_rows(
    "Days to the third Friday",
    "days, 0 on it",
    "When monthly options on US stocks expire, if it is a session. After it, days to that of the next month.",
    source="Stoll and Whaley (1987), Financial Analysts Journal 43(2)",
)
def days_to_third_friday(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Calendar days to the third Friday of this month, or of the next once it is over."""

    def days(x: Places) -> I64:
        months = x.day.astype("datetime64[D]").astype("datetime64[M]")
        this = _third_friday(months)
        return np.where(x.day <= this, this, _third_friday(months + 1)) - x.day

    return _by_calendar(market, days)


def _third_friday(months: Any) -> I64:
    first = months.astype("datetime64[D]").astype(np.int64)
    return np.asarray(first + (4 - (first + 3) % 7) % 7 + 14)
