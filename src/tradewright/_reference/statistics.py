"""Statistics of an equity curve and of trades. Undefined values are NaN.

Returns are ``r[t] = e[t] / e[t - 1] - 1``, the first against the initial cash; standard deviations have ``ddof=1`` and
are annualised with ``periods_per_year``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tradewright._reference.numbers import F64

NAN = float("nan")
METRICS = (
    "final_equity",
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "max_drawdown_bars",
    "n_trades",
    "win_rate",
    "profit_factor",
    "expectancy",
    "avg_trade",
    "best_trade",
    "worst_trade",
    "sqn",
    "exposure",
    "turnover",
    "fees",
    "slippage",
    "kelly",
)


def ratio(a: float, b: float) -> float:
    """``a / b``, NaN where `b` is 0.

    >>> ratio(1.0, 4.0), ratio(1.0, 0.0)
    (0.25, nan)
    """
    return a / b if b != 0.0 else NAN


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; NaN of nothing.

    >>> mean([1.0, 2.0])
    1.5
    """
    return math.fsum(values) / len(values) if values else NAN


def deviation(values: Sequence[float]) -> float:
    """Standard deviation with ``ddof=1``; NaN of fewer than two values.

    >>> deviation([1.0, 3.0])
    1.4142135623730951
    """
    if len(values) < 2:
        return NAN
    centre = mean(values)
    return math.sqrt(math.fsum((x - centre) ** 2 for x in values) / (len(values) - 1))


def statistics(equity: F64, initial: float, periods_per_year: float, risk_free: float = 0.0) -> dict[str, float]:
    """Statistics that need nothing but the curve.

    Parameters
    ----------
    equity : ndarray of float64, shape (n_bars,)
        Equity at each close, in money.
    initial : float
        Cash before the first bar.
    periods_per_year : float
    risk_free : float, default 0
        Yearly rate.

    Returns
    -------
    dict
        final_equity, total_return, cagr, volatility, sharpe, sortino, calmar, max_drawdown (0 or negative) and
        max_drawdown_bars.

    Examples
    --------
    >>> s = statistics(np.array([110.0, 99.0, 121.0]), 100.0, 3.0)
    >>> round(s["total_return"], 12), round(s["cagr"], 12), round(s["max_drawdown"], 12), s["max_drawdown_bars"]
    (0.21, 0.21, -0.1, 1.0)
    """
    curve = [float(x) for x in np.asarray(equity, dtype=np.float64)]
    out = dict.fromkeys(METRICS[:9], NAN)
    if not curve:
        return out
    before = [initial, *curve[:-1]]
    returns = [now / then - 1.0 if then != 0.0 else NAN for now, then in zip(curve, before, strict=True)]
    years = len(curve) / periods_per_year
    excess = mean(returns) - risk_free / periods_per_year
    spread = deviation(returns)
    scale = math.sqrt(periods_per_year)
    downside = math.sqrt(mean([min(r - risk_free / periods_per_year, 0.0) ** 2 for r in returns]))
    out["final_equity"] = curve[-1]
    out["total_return"] = curve[-1] / initial - 1.0
    out["cagr"] = (curve[-1] / initial) ** (1.0 / years) - 1.0 if curve[-1] > 0.0 else NAN
    out["volatility"] = spread * scale
    out["sharpe"] = ratio(excess, spread) * scale
    out["sortino"] = ratio(excess, downside) * scale
    peak, deepest, bars_below, longest = initial, 0.0, 0, 0
    for value in curve:
        peak = max(peak, value)
        deepest = min(deepest, value / peak - 1.0)
        bars_below = bars_below + 1 if value < peak else 0
        longest = max(longest, bars_below)
    out["max_drawdown"] = deepest
    out["max_drawdown_bars"] = float(longest)
    out["calmar"] = ratio(out["cagr"], abs(deepest))
    return out


def trade_statistics(profits: Sequence[float], returns: Sequence[float]) -> dict[str, float]:
    """Statistics of closed trades from their net profits and returns.

    >>> s = trade_statistics([10.0, -5.0], [0.1, -0.05])
    >>> s["win_rate"], s["profit_factor"], s["expectancy"], s["kelly"]
    (0.5, 2.0, 2.5, 0.25)
    """
    wins = [p for p in profits if p > 0.0]
    losses = [-p for p in profits if p < 0.0]
    rate = ratio(float(len(wins)), float(len(profits)))
    payoff = ratio(mean(wins), mean(losses))
    return {
        "n_trades": float(len(profits)),
        "win_rate": rate,
        "profit_factor": ratio(math.fsum(wins), math.fsum(losses)),
        "expectancy": mean(profits),
        "avg_trade": mean(returns),
        "best_trade": max(returns, default=NAN),
        "worst_trade": min(returns, default=NAN),
        "sqn": math.sqrt(len(profits)) * ratio(mean(profits), deviation(profits)),
        "kelly": rate - ratio(1.0 - rate, payoff),
    }
