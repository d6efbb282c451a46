"""The exam of labels.

Entry point: `check_labels`.

A label looks ahead on purpose; the exam asks that it looks no further than its span says, and that the question (which
row, how far the barriers stand) was known at the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.testing.market import walk_bars, with_other_future

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars
    from tradewright.features.labels.table import Labels

__all__ = ["check_labels"]

_ANSWER = ("row1", "label", "ret", "net", "barrier", "both", "entry", "exit", "score")
_QUESTION = ("side", "width")


def check_labels(labels: str | Callable[..., Labels], *, n: int = 300, holes: float = 0.1, **options: Any) -> None:
    """Examine a kind of labels: form, and that nothing outside of a span has a part in a label.

    Parameters
    ----------
    labels : str or callable
        A kind of the registry, or ``f(bars, **options) -> Labels``.
    n : int
        Bars it is examined on.
    holes : float
        Share of bars that are missing on half of the markets.
    **options
        Of the kind.

    Raises
    ------
    AssertionError
        With the fact that does not hold.

    Notes
    -----
    The facts, in this order: columns are finite where they must be, sorted, instants are those of the rows, signs
    agree; the same twice, inputs untouched; labels that are over before a row stay the same, to the bit, when the bars
    from that row on are cut off or changed, and what was asked at earlier rows does too; a label does not change when
    the bars before its event do, beyond what it was asked with (width and side); an instrument's labels do not depend
    on others.

    Examples
    --------
    >>> check_labels("triple_barrier", min_return=0.0, n=120)
    """
    from tradewright.features.labels.registry import compute, kind

    if isinstance(labels, str):
        name = kind(labels).name

        def make(bars: Bars) -> Labels:
            return compute(name, bars, **options)

    else:
        name = getattr(labels, "__name__", repr(labels))
        function = labels

        def make(bars: Bars) -> Labels:
            return function(bars, **options)

    for missing in (0.0, holes):
        bars = walk_bars(n, 2, seed=3, holes=missing)
        whole = make(bars)
        _form(name, bars, whole)
        _twice(name, make, bars, whole)
        _future(name, make, bars, whole)
        _others(name, make, bars, whole)


def _form(name: str, bars: Bars, found: Labels) -> None:
    assert len(found), f"{name} gives no labels on {bars.n_bars} bars."
    order = np.lexsort((found.asset, found.row0))
    assert np.array_equal(order, np.arange(len(found))), f"{name} does not sort its labels by time, then instrument."
    assert np.array_equal(found.t0, bars.ts[found.row0]), f"{name} has a t0 that is not the stamp of row0."
    assert np.array_equal(found.t1, bars.ts[found.row1]), f"{name} has a t1 that is not the stamp of row1."
    assert (found.row1 > found.row0).all(), f"{name} has a label that knows its answer at the event."
    for column in ("ret", "net", "entry", "exit"):
        assert np.isfinite(getattr(found, column)).all(), f"{name} has a {column} that is not a number."
    for rows in (found.row0, found.row1):
        assert np.isfinite(bars.close[rows, found.asset]).all(), f"{name} begins or ends a span where there is no bar."
    for j in range(bars.n_assets):
        mine, own = found.select(found.asset == j), np.flatnonzero(np.isfinite(bars.close[:, j]))
        counted = np.array_equal(own[mine.bar0], mine.row0) and np.array_equal(own[mine.bar1], mine.row1)
        assert counted, f"{name} counts bars of {bars.symbols[j]} that it does not have."
    side = np.where(found.side == 0, 1, found.side)
    gross = side * (found.exit / found.entry - 1.0)
    assert np.allclose(found.ret, gross, rtol=0, atol=1e-12), f"{name} has a return that is not exit over entry."
    assert np.isin(found.label, (-1, 0, 1)).all(), f"{name} has a label other than -1, 0 and 1."


def _twice(name: str, make: Callable[[Bars], Labels], bars: Bars, whole: Labels) -> None:
    _same(f"{name} answers differently when asked twice", make(bars), whole)


def _future(name: str, make: Callable[[Bars], Labels], bars: Bars, whole: Labels) -> None:
    from tradewright.features.labels.table import Barrier

    for cut in sorted({bars.n_bars // 3, bars.n_bars // 2, bars.n_bars - 5, bars.n_bars - 1}):
        over = whole.row1 < cut
        part = make(bars.head(cut))
        known = part.select((part.row1 < cut - 1) & (part.barrier != Barrier.NONE))
        settled = whole.select(whole.row1 < cut - 1)
        # The data's end may close a label early, or take it out; those that were over before it are equal.
        present = _places(known, settled)
        assert (present >= 0).all(), f"{name} looks further than its span: data cut at row {cut} has labels of its own."
        _same(
            f"{name} looks further than its span: cutting the data at row {cut} changes a label that was over",
            known,
            settled.select(np.sort(present)),
        )
        other = make(with_other_future(bars, cut))
        was, now = whole.select(over), other.select(other.row1 < cut)
        _same(f"{name} looks further than its span: other bars from row {cut} change a label that was over", now, was)
        asked, again = whole.select(whole.row0 < cut), other.select(other.row0 < cut)
        seen = _places(again, asked)
        shared = seen >= 0
        for column in _QUESTION:
            mine, theirs = getattr(again, column)[shared], getattr(asked, column)[seen[shared]]
            assert np.array_equal(mine, theirs, equal_nan=True), (
                f"{name} asks with what it could not know: {column} of an event before row {cut} depends on later bars."
            )


def _others(name: str, make: Callable[[Bars], Labels], bars: Bars, whole: Labels) -> None:
    alone = make(bars.select(bars.symbols[1]))
    mine = whole.select(whole.asset == 1)
    for column in ("row0", *_ANSWER):
        assert np.array_equal(getattr(alone, column), getattr(mine, column), equal_nan=True), (
            f"{name} gives another {column} when an instrument stands alone."
        )


def _places(few: Labels, many: Labels) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Place in `many` of each of `few` with the same event, -1 where there is none."""
    where = {key: k for k, key in enumerate(zip(many.row0.tolist(), many.asset.tolist(), strict=True))}
    found = [where.get(key, -1) for key in zip(few.row0.tolist(), few.asset.tolist(), strict=True)]
    return np.array(found, dtype=np.int64)


def _same(sentence: str, found: Labels, wanted: Labels) -> None:
    assert len(found) == len(wanted), f"{sentence}: {len(found)} labels instead of {len(wanted)}."
    for column in ("row0", "asset", *_ANSWER, *_QUESTION):
        mine, theirs = getattr(found, column), getattr(wanted, column)
        differs = (mine != theirs) & ~(np.isnan(mine) & np.isnan(theirs))
        assert not differs.any(), f"{sentence}: {column} at row {int(found.row0[int(differs.argmax())])}."
