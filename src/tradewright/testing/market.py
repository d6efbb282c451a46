"""Bars to examine plug-ins on.

Entry points: `walk_bars`, `with_other_future`.
"""

from __future__ import annotations

import numpy as np

from tradewright.domain.bars import Bars, Provenance

__all__ = ["walk_bars", "with_other_future"]

DAY_NS = 86_400_000_000_000


def walk_bars(n_bars: int = 400, n_assets: int = 1, *, seed: int = 7, holes: float = 0.0) -> Bars:
    """Random-walk bars with consistent prices, the same for the same arguments.

    Parameters
    ----------
    n_bars, n_assets : int
        Shape.
    seed : int
        Of the generator.
    holes : float
        Share of bars that are missing (NaN), in [0, 1).

    Returns
    -------
    Bars
        Daily, marked as synthetic.

    Examples
    --------
    >>> bars = walk_bars(50, 2)
    >>> bars.n_bars, bars.symbols, bars.provenance.synthetic
    (50, ('WALK1', 'WALK2'), True)
    """
    rng = np.random.default_rng(seed)
    shape = (n_bars, n_assets)
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0.0003, 0.015, shape), axis=0)), 4)
    before = np.vstack([np.full((1, n_assets), 100.0), close[:-1]])
    opening = np.round(before * np.exp(rng.normal(0.0, 0.005, shape)), 4)
    high = np.round(np.maximum(opening, close) * (1.0 + np.abs(rng.normal(0.0, 0.006, shape))), 4)
    low = np.round(np.minimum(opening, close) * (1.0 - np.abs(rng.normal(0.0, 0.006, shape))), 4)
    high, low = np.maximum(high, np.maximum(opening, close)), np.minimum(low, np.minimum(opening, close))
    volume = np.round(rng.lognormal(12.0, 0.5, shape))
    if holes:
        missing = rng.random(shape) < holes
        for column in (opening, high, low, close, volume):
            column[missing] = np.nan
    symbols = ["WALK"] if n_assets == 1 else [f"WALK{j + 1}" for j in range(n_assets)]
    stamps = (np.arange(n_bars, dtype=np.int64) + 10_957) * DAY_NS + DAY_NS * 7 // 8  # from 2000-01-01, 21:00 UTC
    origin = Provenance("random walk for tests", synthetic=True, adjusted="raw")
    return Bars.from_arrays(
        stamps, opening, high, low, close, volume, symbols=symbols, interval_ns=DAY_NS, provenance=origin
    )


def with_other_future(bars: Bars, row: int, *, seed: int = 11) -> Bars:
    """Return bars that are the same before `row` and different from it on."""
    rng = np.random.default_rng(seed)
    factor = np.ones((bars.n_bars, 1))
    factor[row:] = np.exp(np.cumsum(rng.normal(0.0, 0.05, (bars.n_bars - row, 1)), axis=0))
    opening, high, low, close = (getattr(bars, name) * factor for name in ("open", "high", "low", "close"))
    return Bars.from_arrays(
        bars.ts,
        opening,
        high,
        low,
        close,
        bars.volume,
        instruments=bars.instruments,
        interval_ns=bars.interval_ns,
        provenance=bars.provenance,
    )
