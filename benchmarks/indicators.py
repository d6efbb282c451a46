"""Indicators beside TA-Lib and pandas-ta-classic: time a row, and largest differences, measured in one run.

    python benchmarks/indicators.py [--rows 200000] [--repeat 5] [--data FILE] [--only NAME] [--json]

Needs TA-Lib; pandas-ta-classic is compared where it is installed. Times are the best of the repeats, of one column, one
thread, through the public call (which checks and wraps). Differences are taken on ``--data``, daily bars with a header.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from indicator_cases import PANDAS_TA, against_pandas_ta, against_talib, columns, talib_cases

from tradewright.features.indicators.registry import compute, indicator, names

ROWS = 200_000


def _prices(n: int) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, n)))
    opening = close * np.exp(rng.normal(0.0, 0.004, n))
    high = np.maximum(opening, close) * (1.0 + np.abs(rng.normal(0.0, 0.003, n)))
    low = np.minimum(opening, close) * (1.0 - np.abs(rng.normal(0.0, 0.003, n)))
    made = {"open": opening, "high": high, "low": low, "close": close, "volume": rng.lognormal(12.0, 0.5, n)}
    made["benchmark"] = close[::-1].copy()
    made["session"], made["ts"] = np.arange(n) // 26.0, np.arange(n) * 86_400_000_000_000
    return made


def _best(function: Callable[[], Any], repeat: int, *, limit: float = 3.0) -> float:
    best, begin = float("inf"), time.perf_counter()
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() - begin > limit:
            break
    return best


def speed(n: int, repeat: int, only: str | None) -> list[dict[str, Any]]:
    """Nanoseconds a row of every indicator of ours, and of those who have it too."""
    prices = _prices(n)
    talib = dict(talib_cases())
    theirs = {case.name: case for case in PANDAS_TA if case.verdict == "equal"}
    frame: Any = None
    if importlib.util.find_spec("pandas_ta_classic"):
        import pandas as pd
        import pandas_ta_classic as library

        frame = pd.DataFrame({k: v for k, v in prices.items() if k not in {"session", "ts"}})
        frame.index = pd.date_range("1700-01-01", periods=n, freq="min")
    found = []
    for name in names():
        item = indicator(name)
        if item.definition is None or (only and only != name):
            continue
        given = {key: prices[key] for key in item.inputs}
        params: dict[str, Any] = {"anchor": 0} if name == "vwap_anchored" else dict(talib.get(name, {}))
        row: dict[str, Any] = {"name": name}
        scale = 1e9 / n
        row["ours"] = (
            _best(lambda given=given, name=name, params=params: compute(name, **given, **params), repeat) * scale
        )
        if name in talib:
            call = lambda given=given, name=name, params=params: compute(name, **given, engine="talib", **params)  # noqa: E731
            row["talib"] = _best(call, repeat) * scale
        case = theirs.get(name)
        if frame is not None and case is not None:
            own = _best(lambda given=given, case=case: compute(case.name, **given, **case.params), repeat) * scale
            row["pandas_ta"] = _best(lambda case=case: case.theirs(frame, library), 2) * scale
            row["pandas_ta_ratio"] = row["pandas_ta"] / own
        if "talib" in row:
            row["talib_ratio"] = row["talib"] / row["ours"]
        found.append(row)
    return found


def agreement(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Largest relative differences on the bars of a file."""
    prices = columns(path)
    out: dict[str, list[dict[str, Any]]] = {"talib": [], "pandas_ta": []}
    for name, params in talib_cases():
        item = indicator(name)
        result = against_talib(name, params, prices)
        out["talib"].append(
            {"name": name, "params": params, "function": item.talib.name if item.talib else "", **result}
        )
    if importlib.util.find_spec("pandas_ta_classic"):
        import pandas as pd
        import pandas_ta_classic as library

        frame = pd.DataFrame(prices, index=pd.date_range("2017-01-03", periods=prices["close"].size))
        for case in PANDAS_TA:
            result = against_pandas_ta(case, prices, frame, library)
            facts = {"name": case.name, "params": dict(case.params), "verdict": case.verdict, "why": case.why}
            out["pandas_ta"].append({**facts, **result})
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, Any] = {"rows": given.rows, "speed": speed(given.rows, given.repeat, given.only)}
    if given.data:
        found["agreement"] = agreement(given.data)
    for key in ("talib_ratio", "pandas_ta_ratio"):
        ratios = [row[key] for row in found["speed"] if key in row]
        if ratios:
            found[f"{key}_geometric_mean"] = float(np.exp(np.mean(np.log(ratios))))
    if given.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'ns a row':<24} {'ours':>8} {'TA-Lib':>8} {'its/ours':>9} {'pandas-ta':>10} {'its/ours':>9}")
    for row in found["speed"]:
        cells = [row.get(key, float("nan")) for key in ("ours", "talib", "talib_ratio", "pandas_ta", "pandas_ta_ratio")]
        print(
            f"{row['name']:<24} {cells[0]:>8.1f} {cells[1]:>8.1f} {cells[2]:>9.2f} {cells[3]:>10.1f} {cells[4]:>9.1f}"
        )
    for key in ("talib_ratio", "pandas_ta_ratio"):
        if f"{key}_geometric_mean" in found:
            print(f"geometric mean of {key}: {found[f'{key}_geometric_mean']:.2f}")
    for library, rows in found.get("agreement", {}).items():
        print(f"\n{library}: largest relative difference")
        for row in rows:
            verdict = f"  {row['verdict']}: {row['why']}" if row.get("why") else ""
            print(f"  {row['name']:<24} {row['all']:.1e}{verdict}")


if __name__ == "__main__":
    main()
