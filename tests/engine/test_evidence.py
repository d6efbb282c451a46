"""What the evidence says of noise and of an edge, through whole backtests; benchmarks/overfitting.py is larger."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import tradewright as tw
from tradewright.app.cli import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_overfitting", ROOT / "benchmarks" / "overfitting.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def own_ledger() -> Iterator[None]:
    yield
    tw.use_ledger(None)


@pytest.mark.slow
def test_noise_is_not_promoted(bench: ModuleType) -> None:
    outcomes = [bench.noise_repeat(1000 + seed, 150) for seed in range(5)]
    assert sum(passed for passed, _, _ in outcomes) == 0
    assert sum(plain for _, plain, _ in outcomes) == 5  # without deflation the best of them always looks like skill


@pytest.mark.slow
def test_a_planted_edge_is_promoted(bench: ModuleType) -> None:
    found = [bench.edge_repeat(1000 + seed, 60, 2.5) for seed in range(5)]
    assert sum(passed for passed, _ in found) >= 4


def test_the_sentence_and_the_loud_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tw.use_ledger(tmp_path / "t.jsonl")
    assert main(["backtest", "--symbols", "SPX", "--start", "2010-01-01", "--no-report"]) == 0
    assert "1 trial stands behind this" in capsys.readouterr().out
    grid = ["--grid", "fast=5:20:5", "--grid", "slow=50:100:25"]
    assert main(["sweep", "--symbols", "SPX", "--start", "2010-01-01", *grid, "-q"]) == 0
    assert "12 trials" in " ".join(capsys.readouterr().out.split())  # one of them had been tried before


def test_the_report_shows_what_stands_behind(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    tw.use_ledger(tmp_path / "t.jsonl")
    bars = tw.load("SPX", start="2012-01-01")
    for slow in (50, 60, 70):
        result = tw.backtest(bars, "sma_cross", params={"slow": slow})
    page = result.report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "3 trials (like " in page
    assert "Probability of skill, all trials" in page
    tw.use_ledger("off")
    page = tw.backtest(bars, "sma_cross").report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "NO TRIAL LEDGER" in page
    assert " on these returns stand behind" not in page


def test_attribution_adds_up_to_the_profit() -> None:
    result = tw.backtest(
        ["AAPL", "MSFT", "JPM"],
        "sma_cross",
        params={"direction": "long_short"},
        start="2015-01-01",
        costs={"borrow_rate": 0.03, "cash_rate": 0.02},
    )
    profit = result.equity[-1] - result.initial_capital
    sectors = {"AAPL": "technology", "MSFT": "technology"}
    for by in ("asset", "side", "cost", "reason", "strategy"):
        found = result.attribution(by)
        assert sum(found.values()) == pytest.approx(profit, abs=1e-6), by
        assert "residual" not in found
    by_sector = result.attribution("sector", sectors)
    assert set(by_sector) == {"technology", "other", "account"}
    by_asset = result.attribution("asset")
    assert by_sector["technology"] == pytest.approx(by_asset["AAPL"] + by_asset["MSFT"], abs=1e-6)
    costs = result.attribution("cost")
    assert costs["commission"] == pytest.approx(-result.stats["fees"])
    assert costs["borrow"] == pytest.approx(-result.stats["borrow"])
    with pytest.raises(tw.domain.errors.InputError, match="did you mean 'asset'"):
        result.attribution("assets")


def test_a_run_without_trades_has_no_verdict() -> None:
    tw.use_ledger(tw.MemoryTrialLedger())
    bars = tw.Bars.from_arrays(None, *[np.full((50, 1), 10.0)] * 4)
    found = tw.backtest(bars, signals=np.zeros((50, 1), dtype=np.int8)).evidence
    assert found["deflated_sharpe"] is None
    assert found["significant"] is False
    assert "no Sharpe ratio to judge" in found.sentence
