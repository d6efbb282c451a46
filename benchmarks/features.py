"""The 200 standard features of many symbols of intraday bars: ours, pandas, and pandas-ta-classic where it has them.

    python benchmarks/features.py --data FOLDER [--symbols 46] [--repeat 3] [--threads 0] [--json]

``--data`` is a folder of CSV files of 15-minute bars. Times are the best of the repeats, data loaded before, everything
computed in memory. pandas runs the same entries (`features_pandas`); pandas-ta-classic runs the ones it has, and is set
against ours for those alone. ``--write`` also measures the way to Parquet with the memory it takes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from features_pandas import Wide, value

from tradewright.data import load
from tradewright.domain.bars import Bars
from tradewright.features.pipeline import FeatureSet
from tradewright.features.registry import preset

ETFS = {"SPY", "QQQ", "SMH", "GDX", "XBI", "XLB", "XLC", "XLE", "XLF", "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY"}


def _best(function: Callable[[], Any], repeat: int) -> tuple[float, float]:
    """Least wall-clock and least processor seconds; the latter say more on a machine that does other things too."""
    best = spent = float("inf")
    for _ in range(repeat):
        start, used = time.perf_counter(), time.process_time()
        function()
        best, spent = min(best, time.perf_counter() - start), min(spent, time.process_time() - used)
    return best, spent


def _bars(folder: Path, count: int) -> Bars:
    every = load(data=folder, interval="15min", stamp="start", tz="America/New_York")
    names = [name for name in every.symbols if name.split("_")[0] not in ETFS][:count]
    bars = every.select(names)
    keep = np.isfinite(bars.close).all(axis=1)
    fields = {n: np.ascontiguousarray(getattr(bars, n)[keep]) for n in ("open", "high", "low", "close", "volume")}
    return Bars(np.ascontiguousarray(bars.ts[keep]), **fields, instruments=bars.instruments,
                interval_ns=bars.interval_ns, provenance=bars.provenance)  # fmt: skip


def _wide(bars: Bars) -> Wide:
    fields = {n: getattr(bars, n) for n in ("open", "high", "low", "close", "volume")}
    return Wide(pd.DatetimeIndex(bars.ts, tz="UTC"), fields, list(bars.symbols), ("1h", "1d"))


def _pandas(bars: Bars) -> int:
    w = _wide(bars)
    made = {n: value(entry, w) for n, entry in enumerate(preset("standard_200"))}
    return len(made)


def _pandas_ta() -> dict[str, tuple[list[dict[str, Any]], Callable[[Any, Any], Any]]]:
    """Entries of ours that pandas-ta-classic has with the same meaning, and its calls."""

    def each(name: str, windows: list[int], call: Callable[[Any, Any, int], Any]) -> Any:
        return {f"{name}_{n}": ([{"feature": name, "window": n}], lambda f, ta, n=n: call(f, ta, n)) for n in windows}

    return {
        **each("simple_return", [1, 2, 3, 5], lambda f, ta, n: ta.percent_return(f.close, length=n)),
        **each("log_return", [10, 20, 40, 60, 120, 250], lambda f, ta, n: ta.log_return(f.close, length=n)),
        **each("rsi", [7, 14, 28], lambda f, ta, n: ta.rsi(f.close, length=n, talib=False)),
        **each("willr", [14], lambda f, ta, n: ta.willr(f.high, f.low, f.close, length=n, talib=False)),
        **each("cci", [20], lambda f, ta, n: ta.cci(f.high, f.low, f.close, length=n, talib=False)),
        **each("mfi", [14], lambda f, ta, n: ta.mfi(f.high, f.low, f.close, f.volume, length=n, talib=False)),
        **each("er", [10], lambda f, ta, n: ta.er(f.close, length=n)),
        **each("zscore", [20, 60], lambda f, ta, n: ta.zscore(f.close, length=n)),
        **each("psl", [20], lambda f, ta, n: ta.psl(f.close, length=n)),
        **each("adx", [14], lambda f, ta, n: ta.adx(f.high, f.low, f.close, length=n, talib=False)),
        **each("choppiness", [14], lambda f, ta, n: ta.chop(f.high, f.low, f.close, length=n, talib=False)),
        **each("vhf", [28], lambda f, ta, n: ta.vhf(f.close, length=n)),
        **each("bbands_percent", [20, 60], lambda f, ta, n: ta.bbands(f.close, length=n, talib=False)),
        **each("natr", [14], lambda f, ta, n: ta.natr(f.high, f.low, f.close, length=n, talib=False)),
        **each("ulcer", [20], lambda f, ta, n: ta.ui(f.close, length=n)),
        **each("cmf", [20], lambda f, ta, n: ta.cmf(f.high, f.low, f.close, f.volume, length=n)),
    }


def measure(bars: Bars, repeat: int, threads: int, *, write: bool) -> list[dict[str, Any]]:
    """Rows of the table."""
    cells = bars.n_bars * bars.n_assets * 200
    rows: list[dict[str, Any]] = []

    def row(what: str, times: tuple[float, float], n: int = cells) -> tuple[float, float]:
        rows.append({"what": what, "seconds": times[0], "processor_seconds": times[1], "values": n,
                     "values_a_second": n / times[0]})  # fmt: skip
        return times

    wanted = FeatureSet.preset("standard_200")
    ours = row("tradewright, all cores", _best(lambda: wanted.compute(bars, threads=threads), repeat))
    row("tradewright, one thread", _best(lambda: wanted.compute(bars, threads=1), repeat))
    theirs = row("pandas, the same 200", _best(lambda: _pandas(bars), max(1, repeat - 2)))
    rows[-1]["ratio"], rows[-1]["processor_ratio"] = theirs[0] / ours[0], theirs[1] / ours[1]
    if write:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "features.parquet"
            row("tradewright, to Parquet", _best(lambda: wanted.write(bars, file, threads=threads), 1))
            rows[-1]["megabytes"] = file.stat().st_size / 1e6
        rows[-1]["peak_before_mb"], rows[-1]["peak_mb"] = (
            before / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)  # fmt: skip
    try:
        import pandas_ta_classic as ta
    except ImportError:
        return rows
    shared = _pandas_ta()
    entries = [entry for part, _ in shared.values() for entry in part]
    small = FeatureSet(entries)
    n = bars.n_bars * bars.n_assets * len(entries)
    ours = row(f"tradewright, {len(entries)} that pandas-ta-classic has", _best(
        lambda: small.compute(bars, threads=threads), repeat), n)  # fmt: skip
    frames = [
        pd.DataFrame({k: getattr(bars, k)[:, j] for k in ("open", "high", "low", "close", "volume")})
        for j in range(bars.n_assets)
    ]

    def run() -> None:
        for frame in frames:
            for _, call in shared.values():
                call(frame, ta)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = row(f"pandas-ta-classic, the same {len(entries)}", _best(run, 1), n)
    rows[-1]["ratio"], rows[-1]["processor_ratio"] = theirs[0] / ours[0], theirs[1] / ours[1]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--symbols", type=int, default=46)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bars = _bars(options.data, options.symbols)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = measure(bars, options.repeat, options.threads, write=options.write)
    facts = {"symbols": bars.n_assets, "bars": bars.n_bars, "cores": len(os.sched_getaffinity(0)), "rows": rows}
    if options.json:
        print(json.dumps(facts, indent=2))
        return
    print(f"{bars.n_assets} symbols, {bars.n_bars} bars each, {facts['cores']} cores")
    for one in rows:
        more = (
            f"  {one['ratio']:6.1f} times ours ({one['processor_ratio']:.1f} in processor time)"
            if "ratio" in one
            else ""
        )
        more += f"  {one['megabytes']:.0f} MB, peak {one['peak_mb']:.0f} MB" if "megabytes" in one else ""
        speed = f"{one['processor_seconds']:8.2f} s cpu {one['values_a_second'] / 1e6:8.1f} M values/s"
        print(f"{one['what']:<48} {one['seconds']:8.2f} s {speed}{more}")


if __name__ == "__main__":
    main()
