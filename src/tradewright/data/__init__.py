"""Gets market data, judges whether it can be believed, and lays it out as bars.

Entry points: `load`, `load_with_report`, `bars_from`, `check`, `clean`, `align`, `resample`, `sessions`,
`periods_per_year`, `session_ordinals`, `session_dates`, `require_warm_up`; about belief: `Sanity`, `examine`,
`coverage`, `missing_sessions`, `missing_bars`, `quality`, `require_quality`, `disagreements`, `filled`, `winsorised`;
order books and trades: `read_depth`, `read_trades`.

Names are loaded when they are first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agreement import Agreement, disagreements
    from .calendars import Sessions, periods_per_year, session_dates, session_ordinals, sessions
    from .completeness import Coverage, coverage, missing_bars, missing_sessions
    from .corporate import read_actions
    from .depth import read_depth
    from .examination import Examination, examine
    from .fill import Filled, filled
    from .frames import bars_and_report, bars_from
    from .grid import align, between_sessions, regular_hours, require_warm_up, resample
    from .intervals import interval_name, interval_ns
    from .outliers import winsorised
    from .rules import DEFAULT_RULES, FULL_RULES
    from .sanity import UNCHECKED_NOTE, Sanity, SanityReport, check, clean
    from .scores import Quality, quality, require_quality, rolling_quality
    from .service import load, load_with_report
    from .trades import read_trades
    from .verdicts import Judgement, Limits, Verdict

__all__ = [
    "DEFAULT_RULES",
    "FULL_RULES",
    "UNCHECKED_NOTE",
    "Agreement",
    "Coverage",
    "Examination",
    "Filled",
    "Judgement",
    "Limits",
    "Quality",
    "Sanity",
    "SanityReport",
    "Sessions",
    "Verdict",
    "align",
    "bars_and_report",
    "bars_from",
    "between_sessions",
    "check",
    "clean",
    "coverage",
    "disagreements",
    "examine",
    "filled",
    "interval_name",
    "interval_ns",
    "load",
    "load_with_report",
    "missing_bars",
    "missing_sessions",
    "periods_per_year",
    "quality",
    "read_actions",
    "read_depth",
    "read_trades",
    "regular_hours",
    "require_quality",
    "require_warm_up",
    "resample",
    "rolling_quality",
    "session_dates",
    "session_ordinals",
    "sessions",
    "winsorised",
]

_HOME = {
    "agreement": ("Agreement", "disagreements"),
    "calendars": ("Sessions", "periods_per_year", "session_dates", "session_ordinals", "sessions"),
    "completeness": ("Coverage", "coverage", "missing_bars", "missing_sessions"),
    "depth": ("read_depth",),
    "examination": ("Examination", "examine"),
    "fill": ("Filled", "filled"),
    "frames": ("bars_and_report", "bars_from"),
    "corporate": ("read_actions",),
    "grid": ("align", "between_sessions", "regular_hours", "require_warm_up", "resample"),
    "intervals": ("interval_name", "interval_ns"),
    "outliers": ("winsorised",),
    "scores": ("Quality", "quality", "require_quality", "rolling_quality"),
    "rules": ("DEFAULT_RULES", "FULL_RULES"),
    "sanity": ("UNCHECKED_NOTE", "Sanity", "SanityReport", "check", "clean"),
    "service": ("load", "load_with_report"),
    "trades": ("read_trades",),
    "verdicts": ("Judgement", "Limits", "Verdict"),
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
