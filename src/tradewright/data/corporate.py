"""Corporate actions from files, and what they do to bars before a run.

Entry points: `read_actions` (a file or rows), `attach` (to bars), `join_symbols` and `other_names` (changes of symbol),
`listed` (delistings), `explained` (of what the rules found), `action_table` (for people).

A file has the columns ``date, symbol, kind, value, new_symbol, cash, price``. The date is the ex-date: the first
session whose prices are quoted after the action (of a delisting: the first session without it); with a time it is an
instant. Kinds are ``split`` (value: new shares per old, ``7`` or ``7:1``), ``dividend`` (cash per share as it was paid
on that day), ``symbol_change`` (``new_symbol``), ``delisting`` (final cash per share, 0 or empty for nothing),
``spin_off`` (value: shares of ``new_symbol`` per share, ``1:4`` or ``0.25``; ``price`` of one of them) and ``merger``
(value: shares of ``new_symbol`` per share, empty for cash alone; ``cash`` per share; ``price`` of a new one).

Invariants: a change of symbol makes one column of two, so nothing below ever meets it; bars and actions under one
instrument are of one company; what was left out or assumed is a note in the provenance.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from ..domain.actions import ActionKind, CorporateAction
from ..domain.bars import Bars, instant_ns, utc
from ..domain.errors import DataProviderError, InputError, closest
from ..domain.instrument import Instrument
from .adjust import action_rows
from .hours import MINUTE_NS, hours_of, session_closes
from .zones import DAY_NS

if TYPE_CHECKING:
    import numpy.typing as npt

    from .sanity import SanityReport

__all__ = [
    "ActionsLike",
    "action_table",
    "attach",
    "ex_date_ns",
    "explained",
    "join_symbols",
    "listed",
    "other_names",
    "read_actions",
]

ActionsLike: TypeAlias = "str | Path | Iterable[CorporateAction] | Iterable[Mapping[str, Any]]"
"""A file, actions, or rows with the columns of a file."""

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("date", "exdate", "ts", "time", "datetime", "effectivedate"),
    "symbol": ("symbol", "ticker", "instrument", "asset"),
    "kind": ("kind", "type", "action", "event"),
    "value": ("value", "amount", "ratio", "factor", "cash", "price"),
    "new_symbol": ("newsymbol", "newticker", "newname", "to", "acquirer", "child"),
    "cash": ("cash", "cashpershare", "cashamount"),
    "price": ("price", "newprice", "priceofnew"),
}
_KINDS: Final = {
    "split": ActionKind.SPLIT,
    "stocksplit": ActionKind.SPLIT,
    "dividend": ActionKind.DIVIDEND,
    "div": ActionKind.DIVIDEND,
    "cashdividend": ActionKind.DIVIDEND,
    "symbolchange": ActionKind.SYMBOL_CHANGE,
    "tickerchange": ActionKind.SYMBOL_CHANGE,
    "rename": ActionKind.SYMBOL_CHANGE,
    "delisting": ActionKind.DELISTING,
    "delisted": ActionKind.DELISTING,
    "delist": ActionKind.DELISTING,
    "spinoff": ActionKind.SPIN_OFF,
    "merger": ActionKind.MERGER,
    "acquisition": ActionKind.MERGER,
    "specialdividend": ActionKind.DIVIDEND,
    "specialcashdividend": ActionKind.DIVIDEND,
    "reversesplit": ActionKind.SPLIT,
}
_LAST: Final = frozenset({ActionKind.DELISTING, ActionKind.MERGER})
"""What ends the life of an instrument."""
_LATE_DAYS: Final = 31
"""How long after its last bar a delisting (or merger) may be and still end the data with a row of its own."""
_MEANINGS: Final = {
    ActionKind.SPLIT: "new shares per old",
    ActionKind.SPIN_OFF: "new shares per share",
    ActionKind.MERGER: "new shares per share",
}
_PLAIN: Final = math.log(1.5)
"""Splits from this size on can be told from a move of the market."""


def read_actions(source: ActionsLike) -> tuple[CorporateAction, ...]:
    """Corporate actions from a file or rows.

    Parameters
    ----------
    source : path, iterable of CorporateAction, or iterable of mappings
        A delimited file (comma, semicolon or tab; gzip too), or the same columns as mappings. Names of columns and
        kinds are recognised whatever their case, spaces and underscores; ``new_symbol`` is for changes of symbol,
        spin-offs and mergers, ``cash`` for mergers, ``price`` for the last two.

    Returns
    -------
    tuple of CorporateAction
        By their instants.

    Raises
    ------
    InputError
        If a column is missing or a row cannot be understood; the message names the row, the value and what would do.
    DataProviderError
        If the file cannot be read.

    Examples
    --------
    >>> rows = [{"date": "2014-06-09", "symbol": "AAPL", "kind": "split", "value": "7:1"}]
    >>> action = read_actions(rows)[0]
    >>> str(action.kind), action.value, str(utc(action.ts))[:16]
    ('split', 7.0, '2014-06-09 13:30')
    """
    if isinstance(source, (str, Path)):
        name, rows = Path(source).name, _file_rows(Path(source))
    else:
        frame: Any = source
        given = list(frame.to_dict("records") if hasattr(frame, "to_dict") and hasattr(frame, "columns") else source)
        made = [item for item in given if isinstance(item, CorporateAction)]
        if len(made) == len(given):
            return tuple(sorted(made, key=lambda action: action.ts))
        name, rows = "actions", []
        for number, item in enumerate(given, 1):
            if not isinstance(item, Mapping):
                raise InputError(f"Row {number} of the actions is {item!r}; give CorporateAction or mappings.")
            rows.append((number, item))
    out: list[CorporateAction] = []
    seen: dict[Any, int] = {}
    for number, cells in rows:
        action = _action(name, number, _roles(name, cells))
        twin = seen.setdefault((action.ts, action.instrument, action.kind, action.terms, action.new_symbol), number)
        if twin != number:
            raise InputError(
                f"Row {number} of {name} says the same as row {twin} ({action.kind} of {action.instrument.symbol}, "
                f"{utc(action.ts):%Y-%m-%d}); it would count twice. Delete one, or add two payments up."
            )
        out.append(action)
    return tuple(sorted(out, key=lambda action: action.ts))


def attach(bars: Bars, actions: ActionsLike) -> Bars:
    """Bars that carry these corporate actions.

    Parameters
    ----------
    bars : Bars
    actions : path, iterable of CorporateAction, or iterable of mappings
        For an instrument that is named here they replace what the bars carry; those of other instruments are left out.

    Returns
    -------
    Bars
        With changes of symbol joined, and splits and dividends only where the prices do not contain them: what the
        provenance says decides (``adjusted``); where it says nothing, splits of 1.5 or more decide, which show in the
        prices or do not. Dividends before a split that the prices contain are restated per share of today. A delisting
        within 31 days after the last bar adds a row without prices, in which it takes effect.

    Examples
    --------
    >>> days = np.array(["2014-06-06T20:00", "2014-06-09T20:00"], dtype="datetime64[ns]")
    >>> bars = Bars.from_arrays(days, [645, 92], [646, 94], [644, 92], [645, 93], symbols="AAPL")
    >>> made = attach(bars, [{"date": "2014-06-09", "symbol": "AAPL", "kind": "split", "value": 7}])
    >>> [str(action.kind) for action in made.actions], made.provenance.adjusted
    (['split'], 'raw')
    >>> seventh = Bars.from_arrays(days, [92, 92], [93, 94], [92, 92], [92, 93], symbols="AAPL")
    >>> attach(seventh, made.actions).actions
    ()
    """
    name = Path(actions).name if isinstance(actions, (str, Path)) else "given"
    known = read_actions(actions)
    bars = join_symbols(bars, [action for action in known if action.kind is ActionKind.SYMBOL_CHANGE])
    heirs = _heirs(known)
    columns = {instrument: j for j, instrument in enumerate(bars.instruments)}
    plain = {instrument.symbol: instrument for instrument in bars.instruments}
    own: dict[Instrument, list[CorporateAction]] = {}
    foreign = 0
    dated = bars.n_bars > 0 and bool((bars.ts % DAY_NS == 0).all())
    for action in known:
        if action.kind is ActionKind.SYMBOL_CHANGE:
            continue
        symbol = heirs(action.instrument.symbol, action.ts)
        found = replace(action.instrument, symbol=symbol)
        target = found if found in columns else plain.get(symbol)
        if target is None:
            foreign += 1
            continue
        instrument = bars.instruments[columns[target]]
        # Bars stamped at midnight are named by their day: so are their actions.
        ts = action.ts // DAY_NS * DAY_NS if dated and not hours_of(instrument.calendar).always_open else action.ts
        named = heirs(action.new_symbol, action.ts) if action.new_symbol else ""
        own.setdefault(instrument, []).append(replace(action, instrument=instrument, ts=ts, new_symbol=named))
    notes: list[str] = []
    kept = [action for action in bars.actions if action.instrument not in own]
    replaced = len(bars.actions) - len(kept)
    verdicts: set[str] = set()
    for instrument, mine in own.items():
        mine, held, said = _not_in_prices(bars, columns[instrument], mine)
        kept += mine
        notes += said
        verdicts.add(held)
    counts = [f"{sum(a.kind is kind for a in kept)} {kind}" for kind in ActionKind if any(a.kind is kind for a in kept)]
    notes.append(f"corporate actions ({name}): {', '.join(counts) or 'none that concern these bars'}")
    if foreign:
        notes.append(f"corporate actions of other instruments left out: {foreign}")
    if replaced:
        notes.append(f"corporate actions of the source replaced by those of {name}: {replaced}")
    origin = bars.provenance
    if origin.adjusted == "unknown" and len(verdicts) == 1:
        origin = replace(origin, adjusted=verdicts.pop())
    made = replace(bars, actions=tuple(sorted(kept, key=lambda action: action.ts)), provenance=origin.with_note(*notes))
    return _last_row(made)


def join_symbols(bars: Bars, changes: Iterable[CorporateAction]) -> Bars:
    """One column of an instrument that changed its symbol, under the newest name.

    Parameters
    ----------
    bars : Bars
    changes : iterable of CorporateAction
        Of kind ``symbol_change``; others are not looked at.

    Returns
    -------
    Bars
        Where both symbols have a column: the bars of the old one until the change and those of the new one from it on.
        Bars of either symbol on the other side are of another company, and are left out with a note. Where only the old
        one is there it is renamed. Other actions go with their instrument.

    Examples
    --------
    >>> days = np.array(["2022-06-08", "2022-06-09"], dtype="datetime64[D]")
    >>> prices = [[196.0, np.nan], [np.nan, 184.0]]
    >>> bars = Bars.from_arrays(days, prices, prices, prices, prices, symbols=["FB", "META"])
    >>> change = CorporateAction(ts=instant_ns("2022-06-09"), instrument=bars.instruments[0],
    ...                          kind=ActionKind.SYMBOL_CHANGE, new_symbol="META")
    >>> joined = join_symbols(bars, [change])
    >>> joined.symbols, joined.close[:, 0].tolist()
    (('META',), [196.0, 184.0])
    """
    for change in sorted((c for c in changes if c.kind is ActionKind.SYMBOL_CHANGE), key=lambda c: c.ts):
        bars = _joined(bars, change)
    return bars


def other_names(wanted: Sequence[str], actions: ActionsLike, available: Iterable[str]) -> list[str]:
    """Symbols to load for some wanted ones: the names that they had before or have since, as far as a source has them.

    Examples
    --------
    >>> rows = [{"date": "2022-06-09", "symbol": "FB", "kind": "symbol_change", "new_symbol": "META"}]
    >>> other_names(["META"], rows, ["FB", "META", "SPY"]), other_names(["META"], rows, ["FB"])
    (['META', 'FB'], ['FB'])
    """
    links = [(a.instrument.symbol, a.new_symbol) for a in read_actions(actions) if a.kind is ActionKind.SYMBOL_CHANGE]
    there = set(available)
    out: list[str] = []
    for symbol in wanted:
        family = [symbol]
        for name in family:
            family += [b if a == name else a for a, b in links if name in {a, b} and not {a, b} <= set(family)]
        out += [name for name in dict.fromkeys(family) if name in there] or [symbol]
    return list(dict.fromkeys(out))


def explained(report: SanityReport, bars: Bars) -> SanityReport:
    """Report without the jumps of prices that are splits of these bars."""
    known = {
        (bars.symbols[j], int(bars.ts[row]))
        for row, j, action, _ in action_rows(bars)
        if action.kind is ActionKind.SPLIT
    }
    gone = [f for f in report.findings if f.rule in {"split", "jump"} and (f.symbol, f.ts) in known]
    if not gone:
        return report
    counts = Counter(report.counts)
    counts.subtract(Counter((f.symbol, f.rule, str(f.severity)) for f in gone))
    kept = tuple(f for f in report.findings if f not in gone)
    return replace(report, findings=kept, counts={key: number for key, number in counts.items() if number})


def listed(bars: Bars) -> Bars:
    """Bars without those that an instrument has after its delisting or merger; the same object when there are none.

    Examples
    --------
    >>> days = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
    >>> x = Instrument("X")
    >>> gone = CorporateAction(ts=instant_ns("2024-01-03"), instrument=x, kind=ActionKind.DELISTING, value=1.5)
    >>> bars = Bars.from_arrays(days, [2, 2], [2, 2], [2, 2], [2, 2], instruments=x, actions=[gone])
    >>> listed(bars).close[:, 0].tolist()
    [2.0, nan]
    """
    gone = [(row, j) for row, j, action, _ in action_rows(bars) if action.kind in _LAST]
    gone = [(row, j) for row, j in gone if np.isfinite(bars.close[row:, j]).any()]
    if not gone:
        return bars
    fields = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
    for row, j in gone:
        for array in fields.values():
            array[row:, j] = np.nan
    names = ", ".join(bars.symbols[j] for _, j in gone[:5])
    note = f"bars after a delisting or merger are left out: {names}"
    return Bars(bars.ts, **fields, instruments=bars.instruments, interval_ns=bars.interval_ns,
                provenance=bars.provenance.with_note(note), actions=bars.actions)  # fmt: skip


def action_table(bars: Bars) -> list[dict[str, Any]]:
    """Actions of some bars as rows: date, symbol, kind, value, new symbol, and the session whose bar they meet.

    Examples
    --------
    >>> x = Instrument("X")
    >>> days = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
    >>> paid = CorporateAction(ts=instant_ns("2024-01-03"), instrument=x, kind=ActionKind.DIVIDEND, value=0.5)
    >>> bars = Bars.from_arrays(days, [2, 2], [2, 2], [2, 2], [2, 2], instruments=x, actions=[paid])
    >>> action_table(bars)[0]["session"]
    '2024-01-03'
    """
    from .calendars import session_dates

    dates = session_dates(bars)
    rows = np.searchsorted(bars.ts, np.array([a.ts for a in bars.actions], dtype=np.int64), side="left").tolist()
    return [
        {
            "symbol": action.instrument.id,
            "kind": str(action.kind),
            "value": action.value,
            "new_symbol": action.new_symbol,
            "cash": action.cash,
            "price": action.price,
            "effective": utc(action.ts).isoformat(),
            "row": row if row < bars.n_bars else None,
            "session": str(dates[row]) if row < bars.n_bars else None,
        }
        for action, row in zip(bars.actions, rows, strict=True)
    ]


def ex_date_ns(day: int, calendar: str) -> int:
    """Instant from which prices of a session are quoted after an action of its date: just after it opens.

    Parameters
    ----------
    day : int
        Days since 1970-01-01.
    calendar : str

    Examples
    --------
    >>> str(utc(ex_date_ns(16_230, "XNYS")))[:16]
    '2014-06-09 13:30'
    """
    close = int(session_closes(np.array([day], dtype=np.int64), calendar)[0])
    return close - hours_of(calendar).minutes * MINUTE_NS + 1


# --- private ------------------------------------------------------------------------------------------


def _file_rows(path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    """Rows of a delimited file with their line numbers."""
    if not path.is_file():
        near = closest(path.name, [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else [])
        raise DataProviderError(f"There is no file {str(path)!r}{near or '.'} It should hold corporate actions.")
    raw = path.read_bytes()
    try:
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataProviderError(f"{path} cannot be read as text: {error}.") from None
    first = next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    delimiter = max((",", ";", "\t", "|"), key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header: list[str] | None = None
    out: list[tuple[int, Mapping[str, Any]]] = []
    for cells in reader:
        if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
            continue
        if header is None:
            header = [cell.strip() for cell in cells]
            _roles(path.name, dict.fromkeys(header, ""))
            continue
        if len(cells) > len(header):
            raise InputError(
                f"Row {reader.line_num} of {path.name} has {len(cells)} cells, its header has {len(header)} "
                f"({', '.join(header)}); quote a cell that holds the delimiter {delimiter!r}."
            )
        out.append((reader.line_num, dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=True))))
    if header is None:
        raise InputError(f"{path.name} is empty; its first line should be date,symbol,kind,value,new_symbol.")
    return out


def _roles(name: str, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Cells by the meaning of their columns."""
    plain = {str(key).casefold().replace("_", "").replace(" ", "").replace("-", ""): key for key in cells}
    found: dict[str, Any] = {}
    taken: set[str] = set()
    for role, names in _COLUMNS.items():
        key = next((plain[alias] for alias in names if alias in plain and plain[alias] not in taken), None)
        taken |= set() if key is None else {key}
        if key is not None:
            found[role] = cells[key]
        elif role in {"date", "symbol", "kind"}:
            hint = closest(role, [str(key) for key in cells]) or "."
            raise InputError(
                f"{name} has no column {role!r}{hint} It has {', '.join(map(str, cells)) or 'none'}; corporate actions "
                "need date,symbol,kind,value and, for changes of symbol, new_symbol."
            )
    return found


def _action(name: str, number: int, cells: Mapping[str, Any]) -> CorporateAction:
    """One row as an action."""

    def refuse(what: str) -> InputError:
        return InputError(f"Row {number} of {name}: {what}")

    symbol = str(cells["symbol"]).strip()
    if not symbol or symbol == "nan":
        raise refuse("the symbol is missing; every action concerns one instrument.")
    word = str(cells["kind"]).strip()
    kind = _KINDS.get(word.casefold().replace("_", "").replace(" ", "").replace("-", ""))
    if kind is None:
        known = [str(k) for k in ActionKind]
        raise refuse(f"the kind is {word!r}{closest(word, known) or '.'} It must be one of {', '.join(known)}.")
    instrument = Instrument.of(symbol)
    ts = _instant(cells["date"], instrument, refuse)
    new_symbol = _text(cells.get("new_symbol"))
    exchange = kind in {ActionKind.SPIN_OFF, ActionKind.MERGER}
    value = _value(cells.get("value"), kind, refuse)
    cash, price = (_amount(cells.get(name), name, kind, refuse) if exchange else 0.0 for name in ("cash", "price"))
    if kind is ActionKind.MERGER and value == cash == 0.0:
        raise refuse(
            f"the merger of {symbol} gives neither shares nor cash; give `value` (new shares per share) or `cash`."
        )
    if kind is ActionKind.SYMBOL_CHANGE and new_symbol in {"", symbol}:
        shown = "is missing" if not new_symbol else f"{new_symbol!r} is the old one"
        raise refuse(f"the new_symbol of {symbol} {shown}; name the symbol from that day on.")
    try:
        return CorporateAction(
            ts=ts, instrument=instrument, kind=kind, value=value, new_symbol=new_symbol, cash=cash, price=price
        )
    except InputError as error:
        raise refuse(str(error)) from None


def _instant(cell: Any, instrument: Instrument, refuse: Any) -> int:
    text = cell.strip() if isinstance(cell, str) else cell
    try:
        if isinstance(text, str):
            if len(text) == 8 and text.isdigit():
                text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
            if len(text) > 10 and text[10:].strip(" T").replace("0", "").replace(":", "").replace(".", "") == "":
                text = text[:10]  # a date that a frame wrote with midnight
            day = len(text) <= 10
        else:
            import datetime as dt

            midnight = isinstance(text, dt.datetime) and text.time() == dt.time() and text.tzinfo is None
            text = text.date() if isinstance(text, dt.datetime) and midnight else text
            day = isinstance(text, dt.date) and not isinstance(text, dt.datetime)
            day = day or (isinstance(text, np.datetime64) and np.datetime_data(text)[0] == "D")
        ns = instant_ns(text)
    except InputError:
        raise refuse(f"the date is {cell!r}; write it like 2014-06-09 (or with a time and zone).") from None
    return ex_date_ns(ns // DAY_NS, instrument.calendar) if day else ns


def _text(cell: Any) -> str:
    return "" if cell is None or (isinstance(cell, float) and math.isnan(cell)) else str(cell).strip()


def _value(cell: Any, kind: ActionKind, refuse: Any) -> float:
    text = _text(cell)
    if kind is ActionKind.SYMBOL_CHANGE:
        return 0.0
    if not text:
        if kind in _LAST:
            return 0.0
        meaning = _MEANINGS.get(kind, "cash per share")
        raise refuse(f"the {kind} has no value; give the {meaning}.")
    parts = [text]
    if kind in _MEANINGS:
        for mark in (":", "/", "-for-", " for "):
            if mark in text:
                parts = text.split(mark)
                break
    try:
        numbers = [float(part.strip().lstrip("$")) for part in parts]
        value = numbers[0] if len(numbers) == 1 else numbers[0] / numbers[1]
    except (ValueError, ZeroDivisionError, IndexError):
        example = f"7 or 7:1 ({_MEANINGS[kind]})" if kind in _MEANINGS else "0.47 (cash per share)"
        raise refuse(f"the value of the {kind} is {text!r}; write {example}.") from None
    return value


def _amount(cell: Any, name: str, kind: ActionKind, refuse: Any) -> float:
    """Money beside the value; 0 where it is not given."""
    text = _text(cell)
    try:
        return float(text.lstrip("$")) if text else 0.0
    except ValueError:
        raise refuse(f"the {name} of the {kind} is {text!r}; write it like 12.5, or leave it empty.") from None


def _heirs(known: Sequence[CorporateAction]) -> Any:
    """Newest symbol of one that was in use at an instant."""
    changes = sorted((a for a in known if a.kind is ActionKind.SYMBOL_CHANGE), key=lambda a: a.ts)

    def newest(symbol: str, ts: int) -> str:
        for change in changes:
            # An action on the day of the change may stand under either name.
            if change.instrument.symbol == symbol and ts <= change.ts:
                symbol, ts = change.new_symbol, change.ts
        return symbol

    return newest


def _joined(bars: Bars, change: CorporateAction) -> Bars:
    symbols = [instrument.symbol for instrument in bars.instruments]
    old, new = change.instrument.symbol, change.new_symbol
    day = f"{utc(change.ts):%Y-%m-%d}"
    if old not in symbols:
        return bars
    j = symbols.index(old)
    was = bars.instruments[j]
    if new not in symbols:
        named = replace(was, symbol=new)
        instruments = tuple(named if instrument == was else instrument for instrument in bars.instruments)
        actions = tuple(replace(a, instrument=named) if a.instrument == was else a for a in bars.actions if a != change)
        actions = tuple(replace(a, new_symbol=new) if a.new_symbol == old and a.exchanges else a for a in actions)
        origin = bars.provenance.with_note(f"{old} is called {new} since {day}: one instrument under its newest name")
        return replace(bars, instruments=instruments, actions=actions, provenance=origin)
    k = symbols.index(new)
    named = bars.instruments[k]
    from_new = bars.ts >= change.ts
    fields: dict[str, npt.NDArray[np.float64]] = {}
    others = [c for c in range(bars.n_assets) if c != max(j, k)]
    place = min(j, k)
    for name in ("open", "high", "low", "close", "volume"):
        array = getattr(bars, name)
        one = np.where(from_new, array[:, k], array[:, j])
        table = np.ascontiguousarray(array[:, others])
        table[:, place] = one
        fields[name] = table
    lost = int(np.isfinite(bars.close[from_new, j]).sum() + np.isfinite(bars.close[~from_new, k]).sum())
    note = f"{old} is called {new} since {day}: the bars of both are one column under the newest name"
    if lost:
        note += f"; {lost} bars that carry the wrong name of their day were left out"
    kept: list[CorporateAction] = []
    for action in bars.actions:
        if action == change:
            continue
        if action.instrument == was and action.ts <= change.ts:
            kept.append(replace(action, instrument=named))
        elif action.instrument != was and (action.instrument != named or action.ts >= change.ts):
            kept.append(action)
    kept = [replace(a, new_symbol=new) if a.new_symbol == old and a.exchanges else a for a in kept]
    instruments = tuple(named if c == place else bars.instruments[c] for c in others)
    return Bars(bars.ts, **fields, instruments=instruments, interval_ns=bars.interval_ns,
                provenance=bars.provenance.with_note(note), actions=tuple(kept))  # fmt: skip


def _not_in_prices(bars: Bars, j: int, mine: list[CorporateAction]) -> tuple[list[CorporateAction], str, list[str]]:
    """Actions that the prices of a column do not contain, what the prices are adjusted for, and notes."""
    symbol, held = bars.symbols[j], bars.provenance.adjusted
    splits = [action for action in mine if action.kind is ActionKind.SPLIT]
    paid = [action for action in mine if action.kind is ActionKind.DIVIDEND]
    rest = [action for action in mine if action.kind in {ActionKind.DELISTING, ActionKind.MERGER}]
    spun = [action for action in mine if action.kind is ActionKind.SPIN_OFF]
    if held == "split+dividend":
        n = len(splits) + len(paid) + len(spun)
        what = "splits, dividends and spin-offs" if spun else "splits and dividends"
        notes = [f"{symbol}: {n} {what} are not applied, for its prices contain them"] if n else []
        return rest, held, notes
    inside = splits if held == "split" else ([] if held == "raw" else _inside(bars, j, splits))
    if not inside:
        return mine, "raw" if splits or paid or spun else held, []
    notes = [f"{symbol}: {len(inside)} splits are not applied, for its prices contain them"]
    out = [*rest, *(action for action in splits if action not in inside)]
    restated = 0
    for action in (*paid, *spun):
        ratio = math.prod(split.value for split in inside if split.ts > action.ts)
        restated += ratio != 1.0
        out.append(replace(action, value=action.value / ratio))
    if restated:
        what = "dividends and spin-offs" if spun else "dividends"
        notes.append(f"{symbol}: {restated} {what} before them are restated per share of today")
    return out, "split", notes


def _inside(bars: Bars, j: int, splits: Sequence[CorporateAction]) -> list[CorporateAction]:
    """Splits that do not show in the prices, judged by those that are too large for a move of the market."""
    known = np.flatnonzero(np.isfinite(bars.close[:, j]))
    judged: list[tuple[CorporateAction, bool]] = []
    for split in splits:
        at = int(np.searchsorted(bars.ts[known], split.ts, side="left"))
        size = math.log(split.value)
        if abs(size) < _PLAIN or not 0 < at < known.size:
            continue
        drop = math.log(bars.close[known[at - 1], j] / bars.open[known[at], j])
        judged.append((split, abs(drop - size) < abs(size) / 2))
    if judged and not any(shows for _, shows in judged):
        return list(splits)
    return [split for split, shows in judged if not shows]


def _last_row(bars: Bars) -> Bars:
    """A row without prices for what ends instruments soon after the last bar; a note where it comes later."""
    late = [a for a in bars.actions if a.kind in _LAST and bars.n_bars and a.ts > int(bars.ts[-1])]
    if not late:
        return bars
    soon = [a for a in late if a.ts - int(bars.ts[-1]) <= _LATE_DAYS * DAY_NS]
    origin = bars.provenance
    for action in late:
        if action not in soon:
            days = (action.ts - int(bars.ts[-1])) // DAY_NS
            origin = origin.with_note(
                f"the {action.kind} of {action.instrument.id} is {days} days after the last bar and has no effect"
            )
    if not soon:
        return replace(bars, provenance=origin)
    stamps = []
    for action in soon:
        hours = hours_of(action.instrument.calendar)
        end = action.ts if action.ts % DAY_NS == 0 else action.ts - 1 + hours.minutes * MINUTE_NS
        stamps.append(end)
    stamp = np.append(bars.ts, max(stamps))
    fields = {
        name: np.vstack([getattr(bars, name), np.full((1, bars.n_assets), np.nan)])
        for name in ("open", "high", "low", "close", "volume")
    }
    names = ", ".join(f"{action.kind} of {action.instrument.id}" for action in soon)
    return Bars(stamp, **fields, instruments=bars.instruments, interval_ns=bars.interval_ns,
                provenance=origin.with_note(f"a last row without prices was added for the {names}"),
                actions=bars.actions)  # fmt: skip
