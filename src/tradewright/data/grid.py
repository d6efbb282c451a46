"""Bars of several instruments on one grid of time, and longer bars out of shorter ones.

Entry points: `align`, `resample`, `regular_hours`, `between_sessions`, `require_warm_up`.

Invariants: an instrument without a bar at a time has NaN there, nothing is filled forward; a longer bar is made only of
bars that were known at its stamp, and appears only when its interval is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..domain.bars import Bars, Instant, Provenance, instant_ns
from ..domain.errors import InputError, MissingDataError
from .calendars import market_hours, session_dates, session_ordinals
from .hours import MINUTE_NS, MarketHours, session_closes
from .intervals import interval_name, interval_ns, unit_of
from .zones import DAY_NS

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["align", "between_sessions", "regular_hours", "require_warm_up", "resample"]

FIELDS: Final = ("open", "high", "low", "close", "volume")


def align(series: Sequence[Bars]) -> Bars:
    """One set of bars over all instruments.

    Parameters
    ----------
    series : sequence of Bars
        Bars of different instruments and one interval.

    Returns
    -------
    Bars
        On the union of stamps. Bars of a day or longer meet on their session (week, month) instead, because the closes
        of two markets on one day differ; such a row is stamped with the last of its closes, when all of it was known.

    Raises
    ------
    InputError
        If there is nothing to align or intervals differ.

    Examples
    --------
    >>> days = np.array(["2024-01-02T21:00", "2024-01-03T21:00"], dtype="datetime64[ns]")
    >>> a = Bars.from_arrays(days, [1, 2], [1, 2], [1, 2], [1, 2], symbols="SPY")
    >>> b = Bars.from_arrays(days[1:], [5], [5], [5], [5], symbols="QQQ")
    >>> align([a, b]).close.tolist()
    [[1.0, nan], [2.0, 5.0]]
    """
    if not series:
        raise InputError("There are no bars to align; give at least one series.")
    if len(series) == 1:
        return series[0]
    lengths = sorted({bars.interval_ns for bars in series if bars.interval_ns})
    if len({unit_of(n) for n in lengths}) > 1 or (lengths and unit_of(lengths[0]) == "intraday" and len(lengths) > 1):
        names = ", ".join(f"{'+'.join(bars.symbols[:2])} {interval_name(bars.interval_ns)}" for bars in series[:6])
        raise InputError(f"Bars of different lengths cannot share rows: {names}; resample them to one interval first.")
    interval = lengths[-1] if lengths else 0
    if all(bars.ts.shape == series[0].ts.shape and np.array_equal(bars.ts, series[0].ts) for bars in series[1:]):
        stamps = series[0].ts
        arrays = {name: np.concatenate([getattr(bars, name) for bars in series], axis=1) for name in FIELDS}
    else:
        stamps, places = _union(series, unit_of(interval))
        arrays = {}
        for name in FIELDS:
            target = np.full((stamps.size, sum(bars.n_assets for bars in series)), np.nan)
            column = 0
            for bars, rows in zip(series, places, strict=True):
                target[rows, column : column + bars.n_assets] = getattr(bars, name)
                column += bars.n_assets
            arrays[name] = target
    return Bars(
        stamps,
        **arrays,
        instruments=tuple(instrument for bars in series for instrument in bars.instruments),
        interval_ns=interval,
        provenance=_merged([bars.provenance for bars in series]),
        actions=tuple(sorted((a for bars in series for a in bars.actions), key=lambda action: action.ts)),
    )


def resample(bars: Bars, interval: str | int, *, partial: bool = False) -> Bars:
    """Longer bars out of shorter ones.

    Parameters
    ----------
    bars : Bars
        Of a known, shorter interval.
    interval : str or int
        ``"15min"``, ``"1h"``, ``"1d"``, ``"1w"``, ``"1mo"``, ...
    partial : bool
        Keep a last bar whose interval is not over yet.

    Returns
    -------
    Bars
        Open of the first, high, low, close of the last, sum of volume. Intraday intervals are counted from the opening
        bell (from midnight around the clock) and cut at the closing bell. Each bar is stamped with the end of its
        interval, or with its last part where that is later.

    Raises
    ------
    InputError
        If the new interval is not longer than the old one.

    Notes
    -----
    When an interval is over is told by the calendar of the exchange, half days and holidays included: an hour that the
    early close of a half day cuts ends there, and the last bar of a short session or week appears with its last part.
    Where `exchange_calendars` is not installed regular hours stand in, and such a bar appears with the next one. A
    daily bar is stamped at the regular close of its session, longer ones at that of their last session.

    A split inside of a longer bar: its parts before the split are restated in new shares, for the split takes effect
    with that bar.

    Examples
    --------
    >>> ends = np.array(["2024-01-02T14:35", "2024-01-02T14:40", "2024-01-02T14:45"], dtype="datetime64[ns]")
    >>> five = Bars.from_arrays(ends, [1, 2, 3], [4, 5, 6], [1, 1, 1], [2, 3, 4], [10, 10, 10], symbols="SPY",
    ...                         interval_ns=interval_ns("5min"))
    >>> fifteen = resample(five, "15min")
    >>> fifteen.open.item(), fifteen.high.item(), fifteen.close.item(), fifteen.volume.item()
    (1.0, 6.0, 4.0, 30.0)
    """
    wanted = interval_ns(interval)
    if wanted <= bars.interval_ns or not wanted:
        raise InputError(
            f"Bars of {interval_name(bars.interval_ns)} cannot be resampled to {interval_name(wanted)}; "
            "the new interval must be longer."
        )
    if not bars.n_bars:
        return replace(bars, interval_ns=wanted)
    keys, ends, over = _buckets(bars, wanted)
    first = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    last = np.append(first[1:] - 1, keys.size - 1)
    stamps = np.maximum(ends[first], bars.ts[last])
    keep = slice(None) if partial or over <= bars.ts[-1] else slice(0, -1)
    bars = _split_inside(bars, first)
    arrays = {
        "open": _edge(bars.open, first, last, head=True),
        "high": np.fmax.reduceat(bars.high, first, axis=0),
        "low": np.fmin.reduceat(bars.low, first, axis=0),
        "close": _edge(bars.close, first, last, head=False),
        "volume": _total(bars.volume, first),
    }
    return Bars(
        np.ascontiguousarray(stamps[keep]),
        **{name: np.ascontiguousarray(array[keep]) for name, array in arrays.items()},
        instruments=bars.instruments,
        interval_ns=wanted,
        provenance=bars.provenance.with_note(
            f"resampled from {interval_name(bars.interval_ns)} to {interval_name(wanted)}"
        ),
        actions=bars.actions,
    )


def regular_hours(bars: Bars) -> Bars:
    """Bars of the regular sessions only: what was traded before the opening or after the closing bell is left out.

    Parameters
    ----------
    bars : Bars
        Intraday. Half days end at their early close where `exchange_calendars` is installed.

    Returns
    -------
    Bars
        The same object where nothing is left out.

    Examples
    --------
    >>> ends = np.array(["2024-01-02T14:30", "2024-01-02T14:35", "2024-01-02T21:05"], dtype="datetime64[ns]")
    >>> bars = Bars.from_arrays(ends, *[[1, 2, 3]] * 4, symbols="SPY", interval_ns=interval_ns("5min"))
    >>> regular_hours(bars).close[:, 0].tolist()
    [2.0]
    """
    hours = market_hours(bars)
    if hours.always_open or not bars.n_bars:
        return bars
    if unit_of(bars.interval_ns) != "intraday":
        raise InputError(f"Bars of {interval_name(bars.interval_ns)} have no hours to choose from; give intraday bars.")
    days = session_ordinals(bars)
    keep = (bars.ts > _session_opens(days, hours)) & (bars.ts <= _closes(days, hours, DAY_NS))
    if keep.all():
        return bars
    fields = {name: np.ascontiguousarray(getattr(bars, name)[keep]) for name in FIELDS}
    note = f"regular hours only: {int((~keep).sum())} bars outside of them are left out"
    return replace(bars, ts=np.ascontiguousarray(bars.ts[keep]), provenance=bars.provenance.with_note(note), **fields)  # type: ignore[arg-type]


def between_sessions(bars: Bars, start: Instant | None = None, end: Instant | None = None) -> Bars:
    """Bars from `start` to `end`, both included; plain dates mean sessions.

    Parameters
    ----------
    bars : Bars
        Any interval.
    start, end : date, ISO text, datetime, datetime64, int or None
        A plain date is the date of a session on the exchange; anything with a time is an instant (UTC when naive).

    Returns
    -------
    Bars
        Views, possibly without rows.

    Raises
    ------
    InputError
        If the range ends before it starts.

    Examples
    --------
    >>> stamps = np.array(["2024-01-02T00:00", "2024-01-03T00:00"], dtype="datetime64[ns]")  # ends of two UTC days
    >>> bars = Bars.from_arrays(stamps, [1, 2], [1, 2], [1, 2], [1, 2], symbols="BTC-USD")
    >>> between_sessions(bars, "2024-01-02").close.tolist()
    [[2.0]]
    """
    if (start is None and end is None) or not bars.n_bars:
        return bars
    if start is not None and end is not None and instant_ns(start) > instant_ns(end, last=True):
        raise InputError(f"The range ends ({end}) before it starts ({start}); swap the two.")
    first, last = 0, bars.n_bars
    days = session_ordinals(bars) if _is_date(start) or _is_date(end) else None
    if start is not None:
        if days is not None and _is_date(start):
            first = int(np.searchsorted(days, instant_ns(start) // DAY_NS, side="left"))
        else:
            first = int(np.searchsorted(bars.ts, instant_ns(start), side="left"))
    if end is not None:
        if days is not None and _is_date(end):
            last = int(np.searchsorted(days, instant_ns(end) // DAY_NS, side="right"))
        else:
            last = int(np.searchsorted(bars.ts, instant_ns(end), side="right"))
    return bars.rows(first, last)


def require_warm_up(bars: Bars, warm_up: int, *, wanted: int = 1, full: Bars | None = None) -> None:
    """Refuse a range that is too short for what shall run on it.

    Parameters
    ----------
    bars : Bars
        The range that was asked for.
    warm_up : int
        Bars needed before the first opinion.
    wanted : int
        Bars that should remain after it.
    full : Bars, optional
        Everything the provider has; lets the message name dates that would work.

    Raises
    ------
    MissingDataError
        If fewer than ``warm_up + wanted`` bars are there. The message says how many, and which start or end would do.

    Examples
    --------
    >>> bars = Bars.from_arrays(None, [1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3])
    >>> require_warm_up(bars, 2)
    """
    needed = warm_up + wanted
    if bars.n_bars >= needed:
        return
    what = ", ".join(bars.symbols[:5])
    have = "1 bar" if bars.n_bars == 1 else f"{bars.n_bars} bars"
    need = "1 is" if warm_up == 1 else f"{warm_up} are"
    text = f"{have} of {what} {'is' if bars.n_bars == 1 else 'are'} too few: {need} needed to warm up"
    text += f" and {wanted} to trade." if wanted != 1 else " and at least one to trade."
    if bars.n_bars:
        text += f" The range has {_date(bars, 0)} to {_date(bars, -1)}."
    if full is None or full.n_bars < needed:
        have = "" if full is None else f" (all data: {full.n_bars} bars)"
        raise MissingDataError(f"{text} Load more data{have} or use a shorter warm-up.")
    end = int(np.searchsorted(full.ts, bars.ts[-1])) if bars.n_bars else full.n_bars - 1
    start = int(np.searchsorted(full.ts, bars.ts[0])) if bars.n_bars else 0
    hints: list[str] = []
    if end - needed + 1 >= 0:
        hints.append(f"start at {_date(full, end - needed + 1)} or earlier")
    if start + needed - 1 < full.n_bars:
        hints.append(f"end at {_date(full, start + needed - 1)} or later")
    raise MissingDataError(f"{text} It would work to {' or to '.join(hints)}.")


def _date(bars: Bars, row: int) -> str:
    return str(session_dates(bars)[row])


def _is_date(value: Instant | None) -> bool:
    import datetime as dt

    if isinstance(value, str):
        return len(value.strip()) <= 10
    if isinstance(value, np.datetime64):
        return np.datetime_data(value)[0] == "D"
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


def _union(series: Sequence[Bars], unit: str) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.int64]]]:
    """Common stamps, and the row of each series' bars among them."""
    if unit in {"", "intraday"}:
        stamps = np.unique(np.concatenate([bars.ts for bars in series]))
        return stamps, [np.searchsorted(stamps, bars.ts) for bars in series]
    keys = [period_keys(session_ordinals(bars), unit) for bars in series]
    if any(bool((np.diff(key) <= 0).any()) for key in keys):
        # Two bars of one instrument in one period: the label says less than the stamp.
        stamps = np.unique(np.concatenate([bars.ts for bars in series]))
        return stamps, [np.searchsorted(stamps, bars.ts) for bars in series]
    every = np.unique(np.concatenate(keys))
    places = [np.searchsorted(every, key) for key in keys]
    stamps = np.full(every.size, np.iinfo(np.int64).min)
    for bars, rows in zip(series, places, strict=True):
        stamps[rows] = np.maximum(stamps[rows], bars.ts)
    return np.maximum.accumulate(stamps), places


def period_keys(days: npt.NDArray[np.int64], unit: str) -> npt.NDArray[np.int64]:
    """Number of the day, week, month, quarter or year (`intervals.unit_of`) that each session day lies in.

    Examples
    --------
    >>> period_keys(np.array([0, 3, 4]), "week").tolist()  # a Thursday, a Sunday, a Monday
    [0, 0, 1]
    """
    if unit == "day":
        return days
    if unit == "week":
        return (days + 3) // 7
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months // {"month": 1, "quarter": 3, "year": 12}[unit]


def _merged(origins: Sequence[Provenance]) -> Provenance:
    first = origins[0]
    if all(origin == first for origin in origins):
        return first
    sources = list(dict.fromkeys(origin.source for origin in origins if origin.source))
    shown = "; ".join(sources[:8]) + (f"; and {len(sources) - 8} more" if len(sources) > 8 else "")
    adjusted = {origin.adjusted for origin in origins}
    return Provenance(
        source=shown,
        synthetic=any(origin.synthetic for origin in origins),
        licence="; ".join(dict.fromkeys(origin.licence for origin in origins if origin.licence)),
        adjusted=adjusted.pop() if len(adjusted) == 1 else "unknown",
        notes=tuple(dict.fromkeys(note for origin in origins for note in origin.notes)),
    )


def _buckets(bars: Bars, wanted: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Key of the interval each bar lies in (never decreasing), its stamp, and the instant at which the last is over."""
    hours = market_hours(bars)
    unit = unit_of(wanted)
    days = session_ordinals(bars)
    if unit == "intraday":
        origin = _session_opens(days, hours)
        index = (bars.ts - 1 - origin) // wanted
        ends = origin + (index + 1) * wanted
        if not hours.always_open:
            closes = _closes(days, hours, wanted)
            late = bars.ts > closes
            # What comes after the bell is apart from what was before it: the last bar of a session is over at the bell.
            index, ends = index + late, np.where((ends > closes) & ~late, closes, ends)
        per_day = DAY_NS // wanted + 3
        return days * (2 * per_day) + index + per_day, ends, int(ends[-1])
    multiple = wanted // {"day": DAY_NS, "week": 7 * DAY_NS, "month": 30 * DAY_NS, "quarter": 91 * DAY_NS,
                          "year": 365 * DAY_NS}[unit]  # fmt: skip
    keys = period_keys(days, unit) // multiple
    final = _last_day(keys, unit, multiple)
    if not hours.always_open and unit != "day":
        final = final - np.maximum((final + 3) % 7 - 4, 0)  # the last weekday
        final = _last_sessions(days, keys, final, hours)
    ends = session_closes(final, hours.calendar)
    over = int(ends[-1])
    if over > int(bars.ts[-1]) and not hours.always_open:
        over = int(_true_closes(final[-1:], ends[-1:], hours)[0])
    return keys, ends, over


def _closes(days: npt.NDArray[np.int64], hours: MarketHours, wanted: int) -> npt.NDArray[np.int64]:
    """Close of the session of each bar; exact where an early close could fall into an interval.

    Sessions end early on a half hour counted from their opening, so intervals that divide half an hour are never cut.
    Looking up some sessions only, by what the bars show, would let later bars decide what an earlier interval is.
    """
    closes = session_closes(days, hours.calendar)
    if 30 * MINUTE_NS % wanted == 0:
        return closes
    first = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    true = _true_closes(days[first], closes[first], hours)
    return np.repeat(true, np.diff(np.append(first, days.size)))


def _true_closes(
    days: npt.NDArray[np.int64], regular: npt.NDArray[np.int64], hours: MarketHours
) -> npt.NDArray[np.int64]:
    """Closes of sessions by the exchange's calendar; the regular ones where it is not known or has no session."""
    from .schedule import schedule

    found = schedule(hours.calendar, int(days.min()), int(days.max()))
    if not found.exact or not found.days.size:
        return regular
    closes = np.zeros(found.days.size, dtype=np.int64)
    np.maximum.at(closes, found.session, found.ends)
    place = np.minimum(np.searchsorted(found.days, days), found.days.size - 1)
    there = (found.days[place] == days) & (closes[place] > 0)
    return np.where(there, np.minimum(closes[place], regular), regular)


def _last_sessions(
    days: npt.NDArray[np.int64], keys: npt.NDArray[np.int64], final: npt.NDArray[np.int64], hours: MarketHours
) -> npt.NDArray[np.int64]:
    """Last session of each longer interval, holidays at its end left out; only those that look short are looked up."""
    newest = np.append(np.flatnonzero(np.diff(keys)), keys.size - 1)
    short = newest[days[newest] < final[newest]]
    if not short.size:
        return final
    from .schedule import schedule

    found = schedule(hours.calendar, int(days[short].min()), int(final[short].max()))
    if not found.exact or not found.days.size:
        return final
    out = final.copy()
    for row in short.tolist():
        at = int(np.searchsorted(found.days, final[row], side="right")) - 1
        if at >= 0 and found.days[at] >= days[row]:
            out[int(np.searchsorted(keys, keys[row])) : row + 1] = found.days[at]
    return out


def _split_inside(bars: Bars, first: npt.NDArray[np.int64]) -> Bars:
    """Bars in which the rows of an interval before a split inside of it are in new shares."""
    from ..domain.actions import ActionKind

    splits = [action for action in bars.actions if action.kind is ActionKind.SPLIT]
    fields: dict[str, npt.NDArray[np.float64]] = {}
    for split in splits:
        if split.instrument not in bars.instruments:
            continue
        row = int(np.searchsorted(bars.ts, split.ts, side="left"))
        start = int(first[np.searchsorted(first, row, side="right") - 1])
        if row in {bars.n_bars, start}:
            continue
        fields = fields or {name: getattr(bars, name).copy() for name in FIELDS}
        j = bars.instruments.index(split.instrument)
        for name, array in fields.items():
            array[start:row, j] *= split.value if name == "volume" else 1.0 / split.value
    return replace(bars, **fields) if fields else bars  # type: ignore[arg-type]  # arrays by name


def _last_day(keys: npt.NDArray[np.int64], unit: str, multiple: int) -> npt.NDArray[np.int64]:
    after = (keys + 1) * multiple
    if unit == "day":
        return after - 1
    if unit == "week":
        return after * 7 - 3 - 1
    months = after * {"month": 1, "quarter": 3, "year": 12}[unit]
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - 1


def _session_opens(days: npt.NDArray[np.int64], hours: MarketHours) -> npt.NDArray[np.int64]:
    closes = session_closes(days, hours.calendar)
    return closes - hours.minutes * MINUTE_NS


def _edge(
    array: npt.NDArray[np.float64], first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], *, head: bool
) -> npt.NDArray[np.float64]:
    """First or last number of each interval, column by column."""
    rows = first if head else last
    out = array[rows]
    if not np.isnan(out).any():
        return out
    index = np.arange(array.shape[0])[:, None]
    valid = ~np.isnan(array)
    pick: Callable[..., Any] = np.minimum.reduceat if head else np.maximum.reduceat
    far = array.shape[0] if head else -1
    chosen = pick(np.where(valid, index, far), first, axis=0)
    found = chosen != far
    safe = np.where(found, chosen, 0)
    return np.where(found, np.take_along_axis(array, safe, axis=0), np.nan)


def _total(volume: npt.NDArray[np.float64], first: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    known = ~np.isnan(volume)
    if known.all():
        return np.add.reduceat(volume, first, axis=0)
    total = np.add.reduceat(np.where(known, volume, 0.0), first, axis=0)
    return np.where(np.logical_or.reduceat(known, first, axis=0), total, np.nan)
