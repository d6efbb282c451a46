"""The nouns, events, errors, and the ports that others implement.

Everything here is frozen, slotted, comparable, free of I/O and of pandas. Names are imported from this package or
from their module; both are the same objects. They are loaded when first asked for, so importing the package is free.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .actions import ActionKind, CorporateAction
    from .bars import Bar, Bars, Instant, Provenance, instant_ns, utc
    from .errors import TradewrightError, closest
    from .instrument import AssetClass, Instrument, OptionKind, asset_class_of

_HOME = {
    "actions": ("ActionKind", "CorporateAction"),
    "bars": ("Bar", "Bars", "Instant", "Provenance", "instant_ns", "utc"),
    "instrument": ("AssetClass", "Instrument", "OptionKind", "asset_class_of"),
    "errors": ("TradewrightError", "closest"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "ActionKind",
    "AssetClass",
    "Bar",
    "Bars",
    "CorporateAction",
    "Instant",
    "Instrument",
    "OptionKind",
    "Provenance",
    "TradewrightError",
    "asset_class_of",
    "closest",
    "instant_ns",
    "utc",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
