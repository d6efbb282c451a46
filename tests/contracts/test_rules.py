"""Every built-in data rule sits the exam, a name stands for one rule, and the exam finds what it is for."""

from __future__ import annotations

import numpy as np
import pytest

from tradewright.data.rules import DEFAULT_RULES, FULL_RULES, Hits, Rule, Series, rules_by_name
from tradewright.testing import check_rule


@pytest.mark.parametrize("name", sorted(rules_by_name()))
def test_a_built_in_rule_passes_its_exam(name: str) -> None:
    check_rule(rules_by_name()[name])


def test_a_name_stands_for_one_rule() -> None:
    for rules in (DEFAULT_RULES, FULL_RULES):
        names = [rule.name for rule in rules]
        assert len(names) == len(set(names))
    assert {rule.name for rule in (*DEFAULT_RULES, *FULL_RULES)} <= set(rules_by_name())


def test_rules_of_two_modules_cannot_shadow_each_other() -> None:
    """A rule is an object under a name of its own, so two classes of one name live side by side."""

    class PriceRule:
        """Prices are above ten."""

        name = "above_ten"
        stage = "row"

        def hits(self, series: Series) -> list[Hits]:
            rows = np.flatnonzero(series.close <= 10.0)
            return [Hits(rows, "error", "{value:g} is not above 10", series.close[rows])] if rows.size else []

    from tradewright.data import check
    from tradewright.domain.bars import Bars

    check_rule(PriceRule())
    bars = Bars.from_arrays(None, [5.0, -1.0], [5.0, 2.0], [5.0, -1.0], [5.0, 2.0], symbols="A")
    found = check(bars, rules=[*DEFAULT_RULES, PriceRule()])
    assert found.count("price") == 1
    assert found.count("above_ten") == 1


class _Rule:
    """A rule with a fault."""

    name = "faulty"
    stage = "row"

    def hits(self, series: Series) -> list[Hits]:
        return []


class Raises(_Rule):
    """Trips over an empty series."""

    def hits(self, series: Series) -> list[Hits]:
        first = series.close[0]
        return [Hits(np.arange(1), "info", "{value:g}", np.array([first]))] if first < 0.0 else []


class Changes(_Rule):
    """Mends what it should judge."""

    def hits(self, series: Series) -> list[Hits]:
        series.close[:] = np.nan_to_num(series.close)
        return []


class Shouts(_Rule):
    """Takes clean bars out."""

    def hits(self, series: Series) -> list[Hits]:
        rows = np.arange(series.close.size)
        return [Hits(rows, "error", "no", series.close)] if rows.size else []


class Moody(_Rule):
    """Answers differently when asked twice."""

    asked = 0

    def hits(self, series: Series) -> list[Hits]:
        self.asked += 1
        rows = np.arange(min(series.close.size, self.asked))
        return [Hits(rows, "info", "hm", series.close[rows])] if rows.size else []


class Outside(_Rule):
    """Names rows that are not there."""

    def hits(self, series: Series) -> list[Hits]:
        return [Hits(np.array([series.close.size + 5]), "info", "there", np.array([1.0]))]


class Unfilled(_Rule):
    """Leaves a hole in its sentence."""

    def hits(self, series: Series) -> list[Hits]:
        return [Hits(np.arange(1), "info", "{price:g}", series.close[:1])] if series.close.size else []


class Nameless(_Rule):
    """Cannot be asked for."""

    name = "not a word"


class Late(_Rule):
    """Runs never."""

    stage = "afterwards"


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (Raises(), "raises IndexError on no rows"),
        (Changes(), "raises ValueError"),
        (Shouts(), "takes rows out of clean bars"),
        (Moody(), "differently when asked twice"),
        (Outside(), "outside of the 0 rows"),
        (Unfilled(), "cannot be filled in"),
        (Nameless(), "no word"),
        (Late(), "the stage 'afterwards'"),
        (object(), "does not have the members"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_the_exam_finds(rule: Rule, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_rule(rule)
