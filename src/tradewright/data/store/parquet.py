"""A store in a folder: Parquet parts and a DuckDB catalogue.

Entry points: `ParquetStore`, `Compacted`, `Fault`.

A write reads what is there over the span of the new rows, writes one part per series that has something new, and names
the parts in one transaction of the catalogue; `catalogue` says why nothing can be half written. A read takes a snapshot
of the catalogue, makes sure that each part is the one that was written (size always, SHA-256 once per store object),
and reads all parts by one query.

Invariants: parts never change; compaction changes no reading; what two processes write at once is all kept.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ...domain.actions import CorporateAction
from ...domain.bars import Bars, Instant
from ...domain.errors import DataProviderError
from ...domain.events import Finding
from ...domain.series import Appended, SeriesInfo, SeriesKey
from ..intervals import interval_ns
from .catalogue import (
    Catalogue,
    actions_of,
    add_actions,
    add_findings,
    completed,
    discard,
    findings_of,
    forget_hashes,
    parts_of,
    series_of,
)
from .parts import (
    check_part,
    orphans,
)
from .reader import Reader, View
from .rows import (
    Entry,
    Rows,
    bounds,
    check_known,
    check_slice,
    fresh_actions,
    known_now,
    known_of,
    newest_actions,
    quarantined,
    split,
    unknown_series,
)
from .writer import Plan

__all__ = ["Compacted", "Fault", "ParquetStore"]


BATCH_ROWS: Final = 1_000_000
"""Rows read at once where whole series are hashed."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did.

    Parameters
    ----------
    series : int
        Series that were rewritten.
    before, after : int
        Parts of these series.
    orphans : int
        Files deleted that belonged to no series.
    """

    series: int
    before: int
    after: int
    orphans: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A part that is not as it was written.

    Parameters
    ----------
    place : str
        Path below the store.
    what : str
        ``"missing"``, another length, or changed.
    key : SeriesKey or None
        Whose rows it holds; None for a file that no series knows.
    n_rows : int
        Rows that are not readable.
    """

    place: str
    what: str
    key: SeriesKey | None
    n_rows: int = 0


class ParquetStore:
    """Market data in a folder, behind the `tradewright.domain.series.Store` port.

    Parameters
    ----------
    path : str or Path
        The folder; made by the first write.
    timeout : float
        Seconds to wait for other processes.

    Examples
    --------
    >>> import tempfile
    >>> from tradewright.testing import walk_bars
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = ParquetStore(folder)
    ...     _ = store.append(walk_bars(20), source="exam", known="2024-06-01")
    ...     ParquetStore(folder).read(["WALK"], "1d").n_bars
    20
    """

    def __init__(self, path: str | Path, *, timeout: float = 30.0) -> None:
        self.path = Path(path).expanduser()
        self._catalogue = Catalogue(self.path, timeout=timeout)
        self._reader = Reader(self.path, self._catalogue)

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.path)

    def __repr__(self) -> str:
        return f"ParquetStore({str(self.path)!r})"

    # -- looking ---------------------------------------------------------------------------------------------------

    def list(
        self, symbols: Sequence[str] | None = None, *, interval: str | None = None, source: str | None = None
    ) -> tuple[SeriesInfo, ...]:
        """Series there are; see `Store.list`. Content hashes that no write needed yet are worked out here and kept."""
        length = None if interval is None else interval_ns(interval)
        with self._catalogue.reading() as connection:
            if connection is None:
                return ()
            found = completed(
                connection,
                [
                    entry
                    for entry in series_of(connection)
                    if (symbols is None or entry.info.key.symbol in symbols)
                    and length in {None, entry.info.key.interval_ns}
                    and source in {None, entry.info.key.source}
                ],
            )
        return tuple(entry.info for entry in self._hashed(found))

    def quarantine(self, symbols: Sequence[str] | None = None) -> tuple[Finding, ...]:
        """Errors of rows that were not stored; see `Store.quarantine`."""
        with self._catalogue.reading() as connection:
            return () if connection is None else tuple(findings_of(connection, symbols))

    def actions(
        self, symbols: Sequence[str], *, source: str | None = None, as_of: Instant | None = None
    ) -> tuple[CorporateAction, ...]:
        """Corporate actions known; see `Store.actions`."""
        at = bounds(None, None, as_of)[2]
        with self._catalogue.reading() as connection:
            if connection is None:
                return ()
            return newest_actions(actions_of(connection, [(symbol, source) for symbol in symbols]), at)

    # -- reading ---------------------------------------------------------------------------------------------------

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
        """Bars as they were known; see `Store.read`.

        Raises
        ------
        DataProviderError
            If a part is missing or not the one that was written; the message names it.
        """
        low, high, at = bounds(start, end, as_of)

        reader = self._reader
        return reader.steady(
            View(reader.snapshot(symbols, interval, source)), lambda found: reader.whole(found, low, high, at)
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

        What is written meanwhile is not seen: the whole series is read as it was known when the first part was asked
        for. Memory holds one part (and, of days and longer, one stamp a session).
        """
        check_slice(rows)
        low, high, at = bounds(start, end, as_of)
        found = self._reader.snapshot(symbols, interval, source)
        return self._reader.slices(View(found), rows, low, high, known_now() if at is None else at)

    # -- writing ---------------------------------------------------------------------------------------------------

    def append(
        self,
        bars: Bars,
        *,
        source: str,
        known: Instant | None = None,
        restate: bool = False,
        findings: Sequence[Finding] = (),
    ) -> tuple[Appended, ...]:
        """Keep bars and their actions, all or nothing; see `Store.append`."""
        now = known_now()
        asked = known_of(known, now)
        series = [
            (instrument, SeriesKey(instrument.id, bars.interval_ns, source), rows)
            for instrument, rows in split(bars, asked)
        ]
        bad = quarantined(findings, bars, source)
        if not series and not bad:
            return ()
        with self._catalogue.writing() as connection:
            there = {entry.info.key: entry for entry in series_of(connection)}
            plan = Plan(
                self._reader, connection, completed(connection, [there[key] for _, key, _ in series if key in there])
            )
            for instrument, key, rows in series:
                plan.add(bars, instrument, key, rows, asked=asked, now=now, given=known is not None, restate=restate)
            done = plan.carry_out(source)
            for key, found in bad.items():
                add_findings(connection, key, found)
        plan.settle()
        return done

    def write_actions(self, actions: Sequence[CorporateAction], *, source: str, known: Instant | None = None) -> int:
        """Keep corporate actions; see `Store.write_actions`."""
        now = known_now()
        asked = known_of(known, now)
        with self._catalogue.writing() as connection:
            symbols = sorted({action.instrument.id for action in actions})
            fresh = fresh_actions(actions_of(connection, [(s, source) for s in symbols]), actions, restate=True)
            mine = [
                entry for entry in series_of(connection)
                if entry.info.key.symbol in symbols and entry.info.key.source == source
            ]  # fmt: skip
            told: builtins.list[tuple[int, CorporateAction]] = []
            for action in fresh:
                symbol = action.instrument.id
                earlier = [instant for instant, _ in actions_of(connection, [(symbol, source)])]
                own = completed(connection, [entry for entry in mine if entry.info.key.symbol == symbol])
                last = max([*earlier, *(i for entry in own for i in entry.info.revisions)], default=None)
                instant = action.ts if asked is None else asked
                told.append((check_known(symbol, instant, last, given=known is not None), action))
            add_actions(connection, source, told)
            changed = [e.number for e in mine if e.info.key.symbol in {a.instrument.id for a in fresh}]
            forget_hashes(connection, changed)
        return len(fresh)

    def remove(self, key: SeriesKey) -> None:
        """Forget a series; see `Store.remove`."""
        with self._catalogue.reading() as connection:
            every = [] if connection is None else series_of(connection)
        if key not in {entry.info.key for entry in every}:
            raise unknown_series(key, [entry.info.key for entry in every], self.name)
        with self._catalogue.writing() as connection:
            every = series_of(connection)
            number = next((entry.number for entry in every if entry.info.key == key), None)
            if number is None:
                return
            places = [part.place for part in parts_of(connection, [number])]
            for table in ("series", "revisions", "notes", "parts"):
                connection.execute(f"DELETE FROM {table} WHERE number = ?", [number])
            connection.execute(
                "DELETE FROM quarantine WHERE symbol = ? AND source = ? AND interval_ns = ?",
                [key.symbol, key.source, key.interval_ns],
            )
            others = [e.info.key for e in every if e.number != number]
            if not any((other.symbol, other.source) == (key.symbol, key.source) for other in others):
                connection.execute("DELETE FROM actions WHERE symbol = ? AND source = ?", [key.symbol, key.source])
            note = self._catalogue.announce(places)
        for place in places:
            discard(self.path, place)
        note.unlink(missing_ok=True)

    def compact(
        self, symbols: Sequence[str] | None = None, *, interval: str | None = None, source: str | None = None,
        least: int = 2,
    ) -> Compacted:  # fmt: skip
        """Make one part of the many of each series; no reading changes.

        Parameters
        ----------
        symbols, interval, source
            Which series, as in `list`.
        least : int
            Series with fewer parts are left alone.

        Returns
        -------
        Compacted
        """
        length = None if interval is None else interval_ns(interval)
        with self._catalogue.reading() as connection:
            if connection is None:
                return Compacted(0, 0, 0, 0)
            wanted = [
                entry.info.key for entry in series_of(connection)
                if (symbols is None or entry.info.key.symbol in symbols)
                and length in {None, entry.info.key.interval_ns} and source in {None, entry.info.key.source}
            ]  # fmt: skip
        done = before = after = 0
        for key in wanted:
            # One transaction a series: others can write in between, and an interruption loses nothing.
            with self._catalogue.writing() as connection:
                entry = next((entry for entry in series_of(connection) if entry.info.key == key), None)
                old = [] if entry is None else parts_of(connection, [entry.number])
                if entry is None or len(old) < max(2, least):
                    continue
                plan = Plan(self._reader, connection, [entry])
                plan.merge(entry, old, Rows.none())
                plan.carry_out(key.source)
            plan.settle()
            done, before, after = done + 1, before + len(old), after + 1
        swept = 0
        with self._catalogue.writing() as connection:
            known = {part.place for part in parts_of(connection)}
            for path in orphans(self.path, known):
                path.unlink(missing_ok=True)
                swept += 1
        return Compacted(done, before, after, swept)

    def verify(self) -> tuple[Fault, ...]:
        """Every part that is missing or not as it was written, and every file that belongs to no series.

        Returns
        -------
        tuple of Fault
            Empty when all is well. Each file is read whole.
        """
        with self._catalogue.reading() as connection:
            if connection is None:
                return ()
            keys = {entry.number: entry.info.key for entry in series_of(connection)}
            parts = parts_of(connection)
        out = [
            Fault(part.place, what, keys.get(part.number), part.n_rows)
            for part in parts
            if (what := check_part(self.path, part))
        ]
        strays = builtins.list(orphans(self.path, {part.place for part in parts}))
        if out or strays:
            # A write or compaction may have come between; only what is still so counts.
            with self._catalogue.reading() as connection:
                now = {part.place for part in parts_of(connection)}
            out = [fault for fault in out if fault.place in now]
            strays = [path for path in strays if path.relative_to(self.path).as_posix() not in now and path.exists()]
        out += [Fault(path.relative_to(self.path).as_posix(), "of no series (data compact deletes it)", None)
                for path in strays]  # fmt: skip
        return tuple(out)

    def close(self) -> None:
        """Let go of the database in memory; files are never left open."""
        self._reader.close()

    def _hashed(self, entries: Sequence[Entry]) -> builtins.list[Entry]:
        """Entries with their content hashes, worked out and written down where missing."""
        unknown = [entry for entry in entries if not entry.info.content_hash]
        if not unknown:
            return builtins.list(entries)
        made: dict[int, str] = {}
        for batch in _batches(unknown):
            with suppress(DataProviderError):  # a broken part must not hide the series that are well
                made |= self._reader.hashes([entry.info.key for entry in batch])
        revisions = {entry.number: entry.info.revisions for entry in unknown}
        if made:
            # Somebody else may be writing: what was worked out is then worked out again next time.
            with suppress(DataProviderError), self._catalogue.writing(timeout=0.2) as connection:
                now = completed(connection, [entry for entry in series_of(connection) if entry.number in made])
                connection.executemany(
                    "UPDATE series SET content_hash = ? WHERE number = ?",
                    [(made[e.number], e.number) for e in now if e.info.revisions == revisions[e.number]] or [("", -1)],
                )
        return [
            replace(entry, info=replace(entry.info, content_hash=made[entry.number])) if entry.number in made else entry
            for entry in entries
        ]


def _batches(entries: Sequence[Entry]) -> Iterator[builtins.list[Entry]]:
    """Series of one source, as many at a time as are read at once without harm."""
    batch: builtins.list[Entry] = []
    size = 0
    for entry in sorted(entries, key=lambda entry: entry.info.key.source):
        full = size + entry.info.n_bars > BATCH_ROWS
        if batch and (full or entry.info.key.source != batch[0].info.key.source):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.info.n_bars
    if batch:
        yield batch
