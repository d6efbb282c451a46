"""Corporate actions from files: what is read, what is refused and how, and what becomes of the bars."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright.app.cli import main
from tradewright.data import load
from tradewright.data.corporate import (
    action_table,
    attach,
    explained,
    join_symbols,
    listed,
    other_names,
    read_actions,
)
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars, Provenance, utc
from tradewright.domain.errors import DataProviderError, InputError

DAY = 86_400_000_000_000
HEADER = "date,symbol,kind,value,new_symbol\n"


def _file(folder: Path, text: str, name: str = "actions.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _bars(closes: dict[str, list[float]], first: str = "2024-01-02", adjusted: str = "unknown") -> Bars:
    table = np.array(list(closes.values())).T.copy()
    days = np.arange(np.datetime64(first), np.datetime64(first) + 60)
    days = days[np.is_busday(days)][: table.shape[0]]
    return Bars.from_arrays(
        days + np.timedelta64(21, "h"), table, table, table, table, np.full(table.shape, 100.0),
        symbols=list(closes), interval_ns=DAY, provenance=Provenance("drawn", adjusted=adjusted),
    )  # fmt: skip


# --- reading ------------------------------------------------------------------------------------------


def test_a_file_in_anybodys_dialect(tmp_path: Path) -> None:
    plain = _file(
        tmp_path,
        HEADER + "2014-06-09,AAPL,split,7:1,\n2014-08-07,AAPL,dividend,0.47,\n"
        "2022-06-09,FB,symbol_change,,META\n2008-09-18,LEH,delisting,,\n",
    )
    other = _file(
        tmp_path,
        "\ufeff# a comment\nEx-Date;Ticker;Type;Amount;New Symbol\n20140609;AAPL;Stock Split;7/1\n\n"
        "2014-08-07 00:00:00;AAPL;Cash Dividend;$0.47;\n2022-06-09;FB;Rename;;META\n2008-09-18;LEH;delisted;0\n",
        "other.csv",
    )
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    rows = read_actions(plain)
    assert [(a.instrument.symbol, str(a.kind), a.value, a.new_symbol) for a in rows] == [
        ("LEH", "delisting", 0.0, ""),
        ("AAPL", "split", 7.0, ""),
        ("AAPL", "dividend", 0.47, ""),
        ("FB", "symbol_change", 0.0, "META"),
    ]
    assert read_actions(other) == rows == read_actions(packed) == read_actions(rows)


def test_a_date_is_in_force_from_the_opening_of_its_session() -> None:
    """From the bell in New York in summer and winter, from midnight for a coin, and an instant is an instant."""
    made = read_actions(
        [
            {"date": "2014-06-09", "symbol": "AAPL", "kind": "split", "value": 7},
            {"date": "2014-11-06", "symbol": "AAPL", "kind": "dividend", "value": 0.47},
            {"date": "2024-05-01", "symbol": "BTC-USD", "kind": "split", "value": 2},
            {"date": "2024-05-02T12:00:00+02:00", "symbol": "BTC-USD", "kind": "split", "value": 2},
        ]
    )
    assert [str(utc(a.ts))[:16] for a in made] == [
        "2014-06-09 13:30", "2014-11-06 14:30", "2024-05-01 00:00", "2024-05-02 10:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("2014-06-09,AAPL,splt,7,\n", r"Row 2 of actions.csv: the kind is 'splt', did you mean 'split'"),
        ("2014-06-09,AAPL,split,,\n", r"Row 2 .* the split has no value; give the new shares per old"),
        ("2014-06-09,AAPL,split,seven,\n", r"Row 2 .* 'seven'; write 7 or 7:1"),
        ("2014-06-09,AAPL,split,7:0,\n", r"Row 2 .* '7:0'"),
        ("2014-06-09,AAPL,split,-2,\n", r"Row 2 .* must be above 0"),
        ("2014-06-09,AAPL,dividend,-0.1,\n", r"Row 2 .* at least 0"),
        ("2014-06-09,AAPL,dividend,nan,\n", r"Row 2 .* must be finite"),
        ("09.06.2014,AAPL,dividend,1,\n", r"Row 2 .* the date is '09.06.2014'; write it like 2014-06-09"),
        ("2014-06-09,,dividend,1,\n", r"Row 2 .* the symbol is missing"),
        ("2022-06-09,FB,symbol_change,,\n", r"Row 2 .* the new_symbol of FB is missing"),
        ("2022-06-09,FB,symbol_change,,FB\n", r"Row 2 .* is the old one"),
        ("2014-06-09,AAPL,split,7,,,\n", r"Row 2 of actions.csv has 7 cells, its header has 5"),
        (
            "2014-06-09,AAPL,dividend,1,\n2014-06-10,AAPL,dividend,1,\n2014-06-09,AAPL,dividend,1.0,\n",
            r"Row 4 of actions.csv says the same as row 2",
        ),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path: Path, body: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_actions(_file(tmp_path, HEADER + body))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("date,symbl,kind,value\n", r"no column 'symbol', did you mean 'symbl'"),
        ("", "is empty; its first line should be date,symbol,kind,value,new_symbol"),
    ],
)
def test_a_header_that_is_wrong_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_actions(_file(tmp_path, text))


def test_a_file_that_is_not_there_is_named_with_its_neighbours(tmp_path: Path) -> None:
    _file(tmp_path, HEADER)
    with pytest.raises(DataProviderError, match=r"did you mean 'actions.csv'"):
        read_actions(tmp_path / "action.csv")


# --- attaching ----------------------------------------------------------------------------------------


def _split(day: str, ratio: float, symbol: str = "A") -> dict[str, Any]:
    return {"date": day, "symbol": symbol, "kind": "split", "value": ratio}


def _paid(day: str, cash: float, symbol: str = "A") -> dict[str, Any]:
    return {"date": day, "symbol": symbol, "kind": "dividend", "value": cash}


def test_prices_decide_whether_they_contain_a_split() -> None:
    """Where nobody says: a fall of the size of the split is the split, no fall means that it is in the prices."""
    quoted = attach(_bars({"A": [100.0, 101.0, 50.0, 51.0]}), [_split("2024-01-04", 2), _paid("2024-01-03", 1.0)])
    assert [(str(a.kind), a.value) for a in quoted.actions] == [("dividend", 1.0), ("split", 2.0)]
    assert quoted.provenance.adjusted == "raw"
    inside = attach(_bars({"A": [50.0, 50.5, 50.0, 51.0]}), [_split("2024-01-04", 2), _paid("2024-01-03", 1.0)])
    assert [(str(a.kind), a.value) for a in inside.actions] == [("dividend", 0.5)]
    assert inside.provenance.adjusted == "split"
    assert any("1 splits are not applied" in note for note in inside.provenance.notes)
    assert any("1 dividends before them are restated" in note for note in inside.provenance.notes)


def test_a_small_split_is_believed_and_what_is_said_of_prices_wins() -> None:
    small = attach(_bars({"A": [100.0, 101.0, 99.0, 98.0]}), [_split("2024-01-04", 1.05)])
    assert [a.value for a in small.actions] == [1.05], "a move of the market hides it; the file is believed"
    flat = {"A": [50.0, 50.5, 50.0, 51.0]}
    assert len(attach(_bars(flat, adjusted="raw"), [_split("2024-01-04", 2)]).actions) == 1
    assert attach(_bars(flat, adjusted="split"), [_split("2024-01-04", 2)]).actions == ()
    both = [_split("2024-01-04", 2), _paid("2024-01-03", 1.0)]
    assert attach(_bars(flat, adjusted="split+dividend"), both).actions == ()


def test_actions_given_replace_those_of_the_source_for_their_instruments() -> None:
    bars = _bars({"A": [10.0, 10.0, 10.0], "B": [20.0, 20.0, 20.0]}, adjusted="raw")
    own = [
        CorporateAction(ts=int(bars.ts[1]), instrument=instrument, kind=ActionKind.DIVIDEND, value=0.1)
        for instrument in bars.instruments
    ]
    made = attach(replace(bars, actions=tuple(own)), [_paid("2024-01-04", 0.3), _paid("2024-01-04", 9.0, "C")])
    assert [(a.instrument.symbol, a.value) for a in made.actions] == [("B", 0.1), ("A", 0.3)]
    notes = " ".join(made.provenance.notes)
    assert "other instruments left out: 1" in notes
    assert "replaced by those of given: 1" in notes


def test_bars_named_by_plain_dates_meet_their_actions_on_the_day() -> None:
    days = np.array(["2024-01-02", "2024-01-03", "2024-01-04"], dtype="datetime64[D]")
    bars = Bars.from_arrays(days, *[[10.0, 5.0, 5.0]] * 4, symbols="A", interval_ns=DAY)
    assert [row["row"] for row in action_table(attach(bars, [_split("2024-01-03", 2)]))] == [1]


def test_a_change_of_symbol_is_one_instrument() -> None:
    """The new name's own past is of another company (so was META's) and the old name's later life too."""
    nan = np.nan
    bars = _bars(
        {"FB": [196.0, 195.0, 7.0, 7.0], "SPY": [400.0, 401.0, 402.0, 403.0], "META": [15.0, nan, 184.0, 183.0]}
    )
    change = {"date": "2024-01-04", "symbol": "FB", "kind": "symbol_change", "new_symbol": "META"}
    made = attach(bars, [change, _paid("2024-01-03", 0.5, "FB"), _paid("2024-01-05", 0.6, "META")])
    assert made.symbols == ("META", "SPY")
    assert made.close[:, 0].tolist() == [196.0, 195.0, 184.0, 183.0]
    assert made.close[:, 1].tolist() == [400.0, 401.0, 402.0, 403.0]
    assert [(a.instrument.symbol, a.value) for a in made.actions] == [("META", 0.5), ("META", 0.6)]
    assert any("3 bars that carry the wrong name" in note for note in made.provenance.notes)


def test_a_chain_of_names_and_a_name_alone() -> None:
    nan = np.nan
    rows = [
        {"date": "2024-01-03", "symbol": "A", "kind": "symbol_change", "new_symbol": "B"},
        {"date": "2024-01-04", "symbol": "B", "kind": "symbol_change", "new_symbol": "C"},
    ]
    chain = join_symbols(_bars({"A": [1.0, nan, nan], "B": [nan, 2.0, nan], "C": [nan, nan, 3.0]}), read_actions(rows))
    assert (chain.symbols, chain.close[:, 0].tolist()) == (("C",), [1.0, 2.0, 3.0])
    alone = join_symbols(_bars({"A": [1.0, 2.0, 3.0]}), read_actions(rows))
    assert (alone.symbols, alone.close[:, 0].tolist()) == (("C",), [1.0, 2.0, 3.0])
    assert other_names(["A"], rows, ["A", "B", "C", "D"]) == ["A", "B", "C"]
    assert other_names(["D"], rows, ["A", "D"]) == ["D"]
    assert other_names(["C"], rows, ["X"]) == ["C"], "a symbol that nobody has stays, so that its absence is said"


def test_bars_after_a_delisting_are_left_out_and_a_late_one_is_said() -> None:
    bars = _bars({"A": [5.0, 4.0, 3.0], "B": [1.0, 1.0, 1.0]})
    gone = {"date": "2024-01-03", "symbol": "A", "kind": "delisting", "value": 2}
    made = listed(attach(bars, [gone]))
    assert np.isnan(made.close[1:, 0]).all()
    assert made.close[:, 1].tolist() == [1.0, 1.0, 1.0]
    assert listed(bars) is bars
    soon = attach(bars, [{**gone, "date": "2024-01-08"}])
    assert soon.n_bars == 4
    assert np.isnan(soon.close[-1]).all()
    assert str(utc(int(soon.ts[-1])))[:16] == "2024-01-08 21:00"
    late = attach(bars, [{**gone, "date": "2024-06-03"}])
    assert late.n_bars == 3
    assert any("days after the last bar and has no effect" in note for note in late.provenance.notes)


# --- loading and the shell ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """FB and META as two files, with a split that shows, and the file of actions beside them."""
    place = tmp_path / "prices"
    place.mkdir()
    days = [f"2024-01-{d:02d}" for d in (2, 3, 4, 5, 8, 9, 10, 11)]
    prices = [200.0, 202.0, 204.0, 102.0, 103.0, 104.0, 105.0, 106.0]
    for name, rows in (("FB", range(5)), ("META", range(5, 8))):
        body = "".join(f"{days[i]},{prices[i]},{prices[i] + 1},{prices[i] - 1},{prices[i]},1000\n" for i in rows)
        (place / f"{name}.csv").write_text("date,open,high,low,close,volume\n" + body)
    _file(
        tmp_path,
        HEADER + "2024-01-05,FB,split,2,\n2024-01-08,FB,dividend,1.02,\n2024-01-09,FB,symbol_change,,META\n",
    )
    return tmp_path


def test_loading_one_name_loads_the_instrument_under_all_of_them(folder: Path) -> None:
    for asked in ("META", "FB"):
        bars = load(asked, data=folder / "prices", actions=folder / "actions.csv")
        assert bars.symbols == ("META",)
        assert bars.n_bars == 8
        assert np.isfinite(bars.close).all()
        assert [str(a.kind) for a in bars.actions] == ["split", "dividend"]


def test_a_split_of_a_file_explains_the_jump_that_the_rules_found(folder: Path) -> None:
    from tradewright.data.sanity import check

    bars = load("FB", data=folder / "prices" / "FB.csv")
    report = check(bars)
    assert {f.rule for f in report.findings} & {"split", "jump"}
    told = attach(bars, [_split("2024-01-05", 2, "FB")])
    cleared = explained(report, told)
    assert not {f.rule for f in cleared.findings} & {"split", "jump"}
    assert explained(report, bars) is report


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = 0
    try:
        code = int(main(list(words)) or 0)
    except SystemExit as stop:
        code = int(stop.code or 0)
    found = capsys.readouterr()
    return code, found.out, found.err


def test_the_shell_adjusts_as_the_function_does(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    words = ("META", "--data", str(folder / "prices"), "--actions", str(folder / "actions.csv"))
    out = tmp_path / "adjusted.csv"
    code, text, _ = _run(capsys, "data", "adjust", *words, "--json", "--output", str(out))
    assert code == 0
    found = json.loads(text)
    late = 1 - 1.02 / 102.0
    assert [row["close"] for row in found["rows"]] == pytest.approx(
        [200 / 2 * late, 202 / 2 * late, 204 / 2 * late, 102 * late, 103.0, 104.0, 105.0, 106.0]
    )
    assert [row["volume"] for row in found["rows"]] == [2000.0] * 3 + [1000.0] * 5
    assert (found["rule"], found["adjusted"], found["direction"]) == ("previous_close", "split+dividend", "backward")
    assert [(item["session"], item["split"], item["dividend"]) for item in found["applied"]] == [
        ("2024-01-05", 2.0, 0.0), ("2024-01-08", 1.0, 1.02),
    ]  # fmt: skip
    again = load(data=out)
    assert again.close[:, 0].tolist() == [row["close"] for row in found["rows"]]
    code, text, _ = _run(capsys, "data", "adjust", *words, "--as-of", "2024-01-05", "--rule", "1+d/C_t", "--json")
    found = json.loads(text)
    assert [row["close"] for row in found["rows"]][:5] == [100.0, 101.0, 102.0, 102.0, 103.0]
    assert [item["kind"] for item in found["pending"]] == ["dividend"]
    code, text, _ = _run(capsys, "data", "adjust", *words, "--kind", "split", "--rows", "1")
    assert code == 0
    assert "split 2:1" in text
    assert "not in the prices: dividend of META" in text


def test_the_shell_lists_actions_of_a_file_and_of_bars(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    actions = str(folder / "actions.csv")
    code, text, _ = _run(capsys, "data", "actions", "--actions", actions, "--json")
    assert code == 0
    assert [item["kind"] for item in json.loads(text)["actions"]] == ["split", "dividend", "symbol_change"]
    code, text, _ = _run(capsys, "data", "actions", "META", "--data", str(folder / "prices"), "--actions", actions)
    assert code == 0
    assert "bar of 2024-01-05" in text
    code, text, err = _run(
        capsys, "data", "adjust", "META", "--data", str(folder / "prices"), "--actions", actions + "x"
    )
    assert code == 3
    assert "did you mean 'actions.csv'" in err
    code, text, err = _run(capsys, "data", "adjust", "SPX", "--rule", "1+d")
    assert code == 2
    assert "previous_close, ex_close" in err


def test_the_shell_trades_with_a_file_of_actions(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    words = (
        "backtest", "--data", str(folder / "prices"), "--symbols", "META", "--actions", str(folder / "actions.csv"),
        "--strategy", "buy_and_hold", "--no-costs", "--fast", "--json", "--size", "0.5", "--lot", "0",
    )  # fmt: skip
    code, text, err = _run(capsys, *words)
    assert code == 0, err
    found = json.loads(text)
    assert found["manifest"]["data"]["symbols"] == ["META"]
    assert "dividends are cash" in found["conventions"]["corporate_actions"]
    assert "adjusted forward" in found["conventions"]["decide_on"]
    shares = 50_000 / 202.0 * 2
    assert found["stats"]["final_equity"] == pytest.approx(50_000 + shares * (106.0 + 1.02), rel=1e-9)
    code, text, err = _run(capsys, *words, "--decide-on", "row")
    assert code == 2
    assert "'raw'" in err
