"""Pure functions that score an equity curve, a series of returns or a list of trades.

Entry points, by what they read:

- an equity curve: `returns`, `total_return`, `cagr`, `drawdown`, `max_drawdown`, `max_drawdown_bars`, `drawdowns`,
  `calmar`, `monthly_returns`;
- returns: `volatility`, `sharpe`, `sortino`, `rolling_volatility`, `rolling_sharpe`, `relative`;
- trades: `win_rate`, `profit_factor`, `expectancy`, `sqn`, `kelly`;
- bars and fills: `exposure`, `turnover`;
- words: `MEASURES`, the label, format and convention of every statistic a result carries.

Invariants: NumPy in, NumPy or float out, nothing is changed in place; every function has exactly one convention, named
in its docstring, the same that the compiled statistics use; fractions, never percent; a drawdown is zero or negative;
what is not defined is NaN, never infinite and never a silent zero.
"""

from .activity import exposure, turnover
from .calendar import MonthlyReturns, monthly_returns
from .catalogue import MEASURES, Measure
from .drawdown import DrawdownTable, drawdown, drawdowns, max_drawdown, max_drawdown_bars
from .performance import cagr, calmar, returns, sharpe, sortino, total_return, volatility
from .relative import Relative, relative
from .rolling import rolling_sharpe, rolling_volatility
from .trades import expectancy, kelly, profit_factor, sqn, win_rate

__all__ = [
    "MEASURES",
    "DrawdownTable",
    "Measure",
    "MonthlyReturns",
    "Relative",
    "cagr",
    "calmar",
    "drawdown",
    "drawdowns",
    "expectancy",
    "exposure",
    "kelly",
    "max_drawdown",
    "max_drawdown_bars",
    "monthly_returns",
    "profit_factor",
    "relative",
    "returns",
    "rolling_sharpe",
    "rolling_volatility",
    "sharpe",
    "sortino",
    "sqn",
    "total_return",
    "turnover",
    "volatility",
    "win_rate",
]
