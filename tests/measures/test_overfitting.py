"""Statistics of overfitting: the papers' own numbers, and what they must do to noise and to an edge."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tradewright import measures as m
from tradewright.domain.errors import InputError


def test_deflated_sharpe_of_the_paper() -> None:
    """Bailey and Lopez de Prado (2014), example: annual Sharpe 2.5, 1,250 days of 250, skew -3, kurtosis 10."""
    facts = {"n": 1250, "skew": -3.0, "kurtosis": 10.0, "variance": 0.5 / 250}
    daily = 2.5 / math.sqrt(250)
    assert m.expected_max_sharpe(100, variance=0.5 / 250) == pytest.approx(0.1132, abs=5e-5)
    assert round(m.deflated_sharpe(daily, n_trials=100, **facts), 4) == 0.9004
    assert round(m.deflated_sharpe(daily, n_trials=46, **facts), 4) == 0.9505
    # "had returns been normal, the probability would have stayed above 95 % with 88 trials"
    normal = {"n": 1250, "variance": 0.5 / 250}
    assert round(m.deflated_sharpe(daily, n_trials=88, **normal), 4) == 0.9505


def test_track_records_of_the_paper() -> None:
    """Bailey and Lopez de Prado (2012): annual Sharpe 2 above 1 with 95 %, by frequency of normal returns."""
    for year, years in ((252, 2.73), (52, 2.83), (12, 3.24)):
        bars = m.min_track_record(2 / math.sqrt(year), benchmark=1 / math.sqrt(year))
        assert round(bars / year, 2) == years


def test_probabilistic_sharpe_of_the_paper() -> None:
    """The same paper: a Sharpe ratio of 1.59 a year in 24 months, normal and as the returns really were."""
    assert round(m.probabilistic_sharpe(0.458, n=24), 3) == 0.982
    assert round(m.probabilistic_sharpe(0.458, n=24, skew=-2.448, kurtosis=10.164), 3) == 0.913


def test_backtest_length_of_the_paper() -> None:
    """Bailey, Borwein, Lopez de Prado and Zhu (2014): five years, at most 45 configurations; ten trials: 1.57."""
    assert m.min_backtest_length(45) <= 5.0 < m.min_backtest_length(46)
    assert round(m.expected_max_sharpe(10), 2) == 1.57
    for n in (2, 10, 1000):
        assert m.min_backtest_length(n) <= 2 * math.log(n)
    assert m.min_backtest_length(45, target=2.0) == pytest.approx(m.min_backtest_length(45) / 4)


def test_the_track_record_is_where_the_probability_reaches_the_confidence() -> None:
    for skew, kurtosis in ((0.0, 3.0), (-1.5, 9.0)):
        bars = m.min_track_record(0.08, skew=skew, kurtosis=kurtosis, benchmark=0.02, confidence=0.99)
        below, above = (
            m.probabilistic_sharpe(0.08, n=n, skew=skew, kurtosis=kurtosis, benchmark=0.02)
            for n in (math.floor(bars), math.ceil(bars))
        )
        assert below < 0.99 <= above
    assert math.isnan(m.min_track_record(0.01, benchmark=0.02))


def test_expected_maximum_against_simulation() -> None:
    rng = np.random.default_rng(1)
    for n in (10, 100, 1000):
        found = rng.standard_normal((20_000, n)).max(axis=1).mean() if n < 1000 else 3.2414
        assert m.expected_max_sharpe(n) == pytest.approx(found, rel=0.03)


def test_moments_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    change = np.random.default_rng(2).standard_t(5, 700) * 0.01 + 0.0004
    found = m.sharpe_moments(change, risk_free=0.0001)
    assert found.sharpe == pytest.approx((change.mean() - 0.0001) / change.std(ddof=1), rel=1e-12)
    assert found.skew == pytest.approx(stats.skew(change), rel=1e-10)
    assert found.kurtosis == pytest.approx(stats.kurtosis(change, fisher=False), rel=1e-10)
    assert math.isnan(m.sharpe_moments([0.01, 0.01]).sharpe)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: m.probabilistic_sharpe(0.1, n=1), "n is 1"),
        (lambda: m.expected_max_sharpe(0.5), "at least 1"),
        (lambda: m.expected_max_sharpe(5, variance=-1.0), "variance is -1.0"),
        (lambda: m.min_track_record(0.1, confidence=1.0), "confidence is 1.0"),
        (lambda: m.min_backtest_length(5, target=0.0), "target is 0.0"),
        (lambda: m.effective_trials(np.ones((5, 2))), "None of the columns"),
        (lambda: m.effective_trials(np.eye(5), method="galway"), "did you mean 'galwey'"),
        (lambda: m.adjust_pvalues([0.1, 1.2]), "A p-value is 1.2"),
        (lambda: m.overfitting_probability(np.ones((100, 1))), "at least two"),
        (lambda: m.overfitting_probability(np.ones((100, 2)), n_blocks=7), "n_blocks is 7"),
        (lambda: m.overfitting_probability(np.ones((10, 2))), "each block needs"),
        (lambda: m.overfitting_probability([[1.0, math.nan]] * 40), "row 0, column 1"),
    ],
)
def test_wrong_arguments_are_named(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()  # type: ignore[operator]


# --- effective number of trials -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["simulation", "galwey", "participation"])
def test_effective_trials_of_blocks_and_of_noise(method: str) -> None:
    rng = np.random.default_rng(3)
    ideas = rng.normal(size=(3000, 8))
    assert m.effective_trials(np.repeat(ideas, 6, axis=1), method=method) == pytest.approx(8.0, rel=0.06)
    assert m.effective_trials(ideas[:, :1], method=method) == 1.0
    noise = m.effective_trials(rng.normal(size=(3000, 40)), method=method)
    assert 36.0 < noise <= 40.0


def test_li_ji_counts_whole_and_broken_eigenvalues() -> None:
    orthogonal = np.linalg.qr(np.random.default_rng(1).normal(size=(40, 5)) - 0.0)[0]
    orthogonal = np.vstack([orthogonal, -orthogonal])  # centred, and still orthogonal
    assert m.effective_trials(np.repeat(orthogonal, 3, axis=1), method="li_ji") == pytest.approx(5.0)
    assert m.effective_trials(orthogonal, method="li_ji") == pytest.approx(5.0)


def test_simulated_number_gives_the_right_expected_maximum() -> None:
    """Equally correlated normals: E[max] = sqrt(1 - rho) E[max of independent ones]."""
    rng = np.random.default_rng(4)
    for rho in (0.3, 0.7, 0.95):
        common = rng.normal(size=(4000, 1))
        trials = math.sqrt(rho) * common + math.sqrt(1 - rho) * rng.normal(size=(4000, 200))
        number = m.effective_trials(trials)
        wanted = math.sqrt(1 - rho) * 2.7460  # of 200 independent normals
        drawn = np.random.default_rng(0).normal(size=(200_000, max(1, round(number)))).max(axis=1).mean()
        assert drawn == pytest.approx(wanted, abs=0.12)


def test_clusters_are_found() -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(5)
    ideas = np.repeat(rng.normal(size=(600, 4)), 6, axis=1) + 0.3 * rng.normal(size=(600, 24))
    found = m.trial_clusters(ideas)
    assert found.n_clusters == 4
    for k in range(4):
        assert len(set(found.labels[6 * k : 6 * k + 6].tolist())) == 1
    same = m.trial_clusters(ideas[:, [0] * 5])
    assert same.n_clusters == 1


def test_best_of_noise_is_luck_and_an_edge_is_not() -> None:
    rng = np.random.default_rng(6)
    promoted = 0
    for _ in range(20):
        noise = rng.normal(0.0, 0.01, (1260, 200))
        promoted += m.best_of(noise).deflated >= 0.95
    assert promoted <= 1
    noise[:, 77] += 0.01 * 2.5 / math.sqrt(252)
    found = m.best_of(noise)
    assert (found.column, found.n_trials) == (77, 200)


# --- probability of overfitting -----------------------------------------------------------------------


def _plainly(matrix: np.ndarray, n_blocks: int) -> tuple[float, list[float]]:
    """CSCV written out, one half after the other."""
    from itertools import combinations

    blocks = np.split(matrix, n_blocks)
    logits = []
    for chosen in combinations(range(n_blocks), n_blocks // 2):
        inside = np.concatenate([blocks[i] for i in chosen])
        outside = np.concatenate([blocks[i] for i in range(n_blocks) if i not in chosen])
        best = int((inside.mean(axis=0) / inside.std(axis=0, ddof=1)).argmax())
        other = outside.mean(axis=0) / outside.std(axis=0, ddof=1)
        rank = (other < other[best]).sum() + 1
        share = rank / (matrix.shape[1] + 1)
        logits.append(math.log(share / (1 - share)))
    return float(np.mean(np.array(logits) <= 0)), logits


def test_overfitting_probability_is_what_is_written_out() -> None:
    matrix = np.random.default_rng(7).standard_t(4, (400, 9)) * 0.01 + 0.0005
    for n_blocks in (2, 8):
        found = m.overfitting_probability(matrix, n_blocks=n_blocks)
        probability, logits = _plainly(matrix, n_blocks)
        assert found.probability == probability
        assert np.allclose(found.logits, logits, rtol=1e-12)
        assert found.chosen.sum() == found.n_combinations == math.comb(n_blocks, n_blocks // 2)
    own = m.overfitting_probability(matrix, n_blocks=8, score=lambda part: part.mean(axis=0) / part.std(axis=0, ddof=1))
    assert np.allclose(own.logits, found.logits)


def test_overfitting_of_noise_and_of_skill() -> None:
    rng = np.random.default_rng(8)
    noise = [m.overfitting_probability(rng.normal(0, 0.01, (640, 50)), n_blocks=10).probability for _ in range(12)]
    assert 0.3 < np.mean(noise) < 0.7
    ladder = rng.normal(0, 0.01, (640, 20)) + np.linspace(-0.003, 0.003, 20)
    found = m.overfitting_probability(ladder, n_blocks=10)
    assert found.probability < 0.05
    assert found.second_order
    assert found.probability_of_loss < 0.05
    alone = rng.normal(0, 0.01, (640, 20))
    alone[:, 3] += 0.01
    found = m.overfitting_probability(alone, n_blocks=10)
    assert (found.first_order, found.second_order) == (True, True)
    assert found.chosen[3] == found.n_combinations
    # One that was lucky in half of the time and unlucky in the other: whatever is chosen, the other half takes it back.
    seesaw = rng.normal(0, 0.001, (640, 20))
    seesaw[:320, :10] += 0.002
    seesaw[320:, :10] -= 0.002
    seesaw[:320, 10:] -= 0.002
    seesaw[320:, 10:] += 0.002
    found = m.overfitting_probability(seesaw, n_blocks=10)
    assert found.slope < 0
    assert found.probability > 0.5
    assert not found.first_order


def test_bars_that_do_not_fill_the_blocks_are_said() -> None:
    found = m.overfitting_probability(np.random.default_rng(1).normal(size=(103, 3)), n_blocks=10)
    assert found.dropped == 3


# --- corrections --------------------------------------------------------------------------------------


def test_adjusted_pvalues_against_statsmodels() -> None:
    multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
    rng = np.random.default_rng(9)
    p = np.concatenate([rng.random(40), rng.random(10) ** 4])
    names = {
        "bonferroni": "bonferroni",
        "holm": "holm",
        "benjamini_hochberg": "fdr_bh",
        "benjamini_yekutieli": "fdr_by",
    }
    for own, theirs in names.items():
        assert np.allclose(m.adjust_pvalues(p, method=own), multipletests(p, method=theirs)[1], rtol=1e-12)
    assert m.adjust_pvalues([]).size == 0


def test_reality_check_and_spa() -> None:
    pytest.importorskip("arch")
    noise = np.random.default_rng(10).normal(0.0, 0.01, (500, 30))
    assert m.reality_check(noise, reps=300).pvalue > 0.05
    spa = m.superior_predictive_ability(noise, reps=300)
    assert spa.lower <= spa.pvalue <= spa.upper
    noise[:, 4] += 0.003
    found = m.superior_predictive_ability(noise, reps=300)
    assert (found.best, found.pvalue < 0.01) == (4, True)
    assert m.reality_check(noise, reps=300).pvalue < 0.05
    assert m.reality_check(noise, reps=300) == m.reality_check(noise, reps=300)
    # poor trials dilute the reality check, not the other one
    noise[:, 10:] -= 0.01
    assert m.superior_predictive_ability(noise, reps=300).pvalue < 0.01
    benchmark = noise[:, 4] + np.random.default_rng(1).normal(0, 0.001, 500)
    assert m.superior_predictive_ability(noise, benchmark=benchmark, reps=300).pvalue > 0.05
