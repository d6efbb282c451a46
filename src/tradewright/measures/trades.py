"""A list of closed trades in one number each.

Entry points: `win_rate`, `profit_factor`, `expectancy`, `sqn`, `kelly`.

Invariants: the input is the net profit of each closed trade, costs included, in money (positions still open are left
out by the caller); a trade with a profit of exactly zero is neither a win nor a loss but counts as a trade.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ._check import series

__all__ = ["expectancy", "kelly", "profit_factor", "sqn", "win_rate"]


def win_rate(pnl: npt.ArrayLike) -> float:
    """Share of trades with a profit above zero.

    Parameters
    ----------
    pnl : array-like, shape (n_trades,)
        Net profit of each closed trade, in money.

    Returns
    -------
    float
        In [0, 1]; NaN without trades.

    Examples
    --------
    >>> win_rate([10.0, -5.0, 0.0, 2.0])
    0.5
    """
    profit = series(pnl, "pnl")
    return float(np.mean(profit > 0.0)) if profit.size else math.nan


def profit_factor(pnl: npt.ArrayLike) -> float:
    """Sum of wins over the sum of losses.

    Parameters
    ----------
    pnl : array-like, shape (n_trades,)
        Net profit of each closed trade, in money.

    Returns
    -------
    float
        NaN when nothing was lost (not infinite: a ratio without a denominator says nothing).

    Examples
    --------
    >>> profit_factor([10.0, -5.0, 5.0])
    3.0
    """
    profit = series(pnl, "pnl")
    lost = -float(profit[profit < 0.0].sum())
    return float(profit[profit > 0.0].sum()) / lost if lost > 0.0 else math.nan


def expectancy(pnl: npt.ArrayLike) -> float:
    """Mean net profit of a trade.

    Parameters
    ----------
    pnl : array-like, shape (n_trades,)
        Net profit of each closed trade, in money.

    Returns
    -------
    float
        Money a trade; NaN without trades.

    Examples
    --------
    >>> expectancy([10.0, -5.0, 4.0])
    3.0
    """
    profit = series(pnl, "pnl")
    return float(profit.mean()) if profit.size else math.nan


def sqn(pnl: npt.ArrayLike) -> float:
    """System quality number: the t-statistic of the mean trade.

    ``sqrt(n) * mean(pnl) / std(pnl, ddof=1)``, with all trades (Tharp caps ``n`` at 100; here it is not capped).

    Parameters
    ----------
    pnl : array-like, shape (n_trades,)
        Net profit of each closed trade, in money.

    Returns
    -------
    float
        NaN with fewer than two trades, or when all are equal.

    Notes
    -----
    Source: Tharp (2008), "The Definitive Guide to Position Sizing", ch. 2.

    Examples
    --------
    Mean 2, deviation 2.828427, two trades:

    >>> round(sqn([4.0, 0.0]), 6)
    1.0
    """
    profit = series(pnl, "pnl")
    if profit.size < 2 or profit.min() == profit.max():
        return math.nan
    return math.sqrt(profit.size) * float(profit.mean()) / float(profit.std(ddof=1))


def kelly(pnl: npt.ArrayLike) -> float:
    """Kelly fraction of a bet with the observed win rate and the ratio of mean win to mean loss.

    ``W - (1 - W) / (mean win / mean loss)`` with `W` from `win_rate`. It treats trades as independent bets of equal
    size, which they are not: an upper bound to think about, not a size to use.

    Parameters
    ----------
    pnl : array-like, shape (n_trades,)
        Net profit of each closed trade, in money.

    Returns
    -------
    float
        Fraction of capital, negative when the edge is; NaN without a win or without a loss.

    Notes
    -----
    Source: Kelly (1956), "A New Interpretation of Information Rate", Bell System Technical Journal 35(4); in this form
    Thorp (1969), "Optimal Gambling Systems for Favorable Games".

    Examples
    --------
    Half are wins, twice as large as the losses:

    >>> kelly([2.0, -1.0])
    0.25
    """
    profit = series(pnl, "pnl")
    wins, losses = profit[profit > 0.0], profit[profit < 0.0]
    if not wins.size or not losses.size:
        return math.nan
    share = wins.size / profit.size
    return share - (1.0 - share) / (float(wins.mean()) / -float(losses.mean()))
