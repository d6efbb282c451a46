"""``tradewright trials``: what was ever tried, and whether the record of it can be believed.

Entry point: `app`.

Invariants: ``show`` and ``export`` only read; ``verify`` ends with exit code 3 when a row was changed, removed or
moved; half a row that a killed writer left is cut off, said, and no reason to fail.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.options import ConfigOption, JsonOption
from tradewright.domain.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tradewright.engine.trials import FileTrialLedger

__all__ = ["app"]

app = typer.Typer(
    name="trials",
    help="The ledger of trials: show it, verify it, export it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

LedgerOption = Annotated[
    Path | None, typer.Option("--ledger", help="The file; default the one that is in use.", metavar="FILE")
]


@app.command()
def show(
    *,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Only this strategy.", metavar="NAME")] = None,
    last: Annotated[int, typer.Option("--last", min=0, help="How many of the newest rows to show.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show how many trials there are, of what, and the newest rows."""
    book = _ledger(ledger, config)
    by_subject = book.subjects()
    if subject is not None and subject not in by_subject:
        from tradewright.domain.errors import closest

        raise ConfigError(
            f"There are no trials of {subject!r}{closest(subject, by_subject) or '.'} "
            f"The ledger knows: {', '.join(by_subject) or 'nothing yet'}."
        )
    rows = [row for row in book.rows() if subject is None or _name(row.body) == subject]
    facts: dict[str, Any] = {
        "ledger": str(book.path),
        "trials": book.count(subject),
        "evaluations": book.evaluations() if subject is None else by_subject[subject]["evaluations"],
        "rows": len(rows),
        "head": book.verify(repair=False).head if book.path.exists() else None,
        "subjects": by_subject if subject is None else {subject: by_subject[subject]},
        "last": [_line(row.seq, row.body) for row in rows[len(rows) - min(last, len(rows)) :]],
        "rule": "A trial is one subject under one set of parameters and engine settings on one set of data; the same "
        "again with the same outcome is a repeat: an evaluation, but no new trial.",
    }
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    print(f"{facts['trials']:,} trials in {facts['evaluations']:,} evaluations ({book.path})")
    width = max([len(name) for name in facts["subjects"]], default=0)
    for name, found in facts["subjects"].items():
        print(f"  {name:<{width}}  {found['trials']:>12,} trials  {found['evaluations']:>12,} evaluations")
    for line in facts["last"]:
        score = "-" if line["sharpe"] is None else f"{line['sharpe']:.2f}"
        what = f"{line['subject']} {line['params']}".strip()
        print(f"  {line['seq']:>7} {line['time'][:19]}  {line['n']:>8,}  Sharpe {score:>6}  {what}"[:200])


@app.command()
def verify(
    *,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    contains: Annotated[
        str | None, typer.Option("--contains", help="A hash that must be in the chain (an earlier head).")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair/--no-repair", help="Cut off half a row that a killed writer left.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Walk along the chain and say whether a row was changed, removed, moved or added by hand."""
    book = _ledger(ledger, config)
    found = book.verify(repair=repair)
    problems = list(found.problems)
    if contains is not None and not any(row.hash.startswith(contains) for row in book.rows()):
        problems.append(f"no row has the hash {contains}: it is of another ledger, or was cut off")
    if as_json:
        facts = {
            "ledger": str(book.path),
            "ok": not problems,
            "rows": found.n_rows,
            "evaluations": found.n,
            "head": found.head,
            "problems": problems,
            "repaired": list(found.repaired),
        }
        print(json.dumps(facts, indent=2))
    else:
        word = "The chain holds" if not problems else "The chain is broken"
        print(f"{word}: {found.n_rows:,} rows, {found.n:,} evaluations, head {found.head[:16]} ({book.path})")
        for text in found.repaired:
            print(f"  repaired: {text}" if repair else f"  {text}")
        for text in problems:
            print(f"  ! {text}")
    if problems:
        raise typer.Exit(3)


@app.command()
def export(
    *,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="CSV file; default stdout.", metavar="FILE")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write every evaluation as one line: CSV, or JSON lines with --json; the sets of a sweep one by one."""
    import csv
    import io

    from tradewright.engine.record import writing

    book = _ledger(ledger, config)
    names: tuple[str, ...] = ("seq", "time", "subject", "source", "settings", "params", "data", "symbols", "start")
    names += ("end", "sharpe_per_bar", "n_returns", "skew", "kurtosis", "periods_per_year", "total_return", "by")
    names += ("hash",)
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    if not as_json:
        writer.writeheader()
    for row in book.rows():
        for line in _evaluations(row.seq, row.hash, row.body):
            if as_json:
                text.write(json.dumps(line) + "\n")
            else:
                writer.writerow({**line, "params": json.dumps(line["params"]), "symbols": " ".join(line["symbols"])})
    if out is None:
        sys.stdout.write(text.getvalue())
        return
    with writing(out):
        out.write_text(text.getvalue(), encoding="utf-8")
    print(f"Trials: {out}", file=sys.stderr)


def _ledger(path: Path | None, config: Path | None) -> FileTrialLedger:
    from tradewright.engine.trials import FileTrialLedger, trial_ledger

    if path is not None:
        if not path.exists():
            raise DataError(f"There is no ledger {str(path)!r}; it begins with the first trial.")
        return FileTrialLedger(path)
    chosen = None
    if config is not None:
        from tradewright.app.cli.options import resolved

        chosen = resolved(config=config).config.research.trials
    found = trial_ledger(chosen)
    if found is None:
        raise ConfigError("The ledger is switched off (TRADEWRIGHT_TRIALS or research.trials); name one with --ledger.")
    if not isinstance(found, FileTrialLedger):
        raise ConfigError("The ledger in use is in memory; name a file with --ledger.")
    return found


def _name(body: dict[str, Any]) -> str:
    found = body.get("subject")
    return str(found.get("name", "")) if isinstance(found, dict) else ""


def _line(seq: int, body: dict[str, Any]) -> dict[str, Any]:
    """One row for people; of a sweep the best."""
    import numpy as np

    from tradewright.engine.trials import unpacked_floats

    n, score, params = int(body.get("n", 1)), body.get("score") or {}, body.get("params") or {}
    sharpe = score.get("sharpe")
    if isinstance(sharpe, str):
        values = unpacked_floats(sharpe)
        sharpe = float(np.nanmax(values)) if np.isfinite(values).any() else None
        axes = ", ".join(f"{name} x{len(values)}" for name, values in params["axes"].items())
        text = f"best of {n:,} sets ({axes})"
    elif body.get("kind") == "sketch":
        text = f"sketches of the returns of {len(body['sketch']['rows'])} sets, for their correlation"
    else:
        if sharpe is not None and score.get("periods"):
            sharpe *= score["periods"] ** 0.5
        text = ", ".join(f"{key}={value}" for key, value in params.items())
    kind = str(body.get("kind", ""))
    return {
        "seq": seq,
        "time": body.get("time", ""),
        "n": n,
        "subject": _name(body) or kind,
        "params": text or str(body.get("text", "")),
        "sharpe": sharpe,
    }


def _evaluations(seq: int, digest: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Every evaluation of a row; notes and bare counts of repeats have none."""
    import numpy as np

    from tradewright.engine.trials import unpacked_floats, unpacked_index

    if body.get("kind") != "trials":
        return []
    who, data, score = body["subject"], body["data"], body["score"]
    year = float(score["periods"] or 1.0) ** 0.5
    common = {
        "seq": seq,
        "time": body["time"],
        "subject": who["name"],
        "source": who["source"],
        "settings": who["settings"],
        "params": body["params"],
        "data": data["hash"],
        "symbols": list(data["symbols"]),
        "start": data["start"],
        "end": data["end"],
        "sharpe_per_bar": score.get("sharpe"),
        "n_returns": score.get("n"),
        "skew": score.get("skew"),
        "kurtosis": score.get("kurtosis"),
        "periods_per_year": score["periods"],
        "total_return": score.get("total_return"),
        "by": body["origin"]["by"],
        "hash": digest,
    }
    if "sets" not in body:
        return [common]
    axes, fixed = body["params"]["axes"], body["params"]["fixed"]
    places = np.unravel_index(unpacked_index(body["sets"]), tuple(len(values) for values in axes.values()))
    sharpe, total = unpacked_floats(score["sharpe"]) / year, unpacked_floats(score["total_return"])
    lines = []
    for i in range(sharpe.size):
        chosen = {name: values[int(place[i])] for (name, values), place in zip(axes.items(), places, strict=True)}
        lines.append(
            {
                **common,
                "params": {**fixed, **chosen},
                "sharpe_per_bar": float(sharpe[i]) if np.isfinite(sharpe[i]) else None,
                "total_return": float(total[i]) if np.isfinite(total[i]) else None,
            }
        )
    return lines
