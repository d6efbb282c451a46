"""A store of market data in PostgreSQL: several machines share one, and every bar keeps its two times.

Entry points: `PostgresStore`, `has_timescale`. Needs the ``db`` extra (psycopg 3).

All tables live in one schema, made and versioned by `PostgresStore` itself:

| table | what is in it |
|---|---|
| ``series`` | one row a series: key, instrument, what its prices are, counts, content hash |
| ``bars`` | one row a reading of a bar: series, ts, known (ns UTC), open, high, low, close, volume |
| ``revisions``, ``notes`` | when the store learnt something of a series, and what was noted then |
| ``actions``, ``quarantine`` | corporate actions with their two times; rows that were not stored |
| ``prices`` | a view for people: symbol, interval, source and both times as timestamps |

``bars`` is partitioned by year of `ts` (partitions appear when they are needed) with a BRIN index on `ts` and the
primary key (series, ts, known). Where the extension timescaledb can be used it is a hypertable instead; the layout is
chosen once, when the schema is made, and remembered there.

Invariants: a write is one transaction under an advisory lock for each (symbol, source), so a client or server that dies
leaves the old or the new state; a read is one snapshot; no password is in a name, a message or a log.
"""

from __future__ import annotations

import builtins
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from ...domain.actions import CorporateAction
from ...domain.bars import Bars, Instant
from ...domain.errors import ConfigError, DataProviderError, InputError, MissingDataError
from ...domain.events import Finding
from ...domain.series import Appended, SeriesInfo, SeriesKey
from ..intervals import interval_ns
from .postgres_tables import (
    FIRST_NS,
    LAST_NS,
    Change,
    actions_of,
    address_of,
    chosen_of,
    cuts_of,
    entries_of,
    facts_in,
    fresh_of,
    lock,
    may_pass,
    number_of,
    parsed,
    quarantine_of,
    rows_of,
    statements,
    without_secrets,
    write_actions,
    write_changes,
    write_quarantine,
    year_start,
    years_of,
)
from .rows import (
    Entry,
    Rows,
    assembled,
    bounds,
    check_known,
    check_slice,
    compare,
    event_restated,
    facts_of,
    known_now,
    known_of,
    merged_facts,
    needs_sessions,
    newest,
    newest_actions,
    quarantined,
    refuse_restated,
    split,
    unknown_series,
    widened,
)

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]
    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["VERSION", "PostgresStore", "has_timescale"]

VERSION: Final = 2
"""Version of the schema that this code writes."""

Answer = TypeVar("Answer")


def has_timescale(cursor: Cursor) -> bool:
    """Whether the extension timescaledb can be used in a database; created there if that is allowed.

    Parameters
    ----------
    cursor : psycopg.Cursor
        In a transaction.

    Returns
    -------
    bool
        False where it is not installed on the server, or must not be created.
    """
    import psycopg

    if cursor.execute("select 1 from pg_extension where extname = 'timescaledb'").fetchone():
        return True
    if not cursor.execute("select 1 from pg_available_extensions where name = 'timescaledb'").fetchone():
        return False
    try:
        with cursor.connection.transaction():
            cursor.execute("create extension timescaledb")
    except psycopg.Error:
        return False
    return True


class PostgresStore:
    """Market data in PostgreSQL, behind the `tradewright.domain.series.Store` port.

    Parameters
    ----------
    dsn : str
        ``postgresql://user:password@host:port/database`` or ``"host=... dbname=..."``. What is left out comes from the
        usual variables (``PGHOST``, ``PGPASSWORD``, ...) and files of PostgreSQL.
    schema : str, optional
        Schema that holds the tables; made when it is not there. By default what follows a ``#`` at the end of the
        address, else ``tradewright``.
    timescale : callable, optional
        Answers, for a cursor, whether `bars` shall be a hypertable; asked once, when the schema is made. Default
        `has_timescale`.
    patience : float
        Seconds for which a lost connection is tried again before an error.

    Raises
    ------
    ConfigError
        If the address cannot be understood, psycopg is not installed, or the schema is of a newer version.
    DataProviderError
        If the database cannot be reached or refuses.

    Notes
    -----
    `SeriesInfo.content_hash` is computed when `list` first asks for it after a change, and kept. A connection is made
    for each process; threads share it one after another.

    Examples
    --------
    >>> PostgresStore("postgresql://me:pass@word@host/db")
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.ConfigError: The address of the database has a second '@', or a '/', '?' or '#' before ...
    """

    def __init__(
        self,
        dsn: str,
        *,
        schema: str | None = None,
        timescale: Callable[[Cursor], bool] = has_timescale,
        patience: float = 5.0,
    ) -> None:
        self._parameters, self._secrets, named = parsed(dsn)
        schema = schema or named or "tradewright"
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema):
            raise ConfigError(
                f"schema is {schema!r}; it must be small letters, digits and '_', at most 63, no digit first."
            )
        self._schema, self._timescale, self._patience = schema, timescale, patience
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._process = os.getpid()
        self._years: set[int] = set()
        self._hypertable = False
        self._name = address_of(self._parameters, schema)
        with self._lock:
            with self._errors():
                self._connected()
            self._work(self._prepare, prepare=True)

    @property
    def name(self) -> str:
        """Address without the password; opens the same store again where the password comes from elsewhere."""
        return self._name

    @property
    def hypertable(self) -> bool:
        """Whether the bars are in a hypertable of TimescaleDB."""
        return self._hypertable

    def __repr__(self) -> str:
        return f"PostgresStore({self._name!r})"

    # --- the port ---------------------------------------------------------------------------------

    def list(
        self, symbols: Sequence[str] | None = None, *, interval: str | None = None, source: str | None = None
    ) -> tuple[SeriesInfo, ...]:
        """Series there are; see `Store.list`."""
        length = None if interval is None else interval_ns(interval)
        wanted = [symbols] if isinstance(symbols, str) else symbols
        fresh: dict[tuple[int, int], str] = {}

        def look(cursor: Cursor) -> tuple[SeriesInfo, ...]:
            fresh.clear()
            out: builtins.list[SeriesInfo] = []
            for entry, version in entries_of(cursor, wanted, interval=length, source=source):
                info = entry.info
                if not info.content_hash:
                    whole = self._assembled(cursor, [entry], None, None, None)
                    info = replace(info, content_hash=whole.data_hash())
                    fresh[entry.number, version] = info.content_hash
                out.append(info)
            return tuple(out)

        found = self._work(look)
        if fresh:
            self._keep_hashes(fresh)
        return found

    def append(
        self,
        bars: Bars,
        *,
        source: str,
        known: Instant | None = None,
        restate: bool = False,
        findings: Sequence[Finding] = (),
    ) -> tuple[Appended, ...]:
        """Keep bars and their actions, all or nothing; see `Store.append`.

        Raises
        ------
        DataProviderError
            If the database cannot be reached or the connection is lost. The message says whether it is certain that
            nothing was written; writing the same bars again is always safe.
        """
        now = known_now()
        asked = known_of(known, now)
        parts = split(bars, asked)
        for instrument, _ in parts:
            SeriesKey(instrument.id, bars.interval_ns, source)
        bad = quarantined(findings, bars, source)
        self._make_partitions([rows.ts for _, rows in parts])

        def write(cursor: Cursor) -> tuple[Appended, ...]:
            lock(cursor, self._schema, [*(i.id for i, _ in parts), *(key.symbol for key in bad)], source)
            changes, told, done = self._changes(cursor, bars, parts, source, asked, now, known is not None, restate)
            write_changes(cursor, changes)
            write_actions(cursor, source, told)
            write_quarantine(cursor, bad)
            return tuple(done)

        return self._work(write, write=True)

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
        """Bars as they were known; see `Store.read`."""
        low, high, at = bounds(start, end, as_of)
        return self._work(
            lambda cursor: self._assembled(cursor, chosen_of(cursor, symbols, interval, source), low, high, at)
        )

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
        """Read the same bars in parts; see `Store.slices`.

        The parts are of one snapshot, held by a connection of their own until the last part or the end of the iterator.
        """
        check_slice(rows)
        low, high, at = bounds(start, end, as_of)
        return self._sliced(symbols, interval, rows, source, low, high, at)

    def write_actions(self, actions: Sequence[CorporateAction], *, source: str, known: Instant | None = None) -> int:
        """Keep corporate actions; see `Store.write_actions`."""
        now = known_now()
        asked = known_of(known, now)
        symbols = sorted({action.instrument.id for action in actions})

        def write(cursor: Cursor) -> int:
            lock(cursor, self._schema, symbols, source)
            there = actions_of(cursor, symbols, source)
            fresh = fresh_of(there, actions, restate=True)
            last: dict[str, int] = {}
            for entry, _ in entries_of(cursor, symbols, source=source):
                newest_known = max(entry.info.revisions, default=FIRST_NS)
                symbol = entry.info.key.symbol
                last[symbol] = max(newest_known, last.get(symbol, FIRST_NS))
            for instant, action in there:
                last[action.instrument.id] = max(instant, last.get(action.instrument.id, FIRST_NS))
            told = [
                (check_known(action.instrument.id, action.ts if asked is None else asked,
                             last.get(action.instrument.id), given=known is not None), action)
                for action in fresh
            ]  # fmt: skip
            write_actions(cursor, source, told)
            return len(told)

        return self._work(write, write=True) if actions else 0

    def actions(
        self, symbols: Sequence[str], *, source: str | None = None, as_of: Instant | None = None
    ) -> tuple[CorporateAction, ...]:
        """Corporate actions known; see `Store.actions`."""
        at = bounds(None, None, as_of)[2]
        return self._work(lambda cursor: newest_actions(actions_of(cursor, symbols, source), at))

    def quarantine(self, symbols: Sequence[str] | None = None) -> tuple[Finding, ...]:
        """Errors of rows that were not stored; see `Store.quarantine`."""

        def look(cursor: Cursor) -> tuple[Finding, ...]:
            kept = quarantine_of(cursor, symbols)
            return tuple(finding for key in sorted(kept) for finding in kept[key])

        return self._work(look)

    def remove(self, key: SeriesKey) -> None:
        """Forget a series; see `Store.remove`."""

        def write(cursor: Cursor) -> None:
            lock(cursor, self._schema, [key.symbol], key.source)
            number = cursor.execute(
                "delete from series where symbol = %s and interval_ns = %s and source = %s returning number",
                (key.symbol, key.interval_ns, key.source),
            ).fetchone()
            if number is None:
                raise unknown_series(key, [entry.info.key for entry, _ in entries_of(cursor)], self.name)
            cursor.execute("delete from bars where series = %s", number)
            cursor.execute(
                "delete from quarantine where symbol = %s and interval_ns = %s and source = %s",
                (key.symbol, key.interval_ns, key.source),
            )
            cursor.execute(
                "delete from actions a where symbol = %s and source = %s and not exists "
                "(select from series s where s.symbol = a.symbol and s.source = a.source)",
                (key.symbol, key.source),
            )

        self._work(write, write=True)

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    # --- reading ----------------------------------------------------------------------------------

    def _assembled(
        self, cursor: Cursor, entries: Sequence[Entry], low: int | None, high: int | None, at: int | None
    ) -> Bars:
        first, last = widened(entries, low, high)
        rows = rows_of(cursor, [(entry, first, last) for entry in entries], at)
        keys = {(entry.info.key.symbol, entry.info.key.source) for entry in entries}
        sources = {source for _, source in keys}
        known: builtins.list[tuple[int, CorporateAction]] = []
        for source in sorted(sources):
            known += actions_of(cursor, [symbol for symbol, of in keys if of == source], source)
        numbers = [entry.number for entry in entries]

        def before(stamp: int) -> int | None:
            found = cursor.execute(
                "select max(ts) from bars where series = any(%s) and ts < %s and known <= %s",
                (numbers, stamp, LAST_NS if at is None else at),
            ).fetchone()
            return None if found is None or found[0] is None else int(found[0])

        return assembled(
            entries, [newest(part) for part in rows], store=self.name, low=low, high=high, as_of=at,
            actions=newest_actions(known, at), before=before,
        )  # fmt: skip

    def _sliced(
        self,
        symbols: Sequence[str],
        interval: str,
        rows: int,
        source: str | None,
        low: int | None,
        high: int | None,
        at: int | None,
    ) -> Iterator[Bars]:
        with self._errors(), self._connect() as connection, connection.transaction():
            cursor = connection.cursor(binary=True)
            self._begin(cursor, write=False)
            entries = chosen_of(cursor, symbols, interval, source)
            cuts = cuts_of(cursor, entries, rows, low, high, at)
            if len(cuts) < 2:
                yield self._assembled(cursor, entries, low, high, at)
                return
            edges = [low, *cuts[1:]]
            last = None
            for place, first in enumerate(edges):
                end = high if place + 1 == len(edges) else cuts[place + 1] - 1
                try:
                    part = self._assembled(cursor, entries, first, end, at)
                except MissingDataError:
                    # Bars of several markets share a row, so between two cuts there may be stamps but no row.
                    if needs_sessions(entries):
                        continue
                    raise
                if last is not None and part.actions:
                    part = replace(part, actions=tuple(action for action in part.actions if action.ts > last))
                last = int(part.ts[-1])
                yield part

    # --- writing ----------------------------------------------------------------------------------

    def _changes(
        self,
        cursor: Cursor,
        bars: Bars,
        parts: Sequence[tuple[Any, Rows]],
        source: str,
        asked: int | None,
        now: int,
        given: bool,
        restate: bool,
    ) -> tuple[builtins.list[Change], builtins.list[tuple[int, CorporateAction]], builtins.list[Appended]]:
        """What a write changes, judged against what is there under the locks."""
        symbols = [instrument.id for instrument, _ in parts]
        every = [entry for entry, _ in entries_of(cursor, symbols, source=source)]
        held = {entry.info.key: entry for entry in every if entry.info.key.interval_ns == bars.interval_ns}
        spans: builtins.list[tuple[Entry, int | None, int | None]] = []
        for instrument, rows in parts:
            old = held.get(SeriesKey(instrument.id, bars.interval_ns, source))
            if old is not None:
                spans.append((old, int(rows.ts[0]), int(rows.ts[-1])))
        there = {
            entry.number: newest(part) for (entry, _, _), part in zip(spans, rows_of(cursor, spans, None), strict=True)
        }
        known_actions = actions_of(cursor, symbols, source)
        # What was learnt of the actions of an instrument is a revision of each of its series.
        acted: dict[str, int] = {}
        for instant, action in known_actions:
            acted[action.instrument.id] = max(instant, acted.get(action.instrument.id, FIRST_NS))
        changes: builtins.list[Change] = []
        told: builtins.list[tuple[int, CorporateAction]] = []
        done: builtins.list[Appended] = []
        for instrument, rows in parts:
            key = SeriesKey(instrument.id, bars.interval_ns, source)
            old = held.get(key)
            before = None if old is None else facts_in(old)
            facts = merged_facts(key, before, facts_of(bars, instrument))
            present = Rows.none() if old is None else there[old.number]
            found = compare(present, rows)
            if not restate:
                refuse_restated(key, present, rows, found)
            mine = [action for action in bars.actions if action.instrument == instrument]
            fresh = fresh_of(known_actions, mine, restate=restate)
            learnt = [] if old is None else [*old.info.revisions]
            last = max([*learnt, *([acted[key.symbol]] if key.symbol in acted else [])], default=None)
            if not found.written.size and not fresh:
                done.append(
                    Appended(
                        key=key, added=0, unchanged=found.unchanged, restated=0, known=now if last is None else last
                    )
                )
                continue
            new = rows.take(found.written)
            if asked is None:
                if found.restated.size:
                    raise event_restated(key)
                stamps = [action.ts for action in fresh]
                check_known(key.symbol, min([*new.ts[:1].tolist(), *stamps]), last, given=True)
                told += [(action.ts, action) for action in fresh]
                instant = max([*new.ts[-1:].tolist(), *stamps])
            else:
                instant = check_known(key.symbol, asked, last, given=given)
                new = new.at(np.full(new.size, instant, dtype=np.int64))
                told += [(instant, action) for action in fresh]
            seen = set() if old is None else {note for _, note in old.notes}
            changes.append(Change(
                key=key, old=old, facts=facts, rows=new,
                done=Appended(
                    key=key, added=int(found.added.size), unchanged=found.unchanged,
                    restated=int(found.restated.size), known=instant,
                ),
                notes=tuple((instant, note) for note in bars.provenance.notes if note not in seen),
            ))  # fmt: skip
            done.append(changes[-1].done)
        return changes, told, done

    def _make_partitions(self, stamps: Sequence[np.ndarray[Any, np.dtype[np.int64]]]) -> None:
        """Make the partitions that are missing, in a transaction of their own: an empty one harms nobody."""
        if self._hypertable or not stamps:
            return
        every = np.unique(np.concatenate([years_of(ts) for ts in stamps]))
        missing = [int(year) for year in every if int(year) not in self._years]
        if not missing:
            return

        def make(cursor: Cursor) -> None:
            cursor.execute("select pg_advisory_xact_lock(%s)", (number_of(self._schema, "partitions"),))
            there = {
                str(name)
                for (name,) in cursor.execute(
                    "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid "
                    "where i.inhparent = 'bars'::regclass"
                )
            }
            for year in missing:
                if f"bars_y{year}" in there:
                    continue
                low, high = year_start(year), year_start(year + 1)
                # Attaching locks less than creating in place: nobody who reads or writes has to wait.
                cursor.execute(f"create table bars_y{year} (like bars including defaults including constraints)")
                cursor.execute(
                    f"alter table bars attach partition bars_y{year} for values "
                    f"from ({'minvalue' if low is None else low}) to ({'maxvalue' if high is None else high})"
                )

        self._work(make, write=True)
        self._years.update(missing)

    def _keep_hashes(self, fresh: dict[tuple[int, int], str]) -> None:
        """Keep computed hashes where nothing was written meanwhile; who may only read computes them again."""
        import psycopg

        def write(cursor: Cursor) -> None:
            cursor.executemany(
                "update series set content_hash = %s where number = %s and version = %s",
                [(content, number, version) for (number, version), content in fresh.items()],
            )

        try:
            with self._lock, self._transaction(write=True) as cursor:
                write(cursor)
        except psycopg.Error:
            return

    # --- connections ------------------------------------------------------------------------------

    def _work(self, do: Callable[[Cursor], Answer], *, write: bool = False, prepare: bool = False) -> Answer:
        """Do something in one transaction, again where the connection was lost before anything was kept."""
        import tenacity

        with self._lock, self._errors():
            trying = tenacity.Retrying(
                retry=tenacity.retry_if_exception(may_pass),
                stop=tenacity.stop_after_delay(self._patience),
                wait=tenacity.wait_random_exponential(multiplier=0.05, max=1.0),
                reraise=True,
            )
            answer: Answer = trying(self._once, do, write=write, prepare=prepare)
            return answer

    def _once(self, do: Callable[[Cursor], Answer], *, write: bool, prepare: bool) -> Answer:
        import psycopg

        finished = False
        try:
            with self._transaction(write=write, prepare=prepare) as cursor:
                answer = do(cursor)
                finished = True
        except psycopg.OperationalError as error:
            if finished and write:
                raise DataProviderError(
                    f"The connection to {self.name} was lost while the write was being confirmed, so it may be kept or "
                    "not. Write the same again: rows that are there are recognised."
                ) from without_secrets(error, self._secrets)
            raise
        return answer

    @contextmanager
    def _transaction(self, *, write: bool, prepare: bool = False) -> Iterator[Cursor]:
        connection = self._connected()
        with connection.transaction(), connection.cursor(binary=True) as cursor:
            self._begin(cursor, write=write or prepare)
            yield cursor

    def _begin(self, cursor: Cursor, *, write: bool) -> None:
        # Per transaction, not per session: a pooler may hand out another session for the next one.
        cursor.execute(
            "set transaction isolation level read committed" if write
            else "set transaction isolation level repeatable read, read only"
        )  # fmt: skip
        cursor.execute(f"set local search_path to {self._schema}, public")

    def _connected(self) -> Connection:
        if self._process != os.getpid():  # after a fork the connection is the parent's
            self._connection, self._process = None, os.getpid()
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> Connection:
        import psycopg

        given: dict[str, Any] = {"connect_timeout": 10, "application_name": "tradewright", **self._parameters}
        return psycopg.connect(**given, autocommit=True, prepare_threshold=None)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Errors of the driver become those of this package, without secrets."""
        import psycopg

        try:
            yield
        except psycopg.errors.InsufficientPrivilege as error:
            raise DataProviderError(
                f"The user of {self.name} is not allowed to do this: {self._said(error)}. Grant it usage and creation "
                f"on the schema {self._schema}, or have somebody who may make it first."
            ) from None
        except psycopg.DataError as error:
            raise InputError(f"{self.name} cannot hold this: {self._said(error)}.") from None
        except psycopg.OperationalError as error:
            raise DataProviderError(
                f"The database {self.name} cannot be used: {self._said(error)}. Nothing was written by this call; see "
                "that the server runs and the address is right, then try again."
            ) from None
        except psycopg.Error as error:
            raise DataProviderError(f"The database {self.name} refused: {self._said(error)}.") from None

    def _said(self, error: Exception) -> str:
        text = " ".join(str(error).split()) or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text.rstrip(".")

    # --- the schema -------------------------------------------------------------------------------

    def _prepare(self, cursor: Cursor) -> None:
        """Make the schema, or see that it is one that this code understands."""
        self._years.clear()
        # First of all: what a session looked up before another made it may be remembered as not there.
        cursor.execute("select pg_advisory_xact_lock(%s)", (number_of(self._schema, "schema"),))
        found = self._version(cursor)
        if found is None:
            cursor.execute(f"create schema if not exists {self._schema}")
            self._hypertable = self._timescale(cursor)
            for statement in statements(hypertable=self._hypertable):
                cursor.execute(statement)
            cursor.executemany(
                "insert into meta (name, value) values (%s, %s)",
                [("version", str(VERSION)), ("layout", "hypertable" if self._hypertable else "partitions")],
            )
            return
        if found > VERSION:
            raise ConfigError(
                f"{self.name} was made by a newer tradewright (schema version {found}, this one knows {VERSION}); "
                "upgrade tradewright, or name another schema."
            )
        if found == 1:
            # Layout 2: what spin-offs and mergers pay beside new shares. Rows of layout 1 have none of it.
            mine = cursor.execute(
                "select pg_has_role(relowner, 'usage') from pg_class where oid = 'actions'::regclass"
            ).fetchone()
            if mine is None or not mine[0]:
                raise ConfigError(
                    f"{self.name} was made by an earlier tradewright (schema version 1, this one knows {VERSION}), and "
                    "this user may not change its tables; open it once as their owner, which brings it up to date."
                )
            for name in ("cash", "price"):
                cursor.execute(
                    f"alter table actions add column if not exists {name} double precision not null default 0"
                )
            cursor.execute("update meta set value = %s where name = 'version'", (str(VERSION),))
        layout = cursor.execute("select value from meta where name = 'layout'").fetchone()
        self._hypertable = layout is not None and layout[0] == "hypertable"

    def _version(self, cursor: Cursor) -> int | None:
        there = cursor.execute("select to_regclass(%s)", (f"{self._schema}.meta",)).fetchone()
        if there is None or there[0] is None:
            return None
        row = cursor.execute("select value from meta where name = 'version'").fetchone()
        if row is None or not str(row[0]).isdigit():
            raise ConfigError(
                f"The schema {self._schema} of {self.name} has a table 'meta' that is not of tradewright; name another "
                "schema."
            )
        return int(row[0])
