"""``tradewright config``: show, check and make configurations.

Entry points: `app`.

Invariants: ``show`` prints what the other commands would use with the same options; what it prints as YAML or JSON can
be given back with ``--config`` and resolves to the same hash.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.options import ConfigOption, JsonOption, ProfileOption, SetOption, SymbolsOption, resolved

if TYPE_CHECKING:
    from tradewright.app.config.resolve import Overridden, Row

__all__ = ["app"]

app = typer.Typer(
    name="config",
    help="Show, check and make configurations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def show(
    *,
    explain: Annotated[bool, typer.Option("--explain", help="Say where each value came from.")] = False,
    changed: Annotated[bool, typer.Option("--changed", help="With --explain: only what is not the default.")] = False,
    as_json: JsonOption = False,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    symbols: SymbolsOption = None,
    sets: SetOption = None,
) -> None:
    """Print the configuration that a command with these options would use."""
    from tradewright.app.config import to_json, to_yaml

    found = resolved(symbols=symbols, profile=profile, config=config, sets=sets)
    if not explain:
        typer.echo(to_json(found.config) if as_json else to_yaml(found.config), nl=as_json)
        return
    rows = [row for row in found.explain() if not changed or row.layer != "base"]
    if as_json:
        settings = [
            {
                "key": row.key,
                "value": row.value,
                "layer": row.layer,
                "file": row.file,
                "line": row.line,
                "overrode": [_replaced(old) for old in row.overrode],
            }
            for row in rows
        ]
        notes = list(found.warnings)
        tree = {"hash": found.hash, "asset_class": found.asset_class, "warnings": notes, "settings": settings}
        typer.echo(json.dumps(tree, indent=2, default=list))
        return
    _print_rows(rows, found.hash)


@app.command()
def validate(
    file: Annotated[
        Path | None, typer.Argument(help="Configuration file, YAML or JSON; or --config FILE.", metavar="FILE")
    ] = None,
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a configuration file on its own (without environment and options)."""
    from tradewright.app.config import resolve
    from tradewright.domain.errors import ConfigError

    if (file is None) == (config is None):
        raise ConfigError("Name one file to check: tradewright config validate FILE, or --config FILE.")
    file = file or config
    try:
        found = resolve(file=file, env={})
    except ConfigError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"valid": False, "problems": str(error).splitlines()}, indent=2))
        raise typer.Exit(ConfigError.exit_code) from None
    changed = sum(row.layer == "file" for row in found.explain())
    if as_json:
        typer.echo(json.dumps({"valid": True, "hash": found.hash, "changed": changed}, indent=2))
    else:
        typer.echo(f"{file} is valid: it sets {changed} value{'s' if changed != 1 else ''}, hash {found.hash[:12]}.")


@app.command("create-profile")
def create_profile(
    name: Annotated[str, typer.Argument(help="Name: small letters, digits, _ and -.")],
    *,
    sets: SetOption = None,
    extends: Annotated[str | None, typer.Option("--extends", help="Profile that it starts from.")] = None,
    description: Annotated[str, typer.Option("--description", help="One line about it.")] = "",
    folder: Annotated[Path | None, typer.Option("--folder", help="Where to write it.", metavar="FOLDER")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a profile of that name.")] = False,
) -> None:
    """Make a risk profile of your own, for --profile NAME."""
    from tradewright.app.config import create_profile as create
    from tradewright.app.config.layers import set_layer

    settings = {key: leaf.value for key, leaf in set_layer(sets or ()).leaves.items()}
    path = create(name, settings, extends=extends, description=description, folder=folder, overwrite=overwrite)
    typer.echo(f"Wrote {path}; use it with --profile {name if folder is None else path}.")


@app.command("profiles")
def profiles(*, as_json: JsonOption = False) -> None:
    """List the risk profiles."""
    from tradewright.app.config import list_profiles

    found = list_profiles()
    if as_json:
        rows = [
            {"name": p.name, "shipped": p.shipped, "file": str(p.path), "description": p.description} for p in found
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max(len(p.name) for p in found)
    for p in found:
        typer.echo(f"{p.name:<{width}}  {'shipped' if p.shipped else 'own    '}  {p.description}")


def _print_rows(rows: list[Row], digest: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    wide = not sys.stdout.isatty()
    console = Console(width=400 if wide else None, no_color=bool(os.environ.get("NO_COLOR")), highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("key", "value", "layer", "where", "overrode"):
        table.add_column(title, overflow="fold")
    for row in rows:
        where = f"{row.file}:{row.line}" if row.line else row.file
        old = "; ".join(_was(item) for item in row.overrode)
        style = "" if row.layer == "base" else "bold"
        cells = (row.key, _shown(row.value), row.layer, where, old)
        table.add_row(*(Text(cell, style=style) for cell in cells))
    console.print(table)
    console.print(Text(f"hash {digest}", style="dim"))


def _replaced(item: Overridden) -> dict[str, Any]:
    return {"value": item.value, "layer": item.layer, "file": item.source, "line": item.line}


def _was(item: Overridden) -> str:
    place = "" if item.layer == "base" else f" {item.source}" + (f":{item.line}" if item.line else "")
    return f"{_shown(item.value)} ({item.layer}{place})"


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value) or "[]"
    return json.dumps(value, default=str) if not isinstance(value, str) else value or "''"
