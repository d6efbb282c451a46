from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tradewright.app import cli
from tradewright.app.cli import COMMANDS, main
from tradewright.app.config import resolve
from tradewright.domain import errors


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRADEWRIGHT_CONFIG_DIR", str(tmp_path / "own"))
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


def test_show_prints_what_resolves_to_the_same_hash(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["config", "show", "--profile", "risk_low", "--symbols", "SPY,QQQ", "--set", "engine.size=0.5"]) == 0
    path = tmp_path / "saved.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    wanted = resolve(profile="risk_low", symbols=["SPY", "QQQ"], sets=["engine.size=0.5"], env={})
    assert resolve(file=path, env={}).hash == wanted.hash


def test_explain_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--explain", "--changed", "--json", "--profile", "risk_balanced"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["hash"] == resolve(profile="risk_balanced", env={}).hash
    by_key = {item["key"]: item for item in told["settings"]}
    assert by_key["risk.max_gross"]["file"] == "shipped/profiles/risk_balanced.yaml"
    assert by_key["risk.max_gross"]["overrode"][0]["layer"] == "base"
    assert by_key["engine.max_gross"]["layer"] == "derived"


def test_explain_as_text_has_value_layer_place_and_what_it_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--explain", "--profile", "risk_low", "--set", "risk.max_gross=0.2"]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if line.startswith("risk.max_gross"))
    assert line.split("  ")[0] == "risk.max_gross"
    for part in ("0.2", "command line", "--set", "0.25 (profile shipped/profiles/risk_low.yaml:3); 0.5 (base)"):
        assert part in line
    assert "engine.fill" in out


def test_an_old_profile_name_warns_on_stderr_and_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--profile", "risk_strict", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["profile"] == "risk_aggressive"
    assert told.err.startswith("Warning: The profile risk_strict")


def test_validate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("risk: {max_gross: 0.4}\n", encoding="utf-8")
    bad.write_text("risk:\n  max_gros: 0.4\n", encoding="utf-8")
    assert main(["config", "validate", str(good)]) == 0
    assert "is valid: it sets 1 value," in capsys.readouterr().out
    assert main(["config", "validate", str(bad)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{bad}:2" in told.err
    assert "did you mean 'risk.max_gross'?" in told.err
    assert main(["config", "validate", str(bad), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["valid"] is False
    assert main(["config", "validate", str(tmp_path / "none.yaml")]) == 2


def test_create_profile_and_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    make = ["config", "create-profile", "mine", "--set", "risk.max_drawdown=0.1", "--extends", "risk_low"]
    assert main(make) == 0
    assert main(["config", "show", "--profile", "mine", "--json"]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown[shown.index("{") :])["engine"]["max_drawdown"] == 0.1
    assert main(["config", "profiles", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[-1]["name"] == "mine"
    assert main(make) == 2
    assert "already" in capsys.readouterr().err


def test_mistakes_of_usage_are_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        (["confg"], "did you mean 'config'?"),
        (["config", "shw"], "show"),
        (["config", "show", "--foo"], "--foo"),
        (["config", "show", "--profile", "risk_lo"], "did you mean 'risk_low'"),
        (["config", "show", "--set", "risk.max_gross=50%"], "never percent: write 0.5"),
    ):
        assert main(arguments) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.splitlines()[0].startswith("Error: ")
        assert message in told.err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "config" in capsys.readouterr().out
    assert main([]) == 2
    assert main(["--version"]) == 0
    assert main(["config", "show", "--help"]) == 0
    assert "--explain" in capsys.readouterr().out


def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str) -> None:
    """Register a command ``probe`` whose body is given."""
    (tmp_path / "probe_command.py").write_text(f"def probe() -> None:\n    {body}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "probe_command", raising=False)
    monkeypatch.setattr(cli, "COMMANDS", {**COMMANDS, "probe": ("probe_command:probe", "A probe.")})


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n != "closest"])
def test_an_error_ends_a_command_with_its_exit_code(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module(monkeypatch, tmp_path, f"from tradewright.domain import errors; raise errors.{name}('So it is.')")
    assert main(["probe"]) == getattr(errors, name).exit_code
    assert capsys.readouterr().err.splitlines()[0] == "Error: So it is."


def test_a_bug_ends_with_70_and_points_to_debug(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module(monkeypatch, tmp_path, "raise KeyError('x')")
    assert main(["probe"]) == 70
    assert "--debug" in capsys.readouterr().err
    with pytest.raises(KeyError):
        main(["probe", "--debug"])


def test_an_interrupt_ends_with_130_and_says_what_was_saved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module(monkeypatch, tmp_path, "e = KeyboardInterrupt(); e.add_note('120 of 400 runs are in sweep.db.'); raise e")
    assert main(["probe"]) == 130
    assert "120 of 400 runs are in sweep.db." in capsys.readouterr().err


def test_a_command_may_return_its_exit_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module(monkeypatch, tmp_path, "return 4")
    assert main(["probe"]) == 4


def test_only_the_module_of_the_command_is_imported() -> None:
    code = (
        "import sys\n"
        "from tradewright.app.cli import main\n"
        "assert 'typer' not in sys.modules and 'pydantic' not in sys.modules\n"
        "main(['config', 'show'])\n"
        "heavy = 'pandas polars pyarrow sqlalchemy exchange_calendars plotly structlog rich.table'.split()\n"
        "commands = [m for m in sys.modules if m.startswith('tradewright.app.cli.')]\n"
        "others = [m for m in commands if m.rsplit('.', 1)[1] not in ('config', 'options')]\n"
        "print([m for m in heavy if m in sys.modules] + others, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
