"""Readable order engine in plain Python: the oracle of the compiled one, and its stand-in where that cannot be loaded.

It exports the names of ``tradewright._core`` with the same signatures and, by the same page on fill semantics, gives
the same orders, fills, trades and equity to the last bit; statistics and kernels agree to 1e-12. It is slow: integers
for the ledger, plain floats, one bar at a time.
"""

from tradewright._reference.context import Book, Context
from tradewright._reference.depth import (
    DEPTH_REASONS,
    DEPTH_RULES,
    DEPTH_STATUSES,
    DepthBook,
    decimal_units,
    level_units,
)
from tradewright._reference.drivers import run_callback, run_orders, run_signals, run_weights, sweep_rule, sweep_signals
from tradewright._reference.indicators import OPS, Program, ProgramState
from tradewright._reference.kernels import (
    atr,
    ema,
    first_bad_bar,
    first_foreign_code,
    momentum_weights,
    rolling_max,
    rolling_min,
    rolling_std,
    rsi,
    sma,
)
from tradewright._reference.labels import cusum_events, ewm_std, first_touch, sequential_draws, trend_scan
from tradewright._reference.market import Market
from tradewright._reference.numbers import HOLD, KINDS, REASONS, STATUSES, TIFS, UNIT
from tradewright._reference.results import Run
from tradewright._reference.rules import RULES, rule_signals
from tradewright._reference.spec import Spec
from tradewright._reference.statistics import METRICS, statistics

__backend__ = "python"

__all__ = [
    "DEPTH_REASONS",
    "DEPTH_RULES",
    "DEPTH_STATUSES",
    "HOLD",
    "KINDS",
    "METRICS",
    "OPS",
    "REASONS",
    "RULES",
    "STATUSES",
    "TIFS",
    "UNIT",
    "Book",
    "Context",
    "DepthBook",
    "Market",
    "Program",
    "ProgramState",
    "Run",
    "Spec",
    "__backend__",
    "atr",
    "cusum_events",
    "decimal_units",
    "ema",
    "ewm_std",
    "first_bad_bar",
    "first_foreign_code",
    "first_touch",
    "level_units",
    "momentum_weights",
    "rolling_max",
    "rolling_min",
    "rolling_std",
    "rsi",
    "rule_signals",
    "run_callback",
    "run_orders",
    "run_signals",
    "run_weights",
    "sequential_draws",
    "sma",
    "statistics",
    "sweep_rule",
    "sweep_signals",
    "trend_scan",
]
