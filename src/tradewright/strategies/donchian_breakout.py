"""Breakout from the channel of the previous bars.

Entry point: `DonchianBreakout`.
"""

from __future__ import annotations

from typing import Literal

from tradewright.strategies.base import RuleStrategy

__all__ = ["DonchianBreakout"]


class DonchianBreakout(RuleStrategy):
    """Buy a close above the highest high of the previous bars, leave below the lowest low of fewer of them.

    Parameters
    ----------
    entry : int
        Bars of the entry channel, at least 1.
    exit : int
        Bars of the exit channel, at least 1.
    on : {"state", "cross"}
        ``"state"``: hold the wanted state at every bar. ``"cross"``: act only where it changes.
    direction : {"long", "long_short"}
        ``"long_short"`` also sells a close below the lowest low of the entry channel.

    Notes
    -----
    The channel at ``t`` is ``max(high[t - entry .. t - 1])`` and ``min(low[t - exit .. t - 1])``: the current bar is
    not part of it, else a close could hardly ever leave it. Known at the close of ``t``; warm-up: ``max(entry, exit)
    + 1`` bars. Source: the four-week rule of R. Donchian; windows 20 and 10 are "System 1" of the Turtles (C. Faith,
    "Way of the Turtle", 2007).

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> close = [1.0, 2.0, 3.0, 2.5, 1.0]
    >>> bars = Bars.from_arrays(None, close, close, close, close)
    >>> DonchianBreakout(entry=2, exit=1).signals(bars)[:, 0].tolist()
    [-128, -128, 1, 0, 0]
    """

    name = "donchian_breakout"
    constraint = "entry >= 1 and exit >= 1"
    rule_name = "donchian"
    rule_params = ("entry", "exit")
    entry: int = 20
    exit: int = 10
    on: Literal["cross", "state"] = "state"
    direction: Literal["long", "long_short"] = "long"

    def warm_up(self) -> int:
        return max(self.entry, self.exit) + 1 + (1 if self.on == "cross" else 0)
