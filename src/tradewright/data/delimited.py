"""Delimited text into columns, quickly when it is clean and honestly when it is not.

Entry points: `read_delimited`.

What is accepted: comma, semicolon, tab or bar as delimiter; quotes; gzip; UTF-8, UTF-16 with a byte-order mark, and
Windows-1252; with semicolons, decimal commas; lines before the header (a
vendor's address, a title); the three header lines that yfinance writes; blank lines; rows with the wrong number of
cells, which are left out and counted.

Invariants: cells stay text until their column is known to be numbers, so nothing is lost or guessed on the way; a clean
file is split by one call and never touched line by line; a large one is taken in pieces.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from ..domain.errors import DataError, DataProviderError
from .columns import roles_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["read_delimited"]

Cells: TypeAlias = "list[str] | npt.NDArray[np.float64]"

_DELIMITERS: Final = (",", ";", "\t", "|")
_HEADER_SEARCH: Final = 12  # lines looked at before giving up on a header
_CHUNK: Final = 4_000_000  # characters
_GZIP_MAGIC: Final = b"\x1f\x8b"
_DECIMAL_COMMA: Final = re.compile(r"(?<![^;\"\n])([+-]?[\d.]+),(\d+)(?![^;\"\n])")  # a whole cell
_THOUSANDS: Final = re.compile(r"\d,\d{3}(,\d{3}|\.\d)")  # 1,250,000 or 1,250.75: commas that are no decimals
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def read_delimited(
    path: Path, *, columns: dict[str, str] | None = None, fast: bool | None = None
) -> tuple[dict[str, Cells], int]:
    r"""Columns of a delimited text file.

    Parameters
    ----------
    path : Path
        File; gzip is recognised by its first bytes, whatever the name.
    columns : dict of str to str, optional
        Explicit mapping, used to recognise an unusual header.
    fast : bool or None
        Whether a clean file is read with PyArrow, where that is installed: always, never, or (None) when the file is
        large or PyArrow has been loaded already. The numbers are the same either way.

    Returns
    -------
    table : dict of str to list of str
        Cells by column name. Of a large file, columns that hold only numbers are float arrays already, and of one that
        PyArrow has read also times in ISO form are ``datetime64``.
    ragged : int
        Rows left out because they had the wrong number of cells.

    Raises
    ------
    DataProviderError
        If the file cannot be read or decompressed.
    DataError
        If it has no header or no rows.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "spy.csv"
    ...     _ = path.write_text("date,close\n2024-01-02,1.5\n2024-01-03,2,oops\n")
    ...     read_delimited(path)
    ({'date': ['2024-01-02'], 'close': ['1.5']}, 1)
    """
    text = _text(path)
    if not text.strip():
        raise DataError(f"{path.name} is empty.")
    header, delimiter, body = _header(text, path, columns)
    if not body.strip():
        raise DataError(f"{path.name} has a header ({', '.join(header[:8])}) but no rows.")
    if delimiter == ";" and "," in body and not _THOUSANDS.search(body):
        # Semicolons separate cells where the comma is taken: by decimals, even where three digits follow it.
        body = _DECIMAL_COMMA.sub(lambda match: match[1].replace(".", "") + "." + match[2], body)
    if '"' in body:
        return _quoted(header, delimiter, body)
    body = body.rstrip("\n")
    if fast or (fast is None and (len(body) > _CHUNK or "pyarrow" in sys.modules)):
        table = _quickly(header, delimiter, body, columns)
        if table is not None:
            return table, 0
    n = len(header)
    if len(body) > _CHUNK:
        return _in_chunks(header, delimiter, body)
    if body.count(delimiter) == (body.count("\n") + 1) * (n - 1):
        cells = body.replace("\n", delimiter).split(delimiter)
        if _is_regular(cells, body, delimiter, n):
            return {name: cells[i::n] for i, name in enumerate(header)}, 0
    rows = [line.split(delimiter) for line in body.split("\n") if line.strip()]
    return _from_rows(header, rows)


def _quickly(header: list[str], delimiter: str, body: str, columns: dict[str, str] | None) -> dict[str, Cells] | None:
    """Columns of a body where every cell is what its column promises; None where one is not, or without PyArrow.

    PyArrow gives the double nearest to the decimal, as `float` does, and refuses whatever is not plain; so what it
    accepts it reads as the tolerant way does. Text that a person has to be told about takes the tolerant way.
    """
    roles = roles_of(header, {k: v for k, v in (columns or {}).items() if v in header})
    time = roles.get("time")
    first = body[: body.find("\n")].split(delimiter) if "\n" in body else body.split(delimiter)
    clocks = [name for name in header if name.casefold() in {"date", "time"} and name != time]
    numeric = [name for role, name in roles.items() if role not in {"time", "symbol"}]
    if time is None or clocks or len(numeric) < 2 or len(first) != len(header):
        return None
    if not _ISO.fullmatch(first[header.index(time)]):
        return None
    try:
        import pyarrow as arrow
        from pyarrow import csv as reader
    except ImportError:
        return None
    types = dict.fromkeys(header, arrow.string()) | dict.fromkeys(numeric, arrow.float64())
    types[time] = arrow.timestamp("ns")
    try:
        table = reader.read_csv(
            arrow.py_buffer(body.encode()),
            read_options=reader.ReadOptions(column_names=header, use_threads=False),
            parse_options=reader.ParseOptions(delimiter=delimiter, quote_char=False),
            convert_options=reader.ConvertOptions(
                column_types=types, null_values=[""], strings_can_be_null=False, timestamp_parsers=[reader.ISO8601]
            ),
        )
    except (arrow.ArrowInvalid, UnicodeEncodeError):
        return None
    stamps = table[time]
    out: dict[str, Cells] = {}
    for name in header:
        column = table[name]
        out[name] = column.to_pylist() if name not in {time, *numeric} else column.to_numpy()
    years = out[time].astype("datetime64[Y]") if stamps.null_count == 0 else None  # type: ignore[union-attr]
    if years is None or not len(years) or years.min() < _YEARS[0] or years.max() >= _YEARS[1]:
        return None  # beyond what nanoseconds hold, or without a time: a matter for the tolerant way
    return out


_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?")
_YEARS: Final = (np.datetime64("1800"), np.datetime64("2200"))


def _in_chunks(header: list[str], delimiter: str, body: str) -> tuple[dict[str, Cells], int]:
    """Columns of a large body, a few megabytes at a time, so that numbers are never all text at once."""
    n = len(header)
    roles = roles_of(header)
    # Times and symbols must be seen as they are written; so must columns that turn out to hold text.
    words = {name for role, name in roles.items() if role in {"time", "symbol"}} | {
        name for name in header if name.casefold() in {"date", "time"}
    }
    parts: dict[str, list[Any]] = {name: [] for name in header}
    ragged = start = 0
    while start < len(body):
        end = body.find("\n", start + _CHUNK)
        end = len(body) if end < 0 else end
        piece = body[start:end]
        start = end + 1
        cells = piece.replace("\n", delimiter).split(delimiter)
        if _is_regular(cells, piece, delimiter, n):
            columns: dict[str, Any] = {name: cells[i::n] for i, name in enumerate(header)}
        else:
            found, lost = _from_rows(header, [line.split(delimiter) for line in piece.split("\n") if line.strip()])
            columns = dict(found)
            ragged += lost
        for name, column in columns.items():
            parts[name].append(column if name in words else _numbers(column))
    return {name: _joined(pieces) for name, pieces in parts.items()}, ragged


def _numbers(column: list[str]) -> Cells:
    try:
        return np.fromiter(map(float, column), dtype=np.float64, count=len(column))
    except ValueError:
        return column


def _joined(parts: list[Any]) -> Cells:
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    out: list[str] = []
    for part in parts:
        out += [repr(cell) for cell in part.tolist()] if isinstance(part, np.ndarray) else part
    return out


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if raw[:2] == _GZIP_MAGIC:
            raw = gzip.decompress(raw)
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        raise DataProviderError(f"{path} cannot be read: {error}.") from None
    if b"\x00" in raw[:1024] and raw[:2] not in _UTF16_MARKS:
        raise DataError(f"{path.name} is not text; Parquet files are read by provider='parquet'.")
    if raw[:2] in _UTF16_MARKS:
        text = raw.decode("utf-16", errors="replace")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:  # what is not UTF-8 in practice comes from an old Windows
            text = raw.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _header(text: str, path: Path, columns: dict[str, str] | None) -> tuple[list[str], str, str]:
    """Names, delimiter and everything after the header."""
    start, fallback = 0, None
    for _ in range(_HEADER_SEARCH):
        end = text.find("\n", start)
        line = text[start:] if end < 0 else text[start:end]
        rest = "" if end < 0 else text[end + 1 :]
        delimiter = max(_DELIMITERS, key=line.count)
        names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
        if len(names) > 1:
            fallback = fallback or (names, delimiter, rest)
            if names[0].casefold() == "price" and rest[:6].casefold() == "ticker":
                return ["date", *names[1:]], delimiter, _after_yfinance(rest, delimiter, path)
            known = set(names)
            roles = roles_of(names, {k: v for k, v in (columns or {}).items() if v in known})
            if "time" in roles and not _is_number(names[-1]):
                return _unique(names), delimiter, rest
        if end < 0:
            break
        start = end + 1
    if fallback is None or all(_is_number(name) or not name for name in fallback[0][1:]):
        first = text[:80].partition("\n")[0]
        raise DataError(
            f"{path.name} has no header line with column names; its first line is {first!r}. Put one above it, such as "
            "date,open,high,low,close,volume."
        )
    return _unique(fallback[0]), fallback[1], fallback[2]


def _after_yfinance(rest: str, delimiter: str, path: Path) -> str:
    tickers, _, body = rest.partition("\n")
    if len({cell for cell in tickers.split(delimiter)[1:] if cell}) > 1:
        raise DataError(f"{path.name} holds several tickers side by side; save one file per ticker or a long table.")
    first, _, after = body.partition("\n")
    return after if first.casefold().startswith("date") else body


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    out: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}.{seen[name] - 1}")
    return out


def _is_regular(cells: list[str], body: str, delimiter: str, n: int) -> bool:
    """Whether each line has exactly `n` cells, not only all lines together."""
    lines = body.count("\n") + 1
    if len(cells) != lines * n:
        return False
    return set(map(str.count, body.split("\n"), repeat(delimiter))) == {n - 1}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _quoted(header: list[str], delimiter: str, body: str) -> tuple[dict[str, Cells], int]:
    rows = [row for row in csv.reader(io.StringIO(body), delimiter=delimiter) if any(cell.strip() for cell in row)]
    return _from_rows(header, rows)


def _from_rows(header: list[str], rows: list[list[str]]) -> tuple[dict[str, Cells], int]:
    n = len(header)
    # One empty cell too many is a delimiter at the end of each line, which some writers leave.
    good = [row[:n] for row in rows if len(row) == n or (len(row) == n + 1 and not row[-1].strip())]
    return {name: [row[i] for row in good] for i, name in enumerate(header)}, len(rows) - len(good)
