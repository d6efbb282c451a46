"""Many series on one grid, longer bars, ranges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.data.calendars import session_dates
from tradewright.data.grid import align, between_sessions, require_warm_up, resample
from tradewright.data.intervals import interval_ns
from tradewright.data.service import load
from tradewright.domain.bars import Bars, Provenance
from tradewright.domain.errors import InputError, MissingDataError


def ns(values: object) -> np.ndarray:
    return np.asarray(values, dtype="datetime64[ns]").astype(np.int64)


def bars_of(symbol: str, stamps: object, closes: list[float], interval: str = "1d") -> Bars:
    return Bars.from_arrays(
        ns(stamps), closes, closes, closes, closes, symbols=symbol, interval_ns=interval_ns(interval)
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sets(st.integers(1, 40), min_size=1), min_size=2, max_size=4))
def test_the_grid_is_the_union_and_holds_each_series_unchanged(days: list[set[int]]) -> None:
    minute = 60_000_000_000
    series = [
        Bars.from_arrays(
            np.array(sorted(d)) * minute + ns("2024-01-01"),
            *[np.array(sorted(d), dtype=float)] * 4,
            symbols=f"S{i}",
            interval_ns=minute,
        )
        for i, d in enumerate(days)
    ]
    grid = align(series)
    assert grid.n_bars == len(set().union(*days))
    for j, bars in enumerate(series):
        there = ~np.isnan(grid.close[:, j])
        assert np.array_equal(grid.ts[there], bars.ts)
        assert np.array_equal(grid.close[there, j], bars.close[:, 0])


def test_daily_bars_of_two_markets_meet_on_their_session() -> None:
    spy = load("SPY", provider="synthetic", n_bars=10, first="2024-01-02")
    btc = load("BTC-USD", provider="synthetic", n_bars=14, first="2024-01-02")
    both = align([spy, btc])
    assert both.n_bars == 14
    assert np.isnan(both.close[:, 0]).sum() == 4  # two weekends
    assert session_dates(both).astype(str).tolist() == session_dates(btc).astype(str).tolist()
    assert (both.ts >= btc.ts).all()  # all of a row is known at its stamp
    assert (np.diff(both.ts) > 0).all()


def test_what_does_not_fit_is_refused() -> None:
    daily = load("A1", provider="synthetic", n_bars=10)
    hourly = load("B1", provider="synthetic", n_bars=10, interval="1h")
    with pytest.raises(InputError, match="resample"):
        align([daily, hourly])
    with pytest.raises(InputError, match="at least one"):
        align([])
    with pytest.raises(InputError, match="A1"):
        align([daily, daily])


def test_provenance_of_a_grid_keeps_what_matters() -> None:
    real = bars_of("A1", ["2024-01-02"], [1.0]).with_provenance(Provenance("x", licence="L1", adjusted="raw"))
    made = bars_of("B1", ["2024-01-02"], [1.0]).with_provenance(Provenance("y", synthetic=True, notes=("n",)))
    origin = align([real, made]).provenance
    assert (origin.synthetic, origin.adjusted, origin.source, origin.notes) == (True, "unknown", "x; y", ("n",))


def test_longer_bars_equal_a_plain_grouping() -> None:
    pandas = pytest.importorskip("pandas")
    bars = load("SPY", provider="synthetic", interval="5min", n_bars=78 * 6)
    longer = resample(bars, "15min")
    local = pandas.DatetimeIndex(bars.ts - 1).tz_localize("UTC")
    frame = pandas.DataFrame(
        {"open": bars.open[:, 0], "high": bars.high[:, 0], "low": bars.low[:, 0], "close": bars.close[:, 0],
         "volume": bars.volume[:, 0]}, index=local,
    )  # fmt: skip
    expected = frame.resample("15min").agg(
        {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    )
    expected = expected.dropna(subset=["open"])
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(longer, name)[:, 0], expected[name].to_numpy())
    assert longer.interval_ns == interval_ns("15min")


def test_hours_are_counted_from_the_bell_and_cut_at_it() -> None:
    bars = load("SPY", provider="synthetic", interval="30min", n_bars=26)
    hours = resample(bars, "1h")
    assert hours.n_bars == 14
    assert [str(t)[11:16] for t in hours.ts[:7].view("datetime64[ns]")] == [
        "15:30", "16:30", "17:30", "18:30", "19:30", "20:30", "21:00",
    ]  # fmt: skip


@pytest.mark.parametrize("interval", ["15min", "1h", "1d", "1w", "1mo"])
def test_a_longer_bar_never_uses_what_comes_after_its_stamp(interval: str) -> None:
    """Cutting the short bars at any row gives a prefix of the long bars."""
    bars = load("SPY", provider="synthetic", interval="5min", n_bars=78 * 30)
    whole = resample(bars, interval)
    for rows in (100, 777, 1_500, 2_100):
        part = resample(bars.head(rows), interval) if rows else whole
        n = part.n_bars
        assert np.array_equal(part.ts, whole.ts[:n])
        assert np.array_equal(part.close, whole.close[:n])
        assert np.array_equal(part.high, whole.high[:n])
        if n:
            assert part.ts[-1] <= bars.ts[rows - 1]


def test_an_open_last_bar_only_on_request() -> None:
    bars = load("BTC-USD", provider="synthetic", interval="1h", n_bars=30)
    assert resample(bars, "1d").n_bars == 1
    assert resample(bars, "1d", partial=True).n_bars == 2


def test_weeks_of_days() -> None:
    daily = load("SPX", start="2012-01-01", end="2012-03-31")
    weeks = resample(daily, "1w")
    dates = session_dates(daily)
    week = (dates.astype(np.int64) + 3) // 7
    expected = [float(daily.close[week == w, 0][-1]) for w in np.unique(week)]
    assert weeks.close[:, 0].tolist() == expected
    assert all(d.astype(object).weekday() == 4 for d in session_dates(weeks))


def test_missing_bars_do_not_hide_in_longer_ones() -> None:
    a = load("A1", provider="synthetic", interval="5min", n_bars=12)
    holes = {n: getattr(a, n).copy() for n in ("open", "high", "low", "close", "volume")}
    for array in holes.values():
        array[0] = np.nan
        array[3:6] = np.nan
    sparse = Bars(a.ts, *holes.values(), instruments=a.instruments, interval_ns=a.interval_ns)
    long = resample(sparse, "15min")
    assert long.open[0, 0] == a.open[1, 0]
    assert np.isnan(long.close[1, 0])
    assert np.isnan(long.volume[1, 0])
    assert long.volume[0, 0] == a.volume[1:3, 0].sum()


def test_shorter_bars_are_not_made_up() -> None:
    with pytest.raises(InputError, match="longer"):
        resample(load("SPX"), "1h")


def test_ranges_of_dates_are_sessions() -> None:
    btc = load("BTC-USD", provider="synthetic", n_bars=10, first="2024-01-01")
    cut = between_sessions(btc, "2024-01-03", "2024-01-04")
    assert session_dates(cut).astype(str).tolist() == ["2024-01-03", "2024-01-04"]
    minutes = load("SPY", provider="synthetic", interval="1h", n_bars=30, first="2024-01-02")
    day = between_sessions(minutes, "2024-01-03", "2024-01-03")
    assert set(session_dates(day).astype(str)) == {"2024-01-03"}
    assert day.n_bars == 7
    exact = between_sessions(minutes, "2024-01-03T15:30", "2024-01-03T16:30")
    assert exact.n_bars == 2


def test_too_short_a_range_is_refused_with_dates_that_work() -> None:
    full = load("SPX")
    cut = load("SPX", start="2010-03-01", end="2010-03-31")
    require_warm_up(cut, 22)
    with pytest.raises(MissingDataError, match="23 bars of SPX are too few") as caught:
        require_warm_up(cut, 200, full=full)
    text = str(caught.value)
    dates = session_dates(full).astype(str).tolist()
    start = text.split("start at ")[1][:10]
    end = text.split("end at ")[1][:10]
    require_warm_up(between_sessions(full, start, "2010-03-31"), 200)
    require_warm_up(between_sessions(full, "2010-03-01", end), 200)
    with pytest.raises(MissingDataError):
        require_warm_up(between_sessions(full, dates[dates.index(start) + 1], "2010-03-31"), 200)
    with pytest.raises(MissingDataError):
        require_warm_up(between_sessions(full, "2010-03-01", dates[dates.index(end) - 1]), 200)
    with pytest.raises(MissingDataError, match="Load more data"):
        require_warm_up(cut, 10_000, full=full)


@pytest.mark.shared_data
def test_five_minutes_become_the_given_fifteen(shared_data: Path) -> None:
    """Both files are from the same source; the longer one was made by somebody else's code."""
    five = load("AAPL", data=shared_data / "nolicence" / "us_5min_2025_2026")
    fifteen = load("AAPL", data=shared_data / "nolicence" / "us_15min_2025_2026")
    made = resample(five, "15min")
    rows = np.searchsorted(made.ts, fifteen.ts)
    assert np.array_equal(made.ts[rows], fifteen.ts)
    half_day = np.isin(session_dates(fifteen).astype(str), ["2025-07-03", "2025-11-28", "2025-12-24"])
    for name in ("open", "high", "low", "close", "volume"):
        ours, theirs = getattr(made, name)[rows, 0], getattr(fifteen, name)[:, 0]
        assert np.array_equal(ours[~half_day], theirs[~half_day])


@pytest.mark.shared_data
def test_minutes_of_a_real_feed_with_holes(shared_data: Path) -> None:
    path = shared_data / "restricted" / "freqtrade"
    bars = load("UNITTEST/BTC", data=path, interval="1m")
    assert bars.n_bars == 13_681
    hours = resample(bars, "1h")
    assert float(hours.volume.sum()) == pytest.approx(float(bars.volume[bars.ts <= hours.ts[-1]].sum()), rel=1e-12)
    assert (np.diff(hours.ts) % interval_ns("1h") == 0).all()
