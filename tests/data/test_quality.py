"""Scores in [0, 1] whose parts add up by hand; the gate; the file of rejected rows; the command."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.app.cli import main
from tradewright.data import examine, load, quality, require_quality, rolling_quality
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, InconsistentDataError, InputError
from tradewright.testing import walk_bars

DAY = 86_400_000_000_000


def daily(days: list[str], close: list[float], symbol: str = "SPY") -> Bars:
    stamps = np.array(days, dtype="datetime64[D]")
    return Bars.from_arrays(stamps, close, close, close, close, symbols=symbol, interval_ns=DAY)


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("date,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return path


GOOD = "2024-07-{:02d},50,51,49,{},1000"


def test_the_parts_of_a_score_by_hand(tmp_path: Path) -> None:
    # July 2024 has the sessions 1, 2, 3, 5, 8, 9, 10, 11, 12: of nine, one row is bad, one repeats, one is not there.
    rows = [GOOD.format(day, 50 + day / 100) for day in (1, 2, 3, 5, 8, 9, 11, 12)]
    rows[2] = "2024-07-03,50,51,49,-50.03,1000"
    rows[5] = rows[4].replace("2024-07-08", "2024-07-09")
    (score,) = examine(data=write(tmp_path / "SPY.csv", rows)).quality
    assert (score.expected, score.present, score.rows, score.rejected, score.repeats) == (9, 7, 8, 1, 1)
    assert score.completeness == pytest.approx(7 / 9)
    assert score.validity == pytest.approx(7 / 8)
    assert score.freshness == pytest.approx(6 / 7)
    assert score.consistency == 1.0
    assert score.score == pytest.approx(7 / 9 * 7 / 8 * 6 / 7)


def test_the_age_of_the_last_bar_counts_when_a_moment_is_given() -> None:
    bars = daily(["2024-07-01", "2024-07-02", "2024-07-03"], [50.0, 50.5, 50.1])
    assert quality(bars)[0].freshness == 1.0
    (late,) = quality(bars, now="2024-07-09T00:00:00")
    assert (late.age_bars, late.freshness) == (2, pytest.approx(1 / 3))


@pytest.mark.parametrize("window", ["1y", "1q", "1mo", "1w"])
def test_windows_add_up_to_the_whole(window: str) -> None:
    bars = load("SPX", start="2005-01-01", end="2008-12-31")
    holes = np.delete(np.arange(bars.n_bars), [10, 11, 300, 700])
    arrays = {name: getattr(bars, name)[holes] for name in ("open", "high", "low", "close", "volume")}
    cut = Bars.from_arrays(bars.ts[holes], **arrays, instruments=bars.instruments, interval_ns=DAY)
    (whole,) = quality(cut)
    parts = quality(cut, window)
    for name in ("expected", "present", "rows", "rejected", "repeats", "flagged", "breaks"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name), name
    assert whole.expected - whole.present == 4
    assert all(a.end < b.start for a, b in pairwise(parts))
    with pytest.raises(InputError, match="did you mean"):
        quality(cut, "1yr")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 0.9))
def test_every_part_is_a_fraction_whatever_the_data(seed: int, holes: float) -> None:
    bars = walk_bars(120, 2, seed=seed, holes=holes)
    rng = np.random.default_rng(seed)
    close = bars.close.copy()
    close[rng.integers(0, 120, 10), 0] *= rng.choice([0.0, -1.0, 1e9, 3.0], 10)
    arrays = {"open": bars.open, "high": bars.high, "low": bars.low, "close": close, "volume": bars.volume}
    spoiled = Bars.from_arrays(bars.ts, **arrays, instruments=bars.instruments, interval_ns=DAY)
    for window in (None, "1mo"):
        for score in quality(spoiled, window):
            for name in ("completeness", "validity", "freshness", "consistency", "score"):
                assert 0.0 <= getattr(score, name) <= 1.0, (name, score)


def test_the_gate_names_the_worst_part() -> None:
    bars = daily(["2024-07-01", "2024-07-02", "2024-07-31"], [50.0, 50.5, 50.1])
    with pytest.raises(InconsistentDataError, match=r"SPY has 0\.1364, mostly for its completeness of 0\.1364"):
        require_quality(bars, 0.8)
    assert require_quality(bars, 0.1)[0].symbol == "SPY"
    with pytest.raises(InputError, match="from 0 to 1"):
        require_quality(bars, 80)


def test_rolling_quality_is_causal() -> None:
    bars = walk_bars(200, 3, holes=0.2)
    whole = rolling_quality(bars, 30)
    for cut in (1, 17, 199):
        assert np.array_equal(rolling_quality(bars.head(cut), 30), whole[:cut], equal_nan=True)
    finite = whole[np.isfinite(whole)]
    assert finite.min() >= 0.0
    assert finite.max() <= 1.0
    rows = ~np.isnan(bars.close[150:180, 0])
    assert whole[179, 0] == pytest.approx(rows.mean())


def test_rejected_rows_are_written_with_reason_and_value(tmp_path: Path) -> None:
    rows = [GOOD.format(day, 50 + day / 100) for day in (1, 2, 3, 5)]
    rows[1] = "2024-07-02,50,51,49,abc,1000"
    rows[2] = "2024-07-03,50,40,49,50.03,1000"
    rows += [rows[0], "nonsense,50,51,49,50,1"]
    found = examine(data=write(tmp_path / "SPY.csv", rows))
    assert found.quarantine(tmp_path / "bad.csv") == 4
    with (tmp_path / "bad.csv").open(newline="") as text:
        written = list(csv.DictReader(text))
    assert [(row["row"], row["rule"]) for row in written] == [
        ("0", "duplicate"), ("1", "text"), ("2", "relation"), ("5", "stamp"),
    ]  # fmt: skip
    assert (written[2]["high"], written[2]["close"]) == ("40.0", "50.03")
    assert written[3]["time"] == ""
    assert found.quarantine(tmp_path / "bad.json") == 4
    plain = json.loads((tmp_path / "bad.json").read_text())
    assert plain["rows"][1]["close"] is None
    with pytest.raises(ConfigError, match=r"\.csv or \.json"):
        found.quarantine(tmp_path / "bad.xlsx")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["data", "check", *arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_the_command_tells_coverage_and_quality(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "SPY.csv", [GOOD.format(day, 50 + day / 100) for day in (1, 2, 5, 8, 12)])
    code, out, _ = run(capsys, "--data", str(path), "--json")
    found = json.loads(out)
    assert code == 0
    cover = found["coverage"]["SPY"]
    assert (cover["expected"], cover["present"], cover["coverage"]) == (9, 5, pytest.approx(5 / 9))
    assert cover["missing"] == ["2024-07-03", "2024-07-09", "2024-07-10", "2024-07-11"]
    assert found["quality"]["SPY"]["score"] == pytest.approx(5 / 9)
    assert "coverage" in found["conventions"]
    code, out, _ = run(capsys, "--data", str(path))
    assert code == 0
    assert "SPY misses 2024-07-03, 2024-07-09, 2024-07-10, 2024-07-11" in out
    code, _, err = run(capsys, "--data", str(path), "--min-quality", "0.8")
    assert code == 3
    assert "the worst is SPY with 0.5556" in err
    code, out, _ = run(capsys, "--data", str(path), "--start", "2024-07-01", "--end", "2024-07-03", "--json")
    assert json.loads(out)["coverage"]["SPY"]["missing"] == ["2024-07-03"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("SPX", "--rules", "relaton"), 2, "did you mean 'relation'"),
        (("SPX", "--window", "1yy"), 2, "did you mean '1y'"),
        (("SPX", "--min-quality", "80"), 2, "a fraction from 0 to 1"),
        (("SPX", "--quarantine", "q.xlsx"), 2, ".csv or .json"),
        (("SPX", "--now", "yesterday"), 2, "is not an ISO date or time"),
        (("SPX", "--against", "nowhere.csv"), 3, "in common"),
        (("SPXX",), 3, "did you mean 'SPX'"),
    ],
)
def test_mistakes_are_answered(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    found, _, err = run(capsys, *arguments)
    assert found == code
    assert words in err


def test_the_page_needs_nothing_and_escapes_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("plotly")
    rows = [GOOD.format(day, 50 + day / 100) for day in (1, 2, 5, 8, 12)]
    rows[1] = "2024-07-02,50,51,49,-1,1000"
    path = tmp_path / "<b>SPY.csv"
    write(path, rows)
    code, out, _ = run(capsys, "--data", str(path), "--report", str(tmp_path / "r.html"))
    assert code == 3
    assert "report: " in out
    page = (tmp_path / "r.html").read_text()
    assert "<b>SPY" not in page.split("<script")[0]
    assert "http" not in page.split('id="payload"')[0].replace("http-equiv", "")
    again = (tmp_path / "r.html").read_bytes()
    run(capsys, "--data", str(path), "--report", str(tmp_path / "r.html"))
    assert (tmp_path / "r.html").read_bytes() == again
