"""Files as spreadsheets and web sites of different countries write them hold the same numbers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tradewright.data import load
from tradewright.data.raw import to_floats
from tradewright.domain.errors import DataError

CLOSES = [1102.125, 1110.5, 1098.75, 1101.0]
DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]


def _written(form: str) -> str:
    header = {"semicolon": "Date;Close;Volume", "tab": "Date\tClose\tVolume"}.get(form, "Date,Close,Volume")
    rows = []
    for day, close in zip(DAYS, CLOSES, strict=True):
        european = f"{close:,.3f}".translate(str.maketrans(",.", ".,"))
        rows.append(
            {
                "semicolon": f"{day};{european};1.250.000",
                "quoted thousands": f'{day},"{close:,.3f}","1,250,000"',
                "dollars": f'{day},"${close:,.3f}","1,250,000"',
                "tab": f"{day}\t{close}\t1 250 000",
                "plain": f"{day},{close},1250000",
            }[form]
        )
    return "\n".join([header, *rows]) + "\n"


FORMS = ["semicolon", "quoted thousands", "dollars", "tab", "plain"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("form", FORMS)
def test_prices_do_not_depend_on_the_writers_country(form: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "X.csv").write_text(_written(form), encoding=encoding)
    bars = load(data=tmp_path / "X.csv")
    assert bars.close[:, 0].tolist() == CLOSES
    assert bars.volume[:, 0].tolist() == [1_250_000.0] * 4


@pytest.mark.parametrize(
    ("cells", "values", "text"),
    [
        (["102,5", "99,25", "100"], [102.5, 99.25, 100.0], []),
        (["102,125", "1,99"], [102.125, 1.99], []),
        (["1,250", "1,250,000"], [1250.0, 1_250_000.0], []),
        (["1,250.75", "-3"], [1250.75, -3.0], []),
        (["1.250,75", "\u20ac 3,5"], [1250.75, 3.5], []),
        (["12,34,5", "1"], [None, 1.0], [0]),
    ],
)
def test_what_a_comma_means_is_one_answer_for_the_column(
    cells: list[str], values: list[float | None], text: list[int]
) -> None:
    found, text_rows = to_floats(cells)
    assert [None if math.isnan(value) else value for value in found.tolist()] == values
    assert text_rows.tolist() == text


def test_an_old_windows_header_is_read(tmp_path: Path) -> None:
    (tmp_path / "X.csv").write_bytes("Date;Open;Schluß\n2024-01-02;1,25;1,5\n2024-01-03;2;2,5\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"'Schluß'.*data\.columns\.close"):
        load(data=tmp_path / "X.csv")
    assert load(data=tmp_path / "X.csv", columns={"close": "Schluß"}).close[:, 0].tolist() == [1.5, 2.5]


def test_a_broken_file_in_a_folder_is_named_with_the_way_around_it(tmp_path: Path) -> None:
    for name in ("AAA", "BBB"):
        (tmp_path / f"{name}.csv").write_text(_written("plain"))
    (tmp_path / "BAD.csv").write_text("not,a table\n1,2\n")
    with pytest.raises(DataError, match=r"leave BAD\.csv out, name the symbols"):
        load(data=tmp_path)
    assert load("AAA,BBB", data=tmp_path).symbols == ("AAA", "BBB")


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "X.csv").write_text("\n")
    with pytest.raises(DataError, match="is empty"):
        load(data=tmp_path / "X.csv")


@pytest.mark.parametrize(
    ("name", "symbol", "kind"),
    [
        ("btcusdt_1h_2020_2022.csv", "btcusdt", "crypto"),
        ("BTC-PERP_1min_jan2022.csv", "BTC-PERP", "crypto"),
        ("SPY_daily_20100101_20201231.csv", "SPY", "etf"),
        ("EURUSD_1h_2017.csv", "EURUSD", "fx"),
        ("FUND_2030.csv", "FUND_2030", "equity"),
    ],
)
def test_the_period_in_a_file_name_is_no_part_of_the_symbol(name: str, symbol: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("date,close\n2024-01-02,1.5\n2024-01-03,2.5\n")
    bars = load(data=tmp_path / name)
    assert (bars.symbols, str(bars.instruments[0].asset_class)) == ((symbol,), kind)
