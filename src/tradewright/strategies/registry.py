"""Finding a strategy by what the user calls it.

Entry points: `make_strategy`, `list_strategies`, `register`, `strategy_class`, `load_object`.

Invariants: a name means one thing (a second registration of another class is refused); built-in names win over those
of installed packages; a user's file is executed only because the user named it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tradewright.domain.errors import ConfigError, InputError, closest
from tradewright.strategies.base import FunctionStrategy, Strategy

__all__ = ["list_strategies", "load_object", "make_strategy", "register", "strategy_class"]

GROUP: Final = "tradewright.strategies"

_BUILT_IN: Final = {
    "bollinger_reversion": "tradewright.strategies.bollinger_reversion:BollingerReversion",
    "buy_and_hold": "tradewright.strategies.buy_and_hold:BuyAndHold",
    "donchian_breakout": "tradewright.strategies.donchian_breakout:DonchianBreakout",
    "momentum_rotation": "tradewright.strategies.momentum_rotation:MomentumRotation",
    "sma_cross": "tradewright.strategies.sma_cross:SmaCross",
}
_registered: dict[str, type[Strategy]] = {}
_announced: dict[str, Any] | None = None


def register(cls: type[Strategy]) -> type[Strategy]:
    """Make a strategy class known by its `name`; usable as a decorator.

    Raises
    ------
    InputError
        If the name belongs to another class.
    """
    if cls.name in _BUILT_IN or _registered.get(cls.name, cls) is not cls:
        raise InputError(f"A strategy named {cls.name!r} exists already; give {cls.__name__} another `name`.")
    _registered[cls.name] = cls
    return cls


def list_strategies() -> dict[str, str]:
    """First line of the description of every known strategy, by name.

    Examples
    --------
    >>> sorted(list_strategies())[:2]
    ['bollinger_reversion', 'buy_and_hold']
    """
    out: dict[str, str] = {}
    for name in sorted({*_BUILT_IN, *_registered, *_entry_points()}):
        try:
            text = (strategy_class(name).__doc__ or "").strip()
        except Exception as error:  # one broken package must not hide the others
            text = f"cannot be loaded: {error}"
        out[name] = text.splitlines()[0] if text else ""
    return out


def strategy_class(name: str) -> type[Strategy]:
    """Class behind a registered name.

    Raises
    ------
    InputError
        If nothing has that name; the message lists the nearest and all known ones.
    """
    found = _registered.get(name)
    if found is not None:
        return found
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        cls: type[Strategy] = getattr(importlib.import_module(module), attribute)
        _registered[name] = cls
        return cls
    announced = _entry_points()
    if name in announced:
        cls = announced[name].load()
        _registered[name] = cls
        return cls
    if name.endswith(".py"):
        raise InputError(f"{name!r} is a file; say which of its strategies is meant: {name}:NAME.")
    known = sorted({*_BUILT_IN, *_registered, *announced})
    hint = closest(name, known) or "."
    raise InputError(
        f"There is no strategy {name!r}{hint} Known: {', '.join(known)}; a file of your own is path/to/file.py:name."
    )


def make_strategy(what: Any, params: Mapping[str, Any] | None = None) -> Any:
    """Strategy object from whatever a user calls a strategy.

    Parameters
    ----------
    what : str, Strategy, class or function
        A registered name; ``"path/to/file.py:name"`` or ``"package.module:name"``; an instance (returned as it is
        when there are no `params`); a class (called with `params`); a function ``f(bars, **params)``.
    params : mapping, optional
        Parameters by name.

    Returns
    -------
    Strategy
        Or an object of the user's own class that has ``on_bar``, ``signals``, ``weights`` or ``orders``.

    Raises
    ------
    InputError
        If the name, a parameter or the kind of object is not understood.

    Examples
    --------
    >>> make_strategy("sma_cross", {"fast": 5, "slow": 10})
    sma_cross(fast=5, slow=10, on='cross', direction='long')
    >>> make_strategy("sma_cros")
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: There is no strategy 'sma_cros', did you mean 'sma_cross'? Known: ...
    """
    given = dict(params or {})
    if isinstance(what, str):
        return make_strategy(load_object(what), given) if ":" in what else strategy_class(what)(**given)
    if isinstance(what, type):
        if not _decides(what):
            raise InputError(
                f"{what.__name__} is not a strategy: it has none of the methods {', '.join(_METHODS)}; derive it from "
                "tradewright.Strategy and write one of them."
            )
        try:
            return what(**given)
        except TypeError as error:
            raise InputError(f"{what.__name__} cannot be made with {given!r}: {error}.") from error
    if _decides(what):
        if not given:
            return what
        if isinstance(what, FunctionStrategy):
            return what.with_params(given)
        if isinstance(what, Strategy):
            return type(what)(**{**what.params, **given})
        raise InputError(f"Parameters {sorted(given)} cannot be set on the finished object {what!r}; pass its class.")
    if callable(what):
        return FunctionStrategy(what, given)
    raise InputError(
        f"{what!r} is not a strategy; give a name ({', '.join(sorted(_BUILT_IN))}), a file.py:name, a function of the "
        "bars, or an object with one of the methods " + ", ".join(_METHODS) + "."
    )


def load_object(spec: str) -> Any:
    """Object that ``"path/to/file.py:name"`` or ``"package.module:name"`` names.

    Raises
    ------
    ConfigError
        If the file is not there, cannot be executed, or has no such name.
    """
    place, _, name = spec.rpartition(":")
    if not place or not name:
        raise ConfigError(f"{spec!r} must be written path/to/file.py:name or package.module:name.")
    if place.endswith(".py") or "/" in place or "\\" in place:
        module = _load_file(Path(place))
    else:
        try:
            module = importlib.import_module(place)
        except ImportError as error:
            raise ConfigError(f"Module {place!r} of strategy {spec!r} cannot be imported: {error}.") from error
    try:
        return getattr(module, name)
    except AttributeError:
        names = [key for key, value in vars(module).items() if not key.startswith("_") and callable(value)]
        hint = closest(name, names) or "."
        raise ConfigError(f"{place} has no {name!r}{hint} It has: {', '.join(names) or 'nothing'}.") from None


_METHODS: Final = ("signals", "weights", "orders", "on_bar")


def _decides(what: Any) -> bool:
    return any(callable(getattr(what, method, None)) for method in _METHODS)


def _entry_points() -> dict[str, Any]:
    global _announced
    if _announced is None:
        from importlib.metadata import entry_points

        _announced = {point.name: point for point in entry_points(group=GROUP)}
    return _announced


def _load_file(path: Path) -> Any:
    import hashlib
    from importlib.util import module_from_spec, spec_from_file_location

    if not path.is_file():
        near = [str(p) for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
        hint = closest(str(path), near) or "."
        raise ConfigError(f"There is no file {str(path)!r}{hint} Write the strategy as path/to/file.py:name.")
    source = path.read_bytes()
    # The content is part of the name: an edited file is a new module, an unchanged one the same classes again.
    key = hashlib.sha256(str(path.resolve()).encode() + b"\0" + source).hexdigest()[:16]
    module_name = f"tradewright_user_{path.stem}_{key}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{str(path)!r} is not a Python file.")
    module = module_from_spec(spec)
    sys.modules[module_name] = module  # pickling and annotations look the module up there
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)  # so that the file may import its neighbours
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(module_name, None)
        line = _line_in(error, str(path))
        raise ConfigError(f"{path}{line} cannot be loaded: {type(error).__name__}: {error}.") from error
    finally:
        sys.path.remove(folder)
    return module


def _line_in(error: BaseException, path: str) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f", line {error.lineno},"
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}," if line else ""
