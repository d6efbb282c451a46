"""From the time labels of a source to the instant each bar became known.

Entry points: `parse_labels` (text, numbers or datetimes to `Labels`), `known_at` (labels to closes, UTC).

The convention, which `docs/data.md` tells people:

* A bar labelled with a date (daily and longer) became known at the regular close of its session
  (`hours.session_closes`); a week, month or quarter labelled with its first day became known at the close of its last.
* An intraday label without a zone is wall-clock time of the exchange, UTC for currencies and coins; a label with a
  zone, and a number (unix time), says which instant it means.
* An intraday label is the start or the end of its bar. ``"auto"`` looks at the first and last label of the day: a
  series that begins at the opening bell is labelled at the start, one that ends at the closing bell at the end. Where
  nothing tells, the start is assumed, and the provenance says so.

Invariants: what cannot be read becomes `NAT` and is counted, never guessed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ..domain.errors import InputError
from .hours import MINUTE_NS, hours_of, session_closes
from .intervals import infer_interval, unit_of
from .zones import DAY_NS, SECOND_NS, to_local, to_utc

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["ASSUMED_START_NOTE", "NAT", "Labels", "Stamp", "known_at", "label_side", "parse_labels"]

Stamp = Literal["auto", "start", "end"]
NAT: Final = int(np.iinfo(np.int64).min)
"""Stamp of a row whose time could not be read."""

ASSUMED_START_NOTE: Final = "time labels are taken as the start of their bars, for nothing in them tells (stamp='end')"

_MIN_NS: Final = int(np.datetime64("1800-01-01", "ns").astype(np.int64))
_MAX_NS: Final = int(np.datetime64("2200-01-01", "ns").astype(np.int64))
_ISO_TAIL: Final = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")
_SLASHED: Final = re.compile(
    r"^(\d{1,4})[/.-](\d{1,2})[/.-](\d{1,4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?)?$"
)
_COMPACT: Final = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:[ T-]?(\d{2}):?(\d{2}):?(\d{2})?)?$")


@dataclass(frozen=True, slots=True)
class Labels:
    """Time labels as a source gives them.

    Parameters
    ----------
    ns : int64 array, shape (n,)
        Nanoseconds: UTC when `aware`, else wall-clock time; `NAT` where unreadable.
    aware : bool
        The source said which zone it means.
    """

    ns: npt.NDArray[np.int64]
    aware: bool

    @property
    def readable(self) -> npt.NDArray[np.int64]:
        """Only the labels that could be read."""
        good = self.ns != NAT
        return self.ns if bool(good.all()) else self.ns[good]


def parse_labels(values: Any, *, day_first: bool | None = None) -> Labels:
    """Read time labels of any common kind.

    Parameters
    ----------
    values : sequence, array or Labels
        `Labels` are returned as they are. ISO 8601 text with or without zone, ``m/d/Y`` or ``d/m/Y`` (decided for the
        whole column by a part above 12; month first when nothing tells), ``YYYYMMDD``, unix time in s, ms, us or ns,
        ``datetime64``, dates or datetimes.
    day_first : bool, optional
        Settles ``d/m/Y`` against ``m/d/Y``.

    Returns
    -------
    Labels

    Raises
    ------
    InputError
        If no label at all can be read.

    Examples
    --------
    >>> parse_labels(["1/3/2017", "01/04/17"]).ns.view("datetime64[ns]").astype("datetime64[D]").astype(str).tolist()
    ['2017-01-03', '2017-01-04']
    >>> parse_labels([1_596_333_600_000]).aware, parse_labels(["2024-01-02 09:30"]).aware
    (True, False)
    """
    if isinstance(values, Labels):
        return values
    array = values if isinstance(values, np.ndarray) else None
    if array is not None and array.dtype.kind == "M":
        ns = array.astype("datetime64[ns]").astype(np.int64)
        return Labels(np.where(np.isnat(array), NAT, ns), aware=False)
    if array is not None and array.dtype.kind in "iuf":
        return _from_numbers(array.astype(np.float64) if array.dtype.kind == "f" else array.astype(np.int64))
    items: Sequence[Any] = array.tolist() if array is not None else list(values)
    if items and isinstance(items[0], (dt.date, np.datetime64, int, float)) and not isinstance(items[0], bool):
        return _from_objects(items)
    texts: list[str] = items if isinstance(items, list) and set(map(type, items)) == {str} else _texts(items)
    labels = _from_text(texts, day_first)
    if texts and not labels.readable.size:
        raise InputError(
            f"No time stamp could be read; the first is {texts[0]!r}. Known: ISO 8601, m/d/Y, d/m/Y (day_first=True), "
            "YYYYMMDD and unix time. Name the right column with columns={'time': ...}."
        )
    return labels


def label_side(labels: Labels, calendar: str, zone: str | None = None) -> str | None:
    """Whether intraday labels mark the start or the end of their bars, as far as the labels themselves tell.

    Parameters
    ----------
    labels : Labels
        Of one series.
    calendar : str
        Its market.
    zone : str, optional
        Zone of labels without one.

    Returns
    -------
    str or None
        ``"start"``, ``"end"``, or None when nothing tells (a market without bells, extended hours).
    """
    hours = hours_of(calendar)
    ns = np.sort(labels.readable)
    step = infer_interval(ns)
    if hours.always_open or hours.overnight or unit_of(step) != "intraday":
        return None
    local = to_local(_instants(Labels(ns, labels.aware), calendar, zone), hours.zone)
    days, minutes = np.divmod(local, DAY_NS)
    first_rows = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    last_rows = np.append(first_rows[1:] - 1, days.size - 1)
    opening, closing = hours.open_minute * MINUTE_NS, hours.close_minute * MINUTE_NS
    evidence = (
        (minutes[first_rows], opening, "start"),
        (minutes[first_rows], opening + step, "end"),
        (minutes[last_rows], closing, "end"),
        (minutes[last_rows], closing - step, "start"),
    )
    for at, bell, side in evidence:
        if 2 * int((at == bell).sum()) > at.size:
            return side
    return None


def known_at(
    labels: Labels, calendar: str, *, zone: str | None = None, stamp: Stamp = "auto"
) -> tuple[npt.NDArray[np.int64], int, str, tuple[str, ...]]:
    """Instant at which each bar became known.

    Parameters
    ----------
    labels : Labels
        Of one series, in any order.
    calendar : str
        Its market.
    zone : str, optional
        Zone of labels without one; by default the exchange's own, UTC for currencies and coins.
    stamp : {"auto", "start", "end"}
        What an intraday label marks.

    Returns
    -------
    closes : int64 array, shape (n,)
        Nanoseconds UTC, `NAT` where the label is.
    interval : int
        Length of a bar in nanoseconds, 0 when unknown.
    side : str
        What intraday labels mark: ``"start"``, ``"end"``, ``"assumed"`` (nothing tells, the start was taken); empty for
        daily and longer bars.
    notes : tuple of str
        What was assumed.

    Examples
    --------
    >>> closes, interval, _, _ = known_at(parse_labels(["2024-01-02", "2024-01-03"]), "XNYS")
    >>> [str(t)[:16] for t in closes.view("datetime64[ns]")], interval // 3_600_000_000_000
    (['2024-01-02T21:00', '2024-01-03T21:00'], 24)
    """
    if stamp not in {"auto", "start", "end"}:
        raise InputError(f"stamp is {stamp!r}; it must be 'auto', 'start' or 'end'.")
    hours = hours_of(calendar)
    readable = labels.readable
    step = infer_interval(readable)
    unit = unit_of(step) or ("day" if bool((readable % DAY_NS == 0).all()) else "intraday")
    bad = labels.ns == NAT
    some_bad = bool(bad.any())
    whole = Labels(np.where(bad, readable[0] if readable.size else 0, labels.ns), labels.aware) if some_bad else labels
    notes: list[str] = []
    side = ""
    if unit == "intraday":
        closes = _instants(whole, calendar, zone)
        if stamp == "auto":
            side = label_side(labels, calendar, zone) or "assumed"
            if side == "assumed" and step:
                notes.append(ASSUMED_START_NOTE)
        else:
            side = stamp
        if side != "end":
            closes = closes + step
    else:
        dates = _dates(whole, calendar, zone)
        if stamp == "end" and hours.always_open and unit == "day":
            dates = dates - (whole.ns % DAY_NS == 0)
        first, final = _period(dates, unit)
        if unit != "day" and stamp != "end" and (stamp == "start" or _marks_first_day(dates, first)):
            dates = final
            notes.append(f"each {unit} is labelled with its first day; its bar is known at the close of its last day")
        closes = session_closes(dates, calendar)
    return (np.where(bad, NAT, closes) if some_bad else closes), step, side, tuple(notes)


def _instants(labels: Labels, calendar: str, zone: str | None) -> npt.NDArray[np.int64]:
    return labels.ns if labels.aware else to_utc(labels.ns, zone or hours_of(calendar).naive_zone)


def _dates(labels: Labels, calendar: str, zone: str | None) -> npt.NDArray[np.int64]:
    """Session date of labels of daily and longer bars, as days since 1970."""
    if not labels.aware or bool((labels.ns % DAY_NS == 0).all()):
        # A plain date, or midnight UTC used as a plain date, names the session itself.
        if zone is None or bool((labels.ns % DAY_NS == 0).all()):
            return labels.ns // DAY_NS
        return to_local(to_utc(labels.ns, zone), hours_of(calendar).zone) // DAY_NS
    return to_local(labels.ns, hours_of(calendar).zone) // DAY_NS


def _marks_first_day(dates: npt.NDArray[np.int64], first: npt.NDArray[np.int64]) -> bool:
    # Two days of grace: the first trading day of a month or week may follow a weekend or holiday.
    return bool(np.mean(dates - first <= 2) > 0.5)


def _period(dates: npt.NDArray[np.int64], unit: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last day of the week, month, quarter or year that each date lies in."""
    days = dates.astype("datetime64[D]")
    if unit == "week":
        first = dates - (dates + 3) % 7  # 1970-01-01 was a Thursday
        sunday_label = bool(np.mean((dates + 3) % 7 == 6) > 0.5)
        return (dates, dates + 6) if sunday_label else (first, first + 6)
    months = days.astype("datetime64[M]").astype(np.int64)
    length = {"month": 1, "quarter": 3, "year": 12}.get(unit)
    if length is None:
        return dates, dates
    begin = (months - months % length).astype("datetime64[M]")
    after = (months - months % length + length).astype("datetime64[M]")
    return begin.astype("datetime64[D]").astype(np.int64), after.astype("datetime64[D]").astype(np.int64) - 1


def _from_numbers(array: npt.NDArray[Any]) -> Labels:
    bad = ~np.isfinite(array) if array.dtype.kind == "f" else np.zeros(array.shape, dtype=np.bool_)
    good = array[~bad]
    if not good.size:
        raise InputError("No time stamp could be read: the column holds no number.")
    typical = float(np.median(np.abs(good)))
    if array.dtype.kind != "f" and int(good.min()) >= 18_000_101 and int(good.max()) <= 22_000_101:
        return _from_text([str(item) for item in array.tolist()], None)
    scale = next((s for limit, s in ((1e11, SECOND_NS), (1e14, 1_000_000), (1e17, 1_000)) if typical < limit), 1)
    if array.dtype.kind == "f":
        ns = np.where(bad, 0.0, array)
        whole = np.floor(ns)
        stamps = whole.astype(np.int64) * scale + np.round((ns - whole) * scale).astype(np.int64)
    else:
        stamps = array.astype(np.int64) * scale
    return Labels(_in_range(np.where(bad, NAT, stamps)), aware=True)


def _from_objects(items: Sequence[Any]) -> Labels:
    epoch = dt.datetime(1970, 1, 1)
    if all(isinstance(item, (int, float)) for item in items):
        return _from_numbers(np.array(items))
    stamps = np.full(len(items), NAT, dtype=np.int64)
    aware = 0
    for row, item in enumerate(items):
        if isinstance(item, np.datetime64):
            stamps[row] = NAT if np.isnat(item) else int(item.astype("datetime64[ns]").astype(np.int64))
        elif isinstance(item, dt.datetime) and type(item).__name__ != "NaTType":
            if item.tzinfo is not None:
                item, aware = item.astimezone(dt.UTC).replace(tzinfo=None), aware + 1
            stamps[row] = (item - epoch) // dt.timedelta(microseconds=1) * 1000
        elif isinstance(item, dt.date) and type(item).__name__ != "NaTType":
            stamps[row] = (item - epoch.date()).days * DAY_NS
    return Labels(_in_range(stamps), aware=aware > 0)


def _texts(items: Sequence[Any]) -> list[str]:
    return [item.decode() if isinstance(item, bytes) else str(item) for item in items]


def _from_text(texts: list[str], day_first: bool | None) -> Labels:
    probe = next((text.strip() for text in texts if text.strip()), "")
    if re.fullmatch(r"-?\d+(\.\d+)?", probe) and not _COMPACT.match(probe):
        numbers = np.array([_number(text) for text in texts])
        whole = numbers[np.isfinite(numbers)]
        exact = bool((whole == np.floor(whole)).all()) and whole.size == numbers.size and bool((whole < 2**53).all())
        return _from_numbers(numbers.astype(np.int64) if exact else numbers)
    if len(probe) >= 10 and probe[4] == "-" and probe[7] == "-":
        fast = _iso(texts)
        if fast is not None:
            return fast
    if day_first is None:
        day_first = _day_first(texts)
    if "/" in probe:
        quick = _slashed_dates(texts, day_first)
        if quick is not None:
            return quick
    stamps, offsets = np.full(len(texts), NAT, dtype=np.int64), 0
    for row, text in enumerate(texts):
        parsed = _one(text.strip(), day_first)
        if parsed is not None:
            stamps[row] = parsed[0]
            offsets += parsed[1]
    return Labels(_in_range(stamps), aware=offsets > 0)


def _iso(texts: list[str]) -> Labels | None:
    """All labels at once when each is clean ISO text, else None."""
    tail = _ISO_TAIL.search(texts[0]) if len(texts[0]) > 10 else None
    shift: npt.NDArray[np.int64] | int = 0
    if tail is not None:
        width = len(tail.group(1))
        tails = [text[-width:] for text in texts]
        kinds = set(tails)
        if not all(_ISO_TAIL.fullmatch(kind) for kind in kinds):
            return None
        table = {kind: _offset_ns(kind) for kind in kinds}
        shift = table[tails[0]] if len(table) == 1 else np.array([table[kind] for kind in tails], dtype=np.int64)
        texts = [text[:-width].rstrip() for text in texts]
    if min(texts) < "1800" or max(texts) >= "2200":
        return None  # beyond what nanoseconds hold numpy would wrap around silently
    try:
        stamps = np.array(texts, dtype="datetime64[ns]")
    except ValueError:
        return None
    if bool(np.isnat(stamps).any()):
        return None
    return Labels(_in_range(stamps.astype(np.int64) - shift), aware=tail is not None)


def _slashed_dates(texts: list[str], day_first: bool) -> Labels | None:
    """All labels at once when each is a clean m/d/Y or d/m/Y date, else None."""
    if set(map(str.count, texts, repeat("/"))) != {2}:
        return None
    try:
        parts = np.fromiter(map(int, "/".join(texts).split("/")), dtype=np.int64).reshape(-1, 3)
    except ValueError:
        return None
    month, day = (parts[:, 1], parts[:, 0]) if day_first else (parts[:, 0], parts[:, 1])
    year = parts[:, 2]
    year = np.where(year < 70, year + 2000, np.where(year < 100, year + 1900, year))
    if int(parts.min()) < 1 or int(month.max()) > 12 or int(year.min()) < 1800 or int(year.max()) >= 2200:
        return None
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    length = (months + 1).astype("datetime64[D]").astype(np.int64) - first
    if bool((day > length).any()):
        return None
    return Labels((first + day - 1) * DAY_NS, aware=False)


def _offset_ns(text: str) -> int:
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:4])
    return (-minutes if text[0] == "-" else minutes) * MINUTE_NS


def _one(text: str, day_first: bool) -> tuple[int, int] | None:
    """One label the slow way: its nanoseconds, and 1 when it named its zone."""
    match = _SLASHED.match(text)
    try:
        if match is not None:
            a, b, c, hour, minute, second, half = match.groups()
            if len(a) == 4:
                year, month, day = int(a), int(b), int(c)
            else:
                month, day = (int(b), int(a)) if day_first else (int(a), int(b))
                year = int(c) + (0 if len(c) == 4 else 2000 if int(c) < 70 else 1900)
            h = int(hour or 0)
            if half is not None:
                h = h % 12 + (12 if half.lower() == "pm" else 0)
            moment = dt.datetime(year, month, day, h, int(minute or 0), int(second or 0))
        elif (match := _COMPACT.match(text)) is not None:
            moment = dt.datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
        else:
            moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1800 <= moment.year < 2200:
        return None
    zoned = moment.tzinfo is not None
    naive = moment.astimezone(dt.UTC).replace(tzinfo=None) if zoned else moment
    return (naive - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1) * 1000, int(zoned)


def _day_first(texts: list[str]) -> bool:
    for text in texts:
        match = _SLASHED.match(text.strip())
        if match is not None and len(match.group(1)) < 4:
            if int(match.group(1)) > 12:
                return True
            if int(match.group(2)) > 12:
                return False
    return False


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _in_range(stamps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    outside = (stamps < _MIN_NS) | (stamps > _MAX_NS)
    return np.where(outside, NAT, stamps) if bool(outside.any()) else stamps
