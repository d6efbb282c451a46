"""The compiled engine and its readable twin give the same orders, fills, trades and equity, bit for bit."""

from __future__ import annotations

import math
import os
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tradewright import _reference

N_SEEDS = int(os.environ.get("TRADEWRIGHT_AGREEMENT_SEEDS", "120"))
BLOCK = 20


@pytest.fixture(scope="module")
def core() -> ModuleType:
    """The compiled engine."""
    return pytest.importorskip("tradewright._core", reason="the compiled engine is not built")


@pytest.mark.parametrize("mode", ["signals", "weights", "orders", "callback"])
@pytest.mark.parametrize("block", range(N_SEEDS // BLOCK))
def test_runs_are_equal_bit_for_bit(core: ModuleType, scenarios: ModuleType, mode: str, block: int) -> None:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        scenario = scenarios.draw(seed, mode)
        logs: tuple[list[Any], list[Any]] = ([], [])
        wanted = scenarios.play(_reference, scenario, log=logs[0])
        got = scenarios.play(core, scenario, log=logs[1])
        assert scenarios.differences(wanted, got) == [], f"seed {seed}"
        assert repr(logs[0]) == repr(logs[1]), f"seed {seed}: what the callback saw"


def test_random_scenarios_reach_every_corner(scenarios: ModuleType) -> None:
    """Agreement would mean little if the scenarios did not trade: each kind, ending and most reasons occur."""
    kinds: set[int] = set()
    statuses: set[int] = set()
    reasons: set[int] = set()
    flows: set[str] = set()
    phases: set[int] = set()
    marked = 0
    for mode in ("signals", "weights", "orders", "callback"):
        for seed in range(250):
            run = scenarios.play(_reference, scenarios.draw(seed, mode))
            kinds |= set(run.orders["kind"].tolist())
            statuses |= set(run.orders["status"].tolist())
            reasons |= set(run.orders["reason"].tolist()) | set(run.trades["exit_reason"].tolist())
            flows |= set(run.cash_flows["kind"].tolist())
            phases |= set(run.fills["phase"].tolist())
            marked += int(run.trades["ambiguous"].sum())
    assert kinds == set(range(len(_reference.KINDS)))
    assert statuses == set(range(len(_reference.STATUSES)))
    assert flows == {"borrow", "funding", "interest", "dividend", "cash_in_lieu", "spin_off", "merger"}
    assert phases == {0, 1, 2}
    assert marked > 20
    missing = {name for code, name in enumerate(_reference.REASONS) if code not in reasons}
    assert missing <= {"", "volume", "dividend"}, missing


def test_names_and_tables_are_the_same(core: ModuleType) -> None:
    for name in _reference.__all__:
        assert hasattr(core, name), name
    for name in ("UNIT", "HOLD", "KINDS", "TIFS", "STATUSES", "REASONS", "METRICS", "RULES"):
        assert getattr(core, name) == getattr(_reference, name), name
    assert (core.__backend__, _reference.__backend__) == ("rust", "python")


def _series(seed: int, n: int = 300) -> np.ndarray[Any, np.dtype[np.float64]]:
    rng = np.random.default_rng(seed)
    return 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, n)))


@pytest.mark.parametrize("window", [1, 2, 7, 50])
def test_kernels_agree(core: ModuleType, window: int) -> None:
    close = _series(window)
    rng = np.random.default_rng(7)
    high, low = close * (1.0 + rng.random(300) * 0.02), close * (1.0 - rng.random(300) * 0.02)
    holes = close.copy()
    holes[[0, 1, 60, 61, 200]] = np.nan
    for x in (close, holes):
        for name in ("sma", "ema", "rolling_std", "rolling_max", "rolling_min", "rsi"):
            wanted, got = getattr(_reference, name)(x, window), getattr(core, name)(x, window)
            np.testing.assert_allclose(
                got, wanted, rtol=1e-12, atol=1e-9 if name == "rolling_std" else 0.0, err_msg=name
            )
    np.testing.assert_allclose(core.atr(high, low, close, window), _reference.atr(high, low, close, window), rtol=1e-12)
    wanted, got = _reference.rolling_std(close, 60, 1), core.rolling_std(close, 60, 1)
    np.testing.assert_allclose(got, wanted, rtol=1e-10)


@pytest.mark.parametrize("window", [1, 2, 3, 7])
def test_kernels_with_holes(core: ModuleType, window: int) -> None:
    """A hole before or inside of the seed delays a recursive kernel and does not silence it."""
    close = _series(5, 60)
    high, low = close * 1.01, close * 0.99
    for holes in ([0], [0, 1, 2], [2], [1, 3, 30], [59]):
        x, top, bottom = close.copy(), high.copy(), low.copy()
        x[holes] = np.nan
        top[holes] = np.nan
        for name in ("ema", "rsi", "sma"):
            wanted, got = getattr(_reference, name)(x, window), getattr(core, name)(x, window)
            np.testing.assert_allclose(got, wanted, rtol=1e-12, err_msg=f"{name} {holes}")
        wanted, got = (engine.atr(top, bottom, x, window) for engine in (_reference, core))
        np.testing.assert_allclose(got, wanted, rtol=1e-12, err_msg=f"atr {holes}")
        assert np.isfinite(wanted[40:59]).all()


def test_short_series_stay_cold(core: ModuleType) -> None:
    for engine in (core, _reference):
        for name in ("sma", "ema", "rolling_std", "rolling_max", "rolling_min", "rsi"):
            out = getattr(engine, name)(np.array([1.0, 2.0]), 5)
            assert out.shape == (2,)
            assert np.isnan(out).all()


def test_momentum_weights_agree(core: ModuleType) -> None:
    close = np.stack([_series(seed) for seed in range(6)], axis=1)
    close[:, 5] = close[:, 4]  # a tie
    close[100, 0] = np.nan
    wanted, got = (engine.momentum_weights(close, 60, 5, 10, 3, 60) for engine in (_reference, core))
    assert wanted[0].tolist() == got[0].tolist()
    assert wanted[1].tolist() == got[1].tolist()


def test_statistics_of_a_curve_agree(core: ModuleType) -> None:
    curve = _series(3)
    for equity in (curve, curve[:1], np.full(5, 100.0), np.array([100.0, 50.0, -1.0])):
        wanted, got = (engine.statistics(equity, 100.0, 252.0, 0.02) for engine in (_reference, core))
        assert list(wanted) == list(got)
        for name, x in wanted.items():
            assert np.isclose(x, got[name], rtol=1e-12, atol=1e-12, equal_nan=True), (name, x, got[name])


def test_first_bad_bar_agrees(core: ModuleType) -> None:
    x = _series(1, 50)
    fields = {"open": x, "high": x * 1.01, "low": x * 0.99, "close": x, "volume": x}
    assert core.first_bad_bar(*fields.values()) == -1
    for name in fields:
        for value in (math.nan, -1.0, math.inf):
            broken = {k: v.copy() for k, v in fields.items()}
            broken[name][17] = value
            wanted, got = (engine.first_bad_bar(*broken.values()) for engine in (_reference, core))
            is_unknown = name == "volume" and math.isnan(value)
            assert wanted == got == (-1 if is_unknown else 17), (name, value)


@pytest.mark.parametrize("long_only", [True, False])
@pytest.mark.parametrize("by_state", [True, False])
def test_rules_and_sweeps_agree(core: ModuleType, long_only: bool, by_state: bool) -> None:
    close = _series(11, 250)
    rng = np.random.default_rng(5)
    high, low = close * (1.0 + rng.random(250) * 0.02), close * (1.0 - rng.random(250) * 0.02)
    ts = np.arange(1, 251, dtype=np.int64) * 86_400_000_000_000
    sets = {
        "sma_cross": [[5.0, 20.0], [3.0, 50.0]],
        "ema_cross": [[5.0, 20.0], [3.0, 50.0]],
        "donchian": [[20.0, 10.0], [10.0, 15.0]],
        "bollinger": [[20.0, 1.5], [10.0, 1.0]],
        "rsi": [[14.0, 40.0, 60.0], [7.0, 30.0, 70.0]],
    }
    flags = {"by_state": by_state, "long_only": long_only}
    for rule, params in sets.items():
        table = np.array(params)
        tables = []
        for engine in (_reference, core):
            market = engine.Market(ts, close, high, low, close)
            spec = engine.Spec(1, taker_rate=0.0005, stop=0.05)
            signals = engine.rule_signals(rule, market, table[0], **flags)
            assert signals.shape == (250, 1), rule
            assert {1, -128} <= set(signals[:, 0].tolist()), rule
            calls: list[int] = []
            sweep = engine.sweep_rule(market, spec, rule, table, progress=calls.append, **flags)
            alone = engine.run_signals(market, spec, signals).stats
            np.testing.assert_array_equal(sweep[0], [alone[name] for name in engine.METRICS], err_msg=rule)
            assert calls
            assert max(calls) == 2
            rows = np.stack([engine.rule_signals(rule, market, row, **flags)[:, 0] for row in table])
            np.testing.assert_array_equal(engine.sweep_signals(market, spec, rows), sweep, err_msg=rule)
            tables.append((signals.tolist(), sweep))
        assert tables[0][0] == tables[1][0], rule
        np.testing.assert_allclose(tables[1][1], tables[0][1], rtol=1e-12, atol=1e-12, err_msg=rule)


PLAIN = {
    "fill": "next_open",
    "size_basis": "fill",
    "leverage": 1.0,
    "stop": 0.0,
    "target": 0.0,
    "trail": 0.0,
    "volume_share": 0.0,
    "daily_loss": 0.0,
    "max_drawdown": 0.0,
    "borrow_rate": 0.0,
    "margin_rate": 0.0,
    "cash_rate": 0.0,
    "close_last": False,
}


@pytest.mark.parametrize("block", range(10))
def test_the_direct_lane_for_plain_signals_changes_nothing(core: ModuleType, scenarios: ModuleType, block: int) -> None:
    """Market orders by signal on one asset without holes need no order book; the twin, which has one, agrees."""
    flips = 0
    for seed in range(block * 40, (block + 1) * 40):
        scenario = scenarios.draw(seed, "signals", n_assets=1, detail=False)
        for name in ("funding", "actions"):
            scenario.bars.pop(name, None)
        changes = dict(PLAIN)
        if scenario.spec["size_mode"] == "risk":
            changes |= {"size_mode": "fraction", "size": 1.0}
        filled = {name: scenario.bars[name].copy() for name in ("open", "high", "low", "close")}
        holes = ~np.isfinite(np.stack(list(filled.values()))).all(axis=0)
        for values in filled.values():
            values[holes] = 50.0
        scenario.bars |= filled
        wanted = scenarios.play(_reference, scenario, **changes)
        got = scenarios.play(core, scenario, **changes)
        assert scenarios.differences(wanted, got) == [], f"seed {seed}"
        held = sum(got.fills["quantity"])
        assert math.isclose(held, sum(got.positions["quantity"]), abs_tol=1e-9), f"seed {seed}"
        flips += int((np.diff(got.trades["direction"]) != 0).sum())
    assert flips > 20


def test_a_losing_short_is_flipped_into_a_long(core: ModuleType) -> None:
    """The cover comes before the entry, though the entry is the smaller order."""
    prices = np.array([100.0, 100.0, 100.0, 110.0, 110.0, 120.0])
    signals = np.array([-1, -128, 1, -128, -128, -128], dtype=np.int8)
    for engine in (_reference, core):
        market = engine.Market(np.arange(6) * 86_400 * 10**9, prices, prices, prices, prices)
        run = engine.run_signals(market, engine.Spec(1, initial_cash=100_000.0, size=1.0), signals)
        assert run.fills["quantity"].round(6).tolist() == [-1000.0, 1000.0, 818.181818]
        assert math.isclose(run.final_equity, 98_181.818181818, rel_tol=1e-12)
