"""Order books and trades as a venue sends them, in columns: what books and trade features are made of.

Entry points: `DepthEvents` (and one of them, `DepthEvent`), `Quotes`, `Trades`, `DepthFeed`.

Invariants: prices and sizes of books are int64 numbers of units, ``10**-price_decimals`` and ``10**-size_decimals``,
made of the decimal text exactly. ``ts`` is when an event became known here, int64 nanoseconds UTC, never decreasing;
``exchange_ts`` is the venue's own clock, which need not agree with ours. Numbers of updates that a feed does not give
are -1. A difference says the new size of a level; size 0 removes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    I64 = npt.NDArray[np.int64]
    F64 = npt.NDArray[np.float64]

__all__ = ["VENUES", "DepthEvent", "DepthEvents", "DepthFeed", "Quotes", "Trades"]

VENUES: Final[Mapping[str, str]] = {
    "binance_spot": "a difference carries its first and last update (U, u); the next one begins at the last plus one; "
    "differences that end at or before the snapshot's lastUpdateId are old",
    "binance_usdm": "each difference names the last update of the one before it (pu), which must be the last that was "
    "applied; the first after a snapshot must reach its lastUpdateId (pu <= lastUpdateId <= u)",
    "bybit": "u rises by exactly one; every snapshot starts the book anew",
    "kraken": "no numbers; each message carries the CRC32 of the ten best levels of either side (give the instrument's "
    "price_decimals and size_decimals, and the subscribed depth)",
    "generic": "what is given is checked: previous_id, else first_id, else that last_id rises; every snapshot starts "
    "the book anew",
}
"""Rules of sequence by venue, in words."""


@dataclass(frozen=True, slots=True, eq=False)
class DepthEvent:
    """One snapshot or difference.

    Parameters
    ----------
    snapshot : bool
        Whether it replaces the book.
    price, size : int64 array, shape (n_levels,)
        Bids first, then asks.
    n_bids : int
        How many of the levels are bids.
    ts, exchange_ts : int
        When it became known here, and the venue's stamp; nanoseconds UTC, -1 when not known.
    first_id, last_id, previous_id : int
        Numbers of its first and last update and of the last update before it; -1 when not given.
    checksum : int
        Of the book after it; -1 when not given.
    line : int
        Where it stands in its file, from 1.
    """

    snapshot: bool
    price: I64
    size: I64
    n_bids: int
    ts: int = -1
    exchange_ts: int = -1
    first_id: int = -1
    last_id: int = -1
    previous_id: int = -1
    checksum: int = -1
    line: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class DepthEvents:
    """Snapshots and differences of one book, in the order of their arrival.

    Parameters
    ----------
    snapshot : int8 array, shape (n,)
    ts, exchange_ts, first_id, last_id, previous_id, checksum, line, n_bids : int64 array, shape (n,)
    begin : int64 array, shape (n + 1,)
        Event ``k`` has the levels ``begin[k]:begin[k + 1]``.
    price, size : int64 array, shape (n_levels,)
    price_decimals, size_decimals : int
    symbol, venue : str

    Examples
    --------
    >>> events = DepthEvents.of([
    ...     DepthEvent(True, np.array([9990, 10010]), np.array([5, 6]), 1, ts=1, last_id=7),
    ...     DepthEvent(False, np.array([9990]), np.array([4]), 1, ts=2, last_id=8)], price_decimals=2, size_decimals=0)
    >>> len(events), events[1].price.tolist(), events.price_tick
    (2, [9990], 0.1)
    """

    snapshot: npt.NDArray[np.int8]
    ts: I64
    exchange_ts: I64
    first_id: I64
    last_id: I64
    previous_id: I64
    checksum: I64
    line: I64
    n_bids: I64
    begin: I64
    price: I64
    size: I64
    price_decimals: int = 8
    size_decimals: int = 8
    symbol: str = ""
    venue: str = "generic"

    def __len__(self) -> int:
        return int(self.ts.size)

    def __getitem__(self, k: int) -> DepthEvent:
        if not -len(self) <= k < len(self):
            raise IndexError(f"event {k} of {len(self)}")
        k %= len(self)
        span = slice(int(self.begin[k]), int(self.begin[k + 1]))
        return DepthEvent(
            bool(self.snapshot[k]), self.price[span], self.size[span], int(self.n_bids[k]), int(self.ts[k]),
            int(self.exchange_ts[k]), int(self.first_id[k]), int(self.last_id[k]), int(self.previous_id[k]),
            int(self.checksum[k]), int(self.line[k]),
        )  # fmt: skip

    def __iter__(self) -> Iterator[DepthEvent]:
        return (self[k] for k in range(len(self)))

    @property
    def price_tick(self) -> float:
        """Largest step of which all prices are multiples; NaN without prices."""
        found = int(np.gcd.reduce(self.price)) if self.price.size else 0
        return found / 10**self.price_decimals if found else float("nan")

    @classmethod
    def of(
        cls,
        events: list[DepthEvent],
        *,
        price_decimals: int = 8,
        size_decimals: int = 8,
        symbol: str = "",
        venue: str = "generic",
    ) -> DepthEvents:
        """Columns of events."""
        counts = [event.price.size for event in events]
        none = [np.zeros(0, np.int64)]
        return cls(
            snapshot=np.array([event.snapshot for event in events], np.int8),
            begin=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            price=np.concatenate([event.price for event in events] or none),
            size=np.concatenate([event.size for event in events] or none),
            price_decimals=price_decimals,
            size_decimals=size_decimals,
            symbol=symbol,
            venue=venue,
            **{
                name: np.array([getattr(event, name) for event in events], np.int64)
                for name in ("ts", "exchange_ts", "first_id", "last_id", "previous_id", "checksum", "line", "n_bids")
            },
        )


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """Best bid and offer events of a venue, in units like those of the book.

    Parameters
    ----------
    ts, exchange_ts, update_id, line : int64 array, shape (n,)
    bid, bid_size, ask, ask_size : int64 array, shape (n,)
        Units of the book's decimals.
    """

    ts: I64
    exchange_ts: I64
    update_id: I64
    line: I64
    bid: I64
    bid_size: I64
    ask: I64
    ask_size: I64

    def __len__(self) -> int:
        return int(self.ts.size)


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Trades in the order in which they became known.

    Parameters
    ----------
    ts : int64 array, shape (n,)
        Known here, nanoseconds UTC, never decreasing.
    price, size : float64 array, shape (n,)
    sign : int8 array, shape (n,)
        1 when the buyer took liquidity, -1 when the seller did, 0 when not known.
    exchange_ts : int64 array, shape (n,), optional
        The venue's stamp; -1 when not known.

    Raises
    ------
    InputError
        If lengths differ, stamps decrease, or a price or size is not finite and positive.

    Examples
    --------
    >>> trades = Trades([1, 2], [100.0, 101.0], [2.0, 1.0], [1, -1])
    >>> len(trades), trades.signed_size.tolist()
    (2, [2.0, -1.0])
    """

    ts: I64
    price: F64
    size: F64
    sign: npt.NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    exchange_ts: I64 = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        n = len(self.ts)
        kinds: dict[str, Any] = {"ts": np.int64, "price": np.float64, "size": np.float64}
        rest: dict[str, tuple[Any, int]] = {"sign": (np.int8, 0), "exchange_ts": (np.int64, -1)}
        for name, kind in kinds.items():
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), kind))
        for name, (kind, default) in rest.items():
            value = getattr(self, name)
            given = value is not None and len(value)
            value = np.ascontiguousarray(value, kind) if given else np.full(n, default, kind)
            object.__setattr__(self, name, value)
        lengths = {f.name: len(getattr(self, f.name)) for f in fields(self)}
        if len(set(lengths.values())) > 1:
            raise InputError(f"The columns of trades have lengths {lengths}; they must be one.")
        if n and bool((np.diff(self.ts) < 0).any()):
            k = int(np.flatnonzero(np.diff(self.ts) < 0)[0]) + 1
            raise InputError(f"Trade {k} is stamped before trade {k - 1}; sort trades by the time they became known.")
        for name in ("price", "size"):
            bad = np.flatnonzero(~(np.isfinite(getattr(self, name)) & (getattr(self, name) > 0)))
            if bad.size:
                raise InputError(
                    f"The {name} of trade {int(bad[0])} is {getattr(self, name)[bad[0]]}; it must be finite and above "
                    f"0. Take such rows out ({bad.size} of {n})."
                )
        if n and not bool(np.isin(self.sign, (-1, 0, 1)).all()):
            raise InputError("A sign of a trade is neither 1, -1 nor 0.")

    def __len__(self) -> int:
        return int(self.ts.size)

    @property
    def signed_size(self) -> F64:
        """Size times sign; 0 where the sign is not known."""
        return self.size * self.sign


@dataclass(frozen=True, slots=True, eq=False)
class DepthFeed:
    """What one file or stream held.

    Parameters
    ----------
    events : DepthEvents
    quotes : Quotes
    trades : Trades
    report : mapping
        Lines read, malformed ones with their numbers and reasons, kinds that were left aside, what was assumed.
    """

    events: DepthEvents
    quotes: Quotes
    trades: Trades
    report: Mapping[str, Any]
