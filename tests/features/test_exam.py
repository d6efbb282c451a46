"""Every indicator of the registry sits the one exam, with its defaults and with other parameters."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from tradewright.features import indicators
from tradewright.features.indicators.spec import Indicator, choice, define, whole
from tradewright.testing import check_indicator

NEEDED: dict[str, dict[str, Any]] = {"vwap_anchored": {"anchor": "1970-01-20"}}
OURS = [name for name in indicators.names() if indicators.indicator(name).engine == "tradewright"]
THEIRS = [name for name in indicators.names() if indicators.indicator(name).engine == "TA-Lib"]


@pytest.mark.parametrize("name", OURS)
def test_with_the_defaults(name: str) -> None:
    check_indicator(name, n=120, **NEEDED.get(name, {}))


@pytest.mark.parametrize("name", OURS)
def test_with_other_parameters(name: str) -> None:
    """Every choice once, and smaller windows, so that no default hides anything."""
    item = indicators.indicator(name)
    tried = 0
    for p in item.params:
        for value in p.choices[1:] if p.kind == "choice" else [p.default + 1] if p.kind == "int" else []:
            params = {**NEEDED.get(name, {}), p.name: value}
            try:
                item.checked(params)
            except ValueError:
                continue  # does not fit the other defaults
            check_indicator(name, n=40, **params)
            tried += 1
    assert tried or not any(p.kind in {"choice", "int"} for p in item.params) or name in {"frama"}


@pytest.mark.parametrize("name", THEIRS)
def test_what_talib_computes(name: str) -> None:
    if importlib.util.find_spec("talib") is None:
        pytest.skip("TA-Lib is not installed (extra: ta)")
    if name.startswith("cdl_"):
        check_indicator(name, n=60)
    else:
        check_indicator(name, n=60)


def test_there_are_more_than_a_hundred_of_ours() -> None:
    assert len(OURS) > 150
    assert len(OURS) + len(THEIRS) > 220


# --- the exam finds what it looks for


def test_a_look_ahead_by_cutting() -> None:
    def centred(x):
        out = np.full_like(x, np.nan)
        out[2:] = x[2:] - x.mean()
        return out

    with pytest.raises(AssertionError, match="looks ahead"):
        check_indicator(centred, warm_up=3)


def test_a_look_ahead_of_one_row() -> None:
    def tomorrow(x):
        out = np.append(x[1:], x[-1:])
        out[:2] = np.nan
        return out

    with pytest.raises(AssertionError, match="looks ahead"):
        check_indicator(tomorrow, warm_up=3)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda x: np.where(np.arange(x.size) < 3, np.nan, x), "before its warm-up"),
        (lambda x: np.where(np.arange(x.size) < 5, np.nan, x), "after its warm-up"),
        (lambda x: np.where(np.arange(x.size) < 4, np.nan, x).astype(np.float32), "not float64"),
        (lambda x: np.where(np.arange(x.size) < 4, np.nan, x)[:, None], "shape"),
        (lambda x: np.where(np.arange(x.size) < 4, np.nan, np.cumsum(x)), "come back"),
        (lambda x: np.where(np.arange(x.size) < 4, np.nan, np.nan_to_num(x)), "missing bar"),
    ],
)
def test_a_wrong_function(function: Any, sentence: str) -> None:
    if "before" in sentence:
        with pytest.raises(AssertionError, match=sentence):
            check_indicator(function, warm_up=5)
    else:
        with pytest.raises(AssertionError, match=sentence):
            check_indicator(function, warm_up=5)


def test_inputs_that_are_written_to() -> None:
    def greedy(x):
        x *= 1.0
        x[0] = 0.0
        return np.where(np.arange(x.size) < 1, np.nan, x * 1.0)

    with pytest.raises(AssertionError, match="writes to its input"):
        check_indicator(greedy, warm_up=2)


def test_infinity_on_values_that_stand_still() -> None:
    def inverse(x):
        out = np.full_like(x, np.nan)
        out[1:] = 1.0 / np.abs(np.diff(x))
        return out

    with pytest.raises(AssertionError, match="infinite"):
        check_indicator(inverse, warm_up=2)


def test_a_function_must_say_its_warm_up() -> None:
    with pytest.raises(AssertionError, match="warm_up"):
        check_indicator(lambda x: x)


def test_an_entry_of_ones_own_sits_it_too() -> None:
    from tradewright.features.indicators import graph as g
    from tradewright.features.indicators.spec import REGISTRY

    @define("Mean of mine", family="average", params=[whole("window", 4), choice("of", "x", "y")], source="nobody")
    def mean_of_mine(x, p):
        return g.mean(x.close, p.window)

    try:
        item = indicators.indicator("mean_of_mine")
        assert isinstance(item, Indicator)
        check_indicator(item, n=40)
        assert indicators.mean_of_mine([1.0, 3.0], window=2).tolist()[1] == 2.0
    finally:
        del REGISTRY["mean_of_mine"]
