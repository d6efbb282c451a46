"""The store in PostgreSQL, against a real server: the exam, two writers, ends in the middle, secrets, layouts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tradewright.data.store.memory import MemoryStore
from tradewright.data.store.postgres import PostgresStore, has_timescale
from tradewright.data.store.postgres_tables import entries_of, rows_of
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataProviderError, InconsistentDataError, InputError
from tradewright.domain.instrument import Instrument
from tradewright.domain.series import SeriesKey
from tradewright.testing import check_store, walk_bars

DAY_NS = 86_400_000_000_000


@pytest.fixture
def store(postgres: Any, schema: str) -> Iterator[PostgresStore]:
    made = PostgresStore(postgres.dsn, schema=schema)
    yield made
    made.close()


def _query(postgres: Any, text: str) -> list[Any]:
    import psycopg

    with psycopg.connect(postgres.dsn) as connection:
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else []


def _minutes(n: int, *symbols: str, first: str = "2024-01-02") -> Bars:
    ts = np.arange(1, n + 1, dtype=np.int64) * 60_000_000_000 + int(np.datetime64(first, "ns").astype(np.int64))
    prices = 100.0 + np.cumsum(np.random.default_rng(7).normal(0, 0.05, (n, len(symbols))), axis=0)
    return Bars.from_arrays(
        ts, prices, prices + 0.1, prices - 0.1, prices, np.full_like(prices, 1e4),
        instruments=[Instrument(symbol) for symbol in symbols], interval_ns=60_000_000_000,
    )  # fmt: skip


def test_the_store_in_postgresql_passes_the_exam(postgres: Any, schema: str, store: PostgresStore) -> None:
    check_store(store, reopen=lambda: PostgresStore(postgres.dsn, schema=schema))


def test_what_it_does_is_what_the_store_in_memory_does(store: PostgresStore) -> None:
    """The same random course of writes, some refused, leaves the same series, revisions and readings."""
    random, twin = np.random.default_rng(11), MemoryStore()
    whole = walk_bars(60, 3, holes=0.2)
    instants = 1_300_000_000 + np.cumsum(random.integers(1, 90, 40)) * 3600
    for instant in instants:
        first = int(random.integers(0, 50))
        part = whole.rows(first, first + int(random.integers(1, 12)))
        if random.random() < 0.5:
            factor = np.where(random.random(part.close.shape) < 0.2, 1.5, 1.0)
            fields = {name: getattr(part, name) * factor for name in ("open", "high", "low", "close")}
            part = replace(part, **fields)
        restate = bool(random.random() < 0.6)
        said = [_outcome(one, part, int(instant) * 10**9, restate) for one in (store, twin)]
        assert said[0] == said[1]
    assert store.list() == twin.list()
    assert any(info.restated for info in store.list()), "the course never restated anything"
    for instant in instants[::5]:
        at = int(instant) * 10**9
        here, there = (one.read(whole.symbols, "1d", as_of=at) for one in (store, twin))
        assert here.data_hash() == there.data_hash()


def _outcome(store: Any, bars: Bars, known: int, restate: bool) -> Any:
    try:
        return store.append(bars, source="course", known=known, restate=restate)
    except (InconsistentDataError, InputError) as error:
        return type(error).__name__, str(error)


def test_bars_lie_in_a_partition_for_each_year_and_people_can_read_them(
    postgres: Any, schema: str, store: PostgresStore
) -> None:
    years = ("1969-12-31", "1970-01-01", "1999-06-01", "2024-02-29")
    ts = np.array([f"{day}T21:00" for day in years], dtype="datetime64[ns]")
    bars = Bars.from_arrays(ts, *[np.arange(1.0, 5.0)] * 4, instruments=Instrument("A"), interval_ns=DAY_NS)
    store.append(bars, source="vendor")
    assert not store.hypertable
    parts = _query(postgres, f"select inhrelid::regclass::text from pg_inherits "
                             f"where inhparent = '{schema}.bars'::regclass order by 1")  # fmt: skip
    assert [name.rpartition("_y")[2] for (name,) in parts] == ["1969", "1970", "1999", "2024"]
    assert _query(postgres, f"select count(*) from {schema}.bars_y1999") == [(1,)]
    kinds = _query(postgres, f"select indexdef from pg_indexes where schemaname = '{schema}' "
                             "and tablename = 'bars_y2024' order by 1")  # fmt: skip
    assert any("brin (ts)" in text for (text,) in kinds)
    assert any("(series, ts, known)" in text for (text,) in kinds)
    shown = _query(postgres, f"select symbol, time at time zone 'UTC', close, extract(epoch from length) "
                             f"from {schema}.prices order by time desc limit 1")  # fmt: skip
    assert str(shown[0][1]) == "2024-02-29 21:00:00"
    assert (shown[0][0], shown[0][2], int(shown[0][3])) == ("A", 4.0, 86_400)


def test_the_ends_of_64_bits_have_partitions(store: PostgresStore) -> None:
    ts = np.array([-(2**63) + 10 * DAY_NS, 2**63 - 10 * DAY_NS], dtype=np.int64)
    bars = Bars.from_arrays(ts[:1], [1.0], [1.0], [1.0], [1.0], instruments=Instrument("A"), interval_ns=DAY_NS)
    store.append(bars, source="old")
    assert store.read(["A"], "1d").ts[0] == ts[0]


def test_a_hypertable_is_made_where_the_extension_can_be_used(postgres: Any, schema: str) -> None:
    """The extension is not on this server: its one function is written down here, in SQL, and records the call."""
    _query(postgres, f"""
        create table calls_{schema} (relation text, time_column text, step bigint);
        create schema {schema}_fake;
        create function public.create_hypertable(relation regclass, time_column name, chunk_time_interval bigint)
        returns void language sql as
        $$ insert into public.calls_{schema} values (relation::text, time_column, chunk_time_interval) $$
    """)  # fmt: skip
    try:
        store = PostgresStore(postgres.dsn, schema=schema, timescale=lambda cursor: True)
        assert store.hypertable
        assert _query(postgres, f"select * from calls_{schema}") == [("bars", "ts", 366 * DAY_NS)]
        check_store(store)
        assert _query(postgres, f"select count(*) from pg_inherits where inhparent = '{schema}.bars'::regclass") == [
            (0,)
        ]
        again = PostgresStore(postgres.dsn, schema=schema, timescale=lambda cursor: False)
        assert again.hypertable, "the layout is that of the schema, whatever the server could do now"
        again.close()
        store.close()
    finally:
        _query(postgres, "drop function public.create_hypertable")


def test_without_the_extension_the_answer_is_no(postgres: Any) -> None:
    import psycopg

    with psycopg.connect(postgres.dsn) as connection:
        there = connection.execute("select 1 from pg_available_extensions where name = 'timescaledb'").fetchone()
        if there:
            pytest.skip("this server has timescaledb")
        assert has_timescale(connection.cursor()) is False


def test_several_writers_at_once_lose_nothing(postgres: Any, schema: str) -> None:
    whole = _minutes(400, "A", "B")

    def write(worker: int) -> int:
        store = PostgresStore(postgres.dsn, schema=schema)
        added = 0
        for part in range(worker, 40, 4):
            columns = whole if worker % 2 else whole.select(["B", "A"])
            added += sum(done.added for done in store.append(columns.rows(part * 10, part * 10 + 10), source="v"))
        store.close()
        return added

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(4))) == 800
    store = PostgresStore(postgres.dsn, schema=schema)
    assert store.read(["A", "B"], "1min").data_hash() == whole.data_hash()
    for info in store.list():
        assert (info.n_bars, info.restated) == (400, 0)
        assert len(info.revisions) == 40, "every write is a revision with an instant of its own"
    store.close()


def test_one_object_serves_several_threads(store: PostgresStore) -> None:
    store.append(_minutes(200, "A"), source="v")
    expected = store.read(["A"], "1min").data_hash()
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: store.read(["A"], "1min").data_hash(), range(30)))
    assert set(found) == {expected}


def test_a_reader_sees_a_write_of_many_series_whole_or_not_at_all(postgres: Any, schema: str) -> None:
    writer, reader = (PostgresStore(postgres.dsn, schema=schema) for _ in range(2))
    names = [f"S{j}" for j in range(12)]
    whole = _minutes(600, *names)
    writer.append(whole.rows(0, 100), source="v")
    seen: list[set[int]] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.append({info.n_bars for info in reader.list()})

    thread = threading.Thread(target=look)
    thread.start()
    for first in range(100, 600, 100):
        writer.append(whole.rows(first, first + 100), source="v")
    stop.set()
    thread.join()
    assert all(len(counts) == 1 for counts in seen), "a reader saw some series of a write and not the others"
    writer.close()
    reader.close()


_WRITER = """
import sys, numpy as np
from tradewright.data.store.postgres import PostgresStore
from tradewright.domain.bars import Bars
from tradewright.domain.instrument import Instrument
store = PostgresStore(sys.argv[1], schema=sys.argv[2])
print("open", flush=True)
for step in range(1000):
    first = step * 3000
    ts = (np.arange(first, first + 3000, dtype=np.int64) + 1) * 60_000_000_000
    price = np.tile((1.0 + np.arange(first, first + 3000))[:, None], (1, 8))
    bars = Bars.from_arrays(ts, price, price, price, price, price, interval_ns=60_000_000_000,
                            instruments=[Instrument(f"S{j}") for j in range(8)])
    store.append(bars, source="killed")
    print(step, flush=True)
"""


def test_a_client_that_is_killed_in_the_middle_leaves_whole_writes_only(postgres: Any, schema: str) -> None:
    random = np.random.default_rng(3)
    whole = 0
    for trial in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, postgres.dsn, f"{schema}_{trial}"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(float(random.uniform(0.0, 0.25)))
        process.send_signal(signal.SIGKILL)
        confirmed = len(process.stdout.read().splitlines())
        process.wait()
        store = PostgresStore(postgres.dsn, schema=f"{schema}_{trial}")
        infos = store.list()
        counts = {info.n_bars for info in infos}
        assert len(counts) <= 1, f"half of a write is there: {counts}"
        n_bars = counts.pop() if counts else 0
        assert n_bars % 3000 == 0
        assert n_bars // 3000 in {confirmed, confirmed + 1}, "what was confirmed is there, at most one write more"
        if n_bars:
            whole += n_bars // 3000
            bars = store.read([info.key.symbol for info in infos], "1min")
            assert np.array_equal(bars.close[:, 0], 1.0 + np.arange(n_bars))
            again = store.append(bars, source="killed")
            assert {(done.added, done.unchanged) for done in again} == {(0, n_bars)}
        store.close()
    assert whole, "every writer was killed before its first write; the test shows nothing"


@pytest.fixture
def own_server(services: ModuleType) -> Iterator[Any]:
    """A server that a test may stop without harming others."""
    binaries = services.postgres_binaries()
    if binaries is None:
        services.skip_loudly("PostgreSQL server", "postgresql")
    server = services.PostgresServer(binaries)
    yield server
    server.close()


def test_a_server_that_ends_is_a_clear_error_and_one_that_comes_back_is_used_again(own_server: Any) -> None:
    store = PostgresStore(own_server.dsn, patience=0.3)
    bars = _minutes(300, "A", "B")
    store.append(bars, source="v")
    parts = store.slices(["A", "B"], "1min", rows=50)
    assert next(parts).n_bars == 50
    own_server.stop(how=signal.SIGQUIT)  # as a crash: sessions are cut
    with pytest.raises(DataProviderError, match="cannot be used") as mid_read:
        list(parts)
    with pytest.raises(DataProviderError, match=r"cannot be used.*Nothing was written") as at_read:
        store.read(["A"], "1min")
    with pytest.raises(DataProviderError, match="cannot be used") as at_write:
        store.append(_minutes(10, "C"), source="v")
    for caught in (mid_read, at_read, at_write):
        assert caught.value.exit_code == 3
        assert "s3cret" not in _told(caught.value)
    own_server.start()
    assert store.read(["A", "B"], "1min").data_hash() == bars.data_hash(), "the next use connects anew"
    assert not store.list(["C"])
    # A restart between two calls is not even noticed.
    own_server.stop()
    own_server.start()
    assert store.append(_minutes(10, "C"), source="v")[0].added == 10
    store.close()


def test_a_server_that_comes_back_within_the_patience_is_waited_for(own_server: Any) -> None:
    store = PostgresStore(own_server.dsn, patience=30.0)
    store.append(_minutes(30, "A"), source="v")
    own_server.stop()
    starting = threading.Timer(0.5, own_server.start)
    starting.start()
    assert store.read(["A"], "1min").n_bars == 30
    starting.join()
    store.close()


def test_what_is_wrong_with_an_address_is_said_without_the_password(
    postgres: Any, services: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "h0rse-battery"
    port = services.free_port()
    for dsn, kind in (
        (f"postgresql://tester:{secret}@127.0.0.1:{port}/postgres", DataProviderError),
        (f"postgresql://tester:{secret}@127.0.0.1:{postgres.port}/postgres", DataProviderError),
        (f"host=127.0.0.1 port={postgres.port} user=tester password={secret} dbname=nowhere", DataProviderError),
        (f"postgresql://tester:{secret}@{secret}@127.0.0.1/postgres", ConfigError),
        (f"postgresql://tester:a/{secret}@127.0.0.1/postgres", ConfigError),
        (f"postgresql://tester:a?{secret}@127.0.0.1/postgres", ConfigError),
        (f"mysql://tester:{secret}@127.0.0.1/postgres", ConfigError),
        (f"host=127.0.0.1 passwort={secret}", ConfigError),
        (f"host=127.0.0.1 password={secret} {secret}", ConfigError),
    ):
        with pytest.raises(kind) as caught:
            PostgresStore(dsn, patience=0.1)
        assert secret not in _told(caught.value), dsn
        assert len(str(caught.value)) > 40
    store = PostgresStore(postgres.dsn, schema="secrets")
    for text in (store.name, repr(store)):
        assert services.PASSWORD not in text
        assert str(postgres.port) in text
    store.append(walk_bars(5), source="v")
    monkeypatch.setenv("PGPASSWORD", services.PASSWORD)
    again = PostgresStore(store.name)
    assert again.name == store.name
    assert again.read(["WALK"], "1d").n_bars == 5, "a name opens the same store where the password is known"
    again.close()
    store.close()


def _told(error: BaseException | None) -> str:
    """Everything that a trace of an error would print, its causes included."""
    import traceback

    return "" if error is None else "".join(traceback.format_exception(error)[-1:]) + _told(error.__cause__)


def test_a_schema_is_ones_own_and_of_a_version_that_is_understood(postgres: Any, schema: str) -> None:
    with pytest.raises(ConfigError, match="small letters"):
        PostgresStore(postgres.dsn, schema="Drop Table")
    one, other = PostgresStore(postgres.dsn, schema=schema), PostgresStore(postgres.dsn, schema=f"{schema}_b")
    one.append(walk_bars(5), source="v")
    assert not other.list()
    one.close()
    other.close()
    _query(postgres, f"update {schema}.meta set value = '99' where name = 'version'")
    with pytest.raises(ConfigError, match="schema version 99"):
        PostgresStore(postgres.dsn, schema=schema)
    _query(postgres, f"create schema {schema}_c; create table {schema}_c.meta (name text, value text)")
    with pytest.raises(ConfigError, match="not of tradewright"):
        PostgresStore(postgres.dsn, schema=f"{schema}_c")


def test_many_processes_may_make_the_schema_at_once(postgres: Any, schema: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: PostgresStore(postgres.dsn, schema=schema), range(6)))
    stores[0].append(walk_bars(5), source="v")
    assert all(len(store.list()) == 1 for store in stores)
    for store in stores:
        store.close()


def test_who_may_only_read_can_list_and_read_and_is_told_when_writing(postgres: Any, schema: str) -> None:
    store = PostgresStore(postgres.dsn, schema=schema)
    whole = walk_bars(25)
    bars = whole.rows(0, 20)
    store.append(bars, source="v")
    _query(postgres, f"create role reader_{schema} login password 'r';"
                     f"grant usage on schema {schema} to reader_{schema};"
                     f"grant select on all tables in schema {schema} to reader_{schema}")  # fmt: skip
    dsn = f"postgresql://reader_{schema}:r@127.0.0.1:{postgres.port}/postgres"
    reader = PostgresStore(dsn, schema=schema)
    assert reader.list()[0].content_hash == bars.data_hash() == reader.list()[0].content_hash
    assert reader.read(["WALK"], "1d").n_bars == 20
    with pytest.raises(DataProviderError, match="not allowed"):
        reader.append(whole, source="v")
    with pytest.raises(DataProviderError, match="not allowed"):
        PostgresStore(dsn, schema=f"{schema}_new")
    reader.close()
    store.close()


def test_a_schema_of_the_first_version_is_brought_up_to_date_by_its_owner(postgres: Any, schema: str) -> None:
    store, bars = PostgresStore(postgres.dsn, schema=schema), walk_bars(20)
    paid = CorporateAction(ts=int(bars.ts[5]), instrument=bars.instruments[0], kind=ActionKind.DIVIDEND, value=0.5)
    store.append(replace(bars, actions=(paid,)), source="v")
    before = store.read(["WALK"], "1d").data_hash()
    store.close()
    _query(postgres, f"alter table {schema}.actions drop column cash, drop column price;"
                     f"update {schema}.meta set value = '1' where name = 'version';"
                     f"create role early_{schema} login password 'r';"
                     f"grant usage on schema {schema} to early_{schema};"
                     f"grant select on all tables in schema {schema} to early_{schema}")  # fmt: skip
    dsn = f"postgresql://early_{schema}:r@127.0.0.1:{postgres.port}/postgres"
    with pytest.raises(ConfigError, match="once as their owner"):
        PostgresStore(dsn, schema=schema)
    with closing(PostgresStore(postgres.dsn, schema=schema)) as owner:
        assert owner.read(["WALK"], "1d").data_hash() == before
        bought = replace(paid, ts=int(bars.ts[9]), kind=ActionKind.MERGER, new_symbol="Z", cash=12.5, price=30.0)
        assert owner.write_actions([bought], source="v") == 1
    with closing(PostgresStore(dsn, schema=schema)) as reader:
        assert reader.read(["WALK"], "1d").actions == (paid, bought)


def test_text_that_a_database_cannot_hold_is_refused(store: PostgresStore) -> None:
    bars = replace(walk_bars(3), instruments=(Instrument("A\x00B"),))
    with pytest.raises(InputError, match="cannot hold"):
        store.append(bars, source="v")


def test_a_store_survives_a_fork(postgres: Any, schema: str) -> None:
    store = PostgresStore(postgres.dsn, schema=schema)
    store.append(walk_bars(20), source="v")
    child = os.fork()
    if not child:
        try:
            ok = store.read(["WALK"], "1d").n_bars == 20
        except BaseException:
            ok = False
        os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.read(["WALK"], "1d").n_bars == 20, "the parent's connection is whole"
    store.close()


def test_a_content_hash_is_never_of_rows_that_changed_meanwhile(postgres: Any, schema: str) -> None:
    """Lists and writes race; the hash that is kept in the end is that of the rows."""
    whole = _minutes(300, "A")
    writer, reader = (PostgresStore(postgres.dsn, schema=schema) for _ in range(2))
    writer.append(whole.rows(0, 10), source="v")
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            reader.list()

    thread = threading.Thread(target=look)
    thread.start()
    for first in range(10, 300, 10):
        writer.append(whole.rows(first, first + 10), source="v")
    stop.set()
    thread.join()
    assert writer.list()[0].content_hash == whole.data_hash()
    assert writer.list()[0].key == SeriesKey("A", 60_000_000_000, "v")
    writer.close()
    reader.close()


def test_a_large_read_comes_in_pieces(postgres: Any, schema: str, store: PostgresStore) -> None:
    import psycopg

    bars = _minutes(2_000, "A", "B", "C")
    store.append(bars, source="v")
    with psycopg.connect(postgres.dsn) as connection:
        cursor = connection.cursor(binary=True)
        cursor.execute(f"set search_path to {schema}")
        spans = [(entry, int(bars.ts[77]), int(bars.ts[1500])) for entry, _ in entries_of(cursor)]
        for piece, query in ((150, 200), (1, 10**6), (10**6, 1), (700, 701)):
            parts = rows_of(cursor, spans, None, piece_rows=piece, query_rows=query)
            for j, rows in enumerate(parts):
                assert np.array_equal(rows.ts, bars.ts[77:1501]), (piece, query)
                assert np.array_equal(rows.values[:, 3], bars.close[77:1501, j]), (piece, query)


@pytest.mark.shared_data
def test_46_symbols_of_15_minute_bars_are_read_in_well_under_a_second(shared_data: Path, store: PostgresStore) -> None:
    import tradewright as tw

    folder = shared_data / "nolicence" / "us_15min_2025_2026"
    if not folder.is_dir():
        pytest.skip("the 15-minute files are not there")
    bars = tw.load("@us_46", data=folder)
    store.append(bars, source="files")
    took = _fastest(lambda: store.read(bars.symbols, "15min"))
    assert store.read(bars.symbols, "15min").data_hash() == bars.data_hash()
    assert took < 1.0, f"{took:.2f} s"


def _fastest(do: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        do()
        times.append(time.perf_counter() - start)
    return min(times)


def test_a_result_of_a_store_with_a_password_does_not_tell_it(
    postgres: Any, services: ModuleType, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from tradewright.app.cli import main

    store = PostgresStore(postgres.dsn, schema=schema)
    bars = walk_bars(60)
    store.append(bars.with_provenance(replace(bars.provenance, synthetic=False)), source="v")
    store.close()
    address = f"{postgres.dsn}#{schema}"
    (tmp_path / "c.yaml").write_text(f"data:\n  store: '{address}'\n  provider: store\n")
    words = ["backtest", "--symbols", "WALK", "--strategy", "buy_and_hold", "--fast"]
    ways: list[tuple[list[str], dict[str, str]]] = [
        (["--provider", "store", "--store", address], {}), (["--provider", "store"], {"TRADEWRIGHT_STORE": address}),
        (["--config", str(tmp_path / "c.yaml")], {}), (["--set", f"data.chain=store:{address}"], {}),
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--provider", "store", "--data", address]) == 2
    assert services.PASSWORD not in capfd.readouterr().err
    for number, (more, variables) in enumerate(ways):
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            out = tmp_path / f"{number}.json"
            assert main([*words, *more, "--out", str(out)]) == 0, capfd.readouterr().err
            assert main(["config", "show", "--explain", *(more[-2:] if number == 2 else [])]) == 0
        told = capfd.readouterr()
        assert services.PASSWORD not in told.out + told.err, more
        assert services.PASSWORD not in out.read_text(), more
        with monkeypatch.context() as patch:
            patch.setenv("PGPASSWORD", services.PASSWORD)
            assert main(["verify", str(out)]) == 0, (more, capfd.readouterr().err)
        capfd.readouterr()
