"""What a newcomer gets wrong or brings along, and what the command line answers."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tradewright.app.cli import main

FAST = ("backtest", "--fast", "-p", "fast=5,slow=20")


def table(path: Path, *, delimiter: str = ",", n: int = 80, header: str = "Date,Open,High,Low,Close,Volume") -> Path:
    """A file of `n` weekdays."""
    source = random.Random(1)
    lines, price = [header.replace(",", delimiter)], 100.0
    for i in range(n):
        close = price * (1 + source.gauss(0.001, 0.01))
        row = (price, max(price, close) * 1.002, min(price, close) * 0.998, close)
        day = f"2024-{1 + i // 20:02d}-{1 + i % 20:02d}"
        lines.append(delimiter.join([day, *(f"{value:.2f}" for value in row), str(source.randrange(10**5, 10**6))]))
        price = close
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_folder_is_a_folder_however_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("prices").mkdir()
    for name in ("AAA", "BBB"):
        table(Path("prices") / f"{name}.csv")
    code, out, _ = run(capsys, *FAST, "--data", "prices", "--json")
    assert code == 0
    assert json.loads(out)["manifest"]["data"]["symbols"] == ["AAA", "BBB"]
    code, out, _ = run(capsys, *FAST, "--data", "prices", "--symbols", "BBB", "--json")
    assert code == 0
    assert json.loads(out)["manifest"]["data"]["symbols"] == ["BBB"]
    code, _, err = run(capsys, *FAST, "--data", "prices", "--symbols", "BBX")
    assert code == 3
    assert "did you mean 'BBB'" in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--provider", "smple"), 2, "did you mean 'sample'"),
        (("--start", "2010-01-01", "--end", "2009-01-01"), 2, "ends (2009-01-01) before it starts (2010-01-01)"),
        (("--symbols", "SPXX"), 3, "did you mean 'SPX'"),
        (("--strategy", "sma_cros"), 2, "did you mean 'sma_cross'"),
        (("--set", "engine.levrage=2"), 2, "did you mean 'engine.leverage'"),
        (("-p", "fats=3"), 2, "did you mean 'fast'"),
        (("--commission", "ib_fxed"), 2, "did you mean 'ib_fixed'"),
        (("--sart", "2000-01-01"), 2, "--start"),
        (("--end", "1999-01-20"), 3, "It would work to"),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out(
    words: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, *FAST, *words)
    assert found == code
    assert out == ""
    assert said in err
    assert err.startswith("Error: ")
    assert "Traceback" not in err


@pytest.mark.parametrize("option", ["--report", "--out"])
def test_a_place_that_cannot_be_written_is_said(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, err = run(capsys, *FAST, option, str(tmp_path / "file" / "r.html"))
    assert code == 2
    assert "cannot be written" in err
    assert "bug" not in err


def test_a_resume_file_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, err = run(capsys, "sweep", "--grid", "fast=5,10", "--resume", str(tmp_path / "file" / "s.part"))
    assert code == 2
    assert "cannot be written" in err


def test_logging_that_was_asked_for_is_there_and_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "INFO")
    code, out, err = run(
        capsys, *FAST, "--json", "--set", "logging.format=json", "--set", f"logging.folder={tmp_path / 'logs'}"
    )
    assert code == 0
    assert json.loads(out)["schema"] == "tradewright.result/1"
    records = [json.loads(line) for line in err.splitlines()]
    assert (records[0]["event"], records[-1]["event"]) == ("loaded", "backtest")
    assert len({record["correlation_id"] for record in records}) == 1
    kept = [json.loads(line) for line in (tmp_path / "logs" / "tradewright.log").read_text().splitlines()]
    assert [{**record, "timestamp": ""} for record in kept] == [{**record, "timestamp": ""} for record in records]
    monkeypatch.delenv("LOG_LEVEL")
    assert run(capsys, *FAST)[2] == "", "the next command logs nothing"


def test_an_empty_list_of_symbols_is_not_everything(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, *FAST, "--symbols", "")
    assert code == 2
    assert "--symbols is empty" in err


def test_a_file_is_checked_by_name_or_by_the_option_of_all_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.yaml").write_text("engine:\n  leverage: 2\n")
    first = run(capsys, "config", "validate", str(tmp_path / "c.yaml"))
    assert first[0] == 0
    assert run(capsys, "config", "validate", "--config", str(tmp_path / "c.yaml")) == first
    assert run(capsys, "config", "validate")[0] == 2


def test_a_terminal_without_unicode_gets_what_it_can_show() -> None:
    words = [sys.executable, "-m", "tradewright", *FAST]
    done = subprocess.run(
        words, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode("ascii")
    assert "Sharpe ratio" in text
    assert "???" not in text


BROKEN = '''
import tradewright as tw
class Early(tw.Strategy):
    """x"""
    def signals(self, bars):
        return bars.close / undefined_name
class Late(tw.Strategy):
    """x"""
    n: int = 3
    def on_bar(self, ctx):
        ctx.buy(quantty=self.n)
'''


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backtest", "--fast", "--strategy", "mine.py:Early"), "mine.py:6, in signals: NameError: name 'undefined_na"),
        (("backtest", "--fast", "--strategy", "mine.py:Late"), "mine.py:11, in on_bar: TypeError"),
        (("sweep", "--strategy", "mine.py:Late", "--grid", "n=1,2,3", "-q"), "mine.py:11, in on_bar: TypeError"),
        (("backtest", "--fast", "--strategy", "mine.py"), "mine.py:NAME"),
    ],
)
def test_a_mistake_in_ones_own_strategy_is_shown_where_it_is(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(BROKEN)
    code, _, err = run(capsys, *words)
    assert code == 2
    assert said in err
    assert "bug of ours" not in err


def test_a_folder_of_two_kinds_of_files_is_not_halved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pl = pytest.importorskip("polars")
    table(tmp_path / "AAA.csv")
    pl.read_csv(tmp_path / "AAA.csv").write_parquet(tmp_path / "BBB.parquet")
    code, _, err = run(capsys, *FAST, "--data", str(tmp_path))
    assert code == 2
    assert "1 CSV and 1 Parquet files" in err
    assert run(capsys, *FAST, "--data", str(tmp_path), "--provider", "parquet")[0] == 0
