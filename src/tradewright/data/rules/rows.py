"""Rules about single rows: what is no bar at all.

Entry points: `StampRule`, `MissingRule`, `PriceRule`, `RelationRule`, `WickRule`, `VolumeRule`; `ROW_RULES` in the
order in which they run.

Invariants: each sees rows as they came, in any order; an error means that the row alone is no bar.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..stamps import NAT
from .base import LARGEST_PRICE, ROUNDING, Hits, Rule, Series, Stage, hits_of

__all__ = ["ROW_RULES", "MissingRule", "PriceRule", "RelationRule", "StampRule", "VolumeRule", "WickRule"]


class StampRule:
    """The time of a row can be read."""

    name = "stamp"
    stage: Stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        """Rows without a readable time."""
        bad = series.ts == NAT
        return hits_of(bad, series.close, "error", "the time of the row cannot be read", "quarantined")


class MissingRule:
    """Open, high, low and close are numbers."""

    name = "missing"
    stage: Stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        """Rows with an empty price cell, or text in one."""
        empty = np.isnan(series.open) | np.isnan(series.high) | np.isnan(series.low) | np.isnan(series.close)
        text = np.zeros(empty.shape, dtype=np.bool_)
        text[series.text_rows] = True
        price, volume = "there is text in the place of a price", "there is text in the place of a volume"
        return [
            *hits_of(empty & ~text, series.close, "error", "a price is missing", "quarantined"),
            *hits_of(empty & text, series.close, "error", price, "quarantined", "text"),
            *hits_of(text & ~empty, series.volume, "warning", volume, "volume unknown", "text"),
        ]


class PriceRule:
    """Prices are above zero and below anything that a price can be."""

    name = "price"
    stage: Stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        """Rows with a price that is zero, negative, infinite or at least `LARGEST_PRICE`."""
        prices = np.stack((series.open, series.high, series.low, series.close))
        lowest, highest = np.fmin.reduce(prices), np.fmax.reduce(prices)
        return [
            *hits_of(lowest <= 0.0, lowest, "error", "the price {value:g} is not above 0", "quarantined"),
            *hits_of((highest == np.inf) & ~(lowest <= 0.0), highest, "error", "a price is infinite", "quarantined"),
            *hits_of(
                (highest >= LARGEST_PRICE) & (highest < np.inf) & ~(lowest <= 0.0),
                highest,
                "error",
                f"the price {{value:g}} is beyond {LARGEST_PRICE:g}, which nothing costs",
                "quarantined",
            ),
        ]


class RelationRule:
    """Low is the lowest and high the highest of the four prices."""

    name = "relation"
    stage: Stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        """Rows that contradict themselves; last-digit differences are widened instead."""
        body_top, body_bottom = np.maximum(series.open, series.close), np.minimum(series.open, series.close)
        with np.errstate(invalid="ignore", over="ignore"):
            over = np.maximum(body_top - series.high, np.maximum(series.low - body_bottom, series.low - series.high))
            slack = ROUNDING * np.abs(body_top)
            wrong = over > slack
            tiny = (over > 0.0) & ~wrong
        return [
            *hits_of(wrong, over, "error", "open or close lies {value:g} outside low to high", "quarantined"),
            *hits_of(tiny, over, "info", "open or close lies {value:g} outside low to high, a rounding of the source",
                   "widened", "rounding"),
        ]  # fmt: skip


class WickRule:
    """High and low are of the order of magnitude of open and close."""

    name = "wick"
    stage: Stage = "row"

    def __init__(self, *, factor: float = 50.0) -> None:
        self.factor = factor

    def hits(self, series: Series) -> list[Hits]:
        """Rows whose high (low) is more than `factor` times above (below) both open and close."""
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            over = series.high / np.maximum(series.open, series.close)
            under = np.minimum(series.open, series.close) / series.low
            far = np.fmax(over, under)
            wrong = (far > self.factor) & (series.low > 0.0)
        text = "high or low is {value:.4g} times away from open and close"
        return hits_of(wrong, far, "error", text, "quarantined")


class VolumeRule:
    """Volume is not negative, and finite when known."""

    name = "volume"
    stage: Stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        """Rows with a negative or infinite volume."""
        bad = (series.volume < 0.0) | np.isinf(series.volume)
        return hits_of(bad, series.volume, "error", "the volume {value:g} is negative or infinite", "quarantined")


ROW_RULES: Final[tuple[Rule, ...]] = (
    StampRule(), MissingRule(), PriceRule(), RelationRule(), WickRule(), VolumeRule(),
)  # fmt: skip
