"""Books are rebuilt right, say when they are not, and give the same numbers at every speed and from either backend."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright import _reference
from tradewright.domain.depth import VENUES, DepthEvent, DepthEvents
from tradewright.domain.errors import InputError, StaleDataError
from tradewright.features.microstructure import OrderBook, compare_quotes, replay
from tradewright.features.microstructure.book import conventions
from tradewright.kernel import core
from tradewright.testing.books import book_feed, check_book

SETTINGS: dict[str, Any] = {"levels": (1, 3, 10), "within_bp": (5.0, 12.5), "sizes": (0.25, 2.0)}


def event(
    snapshot: bool, bids: list[tuple[int, int]], asks: list[tuple[int, int]], last: int = -1, **more: Any
) -> DepthEvent:
    pairs = [*bids, *asks]
    price, size = (np.array([p[k] for p in pairs], np.int64) for k in (0, 1))
    return DepthEvent(snapshot, price, size, len(bids), last_id=last, **more)


def whole(events: list[DepthEvent], venue: str = "generic") -> DepthEvents:
    stamped = [replace(e, ts=k + 1, line=k + 1) for k, e in enumerate(events)]
    return DepthEvents.of(stamped, price_decimals=0, size_decimals=0, venue=venue)


START = event(True, [(99, 5), (98, 3)], [(101, 6), (102, 8)], 10)


@pytest.mark.parametrize("venue", ["binance_spot", "binance_usdm", "bybit", "generic"])
@pytest.mark.parametrize("seed", [1, 2])
def test_made_up_feeds_sit_the_exam(venue: str, seed: int) -> None:
    check_book(book_feed(120, seed=seed, venue=venue, snapshots=(40, 90)), **SETTINGS)


def test_the_exam_fails_a_book_that_is_wrong() -> None:
    feed = book_feed(60)
    for k in range(len(feed.events) - 1, 0, -1):
        if feed.events.snapshot[k] == 0 and feed.events[k].size[0]:
            feed.events.size[feed.events.begin[k]] += 1
            break
    with pytest.raises(AssertionError, match=r"levels are not those of the market|quotes differ"):
        check_book(feed)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), venue=st.sampled_from(["binance_spot", "binance_usdm", "bybit", "generic", "kraken"]),
    broken=st.integers(0, 3), depth=st.sampled_from([0, 0, 5]), hold=st.sampled_from([3, 100]),
)  # fmt: skip
def test_the_compiled_book_and_the_dictionaries_agree_to_the_bit(
    seed: int, venue: str, broken: int, depth: int, hold: int
) -> None:
    """Events dropped, doubled, spoilt and in the wrong order: status, reason, counts and every number agree."""
    made = book_feed(60, seed=seed, venue="generic" if venue == "kraken" else venue, snapshots=(20, 35))
    rng = np.random.default_rng(seed)
    events = list(made.events)
    for _ in range(broken):
        k = int(rng.integers(1, len(events)))
        what = int(rng.integers(0, 5))
        if what == 0:
            del events[k]
        elif what == 1:
            events.insert(k, events[k])
        elif what == 2:
            events[k] = replace(events[k], size=np.where(np.arange(events[k].size.size) == 0, -1, events[k].size))
        elif what == 3:
            events[k - 1], events[k] = events[k], events[k - 1]
        else:
            events[k] = replace(events[k], checksum=int(rng.integers(0, 2**32)))
    e = DepthEvents.of(events)
    given_ = {"levels": [1, 3, 40], "within": [5_000_000, 777_777], "sizes": [100, 9000]}
    books = [
        backend.DepthBook(venue, **given_, price_decimals=1, size_decimals=3, depth=depth, hold=hold)
        for backend in (core, _reference)
    ]
    args = (e.snapshot, e.first_id, e.last_id, e.previous_id, e.checksum, e.begin, e.n_bids, e.price, e.size)
    ours, theirs = (book.run(*args) for book in books)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    assert books[0].counts() == books[1].counts()
    assert (books[0].reason, books[0].last_id, books[0].n_levels) == (
        books[1].reason, books[1].last_id, books[1].n_levels,
    )  # fmt: skip
    assert books[0].checksum() == books[1].checksum()
    for a, b in zip(books[0].top(5), books[1].top(5), strict=True):
        np.testing.assert_array_equal(a, b)


@given(st.integers(-(10**20), 10**20), st.integers(0, 12), st.integers(0, 8))
@settings(max_examples=200, deadline=None)
def test_decimal_text_is_read_exactly(digits: int, places: int, decimals: int) -> None:
    text = f"{'-' if digits < 0 else ''}{abs(digits) // 10**places}.{abs(digits) % 10**places:0{places}d}"
    wanted, rest = divmod(abs(digits) * 10**decimals, 10**places)
    for backend in (core, _reference):
        if rest or wanted >= 2**63:
            with pytest.raises(ValueError, match=r"finer|64 bits|36 digits"):
                backend.decimal_units([text], decimals)
        else:
            assert backend.decimal_units([text], decimals).tolist() == [wanted if digits >= 0 else -wanted]


@pytest.mark.parametrize("text", ["", ".", "1.2.3", "1e", "nan", "inf", "1_0", "0x1", "--1"])
def test_other_text_is_refused(text: str) -> None:
    for backend in (core, _reference):
        with pytest.raises(ValueError, match="no decimal number"):
            backend.decimal_units([text], 8)


def test_features_by_hand() -> None:
    done = replay(
        whole([START, event(False, [(99, 9)], [(101, 0)], 11)]), levels=(1, 2), within_bp=(100, 200), sizes=(7, 12)
    )
    first = dict(zip(done.columns, done.values[0].tolist(), strict=True))
    assert (first["bid"], first["bid_size"], first["ask"], first["ask_size"]) == (99, 5, 101, 6)
    assert (first["spread"], first["mid"], first["spread_bp"]) == (2, 100, 200)
    assert first["microprice"] == pytest.approx((99 * 6 + 101 * 5) / 11, abs=1e-12)
    assert first["weighted_mid_1"] == pytest.approx(first["microprice"], abs=1e-12)
    assert first["imbalance_1"] == pytest.approx(-1 / 11)
    assert first["imbalance_2"] == pytest.approx((8 - 14) / 22)
    bid_mean, ask_mean = (99 * 5 + 98 * 3) / 8, (101 * 6 + 102 * 8) / 14
    assert first["weighted_mid_2"] == pytest.approx((bid_mean * 14 + ask_mean * 8) / 22, abs=1e-12)
    assert (first["bid_depth_100bp"], first["ask_depth_100bp"]) == (5, 6)  # exactly on the limit counts
    assert (first["bid_depth_200bp"], first["ask_depth_200bp"]) == (8, 14)
    assert first["bid_slope_2"] == pytest.approx((100 * 5 + 200 * 8) / (100**2 + 200**2))
    assert first["buy_cost_7"] == pytest.approx(((6 * 101 + 102) / 7 / 100 - 1) * 1e4)
    assert first["sell_cost_7"] == pytest.approx((1 - (5 * 99 + 2 * 98) / 7 / 100) * 1e4)
    assert np.isnan(first["sell_cost_12"])
    assert not np.isnan(first["buy_cost_12"])
    assert np.isnan(first["ofi"])
    # the bid grows by 4; the ask goes up, so its 6 are no longer in the way
    assert done.column("ofi")[1] == 4 + 6
    assert set(conventions(done.columns)) == set(done.columns)


def test_a_side_that_is_empty_has_no_value_and_is_in_sync() -> None:
    book = OrderBook(price_decimals=0, size_decimals=0)
    row = book.apply(event(True, [(99, 5)], [], 1))
    assert row.status == "applied"
    assert book.synced
    assert np.isnan(row.values).all()
    assert book.best()[:2] == (99.0, 5.0)


@pytest.mark.parametrize(
    ("venue", "snapshot", "follows", "gap", "old"),
    [
        ("binance_spot", {"last": 10}, {"first_id": 9, "last": 12}, {"first_id": 12, "last": 13},
         {"first_id": 8, "last": 10}),
        ("binance_usdm", {"last": 10}, {"first_id": 8, "previous_id": 7, "last": 10},
         {"first_id": 14, "previous_id": 12, "last": 15}, {"first_id": 8, "previous_id": 7, "last": 9}),
        ("bybit", {"last": 10}, {"last": 11}, {"last": 12}, {"last": 10}),
        ("generic", {"last": 10}, {"previous_id": 10, "last": 12}, {"previous_id": 11, "last": 12}, {"last": 9}),
        ("generic", {"last": 10}, {"first_id": 11, "last": 12}, {"first_id": 12, "last": 12}, {"last": 10}),
    ],
)  # fmt: skip
def test_rules_of_sequence(venue: str, snapshot: Any, follows: Any, gap: Any, old: Any) -> None:
    def first(then: dict[str, int]) -> str:
        book = OrderBook(venue, price_decimals=0, size_decimals=0)
        assert book.apply(event(True, [(99, 5)], [(101, 6)], **snapshot)).status == "applied"
        return book.apply(event(False, [(99, 4)], [], **then)).status

    assert first(follows) == "applied"
    assert first(gap) == "lost"
    assert first(old) == "old"


def test_futures_go_on_from_the_update_before() -> None:
    events = [
        START,
        event(False, [(99, 4)], [], 14, first_id=9, previous_id=8),
        event(False, [(99, 3)], [], 20, first_id=17, previous_id=14),
    ]
    assert replay(whole(events, "binance_usdm")).statuses == ["applied"] * 3
    events[2] = replace(events[2], previous_id=15)
    done = replay(whole(events, "binance_usdm"))
    assert done.statuses[2] == "lost"
    assert done.losses[0] | {"ts": 0} == {
        "event": 2, "line": 3, "ts": 0, "reason": "gap",
        "words": "an update is missing between the book and this event", "first_id": 17, "last_id": 20,
        "previous_id": 15, "last_id_before": 14, "back_at_event": None, "back_at_line": None,
    }  # fmt: skip


def test_nothing_is_given_until_the_next_snapshot_and_what_came_meanwhile_is_applied() -> None:
    events = [
        START,
        event(False, [(99, 4)], [], 11),
        event(False, [(99, 3)], [], 13),  # 12 is missing
        event(False, [(99, 2)], [], 14),
        event(False, [(99, 1)], [], 15),
        event(True, [(99, 2), (97, 9)], [(101, 6)], 14),
        event(False, [(99, 7)], [], 16),
    ]
    done = replay(whole(events, "bybit"))
    assert done.statuses == ["applied", "applied", "lost", "held", "held", "applied", "applied"]
    assert done.reasons == ["", "", "gap", "gap", "gap", "", ""]
    assert done.column("bid_size").tolist()[:2] == [5, 4]
    assert np.isnan(done.values[2:5]).all()
    assert done.column("bid_size").tolist()[5:] == [1, 7]  # 15 was kept and follows the snapshot of 14
    assert done.losses[0]["back_at_event"] == 5
    counts = done.book.counts
    assert (counts["gaps"], counts["held"], counts["held_old"], counts["held_applied"]) == (1, 3, 2, 1)


def test_a_snapshot_that_is_too_old_is_refused() -> None:
    events = [
        event(False, [(99, 4)], [], 20, first_id=18),
        event(True, [(99, 5)], [(101, 6)], 10),
        event(True, [(99, 5)], [(101, 6)], 18),
    ]
    done = replay(whole(events, "binance_spot"))
    assert done.statuses == ["held", "refused_snapshot", "applied"]
    assert done.reasons == ["no_snapshot", "snapshot_too_old", ""]
    assert done.column("bid_size")[2] == 4


def test_a_late_snapshot_of_binance_does_not_take_the_book_back() -> None:
    events = [START, event(False, [(99, 4)], [], 12, first_id=11), event(True, [(99, 5)], [(101, 6)], 11)]
    done = replay(whole(events, "binance_spot"))
    assert done.statuses[2] == "old_snapshot"
    assert done.column("bid_size").tolist() == [5, 4, 4]
    assert done.column("ofi").tolist()[2] == 0


def test_a_crossed_book_is_out_of_sync() -> None:
    for price in (101, 100):
        done = replay(whole([START, event(False, [(price, 1)], [], 11), event(False, [], [], 12)]))
        assert done.reasons == (["", "crossed", "crossed"] if price == 101 else ["", "", ""])


def test_a_bad_level_is_out_of_sync() -> None:
    for bad in ((99, -1), (0, 1), (-5, 1)):
        assert replay(whole([START, event(False, [bad], [], 11)])).reasons == ["", "bad_level"]


def test_the_published_checksum_of_kraken() -> None:
    """The worked example of the venue's guide to checksums: ten levels, CRC32 974947235."""
    asks = [(5005 + 5 * k, 500) for k in range(10)]
    bids = [(price, 500) for price in (5000, 4995, 4990, 4980, 4975, 4970, 4965, 4960, 4955, 4950)]
    right = event(True, bids, asks, checksum=974947235)
    text = "".join(f"{p}{q}" for p, q in [*asks, *bids])
    assert zlib.crc32(text.encode()) == 974947235
    events = DepthEvents.of([right, event(False, [(5000, 400)], [], checksum=1)], price_decimals=5, size_decimals=8)
    done = replay(events, venue="kraken", depth=10)
    assert done.reasons == ["", "checksum"]
    assert done.book.counts["checksums_right"] == 1


def test_levels_beyond_the_subscribed_depth_are_dropped() -> None:
    done = replay(
        whole([START, event(False, [(100, 1)], [], 11), event(False, [(100, 0)], [], 12)]), depth=2, venue="kraken"
    )
    assert done.book.n_levels == (1, 2)  # 98 fell off when 100 came


def test_samples_are_as_of_and_never_later() -> None:
    feed = book_feed(150, seed=3, snapshots=(60,))
    done = replay(feed.events)
    stamps = np.unique(np.concatenate([done.ts, done.ts - 1, done.ts + 1]))
    rows = done.sample(stamps)
    for t, row in zip(stamps.tolist(), rows, strict=True):
        known = int((done.ts <= t).sum())
        if known == 0:
            assert np.isnan(row).all()
        else:
            np.testing.assert_array_equal(row[:-1], done.values[known - 1, :-1])
    alone, where, count = np.unique(done.ts, return_index=True, return_counts=True)
    one_by_one = done.sample(alone)[count == 1]
    assert (count == 1).sum() > 140
    np.testing.assert_array_equal(one_by_one[:, -1], done.column("ofi")[where[count == 1]])
    grid, sampled = done.every(1_000_000_000)
    begins = np.concatenate([[0], np.searchsorted(done.ts, grid, side="right")])
    for k in range(grid.size):
        part = done.column("ofi")[begins[k] : begins[k + 1]]
        np.testing.assert_allclose(sampled[k, -1], part.sum(), atol=1e-9)  # NaN where one is not known
    assert np.isnan(done.sample(stamps, max_age_ns=1)).all(axis=1).sum() > 0


def test_a_sample_does_not_change_when_later_events_are_cut_off() -> None:
    feed = book_feed(150, seed=4)
    events = list(feed.events)
    short = replay(DepthEvents.of(events[:80], price_decimals=1, size_decimals=3, venue="binance_spot"))
    stamps = np.arange(feed.events.ts[0], feed.events.ts[79], 300_000_000)
    np.testing.assert_array_equal(short.sample(stamps), replay(feed.events).sample(stamps))


def test_comparison_with_quotes_is_not_empty_and_notices_one_change() -> None:
    feed = book_feed(150, seed=5)
    found = compare_quotes(replay(feed.events), feed.quotes)
    assert found.compared > 140
    assert found.different == 0
    assert found.touch_changes > 50
    feed.quotes.bid_size[70:75] += 1
    assert compare_quotes(replay(feed.events), feed.quotes).different > 0


def test_a_book_out_of_sync_refuses_and_says_where() -> None:
    book = OrderBook("bybit", price_decimals=0, size_decimals=0)
    with pytest.raises(StaleDataError, match="no snapshot has come yet"):
        book.best()
    book.apply(START)
    book.apply(event(False, [(99, 1)], [], 12, line=7))
    with pytest.raises(StaleDataError, match=r"line 7 \(update 12\): an update is missing"):
        book.top(3)
    book.apply(replace(START, last_id=12))
    assert book.best() == (99, 5, 101, 6)
    assert book.reason == ""


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"venue": "binance_usd"}, "did you mean 'binance_usdm'"),
        ({"levels": (0,)}, "whole numbers above 0"),
        ({"levels": (1.5,)}, "whole numbers above 0"),
        ({"within_bp": (-1.0,)}, "above 0"),
        ({"sizes": (float("nan"),)}, "above 0"),
        ({"sizes": (0.0001,), "size_decimals": 2}, "finer than 2 decimals"),
        ({"price_decimals": 19}, "18 or fewer"),
        ({"hold": 0}, "1 or more"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        OrderBook(**wrong)


def test_unknown_columns_and_stamps_that_fall_are_refused() -> None:
    done = replay(whole([START]))
    with pytest.raises(InputError, match="did you mean 'spread_bp'"):
        done.column("spread_pb")
    with pytest.raises(InputError, match="rising"):
        done.sample([2, 1])


def test_every_venue_has_a_rule_in_both_backends() -> None:
    assert set(VENUES) == set(core.DEPTH_RULES) == set(_reference.DEPTH_RULES)
    assert core.DEPTH_STATUSES == _reference.DEPTH_STATUSES
    assert core.DEPTH_REASONS == _reference.DEPTH_REASONS
