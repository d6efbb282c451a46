"""The commands of books and trades: what they print is what the functions give, and they say what is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright.app.cli import main
from tradewright.data import read_depth, read_trades
from tradewright.features.microstructure import replay, trade_bars, vpin
from tradewright.testing import book_feed, feed_lines


@pytest.fixture
def feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "feed.ndjson"
    path.write_text("\n".join(feed_lines(book_feed(120, seed=1, snapshots=(60,)))))
    return path


@pytest.fixture
def trades(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    path = tmp_path / "trades.csv"
    with path.open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["time", "price", "qty", "side"])
        for k in range(500):
            sheet.writerow([1_700_000_000_000 + 700 * k, 100 + k % 7, rng.integers(1, 9), "buy" if k % 3 else "sell"])
    return path


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert main(["book", *words]) == code
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str, code: int = 2) -> str:
    assert main(["book", *words]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def test_json_is_what_replay_gives(feed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = said(capsys, "replay", str(feed), "--json", "--features", "--levels", "1,3", "--size", "0.5")
    done = replay(read_depth(feed).events, levels=(1, 3), sizes=(0.5,))
    assert facts["comparison"]["compared"] > 100
    assert facts["comparison"]["different"] == 0
    assert facts["synced"] is True
    assert facts["dropped"]["older than the snapshot"] == 2
    assert set(facts["columns"]) == set(facts["features"]["values"]) == set(done.columns)
    for name in done.columns:
        values = np.array([np.nan if x is None else x for x in facts["features"]["values"][name]])
        np.testing.assert_array_equal(values, done.column(name))
    assert facts["features"]["status"] == done.statuses


def test_samples_are_those_of_the_function(feed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = said(capsys, "replay", str(feed), "--json", "--features", "--every", "500ms")
    stamps, values = replay(read_depth(feed).events).every(500_000_000)
    assert facts["features"]["ts"] == stamps.tolist()
    assert facts["features"]["rows"] == len(stamps)
    mids = [None if np.isnan(x) else x for x in values[:, 6].tolist()]
    assert facts["features"]["values"]["mid"] == mids


def test_a_hole_is_told_with_its_place(feed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = feed.read_text().splitlines()
    depth = [k for k, line in enumerate(lines) if "depthUpdate" in line]
    gone = lines.pop(depth[30])
    feed.write_text("\n".join([*lines[:50], "{broken", *lines[50:]]))
    facts = said(capsys, "replay", str(feed), "--json")
    loss = facts["losses"][0]
    assert loss["reason"] == "gap"
    assert loss["first_id"] > json.loads(gone.partition(" ")[2])["data"]["u"]
    assert loss["back_at_line"] > loss["line"]
    assert facts["feed"]["malformed"] == 1
    assert facts["rows_out_of_sync"] > 20
    assert main(["book", "replay", str(feed)]) == 0
    text = capsys.readouterr().out
    assert f"OUT OF SYNC at line {loss['line']}" in text
    assert "1 lines cannot be read; line 51" in text


def test_a_book_that_differs_from_the_quotes_ends_with_3(feed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = feed.read_text().splitlines()
    k = max(k for k, line in enumerate(lines[:-20]) if "bookTicker" in line and "depthUpdate" in lines[k + 1])
    stamp, _, text = lines[k].partition(" ")
    quote = json.loads(text)
    quote["data"]["B"] = "77.777"
    lines[k] = f"{stamp} {json.dumps(quote)}"
    feed.write_text("\n".join(lines))
    facts = said(capsys, "replay", str(feed), "--json", code=3)
    assert facts["comparison"]["different"] == 1
    assert facts["comparison"]["by_field"] == {"bid": 0, "bid_size": 1, "ask": 0, "ask_size": 0}


def test_a_feed_that_never_is_in_sync_ends_with_3(feed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    feed.write_text("\n".join(line for line in feed.read_text().splitlines() if "lastUpdateId" not in line))
    facts = said(capsys, "replay", str(feed), "--json", code=3)
    assert (facts["synced"], facts["reason"], facts["rows_in_sync"]) == (False, "no_snapshot", 0)
    assert "book" not in facts


def test_features_are_written_to_a_file(feed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["book", "replay", str(feed), "--out", "rows.csv"]) == 0
    with Path("rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    done = replay(read_depth(feed).events)
    assert [row["status"] for row in rows] == done.statuses
    assert [float(row["ofi"] or "nan") for row in rows][5:9] == pytest.approx(done.column("ofi")[5:9].tolist())


def test_trades_are_what_the_functions_give(trades: Path, capsys: pytest.CaptureFixture[str]) -> None:
    buckets = ("--vpin-bucket", "25", "--vpin-window", "4")
    facts = said(capsys, "trades", str(trades), "--bars", "volume", "--size", "40", *buckets, "--json")
    tape, _ = read_trades(trades)
    bars, toxic = trade_bars(tape, "volume", 40), vpin(tape, bucket_volume=25, window=4)
    assert facts["n_bars"] == len(bars) > 10
    assert facts["columns"]["close"] == bars.close.tolist()
    assert facts["columns"]["bought"] == bars.bought.tolist()
    assert facts["vpin"]["values"][3:] == toxic.vpin[3:].tolist()
    assert facts["vpin"]["values"][:3] == [None] * 3
    minutes = said(capsys, "trades", str(trades), "--json")
    assert (minutes["bars"], minutes["size"]) == ("time", 60e9)
    assert all(ts % 60_000_000_000 == 0 for ts in minutes["ts"])
    assert main(["book", "trades", str(trades), "--bars", "tick", "--size", "100", "--vpin-bucket", "25"]) == 0
    text = capsys.readouterr().out
    assert "500 trades of 500 rows" in text
    assert "5 tick bars" in text


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["replay", "fed.ndjson"], 3, "did you mean 'feed.ndjson'"),
        (["replay", "feed.ndjson", "--venue", "binance-spot"], 2, "did you mean 'binance_spot'"),
        (["replay", "feed.ndjson", "--levels", "1,two"], 2, "--levels has 'two'"),
        (["replay", "feed.ndjson", "--within", "0"], 2, "--within has '0'"),
        (["replay", "feed.ndjson", "--every", "10"], 2, "500ms or 1min"),
        (["replay", "feed.ndjson", "--max-age", "1s"], 2, "belongs to --every"),
        (["replay", "feed.ndjson", "--out", "x.parquet"], 2, "must end in .csv"),
        (["replay", "feed.ndjson", "--symbol", "TSET"], 2, "did you mean 'TEST'"),
        (["replay", "feed.ndjson", "--size", "0.123456789"], 2, "finer than 8 decimals"),
        (["trades", "feed.ndjson"], 3, "no trade"),
        (["trades", "feed.ndjson", "--bars", "volum"], 2, "did you mean 'volume'"),
    ],
)
def test_mistakes_are_explained(
    feed: Path, words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in refused(capsys, *words, code=code)


def test_a_bar_without_a_size_is_refused(trades: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "bars need one" in refused(capsys, "trades", str(trades), "--bars", "dollar")
