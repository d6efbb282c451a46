"""Who belonged to a universe when: dated tables, so that a backtest trades what could have been known to belong to it.

Entry points: `Membership` (and `Membership.read`, `Membership.of`), `with_membership`, `membership_of`, `members_mask`.

A table has one row a stay, ``symbol, from, to``, or the members of each day, ``date, symbol``:

| columns | meaning |
|---|---|
| ``symbol`` (ticker, ...) | as the instrument was called |
| ``from`` (added, joined, start) | first session as a member, included; empty is "always has been" |
| ``to`` (last, until, end) | last session as a member, included; empty is "still is" |
| ``removed`` (left, date_removed) | instead of ``to``: first session that it is no member any more |
| ``data`` (load) | symbol under which its prices are kept, where another company uses the name today |
| ``date`` with ``symbol`` (or several in one cell) | a snapshot: these, from that date on until the next snapshot |

Invariants: a symbol may leave and come back, but two of its stays never overlap; a row of bars is judged by the date of
its session; who has no stay in the table at all is not restricted; a table without any date is no history, and says so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from ..domain.bars import Bars, Instant, instant_ns
from ..domain.errors import InputError, MissingDataError, closest

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Membership", "Stay", "is_table", "members_mask", "membership_of", "with_membership"]

PINNED: Final = "universe"
"""Name under which the provenance of bars tells their universe."""

_ENDINGS: Final = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet", ".pq", ".yaml", ".yml", ".json")
_DAY_NS: Final = 86_400 * 10**9
_FIRST: Final = -(10**6)
_LAST: Final = 10**6
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "symbol": ("symbol", "ticker", "symbols", "tickers", "instrument"),
    "from": ("from", "start", "added", "joined", "date_added", "start_date", "from_date", "first", "since"),
    "to": ("to", "end", "until", "last", "thru", "through", "end_date", "to_date"),
    "removed": ("removed", "left", "date_removed", "removed_on", "delisted", "dropped"),
    "data": ("data", "load", "load_as", "data_symbol", "key"),
    "date": ("date", "day", "as_of", "snapshot"),
}
_EMPTY: Final = frozenset({"", "nan", "nat", "none", "null", "na", "n/a", "-"})


@dataclass(frozen=True, slots=True, order=True)
class Stay:
    """One stay of a symbol in a universe.

    Parameters
    ----------
    symbol : str
        What it was called.
    first, last : int
        Sessions (days since 1970), both included.
    data : str
        Symbol under which its prices are kept.
    """

    symbol: str
    first: int
    last: int
    data: str

    def __str__(self) -> str:
        start = "always" if self.first == _FIRST else _day(self.first)
        return f"{self.symbol} {start} to {'now' if self.last == _LAST else _day(self.last)}"


@dataclass(frozen=True, slots=True)
class Membership:
    """A universe with its history.

    Parameters
    ----------
    name : str
        For people: the file, or what it was called.
    stays : tuple of Stay
        By symbol and date.
    place : str
        File it came from, empty when it was in memory.

    Raises
    ------
    InputError
        If there is none, a stay ends before it begins, or two of one symbol overlap.

    Examples
    --------
    >>> table = Membership.of([("AAA", "2020-01-02", "2020-06-30"), ("BBB", None, None), ("AAA", "2021-01-04", None)])
    >>> table.members("2020-07-01"), table.members("2021-01-04"), table.dated
    (('BBB',), ('AAA', 'BBB'), True)
    """

    name: str
    stays: tuple[Stay, ...]
    place: str = ""
    _by_data: dict[str, tuple[Stay, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.stays:
            raise InputError(f"The universe {self.name} has no members; give it rows of symbol, from, to.")
        object.__setattr__(self, "stays", tuple(sorted(self.stays)))
        groups: dict[str, list[Stay]] = {}
        for stay in self.stays:
            if stay.last < stay.first:
                raise InputError(
                    f"{self.name}: {stay.symbol} leaves ({_day(stay.last)}) before it joins ({_day(stay.first)}); swap "
                    "the two dates, or take the row out."
                )
            groups.setdefault(stay.data, []).append(stay)
        ordered = {data: tuple(sorted(stays, key=lambda stay: stay.first)) for data, stays in groups.items()}
        for stays in (*_by_symbol(self.stays).values(), *ordered.values()):
            for before, after in pairwise(stays):
                if after.first <= before.last:
                    raise InputError(
                        f"{self.name}: two stays of {before.symbol} overlap, {before} and {after}; one of them is "
                        "wrong, or two companies share the name (tell their prices apart in a column 'data')."
                    )
        self._by_data.update(
            {data: tuple(sorted(stays, key=lambda stay: stay.first)) for data, stays in groups.items()}
        )

    # --- making -----------------------------------------------------------------------------------

    @classmethod
    def of(cls, table: Any, *, name: str = "universe") -> Membership:
        """Universe from rows, columns, a frame, or symbols.

        Parameters
        ----------
        table : Membership, path, frame, mapping of columns, sequence of rows, mapping or symbols
            Rows are ``(symbol, from, to)`` or mappings with the columns of the module. A mapping of dates to lists of
            symbols is a sequence of snapshots.
        name : str
            For people.

        Raises
        ------
        InputError
            If it is not understood, naming the row and the value.

        Examples
        --------
        >>> weekly = Membership.of({"2020-01-06": ["AAA", "BBB"], "2020-01-13": ["BBB", "CCC"]})
        >>> [str(stay) for stay in weekly.stays]
        ['AAA 2020-01-06 to 2020-01-12', 'BBB 2020-01-06 to now', 'CCC 2020-01-13 to now']
        """
        if isinstance(table, Membership):
            return table
        if isinstance(table, (str, Path)):
            return cls.read(table)
        return cls(name, tuple(_stays(table, name)))

    @classmethod
    def read(cls, path: str | Path) -> Membership:
        """Universe from a CSV, Parquet, YAML or JSON file.

        Raises
        ------
        MissingDataError
            If there is no such file; the message names the nearest beside it.
        InputError
            If it is not understood, naming the row and the value.
        """
        place = Path(path)
        if not place.is_file():
            beside = [item.name for item in place.parent.iterdir()] if place.parent.is_dir() else []
            raise MissingDataError(
                f"There is no universe table {str(place)!r}{closest(place.name, beside) or '.'} It is a file with the "
                "columns symbol, from, to."
            )
        return cls(place.name, tuple(_stays(_table_in(place), place.name)), str(path))

    # --- asking -----------------------------------------------------------------------------------

    @property
    def dated(self) -> bool:
        """Whether there is any date in it: without one it is a list chosen with today's knowledge."""
        return any(stay.first != _FIRST or stay.last != _LAST for stay in self.stays)

    @property
    def survivors(self) -> bool:
        """Whether there are dates but nobody ever leaves, as in today's list with the dates of joining."""
        return self.dated and all(stay.last == _LAST for stay in self.stays)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols of all who ever were members, as their prices are kept; who left is among them."""
        return tuple(dict.fromkeys(stay.data for stay in self.stays))

    @property
    def first(self) -> str | None:
        """First date at which anything changes; None without one. Before it the table tells nothing."""
        days = [stay.first for stay in self.stays if stay.first != _FIRST]
        days += [stay.last + 1 for stay in self.stays if stay.last != _LAST]
        return _day(min(days)) if days else None

    @property
    def hash(self) -> str:
        """SHA-256 over the stays; name and file are no part of it."""
        return hashlib.sha256(repr([(s.symbol, s.first, s.last, s.data) for s in self.stays]).encode()).hexdigest()

    def between(self, start: Instant | None = None, end: Instant | None = None) -> tuple[str, ...]:
        """Symbols (as their prices are kept) that were members at any time of a range, both ends included."""
        low = _FIRST if start is None else instant_ns(start) // _DAY_NS
        high = _LAST if end is None else instant_ns(end, last=True) // _DAY_NS
        return tuple(dict.fromkeys(s.data for s in self.stays if s.first <= high and s.last >= low))

    def members(self, at: Instant) -> tuple[str, ...]:
        """Members at a date, as they were called then.

        Parameters
        ----------
        at : date or ISO text
            Date of a session.
        """
        day = instant_ns(at) // _DAY_NS
        return tuple(stay.symbol for stay in self.stays if stay.first <= day <= stay.last)

    def mask(self, bars: Bars) -> npt.NDArray[np.bool_]:
        """Who was a member at each row of bars.

        Parameters
        ----------
        bars : Bars

        Returns
        -------
        bool array, shape (n_bars, n_assets)
            By the date of the session of each row, so nothing of it was unknown at the row's close. Instruments that
            are nowhere in the table are not restricted: True throughout.
        """
        from .calendars import session_dates

        days = session_dates(bars).astype("datetime64[D]").astype(np.int64)
        out = np.zeros((bars.n_bars, bars.n_assets), dtype=np.bool_)
        for j, instrument in enumerate(bars.instruments):
            stays = self._by_data.get(instrument.id) or self._by_data.get(instrument.symbol)
            if stays is None:
                out[:, j] = True
                continue
            for stay in stays:
                out[:, j] |= (days >= stay.first) & (days <= stay.last)
        return out

    def unlisted(self, bars: Bars) -> tuple[str, ...]:
        """Instruments of bars that are nowhere in the table."""
        return tuple(i.id for i in bars.instruments if i.id not in self._by_data and i.symbol not in self._by_data)

    def to_rows(self) -> list[dict[str, str | None]]:
        """Plain rows for JSON; `to` is the last session as a member."""
        return [
            {
                "symbol": stay.symbol,
                "from": None if stay.first == _FIRST else _day(stay.first),
                "to": None if stay.last == _LAST else _day(stay.last),
                "data": stay.data,
            }
            for stay in self.stays
        ]


# --- bars and their universe ----------------------------------------------------------------------

_known: dict[str, tuple[Any, Membership]] = {}
_known_lock = threading.Lock()


def is_table(name: str) -> bool:
    """Whether a name of a universe is the path of a table.

    Examples
    --------
    >>> is_table("members/sp.csv"), is_table("us_46")
    (True, False)
    """
    return name.lower().endswith(_ENDINGS)


def with_membership(bars: Bars, table: Any) -> Bars:
    """Bars whose provenance tells their universe, so that decisions about non-members are made flat.

    Parameters
    ----------
    bars : Bars
    table : Membership, path, or anything `Membership.of` takes

    Examples
    --------
    >>> bars = Bars.from_arrays(None, *[[1.0, 2.0, 3.0]] * 4, symbols="AAA")
    >>> bars = with_membership(bars, [("AAA", "1970-01-02", None)])
    >>> members_mask(bars)[:, 0].tolist()
    [False, True, True]
    """
    found = Membership.of(table)
    token = found.place or f"memory:{found.hash[:16]}"
    with _known_lock:
        _known[token] = (_state(token), found)
    origin = bars.provenance
    pinned = [item for item in origin.pinned if item[0] != PINNED]
    notes = [note for note in origin.notes if not note.startswith(f"{PINNED}: ")]
    if found.dated:
        text = f"{PINNED}: {found.name}, {len(found.symbols)} that ever were members, by date of session"
    else:
        text = f"{PINNED}: {found.name} has no dates: not point-in-time, its members were chosen with today's knowledge"
    if found.survivors:
        text += "; nobody ever leaves it: is it today's list with the dates of joining?"
    strangers = found.unlisted(bars)
    if strangers:
        text += f"; not in it and not restricted: {', '.join(strangers[:8])}" + (", ..." if len(strangers) > 8 else "")
    return bars.with_provenance(replace(origin, notes=(*notes, text), pinned=(*pinned, (PINNED, token))))


def membership_of(bars: Bars) -> Membership | None:
    """Universe of bars, None when they have none with a history.

    Raises
    ------
    MissingDataError
        If its file is gone.
    """
    token = dict(bars.provenance.pinned).get(PINNED) if bars.provenance.pinned else None
    if token is None:
        return None
    with _known_lock:
        kept = _known.get(token)
    if kept is not None and (token.startswith("memory:") or kept[0] == _state(token) or _state(token) is None):
        return kept[1]
    if token.startswith("memory:"):
        raise MissingDataError("The universe of these bars was in the memory of another process; give it again.")
    found = Membership.read(token)
    with _known_lock:
        _known[token] = (_state(token), found)
    return found


def members_mask(bars: Bars) -> npt.NDArray[np.bool_]:
    """Who was a member at each row, for strategies; True throughout where bars have no universe.

    Returns
    -------
    bool array, shape (n_bars, n_assets)
    """
    found = membership_of(bars)
    return np.ones((bars.n_bars, bars.n_assets), dtype=np.bool_) if found is None else found.mask(bars)


def _state(token: str) -> Any:
    """What changes when a file is written anew."""
    try:
        stat = Path(token).stat()
    except (OSError, ValueError):
        return None
    return stat.st_mtime_ns, stat.st_size


# --- reading --------------------------------------------------------------------------------------

Columns: TypeAlias = "dict[str, list[Any]]"


def _stays(table: Any, name: str) -> list[Stay]:
    columns = _columns(table, name)
    if "date" in columns:
        if "from" in columns or "to" in columns or "removed" in columns:
            raise InputError(f"{name} has a column of snapshots (date) and of stays (from, to); keep one kind.")
        return _from_snapshots(columns, name)
    return _from_stays(columns, name)


def _columns(table: Any, name: str) -> Columns:
    """Columns under the names of `_COLUMNS`."""
    if isinstance(table, Mapping):
        for key in ("members", "universe", "stays"):
            if key in table and not _is_column(table[key], table):
                return _columns(table[key], name)
        if "snapshots" in table:
            return _columns(table["snapshots"], name)
        if table and all(_is_date(key) for key in table):
            days, symbols = [], []
            for day, members in table.items():
                for symbol in _words(members):
                    days.append(day)
                    symbols.append(symbol)
            return {"date": days, "symbol": symbols}
        return _named({str(key): _listed(value) for key, value in table.items()}, name)
    if hasattr(table, "columns") or hasattr(table, "column_names"):
        return _named(_frame(table), name)
    if isinstance(table, Iterable) and not isinstance(table, (str, bytes)):
        rows = list(table)
        if rows and all(isinstance(row, Mapping) for row in rows):
            keys = list(dict.fromkeys(str(key) for row in rows for key in row))
            return _named({key: [_get(row, key) for row in rows] for key in keys}, name)
        if rows and all(isinstance(row, str) for row in rows):
            return {"symbol": rows}
        if rows and all(isinstance(row, Sequence) and 1 <= len(row) <= 4 for row in rows):
            padded = [(*row, *[None] * (4 - len(row))) for row in rows]
            return {key: [row[place] for row in padded] for place, key in enumerate(("symbol", "from", "to", "data"))}
    raise InputError(f"{name} is no table of members; give rows of symbol, from, to, or date, symbol.")


def _named(given: Mapping[str, list[Any]], name: str) -> Columns:
    out: Columns = {}
    strange: list[str] = []
    for key, values in given.items():
        plain = key.strip().casefold().replace(" ", "_").replace("-", "_")
        known = next((column for column, words in _COLUMNS.items() if plain in words), None)
        if known is None:
            strange.append(key)
        elif known in out:
            raise InputError(f"{name} has two columns for {known!r}; keep one of them.")
        else:
            out[known] = values
    if "symbol" not in out:
        raise InputError(
            f"{name} has no column of symbols; it has {', '.join(given) or 'none'}"
            f"{closest(next(iter(given), ''), ['symbol', 'ticker'])}. Name it 'symbol'."
        )
    if "to" in out and "removed" in out:
        raise InputError(f"{name} has both 'to' (last session as a member) and 'removed' (first that it is none).")
    words = ["from", "to", "removed", "date", "added", "until"]
    near = [key for key in strange if closest(key, words)]
    if near and not {"from", "to", "removed", "date"} & out.keys():
        known = ", ".join(word for names in _COLUMNS.values() for word in names[:2])
        raise InputError(f"{name} has a column {near[0]!r}{closest(near[0], words)} Known are {known}.")
    return out


def _from_stays(columns: Columns, name: str) -> list[Stay]:
    symbols = columns["symbol"]
    n_rows = len(symbols)
    blank: list[Any] = [None] * n_rows
    out: list[Stay] = []
    for row in range(n_rows):
        symbol = _text(symbols[row])
        if not symbol:
            raise InputError(f"{name} row {row + 1}: there is no symbol.")
        first = _date_of(columns.get("from", blank)[row], name, row, "from")
        last = _date_of(columns.get("to", blank)[row], name, row, "to")
        gone = _date_of(columns.get("removed", blank)[row], name, row, "removed")
        if gone is not None:
            last = gone - 1
        stay = Stay(
            symbol, _FIRST if first is None else first, _LAST if last is None else last,
            _text(columns.get("data", blank)[row]) or symbol,
        )  # fmt: skip
        out.append(stay)
    return list(dict.fromkeys(out))


def _from_snapshots(columns: Columns, name: str) -> list[Stay]:
    blank: list[Any] = [None] * len(columns["symbol"])
    days: dict[int, dict[str, str]] = {}
    for row, (when, cell) in enumerate(zip(columns["date"], columns["symbol"], strict=True)):
        day = _date_of(when, name, row, "date")
        if day is None:
            raise InputError(f"{name} row {row + 1}: a snapshot needs its date.")
        known = days.setdefault(day, {})
        data = _text(columns.get("data", blank)[row])
        for symbol in _words(cell):
            known[symbol] = data or symbol
    order = sorted(days)
    out: list[Stay] = []
    since: dict[tuple[str, str], int] = {}
    for day in order:
        here = {(symbol, data) for symbol, data in days[day].items()}
        for member in [member for member in since if member not in here]:
            out.append(Stay(member[0], since.pop(member), day - 1, member[1]))
        for member in here:
            since.setdefault(member, day)
    out += [Stay(symbol, first, _LAST, data) for (symbol, data), first in since.items()]
    return out


def _table_in(path: Path) -> Any:
    lower = path.name.lower()
    if lower.endswith((".yaml", ".yml", ".json")):
        import yaml

        try:
            return yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path.name} is no YAML: {' '.join(str(error).split())}.") from None
    if lower.endswith((".parquet", ".pq")):
        import duckdb

        try:
            with duckdb.connect() as connection:
                relation = connection.execute("select * from read_parquet(?)", [str(path)])
                names = [item[0] for item in relation.description]
                rows = relation.fetchall()
        except duckdb.Error as error:
            raise InputError(f"{path.name} is no Parquet file: {str(error).splitlines()[0]}.") from None
        return {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return _delimited(path)


def _delimited(path: Path) -> Columns:
    import csv
    import gzip

    opened: Callable[..., Any] = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path.name} cannot be read: {error}.") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise InputError(f"{path.name} is empty; it needs a line of names such as symbol,from,to and rows.")
    mark = max(",;\t|", key=lines[0].count)
    rows = list(csv.reader(lines, delimiter=mark))
    head, body = rows[0], rows[1:]
    if len(head) == 1 and not any(head[0].strip().casefold() in words for words in _COLUMNS.values()):
        return {"symbol": [row[0] for row in rows]}
    for number, row in enumerate(body, start=2):
        if len(row) > len(head) and any(cell.strip() for cell in row[len(head) :]):
            raise InputError(
                f"{path.name} line {number} has {len(row)} cells and the names are {len(head)}; put quotes around "
                "cells with a comma."
            )
    return {name: [row[place] if place < len(row) else "" for row in body] for place, name in enumerate(head)}


def _frame(table: Any) -> dict[str, list[Any]]:
    if hasattr(table, "to_pydict"):
        return {str(key): list(values) for key, values in table.to_pydict().items()}
    return {str(name): list(table[name].to_list()) for name in table.columns}


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InputError(f"{value!r} is no column; a table has lists of equal length.")
    return list(value)


def _is_column(value: Any, table: Mapping[Any, Any]) -> bool:
    return "symbol" in table or "ticker" in table or isinstance(value, str)


def _get(row: Mapping[Any, Any], key: str) -> Any:
    return next((value for name, value in row.items() if str(name) == key), None)


def _words(cell: Any) -> list[str]:
    parts = cell.replace(";", ",").split(",") if isinstance(cell, str) else list(cell or ())
    return [text for text in (_text(part) for part in parts) if text]


def _text(value: Any) -> str:
    text = "" if value is None else str(value).strip()
    # "NA" and "NAN" are tickers; only what frames write for a missing cell is none.
    return "" if text in {"nan", "NaN", "None", "<NA>", "NaT"} else text


def _is_date(value: Any) -> bool:
    if isinstance(value, (dt.date, np.datetime64)):
        return True
    try:
        dt.date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        return False
    return True


def _date_of(value: Any, name: str, row: int, column: str) -> int | None:
    if value is None or str(value).strip().casefold() in _EMPTY:
        return None
    if isinstance(value, dt.datetime):
        return value.date().toordinal() - _EPOCH
    if isinstance(value, dt.date):
        return value.toordinal() - _EPOCH
    if isinstance(value, np.datetime64):
        return int(value.astype("datetime64[D]").astype(np.int64))
    text = str(value).strip()
    try:
        return dt.date.fromisoformat(text if len(text) == 8 and text.isdigit() else text[:10]).toordinal() - _EPOCH
    except ValueError:
        raise InputError(
            f"{name} row {row + 1}: {column} is {value!r}, which is no date; write it like 2024-01-31, or leave it "
            "empty."
        ) from None


_EPOCH: Final = dt.date(1970, 1, 1).toordinal()


def _day(day: int) -> str:
    return str(np.datetime64(day, "D"))


def _by_symbol(stays: Iterable[Stay]) -> dict[str, list[Stay]]:
    out: dict[str, list[Stay]] = {}
    for stay in stays:
        out.setdefault(stay.symbol, []).append(stay)
    return out
