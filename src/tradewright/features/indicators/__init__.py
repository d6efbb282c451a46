"""Indicators: one registry for the command line, Python, strategies and streams.

Entry points: `compute`, `indicator`, `names`, `families`, and every indicator by its name.

    import tradewright as tw
    tw.indicators.rsi(close, window=14)
    tw.indicators.macd(bars).signal
    stream = tw.indicators.rsi.stream(window=14)

Invariants: row ``t`` is known at the close of row ``t``; NaN exactly for the warm-up; row by row gives the values of
whole columns.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.features.indicators.registry import compute, families, indicator, names
    from tradewright.features.indicators.spec import Indicator, Param

__all__ = ["Indicator", "Param", "compute", "families", "indicator", "names"]

_HOME = {
    "Indicator": "spec",
    "Param": "spec",
    "compute": "registry",
    "families": "registry",
    "indicator": "registry",
    "names": "registry",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tradewright.domain.errors import InputError
    from tradewright.features.indicators.registry import indicator as find

    try:
        return find(name)
    except InputError as error:
        raise AttributeError(str(error)) from None


def __dir__() -> list[str]:
    from tradewright.features.indicators.registry import names as all_names

    return sorted({*__all__, *all_names()})
