"""The read cache against a real Redis: the exam, writes that are seen at once, damage, ends in the middle, expiry."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tradewright.data.store.cache import CachedStore, packed, unpacked
from tradewright.data.store.memory import MemoryStore
from tradewright.data.store.postgres import PostgresStore
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars, Provenance
from tradewright.domain.errors import ConfigError, InputError, MissingDataError
from tradewright.domain.instrument import Instrument
from tradewright.testing import check_store, walk_bars

MakeRedis = Callable[[], Any]


def _keys(server: Any) -> list[bytes]:
    import redis

    with redis.Redis.from_url(server.url) as client:
        return sorted(client.keys())


def test_the_cached_store_passes_the_exam(make_redis: MakeRedis) -> None:
    server = make_redis()
    store = _ReadsTwice(MemoryStore(), server.url)
    check_store(store)
    assert store.counts.hits > 20, "the exam never met the cache"
    assert (store.counts.errors, store.counts.corrupt) == (0, 0)
    check_store(CachedStore(MemoryStore(), server.url))


class _ReadsTwice(CachedStore):
    """Every reading that the exam sees came out of the cache."""

    def read(self, symbols: Any, interval: str, **options: Any) -> Bars:
        super().read(symbols, interval, **options)
        return super().read(symbols, interval, **options)


def test_before_postgresql_it_passes_too(make_redis: MakeRedis, postgres: Any, schema: str) -> None:
    url = make_redis().url
    check_store(
        CachedStore(PostgresStore(postgres.dsn, schema=schema), url),
        reopen=lambda: CachedStore(PostgresStore(postgres.dsn, schema=schema), url),
    )


def test_a_value_is_served_again_whole(make_redis: MakeRedis) -> None:
    server = make_redis()
    store = CachedStore(MemoryStore(), server.url)
    bars = walk_bars(200, 3, holes=0.2)
    split = CorporateAction(
        ts=int(bars.ts[50]), instrument=bars.instruments[1], kind=ActionKind.SPLIT, value=0.1 + 0.2
    )  # fmt: skip
    store.append(replace(bars, actions=(split,)), source="v")
    first, second = (store.read(bars.symbols, "1d") for _ in range(2))
    assert (store.counts.hits, store.counts.misses, store.counts.stored) == (1, 1, 1)
    assert second.data_hash() == first.data_hash()
    assert second.actions == first.actions == (split,)
    assert second.provenance == first.provenance
    assert second.instruments == first.instruments
    assert [i.calendar for i in second.instruments] == [i.calendar for i in first.instruments]
    assert not second.close.flags.writeable
    other = CachedStore(MemoryStore(), server.url)
    other.append(walk_bars(10, 3), source="v")
    assert other.read(bars.symbols, "1d").n_bars == 10, "another store's value was served"
    # Every other question is another value.
    store.read(bars.symbols[:1], "1d")
    store.read(bars.symbols, "1d", start=int(bars.ts[3]))
    store.read(bars.symbols, "1d", end=int(bars.ts[3]))
    store.read(tuple(reversed(bars.symbols)), "1d")
    assert store.counts.hits == 1


def test_a_write_by_anybody_is_seen_at_once(make_redis: MakeRedis, postgres: Any, schema: str) -> None:
    url, whole = make_redis().url, walk_bars(60)
    reader = CachedStore(PostgresStore(postgres.dsn, schema=schema), url)
    behind = PostgresStore(postgres.dsn, schema=schema)  # writes without knowing of the cache
    behind.append(whole.rows(0, 20), source="v", known="2010-01-01")
    past = reader.read(["WALK"], "1d", as_of="2010-06-01")
    for n in range(21, 60):
        behind.append(whole.rows(0, n), source="v")
        assert reader.read(["WALK"], "1d").n_bars == n
        assert reader.read(["WALK"], "1d").n_bars == n
    changed = replace(
        whole, close=whole.close * np.where(np.arange(60) == 5, 1.001, 1.0)[:, None], high=whole.high * 1.1
    )
    behind.append(changed, source="v", restate=True)
    assert reader.read(["WALK"], "1d").data_hash() == changed.data_hash()
    assert reader.read(["WALK"], "1d", as_of="2010-06-01").data_hash() == past.data_hash()
    dividend = CorporateAction(
        ts=int(whole.ts[9]), instrument=whole.instruments[0], kind=ActionKind.DIVIDEND, value=0.5
    )  # fmt: skip
    behind.write_actions([dividend], source="v")
    assert reader.read(["WALK"], "1d").actions == (dividend,)
    assert reader.counts.hits > 30
    behind.remove(behind.list()[0].key)
    with pytest.raises(MissingDataError):
        reader.read(["WALK"], "1d")
    reader.close()
    behind.close()


def test_reads_that_race_with_writes_never_leave_an_old_value(make_redis: MakeRedis) -> None:
    url, whole, kept = make_redis().url, walk_bars(300), MemoryStore()
    kept.append(whole.rows(0, 10), source="v")
    store = CachedStore(kept, url)
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            store.read(["WALK"], "1d")

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(11, 301):
        kept.append(whole.rows(n - 1, n), source="v")
        assert store.read(["WALK"], "1d").n_bars == n
    stop.set()
    for reader in readers:
        reader.join()
    assert store.read(["WALK"], "1d").data_hash() == whole.data_hash()
    assert store.counts.errors == 0


def test_a_value_that_is_damaged_or_foreign_is_a_miss(make_redis: MakeRedis) -> None:
    import redis

    server = make_redis()
    store = CachedStore(MemoryStore(), server.url)
    bars = walk_bars(30, 2)
    store.append(bars, source="v")
    store.read(bars.symbols, "1d")
    (key,) = _keys(server)
    random = np.random.default_rng(5)
    with redis.Redis.from_url(server.url) as client:
        good = client.get(key)
        assert isinstance(good, bytes)
        bad = [b"", b"x", b"\x80\x04.", good[:-1], good[:40], good + b"0", good[:6] + b"\x00\x02" + good[8:]]
        bad += [packed(walk_bars(30, 2, holes=0.5), "another key"), packed(bars, "")]
        for _ in range(200):
            place = int(random.integers(len(good)))
            bad.append(good[:place] + bytes([good[place] ^ (1 << int(random.integers(8)))]) + good[place + 1 :])
        for n, value in enumerate(bad, start=1):
            client.set(key, value)
            assert store.read(bars.symbols, "1d").data_hash() == bars.data_hash()
            assert store.counts.corrupt == n
            assert client.get(key) == good, "a bad value is replaced"
        client.delete(key)
        client.rpush(key, "a list")  # a key of another type is an error of Redis
        assert store.read(bars.symbols, "1d").data_hash() == bars.data_hash()
    assert store.counts.errors == 1


def test_a_value_says_of_which_key_it_is() -> None:
    bars = walk_bars(5)
    text = packed(bars, "one")
    assert unpacked(text, "one") is not None
    assert unpacked(text, "two") is None
    empty = bars.rows(0, 0)
    back = unpacked(packed(empty))
    assert back is not None
    assert (back.n_bars, back.symbols) == (0, bars.symbols)


def test_redis_may_end_and_come_back_in_the_middle(make_redis: MakeRedis, caplog: pytest.LogCaptureFixture) -> None:
    server = make_redis()
    store = CachedStore(MemoryStore(), server.url, pause=0.0)
    bars = walk_bars(50)
    store.append(bars, source="v")
    with caplog.at_level(logging.WARNING, "tradewright.data"):
        for step in range(30):
            if step == 10:
                server.kill()
            if step == 20:
                server.start()
            assert store.read(["WALK"], "1d").data_hash() == bars.data_hash()
    assert [record.levelname for record in caplog.records] == ["WARNING"], "it is said once"
    counts = store.counts
    assert counts.hits == 9 + 9
    assert counts.misses == 12
    assert counts.errors >= 10
    store.close()


def test_redis_may_end_while_many_read(make_redis: MakeRedis) -> None:
    server = make_redis()
    store = CachedStore(MemoryStore(), server.url, pause=0.01)
    bars = walk_bars(2_000, 8)
    store.append(bars, source="v")
    expected = bars.data_hash()
    killer = threading.Timer(0.15, server.kill)
    killer.start()
    last = time.monotonic() + 0.5
    with ThreadPoolExecutor(4) as pool:
        futures = []
        while time.monotonic() < last:
            futures.append(pool.submit(lambda: store.read(bars.symbols, "1d").data_hash()))
            time.sleep(0.002)
        assert {future.result() for future in futures} == {expected}
    killer.join()
    assert store.counts.hits > 0
    assert store.counts.errors > 0


def test_a_redis_that_hangs_is_not_asked_again_at_once() -> None:
    """Somebody listens and never answers: one time-out, then the store alone for the pause."""
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(8)
        url = f"redis://127.0.0.1:{mute.getsockname()[1]}/0"
        store = CachedStore(MemoryStore(), url, timeout=0.2, pause=60.0)
        store.append(walk_bars(20), source="v")
        began = time.monotonic()
        for _ in range(20):
            assert store.read(["WALK"], "1d").n_bars == 20
        assert time.monotonic() - began < 2.0
    assert (store.counts.errors, store.counts.misses) == (1, 20)


def test_values_are_forgotten_after_their_time(make_redis: MakeRedis) -> None:
    server = make_redis()
    store = CachedStore(MemoryStore(), server.url, ttl=0.3)
    store.append(walk_bars(20), source="v")
    store.read(["WALK"], "1d")
    store.read(["WALK"], "1d")
    assert store.counts.hits == 1
    time.sleep(0.4)
    assert not _keys(server)
    store.read(["WALK"], "1d")
    assert store.counts.hits == 1
    for ttl in (0.0, -1.0, 1e12, float("nan")):
        with pytest.raises(InputError, match="ttl"):
            CachedStore(MemoryStore(), server.url, ttl=ttl)


def test_a_full_redis_is_counted_and_harms_nobody(make_redis: MakeRedis) -> None:
    import redis

    server = make_redis()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "2mb")
    store = CachedStore(MemoryStore(), server.url, pause=0.0)
    bars = walk_bars(5_000, 20)
    store.append(bars, source="v")
    assert store.read(bars.symbols, "1d").data_hash() == bars.data_hash()
    assert (store.counts.stored, store.counts.errors) == (0, 1)
    small = CachedStore(MemoryStore(), server.url, max_bytes=1000)
    small.append(walk_bars(100), source="v")
    small.read(["WALK"], "1d")
    assert (small.counts.stored, small.counts.errors) == (0, 0)


def test_refusals_are_those_of_the_store(make_redis: MakeRedis) -> None:
    store = CachedStore(MemoryStore(), make_redis().url)
    store.append(walk_bars(20), source="one")
    assert store.read(["walk"], "1d").symbols == ("WALK",), "another case is found by the store"
    store.append(walk_bars(20), source="two")
    with pytest.raises(InputError, match="several sources"):
        store.read(["WALK"], "1d")
    with pytest.raises(MissingDataError, match="did you mean 'WALK'"):
        store.read(["WALKK"], "1d", source="one")
    with pytest.raises(InputError, match="before it starts"):
        store.read(["WALK"], "1d", start="2020-01-02", end="2020-01-01", source="one")


def test_no_password_is_said(make_redis: MakeRedis, caplog: pytest.LogCaptureFixture) -> None:
    secret = "h0rse-battery"
    import redis

    server = make_redis()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("requirepass", "another")
    with caplog.at_level(logging.DEBUG):
        store = CachedStore(MemoryStore(), f"redis://:{secret}@127.0.0.1:{server.port}/0")
        store.append(walk_bars(5), source="v")
        assert store.read(["WALK"], "1d").n_bars == 5
    assert store.counts.errors == 1, "the password is wrong, and the store answers all the same"
    with pytest.raises(ConfigError) as caught:
        CachedStore(MemoryStore(), f"reddis://:{secret}@nowhere")
    for text in (store.name, repr(store), caplog.text, str(caught.value)):
        assert secret not in text


def test_only_its_own_values_are_cleared(make_redis: MakeRedis) -> None:
    import redis

    server = make_redis()
    store = CachedStore(MemoryStore(), server.url)
    store.append(walk_bars(20, 3), source="v")
    for symbol in ("WALK1", "WALK2"):
        store.read([symbol], "1d")
    with redis.Redis.from_url(server.url) as client:
        client.set("somebody else's", "1")
        assert store.clear() == 2
        assert _keys(server) == [b"somebody else's"]


def test_a_client_of_ones_own_is_used_and_left_open(make_redis: MakeRedis) -> None:
    import redis

    with redis.Redis.from_url(make_redis().url) as client:
        store = CachedStore(MemoryStore(), client)
        store.append(walk_bars(5), source="v")
        store.read(["WALK"], "1d")
        store.close()
        assert client.ping()
        assert client.dbsize() == 1


def test_every_kind_of_number_comes_back() -> None:
    values = np.array([[np.nan, 5e-324], [1.7976931348623157e308, 0.1 + 0.2]])
    bars = Bars.from_arrays(
        [1, 2], values, values, values, values, np.array([[np.nan, np.inf], [-0.0, 1.0]]),
        instruments=[Instrument("A'B"), Instrument.of("SPY240119C00480000")], interval_ns=1,
    )  # fmt: skip
    bars = bars.with_provenance(Provenance("x", True, "free", "raw", ("one", "two"), (("as_of", "5"),)))
    back = unpacked(packed(bars, "k"), "k")
    assert back is not None
    assert back.provenance == bars.provenance
    assert back.data_hash() == bars.data_hash()
    assert back.instruments == bars.instruments
    assert back.instruments[1].expiry == bars.instruments[1].expiry
