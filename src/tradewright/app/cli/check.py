"""``tradewright check lookahead`` and ``check certificate``: whether something looks ahead, with proof.

Entry points: `app`.

Invariants: exit code 0 means that nothing was found, 3 that something was; with ``--json`` stdout holds the certificate
(or, for ``--all``, one line of facts per built-in) and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.options import EndOption, JsonOption, StartOption, SymbolsOption, split_symbols
from tradewright.domain.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tradewright.engine.lookahead.certificate import Certificate
    from tradewright.engine.lookahead.shipped import Outcome

__all__ = ["app"]

app = typer.Typer(
    name="check",
    help="Examine strategies, features, models and splitters for look-ahead.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_SPEC = "NAME|FILE.py:NAME"


@app.command()
def lookahead(
    *,
    strategy: Annotated[str | None, typer.Option("--strategy", help="A strategy.", metavar=_SPEC)] = None,
    indicator: Annotated[str | None, typer.Option("--indicator", help="An indicator.", metavar=_SPEC)] = None,
    feature: Annotated[
        str | None, typer.Option("--feature", help="A feature, a function of bars, or a YAML list.", metavar=_SPEC)
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="Labels, as a function of bars.", metavar=_SPEC)] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Predictions as a function of bars, or an estimator.", metavar=_SPEC)
    ] = None,
    splitter: Annotated[str | None, typer.Option("--splitter", help="A splitter of folds.", metavar=_SPEC)] = None,
    all_: Annotated[bool, typer.Option("--all", help="Everything that is shipped.")] = False,
    params: Annotated[str | None, typer.Option("--params", help="Parameters as JSON.", metavar='{"window":14}')] = None,
    symbols: SymbolsOption = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Where --symbols come from.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Examine on this file of bars, CSV or Parquet.", metavar="PATH")
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    interval: Annotated[str | None, typer.Option("--interval", help="Length of a bar: 1min, 15min, 1h, 1d.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=50, help="Of given bars, the last so many are used.")] = 3000,
    cuts: Annotated[
        int | None, typer.Option("--cuts", min=4, help="Rows before which the future is changed. [24; --all: 8]")
    ] = None,
    sweep: Annotated[
        int | None, typer.Option("--sweep", min=0, help="Further rows, for leaks in few of them. [400; models: 40]")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of everything drawn.")] = 7,
    form: Annotated[
        str, typer.Option("--form", help="What a function takes: auto, bars, frame, arrays, series.")
    ] = "auto",
    warm_up: Annotated[int | None, typer.Option("--warm-up", help="Rows to the first value of a function.")] = None,
    horizon: Annotated[int | None, typer.Option("--horizon", help="Rows that labels span. [splitters: 5]")] = None,
    embargo: Annotated[int | None, typer.Option("--embargo", help="Rows free after each test fold.")] = None,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help="Rule whose findings do not count; repeatable.", metavar="RULE")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the certificate here.", metavar="FILE")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes of --all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Cut the future off, change it, and see whether the past stays the same; exit code 3 when it does not."""
    from tradewright.engine.lookahead.check import check_lookahead

    given = {
        kind: what
        for kind, what in (
            ("strategy", strategy),
            ("indicator", indicator),
            ("feature", feature),
            ("label", label),
            ("model", model),
            ("splitter", splitter),
        )
        if what is not None
    }
    if all_:
        if data is not None or symbols or out is not None:
            raise ConfigError(
                "--all examines on made-up markets and writes no file; leave --data, --symbols and --out out."
            )
        if len(given) > 0:
            raise ConfigError("--all examines everything that is shipped; leave the other subjects out.")
        _all(cuts or 8, seed, workers, as_json)
        return
    if len(given) != 1:
        raise ConfigError(
            "Say what to examine: one of --strategy, --indicator, --feature, --label, --model, --splitter, or --all."
        )
    ((kind, what),) = given.items()
    bars = _bars(symbols, provider, data, start, end, interval)
    begin = time.monotonic()
    # What a subject prints, it would print some hundred times, in the midst of the result.
    with contextlib.redirect_stdout(io.StringIO()):
        found = check_lookahead(
            what,
            bars,
            kind=kind,
            params=_params(params),
            cuts=cuts or 24,
            sweep=sweep,
            seed=seed,
            rows=rows,
            form=form,
            warm_up=warm_up,
            horizon=horizon,
            embargo=embargo,
            allow=allow or (),
            progress=_Dots() if sys.stderr.isatty() else None,
        )
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if out is not None:
        found.save(out)
    if as_json:
        sys.stdout.write(found.to_bytes().decode("utf-8"))
    else:
        _print(found, time.monotonic() - begin)
        if out is not None:
            typer.echo(f"certificate: {out}")
    if not found.clean:
        raise typer.Exit(DataError.exit_code)


@app.command()
def certificate(
    path: Annotated[Path, typer.Argument(help="What 'check lookahead --out' wrote.", metavar="CERTIFICATE.json")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Show a certificate and say whether it can be trusted now; exit code 3 when it cannot, or when it has leaks."""
    from tradewright.engine.lookahead.certificate import Certificate

    found = Certificate.load(path)
    doubts = found.verify()
    if as_json:
        facts = {"hash": found.hash, "verdict": found.verdict, "subject": found.subject, "doubts": list(doubts)}
        typer.echo(json.dumps(facts, indent=2))
    else:
        _print(found, None)
        for doubt in doubts:
            typer.echo(f"  doubt: {doubt}")
    if doubts or not found.clean:
        raise typer.Exit(DataError.exit_code)


@app.command()
def rules(*, as_json: JsonOption = False) -> None:
    """List what can be found."""
    from tradewright.engine.lookahead.findings import RULES

    if as_json:
        typer.echo(json.dumps([{"rule": name, "about": about} for name, about in RULES.items()], indent=2))
        return
    width = max(map(len, RULES))
    for name, about in RULES.items():
        typer.echo(f"{name:<{width}}  {about}")


class _Dots:
    """Answers so far, on one line."""

    def __init__(self) -> None:
        self.count, self.shown = 0, 0.0

    def __call__(self) -> None:
        self.count += 1
        if time.monotonic() - self.shown > 0.1:
            self.shown = time.monotonic()
            sys.stderr.write(f"\r{self.count:,} answers compared")
            sys.stderr.flush()


def _params(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"--params is {text!r}, which is no JSON ({error}); write it like '{{\"window\": 14}}'."
        ) from error
    if not isinstance(found, dict):
        raise ConfigError(f"--params is {text!r}; it must be a JSON object such as '{{\"window\": 14}}'.")
    return found


def _bars(
    symbols: list[str] | None,
    provider: str | None,
    data: Path | None,
    start: str | None,
    end: str | None,
    interval: str | None,
) -> Any:
    names = split_symbols(symbols)
    if data is None and names is None:
        for option, value in (("--provider", provider), ("--start", start), ("--end", end), ("--interval", interval)):
            if value is not None:
                raise ConfigError(f"{option} says which bars, but there are none; give --symbols or --data too.")
        return None
    from tradewright.engine.backtest import load_inputs

    return load_inputs(
        str(data) if data is not None else names,
        symbols=names if data is not None else None,
        provider=provider,
        start=start,
        end=end,
        interval=interval,
    )[0]


def _print(found: Certificate, seconds: float | None) -> None:
    subject = found.subject
    typer.echo(f"{subject['kind']} {subject['name']}: {'clean' if found.clean else 'LEAKS'}")
    for leak in found.leaks:
        typer.echo(f"  {leak.rule}: {leak.sentence}")
        typer.echo(f"    {leak.next_step}")
    for item in found.as_dict()["allowed"]:
        typer.echo(f"  allowed, {item['rule']}: {item['sentence']}")
    clean = [c["check"] for c in found.checked if c["outcome"] == "clean"]
    if clean:
        typer.echo(f"  clean: {', '.join(clean)}")
    for item in found.checked:
        if item["outcome"] == "not checked":
            typer.echo(f"  not checked: {item['check']} ({item['why']})")
    took = "" if seconds is None else f" in {seconds:.1f} s"
    markets = ", ".join(f"{m['n_bars']:,} x {len(m['symbols'])}" for m in found.data if "symbols" in m)
    on = f" on {markets} bars{' made up' if all(m.get('synthetic') for m in found.data) else ''}" if markets else ""
    typer.echo(f"  {found.as_dict()['answers']:,} answers{on}{took}; certificate {found.hash[:16]}")


def _all(cuts: int, seed: int, workers: int | None, as_json: bool) -> None:
    from tradewright.engine.lookahead.shipped import check_built_ins

    begin = time.monotonic()
    tty = sys.stderr.isatty()

    def progress(done: int, total: int, outcome: Outcome) -> None:
        if tty:
            sys.stderr.write(f"\r\x1b[K{done:,} of {total:,}: {outcome.item.kind} {outcome.item.name}")
            sys.stderr.flush()

    outcomes = check_built_ins(cuts=cuts, seed=seed, workers=workers, progress=progress)
    if tty:
        sys.stderr.write("\r\x1b[K")
    bad = [o for o in outcomes if o.certificate is not None and not o.clean]
    left = [o for o in outcomes if o.certificate is None]
    answers = sum(o.certificate["answers"] for o in outcomes if o.certificate is not None)
    if as_json:
        facts = {
            "verdict": "leaks" if bad else "clean",
            "clean": sum(o.clean for o in outcomes),
            "leaks": len(bad),
            "not_examined": len(left),
            "answers": answers,
            "subjects": [
                {
                    "kind": o.item.kind,
                    "name": o.item.name,
                    "verdict": None if o.certificate is None else o.certificate["verdict"],
                    "certificate": None if o.certificate is None else o.certificate["hash"],
                    "leaks": [] if o.certificate is None else o.certificate["leaks"],
                    "why_not": o.why_not,
                }
                for o in outcomes
            ],
        }
        typer.echo(json.dumps(facts, indent=2))
    else:
        for kind in dict.fromkeys(o.item.kind for o in outcomes):
            own = [o for o in outcomes if o.item.kind == kind]
            many = {"strategy": "strategies"}.get(kind, f"{kind}s")
            typer.echo(f"{many:<12}{sum(o.clean for o in own):>4} of {len(own)} clean")
        for o in bad:
            assert o.certificate is not None
            typer.echo(f"LEAKS: {o.item.kind} {o.item.name}: {o.certificate['leaks'][0]['sentence']}")
        for o in left:
            typer.echo(f"not examined: {o.item.kind} {o.item.name} ({o.why_not})")
        typer.echo(f"{answers:,} answers in {time.monotonic() - begin:.1f} s")
    if bad:
        raise typer.Exit(DataError.exit_code)
