"""A strategy is found by whatever a user calls it, and what is wrong is said in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tradewright.domain.errors import ConfigError, InputError
from tradewright.strategies.base import FunctionStrategy, Strategy
from tradewright.strategies.registry import load_object, make_strategy, register, strategy_class


def test_names_classes_instances_and_functions_become_strategies() -> None:
    cls = strategy_class("sma_cross")
    one = make_strategy("sma_cross", {"fast": 3, "slow": 7})
    assert make_strategy(cls, {"fast": 3, "slow": 7}).params == one.params
    assert make_strategy(one) is one
    assert make_strategy(one, {"fast": 4}).params["fast"] == 4
    assert one.params["fast"] == 3, "the instance that was given is left as it was"
    assert isinstance(make_strategy(lambda bars: np.zeros(bars.n_bars)), FunctionStrategy)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"fats": 3}, "no parameter 'fats', did you mean 'fast'"),
        ({"fast": 1.5}, "whole number"),
        ({"fast": "x"}, "whole number"),
        ({"fast": True}, "whole number"),
        ({"on": "crossing"}, "did you mean 'cross'"),
        ({"fast": 50, "slow": 20}, "needs 1 <= fast < slow, not fast=50, slow=20"),
        ({"fast": 0, "slow": 20}, "needs 1 <= fast < slow"),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_value(params: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make_strategy("sma_cross", params)


def test_a_whole_float_and_a_numpy_integer_are_whole_numbers() -> None:
    made = make_strategy("sma_cross", {"fast": 5.0, "slow": np.int64(9)})
    assert made.params["fast"] == 5
    assert type(made.params["fast"]) is int
    assert type(made.params["slow"]) is int


def test_a_name_belongs_to_one_class() -> None:
    class Mine(Strategy):
        name = "sma_cross"

        def signals(self, bars):
            return np.zeros(bars.close.shape)

    with pytest.raises(InputError, match="exists already"):
        register(Mine)


def test_a_parameter_needs_a_default() -> None:
    with pytest.raises(InputError, match="has no default"):

        class Bad(Strategy):
            window: int


def test_parameters_are_inherited() -> None:
    class Base(Strategy):
        window: int = 3

        def signals(self, bars):
            return np.zeros(bars.close.shape)

    class Child(Base):
        factor: float = 2.0

    assert Child(window=4).params == {"window": 4, "factor": 2.0}
    assert Child.name == "child"
    assert Base().params == {"window": 3}


FILE = """
import numpy as np
import tradewright as tw

class Mine(tw.Strategy):
    window: int = 4
    def signals(self, bars):
        return np.zeros(bars.close.shape)

def rule(bars, level=1.0):
    return bars.close > level
"""


def test_a_users_file_is_loaded_and_reloaded_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    first = load_object(f"{path}:Mine")
    assert load_object(f"{path}:Mine") is first, "an unchanged file is executed once"
    assert make_strategy(f"{path}:rule", {"level": 2.0}).params == {"level": 2.0}
    path.write_text(FILE.replace("window: int = 4", "window: int = 9"))
    assert make_strategy(f"{path}:Mine").params == {"window": 9}


@pytest.mark.parametrize(
    ("body", "name", "sentence"),
    [
        (FILE, "Mien", "did you mean 'Mine'"),
        ("x = (", "Mine", "line 1, cannot be loaded: SyntaxError"),
        ("import numpy\n\nraise ValueError('no')\n", "Mine", "line 3, cannot be loaded: ValueError: no"),
    ],
)
def test_what_is_wrong_in_a_users_file_is_said(tmp_path: Path, body: str, name: str, sentence: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(body)
    with pytest.raises(ConfigError, match=sentence):
        load_object(f"{path}:{name}")


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "rule.py").write_text(FILE)
    with pytest.raises(ConfigError, match=r"rule\.py"):
        load_object(f"{tmp_path}/rules.py:Mine")


def test_something_else_is_no_strategy() -> None:
    with pytest.raises(InputError, match="is not a strategy"):
        make_strategy(3.5)
    with pytest.raises(InputError, match="none of the methods"):
        make_strategy(dict)


def test_a_function_refuses_parameters_it_does_not_take() -> None:
    def rule(bars, level=1.0):
        return bars.close > level

    with pytest.raises(InputError, match="no parameter 'levle', did you mean 'level'"):
        make_strategy(rule, {"levle": 2})
