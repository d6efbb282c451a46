"""A book of price levels in plain dictionaries: the oracle of the compiled one, and its stand-in.

Entry points: `DepthBook`, `decimal_units`, `level_units`; names, codes and values are those of ``tradewright._core``,
to the last bit.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

DEPTH_STATUSES = ("applied", "held", "old", "lost", "old_snapshot", "refused_snapshot")
DEPTH_REASONS = ("", "no_snapshot", "gap", "crossed", "checksum", "bad_level", "snapshot_too_old")
DEPTH_RULES = ("generic", "binance_spot", "binance_usdm", "bybit", "kraken")
_COUNTS = (
    "snapshots", "diffs", "applied", "held", "held_applied", "held_old", "held_dropped", "old", "old_snapshots",
    "refused_snapshots", "gaps", "crossed", "checksums_wrong", "checksums_right", "bad_levels", "synced",
)  # fmt: skip
_LOST_AS = {2: "gaps", 3: "crossed", 4: "checksums_wrong", 5: "bad_levels", 6: "gaps"}
_APPLIED, _HELD, _OLD, _LOST, _OLD_SNAPSHOT, _REFUSED = range(6)
_NO_SNAPSHOT, _GAP, _CROSSED, _CHECKSUM, _BAD_LEVEL, _TOO_OLD = range(1, 7)
_WHOLE = 10_000_000_000
_NAN = float("nan")
_MAX = 2**63

I64 = np.ndarray[Any, np.dtype[np.int64]]
F64 = np.ndarray[Any, np.dtype[np.float64]]
Event = tuple[int, int, int, int, list[tuple[int, int]], list[tuple[int, int]]]


def decimal_units(texts: Sequence[Any], decimals: int) -> I64:
    """Decimal texts as exact integers of ``10**-decimals``."""
    return np.array([_units(x, decimals) for x in texts], np.int64)


def level_units(levels: Sequence[Any], price_decimals: int, size_decimals: int) -> tuple[I64, I64]:
    """Prices and sizes of levels given as pairs."""
    return decimal_units([x[0] for x in levels], price_decimals), decimal_units([x[1] for x in levels], size_decimals)


def _units(value: Any, decimals: int) -> int:
    text = value if isinstance(value, str) else repr(value)
    try:
        number = Decimal(text.strip())
        if "_" in text or not number.is_finite():
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(f"'{text}' is no decimal number") from None
    sign, digits, exponent = number.as_tuple()
    whole = int("".join(map(str, digits)))
    shift = decimals + int(exponent)
    scaled, rest = (whole * 10**shift, 0) if shift >= 0 else divmod(whole, 10**-shift)
    if rest:
        raise ValueError(f"'{text}' is finer than {decimals} decimals; keep more decimals")
    if scaled >= _MAX:
        raise ValueError(f"'{text}' does not fit 64 bits at {decimals} decimals; keep fewer decimals")
    return int(-scaled if sign else scaled)


class DepthBook:
    """A book of price levels rebuilt from events; see the stub of ``tradewright._core``."""

    def __init__(
        self,
        rule: str,
        *,
        levels: Sequence[int],
        within: Sequence[int],
        sizes: Sequence[int],
        price_decimals: int,
        size_decimals: int,
        depth: int = 0,
        hold: int = 10_000,
    ) -> None:
        if rule not in DEPTH_RULES:
            raise ValueError(f"there is no sequence rule '{rule}'; it must be one of {', '.join(DEPTH_RULES)}")
        if not (0 <= price_decimals <= 18 and 0 <= size_decimals <= 18):
            raise ValueError(f"decimals are {price_decimals} and {size_decimals}; they must be 18 or fewer")
        if min([*levels, *within, *sizes, 1]) <= 0:
            raise ValueError("levels, distances and sizes must all be above 0")
        self._rule, self._levels, self._within, self._sizes = rule, list(levels), list(within), list(sizes)
        self._pu, self._su = float(10**price_decimals), float(10**size_decimals)
        self._depth, self._hold = depth, hold
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._held: deque[Event] = deque()
        self._touch: tuple[int, int, int, int] | None = None
        self._ofi = _NAN
        self._fresh = True
        self._counts = dict.fromkeys(_COUNTS, 0)
        self.last_id = -1
        self.reason = _NO_SNAPSHOT

    @property
    def width(self) -> int:
        """Number of columns."""
        return 8 + 4 * len(self._levels) + 2 * len(self._within) + 2 * len(self._sizes) + 1

    @property
    def synced(self) -> bool:
        """Whether there is a book."""
        return self.reason == 0

    @property
    def n_levels(self) -> tuple[int, int]:
        """Levels of bids and asks."""
        return len(self._bids), len(self._asks)

    def counts(self) -> dict[str, int]:
        """What happened so far."""
        return dict(self._counts)

    def top(self, n: int) -> list[I64]:
        """Prices and sizes of the best levels: bids, then asks."""
        out = []
        for side, sign in ((self._bids, -1), (self._asks, 1)):
            best = sorted(side, key=lambda p, sign=sign: sign * p)[:n]  # type: ignore[misc]
            out += [np.array(best, np.int64), np.array([side[p] for p in best], np.int64)]
        return out

    def checksum(self) -> int:
        """CRC32 of the ten best asks and bids."""
        bid_price, bid_size, ask_price, ask_size = (x.tolist() for x in self.top(10))
        pairs = [*zip(ask_price, ask_size, strict=True), *zip(bid_price, bid_size, strict=True)]
        return zlib.crc32("".join(f"{p}{q}" for p, q in pairs).encode())

    def apply(
        self, snapshot: bool, first: int, last: int, previous: int, checksum: int, n_bids: int, price: Any, size: Any
    ) -> int:
        """Take one event; its status."""
        pairs = list(zip(np.asarray(price).tolist(), np.asarray(size).tolist(), strict=True))
        if n_bids > len(pairs):
            raise ValueError(f"{len(pairs)} prices, {len(pairs)} sizes and {n_bids} bids do not fit")
        event = (first, last, previous, checksum, pairs[:n_bids], pairs[n_bids:])
        if snapshot:
            return self._seat(event)
        self._counts["diffs"] += 1
        if self.reason:
            return self._keep(event, _HELD)
        placed = self._place(event)
        if placed == "old":
            self._counts["old"] += 1
            self._ofi = 0.0
            return _OLD
        reason = _GAP if placed == "gap" else self._change(event)
        if reason:
            self._lose(reason)
            return self._keep(event, _LOST) if reason != _BAD_LEVEL else _LOST
        self._counts["applied"] += 1
        self._flow()
        return _APPLIED

    def run(
        self, snapshot: Any, first: Any, last: Any, previous: Any, checksum: Any, begin: Any, n_bids: Any, price: Any,
        size: Any,
    ) -> tuple[Any, Any, F64]:  # fmt: skip
        """Take events in columns: statuses, reasons and the row after each."""
        n = len(snapshot)
        status, reason = np.zeros(n, np.int8), np.zeros(n, np.int8)
        rows = np.full((n, self.width), _NAN)
        for k in range(n):
            span = slice(int(begin[k]), int(begin[k + 1]))
            status[k] = self.apply(
                bool(snapshot[k]), int(first[k]), int(last[k]), int(previous[k]), int(checksum[k]), int(n_bids[k]),
                price[span], size[span],
            )  # fmt: skip
            reason[k] = self.reason
            rows[k] = self.row()
        return status, reason, rows

    def row(self) -> F64:
        """Numbers of the book as it stands."""
        out = [_NAN] * self.width
        if self.reason or not self._bids or not self._asks:
            return np.array(out)
        bids = sorted(self._bids.items(), reverse=True)
        asks = sorted(self._asks.items())
        (b, qb), (a, qa) = bids[0], asks[0]
        pu, su = self._pu, self._su
        both = b + a
        out[:8] = [
            b / pu, qb / su, a / pu, qa / su, (a - b) / pu, float(2 * (a - b)) / float(both) * 1e4,
            float(both) / (2.0 * pu), float(b * qa + a * qb) / float(qa + qb) / pu,
        ]  # fmt: skip
        k = 8
        for n in self._levels:
            bid_sum, bid_value, bid_slope = self._ladder(bids[:n], both)
            ask_sum, ask_value, ask_slope = self._ladder(asks[:n], both)
            vb, va = float(bid_sum), float(ask_sum)
            middle = (float(bid_value) / vb * va + float(ask_value) / va * vb) / (vb + va) / pu
            out[k : k + 4] = [float(bid_sum - ask_sum) / float(bid_sum + ask_sum), middle, bid_slope, ask_slope]
            k += 4
        for x in self._within:
            low, high = both * (_WHOLE - x), both * (_WHOLE + x)
            out[k] = float(sum(q for p, q in bids if 2 * p * _WHOLE >= low)) / su
            out[k + 1] = float(sum(q for p, q in asks if 2 * p * _WHOLE <= high)) / su
            k += 2
        for size in self._sizes:
            fair = size * both
            bought, sold = _walk(asks, size), _walk(bids, size)
            if bought is not None:
                out[k] = float(2 * bought - fair) / float(fair) * 1e4
            if sold is not None:
                out[k + 1] = float(fair - 2 * sold) / float(fair) * 1e4
            k += 2
        out[k] = self._ofi
        return np.array(out)

    def _ladder(self, levels: list[tuple[int, int]], both: int) -> tuple[int, int, float]:
        total = value = 0
        up = down = 0.0
        for price, size in levels:
            total += size
            value += price * size
            away = float(abs(2 * price - both)) / float(both) * 1e4
            up += away * (float(total) / self._su)
            down += away * away
        return total, value, up / down

    def _keep(self, event: Event, status: int) -> int:
        self._counts["held"] += 1
        self._held.append(event)
        if len(self._held) > self._hold:
            self._held.popleft()
            self._counts["held_dropped"] += 1
        return status

    def _lose(self, reason: int) -> None:
        self.reason = reason
        self._touch, self._ofi = None, _NAN
        self._bids.clear()
        self._asks.clear()
        self._counts[_LOST_AS[reason]] += 1

    def _refuse(self, reason: int) -> int:
        self._lose(reason)
        self._counts["refused_snapshots"] += 1
        return _REFUSED

    def _seat(self, event: Event) -> int:
        self._counts["snapshots"] += 1
        if not self.reason and self._rule.startswith("binance") and 0 <= event[1] < self.last_id:
            self._counts["old_snapshots"] += 1
            self._ofi = 0.0
            return _OLD_SNAPSHOT
        if not _levels_good(event):
            return self._refuse(_BAD_LEVEL)
        self._bids = {p: q for p, q in dict(event[4]).items() if q}
        self._asks = {p: q for p, q in dict(event[5]).items() if q}
        self._cut()
        self.last_id, self._fresh, self.reason = event[1], True, 0
        wrong = self._verify(event[3])
        if wrong:
            return self._refuse(wrong)
        held, self._held = self._held, deque()
        while held:
            diff = held[0]
            placed = "old" if diff[1] < 0 or self.last_id < 0 else self._place(diff)
            wrong = 0
            if placed == "old":
                self._counts["held_old"] += 1
            elif placed == "gap":
                wrong = _TOO_OLD if self._fresh else _GAP
            else:
                wrong = self._change(diff)
                self._counts["held_applied"] += not wrong
            if wrong:
                if wrong == _BAD_LEVEL:
                    held.popleft()
                self._held = held
                return self._refuse(wrong)
            held.popleft()
        self._counts["synced"] += 1
        self._flow()
        return _APPLIED

    def _place(self, event: Event) -> str:
        first, last, previous = event[:3]
        known = self.last_id
        by_first = first > known + 1 if first >= 0 else last != known + 1
        by_previous = previous > known if self._fresh else previous != known
        behind, gap = last <= known, False
        if self._rule == "kraken":
            behind = False
        elif self._rule == "binance_spot":
            gap = by_first
        elif self._rule == "binance_usdm":
            behind = last < known or (last == known and not self._fresh)
            gap = by_previous if previous >= 0 else by_first
        elif self._rule == "bybit":
            gap = last != known + 1
        elif last < 0 or known < 0:
            behind = False
        elif previous >= 0:
            gap = by_previous
        elif first >= 0:
            gap = by_first
        return "old" if behind else "gap" if gap else "next"

    def _change(self, event: Event) -> int:
        if not _levels_good(event):
            return _BAD_LEVEL
        for side, levels in ((self._bids, event[4]), (self._asks, event[5])):
            for price, size in levels:
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)
        self._cut()
        self.last_id, self._fresh = event[1], False
        return self._verify(event[3])

    def _cut(self) -> None:
        if self._depth:
            self._bids = dict(sorted(self._bids.items(), reverse=True)[: self._depth])
            self._asks = dict(sorted(self._asks.items())[: self._depth])

    def _verify(self, checksum: int) -> int:
        if self._bids and self._asks and max(self._bids) >= min(self._asks):
            return _CROSSED
        if checksum >= 0:
            if self.checksum() != checksum:
                return _CHECKSUM
            self._counts["checksums_right"] += 1
        return 0

    def _flow(self) -> None:
        if not self._bids or not self._asks:
            self._touch, self._ofi = None, _NAN
            return
        bid, ask = max(self._bids), min(self._asks)
        touch = (bid, self._bids[bid], ask, self._asks[ask])
        if self._touch is None:
            self._ofi = _NAN
        else:
            b, qb, a, qa = self._touch
            flow = (touch[1] if bid >= b else 0) - (qb if bid <= b else 0)
            flow += (qa if ask >= a else 0) - (touch[3] if ask <= a else 0)
            self._ofi = float(flow) / self._su
        self._touch = touch


def _levels_good(event: Event) -> bool:
    return all(price > 0 and size >= 0 for price, size in (*event[4], *event[5]))


def _walk(levels: list[tuple[int, int]], size: int) -> int | None:
    value = 0
    for price, there in levels:
        taken = min(size, there)
        value += price * taken
        size -= taken
        if not size:
            return value
    return None
