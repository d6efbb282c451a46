"""What the columns of a table mean, and the series inside it.

Entry points: `roles_of` (names to meanings), `series_from_table` (a table to `RawSeries`), `Reading` (the options).

Names are recognised without regard to case, spaces, dots and underscores. Three layouts are understood: one instrument
(a row is a bar), long (a symbol column), and wide (a time column, then one column of closes per symbol).

Invariants: an explicit mapping wins over recognition; a column that is asked for and not there is an error with its
nearest names. Nothing here reads files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..domain.actions import ActionKind, CorporateAction
from ..domain.bars import Provenance
from ..domain.errors import DataError, InputError, MissingDataError, closest
from ..domain.instrument import Instrument
from .hours import hours_of
from .raw import RawSeries, to_floats
from .stamps import NAT, Labels, Stamp, known_at, label_side, parse_labels

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["CLOSE_ONLY_NOTE", "Column", "Reading", "Table", "roles_of", "series_from_table"]

Column = Sequence[Any]
"""Cells of one column: a list of text or a NumPy array."""

Table = Mapping[str, Column]
"""Columns by name, all of one length, in the order of the source."""

CLOSE_ONLY_NOTE: Final = (
    "close-only: the source has no open, high and low; all three are the close, so orders fill at closes"
)

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    # Most telling first: unix time and anything that names its zone, then full times, then dates.
    "time": ("unix", "epoch", "unixtime", "timestampms", "timestampns", "timestamputc", "datetimeutc", "timestamp",
             "datetime", "datetimes", "opentime", "closetime", "date", "gmttime", "localtime", "time", "ts", "t", "dt",
             "period", "tradedate", "tradingday", "day", "index", "unnamed0", "level0", ""),
    "open": ("open", "o", "openprice", "priceopen", "first", "px_open", "opn"),
    "high": ("high", "h", "highprice", "pricehigh", "max", "hi"),
    "low": ("low", "l", "lowprice", "pricelow", "min", "lo"),
    "close": ("close", "c", "closeprice", "priceclose", "last", "closelast", "lastprice", "price", "settle",
              "settlement", "cls", "value"),
    "adj_close": ("adjclose", "adjustedclose", "closeadj", "adjcloseprice", "adjusted", "adj"),
    "volume": ("volume", "v", "vol", "tradedvolume", "qty", "totalvolume", "volumebtc"),
    "symbol": ("symbol", "ticker", "sym", "asset", "instrument", "secid", "code", "permaticker"),
    "split": ("split", "splits", "splitratio", "stocksplits", "splitcoefficient", "splitfactor"),
    "dividend": ("dividend", "dividends", "exdividend", "dividendamount", "divcash"),
}  # fmt: skip
ROLES: Final = tuple(_NAMES)
_NUMBERED: Final = re.compile(r"^\d+[.)]\s*")  # "1. open", as one vendor numbers its columns
_UTC_NAME: Final = re.compile(r"utc|gmt", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source is to be read.

    Parameters
    ----------
    columns : mapping of str to str
        Meaning (time, open, high, low, close, adj_close, volume, symbol, split, dividend) to the name of its column,
        where recognition needs help.
    tz : str, optional
        Zone of time labels without one; by default the exchange's own, UTC for currencies and coins.
    stamp : {"auto", "start", "end"}
        What an intraday label marks.
    day_first : bool, optional
        Settles d/m/Y against m/d/Y.
    calendar : str, optional
        Market calendar, when the symbol does not tell.
    adjust : bool
        Scale open, high, low and close by adjusted close / close.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    tz: str | None = None
    stamp: Stamp = "auto"
    day_first: bool | None = None
    calendar: str | None = None
    adjust: bool = False

    def __post_init__(self) -> None:
        for role in self.columns:
            if role not in _NAMES:
                raise InputError(f"columns maps {role!r}, which is no meaning{closest(role, ROLES)} "
                                 f"Known: {', '.join(ROLES)}.")  # fmt: skip

    def instrument(self, symbol: str) -> Instrument:
        """Instrument of a symbol, on the calendar that was asked for."""
        return Instrument.of(symbol, calendar=self.calendar) if self.calendar else Instrument.of(symbol)


def roles_of(names: Sequence[str], columns: Mapping[str, str] | None = None) -> dict[str, str]:
    """Meaning of each column that is recognised.

    Parameters
    ----------
    names : sequence of str
        Column names.
    columns : mapping of str to str, optional
        Meaning to name, for what recognition would miss or get wrong.

    Returns
    -------
    dict of str to str
        Meaning to column name.

    Raises
    ------
    InputError
        If a mapped column is not there.

    Examples
    --------
    >>> roles_of(["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"])["adj_close"]
    'Adj Close'
    >>> roles_of(["unix", "date", "c"])
    {'time': 'unix', 'close': 'c'}
    """
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(_plain(name), name)
    found: dict[str, str] = {}
    for role, known in _NAMES.items():
        name = next((plain[key] for key in known if key in plain), None)
        if name is None and role == "volume":
            name = next((original for key, original in plain.items() if key.startswith("volume")), None)
        if name is not None:
            found[role] = name
    for role, name in (columns or {}).items():
        if name not in names:
            near = {_plain(n): n for n in names}.get(_plain(name))
            if near is None:
                raise InputError(f"There is no column {name!r} for {role}{closest(name, names)} "
                                 f"Columns: {', '.join(map(repr, names[:20]))}.")  # fmt: skip
            name = near
        found[role] = name
    return found


def series_from_table(
    table: Table,
    *,
    symbol: str | None,
    symbols: Sequence[str] | None,
    reading: Reading,
    provenance: Provenance,
    ragged: int = 0,
    side: str | None = None,
) -> list[RawSeries]:
    """Every series in a table.

    Parameters
    ----------
    table : mapping of str to sequence
        Columns.
    symbol : str or None
        Name of the one instrument when the table does not name it.
    symbols : sequence of str or None
        Which instruments are wanted from a table of several; None means all.
    reading : Reading
        Options.
    provenance : Provenance
        Where the table comes from.
    ragged : int
        Rows that could not be laid out in columns.
    side : str or None
        What neighbours show about intraday labels (`stamps.label_side`).

    Returns
    -------
    list of RawSeries

    Raises
    ------
    DataError
        If there is no time or no price column, or a wanted symbol is not in the table.

    Examples
    --------
    >>> table = {"date": ["2024-01-02", "2024-01-03"], "AAPL": ["1", "2"], "MSFT": ["3", "4"]}
    >>> found = series_from_table(table, symbol=None, symbols=None, reading=Reading(), provenance=Provenance())
    >>> [(raw.instrument.id, raw.close.tolist()) for raw in found]
    [('AAPL', [1.0, 2.0]), ('MSFT', [3.0, 4.0])]
    """
    names = list(table)
    roles = roles_of(names, reading.columns)
    if "time" not in roles:
        raise DataError(
            f"No time column among {', '.join(map(repr, names[:12]))} of {provenance.source or 'the table'}; "
            "name it with columns={'time': ...}."
        )
    labels, named_utc = _labels(table, roles, reading)
    if named_utc and not labels.aware:
        labels = Labels(labels.ns, aware=True)
    if "close" not in roles and "adj_close" in roles:
        roles["close"] = roles["adj_close"]
    if "close" not in roles:
        return _wide(table, roles, labels, symbol, symbols, reading, provenance, ragged)
    if "symbol" in roles:
        return _long(table, roles, labels, symbols, reading, provenance, ragged)
    name = symbol or (symbols[0] if symbols and len(symbols) == 1 else "ASSET")
    return [_series(table, roles, labels, name, reading, provenance, ragged, side, None)]


def _plain(name: str) -> str:
    return re.sub(r"[\s_./\-<>\"'():*]+", "", _NUMBERED.sub("", str(name).strip().casefold()))


def _labels(table: Table, roles: Mapping[str, str], reading: Reading) -> tuple[Labels, bool]:
    name = roles["time"]
    values = table[name]
    named_utc = bool(_UTC_NAME.search(str(name)))
    clock = next((n for n in table if _plain(n) == "time" and n != name), None)
    if clock is not None and _plain(name) == "date" and "time" not in reading.columns:
        # Date and time in two columns belong together.
        values = [f"{day} {hour}" for day, hour in zip(values, table[clock], strict=True)]
    return parse_labels(values, day_first=reading.day_first), named_utc


def _series(
    table: Table, roles: Mapping[str, str], labels: Labels, symbol: str, reading: Reading, provenance: Provenance,
    ragged: int, side: str | None, rows: npt.NDArray[np.int64] | None,
) -> RawSeries:  # fmt: skip
    def cells(role: str) -> Column:
        column = table[roles[role]]
        if rows is None:
            return column
        return column[rows] if isinstance(column, np.ndarray) else [column[i] for i in rows.tolist()]

    text: list[npt.NDArray[np.int64]] = []

    def numbers(role: str) -> npt.NDArray[np.float64]:
        values, bad = to_floats(cells(role))
        if bad.size:
            text.append(bad)
        return values

    close = numbers("close")
    notes: list[str] = []
    missing = [role for role in ("open", "high", "low") if role not in roles]
    if len(missing) == 3:
        opened = high = low = close
        notes.append(CLOSE_ONLY_NOTE)
    else:
        opened = numbers("open") if "open" in roles else close
        high = numbers("high") if "high" in roles else np.fmax(opened, close)
        low = numbers("low") if "low" in roles else np.fmin(opened, close)
        if missing:
            notes.append(f"the source has no {' and no '.join(missing)}; made from the other prices")
    volume = numbers("volume") if "volume" in roles else np.full(close.shape, np.nan)
    adjusted = provenance.adjusted
    if "adj_close" in roles and roles["adj_close"] != roles["close"]:
        if reading.adjust:
            factor = numbers("adj_close") / close
            opened, high, low, close = opened * factor, high * factor, low * factor, close * factor
            adjusted = "split+dividend"
            notes.append("prices are scaled by adjusted close / close")
        else:
            notes.append("the adjusted close of the source is not used (adjust=True scales all prices by it)")
    elif roles["close"] == roles.get("adj_close"):
        adjusted = "split+dividend"
    elif reading.adjust:
        raise DataError(f"adjust=True needs an adjusted close, and {provenance.source or symbol} has none; "
                        f"its columns are {', '.join(map(repr, list(table)[:12]))}.")  # fmt: skip
    instrument = reading.instrument(symbol)
    own = labels if rows is None else Labels(labels.ns[rows], labels.aware)
    ts, interval, said = known_at(own, instrument.calendar, zone=reading.tz, stamp=reading.stamp, side=side)
    actions, action_notes = _actions(roles, numbers, instrument, ts, opened, close)
    text_rows = np.unique(np.concatenate(text)) if text else np.zeros(0, dtype=np.int64)
    return RawSeries(
        instrument=instrument, ts=ts, open=opened, high=high, low=low, close=close, volume=volume,
        interval_ns=interval,
        provenance=Provenance(
            source=provenance.source, synthetic=provenance.synthetic, licence=provenance.licence, adjusted=adjusted,
            notes=(*provenance.notes, *said, *notes, *action_notes),
        ),
        text_rows=text_rows, ragged=ragged, actions=actions,
    )  # fmt: skip


def _long(
    table: Table, roles: Mapping[str, str], labels: Labels, symbols: Sequence[str] | None, reading: Reading,
    provenance: Provenance, ragged: int,
) -> list[RawSeries]:  # fmt: skip
    column = np.asarray(table[roles["symbol"]], dtype=np.str_)
    names, index = np.unique(np.char.strip(column), return_inverse=True)
    have = [str(name) for name in names if name]
    out: list[RawSeries] = []
    for symbol in _wanted(symbols, have, provenance.source):
        rows = np.flatnonzero(index == int(np.flatnonzero(names == symbol)[0]))
        out.append(_series(table, roles, labels, symbol, reading, provenance, 0, None, rows))
    if ragged and out:
        # Nobody knows whose they were; the first series carries the count so that it is reported once.
        from dataclasses import replace

        out[0] = replace(out[0], ragged=ragged)
    return out


def _wide(
    table: Table, roles: Mapping[str, str], labels: Labels, symbol: str | None, symbols: Sequence[str] | None,
    reading: Reading, provenance: Provenance, ragged: int,
) -> list[RawSeries]:  # fmt: skip
    taken = {roles["time"], *reading.columns.values()}
    have = [name for name in table if name not in taken and _is_numeric(table[name])]
    source = provenance.source
    if not have or any(role in roles for role in ("open", "high", "low")):
        raise DataError(f"No close column among {', '.join(map(repr, list(table)[:12]))} of {source or 'the table'}; "
                        "name it with columns={'close': ...}.")  # fmt: skip
    if symbol is not None and len(have) == 1:
        return [_series(table, {"time": roles["time"], "close": have[0]}, labels, symbol, reading, provenance, ragged,
                        None, None)]  # fmt: skip
    out: list[RawSeries] = []
    for name in _wanted(symbols, have, source):
        values, _ = to_floats(table[name])
        # In a wide table an empty cell says that this instrument has no bar on that date, not that a bar is broken.
        rows = np.flatnonzero(~np.isnan(values))
        if rows.size:
            mapping = {"time": roles["time"], "close": name}
            out.append(_series(table, mapping, labels, name, reading, provenance, 0, None, rows))
    return out


def _is_numeric(column: Column) -> bool:
    sample = column[:200]
    values, text_rows = to_floats(sample)
    return bool(text_rows.size * 2 < max(1, values.size))


def _wanted(symbols: Sequence[str] | None, have: Sequence[str], source: str) -> list[str]:
    if symbols is None:
        return list(have)
    by_key = {name.casefold(): name for name in have}
    out: list[str] = []
    for symbol in symbols:
        found = by_key.get(symbol.casefold())
        if found is None:
            shown = ", ".join(have[:12]) + (f" and {len(have) - 12} more" if len(have) > 12 else "")
            raise MissingDataError(f"No {symbol!r} in {source or 'the table'}{closest(symbol, have)} It has {shown}.")
        out.append(found)
    return out


def _actions(
    roles: Mapping[str, str], numbers: Callable[[str], npt.NDArray[np.float64]], instrument: Instrument,
    ts: npt.NDArray[np.int64], opened: npt.NDArray[np.float64], close: npt.NDArray[np.float64],
) -> tuple[tuple[CorporateAction, ...], tuple[str, ...]]:  # fmt: skip
    """Splits and dividends named by the source, unless its prices already contain them."""
    actions: list[CorporateAction] = []
    notes: list[str] = []
    if "split" in roles:
        ratios = numbers("split")
        rows = np.flatnonzero((ratios > 0.0) & (ratios != 1.0) & (ts != NAT))
        already = 0
        for row in rows.tolist():
            ratio = float(ratios[row])
            before = close[row - 1] if row else np.nan
            if before / opened[row] > 0 and abs(np.log(before / opened[row] / ratio)) < abs(np.log(ratio)) / 2:
                actions.append(_action(instrument, ts[row], ActionKind.SPLIT, ratio))
            else:
                already += 1
        if already:
            notes.append(f"{instrument.id}: {already} splits of the source are in its prices already and not applied")
    if "dividend" in roles:
        cash = numbers("dividend")
        rows = np.flatnonzero((cash > 0.0) & np.isfinite(cash) & (ts != NAT))
        actions += [_action(instrument, ts[row], ActionKind.DIVIDEND, float(cash[row])) for row in rows.tolist()]
    return tuple(actions), tuple(notes)


def _action(instrument: Instrument, close_ts: int, kind: ActionKind, value: float) -> CorporateAction:
    # In force before the session it is dated with opens, so before the close that stamps that session's bar.
    length = hours_of(instrument.calendar).minutes * 60_000_000_000
    return CorporateAction(ts=int(close_ts) - length, instrument=instrument, kind=kind, value=value)


def side_of_many(series: Sequence[tuple[Labels, str]], zone: str | None) -> str | None:
    """What several series of one source show together about intraday labels; None when they disagree or are silent.

    Examples
    --------
    >>> side_of_many([(parse_labels(["2024-01-02 09:30", "2024-01-02 09:31"]), "XNYS")], None)
    'start'
    """
    seen = {side for labels, calendar in series if (side := label_side(labels, calendar, zone)) is not None}
    return seen.pop() if len(seen) == 1 else None
