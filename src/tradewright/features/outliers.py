"""Outliers, judged by the rows before: limits that the row itself does not move.

Entry points: the definitions below, registered by name; `median_and_mad`. Limits that are fitted on training rows are
`tradewright.features.transformers.Winsoriser` and `MadClipper`.

Invariants: the limits of row ``t`` come from rows before ``t``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.features.feature import Sources, Windowed, define
from tradewright.features.indicators import graph as g
from tradewright.features.indicators.graph import Node
from tradewright.features.indicators.spec import real, whole

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["MAD_TO_SIGMA", "median_and_mad"]

MAD_TO_SIGMA: Final = 1.482602218505602
"""Standard deviation of a normal distribution over its median absolute deviation: 1 / Phi^-1(3/4)."""

_F: Final = "outliers"
_RETURN: Final = {"feature": "log_return", "window": 1}
_HAMPEL: Final = "Hampel (1974), Journal of the American Statistical Association 69(346)"


def median_and_mad(x: F64, window: int) -> tuple[F64, F64]:
    """Median, and median absolute deviation from it, of the `window` rows before each row.

    Parameters
    ----------
    x : float64 array, shape (n,)
    window : int

    Returns
    -------
    median, mad : float64 array, shape (n,)
        NaN for the first `window` rows and while one of those rows is missing; not scaled to a standard deviation.

    Examples
    --------
    >>> median, mad = median_and_mad(np.array([1.0, 2.0, 9.0, 5.0]), 3)
    >>> median.tolist(), mad.tolist()
    ([nan, nan, nan, 2.0], [nan, nan, nan, 1.0])
    """
    n = x.size
    middle, spread = np.full(n, np.nan), np.full(n, np.nan)
    # In pieces, so that the windows of a long series do not lie in memory at once.
    piece = max(1, 2_000_000 // window)
    for begin in range(window, n, piece):
        end = min(begin + piece, n)
        rows = np.sort(np.lib.stride_tricks.sliding_window_view(x[begin - window : end - 1], window), axis=1)
        rows[np.isnan(rows[:, -1])] = np.nan
        middle[begin:end] = (rows[:, (window - 1) // 2] + rows[:, window // 2]) / 2.0
        spread[begin:end] = (_nearest(rows, middle[begin:end], (window + 1) // 2)
                             + _nearest(rows, middle[begin:end], window // 2 + 1)) / 2.0  # fmt: skip
    return middle, spread


def _nearest(rows: F64, middle: F64, k: int) -> F64:
    """Distance from the middle to the k-th nearest of each sorted row: the k nearest of it lie side by side."""
    most = rows.shape[1] - k + 1
    reach = np.maximum(middle[:, None] - rows[:, :most], rows[:, k - 1 :] - middle[:, None])
    return np.asarray(reach.min(axis=1))


def _score(columns: Sequence[F64], window: int) -> F64:
    x = np.where(np.isfinite(columns[0]), columns[0], np.nan)
    middle, spread = median_and_mad(x, window)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((x - middle) / np.where(spread > 0.0, MAD_TO_SIGMA * spread, np.nan))


def _clip(columns: Sequence[F64], window: int, width: float) -> F64:
    x = np.where(np.isfinite(columns[0]), columns[0], np.nan)
    middle, spread = median_and_mad(x, window)
    reach = width * MAD_TO_SIGMA * spread
    return np.asarray(np.minimum(np.maximum(x, middle - reach), middle + reach))


@define(
    "Robust score",
    family=_F,
    kind="state",
    takes={"of": _RETURN},
    params=[whole("window", 60, 2, 100_000)],
    unit="standard deviations of a normal distribution with that deviation",
    source=_HAMPEL,
    undefined="NaN where the median absolute deviation is 0",
    notes="Median and deviation of the `window` rows before.",
    warm_up=lambda p: p.window + 1,
    standard=[{"window": 60}],
)
def mad_score(p: Any) -> Windowed:
    """Distance from the median of the rows before, over their scaled median absolute deviation."""
    return Windowed(p.window + 1, lambda columns: _score(columns, p.window))


@define(
    "Clipped by the median absolute deviation",
    family=_F,
    kind="state",
    takes={"of": _RETURN},
    params=[whole("window", 120, 2, 100_000), real("width", 3.0, 0.0, 1e6)],
    unit="that of `of`",
    source=_HAMPEL,
    notes="Not further from the median of the `window` rows before than `width` times their scaled deviation.",
    warm_up=lambda p: p.window + 1,
)
def mad_clip(p: Any) -> Windowed:
    """Value, brought back to the limits that the rows before set."""
    return Windowed(p.window + 1, lambda columns: _clip(columns, p.window, p.width))


@define(
    "Winsorised",
    family=_F,
    takes={"of": _RETURN},
    params=[whole("window", 120, 2), real("share", 0.025, 0.0, 0.5, "of the rows beyond each limit", open_low=False)],
    unit="that of `of`",
    source="Tukey (1962), Annals of Mathematical Statistics 33(1)",
    notes="Limits are quantiles (between ranks by a straight line) of the `window` rows before.",
    standard=[{"window": 120, "share": 0.025}],
)
def winsorise(x: Sources, p: Any) -> Node:
    """Value, brought back to the quantiles of the rows before.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> from tradewright.features.pipeline import FeatureSet
    >>> price = [1.0, 2.0, 3.0, 50.0]
    >>> bars = Bars.from_arrays(None, price, price, price, price)
    >>> wanted = FeatureSet([{"feature": "winsorise", "window": 3, "share": 0.0, "of": "close"}])
    >>> wanted.compute(bars).column(0)[:, 0].tolist()
    [nan, nan, nan, 3.0]
    """
    low = g.lag(g.quantile(x.of, p.window, p.share), 1)
    high = g.lag(g.quantile(x.of, p.window, 1.0 - p.share), 1)
    return g.smaller(g.larger(x.of, low), high)
