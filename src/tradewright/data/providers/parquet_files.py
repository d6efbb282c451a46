"""Parquet files, read by DuckDB, or by PyArrow where only that is installed.

Entry point: `ParquetProvider`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np

from ...domain.errors import ConfigError, DataProviderError
from ..columns import Column
from ..stamps import Labels, parse_labels
from .files import FileProvider

__all__ = ["ParquetProvider"]

_LOCAL: Final = threading.local()


class ParquetProvider(FileProvider):
    """A Parquet file, or a folder of them; see `FileProvider` for the options."""

    name = "parquet"
    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def read(self, path: Path) -> tuple[Mapping[str, Column], int]:
        """Columns of one file as arrays."""
        return _read(path), 0


def _read(path: Path) -> dict[str, Column]:
    try:
        import duckdb
    except ImportError:
        return _read_with_pyarrow(path)
    try:
        if not hasattr(_LOCAL, "connection"):
            # Opening a database takes ten times as long as reading a small file, so each thread keeps one.
            _LOCAL.connection = duckdb.connect()
            # An instant is fetched as a plain time in the session's zone, so that zone must be UTC.
            _LOCAL.connection.execute("SET TimeZone = 'UTC'; SET threads = 1; SET enable_progress_bar = false")
        result = _LOCAL.connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
        kinds = {column[0]: str(column[1]) for column in result.description}
        fetched: dict[str, Any] = result.fetchnumpy()
    except duckdb.Error as error:
        raise DataProviderError(f"{path} cannot be read: {str(error).splitlines()[0]}.") from None
    return {name: _plain(array, kinds.get(name, "")) for name, array in fetched.items()}


def _read_with_pyarrow(path: Path) -> dict[str, Column]:
    try:
        import pyarrow.parquet as library
    except ImportError:
        raise ConfigError("Parquet files need DuckDB: `pip install tradewright[data]`.") from None
    try:
        table = library.read_table(path)
    except (OSError, ValueError) as error:
        raise DataProviderError(f"{path} cannot be read: {error}.") from None
    return {
        name: _plain(
            table[name].to_numpy(), "TIMESTAMP WITH TIME ZONE" if getattr(table[name].type, "tz", None) else ""
        )
        for name in table.column_names
    }


def _plain(array: Any, kind: str) -> Column:
    """One column without masks; instants are marked as such so that nobody takes them for wall-clock time."""
    filled: Any = array
    if isinstance(array, np.ma.MaskedArray):
        if array.dtype.kind == "f":
            filled = array.filled(np.nan)
        elif array.dtype.kind == "M":
            filled = array.filled(np.datetime64("NaT"))
        elif array.dtype.kind in "iu":
            filled = np.ma.filled(array.astype(np.float64), np.nan)
        else:
            filled = array.filled(None)
    if isinstance(filled, np.ndarray) and filled.dtype.kind == "M" and "TIME ZONE" in kind.upper():
        return Labels(parse_labels(filled).ns, aware=True)
    return filled
