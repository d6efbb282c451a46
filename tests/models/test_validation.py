"""Splitters by examples that can be checked by hand, beside skfolio, and inside of scikit-learn."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from tradewright.domain.bars import DAY_NS
from tradewright.domain.errors import InputError
from tradewright.features import labels as lab
from tradewright.models.validation import (
    CombinatorialPurgedKFold,
    PurgedKFold,
    Spans,
    WalkForward,
    instant_spans,
)
from tradewright.testing import check_splitter, walk_bars

SPLITTERS = {
    "purged": (lambda spans: PurgedKFold(5, spans=spans), 1),
    "combinatorial": (lambda spans: CombinatorialPurgedKFold(6, 2, spans=spans), 5),
    "three of six": (lambda spans: CombinatorialPurgedKFold(6, 3, spans=spans, embargo=0), 10),
    "rolling": (lambda spans: WalkForward(40, 10, spans=spans), None),
    "expanding": (lambda spans: WalkForward(40, 10, 5, mode="expanding", spans=spans, partial=True), None),
}


@pytest.mark.parametrize("per_instant", [1, 3])
@pytest.mark.parametrize("name", SPLITTERS)
def test_every_splitter_sits_the_exam(name: str, per_instant: int) -> None:
    make, tested = SPLITTERS[name]
    check_splitter(make, per_instant=per_instant, tested=tested)


def test_the_exam_finds_a_purge_by_a_constant() -> None:
    class Constant(PurgedKFold):
        def split(self, X, y=None, groups=None):  # type: ignore[no-untyped-def]
            other = PurgedKFold(self.n_splits, spans=(self.spans[0], self.spans[0] + 6), embargo=0)
            return other.split(X, y, groups)

    with pytest.raises(AssertionError, match="meets that of test row"):
        check_splitter(lambda spans: Constant(5, spans=spans))


def test_a_long_label_is_purged_however_far_away_it_begins() -> None:
    t0 = np.arange(20)
    t1 = t0.copy()
    t1[0] = 13
    folds = [set(train.tolist()) for train, _ in PurgedKFold(5, spans=(t0, t1), embargo=0).split(np.zeros(20))]
    assert [0 in train for train in folds] == [False, False, False, False, True]


def test_the_embargo_is_a_share_a_number_or_a_time() -> None:
    t0 = np.arange(100) * DAY_NS
    for embargo in (0.05, 5, "5d", np.timedelta64(5, "D")):
        train, test = next(iter(PurgedKFold(5, spans=(t0, t0), embargo=embargo).split(np.zeros(100))))
        assert test.tolist() == list(range(20))
        assert train.tolist() == list(range(25, 100))


def test_the_gap_widens_a_fold_on_both_sides() -> None:
    t0 = np.arange(30)
    cv = PurgedKFold(3, spans=(t0, t0), embargo=0, gap=4)
    train, _ = list(cv.split(np.zeros(30)))[1]
    assert train.tolist() == [*range(6), *range(24, 30)]


def test_walk_forward_of_180_45_15() -> None:
    """The example: 180 to train, 45 to test, every 15."""
    t0 = np.arange(365) * DAY_NS
    for unit in ("rows", "days"):
        cv = WalkForward(180, 45, 15, spans=(t0, t0), unit=unit)
        found = list(cv.split(np.zeros(365)))
        assert len(found) == (365 - 180 - 45) // 15 + 1 == cv.get_n_splits(np.zeros(365))
        assert all(train.size == 180 and test.size == 45 for train, test in found)
        assert [int(test[0]) for _, test in found] == list(range(180, 321, 15))
        counts = np.bincount(np.concatenate([test for _, test in found]), minlength=365)
        assert counts.max() == math.ceil(45 / 15)


def test_modes_of_walk_forward() -> None:
    t0 = np.arange(12)

    def sizes(**options: object) -> list[tuple[int, int, int]]:
        cv = WalkForward(4, 2, spans=(t0, t0), **options)  # type: ignore[arg-type]
        return [(int(train[0]), train.size, int(test[0])) for train, test in cv.split(np.zeros(12))]

    assert sizes() == [(0, 4, 4), (2, 4, 6), (4, 4, 8), (6, 4, 10)]
    assert sizes(mode="expanding") == [(0, 4, 4), (0, 6, 6), (0, 8, 8), (0, 10, 10)]
    assert sizes(mode="anchored", anchor=3) == [(3, 4, 7), (3, 6, 9)]
    assert sizes(mode="anchored", anchor=3, partial=True) == [(3, 4, 7), (3, 6, 9), (3, 8, 11)]


def test_windows_in_days_skip_what_has_no_rows() -> None:
    days = np.concatenate([np.arange(10), np.arange(20, 30)]) * DAY_NS
    cv = WalkForward(5, 5, unit="days", spans=(days, days), mode="expanding")
    assert [test.tolist() for _, test in cv.split(np.zeros(20))] == [
        list(range(5, 10)), list(range(10, 15)), list(range(15, 20)),
    ]  # fmt: skip


def test_spans_come_in_many_forms() -> None:
    pd = pytest.importorskip("pandas")
    bars = walk_bars(80, 2)
    labels = lab.fixed_horizon(bars, horizon=4)
    n = len(labels)
    t0, t1 = pd.to_datetime(labels.t0, utc=True), pd.to_datetime(labels.t1, utc=True)
    aligned = lab.align_features({"close": bars.close}, labels)
    forms = [
        labels,
        aligned,
        Spans(labels.t0, labels.t1),
        (labels.t0, labels.t1),
        np.stack([labels.t0, labels.t1], axis=1),
        pd.Series(t1, index=t0),
        pd.Series(t1.tz_convert("Asia/Tokyo"), index=t0.tz_localize(None)),
        pd.DataFrame({"t0": t0, "t1": t1}),
        labels.to_frame(),
        (labels.t0.astype("datetime64[ns]"), labels.t1.astype("datetime64[ns]")),
        (t0.as_unit("s"), t1.as_unit("s")),
    ]
    wanted = [(a.tolist(), b.tolist()) for a, b in PurgedKFold(4, spans=labels).split(np.zeros((n, 1)))]
    for form in forms:
        cv = PurgedKFold(4, spans=form)
        assert [(a.tolist(), b.tolist()) for a, b in cv.split(np.zeros((n, 1)))] == wanted
    carried = PurgedKFold(4).split(aligned.to_frame())
    assert [(a.tolist(), b.tolist()) for a, b in carried] == wanted


def test_without_spans_there_is_no_split() -> None:
    for cv in (PurgedKFold(), CombinatorialPurgedKFold(), WalkForward(5, 2)):
        with pytest.raises(InputError, match="Label spans are missing"):
            next(iter(cv.split(np.zeros((50, 1)))))
    with pytest.raises(InputError, match="3 spans for 50 rows"):
        next(iter(PurgedKFold(spans=instant_spans(range(3))).split(np.zeros((50, 1)))))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PurgedKFold(1), "n_splits is 1"),
        (lambda: PurgedKFold(embargo=1.5), "embargo is 1.5"),
        (lambda: PurgedKFold(embargo=-1), "embargo is -1"),
        (lambda: PurgedKFold(gap="soon"), "gap is 'soon'"),
        (lambda: CombinatorialPurgedKFold(2, 1), "1 of 2 folds"),
        (lambda: CombinatorialPurgedKFold(5, 5), "5 of 5 folds"),
        (lambda: CombinatorialPurgedKFold(40, 20), "the limit is 100,000"),
        (lambda: WalkForward(0, 5), "train_size is 0"),
        (lambda: WalkForward(5, 5, mode="rollin"), "did you mean 'rolling'"),
        (lambda: WalkForward(5, 5, unit="weeks"), "unit is 'weeks'"),
        (lambda: WalkForward(5, 5, anchor=3), "the mode is 'rolling'"),
        (lambda: Spans(np.array([3]), np.array([2])), "which is before it"),
        (lambda: list(PurgedKFold(5, spans=([0, 1], [0, 1])).split(np.zeros(2))), "fewer than the 5 folds"),
        (lambda: list(WalkForward(9, 9, spans=([0, 1], [0, 1])).split(np.zeros(2))), "too few for a training"),
        (
            lambda: list(PurgedKFold(2, spans=(range(9), [8] * 9), embargo=0).split(np.zeros(9))),
            "nothing left to train on",
        ),
        (
            lambda: list(PurgedKFold(2, spans=(range(9), range(9))).split(np.zeros(9), groups=["A"] * 9)),
            "leave groups out",
        ),
        (lambda: PurgedKFold(spans=([0.5], [1.5])).restrict([0]), "whole numbers"),
    ],
)
def test_what_cannot_be_split_is_refused(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()  # type: ignore[operator]


# --- beside skfolio


needs_skfolio = pytest.mark.skipif(importlib.util.find_spec("skfolio") is None, reason="skfolio is not installed")


@needs_skfolio
@pytest.mark.parametrize(("horizon", "embargo"), [(0, 0), (3, 0), (2, 4)])
def test_labels_of_one_length_are_split_as_by_skfolio(horizon: int, embargo: int) -> None:
    """Where its constant purge is right: every row its own instant, every label equally long."""
    from skfolio.model_selection import CombinatorialPurgedCV

    n = 120
    rows = np.arange(n)
    theirs = CombinatorialPurgedCV(n_folds=6, n_test_folds=2, purged_size=horizon, embargo_size=embargo)
    ours = CombinatorialPurgedKFold(6, 2, spans=(rows, np.minimum(rows + horizon, n - 1)), embargo=embargo)
    pairs = zip(ours.split(np.zeros((n, 1))), theirs.split(np.zeros((n, 1))), strict=True)
    for (train, test), (their_train, their_tests) in pairs:
        assert train.tolist() == their_train.tolist()
        assert test.tolist() == np.concatenate(their_tests).tolist()
    assert ours.path_splits.T.tolist() == theirs.recombined_paths.tolist()


@needs_skfolio
@pytest.mark.parametrize("expanding", [False, True])
def test_windows_are_those_of_skfolio(expanding: bool) -> None:
    from skfolio.model_selection import WalkForward as Theirs

    rows = np.arange(100)
    theirs = Theirs(test_size=10, train_size=30, expand_train=expanding)
    ours = WalkForward(30, 10, mode="expanding" if expanding else "rolling", spans=instant_spans(rows))
    pairs = zip(ours.split(np.zeros((100, 1))), theirs.split(np.zeros((100, 1))), strict=True)
    for mine, others in pairs:
        assert [part.tolist() for part in mine] == [part.tolist() for part in others]


# --- inside of scikit-learn


def problem() -> tuple[lab.Aligned, np.ndarray]:
    """Noise and one feature that knows the label, with weights."""
    bars = walk_bars(400, 2)
    labels = lab.fixed_horizon(bars, horizon=5, threshold=0.0)
    rng = np.random.default_rng(0)
    future = np.full(bars.close.shape, np.nan)
    future[labels.row0, labels.asset] = labels.ret
    features = {"hint": future + rng.normal(0, 0.02, future.shape), "noise": rng.normal(size=400)}
    found = lab.align_features(features, labels)
    return found, lab.average_uniqueness(found.labels)


def test_scores_searches_and_weights_of_scikit_learn() -> None:
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found, weight = problem()
    model = make_pipeline(StandardScaler(), LogisticRegression())
    cv = PurgedKFold(4, spans=found)
    name = "logisticregression__sample_weight"
    scores = cross_val_score(model, found.X, found.y, cv=cv, params={name: weight})
    assert scores.shape == (4,)
    assert 0.6 < scores.min() < scores.max() < 1.0
    assert cross_val_predict(model, found.X, found.y, cv=cv).shape == found.y.shape
    search = GridSearchCV(model, {"logisticregression__C": [0.01, 1.0]}, cv=CombinatorialPurgedKFold(4, 2, spans=found))
    search.fit(found.X, found.y, **{name: weight})
    assert search.n_splits_ == 6
    assert 0.6 < search.best_score_ < 1.0


def test_a_nested_search_takes_its_spans_from_the_index() -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("pandas")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, cross_val_score

    found, _ = problem()
    search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1.0]}, cv=PurgedKFold(3))
    scores = cross_val_score(search, found.to_frame(), found.y, cv=WalkForward(150, 50, spans=None))
    assert scores.shape == ((len(np.unique(found.times)) - 150) // 50,)
    nested = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=PurgedKFold(3, spans=found), error_score="raise")
    with pytest.raises(ValueError, match="spans for"):
        cross_val_score(nested, found.X, found.y, cv=PurgedKFold(3, spans=found), error_score="raise")


def test_restrict_splits_a_part() -> None:
    found, _ = problem()
    part = np.arange(100, 300)
    cv = PurgedKFold(3, spans=found).restrict(part)
    t0, t1 = found.labels.t0[part], found.labels.t1[part]
    direct = PurgedKFold(3, spans=(t0, t1))
    for mine, theirs in zip(cv.split(np.zeros(200)), direct.split(np.zeros(200)), strict=True):
        assert [x.tolist() for x in mine] == [x.tolist() for x in theirs]


def test_paths_of_an_estimator() -> None:
    pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression

    found, weight = problem()
    cv = CombinatorialPurgedKFold(4, 2, spans=found)
    model = LogisticRegression()
    paths = cv.predict_paths(model, found.X, found.y, method="predict_proba", fit_params={"sample_weight": weight})
    assert paths.shape == (3, found.y.size, len(np.unique(found.y)))
    assert paths.sum(axis=2) == pytest.approx(np.ones((3, found.y.size)))
    assert not hasattr(model, "coef_")
    number, (train, test) = 4, list(cv.split(found.X))[4]  # folds 1 and 3
    fitted = clone(model).fit(found.X[train], found.y[train], sample_weight=weight[train])
    fold = cv.folds(found.X)
    for path, folds in enumerate(cv.path_splits.tolist()):
        for k in [k for k, split in enumerate(folds) if split == number]:
            rows = np.flatnonzero(fold == k)
            assert set(rows) <= set(test)
            assert paths[path, rows] == pytest.approx(fitted.predict_proba(found.X[rows]))
