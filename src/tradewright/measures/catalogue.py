"""Label, unit and convention of every statistic, in one place for results, reports and documentation.

Entry points: `MEASURES` (name to `Measure`, in the order in which a report shows them).

Invariants: a name here means the same number everywhere; the convention is one sentence that names what other libraries
do differently where that matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

__all__ = ["MEASURES", "Measure", "Unit"]

Unit = Literal["fraction", "ratio", "money", "count", "bars", "date"]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a statistic is called and how it is computed.

    Parameters
    ----------
    name : str
        Key in a result's statistics.
    label : str
        For people.
    unit : str
        ``"fraction"`` (shown in percent), ``"ratio"``, ``"money"``, ``"count"``, ``"bars"`` or ``"date"``.
    group : str
        Heading under which a report shows it.
    convention : str
        How it is computed, in one sentence or two.
    """

    name: str
    label: str
    unit: Unit
    group: str
    convention: str


_RETURN, _RISK, _RATIO, _TRADE, _ACTIVITY, _RELATIVE = (
    "Return",
    "Risk",
    "Risk-adjusted",
    "Trades",
    "Activity and costs",
    "Against the benchmark",
)

_EVIDENCE: Final = "Evidence"

_ALL: Final = (
    Measure("start", "First bar", "date", _RETURN, "Session of the first bar (its close in UTC for intraday bars)."),
    Measure("end", "Last bar", "date", _RETURN, "Session of the last bar (its close in UTC for intraday bars)."),
    Measure("n_bars", "Bars", "count", _RETURN, "Bars of the run."),
    Measure("years", "Years", "ratio", _RETURN, "Bars divided by periods per year."),
    Measure("initial_capital", "Starting capital", "money", _RETURN, "Cash before the first bar."),
    Measure("final_equity", "Final equity", "money", _RETURN, "Cash plus positions at the mark, at the last close."),
    Measure(
        "total_return", "Total return", "fraction", _RETURN, "Final equity / starting capital - 1, after all costs."
    ),
    Measure(
        "cagr",
        "Annual growth (CAGR)",
        "fraction",
        _RETURN,
        "(final / initial)^(1 / years) - 1; a year is the calendar's number of bars, not 365.25 days.",
    ),
    Measure(
        "volatility",
        "Volatility",
        "fraction",
        _RISK,
        "Sample standard deviation (ddof 1) of simple bar returns, times the square root of periods per year.",
    ),
    Measure(
        "max_drawdown",
        "Maximum drawdown",
        "fraction",
        _RISK,
        "Deepest fall of closing equity below its running peak; the peak starts at the starting capital.",
    ),
    Measure("max_drawdown_peak", "Drawdown began", "date", _RISK, "Bar of the peak before the maximum drawdown."),
    Measure(
        "max_drawdown_trough", "Drawdown bottom", "date", _RISK, "Bar of the deepest point of the maximum drawdown."
    ),
    Measure(
        "max_drawdown_recovery",
        "Drawdown recovered",
        "date",
        _RISK,
        "Bar at which the peak before the maximum drawdown was reached again; empty when it was not.",
    ),
    Measure(
        "max_drawdown_bars",
        "Longest drawdown",
        "bars",
        _RISK,
        "Longest run of consecutive bars below the running peak; it need not be the deepest drawdown.",
    ),
    Measure(
        "max_drawdown_length",
        "Length of the maximum drawdown",
        "bars",
        _RISK,
        "Bars from the peak before the maximum drawdown to its recovery, or to the last bar.",
    ),
    Measure(
        "sharpe",
        "Sharpe ratio",
        "ratio",
        _RATIO,
        "(mean return - risk-free / periods per year) / standard deviation (ddof 1), times the square root of periods "
        "per year.",
    ),
    Measure(
        "sortino",
        "Sortino ratio",
        "ratio",
        _RATIO,
        "(mean return - target) / root mean square of returns below the target over all bars, annualised by the square "
        "root of periods per year; the target is the risk-free rate.",
    ),
    Measure("calmar", "Calmar ratio", "ratio", _RATIO, "CAGR / |maximum drawdown| over the whole run, not 36 months."),
    Measure("n_trades", "Closed trades", "count", _TRADE, "Each fill that reduces a position closes one trade."),
    Measure("win_rate", "Win rate", "fraction", _TRADE, "Share of closed trades with a net profit above zero."),
    Measure(
        "profit_factor",
        "Profit factor",
        "ratio",
        _TRADE,
        "Sum of net wins / sum of net losses; undefined when nothing was lost.",
    ),
    Measure("expectancy", "Expectancy", "money", _TRADE, "Mean net profit of a closed trade."),
    Measure("avg_trade", "Average trade", "fraction", _TRADE, "Mean net return of closed trades on their entry value."),
    Measure("best_trade", "Best trade", "fraction", _TRADE, "Highest net return of a closed trade on its entry value."),
    Measure(
        "worst_trade", "Worst trade", "fraction", _TRADE, "Lowest net return of a closed trade on its entry value."
    ),
    Measure(
        "sqn",
        "System quality number",
        "ratio",
        _TRADE,
        "Square root of the number of trades times mean net profit / its standard deviation (ddof 1), for all trades.",
    ),
    Measure(
        "kelly",
        "Kelly fraction",
        "fraction",
        _TRADE,
        "Win rate - (1 - win rate) / (mean win / mean loss): an upper bound to think about, not a size to use.",
    ),
    Measure(
        "open_positions",
        "Open positions",
        "count",
        _TRADE,
        "Held at the last bar; they count in equity, not in trade statistics.",
    ),
    Measure(
        "n_order_dependent",
        "Order-dependent trades",
        "count",
        _TRADE,
        "Closed trades whose outcome depends on the unknown order of high and low inside a bar.",
    ),
    Measure("n_orders", "Orders", "count", _ACTIVITY, "Orders that were made, protective ones included."),
    Measure("n_fills", "Fills", "count", _ACTIVITY, "Executions."),
    Measure(
        "n_refused",
        "Not taken",
        "count",
        _ACTIVITY,
        "Orders and decisions that the engine did not take, of any reason.",
    ),
    Measure("exposure", "Exposure", "fraction", _ACTIVITY, "Share of bars that end with a position."),
    Measure(
        "turnover",
        "Turnover",
        "ratio",
        _ACTIVITY,
        "Notional of all fills / mean equity / years; buying and selling once with everything is about 2.",
    ),
    Measure("fees", "Commission", "money", _ACTIVITY, "Sum of commissions of all fills."),
    Measure(
        "slippage",
        "Slippage",
        "money",
        _ACTIVITY,
        "Sum over fills of the distance between the fill price and the price without spread, slippage and impact.",
    ),
    Measure("borrow", "Borrowing", "money", _ACTIVITY, "Paid for borrowing what was sold short."),
    Measure("funding", "Funding", "money", _ACTIVITY, "Paid (negative: earned) as funding of perpetual contracts."),
    Measure("total_costs", "All costs", "money", _ACTIVITY, "Commission, slippage, borrowing and funding paid."),
    Measure("interest", "Interest", "money", _ACTIVITY, "Earned on positive cash less paid on negative cash."),
    Measure("dividends", "Dividends", "money", _ACTIVITY, "Received on longs less paid on shorts."),
    Measure(
        "benchmark_return",
        "Benchmark return",
        "fraction",
        _RELATIVE,
        "Return of the benchmark over the same bars.",
    ),
    Measure("excess_return", "Excess return", "fraction", _RELATIVE, "Total return less that of the benchmark."),
    Measure(
        "alpha",
        "Alpha",
        "fraction",
        _RELATIVE,
        "Mean excess return that beta does not explain, times periods per year (arithmetic).",
    ),
    Measure("beta", "Beta", "ratio", _RELATIVE, "Covariance with the benchmark's returns / their variance."),
    Measure(
        "correlation", "Correlation", "ratio", _RELATIVE, "Pearson correlation of bar returns with the benchmark's."
    ),
    Measure(
        "tracking_error",
        "Tracking error",
        "fraction",
        _RELATIVE,
        "Annualised standard deviation (ddof 1) of the difference in bar returns.",
    ),
    Measure(
        "information_ratio",
        "Information ratio",
        "ratio",
        _RELATIVE,
        "Annualised mean difference in bar returns / tracking error.",
    ),
    Measure(
        "probabilistic_sharpe",
        "Probability of skill, one trial",
        "fraction",
        _EVIDENCE,
        "Probability that the true Sharpe ratio is above 0, given its estimate, the number of returns, their skewness "
        "and their kurtosis.",
    ),
    Measure(
        "deflated_sharpe",
        "Probability of skill, all trials",
        "fraction",
        _EVIDENCE,
        "Probability that the true Sharpe ratio is above what luck gives the best of all trials on the same returns "
        "(deflated Sharpe ratio); significant from 95 %.",
    ),
    Measure(
        "n_trials_behind",
        "Trials behind this",
        "count",
        _EVIDENCE,
        "Different trials in the ledger that share an instrument with this result and overlap with it in time.",
    ),
    Measure(
        "effective_trials",
        "Effective trials",
        "ratio",
        _EVIDENCE,
        "Independent trials whose best would be as good by luck, from the correlation of the trials' returns.",
    ),
    Measure(
        "expected_best_by_luck",
        "Best Sharpe ratio by luck",
        "ratio",
        _EVIDENCE,
        "Annual Sharpe ratio that the best of the effective trials is expected to have without skill.",
    ),
    Measure(
        "min_track_record",
        "Track record needed",
        "bars",
        _EVIDENCE,
        "Bars after which a Sharpe ratio like this one is above 0 with 95 %, for one trial.",
    ),
)

MEASURES: Final[Mapping[str, Measure]] = MappingProxyType({measure.name: measure for measure in _ALL})
"""Every statistic by name, in the order in which reports show them.

Examples
--------
>>> MEASURES["sharpe"].label, MEASURES["sharpe"].unit
('Sharpe ratio', 'ratio')
"""
