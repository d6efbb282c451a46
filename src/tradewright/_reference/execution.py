"""How an order becomes a fill: submission, price, what an increasing fill must pass, groups and protection.

:class:`Executor` is the lower half of the engine; :mod:`tradewright._reference.engine` adds the steps of a bar and the
decisions. Section numbers are those of the page on fill semantics.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

from tradewright._reference import costs
from tradewright._reference.ledger import Execution, Ledger
from tradewright._reference.market import BarRow
from tradewright._reference.numbers import (
    UNIT,
    ceil_lot,
    down_tick,
    floor_lot,
    floor_units,
    from_units,
    sign,
    size_units,
    to_units,
    up_tick,
    usable_price,
)
from tradewright._reference.orders import Distance, Order, OrderList, Protection, Sizing
from tradewright._reference.spec import Spec

OPEN, INSIDE, CLOSE = 0, 1, 2
PRICED_KINDS = {
    "limit": ("limit", "stop_limit"),
    "stop": ("stop", "stop_limit"),
    "trail_value": ("trail",),
    "trail_kind": ("trail",),
}
PROTECTIVE_KIND = {"stop": "stop", "target": "limit", "trail": "trail"}


class FillRow(NamedTuple):
    """One fill as it is recorded."""

    execution: Execution
    phase: int
    base: float
    slippage: float
    cash: int


class Quote(NamedTuple):
    """Price of one execution: `base` is where the market was, `price` what is paid."""

    base: float
    price: float
    phase: int
    is_limit: bool


class Executor:
    """Orders and ledger of a run, and the rules by which the one changes the other."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.ledger = Ledger(spec)
        self.orders = OrderList()
        self.fills: list[FillRow] = []
        self.refusals: dict[str, int] = {}
        self.bar = -1
        self.row = BarRow(0, 0, [], [], [], [], [], [], [], [])
        self.sigma_before: list[float] = []
        self.volume_used = [0] * spec.n_assets
        self.flat_bar = [0] * spec.n_assets  # with cooldown_until: the span in which entries are blocked
        self.cooldown_until = [-1] * spec.n_assets
        self.delisted: set[int] = set()
        self.day_halted = False
        self.halted_for_good = False
        self.is_marking = False  # whether fills are marked as depending on the order of high and low
        self.is_closing_out = False  # closing at the end of the data: volume does not cap

    # --- the life of an order ---------------------------------------------------------------------

    @property
    def halted(self) -> bool:
        """Whether entries are halted."""
        return self.day_halted or self.halted_for_good

    def count_refusal(self, reason: str) -> None:
        """Count a decision or an order that was not taken."""
        self.refusals[reason] = self.refusals.get(reason, 0) + 1

    def end_order(self, order: Order, status: str, reason: str) -> None:
        """Close an order for a reason."""
        order.status = status
        order.closing_reason = reason
        if status == "refused":
            self.count_refusal(reason)

    def cancel(self, order: Order, reason: str) -> None:
        """Cancel an order."""
        self.end_order(order, "cancelled", reason)

    def refuse(self, order: Order, reason: str) -> None:
        """Refuse an order."""
        self.end_order(order, "refused", reason)

    def submit(
        self,
        asset: int,
        kind: str,
        *,
        reason: str,
        quantity: int | None = None,
        sizing: Sizing | None = None,
        side: int = 0,
        any_lot: bool = False,
        **fields: Any,
    ) -> Order:
        """Take an order at the close of this bar.

        Its quantity is floored to the lot and its prices are put on the tick; what cannot be is refused. Either
        `quantity` (signed units) or `sizing` with a `side` is given. `any_lot` keeps a quantity as it is.
        """
        for name, kinds in PRICED_KINDS.items():
            if kind not in kinds:
                fields.pop(name, None)
        order = Order(
            id=self.orders.next_id,
            bar=self.bar,
            asset=asset,
            kind=kind,
            side=side if quantity is None else sign(quantity),
            reason=reason,
            live_from=self.bar + 1,
            sizing=sizing,
            **fields,
        )
        if quantity is not None:
            order.quantity = quantity if any_lot else floor_lot(quantity, self.spec.lot_units[asset])
            order.remaining = abs(order.quantity)
        self._put_on_tick(order)
        self.orders.add(order)
        if asset in self.delisted:
            self.refuse(order, "delisted")
        elif quantity is not None and order.remaining == 0:
            self.refuse(order, "below_lot")
        elif not self._prices_usable(order):
            self.refuse(order, "price")
        return order

    def _put_on_tick(self, order: Order) -> None:
        """Round limit and stop prices: buy limit and sell stop down, sell limit and buy stop up."""
        tick = self.spec.tick[order.asset]
        order.limit = (down_tick if order.side > 0 else up_tick)(order.limit, tick)
        order.stop = (up_tick if order.side > 0 else down_tick)(order.stop, tick)

    @staticmethod
    def _prices_usable(order: Order) -> bool:
        """Whether the prices that the kind needs are finite and positive."""
        needed = {
            "limit": [order.limit],
            "stop": [order.stop],
            "stop_limit": [order.stop, order.limit],
            "trail": [order.trail_value],
        }
        return all(usable_price(price) for price in needed.get(order.kind, []))

    def in_cooldown(self, asset: int, order_bar: int | None = None) -> bool:
        """Whether entries of the asset are blocked now, or were when the order was decided."""
        start, until = self.flat_bar[asset], self.cooldown_until[asset]
        if self.bar < until:
            return True
        return order_bar is not None and start <= order_bar < until

    # --- sizes (section 5) ------------------------------------------------------------------------

    def sized(self, order: Order, size: float, base: float, equity: float) -> int:
        """Magnitude in units of an entry of `size` in the mode of the spec, at the price `base`."""
        spec, asset = self.spec, order.asset
        if not usable_price(base):
            return 0
        price = costs.static_price(spec, base, order.side)
        unit_cost = price * spec.multiplier[asset] * (1.0 + costs.taker_rate(spec, order.side)) + spec.per_share
        if spec.size_mode == "fraction":
            wanted = (size * equity - spec.per_order) / unit_cost
        elif spec.size_mode == "value":
            wanted = (size - spec.per_order) / unit_cost
        elif spec.size_mode == "quantity":
            wanted = size
        else:
            distance = self._stop_distance(order, price)
            wanted = size * equity / (distance * spec.multiplier[asset]) if distance > 0.0 else 0.0
        return size_units(wanted, spec.lot_units[asset])

    @staticmethod
    def _stop_distance(order: Order, price: float) -> float:
        """Distance of the stop that the order carries; 0 without one."""
        stop = order.protection.stop if order.protection is not None else None
        if stop is None:
            return 0.0
        if stop.kind == "fraction":
            return stop.value * price
        return stop.value if stop.kind == "amount" else abs(price - stop.value)

    def weight_delta(self, asset: int, weight: float, base: float, equity: float) -> tuple[int, str]:
        """Signed quantity that leads to a target weight, and the reason why it is 0 ("" when it is not)."""
        spec = self.spec
        lot = spec.lot_units[asset]
        position = self.ledger.positions[asset].quantity
        if weight == 0.0:
            return -position, "" if position != 0 else "zero"
        wanted = abs(weight) * equity / (base * spec.multiplier[asset]) if usable_price(base) else 0.0
        target = sign(weight) * size_units(wanted, lot)
        delta = floor_lot(target - position, lot)
        if delta == 0:
            return 0, "zero"
        if spec.rebalance_buffer > 0.0:
            change = abs(from_units(delta)) * base * spec.multiplier[asset]
            if change < spec.rebalance_buffer * equity:
                return 0, "within_buffer"
        return delta, ""

    # --- execution (section 5) --------------------------------------------------------------------

    def effective(self, order: Order) -> int:
        """Signed quantity that the order would trade now; reduce_only orders never more than the position."""
        if not order.reduce_only:
            return order.side * order.remaining
        position = self.ledger.positions[order.asset]
        if position.sign * order.side >= 0:
            return 0
        return order.side * min(order.remaining, abs(position.quantity))

    def execute(self, order: Order, base: float, phase: int, *, is_limit: bool = False) -> None:
        """Trade an order that the market has met at `base`: nothing, a part or all; two fills when it crosses zero."""
        order.blocked_bar = self.bar
        quantity = self.effective(order)
        if quantity == 0:
            self.cancel(order, "position_closed")
            return
        if not usable_price(base):
            self.refuse(order, "price")
            return
        position = self.ledger.positions[order.asset].quantity
        closing = min(abs(quantity), abs(position)) if position * quantity < 0 else 0
        if closing > 0:
            allowed = closing if self.is_closing_out else min(closing, self._volume_left(order.asset))
            if allowed < closing and order.tif == "fok":
                self.refuse(order, "fok")
                return
            if allowed > 0:
                quote = self._quote(order, allowed, base, phase, is_limit)
                if not usable_price(quote.price):
                    self.refuse(order, "price")
                    return
                self._fill(order, allowed, quote)
            if allowed < closing:
                return
        if abs(quantity) > closing:
            filled = order.filled
            self._increase(order, abs(quantity) - closing, base, phase, is_limit)
            if order.filled != filled and order.protection is not None and phase != CLOSE:
                self._passed_protection(order, base, phase)

    def meet(self, order: Order, price: float, phase: int) -> None:
        """The market has reached an order at `price`: it executes, or a stop_limit becomes a limit first."""
        if order.acts_as == "limit":
            self.execute(order, price, phase, is_limit=True)
        elif order.kind == "stop_limit":
            order.triggered = True
            if order.met_by(price):
                self.execute(order, price, phase, is_limit=True)
        else:
            order.triggered = True
            self.execute(order, price, phase)

    def _passed_protection(self, parent: Order, base: float, phase: int) -> None:
        """Let protective orders that the market has passed already when they are made execute where it stands."""
        for order in self.orders.active(parent.asset):
            is_its = order.parent == parent.id and order.in_bar and order.blocked_bar != self.bar
            if order.active and is_its and order.met_by(base):
                self.meet(order, base, phase)

    def _quote(self, order: Order, quantity: int, base: float, phase: int, is_limit: bool) -> Quote:
        """Price of a fill of a magnitude: a limit's is where the market is, others pay costs and go to the tick."""
        if is_limit:
            return Quote(base, base, phase, is_limit)
        volume, sigma = self.row.volume[order.asset], self.sigma_before[order.asset]
        price = costs.static_price(self.spec, base, order.side)
        price = costs.impact_price(self.spec, price, order.side, from_units(quantity), volume, sigma)
        return Quote(base, costs.on_tick_against(price, self.spec.tick[order.asset], order.side), phase, is_limit)

    def _volume_left(self, asset: int) -> int:
        """Units that may still be filled in this bar; a huge number without a cap."""
        if self.spec.volume_share <= 0.0:
            return UNIT * UNIT * UNIT * UNIT
        cap = size_units(self.spec.volume_share * self.row.volume[asset], self.spec.lot_units[asset])
        return cap - self.volume_used[asset]

    def _increase(self, order: Order, quantity: int, base: float, phase: int, is_limit: bool) -> None:
        """Let a fill that opens or adds to a position pass the checks of section 5, which may cut it, and book it."""
        spec, asset, ledger = self.spec, order.asset, self.ledger
        if self.halted:
            return self.refuse(order, "halt")
        if self.in_cooldown(asset, order.bar):
            return self.refuse(order, "cooldown")
        if order.side < 0 and not spec.allow_short:
            return self.refuse(order, "short")
        held = abs(ledger.positions[asset].quantity)
        gross = ledger.gross(without=asset)
        prices = list(ledger.marks)
        prices[asset] = base
        equity = ledger.value(prices)
        unit = base * spec.multiplier[asset]
        caps = []
        if spec.max_position > 0.0:
            caps.append(("max_position", spec.max_position * equity / unit))
        if spec.max_gross > 0.0:
            caps.append(("max_gross", (spec.max_gross * equity - gross) / unit))
        for reason, cap in caps:
            room = max(size_units(cap, spec.lot_units[asset]) - held, 0)
            if quantity > room:
                if order.tif == "fok":
                    return self.refuse(order, "fok")
                if room == 0:
                    return self.refuse(order, reason)
                quantity = order.remaining = room
        available = self._volume_left(asset)
        if quantity > available:
            if order.tif == "fok":
                return self.refuse(order, "fok")
            if available <= 0:
                return None
            quantity = available
        quote = self._quote(order, quantity, base, phase, is_limit)
        if not usable_price(quote.price):
            return self.refuse(order, "price")
        affordable, reason = self._affordable(order, quantity, quote, gross, equity)
        if affordable < quantity:
            if order.tif == "fok":
                return self.refuse(order, "fok")
            if affordable <= 0:
                return self.refuse(order, reason)
        notional = costs.notional_units(affordable, quote.price, spec.multiplier_units[asset])
        if from_units(notional) < spec.min_notional[asset]:
            return self.refuse(order, "min_notional")
        if affordable < quantity:
            order.remaining = affordable
        return self._fill(order, affordable, quote)

    def _affordable(self, order: Order, quantity: int, quote: Quote, gross: float, equity: float) -> tuple[int, str]:
        """Part of `quantity` that buying power allows, and the name of the rule that judged."""
        spec, asset, ledger = self.spec, order.asset, self.ledger
        price, multiplier, lot = quote.price, spec.multiplier[asset], spec.lot_units[asset]
        held = abs(ledger.positions[asset].quantity)
        rate = costs.fill_rate(spec, order.side, quote.is_limit)
        by_cash = spec.leverage == 1.0 and order.side > 0 and not ledger.is_short

        def shortage(q: int) -> int:
            """Units of cash missing; under the margin rule 1 when it fails, else 0."""
            notional = costs.notional_units(q, price, spec.multiplier_units[asset])
            fee = costs.fee_units(spec, q, notional, order.side, quote.is_limit)
            if by_cash:
                return max(notional + fee - ledger.cash, 0)
            exposure = gross + from_units(held + q) * price * multiplier
            return 0 if exposure <= spec.leverage * (equity - from_units(fee)) else 1

        name = "cash" if by_cash else "margin"
        if shortage(quantity) == 0:
            return quantity, name
        if spec.on_short_cash == "refuse":
            return 0, name
        if by_cash:
            start = (from_units(ledger.cash) - spec.per_order) / (price * multiplier * (1.0 + rate) + spec.per_share)
        else:
            start = (spec.leverage * equity - gross) / (price * multiplier * (1.0 + spec.leverage * rate)) - from_units(
                held
            )
        q = min(quantity, size_units(start, lot))
        for step in range(16):
            missing = shortage(q)
            if missing == 0 or q <= 0:
                break
            if by_cash:
                q -= ceil_lot((missing * UNIT) // max(to_units(price * multiplier), 1) + 1, lot)
            elif step < 8:
                notional = costs.notional_units(q, price, spec.multiplier_units[asset])
                fee = costs.fee_units(spec, q, notional, order.side, quote.is_limit)
                over = gross + from_units(held + q) * price * multiplier - spec.leverage * (equity - from_units(fee))
                q -= ceil_lot(floor_units(over / (price * multiplier * (1.0 + spec.leverage * rate))) + 1, lot)
            else:
                q -= max(ceil_lot(q // 1_000_000, lot), lot or 1)
        return (q if q > 0 and shortage(q) == 0 else 0), name

    def _fill(self, order: Order, quantity: int, quote: Quote) -> None:
        """Book a fill of a magnitude and everything that follows from it (sections 5 and 7)."""
        spec, asset, ledger = self.spec, order.asset, self.ledger
        before = ledger.positions[asset].sign
        notional = costs.notional_units(quantity, quote.price, spec.multiplier_units[asset])
        fee = costs.fee_units(spec, quantity, notional, order.side, quote.is_limit)
        signed = order.side * quantity
        execution = Execution(
            self.bar,
            asset,
            order.id,
            order.reason,
            signed,
            quote.price,
            notional,
            fee,
            self.is_marking and quote.phase == INSIDE,
        )
        ledger.trade(execution)
        slippage = (quote.price - quote.base) * from_units(signed) * spec.multiplier[asset]
        self.fills.append(FillRow(execution, quote.phase, quote.base, slippage, -(order.side * notional + fee)))
        self.volume_used[asset] += quantity
        if math.isnan(ledger.marks[asset]):
            ledger.marks[asset] = quote.base
        order.filled += signed
        order.remaining -= quantity
        order.notional += notional
        is_flat = ledger.positions[asset].quantity == 0
        if order.remaining == 0 or (order.reduce_only and is_flat):
            order.status = "filled"
        self._shrink_group(order, quantity)
        if before * order.side >= 0 and order.protection is not None:
            self._protect(order, quantity, quote)
        if is_flat and order.parent >= 0:
            self.flat_bar[asset] = self.bar
            self.cooldown_until[asset] = self.bar + spec.cooldown
        self.drop_reduce_only(asset)

    def _shrink_group(self, order: Order, quantity: int) -> None:
        """Take what an order of a group filled from the others of the group."""
        if order.group_key is None:
            return
        for other in self.orders.active():
            if other is not order and other.group_key == order.group_key:
                other.remaining = max(other.remaining - quantity, 0)
                if other.remaining == 0:
                    self.cancel(other, "oco")

    def drop_reduce_only(self, asset: int) -> None:
        """Cancel reduce_only orders that have nothing to reduce: the position is flat or has their own sign."""
        held = self.ledger.positions[asset].sign
        for order in self.orders.active(asset):
            if order.reduce_only and held * order.side >= 0:
                self.cancel(order, "position_closed")

    def _protect(self, parent: Order, quantity: int, quote: Quote) -> None:
        """Create the protective orders of a fill, or add it to those that still live."""
        alive = [order for order in self.orders.active(parent.asset) if order.parent == parent.id]
        if alive:
            for order in alive:
                order.quantity = (order.quantity or 0) + order.side * quantity
                order.remaining += quantity
            return
        assert parent.protection is not None
        for name, distance in parent.protection.parts():
            order = self.submit(
                parent.asset,
                PROTECTIVE_KIND[name],
                reason=name,
                quantity=-parent.side * quantity,
                any_lot=True,
                reduce_only=True,
                parent=parent.id,
                group=parent.id,
                **_protective_prices(name, distance, parent.side, quote.price),
            )
            if quote.phase != CLOSE:
                order.live_from = self.bar

    def with_atr(self, asset: int, protection: Protection | None) -> Protection | None:
        """Own copy of a protection in which ATR multiples are amounts, by the ATR of this bar."""
        if protection is None or not protection.parts():
            return None
        atr = self.row.atr[asset]
        parts = {
            name: Distance(distance.value * atr, "amount") if distance.kind == "atr" else replace(distance)
            for name, distance in protection.parts()
        }
        return Protection(**parts)


def _protective_prices(name: str, distance: Distance, direction: int, price: float) -> dict[str, Any]:
    """Fields of the protective order `name` for a position of `direction` filled at `price`."""
    if name == "trail":
        return {"trail_value": distance.value, "trail_kind": distance.kind, "extreme": price}
    away = direction if name == "target" else -direction
    if distance.kind == "fraction":
        level = price * (1.0 + away * distance.value)
    elif distance.kind == "amount":
        level = price + away * distance.value
    else:
        level = distance.value
    return {"limit": level} if name == "target" else {"stop": level}
