"""``tradewright measure``: every measure of returns or curves in a file.

Entry point: `measure`.

Invariants: with ``--json`` stdout is one document and nothing else; rows are matched with the benchmark by date where
both files have one, and by position otherwise; what was assumed about the file is said.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from tradewright.app.cli.options import JsonOption
from tradewright.domain.errors import ConfigError, DataError, InputError, closest

if TYPE_CHECKING:
    import pandas as pd

    from tradewright.measures.summary import Measured

__all__ = ["measure"]

_DATES = ("date", "datetime", "time", "timestamp", "day", "month", "index")
_CURVES = ("equity", "value", "nav", "close", "price", "balance", "portfolio_value", "adj close", "adj_close")
_LARGE = 0.5


def measure(
    *,
    returns: Annotated[
        Path | None, typer.Option("--returns", help="File of simple returns: CSV or Parquet.", metavar="FILE")
    ] = None,
    equity: Annotated[
        Path | None, typer.Option("--equity", help="File of an equity curve or prices instead.", metavar="FILE")
    ] = None,
    benchmark: Annotated[
        Path | None, typer.Option("--benchmark", help="File of the benchmark, of the same kind.", metavar="FILE")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", help="Columns to measure; default all with numbers.", metavar="NAME")
    ] = None,
    benchmark_column: Annotated[
        str | None, typer.Option("--benchmark-column", help="Column of the benchmark's file.", metavar="NAME")
    ] = None,
    periods: Annotated[float, typer.Option("--periods", help="Bars in a year: 252, 365, 52, 12, ...")] = 252.0,
    risk_free: Annotated[float, typer.Option("--risk-free", help="Yearly rate as a fraction.")] = 0.0,
    level: Annotated[float, typer.Option("--level", help="Confidence of the tail risks.")] = 0.95,
    intervals: Annotated[
        bool, typer.Option("--intervals", help="Also confidence intervals (stationary bootstrap).")
    ] = False,
    reps: Annotated[int, typer.Option("--reps", min=100, help="Samples of the bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure returns or an equity curve from a file, against a benchmark on wish."""
    from tradewright.measures.summary import CONVENTIONS
    from tradewright.measures.summary import measure as run_measure

    if (returns is None) == (equity is None):
        raise ConfigError("Give exactly one of --returns and --equity.")
    place = returns if returns is not None else equity
    assert place is not None
    curve = equity is not None
    frame, notes = _frame(place, column, curve=curve)
    other = None
    if benchmark is not None:
        wanted = None if benchmark_column is None else [benchmark_column]
        read, more = _frame(benchmark, wanted, curve=curve)
        notes += [note for note in more if note not in notes]
        if read.shape[1] != 1:
            raise ConfigError(
                f"The benchmark has {read.shape[1]} columns ({', '.join(map(str, read.columns[:8]))}); choose one with "
                "--benchmark-column."
            )
        frame, other, note = _matched(frame, read.iloc[:, 0])
        notes.append(note)
    found: dict[str, Measured] = {}
    for name in frame.columns:
        own = frame[name].to_numpy(dtype=np.float64)
        mate = None if other is None else other.to_numpy(dtype=np.float64)
        try:
            found[str(name)] = run_measure(
                None if curve else own,
                None if curve else mate,
                equity=own if curve else None,
                benchmark_equity=mate if curve else None,
                periods_per_year=periods,
                risk_free=risk_free,
                level=level,
                intervals=intervals,
                reps=reps,
                seed=seed,
            )
        except InputError as error:
            raise DataError(f"{str(place)!r}, column {name!r}: {error}") from error
    if as_json:
        names = list(next(iter(found.values())))
        document = {
            "schema": "tradewright.measures/1",
            "file": place.name,
            "kind": "equity" if curve else "returns",
            "periods_per_year": periods,
            "risk_free": risk_free,
            "level": level,
            "columns": {
                name: {"measures": item.as_dict(), "intervals": _intervals(item)} for name, item in found.items()
            },
            "conventions": {name: CONVENTIONS[name] for name in names},
            "notes": notes,
        }
        if len(found) == 1:
            document["measures"] = next(iter(found.values())).as_dict()
        print(json.dumps(document, indent=2, allow_nan=False))
        return
    for note in notes:
        typer.echo(note, err=True)
    _print(found)


def _frame(path: Path, columns: list[str] | None, *, curve: bool) -> tuple[pd.DataFrame, list[str]]:
    """Numeric columns by date (or row), and what was assumed."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ConfigError("Reading files needs pandas: pip install tradewright[data].") from error
    if not path.is_file():
        near = closest(path.name, [item.name for item in path.parent.glob("*")]) if path.parent.is_dir() else ""
        raise DataError(f"There is no file {str(path)!r}{near or '.'}")
    parquet = path.suffix.lower() in {".parquet", ".pq"}
    try:
        frame = pd.read_parquet(path) if parquet else pd.read_csv(path, sep=_separator(path))
    except Exception as error:  # whatever the reader says about a file it cannot read
        raise DataError(f"{str(path)!r} cannot be read ({error}); give CSV or Parquet.") from error
    notes: list[str] = []
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    if not parquet and all(_is_number(name) for name in map(str, frame.columns)):
        frame = pd.read_csv(path, sep=_separator(path), header=None)
        frame.columns = pd.Index([f"column {i + 1}" for i in range(frame.shape[1])])
        notes.append("The file has no header; columns are numbered.")
    dated = _date_column(frame)
    if dated is not None:
        stamps = pd.to_datetime(frame[dated], errors="coerce", utc=True)
        if stamps.isna().any():
            row = int(stamps.isna().to_numpy().argmax())
            raise DataError(f"{str(path)!r}: {dated} is {frame[dated].iloc[row]!r} at row {row + 1}, which is no date.")
        frame = frame.drop(columns=[dated]).set_index(stamps)
        if not frame.index.is_monotonic_increasing:
            frame = frame.sort_index()
            notes.append(f"The rows of {path.name} were put into the order of their dates.")
        if frame.index.has_duplicates:
            twice = frame.index[frame.index.duplicated()][0]
            raise DataError(f"{str(path)!r} has {twice:%Y-%m-%d %H:%M} twice; give each bar once.")
    chosen = _columns(frame, path, columns, curve=curve, notes=notes)
    numbers = chosen.apply(pd.to_numeric, errors="coerce")
    bad = numbers.isna() & chosen.notna()
    if bad.to_numpy().any():
        row, place = np.argwhere(bad.to_numpy())[0].tolist()
        raise DataError(
            f"{str(path)!r}: {chosen.columns[place]} is {chosen.iat[row, place]!r} at row {row + 1}, not a number."
        )
    if not curve and len(numbers) and float(np.nanmedian(np.abs(numbers.to_numpy(dtype=np.float64)))) > _LARGE:
        raise DataError(
            f"{str(path)!r} holds values above 50 % on most bars; returns are fractions (0.01 is one percent). Give a "
            "curve with --equity."
        )
    return numbers, notes


def _columns(
    frame: pd.DataFrame, path: Path, columns: list[str] | None, *, curve: bool, notes: list[str]
) -> pd.DataFrame:
    names = [str(name) for name in frame.columns]
    frame.columns = type(frame.columns)(names)
    if columns:
        for name in columns:
            if name not in names:
                hint = closest(name, names) or "."
                raise ConfigError(f"{str(path)!r} has no column {name!r}{hint} It has: {', '.join(names)}.")
        return frame[list(columns)]
    numeric = frame.select_dtypes("number")
    kept = numeric.loc[:, numeric.notna().any()]
    if kept.shape[1] == 0:
        raise DataError(f"{str(path)!r} has no column of numbers; it has: {', '.join(names)}.")
    known = {name.lower().strip(): name for name in map(str, kept.columns)}
    if curve and kept.shape[1] > 1:
        # A file of bars or of a result has one column that is the curve.
        for name in _CURVES:
            if name in known and ({"open", "high", "low"} <= set(known) or name in {"equity", "nav"}):
                notes.append(f"Of {path.name} the column {known[name]!r} is measured; others with --column.")
                return frame[[known[name]]]
    if not curve and kept.shape[1] > 1:
        for name in ("return", "returns", "ret", "strategy_returns"):
            if name in known and len({"equity", "close", "volume", "nav"} & set(known)):
                notes.append(f"Of {path.name} the column {known[name]!r} is measured; others with --column.")
                return frame[[known[name]]]
    return frame[list(kept.columns)]


def _date_column(frame: pd.DataFrame) -> str | None:
    import pandas as pd

    for name in frame.columns:
        if str(name).lower().strip() in _DATES or pd.api.types.is_datetime64_any_dtype(frame[name]):
            return str(name)
    first = frame.columns[0]
    if frame.shape[1] > 1 and not pd.api.types.is_numeric_dtype(frame[first]):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if pd.to_datetime(frame[first], errors="coerce", utc=True).notna().mean() > 0.9:
                return str(first)
    return None


def _matched(own: pd.DataFrame, other: pd.Series) -> tuple[pd.DataFrame, pd.Series, str]:
    import pandas as pd

    dated = isinstance(own.index, pd.DatetimeIndex), isinstance(other.index, pd.DatetimeIndex)
    if all(dated):
        both = own.index.intersection(other.index)
        if not len(both):
            raise DataError("The returns and the benchmark have no date in common; give the same bars.")
        left = len(own) - len(both), len(other) - len(both)
        note = f"Matched by date: {len(both):,} bars; {left[0]:,} without a benchmark and {left[1]:,} without returns "
        return own.loc[both], other.loc[both], note + "were left out."
    if len(own) != len(other):
        raise DataError(
            f"There are {len(own):,} returns but {len(other):,} of the benchmark, and not both files have dates to "
            "match them by; give the same bars."
        )
    return own, other, "Matched by position: not both files have dates."


def _separator(path: Path) -> str:
    """What stands between the columns: the mark that the first line has most of."""
    import gzip

    with path.open("rb") as file:
        line = gzip.GzipFile(fileobj=file).readline() if path.suffix == ".gz" else file.readline()
    first = line.decode("utf-8", errors="replace")
    return max(",;\t|", key=first.count)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _intervals(item: Measured) -> dict[str, Any]:
    return {
        name: {key: value if math.isfinite(value) else None for key, value in asdict(found).items()}
        for name, found in item.intervals.items()
    }


def _print(found: dict[str, Measured]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", style="dim")
    for name, item in found.items():
        table.add_column(name, justify="right")
        if item.intervals:
            table.add_column("interval", justify="right", style="dim")
    for key in next(iter(found.values())):
        cells = []
        for item in found.values():
            cells.append(_text(key, item[key]))
            if item.intervals:
                between = item.intervals.get(key)
                known = between is not None and math.isfinite(between.low)
                cells.append(f"{_text(key, between.low)} to {_text(key, between.high)}" if known and between else "")
        table.add_row(key.replace("_", " "), *cells)
    Console(highlight=False).print(table)


_FRACTIONS = frozenset(
    {
        "total_return",
        "cagr",
        "volatility",
        "downside_deviation",
        "max_drawdown",
        "average_drawdown",
        "ulcer_index",
        "pain_index",
        "hit_rate",
        "best",
        "worst",
        "var_historical",
        "var_normal",
        "var_cornish_fisher",
        "cvar",
        "evar",
        "cdar",
        "edar",
        "probabilistic_sharpe",
        "benchmark_return",
        "excess_return",
        "alpha_arithmetic",
        "alpha_compounded",
        "tracking_error",
        "up_capture",
        "down_capture",
    }
)
_COUNTS = frozenset({"n_returns", "max_drawdown_bars", "min_track_record"})


def _text(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    if name in _FRACTIONS:
        return f"{value * 100:,.2f} %"
    return f"{math.ceil(value):,}" if name in _COUNTS else f"{value:,.3f}"
