"""Features of order books, of trades, and of bars that stand for them.

Entry points: `OrderBook`, `replay`, `compare_quotes` (books); `trade_bars`, `vpin`, `tick_rule`, `bulk_volume`,
`signed_volume`, `order_flow_imbalance` (trades); `amihud`, `kyle_lambda`, `hasbrouck_lambda`, `roll_spread`,
`corwin_schultz`, `abdi_ranaldo`, `edge_spread`, `BAR_FEATURES`, `BarStream` (bars).

Names are loaded when they are first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bars import (
        BAR_FEATURES,
        BarStream,
        abdi_ranaldo,
        amihud,
        corwin_schultz,
        edge_spread,
        hasbrouck_lambda,
        kyle_lambda,
        roll_spread,
    )
    from .book import BookUpdate, OrderBook, Replay, replay
    from .flow import bulk_volume, order_flow_imbalance, signed_volume, tick_rule, vpin
    from .quotes import QuoteComparison, compare_quotes
    from .tape import TradeBars, trade_bars

_HOME = {
    "bars": (
        "BAR_FEATURES", "BarStream", "abdi_ranaldo", "amihud", "corwin_schultz", "edge_spread", "hasbrouck_lambda",
        "kyle_lambda", "roll_spread",
    ),
    "book": ("BookUpdate", "OrderBook", "Replay", "replay"),
    "flow": ("bulk_volume", "order_flow_imbalance", "signed_volume", "tick_rule", "vpin"),
    "quotes": ("QuoteComparison", "compare_quotes"),
    "tape": ("TradeBars", "trade_bars"),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "BAR_FEATURES",
    "BarStream",
    "BookUpdate",
    "OrderBook",
    "QuoteComparison",
    "Replay",
    "TradeBars",
    "abdi_ranaldo",
    "amihud",
    "bulk_volume",
    "compare_quotes",
    "corwin_schultz",
    "edge_spread",
    "hasbrouck_lambda",
    "kyle_lambda",
    "order_flow_imbalance",
    "replay",
    "roll_spread",
    "signed_volume",
    "tick_rule",
    "trade_bars",
    "vpin",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
