"""The twelve canonical cases of a market memory: what happens to an instrument, and what the store learns later.

Ten cases run on both engines. The market of each moves by the action alone, so the value of the portfolio must not move
at all (to 1e-9 of it), and every order that rests must stand where the action puts it. The cases of late knowledge run
end to end on a store.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.app.cli import main
from tradewright.data.adjust import adjust
from tradewright.data.store import ParquetStore
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError
from tradewright.domain.instrument import Instrument
from tradewright.engine.known_today import as_known_today

DAY = 86_400_000_000_000
NAN = np.nan
SPLIT, DIVIDEND, DELISTING, SPIN_OFF, MERGER = range(5)
CASH = 100_000.0


@pytest.fixture(params=["_reference", "_core"])
def engine(request: pytest.FixtureRequest) -> ModuleType:
    """Each engine that can be loaded."""
    if request.param == "_core":
        return pytest.importorskip("tradewright._core", reason="the compiled engine is not built")
    return importlib.import_module("tradewright._reference")


class Played:
    """A run on flat candles, and what its orders became."""

    def __init__(
        self,
        engine: ModuleType,
        prices: list[list[float]],
        actions: list[dict[str, Any]],
        orders: list[dict[str, Any]],
        **spec: Any,
    ) -> None:
        table = np.array(prices, dtype=np.float64).T.copy()
        n_bars, n_assets = table.shape
        columns = {
            "bar": np.array([a["bar"] for a in actions], dtype=np.int64),
            "asset": np.array([a.get("asset", 0) for a in actions], dtype=np.int64),
            "kind": np.array([a["kind"] for a in actions], dtype=np.int8),
            "value": np.array([a.get("value", 0.0) for a in actions], dtype=np.float64),
            "other": np.array([a.get("other", -1) for a in actions], dtype=np.int64),
            "cash": np.array([a.get("cash", 0.0) for a in actions], dtype=np.float64),
            "price": np.array([a.get("price", 0.0) for a in actions], dtype=np.float64),
        }
        ts = np.arange(1, n_bars + 1, dtype=np.int64) * DAY
        market = engine.Market(ts, table, table, table, table, actions=columns)
        self.engine = engine
        self.run = engine.run_orders(market, engine.Spec(n_assets, initial_cash=CASH, **spec), _columns(engine, orders))
        self.equity = self.run.equity

    def rows(self, kind: str, *, asset: int = 0) -> list[dict[str, Any]]:
        """Orders of a kind."""
        orders, names = self.run.orders, self.engine.KINDS
        found = [i for i, k in enumerate(orders["kind"]) if names[k] == kind and orders["asset"][i] == asset]
        return [
            {
                "limit": float(orders["limit"][i]),
                "stop": float(orders["stop"][i]),
                "quantity": float(orders["quantity"][i]),
                "status": self.engine.STATUSES[orders["status"][i]],
                "reason": self.engine.REASONS[orders["reason"][i]],
            }
            for i in found
        ]

    @property
    def held(self) -> dict[int, float]:
        """Quantities at the end, by asset."""
        positions = self.run.positions
        return dict(zip(positions["asset"].tolist(), positions["quantity"].tolist(), strict=True))

    @property
    def costs(self) -> dict[int, float]:
        """Costs of what is held at the end, by asset."""
        positions = self.run.positions
        return dict(zip(positions["asset"].tolist(), positions["cost"].tolist(), strict=True))

    def flows(self, kind: str) -> float:
        """Sum of the cash movements of a kind."""
        flows = self.run.cash_flows
        return float(sum(x for k, x in zip(flows["kind"], flows["amount"], strict=True) if k == kind))

    def is_continuous(self) -> None:
        """The value never moves, and every unit of cash is accounted for."""
        np.testing.assert_allclose(self.equity, CASH, rtol=1e-9)
        moved = sum(self.run.fills["cash_units"]) + sum(self.run.cash_flows["units"])
        assert self.run.final_cash_units == round(CASH) * self.engine.UNIT + moved


def _columns(engine: ModuleType, orders: list[dict[str, Any]]) -> dict[str, Any]:
    """Orders as the engine takes them; distances of protection are fractions."""
    whole = ("bar", "asset", "group", "gtd")
    codes = ("kind", "tif", "trail_kind", "reduce_only", "stop_loss_kind", "take_profit_kind", "trail_stop_kind")
    empty = ("limit", "stop", "trail", "stop_loss", "take_profit", "trail_stop")
    rows = [
        {**dict.fromkeys((*whole, *codes), 0), **dict.fromkeys(empty, NAN), "group": -1, **order} for order in orders
    ]
    for row in rows:
        row["kind"] = engine.KINDS.index(row["kind"])
    types = dict.fromkeys(whole, np.int64) | dict.fromkeys(codes, np.int8)
    names = (*whole, *codes, *empty, "quantity")
    return {name: np.array([row[name] for row in rows], dtype=types.get(name, np.float64)) for name in names}


def _buy(quantity: float, **more: Any) -> dict[str, Any]:
    return {"bar": 0, "kind": "market", "quantity": quantity, **more}


# --- what happens to an instrument --------------------------------------------------------------------


def test_case_01_split_of_five_for_one(engine: ModuleType) -> None:
    played = Played(
        engine,
        [[500.0, 500.0, 100.0, 100.0]],
        [{"bar": 2, "kind": SPLIT, "value": 5.0}],
        [_buy(100.0, stop_loss=0.1, take_profit=0.2), {"bar": 0, "kind": "limit", "quantity": 10.0, "limit": 450.0}],
    )
    played.is_continuous()
    assert played.held == {0: 500.0}
    assert played.costs == {0: 50_000.0}, "the cost stays"
    (stop,), (target, limit) = played.rows("stop"), sorted(played.rows("limit"), key=lambda row: row["quantity"])
    assert (stop["stop"], stop["quantity"], stop["status"]) == (90.0, -500.0, "pending")
    assert (target["limit"], target["quantity"]) == (120.0, -500.0)
    assert (limit["limit"], limit["quantity"], limit["status"]) == (90.0, 50.0, "pending")


def test_case_02_reverse_split_with_fractions_paid(engine: ModuleType) -> None:
    played = Played(
        engine,
        [[10.0, 10.0, 100.0, 100.0]],
        [{"bar": 2, "kind": SPLIT, "value": 0.1}],
        [
            _buy(1_234.0, stop_loss=0.1),
            {"bar": 0, "kind": "limit", "quantity": 57.0, "limit": 9.0},
            {"bar": 0, "kind": "limit", "quantity": 5.0, "limit": 9.0},
        ],
        lot=1.0,
    )
    played.is_continuous()
    assert played.held == {0: 123.0}
    assert played.flows("cash_in_lieu") == pytest.approx(0.4 * 100.0, abs=1e-9)
    (stop,), (large, small) = played.rows("stop"), played.rows("limit")
    assert stop["stop"] == pytest.approx(90.0, rel=1e-12)
    assert (large["limit"], large["status"]) == (pytest.approx(90.0, rel=1e-12), "pending")
    assert (small["status"], small["reason"]) == ("cancelled", "split"), "half a share is no order"


def test_case_03_special_dividend(engine: ModuleType) -> None:
    """A fifth of the price is paid; the stop at 5 % below does not see it, nor does the limit to buy at 90."""
    played = Played(
        engine,
        [[100.0, 100.0, 80.0, 80.0]],
        [{"bar": 2, "kind": DIVIDEND, "value": 20.0}],
        [
            _buy(100.0, stop_loss=0.05, take_profit=0.1),
            _buy(100.0, trail_stop=0.1),
            {"bar": 0, "kind": "limit", "quantity": 10.0, "limit": 90.0},
        ],
    )
    played.is_continuous()
    assert played.held == {0: 200.0}
    assert played.flows("dividend") == 4_000.0
    (stop,), limits = played.rows("stop"), played.rows("limit")
    assert (stop["stop"], stop["status"]) == (75.0, "pending"), "sell stops go down by the dividend"
    by_quantity = {row["quantity"]: row for row in limits}
    assert by_quantity[10.0]["limit"] == 70.0, "buy limits go down by the dividend"
    assert by_quantity[-100.0]["limit"] == pytest.approx(110.0), "targets to sell stay"
    (trail,) = played.rows("trail")
    assert trail["status"] == "pending"


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_case_04_spin_off_with_cash_in_lieu(engine: ModuleType, side: float) -> None:
    """One child for four, worth 10 of 100: a tenth of the cost moves, three quarters of a child are paid."""
    played = Played(
        engine,
        [[100.0, 100.0, 90.0, 90.0], [NAN, NAN, 40.0, 40.0]],
        [{"bar": 2, "kind": SPIN_OFF, "value": 0.25, "other": 1}],
        [
            _buy(103.0 * side, stop_loss=0.08, take_profit=0.3),
            {"bar": 0, "kind": "limit", "quantity": 5.0, "limit": 95.0},
        ],
        lot=1.0,
    )
    played.is_continuous()
    assert played.held == {0: 103.0 * side, 1: 25.0 * side}
    assert played.costs[0] == pytest.approx(9_270.0 * side, abs=1e-9)
    assert played.costs[1] == pytest.approx(1_030.0 * side, abs=1e-9)
    assert played.flows("cash_in_lieu") == pytest.approx(0.75 * 40.0 * side, abs=1e-9)
    (stop,) = played.rows("stop")
    assert stop["status"] == "pending"
    assert stop["stop"] == pytest.approx(92.0 - 10.0 if side > 0 else 108.0)
    limits = {row["quantity"]: row["limit"] for row in played.rows("limit")}
    assert limits[5.0] == pytest.approx(85.0)
    assert limits[-103.0 * side] == pytest.approx(130.0 if side > 0 else 60.0), "a target that buys goes down"


def test_case_05_change_of_symbol() -> None:
    """The bars of both names are one column; position, stop and limit carry over, through the whole product."""
    days = np.datetime64("2024-01-02T21:00", "ns") + np.arange(4) * np.timedelta64(1, "D")
    prices = np.array([[100.0, NAN], [100.0, NAN], [NAN, 100.0], [NAN, 100.0]])
    bars = Bars.from_arrays(days, prices, prices, prices, prices, symbols=["FB", "META"], interval_ns=DAY)
    change = [{"date": "2024-01-04", "symbol": "FB", "kind": "symbol_change", "new_symbol": "META"}]
    orders = [
        {"bar": 0, "symbol": "META", "quantity": 100.0, "stop_loss": 0.1},
        {"bar": 0, "symbol": "META", "quantity": 5.0, "kind": "limit", "limit": 90.0},
    ]
    result = tw.backtest(bars, orders=orders, actions=change, no_costs=True, benchmark=None)
    np.testing.assert_allclose(result.equity, CASH, rtol=1e-9)
    assert result.symbols == ("META",)
    assert result.run.positions["quantity"].tolist() == [100.0]
    assert [(r["kind"], r["status"]) for r in result.orders.rows() if r["kind"] != "market"] == [
        ("limit", "pending"), ("stop", "pending"),
    ]  # fmt: skip


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_case_06_merger_for_shares_and_cash(engine: ModuleType, side: float) -> None:
    """Half a share of the buyer at 120 and 40 in cash for each share at 100."""
    played = Played(
        engine,
        [[100.0, 100.0, NAN, NAN], [120.0, 120.0, 120.0, 120.0]],
        [{"bar": 2, "kind": MERGER, "value": 0.5, "other": 1, "cash": 40.0}],
        [
            _buy(101.0 * side, stop_loss=0.1),
            {"bar": 0, "kind": "limit", "quantity": 5.0, "limit": 90.0},
            {"bar": 2, "kind": "market", "quantity": 5.0},
        ],
        lot=1.0,
    )
    played.is_continuous()
    assert played.held == {1: 50.0 * side}
    assert played.costs == {1: 10_100.0 * side}, "the cost carries over"
    assert played.flows("merger") == 4_040.0 * side
    assert played.flows("cash_in_lieu") == pytest.approx(60.0 * side)
    ends = [(row["status"], row["reason"]) for row in (*played.rows("stop"), *played.rows("limit"))]
    assert ends == [("cancelled", "merger")] * 2
    assert [(r["status"], r["reason"]) for r in played.rows("market")][-1] == ("refused", "delisted")


def test_case_07_delisting(engine: ModuleType) -> None:
    played = Played(
        engine,
        [[100.0, 100.0, 55.0, 55.0]],
        [{"bar": 2, "kind": DELISTING, "value": 100.0}],
        [_buy(100.0, stop_loss=0.1), {"bar": 2, "kind": "limit", "quantity": 1.0, "limit": 200.0}],
    )
    played.is_continuous()
    assert played.held == {}
    assert [(row["status"], row["reason"]) for row in played.rows("stop")] == [("cancelled", "delisted")]
    assert [(row["status"], row["reason"]) for row in played.rows("limit")] == [("refused", "delisted")]


def test_case_09_dividend_on_a_short(engine: ModuleType) -> None:
    played = Played(
        engine,
        [[100.0, 100.0, 98.0, 98.0]],
        [{"bar": 2, "kind": DIVIDEND, "value": 2.0}],
        [_buy(-100.0, stop_loss=0.05, take_profit=0.01)],
    )
    played.is_continuous()
    assert played.flows("dividend") == -200.0
    assert played.held == {0: -100.0}
    (stop,), (target,) = played.rows("stop"), played.rows("limit")
    assert stop["stop"] == pytest.approx(105.0), "a stop that buys stays"
    assert (target["limit"], target["status"]) == (pytest.approx(97.0), "pending"), "its fall is no profit"


@pytest.mark.parametrize(
    ("action", "after"),
    [
        ({}, 100.0),
        ({"kind": SPLIT, "value": 4.0}, 25.0),
        ({"kind": DIVIDEND, "value": 20.0}, 80.0),
        ({"kind": SPIN_OFF, "value": 0.5, "price": 40.0}, 80.0),
    ],
)
def test_case_10_halted_day(engine: ModuleType, action: dict[str, Any], after: float) -> None:
    """Nothing trades and nothing is triggered while the instrument is halted, whatever else happens to it."""
    played = Played(
        engine,
        [[100.0, 100.0, NAN, NAN, after, after]],
        [{"bar": 2, **action}] if action else [],
        [_buy(100.0, stop_loss=0.05), {"bar": 1, "kind": "market", "quantity": 10.0}],
    )
    played.is_continuous()
    fills = played.run.fills
    assert fills["bar"].tolist() == [1, 4], "the order of the eve waits for the end of the halt"
    assert [row["status"] for row in played.rows("stop")] == ["pending"]


def test_case_11_split_with_a_resting_stop(engine: ModuleType) -> None:
    """The fall by the split is no touch; the first price below the restated level is, and sells what is held."""
    played = Played(
        engine,
        [[700.0, 700.0, 100.0, 96.0, 94.0]],
        [{"bar": 2, "kind": SPLIT, "value": 7.0}],
        [_buy(10.0, stop_loss=0.05)],
    )
    np.testing.assert_allclose(played.equity[:3], CASH, rtol=1e-9)
    (stop,) = played.rows("stop")
    assert (stop["stop"], stop["quantity"], stop["status"]) == (95.0, -70.0, "filled")
    assert played.run.fills["bar"].tolist() == [1, 4]
    assert played.run.fills["price"].tolist() == [700.0, 94.0]


def _walk(n: int = 60, split_at: int = 40) -> tuple[Bars, Bars]:
    """A walk, and the same market with a split of four for one."""
    rng = np.random.default_rng(12)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, n)))
    days = np.datetime64("2024-01-02T21:00", "ns") + np.arange(n) * np.timedelta64(1, "D")
    plain = Bars.from_arrays(days, close, close, close, close, symbols="X", interval_ns=DAY)
    after = np.where(np.arange(n) >= split_at, close / 4.0, close)
    action = CorporateAction(
        ts=int(plain.ts[split_at]), instrument=plain.instruments[0], kind=ActionKind.SPLIT, value=4.0
    )
    split = Bars.from_arrays(
        days, after, after, after, after, symbols="X", interval_ns=DAY, actions=[action],
        provenance=replace(plain.provenance, adjusted="raw"),
    )  # fmt: skip
    return plain, split


def test_case_12_split_inside_a_feature_window() -> None:
    """Averages of 5 and 20 bars over the split decide as if it had not been, and the ATR of a stop is as wide."""
    plain, split = _walk()
    there, here = (
        tw.backtest(bars, "sma_cross", params={"fast": 5, "slow": 20}, no_costs=True, lot=0.0, benchmark=None)
        for bars in (plain, split)
    )
    assert there.fills["bar"].tolist() == here.fills["bar"].tolist()
    assert np.array_equal(there.decisions.signals, here.decisions.signals)
    assert 40 < here.fills["bar"].min() < 60, "it decides on windows that hold the split"
    np.testing.assert_allclose(here.equity, there.equity, rtol=1e-9)
    stops = []
    for bars, quantity in ((plain, 100.0), (split, 400.0)):
        order = [{"bar": 42, "quantity": quantity, "stop_loss": 3.0, "stop_loss_kind": "atr"}]
        result = tw.backtest(bars, orders=order, stop="3atr", no_costs=True, benchmark=None)
        stops += [row["stop"] for row in result.orders.rows() if row["kind"] == "stop"]
    assert stops[1] == pytest.approx(stops[0] / 4.0, rel=1e-9)
    assert stops[1] > 0.9 * split.close[42, 0], "a range across the split would be three quarters of the price"


# --- what the store learns later ----------------------------------------------------------------------


def _stored(folder: Path, bars: Bars, **more: Any) -> ParquetStore:
    store = ParquetStore(folder)
    store.append(bars, source="vendor", known="2024-06-01", **more)
    return store


def test_case_08_late_correction_of_the_vendor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The old result comes out to the last bit; as known today exactly the trades that touch the bar are changed."""
    n = 40
    close = np.full(n, 100.0)
    days = np.datetime64("2024-01-02T21:00", "ns") + np.arange(n) * np.timedelta64(1, "D")
    bars = Bars.from_arrays(days, close, close, close, close, symbols="X", interval_ns=DAY)
    store = _stored(tmp_path / "store", bars)
    signals = tmp_path / "signals.csv"
    codes = np.array([1 if t % 10 < 5 else 0 for t in range(n)])
    # A file with one signal a bar can be found again by the manifest.
    stamps = [str(day)[:19] + "Z" for day in days]
    signals.write_text("time,X\n" + "".join(f"{s},{c}\n" for s, c in zip(stamps, codes, strict=True)))
    result = tw.backtest(
        str(tmp_path / "store"), signals=signals, symbols="X", provider="store", no_costs=True, size=10.0,
        size_mode="quantity", benchmark=None,
    )  # fmt: skip
    place = result.save(tmp_path / "result.json")
    assert len(result.trades) == 4
    assert as_known_today(place).same, "nothing was learnt yet"

    fixed = close.copy()
    fixed[11] = 103.0  # the second trade was entered here
    store.append(
        Bars.from_arrays(days, fixed, fixed, fixed, fixed, symbols="X", interval_ns=DAY), source="vendor",
        known="2024-09-01", restate=True,
    )  # fmt: skip
    assert tw.verify(place).same, "the store still answers as it did"
    assert tw.verify(place).found == result.result_hash
    found = as_known_today(place)
    assert found.verification.same
    assert (found.unchanged, found.added, found.removed) == (3, (), ())
    (trade,) = found.altered
    assert trade.changed["entry_price"] == (100.0, 103.0)
    assert trade.changed["pnl"] == (0.0, -30.0)
    assert set(trade.changed) == {"entry_price", "pnl", "return"}
    assert found.headline["final_equity"] == (100_000.0, 99_970.0)
    assert found.data == {"cells": 4, "bars_added": 0, "actions_changed": 0}
    assert as_known_today(place, known="2024-06-30").same, "as of before the correction"

    assert main(["verify", str(place), "--as-known-today", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["reproduced"]
    assert facts["trades"]["unchanged"] == 3
    assert [row["changed"]["entry_price"] for row in facts["trades"]["altered"]] == [{"old": 100.0, "new": 103.0}]
    assert facts["result_hash"]["old"] == facts["result_hash"]["recorded"] != facts["result_hash"]["new"]


def test_case_08_a_late_bar_and_a_late_action_add_and_remove_trades(tmp_path: Path) -> None:
    """A crash that was none: the stop that it met is gone, and the split that explains it is known."""
    plain, split = _walk()
    bare = Bars(
        split.ts, split.open, split.high, split.low, split.close, split.volume, split.instruments, split.interval_ns,
        split.provenance,
    )  # fmt: skip
    store = _stored(tmp_path / "store", bare)
    result = tw.backtest(
        str(tmp_path / "store"), "buy_and_hold", symbols="X", provider="store", no_costs=True, stop=0.3,
        benchmark=None, validate=False,
    )  # fmt: skip
    place = result.save(tmp_path / "result.json")
    assert result.trades["exit_reason"].tolist()[:1] == ["stop"]
    store.write_actions(split.actions, source="vendor", known="2024-09-01")
    assert tw.verify(place).same
    found = as_known_today(place)
    assert found.verification.same
    assert found.data["actions_changed"] == 1
    (altered,) = found.altered
    assert altered.old["exit_reason"] == "stop"
    assert altered.new["exit_reason"] == "open"
    whole = tw.backtest(plain, "buy_and_hold", no_costs=True, stop=0.3, benchmark=None)
    assert found.now.equity[-1] == pytest.approx(whole.equity[-1], rel=1e-9)


def test_spin_offs_and_mergers_come_back_out_of_a_store(tmp_path: Path) -> None:
    """Both times of an action, its cash and its price are kept; other terms need to be called a restatement."""
    plain, _ = _walk()
    store = _stored(tmp_path / "store", plain)
    spun = CorporateAction(
        ts=int(plain.ts[30]), instrument=plain.instruments[0], kind=ActionKind.SPIN_OFF, value=0.25, new_symbol="Y",
        price=40.0,
    )  # fmt: skip
    bought = CorporateAction(
        ts=int(plain.ts[50]), instrument=plain.instruments[0], kind=ActionKind.MERGER, value=0.5, new_symbol="Z",
        cash=12.5, price=30.0,
    )  # fmt: skip
    assert store.write_actions([spun, bought], source="vendor", known="2024-07-01") == 2
    assert store.write_actions([spun, bought], source="vendor", known="2024-08-01") == 0
    store.write_actions([replace(spun, price=41.0)], source="vendor", known="2024-09-01")
    again = ParquetStore(tmp_path / "store")
    assert again.read(["X"], "1d", as_of="2024-08-15").actions == (spun, bought)
    assert again.read(["X"], "1d").actions == (replace(spun, price=41.0), bought)


# --- the same through the whole product ---------------------------------------------------------------


def _pair(prices: list[list[float]]) -> Bars:
    table = np.array(prices, dtype=np.float64).T.copy()
    days = np.datetime64("2024-01-02T21:00", "ns") + np.arange(len(table)) * np.timedelta64(1, "D")
    return Bars.from_arrays(
        days, table, table, table, table, interval_ns=DAY,
        instruments=[Instrument(name, lot=1.0) for name in ("OLD", "NEW")[: table.shape[1]]],
    )  # fmt: skip


SPUN = {"date": "2024-01-04", "symbol": "OLD", "kind": "spin-off", "value": "1:4", "new_symbol": "NEW"}
BOUGHT = {"date": "2024-01-04", "symbol": "OLD", "kind": "merger", "value": 0.5, "new_symbol": "NEW", "cash": 40.0}


def test_rows_of_a_file_reach_the_engine() -> None:
    bars = _pair([[100.0, 100.0, 90.0, 90.0], [NAN, NAN, 40.0, 40.0]])
    orders = [{"bar": 0, "symbol": "OLD", "quantity": 103.0}]
    result = tw.backtest(bars, orders=orders, actions=[SPUN], no_costs=True)
    np.testing.assert_allclose(result.equity, CASH, rtol=1e-9)
    assert dict(zip(*(result.run.positions[name].tolist() for name in ("asset", "quantity")), strict=True)) == {
        0: 103.0, 1: 25.0,
    }  # fmt: skip
    assert "a part of the cost" in result.conventions["corporate_actions"]
    assert result.fills["reason"].tolist() == ["order", "spin_off"]


def test_a_merger_after_the_last_bar_of_the_target_takes_effect() -> None:
    bars = _pair([[100.0, 100.0, NAN, NAN], [120.0, 120.0, 120.0, 132.0]])
    orders = [{"bar": 0, "symbol": "OLD", "quantity": 100.0}]
    result = tw.backtest(bars, orders=orders, actions=[BOUGHT], no_costs=True, benchmark="OLD")
    np.testing.assert_allclose(result.equity[:3], CASH, rtol=1e-9)
    assert result.equity[3] == pytest.approx(CASH + 50.0 * 12.0)
    curve = np.asarray(result.benchmark)
    assert curve[3] / curve[0] == pytest.approx((0.5 * 132.0 + 40.0) / 100.0), "who holds gets what was paid"


def test_what_is_not_in_the_run_is_paid_at_its_price_or_refused() -> None:
    bars = _pair([[100.0, 100.0, 90.0, 90.0]])
    orders = [{"bar": 0, "symbol": "OLD", "quantity": 100.0}]
    with pytest.raises(InputError, match=r"NEW.*price"):
        tw.backtest(bars, orders=orders, actions=[SPUN], no_costs=True)
    result = tw.backtest(bars, orders=orders, actions=[{**SPUN, "price": 40.0}], no_costs=True)
    np.testing.assert_allclose(result.equity, CASH, rtol=1e-9)
    assert [(row["kind"], row["amount"]) for row in result.cash_flows.rows()] == [("spin_off", pytest.approx(1000.0))]


@pytest.mark.parametrize("price", [None, 40.0])
def test_adjusted_prices_take_a_spin_off_as_a_dividend_in_kind(price: float | None) -> None:
    bars = _pair([[100.0, 100.0, 90.0, 45.0], [NAN, NAN, 40.0, 40.0]])
    rows = [
        SPUN if price is None else {**SPUN, "price": price},
        {"date": "2024-01-05", "symbol": "OLD", "kind": "split", "value": 2},
    ]
    from tradewright.data.corporate import attach

    made = attach(bars, rows)
    assert adjust(made).close[:, 0].tolist() == pytest.approx([45.0] * 4)
    assert adjust(made, direction="forward").close[:, 0].tolist() == pytest.approx([100.0] * 4)
    split = adjust(made, kind="split")
    assert split.close[:, 0].tolist() == pytest.approx([50.0, 50.0, 45.0, 45.0])
    (kept,) = split.actions
    assert (kept.kind, kept.value) == (ActionKind.SPIN_OFF, pytest.approx(0.125)), "per share of the adjusted prices"
    orders = [{"bar": 0, "symbol": "OLD", "quantity": 200.0}]
    result = tw.backtest(split, orders=orders, no_costs=True, lot=0.0)
    np.testing.assert_allclose(result.equity, CASH, rtol=1e-9)
