"""Pure functions that score an equity curve, a series of returns or a list of trades.

Entry points, by what they read:

- everything at once: `measure`;
- an equity curve: `returns`, `total_return`, `cagr`, `drawdown`, `max_drawdown`, `max_drawdown_bars`, `drawdowns`,
  `calmar`, `monthly_returns`;
- returns: `volatility`, `sharpe`, `sortino` and the ratios of `ratios`; tail risks of `tails`; rolling versions of
  `rolling`; `confidence_intervals`;
- returns and a benchmark: `relative`, `alpha`, `beta`, `capture`, `treynor`;
- how much of it is luck: `probabilistic_sharpe`, `deflated_sharpe`, `min_track_record`, `min_backtest_length`,
  `best_of`, `effective_trials`, `overfitting_probability`, `reality_check`, `superior_predictive_ability`,
  `adjust_pvalues`;
- forecasts of risk: `kupiec`, `christoffersen`, `traffic_light`;
- parts of a profit: `attribute`, `link`;
- trades: `win_rate`, `profit_factor`, `expectancy`, `sqn`, `kelly`; bars and fills: `exposure`, `turnover`;
- words: `MEASURES`, the label, format and convention of every statistic a result carries.

Invariants: NumPy in, NumPy or float out, nothing is changed in place; every function has exactly one convention, named
in its docstring or by an option, the same that the compiled statistics use; fractions, never percent; a drawdown is
zero or negative, a risk of the tail is a positive loss; what is not defined is NaN, never infinite and never a silent
zero. A module is loaded when a name of it is first asked for, but for those that share a name with their function.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .drawdown import DrawdownTable, drawdown, drawdowns, max_drawdown, max_drawdown_bars
from .relative import Relative, relative
from .rolling import (
    rolling,
    rolling_alpha,
    rolling_beta,
    rolling_max_drawdown,
    rolling_sharpe,
    rolling_sortino,
    rolling_volatility,
)

if TYPE_CHECKING:
    from .activity import exposure, turnover
    from .attribution import Attribution, attribute, link
    from .bootstrap import Interval, block_length, confidence_intervals, stationary_indices
    from .calendar import MonthlyReturns, monthly_returns
    from .catalogue import MEASURES, Measure
    from .multiple import (
        BestTest,
        TrialClusters,
        adjust_pvalues,
        effective_trials,
        independent_equivalent,
        reality_check,
        superior_predictive_ability,
        trial_clusters,
    )
    from .overfitting import (
        BestOf,
        SharpeMoments,
        best_of,
        deflated_sharpe,
        expected_max_sharpe,
        min_backtest_length,
        min_track_record,
        probabilistic_sharpe,
        sharpe_moments,
    )
    from .pbo import Overfitting, overfitting_probability
    from .performance import cagr, calmar, returns, sharpe, sortino, total_return, volatility
    from .ratios import (
        alpha,
        average_drawdown,
        beta,
        capture,
        downside_deviation,
        gain_to_pain,
        hit_rate,
        omega,
        pain_index,
        payoff_ratio,
        recovery_factor,
        stability,
        treynor,
        ulcer_index,
        ulcer_performance,
        up_down_beta,
    )
    from .summary import Measured, measure
    from .tails import (
        conditional_drawdown_at_risk,
        conditional_value_at_risk,
        entropic_drawdown_at_risk,
        entropic_value_at_risk,
        kurtosis,
        skewness,
        tail_ratio,
        value_at_risk,
    )
    from .trades import expectancy, kelly, profit_factor, sqn, win_rate
    from .var_tests import Christoffersen, Kupiec, christoffersen, exceedances, kupiec, traffic_light

__all__ = [
    "MEASURES",
    "Attribution",
    "BestOf",
    "BestTest",
    "Christoffersen",
    "DrawdownTable",
    "Interval",
    "Kupiec",
    "Measure",
    "Measured",
    "MonthlyReturns",
    "Overfitting",
    "Relative",
    "SharpeMoments",
    "TrialClusters",
    "adjust_pvalues",
    "alpha",
    "attribute",
    "average_drawdown",
    "best_of",
    "beta",
    "block_length",
    "cagr",
    "calmar",
    "capture",
    "christoffersen",
    "conditional_drawdown_at_risk",
    "conditional_value_at_risk",
    "confidence_intervals",
    "deflated_sharpe",
    "downside_deviation",
    "drawdown",
    "drawdowns",
    "effective_trials",
    "entropic_drawdown_at_risk",
    "entropic_value_at_risk",
    "exceedances",
    "expectancy",
    "expected_max_sharpe",
    "exposure",
    "gain_to_pain",
    "hit_rate",
    "independent_equivalent",
    "kelly",
    "kupiec",
    "kurtosis",
    "link",
    "max_drawdown",
    "max_drawdown_bars",
    "measure",
    "min_backtest_length",
    "min_track_record",
    "monthly_returns",
    "omega",
    "overfitting_probability",
    "pain_index",
    "payoff_ratio",
    "probabilistic_sharpe",
    "profit_factor",
    "reality_check",
    "recovery_factor",
    "relative",
    "returns",
    "rolling",
    "rolling_alpha",
    "rolling_beta",
    "rolling_max_drawdown",
    "rolling_sharpe",
    "rolling_sortino",
    "rolling_volatility",
    "sharpe",
    "sharpe_moments",
    "skewness",
    "sortino",
    "sqn",
    "stability",
    "stationary_indices",
    "superior_predictive_ability",
    "tail_ratio",
    "total_return",
    "traffic_light",
    "treynor",
    "trial_clusters",
    "turnover",
    "ulcer_index",
    "ulcer_performance",
    "up_down_beta",
    "value_at_risk",
    "volatility",
    "win_rate",
]

_HOME = {
    "activity": ("exposure", "turnover"),
    "attribution": ("Attribution", "attribute", "link"),
    "bootstrap": ("Interval", "block_length", "confidence_intervals", "stationary_indices"),
    "calendar": ("MonthlyReturns", "monthly_returns"),
    "catalogue": ("MEASURES", "Measure"),
    "multiple": (
        "BestTest",
        "TrialClusters",
        "adjust_pvalues",
        "effective_trials",
        "independent_equivalent",
        "reality_check",
        "superior_predictive_ability",
        "trial_clusters",
    ),
    "overfitting": (
        "BestOf",
        "SharpeMoments",
        "best_of",
        "deflated_sharpe",
        "expected_max_sharpe",
        "min_backtest_length",
        "min_track_record",
        "probabilistic_sharpe",
        "sharpe_moments",
    ),
    "pbo": ("Overfitting", "overfitting_probability"),
    "performance": ("cagr", "calmar", "returns", "sharpe", "sortino", "total_return", "volatility"),
    "ratios": (
        "alpha",
        "average_drawdown",
        "beta",
        "capture",
        "downside_deviation",
        "gain_to_pain",
        "hit_rate",
        "omega",
        "pain_index",
        "payoff_ratio",
        "recovery_factor",
        "stability",
        "treynor",
        "ulcer_index",
        "ulcer_performance",
        "up_down_beta",
    ),
    "summary": ("Measured", "measure"),
    "tails": (
        "conditional_drawdown_at_risk",
        "conditional_value_at_risk",
        "entropic_drawdown_at_risk",
        "entropic_value_at_risk",
        "kurtosis",
        "skewness",
        "tail_ratio",
        "value_at_risk",
    ),
    "trades": ("expectancy", "kelly", "profit_factor", "sqn", "win_rate"),
    "var_tests": ("Christoffersen", "Kupiec", "christoffersen", "exceedances", "kupiec", "traffic_light"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
