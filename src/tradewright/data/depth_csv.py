"""Order books in CSV: one level a row, or one snapshot of N levels a row.

Entry point: `rows_of`.

Invariants: rows of one event stand together; the time of a row is its ``local_timestamp`` where it has one. Units of
stamps (seconds to nanoseconds) are told by their size.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from typing import Any

from ..domain.errors import InputError
from .depth import Message

__all__ = ["rows_of", "unix_ns"]

_NAMES = {
    "ts": ("timestamp", "ts", "time", "exchange_timestamp"),
    "local": ("local_timestamp", "recv", "received"),
    "side": ("side",),
    "price": ("price",),
    "size": ("qty", "size", "amount", "quantity", "volume"),
    "first": ("first_update_id", "first_id"),
    "last": ("last_update_id", "last_id", "update_id"),
    "previous": ("pu", "previous_id"),
    "kind": ("update_type", "type", "is_snapshot"),
    "symbol": ("symbol",),
}
_SNAPSHOT = {"snap", "snapshot", "true", "1"}
_BID = {"b", "bid", "bids", "buy"}
_ASK = {"a", "ask", "asks", "sell"}


def unix_ns(text: str) -> int:
    """Unix time in seconds, milli-, micro- or nanoseconds, told by its size, as nanoseconds.

    Examples
    --------
    >>> unix_ns("1598918403696000"), unix_ns("1667346579146")
    (1598918403696000000, 1667346579146000000)
    """
    value = int(text)
    for scale in (1_000_000_000, 1_000_000, 1_000):
        if abs(value) * scale < 10_000_000_000_000_000_000:
            return value * scale
    return value


def rows_of(head: bytes, rest: Iterable[bytes], name: str) -> Iterator[tuple[int, Message, int]]:
    """Events of a file: number of the line, what it says, and its local stamp (-1 without one)."""
    reader = csv.reader(line.decode("utf-8-sig", "replace") for line in chain([head], rest))
    header = [cell.strip().lower() for cell in next(reader)]
    if any(re.fullmatch(r"(asks|bids)\[\d+\]\.price", cell) for cell in header):
        yield from _wide(header, reader)
        return
    at = {key: next((header.index(n) for n in names if n in header), None) for key, names in _NAMES.items()}
    missing = [key for key in ("ts", "side", "price", "size") if at[key] is None]
    if missing:
        raise InputError(f"{name} has the columns {', '.join(header[:12])}; a book also needs {', '.join(missing)}.")
    yield from _long(at, reader)


def _wide(header: list[str], reader: Iterator[list[str]]) -> Iterator[tuple[int, Message, int]]:
    find = {cell: k for k, cell in enumerate(header)}
    sides: dict[str, list[tuple[int, int]]] = {"bids": [], "asks": []}
    for side, columns in sides.items():
        k = 0
        while f"{side}[{k}].price" in find:
            columns.append((find[f"{side}[{k}].price"], find[f"{side}[{k}].amount"]))
            k += 1
    for number, row in enumerate(reader, 2):
        bids, asks = ([(row[p], row[q]) for p, q in sides[s] if row[p] and row[q]] for s in ("bids", "asks"))
        symbol = row[find["symbol"]] if "symbol" in find else ""
        local = unix_ns(row[find["local_timestamp"]]) if "local_timestamp" in find else -1
        yield number, Message("snapshot", symbol, unix_ns(row[find["timestamp"]]), bids, asks), local


def _long(at: dict[str, int | None], reader: Iterator[list[str]]) -> Iterator[tuple[int, Message, int]]:
    def cell(row: list[str], key: str, default: str = "-1") -> str:
        k = at[key]
        return default if k is None or k >= len(row) or row[k] == "" else row[k].strip()

    def event(item: tuple[int, list[str]]) -> tuple[Any, ...]:
        row = item[1]
        stamps = (cell(row, "local"),) if at["local"] is not None else (cell(row, "ts"),)
        return (*stamps, cell(row, "last"), cell(row, "kind", "").lower() in _SNAPSHOT, cell(row, "symbol", ""))

    for (*_, last, snapshot, symbol), group in groupby(enumerate((r for r in reader if r), 2), key=event):
        rows = list(group)
        number, head = rows[0]
        sides: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
        for line, row in rows:
            side = cell(row, "side", "").lower()
            if side not in _BID | _ASK:
                raise InputError(f"The side in line {line} is {side!r}; it must be b, bid, buy or a, ask, sell.")
            sides[side in _BID].append((cell(row, "price", ""), cell(row, "size", "")))
        local = unix_ns(cell(head, "local")) if at["local"] is not None else -1
        previous = int(cell(head, "previous"))
        first = int(cell(head, "first"))
        venue = "binance_usdm" if at["previous"] is not None else ""
        yield (
            number,
            Message("snapshot" if snapshot else "diff", symbol, unix_ns(cell(head, "ts")), sides[True], sides[False],
                    first, int(last), previous, venue=venue),
            local,
        )  # fmt: skip
