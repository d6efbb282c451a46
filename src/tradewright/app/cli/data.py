"""``tradewright data``: look at market data, judge it, and see where it can come from.

Entry points: `app`.

Invariants: what a command prints with ``--json`` is the same facts as without. ``check`` and ``rules`` stand in
`data_check`.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli import data_actions, data_check, data_store, data_universes
from tradewright.app.cli.options import EndOption, JsonOption, StartOption, SymbolsOption, split_symbols
from tradewright.app.cli.running import AsOfOption, SourceOption

if TYPE_CHECKING:
    from tradewright.data.sanity import SanityReport
    from tradewright.domain.bars import Bars

__all__ = ["app"]

app = typer.Typer(
    name="data",
    help="Look at market data and check it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(data_check.check)
app.command()(data_check.rules)

data_actions.register(app)
data_store.register(app)
data_universes.register(app)

SymbolsArgument = Annotated[list[str] | None, typer.Argument(help="Symbols, also as --symbols.", metavar="[SYMBOL]...")]
DataOption = Annotated[Path | None, typer.Option("--data", help="File or folder of CSV or Parquet.", metavar="PATH")]
ProviderOption = Annotated[
    str | None, typer.Option("--provider", help="Source; see 'tradewright data providers'. Default: sample.")
]
IntervalOption = Annotated[str | None, typer.Option("--interval", help="Length of a bar: 1min, 15min, 1h, 1d, ...")]
ZoneOption = Annotated[str | None, typer.Option("--tz", help="Zone of times without one, such as America/New_York.")]
StampOption = Annotated[str, typer.Option("--stamp", help="What intraday times mark: auto, start or end.")]
AdjustedOption = Annotated[
    str | None,
    typer.Option("--adjusted", help="What prices of a file are adjusted for: raw, split, split+dividend, unknown."),
]
AdjustOption = Annotated[bool, typer.Option("--adjust", help="Scale prices by adjusted close / close.")]


@app.command()
def show(
    names: SymbolsArgument = None,
    *,
    symbols: SymbolsOption = None,
    provider: ProviderOption = None,
    data: DataOption = None,
    start: StartOption = None,
    end: EndOption = None,
    interval: IntervalOption = None,
    tz: ZoneOption = None,
    stamp: StampOption = "auto",
    adjust: AdjustOption = False,
    adjusted: AdjustedOption = None,
    store: data_store.StoreOption = None,
    source: SourceOption = None,
    as_of: AsOfOption = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Bars printed from each end.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Print where bars come from, what they cover, and the first and last of them."""
    from tradewright.data.calendars import periods_per_year
    from tradewright.data.intervals import interval_name

    bars, report = _load(names, symbols, provider, data, start, end, interval, tz, stamp, adjust, adjusted,
                         store=store, source=source, as_of=as_of)  # fmt: skip
    periods, reason = periods_per_year(bars)
    facts = {
        "symbols": list(bars.symbols),
        "bars": bars.n_bars,
        "interval": interval_name(bars.interval_ns),
        "first": _session(bars, 0),
        "last": _session(bars, -1),
        "start": bars.start.isoformat(),
        "end": bars.end.isoformat(),
        "periods_per_year": periods,
        "periods_reason": reason,
        "source": bars.provenance.source,
        "synthetic": bars.provenance.synthetic,
        "licence": bars.provenance.licence,
        "adjusted": bars.provenance.adjusted,
        "notes": list(bars.provenance.notes),
        "actions": len(bars.actions),
        "hash": bars.data_hash(),
        "rejected": report.rejected,
    }
    chosen = sorted({*range(min(rows, bars.n_bars)), *range(max(0, bars.n_bars - rows), bars.n_bars)})
    if as_json:
        typer.echo(json.dumps({**facts, "rows": [_row(bars, row) for row in chosen]}, indent=2))
        return
    for key in ("source", "licence", "adjusted", "interval"):
        if facts[key]:
            typer.echo(f"{key:<10} {facts[key]}")
    typer.echo(f"{'bars':<10} {bars.n_bars:,} x {bars.n_assets}, {facts['first']} to {facts['last']}")
    typer.echo(f"{'a year':<10} {reason}")
    for note in bars.provenance.notes:
        typer.echo(f"{'note':<10} {note}")
    if chosen:
        _print_bars(bars, chosen)


@app.command("list")
def list_symbols(
    *,
    provider: ProviderOption = None,
    data: DataOption = None,
    store: data_store.StoreOption = None,
    source: SourceOption = None,
    interval: IntervalOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the symbols that a source has, or the series of a store (--store, or --provider store)."""
    if provider == "store" or (store is not None and provider is None):
        place = store or (None if data is None else str(data))
        kept = data_store.open_named(place)
        data_store.print_stored(kept, kept.list(interval=interval, source=source), as_json=as_json)
        return
    from tradewright.data.providers.base import SeriesProvider
    from tradewright.data.service import provider_for
    from tradewright.domain.errors import InputError

    made = provider_for(provider, data)
    if not isinstance(made, SeriesProvider):
        raise InputError(f"The provider {made.name} cannot list its symbols; ask it for one with --symbols.")
    found = made.symbols()
    if as_json:
        typer.echo(json.dumps({"provider": made.name, "symbols": list(found)}, indent=2))
    else:
        for symbol in found:
            typer.echo(symbol)


@app.command()
def providers(*, as_json: JsonOption = False) -> None:
    """List the sources of market data."""
    from tradewright.data.providers import describe

    found = describe()
    if as_json:
        typer.echo(json.dumps([{"name": entry.name, "about": entry.about} for entry in found], indent=2))
        return
    width = max(len(entry.name) for entry in found)
    for entry in found:
        typer.echo(f"{entry.name:<{width}}  {entry.about}")


def _load(
    names: list[str] | None,
    symbols: list[str] | None,
    provider: str | None,
    data: Path | None,
    start: str | None,
    end: str | None,
    interval: str | None,
    tz: str | None,
    stamp: str,
    adjust: bool,
    adjusted: str | None,
    **stored: str | None,
) -> tuple[Bars, SanityReport]:
    from tradewright.data.service import load_with_report

    wanted = split_symbols([*(names or []), *(symbols or [])])
    options: dict[str, Any] = {name: value for name, value in stored.items() if value is not None}
    if options and provider is None and data is None:
        provider = "store"
    if adjusted is not None:
        options["adjusted"] = adjusted
    return load_with_report(
        wanted,
        provider=provider,
        data=data,
        start=start,
        end=end,
        interval=interval,
        tz=tz,
        stamp=stamp,  # type: ignore[arg-type]  # the service refuses other words by name
        adjust=adjust,
        progress=_progress if sys.stderr.isatty() else None,
        **options,
    )


def _progress(done: int, total: int) -> None:
    if total < 3:
        return
    end = "\n" if done == total else ""
    print(f"\rread {done} of {total} files", end=end, file=sys.stderr, flush=True)


def _session(bars: Bars, row: int, *, zone: bool = True) -> str:
    """Date of the session, with the exchange's clock where the bar is shorter than a day."""
    from tradewright.data.calendars import market_hours, session_dates
    from tradewright.data.intervals import unit_of
    from tradewright.data.zones import to_local

    if unit_of(bars.interval_ns) != "intraday":
        return str(session_dates(bars)[row])
    place = market_hours(bars).zone
    local = to_local(bars.ts[row:][:1], place).view("datetime64[ns]")[0]
    return f"{str(local)[:16].replace('T', ' ')}{f' {place}' if zone else ''}"


def _row(bars: Bars, row: int) -> dict[str, Any]:
    out: dict[str, Any] = {"session": _session(bars, row), "known_at": None, "bars": {}}
    from tradewright.domain.bars import utc

    out["known_at"] = utc(int(bars.ts[row])).isoformat()
    for symbol in bars.symbols:
        bar = bars.bar(row, symbol)
        if bar is not None:
            volume = None if math.isnan(bar.volume) else bar.volume
            out["bars"][symbol] = {
                "open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "volume": volume,
            }  # fmt: skip
    return out


def _print_bars(bars: Bars, chosen: list[int]) -> None:
    from rich.console import Console
    from rich.table import Table

    from tradewright.data.intervals import unit_of

    table = Table(box=None, pad_edge=False, header_style="bold")
    one = bars.n_assets == 1
    shown = bars.symbols[:8]
    table.add_column("session (closes at)" if unit_of(bars.interval_ns) == "intraday" else "session")
    for title in ("open", "high", "low", "close", "volume") if one else shown:
        table.add_column(title, justify="right")
    last = -1
    for row in chosen:
        if last >= 0 and row > last + 1:
            table.add_row("...")
        last = row
        if one:
            bar = bars.bar(row)
            cells = ["-"] * 5 if bar is None else [_price(x) for x in (bar.open, bar.high, bar.low, bar.close)]
            if bar is not None:
                cells.append("-" if math.isnan(bar.volume) else f"{bar.volume:,.10g}")
        else:
            cells = [_price(float(bars.close[row, j])) for j in range(len(shown))]
        table.add_row(_session(bars, row, zone=False), *cells)
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    console.print(table)
    if not one:
        more = bars.n_assets - len(shown)
        console.print(f"closes{f'; {more} more symbols' if more else ''}", style="dim")


def _price(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.10g}"
