"""The catalogue of a store in a folder: a DuckDB file that says which series there are and which parts hold them.

Entry points: `Catalogue`, `Snapshot`.

One process writes at a time: whoever has the file open for writing holds DuckDB's lock on it, from before it compares
new rows with those that are there until its transaction is committed; others try again for a while. Readers hold a
shared lock for the milliseconds of a look-up, not while they read parts.

What is safe when a process dies at any moment: parts are written (and flushed) before the transaction that names them,
and a note in ``pending`` says which ones before they are written. So the catalogue names whole parts only, and the next
writer deletes those of the note that no catalogue names.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from ...domain.actions import ActionKind, CorporateAction
from ...domain.errors import ConfigError, DataProviderError
from ...domain.events import Finding, Severity
from ...domain.series import SeriesInfo, SeriesKey
from .parts import Part, duckdb_module, is_interrupt
from .rows import Entry, Facts, instrument_from, instrument_to

__all__ = ["Catalogue", "Snapshot"]

VERSION: Final = 2
FILE: Final = "catalogue.duckdb"

_SCHEMA: Final = """
CREATE TABLE meta (name VARCHAR, value BIGINT);
CREATE TABLE series (
    number INTEGER, source VARCHAR, interval_ns BIGINT, symbol VARCHAR, instrument VARCHAR, adjusted VARCHAR,
    licence VARCHAR, origin VARCHAR, synthetic BOOLEAN, n_bars BIGINT, first BIGINT, last BIGINT, restated BIGINT,
    content_hash VARCHAR);
CREATE TABLE revisions (number INTEGER, known BIGINT);
CREATE TABLE notes (number INTEGER, known BIGINT, note VARCHAR);
CREATE TABLE parts (
    place VARCHAR, number INTEGER, n_rows BIGINT, first BIGINT, last BIGINT, known_first BIGINT, known_last BIGINT,
    n_bytes BIGINT, sha256 VARCHAR);
CREATE TABLE actions (
    symbol VARCHAR, source VARCHAR, ts BIGINT, kind VARCHAR, value DOUBLE, new_symbol VARCHAR, instrument VARCHAR,
    known BIGINT, cash DOUBLE DEFAULT 0, price DOUBLE DEFAULT 0);
CREATE TABLE quarantine (
    source VARCHAR, interval_ns BIGINT, symbol VARCHAR, rule VARCHAR, severity VARCHAR, message VARCHAR, place BIGINT,
    ts BIGINT, value DOUBLE, done VARCHAR);
"""

_SERIES: Final = (
    "SELECT s.number, s.source, s.interval_ns, s.symbol, s.instrument, s.adjusted, s.licence, s.origin, s.synthetic, "
    "s.n_bars, s.first, s.last, s.restated, s.content_hash FROM series s ORDER BY s.symbol, s.interval_ns, s.source"
)
_PART: Final = ", ".join(item.name for item in fields(Part))

_GATES: dict[str, threading.RLock] = {}
_GATES_GUARD: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a reader needs of the catalogue, taken at one moment.

    Parameters
    ----------
    entries : tuple of Entry
        Chosen series.
    parts : tuple of Part
        All parts of theirs.
    actions : tuple of (int, CorporateAction)
        Corporate actions of their instruments, and when each was learnt.
    """

    entries: tuple[Entry, ...]
    parts: tuple[Part, ...] = ()
    actions: tuple[tuple[int, CorporateAction], ...] = field(default=())


class Catalogue:
    """The DuckDB file of a store.

    Parameters
    ----------
    folder : Path
        The store.
    timeout : float
        Seconds that a process waits for others before it gives up.
    """

    def __init__(self, folder: Path, *, timeout: float = 30.0) -> None:
        self.folder, self.timeout = folder, timeout
        self.path = folder / FILE
        with _GATES_GUARD:
            # Two connections of one process to one file must be of one kind, so they take turns.
            self._gate = _GATES.setdefault(str(self.path.absolute()), threading.RLock())

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Connection for look-ups; None when the store has never been written to."""
        if not self.path.exists():
            yield None
            return
        with self._gate:
            connection = self._open(read_only=True)
            try:
                yield None if self._checked(connection) is None else connection
            finally:
                connection.close()

    @contextmanager
    def writing(self, *, timeout: float | None = None) -> Iterator[Any]:
        """Connection inside a transaction, alone among all processes; committed at the end, undone by an error."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"The store {self.folder} cannot be made ({error.strerror}); choose another folder (--store PATH)."
            ) from None
        with self._gate:
            connection = self._open(read_only=False, timeout=timeout)
            try:
                self._prepare(connection)
                self._sweep(connection)
                connection.execute("BEGIN")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException as error:
                    with suppress(Exception):
                        connection.execute("ROLLBACK")
                    if is_interrupt(error):
                        raise KeyboardInterrupt from error
                    raise
            finally:
                connection.close()

    def announce(self, places: Sequence[str]) -> Path:
        """Say which files are about to come or to go, so that a later writer can tidy up after a sudden death.

        Returns
        -------
        Path
            The note; to be deleted when all of it is done, and left where it is after an error.
        """
        folder = self.folder / "pending"
        folder.mkdir(exist_ok=True)
        note = folder / f"{uuid.uuid4().hex}.json"
        temporary = note.with_suffix(".tmp")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(list(places), file)
            file.flush()
            os.fsync(file.fileno())
        return temporary.replace(note)

    def _open(self, *, read_only: bool, timeout: float | None = None) -> Any:
        from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

        duckdb = duckdb_module()
        wait = self.timeout if timeout is None else timeout
        tries = Retrying(
            retry=retry_if_exception(_is_lock),
            stop=stop_after_delay(wait),
            wait=wait_random_exponential(multiplier=0.005, max=0.2),
            reraise=True,
        )
        try:
            return tries(duckdb.connect, str(self.path), read_only=read_only, config={"threads": 1})
        except duckdb.Error as error:
            text = str(error).splitlines()[0]
            if _is_lock(error):
                raise DataProviderError(
                    f"The store {self.folder} is in use by another process for more than {wait:g} s ({text}); try "
                    "again when it is done."
                ) from None
            raise DataProviderError(
                f"The catalogue {self.path} cannot be opened: {text}. Put it back from a backup, or import into "
                "another folder (--store PATH)."
            ) from None

    def _prepare(self, connection: Any) -> None:
        found = self._checked(connection)
        if found is None:
            connection.execute("BEGIN")
            connection.execute(_SCHEMA)
            connection.execute("INSERT INTO meta VALUES ('version', ?), ('next', 0)", [VERSION])
            connection.execute("COMMIT")
        elif found == 1:
            # Layout 2: what spin-offs and mergers pay beside new shares. Rows of layout 1 have none of it.
            connection.execute("BEGIN")
            for name in ("cash", "price"):
                connection.execute(f"ALTER TABLE actions ADD COLUMN IF NOT EXISTS {name} DOUBLE DEFAULT 0")
            connection.execute("UPDATE meta SET value = ? WHERE name = 'version'", [VERSION])
            connection.execute("COMMIT")

    def _checked(self, connection: Any) -> int | None:
        version = _version(connection)
        if version is not None and version > VERSION:
            raise ConfigError(
                f"The store {self.folder} was written by a later tradewright (layout {version}; this one knows "
                f"{VERSION}); upgrade, or choose another folder (--store PATH)."
            )
        return version

    def _sweep(self, connection: Any) -> None:
        """Delete what writers that died left behind."""
        folder = self.folder / "pending"
        notes = [*folder.glob("*.json"), *folder.glob("*.tmp")] if folder.is_dir() else []
        for note in notes:
            places: list[str] = []
            if note.suffix == ".json":
                with suppress(ValueError):
                    places = json.loads(note.read_text(encoding="utf-8"))
            known = {
                place
                for (place,) in connection.execute(
                    "SELECT place FROM parts WHERE place IN (SELECT unnest(?))", [places or [""]]
                ).fetchall()
            }
            for place in places:
                if place not in known:
                    discard(self.folder, place)
            note.unlink(missing_ok=True)


def discard(folder: Path, place: str) -> None:
    """Delete a part, its temporary file, and folders that are empty then."""
    path = folder / place
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".tmp").unlink(missing_ok=True)
    with suppress(OSError):
        for parent in list(path.parents)[:3]:
            parent.rmdir()


def series_of(connection: Any) -> list[Entry]:
    """Every series, without its revisions and notes."""
    return [
        Entry(
            number=row[0],
            instrument=instrument_from(json.loads(row[4])),
            info=SeriesInfo(
                key=SeriesKey(row[3], row[2], row[1]),
                adjusted=row[5],
                licence=row[6],
                origin=row[7],
                synthetic=row[8],
                n_bars=row[9],
                first=row[10],
                last=row[11],
                restated=row[12],
                content_hash=row[13],
                revisions=(),
            ),
        )
        for row in connection.execute(_SERIES).fetchall()
    ]


def completed(connection: Any, entries: Sequence[Entry]) -> list[Entry]:
    """The same series with their revisions, notes and number of rejected rows."""
    from dataclasses import replace

    numbers = [entry.number for entry in entries] or [-1]
    revisions: dict[int, set[int]] = {number: set() for number in numbers}
    notes: dict[int, list[tuple[int, str]]] = {number: [] for number in numbers}
    inside = "WHERE number IN (SELECT unnest(?))"
    for number, known in connection.execute(f"SELECT number, known FROM revisions {inside}", [numbers]).fetchall():
        revisions[number].add(known)
    for number, known, note in connection.execute(
        f"SELECT number, known, note FROM notes {inside} ORDER BY known, rowid", [numbers]
    ).fetchall():
        notes[number].append((known, note))
    for number, known in connection.execute(
        "SELECT s.number, a.known FROM actions a JOIN series s ON a.symbol = s.symbol AND a.source = s.source "
        "WHERE s.number IN (SELECT unnest(?))", [numbers]
    ).fetchall():  # fmt: skip
        revisions[number].add(known)
    rejected = dict(
        connection.execute(
            "SELECT s.number, count(*) FROM quarantine q JOIN series s ON q.symbol = s.symbol AND q.source = s.source "
            "AND q.interval_ns = s.interval_ns WHERE s.number IN (SELECT unnest(?)) GROUP BY s.number", [numbers]
        ).fetchall()
    )  # fmt: skip
    return [
        replace(
            entry,
            notes=tuple(notes[entry.number]),
            info=replace(
                entry.info,
                revisions=tuple(sorted(revisions[entry.number])),
                rejected=rejected.get(entry.number, 0),
            ),
        )
        for entry in entries
    ]


def parts_of(connection: Any, numbers: Sequence[int] | None = None) -> list[Part]:
    """Parts of some series, or all."""
    if numbers is None:
        found = connection.execute(f"SELECT {_PART} FROM parts ORDER BY place").fetchall()
    else:
        found = connection.execute(
            f"SELECT {_PART} FROM parts WHERE number IN (SELECT unnest(?)) ORDER BY number, first, known_first, place",
            [list(numbers) or [-1]],
        ).fetchall()
    return [Part(*row) for row in found]


def actions_of(connection: Any, pairs: Sequence[tuple[str, str | None]]) -> list[tuple[int, CorporateAction]]:
    """Reports of corporate actions of (symbol, source) pairs; a source of None is any."""
    wanted = set(pairs)
    symbols = sorted({symbol for symbol, _ in pairs})
    out: list[tuple[int, CorporateAction]] = []
    # A store of layout 1 that nobody has written to since has neither column; its actions have neither number.
    layout = _version(connection)
    more = "0.0, 0.0" if layout == 1 else "cash, price"
    for symbol, source, ts, kind, value, new_symbol, instrument, known, cash, price in connection.execute(
        f"SELECT symbol, source, ts, kind, value, new_symbol, instrument, known, {more} FROM actions "
        "WHERE symbol IN (SELECT unnest(?)) ORDER BY known, rowid", [symbols or [""]]
    ).fetchall():  # fmt: skip
        if (symbol, source) in wanted or (symbol, None) in wanted:
            action = CorporateAction(
                ts=ts, instrument=instrument_from(json.loads(instrument)), kind=ActionKind(kind), value=value,
                new_symbol=new_symbol, cash=cash, price=price,
            )  # fmt: skip
            out.append((known, action))
    return out


def add_actions(connection: Any, source: str, told: Sequence[tuple[int, CorporateAction]]) -> None:
    """Write reports of corporate actions."""
    if told:
        connection.executemany(
            "INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (a.instrument.id, source, a.ts, str(a.kind), a.value, a.new_symbol,
                 json.dumps(instrument_to(a.instrument)), known, a.cash, a.price)
                for known, a in told
            ],
        )  # fmt: skip


def add_series(connection: Any, key: SeriesKey, facts: Facts) -> int:
    """Number of a new series; a number is never used again."""
    (number,) = connection.execute("SELECT value FROM meta WHERE name = 'next'").fetchall()[0]
    connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'next'")
    connection.execute(
        "INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, '')",
        [number, key.source, key.interval_ns, key.symbol, json.dumps(instrument_to(facts.instrument)), facts.adjusted,
         facts.licence, facts.origin, facts.synthetic],
    )  # fmt: skip
    return int(number)


def add_parts(connection: Any, parts: Sequence[Part]) -> None:
    """Name parts."""
    if parts:
        connection.executemany(
            f"INSERT INTO parts VALUES ({', '.join('?' * len(fields(Part)))})",
            [tuple(getattr(part, item.name) for item in fields(Part)) for part in parts],
        )


def drop_parts(connection: Any, places: Sequence[str]) -> None:
    """Forget parts."""
    connection.execute("DELETE FROM parts WHERE place IN (SELECT unnest(?))", [list(places) or [""]])


def forget_hashes(connection: Any, numbers: Sequence[int]) -> None:
    """Content hashes of some series are to be worked out anew."""
    connection.execute(
        "UPDATE series SET content_hash = '' WHERE number IN (SELECT unnest(?))", [list(numbers) or [-1]]
    )


def add_findings(connection: Any, key: SeriesKey, findings: Sequence[Finding]) -> None:
    """Keep errors of rows that were not stored; those that are there already are left out."""
    there = set(findings_of(connection, [key.symbol], key=key))
    fresh = [finding for finding in dict.fromkeys(findings) if finding not in there]
    if fresh:
        connection.executemany(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (key.source, key.interval_ns, key.symbol, f.rule, str(f.severity), f.message, f.row, f.ts, f.value,
                 f.action)
                for f in fresh
            ],
        )  # fmt: skip


def findings_of(connection: Any, symbols: Sequence[str] | None, *, key: SeriesKey | None = None) -> list[Finding]:
    """Quarantine of some symbols, or of one series."""
    where, values = "", []
    if key is not None:
        where = "WHERE symbol = ? AND source = ? AND interval_ns = ?"
        values = [key.symbol, key.source, key.interval_ns]
    elif symbols is not None:
        where, values = "WHERE symbol IN (SELECT unnest(?))", [list(symbols) or [""]]
    return [
        Finding(
            rule=rule, severity=Severity(severity), message=message, symbol=symbol, row=row, ts=ts, value=value,
            action=action,
        )
        for symbol, rule, severity, message, row, ts, value, action in connection.execute(
            "SELECT symbol, rule, severity, message, place, ts, value, done FROM quarantine "
            f"{where} ORDER BY symbol, interval_ns, source, rowid", values
        ).fetchall()
    ]  # fmt: skip


def _version(connection: Any) -> int | None:
    """Layout of the tables; None where a process died before there were any."""
    try:
        found = connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchall()
    except duckdb_module().CatalogException:
        return None
    return int(found[0][0])


def _is_lock(error: BaseException) -> bool:
    text = str(error)
    return "lock" in text.lower() and "catalogue" in text
