"""Crossing of two simple moving averages.

Entry point: `SmaCross`.
"""

from __future__ import annotations

from typing import Literal

from tradewright.strategies.base import RuleStrategy

__all__ = ["SmaCross"]


class SmaCross(RuleStrategy):
    """Long while the fast average of closes is above the slow one.

    Parameters
    ----------
    fast, slow : int
        Windows in bars, ``1 <= fast < slow``.
    on : {"cross", "state"}
        ``"cross"``: act only at the bar where the order of the averages changes, so the first trade waits for a
        cross. ``"state"``: hold whatever the order of the averages says, from the first bar where both exist; a
        position that a stop has closed is entered again at the next bar.
    direction : {"long", "long_short"}
        ``"long_short"`` goes short where ``"long"`` goes flat.

    Notes
    -----
    ``fast_t = mean(close[t - fast + 1 .. t])``, likewise slow; state 1 if ``fast_t > slow_t``, else 0 (-1). Known at
    the close of ``t``. Warm-up: `slow` bars, one more on the cross. Source: J. Brock, J. Lakonishok, B. LeBaron,
    "Simple Technical Trading Rules and the Stochastic Properties of Stock Returns", Journal of Finance 47 (1992),
    section I.A (variable-length moving average rule without band).

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> close = [3.0, 2.0, 1.0, 2.0, 4.0, 1.0]
    >>> bars = Bars.from_arrays(None, close, close, close, close)
    >>> SmaCross(fast=1, slow=2, on="state").signals(bars)[:, 0].tolist()
    [-128, 0, 0, 1, 1, 0]
    >>> SmaCross(fast=1, slow=2).signals(bars)[:, 0].tolist()
    [-128, -128, -128, 1, -128, 0]
    """

    name = "sma_cross"
    constraint = "1 <= fast < slow"
    rule_name = "sma_cross"
    rule_params = ("fast", "slow")
    fast: int = 20
    slow: int = 100
    on: Literal["cross", "state"] = "cross"
    direction: Literal["long", "long_short"] = "long"

    def warm_up(self) -> int:
        return self.slow + (1 if self.on == "cross" else 0)
