"""Rotation into the strongest instruments of the last year.

Entry point: `MomentumRotation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.kernel import core
from tradewright.strategies.base import Strategy

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars

__all__ = ["MomentumRotation"]


class MomentumRotation(Strategy):
    """Hold the `top` instruments with the highest return from `lookback` to `skip` bars ago, equally weighted.

    Parameters
    ----------
    top : int
        How many to hold, at least 1; with fewer instruments than that, all of them.
    lookback : int
        Start of the window in bars ago; 252 daily bars are twelve months.
    skip : int
        End of the window in bars ago, ``0 <= skip < lookback``; the last month (21) is left out because returns of
        one month tend to reverse.
    every : int
        Bars between rebalances.

    Notes
    -----
    ``score_t = close[t - skip] / close[t - lookback] - 1``; at rows ``lookback, lookback + every, ...`` the `top`
    best get ``1 / top`` each, ties to the earlier column, everything else 0. Warm-up: ``lookback + 1`` bars. Source:
    N. Jegadeesh, S. Titman, "Returns to Buying Winners and Selling Losers", Journal of Finance 48 (1993); the 12-1
    window is that of C. Asness, T. Moskowitz, L. Pedersen, "Value and Momentum Everywhere", Journal of Finance 68
    (2013), section I.B.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> close = [[1.0, 1.0], [2.0, 1.5], [2.0, 4.0]]
    >>> bars = Bars.from_arrays(None, close, close, close, close)
    >>> rows, weights = MomentumRotation(top=1, lookback=1, skip=0, every=1).weights(bars)
    >>> rows.tolist(), weights.tolist()
    ([1, 2], [[1.0, 0.0], [0.0, 1.0]])
    """

    name = "momentum_rotation"
    constraint = "0 <= skip < lookback and top >= 1 and every >= 1"
    top: int = 5
    lookback: int = 252
    skip: int = 21
    every: int = 21

    def warm_up(self) -> int:
        return self.lookback + 1

    def weights(self, bars: Bars) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.float64]]]:
        """Rows of rebalance and their weights ``(k, n_assets)``."""
        top = min(self.top, bars.n_assets)
        return core.momentum_weights(bars.close, self.lookback, self.skip, self.every, top, self.lookback)
