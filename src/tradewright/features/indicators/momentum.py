"""Oscillators and rates of change.

Entry points: the definitions below, registered by name; `relative_strength` for other families.

Invariants: where nothing moved, an index of strength is in the middle of its range (50), which each entry says; outputs
of one oscillator begin together, at the row of its signal line.
"""

from __future__ import annotations

from typing import Any, Final

from tradewright.features.indicators import graph as g
from tradewright.features.indicators.average import exponential, wilder
from tradewright.features.indicators.graph import Inputs, Node
from tradewright.features.indicators.spec import Talib, choice, define, real, whole

_F: Final = "momentum"
_SEED: Final = choice("seed", "sma", "first")
_FAST_SLOW: Final = ("fast < slow", lambda p: p["fast"] < p["slow"])


def relative_strength(x: Node, window: int, seed: str = "sma") -> Node:
    """Index of Wilder, 0 to 100; 50 where nothing moved."""
    step = x - g.previous(x)
    zero = g.fill(step, 0.0)
    up, down = wilder(g.larger(step, zero), window, seed), wilder(g.larger(-step, zero), window, seed)
    return g.quotient(up * 100.0, up + down, zero=50.0)


def place_in_range(x: Inputs, window: int, zero: float = 50.0) -> Node:
    """Place of the close in the range of the window, 0 to 100."""
    low = g.low_of(x.low, window)
    return g.quotient((x.close - low) * 100.0, g.high_of(x.high, window) - low, zero=zero)


@define(
    "Relative strength index",
    family=_F,
    params=[whole("window", 14, 1), _SEED],
    unit="0 to 100",
    source="Wilder (1978), New Concepts in Technical Trading Systems",
    undefined="50 where nothing moved (TA-Lib: 0)",
    notes="seed=sma: Wilder's averages of gains and losses begin with the mean of the first `window` changes "
    "(Wilder, TA-Lib); "
    "first: with the first change (pandas ewm).",
    talib=Talib("RSI", {"timeperiod": "window"}, {"seed": "sma"}),
)
def rsi(x: Inputs, p: Any) -> Node:
    """``100 * gains / (gains + losses)``, both averaged.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.rsi([1.0, 2.0, 1.0, 2.0], window=2).tolist()  # gains 1/2, then 3/4; losses 1/2, then 1/4
    [nan, nan, 50.0, 75.0]
    """
    return relative_strength(x.close, p.window, p.seed)


@define(
    "Moving average convergence divergence",
    family=_F,
    params=[
        whole("fast", 12),
        whole("slow", 26),
        whole("signal", 9),
        _SEED,
        choice("start", "together", "own", about="fast average begins with the slow one, or when it can"),
    ],
    outputs="macd signal histogram",
    unit="as the input",
    source="Appel (1979), The Moving Average Convergence-Divergence Method",
    needs=_FAST_SLOW,
    notes="start=together: the fast average is seeded with the rows just before the slow one's first value "
    "(TA-Lib); own: with "
    "its own first rows (pandas-ta-classic, most charts). The two meet after about 3 slow windows.",
    talib=Talib(
        "MACD",
        {"fastperiod": "fast", "slowperiod": "slow", "signalperiod": "signal"},
        {"seed": "sma", "start": "together"},
    ),
)
def macd(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Fast minus slow exponential average, its own average, and their distance.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> found = indicators.macd([1.0, 2.0, 3.0, 5.0], fast=1, slow=2, signal=2)
    >>> [round(float(v), 4) for v in found.macd], [round(float(v), 4) for v in found.signal]
    ([nan, nan, 0.5, 0.8333], [nan, nan, 0.5, 0.7222])
    """
    head = p.slow - p.fast if p.start == "together" and p.seed == "sma" else 0
    line = exponential(g.skip(x.close, head), p.fast, p.seed) - exponential(x.close, p.slow, p.seed)
    signal = exponential(line, p.signal, p.seed)
    return g.known(line, signal), signal, line - signal


def _oscillator(x: Node, p: Any, *, percent: bool) -> Node:
    if p.average == "sma":
        fast, slow = g.mean(x, p.fast), g.mean(x, p.slow)
    else:
        fast, slow = exponential(x, p.fast), exponential(x, p.slow)
    return g.quotient((fast - slow) * 100.0, slow) if percent else fast - slow


_OSCILLATOR: Final = (whole("fast", 12), whole("slow", 26), choice("average", "ema", "sma"))
_OSCILLATOR_TALIB: Final[dict[str, str | float]] = {"fastperiod": "fast", "slowperiod": "slow", "matype": 1.0}


@define(
    "Absolute price oscillator",
    family=_F,
    params=_OSCILLATOR,
    unit="as the input",
    source="Classical",
    needs=_FAST_SLOW,
    notes="Each average is seeded with its own first rows. TA-Lib's default average is sma.",
    talib=Talib("APO", _OSCILLATOR_TALIB, {"average": "ema"}),
)
def apo(x: Inputs, p: Any) -> Node:
    """Fast minus slow average."""
    return _oscillator(x.close, p, percent=False)


@define(
    "Percentage price oscillator",
    family=_F,
    params=_OSCILLATOR,
    unit="percent",
    source="Classical",
    needs=_FAST_SLOW,
    undefined="NaN where the slow average is 0",
    notes="TA-Lib's default average is sma.",
    talib=Talib("PPO", _OSCILLATOR_TALIB, {"average": "ema"}),
)
def ppo(x: Inputs, p: Any) -> Node:
    """Fast minus slow average, in percent of the slow one."""
    return _oscillator(x.close, p, percent=True)


@define(
    "Momentum",
    family=_F,
    params=[whole("window", 10)],
    unit="as the input",
    source="Classical",
    talib=Talib("MOM", {"timeperiod": "window"}),
)
def mom(x: Inputs, p: Any) -> Node:
    """X minus x `window` rows ago."""
    return g.change(x.close, p.window)


_NO_BASE: Final = "NaN where the earlier value is 0"


@define(
    "Rate of change",
    family=_F,
    params=[whole("window", 10)],
    unit="percent",
    source="Classical",
    undefined=_NO_BASE,
    talib=Talib("ROC", {"timeperiod": "window"}),
)
def roc(x: Inputs, p: Any) -> Node:
    """``100 * (x / x[window rows ago] - 1)``."""
    return (x.close / g.lag(x.close, p.window) - 1.0) * 100.0


@define(
    "Simple return",
    family=_F,
    params=[whole("window", 1)],
    unit="fraction",
    source="Classical",
    undefined=_NO_BASE,
    talib=Talib("ROCP", {"timeperiod": "window"}),
)
def simple_return(x: Inputs, p: Any) -> Node:
    """``x / x[window rows ago] - 1``."""
    before = g.lag(x.close, p.window)
    return (x.close - before) / before


@define(
    "Log return", family=_F, params=[whole("window", 1)], unit="log", source="Classical", undefined="NaN at 0 and below"
)
def log_return(x: Inputs, p: Any) -> Node:
    """``log(x) - log(x[window rows ago])``."""
    return g.change(g.log(x.close), p.window)


def _sums(x: Node, window: int) -> tuple[Node, Node]:
    step = g.change(x)
    zero = g.fill(step, 0.0)
    return g.total(g.larger(step, zero), window), g.total(g.larger(-step, zero), window)


@define(
    "Chande momentum oscillator",
    family=_F,
    params=[whole("window", 14), choice("average", "rma", "sum")],
    unit="-100 to 100",
    source="Chande and Kroll (1994), The New Technical Trader",
    undefined="0 where nothing moved",
    notes="average=rma smooths gains and losses as Wilder does (TA-Lib CMO); sum adds them over the window (the "
    "book, TA-Lib CMOU).",
    talib=Talib("CMO", {"timeperiod": "window"}, {"average": "rma"}),
)
def cmo(x: Inputs, p: Any) -> Node:
    """``100 * (gains - losses) / (gains + losses)``."""
    if p.average == "rma":
        step = x.close - g.previous(x.close)
        zero = g.fill(step, 0.0)
        up, down = wilder(g.larger(step, zero), p.window), wilder(g.larger(-step, zero), p.window)
    else:
        up, down = _sums(x.close, p.window)
    return g.quotient((up - down) * 100.0, up + down, zero=0.0)


@define(
    "Relative momentum index",
    family=_F,
    params=[whole("window", 20), whole("lookback", 5)],
    unit="0 to 100",
    source="Altman (1993), Stocks & Commodities 11(2)",
    undefined="50 where nothing moved",
)
def rmi(x: Inputs, p: Any) -> Node:
    """RSI of changes over `lookback` rows."""
    step = g.change(x.close, p.lookback)
    zero = g.fill(step, 0.0)
    up, down = wilder(g.larger(step, zero), p.window), wilder(g.larger(-step, zero), p.window)
    return g.quotient(up * 100.0, up + down, zero=50.0)


@define(
    "Stochastic oscillator",
    family=_F,
    inputs="high low close",
    params=[
        whole("window", 14, about="rows of the range"),
        whole("smooth_k", 3, about="rows of the mean of %K"),
        whole("smooth_d", 3, about="rows of the mean of %D"),
    ],
    outputs="k d",
    unit="0 to 100",
    source="Lane (1984), Stocks & Commodities 2(3)",
    undefined="50 where the range is 0 (TA-Lib: 0)",
    notes="TA-Lib's default window is 5.",
    talib=Talib("STOCH", {"fastk_period": "window", "slowk_period": "smooth_k", "slowd_period": "smooth_d"}),
)
def stoch(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Place of the close in the range of the window, smoothed twice.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> found = indicators.stoch([4.0, 5.0], [1.0, 2.0], [2.0, 4.0], window=2, smooth_k=1, smooth_d=1)
    >>> found.k.tolist()
    [nan, 75.0]
    """
    k = g.mean(place_in_range(x, p.window), p.smooth_k)
    d = g.mean(k, p.smooth_d)
    return g.known(k, d), d


@define(
    "Fast stochastic oscillator",
    family=_F,
    inputs="high low close",
    params=[whole("window", 14), whole("smooth_d", 3)],
    outputs="k d",
    unit="0 to 100",
    source="Lane (1984), Stocks & Commodities 2(3)",
    undefined="50 where the range is 0 (TA-Lib: 0)",
    talib=Talib("STOCHF", {"fastk_period": "window", "fastd_period": "smooth_d"}),
)
def stochf(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Place of the close in the range of the window, and its mean."""
    k = place_in_range(x, p.window)
    d = g.mean(k, p.smooth_d)
    return g.known(k, d), d


@define(
    "Stochastic RSI",
    family=_F,
    params=[
        whole("window", 14),
        whole("range", 14, about="rows of the range"),
        whole("smooth_k", 1),
        whole("smooth_d", 3),
    ],
    outputs="k d",
    unit="0 to 100",
    source="Chande and Kroll (1994), The New Technical Trader",
    undefined="50 where the range is 0 (TA-Lib: 0)",
    notes="TA-Lib does not smooth k and its default range is 5; TradingView smooths k with 3.",
    talib=Talib(
        "STOCHRSI", {"timeperiod": "window", "fastk_period": "range", "fastd_period": "smooth_d"}, {"smooth_k": 1}
    ),
)
def stochrsi(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Place of the RSI in its own range."""
    strength = relative_strength(x.close, p.window)
    low = g.low_of(strength, p.range)
    raw = g.quotient((strength - low) * 100.0, g.high_of(strength, p.range) - low, zero=50.0)
    k = g.mean(raw, p.smooth_k)
    d = g.mean(k, p.smooth_d)
    return g.known(k, d), d


@define(
    "KDJ",
    family=_F,
    inputs="high low close",
    params=[whole("window", 9), whole("smooth_k", 3), whole("smooth_d", 3), _SEED],
    outputs="k d j",
    unit="k, d: 0 to 100",
    source="Classical (China)",
    undefined="50 where the range is 0",
    notes="Smoothed as Wilder does.",
    talib=Talib(
        "KDJ", {"fastk_period": "window", "slowk_period": "smooth_k", "slowd_period": "smooth_d"}, {"seed": "sma"}
    ),
)
def kdj(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Stochastic smoothed recursively, and ``j = 3 k - 2 d``."""
    k = wilder(place_in_range(x, p.window), p.smooth_k, p.seed)
    d = wilder(k, p.smooth_d, p.seed)
    return g.known(k, d), d, k * 3.0 - d * 2.0


@define(
    "Williams %R",
    family=_F,
    inputs="high low close",
    params=[whole("window", 14)],
    unit="-100 to 0",
    source="Williams (1973)",
    undefined="-50 where the range is 0 (TA-Lib: 0)",
    talib=Talib("WILLR", {"timeperiod": "window"}),
)
def willr(x: Inputs, p: Any) -> Node:
    """Distance of the close from the highest high, in percent of the range."""
    high = g.high_of(x.high, p.window)
    return g.quotient((high - x.close) * -100.0, high - g.low_of(x.low, p.window), zero=-50.0)


@define(
    "Commodity channel index",
    family=_F,
    inputs="high low close",
    params=[whole("window", 20, 2), real("constant", 0.015)],
    unit="mean deviations",
    source="Lambert (1980), Commodities 9",
    undefined="0 where the typical price stood still",
    notes="TA-Lib's default window is 14.",
    talib=Talib("CCI", {"timeperiod": "window"}, {"constant": 0.015}),
)
def cci(x: Inputs, p: Any) -> Node:
    """Distance of the typical price from its mean, in mean deviations times 0.015."""
    price = x.typical
    return g.quotient(price - g.mean(price, p.window), g.mean_deviation(price, p.window) * p.constant, zero=0.0)


@define(
    "Ultimate oscillator",
    family=_F,
    inputs="high low close",
    params=[whole("short", 7), whole("medium", 14), whole("long", 28)],
    unit="0 to 100",
    source="Williams (1985), Stocks & Commodities 3(4)",
    undefined="NaN where a window has no range",
    talib=Talib("ULTOSC", {"timeperiod1": "short", "timeperiod2": "medium", "timeperiod3": "long"}),
)
def ultosc(x: Inputs, p: Any) -> Node:
    """Buying pressure over true range on three windows, weighted 4, 2, 1."""
    pressure = x.close - g.smaller(x.low, g.previous(x.close))
    parts = [g.total(pressure, n) / g.total(x.true_range, n) for n in (p.short, p.medium, p.long)]
    return (parts[0] * 4.0 + parts[1] * 2.0 + parts[2]) * (100.0 / 7.0)


@define(
    "Rate of change of a triple exponential average",
    family=_F,
    params=[whole("window", 15), _SEED],
    unit="percent",
    source="Hutson (1983), Stocks & Commodities 1(5)",
    undefined=_NO_BASE,
    notes="TA-Lib's default window is 30.",
    talib=Talib("TRIX", {"timeperiod": "window"}, {"seed": "sma"}),
)
def trix(x: Inputs, p: Any) -> Node:
    """Change of ``ema(ema(ema))`` in percent."""
    line = x.close
    for _ in range(3):
        line = exponential(line, p.window, p.seed)
    return (line / g.lag(line, 1) - 1.0) * 100.0


@define(
    "True strength index",
    family=_F,
    params=[whole("slow", 25), whole("fast", 13), _SEED],
    unit="-100 to 100",
    source="Blau (1991), Stocks & Commodities 9(11)",
    undefined="0 where nothing moved",
    talib=Talib("TSI", {"firstperiod": "slow", "secondperiod": "fast"}, {"seed": "sma"}),
)
def tsi(x: Inputs, p: Any) -> Node:
    """Change over absolute change, both smoothed twice."""

    def smooth(node: Node) -> Node:
        return exponential(exponential(node, p.slow, p.seed), p.fast, p.seed)

    step = x.close - g.previous(x.close)
    return g.quotient(smooth(step) * 100.0, smooth(g.absolute(step)), zero=0.0)


@define(
    "Stochastic momentum index",
    family=_F,
    inputs="high low close",
    params=[whole("window", 13), whole("slow", 25), whole("fast", 2), whole("signal", 9), _SEED],
    outputs="smi signal",
    unit="-100 to 100",
    source="Blau (1993), Stocks & Commodities 11(1)",
    undefined="0 where the range is 0",
    talib=Talib(
        "SMI",
        {"timeperiod": "window", "fastperiod": "fast", "slowperiod": "slow", "signalperiod": "signal"},
        {"seed": "sma"},
    ),
)
def smi(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Distance of the close from the middle of the range over half the range, both smoothed twice."""

    def smooth(node: Node) -> Node:
        return exponential(exponential(node, p.slow, p.seed), p.fast, p.seed)

    high, low = g.high_of(x.high, p.window), g.low_of(x.low, p.window)
    line = g.quotient(smooth(x.close - (high + low) / 2.0) * 200.0, smooth(high - low), zero=0.0)
    signal = exponential(line, p.signal, p.seed)
    return g.known(line, signal), signal


@define(
    "Awesome oscillator",
    family=_F,
    inputs="high low",
    params=[whole("fast", 5), whole("slow", 34)],
    unit="price",
    source="Williams (1998), New Trading Dimensions",
    needs=_FAST_SLOW,
    talib=Talib("AO", {"fastperiod": "fast", "slowperiod": "slow"}),
)
def ao(x: Inputs, p: Any) -> Node:
    """Fast minus slow mean of the middle of the bar."""
    return g.mean(x.middle, p.fast) - g.mean(x.middle, p.slow)


@define(
    "Accelerator oscillator",
    family=_F,
    inputs="high low",
    params=[whole("fast", 5), whole("slow", 34), whole("signal", 5)],
    unit="price",
    source="Williams (1998), New Trading Dimensions",
    needs=_FAST_SLOW,
    talib=Talib("AC", {"fastperiod": "fast", "slowperiod": "slow", "signalperiod": "signal"}),
)
def ac(x: Inputs, p: Any) -> Node:
    """Awesome oscillator minus its mean."""
    line = ao(x, p)
    assert isinstance(line, Node)
    return line - g.mean(line, p.signal)


@define(
    "Balance of power",
    family=_F,
    inputs="open high low close",
    unit="-1 to 1",
    source="Livshin (2001), Stocks & Commodities 19(8)",
    undefined="0 where high equals low",
    talib=Talib("BOP"),
)
def bop(x: Inputs, p: Any) -> Node:
    """``(close - open) / (high - low)``."""
    return g.quotient(x.close - x.open, x.high - x.low, zero=0.0)


@define(
    "Coppock curve",
    family=_F,
    params=[whole("window", 10), whole("fast", 11), whole("slow", 14)],
    unit="percent",
    source="Coppock (1962), Barron's",
    undefined=_NO_BASE,
    talib=Talib("COPPOCK", {"wmaperiod": "window", "roc1period": "fast", "roc2period": "slow"}),
)
def coppock(x: Inputs, p: Any) -> Node:
    """Weighted average of the sum of two rates of change."""
    fast, slow = ((x.close / g.lag(x.close, n) - 1.0) * 100.0 for n in (p.fast, p.slow))
    return g.wma(fast + slow, p.window)


@define(
    "Know sure thing",
    family=_F,
    params=[
        *(whole(f"roc_{i}", n) for i, n in enumerate((10, 15, 20, 30), 1)),
        *(whole(f"mean_{i}", n) for i, n in enumerate((10, 10, 10, 15), 1)),
        whole("signal", 9),
    ],
    outputs="kst signal",
    unit="percent",
    source="Pring (1992), Stocks & Commodities 10(9)",
    undefined=_NO_BASE,
)
def kst(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Four smoothed rates of change, weighted 1 to 4, and their mean."""
    parts = [
        g.mean((x.close / g.lag(x.close, getattr(p, f"roc_{i}")) - 1.0) * 100.0, getattr(p, f"mean_{i}")) * float(i)
        for i in (1, 2, 3, 4)
    ]
    line = parts[0] + parts[1] + parts[2] + parts[3]
    signal = g.mean(line, p.signal)
    return g.known(line, signal), signal


@define(
    "Detrended price oscillator",
    family=_F,
    params=[whole("window", 20)],
    unit="as the input",
    source="Classical",
    notes="Close of window / 2 + 1 rows ago minus the mean of now: known at its row. Charts that centre it look ahead.",
    talib=Talib("DPO", {"timeperiod": "window"}),
)
def dpo(x: Inputs, p: Any) -> Node:
    """X some rows ago minus the mean of the window."""
    return g.lag(x.close, p.window // 2 + 1) - g.mean(x.close, p.window)


@define(
    "Kaufman's efficiency ratio",
    family=_F,
    params=[whole("window", 10)],
    unit="0 to 1",
    source="Kaufman (1995), Smarter Trading",
    undefined="0 where nothing moved",
    talib=Talib("ER", {"timeperiod": "window"}),
)
def er(x: Inputs, p: Any) -> Node:
    """Net change over path."""
    path = g.total(g.absolute(g.change(x.close)), p.window)
    return g.clip(g.quotient(g.absolute(g.change(x.close, p.window)), path, zero=0.0), 0.0, 1.0)


@define(
    "Elder ray",
    family=_F,
    inputs="high low close",
    params=[whole("window", 13), _SEED],
    outputs="bull bear",
    unit="price",
    source="Elder (1993), Trading for a Living",
    talib=Talib("ERI", {"timeperiod": "window"}, {"seed": "sma"}),
)
def eri(x: Inputs, p: Any) -> tuple[Node, ...]:
    """High and low minus the exponential average of the close."""
    line = exponential(x.close, p.window, p.seed)
    return x.high - line, x.low - line


@define(
    "Forecast oscillator",
    family=_F,
    params=[whole("window", 5, 2)],
    unit="percent",
    source="Chande and Kroll (1994), The New Technical Trader",
    undefined="NaN where x is 0",
    notes="Forecast made for this row at the row before. pandas-ta-classic's cfo compares with the end of this "
    "row's own line.",
    talib=Talib("FOSC", {"timeperiod": "window"}),
)
def fosc(x: Inputs, p: Any) -> Node:
    """Distance to the value that a regression line forecast for this row, in percent of x."""
    slope, intercept = g.linreg(x.close, p.window)
    forecast = g.lag(intercept + slope * float(p.window), 1)
    return g.quotient((x.close - forecast) * 100.0, x.close)


@define(
    "Intraday momentum index",
    family=_F,
    inputs="open close",
    params=[whole("window", 14)],
    unit="0 to 100",
    source="Chande and Kroll (1994), The New Technical Trader",
    undefined="50 where no body is left (TA-Lib: 0)",
    talib=Talib("IMI", {"timeperiod": "window"}),
)
def imi(x: Inputs, p: Any) -> Node:
    """Sum of rising bodies over the sum of all bodies."""
    body = x.close - x.open
    up = g.total(g.larger(body, g.fill(body, 0.0)), p.window)
    return g.quotient(up * 100.0, g.total(g.absolute(body), p.window), zero=50.0)


@define(
    "Fisher transform",
    family=_F,
    inputs="high low",
    params=[whole("window", 9, 2)],
    outputs="fisher signal",
    unit="none",
    source="Ehlers (2002), Stocks & Commodities 20(11)",
    undefined="place 0 where the window has no range",
    notes="signal is the value of the row before.",
)
def fisher(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Fisher transform of the smoothed place of the middle of the bar in its range."""
    low = g.low_of(x.middle, p.window)
    line = g.fisher(g.quotient(x.middle - low, g.high_of(x.middle, p.window) - low, zero=0.5) - 0.5)
    signal = g.known(g.lag(line, 1), line)
    return g.known(line, signal), signal


@define(
    "Relative vigor index",
    family=_F,
    inputs="open high low close",
    params=[whole("window", 10)],
    outputs="rvgi signal",
    unit="none",
    source="Ehlers (2002), Stocks & Commodities 20(1)",
    undefined="NaN where the window has no range",
)
def rvgi(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Smoothed body over smoothed range, and its own smoothing."""
    weights = [1.0 / 6.0, 2.0 / 6.0, 2.0 / 6.0, 1.0 / 6.0]
    body, span = g.weighted(x.close - x.open, weights), g.weighted(x.high - x.low, weights)
    line = g.total(body, p.window) / g.total(span, p.window)
    signal = g.weighted(line, weights)
    return g.known(line, signal), signal


@define(
    "Pretty good oscillator",
    family=_F,
    inputs="high low close",
    params=[whole("window", 14)],
    unit="average true ranges",
    source="Johnson (c. 1990)",
    undefined="NaN where nothing moved",
    notes="The true range is averaged exponentially (seed sma).",
)
def pgo(x: Inputs, p: Any) -> Node:
    """Distance of the close from its mean, in average true ranges."""
    return (x.close - g.mean(x.close, p.window)) / exponential(x.true_range, p.window)


@define("Psychological line", family=_F, params=[whole("window", 12)], unit="percent", source="Classical")
def psl(x: Inputs, p: Any) -> Node:
    """Share of rising rows in the window."""
    return g.mean(g.greater(g.change(x.close), 0.0), p.window) * 100.0


@define(
    "Bias",
    family=_F,
    params=[whole("window", 26)],
    unit="fraction",
    source="Classical",
    undefined="NaN where the mean is 0",
)
def bias(x: Inputs, p: Any) -> Node:
    """Distance from the mean, as a fraction of it."""
    return x.close / g.mean(x.close, p.window) - 1.0


@define(
    "Chande forecast oscillator",
    family=_F,
    params=[whole("window", 9, 2)],
    unit="percent",
    source="Chande (1994)",
    undefined="NaN where x is 0",
    notes="Against the end of this row's own regression line; compare fosc.",
)
def cfo(x: Inputs, p: Any) -> Node:
    """Distance to the end of the regression line, in percent of x."""
    slope, intercept = g.linreg(x.close, p.window)
    return g.quotient((x.close - (intercept + slope * (p.window - 1.0))) * 100.0, x.close)


@define(
    "Center of gravity",
    family=_F,
    params=[whole("window", 10)],
    unit="rows, negative",
    source="Ehlers (2002), Stocks & Commodities 20(5)",
    undefined="NaN where the sum of the window is 0",
    notes="The newest row has weight 1, the oldest `window`, as in the paper.",
)
def cg(x: Inputs, p: Any) -> Node:
    """Mean age of the values, weighted by them, times -1."""
    ages = [float(p.window - k) for k in range(p.window)]
    return -(g.weighted(x.close, ages) / g.total(x.close, p.window))


@define(
    "Correlation trend indicator",
    family=_F,
    params=[whole("window", 12, 2)],
    unit="-1 to 1",
    source="Ehlers (2020), Stocks & Commodities 38(5)",
    undefined="0 where nothing moved",
)
def cti(x: Inputs, p: Any) -> Node:
    """Correlation of x with a straight rising line."""
    slope, r2 = g.linreg(x.close, p.window)[0], g.linreg_fit(x.close, p.window)[0]
    return g.sign(slope) * g.sqrt(g.either(r2, g.fill(slope, 0.0)))


@define(
    "Laguerre RSI",
    family=_F,
    params=[real("gamma", 0.5, 0.0, 1.0, "damping", open_low=False)],
    unit="0 to 1",
    source="Ehlers (2004), Cybernetic Analysis for Stocks and Futures, ch. 14",
    undefined="0.5 where nothing moved",
    notes="All four stages begin with the first value.",
    needs=("gamma < 1", lambda p: p["gamma"] < 1.0),
)
def laguerre_rsi(x: Inputs, p: Any) -> Node:
    """Rising over all differences between the stages of a Laguerre filter."""
    return g.laguerre(x.close, p.gamma)


@define(
    "Connors RSI",
    family=_F,
    params=[
        whole("window", 3),
        whole("streak", 2, about="rows of the RSI of the streak"),
        whole("rank", 100, about="returns that the newest is ranked among"),
    ],
    unit="0 to 100",
    source="Connors and Alvarez (2012), An Introduction to ConnorsRSI",
    undefined="50 where nothing moved",
    notes="The rank is the share of the `rank` returns before this one that are below it.",
)
def connors_rsi(x: Inputs, p: Any) -> Node:
    """Mean of the RSI, the RSI of the streak, and the percent rank of the return."""
    step = g.sign(x.close - g.previous(x.close))
    streak = g.run(step) - g.run(-step)
    change = x.close / g.lag(x.close, 1) - 1.0
    parts = (
        relative_strength(x.close, p.window),
        relative_strength(streak, p.streak),
        g.rank(change, p.rank + 1, 0) * 100.0,
    )
    return (parts[0] + parts[1] + parts[2]) / 3.0


@define(
    "Quantitative qualitative estimation",
    family=_F,
    params=[
        whole("window", 14),
        whole("smooth", 5, about="rows of the average of the RSI"),
        real("factor", 4.236, about="width of the trail"),
        _SEED,
    ],
    outputs="line trail direction",
    unit="0 to 100; direction 1 or -1",
    source="Livshin's RSI trail (c. 2008)",
    undefined="RSI 50 where nothing moved",
    notes="The distance is the twice Wilder-smoothed (2 * window - 1 rows, exponential) absolute change of the "
    "smoothed RSI, times the factor.",
)
def qqe(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Smoothed RSI, and a level that trails it on its side.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> rising = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    >>> found = indicators.qqe(rising, window=1, smooth=1, factor=1.0)
    >>> found.line.tolist()[2:], found.direction.tolist()[2:]  # the RSI stands at 100
    ([100.0, 100.0, 100.0, 100.0], [1.0, 1.0, 1.0, 1.0])
    """
    line = exponential(relative_strength(x.close, p.window, p.seed), p.smooth, p.seed)
    wide = 2 * p.window - 1
    distance = exponential(exponential(g.absolute(line - g.previous(line)), wide, p.seed), wide, p.seed) * p.factor
    level, direction = g.trail(line, distance)
    return g.known(line, level), level, direction


@define(
    "TTM squeeze",
    family=_F,
    inputs="high low close",
    params=[
        whole("window", 20, 2),
        real("bands", 2.0, about="standard deviations"),
        real("channel", 1.5, about="average ranges"),
    ],
    outputs="momentum on",
    unit="price; on: 1 in a squeeze, else 0",
    source="Carter (2005), Mastering the Trade",
    notes="The channel uses the simple mean of true ranges. momentum is the end of the regression of the close "
    "minus the mean "
    "of the middle of the range and the mean close.",
)
def squeeze(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Whether Bollinger bands lie within the Keltner channel, and the momentum."""
    spread, width = g.std(x.close, p.window) * p.bands, g.mean(x.true_range, p.window) * p.channel
    middle = ((g.high_of(x.high, p.window) + g.low_of(x.low, p.window)) / 2.0 + g.mean(x.close, p.window)) / 2.0
    slope, intercept = g.linreg(x.close - middle, p.window)
    momentum = intercept + slope * (p.window - 1.0)
    return momentum, g.known(g.greater(width, spread), momentum)


@define(
    "Schaff trend cycle",
    family=_F,
    params=[whole("window", 10), whole("fast", 23), whole("slow", 50), real("factor", 0.5, 0.0, 1.0, "smoothing")],
    unit="0 to 100",
    source="Schaff (1999)",
    undefined="50 where the range is 0",
    needs=_FAST_SLOW,
    notes="Smoothing begins with the first value; averages are seeded with means.",
)
def stc(x: Inputs, p: Any) -> Node:
    """Stochastic of the stochastic of the MACD."""
    line = exponential(x.close, p.fast) - exponential(x.close, p.slow)
    for _ in range(2):
        low = g.low_of(line, p.window)
        raw = g.quotient((line - low) * 100.0, g.high_of(line, p.window) - low, zero=50.0)
        line = g.ewm(raw, p.factor, 1)
    return line


@define(
    "Inertia",
    family=_F,
    params=[whole("window", 20, 2), whole("rvi_window", 14), whole("std_window", 10, 2)],
    unit="0 to 100",
    source="Dorsey (1995), Stocks & Commodities 13(9)",
    undefined="50 where nothing moved",
    notes="Regression of Dorsey's relative volatility index (rvi).",
)
def inertia(x: Inputs, p: Any) -> Node:
    """End of the regression line of the relative volatility index."""
    from tradewright.features.indicators.volatility import relative_volatility

    slope, intercept = g.linreg(relative_volatility(x.close, p.rvi_window, p.std_window), p.window)
    return intercept + slope * float(p.window - 1)


@define(
    "Qstick",
    family=_F,
    inputs="open close",
    params=[whole("window", 10)],
    unit="price",
    source="Chande and Kroll (1994), The New Technical Trader",
    talib=Talib("QSTICK", {"timeperiod": "window"}),
)
def qstick(x: Inputs, p: Any) -> Node:
    """Mean body."""
    return g.mean(x.close - x.open, p.window)
