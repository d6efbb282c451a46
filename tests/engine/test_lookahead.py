"""The examination says what leaks, from where on and how far; the certificate cannot be changed or put elsewhere."""

import json
from pathlib import Path

import numpy as np
import pytest

import tradewright as tw
from tradewright.app.cli import main
from tradewright.domain.bars import Bars
from tradewright.domain.errors import DataError, InputError
from tradewright.engine.lookahead import exam_markets
from tradewright.engine.lookahead.futures import FUTURES, choose_cuts
from tradewright.engine.promotion import requirements
from tradewright.testing.market import walk_bars


@pytest.fixture(autouse=True)
def _own_ledger():
    tw.use_ledger(tw.MemoryTrialLedger())
    yield
    tw.use_ledger(None)


def _file(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text("import numpy as np\n" + text)
    return path


@pytest.mark.parametrize("name", FUTURES)
@pytest.mark.parametrize("market", range(3))
def test_every_future_keeps_the_past_to_the_bit(name: str, market: int) -> None:
    bars = exam_markets(200)[market]
    for cut in (1, 57, 199):
        other = FUTURES[name].make(bars, cut, np.random.default_rng(3))
        for field in ("open", "high", "low", "close", "volume"):
            assert getattr(other, field)[:cut].tobytes() == getattr(bars, field)[:cut].tobytes()
        assert (other.ts[:cut] == bars.ts[:cut]).all()
        assert [a for a in other.actions if a.ts < bars.ts[cut]] == [a for a in bars.actions if a.ts < bars.ts[cut]]
        assert cut != 57 or (other.n_bars == bars.n_bars) == FUTURES[name].same_length
        assert (np.diff(other.ts) > 0).all()


@pytest.mark.parametrize("ahead", [1, 2, 3, 7, 20, 60])
def test_the_distance_of_a_shift_is_found_exactly(ahead: int) -> None:
    def peek(close):
        out = np.full(close.size, np.nan)
        out[:-ahead] = close[ahead:]
        return out

    leak = tw.check_lookahead(peek).leaks[0]
    assert (leak.rule, leak.looks_ahead, leak.fields, leak.to_the_end) == ("future", ahead, ("close",), False)
    assert leak.row == 0


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume"])
def test_the_field_that_leaks_is_named(field: str) -> None:
    def peek(bars):
        values = getattr(bars, field)
        return np.vstack([values[1:], values[-1:] * np.nan]) + bars.close

    assert tw.check_lookahead(peek, walk_bars(200)).leaks[0].fields == (field,)


def test_a_leak_in_one_row_of_fifty_is_found() -> None:
    def peek(bars):
        want = np.zeros(bars.close.shape, dtype=np.int8)
        base = np.vstack([np.zeros((10, bars.n_assets)), bars.close[10:] / bars.close[:-10] - 1])
        want[base > 0.02] = 1
        rows = np.arange(60, bars.n_bars - 1, 50)
        want[rows] = bars.close[rows + 1] > bars.close[rows]
        return want

    for seed in range(1, 4):
        assert tw.check_lookahead(peek, walk_bars(400, seed=seed), kind="strategy").leaks[0].looks_ahead == 1


def test_the_first_row_of_a_leak_that_begins_late_is_found() -> None:
    def peek(close):
        out = close.copy()
        out[150:-1] = close[151:]
        return out

    leak = tw.check_lookahead(peek, walk_bars(200), cuts=60).leaks[0]
    assert leak.row is not None
    assert leak.row >= 150
    assert leak.looks_ahead == 1


def test_another_length_may_change_last_bits_but_other_values_may_not() -> None:
    bars = walk_bars(300)

    def scaled_by_length(close):  # as a sum in another order would
        return close * (1.0 + 1e-15 * (close.size % 7))

    def scaled_by_future(close):
        return close * (1.0 + 1e-15 * np.sign(close[-1] - 90.0) + 1e-18 * close[-1] * 1e3)

    found = tw.check_lookahead(scaled_by_length, bars)
    assert found.clean
    assert any("last bits" in item["why"] for item in found.checked)
    assert not tw.check_lookahead(scaled_by_future, bars).clean


def test_a_length_that_changes_more_than_last_bits_is_a_leak() -> None:
    def counted(close):
        return close * (1.0 + 1e-9 * close.size)

    assert tw.check_lookahead(counted, walk_bars(300)).rules == ("length",)


def test_a_file_that_is_read_is_found(tmp_path: Path) -> None:
    table = tmp_path / "signals.csv"
    table.write_text("\n".join("01"[k % 3 == 0] for k in range(900)))

    def from_file(bars):
        known = np.loadtxt(table, dtype=np.int8)
        return known[: bars.n_bars, None] * (bars.close > 0)

    found = tw.check_lookahead(from_file, walk_bars(300), kind="strategy")
    assert "files" in found.rules
    assert "signals.csv" in next(leak for leak in found.leaks if leak.rule == "files").sentence


def test_a_file_without_secrets_is_the_same_in_another_process(tmp_path: Path) -> None:
    steady = _file(tmp_path, "def doubled(close):\n    return close * 2\n")
    found = tw.check_lookahead(f"{steady}:doubled", kind="feature")
    assert found.clean
    assert next(item for item in found.checked if item["check"] == "process")["runs"] == 3


def test_rows_in_both_parts_of_a_fold_are_found() -> None:
    class Both:
        def get_n_splits(self, X=None, y=None, groups=None):
            return 1

        def split(self, X, y=None, groups=None):
            yield np.arange(100), np.arange(99, 120)

    assert tw.check_lookahead(Both()).rules == ("overlap", "fold")


@pytest.mark.parametrize("horizon", [1, 2, 5, 12])
@pytest.mark.parametrize("gap", range(13))
def test_overlap_is_what_brute_force_says(horizon: int, gap: int) -> None:
    from sklearn.model_selection import TimeSeriesSplit

    splitter = TimeSeriesSplit(4, gap=gap)
    leaks = any(
        a < b + horizon and b < a + horizon
        for train, test in splitter.split(np.zeros((600, 1)))
        for a in train[-30:].tolist()
        for b in test[:30].tolist()
    )
    assert tw.check_lookahead(splitter, horizon=horizon).clean is not leaks


def test_what_takes_columns_series_frames_or_bars_is_asked_in_its_own_way() -> None:
    import pandas as pd

    def arrays(high, low):
        return high - low

    def series(close: pd.Series) -> pd.Series:
        return close.diff()

    def frame(df):
        df = df.copy()
        df["spread"] = df.high - df.low
        return df

    def bars(bars):
        return {"a": bars.close, "b": bars.volume}

    forms = [tw.check_lookahead(f).subject["form"] for f in (arrays, series, frame, bars)]
    assert forms == ["arrays", "series", "frame", "bars"]


def test_findings_can_be_allowed_and_the_certificate_says_so() -> None:
    def members(bars):
        return bars.close * np.array([len(s) == 5 for s in bars.symbols])

    bars = Bars.from_arrays(None, *[walk_bars(200, 2).close] * 4, symbols=["LONGX", "B"])
    assert tw.check_lookahead(members, bars).rules == ("names",)
    found = tw.check_lookahead(members, bars, allow=["names"])
    assert found.clean
    assert found.as_dict()["allowed"][0]["rule"] == "names"
    with pytest.raises(InputError, match="did you mean 'names'"):
        tw.check_lookahead(members, bars, allow=["nams"])


def test_the_same_examination_gives_the_same_certificate() -> None:
    bars = walk_bars(300, 2)
    first, second = (tw.check_lookahead("donchian_breakout", bars, seed=5) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()
    assert tw.check_lookahead("donchian_breakout", bars, seed=6).hash != first.hash


def test_a_changed_certificate_is_refused(tmp_path: Path) -> None:
    path = tw.check_lookahead("rsi").save(tmp_path / "c.json")
    document = json.loads(path.read_text())
    document["subject"]["name"] = "other"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match="changed after"):
        tw.Certificate.load(path)


def test_a_changed_source_is_seen(tmp_path: Path) -> None:
    path = _file(tmp_path, "def rule(bars):\n    return (bars.close > 0).astype(np.int8)\n")
    found = tw.check_lookahead(f"{path}:rule", kind="strategy")
    assert found.verify() == ()
    _file(tmp_path, "def rule(bars):\n    return (bars.close > 1).astype(np.int8)\n")
    assert any("source has changed" in doubt for doubt in found.verify())


def test_no_certificate_no_promotion(tmp_path: Path) -> None:
    bars = walk_bars(400)
    params = {"fast": 5, "slow": 20}
    bare = tw.backtest(bars, "sma_cross", params=params)
    assert bare.certificate is None
    assert not requirements(bare).promotable
    assert requirements(bare).missing[0].name == "certificate"
    proof = tw.check_lookahead("sma_cross", bars, params=params)
    sealed = tw.backtest(bars, "sma_cross", params=params, certificate=proof)
    assert sealed.document()["certificate"]["hash"] == proof.hash
    assert sealed.result_hash == bare.result_hash
    assert next(r for r in sealed.promotion.requirements if r.name == "certificate").met
    again = tw.Result.load(sealed.save(tmp_path / "r.json"))
    assert again.certificate == sealed.document()["certificate"]
    assert next(r for r in again.promotion.requirements if r.name == "certificate").met
    assert "certificate" not in bare.document()


def test_a_certificate_of_something_else_is_refused() -> None:
    bars = walk_bars(400)
    proof = tw.check_lookahead("sma_cross", bars, params={"fast": 5, "slow": 20})
    with pytest.raises(InputError, match="cannot stand for this result"):
        tw.backtest(bars, "sma_cross", params={"fast": 6, "slow": 20}, certificate=proof)
    with pytest.raises(InputError, match="cannot stand for this result"):
        tw.backtest(bars, "buy_and_hold", certificate=proof)


def test_a_leak_is_certified_as_one_and_not_promoted() -> None:
    def peek(bars):
        return np.vstack([bars.close[1:] > bars.close[:-1], np.zeros((1, bars.n_assets), bool)])

    result = tw.backtest(walk_bars(300), peek, certificate=True)
    assert result.certificate is not None
    assert not result.certificate.clean
    requirement = next(r for r in result.promotion.requirements if r.name == "certificate")
    assert not requirement.met
    assert "has leaks" in requirement.sentence


def test_the_command_prints_the_certificate_and_exits_with_3_on_a_leak(tmp_path: Path, capsys) -> None:
    path = _file(tmp_path, "def dip(bars):\n    want = np.zeros(bars.close.shape, dtype=np.int8)\n"
                           "    want[:-1] = bars.open[1:] > bars.close[:-1]\n    return want\n")  # fmt: skip
    out = tmp_path / "c.json"
    assert main(["check", "lookahead", "--strategy", f"{path}:dip", "--json", "--out", str(out)]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "leaks"
    assert document["leaks"][0]["looks_ahead"] == 1
    assert document["leaks"][0]["fields"] == ["open"]
    assert tw.Certificate.load(out).hash == document["hash"]
    assert main(["check", "certificate", str(out)]) == 3
    capsys.readouterr()
    assert main(["check", "lookahead", "--indicator", "rsi", "--params", '{"window": 5}']) == 0
    assert "clean" in capsys.readouterr().out
    assert main(["check", "lookahead"]) == 2
    assert main(["check", "lookahead", "--indicator", "rsi", "--params", "{"]) == 2
    assert main(["check", "lookahead", "--indicator", "rsi", "--start", "2020-01-01"]) == 2


def test_cuts_fall_where_leaks_hide() -> None:
    _, three, hours = exam_markets(480)
    why = set(choose_cuts(three, 24, seed=1, warm_up=20, events=[100, 200]).values())
    assert {"early", "late", "a month begins", "about a split", "about a dividend"} <= why
    assert {"an instrument appears or disappears", "right after the answer changed"} <= why
    assert "inside a session" in set(choose_cuts(hours, 24, seed=1).values())


@pytest.mark.parametrize("sign", [1, -1])
def test_nonsense_is_refused_with_the_next_step(sign: int) -> None:
    with pytest.raises(InputError, match="one value a bar"):
        tw.check_lookahead(lambda bars: bars.close[sign:], walk_bars(100))
    with pytest.raises(InputError, match="did you mean 'sma_cross'"):
        tw.check_lookahead("sma_cros")
    with pytest.raises(InputError, match="give more bars"):
        tw.check_lookahead("sma_cross", walk_bars(50))
    with pytest.raises(InputError, match="do not say where they end"):
        tw.check_lookahead(lambda bars: bars.close[:, 0], walk_bars(100), kind="label")


def test_hash_seeds_change_what_another_process_answers(tmp_path: Path) -> None:
    from tradewright.engine.lookahead.purity import fresh_process

    path = _file(tmp_path, "def mixed(close):\n    return close * hash('a name')\n")
    job = {"kind": "feature", "spec": f"{path}:mixed", "form": "arrays", "seed": 7, "n_bars": 60, "market": 0}
    one, two, again = (fresh_process([job], hash_seed=seed)[0] for seed in (1, 2, 1))
    assert len(one) == len(two) == 64
    assert one != two
    assert one == again


def test_a_text_that_is_hashed_is_found_by_another_process(tmp_path: Path) -> None:
    path = _file(tmp_path, "def mixed(close):\n    return close * (1 + hash('a name') % 1000003)\n")
    assert tw.check_lookahead(f"{path}:mixed", kind="feature").rules == ("process",)


def test_what_a_subject_prints_does_not_spoil_the_json(tmp_path: Path, capsys) -> None:
    path = _file(tmp_path, "def loud(bars):\n    print('loud')\n    return (bars.close > 50).astype(np.int8)\n")
    assert main(["check", "lookahead", "--strategy", f"{path}:loud", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "clean"
