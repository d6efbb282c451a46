"""How long labels take, beside the straightforward way in pandas and NumPy.

    python benchmarks/labels.py [--bars 1000000] [--events 20000] [--rounds 5] [--json]

Every contestant gets the same arrays and must give the same labels, or the run fails. The pandas loop is the form of
the books: a path of returns for each event, its first crossing of either barrier. The NumPy one compares a table of
windows at once, which needs a horizon and memory of events times bars. Best of the rounds; a loop that is slow runs on
a part of the events, and the time is per event.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.features import labels as lab

HORIZON = 100


def market(n_bars: int) -> Bars:
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.0005, n_bars)))
    opening = np.concatenate([[100.0], close[:-1]])
    spread = np.abs(rng.normal(0.0, 0.0003, (2, n_bars)))
    high, low = np.maximum(opening, close) * (1 + spread[0]), np.minimum(opening, close) * (1 - spread[1])
    return Bars.from_arrays(None, opening, high, low, close, symbols="WALK")


def by_pandas(close: Any, rows: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Closes only, as in the books."""
    out = np.zeros(rows.size, dtype=np.int64)
    for k, row in enumerate(rows):
        path = close.iloc[row + 1 : row + 1 + HORIZON] / close.iloc[row] - 1.0
        up, down = path[path >= 2 * width[k]], path[path <= -width[k]]
        first_up = up.index[0] if len(up) else close.size
        first_down = down.index[0] if len(down) else close.size
        out[k] = 0 if first_up == first_down else 1 if first_up < first_down else -1
    return out


def by_numpy(close: np.ndarray, rows: np.ndarray, width: np.ndarray) -> np.ndarray:
    """A table of all windows, closes only."""
    windows = np.lib.stride_tricks.sliding_window_view(close, HORIZON)[rows + 1]
    path = windows / close[rows, None] - 1.0
    up, down = path >= 2 * width[:, None], path <= -width[:, None]
    first_up = np.where(up.any(axis=1), up.argmax(axis=1), HORIZON)
    first_down = np.where(down.any(axis=1), down.argmax(axis=1), HORIZON)
    return np.where(first_up == first_down, 0, np.where(first_up < first_down, 1, -1))


def uniqueness_by_pandas(spans: np.ndarray, n_bars: int) -> np.ndarray:
    import pandas as pd

    count = pd.Series(0, index=np.arange(n_bars))
    for first, last in spans:
        count.iloc[first : last + 1] += 1
    return np.array([(1.0 / count.iloc[first : last + 1]).mean() for first, last in spans])


def bootstrap_by_numpy(spans: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The whole matrix of labels and bars, as in the books."""
    matrix = np.zeros((spans[:, 1].max() + 1, spans.shape[0]))
    for k, (first, last) in enumerate(spans):
        matrix[first : last + 1, k] = 1.0
    lengths = matrix.sum(axis=0)
    drawn = np.zeros(matrix.shape[0])
    picks = []
    for u in uniform:
        chance = (matrix / (1.0 + drawn)[:, None]).sum(axis=0) / lengths
        picks.append(int(np.searchsorted(np.cumsum(chance), u * chance.sum(), side="right")))
        drawn += matrix[:, picks[-1]]
    return np.array(picks)


def best(call: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    times, found = [], None
    for _ in range(rounds):
        start = time.perf_counter()
        found = call()
        times.append(time.perf_counter() - start)
    return min(times), found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    import pandas as pd

    bars = market(options.bars)
    close = bars.close[:, 0]
    rng = np.random.default_rng(1)
    rows = np.sort(rng.choice(options.bars - HORIZON - 1, options.events, replace=False))
    width = lab.ewm_volatility(bars, min_count=2)[:, 0] * 5.0
    rows = rows[np.isfinite(width[rows])]
    asked = {"width": width, "min_return": 0.0, "max_bars": HORIZON}

    table: list[dict[str, Any]] = []

    def row(work: str, who: str, seconds: float, ours: float) -> None:
        table.append({"work": work, "who": who, "ms": seconds * 1e3, "ratio": seconds / ours})

    name = f"triple barrier, {rows.size:,} events in {options.bars:,} bars"
    ours, found = best(lambda: lab.triple_barrier(bars, rows, touch="close", **asked), options.rounds)
    row(name, "tradewright, closes", ours, ours)
    seconds, _ = best(lambda: lab.triple_barrier(bars, rows, **asked), options.rounds)
    row(name, "tradewright, highs and lows", seconds, ours)
    seconds, table_found = best(lambda: by_numpy(close, rows, width[rows]), options.rounds)
    row(name, "NumPy, table of windows", seconds, ours)
    part = rows[:2000]
    series = pd.Series(close)
    seconds, loop_found = best(lambda: by_pandas(series, part, width[part]), 1)
    row(name, "pandas, a path an event", seconds * rows.size / part.size, ours)
    if not np.array_equal(found.label, table_found) or not np.array_equal(found.label[: part.size], loop_found):
        print("the labels differ", file=sys.stderr)
        return 1

    spans = np.stack([found.row0, found.row1], axis=1)
    ours, _ = best(lambda: lab.average_uniqueness(found), options.rounds)
    name = f"average uniqueness of {len(found):,} labels"
    row(name, "tradewright", ours, ours)
    few = spans[:2000]
    seconds, theirs = best(lambda: uniqueness_by_pandas(few, options.bars), 1)
    row(name, "pandas, as in the books", seconds * len(found) / 2000, ours)
    if not np.allclose(lab.average_uniqueness(few), theirs, rtol=1e-12):
        print("the uniqueness differs", file=sys.stderr)
        return 1

    dense = np.stack([np.arange(1000) * 3, np.arange(1000) * 3 + 10], axis=1)
    uniform = np.random.default_rng(0).random(1000)
    ours, picks = best(lambda: lab.sequential_bootstrap(dense, seed=0), options.rounds)
    name = "sequential bootstrap, 1,000 draws of 1,000 labels"
    row(name, "tradewright", ours, ours)
    seconds, theirs = best(lambda: bootstrap_by_numpy(dense, uniform), 1)
    row(name, "NumPy, matrix of labels and bars", seconds, ours)
    if not np.array_equal(picks, theirs):
        print("the draws differ", file=sys.stderr)
        return 1
    seconds, _ = best(lambda: lab.sequential_bootstrap(found, seed=0), 1)
    row(f"sequential bootstrap, {len(found):,} draws of {len(found):,} labels", "tradewright", seconds, seconds)
    ours, _ = best(lambda: lab.trend_scan(bars, rows, min_bars=5, max_bars=60), options.rounds)
    row(f"trend scan, {rows.size:,} events, 56 lengths each", "tradewright", ours, ours)

    if options.json:
        print(json.dumps(table, indent=2))
        return 0
    for line in table:
        print(f"{line['work']:<55} {line['who']:<34} {line['ms']:>12.2f} ms {line['ratio']:>10.1f} x")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
