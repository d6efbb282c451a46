"""Labels on drawn candles: what is met, at which price, in which bar, and what is said about the rest."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from tradewright.domain.bars import DAY_NS, Bars
from tradewright.domain.errors import InputError
from tradewright.features import labels as lab
from tradewright.features.labels import Barrier
from tradewright.testing import check_labels, walk_bars

FLAT = (100.0, 100.0, 100.0, 100.0)


def candles(*rows: tuple[float, float, float, float], **options: object) -> Bars:
    """Daily bars of (open, high, low, close), after one flat bar at 100 on which the question is asked."""
    table = np.array([FLAT, *rows])
    return Bars.from_arrays(None, *table.T, **options)  # type: ignore[arg-type]


def ask(bars: Bars, **options: object) -> lab.Labels:
    return lab.triple_barrier(bars, [0], **{"width": 0.02, "profit_taking": 1, "stop_loss": 1, **options})


@pytest.mark.parametrize(
    ("rows", "options", "label", "row", "exit_"),
    [
        pytest.param([(100, 102, 99, 101)], {}, 1, 1, 102.0, id="a high that reaches the barrier, exit there"),
        pytest.param([(100, 101.9, 98, 99)], {}, -1, 1, 98.0, id="a low that reaches the barrier"),
        pytest.param([(103, 104, 97, 98)], {}, 1, 1, 103.0, id="a gap up through the barrier exits at the open"),
        pytest.param([(95, 103, 94, 96)], {}, -1, 1, 95.0, id="a gap down, though the high met the other barrier too"),
        pytest.param([(100, 103, 97, 100)], {}, -1, 1, 98.0, id="both in one bar: the loss counts"),
        pytest.param([(100, 103, 97, 100)], {"both": "optimistic"}, 1, 1, 102.0, id="both, optimistic"),
        pytest.param([(100, 103, 97, 100)], {"side": -1}, -1, 1, 102.0, id="both, short: its loss lies above"),
        pytest.param([(100, 103, 97, 101), (101, 101, 101, 101)], {"touch": "close"}, 0, 2, 101.0, id="closes only"),
        pytest.param([(100, 104, 100, 103)], {"touch": "close"}, 1, 1, 103.0, id="closes only, exit at the close"),
        pytest.param([(100, 101, 99.5, 101), (101, 103, 101, 103)], {"max_bars": 1}, 0, 1, 101.0, id="time"),
        pytest.param(
            [(100, 101, 99.5, 101), (101, 103, 101, 103)], {"max_bars": 1, "vertical_label": "sign"}, 1, 1, 101.0,
            id="time, by the sign",
        ),
        pytest.param([(100, 102, 100, 101)], {"max_bars": 1}, 1, 1, 102.0, id="a barrier met in the last bar counts"),
        pytest.param([(103, 104, 97, 98)], {"entry": "next_open"}, -1, 1, 103 * 0.98, id="from the next open: no gap"),
        pytest.param([(100, 102, 98.5, 101)], {"side": -1}, -1, 1, 102.0, id="short: above is a loss"),
        pytest.param([(100, 101, 97, 98)], {"side": -1}, 1, 1, 98.0, id="short: below is a profit"),
        pytest.param([(100, 109, 99, 101), (101, 102, 97, 98)], {"profit_taking": None}, -1, 2, 98.0, id="no profit"),
        pytest.param([(100, 101, 50, 60), (60, 103, 60, 103)], {"stop_loss": 0}, 1, 2, 102.0, id="no loss barrier"),
        pytest.param([(100, 101, 97, 99), (99, 104, 99, 104)], {"profit_taking": 2, "stop_loss": 2}, 1, 2, 104.0,
        id="wide"),
    ],
)  # fmt: skip
def test_drawn_candles(rows: list, options: dict, label: int, row: int, exit_: float) -> None:
    found = ask(candles(*rows), at_end="keep", **options)
    assert (found.label.tolist(), found.row1.tolist()) == ([label], [row])
    assert found.exit[0] == pytest.approx(exit_, abs=1e-12)
    side = options.get("side", 1)
    assert found.ret[0] == pytest.approx(side * (exit_ / found.entry[0] - 1.0), abs=1e-12)


def test_a_bar_that_meets_both_is_marked_and_can_be_dropped() -> None:
    bars = candles((100, 103, 97, 100))
    assert ask(bars).both.tolist() == [True]
    gone = ask(bars, both="drop")
    assert len(gone) == 0
    assert gone.dropped == {"one bar met both barriers": 1}


def test_the_time_barrier_in_days_is_the_first_close_at_or_after() -> None:
    stamps = np.array(["2024-01-01", "2024-01-02", "2024-01-05", "2024-01-08"], dtype="datetime64[D]")
    close = [100.0, 100.5, 100.2, 100.1]
    bars = Bars.from_arrays(stamps, close, close, close, close)
    for time in ("3d", dt.timedelta(days=3), np.timedelta64(72, "h"), 3 * DAY_NS):
        assert ask(bars, max_bars=None, max_time=time).row1.tolist() == [2]
    assert ask(bars, max_time="3d", max_bars=1).row1.tolist() == [1]  # the earlier of the two


def test_what_the_end_of_the_data_leaves_open() -> None:
    bars = candles((100, 101, 99, 101), (101, 102.5, 101, 102))
    asked = {"events": [0, 1], "width": 0.02, "profit_taking": 1, "stop_loss": 1, "max_bars": 5}
    resolved = lab.triple_barrier(bars, **asked)  # row 0 met 102 in row 2; row 1 (from 101) met nothing
    assert resolved.row0.tolist() == [0]
    assert resolved.dropped == {"not over when the data ends": 1}
    assert len(lab.triple_barrier(bars, **asked, at_end="drop")) == 0
    kept = lab.triple_barrier(bars, **asked, at_end="keep", vertical_label="sign")
    assert kept.barrier.tolist() == [Barrier.UPPER, Barrier.NONE]
    assert (kept.label.tolist(), kept.exit.tolist()) == ([1, 1], [102.0, 102.0])


def test_costs_are_taken_off_the_return_of_acting() -> None:
    bars = candles((100, 102, 100, 101))
    assert ask(bars, cost=0.005).net[0] == pytest.approx(0.015)
    assert ask(bars, cost=0.005).ret[0] == pytest.approx(0.02)
    assert ask(bars, cost=0.03, side=1).net[0] == pytest.approx(-0.01)
    down = candles((100, 100, 98, 99))
    assert ask(down, cost=0.005).net[0] == pytest.approx(0.015)  # a label of -1 is sold
    assert ask(down, cost=0.005, side=1).net[0] == pytest.approx(-0.025)
    still = candles((100, 101, 100, 100.4))
    assert ask(still, max_bars=1, cost=0.005, vertical_label="sign").label.tolist() == [0]
    assert ask(still, max_bars=1, cost=0.003, vertical_label="sign").label.tolist() == [1]


def test_meta_labels_say_whether_the_side_paid() -> None:
    bars = candles((100, 102, 100, 101))
    for side, cost, wanted in ((1, 0.0, 1), (1, 0.03, 0), (-1, 0.0, 0)):
        found = lab.meta_labels(bars, [0], side=side, cost=cost, width=0.02, profit_taking=1)
        assert found.label.tolist() == [wanted]
        assert found.kind == "meta"
    assert lab.meta_labels(bars, [0], side=0, width=0.02).dropped == {"no side at the event": 1}


def test_events_that_are_not_worth_a_label_are_counted() -> None:
    bars = walk_bars(200)
    found = lab.triple_barrier(bars, min_return=0.014)
    assert found.dropped["no volatility at the event"] == 20
    assert found.dropped["volatility not above min_return"] > 10
    assert (found.width > 0.014).all()
    assert len(found) + sum(found.dropped.values()) == 200
    wide = lab.triple_barrier(bars, min_return=0.014, below_min="widen")
    assert wide.width.min() == 0.014
    assert "volatility not above min_return" not in wide.dropped


def test_a_missing_bar_is_no_bar() -> None:
    """The instrument without a bar in row 2 has the labels of its own bars alone."""
    bars = walk_bars(60, 2, seed=4)
    columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
    for column in columns.values():
        column[[7, 20, 21], 1] = np.nan
    holed = Bars.from_arrays(bars.ts, *columns.values(), symbols=bars.symbols)
    rows = np.flatnonzero(np.isfinite(holed.close[:, 1]))
    dense = Bars.from_arrays(bars.ts[rows], *(column[rows, 1] for column in columns.values()), symbols=bars.symbols[1])
    options = {"width": 0.02, "max_bars": 4}
    mine = lab.triple_barrier(holed, **options).of(bars.symbols[1])
    theirs = lab.triple_barrier(dense, **options)
    assert mine.row0.tolist() == rows[theirs.row0].tolist()
    assert mine.row1.tolist() == rows[theirs.row1].tolist()
    for name in ("label", "ret", "exit"):
        assert np.array_equal(getattr(mine, name), getattr(theirs, name))
    assert lab.triple_barrier(holed, [7], **options).dropped == {"no bar at the event": 1}


def test_events_can_be_rows_masks_instants_or_a_filter() -> None:
    bars = walk_bars(50, 2)
    mask = np.zeros((50, 2), dtype=bool)
    mask[[10, 30]] = True
    instants = bars.ts[[10, 30]].astype("datetime64[ns]")
    words = [bars.start.isoformat()]
    wanted = lab.triple_barrier(bars, [10, 30], width=0.02)
    assert wanted.row0.tolist() == [10, 10, 30, 30]
    for events in (mask, mask[:, 0], instants, np.array([30, 10, 10])):
        assert lab.triple_barrier(bars, events, width=0.02).row0.tolist() == wanted.row0.tolist()
    assert lab.triple_barrier(bars, words, width=0.02).row0.tolist() == [0, 0]
    only = np.zeros((50, 2), dtype=bool)
    only[5, 1] = True
    assert lab.triple_barrier(bars, only, width=0.02).asset.tolist() == [1]


def test_events_can_bring_a_width_and_a_side_each() -> None:
    bars = walk_bars(200)
    events = lab.cusum_events(bars, 0.03)
    width = lab.ewm_volatility(bars, min_count=2)[:, 0]
    by_bar = np.zeros(200)
    by_bar[events.row] = events.direction
    found = lab.triple_barrier(bars, events, width=width[events.row], side=events.direction, min_return=0)
    wanted = lab.triple_barrier(bars, events, width=width, side=by_bar, min_return=0)
    assert len(found) > 10
    for name in ("row0", "row1", "label", "side", "width", "ret"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name))
    with pytest.raises(InputError, match="aligned with the bars"):
        lab.triple_barrier(bars, events.row, width=width[events.row])


def test_the_frame_carries_the_span() -> None:
    pytest.importorskip("pandas")
    frame = ask(candles((100, 102, 99, 101))).to_frame()
    assert frame.loc[0, "barrier"] == "upper"
    assert (frame["t1"] - frame["t0"]).dt.days.tolist() == [1]
    assert str(frame["t0"].dt.tz) == "UTC"


def test_fixed_horizon_counts_bars_or_time() -> None:
    close = [100.0, 101.0, 101.2, 99.0]
    bars = Bars.from_arrays(None, close, close, close, close)
    found = lab.fixed_horizon(bars, horizon=2, threshold=0.015)
    assert (found.label.tolist(), found.row1.tolist()) == ([0, -1], [2, 3])
    assert lab.fixed_horizon(bars, horizon="2d", threshold=0.015).label.tolist() == [0, -1]
    scaled = lab.fixed_horizon(bars, horizon=1, threshold=2.0, width=[0.004, 0.004, np.nan, 0.1])
    assert scaled.label.tolist() == [1, 0]
    assert scaled.dropped == {"no volatility at the event": 1, "no bar after the event": 1}


def test_a_trend_label_spans_all_it_searched() -> None:
    close = [1.0, 2.0, 3.0, 3.1, 2.0, 1.0]
    found = lab.trend_scan(Bars.from_arrays(None, close, close, close, close), [0], min_bars=3, max_bars=6)
    assert found.score.tolist() == [1e6]  # the first three lie on a line
    assert (found.row1.tolist(), found.exit.tolist()) == ([5], [3.0])
    flat = Bars.from_arrays(None, [5.0] * 4, [5.0] * 4, [5.0] * 4, [5.0] * 4)
    assert lab.trend_scan(flat, [0], min_bars=3, max_bars=4).label.tolist() == [0]
    for options, words in (
        ({"min_bars": 2}, "3 bars or more"),
        ({"min_bars": 3.5}, "min_bars is 3.5"),
        ({"step": 0}, "step is 0"),
    ):
        with pytest.raises(InputError, match=words):
            lab.trend_scan(flat, **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"touch": "clsoe"}, "did you mean 'close'"),
        ({"entry": "open"}, "entry is 'open'"),
        ({"max_bars": 0}, "time barrier is at 0 bars"),
        ({"max_bars": 2.5}, "time barrier is at 2.5 bars"),
        ({"max_time": "soon"}, "max_time is 'soon'"),
        ({"profit_taking": -1}, "profit_taking is -1"),
        ({"min_return": 2}, "min_return is 2"),
        ({"width": -0.1}, "below 0"),
        ({"width": [0.1, 0.2, 0.3]}, "aligned with the bars"),
        ({"side": 0.5}, "side holds 0.5"),
        ({"cost": 1.5}, "cost holds values outside"),
        ({"events": [99]}, "there are 2 bars"),
        ({"events": ["2024-05-05"]}, "No bar closes at 2024-05-05"),
        ({"max_bars": None, "at_end": "drop"}, "without a time barrier"),
        ({"profit_taking": "x"}, "profit_taking is 'x'; it must be a number"),
        ({"min_return": None}, "min_return is None"),
        ({"width": None, "span": "long"}, "span is 'long'"),
    ],
)
def test_a_wrong_option_is_refused(options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        lab.triple_barrier(candles((100, 102, 99, 101)), **options)


def test_a_frame_is_no_bars() -> None:
    for make in (lab.triple_barrier, lab.trend_scan, lab.fixed_horizon):
        with pytest.raises(InputError, match=r"labels are made of Bars: tradewright\.load"):
            make([1.0, 2.0])


def test_an_unknown_kind_or_option_names_the_nearest() -> None:
    bars = walk_bars(30)
    with pytest.raises(InputError, match="did you mean 'triple_barrier'"):
        lab.compute("triple_barier", bars)
    with pytest.raises(InputError, match="did you mean 'max_bars'"):
        lab.compute("triple_barrier", bars, max_bar=3)
    with pytest.raises(InputError, match="needs side"):
        lab.compute("meta", bars)


# --- features beside labels


def test_features_are_taken_at_the_event() -> None:
    bars = walk_bars(40, 2, seed=9)
    found = lab.fixed_horizon(bars, [5, 20], horizon=3)
    row = np.arange(40.0)
    table = np.stack([np.stack([row, row + 100], axis=1), -np.stack([row, row + 100], axis=1)], axis=2)
    for X in (table, {"a": table[:, :, 0], "b": table[:, :, 1]}):
        assert lab.align_features(X, found).X.tolist() == [[5, -5], [105, -105], [20, -20], [120, -120]]
    shared = lab.align_features({"row": row}, found)
    assert shared.X[:, 0].tolist() == [5, 5, 20, 20]
    holes = np.where(row == 5, np.nan, row)
    kept = lab.align_features({"row": holes}, found)
    assert (kept.X[:, 0].tolist(), kept.missing, kept.labels.row0.tolist()) == ([20, 20], 2, [20, 20])
    with pytest.raises(InputError, match="row is missing"):
        lab.align_features({"row": holes}, found, missing="raise")
    with pytest.raises(InputError, match="2 instruments"):
        lab.align_features(table[:, 0, :], found)


def test_features_of_a_frame_are_found_by_their_stamp() -> None:
    pd = pytest.importorskip("pandas")
    bars = walk_bars(40, seed=9)
    found = lab.fixed_horizon(bars, [5, 20], horizon=3)
    index = pd.to_datetime(bars.ts, utc=True)
    frame = pd.DataFrame({"row": np.arange(40.0)}, index=index)
    for given in (
        frame,
        frame.iloc[::-1],
        frame.tz_localize(None),
        frame.tz_convert("America/New_York"),
        frame.iloc[5:],
    ):
        assert lab.align_features(given, found).X[:, 0].tolist() == [5, 20]
    with pytest.raises(InputError, match="no row at"):
        lab.align_features(frame.iloc[6:], found)
    with pytest.raises(InputError, match="no row at"):  # shifted stamps are no match, however near
        lab.align_features(frame.set_axis(index + pd.Timedelta("1s")), found)
    carried = lab.align_features(frame, found).to_frame().index
    assert carried.get_level_values("t1").as_unit("ns").asi8.tolist() == found.t1.tolist()


# --- the exam


EXAMINED = [
    ("triple_barrier", {}),
    ("triple_barrier", {"min_return": 0.0}),
    ("triple_barrier", {"min_return": 0.0, "touch": "close", "entry": "next_open"}),
    ("triple_barrier", {"min_return": 0.0, "at_end": "drop", "both": "drop"}),
    ("triple_barrier", {"min_return": 0.0, "at_end": "keep", "vertical_label": "sign"}),
    ("triple_barrier", {"below_min": "widen", "max_bars": None, "max_time": "7d", "side": -1}),
    ("meta", {"side": 1, "min_return": 0.0}),
    ("trend_scan", {}),
    ("fixed_horizon", {"horizon": 3, "threshold": 0.01}),
    ("fixed_horizon", {"horizon": "3d", "entry": "next_open"}),
]


@pytest.mark.parametrize(("kind", "options"), EXAMINED)
def test_every_kind_sits_the_exam(kind: str, options: dict) -> None:
    check_labels(kind, **options)


def test_the_exam_covers_every_kind() -> None:
    assert {kind for kind, _ in EXAMINED} == set(lab.kinds())


def test_the_exam_finds_a_width_of_the_whole_sample() -> None:
    def cheat(bars: Bars) -> lab.Labels:
        return lab.triple_barrier(bars, width=float(np.nanstd(np.diff(np.log(bars.close), axis=0))), min_return=0)

    with pytest.raises(AssertionError, match=r"looks further|could not know"):
        check_labels(cheat, holes=0.0)


def test_the_exam_finds_a_span_that_is_too_short() -> None:
    from dataclasses import replace

    def cheat(bars: Bars) -> lab.Labels:
        found = lab.fixed_horizon(bars, horizon=5)
        return replace(found, row1=found.row0 + 1, bar1=found.bar0 + 1, t1=bars.ts[found.row0 + 1])

    with pytest.raises(AssertionError, match="looks further"):
        check_labels(cheat, holes=0.0)


@pytest.mark.parametrize("cut", [40, 117, 199])
def test_events_and_volatility_are_known_at_their_row(cut: int) -> None:
    """Cutting off or changing later bars changes no earlier event and no earlier volatility, not by a bit."""
    from tradewright.testing.market import with_other_future

    bars = walk_bars(240, 2, holes=0.1)

    def asked(some: Bars) -> tuple[list, list, np.ndarray]:
        width = lab.ewm_volatility(some, span=20)
        lagged = lab.ewm_volatility(some, span=20, lag="3d", change="log")
        found = lab.cusum_events(some, 1.5 * width)
        past = found.row < cut
        events = [found.row[past].tolist(), found.asset[past].tolist(), found.direction[past].tolist()]
        return events, lab.every_bar(some).row[lab.every_bar(some).row < cut].tolist(), np.hstack([width, lagged])[:cut]

    whole = asked(bars)
    assert whole[0][0]
    for other in (bars.head(cut), with_other_future(bars, cut)):
        found = asked(other)
        assert found[:2] == whole[:2]
        assert np.array_equal(found[2], whole[2], equal_nan=True)
