"""Do fill bands hold what truly happened? Markets made in small steps, traded on hourly bars, compared with the steps.

    python benchmarks/bands.py [--markets 500] [--hours 500] [--steps 6] [--seed 20] [--json]

Needs tradewright and numpy. What is measured and why: docs/fill-bands.md. Exit code 1 when a requirement is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

import numpy as np

import tradewright as tw
from tradewright.domain.bars import Bars
from tradewright.engine.bands import Bands

F64 = np.ndarray[Any, np.dtype[np.float64]]
I8 = np.ndarray[Any, np.dtype[np.int8]]

START: Final = 1_600_002_000_000_000_000  # a whole hour
MINUTE: Final = 60_000_000_000
HOLD: Final = -128
TOLERANCE: Final = 1e-9
"""Of a total return: the rounding of the ledger and of sums of logarithms."""

PROTECTIONS: Final[dict[str, dict[str, Any]]] = {
    "stop 1 %, target 1.5 %": {"stop": 0.01, "target": 0.015},
    "trail 1 %": {"trail": 0.01},
    "stop 1.5 %, target 2 %, trail 1 %": {"stop": 0.015, "target": 0.02, "trail": 0.01},
}
ENTRIES: Final = ("state", "cross")
"""Decisions at each hourly close: by state enters again at once after a stop, by cross waits for the next cross."""

MUST: Final = {"coverage": 0.95, "shrinkage": 0.80, "cost": 3.0}


@dataclass(frozen=True)
class Case:
    """One market under one set of rules."""

    truth: float
    runs: tuple[float, float, float]
    low: float
    high: float
    fine_low: float
    fine_high: float
    share: float
    flagged: bool
    n_trades: int


@dataclass(frozen=True)
class Row:
    """All markets under one set of rules; shares of markets, mean widths in total return."""

    entries: str
    protection: str
    coverage: float
    below: float
    above: float
    coverage_of_runs: float
    width: float
    width_of_runs: float
    fine_coverage: float
    fine_width: float
    shrinkage: float | None
    order_dependent: float
    flagged: float
    trades: float


@dataclass(frozen=True)
class Market:
    """The same prices in three resolutions."""

    steps: Bars
    minutes: Bars
    hours: Bars


def market(seed: int, number: int, hours: int, steps: int) -> Market:
    """Geometric random walk in `steps` straight steps a minute.

    Volatility of an hour is lognormal around 0.3 to 1.2 % and persistent (AR 0.9); every second market is closed
    after each seventh hour and opens with a gap of about two hours' volatility.
    """
    rng = np.random.default_rng([seed, number])
    usual = rng.uniform(0.003, 0.012)
    shock = 0.25 * rng.standard_normal(hours)
    level = np.zeros(hours)
    for i in range(1, hours):
        level[i] = 0.9 * level[i - 1] + shock[i]
    volatility = usual * np.exp(level - 0.5 * 0.25**2 / (1 - 0.9**2))
    in_hour = 60 * steps
    change = rng.standard_normal((hours, in_hour)) * (volatility / np.sqrt(in_hour))[:, None]
    close = 100.0 * np.exp(np.cumsum(change.ravel()))
    open_ = np.concatenate(([100.0], close[:-1]))
    if number % 2:
        gap = np.zeros(hours)
        gap[7::7] = 2.0 * usual * rng.standard_normal(gap[7::7].size)
        factor = np.repeat(np.exp(np.cumsum(gap)), in_hour)
        open_, close = open_ * factor, close * factor
    return Market(*(_bars(open_, close, n, MINUTE // steps) for n in (1, steps, in_hour)))


def _bars(open_: F64, close: F64, n: int, step_ns: int) -> Bars:
    """Join every `n` straight steps into one bar."""
    first, last = open_.reshape(-1, n), close.reshape(-1, n)
    high = np.maximum(first, last).max(axis=1)
    low = np.minimum(first, last).min(axis=1)
    stamps = START + (1 + np.arange(high.size)) * (n * step_ns)
    return Bars.from_arrays(
        stamps, first[:, 0].copy(), high, low, last[:, -1].copy(), symbols="BTC-USD", interval_ns=n * step_ns
    )


def decisions(close: F64, entries: str) -> I8:
    """Long above, short below: the average of 5 closes against that of 20."""
    total = np.concatenate(([0.0], np.cumsum(close)))
    signals = np.zeros(close.size, dtype=np.int8)
    fast, slow = ((total[20:] - total[20 - n : -n]) / n for n in (5, 20))
    signals[19:] = np.where(fast > slow, 1, -1)
    if entries == "state":
        return signals
    crossed = np.full(close.size, HOLD, dtype=np.int8)
    at = 1 + np.flatnonzero(np.diff(signals))
    crossed[at] = signals[at]
    return crossed


def on_steps(signals: I8, n_steps: int) -> I8:
    """Give the decisions of the hourly closes to the steps that end there; no opinion in between."""
    out = np.full(n_steps, HOLD, dtype=np.int8)
    every = n_steps // signals.size
    out[every - 1 :: every] = signals
    return out


def truth(m: Market, signals: I8, protection: dict[str, Any], intrabar: str = "pessimistic") -> float:
    """Total return on the steps; straight steps leave no order of high and low open, so `intrabar` has no say."""
    result = tw.backtest(
        m.steps, signals=on_steps(signals, m.steps.n_bars), intrabar=intrabar, validate=False, **protection
    )
    return float(result.run.stats["total_return"])


def bands(m: Market, signals: I8, protection: dict[str, Any], detail: Bars | None = None) -> Bands:
    """Fill bands on the hourly bars."""
    found = tw.backtest(m.hours, signals=signals, bands=True, detail=detail, validate=False, **protection).bands
    assert found is not None
    return found


def cases(m: Market) -> Iterator[tuple[tuple[str, str], Case]]:
    """One market under every rule."""
    for entries in ENTRIES:
        signals = decisions(m.hours.close[:, 0], entries)
        for name, protection in PROTECTIONS.items():
            coarse, fine = bands(m, signals, protection), bands(m, signals, protection, m.minutes)
            low, middle, high = (
                float(run["total_return"] or 0.0) for run in (coarse.pessimistic, coarse.expected, coarse.optimistic)
            )
            yield (
                (entries, name),
                Case(
                    truth=truth(m, signals, protection),
                    runs=(low, middle, high),
                    low=coarse.low,
                    high=coarse.high,
                    fine_low=fine.low,
                    fine_high=fine.high,
                    share=coarse.n_order_dependent / max(1, coarse.n_trades),
                    flagged=coarse.order_dependent,
                    n_trades=coarse.n_trades,
                ),
            )


def measure(
    n_markets: int, hours: int, steps: int, seed: int, say: Callable[[str], None] = lambda _: None
) -> list[Row]:
    """Share of markets whose true return lies in the band, and how wide the band is."""
    found: dict[tuple[str, str], list[Case]] = {}
    for number in range(n_markets):
        for key, case in cases(market(seed, number, hours, steps)):
            found.setdefault(key, []).append(case)
        if (number + 1) % 100 == 0:
            say(f"{number + 1} of {n_markets} markets")
    return [_row(key, group) for key, group in found.items()]


def _row(key: tuple[str, str], group: list[Case]) -> Row:
    true, low, high, fine_low, fine_high = (
        np.array([getattr(case, name) for case in group]) for name in ("truth", "low", "high", "fine_low", "fine_high")
    )
    runs = np.array([case.runs for case in group])
    width, fine_width = float((high - low).mean()), float((fine_high - fine_low).mean())
    below, above = true < low - TOLERANCE, true > high + TOLERANCE
    outside = (true < runs.min(axis=1) - TOLERANCE) | (true > runs.max(axis=1) + TOLERANCE)
    fine_outside = (true < fine_low - TOLERANCE) | (true > fine_high + TOLERANCE)
    return Row(
        *key,
        coverage=float(1.0 - (below | above).mean()),
        below=float(below.mean()),
        above=float(above.mean()),
        coverage_of_runs=float(1.0 - outside.mean()),
        width=width,
        width_of_runs=float((runs.max(axis=1) - runs.min(axis=1)).mean()),
        fine_coverage=float(1.0 - fine_outside.mean()),
        fine_width=fine_width,
        shrinkage=1.0 - fine_width / width if width > 0.0 else None,
        order_dependent=float(np.mean([case.share for case in group])),
        flagged=float(np.mean([case.flagged for case in group])),
        trades=float(np.mean([case.n_trades for case in group])),
    )


def cost(hours: int, seed: int, rounds: int = 15) -> list[dict[str, Any]]:
    """Time of a call with bands over one without: whole calls on new and on known bars, engine alone, processor.

    Best of rounds in which the contestants take turns, as in the other benchmarks.
    """
    from tradewright.engine.bands import bands_of

    m = market(seed, 0, hours, 1)
    columns = [np.ascontiguousarray(getattr(m.hours, name)[:, 0]) for name in ("open", "high", "low", "close")]
    signals = decisions(m.hours.close[:, 0], "state")
    rows = []
    for name, protection in {**PROTECTIONS, "none": {}}.items():
        known = tw.backtest(m.hours, signals=signals, **protection)
        prepared, chosen = known.prepared, known.decisions

        def fresh(prot: dict[str, Any] = protection, **more: Any) -> Any:
            bars = Bars.from_arrays(m.hours.ts, *columns, symbols="BTC-USD", interval_ns=60 * MINUTE)
            result = tw.backtest(bars, signals=signals, **prot, **more)
            return result.stats["total_return"], result.bands

        def again(prot: dict[str, Any] = protection, **more: Any) -> Any:
            result = tw.backtest(m.hours, signals=signals, **prot, **more)
            return result.stats["total_return"], result.bands

        def engine(prepared: Any = prepared, chosen: Any = chosen) -> Any:
            return chosen.run(prepared.market, prepared.spec, prepared.bars)

        def engine_bands(prepared: Any = prepared, chosen: Any = chosen) -> Any:
            return bands_of(prepared, chosen, chosen.run(prepared.market, prepared.spec, prepared.bars))

        contestants: dict[str, Callable[[], Any]] = {
            "fresh": fresh,
            "fresh_bands": partial(fresh, bands=True),
            "again": again,
            "again_bands": partial(again, bands=True),
            "engine": engine,
            "engine_bands": engine_bands,
        }
        wall: dict[str, list[float]] = {}
        processor: dict[str, list[float]] = {}
        for n in range(rounds + 2):
            for who, call in contestants.items():
                start, used = time.perf_counter(), time.process_time()
                call()
                if n >= 2:  # the first rounds warm up
                    wall.setdefault(who, []).append(time.perf_counter() - start)
                    processor.setdefault(who, []).append(time.process_time() - used)
        best = {who: min(values) for who, values in wall.items()}
        busy = {who: min(values) for who, values in processor.items()}
        rows.append(
            {
                "hours": hours,
                "protection": name,
                "one_run_ms": 1e3 * best["fresh"],
                "new_bars": best["fresh_bands"] / best["fresh"],
                "known_bars": best["again_bands"] / best["again"],
                "engine": best["engine_bands"] / best["engine"],
                "engine_processor": busy["engine_bands"] / busy["engine"],
            }
        )
    return rows


def missed(rows: list[Row], costs: list[dict[str, Any]]) -> list[str]:
    """Requirements that the figures miss, in words."""
    out = []
    for row in rows:
        what = f"{row.protection}, entries by {row.entries}"
        if row.coverage < MUST["coverage"]:
            out.append(f"{what}: coverage {row.coverage:.1%} is below {MUST['coverage']:.0%}")
        if row.shrinkage is not None and row.shrinkage < MUST["shrinkage"]:
            out.append(f"{what}: finer bars shrink the band by {row.shrinkage:.1%}, less than {MUST['shrinkage']:.0%}")
    for item in costs:
        for figure, what in (
            ("new_bars", "waiting time of a call on new bars"),
            ("engine_processor", "processor time"),
        ):
            if item[figure] > MUST["cost"]:
                out.append(
                    f"{item['protection']}, {item['hours']} hours: bands take {item[figure]:.2f} x one run in {what}, "
                    f"more than {MUST['cost']:g}"
                )
    return out


def table(rows: list[Row], costs: list[dict[str, Any]]) -> str:
    lines = [
        "| entries by | protection | in the band | below | above | in the three runs | width | of the runs "
        "| in the band, minutes | width, minutes | shrinks by | order-dependent trades | flagged | trades |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for r in rows:
        shrinkage = "" if r.shrinkage is None else f"{r.shrinkage:.1%}"
        lines.append(
            f"| {r.entries} | {r.protection} | {r.coverage:.1%} | {r.below:.1%} | {r.above:.1%} "
            f"| {r.coverage_of_runs:.1%} | {r.width:.4f} | {r.width_of_runs:.4f} | {r.fine_coverage:.1%} "
            f"| {r.fine_width:.5f} | {shrinkage} | {r.order_dependent:.1%} | {r.flagged:.1%} | {r.trades:.0f} |"
        )
    lines += [
        "",
        "| hours | protection | one run, ms | new bars | known bars | engine | engine, processor time |",
        "|--:|---|--:|--:|--:|--:|--:|",
    ]
    for c in costs:
        lines.append(
            f"| {c['hours']} | {c['protection']} | {c['one_run_ms']:.2f} | {c['new_bars']:.2f} | {c['known_bars']:.2f} "
            f"| {c['engine']:.2f} | {c['engine_processor']:.2f} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--markets", type=int, default=500)
    parser.add_argument("--hours", type=int, default=500)
    parser.add_argument("--steps", type=int, default=6, help="straight steps a minute; 1: minute bars tell all")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--no-cost", action="store_true", help="coverage only")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    rows = measure(
        chosen.markets, chosen.hours, chosen.steps, chosen.seed, lambda text: print(text, file=sys.stderr, flush=True)
    )
    costs = [] if chosen.no_cost else [c for hours in (500, 5_000, 50_000) for c in cost(hours, chosen.seed)]
    wrong = missed(rows, costs)
    if chosen.json:
        print(json.dumps({"coverage": [asdict(row) for row in rows], "cost": costs, "missed": wrong}, indent=2))
    else:
        print(table(rows, costs))
        print("\n" + ("Missed:\n- " + "\n- ".join(wrong) if wrong else "Nothing that was measured is missed."))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
