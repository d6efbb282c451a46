"""Volume and liquidity beyond the indicators of volume (relative volume, Amihud, money flow).

Entry points: the definitions below, registered by name.

Invariants: NaN where the volume is not known; what needs a logarithm of the volume is NaN where nothing was traded.
"""

from __future__ import annotations

from typing import Any, Final

from tradewright.features.feature import Sources, define
from tradewright.features.indicators import graph as g
from tradewright.features.indicators.graph import Node
from tradewright.features.indicators.spec import whole
from tradewright.features.returns import log_returns

_F: Final = "liquidity"
_CLASSICAL: Final = "Classical"


@define(
    "Score of the volume",
    family=_F,
    inputs="volume",
    params=[whole("window", 20, 2)],
    unit="standard deviations",
    source=_CLASSICAL,
    undefined="NaN where the volume is 0 or does not change",
    standard=[{"window": w} for w in (20, 60)],
)
def volume_score(x: Sources, p: Any) -> Node:
    """Log volume less its mean of the window, over its standard deviation (ddof 1)."""
    line = g.log(x.volume)
    return (line - g.mean(line, p.window)) / g.std(line, p.window, 1)


@define(
    "Money traded, log",
    family=_F,
    inputs="close volume",
    params=[whole("window", 20)],
    unit="log of currency per row",
    source=_CLASSICAL,
    undefined="NaN where nothing was traded",
    standard=[{"window": 20}, {"window": 60}],
)
def log_money_traded(x: Sources, p: Any) -> Node:
    """Logarithm of the mean of close times volume."""
    return g.log(g.mean(x.close * x.volume, p.window))


@define(
    "Trend of the volume",
    family=_F,
    inputs="volume",
    params=[whole("fast", 5), whole("slow", 20)],
    unit="log ratio",
    source=_CLASSICAL,
    undefined="NaN where nothing was traded",
    require=("fast < slow", lambda p: p["fast"] < p["slow"]),
    standard=[{"fast": 5, "slow": 20}, {"fast": 20, "slow": 120}],
)
def volume_trend(x: Sources, p: Any) -> Node:
    """Log of the mean volume of the fast window over that of the slow one."""
    return g.log(g.mean(x.volume, p.fast) / g.mean(x.volume, p.slow))


@define(
    "Volatility of the volume",
    family=_F,
    inputs="volume",
    params=[whole("window", 20, 2)],
    unit="log change per row",
    source="Chordia, Subrahmanyam and Anshuman (2001), Journal of Financial Economics 59(1)",
    undefined="NaN where nothing was traded",
    standard=[{"window": 20}, {"window": 60}],
)
def volume_volatility(x: Sources, p: Any) -> Node:
    """Standard deviation of the log changes of the volume (ddof 1)."""
    return g.std(log_returns(x.volume), p.window, 1)


@define(
    "Correlation of return and volume",
    family=_F,
    inputs="close volume",
    params=[whole("window", 60, 2)],
    unit="-1 to 1",
    source="Karpoff (1987), JFQA 22(1)",
    undefined="NaN where one does not change",
    standard=[{"window": 20}, {"window": 60}],
)
def return_volume_correlation(x: Sources, p: Any) -> Node:
    """Pearson correlation of the log returns with the log changes of the volume."""
    return g.correlation(log_returns(x.close), log_returns(x.volume), p.window)


@define(
    "Signed volume",
    family=_F,
    inputs="close volume",
    params=[whole("window", 20)],
    unit="-1 to 1",
    source="Granville (1963), New Key to Stock Market Profits",
    undefined="NaN where nothing was traded",
    standard=[{"window": 20}, {"window": 60}],
)
def signed_volume(x: Sources, p: Any) -> Node:
    """Volume of rising less that of falling rows, over all of it.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> from tradewright.features.pipeline import FeatureSet
    >>> price = [1.0, 2.0, 1.0]
    >>> bars = Bars.from_arrays(None, price, price, price, price, [9.0, 3.0, 1.0])
    >>> FeatureSet([{"feature": "signed_volume", "window": 2}]).compute(bars).column(0)[:, 0].tolist()
    [nan, nan, 0.5]
    """
    way = g.sign(g.change(x.close)) * x.volume
    return g.total(way, p.window) / g.total(g.known(x.volume, way), p.window)


@define(
    "Distance to the volume-weighted price",
    family=_F,
    inputs="high low close volume",
    params=[whole("window", 20)],
    unit="fraction",
    source="Berkowitz, Logue and Noser (1988), Journal of Finance 43(1)",
    undefined="NaN where nothing was traded",
    standard=[{"window": 20}, {"window": 60}],
)
def distance_to_vwap(x: Sources, p: Any) -> Node:
    """Close over the mean typical price of the window weighted by volume, minus 1."""
    paid = g.total(x.typical * x.volume, p.window)
    return x.close * g.total(x.volume, p.window) / paid - 1.0


@define(
    "Share of rows without a move",
    family=_F,
    inputs="close",
    params=[whole("window", 60)],
    unit="0 to 1",
    source="Lesmond, Ogden and Trzcinka (1999), Review of Financial Studies 12(5)",
    standard=[{"window": 60}],
)
def zero_return_share(x: Sources, p: Any) -> Node:
    """Share of the rows of the window that closed where the row before did."""
    return g.mean(1.0 - g.absolute(g.sign(g.change(x.close))), p.window)


@define(
    "Range per money traded",
    family=_F,
    inputs="high low close volume",
    params=[whole("window", 20)],
    unit="log range per million of currency",
    source="After Amihud (2002), Journal of Financial Markets 5(1), with the range for the return",
    undefined="NaN where nothing was traded",
    standard=[{"window": 20}],
)
def range_impact(x: Sources, p: Any) -> Node:
    """Mean of the log range over money traded, times 1e6."""
    return g.mean(g.log(x.high / x.low) / (x.close * x.volume), p.window) * 1e6
