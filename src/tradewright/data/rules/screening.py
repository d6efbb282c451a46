"""One fast pass over a series that says which rules have anything to look at.

Entry points: `screen`, `Screen`.

Invariants: a flag that is down is certain for rules with a threshold at or above the default ones; one that is up may
be a false alarm. Blocks stay in the processor's cache, so checking clean bars costs a few passes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from ..stamps import NAT
from .base import LARGEST_PRICE, Rule, Series
from .course import GapRule, ScaleRule, SplitRule, StaleRule, gap_limit
from .rows import MissingRule, PriceRule, RelationRule, StampRule, VolumeRule, WickRule

__all__ = ["Screen", "screen"]

_BLOCK: Final = 16_384
_WICK: Final = WickRule().factor


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


_ROW_RULES: Final = frozenset({StampRule, MissingRule, PriceRule, RelationRule, WickRule, VolumeRule})


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
            np.less_equal(low, o, out=ok)
            for left, right in ((low, c), (o, h), (c, h)):
                ok &= np.less_equal(left, right, out=tmp)
            # Extremes are NaN where a price is, and then no comparison holds.
            bottom, top = float(low.min()), float(h.max())
            rows_ok = rows_ok and bottom > 0.0 and top < LARGEST_PRICE
            if rows_ok and top > _WICK * bottom:
                near = np.minimum(o, c, out=work[: stop - start])
                ok &= np.less_equal(h, np.multiply(near, _WICK, out=near), out=tmp)
                near = np.maximum(o, c, out=near)
                ok &= np.less_equal(near, low * _WICK, out=tmp)
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
