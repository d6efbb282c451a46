"""Trading sessions: which one a bar belongs to, how many there are in a year, and the exact list of an exchange.

Entry points: `session_ordinals`, `session_dates`, `periods_per_year`, `sessions`.

Invariants: the first three read stamps and the small table of `hours` only, so a daily backtest imports no calendar
library; `sessions` is exact (holidays, half days) and asks `exchange_calendars`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain.bars import Bars, Instant, instant_ns
from ..domain.errors import ConfigError, InputError
from .hours import MINUTE_NS, MarketHours, hours_of
from .intervals import infer_interval, interval_name, unit_of
from .zones import DAY_NS, to_local, to_utc

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Sessions",
    "market_hours",
    "periods_per_year",
    "session_dates",
    "session_days",
    "session_ordinals",
    "sessions",
]

_PER_YEAR = {"week": 52.0, "month": 12.0, "quarter": 4.0, "year": 1.0}


def session_ordinals(bars: Bars) -> npt.NDArray[np.int64]:
    """Trading session that each bar belongs to.

    Parameters
    ----------
    bars : Bars
        Any interval. Where instruments of several markets share the rows, the market that is open longest decides.

    Returns
    -------
    int64 array, shape (n_bars,)
        Date of the session as days since 1970-01-01; never decreases. Exchange date for markets with bells (in their
        own zone, so daylight saving is right), date on which the session ends for overnight markets, UTC day around
        the clock.

    Examples
    --------
    >>> stamps = np.array(["2024-01-02T14:31", "2024-01-02T21:00", "2024-01-03T14:31"], dtype="datetime64[ns]")
    >>> bars = Bars.from_arrays(stamps, [1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1], symbols="SPY")
    >>> (session_ordinals(bars) - 19_724).tolist()
    [0, 0, 1]
    """
    hours = market_hours(bars)
    short = _few_or_dated(bars, hours)
    return np.repeat(*_midnights(bars, hours)) if short is None else short


def _few_or_dated(bars: Bars, hours: MarketHours) -> npt.NDArray[np.int64] | None:
    plain = not hours.always_open and bars.n_bars > 0 and int(bars.ts[0]) % DAY_NS == 0
    if plain and bool((bars.ts % DAY_NS == 0).all()):
        # Bars built by hand from plain dates: midnight is a name for the day, not the end of the day before.
        return bars.ts // DAY_NS
    return session_days(bars.ts, hours) if bars.n_bars < 4_096 else None


def _midnights(bars: Bars, hours: MarketHours) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    # Bars are in order of time: find the few midnights among the stamps instead of the day of each stamp.
    ends = session_days(bars.ts[[0, -1]], hours)
    days = np.arange(int(ends[0]), int(ends[1]) + 2, dtype=np.int64)
    shift = (1440 - hours.close_minute) * MINUTE_NS if hours.overnight else 0
    edges = np.searchsorted(bars.ts, to_utc(days * DAY_NS - shift, hours.zone), side="right")
    return days[:-1], np.diff(edges)


def session_days(ts: npt.NDArray[np.int64], hours: MarketHours) -> npt.NDArray[np.int64]:
    """Session date of closes, as days since 1970-01-01.

    Parameters
    ----------
    ts : int64 array, shape (n,)
        Nanoseconds UTC at which bars became known.
    hours : MarketHours
        Of their market.

    Returns
    -------
    int64 array, shape (n,)

    Examples
    --------
    >>> midnight = np.array(["2024-01-03"], dtype="datetime64[ns]").astype(np.int64)
    >>> session_days(midnight, hours_of("24/7")).astype("datetime64[D]").astype(str).tolist()
    ['2024-01-02']
    """
    # A bar that closes on the boundary belongs to the session that ends there.
    local = to_local(ts - 1, hours.zone)
    if hours.overnight:
        local = local + (1440 - hours.close_minute) * MINUTE_NS
    return local // DAY_NS


def session_dates(bars: Bars) -> npt.NDArray[np.datetime64]:
    """Dates to print beside bars: of the session, not of the instant its close has in UTC.

    Returns
    -------
    datetime64[D] array, shape (n_bars,)

    Examples
    --------
    >>> stamps = np.array(["2024-01-03T00:00"], dtype="datetime64[ns]")
    >>> bars = Bars.from_arrays(stamps, [1], [1], [1], [1], symbols="BTC-USD")
    >>> session_dates(bars).astype(str).tolist()
    ['2024-01-02']
    """
    return session_ordinals(bars).astype("datetime64[D]")


def periods_per_year(bars: Bars) -> tuple[float, str]:
    """How many bars make a year, and why.

    Parameters
    ----------
    bars : Bars
        Any interval.

    Returns
    -------
    periods : float
        Daily: sessions of the market (252 for the NYSE, 260 currencies, 365 around the clock). Intraday: bars of a
        session, as the stamps show them, times sessions. Weekly 52, monthly 12.
    reason : str
        A sentence for people.

    Notes
    -----
    The stamps overrule the calendar in two cases: bars on weekends make a year of 365 days whatever the symbol says,
    and a market said to be open around the clock without any bar on a weekend is counted as one of five days a week.

    Examples
    --------
    >>> import datetime as dt
    >>> days = [dt.datetime(2024, 1, 2, 21) + dt.timedelta(days=i) for i in range(300)]
    >>> weekdays = [d for d in days if d.weekday() < 5]
    >>> one = [1.0] * len(weekdays)
    >>> periods_per_year(Bars.from_arrays(weekdays, one, one, one, one, symbols="SPY"))
    (252.0, '252 daily bars a year (XNYS sessions)')
    """
    hours = market_hours(bars)
    interval = bars.interval_ns or infer_interval(bars.ts)
    unit = unit_of(interval)
    if unit in _PER_YEAR:
        units = round(interval / {"week": 7, "month": 30, "quarter": 91, "year": 365}[unit] / DAY_NS)
        periods = _PER_YEAR[unit] / max(1, units)
        return periods, f"{periods:g} bars of one {unit} a year" if units <= 1 else f"{periods:g} bars a year"
    numbered = any(note.startswith("no stamps were given") for note in bars.provenance.notes)
    days, counts = _counted(np.zeros(0, dtype=np.int64)) if numbered else _counts(bars, hours)
    per_year, market = _sessions_a_year(days, hours)
    if unit != "intraday":
        length = max(1, round(interval / DAY_NS)) if interval else 1
        periods = per_year / length
        name = "daily bars" if length == 1 else f"bars of {length} days"
        return periods, f"{periods:g} {name} a year ({market})"
    nominal = float(-(-hours.minutes * MINUTE_NS // interval))
    a_session, how = nominal, "by its hours"
    # The first and last session may be cut by the range; with fewer than three none is known to be whole.
    if counts.size >= 3:
        a_session, how = float(np.median(counts[1:-1])), "observed"
    periods = a_session * per_year
    return periods, f"{periods:g} = {a_session:g} bars of {interval_name(interval)} a session ({how}) x {market}"


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """Sessions of an exchange, exactly.

    Parameters
    ----------
    calendar : str
        Code of the exchange.
    dates : datetime64[D] array, shape (n_sessions,)
        Session dates.
    opens, closes : int64 array, shape (n_sessions,)
        Nanoseconds UTC.
    early : bool array, shape (n_sessions,)
        True where the session ends before its regular close.
    break_starts, break_ends : int64 array, shape (n_sessions,)
        Nanoseconds UTC of the pause at noon; `stamps.NAT` where there is none.
    """

    calendar: str
    dates: npt.NDArray[np.datetime64]
    opens: npt.NDArray[np.int64]
    closes: npt.NDArray[np.int64]
    early: npt.NDArray[np.bool_]
    break_starts: npt.NDArray[np.int64]
    break_ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.dates.shape[0])


def sessions(calendar: str, start: Instant, end: Instant) -> Sessions:
    """Sessions of an exchange from `start` to `end`, both included.

    Parameters
    ----------
    calendar : str
        Any code of `exchange_calendars`, such as ``"XNYS"``, ``"XLON"``, ``"24/7"``.
    start, end : date, str or any other moment
        First and last session date.

    Returns
    -------
    Sessions

    Raises
    ------
    ConfigError
        If `exchange_calendars` is not installed.
    InputError
        If the calendar is unknown, does not reach the range, or `end` lies before `start`.

    Examples
    --------
    >>> week = sessions("XNYS", "2024-07-01", "2024-07-05")
    >>> week.dates.astype(str).tolist(), week.early.tolist()
    (['2024-07-01', '2024-07-02', '2024-07-03', '2024-07-05'], [False, False, True, False])
    """
    first, last = (np.datetime64(instant_ns(moment), "ns").astype("datetime64[D]") for moment in (start, end))
    if last < first:
        raise InputError(f"The range ends ({last}) before it starts ({first}).")
    library = _library()
    hours_of(calendar)  # an unknown code fails here, with the nearest names
    try:
        found = _calendar(calendar, int(str(first)[:4]), int(str(last)[:4]))
    except (ValueError, library.errors.CalendarError) as error:
        raise InputError(f"The calendar {calendar} does not reach {first} to {last}: {error}") from None
    table = found.schedule
    dates = table.index.to_numpy().astype("datetime64[D]")
    rows = slice(int(np.searchsorted(dates, first)), int(np.searchsorted(dates, last, side="right")))
    cut = table.iloc[rows]
    opens, closes, break_starts, break_ends = (
        cut[name].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
        for name in ("open", "close", "break_start", "break_end")
    )
    early = np.isin(dates[rows], found.early_closes.to_numpy().astype("datetime64[D]"))
    return Sessions(calendar, dates[rows], opens, closes, early, break_starts, break_ends)


def _library() -> Any:
    try:
        import exchange_calendars
    except ImportError:
        raise ConfigError("Exact exchange sessions need exchange_calendars: `pip install tradewright[data]`.") from None
    return exchange_calendars


@lru_cache(maxsize=32)
def _calendar(calendar: str, first_year: int, last_year: int) -> Any:
    # Whole years, so that many ranges share one calendar; building it is what costs.
    return _library().get_calendar(calendar, start=f"{first_year}-01-01", end=f"{last_year + 1}-01-15")


def market_hours(bars: Bars) -> MarketHours:
    """Hours of the market that is open longest among the instruments.

    Examples
    --------
    >>> one = [[1.0, 1.0]]
    >>> market_hours(Bars.from_arrays(None, one, one, one, one, symbols=["SPY", "BTC-USD"])).calendar
    '24/7'
    """
    codes = dict.fromkeys(instrument.calendar for instrument in bars.instruments)
    every = [hours_of(code) for code in codes]
    return max(every, key=lambda hours: (hours.always_open, hours.overnight, hours.minutes))


def _counts(bars: Bars, hours: MarketHours) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Sessions and their numbers of bars, without one number a bar where there are many."""
    short = _few_or_dated(bars, hours)
    if short is not None:
        return _counted(short)
    days, counts = _midnights(bars, hours)
    return days[counts > 0], counts[counts > 0]


def _counted(ordinals: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Different sessions, and how many bars each has."""
    if not ordinals.size:
        return ordinals, ordinals
    first = np.concatenate(([0], np.flatnonzero(ordinals[1:] != ordinals[:-1]) + 1))
    return ordinals[first], np.diff(np.append(first, ordinals.size))


def _sessions_a_year(days: npt.NDArray[np.int64], hours: MarketHours) -> tuple[float, str]:
    market = f"{hours.calendar} sessions"
    weekend = (days + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    span = int(days[-1] - days[0]) + 1 if days.size else 0
    if span >= 14:
        has_weekends = float(weekend.mean()) > 0.1
        if has_weekends and not hours.always_open:
            return 365.0, "365 sessions a year, for there are bars on weekends"
        if hours.always_open and not weekend.any():
            return 260.0, "260 sessions a year, for there are no bars on weekends"
    return float(hours.sessions_per_year), market if hours.sessions_per_year else "sessions"
