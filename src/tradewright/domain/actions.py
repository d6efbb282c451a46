"""Corporate actions: what happens to an instrument that is not a trade.

Entry points: `CorporateAction`, `ActionKind`.

Invariants: an action takes effect before the first bar whose stamp is at or after `ts`; `value` has one meaning per
kind and is checked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from .errors import InputError
from .instrument import Instrument

__all__ = ["ActionKind", "CorporateAction"]


class ActionKind(StrEnum):
    """Closed set of corporate actions."""

    SPLIT = "split"
    DIVIDEND = "dividend"
    SYMBOL_CHANGE = "symbol_change"
    DELISTING = "delisting"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateAction:
    """A split, dividend, change of symbol or delisting.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC from which prices are quoted after the action (the ex-date).
    instrument : Instrument
        Whom it concerns.
    kind : ActionKind
        What happens.
    value : float
        Split: new units per old unit (2.0 for two-for-one, 0.1 for one-for-ten). Dividend: cash per unit, in the
        instrument's currency. Delisting: final cash per unit, 0 when nothing is paid. Symbol change: not used.
    new_symbol : str
        Symbol change only.

    Raises
    ------
    InputError
        If the value does not fit the kind.

    Examples
    --------
    >>> split = CorporateAction(ts=0, instrument=Instrument("AAPL"), kind=ActionKind.SPLIT, value=4.0)
    >>> split.value
    4.0
    """

    ts: int
    instrument: Instrument
    kind: ActionKind
    value: float = 0.0
    new_symbol: str = ""

    def __post_init__(self) -> None:
        name = self.instrument.symbol
        if self.kind is ActionKind.SPLIT and not (math.isfinite(self.value) and self.value > 0.0):
            raise InputError(f"Split ratio of {name} is {self.value!r}; it must be above 0 (2.0 is two for one).")
        if self.kind in {ActionKind.DIVIDEND, ActionKind.DELISTING} and not (
            math.isfinite(self.value) and self.value >= 0.0
        ):
            raise InputError(f"{self.kind} of {name} pays {self.value!r} per unit; it must be finite and at least 0.")
        if self.kind is ActionKind.SYMBOL_CHANGE and not self.new_symbol:
            raise InputError(f"The symbol change of {name} lacks `new_symbol`.")
