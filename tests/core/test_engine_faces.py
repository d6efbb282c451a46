"""What both engines refuse, and what their faces promise beside fills: errors, kept tables, context, book."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

DAY = 86_400_000_000_000
PRICES = np.array([10.0, 11.0, 12.0, 11.0, 13.0])


@pytest.fixture(params=["_reference", "_core"])
def engine(request: pytest.FixtureRequest) -> ModuleType:
    """Each engine that can be loaded."""
    if request.param == "_core":
        return pytest.importorskip("tradewright._core", reason="the compiled engine is not built")
    return importlib.import_module("tradewright._reference")


def market(engine: ModuleType, **changes: Any) -> Any:
    x = changes.pop("prices", PRICES)
    ts = changes.pop("ts", np.arange(1, len(x) + 1, dtype=np.int64) * DAY)
    return engine.Market(ts, x, x + 0.5, x - 0.5, x, **changes)


def orders(**changes: Any) -> dict[str, Any]:
    """Table of one market order, with some columns changed."""
    table: dict[str, Any] = {
        "bar": np.array([0], dtype=np.int64),
        "asset": np.array([0], dtype=np.int64),
        "kind": np.array([0], dtype=np.int8),
        "quantity": np.array([1.0]),
    }
    return table | changes


REFUSED: dict[str, Callable[[ModuleType], Any]] = {
    "unknown setting": lambda e: e.Spec(1, stpo=0.1),
    "unknown choice": lambda e: e.Spec(1, fill="next_opne"),
    "number that is not finite": lambda e: e.Spec(1, stop=float("nan")),
    "negative rate": lambda e: e.Spec(1, taker_rate=-0.1),
    "no cash": lambda e: e.Spec(1, initial_cash=0.0),
    "leverage under one": lambda e: e.Spec(1, leverage=0.5),
    "lots for other assets": lambda e: e.Spec(2, lot=np.array([1.0, 1.0, 1.0])),
    "no assets": lambda e: e.Spec(0),
    "stamps that fall": lambda e: market(e, ts=np.array([1, 3, 2, 4, 5], dtype=np.int64)),
    "stamps that repeat": lambda e: market(e, ts=np.array([1, 2, 2, 4, 5], dtype=np.int64)),
    "fields of other lengths": lambda e: e.Market(
        np.arange(5, dtype=np.int64), PRICES, PRICES[:4].copy(), PRICES, PRICES
    ),
    "session of another length": lambda e: market(e, session=np.array([0, 0], dtype=np.int64)),
    "split by zero": lambda e: market(
        e,
        actions={
            "bar": np.array([1], dtype=np.int64),
            "asset": np.array([0], dtype=np.int64),
            "kind": np.array([0], dtype=np.int8),
            "value": np.array([0.0]),
        },
    ),
    "action on an asset that is not there": lambda e: market(
        e,
        actions={
            "bar": np.array([1], dtype=np.int64),
            "asset": np.array([1], dtype=np.int64),
            "kind": np.array([0], dtype=np.int8),
            "value": np.array([2.0]),
        },
    ),
    "other number of assets": lambda e: e.run_signals(market(e), e.Spec(2), np.zeros((5, 1), dtype=np.int8)),
    "signals of another length": lambda e: e.run_signals(market(e), e.Spec(1), np.zeros(4, dtype=np.int8)),
    "signal that is none": lambda e: e.run_signals(market(e), e.Spec(1), np.full(5, 7, dtype=np.int8)),
    "risk without a stop": lambda e: e.run_signals(market(e), e.Spec(1, size_mode="risk"), np.ones(5, dtype=np.int8)),
    "rows of weights that fall": lambda e: e.run_weights(
        market(e), e.Spec(1), np.array([2, 1], dtype=np.int64), np.ones((2, 1))
    ),
    "row of weights after the end": lambda e: e.run_weights(
        market(e), e.Spec(1), np.array([5], dtype=np.int64), np.ones((1, 1))
    ),
    "order after the end": lambda e: e.run_orders(market(e), e.Spec(1), orders(bar=np.array([5], dtype=np.int64))),
    "order for no asset": lambda e: e.run_orders(market(e), e.Spec(1), orders(asset=np.array([3], dtype=np.int64))),
    "order of no kind": lambda e: e.run_orders(market(e), e.Spec(1), orders(kind=np.array([9], dtype=np.int8))),
    "quantity that is not finite": lambda e: e.run_orders(market(e), e.Spec(1), orders(quantity=np.array([np.nan]))),
    "column that is unknown": lambda e: e.run_orders(market(e), e.Spec(1), orders(limt=np.array([1.0]))),
    "trail that is a price": lambda e: e.run_orders(
        market(e), e.Spec(1), orders(trail_stop=np.array([9.0]), trail_stop_kind=np.array([3], dtype=np.int8))
    ),
    "unknown rule": lambda e: e.rule_signals("sma_corss", market(e), np.array([1.0, 2.0])),
    "rule with too few numbers": lambda e: e.rule_signals("sma_cross", market(e), np.array([1.0])),
    "window of nothing": lambda e: e.sma(PRICES, 0),
    "momentum before it is known": lambda e: e.momentum_weights(np.ones((9, 2)), 5, 1, 2, 1, 3),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_with_a_sentence(engine: ModuleType, name: str) -> None:
    with pytest.raises(ValueError) as caught:
        REFUSED[name](engine)
    assert len(str(caught.value)) > 15


def test_a_mistyped_setting_gets_its_close_match(engine: ModuleType) -> None:
    with pytest.raises(ValueError, match="half_spread"):
        engine.Spec(1, half_spred=0.1)


def test_money_beyond_the_ledger_is_an_error_and_no_wrap(engine: ModuleType) -> None:
    spec = engine.Spec(1, initial_cash=1e25, leverage=1.0)
    with pytest.raises(OverflowError):
        engine.run_orders(market(engine, prices=PRICES * 1e20), spec, orders(quantity=np.array([1e20])))


def test_without_tables_the_figures_are_the_same(engine: ModuleType) -> None:
    signals = np.array([1, 0, 1, 1, 0], dtype=np.int8)
    whole = engine.run_signals(market(engine), engine.Spec(1), signals)
    lean = engine.run_signals(market(engine), engine.Spec(1), signals, keep=False)
    assert len(whole.fills["bar"]) == 3
    assert len(lean.fills["bar"]) == len(lean.orders["id"]) == len(lean.equity) == 0
    np.testing.assert_array_equal(list(whole.stats.values()), list(lean.stats.values()))
    assert (whole.final_equity, whole.final_cash_units) == (lean.final_equity, lean.final_cash_units)


def test_an_exception_in_the_callback_ends_the_run(engine: ModuleType) -> None:
    seen = []

    def on_bar(ctx: Any) -> None:
        seen.append(ctx.bar)
        if ctx.bar == 2:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        engine.run_callback(market(engine), engine.Spec(1), on_bar)
    assert seen == [0, 1, 2]


def test_the_context_shows_the_past_only(engine: ModuleType) -> None:
    seen: dict[int, list[float]] = {}

    def on_bar(ctx: Any) -> None:
        seen[ctx.bar] = ctx.history("close", 3).tolist()
        assert ctx.close == PRICES[ctx.bar]
        assert (ctx.open, ctx.high, ctx.low) == (ctx.close, ctx.close + 0.5, ctx.close - 0.5)
        assert ctx.ts == (ctx.bar + 1) * DAY
        assert ctx.n_assets == 1

    engine.run_callback(market(engine), engine.Spec(1), on_bar)
    assert seen[0] == [10.0]
    assert seen[1] == [10.0, 11.0]
    assert seen[4] == [12.0, 11.0, 13.0]


def test_the_context_trades(engine: ModuleType) -> None:
    log: list[Any] = []

    def on_bar(ctx: Any) -> None:
        if ctx.bar == 0:
            log.append(ctx.buy(quantity=10.0, stop_loss=0.5))
            log.append(ctx.buy(quantity=5.0, limit=1.0))
        elif ctx.bar == 1:
            log.append((ctx.position, ctx.entry_price, ctx.active_orders()))
            log.append((ctx.cancel(1), ctx.cancel(1), ctx.cancel(99)))
        elif ctx.bar == 2:
            log.append((ctx.close_position(), ctx.close_position()))
        else:
            log.append((ctx.position, ctx.active_orders(), ctx.equity == ctx.cash))

    run = engine.run_callback(market(engine), engine.Spec(1), on_bar)
    assert log[0] == 0
    assert log[2] == (10.0, 11.0, [1, 2])
    assert log[3] == (True, False, False)
    assert log[4] == (3, None)
    assert log[5] == (0.0, [], True)
    assert run.fills["quantity"].tolist() == [10.0, -10.0]
    assert run.fills["price"].tolist() == [11.0, 11.0]


@pytest.mark.parametrize("call", ["field", "history", "buy", "order"])
def test_the_context_refuses_unknown_words(engine: ModuleType, call: str) -> None:
    def on_bar(ctx: Any) -> None:
        if call == "field":
            ctx.field("clsoe")
        elif call == "history":
            ctx.history("clsoe", 2)
        elif call == "buy":
            ctx.buy(tif="dya")
        else:
            ctx.order(1.0, "makret")

    with pytest.raises(ValueError, match=r"clsoe|dya|makret"):
        engine.run_callback(market(engine), engine.Spec(1), on_bar)


def test_the_book_asks_for_its_steps_in_order(engine: ModuleType) -> None:
    book = engine.Book(engine.Spec(1))
    one = np.array([10.0])
    book.step(DAY, 0, one, one, one, one)
    with pytest.raises(ValueError):
        book.step(2 * DAY, 1, one, one, one, one)
    book.decided()
    with pytest.raises(ValueError):
        book.step(DAY, 1, one, one, one, one)


def test_metrics_of_a_run_follow_their_definitions(engine: ModuleType) -> None:
    """By hand: 10 shares bought at 11 and sold at 11, then 10 bought at 13 and open at 13; five periods a year."""
    spec = engine.Spec(1, initial_cash=1000.0, size_mode="quantity", size=10.0, periods_per_year=5.0)
    run = engine.run_signals(market(engine), spec, np.array([1, 1, 0, 1, 1], dtype=np.int8))
    assert run.equity.tolist() == [1000.0, 1000.0, 1010.0, 1000.0, 1000.0]
    stats = run.stats
    assert list(stats) == list(engine.METRICS)
    returns = np.array([0.0, 0.0, 0.01, 1000.0 / 1010.0 - 1.0, 0.0])
    assert stats["volatility"] == pytest.approx(returns.std(ddof=1) * 5**0.5, rel=1e-12)
    assert stats["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * 5**0.5, rel=1e-12)
    assert stats["sortino"] == pytest.approx(returns.mean() / np.sqrt((returns[3] ** 2) / 5) * 5**0.5, rel=1e-12)
    assert stats["max_drawdown"] == pytest.approx(1000.0 / 1010.0 - 1.0, rel=1e-12)
    assert stats["max_drawdown_bars"] == 2.0
    assert (stats["n_trades"], stats["win_rate"], stats["expectancy"]) == (1.0, 0.0, 0.0)
    assert np.isnan(stats["profit_factor"])
    assert stats["exposure"] == pytest.approx(3.0 / 5.0)
    assert stats["turnover"] == pytest.approx((110.0 + 110.0 + 130.0) / run.equity.mean())
    assert stats["total_return"] == stats["cagr"] == 0.0


def test_the_book_tells_what_happened_as_it_happens(engine: ModuleType) -> None:
    """What a simulated broker reports bar by bar: new fills, the state of every order, cash movements."""
    book = engine.Book(engine.Spec(1, initial_cash=1_000.0, taker_rate=0.001))
    seen = 0
    for day, price in enumerate((10.0, 11.0, 12.0), start=1):
        one = np.array([price])
        book.step(day * DAY, day, one, one, one, one)
        fresh = book.fills(seen)
        assert fresh["bar"].tolist() == [day - 1] * len(fresh["bar"])
        seen += len(fresh["bar"])
        if day == 1:
            bought = book.submit(10.0)
            resting = book.submit(-10.0, "limit", limit=20.0)
        book.decided()
    assert seen == 1
    orders = book.orders()
    states = [engine.STATUSES[code] for code in orders["status"]]
    assert (states[bought], states[resting]) == ("filled", "pending")
    assert orders["filled"].tolist() == [10.0, 0.0]
    assert book.cash_flows()["bar"].size == 0
    assert list(book.fills()) == list(book.finish().fills)
