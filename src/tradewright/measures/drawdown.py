"""Falls of an equity curve below its highest point so far.

Entry points: `drawdown` (the series), `max_drawdown`, `max_drawdown_bars`, `drawdowns` (a table of episodes).

Invariants: the running peak starts at the capital before the first bar, so a loss on the first bar is a drawdown; a
drawdown is zero or negative; bars are counted from the first bar below the peak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._check import F64, capital, series

__all__ = ["DrawdownTable", "drawdown", "drawdowns", "max_drawdown", "max_drawdown_bars"]

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DrawdownTable:
    """Episodes below the running peak, deepest first.

    Parameters
    ----------
    peak : int64 array, shape (n_episodes,)
        Bar of the peak before the fall; -1 means the starting capital.
    trough : int64 array
        Bar of the deepest point (the first one of several).
    recovery : int64 array
        Bar at which the peak was reached again; -1 when it never was.
    depth : float64 array
        Drawdown at the trough, below zero.
    bars : int64 array
        Bars spent below the peak.
    """

    peak: I64
    trough: I64
    recovery: I64
    depth: F64
    bars: I64

    def __len__(self) -> int:
        return int(self.depth.size)


def drawdown(equity: npt.ArrayLike, *, initial: float) -> F64:
    """Fraction by which each bar lies below the highest equity so far.

    ``e[t] / max(initial, e[0], ..., e[t]) - 1``.

    Parameters
    ----------
    equity : array-like, shape (n_bars,)
        Equity at the close of each bar, in money.
    initial : float
        Capital before the first bar, above 0.

    Returns
    -------
    float64 array, shape (n_bars,)
        Zero at a peak, negative below it; known at the close of the same bar.

    Raises
    ------
    InputError
        If an equity is not finite or `initial` is not positive.

    Examples
    --------
    >>> drawdown([90.0, 120.0, 60.0], initial=100.0).round(6).tolist()
    [-0.1, 0.0, -0.5]
    """
    curve = series(equity, "equity")
    peak = np.maximum(np.maximum.accumulate(curve), capital(initial))
    below: F64 = curve / peak - 1.0
    return below


def max_drawdown(equity: npt.ArrayLike, *, initial: float) -> float:
    """Deepest drawdown, zero or negative.

    Parameters
    ----------
    equity : array-like, shape (n_bars,)
        Equity at the close of each bar, in money.
    initial : float
        Capital before the first bar, above 0.

    Returns
    -------
    float
        Fraction; NaN without bars.

    Examples
    --------
    >>> max_drawdown([120.0, 60.0, 90.0], initial=100.0)
    -0.5
    """
    below = drawdown(equity, initial=initial)
    return float(below.min()) if below.size else math.nan


def max_drawdown_bars(equity: npt.ArrayLike, *, initial: float) -> int:
    """Longest run of consecutive bars below the running peak.

    It need not be the deepest drawdown. An episode that has not ended counts up to the last bar.

    Parameters
    ----------
    equity : array-like, shape (n_bars,)
        Equity at the close of each bar, in money.
    initial : float
        Capital before the first bar, above 0.

    Returns
    -------
    int
        Bars.

    Examples
    --------
    >>> max_drawdown_bars([90.0, 100.0, 99.0, 98.0, 101.0], initial=100.0)
    2
    """
    first, end = _runs(drawdown(equity, initial=initial) < 0.0)
    return int((end - first).max()) if first.size else 0


def drawdowns(equity: npt.ArrayLike, *, initial: float, top: int | None = None) -> DrawdownTable:
    """Every episode below the running peak, deepest first.

    Parameters
    ----------
    equity : array-like, shape (n_bars,)
        Equity at the close of each bar, in money.
    initial : float
        Capital before the first bar, above 0.
    top : int, optional
        Only this many of the deepest; default all. Equal depths keep their order in time.

    Returns
    -------
    DrawdownTable

    Examples
    --------
    >>> table = drawdowns([90.0, 100.0, 120.0, 60.0, 90.0], initial=100.0)
    >>> table.depth.round(6).tolist(), table.peak.tolist(), table.trough.tolist(), table.recovery.tolist()
    ([-0.5, -0.1], [2, -1], [3, 0], [-1, 1])
    """
    below = drawdown(equity, initial=initial)
    first, end = _runs(below < 0.0)
    trough = np.array([a + int(below[a:b].argmin()) for a, b in zip(first, end, strict=True)], dtype=np.int64)
    depth = below[trough] if trough.size else np.empty(0)
    order = np.argsort(depth, kind="stable")[: len(depth) if top is None else max(0, top)]
    recovery = np.where(end < below.size, end, -1)
    # The bar before the first one below the peak is the last bar at the peak.
    return DrawdownTable((first - 1)[order], trough[order], recovery[order], depth[order], (end - first)[order])


def _runs(flag: npt.NDArray[np.bool_]) -> tuple[I64, I64]:
    """First row and row after the last of each run of True."""
    edges = np.diff(np.concatenate(([0], flag.astype(np.int8), [0])))
    return np.flatnonzero(edges == 1).astype(np.int64), np.flatnonzero(edges == -1).astype(np.int64)
