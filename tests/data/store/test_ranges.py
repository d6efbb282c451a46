"""A range of a store is what cutting the whole reading gives, whatever day it begins on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tradewright.data.store.memory import MemoryStore
from tradewright.data.store.parquet import ParquetStore
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.instrument import Instrument


def _daily(symbol: str, seed: int) -> Bars:
    days = np.arange(np.datetime64("2024-01-02"), np.datetime64("2024-03-15"))
    days = days[np.is_busday(days)]
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, days.size)))
    stamps = (days.astype("datetime64[ns]") + np.timedelta64(21, "h")).astype(np.int64)
    bars = Bars.from_arrays(stamps, close, close, close, close, close, symbols=symbol)
    instrument = Instrument.of(symbol)
    actions = tuple(
        CorporateAction(ts=int(stamps[row]) - 6 * 3_600_000_000_000, instrument=instrument, kind=kind, value=value)
        for row, kind, value in ((3, ActionKind.DIVIDEND, 0.5), (20, ActionKind.SPLIT, 2.0))
    )
    return replace(bars, actions=actions, instruments=(instrument,), interval_ns=86_400_000_000_000)


def test_ranges_of_several_daily_series_carry_the_actions_of_their_rows(tmp_path) -> None:
    for store in (MemoryStore(), ParquetStore(tmp_path)):
        for seed, symbol in enumerate(("AAA", "BBB")):
            store.append(_daily(symbol, seed), source="s")
        whole = store.read(["AAA", "BBB"], "1d")
        # Every weekday and weekend as a beginning, Mondays after long gaps among them.
        for day in np.arange(np.datetime64("2024-01-03"), np.datetime64("2024-03-12")):
            start = np.datetime64(day, "ns") + np.timedelta64(1, "h")
            part = store.read(["AAA", "BBB"], "1d", start=start)
            cut = whole.between(start)
            assert part.actions == cut.actions, day
            assert part.data_hash() == cut.data_hash(), day
        store.close()
