"""Longer bars beside shorter ones: closed ones only, and the given 15-minute files out of the 5-minute ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.data import load, resample
from tradewright.data.adjust import adjust
from tradewright.data.grid import regular_hours
from tradewright.data.timeframes import higher, join
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError
from tradewright.testing import walk_bars

FIELDS = ("open", "high", "low", "close", "volume")
MINUTE = 60_000_000_000


def _minutes(n: int = 78 * 12, symbol: str = "SPY") -> Bars:
    return load(symbol, provider="synthetic", interval="5min", n_bars=n)


@settings(max_examples=25, deadline=None)
@given(
    interval=st.sampled_from(["15min", "30min", "1h", "2h", "1d", "1w"]),
    cut=st.integers(1, 78 * 12),
    symbol=st.sampled_from(["SPY", "BTC-USD"]),
    lag=st.integers(0, 2),
)
def test_a_row_knows_nothing_that_comes_after_it(interval: str, cut: int, symbol: str, lag: int) -> None:
    """What rows up to t are given is what they are given when the data ends at t."""
    bars = _minutes(symbol=symbol)
    whole, part = higher(bars, interval, lag=lag), higher(bars.head(cut), interval, lag=lag)
    for name in FIELDS:
        assert np.array_equal(part[name], whole[name][:cut], equal_nan=True), name
    assert np.array_equal(part.age, whole.age[:cut])
    assert np.array_equal(part.age_ns, whole.age_ns[:cut])


def test_the_running_bar_is_never_given() -> None:
    """A join that took the bar that is still open would show, at its first row, a close that comes later."""
    bars = _minutes()
    longer = resample(bars, "1h")
    found = join(bars, longer)
    for t in range(bars.n_bars):
        closed = [k for k in range(longer.n_bars) if longer.ts[k] <= bars.ts[t]]
        if not closed:
            assert np.isnan(found["close"][t, 0])
            assert found.row[t, 0] == found.age[t, 0] == found.age_ns[t, 0] == -1
            continue
        k = closed[-1]
        assert found["close"][t, 0] == longer.close[k, 0]
        assert found.age_ns[t, 0] == bars.ts[t] - longer.ts[k]
        assert found.age[t, 0] == sum(longer.ts[k] < ts <= bars.ts[t] for ts in bars.ts)
    ends = np.isin(bars.ts, longer.ts)
    assert (found.age[ends, 0] == 0).all(), "a bar is known in the row that it closes with"


def test_each_instrument_keeps_its_own_newest_bar() -> None:
    bars = walk_bars(40, 2, seed=3)
    longer = bars.rows(0, 40)
    close = longer.close.copy()
    close[10:20, 1] = np.nan
    longer = replace(longer, close=close)
    found = join(bars, longer, ["close"])
    assert found.row[15].tolist() == [15, 9]
    assert found.age[15].tolist() == [0, 6]
    assert found["close"][15, 1] == bars.close[9, 1]


def test_values_of_ones_own_and_older_bars() -> None:
    bars = _minutes(78)
    longer = resample(bars, "15min")
    mean = np.cumsum(longer.close[:, 0])
    found = join(bars, longer, ["close"], values={"sum": mean}, lag=1)
    assert found["sum"][5, 0] == mean[0]
    assert found["close"][8, 0] == longer.close[1, 0]
    with pytest.raises(InputError, match="one value a longer bar"):
        join(bars, longer, values={"sum": mean[1:]})


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda b: join(resample(b, "1h"), b), "swap"),
        (lambda b: join(b, resample(b, "1h"), ["closee"]), "did you mean 'close'"),
        (lambda b: join(b, resample(b, "1h"), lag=-1), "at least 0"),
        (lambda b: higher(b, "1h", ["close"])["hihg"], "was not joined"),
        (lambda b: join(b, load("QQQ", provider="synthetic", interval="1h", n_bars=9)), "No bars of 'SPY'"),
    ],
)
def test_what_cannot_be_joined_is_refused(call: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        call(_minutes(100))


# --- half days, holidays, splits ----------------------------------------------------------------------


def _session(day: str, opens: str, minutes: int, step: int = 5) -> np.ndarray[Any, Any]:
    start = np.datetime64(f"{day}T{opens}", "ns").astype(np.int64)
    return start + np.arange(1, minutes // step + 1) * step * MINUTE


def _bars(ts: np.ndarray[Any, Any], **more: Any) -> Bars:
    x = np.arange(1.0, ts.size + 1.0)
    return Bars.from_arrays(ts, x, x + 0.5, x - 0.5, x, x, symbols="SPY", interval_ns=5 * MINUTE, **more)


def test_the_last_hour_of_a_half_day_ends_at_its_early_close() -> None:
    """The day after Thanksgiving closes at 13:00 in New York, 18:00 UTC."""
    pytest.importorskip("exchange_calendars")
    half = _bars(_session("2024-11-29", "14:30", 210))
    hours = resample(half, "1h")
    assert [str(t)[11:16] for t in hours.ts.view("datetime64[ns]")] == ["15:30", "16:30", "17:30", "18:00"]
    assert resample(half, "1d").n_bars == 1
    assert resample(half.head(half.n_bars - 1), "1d").n_bars == 0
    assert resample(half.head(half.n_bars - 1), "1h").n_bars == 3


def test_a_week_before_a_holiday_is_over_with_its_last_session() -> None:
    """Good Friday 2024 was the 29th of March; the week ends on Thursday the 28th."""
    pytest.importorskip("exchange_calendars")
    days = np.array([f"2024-03-{d}T20:00" for d in (25, 26, 27, 28)], dtype="datetime64[ns]").astype(np.int64)
    week = Bars.from_arrays(days, *[[1.0, 2.0, 3.0, 4.0]] * 4, symbols="SPY", interval_ns=1440 * MINUTE)
    made = resample(week, "1w")
    assert made.close[:, 0].tolist() == [4.0]
    assert str(made.ts.view("datetime64[ns]")[0])[:16] == "2024-03-28T20:00"
    assert resample(week.head(3), "1w").n_bars == 0
    assert resample(week, "1mo").n_bars == 1, "Thursday was the last session of March"


def test_bars_after_the_bell_are_apart_from_those_before_it() -> None:
    """The 16:00 bar of a series with evening trading is known at 16:00, whatever follows."""
    ts = _session("2024-01-02", "14:30", 450)  # 09:30 to 17:00 in New York
    bars = _bars(ts)
    whole = resample(bars, "1h")
    at_the_bell = resample(bars.head(78), "1h")
    assert [str(t)[11:16] for t in whole.ts[-3:].view("datetime64[ns]")] == ["20:30", "21:00", "21:30"]
    assert np.array_equal(at_the_bell.close, whole.close[: at_the_bell.n_bars])
    assert at_the_bell.n_bars == 7


@pytest.mark.parametrize("interval", ["30min", "1h"])
@pytest.mark.parametrize("day", ["2024-11-29", "2024-01-02"])
def test_cutting_a_session_with_evening_bars_changes_no_bar_that_was_there(interval: str, day: str) -> None:
    bars = _bars(_session(day, "14:30", 480))
    whole = resample(bars, interval)
    for cut in range(1, bars.n_bars + 1):
        part = resample(bars.head(cut), interval)
        n = part.n_bars
        assert np.array_equal(part.ts, whole.ts[:n])
        assert np.array_equal(part.volume, whole.volume[:n])


def test_a_split_inside_of_a_longer_bar_is_no_fall() -> None:
    """Two for one on Wednesday: Monday and Tuesday are restated, as in a week of split-adjusted days."""
    days = np.array([f"2024-04-{d:02d}T20:00" for d in range(8, 13)], dtype="datetime64[ns]").astype(np.int64)
    prices = [100.0, 102.0, 52.0, 53.0, 51.0]
    raw = Bars.from_arrays(days, *[prices] * 4, [10, 10, 20, 20, 20], symbols="SPY", interval_ns=1440 * MINUTE)
    split = CorporateAction(ts=int(days[2]), instrument=raw.instruments[0], kind=ActionKind.SPLIT, value=2.0)
    raw = replace(raw, actions=(split,))
    week, told = resample(raw, "1w"), resample(adjust(raw, kind="split"), "1w")
    for name in FIELDS:
        assert np.array_equal(getattr(week, name), getattr(told, name)), name
    assert (week.open[0, 0], week.high[0, 0], week.low[0, 0], week.volume[0, 0]) == (50.0, 53.0, 50.0, 100.0)
    assert week.actions == raw.actions


# --- real files ---------------------------------------------------------------------------------------


@pytest.mark.shared_data
def test_five_minutes_are_the_given_fifteen_for_all_symbols(shared_data: Path) -> None:
    """Every regular-hours bar of every symbol, all five fields.

    Two symbols end with a single five-minute bar of an interval that is not over: it is there only on request.
    """
    five, fifteen = (shared_data / "nolicence" / f"us_{n}min_2025_2026" for n in (5, 15))
    symbols = sorted(path.name.split("_")[0] for path in five.glob("*_5min.csv.gz"))
    assert len(symbols) == 62
    compared, running = 0, []
    for symbol in symbols:
        given = load(data=fifteen / f"{symbol}_15min.csv.gz", validate=False)
        short = regular_hours(load(data=five / f"{symbol}_5min.csv.gz", validate=False))
        made = resample(short, "15min", partial=True)
        if resample(short, "15min").n_bars < made.n_bars:
            running.append(symbol)
        both, a, b = np.intersect1d(given.ts, made.ts, return_indices=True)
        assert both.size == given.n_bars == made.n_bars, symbol
        for name in FIELDS:
            assert np.array_equal(getattr(given, name)[a], getattr(made, name)[b], equal_nan=True), (symbol, name)
        compared += both.size
    assert compared == 331_738
    assert running == ["AVGO", "BA"]
