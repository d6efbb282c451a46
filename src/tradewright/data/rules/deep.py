"""Rules that need the exchange's calendar, a clock or robust statistics: for ``data check``, imports and reports.

Entry points: `CalendarRule` (missing sessions and bars, rows outside of sessions), `OutlierRule` (returns beyond what
the median deviation explains, and those that come back at once), `VolumeUnitRule` (volume in another unit),
`FutureRule` (stamps that have not happened), `SPIKE`.

Invariants: all run on sorted rows. All but `FutureRule` object with warnings and information only, so they never change
what a load returns; `FutureRule` knows no clock but the moment it is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..completeness import coverage_of, holes_of
from ..hours import hours_of
from ..intervals import unit_of
from ..robust import level_shifts, robust_z
from ..schedule import session_numbers
from .base import Hits, Series, Stage, hits_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["SPIKE", "CalendarRule", "FutureRule", "OutlierRule", "VolumeUnitRule", "return_z", "spikes"]

SPIKE: Final = 10.0
"""Robust standard deviations from which a return is wild."""

_NAMED_HOLES: Final = 50


class CalendarRule:
    """Every session and bar that the exchange's calendar demands is there, and no row lies outside of them."""

    name = "calendar"
    stage: Stage = "series"

    def hits(self, series: Series) -> list[Hits]:
        """First row after each hole with what is missing (exact), and rows outside of trading hours."""
        found = coverage_of("", series.ts, series.calendar, series.interval_ns)
        out: list[Hits] = []
        rows, counts = holes_of(found, series.ts)
        if rows.size and found.exact:
            whole = found.unit != "bar"
            name = "missing_session" if whole else "missing_bar"
            texts = found.missing_texts()
            first = np.cumsum(counts) - counts
            for k in range(min(rows.size, _NAMED_HOLES)):
                start, n = int(first[k]), int(counts[k])
                what = f"no {found.unit}" if n == 1 else f"{{value:g}} {found.unit}s missing"
                where = texts[start] if n == 1 else f"{texts[start]} to {texts[start + n - 1]}"
                text = f"{what} of {where}" if n > 1 else f"the {found.unit} of {where} is missing before this row"
                out.append(_hit(rows[k : k + 1], text, counts[k : k + 1], name))
            if rows.size > _NAMED_HOLES:
                rest = slice(_NAMED_HOLES, None)
                text = f"{{value:g}} {found.unit}s missing before this row"
                out.append(_hit(rows[rest], text, counts[rest], name))
        if found.extra.size and found.exact:
            outside = np.flatnonzero(np.isin(series.ts, found.extra))
            out.append(Hits(outside, "info", "the row lies outside of the trading hours of the exchange's calendar",
                            series.close[outside], rule="outside_hours"))  # fmt: skip
        return out


def _hit(rows: npt.NDArray[np.int64], text: str, counts: npt.NDArray[np.int64], rule: str) -> Hits:
    return Hits(rows, "info", text, counts.astype(np.float64), rule=rule)


class OutlierRule:
    """No return is beyond what the median deviation of the returns before explains."""

    name = "outlier"
    stage: Stage = "series"

    def __init__(self, *, limit: float = SPIKE, window: int = 100) -> None:
        self.limit = limit
        self.window = window

    def hits(self, series: Series) -> list[Hits]:
        """Spikes that the next bar takes back (``spike``, a warning), and other wild returns (information)."""
        z = return_z(series, window=self.window)
        with np.errstate(invalid="ignore"):
            wild = np.abs(z) > self.limit
        if not wild.any():
            return []
        there, back = spikes(series, z, limit=self.limit)
        alone = wild & ~there & ~back
        return [
            *hits_of(there, z, "warning",
                     "a return of {value:.3g} robust deviations that the next bar takes back: a bad print?", "kept",
                     "spike"),
            *hits_of(alone, z, "info", "a return of {value:.3g} robust deviations", "kept"),
        ]  # fmt: skip


def return_z(series: Series, *, window: int = 100) -> npt.NDArray[np.float64]:
    """Robust z of each bar's log return, overnight returns by themselves; NaN where it is not known.

    Parameters
    ----------
    series : Series
        Sorted rows.
    window : int
        Returns before that a return is compared with.

    Returns
    -------
    float64 array, shape (n_rows,)
    """
    n = series.close.size
    out = np.full(n, np.nan)
    if n < 3:
        return out
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        change = np.diff(np.log(series.close))
    change[~np.isfinite(change)] = np.nan
    if unit_of(series.interval_ns) == "intraday" and not hours_of(series.calendar).always_open:
        # What happens overnight is another quantity than what happens in five minutes.
        night = np.diff(session_numbers(series.ts, series.calendar)) != 0
        for chosen in (night, ~night):
            if chosen.any():
                out[1:][chosen] = robust_z(change[chosen], window=window)
    else:
        out[1:] = robust_z(change, window=window)
    return out


def spikes(
    series: Series, z: npt.NDArray[np.float64], *, limit: float = SPIKE
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Rows whose wild return the next row takes back by more than half, and the rows that take it back."""
    n = series.close.size
    there, back = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    if n < 3:
        return there, back
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        change = np.diff(np.log(series.close), prepend=np.nan)
        wild = np.abs(z) > limit
        taken = (np.sign(change[1:]) == -np.sign(change[:-1])) & (
            np.abs(change[1:] + change[:-1]) < 0.5 * np.abs(change[:-1])
        )
    there[:-1] = wild[:-1] & taken & wild[1:]
    # Of two in a row the first is the spike and the second its way back.
    there[1:] &= ~there[:-1]
    back[1:] = there[:-1]
    return there, back


class VolumeUnitRule:
    """The level of volume does not change at once by a factor that news does not explain."""

    name = "volume_unit"
    stage: Stage = "series"

    def __init__(self, *, rise: float = 6.0, fall: float = 8.0) -> None:
        self.rise = rise
        self.fall = fall

    def hits(self, series: Series) -> list[Hits]:
        """First row of each session from which volume is on another level, with the factor."""
        if not series.close.size:
            return []
        number = session_numbers(series.ts, series.calendar)
        first = np.concatenate(([0], np.flatnonzero(np.diff(number)) + 1))
        volume = np.add.reduceat(np.where(np.isfinite(series.volume), series.volume, 0.0), first)
        found = level_shifts(volume, rise=self.rise, fall=self.fall)
        if not found:
            return []
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = np.log(np.maximum.reduceat(series.high, first) / np.minimum.reduceat(series.low, first))
        level = np.log(series.close[first])
        kept = []
        for shift in found:
            k = shift.row
            before, after = spread[max(0, k - 20) : k], spread[k : k + 20]
            lively = float(np.median(after)) > 2.0 * float(np.median(before))
            moved = abs(float(level[k] - level[k - 1]))
            if 1.0 < shift.factor < 25.0 and lively:
                continue  # prices run as well: news, not another unit
            if moved > np.log(1.4) and abs(moved - abs(float(np.log(shift.factor)))) < np.log(3.0):
                continue  # price and volume change together: a split, which is another rule's business
            kept.append(shift)
        if not kept:
            return []
        text = "from here the volume is {value:.3g} times the level before: another unit, or another part of the market"
        rows = first[[shift.row for shift in kept]]
        return [Hits(rows, "warning", text, np.array([shift.factor for shift in kept]))]


class FutureRule:
    """No bar is stamped later than now.

    Parameters
    ----------
    now : int
        Nanoseconds UTC.
    """

    name = "future"
    stage: Stage = "level"

    def __init__(self, now: int) -> None:
        self.now = now

    def hits(self, series: Series) -> list[Hits]:
        """Rows whose bar has not closed yet, in hours from now."""
        ahead = (series.ts - self.now) / 3_600_000_000_000.0
        text = "the bar closes {value:.3g} hours from now: it cannot be known yet"
        return hits_of(ahead > 0.0, ahead, "error", text, "quarantined")
