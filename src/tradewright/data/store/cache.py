"""A read cache in Redis before any store: the same bars, sooner, and never older than the store itself.

Entry points: `CachedStore`, `CacheCounts`, `packed`, `unpacked`. Needs the ``db`` extra (redis).

Invariants: the key of a reading holds what the store says of its series (content hash, revisions, counts), asked anew
at every read, so a write is seen at once by everybody and an old value is only forgotten, never served. A value that
is corrupt, cut, foreign or of another version is a miss. Whatever Redis does, the store answers: nothing is raised
because of the cache, one warning is logged, and every hit, miss and error is counted. Values are plain numbers and
JSON.
"""

from __future__ import annotations

import builtins
import hashlib
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from ...domain.actions import ActionKind, CorporateAction
from ...domain.bars import Bars, Instant, Provenance
from ...domain.errors import ConfigError, InputError
from ..grid import FIELDS
from ..intervals import interval_ns
from .rows import bounds, instrument_from, instrument_to

if TYPE_CHECKING:
    import redis

    from ...domain.events import Finding
    from ...domain.series import Appended, SeriesInfo, SeriesKey, Store

__all__ = ["CacheCounts", "CachedStore", "packed", "unpacked"]

VERSION: Final = 1
_MAGIC: Final = b"TWBARS" + VERSION.to_bytes(2, "big")
_HEAD: Final = len(_MAGIC) + 32 + 8

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """What a cache did since it was opened.

    Parameters
    ----------
    hits : int
        Readings that came out of the cache.
    misses : int
        Readings that the store had to give, also those that the cache cannot hold.
    stored : int
        Values written to the cache.
    corrupt : int
        Values that could not be believed; each is a miss too.
    errors : int
        Times that Redis did not answer as it should.
    """

    hits: int = 0
    misses: int = 0
    stored: int = 0
    corrupt: int = 0
    errors: int = 0


class CachedStore:
    """A store with a read cache in Redis before it, behind the `tradewright.domain.series.Store` port.

    Parameters
    ----------
    store : Store
        What keeps the bars. Its name must tell it from other stores that share the Redis.
    redis : str or redis.Redis
        ``redis://:password@host:port/0``, or a client (with time-outs of its own).
    ttl : float
        Seconds after which a value is forgotten.
    max_bytes : int
        Readings larger than this are not kept.
    timeout : float
        Seconds that Redis may take to answer, where a URL was given.
    pause : float
        Seconds without asking Redis after it failed, so that one that hangs does not slow every read down.

    Raises
    ------
    ConfigError
        If the address cannot be understood or redis is not installed. A Redis that does not run is no error.

    Notes
    -----
    `slices` goes to the store: what is read in slices is larger than memory.

    Examples
    --------
    >>> from tradewright.data.store.memory import MemoryStore
    >>> from tradewright.testing import walk_bars
    >>> store = CachedStore(MemoryStore(), "redis://127.0.0.1:1/0")  # nobody listens there
    >>> done = store.append(walk_bars(20), source="exam", known="2024-06-01")
    >>> store.read(["WALK"], "1d").n_bars, store.counts.errors
    (20, 1)
    """

    def __init__(
        self,
        store: Store,
        redis: str | redis.Redis,
        *,
        ttl: float = 3600.0,
        max_bytes: int = 256 * 1024 * 1024,
        timeout: float = 1.0,
        pause: float = 5.0,
    ) -> None:
        if not 0.001 <= ttl <= 366 * 86_400:
            raise InputError(f"ttl is {ttl!r} s; it must lie from 0.001 s to a year.")
        self._store = store
        self._ttl, self._max_bytes, self._pause = ttl, max_bytes, pause
        self._own = isinstance(redis, str)
        self._client: Any = _client(redis, timeout) if isinstance(redis, str) else redis
        self._lock = threading.Lock()
        self._counts = CacheCounts()
        self._silent_until = 0.0
        self._warned = False

    @property
    def name(self) -> str:
        """Name of the store: what it says is the same with a cache and without."""
        return self._store.name

    @property
    def counts(self) -> CacheCounts:
        """Hits, misses, values stored, corrupt values and errors until now."""
        return self._counts

    def __repr__(self) -> str:
        return f"CachedStore({self._store!r}, {self._counts})"

    def read(
        self,
        symbols: Sequence[str],
        interval: str,
        *,
        source: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        as_of: Instant | None = None,
    ) -> Bars:
        """Bars as they were known, out of the cache where it has them; see `Store.read`."""

        def ask() -> Bars:
            return self._store.read(symbols, interval, source=source, start=start, end=end, as_of=as_of)

        wanted = [symbols] if isinstance(symbols, str) else [*symbols]
        span = bounds(start, end, as_of)
        before = self._series(wanted, interval, source)
        if before is None:
            self._count(misses=1)
            return ask()
        key = _key(self._store.name, wanted, interval, source, span, before)
        value = self._asked(lambda: self._client.get(key))
        if value is not None:
            found = unpacked(value, key)
            if found is not None:
                self._count(hits=1)
                return found
            self._count(corrupt=1)
        self._count(misses=1)
        bars = ask()
        # What was written while the store read may be in the bars, or not: then they belong to neither key.
        if _size(bars) <= self._max_bytes and self._series(wanted, interval, source) == before:
            text = packed(bars, key)
            if self._asked(lambda: self._client.set(key, text, px=max(1, round(self._ttl * 1000)))):
                self._count(stored=1)
        return bars

    def list(
        self, symbols: Sequence[str] | None = None, *, interval: str | None = None, source: str | None = None
    ) -> tuple[SeriesInfo, ...]:
        """Series there are; see `Store.list`."""
        return self._store.list(symbols, interval=interval, source=source)

    def append(
        self,
        bars: Bars,
        *,
        source: str,
        known: Instant | None = None,
        restate: bool = False,
        findings: Sequence[Finding] = (),
    ) -> tuple[Appended, ...]:
        """Keep bars; see `Store.append`. Values in the cache need no care: their keys are of the old content."""
        return self._store.append(bars, source=source, known=known, restate=restate, findings=findings)

    def slices(
        self,
        symbols: Sequence[str],
        interval: str,
        *,
        rows: int,
        source: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        as_of: Instant | None = None,
    ) -> Iterator[Bars]:
        """Read the same bars in parts, from the store; see `Store.slices`."""
        return self._store.slices(symbols, interval, rows=rows, source=source, start=start, end=end, as_of=as_of)

    def write_actions(self, actions: Sequence[CorporateAction], *, source: str, known: Instant | None = None) -> int:
        """Keep corporate actions; see `Store.write_actions`."""
        return self._store.write_actions(actions, source=source, known=known)

    def actions(
        self, symbols: Sequence[str], *, source: str | None = None, as_of: Instant | None = None
    ) -> tuple[CorporateAction, ...]:
        """Corporate actions known; see `Store.actions`."""
        return self._store.actions(symbols, source=source, as_of=as_of)

    def quarantine(self, symbols: Sequence[str] | None = None) -> tuple[Finding, ...]:
        """Errors of rows that were not stored; see `Store.quarantine`."""
        return self._store.quarantine(symbols)

    def remove(self, key: SeriesKey) -> None:
        """Forget a series; see `Store.remove`."""
        self._store.remove(key)

    def clear(self) -> int:
        """Forget everything that is cached of any store in this Redis; returns how many values that were."""

        def forget() -> int:
            return sum(int(self._client.delete(key)) for key in self._client.scan_iter(match=f"{_PREFIX}*", count=1000))

        return self._asked(forget) or 0

    def close(self) -> None:
        """Close the store, and the connection to Redis where a URL was given."""
        self._store.close()
        if self._own:
            self._client.close()

    def _series(self, wanted: Sequence[str], interval: str, source: str | None) -> tuple[SeriesInfo, ...] | None:
        """What the store says of the series asked for; None where that does not settle which they are."""
        found = self._store.list(wanted, interval=interval, source=source)
        # A symbol written in another case, or of several sources, is for the store to find or to refuse.
        return found if sorted(info.key.symbol for info in found) == sorted(set(wanted)) else None

    def _asked(self, do: Callable[[], Answer]) -> Answer | None:
        """Ask Redis; None when it does not answer."""
        import redis

        if time.monotonic() < self._silent_until:
            return None
        try:
            return do()
        except (redis.RedisError, OSError) as error:
            self._count(errors=1)
            with self._lock:
                self._silent_until = time.monotonic() + self._pause
                first, self._warned = not self._warned, True
            if first:
                import logging

                logging.getLogger("tradewright.data").warning(
                    "the cache in Redis does not answer (%s); the store answers by itself, as often as needed. "
                    "Said once.", type(error).__name__
                )  # fmt: skip
            return None

    def _count(self, **more: int) -> None:
        with self._lock:
            now = self._counts
            self._counts = replace(now, **{name: getattr(now, name) + n for name, n in more.items()})


_PREFIX: Final = "tradewright:bars:"


def _key(
    store: str,
    symbols: Sequence[str],
    interval: str,
    source: str | None,
    span: tuple[int | None, int | None, int | None],
    series: tuple[SeriesInfo, ...],
) -> str:
    asked = (VERSION, store, list(dict.fromkeys(symbols)), interval_ns(interval), source, span)
    return _PREFIX + hashlib.sha256(repr((asked, series)).encode()).hexdigest()


def _size(bars: Bars) -> int:
    return bars.n_bars * 8 * (1 + len(FIELDS) * bars.n_assets)


def packed(bars: Bars, key: str = "") -> bytes:
    """Bars as bytes: magic and version, SHA-256 of the rest, length of the header, header (JSON), raw arrays.

    Parameters
    ----------
    bars : Bars
    key : str
        Where the bytes will lie; `unpacked` refuses them elsewhere.

    Examples
    --------
    >>> bars = Bars.from_arrays([1, 2], [1, 2], [1, 2], [1, 2], [1, 2], symbols="A")
    >>> unpacked(packed(bars)).data_hash() == bars.data_hash()
    True
    """
    origin = bars.provenance
    place = {instrument: j for j, instrument in enumerate(bars.instruments)}
    head = {
        "key": key,
        "shape": [bars.n_bars, bars.n_assets],
        "interval_ns": bars.interval_ns,
        "instruments": [instrument_to(instrument) for instrument in bars.instruments],
        "provenance": asdict(origin),
        "actions": [
            [
                a.ts,
                place.get(a.instrument, -1),
                instrument_to(a.instrument),
                str(a.kind),
                a.value.hex(),
                a.new_symbol,
                *((a.cash.hex(), a.price.hex()) if a.cash or a.price else ()),
            ]
            for a in bars.actions
        ],
    }
    text = json.dumps(head).encode()
    text += b" " * (-(len(text) + _HEAD) % 8)
    arrays = [np.ascontiguousarray(bars.ts, dtype="<i8").tobytes()]
    arrays += [np.ascontiguousarray(getattr(bars, name), dtype="<f8").tobytes() for name in FIELDS]
    body = b"".join([struct.pack(">Q", len(text)), text, *arrays])
    return b"".join([_MAGIC, hashlib.sha256(body).digest(), body])


def unpacked(value: Any, key: str = "") -> Bars | None:
    """Bars that `packed` wrote, None when the value is anything else, damaged, or of another key.

    Examples
    --------
    >>> unpacked(b"something else") is None
    True
    """
    if not isinstance(value, bytes) or len(value) < _HEAD or value[: len(_MAGIC)] != _MAGIC:
        return None
    body = memoryview(value)[len(_MAGIC) + 32 :]
    if hashlib.sha256(body).digest() != value[len(_MAGIC) : len(_MAGIC) + 32]:
        return None
    length = struct.unpack(">Q", body[:8])[0]
    try:
        head = json.loads(bytes(body[8 : 8 + length]))
        if head["key"] != key:
            return None
        return _bars(head, value, _HEAD + length)
    except (KeyError, TypeError, ValueError):
        # The sum is right, so another program wrote it on purpose under our name.
        return None


def _bars(head: dict[str, Any], value: bytes, offset: int) -> Bars:
    n_bars, n_assets = head["shape"]
    ts = np.frombuffer(value, dtype="<i8", count=n_bars, offset=offset)
    offset += ts.nbytes
    arrays: dict[str, Any] = {}
    for name in FIELDS:
        array = np.frombuffer(value, dtype="<f8", count=n_bars * n_assets, offset=offset)
        offset += array.nbytes
        arrays[name] = array.reshape(n_bars, n_assets)
    if offset != len(value):
        raise ValueError("the arrays end elsewhere")
    instruments = tuple(instrument_from(values) for values in head["instruments"])
    actions: builtins.list[CorporateAction] = []
    for stamp, place, plain, kind, number, new_symbol, *amounts in head["actions"]:
        instrument = instruments[place] if place >= 0 else instrument_from(plain)
        actions.append(CorporateAction(
            ts=stamp, instrument=instrument, kind=ActionKind(kind), value=float.fromhex(number), new_symbol=new_symbol,
            **{name: float.fromhex(text) for name, text in zip(("cash", "price"), amounts, strict=False)},
        ))  # fmt: skip
    return Bars(
        ts, **arrays, instruments=instruments, interval_ns=head["interval_ns"],
        provenance=Provenance(**{name: _frozen(item) for name, item in head["provenance"].items()}),
        actions=tuple(actions),
    )  # fmt: skip


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _client(url: str, timeout: float) -> Any:
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise ConfigError("The cache needs redis; install it with: pip install 'tradewright[db]'.") from None
    try:
        return redis.Redis.from_url(
            url.strip(), socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0),
            decode_responses=False, client_name="tradewright",
        )  # fmt: skip
    except (ValueError, TypeError, redis.RedisError):
        raise ConfigError(
            "The address of Redis cannot be understood; write redis://:password@host:port/0 (it is not shown here "
            "because it may hold a password)."
        ) from None
