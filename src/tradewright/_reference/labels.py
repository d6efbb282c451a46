"""Scans behind labels, written for reading: one question, one row at a time.

The names, arguments and bits of the compiled ones; sums run in the order of rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tradewright._reference.numbers import F64, I8, I64

LAST_ROW, UPPER, LOWER = 0, 1, -1


def first_touch(
    open: F64, high: F64, low: F64, close: F64, first: I64, last: I64, upper: F64, lower: F64, upper_wins: I8,
    *, by_close: bool = False, gap_first: bool = True,
) -> tuple[I64, F64, I8, I8]:  # fmt: skip
    """First row in ``first..last`` at which a level is reached, else the last row at its close.

    >>> ten, eleven = np.array([10.0, 10.0]), np.array([10.0, 11.5])
    >>> row, level = np.array([1]), np.array([11.0])
    >>> first_touch(ten, eleven, ten, ten, row, row, level, -level, np.array([0], dtype=np.int8))
    (array([1]), array([11.]), array([1], dtype=int8), array([0], dtype=int8))
    """
    bars = np.stack([np.asarray(x, dtype=np.float64) for x in (open, high, low, close)], axis=1).tolist()
    _check_rows("first", first, len(bars))
    _check_rows("last", last, len(bars))
    _check_order(first, last)
    found = [
        _touch(bars, question, by_close, gap_first)
        for question in zip(*(np.asarray(x).tolist() for x in (first, last, upper, lower, upper_wins)), strict=True)
    ]
    rows, prices, barriers, both = zip(*found, strict=True) if found else ((), (), (), ())
    return (
        np.array(rows, dtype=np.int64),
        np.array(prices, dtype=np.float64),
        np.array(barriers, dtype=np.int8),
        np.array(both, dtype=np.int8),
    )


def _touch(
    bars: list[list[float]], question: tuple[int, int, float, float, int], by_close: bool, gap_first: bool
) -> tuple[int, float, int, int]:
    first, last, upper, lower, upper_wins = question
    for row in range(first, last + 1):
        opened, high, low, close = bars[row]
        if by_close:
            if close >= upper:
                return row, close, UPPER, 0
            if close <= lower:
                return row, close, LOWER, 0
            continue
        up, down = high >= upper, low <= lower
        if not (up or down):
            continue
        if gap_first or row > first:
            if opened >= upper:
                return row, opened, UPPER, 0
            if opened <= lower:
                return row, opened, LOWER, 0
        wins = bool(upper_wins) if up and down else up
        return row, upper if wins else lower, UPPER if wins else LOWER, int(up and down)
    return last, bars[last][3], LAST_ROW, 0


def trend_scan(x: F64, first: I64, shortest: int, longest: int, step: int = 1, limit: float = 1e6) -> tuple[F64, I64]:
    """Slope's t-value of largest magnitude over the lengths, and its length.

    >>> trend_scan(np.array([1.0, 2.0, 3.0, 2.0]), np.array([0]), 3, 4)
    (array([1000000.]), array([3]))
    """
    if shortest < 3 or longest < shortest or step < 1:
        raise ValueError(
            f"lengths go from {shortest} to {longest} in steps of {step}; they must begin at 3 or more, not fall, and "
            "step by 1 or more"
        )
    values = np.asarray(x, dtype=np.float64).tolist()
    _check_rows("first", first, max(0, len(values) + 1 - longest))
    t_values, lengths = [], []
    for row in np.asarray(first).tolist():
        best, chosen = 0.0, shortest
        total = cross = square = 0.0
        for k in range(longest):
            y = values[row + k] - values[row]
            total += y
            cross += k * y
            square += y * y
            length = k + 1
            if length < shortest or (length - shortest) % step:
                continue
            t = _t_value(float(length), total, cross, square, limit)
            if abs(t) > abs(best):
                best, chosen = t, length
        t_values.append(best)
        lengths.append(chosen)
    return np.array(t_values, dtype=np.float64), np.array(lengths, dtype=np.int64)


def _t_value(n: float, total: float, cross: float, square: float, limit: float) -> float:
    """t-value of the slope of a line through n points at 0, 1, ..., from their sums."""
    sxx = n * (n * n - 1.0) / 12.0
    sxy = cross - (n - 1.0) / 2.0 * total
    syy = square - total * total / n
    slope = sxy / sxx
    residual = max(syy - slope * sxy, 0.0)
    if slope == 0.0:
        return 0.0
    error = math.sqrt(residual / (n - 2.0) / sxx)
    return min(max(slope / error, -limit), limit) if error > 0.0 else math.copysign(limit, slope)


def cusum_events(change: F64, threshold: F64) -> tuple[I64, I8]:
    """Rows at which the sum of changes since the last event exceeds the threshold, and the direction.

    >>> cusum_events(np.array([np.nan, 1.0, 1.0, -3.0]), np.full(4, 1.5))
    (array([2, 3]), array([ 1, -1], dtype=int8))
    """
    if len(change) != len(threshold):
        raise ValueError(f"threshold has {len(threshold)} values; it must have {len(change)}")
    rows: list[int] = []
    direction: list[int] = []
    up = down = 0.0
    pairs = zip(np.asarray(change).tolist(), np.asarray(threshold).tolist(), strict=True)
    for row, (d, h) in enumerate(pairs):
        if math.isnan(d):
            continue
        up, down = max(up + d, 0.0), min(down + d, 0.0)
        if not (h > 0.0 and math.isfinite(h)):
            continue
        if down < -h:
            down = 0.0
            rows.append(row)
            direction.append(-1)
        elif up > h:
            up = 0.0
            rows.append(row)
            direction.append(1)
    return np.array(rows, dtype=np.int64), np.array(direction, dtype=np.int8)


def ewm_std(x: F64, alpha: float, min_count: int = 2) -> F64:
    """Unbiased standard deviation with weights ``(1 - alpha)^age``.

    >>> ewm_std(np.array([1.0, 3.0]), 0.5).round(12).tolist()
    [nan, 1.414213562373]
    """
    if not 0.0 < alpha <= 1.0:
        raise ValueError(f"alpha is {alpha}; it must be above 0 and at most 1")
    keep = 1.0 - alpha
    weight = squares = mean = scatter = 0.0
    count = 0
    out = []
    for value in np.asarray(x, dtype=np.float64).tolist():
        weight *= keep
        squares *= keep * keep
        scatter *= keep
        if not math.isnan(value):
            count += 1
            step = value - mean
            weight += 1.0
            squares += 1.0
            mean += step / weight
            scatter += step * (value - mean)
        spread = weight - squares / weight if weight > 0.0 else 0.0
        warm = count >= max(min_count, 2) and spread > 0.0
        out.append(math.sqrt(max(scatter, 0.0) / spread) if warm else math.nan)
    return np.array(out, dtype=np.float64)


def sequential_draws(first: I64, last: I64, uniform: F64) -> I64:
    """Labels drawn one after the other, each in proportion to its average uniqueness among those drawn before.

    >>> sequential_draws(np.array([0, 2, 4]), np.array([2, 3, 5]), np.array([0.5, 0.36, 0.57])).tolist()
    [1, 1, 2]
    """
    begin, end = np.asarray(first).tolist(), np.asarray(last).tolist()
    _check_order(first, last)
    if not begin:
        raise ValueError("there are no spans to draw from")
    if begin != sorted(begin):
        raise ValueError("spans must be sorted by their first row")
    drawn = [0] * (max(end) + 1)
    chance = [1.0] * len(begin)
    picks = []
    for u in np.asarray(uniform).tolist():
        mark = u * _sum(chance)
        pick, so_far = len(begin) - 1, 0.0
        for i, c in enumerate(chance):
            so_far += c
            if so_far > mark:
                pick = i
                break
        picks.append(pick)
        for row in range(begin[pick], end[pick] + 1):
            drawn[row] += 1
        for i, (a, b) in enumerate(zip(begin, end, strict=True)):
            if a <= end[pick] and b >= begin[pick]:
                chance[i] = _sum(1.0 / (1.0 + count) for count in drawn[a : b + 1]) / (b - a + 1)
    return np.array(picks, dtype=np.int64)


def _sum(values: Iterable[float]) -> float:
    """Plain sum in order: the built-in one compensates since Python 3.12, and bits would differ."""
    total = 0.0
    for value in values:
        total += value
    return total


def _check_rows(name: str, rows: I64, limit: int) -> None:
    for row in np.asarray(rows).tolist():
        if not 0 <= row < limit:
            raise ValueError(f"{name} holds row {row}; rows go from 0 to {limit - 1}")


def _check_order(first: I64, last: I64) -> None:
    for i, (a, b) in enumerate(zip(np.asarray(first).tolist(), np.asarray(last).tolist(), strict=True)):
        if a > b:
            raise ValueError(f"span {i} begins at row {a} and ends at row {b}")
