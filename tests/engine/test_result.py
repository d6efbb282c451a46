"""What a result says is what happened, and it says it in the same bytes every time."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.errors import ConfigError, DataError, InputError, InvariantError, MissingDataError
from tradewright.engine.statistics import check_plausible
from tradewright.testing import walk_bars

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def result() -> Any:
    return tw.backtest(
        walk_bars(500), "sma_cross", params={"fast": 4, "slow": 12}, stop=0.03, bands=True, benchmark="buy_and_hold"
    )


def test_money_adds_up(result: Any) -> None:
    fills = result.fills
    cash = result.initial_capital - (fills["quantity"] * fills["price"]).sum() - fills["fee"].sum()
    held = sum(row["value"] for row in result.positions.rows())
    assert cash + held == pytest.approx(result.equity[-1], abs=1e-6)
    closed = result.trades["exit_bar"] >= 0
    assert result.trades["pnl"].sum() == pytest.approx(result.equity[-1] - result.initial_capital, abs=1e-6)
    assert result.stats["n_trades"] == closed.sum()
    assert result.stats["fees"] == pytest.approx(fills["fee"].sum())


def test_no_fill_happens_on_the_bar_of_its_order(result: Any) -> None:
    decided = dict(zip(result.orders["id"].tolist(), result.orders["bar"].tolist(), strict=True))
    reasons = result.fills["reason"]
    for order, bar, reason in zip(result.fills["order"], result.fills["bar"], reasons, strict=True):
        if reason == "signal":
            assert bar == decided[int(order)] + 1


def test_statistics_equal_the_measures(result: Any) -> None:
    from tradewright import measures

    changes = measures.returns(result.equity, initial=result.initial_capital)
    ppy = result.periods_per_year
    assert result.stats["sharpe"] == pytest.approx(measures.sharpe(changes, periods_per_year=ppy), rel=1e-9)
    assert result.stats["sortino"] == pytest.approx(measures.sortino(changes, periods_per_year=ppy), rel=1e-9)
    assert result.stats["max_drawdown"] == pytest.approx(
        measures.max_drawdown(result.equity, initial=result.initial_capital), rel=1e-12
    )
    closed = result.trades["exit_bar"] >= 0
    assert result.stats["win_rate"] == pytest.approx(measures.win_rate(result.trades["pnl"][closed]))


def test_the_drawdown_dates_are_those_of_the_curve(result: Any) -> None:
    equity = np.concatenate([[result.initial_capital], result.equity])
    peak = np.maximum.accumulate(equity)
    trough = int((equity / peak - 1).argmin())
    assert result.stats["max_drawdown_trough"] == str(result.dates[trough - 1])
    top = int(np.flatnonzero(equity[: trough + 1] == peak[trough])[-1])
    assert result.stats["max_drawdown_peak"] == str(result.dates[max(top - 1, 0)])


def test_every_statistic_has_a_convention_and_every_gap_a_reason(result: Any) -> None:
    for name in result.stats:
        assert result.stats.convention(name), name
    empty = tw.backtest(walk_bars(60), signals=np.zeros(60), no_costs=True)
    for name in ("win_rate", "profit_factor", "sharpe", "kelly", "calmar"):
        assert empty.stats[name] is None
        assert empty.stats.reason(name)
    assert "no trades: the strategy never traded in this range" in empty.warnings
    document = json.loads(empty.to_json())
    assert document["stats"]["win_rate"] is None
    assert document["undefined"]["win_rate"] == "no trade was closed"


def test_an_unknown_statistic_or_column_gets_its_nearest(result: Any) -> None:
    with pytest.raises(InputError, match="did you mean 'sharpe'"):
        result.stats["sharp"]
    with pytest.raises(InputError, match="did you mean 'entry_price'"):
        result.trades["entry_prise"]


def test_tables_become_frames(result: Any) -> None:
    pandas = result.trades.to_pandas()
    polars = result.trades.to_polars()
    assert pandas.shape == polars.shape == (len(result.trades), len(result.trades.columns))
    assert str(pandas["entry_time"].dt.tz) == "UTC"
    frame = result.equity_frame()
    assert frame["equity"].tolist() == result.equity.tolist()
    assert frame["drawdown"].min() == pytest.approx(result.stats["max_drawdown"])


def test_saved_and_read_back_it_is_the_same(result: Any, tmp_path: Path) -> None:
    path = result.save(tmp_path / "deep" / "r.json")
    again = tw.Result.load(path)
    assert again.to_json() == result.to_json() == path.read_text()
    assert again.equity.tolist() == result.equity.tolist()
    assert dict(again.stats) == result.stats.as_dict()
    assert again.times.tolist() == result.times.tolist()
    for name in ("trades", "orders", "fills"):
        mine, theirs = getattr(result, name), getattr(again, name)
        assert set(mine.columns) == set(theirs.columns)
        assert len(mine) == len(theirs)


def test_a_changed_file_is_noticed(result: Any, tmp_path: Path) -> None:
    path = result.save(tmp_path / "r.json")
    text = path.read_text().replace('"final_equity":', '"final_equity":1', 1)
    path.write_text(text)
    with pytest.raises(DataError, match="changed after it was written"):
        tw.Result.load(path)
    path.write_text("{}")
    with pytest.raises(DataError, match="schema None"):
        tw.Result.load(path)
    with pytest.raises(DataError, match="cannot be read"):
        tw.Result.load(tmp_path / "nothing.json")


def test_bands_lie_around_the_expected_run() -> None:
    bars = walk_bars(600, seed=3)
    found = tw.backtest(
        bars, "sma_cross", params={"fast": 2, "slow": 5, "on": "state"}, stop=0.01, target=0.01, bands=True
    )
    bands = found.bands
    assert bands is not None
    low, middle, high = (b["total_return"] for b in (bands.pessimistic, bands.expected, bands.optimistic))
    assert low < middle < high
    assert 0 < bands.n_order_dependent <= bands.n_trades
    assert bands.pessimistic["total_return"] == found.stats["total_return"]
    assert found.stats["n_order_dependent"] == bands.n_order_dependent


def test_finer_bars_settle_what_came_first() -> None:
    """A day whose low and high both lie beyond stop and target; the minutes say that the high came first."""
    day = 86_400_000_000_000
    bars = tw.Bars.from_arrays(
        np.arange(1, 5) * day, [100, 100, 100, 100], [101, 101, 110, 101], [99, 99, 90, 99], [100.0, 100, 100, 100],
        symbols="X", interval_ns=day,
    )  # fmt: skip
    stamps = 2 * day + np.arange(1, 5) * day // 4
    finer = tw.Bars.from_arrays(
        stamps, [100, 110, 105, 95], [110, 110, 105, 100], [100, 104, 90, 95], [110, 105, 95, 100.0],
        symbols="X", interval_ns=day // 4,
    )  # fmt: skip
    signals = [1, -128, -128, -128]
    run = {"signals": signals, "stop": 0.05, "target": 0.05, "no_costs": True}
    blind = tw.backtest(bars, **run)
    seeing = tw.backtest(bars, **run, detail=finer)
    assert blind.trades["exit_reason"].tolist() == ["stop"]
    assert blind.stats["n_order_dependent"] == 1
    assert seeing.trades["exit_reason"].tolist() == ["target"]
    assert seeing.stats["n_order_dependent"] == 0


@pytest.mark.parametrize(
    ("options", "stamp"),
    [
        ({"no_costs": True}, "no costs"),
        ({"fill": "same_close"}, "same-close"),
        ({"validate": False}, "unchecked"),
        ({}, "synthetic"),
        ({"intrabar": "optimistic"}, "optimistic"),
    ],
)
def test_what_must_be_known_is_stamped(options: dict, stamp: str) -> None:
    found = tw.backtest(walk_bars(60), "buy_and_hold", **options)
    assert any(stamp in text for text in found.stamps), found.stamps


def test_a_plain_run_on_real_data_has_no_stamp() -> None:
    found = tw.backtest("SPX", "sma_cross", start="2015-01-01", end="2016-12-31")
    assert found.stamps == []
    two = tw.backtest(["AAPL", "KO"], "buy_and_hold", start="2015-01-01", end="2016-12-31")
    assert [stamp.split(":")[0] for stamp in two.stamps] == ["not point-in-time"]


def test_bad_rows_are_taken_out_and_counted() -> None:
    bars = walk_bars(100)
    close = bars.close.copy()
    close[50] = -5.0
    dirty = tw.Bars.from_arrays(bars.ts, bars.open, bars.high, bars.low, close, bars.volume, symbols="X")
    found = tw.backtest(dirty, "buy_and_hold")
    assert any(stamp == "repaired data: 1 bad row was taken out" for stamp in found.stamps), found.stamps
    assert found.bars.n_bars == 99
    assert np.isfinite(found.equity).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"final_equity": math.nan}, "final_equity of this run is nan"),
        ({"total_return": math.inf}, "total_return of this run is inf"),
        ({"total_return": 1e9}, "comes from bad prices"),
        ({"volatility": math.nan}, "no number"),
        ({"max_drawdown": 0.5}, "must be zero or negative"),
    ],
)
def test_absurd_numbers_fail_the_run(change: dict, sentence: str) -> None:
    stats = dict(tw.backtest(walk_bars(60), "buy_and_hold").run.stats)
    check_plausible(stats, 60)
    with pytest.raises(InvariantError, match=sentence):
        check_plausible({**stats, **change}, 60)


def test_an_absurd_return_fails_a_real_run() -> None:
    close = np.concatenate([np.full(250, 1e-6), [1.0, 1e3]])
    with pytest.raises(InvariantError, match="total return"):
        tw.backtest({"close": close}, "buy_and_hold", no_costs=True, validate=False)


def test_a_range_shorter_than_the_warm_up_names_a_date_that_works() -> None:
    with pytest.raises(MissingDataError) as caught:
        tw.backtest("SPX", "sma_cross", start="2015-01-02", end="2015-01-15")
    text = str(caught.value)
    assert "101 are needed to warm up" in text
    start = text.split("start at ")[1][:10]
    found = tw.backtest("SPX", "sma_cross", start=start, end="2015-01-15")
    assert found.bars.n_bars == 102


def test_exactly_one_kind_of_decision() -> None:
    bars = walk_bars(30)
    with pytest.raises(InputError, match="exactly one of strategy, signals, weights and orders, not nothing"):
        tw.backtest(bars)
    with pytest.raises(InputError, match="strategy and signals"):
        tw.backtest(bars, "buy_and_hold", signals=np.zeros(30))


def test_costs_cannot_be_nothing_by_accident() -> None:
    bars = walk_bars(30)
    with pytest.raises(ConfigError, match="no_costs=True"):
        tw.backtest(bars, "buy_and_hold", commission=0, slippage=0)
    with pytest.raises(ConfigError, match="contradicts"):
        tw.backtest(bars, "buy_and_hold", commission=0.001, no_costs=True)


def test_the_same_call_returns_the_same_numbers_from_memory() -> None:
    bars = walk_bars(200)
    first = tw.backtest(bars, "sma_cross", params={"fast": 3, "slow": 9}, commission="2bp")
    again = tw.backtest(bars, "sma_cross", params={"fast": 3, "slow": 9}, commission="2bp")
    assert again.prepared is first.prepared, "the second call must build nothing again"
    assert again.to_json() == first.to_json()
    assert tw.backtest(bars, "sma_cross", params={"fast": 3, "slow": 9}).stats["fees"] != first.stats["fees"]


PROGRAM = """
import hashlib, sys
import tradewright as tw
from tradewright.testing import walk_bars
result = tw.backtest(walk_bars(300, 3), "momentum_rotation",
                     params={"top": 2, "lookback": 20, "skip": 2, "every": 5}, bands=True, benchmark="buy_and_hold")
grid = {"fast": range(2, 8), "slow": range(5, 25, 5)}
sweep = tw.sweep(walk_bars(300), "sma_cross", grid=grid, workers=int(sys.argv[1]))
print(hashlib.sha256(result.to_json().encode() + sweep.to_json().encode()).hexdigest())
"""


@pytest.mark.slow
def test_the_bytes_depend_on_nothing_but_the_input(tmp_path: Path) -> None:
    digests = set()
    for seed, zone, locale, workers in (  # one row a process
        ("0", "UTC", "C", "1"),
        ("1", "Asia/Tokyo", "C.UTF-8", "2"),
        ("77", "America/New_York", "POSIX", "2"),
    ):
        folder = tmp_path / seed
        folder.mkdir()
        path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, workers], env=env, cwd=folder, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1
    assert len(digests.pop()) == 64


def test_bars_are_judged_alike_however_they_come(tmp_path: Path) -> None:
    bars = walk_bars(300)
    close = bars.close.copy()
    close[150:] /= 4.0
    close[60:70] = close[60]
    wrong = [close.copy() for _ in range(2)]
    wrong[1][200:205] *= 100.0
    for prices, thrown in zip(wrong, (0, 5), strict=True):
        given = tw.Bars.from_arrays(bars.ts, prices, prices, prices, prices, bars.volume, symbols="X")
        dates = bars.ts.astype("datetime64[ns]").astype("datetime64[D]")
        rows = [f"{day},{price!r},100" for day, price in zip(dates, prices[:, 0].tolist(), strict=True)]
        (tmp_path / "X.csv").write_text("\n".join(["date,close,volume", *rows]))
        direct = tw.backtest(given, "buy_and_hold")
        loaded = tw.backtest(tmp_path / "X.csv", "buy_and_hold")
        assert direct.bars.n_bars == loaded.bars.n_bars == 300 - thrown
        assert [f.rule for f in direct.findings.warnings] == [f.rule for f in loaded.findings.warnings]
        kinds = [text.partition(":")[2].partition(":")[0] for text in direct.warnings]
        assert kinds == [text.partition(":")[2].partition(":")[0] for text in loaded.warnings]
        assert sum(text.startswith("data: a gap that looks like a split") for text in direct.warnings) == 1
        assert sum(text.startswith("data: a stale stretch") for text in direct.warnings) == 1
    unjudged = tw.backtest(given, "buy_and_hold", validate=False)
    assert unjudged.findings is None
    assert unjudged.bars.n_bars == 300


@pytest.mark.parametrize("data", [walk_bars(60), "SPX", {"close": [1.0, 2.0, 3.0]}])
def test_a_mistyped_option_is_not_swallowed(data: Any) -> None:
    with pytest.raises(InputError, match=r"no option 'leverag', did you mean 'leverage'"):
        tw.backtest(data, "buy_and_hold", leverag=2.0)


def test_options_of_the_provider_still_reach_it() -> None:
    found = tw.backtest("DEMO", "buy_and_hold", provider="synthetic", seed=3, n_bars=40)
    assert found.stats["n_bars"] == 40
    with pytest.raises(InputError, match=r"no option 'sed', did you mean 'seed'"):
        tw.backtest("DEMO", "buy_and_hold", provider="synthetic", sed=3)


def test_the_report_learns_from_which_layer_a_value_came() -> None:
    rows = tw.backtest("SPX", "buy_and_hold", profile="risk_low").origin.config["rows"]
    drawdown = next(row for row in rows if row["key"] == "risk.max_drawdown")
    assert (drawdown["value"], drawdown["layer"]) == (0.08, "profile")
    assert drawdown["file"].endswith("risk_low.yaml")
    assert drawdown["line"] > 0
