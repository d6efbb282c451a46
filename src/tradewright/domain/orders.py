"""Intents, their fate, and the facts that come of them.

Entry points: `Order` with `Protection`, `OrderUpdate`, `Fill`, `ApprovedOrder`, `Refusal`.

Invariants: quantities are signed (positive buys) and there is no side; an order never changes, its state is the last
`OrderUpdate` about it; a fill is exact (integers in units of 1e-12). Only the risk gate constructs an `ApprovedOrder`,
and a broker accepts nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from .errors import InputError, OrderValidationError
from .instrument import Instrument
from .money import UNIT, Number, from_units, mul, to_units

__all__ = [
    "ApprovedOrder",
    "Distance",
    "DistanceUnit",
    "Fill",
    "Order",
    "OrderStatus",
    "OrderType",
    "OrderUpdate",
    "Protection",
    "Refusal",
    "TimeInForce",
]


class OrderType(StrEnum):
    """Closed set of order types."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"
    MARKET_ON_OPEN = "on_open"
    MARKET_ON_CLOSE = "on_close"
    TARGET = "target"


class TimeInForce(StrEnum):
    """How long an order lives."""

    DAY = "day"
    GTC = "gtc"
    GTD = "gtd"
    IOC = "ioc"
    FOK = "fok"


class OrderStatus(StrEnum):
    """Life of an order; the last four are final."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"

    @property
    def is_final(self) -> bool:
        """True when nothing can happen to the order any more."""
        return not _NEXT[self]

    def can_become(self, status: OrderStatus) -> bool:
        """Whether an order in this status may be reported in another next."""
        return status in _NEXT[self]


_ENDS: Final = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED})
_NEXT: Final[dict[OrderStatus, frozenset[OrderStatus]]] = {
    # A fast broker may report a fill or an end before it confirms that it accepted the order.
    OrderStatus.PENDING: _ENDS | {OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.REFUSED},
    # Exchanges revoke accepted orders too (a stop that the matching engine refuses when it triggers).
    OrderStatus.ACCEPTED: _ENDS | {OrderStatus.PARTIALLY_FILLED, OrderStatus.REFUSED},
    OrderStatus.PARTIALLY_FILLED: _ENDS | {OrderStatus.PARTIALLY_FILLED},
    OrderStatus.FILLED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
    OrderStatus.EXPIRED: frozenset(),
    OrderStatus.REFUSED: frozenset(),
}


class DistanceUnit(StrEnum):
    """What a protective distance is counted in."""

    FRACTION = "fraction"
    AMOUNT = "amount"
    ATR = "atr"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a protective level is from the fill price.

    Parameters
    ----------
    value : float
        Above 0. A fraction of the fill price (0.02 is 2 %), an amount of money, a multiple of the average true range
        at the decision, or a price of its own.
    unit : DistanceUnit
        What `value` counts.

    Raises
    ------
    OrderValidationError
        If the value is not finite and above 0.

    Examples
    --------
    >>> Distance(0.02).level(100.0, direction=-1), Distance(3.0, DistanceUnit.ATR).level(100.0, direction=1, atr=2.0)
    (98.0, 106.0)
    """

    value: float
    unit: DistanceUnit = DistanceUnit.FRACTION

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0.0):
            raise OrderValidationError(f"A protective distance of {self.value!r} is not possible; it must be above 0.")

    def level(self, price: float, *, direction: int, atr: float = math.nan) -> float:
        """Price of the level.

        Parameters
        ----------
        price : float
            Fill price.
        direction : int
            +1 for a level above it, -1 for one below it.
        atr : float
            Average true range; needed by the unit ``atr``.

        Returns
        -------
        float
        """
        if self.unit is DistanceUnit.PRICE:
            return self.value
        if self.unit is DistanceUnit.FRACTION:
            return price * (1.0 + direction * self.value)
        if self.unit is DistanceUnit.AMOUNT:
            return price + direction * self.value
        if not math.isfinite(atr):
            raise InputError("A distance in multiples of ATR needs the average true range, which is missing.")
        return price + direction * self.value * atr


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What guards a position from its first fill on: any of stop, target and trailing stop, one cancelling the others.

    Parameters
    ----------
    stop, target, trail : Distance or None
        A trail is never a price.

    Raises
    ------
    OrderValidationError
        If nothing is given or the trail is a price.

    Examples
    --------
    >>> Protection(stop=Distance(0.01), target=Distance(0.02)).trail is None
    True
    """

    stop: Distance | None = None
    target: Distance | None = None
    trail: Distance | None = None

    def __post_init__(self) -> None:
        if self.stop is None and self.target is None and self.trail is None:
            raise OrderValidationError("A protection needs a stop, a target or a trail; leave it out otherwise.")
        if self.trail is not None and self.trail.unit is DistanceUnit.PRICE:
            raise OrderValidationError("A trail follows the price, so it cannot be a price; give a fraction or amount.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An intent to change one quantity. Never changes.

    Parameters
    ----------
    client_id : str
        Our name for it, unique for ever; sent to the broker, so that an order is never placed twice.
    instrument : Instrument
        What to trade.
    quantity : float
        Signed, not 0; positive buys. A target order says how far it may go by `target` instead and has 0 here.
    type : OrderType
        How it is to be filled.
    ts : int
        Nanoseconds UTC of the decision.
    limit, stop : float or None
        Prices, as the type needs them.
    trail : Distance or None
        Trailing stops only.
    target : float or None
        Target orders only: wanted position as signed fraction of equity.
    time_in_force : TimeInForce
        How long it lives.
    expires : int or None
        Nanoseconds UTC after which a GTD order is void.
    protection : Protection or None
        Attached to the position that the order opens.
    reduce_only : bool
        True when it may never open or enlarge a position.
    parent : str
        Client id of the order that caused it (children of a bracket).
    group : str
        Orders of one group cancel each other (one-cancels-other).
    reason : str
        Why, for people and for the trade list.

    Raises
    ------
    OrderValidationError
        If the fields contradict each other.

    Examples
    --------
    >>> order = Order(client_id="a1", instrument=Instrument("SPY"), quantity=-10, type=OrderType.LIMIT, limit=500.0)
    >>> order.direction, str(order.time_in_force)
    (-1, 'gtc')
    """

    client_id: str
    instrument: Instrument
    quantity: float = 0.0
    type: OrderType = OrderType.MARKET
    ts: int = 0
    limit: float | None = None
    stop: float | None = None
    trail: Distance | None = None
    target: float | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires: int | None = None
    protection: Protection | None = None
    reduce_only: bool = False
    parent: str = ""
    group: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        what = f"{self.type} order {self.client_id!r} for {self.instrument}"
        if not self.client_id:
            raise OrderValidationError(f"The {self.type} order for {self.instrument} needs a client id.")
        if self.type is OrderType.TARGET:
            if self.target is None or not math.isfinite(self.target) or self.quantity:
                raise OrderValidationError(f"The {what} needs a finite target weight and no quantity.")
        elif not math.isfinite(self.quantity) or self.quantity == 0.0:
            raise OrderValidationError(f"The {what} has quantity {self.quantity!r}; it must be finite and not 0.")
        for name, types in _PRICES.items():
            value = getattr(self, name)
            if (value is not None) != (self.type in types):
                verb = "needs a" if self.type in types else "cannot have a"
                raise OrderValidationError(f"The {what} {verb} {name}.")
            if isinstance(value, (int, float)) and name != "target" and not (math.isfinite(value) and value > 0.0):
                raise OrderValidationError(f"The {what} has {name} {value!r}; it must be finite and above 0.")
        if self.trail is not None and self.trail.unit is DistanceUnit.PRICE:
            raise OrderValidationError(
                f"The {what} has a trail that is a price; give a fraction, amount or ATR multiple."
            )
        if (self.expires is not None) != (self.time_in_force is TimeInForce.GTD):
            raise OrderValidationError(f"The {what} is {self.time_in_force}; exactly GTD orders have an expiry.")
        if self.reduce_only and self.protection is not None:
            raise OrderValidationError(f"The {what} only reduces, so there is nothing for its protection to guard.")

    @property
    def direction(self) -> int:
        """+1 buys, -1 sells, 0 for a target order (its position decides)."""
        return (self.quantity > 0) - (self.quantity < 0)

    def with_(self, **changes: object) -> Order:
        """Return another order that differs in these fields."""
        return replace(self, **changes)  # type: ignore[arg-type]


_PRICES: Final = {
    "limit": frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT}),
    "stop": frozenset({OrderType.STOP, OrderType.STOP_LIMIT}),
    "trail": frozenset({OrderType.TRAILING_STOP}),
    "target": frozenset({OrderType.TARGET}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """What became of an order.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC.
    client_id : str
        Which order.
    status : OrderStatus
        Its status from now on.
    filled_units : int
        Signed quantity filled so far, in units of 1e-12.
    broker_id : str
        The broker's name for it.
    reason : str
        Why, when it ended without being filled whole.

    Examples
    --------
    >>> OrderUpdate(ts=0, client_id="a1", status=OrderStatus.ACCEPTED).status.is_final
    False
    """

    ts: int
    client_id: str
    status: OrderStatus
    filled_units: int = 0
    broker_id: str = ""
    reason: str = ""

    @property
    def filled(self) -> float:
        """Signed quantity filled so far."""
        return from_units(self.filled_units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A fact: a quantity changed hands at a price for a fee.

    `of` builds one from ordinary numbers; the fields are exact integers in units of 1e-12.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC.
    instrument : Instrument
        What was traded.
    quantity_units : int
        Signed, not 0.
    price_units : int
        Above 0 (at least 0 for a position that became worthless), in the instrument's currency.
    fee_units : int
        At least 0, or below for a rebate, in the account's currency.
    client_id : str
        Order that it belongs to.
    fill_id : str
        The broker's name for it; a fill is applied once.
    maker : bool
        True when it provided liquidity.
    fx_units : int or None
        Account currency per unit of instrument currency; needed when the two differ.
    reason : str
        Why, for the trade list (``signal``, ``stop``, ``target``, ...).

    Raises
    ------
    InputError
        If the quantity is 0 or the price negative.

    Examples
    --------
    >>> fill = Fill.of(Instrument("SPY"), 10, "100.5", fee=1)
    >>> fill.quantity, fill.price, fill.cash
    (10.0, 100.5, -1006.0)
    """

    ts: int
    instrument: Instrument
    quantity_units: int
    price_units: int
    fee_units: int = 0
    client_id: str = ""
    fill_id: str = ""
    maker: bool = False
    fx_units: int | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.quantity_units == 0:
            raise InputError(f"A fill in {self.instrument} of quantity 0 is no fill.")
        if self.price_units < 0:
            raise InputError(f"A fill in {self.instrument} at {self.price!r} is not possible; prices are at least 0.")
        if self.fx_units is not None and self.fx_units <= 0:
            raise InputError(f"The currency rate of a fill in {self.instrument} must be above 0.")

    @classmethod
    def of(
        cls,
        instrument: Instrument,
        quantity: Number,
        price: Number,
        *,
        fee: Number = 0,
        ts: int = 0,
        client_id: str = "",
        fill_id: str = "",
        maker: bool = False,
        fx: Number | None = None,
        reason: str = "",
    ) -> Fill:
        """Fill from ordinary numbers, text or decimals; text and decimals are exact."""
        return cls(
            ts=ts,
            instrument=instrument,
            quantity_units=to_units(quantity),
            price_units=to_units(price),
            fee_units=to_units(fee),
            client_id=client_id,
            fill_id=fill_id,
            maker=maker,
            fx_units=None if fx is None else to_units(fx),
            reason=reason,
        )

    @property
    def notional_units(self) -> int:
        """Value that changed hands, at least 0, in the account's currency."""
        value = mul(abs(self.quantity_units), self.price_units)
        if self.instrument.multiplier != 1.0:
            value = mul(value, to_units(self.instrument.multiplier))
        return value if self.fx_units in {None, UNIT} else mul(value, self.fx_units or 0)

    @property
    def cash_units(self) -> int:
        """Change of cash, fee included; negative when buying."""
        value = self.notional_units
        return (-value if self.quantity_units > 0 else value) - self.fee_units

    @property
    def quantity(self) -> float:
        """Signed quantity."""
        return from_units(self.quantity_units)

    @property
    def price(self) -> float:
        """Price per unit."""
        return from_units(self.price_units)

    @property
    def fee(self) -> float:
        """Fee paid."""
        return from_units(self.fee_units)

    @property
    def cash(self) -> float:
        """Change of cash, fee included."""
        return from_units(self.cash_units)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedOrder:
    """An order that the risk gate let pass; the only thing a broker accepts. Constructed by the gate alone.

    Parameters
    ----------
    order : Order
        As it may be sent (a gate may have made it smaller).
    ts : int
        Nanoseconds UTC of the approval.
    rules : tuple of str
        Names of the rules that were asked.
    wanted : float
        Quantity before the gate made it smaller.
    """

    order: Order
    ts: int
    rules: tuple[str, ...] = ()
    wanted: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A no, and why.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC.
    rule : str
        Name of the rule that said no.
    reason : str
        A sentence with the value, the limit and what would help.
    subject : str
        Client id or instrument id that it is about.
    value, limit : float or None
        What was measured and what is allowed.

    Examples
    --------
    >>> Refusal(ts=0, rule="max_gross", reason="...", subject="SPY", value=0.6, limit=0.5).rule
    'max_gross'
    """

    ts: int
    rule: str
    reason: str
    subject: str
    value: float | None = None
    limit: float | None = None
