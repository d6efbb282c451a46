"""Numbers on their way into the page: thinned where an eye cannot tell, packed where text would be large.

Entry points: `Store` (packs arrays once each), `keep_shape` (which points a line needs), `candle_levels`.

Invariants: thinning keeps the first, last, lowest and highest point of every bucket, so peaks and falls stay where they
are; aggregated candles are true candles of the wider interval; what was thinned is said in the page.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Store", "candle_levels", "keep_shape"]

F64 = npt.NDArray[np.float64]

_CODES: Final = {"float32": "f4", "float64": "f8", "int32": "i4", "int16": "i2", "int8": "i1", "uint8": "u1"}


class Store:
    """Arrays of a page, each stored once however many charts use it.

    Examples
    --------
    >>> store, x = Store(), np.array([1.0, 2.0])
    >>> store.pack({"x": x, "y": [x, 3]})
    {'x': {'$a': 0}, 'y': [{'$a': 0}, 3]}
    >>> len(store.arrays)
    1
    """

    def __init__(self) -> None:
        self.arrays: list[dict[str, str]] = []
        self._known: dict[int, int] = {}
        self._alive: list[npt.NDArray[Any]] = []  # an id is only unique while its array lives

    def pack(self, value: Any) -> Any:
        """Copy of a structure with every array replaced by a reference and every odd float by None."""
        if isinstance(value, np.ndarray):
            return {"$a": self._add(value)}
        if isinstance(value, Mapping):
            return {str(key): self.pack(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.pack(item) for item in value]
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value

    def _add(self, array: npt.NDArray[Any]) -> int:
        known = self._known.get(id(array))
        if known is None:
            packed = np.ascontiguousarray(array)
            packed = packed.astype(packed.dtype.newbyteorder("<"), copy=False)
            code = _CODES[packed.dtype.name]
            known = len(self.arrays)
            self.arrays.append({"t": code, "b": base64.b64encode(packed.tobytes()).decode("ascii")})
            self._known[id(array)] = known
            self._alive.append(array)
        return known


def keep_shape(lines: list[F64], limit: int) -> npt.NDArray[np.int64]:
    """Rows that draw several lines over the same axis without losing a peak.

    Parameters
    ----------
    lines : list of float64 array, shape (n_rows,)
        NaN is allowed.
    limit : int
        Up to this many rows nothing is left out; beyond, about this many are kept.

    Returns
    -------
    int64 array
        Increasing row numbers.

    Notes
    -----
    Source: Jugel, Jerzak, Hackenbroich, Markl (2014), "M4: A Visualization-Oriented Time Series Data Aggregation".

    Examples
    --------
    >>> line = np.zeros(10_000); line[1234] = 9.0
    >>> rows = keep_shape([line], 100)
    >>> 1234 in rows, rows[0], rows[-1], rows.size <= 100
    (True, np.int64(0), np.int64(9999), True)
    """
    size = lines[0].size
    if size <= limit:
        return np.arange(size, dtype=np.int64)
    buckets = max(1, limit // (2 + 2 * len(lines)))
    edges = np.linspace(0, size, buckets + 1).astype(np.int64)
    kept = {0, size - 1}
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        kept.add(first)
        kept.add(end - 1)
        for line in lines:
            part = line[first:end]
            if not np.isnan(part).all():
                kept.add(first + int(np.nanargmin(part)))
                kept.add(first + int(np.nanargmax(part)))
    return np.array(sorted(kept), dtype=np.int64)


def candle_levels(times: F64, open: F64, high: F64, low: F64, close: F64, *, limit: int) -> list[dict[str, Any]]:
    """One instrument's candles in levels of detail, finest first.

    Up to `limit` bars are kept as they are. Longer series get two levels of half the limit each: the last bars as they
    are, and all bars aggregated.

    Parameters
    ----------
    times : float64 array, shape (n_bars,)
        Milliseconds of wall-clock time.
    open, high, low, close : float64 array, shape (n_bars,)
        NaN where there is no bar.
    limit : int
        Candles to keep in all.

    Returns
    -------
    list of dict
        ``start`` (first bar), ``step`` (bars per candle) and columns ``t o h l c``; prices as float32, exact to seven
        digits, for they are drawn and not computed with.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> fine, coarse = candle_levels(x, x, x + 1, x - 1, x, limit=4)
    >>> fine["start"], coarse["step"], coarse["h"].tolist()
    (8, 5, [5.0, 10.0])
    """
    size = times.size

    def columns(start: int, step: int, t: F64, o: F64, h: F64, low_: F64, c: F64) -> dict[str, Any]:
        prices = {name: value.astype(np.float32) for name, value in zip("ohlc", (o, h, low_, c), strict=True)}
        return {"start": start, "step": step, "t": t, **prices}

    if size <= limit:
        return [columns(0, 1, times, open, high, low, close)]
    half = max(1, limit // 2)
    step = -(-size // half)
    starts = np.arange(0, size, step)
    there = ~np.isnan(close)
    # First open and last close that exist in each group; an empty group stays NaN.
    order = np.arange(size)
    first = np.minimum.reduceat(np.where(there, order, size), starts)
    last = np.maximum.reduceat(np.where(there, order, -1), starts)
    filled = last >= 0
    coarse = columns(
        0,
        step,
        times[np.minimum(starts + step, size) - 1],
        np.where(filled, open[np.minimum(first, size - 1)], np.nan),
        np.fmax.reduceat(high, starts),
        np.fmin.reduceat(low, starts),
        np.where(filled, close[np.maximum(last, 0)], np.nan),
    )
    fine = slice(size - half, size)
    return [columns(size - half, 1, times[fine], open[fine], high[fine], low[fine], close[fine]), coarse]
