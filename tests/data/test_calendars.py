"""Sessions against exchange_calendars, and periods a year."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from tradewright.data.calendars import periods_per_year, session_dates, session_ordinals, sessions
from tradewright.data.hours import _TABLE, hours_of, session_closes
from tradewright.data.service import load
from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError

library = pytest.importorskip("exchange_calendars")
pytestmark = pytest.mark.filterwarnings("ignore")  # the library's own deprecations


def bars_at(ts: np.ndarray, symbol: str) -> Bars:
    one = np.ones(ts.size)
    return Bars.from_arrays(ts, one, one, one, one, symbols=symbol)


def ns(values: object) -> np.ndarray:
    return np.asarray(values, dtype="datetime64[ns]").astype(np.int64)


@pytest.mark.parametrize("calendar", [code for code in _TABLE if code not in {"24/5", "24/7"}])
def test_the_small_table_agrees_with_exchange_calendars(calendar: str) -> None:
    """Half days are exceptions, so nearly all closes of half a year are compared, and none may be earlier than true."""
    found = library.get_calendar(calendar, start="2024-11-11", end="2025-06-30")
    closes = ns(found.schedule["close"].dt.tz_localize(None).to_numpy())
    dates = found.schedule.index.to_numpy().astype("datetime64[D]").astype(np.int64)
    ours = session_closes(dates, calendar)
    assert np.mean(ours == closes) > 0.9
    assert (ours >= closes).all(), "a bar must never be stamped before it was known"
    assert hours_of(calendar).zone == str(found.tz)
    years = library.get_calendar(calendar, start="2015-01-01", end="2024-12-31")
    a_year = len(years.schedule) / 10
    assert abs(hours_of(calendar).sessions_per_year - a_year) < 2.5


@pytest.mark.parametrize("calendar", ["XNYS", "XLON", "XTKS", "24/7"])
def test_sessions_are_those_of_exchange_calendars(calendar: str) -> None:
    ours = sessions(calendar, "2023-01-01", "2024-12-31")
    theirs = library.get_calendar(calendar, start="2022-01-01", end="2025-12-31")
    schedule = theirs.schedule.loc["2023-01-01":"2024-12-31"]
    assert ours.dates.astype(str).tolist() == [str(day.date()) for day in schedule.index]
    assert np.array_equal(ours.closes, ns(schedule["close"].dt.tz_localize(None).to_numpy()))
    early = {str(day.date()) for day in theirs.early_closes}
    assert ours.early.tolist() == [str(day) in early for day in ours.dates]


def test_half_days_close_at_one() -> None:
    half = sessions("XNYS", "2024-07-03", "2024-07-03")
    assert half.early.tolist() == [True]
    assert str(half.closes.view("datetime64[ns]")[0])[:16] == "2024-07-03T17:00"


def test_sessions_refuse_what_they_do_not_know() -> None:
    with pytest.raises(InputError, match="did you mean"):
        sessions("XNYZ", "2024-01-01", "2024-02-01")
    with pytest.raises(InputError, match="before it starts"):
        sessions("XNYS", "2024-02-01", "2024-01-01")


@pytest.mark.parametrize("hours", [(14, 30), (20, 0), (21, 0), (23, 30)])
def test_every_minute_of_a_new_york_day_is_that_session(hours: tuple[int, int]) -> None:
    """Also after hours, when UTC has the next date already, and on both sides of a change of the clocks."""
    stamps = [dt.datetime(2024, 3, day, *hours) for day in (7, 8, 11, 12)]
    assert session_dates(bars_at(ns(stamps), "SPY")).astype(str).tolist() == [
        "2024-03-07", "2024-03-08", "2024-03-11", "2024-03-12",
    ]  # fmt: skip


def test_session_of_minutes_equals_exchange_calendars() -> None:
    found = library.get_calendar("XNYS", start="2024-01-02", end="2024-12-31")
    minutes = found.minutes[::37]
    expected = found.minutes_to_sessions(minutes)
    closes = ns(minutes.tz_localize(None).to_numpy()) + 60_000_000_000
    assert session_dates(bars_at(closes, "AAPL")).astype(str).tolist() == [str(d.date()) for d in expected]


def test_currencies_turn_at_five_in_new_york() -> None:
    stamps = ns(["2024-01-02T21:00", "2024-01-02T22:00", "2024-01-02T23:00"])
    assert session_dates(bars_at(stamps, "EURUSD")).astype(str).tolist() == ["2024-01-02", "2024-01-02", "2024-01-03"]


def test_around_the_clock_the_day_is_utc() -> None:
    stamps = ns(["2024-01-02T23:59", "2024-01-03T00:00", "2024-01-03T00:01"])
    assert session_dates(bars_at(stamps, "BTC-USD")).astype(str).tolist() == ["2024-01-02", "2024-01-02", "2024-01-03"]


def test_plain_dates_made_into_bars_by_hand_keep_their_date() -> None:
    stamps = ns(["2024-01-02", "2024-01-03", "2024-01-04"])
    assert session_dates(bars_at(stamps, "SPY")).astype(str).tolist() == ["2024-01-02", "2024-01-03", "2024-01-04"]


@pytest.mark.parametrize("symbol", ["SPY", "EURUSD", "BTC-USD", "ES=F"])
def test_long_series_get_the_sessions_of_their_parts(symbol: str) -> None:
    """Long series are cut at midnights, short ones are taken bar by bar."""
    stamps = ns("2023-10-01") + np.arange(1, 20_000, dtype=np.int64) * 1_860_000_000_000
    whole = session_ordinals(bars_at(stamps, symbol))
    parts = [session_ordinals(bars_at(part, symbol)) for part in np.array_split(stamps, 10)]
    assert np.array_equal(whole, np.concatenate(parts))


def test_ordinals_never_decrease_over_a_year_of_hours() -> None:
    stamps = ns("2024-01-01") + np.arange(1, 8_784, dtype=np.int64) * 3_600_000_000_000
    for symbol in ("SPY", "EURUSD", "BTC-USD", "ES=F"):
        assert (np.diff(session_ordinals(bars_at(stamps, symbol))) >= 0).all()


@pytest.mark.parametrize(
    ("symbol", "interval", "expected"),
    [
        ("SPY", "1d", 252), ("BTC-USD", "1d", 365), ("EURUSD", "1d", 260), ("SPY", "1min", 98_280),
        ("SPY", "15min", 26 * 252), ("SPY", "1h", 7 * 252), ("BTC-USD", "1min", 525_600), ("BTC-USD", "1h", 8_760),
        ("EURUSD", "1h", 24 * 260),
    ],
)  # fmt: skip
def test_periods_a_year_of_regular_bars(symbol: str, interval: str, expected: int) -> None:
    bars = load(symbol, provider="synthetic", interval=interval, n_bars=9_000 if interval != "1d" else 600)
    periods, reason = periods_per_year(bars)
    assert periods == expected
    assert f"{expected:g}" in reason


def test_weeks_and_months_need_no_calendar() -> None:
    daily = load("SPX", start="2010-01-01", end="2012-12-31")
    from tradewright.data.grid import resample

    assert periods_per_year(resample(daily, "1w"))[0] == 52
    assert periods_per_year(resample(daily, "1mo"))[0] == 12


def test_missing_minutes_do_not_change_the_year() -> None:
    bars = load("BTC-USD", provider="synthetic", interval="1min", n_bars=20_000)
    keep = np.random.default_rng(7).random(bars.n_bars) > 0.0005
    thin = Bars(bars.ts[keep], *(np.ascontiguousarray(a[keep]) for a in (bars.open, bars.high, bars.low, bars.close,
                bars.volume)), instruments=bars.instruments, interval_ns=bars.interval_ns)  # fmt: skip
    assert abs(periods_per_year(thin)[0] / 525_600 - 1) < 0.002


def test_stamps_overrule_the_symbol() -> None:
    every_day = ns("2024-01-01") + np.arange(60) * 86_400_000_000_000 + 75_600_000_000_000
    assert periods_per_year(bars_at(every_day, "SPY"))[0] == 365
    weekdays = np.array([t for t in every_day if np.is_busday(np.datetime64(int(t) - 1, "ns").astype("datetime64[D]"))])
    assert periods_per_year(bars_at(weekdays, "BTC-USD"))[0] == 260
    assert periods_per_year(bars_at(weekdays, "SPY"))[0] == 252


def test_numbered_bars_count_as_the_calendar_says() -> None:
    one = np.ones(500)
    assert periods_per_year(Bars.from_arrays(None, one, one, one, one))[0] == 252


@pytest.mark.shared_data
def test_the_daily_files_have_no_row_on_a_day_without_a_session(shared_data: object) -> None:
    bars = load("IBM,QQQ,PEP", data=shared_data / "restricted" / "us_daily_1990_2025")  # type: ignore[operator]
    exchange = sessions("XNYS", str(session_dates(bars)[0]), str(session_dates(bars)[-1]))
    assert np.isin(session_dates(bars), exchange.dates).all()
    ibm = int((~np.isnan(bars.close[:, 0])).sum())
    assert (len(exchange), ibm) == (8_939, 8_938)


@pytest.mark.shared_data
def test_half_days_in_five_minute_bars(shared_data: object) -> None:
    bars = load("AAPL", data=shared_data / "nolicence" / "us_15min_2025_2026")  # type: ignore[operator]
    days, counts = np.unique(session_dates(bars), return_counts=True)
    exchange = sessions("XNYS", str(days[0]), str(days[-1]))
    assert days.tolist() == exchange.dates.tolist()
    assert counts.tolist() == np.where(exchange.early, 14, 26).tolist()
    regular = np.isin(session_dates(bars), exchange.dates[~exchange.early])
    last = bars.ts[regular][np.append(np.diff(session_ordinals(bars)[regular]) > 0, True)]
    assert np.array_equal(last, exchange.closes[~exchange.early])
