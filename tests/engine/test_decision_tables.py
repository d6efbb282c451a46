"""Decisions out of files and frames are the decisions of the arrays they stand for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.app.cli import main
from tradewright.domain.errors import InputError, MissingDataError
from tradewright.engine.decision_tables import rows_at
from tradewright.testing import walk_bars

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

BARS = walk_bars(60, n_assets=2)
DAYS = BARS.ts.astype("datetime64[ns]").astype("datetime64[D]").astype(str)


def fills(result: Any) -> list[tuple[Any, ...]]:
    return [(row["bar"], row["symbol"], row["quantity"], row["price"]) for row in result.fills.rows()]


def test_weights_of_every_form_are_the_same_weights(tmp_path: Path) -> None:
    a, b = BARS.symbols
    rows, values = np.array([5, 20, 40]), np.array([[0.5, 0.5], [0.2, np.nan], [0.0, 0.0]])
    expected = fills(tw.backtest(BARS, weights=(rows, values)))
    assert len(expected) == 5
    wide = {"date": [DAYS[i] for i in rows], b: values[:, 1], a: values[:, 0]}
    long = {
        "date": [DAYS[i] for i in rows for _ in range(2)],
        "symbol": [b, a] * 3,
        "weight": values[:, ::-1].reshape(-1),
    }
    pl.DataFrame(wide).with_columns(pl.col(b).fill_nan(None)).write_csv(tmp_path / "wide.csv")
    pl.DataFrame(long).write_parquet(tmp_path / "long.parquet")
    pd.DataFrame(long).to_csv(tmp_path / "long.csv.gz", index=False)
    indexed = pd.DataFrame({b: values[:, 1], a: values[:, 0]}, index=pd.DatetimeIndex([DAYS[i] for i in rows]))
    full = pd.DataFrame(np.nan, index=range(60), columns=[b, a])
    full.loc[rows, [a, b]] = values
    forms: list[Any] = [wide, long, pd.DataFrame(wide), pl.DataFrame(long), pl.LazyFrame(wide), indexed, full]
    forms += [tmp_path / "wide.csv", tmp_path / "long.parquet", str(tmp_path / "long.csv.gz")]
    for form in forms:
        assert fills(tw.backtest(BARS, weights=form)) == expected, form


def test_signals_may_be_words_and_leave_gaps(tmp_path: Path) -> None:
    one = BARS.select([BARS.symbols[0]])
    array = np.full(60, np.nan)
    array[[3, 30, 50]] = 1, 0, -1
    expected = fills(tw.backtest(one, signals=array))
    (tmp_path / "s.csv").write_text(f"date,signal\n{DAYS[3]},long\n{DAYS[30]},flat\n{DAYS[40]},\n{DAYS[50]},-1\n")
    assert fills(tw.backtest(one, signals=tmp_path / "s.csv")) == expected
    series = pd.Series([1, 0, -1], index=pd.DatetimeIndex([DAYS[i] for i in (3, 30, 50)]), name="signal")
    assert fills(tw.backtest(one, signals=series)) == expected


def test_orders_of_a_file_are_the_orders_of_the_columns(tmp_path: Path) -> None:
    a, b = BARS.symbols
    price = float(BARS.close[10, 1])
    orders = [
        {"bar": 4, "symbol": a, "quantity": 10.0, "stop_loss": 0.02, "tif": "gtc"},
        {"bar": 10, "symbol": b, "quantity": -5.0, "kind": "limit", "limit": price * 1.01, "tif": "day"},
        {"bar": 30, "symbol": a, "quantity": -10.0, "reduce_only": 1},
    ]
    expected = tw.backtest(BARS, orders=orders)
    lines = ["Date,Symbol,Quantity,Kind,Limit,TIF,stop_loss,Reduce_Only"]
    lines += [f"{DAYS[4]},{a},10,,,gtc,0.02,", f"{DAYS[10]},{b},-5,limit,{price * 1.01!r},day,,false"]
    lines += [f"{DAYS[30]},{a},-10,market,,,,true"]
    (tmp_path / "o.csv").write_text("\n".join(lines) + "\n")
    found = tw.backtest(BARS, orders=tmp_path / "o.csv")
    assert fills(found) == fills(expected)
    assert list(found.orders.rows()) == list(expected.orders.rows())


def test_an_instant_belongs_to_the_newest_bar_that_had_closed() -> None:
    stamps = np.datetime64("2024-01-02T15:00", "ns") + np.arange(4) * np.timedelta64(15, "m")
    bars = tw.Bars.from_arrays(stamps, *[np.arange(1.0, 5.0)] * 4, symbols="SPY")
    assert rows_at(["2024-01-02T15:15Z", "2024-01-02T15:29:59Z", "2024-01-02T10:30:00-05:00"], bars, "x").tolist() == [
        1,
        1,
        2,
    ]
    assert rows_at(["2024-01-02"], bars, "x").tolist() == [3], "a date is the last bar of its session"
    with pytest.raises(InputError, match="row 0: at 2024-01-02T14:59:00 UTC no bar"):
        rows_at(["2024-01-02T14:59Z"], bars, "x")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"date": ["1990-01-01"], "symbol": ["A"], "weight": [1.0]}, "1990-01-01 is no session"),
        ({"date": [DAYS[1]], "symbol": ["ZZ"], "weight": [1.0]}, "'ZZ'"),
        ({"date": [DAYS[1]] * 2, "symbol": [BARS.symbols[0]] * 2, "weight": [1.0, 0.5]}, "row 1.*come twice"),
        ({"date": [DAYS[1]], "symbol": [BARS.symbols[0]], "weight": ["much"]}, "row 0: 'much' is no number"),
        ({"date": [DAYS[1]], "symbl": [BARS.symbols[0]], "weight": [1.0]}, "symbol and weight"),
        ({"symbol": [BARS.symbols[0]], "weight": [1.0]}, "have no time"),
        ({"bar": [60], "symbol": [BARS.symbols[0]], "weight": [1.0]}, "must lie in 0 .. 59"),
    ],
)
def test_what_belongs_to_no_bar_is_refused_by_row(table: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        tw.backtest(BARS, weights=table)
    with pytest.raises(MissingDataError, match=r"no file 'nowhere\.csv'"):
        tw.backtest(BARS, weights="nowhere.csv")


def test_the_shell_takes_decisions_and_verifies_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("o.csv").write_text("date,symbol,quantity\n2010-01-05,SPX,10\n2010-02-01,SPX,-10\n")
    words = ["backtest", "--symbols", "SPX", "--start", "2010-01-01", "--end", "2010-12-31", "--fast"]
    assert main([*words, "--orders", "o.csv", "--json", "--out", "r.json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [fill["time"][:10] for fill in document["fills"]] == ["2010-01-06", "2010-02-02"]
    rows = document["manifest"]["configuration"]["rows"]
    assert [row["file"] for row in rows if row["key"] == "orders"] == ["--orders"]
    assert not [row for row in rows if row["key"].startswith("strategy.")]
    assert main(["verify", "r.json"]) == 0
    Path("o.csv").write_text("date,symbol,quantity\n2010-01-05,SPX,11\n2010-02-01,SPX,-11\n")
    assert main(["verify", "r.json"]) != 0
    assert main([*words, "--orders", "o.csv", "--strategy", "sma_cross"]) == 2
    assert main([*words, "--orders", "o.csv", "--signals", "o.csv"]) == 2


def test_finer_bars_by_their_length_decide_what_came_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stamps = np.datetime64("2024-01-02T14:30", "ns") + np.arange(1, 13) * np.timedelta64(30, "m")
    close = np.array([100, 100, 100, 100, 100, 104, 96, 100, 100, 100, 100, 100], dtype=float)
    opened = np.concatenate([[100.0], close[:-1]])
    lines = ["timestamp,open,high,low,close"]
    # Half hours: the price is 104 before it is 96. In two-hour bars nobody can tell.
    for i, stamp in enumerate(stamps - np.timedelta64(30, "m")):
        prices = (opened[i], max(opened[i], close[i]), min(opened[i], close[i]), close[i])
        lines.append(f"{stamp.astype('datetime64[s]')}Z,{','.join(map(repr, map(float, prices)))}")
    Path("SPY.csv").write_text("\n".join(lines) + "\n")
    Path("s.csv").write_text("time,signal\n2024-01-02T16:30Z,1\n")
    words = ["backtest", "--data", "SPY.csv", "--interval", "2h", "--signals", "s.csv", "--no-costs"]
    words += ["--stop", "0.03", "--target", "0.03", "--json"]
    assert main([*words]) == 0
    blind = json.loads(capsys.readouterr().out)
    assert main([*words, "--detail", "30min", "--out", "r.json"]) == 0
    seeing = json.loads(capsys.readouterr().out)
    assert [trade["exit_reason"] for trade in blind["trades"]] == ["stop"]
    assert [trade["exit_reason"] for trade in seeing["trades"]] == ["target"]
    assert blind["bands"]["n_order_dependent"] == 1
    assert seeing["bands"]["n_order_dependent"] == 0
    assert main(["verify", "r.json"]) == 0
    capsys.readouterr()
    assert main([*words, "--detail", "SPY.csv"]) == 0
    assert json.loads(capsys.readouterr().out)["trades"] == seeing["trades"]
