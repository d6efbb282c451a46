"""The exam of splitters.

Entry point: `check_splitter`.

It judges by brute force, label by label and without any code of the splitters: overlap is the plain comparison of two
closed spans.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["check_splitter"]


def check_splitter(
    make: Callable[[tuple[Any, Any]], Any],
    *,
    n: int = 120,
    longest: int = 12,
    per_instant: int = 1,
    seeds: Sequence[int] = range(5),
    tested: int | None = 1,
) -> None:
    """Examine a splitter: no training label meets a test fold, instants stay whole, every row is tested as promised.

    Parameters
    ----------
    make : callable
        ``make(spans)`` gives a splitter for the pair ``(t0, t1)`` of int64 arrays.
    n : int
        Instants.
    longest : int
        Spans are from 0 to this long.
    per_instant : int
        Rows of each instant (instruments).
    seeds : sequence of int
        One random timeline each.
    tested : int or None
        How often each row is tested; None when that is not promised.

    Raises
    ------
    AssertionError
        With the fact that does not hold.

    Examples
    --------
    >>> from tradewright.models.validation import PurgedKFold
    >>> check_splitter(lambda spans: PurgedKFold(4, spans=spans), n=60)
    """
    for seed in seeds:
        rng = np.random.default_rng(seed)
        t0 = np.repeat(np.arange(n, dtype=np.int64) * 3, per_instant)
        t1 = t0 + rng.integers(0, 3 * longest + 1, t0.size)
        order = rng.permutation(t0.size)
        _examine(make, t0[order], t1[order], tested)


def _examine(make: Callable[[tuple[Any, Any]], Any], t0: Any, t1: Any, tested: int | None) -> None:
    X = np.zeros((t0.size, 1))
    cv = make((t0, t1))
    splits = [(np.asarray(train), np.asarray(test)) for train, test in cv.split(X)]
    name = type(cv).__name__
    assert splits, f"{name} makes no splits."
    assert cv.get_n_splits(X) == len(splits), f"{name} announces {cv.get_n_splits(X)} splits and makes {len(splits)}."
    again = [(np.asarray(train), np.asarray(test)) for train, test in cv.split(X)]
    counts = np.zeros(t0.size, dtype=np.int64)
    for k, (train, test) in enumerate(splits):
        same = np.array_equal(train, again[k][0]) and np.array_equal(test, again[k][1])
        assert same, f"{name} splits differently when asked twice."
        assert train.size, f"{name} has nothing to train on in split {k}."
        assert test.size, f"{name} has nothing to test in split {k}."
        assert not set(train.tolist()) & set(test.tolist()), f"{name} trains on a test row in split {k}."
        for i in train.tolist():
            meets = (t0[i] <= t1[test]) & (t1[i] >= t0[test])
            assert not meets.any(), (
                f"{name} trains on row {i}, whose label [{t0[i]}, {t1[i]}] meets that of test row "
                f"{test[int(meets.argmax())]} in split {k}."
            )
        torn = set(t0[train].tolist()) & set(t0[test].tolist())
        assert not torn, f"{name} puts instant {min(torn, default=0)} on both sides of split {k}."
        counts[test] += 1
    if tested is not None:
        assert (counts == tested).all(), (
            f"{name} tests row {int((counts != tested).argmax())} {int(counts[(counts != tested).argmax()])} times, "
            f"not {tested}."
        )
    _refuses(name, make, X)


def _refuses(name: str, make: Callable[[tuple[Any, Any]], Any], X: Any) -> None:
    from tradewright.domain.errors import InputError

    short = make((np.arange(3), np.arange(3)))
    try:
        next(iter(short.split(X)))
    except InputError:
        return
    raise AssertionError(f"{name} splits {X.shape[0]} rows with 3 spans.")
