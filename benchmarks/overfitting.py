"""How often the product calls noise a discovery, and how often it finds an edge that is there.

    python benchmarks/overfitting.py [--repeats 100] [--quick]

Two worlds, both run through `tradewright.backtest` with a ledger of their own for every repeat, fixed seeds:

noise    1,000 strategies that toss a coin every day of ten years, on one random price; a repeat fails when the evidence
         of any of them says 95 % or more after all were tried. Beside it, for comparison: how often the best would have
         passed without deflation, and how often any passed at the moment it was tried, when fewer trials were known.
edge     200 such strategies and one whose true Sharpe ratio is 2.0 a year: it knows the sign of the next return a
         little better than a coin. A repeat counts when its evidence says 95 % or more after all were tried.

Wanted: noise at most 5 % of the repeats, edge at least 90 %. The exit code is 1 when either fails.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import numpy as np

import tradewright as tw

N_BARS = 2520
YEAR = 252.0


def market(rng: np.random.Generator) -> tuple[tw.Bars, np.ndarray]:
    """Ten years of a random price that opens where it closed, and its returns."""
    change = rng.normal(0.0, 0.01, N_BARS)
    close = 100.0 * np.cumprod(1.0 + change)
    opened = np.concatenate([[100.0], close[:-1]])
    dates = np.busday_offset("2001-01-01", np.arange(N_BARS), roll="forward")
    days = dates.astype("datetime64[ns]") + np.timedelta64(21, "h")
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return tw.Bars.from_arrays(days, opened, high, low, close, np.full(N_BARS, 1e6), symbols="RANDOM"), change


def run(bars: tw.Bars, signs: np.ndarray) -> tw.Result:
    """All equity long or short, as the signs say, for free."""
    return tw.backtest(bars, signals=signs.astype(np.int8).reshape(-1, 1), no_costs=True, lot=0.0)


def coin(rng: np.random.Generator) -> np.ndarray:
    """Signs of N_BARS tosses."""
    return np.where(rng.random(N_BARS) < 0.5, 1.0, -1.0)


def skilled(rng: np.random.Generator, change: np.ndarray, annual: float) -> np.ndarray:
    """Signs that agree with the next return as often as the Sharpe ratio needs: (2 p - 1) E|z| = daily ratio."""
    share = 0.5 + 0.5 * annual / math.sqrt(YEAR) / math.sqrt(2.0 / math.pi)
    right = rng.random(N_BARS) < share
    following = np.append(np.sign(change[1:]), 1.0)
    return np.where(right, following, -following)


def noise_repeat(seed: int, n_trials: int) -> tuple[bool, bool, bool]:
    """Whether any passed in the end, the best passed undeflated, any passed when it was tried."""
    rng = np.random.default_rng([seed, 1])
    tw.use_ledger(tw.MemoryTrialLedger())
    bars, _ = market(rng)
    results = []
    at_once = False
    for i in range(n_trials):
        result = run(bars, coin(rng))
        if result.stats["sharpe"] > 0.5 or i + 1 == n_trials:  # below, not even one trial passes
            results.append(result)
        if i < 50 or result.stats["sharpe"] > 1.1:  # others cannot pass, whatever is known
            at_once |= bool(result.evidence["significant"])
    found = [result.evidence for result in results]
    assert found[-1]["n_trials"] == n_trials
    plain = max(item["probabilistic_sharpe"] for item in found) >= 0.95
    return any(item["significant"] for item in found), plain, at_once


def edge_repeat(seed: int, n_trials: int, annual: float) -> tuple[bool, float]:
    """Whether the planted edge passed, and its estimated annual Sharpe ratio."""
    rng = np.random.default_rng([seed, 2])
    tw.use_ledger(tw.MemoryTrialLedger())
    bars, change = market(rng)
    place = int(rng.integers(n_trials + 1))
    planted = None
    for i in range(n_trials + 1):
        result = run(bars, skilled(rng, change, annual) if i == place else coin(rng))
        planted = result if i == place else planted
    assert planted is not None
    return bool(planted.evidence["significant"]), float(planted.stats["sharpe"])


def main() -> int:
    """Run both worlds and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="a tenth of the repeats, a fifth of the noise")
    options = parser.parse_args()
    repeats = max(1, options.repeats // 10) if options.quick else options.repeats
    n_noise = 200 if options.quick else 1000
    begin = time.perf_counter()
    noise = np.array([noise_repeat(seed, n_noise) for seed in range(repeats)])
    print(f"noise, {n_noise:,} strategies, {repeats} repeats, {time.perf_counter() - begin:.0f} s")
    print(f"  repeats that promote anything                  {noise[:, 0].mean():7.1%}   wanted: at most 5 %")
    print(f"  without deflation                              {noise[:, 1].mean():7.1%}")
    print(
        f"  judged one by one while they were tried        {noise[:, 2].mean():7.1%}   (the first has one trial: 5 %)"
    )
    begin = time.perf_counter()
    edges = [edge_repeat(seed, 200, 2.0) for seed in range(repeats)]
    found = np.array([passed for passed, _ in edges])
    ratios = np.array([ratio for _, ratio in edges])
    print(
        f"edge of Sharpe 2.0 over 10 years among 200 of noise, {repeats} repeats, {time.perf_counter() - begin:.0f} s"
    )
    print(f"  repeats that promote it                        {found.mean():7.1%}   wanted: at least 90 %")
    print(f"  its estimated Sharpe ratio                     {ratios.mean():7.2f} +- {ratios.std(ddof=1):.2f}")
    tw.use_ledger(None)
    return int(noise[:, 0].mean() > 0.05 or found.mean() < 0.90)


if __name__ == "__main__":
    sys.exit(main())
