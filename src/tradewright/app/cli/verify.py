"""``tradewright verify``: run a saved result again and compare it byte by byte, or with what is known today.

Entry point: `verify`.

Invariants: exit code 0 means that every number came out the same; 3 that something differs, which is listed. With
``--as-known-today`` 0 means that the comparison is of knowledge alone, whatever it found; 3 that the run on what was
known then gives another result.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewright.app.cli.options import JsonOption
from tradewright.domain.errors import InputError

__all__ = ["verify"]


def verify(
    path: Annotated[Path, typer.Argument(help="JSON that 'tradewright backtest --out' wrote.", metavar="RESULT.json")],
    *,
    data: Annotated[
        Path | None, typer.Option("--data", help="Where the data is now, if it has moved.", metavar="PATH")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option("--strategy", help="Where the strategy is now, if it has moved.", metavar="FILE.py:NAME"),
    ] = None,
    as_known_today: Annotated[
        bool,
        typer.Option("--as-known-today", help="Run it on what its store knows now too, and list the changed trades."),
    ] = False,
    known: Annotated[
        str | None, typer.Option("--known", help="With --as-known-today: as of then instead of now.", metavar="DATE")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a result again from its manifest and say what differs."""
    if as_known_today:
        if data is not None:
            raise InputError("--as-known-today asks the store that the result names; leave --data out.")
        _known_today(path, known, strategy, as_json)
        return
    if known is not None:
        raise InputError(f"--known {known} is for --as-known-today; add that, or leave it out.")
    from tradewright.engine.verify import verify as run_verify

    found = run_verify(path, data=None if data is None else str(data), strategy=strategy)
    if as_json:
        facts = {
            "same": found.same,
            "differences": list(found.differences),
            "notes": list(found.notes),
            "expected": found.expected,
            "found": found.found,
        }
        print(json.dumps(facts, indent=2))
    else:
        print(f"{'Same' if found.same else 'Different'}: {path} ({found.expected[:16]})")
        for difference in found.differences:
            print(f"  {difference}")
        for note in found.notes:
            print(f"  note: {note}")
    if not found.same:
        raise typer.Exit(3)


def _known_today(path: Path, known: str | None, strategy: str | None, as_json: bool) -> None:
    from tradewright.engine.known_today import as_known_today

    found = as_known_today(path, known=known, strategy=strategy)
    facts = found.to_dict()
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        _print_known_today(path, facts)
    if not found.verification.same:
        raise typer.Exit(3)


def _print_known_today(path: Path, facts: dict[str, Any]) -> None:
    trades, data = facts["trades"], facts["data"]
    then, now = (facts["known"][name][:19].replace("T", " ") for name in ("old", "new"))
    print(f"{'Same' if facts['same'] else 'Changed'}: {path}, as known at {then} UTC and at {now} UTC")
    if not facts["reproduced"]:
        print("  ! the run on what was known then gives another result, so more than knowledge has changed:")
        for difference in facts["differences"]:
            print(f"    {difference}")
    counts = [f"{len(trades[name])} {name}" for name in ("altered", "added", "removed")]
    print(f"  data       {data['cells']:,} numbers differ, {data['bars_added']:,} bars are new, "
          f"{data['actions_changed']} actions differ")  # fmt: skip
    print(f"  trades     {trades['unchanged']} unchanged, {', '.join(counts)}")
    for trade in trades["altered"]:
        print(f"  altered    {_trade(trade['old'])}")
        for name, pair in trade["changed"].items():
            print(f"             {name} {_value(pair['old'])} -> {_value(pair['new'])}")
    for name in ("added", "removed"):
        for trade in trades[name]:
            print(f"  {name:<10} {_trade(trade)}, pnl {_value(trade['pnl'])} ({trade['exit_reason']})")
    for name, pair in facts["headline"].items():
        print(f"  {name:<24} {_value(pair['old'])} -> {_value(pair['new'])}")


def _trade(row: dict[str, Any]) -> str:
    last = "open" if row["exit_time"] is None else str(row["exit_time"])[:16]
    quantity = _value(row["quantity"])
    return f"{row['symbol']} {row['direction']} {quantity}, {str(row['entry_time'])[:16]} to {last}".replace("T", " ")


def _value(value: Any) -> str:
    return f"{value:,.8g}" if isinstance(value, float) else str(value)
