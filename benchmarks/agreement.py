"""Do two contestants give the same trades? Compared before speed counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TOLERANCE = 1e-9


class Disagreement(Exception):
    """The evidence differs; the message says where."""


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference, relative to the reference `a` (absolute below 1e-3: drawdowns, Sharpe ratios near zero)."""
    if len(a) == 0:
        return 0.0
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if (np.isnan(a) != np.isnan(b)).any():
        return float("inf")
    with np.errstate(invalid="ignore"):
        difference = np.abs(a - b) / np.maximum(np.abs(a), 1e-3)
    return float(np.nanmax(difference, initial=0.0))


def _records(name: str, a: np.ndarray, b: np.ndarray) -> float:
    if len(a) != len(b):
        raise Disagreement(f"{len(b):,} {name}, the reference has {len(a):,}")
    worst = 0.0
    for field in a.dtype.names or ():
        if field == "fee" or field not in (b.dtype.names or ()):
            continue
        if a.dtype[field].kind == "i":
            if (different := np.flatnonzero(a[field] != b[field])).size:
                k = int(different[0])
                raise Disagreement(f"{name}[{k}].{field} is {b[field][k]}, the reference has {a[field][k]}")
        else:
            error = relative(a[field], b[field])
            if not error <= TOLERANCE:
                raise Disagreement(f"{name}.{field} differs by {error:.1e}")
            worst = max(worst, error)
    return worst


def exact(reference: Path, other: Path) -> str:
    """Compare all evidence that both have; returns a sentence, raises `Disagreement`."""
    a, b = np.load(reference), np.load(other)
    shared = [k for k in a.files if k in b.files]
    if not shared:
        return "speed only"
    worst, counted = 0.0, ""
    for key in shared:
        if a[key].dtype.names:
            worst = max(worst, _records(key, a[key], b[key]))
            counted = f"{len(a[key]):,} {key}, "
        elif a[key].dtype.kind == "i" and (a[key] != b[key]).any():
            raise Disagreement(f"{key} differ in {int((a[key] != b[key]).sum())} places")
        else:
            error = relative(a[key], b[key])
            if not error <= TOLERANCE:
                raise Disagreement(f"{key} differs by {error:.1e}")
            worst = max(worst, error)
    return f"yes ({counted}{worst:.0e})"


def bars_only(reference: Path, other: Path) -> str:
    """Compare entry and exit bars as far as the other one ran (it may have fewer bars and close at its end)."""
    a, b = np.load(reference), np.load(other)
    if "trades" not in b.files:
        return "speed only"
    n = max(len(b["trades"]) - 1, 0)
    same = len(a["trades"]) >= n and all((a["trades"][k][:n] == b["trades"][k][:n]).all() for k in ("entry", "exit"))
    return f"same bars ({n:,} trades), own prices" if same else "own conventions"
