"""An order book rebuilt from snapshots and differences, that says when it is out of sync, and its features.

Entry points: `replay` (all events at once), `OrderBook` (one event at a time), `conventions` (what each column means).

Invariants: both give the same values, to the bit, for the same compiled book computes both. Every feature is NaN from
the event that broke the sequence (or crossed the book, or failed its checksum) until a snapshot has put it right. What
is sampled at an instant is the book after the last event known at that instant, by the local receive stamp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from tradewright.domain.depth import VENUES, DepthEvent, DepthEvents
from tradewright.domain.errors import InputError, StaleDataError, closest
from tradewright.kernel import core

if TYPE_CHECKING:
    import numpy.typing as npt

    I64 = npt.NDArray[np.int64]
    F64 = npt.NDArray[np.float64]

__all__ = ["REASON_WORDS", "BookUpdate", "OrderBook", "Replay", "column_names", "conventions", "replay"]

REASON_WORDS: Final[Mapping[str, str]] = {
    "": "in sync",
    "no_snapshot": "no snapshot has come yet",
    "gap": "an update is missing between the book and this event",
    "crossed": "the best bid is at or above the best ask",
    "checksum": "the venue's checksum is not that of the book",
    "bad_level": "a price is not positive or a size is negative",
    "snapshot_too_old": "the snapshot is older than the first difference that was kept",
}
_FIXED: Final = ("bid", "bid_size", "ask", "ask_size", "spread", "spread_bp", "mid", "microprice")


class BookUpdate(NamedTuple):
    """What became of one event.

    Attributes
    ----------
    status : str
        ``applied``, ``held`` (no book yet: kept for the next snapshot), ``old`` (its updates are in the book),
        ``lost`` (it took the book out of sync), ``old_snapshot`` (older than the book), ``refused_snapshot``.
    reason : str
        Why the book is out of sync after it; empty when it is in sync.
    values : float64 array, shape (n_columns,)
        Features after it, NaN when out of sync.
    """

    status: str
    reason: str
    values: F64


def _number(x: float) -> str:
    return f"{x:.12g}"


def column_names(
    levels: Sequence[int] = (1, 5, 10), within_bp: Sequence[float] = (5.0, 10.0), sizes: Sequence[float] = ()
) -> tuple[str, ...]:
    """Columns that these settings give.

    Examples
    --------
    >>> column_names((1,), (5,), ())[8:]
    ('imbalance_1', 'weighted_mid_1', 'bid_slope_1', 'ask_slope_1', 'bid_depth_5bp', 'ask_depth_5bp', 'ofi')
    """
    names = list(_FIXED)
    for n in levels:
        names += [f"imbalance_{n}", f"weighted_mid_{n}", f"bid_slope_{n}", f"ask_slope_{n}"]
    for x in within_bp:
        names += [f"bid_depth_{_number(x)}bp", f"ask_depth_{_number(x)}bp"]
    for size in sizes:
        names += [f"buy_cost_{_number(size)}", f"sell_cost_{_number(size)}"]
    return (*names, "ofi")


def conventions(columns: Sequence[str]) -> dict[str, str]:
    """What columns of a book mean, in words with their units.

    Examples
    --------
    >>> conventions(["spread_bp"])
    {'spread_bp': '(ask - bid) / mid in basis points (1e-4)'}
    """
    plain = {
        "bid": "highest price bid",
        "bid_size": "size at the best bid, in units of the instrument",
        "ask": "lowest price offered",
        "ask_size": "size at the best ask",
        "spread": "ask - bid, in price",
        "spread_bp": "(ask - bid) / mid in basis points (1e-4)",
        "mid": "(bid + ask) / 2",
        "microprice": "(bid x ask_size + ask x bid_size) / (bid_size + ask_size); nearer to the side with less size",
        "ofi": "order-flow imbalance of the event (Cont, Kukanov and Stoikov 2014, equation 4, at the touch), in size: "
        "above 0 is buying; NaN for the first book after a loss of sync. Sampled: the sum since the sample before",
    }
    out = {}
    for name in columns:
        kind, _, tail = name.rpartition("_")
        if name in plain:
            out[name] = plain[name]
        elif kind == "imbalance":
            out[name] = f"(B - A) / (B + A) of the sizes of the best {tail} levels of either side; in [-1, 1]"
        elif kind == "weighted_mid":
            out[name] = (
                f"size-weighted mean prices b, a and sizes B, A of the best {tail} levels of bids and asks: "
                "(b x A + a x B) / (A + B); with one level the microprice"
            )
        elif kind.endswith("slope"):
            out[name] = (
                f"slope of cumulative size on distance from the mid over the best {tail} levels, a least-squares line "
                "through the mid; size per basis point"
            )
        elif kind.endswith("depth"):
            out[name] = f"sum of sizes no farther than {tail.removesuffix('bp')} basis points from the mid (exact)"
        elif kind.endswith("cost"):
            verb = "buying" if kind.startswith("buy") else "selling"
            out[name] = (
                f"cost of {verb} {tail} at once against the mid, in basis points, without fees; NaN when the book "
                "holds less"
            )
    return out


class OrderBook:
    """A book that takes one event at a time.

    Parameters
    ----------
    venue : str
        Rules of sequence; see `tradewright.domain.depth.VENUES`.
    levels : sequence of int
        Numbers of levels for imbalance, weighted mid and slopes.
    within_bp : sequence of float
        Distances from the mid for depths, in basis points.
    sizes : sequence of float
        Sizes to price a trade of, in units of the instrument.
    price_decimals, size_decimals : int
        Those of the events.
    depth : int
        Levels kept on each side; 0 keeps all. A venue that sends only its best levels without deleting the rest
        (Kraken) needs it.
    hold : int
        Differences kept while there is no book.

    Raises
    ------
    InputError
        If a setting cannot be used.

    Examples
    --------
    >>> book = OrderBook("bybit", levels=(1,), within_bp=(), price_decimals=2, size_decimals=0)
    >>> first = DepthEvent(True, np.array([9990, 10010]), np.array([5, 6]), 1, ts=1, last_id=7)
    >>> book.apply(first).status, book.best()
    ('applied', (99.9, 5.0, 100.1, 6.0))
    >>> late = DepthEvent(False, np.array([9990]), np.array([4]), 1, ts=2, last_id=9, line=2)
    >>> book.apply(late)[:2]
    ('lost', 'gap')
    >>> book.best()
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.StaleDataError: The book is out of sync since line 2 (update 9): an update is missing ...
    """

    def __init__(
        self,
        venue: str = "generic",
        *,
        levels: Sequence[int] = (1, 5, 10),
        within_bp: Sequence[float] = (5.0, 10.0),
        sizes: Sequence[float] = (),
        price_decimals: int = 8,
        size_decimals: int = 8,
        depth: int = 0,
        hold: int = 10_000,
    ) -> None:
        if venue not in VENUES:
            raise InputError(f"venue is {venue!r}{closest(venue, VENUES)}; it must be one of {', '.join(VENUES)}.")
        for name, values in (("levels", levels), ("within_bp", within_bp), ("sizes", sizes)):
            for x in values:
                if not np.isfinite(x) or x <= 0 or (name == "levels" and x != int(x)):
                    kind = "whole numbers above 0" if name == "levels" else "finite and above 0"
                    raise InputError(f"{name} holds {x!r}; its values must be {kind}.")
        for name, value, low in (
            ("price_decimals", price_decimals, 0), ("size_decimals", size_decimals, 0), ("depth", depth, 0),
            ("hold", hold, 1),
        ):  # fmt: skip
            if value < low:
                raise InputError(f"{name} is {value}; it must be {low} or more.")
        try:
            units = [int(core.decimal_units([_number(x)], size_decimals)[0]) for x in sizes]
            within = [round(x * 1_000_000) for x in within_bp]
            self._book = core.DepthBook(
                venue, levels=[int(n) for n in levels], within=within, sizes=units, price_decimals=price_decimals,
                size_decimals=size_decimals, depth=depth, hold=hold,
            )  # fmt: skip
        except ValueError as error:
            raise InputError(f"A book cannot be made so: {error}.") from None
        self.venue = venue
        self.columns: Final = column_names(levels, within_bp, sizes)
        self.price_decimals, self.size_decimals = price_decimals, size_decimals
        self._lost: DepthEvent | None = None
        self._reason = core.DEPTH_REASONS[self._book.reason]

    def apply(self, event: DepthEvent) -> BookUpdate:
        """Take the next event, and give the features after it."""
        status = core.DEPTH_STATUSES[
            self._book.apply(
                event.snapshot, event.first_id, event.last_id, event.previous_id, event.checksum, event.n_bids,
                event.price, event.size,
            )
        ]  # fmt: skip
        reason = core.DEPTH_REASONS[self._book.reason]
        if reason != self._reason or status in {"lost", "refused_snapshot"}:
            self._lost = event if reason else None
            self._reason = reason
        return BookUpdate(status, reason, self._book.row())

    @property
    def synced(self) -> bool:
        """Whether the book can be believed."""
        return bool(self._book.synced)

    @property
    def reason(self) -> str:
        """Why it cannot; empty when it can."""
        return self._reason

    @property
    def last_id(self) -> int:
        """Number of the last update in it."""
        return int(self._book.last_id)

    @property
    def counts(self) -> dict[str, int]:
        """What happened so far: events applied, held, dropped and why."""
        return dict(self._book.counts())

    @property
    def n_levels(self) -> tuple[int, int]:
        """Levels of bids and asks."""
        bids, asks = self._book.n_levels
        return int(bids), int(asks)

    def require_sync(self) -> None:
        """Raise `StaleDataError` when the book is out of sync, with the reason and since where."""
        if self.synced:
            return
        if self._lost is None:
            raise StaleDataError("The book is not in sync: no snapshot has come yet. Give it one.")
        raise StaleDataError(
            f"The book is out of sync since line {self._lost.line} (update {self._lost.last_id}): "
            f"{REASON_WORDS[self._reason]}. Give it a new snapshot."
        )

    def best(self) -> tuple[float, float, float, float]:
        """Best bid, its size, best ask, its size; `StaleDataError` when out of sync, NaN for an empty side."""
        self.require_sync()
        found = self._book.row()
        if np.isnan(found[0]):
            bids, asks = self.top(1)
            bid = bids[0] if len(bids) else (np.nan, np.nan)
            ask = asks[0] if len(asks) else (np.nan, np.nan)
            return float(bid[0]), float(bid[1]), float(ask[0]), float(ask[1])
        return float(found[0]), float(found[1]), float(found[2]), float(found[3])

    def top(self, n: int) -> tuple[F64, F64]:
        """The best `n` levels of bids and asks, each of shape (up to n, 2): price, size; best first."""
        self.require_sync()
        bp, bq, ap, aq = self._book.top(n)
        pu, su = float(10**self.price_decimals), float(10**self.size_decimals)
        return np.column_stack([bp / pu, bq / su]), np.column_stack([ap / pu, aq / su])


@dataclass(frozen=True, eq=False)
class Replay:
    """A whole feed replayed: one row per snapshot or difference, the features after it.

    Parameters
    ----------
    events : DepthEvents
    columns : tuple of str
    values : float64 array, shape (n_events, n_columns)
        NaN where the book is out of sync.
    status, reason : int8 array, shape (n_events,)
        Codes; `statuses` and `reasons` are their names.
    book : OrderBook
        The book after the last event.
    """

    events: DepthEvents
    columns: tuple[str, ...]
    values: F64
    status: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    book: OrderBook

    @property
    def ts(self) -> I64:
        """When each row became known here, nanoseconds UTC."""
        return self.events.ts

    @cached_property
    def statuses(self) -> list[str]:
        """What became of each event."""
        return [core.DEPTH_STATUSES[code] for code in self.status.tolist()]

    @cached_property
    def reasons(self) -> list[str]:
        """Why the book is out of sync after each event; empty where it is in sync."""
        return [core.DEPTH_REASONS[code] for code in self.reason.tolist()]

    @property
    def in_sync(self) -> npt.NDArray[np.bool_]:
        """Rows after which the book can be believed."""
        return np.equal(self.reason, 0)

    def column(self, name: str) -> F64:
        """One feature, shape (n_events,)."""
        if name not in self.columns:
            raise InputError(
                f"The book has no column {name!r}{closest(name, self.columns)}; it has {', '.join(self.columns)}."
            )
        return self.values[:, self.columns.index(name)]

    @cached_property
    def losses(self) -> list[dict[str, Any]]:
        """Where sync was lost (or a snapshot refused), and where it came back: line, stamps, update, reason."""
        broken = [core.DEPTH_STATUSES.index(s) for s in ("lost", "refused_snapshot")]
        good = np.flatnonzero(self.in_sync)
        out = []
        for k in np.flatnonzero(np.isin(self.status, broken)).tolist():
            after = int(np.searchsorted(good, k))
            back = int(good[after]) if after < good.size else None
            e = self.events
            known = np.flatnonzero(e.last_id[:k] >= 0)
            out.append(
                {
                    "event": k,
                    "line": int(e.line[k]),
                    "ts": int(e.ts[k]),
                    "reason": self.reasons[k],
                    "words": REASON_WORDS[self.reasons[k]],
                    "first_id": int(e.first_id[k]),
                    "last_id": int(e.last_id[k]),
                    "previous_id": int(e.previous_id[k]),
                    "last_id_before": int(e.last_id[known[-1]]) if known.size else -1,
                    "back_at_event": back,
                    "back_at_line": None if back is None else int(e.line[back]),
                }
            )
        return out

    def sample(self, stamps: npt.ArrayLike, *, max_age_ns: int | None = None) -> F64:
        """Features as they were known at given instants.

        Parameters
        ----------
        stamps : int64 array, shape (m,)
            Nanoseconds UTC, rising; such as the stamps of bars.
        max_age_ns : int, optional
            Where the last event is older than this, the row is NaN.

        Returns
        -------
        float64 array, shape (m, n_columns)
            Row ``k``: the book after the last event with ``ts <= stamps[k]``, NaN before the first. ``ofi`` is the sum
            over the events in ``(stamps[k - 1], stamps[k]]`` (of the first row: all until then), and NaN if the book
            was out of sync after one of them or before them.

        Raises
        ------
        InputError
            If the stamps do not rise.

        Examples
        --------
        >>> events = DepthEvents.of([
        ...     DepthEvent(True, np.array([99, 101]), np.array([5, 6]), 1, ts=10, last_id=7),
        ...     DepthEvent(False, np.array([99]), np.array([9]), 1, ts=20, last_id=8)],
        ...     price_decimals=0, size_decimals=0)
        >>> rows = replay(events, levels=(), within_bp=()).sample([9, 19, 20, 30])
        >>> rows[:, 1].tolist(), rows[:, -1].tolist()
        ([nan, 5.0, 9.0, 9.0], [nan, nan, 4.0, 0.0])
        """
        at = np.asarray(stamps, np.int64)
        if at.ndim != 1 or bool((np.diff(at) <= 0).any()):
            raise InputError("The stamps to sample at must be one rising row; sort them and take doubles out.")
        rows = np.searchsorted(self.ts, at, side="right") - 1
        out = np.full((at.size, len(self.columns)), np.nan)
        there = rows >= 0
        out[there] = self.values[rows[there]]
        flow = self.values[:, -1]
        unknown = np.isnan(flow)
        holes = np.concatenate([[0], np.cumsum(unknown)])
        begin = np.concatenate([[0], rows[:-1] + 1])
        spoilt = (holes[rows + 1] - holes[begin] > 0) | ~there
        synced = np.concatenate([[False], self.in_sync])
        total = np.zeros(at.size)
        some = rows + 1 > begin
        if some.any():  # what follows the last sample must not be added to it
            total[some] = np.add.reduceat(np.where(unknown, 0.0, flow)[: int(rows[-1]) + 1], begin[some])
        out[:, -1] = np.where(spoilt | ~synced[rows + 1], np.nan, total)
        if max_age_ns is not None:
            stale = there & (at - self.ts[np.maximum(rows, 0)] > max_age_ns)
            out[stale] = np.nan
        return out

    def every(self, interval_ns: int, *, max_age_ns: int | None = None) -> tuple[I64, F64]:
        """Stamps on whole multiples of an interval from the first event to the last, and `sample` at them."""
        if interval_ns < 1:
            raise InputError(f"interval_ns is {interval_ns}; it must be 1 or more.")
        if not len(self.events):
            return np.zeros(0, np.int64), np.zeros((0, len(self.columns)))
        first = -(-int(self.ts[0]) // interval_ns) * interval_ns
        last = -(-int(self.ts[-1]) // interval_ns) * interval_ns
        n = (last - first) // interval_ns + 1
        if n > 50_000_000:
            raise InputError(f"An interval of {interval_ns} ns makes {n} rows of this feed; take a longer one.")
        stamps = first + np.arange(n, dtype=np.int64) * interval_ns
        return stamps, self.sample(stamps, max_age_ns=max_age_ns)


def replay(
    events: DepthEvents,
    *,
    venue: str | None = None,
    levels: Sequence[int] = (1, 5, 10),
    within_bp: Sequence[float] = (5.0, 10.0),
    sizes: Sequence[float] = (),
    depth: int = 0,
    hold: int = 10_000,
) -> Replay:
    """Rebuild the book through a whole feed, and compute its features after every event.

    Parameters
    ----------
    events : DepthEvents
    venue : str, optional
        Rules of sequence, default those of the events.
    levels, within_bp, sizes, depth, hold
        As in `OrderBook`.

    Returns
    -------
    Replay

    Examples
    --------
    >>> events = DepthEvents.of([
    ...     DepthEvent(True, np.array([99, 98, 101]), np.array([5, 9, 6]), 2, ts=1, last_id=7),
    ...     DepthEvent(False, np.array([99]), np.array([0]), 1, ts=2, last_id=8)], price_decimals=0, size_decimals=0)
    >>> done = replay(events, levels=(1,), within_bp=(), sizes=(6,))
    >>> done.column("bid").tolist(), done.column("ofi").tolist(), done.statuses
    ([99.0, 98.0], [nan, -5.0], ['applied', 'applied'])
    """
    book = OrderBook(
        venue or events.venue, levels=levels, within_bp=within_bp, sizes=sizes, price_decimals=events.price_decimals,
        size_decimals=events.size_decimals, depth=depth, hold=hold,
    )  # fmt: skip
    e = events
    status, reason, values = book._book.run(
        e.snapshot, e.first_id, e.last_id, e.previous_id, e.checksum, e.begin, e.n_bids, e.price, e.size
    )
    broken = [core.DEPTH_STATUSES.index(s) for s in ("lost", "refused_snapshot")]
    lost = np.flatnonzero(np.isin(status, broken))
    book._reason = core.DEPTH_REASONS[book._book.reason]
    book._lost = events[int(lost[-1])] if book._reason and lost.size else None
    return Replay(events, book.columns, values, status, reason, book)
