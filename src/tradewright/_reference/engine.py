"""One bar, step by step: accruals, corporate actions, expiry, open, path, close, mark, halts, decision.

:class:`Engine` is told bars with :meth:`Engine.step` and decisions with the methods below it; :meth:`Engine.decided`
ends a bar. Step and section numbers are those of the page on fill semantics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tradewright._reference import path
from tradewright._reference.execution import CLOSE, INSIDE, OPEN, Executor, FillRow
from tradewright._reference.ledger import Execution, Parcel, Position
from tradewright._reference.market import DIVIDEND, MERGER, SPIN_OFF, SPLIT, Action, BarRow, Candle
from tradewright._reference.numbers import (
    HOLD,
    div_half_even,
    down_tick,
    floor_lot,
    from_units,
    mul,
    sign,
    to_units,
)
from tradewright._reference.orders import Distance, Order, Protection, Sizing
from tradewright._reference.spec import Spec

YEAR_NS = 365 * 86400e9


class Engine(Executor):
    """The order engine of one run.

    >>> engine = Engine(Spec(initial_cash=100.0))
    >>> nan = [float("nan")]
    >>> engine.step(BarRow(1, 0, [10.0], [11.0], [9.0], [10.0], nan, nan, nan, nan))
    >>> engine.decided()
    >>> engine.equity
    [100.0]
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.initial = from_units(spec.initial_units)
        self.now = self.initial  # equity of this bar
        self.equity: list[float] = []
        self.exposure: list[float] = []
        self.bars_held = 0
        self.day_start = self.initial
        self.peak = self.initial
        self.is_open = False  # a bar has been stepped and not decided
        self.default_protection = Protection(
            *(
                Distance(value, kind) if value > 0.0 else None
                for value, kind in (
                    (spec.stop, spec.stop_kind),
                    (spec.target, spec.target_kind),
                    (spec.trail, spec.trail_kind),
                )
            )
        )

    # --- steps 1 to 8 -----------------------------------------------------------------------------

    def step(self, row: BarRow) -> None:
        """Steps 1 to 8 of the next bar."""
        if self.is_open:
            raise ValueError(f"Bar {self.bar} has not been decided; call decided() before the next step.")
        previous = self.row
        self.bar += 1
        self.row = row
        self.is_open = True
        self.sigma_before = row.sigma if self.bar == 0 else previous.sigma
        self.volume_used = [0] * self.spec.n_assets
        if self.bar > 0:
            self._accrue((row.ts - previous.ts) / YEAR_NS)
        self._apply_actions()
        self._expire()
        self._open_phase()
        for asset in range(self.spec.n_assets):
            if row.has_bar(asset):
                self._walk_bar(asset)
        self._close_phase()
        self._mark()
        self._judge_halts(is_new_session=self.bar == 0 or row.session != previous.session)

    def _accrue(self, dt: float) -> None:
        """Step 1: borrow and funding of positions, then interest on cash."""
        spec, ledger = self.spec, self.ledger
        for asset in ledger.held():
            quantity = ledger.positions[asset].quantity
            value = from_units(quantity) * ledger.marks[asset] * spec.multiplier[asset]
            if quantity < 0 and spec.borrow_rate > 0.0:
                ledger.pay(self.bar, asset, "borrow", -to_units(-value * spec.borrow_rate * dt))
            funding = self.row.funding[asset]
            if math.isfinite(funding) and funding != 0.0:
                ledger.pay(self.bar, asset, "funding", -to_units(value * funding))
        cash = from_units(ledger.cash)
        if cash < 0.0 and spec.margin_rate > 0.0:
            ledger.pay(self.bar, -1, "interest", to_units(cash * spec.margin_rate * dt))
        elif cash > 0.0 and spec.cash_rate > 0.0:
            ledger.pay(self.bar, -1, "interest", to_units(cash * spec.cash_rate * dt))

    def _apply_actions(self) -> None:
        """Step 2: splits, then dividends, spin-offs, mergers and delistings."""
        for action in self.row.actions:
            if action.kind == SPLIT:
                self.ledger.split(self.bar, action.asset, action.value)
                self._split_orders(action.asset, action.value)
            elif action.kind == DIVIDEND:
                self.ledger.dividend(self.bar, action.asset, action.value)
                if 0.0 < action.value < self.ledger.marks[action.asset]:
                    self.ledger.marks[action.asset] -= action.value
                self._lower_orders(action.asset, action.value, "dividend")
            elif action.asset in self.delisted:
                continue
            elif action.kind == SPIN_OFF:
                self._spin_off(action)
            elif action.kind == MERGER and action.other >= 0 and action.value > 0.0:
                self._merge(action)
            elif action.kind == MERGER:
                self._delist(action.asset, action.cash + action.value * action.price, "merger")
            else:
                self._delist(action.asset, action.value, "delisted")
        self.row.delisted = frozenset(self.delisted)

    def _delist(self, asset: int, price: float, reason: str) -> None:
        """Cancel the orders, pay the position out, and let the asset be gone."""
        for order in self.orders.active(asset):
            self.cancel(order, reason)
        self._pay_out(asset, price, reason)
        self.delisted.add(asset)

    def _price_received(self, action: Action) -> float:
        """Price of one share of what is received: as stated, else its mark, else its open on this bar, else NaN."""
        if action.price > 0.0:
            return action.price
        if action.other < 0:
            return math.nan
        mark = self.ledger.marks[action.other]
        if math.isfinite(mark):
            return mark
        row = self.row
        row.delisted = frozenset(self.delisted)
        return row.open[action.other] if row.has_bar(action.other) else math.nan

    def _worth_received(self, action: Action, price: float) -> float:
        """What is received per share, in its price."""
        if action.other < 0:
            return action.value * price
        multiplier = self.spec.multiplier
        return action.value * price * (multiplier[action.other] / multiplier[action.asset])

    def _spin_off(self, action: Action) -> None:
        """Shares of another asset for what is held, with a part of its cost; orders as at a dividend of that worth."""
        ledger, asset = self.ledger, action.asset
        price, before = self._price_received(action), ledger.marks[asset]
        worth = self._worth_received(action, price)
        position = ledger.positions[asset]
        concerned = position.quantity != 0 or any(True for _ in self.orders.active(asset))
        not_yet_priced = math.isfinite(worth) and math.isnan(before)
        if concerned and not worth < before and not not_yet_priced:
            raise ValueError(
                f"The spin-off of asset {asset} on bar {self.bar} is worth {worth} per unit at a price of {before}; it "
                "must be worth less than its parent: state the price of what is received, or load its bars."
            )
        if worth < before:
            ledger.marks[asset] = before - worth
        if position.quantity != 0:
            if action.other < 0 or action.other in self.delisted:
                ledger.pay(self.bar, asset, "spin_off", ledger.money(asset, position.quantity, worth))
            else:
                whole = mul(position.quantity, to_units(action.value))
                kept = ledger.pay_fraction(self.bar, action.other, whole, price)
                if kept != 0:
                    share, of = to_units(worth), to_units(before)
                    moved = position.cost if share == of else div_half_even(position.cost * share, of)
                    position.cost -= moved
                    parcel = Parcel(kept, moved, 0, self.bar, -1, "spin_off", position.ambiguous)
                    self._deliver(action.other, parcel, price, "spin_off")
        if concerned:
            self._lower_orders(asset, worth, "spin_off")

    def _merge(self, action: Action) -> None:
        """The asset becomes shares of another one, with its cost, and cash."""
        ledger, asset, other = self.ledger, action.asset, action.other
        for order in self.orders.active(asset):
            self.cancel(order, "merger")
        old = ledger.positions[asset]
        if old.quantity != 0:
            price = self._price_received(action)
            worth = self._worth_received(action, price) + action.cash
            if not math.isfinite(worth):
                raise ValueError(
                    f"The merger of asset {asset} on bar {self.bar} pays in asset {other}, of which no price is known; "
                    "state the price of what is received, or load its bars."
                )
            ledger.pay(self.bar, asset, "merger", ledger.money(asset, old.quantity, action.cash))
            whole = mul(old.quantity, to_units(action.value))
            if other in self.delisted:
                kept = 0
                ledger.pay(self.bar, other, "cash_in_lieu", ledger.money(other, whole, price))
            else:
                kept = ledger.pay_fraction(self.bar, other, whole, price)
            self._free_fill(asset, -old.quantity, worth, "merger")
            if kept == 0:
                ledger.write_off(self.bar, asset, old.sign, worth, "merger")
            else:
                ledger.positions[asset] = Position()
                parcel = Parcel(
                    kept, old.cost, old.fees, old.entry_bar, old.entry_order, old.entry_reason, old.ambiguous
                )
                self._deliver(other, parcel, price, "merger")
        self.delisted.add(asset)

    def _deliver(self, asset: int, parcel: Parcel, price: float, reason: str) -> None:
        """Book a delivery without payment, and drop orders that have nothing to reduce any more."""
        self._free_fill(asset, parcel.quantity, price, reason)
        self.ledger.deliver(self.bar, asset, parcel, price, reason)
        self.drop_reduce_only(asset)

    def _free_fill(self, asset: int, quantity: int, price: float, reason: str) -> None:
        """Record a fill without order, payment and costs."""
        execution = Execution(self.bar, asset, -1, reason, quantity, price, 0, 0, False)
        self.fills.append(FillRow(execution, OPEN, price, 0.0, 0))

    def _lower_orders(self, asset: int, amount: float, reason: str) -> None:
        """Lower buy limits, sell stops and sell trails by what the price loses; cancel those left without a price."""
        if not amount > 0.0:
            return
        tick = self.spec.tick[asset]
        for order in self.orders.active(asset):
            lowest = math.inf
            if order.side > 0 and order.acts_as == "limit":
                lowest = order.limit = down_tick(order.limit - amount, tick)
            elif order.side < 0 and order.acts_as in {"stop", "stop_limit"}:
                lowest = order.stop = down_tick(order.stop - amount, tick)
                if order.kind == "stop_limit":
                    order.limit = down_tick(order.limit - amount, tick)
                    lowest = min(lowest, order.limit)
            elif order.side < 0 and order.acts_as == "trail":
                lowest = order.extreme = order.extreme - amount
            if order.protection is not None:
                order.protection.lower(amount, order.side)
            if lowest <= 0.0:
                self.cancel(order, reason)

    def _pay_out(self, asset: int, price: float, reason: str) -> None:
        """Close a position of a delisted asset at its final price: a fill without order and costs."""
        held = self.ledger.positions[asset].quantity
        if held == 0:
            return
        notional = mul(mul(abs(held), to_units(price)), self.spec.multiplier_units[asset])
        execution = Execution(self.bar, asset, -1, reason, -held, price, notional, 0, False)
        self.ledger.trade(execution)
        self.fills.append(FillRow(execution, OPEN, price, 0.0, sign(held) * notional))

    def _split_orders(self, asset: int, ratio: float) -> None:
        """Let open orders follow a split; those left with nothing are cancelled."""
        units = to_units(ratio)
        for order in self.orders.active(asset):
            order.limit /= ratio
            order.stop /= ratio
            order.extreme /= ratio
            if order.trail_kind == "amount":
                order.trail_value /= ratio
            if order.protection is not None:
                for _, distance in order.protection.parts():
                    distance.split(ratio)
            if order.quantity is not None:
                order.quantity = mul(order.quantity, units)
                order.filled = mul(order.filled, units)
                order.remaining = floor_lot(mul(order.remaining, units), self.spec.lot_units[asset])
                if order.remaining == 0:
                    self.cancel(order, "split")
        self.drop_reduce_only(asset)

    def _expire(self) -> None:
        """Step 3: DAY orders of another session and GTD orders past their time."""
        for order in self.orders.active():
            if order.day_session is None:
                order.day_session = self.row.session
            too_late = order.tif == "gtd" and self.row.ts > order.gtd
            if too_late or (order.tif == "day" and self.row.session != order.day_session):
                self.end_order(order, "expired", "expired")

    def _open_phase(self) -> None:
        """Step 4: market orders due at the open, what the open itself triggers, then IOC, FOK and on-open leftovers."""
        row, spec = self.row, self.spec
        for order in self.orders.active():
            if order.acts_as == "trail" and row.has_bar(order.asset):
                if math.isnan(order.extreme):
                    order.extreme = row.open[order.asset]
                elif spec.trail_update == "path":
                    order.ratchet(row.open[order.asset])
        due = [order for order in self._waiting() if self._is_due_at_open(order)]
        self._market_phase(due, row.open, OPEN)
        for asset in range(spec.n_assets):
            if row.has_bar(asset):
                self._trigger_at(asset, row.open[asset], OPEN, only_older=True)
        self._end_of_phase([order for order in self._waiting() if not self._waits_for_close(order)])

    def _close_phase(self) -> None:
        """Step 6: market orders due at the close, then IOC, FOK and market-on-close leftovers."""
        self._market_phase([order for order in self._waiting() if self._waits_for_close(order)], self.row.close, CLOSE)
        self._end_of_phase([order for order in self._waiting() if self._waits_for_close(order)])

    def _waiting(self) -> list[Order]:
        """Active orders submitted before this bar whose asset has a bar."""
        return [order for order in self.orders.active() if order.bar < self.bar and self.row.has_bar(order.asset)]

    def _is_due_at_open(self, order: Order) -> bool:
        """Whether a waiting order trades as a market order in the open phase."""
        return order.acts_as in {"market", "open"} and not self._waits_for_close(order)

    def _waits_for_close(self, order: Order) -> bool:
        """Whether a waiting order trades in the close phase."""
        return order.kind == "close" or (order.kind == "market" and self.spec.fill != "next_open")

    def _end_of_phase(self, orders: list[Order]) -> None:
        """Cancel what had its only chance in the phase that ends."""
        for order in orders:
            if order.tif in {"ioc", "fok"}:
                self.cancel(order, order.tif)
            elif order.kind in {"open", "close"}:
                self.cancel(order, "unfilled")

    def _market_phase(self, due: list[Order], prices: list[float], phase: int) -> None:
        """Section 4: give every due order its quantity, then execute: reducing ones first, the largest sale first."""
        ledger, row = self.ledger, self.row
        if not due:
            return
        equity = ledger.value([prices[a] if row.has_bar(a) else ledger.marks[a] for a in range(self.spec.n_assets)])
        ranked: list[tuple[tuple[int, float, int], Order]] = []
        for order in due:
            base = prices[order.asset]
            multiplier = self.spec.multiplier[order.asset]
            value = math.nan
            if order.sizing is not None and order.sizing.is_weight and order.quantity is None:
                # The exact difference to the target: equal targets tie, and ids then decide.
                held_value = from_units(ledger.positions[order.asset].quantity) * base * multiplier
                value = order.sizing.weight * equity - held_value
            self.resolve(order, base, equity)
            if not order.active:
                continue
            quantity = self.effective(order)
            if quantity == 0:
                self.cancel(order, "position_closed")
                continue
            held = ledger.positions[order.asset].quantity
            reduces = held * quantity < 0 and abs(quantity) <= abs(held)
            group = 0 if order.reduce_only else 2 - reduces
            if math.isnan(value):
                value = from_units(quantity) * base * multiplier
            ranked.append(((group, value, order.id), order))
        for _, order in sorted(ranked, key=lambda item: item[0]):
            if order.active:
                self.execute(order, prices[order.asset], phase)

    def resolve(self, order: Order, base: float, equity: float) -> None:
        """Find the quantity of an order that was sized by equity; cancel it when there is none."""
        if order.sizing is None or order.quantity is not None:
            return
        if order.sizing.is_weight:
            order.quantity, why = self.weight_delta(order.asset, order.sizing.weight, base, equity)
            order.side = sign(order.quantity)
        else:
            order.quantity = order.side * self.sized(order, order.sizing.size, base, equity)
            why = "zero"
        order.remaining = abs(order.quantity)
        if order.remaining == 0:
            self.cancel(order, why)

    def _resting(self, asset: int) -> list[Order]:
        """Orders that the path of this bar can still execute."""
        return [
            order
            for order in self.orders.active(asset)
            if order.in_bar and order.live_from <= self.bar and order.blocked_bar != self.bar
        ]

    def _trigger_at(self, asset: int, price: float, phase: int, *, only_older: bool = False) -> None:
        """Execute the resting orders that an open triggers, by rank then id; the list is taken once."""
        met = [
            order
            for order in self._resting(asset)
            if order.met_by(price) and not (only_older and order.bar == self.bar)
        ]
        for order in sorted(met, key=lambda order: (order.rank, order.id)):
            if order.active:
                self.meet(order, price, phase)

    def _walk_bar(self, asset: int) -> None:
        """Step 5: walk the bar (or its finer bars) of one asset."""
        follows = self.spec.trail_update == "path"
        if any(order.in_bar and order.live_from <= self.bar for order in self.orders.active(asset)):
            for number, candle in enumerate(self.row.candles(asset)):
                if number > 0:
                    if follows:
                        self._ratchet(asset, candle.open)
                    self._trigger_at(asset, candle.open, INSIDE)
                self._walk(asset, candle)
        if not follows:
            for order in self.orders.active(asset):
                if order.live_from <= self.bar:
                    order.ratchet(self.row.high[asset] if order.side < 0 else self.row.low[asset])

    def _walk(self, asset: int, candle: Candle) -> None:
        """Section 6: visit the points of the plan; orders met on the way execute, an entry may change the plan."""
        positions, follows = self.ledger.positions, self.spec.trail_update == "path"
        points = path.plan(self.spec.intrabar, candle, positions[asset].sign)
        self.is_marking = path.is_order_dependent(self._resting(asset), candle, follows, None)
        here = candle.open
        if follows:
            self._ratchet(asset, here)
        while points:
            goal = points[0]
            touched = None if goal == here else path.next_touched(self._resting(asset), here, goal)
            if touched is None:
                points.pop(0)
                here = goal
                if follows:
                    self._ratchet(asset, here)
                continue
            order, price = touched
            going_up = goal > here
            before = positions[asset].sign
            here = price
            if follows:
                self._ratchet(asset, here)
            self.meet(order, price, INSIDE)
            after = positions[asset].sign
            if after not in {0, before}:
                entry = path.Entry(after, going_up)
                points = path.plan_after_entry(self.spec.intrabar, candle, entry) or points
                self.is_marking = self.is_marking or path.is_order_dependent(
                    self._resting(asset), candle, follows, entry
                )
        self.is_marking = False

    def _ratchet(self, asset: int, price: float) -> None:
        """Let the trailing orders of an asset see a price."""
        for order in self.orders.active(asset):
            if order.live_from <= self.bar:
                order.ratchet(price)

    def _mark(self) -> None:
        """Step 7: closes become the marks."""
        for asset in range(self.spec.n_assets):
            if self.row.has_bar(asset):
                self.ledger.marks[asset] = self.row.close[asset]
        self.now = self.ledger.value(self.ledger.marks)

    # --- step 8 -----------------------------------------------------------------------------------

    def _judge_halts(self, *, is_new_session: bool) -> None:
        """Margin, losses of the day and of all time (section 8)."""
        spec, ledger, equity = self.spec, self.ledger, self.now
        gross = ledger.gross()
        if is_new_session:
            self.day_start = self.equity[-1] if self.equity else self.initial
            self.day_halted = False
        if equity <= 0.0 and ledger.held():
            if not self.halted_for_good:
                self.halted_for_good = True
                self._cancel_entries()
            self._close_all("bankrupt")
        borrowed = spec.leverage != 1.0 or ledger.is_short
        if spec.maintenance_margin > 0.0 and borrowed and equity < spec.maintenance_margin * gross:
            self._close_all("margin_call")
        if spec.daily_loss > 0.0 and not self.day_halted and equity <= self.day_start * (1.0 - spec.daily_loss):
            self.day_halted = True
            self._halt_begins("daily_loss")
        if spec.max_drawdown > 0.0 and not self.halted_for_good and equity <= self.peak * (1.0 - spec.max_drawdown):
            self.halted_for_good = True
            self._halt_begins("drawdown")

    def _halt_begins(self, reason: str) -> None:
        """Cancel entries; close positions too when the spec says so."""
        self._cancel_entries()
        if self.spec.on_halt == "flatten" or (self.spec.on_halt == "flatten_at_drawdown" and reason == "drawdown"):
            self._close_all(reason)

    def _cancel_entries(self) -> None:
        """Cancel the active orders that could open a position."""
        for order in self.orders.active():
            if not order.reduce_only:
                self.cancel(order, "halt")

    def _close_all(self, reason: str) -> None:
        """A closing order for each held asset."""
        for asset in self.ledger.held():
            self.close_position(asset, reason)

    def close_position(self, asset: int, reason: str) -> Order | None:
        """Market order for minus the position; None when flat or when one is pending."""
        held = self.ledger.positions[asset].quantity
        pending = any(order.kind == "market" and order.reduce_only for order in self.orders.active(asset))
        if held == 0 or pending:
            return None
        return self.submit(asset, "market", reason=reason, quantity=-held, any_lot=True, reduce_only=True)

    # --- step 9: decisions ------------------------------------------------------------------------

    def decide_signals(self, codes: Sequence[int], sizes: Sequence[float] | None = None) -> None:
        """Signals at this close, one for each asset; `sizes` scale the entries."""
        for asset, code in enumerate(codes):
            if code != HOLD:
                self._decide_signal(asset, code, 1.0 if sizes is None else sizes[asset])

    def _decide_signal(self, asset: int, code: int, scale: float) -> None:
        """One opinion: replace entries of the other direction, leave the position of the other direction, enter."""
        is_taken = False
        for order in self.orders.active(asset):
            if order.reason == "signal" and not order.reduce_only:
                if order.side == code:
                    is_taken = True
                else:
                    self.cancel(order, "replaced")
        held = self.ledger.positions[asset].sign
        if code == held:
            return
        if held != 0:
            self.close_position(asset, "signal")
        if code == 0 or is_taken:
            return
        blocked = self._why_blocked(asset, code)
        if blocked:
            self.count_refusal(blocked)
        else:
            self.enter(asset, code, self.spec.size * scale, reason="signal", protection=self.default_protection)

    def _why_blocked(self, asset: int, side: int) -> str:
        """Reason why an entry cannot be taken now, or nothing."""
        if asset in self.delisted:
            return "delisted"
        if self.halted:
            return "halt"
        if self.in_cooldown(asset):
            return "cooldown"
        return "short" if side < 0 and not self.spec.allow_short else ""

    def enter(
        self,
        asset: int,
        side: int,
        size: float,
        *,
        reason: str,
        protection: Protection | None,
        kind: str = "market",
        limit: float = math.nan,
        stop: float = math.nan,
        tif: str = "gtc",
    ) -> Order:
        """Entry order of a size in the mode of the spec.

        Its quantity is found when it is due, or now for the decision basis and for priced orders.
        """
        order = self.submit(
            asset,
            kind,
            reason=reason,
            sizing=Sizing(size=size),
            side=side,
            protection=self.with_atr(asset, protection),
            limit=limit,
            stop=stop,
            tif=tif,
        )
        if order.active and (kind != "market" or self.spec.size_basis == "decision"):
            base = self.ledger.marks[asset]
            if kind != "market":
                base = order.stop if math.isnan(order.limit) else order.limit
            self.resolve(order, base, self.now)
        return order

    def decide_weights(self, weights: Sequence[float]) -> None:
        """Target weights at this close; NaN leaves an asset alone."""
        for asset, weight in enumerate(weights):
            if math.isfinite(weight):
                self.target(asset, weight)

    def target(self, asset: int, weight: float) -> Order | None:
        """Order that leads to a target weight; None when nothing is to be done or it is refused."""
        for order in self.orders.active(asset):
            if order.reason == "weights":
                self.cancel(order, "replaced")
        if asset in self.delisted:
            if weight != 0.0:
                self.count_refusal("delisted")
            return None
        if weight < 0.0 and not self.spec.allow_short:
            self.count_refusal("short")
            return None
        if weight == 0.0 and self.ledger.positions[asset].quantity == 0:
            return None
        if self.spec.size_basis == "fill":
            return self.submit(asset, "market", reason="weights", sizing=Sizing(weight=weight))
        delta, _ = self.weight_delta(asset, weight, self.ledger.marks[asset], self.now)
        if delta == 0:
            return None
        return self.submit(asset, "market", reason="weights", quantity=delta, any_lot=True)

    def decided(self) -> None:
        """End the decision of this bar: fills at the same close, and the record of equity."""
        if not self.is_open:
            raise ValueError("There is no bar to decide; call step() first.")
        if self.spec.fill == "same_close":
            fresh = [
                order
                for order in self.orders.active()
                if order.kind == "market" and order.bar == self.bar and self.row.has_bar(order.asset)
            ]
            self._market_phase(fresh, self.row.close, CLOSE)
            self._end_of_phase([order for order in fresh if order.active])
            self.now = self.ledger.value(self.ledger.marks)
        self.is_open = False
        self._record()

    def close_out(self) -> None:
        """Step 10 on the last bar: close every position with costs, cancel the rest, and record the equity again."""
        if self.bar < 0 or not self.spec.close_last:
            return
        was_held = bool(self.ledger.held())
        self.is_closing_out = True
        for asset in self.ledger.held():
            order = self.submit(
                asset,
                "market",
                reason="end",
                quantity=-self.ledger.positions[asset].quantity,
                any_lot=True,
                reduce_only=True,
            )
            self.execute(order, self.ledger.marks[asset], CLOSE)
        for order in self.orders.active():
            self.cancel(order, "end")
        self.now = self.ledger.value(self.ledger.marks)
        self.equity.pop()
        self.exposure.pop()
        self.bars_held -= was_held
        self._record()

    def _record(self) -> None:
        """Step 11."""
        held = bool(self.ledger.held())
        self.bars_held += held
        self.equity.append(self.now)
        self.peak = max(self.peak, self.now)
        gross = self.ledger.gross()
        if not held:
            self.exposure.append(0.0)
        else:
            self.exposure.append(gross / self.now if self.now > 0.0 else math.nan)
