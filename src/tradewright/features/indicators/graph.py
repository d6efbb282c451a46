"""The language in which an indicator is written once and runs at every speed.

Entry points: `Graph`, `Node`, `Inputs`, and the operations (`mean`, `ewm`, `lag`, ...).

A definition combines nodes; each node adds an operation to the graph. The graph becomes a program of the engine, which
runs it over whole columns or row by row with the same bits, and knows for every node how many rows pass until its first
value. Equal operations are made once.

Invariants: an operation sees its inputs up to its own row and nothing later, so nothing written with them can look
ahead. Missing values: see `tradewright._reference.indicators`.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "Graph",
    "Inputs",
    "Node",
    "absolute",
    "adaptive",
    "arctan",
    "bands",
    "change",
    "clip",
    "correlation",
    "covariance",
    "cumulate",
    "cumulate_since",
    "either",
    "entropy",
    "ewm",
    "ewm_adjusted",
    "exp",
    "fill",
    "fisher",
    "fractal_katz",
    "fractal_sevcik",
    "greater",
    "greater_equal",
    "heikin_ashi",
    "high_of",
    "highest",
    "hold",
    "hurst_rs",
    "hurst_variance",
    "klinger_force",
    "known",
    "kurtosis",
    "lag",
    "laguerre",
    "larger",
    "linear",
    "linreg",
    "linreg_fit",
    "log",
    "low_of",
    "mcginley",
    "mean",
    "mean_deviation",
    "parabolic",
    "previous",
    "product",
    "quantile",
    "quotient",
    "rank",
    "ratchet",
    "run",
    "side",
    "sign",
    "since_high",
    "since_low",
    "skewness",
    "skip",
    "smaller",
    "sqrt",
    "std",
    "total",
    "trail",
    "variance",
    "weighted",
    "where",
    "wilder_sum",
    "wma",
]

Key = tuple[str, tuple[int, ...], tuple[float, ...]]


class Graph:
    """Operations in the order in which they were asked for.

    Examples
    --------
    >>> graph = Graph()
    >>> x = graph.input("close")
    >>> y = mean(x, 3) - lag(x, 4)
    >>> y.warm_up, [name for name, _, _ in graph.ops]
    (5, ['mean', 'lag', 'sub'])
    """

    def __init__(self) -> None:
        self.inputs: list[str] = []
        self.ops: list[Key] = []
        self._nodes: dict[Key, tuple[Node, ...]] = {}
        self._slots = 0

    def input(self, name: str) -> Node:
        """Return a given column; all of them are asked for before the first operation."""
        self.inputs.append(name)
        self._slots += 1
        return Node(self, self._slots - 1, 1)

    def add(
        self, name: str, inputs: Sequence[Node], params: Sequence[float] = (), *, warm_up: int, width: int = 1
    ) -> tuple[Node, ...]:
        """Nodes of one operation, made once for the same inputs and parameters."""
        key = (name, tuple(node.slot for node in inputs), tuple(float(p) for p in params))
        if key not in self._nodes:
            self._nodes[key] = tuple(Node(self, self._slots + k, warm_up) for k in range(width))
            self.ops.append(key)
            self._slots += width
        return self._nodes[key]

    def needed(self, outputs: Sequence[int]) -> tuple[list[Key], list[int]]:
        """Operations without which the outputs could not be had, and the slots of the outputs among them.

        Examples
        --------
        >>> graph = Graph()
        >>> x = graph.input("close")
        >>> unused, y = mean(x, 3), lag(x, 4)
        >>> graph.needed([y.slot])
        ([('lag', (0,), (4.0,))], [1])
        """
        wanted = set(outputs)
        kept: list[Key] = []
        for key in reversed(self.ops):
            if any(node.slot in wanted for node in self._nodes[key]):
                kept.append(key)
                wanted.update(key[1])
        place = {slot: slot for slot in range(len(self.inputs))}
        out: list[Key] = []
        for name, inputs, params in reversed(kept):
            out.append((name, tuple(place[slot] for slot in inputs), params))
            for node in self._nodes[name, inputs, params]:
                place[node.slot] = len(place)
        return out, [place[slot] for slot in outputs]


class Node:
    """One column of a graph; arithmetic on nodes makes nodes.

    Attributes
    ----------
    slot : int
        Its place in the program.
    warm_up : int
        Rows until its first value, that row included, on inputs without holes.
    """

    __slots__ = ("graph", "slot", "warm_up")

    def __init__(self, graph: Graph, slot: int, warm_up: int) -> None:
        self.graph, self.slot, self.warm_up = graph, slot, warm_up

    def __add__(self, other: Node | float) -> Node:
        return _plain("add", self, other) if isinstance(other, Node) else _plain("shift", self, params=(other,))

    def __sub__(self, other: Node | float) -> Node:
        return _plain("sub", self, other) if isinstance(other, Node) else _plain("shift", self, params=(-other,))

    def __mul__(self, other: Node | float) -> Node:
        return _plain("mul", self, other) if isinstance(other, Node) else _plain("scale", self, params=(other,))

    def __truediv__(self, other: Node | float) -> Node:
        return quotient(self, other if isinstance(other, Node) else fill(self, other))

    def __neg__(self) -> Node:
        return _plain("scale", self, params=(-1.0,))

    def __radd__(self, other: float) -> Node:
        return self + other

    def __rsub__(self, other: float) -> Node:
        return fill(self, other) - self

    def __rmul__(self, other: float) -> Node:
        return self * other

    def __rtruediv__(self, other: float) -> Node:
        return quotient(fill(self, other), self)


class Inputs:
    """The columns an indicator asked for, by name: ``x.high``; derived prices that many share."""

    def __init__(self, graph: Graph, names: Sequence[str]) -> None:
        self.graph = graph
        self._nodes = {name: graph.input(name) for name in names}

    def __getattr__(self, name: str) -> Node:
        try:
            return self.__dict__["_nodes"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def typical(self) -> Node:
        """Mean of high, low and close."""
        return (self.high + self.low + self.close) / 3.0

    @property
    def middle(self) -> Node:
        """Mean of high and low."""
        return (self.high + self.low) / 2.0

    @property
    def true_range(self) -> Node:
        """Largest of high - low and the distances of both to the close before; from the second row on."""
        before = previous(self.close)
        reach = larger(absolute(self.high - before), absolute(self.low - before))
        return larger(self.high - self.low, reach)


def _plain(name: str, *nodes: Node, params: Sequence[float] = ()) -> Node:
    return nodes[0].graph.add(name, nodes, params, warm_up=max(node.warm_up for node in nodes))[0]


def _more(name: str, nodes: Sequence[Node], params: Sequence[float], rows: int, width: int = 1) -> tuple[Node, ...]:
    warm_up = max(node.warm_up for node in nodes) + rows
    return nodes[0].graph.add(name, nodes, params, warm_up=warm_up, width=width)


def _rolling(name: str, window: int, *nodes: Node, params: Sequence[float] = ()) -> Node:
    return _more(name, nodes, (window, *params), window - 1)[0]


# --- without a memory


def quotient(a: Node, b: Node, *, zero: float = float("nan")) -> Node:
    """``a / b``; `zero` where b is 0."""
    return _plain("div", a, b, params=(zero,))


def larger(a: Node, b: Node) -> Node:
    """Row-wise maximum."""
    return _plain("max2", a, b)


def smaller(a: Node, b: Node) -> Node:
    """Row-wise minimum."""
    return _plain("min2", a, b)


def greater(a: Node, b: Node | float) -> Node:
    """1 where ``a > b``, else 0."""
    return _plain("gt", a, b if isinstance(b, Node) else fill(a, b))


def greater_equal(a: Node, b: Node | float) -> Node:
    """1 where ``a >= b``, else 0."""
    return _plain("ge", a, b if isinstance(b, Node) else fill(a, b))


def absolute(x: Node) -> Node:
    """Distance from 0."""
    return _plain("abs", x)


def sqrt(x: Node) -> Node:
    """Square root; NaN below 0."""
    return _plain("sqrt", x)


def log(x: Node) -> Node:
    """Natural logarithm; NaN at 0 and below."""
    return _plain("log", x)


def exp(x: Node) -> Node:
    """Exponential."""
    return _plain("exp", x)


def arctan(x: Node) -> Node:
    """Angle in radians."""
    return _plain("atan", x)


def sign(x: Node) -> Node:
    """Sign: -1, 0 or 1."""
    return _plain("sign", x)


def fill(x: Node, value: float) -> Node:
    """`value` wherever x is there."""
    return _plain("fill", x, params=(value,))


def clip(x: Node, low: float, high: float) -> Node:
    """X, not below `low` and not above `high`."""
    return _plain("clip", x, params=(low, high))


def where(condition: Node, a: Node | float, b: Node | float) -> Node:
    """Return a where the condition is above 0, else b."""
    left = a if isinstance(a, Node) else fill(condition, a)
    right = b if isinstance(b, Node) else fill(condition, b)
    return _plain("where", condition, left, right)


def known(x: Node, other: Node) -> Node:
    """X where `other` is there: outputs that begin together."""
    return _plain("known", x, other)


def either(x: Node, other: Node) -> Node:
    """X where it is there, else `other`."""
    return x.graph.add("either", (x, other), warm_up=min(x.warm_up, other.warm_up))[0]


# --- shifts


def lag(x: Node, rows: int) -> Node:
    """Value `rows` rows ago."""
    return _more("lag", (x,), (rows,), rows)[0] if rows else x


def change(x: Node, rows: int = 1) -> Node:
    """X minus its value `rows` rows ago."""
    return x - lag(x, rows)


def previous(x: Node) -> Node:
    """Last value before this one that was there."""
    return _more("previous", (x,), (), 1)[0]


def hold(x: Node) -> Node:
    """Last value that was there, this row included."""
    return _plain("hold", x)


def skip(x: Node, rows: int) -> Node:
    """All but the first `rows` values."""
    return _more("skip", (x,), (rows,), rows)[0] if rows > 0 else x


# --- windows


def total(x: Node, window: int) -> Node:
    """Sum of the last `window` values."""
    return _rolling("sum", window, x)


def mean(x: Node, window: int) -> Node:
    """Mean of the last `window` values."""
    return _rolling("mean", window, x)


def wma(x: Node, window: int) -> Node:
    """Mean with weights 1 for the oldest to `window` for the newest."""
    return _rolling("wma", window, x)


def weighted(x: Node, weights: Sequence[float]) -> Node:
    """Sum of the last values times weights, oldest first."""
    return _rolling("weights", len(weights), x, params=tuple(weights))


def variance(x: Node, window: int, ddof: int = 0) -> Node:
    """Variance of the last `window` values."""
    return _rolling("var", window, x, params=(ddof,))


def std(x: Node, window: int, ddof: int = 0) -> Node:
    """Standard deviation of the last `window` values."""
    return _rolling("std", window, x, params=(ddof,))


def low_of(x: Node, window: int) -> Node:
    """Smallest of the last `window` values."""
    return _rolling("low", window, x)


def high_of(x: Node, window: int) -> Node:
    """Largest of the last `window` values."""
    return _rolling("high", window, x)


def since_high(x: Node, window: int) -> Node:
    """Rows since the largest of the last `window` values, the latest of equals."""
    return _rolling("since_high", window, x)


def since_low(x: Node, window: int) -> Node:
    """Rows since the smallest of the last `window` values, the latest of equals."""
    return _rolling("since_low", window, x)


def quantile(x: Node, window: int, q: float, *, nearest: bool = False) -> Node:
    """Quantile of the last `window` values, between ranks by a straight line, or the nearest rank."""
    return _rolling("quantile", window, x, params=(q, float(nearest)))


def rank(x: Node, window: int, kind: int) -> Node:
    """Rank of the newest value among the last `window`; kinds 0, 1 and 2 as in the reference."""
    return _rolling("rank", window, x, params=(kind,))


def linreg(x: Node, window: int) -> tuple[Node, Node]:
    """Least squares over the row number: slope, and intercept at the oldest row."""
    slope, intercept = _more("linreg", (x,), (window,), window - 1, 2)
    return slope, intercept


def linreg_fit(x: Node, window: int) -> tuple[Node, Node]:
    """How well that line fits: r squared, and standard error."""
    share, error = _more("linreg_fit", (x,), (window,), window - 1, 2)
    return share, error


def mean_deviation(x: Node, window: int) -> Node:
    """Mean distance to the mean of the last `window` values."""
    return _rolling("mad", window, x)


def skewness(x: Node, window: int) -> Node:
    """Skewness, corrected for bias."""
    return _rolling("skew", window, x)


def kurtosis(x: Node, window: int) -> Node:
    """Excess kurtosis, corrected for bias."""
    return _rolling("kurt", window, x)


def entropy(x: Node, window: int, base: float) -> Node:
    """Shannon entropy of the shares of the last `window` positive values."""
    return _rolling("entropy", window, x, params=(base,))


def correlation(x: Node, y: Node, window: int) -> Node:
    """Pearson correlation over the last `window` rows."""
    return _rolling("corr", window, x, y)


def covariance(x: Node, y: Node, window: int, ddof: int = 0) -> Node:
    """Covariance over the last `window` rows."""
    return _rolling("cov", window, x, y, params=(ddof,))


def hurst_variance(x: Node, window: int, lags: int) -> Node:
    """Exponent with which the spread of differences grows with their lag, 1 to `lags`."""
    return _rolling("hurst_variance", window, x, params=(lags,))


def hurst_rs(x: Node, window: int) -> Node:
    """Exponent with which the rescaled range grows with the length of the piece, halving down to 8."""
    return _rolling("hurst_rs", window, x)


def fractal_sevcik(x: Node, window: int) -> Node:
    """Fractal dimension of the graph in a unit square."""
    return _rolling("fractal_sevcik", window, x)


def fractal_katz(x: Node, window: int) -> Node:
    """Fractal dimension from path and reach."""
    return _rolling("fractal_katz", window, x)


# --- recursions


def ewm(x: Node, alpha: float, seed: int) -> Node:
    """``value += alpha * (x - value)``, seeded with the mean of the first `seed` values."""
    return _more("ewm", (x,), (alpha, seed), seed - 1)[0]


def ewm_adjusted(x: Node, alpha: float) -> Node:
    """Mean of all values so far with weights ``(1 - alpha) ** age``."""
    return _plain("ewm_adjusted", x, params=(alpha,))


def wilder_sum(x: Node, window: int, seed: int) -> Node:
    """``value += x - value / window``, seeded with the sum of the first `seed` values."""
    return _more("wilder_sum", (x,), (window, seed), seed - 1)[0]


def cumulate(x: Node) -> Node:
    """Sum of all values so far."""
    return _plain("cum", x)


def cumulate_since(x: Node, key: Node) -> Node:
    """Sum of the values since the key changed."""
    return _plain("cum_since", x, key)


def product(x: Node, start: float) -> Node:
    """Product of all values so far, times `start`."""
    return _plain("product", x, params=(start,))


def highest(x: Node) -> Node:
    """Largest value so far."""
    return _plain("highest", x)


def run(x: Node) -> Node:
    """Number of rows in a row at which x is above 0."""
    return _plain("run", x)


def adaptive(x: Node, alpha: Node) -> Node:
    """``value += alpha * (x - value)`` with an alpha for every row, seeded with the x before the first alpha."""
    return _plain("adaptive", x, alpha)


def linear(x: Node, a: float, b: float, c: float, d: float) -> Node:
    """``y = a x + b x1 + c y1 + d y2``; before the first row all are the first x."""
    return _plain("linear", x, params=(a, b, c, d))


def bands(basis: Node, width: Node, close: Node, start: int = 0) -> tuple[Node, Node]:
    """Trailing bands around a basis: line and direction. `start`: first direction, 0 as the close says."""
    line, direction = _more("bands", (basis, width, close), (start,), 0, 2)
    return line, direction


def parabolic(high: Node, low: Node, first: float, step: float, limit: float) -> tuple[Node, Node]:
    """Stop and reverse: line and direction."""
    line, direction = _more("parabolic", (high, low), (first, step, limit), 1, 2)
    return line, direction


def heikin_ashi(opening: Node, close: Node, average: Node) -> Node:
    """Open of the averaged candle."""
    return _plain("heikin_ashi", opening, close, average)


def fisher(x: Node) -> Node:
    """Fisher transform of a place in a range, -1/2 to 1/2."""
    return _plain("fisher", x)


def laguerre(x: Node, gamma: float) -> Node:
    """Relative strength of the stages of a Laguerre filter, 0 to 1."""
    return _plain("laguerre", x, params=(gamma,))


def mcginley(x: Node, window: int, k: float) -> Node:
    """Dynamic average of McGinley."""
    return _plain("mcginley", x, params=(window, k))


def trail(line: Node, distance: Node) -> tuple[Node, Node]:
    """Level that follows a line at a distance and never turns back: level and direction."""
    level, direction = _more("trail", (line, distance), (), 0, 2)
    return level, direction


def ratchet(floor: Node, ceiling: Node, condition: Node) -> Node:
    """Rising floor while the condition is above 0, else falling ceiling."""
    return _plain("ratchet", floor, ceiling, condition)


def side(close: Node, upper: Node, lower: Node) -> Node:
    """1 after the close was above `upper`, -1 after it was below `lower`."""
    return _plain("side", close, upper, lower)


def klinger_force(level: Node, day: Node, volume: Node) -> Node:
    """Volume force of Klinger."""
    return _more("klinger_force", (level, day, volume), (), 1)[0]
