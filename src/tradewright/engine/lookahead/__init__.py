"""Whether something looks ahead: the examination for leaks, and the certificate of its outcome.

Entry points: `check_lookahead`, `Certificate`, `built_ins`, `Leak`.

    import tradewright as tw
    found = tw.check_lookahead("sma_cross")
    found = tw.check_lookahead("my_rule.py:MyRule", tw.load("SPX"))
    print(found)
    found.save("my_rule.certificate.json")

Invariants: a subject is asked about bars and about the same bars with another future, and what it says about the past
must be the same bits; a certificate says all that was checked and all that was not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.engine.lookahead.certificate import Certificate
    from tradewright.engine.lookahead.check import check_lookahead
    from tradewright.engine.lookahead.findings import RULES, Leak
    from tradewright.engine.lookahead.futures import exam_markets
    from tradewright.engine.lookahead.shipped import BuiltIn, built_ins, check_built_ins

__all__ = ["RULES", "BuiltIn", "Certificate", "Leak", "built_ins", "check_built_ins", "check_lookahead", "exam_markets"]

_HOME = {
    "BuiltIn": "shipped",
    "Certificate": "certificate",
    "Leak": "findings",
    "RULES": "findings",
    "built_ins": "shipped",
    "check_built_ins": "shipped",
    "check_lookahead": "check",
    "exam_markets": "futures",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
