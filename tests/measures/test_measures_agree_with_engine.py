"""The measures and the engine's own statistics are the same numbers, on curves and on whole runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tradewright as tw
from tradewright import measures as m
from tradewright.kernel import core

NAMES = ("total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "max_drawdown_bars")


def _same(own: float, engine: float) -> bool:
    if math.isnan(own) or math.isnan(engine):
        return math.isnan(own) and math.isnan(engine)
    return own == pytest.approx(engine, rel=1e-11, abs=1e-13)


def _curve_measures(curve: np.ndarray, initial: float, year: float, rate: float) -> dict[str, float]:
    change = m.returns(curve, initial=initial)
    return {
        "total_return": m.total_return(curve, initial=initial),
        "cagr": m.cagr(curve, initial=initial, periods_per_year=year),
        "volatility": m.volatility(change, periods_per_year=year),
        "sharpe": m.sharpe(change, periods_per_year=year, risk_free=rate),
        "sortino": m.sortino(change, periods_per_year=year, risk_free=rate),
        "calmar": m.calmar(curve, initial=initial, periods_per_year=year),
        "max_drawdown": m.max_drawdown(curve, initial=initial),
        "max_drawdown_bars": float(m.max_drawdown_bars(curve, initial=initial)),
    }


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("year", "rate"), [(252.0, 0.0), (365.0, 0.03), (98_280.0, 0.05)])
def test_statistics_of_a_curve(seed: int, year: float, rate: float) -> None:
    rng = np.random.default_rng(seed)
    curve = 1000.0 * np.cumprod(1.0 + rng.normal(0.0002, 0.01, 700) * (rng.random(700) < 0.7))
    engine = core.statistics(curve, 1000.0, year, rate)
    own = _curve_measures(curve, 1000.0, year, rate)
    wrong = {name: (own[name], engine[name]) for name in NAMES if not _same(own[name], engine[name])}
    assert not wrong


@pytest.mark.parametrize(
    "curve", [[1000.0] * 5, [1000.0, 1100.0, 1210.0], [900.0], [1000.0, 0.0], [1000.0, 1010.0, 1020.0, 500.0]]
)
def test_statistics_of_awkward_curves(curve: list[float]) -> None:
    equity = np.array(curve)
    engine = core.statistics(equity, 1000.0, 252.0, 0.0)
    own = _curve_measures(equity, 1000.0, 252.0, 0.0)
    wrong = {name: (own[name], engine[name]) for name in NAMES if not _same(own[name], engine[name])}
    assert not wrong


@pytest.mark.parametrize("seed", range(3))
def test_statistics_of_a_run(seed: int) -> None:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.cumprod(1.0 + rng.normal(0.0003, 0.015, 900))
    result = tw.backtest({"close": close}, signals=rng.integers(-1, 2, 900).astype(np.int8), stop=0.03, target=0.04)
    closed = result.trades["exit_bar"] >= 0
    pnl, ret = result.trades["pnl"][closed], result.trades["return"][closed]
    year = result.periods_per_year
    own = _curve_measures(result.equity, result.initial_capital, year, 0.0) | {
        "win_rate": m.win_rate(pnl),
        "profit_factor": m.profit_factor(pnl),
        "expectancy": m.expectancy(pnl),
        "sqn": m.sqn(pnl),
        "kelly": m.kelly(pnl),
        "avg_trade": float(ret.mean()),
        "best_trade": float(ret.max()),
        "worst_trade": float(ret.min()),
        "exposure": m.exposure(result.exposure),
        "turnover": m.turnover(result.fills["notional"], result.equity, periods_per_year=year),
        "fees": float(result.fills["fee"].sum()),
        "slippage": float(result.fills["slippage"].sum()),
    }
    assert len(pnl) > 50
    wrong = {name: (value, result.stats[name]) for name, value in own.items() if not _same(value, result.stats[name])}
    assert not wrong


def test_every_statistic_of_a_result_is_in_the_catalogue() -> None:
    result = tw.backtest({"close": [10.0, 11.0, 12.0]}, "buy_and_hold", benchmark="buy_and_hold")
    assert set(result.stats) <= set(m.MEASURES)
