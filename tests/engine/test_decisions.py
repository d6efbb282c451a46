"""Whatever a user hands over as decisions becomes exactly what was meant, or an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.errors import InputError
from tradewright.engine.decisions import order_columns, signal_array, weight_rows
from tradewright.kernel import core
from tradewright.testing import walk_bars

BARS = walk_bars(4)
TWO = walk_bars(4, 2)


@pytest.mark.parametrize(
    "values",
    [
        [1, 0, -1, -128],
        [1.0, 0.0, -1.0, np.nan],
        np.array([1, 0, -1, -128], dtype=np.int64),
        np.array([[1], [0], [-1], [-128]], dtype=np.int8),
        [1, 0, -1, None],
    ],
)
def test_signals_in_any_form(values: Any) -> None:
    made = signal_array(values, BARS)
    assert made[:, 0].tolist() == [1, 0, -1, -128]
    assert made.dtype == np.int8
    assert made.flags.c_contiguous


def test_booleans_are_long_or_flat_and_frames_are_taken() -> None:
    import pandas as pd
    import polars as pl

    assert signal_array(np.array([True, False, True, True]), BARS)[:, 0].tolist() == [1, 0, 1, 1]
    assert signal_array(pd.Series([1, 0, 0, 1]), BARS)[:, 0].tolist() == [1, 0, 0, 1]
    assert signal_array(pl.Series([1, 0, 0, 1]), BARS)[:, 0].tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([1, 0, 1], "shape"),
        ([1, 0, 0.5, 1], "says .*0.5.* at bar 2"),
        ([1, 0, 2, 1], "at bar 2"),
        ([np.inf, 0, 1, 1], "at bar 0"),
        (["a", "b", "c", "d"], "signals are"),
    ],
)
def test_what_is_no_signal_is_refused(values: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        signal_array(values, BARS, "mine")


def test_weights_in_both_forms() -> None:
    full = np.full((4, 2), np.nan)
    full[1], full[3] = [0.5, np.nan], [0.2, 0.3]
    for given in (full, ([1, 3], [[0.5, np.nan], [0.2, 0.3]])):
        rows, weights = weight_rows(given, TWO)
        assert rows.tolist() == [1, 3]
        assert np.array_equal(weights, full[[1, 3]], equal_nan=True)


@pytest.mark.parametrize(
    "given",
    [
        ([3, 1], np.zeros((2, 2))),
        ([1, 9], np.zeros((2, 2))),
        ([1], np.zeros((2, 2))),
        ([1], [[np.inf, 0]]),
        np.zeros((3, 2)),
    ],
)
def test_what_are_no_weights_is_refused(given: Any) -> None:
    with pytest.raises(InputError):
        weight_rows(given, TWO)


def test_orders_in_any_form() -> None:
    import pandas as pd

    rows = [
        {"bar": 2, "symbol": "WALK2", "quantity": -3.0, "kind": "limit", "limit": 90.5, "tif": "day"},
        {"bar": 0, "symbol": "WALK1", "quantity": 5.0},
    ]
    columns = {key: [row.get(key) for row in rows] for key in rows[0]}
    for given in (rows, columns, pd.DataFrame(rows)):
        made = order_columns(given, TWO)
        assert made["bar"].tolist() == [0, 2], "ordered by bar"
        assert made["asset"].tolist() == [0, 1]
        assert [core.KINDS[k] for k in made["kind"]] == ["market", "limit"]
        assert [core.TIFS[k] for k in made["tif"]] == ["gtc", "day"]
        assert np.isnan(made["limit"][0])
        assert made["limit"][1] == 90.5


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"bar": 0}, "need a column 'quantity'"),
        ({"bar": 0, "quantity": 1, "symbol": "WALK1", "kindd": "market"}, "did you mean 'kind'"),
        ({"bar": 0, "quantity": 1, "symbol": "WALK1", "kind": "markt"}, "did you mean 'market'"),
        ({"bar": 9, "quantity": 1, "symbol": "WALK1"}, "bars must lie in"),
        ({"bar": 0, "quantity": 1}, "need a column 'symbol'"),
        ({"bar": 0, "quantity": 1, "symbol": "WALK9"}, "did you mean"),
        ({"bar": 0, "quantity": "x", "symbol": "WALK1"}, "not a number"),
        ({"bar": 0, "quantity": float("nan"), "symbol": "WALK1"}, "not finite"),
    ],
)
def test_what_is_no_order_is_refused(row: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        order_columns([row], TWO)


def test_a_bracket_order_works_through_the_front_door() -> None:
    close = np.array([100.0, 100, 100, 108, 100])
    bars = tw.Bars.from_arrays(None, close, close + 1, close - 1, close)
    found = tw.backtest(
        bars,
        orders=[{"bar": 0, "quantity": 10, "stop_loss": 0.05, "take_profit": 7.0, "take_profit_kind": "amount"}],
        no_costs=True,
    )
    assert found.trades["exit_reason"].tolist() == ["target"]
    assert found.trades["exit_price"].tolist() == [108.0], "a gap over the target fills at the open"
    assert found.trades["pnl"].tolist() == [80.0]


def test_a_size_per_bar_scales_entries() -> None:
    bars = walk_bars(30)
    signals = np.full(30, -128)
    signals[[2, 10]] = [1, 0]
    sizes = np.full(30, 0.25)
    found = tw.backtest(bars, signals=signals, size=sizes, no_costs=True)
    assert found.exposure[3] == pytest.approx(0.25, abs=0.02)
    with pytest.raises(InputError, match="size has shape"):
        tw.backtest(bars, signals=signals, size=sizes[:5])


def test_functions_return_signals_or_weights() -> None:
    signals = tw.backtest(TWO, lambda bars: np.ones(bars.close.shape))
    weights = tw.backtest(TWO, lambda bars: (np.array([0]), np.array([[0.5, 0.5]])))
    assert signals.decisions.kind == "signals"
    assert weights.decisions.kind == "weights"
    with pytest.raises(InputError, match="shape"):
        tw.backtest(TWO, lambda bars: np.ones(3))


def test_data_in_many_forms_gives_one_result() -> None:
    import pandas as pd
    import polars as pl

    bars = walk_bars(60)
    columns = {name: getattr(bars, name)[:, 0] for name in ("open", "high", "low", "close", "volume")}
    index = pd.to_datetime(bars.ts, utc=True)
    frame = pd.DataFrame(columns, index=index)
    results = [
        tw.backtest(data, "sma_cross", params={"fast": 3, "slow": 8}, symbols=symbols)
        for data, symbols in (
            (bars, None),
            (frame, "WALK"),
            (pl.DataFrame({"time": index.tz_convert(None).to_numpy(), **columns}), "WALK"),
            ({"time": index, **columns}, "WALK"),
        )
    ]
    for found in results[1:]:
        assert found.equity.tolist() == results[0].equity.tolist()
    numbered = tw.backtest(columns, "sma_cross", params={"fast": 3, "slow": 8})
    assert numbered.equity.tolist() == results[0].equity.tolist()


def test_indicators_hold_the_past_only() -> None:
    bars = walk_bars(50)
    seen: list[tuple[int, int, float]] = []

    class Looks(tw.Strategy):
        def init(self, bars):
            self.mean = self.indicator("sma", 5)
            self.own = self.indicator(lambda b: b.high[:, 0])
            self.range = self.indicator("atr", 4)

        def on_bar(self, ctx):
            seen.append((ctx.bar, len(self.mean), self.mean.now))
            assert self.own.now == self.own[-1] == float(self.own) == ctx.high
            assert self.own[-3:].tolist() == ctx.history("high", 3).tolist()[-len(self.own) :]
            if ctx.bar:
                assert self.own.before == self.own[-2]
            with pytest.raises(InputError, match="so far"):
                self.own[ctx.bar + 1]
            assert len(self.own) == len(self.range) == ctx.bar + 1

    tw.backtest(bars, Looks)
    want = core.sma(np.ascontiguousarray(bars.close[:, 0]), 5)
    assert [row[:2] for row in seen] == [(t, t + 1) for t in range(50)]
    assert np.array_equal([row[2] for row in seen], want, equal_nan=True)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (lambda self, bars: self.indicator("smaa", 5), "did you mean 'sma'"),
        (lambda self, bars: self.indicator(np.zeros(3)), "one value a bar"),
    ],
)
def test_a_wrong_indicator_is_refused(body: Any, sentence: str) -> None:
    class Wrong(tw.Strategy):
        init = body

        def on_bar(self, ctx):
            pass

    with pytest.raises(InputError, match=sentence):
        tw.backtest(walk_bars(20), Wrong)


def test_a_class_of_the_users_own_needs_no_base() -> None:
    class Plain:
        __slots__ = ()

        def on_bar(self, ctx):
            if ctx.bar == 3:
                ctx.order(7.0)

    found = tw.backtest(walk_bars(20), Plain)
    assert found.fills["quantity"].tolist() == [7.0]
    assert found.strategy_name == "Plain"


def test_an_error_in_a_callback_reaches_the_user() -> None:
    class Breaks:
        def on_bar(self, ctx):
            raise ZeroDivisionError("at bar 0")

    with pytest.raises(ZeroDivisionError, match="at bar 0"):
        tw.backtest(walk_bars(20), Breaks)
