"""A file, or a folder of files: which file holds which symbol, and reading many of them at once.

Entry points: `FileProvider` (base class of csv and parquet), `symbol_of_file`.

Invariants: what a folder holds is decided from file names alone, before anything is read; two files for one symbol are
an error that names both, unless the interval tells them apart.
"""

from __future__ import annotations

import contextlib
import os
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from ...domain.bars import Provenance
from ...domain.errors import DataError, InputError, MissingDataError, closest
from ..columns import Column, Reading, series_from_table, settle_sides
from ..intervals import interval_ns
from ..raw import RawSeries
from ..stamps import Stamp
from .base import Progress, SeriesProvider, only_interval, unknown_symbol

__all__ = ["FileProvider", "symbol_of_file"]

_INTERVAL_PART: Final = re.compile(
    r"^(\d+(s|sec|t|m|min|h|d|w|mo|M)|minute|hourly|daily|weekly|monthly|day|hour|intraday|eod|ohlcv?|bars?|prices?)$"
)
_DATE_PART: Final = re.compile(
    r"^((19|20)\d\d([01]\d([0-3]\d)?)?|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)((19|20)\d\d)?)$", re.IGNORECASE
)
_SPLIT: Final = re.compile(r"[_\-. ]+")
_MANY: Final = 12
"""Files from which loading a library to read them is worth its time."""


def symbol_of_file(path: Path) -> tuple[str, int]:
    """Symbol and interval that a file name tells.

    Parameters
    ----------
    path : Path
        Such as ``AAPL.csv``, ``AAPL_15min.csv.gz``, ``btc-usd-1h.parquet``.

    Returns
    -------
    symbol : str
        What is left of the name without extensions, interval words and the period after them.
    interval : int
        Nanoseconds, 0 when the name does not tell.

    Examples
    --------
    >>> symbol_of_file(Path("AAPL_15min.csv.gz")) == ("AAPL", interval_ns("15min"))
    True
    >>> symbol_of_file(Path("BTC-USD.csv")), symbol_of_file(Path("_VIX.csv"))
    (('BTC-USD', 0), ('_VIX', 0))
    >>> symbol_of_file(Path("btcusdt_1h_2020_2022.csv.gz"))[0], symbol_of_file(Path("FUND_2030.csv"))[0]
    ('btcusdt', 'FUND_2030')
    """
    stem = path.name
    for suffix in (".gz", ".csv", ".txt", ".tsv", ".parquet", ".pq"):
        stem = stem[: -len(suffix)] if stem.lower().endswith(suffix) else stem
    stem = _without_dates(stem)
    interval = 0
    while True:
        head, mark, tail = _last_part(stem)
        if not head or not mark or not _INTERVAL_PART.match(tail):
            return stem, interval
        with contextlib.suppress(InputError):  # words such as "prices" are dropped and tell no length
            interval = interval or interval_ns(tail)
        stem = head


def _without_dates(stem: str) -> str:
    """Name without the period at its end (``_1h_2020_2022``), where a second date or a bar length says that it is one.

    A year alone may belong to the symbol.
    """
    head, mark, tail = _last_part(stem)
    dates = 0
    while head and mark and _DATE_PART.match(tail):
        dates += 1
        rest = head
        head, mark, tail = _last_part(head)
    return rest if dates > 1 or (dates == 1 and head and _INTERVAL_PART.match(tail)) else stem


def _last_part(stem: str) -> tuple[str, str, str]:
    found = list(_SPLIT.finditer(stem))
    if not found:
        return "", "", stem
    return stem[: found[-1].start()], found[-1].group(), stem[found[-1].end() :]


class FileProvider(SeriesProvider):
    """Files on disk.

    Parameters
    ----------
    path : str or Path
        One file, or a folder whose files are named after their symbols.
    columns : mapping, optional
        Meaning to column name; see `columns.Reading`.
    tz : str, optional
        Zone of time labels without one.
    stamp : {"auto", "start", "end"}
        What an intraday label marks.
    day_first : bool, optional
        Settles d/m/Y against m/d/Y.
    calendar : str, optional
        Market calendar, when the symbol does not tell.
    adjust : bool
        Scale prices by adjusted close / close.
    symbol : str, optional
        Symbol of a single file when its name and columns do not tell.
    adjusted : str
        What the prices are adjusted for, as far as the user knows.
    licence : str
        For the provenance.
    workers : int, optional
        Files read at a time; by default one per core, at most four.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    fast: bool | None = None
    """Whether clean files are read with PyArrow; None decides by their number and size."""

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        columns: Mapping[str, str] | None = None,
        tz: str | None = None,
        stamp: Stamp = "auto",
        day_first: bool | None = None,
        calendar: str | None = None,
        adjust: bool = False,
        symbol: str | None = None,
        adjusted: str = "unknown",
        licence: str = "",
        workers: int | None = None,
    ) -> None:
        if path is None:
            raise InputError(f"The {self.name} provider needs a file or folder: --data PATH, or data=PATH in Python.")
        self.path = Path(path).expanduser()
        if not self.path.exists():
            near = [p.name for p in self.path.parent.iterdir()] if self.path.parent.is_dir() else []
            raise MissingDataError(f"There is no file or folder {self.path}{closest(self.path.name, near) or '.'}")
        self.reading = Reading(dict(columns or {}), tz, stamp, day_first, calendar, adjust)
        self.symbol, self.adjusted, self.licence, self.workers = symbol, adjusted, licence, workers

    @abstractmethod
    def read(self, path: Path) -> tuple[Mapping[str, Column], int]:
        """Columns of one file, and how many rows could not be laid out in columns."""

    def symbols(self) -> tuple[str, ...]:
        """Symbols of a folder by its file names, or of a file by its content."""
        if self.path.is_dir():
            return tuple(dict.fromkeys(symbol for symbol, _, _ in self._files()))
        return tuple(raw.instrument.id for raw in self._series_of(self.path, None, None))

    def series(
        self, symbols: Sequence[str] | None, interval: str | None = None, *, progress: Progress | None = None
    ) -> list[RawSeries]:
        """Raw series of the symbols; a folder is read file by file, several at a time."""
        if not self.path.is_dir():
            return [only_interval(raw, interval) for raw in self._series_of(self.path, symbols, None)]
        files = self._chosen(symbols, interval)
        self.fast = True if self.fast is None and len(files) >= _MANY else self.fast
        workers = min(len(files), self.workers or min(4, os.cpu_count() or 1))
        out: list[RawSeries] = []
        if workers <= 1:
            for done, (symbol, path) in enumerate(files):
                out += self._of_folder(symbol, path)
                if progress is not None:
                    progress(done + 1, len(files))
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(workers) as pool:
                jobs = pool.map(lambda job: self._of_folder(*job), files)
                for done, found in enumerate(jobs):
                    out += found
                    if progress is not None:
                        progress(done + 1, len(files))
        return [only_interval(raw, interval) for raw in settle_sides(out)]

    def files(self, symbols: Sequence[str] | None = None, interval: str | None = None) -> list[tuple[str | None, Path]]:
        """Every file with the symbol its name tells (None for a single file), of some symbols and a length only.

        Unlike `series`, a folder may hold several files for one symbol here.
        """
        if not self.path.is_dir():
            return [(None, self.path)]
        if symbols is not None and interval is not None:
            return [(symbol, path) for symbol, path in self._chosen(symbols, interval)]
        files = self._files()
        self.fast = True if self.fast is None and len(files) >= _MANY else self.fast
        wanted = None if symbols is None else {path for s in symbols for _, path in self._of_symbol(s, files)}
        length = interval_ns(interval) if interval else 0
        return [
            (symbol, path)
            for symbol, ns, path in files
            if (wanted is None or path in wanted) and (not length or ns in {0, length})
        ]

    def series_of_file(self, path: Path, symbol: str | None = None) -> list[RawSeries]:
        """Every series of one file; `symbol` names the one of a file whose columns do not."""
        return self._series_of(path, None, symbol)

    def _of_symbol(self, symbol: str, files: Sequence[tuple[str, int, Path]]) -> list[tuple[int, Path]]:
        """Length and path of the files of a symbol."""
        keys = {symbol.casefold(), re.sub(r"[/:]", "_", symbol).casefold(), re.sub(r"[/:]", "-", symbol).casefold(),
                re.sub(r"^\^", "_", symbol).casefold()}  # fmt: skip
        mine = [(ns, path) for name, ns, path in files if name.casefold() in keys]
        if not mine:
            # A name may say more than symbol and interval: AAPL_daily_2012_2014_dividend_split.
            mine = [(ns, path) for name, ns, path in files if _SPLIT.split(name)[0].casefold() in keys]
        if not mine:
            known = list(dict.fromkeys(name for name, _, _ in files))
            raise unknown_symbol(symbol, known, f"the folder {self.path.name}")
        return mine

    def _of_folder(self, symbol: str, path: Path) -> list[RawSeries]:
        try:
            return self._series_of(path, [symbol], symbol)
        except DataError as error:
            # Left out in silence, one broken file would change what is traded.
            raise type(error)(f"{error} To leave {path.name} out, name the symbols you want.") from None

    def _series_of(self, path: Path, symbols: Sequence[str] | None, symbol: str | None) -> list[RawSeries]:
        table, ragged = self.read(path)
        origin = Provenance(source=f"{self.name}: {path.name}", licence=self.licence, adjusted=self.adjusted)
        named = symbol or self.symbol
        if named is None:
            named = symbols[0] if symbols is not None and len(symbols) == 1 else symbol_of_file(path)[0]
        found = series_from_table(
            table, symbol=named, symbols=symbols, reading=self.reading, provenance=origin, ragged=ragged
        )
        if symbols is not None and len(symbols) > len(found):
            have = [raw.instrument.id for raw in found]
            missing = next(s for s in symbols if s not in have)
            raise unknown_symbol(missing, have, str(path.name))
        return found

    def _files(self) -> list[tuple[str, int, Path]]:
        endings = tuple(end for suffix in self.suffixes for end in (suffix, f"{suffix}.gz"))
        found = [
            (*symbol_of_file(path), path)
            for path in sorted(self.path.iterdir())
            if path.is_file() and path.name.lower().endswith(endings) and not path.name.startswith(".")
        ]
        if not found:
            raise MissingDataError(f"The folder {self.path} holds no {' or '.join(self.suffixes)} file.")
        return found

    def _chosen(self, symbols: Sequence[str] | None, interval: str | None) -> list[tuple[str, Path]]:
        """One file per symbol, in the order asked for."""
        files = self._files()
        wanted_ns = interval_ns(interval) if interval else 0
        known = list(dict.fromkeys(symbol for symbol, _, _ in files))
        out: list[tuple[str, Path]] = []
        for symbol in known if symbols is None else symbols:
            mine = [(path, ns) for ns, path in self._of_symbol(symbol, files)]
            if len(mine) > 1 and wanted_ns:
                mine = [(path, ns) for path, ns in mine if ns == wanted_ns] or mine
            if len(mine) > 1:
                found = ", ".join(path.name for path, _ in mine)
                raise DataError(f"{symbol} has several files in {self.path}: {found}; give the interval.")
            out.append((symbol, mine[0][0]))
        return out
