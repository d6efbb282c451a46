"""From a source into a store: reads, judges and keeps, one series after the other.

Entry points: `import_series`, `Imported`, `ImportReport`, `preview`.

Invariants: a file that cannot be read or a series that is refused costs nothing but itself and is reported; a bar that
is not over yet is left out and counted; only bars that passed the rules are kept, the others go to the quarantine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...domain.bars import Bars, Instant
from ...domain.errors import DataError, InputError, MissingDataError, TradewrightError
from ...domain.series import SeriesKey, Store
from ..columns import Reading, settle_sides
from ..intervals import interval_name, interval_ns
from ..providers.base import Progress, SeriesProvider, check_symbols
from ..providers.files import FileProvider
from ..raw import RawSeries
from ..sanity import SanityReport, clean
from ..service import provider_for
from ..stamps import NAT
from .rows import Facts, Rows, compare, facts_of, known_now, known_of, merged_facts, refuse_restated, split

if TYPE_CHECKING:
    from ...domain.ports import Provider

__all__ = ["ImportReport", "Imported", "import_series", "preview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one series, or of one file that held none.

    Parameters
    ----------
    origin : str
        File or symbol it was read from.
    key : SeriesKey or None
        Series it went to; None when it could not be read.
    added, unchanged, restated : int
        As in `Appended`.
    quarantined : int
        Rows that the rules rejected.
    still_open : int
        Bars left out because they are not over yet.
    known : int or None
        Instant under which the rows are known, ns UTC.
    error : str
        Why nothing was kept; empty when something was (or was there already).
    """

    origin: str
    key: SeriesKey | None = None
    added: int = 0
    unchanged: int = 0
    restated: int = 0
    quarantined: int = 0
    still_open: int = 0
    known: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Parameters
    ----------
    series : tuple of Imported
        In the order of reading.
    dry_run : bool
        True when nothing was written.
    """

    series: tuple[Imported, ...]
    dry_run: bool = False

    @property
    def failed(self) -> tuple[Imported, ...]:
        """What could not be kept."""
        return tuple(item for item in self.series if item.error)

    @property
    def kept(self) -> tuple[Imported, ...]:
        """What is in the store now, or was before."""
        return tuple(item for item in self.series if not item.error)

    def total(self, field: str) -> int:
        """Sum over the series of one of their counts."""
        return sum(int(getattr(item, field)) for item in self.series)


def import_series(
    store: Store,
    *,
    data: str | Path | None = None,
    provider: str | Provider | None = None,
    symbols: str | Iterable[str] | None = None,
    interval: str | None = None,
    source: str | None = None,
    licence: str | None = None,
    adjusted: str | None = None,
    known: Instant | None = None,
    restate: bool = False,
    dry_run: bool = False,
    reading: Reading | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> ImportReport:
    """Read a file, a folder or a provider, and keep what passes the rules.

    Parameters
    ----------
    store : Store
        Where to.
    data : path, optional
        File or folder; every file of a folder is one or more series.
    provider : str or Provider, optional
        As in `tradewright.data.load`.
    symbols : str or iterable of str, optional
        Only these; needed for a provider that cannot list its own.
    interval : str, optional
        Only series of this length (files), or what to ask a provider for.
    source : str, optional
        Name of the source in the store; by default the name of the provider.
    licence, adjusted : str, optional
        For the provenance, where the source does not say.
    known, restate
        As in `Store.append`.
    dry_run : bool
        Say what would be done and write nothing.
    reading : Reading, optional
        How files are read.
    progress : callable, optional
        Called with (done, total) after each file or symbol.
    **options
        Options of the provider.

    Returns
    -------
    ImportReport

    Raises
    ------
    DataError
        If there is nothing to read at all.
    InputError
        If an option does not fit.

    Examples
    --------
    >>> from tradewright.data.store import MemoryStore
    >>> store = MemoryStore()
    >>> report = import_series(store, provider="sample", symbols="SPX")
    >>> report.series[0].added, report.series[0].key.source
    (5031, 'sample')
    """
    known_of(known, known_now())  # a wrong instant is said before anything is read
    if adjusted is not None:
        options["adjusted"] = adjusted
    if licence is not None and data is not None:
        options["licence"] = licence
    made = provider_for(provider, data, reading=reading, interval=interval, **options)
    name = source or made.name
    wanted = None if symbols is None else check_symbols(symbols)
    out: list[Imported] = []
    waiting: list[tuple[str, RawSeries]] = []
    sides: dict[str, RawSeries] = {}

    def keep(origin: str, found: RawSeries | Bars) -> None:
        if licence is not None:
            found = _under(found, licence)
        out.append(_kept(store, origin, found, name, known, restate=restate, dry_run=dry_run))

    for origin, found in _read(made, wanted, interval, progress):
        if isinstance(found, TradewrightError):
            out.append(Imported(origin=origin, error=str(found)))
        elif isinstance(found, RawSeries) and found.side == "assumed":
            # What its labels mark, the other files of the folder may tell.
            waiting.append((origin, found))
        else:
            if isinstance(found, RawSeries):
                sides.setdefault(found.side, found)
            keep(origin, found)
    settled = settle_sides([*sides.values(), *(raw for _, raw in waiting)])[len(sides) :]
    for (origin, _), raw in zip(waiting, settled, strict=True):
        keep(origin, raw)
    return ImportReport(tuple(out), dry_run)


def preview(store: Store, bars: Bars, source: str, known: Instant | None = None, *, restate: bool = False) -> Imported:
    """What a write of bars of one instrument would do, without doing it.

    Raises
    ------
    InconsistentDataError
        As `Store.append` would.

    Examples
    --------
    >>> from tradewright.data.store import MemoryStore
    >>> from tradewright.testing import walk_bars
    >>> preview(MemoryStore(), walk_bars(10), "exam").added
    10
    """
    asked = known_of(known, known_now())
    ((instrument, rows),) = split(bars, asked)
    key = SeriesKey(instrument.id, bars.interval_ns, source)
    infos = store.list([key.symbol], interval=interval_name(key.interval_ns), source=source)
    old, there = None, Rows.none()
    if infos:
        info = infos[0]
        old = Facts(
            instrument=instrument, adjusted=info.adjusted, licence=info.licence, origin=info.origin,
            synthetic=info.synthetic,
        )  # fmt: skip
        try:
            now = store.read(
                [key.symbol], interval_name(key.interval_ns), source=source, start=int(rows.ts[0]), end=int(rows.ts[-1])
            )
            ((_, there),) = split(now, None)
        except MissingDataError:
            pass
    merged_facts(key, old, facts_of(bars, instrument))
    found = compare(there, rows)
    if not restate:
        refuse_restated(key, there, rows, found)
    return Imported(
        origin=bars.provenance.source, key=key, added=int(found.added.size), unchanged=found.unchanged,
        restated=int(found.restated.size), known=asked,
    )  # fmt: skip


def _read(
    made: Provider, wanted: Sequence[str] | None, interval: str | None, progress: Progress | None
) -> Iterator[tuple[str, RawSeries | Bars | TradewrightError]]:
    """Series of a provider one by one, with an error in the place of what cannot be read."""
    jobs: list[tuple[str, Callable[[], Sequence[RawSeries | Bars]]]] = []
    files = isinstance(made, FileProvider)
    if isinstance(made, FileProvider):
        jobs = [(path.name, partial(made.series_of_file, path, name)) for name, path in made.files(wanted, interval)]
    else:
        names = wanted if wanted is not None else list(made.symbols()) if hasattr(made, "symbols") else None
        if names is None:
            raise InputError(f"Name the symbols to import from {made.name}.")
        for symbol in names:
            if isinstance(made, SeriesProvider):
                jobs.append((symbol, partial(made.series, [symbol], interval)))
            else:
                jobs.append((symbol, partial(_loaded, made, symbol, interval)))
    folded = None if wanted is None else {symbol.casefold() for symbol in wanted}
    length = interval_ns(interval) if interval and files else 0
    for done, (origin, found) in enumerate(_ahead(jobs, _WORKERS if files else 1)):
        if isinstance(found, TradewrightError):
            yield origin, found
        else:
            for one in found:
                if isinstance(one, RawSeries):
                    strange = folded is not None and one.instrument.id.casefold() not in folded
                    if (files and strange) or (length and one.interval_ns != length):
                        continue
                yield origin, one
        if progress is not None:
            progress(done + 1, len(jobs))


_WORKERS: Final = min(4, os.cpu_count() or 1)


def _ahead(
    jobs: Sequence[tuple[str, Callable[[], Sequence[RawSeries | Bars]]]], workers: int
) -> Iterator[tuple[str, Sequence[RawSeries | Bars] | TradewrightError]]:
    """Results in order, a few read ahead: never more of them in memory than that."""

    def safely(job: Callable[[], Sequence[RawSeries | Bars]]) -> Sequence[RawSeries | Bars] | TradewrightError:
        try:
            return job()
        except DataError as error:
            return error

    if workers <= 1 or len(jobs) < 2:
        for origin, job in jobs:
            yield origin, safely(job)
        return
    from collections import deque
    from concurrent.futures import Future, ThreadPoolExecutor

    running: deque[tuple[str, Future[Sequence[RawSeries | Bars] | TradewrightError]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for origin, job in jobs:
                running.append((origin, pool.submit(safely, job)))
                if len(running) > 2 * workers:
                    name, done = running.popleft()
                    yield name, done.result()
            while running:
                name, done = running.popleft()
                yield name, done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _loaded(made: Provider, symbol: str, interval: str | None) -> list[Bars]:
    return [made.load([symbol], interval=interval)]


def _kept(
    store: Store, origin: str, found: RawSeries | Bars, source: str, known: Instant | None, *, restate: bool,
    dry_run: bool,
) -> Imported:  # fmt: skip
    still_open = 0
    symbol = found.instrument.id if isinstance(found, RawSeries) else found.symbols[0]
    report = SanityReport()
    try:
        notes = found.provenance.notes
        if isinstance(found, RawSeries):
            found, still_open = _over(found, known_now())
        else:
            last = int(np.searchsorted(found.ts, known_now(), side="right"))
            still_open, found = found.n_bars - last, found.rows(0, last)
        bars, report = clean(found)
        # How many rows one reading lost is kept by the quarantine, with the rows.
        bars = bars.with_provenance(replace(bars.provenance, notes=notes, pinned=()))
        if not bars.interval_ns:
            raise InputError(f"The bars of {symbol} have no known length: too few to tell; name it in the file's name.")
        if dry_run:
            done = preview(store, bars, source, known, restate=restate)
        else:
            (made,) = store.append(bars, source=source, known=known, restate=restate, findings=report.errors)
            done = Imported(
                origin=origin, key=made.key, added=made.added, unchanged=made.unchanged, restated=made.restated,
                known=made.known,
            )  # fmt: skip
    except (DataError, InputError) as error:
        interval = found.interval_ns
        key = SeriesKey(symbol, interval, source) if interval else None
        return Imported(origin=origin, key=key, quarantined=report.rejected, still_open=still_open, error=str(error))
    return replace(done, origin=origin, quarantined=report.rejected, still_open=still_open)


def _over(raw: RawSeries, now: int) -> tuple[RawSeries, int]:
    """Rows whose bar is over, and how many are not."""
    late = (raw.ts > now) & (raw.ts != NAT)
    if not late.any():
        return raw, 0
    keep = np.flatnonzero(~late)
    if not keep.size:
        raise MissingDataError(f"No bar of {raw.instrument.id} is over yet; import it later.")
    place = np.full(raw.n_rows, -1)
    place[keep] = np.arange(keep.size)
    text = place[raw.text_rows]
    return replace(
        raw, ts=raw.ts[keep], open=raw.open[keep], high=raw.high[keep], low=raw.low[keep], close=raw.close[keep],
        volume=raw.volume[keep], text_rows=text[text >= 0],
    ), int(late.sum())  # fmt: skip


def _under(found: RawSeries | Bars, licence: str) -> RawSeries | Bars:
    return replace(found, provenance=replace(found.provenance, licence=licence))
