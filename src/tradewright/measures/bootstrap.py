"""How far the numbers of a backtest could be off: confidence intervals from resampled history.

Entry points: `confidence_intervals`, `stationary_indices`, `block_length`; `METRICS` names what can be asked for.

Invariants: seeded, so the same input gives the same interval; blocks of random length keep what returns have to do with
the returns before them; every metric is computed on the same samples, by the conventions of this package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError, closest

from ._check import F64, one_of, periods, probability, series

__all__ = ["METRICS", "Interval", "block_length", "confidence_intervals", "stationary_indices"]

I64 = npt.NDArray[np.int64]
_ROWS: Final = 1 << 21
_SHARE: Final = 20  # five percent


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and how far it could be off.

    Parameters
    ----------
    value : float
        From the returns as they were.
    low, high : float
        Bounds of the interval.
    error : float
        Deviation of the number over the samples.
    """

    value: float
    low: float
    high: float
    error: float


Many = Callable[[F64, float, float], F64]


def _total(paths: F64, year: float, rate: float) -> F64:
    return np.asarray(np.prod(1.0 + paths, axis=1) - 1.0, dtype=np.float64)


def _cagr(paths: F64, year: float, rate: float) -> F64:
    growth = np.prod(1.0 + paths, axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(growth > 0.0, np.power(np.maximum(growth, 1e-300), year / paths.shape[1]) - 1.0, np.nan)


def _volatility(paths: F64, year: float, rate: float) -> F64:
    return np.asarray(paths.std(axis=1, ddof=1) * math.sqrt(year), dtype=np.float64)


def _over(top: F64, bottom: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        out: F64 = np.where(bottom > 0.0, top / bottom, np.nan)
    return out


def _sharpe(paths: F64, year: float, rate: float) -> F64:
    return _over(paths.mean(axis=1) - rate / year, paths.std(axis=1, ddof=1)) * math.sqrt(year)


def _sortino(paths: F64, year: float, rate: float) -> F64:
    below = np.minimum(paths - rate / year, 0.0)
    return _over(paths.mean(axis=1) - rate / year, np.sqrt((below * below).mean(axis=1))) * math.sqrt(year)


def _below(paths: F64) -> F64:
    curve = np.cumprod(1.0 + paths, axis=1)
    below: F64 = curve / np.maximum(np.maximum.accumulate(curve, axis=1), 1.0) - 1.0
    return below


def _max_drawdown(paths: F64, year: float, rate: float) -> F64:
    return np.asarray(_below(paths).min(axis=1), dtype=np.float64)


def _calmar(paths: F64, year: float, rate: float) -> F64:
    return _over(_cagr(paths, year, rate), -_max_drawdown(paths, year, rate))


def _var(paths: F64, year: float, rate: float) -> F64:
    return -np.asarray(np.quantile(paths, 1.0 / _SHARE, axis=1), dtype=np.float64)


def _cvar(paths: F64, year: float, rate: float) -> F64:
    count = paths.shape[1] / _SHARE
    place = max(0, math.ceil(count - 1e-9) - 1)
    ordered = np.partition(paths, place, axis=1)
    mean: F64 = (ordered[:, :place].sum(axis=1) + ordered[:, place] * (count - place)) / count
    return -mean


def _ulcer(paths: F64, year: float, rate: float) -> F64:
    below = _below(paths)
    return np.asarray(np.sqrt((below * below).mean(axis=1)), dtype=np.float64)


def _omega(paths: F64, year: float, rate: float) -> F64:
    return _over(np.maximum(paths, 0.0).sum(axis=1), np.maximum(-paths, 0.0).sum(axis=1))


def _hit_rate(paths: F64, year: float, rate: float) -> F64:
    return np.asarray((paths > 0.0).mean(axis=1), dtype=np.float64)


METRICS: Final[Mapping[str, Many]] = MappingProxyType(
    {
        "total_return": _total,
        "cagr": _cagr,
        "volatility": _volatility,
        "sharpe": _sharpe,
        "sortino": _sortino,
        "max_drawdown": _max_drawdown,
        "calmar": _calmar,
        "value_at_risk": _var,
        "conditional_value_at_risk": _cvar,
        "ulcer_index": _ulcer,
        "omega": _omega,
        "hit_rate": _hit_rate,
    }
)
"""What has an interval, by name; the two risks are at 95 %."""


def confidence_intervals(
    returns: npt.ArrayLike,
    *,
    periods_per_year: float,
    metrics: Iterable[str] | None = None,
    level: float = 0.95,
    reps: int = 2000,
    block: float | None = None,
    risk_free: float = 0.0,
    method: Literal["percentile", "basic", "bias_corrected"] = "percentile",
    seed: int = 0,
) -> dict[str, Interval]:
    """Confidence intervals of headline numbers by the stationary bootstrap.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns, fractions.
    periods_per_year : float
        Bars in a year.
    metrics : iterable of str, optional
        Names of `METRICS`; default all.
    level : float
        Confidence of the interval.
    reps : int
        Samples, at least 100.
    block : float, optional
        Mean length of the blocks in bars; default `block_length`.
    risk_free : float
        Risk-free return a year, for the ratios.
    method : {"percentile", "basic", "bias_corrected"}
        Quantiles of the samples; mirrored at the estimate; or shifted by the bias of their median (Efron's BC).
    seed : int
        Of the samples.

    Returns
    -------
    dict of str to Interval
        NaN where too few samples have the number.

    Raises
    ------
    InputError
        If there are fewer than ten returns, or a name or range is refused.

    Notes
    -----
    Source: Politis and Romano (1994), "The Stationary Bootstrap", Journal of the American Statistical Association 89.
    The maximum drawdown of a sample is that of another order of events; its interval says how bad it could have been,
    and the drawdown that happened need not lie in its middle.

    Examples
    --------
    >>> change = np.random.default_rng(1).normal(0.0005, 0.01, 1000)
    >>> found = confidence_intervals(change, periods_per_year=252, metrics=["sharpe"], reps=500)["sharpe"]
    >>> found.low < found.value < found.high, 0.3 < found.error < 0.7
    (True, True)
    """
    change = series(returns, "returns")
    year = periods(periods_per_year)
    tail = (1.0 - probability(level, "level")) / 2.0
    one_of(method, ("percentile", "basic", "bias_corrected"), "method")
    names = list(METRICS) if metrics is None else list(metrics)
    for name in names:
        if name not in METRICS:
            raise InputError(f"There is no metric {name!r}{closest(name, METRICS) or '.'} Known: {', '.join(METRICS)}.")
    if change.size < 10:
        raise InputError(
            f"There are {change.size} returns; an interval needs at least 10, and means something from 100."
        )
    if reps < 100:
        raise InputError(f"reps is {reps}; take at least 100 samples, better 2,000.")
    length = block_length(change) if block is None else float(block)
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[F64]] = {name: [] for name in names}
    step = max(1, _ROWS // change.size)
    for first in range(0, reps, step):
        paths = change[stationary_indices(change.size, min(step, reps - first), block=length, rng=rng)]
        for name in names:
            drawn[name].append(METRICS[name](paths, year, risk_free))
    out: dict[str, Interval] = {}
    for name in names:
        value = float(METRICS[name](change[None, :], year, risk_free)[0])
        sample = np.concatenate(drawn[name])
        sample = sample[np.isfinite(sample)]
        if sample.size < reps // 2:
            out[name] = Interval(value, math.nan, math.nan, math.nan)
            continue
        low, high = _bounds(sample, value, tail, method)
        out[name] = Interval(value, low, high, float(sample.std(ddof=1)))
    return out


def stationary_indices(n: int, reps: int, *, block: float, rng: np.random.Generator) -> I64:
    """Rows of resampled bars: blocks that begin anywhere, wrap around, and have geometric lengths.

    Parameters
    ----------
    n : int
        Bars.
    reps : int
        Samples.
    block : float
        Mean length of a block, at least 1 (1 draws every bar by itself).
    rng : Generator

    Returns
    -------
    int64 array, shape (reps, n)

    Examples
    --------
    >>> rows = stationary_indices(1000, 4, block=20.0, rng=np.random.default_rng(0))
    >>> follows = (np.diff(rows, axis=1) % 1000 == 1).mean()
    >>> rows.shape, bool(0.93 < follows < 0.97)
    ((4, 1000), True)
    """
    if not (math.isfinite(block) and block >= 1.0):
        raise InputError(f"block is {block}; the mean length of a block must be at least 1 bar.")
    if n < 1 or reps < 1:
        raise InputError(f"There are {n} bars and {reps} samples; both must be at least 1.")
    begins = rng.random((reps, n)) < 1.0 / block
    begins[:, 0] = True
    starts = rng.integers(0, n, (reps, n))
    place = np.arange(n)
    last = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    rows: I64 = (np.take_along_axis(starts, last, axis=1) + place - last) % n
    return rows


def block_length(returns: npt.ArrayLike) -> float:
    """Mean length of blocks that suits returns, by the rule of Politis and White for the stationary bootstrap.

    Parameters
    ----------
    returns : array-like, shape (n_bars,)
        Simple returns.

    Returns
    -------
    float
        At least 1, at most ``min(3 sqrt(n), n / 3)``.

    Notes
    -----
    Source: Politis and White (2004), "Automatic Block-Length Selection for the Dependent Bootstrap", Econometric
    Reviews 23(1), with the correction of Patton, Politis and White (2009), as in ``arch.bootstrap``.

    Examples
    --------
    Independent returns need no blocks to speak of, persistent ones long blocks:

    >>> noise = np.random.default_rng(3).normal(size=2000)
    >>> slow = np.convolve(noise, np.ones(20) / 20, mode="same")
    >>> bool(block_length(noise) < 10 < block_length(slow))
    True
    """
    change = series(returns, "returns")
    n = change.size
    if n < 10 or change.min() == change.max():
        return 1.0
    off = change - change.mean()
    most = math.ceil(min(3.0 * math.sqrt(n), n / 3.0))
    width = max(5, int(math.log10(n)))
    furthest = min(math.ceil(math.sqrt(n)) + width, n - 2)
    critical = 2.0 * math.sqrt(math.log10(n) / n)
    covariance, correlation = np.empty(furthest + 1), np.empty(furthest + 1)
    for lag in range(furthest + 1):
        product = float(off[lag:] @ off[: n - lag])
        one, other = off[lag + 1 :], off[: -(lag + 1)]
        covariance[lag] = product / n
        correlation[lag] = abs(product) / math.sqrt(float(one @ one) * float(other @ other))
    m = furthest
    for lag in range(1, furthest - width + 1):  # the first of several lags in a row that say nothing
        if (correlation[lag : lag + width] < critical).all():
            m = min(2 * lag, furthest)
            break
    lags = np.arange(1, m + 1)
    weight = np.where(lags / m <= 0.5, 1.0, 2.0 * (1.0 - lags / m))
    g = 2.0 * float((weight * lags * covariance[1 : m + 1]).sum())
    d = 2.0 * (covariance[0] + 2.0 * float((weight * covariance[1 : m + 1]).sum())) ** 2
    if d <= 0.0:
        return 1.0
    return min(float(most), max(1.0, math.cbrt(2.0 * g * g / d * n)))


def _bounds(sample: F64, value: float, tail: float, method: str) -> tuple[float, float]:
    low, high = tail, 1.0 - tail
    if method == "bias_corrected":
        from statistics import NormalDist

        normal = NormalDist()
        share = min(max(float((sample < value).mean()), 0.5 / sample.size), 1.0 - 0.5 / sample.size)
        shift = 2.0 * normal.inv_cdf(share)
        low, high = normal.cdf(shift + normal.inv_cdf(low)), normal.cdf(shift + normal.inv_cdf(high))
    first, last = (float(x) for x in np.quantile(sample, [low, high]))
    return (2.0 * value - last, 2.0 * value - first) if method == "basic" else (first, last)
