from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.errors import InputError, MissingDataError, PortfolioUpdateError
from tradewright.domain.instrument import Instrument
from tradewright.domain.money import to_units
from tradewright.domain.orders import Fill
from tradewright.domain.portfolio import CashKind, CashMovement, Portfolio, Position

SPY = Instrument("SPY", lot=1.0)
BTC = Instrument("BTC-USD")
ES = Instrument("ESZ24", multiplier=50.0, expiry=dt.date(2024, 12, 20))
INSTRUMENTS = (SPY, BTC, ES)

quantities = st.decimals("-1000", "1000", places=8).filter(bool)
prices = st.decimals("0.01", "100000", places=6)
fees = st.decimals("-5", "50", places=6)
fills = st.builds(lambda i, q, p, f: Fill.of(i, q, p, fee=f), st.sampled_from(INSTRUMENTS), quantities, prices, fees)
movements = st.builds(
    lambda a: CashMovement.of(CashKind.DEPOSIT if a >= 0 else CashKind.WITHDRAWAL, a),
    st.decimals("-10000", "10000", places=6),
)
actions = st.one_of(
    st.builds(
        lambda i, r: CorporateAction(ts=0, instrument=i, kind=ActionKind.SPLIT, value=r),
        st.sampled_from(INSTRUMENTS),
        st.sampled_from([2.0, 3.0, 0.5, 0.1, 1.05, 1 / 3]),
    ),
    st.builds(
        lambda i, d: CorporateAction(ts=0, instrument=i, kind=ActionKind.DIVIDEND, value=d),
        st.sampled_from(INSTRUMENTS),
        st.floats(0, 5),
    ),
    st.builds(
        lambda i, d: CorporateAction(ts=0, instrument=i, kind=ActionKind.DELISTING, value=d),
        st.sampled_from(INSTRUMENTS),
        st.floats(0, 50),
    ),
)


def accounted(portfolio: Portfolio) -> int:
    """Realised profit less what open positions cost, in units."""
    return sum(p.realised_units - p.cost_units - p.fees_units for p in portfolio.positions)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.one_of(fills, movements, actions), max_size=25))
def test_money_is_conserved_to_the_last_unit(cash: int, facts: list[Fill | CashMovement | CorporateAction]) -> None:
    portfolio = Portfolio.of(cash)
    moved = 0
    for fact in facts:
        before = portfolio
        portfolio = portfolio.apply(fact)
        if isinstance(fact, Fill):
            assert portfolio.cash_units - before.cash_units == fact.cash_units
        elif isinstance(fact, CashMovement):
            moved += fact.amount_units
    assert portfolio.cash_units == to_units(cash) + moved + accounted(portfolio)
    for position in portfolio.positions:
        if not position.quantity_units:
            assert position.cost_units == position.fees_units == 0


@settings(max_examples=200, deadline=None)
@given(st.lists(fills, max_size=15))
def test_quantities_are_the_sum_of_fills_and_cash_the_sum_of_flows(script: list[Fill]) -> None:
    portfolio = Portfolio.of(0)
    for fill in script:
        portfolio = portfolio.apply(fill)
    for instrument in INSTRUMENTS:
        own = [fill for fill in script if fill.instrument == instrument]
        assert portfolio.position(instrument).quantity_units == sum(fill.quantity_units for fill in own)
    assert portfolio.cash_units == sum(fill.cash_units for fill in script)


@settings(deadline=None)
@given(st.lists(fills, max_size=8))
def test_order_of_fills_in_different_instruments_does_not_matter(script: list[Fill]) -> None:
    by_instrument = sorted(script, key=lambda fill: fill.instrument.id)

    def fold(items: list[Fill]) -> Portfolio:
        portfolio = Portfolio.of(1000)
        for item in items:
            portfolio = portfolio.apply(item)
        return portfolio

    assert fold(script) == fold(by_instrument)


def test_a_round_trip_by_hand() -> None:
    portfolio = Portfolio.of(10_000)
    for fill in (Fill.of(SPY, 10, 100, fee=1), Fill.of(SPY, 10, 110, fee=1), Fill.of(SPY, -5, 120, fee="0.5")):
        portfolio = portfolio.apply(fill)
    position = portfolio.position(SPY)
    # 20 bought for 2,100 and 2 of fees: 105 each. 5 sold for 600, costing 525, with a quarter of the fees and 0.5.
    assert (position.quantity, position.average_price, position.realised) == (15.0, 105.0, 74.0)
    assert portfolio.cash == 10_000 - 1001 - 1101 + 599.5
    assert portfolio.equity == portfolio.cash + 15 * 120
    assert position.unrealised == 15 * 15 - 1.5


def test_a_fill_through_zero_closes_and_opens() -> None:
    portfolio = Portfolio.of(0).apply(Fill.of(SPY, 10, 100, fee=10)).apply(Fill.of(SPY, -30, 90, fee=3))
    position = portfolio.position(SPY)
    assert (position.quantity, position.average_price) == (-20.0, 90.0)
    assert position.realised == -100.0 - 10.0 - 1.0
    assert position.fees_units == to_units(2)
    assert portfolio.gross_value == 1800.0


def test_a_short_gains_when_the_price_falls() -> None:
    portfolio = Portfolio.of(1000).apply(Fill.of(SPY, -10, 50)).marked({SPY: 40.0})
    assert (portfolio.cash, portfolio.equity, portfolio.position(SPY).unrealised) == (1500.0, 1100.0, 100.0)
    assert portfolio.gross_exposure == pytest.approx(400 / 1100)


def test_a_split_changes_quantity_and_price_but_no_money() -> None:
    portfolio = Portfolio.of(1000).apply(Fill.of(SPY, 10, 50))
    split = portfolio.apply(CorporateAction(ts=0, instrument=SPY, kind=ActionKind.SPLIT, value=4.0))
    assert (split.position(SPY).quantity, split.position(SPY).average_price) == (40.0, 12.5)
    assert split.equity == portfolio.equity
    reverse = portfolio.apply(CorporateAction(ts=0, instrument=SPY, kind=ActionKind.SPLIT, value=0.25))
    assert (reverse.position(SPY).quantity, reverse.cash) == (2.0, 600.0)  # half a share at 200 is paid out
    assert reverse.equity == portfolio.equity


def test_dividends_delisting_and_change_of_symbol() -> None:
    short = Portfolio.of(0).apply(Fill.of(SPY, -10, 50))
    paid = short.apply(CorporateAction(ts=0, instrument=SPY, kind=ActionKind.DIVIDEND, value=0.5))
    assert (paid.cash, paid.position(SPY).realised) == (495.0, -5.0)
    gone = short.apply(CorporateAction(ts=0, instrument=SPY, kind=ActionKind.DELISTING))
    assert (gone.held, gone.realised, gone.cash) == ((), 500.0, 500.0)
    renamed = short.apply(CorporateAction(ts=0, instrument=SPY, kind=ActionKind.SYMBOL_CHANGE, new_symbol="SPDR"))
    assert renamed.position(Instrument("SPDR")).quantity == -10.0
    assert renamed.position(SPY).quantity == 0.0


def test_not_knowing_means_no() -> None:
    held = Portfolio(cash_units=0, positions=(Position(instrument=SPY, quantity_units=to_units(1)),))
    with pytest.raises(MissingDataError, match="No price of SPY"):
        _ = held.equity
    with pytest.raises(PortfolioUpdateError, match="EUR"):
        Portfolio.of(0).apply(Fill.of(Instrument("SAP", currency="EUR"), 1, 100))
    with pytest.raises(PortfolioUpdateError, match="cannot change"):
        Position(instrument=SPY).after(Fill.of(BTC, 1, 1))


def test_a_foreign_fill_enters_in_the_currency_of_the_account() -> None:
    sap = Instrument("SAP", currency="EUR")
    portfolio = Portfolio.of(1000).apply(Fill.of(sap, 2, 100, fx=Decimal("1.1")))
    assert (portfolio.cash, portfolio.equity) == (780.0, 1000.0)
    assert portfolio.position(sap).average_price == pytest.approx(110.0)


def test_signs_of_cash_movements() -> None:
    with pytest.raises(InputError):
        CashMovement.of(CashKind.DEPOSIT, -1)
    with pytest.raises(InputError):
        CashMovement.of(CashKind.WITHDRAWAL, 1)
    assert Portfolio.of(5).apply(CashMovement.of(CashKind.FUNDING, "-0.1")).cash == 4.9


def test_exposure_on_nothing() -> None:
    assert Portfolio.of(0).gross_exposure == 0.0
    assert Portfolio.of(0).apply(Fill.of(SPY, 1, 10)).apply(CashMovement.of(CashKind.FEE, -1)).gross_exposure == float(
        "inf"
    )
