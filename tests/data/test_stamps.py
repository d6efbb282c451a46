"""Time labels, time zones and the convention of when a bar became known."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewright.data.hours import hours_of, session_closes
from tradewright.data.intervals import infer_interval, interval_name, interval_ns
from tradewright.data.stamps import NAT, Labels, known_at, label_side, parse_labels
from tradewright.data.zones import to_local, to_utc, utc_offsets
from tradewright.domain.errors import InputError

ZONES = ["America/New_York", "Europe/London", "Europe/Berlin", "Asia/Tokyo", "Asia/Kolkata", "Australia/Sydney", "UTC"]


def ns(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[ns]").astype(np.int64)


def iso(array: np.ndarray) -> list[str]:
    return [str(t)[:16] for t in array.view("datetime64[ns]")]


@given(st.sampled_from(ZONES), st.lists(st.integers(0, 1_900_000_000), min_size=1, max_size=30))
def test_offsets_are_those_of_zoneinfo(zone: str, seconds: list[int]) -> None:
    ts = np.array(seconds, dtype=np.int64) * 1_000_000_000
    expected = [
        int(dt.datetime.fromtimestamp(s, ZoneInfo(zone)).utcoffset().total_seconds())  # type: ignore[union-attr]
        for s in seconds
    ]
    assert (utc_offsets(ts, zone) // 1_000_000_000).tolist() == expected


@given(st.sampled_from(ZONES), st.lists(st.integers(0, 1_900_000_000), min_size=1, max_size=30))
def test_local_time_and_back_is_the_identity_outside_the_repeated_hour(zone: str, seconds: list[int]) -> None:
    ts = np.array(seconds, dtype=np.int64) * 1_000_000_000
    back = to_utc(to_local(ts, zone), zone)
    hour = 3_600_000_000_000
    assert ((back == ts) | (back == ts - hour)).all()  # of a repeated hour the first pass is meant


def test_long_sorted_series_take_the_same_offsets_as_short_ones() -> None:
    ts = ns("2020-01-01")[0] + np.arange(30_000, dtype=np.int64) * 3_600_000_000_000
    offsets = utc_offsets(ts, "America/New_York")
    assert np.array_equal(offsets, np.concatenate([utc_offsets(part, "America/New_York") for part in np.split(ts, 30)]))


def test_unknown_zone_and_calendar_name_the_nearest() -> None:
    with pytest.raises(InputError, match="America/New_York"):
        utc_offsets(ns("2024-01-01"), "America/New_Yrok")
    with pytest.raises(InputError, match="XNYS"):
        hours_of("XNYZ")


@pytest.mark.parametrize(
    ("values", "expected", "aware"),
    [
        (["2024-01-02", "2024-01-03"], ["2024-01-02T00:00", "2024-01-03T00:00"], False),
        (["1/2/2024", "12/31/2024"], ["2024-01-02T00:00", "2024-12-31T00:00"], False),
        (["13/2/2024", "1/2/2024"], ["2024-02-13T00:00", "2024-02-01T00:00"], False),
        (["01/03/17", "01/04/17"], ["2017-01-03T00:00", "2017-01-04T00:00"], False),
        (["01/03/70"], ["1970-01-03T00:00"], False),
        (["20240102", "20240103"], ["2024-01-02T00:00", "2024-01-03T00:00"], False),
        (["2024-01-02 09:30:00-05:00", "2024-07-02 09:30:00-04:00"], ["2024-01-02T14:30", "2024-07-02T13:30"], True),
        (["2024-01-02T14:30:00Z"], ["2024-01-02T14:30"], True),
        (["1/2/2024 4:15 PM", "1/2/2024 12:05 am"], ["2024-01-02T16:15", "2024-01-02T00:05"], False),
        ([1_704_205_800, 1_704_205_860], ["2024-01-02T14:30", "2024-01-02T14:31"], True),
        (["1704205800000"], ["2024-01-02T14:30"], True),
        (np.array([1_704_205_800_000_000]), ["2024-01-02T14:30"], True),
        (np.array([1_704_205_800_000_000_000]), ["2024-01-02T14:30"], True),
        (np.array([1_704_205_800.5]), ["2024-01-02T14:30"], True),
        ([dt.date(2024, 1, 2), dt.date(2024, 1, 3)], ["2024-01-02T00:00", "2024-01-03T00:00"], False),
        ([dt.datetime(2024, 1, 2, 9, 30, tzinfo=ZoneInfo("America/New_York"))], ["2024-01-02T14:30"], True),
    ],
)
def test_labels_of_every_kind(values: object, expected: list[str], aware: bool) -> None:
    labels = parse_labels(values)
    assert iso(labels.ns) == expected
    assert labels.aware is aware


def test_labels_that_cannot_be_read_are_marked_and_the_rest_is_kept() -> None:
    labels = parse_labels(["2024-01-02", "", "yesterday", "2024-02-30", "2024-01-05", "9999-01-01"])
    assert (labels.ns == NAT).tolist() == [False, True, True, True, False, True]
    with pytest.raises(InputError, match="No time stamp"):
        parse_labels(["x", "y"])


@given(st.lists(st.dates(dt.date(1971, 1, 1), dt.date(2099, 12, 31)), min_size=1, max_size=20))
def test_slashed_and_iso_dates_say_the_same(days: list[dt.date]) -> None:
    iso_labels = parse_labels([d.isoformat() for d in days])
    slashed = parse_labels([f"{d.month}/{d.day}/{d.year}" for d in days], day_first=False)
    assert np.array_equal(iso_labels.ns, slashed.ns)


def test_a_daily_bar_is_known_at_the_close_of_its_session() -> None:
    closes, interval, side, _ = known_at(parse_labels(["2024-07-03", "2024-01-02", "2024-01-03"]), "XNYS")
    assert iso(closes) == ["2024-07-03T20:00", "2024-01-02T21:00", "2024-01-03T21:00"]
    assert interval_name(interval) == "1d"
    assert side == ""


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        ("24/7", "2024-01-03T00:00"),
        ("24/5", "2024-01-02T22:00"),
        ("XLON", "2024-01-02T16:30"),
        ("XTKS", "2024-01-02T06:30"),
    ],
)
def test_the_close_is_that_of_the_market(calendar: str, expected: str) -> None:
    closes, *_ = known_at(parse_labels(["2024-01-02", "2024-01-03"]), calendar)
    assert iso(closes)[0] == expected


def test_midnight_in_the_exchange_zone_means_its_date() -> None:
    labels = parse_labels(["2024-01-02 00:00:00-05:00", "2024-01-03 00:00:00-05:00"])
    assert iso(known_at(labels, "XNYS")[0]) == ["2024-01-02T21:00", "2024-01-03T21:00"]


def test_closes_given_as_labels_stay_where_they_are() -> None:
    first, *_ = known_at(parse_labels(["2024-01-02", "2024-01-03"]), "XNYS")
    again, *_ = known_at(Labels(first, aware=True), "XNYS")
    assert np.array_equal(first, again)


def test_months_and_weeks_labelled_with_their_first_day_move_to_their_last() -> None:
    months = parse_labels(["2024-01-01", "2024-02-01", "2024-03-01"])
    closes, interval, _, notes = known_at(months, "24/7")
    assert iso(closes) == ["2024-02-01T00:00", "2024-03-01T00:00", "2024-04-01T00:00"]
    assert interval_name(interval) == "1mo"
    assert "first day" in notes[0]
    ends, *_ = known_at(parse_labels(["2024-01-31", "2024-02-29", "2024-03-31"]), "24/7")
    assert np.array_equal(closes, ends)
    weeks, *_ = known_at(parse_labels(["2024-01-01", "2024-01-08", "2024-01-15"]), "XNYS")
    assert iso(weeks)[0] == "2024-01-07T21:00"


def minutes(first: str, count: int, step: str) -> list[str]:
    begin = np.datetime64(first, "m")
    return [str(begin + i * int(interval_ns(step) // 60_000_000_000)).replace("T", " ") for i in range(count)]


def test_labels_that_begin_at_the_bell_mark_the_start() -> None:
    labels = parse_labels(minutes("2024-01-02T09:30", 26, "15min") + minutes("2024-01-03T09:30", 26, "15min"))
    assert label_side(labels, "XNYS") == "start"
    closes, _, side, notes = known_at(labels, "XNYS")
    assert (iso(closes)[0], iso(closes)[25], side, notes) == ("2024-01-02T14:45", "2024-01-02T21:00", "start", ())


def test_labels_that_end_at_the_bell_mark_the_end() -> None:
    labels = parse_labels(minutes("2024-01-02T09:45", 26, "15min") + minutes("2024-01-03T09:45", 26, "15min"))
    assert label_side(labels, "XNYS") == "end"
    assert iso(known_at(labels, "XNYS")[0])[0] == "2024-01-02T14:45"


def test_without_evidence_the_start_is_assumed_and_said() -> None:
    closes, _, side, notes = known_at(parse_labels(["2024-01-02 01:00", "2024-01-02 02:00"]), "24/7")
    assert iso(closes)[0] == "2024-01-02T02:00"
    assert side == "assumed"
    assert "stamp='end'" in notes[0]
    told, *_ = known_at(parse_labels(["2024-01-02 01:00", "2024-01-02 02:00"]), "24/7", stamp="end")
    assert iso(told)[0] == "2024-01-02T01:00"


def test_daylight_saving_moves_the_bell_in_utc() -> None:
    labels = parse_labels(["2024-03-08 09:30", "2024-03-08 09:31", "2024-03-11 09:30", "2024-03-11 09:31"])
    assert iso(known_at(labels, "XNYS", stamp="start")[0])[::2] == ["2024-03-08T14:31", "2024-03-11T13:31"]


@pytest.mark.parametrize("text", ["1min", "5min", "15min", "1h", "4h", "1d", "1w", "1mo", "1q", "1y"])
def test_interval_names_round_trip(text: str) -> None:
    assert interval_name(interval_ns(text)) == text


@pytest.mark.parametrize("text", ["", "0min", "fast", "1 fortnight"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="bar length"):
        interval_ns(text)


def test_interval_is_read_through_nights_weekends_and_missing_bars() -> None:
    rng = np.random.default_rng(7)
    days = session_closes(np.arange(19_700, 19_900), "XNYS")
    stamps = (days[:, None] - np.arange(390)[::-1] * 60_000_000_000).ravel()
    kept = stamps[rng.random(stamps.size) > 0.2]
    assert interval_name(infer_interval(kept)) == "1min"
    assert infer_interval(kept[:1]) == 0
