"""Rejected rows with their reasons and original values, as a file that a person can look at and a script can mend.

Entry points: `rejected_rows`, `write_quarantine`.

Invariants: one entry for each row that did not become a bar, under the one reason it was rejected for; values are those
of the source. Rows that could not be laid out in columns have no values and are counted as such.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..domain.bars import Bars, utc
from ..domain.errors import ConfigError
from .judging import Judged, series_of_column, series_of_raw
from .raw import RawSeries
from .rules import Series
from .stamps import NAT

__all__ = ["COLUMNS", "rejected_rows", "write_quarantine"]

COLUMNS: Final = ("symbol", "row", "time", "open", "high", "low", "close", "volume", "rule", "reason", "source")
"""Of a quarantine file; `row` counts the rows of the source from 0, without the header."""


def rejected_rows(data: Bars | RawSeries | Sequence[RawSeries], judged: Sequence[Judged]) -> Iterator[dict[str, Any]]:
    """Rejected rows as plain values, in the order of the source.

    Parameters
    ----------
    data : Bars, RawSeries or sequence of RawSeries
        What was judged.
    judged : sequence of Judged
        One per instrument.

    Yields
    ------
    dict
        With the keys `COLUMNS`; a value that is not there is None, an infinite one is text.
    """
    for (symbol, series, source, ragged), verdict in zip(_series(data), judged, strict=True):
        reasons: dict[int, tuple[str, str]] = {}
        for gone in verdict.gone:
            for row, value in zip(gone.rows.tolist(), gone.values.tolist(), strict=True):
                reasons.setdefault(row, (gone.rule, gone.detail.format(value=value)))
        for row in sorted(reasons):
            rule, reason = reasons[row]
            ts = int(series.ts[row])
            prices = {name: _plain(float(getattr(series, name)[row])) for name in COLUMNS[3:8]}
            yield {
                "symbol": symbol, "row": row, "time": None if ts == NAT else utc(ts).isoformat(), **prices,
                "rule": rule, "reason": reason, "source": source,
            }  # fmt: skip
        for _ in range(ragged):
            yield dict.fromkeys(COLUMNS) | {
                "symbol": symbol, "rule": "cells", "reason": "the row has the wrong number of cells", "source": source,
            }  # fmt: skip


def write_quarantine(path: str | Path, data: Bars | RawSeries | Sequence[RawSeries], judged: Sequence[Judged]) -> int:
    """Write rejected rows to a CSV or JSON file, at once or not at all.

    Parameters
    ----------
    path : str or Path
        Ends in ``.csv`` or ``.json``.
    data, judged
        As in `rejected_rows`.

    Returns
    -------
    int
        Rows written; without any the file holds its header only.

    Raises
    ------
    ConfigError
        If the name ends otherwise, or the file cannot be written.
    """
    place = Path(path).expanduser()
    kind = place.suffix.lower()
    if kind not in {".csv", ".json"}:
        raise ConfigError(f"A quarantine file ends in .csv or .json, not {place.suffix or 'in nothing'!r}: {place}.")
    rows = list(rejected_rows(data, judged))
    if kind == ".json":
        text = json.dumps({"schema": "tradewright.quarantine/1", "columns": COLUMNS, "rows": rows}, indent=1) + "\n"
    else:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        text = buffer.getvalue()
    part = place.with_name(place.name + ".part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(place)
    except OSError as error:
        raise ConfigError(f"The quarantine file {place} cannot be written: {error.strerror or error}.") from None
    return len(rows)


def _plain(value: float) -> float | str | None:
    if np.isfinite(value):
        return value
    return None if np.isnan(value) else str(value)


def _series(data: Bars | RawSeries | Sequence[RawSeries]) -> Iterator[tuple[str, Series, str, int]]:
    if isinstance(data, Bars):
        for j in range(data.n_assets):
            yield (*series_of_column(data, j), data.provenance.source, 0)
        return
    for raw in [data] if isinstance(data, RawSeries) else data:
        yield raw.instrument.id, series_of_raw(raw), raw.provenance.source, raw.ragged
