"""Direction and strength of a trend.

Entry points: the definitions below, registered by name.

Invariants: directional movement follows Wilder's sums as TA-Lib has them (the first sum holds ``window - 1`` rows).
"""

from __future__ import annotations

import math
from typing import Any, Final

from tradewright.features.indicators import graph as g
from tradewright.features.indicators.average import exponential, wilder
from tradewright.features.indicators.graph import Inputs, Node
from tradewright.features.indicators.spec import Talib, choice, define, real, whole

_F: Final = "trend"
_WILDER: Final = "Wilder (1978), New Concepts in Technical Trading Systems"
_WINDOW: Final = (whole("window", 14, 2),)
_TALIB: Final = {"timeperiod": "window"}


def _moves(x: Inputs) -> tuple[Node, Node]:
    """Directional movement up and down of each row."""
    up, down = x.high - g.previous(x.high), g.previous(x.low) - x.low
    zero = g.fill(up - down, 0.0)
    plus = g.where(g.greater(g.smaller(up, up - down), 0.0), up, zero)
    minus = g.where(g.greater(g.smaller(down, down - up), 0.0), down, zero)
    return plus, minus


def _indices(x: Inputs, window: int) -> tuple[Node, Node]:
    """Directional indices, 0 to 100."""
    plus, minus = _moves(x)
    sums = [g.skip(g.wilder_sum(node, window, window - 1), 1) for node in (plus, minus, x.true_range)]
    return tuple(g.quotient(node * 100.0, sums[2], zero=0.0) for node in sums[:2])  # type: ignore[return-value]


def _strength(x: Inputs, window: int) -> Node:
    plus, minus = _indices(x, window)
    return g.quotient(g.absolute(plus - minus) * 100.0, plus + minus, zero=0.0)


@define(
    "Directional movement up",
    family=_F,
    inputs="high low",
    params=_WINDOW,
    unit="price",
    source=_WILDER,
    talib=Talib("PLUS_DM", _TALIB),
)
def plus_dm(x: Inputs, p: Any) -> Node:
    """Wilder's sum of upward movement."""
    return g.wilder_sum(_moves(x)[0], p.window, p.window - 1)


@define(
    "Directional movement down",
    family=_F,
    inputs="high low",
    params=_WINDOW,
    unit="price",
    source=_WILDER,
    talib=Talib("MINUS_DM", _TALIB),
)
def minus_dm(x: Inputs, p: Any) -> Node:
    """Wilder's sum of downward movement."""
    return g.wilder_sum(_moves(x)[1], p.window, p.window - 1)


@define(
    "Directional index up",
    family=_F,
    inputs="high low close",
    params=_WINDOW,
    unit="0 to 100",
    source=_WILDER,
    undefined="0 where the range is 0",
    talib=Talib("PLUS_DI", _TALIB),
)
def plus_di(x: Inputs, p: Any) -> Node:
    """Upward movement in percent of the true range."""
    return _indices(x, p.window)[0]


@define(
    "Directional index down",
    family=_F,
    inputs="high low close",
    params=_WINDOW,
    unit="0 to 100",
    source=_WILDER,
    undefined="0 where the range is 0",
    talib=Talib("MINUS_DI", _TALIB),
)
def minus_di(x: Inputs, p: Any) -> Node:
    """Downward movement in percent of the true range."""
    return _indices(x, p.window)[1]


@define(
    "Directional movement index",
    family=_F,
    inputs="high low close",
    params=_WINDOW,
    unit="0 to 100",
    source=_WILDER,
    undefined="0 where there is no movement",
    talib=Talib("DX", _TALIB),
)
def dx(x: Inputs, p: Any) -> Node:
    """Distance of the directional indices over their sum."""
    return _strength(x, p.window)


@define(
    "Average directional index",
    family=_F,
    inputs="high low close",
    params=_WINDOW,
    unit="0 to 100",
    source=_WILDER,
    undefined="movement index 0 where there is no movement",
    notes="Wilder's sums begin with window - 1 rows, the average of DX with the mean of the first `window`, as TA-Lib.",
    talib=Talib("ADX", _TALIB),
)
def adx(x: Inputs, p: Any) -> Node:
    """Wilder's average of the directional movement index."""
    return wilder(_strength(x, p.window), p.window)


@define(
    "Average directional index rating",
    family=_F,
    inputs="high low close",
    params=_WINDOW,
    unit="0 to 100",
    source=_WILDER,
    talib=Talib("ADXR", _TALIB),
)
def adxr(x: Inputs, p: Any) -> Node:
    """Mean of ADX now and window - 1 rows ago."""
    line = wilder(_strength(x, p.window), p.window)
    return (line + g.lag(line, p.window - 1)) / 2.0


@define(
    "Aroon",
    family=_F,
    inputs="high low",
    params=[whole("window", 14)],
    outputs="down up",
    unit="0 to 100",
    source="Chande (1995), Stocks & Commodities 13(9)",
    notes="The window holds this row and `window` before it; of equal extremes the latest counts.",
    talib=Talib("AROON", _TALIB),
)
def aroon(x: Inputs, p: Any) -> tuple[Node, ...]:
    """How recent the lowest low and the highest high are.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.aroon([1.0, 3.0, 2.0], [1.0, 3.0, 2.0], window=2).up.tolist()
    [nan, nan, 50.0]
    """
    k = -100.0 / p.window
    return g.since_low(x.low, p.window + 1) * k + 100.0, g.since_high(x.high, p.window + 1) * k + 100.0


@define(
    "Aroon oscillator",
    family=_F,
    inputs="high low",
    params=[whole("window", 14)],
    unit="-100 to 100",
    source="Chande (1995), Stocks & Commodities 13(9)",
    talib=Talib("AROONOSC", _TALIB),
)
def aroonosc(x: Inputs, p: Any) -> Node:
    """Aroon up minus Aroon down."""
    return (g.since_low(x.low, p.window + 1) - g.since_high(x.high, p.window + 1)) * float(100.0 / p.window)


@define(
    "Vortex",
    family=_F,
    inputs="high low close",
    params=[whole("window", 14)],
    outputs="plus minus",
    unit="ratio",
    source="Botes and Siepman (2010), Stocks & Commodities 28(1)",
    undefined="NaN where nothing moved",
    talib=Talib("VORTEX", _TALIB),
)
def vortex(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Reach from the low before to this high, and from the high before to this low, over the true range."""
    span = g.total(x.true_range, p.window)
    up, down = g.absolute(x.high - g.previous(x.low)), g.absolute(x.low - g.previous(x.high))
    return g.total(up, p.window) / span, g.total(down, p.window) / span


@define(
    "Choppiness index",
    family=_F,
    inputs="high low close",
    params=[whole("window", 14, 2)],
    unit="0 (trend) to 100 (chop)",
    source="Dreiss (1993)",
    undefined="NaN where the window has no range",
)
def choppiness(x: Inputs, p: Any) -> Node:
    """``100 * log(sum of true ranges / range of the window) / log(window)``.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> close = [2.0, 2.0, 2.0, 2.0]
    >>> indicators.choppiness([3.0] * 4, [1.0] * 4, close, window=2).tolist()  # two ranges of 2 in a range of 2
    [nan, nan, 100.0, 100.0]
    """
    span = g.high_of(x.high, p.window) - g.low_of(x.low, p.window)
    return g.log(g.total(x.true_range, p.window) / span) * (100.0 / math.log(p.window))


@define(
    "Vertical horizontal filter",
    family=_F,
    params=[whole("window", 28)],
    unit="0 to 1",
    source="White (1991), Futures 20(10)",
    undefined="NaN where nothing moved",
    notes="Range of the last `window` values over the path of the last `window` changes.",
    talib=Talib("VHF", _TALIB),
)
def vhf(x: Inputs, p: Any) -> Node:
    """Range of the window over the path within it."""
    span = g.high_of(x.close, p.window) - g.low_of(x.close, p.window)
    return span / g.total(g.absolute(g.change(x.close)), p.window)


@define(
    "Waddah Attar explosion",
    family=_F,
    inputs="high low close",
    params=[
        real("sensitivity", 150.0),
        whole("fast", 20),
        whole("slow", 40),
        whole("window", 20, about="rows of the Bollinger bands"),
        real("multiplier", 2.0),
        whole("dead_window", 100, about="rows of the average true range of the dead zone"),
        real("dead_factor", 3.7),
        choice("seed", "sma", "first"),
    ],
    outputs="up down explosion dead_zone",
    unit="price",
    source="Attar (2006)",
    needs=("fast < slow", lambda p: p["fast"] < p["slow"]),
    notes="up and down: change of the MACD from the row before times the sensitivity, split by sign. explosion: "
    "width of the "
    "Bollinger bands. dead_zone: Wilder's average true range times the factor. All begin together.",
)
def waddah_attar(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Strength of a move beside the width of the bands and a zone in which to stay out.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> price = [1.0, 2.0, 4.0]  # averages of 1 and 2 rows: MACD 0.5, then 4 - 19/6
    >>> settings = {"sensitivity": 6.0, "fast": 1, "slow": 2, "window": 2, "dead_window": 1, "dead_factor": 1.0}
    >>> found = indicators.waddah_attar(price, price, price, **settings)
    >>> [round(float(v[2]), 10) for v in found]
    [2.0, 0.0, 4.0, 2.0]
    """
    line = exponential(x.close, p.fast, p.seed) - exponential(x.close, p.slow, p.seed)
    move = g.change(line) * p.sensitivity
    width = g.std(x.close, p.window) * (2.0 * p.multiplier)
    dead = wilder(x.true_range, p.dead_window) * p.dead_factor
    last = move + width + dead
    zero = g.fill(last, 0.0)
    return g.larger(move, zero), g.larger(-move, zero), g.known(width, last), g.known(dead, last)


@define(
    "Trend intensity index",
    family=_F,
    params=[whole("window", 30), whole("mean_window", 60)],
    unit="0 to 100",
    source="Pee (2002), Stocks & Commodities 20(6)",
    undefined="50 where x equals its mean throughout",
)
def trend_intensity(x: Inputs, p: Any) -> Node:
    """Sum of distances above the mean over the sum of all distances from it."""
    gap = x.close - g.mean(x.close, p.mean_window)
    up = g.total(g.larger(gap, g.fill(gap, 0.0)), p.window)
    return g.quotient(up * 100.0, g.total(g.absolute(gap), p.window), zero=50.0)


@define(
    "Random walk index",
    family=_F,
    inputs="high low close",
    params=[whole("window", 14)],
    outputs="high low",
    unit="ratio",
    source="Poulos (1991), Stocks & Commodities 9(2)",
    undefined="NaN where nothing moved",
    notes="Over one lag, `window`; ATR of Wilder.",
)
def rwi(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Reach over the window against that of a random walk, up and down."""
    walk = wilder(x.true_range, p.window) * math.sqrt(p.window)
    return (x.high - g.lag(x.low, p.window)) / walk, (g.lag(x.high, p.window) - x.low) / walk


@define(
    "Distance of two averages, in average true ranges",
    family=_F,
    inputs="high low close",
    params=[whole("fast", 20), whole("slow", 100), whole("window", 14, about="rows of the average true range")],
    unit="average true ranges",
    source="Classical",
    undefined="NaN where nothing moved",
    needs=("fast < slow", lambda p: p["fast"] < p["slow"]),
)
def trend_gap(x: Inputs, p: Any) -> Node:
    """Fast minus slow mean over the average true range: comparable between markets."""
    return (g.mean(x.close, p.fast) - g.mean(x.close, p.slow)) / wilder(x.true_range, p.window)


@define(
    "Setup count",
    family=_F,
    params=[whole("lookback", 4)],
    outputs="up down",
    unit="rows",
    source="DeMark (1994), The New Science of Technical Analysis",
    notes="Counts run on beyond 9.",
)
def td_setup(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Rows in a row above, and below, the value `lookback` rows before.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.td_setup([1.0, 2.0, 3.0, 2.0], lookback=1).up.tolist()
    [nan, 1.0, 2.0, 0.0]
    """
    step = g.change(x.close, p.lookback)
    return g.run(step), g.run(-step)


@define(
    "Price relative to a benchmark",
    family=_F,
    inputs="close benchmark",
    params=[whole("window", 60)],
    unit="fraction",
    source="Levy (1967), Journal of Finance 22(4)",
    undefined="NaN where the earlier ratio is 0",
)
def relative_to_benchmark(x: Inputs, p: Any) -> Node:
    """Change of ``close / benchmark`` over the window."""
    ratio = x.close / x.benchmark
    return ratio / g.lag(ratio, p.window) - 1.0
