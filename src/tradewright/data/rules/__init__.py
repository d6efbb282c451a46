"""The rules by which bars are judged.

Entry points: `Rule` (the one protocol), `Series` (what a rule is handed), `Hits` (what it answers), `DEFAULT_RULES`
(every load), `FULL_RULES` (``tradewright data check``: also what needs the exchange's calendar or robust statistics),
`screen`, `rule_named`.

Every rule is an object with a name, a stage and one method, ``hits(series)``. Stages run in this order, each on what
the one before left over:

| stage | the series it sees | an error means |
|---|---|---|
| ``row`` | rows as they came | this row is no bar |
| ``level`` | good rows, sorted, one a stamp | these rows are in another unit |
| ``series`` | what is left | (warnings and information only) |

Invariants: rules never change data and never raise on bad data; every rule, also one from outside, sits the exam
`tradewright.testing.check_rule`; a name stands for one rule.
"""

from __future__ import annotations

from typing import Final

from .base import LARGEST_PRICE, ROUNDING, Hits, Rule, Series
from .course import GapRule, ScaleRule, SplitRule, StaleRule, gap_limit
from .rows import ROW_RULES, MissingRule, PriceRule, RelationRule, StampRule, VolumeRule, WickRule
from .screening import Screen, screen

__all__ = [
    "DEFAULT_RULES",
    "LARGEST_PRICE",
    "ROUNDING",
    "GapRule",
    "Hits",
    "MissingRule",
    "PriceRule",
    "RelationRule",
    "Rule",
    "ScaleRule",
    "Screen",
    "Series",
    "SplitRule",
    "StaleRule",
    "StampRule",
    "VolumeRule",
    "WickRule",
    "gap_limit",
    "screen",
]

DEFAULT_RULES: Final[tuple[Rule, ...]] = (*ROW_RULES, ScaleRule(), SplitRule(), StaleRule(), GapRule())
"""What every load is judged by: cheap, and in need of no calendar."""
