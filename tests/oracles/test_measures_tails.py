"""Tails, ratios, intervals and tests of risk against skfolio, quantstats, SciPy, arch, formulas and tables."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tradewright import measures as m
from tradewright.domain.errors import InputError

PPY = 252.0


def _series(seed: int = 1, n: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    other = rng.standard_t(4, n) * 0.006 + 0.0003
    return 0.7 * other + rng.standard_t(4, n) * 0.005 + 0.0002, other


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1511, 733])  # where n (1 - level) is whole, skfolio takes the next by rounding
def test_skfolio(level: float, n: int) -> None:
    sk = pytest.importorskip("skfolio.measures")
    change, _ = _series(2, n)
    assert m.value_at_risk(change, level=level, method="lower") == pytest.approx(
        sk.value_at_risk(change, beta=level), rel=1e-12
    )
    assert m.conditional_value_at_risk(change, level=level) == pytest.approx(sk.cvar(change, beta=level), rel=1e-10)
    assert m.entropic_value_at_risk(change, level=level) == pytest.approx(sk.evar(change, beta=level), rel=1e-4)
    below = sk.get_drawdowns(change, compounded=False)
    assert m.conditional_drawdown_at_risk(change, level=level, compounded=False) == pytest.approx(
        sk.cdar(below, beta=level), rel=1e-10
    )
    assert m.entropic_drawdown_at_risk(change, level=level, compounded=False) == pytest.approx(
        sk.edar(below, beta=level), rel=1e-4
    )


def test_entropic_risk_lies_between_the_others_and_is_the_least_bound() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    change, _ = _series(3)
    for level in (0.5, 0.95, 0.999):
        found = m.entropic_value_at_risk(change, level=level)
        assert m.conditional_value_at_risk(change, level=level) <= found <= -change.min() + 1e-15
        best = optimize.minimize_scalar(
            lambda log_t, a=1 - level: math.exp(log_t) * math.log(np.mean(np.exp(-change / math.exp(log_t))) / a),
            bounds=(-7.0, 3.0), method="bounded", options={"xatol": 1e-12},
        )  # fmt: skip
        assert found <= best.fun + 1e-9
        assert found == pytest.approx(best.fun, rel=1e-5)


def test_empyrical_formulas() -> None:
    """Formulas of empyrical's stats module, written out."""
    change, other = _series(4)
    assert m.value_at_risk(change) == pytest.approx(-np.percentile(change, 5.0), rel=1e-12)
    assert m.tail_ratio(change) == pytest.approx(
        abs(np.percentile(change, 95)) / abs(np.percentile(change, 5)), rel=1e-12
    )
    stats = pytest.importorskip("scipy.stats")
    curve = np.cumsum(np.log1p(change))
    assert m.stability(change) == pytest.approx(stats.linregress(np.arange(len(curve)), curve)[2] ** 2, rel=1e-10)
    assert m.omega(change) == pytest.approx(change[change > 0].sum() / -change[change < 0].sum(), rel=1e-12)
    for side, chosen in (("up", other > 0), ("down", other < 0)):
        annual = [np.prod(1 + x[chosen]) ** (PPY / chosen.sum()) - 1 for x in (change, other)]
        found = m.capture(change, other, side=side, periods_per_year=PPY)
        assert found == pytest.approx(annual[0] / annual[1], rel=1e-10)
    slope = np.cov(change, other)[0, 1] / np.var(other, ddof=1)
    adjusted, factor = change - 0.02 / PPY, other - 0.02 / PPY
    daily = (adjusted - slope * factor).mean()
    found = m.alpha(change, other, periods_per_year=PPY, risk_free=0.02, method="compounded")
    assert found == pytest.approx((1 + daily) ** PPY - 1, rel=1e-8)
    assert m.downside_deviation(change, periods_per_year=PPY) == pytest.approx(
        math.sqrt(np.mean(np.minimum(change, 0) ** 2) * PPY), rel=1e-12
    )


@pytest.mark.filterwarnings("ignore")
def test_quantstats() -> None:
    qs = pytest.importorskip("quantstats.stats")
    pd = pytest.importorskip("pandas")
    change, _ = _series(5)
    index = pd.bdate_range("2001-01-01", periods=change.size)
    frame = pd.Series(change, index=index)
    assert m.value_at_risk(change, method="normal") == pytest.approx(-qs.value_at_risk(frame), rel=1e-10)
    assert m.omega(change) == pytest.approx(qs.omega(frame, periods=252), rel=1e-9)
    assert m.tail_ratio(change) == pytest.approx(qs.tail_ratio(frame), rel=1e-9)
    # quantstats divides the sum of squares by n - 1
    n = change.size
    assert m.ulcer_index(change) == pytest.approx(qs.ulcer_index(frame) * math.sqrt((n - 1) / n), rel=1e-9)
    assert m.payoff_ratio(change) == pytest.approx(qs.payoff_ratio(frame), rel=1e-9)
    assert m.gain_to_pain(change) == pytest.approx(qs.gain_to_pain_ratio(frame), rel=1e-9)


def test_cornish_fisher_of_a_normal_is_normal() -> None:
    grid = np.array([0.01, -0.01, 0.02, -0.02, 0.0] * 3)
    z = -1.6448536269514722
    kurt = m.kurtosis(grid) - 3
    wanted = -(grid.mean() + (z + (z**3 - 3 * z) * kurt / 24) * grid.std(ddof=1))
    assert m.skewness(grid) == pytest.approx(0.0, abs=1e-12)
    assert m.value_at_risk(grid, method="cornish_fisher") == pytest.approx(wanted, rel=1e-12)


# --- tests of value at risk ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "n", "least", "most"),
    [
        (0.99, 255, None, 7), (0.99, 510, 1, 11), (0.99, 1000, 4, 17),
        (0.975, 255, 2, 12), (0.975, 510, 6, 21), (0.975, 1000, 15, 36),
        (0.95, 255, 6, 21), (0.95, 510, 16, 36), (0.95, 1000, 37, 65),
        (0.925, 255, 11, 28), (0.925, 510, 27, 51), (0.925, 1000, 59, 92),
        (0.90, 255, 16, 36), (0.90, 510, 38, 65), (0.90, 1000, 81, 120),
    ],
)  # fmt: skip
def test_the_table_of_kupiec(level: float, n: int, least: int | None, most: int) -> None:
    """Kupiec (1995): numbers of exceedances that do not reject the model at 95 % lie strictly between the two."""
    assert m.kupiec(most, n, level=level).pvalue < 0.05 <= m.kupiec(most - 1, n, level=level).pvalue
    if least is not None:
        assert m.kupiec(least, n, level=level).pvalue < 0.05 <= m.kupiec(least + 1, n, level=level).pvalue


def test_jp_morgan_of_jorion() -> None:
    """Jorion, Value at Risk, 3rd ed., ch. 6: 20 exceedances in 252 days; 14 of 232 after none, 6 of 20 after one."""
    found = m.kupiec(20, 252, level=0.95)
    assert round(found.statistic, 2) == 3.91
    from tradewright.measures.var_tests import christoffersen_independence

    independence = christoffersen_independence(218, 14, 14, 6)
    assert round(independence, 2) == 9.53
    assert round(found.statistic + independence, 2) == 13.44


def test_pvalues_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    hits = np.random.default_rng(1).random(800) < 0.07
    found = m.christoffersen(hits, level=0.95)
    assert found.n00 + found.n01 + found.n10 + found.n11 == 799
    assert found.unconditional_pvalue == pytest.approx(stats.chi2.sf(found.unconditional, 1), rel=1e-10)
    assert found.independence_pvalue == pytest.approx(stats.chi2.sf(found.independence, 1), rel=1e-10)
    assert found.conditional_pvalue == pytest.approx(stats.chi2.sf(found.conditional, 2), rel=1e-10)
    assert found.conditional == pytest.approx(found.unconditional + found.independence)


def test_sizes_of_the_tests_under_the_truth() -> None:
    rng = np.random.default_rng(2)
    number = [m.kupiec(rng.random(1000) < 0.05).pvalue < 0.05 for _ in range(600)]
    assert 0.02 < np.mean(number) < 0.09


def test_extremes_of_the_tests() -> None:
    assert m.kupiec(0, 100).pvalue < 0.01
    assert m.kupiec(100, 100).pvalue < 1e-9
    assert m.christoffersen([False] * 10).independence == 0.0
    assert [m.traffic_light(x) for x in (0, 4, 5, 9, 10)] == ["green", "green", "yellow", "yellow", "red"]
    with pytest.raises(InputError, match="5 exceedances in 3 bars"):
        m.kupiec(5, 3)
    with pytest.raises(InputError, match="one a bar, or one for all"):
        m.exceedances([0.1, 0.2], [0.1])


# --- intervals ----------------------------------------------------------------------------------------


def test_block_length_against_arch() -> None:
    arch = pytest.importorskip("arch.bootstrap")
    for seed, width in ((0, 1), (1, 6), (2, 11), (3, 40)):
        change = np.convolve(np.random.default_rng(seed).normal(size=1500), np.ones(width), mode="same")
        theirs = float(arch.optimal_block_length(change)["stationary"].iloc[0])
        assert m.block_length(change) == pytest.approx(max(1.0, theirs), rel=1e-9)


def test_intervals_against_arch() -> None:
    arch = pytest.importorskip("arch.bootstrap")
    change, _ = _series(6, 800)

    def sharpe(x: np.ndarray) -> float:
        return float(x.mean() / x.std(ddof=1) * math.sqrt(PPY))

    theirs = arch.StationaryBootstrap(5, change, seed=1).conf_int(sharpe, reps=2000, method="percentile").ravel()
    ours = m.confidence_intervals(change, periods_per_year=PPY, metrics=["sharpe"], block=5, reps=2000)["sharpe"]
    assert ours.value == pytest.approx(sharpe(change), rel=1e-12)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=0.12)


def test_every_interval_is_of_the_function_of_its_name() -> None:
    change, _ = _series(7, 300)
    curve = np.cumprod(1 + change)
    found = m.confidence_intervals(change, periods_per_year=PPY, reps=200, risk_free=0.01)
    values = {
        "total_return": curve[-1] - 1,
        "cagr": m.cagr(curve, initial=1.0, periods_per_year=PPY),
        "volatility": m.volatility(change, periods_per_year=PPY),
        "sharpe": m.sharpe(change, periods_per_year=PPY, risk_free=0.01),
        "sortino": m.sortino(change, periods_per_year=PPY, risk_free=0.01),
        "max_drawdown": m.max_drawdown(curve, initial=1.0),
        "calmar": m.calmar(curve, initial=1.0, periods_per_year=PPY),
        "value_at_risk": m.value_at_risk(change),
        "conditional_value_at_risk": m.conditional_value_at_risk(change),
        "ulcer_index": m.ulcer_index(change),
        "omega": m.omega(change),
        "hit_rate": m.hit_rate(change),
    }
    assert set(values) == set(found)
    for name, value in values.items():
        assert found[name].value == pytest.approx(value, rel=1e-10), name
        assert found[name].low <= found[name].high


def test_intervals_cover_the_truth() -> None:
    """Ninety percent intervals of the mean return hold the true one about nine times in ten."""
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(150):
        change = rng.normal(0.0004, 0.01, 400)
        found = m.confidence_intervals(
            change, periods_per_year=PPY, metrics=["sharpe"], level=0.9, reps=300, seed=int(rng.integers(1 << 30))
        )["sharpe"]
        held += found.low <= 0.04 * math.sqrt(PPY) <= found.high
    assert 0.82 < held / 150 < 0.96


@pytest.mark.parametrize("method", ["percentile", "basic", "bias_corrected"])
def test_methods_of_intervals(method: str) -> None:
    change, _ = _series(9, 500)
    one = m.confidence_intervals(change, periods_per_year=PPY, metrics=["cagr"], reps=400, method=method)
    two = m.confidence_intervals(change, periods_per_year=PPY, metrics=["cagr"], reps=400, method=method)
    assert one == two
    assert one["cagr"].low < one["cagr"].value < one["cagr"].high
    with pytest.raises(InputError, match="did you mean 'sharpe'"):
        m.confidence_intervals(change, periods_per_year=PPY, metrics=["sharp"])
    with pytest.raises(InputError, match="9 returns"):
        m.confidence_intervals(change[:9], periods_per_year=PPY)


# --- rolling and attribution --------------------------------------------------------------------------


def test_rolling_versions_are_their_measures_of_each_window() -> None:
    change, other = _series(10, 260)
    window = 40
    found = {
        "sortino": m.rolling_sortino(change, window=window, periods_per_year=PPY, risk_free=0.01),
        "beta": m.rolling_beta(change, other, window=window),
        "alpha": m.rolling_alpha(change, other, window=window, periods_per_year=PPY, risk_free=0.01),
        "drawdown": m.rolling_max_drawdown(change, window=window),
        "any": m.rolling(change, m.omega, window=window),
    }
    for values in found.values():
        assert np.isnan(values[: window - 1]).all()
    for end in range(window, 261, 20):
        part, mate = change[end - window : end], other[end - window : end]
        wanted = {
            "sortino": m.sortino(part, periods_per_year=PPY, risk_free=0.01),
            "beta": m.beta(part, mate),
            "alpha": m.alpha(part, mate, periods_per_year=PPY, risk_free=0.01),
            "drawdown": m.max_drawdown(np.cumprod(1 + part), initial=1.0),
            "any": m.omega(part),
        }
        for name, value in wanted.items():
            assert found[name][end - 1] == pytest.approx(value, rel=1e-8), name
    assert np.isnan(m.rolling_beta(change[:10], np.zeros(10), window=5)).all()


def test_attribution_adds_up_exactly() -> None:
    rng = np.random.default_rng(11)
    amounts = rng.normal(0, 1e6, 500) + rng.normal(0, 1e-6, 500)
    labels = [f"L{i % 7}" for i in range(500)]
    found = m.attribute(labels, amounts)
    assert math.fsum(found.values()) == pytest.approx(math.fsum(amounts), rel=1e-15)
    off = m.attribute(labels, amounts, total=found.total + 5.0)
    assert off["residual"] == pytest.approx(5.0)
    assert math.fsum(off.values()) == pytest.approx(off.total, rel=1e-15)
    parts = rng.normal(0.0002, 0.004, (300, 3))
    linked = m.link(parts, ["a", "b", "c"])
    assert math.fsum(linked.values()) == pytest.approx(np.prod(1 + parts.sum(axis=1)) - 1, rel=1e-12)
    with pytest.raises(InputError, match="2 labels for 3 columns"):
        m.link(parts, ["a", "b"])


def test_measure_takes_curves_and_frames() -> None:
    pd = pytest.importorskip("pandas")
    change, other = _series(12, 400)
    curve = np.concatenate([[100.0], 100.0 * np.cumprod(1 + change)])
    one = m.measure(change, other, periods_per_year=PPY)
    two = m.measure(equity=curve, benchmark_equity=np.concatenate([[1.0], np.cumprod(1 + other)]), periods_per_year=PPY)
    three = m.measure(pd.Series(curve).pct_change(), periods_per_year=PPY)
    for name in one:
        assert two[name] == pytest.approx(one[name], rel=1e-6, nan_ok=True), name
    for name in three:
        assert three[name] == pytest.approx(one[name], rel=1e-6, nan_ok=True), name
    assert all(one.convention(name) for name in one)
    with pytest.raises(InputError, match="did you mean 'sharpe'"):
        one["sharp"]
    with pytest.raises(InputError, match="nan at row"):
        m.measure([0.1, math.nan, 0.1])
    with pytest.raises(InputError, match="nothing to measure"):
        m.measure()
    assert m.measure([])["n_returns"] == 0
    assert m.measure([0.0, 0.0, 0.0]).as_dict()["sharpe"] is None
    assert m.measure([-1.0, 0.0]).as_dict()["cagr"] is None
