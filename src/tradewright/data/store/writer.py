"""Writes the parts of a store and names them in its catalogue.

Entry point: `Plan`.

Invariants: everything that could be refused is refused while it is planned, before a file is made; the parts are on the
disk before the catalogue names them; what the new parts replace goes away only after the catalogue has forgotten it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...domain.actions import CorporateAction
from ...domain.bars import Bars
from ...domain.errors import DataProviderError
from ...domain.instrument import Instrument
from ...domain.series import Appended, SeriesKey
from .catalogue import (
    actions_of,
    add_actions,
    add_parts,
    add_series,
    discard,
    drop_parts,
    forget_hashes,
    parts_of,
    series_of,
)
from .parts import Part, broken, place_of, read_rows, write_part
from .reader import Reader
from .rows import (
    Entry,
    Facts,
    Rows,
    check_known,
    compare,
    event_restated,
    facts_of,
    fresh_actions,
    merged_facts,
    newest,
    refuse_restated,
)

__all__ = ["Plan"]

MANY_PARTS: Final = 64
"""Parts of one series from which a write compacts it."""


class Plan:
    """What one transaction is going to write: first planned series by series, then carried out, then settled.

    Parameters
    ----------
    reader : Reader
    connection : duckdb.DuckDBPyConnection
        Of the catalogue, inside a transaction.
    entries : sequence of Entry
        Series that are there already, with their revisions.
    """

    def __init__(self, reader: Reader, connection: Any, entries: Sequence[Entry]) -> None:
        self.reader, self.connection = reader, connection
        self.entries = {entry.info.key: entry for entry in entries}
        self.gone: list[str] = []
        self._parts = {entry.number: parts_of(connection, [entry.number]) for entry in entries}
        self._writes: list[tuple[str, SeriesKey, int | None, Rows]] = []
        self._facts: dict[SeriesKey, Facts] = {}
        self._notes: dict[SeriesKey, list[str]] = {}
        self._actions: list[tuple[int, CorporateAction]] = []
        self._done: list[Appended] = []
        self._note: Path | None = None
        self._since: dict[SeriesKey, int] = {}

    def add(
        self, bars: Bars, instrument: Instrument, key: SeriesKey, rows: Rows, *, asked: int | None, now: int,
        given: bool, restate: bool,
    ) -> None:  # fmt: skip
        """Plan the rows of one series; raises when they contradict what is there."""
        entry = self.entries.get(key)
        old = None if entry is None else Facts(
            instrument=entry.instrument, adjusted=entry.info.adjusted, licence=entry.info.licence,
            origin=entry.info.origin, synthetic=entry.info.synthetic,
        )  # fmt: skip
        facts = merged_facts(key, old, facts_of(bars, instrument))
        there = Rows.none()
        if entry is not None:
            parts = self._parts[entry.number]
            low, high = int(rows.ts[0]), int(rows.ts[-1])
            fault = broken(self.reader.folder, [p for p in parts if p.last >= low and p.first <= high])
            if fault is not None:
                raise fault
            found = read_rows(self.reader.engine(), self.reader.folder, parts, low, high)
            there = newest(found.get(entry.number, Rows.none()))
        difference = compare(there, rows)
        if not restate:
            refuse_restated(key, there, rows, difference)
        mine = [action for action in bars.actions if action.instrument == instrument]
        told = actions_of(self.connection, [(key.symbol, key.source)])
        fresh = fresh_actions(told, mine, restate=restate)
        last = max([*(entry.info.revisions if entry else ()), *(known for known, _ in told)], default=None)
        if not difference.written.size and not fresh:
            self._done.append(Appended(key=key, added=0, unchanged=difference.unchanged, restated=0, known=last or now))
            return
        new = rows.take(difference.written)
        if asked is None:
            if difference.restated.size:
                raise event_restated(key)
            stamps = [*new.ts[:1].tolist(), *new.ts[-1:].tolist(), *(action.ts for action in fresh)]
            check_known(key.symbol, min(stamps), last, given=True)
            instant = max(stamps)
            self._actions += [(action.ts, action) for action in fresh]
        else:
            instant = check_known(key.symbol, asked, last, given=given)
            new = new.at(np.full(new.size, instant, dtype=np.int64))
            self._actions += [(instant, action) for action in fresh]
        self._facts[key] = facts
        if new.size:
            self._since[key] = int(new.known[0])
        seen = {note for _, note in entry.notes} if entry else set()
        self._notes[key] = [note for note in bars.provenance.notes if note not in seen]
        self._done.append(
            Appended(
                key=key,
                added=int(difference.added.size),
                unchanged=difference.unchanged,
                restated=int(difference.restated.size),
                known=instant,
            )
        )
        if entry is not None and len(self._parts[entry.number]) >= MANY_PARTS:
            self.merge(entry, self._parts[entry.number], new)
        elif new.size:
            self._writes.append((place_of(key, int(new.ts[0])), key, entry.number if entry else None, new))

    def merge(self, entry: Entry, old: Sequence[Part], new: Rows) -> None:
        """Plan one part in the place of several."""
        fault = broken(self.reader.folder, old)
        if fault is not None:
            raise fault
        rows = read_rows(self.reader.engine(), self.reader.folder, old).get(entry.number, Rows.none())
        whole = Rows.joined([rows, new])
        self.gone += [part.place for part in old]
        self._writes.append((place_of(entry.info.key, int(whole.ts[0])), entry.info.key, entry.number, whole))

    def carry_out(self, source: str) -> tuple[Appended, ...]:
        """Write the parts, then name them."""
        reader, connection = self.reader, self.connection
        if not self._done and not self._writes:
            return ()
        changed = {done.key: done for done in self._done if done.key in self._facts}
        if self._writes or self.gone:
            self._note = reader.catalogue.announce([*(place for place, _, _, _ in self._writes), *self.gone])
        numbers = {key: entry.number for key, entry in self.entries.items()}
        for key in changed:
            if key not in numbers:
                numbers[key] = add_series(connection, key, self._facts[key])
        parts: list[Part] = []
        try:
            for place, key, _, rows in self._writes:
                parts.append(write_part(reader.engine(), reader.folder, place, key, numbers[key], rows))
        except OSError as error:
            raise DataProviderError(
                f"The store {reader.folder} cannot be written ({error.strerror}); nothing was kept."
            ) from error
        add_parts(connection, parts)
        if self.gone:
            drop_parts(connection, self.gone)
        add_actions(connection, source, self._actions)
        written = {key: rows for _, key, _, rows in self._writes}
        for key, done in changed.items():
            self._update(numbers[key], key, done, written.get(key))
        reader.sound.update(_mark(reader.folder, part) for part in parts)
        return tuple(self._done)

    def settle(self) -> None:
        """Delete what the transaction put others in the place of, and the note of it."""
        for place in self.gone:
            discard(self.reader.folder, place)
        if self._note is not None:
            self._note.unlink(missing_ok=True)

    def _update(self, number: int, key: SeriesKey, done: Appended, rows: Rows | None) -> None:
        facts, connection = self._facts[key], self.connection
        since = min(done.known, self._since.get(key, done.known))
        connection.executemany("INSERT INTO revisions VALUES (?, ?)", [(number, i) for i in {since, done.known}])
        if self._notes[key]:
            connection.executemany(
                "INSERT INTO notes VALUES (?, ?, ?)", [(number, since, note) for note in self._notes[key]]
            )
        entry = self.entries.get(key)
        first, last = (int(rows.ts[0]), int(rows.ts[-1])) if rows is not None else (0, 0)
        if entry is not None and entry.info.n_bars:
            first = entry.info.first if rows is None else min(first, entry.info.first)
            last = entry.info.last if rows is None else max(last, entry.info.last)
        connection.execute(
            "UPDATE series SET n_bars = n_bars + ?, first = ?, last = ?, restated = restated + ?, licence = ?, "
            "origin = ?, content_hash = '' WHERE number = ?",
            [done.added, first, last, done.restated, facts.licence, facts.origin, number],
        )
        # An action belongs to every interval of its symbol.
        if any(action.instrument.id == key.symbol for _, action in self._actions):
            others = [
                entry.number for entry in series_of(connection)
                if (entry.info.key.symbol, entry.info.key.source) == (key.symbol, key.source)
            ]  # fmt: skip
            forget_hashes(connection, others)


def _mark(folder: Path, part: Part) -> tuple[str, int, int]:
    stat = (folder / part.place).stat()
    return part.place, stat.st_size, stat.st_mtime_ns
