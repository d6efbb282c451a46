"""Labels of the clearest trend that begins at an event.

Entry points: `trend_scan`.

Invariants: all lengths that were looked at had a part in the choice, so the span of a label ends with the longest of
them, not with the one that was chosen.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError
from tradewright.features.labels.events import Events, events_of, number_of, own_rows, whole_of, word_of
from tradewright.features.labels.table import Labels, assembled
from tradewright.kernel import core

__all__ = ["trend_scan"]

_PRICES: Final = ("close", "log")
_LIMIT: Final = 1e6


def trend_scan(
    bars: Bars,
    events: Events | npt.ArrayLike | None = None,
    *,
    min_bars: int = 5,
    max_bars: int = 20,
    step: int = 1,
    min_t: float = 0.0,
    prices: str = "close",
) -> Labels:
    """Sign of the most significant straight line through the closes that follow.

    For each length L the closes of L bars, the event's first, are regressed on time; the L with the largest magnitude
    of the slope's t-value is chosen (the shortest of equals).

    Parameters
    ----------
    bars : Bars
    events : Events, array-like or None
        Where to ask; None: every bar.
    min_bars, max_bars : int
        Shortest and longest L, the event's bar counted; at least 3.
    step : int
        From one L to the next.
    min_t : float
        A trend whose t-value has not this magnitude has the label 0.
    prices : str
        What is regressed: the ``"close"`` or its ``"log"``.

    Returns
    -------
    Labels
        `score` is the t-value (its magnitude cut to 1e6, which an exact line has), `exit` the last close of the chosen
        line and `ret` the return to it. `row1` is the last bar of the longest line, because the choice needs it. Events
        with fewer bars than that behind them are dropped and counted.

    Raises
    ------
    InputError
        If lengths are out of order or too short, or a price is not above 0.

    References
    ----------
    Lopez de Prado (2020), Machine Learning for Asset Managers, section 5.4, snippets 5.1 and 5.2; also Lopez de Prado
    (2019), Trend-scanning labels.

    Examples
    --------
    Three points 1, 2, 4: slope 1.5, residuals 1/6, -1/3, 1/6, so t = 1.5 / sqrt((1/6) / 1 / 2) = 5.196.

    >>> close = [1.0, 2.0, 4.0]
    >>> found = trend_scan(Bars.from_arrays(None, close, close, close, close), [0], min_bars=3, max_bars=3)
    >>> found.label.tolist(), found.score.round(3).tolist(), found.ret.tolist()
    ([1], [5.196], [3.0])
    """
    word_of("prices", prices, _PRICES)
    for name, value in (("min_bars", min_bars), ("max_bars", max_bars), ("step", step)):
        whole_of(name, value, 1)
    if not 3 <= min_bars <= max_bars:
        raise InputError(
            f"Lengths go from min_bars {min_bars} to max_bars {max_bars}; a line needs 3 bars or "
            "more, and max_bars must not be below min_bars."
        )
    if not number_of("min_t", min_t) >= 0:
        raise InputError(f"min_t is {min_t}; it must be 0 or more.")
    longest = max_bars - (max_bars - min_bars) % step
    asked = events_of(bars, events)
    lost: Counter[str] = Counter()
    parts: list[dict[str, npt.NDArray[np.generic]]] = []
    for j in range(bars.n_assets):
        rows = own_rows(bars, j)
        wanted = asked.row[asked.asset == j]
        has_bar = np.isfinite(bars.close[wanted, j])
        at = np.searchsorted(rows, wanted[has_bar])
        inside = at + longest <= rows.size
        lost["no bar at the event"] += int((~has_bar).sum())
        lost["not over when the data ends"] += int((~inside).sum())
        at = at[inside].astype(np.int64)
        close = np.ascontiguousarray(bars.close[rows, j])
        if close.size and not close.min() > 0:
            raise InputError(f"A close of {bars.symbols[j]} is {close.min()}; returns need prices above 0.")
        t, length = core.trend_scan(np.log(close) if prices == "log" else close, at, min_bars, longest, step, _LIMIT)
        ends = at + length - 1
        label = (np.sign(t) * (np.abs(t) >= min_t)).astype(np.int8)
        ret = close[ends] / close[at] - 1.0
        parts.append(
            {
                "asset": np.full(at.size, j, dtype=np.int64),
                "row0": rows[at],
                "row1": rows[at + longest - 1],
                "bar0": at,
                "bar1": at + longest - 1,
                "label": label,
                "ret": ret,
                "net": ret * label,
                "entry": close[at],
                "exit": close[ends],
                "score": t,
            }
        )
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return assembled(
        "trend_scan",
        bars.symbols,
        bars.ts,
        columns,
        dropped=lost,
        conventions={
            "lines": f"least squares through {min_bars} to {longest} {prices} prices, the event's first, in steps of "
            f"{step}",
            "choice": "largest magnitude of the slope's t-value, the shortest of equals",
            "label": "sign of the slope" + (f"; 0 when the t-value is below {min_t:g}" if min_t else ""),
            "score": "t-value of the slope, magnitude cut to 1e6",
            "at_end": f"events with fewer than {longest} bars (their own counted) are dropped",
            "return": "simple, from the event's close to the last close of the chosen line",
            "span": "[t0, t1], closed: to the last bar of the longest line, since the choice needs it",
        },
    )
