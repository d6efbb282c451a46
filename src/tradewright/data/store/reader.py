"""Reads the parts of a store: whole, and in slices of time.

Entry points: `Reader`, `View`.

Invariants: a part is read only when it is the one that was written (its size always, its SHA-256 once per reader and
version of the file); when parts went away under a reader because another process compacted them, it looks again, and
reads the same rows from what took their place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from ...domain.bars import Bars
from ...domain.errors import DataProviderError
from ...domain.series import SeriesKey
from ..calendars import session_ordinals
from ..grid import period_keys
from ..intervals import unit_of
from .catalogue import Catalogue, Snapshot, actions_of, completed, parts_of, series_of
from .parts import Part, broken, count_stamps, duckdb_module, is_interrupt, last_stamp, read_rows, stamps_of
from .rows import (
    Entry,
    Rows,
    assembled,
    chosen,
    needs_sessions,
    newest,
    newest_actions,
    sliced,
    unknown_series,
    widened,
)

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Reader", "View"]

T = TypeVar("T")

_TRIES: Final = 5
"""Snapshots a read takes before it believes that a part is gone; a compaction may have replaced it meanwhile."""


class View:
    """Snapshot that a reader works with until parts of it are gone.

    Parameters
    ----------
    snapshot : Snapshot
        As the catalogue was first asked.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.keys = [entry.info.key for entry in snapshot.entries]


class Reader:
    """Reads parts.

    Parameters
    ----------
    folder : Path
        The store.
    catalogue : Catalogue
    """

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self.folder, self.catalogue = folder, catalogue
        self.sound: set[tuple[str, int, int]] = set()
        self._guard = threading.Lock()
        self._local = threading.local()

    def slices(self, view: View, rows: int, low: int | None, high: int | None, at: int) -> Iterator[Bars]:
        first = view.snapshot
        actions = newest_actions(first.actions, at)
        spans = self._sessions(view, rows, low, high, at) if needs_sessions(first.entries) else None
        if spans is None and needs_sessions(first.entries):
            # Two bars of one calendar in one session: the rows of the grid cannot be told from the stamps alone.
            whole = self.steady(view, lambda snapshot: self.whole(snapshot, low, high, at))
            yield from sliced(whole, rows)
            return
        windows = spans if spans is not None else self._windows(view, rows, low, high, at)
        edge = self.steady(view, lambda s: self._before(s, low, at)) if actions and low is not None else None
        empty = True
        for window in windows:
            bars = self.steady(view, partial(self._window, window=window, low=low, high=high, at=at))
            if bars is None:
                continue
            empty = False
            last = int(bars.ts[-1])
            told = tuple(a for a in actions if a.ts <= last and (edge is None or a.ts > edge))
            edge = last
            yield replace(bars, actions=told) if told else bars
        if empty:
            self.steady(view, lambda snapshot: self.whole(snapshot, low, high, at))  # says that nothing is there

    def whole(self, snapshot: Snapshot, low: int | None, high: int | None, at: int | None) -> Bars:
        first, last = widened(snapshot.entries, low, high)
        return assembled(
            snapshot.entries, self._rows(snapshot, first, last, at), store=str(self.folder), low=low, high=high,
            as_of=at, actions=newest_actions(snapshot.actions, at),
            before=lambda stamp: self._before(snapshot, stamp, at),
        )  # fmt: skip

    def hashes(self, keys: Sequence[SeriesKey]) -> dict[int, str]:
        """Content hash of each series of one source, by its number."""

        def of(snapshot: Snapshot) -> dict[int, str]:
            rows = self._rows(snapshot, None, None, None)
            actions = newest_actions(snapshot.actions)
            out: dict[int, str] = {}
            for entry, found in zip(snapshot.entries, rows, strict=True):
                mine = [action for action in actions if action.instrument == entry.instrument]
                bars = assembled(
                    [entry], [found], store=str(self.folder), low=None, high=None, as_of=None, actions=mine
                )
                out[entry.number] = bars.data_hash()
            return out

        return self.steady(View(self.look(keys)), of)

    def _window(
        self, snapshot: Snapshot, window: dict[str, tuple[int, int]], low: int | None, high: int | None, at: int
    ) -> Bars | None:
        """Bars of one span of time per calendar; None when none of them was known."""
        rows: list[Rows] = [Rows.none()] * len(snapshot.entries)
        for calendar, (first, last) in window.items():
            mine = [entry for entry in snapshot.entries if calendar in {"", entry.instrument.calendar}]
            found = self._rows(_only(snapshot, mine), first, last, at)
            for entry, part in zip(mine, found, strict=True):
                rows[snapshot.entries.index(entry)] = part
        if not any(part.size for part in rows):
            return None
        sessions = needs_sessions(snapshot.entries)
        return assembled(
            snapshot.entries, rows, store=str(self.folder), low=low if sessions else None,
            high=high if sessions else None, as_of=at,
        )  # fmt: skip

    def _windows(
        self, view: View, rows: int, low: int | None, high: int | None, at: int
    ) -> Iterator[dict[str, tuple[int, int]]]:
        """Spans of time with at most `rows` different stamps each."""
        snapshot, parts = view.snapshot, view.snapshot.parts
        if not parts:
            return
        first = max(min(part.first for part in parts), -(2**62) if low is None else low)
        last = min(max(part.last for part in parts), 2**62 if high is None else high)
        longest = max(entry.info.n_bars for entry in snapshot.entries)
        width = max(1, (last - first + 1) * rows // max(1, longest))
        while first <= last:
            end = min(last, first + width - 1)
            span = (first, end)
            count = self.steady(view, partial(self._count, first=span[0], last=span[1]))
            if count > rows:
                width = max(1, min(width // 2, width * rows // count))
                continue
            if count:
                yield {"": span}
            if count < rows // 2:
                width *= 2
            first = end + 1

    def _sessions(
        self, view: View, rows: int, low: int | None, high: int | None, at: int
    ) -> list[dict[str, tuple[int, int]]] | None:
        """Spans of time per calendar with at most `rows` sessions (weeks, months) each; None when they overlap."""
        entries = view.snapshot.entries
        unit = unit_of(entries[0].info.key.interval_ns)
        stamps: dict[str, np.ndarray[Any, Any]] = {}
        periods: dict[str, np.ndarray[Any, Any]] = {}
        first, last = widened(entries, low, high)
        for calendar in sorted({entry.instrument.calendar for entry in entries}):
            mine = [entry for entry in entries if entry.instrument.calendar == calendar]
            ts = self.steady(view, partial(self._stamps, entries=mine, low=first, high=last, at=at))
            if not ts.size:
                continue
            stamps[calendar] = ts
            periods[calendar] = period_keys(session_ordinals(_blank(ts, mine[0])), unit)
            if bool((np.diff(periods[calendar]) <= 0).any()):
                return None
        if not periods:
            return []
        # The stamp of a row is the last of its closes: rows outside the range do not count.
        every = np.unique(np.concatenate(list(periods.values())))
        latest = np.full(every.size, -(2**63), dtype=np.int64)
        for calendar, keys in periods.items():
            place = np.searchsorted(every, keys)
            latest[place] = np.maximum(latest[place], stamps[calendar])
        inside = np.ones(every.size, dtype=np.bool_)
        if low is not None:
            inside &= latest >= low
        if high is not None:
            inside &= latest <= high
        every = every[inside]
        out: list[dict[str, tuple[int, int]]] = []
        for start in range(0, every.size, rows):
            a, b = every[start], every[min(start + rows, every.size) - 1]
            window: dict[str, tuple[int, int]] = {}
            for calendar, keys in periods.items():
                i, j = int(np.searchsorted(keys, a, side="left")), int(np.searchsorted(keys, b, side="right"))
                if j > i:
                    window[calendar] = (int(stamps[calendar][i]), int(stamps[calendar][j - 1]))
            out.append(window)
        return out

    def _count(self, snapshot: Snapshot, first: int, last: int) -> int:
        return count_stamps(self.engine(), self.folder, snapshot.parts, first, last)

    def _stamps(
        self, snapshot: Snapshot, entries: Sequence[Entry], low: int | None, high: int | None, at: int | None
    ) -> npt.NDArray[np.int64]:
        return stamps_of(self.engine(), self.folder, _only(snapshot, entries).parts, low, high, at)

    def _before(self, snapshot: Snapshot, stamp: int, at: int | None) -> int | None:
        return last_stamp(self.engine(), self.folder, snapshot.parts, stamp - 1, at)

    def _rows(self, snapshot: Snapshot, low: int | None, high: int | None, at: int | None) -> list[Rows]:
        """Newest rows of each series."""
        found = read_rows(self.engine(), self.folder, snapshot.parts, low, high, at)
        return [newest(found.get(entry.number, Rows.none()), at) for entry in snapshot.entries]

    def snapshot(self, symbols: Sequence[str], interval: str, source: str | None) -> Snapshot:
        with self.catalogue.reading() as connection:
            every = [] if connection is None else series_of(connection)
            entries = chosen(every, symbols, interval, source)
            return _snapshot_of(connection, entries)

    def steady(self, view: View, do: Callable[[Snapshot], T]) -> T:
        """Answer of `do` for a snapshot; for a later one when parts went away (a compaction) while it read."""
        duckdb = duckdb_module()
        for attempt in range(_TRIES):
            snapshot = view.snapshot
            fault = self._fault(snapshot.parts)
            if fault is None:
                try:
                    return do(snapshot)
                except duckdb.Error as error:
                    if is_interrupt(error):
                        raise KeyboardInterrupt from error
                    fault = broken(self.folder, snapshot.parts) or DataProviderError(
                        f"The store {self.folder} cannot be read: {str(error).splitlines()[0]}."
                    )
            view.snapshot = self.look(view.keys)
            same = {part.place for part in view.snapshot.parts} == {part.place for part in snapshot.parts}
            if same or attempt == _TRIES - 1:
                break
        assert fault is not None
        raise fault

    def look(self, keys: Sequence[SeriesKey]) -> Snapshot:
        with self.catalogue.reading() as connection:
            by_key = {} if connection is None else {entry.info.key: entry for entry in series_of(connection)}
            for key in keys:
                if key not in by_key:
                    raise unknown_series(key, by_key, str(self.folder))
            return _snapshot_of(connection, [by_key[key] for key in keys])

    def _fault(self, parts: Sequence[Part]) -> DataProviderError | None:
        """Error for the first part that is not as it was written; each version of a file is hashed once."""
        doubtful: list[tuple[Part, tuple[str, int, int]]] = []
        for part in parts:
            try:
                stat = (self.folder / part.place).stat()
            except OSError:
                return broken(self.folder, [part])
            mark = (part.place, stat.st_size, stat.st_mtime_ns)
            if mark not in self.sound or stat.st_size != part.n_bytes:
                doubtful.append((part, mark))
        fault = broken(self.folder, [part for part, _ in doubtful])
        if fault is None and doubtful:
            with self._guard:
                self.sound.update(mark for _, mark in doubtful)
        return fault

    def engine(self) -> Any:
        """Database in memory that reads and writes parts; one per thread and store."""
        local = self._local
        if not hasattr(local, "connection"):
            local.connection = duckdb_module().connect()
            local.connection.execute("SET threads = 2; SET enable_progress_bar = false")
        return local.connection

    def close(self) -> None:
        """Let go of this thread's database in memory."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection


def _only(snapshot: Snapshot, entries: Sequence[Entry]) -> Snapshot:
    """Return the part of a snapshot that concerns some series."""
    numbers = {entry.number for entry in entries}
    return Snapshot(tuple(entries), tuple(part for part in snapshot.parts if part.number in numbers))


def _snapshot_of(connection: Any, entries: Sequence[Entry]) -> Snapshot:
    pairs = [(entry.info.key.symbol, entry.info.key.source) for entry in entries]
    return Snapshot(
        tuple(completed(connection, entries)),
        tuple(parts_of(connection, [entry.number for entry in entries])),
        tuple(actions_of(connection, pairs)),
    )


def _blank(ts: np.ndarray[Any, Any], entry: Entry) -> Bars:
    """Bars without prices, to ask for their sessions."""
    nothing = np.full((ts.size, 1), np.nan)
    return Bars(ts, nothing, nothing, nothing, nothing, nothing, (entry.instrument,), entry.info.key.interval_ns)
