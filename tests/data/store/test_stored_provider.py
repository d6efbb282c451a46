"""The provider over a store: the exam of providers, what it pins, longer bars, sources, mixed markets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tradewright as tw
from tradewright.data import resample
from tradewright.data.providers.stored import StoredProvider
from tradewright.data.store import open_store
from tradewright.data.store.imports import import_series
from tradewright.data.store.memory import MemoryStore
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, InputError, MissingDataError
from tradewright.domain.instrument import Instrument
from tradewright.testing import check_provider, walk_bars

HOUR = 3_600_000_000_000


def hours(n: int, symbol: str = "BTC-USD") -> Bars:
    close = 100.0 + np.arange(n) % 13
    ts = np.arange(1, n + 1, dtype=np.int64) * HOUR + 1_700_006_400_000_000_000
    return Bars.from_arrays(
        ts, close, close + 1, close - 1, close, np.ones(n), instruments=Instrument.of(symbol), interval_ns=HOUR
    )


def test_it_passes_the_exam_of_providers() -> None:
    store = MemoryStore()
    store.append(walk_bars(40), source="exam", known="2010-01-01")
    check_provider(StoredProvider(store=store), "WALK")
    check_provider(StoredProvider(store=store, as_of="2010-01-01"), "WALK")


def test_it_pins_what_was_left_open_and_reads_the_same_with_it_later() -> None:
    store = MemoryStore()
    bars = walk_bars(40)
    store.append(bars, source="one", known="2010-01-01")
    found = StoredProvider(store=store).load(["WALK"])
    pinned = dict(found.provenance.pinned)
    assert pinned == {"as_of": "1262304000000000000", "interval": "1d", "source": "one"}
    high = bars.high.copy()
    high[5] += 1.0
    store.append(replace(bars, high=high), source="one", known="2010-01-01T00:00:00.000001", restate=True)
    store.append(bars, source="two", known="2011-01-01")
    again = StoredProvider(store=store, as_of=pinned["as_of"], source=pinned["source"])
    assert again.load(["WALK"], interval=pinned["interval"]).data_hash() == found.data_hash()
    assert StoredProvider(store=store, as_of=pinned["as_of"]).load(["WALK"]).data_hash() == found.data_hash()
    with pytest.raises(InputError, match=r"one, two.*--source"):
        StoredProvider(store=store).load(["WALK"])
    assert StoredProvider(store=store, source="one").load(["WALK"]).high[5, 0] == high[5, 0]


def test_a_length_that_is_not_there_is_made_of_the_longest_shorter_one() -> None:
    store = MemoryStore()
    bars = hours(24 * 40)
    store.append(bars, source="s", known="2024-06-01")
    provider = StoredProvider(store=store)
    day = provider.load(["BTC-USD"], interval="1d")
    assert day.data_hash() == resample(bars, "1d").data_hash()
    part = provider.load(["BTC-USD"], "2023-11-20", "2023-11-25", "1d")
    assert part.n_bars == 6
    assert part.data_hash() == tw.data.between_sessions(day, "2023-11-20", "2023-11-25").data_hash()
    with pytest.raises(MissingDataError, match="cannot be made"):
        provider.load(["BTC-USD"], interval="1min")
    store.append(resample(bars, "4h"), source="s4", known="2024-06-01")
    with pytest.raises(InputError, match="1h, 4h"):
        provider.load(["BTC-USD"])
    assert provider.load(["BTC-USD"], interval="1d").n_bars == day.n_bars


def test_a_range_is_that_of_the_whole_cut(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    import_series(store, provider="sample", symbols="SPX,VIX")
    whole = tw.load("SPX,VIX", provider="sample", start="2005-03-01", end="2006-02-28")
    found = tw.load("SPX,VIX", provider="store", store=tmp_path, start="2005-03-01", end="2006-02-28")
    assert found.data_hash() == whole.data_hash()
    assert tw.load("SPX,VIX", data=tmp_path, start="2005-03-01", end="2006-02-28").data_hash() == whole.data_hash()
    week = tw.load("SPX", provider="sample", start="2005-03-01", end="2006-02-28", interval="1w")
    stored = tw.load("SPX", provider="store", store=tmp_path, start="2005-03-01", end="2006-02-28", interval="1w")
    assert stored.data_hash() == week.data_hash()


def test_markets_with_other_closes_share_the_session(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    share = tw.load("SPX", provider="sample", start="2010-01-01", end="2010-03-31")
    coin_ts = np.arange(14_600, 14_700, dtype=np.int64) * 86_400_000_000_000
    close = 1.0 + np.arange(100)
    coin = Bars.from_arrays(
        coin_ts, close, close, close, close, instruments=Instrument.of("BTC-USD"), interval_ns=86_400_000_000_000
    )
    store.append(share, source="a", known="2011-01-01")
    store.append(coin, source="b", known="2011-01-01")
    both = StoredProvider(store=store).load(["BTC-USD", "SPX"], "2010-01-04", "2010-01-08")
    assert both.n_bars == 5
    assert not np.isnan(both.close).any()
    assert "source" not in dict(both.provenance.pinned)


def test_options_of_files_are_refused_by_name(tmp_path: Path) -> None:
    open_store(tmp_path).append(walk_bars(5), source="s", known="2010-01-01")
    with pytest.raises(InputError, match=r"tz.* say how files"):
        tw.load("WALK", data=tmp_path, tz="UTC")
    with pytest.raises(MissingDataError, match="as of 2005-01-01"):
        tw.load("WALK", data=tmp_path, as_of="2005-01-01")
    with pytest.raises((InputError, ConfigError), match="Name the symbols"):
        tw.load(data=tmp_path)


def test_an_import_under_event_time_reads_as_the_market_knew_it() -> None:
    store = MemoryStore()
    import_series(store, provider="sample", symbols="SPX", known="event")
    bars = StoredProvider(store=store, as_of="2008-09-15").load(["SPX"])
    assert str(tw.data.session_dates(bars)[-1]) == "2008-09-15"
