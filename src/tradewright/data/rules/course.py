"""Rules about the course of a series that are cheap enough for every load.

Entry points: `ScaleRule` (stage ``level``), `SplitRule`, `StaleRule`, `GapRule` (stage ``series``), `gap_limit`.

Invariants: rows come sorted, one a stamp. `GapRule` reads stamps and usual hours only; `calendar.SessionGapRule` knows
holidays and half days.
"""

from __future__ import annotations

import numpy as np

from ..hours import MINUTE_NS, hours_of
from ..intervals import unit_of
from ..zones import DAY_NS, to_local
from .base import Hits, Series, Stage, hits_of

__all__ = ["GapRule", "ScaleRule", "SplitRule", "StaleRule", "gap_limit"]


class ScaleRule:
    """The price does not jump to another order of magnitude and back: a stretch in another unit, or a wild print."""

    name = "scale"
    stage: Stage = "level"

    def __init__(self, *, factor: float = 50.0, back: float = 5.0) -> None:
        self.factor = factor
        self.back = back

    def hits(self, series: Series) -> list[Hits]:
        """Rows of stretches between a jump by `factor` and the return to within `back` times the level before.

        A level that is never returned to is not objected to (`SplitRule` warns of the jump).
        """
        close = series.close
        if close.size < 3:
            return []
        with np.errstate(over="ignore"):
            jumps = (close[1:] > self.factor * close[:-1]) | (close[1:] * self.factor < close[:-1])
        edges = np.concatenate(([0], np.flatnonzero(jumps) + 1, [close.size]))
        if edges.size == 2:
            return []
        bad = np.zeros(close.shape, dtype=np.bool_)
        stretches = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        main = int(np.argmax(np.diff(edges)))
        # From the longest stretch outwards: whatever lies between it and the next stretch on its level is off.
        for others, near, far in ((stretches[main + 1 :], 0, -1), (stretches[:main][::-1], -1, 0)):
            level = close[stretches[main][1] - 1 if near == 0 else stretches[main][0]]
            pending: list[tuple[int, int]] = []
            for first, after in others:
                ends = (close[first], close[after - 1])
                if level / self.back < ends[near] < level * self.back:
                    for a, b in pending:
                        bad[a:b] = True
                    pending, level = [], ends[far]
                else:
                    pending.append((first, after))
        text = "the close {value:g} is of another order of magnitude than the rows around"
        return hits_of(bad, close, "error", text, "quarantined")


class SplitRule:
    """No overnight gap looks like a split that the prices are not adjusted for; `jump` counts other large moves."""

    name = "split"
    stage: Stage = "series"

    def __init__(self, *, threshold: float = 1.4, jump: float = 2.0, tolerance: float = 0.06) -> None:
        self.threshold = threshold
        self.jump = jump
        self.tolerance = tolerance

    def hits(self, series: Series) -> list[Hits]:
        """Rows whose price against the close before is near 1/2, 1/3, ... or their inverse, or beyond `jump`."""
        close, opened = series.close, series.open
        if close.size < 2:
            return []
        with np.errstate(over="ignore"):
            far = (close[1:] > self.threshold * close[:-1]) | (close[1:] * self.threshold < close[:-1])
        rows = np.flatnonzero(far) + 1
        if not rows.size:
            return []
        moves = np.log(close[rows] / close[rows - 1])
        gaps = np.log(opened[rows] / close[rows - 1])
        ratios = np.log(np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 50, 100]))
        near = np.abs(np.abs(gaps)[:, None] - ratios).min(axis=1) < self.tolerance
        split = near & (np.sign(gaps) == np.sign(moves)) & series.can_split
        big = ~split & (np.abs(moves) >= np.log(self.jump))
        factor = np.exp(moves)
        out: list[Hits] = []
        if split.any():
            text = "the price is {value:.4g} times the close before: a split that is not adjusted for?"
            out.append(Hits(rows[split], "warning", text, factor[split]))
        if big.any():
            text = "the price is {value:.4g} times the close before"
            out.append(Hits(rows[big], "warning", text, factor[big], rule="jump"))
        return out


class StaleRule:
    """The same four prices do not come `run` times in a row."""

    name = "stale"
    stage: Stage = "series"

    def __init__(self, *, run: int = 5) -> None:
        self.run = run

    def hits(self, series: Series) -> list[Hits]:
        """First row of each run; a run without any volume is information (no trading), others are a warning."""
        same = np.ones(max(0, series.close.size - 1), dtype=np.bool_)
        for array in (series.close, series.open, series.high, series.low):
            same &= array[1:] == array[:-1]
        edges = np.diff(np.concatenate(([0], same.view(np.int8), [0])))
        first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        length = last - first + 1
        long = length >= self.run
        first, last, length = first[long], last[long], length[long]
        if not first.size:
            return []
        quiet = np.array([bool((series.volume[a : b + 1] == 0.0).all()) for a, b in zip(first, last, strict=True)])
        out: list[Hits] = []
        for chosen, severity, why in ((~quiet, "warning", "although traded"), (quiet, "info", "without trading")):
            if chosen.any():
                text = f"the same four prices {{value:g}} times in a row {why}"
                out.append(Hits(first[chosen], severity, text, length[chosen].astype(np.float64)))  # type: ignore[arg-type]
        return out


class GapRule:
    """Where bars are missing, as far as stamps alone tell (holidays need the exchange calendar)."""

    name = "gap"
    stage: Stage = "series"

    def hits(self, series: Series) -> list[Hits]:
        """First row after each hole, with the number of bars that are not there."""
        limit = gap_limit(series.calendar, series.interval_ns)
        if not limit or series.ts.size < 2:
            return []
        steps = np.diff(series.ts)
        rows = np.flatnonzero(steps > limit) + 1
        if not rows.size:
            return []
        before, after = series.ts[rows - 1], series.ts[rows]
        hours = hours_of(series.calendar)
        if unit_of(series.interval_ns) == "intraday":
            missing = np.rint(steps[rows - 1] / series.interval_ns) - 1.0
            if not hours.always_open:
                left, right = to_local(before - 1, hours.zone), to_local(after - 1, hours.zone)
                same = left // DAY_NS == right // DAY_NS
                if not hours.overnight:
                    same &= left % DAY_NS >= hours.open_minute * MINUTE_NS
                    same &= right % DAY_NS < hours.close_minute * MINUTE_NS
                rows, missing = rows[same], missing[same]
            text = "{value:g} bars are missing before this one"
        else:
            left = (to_local(before - 1, hours.zone) // DAY_NS).astype("datetime64[D]")
            right = (to_local(after - 1, hours.zone) // DAY_NS).astype("datetime64[D]")
            if hours.always_open:
                missing = (right - left).astype(np.float64) - 1.0
            else:
                missing = np.busday_count(left + np.timedelta64(1, "D"), right).astype(np.float64)
            keep = missing >= (1.0 if hours.always_open else 2.0)
            rows, missing = rows[keep], missing[keep]
            text = "{value:g} weekdays without a bar before this one (holidays not considered)"
        return [Hits(rows, "info", text, missing)] if rows.size else []


def gap_limit(calendar: str, interval_ns: int) -> int:
    """Step between stamps beyond which `GapRule` looks closer, 0 when the interval says nothing about steps."""
    unit = unit_of(interval_ns)
    if unit == "intraday":
        return interval_ns + interval_ns // 2
    if unit == "day":
        return DAY_NS + DAY_NS // 2 if hours_of(calendar).always_open else 4 * DAY_NS + DAY_NS // 2
    return 0
