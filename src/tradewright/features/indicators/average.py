"""Averages and other lines on the scale of the price.

Entry points: the definitions below, registered by name; `averaged` chooses one by word for other families.

Invariants: an average of one column takes any series. A recursive average names its seed: ``sma`` begins with the mean
of the first `window` values (TA-Lib), ``first`` with the first value (pandas ``ewm(adjust=False)``), ``adjusted`` is
the weighted mean of all values so far (pandas ``ewm(adjust=True)``).
"""

from __future__ import annotations

import math
from typing import Any, Final

from tradewright.features.indicators import graph as g
from tradewright.features.indicators.graph import Inputs, Node
from tradewright.features.indicators.spec import Param, Talib, choice, define, real, whole

__all__ = ["AVERAGES", "averaged", "exponential", "wilder"]

_F: Final = "average"
_PRICE: Final = "as the input"
_SEED: Final = choice("seed", "sma", "first")
AVERAGES: Final = ("sma", "ema", "wma", "rma")


def exponential(x: Node, window: int, seed: str = "sma") -> Node:
    """Exponential average, ``alpha = 2 / (window + 1)``."""
    return g.ewm(x, 2.0 / (window + 1.0), window if seed == "sma" else 1)


def wilder(x: Node, window: int, seed: str = "sma") -> Node:
    """Average of Wilder, ``alpha = 1 / window``."""
    return g.ewm(x, 1.0 / window, window if seed == "sma" else 1)


def averaged(x: Node, kind: str, window: int) -> Node:
    """Average named by a word: sma, ema, wma, rma."""
    if kind == "sma":
        return g.mean(x, window)
    if kind == "wma":
        return g.wma(x, window)
    return exponential(x, window) if kind == "ema" else wilder(x, window)


@define(
    "Simple moving average",
    family=_F,
    params=[whole("window", 20)],
    unit=_PRICE,
    source="Classical",
    talib=Talib("SMA", {"timeperiod": "window"}),
)
def sma(x: Inputs, p: Any) -> Node:
    """Mean of the last `window` values.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.sma([1.0, 2.0, 4.0], window=2).tolist()
    [nan, 1.5, 3.0]
    """
    return g.mean(x.close, p.window)


@define(
    "Exponential moving average",
    family=_F,
    params=[whole("window", 20), choice("seed", "sma", "first", "adjusted")],
    unit=_PRICE,
    source="Hunter (1986), Journal of Quality Technology 18(4)",
    notes="alpha = 2 / (window + 1). seed=sma is TA-Lib; first is pandas ewm(adjust=False) and most chart programs; "
    "adjusted is pandas ewm(adjust=True). Seeds differ visibly for about 3 windows.",
    talib=Talib("EMA", {"timeperiod": "window"}, {"seed": "sma"}),
)
def ema(x: Inputs, p: Any) -> Node:
    """``value += 2 / (window + 1) * (x - value)``.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.ema([1.0, 3.0, 5.0], window=3).tolist()
    [nan, nan, 3.0]
    >>> indicators.ema([1.0, 3.0, 5.0], window=3, seed="first").tolist()
    [1.0, 2.0, 3.5]
    """
    if p.seed == "adjusted":
        return g.ewm_adjusted(x.close, 2.0 / (p.window + 1.0))
    return exponential(x.close, p.window, p.seed)


@define(
    "Wilder's moving average (RMA, SMMA)",
    family=_F,
    params=[whole("window", 14), _SEED],
    unit=_PRICE,
    source="Wilder (1978), New Concepts in Technical Trading Systems",
    notes="alpha = 1 / window: an EMA of 2 * window - 1 rows.",
    talib=Talib("RMA", {"timeperiod": "window"}, {"seed": "sma"}),
)
def rma(x: Inputs, p: Any) -> Node:
    """``value += (x - value) / window``.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.rma([1.0, 3.0, 6.0], window=2).tolist()
    [nan, 2.0, 4.0]
    """
    return wilder(x.close, p.window, p.seed)


@define(
    "Weighted moving average",
    family=_F,
    params=[whole("window", 20)],
    unit=_PRICE,
    source="Classical",
    talib=Talib("WMA", {"timeperiod": "window"}),
)
def wma(x: Inputs, p: Any) -> Node:
    """Mean with weights 1 (oldest) to `window` (newest).

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.wma([1.0, 4.0, 7.0], window=2).tolist()
    [nan, 3.0, 6.0]
    """
    return g.wma(x.close, p.window)


@define(
    "Double exponential moving average",
    family=_F,
    params=[whole("window", 20), _SEED],
    unit=_PRICE,
    source="Mulloy (1994), Stocks & Commodities 12(1)",
    talib=Talib("DEMA", {"timeperiod": "window"}, {"seed": "sma"}),
)
def dema(x: Inputs, p: Any) -> Node:
    """``2 * ema - ema(ema)``."""
    one = exponential(x.close, p.window, p.seed)
    return one * 2.0 - exponential(one, p.window, p.seed)


@define(
    "Triple exponential moving average",
    family=_F,
    params=[whole("window", 20), _SEED],
    unit=_PRICE,
    source="Mulloy (1994), Stocks & Commodities 12(2)",
    talib=Talib("TEMA", {"timeperiod": "window"}, {"seed": "sma"}),
)
def tema(x: Inputs, p: Any) -> Node:
    """``3 * ema - 3 * ema(ema) + ema(ema(ema))``."""
    one = exponential(x.close, p.window, p.seed)
    two = exponential(one, p.window, p.seed)
    return one * 3.0 - two * 3.0 + exponential(two, p.window, p.seed)


@define(
    "T3",
    family=_F,
    params=[
        whole("window", 5),
        real("volume_factor", 0.7, 0.0, 1.0, "0: plain, 1: fully sharpened", open_low=False),
        _SEED,
    ],
    unit=_PRICE,
    source="Tillson (1998), Stocks & Commodities 16(1)",
    talib=Talib("T3", {"timeperiod": "window", "vfactor": "volume_factor"}, {"seed": "sma"}),
)
def t3(x: Inputs, p: Any) -> Node:
    """Six exponential averages, weighted by powers of the volume factor."""
    e = [x.close]
    for _ in range(6):
        e.append(exponential(e[-1], p.window, p.seed))
    v = float(p.volume_factor)
    return (
        e[6] * -(v**3)
        + e[5] * (3 * v * v + 3 * v**3)
        + e[4] * (-6 * v * v - 3 * v - 3 * v**3)
        + e[3] * (1 + 3 * v + v**3 + 3 * v * v)
    )


@define(
    "Triangular moving average",
    family=_F,
    params=[whole("window", 20)],
    unit=_PRICE,
    source="Classical",
    notes="An even window uses window / 2 and window / 2 + 1, as TA-Lib.",
    talib=Talib("TRIMA", {"timeperiod": "window"}),
)
def trima(x: Inputs, p: Any) -> Node:
    """Mean of means, which weighs the middle of the window most."""
    first = (p.window + 1) // 2
    return g.mean(g.mean(x.close, first), p.window + 1 - first)


@define(
    "Hull moving average",
    family=_F,
    params=[whole("window", 20, 2)],
    unit=_PRICE,
    source="Hull (2005)",
    notes="window / 2 and sqrt(window) are cut to whole numbers, as in TA-Lib.",
    talib=Talib("HMA", {"timeperiod": "window"}),
)
def hma(x: Inputs, p: Any) -> Node:
    """``wma(2 * wma(window / 2) - wma(window), sqrt(window))``."""
    raw = g.wma(x.close, p.window // 2) * 2.0 - g.wma(x.close, p.window)
    return g.wma(raw, math.isqrt(p.window))


@define(
    "Zero-lag exponential moving average",
    family=_F,
    params=[whole("window", 20), _SEED],
    unit=_PRICE,
    source="Ehlers and Way (2010), Stocks & Commodities 28(12)",
    talib=Talib("ZLEMA", {"timeperiod": "window"}, {"seed": "sma"}),
)
def zlema(x: Inputs, p: Any) -> Node:
    """Exponential average of ``2 * x - x[(window - 1) / 2 rows ago]``."""
    return exponential(x.close * 2.0 - g.lag(x.close, (p.window - 1) // 2), p.window, p.seed)


def _efficiency(x: Node, window: int) -> Node:
    """Net change over path, 0 to 1; 1 where nothing moved."""
    path = g.total(g.absolute(g.change(x)), window)
    return g.clip(g.quotient(g.absolute(g.change(x, window)), path, zero=1.0), 0.0, 1.0)


@define(
    "Kaufman's adaptive moving average",
    family=_F,
    params=[whole("window", 10), whole("fast", 2), whole("slow", 30)],
    unit=_PRICE,
    source="Kaufman (1995), Smarter Trading",
    notes="Begins from the value before the first efficiency ratio, as TA-Lib.",
    needs=("fast < slow", lambda p: p["fast"] < p["slow"]),
    talib=Talib("KAMA", {"timeperiod": "window"}, {"fast": 2, "slow": 30}),
)
def kama(x: Inputs, p: Any) -> Node:
    """Exponential average whose alpha is the square of a mix of fast and slow, by the efficiency ratio."""
    fast, slow = 2.0 / (p.fast + 1.0), 2.0 / (p.slow + 1.0)
    alpha = _efficiency(x.close, p.window) * (fast - slow) + slow
    return g.adaptive(x.close, alpha * alpha)


@define(
    "Variable index dynamic average",
    family=_F,
    params=[whole("window", 14)],
    unit=_PRICE,
    source="Chande (1992), Stocks & Commodities 10(3)",
    undefined="alpha 0 where nothing moved",
    notes="alpha = 2 / (window + 1) times the absolute Chande momentum of sums (0 to 1).",
)
def vidya(x: Inputs, p: Any) -> Node:
    """Exponential average whose alpha follows the absolute momentum."""
    step = g.change(x.close)
    up = g.total(g.larger(step, g.fill(step, 0.0)), p.window)
    down = g.total(g.larger(-step, g.fill(step, 0.0)), p.window)
    strength = g.absolute(g.quotient(up - down, up + down, zero=0.0))
    return g.adaptive(x.close, strength * (2.0 / (p.window + 1.0)))


@define(
    "Fractal adaptive moving average",
    family=_F,
    inputs="high low close",
    params=[whole("window", 16, 4)],
    unit=_PRICE,
    source="Ehlers (2005), Stocks & Commodities 23(11)",
    needs=("an even window", lambda p: p["window"] % 2 == 0),
    undefined="dimension 1 where a half has no range",
    notes="Close is smoothed; Ehlers takes the mean of high and low. alpha = exp(-4.6 * (dimension - 1)), 0.01 to 1.",
)
def frama(x: Inputs, p: Any) -> Node:
    """Exponential average whose alpha follows the fractal dimension of two halves of the window."""
    return g.adaptive(x.close, g.clip(g.exp((_ehlers_dimension(x, p.window) - 1.0) * -4.6), 0.01, 1.0))


def _ehlers_dimension(x: Inputs, window: int) -> Node:
    half = window // 2
    now = (g.high_of(x.high, half) - g.low_of(x.low, half)) / half
    before = g.lag(now, half)
    whole_range = (g.high_of(x.high, window) - g.low_of(x.low, window)) / window
    ratio = g.quotient(now + before, whole_range, zero=2.0)
    one = g.fill(ratio, 1.0)
    there = g.greater(g.smaller(now, before), 0.0)
    return g.where(there, g.log(g.where(there, ratio, one)) * (1.0 / math.log(2.0)), one)


@define(
    "McGinley dynamic",
    family=_F,
    params=[whole("window", 10), real("k", 0.6, 0.0, 10.0, "share of the window")],
    unit=_PRICE,
    source="McGinley (1997), Market Technicians Association Journal 48",
    notes="Begins with the first value. The divisor is at least 1, so that a step never goes past the price, which the "
    "bare formula does after a fall to less than about half the average.",
)
def mcginley(x: Inputs, p: Any) -> Node:
    """``value += (x - value) / (k * window * (x / value) ** 4)``.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.mcginley([1.0, 2.0], window=1, k=1.0).tolist()
    [1.0, 1.0625]
    """
    return g.mcginley(x.close, p.window, p.k)


@define(
    "Arnaud Legoux moving average",
    family=_F,
    params=[
        whole("window", 10),
        real("offset", 0.85, 0.0, 1.0, "place of the peak, 0 oldest to 1 newest", open_low=False),
        real("sigma", 6.0, 0.0, 1e3, "the larger, the narrower the bell"),
    ],
    unit=_PRICE,
    source="Legoux and Kouzis-Loukas (2009)",
    notes="Weights run from the oldest row to the newest, as their authors and TradingView have them; "
    "pandas-ta-classic "
    "runs them the other way, which is offset = 1 - offset here for odd and even windows alike.",
)
def alma(x: Inputs, p: Any) -> Node:
    """Mean with the weights of a bell whose peak lies at `offset`."""
    peak, spread = p.offset * (p.window - 1), p.window / p.sigma
    bell = [math.exp(-((i - peak) ** 2) / (2.0 * spread * spread)) for i in range(p.window)]
    return _normalised(x.close, bell)


def _normalised(x: Node, weights: list[float]) -> Node:
    whole_weight = math.fsum(weights)
    return g.weighted(x, [w / whole_weight for w in weights])


@define(
    "Fibonacci weighted moving average",
    family=_F,
    params=[whole("window", 10, 1, 1000)],
    unit=_PRICE,
    source="Classical",
)
def fwma(x: Inputs, p: Any) -> Node:
    """Mean with Fibonacci numbers as weights, the largest for the newest."""
    weights = [1.0, 1.0]
    while len(weights) < p.window:
        weights.append(weights[-1] + weights[-2])
    return _normalised(x.close, weights[: p.window])


@define(
    "Pascal weighted moving average", family=_F, params=[whole("window", 10, 1, 1000)], unit=_PRICE, source="Classical"
)
def pwma(x: Inputs, p: Any) -> Node:
    """Mean with binomial coefficients as weights."""
    return _normalised(x.close, [math.comb(p.window - 1, k) / 2.0 ** (p.window - 1) for k in range(p.window)])


@define("Symmetric weighted moving average", family=_F, params=[whole("window", 10)], unit=_PRICE, source="Classical")
def swma(x: Inputs, p: Any) -> Node:
    """Mean with weights that rise to the middle and fall again.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.swma([1.0, 2.0, 3.0, 10.0], window=4).tolist()  # weights 1 2 2 1
    [nan, nan, nan, 3.5]
    """
    return _normalised(x.close, [float(min(k + 1, p.window - k)) for k in range(p.window)])


@define("Sine weighted moving average", family=_F, params=[whole("window", 14)], unit=_PRICE, source="Classical")
def sinwma(x: Inputs, p: Any) -> Node:
    """Mean with half a sine wave as weights."""
    return _normalised(x.close, [math.sin((k + 1) * math.pi / (p.window + 1)) for k in range(p.window)])


@define(
    "Super smoother, two poles",
    family=_F,
    params=[whole("window", 10, 2)],
    unit=_PRICE,
    source="Ehlers (2013), Cycle Analytics for Traders, eq. 3-3",
    notes="Begins as if the first value had always been there. The input is the mean of this row and the one "
    "before, as "
    "in the book; pandas-ta-classic takes this row only.",
)
def super_smoother(x: Inputs, p: Any) -> Node:
    """Butterworth filter that passes waves longer than `window`."""
    a = math.exp(-math.sqrt(2.0) * math.pi / p.window)
    b = 2.0 * a * math.cos(math.sqrt(2.0) * math.pi / p.window)
    gain = (1.0 - b + a * a) / 2.0
    return g.linear(x.close, gain, gain, b, -a * a)


@define(
    "Volume weighted moving average",
    family=_F,
    inputs="close volume",
    params=[whole("window", 20)],
    unit="price",
    source="Classical",
    undefined="NaN where no volume was traded in the window",
    talib=Talib("VWMA", {"timeperiod": "window"}),
)
def vwma(x: Inputs, p: Any) -> Node:
    """Mean of the close weighted by volume.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.vwma([1.0, 3.0], [1.0, 3.0], window=2).tolist()
    [nan, 2.5]
    """
    return g.total(x.close * x.volume, p.window) / g.total(x.volume, p.window)


@define(
    "Midpoint of a window",
    family=_F,
    params=[whole("window", 14)],
    unit=_PRICE,
    source="Classical",
    talib=Talib("MIDPOINT", {"timeperiod": "window"}),
)
def midpoint(x: Inputs, p: Any) -> Node:
    """Mean of the largest and the smallest of the last `window` values."""
    return (g.high_of(x.close, p.window) + g.low_of(x.close, p.window)) / 2.0


@define(
    "Midprice of a window",
    family=_F,
    inputs="high low",
    params=[whole("window", 14)],
    unit="price",
    source="Classical",
    talib=Talib("MIDPRICE", {"timeperiod": "window"}),
)
def midprice(x: Inputs, p: Any) -> Node:
    """Mean of the highest high and the lowest low."""
    return (g.high_of(x.high, p.window) + g.low_of(x.low, p.window)) / 2.0


@define(
    "Rolling volume weighted average price",
    family=_F,
    inputs="high low close volume",
    params=[whole("window", 20)],
    unit="price",
    source="Berkowitz, Logue and Noser (1988), Journal of Finance 43(1)",
    undefined="NaN where no volume was traded in the window",
)
def vwap_rolling(x: Inputs, p: Any) -> Node:
    """Mean of the typical price weighted by volume, over the last `window` rows.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> price = [2.0, 4.0, 8.0]
    >>> indicators.vwap_rolling(price, price, price, [1.0, 1.0, 3.0], window=2).tolist()
    [nan, 3.0, 7.0]
    """
    return g.total(x.typical * x.volume, p.window) / g.total(x.volume, p.window)


@define(
    "Volume weighted average price since the first row",
    family=_F,
    inputs="high low close volume",
    unit="price",
    source="Berkowitz, Logue and Noser (1988), Journal of Finance 43(1)",
    undefined="NaN until volume is traded",
    notes="TA-Lib's VWAP. For one that begins with each session: vwap_session.",
    talib=Talib("VWAP"),
)
def vwap(x: Inputs, p: Any) -> Node:
    """Mean of the typical price weighted by volume, over all rows so far."""
    return g.cumulate(x.typical * x.volume) / g.cumulate(x.volume)


@define(
    "Volume weighted average price of the session",
    family=_F,
    inputs="high low close volume session",
    unit="price",
    params=[real("multiplier", 1.0, 0.0, 100.0, "width of the bands in standard deviations", open_low=False)],
    outputs="vwap upper lower",
    source="Berkowitz, Logue and Noser (1988), Journal of Finance 43(1)",
    undefined="NaN until volume is traded in the session",
    notes="Begins anew where `session` changes. The command gives the exchange's sessions; in Python bars alone give "
    "days in UTC, and session=tradewright.data.calendars.session_ordinals(bars) the exchange's. Bands: volume "
    "weighted standard deviation of the typical price within the session.",
)
def vwap_session(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Mean of the typical price weighted by volume since the session began, and bands around it.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> price, volume = [2.0, 4.0, 8.0], [1.0, 1.0, 3.0]
    >>> indicators.vwap_session(price, price, price, volume, session=[1, 1, 2]).vwap.tolist()
    [2.0, 3.0, 8.0]
    """
    weight = g.cumulate_since(x.volume, x.session)
    line = g.cumulate_since(x.typical * x.volume, x.session) / weight
    square = g.cumulate_since(x.typical * x.typical * x.volume, x.session) / weight
    spread = g.sqrt(g.larger(square - line * line, g.fill(line, 0.0))) * p.multiplier
    return line, line + spread, line - spread


@define(
    "Volume weighted average price since an anchor",
    family=_F,
    inputs="high low close volume ts",
    unit="price",
    params=[Param("anchor", "instant", None, about="first instant that counts, such as a date of earnings")],
    source="Shannon (2008), Technical Analysis Using Multiple Timeframes",
    event=True,
    notes="The first row counted is the first that closes at or after the anchor; NaN before.",
    undefined="NaN until volume is traded",
)
def vwap_anchored(x: Inputs, p: Any) -> Node:
    """Mean of the typical price weighted by volume since `anchor`.

    Examples
    --------
    >>> import numpy as np
    >>> from tradewright.features import indicators
    >>> days = np.array(["2024-01-02", "2024-01-03", "2024-01-04"], dtype="datetime64[D]")
    >>> price, volume = [2.0, 4.0, 8.0], [1.0, 1.0, 3.0]
    >>> indicators.vwap_anchored(price, price, price, volume, ts=days, anchor="2024-01-03").tolist()
    [nan, 4.0, 7.0]
    """
    began = g.greater_equal(x.ts, p.anchor / 1e9)
    missing = g.log(began)  # 0 from the anchor on, NaN before: sums skip it
    volume = x.volume + missing
    return g.cumulate(x.typical * volume) / g.cumulate(volume)


@define(
    "Ichimoku",
    family=_F,
    inputs="high low close",
    params=[
        whole("conversion", 9, about="rows of the conversion line"),
        whole("base", 26, about="rows of the base line"),
        whole("span", 52, about="rows of the second leading span"),
        whole("displacement", 26, about="rows the cloud is drawn ahead, this one counted"),
    ],
    outputs="conversion base cloud_a cloud_b lead_a lead_b lagging",
    unit="price; lagging: difference of prices",
    source="Hosoda (1969), Ichimoku Kinko Hyo",
    notes="cloud_a and cloud_b stand under (were drawn for) this row and were known displacement - 1 rows ago; "
    "lead_a and "
    "lead_b are drawn ahead of this row and known at it: nothing of the future is in any of them. The lagging span of "
    "charts is this close drawn displacement - 1 rows back, where it would be a look ahead; here it is this "
    "close minus the "
    "close of that row. Each output begins when it can.",
)
def ichimoku(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Midpoints of three windows, two of them as a cloud that was drawn ahead.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> rows = [2.0, 4.0, 6.0, 8.0]
    >>> lines = indicators.ichimoku(rows, rows, rows, conversion=1, base=2, span=2, displacement=2)
    >>> lines.base.tolist(), lines.lead_a.tolist(), lines.cloud_a.tolist()
    ([nan, 3.0, 5.0, 7.0], [nan, 3.5, 5.5, 7.5], [nan, nan, 3.5, 5.5])
    """

    def middle(window: int) -> Node:
        return (g.high_of(x.high, window) + g.low_of(x.low, window)) / 2.0

    conversion, base = middle(p.conversion), middle(p.base)
    lead_a, lead_b = (conversion + base) / 2.0, middle(p.span)
    back = p.displacement - 1
    lagging = g.change(x.close, back) if back else x.close - x.close
    cloud_a, cloud_b = (g.known(g.lag(lead, back), x.high) for lead in (lead_a, lead_b))
    return conversion, base, cloud_a, cloud_b, lead_a, lead_b, lagging


@define(
    "Alligator",
    family=_F,
    inputs="high low",
    params=[whole("jaw", 13), whole("teeth", 8), whole("lips", 5)],
    outputs="jaw teeth lips",
    unit="price",
    source="Williams (1998), New Trading Dimensions",
    notes="Wilder averages of the middle of the bar. Charts draw them 8, 5 and 3 rows ahead; here each line is the one "
    "drawn for this row, that is known 8, 5 and 3 rows earlier.",
)
def alligator(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Three smoothed averages, each drawn ahead."""
    return tuple(g.known(g.lag(wilder(x.middle, n), k), x.high) for n, k in ((p.jaw, 8), (p.teeth, 5), (p.lips, 3)))


@define(
    "Heikin-Ashi candles",
    family=_F,
    inputs="open high low close",
    outputs="open high low close",
    unit="price",
    source="Valcu (2004), Stocks & Commodities 22(2)",
    notes="The first open is the middle of the first body.",
    talib=Talib("HA"),
)
def heikin_ashi(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Candles of averaged prices.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> candles = indicators.heikin_ashi([2.0, 4.0], [4.0, 6.0], [2.0, 4.0], [4.0, 6.0])
    >>> candles.open.tolist(), candles.close.tolist()
    ([3.0, 3.0], [3.0, 5.0])
    """
    close = (x.open + x.high + x.low + x.close) / 4.0
    opening = g.heikin_ashi(x.open, x.close, close)
    return opening, g.larger(x.high, g.larger(opening, close)), g.smaller(x.low, g.smaller(opening, close)), close
