"""Sessions, half days, changes of the clocks and bars a year against exchange_calendars, over twenty years."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.data.calendars import periods_per_year, session_dates, session_ordinals, sessions
from tradewright.data.hours import hours_of, session_closes

FIRST, LAST = "2004-01-01", "2023-12-31"
MINUTE = 60_000_000_000

pytestmark = pytest.mark.filterwarnings("ignore")  # the other library's own

Stamps = np.ndarray[Any, np.dtype[np.int64]]


def ns(index: Any) -> Stamps:
    """Stamps of a pandas index or column in UTC."""
    plain = index.dt.tz_localize(None) if hasattr(index, "dt") else index.tz_localize(None)
    out: Stamps = plain.to_numpy().astype("datetime64[ns]").astype(np.int64)
    return out


def bars_at(ts: Stamps, symbol: str = "SPY") -> tw.Bars:
    one = np.ones(ts.size)
    return tw.Bars.from_arrays(ts, one, one, one, one, symbols=symbol)


@pytest.fixture(scope="module")
def nyse(exchanges: Any) -> Any:
    return exchanges.get_calendar("XNYS", start="2003-06-01", end="2024-06-30")


@pytest.fixture(scope="module")
def schedule(nyse: Any) -> Any:
    return nyse.schedule.loc[FIRST:LAST]


def intraday(schedule: Any, minutes: int) -> tuple[Stamps, Stamps]:
    """Closes of all bars of so many minutes in every session, the last one cut by the bell, and the day of each."""
    days = schedule.index.to_numpy().astype("datetime64[D]").astype(np.int64)
    stamps, owners = [], []
    for day, first, last in zip(days, ns(schedule["open"]), ns(schedule["close"]), strict=True):
        made = np.append(np.arange(first + minutes * MINUTE, last, minutes * MINUTE), last)
        stamps.append(made)
        owners.append(np.full(made.size, day))
    return np.concatenate(stamps), np.concatenate(owners)


def test_sessions_of_twenty_years(nyse: Any, schedule: Any) -> None:
    """Every session with its opening and closing bell, and which of them are cut short."""
    ours = sessions("XNYS", FIRST, LAST)
    assert len(ours) == len(schedule) == 5033
    assert np.array_equal(ours.dates, schedule.index.to_numpy().astype("datetime64[D]"))
    assert np.array_equal(ours.opens, ns(schedule["open"]))
    assert np.array_equal(ours.closes, ns(schedule["close"]))
    half = np.isin(ours.dates, nyse.early_closes.to_numpy().astype("datetime64[D]"))
    assert np.array_equal(ours.early, half)
    minutes = (ours.closes - ours.opens) // MINUTE
    assert set(minutes[~half]) == {390}
    assert set(minutes[half]) == {210}
    assert half.sum() == 40


@pytest.mark.parametrize("year", range(2004, 2024))
def test_each_year_is_cut_the_same(nyse: Any, year: int) -> None:
    """A range of its own, asked for from a Saturday to a holiday, holds the sessions of the whole list."""
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 25)
    expected = nyse.sessions_in_range(str(first), str(last))
    ours = sessions("XNYS", first, last)
    assert ours.dates.astype(str).tolist() == [str(day.date()) for day in expected]


@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_bars_belong_to_their_session(schedule: Any, minutes: int) -> None:
    """Twenty years of bars: the date of each, also on half days and on both sides of every change of the clocks."""
    stamps, owners = intraday(schedule.iloc[-400:] if minutes == 1 else schedule, minutes)
    assert np.array_equal(session_ordinals(bars_at(stamps)), owners)
    for part in (slice(0, 3000), slice(-3000, None)):  # short series are looked up bar by bar
        assert np.array_equal(session_ordinals(bars_at(stamps[part])), owners[part])


def test_hours_before_and_after_the_bells(schedule: Any) -> None:
    """From four in the morning to eight at night in New York is one session, though UTC changes its date."""
    zone = "America/New_York"
    for hour in (4, 8, 17, 20):
        local = schedule.index.tz_localize(zone) + np.timedelta64(hour, "h")
        # Adding hours to midnight crosses the change of the clocks on Sundays only, which are no sessions.
        dates = session_dates(bars_at(ns(local.tz_convert("UTC"))))
        assert np.array_equal(dates, schedule.index.to_numpy().astype("datetime64[D]"))


def test_clocks_change_in_new_york_when_they_do(nyse: Any, schedule: Any) -> None:
    """Twice a year the bell moves by an hour in UTC; the closes of the small table move with it."""
    days = schedule.index.to_numpy().astype("datetime64[D]").astype(np.int64)
    regular = ~np.isin(schedule.index, nyse.early_closes)
    ours, theirs = session_closes(days, "XNYS"), ns(schedule["close"])
    assert np.array_equal(ours[regular], theirs[regular])
    assert (ours[~regular] - theirs[~regular] == 180 * MINUTE).all()
    in_utc = (ours // MINUTE) % 1440
    assert set(in_utc) == {20 * 60, 21 * 60}
    assert np.count_nonzero(np.diff(in_utc)) == 40


def test_daily_bars_are_stamped_with_their_session(schedule: Any) -> None:
    dates = schedule.index.to_numpy().astype("datetime64[D]")
    assert np.array_equal(session_dates(bars_at(ns(schedule["close"]))), dates)
    assert np.array_equal(session_dates(bars_at(dates.astype("datetime64[ns]").astype(np.int64))), dates)


def test_the_engine_begins_its_day_with_the_session(schedule: Any) -> None:
    """A day order that is placed in a session's last bar lives for exactly the next session."""
    stamps, owners = intraday(schedule.iloc[-260:], 30)
    falling = np.full(stamps.size, 100.0)
    bars = tw.Bars.from_arrays(stamps, falling, falling, falling, falling, symbols="SPY")
    last_rows = np.flatnonzero(np.diff(owners))[::5]
    orders = [{"bar": int(row), "quantity": 1, "kind": "limit", "limit": 50.0, "tif": "day"} for row in last_rows]
    result = tw.backtest(bars, orders=orders, no_costs=True)
    assert set(result.orders["status"][:-1]) == {"expired"}

    seen: list[tuple[int, int]] = []

    class Watch:
        def on_bar(self, ctx: Any) -> None:
            if ctx.bar in wanted:
                ctx.order(1.0, "limit", limit=50.0, tif="day")
            seen.append((ctx.bar, len(ctx.active_orders())))

    wanted = {int(row) for row in last_rows}
    tw.backtest(bars, Watch(), no_costs=True)
    alive = np.array([n for _, n in seen]) > 0
    for row in last_rows[:-1]:
        day = owners[row + 1]
        assert alive[row : row + 1 + int((owners == day).sum())].all()
        assert not alive[row + 1 + int((owners == day).sum())]


def test_sessions_a_year(schedule: Any) -> None:
    """Twenty years have 251.65 sessions each; the field's 252 is what daily bars are annualised with."""
    a_year = len(schedule) / 20
    assert abs(hours_of("XNYS").sessions_per_year - a_year) < 0.5
    periods, reason = periods_per_year(bars_at(ns(schedule["close"])))
    assert periods == 252.0
    assert "XNYS" in reason


@pytest.mark.parametrize(("minutes", "a_session"), [(1, 390), (5, 78), (15, 26), (30, 13), (60, 7)])
def test_intraday_bars_a_year(schedule: Any, minutes: int, a_session: int) -> None:
    """The usual session counts, 252 times; half days and holidays move the true count by less than 0.6 percent."""
    part = schedule.loc["2019-01-01":"2022-12-31"] if minutes < 5 else schedule
    stamps, _ = intraday(part, minutes)
    periods, _ = periods_per_year(bars_at(stamps))
    assert periods == a_session * 252
    years = len(set(part.index.year))
    assert periods == pytest.approx(stamps.size / years, rel=0.006)


@pytest.mark.parametrize("calendar", ["XLON", "XTKS", "XETR"])
def test_other_exchanges(exchanges: Any, calendar: str) -> None:
    """Ten years of bells elsewhere, and the sessions of hourly bars in the exchange's own zone."""
    found = exchanges.get_calendar(calendar, start="2012-06-01", end="2023-06-30").schedule.loc["2013":"2022"]
    ours = sessions(calendar, "2013-01-01", "2022-12-31")
    assert np.array_equal(ours.dates, found.index.to_numpy().astype("datetime64[D]"))
    assert np.array_equal(ours.opens, ns(found["open"]))
    assert np.array_equal(ours.closes, ns(found["close"]))
    stamps, owners = intraday(found, 60)
    one = np.ones(stamps.size)
    instrument = tw.Instrument("ABC", venue=calendar, calendar=calendar)
    bars = tw.Bars.from_arrays(stamps, one, one, one, one, instruments=instrument)
    assert np.array_equal(session_ordinals(bars), owners)
