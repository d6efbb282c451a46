"""Laws that every run obeys, on random markets, specs and decisions, for each engine that can be loaded."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
MODES = st.sampled_from(["signals", "weights", "orders", "callback"])


def _scenarios() -> ModuleType:
    """Random scenarios of the engine's tests, loaded by path."""
    name = "tradewright_random_scenarios"
    if name not in sys.modules:
        path = Path(__file__).resolve().parents[1] / "core" / "scenarios.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


scenarios = _scenarios()


@pytest.fixture(scope="module", params=["_reference", "_core"])
def engine(request: pytest.FixtureRequest) -> ModuleType:
    """Each engine that can be loaded."""
    if request.param == "_core":
        return pytest.importorskip("tradewright._core", reason="the compiled engine is not built")
    return importlib.import_module("tradewright._reference")


def _units(engine: ModuleType, values: Any) -> int:
    """Sum of money amounts in units, by the ledger's own rounding."""
    return sum(round(float(x) * engine.UNIT) for x in values)


@given(seed=SEEDS, mode=MODES)
@settings(max_examples=60, deadline=None)
def test_cash_is_the_sum_of_its_records(engine: ModuleType, seed: int, mode: str) -> None:
    scenario = scenarios.draw(seed, mode)
    run = scenarios.play(engine, scenario)
    initial = round(scenario.spec["initial_cash"] * engine.UNIT)
    assert run.final_cash_units == initial + sum(run.fills["cash_units"]) + sum(run.cash_flows["units"])


@given(seed=SEEDS, mode=MODES)
@settings(max_examples=60, deadline=None)
def test_profits_and_flows_are_the_change_of_equity(engine: ModuleType, seed: int, mode: str) -> None:
    """Equity at the marks minus initial cash = profits of closed and open trades + cash movements."""
    scenario = scenarios.draw(seed, mode)
    run = scenarios.play(engine, scenario)
    unit = engine.UNIT
    initial = round(scenario.spec["initial_cash"] * unit)
    values = 0
    multiplier = np.broadcast_to(np.asarray(scenario.spec["multiplier"], dtype=float), (scenario.n_assets,))
    for asset, quantity, mark in zip(*(run.positions[k].tolist() for k in ("asset", "quantity", "mark")), strict=True):
        value = _mul(abs(round(quantity * unit)), round(mark * unit), unit)
        value = _mul(value, round(float(multiplier[asset]) * unit), unit)
        values += value if quantity > 0 else -value
    gained = run.final_cash_units + values - initial
    explained = _units(engine, run.trades["pnl"]) + sum(run.cash_flows["units"])
    rows = len(run.trades["pnl"]) + len(run.positions["asset"])
    assert abs(gained - explained) <= _float_doubt(run, unit) * (rows + 1)


def _float_doubt(run: Any, unit: int) -> int:
    """Units by which a table's float may differ from the ledger's integer: half an ulp of the largest amount."""
    largest = max((abs(float(x)) for name in ("pnl",) for x in run.trades[name]), default=0.0)
    held = max((abs(float(x)) for x in run.positions["quantity"]), default=0.0)
    mark = max((abs(float(x)) for x in run.positions["mark"]), default=0.0)
    return 2 + int(np.spacing(max(largest, 1.0)) * unit) + int(np.spacing(max(held, 1.0)) * unit * max(mark, 1.0) * 5.0)


def _mul(a: int, b: int, unit: int) -> int:
    """Product of two numbers in units, half to even."""
    quotient, rest = divmod(a * b, unit)
    return quotient + (2 * rest > unit or (2 * rest == unit and quotient % 2 == 1))


@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_the_reference_ledger_balances_to_the_last_unit(seed: int) -> None:
    """The same law inside of the readable ledger, where every amount is an integer: exact."""
    from tradewright._reference.engine import Engine
    from tradewright._reference.numbers import mul, to_units

    scenario = scenarios.draw(seed, "signals")
    reference = importlib.import_module("tradewright._reference")
    market = scenarios.market(reference, scenario)
    engine = Engine(reference.Spec(scenario.n_assets, **scenario.spec))
    for bar in range(market.n_bars):
        engine.step(market.row(bar))
        engine.decide_signals(scenario.signals[bar].tolist())
        engine.decided()
    engine.close_out()
    ledger = engine.ledger
    values = sum(
        p.sign * mul(mul(abs(p.quantity), to_units(ledger.marks[a])), engine.spec.multiplier_units[a])
        for a, p in enumerate(ledger.positions)
        if p.quantity != 0
    )
    profits = sum(trade.pnl for trade in [*ledger.trades, *ledger.open_trades()])
    flows = sum(flow.units for flow in ledger.flows)
    assert ledger.cash + values - engine.spec.initial_units == profits + flows


@given(seed=SEEDS, mode=MODES, share=st.floats(0.2, 0.95))
@settings(max_examples=60, deadline=None)
def test_a_run_on_the_first_bars_is_a_prefix(engine: ModuleType, seed: int, mode: str, share: float) -> None:
    scenario = scenarios.draw(seed, mode)
    k = max(1, int(scenario.n_bars * share))
    # on its last bar a run takes no signals; the bar before is the last one that both runs decide alike
    whole = scenarios.play(engine, scenario, close_last=False)
    part = scenarios.play(engine, scenario, n_bars=k, close_last=False)
    np.testing.assert_array_equal(part.equity, whole.equity[:k])
    for table in ("fills", "cash_flows"):
        a, b = getattr(part, table), getattr(whole, table)
        known = b["bar"] < k
        for name in a:
            np.testing.assert_array_equal(a[name], b[name][known], err_msg=f"{table}.{name}")
    closed = part.trades["exit_bar"] >= 0
    early = (whole.trades["exit_bar"] >= 0) & (whole.trades["exit_bar"] < k)
    for name in part.trades:
        np.testing.assert_array_equal(part.trades[name][closed], whole.trades[name][early], err_msg=f"trades.{name}")


def _book(engine: ModuleType, scenario: Any) -> Any:
    """Book of a scenario, driven bar by bar with its signals or orders."""
    bars, n = scenario.bars, scenario.n_assets
    book = engine.Book(engine.Spec(n, **scenario.spec))
    session = bars.get("session", bars["ts"] // scenarios.DAY)
    actions = bars.get("actions")
    for t in range(scenario.n_bars):
        fields = {name: bars[name][t] for name in ("atr", "sigma", "funding") if name in bars}
        if actions is not None:
            fields["actions"] = {name: values[actions["bar"] == t] for name, values in actions.items()}
        volume = None if bars["volume"] is None else bars["volume"][t]
        prices = [bars[name][t] for name in ("open", "high", "low", "close")]
        book.step(int(bars["ts"][t]), int(session[t]), *prices, volume, **fields)
        if scenario.mode == "signals":
            if t < scenario.n_bars - 1 or scenario.spec["fill"] == "same_close":
                book.signal(scenario.signals[t])
        else:
            for i in np.flatnonzero(scenario.orders["bar"] == t):
                submit(engine, book, {name: values[i].item() for name, values in scenario.orders.items()})
        book.decided()
    return book


def submit(engine: ModuleType, book: Any, row: dict[str, Any]) -> None:
    """One row of an order table through the face that takes keywords."""
    row.pop("bar")
    kinds = {row.pop(f"{name}_kind") for name in ("stop_loss", "take_profit", "trail_stop")}
    assert len(kinds) == 1
    book.submit(
        row.pop("quantity"),
        engine.KINDS[row.pop("kind")],
        tif=engine.TIFS[row.pop("tif")],
        trail_kind=("fraction", "amount")[row.pop("trail_kind")],
        protect_kind=("fraction", "amount", "atr", "price")[kinds.pop()],
        group=row.pop("group") if row["group"] >= 0 else row.pop("group") and None,
        reduce_only=bool(row.pop("reduce_only")),
        **row,
    )


@given(seed=SEEDS, mode=st.sampled_from(["signals", "orders"]))
@settings(max_examples=60, deadline=None)
def test_the_book_gives_what_the_arrays_give(engine: ModuleType, seed: int, mode: str) -> None:
    scenario = scenarios.draw(seed, mode, detail=False)
    scenario.size = None
    for name in ("stop_loss", "take_profit", "trail_stop"):
        if mode == "orders":
            scenario.orders[f"{name}_kind"][:] = seed % 3
    arrays = scenarios.play(engine, scenario)
    book = _book(engine, scenario)
    assert scenarios.differences(arrays, book.finish()) == []


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_no_order_fills_on_the_bar_that_caused_it(engine: ModuleType, seed: int) -> None:
    run = scenarios.play(engine, scenarios.draw(seed, "orders"), fill="next_open", close_last=False)
    parent, submitted = run.orders["parent"], run.orders["bar"]
    ordered = run.fills["order"] >= 0  # the payout of a delisting has no order
    fills, bars = run.fills["order"][ordered], run.fills["bar"][ordered]
    own = parent[fills] < 0
    assert np.all(bars[own] > submitted[fills[own]])
    assert np.all(bars[~own] >= submitted[fills[~own]])


@given(seed=SEEDS, mode=MODES)
@settings(max_examples=40, deadline=None)
def test_the_same_input_gives_the_same_run(engine: ModuleType, seed: int, mode: str) -> None:
    scenario = scenarios.draw(seed, mode)
    assert scenarios.differences(scenarios.play(engine, scenario), scenarios.play(engine, scenario)) == []


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_fills_stay_inside_of_the_bar_without_costs(engine: ModuleType, seed: int) -> None:
    """Without spread, slippage and ticks every price lies between low and high."""
    scenario = scenarios.draw(seed, "orders", detail=False)
    run = scenarios.play(engine, scenario, half_spread=0.0, slip_model="none", tick=0.0, close_last=False)
    traded = run.fills["order"] >= 0  # a delisting pays its own price
    bar, asset, price = (run.fills[name][traded] for name in ("bar", "asset", "price"))
    low, high = scenario.bars["low"][bar, asset], scenario.bars["high"][bar, asset]
    low = np.where(np.isnan(scenario.bars["open"][bar, asset]), -np.inf, low)
    assert np.all((price >= low) & (price <= high))


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_group_orders_never_fill_more_than_the_position(engine: ModuleType, seed: int) -> None:
    """Protective orders only ever reduce: the sign of the position never turns by one of them."""
    run = scenarios.play(engine, scenarios.draw(seed, "signals"))
    protective = {engine.REASONS.index(name) for name in ("stop", "target", "trail")}
    entries = set(run.trades["entry_reason"].tolist())
    assert not entries & protective
