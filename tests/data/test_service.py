"""The one entry: which provider, which range, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tradewright.data.calendars import session_dates
from tradewright.data.sanity import UNCHECKED_NOTE
from tradewright.data.service import judge, load, load_with_report, provider_for
from tradewright.domain.bars import Bars
from tradewright.domain.errors import InconsistentDataError, InputError, MissingDataError

CSV = "date,open,high,low,close\n2024-01-02,1,1,1,1\n2024-01-03,2,2,2,2\n2024-01-04,0,0,0,0\n"


def test_the_provider_follows_from_what_is_given(tmp_path: Path) -> None:
    (tmp_path / "A.csv").write_text(CSV)
    assert provider_for().name == "sample"
    assert provider_for(data=tmp_path).name == "csv"
    assert provider_for("sample", data=tmp_path / "A.csv").name == "csv"
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "A.parquet").write_bytes(b"")
    assert provider_for(data=tmp_path / "p").name == "parquet"
    own = provider_for("synthetic", seed=3)
    assert provider_for(own) is own
    assert load("A1", provider=own).n_bars == 2_520


def test_a_foreign_provider_needs_only_load() -> None:
    class Foreign:
        name = "foreign"

        def load(self, symbols, start=None, end=None, interval=None):  # type: ignore[no-untyped-def]
            low = [1.0, -1.0, 1.0]
            return Bars.from_arrays(None, [1.0, 1, 1], [1.0, 1, 1], low, [1.0, 1, 1], symbols=symbols)

    bars, report = load_with_report("X", provider=Foreign())  # type: ignore[arg-type]
    assert bars.n_bars == 2
    assert report.count("price") == 1


@pytest.mark.parametrize(
    ("start", "end", "first", "last", "n"),
    [
        ("2008-09-15", "2008-09-19", "2008-09-15", "2008-09-19", 5),
        ("2008-09-13", "2008-09-21", "2008-09-15", "2008-09-19", 5),
        (None, "1999-01-05", "1999-01-04", "1999-01-05", 2),
        ("2018-12-31", None, "2018-12-31", "2018-12-31", 1),
    ],
)
def test_ranges_include_both_ends(start: str | None, end: str | None, first: str, last: str, n: int) -> None:
    bars = load("SPX", start=start, end=end)
    dates = session_dates(bars).astype(str)
    assert (dates[0], dates[-1], bars.n_bars) == (first, last, n)


def test_empty_ranges_say_what_there_is() -> None:
    with pytest.raises(MissingDataError, match="the data has 1999-01-04 to 2018-12-31"):
        load("SPX", start="2024-01-01")
    with pytest.raises(InputError, match="ISO date"):
        load("SPX", start="soon")


def test_symbols_are_needed_where_they_are_not_obvious(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SPX"):
        load()
    with pytest.raises(InputError, match="at least one"):
        load("")
    (tmp_path / "A.csv").write_text(CSV)
    assert load(data=tmp_path / "A.csv").symbols == ("A",)


def test_bad_rows_are_taken_out_refused_or_left(tmp_path: Path) -> None:
    path = tmp_path / "A.csv"
    path.write_text(CSV)
    assert load(data=path).n_bars == 2
    assert any("1 of 3 rows taken out (price 1)" in note for note in load(data=path).provenance.notes)
    with pytest.raises(InconsistentDataError, match="row 2"):
        load(data=path, repair="refuse")
    unchecked = load(data=path, validate=False)
    assert unchecked.n_bars == 3
    assert UNCHECKED_NOTE in unchecked.provenance.notes
    with pytest.raises(InputError, match="repair is"):
        load(data=path, repair="ignore")  # type: ignore[arg-type]


def test_judging_works_where_loading_cannot(tmp_path: Path) -> None:
    path = tmp_path / "Z.csv"
    path.write_text("date,close\n2024-01-02,0\n2024-01-03,0\n")
    symbols, report = judge(data=path)
    assert (symbols, report.count("price"), report.n_kept) == (("Z",), 2, 0)
    with pytest.raises(InconsistentDataError):
        load(data=path)


def test_options_that_would_do_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="reads neither"):
        load("SPX", tz="UTC")
    with pytest.raises(InputError, match="does not take"):
        load("SPX", seed=3)


def test_longer_bars_are_made_and_noted() -> None:
    weekly = load("SPX", interval="1w", start="2018-01-01")
    assert any("resampled from 1d to 1w" in note for note in weekly.provenance.notes)
    assert weekly.n_bars == 52


def test_synthetic_ranges_start_where_asked() -> None:
    bars = load("A1", provider="synthetic", start="2020-01-01", end="2020-12-31")
    assert str(session_dates(bars)[0]) == "2020-01-01"
    assert str(session_dates(bars)[-1]) == "2020-12-31"
    assert np.isfinite(bars.close).all()
