"""The files of a store: immutable Parquet parts, each with the rows of a series that one write or compaction left.

Entry points: `Part`, `write_part`, `read_rows`, `check_part`, `place_of`.

A part lies at ``parts/SOURCE/INTERVAL/SYMBOL/NAME.parquet`` and holds the columns series (its number in the catalogue),
ts, known (int64 nanoseconds UTC), open, high, low, close, volume, by ts and known; its key-value metadata names symbol,
interval and source, so a part can be read by anybody without the catalogue.

Invariants: a part is written under a temporary name, flushed to the disk and renamed, so a name that ends in
``.parquet`` is a whole file; it is never changed afterwards, and its SHA-256 is known.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np

from ...domain.bars import utc
from ...domain.errors import ConfigError, DataProviderError
from ...domain.series import SeriesKey
from ..intervals import interval_name
from .rows import FIELDS, FIRST_NS, LAST_NS, Rows

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Part",
    "check_part",
    "count_stamps",
    "duckdb_module",
    "is_interrupt",
    "place_of",
    "read_rows",
    "stamps_of",
    "write_part",
]

ROW_GROUP: Final = 61_440
"""Rows that are read or skipped together: a slice of time touches few of them."""

_LONGEST_NAME: Final = 120
_COLUMNS: Final = ("ts", "known", *FIELDS)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a series.

    Parameters
    ----------
    place : str
        Path below the store, with slashes.
    number : int
        Series in the catalogue.
    n_rows : int
    first, last : int
        Stamps it spans, ns UTC.
    known_first, known_last : int
        When its rows became known.
    n_bytes : int
    sha256 : str
        Hex.
    """

    place: str
    number: int
    n_rows: int
    first: int
    last: int
    known_first: int
    known_last: int
    n_bytes: int
    sha256: str


def duckdb_module() -> Any:
    """Import the library that reads and writes parts.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise ConfigError("A store of Parquet files needs DuckDB: `pip install tradewright[data]`.") from None
    return duckdb


def is_interrupt(error: BaseException) -> bool:
    """Whether an error of DuckDB is Ctrl-C in disguise.

    Examples
    --------
    >>> is_interrupt(ValueError("KeyboardInterrupt: ")), is_interrupt(ValueError("x"))
    (True, False)
    """
    return type(error).__name__ == "InterruptException" or "KeyboardInterrupt" in str(error)


def place_of(key: SeriesKey, first: int) -> str:
    """Name for a new part of a series, unlike all others.

    Examples
    --------
    >>> place = place_of(SeriesKey("BTC/USDT", 60_000_000_000, "binance"), 0)
    >>> place.rpartition("/")[0], place.rpartition("/")[2][:11]
    ('parts/binance/1min/BTC%2FUSDT', '1970-01-01_')
    """
    name = f"{utc(first):%Y-%m-%d}_{uuid.uuid4().hex[:16]}.parquet"
    return "/".join(("parts", _folder(key.source), interval_name(key.interval_ns), _folder(key.symbol), name))


def _folder(text: str) -> str:
    name = quote(text, safe="-_^=@+ ")
    if name.startswith(".") or name != name.strip():
        name = "%2E" + name[1:] if name.startswith(".") else quote(text, safe="")
    if len(name) > _LONGEST_NAME:
        name = f"{name[:90]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return name


def write_part(connection: Any, folder: Path, place: str, key: SeriesKey, number: int, rows: Rows) -> Part:
    """Write rows of one series as a part, whole or not at all.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of a database in memory.
    folder : Path
        The store.
    place : str
        As `place_of` gave it.
    key, number
        Of the series.
    rows : Rows
        By stamp and ``known``; at least one.
    """
    target = folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".tmp")
    columns: dict[str, Any] = {
        "series": np.full(rows.size, number, dtype=np.int32),
        "ts": np.ascontiguousarray(rows.ts),
        "known": np.ascontiguousarray(rows.known),
    }
    columns |= {name: np.ascontiguousarray(rows.values[:, i]) for i, name in enumerate(FIELDS)}
    told = {"symbol": key.symbol, "interval": interval_name(key.interval_ns), "source": key.source, "stamps": "ns UTC"}
    words = ", ".join(f"{name}: {_literal(text)}" for name, text in told.items())
    connection.register("new_rows", columns)
    try:
        connection.execute(
            f"COPY (SELECT * FROM new_rows) TO {_literal(str(temporary))} (FORMAT parquet, COMPRESSION zstd, "
            f"ROW_GROUP_SIZE {ROW_GROUP}, KV_METADATA {{{words}}})"
        )
    finally:
        connection.unregister("new_rows")
    digest = _digest(temporary)
    n_bytes = temporary.stat().st_size
    _flush(temporary)
    temporary.replace(target)
    _flush(target.parent)
    return Part(
        place, number, rows.size, int(rows.ts[0]), int(rows.ts[-1]), int(rows.known.min()), int(rows.known.max()),
        n_bytes, digest,
    )  # fmt: skip


def check_part(folder: Path, part: Part) -> str:
    """What is wrong with a part: nothing (empty text), or that it is missing, cut off or changed.

    Examples
    --------
    >>> check_part(Path("nowhere"), Part("parts/x.parquet", 0, 1, 0, 0, 0, 0, 10, ""))
    'missing'
    """
    path = folder / part.place
    try:
        size = path.stat().st_size
    except OSError:
        return "missing"
    if size != part.n_bytes:
        return f"{size} bytes long instead of {part.n_bytes}"
    try:
        return "" if _digest(path) == part.sha256 else "changed (its SHA-256 is not the one that was written)"
    except OSError as error:
        return f"unreadable ({error.strerror})"


def read_rows(
    connection: Any,
    folder: Path,
    parts: Sequence[Part],
    low: int | None = None,
    high: int | None = None,
    as_of: int | None = None,
) -> dict[int, Rows]:
    """Rows of parts, by the number of their series, by stamp and ``known``: one query over all files.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of a database in memory.
    folder : Path
        The store.
    parts : sequence of Part
        Of any number of series.
    low, high : int or None
        Stamps, both included.
    as_of : int or None
        Rows that became known later are left out.

    Raises
    ------
    duckdb.Error
        If a file is missing or broken.
    """
    chosen = sorted(_overlapping(parts, low, high, as_of), key=lambda part: (part.number, part.first, part.known_first))
    if not chosen:
        return {}
    query, values = _filtered(f"SELECT series, {', '.join(_COLUMNS)}", folder, chosen, low, high, as_of)
    found = connection.execute(query, values).fetchnumpy()
    numbers = found["series"]
    if not numbers.size:
        return {}
    # The files are in the order of their series, and rows come in the order of files.
    edges = np.flatnonzero(np.diff(numbers)) + 1
    starts, ends = np.concatenate([[0], edges]), np.append(edges, numbers.size)
    ts, known = _plain(found["ts"]), _plain(found["known"])
    values_of = np.column_stack([_plain(found[name]) for name in FIELDS])
    out: dict[int, Rows] = {}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        rows = Rows(ts[start:end], known[start:end], values_of[start:end])
        if not bool((rows.ts[1:] > rows.ts[:-1]).all()):
            rows = rows.take(np.lexsort((rows.known, rows.ts)))
        out[int(numbers[start])] = rows
    return out


def stamps_of(
    connection: Any, folder: Path, parts: Sequence[Part], low: int | None, high: int | None, as_of: int | None
) -> npt.NDArray[np.int64]:
    """Every different stamp of some parts, ascending."""
    chosen = _overlapping(parts, low, high, as_of)
    if not chosen:
        return np.zeros(0, dtype=np.int64)
    query, values = _filtered("SELECT DISTINCT ts", folder, chosen, low, high, as_of)
    found: npt.NDArray[np.int64] = _plain(connection.execute(f"{query} ORDER BY ts", values).fetchnumpy()["ts"])
    return found


def count_stamps(connection: Any, folder: Path, parts: Sequence[Part], low: int, high: int) -> int:
    """How many different stamps lie in a range, both ends included."""
    chosen = _overlapping(parts, low, high, None)
    if not chosen:
        return 0
    query, values = _filtered("SELECT count(DISTINCT ts)", folder, chosen, low, high, None)
    return int(connection.execute(query, values).fetchall()[0][0])


def last_stamp(connection: Any, folder: Path, parts: Sequence[Part], high: int, as_of: int | None) -> int | None:
    """Last stamp at or before `high`; None when there is none."""
    chosen = _overlapping(parts, None, high, as_of)
    if not chosen:
        return None
    query, values = _filtered("SELECT max(ts)", folder, chosen, None, high, as_of)
    found = connection.execute(query, values).fetchall()[0][0]
    return None if found is None else int(found)


def broken(folder: Path, parts: Sequence[Part]) -> DataProviderError | None:
    """Error that names the first part that is not as it was written; None when all are."""
    for part in parts:
        fault = check_part(folder, part)
        if fault:
            return DataProviderError(
                f"The part {part.place} of the store {folder} is {fault}: {part.n_rows} rows from "
                f"{utc(part.first):%Y-%m-%d} to {utc(part.last):%Y-%m-%d}. Put it back from a backup, or remove the "
                "series and import it again (data remove, data import); 'data verify-store' lists all such parts."
            )
    return None


def orphans(folder: Path, known: set[str]) -> Iterator[Path]:
    """Files below ``parts`` that no catalogue knows."""
    root = folder / "parts"
    for base, _, names in os.walk(root):
        for name in names:
            path = Path(base) / name
            if path.relative_to(folder).as_posix() not in known:
                yield path


def _overlapping(parts: Sequence[Part], low: int | None, high: int | None, as_of: int | None) -> list[Part]:
    first, last = FIRST_NS if low is None else low, LAST_NS if high is None else high
    latest = LAST_NS if as_of is None else as_of
    return [part for part in parts if part.last >= first and part.first <= last and part.known_first <= latest]


def _filtered(
    select: str, folder: Path, parts: Sequence[Part], low: int | None, high: int | None, as_of: int | None
) -> tuple[str, list[Any]]:
    """Query over parts with the bounds that some part does not lie within anyway."""
    bounds = [
        ("ts >= ?", low, low is not None and any(part.first < low for part in parts)),
        ("ts <= ?", high, high is not None and any(part.last > high for part in parts)),
        ("known <= ?", as_of, as_of is not None and any(part.known_last > as_of for part in parts)),
    ]
    where = " AND ".join(text for text, _, needed in bounds if needed)
    values = [[str(folder / part.place) for part in parts], *(value for _, value, needed in bounds if needed)]
    return f"{select} FROM read_parquet(?){' WHERE ' + where if where else ''}", values


def _plain(column: Any) -> Any:
    """Column without a mask: DuckDB masks NULL, which no part holds."""
    return column.filled(np.nan) if isinstance(column, np.ma.MaskedArray) else column


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # a folder cannot be opened on every system
        return
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():
            raise
    finally:
        os.close(handle)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
