"""Providers: what they read is what an independent reader reads, and what they refuse they refuse loudly."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tradewright.data.calendars import session_dates
from tradewright.data.columns import CLOSE_ONLY_NOTE
from tradewright.data.delimited import read_delimited
from tradewright.data.providers import describe, make, names
from tradewright.data.providers.files import symbol_of_file
from tradewright.data.providers.memory import MemoryProvider
from tradewright.data.providers.synthetic import REGIMES
from tradewright.data.service import load, load_with_report
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError, InputError, MissingDataError
from tradewright.domain.ports import Provider

pandas = pytest.importorskip("pandas")

HEAD = "date,open,high,low,close,volume\n"
ROWS = "2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,200\n2024-01-04,12,14,11,13,300\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def closes(bars: Bars) -> list[float]:
    return bars.close[:, 0].tolist()


# -- registry --------------------------------------------------------------------------------------------------------


def test_every_built_in_provider_is_a_provider() -> None:
    made = [make("sample"), make("synthetic"), make("memory", data=[1.0, 2.0])]
    assert all(isinstance(provider, Provider) for provider in made)
    assert {provider.name for provider in made} < set(names())
    assert all(entry.about.endswith(".") for entry in describe())


def test_unknown_names_and_options_are_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'sample'"):
        make("sampel")
    with pytest.raises(InputError, match="does not take"):
        make("synthetic", sede=1)
    with pytest.raises(InputError, match="did you mean 'calm-stress'"):
        make("synthetic", regime="calm-stres")


def test_a_plug_in_is_found_by_its_entry_point(tmp_path: Path) -> None:
    """In a process of its own, with a real distribution on the path."""
    write(tmp_path, "my_feed.py", "class Feed:\n    name = 'mine'\n    def __init__(self, **options): pass\n"
          "    def load(self, symbols, start=None, end=None, interval=None):\n"
          "        from tradewright.domain.bars import Bars\n"
          "        return Bars.from_arrays(None, [1, 2], [1, 2], [1, 2], [1, 2], symbols=list(symbols))\n")  # fmt: skip
    info = tmp_path / "my_feed-1.0.dist-info"
    info.mkdir()
    write(info, "METADATA", "Metadata-Version: 2.1\nName: my-feed\nVersion: 1.0\n")
    write(info, "entry_points.txt", "[tradewright.providers]\nmine = my_feed:Feed\nbroken = nowhere:Feed\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from tradewright.data.service import load\nfrom tradewright.data.providers import names, make\n"
        "print(load('X', provider='mine').n_bars, 'mine' in names())\n"
        "try:\n    make('broken')\nexcept Exception as error:\n    print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "True", ConfigError.__name__]


# -- delimited text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        HEAD + ROWS,
        HEAD.upper() + ROWS,
        "Date,Open,High,Low,Close,Adj Close,Volume\n" + re.sub(r",(\d00)", r",9,\1", ROWS),
        ("timestamp;o;h;l;c;v\n" + ROWS.replace(",", ";")),
        (HEAD + ROWS).replace(",", "\t"),
        (HEAD + ROWS).replace("\n", "\r\n"),
        "\ufeff" + HEAD + ROWS + "\n\n",
        "https://www.example.com\n" + HEAD + ROWS,
        HEAD + ROWS.replace("10,12", '"10",12'),
        HEAD + re.sub(r"2024-01-0(\d)", r"1/\1/2024", ROWS),
        HEAD + ROWS.replace("2024-01-0", "2024010"),
        "timestamp,1. open,2. high,3. low,4. close,5. volume\n" + ROWS,
        "Price,Open,High,Low,Close,Volume\nTicker,SPY,SPY,SPY,SPY,SPY\nDate,,,,,\n" + ROWS,
        HEAD + "\n".join(reversed(ROWS.strip().split("\n"))) + "\n",
        "Unnamed: 0," + HEAD + re.sub(r"(?m)^2024", "7,2024", ROWS),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["SPY.csv", "SPY.csv.gz"])
def test_layouts_of_one_and_the_same_file(tmp_path: Path, text: str, name: str) -> None:
    bars = load(data=write(tmp_path, name, text))
    assert bars.symbols == ("SPY",)
    assert bars.ts.tolist() == load(data=write(tmp_path, "SPY2.csv", HEAD + ROWS)).ts.tolist()
    assert bars.open[:, 0].tolist() == [10, 11, 12]
    assert bars.high[:, 0].tolist() == [12, 13, 14]
    assert bars.low[:, 0].tolist() == [9, 10, 11]
    assert closes(bars) == [11, 12, 13]
    assert bars.volume[:, 0].tolist() == [100, 200, 300]


def test_rows_with_the_wrong_number_of_cells_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "SPY.csv", HEAD + ROWS + "2024-01-05,1,2\n2024-01-08,12,14,11,13,300,9,9\n")
    bars, report = load_with_report(data=path)
    assert bars.n_bars == 3
    assert (report.count("cells"), report.n_rows, report.rejected) == (2, 5, 2)


def test_two_errors_that_cancel_out_are_not_taken_for_clean(tmp_path: Path) -> None:
    """One cell too few and one too many make the right total."""
    path = write(tmp_path, "SPY.csv", HEAD + ROWS + "2024-01-05,12,14,11,13\n2024-01-08,12,14,11,13,300,9\n")
    assert load_with_report(data=path)[1].count("cells") == 2


@pytest.mark.parametrize("spoil", ["", "5,x,6,7", "1,2"])
def test_large_files_are_read_in_pieces_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str) -> None:
    begin = np.datetime64("2024-01-01", "m")
    lines = [f"{begin + i},{100 + i % 7},{101 + i % 7},{99 + i % 7},{100 + i % 5}" for i in range(2_000)]
    if spoil:
        lines[777] = f"{begin + 777},{spoil}"
    path = write(tmp_path, "BTC-USD.csv", "time,open,high,low,close\n" + "\n".join(lines))
    whole, report = load_with_report(data=path)
    monkeypatch.setattr("tradewright.data.delimited._CHUNK", 5_000)
    pieces, again = load_with_report(data=path)
    assert pieces.data_hash() == whole.data_hash()
    assert again.counts == report.counts


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "SPY.csv", "when,first_px,last_px\n2024-01-02,1,2\n2024-01-03,2,3\n")
    bars = load(data=path, columns={"time": "when", "close": "last_px", "open": "first_px"})
    assert (bars.open[:, 0].tolist(), closes(bars)) == ([1, 2], [2, 3])
    with pytest.raises(InputError, match="did you mean 'last_px'"):
        load(data=path, columns={"time": "when", "close": "last_pz"})
    with pytest.raises(InputError, match="did you mean 'close'"):
        load(data=path, columns={"closs": "last_px"})
    with pytest.raises(DataError, match="No time column"):
        load(data=write(tmp_path, "x.csv", "alpha,beta\n1,2\n3,4\n"))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        load(data=write(tmp_path, "a.csv", HEAD))
    with pytest.raises(DataError, match="no header"):
        load(data=write(tmp_path, "b.csv", ROWS))
    with pytest.raises(DataError, match="not text"):
        read_delimited(write(tmp_path, "c.csv", "PAR1\x00\x00"))
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress((HEAD + ROWS).encode())[:50])
    with pytest.raises(DataError, match="cannot be read"):
        load(data=tmp_path / "d.csv.gz")
    with pytest.raises(MissingDataError, match=r"did you mean 'a\.csv'"):
        load(data=tmp_path / "aa.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingDataError, match="holds no"):
        load(data=tmp_path / "empty")


def test_adjusted_closes(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,10,12,8,10,5,7\n2024-01-03,10,12,8,10,10,7\n"
    path = write(tmp_path, "SPY.csv", text)
    plain = load(data=path)
    assert closes(plain) == [10, 10]
    assert any("adjusted close" in note for note in plain.provenance.notes)
    scaled = load(data=path, adjust=True)
    assert (closes(scaled), scaled.open[:, 0].tolist(), scaled.high[:, 0].tolist()) == ([5, 10], [5, 10], [6, 12])
    assert scaled.provenance.adjusted == "split+dividend"
    with pytest.raises(DataError, match="adjust=True"):
        load(data=write(tmp_path, "B.csv", HEAD + ROWS), adjust=True)


def test_date_and_time_in_two_columns(tmp_path: Path) -> None:
    text = "Date,Time,Open,High,Low,Close\n2024-01-02,09:30:00,1,1,1,1\n2024-01-02,09:31:00,2,2,2,2\n"
    bars = load(data=write(tmp_path, "SPY.csv", text))
    assert [str(t)[:16] for t in bars.ts.view("datetime64[ns]")] == ["2024-01-02T14:31", "2024-01-02T14:32"]


def test_wide_closes(tmp_path: Path) -> None:
    path = write(tmp_path, "panel.csv", "date,AAPL,V,C,LOW\n2024-01-02,1,2,3,\n2024-01-03,2,3,4,5\n")
    bars = load(data=path)
    assert bars.symbols == ("AAPL", "V", "C", "LOW")  # tickers that are names of columns elsewhere
    assert bars.close.tolist()[1] == [2, 3, 4, 5]
    assert np.isnan(bars.close[0, 3])
    assert CLOSE_ONLY_NOTE in bars.provenance.notes
    assert np.array_equal(bars.open, bars.close, equal_nan=True)
    assert load("LOW,C", data=path).symbols == ("LOW", "C")
    with pytest.raises(MissingDataError, match="did you mean 'AAPL'"):
        load("APPL", data=path)


def test_long_tables(tmp_path: Path) -> None:
    text = "ticker,date,open,high,low,close\nA,2024-01-02,1,1,1,1\nB,2024-01-02,5,5,5,5\nA,2024-01-03,2,2,2,2\n"
    path = write(tmp_path, "all.csv", text)
    bars = load(data=path)
    assert bars.symbols == ("A", "B")
    assert bars.close[:, 0].tolist() == [1, 2]
    assert np.isnan(bars.close[1, 1])
    assert load("B", data=path).n_bars == 1


def test_splits_and_dividends_of_a_source(tmp_path: Path) -> None:
    """A split that the prices show is an action, one that they do not show is in them already."""
    head = "date,open,high,low,close,dividend,split\n"
    raw = head + "2024-01-02,100,100,100,100,0,1\n2024-01-03,50,50,50,50,0.5,2\n"
    adjusted = head + "2024-01-02,50,50,50,50,0,1\n2024-01-03,50,50,50,50,0.5,2\n"
    bars = load(data=write(tmp_path, "A.csv", raw))
    assert [(str(a.kind), a.value) for a in bars.actions] == [("split", 2.0), ("dividend", 0.5)]
    assert bars.ts[0] < bars.actions[0].ts <= bars.ts[1]
    bars = load(data=write(tmp_path, "B.csv", adjusted))
    assert bars.actions == ()
    assert any("splits of the source are in its prices" in note for note in bars.provenance.notes)
    assert [str(a.kind) for a in load(data=tmp_path / "B.csv", adjusted="split").actions] == ["dividend"]


# -- folders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "symbol", "interval"),
    [
        ("AAPL.csv", "AAPL", "unknown"), ("AAPL_15min.csv.gz", "AAPL", "15min"), ("BTC-USD.csv", "BTC-USD", "unknown"),
        ("btcusdt_1h.parquet", "btcusdt", "1h"), ("BRK-B.csv", "BRK-B", "unknown"), ("_GSPC.csv", "_GSPC", "unknown"),
        ("ETH_BTC-5m.csv", "ETH_BTC", "5min"), ("SPY_daily_prices.csv", "SPY", "1d"),
    ],
)  # fmt: skip
def test_what_a_file_name_tells(name: str, symbol: str, interval: str) -> None:
    from tradewright.data.intervals import interval_name

    found, ns = symbol_of_file(Path(name))
    assert (found, interval_name(ns)) == (symbol, interval)


def test_a_folder_is_read_by_symbol_and_interval(tmp_path: Path) -> None:
    for symbol in ("A", "B", "BTC_USD"):
        write(tmp_path, f"{symbol}.csv", HEAD + ROWS)
    minutes = "date,close\n2024-01-02 09:30,1\n2024-01-02 09:31,2\n"
    write(tmp_path, "C_1min.csv", minutes)
    write(tmp_path, "C_1d.csv.gz", HEAD + ROWS)
    seen: list[tuple[int, int]] = []
    bars = load("B,A,BTC/USD", data=tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert bars.symbols == ("B", "A", "BTC/USD")
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert load("C", data=tmp_path, interval="1d").n_bars == 3
    assert load("C", data=tmp_path, interval="1min").n_bars == 2
    with pytest.raises(DataError, match=r"C_1d\.csv\.gz, C_1min\.csv"):
        load("C", data=tmp_path)
    with pytest.raises(MissingDataError, match="It has A, B"):
        load("Z", data=tmp_path)
    with pytest.raises(MissingDataError, match="cannot be made"):
        load("A", data=tmp_path, interval="1h")


def test_a_file_that_tells_nothing_follows_its_folder(tmp_path: Path) -> None:
    def minutes(first: str, n: int) -> str:
        begin = np.datetime64(first, "m")
        return "date,close\n" + "".join(f"{str(begin + i).replace('T', ' ')},{i + 1}\n" for i in range(n))

    write(tmp_path, "SPY.csv", minutes("2024-01-02T09:31", 390))
    write(tmp_path, "THIN.csv", minutes("2024-01-02T10:05", 20))
    both = load("SPY,THIN", data=tmp_path)
    alone = load("THIN", data=tmp_path)
    first = both.ts[~np.isnan(both.close[:, 1])][0]
    assert str(first.view("datetime64[ns]"))[:16] == "2024-01-02T15:05"
    assert alone.ts[0] - first == 60_000_000_000


def test_one_worker_and_many_read_the_same(tmp_path: Path) -> None:
    for i in range(6):
        write(tmp_path, f"S{i}.csv", HEAD + ROWS.replace(",11,", f",{11 + i / 10},"))
    one, many = (load(data=tmp_path, workers=n) for n in (1, 4))
    assert one.data_hash() == many.data_hash()


# -- parquet ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("without_duckdb", [False, True])
def test_parquet_equals_csv(tmp_path: Path, without_duckdb: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    if without_duckdb:
        monkeypatch.setitem(sys.modules, "duckdb", None)
    else:
        pytest.importorskip("duckdb")
    path = write(tmp_path, "SPY.csv", HEAD + ROWS)
    frame = pandas.read_csv(path, parse_dates=["date"])
    frame.to_parquet(tmp_path / "SPY.parquet")
    frame["date"] = frame["date"].dt.tz_localize("America/New_York")
    frame.loc[1, "volume"] = np.nan
    frame.to_parquet(tmp_path / "AWARE.parquet")
    plain, aware = (load(data=tmp_path / f"{n}.parquet") for n in ("SPY", "AWARE"))
    expected = load(data=path)
    assert plain.provenance.source.startswith("parquet")
    assert plain.data_hash() == expected.data_hash()
    assert np.array_equal(aware.ts, expected.ts)
    assert np.isnan(aware.volume[1, 0])
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="cannot be read"):
        load(data=tmp_path / "bad.parquet")


# -- sample ----------------------------------------------------------------------------------------------------------


def test_sample_equals_what_the_library_loads() -> None:
    arch_sp500 = pytest.importorskip("arch.data.sp500")
    theirs = arch_sp500.load()
    ours = load("SPX")
    assert session_dates(ours).astype(str).tolist() == [str(d.date()) for d in theirs.index]
    for name in ("Open", "High", "Low", "Close", "Volume"):
        assert np.array_equal(getattr(ours, name.lower())[:, 0], theirs[name].to_numpy())
    assert np.array_equal(theirs["Adj Close"], theirs["Close"])  # why the adjusted column can be left out
    assert (ours.provenance.synthetic, ours.provenance.licence) == (False, "NCSA (arch)")


def test_sample_stocks_equal_what_the_library_loads() -> None:
    datasets = pytest.importorskip("skfolio.datasets")
    theirs = datasets.load_sp500_dataset()
    ours = load(list(theirs.columns))
    assert ours.n_assets == 20
    assert np.array_equal(ours.close, theirs.to_numpy())
    assert ours.provenance.adjusted == "split+dividend"
    assert CLOSE_ONLY_NOTE in ours.provenance.notes


def test_every_sample_series_loads_and_mostly_shares_a_calendar() -> None:
    provider = make("sample")
    bars = provider.load(provider.symbols())  # type: ignore[attr-defined]
    assert bars.n_assets == 30
    assert bars.n_bars < 9_500


def test_sample_names_have_aliases_and_nearest() -> None:
    assert closes(load("^GSPC", start="2018-12-31")) == closes(load("SPX", start="2018-12-31"))
    with pytest.raises(MissingDataError, match="did you mean 'AAPL'"):
        load("APPL")


def test_sample_imports_neither_library() -> None:
    code = (
        "import sys\nfrom tradewright.data.service import load\nload('SPX'); load('AAPL')\n"
        "print(sorted({'arch', 'skfolio', 'pandas', 'duckdb', 'exchange_calendars', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- synthetic -------------------------------------------------------------------------------------------------------


def test_made_up_prices_are_repeatable_and_say_so() -> None:
    one, two = (load("A1,B1", provider="synthetic", seed=3, n_bars=100) for _ in range(2))
    assert one.data_hash() == two.data_hash()
    assert one.provenance.synthetic
    assert load("A1,B1", provider="synthetic", seed=4, n_bars=100).data_hash() != one.data_hash()
    alone = load("B1", provider="synthetic", seed=3, n_bars=100)
    assert np.array_equal(alone.close[:, 0], one.close[:, 1])


@pytest.mark.parametrize("regime", list(REGIMES))
@pytest.mark.parametrize(("symbol", "interval"), [("SPY", "1d"), ("SPY", "5min"), ("BTC-USD", "1h"), ("EURUSD", "1h")])
def test_made_up_bars_are_sound(regime: str, symbol: str, interval: str) -> None:
    bars, report = load_with_report(symbol, provider="synthetic", regime=regime, interval=interval, n_bars=3_000)
    assert report.ok
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert np.array_equal(bars.close, np.round(bars.close, 4))


def test_made_up_volatility_and_correlation_are_those_asked_for() -> None:
    bars = load("A1,B1", provider="synthetic", n_bars=50_000, volatility=0.3, correlation=0.5, interval="1h", price=1e4)
    returns = np.diff(np.log(bars.close), axis=0)
    assert returns[:, 0].std() * np.sqrt(7 * 252) == pytest.approx(0.3, rel=0.02)
    assert np.corrcoef(returns.T)[0, 1] == pytest.approx(0.5, abs=0.02)


def test_the_range_of_made_up_bars_is_that_of_a_continuous_path() -> None:
    """Parkinson (1980): E[ln(H/L)^2] = 4 ln 2 x variance, for the part of the variance inside the bar."""
    bars = load("BTC-USD", provider="synthetic", n_bars=60_000, volatility=0.6, drift=0.0, interval="1h", price=1e6)
    o, h, low, c = (np.log(a[:, 0]) for a in (bars.open, bars.high, bars.low, bars.close))
    inside = np.mean((c - o) ** 2)
    assert np.mean((h - low) ** 2) / (4 * np.log(2) * inside) == pytest.approx(1.0, abs=0.12)


def test_made_up_prices_never_enter_by_themselves() -> None:
    with pytest.raises(MissingDataError):
        load("NOSUCH")
    with pytest.raises(InputError, match="must lie from"):
        load("A1", provider="synthetic", n_bars=0)


# -- memory ----------------------------------------------------------------------------------------------------------


def test_memory_gives_back_what_it_was_given() -> None:
    bars = load("A1,B1", provider="synthetic", n_bars=50)
    again = MemoryProvider(bars).load(["A1", "B1"])
    assert again.data_hash() == bars.data_hash()
    with pytest.raises(MissingDataError, match=r"No 'A9' .* It has A1, B1"):
        MemoryProvider(bars).load(["A9"])


# -- real files ------------------------------------------------------------------------------------------------------


@pytest.mark.shared_data
@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "QQQ"])
def test_real_csv_equals_pandas(shared_data: Path, symbol: str) -> None:
    folder = shared_data / "restricted" / "us_daily_1990_2025"
    theirs = pandas.read_csv(folder / f"{symbol}.csv.gz", float_precision="round_trip")
    ours = load(symbol, data=folder)
    assert session_dates(ours).astype(str).tolist() == theirs["date"].tolist()
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(ours, name)[:, 0], theirs[name].to_numpy())


@pytest.mark.shared_data
def test_a_real_folder_of_59_files(shared_data: Path) -> None:
    folder = shared_data / "restricted" / "us_daily_1990_2025"
    bars = load(data=folder)
    assert bars.n_assets == 59
    theirs = sum(len(pandas.read_csv(path, usecols=["close"])) for path in folder.glob("*.csv.gz"))
    assert int((~np.isnan(bars.close)).sum()) == theirs == 489_545


@pytest.mark.shared_data
def test_labels_at_the_start_and_at_the_end_are_told_apart(shared_data: Path) -> None:
    start = load("AAPL", data=shared_data / "nolicence" / "us_15min_2025_2026")
    end = load("AAPL", data=shared_data / "open" / "intraday_2019", interval="15min")
    from tradewright.data.zones import to_local

    for bars in (start, end):
        minute = to_local(bars.ts, "America/New_York") % 86_400_000_000_000 // 60_000_000_000
        assert (int(minute.min()), int(minute.max())) == (9 * 60 + 45, 16 * 60)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("path", "symbol", "rows", "first"),
    [
        ("nolicence/crypto/btcusdt_1h_2020_2022.csv.gz", "btcusdt", 16_319, "2020-08-02T03:00"),
        ("restricted/futures/6EH4_1min_jan2024.csv.gz", "6EH4", 29_996, "2024-01-01T23:02"),
        ("restricted/backtrader/2006-min-005.csv.gz", "DJ", 2_142, None),
        ("restricted/backtesting_py/btcusd_monthly_2012_2024.csv.gz", "BTCUSD", 156, "2012-02-01T00:00"),
        ("restricted/crypto/btc_perp_1min_jan2022.csv.gz", "BTC-USD", 45_031, "2021-12-31T23:02"),
    ],
)
def test_real_files_of_many_makers(shared_data: Path, path: str, symbol: str, rows: int, first: str | None) -> None:
    bars = load(symbol, data=shared_data / path)
    assert bars.n_bars == rows
    if first is not None:
        assert str(bars.ts[0].view("datetime64[ns]"))[:16] == first


@pytest.mark.shared_data
def test_every_file_with_prices_loads(shared_data: Path) -> None:
    """One of each folder, so that a new layout is noticed."""
    folders = sorted({p.parent for p in shared_data.rglob("*.csv.gz") if "lob" not in p.parts})
    failed: list[str] = []
    for folder in folders:
        path = sorted(folder.glob("*.csv.gz"))[0]
        try:
            load(data=path)
        except DataError as error:
            failed.append(f"{path.name}: {error}")
    assert [text.split(":")[0] for text in failed] == ["all_zero_quotes.csv.gz"]


@pytest.mark.shared_data
def test_contradictions_in_a_real_record_are_found_exactly(shared_data: Path) -> None:
    """The exchange's own VIX history has opens and closes outside low to high."""
    path = shared_data / "open" / "macro" / "vix_daily_1990_2026.csv.gz"
    frame = pandas.read_csv(path)
    body = frame[["open", "close"]]
    wrong = (body.max(axis=1) > frame["high"]) | (body.min(axis=1) < frame["low"])
    bars, report = load_with_report("_VIX", data=path)
    assert {f.row for f in report.errors} == set(frame.index[wrong])
    assert report.count("relation") == int(wrong.sum()) == 47
    assert session_dates(bars).astype(str).tolist() == frame["date"][~wrong].tolist()
