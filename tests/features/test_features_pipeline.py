"""Specifications, their errors, hashes, files, streams and commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright.app.cli import main
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, InputError, MissingDataError
from tradewright.features import FeatureSet
from tradewright.features.registry import feature, names, preset, presets
from tradewright.testing import walk_bars

RETURN = {"feature": "log_return", "window": 1}


def test_the_presets_are_made_of_the_registry() -> None:
    entries = preset("standard_200")
    assert len(entries) == 200
    assert len(set(FeatureSet(entries).names)) == 200
    used = {entry["feature"] for entry in entries}
    for name in names():
        assert (name in used) == bool(feature(name).standard), name
    for name in presets():
        assert len(FeatureSet.preset(name)) == len(preset(name))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("log_retrun", "did you mean 'log_return'"),
        ({"feature": "cs_rnk"}, "did you mean 'cs_rank'"),
        ({"feature": "log_return", "widnow": 3}, "did you mean 'window'"),
        ({"feature": "log_return", "window": 0}, "whole number from 1"),
        ({"feature": "semi_volatility", "side": "dwon"}, "did you mean 'down'"),
        ({"feature": "momentum_skip", "window": 10, "skip": 10}, "skip < window"),
        ({"feature": "macd", "output": "signl"}, "did you mean 'signal'"),
        ({"feature": "cs_rank", "of": "macd"}, "name one"),
        ({"feature": "ratio", "of": "close"}, "needs by"),
        ({"feature": "overnight_return", "of": "close"}, "cannot be computed"),
        ({"window": 3}, "has no 'feature'"),
        ({"feature": "longer", "interval": "soon"}, "a length such as"),
        ({"feature": "dated", "series": "cpi"}, "is not given"),
        ({"feature": "garch"}, "did you mean 'garch_volatility'"),
        (7, "is no feature"),
    ],
)
def test_a_mistake_is_refused_with_the_next_step(entry: Any, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        FeatureSet([entry])


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="Two columns are called"):
        FeatureSet([RETURN, {"feature": "log_return", "window": 1}])


def test_equal_sets_have_equal_hashes_and_others_have_not() -> None:
    one = FeatureSet([{"feature": "rsi", "window": 14}])
    assert one.hash == FeatureSet([{"feature": "rsi", "params": {"window": 14}, "as": "rsi_14"}]).hash
    others = [
        FeatureSet([{"feature": "rsi", "window": 15, "as": "rsi_14"}]),
        FeatureSet([{"feature": "rsi", "window": 14}], sectors={"A": "x"}),
        FeatureSet([{"feature": "rsi", "window": 14}], benchmark="SPY"),
    ]
    assert len({one.hash, *(other.hash for other in others)}) == 4


def test_a_file_says_the_same_as_python(tmp_path: Path) -> None:
    (tmp_path / "sectors.csv").write_text("symbol,sector\nWALK1,a\nWALK2,a\nWALK3,b\n")
    (tmp_path / "vix.csv").write_text("published,value\n2000-01-05T12:00:00Z,20\n2000-01-09T12:00:00Z,30\n")
    (tmp_path / "my.yaml").write_text(
        "benchmark: WALK1\nsectors: sectors.csv\nseries:\n  vix: {file: vix.csv}\nfeatures:\n"
        "  - log_return\n"
        "  - {feature: cs_sector_neutral, of: {feature: log_return, window: 2}, as: own}\n"
        "  - {feature: relative_strength, window: 3, on: [WALK2]}\n"
        "  - {feature: dated, series: vix}\n"
    )
    wanted = FeatureSet.load(tmp_path / "my.yaml")
    bars = walk_bars(20, 3)
    found = wanted.compute(bars)
    assert found.names == ("log_return", "own", "relative_strength_3", "dated_vix")
    move = np.log(bars.close[2:] / bars.close[:-2])
    assert np.allclose(found["own"][2:, 0], (move[:, 0] - move[:, 1]) / 2, atol=1e-15)
    assert np.allclose(found["own"][2:, 2], 0.0, atol=1e-15)
    assert np.isnan(found["relative_strength_3"][:, [0, 2]]).all()
    day = (bars.ts // 86_400_000_000_000 - 10_957).tolist()
    wants = [np.nan if d < 4 else 20.0 if d < 8 else 30.0 for d in day]
    assert np.array_equal(found["dated_vix"][:, 0], wants, equal_nan=True)


def test_a_specification_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'features'"):
        FeatureSet.load({"featuers": []})
    with pytest.raises(ConfigError, match="did you mean 'standard_200'"):
        FeatureSet.load("standard_20")
    (tmp_path / "broken.yaml").write_text("features: [")
    with pytest.raises(ConfigError, match="no YAML"):
        FeatureSet.load(tmp_path / "broken.yaml")


def test_threads_do_not_change_a_bit_and_parquet_holds_the_same(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    bars = walk_bars(640, 5, holes=0.01)
    wanted = FeatureSet.preset("standard_200")
    one, two = wanted.compute(bars, threads=1), wanted.compute(bars, threads=4)
    assert np.array_equal(one.store, two.store, equal_nan=True)
    steps: list[tuple[int, int]] = []
    facts = wanted.write(bars, tmp_path / "f.parquet", threads=2, progress=lambda a, b: steps.append((a, b)))
    table = pq.read_table(tmp_path / "f.parquet")
    assert table.num_rows == 640 * 5
    assert json.loads(table.schema.metadata[b"tradewright"])["hash"] == facts["hash"] == one.hash
    for k, name in enumerate(one.names):
        assert np.array_equal(table[name].to_numpy().reshape(5, 640), one.store[:, k], equal_nan=True), name
    assert steps[-1][0] == steps[-1][1]
    assert steps == sorted(steps)
    assert [p.name for p in tmp_path.iterdir()] == ["f.parquet"]
    with pytest.raises(MissingDataError, match="no folder"):
        wanted.write(bars, tmp_path / "no" / "f.parquet")


def test_long_columns_are_computed_in_pieces_with_the_same_bits() -> None:
    bars = walk_bars(70_000, 1)
    wanted = FeatureSet([{"feature": "rsi", "window": 14}, {"feature": "return_per_risk", "window": 60}])
    whole = wanted.compute(bars).values
    assert np.array_equal(whole[:60_000], wanted.compute(bars.head(60_000)).values, equal_nan=True)


def test_a_matrix_has_complete_rows_only() -> None:
    found = FeatureSet([RETURN, {"feature": "sma", "window": 5}]).compute(walk_bars(30, 2, holes=0.1))
    X, row, asset = found.matrix()
    assert np.isfinite(X).all()
    assert np.array_equal(X, found.values[row, asset])
    assert row.size == found.ready().sum()


def test_calendar_features_know_half_days_and_month_ends() -> None:
    ends = np.array(
        ["2024-07-03T14:00", "2024-07-03T17:00", "2024-07-31T20:00", "2024-08-01T14:00"], dtype="datetime64[ns]"
    )
    bars = Bars.from_arrays(ends, *[[1.0, 1.0, 1.0, 1.0]] * 4, symbols="SPY", interval_ns=1_800_000_000_000)
    found = FeatureSet.preset("calendar").compute(bars)
    assert found["minutes_to_close"][:, 0].tolist() == [180.0, 0.0, 0.0, 360.0]
    assert found["minutes_since_open"][:, 0].tolist() == [30.0, 210.0, 390.0, 30.0]
    assert found["half_day"][:, 0].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert found["sessions_to_month_end"][2:, 0].tolist() == [0.0, 21.0]
    assert found["turn_of_month"][:, 0].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert found["days_to_session"][:2, 0].tolist() == [2.0, 2.0]
    assert found["days_to_third_friday"][:, 0].tolist() == [16.0, 16.0, 16.0, 15.0]


def test_a_longer_bar_is_seen_when_it_is_closed_and_not_before() -> None:
    ends = np.datetime64("2024-01-02T14:45", "ns") + np.arange(12) * np.timedelta64(15, "m")
    price = np.arange(1.0, 13.0)
    bars = Bars.from_arrays(ends, price, price, price, price, symbols="SPY", interval_ns=900_000_000_000)
    found = FeatureSet([{"feature": "longer", "interval": "1h", "of": "close"}]).compute(bars).column(0)[:, 0]
    assert np.array_equal(found, [np.nan] * 3 + [4.0] * 4 + [8.0] * 4 + [12.0], equal_nan=True)


def test_a_stream_refuses_what_does_not_follow() -> None:
    bars = walk_bars(5, 2)
    stream = FeatureSet([RETURN]).stream(bars)
    stream.update(bars.rows(0, 1))
    with pytest.raises(InputError, match="not later"):
        stream.update(bars.rows(0, 1))
    with pytest.raises(InputError, match="one row"):
        stream.update(bars.rows(1, 3))


def test_a_benchmark_line_is_taken_row_by_row() -> None:
    bars = walk_bars(80, 2)
    line = walk_bars(80, 1, seed=3).close[:, 0]
    wanted = FeatureSet([{"feature": "beta", "window": 20}, {"feature": "longer", "interval": "1w",
                         "of": {"feature": "beta", "window": 3}}], benchmark=line)  # fmt: skip
    rows = wanted.stream(bars).extend(bars, benchmark=line)
    assert np.allclose(rows, wanted.compute(bars).values, equal_nan=True, rtol=0, atol=1e-12)
    with pytest.raises(InputError, match="price line"):
        wanted.stream(bars).update(bars.rows(0, 1))


def test_the_command_prints_what_python_computes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my.json").write_text(json.dumps([{"feature": "log_return", "window": 5}, "cs_rank"]))
    given = ["features", "compute", "--spec", str(tmp_path / "my.json"), "--symbols", "SPX,IXIC", "--end", "2010-12-31"]
    assert main([*given, "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    from tradewright.data import load

    bars = load("SPX,IXIC", end="2010-12-31")
    found = FeatureSet.load(tmp_path / "my.json").compute(bars)
    assert out["hash"] == found.hash
    for j, symbol in enumerate(bars.symbols):
        for k, name in enumerate(found.names):
            theirs = np.array([np.nan if v is None else v for v in out["values"][symbol][name]])
            assert np.array_equal(theirs, found.store[j, k], equal_nan=True)
    assert [c["warm_up"] for c in out["columns"]] == [6, 21]
    file = tmp_path / "out.parquet"
    assert main([*given, "--out", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == bars.n_bars * 2
    assert file.exists()


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["compute"], 2, "Which features"),
        (["compute", "log_retrun", "--symbols", "SPX"], 2, "did you mean 'log_return'"),
        (["compute", "beta", "--symbols", "SPX", "--benchmark", "SPXX"], 3, "SPXX"),
        (["show", "cs_rnk"], 2, "did you mean 'cs_rank'"),
        (["list", "--family", "retruns"], 2, "did you mean 'returns'"),
        (["list", "--search", "zzzz"], 2, "leave --search out"),
    ],
)
def test_a_mistyped_command_says_what_to_do(
    words: list[str], code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["features", *words]) == code
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("words", [["list"], ["list", "--presets"], ["show", "small"], ["show", "longer"]])
def test_lists_print_text_and_json(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", *words]) == 0
    assert capsys.readouterr().out.strip()
    assert main(["features", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_a_row_without_a_bar_is_no_row_of_that_asset() -> None:
    both = walk_bars(300, 2, seed=5)
    holes = np.arange(300) % 7 >= 5
    fields = {n: getattr(both, n).copy() for n in ("open", "high", "low", "close", "volume")}
    for column in fields.values():
        column[holes, 0] = np.nan
    bars = Bars.from_arrays(both.ts, **fields, instruments=both.instruments, interval_ns=both.interval_ns)
    kept = np.flatnonzero(~holes)
    alone = Bars.from_arrays(both.ts[kept], **{n: a[kept, 0] for n, a in fields.items()},
                             instruments=both.instruments[:1], interval_ns=both.interval_ns)  # fmt: skip
    entries = [e for e in preset("prices") if e["feature"] != "longer"]
    found, wanted = FeatureSet(entries).compute(bars), FeatureSet(entries).compute(alone)
    assert np.array_equal(found.values[kept, 0], wanted.values[:, 0], equal_nan=True)
    assert np.isnan(found.values[holes, 0]).all()
    assert np.isfinite(found.values[kept[-1], 0]).mean() > 0.9
    rows = FeatureSet(entries).stream(bars).extend(bars)
    assert np.allclose(rows, found.values, equal_nan=True, rtol=1e-12, atol=1e-12)


def test_a_half_day_gives_the_same_row_by_row() -> None:
    days = [("2024-07-02", 16), ("2024-07-03", 16), ("2024-07-05", 16)]  # rows after the early close of the third
    ends = np.concatenate(
        [np.datetime64(f"{day}T14:00", "ns") + np.arange(n - 3) * np.timedelta64(30, "m") for day, n in days]
    )
    price = 100.0 + np.sin(np.arange(float(ends.size)))
    bars = Bars.from_arrays(ends, price, price, price, price, symbols="SPY", interval_ns=1_800_000_000_000)
    wanted = FeatureSet([{"feature": "longer", "interval": i, "of": "close", "as": i} for i in ("1h", "1d")])
    whole = wanted.compute(bars).values
    assert np.array_equal(wanted.stream(bars).extend(bars), whole, equal_nan=True)
    for cut in range(1, bars.n_bars):
        assert np.array_equal(wanted.compute(bars.head(cut)).values, whole[:cut], equal_nan=True)


def test_a_copy_computes_what_the_original_does() -> None:
    import copy

    from tradewright.testing import walk_bars

    wanted = FeatureSet(
        [
            "log_return",
            {"feature": "longer", "of": "sma", "interval": "1w", "as": "weekly"},
            {"feature": "cs_rank", "of": "close"},
        ]
    )
    bars = walk_bars(300, seed=3)
    first = wanted.compute(bars).values
    assert np.isfinite(first[-1]).any()
    np.testing.assert_array_equal(copy.deepcopy(wanted).compute(bars).values, first)
