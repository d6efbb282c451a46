"""``tradewright data adjust`` and ``tradewright data actions``: prices without their splits and dividends.

Entry point: `register`, which adds both to the group of data commands.

Invariants: what is printed with ``--json`` is the same facts as without, the rule and its formula with them; what
``--output`` writes can be loaded again.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.options import EndOption, JsonOption, StartOption, SymbolsOption, split_symbols
from tradewright.app.cli.running import ActionsOption, SourceOption, StoreOption

if TYPE_CHECKING:
    from tradewright.data.adjust import Factors
    from tradewright.domain.bars import Bars

__all__ = ["register"]

SymbolsArgument = Annotated[list[str] | None, typer.Argument(help="Symbols, also as --symbols.", metavar="[SYMBOL]...")]
DataOption = Annotated[Path | None, typer.Option("--data", help="File or folder of CSV or Parquet.", metavar="PATH")]
ProviderOption = Annotated[str | None, typer.Option("--provider", help="Source; see 'tradewright data providers'.")]
IntervalOption = Annotated[str | None, typer.Option("--interval", help="Length of a bar: 1min, 15min, 1h, 1d, ...")]
KnownOption = Annotated[
    str | None, typer.Option("--known", help="Bars and actions as a store knew them at that instant.", metavar="DATE")
]
AdjustedOption = Annotated[
    str | None,
    typer.Option("--adjusted", help="What prices of a file are adjusted for: raw, split, split+dividend, unknown."),
]
_FIELDS = ("open", "high", "low", "close", "volume")


def register(app: typer.Typer) -> None:
    """Add the commands to a group."""
    app.command()(adjust)
    app.command()(actions)


def adjust(
    names: SymbolsArgument = None,
    *,
    symbols: SymbolsOption = None,
    provider: ProviderOption = None,
    data: DataOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    known: KnownOption = None,
    actions: ActionsOption = None,
    kind: Annotated[
        str, typer.Option("--kind", help="What is taken out of the prices: split or split+dividend.")
    ] = "split+dividend",
    rule: Annotated[
        str,
        typer.Option("--rule", help="Dividends: previous_close (1 - d/C_prev) or ex_close (1 + d/C_t)."),
    ] = "previous_close",
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Only actions in effect by then are applied.", metavar="DATE")
    ] = None,
    direction: Annotated[
        str, typer.Option("--direction", help="backward keeps the newest prices, forward the first.")
    ] = "backward",
    start: StartOption = None,
    end: EndOption = None,
    interval: IntervalOption = None,
    adjusted: AdjustedOption = None,
    rows: Annotated[
        int | None, typer.Option("--rows", min=0, help="Bars from each end; default 5, with --json all.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the bars as CSV.", metavar="FILE")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take splits and dividends out of prices, as of a date.

    Actions come from the source or from --actions; the range is cut before prices are adjusted.
    """
    from tradewright.data.adjust import FORMULAS, factors
    from tradewright.data.adjust import adjust as adjusted_bars
    from tradewright.data.corporate import action_table

    kept = _stored(store, source, known)
    bars = _load(names, symbols, provider, data, actions, start, end, interval, adjusted, **kept)
    options: dict[str, Any] = {"kind": kind, "rule": rule, "as_of": as_of, "direction": direction}
    made = factors(bars, **options)
    done = adjusted_bars(bars, **options)
    applied, pending = _applied(bars, made), action_table(done)
    facts = {
        "symbols": list(done.symbols),
        "bars": done.n_bars,
        "kind": made.kind,
        "rule": made.rule,
        "formula": FORMULAS[made.rule] if made.kind != "split" else "earlier prices / split ratio",
        "direction": made.direction,
        "as_of": as_of,
        "adjusted": done.provenance.adjusted,
        "source": done.provenance.source,
        "notes": list(done.provenance.notes),
        "applied": applied,
        "pending": pending,
    }
    if output is not None:
        _write(done, output)
        facts["output"] = str(output)
    if as_json:
        chosen = range(done.n_bars) if rows is None else _ends(done, rows)
        typer.echo(json.dumps({**facts, "rows": _rows(done, made, chosen)}, indent=2))
        return
    typer.echo(f"{', '.join(done.symbols[:8])}: {done.n_bars:,} bars adjusted {made.direction}, {facts['formula']}")
    for note in done.provenance.notes:
        typer.echo(f"note       {note}")
    for item in applied:
        head = f"{item['session'] or 'later':<10} {item['symbol']:<8} {item['what']:<28}"
        typer.echo(f"{head} earlier prices x {item['factor']:.8g}")
    for item in pending:
        typer.echo(
            f"not in the prices: {item['kind']} of {item['symbol']}, {item['effective'][:10]}, {item['value']:g}"
        )
    _print_rows(done, _ends(done, 5 if rows is None else rows))
    if output is not None:
        typer.echo(f"written to {output}")


def actions(
    names: SymbolsArgument = None,
    *,
    symbols: SymbolsOption = None,
    provider: ProviderOption = None,
    data: DataOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    known: KnownOption = None,
    actions: ActionsOption = None,
    start: StartOption = None,
    end: EndOption = None,
    interval: IntervalOption = None,
    adjusted: AdjustedOption = None,
    as_json: JsonOption = False,
) -> None:
    """List splits, dividends, spin-offs, mergers, changes of symbol and delistings: of a source, or of a file."""
    if data is None and provider is None and store is None and actions is not None and not names and not symbols:
        found, notes = _of_file(actions), []
    else:
        from tradewright.data.corporate import action_table

        kept = _stored(store, source, known)
        bars = _load(names, symbols, provider, data, actions, start, end, interval, adjusted, **kept)
        found, notes = action_table(bars), list(bars.provenance.notes)
    if as_json:
        typer.echo(json.dumps({"actions": found, "notes": notes}, indent=2))
        return
    for note in notes:
        typer.echo(f"note       {note}")
    if not found:
        typer.echo("no corporate actions")
    for item in found:
        value = item["new_symbol"] if item["kind"] == "symbol_change" else f"{item['value']:g}"
        if item["kind"] in {"spin_off", "merger"}:
            value += f" {item['new_symbol']}" if item["new_symbol"] else ""
            value += "".join(f", {name} {item[name]:g}" for name in ("cash", "price") if item[name])
        meets = "" if "session" not in item else f"  bar of {item['session'] or 'none: after the last bar'}"
        typer.echo(f"{item['effective'][:16].replace('T', ' ')}  {item['symbol']:<8} {item['kind']:<13} {value}{meets}")


def _load(
    names: list[str] | None,
    symbols: list[str] | None,
    provider: str | None,
    data: Path | None,
    actions: Path | None,
    start: str | None,
    end: str | None,
    interval: str | None,
    adjusted: str | None,
    **stored: str,
) -> Bars:
    from tradewright.data.service import load

    wanted = split_symbols([*(names or []), *(symbols or [])])
    options: dict[str, Any] = {**stored} if adjusted is None else {"adjusted": adjusted, **stored}
    provider = "store" if stored and provider is None else provider
    return load(
        wanted, provider=provider, data=data, start=start, end=end, interval=interval, actions=actions, **options
    )


def _stored(store: str | None, source: str | None, known: str | None) -> dict[str, str]:
    """Options of a store, where the bars come from one."""
    given = {"store": store, "source": source, "as_of": known}
    return {name: value for name, value in given.items() if value is not None}


def _of_file(path: Path) -> list[dict[str, Any]]:
    from tradewright.data.corporate import read_actions
    from tradewright.domain.bars import utc

    return [
        {
            "symbol": action.instrument.id,
            "kind": str(action.kind),
            "value": action.value,
            "new_symbol": action.new_symbol,
            "cash": action.cash,
            "price": action.price,
            "effective": utc(action.ts).isoformat(),
        }
        for action in read_actions(path)
    ]


def _applied(bars: Bars, made: Factors) -> list[dict[str, Any]]:
    from tradewright.data.calendars import session_dates

    dates = session_dates(bars)
    out = []
    for step in made.steps:
        if step.factor == 1.0:
            continue
        parts = [f"split {step.ratio:g}:1"] if step.ratio != 1.0 else []
        spun = [action for action in step.actions if str(action.kind) == "spin_off"]
        name = "dividend" if not spun else "spin-off" if len(spun) == len(step.actions) else "dividend and spin-off"
        parts += [f"{name} {step.dividend:g}"] if step.dividend else []
        out.append(
            {
                "symbol": step.symbol,
                "session": str(dates[step.row]) if step.row < bars.n_bars else None,
                "what": " and ".join(parts),
                "split": step.ratio,
                "dividend": step.dividend,
                "factor": step.factor,
            }
        )
    return out


def _ends(bars: Bars, rows: int) -> list[int]:
    return sorted({*range(min(rows, bars.n_bars)), *range(max(0, bars.n_bars - rows), bars.n_bars)})


def _label(bars: Bars, row: int) -> str:
    from tradewright.data.calendars import session_dates
    from tradewright.data.intervals import unit_of
    from tradewright.domain.bars import utc

    if unit_of(bars.interval_ns) in {"intraday", ""}:
        return utc(int(bars.ts[row])).isoformat()
    return str(session_dates(bars)[row : row + 1][0] if bars.n_bars else "")


def _rows(bars: Bars, made: Factors, chosen: Any) -> list[dict[str, Any]]:
    from tradewright.data.calendars import session_dates
    from tradewright.domain.bars import utc

    dates = session_dates(bars).astype(str).tolist()
    out = []
    for row in chosen:
        for j, symbol in enumerate(bars.symbols):
            bar = bars.bar(row, symbol)
            if bar is None:
                continue
            out.append(
                {
                    "session": dates[row],
                    "known_at": utc(int(bars.ts[row])).isoformat(),
                    "symbol": symbol,
                    "open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close,
                    "volume": None if math.isnan(bar.volume) else bar.volume,
                    "factor": float(made.price[row, j]),
                    "volume_factor": float(made.volume[row, j]),
                }
            )  # fmt: skip
    return out


def _write(bars: Bars, path: Path) -> None:
    """Bars as a long table; times of intraday bars are ends with their zone."""
    import csv

    from tradewright.data.calendars import session_dates
    from tradewright.data.intervals import unit_of
    from tradewright.domain.bars import utc
    from tradewright.domain.errors import InputError

    if path.suffix.lower() not in {".csv", ""}:
        raise InputError(f"--output is {str(path)!r}; adjusted bars are written as CSV: name it {path.stem}.csv.")
    daily = unit_of(bars.interval_ns) not in {"intraday", ""}
    dates = session_dates(bars).astype(str).tolist()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["date" if daily else "close_time", "symbol", *_FIELDS])
        for row in range(bars.n_bars):
            label = dates[row] if daily else utc(int(bars.ts[row])).isoformat()
            for symbol in bars.symbols:
                bar = bars.bar(row, symbol)
                if bar is not None:
                    cells = [repr(getattr(bar, name)) for name in _FIELDS]
                    writer.writerow([label, symbol, *("" if cell == "nan" else cell for cell in cells)])


def _print_rows(bars: Bars, chosen: list[int]) -> None:
    shown = bars.symbols[:6]
    last = -1
    for row in chosen:
        if last >= 0 and row > last + 1:
            typer.echo("...")
        last = row
        cells = [f"{bars.close[row, j]:>14.8g}" for j in range(len(shown))]
        typer.echo(f"{_label(bars, row):<12}{''.join(cells)}")
    typer.echo(f"closes of {', '.join(shown)}{', ...' if bars.n_assets > 6 else ''} after adjustment")
