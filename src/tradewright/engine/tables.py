"""Light column tables: what a result shows as orders, fills, trades and cash flows.

Entry points: `Table`, `iso_times`.

Invariants: a table is a mapping from column names to NumPy arrays of one length, in a fixed order of columns; it
needs neither pandas nor polars, but becomes either on request.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.errors import InputError, closest

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["Table", "iso_times"]


class Table(Mapping[str, "Array"]):
    """Columns of one length.

    Parameters
    ----------
    name : str
        What the rows are, for printing.
    columns : mapping of str to array, or to a function that makes the array when it is first asked for
        In the order in which they are shown.

    Examples
    --------
    >>> trades = Table("trades", {"symbol": np.array(["SPY"], object), "pnl": np.array([12.5])})
    >>> len(trades), trades.columns
    (1, ('symbol', 'pnl'))
    >>> next(trades.rows())
    {'symbol': 'SPY', 'pnl': 12.5}
    """

    __slots__ = ("_columns", "name")

    def __init__(self, name: str, columns: Mapping[str, Array | Callable[[], Array]]) -> None:
        self.name = name
        self._columns: dict[str, Array | Callable[[], Array]] = dict(columns)

    def __getitem__(self, key: str) -> Array:
        try:
            column = self._columns[key]
        except KeyError:
            hint = closest(key, self._columns) or "."
            raise InputError(f"{self.name} has no column {key!r}{hint} It has: {', '.join(self._columns)}.") from None
        if callable(column):
            column = self._columns[key] = column()
        return column

    def __contains__(self, key: object) -> bool:
        return key in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        """Return the number of rows (not of columns)."""
        for column in self._columns.values():
            if not callable(column):
                return len(column)
        return len(next(iter(self.values()), ()))

    def __bool__(self) -> bool:
        return len(self) > 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._columns)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows as dictionaries of plain values; times as ISO 8601 text, NaN and "none" as None."""
        lists = [_plain(column) for column in self.values()]
        names = self.columns
        for values in zip(*lists, strict=True):
            yield dict(zip(names, values, strict=True))

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas frame (times are datetime64[ns, UTC])."""
        import pandas as pd

        frame = pd.DataFrame(dict(self))
        for name, column in self.items():
            if column.dtype.kind == "M":
                frame[name] = frame[name].dt.tz_localize("UTC")
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return a polars frame."""
        import polars as pl

        return pl.DataFrame(
            {name: column.tolist() if column.dtype == object else column for name, column in self.items()}
        )

    def __repr__(self) -> str:
        return self.text()

    def text(self, limit: int = 10) -> str:
        """Return the first and last rows as aligned text.

        Parameters
        ----------
        limit : int
            At most this many rows.
        """
        n = len(self)
        if n == 0:
            return f"no {self.name}"
        shown = list(range(n)) if n <= limit else [*range(limit // 2), *range(n - limit // 2, n)]
        cells = [[name, *(_cell(column[i]) for i in shown)] for name, column in self.items()]
        widths = [max(map(len, column)) for column in cells]
        lines = [
            "  ".join(column[k].rjust(width) for column, width in zip(cells, widths, strict=True))
            for k in range(len(shown) + 1)
        ]
        if n > limit:
            lines.insert(1 + limit // 2, f"... {n - 2 * (limit // 2)} more")
        return "\n".join([*lines, f"[{n} {self.name}]"])

    def _repr_html_(self) -> str:
        from html import escape

        n = len(self)
        head = "".join(f"<th>{escape(name)}</th>" for name in self._columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_cell(column[i]))}</td>" for column in self.values()) + "</tr>"
            for i in range(min(n, 20))
        )
        more = f"<p>{n} {escape(self.name)}</p>"
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def iso_times(ns: Array) -> list[str | None]:
    """ISO 8601 UTC text of nanosecond stamps; None for NaT.

    Whole seconds are written without a fraction, everything else with nanoseconds.

    Examples
    --------
    >>> iso_times(np.array([0, 1_500_000_000], dtype="int64"))
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:01.500000000Z']
    """
    stamps = np.asarray(ns).astype("datetime64[ns]")
    if stamps.size == 0:
        return []
    whole = stamps.view(np.int64) % 1_000_000_000 == 0
    missing = np.isnat(stamps)
    if bool((whole | missing).all()):
        texts = np.datetime_as_string(stamps.astype("datetime64[s]")).tolist()
        out: list[str | None] = [f"{text}Z" for text in texts]
    else:
        seconds = np.datetime_as_string(stamps.astype("datetime64[s]")).tolist()
        exact = np.datetime_as_string(stamps).tolist()
        out = [f"{s}Z" if w else f"{e}Z" for s, e, w in zip(seconds, exact, whole.tolist(), strict=True)]
    for i in np.flatnonzero(missing).tolist():
        out[i] = None
    return out


def _plain(column: Array) -> list[Any]:
    kind = column.dtype.kind
    if kind == "M":
        return iso_times(column)
    values: list[Any] = column.tolist()
    if kind == "f":
        return [value if value - value == 0.0 else None for value in values]  # inf - inf and NaN are not 0
    return values


def _cell(value: Any) -> str:
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            return "-"
        text = str(value.astype("datetime64[s]"))
        return text.removesuffix("T00:00:00").replace("T", " ")
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return "-" if math.isnan(number) else f"{number:.6g}" if abs(number) < 1e6 else f"{number:,.2f}"
    return str(value)
