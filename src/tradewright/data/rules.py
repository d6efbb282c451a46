"""The rules by which bars are judged.

Entry points: `Rule` (the one protocol), `Series` (what a rule is handed), `Hits` (what it answers), `DEFAULT_RULES`,
`screen`.

Every rule is an object with a name, a stage and one method, ``hits(series)``. Stages run in this order, each on what
the one before left over:

| stage | the series it sees | an error means |
|---|---|---|
| ``row`` | rows as they came | this row is no bar |
| ``level`` | good rows, sorted, one a stamp | these rows are in another unit |
| ``series`` | what is left | (warnings and information only) |

Invariants: rules never change data and never raise on bad data. `screen` passes over clean data in blocks that stay in
the processor's cache and says which rules have anything to look at, so checking clean bars costs a few passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from .hours import MINUTE_NS, hours_of
from .intervals import unit_of
from .stamps import NAT
from .zones import DAY_NS, to_local

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["DEFAULT_RULES", "Hits", "Rule", "Screen", "Series", "screen"]

Stage = Literal["row", "level", "series"]
Level = Literal["error", "warning", "info"]

ROUNDING: Final = 5e-6  # relative size of what six printed decimals and 32-bit sources do to a price
_BLOCK: Final = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Rows of one instrument as a rule sees them; every array has shape (n_rows,)."""

    ts: npt.NDArray[np.int64]
    open: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    close: npt.NDArray[np.float64]
    volume: npt.NDArray[np.float64]
    calendar: str
    interval_ns: int
    text_rows: npt.NDArray[np.int64]
    nan_is_no_bar: bool = False

    def take(self, rows: npt.NDArray[np.int64]) -> Series:
        """Some rows, in the order given."""
        return replace(
            self,
            ts=self.ts[rows],
            open=self.open[rows],
            high=self.high[rows],
            low=self.low[rows],
            close=self.close[rows],
            volume=self.volume[rows],
            text_rows=self.text_rows[:0],
        )


class Hits(NamedTuple):
    """Rows a rule objects to.

    Parameters
    ----------
    rows : int64 array
        Positions in the series the rule was handed.
    severity : {"error", "warning", "info"}
        An error removes the row (or refuses the data), the others only tell.
    detail : str
        What is wrong, for people; ``{value:g}`` is filled in.
    values : float64 array, shape of `rows`
        The offending numbers.
    action : str
        What is done about it.
    rule : str
        Name under which it is counted, when it differs from the rule's own.
    """

    rows: npt.NDArray[np.int64]
    severity: Level
    detail: str
    values: npt.NDArray[np.float64]
    action: str = "kept"
    rule: str = ""


@runtime_checkable
class Rule(Protocol):
    """The one protocol of every check on bars."""

    @property
    def name(self) -> str:
        """Name in findings and options."""
        ...

    @property
    def stage(self) -> Stage:
        """When it runs; see the table at the top of the module."""
        ...

    def hits(self, series: Series) -> Iterable[Hits]:
        """Rows it objects to; nothing when all is well."""
        ...


def _hits(mask: npt.NDArray[np.bool_], values: npt.NDArray[np.float64], severity: Level, detail: str,
          action: str, rule: str = "") -> list[Hits]:  # fmt: skip
    rows = np.flatnonzero(mask)
    return [Hits(rows, severity, detail, values[rows], action, rule)] if rows.size else []


class StampRule:
    """The time of a row can be read."""

    name = "stamp"
    stage: Stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        """Rows without a readable time."""
        bad = series.ts == NAT
        return _hits(bad, series.close, "error", "the time of the row cannot be read", "quarantined")


class MissingRule:
    """Open, high, low and close are numbers."""

    name = "missing"
    stage: Stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        """Rows with an empty price cell, or text in one."""
        empty = np.isnan(series.open) | np.isnan(series.high) | np.isnan(series.low) | np.isnan(series.close)
        text = np.zeros(empty.shape, dtype=np.bool_)
        text[series.text_rows] = True
        return [
            *_hits(empty & ~text, series.close, "error", "a price is missing", "quarantined"),
            *_hits(empty & text, series.close, "error", "there is text in the place of a price", "quarantined", "text"),
            *_hits(text & ~empty, series.volume, "warning", "there is text in the place of a volume", "volume unknown",
                   "text"),
        ]  # fmt: skip


class PriceRule:
    """Prices are finite and above zero."""

    name = "price"
    stage: Stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        """Rows with a price that is zero, negative or infinite."""
        prices = np.stack((series.open, series.high, series.low, series.close))
        lowest, highest = np.fmin.reduce(prices), np.fmax.reduce(prices)
        return [
            *_hits(lowest <= 0.0, lowest, "error", "the price {value:g} is not above 0", "quarantined"),
            *_hits((highest == np.inf) & ~(lowest <= 0.0), highest, "error", "a price is infinite", "quarantined"),
        ]


class RelationRule:
    """Low is the lowest and high the highest of the four prices."""

    name = "relation"
    stage: Stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        """Rows that contradict themselves; last-digit differences are widened instead."""
        body_top, body_bottom = np.maximum(series.open, series.close), np.minimum(series.open, series.close)
        with np.errstate(invalid="ignore", over="ignore"):
            over = np.maximum(body_top - series.high, np.maximum(series.low - body_bottom, series.low - series.high))
            slack = ROUNDING * np.abs(body_top)
            wrong = over > slack
            tiny = (over > 0.0) & ~wrong
        return [
            *_hits(wrong, over, "error", "open or close lies {value:g} outside low to high", "quarantined"),
            *_hits(tiny, over, "info", "open or close lies {value:g} outside low to high, a rounding of the source",
                   "widened", "rounding"),
        ]  # fmt: skip


class VolumeRule:
    """Volume is not negative, and finite when known."""

    name = "volume"
    stage: Stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        """Rows with a negative or infinite volume."""
        bad = (series.volume < 0.0) | np.isinf(series.volume)
        return _hits(bad, series.volume, "error", "the volume {value:g} is negative or infinite", "quarantined")


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
        return _hits(bad, close, "error", text, "quarantined")


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
        split = near & (np.sign(gaps) == np.sign(moves))
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


DEFAULT_RULES: Final[tuple[Rule, ...]] = (
    StampRule(),
    MissingRule(),
    PriceRule(),
    RelationRule(),
    VolumeRule(),
    ScaleRule(),
    SplitRule(),
    StaleRule(),
    GapRule(),
)


def gap_limit(calendar: str, interval_ns: int) -> int:
    """Step between stamps beyond which `GapRule` looks closer, 0 when the interval says nothing about steps."""
    unit = unit_of(interval_ns)
    if unit == "intraday":
        return interval_ns + interval_ns // 2
    if unit == "day":
        return DAY_NS + DAY_NS // 2 if hours_of(calendar).always_open else 4 * DAY_NS + DAY_NS // 2
    return 0


class Screen(NamedTuple):
    """What a fast pass over a series found; each flag wakes the rules that explain it."""

    rows_ok: bool
    ordered: bool
    big_move: bool
    flat_run: bool
    long_step: bool

    def wakes(self, rule: Rule) -> bool:
        """Whether a rule can object at all; rules from outside always run."""
        kind = type(rule)
        if kind in _ROW_RULES:
            return not self.rows_ok
        if kind is ScaleRule or kind is SplitRule:
            return self.big_move
        if kind is StaleRule:
            return self.flat_run
        return self.long_step if kind is GapRule else True


_ROW_RULES: Final = frozenset({StampRule, MissingRule, PriceRule, RelationRule, VolumeRule})


def screen(series: Series) -> Screen:
    """Pass over a series once, in blocks.

    Parameters
    ----------
    series : Series
        In any state.

    Returns
    -------
    Screen
        Flags are cautious: a flag that is up may be a false alarm, one that is down is certain (for rules with a
        threshold at or above the default ones).
    """
    n = series.close.size
    rows_ok, ordered, big, flat, long = not series.text_rows.size, True, False, False, False
    limit = gap_limit(series.calendar, series.interval_ns) or np.iinfo(np.int64).max
    good, other = np.empty(_BLOCK, np.bool_), np.empty(_BLOCK, np.bool_)
    work, steps = np.empty(_BLOCK), np.empty(_BLOCK, np.int64)
    run = StaleRule().run - 1
    with np.errstate(invalid="ignore", over="ignore"):
        # Blocks overlap by the length of a stale run so that nothing falls between two of them.
        for start in range(0, max(n, 1), _BLOCK - run):
            stop = min(start + _BLOCK, n)
            if stop <= start:
                break
            cut = slice(start, stop)
            o, h, low, c, v = series.open[cut], series.high[cut], series.low[cut], series.close[cut], series.volume[cut]
            ok, tmp = good[: stop - start], other[: stop - start]
            np.greater(low, 0.0, out=ok)
            for left, right in ((low, o), (low, c), (o, h), (c, h)):
                ok &= np.less_equal(left, right, out=tmp)
            ok &= np.less(h, np.inf, out=tmp)
            t = series.ts[cut]
            rows_ok = rows_ok and bool(ok.all()) and int(t.min()) != NAT
            rows_ok = rows_ok and not bool(np.less(v, 0.0, out=tmp).any())
            rows_ok = rows_ok and not bool(np.equal(v, np.inf, out=tmp).any())
            step = np.subtract(t[1:], t[:-1], out=steps[: t.size - 1])
            if step.size:
                ordered = ordered and int(step.min()) > 0
                long = long or int(step.max()) > limit
                near = work[: step.size]
                tmp, ok = tmp[:-1], ok[:-1]
                big = big or bool(np.greater(c[1:], np.multiply(c[:-1], 1.4, out=near), out=tmp).any())
                big = big or bool(np.greater(c[:-1], np.multiply(c[1:], 1.4, out=near), out=tmp).any())
                if not flat and int(np.count_nonzero(np.equal(c[1:], c[:-1], out=ok))) >= run:
                    for array in (o, h, low):
                        ok &= np.equal(array[1:], array[:-1], out=tmp)
                    flat = bool((ok[3:] & ok[2:-1] & ok[1:-2] & ok[:-3]).any()) if ok.size >= run else False
            if stop == n:
                break
    return Screen(rows_ok, ordered, big, flat, long)
