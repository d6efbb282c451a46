"""Bands, channels and trailing stops.

Entry points: the definitions below, registered by name.

Invariants: a channel of previous rows (`turtle`) can be broken by the row itself, one that includes the row
(`donchian`) cannot; each says which it is. Directions are 1 (up) and -1 (down).
"""

from __future__ import annotations

from typing import Any, Final

from tradewright.features.indicators import graph as g
from tradewright.features.indicators.average import AVERAGES, averaged, exponential, wilder
from tradewright.features.indicators.graph import Inputs, Node
from tradewright.features.indicators.spec import Talib, choice, define, real, whole

_F: Final = "band"


def average_true_range(x: Inputs, window: int, kind: str = "rma") -> Node:
    """Average of the true range; rma begins with the mean of the first `window` true ranges, the first row has none."""
    return averaged(x.true_range, kind, window)


@define(
    "Bollinger bands",
    family=_F,
    params=[whole("window", 20), real("multiplier", 2.0), choice("average", *AVERAGES), whole("ddof", 0, 0, 1)],
    outputs="upper middle lower",
    unit="as the input",
    source="Bollinger (2001), Bollinger on Bollinger Bands",
    notes="Population standard deviation (ddof=0) as Bollinger and TA-Lib; pandas' default is ddof=1.",
    needs=("window > ddof", lambda p: p["window"] > p["ddof"]),
    talib=Talib(
        "BBANDS",
        {"timeperiod": "window", "nbdevup": "multiplier", "nbdevdn": "multiplier"},
        {"average": "sma", "ddof": 0},
    ),
)
def bbands(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Average, and `multiplier` standard deviations of the window above and below it.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> bands = indicators.bbands([1.0, 3.0], window=2)
    >>> bands.upper.tolist(), bands.middle.tolist(), bands.lower.tolist()
    ([nan, 4.0], [nan, 2.0], [nan, 0.0])
    """
    middle, spread = averaged(x.close, p.average, p.window), g.std(x.close, p.window, p.ddof) * p.multiplier
    return middle + spread, middle, middle - spread


@define(
    "Place within Bollinger bands (%b)",
    family=_F,
    params=[whole("window", 20), real("multiplier", 2.0)],
    unit="0 at the lower band, 1 at the upper",
    source="Bollinger (2001), Bollinger on Bollinger Bands",
    undefined="NaN where the bands have no width",
)
def bbands_percent(x: Inputs, p: Any) -> Node:
    """``(x - lower) / (upper - lower)``."""
    spread = g.std(x.close, p.window) * float(p.multiplier)
    return (x.close - g.mean(x.close, p.window) + spread) / (spread * 2.0)


@define(
    "Width of Bollinger bands",
    family=_F,
    params=[whole("window", 20), real("multiplier", 2.0)],
    unit="fraction of the middle",
    source="Bollinger (2001), Bollinger on Bollinger Bands",
)
def bbands_width(x: Inputs, p: Any) -> Node:
    """``(upper - lower) / middle``."""
    return g.std(x.close, p.window) * float(2.0 * p.multiplier) / g.mean(x.close, p.window)


@define(
    "Keltner channel",
    family=_F,
    inputs="high low close",
    params=[
        whole("window", 20),
        whole("atr_window", 10),
        real("multiplier", 2.0),
        choice("of", "typical", "close", about="what is averaged"),
        choice("start", "together", "own", about="average true range begins with the middle line, or when it can"),
    ],
    outputs="upper middle lower",
    unit="price",
    source="Raschke's version of Keltner (1960), How to Make Money in Commodities",
    notes="Exponential average of the typical price (TA-Lib; of=close: TradingView), plus and minus Wilder's "
    "average true range. "
    "start=together seeds both with the rows just before the first row that both can have, as TA-Lib.",
    talib=Talib(
        "KC",
        {"timeperiod": "window", "atrperiod": "atr_window", "nbdev": "multiplier"},
        {"of": "typical", "start": "together"},
    ),
)
def keltner(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Exponential average, and average true ranges above and below it.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> found = indicators.keltner([3.0, 4.0], [1.0, 2.0], [2.0, 3.0], window=1, atr_window=1)
    >>> found.upper.tolist(), found.lower.tolist()
    ([nan, 7.0], [nan, -1.0])
    """
    head = p.window - 1 - p.atr_window if p.start == "together" else 0
    middle = exponential(g.skip(x.typical if p.of == "typical" else x.close, -head), p.window)
    spread = wilder(g.skip(x.true_range, head), p.atr_window) * p.multiplier
    return middle + spread, g.known(middle, spread), middle - spread


@define(
    "Donchian channel",
    family=_F,
    inputs="high low",
    params=[whole("window", 20)],
    outputs="upper middle lower",
    unit="price",
    source="Donchian (1960)",
    notes="The row itself is included, as in TA-Lib: the close cannot be outside. For breakouts use turtle.",
    talib=Talib("DONCHIAN", {"timeperiod": "window"}),
)
def donchian(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Highest high and lowest low of the last `window` rows, and their middle."""
    upper, lower = g.high_of(x.high, p.window), g.low_of(x.low, p.window)
    return upper, (upper + lower) / 2.0, lower


@define(
    "Turtle channel: Donchian of the rows before",
    family=_F,
    inputs="high low",
    params=[whole("entry", 20, about="rows of the entry channel"), whole("exit", 10, about="rows of the exit channel")],
    outputs="entry_high entry_low exit_high exit_low",
    unit="price",
    source="Dennis and Eckhardt (1983); Faith (2007), Way of the Turtle",
    notes="The row itself is left out, so that its close can break the channel. Entry and exit each begin when "
    "they can.",
)
def turtle(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Highest high and lowest low of the rows before this one, for entries and for exits.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> channel = indicators.turtle([3.0, 5.0, 4.0, 9.0], [1.0, 2.0, 3.0, 4.0], entry=2, exit=1)
    >>> channel.entry_high.tolist(), channel.exit_low.tolist()
    ([nan, nan, 5.0, 5.0], [nan, 1.0, 2.0, 3.0])
    """
    high, low = g.lag(x.high, 1), g.lag(x.low, 1)
    levels = g.high_of(high, p.entry), g.low_of(low, p.entry), g.high_of(high, p.exit), g.low_of(low, p.exit)
    return tuple(g.known(level, x.high) for level in levels)


@define(
    "Acceleration bands",
    family=_F,
    inputs="high low close",
    params=[whole("window", 20)],
    outputs="upper middle lower",
    unit="price",
    source="Headley (2002), Big Trends in Trading",
    undefined="width 0 where high + low is 0",
    talib=Talib("ACCBANDS", {"timeperiod": "window"}),
)
def accbands(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Averages of the extremes widened by four times their relative distance."""
    ratio = g.quotient(x.high - x.low, x.high + x.low, zero=0.0) * 4.0
    upper, lower = g.mean(x.high * (ratio + 1.0), p.window), g.mean(x.low * (1.0 - ratio), p.window)
    return upper, g.mean(x.close, p.window), lower


@define(
    "Envelope",
    family=_F,
    params=[
        whole("window", 20),
        real("fraction", 0.025, 0.0, 10.0, "width as a fraction"),
        choice("average", *AVERAGES),
    ],
    outputs="upper middle lower",
    unit="as the input",
    source="Classical",
)
def envelope(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Average, and a fraction above and below it."""
    middle = averaged(x.close, p.average, p.window)
    return middle * (1.0 + p.fraction), middle, middle * (1.0 - p.fraction)


@define(
    "Supertrend",
    family=_F,
    inputs="high low close",
    params=[
        whole("window", 10),
        real("multiplier", 3.0),
        choice("first", "up", "down", about="direction of the first row"),
    ],
    outputs="line direction",
    unit="price; direction 1 or -1",
    source="Seban (2009)",
    notes="Bands around the middle of the bar at `multiplier` Wilder ATRs; a band only tightens until the close "
    "crosses it. "
    "The direction of the first row is not known: `up` is TA-Lib and pandas-ta-classic, `down` TradingView. They "
    "agree from the first crossing on.",
    talib=Talib("SUPERTREND", {"timeperiod": "window", "multiplier": "multiplier"}, {"first": "up"}),
)
def supertrend(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Trailing band on the side of the trend, and the side.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> high, low, close = [5.0, 5.0, 9.0, 9.0], [3.0, 3.0, 7.0, 7.0], [4.0, 4.0, 8.0, 8.0]
    >>> found = indicators.supertrend(high, low, close, window=1, multiplier=1.0)
    >>> found.line.tolist(), found.direction.tolist()  # true ranges 2, 5, 2: the floor rises
    ([nan, 2.0, 3.0, 6.0], [nan, 1.0, 1.0, 1.0])
    """
    width = average_true_range(x, p.window) * p.multiplier
    return g.bands(x.middle, width, x.close, 1 if p.first == "up" else -1)


@define(
    "PMax: supertrend of an average",
    family=_F,
    inputs="high low close",
    params=[whole("window", 10), real("multiplier", 3.0), choice("average", "ema", "sma", "wma", "rma")],
    outputs="line direction",
    unit="price; direction 1 or -1",
    source="Özbilgiç (2020)",
    notes="As supertrend, with an average of the middle of the bar in place of price and basis.",
)
def pmax(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Trailing band around an average, crossed by that average."""
    basis = averaged(x.middle, p.average, p.window)
    return g.bands(basis, average_true_range(x, p.window) * p.multiplier, basis, 1)


@define(
    "AlphaTrend",
    family=_F,
    inputs="high low close volume",
    params=[
        whole("window", 14),
        real("multiplier", 1.0),
        choice("momentum", "mfi", "rsi", about="what chooses floor or ceiling at 50"),
    ],
    outputs="line signal direction",
    unit="price; direction 1, 0 or -1",
    source="Özbilgiç (2021)",
    notes="ATR is the simple mean of true ranges. signal is the line two rows ago; direction is the sign of "
    "their distance. "
    "With momentum=rsi volume is not used.",
)
def alphatrend(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Floor ``low - k * ATR`` that only rises while momentum is 50 or more, else a ceiling that only falls.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> high, low = [3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0, 4.0]
    >>> close = [2.0, 3.0, 4.0, 5.0]  # rises: momentum 100, true ranges 2
    >>> indicators.alphatrend(high, low, close, [1.0] * 4, window=1).line.tolist()
    [nan, 0.0, 1.0, 2.0]
    """
    from tradewright.features.indicators.momentum import relative_strength

    spread = g.mean(x.true_range, p.window) * p.multiplier
    if p.momentum == "mfi":
        from tradewright.features.indicators.volume import money_flow

        strength = money_flow(x, p.window)
    else:
        strength = relative_strength(x.close, p.window)
    line = g.ratchet(x.low - spread, x.high + spread, g.greater_equal(strength, 50.0))
    signal = g.known(g.lag(line, 2), line)
    return line, signal, g.sign(line - signal)


@define(
    "SSL channel",
    family=_F,
    inputs="high low close",
    params=[whole("window", 10)],
    outputs="up down direction",
    unit="price; direction 1, 0 or -1",
    source="ErwinBeckers (2013)",
    notes="direction is 1 after a close above the average of highs, -1 after one below the average of lows, 0 "
    "before either. "
    "up and down swap with it, so that up > down in a rising market.",
)
def ssl(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Averages of highs and lows that swap places when the close leaves them.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> found = indicators.ssl([3.0, 3.0, 9.0], [1.0, 1.0, 7.0], [2.0, 2.0, 8.0], window=2)
    >>> found.direction.tolist(), found.up.tolist(), found.down.tolist()
    ([nan, 0.0, 1.0], [nan, 1.0, 6.0], [nan, 3.0, 4.0])
    """
    high, low = g.mean(x.high, p.window), g.mean(x.low, p.window)
    direction = g.side(x.close, high, low)
    rising = g.greater(direction, 0.0)
    return g.where(rising, high, low), g.where(rising, low, high), direction


@define(
    "Parabolic stop and reverse",
    family=_F,
    inputs="high low",
    params=[real("step", 0.02, 0.0, 10.0, "acceleration"), real("limit", 0.2, 0.0, 10.0, "largest acceleration")],
    outputs="line direction",
    unit="price; direction 1 or -1",
    source="Wilder (1978), New Concepts in Technical Trading Systems",
    notes="The first direction is that of the larger directional movement of the second row, as TA-Lib. "
    "direction is that "
    "for the row to come.",
    needs=("step <= limit", lambda p: p["step"] <= p["limit"]),
    talib=Talib("SAR", {"acceleration": "step", "maximum": "limit"}, order=(0,)),
)
def psar(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Stop that accelerates towards the price."""
    return g.parabolic(x.high, x.low, p.step, p.step, p.limit)


@define(
    "Chandelier exit",
    family=_F,
    inputs="high low close",
    params=[whole("window", 22), real("multiplier", 3.0)],
    outputs="long short",
    unit="price",
    source="Le Beau (1992), Computer Analysis of the Futures Market",
    notes="Highest high and lowest low include the row.",
)
def chandelier(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Stops that hang ATRs below the highest high and stand above the lowest low."""
    spread = average_true_range(x, p.window) * p.multiplier
    return g.high_of(x.high, p.window) - spread, g.low_of(x.low, p.window) + spread


@define(
    "Chande Kroll stop",
    family=_F,
    inputs="high low close",
    params=[whole("window", 10), real("multiplier", 1.0), whole("stop_window", 9)],
    outputs="long short",
    unit="price",
    source="Chande and Kroll (1994), The New Technical Trader",
    notes="Book values 10, 1, 9; TradingView 10, 3, 20. ATR of Wilder.",
)
def chande_kroll(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Extremes of stops: the highest of the long ones, the lowest of the short ones."""
    spread = average_true_range(x, p.window) * p.multiplier
    long = g.high_of(g.high_of(x.high, p.window) - spread, p.stop_window)
    return long, g.low_of(g.low_of(x.low, p.window) + spread, p.stop_window)


@define(
    "ATR bands",
    family=_F,
    inputs="high low close",
    params=[whole("window", 14), real("multiplier", 2.0)],
    outputs="upper lower",
    unit="price",
    source="Classical",
)
def atr_bands(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Close plus and minus average true ranges."""
    spread = average_true_range(x, p.window) * p.multiplier
    return x.close + spread, x.close - spread


@define(
    "Starc bands",
    family=_F,
    inputs="high low close",
    params=[whole("window", 6), whole("atr_window", 15), real("multiplier", 2.0)],
    outputs="upper middle lower",
    unit="price",
    source="Stoller (1980)",
)
def starc(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Short mean of the close, and average true ranges around it."""
    spread = wilder(x.true_range, p.atr_window) * p.multiplier
    middle = g.known(g.mean(x.close, p.window), spread)
    return middle + spread, middle, middle - spread


@define(
    "Quantile channel",
    family=_F,
    params=[whole("window", 100, 2), real("q", 0.05, 0.0, 0.5, "tail on each side")],
    outputs="upper median lower",
    unit="as the input",
    source="Hyndman and Fan (1996), definition 7",
)
def quantile_channel(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Quantiles of the window: `q` from above, the middle, `q` from below."""
    upper, middle, lower = (g.quantile(x.close, p.window, q) for q in (1.0 - p.q, 0.5, p.q))
    return upper, middle, lower


@define(
    "Regression channel",
    family=_F,
    params=[whole("window", 100, 3), real("multiplier", 2.0)],
    outputs="upper middle lower",
    unit="as the input",
    source="Raff (1996), Trading the Regression Channel",
    notes="Width in standard errors of the regression (divisor window - 2). Every row has its own line: nothing "
    "is redrawn.",
)
def regression_channel(x: Inputs, p: Any) -> tuple[Node, ...]:
    """End of the regression line of the window, and standard errors around it."""
    slope, intercept = g.linreg(x.close, p.window)
    error = g.linreg_fit(x.close, p.window)[1]
    middle = intercept + slope * (p.window - 1.0)
    return middle + error * p.multiplier, middle, middle - error * p.multiplier


@define(
    "Williams fractals, when they are known",
    family=_F,
    inputs="high low",
    params=[whole("left", 2, 1, 1000, "lower rows before"), whole("right", 2, 1, 1000, "lower rows after")],
    outputs="high low",
    unit="price",
    event=True,
    source="Williams (1995), Trading Chaos",
    notes="Last confirmed fractal. It is known `right` rows after its extreme, and given from then on; TA-Lib's "
    "FRACTAL is 100 at "
    "the row of confirmation. Charts mark the extreme's own row, which would be a look ahead.",
)
def fractals(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Last extreme that stands above `left` rows before it and `right` rows after it.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> high = [1.0, 3.0, 2.0, 1.0, 1.0]
    >>> indicators.fractals(high, high, left=1, right=1).high.tolist()
    [nan, nan, 3.0, 3.0, 3.0]
    """
    top, bottom = g.lag(x.high, p.right), g.lag(x.low, p.right)
    before_high, before_low = g.high_of(g.lag(x.high, p.right + 1), p.left), g.low_of(g.lag(x.low, p.right + 1), p.left)
    is_top = g.greater(g.smaller(top - before_high, top - g.high_of(x.high, p.right)), 0.0)
    is_bottom = g.greater(g.smaller(before_low - bottom, g.low_of(x.low, p.right) - bottom), 0.0)
    return (
        g.known(g.hold(top + g.log(is_top)), is_top),  # log: 0 at a fractal, NaN elsewhere
        g.known(g.hold(bottom + g.log(is_bottom)), is_bottom),
    )


@define(
    "Range of the last sessions' extremes (pivot points)",
    family=_F,
    inputs="high low close",
    params=[whole("window", 1)],
    outputs="pivot r1 s1 r2 s2 r3 s3",
    unit="price",
    source="Classical floor traders' pivots",
    notes="From the high, low and close of the `window` rows before this one, so that the levels are known "
    "before the row begins.",
)
def pivots(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Pivot of the rows before, and three levels of resistance and support.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> levels = indicators.pivots([4.0, 9.0], [1.0, 9.0], [4.0, 9.0])
    >>> [float(level[1]) for level in levels]
    [3.0, 5.0, 2.0, 6.0, 0.0, 8.0, -1.0]
    """
    high, low = g.high_of(g.lag(x.high, 1), p.window), g.low_of(g.lag(x.low, 1), p.window)
    pivot = (high + low + g.lag(x.close, 1)) / 3.0
    span = high - low
    first_up, first_down = pivot * 2.0 - low, pivot * 2.0 - high
    levels = (pivot, first_up, first_down, pivot + span, pivot - span, first_up + span, first_down - span)
    return tuple(g.known(level, x.high) for level in levels)
