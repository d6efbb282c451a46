"""Reads trades: raw feeds of venues, and CSV files.

Entry point: `read_trades`.

Invariants: a trade is known at its local receive stamp where the feed has one, else at the venue's; a row that cannot
be read, or has no positive price and size, is counted and named in the report, never skipped in silence.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..domain.depth import Trades
from ..domain.errors import InputError, MissingDataError, closest

__all__ = ["read_trades"]

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ts": ("timestamp", "ts", "time", "transact_time", "date", "datetime", "t"),
    "local": ("local_timestamp", "recv", "received"),
    "price": ("price", "p"),
    "size": ("size", "qty", "quantity", "amount", "volume", "q"),
    "side": ("side", "sign", "aggressor", "direction"),
    "maker": ("is_buyer_maker", "isbuyermaker", "buyer_maker", "m"),
}
_SIGNS: Final = {"buy": 1, "b": 1, "bid": 1, "1": 1, "+1": 1, "sell": -1, "s": -1, "a": -1, "ask": -1, "-1": -1}
_NAMED: Final = 20


def read_trades(path: str | Path, *, symbol: str | None = None) -> tuple[Trades, dict[str, Any]]:
    r"""Read the trades of a file.

    Parameters
    ----------
    path : path
        Lines of JSON as `read_depth` reads them (other kinds of events are left aside), or CSV with columns for time,
        price and size, and where known ``side`` (buy or sell, of who took liquidity) or ``is_buyer_maker``; times are
        Unix (seconds to nanoseconds) or ISO text in UTC. Either may be compressed with gzip.
    symbol : str, optional
        Which instrument of a feed that has several.

    Returns
    -------
    trades : Trades
        Sorted by the time they became known, ties in the order of the file.
    report : dict
        Rows read, rows left out and why, how many signs are known.

    Raises
    ------
    MissingDataError
        If the file is not there or has no trade.
    InputError
        If a needed column is missing.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "trades.csv"
    ...     _ = file.write_text("time,price,qty,side\n1700000000,100.5,2,buy\n1700000001,100.4,0,sell\n")
    ...     trades, report = read_trades(file)
    >>> trades.signed_size.tolist(), report["left_out"]
    ([2.0], 1)
    """
    file = Path(path)
    try:
        raw = file.read_bytes()
    except OSError as error:
        near = closest(file.name, [p.name for p in file.parent.iterdir()]) if file.parent.is_dir() else ""
        raise MissingDataError(
            f"The file {str(file)!r} cannot be read ({error.strerror}){near or '.'} Check the path."
        ) from None
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (EOFError, OSError) as error:
            raise MissingDataError(f"{file.name} is not whole ({error}); get it again.") from None
    head = raw[:4096].partition(b"\n")[0]
    rows, report = _from_lines(raw, symbol) if b"{" in head else _from_csv(raw, file.name)
    if not rows:
        reasons = f" The first: {report['left_out_rows'][0]}." if report["left_out_rows"] else ""
        raise MissingDataError(f"{file.name} holds no trade that can be read ({report['rows']} rows).{reasons}")
    table = sorted(rows, key=lambda row: row[0])
    trades = Trades(*(np.array([row[k] for row in table]) for k in range(5)))
    report["trades"] = len(trades)
    report["out_of_order"] = int((np.diff([row[0] for row in rows]) < 0).sum())
    report["signs_known"] = int((trades.sign != 0).sum())
    return trades, report


Row = tuple[int, float, float, int, int]


def _from_lines(raw: bytes, symbol: str | None) -> tuple[list[Row], dict[str, Any]]:
    from .depth import messages

    rows: list[Row] = []
    symbols: set[str] = set()
    report: dict[str, Any] = {"rows": 0, "left_out": 0, "left_out_rows": []}
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        report["rows"] += 1
        try:
            stamp, said = next(messages([line]))
            for message in said:
                if message.kind != "trade" or (symbol is not None and message.symbol != symbol):
                    continue
                symbols.add(message.symbol)
                price, size = message.bids[0]
                rows.append(_row(stamp, message.exchange_ts, price, size, message.sign))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            _leave(report, f"line {number}: {error}")
    if len(symbols) > 1:
        raise InputError(f"The file holds trades of {', '.join(sorted(symbols))}; choose one with symbol=.")
    return rows, report


def _from_csv(raw: bytes, name: str) -> tuple[list[Row], dict[str, Any]]:
    reader = csv.reader(raw.decode("utf-8-sig", "replace").splitlines())
    header = [cell.strip().lower() for cell in next(reader, [])]
    at = {key: next((header.index(n) for n in names if n in header), None) for key, names in _NAMES.items()}
    if at["ts"] is None:
        at["ts"] = at["local"]
    missing = [key for key in ("ts", "price", "size") if at[key] is None]
    if missing:
        said = {"ts": "a time", "price": "a price", "size": "a size"}
        raise InputError(
            f"{name} has the columns {', '.join(header[:12])}; trades also need {', '.join(said[m] for m in missing)}."
        )
    rows: list[Row] = []
    report: dict[str, Any] = {"rows": 0, "left_out": 0, "left_out_rows": []}

    def cell(row: list[str], key: str) -> str:
        k = at[key]
        return "" if k is None else row[k].strip()

    for number, row in enumerate(reader, 2):
        if not row:
            continue
        report["rows"] += 1
        try:
            exchange = _stamp(cell(row, "ts"))
            local = _stamp(cell(row, "local")) if at["local"] is not None else -1
            rows.append(
                _row(
                    local, exchange, cell(row, "price"), cell(row, "size"), _sign(cell(row, "side"), cell(row, "maker"))
                )
            )
        except (ValueError, IndexError) as error:
            _leave(report, f"line {number}: {error}")
    return rows, report


def _row(local: int, exchange: int, price: Any, size: Any, sign: int) -> Row:
    p, q = float(price), float(size)
    if not (0 < p < float("inf") and 0 < q < float("inf")):
        raise ValueError(f"a trade of {size} at {price}")
    return (local if local >= 0 else exchange, p, q, sign, exchange)


def _stamp(text: str) -> int:
    from .depth_csv import unix_ns

    try:
        return unix_ns(text)
    except ValueError:
        pass
    try:
        return round(float(text) * 1_000_000) * 1_000 if text.replace(".", "", 1).isdigit() else _iso(text)
    except ValueError:
        raise ValueError(f"the time {text!r} is neither Unix nor ISO") from None


def _iso(text: str) -> int:
    return int(
        np.datetime64(text.strip().removesuffix("Z").removesuffix("+00:00").replace(" ", "T"), "ns").astype(np.int64)
    )


def _sign(side: str, maker: str) -> int:
    if side:
        if side.lower() not in _SIGNS and side != "0":
            raise ValueError(f"the side {side!r} is neither buy nor sell")
        return _SIGNS.get(side.lower(), 0)
    # The buyer was the maker: the seller took liquidity.
    return {"true": -1, "1": -1, "false": 1, "0": 1}.get(maker.lower(), 0)


def _leave(report: dict[str, Any], why: str) -> None:
    report["left_out"] += 1
    if len(report["left_out_rows"]) < _NAMED:
        report["left_out_rows"].append(why)
