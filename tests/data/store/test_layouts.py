"""A store of an earlier layout is read as it is, and brought up to date by the next write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tradewright.data.store import ParquetStore
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.testing import walk_bars

duckdb = pytest.importorskip("duckdb")


def _action(bars: Bars, row: int, kind: ActionKind, value: float, **more: object) -> CorporateAction:
    return CorporateAction(ts=int(bars.ts[row]), instrument=bars.instruments[0], kind=kind, value=value, **more)


def _aged(folder: Path) -> Path:
    """A store of layout 1: actions had neither cash nor price."""
    bars = walk_bars(30)
    store = ParquetStore(folder)
    paid = _action(bars, 5, ActionKind.DIVIDEND, 0.5)
    store.append(replace(bars, actions=(paid,)), source="exam", known="2020-01-01")
    (catalogue,) = folder.glob("*.duckdb")
    with duckdb.connect(str(catalogue)) as connection:
        for name in ("cash", "price"):
            connection.execute(f"ALTER TABLE actions DROP COLUMN {name}")
        connection.execute("UPDATE meta SET value = 1 WHERE name = 'version'")
    return catalogue


def _layout(catalogue: Path) -> int:
    with duckdb.connect(str(catalogue), read_only=True) as connection:
        return int(connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchall()[0][0])


def test_an_earlier_layout_is_read_without_being_touched(tmp_path: Path) -> None:
    catalogue = _aged(tmp_path / "store")
    before = ParquetStore(tmp_path / "store").read(["WALK"], "1d")
    assert [(action.kind, action.terms) for action in before.actions] == [(ActionKind.DIVIDEND, (0.5, 0.0, 0.0))]
    assert _layout(catalogue) == 1


def test_the_next_write_brings_it_up_to_date_and_loses_nothing(tmp_path: Path) -> None:
    catalogue = _aged(tmp_path / "store")
    store = ParquetStore(tmp_path / "store")
    before = store.read(["WALK"], "1d")
    bought = _action(before, 20, ActionKind.MERGER, 0.5, new_symbol="Z", cash=12.5, price=30.0)
    assert store.write_actions([bought], source="exam", known="2021-01-01") == 1
    assert _layout(catalogue) == 2
    after = ParquetStore(tmp_path / "store").read(["WALK"], "1d")
    assert after.actions == (*before.actions, bought)
    assert replace(after, actions=before.actions).data_hash() == before.data_hash()
    early = ParquetStore(tmp_path / "store").read(["WALK"], "1d", as_of="2020-06-01")
    assert early.actions == before.actions
