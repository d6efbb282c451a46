"""Conditions over parameters mean what Python means by them, and nothing else can be written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewright.domain.errors import InputError
from tradewright.strategies.constraints import Constraint

TEXTS = [
    "a < b",
    "1 <= a < b <= 9",
    "a + b * 2 > 10 and not a == b",
    "a % 2 == 0 or b // 3 == 1",
    "abs(a - b) >= 3",
    "max(a, b) - min(a, b) != 4",
    "a in (1, 3, 5)",
    "a not in [2, 4] and -a < b",
]


@pytest.mark.parametrize("text", TEXTS)
@given(values=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=20))
def test_a_condition_means_what_python_means(text: str, values: list[tuple[int, int]]) -> None:
    want = [bool(eval(text, {}, {"a": a, "b": b, "abs": abs, "min": min, "max": max})) for a, b in values]
    condition = Constraint(text)
    assert [condition({"a": a, "b": b}) for a, b in values] == want
    columns = {"a": np.array([a for a, _ in values]), "b": np.array([b for _, b in values])}
    assert condition.mask(columns).tolist() == want


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "a.b < 3",
        "[x for x in (1,)]",
        "lambda: 1",
        "a[0] < 1",
        "f'{a}'",
        "open('x')",
        "a <",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Constraint(text)


def test_words_can_be_compared_in_columns() -> None:
    columns = {"on": np.array(["cross", "state"], dtype=object), "n": np.array([1, 2])}
    assert Constraint("on == 'state' and n > 1").mask(columns).tolist() == [False, True]


def test_an_unknown_name_gets_its_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'slow'"):
        Constraint("fast < slwo")({"fast": 1, "slow": 2})
