from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from tradewright import domain
from tradewright.domain.bars import Bar
from tradewright.domain.errors import InputError, InvariantError
from tradewright.domain.events import Command, CommandKind, Event, Slice
from tradewright.domain.forecasts import FLAT, HOLD, LONG, SHORT, Regime, Signal, TargetWeights
from tradewright.domain.instrument import Instrument

SPY, TLT = Instrument("SPY"), Instrument("TLT")


def test_a_cause_is_an_earlier_event() -> None:
    wish = Command(kind=CommandKind.HALT, ts=0, author="operator")
    assert Event(3, 0, 2, wish).payload is wish
    for seq, cause in ((3, 3), (3, 4), (3, -1), (-1, None)):
        with pytest.raises(InvariantError):
            Event(seq, 0, cause, wish)


def test_a_slice_knows_its_bars() -> None:
    market = Slice(ts=1, bars=(Bar(1, SPY, 1, 1, 1, 1),))
    assert market.bar(SPY) is market.bars[0]
    assert market.bar(TLT) is None


def test_signal_codes_are_the_engines() -> None:
    assert (LONG, FLAT, SHORT, HOLD) == (1, 0, -1, -128)


@pytest.mark.parametrize("fields", [{"score": 1.1}, {"score": 0.0, "confidence": -0.1}, {"score": 0.0, "horizon": -1}])
def test_a_signal_stays_in_its_range(fields: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Signal(ts=0, instrument=SPY, strategy="x", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "probabilities", [(), (("a", 0.5),), (("a", 0.5), ("a", 0.5)), (("a", 1.5), ("b", -0.5)), (("a", float("nan")),)]
)
def test_a_regime_is_a_distribution(probabilities: tuple[tuple[str, float], ...]) -> None:
    with pytest.raises(InputError):
        Regime(ts=0, probabilities=probabilities)


def test_target_weights_are_sorted_and_leave_the_rest_in_cash() -> None:
    target = TargetWeights.of(0, {TLT: 0.3, SPY: -0.2})
    assert [i.id for i, _ in target.weights] == ["SPY", "TLT"]
    assert target.weight(SPY) == -0.2
    assert target.weight(Instrument("GLD")) is None
    assert target.cash == pytest.approx(0.9)
    assert target == TargetWeights.of(0, {SPY: -0.2, TLT: 0.3})
    with pytest.raises(InputError):
        TargetWeights(ts=0, weights=((TLT, 0.3), (SPY, 0.2)))
    with pytest.raises(InputError):
        TargetWeights.of(0, {SPY: float("nan")})


def test_every_noun_is_frozen_slotted_and_comparable() -> None:
    nouns = [getattr(domain, name) for name in domain.__all__]
    classes = [noun for noun in nouns if isinstance(noun, type) and dataclasses.is_dataclass(noun)]
    assert len(classes) > 20
    for noun in classes:
        assert noun.__dataclass_params__.frozen, noun  # type: ignore[attr-defined]
        assert "__slots__" in vars(noun), noun


def test_every_public_name_is_reached_from_the_package() -> None:
    for name in domain.__all__:
        assert getattr(domain, name) is not None
    with pytest.raises(AttributeError, match="did you mean 'Bar' or 'Bars'"):
        _ = domain.Barz


def test_the_package_needs_nothing_but_numpy() -> None:
    heavy = "pandas polars pyarrow sqlalchemy pydantic typer rich structlog plotly scipy"
    code = (
        "import sys, tradewright.domain as d\n"
        "[getattr(d, n) for n in d.__all__]\n"
        f"print([m for m in '{heavy}'.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
