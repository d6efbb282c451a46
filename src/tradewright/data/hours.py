"""Usual trading hours of the world's markets, small enough to know without loading a calendar library.

Entry points: `hours_of`, `MarketHours`, `session_closes`.

Invariants: the table holds what is true on an ordinary day of the present; holidays and half days are the business of
`calendars.sessions`, which asks `exchange_calendars`. A test holds the two together. **This file is the one place that
says when a bar labelled with a date became known**: at the regular close of that session (`session_closes`). On a half
day that is up to three hours after the true close, never before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from ..domain.errors import InputError, closest
from .zones import DAY_NS, to_utc

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["MINUTE_NS", "MarketHours", "hours_of", "session_closes"]

MINUTE_NS: Final = 60_000_000_000


@dataclass(frozen=True, slots=True)
class MarketHours:
    """An ordinary session of a market.

    Parameters
    ----------
    calendar : str
        Code as in `Instrument.calendar`.
    zone : str
        IANA time zone of the exchange.
    open_minute, close_minute : int
        Minutes after local midnight. An overnight session opens on the evening before.
    sessions_per_year : int
        As the field counts them when it annualises.
    overnight : bool
        The session of a date starts on the evening before it.
    label_zone : str
        How stamps without a zone are read for this market.

    Examples
    --------
    >>> hours_of("XNYS").minutes, hours_of("24/7").minutes, hours_of("CMES").overnight
    (390, 1440, True)
    """

    calendar: str
    zone: str
    open_minute: int
    close_minute: int
    sessions_per_year: int
    overnight: bool = False
    label_zone: str = ""

    @property
    def minutes(self) -> int:
        """Length of the session in minutes."""
        return self.close_minute - self.open_minute + (1440 if self.overnight else 0)

    @property
    def always_open(self) -> bool:
        """True when the market never closes."""
        return self.minutes == 1440 and not self.overnight

    @property
    def naive_zone(self) -> str:
        """Zone in which stamps without a zone are read: the exchange's own, UTC for currencies and coins."""
        return self.label_zone or self.zone


_TABLE: Final = {
    hours.calendar: hours
    for hours in (
        MarketHours("XNYS", "America/New_York", 570, 960, 252),
        MarketHours("XTSE", "America/Toronto", 570, 960, 252),
        MarketHours("BVMF", "America/Sao_Paulo", 600, 1080, 249),
        MarketHours("XMEX", "America/Mexico_City", 510, 900, 252),
        MarketHours("XLON", "Europe/London", 480, 990, 253),
        MarketHours("XETR", "Europe/Berlin", 540, 1050, 254),
        MarketHours("XPAR", "Europe/Paris", 540, 1050, 256),
        MarketHours("XAMS", "Europe/Amsterdam", 540, 1050, 256),
        MarketHours("XMIL", "Europe/Rome", 540, 1050, 254),
        MarketHours("XMAD", "Europe/Madrid", 540, 1050, 256),
        MarketHours("XSWX", "Europe/Zurich", 540, 1050, 252),
        MarketHours("XSTO", "Europe/Stockholm", 540, 1050, 252),
        MarketHours("XHEL", "Europe/Helsinki", 600, 1110, 252),
        MarketHours("XTKS", "Asia/Tokyo", 540, 930, 245),
        MarketHours("XHKG", "Asia/Hong_Kong", 570, 960, 246),
        MarketHours("XSHG", "Asia/Shanghai", 570, 900, 243),
        MarketHours("XKRX", "Asia/Seoul", 540, 930, 246),
        MarketHours("XTAI", "Asia/Taipei", 540, 810, 243),
        MarketHours("XBOM", "Asia/Kolkata", 555, 930, 247),
        MarketHours("XASX", "Australia/Sydney", 600, 960, 253),
        MarketHours("CMES", "America/Chicago", 1020, 1020, 258, overnight=True, label_zone="UTC"),
        # The currency day turns at five in the afternoon in New York; vendors print its stamps in UTC.
        MarketHours("24/5", "America/New_York", 1020, 1020, 260, overnight=True, label_zone="UTC"),
        MarketHours("24/7", "UTC", 0, 1440, 365),
    )
}
_ALIASES: Final = {
    "XNAS": "XNYS", "ARCX": "XNYS", "XASE": "XNYS", "BATS": "XNYS", "NYSE": "XNYS", "NASDAQ": "XNYS",
    "TSX": "XTSE", "LSE": "XLON", "XFRA": "XETR", "FWB": "XETR", "SIX": "XSWX", "JPX": "XTKS", "HKEX": "XHKG",
    "SSE": "XSHG", "XSHE": "XSHG", "ASX": "XASX", "BSE": "XBOM", "XNSE": "XBOM", "CME": "CMES", "CBOT": "CMES",
    "NYMEX": "CMES", "COMEX": "CMES",
}  # fmt: skip


@lru_cache(maxsize=128)
def hours_of(calendar: str) -> MarketHours:
    """Hours of a calendar.

    Parameters
    ----------
    calendar : str
        ``"XNYS"``, ``"24/7"``, ...; a code that is not in the table is asked of `exchange_calendars`.

    Returns
    -------
    MarketHours

    Raises
    ------
    InputError
        If nobody knows the calendar; the message names the nearest.

    Examples
    --------
    >>> hours_of("XNAS").zone
    'America/New_York'
    """
    code = _ALIASES.get(calendar, calendar)
    if code in _TABLE:
        return _TABLE[code]
    try:
        import exchange_calendars as library
    except ImportError:
        known = [*_TABLE, *_ALIASES]
        raise InputError(
            f"There is no market calendar {calendar!r}{closest(calendar, known) or '.'} Built in: "
            f"{', '.join(_TABLE)}; `pip install tradewright[data]` adds the others."
        ) from None
    try:
        found = library.get_calendar(calendar)
    except library.errors.InvalidCalendarName:
        known = [*_TABLE, *_ALIASES, *library.get_calendar_names()]
        raise InputError(f"There is no market calendar {calendar!r}{closest(calendar, known) or '.'}") from None
    opens, closes = found.open_times[-1][1], found.close_times[-1][1]
    open_minute, close_minute = opens.hour * 60 + opens.minute, closes.hour * 60 + closes.minute
    overnight = found.open_offset == -1
    if close_minute == 0 and not overnight:
        close_minute = 1440
    return MarketHours(calendar, str(found.tz), open_minute, close_minute, 252, overnight=overnight)


def session_closes(dates: npt.NDArray[np.int64], calendar: str) -> npt.NDArray[np.int64]:
    """Instant at which the bar of a session became known: its regular close.

    Parameters
    ----------
    dates : int64 array, shape (n,)
        Days since 1970-01-01.
    calendar : str
        Market calendar.

    Returns
    -------
    int64 array, shape (n,)
        Nanoseconds UTC.

    Examples
    --------
    >>> days = np.array(["2024-01-02", "2024-07-02"], dtype="datetime64[D]").astype(np.int64)
    >>> [str(t)[:16] for t in session_closes(days, "XNYS").view("datetime64[ns]")]
    ['2024-01-02T21:00', '2024-07-02T20:00']
    >>> str(session_closes(days, "24/7").view("datetime64[ns]")[0])[:16]
    '2024-01-03T00:00'
    """
    hours = hours_of(calendar)
    return to_utc(dates.astype(np.int64) * DAY_NS + hours.close_minute * MINUTE_NS, hours.zone)
