"""Where two sources of the same instrument contradict each other.

Entry points: `disagreements` (day by day), `Agreement`.

Two sources rarely print equal numbers: they adjust for dividends differently, round differently, close at another
second. What must agree is the return of a day. It is compared day by day against a tolerance; the level is compared
by the ratio of the two closes, whose lasting jumps are events that one source knows and the other does not.

Invariants: only days that both have are compared, and both days of a return; the answer does not depend on the order
of the two (values change sign).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain.bars import Bars
from ..domain.errors import InputError, MissingDataError
from ..domain.events import Finding, Severity
from .calendars import session_dates
from .intervals import interval_name, unit_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Agreement", "disagreements"]


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How two sources of one instrument compare.

    Parameters
    ----------
    symbol : str
        Of the left source.
    n_common, n_left_only, n_right_only : int
        Rows that both have, and that only one has, between the first and last common one.
    correlation : float
        Of log returns; NaN with fewer than three.
    dates : datetime64[D] or datetime64[ns] array, shape (n_common - 1,)
        Session (or close, for intraday bars) of each compared return.
    difference : float64 array, shape (n_common - 1,)
        Simple return of the left minus that of the right source.
    ratio : float64 array, shape (n_common - 1,)
        Close of the left over that of the right.
    tolerance : float
        Largest difference of a return that is no finding.
    findings : tuple of Finding
        Rows (of the left bars) whose returns differ by more.
    """

    symbol: str
    n_common: int
    n_left_only: int
    n_right_only: int
    correlation: float
    dates: npt.NDArray[np.datetime64]
    difference: npt.NDArray[np.float64]
    ratio: npt.NDArray[np.float64]
    tolerance: float
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """True when no return differs by more than the tolerance."""
        return not self.findings

    @property
    def agreement(self) -> float:
        """Share of the compared returns that agree, in [0, 1]."""
        return 1.0 - len(self.findings) / self.difference.size if self.difference.size else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "symbol": self.symbol,
            "common": self.n_common,
            "left_only": self.n_left_only,
            "right_only": self.n_right_only,
            "correlation": self.correlation if np.isfinite(self.correlation) else None,
            "tolerance": self.tolerance,
            "agreement": self.agreement,
            "largest_difference": float(np.abs(self.difference).max()) if self.difference.size else 0.0,
            "findings": [
                {"date": f.message.split(" ")[1].rstrip(":"), "row": f.row, "difference": f.value, "message": f.message}
                for f in self.findings
            ],
        }


def disagreements(left: Bars, right: Bars, *, symbol: str | None = None, tolerance: float = 0.02) -> Agreement:
    """Compare two sources of the same instrument.

    Parameters
    ----------
    left, right : Bars
        Of the same interval; the left one is the one that is doubted.
    symbol : str, optional
        Which instrument; may be left out when each has one.
    tolerance : float
        Largest difference of a simple return that is no finding.

    Returns
    -------
    Agreement

    Raises
    ------
    InputError
        If the intervals differ, or an instrument is not there.
    MissingDataError
        If they have no two bars in common.

    Examples
    --------
    >>> ours = Bars.from_arrays(None, [10, 11, 12], [10, 11, 12], [10, 11, 12], [10, 11, 12], symbols="GE")
    >>> theirs = Bars.from_arrays(None, [10, 11, 9], [10, 11, 9], [10, 11, 9], [10, 11, 9], symbols="GE")
    >>> found = disagreements(ours, theirs)
    >>> [(f.row, round(f.value, 3)) for f in found.findings]
    [(2, 0.273)]
    """
    if not 0.0 < tolerance < 10.0:
        raise InputError(f"tolerance is {tolerance}; it must be a difference of returns such as 0.02.")
    if left.interval_ns != right.interval_ns and left.interval_ns and right.interval_ns:
        raise InputError(
            f"The left bars are of {interval_name(left.interval_ns)}, the right ones of "
            f"{interval_name(right.interval_ns)}; resample one of them."
        )
    i, j = _column(left, symbol), _column(right, symbol)
    daily = unit_of(left.interval_ns or right.interval_ns) != "intraday"
    rows, keys = _keys(left, i, daily=daily)
    rows_right, keys_right = _keys(right, j, daily=daily)
    common, a, b = np.intersect1d(keys, keys_right, assume_unique=True, return_indices=True)
    name = left.instruments[i].id
    if common.size < 2:
        raise MissingDataError(f"The two sources of {name} have {common.size} bars in common; two are needed.")
    mine, other = left.close[rows[a], i], right.close[rows_right[b], j]
    own, theirs = mine[1:] / mine[:-1] - 1.0, other[1:] / other[:-1] - 1.0
    difference = own - theirs
    dates = common.astype("datetime64[D]") if daily else common.view("datetime64[ns]")
    findings = []
    for k in np.flatnonzero(np.abs(difference) > tolerance).tolist():
        when = str(dates[k + 1])[: 10 if daily else 16]
        text = (
            f"{name} {when}: the return is {own[k]:.4f} here and {theirs[k]:.4f} in the other source, "
            f"{difference[k]:+.4f} apart (tolerance {tolerance:g})"
        )
        findings.append(
            Finding(rule="disagreement", severity=Severity.WARNING, message=text, symbol=name,
                    row=int(rows[a[k + 1]]), ts=int(left.ts[rows[a[k + 1]]]), value=float(difference[k]))
        )  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = float(np.corrcoef(np.log1p(own), np.log1p(theirs))[0, 1]) if own.size > 2 else float("nan")
    inside = (keys >= common[0]) & (keys <= common[-1])
    inside_right = (keys_right >= common[0]) & (keys_right <= common[-1])
    return Agreement(
        name, int(common.size), int(inside.sum() - common.size), int(inside_right.sum() - common.size), correlation,
        dates[1:], difference, (mine / other)[1:], tolerance, tuple(findings),
    )  # fmt: skip


def _column(bars: Bars, symbol: str | None) -> int:
    if symbol is not None:
        return bars.column(symbol)
    if bars.n_assets != 1:
        raise InputError(f"There are {bars.n_assets} instruments; name one of {', '.join(bars.symbols[:8])}.")
    return 0


def _keys(bars: Bars, j: int, *, daily: bool) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    rows = np.flatnonzero(~np.isnan(bars.close[:, j]))
    if not daily:
        return rows, bars.ts[rows]
    return rows, session_dates(bars)[rows].astype("datetime64[D]").astype(np.int64)
