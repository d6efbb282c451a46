"""Data frames, dicts and arrays into bars.

Entry points: `bars_from` (bars), `bars_and_report` (bars and what the rules found).

pandas, polars, PyArrow and everything else narwhals knows are accepted; none of them is imported here, only recognised
when somebody passes one. Conventions about time are those of `stamps`: a plain date is a session, a time without a zone
is the exchange's, a time with a zone is what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..domain.bars import Bars, Provenance
from ..domain.errors import InputError, MissingDataError
from .columns import CLOSE_ONLY_NOTE, Column, Reading, series_from_table, settle_sides
from .grid import align
from .raw import RawSeries
from .rules import DEFAULT_RULES, Rule
from .sanity import Repair, SanityReport, clean
from .stamps import Labels, Stamp, parse_labels

if TYPE_CHECKING:
    from ..domain.instrument import Instrument

__all__ = ["bars_and_report", "bars_from"]

_INDEX = "index"


def bars_from(
    data: Any,
    *,
    symbols: str | Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    tz: str | None = None,
    stamp: Stamp = "auto",
    day_first: bool | None = None,
    calendar: str | None = None,
    adjust: bool = False,
    adjusted: str = "unknown",
    validate: bool = True,
    repair: Repair = "quarantine",
    rules: Iterable[Rule | str] = DEFAULT_RULES,
) -> Bars:
    """Bars from whatever holds prices in memory.

    Parameters
    ----------
    data : Bars, data frame, Series, dict, list or array
        One of

        * `Bars`, judged and otherwise passed through;
        * a pandas, polars or PyArrow table of one instrument, of several with a symbol column, or of closes with one
          column per symbol; a pandas ``DatetimeIndex`` is the time, and column levels (field, symbol) in either order
          are understood;
        * a dict of symbol to frame, or a dict of column name to array;
        * an array of closes, ``(n_bars,)`` or ``(n_bars, n_assets)``, numbered instead of dated.
    symbols : str or sequence of str, optional
        Name of the one instrument, or a choice among several.
    columns : mapping, optional
        Meaning (time, open, high, low, close, volume, ...) to column name where recognition needs help.
    tz : str, optional
        Zone of times without one; by default the exchange's own, UTC for currencies and coins.
    stamp : {"auto", "start", "end"}
        What intraday times mark.
    day_first : bool, optional
        Settles d/m/Y against m/d/Y in text.
    calendar : str, optional
        Market calendar when the symbol does not tell.
    adjust : bool
        Scale prices by adjusted close / close.
    adjusted : str
        What the prices are adjusted for: raw, split, split+dividend or unknown.
    validate, repair, rules
        As in `sanity.clean`.

    Returns
    -------
    Bars

    Raises
    ------
    InputError
        If the object is none of the above.
    DataError
        If it holds no time or price, or no row survives the rules.

    Examples
    --------
    >>> table = {"date": ["2024-01-02", "2024-01-03"], "open": [1, 2], "high": [2, 3], "low": [1, 2], "close": [2, 3]}
    >>> bars = bars_from(table, symbols="SPY")
    >>> bars.symbols, bars.close[:, 0].tolist(), bars.start.isoformat()
    (('SPY',), [2.0, 3.0], '2024-01-02T21:00:00+00:00')
    """
    reading = Reading(dict(columns or {}), tz, stamp, day_first, calendar, adjust)
    bars, _ = bars_and_report(
        data, symbols=symbols, reading=reading, adjusted=adjusted, validate=validate, repair=repair, rules=rules
    )
    return bars


def bars_and_report(
    data: Any,
    *,
    symbols: str | Sequence[str] | None = None,
    reading: Reading | None = None,
    adjusted: str = "unknown",
    validate: bool = True,
    repair: Repair = "quarantine",
    rules: Iterable[Rule | str] = DEFAULT_RULES,
) -> tuple[Bars, SanityReport]:
    """Bars and what the rules found; see `bars_from`.

    Parameters
    ----------
    data, symbols, adjusted, validate, repair, rules
        As in `bars_from`.
    reading : Reading, optional
        The other options of `bars_from`.

    Returns
    -------
    bars : Bars
    report : SanityReport
    """
    wanted = [symbols] if isinstance(symbols, str) else list(symbols) if symbols is not None else None
    chosen = tuple(rules)
    if isinstance(data, Bars):
        return clean(data.select(wanted) if wanted else data, repair=repair, rules=chosen, validate=validate)
    how = reading or Reading()
    if _is_array(data):
        made = _numbered(np.asarray(data, dtype=np.float64), wanted, how)
        return clean(made, repair=repair, rules=chosen, validate=validate)
    series = settle_sides(_series(data, wanted, how, adjusted))
    if not series:
        raise MissingDataError("The data holds no series; it needs a time and at least a close.")
    done = [clean(raw, repair=repair, rules=chosen, validate=validate) for raw in series]
    return align([bars for bars, _ in done]), SanityReport.merged(report for _, report in done)


def _series(data: Any, wanted: list[str] | None, reading: Reading, adjusted: str) -> list[RawSeries]:
    if isinstance(data, Mapping):
        if not data:
            raise InputError("The dict of prices is empty.")
        values = list(data.values())
        if all(_is_frame(value) or isinstance(value, (Bars, Mapping)) for value in values):
            keys = [str(key) for key in data]
            if wanted is not None:
                missing = [symbol for symbol in wanted if symbol not in keys]
                if missing:
                    from .providers.base import unknown_symbol

                    raise unknown_symbol(missing[0], keys, "the dict")
            by_name = {str(key): value for key, value in data.items()}
            return [
                raw
                for key in (wanted if wanted is not None else keys)
                for raw in _series_of_one(by_name[key], key, reading, adjusted)
            ]
        table: dict[str, Column] = {str(name): _column(value) for name, value in data.items()}
        return _from_table(table, wanted, reading, adjusted, "a dict of columns")
    if not _is_frame(data):
        raise InputError(
            f"Bars cannot be made from {type(data).__module__}.{type(data).__name__}; give Bars, a pandas, polars or "
            "PyArrow table, a dict of them or of arrays, an array of closes, or the path of a file as data=..."
        )
    if type(data).__module__.split(".")[0] == "pandas":
        return _from_pandas(data, wanted, reading, adjusted)
    return _from_table(_table(data), wanted, reading, adjusted, _kind(data))


def _series_of_one(value: Any, symbol: str, reading: Reading, adjusted: str) -> list[RawSeries]:
    if isinstance(value, Bars):
        from .providers.memory import MemoryProvider

        found = MemoryProvider(value).series(None)
    else:
        found = _series(value, [symbol] if not isinstance(value, Mapping) else None, reading, adjusted)
    if len(found) != 1:
        raise InputError(f"The table of {symbol!r} holds {len(found)} instruments; pass it alone, not in a dict.")
    from dataclasses import replace

    return [replace(found[0], instrument=reading.instrument(symbol))]


def _from_table(
    table: Mapping[str, Column], wanted: list[str] | None, reading: Reading, adjusted: str, source: str
) -> list[RawSeries]:
    symbol = wanted[0] if wanted is not None and len(wanted) == 1 else None
    return series_from_table(
        table, symbol=symbol, symbols=wanted, reading=reading, provenance=Provenance(source=source, adjusted=adjusted)
    )


def _from_pandas(data: Any, wanted: list[str] | None, reading: Reading, adjusted: str) -> list[RawSeries]:
    if not hasattr(data, "columns"):  # a Series of closes
        data = data.to_frame(name="close" if wanted is None else wanted[0])
        if wanted is None:
            wanted = [str(data.columns[0])] if data.columns[0] != "close" else None
    if getattr(data.columns, "nlevels", 1) > 1:
        return _from_levels(data, wanted, reading, adjusted)
    if getattr(data.index, "nlevels", 1) > 1:
        data = data.reset_index()
    table: dict[str, Column] = {}
    if type(data.index).__name__ in {"DatetimeIndex", "PeriodIndex"}:
        index = data.index.to_timestamp() if type(data.index).__name__ == "PeriodIndex" else data.index
        # The index is the time, whatever it is called; a column of that name would be overlooked otherwise.
        table[_INDEX] = _pandas_times(index)
        reading = _with_time(reading, _INDEX)
    elif data.index.name is not None or not _has_time(data.columns):
        table[str(data.index.name or _INDEX)] = _column(data.index.to_numpy())
    for position, name in enumerate(data.columns):
        column = data.iloc[:, position]
        is_time = getattr(column.dtype, "kind", "") == "M"
        table[str(name)] = _pandas_times(column.dt, column) if is_time else _column(column.to_numpy())
    return _from_table(table, wanted, reading, adjusted, "pandas")


def _from_levels(data: Any, wanted: list[str] | None, reading: Reading, adjusted: str) -> list[RawSeries]:
    """Columns in two levels: (field, symbol) as yfinance has it, or (symbol, field)."""
    from .columns import roles_of

    levels = [[str(item) for item in data.columns.get_level_values(level).unique()] for level in (0, 1)]
    scores = [len({"open", "high", "low", "close", "volume"} & set(roles_of([*names, "date"]))) for names in levels]
    at = 1 if scores[0] >= scores[1] else 0
    keys = levels[at]
    if wanted is not None and (missing := [symbol for symbol in wanted if symbol not in keys]):
        from .providers.base import unknown_symbol

        raise unknown_symbol(missing[0], keys, "the frame")
    out: list[RawSeries] = []
    for key in wanted if wanted is not None else keys:
        one = data.xs(key, axis=1, level=at).dropna(how="all")
        if len(one):
            out += _from_pandas(one, [key], reading, adjusted)
    return out


def _pandas_times(accessor: Any, values: Any = None) -> Column:
    """Labels of a DatetimeIndex, or of a column by its ``.dt`` accessor."""
    zone = accessor.tz
    plain = accessor if values is None else values
    if zone is not None:
        plain = accessor.tz_convert(None)
    return Labels(parse_labels(plain.to_numpy().astype("datetime64[ns]")).ns, aware=zone is not None)


def _table(data: Any) -> dict[str, Column]:
    """Columns of a polars, PyArrow or other table."""
    import narwhals as nw

    found = nw.from_native(data)
    frame = found.collect() if isinstance(found, nw.LazyFrame) else found
    out: dict[str, Column] = {}
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, nw.Datetime):
            zone = column.dtype.time_zone
            plain = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else column
            out[name] = Labels(parse_labels(plain.to_numpy().astype("datetime64[ns]")).ns, aware=zone is not None)
        elif column.dtype.is_numeric() and not isinstance(column.dtype, nw.Decimal):
            out[name] = column.to_numpy()
        else:
            out[name] = column.to_list()
    return out


def _column(value: Any) -> Column:
    if isinstance(value, (np.ndarray, list, Labels)):
        return value
    if hasattr(value, "to_numpy"):
        return value.to_numpy()
    return list(value)


def _numbered(closes: Any, wanted: list[str] | None, reading: Reading) -> Bars:
    instruments: tuple[Instrument, ...] | None = tuple(reading.instrument(s) for s in wanted) if wanted else None
    origin = Provenance(source="an array of closes", notes=(CLOSE_ONLY_NOTE,))
    return Bars.from_arrays(None, closes, closes, closes, closes, instruments=instruments, provenance=origin)


def _with_time(reading: Reading, name: str) -> Reading:
    from dataclasses import replace

    return replace(reading, columns={"time": name, **reading.columns})


def _has_time(names: Iterable[Any]) -> bool:
    from .columns import roles_of

    return "time" in roles_of([str(name) for name in names])


def _is_array(data: Any) -> bool:
    if isinstance(data, np.ndarray):
        return data.dtype.kind in "fiu"
    return isinstance(data, (list, tuple)) and bool(data) and isinstance(data[0], (int, float))


def _is_frame(data: Any) -> bool:
    return type(data).__module__.split(".")[0] in {"pandas", "polars", "pyarrow", "modin", "cudf"} or hasattr(
        data, "__narwhals_dataframe__"
    )


def _kind(data: Any) -> str:
    return type(data).__module__.split(".")[0]
