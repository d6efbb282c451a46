"""Inputs of the workloads: seeded geometric random walks with consistent bars and four-decimal prices.

`write(folder, quick)` makes one folder per data set (.npy files) and `params.json`, which names the constants of every
workload; the contestants read nothing else. Moving-average rules are kept free of exact ties (an average equal to the
other one to the last tick), so that rounding inside an indicator cannot change a trade.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SEED = 7
TICK = 1e-4
MINUTE_NS = 60_000_000_000
DAY_NS = 86_400_000_000_000


def walk(n_bars: int, n_assets: int, *, sigma: float, gap: float, wick: float, drift: float) -> dict[str, np.ndarray]:
    """Open, high, low, close in integer ticks, each `(n_bars, n_assets)`."""
    rng = np.random.default_rng(SEED)
    start = 100.0 if n_assets == 1 else rng.uniform(20.0, 200.0, n_assets)
    scale = 1.0 if n_assets == 1 else rng.uniform(0.6, 1.6, n_assets)
    steps = drift + sigma * scale * rng.standard_normal((n_bars, n_assets))
    close = start * np.exp(np.cumsum(steps, axis=0))
    previous = np.vstack([np.broadcast_to(start, (1, n_assets)), close[:-1]])
    open_ = previous * np.exp(gap * scale * rng.standard_normal((n_bars, n_assets)))
    high = np.maximum(open_, close) * np.exp(wick * scale * np.abs(rng.standard_normal((n_bars, n_assets))))
    low = np.minimum(open_, close) * np.exp(-wick * scale * np.abs(rng.standard_normal((n_bars, n_assets))))
    ticks = {k: np.rint(v / TICK).astype(np.int64) for k, v in {"open": open_, "close": close}.items()}
    ticks["high"] = np.maximum(np.rint(high / TICK).astype(np.int64), np.maximum(ticks["open"], ticks["close"]))
    ticks["low"] = np.minimum(np.rint(low / TICK).astype(np.int64), np.minimum(ticks["open"], ticks["close"]))
    if ticks["low"].min() < 1:
        raise ValueError("The walk fell below one tick; lower its volatility.")
    return ticks


def tied_bars(close: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
    """Bars where a fast and a slow average of some pair are exactly equal (integer arithmetic)."""
    total = np.concatenate([[0], np.cumsum(close)])
    sums = {w: total[w:] - total[:-w] for w in {w for pair in pairs for w in pair}}
    found: set[int] = set()
    for fast, slow in pairs:
        n = len(close) - slow + 1
        found.update((np.flatnonzero(sums[fast][-n:] * slow == sums[slow] * fast) + slow - 1).tolist())
    return np.array(sorted(found), dtype=np.int64)


def without_ties(ticks: dict[str, np.ndarray], pairs: list[tuple[int, int]]) -> int:
    """Move closes by single ticks, in place, until no average equals its partner. Returns how many were moved."""
    close, moved = ticks["close"][:, 0], 0
    while len(bars := tied_bars(close, pairs)):
        close[bars[0]] += 1
        moved += 1
        if moved > 1000:
            raise RuntimeError("Ties between moving averages do not go away; choose other windows.")
    np.maximum(ticks["high"], ticks["close"], out=ticks["high"])
    return moved


def save(folder: Path, ticks: dict[str, np.ndarray], step_ns: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    n_bars, n_assets = ticks["close"].shape
    for name, values in ticks.items():
        prices = np.round(values * TICK, 4)
        np.save(folder / f"{name}.npy", np.ascontiguousarray(prices[:, 0] if n_assets == 1 else prices))
    rng = np.random.default_rng(SEED + 1)
    volume = np.rint(rng.lognormal(9.0, 0.5, (n_bars, n_assets)))
    np.save(folder / "volume.npy", np.ascontiguousarray(volume[:, 0] if n_assets == 1 else volume))
    np.save(folder / "ts.npy", 1_600_000_000_000_000_000 + step_ns * np.arange(1, n_bars + 1, dtype=np.int64))


def sweep_pairs(quick: bool) -> list[tuple[int, int]]:
    """Fast 5..44 by slow 50, 55, ..., 295: 2,000 pairs; a fifth of the fast ones when quick."""
    return [(fast, slow) for fast in range(5, 13 if quick else 45) for slow in range(50, 300, 5)]


def write(folder: Path, *, quick: bool = False) -> dict[str, object]:
    """Write all inputs under `folder`; returns the parameters that were written to `params.json`."""
    minutes, rough, days, assets = (100_000, 20_000, 2_520, 100) if quick else (1_000_000, 100_000, 2_520, 500)
    pairs = sweep_pairs(quick)

    ticks = walk(minutes, 1, sigma=0.001, gap=0.0002, wick=0.0004, drift=0.0)
    moved = without_ties(ticks, [(20, 100)])
    save(folder / "minute", ticks, MINUTE_NS)
    signal = np.random.default_rng(SEED + 2).random(minutes) < 1 / 50
    np.save(folder / "minute" / "signal.npy", signal)

    # Bars that span several stops and open with gaps: only for agreement, where the path inside a bar matters.
    ticks = walk(rough, 1, sigma=0.01, gap=0.004, wick=0.006, drift=0.0)
    save(folder / "rough", ticks, MINUTE_NS)
    np.save(folder / "rough" / "signal.npy", np.random.default_rng(SEED + 2).random(rough) < 1 / 100)

    ticks = walk(days, 1, sigma=0.012, gap=0.003, wick=0.004, drift=0.0003)
    moved += without_ties(ticks, [*pairs, (20, 100)])
    save(folder / "daily", ticks, DAY_NS)
    np.save(folder / "daily" / "fast.npy", np.array([f for f, _ in pairs], dtype=np.int64))
    np.save(folder / "daily" / "slow.npy", np.array([s for _, s in pairs], dtype=np.int64))

    save(folder / "portfolio", walk(days, assets, sigma=0.018, gap=0.004, wick=0.006, drift=0.0002), DAY_NS)

    params: dict[str, object] = {
        "seed": SEED,
        "quick": quick,
        "cash": 1e9,
        "fee": 0.0005,
        "slip": 0.0001,
        "cross": {"fast": 20, "slow": 100},
        "portfolio": {"every": 21, "long_lag": 252, "short_lag": 21, "top": 10 if quick else 50},
        "stops": {"stop": 0.01, "target": 0.02, "trail": 0.015},
        "ties_moved": moved,
    }
    (folder / "params.json").write_text(json.dumps(params, indent=1))
    return params
