from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import DAY_NS, Bars, Provenance, instant_ns, utc
from tradewright.domain.errors import InputError
from tradewright.domain.instrument import Instrument

START = instant_ns("2020-01-01")


def make(n_bars: int = 6, symbols: tuple[str, ...] = ("SPY", "TLT"), **fields: object) -> Bars:
    close = np.arange(1.0, n_bars * len(symbols) + 1).reshape(n_bars, len(symbols))
    ts = START + np.arange(n_bars, dtype=np.int64) * DAY_NS
    return Bars.from_arrays(ts, close, close + 1, close - 1, close, close * 100, symbols=symbols, **fields)  # type: ignore[arg-type]


def test_arrays_in_the_right_form_are_shared_and_read_only() -> None:
    close = np.arange(1.0, 1001.0)
    ts = START + np.arange(1000, dtype=np.int64) * DAY_NS
    bars = Bars.from_arrays(ts, close, close, close, close, close, symbols="SPY")
    for mine, given_array in ((bars.ts, ts), (bars.open, close), (bars.volume, close)):
        assert np.shares_memory(mine, given_array)
        with pytest.raises(ValueError, match="read-only"):
            mine[0] = 0
    close[0] = 7.0  # the caller's own array stays writable
    assert bars.close.shape == (1000, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64, np.uint8])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_real_type_and_layout_becomes_c_contiguous_float64(dtype: type, order: str) -> None:
    close = np.asarray([[1, 2], [3, 4], [5, 6]], dtype=dtype, order=order)  # type: ignore[call-overload]
    bars = Bars.from_arrays(None, close, close, close, close)
    assert bars.close.dtype == np.float64
    assert bars.close.flags.c_contiguous
    assert bars.close.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert np.isnan(bars.volume).all()
    assert bars.symbols == ("ASSET1", "ASSET2")


def test_stamps_of_every_kind_mean_the_same_instants() -> None:
    days = ["2024-03-08", "2024-03-11"]
    expected = [instant_ns(day) for day in days]
    zone = dt.timezone(dt.timedelta(hours=-5))
    kinds: list[object] = [
        np.array(days, dtype="datetime64[D]"),
        np.array(days, dtype="datetime64[ns]"),
        np.array(expected, dtype=np.int64),
        days,
        [dt.datetime.fromisoformat(day) for day in days],
        [dt.datetime(2024, 3, 7, 19, tzinfo=zone), dt.datetime(2024, 3, 10, 19, tzinfo=zone)],
        [dt.date(2024, 3, 8), dt.date(2024, 3, 11)],
    ]
    for ts in kinds:
        assert Bars.from_arrays(ts, [1, 2], [1, 2], [1, 2], [1, 2]).ts.tolist() == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_stamps_in_another_unit_are_refused_with_the_remedy(unit: str) -> None:
    ts = np.arange("2020-01-01", "2020-02-01", dtype="datetime64[D]").astype(f"datetime64[{unit}]")
    close = np.ones(ts.size)
    with pytest.raises(InputError, match=rf"datetime64\[{unit}\]"):
        Bars.from_arrays(ts.astype(np.int64), close, close, close, close)
    assert Bars.from_arrays(ts, close, close, close, close).start == dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def test_bars_without_stamps_are_numbered_and_say_so() -> None:
    bars = Bars.from_arrays(None, [1, 2], [1, 2], [1, 2], [1, 2])
    assert bars.ts.tolist() == [0, DAY_NS]
    assert "numbered" in bars.provenance.notes[0]
    long = np.ones(200_000)
    assert Bars.from_arrays(None, long, long, long, long).end < dt.datetime(1971, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("ts", "close", "fields", "message"),
    [
        ([0, 0], [1, 2], {}, "row 1"),
        ([5, 4], [1, 2], {}, "strictly increase"),
        ([0, 1, 2], [1, 2], {}, "3 stamps but 2 rows"),
        ([0.0, 1.0], [1, 2], {}, "float64"),
        ([0, 1], [[[1]], [[2]]], {}, "3 dimensions"),
        ([0, 1], ["1", "x"], {}, "not a number"),
        ([0, 1], [1j, 2j], {}, "real numbers"),
        ([0, 1], [1, 2], {"symbols": ["A", "B"]}, "2 symbols but 1 columns"),
        ([0, 1], [[1, 1], [2, 2]], {"symbols": ["A", "A"]}, "A appears more often"),
        ([0, 1], [1, 2], {"symbols": "A", "instruments": Instrument("A")}, "not both"),
        (np.array(["2020-01-01", "NaT"], dtype="datetime64[D]"), [1, 2], {}, "NaT at row 1"),
        (["yesterday", "today"], [1, 2], {}, "ISO date"),
    ],
)
def test_what_cannot_be_bars_is_refused_with_a_reason(
    ts: object, close: object, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Bars.from_arrays(ts, close, close, close, close, **fields)  # type: ignore[arg-type]


def test_shapes_must_agree() -> None:
    with pytest.raises(InputError, match="high has shape"):
        Bars.from_arrays([0, 1], [1, 2], [1, 2, 3], [1, 2], [1, 2])


def test_rows_are_cut_without_copying() -> None:
    bars = make()
    for cut in (bars.head(2), bars[0:2], bars.rows(0, 2), bars.head(-4), bars.between(None, "2020-01-02")):
        assert cut.n_bars == 2
        assert np.shares_memory(cut.close, bars.close)
        assert cut.close.flags.c_contiguous
    assert bars.tail(2).ts.tolist() == bars.ts[-2:].tolist()
    assert bars.tail(-5).n_bars == 1
    assert bars.head(99) is bars
    assert bars.head(0).n_bars == 0
    with pytest.raises(InputError, match="no bars"):
        _ = bars.head(0).start


def test_between_includes_both_ends_and_the_whole_last_day() -> None:
    ts = np.array(["2020-01-01T23:59", "2020-01-02T00:00", "2020-01-02T23:59", "2020-01-03T00:00"], "datetime64[ns]")
    close = [1, 2, 3, 4]
    bars = Bars.from_arrays(ts, close, close, close, close)
    assert bars.between("2020-01-02", "2020-01-02").close[:, 0].tolist() == [2, 3]
    assert bars.between(dt.date(2020, 1, 2), np.datetime64("2020-01-02")).close[:, 0].tolist() == [2, 3]
    assert bars.between("2020-01-02T00:00", "2020-01-03T00:00").close[:, 0].tolist() == [2, 3, 4]
    assert bars.between(utc(int(bars.ts[3])), None).n_bars == 1
    assert bars.between("2021-01-01").n_bars == 0


def test_columns_are_found_by_id_and_by_plain_symbol() -> None:
    close = np.ones((2, 3))
    instruments = [Instrument("A", venue="X"), Instrument("A", venue="Y"), Instrument("B", venue="X")]
    bars = Bars.from_arrays(None, close, close, close, close, instruments=instruments)
    assert bars.column("A.Y") == 1
    assert bars.column("B") == 2
    with pytest.raises(InputError, match="No bars of 'A' among"):
        bars.column("A")
    with pytest.raises(InputError, match="did you mean 'TLT'"):
        make().column("TLR")


def test_select_reorders_columns_and_keeps_their_actions() -> None:
    split = CorporateAction(ts=START + DAY_NS, instrument=Instrument("TLT"), kind=ActionKind.SPLIT, value=2.0)
    bars = make(actions=(split,))
    swapped = bars.select(["TLT", "SPY"])
    assert swapped.symbols == ("TLT", "SPY")
    assert swapped.close[:, 0].tolist() == bars.close[:, 1].tolist()
    assert swapped.actions == (split,)
    assert bars.select("SPY").actions == ()
    assert bars.select(["SPY", "TLT"]) is bars


def test_actions_follow_the_rows_they_take_effect_in() -> None:
    actions = [
        CorporateAction(ts=START + day * DAY_NS, instrument=Instrument("SPY"), kind=ActionKind.DIVIDEND, value=1.0)
        for day in (0, 2, 5)
    ]
    bars = make(actions=tuple(reversed(actions)))
    assert bars.actions == tuple(actions)
    assert bars.head(3).actions == tuple(actions[:2])
    assert bars.rows(2, 5).actions == (actions[1],)
    assert bars.rows(3, 5).actions == ()


def test_one_bar_or_none() -> None:
    close = np.array([[1.0, np.nan], [2.0, 3.0]])
    bars = Bars.from_arrays(None, close, close, close, close, symbols=["SPY", "TLT"])
    assert bars.bar(0, "TLT") is None
    last = bars.bar(-1, "TLT")
    assert last is not None
    assert (last.close, last.instrument.id, last.ts) == (3.0, "TLT", DAY_NS)
    with pytest.raises(InputError, match="outside"):
        bars.bar(2, "SPY")
    with pytest.raises(InputError, match="name one"):
        bars.bar(0)


def test_the_hash_depends_on_the_data_and_on_nothing_else() -> None:
    bars = make()
    same = make(provenance=Provenance("elsewhere"))
    assert bars.data_hash() == same.data_hash() == bars.data_hash()
    assert len(bars.data_hash()) == 64
    close = bars.close.copy()
    close[3, 1] = np.nextafter(close[3, 1], 0)
    others = [
        make(symbols=("SPY", "IEF")),
        make(interval_ns=DAY_NS),
        bars.head(5),
        bars.select(["TLT", "SPY"]),
        Bars(bars.ts, bars.open, bars.high, bars.low, close, bars.volume, bars.instruments),
        Bars(bars.ts + 1, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.instruments),
    ]
    assert len({bars.data_hash(), *(other.data_hash() for other in others)}) == 7


def test_the_bit_pattern_of_a_missing_value_does_not_change_the_hash() -> None:
    plus, minus = np.array([1.0, np.nan]), np.array([1.0, -np.nan])
    assert plus.tobytes() != minus.tobytes()
    hashes = {Bars.from_arrays(None, a, a, a, a).data_hash() for a in (plus, minus)}
    assert len(hashes) == 1


@given(st.integers(0, 30), st.integers(-5, 35), st.integers(-5, 35))
def test_cutting_is_the_same_as_cutting_the_arrays(n_bars: int, first: int, last: int) -> None:
    bars = make(n_bars)
    first_row, last_row = max(0, first), max(0, last)
    cut = bars.rows(first, last)
    assert cut.ts.tolist() == bars.ts[first_row:last_row].tolist()
    assert cut.close.tolist() == bars.close[first_row:last_row].tolist()
    assert len(cut) == cut.n_bars


def test_instants_round_trip_and_mistakes_are_refused() -> None:
    moment = dt.datetime(2024, 2, 29, 15, 30, 0, 123456, tzinfo=dt.UTC)
    assert utc(instant_ns(moment)) == moment
    assert instant_ns("2024-02-29T10:30:00.123456-05:00") == instant_ns(moment)
    for wrong in ("2024-02-30", True, 1.5, np.datetime64("NaT")):
        with pytest.raises(InputError):
            instant_ns(wrong)  # type: ignore[arg-type]


def test_a_mistyped_adjustment_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'split'"):
        Provenance(adjusted="splits")
    with pytest.raises(InputError, match="step 1"):
        make()[::2]
    with pytest.raises(TypeError):
        iter(make())
