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
from .deep import SPIKE, CalendarRule, FutureRule, OutlierRule, VolumeUnitRule, return_z, spikes
from .rows import ROW_RULES, MissingRule, PriceRule, RelationRule, StampRule, VolumeRule, WickRule
from .screening import Screen, screen

__all__ = [
    "DEFAULT_RULES",
    "FULL_RULES",
    "LARGEST_PRICE",
    "ROUNDING",
    "SPIKE",
    "CalendarRule",
    "FutureRule",
    "GapRule",
    "Hits",
    "MissingRule",
    "OutlierRule",
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
    "VolumeUnitRule",
    "WickRule",
    "future_rule",
    "gap_limit",
    "return_z",
    "rules_by_name",
    "screen",
    "spikes",
]

DEFAULT_RULES: Final[tuple[Rule, ...]] = (*ROW_RULES, ScaleRule(), SplitRule(), StaleRule(), GapRule())
"""What every load is judged by: cheap, and in need of no calendar."""

FULL_RULES: Final[tuple[Rule, ...]] = (
    *(rule for rule in DEFAULT_RULES if not isinstance(rule, GapRule)),
    CalendarRule(),
    OutlierRule(),
    VolumeUnitRule(),
)
"""What data is judged by when somebody asks: gaps by the exchange's calendar, outliers, units of volume."""


def rules_by_name() -> dict[str, Rule]:
    """Every built-in rule by the name that options take, `FutureRule` against the clock of this moment.

    Examples
    --------
    >>> sorted(rules_by_name())[:4]
    ['calendar', 'future', 'gap', 'missing']
    """
    return {rule.name: rule for rule in (*DEFAULT_RULES, *FULL_RULES, future_rule())}


def future_rule(now: int | None = None) -> FutureRule:
    """Rule against stamps later than `now` (nanoseconds UTC), by default the clock of this machine."""
    import time

    return FutureRule(time.time_ns() if now is None else now)
