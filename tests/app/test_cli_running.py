"""The commands that run strategies: what they print, where, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tradewright as tw
from tradewright.app.cli import main
from tradewright.app.cli.running import parse_params
from tradewright.domain.errors import ConfigError

QUICK = ["--symbols", "SPX", "--start", "2012-01-01", "--end", "2014-12-31"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_json_is_all_that_stdout_holds_and_equals_the_function(capsysbinary: Any) -> None:
    code = main(["backtest", *QUICK, "--params", "fast=10,slow=50", "--stop", "0.05", "--json"])
    out, err = capsysbinary.readouterr()
    assert code == 0
    document = json.loads(out)
    assert document["schema"] == "tradewright.result/1"
    same = tw.backtest(
        "SPX",
        "sma_cross",
        params={"fast": 10, "slow": 50},
        start="2012-01-01",
        end="2014-12-31",
        stop=0.05,
        bands=True,
        benchmark="buy_and_hold",
    )
    assert document["result_hash"] == same.result_hash
    assert document["trades"][0].keys() >= {
        "entry_bar",
        "entry_time",
        "entry_price",
        "quantity",
        "fees",
        "pnl",
        "symbol",
    }
    assert err == b""
    assert not Path("reports").exists(), "a report nobody asked for"


def test_a_summary_names_the_numbers_and_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, "backtest", *QUICK, "--out", "r.json", "--report", "page.html")
    assert code == 0
    assert "sma_cross" in out
    assert "Sharpe ratio" in out
    assert "Result: r.json" in err
    assert "Report: page.html" in err
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    command = json.loads(Path("r.json").read_text())["manifest"]["command"]
    assert command == "tradewright backtest " + " ".join(QUICK), "where the output goes is no part of the command"
    code, out, _ = _run(capsys, "verify", "r.json")
    assert code == 0
    assert out.startswith("Same: r.json")


def test_a_report_may_be_asked_for_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _run(capsys, "backtest", "--fast", "--report", *QUICK)
    assert code == 0
    assert "Report: reports/sma_cross_SPX.html" in err.replace("\\", "/")
    code, _, err = _run(capsys, "backtest", "--fast", *QUICK, "--symbols", "IXIC", "--no-report")
    assert "Report" not in err


def test_fast_gives_the_same_numbers_without_the_rest(capsysbinary: Any) -> None:
    main(["backtest", *QUICK, "--fast", "--json"])
    fast = json.loads(capsysbinary.readouterr().out)
    main(["backtest", *QUICK, "--json"])
    full = json.loads(capsysbinary.readouterr().out)
    assert fast["bands"] is None
    assert full["bands"] is not None
    assert fast["equity"] == full["equity"]
    assert {**full["stats"], **fast["stats"]} == full["stats"]


def test_verify_names_what_differs_and_ends_with_three(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.py").write_text(
        "import tradewright as tw\n"
        "class Mine(tw.Strategy):\n"
        "    def signals(self, bars):\n"
        "        return bars.close > bars.close[0]\n"
    )
    code, _, _ = _run(capsys, "backtest", *QUICK, "--strategy", "own.py:Mine", "--fast", "--out", "r.json")
    assert code == 0
    assert _run(capsys, "verify", "r.json")[0] == 0
    Path("own.py").write_text(Path("own.py").read_text().replace(">", "<"))
    code, out, _ = _run(capsys, "verify", "r.json", "--json")
    facts = json.loads(out)
    assert code == 3
    assert facts["same"] is False
    assert any("source_hash" in text for text in facts["differences"])


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--strategy", "sma_cros"], 2, "did you mean 'sma_cross'"),
        (["--params", "fats=3"], 2, "did you mean 'fast'"),
        (["--params", "fast"], 2, "is not name=value"),
        (["--fill", "next_opn"], 2, "next_open"),
        (["--commission", "5%"], 2, "never percent"),
        (["--commission", "0", "--slippage", "0"], 2, "--no-costs"),
        (["--stop", "3%"], 2, "never percent"),
        (["--symbols", "SPXX"], 3, "SPX"),
        (["--start", "2013-12-20", "--end", "2014-01-10"], 3, "start at"),
        (["--start", "yesterday"], 2, "ISO date"),
        (["--set", "engine.fil=next_open"], 2, "engine.fill"),
        (["--nonsense"], 2, "No such option"),
        (["--strategy", "nothing.py:Mine"], 2, "no file 'nothing.py'"),
        (["--data", "nothing.csv"], 3, "nothing.csv"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_a_code(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, sentence: str
) -> None:
    got, out, err = _run(capsys, "backtest", *QUICK, "--fast", *arguments)
    assert got == code, err
    assert sentence in err
    assert out == ""
    assert "Traceback" not in err


def test_no_costs_is_stamped_first(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "backtest", *QUICK, "--no-costs", "--fast")
    assert code == 0
    assert out.splitlines()[2].startswith("! no costs")


def test_a_sweep_prints_a_table_and_writes_a_heat_map(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--grid", "fast=5:20:5", "--grid", "slow=10:40:10", "--where", "slow >= 2 * fast", "--top", "3"]
    code, out, err = _run(
        capsys, "sweep", *QUICK, *arguments, "--heatmap", "h.html", "--resume", "s.part", "--out", "s.json"
    )
    assert code == 0, err
    assert "multiple testing" in out
    assert "Heat map: h.html" in err
    assert Path("h.html").stat().st_size > 10_000
    code, again, _ = _run(capsys, "sweep", *QUICK, *arguments, "--resume", "s.part", "--json")
    assert json.loads(again) == json.loads(Path("s.json").read_text())
    best = json.loads(again)["best"]
    params = ",".join(f"{k}={v}" for k, v in best["params"].items())
    code, out, _ = _run(capsys, "backtest", *QUICK, "--params", params, "--fast", "--json")
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "at least one --grid"),
        (["--grid", "fast=5", "--grid", "fast=6"], "twice"),
        (["--grid", "fast=x:y"], "is not a range"),
        (["--grid", "fast=5,10", "--where", "fast < slwo"], "did you mean 'slow'"),
        (["--grid", "fast=5,10", "--metric", "sharp"], "did you mean 'sharpe'"),
    ],
)
def test_a_wrong_sweep_is_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str) -> None:
    code, _, err = _run(capsys, "sweep", *QUICK, *arguments)
    assert code == 2
    assert sentence in err


def test_strategies_are_listed_shown_and_begun(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "strategies", "list", "--json")
    assert code == 0
    found = {row["name"]: row for row in json.loads(out)}
    assert found["sma_cross"]["params"]["slow"] == 100
    assert len(found) == 5
    code, out, _ = _run(capsys, "strategies", "show", "donchian_breakout")
    assert "previous bars" in out
    for kind in ("signals", "on_bar"):
        code, out, _ = _run(capsys, "strategies", "new", f"my_{kind}", "--kind", kind)
        assert code == 0
        spec = out.split("--strategy ")[1].split(" ")[0]
        code, out, err = _run(capsys, "backtest", *QUICK, "--strategy", spec, "--fast")
        assert code == 0, err
        from tradewright.testing import check_strategy

        check_strategy(spec)
    code, _, err = _run(capsys, "strategies", "new", "my_signals")
    assert code == 2
    assert "--force" in err
    assert _run(capsys, "strategies", "new", "My Rule")[0] == 2


def test_the_smoke_walk_passes_and_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "smoke")
    assert code == 0, out
    outcome = json.loads(Path("reports/smoke_run.json").read_text())
    assert outcome["ok"]
    assert outcome["failures"] == []
    assert all(job["n_trades"] > 0 for job in outcome["jobs"])


def test_the_smoke_walk_fails_on_what_it_is_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewright.app.cli import smoke

    idle = {"strategy": "buy_and_hold", "symbols": ["SPX"], "params": {}}
    monkeypatch.setattr(smoke, "_JOBS", (idle,))
    code, out, _ = _run(capsys, "smoke")
    assert code == 3
    assert "no trades" in out


def test_params_are_read() -> None:
    assert parse_params(["fast=5,slow=20", "on=state"]) == {"fast": 5, "slow": 20, "on": "state"}
    assert parse_params(['{"fast": 5, "x": [1, 2]}', "fast=6"]) == {"fast": 6, "x": [1, 2]}
    assert parse_params(["flag=true,level=1.5"]) == {"flag": True, "level": 1.5}
    with pytest.raises(ConfigError, match="is not JSON"):
        parse_params(["{fast: 5}"])


def test_interrupting_a_sweep_says_how_to_go_on(tmp_path: Path) -> None:
    """A real Ctrl-C in a real process: what is done stays, and the message says where."""
    import signal
    import time

    Path("slow.py").write_text(
        "import time\nimport numpy as np\nimport tradewright as tw\n"
        "class Slow(tw.Strategy):\n    k: int = 1\n"
        "    def signals(self, bars):\n        time.sleep(0.01)\n        return np.ones(bars.close.shape)\n"
    )
    source = Path(__file__).resolve().parents[2] / "src"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")])}
    program = "import sys; from tradewright.app.cli import main; sys.exit(main())"
    words = ["sweep", "--strategy", "slow.py:Slow", *QUICK, "--grid", "k=1:1000", "--resume", "s.part"]
    running = subprocess.Popen([sys.executable, "-c", program, *words], env=env, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while (not Path("s.part").exists() or Path("s.part").stat().st_size < 4000) and time.monotonic() < deadline:
        assert running.poll() is None, running.stderr.read() if running.stderr else ""
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "s.part" in err
    assert "goes on from there" in err
    assert Path("s.part").stat().st_size >= 4000


def test_the_recorded_configuration_says_what_the_options_changed(capsysbinary: Any) -> None:
    main(
        [
            "backtest",
            *QUICK,
            "--fast",
            "--json",
            "--stop",
            "2atr",
            "--commission",
            "ib_fixed",
            "--size",
            "0.5",
            "--params",
            "fast=7",
        ]
    )
    manifest = json.loads(capsysbinary.readouterr().out)["manifest"]
    rows = {row["key"]: row for row in manifest["configuration"]["rows"]}
    for key, value, option in (
        ("engine.stop", "2atr", "--stop"),
        ("costs.commission", "ib_fixed", "--commission"),
        ("engine.size", 0.5, None),
        ("data.start", "2012-01-01", None),
    ):
        assert rows[key]["value"] == value
        assert rows[key]["layer"] == "command line"
        assert option is None or rows[key]["file"] == option
    assert rows["strategy.params"]["value"]["fast"] == 7
    assert "costs.commission_bps" not in rows, "what the preset replaced is not shown as if it counted"
    assert manifest["config"]["stop_kind"] == "atr"
    assert manifest["config"]["costs"]["per_share"] == 0.005


def test_data_of_ones_own_and_synthetic_data(capsysbinary: Any) -> None:
    from tradewright.testing import walk_bars

    bars = walk_bars(150)
    lines = ["date,open,high,low,close,volume"]
    for t in range(150):
        day = bars.ts[t].astype("datetime64[ns]").astype("datetime64[D]")
        prices = [f"{float(getattr(bars, name)[t, 0]):.4f}" for name in ("open", "high", "low", "close", "volume")]
        lines.append(f"{day},{','.join(prices)}")
    Path("mine.csv").write_text("\n".join(lines))
    options = ["--fast", "--json", "--params", "fast=3,slow=9"]
    assert main(["backtest", "--data", "mine.csv", *options]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    assert document["stats"]["n_bars"] == 150
    assert document["stamps"] == []
    assert main(["backtest", "--provider", "synthetic", "--symbols", "DEMO", "--seed", "3", *options]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    assert document["stamps"][0].startswith("synthetic data")
    assert document["manifest"]["seed"] == 3
    assert main(["backtest", "--data", "mine.csv", "--no-validate-data", *options]) == 0
    assert any("unchecked" in stamp for stamp in json.loads(capsysbinary.readouterr().out)["stamps"])
