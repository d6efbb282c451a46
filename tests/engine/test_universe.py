"""Backtests on a universe with dates: nobody is held who is no member, whatever the strategy says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.app.cli import main
from tradewright.data.membership import Membership, members_mask
from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError, MissingDataError
from tradewright.domain.instrument import Instrument

N = 60
SYMBOLS = ("AAA", "BBB", "CCC")


def _market(n: int = N, symbols: tuple[str, ...] = SYMBOLS) -> Bars:
    days = np.busday_offset("2024-01-02", np.arange(n), roll="forward")
    ts = (days.astype("datetime64[ns]") + np.timedelta64(21, "h")).astype(np.int64)
    close = 100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0.001, 0.01, (n, len(symbols))), axis=0))
    return Bars.from_arrays(
        ts, close, close * 1.01, close * 0.99, close, np.full_like(close, 1e6),
        instruments=[Instrument(s) for s in symbols], interval_ns=86_400 * 10**9,
    )  # fmt: skip


def _day(bars: Bars, row: int) -> str:
    return str(bars.ts[row].astype("datetime64[ns]"))[:10]


def _held(result: Any) -> np.ndarray[Any, Any]:
    """Quantity of each instrument after the fills of each row."""
    fills = result.fills
    out = np.zeros((result.bars.n_bars, result.bars.n_assets))
    for symbol, bar, quantity in zip(fills["symbol"], fills["bar"], fills["quantity"], strict=True):
        out[int(bar) :, result.symbols.index(symbol)] += quantity
    return out


@pytest.fixture
def table() -> Membership:
    bars = _market()
    return Membership.of([
        ("AAA", None, _day(bars, 19)), ("AAA", _day(bars, 40), None), ("BBB", _day(bars, 10), None),
        ("CCC", None, None),
    ])  # fmt: skip


def _allowed(mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Rows in which a position may still stand: decided at the row before, filled at the open of this one."""
    out = np.zeros_like(mask)
    out[1:] = mask[:-1]
    return out


def test_whoever_is_no_member_is_flat_from_the_next_fill_on(table: Membership) -> None:
    bars = _market()
    mask = table.mask(bars)
    signals = np.ones((N, 3))
    result = tw.backtest(bars, signals=signals, universe=table, size=0.3)
    held = _held(result)
    assert not held[~_allowed(mask)].any(), "a position stands without membership"
    assert (held[_allowed(mask)] > 0).all(), "a member is not held although the strategy says so"
    free = tw.backtest(bars, signals=signals, size=0.3)
    assert _held(free)[1:].all()
    assert result.manifest["data"]["universe"]["made_flat"] == int((~mask).sum())


def test_weights_of_non_members_are_nothing_and_a_leaver_is_sold_between_decisions(table: Membership) -> None:
    bars = _market()
    mask = table.mask(bars)
    rows, weights = np.array([0, 5, 30, 45]), np.full((4, 3), 0.3)
    held = _held(tw.backtest(bars, weights=(rows, weights), universe=table))
    assert not held[~_allowed(mask)].any()
    assert held[6:20, 0].all(), "held while it is a member"
    assert not held[21:46, 0].any(), "it left at row 20 between two decisions, and is back at the next one only"
    assert held[46:, 0].all()
    assert not held[:31, 1].any(), "who joined between two decisions waits for the next"
    assert held[31:, 1].all()
    assert len(set(held[6:31, 2])) == 1, "others are not touched when somebody leaves"


def test_no_opinion_about_others_survives(table: Membership) -> None:
    bars = _market()
    weights = np.full((1, 3), np.nan)
    weights[0, 2] = 0.5
    result = tw.backtest(bars, weights=(np.array([3]), weights), universe=table)
    assert set(result.fills["symbol"]) == {"CCC"}


def test_an_opinion_that_stood_is_taken_up_by_whoever_joins() -> None:
    bars = _market()
    table = Membership.of([("AAA", None, None), ("BBB", _day(bars, 10), _day(bars, 29)), ("CCC", None, _day(bars, 50))])
    signals = np.full((N, 3), np.nan)
    signals[2] = 1
    held = _held(tw.backtest(bars, signals=signals, universe=table, size=0.2))
    assert not held[:11, 1].any()
    assert (held[11:31, 1] > 0).all()
    assert not held[31:, 1].any()
    signals[8, 1] = 0
    assert not _held(tw.backtest(bars, signals=signals, universe=table, size=0.2))[:, 1].any(), "the last word counts"


def test_the_even_split_is_over_members_not_over_all_who_ever_were() -> None:
    bars = _market()
    table = Membership.of([("AAA", None, None), ("BBB", None, _day(bars, 1)), ("CCC", _day(bars, 58), None)])
    signals = np.zeros((N, 3))
    signals[5:] = 1
    result = tw.backtest(bars, signals=signals, universe=table, no_costs=True, lot=0)
    first = result.fills["quantity"][0] * result.fills["price"][0]
    assert first == pytest.approx(100_000, rel=1e-9), "the one member there is gets everything"
    halves = tw.backtest(bars, signals=signals, universe=table, no_costs=True, lot=0, size=0.5)
    assert halves.fills["quantity"][0] * halves.fills["price"][0] == pytest.approx(50_000, rel=1e-9)


def test_without_dates_nothing_changes_but_the_stamp() -> None:
    bars = _market()
    plain = tw.backtest(bars, "buy_and_hold")
    listed = tw.backtest(bars, "buy_and_hold", universe=list(SYMBOLS))
    assert np.array_equal(plain.equity, listed.equity)
    assert "not point-in-time: the instruments were chosen with today's knowledge" in plain.stamps
    assert "not point-in-time: the universe universe has no dates" in listed.stamps
    dated = tw.backtest(bars, "buy_and_hold", universe=[(s, None, "2030-01-01") for s in SYMBOLS])
    assert np.array_equal(plain.equity, dated.equity)
    assert not any("point-in-time" in stamp or "survivorship" in stamp for stamp in dated.stamps)
    assert dated.conventions["universe"].startswith("universe: point-in-time, 3 that ever were members")
    assert "universe" not in plain.conventions
    joined = tw.backtest(bars, "buy_and_hold", universe=[(s, "2000-01-03", None) for s in SYMBOLS])
    assert any("nobody ever leaves" in stamp for stamp in joined.stamps)


def test_what_cannot_be_kept_inside_is_refused(table: Membership) -> None:
    bars = _market()

    class Caller:
        def on_bar(self, ctx: Any) -> None:
            return None

    for given in ({"strategy": Caller}, {"orders": [{"bar": 0, "symbol": "AAA", "quantity": 1}]}):
        with pytest.raises(InputError, match=r"only weights and signals can"):
            tw.backtest(bars, universe=table, **given)
    with pytest.raises(InputError, match="did you mean 'universe'"):
        tw.backtest(bars, "buy_and_hold", univers=table)


def test_a_strategy_can_ask_who_is_a_member(table: Membership) -> None:
    def rotate(bars: Bars) -> tuple[Any, Any]:
        mask = members_mask(bars).astype(float)
        rows = np.arange(0, bars.n_bars, 5)
        return rows, mask[rows] / np.maximum(mask[rows].sum(axis=1, keepdims=True), 1)

    result = tw.backtest(_market(), rotate, universe=table)
    assert result.manifest["data"]["universe"]["made_flat"] == 0


def test_a_sweep_keeps_to_the_universe_too() -> None:
    bars = _market(200, ("AAA",))
    short = Membership.of([("AAA", _day(bars, 100), _day(bars, 150))])
    from tradewright.data.membership import with_membership

    free = tw.sweep(bars, "sma_cross", grid={"fast": [3, 5], "slow": [10, 20]})
    kept = tw.sweep(with_membership(bars, short), "sma_cross", grid={"fast": [3, 5], "slow": [10, 20]})
    for i in range(4):
        single = tw.backtest(bars, "sma_cross", params=kept.grid[i], universe=short)
        assert kept.row(i)["total_return"] == pytest.approx(single.stats["total_return"], abs=1e-12)
    assert not np.allclose(free.values("total_return"), kept.values("total_return"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "prices"
    place.mkdir()
    bars = _market()
    for j, symbol in enumerate(SYMBOLS):
        lines = [
            f"{_day(bars, i)},{bars.open[i, j]},{bars.high[i, j]},{bars.low[i, j]},{bars.close[i, j]}" for i in range(N)
        ]
        if symbol == "AAA":
            lines = lines[:25]  # delisted
        (place / f"{symbol}.csv").write_text("date,open,high,low,close\n" + "\n".join(lines) + "\n")
    bars_day = _day(bars, 19)
    (tmp_path / "m.csv").write_text(f"symbol,from,to\nAAA,,{bars_day}\nBBB,{_day(bars, 10)},\nCCC,,\nOLD,,2023-12-29\n")
    (tmp_path / "gone.csv").write_text(f"symbol,from,to\nAAA,,{bars_day}\nBBB,,\nGONE,,2024-01-31\n")
    return place


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else None, err


def test_from_the_shell_a_table_is_a_universe_and_verify_follows(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "backtest",
        "--data",
        str(folder),
        "--strategy",
        "buy_and_hold",
        "--fast",
        "--json",
        "--start",
        "2024-01-02",
    ]
    out = tmp_path / "result.json"
    code, found, err = _run(capsys, *words, "--symbols", f"@{tmp_path / 'm.csv'}", "--out", str(out))
    assert code == 0, err
    data = found["manifest"]["data"]
    assert data["symbols"] == ["AAA", "BBB", "CCC"], "who left in the range is loaded, who left before it is not"
    assert (data["universe"]["dated"], data["universe"]["n_first"], data["universe"]["n_last"]) == (True, 2, 2)
    assert not any("point-in-time" in stamp for stamp in found["stamps"])
    assert any("universe: m.csv" in note for note in found["manifest"]["provenance"]["notes"])
    assert main(["verify", str(out)]) == 0
    capsys.readouterr()
    (tmp_path / "m.csv").write_text("symbol,from,to\nAAA,,2024-01-10\nBBB,,\nCCC,,\n")
    assert main(["verify", str(out)]) == 3, "another table is another run"
    said = capsys.readouterr()
    assert "universe" in said.out + said.err
    config = tmp_path / "c.yaml"
    config.write_text(f'data:\n  universes:\n    sp: {tmp_path / "m.csv"}\n  symbols: ["@sp"]\n')
    code, found, err = _run(capsys, *words, "--config", str(config))
    assert (code, found["manifest"]["data"]["universe"]["name"]) == (0, "m.csv")


def test_members_without_data_are_an_error_or_a_stamp(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["backtest", "--data", str(folder), "--strategy", "buy_and_hold", "--fast", "--json"]
    table = f"@{tmp_path / 'gone.csv'}"
    code, _, err = _run(capsys, *words, "--symbols", table)
    assert code == 3
    assert "1 of 3 that were members of gone.csv have no data (GONE)" in err
    assert "missing_members=stamp" in err
    code, found, err = _run(capsys, *words, "--symbols", table, "--set", "data.missing_members=stamp")
    assert code == 0, err
    assert any(stamp.startswith("survivorship: 1 of 3 that were members") for stamp in found["stamps"])
    with pytest.raises(MissingDataError, match="GONE"):
        tw.load(table, data=folder)
    assert tw.load(table, data=folder, missing_members="stamp").symbols == ("AAA", "BBB")
    with pytest.raises(InputError, match="missing_members"):
        tw.load(table, data=folder, missing_members="x")  # type: ignore[arg-type]


def test_a_chain_from_the_shell(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "result.json"
    words = ["backtest", "--provider", "chain", "--strategy", "buy_and_hold", "--fast", "--json", "--out", str(out),
             "--start", "2018-01-02", "--end", "2018-06-29"]  # fmt: skip
    chain = f"data.chain=csv:{folder},sample"
    code, found, err = _run(capsys, *words, "--symbols", "SPX", "--set", chain)
    assert code == 0, err
    notes = found["manifest"]["provenance"]["notes"]
    assert f"chain: SPX from sample (csv:{folder} missing)" in notes
    assert found["manifest"]["inputs"]["chain"] == "sample", "verification asks who answered"
    assert main(["verify", str(out)]) == 0
    capsys.readouterr()
    code, _, err = _run(capsys, *words, "--symbols", "SPX,NOPE", "--set", chain)
    assert code == 3
    assert "NOPE (csv:" in err
    code, found, err = _run(capsys, *words, "--symbols", "SPX,NOPE", "--set", chain, "--set",
                            "data.chain_options.on_missing=skip")  # fmt: skip
    assert (code, found["manifest"]["data"]["symbols"]) == (0, ["SPX"])
    code, _, err = _run(capsys, *words, "--symbols", "SPX", "--set", "data.chain=sample,synthetic")
    assert (code, "makes prices up" in err) == (2, True)
    code, _, err = _run(capsys, *words, "--symbols", "SPX")
    assert (code, "chain is empty" in err) == (2, True)
