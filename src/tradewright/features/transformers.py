"""Transformers for scikit-learn whose limits and orders are fitted on the rows they are given: the training rows.

Entry points: `Winsoriser`, `MadClipper`, `FractionalDifference`.

Invariants: ``transform`` changes nothing that was fitted, so inside of a pipeline and a cross-validation the test rows
have no part in the limits. Missing values stay missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.errors import ConfigError, InputError
from tradewright.features.fractional import GRID, fixed_window, minimum_d, weights
from tradewright.features.outliers import MAD_TO_SIGMA

try:
    from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise ConfigError("Transformers need scikit-learn; install it with 'pip install tradewright[ml]'.") from None

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["FractionalDifference", "MadClipper", "Winsoriser"]


def _table(estimator: Any, X: Any, *, reset: bool) -> F64:
    found = validate_data(
        estimator, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=1
    )
    return np.asarray(found, dtype=np.float64)


class _Clipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Brings columns back to the limits that were fitted."""

    def transform(self, X: Any) -> F64:
        """Values, not beyond the limits."""
        check_is_fitted(self, "low_")
        return np.asarray(np.clip(_table(self, X, reset=False), self.low_, self.high_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class Winsoriser(_Clipper):
    """Bring values back to the quantiles of the training rows.

    Parameters
    ----------
    low, high : float
        Quantiles, ``0 <= low < high <= 1``.

    Attributes
    ----------
    low_, high_ : float64 array, shape (n_features,)
        Limits.

    Examples
    --------
    >>> cut = Winsoriser(low=0.0, high=0.5).fit([[1.0], [2.0], [9.0]])
    >>> cut.transform([[0.0], [5.0]]).tolist()
    [[1.0], [2.0]]
    """

    def __init__(self, low: float = 0.01, high: float = 0.99) -> None:
        self.low = low
        self.high = high

    def fit(self, X: Any, y: Any = None) -> Winsoriser:
        """Take the limits from these rows."""
        if not 0.0 <= self.low < self.high <= 1.0:
            raise InputError(f"low is {self.low} and high is {self.high}; they must be shares with low below high.")
        table = _table(self, X, reset=True)
        self.low_ = _quantile(table, self.low, -np.inf)
        self.high_ = _quantile(table, self.high, np.inf)
        return self


def _quantile(table: F64, share: float, otherwise: float) -> F64:
    """Quantile of each column; a column without values has no limit."""
    out = np.full(table.shape[1], otherwise)
    for k in range(table.shape[1]):
        column = table[np.isfinite(table[:, k]), k]
        if column.size:
            out[k] = np.quantile(column, share)
    return out


class MadClipper(_Clipper):
    """Bring values back to the median plus or minus some scaled median absolute deviations of the training rows.

    Parameters
    ----------
    width : float
        Limits in standard deviations of a normal distribution with that deviation (factor 1.4826).

    Attributes
    ----------
    low_, high_ : float64 array, shape (n_features,)
        Limits; infinite for a column whose deviation is 0, which says nothing about outliers.

    Examples
    --------
    >>> cut = MadClipper(width=2.0).fit([[0.0], [1.0], [2.0], [99.0]])
    >>> cut.high_.round(3).tolist()  # median 1.5, deviation 1
    [4.465]
    """

    def __init__(self, width: float = 5.0) -> None:
        self.width = width

    def fit(self, X: Any, y: Any = None) -> MadClipper:
        """Take the limits from these rows."""
        if not self.width > 0.0:
            raise InputError(f"width is {self.width}; it must be above 0.")
        table = _table(self, X, reset=True)
        middle = _quantile(table, 0.5, np.nan)
        reach = self.width * MAD_TO_SIGMA * _quantile(np.abs(table - middle), 0.5, np.nan)
        usable = np.isfinite(reach) & (reach > 0.0)
        self.low_ = np.where(usable, middle - reach, -np.inf)
        self.high_ = np.where(usable, middle + reach, np.inf)
        return self


class FractionalDifference(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Difference each column by the smallest order that is stationary on the training rows.

    Parameters
    ----------
    grid : sequence of float
        Orders that are tried.
    p_value : float
        Level of the augmented Dickey-Fuller test.
    threshold : float
        Of the window (see `tradewright.features.fractional.weights`).
    default : float
        Order where none of the grid is stationary.

    Attributes
    ----------
    d_ : float64 array, shape (n_features,)
    tail_ : float64 array
        Last training rows: what the window of the first rows to transform reaches back to when they follow on.

    Notes
    -----
    ``fit_transform`` gives the training rows, NaN while the window is not full. ``transform`` takes rows by themselves;
    with ``follows=True`` in the constructor the rows are those right after the training rows, and their window reaches
    back into them.

    Examples
    --------
    >>> walk = np.cumsum(np.random.default_rng(3).normal(size=(400, 1)), axis=0)
    >>> change = FractionalDifference(grid=(0.0, 1.0), threshold=1e-2, follows=True).fit(walk[:300])
    >>> change.d_.tolist(), bool(np.allclose(change.transform(walk[300:]), np.diff(walk, axis=0)[299:]))
    ([1.0], True)
    """

    def __init__(
        self,
        grid: Sequence[float] = GRID,
        p_value: float = 0.05,
        threshold: float = 1e-4,
        default: float = 1.0,
        follows: bool = False,
    ) -> None:
        self.grid = grid
        self.p_value = p_value
        self.threshold = threshold
        self.default = default
        self.follows = follows

    def fit(self, X: Any, y: Any = None) -> FractionalDifference:
        """Search the order of each column on these rows."""
        table = _table(self, X, reset=True)
        found = []
        for k in range(table.shape[1]):
            d = minimum_d(table[:, k], grid=self.grid, p_value=self.p_value, threshold=self.threshold).d
            found.append(self.default if np.isnan(d) else d)
        self.d_ = np.array(found)
        most = max(weights(d, threshold=self.threshold).size for d in found)
        self.tail_ = table[max(0, table.shape[0] - most + 1) :].copy()
        return self

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> F64:
        """Fit, and difference the same rows."""
        self.fit(X, y)
        return self._differenced(_table(self, X, reset=False))

    def transform(self, X: Any) -> F64:
        """Difference rows by the orders that were fitted."""
        check_is_fitted(self, "d_")
        table = _table(self, X, reset=False)
        if not self.follows:
            return self._differenced(table)
        return self._differenced(np.concatenate([self.tail_, table]))[self.tail_.shape[0] :]

    def _differenced(self, table: F64) -> F64:
        columns = [fixed_window(table[:, k], d, threshold=self.threshold) for k, d in enumerate(self.d_)]
        return np.column_stack(columns)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
