"""Facts about the measures that can be checked by hand or hold for every curve."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tradewright import measures as m
from tradewright.domain.errors import InputError

curves = hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(1.0, 1e6))
profits = hnp.arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e4, 1e4, allow_subnormal=False))


@given(curves, st.floats(1.0, 1e6))
def test_returns_compound_to_the_total_return(curve: np.ndarray, initial: float) -> None:
    change = m.returns(curve, initial=initial)
    assert np.prod(1.0 + change) == pytest.approx(1.0 + m.total_return(curve, initial=initial), rel=1e-9)


@given(curves, st.floats(1.0, 1e6))
def test_drawdown_by_walking_the_curve(curve: np.ndarray, initial: float) -> None:
    peak, worst, run, longest = initial, 0.0, 0, 0
    for value in curve.tolist():
        peak = max(peak, value)
        worst = min(worst, value / peak - 1.0)
        run = run + 1 if value < peak and value / peak - 1.0 < 0.0 else 0
        longest = max(longest, run)
    assert m.max_drawdown(curve, initial=initial) == worst
    assert m.max_drawdown_bars(curve, initial=initial) == longest


@given(curves)
def test_drawdown_episodes_cover_every_bar_below_the_peak_once(curve: np.ndarray) -> None:
    below = m.drawdown(curve, initial=float(curve[0]))
    table = m.drawdowns(curve, initial=float(curve[0]))
    assert int(table.bars.sum()) == int((below < 0.0).sum())
    assert (np.diff(table.depth) >= 0.0).all()
    for peak, trough, recovery, depth, bars in zip(
        table.peak, table.trough, table.recovery, table.depth, table.bars, strict=True
    ):
        assert peak < trough
        assert below[trough] == depth == below[peak + 1 : peak + 1 + bars].min()
        assert recovery == -1 or (recovery == peak + 1 + bars and below[recovery] == 0.0)


def test_a_loss_on_the_first_bar_is_a_drawdown() -> None:
    assert m.max_drawdown([90.0, 95.0], initial=100.0) == pytest.approx(-0.1)
    assert m.drawdowns([90.0, 95.0], initial=100.0).peak.tolist() == [-1]


@given(curves, st.integers(0, 400))
def test_months_compound_to_years_and_years_to_the_total(curve: np.ndarray, offset: int) -> None:
    dates = np.datetime64("2019-10-01") + offset + np.arange(curve.size) * 11
    found = m.monthly_returns(curve, dates, initial=1000.0)
    months = np.where(np.isnan(found.table), 0.0, found.table)
    years = np.where(np.isnan(found.annual), 0.0, found.annual)
    assert np.allclose(np.prod(1.0 + months, axis=1), 1.0 + years, rtol=1e-9)
    assert np.prod(1.0 + years) == pytest.approx(curve[-1] / 1000.0, rel=1e-9)


def test_a_year_without_bars_stays_empty() -> None:
    days = np.array(["2020-12-31", "2022-01-03"], dtype="datetime64[D]")
    found = m.monthly_returns([100.0, 110.0], days, initial=100.0)
    assert found.years.tolist() == [2020, 2021, 2022]
    assert np.isnan(found.annual[1])
    assert np.isnan(found.table[1]).all()
    assert found.table[2, 0] == pytest.approx(0.1)


@given(profits)
def test_trade_measures_by_walking_the_list(pnl: np.ndarray) -> None:
    wins = [p for p in pnl.tolist() if p > 0.0]
    losses = [-p for p in pnl.tolist() if p < 0.0]
    if len(pnl) == 0:
        assert math.isnan(m.win_rate(pnl))
        assert math.isnan(m.expectancy(pnl))
    else:
        assert m.win_rate(pnl) == pytest.approx(len(wins) / len(pnl))
        assert m.expectancy(pnl) == pytest.approx(math.fsum(pnl) / len(pnl), abs=1e-9)
    if losses:
        assert m.profit_factor(pnl) == pytest.approx(math.fsum(wins) / math.fsum(losses))
    else:
        assert math.isnan(m.profit_factor(pnl))
    if wins and losses:
        odds = (math.fsum(wins) / len(wins)) / (math.fsum(losses) / len(losses))
        share = len(wins) / len(pnl)
        assert m.kelly(pnl) == pytest.approx(share - (1.0 - share) / odds, rel=1e-9, abs=1e-9)
    else:
        assert math.isnan(m.kelly(pnl))


@pytest.mark.parametrize("value", [[], [0.01]])
def test_a_spread_needs_two_returns(value: list[float]) -> None:
    assert math.isnan(m.volatility(value, periods_per_year=252.0))
    assert math.isnan(m.sharpe(value, periods_per_year=252.0))


def test_equal_returns_have_no_ratio_rather_than_an_absurd_one() -> None:
    # 0.1 does not have an exact mean: a deviation of 1e-17 would give a ratio of 1e17.
    assert math.isnan(m.sharpe([0.1] * 7, periods_per_year=252.0))
    assert math.isnan(m.sqn([0.1] * 7))
    assert np.isnan(m.rolling_sharpe([0.1] * 7, window=3, periods_per_year=252.0)).all()


def test_ratios_without_a_denominator_are_undefined_not_infinite() -> None:
    assert math.isnan(m.sortino([0.01, 0.02], periods_per_year=252.0))
    assert math.isnan(m.calmar([101.0, 102.0], initial=100.0, periods_per_year=252.0))
    assert math.isnan(m.cagr([0.0], initial=100.0, periods_per_year=252.0))
    assert math.isnan(m.cagr([1e300], initial=1e-5, periods_per_year=252.0))
    assert np.isnan(m.returns([0.0, 5.0], initial=100.0)[1])


@pytest.mark.parametrize("window", [2, 5, 40, 199, 200])
def test_rolling_values_are_the_measures_of_the_window(window: int) -> None:
    change = np.random.default_rng(3).normal(0.0, 0.01, 200)
    ratio = m.rolling_sharpe(change, window=window, periods_per_year=252.0, risk_free=0.02)
    spread = m.rolling_volatility(change, window=window, periods_per_year=252.0)
    assert np.isnan(ratio[: window - 1]).all()
    for row in range(window - 1, 200):
        part = change[row - window + 1 : row + 1]
        assert ratio[row] == pytest.approx(m.sharpe(part, periods_per_year=252.0, risk_free=0.02), rel=1e-10)
        assert spread[row] == pytest.approx(m.volatility(part, periods_per_year=252.0), rel=1e-10)


def test_a_wild_bar_leaves_nothing_behind() -> None:
    change = np.random.default_rng(4).normal(0.0, 1e-6, 500)
    change[100] = 1e9
    spread = m.rolling_volatility(change, window=20, periods_per_year=252.0)
    for row in range(140, 500):
        assert spread[row] == pytest.approx(m.volatility(change[row - 19 : row + 1], periods_per_year=252.0), rel=1e-9)


def test_flat_windows_have_no_deviation_at_all() -> None:
    change = np.where(np.arange(300) % 50 < 25, 0.0, np.random.default_rng(6).normal(0.0, 0.01, 300))
    spread = m.rolling_volatility(change, window=10, periods_per_year=252.0)
    rows = [row for row in range(9, 300) if not change[row - 9 : row + 1].any()]
    assert rows
    assert (spread[rows] == 0.0).all()


def test_alpha_and_beta_account_for_the_whole_mean() -> None:
    rng = np.random.default_rng(5)
    other = rng.normal(0.0004, 0.01, 300)
    own = 0.0002 + 1.3 * other + rng.normal(0.0, 0.004, 300)
    found = m.relative(own, other, periods_per_year=252.0, risk_free=0.01)
    excess = (other.mean() - 0.01 / 252.0) * 252.0
    assert found.alpha + found.beta * excess == pytest.approx((own.mean() - 0.01 / 252.0) * 252.0, rel=1e-12)
    assert found.correlation == pytest.approx(np.corrcoef(own, other)[0, 1], rel=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: m.returns([1.0, math.nan], initial=1.0), "nan at row 1"),
        (lambda: m.returns([1.0], initial=0.0), "initial is 0.0"),
        (lambda: m.volatility([[0.1]], periods_per_year=252.0), "2 dimensions"),
        (lambda: m.sharpe([0.1, 0.2], periods_per_year=0.0), "periods_per_year is 0.0"),
        (lambda: m.rolling_sharpe([0.1], window=1, periods_per_year=252.0), "window is 1"),
        (lambda: m.relative([0.1], [0.1, 0.2], periods_per_year=252.0), "1 returns but 2"),
        (lambda: m.monthly_returns([1.0], [], initial=1.0), "one for each bar"),
    ],
)
def test_wrong_arguments_are_named(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]


def test_every_measure_has_words_of_its_own() -> None:
    labels = [measure.label for measure in m.MEASURES.values()]
    assert len(set(labels)) == len(labels)
    assert all(measure.convention.endswith(".") and key == measure.name for key, measure in m.MEASURES.items())


def test_the_documentation_states_every_convention() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
    missing = [
        measure.name
        for measure in m.MEASURES.values()
        if f"`{measure.name}`" not in page or measure.convention.replace("|", "\\|") not in page
    ]
    assert not missing
