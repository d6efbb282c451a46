"""The exam of stores of market data.

Entry point: `check_store`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars, Provenance
from tradewright.domain.errors import DataError, InconsistentDataError, InputError, MissingDataError
from tradewright.domain.events import Finding, Severity
from tradewright.domain.instrument import Instrument
from tradewright.domain.series import SeriesKey, Store
from tradewright.testing.market import walk_bars

__all__ = ["check_store"]

SOURCE = "exam"
DAY_NS = 86_400_000_000_000
FIRST = "2010-01-01"
"""When the first rows become known; the bars are of 2000."""


def check_store(store: Store, *, reopen: Callable[[], Store] | None = None) -> None:
    """Examine a store: round trip, increments, refusals, two times, ranges, slices, actions, quarantine, removal.

    Parameters
    ----------
    store : Store
        To be examined; must hold nothing of the source ``"exam"``. What the exam writes is removed at its end.
    reopen : callable, optional
        Opens the same store again, as another process would; for stores that last.

    Raises
    ------
    AssertionError
        With the fact that does not hold.

    Examples
    --------
    >>> from tradewright.data.store.memory import MemoryStore
    >>> check_store(MemoryStore())
    """
    assert isinstance(store, Store), f"{type(store).__name__} does not have the methods of the Store port."
    assert store.name, "The store has no name."
    assert not store.list(source=SOURCE), f"{store.name} holds series of the source {SOURCE!r}; give an empty store."
    _round_trip(store)
    _increments(store)
    _all_or_nothing(store)
    _two_times(store)
    _event_time(store)
    _ranges(store)
    _many(store)
    _sources(store)
    _kinds(store)
    _actions(store)
    _quarantine(store)
    _numbers(store)
    if reopen is not None:
        _lasts(store, reopen)
    _removal(store)


def _round_trip(store: Store) -> None:
    name = store.name
    bars = _bars(30, "ROUND")
    done = store.append(bars, source=SOURCE, known=FIRST)
    assert len(done) == 1, f"{name}: one instrument was written, {len(done)} answers came."
    assert (done[0].added, done[0].unchanged, done[0].restated) == (30, 0, 0), f"{name}: 30 new bars gave {done[0]}."
    assert done[0].known == _ns(FIRST), f"{name}: the rows are known at {done[0].known}, not at {FIRST}."
    back = store.read(["ROUND"], "1d", source=SOURCE)
    assert back.data_hash() == bars.data_hash(), f"{name}: what is read is not what was written."
    assert back.instruments[0].calendar == "24/7", f"{name}: the instrument's calendar was lost."
    assert back.instruments[0].tick == 0.01, f"{name}: the instrument's tick was lost."
    origin = back.provenance
    assert (origin.adjusted, origin.synthetic, origin.licence) == ("raw", True, "free"), (
        f"{name}: the provenance came back as {origin}."
    )
    assert "a note" in origin.notes, f"{name}: the notes of the provenance were lost."
    assert origin.source, f"{name}: the provenance names no source."
    (info,) = store.list(["ROUND"], source=SOURCE)
    assert info.key == SeriesKey("ROUND", DAY_NS, SOURCE), f"{name}: the series is listed as {info.key}."
    assert (info.n_bars, info.first, info.last) == (30, int(bars.ts[0]), int(bars.ts[-1])), f"{name} lists {info}."
    assert info.revisions == (_ns(FIRST),), f"{name}: the revisions are {info.revisions}."
    assert info.content_hash == bars.data_hash(), (
        f"{name}: the content hash must be the data_hash of the newest reading of the one series."
    )
    assert (info.adjusted, info.licence, info.synthetic) == ("raw", "free", True), f"{name} lists {info}."
    again = store.append(bars, source=SOURCE)
    assert (again[0].added, again[0].unchanged) == (0, 30), f"{name}: the same bars again gave {again[0]}."
    assert store.list(["ROUND"], source=SOURCE)[0] == info, f"{name}: writing the same bars again changed the series."


def _increments(store: Store) -> None:
    name = store.name
    bars = _bars(40, "GROW")
    store.append(bars.rows(0, 10), source=SOURCE, known="2010-01-01")
    store.append(bars.rows(5, 25), source=SOURCE, known="2010-02-01")
    last = store.append(bars.rows(20, 40), source=SOURCE, known="2010-03-01")[0]
    assert (last.added, last.unchanged) == (15, 5), f"{name}: an overlapping write gave {last}."
    assert store.read(["GROW"], "1d", source=SOURCE).data_hash() == bars.data_hash(), (
        f"{name}: overlapping writes do not add up to the whole."
    )
    early = store.read(["GROW"], "1d", source=SOURCE, as_of="2010-02-15")
    assert early.n_bars == 25, f"{name}: as of the second write there were 25 bars, not {early.n_bars}."
    store.append(_bars(20, "HOLE").rows(10, 20), source=SOURCE, known="2010-01-01")
    store.append(_bars(20, "HOLE").rows(0, 5), source=SOURCE, known="2010-01-02")
    assert store.read(["HOLE"], "1d", source=SOURCE).n_bars == 15, f"{name}: earlier bars written later are missing."
    assert store.list(["HOLE"], source=SOURCE)[0].n_bars == 15, f"{name}: earlier bars are not counted."


def _all_or_nothing(store: Store) -> None:
    name = store.name
    good, bad = _bars(10, "WHOLE"), _bars(10, "PART")
    store.append(bad, source=SOURCE, known=FIRST)
    before = store.list(source=SOURCE)
    changed = _changed(bad, 4, 1.25)
    both = Bars.from_arrays(
        good.ts, *(np.hstack([getattr(good, f), getattr(changed, f)]) for f in _FIELDS),
        instruments=(*good.instruments, *bad.instruments), interval_ns=DAY_NS, provenance=good.provenance,
    )  # fmt: skip
    message = _refused(InconsistentDataError, lambda: store.append(both, source=SOURCE), f"{name} took a changed bar")
    value = f"{float(changed.close[4, 0]):.10g}"
    assert "PART" in message, f"{name}: the refusal of a changed bar must name the series: {message}"
    assert value in message or f"{float(changed.open[4, 0]):.10g}" in message, (
        f"{name}: the refusal of a changed bar must name the value: {message}"
    )
    assert store.list(source=SOURCE) == before, f"{name}: a refused write left something behind."
    unsound = _bars(3, "UNSOUND")
    opened = unsound.open.copy()
    opened[1, 0] = np.nan
    broken = replace(unsound, open=opened)
    _refused(InconsistentDataError, lambda: store.append(broken, source=SOURCE), f"{name} took a bar without an open")
    nameless = replace(_bars(3, "NOLENGTH"), interval_ns=0)
    _refused(InputError, lambda: store.append(nameless, source=SOURCE), f"{name} took bars of no known length")
    assert store.list(source=SOURCE) == before, f"{name}: a refused write left something behind."


def _two_times(store: Store) -> None:
    name = store.name
    bars = _bars(20, "TWICE")
    store.append(bars, source=SOURCE, known="2010-01-01")
    first = store.read(["TWICE"], "1d", source=SOURCE, as_of="2010-06-01").data_hash()
    one = store.list(["TWICE"], source=SOURCE)[0].content_hash
    changed = _changed(bars, 7, 1.5)
    done = store.append(changed, source=SOURCE, known="2011-01-01", restate=True)[0]
    assert (done.added, done.unchanged, done.restated) == (0, 19, 1), f"{name}: one restated bar gave {done}."
    assert store.read(["TWICE"], "1d", source=SOURCE).data_hash() == changed.data_hash(), (
        f"{name}: the newest reading does not have the restated bar."
    )
    past = store.read(["TWICE"], "1d", source=SOURCE, as_of="2010-06-01")
    assert past.data_hash() == first == bars.data_hash(), f"{name}: a restatement changed a past reading."
    day = store.read(["TWICE"], "1d", source=SOURCE, as_of="2011-01-01")
    assert day.data_hash() == changed.data_hash(), f"{name}: as of a date must include what became known that day."
    instant = store.read(["TWICE"], "1d", source=SOURCE, as_of=_ns("2011-01-01") - 1)
    assert instant.data_hash() == first, f"{name}: a row was readable one nanosecond before it was known."
    store.append(bars, source=SOURCE, known="2012-01-01", restate=True)
    back = store.read(["TWICE"], "1d", source=SOURCE)
    assert back.data_hash() == first, f"{name}: a bar that is set back to its old value is not read as such."
    middle = store.read(["TWICE"], "1d", source=SOURCE, as_of="2011-06-01")
    assert middle.data_hash() == changed.data_hash(), f"{name}: setting a bar back changed what was known between."
    (info,) = store.list(["TWICE"], source=SOURCE)
    assert info.revisions == tuple(_ns(f"{year}-01-01") for year in (2010, 2011, 2012)), f"{name}: {info.revisions}."
    assert info.restated == 2, f"{name}: two rows were replaced, {info.restated} are counted."
    assert info.content_hash == one, f"{name}: the content hash must depend on nothing but the newest reading."
    more = _bars(25, "TWICE")
    for known in ("2011-06-01", "2012-01-01"):
        _refused(
            InputError,
            partial(store.append, more, source=SOURCE, known=known),
            f"{name} let a write at {known} change what was readable at 2012-01-01",
        )
    _refused(InputError, lambda: store.append(more, source=SOURCE, known="2200-01-01"), f"{name} learns in the future")
    _refused(
        InconsistentDataError,
        lambda: store.append(_bars(5, "AHEAD"), source=SOURCE, known="1999-01-01"),
        f"{name} knew bars before they were over",
    )
    _refused(
        MissingDataError,
        lambda: store.read(["TWICE"], "1d", source=SOURCE, as_of="2009-01-01"),
        f"{name} knew bars before it learnt them",
    )


def _event_time(store: Store) -> None:
    name = store.name
    bars = _bars(20, "EVENT")
    store.append(bars.rows(0, 12), source=SOURCE, known="event")
    store.append(bars, source=SOURCE, known="event")
    half = store.read(["EVENT"], "1d", source=SOURCE, as_of=int(bars.ts[9]))
    assert half.data_hash() == bars.rows(0, 10).data_hash(), f"{name}: rows known at their stamps are not read as such."
    (info,) = store.list(["EVENT"], source=SOURCE)
    assert info.revisions == tuple(int(bars.ts[row]) for row in (0, 11, 12, 19)), (
        f"{name}: of a write at the stamps of its rows the first and the last are revisions, not {info.revisions}."
    )
    gap = _bars(25, "EVENT")
    changed = _changed(gap, 3, 1.1)
    _refused(
        InputError,
        lambda: store.append(changed, source=SOURCE, known="event", restate=True),
        f"{name} let a restatement be known at the stamp of the bar it replaces",
    )
    assert store.list(["EVENT"], source=SOURCE)[0].n_bars == 20, f"{name}: a refused write left something behind."


def _ranges(store: Store) -> None:
    name = store.name
    whole = store.read(["GROW"], "1d", source=SOURCE)
    for first, last in ((3, 9), (0, 0), (39, 39), (0, 39)):
        part = store.read(["GROW"], "1d", source=SOURCE, start=int(whole.ts[first]), end=int(whole.ts[last]))
        assert part.data_hash() == whole.rows(first, last + 1).data_hash(), (
            f"{name}: a range must include both ends and everything between ({first} to {last})."
        )
    day = str(whole.ts[4].astype("datetime64[ns]").astype("datetime64[D]"))
    assert store.read(["GROW"], "1d", source=SOURCE, end=day).n_bars == 5, f"{name}: the day of an end is cut off."
    _refused(
        MissingDataError,
        lambda: store.read(["GROW"], "1d", source=SOURCE, start="2150-01-01"),
        f"{name} reads an empty range",
    )
    _refused(
        InputError,
        lambda: store.read(["GROW"], "1d", source=SOURCE, start="2001-01-01", end="2000-01-01"),
        f"{name} reads a range that ends before it starts",
    )
    for rows in (1, 7, 40, 1000):
        parts = list(store.slices(["GROW"], "1d", rows=rows, source=SOURCE))
        assert all(0 < part.n_bars <= rows for part in parts), f"{name}: slices of {rows} rows are not that."
        _same_joined(name, parts, whole)
    some = list(store.slices(["GROW"], "1d", rows=4, source=SOURCE, start=int(whole.ts[3]), end=int(whole.ts[30])))
    _same_joined(name, some, whole.rows(3, 31))
    _refused(InputError, lambda: list(store.slices(["GROW"], "1d", rows=0, source=SOURCE)), f"{name}: slices of 0 rows")
    for missing in ("GROWW", "NO SUCH THING"):
        message = _refused(
            MissingDataError,
            partial(store.read, [missing], "1d", source=SOURCE),
            f"{name} answers for {missing!r}",
        )
        assert missing != "GROWW" or "'GROW'" in message, f"{name}: the nearest symbol is not named: {message}"
    _refused(MissingDataError, lambda: store.read(["GROW"], "1h", source=SOURCE), f"{name} reads another interval")
    _refused(InputError, lambda: store.read([], "1d", source=SOURCE), f"{name} reads no symbol")


def _many(store: Store) -> None:
    name = store.name
    bars = walk_bars(60, 5, holes=0.3)
    store.append(bars, source=SOURCE, known=FIRST)
    back = store.read(bars.symbols, "1d", source=SOURCE)
    assert back.data_hash() == bars.data_hash(), f"{name}: bars with holes are not read as they were written."
    turned = tuple(reversed(bars.symbols))
    assert store.read(turned, "1d", source=SOURCE).symbols == turned, f"{name}: symbols come in another order."
    late = _one(bars.ts[40:], "LATE", 10.0, Instrument("LATE"))
    store.append(late, source=SOURCE, known=FIRST)
    early = store.read([*bars.symbols, "LATE"], "1d", source=SOURCE)
    assert early.n_bars == bars.n_bars, f"{name}: a series that starts later must not shorten another."
    cut = store.read(["WALK1", "LATE"], "1d", source=SOURCE, end=int(bars.ts[10]))
    assert bool(np.isnan(cut.close[:, 1]).all()), f"{name}: a series without bars in the range is a column of no bars."
    for rows in (1, 13):
        _same_joined(name, list(store.slices(bars.symbols, "1d", rows=rows, source=SOURCE)), bars)
    # A New York close and the end of a day in UTC belong to one session: one row, stamped with the later.
    stamps = np.arange(8, dtype=np.int64) * DAY_NS + 10_957 * DAY_NS + DAY_NS
    coin = _one(stamps + DAY_NS, "BTC-USD", 100.0, Instrument.of("BTC-USD"))
    share = _one(stamps + 21 * DAY_NS // 24, "SHARE", 50.0, Instrument("SHARE"))
    store.append(coin, source=SOURCE, known=FIRST)
    store.append(share, source=SOURCE, known=FIRST)
    both = store.read(["BTC-USD", "SHARE"], "1d", source=SOURCE)
    assert both.n_bars == 8, f"{name}: bars of one session must share a row; 8 sessions gave {both.n_bars} rows."
    for rows in (1, 3):
        _same_joined(name, list(store.slices(["BTC-USD", "SHARE"], "1d", rows=rows, source=SOURCE)), both)
    part = store.read(["BTC-USD", "SHARE"], "1d", source=SOURCE, start=int(both.ts[2]), end=int(both.ts[5]))
    assert part.data_hash() == both.rows(2, 6).data_hash(), f"{name}: a range cuts a session of two markets apart."


def _sources(store: Store) -> None:
    name = store.name
    other = f"{SOURCE}-other"
    store.append(_changed(_bars(30, "ROUND"), 2, 3.0), source=other, known=FIRST)
    message = _refused(InputError, lambda: store.read(["ROUND"], "1d"), f"{name} chose among two sources")
    assert SOURCE in message, f"{name}: the sources to choose from are not named: {message}"
    assert other in message, f"{name}: the sources to choose from are not named: {message}"
    assert store.read(["ROUND"], "1d", source=SOURCE).data_hash() == _bars(30, "ROUND").data_hash(), (
        f"{name}: two sources of one symbol are mixed."
    )
    assert [info.key.source for info in store.list(["ROUND"])] == [SOURCE, other], f"{name}: list is not by key."
    hourly = replace(_bars(30, "ROUND"), interval_ns=DAY_NS // 24)
    store.append(hourly, source=SOURCE, known=FIRST)
    assert len(store.list(["ROUND"], source=SOURCE)) == 2, f"{name}: two intervals of one symbol are two series."
    assert len(store.list(["ROUND"], interval="1h", source=SOURCE)) == 1, f"{name}: list ignores the interval."
    store.remove(SeriesKey("ROUND", DAY_NS, other))
    store.remove(SeriesKey("ROUND", DAY_NS // 24, SOURCE))


def _kinds(store: Store) -> None:
    name = store.name
    store.append(_bars(10, "KIND"), source=SOURCE, known=FIRST)
    more = _bars(12, "KIND")
    for origin, what in (
        (replace(more.provenance, adjusted="split"), "bars adjusted in another way"),
        (replace(more.provenance, synthetic=False), "real bars among made-up ones"),
    ):
        _refused(
            InconsistentDataError,
            partial(store.append, more.with_provenance(origin), source=SOURCE),
            f"{name} took {what}",
        )
    store.append(more.with_provenance(replace(more.provenance, adjusted="unknown")), source=SOURCE)
    assert store.list(["KIND"], source=SOURCE)[0].adjusted == "raw", f"{name} forgot what prices are adjusted for."


def _actions(store: Store) -> None:
    name = store.name
    bars = _bars(20, "ACTS")
    instrument = bars.instruments[0]
    split = CorporateAction(ts=int(bars.ts[5]) - DAY_NS // 2, instrument=instrument, kind=ActionKind.SPLIT, value=2.0)
    store.append(replace(bars, actions=(split,)), source=SOURCE, known="2010-01-01")
    read = store.read(["ACTS"], "1d", source=SOURCE)
    assert read.actions == (split,), f"{name}: the split that came with the bars was read as {read.actions}."
    cash = CorporateAction(ts=int(bars.ts[9]) - DAY_NS // 2, instrument=instrument, kind=ActionKind.DIVIDEND, value=0.5)
    moved = CorporateAction(
        ts=int(bars.ts[12]), instrument=instrument, kind=ActionKind.SYMBOL_CHANGE, new_symbol="ACT2"
    )
    assert store.write_actions([split, cash, moved], source=SOURCE, known="2010-02-01") == 2, (
        f"{name}: two of three actions are new."
    )
    assert store.actions(["ACTS"], source=SOURCE) == (split, cash, moved), f"{name}: actions are not listed by stamp."
    assert store.actions(["ACTS"], source=SOURCE, as_of="2010-01-15") == (split,), f"{name}: actions ignore as_of."
    early = store.read(["ACTS"], "1d", source=SOURCE, as_of="2010-01-15")
    assert early.data_hash() == read.data_hash(), f"{name}: an action that was learnt later changed a past reading."
    (info,) = store.list(["ACTS"], source=SOURCE)
    now = store.read(["ACTS"], "1d", source=SOURCE)
    assert now.actions == (split, cash, moved), f"{name}: actions that came alone are not read with the bars."
    assert info.content_hash == now.data_hash(), f"{name}: the content hash does not know a new action."
    assert info.revisions == (_ns("2010-01-01"), _ns("2010-02-01")), f"{name}: an action is no revision."
    part = store.read(["ACTS"], "1d", source=SOURCE, start=int(bars.ts[5]), end=int(bars.ts[8]))
    assert part.actions == (split,), f"{name}: the actions of a range are {part.actions}."
    _same_joined(name, list(store.slices(["ACTS"], "1d", rows=6, source=SOURCE)), now)
    more = replace(cash, value=0.75)
    assert store.write_actions([more], source=SOURCE, known="2010-03-01") == 1, f"{name}: a corrected dividend is new."
    assert store.actions(["ACTS"], source=SOURCE)[1].value == 0.75, f"{name}: a corrected dividend is not read."
    assert store.actions(["ACTS"], source=SOURCE, as_of="2010-02-15")[1].value == 0.5, f"{name}: the past has changed."
    _refused(
        InconsistentDataError,
        lambda: store.append(replace(bars, actions=(replace(split, value=3.0),)), source=SOURCE),
        f"{name} took bars with another split ratio",
    )
    spun = replace(cash, ts=int(bars.ts[14]), kind=ActionKind.SPIN_OFF, value=0.25, new_symbol="ACT3", price=40.0)
    bought = replace(
        cash, ts=int(bars.ts[18]), kind=ActionKind.MERGER, value=0.5, new_symbol="ACT4", cash=12.5, price=30.0
    )
    assert store.write_actions([spun, bought], source=SOURCE, known="2010-04-01") == 2
    told = store.actions(["ACTS"], source=SOURCE)[-2:]
    assert told == (spun, bought), f"{name}: a spin-off and a merger are read as {told}."
    dearer = replace(bought, cash=13.0)
    assert store.write_actions([dearer], source=SOURCE, known="2010-05-01") == 1, f"{name}: a higher bid is new."
    assert store.actions(["ACTS"], source=SOURCE)[-1] == dearer, f"{name}: a higher bid is not read."


def _quarantine(store: Store) -> None:
    name = store.name
    bars = _bars(10, "SICK")
    bad = Finding(
        rule="price", severity=Severity.ERROR, message="row 3: the price is negative", symbol="SICK", row=3,
        ts=int(bars.ts[3]), value=-1.0, action="quarantined",
    )  # fmt: skip
    odd = replace(bad, rule="jump", severity=Severity.WARNING, message="row 4: a jump")
    store.append(bars, source=SOURCE, known=FIRST, findings=[bad, odd])
    assert store.quarantine(["SICK"]) == (bad,), f"{name}: the quarantine is {store.quarantine(['SICK'])}."
    assert store.list(["SICK"], source=SOURCE)[0].rejected == 1, f"{name}: rejected rows are not counted."
    store.append(bars, source=SOURCE, findings=[bad])
    assert len(store.quarantine(["SICK"])) == 1, f"{name}: the same bad row is in quarantine twice."


def _numbers(store: Store) -> None:
    """Every bit of a number comes back, and so does every symbol."""
    name = store.name
    values = np.array([0.1 + 0.2, 1e-9, 1.7976931348623157e308, 5e-324, np.nextafter(100.0, 101.0)])
    volume = np.array([np.nan, 0.0, 1.0, 2.5, 1e18])
    for symbol in ("BTC/USDT", "^GSPC", "ünï", "A'B", "a", "..", "X" * 60):
        bars = Bars.from_arrays(
            np.arange(5, dtype=np.int64) * DAY_NS + 10_957 * DAY_NS + 123_456_789, values, values, values, values,
            volume, instruments=Instrument(symbol), interval_ns=DAY_NS,
        )  # fmt: skip
        store.append(bars, source=SOURCE, known=FIRST)
        back = store.read([symbol], "1d", source=SOURCE)
        assert back.data_hash() == bars.data_hash(), f"{name}: {symbol!r} is not read as it was written."
    store.append(_one(np.array([11_000 * DAY_NS]), "A", 7.0, Instrument("A")), source=SOURCE, known=FIRST)
    assert store.read(["A"], "1d", source=SOURCE).n_bars == 1, f"{name}: 'A' and 'a' are two symbols."


def _lasts(store: Store, reopen: Callable[[], Store]) -> None:
    before = store.list(source=SOURCE)
    hashes = [
        store.read([info.key.symbol], "1d", source=SOURCE, as_of="2010-01-20").data_hash()
        for info in before
        if info.revisions[0] <= _ns("2010-01-20")
    ]
    other = reopen()
    try:
        assert other.list(source=SOURCE) == before, f"{store.name} does not list the same when it is opened again."
        found = [
            other.read([info.key.symbol], "1d", source=SOURCE, as_of="2010-01-20").data_hash()
            for info in before
            if info.revisions[0] <= _ns("2010-01-20")
        ]
        assert found == hashes, f"{store.name} reads other bars when it is opened again."
        other.append(_bars(5, "REOPEN"), source=SOURCE, known=FIRST)
    finally:
        other.close()
    assert store.read(["REOPEN"], "1d", source=SOURCE).n_bars == 5, f"{store.name} does not see what another wrote."


def _removal(store: Store) -> None:
    name = store.name
    missing = SeriesKey("ROUNDD", DAY_NS, SOURCE)
    _refused(MissingDataError, lambda: store.remove(missing), f"{name} removed what is not there")
    for info in store.list(source=SOURCE):
        store.remove(info.key)
    assert not store.list(source=SOURCE), f"{name}: removed series are still listed."
    assert not store.quarantine(["SICK"]), f"{name}: the quarantine of a removed series is left."
    assert not store.actions(["ACTS"], source=SOURCE), f"{name}: the actions of a removed series are left."
    _refused(MissingDataError, lambda: store.read(["ROUND"], "1d", source=SOURCE), f"{name} reads what was removed")
    store.append(_bars(3, "ROUND"), source=SOURCE, known="2005-01-01")
    assert store.read(["ROUND"], "1d", source=SOURCE).n_bars == 3, f"{name}: a removed series cannot be written anew."
    store.remove(SeriesKey("ROUND", DAY_NS, SOURCE))


_FIELDS = ("open", "high", "low", "close", "volume")


def _bars(n: int, symbol: str) -> Bars:
    """First `n` of a walk of 40 bars, on a calendar without weekends."""
    walk = walk_bars(40).rows(0, n)
    instrument = Instrument(symbol, calendar="24/7", tick=0.01)
    origin = Provenance("exam", synthetic=True, licence="free", adjusted="raw", notes=("a note",))
    return replace(walk, instruments=(instrument,), provenance=origin)


def _one(ts: np.ndarray[tuple[int], np.dtype[np.int64]], symbol: str, price: float, instrument: Instrument) -> Bars:
    values = price + np.arange(ts.size)
    return Bars.from_arrays(ts, values, values, values, values, instruments=instrument, interval_ns=DAY_NS)


def _changed(bars: Bars, row: int, factor: float) -> Bars:
    arrays = {name: getattr(bars, name).copy() for name in _FIELDS[:4]}
    for array in arrays.values():
        array[row] *= factor
    return replace(bars, **arrays)


def _same_joined(name: str, parts: list[Bars], whole: Bars) -> None:
    ts = np.concatenate([part.ts for part in parts])
    assert np.array_equal(ts, whole.ts), f"{name}: slices have other stamps than the whole."
    for field in _FIELDS:
        joined = np.concatenate([getattr(part, field) for part in parts])
        assert np.array_equal(joined, getattr(whole, field), equal_nan=True), f"{name}: {field} of slices differs."
    assert tuple(a for part in parts for a in part.actions) == whole.actions, f"{name}: slices have other actions."


def _refused(kind: type[Exception], do: Callable[[], object], what: str) -> str:
    try:
        do()
    except kind as error:
        return str(error)
    except DataError as error:
        raise AssertionError(f"{what}: {type(error).__name__} instead of {kind.__name__}: {error}") from error
    raise AssertionError(f"{what}; {kind.__name__} was due.")


def _ns(day: str) -> int:
    return int(np.datetime64(day, "ns").astype(np.int64))
