"""Fractional differences: as stationary as needed, with as much memory as possible.

Entry points: `weights`, `frac_diff`, `frac_diff_expanding`, `minimum_d`, `MinimumD`, and the features ``frac_diff`` and
``frac_diff_expanding``. `tradewright.features.transformers.FractionalDifference` fits the order inside of a fold.

Invariants: every value is a fixed weighting of the values up to its row; `minimum_d` sees the rows it is given and
nothing else, so whoever fits hands it the training rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import ConfigError, InputError
from tradewright.features.feature import Windowed, define
from tradewright.features.indicators.spec import real

if TYPE_CHECKING:
    import numpy.typing as npt

    F64 = npt.NDArray[np.float64]

__all__ = ["GRID", "MinimumD", "fixed_window", "minimum_d", "weights", "whole_past"]

_SOURCE: Final = "Lopez de Prado (2018), Advances in Financial Machine Learning, ch. 5"
_MOST: Final = 100_000
GRID: Final = tuple(k / 20 for k in range(21))
"""Orders of difference that are tried: 0, 0.05, ... 1."""


@lru_cache(maxsize=256)
def _weights(d: float, threshold: float, most: int) -> F64:
    out = [1.0]
    while len(out) < most:
        following = -out[-1] * (d - len(out) + 1) / len(out)
        if abs(following) < threshold:
            break
        out.append(following)
    found = np.array(out)
    found.flags.writeable = False
    return found


def weights(d: float, *, threshold: float = 1e-4, most: int = _MOST) -> F64:
    """Weights of a fractional difference, that of the newest value first.

    Parameters
    ----------
    d : float
        Order, 0 (the series itself) to 2.
    threshold : float
        Weights below this in absolute value end the window; 0 gives `most` weights.
    most : int
        At most this many.

    Returns
    -------
    float64 array, shape (n_weights,)
        ``w[0] = 1``, ``w[k] = -w[k - 1] (d - k + 1) / k`` (AFML section 5.4.2). Read-only.

    Raises
    ------
    InputError
        If `d` or `threshold` is out of range.

    Examples
    --------
    >>> weights(0.5, most=4, threshold=0).tolist()
    [1.0, -0.5, -0.125, -0.0625]
    >>> weights(1.0).tolist()
    [1.0, -1.0]
    """
    if not 0.0 <= d <= 2.0:
        raise InputError(f"d is {d}; the order of a difference must be from 0 to 2.")
    if not 0.0 <= threshold < 1.0:
        raise InputError(f"threshold is {threshold}; it must be from 0 to below 1.")
    if most < 1:
        raise InputError(f"most is {most}; it must be at least 1.")
    return _weights(float(d), max(float(threshold), 1e-300), int(most))


def fixed_window(x: npt.ArrayLike, d: float, *, threshold: float = 1e-4) -> F64:
    """Fractional difference over a window of fixed width (FFD).

    Parameters
    ----------
    x : array-like, shape (n,)
        Usually log prices.
    d, threshold : float
        As in `weights`.

    Returns
    -------
    float64 array, shape (n,)
        NaN for the first ``len(weights) - 1`` rows, and while the window holds a missing value.

    Examples
    --------
    >>> fixed_window([1.0, 2.0, 4.0], 1.0).tolist()
    [nan, 1.0, 2.0]
    >>> fixed_window([1.0, 2.0, 4.0], 0.5, threshold=0.1).tolist()  # 4 - 2/2 - 1/8
    [nan, nan, 2.875]
    """
    w = weights(d, threshold=threshold)
    return Windowed(w.size, lambda columns: _ffd(columns[0], w)).extend([np.asarray(x, dtype=np.float64).ravel()])


def _ffd(x: F64, w: F64) -> F64:
    out = np.full(x.size, np.nan)
    if x.size >= w.size:
        out[w.size - 1 :] = np.convolve(np.where(np.isfinite(x), x, np.nan), w, mode="valid")
    return out


def whole_past(x: npt.ArrayLike, d: float, *, threshold: float = 1e-2) -> F64:
    """Fractional difference with all rows so far (expanding window).

    Parameters
    ----------
    x : array-like, shape (n,)
    d : float
        As in `weights`.
    threshold : float
        A row has a value when the weights it lacks are at most this share of all (AFML snippet 5.2). There all weights
        are as many as the series has rows, so that the warm-up depends on later rows; here they are those of at least
        ``threshold / 100``.

    Returns
    -------
    float64 array, shape (n,)
        Missing values are left out as if they were not rows. Takes time with the square of n.

    Examples
    --------
    >>> whole_past([1.0, 2.0, 4.0], 1.0).tolist()
    [nan, 1.0, 2.0]
    """
    return _Expanding(d, threshold).extend([np.asarray(x, dtype=np.float64).ravel()])


def _backwards(d: float, n: int) -> F64:
    """That many weights, that of the oldest value first."""
    out = np.zeros(n)
    known = weights(d, threshold=0.0, most=n)  # fewer where they end by themselves, at whole orders
    out[n - known.size :] = known[::-1]
    return out


class _Expanding:
    """State that keeps all rows."""

    def __init__(self, d: float, threshold: float) -> None:
        self.d = d
        full = np.cumsum(np.abs(weights(d, threshold=threshold / 100.0)))
        self.first = int(np.argmax(1.0 - full / full[-1] <= threshold)) + 1
        self.rows = np.empty(256)
        self.reversed = _backwards(d, 256)
        self.count = 0

    def extend(self, columns: Sequence[F64]) -> F64:
        out = np.full(columns[0].size, np.nan)
        for t, value in enumerate(columns[0].tolist()):
            if not np.isfinite(value):
                continue
            if self.count == self.rows.size:
                self.rows = np.concatenate([self.rows, np.empty_like(self.rows)])
                self.reversed = _backwards(self.d, self.rows.size)
            self.rows[self.count] = value
            self.count += 1
            if self.count >= self.first:
                # A sum without BLAS: the same bits wherever the piece of the weights lies in memory.
                part = self.reversed[self.reversed.size - self.count :]
                out[t] = float((part * self.rows[: self.count]).sum())
        return out


@dataclass(frozen=True, slots=True)
class MinimumD:
    """Result of the search for the smallest order that makes a series stationary.

    Parameters
    ----------
    d : float
        Smallest order of the grid whose test rejects a unit root; NaN when none does.
    table : tuple of dict
        One row an order: ``d``, ``statistic``, ``p_value``, ``lags``, ``n``, ``critical`` (5 percent), and
        ``correlation`` with the series itself over the same rows.
    p_value : float
        The level that was asked for.
    """

    d: float
    table: tuple[dict[str, float], ...]
    p_value: float


def minimum_d(
    x: npt.ArrayLike,
    *,
    grid: Sequence[float] = GRID,
    p_value: float = 0.05,
    threshold: float = 1e-4,
    regression: str = "c",
    max_lag: int | None = 1,
) -> MinimumD:
    """Smallest order of difference at which an augmented Dickey-Fuller test rejects a unit root.

    Parameters
    ----------
    x : array-like, shape (n,)
        Values to search on, usually the log prices of training rows; missing values are left out.
    grid : sequence of float
        Orders that are tried, ascending.
    p_value : float
        Level of the test, in (0, 1).
    threshold : float
        Of the window, as in `weights`.
    regression : {"c", "ct", "n"}
        Constant, constant and trend, or neither, in the regression of the test.
    max_lag : int or None
        Lags of the test; None lets Akaike's criterion choose.

    Returns
    -------
    MinimumD

    Raises
    ------
    InputError
        If an argument is out of range or too few rows are left after the window.
    ConfigError
        If statsmodels is not installed.

    Notes
    -----
    AFML section 5.6 uses one lag and a constant; so does the default. The search is a look at the data: what it found
    belongs to the rows it saw.

    Examples
    --------
    >>> noise = np.random.default_rng(3).normal(size=400)
    >>> minimum_d(noise).d  # stationary as it is
    0.0
    >>> 0.0 < minimum_d(np.cumsum(noise), threshold=1e-2).d <= 1.0
    True
    """
    if not 0.0 < p_value < 1.0:
        raise InputError(f"p_value is {p_value}; it must lie between 0 and 1.")
    if regression not in {"c", "ct", "n"}:
        raise InputError(f"regression is {regression!r}; it must be c, ct or n.")
    if not grid:
        raise InputError("grid is empty; give at least one order, such as 0.5.")
    try:
        from statsmodels.tsa.stattools import adfuller
    except ImportError:
        raise ConfigError(
            "The search for the order needs statsmodels; install it with 'pip install tradewright[ml]'."
        ) from None
    series = np.asarray(x, dtype=np.float64).ravel()
    series = series[np.isfinite(series)]
    rows: list[dict[str, float]] = []
    found = float("nan")
    for d in sorted(grid):
        line = fixed_window(series, d, threshold=threshold)
        good = np.isfinite(line)
        n = int(good.sum())
        if n < 30:
            if rows:
                continue
            raise InputError(
                f"Of {series.size} rows {n} are left at d={d:g} with threshold {threshold:g}; the test needs 30. Give "
                "more rows or a larger threshold."
            )
        if np.ptp(line[good]) == 0.0:
            raise InputError("The series does not move; there is nothing to difference.")
        test = adfuller(
            line[good],
            maxlag=max_lag,
            regression=regression,
            autolag="AIC" if max_lag is None else None,
            result_object=False,
        )
        with np.errstate(invalid="ignore"):
            near = float(np.corrcoef(line[good], series[good])[0, 1])
        rows.append({
            "d": float(d), "statistic": float(test[0]), "p_value": float(test[1]), "lags": float(test[2]),
            "n": float(n), "critical": float(test[4]["5%"]), "correlation": near,
        })  # fmt: skip
        if np.isnan(found) and test[1] <= p_value:
            found = float(d)
    return MinimumD(found, tuple(rows), p_value)


_D: Final = real("d", 0.4, 0.0, 2.0, "order of the difference", open_low=False)


@define(
    "Fractional difference, fixed window",
    family="fractional",
    kind="state",
    takes={"of": {"feature": "log", "of": "close"}},
    params=[_D, real("threshold", 1e-4, 0.0, 0.5, "weights below it end the window")],
    unit="that of `of`",
    source=_SOURCE,
    notes="The width of the window is the number of weights of at least the threshold.",
    warm_up=lambda p: weights(p.d, threshold=p.threshold).size,
    standard=[{"d": d, "threshold": 1e-3} for d in (0.3, 0.5, 0.7)],
)
def frac_diff(p: Any) -> Windowed:
    """Weighted sum of the values of the window, the weights those of a fractional difference."""
    w = weights(p.d, threshold=p.threshold)
    return Windowed(w.size, lambda columns: _ffd(columns[0], w))


@define(
    "Fractional difference, expanding window",
    family="fractional",
    kind="state",
    takes={"of": {"feature": "log", "of": "close"}},
    params=[_D, real("threshold", 1e-2, 0.0, 0.5, "share of the weights that may be missing")],
    unit="that of `of`",
    source=_SOURCE,
    notes="Missing values are left out as if they were not rows. Time grows with the square of the rows.",
    memory="all rows",
    warm_up=lambda p: _Expanding(p.d, p.threshold).first,
)
def frac_diff_expanding(p: Any) -> _Expanding:
    """Weighted sum of all values so far, the weights those of a fractional difference."""
    return _Expanding(p.d, p.threshold)
