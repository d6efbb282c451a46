"""Which sessions and bars a series lacks, exactly.

Entry points: `coverage` (per instrument: expected, present, missing, extra), `missing_sessions`, `missing_bars`,
`Coverage`.

A bar of a day or more is expected for every session (week, month) of the exchange from the first to the last bar that
is there; an intraday bar for every interval of the trading hours between them. A bar is present when its four prices
are numbers. What lies on no expected stamp (a closed day, extended hours) is counted as extra and never as coverage.

Invariants: ``expected == present + missing`` always; nothing is guessed: where the calendar does not reach, `exact` is
False and `note` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from ..domain.bars import Bars, Instant, instant_ns, utc
from ..domain.errors import InputError, MissingDataError
from .calendars import session_days
from .hours import MarketHours, hours_of
from .intervals import infer_interval, interval_name, unit_of
from .raw import RawSeries
from .schedule import anchor_of, due_stamps, period_keys, schedule
from .stamps import NAT
from .zones import DAY_NS

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Coverage", "Market", "coverage", "coverage_of", "holes_of", "missing_bars", "missing_sessions"]

_NO_BARS: Final = "no bars"

LIST_LIMIT: Final = 1_000
"""Missing entries listed per instrument in plain values; counts are exact beyond it."""

Market: TypeAlias = "Bars | RawSeries | Sequence[RawSeries]"


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """How much of what the exchange's calendar demands is there.

    Parameters
    ----------
    symbol, calendar, interval : str
        Whose bars, by which calendar, of which length.
    unit : str
        What is counted: ``"session"`` for bars of a day or more (``"week"``, ``"month"``, ...), else ``"bar"``.
    first, last : int
        First and last day looked at, days since 1970-01-01.
    expected, present : int
        Numbers of units.
    missing : int64 array, shape (expected - present,)
        Days since 1970-01-01 for sessions (first session of a week or month), closes in nanoseconds UTC for bars.
    missing_days : int64 array
        Sessions without any bar at all, days since 1970-01-01.
    extra : int64 array
        Stamps of bars on no expected one: closed days, extended hours, odd times.
    sessions : int64 array, shape (n_sessions,)
        All sessions in the range, days since 1970-01-01.
    per_session : float64 array, shape (n_sessions,)
        Share of each session's bars that is there.
    exact : bool
        False where no calendar reaches.
    note : str
        What one should know about the answer.
    """

    symbol: str
    calendar: str
    interval: str
    unit: str
    first: int
    last: int
    expected: int
    present: int
    missing: npt.NDArray[np.int64]
    missing_days: npt.NDArray[np.int64]
    extra: npt.NDArray[np.int64]
    sessions: npt.NDArray[np.int64]
    per_session: npt.NDArray[np.float64]
    exact: bool = True
    note: str = ""

    @property
    def coverage(self) -> float:
        """Present over expected, in [0, 1]; without anything expected 1, or 0 when there is not one bar."""
        if not self.expected:
            return 0.0 if self.note == _NO_BARS else 1.0
        return self.present / self.expected

    def missing_texts(self) -> list[str]:
        """Missing sessions as dates, missing bars as closes in UTC."""
        if self.unit == "bar":
            return [utc(int(ts)).isoformat() for ts in self.missing]
        return [str(day) for day in self.missing.astype("datetime64[D]")]

    def to_dict(self, *, limit: int = LIST_LIMIT) -> dict[str, Any]:
        """Plain values for JSON; at most `limit` entries a list, which `truncated` says."""
        days = self.missing_days.astype("datetime64[D]").astype(str).tolist()
        return {
            "symbol": self.symbol,
            "calendar": self.calendar,
            "interval": self.interval,
            "unit": self.unit,
            "first": str(np.datetime64(self.first, "D")),
            "last": str(np.datetime64(self.last, "D")),
            "expected": self.expected,
            "present": self.present,
            "coverage": self.coverage,
            "n_missing": int(self.missing.size),
            "missing": self.missing_texts()[:limit],
            "n_missing_sessions": len(days),
            "missing_sessions": days[:limit],
            "n_extra": int(self.extra.size),
            "extra": [utc(int(ts)).isoformat() for ts in self.extra[:limit]],
            "truncated": max(self.missing.size, self.extra.size) > limit,
            "exact": self.exact,
            "note": self.note,
        }


def coverage(
    data: Market, calendar: str | None = None, *, start: Instant | None = None, end: Instant | None = None
) -> dict[str, Coverage]:
    """Coverage of every instrument by its exchange's calendar.

    Parameters
    ----------
    data : Bars, RawSeries or sequence of RawSeries
        Any interval.
    calendar : str, optional
        Instead of each instrument's own.
    start, end : date or other moment, optional
        First and last session to expect; by default those of the first and last bar of each instrument.

    Returns
    -------
    dict of str to Coverage
        By symbol; an instrument without a single bar expects nothing.

    Examples
    --------
    >>> days = np.array(["2024-07-02", "2024-07-05", "2024-07-06"], dtype="datetime64[D]")
    >>> bars = Bars.from_arrays(days, [1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3], symbols="SPY", interval_ns=DAY_NS)
    >>> found = coverage(bars)["SPY"]
    >>> found.expected, found.present, found.missing_texts(), found.extra.size
    (3, 2, ['2024-07-03'], 1)
    """
    first, last = (None if t is None else int(instant_ns(t) // DAY_NS) for t in (start, end))
    if first is not None and last is not None and last < first:
        raise InputError(f"The range ends ({end}) before it starts ({start}).")
    return {
        symbol: coverage_of(symbol, ts, calendar or own, interval, first_day=first, last_day=last)
        for symbol, ts, own, interval in _columns(data)
    }


def missing_sessions(
    data: Market, calendar: str | None = None, *, symbol: str | None = None, start: Instant | None = None,
    end: Instant | None = None,
) -> npt.NDArray[np.datetime64]:  # fmt: skip
    """Sessions of the exchange on which an instrument has no bar.

    Parameters
    ----------
    data : Bars, RawSeries or sequence of RawSeries
        Any interval; for weeks and longer the first session of the period is named.
    calendar, start, end
        As in `coverage`.
    symbol : str, optional
        Which instrument; may be left out when there is one.

    Returns
    -------
    datetime64[D] array
        Increasing.

    Raises
    ------
    InputError
        If there are several instruments and none is named.

    Examples
    --------
    >>> days = np.array(["2024-07-03", "2024-07-08"], dtype="datetime64[D]")
    >>> bars = Bars.from_arrays(days, [1, 2], [1, 2], [1, 2], [1, 2], symbols="SPY", interval_ns=DAY_NS)
    >>> missing_sessions(bars).astype(str).tolist()
    ['2024-07-05']
    """
    return _one(coverage(data, calendar, start=start, end=end), symbol).missing_days.astype("datetime64[D]")


def missing_bars(
    data: Market, calendar: str | None = None, *, symbol: str | None = None, start: Instant | None = None,
    end: Instant | None = None,
) -> npt.NDArray[np.datetime64]:  # fmt: skip
    """Closes of the bars that an instrument lacks inside the trading hours of its exchange.

    Parameters
    ----------
    data, calendar, symbol, start, end
        As in `missing_sessions`.

    Returns
    -------
    datetime64[ns] array
        UTC, increasing. For bars of a day or more the dates of `missing_sessions`.

    Examples
    --------
    >>> stamps = np.array(["2024-07-03T00:01", "2024-07-03T00:04"], dtype="datetime64[ns]")
    >>> one = [1, 1]
    >>> bars = Bars.from_arrays(stamps, one, one, one, one, symbols="BTC-USD", interval_ns=60_000_000_000)
    >>> missing_bars(bars).astype("datetime64[m]").astype(str).tolist()
    ['2024-07-03T00:02', '2024-07-03T00:03']
    """
    found = _one(coverage(data, calendar, start=start, end=end), symbol)
    if found.unit == "bar":
        return found.missing.view("datetime64[ns]")
    return found.missing.astype("datetime64[D]").astype("datetime64[ns]")


def coverage_of(
    symbol: str, ts: npt.NDArray[np.int64], calendar: str, interval_ns: int, *, first_day: int | None = None,
    last_day: int | None = None,
) -> Coverage:  # fmt: skip
    """Coverage of one list of stamps.

    Parameters
    ----------
    symbol : str
        For the answer.
    ts : int64 array, shape (n,)
        Closes of the bars that are there, nanoseconds UTC, strictly increasing.
    calendar : str
        Market calendar.
    interval_ns : int
        Length of a bar; 0 is inferred.
    first_day, last_day : int, optional
        Range to expect, days since 1970-01-01.

    Returns
    -------
    Coverage
    """
    hours = hours_of(calendar)
    interval = interval_ns or infer_interval(ts)
    name = interval_name(interval) if interval else ""
    none = np.zeros(0, dtype=np.int64)
    if not interval or (not ts.size and (first_day is None or last_day is None)):
        why = _NO_BARS if not ts.size else "the length of a bar is not known"
        return Coverage(symbol, calendar, name, "bar", first_day or 0, last_day or 0, 0, 0, none, none, none, none,
                        none.astype(np.float64), exact=False, note=why)  # fmt: skip
    days = _days(ts, hours, interval)
    first = first_day if first_day is not None else int(days[0])
    last = last_day if last_day is not None else int(days[-1])
    inside = (days >= first) & (days <= last)
    ts, days = ts[inside], days[inside]
    if unit_of(interval) != "intraday":
        return _long(symbol, ts, days, calendar, interval, first, last)
    if hours.always_open:
        low, high = (
            (first * DAY_NS + 1 if first_day is not None or not ts.size else int(ts[0])),
            ((last + 1) * DAY_NS if last_day is not None or not ts.size else int(ts[-1])),
        )
        return _around_the_clock(symbol, ts, calendar, interval, (first, last), (low, high))
    plan = schedule(calendar, first, last)
    due, part = due_stamps(plan, interval, anchor=anchor_of(ts, plan, interval))
    if ts.size:
        keep = np.ones(due.size, dtype=np.bool_)
        if first_day is None:
            keep &= due >= ts[0]
        if last_day is None:
            keep &= due <= ts[-1]
        due, part = due[keep], part[keep]
    stamps = _cut_at_bells(ts, plan.ends, interval)
    there = np.isin(due, stamps, assume_unique=True)
    extra = ts[~np.isin(stamps, due)]
    missing = due[~there]
    total = np.bincount(part, minlength=plan.days.size).astype(np.float64)
    have = np.bincount(part[there], minlength=plan.days.size).astype(np.float64)
    looked = total > 0.0
    share = np.divide(have, total, out=np.ones_like(total), where=looked)
    return Coverage(
        symbol, calendar, name, "bar", first, last, int(due.size), int(there.sum()), missing,
        plan.days[looked & (have == 0.0)], extra, plan.days[looked], share[looked], plan.exact, plan.note,
    )  # fmt: skip


def _long(
    symbol: str, ts: npt.NDArray[np.int64], days: npt.NDArray[np.int64], calendar: str, interval: int, first: int,
    last: int,
) -> Coverage:  # fmt: skip
    plan = schedule(calendar, first, last)
    unit = unit_of(interval)
    keys, have = period_keys(plan.days, interval), np.unique(period_keys(days, interval))
    wanted, where = np.unique(keys, return_index=True)
    step = max(1, round(interval / DAY_NS)) if unit == "day" else 1
    note = plan.note
    if step > 1 or interval not in _WHOLE.get(unit, (interval,)):
        # Bars of three days or two months follow no calendar that could be looked up.
        note = f"bars of {interval_name(interval)} follow no calendar; nothing can be missed"
        wanted, where = have, np.searchsorted(plan.days, days).clip(max=max(0, plan.days.size - 1))[: have.size]
    there = np.isin(wanted, have, assume_unique=True)
    extra = ts[~np.isin(period_keys(days, interval), wanted)]
    firsts = plan.days[where] if plan.days.size else days[: wanted.size]
    missing = firsts[~there]
    return Coverage(
        symbol, calendar, interval_name(interval), "session" if unit == "day" else unit, first, last, int(wanted.size),
        int(there.sum()), missing, missing, extra, firsts, there.astype(np.float64), plan.exact and not note, note,
    )  # fmt: skip


_WHOLE: Final = {
    "week": (7 * DAY_NS,), "month": (30 * DAY_NS,), "quarter": (91 * DAY_NS,), "year": (365 * DAY_NS,),
}  # fmt: skip


def _around_the_clock(
    symbol: str, ts: npt.NDArray[np.int64], calendar: str, interval: int, days_seen: tuple[int, int],
    reach: tuple[int, int],
) -> Coverage:  # fmt: skip
    phases, counts = np.unique(ts % interval, return_counts=True)
    phase = int(phases[np.argmax(counts)]) if phases.size else 0
    (first, last), (low, high) = days_seen, reach
    low += (phase - low) % interval
    # Counted in whole numbers: the length that arange works out in floating point is off by one here and there.
    due = low + interval * np.arange((high - low) // interval + 1, dtype=np.int64)
    there = np.isin(due, ts, assume_unique=True)
    extra = ts[~np.isin(ts, due, assume_unique=True)]
    part = (due - 1) // DAY_NS
    days = np.unique(part)
    place = np.searchsorted(days, part)
    total = np.bincount(place, minlength=days.size).astype(np.float64)
    have = np.bincount(place[there], minlength=days.size).astype(np.float64)
    return Coverage(
        symbol, calendar, interval_name(interval), "bar", first, last, int(due.size), int(there.sum()), due[~there],
        days[have == 0.0], extra, days, have / np.maximum(total, 1.0),
    )  # fmt: skip


def holes_of(found: Coverage, ts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows that follow a hole, and how many units are missing before each.

    Parameters
    ----------
    found : Coverage
        Of these stamps.
    ts : int64 array, shape (n,)
        Closes of the bars that are there, increasing.

    Returns
    -------
    rows, counts : int64 array
        Row ``n`` stands for what is missing after the last bar.
    """
    if not found.missing.size:
        return found.missing, found.missing
    if found.unit == "bar":
        rows = np.searchsorted(ts, found.missing)
    else:
        days = _days(ts, hours_of(found.calendar), DAY_NS)
        rows = np.searchsorted(days, found.missing)
    return np.unique(rows, return_counts=True)


def _days(ts: npt.NDArray[np.int64], hours: MarketHours, interval: int) -> npt.NDArray[np.int64]:
    """Session of each bar; bars built by hand from plain dates are named by midnight."""
    if unit_of(interval) != "intraday" and not hours.always_open and bool((ts % DAY_NS == 0).all()):
        return ts // DAY_NS
    return session_days(ts, hours)


def _cut_at_bells(ts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], interval: int) -> npt.NDArray[np.int64]:
    """Stamps with the last, shorter bar of a session at its bell, where a source counts a whole interval for it."""
    if not ends.size:
        return ts
    before = np.searchsorted(ends, ts, side="left") - 1
    bell = ends[np.maximum(before, 0)]
    over = (before >= 0) & (ts - interval < bell)
    taken = np.isin(bell, ts)
    return np.where(over & ~taken, bell, ts) if bool((over & ~taken).any()) else ts


def _columns(data: Market) -> Iterator[tuple[str, npt.NDArray[np.int64], str, int]]:
    if isinstance(data, Bars):
        from .judging import series_of_column

        for j, instrument in enumerate(data.instruments):
            _, series = series_of_column(data, j)
            there = ~np.isnan(series.open + series.high + series.low + series.close)
            stamps = series.ts if there.all() else series.ts[there]
            yield instrument.id, stamps, instrument.calendar, data.interval_ns
        return
    for raw in [data] if isinstance(data, RawSeries) else data:
        there = ~np.isnan(raw.open + raw.high + raw.low + raw.close) & (raw.ts != NAT)
        yield raw.instrument.id, np.unique(raw.ts[there]), raw.instrument.calendar, raw.interval_ns


def _one(found: dict[str, Coverage], symbol: str | None) -> Coverage:
    from ..domain.errors import closest

    if symbol is None:
        if len(found) == 1:
            return next(iter(found.values()))
        if not found:
            raise MissingDataError("There are no series to look at.")
        raise InputError(f"There are {len(found)} instruments; name one of {', '.join(list(found)[:8])}.")
    if symbol not in found:
        raise InputError(
            f"No bars of {symbol!r}{closest(symbol, found) or '.'} There are {', '.join(list(found)[:8])}."
        )
    return found[symbol]
