"""What is missing is told exactly: holidays, half days, daylight saving, noon breaks, around the clock."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from tradewright.data import coverage, load, missing_bars, missing_sessions, sessions
from tradewright.data.schedule import bars_due, due_stamps, schedule
from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError
from tradewright.domain.instrument import Instrument

MINUTE = 60_000_000_000
DAY = 86_400_000_000_000


def bars_at(stamps: np.ndarray, symbol: str, interval: int, calendar: str | None = None) -> Bars:
    one = np.full(stamps.size, 50.0)
    instrument = Instrument.of(symbol, calendar=calendar) if calendar else Instrument.of(symbol)
    return Bars.from_arrays(stamps, one, one, one, one, instruments=instrument, interval_ns=interval)


def ns(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[ns]")


def session_bars(first: str, last: str, step: int, calendar: str = "XNYS") -> np.ndarray:
    low, high = (int(np.datetime64(day).astype(np.int64)) for day in (first, last))
    return due_stamps(schedule(calendar, low, high), step)[0].view("datetime64[ns]")


@pytest.mark.shared_data
def test_the_59_daily_files_miss_exactly_what_the_calendar_says(shared_data: Path) -> None:
    library = pytest.importorskip("exchange_calendars")
    calendar = library.get_calendar("XNYS", start="1990-01-01", end="2025-12-31")
    files = sorted((shared_data / "restricted" / "us_daily_1990_2025").glob("*.csv.gz"))
    assert len(files) == 59
    with_holes: dict[str, list[str]] = {}
    known = [str(day.date()) for day in calendar.sessions]
    for path in files:
        with gzip.open(path, "rt", newline="") as text:
            days = {row["date"][:10] for row in csv.DictReader(text)}
        low, high = min(days), max(days)
        should = {day for day in known if low <= day <= high}
        found = coverage(load(data=path))
        (one,) = found.values()
        assert one.missing_texts() == sorted(should - days), path.name
        assert one.extra.size == len(days - should) == 0, path.name
        assert (one.expected, one.present) == (len(should), len(days)), path.name
        assert one.exact
        if one.missing.size:
            with_holes[path.name.split(".")[0]] = one.missing_texts()
    assert len(with_holes) == 56
    assert sum("1999-11-16" in missing for missing in with_holes.values()) == 53
    assert with_holes["IBM"] == ["1999-11-16"]


@pytest.mark.shared_data
def test_717_minutes_are_missing_around_the_clock(shared_data: Path) -> None:
    path = shared_data / "restricted" / "freqtrade" / "UNITTEST_BTC-1m.csv.gz"
    with gzip.open(path, "rt", newline="") as text:
        labels = np.array([row["date"][:19] for row in csv.DictReader(text)], dtype="datetime64[m]").astype(np.int64)
    gone = np.setdiff1d(np.arange(labels.min(), labels.max() + 1), labels)
    assert gone.size == 717
    # Labels mark the start of a minute, bars are stamped at its end.
    assert np.array_equal(missing_bars(load(data=path)).astype("datetime64[m]").astype(np.int64), gone + 1)


@pytest.mark.shared_data
def test_half_days_and_extended_hours_of_the_five_minute_files(shared_data: Path) -> None:
    five = shared_data / "nolicence" / "us_5min_2025_2026"
    quarter = shared_data / "nolicence" / "us_15min_2025_2026"
    (one,) = coverage(load(data=next(five.glob("AAPL_*")))).values()
    assert (one.expected, one.present, one.missing.size) == (204 * 78 + 3 * 42, 204 * 78 + 3 * 42, 0)
    assert one.extra.size == 193
    (one,) = coverage(load(data=next(quarter.glob("AAPL_*")))).values()
    assert (one.expected, one.present, one.missing.size, one.extra.size) == (5_346, 5_346, 0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_taken_out_is_found_and_nothing_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for calendar, step in (("XNYS", 5), ("XNYS", 60), ("XLON", 30), ("XHKG", 15), ("CMES", 60), ("24/5", 60)):
        stamps = session_bars("2024-03-01", "2024-04-05", step * MINUTE, calendar)
        gone = np.sort(rng.choice(np.arange(1, stamps.size - 1), 40, replace=False))
        bars = bars_at(np.delete(stamps, gone), "X", step * MINUTE, calendar)
        assert np.array_equal(missing_bars(bars), stamps[gone]), calendar
        (one,) = coverage(bars).values()
        assert one.extra.size == 0
        assert one.expected == one.present + 40


def test_the_closing_bell_follows_half_days_and_daylight_saving() -> None:
    stamps = session_bars("2024-07-02", "2024-07-05", 30 * MINUTE)
    assert stamps.size == 13 + 7 + 13
    assert str(stamps[19])[11:16] == "17:00", "13:00 in New York"
    before, after = (
        session_bars("2024-03-08", "2024-03-08", 30 * MINUTE),
        session_bars("2024-03-11", "2024-03-11", 30 * MINUTE),
    )
    assert (str(before[-1])[11:16], str(after[-1])[11:16]) == ("21:00", "20:00")


def test_the_noon_break_of_hong_kong_is_no_hole() -> None:
    stamps = session_bars("2024-03-04", "2024-03-04", 30 * MINUTE, "XHKG")
    texts = [str(t)[11:16] for t in stamps]
    assert texts[:6] == ["02:00", "02:30", "03:00", "03:30", "04:00", "05:30"]
    assert coverage(bars_at(stamps, "0700", 30 * MINUTE, "XHKG"))["0700"].coverage == 1.0


def test_hourly_bars_may_be_counted_from_the_bell_or_from_the_hour() -> None:
    bell = session_bars("2024-01-02", "2024-01-31", 60 * MINUTE)
    assert coverage(bars_at(bell, "SPY", 60 * MINUTE))["SPY"].coverage == 1.0
    low, high = (int(np.datetime64(d).astype(np.int64)) for d in ("2024-01-02", "2024-01-31"))
    hour = due_stamps(schedule("XNYS", low, high), 60 * MINUTE, anchor="clock")[0].view("datetime64[ns]")
    assert str(hour[0])[11:16] == "15:00"
    found = coverage(bars_at(np.delete(hour, 5), "SPY", 60 * MINUTE))["SPY"]
    assert (found.missing.size, found.extra.size) == (1, 0)


def test_a_last_bar_that_counts_a_whole_interval_is_at_its_bell() -> None:
    bell = session_bars("2024-01-02", "2024-01-31", 60 * MINUTE)
    over = bell.copy()
    closes = sessions("XNYS", "2024-01-02", "2024-01-31").closes.view("datetime64[ns]")
    over[np.isin(over, closes)] += np.timedelta64(30, "m")
    found = coverage(bars_at(over, "SPY", 60 * MINUTE))["SPY"]
    assert (found.missing.size, found.extra.size, found.coverage) == (0, 0, 1.0)


def test_a_row_on_a_closed_day_is_extra_and_never_coverage() -> None:
    days = np.array(["2024-07-03", "2024-07-04", "2024-07-06", "2024-07-08"], dtype="datetime64[D]")
    found = coverage(bars_at(days, "SPY", DAY))["SPY"]
    assert (found.expected, found.present) == (3, 2)
    assert found.missing_texts() == ["2024-07-05"]
    assert [str(t)[:10] for t in found.extra.view("datetime64[ns]")] == ["2024-07-04", "2024-07-06"]


def test_weeks_and_months() -> None:
    weeks = np.array(["2024-01-05", "2024-01-12", "2024-01-26"], dtype="datetime64[D]")
    found = coverage(bars_at(weeks, "SPY", 7 * DAY))["SPY"]
    assert (found.unit, found.expected, found.present, found.missing_texts()) == ("week", 4, 3, ["2024-01-16"])
    months = np.array(["2024-01-31", "2024-03-28"], dtype="datetime64[D]")
    found = coverage(bars_at(months, "SPY", 30 * DAY))["SPY"]
    assert (found.unit, found.missing_texts()) == ("month", ["2024-02-01"])


def test_a_range_says_what_was_expected() -> None:
    days = np.array(["2024-07-02", "2024-07-03"], dtype="datetime64[D]")
    bars = bars_at(days, "SPY", DAY)
    assert missing_sessions(bars, start="2024-07-01", end="2024-07-05").astype(str).tolist() == [
        "2024-07-01",
        "2024-07-05",
    ]
    clock = bars_at(ns("2024-01-01T12:00", "2024-01-01T13:00"), "BTC-USD", 60 * MINUTE)
    assert missing_bars(clock).size == 0
    assert missing_bars(clock, start="2024-01-01", end="2024-01-01").size == 22
    with pytest.raises(InputError, match="before it starts"):
        coverage(bars, start="2024-07-05", end="2024-07-01")


def test_several_instruments_are_asked_for_by_name() -> None:
    close = np.array([[1.0, 2.0], [np.nan, 2.0], [1.0, 2.0]])
    days = np.array(["2024-07-01", "2024-07-02", "2024-07-03"], dtype="datetime64[D]")
    bars = Bars.from_arrays(days, close, close, close, close, symbols=["SPY", "QQQ"], interval_ns=DAY)
    assert missing_sessions(bars, symbol="SPY").astype(str).tolist() == ["2024-07-02"]
    assert missing_sessions(bars, symbol="QQQ").size == 0
    with pytest.raises(InputError, match="name one of SPY, QQQ"):
        missing_sessions(bars)
    with pytest.raises(InputError, match="did you mean 'SPY'"):
        missing_sessions(bars, symbol="SPYY")


def test_without_a_single_bar_nothing_is_covered() -> None:
    close = np.full((3, 1), np.nan)
    days = np.array(["2024-07-01", "2024-07-02", "2024-07-03"], dtype="datetime64[D]")
    bars = Bars.from_arrays(days, close, close, close, close, symbols="SPY", interval_ns=DAY)
    found = coverage(bars)["SPY"]
    assert (found.expected, found.present, found.coverage) == (0, 0, 0.0)
    found = coverage(bars, start="2024-07-01", end="2024-07-05")["SPY"]
    assert (found.expected, found.present, found.coverage, found.exact) == (4, 0, 0.0, True)


def test_where_no_calendar_reaches_the_answer_says_so() -> None:
    old = np.array(["1900-01-02", "1900-01-05"], dtype="datetime64[D]")
    found = coverage(bars_at(old, "0700", DAY, "XHKG"))["0700"]
    assert not found.exact
    assert found.note


@pytest.mark.parametrize(
    ("calendar", "interval", "after", "now", "due"),
    [
        ("XNYS", DAY, "2024-07-02T20:00", "2024-07-03T16:59", 0),
        ("XNYS", DAY, "2024-07-02T20:00", "2024-07-03T17:00", 1),  # a half day ends at one
        ("XNYS", DAY, "2024-07-03T20:00", "2024-07-05T19:59", 0),  # the fourth of July ages nothing
        ("XNYS", DAY, "2024-07-03T20:00", "2024-07-08T20:00", 2),
        ("XNYS", MINUTE, "2024-07-03T16:59", "2024-07-05T13:31", 2),
        ("24/7", MINUTE, "2024-07-03T16:59", "2024-07-03T17:59", 60),
        ("24/7", DAY, "2024-07-03T00:00", "2024-07-04T23:59", 1),
        ("24/5", 60 * MINUTE, "2024-07-05T21:00", "2024-07-07T22:00", 1),  # from Friday to Sunday evening
        ("XNYS", 7 * DAY, "2024-07-05T20:00", "2024-07-10T20:00", 0),
        ("XNYS", 7 * DAY, "2024-07-05T20:00", "2024-07-12T20:00", 1),
    ],
)
def test_bars_that_are_due(calendar: str, interval: int, after: str, now: str, due: int) -> None:
    first, last = ns(after, now).astype(np.int64).tolist()
    assert bars_due(calendar, interval, first, last) == due
