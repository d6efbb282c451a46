"""Keeps market data: series of bars with two times, in memory, in Parquet files, or in a database.

Entry points: `open_store`, `default_store`, `ParquetStore`, `MemoryStore`, `PostgresStore`, `CachedStore`. The port is
`tradewright.domain.series.Store`; its exam is `tradewright.testing.check_store`.

Names are loaded when they are first asked for.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ...domain.series import Store
    from .memory import MemoryStore
    from .parquet import ParquetStore

__all__ = [
    "CACHE_VARIABLE",
    "VARIABLE",
    "MemoryStore",
    "ParquetStore",
    "default_store",
    "is_address",
    "open_store",
    "without_password",
]

VARIABLE: Final = "TRADEWRIGHT_STORE"
"""Environment variable with the folder (or address) of the store."""

CACHE_VARIABLE: Final = "TRADEWRIGHT_CACHE"
"""Environment variable with the ``redis://`` address of a read cache before the store; optional."""

_HOME = {"CachedStore": "cache", "MemoryStore": "memory", "ParquetStore": "parquet", "PostgresStore": "postgres"}


def default_store() -> str:
    """Where the store is when nobody says: ``TRADEWRIGHT_STORE``, else the user's folder for data.

    Examples
    --------
    >>> Path(default_store()).name != ""
    True
    """
    named = os.environ.get(VARIABLE)
    if named:
        return named
    from platformdirs import user_data_path

    return str(user_data_path("tradewright") / "store")


def is_address(place: str | Path) -> bool:
    """Whether a store is named by the address of a database, not by a folder.

    Examples
    --------
    >>> is_address("postgresql://market@localhost/prices"), is_address("data/store")
    (True, False)
    """
    return str(place).startswith(("postgresql://", "postgres://"))


def without_password(value: Any) -> Any:
    """Value with the passwords in its addresses left out; what is no text is returned as it is.

    Examples
    --------
    >>> without_password("postgresql://me:secret@host/db"), without_password(["store:redis://:pw@host:1/0"])
    ('postgresql://me:***@host/db', ['store:redis://:***@host:1/0'])
    >>> without_password("host=h password=secret dbname=d")
    'host=h password=*** dbname=d'
    """
    import re

    if isinstance(value, (list, tuple)):
        return type(value)(without_password(item) for item in value)
    if not isinstance(value, str):
        return value
    text = re.sub(r"(\w+://[^:/?#\s]*:)[^\s]*@", r"\1***@", value)
    return re.sub(r"(?i)(password=)('[^']*'|[^\s&]+)", r"\1***", text)


def open_store(place: str | Path | None = None) -> Store:
    """Store at a place; a folder that is not there yet is made by the first write.

    Parameters
    ----------
    place : str or Path, optional
        Folder, or ``postgresql://`` address. By default `default_store`. Where ``TRADEWRIGHT_CACHE`` names a Redis, it
        is a read cache before the store.

    Returns
    -------
    Store

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     open_store(folder).list()
    ()
    """
    where = place or default_store()
    made: Store
    if is_address(where):
        made = importlib.import_module(".postgres", __name__).PostgresStore(str(where))
    else:
        from .parquet import ParquetStore

        made = ParquetStore(where)
    if not os.environ.get(CACHE_VARIABLE):
        return made
    from .cache import CachedStore

    return CachedStore(made, os.environ[CACHE_VARIABLE])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
