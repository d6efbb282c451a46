"""A sweep survives a kill, ranks what it should, and says how much of its best is luck."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.errors import ConfigError, InputError, MissingDataError
from tradewright.engine.grid import Grid, parse_axis
from tradewright.kernel import core
from tradewright.testing import walk_bars

GRID = {"fast": range(2, 12), "slow": range(5, 45, 4)}


@pytest.fixture(scope="module")
def bars() -> Any:
    return walk_bars(300)


def test_the_grid_is_the_product_that_the_conditions_leave() -> None:
    grid = Grid({"a": [3, 1], "b": [1, 2, 3]}, where="a != b", also="b < 3")
    assert [grid[i] for i in range(len(grid))] == [{"a": 3, "b": 1}, {"a": 3, "b": 2}, {"a": 1, "b": 2}]
    assert grid.dropped == 3
    called = Grid({"a": [3, 1], "b": [1, 2, 3]}, where=lambda a, b: a != b and b < 3)
    assert [called[i] for i in range(len(called))] == [grid[i] for i in range(len(grid))]
    assert grid.columns()["a"].tolist() == [3, 3, 1]


@pytest.mark.parametrize("text", ["fast", "fast=", "fast=1:x:2", "fast=5:1", "fast=1:5:0"])
def test_a_wrong_axis_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_axis(text)


def test_an_axis_has_both_ends_and_no_rounding_dust() -> None:
    assert parse_axis("x=0.1:0.5:0.1")[1] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert parse_axis("x=5:50:5")[1] == list(range(5, 51, 5))
    assert parse_axis("x=1:2:3")[1] == [1]


def test_the_order_of_rows_and_their_numbers_do_not_depend_on_workers_or_parts(bars: Any, tmp_path: Path) -> None:
    one = tw.sweep(bars, "sma_cross", grid=GRID, workers=1)
    two = tw.sweep(bars, "sma_cross", grid=GRID, workers=2)
    parts = tw.sweep(bars, "sma_cross", grid=GRID, resume=tmp_path / "s.part")
    assert np.array_equal(one.metrics, two.metrics, equal_nan=True)
    assert np.array_equal(one.metrics, parts.metrics, equal_nan=True)
    assert one.to_json() == two.to_json() == parts.to_json()


def test_a_signal_function_sweeps_like_the_rule(bars: Any) -> None:
    def cross(bars: Any, fast: int = 2, slow: int = 5) -> Any:
        x = bars.close[:, 0].copy()
        return np.where(np.isnan(core.sma(x, slow)), np.nan, core.sma(x, fast) > core.sma(x, slow))

    grid = {"fast": [2, 3, 4], "slow": [10, 20]}
    plain = tw.sweep(bars, cross, grid=grid)
    rule = tw.sweep(bars, "sma_cross", grid=grid, params={"on": "state"})
    assert np.array_equal(plain.metrics, rule.metrics, equal_nan=True)


def test_several_instruments_and_weights_sweep_too() -> None:
    many = walk_bars(120, 3)
    found = tw.sweep(
        many, "momentum_rotation", grid={"top": [1, 2], "lookback": [10, 20]}, params={"skip": 1, "every": 5}
    )
    single = tw.backtest(many, "momentum_rotation", params={**found.grid[3], "skip": 1, "every": 5})
    assert found.row(3)["final_equity"] == single.stats["final_equity"]
    crosses = tw.sweep(many, "sma_cross", grid={"fast": [2, 3], "slow": [8, 9]})
    assert crosses.row(2)["sharpe"] == tw.backtest(many, "sma_cross", params=crosses.grid[2]).stats["sharpe"]


def test_the_ranking_knows_which_way_is_better(bars: Any) -> None:
    found = tw.sweep(bars, "sma_cross", grid=GRID, metric="total_return")
    assert found.best()["total_return"] == np.nanmax(found.values())
    assert found.best("volatility")["volatility"] == np.nanmin(found.values("volatility"))
    assert found.best("max_drawdown")["max_drawdown"] == np.nanmax(found.values("max_drawdown"))
    top = [row["total_return"] for row in found.top(5)]
    assert top == sorted(top, reverse=True)
    xs, ys, values = found.matrix("fast", "slow")
    i = found.ranking()[0]
    best = found.grid[int(i)]
    assert values[ys.index(best["slow"]), xs.index(best["fast"])] == found.best()["total_return"]
    assert np.isnan(values[ys.index(5), xs.index(11)]), "fast 11, slow 5 is no set"


def test_luck_grows_with_the_number_of_trials(bars: Any) -> None:
    few = tw.sweep(bars, "sma_cross", grid={"fast": [2, 3, 4], "slow": [10, 20]})
    many = tw.sweep(bars, "sma_cross", grid=GRID)
    assert many.n_trials == len(many) > few.n_trials == 6
    deviation = np.nanstd(many.values("sharpe"), ddof=1)
    # The expected maximum of n standard normal draws, simulated.
    n = int(np.isfinite(many.values("sharpe")).sum())
    drawn = np.random.default_rng(1).normal(size=(20_000, n)).max(axis=1).mean()
    assert many.luck["expected_best_by_luck"] == pytest.approx(drawn * deviation, rel=0.02)
    assert any(text.startswith("multiple testing: the best Sharpe") for text in many.warnings)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"grid": {"fast": [2], "slwo": [9]}}, InputError, "did you mean 'slow'"),
        ({"grid": {"fast": [1.5], "slow": [9]}}, InputError, "whole number"),
        ({"grid": {"fast": [20], "slow": [9]}}, InputError, "No combination"),
        ({"grid": {"fast": [2], "slow": []}}, InputError, "no values for 'slow'"),
        ({"grid": {"fast": [2], "slow": [9]}, "metric": "sharp"}, InputError, "did you mean 'sharpe'"),
        ({"grid": {"fast": [2], "slow": [9]}, "fil": "next_open"}, ConfigError, "did you mean 'fill'"),
        ({"grid": {"fast": [2], "slow": [9, 400]}}, MissingDataError, "too few"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_runs(
    bars: Any, arguments: dict, error: type, sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        tw.sweep(bars, "sma_cross", **arguments)


def test_a_torn_tail_is_dropped_and_nothing_whole_is_repeated(bars: Any, tmp_path: Path) -> None:
    path = tmp_path / "s.part"
    whole = tw.sweep(bars, "sma_cross", grid=GRID, resume=path)
    content = path.read_bytes()
    for keep in (len(content) - 3, len(content) // 2, content.index(b"\n") + 1, 5):
        path.write_bytes(content[:keep])
        again = tw.sweep(bars, "sma_cross", grid=GRID, resume=path)
        assert np.array_equal(whole.metrics, again.metrics, equal_nan=True)
        assert path.read_bytes() == content, "the file grows to the same bytes"
    path.write_bytes(content[: len(content) // 2])
    assert tw.sweep(bars, "sma_cross", grid=GRID, resume=path).resumed >= len(whole) // 2 - 2
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 1
    path.write_bytes(damaged)
    assert np.array_equal(tw.sweep(bars, "sma_cross", grid=GRID, resume=path).metrics, whole.metrics, equal_nan=True)


def test_another_sweeps_file_is_refused(bars: Any, tmp_path: Path) -> None:
    path = tmp_path / "s.part"
    tw.sweep(bars, "sma_cross", grid=GRID, resume=path)
    for change in (
        {"grid": {**GRID, "fast": [2, 3]}},
        {"grid": GRID, "fill": "next_close"},
        {"grid": GRID, "params": {"on": "state"}},
    ):
        with pytest.raises(ConfigError, match="belongs to another sweep"):
            tw.sweep(bars, "sma_cross", resume=path, **change)
    with pytest.raises(ConfigError, match="belongs to another sweep"):
        tw.sweep(walk_bars(300, seed=8), "sma_cross", grid=GRID, resume=path)
    path.write_text("something else entirely\n")
    with pytest.raises(ConfigError, match="is not a sweep file"):
        tw.sweep(bars, "sma_cross", grid=GRID, resume=path)


SLOW = """
import sys, time
import numpy as np
import tradewright as tw
from tradewright.testing import walk_bars

class Slow(tw.Strategy):
    k: int = 1
    def signals(self, bars):
        with open(sys.argv[2], "a") as log:
            log.write(f"{self.k}\\n")
        time.sleep(0.002)
        return np.where(np.arange(bars.n_bars) % self.k == 0, 1, 0)

found = tw.sweep(walk_bars(60), Slow, grid={"k": range(2, 602)}, resume=sys.argv[1], workers=1)
print(found.resumed)
print(found.values("final_equity").tobytes().hex())
"""


@pytest.mark.slow
def test_a_killed_sweep_repeats_less_than_a_hundredth(tmp_path: Path) -> None:
    program = tmp_path / "slow.py"
    program.write_text(SLOW)
    log, part = tmp_path / "log", tmp_path / "s.part"
    command = [sys.executable, str(program), str(part), str(log)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE)
    while not log.exists() or len(log.read_text().splitlines()) < 300:
        assert running.poll() is None
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.wait()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    asked = [int(line) for line in log.read_text().splitlines()]
    repeated = len(asked) - len(set(asked)) - 2  # making the first object and the longest warm-up ask nothing
    assert set(asked) == set(range(2, 602))
    assert repeated < 6, f"{repeated} of 600 sets were run twice"
    resumed, numbers = done.stdout.split()
    assert int(resumed) >= 290
    fresh = subprocess.run(
        [*command[:2], str(tmp_path / "t.part"), str(tmp_path / "log2")], capture_output=True, text=True, check=True
    )
    assert fresh.stdout.split()[1] == numbers


def test_the_document_is_json_with_the_best(bars: Any, tmp_path: Path) -> None:
    found = tw.sweep(bars, "sma_cross", grid=GRID, where="slow >= 2 * fast")
    document = json.loads(found.save(tmp_path / "s.json").read_text())
    assert document["schema"] == "tradewright.sweep/1"
    assert document["best"]["params"] == found.best()["params"]
    assert len(document["metrics"]["sharpe"]) == len(found) == len(document["params"]["fast"])
    assert document["grid"]["where"] == "slow >= 2 * fast"


def test_progress_reaches_the_end(bars: Any) -> None:
    seen: list[tuple[int, int]] = []
    tw.sweep(bars, "sma_cross", grid=GRID, progress=lambda done, total: seen.append((done, total)))
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1] == len(Grid(GRID, also="1 <= fast < slow"))


def test_memory_does_not_grow_with_the_number_of_sets() -> None:
    import tracemalloc

    bars = walk_bars(2000)
    peaks = []
    for n in (200, 2000):
        tracemalloc.start()
        tw.sweep(bars, "sma_cross", grid={"fast": range(2, 12), "slow": range(20, 20 + n // 10)}, workers=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 2000 * 8 * 200, "a set may cost some numbers, never a bar's worth each"
