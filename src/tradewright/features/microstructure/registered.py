"""Impact and spreads from bars as features of the registry, so that pipelines name them like any other.

Entry points: the definitions below, registered by name.

Invariants: the values are those of the functions of the same names in `bars`; a price that is not finite and above 0
and a volume that is not finite and 0 or more count as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.features.feature import Windowed, define
from tradewright.features.indicators.spec import whole

from .bars import BAR_FEATURES

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["abdi_ranaldo", "corwin_schultz", "edge_spread", "hasbrouck_lambda", "kyle_lambda", "roll_spread"]

_FAMILY: Final = "liquidity"
_FRACTION: Final = "fraction of the price"
_ZERO: Final = "0 where the estimate is negative"


def _windowed(name: str, p: Any) -> Windowed:
    entry = BAR_FEATURES[name]

    def function(columns: Sequence[F64]) -> F64:
        clean = []
        for column, x in zip(entry.inputs, columns, strict=True):
            with np.errstate(invalid="ignore"):
                good = np.isfinite(x) & (x >= 0 if column == "volume" else x > 0)
            clean.append(np.where(good, x, np.nan))
        return entry.function(*clean, window=p.window)

    return Windowed(entry.warm_up(p.window), function)


def _warm_up(name: str) -> Callable[[Any], int]:
    return lambda p: BAR_FEATURES[name].warm_up(p.window)


@define(
    "Kyle's lambda", family=_FAMILY, kind="state", inputs="close volume", params=[whole("window", 21, 1)],
    unit="price per unit of volume", source="Kyle (1985), Econometrica 53(6); Lopez de Prado (2018), section 19.4.1",
    undefined="NaN where no row of the window moved with volume", warm_up=_warm_up("kyle_lambda"),
)  # fmt: skip
def kyle_lambda(p: Any) -> Windowed:
    """Slope of changes of the close on volume with the sign of the change, through the origin."""
    return _windowed("kyle_lambda", p)


@define(
    "Hasbrouck's lambda", family=_FAMILY, kind="state", inputs="close volume", params=[whole("window", 21, 1)],
    unit="log return per root of currency", source="Hasbrouck (2009), Journal of Finance 64(3)",
    undefined="NaN where no row of the window moved with volume", warm_up=_warm_up("hasbrouck_lambda"),
)  # fmt: skip
def hasbrouck_lambda(p: Any) -> Windowed:
    """Slope of log returns on the signed root of money traded, through the origin."""
    return _windowed("hasbrouck_lambda", p)


@define(
    "Spread by Roll", family=_FAMILY, kind="state", inputs="close", params=[whole("window", 21, 2)], unit=_FRACTION,
    source="Roll (1984), Journal of Finance 39(4)", notes=_ZERO, warm_up=_warm_up("roll_spread"),
)  # fmt: skip
def roll_spread(p: Any) -> Windowed:
    """Twice the root of minus the covariance of successive log returns."""
    return _windowed("roll_spread", p)


@define(
    "Spread by Corwin and Schultz", family=_FAMILY, kind="state", inputs="high low close",
    params=[whole("window", 21, 1)], unit=_FRACTION, source="Corwin and Schultz (2012), Journal of Finance 67(2)",
    notes="overnight gaps taken out; negative two-row estimates count as 0", warm_up=_warm_up("corwin_schultz"),
)  # fmt: skip
def corwin_schultz(p: Any) -> Windowed:
    """Mean of two-row estimates out of the ranges of one and of two rows."""
    return _windowed("corwin_schultz", p)


@define(
    "Spread by Abdi and Ranaldo", family=_FAMILY, kind="state", inputs="high low close",
    params=[whole("window", 21, 1)], unit=_FRACTION, notes=_ZERO, warm_up=_warm_up("abdi_ranaldo"),
    source="Abdi and Ranaldo (2017), Review of Financial Studies 30(12)",
)  # fmt: skip
def abdi_ranaldo(p: Any) -> Windowed:
    """Root of the mean product of log closes less the mid-ranges of their own and of the next row."""
    return _windowed("abdi_ranaldo", p)


@define(
    "Spread by EDGE", family=_FAMILY, kind="state", inputs="open high low close", params=[whole("window", 21, 3)],
    unit=_FRACTION, source="Ardia, Guidotti and Kroencke (2024), Journal of Financial Economics 161",
    undefined="NaN where no row of the window moved, or opens or closes are always at both extremes",
    warm_up=_warm_up("edge_spread"),
)  # fmt: skip
def edge_spread(p: Any) -> Windowed:
    """Efficient combination of moments of opens, mid-ranges and closes."""
    return _windowed("edge_spread", p)
