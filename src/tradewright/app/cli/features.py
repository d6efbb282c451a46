"""``tradewright features``: what there is, how each is computed, and a whole set of them on market data.

Entry points: `app`.

Invariants: what ``compute`` prints with ``--json`` and what it writes with ``--out`` are the same numbers, NaN as null,
with the parameters, warm-up, origin and hashes that made them.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.options import EndOption, JsonOption, StartOption, SymbolsOption, split_symbols
from tradewright.domain.errors import ConfigError

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars
    from tradewright.features.pipeline import Features, FeatureSet

__all__ = ["app"]

app = typer.Typer(
    name="features",
    help="List features, explain one, compute a set of them on market data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command("list")
def list_(
    *,
    family: Annotated[str | None, typer.Option("--family", help="Only one, such as returns.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="Only names and titles that contain this.")] = None,
    indicators: Annotated[bool, typer.Option("--indicators", help="The indicators as well.")] = False,
    presets: Annotated[bool, typer.Option("--presets", help="The presets, and how many features they have.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print every feature with its parameters."""
    from tradewright.features.feature import FAMILIES
    from tradewright.features.registry import feature, names, preset
    from tradewright.features.registry import presets as all_presets

    if presets:
        rows = [{"name": n, "about": text, "features": len(preset(n))} for n, text in all_presets().items()]
        if as_json:
            print(json.dumps(rows, indent=2))
            return
        for row in rows:
            print(f"{row['name']:<14} {row['features']:>4}  {row['about']}")
        return
    found = [feature(name) for name in names(family, indicators=indicators or bool(search))]
    if search:
        found = [item for item in found if search.lower() in f"{item.name} {item.title}".lower()]
        if not found:
            raise ConfigError(f"No name or title contains {search!r}; leave --search out to see all.")
    if as_json:
        print(json.dumps([item.to_dict() for item in found], indent=2))
        return
    width = max(len(item.name) for item in found)
    for group in dict.fromkeys(item.family for item in found):
        members = [item for item in found if item.family == group]
        print(f"{FAMILIES.get(group, 'Indicators')} ({group}, {len(members)})")
        for item in members:
            words = [key if default is None else f"{key}={_short(default)}" for key, default in item.takes]
            words += [p.name if p.default is None else f"{p.name}={p.default}" for p in item.params]
            print(f"  {item.name:<{width}}  {item.title}{'; ' + ', '.join(words) if words else ''}")
    more = "" if indicators or search or family else " Every indicator is a feature too (--indicators)."
    print(f"{len(found)} features; 'tradewright features show NAME' explains one.{more}")


def _short(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    inner = [f"{key}={_short(v) if isinstance(v, dict) else v}" for key, v in entry.items() if key != "feature"]
    return f"{entry['feature']}({', '.join(inner)})" if inner else str(entry["feature"])


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a feature or indicator, or of a preset.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Explain one feature: definition, parameters, warm-up, conventions, source; or list a preset."""
    from tradewright.features.registry import feature, preset, presets

    if name in presets():
        from tradewright.features.pipeline import FeatureSet

        found = FeatureSet.preset(name)
        if as_json:
            print(json.dumps({"preset": name, "hash": found.hash, "entries": preset(name),
                              "columns": list(found.columns())}, indent=2))  # fmt: skip
            return
        print(f"{name}: {presets()[name]}; hash {found.hash}")
        for column in found.columns():
            print(f"  {column['name']:<44} {column['family']:<22} {_rows(column['warm_up'])}")
        print(f"{len(found)} features")
        return
    item = feature(name)
    if as_json:
        print(json.dumps(item.to_dict(), indent=2))
        return
    print(f"{item.name}: {item.title}\n\n  {item.about.partition(chr(10))[0]}\n")
    facts = (
        ("family", item.family),
        ("scope", item.scope),
        ("reads", ", ".join(item.inputs)),
        ("computed of", ", ".join(key if d is None else f"{key} (else {_short(d)})" for key, d in item.takes)),
        ("needs", ", ".join((*item.needs, item.constraint_text)).strip(", ")),
        ("outputs", ", ".join(item.outputs) if len(item.outputs) > 1 else ""),
        ("unit", item.unit),
        ("known at", item.known_at),
        ("row by row", f"keeps {item.memory}"),
        ("undefined", item.undefined),
        ("conventions", item.notes),
        ("source", item.source),
    )
    for key, text in facts:
        if text:
            print(f"{key:<12} {text}")
    if item.params:
        print("\nparameters")
        width = max(len(p.name) for p in item.params)
        for p in item.params:
            default = "needed" if p.default is None else f"default {p.default}"
            print(f"  {p.name:<{width}}  {default}; {p.words()}{f': {p.about}' if p.about else ''}")


def _rows(warm_up: int | None) -> str:
    return "first value waits for an event" if warm_up is None else f"from row {warm_up}"


@app.command()
def compute(
    names: Annotated[list[str] | None, typer.Argument(help="Features by name, with their defaults.")] = None,
    *,
    spec: Annotated[
        str | None, typer.Option("--spec", help="YAML or JSON file, or the name of a preset.", metavar="FILE|PRESET")
    ] = None,
    symbols: SymbolsOption = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Source; see 'tradewright data providers'.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="File or folder of CSV or Parquet.", metavar="PATH")
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    interval: Annotated[str | None, typer.Option("--interval", help="Length of a bar: 1min, 1h, 1d, ...")] = None,
    tz: Annotated[str | None, typer.Option("--tz", help="Zone of times without one, such as America/New_York.")] = None,
    stamp: Annotated[str, typer.Option("--stamp", help="What intraday times mark: auto, start or end.")] = "auto",
    benchmark: Annotated[
        str | None, typer.Option("--benchmark", help="Symbol to compare with, or equal_weight (the default).")
    ] = None,
    sectors: Annotated[
        Path | None, typer.Option("--sectors", help="CSV with the columns symbol and sector.", metavar="FILE")
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=0, help="0 uses all cores.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write a Parquet file, asset by asset.", metavar="FILE")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Last rows printed (text only).")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Compute a set of features on market data."""
    wanted = _wanted(spec, names, benchmark, sectors)
    bars, notes = _bars(symbols, provider, data, start, end, interval, tz, stamp, wanted)
    if out is not None:
        with _progress(f"{len(wanted)} features", bars) as progress:
            facts = wanted.write(bars, out, threads=threads, progress=progress)
        facts = {**facts, "out": str(out), "rows": bars.n_bars * bars.n_assets, "notes": [*facts["notes"], *notes]}
        if as_json:
            print(json.dumps(facts, indent=2, default=str))
            return
        print(
            f"{out}: {len(wanted)} features of {bars.n_assets} symbols, {bars.n_bars} bars each; hash {facts['hash']}"
        )
        for note in facts["notes"]:
            print(note, file=sys.stderr)
        return
    with _progress(f"{len(wanted)} features", bars) as progress:
        found = wanted.compute(bars, threads=threads, progress=progress)
    if as_json:
        print(_json(found, bars, notes))
        return
    _print(found, bars, rows)
    for note in (*found.notes, *notes):
        print(note, file=sys.stderr)


def _wanted(spec: str | None, names: list[str] | None, benchmark: str | None, sectors: Path | None) -> FeatureSet:
    from tradewright.features.pipeline import FeatureSet

    if spec is None and not names:
        raise ConfigError("Which features? Name some, or give --spec a file or a preset such as small.")
    wanted = FeatureSet.load(spec) if spec is not None else FeatureSet(list(names or ()))
    if spec is not None and names:
        raise ConfigError(f"Give either --spec or names, not both ({spec}; {', '.join(names)}).")
    return wanted.with_setting(benchmark=benchmark, sectors=sectors)


def _bars(
    symbols: list[str] | None, provider: str | None, data: Path | None, start: str | None, end: str | None,
    interval: str | None, tz: str | None, stamp: str, wanted: FeatureSet,
) -> tuple[Bars, list[str]]:  # fmt: skip
    from tradewright.data.service import load_with_report

    chosen = split_symbols(symbols)
    line = wanted.setting.benchmark
    notes: list[str] = []
    named = isinstance(line, str) and line != "equal_weight" and "benchmark" in wanted.plan.reads
    if chosen is not None and named and line not in chosen:
        chosen = [*chosen, line]
        notes.append(f"{line} was loaded as the benchmark and stands among the assets")
    bars, report = load_with_report(
        chosen, provider=provider, data=data, start=start, end=end, interval=interval, tz=tz,
        stamp=stamp,  # type: ignore[arg-type]  # the service refuses other words by name
    )  # fmt: skip
    if report.rejected:
        notes.append(f"{report.rejected} rows were taken out of the data; 'tradewright data check' says why")
    return bars, notes


@contextmanager
def _progress(title: str, bars: Bars) -> Iterator[Callable[[int, int], None] | None]:
    """Bar on stderr where a person looks and the work is long."""
    if not sys.stderr.isatty() or bars.n_bars * bars.n_assets < 20_000:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(title, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _stamps(bars: Bars) -> list[str]:
    from tradewright.domain.bars import utc

    return [utc(int(ts)).isoformat() for ts in bars.ts.tolist()]


def _json(found: Features, bars: Bars, notes: list[str]) -> str:
    def plain(column: Any) -> list[float | None]:
        return [None if math.isnan(v) else v for v in column.tolist()]

    facts = found.facts()
    facts["notes"] = [*facts["notes"], *notes]
    out = {
        **facts,
        "known": _stamps(bars),
        "features": list(found.names),
        "values": {
            symbol: {name: plain(found.store[j, k]) for k, name in enumerate(found.names)}
            for j, symbol in enumerate(found.symbols)
        },
    }
    return json.dumps(out, indent=None if bars.n_bars > 50 else 2, allow_nan=False, default=str)


def _print(found: Features, bars: Bars, rows: int) -> None:
    from rich.console import Console
    from rich.table import Table

    print(f"{found.n_features} features of {bars.n_assets} symbols, {bars.n_bars} bars; warm-up {found.warm_up} rows; "
          f"hash {found.hash}")  # fmt: skip
    stamps = _stamps(bars)
    begin = max(0, bars.n_bars - rows)
    for j, symbol in enumerate(found.symbols[:3]):
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(symbol)
        for t in range(begin, bars.n_bars):
            table.add_column(stamps[t][:16].replace("T", " "), justify="right")
        for k, name in enumerate(found.names[:40]):
            values = found.store[j, k, begin:].tolist()
            table.add_row(name, *("-" if math.isnan(v) else f"{v:.6g}" for v in values))
        Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    left = []
    if found.n_features > 40:
        left.append(f"{found.n_features - 40} more features")
    if bars.n_assets > 3:
        left.append(f"{bars.n_assets - 3} more symbols")
    if left:
        print(f"and {' and '.join(left)}; --json prints all, --out writes them")
