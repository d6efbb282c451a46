"""Bars that a store keeps, as they are known now or were known at an instant.

Entry point: `StoredProvider`.

Invariants: what was left open (the instant of knowledge, the source, the length of a bar) is pinned in the provenance,
so that the same bars can be loaded again after a restatement; a symbol of several sources is never chosen among in
silence, except that a source the store did not have yet at `as_of` is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...domain.bars import DAY_NS, Bars, Instant, instant_ns, utc
from ...domain.errors import InputError, MissingDataError
from ..grid import between_sessions, resample
from ..intervals import interval_name, interval_ns
from .base import check_symbols, unknown_symbol

if TYPE_CHECKING:
    from ...domain.series import SeriesInfo, Store

__all__ = ["StoredProvider"]


class StoredProvider:
    """Provider over a store.

    Parameters
    ----------
    path : str or Path, optional
        The same as `store`; what ``--data`` and ``data=`` say.
    store : str, Path or Store, optional
        Folder, ``postgresql://`` address, or an open store. By default `tradewright.data.store.default_store`.
    source : str, optional
        Which source, where a symbol has several.
    as_of : instant, optional
        Bars as they were known then (a date: at the end of that day, UTC). By default everything that is known, and
        the provenance says as of when.

    Examples
    --------
    >>> from tradewright.data.store import MemoryStore
    >>> from tradewright.testing import walk_bars
    >>> store = MemoryStore()
    >>> _ = store.append(walk_bars(30), source="exam", known="2024-06-01")
    >>> bars = StoredProvider(store=store).load(["WALK"])
    >>> bars.n_bars, dict(bars.provenance.pinned)["as_of"]
    (30, '1717200000000000000')
    """

    name = "store"

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        store: str | Path | Store | None = None,
        source: str | None = None,
        as_of: Instant | None = None,
    ) -> None:
        from ..store import open_store

        if path is not None and store is not None:
            raise InputError(f"The store is given twice, {str(path)!r} and {str(store)!r}; keep one.")
        place = path if store is None else store
        self.store: Store = open_store(place) if place is None or isinstance(place, (str, Path)) else place
        self.source = source
        self.as_of = None if as_of is None else _instant(as_of)

    def symbols(self) -> tuple[str, ...]:
        """Symbols of the store, or of the source asked for."""
        return tuple(dict.fromkeys(info.key.symbol for info in self.store.list(source=self.source)))

    def load(
        self,
        symbols: Sequence[str],
        start: Instant | None = None,
        end: Instant | None = None,
        interval: str | None = None,
    ) -> Bars:
        """Bars of the symbols; see `tradewright.domain.ports.Provider`.

        An interval that the store does not have is made of the longest shorter one it has.

        Raises
        ------
        MissingDataError
            If a symbol or a length is not there, or nothing lies in the range.
        InputError
            If a symbol has several lengths or sources and none was chosen.
        """
        wanted = check_symbols(symbols)
        every = self.store.list()
        chosen = [self._one(every, symbol, interval) for symbol in wanted]
        lengths = {info.key.interval_ns for info in chosen}
        longer = interval_ns(interval) if interval else 0
        if len(lengths) > 1 and not longer:
            raise InputError(
                f"The store has {', '.join(f'{i.key.symbol} {interval_name(i.key.interval_ns)}' for i in chosen[:6])}; "
                "bars on one grid have one length. Give the interval."
            )
        known = max(info.revisions[-1] for info in chosen) if self.as_of is None else self.as_of
        bars = self._read(chosen, start, end, known, longer)
        told = [("as_of", str(known)), ("interval", interval_name(bars.interval_ns))]
        sources = {info.key.source for info in chosen}
        if len(sources) == 1:
            told.append(("source", sources.pop()))
        address = self.store.name
        if "://" in address:  # a name holds no secrets, an address may
            told.append(("store", address))
        origin = bars.provenance
        note = f"as the store knew it at {utc(known):%Y-%m-%d %H:%M:%S} UTC"
        bars = bars.with_provenance(replace(origin.with_note(note), pinned=tuple(told)))
        cut = between_sessions(bars, start, end)
        if not cut.n_bars:
            raise MissingDataError(
                f"No bars of {', '.join(bars.symbols[:5])} in the range; there are {bars.start:%Y-%m-%d} to "
                f"{bars.end:%Y-%m-%d}."
            )
        return cut

    def _one(self, every: Iterable[SeriesInfo], symbol: str, interval: str | None) -> SeriesInfo:
        """Series for a symbol."""
        infos = list(every)
        exact = [info for info in infos if info.key.symbol == symbol]
        mine = exact or [info for info in infos if info.key.symbol.casefold() == symbol.casefold()]
        if not mine:
            names = list(dict.fromkeys(info.key.symbol for info in infos))
            raise unknown_symbol(symbol, names, f"the store {self.store.name}")
        if self.as_of is not None:
            there = [info for info in mine if info.revisions[0] <= self.as_of]
            if not there:
                first = min(info.revisions[0] for info in mine)
                raise MissingDataError(
                    f"Nothing of {symbol} was known as of {utc(self.as_of).isoformat()}; the store learnt of it at "
                    f"{utc(first).isoformat()}."
                )
            mine = there
        if self.source is not None:
            sources = list(dict.fromkeys(info.key.source for info in mine))
            mine = [info for info in mine if info.key.source == self.source]
            if not mine:
                from ...domain.errors import closest

                raise MissingDataError(
                    f"{symbol} has no bars of the source {self.source!r}{closest(self.source, sources) or ';'} there "
                    f"are {', '.join(sources)}."
                )
        lengths = sorted({info.key.interval_ns for info in mine})
        length = lengths[0]
        if interval:
            fit = [n for n in lengths if n <= interval_ns(interval)]
            if not fit:
                raise MissingDataError(
                    f"{symbol} has bars of {', '.join(map(interval_name, lengths))} in the store; bars of {interval} "
                    "cannot be made from them. Name a longer interval."
                )
            length = fit[-1]
        elif len(lengths) > 1:
            raise InputError(
                f"{symbol} has bars of {', '.join(map(interval_name, lengths))} in the store; choose one (--interval)."
            )
        mine = [info for info in mine if info.key.interval_ns == length]
        if len(mine) > 1:
            raise InputError(
                f"{symbol} {interval_name(length)} is there from several sources "
                f"({', '.join(info.key.source for info in mine)}); choose one (source=..., --source)."
            )
        return mine[0]

    def _read(
        self, chosen: Sequence[SeriesInfo], start: Instant | None, end: Instant | None, known: int, longer: int
    ) -> Bars:
        """Bars of each length and source by one query, on one grid."""
        from ..grid import align

        groups: dict[tuple[int, str], list[str]] = {}
        for info in chosen:
            groups.setdefault((info.key.interval_ns, info.key.source), []).append(info.key.symbol)
        found: list[Bars] = []
        for (length, source), names in groups.items():
            # Sessions are not UTC days, and a longer bar needs all of its shorter ones.
            more = 3 * max(DAY_NS, length, longer)
            low = None if start is None else instant_ns(start) - more
            high = None if end is None else instant_ns(end, last=True) + more
            try:
                bars = self.store.read(names, interval_name(length), source=source, start=low, end=high, as_of=known)
            except MissingDataError:
                if start is None and end is None:
                    raise
                bars = self.store.read(names, interval_name(length), source=source, as_of=known)
            found.append(resample(bars, longer) if longer > length else bars)
        if len(found) == 1:
            return found[0]
        return align(found).select([info.key.symbol for info in chosen])


def _instant(value: Instant) -> int:
    if isinstance(value, str) and value.strip().lstrip("-").isdigit() and len(value.strip()) > 8:
        return int(value)  # as a manifest records it, to the nanosecond
    return instant_ns(value, last=True)
