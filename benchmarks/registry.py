"""Contestants and workloads: what is installed for whom, and what each workload must reach."""

from __future__ import annotations

from dataclasses import dataclass

REFERENCE = "c_loop"
PRODUCT = "tradewright"


@dataclass(frozen=True)
class Contestant:
    """One row of the table; `requirements` go into its own environment; `exact` ones must agree with the C loop."""

    name: str
    script: str
    requirements: tuple[str, ...]
    fallback: tuple[str, ...] = ()
    exact: bool = True


CONTESTANTS = (
    Contestant(REFERENCE, "c_loop.py", ("numpy",)),
    Contestant(PRODUCT, "tradewright_.py", ()),
    Contestant("vectorbt", "vectorbt_.py", ("vectorbt[rust]",), fallback=("vectorbt",)),
    Contestant("raptorbt", "raptorbt_.py", ("raptorbt", "numpy")),
    Contestant("backtesting", "backtesting_.py", ("backtesting",), exact=False),
)


@dataclass(frozen=True)
class Workload:
    """`must_ratio` is the product's longest time as a multiple of the C loop's, `must_rate` its lowest rate.

    Rates hold for a core of `CLOCK_GHZ` and are scaled to the clock that this run measures. `peers_of` names the
    workload whose peers stand beside this one where the peers know no such distinction.
    """

    id: str
    title: str
    unit: str
    must_ratio: float | None = None
    must_rate: float | None = None
    goal_rate: float | None = None
    peers_of: str | None = None
    pinned: bool = True
    timed: bool = True


CLOCK_GHZ = 4.3

WORKLOADS = (
    Workload("W1", "one asset, 1,000,000 bars, SMA 20/100, next open", "bars", 7.2, 100e6, 200e6),
    Workload("W2", "sweep of 2,000 pairs, any compiled rule", "backtests", 3.1, 70e3, 150e3),
    Workload("W2v", "the same sweep, built-in rule in SIMD lanes", "backtests", 925 / 400, 400e3, 800e3, "W2"),
    Workload("W2x", "the same sweep on all cores", "backtests", pinned=False),
    Workload("W3", "500 assets x 2,520 days, momentum, shared cash", "runs", 3.0, 100.0, 200.0),
    Workload("W4", "stop, target and trail at once, 1,000,000 bars", "bars", 5.6, 100e6, 180e6),
    Workload("W4r", "the rules of W4 on rough bars (agreement only)", "bars", timed=False),
    Workload("W5", "W1 by a callback per bar", "bars", None, 2e6, 5e6),
    Workload("W6", "cold start", "s"),
    Workload("W7", "peak memory over imports and data", "MiB"),
)

COLD = {"import_s": (0.10, 0.08), "first_s": (0.15, 0.12), "warm_s": (40e-6, 20e-6)}  # must, goal
MEMORY = {"W1": (24.0, 12.0), "W2": (32.0, 8.0)}
TWO_CORES = (1.85, 1.93)
