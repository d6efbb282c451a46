"""Data frames of every kind give the same bars."""

from __future__ import annotations

import numpy as np
import pytest

from tradewright.data.calendars import session_dates
from tradewright.data.columns import CLOSE_ONLY_NOTE
from tradewright.data.frames import bars_and_report, bars_from
from tradewright.data.sanity import UNCHECKED_NOTE
from tradewright.data.service import load
from tradewright.domain.errors import InputError, MissingDataError

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

DATES = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]
TABLE = {
    "open": [10.0, 11.0, 12.0, 13.0],
    "high": [12.0, 13.0, 14.0, 15.0],
    "low": [9.0, 10.0, 11.0, 12.0],
    "close": [11.0, 12.0, 13.0, 14.0],
    "volume": [100.0, 200.0, 300.0, 400.0],
}
EXPECTED = bars_from({"date": DATES, **TABLE}, symbols="SPY").data_hash()


def indexed(**options: object) -> object:
    return pd.DataFrame(TABLE, index=pd.to_datetime(DATES), **options)


FRAMES = {
    "pandas, dates as index": indexed,
    "pandas, capital letters": lambda: indexed().rename(columns=str.title),
    "pandas, dates as column": lambda: pd.DataFrame({"Date": pd.to_datetime(DATES), **TABLE}),
    "pandas, dates as text": lambda: pd.DataFrame({"date": DATES, **TABLE}),
    "pandas, named index": lambda: pd.DataFrame(TABLE, index=pd.Index(DATES, name="Date")),
    "pandas, New York midnight": lambda: indexed().tz_localize("America/New_York"),
    "pandas, UTC midnight": lambda: indexed().tz_localize("UTC"),
    "pandas, periods": lambda: pd.DataFrame(TABLE, index=pd.PeriodIndex(DATES, freq="D")),
    "pandas, nullable": lambda: indexed().convert_dtypes(),
    "pandas, 32 bit": lambda: indexed().astype("float32"),
    "pandas, (field, symbol)": lambda: pd.concat({"SPY": indexed()}, axis=1).swaplevel(axis=1),
    "pandas, (symbol, field)": lambda: pd.concat({"SPY": indexed()}, axis=1),
    "pandas, shuffled": lambda: indexed().iloc[[2, 0, 3, 1]],
    "polars": lambda: pl.DataFrame({"date": DATES, **TABLE}),
    "polars, dates": lambda: pl.DataFrame({"date": DATES, **TABLE}).with_columns(pl.col("date").str.to_date()),
    "polars, aware": lambda: pl.DataFrame({"date": DATES, **TABLE}).with_columns(
        pl.col("date").str.to_datetime().dt.replace_time_zone("America/New_York")
    ),
    "pyarrow": lambda: pa.table({"date": DATES, **TABLE}),
    "pyarrow, dates": lambda: pa.table({"date": pa.array(np.array(DATES, "datetime64[D]")), **TABLE}),
    "dict of arrays": lambda: {"date": np.array(DATES, "datetime64[D]"), **{k: np.array(v) for k, v in TABLE.items()}},
    "dict of frames": lambda: {"SPY": indexed()},
    "dict of polars frames": lambda: {"SPY": pl.DataFrame({"date": DATES, **TABLE})},
    "unix seconds": lambda: {"time": np.array(DATES, "datetime64[s]").astype(np.int64), **TABLE},
    "bars": lambda: bars_from({"date": DATES, **TABLE}, symbols="SPY"),
}


@pytest.mark.parametrize("kind", list(FRAMES))
def test_every_kind_of_frame_gives_the_same_bars(kind: str) -> None:
    bars = bars_from(FRAMES[kind](), symbols="SPY")
    assert bars.symbols == ("SPY",)
    assert bars.data_hash() == EXPECTED


def test_several_symbols_in_every_layout() -> None:
    other = indexed() * 2
    levels = pd.concat({"SPY": indexed(), "QQQ": other}, axis=1)
    long = pd.concat([indexed().assign(symbol="SPY"), other.assign(symbol="QQQ")]).rename_axis("date").reset_index()
    rows = pd.concat({"SPY": indexed(), "QQQ": other}, names=["ticker", "date"])
    expected = bars_from({"SPY": indexed(), "QQQ": other})
    assert expected.symbols == ("SPY", "QQQ")
    for data in (levels, levels.swaplevel(axis=1), long, rows, pl.from_pandas(long), {"SPY": bars_from(indexed(),
                 symbols="X"), "QQQ": other}):  # fmt: skip
        bars = bars_from(data, symbols=["SPY", "QQQ"])
        assert bars.data_hash() == expected.data_hash()
    assert bars_from(levels, symbols="QQQ").close[:, 0].tolist() == [22, 24, 26, 28]
    with pytest.raises(MissingDataError, match="did you mean 'QQQ'"):
        bars_from(levels, symbols="QQ")
    with pytest.raises(MissingDataError, match="did you mean 'QQQ'"):
        bars_from({"SPY": indexed(), "QQQ": other}, symbols=["QQ"])


def test_closes_alone() -> None:
    closes = pd.DataFrame({"SPY": [1.0, 2.0], "QQQ": [3.0, 4.0]}, index=pd.to_datetime(DATES[:2]))
    bars = bars_from(closes)
    assert bars.symbols == ("SPY", "QQQ")
    assert CLOSE_ONLY_NOTE in bars.provenance.notes
    one = bars_from(closes["SPY"], symbols="SPY")
    assert one.symbols == ("SPY",)
    assert one.close[:, 0].tolist() == [1, 2]
    array = bars_from(np.array([[1.0, 2.0], [3.0, 4.0]]), symbols=["A", "B"])
    assert array.symbols == ("A", "B")
    assert any("no stamps" in note for note in array.provenance.notes)
    assert bars_from([1.0, 2.0, 3.0]).n_bars == 3


def test_ragged_symbols_share_the_union_of_dates() -> None:
    levels = pd.concat({"SPY": indexed(), "QQQ": indexed().iloc[2:]}, axis=1)
    bars = bars_from(levels)
    assert np.isnan(bars.close[:, 1]).tolist() == [True, True, False, False]
    assert session_dates(bars).astype(str).tolist() == DATES


def test_daily_utc_labels_of_coins_are_days() -> None:
    frame = indexed().tz_localize("UTC")
    bars = bars_from(frame, symbols="BTC-USD")
    assert session_dates(bars).astype(str).tolist() == DATES
    assert bars.end.isoformat() == "2024-01-06T00:00:00+00:00"


def test_intraday_frames_are_read_in_the_zone_of_the_exchange() -> None:
    stamps = pd.date_range("2024-01-02 09:30", periods=390, freq="1min")
    frame = pd.DataFrame({"close": np.arange(1.0, 391.0)}, index=stamps)
    bars = bars_from(frame, symbols="SPY")
    assert (bars.start.isoformat(), bars.end.isoformat()) == ("2024-01-02T14:31:00+00:00", "2024-01-02T21:00:00+00:00")
    utc = bars_from(frame, symbols="SPY", tz="UTC", stamp="end")
    assert utc.start.isoformat() == "2024-01-02T09:30:00+00:00"


def test_bad_rows_of_a_frame_are_reported() -> None:
    frame = indexed()
    frame.iloc[1, frame.columns.get_loc("low")] = -1.0
    bars, report = bars_and_report(frame, symbols="SPY")
    assert bars.n_bars == 3
    assert report.count("price") == 1
    assert UNCHECKED_NOTE in bars_from(frame, symbols="SPY", validate=False).provenance.notes


def test_what_is_no_data_is_refused_in_words() -> None:
    with pytest.raises(InputError, match=r"cannot be made from builtins\.int"):
        bars_from(3)
    with pytest.raises(InputError, match="empty"):
        bars_from({})


def test_float_columns_are_shared_not_copied() -> None:
    closes = np.linspace(100, 101, 1000)
    table = {"date": np.arange("2020-01-01", 1000, dtype="datetime64[D]"), "open": closes, "high": closes,
             "low": closes, "close": closes, "volume": closes}  # fmt: skip
    bars = bars_from(table, symbols="BTC-USD")
    assert np.shares_memory(bars.close, closes)
    assert not bars.close.flags.writeable


def test_load_takes_frames_and_cuts_them() -> None:
    bars = load("SPY", data=indexed(), start="2024-01-03", end="2024-01-04")
    assert session_dates(bars).astype(str).tolist() == DATES[1:3]
    with pytest.raises(MissingDataError, match="2024-01-02 to 2024-01-05"):
        load("SPY", data=indexed(), start="2025-01-01")
    with pytest.raises(InputError, match="no option 'seed'"):
        load("SPY", data=indexed(), seed=3)
    weekly = load("SPY", data=indexed(), interval="1w")
    assert weekly.open[:, 0].tolist() == [10.0]
    assert weekly.close[:, 0].tolist() == [14.0]


def test_a_lazy_polars_frame_is_collected() -> None:
    polars = pytest.importorskip("polars")
    table = {"date": ["2024-01-02", "2024-01-03"], "close": [1.5, 2.5]}
    assert bars_from(polars.LazyFrame(table)).close[:, 0].tolist() == [1.5, 2.5]
