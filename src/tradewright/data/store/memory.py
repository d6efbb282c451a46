"""A store in memory: the twin of those on disk, for tests and for programs that need nothing to last.

Entry point: `MemoryStore`.

Invariants: it follows `rows` to the letter and does nothing cleverly, so that the others can be compared with it.
"""

from __future__ import annotations

import builtins
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...domain.actions import CorporateAction
from ...domain.bars import Bars, Instant
from ...domain.events import Finding
from ...domain.series import Appended, SeriesInfo, SeriesKey
from ..intervals import interval_ns
from .rows import (
    Entry,
    Facts,
    Rows,
    assembled,
    bounds,
    check_known,
    chosen,
    compare,
    event_restated,
    facts_of,
    fresh_actions,
    known_now,
    known_of,
    merged_facts,
    newest,
    newest_actions,
    quarantined,
    refuse_restated,
    sliced,
    split,
    unknown_series,
    widened,
)

__all__ = ["MemoryStore"]


@dataclass(slots=True)
class _Series:
    facts: Facts
    rows: Rows = field(default_factory=Rows.none)
    revisions: set[int] = field(default_factory=set)
    notes: builtins.list[tuple[int, str]] = field(default_factory=list)
    restated: int = 0


class MemoryStore:
    """Market data in memory, behind the `tradewright.domain.series.Store` port.

    Parameters
    ----------
    name : str
        For messages.

    Examples
    --------
    >>> from tradewright.testing import walk_bars
    >>> store = MemoryStore()
    >>> done = store.append(walk_bars(20), source="exam", known="2024-06-01")[0]
    >>> done.added, store.append(walk_bars(20), source="exam")[0].unchanged
    (20, 20)
    >>> store.read(["WALK"], "1d").n_bars
    20
    """

    def __init__(self, name: str = "memory") -> None:
        self._name = name
        self._series: dict[SeriesKey, _Series] = {}
        self._actions: dict[tuple[str, str], builtins.list[tuple[int, CorporateAction]]] = {}
        self._quarantine: dict[SeriesKey, builtins.list[Finding]] = {}
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """Name for people."""
        return self._name

    def list(
        self, symbols: Sequence[str] | None = None, *, interval: str | None = None, source: str | None = None
    ) -> tuple[SeriesInfo, ...]:
        """Series there are; see `Store.list`."""
        length = None if interval is None else interval_ns(interval)
        with self._lock:
            return tuple(
                entry.info
                for entry in self._entries()
                if (symbols is None or entry.info.key.symbol in symbols)
                and length in {None, entry.info.key.interval_ns}
                and source in {None, entry.info.key.source}
            )

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
        with self._lock:
            made: dict[SeriesKey, _Series] = {}
            reports: dict[str, builtins.list[tuple[int, CorporateAction]]] = {}
            done: builtins.list[Appended] = []
            for instrument, rows in split(bars, asked):
                key = SeriesKey(instrument.id, bars.interval_ns, source)
                old = self._series.get(key)
                facts = merged_facts(key, old.facts if old else None, facts_of(bars, instrument))
                there = newest(old.rows) if old else Rows.none()
                found = compare(there, rows)
                if not restate:
                    refuse_restated(key, there, rows, found)
                mine = [action for action in bars.actions if action.instrument == instrument]
                fresh = self._fresh(source, mine, restate=restate)
                last = max(self._revisions(key), default=None)
                if not found.written.size and not fresh:
                    done.append(Appended(key=key, added=0, unchanged=found.unchanged, restated=0, known=last or now))
                    continue
                new = rows.take(found.written)
                if asked is None:
                    if found.restated.size:
                        raise event_restated(key)
                    first = min([*new.ts[:1].tolist(), *(action.ts for action in fresh)])
                    check_known(key.symbol, first, last, given=True)
                    told = [(action.ts, action) for action in fresh]
                    instant = max([*new.ts[-1:].tolist(), *(action.ts for action in fresh)])
                else:
                    instant = check_known(key.symbol, asked, last, given=known is not None)
                    new = new.at(np.full(new.size, instant, dtype=np.int64))
                    told = [(instant, action) for action in fresh]
                reports[instrument.id] = told
                notes = [] if old is None else old.notes
                seen = {note for _, note in notes}
                first = min([instant, *new.known[:1].tolist()])
                notes = [*notes, *((first, note) for note in bars.provenance.notes if note not in seen)]
                made[key] = _Series(
                    facts,
                    Rows.joined([old.rows, new] if old else [new]),
                    {*(old.revisions if old else ()), instant, *new.known[:1].tolist()},
                    notes,
                    (old.restated if old else 0) + int(found.restated.size),
                )
                done.append(Appended(
                    key=key, added=int(found.added.size), unchanged=found.unchanged, restated=int(found.restated.size),
                    known=instant,
                ))  # fmt: skip
            self._series |= made
            for symbol, told in reports.items():
                self._actions.setdefault((symbol, source), []).extend(told)
            for key, bad in quarantined(findings, bars, source).items():
                kept = self._quarantine.setdefault(key, [])
                kept.extend(finding for finding in bad if finding not in kept)
            return tuple(done)

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
        with self._lock:
            entries = chosen(self._entries(), symbols, interval, source)
            return self._assembled(entries, low, high, at)

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
        """Read the same bars in parts; see `Store.slices`."""
        return sliced(self.read(symbols, interval, source=source, start=start, end=end, as_of=as_of), rows)

    def write_actions(self, actions: Sequence[CorporateAction], *, source: str, known: Instant | None = None) -> int:
        """Keep corporate actions; see `Store.write_actions`."""
        now = known_now()
        asked = known_of(known, now)
        with self._lock:
            fresh = self._fresh(source, actions, restate=True)
            told: builtins.list[tuple[int, CorporateAction]] = []
            for action in fresh:
                symbol = action.instrument.id
                mine = [key for key in self._series if (key.symbol, key.source) == (symbol, source)]
                earlier = [instant for instant, _ in self._actions.get((symbol, source), [])]
                last = max([*earlier, *(i for key in mine for i in self._revisions(key))], default=None)
                instant = action.ts if asked is None else asked
                told.append((check_known(symbol, instant, last, given=known is not None), action))
            for instant, action in told:
                self._actions.setdefault((action.instrument.id, source), []).append((instant, action))
            return len(fresh)

    def actions(
        self, symbols: Sequence[str], *, source: str | None = None, as_of: Instant | None = None
    ) -> tuple[CorporateAction, ...]:
        """Corporate actions known; see `Store.actions`."""
        at = bounds(None, None, as_of)[2]
        with self._lock:
            return newest_actions(
                (item for (symbol, of), items in self._actions.items() if symbol in symbols and source in {None, of}
                 for item in items), at
            )  # fmt: skip

    def quarantine(self, symbols: Sequence[str] | None = None) -> tuple[Finding, ...]:
        """Errors of rows that were not stored; see `Store.quarantine`."""
        with self._lock:
            return tuple(
                finding
                for key in sorted(self._quarantine)
                for finding in self._quarantine[key]
                if symbols is None or key.symbol in symbols
            )

    def remove(self, key: SeriesKey) -> None:
        """Forget a series; see `Store.remove`."""
        with self._lock:
            if key not in self._series:
                raise unknown_series(key, self._series, self.name)
            del self._series[key]
            self._quarantine.pop(key, None)
            if not any((other.symbol, other.source) == (key.symbol, key.source) for other in self._series):
                self._actions.pop((key.symbol, key.source), None)

    def close(self) -> None:
        """Nothing is open."""

    def _entries(self) -> builtins.list[Entry]:
        out: builtins.list[Entry] = []
        for number, key in enumerate(sorted(self._series)):
            series = self._series[key]
            rows = newest(series.rows)
            info = SeriesInfo(
                key=key,
                n_bars=rows.size,
                first=int(rows.ts[0]),
                last=int(rows.ts[-1]),
                revisions=tuple(sorted(self._revisions(key))),
                restated=series.restated,
                rejected=len(self._quarantine.get(key, ())),
                adjusted=series.facts.adjusted,
                licence=series.facts.licence,
                origin=series.facts.origin,
                synthetic=series.facts.synthetic,
            )
            entry = Entry(number=number, info=info, instrument=series.facts.instrument, notes=tuple(series.notes))
            content = self._assembled([entry], None, None, None).data_hash()
            out.append(replace(entry, info=replace(info, content_hash=content)))
        return out

    def _revisions(self, key: SeriesKey) -> set[int]:
        own = self._series[key].revisions if key in self._series else set()
        return own | {instant for instant, _ in self._actions.get((key.symbol, key.source), ())}

    def _fresh(
        self, source: str, actions: Sequence[CorporateAction], *, restate: bool
    ) -> builtins.list[CorporateAction]:
        symbols = {action.instrument.id for action in actions}
        known = [item for symbol in sorted(symbols) for item in self._actions.get((symbol, source), [])]
        return fresh_actions(known, actions, restate=restate)

    def _assembled(self, entries: Sequence[Entry], low: int | None, high: int | None, at: int | None) -> Bars:
        first, last = widened(entries, low, high)
        every = [self._series[entry.info.key].rows for entry in entries]

        def between(rows: Rows) -> Rows:
            here = np.ones(rows.size, dtype=np.bool_)
            if first is not None:
                here &= rows.ts >= first
            if last is not None:
                here &= rows.ts <= last
            return newest(rows.take(here), at)

        def before(stamp: int) -> int | None:
            stamps = [newest(rows, at).ts for rows in every]
            return max((int(ts[ts < stamp][-1]) for ts in stamps if (ts < stamp).any()), default=None)

        actions = newest_actions(
            (item for entry in entries
             for item in self._actions.get((entry.info.key.symbol, entry.info.key.source), ())), at
        )  # fmt: skip
        return assembled(
            entries, [between(rows) for rows in every], store=self.name, low=low, high=high, as_of=at, actions=actions,
            before=before,
        )  # fmt: skip
