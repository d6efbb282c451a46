"""The documentation is true: its commands parse and print what is shown, and its links lead somewhere.

A line ``$ tradewright ...`` in a ``console`` block is run when the block shows its output, and else only parsed. In the
output, ``...`` stands for anything and white space does not count.
"""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tradewright.app.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]
WIDTH = "120"
FILES = {"my.yaml": "risk:\n  max_drawdwn: 0.1\n"}
"""What a page assumes the reader to have."""


class Command(NamedTuple):
    """One line of a console block."""

    page: str
    line: int
    words: list[str]
    output: str


def _blocks(page: Path, language: str) -> Iterator[tuple[int, list[str]]]:
    """Fenced blocks of one language, with the number of their first line."""
    start = 0
    body: list[str] | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if body is None:
            if line.strip() == f"```{language}":
                start, body = number + 1, []
            elif line.startswith("```") and line.strip() != "```":
                start, body = 0, []
        elif line.strip() == "```":
            if start:
                yield start, body
            start, body = 0, None
        else:
            body.append(line)


def _commands(page: Path) -> list[Command]:
    found: list[Command] = []
    for start, body in _blocks(page, "console"):
        output: list[str] | None = None
        for number, line in enumerate(body, start):
            if line.startswith("$ "):
                output = []
                found.append(Command(page.name, number, shlex.split(line[2:], comments=True), ""))
            elif output is not None:
                output.append(line)
                found[-1] = found[-1]._replace(output="\n".join(output))
            else:
                pytest.fail(f"{page.name}:{number}: a console block begins with a command, '$ ...'")
    return found


COMMANDS_SHOWN = [command for page in PAGES for command in _commands(page)]


def _place(command: Command) -> str:
    return f"{command.page}:{command.line}"


@pytest.mark.parametrize("command", [c for c in COMMANDS_SHOWN if c.words[0] == "tradewright"], ids=_place)
def test_a_shown_command_parses(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typer = pytest.importorskip("typer")
    name, *rest = command.words[1:]
    assert name in COMMANDS
    for word in rest:  # files that an earlier line made, or that the reader has
        if re.fullmatch(r"[\w./-]+\.(json|ya?ml|csv|html)", word):
            (tmp_path / word).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / word).write_text("{}")
    monkeypatch.chdir(tmp_path)
    module, _, attribute = COMMANDS[name][0].partition(":")
    target = getattr(importlib.import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        app = typer.Typer(add_completion=False)
        app.command(name=name)(target)
        target = app
    context = typer.main.get_command(target).make_context(name, list(rest))
    while hasattr(context.command, "resolve_command"):
        arguments = [*context._protected_args, *context.args]
        below, inner, arguments = context.command.resolve_command(context, arguments)
        assert inner is not None
        context = inner.make_context(below, arguments, parent=context)


@pytest.mark.parametrize("page", sorted({c.page for c in COMMANDS_SHOWN if c.output and c.words[0] == "tradewright"}))
def test_shown_output_is_what_the_commands_print(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for library in ("arch", "skfolio", "pandas", "plotly"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"the examples use sample data and the report; {library} is not installed")
    shown = [c for c in COMMANDS_SHOWN if c.page == page and c.words[0] == "tradewright" and c.output]
    wrong = []
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", WIDTH)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TRADEWRIGHT_CONFIG_DIR", str(tmp_path / "configuration"))
    monkeypatch.setenv("TRADEWRIGHT_TRIALS", str(tmp_path / "trials.jsonl"))
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for command in shown:
        main(command.words[1:])
        printed = capsys.readouterr()
        text = printed.out + printed.err
        if not checker.check_output(command.output.strip() + "\n", text.strip() + "\n", flags):
            wrong.append(f"{_place(command)} shows\n{command.output}\n\nbut it prints\n{text}")
    if wrong:
        pytest.fail("\n\n".join(wrong), pytrace=False)


def test_the_python_of_the_read_me_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("arch")
    pytest.importorskip("pandas")
    pytest.importorskip("plotly")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "tour"}
    page = ROOT / "README.md"
    for start, body in _blocks(page, "python"):
        exec(compile("\n" * (start - 1) + "\n".join(body), str(page), "exec"), names)
    result, found = names["result"], names["found"]
    assert round(result.stats["sharpe"], 4) == 0.5785
    assert (round(result.stats["total_return"], 4), result.stats["n_trades"]) == (1.9240, 8)
    assert found.best()["params"] == {"fast": 30, "slow": 225}


def test_shown_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {w for c in COMMANDS_SHOWN if c.words[0] == "make" for w in c.words[1:] if "=" not in w}
    shown |= {w for page in PAGES for w in re.findall(r"`make ([a-z]+)`", page.read_text(encoding="utf-8"))}
    assert {"demo", "test"} <= shown <= targets


def test_the_demo_of_the_read_me_is_the_demo_of_make() -> None:
    recipe = re.search(r"^demo:.*\n\t\$\(BIN\)/(.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    assert shlex.split(recipe[1]) in [c.words for c in COMMANDS_SHOWN if c.page == "README.md"]


def _anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as both GitHub and the site make them."""
    found = set()
    in_code = False
    for line in page.read_text(encoding="utf-8").splitlines():
        in_code ^= line.startswith("```")
        heading = None if in_code else re.match(r"#+ (.+)", line)
        if heading:
            found.add(re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading[1]).strip().lower()))
    return found


def _prose(page: Path) -> str:
    """The page without fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = _prose(page)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)
    wrong = []
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists() or (file.suffix == ".md" and anchor and anchor not in _anchors(file)):
            wrong.append(target)
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_and_tests_exist(page: Path) -> None:
    """Paths in back-ticks that begin with a folder of the project, and ``file.py::test_name``."""
    wrong = []
    for name in re.findall(r"`((?:src|rust|tests|docs|benchmarks|requirements)/[^`\s]+)`", _prose(page)):
        if name.startswith("benchmarks/results/"):
            continue  # written by a run
        path, _, test = name.partition("::")
        files = list(ROOT.glob(path.rstrip("/")))
        if not files or (test and f"def {test}(" not in files[0].read_text(encoding="utf-8")):
            wrong.append(name)
    assert not wrong


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(re.findall(r": ([\w-]+\.md)$", text, re.MULTILINE))
    assert named == {page.name for page in DOCS}


def test_the_site_asks_for_nothing_from_elsewhere() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert site["theme"]["font"] is False
    assert "extra_javascript" not in site
    assert "extra_css" not in site


@pytest.mark.parametrize("picture", ["report.png", "report-dark.png"])
def test_pictures_are_small_and_wide(picture: str) -> None:
    data = (ROOT / "docs" / "img" / picture).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20], "big") == 1400
    assert len(data) < 400_000


def test_workflows_are_sound() -> None:
    """Every job has a limit, no secret is used, and nothing is published without a tag."""
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert [file.stem for file in files] == ["ci", "smoke", "wheels"]
    for file in files:
        text = file.read_text(encoding="utf-8")
        work = yaml.safe_load(text)
        assert work["permissions"] == {"contents": "read"}
        assert "secrets." not in text
        for name, job in work["jobs"].items():
            assert 0 < job["timeout-minutes"] <= 60
            assert all(("uses" in step) != ("run" in step) for step in job["steps"])
            if "publish" in name:
                assert "startsWith(github.ref, 'refs/tags/v')" in job["if"]
            else:
                assert "pypi-publish" not in str(job)
