"""Run the workloads for the product, the bare C loops and the peers, and print one table of ratios.

    python benchmarks/run.py [--quick] [--only W1,W4] [--peers vectorbt,raptorbt] [--rounds 3]

Needs only Python, numpy and a C compiler; makes one environment per peer under `.venvs/`. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))

import agreement  # noqa: E402
import inputs  # noqa: E402
import report  # noqa: E402
from registry import CONTESTANTS, PRODUCT, REFERENCE, WORKLOADS, Contestant, Workload  # noqa: E402

LIBRARY = HERE / "reference" / "build" / "loops.so"
FLAGS = ["-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC"]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def compile_loops() -> str:
    """Compile reference/loops.c where it is newer than its library; empty string, or why it could not be done."""
    source = HERE / "reference" / "loops.c"
    if LIBRARY.exists() and LIBRARY.stat().st_mtime > source.stat().st_mtime:
        return ""
    LIBRARY.parent.mkdir(exist_ok=True)
    command = [os.environ.get("CC", "cc"), *FLAGS, "-o", str(LIBRARY), str(source), "-lm"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"no C compiler: {error}"
    return "" if done.returncode == 0 else f"cc failed: {done.stderr.strip().splitlines()[-1]}"


def clock_ghz() -> float:
    """Clock of the core this process runs on, from a chain of dependent additions."""
    library = ctypes.CDLL(str(LIBRARY))
    library.chain.restype, library.chain.argtypes = ctypes.c_int64, [ctypes.c_int64]
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        library.chain(50_000_000)
        best = min(best, time.perf_counter() - start)
    return 0.05 / best


def interpreter(c: Contestant, product_python: str, install: bool) -> tuple[str, str]:
    """(python of its environment, reason why there is none). Makes the environment on the first run."""
    if c.name == PRODUCT:
        return product_python, ""
    folder = ROOT / ".venvs" / ("reference" if c.name == REFERENCE else c.name)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / ".requirements"
    if stamp.exists() and stamp.read_text() == " ".join(c.requirements):
        return str(python), ""
    if not install:
        return "", "no environment; run without --no-install"
    say(f"installing {c.name} into {folder.relative_to(ROOT)}")
    try:
        if not python.exists():
            venv.create(folder, with_pip=True)
        reason = ""
        for wanted in (c.requirements, c.fallback):
            if not wanted:
                break
            done = subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted], capture_output=True, text=True,
                                  check=False)  # fmt: skip
            if done.returncode == 0:
                stamp.write_text(" ".join(c.requirements))
                return str(python), ""
            reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    except (OSError, subprocess.SubprocessError) as error:
        reason = str(error)
    return "", reason


def run_one(
    python: str, c: Contestant, w: Workload, folder: Path, out: Path, options: dict[str, Any]
) -> dict[str, Any]:
    """One fresh process. Its failure is a row of the table, never a crash."""
    out.unlink(missing_ok=True)
    command = [python, str(HERE / "contestants" / c.script), w.id, str(folder), str(out)]
    for key, value in options.items():
        command += [f"--{key}", str(value)]
    environment = dict(os.environ, OMP_NUM_THREADS="1", PYTHONHASHSEED="0")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False, env=environment)
    except subprocess.TimeoutExpired:
        return {"status": "failed", "reason": "took longer than 30 minutes"}
    if done.returncode != 0 or not out.exists():
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return {"status": "failed", "reason": last[:200]}
    result: dict[str, Any] = json.loads(out.read_text())
    return result


def merge(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Best and typical of the rounds: least of the minima, median of the medians."""
    good = [r for r in rounds if r["status"] == "ok"]
    if not good:
        return rounds[0]
    out = dict(good[0])
    if "median_s" in out:
        out["median_s"] = statistics.median(r["median_s"] for r in good)
        out["min_s"] = min(r["min_s"] for r in good)
        for name, values in out.get("extra", {}).items():
            values["min_s"] = min(r["extra"][name]["min_s"] for r in good)
            values["median_s"] = statistics.median(r["extra"][name]["median_s"] for r in good)
    for key in ("import_s", "first_s", "warm_s"):
        if key in out:
            out[key] = min(r[key] for r in good)
    for key in ("W1", "W2"):
        if out.get(key) is not None:
            out[key] = statistics.median(r[key] for r in good)
    return out


def judge(results: dict[str, dict[str, Any]], w: Workload, evidence: dict[str, Path]) -> list[str]:
    """Write `agrees` into the results of one workload; returns the disagreements of those that must agree."""
    wrong: list[str] = []
    if w.id in {"W6", "W7"} or REFERENCE not in evidence:
        return wrong
    for c in CONTESTANTS:
        if c.name not in evidence:
            continue
        if c.name == REFERENCE:
            results[c.name]["agrees"] = "reference"
            continue
        try:
            compare = agreement.exact if c.exact else agreement.bars_only
            results[c.name]["agrees"] = compare(evidence[REFERENCE], evidence[c.name])
        except agreement.Disagreement as error:
            results[c.name]["agrees"] = f"NO: {error}"
            wrong.append(f"{w.id} {c.name}: {error}")
    return wrong


def cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="workloads, e.g. W1,W4 (default: all)")
    parser.add_argument("--peers", default="", help="contestants beside the C loop, e.g. tradewright,vectorbt")
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, one round")
    parser.add_argument("--rounds", type=int, default=0, help="fresh processes per cell (default 3, quick 1)")
    parser.add_argument("--repeats", type=int, default=9, help="timed calls per process at most")
    parser.add_argument("--budget", type=float, default=6.0, help="seconds of timed calls per process")
    parser.add_argument("--no-install", action="store_true", help="use the environments that are there")
    parser.add_argument("--python", default="", help="interpreter that has tradewright (default: .venv, else this one)")
    parser.add_argument("--data", default="", help="folder of the inputs, kept (default: a temporary one)")
    return parser.parse_args()


def main() -> int:
    a = arguments()
    known = {w.id for w in WORKLOADS}
    only = [w for w in a.only.split(",") if w] or [w.id for w in WORKLOADS]
    peers = [p for p in a.peers.split(",") if p] or [c.name for c in CONTESTANTS]
    for name in [*(set(only) - known), *(set(peers) - {c.name for c in CONTESTANTS})]:
        choices = ", ".join([*sorted(known), *(c.name for c in CONTESTANTS)])
        say(f"There is no {name!r}; choose from {choices}.")
        return 2
    rounds = a.rounds or (1 if a.quick else 3)
    cc_reason = compile_loops()
    own = ROOT / ".venv" / "bin" / "python"
    product_python = a.python or (str(own) if own.exists() else sys.executable)

    pythons: dict[str, str] = {}
    results: dict[str, dict[str, dict[str, Any]]] = {w: {} for w in only}
    chosen = [c for c in CONTESTANTS if c.name in peers or c.name == REFERENCE]
    for c in chosen:
        python, reason = interpreter(c, product_python, not a.no_install)
        if c.name == REFERENCE and cc_reason:
            python, reason = "", cc_reason
        if not python:
            for w in only:
                results[w][c.name] = {"status": "missing", "reason": f"not installed: {reason}"}
        pythons[c.name] = python

    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(a.data or temporary) / "inputs"
        params = inputs.write(folder, quick=a.quick)
        for w in (w for w in WORKLOADS if w.id in only):
            rows: dict[str, list[dict[str, Any]]] = {}
            evidence: dict[str, Path] = {}
            for turn in range(rounds if w.timed else 1):
                # Contestants take turns, so that a slow minute of the machine hits all of them.
                for c in chosen:
                    past = rows.get(c.name)
                    if not pythons[c.name] or (past and past[0]["status"] != "ok"):
                        continue
                    say(f"{w.id} {c.name}, round {turn + 1}")
                    out = Path(temporary) / f"{w.id}-{c.name}.json"
                    options: dict[str, Any] = {"repeats": a.repeats if w.timed else 1, "budget": a.budget}
                    options["evidence"] = int(turn == 0)
                    if w.pinned and cores:
                        options["cpu"] = cores[-1]
                    done = run_one(pythons[c.name], c, w, folder, out, options)
                    rows.setdefault(c.name, []).append(done)
                    proof = out.with_suffix(".npz")
                    if turn == 0 and done["status"] == "ok" and proof.exists():
                        evidence[c.name] = proof
            for name, values in rows.items():
                results[w.id][name] = merge(values)
            wrong += judge(results[w.id], w, evidence)
        ghz = 0.0 if cc_reason else clock_ghz()

    machine = {"cpu": cpu_model(), "cores": len(cores), "clock_ghz": round(ghz, 2)}
    run = {"quick": a.quick, "rounds": rounds, "params": params, "machine": machine, "disagreements": wrong}
    table = report.build(results, run)
    print(report.text(table))
    if not a.quick and not a.only and not a.peers:
        report.save(HERE / "results", table, run)
    for line in wrong:
        say(f"disagreement: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
