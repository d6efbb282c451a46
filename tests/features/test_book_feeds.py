"""Books rebuilt from real feeds, beside the best bid and offer that the venues sent themselves."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tradewright.data.depth import read_depth
from tradewright.domain.depth import DepthEvents, DepthFeed
from tradewright.features.microstructure import OrderBook, compare_quotes, order_flow_imbalance, replay
from tradewright.features.microstructure.book import Replay

pytestmark = pytest.mark.shared_data

FEEDS = {"spot": ("binance_spot", 3448), "usdm": ("binance_usdm", 6545)}


@pytest.fixture(scope="module", params=list(FEEDS))
def market(request: pytest.FixtureRequest, shared_data: Path) -> tuple[str, DepthFeed, Replay]:
    path = shared_data / "open" / "lob" / f"binance_{request.param}_btcusdt_20240808.ndjson.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not there")
    feed = read_depth(path)
    return request.param, feed, replay(feed.events, sizes=(1.0,))


def test_every_book_agrees_with_the_venues_own_quotes(market: tuple[str, DepthFeed, Replay]) -> None:
    """Price and size of both sides, aligned by update id, after every difference that was applied."""
    name, feed, done = market
    venue, n = FEEDS[name]
    assert feed.events.venue == venue
    found = compare_quotes(done, feed.quotes)
    assert (found.compared, found.equal, found.different) == (n, n, 0)
    assert found.touch_changes > 0.8 * n
    assert found.same_id > 500
    assert found.confirmed_complete >= n - 2
    assert done.book.counts["applied"] == n
    assert done.losses == []


def test_differences_before_the_snapshot_are_dropped_by_update_id(market: tuple[str, DepthFeed, Replay]) -> None:
    name, _, done = market
    counts = done.book.counts
    held = {"spot": (3, 2, 1), "usdm": (6, 4, 2)}[name]
    assert (counts["held"], counts["held_old"], counts["held_applied"]) == held


def with_level(events: DepthEvents, at: int, size: int) -> DepthEvents:
    """The same feed with another size in one level."""
    sizes = events.size.copy()
    sizes[at] = size
    return DepthEvents(**{**{f: getattr(events, f) for f in DepthEvents.__slots__}, "size": sizes})


def test_one_changed_level_is_noticed(market: tuple[str, DepthFeed, Replay]) -> None:
    """The comparison is not empty: spoil a single best bid in the feed, by its smallest unit, and it differs there."""
    _, feed, done = market
    e = feed.events
    bid = np.round(done.column("bid") * 10**8)
    found = 0
    for k in range(100, len(e), 500):
        span = slice(e.begin[k], e.begin[k] + e.n_bids[k])
        for at in np.flatnonzero(e.price[span] == bid[k])[:1] + e.begin[k]:
            spoilt = replay(with_level(e, int(at), int(e.size[at]) + 1))
            compared = compare_quotes(spoilt, feed.quotes)
            assert compared.different > 0
            assert compared.first_differences[0]["last_id"] == e.last_id[k]
            assert set(compared.by_field) == {"bid", "bid_size", "ask", "ask_size"}
            found += 1
    assert found >= 4


def test_a_difference_that_is_left_out_is_noticed_at_once(market: tuple[str, DepthFeed, Replay]) -> None:
    _, feed, done = market
    e = feed.events
    k = 1000
    keep = np.arange(len(e)) != k
    per_event = {
        f: getattr(e, f)[keep]
        for f in ("snapshot", "ts", "exchange_ts", "first_id", "last_id", "previous_id", "checksum", "line", "n_bids")
    }
    levels = np.ones(e.price.size, bool)
    levels[e.begin[k] : e.begin[k + 1]] = False
    begin = np.concatenate([[0], np.cumsum(np.diff(e.begin)[keep])])
    short = DepthEvents(
        **per_event, begin=begin, price=e.price[levels], size=e.size[levels], venue=e.venue, symbol=e.symbol
    )
    broken = replay(short)
    assert broken.losses[0]["event"] == k
    assert broken.losses[0]["line"] == e.line[k + 1]
    assert broken.losses[0]["reason"] == "gap"
    assert np.isnan(broken.values[k:]).all()
    np.testing.assert_array_equal(broken.values[:k], done.values[:k, [n in broken.columns for n in done.columns]])


def test_without_the_kept_differences_the_spot_book_ends_crossed(shared_data: Path) -> None:
    """What the provenance of the file warns of: dropping all that came before the snapshot loses updates."""
    feed = read_depth(shared_data / "open" / "lob" / "binance_spot_btcusdt_20240808.ndjson.gz")
    events = list(feed.events)
    at = int(np.flatnonzero(feed.events.snapshot)[0])
    rest = DepthEvents.of(events[at:], venue="binance_spot")
    done = replay(rest)
    assert done.losses[0]["reason"] == "gap"
    assert done.losses[0]["event"] == 1
    careless = replay(DepthEvents.of([events[at], *events[at + 1 :]], venue="kraken"))  # no rule of sequence
    assert careless.losses[0]["reason"] == "crossed"


def test_event_by_event_gives_the_bits_of_all_at_once(market: tuple[str, DepthFeed, Replay]) -> None:
    _, feed, done = market
    book = OrderBook(feed.events.venue, sizes=(1.0,))
    for k in range(1500):
        update = book.apply(feed.events[k])
        assert update.status == done.statuses[k]
        np.testing.assert_array_equal(update.values, done.values[k])


def test_order_flow_is_that_of_the_touch(market: tuple[str, DepthFeed, Replay]) -> None:
    _, _, done = market
    good = done.in_sync
    flow = order_flow_imbalance(*(done.column(n)[good] for n in ("bid", "bid_size", "ask", "ask_size")))
    np.testing.assert_allclose(flow, done.column("ofi")[good], atol=1e-9)


def test_order_flow_moves_the_mid(market: tuple[str, DepthFeed, Replay]) -> None:
    """The paper's finding: over seconds, the mid moves with the imbalance (R2 about 0.65 in US shares)."""
    _, _, done = market
    _, rows = done.every(1_000_000_000)
    change = np.diff(rows[:, done.columns.index("mid")])
    flow = rows[1:, -1]
    known = ~np.isnan(change + flow)
    assert np.corrcoef(change[known], flow[known])[0, 1] > 0.4


def test_a_feed_of_bybit(shared_data: Path) -> None:
    path = shared_data / "restricted" / "lob" / "bybit_xrpusdt_ob500_20241201.ndjson.gz"
    if not path.exists():
        pytest.skip("the feed of Bybit is not there")
    feed = read_depth(path)
    done = replay(feed.events)
    assert feed.events.venue == "bybit"
    assert done.statuses == ["applied"] * 50
    assert done.book.n_levels == (500, 500)  # what the venue promises after each message
    assert feed.report["notes"] == [
        "50 messages have no local receive stamp; the venue's stamp is taken as the time known"
    ]


def test_snapshots_in_rows(shared_data: Path) -> None:
    path = shared_data / "restricted" / "lob" / "binance-futures_book_snapshot_25_BTCUSDT.csv.gz"
    if not path.exists():
        pytest.skip("the snapshots are not there")
    feed = read_depth(path)
    done = replay(feed.events)
    with gzip.open(path, "rt") as lines:
        rows = [line.split(",") for line in lines][1:]
    assert done.column("ask").tolist() == [float(row[4]) for row in rows]
    assert done.column("bid_size").tolist() == [float(row[7]) for row in rows]
    assert done.ts.tolist() == [int(row[3]) * 1000 for row in rows]
    assert np.isfinite(done.column("ofi")[1:]).all()


def test_a_snapshot_and_an_update_that_do_not_belong_together(shared_data: Path) -> None:
    folder = shared_data / "restricted" / "lob"
    if not folder.is_dir():
        pytest.skip("the files are not there")
    feed = read_depth([folder / "btcusdt-depth-snap.csv.gz", folder / "btcusdt-depth-update.csv.gz"])
    done = replay(feed.events)
    assert done.statuses == ["applied", "lost"]
    assert done.reasons == ["", "gap"]
