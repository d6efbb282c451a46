"""Spin-offs and mergers in files, on bars and in portfolios."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright.data.adjust import factors, unadjust
from tradewright.data.corporate import action_table, attach, listed, read_actions
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.errors import InconsistentDataError, InputError, PortfolioUpdateError
from tradewright.domain.instrument import Instrument
from tradewright.domain.orders import Fill
from tradewright.domain.portfolio import Portfolio

NAN = np.nan


def _row(**more: Any) -> dict[str, Any]:
    return {"date": "2024-01-04", "symbol": "OLD", "kind": "spin_off", "value": 0.25, "new_symbol": "NEW", **more}


def _bars(prices: list[list[float]], *names: str) -> Bars:
    table = np.array(prices, dtype=np.float64).T.copy()
    days = np.datetime64("2024-01-02T21:00", "ns") + np.arange(len(table)) * np.timedelta64(1, "D")
    return Bars.from_arrays(days, table, table, table, table, symbols=[*names], interval_ns=86_400 * 10**9)


def test_a_file_is_read_whatever_its_columns_are_called(tmp_path: Path) -> None:
    path = tmp_path / "actions.csv"
    path.write_text(
        "Ex-Date;Ticker;Type;Ratio;To;Cash;Price\n"
        "2024-01-04;OLD;Spin-Off;1:4;NEW;;40\n2024-02-05;OLD;Merger;0.5;BIG;$12.5;\n"
        "2024-03-05;TWO;acquisition;;;54.20;\n2024-03-06;SIX;special dividend;4;;;\n"
        "2024-03-07;SIX;reverse split;1:10;;;\n"
    )
    found = read_actions(path)
    assert [(str(a.kind), a.terms, a.new_symbol) for a in found] == [
        ("spin_off", (0.25, 0.0, 40.0), "NEW"),
        ("merger", (0.5, 12.5, 0.0), "BIG"),
        ("merger", (0.0, 54.2, 0.0), ""),
        ("dividend", (4.0, 0.0, 0.0), ""),
        ("split", (0.1, 0.0, 0.0), ""),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": ""}, "new shares per share"),
        ({"value": "a:b"}, "7:1"),
        ({"value": 0}, "above 0"),
        ({"new_symbol": ""}, "lacks `new_symbol`"),
        ({"new_symbol": "OLD"}, "gives OLD itself"),
        ({"cash": 3.0}, "dividend of its own"),
        ({"price": "x"}, "like 12.5"),
        ({"price": -1}, "0 or more"),
        ({"kind": "merger", "value": ""}, "neither shares nor cash"),
        ({"kind": "spinn_off"}, "did you mean 'spin_off'"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_what_would_do(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        read_actions([_row(**change)])
    assert "Row 1" in str(refused.value)


def test_a_split_with_a_price_is_a_mistake() -> None:
    with pytest.raises(InputError, match="belong to mergers and spin-offs"):
        CorporateAction(ts=0, instrument=Instrument("X"), kind=ActionKind.SPLIT, value=2.0, price=3.0)


def test_the_name_of_what_is_received_follows_its_changes() -> None:
    bars = _bars([[100.0] * 5, [20.0] * 5], "OLD", "LATER")
    renamed = {"date": "2024-01-05", "symbol": "NEW", "kind": "symbol_change", "new_symbol": "LATER"}
    made = attach(bars, [_row(), renamed])
    assert [(a.instrument.symbol, a.new_symbol) for a in made.actions] == [("OLD", "LATER")]
    assert action_table(made)[0]["price"] == 0.0


def test_bars_after_a_merger_are_of_somebody_else() -> None:
    bars = _bars([[100.0, 100.0, 7.0, 7.0], [50.0] * 4], "OLD", "NEW")
    made = listed(attach(bars, [_row(kind="merger", value=2)]))
    assert np.isnan(made.close[2:, 0]).all()
    assert made.close[:, 1].tolist() == [50.0] * 4


def test_a_merger_after_the_last_bar_gets_a_row_of_its_own() -> None:
    made = attach(_bars([[100.0, 100.0]], "OLD"), [_row(kind="merger", value="", new_symbol="", cash=12)])
    assert made.n_bars == 3
    assert "merger of OLD" in made.provenance.notes[-1]


def test_prices_that_contain_a_spin_off_are_not_adjusted_again() -> None:
    bars = _bars([[100.0, 100.0, 90.0, 90.0]], "OLD")
    from dataclasses import replace

    whole = replace(bars, provenance=replace(bars.provenance, adjusted="split+dividend"))
    made = attach(whole, [_row(price=40)])
    assert made.actions == ()
    assert any("contain them" in note for note in made.provenance.notes)


def test_the_worth_of_a_spin_off_has_to_be_known_and_below_its_parent() -> None:
    bars = _bars([[100.0, 100.0, 90.0, 90.0]], "OLD")
    with pytest.raises(InputError, match="has no price"):
        factors(attach(bars, [_row()]))
    with pytest.raises(InconsistentDataError, match="must be smaller"):
        factors(attach(bars, [_row(price=500)]))
    made = attach(bars, [_row(price=40)])
    backward = factors(made)
    assert backward.price[:, 0].tolist() == pytest.approx([0.9, 0.9, 1.0, 1.0])
    assert backward.volume[:, 0].tolist() == [1.0] * 4
    adjusted = factors(made, direction="forward")
    assert (bars.close * adjusted.price)[:, 0].tolist() == pytest.approx([100.0] * 4)
    from tradewright.data.adjust import adjust

    assert unadjust(adjust(made), made.actions).close[:, 0].tolist() == pytest.approx(bars.close[:, 0].tolist())


def _held(quantity: float = 103.0) -> Portfolio:
    old = Instrument("OLD", lot=1.0)
    return Portfolio().apply(Fill.of(old, quantity, 100)).marked({old: 100.0})


def _action(kind: ActionKind, **more: Any) -> CorporateAction:
    return CorporateAction(ts=0, instrument=Instrument("OLD", lot=1.0), kind=kind, new_symbol="NEW", **more)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_portfolio_is_worth_the_same_after_either(side: float) -> None:
    before = _held(103.0 * side)
    spun = before.apply(_action(ActionKind.SPIN_OFF, value=0.25, price=40.0))
    assert spun.equity == pytest.approx(before.equity, abs=1e-9)
    held = {p.instrument.symbol: (p.quantity, p.average_price) for p in spun.held}
    assert held == {"OLD": (103.0 * side, pytest.approx(90.0)), "NEW": (25.0 * side, pytest.approx(41.2))}
    merged = before.apply(_action(ActionKind.MERGER, value=0.5, cash=40.0, price=120.0))
    assert merged.equity == pytest.approx(before.equity, abs=1e-9)
    assert {p.instrument.symbol: p.quantity for p in merged.held} == {"NEW": 51.0 * side}
    assert merged.held[0].average_price == pytest.approx(103.0 * 100.0 / 51.0)
    paid = before.apply(_action(ActionKind.MERGER, cash=100.0))
    assert paid.held == ()
    assert paid.equity == pytest.approx(before.equity, abs=1e-9)


def test_what_a_spin_off_delivers_closes_a_position_of_the_other_sign() -> None:
    new = Instrument("NEW", lot=1.0)
    short = _held(100.0).apply(Fill.of(new, -40, 50)).marked({new: 40.0})
    after = short.apply(_action(ActionKind.SPIN_OFF, value=0.25, price=40.0))
    assert after.equity == pytest.approx(short.equity, abs=1e-9)
    position = after.position(new)
    assert (position.quantity, position.average_price) == (-15.0, 50.0)
    assert position.realised == pytest.approx(25.0 * (50.0 - 40.0))


def test_a_portfolio_refuses_what_it_cannot_value() -> None:
    with pytest.raises(PortfolioUpdateError, match="no price is known"):
        _held().apply(_action(ActionKind.SPIN_OFF, value=0.25))
    with pytest.raises(PortfolioUpdateError, match="less than its parent"):
        _held().apply(_action(ActionKind.SPIN_OFF, value=2.0, price=60.0))
