"""Volume in another unit, outliers, gaps by the calendar, bars of the future, two sources that disagree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tradewright.data import FULL_RULES, check, clean, disagreements, load, winsorised
from tradewright.data.robust import level_shifts, robust_z
from tradewright.data.rules import FutureRule
from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError
from tradewright.testing import walk_bars

DAY = 86_400_000_000_000


def with_column(bars: Bars, **columns: np.ndarray) -> Bars:
    fields = {name: columns.get(name, getattr(bars, name)) for name in ("open", "high", "low", "close", "volume")}
    return Bars.from_arrays(bars.ts, **fields, instruments=bars.instruments, interval_ns=bars.interval_ns)


@pytest.mark.shared_data
@pytest.mark.parametrize("symbol", ["SPY", "NVDA", "ORCL", "NKE", "COIN", "NFLX"])
def test_the_volume_of_one_venue_is_told_from_that_of_the_tape(shared_data: Path, symbol: str) -> None:
    bars = load(data=shared_data / "nolicence" / "us_1min_2025_2026" / f"{symbol}_1min.csv.gz")
    report = check(bars, rules=["volume_unit"])
    days = [str(np.datetime64(f.ts, "ns"))[:10] for f in report.findings]
    assert days == ["2026-01-22", "2026-03-09", "2026-03-12"]
    up, down, again = (f.value for f in report.findings)
    assert up > 6.0
    assert down < 1 / 8
    assert again > 6.0


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "folder", ["nolicence/us_5min_2025_2026", "nolicence/us_15min_2025_2026", "restricted/us_daily_1990_2025"]
)
def test_no_false_alarm_about_units_of_volume(shared_data: Path, folder: str) -> None:
    found = []
    for path in sorted((shared_data / folder).glob("*.csv.gz")):
        found += check(load(data=path), rules=["volume_unit"]).findings
    assert [f.message for f in found] == []


def test_a_split_moves_price_and_volume_and_is_no_other_unit() -> None:
    bars = walk_bars(300)
    after = (np.arange(300) >= 150)[:, None]
    seven = {
        name: np.where(after, getattr(bars, name) / 7, getattr(bars, name)) for name in ("open", "high", "low", "close")
    }
    split = with_column(bars, **seven, volume=np.where(after, bars.volume * 7, bars.volume))
    report = check(split, rules=FULL_RULES)
    assert report.count("volume_unit") == 0
    assert report.count("split") == 1
    unit = with_column(bars, volume=np.where(after, bars.volume * 100, bars.volume))
    (finding,) = check(unit, rules=["volume_unit"]).findings
    assert (finding.row, finding.severity) == (150, "warning")
    assert finding.value == pytest.approx(100.0, rel=0.3)


def test_level_shifts_want_a_level_and_not_a_drift_or_a_holiday() -> None:
    rng = np.random.default_rng(3)
    noise = np.exp(rng.normal(0.0, 0.4, 200))
    assert level_shifts(noise) == []
    assert level_shifts(noise * np.geomspace(1.0, 1_000.0, 200)) == []
    holiday = noise.copy()
    holiday[100] /= 30
    assert level_shifts(holiday) == []
    news = noise.copy()
    news[100:105] *= 9
    assert level_shifts(news) == []
    step = noise.copy()
    step[120:] *= 40
    assert [shift.row for shift in level_shifts(step)] == [120]
    assert level_shifts(np.zeros(50)) == []
    assert level_shifts(np.full(50, np.nan)) == []


def test_a_bad_print_is_told_from_a_lasting_move() -> None:
    bars = walk_bars(400)
    close = bars.close.copy()
    close[200] *= 1.4
    close[300:] *= 1.35
    high = np.maximum(bars.high, close)
    low, opened = bars.low.copy(), bars.open.copy()
    opened[300:] *= 1.35
    low[300:] *= 1.35
    high[300:] = np.maximum(high[300:] * 1.35, close[300:])
    report = check(with_column(bars, open=opened, high=high, low=low, close=close), rules=["outlier"])
    found = {(f.rule, f.row, str(f.severity)) for f in report.findings}
    assert ("spike", 200, "warning") in found
    assert ("outlier", 300, "info") in found
    assert ("outlier", 201, "info") not in found, "the way back is no finding of its own"


def test_robust_z_never_looks_at_itself_or_ahead() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(0.0, 0.01, 500)
    whole = robust_z(x)
    for cut in (60, 222, 499):
        assert np.array_equal(robust_z(x[:cut]), whole[:cut], equal_nan=True)
    changed = x.copy()
    changed[250:] = 5.0
    assert np.array_equal(robust_z(changed)[:250], whole[:250], equal_nan=True)
    assert abs(robust_z(changed)[250]) > 100


def test_winsorising_is_asked_for_and_noted() -> None:
    bars = walk_bars(400)
    close = bars.close.copy()
    close[200] *= 1.6
    spoiled = with_column(bars, close=close, high=np.maximum(bars.high, close))
    kept, _ = clean(spoiled)
    assert kept is spoiled, "never a default"
    mended, report = clean(spoiled, repair="winsorise")
    done = [(f.rule, f.row) for f in report.findings if f.action == "winsorised"]
    assert done == [("spike", 200)]
    assert bars.close[199, 0] < mended.close[200, 0] < close[200, 0]
    assert mended.high[200, 0] >= mended.close[200, 0] >= mended.low[200, 0]
    assert "1 spikes winsorised at 10 robust deviations, knowing the bar after" in mended.provenance.notes[-1]
    others = np.delete(np.arange(400), 200)
    assert np.array_equal(mended.close[others], spoiled.close[others])
    assert winsorised(bars)[0] is bars


def test_gaps_are_counted_by_the_calendar_and_rows_outside_named() -> None:
    days = np.array(["2024-07-02", "2024-07-03", "2024-07-08", "2024-07-09", "2024-07-13"], dtype="datetime64[D]")
    one = np.array([50.0, 50.1, 50.2, 50.3, 50.4])
    bars = Bars.from_arrays(days, one, one, one, one, symbols="SPY", interval_ns=DAY)
    report = check(bars, rules=["calendar"])
    found = [(f.rule, f.row, f.value) for f in report.findings]
    assert found == [("missing_session", 2, 1.0), ("missing_session", 4, 3.0), ("outside_hours", 4, 50.4)]
    assert "2024-07-05" in report.findings[0].message
    assert "2024-07-10 to 2024-07-12" in report.findings[1].message


def test_a_bar_of_the_future_is_taken_out() -> None:
    bars = walk_bars(50)
    kept, report = clean(bars, rules=[*FULL_RULES, FutureRule(int(bars.ts[40]))])
    assert kept.n_bars == 41
    assert report.count("future", severity="error") == 9


@pytest.mark.shared_data
def test_two_sources_disagree_about_ge_on_the_day_of_its_spin_off(shared_data: Path) -> None:
    left = load(data=shared_data / "restricted" / "us_daily_1990_2025" / "GE.csv.gz")
    right = load(data=shared_data / "restricted" / "us_daily_yahoo_2010_2025" / "GE.csv.gz")
    found = disagreements(left, right, tolerance=0.05)
    (finding,) = found.findings
    assert "2023-01-04" in finding.message
    assert finding.value == pytest.approx(-0.232, abs=0.001)
    assert disagreements(right, left, tolerance=0.05).findings[0].value == pytest.approx(0.232, abs=0.001)
    apple = [
        load(data=shared_data / "restricted" / "us_daily_1990_2025" / "AAPL.csv.gz"),
        load(data=shared_data / "restricted" / "us_daily_yahoo_2010_2025" / "AAPL.csv.gz", adjust=True),
    ]
    agreed = disagreements(*apple)
    assert agreed.correlation == pytest.approx(0.99975, abs=1e-5)
    assert agreed.ok


def test_sources_that_cannot_be_compared_are_refused() -> None:
    bars = walk_bars(50)
    with pytest.raises(InputError, match="a difference of returns"):
        disagreements(bars, bars, tolerance=0.0)
    hourly = Bars.from_arrays(
        bars.ts, bars.open, bars.high, bars.low, bars.close, symbols="WALK", interval_ns=DAY // 24
    )
    with pytest.raises(InputError, match="resample one of them"):
        disagreements(bars, hourly)
    assert disagreements(bars, bars).agreement == 1.0
