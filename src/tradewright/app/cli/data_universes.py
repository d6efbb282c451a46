"""``tradewright data universe``: lists and tables of symbols, and who belonged to them when.

Entry points: `register` (adds the group to ``data``).

Invariants: what a command prints with ``--json`` is the same facts as without; ``check`` ends with exit code 3 when a
backtest on the universe would not be point-in-time or would miss members.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.options import ConfigOption, EndOption, JsonOption, StartOption

if TYPE_CHECKING:
    from tradewright.data.membership import Membership

__all__ = ["register"]

NameArgument = Annotated[str, typer.Argument(help="@NAME of a list, or a table: members.csv.", metavar="UNIVERSE")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="File or folder to look for members in.", metavar="PATH")
]
ProviderOption = Annotated[str | None, typer.Option("--provider", help="Source; see 'tradewright data providers'.")]

group = typer.Typer(
    name="universe",
    help="Lists of symbols, and who belonged to them when.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the group to ``data``."""
    app.add_typer(group)


@group.command("list")
def list_universes(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the universes that come with the package and those of the configuration."""
    rows: list[dict[str, Any]] = []
    for name, entries in _universes(config).items():
        symbols, table = _opened(name, config)
        rows.append({
            "name": f"@{name}",
            "kind": "list" if table is None else "table",
            "symbols": len(symbols),
            "dated": table is not None and table.dated,
            "place": entries[0] if table is not None else "",
        })  # fmt: skip
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        history = "with dates" if row["dated"] else "without history: results say not point-in-time"
        place = f"  {row['place']}" if row["place"] else ""
        typer.echo(f"{row['name']:<{width}}  {row['symbols']:>5} symbols, {history}{place}")


@group.command()
def show(
    universe: NameArgument,
    *,
    at: Annotated[str | None, typer.Option("--at", help="Members of the session of a day.", metavar="DATE")] = None,
    start: StartOption = None,
    end: EndOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the members of a universe: all stays, of a range, or of one day."""
    from tradewright.data.universes import NO_HISTORY
    from tradewright.domain.bars import instant_ns, utc
    from tradewright.domain.errors import InputError

    if at is not None and (start is not None or end is not None):
        raise InputError("--at is one day and --start, --end are a range; keep one of them.")
    if start is not None and end is not None and instant_ns(start) > instant_ns(end, last=True):
        raise InputError(f"The range ends ({end}) before it starts ({start}); swap the two.")
    if at is not None:
        instant_ns(at)
    symbols, table = _opened(universe, config)
    rows: list[dict[str, Any]]
    if table is None:
        rows = [{"symbol": symbol, "from": None, "to": None, "data": symbol} for symbol in symbols]
    else:
        rows = table.to_rows()
        if at is not None:
            start = end = at
        if start is not None or end is not None:
            low, high = (None if day is None else f"{utc(instant_ns(day)):%Y-%m-%d}" for day in (start, end))
            rows = [row for row in rows if (high is None or (row["from"] or "") <= high)
                    and (low is None or row["to"] is None or row["to"] >= low)]  # fmt: skip
    facts: dict[str, Any] = {
        "universe": universe,
        "dated": table is not None and table.dated,
        "point_in_time": table is not None and table.dated and not table.survivors,
        "at": at,
        "convention": "from and to are sessions as a member, both included",
        "members": len({row["data"] for row in rows}),
        "stays": rows,
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    if not facts["dated"]:
        typer.echo(f"{NO_HISTORY}: a list without dates; --at, --start and --end change nothing")
    else:
        typer.echo(f"{facts['members']} members{f' on {at}' if at else ''}; {facts['convention']}")
    width = max((len(str(row["symbol"])) for row in rows), default=0)
    for row in rows:
        line = f"{row['symbol']:<{width}}"
        if facts["dated"]:
            line += f"  {row['from'] or 'always':<10}  {row['to'] or 'now':<10}"
        if row["data"] != row["symbol"]:
            line += f"  prices: {row['data']}"
        typer.echo(line.rstrip())


@group.command()
def check(
    universe: NameArgument,
    *,
    data: DataOption = None,
    provider: ProviderOption = None,
    start: StartOption = None,
    end: EndOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a universe: dates, members that nobody has data of, stays without bars; exit code 3 when one is found."""
    from tradewright.domain.errors import DataError

    symbols, table = _opened(universe, config)
    findings: list[dict[str, str]] = []
    if table is None or not table.dated:
        findings.append(_finding("no history", "", "no dates: members were chosen with today's knowledge"))
    elif table.survivors:
        findings.append(_finding("survivors", "", "nobody ever leaves: is it today's list with dates of joining?"))
    if table is not None:
        symbols = table.between(start, end)
    covered = None
    if data is not None or provider is not None:
        covered, found = _coverage(symbols, table, data, provider, start, end)
        findings += found
    facts: dict[str, Any] = {
        "universe": universe,
        "members": len(symbols),
        "first_change": None if table is None else table.first,
        "with_data": covered,
        "ok": not findings,
        "findings": findings,
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        seen = "" if covered is None else f", {covered} with data"
        typer.echo(f"{universe}: {len(symbols)} members{seen}, {len(findings) or 'no'} findings")
        for finding in findings[:40]:
            typer.echo(f"  {finding['rule']:<10} {finding['message']}")
        if len(findings) > 40:
            typer.echo(f"  and {len(findings) - 40} more")
    if findings:
        raise typer.Exit(DataError.exit_code)


def _coverage(
    symbols: tuple[str, ...],
    table: Membership | None,
    data: Path | None,
    provider: str | None,
    start: str | None,
    end: str | None,
) -> tuple[int, list[dict[str, str]]]:
    """How many members have data, and which stays begin before it or end after it."""
    import numpy as np

    from tradewright.data.calendars import session_dates
    from tradewright.data.service import load, provider_for
    from tradewright.domain.errors import DataError

    listing = getattr(provider_for(provider, data), "symbols", None)
    there = None if listing is None else {name.casefold() for name in listing()}
    stays = {} if table is None else {s: [x for x in table.to_rows() if x["data"] == s] for s in symbols}
    findings: list[dict[str, str]] = []
    covered = 0
    for symbol in symbols:
        if there is not None and symbol.casefold() not in there:
            findings.append(_finding("no data", symbol, f"{symbol}: no data"))
            continue
        try:
            bars = load([symbol], provider=provider, data=data)
        except DataError as error:
            findings.append(_finding("no data", symbol, f"{symbol}: {error}"))
            continue
        covered += 1
        days = session_dates(bars)
        first, last = str(days[0]), str(days[-1])
        for stay in stays.get(symbol, ()):
            low = max(stay["from"] or first, (start or "")[:10])
            high = min(stay["to"] or last, (end or "9999-12-31")[:10])
            if low < first and not np.busday_count(low, first) <= 5:
                text = f"{symbol}: a member from {low}, its data begins on {first}"
                findings.append(_finding("begins late", symbol, text))
            if high > last and not np.busday_count(last, high) <= 5:
                text = f"{symbol}: a member until {high}, its data ends on {last}"
                findings.append(_finding("ends early", symbol, text))
    return covered, findings


def _finding(rule: str, symbol: str, message: str) -> dict[str, str]:
    return {"rule": rule, "symbol": symbol, "message": message}


def _universes(config: Path | None) -> dict[str, list[str]]:
    """Entries of every named universe, own ones last."""
    from tradewright.app.config import resolve
    from tradewright.data.universes import UNIVERSES

    own = resolve(file=config).config.data.universes
    out = {name: list(symbols) for name, symbols in UNIVERSES.items()}
    for name, entries in own.items():
        words = entries.split(",") if isinstance(entries, str) else entries
        out[name] = [str(word).strip() for word in words]
    return out


def _opened(name: str, config: Path | None) -> tuple[tuple[str, ...], Membership | None]:
    """Symbols of a universe, and its table where it is one."""
    from tradewright.data.membership import is_table
    from tradewright.data.universes import resolve

    plain = name.removeprefix("@")
    token = plain if is_table(plain) else (_universes(config).get(plain) or [""])
    if isinstance(token, list) and not (len(token) == 1 and is_table(token[0])):
        from tradewright.data.universes import expand

        return tuple(expand([f"@{plain}"], _universes(config))), None
    symbols, table = resolve([f"@{token if isinstance(token, str) else token[0]}"])
    return tuple(symbols or ()), table
