"""``tradewright indicators``: what there is, how each is computed, and its values on market data.

Entry points: `app`.

Invariants: what ``compute`` prints with ``--json`` is the same numbers as without, every row of them, NaN as null, with
the parameters, warm-up and conventions that made them.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.options import EndOption, JsonOption, StartOption, SymbolsOption, split_symbols
from tradewright.domain.errors import ConfigError, InputError, closest

if TYPE_CHECKING:
    import numpy as np

    from tradewright.domain.bars import Bars
    from tradewright.features.indicators.spec import Indicator

__all__ = ["app"]

app = typer.Typer(
    name="indicators",
    help="List indicators, explain one, compute one on market data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

NameArgument = Annotated[str | None, typer.Argument(help="Name, also as --name.", metavar="[NAME]")]
NameOption = Annotated[str | None, typer.Option("--name", "-n", help="Name of the indicator.")]
ParamsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--params", "-p", help="Parameters: JSON, or window=14,seed=first; repeatable.", metavar="JSON|KEY=VALUE"
    ),
]


@app.command("list")
def list_(
    *,
    family: Annotated[str | None, typer.Option("--family", help="Only one family, such as momentum.")] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="Only what this computes: tradewright or talib.")
    ] = None,
    search: Annotated[str | None, typer.Option("--search", help="Only names and titles that contain this.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print every indicator with its parameters."""
    from tradewright.features.indicators.registry import indicator, names
    from tradewright.features.indicators.spec import FAMILIES

    if engine is not None and engine not in {"tradewright", "talib"}:
        raise ConfigError(
            f"--engine is {engine!r}; it must be tradewright or talib{closest(engine, ['tradewright', 'talib'])}."
        )
    found = [indicator(name) for name in names(family)]
    if engine is not None:
        found = [item for item in found if (item.engine == "tradewright") == (engine == "tradewright")]
    if search:
        found = [item for item in found if search.lower() in f"{item.name} {item.title}".lower()]
        if not found:
            raise ConfigError(f"No name or title contains {search!r}; leave --search out to see all.")
    if as_json:
        print(json.dumps([item.to_dict() for item in found], indent=2))
        return
    width = max(len(item.name) for item in found)
    for group, title in FAMILIES.items():
        members = [item for item in found if item.family == group]
        if members:
            print(f"{title} ({group}, {len(members)})")
        for item in members:
            params = ", ".join(p.name if p.default is None else f"{p.name}={p.default}" for p in item.params)
            print(f"  {item.name:<{width}}  {item.title}{f'; {params}' if params else ''}")
    print(f"{len(found)} indicators; 'tradewright indicators show NAME' explains one.")


@app.command()
def show(
    name: NameArgument = None,
    *,
    name_option: NameOption = None,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain one indicator: formula, parameters, warm-up, conventions, source."""
    from tradewright.features.indicators.registry import indicator

    item = indicator(_named(name, name_option))
    given = _parameters(params)
    facts = item.to_dict(**given)
    if as_json:
        print(json.dumps({**facts, "about": item.about.partition("\n")[0]}, indent=2))
        return
    print(f"{item.name}: {item.title}\n\n  {item.about.partition(chr(10))[0]}\n")
    rows = [
        ("family", item.family),
        ("inputs", ", ".join(item.inputs)),
        ("outputs", ", ".join(item.outputs)),
        ("unit", item.unit),
        ("computed by", item.engine),
        ("known at", item.known_at),
        ("warm-up", _warm_up_words(facts)),
        ("missing", facts["missing_values"]),
        ("undefined", item.undefined),
        ("conventions", item.notes),
        ("as TA-Lib", _talib_words(item)),
        ("needs", item.constraint_text),
        ("source", item.source),
    ]
    for key, text in rows:
        if text:
            _wrapped(key, text)
    if item.params:
        print("\nparameters")
        width = max(len(p.name) for p in item.params)
        for p in item.params:
            default = "needed" if p.default is None else f"default {p.default}"
            print(f"  {p.name:<{width}}  {default}; {p.words()}{f': {p.about}' if p.about else ''}")


@app.command()
def compute(
    name: NameArgument = None,
    *,
    name_option: NameOption = None,
    params: ParamsOption = None,
    symbols: SymbolsOption = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Source; see 'tradewright data providers'.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="File or folder of CSV or Parquet.", metavar="PATH")
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    interval: Annotated[str | None, typer.Option("--interval", help="Length of a bar: 1min, 1h, 1d, ...")] = None,
    tz: Annotated[str | None, typer.Option("--tz", help="Zone of times without one, such as America/New_York.")] = None,
    stamp: Annotated[str, typer.Option("--stamp", help="What intraday times mark: auto, start or end.")] = "auto",
    field: Annotated[
        str | None, typer.Option("--field", help="What an indicator of one column reads, default close.")
    ] = None,
    benchmark: Annotated[
        str | None, typer.Option("--benchmark", help="Symbol for indicators that need a benchmark.")
    ] = None,
    engine: Annotated[str | None, typer.Option("--engine", help="talib: let TA-Lib compute what it has.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Last rows printed (text only).")] = 10,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write a picture, .html.", metavar="FILE")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute one indicator on market data."""
    from tradewright.features.indicators.registry import compute as value_of
    from tradewright.features.indicators.registry import indicator

    item = indicator(_named(name, name_option))
    values = item.checked(_parameters(params))
    bars, notes = _bars(symbols, provider, data, start, end, interval, tz, stamp, benchmark)
    extra: dict[str, Any] = {}
    if "benchmark" in item.inputs:
        bars, extra["benchmark"] = _split(item, bars, benchmark)
    elif benchmark is not None:
        raise ConfigError(f"{item.name} needs no benchmark; leave --benchmark out.")
    if "session" in item.inputs:
        from tradewright.data.calendars import session_ordinals

        extra["session"] = session_ordinals(bars).astype("float64")
    found = value_of(item, bars, field=field, engine=engine, **extra, **values)
    columns = dict(zip(item.outputs, found if isinstance(found, tuple) else (found,), strict=True))
    facts = item.to_dict(**values)
    if plot is not None:
        _plot(item, bars, columns, values, plot)
        notes = [*notes, f"picture: {plot}"]
    if facts["warm_up"] is not None and bars.n_bars < facts["warm_up"]:
        notes = [
            *notes,
            f"{bars.n_bars} bars are fewer than the warm-up of {facts['warm_up']}: some outputs are all NaN",
        ]
    if "volume" in item.inputs and not _any_finite(bars.volume):
        notes = [*notes, "the data has no volume, so there is no value"]
    if as_json:
        print(_json(item, bars, columns, values, facts, engine, field, notes))
        return
    _print(item, bars, columns, values, facts, rows)
    for note in notes:
        print(note, file=sys.stderr)


def _named(argument: str | None, option: str | None) -> str:
    if argument and option and argument != option:
        raise ConfigError(f"Two names were given, {argument!r} and {option!r}; give one.")
    chosen = argument or option
    if not chosen:
        raise ConfigError("Which indicator? Give its name, such as rsi; 'tradewright indicators list' names all.")
    return chosen


def _parameters(texts: list[str] | None) -> dict[str, Any]:
    """Parameters of a repeated option: JSON objects, or KEY=VALUE with commas."""
    out: dict[str, Any] = {}
    for text in texts or []:
        if text.strip().startswith("{"):
            try:
                part = json.loads(text)
            except json.JSONDecodeError as error:
                raise ConfigError(
                    f"--params is no JSON ({error}); write it like '{{\"window\": 14}}' or window=14."
                ) from None
            out.update(part)
            continue
        for word in filter(None, (w.strip() for w in text.split(","))):
            key, equals, value = word.partition("=")
            if not equals:
                raise ConfigError(f"--params has {word!r}; write key=value, such as window=14, or JSON.")
            out[key.strip()] = _literal(value.strip())
    return out


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _bars(
    symbols: list[str] | None, provider: str | None, data: Path | None, start: str | None, end: str | None,
    interval: str | None, tz: str | None, stamp: str, benchmark: str | None,
) -> tuple[Bars, list[str]]:  # fmt: skip
    from tradewright.data.service import load_with_report

    wanted = split_symbols(symbols)
    if wanted is not None and benchmark is not None and benchmark not in wanted:
        wanted = [*wanted, benchmark]
    bars, report = load_with_report(
        wanted, provider=provider, data=data, start=start, end=end, interval=interval, tz=tz,
        stamp=stamp,  # type: ignore[arg-type]  # the service refuses other words by name
    )  # fmt: skip
    notes = (
        [f"{report.rejected} rows were taken out of the data; 'tradewright data check' says why"]
        if report.rejected
        else []
    )
    return bars, notes


def _split(item: Indicator, bars: Bars, benchmark: str | None) -> tuple[Bars, Any]:
    if benchmark is None:
        raise ConfigError(f"{item.name} compares with a benchmark; name its symbol with --benchmark.")
    column = bars.column(benchmark)
    line = bars.close[:, column].copy()
    others = [symbol for k, symbol in enumerate(bars.symbols) if k != column]
    return bars.select(others) if others else bars, line


def _any_finite(values: np.ndarray[Any, Any]) -> bool:
    import numpy as np

    return bool(np.isfinite(values).any())


def _warm_up_words(facts: dict[str, Any]) -> str:
    warm_ups = facts["warm_ups"]
    if not warm_ups:
        return "depends on parameters that are needed, or on TA-Lib, which is not installed"
    event = "; the first value then waits for an event in the data" if facts["first_value_waits_for_an_event"] else ""
    if len(set(warm_ups.values())) == 1:
        return f"{facts['warm_up']} rows{event}"
    return ", ".join(f"{label} {rows}" for label, rows in warm_ups.items()) + f" rows{event}"


def _talib_words(item: Indicator) -> str:
    if item.talib is None:
        return ""
    params = ", ".join(f"{theirs}={ours}" for theirs, ours in item.talib.params.items())
    when = ", ".join(f"{key}={value}" for key, value in item.talib.when.items())
    return f"{item.talib.name}({params}){f' with {when}' if when else ''}"


def _wrapped(key: str, text: str) -> None:
    import textwrap

    lines = textwrap.wrap(text, 100)
    print(f"{key:<12} {lines[0]}")
    for line in lines[1:]:
        print(f"{'':<12} {line}")


def _said(item: Indicator, values: dict[str, Any]) -> dict[str, Any]:
    """Parameters as they are given: instants as text."""
    from tradewright.domain.bars import utc

    kinds = {p.name: p.kind for p in item.params}
    return {key: utc(v).isoformat() if kinds[key] == "instant" else v for key, v in values.items()}


def _stamps(bars: Bars) -> list[str]:
    from tradewright.domain.bars import utc

    return [utc(int(ts)).isoformat() for ts in bars.ts.tolist()]


def _json(
    item: Indicator, bars: Bars, columns: dict[str, Any], values: dict[str, Any], facts: dict[str, Any],
    engine: str | None, field: str | None, notes: list[str],
) -> str:  # fmt: skip
    import numpy as np

    def plain(column: Any) -> list[float | None]:
        return [None if math.isnan(v) else v for v in np.asarray(column).tolist()]

    out = {
        "name": item.name,
        "params": _said(item, values),
        "inputs": list(item.inputs) if field is None else [field],
        "engine": "TA-Lib" if engine == "talib" else item.engine,
        "warm_up": facts["warm_up"],
        "warm_ups": facts["warm_ups"],
        "unit": item.unit,
        "known_at": item.known_at,
        "missing_values": facts["missing_values"],
        "undefined": item.undefined,
        "conventions": item.notes,
        "source": item.source,
        "data": {
            "source": bars.provenance.source,
            "adjusted": bars.provenance.adjusted,
            "hash": bars.data_hash(),
            "bars": bars.n_bars,
        },
        "notes": notes,
        "symbols": list(bars.symbols),
        "known": _stamps(bars),
        "outputs": list(columns),
        "values": {
            symbol: {label: plain(column[:, j]) for label, column in columns.items()}
            for j, symbol in enumerate(bars.symbols)
        },
    }
    return json.dumps(out, indent=None if bars.n_bars > 50 else 2, allow_nan=False)


def _print(
    item: Indicator, bars: Bars, columns: dict[str, Any], values: dict[str, Any], facts: dict[str, Any], rows: int
) -> None:
    from rich.console import Console
    from rich.table import Table

    given = ", ".join(f"{key}={value}" for key, value in _said(item, values).items())
    print(f"{item.title}{f' ({given})' if given else ''}; warm-up {_warm_up_words(facts)}; {item.unit}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("closes at (UTC)")
    shown = [(symbol, j, label) for j, symbol in enumerate(bars.symbols[:6]) for label in columns]
    for symbol, _, label in shown:
        table.add_column(
            label if bars.n_assets == 1 else f"{symbol} {label}" if len(columns) > 1 else symbol, justify="right"
        )
    stamps = _stamps(bars)
    for t in range(max(0, bars.n_bars - rows), bars.n_bars):
        cells = [columns[label][t, j] for _, j, label in shown]
        table.add_row(stamps[t][:16].replace("T", " "), *("-" if math.isnan(v) else f"{v:.8g}" for v in cells))
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    if bars.n_assets > 6:
        print(f"and {bars.n_assets - 6} more symbols; --json prints all")


def _plot(item: Indicator, bars: Bars, columns: dict[str, Any], values: dict[str, Any], path: Path) -> None:
    from tradewright.app.report.indicator import page

    if path.suffix.lower() not in {".html", ".htm"}:
        raise InputError(f"--plot is {str(path)!r}; it must end in .html.")
    from tradewright.engine.record import write_atomic

    write_atomic(path, page(item, bars, columns, _said(item, values)).encode("utf-8"))
