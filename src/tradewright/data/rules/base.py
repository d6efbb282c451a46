"""What a rule is handed and what it answers.

Entry points: `Rule` (the one protocol of every check on bars), `Series` (rows of one instrument), `Hits` (rows a rule
objects to), `hits_of` (from a mask).

Invariants: rules never change data and never raise on bad data; `tradewright.testing.check_rule` examines that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["LARGEST_PRICE", "ROUNDING", "Hits", "Level", "Rule", "Series", "Stage", "hits_of"]

Stage: TypeAlias = Literal["row", "level", "series"]
"""When a rule runs: on rows as they came, on good rows in order, or on what is left."""
Level: TypeAlias = Literal["error", "warning", "info"]
"""How bad an objection is; an error takes the row out."""

ROUNDING: Final = 5e-6
"""Relative size of what six printed decimals and 32-bit sources do to a price."""

LARGEST_PRICE: Final = 1e15
"""Prices from here on are no prices; the ledger could not hold them times a quantity either."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Rows of one instrument as a rule sees them; every array has shape (n_rows,).

    `can_split` is False for what never splits: an index, a currency, a coin, a future.
    """

    ts: npt.NDArray[np.int64]
    open: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    close: npt.NDArray[np.float64]
    volume: npt.NDArray[np.float64]
    calendar: str
    interval_ns: int
    text_rows: npt.NDArray[np.int64]
    nan_is_no_bar: bool = False
    can_split: bool = True

    def take(self, rows: npt.NDArray[np.int64]) -> Series:
        """Some rows, in the order given."""
        return replace(
            self,
            ts=self.ts[rows],
            open=self.open[rows],
            high=self.high[rows],
            low=self.low[rows],
            close=self.close[rows],
            volume=self.volume[rows],
            text_rows=self.text_rows[:0],
        )


class Hits(NamedTuple):
    """Rows a rule objects to.

    Parameters
    ----------
    rows : int64 array
        Positions in the series the rule was handed.
    severity : {"error", "warning", "info"}
        An error removes the row (or refuses the data), the others only tell.
    detail : str
        What is wrong, for people; ``{value:g}`` is filled in.
    values : float64 array, shape of `rows`
        The offending numbers.
    action : str
        What is done about it.
    rule : str
        Name under which it is counted, when it differs from the rule's own.
    """

    rows: npt.NDArray[np.int64]
    severity: Level
    detail: str
    values: npt.NDArray[np.float64]
    action: str = "kept"
    rule: str = ""


@runtime_checkable
class Rule(Protocol):
    """The one protocol of every check on bars."""

    @property
    def name(self) -> str:
        """Name in findings and options."""
        ...

    @property
    def stage(self) -> Stage:
        """When it runs; see the table at the top of the module."""
        ...

    def hits(self, series: Series) -> Iterable[Hits]:
        """Rows it objects to; nothing when all is well."""
        ...


def hits_of(mask: npt.NDArray[np.bool_], values: npt.NDArray[np.float64], severity: Level, detail: str,
            action: str, rule: str = "") -> list[Hits]:  # fmt: skip
    """Objection to the rows of a mask, none when the mask is empty."""
    rows = np.flatnonzero(mask)
    return [Hits(rows, severity, detail, values[rows], action, rule)] if rows.size else []
