"""Out of a store: series made of others, and files for other programs.

Entry points: `resample_series`, `export_bars`.

Invariants: a derived series says what it was made of, and lies under a source name of its own, so that it never mixes
with what somebody delivered; a file is written whole or not at all.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...domain.bars import Bars, utc
from ...domain.errors import ConfigError, InputError, MissingDataError, closest
from ...domain.series import Appended, Store
from ..grid import FIELDS
from ..grid import resample as longer_bars
from ..intervals import interval_name, interval_ns
from .parts import duckdb_module

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["export_bars", "resample_series"]

_FORMATS = ("csv", "parquet")


def resample_series(
    store: Store,
    symbols: Sequence[str] | None,
    interval: str,
    to: str,
    *,
    source: str | None = None,
    as_source: str | None = None,
    restate: bool = False,
) -> list[Appended]:
    """Keep longer bars made of the closed shorter ones of a store.

    Parameters
    ----------
    store : Store
    symbols : sequence of str or None
        Which series; None for all of the interval.
    interval, to : str
        Length of the bars there are, and of those to make.
    source : str, optional
        Which source, where a symbol has several.
    as_source : str, optional
        Name for the new series; by default ``SOURCE-from-INTERVAL``.
    restate : bool
        As in `Store.append`; needed after the shorter bars were restated.

    Returns
    -------
    list of Appended

    Raises
    ------
    MissingDataError
        If a series is not there, or has too few bars for one longer bar.

    Examples
    --------
    >>> from tradewright.data.store import MemoryStore
    >>> from tradewright.testing import walk_bars
    >>> store = MemoryStore()
    >>> _ = store.append(walk_bars(30), source="exam", known="2024-06-01")
    >>> resample_series(store, ["WALK"], "1d", "1w")[0].key.source
    'exam-from-1d'
    """
    infos = store.list(interval=interval, source=source)
    wanted = list(dict.fromkeys(info.key.symbol for info in infos)) if symbols is None else list(symbols)
    if not wanted:
        raise MissingDataError(f"The store {store.name} has no bars of {interval}; 'data list' shows what it has.")
    out: list[Appended] = []
    for symbol in wanted:
        bars = store.read([symbol], interval, source=source)
        (info,) = [
            i for i in infos if i.key.symbol == bars.symbols[0] and f"store: {i.key.source}" == bars.provenance.source
        ]
        longer = longer_bars(bars, interval_ns(to))
        if not longer.n_bars:
            raise MissingDataError(f"{bars.n_bars} bars of {symbol} ({interval}) make no closed bar of {to}.")
        name = interval_name(info.key.interval_ns)
        # The last restatement of a longer bar is not before that of the shorter ones it is made of.
        origin = f"resampled from {name} of {info.key.source} (content {info.content_hash[:16]})"
        notes = tuple(note for note in longer.provenance.notes if not note.startswith("resampled from"))
        provenance = replace(
            longer.provenance, source=origin, notes=(*notes, f"resampled from {name} of {info.key.source}")
        )
        out += store.append(
            longer.with_provenance(provenance),
            source=as_source or f"{info.key.source}-from-{name}",
            restate=restate,
        )
    return out


def export_bars(
    bars: Bars, folder: str | Path, *, format: str = "csv", force: bool = False
) -> list[tuple[str, Path, int]]:
    """Write bars as one file per instrument.

    Parameters
    ----------
    bars : Bars
    folder : path
        Made where it is not there.
    format : {"csv", "parquet"}
        In CSV a number is written with the fewest digits that read back as the same number.
    force : bool
        Replace files that are there.

    Returns
    -------
    list of (str, Path, int)
        Symbol, file and number of bars.

    Raises
    ------
    ConfigError
        If a file is there already, or the folder cannot be written to.
    InputError
        If the format is not known.

    Examples
    --------
    >>> import tempfile
    >>> from tradewright.testing import walk_bars
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (_, path, count), = export_bars(walk_bars(5), folder)
    ...     path.name, count, path.read_text().splitlines()[0]
    ('WALK_1d.csv', 5, 'timestamp_utc,open,high,low,close,volume')
    """
    if format not in _FORMATS:
        raise InputError(f"format is {format!r}; it must be csv or parquet{closest(format, _FORMATS)}.")
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{str(folder)!r} cannot be written ({error.strerror}); choose another path.") from error
    plan: list[tuple[int, Path]] = []
    for j, symbol in enumerate(bars.symbols):
        safe = "".join(c if c.isalnum() or c in "-^=." else "-" for c in symbol).lstrip(".") or "symbol"
        plan.append((j, target / f"{safe}_{interval_name(bars.interval_ns)}.{format}"))
    paths = [path for _, path in plan]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    there = next((path for path in paths if path.exists()), None)
    if twice is not None:
        raise ConfigError(f"Two symbols would be written to {twice.name}; export them one at a time.")
    if there is not None and not force:
        raise ConfigError(f"{str(there)!r} is there already; choose another folder, or replace it (--force).")
    out: list[tuple[str, Path, int]] = []
    for j, path in plan:
        rows = np.flatnonzero(~np.isnan(bars.close[:, j]))
        columns = [getattr(bars, name)[rows, j] for name in FIELDS]
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            if format == "csv":
                _csv(temporary, bars.ts[rows], columns)
            else:
                _parquet(temporary, bars.ts[rows], columns)
            temporary.replace(path)
        except OSError as error:
            raise ConfigError(f"{str(path)!r} cannot be written ({error.strerror}); choose another path.") from error
        finally:
            temporary.unlink(missing_ok=True)
        out.append((bars.symbols[j], path, int(rows.size)))
    return out


def _csv(path: Path, ts: npt.NDArray[np.int64], columns: Sequence[npt.NDArray[np.float64]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("timestamp_utc,open,high,low,close,volume\n")
        for stamp, *numbers in zip(ts.tolist(), *(column.tolist() for column in columns), strict=True):
            cells = ("" if math.isnan(number) else repr(number) for number in numbers)
            file.write(f"{utc(stamp).isoformat()},{','.join(cells)}\n")
        file.flush()
        os.fsync(file.fileno())


def _parquet(path: Path, ts: npt.NDArray[np.int64], columns: Sequence[npt.NDArray[np.float64]]) -> None:
    table = {"ts": ts, **dict(zip(FIELDS, columns, strict=True))}
    with duckdb_module().connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("bars", table)
        place = str(path).replace("'", "''")
        names = ", ".join(f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END AS {name}" for name in FIELDS)
        connection.execute(
            f"COPY (SELECT CAST(make_timestamp_ns(ts) AS TIMESTAMPTZ) AS timestamp_utc, {names} FROM bars) "
            f"TO '{place}' (FORMAT parquet, COMPRESSION zstd)"
        )
