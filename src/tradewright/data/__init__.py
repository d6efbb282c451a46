"""Gets market data, judges whether it can be believed, and lays it out as bars.

Entry points: `load`, `load_with_report`, `bars_from`, `check`, `clean`, `align`, `resample`, `sessions`,
`periods_per_year`, `session_ordinals`, `session_dates`, `require_warm_up`.

Names are loaded when they are first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calendars import Sessions, periods_per_year, session_dates, session_ordinals, sessions
    from .frames import bars_and_report, bars_from
    from .grid import align, between_sessions, require_warm_up, resample
    from .intervals import interval_name, interval_ns
    from .sanity import UNCHECKED_NOTE, Sanity, SanityReport, check, clean
    from .service import load, load_with_report

__all__ = [
    "UNCHECKED_NOTE",
    "Sanity",
    "SanityReport",
    "Sessions",
    "align",
    "bars_and_report",
    "bars_from",
    "between_sessions",
    "check",
    "clean",
    "interval_name",
    "interval_ns",
    "load",
    "load_with_report",
    "periods_per_year",
    "require_warm_up",
    "resample",
    "session_dates",
    "session_ordinals",
    "sessions",
]

_HOME = {
    "calendars": ("Sessions", "periods_per_year", "session_dates", "session_ordinals", "sessions"),
    "frames": ("bars_and_report", "bars_from"),
    "grid": ("align", "between_sessions", "require_warm_up", "resample"),
    "intervals": ("interval_name", "interval_ns"),
    "sanity": ("UNCHECKED_NOTE", "Sanity", "SanityReport", "check", "clean"),
    "service": ("load", "load_with_report"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
