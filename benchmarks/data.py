r"""How long loading takes, and how much memory: our store, CSV folder and Parquet folder beside pandas and polars.

    python benchmarks/data.py [--rounds 5] [--only 15min,daily] [--json] [--data FOLDER]

Every cell is a fresh process: the import, the first load and repeated loads are timed apart, and the peak of resident
memory during the first load is read over what the imports took. All contestants end with the same thing, one float64
matrix per field over the union of the stamps, and say the sum of its closes, which must agree. What ours do besides is
part of their time: zones and closes, the rules that judge data, hashes of parts. Data that is not there is left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = (ROOT / ".." / "shared" / "data").resolve()
SETS = {
    "15min": ("nolicence/us_15min_2025_2026", 46, "46 of 62 symbols, 15-minute bars"),
    "daily": ("restricted/us_daily_1990_2025", 59, "59 symbols, daily bars from 1990"),
}

_HEAD = """
import json, os, resource, sys, time
def high_water():
    # ru_maxrss of a child starts with what its parent had; VmHWM is its own.
    try:
        lines = open("/proc/self/status").read().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = time.perf_counter()
folder, store, names, interval = {folder!r}, {store!r}, {names!r}, {interval!r}
files = [os.path.join(folder, name) for name in {files!r}]
parquet = [os.path.join({parquet!r}, name) for name in {parquets!r}]
"""
_TAIL = """
imported = time.perf_counter() - begin
base = high_water()
times = []
for _ in range({rounds}):
    start = time.perf_counter()
    closes = load()
    times.append(time.perf_counter() - start)
    if len(times) == 1:
        total, shape = float(closes[closes == closes].sum()), list(closes.shape)
        peak = high_water() - base
    del closes
print(json.dumps(dict(imported=imported, first=times[0], best=min(times), median=sorted(times)[len(times) // 2],
                      peak_mb=peak / 1024, total=total, shape=shape)))
"""
CONTESTANTS = {
    "our store": """
from tradewright.data.store.parquet import ParquetStore
def load():
    return ParquetStore(store).read(names, interval).close
""",
    "our store, judged": """
from tradewright.data import load as load_bars
def load():
    return load_bars(names, provider="store", store=store, interval=interval).close
""",
    "our CSV folder": """
from tradewright.data import load as load_bars
def load():
    return load_bars(names, data=folder).close
""",
    "our Parquet folder": """
from tradewright.data import load as load_bars
def load():
    return load_bars(names, data={parquet!r}).close
""",
    "pandas, CSV": """
import pandas
def load():
    frames = [pandas.read_csv(path, parse_dates=[0], index_col=0) for path in files]
    fields = {{f: pandas.concat([frame[f] for frame in frames], axis=1, sort=True) for f in {fields!r}}}
    return {{f: table.to_numpy(dtype=float) for f, table in fields.items()}}["close"]
""",
    "pandas, Parquet": """
import pandas
def load():
    frames = [pandas.read_parquet(path).set_index("timestamp_utc") for path in parquet]
    fields = {{f: pandas.concat([frame[f] for frame in frames], axis=1, sort=True) for f in {fields!r}}}
    return {{f: table.to_numpy(dtype=float) for f, table in fields.items()}}["close"]
""",
    "polars, CSV": """
import polars
def load():
    long = polars.concat([
        polars.read_csv(path, try_parse_dates=True).rename({{{time!r}: "t"}})
        .select("t", *(polars.col(f).cast(polars.Float64) for f in {fields!r}), polars.lit(i).alias("i"))
        for i, path in enumerate(files)])
    wide = {{f: long.pivot("i", index="t", values=f).sort("t").drop("t").to_numpy() for f in {fields!r}}}
    return wide["close"]
""",
    "polars, Parquet": """
import polars
def load():
    long = polars.concat([
        polars.read_parquet(path).with_columns(polars.lit(i).alias("i")) for i, path in enumerate(parquet)])
    wide = {{f: long.pivot("i", index="timestamp_utc", values=f).sort("timestamp_utc").drop("timestamp_utc").to_numpy()
            for f in {fields!r}}}
    return wide["close"]
""",
}
FIELDS = ["open", "high", "low", "close", "volume"]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(which: str, folder: Path, count: int, work: Path, rounds: int) -> list[dict[str, Any]]:
    """Rows of one data set."""
    from tradewright.data import load
    from tradewright.data.providers.files import symbol_of_file
    from tradewright.data.store.derived import export_bars
    from tradewright.data.store.parquet import ParquetStore

    paths = sorted(folder.glob("*.csv.gz"))[:count]
    names = [symbol_of_file(path)[0] for path in paths]
    say(f"{which}: preparing {len(names)} symbols")
    bars = load(names, data=folder)
    interval = {"15min": "15min", "daily": "1d"}[which]
    ParquetStore(work / "store").append(bars, source="benchmark")
    written = export_bars(bars, work / "parquet", format="parquet")
    rows: list[dict[str, Any]] = []
    for name, body in CONTESTANTS.items():
        code = (_HEAD + body + _TAIL).format(
            folder=str(folder), store=str(work / "store"), names=names, interval=interval, rounds=rounds,
            files=[path.name for path in paths], parquet=str(work / "parquet"), fields=FIELDS,
            parquets=[path.name for _, path, _ in written], time="date" if which == "daily" else "datetime",
        )  # fmt: skip
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            rows.append({"set": which, "contestant": name, "error": last[0]})
            say(f"{which}: {name}: {last[0]}")
            continue
        rows.append({"set": which, "contestant": name, **json.loads(done.stdout.splitlines()[-1])})
        say(f"{which}: {name}: {rows[-1]['best']:.3f} s")
    want = float(bars.close[bars.close == bars.close].sum())
    for row in rows:
        if "total" in row:
            row["agrees"] = abs(row["total"] - want) < 1e-9 * want and row["shape"] == list(bars.close.shape)
    return rows


def ratios(rows: list[dict[str, Any]]) -> None:
    """Each time beside pandas reading the same kind of file."""
    for row in rows:
        kind = "Parquet" if "Parquet" in row["contestant"] else "CSV"
        base = next((r for r in rows if r["set"] == row["set"] and r["contestant"] == f"pandas, {kind}"), None)
        if base is not None and "best" in row and "best" in base:
            row["to_pandas"] = row["best"] / base["best"]
            row["cold_to_pandas"] = (row["imported"] + row["first"]) / (base["imported"] + base["first"])
            row["memory_to_pandas"] = row["peak_mb"] / base["peak_mb"] if base["peak_mb"] else None


def print_table(rows: list[dict[str, Any]]) -> None:
    head = (
        "set",
        "contestant",
        "best s",
        "median s",
        "first s",
        "import s",
        "peak MB",
        "/ pandas",
        "cold / pandas",
        "same",
    )
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        if "error" in row:
            print(f"| {row['set']} | {row['contestant']} | {row['error']} |" + " |" * 7)
            continue
        cells = [f"{row[name]:.3f}" for name in ("best", "median", "first", "imported")]
        cells += [f"{row['peak_mb']:.0f}", f"{row.get('to_pandas', float('nan')):.2f}",
                  f"{row.get('cold_to_pandas', float('nan')):.2f}", "yes" if row["agrees"] else "NO"]  # fmt: skip
        print(f"| {row['set']} | {row['contestant']} | " + " | ".join(cells) + " |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="loads per process")
    parser.add_argument("--only", default=",".join(SETS), help="sets, with commas")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the data sets")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for which in given.only.split(","):
        if which not in SETS:
            parser.error(f"there is no set {which!r}; known: {', '.join(SETS)}")
        place, count, about = SETS[which]
        if not (given.data / place).is_dir():
            say(f"{which}: {about}: the data is not there, left out")
            continue
        work = Path(tempfile.mkdtemp(prefix="tradewright-bench-"))
        try:
            rows += measure(which, given.data / place, count, work, given.rounds)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    ratios(rows)
    if given.json:
        print(json.dumps({"rounds": given.rounds, "rows": rows}, indent=2))
    elif rows:
        print_table(rows)
    best = [row["to_pandas"] for row in rows if row["contestant"] == "our CSV folder" and "to_pandas" in row]
    if best:
        say(f"our CSV folder beside pandas: {statistics.fmean(best):.2f}")
    return 1 if any(not row.get("agrees", True) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
