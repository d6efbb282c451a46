"""Orders as the engine keeps them.

:class:`Order` is what was asked and what has become of it, :class:`Protection` how it is to be protected,
:class:`Sizing` how its quantity is still to be found, and :class:`OrderList` all orders with the questions about them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

NAN = float("nan")
RANK = {"stop": 0, "trail": 0, "stop_limit": 1, "limit": 2}


@dataclass
class Distance:
    """Where one protective order goes: `kind` is fraction (of the fill price), amount, price, or a multiple of ATR."""

    value: float
    kind: str

    def split(self, ratio: float) -> None:
        """Follow a split of the instrument."""
        if self.kind != "fraction":
            self.value /= ratio


@dataclass
class Protection:
    """The protective orders that a fill creates; None: not that one."""

    stop: Distance | None = None
    target: Distance | None = None
    trail: Distance | None = None

    def parts(self) -> list[tuple[str, Distance]]:
        """Present parts in the order in which their orders are created."""
        named = (("stop", self.stop), ("target", self.target), ("trail", self.trail))
        return [(name, distance) for name, distance in named if distance is not None]

    def lower(self, amount: float, side: int) -> None:
        """Follow a fall of the price: the price of a sell stop and of a buy target go down; none is left at 0."""
        if side > 0 and self.stop is not None and self.stop.kind == "price":
            self.stop = Distance(self.stop.value - amount, "price") if self.stop.value > amount else None
        if side < 0 and self.target is not None and self.target.kind == "price":
            self.target = Distance(self.target.value - amount, "price") if self.target.value > amount else None


@dataclass
class Sizing:
    """A quantity that is found only when the order is due: `size` in the mode of the spec, or a target `weight`."""

    size: float = NAN
    weight: float = NAN

    @property
    def is_weight(self) -> bool:
        """Whether this asks for a share of equity rather than a size."""
        return self.weight == self.weight


@dataclass
class Order:
    """One order. Quantities in units; `side` is its direction; `remaining` is a magnitude."""

    id: int
    bar: int
    asset: int
    kind: str
    side: int
    reason: str
    live_from: int  # first bar in which it may meet the market
    quantity: int | None = None  # signed; None: not resolved yet
    filled: int = 0
    remaining: int = 0
    limit: float = NAN
    stop: float = NAN
    tif: str = "gtc"
    gtd: int = 0
    reduce_only: bool = False
    parent: int = -1
    group: int = -1
    sizing: Sizing | None = None
    protection: Protection | None = None
    trail_value: float = NAN
    trail_kind: str = "fraction"
    extreme: float = NAN
    day_session: int | None = None
    triggered: bool = False  # a stop or trail has become a market order, a stop_limit a limit order
    blocked_bar: int = -1  # the bar in which it was last executed
    status: str = "pending"
    closing_reason: str = ""
    notional: int = 0

    @property
    def active(self) -> bool:
        """Whether it can still fill."""
        return self.status == "pending"

    @property
    def acts_as(self) -> str:
        """Kind after triggering: market, limit, stop, stop_limit, trail, open or close."""
        if self.triggered:
            return "limit" if self.kind == "stop_limit" else "market"
        return self.kind

    @property
    def in_bar(self) -> bool:
        """Whether it is a resting order that the path inside the bar can reach."""
        return self.acts_as in RANK

    @property
    def rank(self) -> int:
        """Priority at equal price: stops and trails, then stop limits, then limits."""
        return RANK[self.acts_as]

    @property
    def trail_level(self) -> float:
        """Trigger of a trailing order."""
        if self.trail_kind == "fraction":
            return self.extreme * (1.0 - self.trail_value) if self.side < 0 else self.extreme * (1.0 + self.trail_value)
        return self.extreme - self.trail_value if self.side < 0 else self.extreme + self.trail_value

    @property
    def level(self) -> float:
        """Price at which the path meets it: trail level, limit, or stop."""
        kind = self.acts_as
        if kind == "trail":
            return self.trail_level
        return self.limit if kind == "limit" else self.stop

    @property
    def is_below(self) -> bool:
        """Whether a falling price meets it (sell stops and trails, buy limits); a rising one otherwise."""
        return (self.side > 0) == (self.acts_as == "limit")

    def met_by(self, price: float) -> bool:
        """Whether a trade at `price` triggers it.

        >>> Order(0, 0, 0, "limit", 1, "order", 1, limit=10.0).met_by(10.0)
        True
        """
        return price <= self.level if self.is_below else price >= self.level

    def ratchet(self, price: float) -> None:
        """Let a trailing order follow a better price."""
        if self.acts_as == "trail":
            self.extreme = max(self.extreme, price) if self.side < 0 else min(self.extreme, price)

    @property
    def group_key(self) -> tuple[bool, int] | None:
        """Name of its one-cancels-other group; protective groups and the user's own are apart."""
        return None if self.group < 0 else (self.parent >= 0, self.group)


class OrderList:
    """All orders of a run in id order."""

    def __init__(self) -> None:
        self.all: list[Order] = []
        self._active: dict[int, Order] = {}

    def add(self, order: Order) -> None:
        """Append an order whose id is the next one."""
        self.all.append(order)
        if order.active:
            self._active[order.id] = order

    @property
    def next_id(self) -> int:
        """Id of the order that comes next."""
        return len(self.all)

    def active(self, asset: int | None = None) -> Iterator[Order]:
        """Active orders in id order; those closed meanwhile are skipped."""
        for order in list(self._active.values()):
            if not order.active:
                self._active.pop(order.id, None)
            elif asset is None or order.asset == asset:
                yield order
