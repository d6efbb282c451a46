"""Returns on several horizons, their paths, and plain transforms of other features.

Entry points: the definitions below, registered by name. Simple and log returns themselves are the indicators
``simple_return`` and ``log_return``.

Invariants: fractions, never percent; returns are per window, not per year. The session decides what is overnight: with
daily bars every row is one session.
"""

from __future__ import annotations

from typing import Any, Final

from tradewright.features.feature import Sources, define
from tradewright.features.indicators import graph as g
from tradewright.features.indicators.average import exponential
from tradewright.features.indicators.graph import Node
from tradewright.features.indicators.spec import real, whole

_P: Final = "price"
_R: Final = "returns"
_T: Final = "transform"
_RETURN: Final = {"feature": "log_return", "window": 1}
_CLASSICAL: Final = "Classical"


def _column(name: str, unit: str) -> None:
    def column(x: Sources, p: Any) -> Node:
        return getattr(x, name)  # type: ignore[no-any-return]

    column.__name__, column.__doc__ = name, f"The column {name} itself."
    define(name.capitalize(), family=_P, inputs=name, unit=unit, source=_CLASSICAL)(column)


for _name in ("open", "high", "low", "close", "benchmark"):
    _column(_name, "price")
_column("volume", "units traded")


def log_returns(x: Node) -> Node:
    """Log return of a row on the row before."""
    return g.change(g.log(x))


# --- sessions


def new_session(x: Sources) -> Node:
    """1 in the first bar of a session, else 0; the first bar of all is not known to be one and has no value."""
    own = g.known(x.session, x.open)  # a session whose first bar is missing begins with the next
    return g.greater(g.absolute(own - g.previous(own)), 0.0)


def _of_the_first(x: Sources, value: Node) -> Node:
    """Value of the first bar of the session, in all of its bars."""
    first = new_session(x)
    mark = g.quotient(first, first)  # 1, or missing where it is not the first
    return g.known(g.hold(g.known(value, mark)), x.open)


@define(
    "Overnight return",
    family=_R,
    inputs="open close session",
    unit="log return",
    source="Lou, Polk and Skouras (2019), Journal of Financial Economics 134(1)",
    notes="Log of the first open of the session over the close before; stays the same for the rest of the session. "
    "The first session of the data has none. Dividends and splits are in it unless prices are adjusted.",
    event=True,
    standard=[{}],
)
def overnight_return(x: Sources, p: Any) -> Node:
    """Log return from the last close to the first open of the session.

    Examples
    --------
    >>> import numpy as np
    >>> from tradewright.features.pipeline import FeatureSet
    >>> from tradewright.testing import walk_bars
    >>> bars = walk_bars(3)
    >>> found = FeatureSet(["overnight_return"]).compute(bars)["overnight_return"][1, 0]
    >>> bool(abs(found - np.log(bars.open[1, 0] / bars.close[0, 0])) < 1e-12)
    True
    """
    return _of_the_first(x, g.log(x.open / g.previous(x.close)))


@define(
    "Return since the open",
    family=_R,
    inputs="open close session",
    unit="log return",
    source="Lou, Polk and Skouras (2019), Journal of Financial Economics 134(1)",
    notes="The first session of the data has none, for its first row need not be its open.",
    event=True,
    standard=[{}],
)
def intraday_return(x: Sources, p: Any) -> Node:
    """Log of the close over the first open of its session."""
    return g.log(x.close / _of_the_first(x, x.open))


@define(
    "Mean gap",
    family=_R,
    inputs="open close",
    params=[whole("window", 20)],
    unit="log return per row",
    source=_CLASSICAL,
    standard=[{"window": 20}],
)
def gap_drift(x: Sources, p: Any) -> Node:
    """Mean of the log of the open over the close before."""
    return g.mean(g.log(x.open / g.previous(x.close)), p.window)


@define(
    "Mean body",
    family=_R,
    inputs="open close",
    params=[whole("window", 20)],
    unit="log return per row",
    source=_CLASSICAL,
    standard=[{"window": 20}],
)
def body_drift(x: Sources, p: Any) -> Node:
    """Mean of the log of the close over the open of its row."""
    return g.mean(g.log(x.close / x.open), p.window)


# --- place and path


@define(
    "Distance to the mean",
    family=_R,
    inputs="close",
    params=[whole("window", 20)],
    unit="fraction",
    source=_CLASSICAL,
    standard=[{"window": w} for w in (10, 20, 50, 200)],
)
def distance_to_mean(x: Sources, p: Any) -> Node:
    """Close over its mean of the window, minus 1."""
    return x.close / g.mean(x.close, p.window) - 1.0


@define(
    "Distance to the exponential average",
    family=_R,
    inputs="close",
    params=[whole("window", 20)],
    unit="fraction",
    source=_CLASSICAL,
    notes="Seeded with the mean of the first `window` closes.",
    standard=[{"window": 26}],
)
def distance_to_ema(x: Sources, p: Any) -> Node:
    """Close over its exponential average, minus 1."""
    return x.close / exponential(x.close, p.window) - 1.0


@define(
    "Fall from the high",
    family=_R,
    inputs="high close",
    params=[whole("window", 60)],
    unit="fraction, 0 or below",
    source="George and Hwang (2004), Journal of Finance 59(5)",
    standard=[{"window": w} for w in (20, 60, 250)],
)
def drawdown_from_high(x: Sources, p: Any) -> Node:
    """Close over the highest high of the window, minus 1."""
    return x.close / g.high_of(x.high, p.window) - 1.0


@define(
    "Rise from the low",
    family=_R,
    inputs="low close",
    params=[whole("window", 60)],
    unit="fraction, 0 or above",
    source=_CLASSICAL,
    standard=[{"window": w} for w in (20, 60, 250)],
)
def rise_from_low(x: Sources, p: Any) -> Node:
    """Close over the lowest low of the window, minus 1."""
    return x.close / g.low_of(x.low, p.window) - 1.0


@define(
    "Place in the range",
    family=_R,
    inputs="high low close",
    params=[whole("window", 20)],
    unit="0 (low) to 1 (high)",
    source="Lane (1984), Stocks & Commodities 2(3)",
    undefined="NaN where there is no range",
    standard=[{"window": w} for w in (20, 60)],
)
def range_place(x: Sources, p: Any) -> Node:
    """Where the close lies between the lowest low and the highest high of the window."""
    low = g.low_of(x.low, p.window)
    return (x.close - low) / (g.high_of(x.high, p.window) - low)


@define(
    "Return per risk",
    family=_R,
    inputs="close",
    params=[whole("window", 60, 2)],
    unit="mean over standard deviation, per row",
    source="Sharpe (1966), Journal of Business 39(1)",
    undefined="NaN where nothing moved",
    standard=[{"window": w} for w in (20, 60, 120)],
)
def return_per_risk(x: Sources, p: Any) -> Node:
    """Mean of the log returns of the window over their standard deviation (ddof 1)."""
    step = log_returns(x.close)
    return g.mean(step, p.window) / g.std(step, p.window, 1)


@define(
    "Slope of the log price",
    family=_R,
    inputs="close",
    params=[whole("window", 60, 2)],
    unit="log return per row",
    source="Clenow (2015), Stocks on the Move, ch. 8",
    standard=[{"window": w} for w in (20, 60)],
)
def log_slope(x: Sources, p: Any) -> Node:
    """Slope of the least-squares line through the log closes of the window."""
    return g.linreg(g.log(x.close), p.window)[0]


@define(
    "Change of the return",
    family=_R,
    inputs="close",
    params=[whole("window", 20)],
    unit="log return",
    source="Gettleman and Marks (2006), Acceleration Strategies",
    standard=[{"window": w} for w in (5, 20, 60)],
)
def acceleration(x: Sources, p: Any) -> Node:
    """Log return of the window, less that of the window before it."""
    move = g.change(g.log(x.close), p.window)
    return move - g.lag(move, p.window)


@define(
    "Momentum without the newest rows",
    family=_R,
    inputs="close",
    params=[whole("window", 250), whole("skip", 20)],
    unit="log return",
    source="Jegadeesh and Titman (1993), Journal of Finance 48(1)",
    require=("skip < window", lambda p: p["skip"] < p["window"]),
    standard=[{"window": 250, "skip": 20}],
)
def momentum_skip(x: Sources, p: Any) -> Node:
    """Log return from `window` rows ago to `skip` rows ago."""
    line = g.log(x.close)
    return g.lag(line, p.skip) - g.lag(line, p.window)


@define(
    "Largest return",
    family=_R,
    inputs="close",
    params=[whole("window", 20)],
    unit="log return",
    source="Bali, Cakici and Whitelaw (2011), Journal of Financial Economics 99(2)",
    standard=[{"window": 20}],
)
def max_return(x: Sources, p: Any) -> Node:
    """Largest log return of a row in the window."""
    return g.high_of(log_returns(x.close), p.window)


@define(
    "Smallest return",
    family=_R,
    inputs="close",
    params=[whole("window", 20)],
    unit="log return",
    source="Bali, Cakici and Whitelaw (2011), Journal of Financial Economics 99(2)",
    standard=[{"window": 20}],
)
def min_return(x: Sources, p: Any) -> Node:
    """Smallest log return of a row in the window."""
    return g.low_of(log_returns(x.close), p.window)


@define(
    "Streak",
    family=_R,
    inputs="close",
    unit="rows",
    source="Connors and Alvarez (2012), An Introduction to ConnorsRSI",
    standard=[{}],
)
def streak(x: Sources, p: Any) -> Node:
    """Rows in a row that closed higher; negative for lower."""
    step = g.change(x.close)
    return g.run(step) - g.run(-step)


@define(
    "Upper shadow",
    family=_R,
    inputs="open high low close",
    unit="0 to 1",
    source=_CLASSICAL,
    undefined="NaN where the bar has no range",
    standard=[{}],
)
def upper_shadow(x: Sources, p: Any) -> Node:
    """Share of the bar's range that is above its body."""
    return (x.high - g.larger(x.open, x.close)) / (x.high - x.low)


@define(
    "Lower shadow",
    family=_R,
    inputs="open high low close",
    unit="0 to 1",
    source=_CLASSICAL,
    undefined="NaN where the bar has no range",
    standard=[{}],
)
def lower_shadow(x: Sources, p: Any) -> Node:
    """Share of the bar's range that is below its body."""
    return (g.smaller(x.open, x.close) - x.low) / (x.high - x.low)


# --- transforms


@define(
    "Value some rows ago",
    family=_T,
    takes={"of": _RETURN},
    params=[whole("rows", 1)],
    unit="that of what is lagged",
    source=_CLASSICAL,
    standard=[{"rows": k} for k in (1, 2, 3, 5)],
)
def lagged(x: Sources, p: Any) -> Node:
    """Value that was known `rows` rows ago.

    Examples
    --------
    >>> from tradewright.features.pipeline import FeatureSet
    >>> from tradewright.testing import walk_bars
    >>> bars = walk_bars(3)
    >>> late = FeatureSet([{"feature": "lagged", "rows": 1, "of": "close"}]).compute(bars).column(0)
    >>> bool(late[2, 0] == bars.close[1, 0])
    True
    """
    return g.lag(x.of, p.rows)


@define("Difference", family=_T, takes={"of": None}, params=[whole("rows", 1)], unit="that of `of`", source=_CLASSICAL)
def difference(x: Sources, p: Any) -> Node:
    """Value less the value `rows` rows ago."""
    return g.change(x.of, p.rows)


@define(
    "Natural logarithm", family=_T, takes={"of": "close"}, unit="log", source=_CLASSICAL, undefined="NaN at 0 and below"
)
def log(x: Sources, p: Any) -> Node:
    """Natural logarithm."""
    return g.log(x.of)


@define("Absolute value", family=_T, takes={"of": None}, unit="that of `of`", source=_CLASSICAL)
def absolute(x: Sources, p: Any) -> Node:
    """Distance from 0."""
    return g.absolute(x.of)


@define("Sign", family=_T, takes={"of": None}, unit="-1, 0 or 1", source=_CLASSICAL)
def sign(x: Sources, p: Any) -> Node:
    """Sign."""
    return g.sign(x.of)


@define(
    "Clipped",
    family=_T,
    takes={"of": None},
    params=[real("low", -3.0, -1e12, 1e12, open_low=False), real("high", 3.0, -1e12, 1e12, open_low=False)],
    unit="that of `of`",
    source=_CLASSICAL,
    require=("low < high", lambda p: p["low"] < p["high"]),
)
def clipped(x: Sources, p: Any) -> Node:
    """Not below `low` and not above `high`."""
    return g.clip(x.of, p.low, p.high)


@define(
    "Ratio", family=_T, takes={"of": None, "by": None}, unit="ratio", source=_CLASSICAL, undefined="NaN where `by` is 0"
)
def ratio(x: Sources, p: Any) -> Node:
    """One feature over another."""
    return x.of / x.by


@define("Spread", family=_T, takes={"of": None, "by": None}, unit="that of `of`", source=_CLASSICAL)
def spread(x: Sources, p: Any) -> Node:
    """One feature less another."""
    return x.of - x.by


@define("Product", family=_T, takes={"of": None, "by": None}, unit="product", source=_CLASSICAL)
def product(x: Sources, p: Any) -> Node:
    """One feature times another."""
    return x.of * x.by
