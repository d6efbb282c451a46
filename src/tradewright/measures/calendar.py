"""Returns by calendar month and year.

Entry points: `monthly_returns`, which returns a `MonthlyReturns`.

Invariants: a month's return runs from the last bar of the month before (the starting capital for the first) to its own
last bar, so the months of a year compound to the year and the years to the total; dates are those of the exchange.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError

from ._check import F64, capital, series

__all__ = ["MonthlyReturns", "monthly_returns"]


@dataclass(frozen=True, slots=True, eq=False)
class MonthlyReturns:
    """Table of monthly returns.

    Parameters
    ----------
    years : int64 array, shape (n_years,)
        Consecutive calendar years.
    table : float64 array, shape (n_years, 12)
        Fractions, January first; NaN in a month without bars.
    annual : float64 array, shape (n_years,)
        Return of each year, NaN in a year without bars. The first and last year may be partial.
    """

    years: npt.NDArray[np.int64]
    table: F64
    annual: F64


def monthly_returns(equity: npt.ArrayLike, dates: npt.ArrayLike, *, initial: float) -> MonthlyReturns:
    """Returns by month and year of the exchange's date.

    Parameters
    ----------
    equity : array-like, shape (n_bars,)
        Equity at the close of each bar, in money.
    dates : array-like of datetime64, shape (n_bars,)
        Trading date of each bar at its exchange, not decreasing. Stamps in UTC would put an evening bar into the wrong
        month.
    initial : float
        Capital before the first bar, above 0.

    Returns
    -------
    MonthlyReturns

    Raises
    ------
    InputError
        If lengths differ, or dates decrease or are missing.

    Examples
    --------
    >>> days = np.array(["2023-12-29", "2024-01-02", "2024-01-31"], dtype="datetime64[D]")
    >>> found = monthly_returns([110.0, 99.0, 121.0], days, initial=100.0)
    >>> found.years.tolist(), found.table[0, 11].round(6).item(), found.table[1, 0].round(6).item()
    ([2023, 2024], 0.1, 0.1)
    >>> found.annual.round(6).tolist()
    [0.1, 0.1]
    """
    curve = series(equity, "equity")
    start = capital(initial)
    months = np.asarray(dates, dtype="datetime64[M]").astype(np.int64)
    if months.shape != curve.shape:
        raise InputError(
            f"There are {curve.size} values of equity but dates of shape {months.shape}; give one for each bar."
        )
    if not curve.size:
        return MonthlyReturns(np.empty(0, dtype=np.int64), np.empty((0, 12)), np.empty(0))
    if months.min() == np.iinfo(np.int64).min or (np.diff(months) < 0).any():
        raise InputError("The dates decrease or are missing somewhere; give one date for each bar, in order.")
    years = np.arange(months[0] // 12, months[-1] // 12 + 1) + 1970
    table = np.full((years.size, 12), np.nan)
    annual = np.full(years.size, np.nan)
    month, growth = _growth(curve, months, start)
    table[month // 12 + 1970 - years[0], month % 12] = growth
    year, growth = _growth(curve, months // 12, start)
    annual[year + 1970 - years[0]] = growth
    return MonthlyReturns(years.astype(np.int64), table, annual)


def _growth(curve: F64, key: npt.NDArray[np.int64], start: float) -> tuple[npt.NDArray[np.int64], F64]:
    last = np.append(np.flatnonzero(np.diff(key)), key.size - 1)
    closing = curve[last]
    opening = np.concatenate(([start], closing[:-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        growth: F64 = np.where(opening != 0.0, closing / opening - 1.0, np.nan)
    return key[last], growth
