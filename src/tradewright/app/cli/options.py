"""The one option vocabulary: every command spells and explains an option as it is written here.

Entry points: the annotated types below, for the signatures of commands, and `resolved`, which makes a configuration of
the options that all commands share.

Invariants: an option that was not given is None, so that it never hides what a file or variable says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.domain.errors import ConfigError

if TYPE_CHECKING:
    from tradewright.app.config import Resolved

__all__ = [
    "ConfigOption",
    "EndOption",
    "JsonOption",
    "ProfileOption",
    "SetOption",
    "StartOption",
    "SymbolsOption",
    "resolved",
    "split_symbols",
]

SymbolsOption = Annotated[
    list[str] | None,
    typer.Option("--symbols", "--symbol", "-s", help="Symbols, with commas or repeated.", metavar="SPY,QQQ"),
]
StartOption = Annotated[
    str | None, typer.Option("--start", "--start-date", help="First day or instant, included.", metavar="DATE")
]
EndOption = Annotated[
    str | None, typer.Option("--end", "--end-date", help="Last day or instant, included.", metavar="DATE")
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="Risk profile: risk_low, risk_balanced, risk_aggressive, or your own.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration file, YAML or JSON.", metavar="FILE")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, such as risk.max_drawdown=0.1; repeatable.", metavar="KEY=VALUE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def split_symbols(symbols: list[str] | None) -> list[str] | None:
    """Symbols of a repeated option, each with commas or without; None when none was given.

    Examples
    --------
    >>> split_symbols(["SPY,QQQ", "TLT"]), split_symbols(None), split_symbols([])
    (['SPY', 'QQQ', 'TLT'], None, None)
    """
    found = [word.strip() for text in symbols or [] for word in text.split(",") if word.strip()]
    if symbols and not found:
        raise ConfigError("--symbols is empty; name at least one, such as --symbols SPX, or leave it out.")
    return list(dict.fromkeys(found)) or None


def resolved(
    *,
    symbols: list[str] | None = None,
    profile: str | None = None,
    config: Path | None = None,
    sets: list[str] | None = None,
    options: Mapping[str, Any] | None = None,
    option_names: Mapping[str, str] | None = None,
) -> Resolved:
    """Configuration from the options that all commands share, and a command's own by dotted key."""
    from tradewright.app.config import resolve

    found = resolve(
        profile=profile,
        symbols=split_symbols(symbols),
        file=config,
        sets=sets or (),
        options=options,
        option_names=option_names,
    )
    log = found.config.logging
    # Loading the logging costs a short command more than it does, so it is set up where somebody asked for it.
    if log.level != "WARNING" or log.folder is not None:
        from tradewright.app.logging import begin, configure

        configure(log.level, format=log.format, folder=log.folder)
        begin()
    return found
