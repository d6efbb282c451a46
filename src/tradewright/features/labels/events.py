"""When to ask, and how far the barriers stand: events and volatility.

Entry points: `cusum_events`, `every_bar`, `ewm_volatility`, `Events`, and `events_of`, `per_event`, `duration_ns`,
which read what users give.

Invariants: an event at a row, and the volatility of a row, are known at the close of that row. Rows in which an
instrument has no bar (NaN) are left out, as if they did not exist for it.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tradewright.domain.bars import Bars, instant_ns, utc
from tradewright.domain.errors import InputError, closest
from tradewright.features.labels.table import F64, I8, I64
from tradewright.kernel import core

__all__ = [
    "Duration",
    "Events",
    "cusum_events",
    "duration_ns",
    "events_of",
    "every_bar",
    "ewm_volatility",
    "number_of",
    "own_rows",
    "per_event",
    "whole_of",
    "word_of",
]

Duration: TypeAlias = "int | str | dt.timedelta | np.timedelta64"
"""A length of time: nanoseconds, text such as ``"5d"``, timedelta or timedelta64."""

_UNITS: Final = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
_UNITS_OF_TIME: Final = {**_UNITS, "d": 24 * _UNITS["h"], "w": 7 * 24 * _UNITS["h"]}
_CHANGES: Final = ("log", "simple", "difference")


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Rows at which something is asked, one entry for each instrument and row.

    Parameters
    ----------
    row, asset : int64 array, shape (n,)
        Row and column of the bars, sorted by row, then by column.
    direction : int8 array, shape (n,)
        1 or -1 for an event that has a direction (a CUSUM filter), else 0.

    Examples
    --------
    >>> Events(np.array([3, 7]), np.array([0, 0]), np.array([1, -1], dtype=np.int8))
    Events(2)
    """

    row: I64
    asset: I64
    direction: I8

    def __post_init__(self) -> None:
        if not self.row.shape == self.asset.shape == self.direction.shape or self.row.ndim != 1:
            raise InputError(
                f"Events have {self.row.shape} rows, {self.asset.shape} columns and {self.direction.shape} directions; "
                "the three must be equally long."
            )

    def __len__(self) -> int:
        return int(self.row.shape[0])

    def __repr__(self) -> str:
        return f"Events({len(self)})"


def every_bar(bars: Bars, *, step: int = 1) -> Events:
    """Every bar of every instrument is an event, or every `step`-th of its bars.

    Parameters
    ----------
    bars : Bars
    step : int
        1 for every bar; counted from an instrument's first.

    Returns
    -------
    Events

    Examples
    --------
    >>> close = [1.0, 2.0, 3.0]
    >>> every_bar(Bars.from_arrays(None, close, close, close, close), step=2).row.tolist()
    [0, 2]
    """
    whole_of("step", step, 1)
    return _gathered([(own_rows(bars, j)[::step], None) for j in range(bars.n_assets)])


def cusum_events(data: Bars | npt.ArrayLike, threshold: float | npt.ArrayLike, *, change: str = "log") -> Events:
    """Symmetric CUSUM filter: rows at which the price has moved by `threshold` since the last event.

    ``S+ = max(0, S+ + d)`` and ``S- = min(0, S- + d)`` add up the changes d. A row is an event when ``S- < -h`` (then
    ``S-`` begins again at 0) or else when ``S+ > h`` (then ``S+`` does).

    Parameters
    ----------
    data : Bars, or array-like of shape (n_bars,)
        Closes count; for an array it is the series itself.
    threshold : float or array-like
        h above, a single number, one for each bar, or one for each bar and instrument. Where it is NaN (a warm-up) or
        not positive, changes are added up but nothing is an event.
    change : str
        What d is: ``"log"`` (log return), ``"simple"`` (return), or ``"difference"`` (of the series as it is).

    Returns
    -------
    Events
        With direction 1 or -1, known at the close of their rows.

    Raises
    ------
    InputError
        If the word is unknown, no threshold is positive, or a log is asked of values that are not positive.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, section 2.5.2.1, snippet 2.4 (``"difference"``).

    Examples
    --------
    Up 2, down 3, up 1: with a threshold of 1.5 the first two moves are events; the fourth leaves ``S+`` at 1.

    >>> found = cusum_events([10.0, 12.0, 9.0, 10.0], 1.5, change="difference")
    >>> found.row.tolist(), found.direction.tolist()
    ([1, 2], [1, -1])
    """
    word_of("change", change, _CHANGES)
    close = _columns(data)
    limit = np.broadcast_to(_aligned("threshold", threshold, close.shape), close.shape)
    if close.size and not (limit > 0).any():
        raise InputError("No threshold is above 0, so nothing would be an event; give a move such as 0.02.")
    found = []
    for j in range(close.shape[1]):
        rows = np.flatnonzero(np.isfinite(close[:, j]))
        moves = _changes(close[rows, j], change)
        which, direction = core.cusum_events(moves, np.ascontiguousarray(limit[rows, j]))
        found.append((rows[which], direction))
    return _gathered(found)


def ewm_volatility(
    data: Bars | npt.ArrayLike,
    *,
    span: float = 100.0,
    change: str = "simple",
    lag: Duration | None = None,
    min_count: int = 20,
) -> F64:
    """Exponentially weighted standard deviation of returns, the usual unit of barriers.

    Weights are ``(1 - alpha)^age`` with ``alpha = 2 / (span + 1)``; unbiased: pandas ``ewm(span=span).std()``.

    Parameters
    ----------
    data : Bars, or array-like of shape (n_bars,)
        Closes count.
    span : float
        At least 1.
    change : str
        ``"simple"`` or ``"log"`` returns, or ``"difference"``.
    lag : duration, optional
        Returns are over this time instead of from bar to bar, such as ``"1d"`` on intraday bars: from the last close
        at or before ``t - lag``. Needs Bars.
    min_count : int
        Returns before the first value, at least 2. pandas begins at 2, with numbers worth little.

    Returns
    -------
    float64 array
        Shape (n_bars, n_assets) for Bars, (n_bars,) for an array; a fraction per bar (or per `lag`), known at the close
        of its row; NaN before `min_count` returns and in rows without a bar.

    References
    ----------
    Lopez de Prado (2018), snippet 3.1, which takes the close strictly before ``t - 1 day``.

    Examples
    --------
    Returns 0.1 and 0.3 with a span of 3 weigh 1/3 and 2/3: deviation 0.2 / sqrt(2).

    >>> ewm_volatility([10.0, 11.0, 14.3], span=3, min_count=2).round(6).tolist()
    [nan, nan, 0.141421]
    """
    word_of("change", change, _CHANGES)
    if not 1.0 <= number_of("span", span) < float("inf"):
        raise InputError(f"span is {span}; it must be a number of bars, 1 or more.")
    whole_of("min_count", min_count, 2)
    if lag is not None and not isinstance(data, Bars):
        raise InputError("lag is a time, and an array has none; give Bars.")
    close = _columns(data)
    out: F64 = np.full(close.shape, np.nan)
    for j in range(close.shape[1]):
        rows = np.flatnonzero(np.isfinite(close[:, j]))
        values = close[rows, j]
        if lag is None or not isinstance(data, Bars):
            moves = _changes(values, change)
        else:
            stamps = data.ts[rows]
            before = np.searchsorted(stamps, stamps - duration_ns("lag", lag), side="right") - 1
            moves = np.full(rows.size, np.nan)
            has = before >= 0
            pairs = np.stack([values[before[has]], values[has]])
            moves[has] = _change_of(pairs[0], pairs[1], change)
        out[rows, j] = core.ewm_std(moves, 2.0 / (span + 1.0), min_count)
    return out if isinstance(data, Bars) else out[:, 0]


def events_of(bars: Bars, events: Events | npt.ArrayLike | None) -> Events:
    """Events of whatever was given.

    Parameters
    ----------
    bars : Bars
    events : Events, array-like or None
        None is every bar. Rows (int), a mask (bool) of shape (n_bars,) or (n_bars, n_assets), or instants
        (datetime64, datetimes, ISO text), which must be stamps of bars.

    Raises
    ------
    InputError
        If rows or stamps are not among the bars.
    """
    if not isinstance(bars, Bars):
        raise InputError(
            f"bars is a {type(bars).__name__}; labels are made of Bars: tradewright.load(data=frame) makes them of a "
            "data frame, Bars.from_arrays of arrays."
        )
    if events is None:
        return every_bar(bars)
    if isinstance(events, Events):
        outside = (events.row < 0) | (events.row >= bars.n_bars) | (events.asset < 0) | (events.asset >= bars.n_assets)
        if outside.any():
            k = int(outside.argmax())
            raise InputError(
                f"Event {k} is at row {events.row[k]} of column {events.asset[k]}; the bars have {bars.n_bars} rows "
                f"and {bars.n_assets} columns. Make events from the same bars."
            )
        return events
    given = np.asarray(events)
    if given.dtype.kind == "b":
        return _masked(bars, given)
    if given.ndim != 1:
        raise InputError(f"events have shape {given.shape}; give rows or instants in one dimension, or a mask.")
    rows = _rows(bars, given)
    every = [(rows, None) for _ in range(bars.n_assets)]
    return _gathered(every)


def per_event(name: str, value: float | npt.ArrayLike, bars: Bars, asked: Events, *, by_event: bool = False) -> F64:
    """One number for each event, of one for all, one for each bar, or one for each bar and instrument.

    With `by_event` also of one for each event, in their order; where there are as many bars as events, bars are meant.
    """
    if by_event and len(asked) != bars.n_bars and np.shape(value) == (len(asked),):
        return _numbers(name, value)
    table = _aligned(name, value, (bars.n_bars, bars.n_assets))
    out: F64 = np.broadcast_to(table, (bars.n_bars, bars.n_assets))[asked.row, asked.asset]
    return out


def number_of(name: str, value: float) -> float:
    """Check that an option is a number and no NaN."""
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or math.isnan(value):
        raise InputError(f"{name} is {value!r}; it must be a number.")
    return float(value)


def whole_of(name: str, value: int, low: int) -> int:
    """Check that an option is a whole number from `low` on."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise InputError(f"{name} is {value!r}; it must be a whole number, {low} or more.")
    return int(value)


def own_rows(bars: Bars, asset: int) -> I64:
    """Rows in which an instrument has a bar."""
    rows: I64 = np.flatnonzero(np.isfinite(bars.close[:, asset])).astype(np.int64)
    return rows


def duration_ns(name: str, value: Duration) -> int:
    """Nanoseconds of a length of time.

    Examples
    --------
    >>> duration_ns("max_time", "1.5h") == duration_ns("max_time", dt.timedelta(minutes=90)) == 5_400_000_000_000
    True
    """
    if isinstance(value, np.timedelta64):
        if np.isnat(value):
            raise InputError(f"{name} is NaT; give a time such as '5d'.")
        out = int(value.astype("timedelta64[ns]").astype(np.int64))
    elif isinstance(value, dt.timedelta):
        out = value // dt.timedelta(microseconds=1) * 1000
    elif isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", value)
        unit = match[2].lower() if match else ""
        unit = {"day": "d", "days": "d", "m": "min", "hour": "h", "hours": "h"}.get(unit, unit)
        if match is None or unit not in _UNITS_OF_TIME:
            raise InputError(
                f"{name} is {value!r}; write a number and one of {', '.join(_UNITS_OF_TIME)}, such as '5d' or '4h'."
            )
        out = round(float(match[1]) * _UNITS_OF_TIME[unit])
    elif isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        out = int(value)
    else:
        raise InputError(f"{name} is {value!r}; give a time such as '5d', a timedelta, or nanoseconds.")
    if out <= 0:
        raise InputError(f"{name} is {value!r}; it must be longer than nothing.")
    return out


def word_of(name: str, value: str, known: tuple[str, ...]) -> str:
    """Check that an option is one of the words it knows."""
    if value not in known:
        raise InputError(
            f"{name} is {value!r}; it must be one of {', '.join(known)}{closest(str(value), known) or '.'}"
        )
    return value


def _columns(data: Bars | npt.ArrayLike) -> F64:
    if isinstance(data, Bars):
        return data.close
    series = np.asarray(data, dtype=np.float64)
    if series.ndim != 1:
        raise InputError(f"The series has shape {series.shape}; give one dimension, or Bars.")
    return series[:, None]


def _aligned(name: str, value: float | npt.ArrayLike, shape: tuple[int, ...]) -> F64:
    array = _numbers(name, value)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim and (array.shape[0] != shape[0] or array.shape[1:] not in {(1,), shape[1:]}):
        raise InputError(
            f"{name} has shape {np.shape(value)}; it must be one number, ({shape[0]},) or {shape}, aligned with the "
            "bars."
        )
    return array


def _numbers(name: str, value: float | npt.ArrayLike) -> F64:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}; give a number, or one for each bar.") from None


def _changes(values: F64, change: str) -> F64:
    out: F64 = np.full(values.size, np.nan)
    if values.size > 1:
        out[1:] = _change_of(values[:-1], values[1:], change)
    return out


def _change_of(before: F64, after: F64, change: str) -> F64:
    if change == "difference":
        return after - before
    if before.size and not (min(before.min(), after.min()) > 0):
        raise InputError(
            f"The series goes down to {min(before.min(), after.min())}, and returns need values above 0; use "
            "change='difference'."
        )
    out: F64 = np.log(after / before) if change == "log" else after / before - 1.0
    return out


def _rows(bars: Bars, given: npt.NDArray[Any]) -> I64:
    if given.dtype.kind in "iu":
        if given.size and (given.min() < 0 or given.max() >= bars.n_bars):
            raise InputError(
                f"events hold rows from {given.min()} to {given.max()}; there are {bars.n_bars} bars. For instants "
                "give datetime64."
            )
        return np.unique(given.astype(np.int64))
    if given.dtype.kind == "M":
        stamps = given.astype("datetime64[ns]").astype(np.int64)
    elif given.dtype.kind in "OU":
        stamps = np.array([instant_ns(item) for item in given.tolist()], dtype=np.int64)
    elif given.size == 0:
        return np.zeros(0, dtype=np.int64)
    else:
        raise InputError(f"events have type {given.dtype}; give rows, a mask or instants.")
    rows = np.searchsorted(bars.ts, stamps)
    known = rows < bars.n_bars
    known[known] = bars.ts[rows[known]] == stamps[known]
    if not known.all():
        k = int((~known).argmax())
        raise InputError(
            f"No bar closes at {utc(int(stamps[k])).isoformat()} (event {k}); events must be stamps of bars, which are "
            "their closes in UTC."
        )
    return np.unique(rows.astype(np.int64))


def _masked(bars: Bars, mask: npt.NDArray[Any]) -> Events:
    if mask.shape not in {(bars.n_bars,), (bars.n_bars, bars.n_assets)}:
        raise InputError(
            f"The mask of events has shape {mask.shape}; it must be ({bars.n_bars},) or "
            f"({bars.n_bars}, {bars.n_assets})."
        )
    table = np.broadcast_to(mask if mask.ndim == 2 else mask[:, None], (bars.n_bars, bars.n_assets))
    return _gathered([(np.flatnonzero(table[:, j]).astype(np.int64), None) for j in range(bars.n_assets)])


def _gathered(found: Sequence[tuple[I64, I8 | None]]) -> Events:
    rows = np.concatenate([rows for rows, _ in found]) if found else np.zeros(0, dtype=np.int64)
    asset = np.repeat(np.arange(len(found), dtype=np.int64), [rows.size for rows, _ in found])
    parts = [np.zeros(rows.size, dtype=np.int8) if d is None else d for rows, d in found]
    direction = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int8)
    order = np.lexsort((asset, rows))
    return Events(rows[order].astype(np.int64), asset[order], direction[order])
