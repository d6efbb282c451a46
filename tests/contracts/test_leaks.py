"""Every planted leak is caught, every clean control and everything shipped is passed."""

import pytest

import tradewright as tw
from tradewright.engine.lookahead import built_ins, check_built_ins
from tradewright.testing.controls import clean_controls
from tradewright.testing.leaks import Planted, planted_leaks


@pytest.mark.parametrize("item", planted_leaks(), ids=lambda item: item.name)
def test_a_planted_leak_is_caught(item: Planted) -> None:
    found = tw.check_lookahead(item.make(), kind=item.kind, **item.options)
    assert not found.clean
    assert set(found.rules) & set(item.rules), f"found {found.rules}, planted {item.rules}"
    first = next(leak for leak in found.leaks if leak.rule in item.rules)
    assert first.sentence.endswith(".")
    assert first.next_step
    if item.looks_ahead is not None:
        assert first.looks_ahead == item.looks_ahead
    if first.rule == "future":
        assert first.row is not None
        assert first.looks_ahead is not None
        assert first.looks_ahead >= 1
        assert first.fields


@pytest.mark.parametrize("item", clean_controls(), ids=lambda item: item.name)
def test_a_clean_control_is_passed(item: Planted) -> None:
    found = tw.check_lookahead(item.make(), kind=item.kind, sweep=60, **item.options)
    assert found.clean, repr(found)
    assert found.as_dict()["answers"] > 0


def test_there_are_forty_planted_leaks_and_every_rule_has_one() -> None:
    items = planted_leaks()
    assert len(items) >= 40
    assert len({item.name for item in items}) == len(items)
    planted = {rule for item in items for rule in item.rules}
    # Files, other processes, streams and folds that repeat rows are planted in tests/engine/test_lookahead.py.
    assert planted == {"future", "length", "facts", "span", "overlap", "embargo", "memory", "chance", "clock", "hidden",
                       "independent", "names", "input", "warm_up", "fitted"}  # fmt: skip


def test_everything_shipped_is_listed() -> None:
    kinds = {item.kind for item in built_ins()}
    assert {"strategy", "indicator", "label", "splitter"} <= kinds
    assert sum(not item.why_not for item in built_ins()) >= 150


@pytest.mark.parametrize("kind", ["strategy", "label", "splitter"])
def test_what_is_shipped_is_clean(kind: str) -> None:
    outcomes = check_built_ins(kind=kind, workers=1)
    assert outcomes
    for outcome in outcomes:
        assert outcome.certificate is not None, outcome.why_not
        assert outcome.clean, outcome.certificate["leaks"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["indicator", "feature"])
def test_no_alarm_on_the_indicators_and_features(kind: str) -> None:
    outcomes = check_built_ins(kind=kind, workers=2)
    wrong = {o.item.name: o.certificate["leaks"][0]["sentence"] for o in outcomes if o.certificate and not o.clean}
    assert not wrong
    assert sum(o.clean for o in outcomes) >= (250 if kind == "indicator" else 50)
