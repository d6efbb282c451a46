"""Named lists of symbols: from the package, from a configuration, in every place where symbols are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tradewright as tw
from tradewright.app.cli import main
from tradewright.app.config import resolve
from tradewright.data.universes import UNIVERSES, expand
from tradewright.domain.errors import ConfigError, InputError


def test_the_shipped_lists_have_the_size_in_their_name() -> None:
    for name, symbols in UNIVERSES.items():
        assert len(set(symbols)) == len(symbols) == int(name.rpartition("_")[2])
    assert "BTC-USD" in UNIVERSES["mixed_10"]
    with pytest.raises(InputError, match=r"no universe '@us_45', did you mean .*'us_46'"):
        expand(["@us_45"])


def test_a_list_is_loaded_from_a_folder(tmp_path: Path) -> None:
    for symbol in (*UNIVERSES["us_5"], "TLT"):
        (tmp_path / f"{symbol}.csv").write_text("date,close\n2024-01-02,1.5\n2024-01-03,2.5\n2024-01-04,3.5\n")
    assert tw.load("@us_5", data=tmp_path).symbols == UNIVERSES["us_5"]
    found = tw.backtest(tmp_path, "buy_and_hold", symbols=["@us_5", "TLT"])
    assert found.symbols == (*UNIVERSES["us_5"], "TLT")
    assert found.manifest["inputs"]["symbols"] == [*UNIVERSES["us_5"], "TLT"], "the list may change, the record not"


def test_lists_of_ones_own_are_part_of_the_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "c.yaml"
    file.write_text('data:\n  universes:\n    mine: [SPX, IXIC]\n  symbols: ["@mine", VIX]\n')
    assert resolve(file=file, env={}).config.data.symbols == ("SPX", "IXIC", "VIX")
    assert resolve(file=file, env={}, symbols=["@mine"]).config.data.symbols == ("SPX", "IXIC")
    assert resolve(env={}, symbols=["@mixed_10"]).asset_class is None, "of several classes none decides"
    file.write_text("data:\n  universes: {mine: [SPX]}\n  symbols: ['@mien']\n")
    with pytest.raises(ConfigError, match=r"c\.yaml:3: there is no universe '@mien', did you mean 'mine'"):
        resolve(file=file, env={})
    file.write_text("data:\n  universes:\n    mine: [SPX, IXIC]\n")
    words = ["backtest", "--fast", "--json", "--config", str(file), "--symbols", "@mine"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["manifest"]["data"]["symbols"] == ["SPX", "IXIC"]
    assert main([*words[:-1], "@mine2"]) == 2
    assert "did you mean 'mine'" in capsys.readouterr().err
