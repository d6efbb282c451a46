"""A result as JSON, and in a few lines of text.

Entry points: `SCHEMA`, `document_of`, `to_bytes`, `result_hash`, `summary`, `write_atomic`, `writing`.

Invariants: keys are sorted, floats have their shortest exact form, text is UTF-8, undefined numbers are null with a
reason; the hash covers everything but the volatile parts of the manifest. docs/result-schema.md documents every
field.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import ConfigError
from tradewright.engine.manifest import VOLATILE, plain
from tradewright.engine.tables import iso_times

if TYPE_CHECKING:
    from tradewright.engine.result import Result

__all__ = [
    "SCHEMA",
    "UNHASHED",
    "document_of",
    "result_hash",
    "sparkline",
    "summary",
    "to_bytes",
    "write_atomic",
    "writing",
]

SCHEMA: Final = "tradewright.result/1"
UNHASHED: Final = ("result_hash", "evidence", "certificate")
"""Parts of a document that are not hashed: its hash, what depends on the trials so far, and a certificate."""


def document_of(result: Result) -> dict[str, Any]:
    """Return a result as plain values, complete with its hash."""
    stats = result.stats
    bars = result.bars
    bands = result.bands
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "stats": stats.as_dict(),
        "undefined": stats.undefined(),
        "stat_conventions": {name: stats.convention(name) for name in stats},
        "conventions": result.conventions,
        "stamps": result.stamps,
        "warnings": result.warnings,
        "equity": {
            "bar": list(range(bars.n_bars)),
            "time": iso_times(bars.ts),
            "value": result.equity.tolist(),
            "exposure": [value if math.isfinite(value) else None for value in result.exposure.tolist()],
        },
        "orders": list(result.orders.rows()),
        "fills": list(result.fills.rows()),
        "trades": [_trade(row) for row in result.trades.rows()],
        "cash_flows": list(result.cash_flows.rows()),
        "positions": list(result.positions.rows()),
        "refusals": result.refusals,
        "bands": None if bands is None else bands.as_dict(),
        "manifest": result.manifest,
    }
    if result.certificate is not None:
        from tradewright.engine.promotion import certificate_block

        document["certificate"] = certificate_block(result.certificate)
    document = plain(document)
    document["result_hash"] = result_hash(document)
    return document


def result_hash(document: dict[str, Any]) -> str:
    """SHA-256 (hex) over a result document without its own hash and without what may differ between machines."""
    hashed = {key: value for key, value in document.items() if key not in UNHASHED}
    hashed["manifest"] = {key: value for key, value in document["manifest"].items() if key not in VOLATILE}
    # Where the strategy lay (a path, a module) is not what it is; its source has a hash of its own.
    strategy = {key: value for key, value in document["manifest"]["strategy"].items() if key not in {"spec", "kind"}}
    hashed["manifest"]["strategy"] = strategy
    return hashlib.sha256(to_bytes(hashed)).hexdigest()


def to_bytes(document: dict[str, Any]) -> bytes:
    r"""Canonical JSON of plain values, with a newline at its end.

    Examples
    --------
    >>> to_bytes({"b": 0.1, "a": None})
    b'{"a":null,"b":0.1}\n'
    """
    import orjson

    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a path that cannot be written into a sentence.

    Raises
    ------
    ConfigError
        For every `OSError` inside of the block.

    Examples
    --------
    >>> with writing(Path("full/report.html")):
    ...     raise PermissionError(13, "Permission denied")
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.ConfigError: 'full/report.html' cannot be written (Permission denied); choose another ...
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(f"{str(path)!r} cannot be written ({why}); choose another path.") from error


def write_atomic(path: Path, content: bytes) -> Path:
    """Write a file completely or not at all; missing folders are made.

    Raises
    ------
    ConfigError
        If the place cannot be written to.
    """
    with writing(path):
        return _write(path, content)


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)  # a temporary file is private, a result is not
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def summary(result: Result) -> str:
    """Return a result in a few lines of plain text."""
    stats = result.stats
    span = f"{stats['start']} to {stats['end']} ({stats['n_bars']:,} bars)"
    head = f"{result.strategy_name} on {_names(result.symbols)}, {span}"
    lines = [head]
    lines += [f"  ! {stamp}" for stamp in result.stamps]
    lines.append(f"  {sparkline(result.equity, 60)}")
    pairs = (
        ("total return", _percent(stats["total_return"])),
        ("CAGR", _percent(stats["cagr"])),
        ("volatility", _percent(stats["volatility"])),
        ("Sharpe", _ratio(stats["sharpe"])),
        ("Sortino", _ratio(stats["sortino"])),
        ("max drawdown", _percent(stats["max_drawdown"])),
        ("trades", f"{stats['n_trades']:,}"),
        ("win rate", _percent(stats["win_rate"])),
        ("exposure", _percent(stats["exposure"])),
        ("costs", f"{stats['total_costs']:,.2f}"),
        ("final equity", f"{stats['final_equity']:,.2f}"),
    )
    lines += [f"  {name:<13} {text:>14}" for name, text in pairs]
    return "\n".join(lines)


_BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: np.ndarray[Any, Any], width: int) -> str:
    """Draw a series as one line of block characters.

    Examples
    --------
    >>> sparkline(np.array([1.0, 2.0, 3.0]), 3)
    '▁▅█'
    """
    if values.size == 0:
        return ""
    width = min(width, values.size)
    edges = np.linspace(0, values.size, width + 1).astype(int)
    points = np.array([values[max(end - 1, 0)] for end in edges[1:]], dtype=np.float64)
    low, high = float(points.min()), float(points.max())
    if not high > low:
        return _BARS[0] * width
    levels = np.rint((points - low) / (high - low) * (len(_BARS) - 1) + 1e-9).astype(int)
    return "".join(_BARS[level] for level in levels)


def _trade(row: dict[str, Any]) -> dict[str, Any]:
    if row["exit_bar"] < 0:  # still open: priced at the mark
        row["exit_bar"] = None
    return row


def _names(symbols: tuple[str, ...]) -> str:
    return ", ".join(symbols[:4]) + (f" and {len(symbols) - 4} more" if len(symbols) > 4 else "")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:,.2f} %"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
