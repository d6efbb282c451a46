"""Feeds of depth and of trades are read exactly, whatever form they have, and what cannot be read is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright.data.depth import messages, one_event, read_depth
from tradewright.data.depth_csv import unix_ns
from tradewright.data.trades import read_trades
from tradewright.domain.depth import Trades
from tradewright.domain.errors import InputError, MissingDataError
from tradewright.features.microstructure import replay
from tradewright.testing.books import book_feed, feed_lines

SNAP = {"lastUpdateId": 5, "bids": [["9.90", "1.5"]], "asks": [["10.10", "2"]]}
DIFF = {"e": "depthUpdate", "E": 1, "s": "AB", "U": 6, "u": 7, "b": [["9.90", "0"], ["9.80", "3"]], "a": []}


def write(folder: Path, *lines: Any, name: str = "feed.ndjson") -> Path:
    path = folder / name
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
    return path


@pytest.mark.parametrize("venue", ["binance_spot", "binance_usdm"])
def test_what_is_written_is_read(venue: str, tmp_path: Path) -> None:
    made = book_feed(80, seed=8, venue=venue)
    feed = read_depth(write(tmp_path, *feed_lines(made)), price_decimals=1, size_decimals=3)
    assert feed.events.venue == venue
    for name in ("snapshot", "ts", "last_id", "begin", "n_bids", "price", "size"):
        np.testing.assert_array_equal(getattr(feed.events, name), getattr(made.events, name), err_msg=name)
    for name in ("ts", "update_id", "bid", "bid_size", "ask", "ask_size"):
        np.testing.assert_array_equal(getattr(feed.quotes, name), getattr(made.quotes, name), err_msg=name)
    assert (feed.report["malformed"], feed.report["other"]) == (0, 0)


def test_line_by_line_gives_the_same_events(tmp_path: Path) -> None:
    made = book_feed(30, seed=9)
    feed = read_depth(write(tmp_path, *feed_lines(made)))
    alone = [
        one_event(message, stamp, 8, 8)
        for stamp, said in messages(feed_lines(made))
        for message in said
        if message.kind in {"snapshot", "diff"}
    ]
    assert len(alone) == len(feed.events)
    for ours, theirs in zip(alone, feed.events, strict=True):
        assert (ours.snapshot, ours.ts, ours.first_id, ours.last_id) == (
            theirs.snapshot, theirs.ts, theirs.first_id, theirs.last_id,
        )  # fmt: skip
        np.testing.assert_array_equal(ours.price, theirs.price)


def test_text_and_numbers_are_the_same_integers(tmp_path: Path) -> None:
    plain = {
        "type": "snapshot",
        "bids": [[0.1, 1e-05], ["61837.63000000", 2]],
        "asks": [["70000", "0.30000000"]],
        "last_id": 1,
    }
    feed = read_depth(write(tmp_path, plain))
    assert feed.events.price.tolist() == [10_000_000, 6_183_763_000_000, 7_000_000_000_000]
    assert feed.events.size.tolist() == [1000, 200_000_000, 30_000_000]
    assert feed.events.price_tick == 0.01


def test_wrapped_raw_stamped_packed_and_bare_lines_are_one(tmp_path: Path) -> None:
    wrapped = {"stream": "ab@depth", "data": DIFF}
    bare = read_depth(write(tmp_path, SNAP, DIFF))
    stamped = read_depth(write(tmp_path, f"10 {json.dumps(SNAP)}", f"20 {json.dumps(wrapped)}", name="b.ndjson"))
    packed = tmp_path / "c.gz"
    packed.write_bytes(gzip.compress((tmp_path / "b.ndjson").read_bytes()))
    again = read_depth(packed)
    assert stamped.events.ts.tolist() == again.events.ts.tolist() == [10, 20]
    assert bare.events.ts.tolist() == [-1, 1_000_000]
    for feed in (stamped, again):
        np.testing.assert_array_equal(feed.events.price, bare.events.price)
    assert "no local receive stamp" in bare.report["notes"][0]


def test_broken_lines_are_counted_and_named(tmp_path: Path) -> None:
    bad = [
        "rubbish", "17 {not json", '{"e": "depthUpdate", "b": 1}', "[1, 2]",
        json.dumps({**DIFF, "b": [["x", "1"]]}), json.dumps({**DIFF, "b": [["1.123456789", "1"]]}),
    ]  # fmt: skip
    feed = read_depth(write(tmp_path, SNAP, *bad, DIFF))
    assert feed.report["malformed"] == 6
    assert [text.split(":")[0] for text in feed.report["malformed_lines"]] == [f"line {k}" for k in range(2, 8)]
    assert "finer than 8 decimals" in feed.report["malformed_lines"][5]
    assert len(feed.events) == 2


def test_a_file_cut_off_in_the_middle_is_read_until_there(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    whole = gzip.compress("\n".join(feed_lines(book_feed(200))).encode())
    path.write_bytes(whole[: len(whole) * 2 // 3])
    feed = read_depth(path)
    assert len(feed.events) > 10
    assert "ends in the middle" in feed.report["notes"][-1]


def test_time_that_goes_back_is_known_no_earlier(tmp_path: Path) -> None:
    feed = read_depth(write(tmp_path, f"20 {json.dumps(SNAP)}", f"10 {json.dumps(DIFF)}"))
    assert feed.events.ts.tolist() == [20, 20]
    assert feed.report["stamped_back"] == 1


def test_several_symbols_need_a_choice(tmp_path: Path) -> None:
    other = {**DIFF, "s": "CD"}
    path = write(tmp_path, DIFF, other, other)
    with pytest.raises(InputError, match=r"holds AB, CD; choose one"):
        read_depth(path)
    feed = read_depth(path, symbol="CD")
    assert (len(feed.events), feed.events.symbol, feed.report["other_symbols"]) == (2, "CD", 1)
    with pytest.raises(InputError, match="did you mean 'CD'"):
        read_depth(path, symbol="CDE")


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    write(tmp_path, SNAP)
    with pytest.raises(MissingDataError, match=r"did you mean 'feed\.ndjson'"):
        read_depth(tmp_path / "fed.ndjson")
    with pytest.raises(MissingDataError, match="cannot be read"):
        read_depth(tmp_path)
    (tmp_path / "empty").write_text("")
    with pytest.raises(MissingDataError, match="no snapshot and no difference"):
        read_depth(tmp_path / "empty")
    with pytest.raises(InputError, match="did you mean 'binance_spot'"):
        read_depth(tmp_path / "feed.ndjson", venue="binance_spt")
    bybit = {"topic": "orderbook.50.AB", "type": "delta", "data": {"u": 1, "b": [], "a": []}}
    two = write(tmp_path, DIFF, bybit, name="two")
    with pytest.raises(InputError, match="choose the rules with venue="):
        read_depth(two)


def test_forms_of_bybit_and_kraken(tmp_path: Path) -> None:
    bybit = [
        {"topic": "orderbook.50.AB", "type": "snapshot", "ts": 5, "cts": 4,
         "data": {"s": "AB", "b": [["9", "1"]], "a": [["11", "2"]], "u": 3}},
        {"topic": "publicTrade.AB", "data": [{"T": 6, "s": "AB", "S": "Sell", "v": "0.5", "p": "9"}]},
        {"success": True, "op": "subscribe"},
    ]  # fmt: skip
    feed = read_depth(write(tmp_path, *bybit))
    assert (feed.events.venue, feed.events.last_id.tolist(), feed.events.exchange_ts.tolist()) == (
        "bybit",
        [3],
        [4_000_000],
    )
    assert feed.trades.signed_size.tolist() == [-0.5]
    assert feed.report["other"] == 1
    level = {"price": 9.0, "qty": 1.5}
    kraken = {
        "channel": "book",
        "type": "snapshot",
        "data": [{"symbol": "A/B", "bids": [level], "asks": [], "checksum": 7}],
    }
    feed = read_depth(write(tmp_path, kraken, name="k"), price_decimals=1, size_decimals=1)
    assert (feed.events.venue, feed.events.checksum.tolist(), feed.events.size.tolist()) == ("kraken", [7], [15])


def test_the_form_of_okx(tmp_path: Path) -> None:
    def message(action: str, bids: list[list[str]], last: int, previous: int) -> dict[str, Any]:
        row = {
            "bids": bids,
            "asks": [["11", "2", "0", "1"]],
            "ts": "5",
            "seqId": last,
            "prevSeqId": previous,
            "checksum": -3,
        }
        return {"arg": {"channel": "books", "instId": "A-B"}, "action": action, "data": [row]}

    trade = {"arg": {"channel": "trades", "instId": "A-B"}, "data": [{"px": "9", "sz": "3", "side": "sell", "ts": "6"}]}
    lines = [
        {"event": "subscribe", "arg": {"channel": "books", "instId": "A-B"}},
        message("snapshot", [["9", "1", "0", "4"]], 10, -1), message("update", [["9", "5", "0", "4"]], 12, 10),
        message("update", [["9", "6", "0", "4"]], 15, 13), trade,
    ]  # fmt: skip
    feed = read_depth(write(tmp_path, *lines))
    assert (feed.events.symbol, feed.events.venue, feed.report["other"]) == ("A-B", "generic", 1)
    assert feed.trades.signed_size.tolist() == [-3]
    done = replay(feed.events)
    assert done.column("bid_size").tolist()[:2] == [1, 5]
    assert done.reasons == ["", "", "gap"]


def test_csv_of_levels(tmp_path: Path) -> None:
    text = """local_timestamp,timestamp,is_snapshot,side,price,amount
1000000000000100,1000000000000000,true,bid,9.9,1
1000000000000100,1000000000000000,true,ask,10.1,2
1000000000000200,1000000000000150,false,bid,9.9,0
1000000000000200,1000000000000150,false,bid,9.8,4
"""
    feed = read_depth(write(tmp_path, text, name="levels.csv"), price_decimals=1, size_decimals=0)
    events = feed.events
    assert events.snapshot.tolist() == [1, 0]
    assert events.ts.tolist() == [1000000000000100000, 1000000000000200000]
    assert (events.price.tolist(), events.size.tolist(), events.n_bids.tolist()) == (
        [99, 101, 99, 98],
        [1, 2, 0, 4],
        [1, 2],
    )
    with pytest.raises(InputError, match="also needs side"):
        read_depth(write(tmp_path, "timestamp,price,qty\n1,2,3", name="bad.csv"))
    with pytest.raises(InputError, match="side in line 2 is 'x'"):
        read_depth(write(tmp_path, "timestamp,side,price,qty\n1,x,2,3", name="bad2.csv"))


@pytest.mark.parametrize(
    ("text", "ns"),
    [("1700000000", 17 * 10**17), ("1700000000000", 17 * 10**17), ("1700000000000000", 17 * 10**17),
     ("1700000000000000001", 17 * 10**17 + 1)],
)  # fmt: skip
def test_units_of_stamps_are_told_by_their_size(text: str, ns: int) -> None:
    assert unix_ns(text) == ns


def test_trades_in_csv(tmp_path: Path) -> None:
    text = """time,price,qty,is_buyer_maker
1700000002,10.5,1,true
1700000001,10,2,false
1700000003,-1,2,false
1700000004,10,x,false
2023-11-14T22:13:25Z,10,3,false
"""
    trades, report = read_trades(write(tmp_path, text, name="t.csv"))
    assert trades.ts.tolist() == [1700000001 * 10**9, 1700000002 * 10**9, 1700000005 * 10**9]
    assert trades.signed_size.tolist() == [2, -1, 3]
    assert (report["rows"], report["left_out"], report["out_of_order"], report["signs_known"]) == (5, 2, 1, 3)
    assert report["left_out_rows"][0].startswith("line 4: a trade of 2 at -1")
    with pytest.raises(InputError, match="also need a size"):
        read_trades(write(tmp_path, "time,price\n1,2", name="u.csv"))
    with pytest.raises(MissingDataError, match="no trade"):
        read_trades(write(tmp_path, "time,price,qty\n", name="v.csv"))
    with pytest.raises(MissingDataError, match=r"did you mean 't\.csv'"):
        read_trades(tmp_path / "tt.csv")


@pytest.mark.shared_data
def test_trades_of_a_real_feed(shared_data: Path) -> None:
    path = shared_data / "open" / "lob" / "binance_usdm_btcusdt_20240808.ndjson.gz"
    trades, report = read_trades(path)
    feed = read_depth(path)
    assert report["signs_known"] == len(trades) == len(feed.trades) == 21_313
    np.testing.assert_array_equal(trades.price, feed.trades.price)
    np.testing.assert_array_equal(trades.signed_size, feed.trades.signed_size)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (([1, 2], [1.0], [1.0]), "lengths"),
        (([2, 1], [1.0, 1.0], [1.0, 1.0]), "stamped before"),
        (([1], [0.0], [1.0]), "price of trade 0"),
        (([1], [1.0], [float("nan")]), "size of trade 0"),
        (([1], [1.0], [1.0], [2]), "neither 1, -1 nor 0"),
    ],
)
def test_trades_that_cannot_be_are_refused(columns: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Trades(*columns)


def test_a_symbol_that_is_not_there_is_refused_though_a_snapshot_names_none(tmp_path: Path) -> None:
    path = write(tmp_path, SNAP, DIFF)
    with pytest.raises(InputError, match="holds AB"):
        read_depth(path, symbol="CD")
    assert read_depth(path, symbol="AB").report["notes"][-1] == "1 messages name no symbol and were taken for AB"


def test_quotes_that_cannot_be_kept_are_counted_and_named(tmp_path: Path) -> None:
    good = {"u": 1, "s": "AB", "b": "1.2", "B": "1", "a": "2", "A": "1"}
    feed = read_depth(write(tmp_path, SNAP, good, {**good, "b": "1.23"}, {**good, "A": "x"}, good), price_decimals=1)
    assert feed.quotes.line.tolist() == [2, 5]
    assert feed.quotes.bid.tolist() == [12, 12]
    assert feed.report["malformed_lines"] == [
        "line 3: ValueError: '1.23' is finer than 1 decimals; keep more decimals",
        "line 4: ValueError: 'x' is no decimal number",
    ]
