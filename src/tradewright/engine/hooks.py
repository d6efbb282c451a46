"""What the engine asks of the application without importing it.

Entry points: `hook`, `register_hook`.

A hook is a name with a function behind it. The table below says where the shipped functions live; they are imported
when first called, so that `backtest` on arrays costs nothing of the configuration or the report. A program that
brings its own report or configuration registers another function under the same name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from tradewright.domain.errors import InputError, closest

__all__ = ["hook", "register_hook"]

_SHIPPED: Final = {
    "config.resolve": "tradewright.app.config:resolve",
    "config.settings": "tradewright.app.config:engine_settings",
    "report.write": "tradewright.app.report:write",
    "report.plot": "tradewright.app.report:plot",
    "report.heatmap": "tradewright.app.report:write_heatmap",
}
_registered: dict[str, Callable[..., Any]] = {}


def register_hook(name: str, function: Callable[..., Any]) -> None:
    """Put a function behind a name.

    Raises
    ------
    InputError
        If there is no hook of that name.
    """
    if name not in _SHIPPED:
        raise InputError(f"There is no hook {name!r}{closest(name, _SHIPPED) or '.'} Known: {', '.join(_SHIPPED)}.")
    _registered[name] = function


def hook(name: str) -> Callable[..., Any]:
    """Return the function behind a name, imported now if it was not before.

    Raises
    ------
    InputError
        If there is no hook of that name.
    """
    found = _registered.get(name)
    if found is None:
        place = _SHIPPED.get(name)
        if place is None:
            raise InputError(f"There is no hook {name!r}{closest(name, _SHIPPED) or '.'} Known: {', '.join(_SHIPPED)}.")
        module, _, attribute = place.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        _registered[name] = found
    return found
