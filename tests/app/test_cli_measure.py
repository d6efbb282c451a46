"""``tradewright measure``: files as people have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright import measures as m
from tradewright.app.cli import main

pd = pytest.importorskip("pandas")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray]:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    days = pd.bdate_range("2015-01-01", periods=600)
    other = rng.normal(0.0003, 0.009, 600)
    own = 0.6 * other + rng.normal(0.0004, 0.006, 600)
    pd.DataFrame({"Date": days, "my fund": own}).to_csv("r.csv", index=False)
    pd.DataFrame({"date": days[::-1], "index": other[::-1]}).to_csv("b.csv", index=False, sep=";")
    pd.DataFrame({"A": np.cumprod(1 + own), "B": np.cumprod(1 + other)}, index=days).to_parquet("e.parquet")
    Path("plain.csv").write_text("\n".join(map(repr, own.tolist())))
    return own, other


def run(capsys: Any, *words: str) -> dict[str, Any]:
    assert main(["measure", *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_returns_against_a_benchmark(files: tuple[np.ndarray, np.ndarray], capsys: Any) -> None:
    own, other = files
    found = run(capsys, "--returns", "r.csv", "--benchmark", "b.csv", "--periods", "252", "--risk-free", "0.01")
    wanted = m.measure(own, other, periods_per_year=252, risk_free=0.01)
    assert found["schema"] == "tradewright.measures/1"
    for name, value in wanted.items():
        assert found["measures"][name] == pytest.approx(value, rel=1e-9), name
        assert found["conventions"][name]
    assert any("order of their dates" in note for note in found["notes"])


def test_columns_curves_and_files_without_header(files: tuple[np.ndarray, np.ndarray], capsys: Any) -> None:
    own, other = files
    found = run(capsys, "--equity", "e.parquet")
    assert list(found["columns"]) == ["A", "B"]
    assert found["columns"]["B"]["measures"]["sharpe"] == pytest.approx(m.sharpe(other[1:], periods_per_year=252))
    plain = run(capsys, "--returns", "plain.csv")
    assert plain["measures"]["n_returns"] == 600
    assert plain["measures"]["sharpe"] == pytest.approx(m.sharpe(own, periods_per_year=252))
    assert main(["measure", "--equity", "e.parquet", "--column", "A", "--intervals", "--reps", "200"]) == 0
    assert " to " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--returns", "rr.csv"], 3, "did you mean 'r.csv'"),
        (["--returns", "r.csv", "--column", "my fnd"], 2, "did you mean 'my fund'"),
        (["--returns", "e.parquet", "--column", "A"], 3, "Give a curve with --equity"),
        ([], 2, "exactly one of --returns and --equity"),
        (["--returns", "r.csv", "--equity", "r.csv"], 2, "exactly one of"),
        (["--returns", "text.csv"], 3, "no column of numbers"),
        (["--returns", "hole.csv"], 3, "nan at row 1"),
        (["--returns", "percent.csv"], 3, "returns are fractions"),
        (["--returns", "twice.csv"], 3, "2020-01-01 00:00 twice"),
        (["--returns", "r.csv", "--benchmark", "two.csv"], 2, "--benchmark-column"),
        (["--returns", "r.csv", "--benchmark", "late.csv"], 3, "no date in common"),
        (["--returns", "r.csv", "--periods", "0"], 3, "periods_per_year is 0.0"),
    ],
)
def test_what_is_wrong_is_said(
    files: tuple[np.ndarray, np.ndarray], words: list[str], code: int, said: str, capsys: Any
) -> None:
    Path("text.csv").write_text("date,x\n2020-01-01,a\n2020-01-02,b\n")
    Path("hole.csv").write_text("date,x\n2020-01-01,0.01\n2020-01-02,\n2020-01-03,0.02\n")
    Path("percent.csv").write_text("date,x\n2020-01-01,120.5\n2020-01-02,121.5\n2020-01-03,119.0\n")
    Path("twice.csv").write_text("date,x\n2020-01-01,0.01\n2020-01-01,0.02\n2020-01-03,0.01\n")
    Path("two.csv").write_text("date,x,y\n2015-01-01,0.01,0.02\n2015-01-02,0.02,0.01\n")
    Path("late.csv").write_text("date,x\n2030-01-01,0.01\n2030-01-02,0.02\n")
    assert main(["measure", *words]) == code
    assert said in capsys.readouterr().err
