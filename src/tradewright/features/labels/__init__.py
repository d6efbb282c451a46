"""Labels: what happened after a decision, how much each answer is worth, and how much to bet on a forecast.

Entry points: `triple_barrier`, `trend_scan`, `fixed_horizon`, `meta_labels` (each gives `Labels`); `cusum_events` and
`ewm_volatility` (when to ask, and how far); `concurrency`, `average_uniqueness`, `sequential_bootstrap`, `time_decay`,
`return_attribution` (weights); `bet_size`, `average_active`, `kelly_binary` and their like (sizes); `align_features`
(what was known at t0 beside what came of it).

    import tradewright as tw
    from tradewright.features import labels
    bars = tw.load("SPX")
    found = labels.triple_barrier(bars, labels.cusum_events(bars, 0.02))
    found.to_frame()

Invariants: labels look into the future on purpose, and each says how far: its span ``[t0, t1]``, closed on both sides.
Nothing after ``t1`` has any part in it. Splitters of ``tradewright.models.validation`` purge by these spans.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.features.labels.align import Aligned, align_features
    from tradewright.features.labels.barriers import fixed_horizon, meta_labels, triple_barrier
    from tradewright.features.labels.bets import (
        average_active,
        bet_size,
        budget_size,
        discretise,
        kelly_binary,
        kelly_continuous,
        limit_price,
        position_size,
        target_position,
        width_of,
    )
    from tradewright.features.labels.events import Events, cusum_events, every_bar, ewm_volatility
    from tradewright.features.labels.registry import compute, kinds
    from tradewright.features.labels.table import Barrier, Labels
    from tradewright.features.labels.trend import trend_scan
    from tradewright.features.labels.weights import (
        average_uniqueness,
        concurrency,
        return_attribution,
        sequential_bootstrap,
        sequential_probabilities,
        time_decay,
    )

_HOME = {
    "align": ("Aligned", "align_features"),
    "barriers": ("fixed_horizon", "meta_labels", "triple_barrier"),
    "bets": (
        "average_active", "bet_size", "budget_size", "discretise", "kelly_binary", "kelly_continuous", "limit_price",
        "position_size", "target_position", "width_of",
    ),
    "events": ("Events", "cusum_events", "every_bar", "ewm_volatility"),
    "registry": ("compute", "kinds"),
    "table": ("Barrier", "Labels"),
    "trend": ("trend_scan",),
    "weights": (
        "average_uniqueness", "concurrency", "return_attribution", "sequential_bootstrap", "sequential_probabilities",
        "time_decay",
    ),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Aligned",
    "Barrier",
    "Events",
    "Labels",
    "align_features",
    "average_active",
    "average_uniqueness",
    "bet_size",
    "budget_size",
    "compute",
    "concurrency",
    "cusum_events",
    "discretise",
    "every_bar",
    "ewm_volatility",
    "fixed_horizon",
    "kelly_binary",
    "kelly_continuous",
    "kinds",
    "limit_price",
    "meta_labels",
    "position_size",
    "return_attribution",
    "sequential_bootstrap",
    "sequential_probabilities",
    "target_position",
    "time_decay",
    "trend_scan",
    "triple_barrier",
    "width_of",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        from tradewright.domain.errors import closest

        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{closest(name, __all__)}")
    value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value  # the next look-up is a plain attribute
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
