"""Tables of members: every form they come in, what they say at a day, and what cannot be."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.app.cli import main
from tradewright.data.membership import Membership, members_mask, membership_of, with_membership
from tradewright.data.universes import UNIVERSES, expand, resolve
from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError, MissingDataError
from tradewright.domain.instrument import Instrument

ROWS = [
    ("AAA", "2024-01-03", "2024-01-05"),
    ("BBB", None, "2024-01-04"),
    ("AAA", "2024-01-09", None),
    ("CCC", None, None),
]


def _bars(n: int = 8, *symbols: str) -> Bars:
    """Sessions of the NYSE from 2 January 2024 on."""
    days = np.busday_offset("2024-01-02", np.arange(n), roll="forward")
    ts = (days.astype("datetime64[ns]") + np.timedelta64(21, "h")).astype(np.int64)
    names = symbols or ("AAA", "BBB", "CCC")
    close = 100.0 + np.arange(n)[:, None] + np.arange(len(names))[None, :]
    return Bars.from_arrays(
        ts, close, close, close, close, instruments=[Instrument(name) for name in names], interval_ns=86_400 * 10**9
    )


def test_members_at_a_day_are_those_whose_stay_holds_it() -> None:
    table = Membership.of(ROWS)
    assert table.members("2024-01-02") == ("BBB", "CCC")
    assert table.members("2024-01-03") == ("AAA", "BBB", "CCC"), "the first session counts"
    assert table.members("2024-01-05") == ("AAA", "CCC"), "and so does the last"
    assert table.members("2024-01-08") == ("CCC",), "a gap between two stays is one"
    assert table.members("2030-01-01") == ("AAA", "CCC")
    assert table.symbols == ("AAA", "BBB", "CCC"), "who left is still loaded"
    assert table.between("2024-01-06", "2024-01-08") == ("CCC",)
    assert table.between(end="2024-01-02") == ("BBB", "CCC")
    assert (table.dated, table.survivors, table.first) == (True, False, "2024-01-03")


def test_the_mask_has_a_row_for_each_session() -> None:
    mask = Membership.of(ROWS).mask(_bars(8, "AAA", "BBB", "CCC", "SPY"))
    assert mask[:, 0].tolist() == [False, True, True, True, False, True, True, True]
    assert mask[:, 1].tolist() == [True, True, True, False, False, False, False, False]
    assert mask[:, 2:].all(), "who is nowhere in the table is not restricted"


def test_a_coin_that_closes_at_midnight_belongs_to_the_day_that_ended() -> None:
    ts = (np.arange(4, dtype=np.int64) + 1) * 86_400 * 10**9 + int(np.datetime64("2024-01-01", "ns").astype(np.int64))
    bars = Bars.from_arrays(ts, *[np.ones(4)] * 4, instruments=Instrument.of("BTC-USD"), interval_ns=86_400 * 10**9)
    assert Membership.of([("BTC-USD", "2024-01-02", "2024-01-03")]).mask(bars)[:, 0].tolist() == [
        False,
        True,
        True,
        False,
    ]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def test_every_form_of_a_table_says_the_same(written: Callable[[str, str], Path], tmp_path: Path) -> None:
    import duckdb
    import pandas as pd
    import polars as pl

    stays = "AAA,2024-01-03,2024-01-05\nBBB,,2024-01-04\nAAA,2024-01-09,\nCCC,,\n"
    parquet = tmp_path / "m.parquet"
    frame = pd.DataFrame(ROWS, columns=["symbol", "from", "to"])
    frame["from"] = pd.to_datetime(frame["from"])
    duckdb.sql("select * from frame").write_parquet(str(parquet))
    forms: list[Any] = [
        written("a.csv", f"symbol,from,to\n{stays}"),
        written("b.csv", f"# from somewhere\nTicker;Start;End\n{stays.replace(',', ';')}"),
        written("c.csv.gz", f"\ufeffsymbol,from,to\n{stays}"),
        written("d.csv", "symbol,added,removed\nAAA,20240103,2024-01-06\nBBB,NaT,2024-01-05 00:00:00\n"
                         "AAA,2024-01-09,nan\nCCC,-,\n"),
        written("e.yaml", "name: mine\nmembers:\n- {symbol: AAA, from: 2024-01-03, to: 2024-01-05}\n"
                          "- {symbol: BBB, to: 2024-01-04}\n- {symbol: AAA, from: 2024-01-09}\n- {symbol: CCC}\n"),
        written("f.json", json.dumps([dict(zip(("symbol", "from", "to"), row, strict=True)) for row in ROWS])),
        parquet, frame, pl.DataFrame(ROWS, schema=["symbol", "from", "to"], orient="row"),
        {"symbol": [r[0] for r in ROWS], "from": [r[1] for r in ROWS], "to": [r[2] for r in ROWS]},
        [{"symbol": s, "from": f, "to": t} for s, f, t in ROWS], [*ROWS, ROWS[0]],
    ]  # fmt: skip
    expected = Membership.of(ROWS)
    for form in forms:
        assert Membership.of(form).stays == expected.stays, str(form)
        assert Membership.of(form).hash == expected.hash


def test_snapshots_hold_until_the_next(written: Callable[[str, str], Path]) -> None:
    forms: list[Any] = [
        written(
            "a.csv", "date,symbol\n2024-01-02,AAA\n2024-01-02,BBB\n2024-01-05,BBB\n2024-01-09,AAA\n2024-01-09,CCC\n"
        ),
        written("b.csv", 'date,tickers\n2024-01-09,"AAA,CCC"\n2024-01-02,"AAA,BBB"\n2024-01-05,BBB\n'),
        written("c.yaml", "snapshots:\n  2024-01-02: [AAA, BBB]\n  2024-01-05: BBB\n  2024-01-09: [AAA, CCC]\n"),
        {"2024-01-02": ["AAA", "BBB"], "2024-01-05": ["BBB"], "2024-01-09": ["AAA", "CCC"]},
    ]
    for form in forms:
        table = Membership.of(form)
        assert [str(stay) for stay in table.stays] == [
            "AAA 2024-01-02 to 2024-01-04", "AAA 2024-01-09 to now", "BBB 2024-01-02 to 2024-01-08",
            "CCC 2024-01-09 to now",
        ], str(form)  # fmt: skip
    assert Membership.of(forms[0]).members("2024-01-01") == (), "before the first snapshot nobody is known"


def test_a_name_that_two_companies_had_is_told_apart_by_its_prices() -> None:
    table = Membership.of([
        {"symbol": "C", "from": "1990-01-01", "to": "1998-10-07", "data": "C_OLD"},
        {"symbol": "C", "from": "1998-10-08", "to": None, "data": "C"},
        {"symbol": "FB", "from": "2013-12-23", "to": "2022-06-08", "data": "META"},
        {"symbol": "META", "from": "2022-06-09"},
    ])  # fmt: skip
    assert table.symbols == ("C_OLD", "C", "META")
    assert table.members("1995-01-01") == ("C",)
    assert table.between("1995-01-01", "1995-12-31") == ("C_OLD",)
    assert table.members("2022-06-08") == ("C", "FB")
    assert table.members("2022-06-09") == ("C", "META")
    bars = _bars(4, "C_OLD", "C", "META")
    assert table.mask(bars).tolist() == [[False, True, True]] * 4


def test_what_cannot_be_is_refused_with_its_row(written: Callable[[str, str], Path], tmp_path: Path) -> None:
    for text, message in (
        ("symbol,from,to\nAAA,2024-02-30,\n", r"x\.csv row 1: from is '2024-02-30', which is no date"),
        ("symbol,from,to\nAAA,2024-03-01,2024-02-01\n", r"AAA leaves \(2024-02-01\) before it joins \(2024-03-01\)"),
        ("symbol,from,to\nAAA,2024-01-01,2024-02-01\nAAA,2024-02-01,\n", r"two stays of AAA overlap, AAA 2024-01"),
        ("symbol,from,to\nAAA,,\nAAA,2024-02-01,\n", "overlap"),
        ("symbol,from,to\n,2024-01-01,\n", r"row 1: there is no symbol"),
        ("symbl,from,to\nAAA,,\n", r"no column of symbols.*did you mean 'symbol'"),
        ("symbol,form,to2\nAAA,,\n", r"column 'form', did you mean 'from'"),
        ("symbol,to,removed\nAAA,,\n", r"both 'to'"),
        ("date,symbol,from\n2024-01-01,AAA,\n", r"snapshots \(date\) and of stays"),
        ("symbol,ticker\nAAA,AAA\n", r"two columns for 'symbol'"),
        ("date,symbol\n2024-01-01,A,B\n", r"line 2 has 3 cells"),
        ("symbol,from,to\n", "no members"),
        ("", "is empty"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            Membership.read(written("x.csv", text))
    with pytest.raises(InputError, match="no Parquet"):
        Membership.read(written("x.parquet", "text"))
    with pytest.raises(InputError, match="no YAML"):
        Membership.read(written("x.yaml", "a: [1"))
    written("members.csv", "symbol\nAAA\n")
    with pytest.raises(MissingDataError, match=r"did you mean 'members\.csv'"):
        Membership.read(tmp_path / "member.csv")
    for strange in (5, [], [1, 2], [("A", 1, 2, 3, 4)]):
        with pytest.raises(InputError):
            Membership.of(strange)


def test_tickers_that_look_like_missing_values_are_tickers(written: Callable[[str, str], Path]) -> None:
    table = Membership.read(written("x.csv", "symbol,from,to\nNA,,2024-01-05\nNULL,,\nTRUE,,\nnan1,,\n"))
    assert table.symbols == ("NA", "NULL", "TRUE", "nan1")


def test_a_table_without_dates_is_a_list_and_one_that_nobody_leaves_is_doubted() -> None:
    plain = Membership.of(["AAA", "BBB"])
    assert (plain.dated, plain.survivors) == (False, False)
    joined = Membership.of([("AAA", "2020-01-01", None), ("BBB", None, None)])
    assert (joined.dated, joined.survivors) == (True, True)
    bars = with_membership(_bars(), plain)
    assert any("has no dates: not point-in-time" in note for note in bars.provenance.notes)
    assert members_mask(bars).all()


def test_bars_keep_their_universe_through_cuts() -> None:
    bars = with_membership(_bars(), ROWS)
    for view in (bars.rows(2, 6), bars.select(["BBB", "AAA"]), bars.between("2024-01-04"), bars.tail(3)):
        table = membership_of(view)
        assert table is not None
        assert np.array_equal(members_mask(view), Membership.of(ROWS).mask(view))
    assert membership_of(_bars()) is None
    again = with_membership(bars, [("AAA", None, "2024-01-02")])
    assert members_mask(again)[:, 0].sum() == 1, "another table takes the place of the first"
    assert sum(note.startswith("universe: ") for note in again.provenance.notes) == 1
    gone = bars.with_provenance(type(bars.provenance)(pinned=(("universe", "memory:0123"),)))
    with pytest.raises(MissingDataError, match="another process"):
        membership_of(gone)


def test_a_table_that_is_written_anew_is_read_anew(written: Callable[[str, str], Path]) -> None:
    path = written("m.csv", "symbol,from,to\nAAA,,2024-01-03\n")
    bars = with_membership(_bars(8, "AAA"), path)
    assert members_mask(bars).sum() == 2
    written("m.csv", "symbol,from,to\nAAA,,2024-01-05\nBBB,,\n")
    assert members_mask(bars).sum() == 4


def test_symbols_are_those_who_were_members_in_the_range(written: Callable[[str, str], Path]) -> None:
    path = written("m.csv", "symbol,from,to\nOLD,,2010-12-31\nAAA,2005-01-03,2015-06-30\nNEW,2018-01-02,\n")
    assert expand([f"@{path}", "SPY"]) == ["AAA", "NEW", "OLD", "SPY"]
    assert expand(["@sp"], {"sp": [str(path)]}) == ["AAA", "NEW", "OLD"]
    assert resolve([f"@{path}", "SPY"], start="2011-01-01", end="2016-01-01")[0] == ["AAA", "SPY"]
    assert resolve(None, path, end="2004-01-01")[0] == ["OLD"]
    assert resolve(["AAA"], path)[0] == ["AAA"], "symbols that are named are those that are loaded"
    assert resolve(["@us_5"])[1] is None
    with pytest.raises(InputError, match="Nobody was a member"):
        resolve([f"@{path}"], start="2016-01-01", end="2017-01-01")
    with pytest.raises(InputError, match="Two universes"):
        resolve([f"@{path}"], path)
    with pytest.raises(InputError, match=r"must end in \.csv"):
        expand(["@members.cvs"])


# --- the commands -----------------------------------------------------------------------------------------------------


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, json.loads(out) if "--json" in words and out else out, err


def test_universes_are_listed_shown_and_checked(
    tmp_path: Path, written: Callable[[str, str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = written("m.csv", "symbol,from,to\nAAA,2024-01-03,2024-01-05\nBBB,,2024-03-29\nGONE,,2024-01-04\n")
    config = tmp_path / "c.yaml"
    config.write_text(f"data:\n  universes:\n    mine: [SPX, IXIC]\n    dated: {path}\n")
    code, rows, _ = _run(capsys, "data", "universe", "list", "--config", str(config), "--json")
    assert code == 0
    found = {row["name"]: row for row in rows}
    assert set(found) == {"@mine", "@dated", *(f"@{name}" for name in UNIVERSES)}
    assert (found["@dated"]["kind"], found["@dated"]["dated"], found["@mine"]["symbols"]) == ("table", True, 2)
    code, shown, _ = _run(capsys, "data", "universe", "show", str(path), "--at", "2024-01-05", "--json")
    assert [stay["symbol"] for stay in shown["stays"]] == ["AAA", "BBB"]
    assert shown["convention"] == "from and to are sessions as a member, both included"
    words = ("show", "@dated", "--config", str(config), "--start", "2024-01-06", "--json")
    code, shown, _ = _run(capsys, "data", "universe", *words)
    assert [stay["symbol"] for stay in shown["stays"]] == ["BBB"]
    assert _run(capsys, "data", "universe", "show", str(path), "--at", "20240105", "--json")[1]["members"] == 2
    assert _run(capsys, "data", "universe", "show", "@us_5", "--at", "2024-13-05")[0] == 2
    code, text, _ = _run(capsys, "data", "universe", "show", "@us_5")
    assert text.startswith("not point-in-time")
    assert _run(capsys, "data", "universe", "show", str(path), "--at", "2024-01-05", "--end", "2024-02-01")[0] == 2
    folder = tmp_path / "prices"
    folder.mkdir()
    for symbol in ("AAA", "BBB"):
        (folder / f"{symbol}.csv").write_text("date,close\n2024-01-02,1.5\n2024-01-03,2.5\n2024-01-12,3.5\n")
    code, judged, _ = _run(capsys, "data", "universe", "check", str(path), "--data", str(folder), "--json")
    assert code == 3
    assert [(f["rule"], f["symbol"]) for f in judged["findings"]] == [("ends early", "BBB"), ("no data", "GONE")]
    assert (judged["members"], judged["with_data"], judged["ok"]) == (3, 2, False)
    code, judged, _ = _run(capsys, "data", "universe", "check", str(path), "--json")
    assert (code, judged["ok"], judged["first_change"]) == (0, True, "2024-01-03")
    code, judged, _ = _run(capsys, "data", "universe", "check", "@us_5", "--json")
    assert (code, judged["findings"][0]["rule"]) == (3, "no history")
    code, _, err = _run(capsys, "data", "universe", "show", "@us_4")
    assert (code, "did you mean 'us_46' or 'us_5'" in err) == (2, True)
    assert (
        tw.load("@us_5", data=_folder_of(tmp_path / "us", UNIVERSES["us_5"]))
        .provenance.notes[-1]
        .startswith("not point-in-time: @us_5 is a list without history")
    )


def _folder_of(folder: Path, symbols: tuple[str, ...]) -> Path:
    folder.mkdir()
    for symbol in symbols:
        (folder / f"{symbol}.csv").write_text("date,close\n2024-01-02,1.5\n2024-01-03,2.5\n2024-01-04,3.5\n")
    return folder
