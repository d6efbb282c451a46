"""Rolling kernels, written for reading: every window is recomputed from its values.

All take 1-D float64 arrays and give one value for each bar, known at its close, NaN until warm. A window that holds a
NaN is NaN. Recursive kernels (ema, rsi, atr) see the finite bars only, as if the others did not exist, and give NaN at
the others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from tradewright._reference.numbers import F64, I8, I64

NAN = float("nan")


def _rolling(x: F64, window: int, function: Callable[[Sequence[float]], float]) -> F64:
    """`function` of each full window of finite values."""
    _check_window(window)
    values = np.asarray(x, dtype=np.float64).tolist()
    out: F64 = np.full(len(values), np.nan)
    for t in range(window - 1, len(values)):
        part = values[t - window + 1 : t + 1]
        if all(math.isfinite(v) for v in part):
            out[t] = function(part)
    return out


def sma(x: F64, window: int) -> F64:
    """Simple moving average.

    >>> sma(np.array([1.0, 2.0, 4.0]), 2).tolist()
    [nan, 1.5, 3.0]
    """
    return _rolling(x, window, lambda part: math.fsum(part) / window)


def rolling_std(x: F64, window: int, ddof: int = 0) -> F64:
    """Rolling standard deviation; NaN when ``window <= ddof``.

    >>> rolling_std(np.array([1.0, 3.0, 3.0]), 2).tolist()
    [nan, 1.0, 0.0]
    """

    def deviation(part: Sequence[float]) -> float:
        if window <= ddof:
            return NAN
        centre = math.fsum(part) / window
        return math.sqrt(math.fsum((v - centre) ** 2 for v in part) / (window - ddof))

    return _rolling(x, window, deviation)


def rolling_max(x: F64, window: int) -> F64:
    """Rolling maximum.

    >>> rolling_max(np.array([3.0, 1.0, 2.0]), 2).tolist()
    [nan, 3.0, 2.0]
    """
    return _rolling(x, window, max)


def rolling_min(x: F64, window: int) -> F64:
    """Rolling minimum.

    >>> rolling_min(np.array([3.0, 1.0, 2.0]), 2).tolist()
    [nan, 1.0, 1.0]
    """
    return _rolling(x, window, min)


def _smoothed(values: Sequence[float], window: int, step: Callable[[float, float], float]) -> list[float]:
    """Seed with the mean of the first `window` values, then ``state = step(state, value)``; NaN before the seed."""
    if len(values) < window:
        return [NAN] * len(values)
    state = math.fsum(values[:window]) / window
    out = [NAN] * (window - 1) + [state]
    for value in values[window:]:
        state = step(state, value)
        out.append(state)
    return out


def _wilder(values: Sequence[float], window: int) -> list[float]:
    """Smoothing of Wilder: each new value weighs ``1 / window``."""
    return _smoothed(values, window, lambda state, value: (state * (window - 1) + value) / window)


def _on_finite(function: Callable[[list[list[float]]], list[float]], *columns: F64) -> F64:
    """Apply `function` to the bars at which all columns are finite; NaN at the others."""
    table = np.stack([np.asarray(column, dtype=np.float64) for column in columns])
    is_finite = np.isfinite(table).all(axis=0)
    out: F64 = np.full(table.shape[1], np.nan)
    out[is_finite] = function(table[:, is_finite].tolist())
    return out


def _check_window(window: float, name: str = "window") -> None:
    """Raise ``ValueError`` for a window below one bar."""
    if not window >= 1:
        raise ValueError(f"{name} is {window}; it must be 1 bar or more.")


def ema(x: F64, span: float) -> F64:
    """Exponential moving average, ``alpha = 2 / (span + 1)``, seeded with the mean of the first ``int(span)`` values.

    >>> ema(np.array([1.0, 3.0, 4.0]), 2).tolist()
    [nan, 2.0, 3.333333333333333]
    """
    _check_window(span, "span")
    alpha = 2.0 / (span + 1.0)
    return _on_finite(
        lambda columns: _smoothed(columns[0], int(span), lambda state, value: state + alpha * (value - state)), x
    )


def rsi(x: F64, window: int) -> F64:
    """Relative strength index of Wilder (1978), 0 to 100; first value at index `window`, 50 when nothing moved.

    >>> rsi(np.array([1.0, 2.0, 1.0, 2.0]), 2).tolist()
    [nan, nan, 50.0, 75.0]
    """
    _check_window(window)

    def strength(columns: list[list[float]]) -> list[float]:
        changes = [now - then for then, now in itertools.pairwise(columns[0])]
        gains = _wilder([max(change, 0.0) for change in changes], window)
        losses = _wilder([max(-change, 0.0) for change in changes], window)
        out = [
            NAN if math.isnan(up) else (100.0 * up / (up + down) if up + down > 0.0 else 50.0)
            for up, down in zip(gains, losses, strict=True)
        ]
        return [NAN, *out][: len(columns[0])]

    return _on_finite(strength, x)


def atr(high: F64, low: F64, close: F64, window: int) -> F64:
    """Average true range of Wilder (1978); the first value, at index `window`, is the mean of ranges 1 to `window`.

    >>> h, l, c = np.array([2.0, 3.0, 5.0]), np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.5, 4.0])
    >>> atr(h, l, c, 2).tolist()
    [nan, nan, 2.0]
    """
    _check_window(window)

    def smooth_range(columns: list[list[float]]) -> list[float]:
        tops, bottoms, closes = columns
        ranges = [
            max(top - bottom, abs(top - before), abs(bottom - before))
            for top, bottom, before in zip(tops[1:], bottoms[1:], closes[:-1], strict=True)
        ]
        return [NAN, *_wilder(ranges, window)][: len(closes)]

    return _on_finite(smooth_range, high, low, close)


def momentum_weights(close: F64, lookback: int, skip: int, every: int, top: int, start: int) -> tuple[I64, F64]:
    """Equal weights ``1 / top`` of the assets with the best past returns.

    The score ``close[t - skip] / close[t - lookback] - 1`` is taken at every `every`-th bar from `start`.

    Parameters
    ----------
    close : ndarray of float64, shape (n_bars, n_assets)
    lookback, skip, every, top, start : int
        Bars, and the number of assets to hold. Ties go to the lower asset index; assets without a score get 0.

    Returns
    -------
    rows : ndarray of int64, shape (n_rows,)
    weights : ndarray of float64, shape (n_rows, n_assets)

    Raises
    ------
    ValueError
        When `start` comes before the first possible score or a count is not positive.

    Examples
    --------
    >>> rows, weights = momentum_weights(np.array([[1.0, 1.0], [2.0, 3.0], [9.0, 3.0]]), 1, 0, 1, 1, 1)
    >>> rows.tolist(), weights.tolist()
    ([1, 2], [[0.0, 1.0], [1.0, 0.0]])
    """
    table = np.asarray(close, dtype=np.float64)
    table = table.reshape(-1, 1) if table.ndim == 1 else table
    if every < 1 or top < 1 or not 0 <= skip < lookback or start < lookback:
        raise ValueError(
            f"momentum_weights got lookback {lookback}, skip {skip}, every {every}, top {top}, start {start}; "
            "it needs 0 <= skip < lookback <= start and positive every and top."
        )
    rows = list(range(start, table.shape[0], every))
    weights = np.zeros((len(rows), table.shape[1]))
    for i, t in enumerate(rows):
        new, old = table[t - skip].tolist(), table[t - lookback].tolist()
        scores = [
            a / b - 1.0 if math.isfinite(a) and math.isfinite(b) and b != 0.0 else NAN
            for a, b in zip(new, old, strict=True)
        ]
        ranked = sorted((-score, asset) for asset, score in enumerate(scores) if math.isfinite(score))
        for _, asset in ranked[:top]:
            weights[i, asset] = 1.0 / top
    return np.array(rows, dtype=np.int64), weights


def first_bad_bar(open: F64, high: F64, low: F64, close: F64, volume: F64 | None, leap: float = 0.0) -> int:
    """Index of the first bar that breaks a rule; -1 when clean.

    Prices are finite and positive, no price lies outside of low to high, volumes are not negative and not infinite
    (NaN: not known). With `leap` above 0 no close is that many times the close before, or a part of it as small.

    >>> x = np.array([1.0, 2.0])
    >>> first_bad_bar(x, x, x, x, None), first_bad_bar(x, np.array([1.0, 1.5]), x, x, None)
    (-1, 1)
    """
    tables = [np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in (open, high, low, close)]
    for t in range(len(tables[0])):
        for prices in zip(*(table[t].tolist() for table in tables), strict=True):
            _, top, bottom, _ = prices
            is_usable = all(math.isfinite(price) and price > 0.0 for price in prices)
            if not is_usable or top < max(prices) or bottom > min(prices):
                return t
        traded = [] if volume is None else np.atleast_1d(volume[t]).tolist()
        if any(v < 0.0 or math.isinf(v) for v in traded):
            return t
        if leap > 0.0 and t > 0:
            pairs = zip(tables[3][t - 1].tolist(), tables[3][t].tolist(), strict=True)
            if not all(after < before * leap and after * leap > before for before, after in pairs):
                return t
    return -1


def first_foreign_code(codes: I8) -> int:
    """Flat index of the first code that is not 1, 0, -1 or -128; -1 when there is none.

    >>> first_foreign_code(np.array([1, -128, 0, 5], dtype=np.int8))
    3
    """
    known = {1, 0, -1, -128}
    return next((i for i, code in enumerate(codes.reshape(-1).tolist()) if code not in known), -1)
