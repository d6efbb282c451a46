"""Turns bars into numbers known at the time.

Entry points: `indicators` (the registry and everything in it), `Stream` (one row at a time).

Invariants: nothing here knows a later row; every value can also be had row by row.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.features import indicators
    from tradewright.features.streaming import Stream

__all__ = ["Stream", "indicators"]


def __getattr__(name: str) -> Any:
    if name == "indicators":
        return importlib.import_module(".indicators", __name__)
    if name == "Stream":
        return importlib.import_module(".streaming", __name__).Stream
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
