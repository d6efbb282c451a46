"""Where the profit came from: parts that add up to the whole, to the last cent.

Entry points: `attribute` (amounts by label), `link` (contributions of every bar to the compounded return), both return
an `Attribution`.

Invariants: the parts add up to the total exactly (`math.fsum`); what the labels do not explain is a part of its own,
called ``residual``, never spread over the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError

from ._check import F64, finite, series, table

__all__ = ["RESIDUAL", "Attribution", "attribute", "link"]

RESIDUAL = "residual"


@dataclass(frozen=True, slots=True)
class Attribution(Mapping[str, float]):
    """Parts of a total by label, largest first; a mapping.

    Parameters
    ----------
    parts : mapping of str to float
        In the unit of the total.
    total : float
        What they add up to.
    """

    parts: Mapping[str, float]
    total: float

    def __getitem__(self, label: str) -> float:
        return self.parts[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def shares(self) -> dict[str, float]:
        """Each part over the total; NaN when that is zero."""
        return {name: part / self.total if self.total != 0.0 else math.nan for name, part in self.parts.items()}


def attribute(
    labels: Sequence[str], amounts: npt.ArrayLike, *, total: float | None = None, residual_below: float = 0.0
) -> Attribution:
    """Sum amounts by label.

    Parameters
    ----------
    labels : sequence of str, length n
        Asset, strategy, sector, side or kind of cost of each amount.
    amounts : array-like, shape (n,)
        Money (or returns).
    total : float, optional
        What the amounts should come to; the difference is the part ``residual``. Default their sum.
    residual_below : float
        A residual of at most this size is rounding; it goes into the largest part, so that the parts still add up.

    Returns
    -------
    Attribution

    Raises
    ------
    InputError
        If the lengths differ.

    Examples
    --------
    >>> found = attribute(["SPY", "TLT", "SPY"], [10.0, -4.0, 5.0], total=12.0)
    >>> dict(found), found.total
    ({'SPY': 15.0, 'residual': 1.0, 'TLT': -4.0}, 12.0)
    """
    values = series(amounts, "amounts")
    if len(labels) != values.size:
        raise InputError(f"There are {len(labels)} labels for {values.size} amounts; give one for each.")
    groups: dict[str, list[float]] = {}
    for label, value in zip(labels, values.tolist(), strict=True):
        groups.setdefault(str(label), []).append(value)
    parts = {label: math.fsum(found) for label, found in groups.items()}
    whole = math.fsum(parts.values()) if total is None else finite(total, "total")
    rest = math.fsum([whole, *(-part for part in parts.values())])
    if rest != 0.0:
        if parts and abs(rest) <= residual_below:
            largest = max(parts, key=lambda label: abs(parts[label]))
            parts[largest] += rest
        else:
            parts[RESIDUAL] = parts.get(RESIDUAL, 0.0) + rest
    ordered = dict(sorted(parts.items(), key=lambda item: -item[1]))
    return Attribution(ordered, whole)


def link(contributions: npt.ArrayLike, labels: Sequence[str]) -> Attribution:
    """Contributions of every bar to its return, linked so that they add up to the compounded return.

    Each bar is weighted by ``k_t / k`` with ``k_t = ln(1 + r_t) / r_t`` and ``k = ln(1 + R) / R`` (Carino).

    Parameters
    ----------
    contributions : array-like, shape (n_bars, n_labels)
        What each label added to the return of each bar; a row adds up to the return of the bar.
    labels : sequence of str, length n_labels

    Returns
    -------
    Attribution
        Of the total return.

    Raises
    ------
    InputError
        If a bar lost everything, or the labels are of another number.

    Notes
    -----
    Source: Carino (1999), "Combining Attribution Effects Over Time", Journal of Performance Measurement 3(4).

    Examples
    --------
    >>> found = link([[0.10, 0.0], [0.0, 0.10]], ["A", "B"])
    >>> round(found["A"], 6), round(found["B"], 6), round(found.total, 6)
    (0.105, 0.105, 0.21)
    """
    matrix = table(contributions, "contributions")
    if len(labels) != matrix.shape[1]:
        raise InputError(f"There are {len(labels)} labels for {matrix.shape[1]} columns; give one for each.")
    change = matrix.sum(axis=1)
    if change.size and change.min() <= -1.0:
        row = int(change.argmin())
        raise InputError(f"The return of bar {row} is {change[row]}; after a total loss nothing can be linked.")
    total = math.expm1(math.fsum(np.log1p(change).tolist()))
    weight = _smooth(change) / _smooth(np.array([total]))[0]
    parts = (matrix * weight[:, None]).sum(axis=0)
    return attribute(list(labels), parts, total=total, residual_below=1e-9)


def _smooth(change: F64) -> F64:
    """``ln(1 + r) / r``, 1 in the limit at 0."""
    small = np.abs(change) < 1e-8
    safe = np.where(small, 1.0, change)
    out: F64 = np.where(small, 1.0 - change / 2.0, np.log1p(safe) / safe)
    return out
