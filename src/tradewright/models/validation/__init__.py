"""Splitters for scikit-learn that know how long each label looks into the future.

Entry points: `PurgedKFold`, `CombinatorialPurgedKFold`, `WalkForward`, and `Spans`, `instant_spans`, which say when
labels begin and end.

    from sklearn.model_selection import cross_val_score
    from tradewright.models.validation import PurgedKFold
    cross_val_score(model, X, y, cv=PurgedKFold(5, spans=labels))

Invariants: the span of a training label never meets the time of a test fold; rows of one instant are never on both
sides; without spans there is no split, but an error.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.models.validation.combinatorial import CombinatorialPurgedKFold
    from tradewright.models.validation.kfold import PurgedKFold
    from tradewright.models.validation.spans import Spans, instant_spans
    from tradewright.models.validation.walk_forward import WalkForward

__all__ = ["CombinatorialPurgedKFold", "PurgedKFold", "Spans", "WalkForward", "instant_spans"]

_HOME = {
    "CombinatorialPurgedKFold": "combinatorial",
    "PurgedKFold": "kfold",
    "Spans": "spans",
    "WalkForward": "walk_forward",
    "instant_spans": "spans",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value  # the next look-up is a plain attribute
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
