"""Drawn candles: a few bars, some orders, and the fills worked out by hand from the page on fill semantics.

The tables stand in the YAML files beside this module; anyone can add a row. Keys of a scenario:

name, why        what it shows, and the sentence behind it
spec             settings of the run (initial_cash is 10 000 unless it says otherwise)
bars             [open, high, low, close] for each bar; ``null`` for a bar that the asset does not have
bars_b           the same for a second asset
volume, atr, sigma, funding, session   one number for each bar
actions          [bar, asset, "split" | "dividend" | "delisting" | "spin_off" | "merger", value]; a fifth entry maps
                 other, cash and price
detail           finer bars of each bar: a list of lists of candles
orders           mappings with bar, kind, quantity and whatever else an order has; ``gtd_bar``: last bar of its life
signals          one code for each bar; ``weights`` maps a bar to the weights of the assets
fills            [bar, open | inside | close, quantity, price], all of them in order (a fifth entry: asset)
ends             [status, reason] of each order
trades           [direction, quantity, entry, exit, net profit, exit reason]
flows            [bar, kind, amount]
cash, equity, refusals, ambiguous (one for each fill): checked, like the three before, if given
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

DAY = 86_400_000_000_000
ACTION_KINDS = ("split", "dividend", "delisting", "spin_off", "merger")
PHASES = ("open", "inside", "close")
DISTANCE_KINDS = ("fraction", "amount", "atr", "price")
FILES = sorted(Path(__file__).parent.glob("*.yaml"))
SCENARIOS = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in FILES
    for case in yaml.safe_load(path.read_text("utf-8"))
]
KNOWN = {
    *("name", "why", "spec", "bars", "bars_b", "volume", "atr", "sigma", "funding", "session", "actions", "detail"),
    *("orders", "signals", "weights", "fills", "ends", "cash", "equity", "trades", "flows", "refusals", "ambiguous"),
}
OPTIONAL = {
    "limit": np.nan,
    "stop": np.nan,
    "trail": np.nan,
    "trail_kind": 0,
    "tif": 0,
    "gtd": 0,
    "reduce_only": 0,
    "group": -1,
    "stop_loss": np.nan,
    "stop_loss_kind": 0,
    "take_profit": np.nan,
    "take_profit_kind": 0,
    "trail_stop": np.nan,
    "trail_stop_kind": 0,
}


@pytest.fixture(params=["_reference", "_core"])
def engine(request: pytest.FixtureRequest) -> ModuleType:
    """Each engine that can be loaded."""
    if request.param == "_core":
        return pytest.importorskip("tradewright._core", reason="the compiled engine is not built")
    return importlib.import_module("tradewright._reference")


def test_there_are_enough_scenarios_and_their_names_differ() -> None:
    names = [case.id for case in SCENARIOS]
    assert len(names) >= 40
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", SCENARIOS)
def test_scenario(engine: ModuleType, case: dict[str, Any]) -> None:
    assert set(case) <= KNOWN
    run = play(engine, case)
    seen = [
        [int(b), PHASES[p], float(q), float(price), int(a)]
        for b, p, q, price, a in zip(
            *(run.fills[k] for k in ("bar", "phase", "quantity", "price", "asset")), strict=True
        )
    ]
    wanted = [[*row, 0][:5] if len(row) == 4 else row for row in case["fills"]]
    assert [row[:2] + row[4:] for row in seen] == [row[:2] + row[4:] for row in wanted], seen
    for got, want in zip(seen, wanted, strict=True):
        assert got[2:4] == pytest.approx(want[2:4], abs=1e-9), seen
    if "ends" in case:
        ends = [
            [engine.STATUSES[s], engine.REASONS[r]]
            for s, r in zip(run.orders["status"], run.orders["reason"], strict=True)
        ]
        assert ends == case["ends"]
    if "cash" in case:
        assert run.final_cash_units / engine.UNIT == pytest.approx(case["cash"], abs=1e-9)
    if "equity" in case:
        assert run.final_equity == pytest.approx(case["equity"], abs=1e-9)
    if "trades" in case:
        t = run.trades
        columns = (t["direction"], t["quantity"], t["entry_price"], t["exit_price"], t["pnl"])
        numbers = [list(map(float, row)) for row in zip(*columns, strict=True)]
        assert [engine.REASONS[r] for r in t["exit_reason"]] == [row[5] for row in case["trades"]], numbers
        for got, want in zip(numbers, case["trades"], strict=True):
            assert got == pytest.approx(want[:5], abs=1e-9), numbers
    if "flows" in case:
        flows = run.cash_flows
        assert [[int(b), str(k)] for b, k in zip(flows["bar"], flows["kind"], strict=True)] == [
            row[:2] for row in case["flows"]
        ]
        assert flows["amount"].tolist() == pytest.approx([row[2] for row in case["flows"]], abs=1e-9)
    if "refusals" in case:
        assert dict(run.refusals) == case["refusals"]
    if "ambiguous" in case:
        assert run.fills["ambiguous"].tolist() == case["ambiguous"]


def play(engine: ModuleType, case: dict[str, Any]) -> Any:
    """Run one scenario."""
    assets = [case["bars"]] + ([case["bars_b"]] if "bars_b" in case else [])
    n_bars, n_assets = len(case["bars"]), len(assets)
    table = np.full((4, n_bars, n_assets), np.nan)
    for j, bars in enumerate(assets):
        for t, candle in enumerate(bars):
            if candle is not None:
                table[:, t, j] = candle
    ts = np.arange(1, n_bars + 1, dtype=np.int64) * DAY
    extra = {
        name: np.repeat(np.array(case[name], dtype=np.float64)[:, None], n_assets, axis=1)
        for name in ("volume", "atr", "sigma", "funding")
        if name in case
    }
    volume = extra.pop("volume", None)
    if "session" in case:
        extra["session"] = np.array(case["session"], dtype=np.int64)
    if "actions" in case:
        rows = case["actions"]
        extra["actions"] = {
            "bar": np.array([row[0] for row in rows], dtype=np.int64),
            "asset": np.array([row[1] for row in rows], dtype=np.int64),
            "kind": np.array([ACTION_KINDS.index(row[2]) for row in rows], dtype=np.int8),
            "value": np.array([row[3] for row in rows], dtype=np.float64),
        }
        more = [{"other": -1, "cash": 0.0, "price": 0.0, **(row[4] if len(row) == 5 else {})} for row in rows]
        if any(len(row) == 5 for row in rows):
            for name, dtype in (("other", np.int64), ("cash", np.float64), ("price", np.float64)):
                extra["actions"][name] = np.array([values[name] for values in more], dtype=dtype)
    if "detail" in case:
        offsets = np.cumsum([0] + [len(finer) for finer in case["detail"]]).astype(np.int64)
        finer = np.array([candle for bars in case["detail"] for candle in bars], dtype=np.float64)
        extra["detail"] = (offsets, *(np.ascontiguousarray(finer[:, k]) for k in range(4)))
    market = engine.Market(ts, table[0], table[1], table[2], table[3], volume, **extra)
    spec = engine.Spec(n_assets, **{"initial_cash": 10_000.0, **case.get("spec", {})})
    if "signals" in case:
        return engine.run_signals(market, spec, np.array(case["signals"], dtype=np.int8).reshape(n_bars, n_assets))
    if "weights" in case:
        rows = sorted(case["weights"])
        return engine.run_weights(
            market,
            spec,
            np.array(rows, dtype=np.int64),
            np.array([case["weights"][row] for row in rows], dtype=np.float64),
        )
    return engine.run_orders(market, spec, order_columns(engine, case.get("orders", [])))


def order_columns(engine: ModuleType, orders: list[dict[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """Orders of a scenario as the columns that the engine takes."""
    rows = []
    for order in orders:
        row = {**OPTIONAL, "asset": 0, **order}
        row["kind"] = engine.KINDS.index(row["kind"])
        row["tif"] = engine.TIFS.index(row["tif"]) if isinstance(row["tif"], str) else row["tif"]
        if "gtd_bar" in row:
            row["gtd"] = (row.pop("gtd_bar") + 1) * DAY
        for name in ("trail_kind", "stop_loss_kind", "take_profit_kind", "trail_stop_kind"):
            row[name] = DISTANCE_KINDS.index(row[name]) if isinstance(row[name], str) else row[name]
        assert set(row) == {*OPTIONAL, "bar", "asset", "kind", "quantity"}
        rows.append(row)
    types = {"bar": np.int64, "asset": np.int64, "group": np.int64, "gtd": np.int64, "quantity": np.float64}
    types |= dict.fromkeys(("limit", "stop", "trail", "stop_loss", "take_profit", "trail_stop"), np.float64)
    names = ("bar", "asset", "kind", "quantity", *OPTIONAL)
    return {name: np.array([row[name] for row in rows], dtype=types.get(name, np.int8)) for name in names}
