"""How much of the time and how much money was at work.

Entry points: `exposure`, `turnover`.

Invariants: exposure is a share of bars, turnover is a multiple of mean equity a year; both are zero or positive.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ._check import periods, series

__all__ = ["exposure", "turnover"]


def exposure(gross: npt.ArrayLike) -> float:
    """Share of bars that end with a position.

    Parameters
    ----------
    gross : array-like, shape (n_bars,)
        Gross exposure (or position) at each close; anything but zero counts as a position.

    Returns
    -------
    float
        In [0, 1]; NaN without bars.

    Examples
    --------
    >>> exposure([0.0, 1.0, 0.5, 0.0])
    0.5
    """
    held = series(gross, "gross")
    return float(np.count_nonzero(held)) / held.size if held.size else math.nan


def turnover(notional: npt.ArrayLike, equity: npt.ArrayLike, *, periods_per_year: float) -> float:
    """Money traded a year as a multiple of mean equity, both sides counted.

    ``sum(|notional|) / mean(equity) / years`` with ``years = n_bars / periods_per_year``. Buying once and selling once
    with everything is a turnover of about 2.

    Parameters
    ----------
    notional : array-like, shape (n_fills,)
        Value of each fill, in money; the sign does not matter.
    equity : array-like, shape (n_bars,)
        Equity at the close of each bar, in money.
    periods_per_year : float
        Bars in a year.

    Returns
    -------
    float
        Multiples a year; NaN without bars or when mean equity is zero or less.

    Examples
    --------
    >>> turnover([100.0, -100.0], [100.0, 100.0], periods_per_year=2.0)
    2.0
    """
    traded = float(np.abs(series(notional, "notional")).sum())
    curve = series(equity, "equity")
    year = periods(periods_per_year)
    mean = float(curve.mean()) if curve.size else math.nan
    return traded / mean / (curve.size / year) if mean > 0.0 else math.nan
