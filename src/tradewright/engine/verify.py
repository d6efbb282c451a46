"""Runs a saved result again and says whether it comes out the same.

Entry points: `verify`, `Verification`, `rerun`.

Invariants: everything needed is read from the manifest; what is compared are the canonical bytes of the result
without the parts that may differ between machines; a difference is named by its place in the document, with both
values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tradewright.domain.errors import DataError, InputError
from tradewright.engine.backtest import detail_bars, load_inputs, run_prepared
from tradewright.engine.costs import CostSettings
from tradewright.engine.manifest import VOLATILE
from tradewright.engine.prepared import prepare
from tradewright.engine.record import UNHASHED, to_bytes
from tradewright.engine.result import Origin, Result
from tradewright.engine.saved import read_document
from tradewright.engine.settings import Settings
from tradewright.strategies.registry import make_strategy

__all__ = ["Verification", "rerun", "verify"]

_SHOWN: Final = 50
_SHOWN_PER_PART: Final = 12


@dataclass(frozen=True, slots=True)
class Verification:
    """Outcome of running a result again.

    Parameters
    ----------
    same : bool
        True when the bytes are equal.
    differences : tuple of str
        What differs, at most twelve places of each part of the document.
    notes : tuple of str
        Differences of machine and versions, which do not count.
    expected, found : str
        Result hashes.
    """

    same: bool
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    expected: str
    found: str
    document: Mapping[str, Any] = field(repr=False, default_factory=dict)

    def __bool__(self) -> bool:
        return self.same


def verify(path: str | Path, *, data: Any = None, strategy: Any = None, again: Result | None = None) -> Verification:
    """Run a saved result again from its manifest and compare byte by byte.

    Parameters
    ----------
    path : str or Path
        JSON that `Result.save` or ``--out`` wrote.
    data : Bars or anything `tradewright.backtest` takes, optional
        For results of data that was in memory.
    strategy : optional
        For results of a strategy that no file or name can find.
    again : Result, optional
        A result to compare with, instead of running one.

    Returns
    -------
    Verification
        True in a condition when everything is the same.

    Raises
    ------
    DataError
        If the file is not a result, or its data cannot be loaded.
    InputError
        If the manifest does not say enough to run it again.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import tradewright as tw
    >>> prices = {"close": [10.0, 11.0, 12.0, 13.0]}
    >>> result = tw.backtest(prices, "buy_and_hold", no_costs=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = tw.verify(result.save(pathlib.Path(folder) / "r.json"), data=prices)
    >>> found.same
    True
    """
    expected = read_document(path)
    result = again if again is not None else rerun(expected, data=data, strategy=strategy, folder=Path(path).parent)
    found = result.document()
    left, right = _compared(expected), _compared(found)
    same = to_bytes(left) == to_bytes(right)
    differences = [] if same else _differences(left, right)
    notes: list[str] = []
    for part in ("code", "environment"):
        _walk(part, expected["manifest"].get(part), found["manifest"].get(part), notes)
    return Verification(
        same, tuple(differences), tuple(notes), str(expected["result_hash"]), str(found["result_hash"]), found
    )


def rerun(document: Mapping[str, Any], *, data: Any = None, strategy: Any = None, folder: Path | None = None) -> Result:
    """Run a result document again.

    Parameters
    ----------
    document : mapping
        As `Result.document` returns it.
    data, strategy : optional
        As in `verify`.
    folder : Path, optional
        Where relative paths are looked for when they are not in the working directory.

    Raises
    ------
    InputError
        If the manifest does not say enough to run it again.
    """
    manifest = document["manifest"]
    config = dict(manifest["config"])
    settings = Settings(**{**config, "costs": CostSettings(**config["costs"])})
    options = manifest["options"]
    inputs = dict(manifest["inputs"])
    finer, tables = inputs.pop("detail", None), inputs.pop("decisions", {})
    if isinstance(options["benchmark"], dict) or (manifest["data"]["detail_hash"] is not None and finer is None):
        raise InputError(
            "This result used a benchmark or finer bars that were in memory; run it in Python and pass "
            "verify(path, again=result)."
        )
    validated = bool(manifest["data"]["validated"])
    origin = Origin()
    origin.benchmark, origin.bands, origin.validated = options["benchmark"], bool(options["bands"]), validated
    if data is not None:
        bars, _, report = load_inputs(data, validate=validated)
        origin.inputs = inputs
    elif inputs.get("kind") == "load":
        arguments = {key: value for key, value in inputs.items() if key not in {"kind", "data"}}
        place = _place(inputs.get("data"), folder)
        for name in ("actions", "universe"):
            if arguments.get(name) is not None:
                arguments[name] = _place(arguments[name], folder)
        bars, origin.inputs, report = load_inputs(place, **arguments)
    else:
        raise InputError("The data of this result was in memory; pass it: verify(path, data=bars).")
    detail = None
    if finer is not None:
        place = _place(finer.get("path"), folder)
        detail = detail_bars(place if place is not None else finer["interval"], bars, origin, validate=validated)
    prepared = prepare(bars, settings, validate=validated, detail=detail, findings=report)
    spec = manifest["strategy"]
    if strategy is None and tables:
        found = {name: _place(path, folder) for name, path in tables.items()}
        origin.inputs["decisions"] = tables
        signals, weights, orders = (found.get(name) for name in ("signals", "weights", "orders"))
        return run_prepared(prepared, None, None, signals, weights, orders, origin)
    given = strategy if strategy is not None else _strategy(spec, folder)
    made = make_strategy(given, spec["params"] or None)
    return run_prepared(prepared, made, None, None, None, None, origin, given=given)


def _strategy(spec: Mapping[str, Any], folder: Path | None) -> str:
    kind = spec["kind"]
    if kind == "arrays":
        raise InputError(
            "This result was made from arrays of decisions; run it in Python and pass verify(path, again=result)."
        )
    if kind == "object":
        raise InputError(
            f"The strategy {spec['name']!r} lives in a program of its own; pass it: verify(path, strategy=...)."
        )
    if kind == "file":
        place, _, name = str(spec["spec"]).rpartition(":")
        return f"{_place(place, folder)}:{name}"
    return str(spec["spec"])


def _place(path: str | None, folder: Path | None) -> Path | None:
    """Path as it was given, or beside the result when it is only there."""
    if path is None or Path(path).exists() or folder is None:
        return None if path is None else Path(path)
    for place in (folder / path, folder / Path(path).name):
        if place.exists():
            return place
    raise DataError(f"{path!r} is not there (nor in {str(folder)!r}); run verify where the file can be found.")


def _compared(document: Mapping[str, Any]) -> dict[str, Any]:
    out = {key: value for key, value in document.items() if key not in UNHASHED}
    manifest = {key: value for key, value in document["manifest"].items() if key not in VOLATILE}
    manifest["strategy"] = {key: value for key, value in manifest["strategy"].items() if key not in {"spec", "kind"}}
    out["manifest"] = manifest
    return out


def _differences(left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """Where two documents differ: inputs first, then headline numbers, then the rest; a few places of each part."""
    first = ("manifest", "stats")
    out: list[str] = []
    for key in (*first, *sorted({*left, *right} - set(first))):
        part: list[str] = []
        _walk(key, left.get(key), right.get(key), part)
        out += part[:_SHOWN_PER_PART]
        if len(part) > _SHOWN_PER_PART:
            out.append(f"{key}: and more")
    return out


def _walk(place: str, left: Any, right: Any, out: list[str]) -> None:
    """Collect where two documents differ."""
    if len(out) >= _SHOWN:
        return
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            where = f"{place}.{key}" if place else str(key)
            if key not in left or key not in right:
                out.append(f"{where}: only in the {'saved' if key in left else 'new'} result")
            else:
                _walk(where, left[key], right[key], out)
        return
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            out.append(f"{place}: {len(left)} entries saved, {len(right)} now")
        for i, (a, b) in enumerate(zip(left, right, strict=False)):
            _walk(f"{place}[{i}]", a, b, out)
            if len(out) >= _SHOWN:
                return
        return
    if to_bytes({"": left}) != to_bytes({"": right}):
        out.append(f"{place}: {left!r} saved, {right!r} now")
