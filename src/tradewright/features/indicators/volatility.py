"""Range and spread.

Entry points: the definitions below, registered by name; `relative_volatility` for other families.

Invariants: volatilities of returns are per row unless `periods` says how many rows a year has.
"""

from __future__ import annotations

import math
from typing import Any, Final

from tradewright.features.indicators import graph as g
from tradewright.features.indicators.average import AVERAGES, averaged, exponential, wilder
from tradewright.features.indicators.graph import Inputs, Node
from tradewright.features.indicators.spec import Talib, choice, define, real, whole

_F: Final = "volatility"
_WILDER: Final = "Wilder (1978), New Concepts in Technical Trading Systems"
_PERIODS: Final = real("periods", 1.0, 0.0, 1e9, "rows a year; 1 leaves the figure per row")
_UNIT: Final = "fraction per row, or a year with periods"


def relative_volatility(x: Node, window: int, std_window: int) -> Node:
    """Dorsey's index, 0 to 100; 50 where nothing moved."""
    step, spread = x - g.previous(x), g.std(x, std_window)
    zero = g.fill(spread, 0.0)
    up = wilder(g.where(g.greater(step, 0.0), spread, zero), window)
    down = wilder(g.where(g.greater(-step, 0.0), spread, zero), window)
    return g.quotient(up * 100.0, up + down, zero=50.0)


@define(
    "True range",
    family=_F,
    inputs="high low close",
    unit="price",
    source=_WILDER,
    notes="The first row has none.",
    talib=Talib("TRANGE"),
)
def true_range(x: Inputs, p: Any) -> Node:
    """Largest of high - low and the distances of both to the close before.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.true_range([3.0, 9.0], [1.0, 8.0], [2.0, 8.0]).tolist()
    [nan, 7.0]
    """
    return x.true_range


@define(
    "Average true range",
    family=_F,
    inputs="high low close",
    params=[whole("window", 14), choice("average", "rma", "sma", "ema", "wma")],
    unit="price",
    source=_WILDER,
    notes="rma begins with the mean of the first `window` true ranges; the first row has none, so the first "
    "value is at row window + 1 (TA-Lib).",
    talib=Talib("ATR", {"timeperiod": "window"}, {"average": "rma"}),
)
def atr(x: Inputs, p: Any) -> Node:
    """Average of the true range.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.atr([3.0, 9.0, 9.0], [1.0, 8.0, 8.0], [2.0, 8.0, 8.0], window=2).tolist()
    [nan, nan, 4.0]
    """
    return averaged(x.true_range, p.average, p.window)


@define(
    "Normalised average true range",
    family=_F,
    inputs="high low close",
    params=[whole("window", 14)],
    unit="percent of the close",
    source="Forman (2006), Stocks & Commodities 24(5)",
    undefined="NaN where the close is 0",
    talib=Talib("NATR", {"timeperiod": "window"}),
)
def natr(x: Inputs, p: Any) -> Node:
    """Average true range in percent of the close."""
    return wilder(x.true_range, p.window) / x.close * 100.0


@define(
    "Average range",
    family=_F,
    inputs="high low",
    params=[whole("window", 14)],
    unit="price",
    source="Classical",
    talib=Talib("ADR", {"timeperiod": "window"}),
)
def adr(x: Inputs, p: Any) -> Node:
    """Mean of high - low."""
    return g.mean(x.high - x.low, p.window)


@define(
    "Chaikin's volatility",
    family=_F,
    inputs="high low",
    params=[whole("window", 10), whole("lookback", 10)],
    unit="percent",
    source="Chaikin (c. 1985)",
    undefined="NaN where the earlier range is 0",
    talib=Talib("CVI", {"timeperiod": "window", "rocperiod": "lookback"}),
)
def cvi(x: Inputs, p: Any) -> Node:
    """Rate of change of the exponential average of high - low."""
    line = exponential(x.high - x.low, p.window)
    return (line / g.lag(line, p.lookback) - 1.0) * 100.0


@define(
    "Mass index",
    family=_F,
    inputs="high low",
    params=[whole("window", 25), whole("span", 9)],
    unit="about window",
    source="Dorsey (1992), Stocks & Commodities 10(6)",
    undefined="NaN where there is no range",
    talib=Talib("MASSI", {"fastperiod": "span", "slowperiod": "window"}),
)
def mass_index(x: Inputs, p: Any) -> Node:
    """Sum of the ratio of the exponential average of the range to its own average."""
    one = exponential(x.high - x.low, p.span)
    return g.total(one / exponential(one, p.span), p.window)


@define(
    "Relative volatility index",
    family=_F,
    params=[whole("window", 14), whole("std_window", 10, 2)],
    unit="0 to 100",
    source="Dorsey (1993), Stocks & Commodities 11(6)",
    undefined="50 where nothing moved (TA-Lib: 0)",
    notes="Wilder's averages of the population standard deviation on rising and on falling rows; others smooth "
    "exponentially.",
    talib=Talib("RVI", {"timeperiod": "window", "stddevperiod": "std_window"}),
)
def rvi(x: Inputs, p: Any) -> Node:
    """Spread on rising rows over the spread on all rows, both averaged."""
    return relative_volatility(x.close, p.window, p.std_window)


@define(
    "Ulcer index",
    family=_F,
    params=[whole("window", 14)],
    unit="percent",
    source="Martin and McCann (1989), The Investor's Guide to Fidelity Funds",
    notes="Drawdowns from the highest of the last `window` values, root of their mean square over the window.",
)
def ulcer(x: Inputs, p: Any) -> Node:
    """Root of the mean square drawdown.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.ulcer([10.0, 10.0, 9.0], window=1).tolist(), indicators.ulcer([10.0, 5.0, 5.0], window=2).tolist()
    ([0.0, 0.0, 0.0], [nan, nan, 35.35533905932738])
    """
    fall = (x.close / g.high_of(x.close, p.window) - 1.0) * 100.0
    return g.sqrt(g.mean(fall * fall, p.window))


@define(
    "Historical volatility",
    family=_F,
    params=[whole("window", 20, 2), _PERIODS, whole("ddof", 1, 0, 1)],
    unit=_UNIT,
    source="Classical",
    notes="Standard deviation of log returns, mean taken out.",
)
def historical_volatility(x: Inputs, p: Any) -> Node:
    """Standard deviation of the log returns of the window."""
    return g.std(g.change(g.log(x.close)), p.window, p.ddof) * math.sqrt(p.periods)


@define(
    "Exponentially weighted volatility",
    family=_F,
    params=[real("decay", 0.94, 0.0, 1.0, "weight of the past"), _PERIODS],
    unit=_UNIT,
    source="J.P. Morgan (1996), RiskMetrics Technical Document, eq. 5.3",
    notes="Begins with the square of the first return; mean 0.",
    needs=("decay < 1", lambda p: p["decay"] < 1.0),
)
def ewma_volatility(x: Inputs, p: Any) -> Node:
    """Root of the exponential average of squared log returns."""
    step = g.change(g.log(x.close))
    return g.sqrt(g.ewm(step * step, 1.0 - p.decay, 1) * p.periods)


@define(
    "Parkinson volatility",
    family=_F,
    inputs="high low",
    params=[whole("window", 20), _PERIODS],
    unit=_UNIT,
    source="Parkinson (1980), Journal of Business 53(1)",
)
def parkinson(x: Inputs, p: Any) -> Node:
    """Volatility from highs and lows."""
    span = g.log(x.high / x.low)
    return g.sqrt(g.mean(span * span, p.window) * (p.periods / (4.0 * math.log(2.0))))


@define(
    "Garman-Klass volatility",
    family=_F,
    inputs="open high low close",
    params=[whole("window", 20), _PERIODS],
    unit=_UNIT,
    source="Garman and Klass (1980), Journal of Business 53(1)",
)
def garman_klass(x: Inputs, p: Any) -> Node:
    """Volatility from the four prices of a row, without the gap before it."""
    span, body = g.log(x.high / x.low), g.log(x.close / x.open)
    inner = span * span * 0.5 - body * body * (2.0 * math.log(2.0) - 1.0)
    return g.sqrt(g.larger(g.mean(inner, p.window), g.fill(inner, 0.0)) * p.periods)


def _rogers_satchell(x: Inputs) -> Node:
    up, down = g.log(x.high / x.open), g.log(x.low / x.open)
    body = g.log(x.close / x.open)
    return up * (up - body) + down * (down - body)


@define(
    "Rogers-Satchell volatility",
    family=_F,
    inputs="open high low close",
    params=[whole("window", 20), _PERIODS],
    unit=_UNIT,
    source="Rogers and Satchell (1991), Annals of Applied Probability 1(4)",
)
def rogers_satchell(x: Inputs, p: Any) -> Node:
    """Volatility from the four prices of a row, free of the drift."""
    inner = _rogers_satchell(x)
    return g.sqrt(g.larger(g.mean(inner, p.window), g.fill(inner, 0.0)) * p.periods)


@define(
    "Yang-Zhang volatility",
    family=_F,
    inputs="open high low close",
    params=[whole("window", 20, 2), _PERIODS],
    unit=_UNIT,
    source="Yang and Zhang (2000), Journal of Business 73(3)",
    notes="k = 0.34 / (1.34 + (window + 1) / (window - 1)); variances with ddof 1.",
)
def yang_zhang(x: Inputs, p: Any) -> Node:
    """Volatility from gaps, bodies and ranges, free of the drift."""
    gap, body = g.log(x.open / g.previous(x.close)), g.log(x.close / x.open)
    k = 0.34 / (1.34 + (p.window + 1.0) / (p.window - 1.0))
    inner = (
        g.variance(gap, p.window, 1)
        + g.variance(body, p.window, 1) * k
        + g.mean(_rogers_satchell(x), p.window) * (1.0 - k)
    )
    return g.sqrt(g.larger(inner, g.fill(inner, 0.0)) * p.periods)


@define(
    "Ratio of two volatilities",
    family=_F,
    params=[whole("fast", 10, 2), whole("slow", 60, 2)],
    unit="ratio",
    source="Classical",
    undefined="NaN where nothing moved",
    needs=("fast < slow", lambda p: p["fast"] < p["slow"]),
)
def volatility_ratio(x: Inputs, p: Any) -> Node:
    """Standard deviation of log returns of the fast window over that of the slow one."""
    step = g.change(g.log(x.close))
    return g.std(step, p.fast, 1) / g.std(step, p.slow, 1)


@define(
    "Relative range",
    family=_F,
    inputs="high low close",
    params=[whole("window", 20), choice("average", *AVERAGES)],
    unit="ratio",
    source="Classical",
    undefined="NaN where the average is 0",
)
def relative_range(x: Inputs, p: Any) -> Node:
    """True range over its average."""
    return x.true_range / averaged(x.true_range, p.average, p.window)
