"""One row of prices, transformed.

Entry points: the definitions below, registered by name.

Invariants: no memory but the row before.
"""

from __future__ import annotations

from typing import Any, Final

from tradewright.features.indicators import graph as g
from tradewright.features.indicators.graph import Inputs, Node
from tradewright.features.indicators.spec import Talib, define

_F: Final = "price"


@define(
    "Average price", family=_F, inputs="open high low close", unit="price", source="Classical", talib=Talib("AVGPRICE")
)
def avgprice(x: Inputs, p: Any) -> Node:
    """Mean of open, high, low and close."""
    return (x.open + x.high + x.low + x.close) / 4.0


@define("Median price", family=_F, inputs="high low", unit="price", source="Classical", talib=Talib("MEDPRICE"))
def medprice(x: Inputs, p: Any) -> Node:
    """Mean of high and low."""
    return x.middle


@define("Typical price", family=_F, inputs="high low close", unit="price", source="Classical", talib=Talib("TYPPRICE"))
def typprice(x: Inputs, p: Any) -> Node:
    """Mean of high, low and close."""
    return x.typical


@define("Weighted close", family=_F, inputs="high low close", unit="price", source="Classical", talib=Talib("WCLPRICE"))
def wclprice(x: Inputs, p: Any) -> Node:
    """Mean of high, low and twice the close."""
    return (x.high + x.low + x.close * 2.0) / 4.0


@define(
    "Gap",
    family=_F,
    inputs="open close",
    unit="fraction",
    source="Classical",
    undefined="NaN where the close before is 0",
)
def gap(x: Inputs, p: Any) -> Node:
    """Open over the close before, minus 1."""
    return x.open / g.previous(x.close) - 1.0


@define(
    "Body", family=_F, inputs="open close", unit="fraction", source="Classical", undefined="NaN where the open is 0"
)
def body(x: Inputs, p: Any) -> Node:
    """Close over open, minus 1."""
    return x.close / x.open - 1.0


@define(
    "Place of the close in its bar",
    family=_F,
    inputs="high low close",
    unit="0 to 1",
    source="Classical",
    undefined="0.5 where high equals low",
)
def close_place(x: Inputs, p: Any) -> Node:
    """``(close - low) / (high - low)``; also called internal bar strength."""
    return g.quotient(x.close - x.low, x.high - x.low, zero=0.5)
