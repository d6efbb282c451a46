"""The order of prices inside a bar, which open, high, low and close do not tell, and whether it matters.

:func:`plan` and :func:`plan_after_entry` give the points that the price is taken to visit, :func:`next_touched` the
order that a straight leg meets first, :func:`is_order_dependent` whether another way could have given other fills.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tradewright._reference.market import Candle
from tradewright._reference.orders import Order


class Entry(NamedTuple):
    """How a position was opened inside the bar: its direction, and whether on a rising leg."""

    direction: int
    going_up: bool


def plan(rule: str, candle: Candle, direction: int) -> list[float]:
    """Points that the price visits after the open.

    Parameters
    ----------
    rule : {"pessimistic", "expected", "optimistic"}
    candle : Candle
    direction : int
        Sign of the position held: 1, 0 or -1.

    Returns
    -------
    list of float
        Three prices, the last one the close.

    Examples
    --------
    >>> plan("pessimistic", Candle(10.0, 12.0, 9.0, 11.0), 1)
    [9.0, 12.0, 11.0]
    >>> plan("expected", Candle(10.0, 12.0, 7.0, 11.0), 1)
    [12.0, 7.0, 11.0]
    """
    high_first = candle.high - candle.open <= candle.open - candle.low
    if rule != "expected" and direction != 0:
        high_first = (direction < 0) == (rule == "pessimistic")
    if high_first:
        return [candle.high, candle.low, candle.close]
    return [candle.low, candle.high, candle.close]


def plan_after_entry(rule: str, candle: Candle, entry: Entry) -> list[float] | None:
    """Points that must still come after a fill inside the bar opened a position; None: the old plan goes on.

    >>> plan_after_entry("pessimistic", Candle(10.0, 12.0, 9.0, 11.0), Entry(1, going_up=False))
    [9.0, 11.0]
    """
    if rule == "expected":
        return None
    _, high, low, close = candle
    # a pessimist lets the extreme against the position come next, an optimist the one in its favour
    low_next = (entry.direction > 0) == (rule == "pessimistic")
    if low_next:
        return [low, high, close] if entry.going_up else [low, close]
    return [high, close] if entry.going_up else [high, low, close]


def next_touched(orders: Sequence[Order], start: float, end: float) -> tuple[Order, float] | None:
    """First order that the leg from `start` to `end` meets, and the price there; None when it meets none.

    >>> stop = Order(0, 0, 0, "stop", -1, "order", 1, stop=9.0)
    >>> next_touched([stop], 10.0, 8.5)[1], next_touched([stop], 8.0, 7.0)[1], next_touched([stop], 10.0, 9.5)
    (9.0, 8.0, None)
    """
    down = end < start
    best: tuple[tuple[float, int, int], Order, float] | None = None
    for order in orders:
        if order.is_below != down or not order.met_by(end):
            continue
        price = min(order.level, start) if down else max(order.level, start)
        key = (-price if down else price, order.rank, order.id)
        if best is None or key < best[0]:
            best = (key, order, price)
    return None if best is None else best[1:]


def is_order_dependent(orders: Sequence[Order], candle: Candle, ratchets: bool, entry: Entry | None) -> bool:
    """Whether the unknown order of high and low decides what these orders do in the bar.

    Parameters
    ----------
    orders : sequence of Order
        Resting orders of the asset that can still execute in this bar.
    candle : Candle
    ratchets : bool
        Whether trails follow the path inside the bar.
    entry : Entry or None
        How a position has just been opened inside the bar.

    Returns
    -------
    bool

    Examples
    --------
    >>> stop = Order(0, 0, 0, "stop", -1, "stop", 0, stop=9.5)
    >>> target = Order(1, 0, 0, "limit", -1, "target", 0, limit=11.0)
    >>> is_order_dependent([stop, target], Candle(10.0, 11.5, 9.0, 10.0), True, None)
    True
    """
    low_side = any(order.is_below and order.level >= candle.low for order in orders)
    high_side = any(not order.is_below and order.level <= candle.high for order in orders)
    if low_side and high_side:
        return True
    if ratchets and any(_ratchet_matters(order, candle) for order in orders):
        return True
    if entry is None:
        return False
    return low_side if entry.going_up else high_side


def _ratchet_matters(order: Order, candle: Candle) -> bool:
    """Whether a trail could follow to the far end of the bar and then be met within it."""
    if order.acts_as != "trail":
        return False
    before = order.extreme
    far = candle.high if order.side < 0 else candle.low
    if not (far > before if order.side < 0 else far < before):
        return False
    order.extreme = far
    level = order.trail_level
    order.extreme = before
    return level >= candle.low if order.side < 0 else level <= candle.high
