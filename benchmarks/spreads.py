"""How far estimates of the spread from bars are off: simulated prices whose spread is known.

    python benchmarks/spreads.py [--bars 2000] [--seeds 10] [--json]

Each bar is a day of 390 trades at the bid or the ask of a random walk with a volatility of 2 % a day; ``seen`` of the
trades are observed. Printed: mean and standard deviation of the estimates of one long window, in basis points.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np

from tradewright.features.microstructure import abdi_ranaldo, corwin_schultz, edge_spread, roll_spread
from tradewright.testing import spread_bars

NAMES = ("EDGE", "Abdi-Ranaldo", "Corwin-Schultz, negative as they are", "Corwin-Schultz, negative as zero", "Roll")


def estimates(spread: float, seen: float, n: int, seed: int) -> list[float]:
    bars = spread_bars(spread, n, seed=seed, seen=seen)
    hlc = bars["high"], bars["low"], bars["close"]
    found = (
        edge_spread(bars["open"], *hlc, window=n),
        abdi_ranaldo(*hlc, window=n - 1),
        corwin_schultz(*hlc, window=n - 1, negative="signed"),
        corwin_schultz(*hlc, window=n - 1),
        roll_spread(bars["close"], window=n - 2),
    )
    return [float(values[-1]) * 1e4 for values in found]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for seen in (1.0, 0.05, 0.01):
        for spread in (0.002, 0.005, 0.01, 0.03):
            table = np.array([estimates(spread, seen, options.bars, seed) for seed in range(options.seeds)])
            rows.append(
                {"seen": seen, "spread_bp": spread * 1e4, "mean": table.mean(0).tolist(), "std": table.std(0).tolist()}
            )
    if options.json:
        print(json.dumps({"estimators": NAMES, "rows": rows}, indent=2))
        return 0
    print(f"| trades seen | spread | {' | '.join(NAMES)} |")
    print("|---" * (len(NAMES) + 2) + "|")
    for row in rows:
        cells = (f"{m:.0f} ± {s:.0f}" for m, s in zip(row["mean"], row["std"], strict=True))
        print(f"| {row['seen']:.0%} | {row['spread_bp']:.0f} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
