"""Signs, buckets and bars of trades: by hand, exact sums, and nothing known before its time."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.depth import Trades
from tradewright.domain.errors import InputError
from tradewright.features.microstructure import (
    bulk_volume,
    order_flow_imbalance,
    signed_volume,
    tick_rule,
    trade_bars,
    vpin,
)
from tradewright.features.microstructure.tape import KINDS

SECOND = 1_000_000_000


def tape(n: int = 2000, seed: int = 0) -> Trades:
    rng = np.random.default_rng(seed)
    ts = 1_700_000_000 * SECOND + np.cumsum(rng.integers(0, 400, n)) * 1_000_000
    price = np.round(100 + np.cumsum(rng.choice([-0.01, 0.0, 0.01], n)), 2)
    size = rng.integers(1, 5000, n) / 1000
    return Trades(ts, price, size, rng.choice(np.array([-1, 1], np.int8), n))


def cut(trades: Trades, n: int) -> Trades:
    return Trades(trades.ts[:n], trades.price[:n], trades.size[:n], trades.sign[:n], trades.exchange_ts[:n])


def buckets_in_fractions(trades: Trades, bucket: Fraction) -> list[tuple[Fraction, Fraction, int]]:
    """Bought, sold and time of every full bucket, filled one trade after the other."""
    out, bought, sold = [], Fraction(0), Fraction(0)
    for ts, size, sign in zip(trades.ts.tolist(), trades.size.tolist(), trades.sign.tolist(), strict=True):
        left = Fraction(str(size))
        while left:
            part = min(left, bucket - bought - sold)
            bought += part * Fraction(sign + 1, 2)
            sold += part * Fraction(1 - sign, 2)
            left -= part
            if bought + sold == bucket:
                out.append((bought, sold, ts))
                bought = sold = Fraction(0)
    return out


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 50_000), st.sampled_from([-1, 0, 1])), min_size=1, max_size=60),
    st.integers(1, 30_000),
    st.integers(1, 5),
)
def test_trades_are_split_across_buckets_exactly(rows: list[tuple[int, int]], bucket: int, window: int) -> None:
    size = np.array([q / 1000 for q, _ in rows])
    trades = Trades(np.arange(len(rows)), np.full(len(rows), 10.0), size, [s for _, s in rows])
    wanted = buckets_in_fractions(trades, Fraction(bucket, 1000))
    found = vpin(trades, bucket_volume=bucket / 1000, window=window)
    assert found.bought.tolist() == [float(b) for b, _, _ in wanted]
    assert found.sold.tolist() == [float(s) for _, s, _ in wanted]
    assert found.ts.tolist() == [t for _, _, t in wanted]
    total = sum(q for q, _ in rows)
    assert found.rest == (total % bucket) / 1000
    for k in range(len(wanted)):
        if k < window - 1:
            assert np.isnan(found.vpin[k])
        else:
            gaps = sum(abs(b - s) for b, s, _ in wanted[k - window + 1 : k + 1])
            assert found.vpin[k] == pytest.approx(float(gaps / (window * Fraction(bucket, 1000))), rel=1e-14)


@pytest.mark.parametrize("sign", ["given", "tick", "bulk"])
def test_vpin_knows_nothing_later(sign: Any) -> None:
    trades = tape()
    options: dict[str, Any] = {"bucket_volume": 40, "window": 5, "sign": sign, "bar_ns": 5 * SECOND, "sigma_window": 10}
    whole, short = vpin(trades, **options), vpin(cut(trades, 1200), **options)
    n = short.ts.size
    assert n > 20
    np.testing.assert_array_equal(short.vpin, whole.vpin[:n])
    np.testing.assert_array_equal(short.ts, whole.ts[:n])
    assert (whole.vpin[4:] >= 0).all()
    assert (whole.vpin[4:] <= 1).all()
    np.testing.assert_allclose(whole.bought + whole.sold, 40, rtol=1e-12)


def test_vpin_of_one_sided_and_of_balanced_flow() -> None:
    n = 400
    ones = Trades(np.arange(n), np.full(n, 10.0), np.ones(n), np.ones(n, np.int8))
    assert (vpin(ones, bucket_volume=10, window=5).vpin[4:] == 1).all()
    turns = Trades(np.arange(n), np.full(n, 10.0), np.ones(n), np.where(np.arange(n) % 2, 1, -1))
    assert (vpin(turns, bucket_volume=10, window=5).vpin[4:] == 0).all()
    blind = Trades(np.arange(n), np.full(n, 10.0), np.ones(n))
    found = vpin(blind, bucket_volume=10, window=5)
    assert (found.unknown, (found.vpin[4:] == 0).all()) == (n, True)


def test_bulk_classification_by_hand() -> None:
    close = [100.0, 101.0, 101.0, 99.0]
    bought, sold = bulk_volume(close, [10.0] * 4, window=2)
    deviation = math.sqrt(((1 - 0.5) ** 2 + 0.5**2) / 1)
    assert np.isnan(bought[:2]).all()
    assert bought[2] == 5
    deviation = math.sqrt((1.0**2 + 1.0**2) / 1)
    assert bought[3] == pytest.approx(10 * 0.5 * math.erfc(2 / deviation / math.sqrt(2)))
    np.testing.assert_allclose(bought[2:] + sold[2:], 10)
    flat, _ = bulk_volume([5.0] * 6, [4.0] * 6, window=3)
    assert flat[3:].tolist() == [2.0] * 3


def test_tick_rule_carries_the_last_sign() -> None:
    assert tick_rule([5, 5, 6, 6, 6, 5, 5, 7]).tolist() == [0, 0, 1, 1, 1, -1, -1, 1]
    assert tick_rule([]).tolist() == []


@pytest.mark.shared_data
def test_the_tick_rule_is_mostly_what_the_venue_says(shared_data: Path) -> None:
    from tradewright.data.trades import read_trades

    trades, _ = read_trades(shared_data / "open" / "lob" / "binance_spot_btcusdt_20240808.ndjson.gz")
    assert (tick_rule(trades.price) == trades.sign).mean() > 0.8


def test_signed_volume_between_stamps() -> None:
    trades = tape()
    stamps = np.unique(trades.ts[::50])
    found = signed_volume(trades, stamps)
    begin = -1
    for k, end in enumerate(stamps.tolist()):
        inside = (trades.ts > begin) & (trades.ts <= end)
        assert found.net[k] == pytest.approx(trades.signed_size[inside].sum(), abs=1e-9)
        assert found.count[k] == inside.sum()
        begin = end
    assert (np.abs(found.imbalance) <= 1).all()


def test_order_flow_of_every_kind_of_change() -> None:
    """Bid up, bid down, ask down, ask up, sizes only: each line of the definition."""
    bid, bid_size = [99, 100, 98, 98, 98, 98], [5, 2, 7, 7, 7, 3]
    ask, ask_size = [101, 101, 101, 100, 103, 103], [6, 6, 6, 4, 9, 8]
    flow = order_flow_imbalance(bid, bid_size, ask, ask_size)
    assert np.isnan(flow[0])
    assert flow[1:].tolist() == [2, -2, -4, 4, -4 + 1]


def by_hand(trades: Trades, weight: np.ndarray[Any, Any], limit: float) -> list[int]:
    ends, total = [], Fraction(0)
    for k, w in enumerate(weight.tolist()):
        total += Fraction(str(round(w, 9)))
        if total >= Fraction(str(limit)):
            ends.append(k)
            total = Fraction(0)
    return ends


@pytest.mark.parametrize(("kind", "limit"), [("tick", 37), ("volume", 60.5), ("dollar", 5000)])
def test_bars_end_with_the_trade_that_fills_them(kind: str, limit: float) -> None:
    trades = tape()
    weight = {"tick": np.ones(len(trades)), "volume": trades.size, "dollar": trades.size * trades.price}[kind]
    ends = by_hand(trades, weight, limit)
    bars = trade_bars(trades, kind, limit)
    assert bars.ts.tolist() == trades.ts[ends].tolist()
    begins = [0, *(k + 1 for k in ends[:-1])]
    for j, (a, b) in enumerate(zip(begins, ends, strict=True)):
        price, size = trades.price[a : b + 1], trades.size[a : b + 1]
        assert (bars.open[j], bars.high[j], bars.low[j], bars.close[j]) == (
            price[0],
            price.max(),
            price.min(),
            price[-1],
        )
        assert bars.volume[j] == pytest.approx(size.sum())
        assert bars.vwap[j] == pytest.approx((price * size).sum() / size.sum())
        assert bars.bought[j] - bars.sold[j] == pytest.approx(trades.signed_size[a : b + 1].sum())
    assert bars.open_trades == len(trades) - 1 - ends[-1]


def test_time_bars_are_known_at_their_end_and_leave_out_what_is_open() -> None:
    trades = Trades([0, 9, 10, 19, 40, 41], [1.0, 2, 3, 4, 5, 6], [1.0] * 6)
    bars = trade_bars(trades, "time", 10)
    assert bars.ts.tolist() == [10, 20]
    assert bars.close.tolist() == [2, 4]
    assert bars.open_trades == 2


@pytest.mark.parametrize("kind", KINDS)
def test_bars_do_not_change_when_later_trades_are_cut_off(kind: str) -> None:
    trades = tape()
    size = {"time": 7 * SECOND, "tick": 20, "volume": 30, "dollar": 4000}.get(kind)
    whole, short = (trade_bars(t, kind, size, expected_ticks=40) for t in (trades, cut(trades, 1300)))
    n = len(short)
    assert n > 5
    for name in ("ts", "open", "high", "low", "close", "volume", "bought", "count", "threshold"):
        np.testing.assert_array_equal(getattr(short, name), getattr(whole, name)[:n])
    assert whole.count.sum() + whole.open_trades == len(trades)
    assert (short.ts <= cut(trades, 1300).ts[-1]).all()


def test_imbalance_bars_reach_what_was_expected_of_them() -> None:
    trades = tape(6000, seed=1)
    bars = trade_bars(trades, "volume_imbalance", expected_ticks=50)
    begin = 0
    for j, count in enumerate(bars.count.tolist()):
        flow = np.cumsum(trades.signed_size[begin : begin + count])
        assert abs(flow[-1]) >= bars.threshold[j] - 1e-9
        if j:  # the first also waits for its expected number of trades
            assert (np.abs(flow[:-1]) < bars.threshold[j] + 1e-9).all()
        begin += count


def test_one_sided_flow_makes_imbalance_bars_come_faster() -> None:
    calm = tape(3000, seed=2)
    pressed = Trades(calm.ts, calm.price, calm.size, np.concatenate([calm.sign[:1500], np.ones(1500, np.int8)]))
    at = int(calm.ts[1500])
    quick, slow = (trade_bars(t, "tick_imbalance", expected_ticks=100) for t in (pressed, calm))
    assert (quick.ts > at).sum() > 2 * (slow.ts > at).sum()


def test_bars_become_bars() -> None:
    trades = Trades([5, 5, 5, 5], [1.0, 2, 3, 4], [1.0] * 4)
    bars = trade_bars(trades, "tick", 2).to_bars("AB")
    assert bars.ts.tolist() == [5, 6]
    assert bars.close[:, 0].tolist() == [2, 4]
    assert "1 bars shared an instant" in bars.provenance.notes[0]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: trade_bars(tape(), "volum", 3), "did you mean 'volume'"),
        (lambda: trade_bars(tape(), "volume"), "need one"),
        (lambda: trade_bars(tape(), "tick", 2.5), "whole number"),
        (lambda: trade_bars(tape(), "tick_imbalance", 3), "no size"),
        (lambda: trade_bars(tape(), "tick_imbalance", bounds=(2, 3)), "with 1 between"),
        (lambda: trade_bars(tape(), "tick", 3, sign="given?"), "did you mean 'given'"),
        (lambda: vpin(tape(), bucket_volume=0), "above 0"),
        (lambda: vpin(tape(), bucket_volume=1e-9), "finer than 8"),
        (lambda: vpin(tape(), bucket_volume=1, window=0), "1 or more"),
        (lambda: vpin(tape(), bucket_volume=1, sign="bulky"), "did you mean 'bulk'"),
        (lambda: signed_volume(tape(), [2, 1]), "rising"),
        (lambda: bulk_volume([1.0, 2.0], [1.0]), "one length"),
        (lambda: bulk_volume([1.0, 2.0], [1.0, 1.0], sigma=0.0), "above 0"),
        (lambda: order_flow_imbalance([1], [1], [1], [1, 2]), "one length"),
        (lambda: vpin(Trades([1, 2], [1.0, 1.0], [5e10, 1.0]), bucket_volume=1), "larger units"),
    ],
)
def test_wrong_calls_are_refused(call: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()
