"""``tradewright indicators`` as one uses it: right, mistyped, and by a script."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tradewright.app.cli import main
from tradewright.features import indicators
from tradewright.testing.market import walk_bars


@pytest.fixture
def data(tmp_path: Path) -> Path:
    bars = walk_bars(60)
    days = bars.ts.astype("datetime64[ns]").astype("datetime64[D]")
    names = ("open", "high", "low", "close", "volume")
    rows = [f"{day}," + ",".join(repr(float(getattr(bars, n)[t, 0])) for n in names) for t, day in enumerate(days)]
    path = tmp_path / "WALK.csv"
    path.write_text("date,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["indicators", *words])
    done = capsys.readouterr()
    return code, done.out, done.err


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list", "--family", "momentum")
    assert code == 0
    assert "  rsi " in out
    assert "  sma " not in out
    code, out, _ = run(capsys, "list", "--json")
    found = json.loads(out)
    assert {item["name"] for item in found} == set(indicators.names())
    code, out, _ = run(capsys, "list", "--engine", "tradewright", "--search", "volatility", "--json")
    assert {item["engine"] for item in json.loads(out)} == {"tradewright"}
    assert len(json.loads(out)) > 5


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "rsi")
    assert code == 0
    assert "15 rows" in out
    assert "Wilder (1978)" in out
    _, out, _ = run(capsys, "show", "rsi", "--params", "window=20", "--json")
    facts = json.loads(out)
    assert facts["warm_up"] == 21
    assert facts["params"][0]["low"] == 1
    _, out, _ = run(capsys, "show", "vwap_anchored")
    assert "needed; a date or instant" in out


@pytest.mark.parametrize("params", ['{"window": 5}', "window=5"])
def test_compute_prints_the_numbers_of_python(capsys: pytest.CaptureFixture[str], data: Path, params: str) -> None:
    code, out, err = run(capsys, "compute", "--name", "rsi", "--params", params, "--data", str(data), "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    wanted = indicators.rsi(walk_bars(60).close[:, 0].copy(), window=5)
    values = [np.nan if v is None else v for v in found["values"]["WALK"]["rsi"]]
    np.testing.assert_array_equal(values, wanted)
    assert found["warm_up"] == 6
    assert found["params"] == {"window": 5, "seed": "sma"}
    assert len(found["known"]) == 60
    assert found["known"][0] == "2000-01-03T21:00:00+00:00" or found["known"][0].startswith("2000-01-01")


def test_compute_for_people_and_as_a_picture(capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    picture = tmp_path / "macd.html"
    code, out, err = run(capsys, "compute", "macd", "--data", str(data), "--plot", str(picture), "--rows", "3")
    assert code == 0
    assert "histogram" in out
    assert "macd.html" in err
    text = picture.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "http" not in text.partition("<script>")[0]


def test_anchors_fields_and_sessions(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    _, out, _ = run(capsys, "compute", "vwap_anchored", "-p", "anchor=2000-02-01", "--data", str(data), "--json")
    assert json.loads(out)["params"]["anchor"].startswith("2000-02-01")
    _, out, _ = run(capsys, "compute", "sma", "-p", "window=2", "--field", "volume", "--data", str(data), "--json")
    assert json.loads(out)["inputs"] == ["volume"]
    code, _, _ = run(capsys, "compute", "vwap_session", "--data", str(data), "--json")
    assert code == 0


def test_a_benchmark_among_the_symbols(capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path) -> None:
    other = tmp_path / "INDEX.csv"
    other.write_text(data.read_text())
    words = ("compute", "beta", "-p", "window=10", "--data", str(tmp_path), "--symbols", "WALK", "--benchmark", "INDEX")
    code, out, _ = run(capsys, *words, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["symbols"] == ["WALK"]
    assert found["values"]["WALK"]["beta"][-1] == pytest.approx(1.0)


def test_short_data_is_said(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    code, out, err = run(capsys, "compute", "sma", "-p", "window=100", "--data", str(data))
    assert code == 0
    assert "60 bars are fewer than the warm-up of 100" in err
    assert "-" in out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("show", "rsii"), 2, "did you mean 'rsi'"),
        (("compute", "rsi", "-p", "length=3"), 2, "did you mean 'window'"),
        (("compute", "rsi", "-p", "window=0"), 2, "it must be a whole number from 1"),
        (("compute", "rsi", "-p", '{"window": 3'), 2, "is no JSON"),
        (("compute", "rsi", "-p", "window"), 2, "write key=value"),
        (("compute",), 2, "Which indicator?"),
        (("compute", "rsi", "--name", "sma"), 2, "Two names were given"),
        (("list", "--family", "momentun"), 2, "did you mean 'momentum'"),
        (("list", "--engine", "ta-lib"), 2, "did you mean 'talib'"),
        (("list", "--search", "qqqqq"), 2, "No name or title contains"),
        (("compute", "beta", "--data", "DATA"), 2, "--benchmark"),
        (("compute", "rsi", "--data", "DATA", "--benchmark", "X"), 2, "needs no benchmark"),
        (("compute", "rsi", "--data", "DATA", "--plot", "x.gif"), 2, "must end in .html"),
        (("compute", "rsi", "--data", "nowhere.csv"), 3, "nowhere.csv"),
    ],
)
def test_mistakes(
    capsys: pytest.CaptureFixture[str], data: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    given = [str(data) if word == "DATA" else word for word in words]
    found, out, err = run(capsys, *given)
    assert found == code
    assert sentence in err
    assert out == ""
