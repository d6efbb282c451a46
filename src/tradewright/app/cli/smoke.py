"""``tradewright smoke``: walk the main job once, on real data, and judge it.

Entry points: `smoke`, `walk`.

Invariants: the same machine-independent outcome every time; the walk fails on no trades, on numbers that are not
finite, on errors that the data rules find, when two runs differ, and when it takes longer than a minute.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tradewright.app.cli.options import JsonOption

__all__ = ["smoke", "walk"]

LIMIT_SECONDS: Final = 60.0
_JOBS: Final[tuple[dict[str, Any], ...]] = (
    {"strategy": "sma_cross", "symbols": ["SPX"], "params": {"fast": 20, "slow": 100}},
    {"strategy": "sma_cross", "symbols": ["SPX"], "params": {"on": "state", "direction": "long_short"}, "stop": 0.05},
    {"strategy": "donchian_breakout", "symbols": ["SPX"], "params": {}, "trail": "3atr"},
    {"strategy": "bollinger_reversion", "symbols": ["IXIC"], "params": {}, "target": 0.05},
    {"strategy": "momentum_rotation", "symbols": None, "params": {"top": 5}},
)
_UNIVERSE: Final = ["AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO"]
_HEADLINE: Final = (
    "final_equity",
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "max_drawdown",
    "exposure",
    "total_costs",
)


def smoke(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the outcome goes.")] = Path("reports/smoke_run.json"),
    as_json: JsonOption = False,
) -> None:
    """Walk the main job once on sample data and judge it; exit code 3 when something is wrong."""
    from tradewright.engine.record import write_atomic

    started = time.perf_counter()
    outcome = walk()
    seconds = time.perf_counter() - started
    if seconds > LIMIT_SECONDS:
        outcome["failures"].append(f"it took {seconds:.0f} s; the limit is {LIMIT_SECONDS:.0f} s")
    outcome["ok"] = not outcome["failures"]
    text = json.dumps(outcome, indent=2, sort_keys=True)
    write_atomic(out, (text + "\n").encode())
    if as_json:
        print(text)
    else:
        for job in outcome["jobs"]:
            print(f"{job['strategy']:<20} {job['n_trades']:>5} trades  {job['result_hash'][:16]}")
        for failure in outcome["failures"]:
            print(f"FAILED: {failure}")
        print(f"{'passed' if outcome['ok'] else 'failed'} in {seconds:.1f} s; written to {out}")
    if not outcome["ok"]:
        raise typer.Exit(3)


def walk() -> dict[str, Any]:
    """Run the jobs, twice each, and a small sweep.

    Returns
    -------
    dict
        ``jobs`` with headline numbers and hashes, and ``failures`` as sentences.
    """
    from tradewright.data.sanity import check
    from tradewright.engine.backtest import backtest
    from tradewright.engine.sweep import sweep
    from tradewright.kernel import core

    jobs: list[dict[str, Any]] = []
    failures: list[str] = []
    for number, job in enumerate(_JOBS):
        arguments = {**job, "symbols": job["symbols"] or _UNIVERSE}
        name = f"job {number + 1} ({job['strategy']})"
        first = backtest(None, **arguments, bands=True, benchmark="buy_and_hold")
        again = backtest(None, **arguments, bands=True, benchmark="buy_and_hold")
        if first.result_hash != again.result_hash:
            failures.append(f"{name}: two runs differ ({first.result_hash[:12]} and {again.result_hash[:12]})")
        stats = first.stats
        if not stats["n_trades"]:
            failures.append(f"{name}: no trades")
        for key in _HEADLINE:
            if stats[key] is None or not math.isfinite(stats[key]):
                failures.append(f"{name}: {key} is {stats[key]}")
        errors = [finding for finding in check(first.bars).findings if finding.severity == "error"]
        failures += [f"{name}: data: {finding.rule} of {finding.symbol} at row {finding.row}" for finding in errors]
        jobs.append(
            {
                "strategy": first.strategy_name,
                "symbols": list(first.symbols),
                "params": first.params,
                "n_trades": stats["n_trades"],
                "stats": {key: stats[key] for key in _HEADLINE},
                "stamps": first.stamps,
                "result_hash": first.result_hash,
            }
        )
    found = sweep(symbols=["SPX"], strategy="sma_cross", grid={"fast": range(5, 30, 5), "slow": range(20, 120, 20)})
    best = found.best()
    single = backtest(None, "sma_cross", symbols=["SPX"], params=best["params"])
    if single.stats["sharpe"] != best["sharpe"]:
        failures.append(
            f"sweep: its best Sharpe is {best['sharpe']}, the single backtest says {single.stats['sharpe']}"
        )
    return {
        "schema": "tradewright.smoke/1",
        "engine": core.__backend__,
        "jobs": jobs,
        "sweep": {"n": len(found), "best": best},
        "failures": failures,
    }
