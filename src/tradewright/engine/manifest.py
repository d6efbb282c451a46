"""What a result needs to be run again, and hashes of what went in.

Entry points: `manifest_of`, `strategy_spec`, `engine_build`, `environment`.

Invariants: everything that may differ between machines, directories or command lines (``environment``, ``inputs``,
``command``, ``code``, ``provenance``) stands apart from what is hashed into ``result_hash``; no clock time is
recorded anywhere.
"""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.engine.settings import settings_hash
from tradewright.strategies.base import FunctionStrategy

if TYPE_CHECKING:
    from tradewright.engine.decisions import Decisions
    from tradewright.engine.result import Result

__all__ = ["VOLATILE", "decisions_hash", "engine_build", "environment", "manifest_of", "source_hash", "strategy_spec"]

VOLATILE: Final = ("environment", "inputs", "command", "code", "provenance", "configuration")
"""Parts of the manifest that are not hashed into the result."""


def manifest_of(result: Result) -> dict[str, Any]:
    """Return the manifest of a result (docs/result-schema.md, section manifest)."""
    import tradewright

    bars, settings, origin = result.bars, result.settings, result.origin
    config = settings.as_dict()
    provenance = bars.provenance
    return {
        "config": config,
        "config_hash": settings_hash(config),
        "data": {
            "hash": bars.data_hash(),
            "symbols": list(bars.symbols),
            "n_bars": bars.n_bars,
            "n_assets": bars.n_assets,
            "start": result.labels(0),
            "end": result.labels(bars.n_bars - 1),
            "interval_ns": bars.interval_ns,
            "synthetic": provenance.synthetic,
            "adjusted": provenance.adjusted,
            "validated": origin.validated,
            "detail_hash": None if origin.detail is None else origin.detail.data_hash(),
            **_universe(result),
        },
        "strategy": {
            **strategy_spec(result.given),
            "name": result.strategy_name,
            "params": plain(result.params),
            "source_hash": source_hash(result.strategy),
            "decisions_hash": decisions_hash(result.decisions),
        },
        "options": {"benchmark": _benchmark(origin.benchmark, result), "bands": origin.bands},
        "seed": origin.inputs.get("seed"),
        "code": {"version": tradewright.__version__, "engine": engine_build()[0], "engine_hash": engine_build()[1]},
        "environment": environment(),
        "inputs": plain(origin.inputs),
        "provenance": {
            "source": provenance.source,
            "licence": provenance.licence,
            "notes": list(provenance.notes),
            "pinned": dict(provenance.pinned),
        },
        "configuration": plain(origin.config),
        "command": origin.command,
    }


@lru_cache(maxsize=1)
def engine_build() -> tuple[str, str]:
    """Kind of the engine that runs (``rust`` or ``python``) and the SHA-256 of its file or sources."""
    from tradewright.kernel import core

    place = getattr(core, "__file__", None)
    digest = hashlib.sha256()
    if place is not None:
        path = Path(place)
        files = sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]
        for file in files:
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return core.__backend__, digest.hexdigest()


@lru_cache(maxsize=1)
def environment() -> dict[str, str]:
    """Versions that could matter: Python, NumPy, platform."""
    import platform

    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "numpy": np.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "byte_order": sys.byteorder,
    }


def strategy_spec(what: Any) -> dict[str, Any]:
    """How a strategy can be found again.

    Parameters
    ----------
    what : str, Strategy, class, function or None
        As the user gave it; None when arrays were given instead.

    Returns
    -------
    dict
        ``kind`` is ``registered``, ``file``, ``module``, ``arrays`` or ``object`` (which only its own program can run
        again), ``spec`` what `tradewright.strategies.registry.make_strategy` takes.

    Examples
    --------
    >>> strategy_spec("sma_cross")
    {'kind': 'registered', 'spec': 'sma_cross'}
    """
    if what is None:
        return {"kind": "arrays", "spec": ""}
    if isinstance(what, str):
        if ":" not in what:
            return {"kind": "registered", "spec": what}
        place = what.rpartition(":")[0]
        return {"kind": "file" if place.endswith(".py") else "module", "spec": what}
    if isinstance(what, FunctionStrategy):
        target: Any = what.__dict__["function"]
    elif isinstance(what, type) or not hasattr(type(what), "__mro__") or callable(what):
        target = what
    else:
        target = type(what)
    module, name = getattr(target, "__module__", ""), getattr(target, "__qualname__", "")
    if module.startswith("tradewright.strategies.") and isinstance(getattr(target, "name", None), str):
        return {"kind": "registered", "spec": target.name}
    if (
        not module
        or module in {"__main__", "builtins"}
        or module.startswith("tradewright_user_")
        or "<" in name
        or not name
    ):
        return {"kind": "object", "spec": name}
    return {"kind": "module", "spec": f"{module}:{name}"}


def source_hash(strategy: Any) -> str | None:
    """SHA-256 of a strategy's source text; None for arrays, or where the source cannot be read."""
    import inspect

    if strategy is None:
        return None
    target = strategy.__dict__["function"] if isinstance(strategy, FunctionStrategy) else type(strategy)
    try:
        text = inspect.getsource(target)
    except (OSError, TypeError):
        return None
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def decisions_hash(decisions: Decisions) -> str | None:
    """SHA-256 of what the strategy decided; None for a callback, whose decisions depend on its fills."""
    digest = hashlib.sha256()
    if decisions.kind == "callback":
        return None
    digest.update(decisions.kind.encode())
    arrays = {
        "signals": decisions.signals,
        "rows": decisions.rows,
        "weights": decisions.weights,
        "scale": decisions.scale,
    }
    arrays.update(decisions.orders or {})
    for name in sorted(arrays):
        array = arrays[name]
        if array is not None:
            fixed = np.ascontiguousarray(array)
            fixed = fixed.astype(fixed.dtype.newbyteorder("<"), copy=False)
            if fixed.dtype.kind == "f":
                fixed = np.where(np.isnan(fixed), np.nan, fixed)
            digest.update(f"{name}{fixed.shape}".encode())
            digest.update(fixed.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def plain(value: Any) -> Any:
    """Value that JSON can hold: mappings, lists, numbers, text, true, false and null."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(str(item) for item in value)
    if isinstance(value, range):
        return list(value)
    return str(value)


def _universe(result: Result) -> dict[str, Any]:
    """Universe of the run; nothing where there is none, so that results without one stay as they are."""
    from tradewright.engine.universe import universe_facts

    facts = universe_facts(result.bars, result.decisions)
    return {"universe": facts} if facts else {}


def _benchmark(what: Any, result: Result) -> Any:
    if what is None or isinstance(what, str):
        return what
    curve = result.benchmark_curve()
    return {"kind": "data", "hash": hashlib.sha256(np.ascontiguousarray(curve, dtype="<f8").tobytes()).hexdigest()}
