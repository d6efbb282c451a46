from __future__ import annotations

import dataclasses

import pytest

from tradewright.domain.errors import InputError, OrderValidationError
from tradewright.domain.instrument import Instrument
from tradewright.domain.orders import (
    Distance,
    DistanceUnit,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Protection,
    TimeInForce,
)

SPY = Instrument("SPY")
TRAIL = Distance(0.05)


@pytest.mark.parametrize(
    ("type_", "prices"),
    [
        (OrderType.MARKET, {}),
        (OrderType.MARKET_ON_OPEN, {}),
        (OrderType.MARKET_ON_CLOSE, {}),
        (OrderType.LIMIT, {"limit": 10.0}),
        (OrderType.STOP, {"stop": 10.0}),
        (OrderType.STOP_LIMIT, {"limit": 10.0, "stop": 11.0}),
        (OrderType.TRAILING_STOP, {"trail": TRAIL}),
    ],
)
def test_each_type_takes_exactly_its_prices(type_: OrderType, prices: dict[str, object]) -> None:
    order = Order(client_id="1", instrument=SPY, quantity=-1, type=type_, **prices)  # type: ignore[arg-type]
    assert order.direction == -1
    for name in ("limit", "stop", "trail"):
        changed = {k: v for k, v in prices.items() if k != name}
        if name not in prices:
            changed[name] = TRAIL if name == "trail" else 5.0
        with pytest.raises(OrderValidationError, match=name):
            Order(client_id="1", instrument=SPY, quantity=-1, type=type_, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": 0},
        {"quantity": float("nan")},
        {"client_id": ""},
        {"type": OrderType.LIMIT, "limit": 0.0},
        {"type": OrderType.LIMIT, "limit": float("inf")},
        {"type": OrderType.TRAILING_STOP, "trail": Distance(10.0, DistanceUnit.PRICE)},
        {"time_in_force": TimeInForce.GTD},
        {"expires": 5},
        {"type": OrderType.TARGET},
        {"type": OrderType.TARGET, "target": 0.5},
        {"target": 0.5},
        {"reduce_only": True, "protection": Protection(stop=TRAIL)},
    ],
)
def test_orders_that_contradict_themselves_are_refused(fields: dict[str, object]) -> None:
    base: dict[str, object] = {"client_id": "1", "instrument": SPY, "quantity": 1}
    with pytest.raises(OrderValidationError):
        Order(**(base | fields))  # type: ignore[arg-type]


def test_a_target_order_says_a_weight_and_no_quantity() -> None:
    order = Order(client_id="1", instrument=SPY, type=OrderType.TARGET, target=-0.5)
    assert (order.direction, order.target) == (0, -0.5)


def test_an_order_never_changes() -> None:
    order = Order(client_id="1", instrument=SPY, quantity=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        order.quantity = 2.0  # type: ignore[misc]
    assert order.with_(quantity=2.0).quantity == 2.0
    assert order.quantity == 1


@pytest.mark.parametrize(
    ("distance", "direction", "level"),
    [
        (Distance(0.01), -1, 99.0),
        (Distance(0.02), 1, 102.0),
        (Distance(3.0, DistanceUnit.AMOUNT), -1, 97.0),
        (Distance(2.0, DistanceUnit.ATR), -1, 97.0),
        (Distance(90.0, DistanceUnit.PRICE), -1, 90.0),
    ],
)
def test_protective_levels_by_hand(distance: Distance, direction: int, level: float) -> None:
    assert distance.level(100.0, direction=direction, atr=1.5) == pytest.approx(level)


def test_protection_needs_something_and_atr_needs_a_range() -> None:
    with pytest.raises(OrderValidationError):
        Protection()
    with pytest.raises(OrderValidationError):
        Protection(trail=Distance(1.0, DistanceUnit.PRICE))
    with pytest.raises(OrderValidationError):
        Distance(0.0)
    with pytest.raises(InputError, match="true range"):
        Distance(1.0, DistanceUnit.ATR).level(100.0, direction=1)


def test_nothing_follows_a_final_status_and_a_pending_order_can_end_in_any() -> None:
    final = {s for s in OrderStatus if s.is_final}
    assert final == {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REFUSED}
    assert not any(a.can_become(b) for a in final for b in OrderStatus)
    assert all(OrderStatus.PENDING.can_become(s) for s in OrderStatus if s is not OrderStatus.PENDING)
    assert not OrderStatus.PARTIALLY_FILLED.can_become(OrderStatus.ACCEPTED)
    assert not OrderStatus.PARTIALLY_FILLED.can_become(OrderStatus.REFUSED)


def test_the_sign_of_a_fill_decides_the_sign_of_its_cash() -> None:
    assert Fill.of(SPY, 10, "10.1", fee="0.05").cash == -101.05
    assert Fill.of(SPY, -10, "10.1", fee="0.05").cash == 100.95
    future = Instrument("ESZ24", multiplier=50.0)
    assert Fill.of(future, 2, 5000).notional_units == 500_000 * 10**12
    assert Fill.of(Instrument("SAP", currency="EUR"), 1, 100, fx="1.1").cash == -110.0


def test_impossible_fills_are_refused() -> None:
    for quantity, price, fx in ((0, 1, None), (1, -1, None), (1, 1, 0)):
        with pytest.raises(InputError):
            Fill.of(SPY, quantity, price, fx=fx)
