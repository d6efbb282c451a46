"""``tradewright labels``: kinds of labels, what they decide, and labels of market data.

Entry points: `app`.

Invariants: ``compute --json`` prints every label with its span, the conventions that made it, and how many events gave
none and why.
"""

from __future__ import annotations

import inspect
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.indicators import NameArgument, NameOption, ParamsOption
from tradewright.app.cli.options import EndOption, JsonOption, StartOption, SymbolsOption, split_symbols
from tradewright.domain.errors import ConfigError, closest

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars
    from tradewright.features.labels.registry import Kind
    from tradewright.features.labels.table import Labels

__all__ = ["app"]

app = typer.Typer(
    name="labels",
    help="List kinds of labels, explain one, label market data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command("list")
def list_(*, as_json: JsonOption = False) -> None:
    """Print every kind of label with its options."""
    from tradewright.features.labels.registry import kind, kinds

    found = [kind(name) for name in kinds()]
    if as_json:
        print(json.dumps([{"name": k.name, "title": k.title, "options": _defaults(k)} for k in found], indent=2))
        return
    width = max(len(k.name) for k in found)
    for k in found:
        print(f"{k.name:<{width}}  {k.title}")
    print("'tradewright labels show NAME' explains one.")


@app.command()
def show(name: NameArgument = None, *, name_option: NameOption = None, as_json: JsonOption = False) -> None:
    """Explain one kind: what it decides, its options and defaults."""
    from tradewright.features.labels.registry import kind

    found = kind(_named(name, name_option))
    text = inspect.getdoc(found.function) or ""
    if as_json:
        print(
            json.dumps({"name": found.name, "title": found.title, "options": _defaults(found), "about": text}, indent=2)
        )
        return
    print(text.partition("\nExamples\n")[0].rstrip())
    if found.name == "meta":
        print(f"\nOptions: {', '.join(found.options)}; 'tradewright labels show triple_barrier' explains them.")


@app.command()
def compute(
    name: NameArgument = None,
    *,
    name_option: NameOption = None,
    params: ParamsOption = None,
    events: Annotated[
        str, typer.Option("--events", help="Where to ask: every, every:5, cusum:0.02, cusum:2vol.")
    ] = "every",
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
    closed: Annotated[
        str, typer.Option("--closed", help="Bars of a label that weights count: both, or right (not the event's).")
    ] = "both",
    rows: Annotated[int, typer.Option("--rows", min=0, help="Last labels printed (text only).")] = 10,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write all labels, .csv or .parquet.", metavar="FILE")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Label market data, with the span, return and weights of each label."""
    from tradewright.features.labels.registry import compute as labels_of
    from tradewright.features.labels.registry import kind, named_events

    chosen = kind(_named(name, name_option))
    if output is not None and output.suffix.lower() not in {".csv", ".parquet"}:
        raise ConfigError(f"--output is {str(output)!r}; it must end in .csv or .parquet.")
    options = _parameters(params)
    bars, notes = _bars(symbols, provider, data, start, end, interval, tz, stamp)
    found = labels_of(chosen.name, bars, named_events(bars, events), **options)
    weights = _weights(bars, found, closed)
    if output is not None:
        _write(found, weights, output)
        notes = [*notes, f"{len(found)} labels written to {output}"]
    if not len(found):
        notes = [*notes, "no event gave a label; the reasons are counted above"]
    if as_json:
        print(_json(bars, found, weights, events, closed, {**_defaults(chosen), **options}, notes))
        return
    _print(found, weights, rows)
    for note in notes:
        print(note, file=sys.stderr)


def _named(argument: str | None, option: str | None) -> str:
    if argument and option and argument != option:
        raise ConfigError(f"Two names were given, {argument!r} and {option!r}; give one.")
    if not (argument or option):
        raise ConfigError("Which kind? Give its name, such as triple_barrier; 'tradewright labels list' names all.")
    return argument or option or ""


def _parameters(texts: list[str] | None) -> dict[str, Any]:
    """Options of a repeated word: JSON objects, or KEY=VALUE with commas; null and none mean None."""
    out: dict[str, Any] = {}
    for text in texts or []:
        if text.strip().startswith("{"):
            try:
                out.update(json.loads(text))
            except json.JSONDecodeError as error:
                raise ConfigError(
                    f"--params is no JSON ({error}); write it like '{{\"max_bars\": 20}}' or max_bars=20."
                ) from None
            continue
        for word in filter(None, (w.strip() for w in text.split(","))):
            key, equals, value = (part.strip() for part in word.partition("="))
            if not equals:
                raise ConfigError(f"--params has {word!r}; write key=value, such as max_bars=20, or JSON.")
            try:
                out[key] = None if value.lower() == "none" else json.loads(value)
            except json.JSONDecodeError:
                out[key] = value
    return out


def _bars(
    symbols: list[str] | None, provider: str | None, data: Path | None, start: str | None, end: str | None,
    interval: str | None, tz: str | None, stamp: str,
) -> tuple[Bars, list[str]]:  # fmt: skip
    from tradewright.data.service import load_with_report

    if stamp not in {"auto", "start", "end"}:
        raise ConfigError(
            f"--stamp is {stamp!r}; it must be auto, start or end{closest(stamp, ['auto', 'start', 'end'])}."
        )
    bars, report = load_with_report(
        split_symbols(symbols), provider=provider, data=data, start=start, end=end, interval=interval, tz=tz,
        stamp=stamp,  # type: ignore[arg-type]  # checked above
    )  # fmt: skip
    if not report.rejected:
        return bars, []
    return bars, [f"{report.rejected} rows were taken out of the data; 'tradewright data check' says why"]


def _defaults(kind: Kind) -> dict[str, Any]:
    return {name: None if value is inspect.Parameter.empty else value for name, value in kind.options.items()}


def _weights(bars: Bars, found: Labels, closed: str) -> dict[str, Any]:
    from tradewright.features.labels.weights import average_uniqueness, return_attribution

    return {
        "uniqueness": average_uniqueness(found, closed=closed),
        "attribution": return_attribution(bars, found, closed=closed),
    }


def _write(found: Labels, weights: dict[str, Any], path: Path) -> None:
    import io

    from tradewright.engine.record import write_atomic

    frame = found.to_frame().assign(**weights)
    buffer = io.BytesIO()
    if path.suffix.lower() == ".csv":
        frame.to_csv(buffer, index=False)
    else:
        frame.to_parquet(buffer, index=False)
    write_atomic(path, buffer.getvalue())


def _json(
    bars: Bars, found: Labels, weights: dict[str, Any], events: str, closed: str, options: dict[str, Any],
    notes: list[str],
) -> str:  # fmt: skip
    from tradewright.domain.bars import utc
    from tradewright.features.labels.table import Barrier

    def plain(values: Any) -> list[Any]:
        return [None if isinstance(v, float) and math.isnan(v) else v for v in values.tolist()]

    def stamps(values: Any) -> list[str]:
        return [utc(int(ts)).isoformat() for ts in values.tolist()]

    columns: dict[str, list[Any]] = {
        "symbol": [found.symbols[j] for j in found.asset.tolist()],
        "t0": stamps(found.t0),
        "t1": stamps(found.t1),
    }
    names = ("row0", "row1", "label", "ret", "net", "both", "side", "entry", "exit", "width", "score")
    columns |= {name: plain(getattr(found, name)) for name in names}
    columns["barrier"] = [Barrier(code).word for code in found.barrier.tolist()]
    columns |= {name: plain(values) for name, values in weights.items()}
    out = {
        "kind": found.kind,
        "options": options,
        "events": events,
        "conventions": dict(found.conventions),
        "weights": {
            "closed": closed,
            "uniqueness": "mean of 1 / concurrency over the label's bars, instrument by instrument",
            "attribution": "|sum of log return / concurrency| over the label's bars, scaled to a mean of 1",
        },
        "data": {
            "source": bars.provenance.source,
            "adjusted": bars.provenance.adjusted,
            "hash": bars.data_hash(),
            "bars": bars.n_bars,
            "symbols": list(bars.symbols),
        },
        "n_labels": len(found),
        "counts": {str(value): int((found.label == value).sum()) for value in (-1, 0, 1)},
        "dropped": dict(found.dropped),
        "notes": notes,
        "labels": columns,
    }
    return json.dumps(out, indent=None if len(found) > 50 else 2, allow_nan=False)


def _print(found: Labels, weights: dict[str, Any], rows: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from tradewright.domain.bars import utc
    from tradewright.features.labels.table import Barrier

    print(found)
    for reason, count in found.dropped.items():
        print(f"  {count} events dropped: {reason}")
    for key, text in found.conventions.items():
        print(f"  {key.replace('_', ' ')}: {text}")
    if len(found):
        print(
            f"  mean return {found.ret.mean():.6f}, bars held {found.bars_held.mean():.1f}, "
            f"uniqueness {weights['uniqueness'].mean():.4f}"
        )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("symbol", "t0 (UTC)", "t1 (UTC)"):
        table.add_column(title)
    for title in ("label", "barrier", "return", "net", "width", "score", "uniqueness"):
        table.add_column(title, justify="right")

    def number(value: float, digits: int = 6) -> str:
        return "-" if math.isnan(value) else f"{value:.{digits}f}"

    for k in range(max(0, len(found) - rows), len(found)):
        table.add_row(
            found.symbols[found.asset[k]],
            f"{utc(int(found.t0[k])):%Y-%m-%d %H:%M}",
            f"{utc(int(found.t1[k])):%Y-%m-%d %H:%M}",
            str(found.label[k]),
            Barrier(int(found.barrier[k])).word + (" (both)" if found.both[k] else ""),
            number(found.ret[k]),
            number(found.net[k]),
            number(found.width[k]),
            number(found.score[k], 3),
            number(weights["uniqueness"][k], 4),
        )
    if rows and len(found):
        Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
