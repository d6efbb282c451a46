"""What PyArrow reads of a clean file is what the tolerant reader makes of it, bit by bit; all else goes the old way."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright.data.columns import Reading, series_from_table
from tradewright.data.delimited import read_delimited
from tradewright.data.providers.csv_files import CsvProvider
from tradewright.domain.bars import Provenance
from tradewright.domain.errors import TradewrightError

pytest.importorskip("pyarrow")


def outcome(path: Path, *, fast: bool) -> Any:
    """Everything that series of a file say, or the error."""
    try:
        table, ragged = read_delimited(path, fast=fast)
        found = series_from_table(
            table, symbol="SPY", symbols=None, reading=Reading(), provenance=Provenance("x"), ragged=ragged
        )
    except TradewrightError as error:
        return type(error), str(error)
    return [
        (
            raw.instrument.id, raw.ts.tolist(), raw.interval_ns, raw.ragged, raw.text_rows.tolist(), raw.side,
            raw.provenance, raw.actions,
            *(getattr(raw, name).tobytes() for name in ("open", "high", "low", "close", "volume")),
        )
        for raw in found
    ]  # fmt: skip


CLEAN = "date,open,high,low,close,volume\n2024-01-02,1.1,2.25,0.1,1.7,100\n2024-01-03,1.2,2.5,0.3,1.9,200\n"
HABITS = {
    "clean": CLEAN,
    "clock": CLEAN.replace("2024-01-02", "2024-01-02 09:30:00").replace("2024-01-03", "2024-01-02 09:31"),
    "zone": CLEAN.replace("2024-01-02", "2024-01-02T09:30:00Z").replace("2024-01-03", "2024-01-02T09:31:00Z"),
    "empty cell": CLEAN.replace("2.25", ""),
    "empty time": CLEAN.replace("2024-01-03", ""),
    "empty volume": CLEAN.replace(",200", ","),
    "word": CLEAN.replace("2.25", "n/a"),
    "text": CLEAN.replace("2.25", "oops"),
    "nan": CLEAN.replace("2.25", "nan"),
    "infinite": CLEAN.replace("2.25", "inf"),
    "exponent": CLEAN.replace("100\n", "1e2\n"),
    "underscore": CLEAN.replace("100\n", "1_00\n"),
    "plus": CLEAN.replace("2.25", "+2.25"),
    "spaces": CLEAN.replace("2.25", " 2.25 "),
    "hexadecimal": CLEAN.replace("2.25", "0x2"),
    "bare point": CLEAN.replace("2.25", ".5").replace("1.7", "5."),
    "money": CLEAN.replace("2.25", "$2.25"),
    "ragged": CLEAN + "2024-01-04,1,2\n",
    "one too many": CLEAN.replace("100\n", "100,\n").replace("200\n", "200,\n"),
    "blank lines": CLEAN.replace("\n2024-01-03", "\n\n2024-01-03"),
    "quotes": CLEAN.replace("1.7", '"1.7"'),
    "windows": CLEAN.replace("\n", "\r\n"),
    "semicolons": CLEAN.replace(",", ";"),
    "tabs": CLEAN.replace(",", "\t"),
    "long ago": CLEAN.replace("2024-01-02", "1700-01-02"),
    "far off": CLEAN.replace("2024-01-03", "2300-01-03"),
    "no such day": CLEAN.replace("2024-01-03", "2024-02-31"),
    "two columns of time": "date,time,open,high,low,close\n2024-01-02,09:30,1,2,1,2\n2024-01-02,09:31,1,2,1,2\n",
    "unix": "time,open,high,low,close\n1704153600,1,2,1,2\n1704240000,1,2,1,2\n",
    "long": "date,symbol,open,high,low,close\n2024-01-02,A,1,2,1,2\n2024-01-02,B,1,2,1,2\n2024-01-03,A,1,2,1,2\n",
    "wide": "date,AAPL,MSFT\n2024-01-02,1,2\n2024-01-03,3,\n",
    "splits": "date,open,high,low,close,volume,split,dividend\n2024-01-02,8,9,7,8,5,0,0\n2024-01-03,4,5,3,4,5,2,0.5\n",
    "extra text": "date,open,high,low,close,currency\n2024-01-02,8,9,7,8,USD\n2024-01-03,4,5,3,4,USD\n",
    "large whole": CLEAN.replace("100\n", "123456789012345678901\n"),
    "minus nothing": CLEAN.replace("2.25", "-0.0"),
    "header again": CLEAN + "date,open,high,low,close,volume\n",
}


@pytest.mark.parametrize("habit", HABITS)
def test_a_habit_reads_the_same_either_way(habit: str, tmp_path: Path) -> None:
    path = tmp_path / "SPY.csv"
    path.write_text(HABITS[habit], encoding="utf-8")
    fast = outcome(path, fast=True)
    assert fast == outcome(path, fast=False)


def test_random_numbers_are_the_same_doubles(tmp_path: Path) -> None:
    chance = random.Random(11)
    rows = []
    for i in range(3_000):
        digits = [
            chance.choice((repr, "{:.17g}".format, "{:.3f}".format, "{:.25f}".format, "{:e}".format))(
                chance.uniform(0, 10 ** chance.randrange(-12, 13))
            )
            for _ in range(5)
        ]
        rows.append(f"{np.datetime64('2000-01-01') + i},{','.join(digits)}")
    path = tmp_path / "SPY.csv"
    path.write_text("date,open,high,low,close,volume\n" + "\n".join(rows) + "\n", encoding="utf-8")
    table, _ = read_delimited(path, fast=True)
    assert isinstance(table["close"], np.ndarray), "the fast way was not taken; the test shows nothing"
    assert outcome(path, fast=True) == outcome(path, fast=False)


def test_a_folder_of_many_files_takes_the_fast_way(tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"S{i:02}.csv").write_text(CLEAN, encoding="utf-8")
    provider = CsvProvider(tmp_path)
    assert provider.load([f"S{i:02}" for i in range(12)]).n_assets == 12
    assert provider.fast


@pytest.mark.shared_data
@pytest.mark.parametrize("folder", ["nolicence/us_15min_2025_2026", "restricted/us_daily_1990_2025"])
def test_real_folders_read_the_same_either_way(folder: str, shared_data: Path) -> None:
    loaded = []
    for fast in (True, False):
        provider = CsvProvider(shared_data / folder)
        provider.fast = fast
        loaded.append(provider.load(provider.symbols()))
    assert loaded[0].data_hash() == loaded[1].data_hash()
