"""What every store of market data does alike: rows with two times, and the rules of writing and reading them.

Entry points: `Rows`, `Facts`, `Entry`, `split`, `known_of`, `compare`, `newest`, `merged_facts`, `chosen`, `assembled`.

The rules, which `tradewright.testing.check_store` examines:

* a row is (stamp, known, open, high, low, close, volume); the reading ``as_of`` T takes, for each stamp, the row with
  the latest ``known`` that is not after T;
* what is written later is known later: a write that would change what was readable at an instant already is refused;
* no row is known before its own stamp, and nothing is known in the future;
* two rows are the same when their five numbers are equal (not known equals not known);
* an instrument, its adjustment and whether it is made up never change within a series.

Invariants: nothing here reads or writes anything; arrays are one series each, ascending by stamp.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...domain.actions import CorporateAction
from ...domain.bars import Bars, Instant, Provenance, instant_ns, utc
from ...domain.errors import InconsistentDataError, InputError, MissingDataError, closest
from ...domain.events import Finding, Severity
from ...domain.instrument import AssetClass, Instrument, OptionKind
from ...domain.series import SeriesInfo, SeriesKey
from ..grid import FIELDS, align
from ..intervals import interval_name, interval_ns, unit_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "EVENT",
    "FIELDS",
    "Comparison",
    "Entry",
    "Facts",
    "Rows",
    "action_differs",
    "action_key",
    "assembled",
    "bounds",
    "check_known",
    "check_slice",
    "chosen",
    "compare",
    "event_restated",
    "facts_of",
    "fresh_actions",
    "instrument_from",
    "instrument_to",
    "known_now",
    "known_of",
    "merged_facts",
    "needs_sessions",
    "newest",
    "newest_actions",
    "quarantined",
    "refuse_restated",
    "sliced",
    "split",
    "unknown_series",
    "when",
    "widened",
]

EVENT: Final = "event"
"""Value of ``known`` for rows that are taken to have been known at their own stamps."""

_CLOCK_SLACK_NS: Final = 60_000_000_000
"""A clock that was set back by less than this is put right in silence; more is an error."""

FIRST_NS: Final = -(2**63)
LAST_NS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of one series.

    Parameters
    ----------
    ts : int64 array, shape (n_rows,)
        Stamps, nanoseconds UTC.
    known : int64 array, shape (n_rows,)
        When the store learnt each row, nanoseconds UTC.
    values : float64 array, shape (n_rows, 5)
        Open, high, low, close, volume.

    Examples
    --------
    >>> Rows.none().size
    0
    """

    ts: npt.NDArray[np.int64]
    known: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.ts.size)

    @classmethod
    def none(cls) -> Rows:
        """No rows."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 5)))

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """Rows of several parts, by stamp and then by when they were known."""
        if not parts:
            return cls.none()
        whole = cls(
            np.concatenate([part.ts for part in parts]),
            np.concatenate([part.known for part in parts]),
            np.concatenate([part.values for part in parts]),
        )
        return whole.take(np.lexsort((whole.known, whole.ts)))

    def take(self, rows: Any) -> Rows:
        """Return some of the rows."""
        return Rows(self.ts[rows], self.known[rows], self.values[rows])

    def at(self, known: npt.NDArray[np.int64]) -> Rows:
        """Return the same rows, known at other instants."""
        return Rows(self.ts, known, self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is said once about a series.

    Parameters
    ----------
    instrument : Instrument
        Whose bars they are.
    adjusted, licence, origin : str
    synthetic : bool
        As in `SeriesInfo`.
    """

    instrument: Instrument
    adjusted: str = "unknown"
    licence: str = ""
    origin: str = ""
    synthetic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A series as the catalogue of a store knows it.

    Parameters
    ----------
    number : int
        Key inside the store.
    info : SeriesInfo
    instrument : Instrument
    notes : tuple of (int, str)
        When each note of the provenance was learnt, and the note.
    """

    number: int
    info: SeriesInfo
    instrument: Instrument
    notes: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """How new rows relate to those that are there.

    Parameters
    ----------
    added, restated : int64 array
        Places among the new rows.
    unchanged : int
        New rows that say nothing new.
    """

    added: npt.NDArray[np.int64]
    restated: npt.NDArray[np.int64]
    unchanged: int
    old: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Place, among the old rows, of what each restated one replaces."""

    @property
    def written(self) -> npt.NDArray[np.int64]:
        """Places of all rows that are new in some way, ascending."""
        return np.sort(np.concatenate([self.added, self.restated]))


def when(ns: int) -> str:
    """An instant in a message.

    Examples
    --------
    >>> when(1_704_153_600_000_000_000)
    '2024-01-02T00:00:00+00:00'
    """
    return utc(ns).isoformat()


def bounds(
    start: Instant | None, end: Instant | None, as_of: Instant | None
) -> tuple[int | None, int | None, int | None]:
    """Nanoseconds of a range and of an instant of knowledge.

    Parameters
    ----------
    start, end : instant, optional
        Both included; an `end` that is a date includes that whole day, UTC.
    as_of : instant, optional
        A date means the end of that day, UTC.

    Raises
    ------
    InputError
        If the range ends before it starts.

    Examples
    --------
    >>> bounds("1970-01-02", None, "1970-01-01")
    (86400000000000, None, 86399999999999)
    """
    low = None if start is None else instant_ns(start)
    high = None if end is None else instant_ns(end, last=True)
    if low is not None and high is not None and low > high:
        raise InputError(f"The range ends ({end}) before it starts ({start}); swap the two.")
    return low, high, None if as_of is None else instant_ns(as_of, last=True)


def known_now() -> int:
    """Nanoseconds UTC of this moment."""
    return time.time_ns()


def known_of(known: Instant | None, now: int) -> int | None:
    """Instant under which rows become known; None for `EVENT`, their own stamps.

    Parameters
    ----------
    known : instant, "event" or None
        As in `Store.append`; a date means its first nanosecond, UTC.
    now : int
        This moment.

    Raises
    ------
    InputError
        If it lies in the future or is no instant.

    Examples
    --------
    >>> known_of(None, 5), known_of("1970-01-01", 5), known_of("event", 5)
    (5, 0, None)
    """
    if known is None:
        return now
    if isinstance(known, str) and known.strip().lower() in {EVENT, "now"}:
        return None if known.strip().lower() == EVENT else now
    instant = instant_ns(known)
    if instant > now + _CLOCK_SLACK_NS:
        raise InputError(
            f"known is {when(instant)}, which is still to come (it is {when(now)}); leave it out, or give the instant "
            "at which the rows were learnt."
        )
    return instant


def check_known(name: str, known: int, newest_known: int | None, *, given: bool) -> int:
    """Instant for a write to a series that knows something already.

    Parameters
    ----------
    name : str
        Series, for the message.
    known : int
        As asked for.
    newest_known : int or None
        Newest revision of the series.
    given : bool
        Whether somebody chose `known`; the clock itself may be put right by a minute.

    Raises
    ------
    InputError
        If what is written would change a past reading.

    Examples
    --------
    >>> check_known("SPY", 5, 7, given=False), check_known("SPY", 9, 7, given=True)
    (8, 9)
    """
    if newest_known is None or known > newest_known:
        return known
    if not given and newest_known - known < _CLOCK_SLACK_NS:
        return newest_known + 1
    raise InputError(
        f"The rows of {name} would be known at {when(known)}, but the series was written at {when(newest_known)} "
        "already; what was readable then must stay as it was. Give a later `known`, or leave it out."
    )


def split(bars: Bars, known: int | None) -> list[tuple[Instrument, Rows]]:
    """Rows of each instrument that has any, without the cells that hold no bar.

    Parameters
    ----------
    bars : Bars
    known : int or None
        Instant of knowledge; None is each row's own stamp.

    Raises
    ------
    InconsistentDataError
        If a bar has a price that is missing or infinite, or would be known before its own stamp.

    Examples
    --------
    >>> bars = Bars.from_arrays([1, 2], [[1, np.nan], [2, 3]], [[1, np.nan], [2, 3]], [[1, np.nan], [2, 3]],
    ...                         [[1, np.nan], [2, 3]], symbols=["A", "B"])
    >>> [(instrument.id, rows.ts.tolist()) for instrument, rows in split(bars, 10)]
    [('A', [1, 2]), ('B', [2])]
    """
    out: list[tuple[Instrument, Rows]] = []
    for j, instrument in enumerate(bars.instruments):
        values = np.column_stack([getattr(bars, name)[:, j] for name in FIELDS])
        here = ~np.isnan(values[:, 3])
        ts = bars.ts
        if not here.all():
            values, ts = values[here], ts[here]
        sound = np.isfinite(values[:, :4]).all(axis=1) & ~np.isinf(values[:, 4])
        if not sound.all():
            row = int(sound.argmin())
            column = int((~np.isfinite(values[row])).argmax())
            raise InconsistentDataError(
                f"The bar of {instrument.id} at {when(int(ts[row]))} has {FIELDS[column]} {values[row, column]}; a "
                "store keeps whole bars only. Let the data rules take such rows out first (validate=True)."
            )
        if known is not None and ts.size and int(ts[-1]) > known:
            row = int(np.searchsorted(ts, known, side="right"))
            raise InconsistentDataError(
                f"The bar of {instrument.id} stamped {when(int(ts[row]))} would be known at {when(known)}, before "
                f"its own close ({ts.size - row} such bars); leave out bars still open, or give a later `known`."
            )
        if ts.size:
            ts = np.ascontiguousarray(ts)
            instants = ts.copy() if known is None else np.full(ts.size, known, dtype=np.int64)
            out.append((instrument, Rows(ts, instants, values)))
    return out


def compare(old: Rows, new: Rows) -> Comparison:
    """Which of the new rows add, repeat or restate.

    Parameters
    ----------
    old : Rows
        Newest reading, at least over the range of `new`, one row a stamp.
    new : Rows
        One row a stamp.

    Examples
    --------
    >>> old = Rows(np.array([1, 2]), np.array([9, 9]), np.array([[1.0] * 5, [2.0] * 5]))
    >>> new = Rows(np.array([1, 2, 3]), np.array([9] * 3), np.array([[1.0] * 5, [2.5] * 5, [3.0] * 5]))
    >>> found = compare(old, new)
    >>> found.added.tolist(), found.restated.tolist(), found.unchanged
    ([2], [1], 1)
    """
    places = np.searchsorted(old.ts, new.ts)
    safe = np.minimum(places, max(0, old.size - 1))
    there = (places < old.size) & (old.ts[safe] == new.ts) if old.size else np.zeros(new.size, dtype=np.bool_)
    rows = np.flatnonzero(there)
    before, after = old.values[safe[rows]], new.values[rows]
    same = ((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1)
    restated = rows[~same]
    return Comparison(np.flatnonzero(~there), restated, int(same.sum()), safe[restated])


def refuse_restated(key: SeriesKey, old: Rows, new: Rows, found: Comparison) -> None:
    """Raise for rows that differ from those there, naming the first with its values.

    Raises
    ------
    InconsistentDataError
        If there is one.
    """
    if not found.restated.size:
        return
    row, there = int(found.restated[0]), int(found.old[0])
    before, after = old.values[there], new.values[row]
    column = int((~((before == after) | (np.isnan(before) & np.isnan(after)))).argmax())
    raise InconsistentDataError(
        f"{found.restated.size} bars of {key.symbol} ({interval_name(key.interval_ns)}, {key.source}) differ from "
        f"those in the store; first {when(int(new.ts[row]))}: {FIELDS[column]} is {before[column]:.10g} there and "
        f"{after[column]:.10g} now. Nothing was written. restate=True (--restate) keeps both, the new one known from "
        "now on; another source name keeps them apart."
    )


def event_restated(key: SeriesKey) -> InputError:
    """Error for rows that replace others without saying when they did."""
    return InputError(
        f"Bars of {key.symbol} replace others, so they cannot have been known at their own stamps (known='event'); "
        "give the instant of the restatement, or leave `known` out."
    )


def action_differs(action: CorporateAction, there: tuple[float, float, float]) -> InconsistentDataError:
    """Error for a corporate action that is there with other terms."""

    def said(terms: tuple[float, float, float]) -> str:
        value, cash, price = terms
        return f"{value:.10g}" + (f", cash {cash:.10g}" if cash else "") + (f", price {price:.10g}" if price else "")

    return InconsistentDataError(
        f"The {action.kind} of {action.instrument.id} at {when(action.ts)} is {said(there)} in the store and "
        f"{said(action.terms)} now. Nothing was written. restate=True (--restate) keeps both, the new one known from "
        "now on."
    )


def unknown_series(key: SeriesKey, known: Iterable[SeriesKey], store: str) -> MissingDataError:
    """Error for a series that a store does not have, with the nearest it has."""
    names = [_named(other) for other in known]
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return MissingDataError(
        f"There is no series {_named(key)!r} in {store}{closest(_named(key), names) or '.'} "
        f"It has {shown or 'nothing yet'}."
    )


def _named(key: SeriesKey) -> str:
    return f"{key.symbol} {interval_name(key.interval_ns)} {key.source}"


def quarantined(findings: Iterable[Finding], bars: Bars, source: str) -> dict[SeriesKey, list[Finding]]:
    """Errors among findings, by the series whose rows they kept out.

    Examples
    --------
    >>> bars = Bars.from_arrays([1], [1], [1], [1], [1], symbols="A", interval_ns=1)
    >>> bad = Finding(rule="price", severity=Severity.ERROR, message="...", symbol="A")
    >>> [(key.symbol, len(found)) for key, found in quarantined([bad], bars, "x").items()]
    [('A', 1)]
    """
    out: dict[SeriesKey, list[Finding]] = {}
    for finding in findings:
        symbol = finding.symbol or (bars.symbols[0] if bars.n_assets == 1 else "")
        if finding.severity == Severity.ERROR and symbol in bars.symbols:
            sound = finding.value is None or math.isfinite(finding.value)
            kept = finding if sound else replace(finding, value=None)
            out.setdefault(SeriesKey(symbol, bars.interval_ns, source), []).append(kept)
    return out


def sliced(bars: Bars, rows: int) -> Iterator[Bars]:
    """Parts of bars with at most `rows` rows.

    Raises
    ------
    InputError
        If `rows` is not positive.

    Examples
    --------
    >>> bars = Bars.from_arrays(None, [1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3])
    >>> [part.n_bars for part in sliced(bars, 2)]
    [2, 1]
    """
    check_slice(rows)
    return (bars.rows(first, first + rows) for first in range(0, bars.n_bars, rows))


def check_slice(rows: int) -> None:
    """Refuse parts without rows."""
    if rows < 1:
        raise InputError(f"A slice of {rows} rows holds nothing; rows must be at least 1.")


def newest(rows: Rows, as_of: int | None = None) -> Rows:
    """One row a stamp: the one known last, at or before `as_of`.

    Parameters
    ----------
    rows : Rows
        By stamp, and by ``known`` within one stamp.
    as_of : int, optional

    Examples
    --------
    >>> rows = Rows(np.array([1, 1, 2]), np.array([5, 7, 7]), np.arange(15.0).reshape(3, 5))
    >>> newest(rows).values[:, 0].tolist(), newest(rows, 6).values[:, 0].tolist()
    ([5.0, 10.0], [0.0])
    """
    if as_of is not None and rows.size and int(rows.known.max()) > as_of:
        rows = rows.take(rows.known <= as_of)
    if rows.size < 2:
        return rows
    last = np.append(rows.ts[1:] != rows.ts[:-1], True)
    return rows if last.all() else rows.take(last)


def facts_of(bars: Bars, instrument: Instrument) -> Facts:
    """What bars say about one of their instruments."""
    origin = bars.provenance
    return Facts(
        instrument=instrument,
        adjusted=origin.adjusted,
        licence=origin.licence,
        origin=origin.source,
        synthetic=origin.synthetic,
    )


def merged_facts(key: SeriesKey, old: Facts | None, new: Facts) -> Facts:
    """Facts of a series after a write.

    Raises
    ------
    InconsistentDataError
        If the new bars are adjusted in another way, or made up where the others are not.

    Examples
    --------
    >>> spy = Instrument("SPY")
    >>> merged_facts(SeriesKey("SPY", 1, "x"), Facts(instrument=spy, adjusted="raw"), Facts(instrument=spy)).adjusted
    'raw'
    """
    if old is None:
        return new
    name = f"{key.symbol} ({interval_name(key.interval_ns)}, {key.source})"
    if old.synthetic != new.synthetic:
        words = ("made up", "real")
        raise InconsistentDataError(
            f"The prices of {name} in the store are {words[not old.synthetic]} and the new ones {words[old.synthetic]}"
            "; keep them under another source name."
        )
    if new.adjusted not in {old.adjusted, "unknown"}:
        raise InconsistentDataError(
            f"The prices of {name} in the store are adjusted {old.adjusted!r} and the new ones {new.adjusted!r}; "
            "prices of one series must be of one kind. Keep them under another source name."
        )
    if old.instrument.calendar != new.instrument.calendar:
        raise InconsistentDataError(
            f"{name} trades on the calendar {old.instrument.calendar!r} in the store and on "
            f"{new.instrument.calendar!r} in the new bars; read them with calendar={old.instrument.calendar!r}, or "
            "keep them under another source name."
        )
    licences = [text for text in (old.licence, new.licence) if text]
    return replace(old, licence="; ".join(dict.fromkeys(licences)) if new.licence not in old.licence else old.licence,
                   origin=old.origin or new.origin)  # fmt: skip


def chosen(entries: Iterable[Entry], symbols: Sequence[str], interval: str, source: str | None) -> list[Entry]:
    """One series for each symbol, in the order asked for.

    Raises
    ------
    MissingDataError
        If there is none; the message names the nearest symbols, or the intervals and sources there are.
    InputError
        If no symbol is given, or several sources have one and none was chosen.
    """
    every = list(entries)
    wanted = [symbols] if isinstance(symbols, str) else list(dict.fromkeys(symbols))
    if not wanted:
        raise InputError("No symbol was given; name at least one of the store's series.")
    length = interval_ns(interval)
    by_symbol: dict[str, list[Entry]] = {}
    for entry in every:
        by_symbol.setdefault(entry.info.key.symbol, []).append(entry)
    folded: dict[str, list[str]] = {}
    for symbol in by_symbol:
        folded.setdefault(symbol.casefold(), []).append(symbol)
    return [_chosen(by_symbol, folded, symbol, length, source) for symbol in wanted]


def _chosen(
    by_symbol: dict[str, list[Entry]], folded: dict[str, list[str]], symbol: str, length: int, source: str | None
) -> Entry:
    mine = by_symbol.get(symbol, [])
    if not mine:
        near = folded.get(symbol.casefold(), [])
        mine = by_symbol[near[0]] if len(near) == 1 else []
    if not mine:
        shown = ", ".join(list(by_symbol)[:12]) + (f" and {len(by_symbol) - 12} more" if len(by_symbol) > 12 else "")
        raise MissingDataError(
            f"No {symbol!r} in the store{closest(symbol, by_symbol) or '.'} It has {shown or 'nothing yet'}."
        )
    fit = [entry for entry in mine if entry.info.key.interval_ns == length]
    if not fit:
        have = ", ".join(dict.fromkeys(interval_name(entry.info.key.interval_ns) for entry in mine))
        raise MissingDataError(
            f"{symbol} has no bars of {interval_name(length)} in the store; it has {have}. Ask for one of them, or "
            "make longer bars of shorter ones (data resample)."
        )
    sources = [entry.info.key.source for entry in fit]
    if source is not None:
        found = [entry for entry in fit if entry.info.key.source == source]
        if not found:
            raise MissingDataError(
                f"{symbol} has no bars of the source {source!r}{closest(source, sources) or ';'} "
                f"there are {', '.join(sources)}."
            )
        return found[0]
    if len(fit) > 1:
        raise InputError(
            f"{symbol} {interval_name(length)} is there from several sources ({', '.join(sources)}); choose one "
            "(source=..., --source)."
        )
    return fit[0]


def needs_sessions(entries: Sequence[Entry]) -> bool:
    """Whether a row of the grid may hold bars with different stamps: days and longer of several instruments."""
    return len(entries) > 1 and unit_of(entries[0].info.key.interval_ns) != "intraday"


def widened(entries: Sequence[Entry], low: int | None, high: int | None) -> tuple[int | None, int | None]:
    """Range to read for a range asked for: two bars more on each side where `needs_sessions`.

    A row of the grid is stamped with the last of its closes, which may lie in the range when other closes of it do not.
    """
    if not needs_sessions(entries):
        return low, high
    more = 2 * entries[0].info.key.interval_ns
    return None if low is None else low - more, None if high is None else high + more


def action_key(action: CorporateAction) -> tuple[str, int, str, str]:
    """What makes two reports of a corporate action one: whom, when and what; the value may be restated."""
    return action.instrument.id, action.ts, str(action.kind), action.new_symbol


def newest_actions(
    known: Iterable[tuple[int, CorporateAction]], as_of: int | None = None
) -> tuple[CorporateAction, ...]:
    """Last report of each action at or before `as_of`, by stamp and symbol.

    Examples
    --------
    >>> from tradewright.domain.actions import ActionKind
    >>> aapl = Instrument("AAPL")
    >>> first = CorporateAction(ts=1, instrument=aapl, kind=ActionKind.DIVIDEND, value=1.0)
    >>> [a.value for a in newest_actions([(5, first), (7, replace(first, value=2.0))])]
    [2.0]
    """
    found: dict[tuple[str, int, str, str], tuple[int, CorporateAction]] = {}
    for instant, action in known:
        if as_of is not None and instant > as_of:
            continue
        key = action_key(action)
        if key not in found or found[key][0] <= instant:
            found[key] = (instant, action)
    return tuple(action for _, action in sorted((item for item in found.values()), key=lambda item: _order(item[1])))


def fresh_actions(
    known: Sequence[tuple[int, CorporateAction]], actions: Sequence[CorporateAction], *, restate: bool
) -> list[CorporateAction]:
    """Actions that say something new.

    Raises
    ------
    InconsistentDataError
        If one has another value than the one that is known, and `restate` is False.
    """
    there = {action_key(action): action.terms for action in newest_actions(known)}
    out: list[CorporateAction] = []
    for action in actions:
        terms = there.get(action_key(action))
        if terms is not None and terms != action.terms and not restate:
            raise action_differs(action, terms)
        if terms != action.terms:
            out.append(action)
    return out


def _order(action: CorporateAction) -> tuple[int, str, str, str]:
    return action.ts, action.instrument.id, str(action.kind), action.new_symbol


def assembled(
    entries: Sequence[Entry],
    rows: Sequence[Rows],
    *,
    store: str,
    low: int | None,
    high: int | None,
    as_of: int | None,
    actions: Sequence[CorporateAction] = (),
    before: Callable[[int], int | None] | None = None,
) -> Bars:
    """Bars of rows, on one grid, with their provenance and actions.

    Parameters
    ----------
    entries : sequence of Entry
        One per column.
    rows : sequence of Rows
        One row a stamp each, over the range that `widened` gives.
    store : str
        Name of the store, for messages.
    low, high, as_of : int or None
        What was asked for.
    actions : sequence of CorporateAction
        All that are known of the instruments.
    before : callable, optional
        Gives the last stamp of any of the series before a given one; an action between it and the first bar belongs to
        the first bar. Called only when there are actions and `low` is given.

    Raises
    ------
    MissingDataError
        If there is no row.
    """
    full = [place for place, found in enumerate(rows) if found.size]
    if not full:
        raise _nothing(entries, store, low, high, as_of)
    single = [_bars(entries[place], rows[place], as_of) for place in full]
    bars = align(single)
    if len(full) < len(entries):
        bars = _with_empty(bars, entries, full)
    if needs_sessions(entries):
        first = 0 if low is None else int(np.searchsorted(bars.ts, low, side="left"))
        last = bars.n_bars if high is None else int(np.searchsorted(bars.ts, high, side="right"))
        if first >= last:
            raise _nothing(entries, store, low, high, as_of)
        # The cut below leaves out what is before its first row, where a row before it was read; here none was.
        edge = before(low) if actions and low is not None and first == 0 and before is not None else None
        kept = tuple(action for action in actions if edge is None or action.ts > edge)
        bars = replace(bars, actions=kept) if kept else bars
        return bars.rows(first, last)
    if actions:
        edge = before(low) if low is not None and before is not None else None
        bars = replace(bars, actions=tuple(
            action for action in actions
            if (high is None or action.ts <= int(bars.ts[-1])) and (edge is None or action.ts > edge)
        ))  # fmt: skip
    return bars


def _bars(entry: Entry, rows: Rows, as_of: int | None) -> Bars:
    key = entry.info.key
    columns: dict[str, Any] = {n: np.ascontiguousarray(rows.values[:, i : i + 1]) for i, n in enumerate(FIELDS)}
    return Bars(
        np.ascontiguousarray(rows.ts),
        **columns,
        instruments=(entry.instrument,),
        interval_ns=key.interval_ns,
        provenance=Provenance(
            source=f"store: {key.source}",
            synthetic=entry.info.synthetic,
            licence=entry.info.licence,
            adjusted=entry.info.adjusted,
            notes=tuple(dict.fromkeys(note for known, note in entry.notes if as_of is None or known <= as_of)),
        ),
    )


def _with_empty(bars: Bars, entries: Sequence[Entry], full: Sequence[int]) -> Bars:
    """Bars with columns of NaN for the instruments that have none in the range."""
    arrays = [np.full((bars.n_bars, len(entries)), np.nan) for _ in FIELDS]
    for name, array in zip(FIELDS, arrays, strict=True):
        array[:, list(full)] = getattr(bars, name)
    named: dict[str, Any] = dict(zip(FIELDS, arrays, strict=True))
    return replace(bars, **named, instruments=tuple(entry.instrument for entry in entries))


def _nothing(
    entries: Sequence[Entry], store: str, low: int | None, high: int | None, as_of: int | None
) -> MissingDataError:
    infos = [entry.info for entry in entries]
    names = ", ".join(info.key.symbol for info in infos[:5]) + (", ..." if len(infos) > 5 else "")
    first_known = min((info.revisions[0] for info in infos if info.revisions), default=None)
    if as_of is not None and (first_known is None or as_of < first_known):
        since = "" if first_known is None else f"; the store learnt of them at {when(first_known)}"
        return MissingDataError(f"Nothing of {names} was known as of {when(as_of)}{since} ({store}).")
    span = f"{when(min(i.first for i in infos))} to {when(max(i.last for i in infos))}"
    asked = f"from {'the start' if low is None else when(low)} to {'the end' if high is None else when(high)}"
    return MissingDataError(f"No bars of {names} {asked}; the store has {span}.")


def instrument_to(instrument: Instrument) -> dict[str, Any]:
    """An instrument as plain values, without what `Instrument` assumes anyway.

    Examples
    --------
    >>> instrument_to(Instrument("BTC-USD", calendar="24/7"))
    {'symbol': 'BTC-USD', 'calendar': '24/7'}
    """
    plain = Instrument(instrument.symbol)
    out: dict[str, Any] = {}
    for item in fields(instrument):
        value = getattr(instrument, item.name)
        if item.name == "symbol" or value != getattr(plain, item.name):
            out[item.name] = value.isoformat() if isinstance(value, dt.date) else _plain(value)
    return out


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, (AssetClass, OptionKind)) else value


def instrument_from(values: dict[str, Any]) -> Instrument:
    """Instrument that `instrument_to` wrote down.

    Examples
    --------
    >>> option = Instrument.of("SPY240119C00480000")
    >>> again = instrument_from(instrument_to(option))
    >>> again.expiry == option.expiry, again.option_kind is option.option_kind, again.asset_class is option.asset_class
    (True, True, True)
    """
    known = dict(values)
    if known.get("expiry"):
        known["expiry"] = dt.date.fromisoformat(known["expiry"])
    if known.get("option_kind"):
        known["option_kind"] = OptionKind(known["option_kind"])
    if known.get("asset_class"):
        known["asset_class"] = AssetClass(known["asset_class"])
    return Instrument(**known)
