"""What the commands that run strategies share: their options, and how texts become values.

Entry points: the annotated option types, `parse_params`, `common_options`, `data_arguments`, `config_rows`,
`command_line`, `log`, `say`.

Invariants: an option that was not given is None; results go to stdout and nothing else does.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tradewright.data.store import without_password
from tradewright.domain.errors import ConfigError

__all__ = [
    "ActionsOption",
    "AsOfOption",
    "CapitalOption",
    "CloseLastOption",
    "CommissionOption",
    "DataOption",
    "DecideOnOption",
    "FillOption",
    "IntervalOption",
    "IntrabarOption",
    "LotOption",
    "NoCostsOption",
    "OutOption",
    "ParamsOption",
    "ProviderOption",
    "SeedOption",
    "SizeModeOption",
    "SizeOption",
    "SlippageOption",
    "SourceOption",
    "StopOption",
    "StoreOption",
    "StrategyOption",
    "TargetOption",
    "TrailOption",
    "ValidateOption",
    "command_line",
    "common_options",
    "config_rows",
    "data_arguments",
    "log",
    "parse_params",
    "say",
]

StrategyOption = Annotated[
    str | None,
    typer.Option(
        "--strategy", help="Name, or path/to/file.py:name; see 'tradewright strategies list'.", metavar="NAME"
    ),
]
ParamsOption = Annotated[
    list[str] | None,
    typer.Option("--params", "-p", help="Parameters: fast=20,slow=100, or JSON; repeatable.", metavar="K=V,..."),
]
DataOption = Annotated[Path | None, typer.Option("--data", help="File or folder of CSV or Parquet.", metavar="PATH")]
ProviderOption = Annotated[str | None, typer.Option("--provider", help="Source; see 'tradewright data providers'.")]
ActionsOption = Annotated[
    Path | None,
    typer.Option("--actions", help="Corporate actions: date,symbol,kind,value,new_symbol,cash,price.", metavar="FILE"),
]
DecideOnOption = Annotated[
    str | None,
    typer.Option("--decide-on", help="Prices that decisions see where there are splits: auto, adjusted or raw."),
]
IntervalOption = Annotated[str | None, typer.Option("--interval", help="Length of a bar: 1min, 15min, 1h, 1d, ...")]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", help="Store of the provider 'store'; default TRADEWRIGHT_STORE.", metavar="PATH"),
]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="Source of the store, where a symbol has several.", metavar="NAME")
]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", help="Bars as the store knew them at that instant.", metavar="DATE")
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of synthetic data.")]
CapitalOption = Annotated[
    float | None, typer.Option("--initial-capital", "--capital", help="Cash before the first bar.")
]
FillOption = Annotated[str | None, typer.Option("--fill", help="next_open, next_close or same_close.")]
IntrabarOption = Annotated[
    str | None, typer.Option("--intrabar", help="Order of high and low: pessimistic, expected or optimistic.")
]
SizeOption = Annotated[
    float | None, typer.Option("--size", help="What an entry uses; by default a fraction of equity.")
]
SizeModeOption = Annotated[str | None, typer.Option("--size-mode", help="fraction, quantity, value or risk.")]
LotOption = Annotated[float | None, typer.Option("--lot", help="Step of quantities; 0 is fractional.")]
CloseLastOption = Annotated[
    bool | None, typer.Option("--close-last/--keep-last", help="Close what is held at the last bar, with costs.")
]
CommissionOption = Annotated[
    str | None, typer.Option("--commission", help="Fraction (0.0005), 5bp, or a preset such as ib_fixed.")
]
SlippageOption = Annotated[
    str | None, typer.Option("--slippage", help="Fraction (0.0001), 1bp, fixed:0.01, or model:a:b:c.")
]
NoCostsOption = Annotated[bool, typer.Option("--no-costs", help="Trade for free; the result says so.")]
StopOption = Annotated[str | None, typer.Option("--stop", help="Protective stop: 0.05, 2atr, 1.50amount or 50bp.")]
TargetOption = Annotated[str | None, typer.Option("--target", help="Profit target, like --stop.")]
TrailOption = Annotated[str | None, typer.Option("--trail", help="Trailing stop, like --stop.")]
ValidateOption = Annotated[
    bool,
    typer.Option("--validate-data/--no-validate-data", help="Judge the data first; without it the result says so."),
]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="Write the whole result as JSON.", metavar="FILE")]

_OUTPUTS: Final = frozenset({"--json", "--fast", "--out", "-o", "--report", "--no-report", "--quiet"})
"""Options that say where a result goes, not what it is; they are left out of the recorded command."""


def parse_params(texts: list[str] | None) -> dict[str, Any]:
    """Parameters from ``k=v,k=v`` or JSON, later ones winning.

    Examples
    --------
    >>> parse_params(["fast=5,slow=20", '{"on": "state"}'])
    {'fast': 5, 'slow': 20, 'on': 'state'}
    """
    import json

    out: dict[str, Any] = {}
    for text in texts or []:
        body = text.strip()
        if body.startswith("{"):
            try:
                found = json.loads(body)
            except json.JSONDecodeError as error:
                raise ConfigError(f"--params {body!r} is not JSON: {error.msg} at character {error.pos}.") from None
            out.update(found)
            continue
        for part in body.split(","):
            name, mark, value = part.partition("=")
            if not mark or not name.strip():
                raise ConfigError(f"--params {part!r} is not name=value; write for example fast=20,slow=100.")
            try:
                out[name.strip()] = json.loads(value)
            except json.JSONDecodeError:
                out[name.strip()] = value.strip()
    return out


def common_options(
    *,
    start: str | None,
    end: str | None,
    strategy: str | None,
    data: Path | None,
    provider: str | None,
    interval: str | None,
    validate: bool,
    actions: Path | None = None,
    store: str | None = None,
    source: str | None = None,
    as_of: str | None = None,
    **engine: Any,
) -> dict[str, Any]:
    """Options that were given, by the dotted key of the configuration; what was not given is left out."""
    given = {
        "data.start": start,
        "data.end": end,
        "data.path": None if data is None else str(data),
        "data.provider": provider,
        "data.actions": None if actions is None else str(actions),
        "data.interval": interval,
        "data.check": None if validate else False,
        "data.store": store,
        "data.source": source,
        "data.as_of": as_of,
        "strategy.name": strategy,
        **{f"engine.{name}": value for name, value in engine.items()},
    }
    return {key: value for key, value in given.items() if value is not None}


def data_arguments(resolved: Any, *, seed: int | None) -> dict[str, Any]:
    """Arguments of the loader from the configuration.

    Returns
    -------
    dict
        ``data``, ``symbols``, ``start``, ``end``, ``provider``, ``interval`` and further options of the loader.
    """
    block = resolved.config.data
    # "sample" is the default of the key, not a wish to look for a file's symbols among the samples.
    provider = None if block.path and block.provider == "sample" else block.provider
    symbols = list(block.symbols) or None
    if block.chain and block.provider in {"sample", "chain"}:
        provider = "chain"
    if symbols is None and block.path is None and provider == "sample":
        symbols = ["SPX"]
    found: dict[str, Any] = {
        # A path as a path: as text, a folder "prices" would be taken for a symbol.
        "data": None if block.path is None else Path(block.path),
        "symbols": symbols,
        "start": block.start,
        "end": block.end,
        "provider": provider,
        "interval": block.interval,
    }
    if block.actions:
        found["actions"] = Path(block.actions)
    if block.columns:
        found["columns"] = dict(block.columns)
    if block.tz:
        found["tz"] = block.tz
    if block.repair != "quarantine":
        found["repair"] = block.repair
    if block.quality_minimum is not None:
        found["quality_minimum"] = block.quality_minimum
    if seed is not None:
        found["seed"] = seed
    if provider == "chain":
        found |= {"chain": list(block.chain), **block.chain_options} if block.chain else dict(block.chain_options)
    if block.missing_members != "refuse":
        found["missing_members"] = block.missing_members
    if provider in {"store", "chain"}:
        asked = {"store": block.store, "source": block.source, "as_of": block.as_of}
        found |= {name: value for name, value in asked.items() if value is not None}
    elif block.as_of is not None and not block.path:
        raise ConfigError(
            f"Bars as of {block.as_of} are kept by a store only; the provider is {provider!r}. Say --provider store, "
            "or leave --as-of out."
        )
    return found


def config_rows(
    resolved: Any, *, params: dict[str, Any], tables: Mapping[str, Path] | None = None, **texts: Any
) -> list[dict[str, Any]]:
    """Where each value of the configuration came from, with the options that are no keys of it in their place.

    Parameters
    ----------
    resolved : Resolved
    params : dict
        Parameters of the strategy as they were used.
    tables : mapping of str to Path, optional
        Files of decisions that stand in the place of a strategy.
    **texts
        ``stop``, ``target``, ``trail``, ``commission``, ``slippage`` and ``no_costs`` as they were given, or None.
    """
    replaced: dict[str, tuple[str, ...]] = {
        "stop": ("engine.stop",),
        "target": ("engine.target",),
        "trail": ("engine.trail",),
        "commission": ("costs.preset", "costs.commission_", "costs.maker_bps", "costs.taker_bps", "costs.sell_bps"),
        "slippage": ("costs.slippage_",),
        "no_costs": ("costs.",),
    }
    rows = [
        {"key": row.key, "value": row.value, "layer": row.layer, "file": row.file, "line": row.line}
        for row in resolved.explain()
    ]
    for name, value in texts.items():
        if value is None or value is False:
            continue
        block = "engine" if name in {"stop", "target", "trail"} else "costs"
        rows = [row for row in rows if not row["key"].startswith(replaced[name])]
        option = "--" + name.replace("_", "-")
        rows.append({"key": f"{block}.{name}", "value": value, "layer": "command line", "file": option, "line": None})
    if tables:
        rows = [row for row in rows if not row["key"].startswith("strategy.")]
        rows += [
            {"key": name, "value": str(path), "layer": "command line", "file": f"--{name}", "line": None}
            for name, path in tables.items()
        ]
    for row in rows:
        if row["key"] == "strategy.params" and params != row["value"]:
            row.update(value=params, layer="command line", file="--params", line=None)
    return rows


def log(event: str, **fields: Any) -> None:
    """Write a record of what a command did, where logging was asked for (``LOG_LEVEL``, ``logging.folder``)."""
    import logging

    logging.getLogger("tradewright.app").info(event, extra=fields)


def say(text: str) -> None:
    """Print a line to stderr."""
    print(text, file=sys.stderr)


def command_line(name: str, words: list[str]) -> str:
    """Command as it would be typed again, without the options that only say where output goes.

    Examples
    --------
    >>> command_line("backtest", ["--symbols", "SPX", "--json", "--out", "r.json", "--params", "fast=5"])
    'tradewright backtest --symbols SPX --params fast=5'
    """
    import shlex

    kept: list[str] = []
    skip = False
    for i, word in enumerate(words):
        if skip:
            skip = False
            continue
        option = word.partition("=")[0]
        if option in _OUTPUTS:
            takes = option in {"--out", "-o", "--report"} and "=" not in word
            skip = takes and i + 1 < len(words) and not words[i + 1].startswith("-")
            continue
        kept.append(str(without_password(word)))
    return shlex.join(["tradewright", name, *kept])
