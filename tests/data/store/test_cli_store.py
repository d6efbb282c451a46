"""The store through the command line: import, look, restate, compare, verify, export, remove."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tradewright.app.cli import main

HEADER = "date,open,high,low,close,volume\n"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TRADEWRIGHT_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("TRADEWRIGHT_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "store"  # type: ignore[return-value]


def prices(
    folder: Path, name: str, n: int = 60, *, change: dict[int, float] | None = None, bad: int | None = None
) -> Path:
    """Daily prices from 2024-01-01 on, weekends left out; `change` adds to a close, `bad` breaks a row."""
    import datetime as dt

    rows: list[str] = []
    day = dt.date(2024, 1, 1)
    while len(rows) < n:
        if day.weekday() < 5:
            i = len(rows)
            close = 100.0 + (i * 7 % 11) + (change or {}).get(i, 0.0)
            high = -1.0 if i == bad else max(close, 100.0) + 2.0
            rows.append(f"{day},{100.0},{high},{min(close, 100.0) - 2.0},{close},{1000 + i}")
        day += dt.timedelta(days=1)
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    """What a command prints with ``--json``; an exit code other than 0 is asked for."""
    capsys.readouterr()
    got = main([*words, "--json"])
    out, err = capsys.readouterr()
    assert got == code, err
    return json.loads(out) if out.strip() else err


def test_a_folder_is_imported_and_a_bad_file_costs_only_itself(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "prices"
    prices(folder, "AAA", bad=5)
    prices(folder, "BBB")
    (folder / "CCC.csv").write_text("nothing,here\n", encoding="utf-8")
    found = run(capsys, "data", "import", str(folder), "--source", "vendor", "--licence", "own", "--adjusted", "raw")
    by_name = {item["origin"]: item for item in found["series"]}
    assert (by_name["AAA.csv"]["added"], by_name["AAA.csv"]["quarantined"]) == (59, 1)
    assert by_name["BBB.csv"]["added"] == 60
    assert by_name["CCC.csv"]["error"]
    assert found["totals"]["failed"] == 1
    again = run(capsys, "data", "import", str(folder), "--source", "vendor")
    assert (again["totals"]["added"], again["totals"]["unchanged"]) == (0, 119)
    listed = run(capsys, "data", "list", "--provider", "store")["series"]
    assert [(row["symbol"], row["bars"], row["rejected"], row["licence"], row["adjusted"]) for row in listed] == [
        ("AAA", 59, 1, "own", "raw"),
        ("BBB", 60, 0, "own", "raw"),
    ]
    bad = run(capsys, "data", "quarantine", "AAA")
    assert (bad["count"], bad["rows"][0]["time"][:10]) == (1, "2024-01-08")
    shown = run(capsys, "data", "show", "BBB", "--provider", "store", "--rows", "1")
    assert shown["hash"] == listed[1]["hash"]
    assert shown["rows"][0]["bars"]["BBB"]["close"] == 100.0


def test_nothing_imported_is_exit_code_3_and_a_dry_run_writes_nothing(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "prices"
    folder.mkdir()
    (folder / "X.csv").write_text("nothing,here\n", encoding="utf-8")
    assert run(capsys, "data", "import", str(folder), code=3)["totals"]["series"] == 0
    prices(folder, "AAA")
    found = run(capsys, "data", "import", str(folder), "--dry-run")
    assert (found["dry_run"], found["totals"]["added"]) == (True, 60)
    assert not store.exists()
    assert "nothing to import" in run(capsys, "data", "import", code=2)
    assert "still to come" in run(capsys, "data", "import", str(folder), "--known", "2200-01-01", code=2)


def test_a_bar_that_is_not_over_yet_is_left_out(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "BTC-USD.csv"
    path.write_text(f"{HEADER}2024-01-01,1,2,1,2,5\n2024-01-02,2,3,2,3,5\n2199-01-03,3,4,3,4,5\n", encoding="utf-8")
    (series,) = run(capsys, "data", "import", str(path))["series"]
    assert (series["added"], series["still_open"]) == (2, 1)


def test_a_restatement_is_refused_then_kept_and_an_old_result_still_verifies(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "prices"
    prices(folder, "AAA")
    run(capsys, "data", "import", str(folder), "--source", "v", "--known", "2024-06-01")
    words = ("backtest", "--provider", "store", "--symbols", "AAA", "--strategy", "buy_and_hold", "--fast")
    run(capsys, *words, "--out", "old.json")
    manifest = json.loads(Path("old.json").read_text())["manifest"]
    assert manifest["inputs"]["as_of"] == "1717200000000000000"
    assert manifest["inputs"]["source"] == "v"
    assert manifest["data"]["hash"] == run(capsys, "data", "list", "--store", str(store))["series"][0]["hash"]
    prices(folder, "AAA", n=62, change={30: 0.5})
    refused = run(capsys, "data", "import", str(folder), "--source", "v", code=3)
    assert "2024-02-12T21:00:00+00:00: high is 103 there and 103.5 now" in refused["series"][0]["error"]
    done = run(capsys, "data", "import", str(folder), "--source", "v", "--restate")["series"][0]
    assert (done["added"], done["restated"], done["unchanged"]) == (2, 1, 59)
    assert run(capsys, "verify", "old.json")["same"]
    run(capsys, *words, "--out", "new.json")
    assert run(capsys, "verify", "new.json")["same"]
    new = json.loads(Path("new.json").read_text())["manifest"]
    assert new["data"]["hash"] != manifest["data"]["hash"]
    run(capsys, *words, "--as-of", "2024-06-02", "--out", "again.json")
    assert json.loads(Path("again.json").read_text())["manifest"]["data"]["hash"] == manifest["data"]["hash"]
    run(capsys, "data", "compact", "AAA")
    assert run(capsys, "verify", "old.json")["same"]
    found = run(capsys, "data", "diff", "AAA", "--result", "old.json")
    assert (found["restated"], found["added"]) == (1, 2)
    row = next(row for row in found["rows"] if row["old"] is not None)
    assert row["new"]["close"] - row["old"]["close"] == pytest.approx(0.5)
    assert found["changed"]["bars"] == {"old": 60, "new": 62}
    assert found["result"]["would_change"] is True
    assert found["result"]["bars_added"] == 2
    later = run(capsys, "data", "diff", "AAA", "--result", "new.json")
    assert later["result"]["would_change"] is False


def test_a_second_source_that_comes_later_does_not_break_an_old_result(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "prices"
    prices(folder, "AAA")
    run(capsys, "data", "import", str(folder), "--source", "one")
    words = ("backtest", "--provider", "store", "--symbols", "AAA", "--fast", "--strategy", "buy_and_hold")
    run(capsys, *words, "--out", "r.json")
    run(capsys, "data", "import", str(folder), "--source", "two")
    assert "choose one" in run(capsys, *words, code=2)
    assert run(capsys, "verify", "r.json")["same"]
    run(capsys, *words, "--source", "two")


def test_an_export_reads_back_as_the_same_bars(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "prices"
    prices(folder, "AAA")
    run(capsys, "data", "import", str(folder))
    want = run(capsys, "data", "list", "--store", str(store))["series"][0]["hash"]
    for kind in ("csv", "parquet"):
        run(capsys, "data", "export", "AAA", "--out", "out", "--format", kind)
        assert run(capsys, "data", "show", "--data", f"out/AAA_1d.{kind}")["hash"] == want
    assert "there already" in run(capsys, "data", "export", "AAA", "--out", "out", code=2)
    run(capsys, "data", "export", "AAA", "--out", "out", "--force")


def test_longer_bars_lie_beside_and_say_what_they_were_made_of(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices(tmp_path / "prices", "AAA")
    run(capsys, "data", "import", "prices", "--source", "v")
    made = run(capsys, "data", "resample", "AAA", "--interval", "1d", "--to", "1w")["series"][0]
    assert (made["source"], made["interval"], made["added"]) == ("v-from-1d", "1w", 12)
    week = run(capsys, "data", "show", "AAA", "--provider", "store", "--interval", "1w", "--rows", "1")
    direct = run(
        capsys, "data", "show", "AAA", "--provider", "csv", "--data", "prices", "--interval", "1w", "--rows", "1"
    )
    assert week["rows"] == direct["rows"]
    assert (
        "resampled from 1d"
        in run(capsys, "data", "list", "--store", str(store), "--interval", "1w")["series"][0]["origin"]
    )


def test_a_broken_part_is_found_and_named(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices(tmp_path / "prices", "AAA")
    run(capsys, "data", "import", "prices")
    assert run(capsys, "data", "verify-store")["sound"] is True
    (part,) = store.rglob("*.parquet")
    part.write_bytes(part.read_bytes()[:-4] + b"oops")
    found = run(capsys, "data", "verify-store", code=3)
    assert found["faults"][0]["symbol"] == "AAA"
    assert part.name in run(capsys, "data", "show", "AAA", "--provider", "store", code=3)


def test_removal_asks_and_mistakes_get_the_nearest_names(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices(tmp_path / "prices", "AAPL")
    run(capsys, "data", "import", "prices")
    assert "--yes" in run(capsys, "data", "remove", "AAPL", code=2)
    assert "'AAPL'" in run(capsys, "data", "remove", "APPL", "--yes", code=3)
    assert "'AAPL'" in run(capsys, "data", "show", "APPL", "--provider", "store", code=3)
    assert "1d of csv" in run(capsys, "data", "diff", "AAPL", "--interval", "1h", code=3)
    assert len(run(capsys, "data", "remove", "AAPL", "--yes")["removed"]) == 1
    assert run(capsys, "data", "list", "--provider", "store")["series"] == []


def test_tables_for_people_are_printed(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices(tmp_path / "prices", "AAA", bad=3)
    assert main(["data", "import", "prices"]) == 0
    assert "59 bars added" in capsys.readouterr().out
    prices(tmp_path / "prices", "AAA", bad=3, change={10: 1.0})
    assert main(["data", "import", "prices", "--restate"]) == 0
    capsys.readouterr()
    assert main(["data", "diff", "AAA"]) == 0
    out = capsys.readouterr().out
    assert "1 bars restated, 0 added" in out
    assert "close" in out
    for words in (["list", "--provider", "store"], ["quarantine"], ["verify-store"], ["compact", "AAA"]):
        assert main(["data", *words]) == 0
        assert capsys.readouterr().out.strip()
