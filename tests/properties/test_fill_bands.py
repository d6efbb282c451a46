"""Fill bands hold what truly happened, on markets whose path is known; the experiment is benchmarks/bands.py."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.kernel import core

pytestmark = pytest.mark.skipif(core.__backend__ != "rust", reason="millions of bars want the compiled engine")

SEED = 31  # not the one of the published figures


def _experiment() -> ModuleType:
    """The benchmark, loaded by path: one experiment, not two."""
    name = "tradewright_bands_experiment"
    if name not in sys.modules:
        path = Path(__file__).resolve().parents[2] / "benchmarks" / "bands.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


experiment = _experiment()


@pytest.fixture(scope="module")
def rows() -> list[Any]:
    """One hundred markets of 250 hours under every rule."""
    found: list[Any] = experiment.measure(100, 250, 3, SEED)
    assert len(found) == len(experiment.PROTECTIONS) * len(experiment.ENTRIES)
    return found


def test_the_truth_does_not_depend_on_a_rule() -> None:
    """Bars that are one straight step have no order of high and low, so every rule gives the same run on them."""
    market = experiment.market(SEED, 1, 100, 3)
    for entries in experiment.ENTRIES:
        signals = experiment.decisions(market.hours.close[:, 0], entries)
        for protection in experiment.PROTECTIONS.values():
            outcomes = {
                experiment.truth(market, signals, protection, rule)
                for rule in ("pessimistic", "expected", "optimistic")
            }
            assert len(outcomes) == 1


def test_the_truth_lies_in_the_band(rows: list[Any]) -> None:
    assert {(row.entries, row.protection): row.coverage for row in rows if row.coverage < 0.95} == {}


def test_the_three_runs_alone_do_not_hold_a_trail(rows: list[Any]) -> None:
    """Why the band is put together from stretches; if this fails, the rules have become extremes themselves."""
    assert min(row.coverage_of_runs for row in rows if "trail" in row.protection) < 0.95


def test_finer_bars_shrink_the_band(rows: list[Any]) -> None:
    for row in rows:
        assert row.fine_coverage >= 0.95
        assert row.width > 0.0
        assert row.shrinkage >= 0.80


def test_trades_that_depend_on_the_order_are_counted(rows: list[Any]) -> None:
    for row in rows:
        if "trail" in row.protection:
            assert row.order_dependent > 0.3
        else:
            assert row.order_dependent < 0.1
            assert row.flagged < 0.15


@pytest.mark.parametrize("entries", experiment.ENTRIES)
def test_a_trail_about_as_wide_as_the_bars_is_called_order_dependent(entries: str) -> None:
    """A trail of 1 % on hourly bars whose high and low are usually 0.75 % apart or more.

    In calmer markets the trail is wide against the bar, and what happens in it seldom depends on the order.
    """
    flagged = []
    for number in range(60):
        market = experiment.market(SEED, number, 250, 1)
        if np.median(market.hours.high / market.hours.low - 1.0) >= 0.0075:
            signals = experiment.decisions(market.hours.close[:, 0], entries)
            flagged.append(experiment.bands(market, signals, {"trail": 0.01}).order_dependent)
    assert len(flagged) >= 20
    assert np.mean(flagged) >= 0.95


def test_plain_market_orders_have_no_band() -> None:
    market = experiment.market(SEED, 0, 300, 1)
    signals = experiment.decisions(market.hours.close[:, 0], "state")
    bands = tw.backtest(market.hours, signals=signals, bands=True).bands
    assert bands is not None
    assert bands.n_trades > 5
    assert (bands.spread, bands.order_dependent) == (0.0, False)
    assert bands.pessimistic == bands.optimistic


def test_the_worst_turn_inside_one_bar_is_in_the_band() -> None:
    """Bought at 100 with a trail of 1 %; the bar 100, 102, 99.5, 101.5 allows an exit at 99.5 and none below.

    From 99.5 / 0.99 = 100.505 down to 99.5: the high comes later. Low first never sells, high first sells at 100.98.
    """
    open_ = np.array([100.0, 100.0, 101.5, 101.5])
    high = np.array([100.0, 102.0, 101.5, 101.5])
    low = np.array([100.0, 99.5, 101.5, 101.5])
    close = np.array([100.0, 101.5, 101.5, 101.5])
    bars = {"open": open_, "high": high, "low": low, "close": close}
    bands = tw.backtest(bars, signals=[1, -128, -128, -128], trail=0.01, no_costs=True, bands=True).bands
    assert bands is not None
    assert bands.low == pytest.approx(-0.005, abs=1e-12)
    assert bands.high == pytest.approx(0.015, abs=1e-12)
    assert bands.pessimistic["total_return"] == pytest.approx(0.015, abs=1e-12)
    assert bands.optimistic["total_return"] == pytest.approx(0.0098, abs=1e-12)


@pytest.mark.parametrize("options", [{}, {"size": 1000.0, "size_mode": "value"}], ids=["compounding", "fixed value"])
def test_the_band_holds_its_runs_over_many_instruments(options: dict[str, Any]) -> None:
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(4).normal(0.0, 0.01, (400, 3)), axis=0))
    open_ = np.vstack((close[:1], close[:-1]))
    high, low = np.maximum(open_, close) * 1.006, np.minimum(open_, close) * 0.994
    signals = np.where(np.diff(close, axis=0, prepend=close[:1]) > 0, 1, -1).astype(np.int8)
    bars = tw.domain.Bars.from_arrays(None, open_, high, low, close)
    bands = tw.backtest(bars, signals=signals, trail=0.01, bands=True, **options).bands
    assert bands is not None
    runs = [run["total_return"] or 0.0 for run in (bands.pessimistic, bands.expected, bands.optimistic)]
    assert bands.low < min(runs) <= max(runs) < bands.high


def test_the_order_of_runs_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after another or two at a time: the same bands."""
    from tradewright.engine import bands as module

    market = experiment.market(SEED, 2, 400, 1)
    signals = experiment.decisions(market.hours.close[:, 0], "state")
    found = []
    for least in (1, 10**9):
        monkeypatch.setattr(module, "WORTH_A_THREAD", least)
        found.append(tw.backtest(market.hours, signals=signals, trail=0.01, bands=True).bands)
    assert found[0] is not found[1]
    assert found[0] == found[1]
