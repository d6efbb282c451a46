"""The two faces of the engine that take one bar at a time.

:class:`Context` is for a callback on recorded bars, :class:`Book` for bars as they come.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tradewright._reference.engine import Engine
from tradewright._reference.market import BarRow, Market, parse_actions
from tradewright._reference.numbers import F64, I8, KINDS, TIFS, from_units, to_units
from tradewright._reference.orders import NAN, Distance, Order, Protection
from tradewright._reference.results import Columns, Run, fills_table, flows_table, orders_table
from tradewright._reference.spec import Spec, close_matches

FIELDS = ("open", "high", "low", "close", "volume", "atr", "sigma", "funding")
DISTANCE_KINDS = ("fraction", "amount", "atr", "price")


def _distance(value: float | None, kind: str) -> Distance | None:
    """A protective distance; None, NaN and 0 mean none."""
    if value is None or math.isnan(value) or value == 0.0:
        return None
    return Distance(float(value), kind)


def _known(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ``ValueError`` for a word that is not among the choices."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}. {close_matches(value, choices)}")


@dataclass(frozen=True)
class Ticket:
    """An order of exact quantity as a user writes it, not yet checked."""

    quantity: float
    kind: str = "market"
    asset: int = 0
    limit: float | None = None
    stop: float | None = None
    trail: float | None = None
    trail_kind: str = "fraction"
    tif: str = "gtc"
    gtd: int | None = None
    reduce_only: bool = False
    group: int | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    trail_stop: float | None = None
    protect_kind: str = "fraction"
    protect_kinds: Mapping[str, str] = field(default_factory=dict)

    def submit(self, engine: Engine) -> Order:
        """Check the words, then hand the order to the engine at its current close.

        Raises
        ------
        ValueError
            For an unknown kind, time in force, asset, or a quantity that is not finite.
        """
        _known("kind", self.kind, KINDS)
        _known("tif", self.tif, TIFS)
        _known("trail_kind", self.trail_kind, ("fraction", "amount"))
        kinds = {name: self.protect_kinds.get(name, self.protect_kind) for name in ("stop", "target", "trail")}
        for name, kind in kinds.items():
            _known(f"the kind of the protective {name}", kind, DISTANCE_KINDS)
        check_asset(engine, self.asset)
        if not math.isfinite(self.quantity):
            raise ValueError(f"The quantity of an order is {self.quantity}; it must be a finite number.")
        if self.tif == "gtd" and self.gtd is None:
            raise ValueError("A gtd order has no gtd; give the last instant at which it may live, in ns.")
        trail = _distance(self.trail_stop, kinds["trail"])
        if trail is not None and trail.kind == "price":
            raise ValueError("A protective trail cannot be a price; give a fraction, an amount or a multiple of ATR.")
        protection = Protection(
            _distance(self.stop_loss, kinds["stop"]), _distance(self.take_profit, kinds["target"]), trail
        )
        return engine.submit(
            self.asset,
            self.kind,
            reason="order",
            quantity=to_units(self.quantity),
            limit=NAN if self.limit is None else float(self.limit),
            stop=NAN if self.stop is None else float(self.stop),
            trail_value=NAN if self.trail is None else float(self.trail),
            trail_kind=self.trail_kind,
            tif=self.tif,
            gtd=0 if self.gtd is None else int(self.gtd),
            reduce_only=bool(self.reduce_only),
            group=-1 if self.group is None else int(self.group),
            protection=engine.with_atr(self.asset, protection),
        )


def check_asset(engine: Engine, asset: int) -> None:
    """Raise ``ValueError`` for an asset that is not there."""
    if not 0 <= asset < engine.spec.n_assets:
        raise ValueError(f"There is no asset {asset}; this run has {engine.spec.n_assets}, counted from 0.")


def cancel_order(engine: Engine, order: int) -> bool:
    """Cancel an active order; False when there is none of this id."""
    if not 0 <= order < engine.orders.next_id or not engine.orders.all[order].active:
        return False
    engine.cancel(engine.orders.all[order], "cancelled")
    return True


class Context:
    """What a decision may see: the past and the account."""

    def __init__(self, engine: Engine, market: Market) -> None:
        self._engine = engine
        self._market = market
        self.n_assets = market.n_assets

    @property
    def bar(self) -> int:
        """Index of the bar that has just closed."""
        return self._engine.bar

    @property
    def ts(self) -> int:
        """Close of the bar in ns."""
        return self._engine.row.ts

    @property
    def open(self) -> float:
        """Open of asset 0."""
        return self.field("open")

    @property
    def high(self) -> float:
        """High of asset 0."""
        return self.field("high")

    @property
    def low(self) -> float:
        """Low of asset 0."""
        return self.field("low")

    @property
    def close(self) -> float:
        """Close of asset 0."""
        return self.field("close")

    @property
    def volume(self) -> float:
        """Volume of asset 0."""
        return self.field("volume")

    @property
    def position(self) -> float:
        """Signed quantity of asset 0."""
        return self.position_of(0)

    @property
    def entry_price(self) -> float:
        """Average entry price of asset 0; NaN when flat."""
        position = self._engine.ledger.positions[0]
        size = from_units(abs(position.quantity)) * self._engine.spec.multiplier[0]
        return from_units(abs(position.cost)) / size if size > 0.0 else NAN

    @property
    def equity(self) -> float:
        """Equity at this close."""
        return self._engine.now

    @property
    def cash(self) -> float:
        """Cash at this close."""
        return from_units(self._engine.ledger.cash)

    def field(self, name: str, asset: int = 0) -> float:
        """Value of a field of this bar."""
        _known("field", name, FIELDS)
        check_asset(self._engine, asset)
        values: list[float] = getattr(self._engine.row, name)
        return values[asset]

    def history(self, name: str, n: int, asset: int = 0, *, adjusted: bool = False) -> F64:
        """Last `n` values of a field up to this bar, fewer at the beginning, as a copy; `adjusted` to this bar."""
        _known("field", name, FIELDS)
        check_asset(self._engine, asset)
        table: F64 = getattr(self._market, name)
        rows = slice(max(self.bar + 1 - n, 0), self.bar + 1)
        if adjusted and self._market.factors is not None and name not in {"sigma", "funding"}:
            factor = self._market.factors[name == "volume"][:, asset]
            scaled: F64 = table[rows, asset] * (factor[rows] / factor[self.bar])
            return scaled
        return table[rows, asset].copy()

    def position_of(self, asset: int) -> float:
        """Signed quantity of an asset."""
        check_asset(self._engine, asset)
        return from_units(self._engine.ledger.positions[asset].quantity)

    def buy(self, size: float | None = None, **order: Any) -> int:
        """Entry order to buy; see `_core.pyi` for its keywords. Returns the order id."""
        return self._enter(1, size, **order)

    def sell(self, size: float | None = None, **order: Any) -> int:
        """Entry order to sell short, or to reduce what is held; as :meth:`buy`."""
        return self._enter(-1, size, **order)

    def _enter(
        self,
        side: int,
        size: float | None,
        *,
        asset: int = 0,
        limit: float | None = None,
        stop: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        trail: float | None = None,
        tif: str = "gtc",
        quantity: float | None = None,
    ) -> int:
        """Entry order; protections are fractions, None takes that of the spec and 0 none."""
        engine = self._engine
        _known("tif", tif, TIFS)
        check_asset(engine, asset)
        kind = {(False, False): "market", (True, False): "limit", (False, True): "stop", (True, True): "stop_limit"}[
            limit is not None, stop is not None
        ]
        default = engine.default_protection
        protection = Protection(
            default.stop if stop_loss is None else _distance(stop_loss, "fraction"),
            default.target if take_profit is None else _distance(take_profit, "fraction"),
            default.trail if trail is None else _distance(trail, "fraction"),
        )
        limit_price, stop_price = NAN if limit is None else float(limit), NAN if stop is None else float(stop)
        if quantity is None:
            return engine.enter(
                asset,
                side,
                engine.spec.size if size is None else float(size),
                kind=kind,
                reason="order",
                protection=protection,
                limit=limit_price,
                stop=stop_price,
                tif=tif,
            ).id
        if not math.isfinite(quantity):
            raise ValueError(f"The quantity of an order is {quantity}; it must be a finite number.")
        return engine.submit(
            asset,
            kind,
            reason="order",
            quantity=side * abs(to_units(quantity)),
            protection=engine.with_atr(asset, protection),
            limit=limit_price,
            stop=stop_price,
            tif=tif,
        ).id

    def close_position(self, asset: int = 0) -> int | None:
        """Market order for minus the position; None when flat or one is pending."""
        check_asset(self._engine, asset)
        order = self._engine.close_position(asset, "order")
        return None if order is None else order.id

    def target(self, weight: float, asset: int = 0) -> int | None:
        """Order that leads to a weight in equity; None when nothing is to be done."""
        check_asset(self._engine, asset)
        if not math.isfinite(weight):
            raise ValueError(f"The target weight is {weight}; it must be a finite number.")
        order = self._engine.target(asset, float(weight))
        return None if order is None else order.id

    def order(self, quantity: float, kind: str = "market", **order: Any) -> int:
        """Order of an exact signed quantity; see `_core.pyi` for its keywords. Returns the order id."""
        return Ticket(quantity, kind, **order).submit(self._engine).id

    def cancel(self, order: int) -> bool:
        """Cancel an active order; False when it is not active."""
        return cancel_order(self._engine, order)

    def active_orders(self, asset: int | None = None) -> list[int]:
        """Ids of the active orders."""
        return [order.id for order in self._engine.orders.active(asset)]


class Book:
    """The engine bar by bar.

    >>> book = Book(Spec(initial_cash=100.0))
    >>> one = np.array([10.0])
    >>> book.step(1, 0, one, one, one, one); _ = book.submit(2.0); book.decided()
    >>> book.step(2, 0, one, one, one, one); book.decided()
    >>> book.position(), book.cash
    (2.0, 80.0)
    """

    def __init__(self, spec: Spec) -> None:
        self._engine = Engine(spec)

    def step(
        self,
        ts: int,
        session: int,
        open: F64,
        high: F64,
        low: F64,
        close: F64,
        volume: F64 | None = None,
        *,
        atr: F64 | None = None,
        sigma: F64 | None = None,
        funding: F64 | None = None,
        actions: Mapping[str, Any] | None = None,
    ) -> None:
        """Steps 1 to 8 of one bar; arrays of shape (n_assets,)."""
        engine, n_assets = self._engine, self._engine.spec.n_assets

        def row(name: str, values: F64 | None) -> list[float]:
            array = np.full(n_assets, np.nan) if values is None else np.asarray(values, dtype=np.float64).reshape(-1)
            if array.shape != (n_assets,):
                raise ValueError(f"{name} has {array.shape[0]} values; this book has {n_assets} assets.")
            out: list[float] = array.tolist()
            return out

        if engine.bar >= 0 and ts <= engine.row.ts:
            raise ValueError(f"ts is {ts}, not after the bar before ({engine.row.ts}); bars must come in order.")
        engine.step(
            BarRow(
                int(ts),
                int(session),
                row("open", open),
                row("high", high),
                row("low", low),
                row("close", close),
                row("volume", volume),
                row("atr", atr),
                row("sigma", sigma),
                row("funding", funding),
                parse_actions(actions, n_assets, None).get(0, []),
            )
        )

    def signal(self, codes: I8) -> None:
        """Signals of this bar, one for each asset."""
        values = np.asarray(codes, dtype=np.int8).reshape(-1).tolist()
        if len(values) != self._engine.spec.n_assets:
            raise ValueError(f"There are {len(values)} signals for {self._engine.spec.n_assets} assets.")
        self._engine.decide_signals(values)

    def submit(self, quantity: float, kind: str = "market", **order: Any) -> int:
        """Order of an exact signed quantity at this close; the keywords of :meth:`Context.order`."""
        return Ticket(quantity, kind, **order).submit(self._engine).id

    def cancel(self, order: int) -> bool:
        """Cancel an active order; False when it is not active."""
        return cancel_order(self._engine, order)

    def decided(self) -> None:
        """Steps 9 to 11: the decision of this bar is complete."""
        self._engine.decided()

    def fills(self, since: int = 0) -> Columns:
        """Fills so far, from number `since` on."""
        return fills_table(self._engine.fills[since:])

    def orders(self) -> Columns:
        """Every order so far, as it stands now."""
        return orders_table(self._engine, self._engine.orders.all)

    def cash_flows(self, since: int = 0) -> Columns:
        """Cash movements so far, from number `since` on."""
        return flows_table(self._engine.ledger.flows[since:])

    def finish(self) -> Run:
        """End the run: close out when the spec says so, and give its columns."""
        self._engine.close_out()
        return Run(self._engine)

    @property
    def equity(self) -> float:
        """Equity at the last close."""
        return self._engine.now

    @property
    def cash(self) -> float:
        """Cash at the last close."""
        return from_units(self._engine.ledger.cash)

    def position(self, asset: int = 0) -> float:
        """Signed quantity of an asset."""
        check_asset(self._engine, asset)
        return from_units(self._engine.ledger.positions[asset].quantity)

    def active_orders(self) -> list[int]:
        """Ids of the active orders."""
        return [order.id for order in self._engine.orders.active()]
