"""What fills, cash movements and corporate actions add up to.

Entry points: `Portfolio` (``apply``), `Position`, `CashMovement`, `AccountSnapshot`.

Invariants: cash and quantities are exact integers in units of 1e-12. Cash is the initial cash plus the cash flow of
every fact applied, to the last unit; realised profit less the cost and fees of what is open accounts for all of it.
Amounts are in the account's currency. Estimates (`equity`, `gross_exposure`) are floats and need a mark for whatever is
held.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from .actions import ActionKind, CorporateAction
from .errors import InputError, MissingDataError, PortfolioUpdateError
from .instrument import Instrument
from .money import UNIT, Number, floor_lot, from_units, mul, mul_div, to_units
from .orders import Fill

__all__ = ["AccountSnapshot", "CashKind", "CashMovement", "Portfolio", "Position"]


class CashKind(StrEnum):
    """Why cash moved without a fill."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    DIVIDEND = "dividend"
    CASH_IN_LIEU = "cash_in_lieu"
    SPIN_OFF = "spin_off"
    MERGER = "merger"
    FUNDING = "funding"
    BORROW = "borrow"
    INTEREST = "interest"
    FEE = "fee"
    TAX = "tax"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashMovement:
    """Cash that came or went without a fill.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC.
    kind : CashKind
        Why.
    amount_units : int
        Signed, in units of 1e-12 of the account's currency; positive is received.
    instrument : Instrument or None
        Whom it concerns.
    reason : str
        For people.

    Raises
    ------
    InputError
        If a deposit is negative or a withdrawal positive.

    Examples
    --------
    >>> CashMovement.of(CashKind.DEPOSIT, 100).amount
    100.0
    """

    ts: int
    kind: CashKind
    amount_units: int
    instrument: Instrument | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.kind is CashKind.DEPOSIT and self.amount_units < 0:
            raise InputError(f"A deposit of {self.amount!r} is negative; that is a withdrawal.")
        if self.kind is CashKind.WITHDRAWAL and self.amount_units > 0:
            raise InputError(f"A withdrawal of {self.amount!r} is positive; money that leaves is negative.")

    @classmethod
    def of(
        cls, kind: CashKind, amount: Number, *, ts: int = 0, instrument: Instrument | None = None, reason: str = ""
    ) -> CashMovement:
        """Cash movement from an ordinary number, text or decimal."""
        return cls(ts=ts, kind=kind, amount_units=to_units(amount), instrument=instrument, reason=reason)

    @property
    def amount(self) -> float:
        """Signed amount; positive is received."""
        return from_units(self.amount_units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What the fills in one instrument add up to, by average cost.

    Parameters
    ----------
    instrument : Instrument
        What is held.
    quantity_units : int
        Signed.
    cost_units : int
        Signed money that the open quantity cost without fees; negative for a short.
    fees_units : int
        Fees paid for the open quantity.
    realised_units : int
        Net profit of what was closed, and dividends.
    mark : float or None
        Last price known, in the account's currency; None before the first.

    Examples
    --------
    >>> spy = Instrument("SPY")
    >>> p, closed = Position(instrument=spy).after(Fill.of(spy, 10, 100, fee=1))
    >>> p, closed = p.after(Fill.of(spy, -4, 110, fee=1))
    >>> p.quantity, p.average_price, p.realised
    (6.0, 100.0, 38.6)
    """

    instrument: Instrument
    quantity_units: int = 0
    cost_units: int = 0
    fees_units: int = 0
    realised_units: int = 0
    mark: float | None = None

    @property
    def quantity(self) -> float:
        """Signed quantity."""
        return from_units(self.quantity_units)

    @property
    def average_price(self) -> float:
        """Average price of the open quantity in the account's currency, without fees; 0 when flat."""
        if not self.quantity_units:
            return 0.0
        return from_units(abs(self.cost_units)) / (from_units(abs(self.quantity_units)) * self.instrument.multiplier)

    @property
    def realised(self) -> float:
        """Net profit of what was closed, and dividends."""
        return from_units(self.realised_units)

    @property
    def value(self) -> float:
        """Signed value at the mark.

        Raises
        ------
        MissingDataError
            If something is held and no price of it is known.
        """
        if not self.quantity_units:
            return 0.0
        if self.mark is None:
            raise MissingDataError(
                f"No price of {self.instrument} is known, so its {self.quantity} cannot be valued; mark it first."
            )
        return from_units(self.quantity_units) * self.instrument.multiplier * self.mark

    @property
    def unrealised(self) -> float:
        """Profit of the open quantity at the mark, without exit costs and after the fees of its entry."""
        return self.value - from_units(self.cost_units) - from_units(self.fees_units)

    def joined(self, quantity: int, cost: int, fees: int, price: float) -> Position:
        """Position after a delivery without payment, in units; what offsets it is closed at the cost that came with it.

        Examples
        --------
        >>> spun = Position(instrument=Instrument("GEV")).joined(to_units(25), to_units(3_500), 0, 140.0)
        >>> spun.quantity, spun.average_price, spun.mark
        (25.0, 140.0, 140.0)
        """
        held, realised = self.quantity_units, self.realised_units
        closing = 0 if held * quantity >= 0 else min(abs(held), abs(quantity))
        if closing:
            out = mul_div(self.cost_units, closing, abs(held)) + mul_div(self.fees_units, closing, abs(held))
            came = mul_div(cost, closing, abs(quantity)) + mul_div(fees, closing, abs(quantity))
            realised -= out + came
        after = held + quantity
        return replace(
            self,
            quantity_units=after,
            cost_units=_left(self.cost_units, closing, abs(held)) + _left(cost, closing, abs(quantity)),
            fees_units=_left(self.fees_units, closing, abs(held)) + _left(fees, closing, abs(quantity)),
            realised_units=realised,
            mark=price if self.mark is None else self.mark,
        )

    def after(self, fill: Fill) -> tuple[Position, int]:
        """Position after a fill, and the net profit in units that the fill realised.

        A fill that crosses zero closes first and opens the rest; its notional and fee are split in proportion, and
        the parts add up exactly.

        Raises
        ------
        PortfolioUpdateError
            If the fill is in another instrument.
        """
        if fill.instrument != self.instrument:
            raise PortfolioUpdateError(f"A fill in {fill.instrument} cannot change the position in {self.instrument}.")
        held, quantity = self.quantity_units, fill.quantity_units
        mark = fill.price if fill.fx_units is None else fill.price * from_units(fill.fx_units)
        notional = fill.notional_units
        closing = 0 if held * quantity >= 0 else min(abs(held), abs(quantity))
        cost, fees, profit = self.cost_units, self.fees_units, 0
        opening_notional, opening_fee = notional, fill.fee_units
        if closing:
            closing_notional = mul_div(notional, closing, abs(quantity))
            closing_fee = mul_div(fill.fee_units, closing, abs(quantity))
            opening_notional -= closing_notional
            opening_fee -= closing_fee
            whole = closing == abs(held)
            cost_out = cost if whole else mul_div(cost, closing, abs(held))
            fees_out = fees if whole else mul_div(fees, closing, abs(held))
            profit = (closing_notional if held > 0 else -closing_notional) - cost_out - fees_out - closing_fee
            cost -= cost_out
            fees -= fees_out
        if closing < abs(quantity):
            cost += opening_notional if quantity > 0 else -opening_notional
            fees += opening_fee
        after = replace(
            self,
            quantity_units=held + quantity,
            cost_units=cost,
            fees_units=fees,
            realised_units=self.realised_units + profit,
            mark=mark,
        )
        return after, profit


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What all fills and cash movements add up to. `apply` returns another one.

    Parameters
    ----------
    cash_units : int
        Cash in units of 1e-12.
    positions : tuple of Position
        Sorted by instrument id; those that are flat keep their realised profit.
    currency : str
        Currency of the account.

    Examples
    --------
    >>> spy = Instrument("SPY")
    >>> portfolio = Portfolio.of(10_000).apply(Fill.of(spy, 10, 100, fee=1)).marked({spy: 110.0})
    >>> portfolio.cash, portfolio.equity, portfolio.gross_exposure
    (8999.0, 10099.0, 0.10892...)
    """

    cash_units: int = 0
    positions: tuple[Position, ...] = ()
    currency: str = "USD"

    @classmethod
    def of(cls, cash: Number, currency: str = "USD") -> Portfolio:
        """Portfolio that holds cash only."""
        return cls(cash_units=to_units(cash), currency=currency)

    @property
    def cash(self) -> float:
        """Cash; negative when borrowed."""
        return from_units(self.cash_units)

    @property
    def equity(self) -> float:
        """Cash plus the value of all positions at their marks (MissingDataError where a mark is missing)."""
        total = from_units(self.cash_units)
        for position in self.positions:
            total += position.value
        return total

    @property
    def gross_value(self) -> float:
        """Sum of absolute values of all positions."""
        return sum(abs(position.value) for position in self.positions)

    @property
    def gross_exposure(self) -> float:
        """Gross value as a fraction of equity; infinite when something is held on no equity."""
        gross, equity = self.gross_value, self.equity
        if gross == 0.0:
            return 0.0
        return gross / equity if equity > 0.0 else float("inf")

    @property
    def realised(self) -> float:
        """Net profit of everything closed, and dividends."""
        return from_units(sum(position.realised_units for position in self.positions))

    @property
    def held(self) -> tuple[Position, ...]:
        """Positions that are not flat."""
        return tuple(position for position in self.positions if position.quantity_units)

    def position(self, instrument: Instrument) -> Position:
        """Position in an instrument; a flat one when it was never traded."""
        for position in self.positions:
            if position.instrument == instrument:
                return position
        return Position(instrument=instrument)

    def apply(self, fact: Fill | CashMovement | CorporateAction) -> Portfolio:
        """Portfolio after a fact.

        Parameters
        ----------
        fact : Fill, CashMovement or CorporateAction
            What happened. The caller sees to it that a fact is applied once.

        Returns
        -------
        Portfolio

        Raises
        ------
        PortfolioUpdateError
            If a fill is in another currency than the account and carries no rate.
        """
        if isinstance(fact, Fill):
            return self._after_fill(fact)
        if isinstance(fact, CashMovement):
            return replace(self, cash_units=self.cash_units + fact.amount_units)
        return self._after_action(fact)

    def marked(self, prices: dict[Instrument, float]) -> Portfolio:
        """Portfolio valued at these prices (account currency); instruments that are not held are ignored."""
        positions = tuple(
            replace(position, mark=prices[position.instrument]) if position.instrument in prices else position
            for position in self.positions
        )
        return replace(self, positions=positions)

    def _after_fill(self, fill: Fill) -> Portfolio:
        if fill.fx_units is None and fill.instrument.currency != self.currency:
            raise PortfolioUpdateError(
                f"The fill in {fill.instrument} is in {fill.instrument.currency}, the account in {self.currency}; "
                "give the fill its currency rate (fx)."
            )
        position, _ = self.position(fill.instrument).after(fill)
        return replace(self, cash_units=self.cash_units + fill.cash_units, positions=self._with(position))

    def _after_action(self, action: CorporateAction) -> Portfolio:
        position = self.position(action.instrument)
        if position not in self.positions:
            return self
        if action.kind is ActionKind.SYMBOL_CHANGE:
            renamed = replace(position, instrument=replace(action.instrument, symbol=action.new_symbol))
            rest = tuple(p for p in self.positions if p.instrument != action.instrument)
            without = replace(self, positions=rest)
            return replace(without, positions=without._with(renamed))
        if not position.quantity_units:
            return self
        multiplier = to_units(position.instrument.multiplier)
        if action.kind is ActionKind.DIVIDEND:
            amount = _money(position.quantity_units, to_units(action.value), multiplier)
            paid = replace(position, realised_units=position.realised_units + amount)
            return replace(self, cash_units=self.cash_units + amount, positions=self._with(paid))
        if action.kind is ActionKind.DELISTING:
            fill = Fill(
                ts=action.ts,
                instrument=position.instrument,
                quantity_units=-position.quantity_units,
                price_units=to_units(action.value),
                fx_units=UNIT,
                reason="delisting",
            )
            return self._after_fill(fill)
        if action.kind in {ActionKind.SPIN_OFF, ActionKind.MERGER}:
            return self._after_exchange(position, action, multiplier)
        return self._after_split(position, action)

    def _after_split(self, position: Position, action: CorporateAction) -> Portfolio:
        ratio = to_units(action.value)
        quantity = mul(position.quantity_units, ratio)
        mark = None if position.mark is None else position.mark / action.value
        whole = floor_lot(quantity, to_units(position.instrument.lot))
        fraction, amount = quantity - whole, 0
        if fraction and mark is not None:
            # What is below the lot is paid out; the cost stays with the shares that remain.
            amount = _money(fraction, to_units(mark), to_units(position.instrument.multiplier))
        else:
            whole = quantity
        cost, fees, realised = position.cost_units, position.fees_units, position.realised_units + amount
        if not whole:
            realised, cost, fees = realised - cost - fees, 0, 0
        after = replace(
            position, quantity_units=whole, mark=mark, realised_units=realised, cost_units=cost, fees_units=fees
        )
        return replace(self, cash_units=self.cash_units + amount, positions=self._with(after))

    def _after_exchange(self, position: Position, action: CorporateAction, multiplier: int) -> Portfolio:
        """A spin-off or merger: shares of another instrument with a part of the cost (a merger: all of it), and cash.

        What is received is priced as the action states it, else at the mark of a position in it.
        """
        received = self.position(replace(action.instrument, symbol=action.new_symbol or action.instrument.symbol))
        price = action.price or received.mark or 0.0
        if action.exchanges and not price:
            raise PortfolioUpdateError(
                f"The {action.kind} of {action.instrument} gives {action.new_symbol}, of which no price is known; "
                "state it (price=...), or mark a position in it first."
            )
        quantity, spun = position.quantity_units, action.kind is ActionKind.SPIN_OFF
        whole = mul(quantity, to_units(action.value)) if action.exchanges else 0
        kept = floor_lot(whole, to_units(received.instrument.lot))
        amount = _money(whole - kept, to_units(price), multiplier) + _money(quantity, to_units(action.cash), multiplier)
        cost, fees, mark = position.cost_units, position.fees_units, position.mark
        if spun:
            worth = action.value * price
            if mark is None or not worth < mark:
                raise PortfolioUpdateError(
                    f"{action.instrument} spins off {worth:g} a share at a mark of {mark}; it must be worth less than "
                    "its parent. Mark the position first, or correct the price."
                )
            moved = mul_div(cost, to_units(worth), to_units(mark)) if kept else 0
            parent = replace(
                position, cost_units=cost - moved, mark=mark - worth, realised_units=position.realised_units + amount
            )
            cost, fees = moved, 0
        else:
            lost = 0 if kept else cost + fees
            parent = Position(instrument=position.instrument, realised_units=position.realised_units + amount - lost)
        rest = replace(self, cash_units=self.cash_units + amount, positions=self._with(parent))
        if not kept:
            return rest
        return replace(rest, positions=rest._with(received.joined(kept, cost, fees, price)))

    def _with(self, position: Position) -> tuple[Position, ...]:
        others = [p for p in self.positions if p.instrument != position.instrument]
        return tuple(sorted([*others, position], key=lambda p: p.instrument.id))


def _left(amount: int, part: int, whole: int) -> int:
    """What remains of an amount when a part of a whole is taken."""
    return amount - mul_div(amount, part, whole) if part else amount


def _money(quantity: int, price: int, multiplier: int) -> int:
    value = mul(quantity, price)
    return value if multiplier == UNIT else mul(value, multiplier)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """The broker's opinion of our portfolio, to be reconciled with ours.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC.
    account : str
        The broker's name of the account.
    cash_units : int
        Cash in units of 1e-12.
    positions : tuple of (Instrument, int)
        Signed quantity in units per instrument, sorted by id, without those that are flat.
    open_orders : tuple of str
        Client ids of the orders that the broker works on.
    equity : float or None
        Equity as the broker values it.
    buying_power : float or None
        What the broker would let us buy.
    currency : str
        Currency of the account.

    Examples
    --------
    >>> AccountSnapshot(ts=0, account="paper", cash_units=to_units(5)).cash
    5.0
    """

    ts: int
    account: str
    cash_units: int
    positions: tuple[tuple[Instrument, int], ...] = ()
    open_orders: tuple[str, ...] = ()
    equity: float | None = None
    buying_power: float | None = None
    currency: str = "USD"

    @property
    def cash(self) -> float:
        """Cash; negative when borrowed."""
        return from_units(self.cash_units)
