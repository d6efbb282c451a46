"""Decisions that somebody else made, as files and frames with dates and symbols.

Entry points: `is_table`, `table_of` (any table as columns), `rows_at` (times as bars), `grid_of` (a table of one number
per time and instrument as rows of the engine), `order_table`.

Invariants: a decision belongs to a bar that had closed when it was made: a plain date to the last bar of that session,
an instant to the newest bar that closed at or before it. What belongs to no bar, or comes twice, is refused by row;
nothing is moved or dropped in silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import InputError, MissingDataError, closest

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["grid_of", "is_table", "order_table", "rows_at", "table_of"]

TIMES: Final = ("time", "date", "datetime", "timestamp")
_DAY_NS: Final = 86_400_000_000_000
_WORDS: Final = {"long": 1.0, "flat": 0.0, "short": -1.0, "true": 1.0, "false": 0.0}


def is_table(value: Any) -> bool:
    """Return whether a value is a file or something with named columns, rather than an array.

    Examples
    --------
    >>> is_table("weights.csv"), is_table({"date": [], "weight": []}), is_table([[1, 0]])
    (True, True, False)
    """
    if isinstance(value, (str, Path, Mapping)):
        return True
    if isinstance(value, Sequence):
        return bool(value) and isinstance(value[0], Mapping)
    return _is_lazy(value) or _is_series(value) or hasattr(value, "columns")


def table_of(value: Any, name: str) -> dict[str, Any]:
    """Columns of a file, frame, mapping or sequence of mappings.

    Parameters
    ----------
    value : path, frame, mapping of columns, or sequence of mappings
        CSV (gzip too) and Parquet files; pandas frames keep their index as ``time`` when it holds dates.
    name : str
        What it is, for messages.

    Returns
    -------
    dict of str to list
        Cells by column; empty cells are None.

    Raises
    ------
    InputError
        If it is none of these.
    DataError
        If a file cannot be read.

    Examples
    --------
    >>> table_of([{"bar": 0, "quantity": 5}, {"bar": 3}], "orders")
    {'bar': [0, 3], 'quantity': [5, None]}
    """
    if isinstance(value, (str, Path)):
        return _read(Path(value), name)
    if isinstance(value, Mapping):
        return {str(key): _listed(cells) for key, cells in value.items()}
    if isinstance(value, Sequence):
        keys: dict[str, None] = {}
        for row in value:
            if not isinstance(row, Mapping):
                raise InputError(f"{name} must be columns or a sequence of mappings, not of {type(row).__name__}.")
            keys.update(dict.fromkeys(str(key) for key in row))
        return {key: [row.get(key) for row in value] for key in keys}
    out: dict[str, Any] = {}
    index = getattr(value, "index", None)
    if getattr(getattr(index, "dtype", None), "kind", "") == "M" or type(index).__name__ == "DatetimeIndex":
        out["time"] = list(index)  # type: ignore[arg-type]
    if _is_series(value):
        return {**out, str(getattr(value, "name", None) or "value"): value.tolist()}
    import narwhals as nw

    try:
        found = nw.from_native(value)
    except TypeError:
        raise InputError(
            f"{name} must be columns, a sequence of mappings, a file or a frame, not {type(value).__name__}."
        ) from None
    frame: Any = found.collect() if isinstance(found, nw.LazyFrame) else found
    return {**out, **{str(column): frame[column].to_list() for column in frame.columns}}


def rows_at(times: Sequence[Any], bars: Bars, name: str) -> Array:
    """Bar at whose close each decision was made.

    Parameters
    ----------
    times : sequence
        Dates (sessions of the exchange) or instants (UTC where they do not say their zone).
    bars : Bars
        What is traded.
    name : str
        For messages.

    Returns
    -------
    int64 array

    Raises
    ------
    InputError
        If a time cannot be read, is no session of the bars, or lies outside of them.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> stamps = np.array(["2024-01-02T21:00", "2024-01-03T21:00"], dtype="datetime64[ns]")
    >>> bars = Bars.from_arrays(stamps, *[[1.0, 2.0]] * 4, symbols="SPY")
    >>> rows_at(["2024-01-03", "2024-01-02"], bars, "orders").tolist()
    [1, 0]
    >>> rows_at(["2024-01-03T20:00Z"], bars, "orders").tolist()
    [0]
    """
    from tradewright.data.calendars import session_ordinals
    from tradewright.data.stamps import NAT, parse_labels

    labels = parse_labels(list(times))
    stamps = np.asarray(labels.ns, dtype=np.int64)
    if not stamps.size:
        return stamps
    bad = np.flatnonzero(stamps == NAT)
    if bad.size:
        raise InputError(f"{name} row {int(bad[0])}: the time {times[int(bad[0])]!r} cannot be read.")
    if not labels.aware and not (stamps % _DAY_NS).any():
        sessions = session_ordinals(bars)
        days = stamps // _DAY_NS
        rows = np.searchsorted(sessions, days, side="right") - 1
        wrong = np.flatnonzero((rows < 0) | (sessions[np.maximum(rows, 0)] != days))
        if wrong.size:
            near = sessions[max(int(rows[wrong[0]]), 0) :][:2].astype("datetime64[D]")
            raise InputError(
                f"{name} row {int(wrong[0])}: {days[wrong[0]].astype('datetime64[D]')} is no session of the bars; they "
                f"reach from {sessions[0].astype('datetime64[D]')} to {sessions[-1].astype('datetime64[D]')}; near it "
                f"are {' and '.join(map(str, near))}."
            )
        return rows.astype(np.int64)
    rows = np.searchsorted(bars.ts, stamps, side="right") - 1
    wrong = np.flatnonzero((rows < 0) | (stamps > bars.ts[-1] + max(bars.interval_ns, _DAY_NS)))
    if wrong.size:
        when = np.datetime64(int(stamps[wrong[0]]), "ns").astype("datetime64[s]")
        raise InputError(
            f"{name} row {int(wrong[0])}: at {when} UTC no bar of this range had closed or all were over; they reach "
            f"from {bars.start:%Y-%m-%d %H:%M} to {bars.end:%Y-%m-%d %H:%M} UTC."
        )
    return rows.astype(np.int64)


def grid_of(value: Any, bars: Bars, name: str) -> tuple[Array, Array]:
    """One number per time and instrument as decision rows.

    Parameters
    ----------
    value : table
        Long (a time, ``symbol``, and ``signal``, ``weight`` or ``value``) or wide (a time and one column a symbol).
        With one instrument the symbol may be left out. ``bar``, a number from 0, does instead of a time. A frame with
        one row a bar needs neither.
    bars : Bars
    name : str
        ``signals`` or ``weights``.

    Returns
    -------
    rows : int64 array (k,), increasing
        Bars with a decision.
    values : float64 array (k, n_assets)
        NaN where nothing is said.

    Raises
    ------
    InputError
        If columns are missing or unknown, a cell is no number, or a decision comes twice.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> bars = Bars.from_arrays(None, *[[[1.0, 4.0], [2.0, 4.0]]] * 4, symbols=["A", "B"])
    >>> rows, values = grid_of({"bar": [1, 1], "symbol": ["B", "A"], "weight": [0.25, 0.5]}, bars, "weights")
    >>> rows.tolist(), values.tolist()
    ([1], [[0.5, 0.25]])
    """
    table = table_of(value, name)
    when = next((key for key in table if key.strip().lower() in {*TIMES, "bar"}), None)
    n = len(next(iter(table.values()), []))
    if when is None:
        if n != bars.n_bars:
            raise InputError(
                f"{name} have no time: one of {', '.join(TIMES)} or bar is needed; "
                f"there is {', '.join(table) or 'nothing'}."
            )
        at = np.arange(n, dtype=np.int64)
    elif when.strip().lower() == "bar":
        at = np.array([_whole(cell, name, i) for i, cell in enumerate(table.pop(when))], dtype=np.int64)
        if at.size and (at.min() < 0 or at.max() >= bars.n_bars):
            raise InputError(f"{name}: bars must lie in 0 .. {bars.n_bars - 1}, not {at.min()} .. {at.max()}.")
    else:
        # A frame with one row a bar was computed from these bars; its labels may be those of the source.
        cells = table.pop(when)
        own = n == bars.n_bars and hasattr(value, "index")
        at = np.arange(n, dtype=np.int64) if own else rows_at(cells, bars, name)
    keys = {key.strip().lower(): key for key in table}
    number = next((keys[word] for word in (name.rstrip("s"), name, "value", "target") if word in keys), None)
    symbol = next((keys[word] for word in ("symbol", "ticker", "asset") if word in keys), None)
    rows, place = np.unique(at, return_inverse=True)
    out = np.full((rows.size, bars.n_assets), np.nan)
    seen = np.zeros(out.shape, dtype=bool)
    if symbol is not None and number is not None:
        columns = np.array([bars.column(str(cell).strip()) for cell in table[symbol]], dtype=np.int64)
        _put(out, seen, place, columns, table[number], name)
    elif number is not None and len(table) == 1 and bars.n_assets == 1:
        _put(out, seen, place, np.zeros(n, dtype=np.int64), table[number], name)
    else:
        unknown = [key for key in table if key.strip() not in bars.symbols]
        if unknown or not table:
            hint = closest(unknown[0].strip(), bars.symbols) if unknown else ""
            raise InputError(
                f"{name} need the columns symbol and {name.rstrip('s')}, or one column a symbol"
                + (f"; {unknown[0]!r} is none{hint or '.'}" if unknown else ".")
            )
        for key, cells in table.items():
            column = np.full(n, bars.column(key.strip()), dtype=np.int64)
            _put(out, seen, place, column, cells, name)
    return rows, out


def order_table(value: Any, bars: Bars, name: str) -> dict[str, Any]:
    """Columns of orders, with ``bar`` in the place of a time.

    Parameters
    ----------
    value : table
        See `tradewright.engine.decisions.order_columns`; a time column does instead of ``bar``.
    bars : Bars
    name : str
        For messages.

    Returns
    -------
    dict of str to list
    """
    table = {key.strip(): cells for key, cells in table_of(value, name).items()}
    if isinstance(value, (str, Path)):
        table = {key.lower(): [_plain(cell) for cell in cells] for key, cells in table.items()}
    when = next((key for key in table if key.lower() in TIMES), None)
    if when is not None:
        if "bar" in table:
            raise InputError(f"{name} say when twice, by 'bar' and by {when!r}; keep one of them.")
        table = {"bar": rows_at(table.pop(when), bars, name).tolist(), **table}
    return table


# --- private ------------------------------------------------------------------------------------------


def _read(path: Path, name: str) -> dict[str, Any]:
    if not path.exists():
        near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise MissingDataError(f"There is no file {str(path)!r} of {name}{closest(path.name, near) or '.'}")
    if path.name.lower().endswith((".parquet", ".pq")):
        from tradewright.data.providers.parquet_files import ParquetProvider

        found, ragged = ParquetProvider(path).read(path)
    else:
        from tradewright.data.delimited import read_delimited

        found, ragged = read_delimited(path)
    if ragged:
        raise InputError(f"{path.name}: {ragged} rows have the wrong number of cells; mend them, none is left out.")
    return {key: _cells(cells) for key, cells in found.items()}


def _cells(cells: Any) -> Any:
    from tradewright.data.stamps import Labels

    if isinstance(cells, Labels):
        return [f"{stamp}Z" for stamp in cells.ns.view("datetime64[ns]")]
    plain = cells.tolist() if isinstance(cells, np.ndarray) and cells.dtype.kind != "M" else list(cells)
    return [None if isinstance(cell, str) and not cell.strip() else cell for cell in plain]


def _plain(cell: Any) -> Any:
    """Cell of a file of orders: numbers and words as the engine reads them."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if text.lower() in {"true", "false"}:
        return int(text.lower() == "true")
    return text


def _is_lazy(value: Any) -> bool:
    return type(value).__name__ == "LazyFrame"  # asking one for its columns runs its query


def _is_series(value: Any) -> bool:
    return type(value).__name__ == "Series" and type(value).__module__.startswith("pandas")


def _listed(cells: Any) -> Any:
    return cells if hasattr(cells, "__len__") and not isinstance(cells, str) else [cells]


def _whole(cell: Any, name: str, row: int) -> int:
    number = _number(cell, name, row)
    if number != int(number):
        raise InputError(f"{name} row {row}: bar {cell!r} is no whole number.")
    return int(number)


def _number(cell: Any, name: str, row: int) -> float:
    if cell is None or type(cell).__name__ in {"NAType", "NaTType"}:
        return math.nan
    if isinstance(cell, str):
        word = cell.strip().lower()
        if word in _WORDS:
            return _WORDS[word]
    try:
        return float(cell)
    except (TypeError, ValueError):
        raise InputError(f"{name} row {row}: {cell!r} is no number.") from None


def _put(out: Array, seen: Array, place: Array, columns: Array, cells: Sequence[Any], name: str) -> None:
    if np.unique(place).size == place.size and columns.size and (columns == columns[0]).all():
        try:  # a whole column at once; what is no number finds its row below
            out[place, columns[0]] = np.asarray(cells, dtype=np.float64)
        except (TypeError, ValueError):
            pass
        else:
            seen[place, columns[0]] = True
            return
    for row, (i, j, cell) in enumerate(zip(place.tolist(), columns.tolist(), cells, strict=True)):
        if seen[i, j]:
            raise InputError(f"{name} row {row}: this time and instrument come twice; keep one of them.")
        seen[i, j] = True
        out[i, j] = _number(cell, name, row)
