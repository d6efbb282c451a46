"""Turns bars into numbers known at the time.

Entry points: `indicators` (the registry and everything in it), `Stream` (one row at a time), `FeatureSet` (features as
a declarative pipeline), `labels` (what came of it).

Invariants: nothing here knows a later row, and every value can also be had row by row; labels alone look ahead, and say
how far.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.features import indicators, labels
    from tradewright.features.dated import DatedSeries, read_series
    from tradewright.features.pipeline import Features, FeatureSet
    from tradewright.features.streaming import Stream

__all__ = ["DatedSeries", "FeatureSet", "Features", "Stream", "indicators", "labels", "read_series"]

_HOME = {
    "DatedSeries": "dated",
    "FeatureSet": "pipeline",
    "Features": "pipeline",
    "Stream": "streaming",
    "read_series": "dated",
}


def __getattr__(name: str) -> Any:
    if name in {"indicators", "labels"}:
        return importlib.import_module(f".{name}", __name__)
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
