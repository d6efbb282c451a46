"""Laws of splitters over random spans, judged by comparing every training label with every test label."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.errors import InputError
from tradewright.models.validation import CombinatorialPurgedKFold, PurgedKFold, WalkForward

LAWS = settings(max_examples=150, deadline=None)


@st.composite
def timelines(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Begins (with repetitions, in any order) and ends of 20 to 80 labels."""
    n = draw(st.integers(20, 80))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    t0 = rng.integers(0, draw(st.integers(n // 2, 4 * n)), n)
    t1 = t0 + rng.integers(0, draw(st.integers(1, 20)), n)
    if draw(st.booleans()):
        t1[rng.integers(0, n)] += 40  # one label far longer than the rest
    return t0, t1


def splits(cv: object, n: int, groups: np.ndarray | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Splits, or none where the labels leave nothing to train on or too few instants."""
    try:
        return list(cv.split(np.zeros((n, 1)), None, groups))  # type: ignore[attr-defined]
    except InputError as error:
        if not any(words in str(error) for words in ("nothing left to train on", "fewer than the", "too few")):
            raise
        return []


def meets(t0: np.ndarray, t1: np.ndarray, one: np.ndarray, other: np.ndarray) -> bool:
    """Whether any closed span of one set of rows shares an instant with any of another."""
    return bool(((t0[one][:, None] <= t1[other][None, :]) & (t1[one][:, None] >= t0[other][None, :])).any())


@LAWS
@given(timelines(), st.integers(2, 6), st.sampled_from([0, 0.05, 3]), st.sampled_from([0, 2]))
def test_purged_k_fold(spans: tuple, n_splits: int, embargo: float, gap: int) -> None:
    t0, t1 = spans
    found = splits(PurgedKFold(n_splits, spans=spans, embargo=embargo, gap=gap), t0.size)
    instants = np.unique(t0)
    count = int(embargo * instants.size) if isinstance(embargo, float) else embargo
    tested = np.zeros(t0.size, dtype=int)
    for train, test in found:
        assert not meets(t0, t1, train, test)
        assert not set(t0[train]) & set(t0[test])
        tested[test] += 1
        end = t1[test].max()
        later = instants[instants > end]
        barred = later[: count + gap]
        assert not np.isin(t0[train], barred).any()
        before = instants[instants < t0[test].min()][::-1][:gap]
        if before.size:  # no training label reaches into the gap
            assert not ((t1[train] >= before.min()) & (t0[train] <= t0[test].min())).any()
        # And no more than that is left out: every other row neither meets the fold's time nor begins in the embargo.
        others = np.setdiff1d(np.arange(t0.size), np.concatenate([train, test]))
        begin = before.min() if before.size else t0[test].min()
        stop = barred.max() if barred.size else end
        assert ((t1[others] >= begin) & (t0[others] <= stop)).all()
    if found:
        assert (tested == 1).all()


@LAWS
@given(timelines(), st.sampled_from([(4, 2), (5, 2), (5, 3), (4, 1)]), st.sampled_from([0, 0.05]))
def test_combinatorial_paths_are_complete(spans: tuple, shape: tuple[int, int], embargo: float) -> None:
    t0, t1 = spans
    X = np.zeros((t0.size, 1))
    cv = CombinatorialPurgedKFold(*shape, spans=spans, embargo=embargo)
    found = splits(cv, t0.size)
    if not found:
        return
    fold = cv.folds(X)
    tested = np.zeros(t0.size, dtype=int)
    for train, test in found:
        tested[test] += 1
        assert not set(t0[train]) & set(t0[test])
        for k in np.unique(fold[test]):  # fold by fold: a training fold may lie between two of them
            assert not meets(t0, t1, train, np.flatnonzero(fold == k))
    assert (tested == cv.n_paths).all()
    assert len(found) == cv.n_splits
    # Each prediction names its split and row: in every path each row has one, and no split's answer is lost.
    marks = [np.stack([np.full(test.size, k), test], axis=1) for k, (_, test) in enumerate(found)]
    paths = cv.paths(marks, X)
    assert paths.shape == (cv.n_paths, t0.size, 2)
    assert (paths[:, :, 1] == np.arange(t0.size)).all()
    used = {(int(k), int(row)) for path in paths for k, row in path}
    assert used == {(k, int(row)) for k, (_, test) in enumerate(found) for row in test}


@LAWS
@given(
    timelines(), st.integers(5, 20), st.integers(2, 8), st.integers(1, 8),
    st.sampled_from(["rolling", "expanding", "anchored"]), st.booleans(),
)  # fmt: skip
def test_walk_forward(spans: tuple, train_size: int, test_size: int, step: int, mode: str, partial: bool) -> None:
    t0, t1 = spans
    cv = WalkForward(train_size, test_size, step, mode=mode, spans=spans, partial=partial)
    instants = np.unique(t0)
    found = splits(cv, t0.size)
    starts = range(train_size, instants.size, step)
    wanted = [s for s in starts if partial or s + test_size <= instants.size]
    if not found:
        return
    assert len(found) == len(wanted)
    for start, (train, test) in zip(wanted, found, strict=True):
        assert set(t0[test]) == set(instants[start : start + test_size])
        assert t1[train].max() < t0[test].min()
        first = instants[start - train_size] if mode == "rolling" else instants[0]
        window = np.flatnonzero((t0 >= first) & (t0 < instants[start]))
        assert np.array_equal(train, window[t1[window] < t0[test].min()])


@LAWS
@given(timelines(), st.integers(2, 4), st.integers(0, 2**32))
def test_groups_stay_whole(spans: tuple, n_splits: int, seed: int) -> None:
    t0, t1 = spans
    session = t0 // 7 if seed % 2 else np.random.default_rng(seed).integers(0, 1000, t0.size)
    for train, test in splits(PurgedKFold(n_splits, spans=spans, embargo=0), t0.size, session):
        assert not set(session[train]) & set(session[test])
        assert not meets(t0, t1, train, test)
