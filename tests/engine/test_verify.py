"""A result runs again from its manifest, and what differs is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tradewright as tw
from tradewright.domain.errors import InputError
from tradewright.engine.record import result_hash, to_bytes
from tradewright.testing import walk_bars

OWN = """
import numpy as np
import tradewright as tw
class Mine(tw.Strategy):
    level: float = 100.0
    def signals(self, bars):
        return (bars.close > self.level)
"""


def _csv(path: Path, n: int = 120) -> Path:
    bars = walk_bars(n)
    rows = ["date,open,high,low,close,volume"]
    for i in range(n):
        row = [bars.open[i, 0], bars.high[i, 0], bars.low[i, 0], bars.close[i, 0], bars.volume[i, 0]]
        rows.append(
            f"{bars.ts[i].astype('datetime64[ns]').astype('datetime64[D]')}," + ",".join(f"{float(v):.4f}" for v in row)
        )
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_run_of_samples_verifies(tmp_path: Path) -> None:
    result = tw.backtest(
        "SPX", "sma_cross", start="2012-01-01", stop="2atr", bands=True, benchmark="buy_and_hold", lot=1.0
    )
    found = tw.verify(result.save(tmp_path / "r.json"))
    assert found.same
    assert found.differences == ()
    assert found.expected == found.found == result.result_hash


def test_a_run_of_a_file_and_a_users_strategy_verifies_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _csv(tmp_path / "spy.csv")
    (tmp_path / "own.py").write_text(OWN)
    result = tw.backtest("spy.csv", "own.py:Mine", params={"level": 101.0})
    path = result.save(tmp_path / "r.json")
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    assert tw.verify(path), "files are found beside the result"


def test_changed_data_and_a_changed_strategy_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = _csv(tmp_path / "spy.csv")
    own = tmp_path / "own.py"
    own.write_text(OWN)
    path = tw.backtest("spy.csv", "own.py:Mine").save(tmp_path / "r.json")
    own.write_text(OWN.replace("bars.close >", "bars.close <"))
    changed = tw.verify(path)
    assert not changed.same
    assert any(text.startswith("manifest.strategy.source_hash") for text in changed.differences)
    assert any(text.startswith("stats.final_equity") for text in changed.differences)
    own.write_text(OWN)
    assert tw.verify(path)
    text = data.read_text().splitlines()
    text[60] = text[60].split(",")[0] + ",100,120,90,110,1000"
    data.write_text("\n".join(text))
    assert any(text.startswith("manifest.data.hash") for text in tw.verify(path).differences)


def test_what_was_in_memory_has_to_be_passed(tmp_path: Path) -> None:
    bars = walk_bars(80)
    path = tw.backtest(bars, "buy_and_hold").save(tmp_path / "r.json")
    with pytest.raises(InputError, match="verify\\(path, data=bars\\)"):
        tw.verify(path)
    assert tw.verify(path, data=bars)
    own = tw.backtest(bars, lambda b: b.close > 100.0)
    path = own.save(tmp_path / "f.json")
    with pytest.raises(InputError, match="strategy=\\.\\.\\."):
        tw.verify(path, data=bars)
    assert tw.verify(path, data=bars, strategy=lambda b: b.close > 100.0).differences[:1] != ()
    assert tw.verify(path, again=own)


def test_a_forged_number_is_found_even_with_a_forged_hash(tmp_path: Path) -> None:
    path = tw.backtest("SPX", "sma_cross", start="2015-01-01").save(tmp_path / "r.json")
    document = json.loads(path.read_text())
    document["stats"]["sharpe"] = 9.9
    document["result_hash"] = result_hash(document)
    path.write_bytes(to_bytes(document))
    found = tw.verify(path)
    assert not found
    assert found.differences[0].startswith("stats.sharpe: 9.9 saved, ")


def test_the_hash_does_not_know_where_things_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "own.py").write_text(OWN)
        hashes.add(tw.backtest(_csv(folder / "spy.csv"), f"{folder}/own.py:Mine").result_hash)
    monkeypatch.chdir(tmp_path / "one")
    hashes.add(tw.backtest("spy.csv", "own.py:Mine").result_hash)
    assert len(hashes) == 1
