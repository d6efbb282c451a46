"""The ledger of trials: nothing is lost, nothing is counted twice, nothing can be changed unseen."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.app.cli import main
from tradewright.domain.errors import ConfigError, DataError, InputError
from tradewright.domain.ports import TrialLedger
from tradewright.engine.trials import (
    FileTrialLedger,
    Market,
    MemoryTrialLedger,
    default_path,
    packed_index,
    packed_sketches,
    unpacked_index,
    unpacked_sketches,
)

ROOT = Path(__file__).resolve().parents[2]


def walk(n: int = 600, seed: int = 1, symbol: str = "WALK", start: str = "2001-01-01T21:00") -> tw.Bars:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0003, 0.01, n)))
    days = np.datetime64(start, "ns") + np.arange(n) * np.timedelta64(86_400_000_000_000, "ns")
    return tw.Bars.from_arrays(days, close, close * 1.001, close * 0.999, close, np.full(n, 1e6), symbols=symbol)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[FileTrialLedger]:
    found = FileTrialLedger(tmp_path / "trials.jsonl")
    tw.use_ledger(found)
    yield found
    tw.use_ledger(None)
    found.close()


def fill(ledger: FileTrialLedger, n: int = 6) -> list[bytes]:
    for window in range(n):
        ledger.record(subject="mine", params={"window": window}, data_hash="d", score=0.01 * window, n_returns=100)
    return ledger.path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("make", [MemoryTrialLedger, None])
def test_both_ledgers_are_the_port(make: Any, tmp_path: Path) -> None:
    ledger = make() if make else FileTrialLedger(tmp_path / "t.jsonl")
    assert isinstance(ledger, TrialLedger)
    first = {"subject": "a", "params": {"x": 1, "y": "z"}, "data_hash": "d", "score": 0.1}
    assert ledger.record(**first) == 1
    assert ledger.record(**{**first, "params": {"y": "z", "x": 1.0}}) == 1  # the same, in other words
    assert ledger.record(**{**first, "params": {"x": 2, "y": "z"}}) == 2
    assert ledger.record(**{**first, "data_hash": "other"}) == 1
    assert ledger.record(**{**first, "subject": "b"}) == 1
    assert (ledger.count(), ledger.count("a"), ledger.count("a", "d"), ledger.evaluations()) == (4, 3, 2, 5)
    assert ledger.subjects() == {"a": {"trials": 3, "evaluations": 4}, "b": {"trials": 1, "evaluations": 1}}
    for wrong in ({"subject": ""}, {"data_hash": ""}, {"score": float("nan")}):
        with pytest.raises(InputError):
            ledger.record(**{**first, **wrong})


COUNTING = """
import sys
from tradewright.engine.trials import FileTrialLedger
ledger = FileTrialLedger(sys.argv[1])
for i in range(250):
    ledger.record(subject="s", params={"process": int(sys.argv[2]), "i": i}, data_hash="d", score=0.0)
"""


def test_four_processes_of_250_trials_are_exactly_1000(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", COUNTING, str(path), str(i)]) for i in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    ledger = FileTrialLedger(path)
    assert (ledger.count(), ledger.evaluations()) == (1000, 1000)
    check = ledger.verify()
    assert check.ok
    assert (check.n_rows, check.n, check.repaired) == (1000, 1000, ())


def _record_in_child(path: str, number: int) -> None:
    for i in range(50):
        trial = {"subject": "s", "params": {"child": number, "i": i}, "data_hash": "d", "score": 0.0}
        _SHARED[path].record(**trial)
    _SHARED[path].flush()


_SHARED: dict[str, FileTrialLedger] = {}


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_children_of_a_process_that_has_the_file_open_take_turns(tmp_path: Path) -> None:
    path = str(tmp_path / "t.jsonl")
    ledger = _SHARED[path] = FileTrialLedger(path)
    ledger.record(subject="s", params={"parent": 1}, data_hash="d", score=0.0)
    for _ in range(3):
        ledger.repeated()  # not written yet, and not the children's to write
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_record_in_child, args=(path, i)) for i in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert (ledger.count(), ledger.evaluations()) == (201, 204)
    assert ledger.verify().ok
    del _SHARED[path]


BACKTESTS = """
import numpy as np, tradewright as tw
close = 100 + 10 * np.sin(np.arange(400) / 20)
for fast in range(2, 27):
    tw.backtest({"close": close}, "sma_cross", params={"fast": fast, "slow": 30 + int(__import__("sys").argv[1])})
"""


def test_backtests_of_several_processes_are_counted_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    env = {**os.environ, "TRADEWRIGHT_TRIALS": str(path)}
    running = [subprocess.Popen([sys.executable, "-c", BACKTESTS, str(i)], env=env) for i in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert FileTrialLedger(path).count() == 100
    again = subprocess.run([sys.executable, "-c", BACKTESTS, "0"], env=env, check=True)
    assert again.returncode == 0
    assert (FileTrialLedger(path).count(), FileTrialLedger(path).evaluations()) == (100, 125)


ENDLESS = """
import sys
from tradewright.engine.trials import FileTrialLedger
ledger = FileTrialLedger(sys.argv[1])
i = 0
while True:
    ledger.record(subject="s", params={"i": i, "pid": sys.argv[2]}, data_hash="d", score=0.0)
    print(i, flush=True)
    i += 1
"""


def test_what_was_recorded_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    told = 0
    for round_ in range(4):
        command = [sys.executable, "-c", ENDLESS, str(path), str(round_)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            for _ in range(20 + 7 * round_):
                running.stdout.readline()
            running.send_signal(signal.SIGKILL)
            rest = running.stdout.read()
        whole = 20 + 7 * round_ + rest.count("\n")
        ledger = FileTrialLedger(path)
        assert ledger.verify().ok
        told += whole
        assert told <= ledger.count() <= told + 1 + round_  # the last may be recorded and not yet told
        told = ledger.count()
        ledger.close()


# --- tampering ----------------------------------------------------------------------------------------


def test_a_changed_row_is_named(ledger: FileTrialLedger) -> None:
    lines = fill(ledger)
    lines[3] = lines[3].replace(b'"window":3', b'"window":9')
    ledger.path.write_bytes(b"".join(lines))
    found = FileTrialLedger(ledger.path).verify()
    assert found.problems == ("row 3 was changed: its hash does not fit its text",)


def test_a_changed_row_with_a_new_hash_breaks_the_next(ledger: FileTrialLedger) -> None:
    import hashlib

    lines = fill(ledger)
    body = lines[3].rpartition(b',"hash":"')[0].replace(b'"window":3', b'"window":9') + b"}"
    lines[3] = body[:-1] + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    ledger.path.write_bytes(b"".join(lines))
    (problem,) = FileTrialLedger(ledger.path).verify().problems
    assert problem == "row 4 does not follow the row before it: one of the two was replaced"


@pytest.mark.parametrize("row", [0, 2, 4])
def test_a_removed_row_is_named(ledger: FileTrialLedger, row: int) -> None:
    lines = fill(ledger)
    del lines[row]
    ledger.path.write_bytes(b"".join(lines))
    found = FileTrialLedger(ledger.path).verify()
    assert f"row {row} is missing before row {row + 1}: removed, or moved" in found.problems


@pytest.mark.parametrize("left", [0, 3, 5])
def test_rows_cut_off_the_end_are_noticed_and_still_count(ledger: FileTrialLedger, left: int) -> None:
    lines = fill(ledger)
    ledger.path.write_bytes(b"".join(lines[:left]))
    again = FileTrialLedger(ledger.path)
    found = again.verify()
    assert not found.ok
    assert any("went missing from the end" in text for text in found.problems)
    assert again.count() == 6
    again.record(subject="mine", params={"window": 99}, data_hash="d", score=0.0)
    assert not again.verify().ok  # writing on does not heal it


def test_moved_and_doubled_and_added_rows_are_noticed(ledger: FileTrialLedger) -> None:
    lines = fill(ledger)
    swapped = [lines[0], lines[2], lines[1], *lines[3:]]
    for wrong in (swapped, [*lines, lines[2]], [*lines[:2], b'{"seq":2,"params":{}}\n', *lines[2:]], [*lines, b"x\n"]):
        ledger.path.write_bytes(b"".join(wrong))
        assert not FileTrialLedger(ledger.path).verify(repair=False).ok, wrong


def test_a_missing_head_is_noticed(ledger: FileTrialLedger) -> None:
    fill(ledger)
    ledger.close()
    ledger.path.with_name("trials.jsonl.head").unlink()
    assert not FileTrialLedger(ledger.path).verify(repair=False).ok


def test_a_torn_tail_is_repaired_and_said(ledger: FileTrialLedger) -> None:
    lines = fill(ledger)
    ledger.close()
    with ledger.path.open("ab") as file:
        file.write(lines[2][:70])  # a writer was killed in the middle of a row
    told = FileTrialLedger(ledger.path).verify(repair=False)
    assert told.ok
    assert told.repaired == ("the last line is half a row (70 bytes); a writer was killed",)
    again = FileTrialLedger(ledger.path)
    found = again.verify()
    assert found.ok
    assert found.repaired == ("half a row at the end (70 bytes, left by a killed writer) was cut off",)
    assert again.verify().repaired == ()
    assert again.count() == 6
    assert again.record(subject="mine", params={"window": 6}, data_hash="d", score=0.0) == 7
    assert [row.body.get("event") for row in again.rows()][6] == "torn row"


def test_a_row_torn_by_a_loss_of_power_counts_on(ledger: FileTrialLedger) -> None:
    lines = fill(ledger)
    ledger.close()
    ledger.path.write_bytes(b"".join(lines)[:-30])
    again = FileTrialLedger(ledger.path)
    found = again.verify()
    assert found.ok
    assert len(found.repaired) == 2
    assert again.count() == 6


def test_a_writer_repairs_too(ledger: FileTrialLedger) -> None:
    fill(ledger)
    ledger.close()
    with ledger.path.open("ab") as file:
        file.write(b'{"seq":6,"prev":"')
    again = FileTrialLedger(ledger.path)
    again.record(subject="mine", params={"window": 6}, data_hash="d", score=0.0)
    assert (again.verify().ok, again.count()) == (True, 7)


def test_a_file_that_was_deleted_begins_anew(ledger: FileTrialLedger) -> None:
    fill(ledger)
    ledger.path.unlink()
    ledger.path.with_name("trials.jsonl.head").unlink()
    assert ledger.record(subject="mine", params={"window": 0}, data_hash="d", score=0.0) == 1
    assert ledger.verify().ok


# --- what is counted ----------------------------------------------------------------------------------


def test_a_backtest_is_one_trial_and_the_same_again_is_none(ledger: FileTrialLedger) -> None:
    bars = walk()
    for _ in range(3):
        result = tw.backtest(bars, "sma_cross", params={"fast": 5, "slow": 20})
    assert (ledger.count(), ledger.evaluations()) == (1, 3)
    assert result.evidence["n_trials"] == 1
    tw.backtest(walk(), "sma_cross", params={"slow": 20, "fast": 5})  # equal bars, made again
    assert (ledger.count(), ledger.evaluations()) == (1, 4)
    tw.backtest(bars, "sma_cross", params={"fast": 5, "slow": 21})
    tw.backtest(bars, "sma_cross", params={"fast": 5, "slow": 20}, stop=0.02)
    tw.backtest(walk(seed=2), "sma_cross", params={"fast": 5, "slow": 20})
    assert ledger.count() == 4


def test_bands_benchmarks_and_verification_are_no_trials(ledger: FileTrialLedger, tmp_path: Path) -> None:
    result = tw.backtest("SPX", "sma_cross", start="2015-01-01", bands=True, benchmark="buy_and_hold")
    assert result.bands is not None
    assert tw.verify(result.save(tmp_path / "r.json"))
    assert (ledger.count(), ledger.evaluations()) == (1, 1)


def test_rows_of_a_sweep_are_the_backtests_they_stand_for(ledger: FileTrialLedger) -> None:
    bars = walk()
    grid = {"fast": range(3, 13), "slow": range(10, 40, 5)}
    found = tw.sweep(bars, "sma_cross", grid=grid)
    assert ledger.count() == len(found) < 60  # fast < slow takes some out, so the numbers of the sets have gaps
    for params in (found.grid[0], found.grid[17], found.grid[len(found) - 1]):
        tw.backtest(bars, "sma_cross", params=params)
    assert ledger.count() == len(found)
    tw.sweep(bars, "sma_cross", grid=grid)
    assert ledger.count() == len(found)
    tw.sweep(bars, "sma_cross", grid={"fast": [3, 50], "slow": [60]})
    assert ledger.count() == len(found) + 2


def test_functions_that_look_alike_and_decide_differently_are_different_trials(ledger: FileTrialLedger) -> None:
    bars = walk()
    for window in (5, 10, 20):

        def rule(bars: tw.Bars) -> Any:
            past = np.roll(bars.close, window, axis=0)  # noqa: B023 - the point of the test
            return np.where(np.arange(bars.n_bars)[:, None] < 20, 0, np.where(bars.close > past, 1, 0))

        tw.backtest(bars, rule)
    rng = np.random.default_rng(1)
    for _ in range(5):
        tw.backtest(bars, signals=rng.integers(0, 2, (bars.n_bars, 1)).astype(np.int8))
    assert ledger.count() == 8


class Bounce(tw.Strategy):
    """Buys every `step` bars."""

    step: int = 7

    def on_bar(self, ctx: Any) -> None:
        if ctx.bar % self.step == 0 and not ctx.position:
            ctx.buy()
        elif ctx.position:
            ctx.close_position()


def test_callbacks_are_counted(ledger: FileTrialLedger) -> None:
    bars = walk(200)
    for step in (5, 6, 6):
        tw.backtest(bars, Bounce, params={"step": step})
    assert (ledger.count(), ledger.evaluations()) == (2, 3)
    tw.sweep(bars, Bounce, grid={"step": range(5, 30)}, workers=1)
    assert ledger.evaluations() == 28


def test_only_trials_that_saw_the_same_returns_stand_behind_a_result(ledger: FileTrialLedger) -> None:
    spans = [("A", "2001-01-01T21:00"), ("A", "2002-01-01T21:00"), ("A", "2010-01-01T21:00"), ("B", "2001-01-01T21:00")]
    results = [tw.backtest(walk(600, i, s, start), "sma_cross") for i, (s, start) in enumerate(spans)]
    assert [result.evidence["n_trials"] for result in results] == [2, 2, 1, 1]
    assert not Market("x", ("A",), 0, 0).overlaps(Market("y", ("A",), 1, 2))


def test_data_without_names_or_dates_counts_by_its_hash(ledger: FileTrialLedger) -> None:
    one = tw.backtest({"close": walk(seed=1).close}, "sma_cross")
    two = tw.backtest({"close": walk(seed=2).close}, "sma_cross")
    assert (one.evidence["n_trials"], two.evidence["n_trials"]) == (1, 1)


def test_a_sweep_that_is_interrupted_counts_what_it_did(ledger: FileTrialLedger) -> None:
    bars = walk(300)
    seen = 0

    def stop(done: int, total: int) -> None:
        nonlocal seen
        seen = done
        if done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tw.sweep(bars, Bounce, grid={"step": range(2, 202)}, workers=1, progress=stop)
    assert 40 <= seen == ledger.count() < 200


def test_evidence_is_not_in_the_bytes_and_the_hash(ledger: FileTrialLedger, tmp_path: Path) -> None:
    bars = walk()
    first = tw.backtest(bars, "sma_cross")
    text, digest = first.to_json(), first.result_hash
    path = first.save(tmp_path / "r.json", evidence=True)
    for slow in range(30, 60):
        tw.backtest(bars, "sma_cross", params={"slow": slow})
    again = tw.backtest(bars, "sma_cross")
    assert (again.to_json(), again.result_hash) == (text, digest)
    assert again.evidence["n_trials"] == 31 == first.evidence["n_trials"]  # what was tried later counts too
    assert tw.verify(path, data=bars)
    saved = tw.Result.load(path)
    assert saved.evidence is not None
    assert saved.evidence["n_trials"] == 1
    assert json.loads(first.to_json(evidence=True))["evidence"]["n_trials"] == 31
    tw.use_ledger("off")
    assert tw.backtest(bars, "sma_cross").to_json() == text


def test_statistics_answer_from_the_evidence(ledger: FileTrialLedger) -> None:
    result = tw.backtest(walk(), "sma_cross")
    for name in ("probabilistic_sharpe", "deflated_sharpe", "effective_trials", "min_track_record"):
        assert result.stats[name] == result.evidence[name]
        assert name in result.stats
        assert result.stats.convention(name)
    assert result.stats["n_trials_behind"] == 1
    assert "deflated_sharpe" not in list(result.stats)
    with pytest.raises(InputError, match="did you mean 'deflated_sharpe'"):
        result.evidence["deflated_sharp"]


def test_evidence_follows_the_papers(ledger: FileTrialLedger) -> None:
    """Recomputed from the exported rows with the formulas, without the effective number."""
    from tradewright import measures as m

    bars = walk(1000)
    results = [tw.backtest(bars, "sma_cross", params={"fast": f, "slow": 60}) for f in range(2, 32)]
    best = max(results, key=lambda result: result.stats["sharpe"])
    found = best.evidence
    change = m.returns(best.equity, initial=best.initial_capital)
    moments = m.sharpe_moments(change)
    assert moments.sharpe * best.periods_per_year**0.5 == pytest.approx(best.stats["sharpe"], rel=1e-9)
    assert found["probabilistic_sharpe"] == pytest.approx(moments.probabilistic(), rel=1e-9)
    sharpes = np.array([result.stats["sharpe"] for result in results]) / best.periods_per_year**0.5
    variance = max(sharpes.var(ddof=1), 1 / (moments.n - 1))
    assert found["n_trials"] == 30
    assert 1.0 <= found["effective_trials"] <= 30.0
    assert found["deflated_sharpe"] == pytest.approx(moments.deflated(found["effective_trials"], variance), rel=1e-6)
    rows = [row.body["score"]["sharpe"] for row in ledger.rows()]
    assert np.allclose(rows, sharpes, rtol=1e-12)


def test_alike_trials_are_few_and_unlike_ones_many(ledger: FileTrialLedger) -> None:
    bars = walk(1500)
    for slow in range(100, 140):
        alike = tw.backtest(bars, "sma_cross", params={"fast": 30, "slow": slow})
    assert alike.evidence["n_trials"] == 40
    assert alike.evidence["effective_trials"] < 8
    rng = np.random.default_rng(5)
    other = walk(1500, symbol="OTHER")
    for _ in range(40):
        noise = tw.backtest(other, signals=np.sign(rng.normal(size=(1500, 1))).astype(np.int8), no_costs=True)
    assert noise.evidence["n_trials"] == 40
    assert noise.evidence["effective_trials"] > 25


# --- off, elsewhere, and unwritable -------------------------------------------------------------------


def test_switching_off_is_explicit_and_stamped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("TRADEWRIGHT_TRIALS", "off")
    result = tw.backtest(walk(), "sma_cross")
    assert result.evidence["counted"] is False
    assert result.evidence["deflated_sharpe"] is None
    assert "NO TRIAL LEDGER" in result.evidence["stamps"][0]
    assert tw.sweep(walk(), "sma_cross", grid={"fast": [5], "slow": [20, 30]}).evidence["counted"] is False
    assert main(["backtest", "--symbols", "SPX", "--start", "2015-01-01", "--no-report"]) == 0
    assert "NO TRIAL LEDGER" in capsys.readouterr().out
    assert main(["trials", "show"]) == 2
    assert "switched off" in capsys.readouterr().err


def test_the_configuration_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "own" / "trials.jsonl"
    (tmp_path / "c.yaml").write_text(f"research:\n  trials: {path}\n")
    found = tw.backtest(walk(), "sma_cross", config=tmp_path / "c.yaml")
    assert found.evidence["n_trials"] == 1
    assert FileTrialLedger(path).count() == 1


def test_a_place_that_cannot_be_written_is_said_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRADEWRIGHT_TRIALS", str(tmp_path / "file" / "trials.jsonl"))
    with pytest.warns(UserWarning, match="Trials are not counted"):
        result = tw.backtest(walk(), "sma_cross")
    assert result.evidence["counted"] is False
    assert "NOT WRITTEN" in result.evidence["stamps"][0]
    monkeypatch.setenv("TRADEWRIGHT_TRIALS", str(tmp_path))
    with pytest.raises(ConfigError, match="is a folder"):
        tw.backtest(walk(), "sma_cross")


def test_the_default_lies_in_the_users_data_folder() -> None:
    assert Path(default_path()).name == "trials.jsonl"
    assert "tradewright" in default_path()


# --- commands, speed, packing -------------------------------------------------------------------------


def test_the_commands(ledger: FileTrialLedger, capsys: Any, tmp_path: Path) -> None:
    tw.sweep(walk(), "sma_cross", grid={"fast": [5, 8], "slow": [20, 30]})
    tw.backtest(walk(), "sma_cross", params={"fast": 5, "slow": 20})
    tw.use_ledger(None)
    at = ["--ledger", str(ledger.path)]
    assert main(["trials", "show", *at, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["trials"], shown["evaluations"]) == (4, 5)
    assert main(["trials", "export", *at, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 5
    assert {(line["params"]["fast"], line["params"]["slow"]) for line in lines} == {(5, 20), (5, 30), (8, 20), (8, 30)}
    same = [line for line in lines if (line["params"]["fast"], line["params"]["slow"]) == (5, 20)]
    assert same[0]["sharpe_per_bar"] == pytest.approx(same[1]["sharpe_per_bar"], rel=1e-6)
    assert main(["trials", "export", *at, "--out", str(tmp_path / "t.csv")]) == 0
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 6
    capsys.readouterr()
    assert main(["trials", "verify", *at, "--json"]) == 0
    head = json.loads(capsys.readouterr().out)["head"]
    assert main(["trials", "verify", *at, "--contains", head]) == 0
    assert main(["trials", "verify", *at, "--contains", "0" * 64]) == 3
    text = ledger.path.read_text()
    ledger.path.write_text(text.replace('"by":"backtest"', '"by":"somebody"'))
    assert main(["trials", "verify", *at]) == 3
    assert "was changed" in capsys.readouterr().out
    assert main(["trials", "show", "--ledger", str(tmp_path / "none.jsonl")]) == 3
    assert main(["trials", "show", *at, "--subject", "sma_cros"]) == 2
    assert "did you mean 'sma_cross'" in capsys.readouterr().err


def test_verify_of_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="begins with the first trial"):
        FileTrialLedger(tmp_path / "t.jsonl").verify()


@pytest.mark.slow
def test_a_sweep_of_100_000_sets_is_hardly_slower(tmp_path: Path) -> None:
    bars = walk(1000)
    grid = {"fast": range(2, 318), "slow": range(320, 640)}
    best = {}
    for where in ("off", str(tmp_path / "t.jsonl")) * 3:
        tw.use_ledger(where)
        begin = time.perf_counter()
        found = tw.sweep(bars, "sma_cross", grid=grid)
        best[where] = min(best.get(where, 1e9), time.perf_counter() - begin)
    tw.use_ledger(None)
    assert len(found) == 101_120
    assert FileTrialLedger(tmp_path / "t.jsonl").count() == 101_120
    off, on = best.values()
    assert on < 1.5 * off + 0.1, f"{on:.3f} s with the ledger, {off:.3f} s without"


def test_packing_goes_both_ways() -> None:
    flat = np.array([0, 1, 2, 7, 8, 100_000_000])
    assert unpacked_index(packed_index(flat)).tolist() == flat.tolist()
    rows = np.random.default_rng(1).normal(size=(3, 128))
    back = unpacked_sketches(packed_sketches(rows))
    for one, two in zip(rows, back, strict=True):
        assert np.corrcoef(one, two)[0, 1] > 0.999
    assert (unpacked_sketches(packed_sketches(np.zeros((1, 128)))) == 0).all()
