"""Turns bars into numbers known at the time.

Entry points: `indicators` (the registry and everything in it), `Stream` (one row at a time), `labels` (what came of it).

Invariants: nothing here knows a later row, and every value can also be had row by row; labels alone look ahead, and say
how far.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.features import indicators, labels
    from tradewright.features.streaming import Stream

__all__ = ["Stream", "indicators", "labels"]


def __getattr__(name: str) -> Any:
    if name in {"indicators", "labels"}:
        return importlib.import_module(f".{name}", __name__)
    if name == "Stream":
        return importlib.import_module(".streaming", __name__).Stream
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
