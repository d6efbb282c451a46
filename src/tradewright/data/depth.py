"""Reads order-book feeds: snapshots, differences, best bid and offer, trades, out of what venues send.

Entry points: `read_depth` (files to columns); `messages` and `one_event` (lines to events, one at a time).

What is understood: lines of JSON, alone or after a local receive stamp in nanoseconds and a space, of Binance (spot and
USD-M futures, raw or wrapped streams, the snapshot of the REST interface), Bybit, OKX, Kraken (v2), and a plain form
(``type``, ``bids``, ``asks`` and, where known, ``first_id``, ``last_id``, ``previous_id``, ``ts``); CSV with one level
a row (updates with first and last id, or ``is_snapshot``) or one snapshot of N levels a row (``asks[0].price``, ...).
Any of them may be compressed with gzip.

Invariants: decimal text becomes integers exactly, numbers in JSON are read as the shortest text that means them; an
event is known at its local receive stamp (at the venue's stamp where there is no other, which the report says), never
before the event that stands before it; a line that cannot be read is counted and named, never skipped in silence.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from ..domain.depth import VENUES, DepthEvent, DepthEvents, DepthFeed, Quotes, Trades
from ..domain.errors import InputError, MissingDataError, closest
from ..kernel import core

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["DEFAULT_DECIMALS", "Message", "messages", "one_event", "read_depth"]

DEFAULT_DECIMALS: Final = 8
"""Decimals kept of prices and sizes: enough for every venue read here, and 92 billion still fit."""

_MS: Final = 1_000_000
_NAMED: Final = 20
_BLOCK: Final = 4096


class Message(NamedTuple):
    """What one line says, before it becomes columns.

    Attributes
    ----------
    kind : str
        ``"snapshot"``, ``"diff"``, ``"quote"``, ``"trade"`` or ``"other"``.
    symbol : str
        Empty when the line does not say.
    exchange_ts : int
        The venue's stamp in nanoseconds, the matching engine's where there are two; -1 when not given.
    bids, asks : sequence of (price, size)
        As text. A quote has one of each; a trade has its price and size in `bids` and its sign in `sign`.
    first_id, last_id, previous_id, checksum : int
        -1 when not given.
    venue : str
        Whose rules of sequence the form of the line belongs to; empty when it does not tell.
    """

    kind: str
    symbol: str = ""
    exchange_ts: int = -1
    bids: Sequence[Any] = ()
    asks: Sequence[Any] = ()
    first_id: int = -1
    last_id: int = -1
    previous_id: int = -1
    checksum: int = -1
    sign: int = 0
    venue: str = ""


def read_depth(
    path: str | Path | Sequence[str | Path],
    *,
    venue: str | None = None,
    symbol: str | None = None,
    price_decimals: int = DEFAULT_DECIMALS,
    size_decimals: int = DEFAULT_DECIMALS,
) -> DepthFeed:
    """Read files of a feed into columns.

    Parameters
    ----------
    path : path or sequence of paths
        Read one after the other, as one feed.
    venue : str, optional
        Rules of sequence: ``binance_spot``, ``binance_usdm``, ``bybit``, ``kraken`` or ``generic``; default what the
        form of the lines says.
    symbol : str, optional
        Which instrument, needed where the files hold several.
    price_decimals, size_decimals : int
        Decimals kept; text with more of them (other than zeros) is an error, and so is what does not fit 64 bits then.

    Returns
    -------
    DepthFeed
        Events, quotes, trades, and a report of what was read.

    Raises
    ------
    MissingDataError
        If a file is not there or holds no event of a book.
    InputError
        If the venue is unknown, or the files hold several symbols and none was chosen.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> text = '''100 {"type": "snapshot", "last_id": 7, "bids": [["9.99", "5"]], "asks": [["10.01", "6"]]}
    ... 200 {"type": "diff", "last_id": 8, "bids": [["9.99", "4"]], "asks": []}'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "feed.ndjson"
    ...     _ = file.write_text(text)
    ...     feed = read_depth(file, price_decimals=2, size_decimals=0)
    >>> feed.events.venue, feed.events.ts.tolist(), feed.events.price.tolist()
    ('generic', [100, 200], [999, 1001, 999])
    """
    checked_venue(venue)
    paths = [Path(path)] if isinstance(path, (str, Path)) else [Path(p) for p in path]
    take = _Collector(symbol, price_decimals, size_decimals)
    for file in paths:
        take.file(file)
    return take.feed(venue, [file.name for file in paths])


def messages(lines: Iterable[str | bytes]) -> Iterator[tuple[int, list[Message]]]:
    """Lines of JSON, one at a time: the local stamp (-1 without one) and what the line says.

    Parameters
    ----------
    lines : iterable of str or bytes
        ``[stamp] JSON``.

    Yields
    ------
    tuple of (int, list of Message)

    Raises
    ------
    ValueError
        If a line cannot be read.

    Examples
    --------
    >>> line = '5 {"e":"depthUpdate","E":1,"s":"BTCUSDT","U":10,"u":12,"b":[["9.9","1"]],"a":[]}'
    >>> [(stamp, m.kind, m.first_id, m.venue) for stamp, found in messages([line]) for m in found]
    [(5, 'diff', 10, 'binance_spot')]
    """
    import orjson

    for line in lines:
        raw = line.encode() if isinstance(line, str) else line
        stamp, body = _split(raw.strip())
        yield stamp, understood(orjson.loads(body))


def checked_venue(venue: str | None) -> None:
    """Refuse a venue whose rules are not known."""
    if venue is not None and venue not in VENUES:
        raise InputError(f"venue is {venue!r}{closest(venue, VENUES)}; it must be one of {', '.join(VENUES)}.")


def understood(said: Any) -> list[Message]:
    """What a parsed line of JSON says; an unknown form is one message of kind ``other``."""
    if not isinstance(said, dict):
        raise ValueError("the line is no JSON object")
    data = said.get("data")
    if isinstance(data, dict) and "stream" in said:
        return _binance(data, str(said["stream"]).partition("@")[0].upper())
    topic = said.get("topic")
    if isinstance(topic, str):
        return _bybit(said, topic)
    if isinstance(said.get("arg"), dict) and isinstance(data, list):
        return _okx(said, said["arg"], data)
    if said.get("channel") in {"book", "trade"} and isinstance(data, list):
        return _kraken(said, data)
    if "e" in said or "lastUpdateId" in said or ("u" in said and "B" in said):
        return _binance(said, "")
    if "bids" in said or "asks" in said:
        return [_plain(said)]
    return [Message("other")]


def _binance(data: dict[str, Any], stream: str) -> list[Message]:
    kind = data.get("e")
    symbol = str(data.get("s", stream))
    stamp = int(data.get("T", data.get("E", -1)))
    at = stamp * _MS if stamp >= 0 else -1
    if kind == "depthUpdate":
        venue = "binance_usdm" if "pu" in data else "binance_spot"
        return [
            Message("diff", symbol, at, data["b"], data["a"], int(data["U"]), int(data["u"]), int(data.get("pu", -1)),
                    venue=venue)
        ]  # fmt: skip
    if "lastUpdateId" in data:
        venue = "binance_usdm" if "T" in data else ""
        return [
            Message("snapshot", symbol, at, data["bids"], data["asks"], last_id=int(data["lastUpdateId"]), venue=venue)
        ]
    if kind == "bookTicker" or (kind is None and "B" in data and "A" in data):
        bids, asks = [(data["b"], data["B"])], [(data["a"], data["A"])]
        return [Message("quote", symbol, at, bids, asks, last_id=int(data["u"]))]
    if kind in {"trade", "aggTrade"} and data.get("X", "MARKET") == "MARKET":
        # m: the buyer was the maker, so the seller took liquidity.
        return [Message("trade", symbol, at, [(data["p"], data["q"])], sign=-1 if data["m"] else 1)]
    return [Message("other", symbol)]


def _bybit(said: dict[str, Any], topic: str) -> list[Message]:
    data = said["data"]
    symbol = topic.rpartition(".")[2]
    if topic.startswith("orderbook."):
        kind = {"snapshot": "snapshot", "delta": "diff"}.get(str(said.get("type")), "other")
        at = int(said.get("cts", said.get("ts", -1)))
        return [
            Message(
                kind, symbol, at * _MS if at >= 0 else -1, data["b"], data["a"], last_id=int(data["u"]), venue="bybit"
            )
        ]
    if topic.startswith("publicTrade."):
        signs = {"Buy": 1, "Sell": -1}
        return [
            Message("trade", str(row.get("s", symbol)), int(row["T"]) * _MS, [(row["p"], row["v"])],
                    sign=signs.get(row.get("S"), 0), venue="bybit")
            for row in data
        ]  # fmt: skip
    return [Message("other", symbol)]


def _okx(said: dict[str, Any], arg: dict[str, Any], data: list[dict[str, Any]]) -> list[Message]:
    channel, symbol = str(arg.get("channel", "")), str(arg.get("instId", ""))
    out = []
    for row in data:
        at = int(row["ts"]) * _MS
        if channel.startswith("trades"):
            sign = {"buy": 1, "sell": -1}.get(str(row.get("side")), 0)
            out.append(Message("trade", symbol, at, [(row["px"], row["sz"])], sign=sign))
        elif channel.startswith("books"):
            # Every message of the short channels (five levels) is a whole one.
            whole = said.get("action", "snapshot") == "snapshot"
            kind, previous = ("snapshot", -1) if whole else ("diff", int(row.get("prevSeqId", -1)))
            last = int(row.get("seqId", -1))
            out.append(Message(kind, symbol, at, row["bids"], row["asks"], last_id=last, previous_id=previous))
        else:
            out.append(Message("other", symbol))
    return out


def _kraken(said: dict[str, Any], data: list[dict[str, Any]]) -> list[Message]:
    out = []
    for row in data:
        symbol = str(row.get("symbol", ""))
        stamp = row.get("timestamp")
        at = int(np.datetime64(str(stamp).rstrip("Z"), "ns").astype(np.int64)) if stamp else -1
        if said["channel"] == "trade":
            sign = {"buy": 1, "sell": -1}.get(str(row.get("side")), 0)
            out.append(Message("trade", symbol, at, [(row["price"], row["qty"])], sign=sign))
            continue
        bids, asks = ([(level["price"], level["qty"]) for level in row.get(side, ())] for side in ("bids", "asks"))
        kind = "snapshot" if said.get("type") == "snapshot" else "diff"
        out.append(Message(kind, symbol, at, bids, asks, checksum=int(row.get("checksum", -1)), venue="kraken"))
    return out


def _plain(said: dict[str, Any]) -> Message:
    def number(*names: str) -> int:
        return next((int(said[name]) for name in names if said.get(name) is not None), -1)

    kinds = {"snapshot": "snapshot", "snap": "snapshot", "diff": "diff", "delta": "diff", "update": "diff"}
    kind = kinds.get(str(said.get("type", "")).lower())
    if kind is None:
        raise ValueError(f"type is {said.get('type')!r}; it must be snapshot or diff")
    return Message(
        kind, str(said.get("symbol", "")), number("exchange_ts", "ts"), said.get("bids", ()), said.get("asks", ()),
        number("first_id"), number("last_id", "id", "seq"), number("previous_id"), number("checksum"),
    )  # fmt: skip


def _split(line: bytes) -> tuple[int, bytes]:
    if line[:1] in b"{[":
        return -1, line
    stamp, space, body = line.partition(b" ")
    if not space or not stamp.isdigit():
        raise ValueError("the line begins with neither a stamp nor JSON")
    return int(stamp), body


@dataclass
class _Collector:
    """Columns in the making."""

    symbol: str | None
    price_decimals: int
    size_decimals: int
    events: list[tuple[int, ...]] = field(default_factory=list)
    quotes: list[tuple[int, ...]] = field(default_factory=list)
    quote_levels: list[Any] = field(default_factory=list)
    trades: list[tuple[int, int, float, float, int]] = field(default_factory=list)
    levels: list[Any] = field(default_factory=list)
    blocks: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = field(default_factory=list)
    venues: set[str] = field(default_factory=set)
    symbols: dict[str, int] = field(default_factory=dict)
    malformed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: {"lines": 0, "malformed": 0, "other": 0, "other_symbols": 0, "stamped_back": 0}
    )
    now: int = -1
    unnamed: int = 0

    def file(self, path: Path) -> None:
        try:
            raw: Any = path.open("rb")
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            near = closest(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else ""
            raise MissingDataError(
                f"The file {str(path)!r} cannot be read ({error.strerror}){near or '.'} Check the path."
            ) from None
        try:
            with raw:
                lines = _unpacked(gzip.GzipFile(fileobj=raw)) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
                head = next(lines, b"")
                if b"," in head and b"{" not in head:
                    from .depth_csv import rows_of

                    for number, message, stamp in rows_of(head, lines, path.name):
                        self.take(number, stamp, [message])
                        self.counts["lines"] += 1
                    return
                self.lines(head, lines)
        except (EOFError, gzip.BadGzipFile, OSError) as error:
            self.notes.append(f"{path.name} ends in the middle ({error}); what came before was read")

    def lines(self, head: bytes, rest: Iterable[bytes]) -> None:
        from itertools import chain

        import orjson

        for number, line in enumerate(chain([head], rest), 1):
            text = line.strip()
            if not text:
                continue
            self.counts["lines"] += 1
            try:
                stamp, body = _split(text)
                self.take(number, stamp, understood(orjson.loads(body)))
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                self.leave(number, error)

    def leave(self, number: int, error: Exception) -> None:
        self.counts["malformed"] += 1
        if len(self.malformed) < _NAMED:
            self.malformed.append(f"line {number}: {type(error).__name__}: {error}")

    def take(self, number: int, stamp: int, said: list[Message]) -> None:
        for message in said:
            if message.kind == "other":
                self.counts["other"] += 1
                continue
            if not message.symbol:
                self.unnamed += 1
            else:
                self.symbols[message.symbol] = self.symbols.get(message.symbol, 0) + 1
                if self.symbol is not None and message.symbol != self.symbol:
                    self.counts["other_symbols"] += 1
                    continue
            ts = stamp
            if ts < 0:
                ts = message.exchange_ts
                self.counts["without_local_stamp"] = self.counts.get("without_local_stamp", 0) + 1
            if ts < self.now:
                self.counts["stamped_back"] += 1
                ts = self.now
            if message.kind == "quote":
                self.quotes.append((ts, message.exchange_ts, message.last_id, number))
                self.quote_levels += [message.bids[0], message.asks[0]]
            elif message.kind == "trade":
                price, size = float(message.bids[0][0]), float(message.bids[0][1])
                if not (0 < price < float("inf") and 0 < size < float("inf")):
                    raise ValueError(f"a trade of {size} at {price}")
                self.trades.append((ts, message.exchange_ts, price, size, message.sign))
            else:
                self.event(number, ts, message)
            self.now = ts

    def event(self, number: int, ts: int, message: Message) -> None:
        levels = [*message.bids, *message.asks]
        # A level that cannot be read spoils its line, not the block it stands in.
        found = core.level_units(levels, self.price_decimals, self.size_decimals)
        self.blocks.append(found)
        self.events.append(
            (message.kind == "snapshot", ts, message.exchange_ts, message.first_id, message.last_id,
             message.previous_id, message.checksum, number, len(message.bids), len(levels))
        )  # fmt: skip
        if message.venue:
            self.venues.add(message.venue)
        if len(self.blocks) > _BLOCK:
            self.join()

    def join(self) -> None:
        """One block of many, so that memory goes to levels and not to small arrays."""
        self.blocks = [(np.concatenate([b[0] for b in self.blocks]), np.concatenate([b[1] for b in self.blocks]))]

    def feed(self, venue: str | None, names: list[str]) -> DepthFeed:
        if not self.events or (self.symbol is not None and self.symbols and self.symbol not in self.symbols):
            self.refuse(names)
        if self.symbol is None and len(self.symbols) > 1:
            raise InputError(f"{', '.join(names)} holds {', '.join(sorted(self.symbols))}; choose one with symbol=.")
        self.join()
        table = np.array(self.events, np.int64)
        chosen = venue or self.guessed()
        price, size = self.quote_units()
        quotes = np.array(self.quotes, np.int64).reshape(-1, 4)
        trades = self.trades
        snapshot, ts, exchange_ts, first, last, previous, checksum, line, n_bids, n_levels = _columns(table)
        events = DepthEvents(
            snapshot.astype(np.int8), ts, exchange_ts, first, last, previous, checksum, line, n_bids,
            np.concatenate([[0], np.cumsum(n_levels)]).astype(np.int64), *self.blocks[0], self.price_decimals,
            self.size_decimals, self.symbol or next(iter(self.symbols), ""), chosen,
        )  # fmt: skip
        known, stamped, update_id, number = _columns(quotes)
        return DepthFeed(
            events,
            Quotes(known, stamped, update_id, number, price[0::2], size[0::2], price[1::2], size[1::2]),
            Trades(
                np.array([t[0] for t in trades], np.int64), np.array([t[2] for t in trades], np.float64),
                np.array([t[3] for t in trades], np.float64), np.array([t[4] for t in trades], np.int8),
                np.array([t[1] for t in trades], np.int64),
            ),
            self.report(events, len(quotes), venue),
        )  # fmt: skip

    def quote_units(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Units of all quotes at once; where one cannot be read, one by one, without those."""
        try:
            return core.level_units(self.quote_levels, self.price_decimals, self.size_decimals)
        except ValueError:
            rows, levels = self.quotes, self.quote_levels
            self.quotes, self.quote_levels = [], []
        for k, row in enumerate(rows):
            pair = levels[2 * k : 2 * k + 2]
            try:
                core.level_units(pair, self.price_decimals, self.size_decimals)
            except ValueError as error:
                self.leave(row[3], error)
            else:
                self.quotes.append(row)
                self.quote_levels += pair
        return core.level_units(self.quote_levels, self.price_decimals, self.size_decimals)

    def guessed(self) -> str:
        if len(self.venues) > 1:
            raise InputError(f"The lines look like {' and '.join(sorted(self.venues))}; choose the rules with venue=.")
        return next(iter(self.venues), "generic")

    def refuse(self, names: list[str]) -> None:
        if self.symbol is not None and self.symbols and self.symbol not in self.symbols:
            raise InputError(
                f"symbol is {self.symbol!r}{closest(self.symbol, self.symbols)}; {', '.join(names)} holds "
                f"{', '.join(sorted(self.symbols))}."
            )
        first = f" The first: {self.malformed[0]}." if self.malformed else ""
        raise MissingDataError(
            f"{', '.join(names)} holds no snapshot and no difference of an order book ({self.counts['lines']} lines, "
            f"{self.counts['malformed']} that cannot be read).{first} 'tradewright book replay --help' names the forms."
        )

    def report(self, events: DepthEvents, n_quotes: int, venue: str | None) -> Mapping[str, Any]:
        notes = list(self.notes)
        missing = self.counts.pop("without_local_stamp", 0)
        if missing:
            notes.append(
                f"{missing} messages have no local receive stamp; the venue's stamp is taken as the time known"
            )
        if self.unnamed and self.symbol is not None:
            notes.append(f"{self.unnamed} messages name no symbol and were taken for {self.symbol}")
        lag = events.ts - events.exchange_ts
        known = events.exchange_ts >= 0
        return {
            **self.counts,
            "snapshots": int(events.snapshot.sum()),
            "diffs": int(len(events) - events.snapshot.sum()),
            "quotes": n_quotes,
            "trades": len(self.trades),
            "malformed_lines": self.malformed,
            "symbol": events.symbol,
            "venue": events.venue,
            "venue_from": "the caller" if venue else "the form of the lines",
            "sequence_rule": VENUES[events.venue],
            "price_tick": None if np.isnan(events.price_tick) else events.price_tick,
            "median_local_minus_exchange_s": float(np.median(lag[known])) / 1e9
            if known.any() and not missing
            else None,
            "notes": notes,
        }


def _unpacked(packed: gzip.GzipFile) -> Iterator[bytes]:
    """Lines of a packed file; of one that ends in the middle, all whole lines before it is an error."""
    rest = b""
    while chunk := packed.read1(1 << 18):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _columns(table: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    return [np.ascontiguousarray(table[:, k]) for k in range(table.shape[1])]


def one_event(message: Message, ts: int, price_decimals: int, size_decimals: int, line: int = 0) -> DepthEvent:
    """The event of a message of kind ``snapshot`` or ``diff``.

    Parameters
    ----------
    message : Message
    ts : int
        Local stamp; with -1 the venue's is taken.
    price_decimals, size_decimals : int
    line : int

    Returns
    -------
    DepthEvent

    Raises
    ------
    ValueError
        If a price or size cannot be kept exactly at these decimals.

    Examples
    --------
    >>> line = '5 {"e":"depthUpdate","E":1,"s":"AB","U":10,"u":12,"b":[["9.9","1"]],"a":[]}'
    >>> stamp, (message,) = next(messages([line]))
    >>> one_event(message, stamp, 2, 0).price.tolist()
    [990]
    """
    price, size = core.level_units([*message.bids, *message.asks], price_decimals, size_decimals)
    return DepthEvent(
        message.kind == "snapshot", price, size, len(message.bids), ts if ts >= 0 else message.exchange_ts,
        message.exchange_ts, message.first_id, message.last_id, message.previous_id, message.checksum, line,
    )  # fmt: skip
