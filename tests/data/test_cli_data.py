"""``tradewright data`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tradewright.app.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["data", *arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "SPX", "--start", "2008-09-15", "--end", "2008-09-19", "--rows", "1")
    assert code == 0
    assert "5 x 1, 2008-09-15 to 2008-09-19" in out
    assert "1192.699951" in out  # close of the day Lehman failed
    code, out, _ = run(capsys, "show", "SPX,VIX", "--json", "--start", "2018-12-24", "--rows", "1")
    facts = json.loads(out)
    assert (code, facts["symbols"], facts["periods_per_year"]) == (0, ["SPX", "VIX"], 252)
    assert facts["rows"][0]["bars"]["VIX"]["close"] == 36.07
    assert facts["rows"][0]["session"] == "2018-12-24"


def test_check_ends_with_three_when_data_is_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "A.csv"
    path.write_text("date,close\n2024-01-02,1\n2024-01-03,0\n")
    code, out, _ = run(capsys, "check", "--data", str(path))
    assert code == 3
    assert "the price 0 is not above 0" in out
    code, out, _ = run(capsys, "check", "--data", str(path), "--json")
    assert code == 3
    assert json.loads(out)["rejected"] == 1
    code, out, _ = run(capsys, "check", "SPX")
    assert code == 0
    assert "5,031 rows judged, 5,031 kept, no errors" in out


def test_list_providers_and_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert "SPX" in run(capsys, "list")[1].split()
    assert "AAPL" in json.loads(run(capsys, "list", "--json")[1])["symbols"]
    assert {"sample", "csv", "synthetic"} <= {p["name"] for p in json.loads(run(capsys, "providers", "--json")[1])}
    assert "relation" in run(capsys, "rules")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "APPL"), 3, "did you mean 'AAPL'"),
        (("show", "SPX", "--provider", "sampel"), 2, "did you mean 'sample'"),
        (("show", "SPX", "--start", "2030-01-01"), 3, "the data has 1999-01-04 to 2018-12-31"),
        (("show", "SPX", "--stamp", "middle"), 2, "reads neither"),
        (("show", "--data", "/nowhere/at/all.csv"), 3, "There is no file"),
    ],
)
def test_errors_are_one_line_and_a_code(
    arguments: tuple[str, ...], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, *arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert err.count("\n") == 1
