"""The account: cash, positions, marks, and the rows that explain every change of them.

Invariant: ``cash = initial + sum(fill cash) + sum(flows)`` to the last unit, because only :meth:`Ledger.pay` and
:meth:`Ledger.trade` change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tradewright._reference.numbers import checked, div_half_even, floor_lot, from_units, mul, sign, to_units
from tradewright._reference.spec import Spec

NAN = float("nan")


@dataclass
class Position:
    """What is held of one asset at average cost, in units; `cost` and `quantity` carry the sign."""

    quantity: int = 0
    cost: int = 0
    fees: int = 0
    entry_bar: int = -1
    entry_order: int = -1
    entry_reason: str = ""
    ambiguous: bool = False

    @property
    def sign(self) -> int:
        """Direction: -1, 0 or 1."""
        return sign(self.quantity)


class Flow(NamedTuple):
    """A cash movement that is no fill; asset -1 is the account."""

    bar: int
    asset: int
    kind: str
    units: int


class Trade(NamedTuple):
    """A reduction of a position, or one that is open at the end (``exit_bar`` -1); money and quantity in units."""

    asset: int
    direction: int
    quantity: int
    entry_bar: int
    entry_price: float
    exit_bar: int
    exit_price: float
    fees: int
    pnl: int
    cost: int
    ambiguous: bool
    entry_reason: str
    exit_reason: str
    entry_order: int
    exit_order: int


class Execution(NamedTuple):
    """The facts of one fill that the ledger needs; quantity signed, in units."""

    bar: int
    asset: int
    order: int
    reason: str
    quantity: int
    price: float
    notional: int
    fee: int
    ambiguous: bool


class Parcel(NamedTuple):
    """Shares that arrive with their cost, not against payment; in units, quantity and cost signed."""

    quantity: int
    cost: int
    fees: int
    entry_bar: int
    entry_order: int
    entry_reason: str
    ambiguous: bool


class Ledger:
    """Cash and positions of a run.

    >>> from tradewright._reference.numbers import UNIT
    >>> ledger = Ledger(Spec(initial_cash=100.0))
    >>> ledger.trade(Execution(0, 0, 0, "order", 2 * UNIT, 10.0, 20 * UNIT, UNIT, False))
    >>> ledger.cash // UNIT, ledger.positions[0].cost // UNIT
    (79, 20)
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.cash = spec.initial_units
        self.positions = [Position() for _ in range(spec.n_assets)]
        self.marks = [NAN] * spec.n_assets
        self.flows: list[Flow] = []
        self.trades: list[Trade] = []

    def held(self) -> list[int]:
        """Assets with a position, in index order."""
        return [asset for asset, position in enumerate(self.positions) if position.quantity != 0]

    @property
    def is_short(self) -> bool:
        """Whether any asset is held short."""
        return any(position.quantity < 0 for position in self.positions)

    def value(self, prices: list[float]) -> float:
        """Equity at the given prices: cash, then the held assets in index order."""
        total = from_units(self.cash)
        for asset in self.held():
            total += (from_units(self.positions[asset].quantity) * self.spec.multiplier[asset]) * prices[asset]
        return total

    def gross(self, without: int = -1) -> float:
        """Sum of absolute values at the marks, of all held assets or of all but one."""
        total = 0.0
        for asset in self.held():
            if asset != without:
                total += (
                    abs(from_units(self.positions[asset].quantity)) * self.spec.multiplier[asset] * self.marks[asset]
                )
        return total

    def pay(self, bar: int, asset: int, kind: str, units: int) -> None:
        """Move cash (negative: out) and record it; nothing moves for 0 units."""
        if units != 0:
            self.cash = checked(self.cash + units)
            self.flows.append(Flow(bar, asset, kind, units))

    def trade(self, fill: Execution) -> None:
        """Book a fill, which must not cross zero; a reducing one becomes a trade."""
        position = self.positions[fill.asset]
        side = sign(fill.quantity)
        self.cash = checked(self.cash - (side * fill.notional + fill.fee))
        if position.quantity * side >= 0:
            if position.quantity == 0:
                self.positions[fill.asset] = position = Position(
                    entry_bar=fill.bar, entry_order=fill.order, entry_reason=fill.reason
                )
            position.quantity = checked(position.quantity + fill.quantity)
            position.cost = checked(position.cost + side * fill.notional)
            position.fees += fill.fee
            position.ambiguous |= fill.ambiguous
            return
        held, taken = abs(position.quantity), abs(fill.quantity)
        cost_out = position.cost if taken == held else div_half_even(position.cost * taken, held)
        fees_out = position.fees if taken == held else div_half_even(position.fees * taken, held)
        gross = position.sign * fill.notional - cost_out
        self._close(
            fill.asset,
            quantity=taken,
            cost=cost_out,
            exit_bar=fill.bar,
            exit_price=fill.price,
            fees=fees_out + fill.fee,
            pnl=gross - fees_out - fill.fee,
            ambiguous=fill.ambiguous,
            reason=fill.reason,
            order=fill.order,
        )
        position.quantity += fill.quantity
        position.cost -= cost_out
        position.fees -= fees_out

    def _close(
        self,
        asset: int,
        *,
        quantity: int,
        cost: int,
        exit_bar: int,
        exit_price: float,
        fees: int,
        pnl: int,
        ambiguous: bool,
        reason: str,
        order: int,
    ) -> None:
        """Append the row of a trade of the asset's position as it is before the reduction."""
        position = self.positions[asset]
        size = from_units(abs(position.quantity)) * self.spec.multiplier[asset]
        self.trades.append(
            Trade(
                asset=asset,
                direction=position.sign,
                quantity=quantity,
                entry_bar=position.entry_bar,
                entry_price=from_units(abs(position.cost)) / size if size > 0.0 else NAN,
                exit_bar=exit_bar,
                exit_price=exit_price,
                fees=fees,
                pnl=pnl,
                cost=cost,
                ambiguous=position.ambiguous or ambiguous,
                entry_reason=position.entry_reason,
                exit_reason=reason,
                entry_order=position.entry_order,
                exit_order=order,
            )
        )

    def split(self, bar: int, asset: int, ratio: float) -> None:
        """Split a position; what is below the lot is paid out, and a position with nothing left ends as a trade."""
        position = self.positions[asset]
        mark = self.marks[asset] / ratio
        if position.quantity != 0:
            direction = position.sign
            position.quantity = mul(position.quantity, to_units(ratio))
            kept = floor_lot(position.quantity, self.spec.lot_units[asset])
            fraction = position.quantity - kept
            if kept == 0:
                self.write_off(bar, asset, direction, mark, "split")
            else:
                position.quantity = kept
            if fraction != 0:
                self.pay(
                    bar, asset, "cash_in_lieu", mul(mul(fraction, to_units(mark)), self.spec.multiplier_units[asset])
                )
        self.marks[asset] = mark

    def write_off(self, bar: int, asset: int, direction: int, price: float, reason: str) -> None:
        """End a position of which nothing is left: its cost and fees become a trade, the payout is a flow."""
        position = self.positions[asset]
        self._close(
            asset,
            quantity=abs(position.quantity),
            cost=position.cost,
            exit_bar=bar,
            exit_price=price,
            fees=position.fees,
            pnl=-position.cost - position.fees,
            ambiguous=False,
            reason=reason,
            order=-1,
        )
        self.trades[-1] = self.trades[-1]._replace(direction=direction)
        self.positions[asset] = Position()

    def deliver(self, bar: int, asset: int, parcel: Parcel, price: float, reason: str) -> None:
        """Take shares with their cost: first against a position of the other sign, which they close at that cost."""
        quantity, cost, fees = parcel.quantity, parcel.cost, parcel.fees
        position = self.positions[asset]
        if position.quantity * quantity < 0:
            held, taken = abs(position.quantity), min(abs(position.quantity), abs(quantity))
            out = [x if taken == held else div_half_even(x * taken, held) for x in (position.cost, position.fees)]
            came = [x if taken == abs(quantity) else div_half_even(x * taken, abs(quantity)) for x in (cost, fees)]
            self._close(
                asset,
                quantity=taken,
                cost=out[0],
                exit_bar=bar,
                exit_price=from_units(abs(came[0])) / (from_units(taken) * self.spec.multiplier[asset]),
                fees=out[1] + came[1],
                pnl=-out[0] - came[0] - out[1] - came[1],
                ambiguous=parcel.ambiguous,
                reason=reason,
                order=-1,
            )
            position.quantity += sign(quantity) * taken
            position.cost -= out[0]
            position.fees -= out[1]
            quantity -= sign(quantity) * taken
            cost, fees = cost - came[0], fees - came[1]
            if position.quantity == 0:
                self.positions[asset] = position = Position()
        if quantity != 0:
            if position.quantity == 0:
                self.positions[asset] = position = Position(
                    entry_bar=parcel.entry_bar, entry_order=parcel.entry_order, entry_reason=parcel.entry_reason
                )
            position.quantity = checked(position.quantity + quantity)
            position.cost = checked(position.cost + cost)
            position.fees += fees
            position.ambiguous |= parcel.ambiguous
        if self.marks[asset] != self.marks[asset]:
            self.marks[asset] = price

    def money(self, asset: int, quantity: int, price: float) -> int:
        """Value of a quantity, in units of money."""
        return mul(mul(quantity, to_units(price)), self.spec.multiplier_units[asset])

    def pay_fraction(self, bar: int, asset: int, whole: int, price: float) -> int:
        """Pay out what is below the lot; what is left."""
        kept = floor_lot(whole, self.spec.lot_units[asset])
        self.pay(bar, asset, "cash_in_lieu", self.money(asset, whole - kept, price))
        return kept

    def dividend(self, bar: int, asset: int, amount: float) -> None:
        """Pay a dividend per share on what is held; a short pays it."""
        quantity = self.positions[asset].quantity
        if quantity != 0:
            self.pay(bar, asset, "dividend", mul(mul(quantity, to_units(amount)), self.spec.multiplier_units[asset]))

    def open_trades(self) -> list[Trade]:
        """One row for every position that is open, at its mark."""
        closed = len(self.trades)
        for asset in self.held():
            position, mark = self.positions[asset], self.marks[asset]
            value = mul(mul(abs(position.quantity), to_units(mark)), self.spec.multiplier_units[asset])
            self._close(
                asset,
                quantity=abs(position.quantity),
                cost=position.cost,
                exit_bar=-1,
                exit_price=mark,
                fees=position.fees,
                pnl=position.sign * value - position.cost - position.fees,
                ambiguous=False,
                reason="open",
                order=-1,
            )
        rows, self.trades = self.trades[closed:], self.trades[:closed]
        return rows
