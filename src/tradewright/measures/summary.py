"""Every measure of a series of returns at once.

Entry points: `measure`, which returns a `Measured`; `CONVENTIONS` says how each number is computed.

Invariants: each number is that of the function of this package; what is not defined is NaN here and null in JSON;
numbers that need a benchmark are there only with one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError

from . import overfitting, ratios, tails
from ._check import F64, periods, series
from .bootstrap import Interval, confidence_intervals
from .drawdown import max_drawdown, max_drawdown_bars
from .performance import cagr, calmar, sharpe, sortino, volatility
from .relative import relative

__all__ = ["CONVENTIONS", "Measured", "measure"]

CONVENTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "n_returns": "Returns, one a bar.",
        "years": "Returns over periods per year.",
        "total_return": "Product of 1 + return, less 1.",
        "cagr": "(1 + total return)^(1 / years) - 1; years are bars over periods per year.",
        "volatility": "Sample deviation (ddof 1) times the square root of periods per year.",
        "sharpe": "(mean - risk-free / periods) / sample deviation (ddof 1), times the root of periods per year.",
        "sortino": "(mean - target) / root mean square shortfall over all returns, annualised; target: risk-free.",
        "downside_deviation": "Root mean square shortfall below the risk-free rate over all returns, annualised.",
        "calmar": "CAGR / |maximum drawdown|, over everything.",
        "max_drawdown": "Deepest fall of the compounded curve below its peak; the peak starts at 1; zero or negative.",
        "max_drawdown_bars": "Longest run of bars below the peak.",
        "average_drawdown": "Mean of the deepest points of all drawdown episodes; zero or negative.",
        "ulcer_index": "Root mean square of the drawdowns of every bar (n, not n - 1), as a fraction.",
        "pain_index": "Mean depth of the drawdowns of every bar, positive.",
        "ulcer_performance": "(CAGR - risk-free) / ulcer index.",
        "recovery_factor": "Total return / |maximum drawdown|.",
        "omega": "Sum of gains / sum of losses, threshold 0.",
        "gain_to_pain": "Sum of returns / sum of losses.",
        "hit_rate": "Share of bars with a gain, among all bars.",
        "payoff_ratio": "Mean gain / mean loss.",
        "tail_ratio": "|quantile 95 %| / |quantile 5 %|, interpolated.",
        "stability": "R squared of a line through cumulative log returns.",
        "skewness": "Third standardised moment, ddof 0.",
        "kurtosis": "Fourth standardised moment, ddof 0, raw (normal is 3).",
        "best": "Highest return of a bar.",
        "worst": "Lowest return of a bar.",
        "var_historical": "Value at risk, a positive loss: interpolated quantile of the returns.",
        "var_normal": "Value at risk from mean and sample deviation.",
        "var_cornish_fisher": "Value at risk from mean, deviation, skewness and kurtosis.",
        "cvar": "Expected shortfall: mean of exactly the worst share (Rockafellar and Uryasev), a positive loss.",
        "evar": "Entropic value at risk, a positive loss.",
        "cdar": "Mean of the deepest share of the drawdowns of every bar (compounded curve), positive.",
        "edar": "Entropic drawdown at risk (compounded curve), positive.",
        "probabilistic_sharpe": "Probability that the true Sharpe ratio is above 0 (one trial).",
        "min_track_record": "Bars after which a Sharpe ratio like this is above 0 with 95 % (one trial).",
        "benchmark_return": "Total return of the benchmark.",
        "excess_return": "Total return less that of the benchmark.",
        "alpha_arithmetic": "Mean of what beta does not explain, times periods per year (Jensen, quantstats).",
        "alpha_compounded": "The same mean compounded over a year (empyrical).",
        "beta": "Covariance with the benchmark over its variance.",
        "up_beta": "Beta over the bars on which the benchmark rose.",
        "down_beta": "Beta over the bars on which the benchmark fell.",
        "correlation": "Pearson correlation with the benchmark.",
        "tracking_error": "Annualised sample deviation of the difference.",
        "information_ratio": "Annualised mean difference / tracking error.",
        "treynor": "Mean excess return a year / beta.",
        "up_capture": "Annualised compounded return over that of the benchmark, on bars on which it rose (empyrical).",
        "down_capture": "The same on bars on which the benchmark fell.",
        "capture_ratio": "Up capture / down capture.",
    }
)
"""How each number is computed, in the order in which they are shown."""


class Measured(Mapping[str, float]):
    """Measures by name.

    Attributes
    ----------
    periods_per_year, risk_free, level : float
        What they were computed with.
    intervals : dict of str to Interval
        Confidence intervals, where they were asked for.
    """

    __slots__ = ("_values", "intervals", "level", "periods_per_year", "risk_free")

    def __init__(
        self,
        values: Mapping[str, float],
        periods_per_year: float,
        risk_free: float,
        level: float,
        intervals: Mapping[str, Interval],
    ) -> None:
        self._values = dict(values)
        self.periods_per_year = periods_per_year
        self.risk_free = risk_free
        self.level = level
        self.intervals = dict(intervals)

    def __getitem__(self, name: str) -> float:
        try:
            return self._values[name]
        except KeyError:
            from tradewright.domain.errors import closest

            hint = closest(name, self._values) or "."
            raise InputError(f"There is no measure {name!r}{hint} There are: {', '.join(self._values)}.") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def convention(self, name: str) -> str:
        """How a number is computed, in one sentence."""
        self[name]
        return CONVENTIONS[name]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not defined is None."""
        out: dict[str, Any] = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in self._values.items()
        }
        return out

    def __repr__(self) -> str:
        width = max(map(len, self._values))
        lines = []
        for name, value in self._values.items():
            text = "-" if not math.isfinite(value) else f"{value:,.6g}"
            found = self.intervals.get(name)
            if found is not None and math.isfinite(found.low):
                text += f"  ({found.low:,.4g} to {found.high:,.4g})"
            lines.append(f"{name:<{width}}  {text}")
        return "\n".join(lines)


def measure(
    returns: npt.ArrayLike | None = None,
    benchmark: npt.ArrayLike | None = None,
    *,
    equity: npt.ArrayLike | None = None,
    benchmark_equity: npt.ArrayLike | None = None,
    periods_per_year: float = 252.0,
    risk_free: float = 0.0,
    level: float = 0.95,
    intervals: bool = False,
    reps: int = 2000,
    seed: int = 0,
) -> Measured:
    """Every measure of a series of returns, or of an equity curve.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions. Values before the first that is a number (as a frame's ``pct_change`` leaves one)
        are left out; one in between is an error.
    benchmark : array-like, shape (n_bars,), optional
        Returns of the same bars.
    equity, benchmark_equity : array-like, shape (n_bars + 1,), optional
        Values of a curve instead of returns; the first value is the start.
    periods_per_year : float
        Bars in a year: 252 for trading days, 365 around the clock, 12 for months.
    risk_free : float
        Risk-free return a year, simple.
    level : float
        Confidence of the tail risks.
    intervals : bool
        Also confidence intervals of the headline numbers, by the stationary bootstrap.
    reps, seed : int
        Of the bootstrap.

    Returns
    -------
    Measured

    Raises
    ------
    InputError
        If neither or both of returns and equity are given, lengths differ, or a value is not finite.

    Examples
    --------
    >>> found = measure([0.01, -0.02, 0.03, 0.01], [0.01, -0.01, 0.02, 0.0], periods_per_year=252)
    >>> round(found["total_return"], 6), round(found["beta"], 6), found.convention("beta")
    (0.029689, 1.5, 'Covariance with the benchmark over its variance.')
    """
    own = _returns(returns, equity, "returns", "equity")
    if own is None:
        raise InputError("There is nothing to measure: give returns, or equity.")
    other = _returns(benchmark, benchmark_equity, "benchmark", "benchmark_equity")
    year = periods(periods_per_year)
    if other is not None and other.size != own.size:
        raise InputError(
            f"There are {own.size} returns but {other.size} of the benchmark; they must be of the same bars."
        )
    first = _first(own) if other is None else max(_first(own), _first(other))
    own = series(own[first:], "returns")
    values = _alone(own, year, risk_free, level)
    if other is not None:
        values.update(_against(own, series(other[first:], "benchmark"), year, risk_free))
    found: dict[str, Interval] = {}
    if intervals:
        found = confidence_intervals(own, periods_per_year=year, risk_free=risk_free, reps=reps, seed=seed)
        for name, same in (("value_at_risk", "var_historical"), ("conditional_value_at_risk", "cvar")):
            interval = found.pop(name)
            if level == 0.95:
                found[same] = interval
        found = {name: found[name] for name in CONVENTIONS if name in found}
    return Measured(values, year, float(risk_free), float(level), found)


def _returns(change: Any, curve: Any, name: str, curve_name: str) -> F64 | None:
    if change is not None and curve is not None:
        raise InputError(f"Both {name} and {curve_name} are given; keep one.")
    if change is not None:
        return series(change, name, finite=False)
    if curve is None:
        return None
    value = series(curve, curve_name, finite=False)
    value = series(value[_first(value) :], curve_name)
    if value.size and value.min() <= 0.0:
        row = int(value.argmin())
        raise InputError(f"{curve_name} is {value[row]} at row {row}; a curve must be above 0 to have returns.")
    return np.asarray(value[1:] / value[:-1] - 1.0, dtype=np.float64)


def _first(values: F64) -> int:
    known = np.isfinite(values)
    return int(known.argmax()) if known.any() else values.size


def _alone(own: F64, year: float, risk_free: float, level: float) -> dict[str, float]:
    n = own.size
    nan = math.nan
    curve = np.cumprod(1.0 + own)
    ruined = bool(n and curve.min() <= 0.0)
    moments = overfitting.sharpe_moments(own, risk_free=risk_free / year)
    known = math.isfinite(moments.sharpe)
    return {
        "n_returns": n,
        "years": n / year,
        "total_return": float(curve[-1]) - 1.0 if n else nan,
        "cagr": cagr(curve, initial=1.0, periods_per_year=year),
        "volatility": volatility(own, periods_per_year=year),
        "sharpe": sharpe(own, periods_per_year=year, risk_free=risk_free),
        "sortino": sortino(own, periods_per_year=year, risk_free=risk_free),
        "downside_deviation": ratios.downside_deviation(own, periods_per_year=year, target=risk_free / year),
        "calmar": calmar(curve, initial=1.0, periods_per_year=year),
        "max_drawdown": max_drawdown(curve, initial=1.0),
        "max_drawdown_bars": max_drawdown_bars(curve, initial=1.0),
        "average_drawdown": ratios.average_drawdown(own),
        "ulcer_index": ratios.ulcer_index(own),
        "pain_index": ratios.pain_index(own),
        "ulcer_performance": ratios.ulcer_performance(own, periods_per_year=year, risk_free=risk_free),
        "recovery_factor": ratios.recovery_factor(own),
        "omega": ratios.omega(own),
        "gain_to_pain": ratios.gain_to_pain(own),
        "hit_rate": ratios.hit_rate(own),
        "payoff_ratio": ratios.payoff_ratio(own),
        "tail_ratio": tails.tail_ratio(own),
        "stability": nan if ruined else ratios.stability(own),
        "skewness": tails.skewness(own),
        "kurtosis": tails.kurtosis(own),
        "best": float(own.max()) if n else nan,
        "worst": float(own.min()) if n else nan,
        "var_historical": tails.value_at_risk(own, level=level),
        "var_normal": tails.value_at_risk(own, level=level, method="normal"),
        "var_cornish_fisher": tails.value_at_risk(own, level=level, method="cornish_fisher"),
        "cvar": tails.conditional_value_at_risk(own, level=level),
        "evar": tails.entropic_value_at_risk(own, level=level),
        "cdar": tails.conditional_drawdown_at_risk(own, level=level),
        "edar": tails.entropic_drawdown_at_risk(own, level=level),
        "probabilistic_sharpe": moments.probabilistic() if known else nan,
        "min_track_record": moments.min_track_record() if known else nan,
    }


def _against(own: F64, other: F64, year: float, risk_free: float) -> dict[str, float]:
    found = relative(own, other, periods_per_year=year, risk_free=risk_free)
    up_beta, down_beta = ratios.up_down_beta(own, other)
    up = ratios.capture(own, other, side="up", periods_per_year=year)
    down = ratios.capture(own, other, side="down", periods_per_year=year)
    held = float(np.prod(1.0 + other)) - 1.0 if other.size else math.nan
    return {
        "benchmark_return": held,
        "excess_return": float(np.prod(1.0 + own)) - 1.0 - held,
        "alpha_arithmetic": found.alpha,
        "alpha_compounded": ratios.alpha(own, other, periods_per_year=year, risk_free=risk_free, method="compounded"),
        "beta": found.beta,
        "up_beta": up_beta,
        "down_beta": down_beta,
        "correlation": found.correlation,
        "tracking_error": found.tracking_error,
        "information_ratio": found.information_ratio,
        "treynor": ratios.treynor(own, other, periods_per_year=year, risk_free=risk_free),
        "up_capture": up,
        "down_capture": down,
        "capture_ratio": up / down if down != 0.0 else math.nan,
    }
