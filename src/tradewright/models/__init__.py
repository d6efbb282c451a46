"""Everything that learns, and what keeps it honest.

Entry points: `validation` (splitters that purge by label spans).

Invariants: nothing here is fitted on what it is tested on.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.models import validation

__all__ = ["validation"]


def __getattr__(name: str) -> Any:
    if name == "validation":
        return importlib.import_module(".validation", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
