"""A row of a sweep is the single run's statistics, bit for bit, whatever lane of the engine it went through."""

from __future__ import annotations

import numpy as np
import pytest

core = pytest.importorskip("tradewright._core")


def draw(seed: int):
    """A market, a spec and parameter pairs over many orders of magnitude of price, cash and cost."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40)) if seed % 5 == 0 else int(rng.integers(40, 700))
    level = 10.0 ** rng.integers(-3, 6)
    close = level * np.exp(np.cumsum(rng.normal(0, rng.choice([0.002, 0.02, 0.2]), n)))
    open_ = np.r_[close[0], close[:-1]] * np.exp(rng.normal(0, 0.003, n))
    if rng.random() < 0.5:
        close, open_ = np.round(close, 4) + 1e-4, np.round(open_, 4) + 1e-4
    if rng.random() < 0.2:
        close = np.maximum(np.round(close / level) * level, level / 2)  # ties: nothing changes for many bars
    high, low = np.maximum(open_, close) * 1.001, np.minimum(open_, close) * 0.999
    market = core.Market(np.arange(n, dtype=np.int64) * 86_400_000_000_000, open_, high, low, close)
    costs = {
        "initial_cash": float(rng.choice([1.0, 1e3, 1e5, 123_456.789, 1e9, 1e12, 1e20])),
        "taker_rate": float(rng.choice([0.0, 5e-4, 1e-3, 0.0123456789, 0.3])),
        "sell_rate": float(rng.choice([0.0, 2.78e-5])),
        "half_spread": float(rng.choice([0.0, 1e-4])),
        "size": float(rng.choice([1.0, 0.5, 0.333, 1e-9])),
        "periods_per_year": 252.0,
        "risk_free": float(rng.choice([0.0, 0.03])),
    }
    if rng.random() < 0.6:
        costs |= {"slip_model": "rate", "slip_a": float(rng.choice([1e-4, 0.01]))}
    pairs = np.array([(f, s) for f in (1, 2, 3, 5, 8) for s in (2, 4, 9, 20, 50) if f < s], dtype=float)
    return market, core.Spec(1, **costs), pairs[: int(rng.integers(1, len(pairs) + 1))], costs["initial_cash"]


@pytest.mark.parametrize("by_state", [False, True])
@pytest.mark.parametrize("start", range(0, 240, 60))
def test_rows_of_a_rule_sweep_are_those_of_its_signals(start: int, by_state: bool) -> None:
    for seed in range(start, start + 60):
        market, spec, pairs, _ = draw(seed)
        rows = core.sweep_rule(market, spec, "sma_cross", pairs, by_state=by_state, threads=1)
        codes = [core.rule_signals("sma_cross", market, p, by_state=by_state).reshape(-1) for p in pairs]
        singles = np.stack([core.sweep_signals(market, spec, c.reshape(1, -1), threads=1)[0] for c in codes])
        np.testing.assert_array_equal(rows.view(np.int64), singles.view(np.int64), err_msg=f"seed {seed}")


def test_lanes_give_the_bits_of_the_general_engine() -> None:
    compared = 0
    for seed in range(300, 420):
        market, spec, pairs, _ = draw(seed)
        rows = core.sweep_rule(market, spec, "sma_cross", pairs, by_state=False, threads=2)
        for p, row in zip(pairs, rows, strict=True):
            codes = core.rule_signals("sma_cross", market, p, by_state=False)
            run = core.run_signals(market, spec, codes)
            assert run.equity[-1] == row[0]
            closed = int((run.trades["exit_bar"] >= 0).sum())
            assert closed == row[9]
            compared += closed
    assert compared > 3_000


def test_metrics_of_a_sweep_are_those_of_the_curve() -> None:
    at = {name: k for k, name in enumerate(core.METRICS)}
    for seed in range(20):
        market, spec, pairs, cash = draw(1_000 + seed)
        rows = core.sweep_rule(market, spec, "sma_cross", pairs, by_state=False, threads=1)
        for p, row in zip(pairs, rows, strict=True):
            run = core.run_signals(market, spec, core.rule_signals("sma_cross", market, p, by_state=False))
            equity = np.concatenate(([cash], run.equity))
            peak = np.maximum.accumulate(equity)
            assert row[at["max_drawdown"]] == (equity / peak - 1.0).min()
            returns = np.diff(equity) / equity[:-1]
            if len(returns) > 1 and np.isfinite(row[at["volatility"]]):
                np.testing.assert_allclose(
                    row[at["volatility"]], returns.std(ddof=1) * np.sqrt(252.0), rtol=1e-7, atol=1e-13
                )


def test_columns_beyond_the_limit_are_made_in_turns() -> None:
    # 256 MiB hold 30 columns of 1.1 million bars; 36 windows need two turns and give what one turn gives.
    rng = np.random.default_rng(5)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.0005, 1_100_000)))
    stamps = np.arange(close.size, dtype=np.int64) * 60_000_000_000
    market = core.Market(stamps, close, close, close, close)
    spec = core.Spec(1, taker_rate=5e-4, initial_cash=1e6)
    pairs = np.array([(f, 10 * f) for f in range(2, 20)], dtype=float)
    rows = core.sweep_rule(market, spec, "sma_cross", pairs, by_state=False, threads=2)
    for k in (0, 9, 14, 15, 17):
        alone = core.sweep_rule(market, spec, "sma_cross", pairs[k : k + 1], by_state=False, threads=1)
        np.testing.assert_array_equal(rows[k].view(np.int64), alone[0].view(np.int64))
    assert rows[:, 9].min() > 100
