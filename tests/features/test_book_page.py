"""The page on microstructure is true: its Python runs, and its command prints what is shown."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

from tradewright.app.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "microstructure.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_page_runs_and_prints_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    first, *rest = blocks("python")
    exec(compile(first, str(PAGE), "exec"), names)
    command = shlex.split(blocks("console")[0].removeprefix("$ tradewright "))
    assert main(command) == 0
    printed = capsys.readouterr().out
    flags = doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(blocks("text")[0].strip() + "\n", printed.strip() + "\n", flags), (
        printed
    )
    for block in rest:
        exec(compile(block, str(PAGE), "exec"), names)


def test_the_picture_is_a_small_one() -> None:
    data = (PAGE.parent / "img" / "microstructure.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20], "big") == 1000
    assert len(data) < 150_000
