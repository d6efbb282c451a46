"""Commands of ``tradewright data`` that work on a store: import, resample, remove, quarantine, diff, compact, export.

Entry points: `register` (adds the commands to the group), `stored_rows` and `print_stored` (for ``data list``).

Invariants: what a command prints with ``--json`` is the same facts as without; results go to stdout, progress to
stderr; a command that could do nothing of what it was asked for ends with exit code 3.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.options import EndOption, JsonOption, StartOption, SymbolsOption, split_symbols
from tradewright.app.cli.running import AsOfOption, SourceOption

if TYPE_CHECKING:
    from tradewright.data.store.imports import ImportReport
    from tradewright.data.store.parquet import ParquetStore
    from tradewright.domain.series import SeriesInfo, Store

__all__ = ["open_named", "print_stored", "register", "stored_rows"]

SymbolsArgument = Annotated[list[str] | None, typer.Argument(help="Symbols, also as --symbols.", metavar="[SYMBOL]...")]
PathArgument = Annotated[Path | None, typer.Argument(help="File or folder, also as --data.", metavar="[PATH]")]
StoreOption = Annotated[
    str | None, typer.Option("--store", help="Store; default TRADEWRIGHT_STORE or the user's folder.", metavar="PATH")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="File or folder of CSV or Parquet.", metavar="PATH")]
ProviderOption = Annotated[str | None, typer.Option("--provider", help="Source; see 'tradewright data providers'.")]
IntervalOption = Annotated[str | None, typer.Option("--interval", help="Length of a bar: 1min, 15min, 1h, 1d, ...")]
KnownOption = Annotated[
    str, typer.Option("--known", help="When the rows became known: now, event (their own stamps), or a date or time.")
]
RestateOption = Annotated[
    bool, typer.Option("--restate", help="Bars that differ from those there replace them from now on; both are kept.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of the store to the group ``data``."""
    app.command("import")(import_)
    app.command()(resample)
    app.command()(remove)
    app.command()(quarantine)
    app.command()(diff)
    app.command()(compact)
    app.command("verify-store")(verify_store)
    app.command()(export)


def open_named(place: str | None) -> Store:
    """Store of an option, of the configuration's environment, or of the user."""
    from tradewright.data.store import open_store

    return open_store(place)


def import_(
    path: PathArgument = None,
    *,
    data: DataOption = None,
    provider: ProviderOption = None,
    symbols: SymbolsOption = None,
    interval: IntervalOption = None,
    store: StoreOption = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Name of the source; default the provider's.", metavar="NAME")
    ] = None,
    licence: Annotated[str | None, typer.Option("--licence", "--license", help="Licence of the data.")] = None,
    adjusted: Annotated[
        str | None, typer.Option("--adjusted", help="Prices are: raw, split, split+dividend or unknown.")
    ] = None,
    known: KnownOption = "now",
    restate: RestateOption = False,
    tz: Annotated[str | None, typer.Option("--tz", help="Zone of times without one.")] = None,
    stamp: Annotated[str, typer.Option("--stamp", help="What intraday times mark: auto, start or end.")] = "auto",
    calendar: Annotated[str | None, typer.Option("--calendar", help="Market calendar, such as XNYS or 24/7.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read files or a provider, judge the rows, and keep what passes; exit code 3 when nothing could be kept."""
    from tradewright.data.columns import Reading
    from tradewright.data.store.imports import import_series
    from tradewright.domain.errors import ConfigError, DataError

    if path is not None and data is not None:
        raise ConfigError(f"The path is given twice, {str(path)!r} and --data {str(data)!r}; keep one.")
    place = data if path is None else path
    if place is None and provider is None:
        raise ConfigError("There is nothing to import: give a file or folder, or --provider with --symbols.")
    target = open_named(store)
    counted = {"done": 0, "all": 0}
    try:
        with _progress("importing") as advance:

            def step(done: int, total: int) -> None:
                counted.update(done=done, all=total)
                advance(done, total)

            report = import_series(
                target,
                data=place,
                provider=provider,
                symbols=split_symbols(symbols),
                interval=interval,
                source=source,
                licence=licence,
                adjusted=adjusted,
                known=None if known == "now" else known,
                restate=restate,
                dry_run=dry_run,
                reading=Reading({}, tz, stamp, None, calendar) if place is not None else None,  # type: ignore[arg-type]
                progress=step,
            )
    except KeyboardInterrupt as interrupt:
        if counted["done"]:
            interrupt.add_note(f"{counted['done']} of {counted['all']} were imported; import again for the others.")
        raise
    if as_json:
        typer.echo(json.dumps(_import_facts(report, target), indent=2))
    else:
        _print_import(report, target)
    if not report.kept:
        raise typer.Exit(DataError.exit_code)


def resample(
    names: SymbolsArgument = None,
    *,
    symbols: SymbolsOption = None,
    interval: Annotated[str, typer.Option("--interval", help="Length of the bars there are.")],
    to: Annotated[str, typer.Option("--to", help="Length of the bars to make.")],
    store: StoreOption = None,
    source: SourceOption = None,
    as_source: Annotated[
        str | None, typer.Option("--as-source", help="Name for the new series; default SOURCE-from-INTERVAL.")
    ] = None,
    restate: RestateOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make series of longer bars from closed shorter ones, and keep them beside."""
    from tradewright.data.store.derived import resample_series

    target = open_named(store)
    wanted = split_symbols([*(names or []), *(symbols or [])])
    done = resample_series(target, wanted, interval, to, source=source, as_source=as_source, restate=restate)
    facts = [
        {
            **_key(item.key), "added": item.added, "unchanged": item.unchanged, "restated": item.restated,
            "from": interval,
        }
        for item in done
    ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps({"store": target.name, "series": facts}, indent=2))
        return
    _table(facts, ("symbol", "interval", "source", "added", "unchanged", "restated"))


def remove(
    names: SymbolsArgument = None,
    *,
    symbols: SymbolsOption = None,
    interval: IntervalOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Forget series: bars, revisions and quarantine. Results made from them can no longer be verified."""
    from tradewright.domain.errors import ConfigError

    target = open_named(store)
    found = _matching(target, split_symbols([*(names or []), *(symbols or [])]), interval, source)
    if not yes:
        if not sys.stdin.isatty() or as_json:
            raise ConfigError(f"{len(found)} series would be removed from {target.name}; add --yes to do it.")
        for info in found[:10]:
            typer.echo(f"  {_named(info)}: {info.n_bars:,} bars", err=True)
        if not typer.confirm(f"Remove {len(found)} series from {target.name}?", err=True):
            return
    for info in found:
        target.remove(info.key)
    facts = [{**_key(info.key), "bars": info.n_bars} for info in found]
    if as_json:
        typer.echo(json.dumps({"store": target.name, "removed": facts}, indent=2))
    else:
        typer.echo(f"Removed {len(found)} series from {target.name}.")


def quarantine(
    names: SymbolsArgument = None,
    *,
    symbols: SymbolsOption = None,
    store: StoreOption = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Rows printed.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List rows that an import rejected, and why."""
    from tradewright.domain.bars import utc

    target = open_named(store)
    wanted = split_symbols([*(names or []), *(symbols or [])])
    if wanted:
        _matching(target, wanted, None, None)
    found = target.quarantine(wanted)
    if as_json:
        facts = [
            {
                "symbol": f.symbol, "rule": f.rule, "time": None if f.ts is None else utc(f.ts).isoformat(),
                "row": f.row, "value": f.value, "message": f.message, "action": f.action,
            }
            for f in found
        ]  # fmt: skip
        typer.echo(json.dumps({"store": target.name, "count": len(found), "rows": facts}, indent=2))
        return
    typer.echo(f"{len(found):,} rows in quarantine of {target.name}")
    for finding in found[:rows]:
        typer.echo(f"  {finding.rule:<9} {finding.message}")
    if len(found) > rows:
        typer.echo(f"  and {len(found) - rows:,} more (--rows, or --json for all)")


def diff(
    symbol: Annotated[str, typer.Argument(help="Symbol.", metavar="SYMBOL")],
    *,
    interval: IntervalOption = None,
    earlier: Annotated[
        str | None, typer.Option("--from", help="As known then; default the first revision.", metavar="DATE")
    ] = None,
    later: Annotated[str | None, typer.Option("--to", help="As known then; default now.", metavar="DATE")] = None,
    start: StartOption = None,
    end: EndOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    result: Annotated[
        Path | None,
        typer.Option("--result", help="Say whether its data would change.", metavar="RESULT.json"),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Changed bars printed.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show what restatements changed: bars with old and new values, and the headline numbers that follow."""
    from tradewright.data.store.diff import difference
    from tradewright.data.store.effects import effect_on

    target = open_named(store)
    infos = _matching(target, [symbol], interval, source)
    from tradewright.data.intervals import interval_name

    length = interval_name(infos[0].key.interval_ns) if interval is None and _one_length(infos, symbol) else interval
    found = difference(
        target, infos[0].key.symbol, str(length), source=source, earlier=earlier, later=later, start=start, end=end
    )
    effect = None if result is None else effect_on(result, target, later=found.later)
    if as_json:
        facts = {"store": target.name, **found.to_dict()}
        if effect is not None:
            facts["result"] = effect
        typer.echo(json.dumps(facts, indent=2))
        return
    _print_difference(found, rows)
    if effect is not None:
        _print_effect(effect)


def compact(
    names: SymbolsArgument = None,
    *,
    symbols: SymbolsOption = None,
    interval: IntervalOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make one part of the many that small writes left; no reading changes."""
    target = _folder(open_named(store), "compact")
    wanted = split_symbols([*(names or []), *(symbols or [])])
    if wanted:
        _matching(target, wanted, interval, source)
    done = target.compact(wanted, interval=interval, source=source)
    if as_json:
        facts = {"series": done.series, "parts_before": done.before, "parts_after": done.after, "orphans": done.orphans}
        typer.echo(json.dumps({"store": target.name, **facts}, indent=2))
        return
    typer.echo(
        f"{done.series} series compacted, {done.before} parts made {done.after}; "
        f"{done.orphans} files of no series deleted"
    )


def verify_store(*, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Compare every part with the SHA-256 it was written with; exit code 3 when one is missing or changed."""
    from tradewright.domain.errors import DataError

    target = _folder(open_named(store), "verify")
    faults = target.verify()
    bad = [fault for fault in faults if fault.key is not None]
    if as_json:
        facts = [
            {"part": f.place, "fault": f.what, "rows": f.n_rows, **({} if f.key is None else _key(f.key))}
            for f in faults
        ]
        typer.echo(json.dumps({"store": target.name, "sound": not bad, "faults": facts}, indent=2))
    else:
        typer.echo(f"{target.name}: {'sound' if not bad else f'{len(bad)} parts are not as they were written'}")
        for fault in faults:
            whose = "" if fault.key is None else f" ({fault.key.symbol}, {fault.n_rows:,} rows)"
            typer.echo(f"  {fault.place}: {fault.what}{whose}")
    if bad:
        raise typer.Exit(DataError.exit_code)


def export(
    names: SymbolsArgument = None,
    *,
    symbols: SymbolsOption = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; one file per symbol.", metavar="FOLDER")],
    format: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    provider: ProviderOption = None,
    data: DataOption = None,
    interval: IntervalOption = None,
    start: StartOption = None,
    end: EndOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    as_of: AsOfOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write bars as CSV or Parquet files; by default those of the store. Times are the closes of the bars, in UTC."""
    from tradewright.data.service import load
    from tradewright.data.store.derived import export_bars

    wanted = split_symbols([*(names or []), *(symbols or [])])
    options: dict[str, Any] = {}
    name = provider or (None if data is not None else "store")
    if name == "store":
        told = {"store": store, "source": source, "as_of": as_of}
        options = {key: value for key, value in told.items() if value is not None}
        if wanted is None and data is None:
            wanted = [info.key.symbol for info in open_named(store).list(interval=interval, source=source)]
    bars = load(wanted, provider=name, data=data, interval=interval, start=start, end=end, **options)
    written = export_bars(bars, out, format=format, force=force)
    if as_json:
        facts = [{"symbol": symbol, "path": str(path), "bars": count} for symbol, path, count in written]
        typer.echo(json.dumps({"source": bars.provenance.source, "files": facts}, indent=2))
        return
    typer.echo(f"{len(written)} files in {out}, {sum(count for _, _, count in written):,} bars")


# -- printing ----------------------------------------------------------------------------------------------------------


def stored_rows(infos: Sequence[SeriesInfo]) -> list[dict[str, Any]]:
    """Facts about stored series, for JSON."""
    from tradewright.domain.bars import utc

    return [
        {
            **_key(info.key),
            "bars": info.n_bars,
            "first": utc(info.first).isoformat(),
            "last": utc(info.last).isoformat(),
            "revisions": len(info.revisions),
            "known_first": utc(info.revisions[0]).isoformat(),
            "known_last": utc(info.revisions[-1]).isoformat(),
            "restated": info.restated,
            "rejected": info.rejected,
            "adjusted": info.adjusted,
            "licence": info.licence,
            "origin": info.origin,
            "synthetic": info.synthetic,
            "hash": info.content_hash,
        }
        for info in infos
    ]


def print_stored(store: Store, infos: Sequence[SeriesInfo], *, as_json: bool) -> None:
    """Print the series of a store."""
    facts = stored_rows(infos)
    if as_json:
        typer.echo(json.dumps({"provider": "store", "store": store.name, "series": facts}, indent=2))
        return
    if not facts:
        typer.echo(f"The store {store.name} is empty; 'tradewright data import PATH' fills it.")
        return
    for row in facts:
        row["first"], row["last"], row["known"] = row["first"][:10], row["last"][:10], row["known_last"][:16]
    columns = ("symbol", "interval", "source", "bars", "first", "last", "known", "restated", "rejected", "adjusted")
    _table(facts, columns)
    typer.echo(f"{len(facts)} series in {store.name}")


def _import_facts(report: ImportReport, store: Store) -> dict[str, Any]:
    from tradewright.domain.bars import utc

    counts = ("added", "unchanged", "restated", "quarantined", "still_open")
    return {
        "store": store.name,
        "dry_run": report.dry_run,
        "series": [
            {
                "origin": item.origin,
                **({"symbol": None, "interval": None, "source": None} if item.key is None else _key(item.key)),
                **{name: getattr(item, name) for name in counts},
                "known": None if item.known is None else utc(item.known).isoformat(),
                "error": item.error or None,
            }
            for item in report.series
        ],
        "totals": {
            "series": len(report.kept),
            "failed": len(report.failed),
            **{name: report.total(name) for name in counts},
        },
    }


def _print_import(report: ImportReport, store: Store) -> None:
    facts = _import_facts(report, store)
    shown = [row for row in facts["series"] if row["error"] is None]
    _table(shown[:60], ("symbol", "interval", "source", "added", "unchanged", "restated", "quarantined"))
    if len(shown) > 60:
        typer.echo(f"and {len(shown) - 60} more series (--json for all)")
    for item in report.failed:
        typer.echo(f"not imported: {item.origin}: {item.error}", err=True)
    totals = facts["totals"]
    said = f"{totals['added']:,} bars added, {totals['unchanged']:,} unchanged"
    for name, words in (
        ("restated", "restated"),
        ("quarantined", "rows in quarantine"),
        ("still_open", "not over yet"),
    ):
        if totals[name]:
            said += f", {totals[name]:,} {words}"
    failed = f", {totals['failed']} failed" if totals["failed"] else ""
    what = "would be in" if report.dry_run else "in"
    typer.echo(f"{totals['series']} series {what} {store.name}{failed}: {said}")


def _print_difference(found: Any, rows: int) -> None:
    from tradewright.data.intervals import interval_name
    from tradewright.domain.bars import utc

    key = found.key
    typer.echo(f"{key.symbol} {interval_name(key.interval_ns)} of {key.source}, as known at")
    typer.echo(f"  {utc(found.earlier).isoformat()}  and\n  {utc(found.later).isoformat()}")
    if not found.rows and not found.actions_added:
        typer.echo("the same: nothing was restated or added in between")
        return
    typer.echo(f"{found.restated:,} bars restated, {found.added:,} added, {len(found.actions_added)} corporate actions")
    changed = [row for row in found.rows if row.old is not None]
    for row in changed[:rows]:
        words = ", ".join(f"{name} {row.old[name]:.10g} -> {row.new[name]:.10g}" for name in row.old)
        typer.echo(f"  {utc(row.ts):%Y-%m-%d %H:%M}  {words}")
    if len(changed) > rows:
        typer.echo(f"  and {len(changed) - rows:,} more (--rows, or --json for all)")
    for action in found.actions_added[:rows]:
        typer.echo(f"  {utc(action.ts):%Y-%m-%d}  {action.kind} {action.value:.10g}")
    numbers = found.headlines()
    typer.echo("headline numbers: " + ("unchanged" if not numbers else ""))
    for name, (old, new) in numbers.items():
        typer.echo(f"  {name.replace('_', ' '):<13} {_text(old)} -> {_text(new)}")


def _print_effect(effect: dict[str, Any]) -> None:
    typer.echo(f"result {effect['path']}: {effect['verdict']}")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if isinstance(rows[0][name], int) else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(f"{row[name]:,}" if isinstance(row[name], int) else str(row[name]) for name in columns))
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)


@contextmanager
def _progress(what: str) -> Iterator[Any]:
    """Progress bar on stderr, where a person watches."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


# -- finding -----------------------------------------------------------------------------------------------------------


def _matching(store: Store, symbols: list[str] | None, interval: str | None, source: str | None) -> list[SeriesInfo]:
    """Series that the options mean; an error with the nearest names where there is none."""
    from tradewright.domain.errors import ConfigError, MissingDataError, closest

    if symbols is None:
        raise ConfigError("Name the symbols; 'tradewright data list --provider store' shows those there are.")
    every = store.list()
    out: list[SeriesInfo] = []
    for symbol in symbols:
        mine = [info for info in every if info.key.symbol.casefold() == symbol.casefold()]
        exact = [info for info in mine if info.key.symbol == symbol]
        mine = exact or mine
        if not mine:
            names = list(dict.fromkeys(info.key.symbol for info in every))
            shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
            raise MissingDataError(
                f"No {symbol!r} in the store {store.name}{closest(symbol, names) or '.'} "
                f"It has {shown or 'nothing yet'}."
            )
        from tradewright.data.intervals import interval_name, interval_ns

        fit = [
            info for info in mine
            if (interval is None or info.key.interval_ns == interval_ns(interval))
            and source in {None, info.key.source}
        ]  # fmt: skip
        if not fit:
            have = ", ".join(f"{interval_name(info.key.interval_ns)} of {info.key.source}" for info in mine)
            raise MissingDataError(f"{symbol} is there as {have} only; name one of them (--interval, --source).")
        out += fit
    return out


def _one_length(infos: Sequence[SeriesInfo], symbol: str) -> bool:
    from tradewright.data.intervals import interval_name
    from tradewright.domain.errors import ConfigError

    lengths = sorted({info.key.interval_ns for info in infos})
    if len(lengths) > 1:
        raise ConfigError(f"{symbol} has bars of {', '.join(map(interval_name, lengths))}; choose one (--interval).")
    return True


def _folder(store: Store, what: str) -> ParquetStore:
    from tradewright.data.store.parquet import ParquetStore
    from tradewright.domain.errors import ConfigError

    store = getattr(store, "store", store)  # behind a cache
    if not isinstance(store, ParquetStore):
        raise ConfigError(f"Only a store in a folder has parts to {what}; {store.name} is none.")
    return store


def _key(key: Any) -> dict[str, str]:
    from tradewright.data.intervals import interval_name

    return {"symbol": key.symbol, "interval": interval_name(key.interval_ns), "source": key.source}


def _named(info: SeriesInfo) -> str:
    return " ".join(_key(info.key).values())
