"""Programs of indicators, written for reading: every window is recomputed from its values, every row one Python call.

Entry points: `Program`, `ProgramState`, `OPS`.

A program is a list of operations on columns. Each operation sees one row after another and keeps its own state, so that
a value can only depend on rows up to its own, and a run over whole columns is the same as row by row.

Invariants: a value that is not finite is missing (NaN). Operations without a memory give NaN when an input is missing.
Windows count rows and give NaN until full and while they hold a missing value. Recursions see the rows at which all
their inputs are there, as if the others did not exist, and give NaN at the others.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from tradewright._reference.numbers import F64

__all__ = ["OPS", "Program", "ProgramState"]

NAN: Final = float("nan")
Value: TypeAlias = "float | tuple[float, ...]"
OpSpec: TypeAlias = "tuple[str, tuple[int, ...], tuple[float, ...]]"


class Plain:
    """No memory: NaN when an input is missing or the result is not finite."""

    def __init__(self, function: Callable[..., float], params: Sequence[float]) -> None:
        self.function, self.params = function, params

    def update(self, *x: float) -> Value:
        if not all(map(math.isfinite, x)):
            return NAN
        try:
            out = float(self.function(*x, *self.params))
        except (ArithmeticError, ValueError):
            return NAN
        return out if math.isfinite(out) else NAN


class Rolling:
    """A function of the last `window` rows."""

    def __init__(self, function: Callable[..., Value], params: Sequence[float]) -> None:
        self.function, self.params = function, params[1:]
        self.rows: deque[tuple[float, ...]] = deque(maxlen=int(params[0]))

    def update(self, *x: float) -> Value:
        self.rows.append(x)
        if len(self.rows) < (self.rows.maxlen or 0) or not all(math.isfinite(v) for row in self.rows for v in row):
            return NAN
        try:
            return self.function(*(list(column) for column in zip(*self.rows, strict=True)), *self.params)
        except (ArithmeticError, ValueError):
            return NAN


class Recursive:
    """Base of what sees complete rows only."""

    width = 1

    def __init__(self, params: Sequence[float]) -> None:
        self.params = params
        self.count = 0
        self.start(*params)

    def start(self, *params: float) -> None:
        """Set the state before the first row."""

    def step(self, *x: float) -> Value:
        """Value of a complete row; `count` is its number among them, from 1."""
        raise NotImplementedError

    def update(self, *x: float) -> Value:
        if not all(map(math.isfinite, x)):
            return NAN
        self.count += 1
        return self.step(*x)


# --- without a memory


def _div(a: float, b: float, zero: float) -> float:
    return zero if b == 0.0 else a / b


def _clip(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


_PLAIN: Final[dict[str, Callable[..., float]]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _div,
    "max2": max,
    "min2": min,
    "gt": lambda a, b: float(a > b),
    "ge": lambda a, b: float(a >= b),
    "abs": abs,
    "sqrt": math.sqrt,
    "log": math.log,
    "exp": math.exp,
    "atan": math.atan,
    "sign": lambda x: float((x > 0.0) - (x < 0.0)),
    "scale": lambda x, k: x * k,
    "shift": lambda x, k: x + k,
    "fill": lambda _, k: k,
    "clip": _clip,
}


class Where:
    """``a`` where the condition is above 0, else ``b``; NaN where the condition is missing."""

    def __init__(self, _: Sequence[float]) -> None:
        pass

    def update(self, condition: float, a: float, b: float) -> Value:
        return NAN if not math.isfinite(condition) else (a if condition > 0.0 else b)


class Known:
    """``x`` where ``other`` is there."""

    def __init__(self, _: Sequence[float]) -> None:
        pass

    def update(self, x: float, other: float) -> Value:
        return x if math.isfinite(other) else NAN


class Either:
    """The first of the two that is there."""

    def __init__(self, _: Sequence[float]) -> None:
        pass

    def update(self, x: float, other: float) -> Value:
        return x if math.isfinite(x) else other


class Lag:
    """The value `k` rows ago."""

    def __init__(self, params: Sequence[float]) -> None:
        self.rows: deque[float] = deque(maxlen=int(params[0]) + 1)

    def update(self, x: float) -> Value:
        self.rows.append(x)
        return self.rows[0] if len(self.rows) == self.rows.maxlen else NAN


class Hold:
    """The last value that was there."""

    def __init__(self, _: Sequence[float]) -> None:
        self.value = NAN

    def update(self, x: float) -> Value:
        if math.isfinite(x):
            self.value = x
        return self.value


# --- windows


def _mean(x: list[float]) -> float:
    return math.fsum(x) / len(x)


def _var(x: list[float], ddof: float = 0.0) -> float:
    centre = _mean(x)
    return math.fsum((v - centre) ** 2 for v in x) / (len(x) - ddof) if len(x) > ddof else NAN


def _cov(x: list[float], y: list[float], ddof: float = 0.0) -> float:
    a, b = _mean(x), _mean(y)
    return math.fsum((u - a) * (v - b) for u, v in zip(x, y, strict=True)) / (len(x) - ddof) if len(x) > ddof else NAN


def _corr(x: list[float], y: list[float]) -> float:
    if len(set(x)) == 1 or len(set(y)) == 1:
        return NAN
    return _clip(_cov(x, y) / math.sqrt(_var(x) * _var(y)), -1.0, 1.0)


def _wma(x: list[float]) -> float:
    return math.fsum((i + 1) * v for i, v in enumerate(x)) / (len(x) * (len(x) + 1) / 2)


def _weights(x: list[float], *weights: float) -> float:
    return math.fsum(v * w for v, w in zip(x, weights, strict=True))


def _since_high(x: list[float]) -> float:
    return float(x[::-1].index(max(x)))


def _since_low(x: list[float]) -> float:
    return float(x[::-1].index(min(x)))


def _quantile(x: list[float], q: float, nearest: float) -> float:
    ordered = sorted(x)
    if nearest:
        return ordered[max(math.ceil(q * len(x)) - 1, 0)]
    place = q * (len(x) - 1)
    low = math.floor(place)
    high = min(low + 1, len(x) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _rank(x: list[float], kind: float) -> float:
    """Kind 0: share of the earlier values below the last; 1: share of all values not above it; 2: mean rank / n."""
    below, equal = sum(v < x[-1] for v in x), sum(v == x[-1] for v in x)
    if kind == 0.0:
        return below / (len(x) - 1)
    return (below + equal) / len(x) if kind == 1.0 else (below + (equal + 1) / 2) / len(x)


def _linreg(y: list[float]) -> Value:
    """Slope, and intercept at the oldest row."""
    n = len(y)
    if n == 1:
        return 0.0, y[0]
    centre, mean = (n - 1) / 2, _mean(y)
    slope = math.fsum((i - centre) * (v - mean) for i, v in enumerate(y)) / (n * (n * n - 1) / 12)
    return slope, mean - slope * centre


def _linreg_fit(y: list[float]) -> Value:
    """R squared, and standard error with divisor ``n - 2``."""
    n = len(y)
    if n == 1:
        return NAN, NAN
    (slope, _), mean = _linreg(y), _mean(y)  # type: ignore[misc]
    total = math.fsum((v - mean) ** 2 for v in y)
    rest = max(total - slope * slope * (n * (n * n - 1) / 12), 0.0)
    share = NAN if len(set(y)) == 1 else _clip(1.0 - rest / total, 0.0, 1.0)
    return share, math.sqrt(rest / (n - 2)) if n > 2 else NAN


def _mad(x: list[float]) -> float:
    centre = _mean(x)
    return math.fsum(abs(v - centre) for v in x) / len(x)


def _skew(x: list[float]) -> float:
    n, centre, second = len(x), _mean(x), _var(x)
    if len(set(x)) == 1:
        return NAN
    third = math.fsum((v - centre) ** 3 for v in x) / n
    return math.sqrt(n * (n - 1)) / (n - 2) * third / math.pow(second, 1.5)


def _kurt(x: list[float]) -> float:
    n, centre, second = len(x), _mean(x), _var(x)
    if len(set(x)) == 1:
        return NAN
    fourth = math.fsum((v - centre) ** 4 for v in x) / n
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * fourth / (second * second) - 3 * (n - 1))


def _entropy(x: list[float], base: float) -> float:
    total = math.fsum(x)
    return -math.fsum(v / total * math.log(v / total) for v in x) / math.log(base)


def _slope(x: list[float], y: list[float]) -> float:
    return _cov(x, y) / _var(x)


def _hurst_variance(x: list[float], lags: float) -> float:
    xs, ys = [], []
    for lag in range(1, int(lags) + 1):
        square = math.fsum((b - a) ** 2 for a, b in zip(x, x[lag:], strict=False)) / (len(x) - lag)
        xs.append(math.log(lag))
        ys.append(0.5 * math.log(square))
    return _slope(xs, ys)


def _rescaled_range(x: list[float]) -> float:
    centre, level, high, low = _mean(x), 0.0, 0.0, 0.0
    for v in x:
        level += v - centre
        high, low = max(high, level), min(low, level)
    return (high - low) / math.sqrt(_var(x))


def _hurst_rs(x: list[float]) -> float:
    xs, ys = [], []
    size = len(x)
    while size >= 8:
        parts = [x[len(x) - (k + 1) * size : len(x) - k * size] for k in range(len(x) // size)]
        xs.append(math.log(size))
        ys.append(math.log(_mean([_rescaled_range(part) for part in parts])))
        size //= 2
    return _slope(xs, ys)


def _fractal_sevcik(x: list[float]) -> float:
    n, low, high = len(x), min(x), max(x)
    if high == low:
        return NAN
    step = 1.0 / (n - 1) ** 2
    length = math.fsum(math.sqrt(((b - a) / (high - low)) ** 2 + step) for a, b in itertools.pairwise(x))
    return 1.0 + (math.log(length) + math.log(2.0)) / math.log(2.0 * (n - 1))


def _fractal_katz(x: list[float]) -> float:
    path = math.fsum(abs(b - a) for a, b in itertools.pairwise(x))
    reach = max(abs(v - x[0]) for v in x)
    steps = math.log(len(x) - 1)
    return steps / (steps + math.log(reach / path))


_ROLLING: Final[dict[str, tuple[int, int, Callable[..., Value]]]] = {
    "sum": (1, 1, math.fsum),
    "mean": (1, 1, _mean),
    "wma": (1, 1, _wma),
    "weights": (1, 1, _weights),
    "var": (1, 1, _var),
    "std": (1, 1, lambda x, ddof: math.sqrt(_var(x, ddof))),
    "low": (1, 1, min),
    "high": (1, 1, max),
    "since_low": (1, 1, _since_low),
    "since_high": (1, 1, _since_high),
    "quantile": (1, 1, _quantile),
    "rank": (1, 1, _rank),
    "linreg": (1, 2, _linreg),
    "linreg_fit": (1, 2, _linreg_fit),
    "mad": (1, 1, _mad),
    "skew": (1, 1, _skew),
    "kurt": (1, 1, _kurt),
    "entropy": (1, 1, _entropy),
    "corr": (2, 1, _corr),
    "cov": (2, 1, _cov),
    "hurst_variance": (1, 1, _hurst_variance),
    "hurst_rs": (1, 1, _hurst_rs),
    "fractal_sevcik": (1, 1, _fractal_sevcik),
    "fractal_katz": (1, 1, _fractal_katz),
}


# --- recursions


class Ewm(Recursive):
    """``value += alpha * (x - value)``, seeded with the mean of the first `seed` values."""

    def start(self, *params: float) -> None:
        self.first: list[float] = []
        self.value = NAN

    def step(self, *x: float) -> Value:
        alpha, seed = self.params
        if self.count <= seed:
            self.first.append(x[0])
            self.value = sum(self.first) / seed if self.count == seed else NAN
        else:
            self.value += alpha * (x[0] - self.value)
        return self.value


class EwmAdjusted(Recursive):
    """Weighted mean of all values so far with weights ``(1 - alpha) ** age``."""

    def start(self, *params: float) -> None:
        self.top = self.bottom = 0.0

    def step(self, *x: float) -> Value:
        keep = 1.0 - self.params[0]
        self.top, self.bottom = self.top * keep + x[0], self.bottom * keep + 1.0
        return self.top / self.bottom


class WilderSum(Recursive):
    """``value += x - value / window``, seeded with the sum of the first `seed` values."""

    def start(self, *params: float) -> None:
        self.value = 0.0

    def step(self, *x: float) -> Value:
        window, seed = self.params
        self.value += x[0] if self.count <= seed else x[0] - self.value / window
        return self.value if self.count >= seed else NAN


class Cumulate(Recursive):
    """Running sum of all values."""

    def start(self, *params: float) -> None:
        self.value = 0.0

    def step(self, *x: float) -> Value:
        self.value += x[0]
        return self.value


class CumulateSince(Recursive):
    """Running sum that begins anew where the key (second input) changes."""

    def start(self, *params: float) -> None:
        self.value, self.key = 0.0, NAN

    def step(self, *x: float) -> Value:
        self.value = self.value + x[0] if x[1] == self.key else x[0]
        self.key = x[1]
        return self.value


class Product(Recursive):
    """Running product times the start."""

    def start(self, *params: float) -> None:
        self.value = params[0]

    def step(self, *x: float) -> Value:
        self.value *= x[0]
        return self.value


class Highest(Recursive):
    """Largest value so far."""

    def start(self, *params: float) -> None:
        self.value = -math.inf

    def step(self, *x: float) -> Value:
        self.value = max(self.value, x[0])
        return self.value


class Previous(Recursive):
    """The last value before this one that was there."""

    def start(self, *params: float) -> None:
        self.value = NAN

    def step(self, *x: float) -> Value:
        out, self.value = self.value, x[0]
        return out


class Skip(Recursive):
    """All but the first `k` values."""

    def step(self, *x: float) -> Value:
        return x[0] if self.count > self.params[0] else NAN


class Run(Recursive):
    """Number of rows in a row, this one included, at which the input is above 0."""

    def start(self, *params: float) -> None:
        self.value = 0.0

    def step(self, *x: float) -> Value:
        self.value = self.value + 1.0 if x[0] > 0.0 else 0.0
        return self.value


class Adaptive:
    """``value += alpha * (x - value)`` with an alpha in every row, seeded with the x before the first alpha."""

    def __init__(self, _: Sequence[float]) -> None:
        self.value, self.started = NAN, False

    def update(self, x: float, alpha: float) -> Value:
        if not math.isfinite(x):
            return NAN
        if not math.isfinite(alpha):
            if not self.started:
                self.value = x
            return NAN
        if not math.isfinite(self.value):
            self.value = x
        self.started = True
        self.value += alpha * (x - self.value)
        return self.value


class Linear(Recursive):
    """``y = a x + b x1 + c y1 + d y2`` where 1 and 2 are the rows before; before the first they are the first x."""

    def start(self, *params: float) -> None:
        self.x1 = self.y1 = self.y2 = NAN

    def step(self, *x: float) -> Value:
        a, b, c, d = self.params
        if self.count == 1:
            self.x1 = self.y1 = self.y2 = x[0]
        y = a * x[0] + b * self.x1 + c * self.y1 + d * self.y2
        self.x1, self.y1, self.y2 = x[0], y, self.y1
        return y


class Bands(Recursive):
    """Trailing bands (basis, width, close): a band only tightens until the close crosses it. Line and direction."""

    width = 2

    def start(self, *params: float) -> None:
        self.upper = self.lower = self.close = NAN
        self.side = params[0]

    def step(self, *x: float) -> Value:
        basis, width, close = x
        upper, lower = basis + width, basis - width
        if self.count > 1:
            if not (upper < self.upper or self.close > self.upper):
                upper = self.upper
            if not (lower > self.lower or self.close < self.lower):
                lower = self.lower
            if self.side > 0.0:
                self.side = -1.0 if close < lower else 1.0
            else:
                self.side = 1.0 if close > upper else -1.0
        elif self.side == 0.0:
            self.side = 1.0 if close > upper else -1.0
        self.upper, self.lower, self.close = upper, lower, close
        return (lower if self.side > 0.0 else upper), self.side


class Parabolic(Recursive):
    """Stop and reverse of Wilder (high, low); parameters: first step, step, limit. Line and direction."""

    width = 2

    def start(self, *params: float) -> None:
        self.side = 0.0
        self.stop = self.extreme = self.speed = self.high = self.low = NAN

    def step(self, *x: float) -> Value:
        high, low = x
        first, step, limit = self.params
        if self.count == 1:
            self.high, self.low = high, low
            return NAN, NAN
        if self.count == 2:
            down = self.low - low > high - self.high and self.low - low > 0.0
            self.side, self.speed = (-1.0 if down else 1.0), first
            self.stop, self.extreme = (self.high, low) if down else (self.low, high)
            self.high, self.low = high, low
        stop, side = self.stop, self.side
        crossed = low <= stop if side > 0.0 else high >= stop
        if crossed:
            stop = self.extreme
            stop = max(stop, self.high, high) if side > 0.0 else min(stop, self.low, low)
            out, self.side, self.speed = stop, -side, first
            self.extreme = low if side > 0.0 else high
            stop += self.speed * (self.extreme - stop)
            stop = max(stop, self.high, high) if side > 0.0 else min(stop, self.low, low)
        else:
            out = stop
            better = high > self.extreme if side > 0.0 else low < self.extreme
            if better:
                self.extreme = high if side > 0.0 else low
                self.speed = min(self.speed + step, limit)
            stop += self.speed * (self.extreme - stop)
            stop = min(stop, self.low, low) if side > 0.0 else max(stop, self.high, high)
        self.stop, self.high, self.low = stop, high, low
        return out, self.side


class HeikinAshi(Recursive):
    """Open of the averaged candle (open, close, averaged close)."""

    def start(self, *params: float) -> None:
        self.open = self.close = NAN

    def step(self, *x: float) -> Value:
        self.open = (x[0] + x[1]) / 2.0 if self.count == 1 else (self.open + self.close) / 2.0
        self.close = x[2]
        return self.open


class Fisher(Recursive):
    """Fisher transform of a place in a range, -1/2 to 1/2, smoothed twice."""

    def start(self, *params: float) -> None:
        self.value = self.line = 0.0

    def step(self, *x: float) -> Value:
        self.value = _clip(0.66 * x[0] + 0.67 * self.value, -0.999, 0.999)
        self.line = 0.5 * math.log((1.0 + self.value) / (1.0 - self.value)) + 0.5 * self.line
        return self.line


class Laguerre(Recursive):
    """Relative strength of the four stages of a Laguerre filter."""

    def start(self, *params: float) -> None:
        self.stage = [0.0] * 4

    def step(self, *x: float) -> Value:
        gamma, old = self.params[0], self.stage
        if self.count == 1:
            self.stage = [x[0]] * 4
        else:
            new = [(1.0 - gamma) * x[0] + gamma * old[0]]
            for k in (1, 2, 3):
                new.append(-gamma * new[k - 1] + old[k - 1] + gamma * old[k])
            self.stage = new
        moves = [a - b for a, b in zip(self.stage, self.stage[1:], strict=False)]
        up, all_moves = sum(m for m in moves if m > 0.0), sum(map(abs, moves))
        return up / all_moves if all_moves > 0.0 else 0.5


class McGinley(Recursive):
    """``value += (x - value) / (k * window * (x / value) ** 4)``, the divisor at least 1: no step goes past x."""

    def start(self, *params: float) -> None:
        self.value = NAN

    def step(self, *x: float) -> Value:
        window, k = self.params
        if self.count == 1 or self.value == 0.0 or x[0] == 0.0:
            self.value = x[0]
        else:
            ratio = x[0] / self.value
            self.value += (x[0] - self.value) / max(1.0, k * window * ratio * ratio * ratio * ratio)
        return self.value


class Trail(Recursive):
    """Trailing level of QQE (line, distance): follows on its side, never turns back. Level and direction."""

    width = 2

    def start(self, *params: float) -> None:
        self.long = self.short = self.line = 0.0
        self.side = 1.0

    def step(self, *x: float) -> Value:
        line, distance = x
        long, short = line - distance, line + distance
        if self.count > 1:
            crossed_up, crossed_down = line > self.short, line < self.long
            if self.line > self.long and line > self.long:
                long = max(self.long, long)
            if self.line < self.short and line < self.short:
                short = min(self.short, short)
            self.side = 1.0 if crossed_up else (-1.0 if crossed_down else self.side)
        self.long, self.short, self.line = long, short, line
        return (long if self.side > 0.0 else short), self.side


class Ratchet(Recursive):
    """AlphaTrend (lower level, upper level, condition): a floor while the condition is above 0, else a ceiling."""

    def start(self, *params: float) -> None:
        self.value = 0.0

    def step(self, *x: float) -> Value:
        level = x[0] if x[2] > 0.0 else x[1]
        if self.count > 1:
            level = max(level, self.value) if x[2] > 0.0 else min(level, self.value)
        self.value = level
        return level


class Side(Recursive):
    """1 after the close was above the upper level, -1 after it was below the lower one, else as before (at first 0)."""

    def start(self, *params: float) -> None:
        self.value = 0.0

    def step(self, *x: float) -> Value:
        close, upper, lower = x
        self.value = 1.0 if close > upper else (-1.0 if close < lower else self.value)
        return self.value


class KlingerForce(Recursive):
    """Volume force of Klinger (typical sum, range, volume)."""

    def start(self, *params: float) -> None:
        self.level = self.range = self.trend = self.span = 0.0

    def step(self, *x: float) -> Value:
        level, day, volume = x
        if self.count == 1:
            self.level, self.range = level, day
            return NAN
        trend = 1.0 if level > self.level else -1.0
        self.span = self.span + day if trend == self.trend else self.range + day
        self.level, self.range, self.trend = level, day, trend
        return volume * abs(2.0 * (day / self.span - 1.0)) * trend * 100.0 if self.span > 0.0 else 0.0


_RECURSIVE: Final[dict[str, tuple[int, Any]]] = {
    "ewm": (1, Ewm),
    "ewm_adjusted": (1, EwmAdjusted),
    "wilder_sum": (1, WilderSum),
    "cum": (1, Cumulate),
    "cum_since": (2, CumulateSince),
    "product": (1, Product),
    "highest": (1, Highest),
    "previous": (1, Previous),
    "skip": (1, Skip),
    "run": (1, Run),
    "adaptive": (2, Adaptive),
    "linear": (1, Linear),
    "bands": (3, Bands),
    "parabolic": (2, Parabolic),
    "heikin_ashi": (3, HeikinAshi),
    "fisher": (1, Fisher),
    "laguerre": (1, Laguerre),
    "mcginley": (1, McGinley),
    "trail": (2, Trail),
    "ratchet": (3, Ratchet),
    "side": (3, Side),
    "klinger_force": (3, KlingerForce),
    "where": (3, Where),
    "known": (2, Known),
    "either": (2, Either),
    "lag": (1, Lag),
    "hold": (1, Hold),
}


def _arity(function: Callable[..., float], name: str) -> int:
    return 2 if name in {"add", "sub", "mul", "div", "max2", "min2", "gt", "ge"} else 1


OPS: Final[dict[str, tuple[int, int]]] = {
    **{name: (_arity(function, name), 1) for name, function in _PLAIN.items()},
    **{name: (inputs, outputs) for name, (inputs, outputs, _) in _ROLLING.items()},
    **{name: (inputs, getattr(cls, "width", 1)) for name, (inputs, cls) in _RECURSIVE.items()},
}
"""Number of inputs and outputs of every operation."""


def _made(name: str, params: Sequence[float]) -> Any:
    if name in _PLAIN:
        return Plain(_PLAIN[name], params)
    if name in _ROLLING:
        return Rolling(_ROLLING[name][2], params)
    return _RECURSIVE[name][1](params)


class Program:
    """Operations in the order of their evaluation.

    Parameters
    ----------
    n_inputs : int
        Columns that are given.
    ops : sequence of (name, inputs, params)
        Inputs are slots: first the given columns, then the outputs of the operations in their order.
    outputs : sequence of int
        Slots to hand back.

    Raises
    ------
    ValueError
        When an operation is unknown or reads a slot that is not there yet.

    Examples
    --------
    >>> twice = Program(1, [("scale", (0,), (2.0,)), ("mean", (1,), (2.0,))], [2])
    >>> twice.run([np.array([1.0, 2.0, 4.0])])[0].tolist()
    [nan, 3.0, 6.0]
    """

    def __init__(self, n_inputs: int, ops: Sequence[OpSpec], outputs: Sequence[int]) -> None:
        slots = n_inputs
        for name, inputs, _ in ops:
            if name not in OPS:
                raise ValueError(f"{name!r} is no operation")
            if len(inputs) != OPS[name][0] or any(not 0 <= i < slots for i in inputs):
                raise ValueError(f"{name} reads slots {inputs}; it takes {OPS[name][0]} of the {slots} before it")
            slots += OPS[name][1]
        if any(not 0 <= i < slots for i in outputs):
            raise ValueError(f"outputs {outputs} are not among the {slots} slots")
        self.n_inputs, self.ops, self.outputs = n_inputs, list(ops), list(outputs)

    def run(self, columns: Sequence[F64]) -> list[F64]:
        """Outputs of whole columns, from a state that has seen nothing."""
        return self.state().extend(columns)

    def state(self) -> ProgramState:
        """State that has seen nothing."""
        return ProgramState(self)


class ProgramState:
    """A program and what its operations remember."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.parts = [_made(name, params) for name, _, params in program.ops]

    def update(self, values: Sequence[float]) -> tuple[float, ...]:
        """Outputs of the next row."""
        program = self.program
        if len(values) != program.n_inputs:
            raise ValueError(f"{len(values)} values; the program takes {program.n_inputs}")
        slots = [float(v) if math.isfinite(v) else NAN for v in values]
        for part, (name, inputs, _) in zip(self.parts, program.ops, strict=True):
            out = part.update(*(slots[i] for i in inputs))
            slots.extend(out if isinstance(out, tuple) else (out,) * OPS[name][1])
        return tuple(slots[i] for i in program.outputs)

    def extend(self, columns: Sequence[F64]) -> list[F64]:
        """Outputs of the next rows, one array for each output."""
        if len(columns) != self.program.n_inputs:
            raise ValueError(f"{len(columns)} columns; the program takes {self.program.n_inputs}")
        tables = [np.asarray(column, dtype=np.float64).tolist() for column in columns]
        rows = [self.update(row) for row in zip(*tables, strict=True)]
        return [np.array([row[k] for row in rows], dtype=np.float64) for k in range(len(self.program.outputs))]
