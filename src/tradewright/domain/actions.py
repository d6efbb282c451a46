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
    SPIN_OFF = "spin_off"
    MERGER = "merger"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateAction:
    """A split, dividend, change of symbol, delisting, spin-off or merger.

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
        instrument's currency. Delisting: final cash per unit, 0 when nothing is paid. Spin-off: units of `new_symbol`
        for each unit held, above 0. Merger: units of `new_symbol` for each unit, 0 when it is for cash alone. Symbol
        change: not used.
    new_symbol : str
        Symbol change: the name from then on. Spin-off and merger: what is received.
    cash : float
        Merger only: cash per unit, beside what is received or instead of it.
    price : float
        Spin-off and merger: price of one unit of what is received, at which fractions (or everything, when it is not
        among the instruments of a run) are paid; 0 when it is not stated, so that the market's price is taken.

    Raises
    ------
    InputError
        If the value does not fit the kind.

    Examples
    --------
    >>> split = CorporateAction(ts=0, instrument=Instrument("AAPL"), kind=ActionKind.SPLIT, value=4.0)
    >>> split.value
    4.0
    >>> spun = CorporateAction(ts=0, instrument=Instrument("GE"), kind=ActionKind.SPIN_OFF, value=0.25,
    ...                        new_symbol="GEV", price=140.0)
    >>> spun.worth
    35.0
    """

    ts: int
    instrument: Instrument
    kind: ActionKind
    value: float = 0.0
    new_symbol: str = ""
    cash: float = 0.0
    price: float = 0.0

    @property
    def exchanges(self) -> bool:
        """Whether units of another instrument are received."""
        return self.kind is ActionKind.SPIN_OFF or (self.kind is ActionKind.MERGER and self.value > 0.0)

    @property
    def worth(self) -> float:
        """What is received for one unit in a spin-off or merger, at the stated price; NaN where that is needed."""
        if self.exchanges and self.price == 0.0:
            return math.nan
        return self.value * self.price + self.cash

    @property
    def terms(self) -> tuple[float, float, float]:
        """The numbers that a later report may restate: value, cash, price."""
        return self.value, self.cash, self.price

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
        for what, amount in (("cash", self.cash), ("price", self.price)):
            if not (math.isfinite(amount) and amount >= 0.0):
                raise InputError(f"The {what} of the {self.kind} of {name} is {amount!r}; it must be 0 or more.")
        if self.kind in {ActionKind.SPIN_OFF, ActionKind.MERGER}:
            self._check_exchange(name)
        elif self.cash or self.price:
            raise InputError(
                f"The {self.kind} of {name} has cash {self.cash:g} and price {self.price:g}; those belong to "
                "mergers and spin-offs. Its own number is `value`."
            )

    def _check_exchange(self, name: str) -> None:
        """What a spin-off or merger must say."""
        spun = self.kind is ActionKind.SPIN_OFF
        low = "above 0" if spun else "0 or more"
        if not math.isfinite(self.value) or self.value < 0.0 or (spun and self.value == 0.0):
            raise InputError(
                f"The {self.kind} of {name} gives {self.value!r} new units per unit; the value must be {low} (0.25 is "
                "one for four)."
            )
        if self.exchanges and not self.new_symbol:
            raise InputError(f"The {self.kind} of {name} lacks `new_symbol`, the symbol of what is received.")
        if self.new_symbol == name:
            raise InputError(f"The {self.kind} of {name} gives {name} itself; name the symbol of what is received.")
        if spun and self.cash:
            raise InputError(
                f"The spin-off of {name} has cash {self.cash:g}; give the cash as a dividend of its own, and as "
                "`price` the price of one new unit."
            )
