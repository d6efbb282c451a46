"""``tradewright data check`` and ``data rules``: whether a source can be believed.

Entry points: `check`, `rules` (commands, registered by `data`).

Invariants: text, ``--json``, ``--report`` and ``--quarantine`` are made from one `Examination`; the exit code is 3 when
a rule found an error or a score is below ``--min-quality``, so that a script can stop there, and files that were asked
for are written all the same.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.options import EndOption, JsonOption, StartOption, SymbolsOption, split_symbols

if TYPE_CHECKING:
    from tradewright.data.examination import Examination

__all__ = ["check", "rules"]

_MISSING_SHOWN = 8


def check(
    names: Annotated[
        list[str] | None, typer.Argument(help="Symbols, also as --symbols.", metavar="[SYMBOL]...")
    ] = None,
    *,
    symbols: SymbolsOption = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Source; see 'tradewright data providers'. Default: sample.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="File or folder of CSV or Parquet.", metavar="PATH")
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    interval: Annotated[
        str | None, typer.Option("--interval", help="Length of a bar: 1min, 15min, 1h, 1d, ...")
    ] = None,
    tz: Annotated[str | None, typer.Option("--tz", help="Zone of times without one, such as America/New_York.")] = None,
    stamp: Annotated[str, typer.Option("--stamp", help="What intraday times mark: auto, start or end.")] = "auto",
    calendar: Annotated[
        str | None, typer.Option("--calendar", help="Exchange calendar instead of the symbol's own: XNYS, 24/7, ...")
    ] = None,
    rules: Annotated[
        str | None, typer.Option("--rules", help="Only these rules, with commas; see 'data rules'.", metavar="NAME,...")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", help="Another source of the same symbols.", metavar="PATH"),
    ] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Largest difference of a return between two sources.")
    ] = 0.02,
    window: Annotated[
        str | None, typer.Option("--window", help="Of quality scores: 1y, 1q, 1mo or 1w. Default: by length.")
    ] = None,
    now: Annotated[
        str | None, typer.Option("--now", help="Moment from which bars are late or of the future.", metavar="TIME")
    ] = None,
    min_quality: Annotated[
        float | None, typer.Option("--min-quality", help="Exit with 3 when a score is below this fraction.")
    ] = None,
    quarantine: Annotated[
        Path | None,
        typer.Option("--quarantine", help="Write rejected rows with reasons, .csv or .json.", metavar="FILE"),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write an HTML report with pictures.", metavar="FILE")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Findings printed.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Judge market data by every rule and the exchange's calendar; exit code 3 when a rule found an error."""
    from tradewright.data.examination import examine
    from tradewright.domain.errors import DataError, InputError

    if min_quality is not None and not 0.0 <= min_quality <= 1.0:
        raise InputError(f"--min-quality is {min_quality:g}; it must be a fraction from 0 to 1, such as 0.8.")
    found = examine(
        split_symbols([*(names or []), *(symbols or [])]),
        provider=provider,
        data=data,
        start=start,
        end=end,
        interval=interval,
        tz=tz,
        stamp=stamp,  # type: ignore[arg-type]  # the service refuses other words by name
        calendar=calendar,
        rules=None if rules is None else [name.strip() for name in rules.split(",") if name.strip()],
        window=window,
        now=now,
        against=against,
        tolerance=tolerance,
        progress=_progress if sys.stderr.isatty() else None,
    )
    written: dict[str, Any] = {}
    if quarantine is not None:
        written["quarantine"] = {"path": str(quarantine), "rows": found.quarantine(quarantine)}
    if report is not None:
        from tradewright.app.report.data_page import write_data_page

        written["report"] = str(write_data_page(found, report))
    low = [score for score in found.quality if min_quality is not None and not score.score >= min_quality]
    if as_json:
        passed = {} if min_quality is None else {"min_quality": min_quality, "below": [s.symbol for s in low]}
        typer.echo(json.dumps({**found.to_dict(), **passed, **written}, indent=2))
    else:
        _print(found, rows)
        if "quarantine" in written:
            count = written["quarantine"]["rows"]
            typer.echo(f"{count:,} rejected row{'' if count == 1 else 's'} written to {quarantine}")
        if "report" in written:
            typer.echo(f"report: {written['report']}")
    if low:
        worst = min(low, key=lambda score: score.score)
        typer.echo(
            f"Quality too low: {len(low)} of {len(found.quality)} instruments are below {min_quality:g}; the worst is "
            f"{worst.symbol} with {worst.score:.4f}.",
            err=True,
        )
    if low or not found.ok:
        raise typer.Exit(DataError.exit_code)


def rules(*, as_json: JsonOption = False) -> None:
    """List the rules that data is judged by."""
    from tradewright.data.rules import DEFAULT_RULES
    from tradewright.data.sanity import describe_rules

    found = describe_rules()
    loaded = {rule.name for rule in DEFAULT_RULES}
    if as_json:
        typer.echo(
            json.dumps(
                [{"rule": n, "stage": s, "at_load": n in loaded, "meaning": m} for n, s, m in found],
                indent=2,
            )
        )
        return
    for name, _, meaning in found:
        typer.echo(f"{name:<11}  {'every load' if name in loaded else 'data check':<10}  {meaning}")


def _progress(done: int, total: int) -> None:
    if total < 3:
        return
    end = "\n" if done == total else ""
    print(f"\rread {done} of {total} files", end=end, file=sys.stderr, flush=True)


def _print(found: Examination, rows: int) -> None:
    report, symbols = found.report, found.symbols
    verdict = "no errors" if report.ok else f"{report.count(severity='error')} errors"
    typer.echo(
        f"{', '.join(symbols[:8])}{', ...' if len(symbols) > 8 else ''}: {report.n_rows:,} rows judged, "
        f"{report.n_kept:,} kept, {verdict}, {report.count(severity='warning')} warnings"
    )
    _print_coverage(found)
    for agreement in found.agreements:
        typer.echo(
            f"against the other source, {agreement.symbol}: {agreement.n_common:,} bars in common, correlation of "
            f"returns {agreement.correlation:.5f}, {len(agreement.findings)} returns more than {agreement.tolerance:g} "
            "apart"
        )
    if found.unmatched:
        typer.echo(f"not in the other source: {', '.join(found.unmatched)}")
    for line in report.lines():
        typer.echo(f"  {line}")
    worst = [*report.errors, *report.warnings]
    if worst and rows:
        typer.echo(f"first {min(rows, len(worst))} of {len(worst)} errors and warnings:")
        for finding in worst[:rows]:
            typer.echo(f"  {finding.severity:<7} {finding.message} [{finding.action}]")


def _print_coverage(found: Examination) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("coverage")
    for title in ("calendar", "expected", "present", "missing", "extra", "share", "quality"):
        table.add_column(title, justify="left" if title == "calendar" else "right")
    scores = {score.symbol: score.score for score in found.quality}
    for one in found.tallies:
        cover = one.coverage
        table.add_row(
            cover.symbol,
            cover.calendar + ("" if cover.exact else " (not exact)"),
            f"{cover.expected:,} {cover.unit}s",
            f"{cover.present:,}",
            f"{cover.missing.size:,}",
            f"{cover.extra.size:,}",
            f"{cover.coverage:.4f}",
            f"{scores[cover.symbol]:.4f}" if cover.symbol in scores else "-",
        )
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    console.print(table)
    for one in found.tallies:
        cover = one.coverage
        if cover.note:
            typer.echo(f"  {cover.symbol}: {cover.note}")
        if cover.missing.size:
            texts = cover.missing_texts()
            more = len(texts) - _MISSING_SHOWN
            typer.echo(
                f"  {cover.symbol} misses {', '.join(texts[:_MISSING_SHOWN])}"
                + (f" and {more:,} more" if more > 0 else "")
            )
