from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewright.domain.errors import InputError
from tradewright.domain.money import UNIT, floor_lot, floor_units, from_units, mul, mul_div, to_units

AMOUNTS = st.integers(-(10**30), 10**30)


@given(AMOUNTS, AMOUNTS)
def test_a_product_is_rounded_half_to_even_once(a: int, b: int) -> None:
    with localcontext() as context:
        context.prec = 120
        exact = (Decimal(a) * Decimal(b) / UNIT).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    assert mul(a, b) == mul(b, a) == int(exact)


@given(AMOUNTS, AMOUNTS, st.integers(-(10**20), 10**20).filter(bool))
def test_a_quotient_is_the_nearest_integer(a: int, b: int, divisor: int) -> None:
    assert mul_div(a, b, divisor) == round(Fraction(a * b, divisor))


@given(st.decimals(-(10**9), 10**9, places=12))
def test_decimals_and_text_are_exact(value: Decimal) -> None:
    assert to_units(value) == to_units(str(value)) == int(value.scaleb(12))


@given(st.floats(-1e9, 1e9))
def test_a_float_is_its_product_rounded(value: float) -> None:
    assert to_units(value) == round(value * 1e12)
    assert from_units(to_units(value)) == pytest.approx(value, rel=1e-12, abs=1e-12)


@given(AMOUNTS, st.integers(0, 10**15))
def test_whole_lots_never_exceed_the_quantity(units: int, lot: int) -> None:
    cut = floor_lot(units, lot)
    assert abs(cut) <= abs(units)
    assert cut * units >= 0
    if lot:
        assert cut % lot == 0
        assert abs(units) - abs(cut) < lot
    else:
        assert cut == units


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "ten", "nan", Decimal("Infinity"), 10**27, 1e27])
def test_what_is_no_amount_is_refused(value: object) -> None:
    with pytest.raises(InputError):
        to_units(value)  # type: ignore[arg-type]


def test_affordable_quantities_are_cut_down() -> None:
    assert floor_units(1.9999999999999) <= to_units("1.9999999999999") + 1
    assert floor_units(0.3) == 300_000_000_000
    with pytest.raises(InputError):
        floor_units(float("nan"))
