"""A chain of providers: order, failures, health, refusal of made-up prices, agreement, and what the result says."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.data.health import HealthBook, HealthRules
from tradewright.data.providers import make
from tradewright.data.providers.chain import ChainProvider, NoDataError
from tradewright.data.providers.memory import MemoryProvider
from tradewright.domain.bars import Bars, Provenance
from tradewright.domain.errors import (
    DataProviderError,
    InconsistentDataError,
    InputError,
    MissingDataError,
    StaleDataError,
)
from tradewright.domain.instrument import Instrument
from tradewright.testing import check_provider, walk_bars

DAY_NS = 86_400_000_000_000


def _market(*symbols: str, n: int = 40, seed: int = 3) -> Bars:
    """Daily closes of shares on weekdays."""
    days = np.busday_offset("2024-01-02", np.arange(n), roll="forward")
    ts = (days.astype("datetime64[ns]") + np.timedelta64(21, "h")).astype(np.int64)
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, (n, len(symbols))), axis=0))
    return Bars.from_arrays(
        ts, close * 0.999, close * 1.01, close * 0.99, close, np.full_like(close, 1e6),
        instruments=[Instrument(symbol) for symbol in symbols], interval_ns=DAY_NS, provenance=Provenance("truth"),
    )  # fmt: skip


class Scripted:
    """A provider over bars that does what a script says, request by request."""

    def __init__(self, name: str, bars: Bars, script: Callable[[int, Sequence[str]], object] | None = None) -> None:
        self.name = name
        self._source = MemoryProvider(bars)
        self._script = script or (lambda number, symbols: None)
        self._lock = threading.Lock()
        self.requests: list[tuple[str, ...]] = []

    def load(self, symbols: Sequence[str], start: Any = None, end: Any = None, interval: Any = None) -> Bars:
        with self._lock:
            number = len(self.requests)
            self.requests.append(tuple(symbols))
        told = self._script(number, symbols)
        if isinstance(told, Exception):
            raise told
        bars = self._source.load(symbols, start, end, interval)
        return told(bars) if callable(told) else bars


def _raises(error: Exception) -> Callable[[int, Sequence[str]], object]:
    return lambda number, symbols: error


def test_a_chain_is_a_provider() -> None:
    check_provider(ChainProvider([MemoryProvider(_market("AAA"))]), "AAA")
    check_provider(ChainProvider("sample"), "SPX")
    assert make("chain", chain="sample").name == "chain"


def test_the_first_that_has_a_symbol_gives_it() -> None:
    first, second = Scripted("one", _market("AAA", "BBB")), Scripted("two", _market("BBB", "CCC", seed=4))
    chain = ChainProvider([first, second])
    bars = chain.load(["CCC", "AAA", "BBB"])
    assert bars.symbols == ("CCC", "AAA", "BBB")
    assert chain.last is not None
    assert chain.last.providers == {"CCC": "two", "AAA": "one", "BBB": "one"}
    assert np.array_equal(bars.close[:, 2], _market("AAA", "BBB").close[:, 1])
    assert second.requests == [("CCC",)], "who was answered is not asked for again"
    assert "chain: CCC from two (one missing)" in bars.provenance.notes
    assert chain.health["one"].failures == 0, "not to have a symbol is no failure"


def test_all_symbols_are_one_request_where_one_provider_has_them() -> None:
    truth = _market("AAA", "BBB", "CCC")
    first = Scripted("one", truth)
    bars = ChainProvider([first]).load(["CCC", "AAA", "BBB"])
    assert first.requests == [("CCC", "AAA", "BBB")]
    assert bars.data_hash() == truth.select(["CCC", "AAA", "BBB"]).data_hash()


def test_nobody_having_a_symbol_is_an_error_that_tells_what_each_said() -> None:
    chain = ChainProvider([Scripted("one", _market("AAA")), Scripted("two", _market("AAA"), _raises(OSError("cut")))])
    with pytest.raises(NoDataError, match=r"ZZZ \(one missing: .*; two failed: OSError: cut\).*try again") as caught:
        chain.load(["AAA", "ZZZ"])
    assert isinstance(caught.value, MissingDataError)
    (missing,) = caught.value.no_data
    assert (missing.symbol, missing.outage) == ("ZZZ", True)
    assert [answer.kind for answer in missing.answers] == ["missing", "failed"]
    with pytest.raises(NoDataError, match=r"check the symbols"):
        ChainProvider([Scripted("one", _market("AAA"))]).load(["ZZZ"])
    skipping = ChainProvider([Scripted("one", _market("AAA"))], on_missing="skip")
    bars = skipping.load(["AAA", "ZZZ"])
    assert bars.symbols == ("AAA",)
    assert any("left out, nobody has them: ZZZ (one missing" in note for note in bars.provenance.notes)
    with pytest.raises(NoDataError):
        skipping.load(["YYY", "ZZZ"])


def test_a_failure_for_now_is_repeated_and_another_is_not() -> None:
    for error, attempts in (
        (ConnectionResetError("gone"), 4), (TimeoutError(), 4), (DataProviderError("busy"), 4), (KeyError("bug"), 1),
        (FileNotFoundError("x"), 1), (InconsistentDataError("contradiction"), 1), (StaleDataError("old"), 1),
    ):  # fmt: skip
        ill, well = Scripted("ill", _market("AAA"), _raises(error)), Scripted("well", _market("AAA"))
        chain = ChainProvider([ill, well], retries=3, wait=0.0)
        assert chain.load(["AAA"]).data_hash() == _market("AAA").data_hash()
        assert len(ill.requests) == attempts, error
        assert chain.last is not None
        assert chain.last.retries == attempts - 1
    passing = Scripted("passing", _market("AAA"), lambda number, _: OSError("once") if number == 0 else None)
    chain = ChainProvider([passing], wait=0.0)
    assert chain.load(["AAA"]).n_bars == 40
    assert not any("chain" in note for note in chain.load(["AAA"]).provenance.notes)


def test_a_mistake_in_the_call_is_said_and_not_passed_on() -> None:
    first, second = Scripted("one", _market("AAA")), Scripted("two", _market("AAA"))
    chain = ChainProvider([first, second])
    with pytest.raises(InputError, match="before it starts"):
        chain.load(["AAA"], "2024-05-01", "2024-01-01")
    with pytest.raises(InputError, match="No symbol"):
        chain.load([])
    assert not first.requests


@pytest.mark.parametrize("seed", [1, 2])
def test_a_fifth_of_1000_loads_fail_and_not_one_bar_is_wrong(seed: int) -> None:
    """Three providers that each fail a fifth of the time, in every way there is; a manual clock heals them."""
    symbols = tuple(f"S{j:02d}" for j in range(10))
    truth = _market(*symbols)
    random = np.random.default_rng(seed)
    injected: Counter[str] = Counter()

    def script(number: int, asked: Sequence[str]) -> object:
        if random.random() >= 0.2:
            return None
        ways: dict[str, object] = {
            "connection": ConnectionError("reset"), "time-out": TimeoutError("late"),
            "server": DataProviderError("503"), "bug": KeyError("results"),
            "empty": MissingDataError("no results"), "no rows": lambda bars: bars.rows(0, 0),
            "negative": lambda bars: _spoiled(bars, -1.0), "infinite": lambda bars: _spoiled(bars, np.inf),
            "swapped": lambda bars: replace(bars, low=bars.high, high=bars.low),
            "other": lambda bars: replace(bars, instruments=tuple(Instrument(f"X{j}") for j in range(bars.n_assets))),
            "made up": lambda bars: bars.with_provenance(replace(bars.provenance, synthetic=True)),
            "hourly": lambda bars: replace(bars, interval_ns=3_600_000_000_000),
        }  # fmt: skip
        way = list(ways)[int(random.integers(len(ways)))]
        injected[way] += 1
        return ways[way]

    seconds = iter(range(10**9))
    book = HealthBook(HealthRules(cool_down=30.0, longest_cool_down=120.0), clock=lambda: float(next(seconds)))
    providers = [Scripted(name, truth, script) for name in ("one", "two", "three")]
    chain = ChainProvider(providers, wait=0.0, retries=1, workers=1, on_missing="skip", health=book)
    asked = skipped = explained = right = unknown = 0
    for _ in range(1000):
        wanted = [symbols[j] for j in random.choice(10, size=int(random.integers(1, 4)), replace=False)]
        asked += len(wanted)
        try:
            bars = chain.load(wanted, interval="1d")
        except NoDataError as error:
            skipped += len(error.no_data)
            explained += sum(len(item.answers) >= 3 for item in error.no_data)
            unknown += sorted(item.symbol for item in error.no_data) != sorted(wanted)
            continue
        assert chain.last is not None
        skipped += len(chain.last.no_data)
        explained += sum(len(item.answers) >= 3 for item in chain.last.no_data)
        assert {*bars.symbols, *(item.symbol for item in chain.last.no_data)} == set(wanted)
        assert not bars.provenance.synthetic
        for symbol in bars.symbols:
            j, k = bars.column(symbol), truth.column(symbol)
            rows = np.isin(truth.ts, bars.ts)
            there = ~np.isnan(bars.close[:, j])
            assert there.sum() >= 39, "only a bad row itself may be missing"
            for field in ("open", "high", "low", "close"):
                assert np.array_equal(getattr(bars, field)[there, j], getattr(truth, field)[rows, k][there])
            right += 1
    assert sum(injected.values()) > 200
    assert set(injected) == {"connection", "time-out", "server", "bug", "empty", "no rows", "negative", "infinite",
                             "swapped", "other", "made up", "hourly"}  # fmt: skip
    assert asked == right + skipped
    assert unknown == 0, "an error must name every symbol that was asked for"
    assert skipped == explained, "a symbol that was skipped must tell what each provider said"
    assert skipped / asked < 0.03, "with three providers at a fifth, about 0.8 % are expected"
    counted = sum(number for (_, kind), number in chain.counts.items() if kind == "answered")
    repaired = sum(number for (_, kind), number in chain.counts.items() if kind == "bad")
    assert right - repaired <= counted <= right
    assert any(book[name].failures for name in chain.members)


def _spoiled(bars: Bars, value: float) -> Bars:
    close = bars.close.copy()
    close[bars.n_bars // 2] = value
    return replace(bars, close=close)


def test_rows_that_cannot_be_believed_are_left_to_another_provider() -> None:
    bad = Scripted("bad", _market("AAA", "BBB"), lambda number, symbols: lambda bars: _spoiled(bars, -5.0))
    chain = ChainProvider([bad, Scripted("good", _market("AAA", "BBB"))])
    bars = chain.load(["AAA", "BBB"])
    assert bars.data_hash() == _market("AAA", "BBB").data_hash()
    assert any("from good (bad bad)" in note for note in bars.provenance.notes)
    alone = ChainProvider([bad]).load(["AAA"])
    assert alone.n_bars == 39, "where nobody has better ones the clean bars are kept"
    assert any("AAA from bad (bad bad)" in note for note in alone.provenance.notes)


def test_old_bars_are_left_to_another_provider() -> None:
    truth = _market("AAA")
    old = Scripted("old", truth.rows(0, 20))
    chain = ChainProvider([old, Scripted("new", truth)], max_lag="5d")
    end = str(truth.end.date())
    assert chain.load(["AAA"], end=end).n_bars == 40
    assert chain.last is not None
    assert [answer.kind for answer in chain.last.said["AAA"]] == ["stale", "answered"]
    assert chain.health["old"].freshness < 1.0 == chain.health["new"].freshness
    assert ChainProvider([old]).load(["AAA"], end=end).n_bars == 20, "without max_lag any age will do"
    with pytest.raises(NoDataError, match=r"old stale: its newest bar is of 2024-01-29 21:00"):
        ChainProvider([old], max_lag="5d").load(["AAA"], end=end)


def test_made_up_prices_never_enter_in_silence() -> None:
    real, walk = Scripted("real", _market("AAA"), _raises(OSError("down"))), MemoryProvider(walk_bars(20))
    made_up = Scripted("memory", _market("AAA").with_provenance(Provenance("generator", synthetic=True)))
    for words in (["sample", "synthetic"], "sample,synthetic", [{"provider": "synthetic", "seed": 3}]):
        with pytest.raises(InputError, match="makes prices up"):
            ChainProvider(words)  # type: ignore[arg-type]
    with pytest.raises(NoDataError, match=r"real failed: OSError: down; memory synthetic: its prices are made up"):
        ChainProvider([real, made_up], wait=0.0).load(["AAA"])
    allowed = ChainProvider([real, made_up], wait=0.0, allow_synthetic=True).load(["AAA"])
    assert allowed.provenance.synthetic
    assert any("AAA from memory (real failed)" in note for note in allowed.provenance.notes)
    result = tw.backtest(allowed, "buy_and_hold")
    assert any("synthetic data" in stamp for stamp in result.stamps)
    mixed = ChainProvider([Scripted("real", _market("AAA")), "synthetic"], allow_synthetic=True)
    both = mixed.load(["AAA", "DEMO"], start="2024-01-02", end="2024-02-20")
    assert both.provenance.synthetic, "one made-up symbol among real ones marks them all"
    assert ChainProvider([walk], allow_synthetic=True).load(["WALK"]).n_bars == 20


def test_providers_that_contradict_each_other_are_refused_or_noted() -> None:
    truth = _market("AAA", "BBB")
    close = truth.close.copy()
    close[30, 1] *= 1.05
    wrong = replace(truth, close=close, high=np.maximum(truth.high, close))
    for chain in (
        ChainProvider([Scripted("one", truth), Scripted("two", wrong)], agree=0.01),
        ChainProvider([Scripted("one", wrong), Scripted("none", _market("ZZZ")), Scripted("two", truth)], agree=0.01),
    ):
        with pytest.raises(InconsistentDataError, match=r"one and two disagree on 2 of 39 returns of BBB; first"):
            chain.load(["AAA", "BBB"])
        assert chain.load(["AAA"]).n_bars == 40
    noting = ChainProvider([Scripted("one", truth), Scripted("two", wrong)], agree=0.01, on_disagreement="note")
    bars = noting.load(["AAA", "BBB"])
    assert noting.last is not None
    assert [finding.row for finding in noting.last.findings] == [30, 31]
    assert any("providers disagree on 2 returns of BBB" in note for note in bars.provenance.notes)
    late = ChainProvider([Scripted("one", truth), Scripted("two", wrong)], agree=0.01, agree_rows=5)
    assert late.load(["AAA", "BBB"]).n_bars == 40, "only the newest rows are compared"
    loose = ChainProvider([Scripted("one", truth), Scripted("two", wrong)], agree=0.2)
    assert loose.load(["AAA", "BBB"]).n_bars == 40


def test_many_symbols_are_asked_for_at_once_but_not_too_many() -> None:
    symbols = tuple(f"S{j:02d}" for j in range(12))
    running, most = 0, 0
    lock = threading.Lock()

    def slow(number: int, asked: Sequence[str]) -> object:
        nonlocal running, most
        if len(asked) > 1:
            return MissingDataError("one at a time, please")
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return None

    provider = Scripted("web", _market(*symbols), slow)
    bars = ChainProvider([provider], workers=4).load(symbols)
    assert bars.data_hash() == _market(*symbols).data_hash()
    assert 2 <= most <= 4
    assert len(provider.requests) == 13


def test_a_demoted_provider_is_asked_last_and_probed_after_its_cool_down(tmp_path: Path) -> None:
    now = [0.0]
    file = tmp_path / "health.json"
    rules = HealthRules(cool_down=60.0, longest_cool_down=200.0)
    down = [True]
    ill = Scripted("ill", _market("AAA"), lambda number, symbols: OSError("down") if down[0] else None)
    well = Scripted("well", _market("AAA"))

    def chain() -> ChainProvider:
        book = HealthBook(rules, path=file, clock=lambda: now[0])
        return ChainProvider([ill, well], retries=0, health=book)

    for _ in range(4):
        chain().load(["AAA"])
    assert (len(ill.requests), len(well.requests)) == (4, 4)
    assert chain().health["ill"].demoted
    chain().load(["AAA"])
    assert len(ill.requests) == 4, "others are asked first, also after a restart"
    now[0] = 61.0
    chain().load(["AAA"])
    assert len(ill.requests) == 5, "after the cool-down it is probed"
    assert chain().health["ill"].retry_at == 61.0 + 120.0, "and a failed probe doubles it"
    now[0] = 182.0
    chain().load(["AAA"])
    assert chain().health["ill"].cool_down == 200.0, "up to the longest"
    now[0] = 400.0
    down[0] = False
    chain().load(["AAA"])
    assert not chain().health["ill"].demoted
    before = len(well.requests)
    chain().load(["AAA"])
    assert len(well.requests) == before, "it has its place again"


def test_a_demoted_provider_is_better_than_none() -> None:
    fails = [True] * 5
    ill = Scripted("ill", _market("AAA"), lambda number, symbols: OSError("down") if number < len(fails) else None)
    chain = ChainProvider([ill, Scripted("other", _market("BBB"))], retries=0)
    for _ in range(5):
        with pytest.raises(NoDataError):
            chain.load(["AAA"])
    assert chain.health["ill"].demoted
    assert chain.load(["AAA"]).n_bars == 40
    assert not chain.health["ill"].demoted


def test_one_thread_probes() -> None:
    now = [0.0]
    book = HealthBook(clock=lambda: now[0])
    for _ in range(5):
        book.failed("web", "down", seconds=0.1)
    now[0] = 61.0
    assert [book.order(["web", "store"])[0] for _ in range(3)] == ["web", "store", "store"]
    book.release(["web"])
    assert book.order(["web", "store"])[0] == "web", "a probe that was not needed is given back"


def test_health_is_a_number_between_0_and_1_that_falls_and_recovers() -> None:
    book = HealthBook(clock=lambda: 0.0)
    assert book["new"].score == 1.0
    scores = []
    for _ in range(6):
        book.failed("web", "down", seconds=0.1)
        scores.append(book["web"].score)
    assert scores == sorted(scores, reverse=True)
    assert 0.0 < scores[-1] < 0.3
    for _ in range(30):
        book.answered("web", seconds=0.1)
    assert book["web"].score > 0.95
    for _ in range(50):
        book.answered("slow", seconds=50.0, freshness=0.0)
    assert 0.75 < book["slow"].score < 0.85, "slow and old is worse, and still an answer"
    assert not book["slow"].demoted
    assert book.to_dict()["web"]["failures"] == 6


def test_a_health_file_that_cannot_be_read_is_said_and_harms_nobody(tmp_path: Path) -> None:
    for text in ("", "{", '{"format": "other"}', '{"format": "tradewright.health/1", "providers": {"a": {}}}', "[]"):
        file = tmp_path / "health.json"
        file.write_text(text)
        book = HealthBook(path=file)
        assert "not a file of provider health" in book.problem
        assert book["a"].score == 1.0
        book.failed("a", "x", seconds=0.1)
        book.save()
        assert HealthBook(path=file)["a"].failures == 1
    nowhere = HealthBook(path=file / "below" / "health.json")
    nowhere.save()
    assert "cannot be kept" in nowhere.problem
    clock_back = HealthBook(path=file, clock=lambda: -1e6)
    assert clock_back["a"].retry_at <= -1e6 + 3600.0


def test_what_a_chain_cannot_be_is_said() -> None:
    memory = MemoryProvider(_market("AAA"))
    for words, message in (
        ([], "chain is empty"), ("", "chain is empty"), (["sample", "sample"], "'sample' twice"),
        (["chain"], "cannot be a member"), (["smaple"], "did you mean 'sample'"), ([{"path": "x"}], "needs 'provider'"),
        ([5], "no member of a chain"), ([{"provider": "sample", "sede": 1}], "does not take"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            ChainProvider(words)  # type: ignore[arg-type]
    for option, value in (
        ("on_missing", "shrug"), ("on_disagreement", "x"), ("retries", -1), ("workers", 0), ("agree", 0.0),
        ("wait", -1),
    ):  # fmt: skip
        with pytest.raises(InputError, match=option):
            ChainProvider([memory], **{option: value})
    assert ChainProvider([memory, MemoryProvider(_market("BBB"))]).members == ("memory", "memory-2")


def test_a_chain_of_names_and_paths(tmp_path: Path) -> None:
    (tmp_path / "OWN.csv").write_text("date,close\n2018-01-02,1.5\n2018-01-03,2.5\n2018-01-04,3.5\n")
    chain = ChainProvider(f"csv:{tmp_path}, sample")
    bars = chain.load(["OWN", "SPX"], "2018-01-02", "2018-01-04")
    assert bars.close[:, 0].tolist() == [1.5, 2.5, 3.5]
    assert chain.last is not None
    assert chain.last.providers == {"OWN": f"csv:{tmp_path}", "SPX": "sample"}
    assert "OWN" in chain.symbols()
    assert "SPX" in chain.symbols()
    assert ChainProvider(["csv", "sample"], path=tmp_path).load(["OWN"]).n_bars == 3


def test_markets_of_several_calendars_keep_their_own_stamps() -> None:
    share = _market("AAA")
    coin_ts = (np.arange(60, dtype=np.int64) + 1) * DAY_NS + int(np.datetime64("2024-01-01", "ns").astype(np.int64))
    coin = Bars.from_arrays(
        coin_ts, *[np.arange(1.0, 61.0)] * 4, instruments=Instrument.of("BTC-USD"), interval_ns=DAY_NS
    )
    both = tw.data.align([share, coin])
    whole = ChainProvider([MemoryProvider(both)])
    assert whole.load(["AAA", "BTC-USD"]).data_hash() == MemoryProvider(both).load(["AAA", "BTC-USD"]).data_hash()
    apart = ChainProvider([MemoryProvider(share), MemoryProvider(coin)]).load(["AAA", "BTC-USD"])
    assert apart.data_hash() == both.data_hash()
