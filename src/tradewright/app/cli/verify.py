"""``tradewright verify``: run a saved result again and compare it byte by byte.

Entry point: `verify`.

Invariants: exit code 0 means that every number came out the same; 3 that something differs, which is listed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tradewright.app.cli.options import JsonOption

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
    as_json: JsonOption = False,
) -> None:
    """Run a result again from its manifest and say what differs."""
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
