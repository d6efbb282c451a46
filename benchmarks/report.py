"""From measurements to one table of ratios: on the terminal, in results/latest.md and results/latest.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from registry import (
    CLOCK_GHZ,
    COLD,
    CONTESTANTS,
    MEMORY,
    PRODUCT,
    REFERENCE,
    TWO_CORES,
    WORKLOADS,
    Workload,
)

Row = dict[str, Any]
Results = dict[str, dict[str, dict[str, Any]]]

COLUMNS = (
    ("workload", "workload"),
    ("contestant", "contestant"),
    ("x_loop", "time / C loop"),
    ("x_loop_typical", "(typical)"),
    ("x_product", "time / product"),
    ("must", "must"),
    ("of_must", "of must"),
    ("of_goal", "of goal"),
    ("agrees", "agrees"),
    ("note", "note"),
)
FOLDED = {"import_s": "import", "first_s": "first backtest", "warm_s": "warm call"}


def _per_unit(cell: dict[str, Any] | None, key: str) -> float | None:
    if not cell or cell.get("status") != "ok" or key not in cell:
        return None
    return float(cell[key]) / float(cell["units"])


def _ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None or b == 0 else a / b


def _reason(cell: dict[str, Any]) -> str:
    return str(cell.get("reason", cell["status"]))


def _speed_rows(w: Workload, results: Results, ghz: float) -> list[Row]:
    cells: dict[str, dict[str, Any]] = dict(results[w.id])
    if w.peers_of and w.peers_of in results:
        for name, known in results[w.peers_of].items():
            if name not in {REFERENCE, PRODUCT}:
                cells[name] = {**known, "note": f"as {w.peers_of}", "agrees": known.get("agrees", "")}
    loop = cells.get(REFERENCE)
    product = cells.get(PRODUCT)
    rows: list[Row] = []
    for c in CONTESTANTS:
        cell = cells.get(c.name)
        if cell is None:
            continue
        if cell["status"] != "ok":
            rows.append({"workload": w.id, "contestant": c.name, "note": _reason(cell)})
            continue
        best = _per_unit(cell, "min_s")
        row: Row = {"workload": w.id, "contestant": c.name, "agrees": cell.get("agrees", "")}
        if w.timed:
            row["x_loop"] = _ratio(best, _per_unit(loop, "min_s"))
            row["x_loop_typical"] = _ratio(_per_unit(cell, "median_s"), _per_unit(loop, "median_s"))
            row["x_product"] = _ratio(best, _per_unit(product, "min_s"))
            row["per_second"] = None if best is None else 1 / best
        notes = [cell.get("note", "")]
        for name, values in cell.get("extra", {}).items():
            notes.append(f"{name}: {values['min_s'] / cell['min_s']:.2f} of this time")
        if c.name == PRODUCT and w.timed and best:
            if w.must_ratio:
                row["must"] = f"<= {w.must_ratio:.1f} x C"
            if ghz and w.must_rate and w.goal_rate:
                row["of_must"] = best * w.must_rate * ghz / CLOCK_GHZ
                row["of_goal"] = best * w.goal_rate * ghz / CLOCK_GHZ
        if w.id == "W2x":
            # the sweep that the product runs on all cores is the one of W2v
            single = "W2v" if c.name == PRODUCT else "W2"
            gain = _ratio(_per_unit(results.get(single, {}).get(c.name), "min_s"), best)
            if gain:
                notes.append(f"{gain:.2f} times its one-core speed")
                if c.name == PRODUCT:
                    row.update(must=f">= {TWO_CORES[0]} x one core", of_must=TWO_CORES[0] / gain)
                    row["of_goal"] = TWO_CORES[1] / gain
        row["note"] = "; ".join(n for n in notes if n)
        rows.append(row)
    return rows


def _plain_rows(
    w: Workload, results: Results, limits: dict[str, tuple[float, float]], scale: float, unit: str
) -> list[Row]:
    """W6 and W7: several figures a contestant, compared with the same figure of the others."""
    cells = results[w.id]
    rows = []
    for key, (must, goal) in limits.items():
        label = f"{w.id} {FOLDED.get(key, key)}"
        loop, product = cells.get(REFERENCE, {}).get(key), cells.get(PRODUCT, {}).get(key)
        for c in CONTESTANTS:
            cell = cells.get(c.name)
            if cell is None:
                continue
            if cell["status"] != "ok" or cell.get(key) is None:
                rows.append({"workload": label, "contestant": c.name, "note": cell.get(key + "_note") or _reason(cell)})
                continue
            value = float(cell[key])
            row: Row = {"workload": label, "contestant": c.name, "x_product": _ratio(value, product)}
            if unit == "MiB":
                row["note"] = f"{value:.1f} MiB"
            else:
                row["x_loop"] = _ratio(value, loop)
                row["seconds"] = value
            if c.name == PRODUCT:
                row["must"] = f"<= {must:g} {unit}"
                row["of_must"], row["of_goal"] = value * scale / must, value * scale / goal
            rows.append(row)
    return rows


def build(results: Results, run: dict[str, Any]) -> dict[str, Any]:
    """All rows, and what the table needs to be read."""
    ghz = run["machine"]["clock_ghz"]
    scale = ghz / CLOCK_GHZ if ghz else 1.0
    rows: list[Row] = []
    for w in WORKLOADS:
        if w.id not in results:
            continue
        if w.id == "W6":
            rows += _plain_rows(w, results, COLD, scale, "s")
        elif w.id == "W7":
            rows += _plain_rows(w, results, MEMORY, 1.0, "MiB")
        else:
            rows += _speed_rows(w, results, ghz)
    if run["quick"]:  # the required figures are for the full data
        for row in rows:
            for key in ("must", "of_must", "of_goal"):
                row.pop(key, None)
    versions: dict[str, str] = {}
    for cells in results.values():
        for name, cell in cells.items():
            if cell.get("version"):
                versions.setdefault(name, cell["version"])
    return {"rows": rows, "versions": versions, "run": run}


def _cell(row: Row, key: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return str(value)


def _rate(row: Row) -> str:
    if row.get("seconds") is not None:
        seconds = row["seconds"]
        return f"{seconds * 1e6:.0f} us" if seconds < 1e-3 else f"{seconds:.3f} s"
    per_second = row.get("per_second")
    if per_second is None:
        return ""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if per_second >= size:
            return f"{per_second / size:.1f} {letter}/s"
    return f"{per_second:.1f} /s"


HOW_TO_READ = (
    "time / C loop: how many times the bare loop's time this takes, best of all rounds; (typical): the medians. "
    "time / product: how many times the product's time. of must, of goal: 1.00 or less means reached; rates are scaled "
    f"from the {CLOCK_GHZ} GHz of the requirement to the clock measured here."
)


def text(table: dict[str, Any]) -> str:
    """The table for a terminal, with rates."""
    heads = [*(head for _, head in COLUMNS[:2]), "rate", *(head for _, head in COLUMNS[2:])]
    body = [
        [*(_cell(row, key) for key, _ in COLUMNS[:2]), _rate(row), *(_cell(row, key) for key, _ in COLUMNS[2:])]
        for row in table["rows"]
    ]
    widths = [max(len(line[k]) for line in [heads, *body]) for k in range(len(heads))]
    widths[-1] = 0
    lines = ["  ".join(v.ljust(n) for v, n in zip(line, widths, strict=True)).rstrip() for line in [heads, *body]]
    lines.insert(1, "-" * max(len(line) for line in lines[:1]))
    machine = table["run"]["machine"]
    about = f"{machine['cpu']}, {machine['cores']} cores, {machine['clock_ghz']} GHz measured"
    versions = ", ".join(f"{k} {v}" for k, v in table["versions"].items())
    return "\n".join([*lines, "", about, versions, HOW_TO_READ])


def save(folder: Path, table: dict[str, Any], run: dict[str, Any]) -> None:
    """Write latest.json and latest.md: ratios only, the machine named by its processor model."""
    folder.mkdir(exist_ok=True)
    hidden = {"per_second", "seconds"}
    rows = [{k: v for k, v in row.items() if k not in hidden and v not in ("", None)} for row in table["rows"]]
    record = {
        "cpu": run["machine"]["cpu"],
        "cores": run["machine"]["cores"],
        "rounds": run["rounds"],
        "params": run["params"],
        "versions": table["versions"],
        "disagreements": run["disagreements"],
        "rows": rows,
    }
    (folder / "latest.json").write_text(json.dumps(record, indent=1) + "\n")
    head = "| " + " | ".join(head for _, head in COLUMNS) + " |"
    rule = "|" + "---|" * len(COLUMNS)
    lines = ["| " + " | ".join(_cell(row, key) for key, _ in COLUMNS) + " |" for row in table["rows"]]
    versions = ", ".join(f"{k} {v}" for k, v in table["versions"].items())
    page = [
        "# Benchmark results",
        "",
        f"Written by `benchmarks/run.py` on {run['machine']['cpu']} ({run['machine']['cores']} cores). {versions}.",
        "",
        HOW_TO_READ,
        "",
        head,
        rule,
        *lines,
        "",
    ]
    (folder / "latest.md").write_text("\n".join(page))
