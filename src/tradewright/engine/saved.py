"""A result that was read back from its JSON.

Entry points: `SavedResult`, `SavedStatistics`, `read_document`.

Invariants: what was saved is shown, nothing is computed again; writing it out gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.errors import DataError, InputError, closest
from tradewright.engine.record import SCHEMA, result_hash, to_bytes, write_atomic
from tradewright.engine.tables import Table

if TYPE_CHECKING:
    from tradewright.engine.promotion import Promotion

__all__ = ["SavedResult", "SavedStatistics", "read_document"]


def read_document(path: str | Path) -> dict[str, Any]:
    """Read a result's JSON and check that it is one.

    Raises
    ------
    DataError
        If the file is missing, not JSON, not a result, of an unknown schema version, or was changed after it was
        written.
    """
    import orjson

    place = Path(path)
    try:
        content = place.read_bytes()
    except OSError as error:
        raise DataError(
            f"{str(path)!r} cannot be read: {error.strerror}. Give the JSON that --out or Result.save wrote."
        ) from error
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise DataError(
            f"{str(path)!r} is not JSON ({error}); give the file that --out or Result.save wrote."
        ) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise DataError(f"{str(path)!r} has schema {schema!r}; this version reads {SCHEMA!r}.")
    stated = document.get("result_hash")
    if stated != result_hash(document):
        raise DataError(
            f"{str(path)!r} does not match its own result_hash {str(stated)[:12]}...; it was changed after it was "
            "written."
        )
    found: dict[str, Any] = document
    return found


class SavedStatistics(Mapping[str, Any]):
    """Statistics as they were saved, with conventions and reasons."""

    __slots__ = ("_document",)

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def __getitem__(self, name: str) -> Any:
        values = self._document["stats"]
        if name not in values:
            raise InputError(
                f"There is no statistic {name!r}{closest(name, values) or '.'} Known: {', '.join(values)}."
            )
        return values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._document["stats"])

    def __len__(self) -> int:
        return len(self._document["stats"])

    def convention(self, name: str) -> str:
        """How a statistic is computed, in one sentence."""
        return str(self._document["stat_conventions"].get(name, ""))

    def reason(self, name: str) -> str:
        """Why a statistic is None; empty when it has a value."""
        return str(self._document["undefined"].get(name, ""))


class SavedResult:
    """A result without its bars.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import tradewright as tw
    >>> result = tw.backtest({"close": [10.0, 11.0, 12.0, 13.0]}, "buy_and_hold", no_costs=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = tw.Result.load(result.save(pathlib.Path(folder) / "r.json"))
    >>> again.stats["final_equity"] == result.stats["final_equity"], again.to_json() == result.to_json()
    (True, True)
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    @classmethod
    def read(cls, path: str | Path) -> SavedResult:
        """Read a file that `Result.save` wrote."""
        return cls(read_document(path))

    @property
    def stats(self) -> SavedStatistics:
        """Statistics by name."""
        return SavedStatistics(self._document)

    @property
    def equity(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Equity at the close of each bar."""
        return np.array(self._document["equity"]["value"], dtype=np.float64)

    @property
    def times(self) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Close of each bar, datetime64[ns] UTC."""
        return np.array([text.removesuffix("Z") for text in self._document["equity"]["time"]], dtype="datetime64[ns]")

    @property
    def trades(self) -> Table:
        """Trades as they were saved."""
        return self._table("trades")

    @property
    def orders(self) -> Table:
        """Orders as they were saved."""
        return self._table("orders")

    @property
    def fills(self) -> Table:
        """Fills as they were saved."""
        return self._table("fills")

    @property
    def cash_flows(self) -> Table:
        """Cash flows as they were saved."""
        return self._table("cash_flows")

    @property
    def manifest(self) -> dict[str, Any]:
        """Manifest of the run."""
        manifest: dict[str, Any] = self._document["manifest"]
        return manifest

    @property
    def evidence(self) -> dict[str, Any] | None:
        """What stood behind the result when it was saved; None when that was not saved with it."""
        found: dict[str, Any] | None = self._document.get("evidence")
        return found

    @property
    def certificate(self) -> dict[str, Any] | None:
        """What the result says about its certificate; None where it has none."""
        found: dict[str, Any] | None = self._document.get("certificate")
        return found

    @property
    def promotion(self) -> Promotion:
        """What must be shown before this is traded, and what of it is missing."""
        from tradewright.engine.promotion import requirements

        return requirements(self)

    @property
    def conventions(self) -> dict[str, str]:
        """Conventions of the run."""
        conventions: dict[str, str] = self._document["conventions"]
        return conventions

    @property
    def stamps(self) -> Sequence[str]:
        """What one must know before believing the numbers."""
        stamps: list[str] = self._document["stamps"]
        return stamps

    @property
    def bands(self) -> dict[str, Any] | None:
        """Fill bands as they were saved."""
        bands: dict[str, Any] | None = self._document["bands"]
        return bands

    @property
    def result_hash(self) -> str:
        """Hash that the file states (and that was checked when it was read)."""
        return str(self._document["result_hash"])

    def document(self) -> dict[str, Any]:
        """Return the saved values."""
        return self._document

    def to_json(self) -> str:
        """Return the same JSON text."""
        return to_bytes(self._document).decode("utf-8")

    def save(self, path: str | Path) -> Path:
        """Write the same JSON to a file."""
        return write_atomic(Path(path), to_bytes(self._document))

    def __repr__(self) -> str:
        data, strategy = self.manifest["data"], self.manifest["strategy"]
        return f"SavedResult({strategy['name']} on {', '.join(data['symbols'][:4])}, {data['start']} to {data['end']})"

    def _table(self, name: str) -> Table:
        rows = self._document[name]
        keys = list(rows[0]) if rows else []
        columns: dict[str, Any] = {}
        for key in keys:
            values = [row[key] for row in rows]
            if key.endswith("time"):
                columns[key] = np.array([v.removesuffix("Z") if v else "NaT" for v in values], dtype="datetime64[ns]")
            elif all((isinstance(v, (int, float)) and not isinstance(v, bool)) or v is None for v in values):
                whole = all(isinstance(v, int) for v in values)
                columns[key] = np.array(
                    [np.nan if v is None else v for v in values], dtype=np.int64 if whole else np.float64
                )
            else:
                columns[key] = np.array(values, dtype=object)
        return Table(name, columns)
