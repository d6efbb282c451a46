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
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from ..domain.actions import ActionKind, CorporateAction
from ..domain.bars import Provenance
from ..domain.errors import DataError, InputError, MissingDataError, closest
from ..domain.instrument import Instrument
from .hours import MINUTE_NS, hours_of
from .raw import RawSeries, to_floats
from .stamps import ASSUMED_START_NOTE, NAT, Labels, Stamp, known_at, parse_labels

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["CLOSE_ONLY_NOTE", "Column", "Reading", "Table", "roles_of", "series_from_table", "settle_sides"]

Column: TypeAlias = Any
"""Cells of one column: a list of text, a NumPy array, or `Labels` for time."""

Table: TypeAlias = Mapping[str, Column]
"""Columns by name, all of one length, in the order of the source."""

CLOSE_ONLY_NOTE: Final = (
    "close-only: the source has no open, high and low; all three are the close, so orders fill at closes"
)

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    # Most telling first: unix time and anything that names its zone, then full times, then dates.
    "time": ("unix", "epoch", "unixtime", "timestampms", "timestampns", "timestamputc", "datetimeutc", "timestamp",
             "datetime", "datetimes", "opentime", "closetime", "date", "gmttime", "localtime", "time", "ts", "t", "dt",
             "period", "tradedate", "tradingday", "day", "index", "unnamed0", "level0", ""),
    "open": ("open", "o", "openprice", "priceopen", "first", "pxopen", "opn"),
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
_TICKER: Final = re.compile(r"^[A-Z^_][A-Z0-9.\-=/]{0,11}$")
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
                raise InputError(f"columns maps {role!r}, which is no meaning{closest(role, ROLES) or '.'} "
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
        match = next((plain[key] for key in known if key in plain), None)
        if match is None and role == "volume":
            match = next((original for key, original in plain.items() if key.startswith("volume")), None)
        if match is not None:
            found[role] = match
    if _is_wide(names, found):
        found = {"time": found["time"]}
    for role, name in (columns or {}).items():
        if name not in names:
            near = {_plain(n): n for n in names}.get(_plain(name))
            if near is None:
                raise InputError(f"There is no column {name!r} for {role}{closest(name, names) or '.'} "
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
            "name it with columns={'time': ...} (--set data.columns.time=...)."
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
    return [_series(table, roles, labels, name, reading, provenance, ragged, None)]


def _plain(name: str) -> str:
    return re.sub(r"[\s_./\-<>\"'():*]+", "", _NUMBERED.sub("", str(name).strip().casefold()))


def _is_wide(names: Sequence[str], found: Mapping[str, str]) -> bool:
    """Whether what looks like prices are tickers: C, V, T, O, LOW and ALL are companies too."""
    prices = {found[role] for role in ("open", "high", "low", "close", "volume", "adj_close") if role in found}
    others = [name for name in names if name not in found.values()]
    if "time" not in found or len(prices) > 3 or not others:
        return False
    return all(_TICKER.match(str(name)) for name in (*prices, *others))


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
    ragged: int, rows: npt.NDArray[np.int64] | None,
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
            # A separate adjusted close says that the plain one lacks at least the dividends.
            adjusted = "split" if adjusted == "unknown" else adjusted
    elif roles["close"] == roles.get("adj_close"):
        adjusted = "split+dividend"
    elif reading.adjust:
        raise DataError(f"adjust=True needs an adjusted close, and {provenance.source or symbol} has none; "
                        f"its columns are {', '.join(map(repr, list(table)[:12]))}.")  # fmt: skip
    instrument = reading.instrument(symbol)
    own = labels if rows is None else Labels(labels.ns[rows], labels.aware)
    ts, interval, side, said = known_at(own, instrument.calendar, zone=reading.tz, stamp=reading.stamp)
    actions, adjusted, told = _actions(roles, numbers, instrument, ts, interval, (opened, close), adjusted)
    text_rows = np.unique(np.concatenate(text)) if text else np.zeros(0, dtype=np.int64)
    return RawSeries(
        instrument=instrument, ts=ts, open=opened, high=high, low=low, close=close, volume=volume,
        interval_ns=interval,
        provenance=Provenance(
            source=provenance.source, synthetic=provenance.synthetic, licence=provenance.licence, adjusted=adjusted,
            notes=(*provenance.notes, *said, *notes, *told),
        ),
        text_rows=text_rows, ragged=ragged, side=side, actions=actions,
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
        out.append(_series(table, roles, labels, symbol, reading, provenance, 0, rows))
    if ragged and out:
        # Nobody knows whose they were; the first series carries the count so that it is reported once.
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
                        "name it with columns={'close': ...} (--set data.columns.close=...).")  # fmt: skip
    if symbol is not None and len(have) == 1:
        return [_series(table, {"time": roles["time"], "close": have[0]}, labels, symbol, reading, provenance, ragged,
                        None)]  # fmt: skip
    out: list[RawSeries] = []
    for name in _wanted(symbols, have, source):
        values, _ = to_floats(table[name])
        # In a wide table an empty cell says that this instrument has no bar on that date, not that a bar is broken.
        rows = np.flatnonzero(~np.isnan(values))
        if rows.size:
            mapping = {"time": roles["time"], "close": name}
            out.append(_series(table, mapping, labels, name, reading, provenance, 0, rows))
    return out


def _is_numeric(column: Column) -> bool:
    if isinstance(column, Labels):
        return False
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
            raise MissingDataError(
                f"No {symbol!r} in {source or 'the table'}{closest(symbol, have) or '.'} It has {shown}."
            )
        out.append(found)
    return out


def _actions(
    roles: Mapping[str, str],
    numbers: Callable[[str], npt.NDArray[np.float64]],
    instrument: Instrument,
    ts: npt.NDArray[np.int64],
    interval: int,
    prices: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    adjusted: str,
) -> tuple[tuple[CorporateAction, ...], str, tuple[str, ...]]:
    """Splits and dividends named by the source that its prices do not contain yet.

    A split shows in the prices or it does not, so the prices decide. A dividend is too small to see: it is applied only
    where it is known that the prices are not adjusted for it.
    """
    opened, close = prices
    actions: list[CorporateAction] = []
    notes: list[str] = []
    if "split" in roles:
        ratios = numbers("split")
        rows = np.flatnonzero((ratios > 0.0) & (ratios != 1.0) & np.isfinite(ratios) & (ts != NAT))
        with np.errstate(divide="ignore", invalid="ignore"):
            drop = np.log(close[np.maximum(rows - 1, 0)] / opened[rows])
        size = np.log(ratios[rows])
        visible = np.abs(drop - size) < np.abs(size) / 2
        actions += [_action(instrument, ts[row], interval, ActionKind.SPLIT, ratios[row]) for row in rows[visible]]
        if visible.any() and adjusted == "unknown":
            adjusted = "raw"
        if not visible.all():
            notes.append(f"{instrument.id}: {int((~visible).sum())} splits of the source are in its prices already")
    if "dividend" in roles:
        cash = numbers("dividend")
        rows = np.flatnonzero((cash > 0.0) & np.isfinite(cash) & (ts != NAT))
        if adjusted in {"raw", "split"}:
            actions += [_action(instrument, ts[row], interval, ActionKind.DIVIDEND, cash[row]) for row in rows]
        elif rows.size:
            why = "its prices contain them" if adjusted == "split+dividend" else "its prices may contain them already"
            notes.append(f"{instrument.id}: {rows.size} dividends of the source are not paid, for {why} (adjusted=...)")
    return tuple(actions), adjusted, tuple(notes)


def _action(instrument: Instrument, close: int, interval: int, kind: ActionKind, value: float) -> CorporateAction:
    # In force from the opening of the bar it is dated with: after the close before, before the close of its own bar.
    length = hours_of(instrument.calendar).minutes * MINUTE_NS
    opening = int(close) - (min(length, interval) if interval else length)
    return CorporateAction(ts=opening + 1, instrument=instrument, kind=kind, value=float(value))


def settle_sides(series: Sequence[RawSeries]) -> list[RawSeries]:
    """Let series whose intraday labels tell nothing follow the others of the same source, when those agree.

    Parameters
    ----------
    series : sequence of RawSeries
        Of one folder.

    Returns
    -------
    list of RawSeries
        Those that were taken to be labelled at the start of a bar, but whose neighbours are labelled at the end, moved.
    """
    if {raw.side for raw in series} != {"end", "assumed"}:
        return list(series)
    out: list[RawSeries] = []
    for raw in series:
        if raw.side == "assumed":
            notes = tuple(note for note in raw.provenance.notes if note != ASSUMED_START_NOTE)
            origin = replace(raw.provenance, notes=(*notes, "time labels mark the end of a bar, as in its folder"))
            ts = np.where(raw.ts == NAT, NAT, raw.ts - raw.interval_ns)
            raw = replace(raw, ts=ts, side="end", provenance=origin)
        out.append(raw)
    return out
