"""Every feature of the standard preset against pandas, on real 15-minute bars, and formulas against libraries."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright.data import load
from tradewright.features.fractional import minimum_d, weights
from tradewright.features.pipeline import FeatureSet
from tradewright.features.registry import preset

ROOT = Path(__file__).resolve().parents[2]
pd = pytest.importorskip("pandas")
# Sums of squares of the whole series in pandas lose digits that windows do not.
LOOSE = {"skewness": 1e-6, "kurtosis": 1e-5, "linreg_r2": 1e-6, "alpha": 1e-8, "log_slope": 1e-8}


def _contestant() -> Any:
    place = ROOT / "benchmarks" / "features_pandas.py"
    found = importlib.util.spec_from_file_location("features_pandas", place)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["features_pandas"] = module
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> Any:
    shared = ROOT / ".." / "shared" / "data" / "open" / "intraday_2019"
    if not shared.is_dir():
        pytest.skip("the market data folder beside the project is absent")
    bars = load(data=shared, symbols=["AAPL", "AMZN", "BAC", "JPM", "MSFT", "QQQ", "SPY", "XLP"], interval="15min",
                stamp="end")  # fmt: skip
    keep = np.isfinite(bars.close).all(axis=1) & np.isfinite(bars.volume).all(axis=1) & (bars.volume > 0).all(axis=1)
    complete = type(bars)(
        np.ascontiguousarray(bars.ts[keep]),
        **{n: np.ascontiguousarray(getattr(bars, n)[keep]) for n in ("open", "high", "low", "close", "volume")},
        instruments=bars.instruments, interval_ns=bars.interval_ns, provenance=bars.provenance,
    )  # fmt: skip
    pandas = _contestant()
    index = pd.DatetimeIndex(complete.ts, tz="UTC")
    fields = {n: getattr(complete, n) for n in ("open", "high", "low", "close", "volume")}
    wide = pandas.Wide(index, fields, list(complete.symbols), ("1h", "1d"))
    return complete, FeatureSet.preset("standard_200").compute(complete), pandas, wide


@pytest.mark.shared_data
@pytest.mark.parametrize("number", range(200))
def test_a_standard_feature_is_what_pandas_gives(number: int, real: Any) -> None:
    _, found, pandas, wide = real
    entry = preset("standard_200")[number]
    theirs = pandas.value(entry, wide).reindex(index=wide.c.index).to_numpy(dtype=float)
    ours = found.column(number)
    both = np.isfinite(ours) & np.isfinite(theirs)
    assert both.sum() > 0.1 * ours.size, f"{found.names[number]}: too little to compare"
    missing = np.isfinite(ours) != np.isfinite(theirs)
    assert missing.mean() < 0.01, f"{found.names[number]}: {missing.sum()} values are there in one only"
    scale = np.maximum(np.nanstd(theirs), np.abs(theirs[both]))
    away = np.abs(ours[both] - theirs[both]) / np.where(scale > 0.0, scale, 1.0)
    assert away.max() < LOOSE.get(entry["feature"], 1e-9), f"{found.names[number]} differs by {away.max():.3g}"


def test_weights_are_the_binomial_series() -> None:
    from scipy.special import binom

    k = np.arange(50)
    assert np.allclose(weights(0.37, threshold=0, most=50), (-1.0) ** k * binom(0.37, k), rtol=1e-12)


def test_the_search_for_d_uses_the_published_test() -> None:
    from statsmodels.tsa.stattools import adfuller

    walk = np.cumsum(np.random.default_rng(5).normal(size=600))
    found = minimum_d(walk, grid=(1.0,), threshold=1e-4)
    theirs = adfuller(np.diff(walk), maxlag=1, regression="c", autolag=None, result_object=False)
    assert found.table[0]["statistic"] == pytest.approx(theirs[0], rel=1e-12)
    assert found.table[0]["p_value"] == pytest.approx(theirs[1], rel=1e-12, abs=1e-30)


def test_garch_forecasts_what_arch_forecasts() -> None:
    from arch import arch_model

    from tradewright.features.volatility import Garch

    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(2).standard_t(5, 400) * 0.01))
    ours = Garch(min_rows=300, refit=1_000).extend([close[:301]])[-1]
    returns = 100.0 * np.diff(np.log(close[:301]))
    fitted = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1, rescale=False).fit(disp="off")
    theirs = np.sqrt(fitted.forecast(horizon=1).variance.to_numpy()[-1, 0]) / 100.0
    assert ours == pytest.approx(theirs, rel=1e-6)  # what the optimiser leaves open


def test_variance_inflation_is_that_of_statsmodels() -> None:
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    from tradewright.features.selection import vif

    rng = np.random.default_rng(1)
    table = rng.normal(size=(300, 5))
    table[:, 4] = table[:, 0] + 0.3 * table[:, 1] + 0.2 * rng.normal(size=300)
    theirs = [variance_inflation_factor(np.column_stack([np.ones(300), table]), k + 1) for k in range(5)]
    assert np.allclose(vif(table), theirs, rtol=1e-9)
