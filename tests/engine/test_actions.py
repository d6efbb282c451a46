"""Corporate actions through a whole backtest: what is held, what rests, what is decided, on real and drawn prices."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tradewright as tw
from tradewright.data.adjust import adjust
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, InputError
from tradewright.engine.decisions import Decisions, decide_prepared
from tradewright.engine.prepared import adjusted_bars, prepare
from tradewright.engine.settings import Settings
from tradewright.strategies.registry import make_strategy
from tradewright.testing import walk_bars

FREE: dict[str, Any] = {"no_costs": True, "benchmark": None}


@pytest.fixture(scope="module")
def aapl(shared_data: Path) -> Bars:
    """AAPL of 2014 as it was quoted: a split of seven for one and four dividends."""
    path = shared_data / "open" / "corporate_actions" / "quandl_wiki_raw_4stocks_2014.csv.gz"
    return tw.load("AAPL", data=path)


def _row(bars: Bars, day: str) -> int:
    return int(np.flatnonzero(tw.data.session_dates(bars) == np.datetime64(day))[0])


def _order(bar: int, quantity: float, **more: Any) -> dict[str, Any]:
    return {"bar": bar, "quantity": quantity, **more}


@pytest.mark.shared_data
def test_a_split_is_not_a_crash(aapl: Bars) -> None:
    """100 shares become 700, no stop fires, equity moves by the market only, to the cent."""
    split = _row(aapl, "2014-06-09")
    assert (aapl.close[split - 1, 0], aapl.close[split, 0]) == (645.57, 93.70)
    buy = split - 3
    result = tw.backtest(aapl, orders=[_order(buy, 100, stop_loss=0.1, trail_stop=0.1)], end="2014-06-20", **FREE)
    assert result.fills["quantity"].tolist() == [100.0]
    assert result.run.positions["quantity"].tolist() == [700.0]
    change = result.equity[split] - result.equity[split - 1]
    assert change == pytest.approx(700 * 93.70 - 100 * 645.57, abs=1e-6)
    assert round(change, 2) == 1033.00
    assert result.stats["max_drawdown"] > -0.05
    assert set(result.orders["status"]) == {"filled", "pending"}


@pytest.mark.shared_data
def test_a_resting_limit_and_both_stops_are_restated_and_still_work(aapl: Bars) -> None:
    split = _row(aapl, "2014-06-09")
    orders = [
        _order(split - 3, 100, stop_loss=0.04, trail_stop=0.03),
        _order(split - 3, 10, kind="limit", limit=637.0),
    ]
    result = tw.backtest(aapl, orders=orders, end="2014-07-31", **FREE)
    entry = float(result.fills["price"][0])
    by_order = dict(zip(result.orders["id"].tolist(), result.orders.rows(), strict=True))
    stop = next(row for row in by_order.values() if row["kind"] == "stop")
    assert stop["stop"] == pytest.approx(entry * 0.96 / 7)
    limit = next(row for row in by_order.values() if row["kind"] == "limit")
    assert limit["limit"] == pytest.approx(637.0 / 7)
    bought = [row for row in result.fills.rows() if row["order"] == limit["id"]]
    assert [(row["quantity"], row["price"]) for row in bought] == [(70.0, pytest.approx(91.0))]
    low = result.bars.low[bought[0]["bar"], 0]
    assert low <= 91.0 < result.bars.low[split : bought[0]["bar"], 0].min()
    sold = [row for row in result.fills.rows() if row["quantity"] < 0]
    assert [row["quantity"] for row in sold] == [-700.0]
    exit_bar = sold[0]["bar"]
    assert exit_bar > split
    high = max(entry / 7, *(result.bars.high[t, 0] / (7 if t < split else 1) for t in range(split - 2, exit_bar)))
    assert sold[0]["price"] == pytest.approx(high * 0.97, abs=0.35)


@pytest.mark.shared_data
@pytest.mark.parametrize("side", [1, -1])
def test_dividends_are_cash_also_on_shorts(aapl: Bars, side: int) -> None:
    result = tw.backtest(aapl, orders=[_order(0, 100.0 * side)], **FREE)
    flows = [(row["kind"], row["amount"]) for row in result.cash_flows.rows()]
    paid = [100 * 3.05, 100 * 3.29, 700 * 0.47, 700 * 0.47]
    assert flows == [("dividend", pytest.approx(side * amount)) for amount in paid]
    gain = 700 * aapl.close[-1, 0] - 100 * aapl.open[1, 0] + sum(paid)
    assert result.equity[-1] - result.equity[0] == pytest.approx(side * gain, abs=1e-6)


@pytest.mark.shared_data
def test_decisions_see_no_crash_at_the_split(aapl: Bars) -> None:
    """An average over the split sells on raw prices; on adjusted ones it decides as on prices that never split."""
    raw, seen = (tw.backtest(aapl, "sma_cross", params={"fast": 5, "slow": 20}, decide_on=how, **FREE)
                 for how in ("raw", "auto"))  # fmt: skip
    split = _row(aapl, "2014-06-09")
    assert "adjusted forward" in seen.conventions["decide_on"]
    assert raw.conventions["decide_on"] == "decisions and fills are at raw prices"
    whole = adjust(aapl, kind="split+dividend")
    there = tw.backtest(whole, "sma_cross", params={"fast": 5, "slow": 20}, **FREE)
    assert np.array_equal(seen.decisions.signals, there.decisions.signals)
    assert not np.array_equal(raw.decisions.signals, there.decisions.signals)
    after = slice(split, split + 20)
    assert (np.asarray(raw.decisions.signals)[after] == np.asarray(there.decisions.signals)[after]).mean() < 1.0
    assert seen.fills["price"].max() > 500.0, "fills are at prices as they were quoted"


@pytest.mark.shared_data
def test_atr_stops_know_the_range_of_the_market_only(aapl: Bars) -> None:
    """A stop of two true ranges set after the split is as wide as on prices that never split."""
    day = _row(aapl, "2014-06-11")
    order = [_order(day, 100, stop_loss=2.0, stop_loss_kind="atr")]
    whole = adjust(aapl)
    stops = [
        [row["stop"] for row in tw.backtest(bars, orders=order, stop="2atr", end="2014-06-13", **FREE).orders.rows()][1]
        for bars in (aapl, whole)
    ]
    assert stops[0] == pytest.approx(stops[1], rel=0.02)
    assert stops[0] > 85.0


def _drawn(seed: int, n: int = 120) -> Bars:
    """Raw bars of one instrument with two splits and two dividends, out of a walk that knows none of them."""
    walk = walk_bars(n, 1, seed=seed)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(np.arange(5, n - 1), 4, replace=False))
    scale, shares = np.ones(n), np.ones(n)
    actions = []
    for number, row in enumerate(rows.tolist()):
        if number % 2:
            ratio = float(rng.choice([2.0, 7.0, 0.5, 1.5]))
            scale[row:] /= ratio
            shares[row:] *= ratio
            actions.append((ActionKind.SPLIT, row, ratio))
        else:
            actions.append((ActionKind.DIVIDEND, row, float(walk.close[row - 1, 0] * scale[row - 1] * 0.01)))
    made = [
        CorporateAction(ts=int(walk.ts[row]), instrument=walk.instruments[0], kind=kind, value=value)
        for kind, row, value in actions
    ]
    fields = {name: np.ascontiguousarray(getattr(walk, name) * scale[:, None]) for name in ("open", "high", "low")}
    return Bars(
        walk.ts, **fields, close=np.ascontiguousarray(walk.close * scale[:, None]),
        volume=np.ascontiguousarray(walk.volume * shares[:, None]), instruments=walk.instruments,
        interval_ns=walk.interval_ns, provenance=walk.provenance, actions=tuple(sorted(made, key=lambda a: a.ts)),
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**20))
def test_what_a_decision_sees_never_changes_afterwards(seed: int) -> None:
    """Adjusted forward, the rows up to t are the same to the last bit whatever comes after t."""
    bars = _drawn(seed)
    whole = adjusted_bars(bars)
    assert whole is not None
    for cut in (10, 40, 77, 119):
        part = adjusted_bars(bars.head(cut))
        seen = bars.head(cut) if part is None else part
        for name in ("open", "high", "low", "close", "volume"):
            assert np.array_equal(getattr(seen, name), getattr(whole, name)[:cut], equal_nan=True), name
    assert whole.actions == (), "what a strategy is handed does not list later actions"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**20))
def test_a_holder_earns_the_market_and_the_dividends(seed: int) -> None:
    """Equity of a position moves by quantity times price, dividends added; a split alone moves nothing."""
    bars = _drawn(seed)
    result = tw.backtest(bars, orders=[_order(0, 50.0)], lot=0.0, **FREE)
    quantity, cash = 50.0, 100_000.0 - 50.0 * bars.open[1, 0]
    for t in range(1, bars.n_bars):
        for action in bars.actions:
            if t > 1 and action.ts == bars.ts[t]:
                if action.kind is ActionKind.SPLIT:
                    quantity *= action.value
                else:
                    cash += quantity * action.value
        assert result.equity[t] == pytest.approx(cash + quantity * bars.close[t, 0], abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**20))
def test_array_and_callback_and_sweep_agree_on_adjusted_prices(seed: int) -> None:
    """The same rule through signals, `on_bar` and a sweep trades the same where bars carry actions."""
    bars = _drawn(seed)
    made = Settings(decide_on="adjusted")
    prepared = prepare(bars, made)
    strategy = make_strategy("sma_cross", {"fast": 3, "slow": 8})
    arrays = decide_prepared(strategy, prepared)
    run = arrays.run(prepared.market, prepared.spec, bars)

    class Repeats:
        def init(self, seen: Bars) -> None:
            self.signals = decide_prepared(strategy, prepare(seen, made)).signals
            self.last = seen.n_bars - 1

        def on_bar(self, ctx: Any) -> None:
            code = int(self.signals[ctx.bar, 0])
            if code == -128 or ctx.bar == self.last or code == np.sign(ctx.position):
                return
            if ctx.position:
                ctx.close_position()
            if code:
                (ctx.buy if code > 0 else ctx.sell)()

    callback = decide_prepared(Repeats(), prepared)
    assert callback.seen is arrays.seen
    other = callback.run(prepared.market, prepared.spec, bars)
    assert np.array_equal(run.equity, other.equity)
    swept = tw.sweep(bars, "sma_cross", grid={"fast": [3], "slow": [8]}, decide_on="adjusted")
    assert swept.values("total_return")[0] == run.stats["total_return"]


def test_a_callback_may_ask_for_history_in_prices_of_now() -> None:
    bars = _drawn(11)
    whole = adjusted_bars(bars)
    assert whole is not None
    seen: list[tuple[Any, Any, float]] = []

    class Looks:
        def on_bar(self, ctx: Any) -> None:
            seen.append((ctx.history("close", 30, adjusted=True), ctx.history("volume", 30, adjusted=True), ctx.close))

    tw.backtest(bars, Looks, **FREE)
    for t, (close, volume, now) in enumerate(seen):
        assert close[-1] == now == bars.close[t, 0]
        window = slice(max(0, t - 29), t + 1)
        np.testing.assert_allclose(close, whole.close[window, 0] * now / whole.close[t, 0], rtol=1e-12)
        np.testing.assert_allclose(volume, whole.volume[window, 0] * bars.volume[t, 0] / whole.volume[t, 0], rtol=1e-12)


def test_orders_and_callbacks_state_raw_prices_unless_told_otherwise() -> None:
    bars = _drawn(5)

    class Orders:
        def orders(self, given: Bars) -> list[dict[str, Any]]:
            self.seen = given
            return []

    for how, adjusted in (("auto", False), ("raw", False), ("adjusted", True)):
        decisions = decide_prepared(Orders(), prepare(bars, Settings(decide_on=how)))
        assert (decisions.seen is not None) == adjusted, how
    assert isinstance(decisions, Decisions)


def _closes(prices: list[float], **more: Any) -> Bars:
    days = np.array(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"], dtype="datetime64[D]")
    stamps = days[: len(prices)] + np.timedelta64(21, "h")
    return Bars.from_arrays(stamps, prices, prices, prices, prices, symbols="X", interval_ns=86_400 * 10**9, **more)


def test_a_delisting_ends_everything_and_is_said() -> None:
    bars = _closes([10.0, 10.0, 9.0, 8.0, 8.0])
    rows = [{"date": "2024-01-04", "symbol": "X", "kind": "delisting", "value": 4}]
    result = tw.backtest(bars, signals=np.ones(5), actions=rows, size=0.5, **FREE)
    assert result.trades["exit_reason"].tolist() == ["delisted"]
    assert result.trades["exit_price"].tolist() == [4.0]
    assert result.equity.tolist() == pytest.approx([100_000, 100_000, 70_000, 70_000, 70_000])
    assert np.isnan(result.bars.close[2:, 0]).all()
    assert result.run.refusals == {"delisted": 2}
    assert "delisting" in result.conventions["corporate_actions"]


def test_a_delisting_after_the_last_bar_adds_its_row() -> None:
    rows = [{"date": "2024-01-05", "symbol": "X", "kind": "delisting", "value": 0}]
    result = tw.backtest(_closes([10.0, 10.0, 9.0]), signals=np.ones(3), actions=rows, size=0.5, **FREE)
    assert result.bars.n_bars == 4
    assert result.equity.tolist() == pytest.approx([100_000, 100_000, 95_000, 50_000])
    assert result.trades["exit_reason"].tolist() == ["delisted"]


def test_a_change_of_symbol_keeps_position_stop_and_limit() -> None:
    days = np.array(["2024-01-02T21:00", "2024-01-03T21:00", "2024-01-04T21:00", "2024-01-05T21:00"], "datetime64[ns]")
    nan = np.nan
    prices = np.array([[10.0, nan], [10.0, nan], [nan, 10.0], [nan, 8.0]])
    bars = Bars.from_arrays(days, prices, prices, prices, prices, symbols=["FB", "META"], interval_ns=86_400 * 10**9)
    rows = [{"date": "2024-01-04", "symbol": "FB", "kind": "symbol_change", "new_symbol": "META"}]
    orders = [
        {"bar": 0, "symbol": "META", "quantity": 100, "stop_loss": 0.1},
        {"bar": 1, "symbol": "META", "quantity": 5, "kind": "limit", "limit": 9.0},
    ]
    result = tw.backtest(bars, orders=orders, actions=rows, **FREE)
    assert result.symbols == ("META",)
    assert result.fills["quantity"].tolist() == [100.0, -100.0, 5.0]
    assert result.fills["price"].tolist() == [10.0, 8.0, 8.0]


def test_a_result_with_an_actions_file_verifies(tmp_path: Path) -> None:
    from tradewright.engine.verify import verify

    data, actions = tmp_path / "X.csv", tmp_path / "actions.csv"
    with data.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "open", "high", "low", "close", "volume"])
        for day in range(1, 29):
            price = (100.0 + day) / (2.0 if day >= 15 else 1.0)
            writer.writerow([f"2024-02-{day:02d}", price, price, price, price, 1000])
    actions.write_text("date,symbol,kind,value\n2024-02-15,X,split,2:1\n2024-02-20,X,dividend,0.5\n")
    result = tw.backtest(data, "buy_and_hold", actions=actions, **FREE)
    kept = result.save(tmp_path / "result.json")
    assert verify(kept).same
    assert [str(a.kind) for a in result.bars.actions] == ["split", "dividend"]
    actions.write_text("date,symbol,kind,value\n2024-02-15,X,split,2:1\n")
    assert not verify(kept).same


def test_an_unknown_word_is_refused_with_what_is_known() -> None:
    with pytest.raises(ConfigError, match="did you mean 'adjusted'"):
        tw.backtest(_closes([1.0, 2.0, 3.0]), "buy_and_hold", decide_on="adjustd")
    rows = [{"date": "2024-01-04", "symbol": "X", "kind": "splitt", "value": 4}]
    with pytest.raises(InputError, match="did you mean 'split'"):
        tw.backtest(_closes([1.0, 2.0, 3.0]), "buy_and_hold", actions=rows)
