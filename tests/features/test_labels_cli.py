"""The command prints what the functions give, and says what was wrong with what it was asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tradewright.app.cli import main
from tradewright.data import load
from tradewright.features import labels as lab
from tradewright.testing import walk_bars


@pytest.fixture
def file(tmp_path: Path) -> Path:
    bars = walk_bars(120)
    path = tmp_path / "WALK.csv"
    days = bars.ts.astype("datetime64[ns]").astype("datetime64[D]").astype(str)
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = [",".join([day, *(repr(float(c[k, 0])) for c in columns)]) for k, day in enumerate(days)]
    path.write_text("\n".join(["date,open,high,low,close,volume", *rows]))
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["labels", *words])
    found = capsys.readouterr()
    return code, found.out, found.err


def test_json_is_what_python_gives(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, "compute", "triple_barrier", "--data", str(file), "--events", "cusum:0.02",
        "--params", '{"width": 0.02, "max_bars": 10}', "--params", "vertical_label=sign,stop_loss=none", "--json",
    )  # fmt: skip
    assert code == 0
    found = json.loads(out)
    bars = load(data=file)
    wanted = lab.triple_barrier(
        bars, lab.cusum_events(bars, 0.02), width=0.02, max_bars=10, vertical_label="sign", stop_loss=None
    )
    table = found["labels"]
    for name in ("row0", "row1", "label", "ret", "net", "exit"):
        assert table[name] == getattr(wanted, name).tolist()
    assert table["uniqueness"] == lab.average_uniqueness(wanted).tolist()
    ends = np.array([text.removesuffix("+00:00") for text in table["t1"]], dtype="datetime64[ns]")
    assert ends.view(np.int64).tolist() == wanted.t1.tolist()
    assert found["n_labels"] == len(wanted) == sum(found["counts"].values())
    assert found["options"]["stop_loss"] is None
    assert found["dropped"] == dict(wanted.dropped)
    assert "span" in found["conventions"]


@pytest.mark.parametrize("kind", lab.kinds())
def test_every_kind_is_listed_shown_and_computed(kind: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert kind in run(capsys, "list")[1]
    code, out, _ = run(capsys, "show", kind, "--json")
    assert code == 0
    assert json.loads(out)["name"] == kind
    extra = ["--params", "side=1"] if kind == "meta" else []
    code, out, err = run(capsys, "compute", kind, "--data", str(file), "--rows", "2", *extra)
    assert (code, err) == (0, "")
    assert out.startswith(f"Labels({kind}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["triple_barier"], "did you mean 'triple_barrier'"),
        (["triple_barrier", "--params", "max_bar=3"], "did you mean 'max_bars'"),
        (["triple_barrier", "--params", "max_bars=x"], "max_bars is 'x'; it must be a number"),
        (["triple_barrier", "--params", "oops"], "write key=value"),
        (["triple_barrier", "--params", "{oops"], "no JSON"),
        (["triple_barrier", "--events", "cusm:1"], "did you mean 'cusum'"),
        (["triple_barrier", "--events", "cusum"], "needs its threshold"),
        (["triple_barrier", "--events", "cusum:x"], "'x' is no number"),
        (["triple_barrier", "--output", "labels.txt"], "must end in .csv or .parquet"),
        (["triple_barrier", "--closed", "left"], "closed is 'left'"),
        (["meta"], "meta needs side"),
        ([], "Which kind"),
    ],
)
def test_what_was_wrong_is_said(words: list[str], message: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "compute", *words, "--data", str(file))
    assert code == 2
    assert message in err
    assert out == ""


def test_labels_are_written_to_a_file(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd = pytest.importorskip("pandas")
    target = tmp_path / "labels.csv"
    code, _, err = run(capsys, "compute", "trend_scan", "--data", str(file), "-o", str(target), "--rows", "0")
    assert code == 0
    assert "101 labels written" in err
    frame = pd.read_csv(target)
    assert len(frame) == 101
    assert {"t0", "t1", "label", "score", "uniqueness"} <= set(frame)
