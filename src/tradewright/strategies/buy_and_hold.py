"""Buy once and wait.

Entry point: `BuyAndHold`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.forecasts import HOLD
from tradewright.strategies.base import Strategy

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars

__all__ = ["BuyAndHold"]


class BuyAndHold(Strategy):
    """Buy each instrument at its first bar and never sell: the benchmark that others have to beat.

    Notes
    -----
    A signal of 1 at the first close of each instrument, no opinion afterwards, so a position that a stop has closed
    is not entered again. Without `size`, equity is split evenly over the instruments. Warm-up: one bar.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> bars = Bars.from_arrays(None, *[[[1.0, np.nan], [1.0, 5.0], [1.0, 5.0]]] * 4)
    >>> BuyAndHold().signals(bars).tolist()
    [[1, -128], [-128, 1], [-128, -128]]
    """

    name = "buy_and_hold"

    def signals(self, bars: Bars) -> np.ndarray[Any, np.dtype[np.int8]]:
        """Signals, shape (n_bars, n_assets)."""
        out = np.full((bars.n_bars, bars.n_assets), HOLD, dtype=np.int8)
        known = np.isfinite(bars.close)
        first = known.argmax(axis=0)
        for column in np.flatnonzero(known.any(axis=0)):
            out[first[column], column] = 1
        return out
