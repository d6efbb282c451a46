"""Reversion to the mean from outside the Bollinger bands.

Entry point: `BollingerReversion`.
"""

from __future__ import annotations

from typing import Literal

from tradewright.strategies.base import RuleStrategy

__all__ = ["BollingerReversion"]


class BollingerReversion(RuleStrategy):
    """Buy a close below the lower band, leave at the mean.

    Parameters
    ----------
    window : int
        Bars of mean and standard deviation, at least 2.
    width : float
        Distance of the bands in standard deviations, above 0.
    on : {"state", "cross"}
        ``"state"``: hold the wanted state at every bar. ``"cross"``: act only where it changes.
    direction : {"long", "long_short"}
        ``"long_short"`` also sells a close above the upper band.

    Notes
    -----
    ``band_t = mean_t -+ width * std_t`` over ``close[t - window + 1 .. t]`` with ddof 0; long when ``close_t <
    lower_t``, flat again when ``close_t >= mean_t``, the state kept in between. Known at the close of ``t``; warm-up:
    `window` bars. Source: J. Bollinger, "Bollinger on Bollinger Bands" (2001), chapters 7 and 15.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> close = [10.0, 10.0, 10.0, 4.0, 10.0]
    >>> bars = Bars.from_arrays(None, close, close, close, close)
    >>> BollingerReversion(window=3, width=1.0).signals(bars)[:, 0].tolist()
    [-128, -128, 0, 1, 0]
    """

    name = "bollinger_reversion"
    constraint = "window >= 2 and width > 0"
    rule_name = "bollinger"
    rule_params = ("window", "width")
    window: int = 20
    width: float = 2.0
    on: Literal["cross", "state"] = "state"
    direction: Literal["long", "long_short"] = "long"

    def warm_up(self) -> int:
        return self.window + (1 if self.on == "cross" else 0)
