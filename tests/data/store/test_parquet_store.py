"""The store in a folder: the exam, sudden death at any moment, several processes at once, broken parts, memory."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tradewright.data.store.memory import MemoryStore
from tradewright.data.store.parquet import ParquetStore
from tradewright.domain.bars import Bars, Provenance
from tradewright.domain.errors import ConfigError, DataProviderError, InconsistentDataError
from tradewright.domain.instrument import Instrument
from tradewright.domain.series import SeriesKey
from tradewright.testing import walk_bars

MINUTE = 60_000_000_000
DAY = 86_400_000_000_000


def minutes(n: int, symbols: tuple[str, ...] = ("AAA",), *, first: int = 0, seed: int = 1) -> Bars:
    """Bars of one minute around the clock, the same for the same row whatever `first` is."""
    rows = np.arange(first, first + n, dtype=np.int64)
    ts = 1_600_000_000_000_000_000 // MINUTE * MINUTE + rows * MINUTE
    close = 100.0 + np.sin(rows[:, None] / 50.0 + np.arange(len(symbols)) + seed)
    instruments = tuple(Instrument(symbol, calendar="24/7") for symbol in symbols)
    return Bars(
        ts, close.copy(), close + 0.5, close - 0.5, close, np.ones_like(close), instruments, MINUTE,
        Provenance("test", adjusted="raw"),
    )  # fmt: skip


def test_it_answers_as_the_store_in_memory_does_over_random_histories(tmp_path: Path) -> None:
    random_ = random.Random(5)
    for history in range(4):
        twins = (MemoryStore(), ParquetStore(tmp_path / str(history)))
        base = minutes(200, ("A", "B", "C"))
        instants = [1_700_000_000_000_000_000 + i * DAY for i in range(12)]
        for known in instants:
            first = random_.randrange(0, 180)
            part = base.rows(first, first + random_.randrange(1, 60))
            if random_.random() < 0.6:
                close = part.close.copy()
                row, column = random_.randrange(part.n_bars), random_.randrange(3)
                close[row, column] += random_.choice([0.0, 0.25])
                part = replace(part, close=close)
            for twin in twins:
                twin.append(part, source="s", known=known, restate=True)
        one, two = twins
        assert one.list() == two.list()
        for as_of in (None, *instants, instants[4] + 1):
            assert (
                one.read(["C", "A"], "1min", as_of=as_of).data_hash()
                == two.read(["C", "A"], "1min", as_of=as_of).data_hash()
            )
        lists = [info.content_hash for info in two.list()]
        done = two.compact()
        assert done.after == done.series
        assert one.list() == two.list()
        assert [info.content_hash for info in two.list()] == lists
        for as_of in (None, *instants):
            assert one.read(["B"], "1min", as_of=as_of).data_hash() == two.read(["B"], "1min", as_of=as_of).data_hash()


def test_many_small_writes_are_compacted_by_themselves_and_read_the_same(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    for i in range(150):
        store.append(minutes(2, first=2 * i), source="feed")
    assert len(list((tmp_path / "parts").rglob("*.parquet"))) < 70
    assert store.read(["AAA"], "1min").data_hash() == minutes(300).data_hash()
    early = store.list()[0].revisions[9]
    assert store.read(["AAA"], "1min", as_of=early).n_bars == 20
    assert store.compact().after == 1
    assert store.read(["AAA"], "1min", as_of=early).n_bars == 20
    assert store.read(["AAA"], "1min").data_hash() == minutes(300).data_hash()


def test_only_what_is_new_is_written(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.append(minutes(5_000), source="s")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    done = store.append(minutes(5_003), source="s")[0]
    assert (done.added, done.unchanged) == (3, 5_000)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert before.items() <= after.items()
    (fresh,) = set(after) - set(before)
    assert fresh.stat().st_size < 5_000
    store.append(minutes(5_003), source="s")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == after


def test_a_refused_row_is_named_with_both_values(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.append(minutes(10), source="s")
    close = minutes(10).close.copy()
    close[6] += 0.125
    with pytest.raises(InconsistentDataError, match=r"1 bars of AAA .*close is 100.* there and .* now.*--restate"):
        store.append(replace(minutes(10), close=close), source="s")


@pytest.mark.parametrize("how", ["cut", "flip", "gone"])
def test_a_part_that_is_not_as_it_was_written_is_named(tmp_path: Path, how: str) -> None:
    store = ParquetStore(tmp_path)
    store.append(minutes(500, ("AAA", "BBB")), source="s")
    assert store.verify() == ()
    (path,) = [path for path in tmp_path.rglob("*.parquet") if path.parent.name == "BBB"]
    content = bytearray(path.read_bytes())
    if how == "cut":
        path.write_bytes(content[:-10])
    elif how == "flip":
        content[len(content) // 3] ^= 4
        path.write_bytes(content)
    else:
        path.unlink()
    place = path.relative_to(tmp_path).as_posix()
    for reader in (store, ParquetStore(tmp_path)):
        with pytest.raises(DataProviderError, match=place):
            reader.read(["BBB"], "1min")
        with pytest.raises(DataProviderError, match=place):
            list(reader.slices(["BBB"], "1min", rows=50))
        (fault,) = reader.verify()
        assert (fault.place, fault.key, fault.n_rows) == (place, SeriesKey("BBB", MINUTE, "s"), 500)
        assert reader.read(["AAA"], "1min").n_bars == 500
        assert {info.key.symbol: info.n_bars for info in reader.list()} == {"AAA": 500, "BBB": 500}
    with pytest.raises(DataProviderError, match=place):
        store.append(minutes(501, ("BBB",)), source="s")


def test_a_broken_catalogue_is_an_error_that_names_it(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.append(minutes(5), source="s")
    (tmp_path / "catalogue.duckdb").write_bytes(b"not a database" * 400)
    with pytest.raises(DataProviderError, match="catalogue"):
        store.list()


def test_a_folder_that_cannot_be_made_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be made"):
        ParquetStore(tmp_path / "file" / "store").append(minutes(5), source="s")


def test_reading_makes_nothing(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "none")
    assert store.list() == ()
    assert store.quarantine() == ()
    assert not (tmp_path / "none").exists()


def test_a_failed_write_leaves_no_files(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.append(minutes(50, ("AAA", "BBB")), source="s")
    files = set(tmp_path.rglob("*.parquet*"))
    changed = replace(minutes(60, ("CCC", "BBB")), close=minutes(60, ("CCC", "BBB")).close + 0.25)
    with pytest.raises(InconsistentDataError):
        store.append(changed, source="s")
    assert set(tmp_path.rglob("*.parquet*")) == files
    assert [info.key.symbol for info in store.list()] == ["AAA", "BBB"]


_WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_parquet_store import minutes
from tradewright.data.store.parquet import ParquetStore
import duckdb
duckdb.connect().close()
store = ParquetStore(sys.argv[1])
which, count = int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
{body}
"""


def _start(folder: Path, which: int, count: int, body: str) -> subprocess.Popen[str]:
    code = _WRITER.format(tests=str(Path(__file__).parent), body=body)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(which), str(count)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_the_old_or_the_new_state(tmp_path: Path) -> None:
    """Writers that add ten bars to three series at a time (and compact) are killed; no write is there in part."""
    random_ = random.Random(3)
    body = (
        "n = store.list()[0].n_bars if store.list() else 0\n"
        "while True:\n"
        "    store.append(minutes(10, ('AAA', 'BBB', 'CCC'), first=n), source='s')\n"
        "    n += 10\n"
        "    if n % 70 == 0: store.compact()\n"
    )
    seen = 0
    for attempt in range(80):
        if attempt >= 25 and seen > 100:
            break
        process = _start(tmp_path, 0, 0, body)
        # On a busy machine a writer needs longer to come to anything.
        time.sleep(random_.random() * (0.35 + 0.02 * attempt))
        process.send_signal(signal.SIGKILL)
        process.wait()
        store = ParquetStore(tmp_path)
        infos = store.list()
        counts = {info.n_bars for info in infos}
        assert len(counts) <= 1, "the series of one write differ in length"
        n = counts.pop() if counts else 0
        assert n % 10 == 0
        assert n >= seen, "bars that were there are gone"
        seen = n
        if n:
            assert (
                store.read(["AAA", "BBB", "CCC"], "1min").data_hash() == minutes(n, ("AAA", "BBB", "CCC")).data_hash()
            )
    assert seen > 100, "the writers were killed before they did anything; the test shows nothing"
    store.append(minutes(10, ("AAA", "BBB", "CCC"), first=seen), source="s")
    assert store.verify() == (), "a writer that came later did not sweep what the dead ones left"
    assert not list((tmp_path / "pending").iterdir())
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.slow
def test_several_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    """Four writers to one series and one of their own each, while this process reads and compacts."""
    rounds = 15
    body = (
        "for i in range(count):\n"
        "    store.append(minutes(1, ('SHARED',), first=4 * i + which), source='s')\n"
        "    store.append(minutes(2, (f'OWN{which}',), first=2 * i), source='s')\n"
    )
    writers = [_start(tmp_path, which, rounds, body) for which in range(4)]
    reader = ParquetStore(tmp_path)
    looks = 0
    while any(writer.poll() is None for writer in writers):
        if reader.list(["SHARED"]):
            bars = reader.read(["SHARED"], "1min")
            whole = minutes(4 * rounds, ("SHARED",))
            assert np.isin(bars.ts, whole.ts).all()
            assert np.array_equal(bars.close, whole.close[np.searchsorted(whole.ts, bars.ts)])
            looks += 1
            if looks % 3 == 0:
                reader.compact(["SHARED"])
    assert [writer.wait() for writer in writers] == [0] * 4
    assert looks > 3
    assert reader.read(["SHARED"], "1min").data_hash() == minutes(4 * rounds, ("SHARED",)).data_hash()
    for which in range(4):
        name = f"OWN{which}"
        assert reader.read([name], "1min").data_hash() == minutes(2 * rounds, (name,)).data_hash()
    assert reader.verify() == ()


def test_a_store_in_use_is_an_error_that_says_so_after_a_while(tmp_path: Path) -> None:
    ParquetStore(tmp_path).append(minutes(5), source="s")
    body = "with store._catalogue.writing():\n    print('locked', flush=True)\n    sys.stdin.readline()\n"
    code = _WRITER.format(tests=str(Path(__file__).parent), body=body)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), "0", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    assert process.stdout.readline().strip() == "locked"
    with pytest.raises(DataProviderError, match="in use by another process"):
        ParquetStore(tmp_path, timeout=0.3).append(minutes(6), source="s")
    process.communicate("\n")
    assert ParquetStore(tmp_path).append(minutes(6), source="s")[0].added == 1


def test_threads_share_a_store(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    store = ParquetStore(tmp_path)
    names = [f"T{i}" for i in range(8)]

    def work(name: str) -> str:
        for i in range(3):
            store.append(minutes(20, (name,), first=20 * i), source="s")
        return store.read([name], "1min").data_hash()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, names)) == [minutes(60, (name,)).data_hash() for name in names]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_slices_of_a_set_larger_than_the_memory_given(tmp_path: Path) -> None:
    """Twelve series of 350,000 minutes are 168 MB of numbers; reading them in slices takes less than half of that."""
    store = ParquetStore(tmp_path)
    names = tuple(f"S{i:02}" for i in range(12))
    for name in names:
        store.append(minutes(350_000, (name,)), source="s")
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_parquet_store import minutes
from tradewright.data.store.parquet import ParquetStore
def high_water():
    lines = open("/proc/self/status").read().split("\\n")
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
store = ParquetStore({str(tmp_path)!r})
names = {names!r}
for part in store.slices(names[:1], "1min", rows=100, end=int(minutes(200).ts[-1])):  # warm up what is loaded once
    pass
before = high_water()
rows, total = 0, 0.0
for part in store.slices(names, "1min", rows=5_000):
    assert part.n_bars <= 5_000
    rows += part.n_bars
    total += float(part.close.sum())
after = high_water()
whole = store.read(names, "1min").n_bars
print(rows, total, after - before, high_water() - before)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    whole = store.read(names, "1min")
    numbers = sum(getattr(whole, field).nbytes for field in ("open", "high", "low", "close", "volume"))
    assert int(out[0]) == 350_000
    assert float(out[1]) == pytest.approx(float(whole.close.sum()), rel=1e-12)
    grown, whole_grown = int(out[2]) * 1024, int(out[3]) * 1024
    assert whole_grown > numbers, "the meter does not see what a whole read takes, so it shows nothing"
    assert grown < numbers / 2, f"slices of 5,000 rows took {grown / 1e6:.0f} MB for {numbers / 1e6:.0f} MB of numbers"


@pytest.mark.shared_data
def test_the_files_of_15_minutes_come_back_bit_by_bit_and_fast(tmp_path: Path, shared_data: Path) -> None:
    from tradewright.data import load

    bars = load(data=shared_data / "nolicence" / "us_15min_2025_2026")
    names = bars.symbols[:46]
    bars = bars.select(names)
    ParquetStore(tmp_path).append(bars, source="vendor")
    store = ParquetStore(tmp_path)
    store.read(names, "15min")
    times = []
    for _ in range(3):
        start = time.perf_counter()
        back = store.read(names, "15min")
        times.append(time.perf_counter() - start)
    assert back.data_hash() == bars.data_hash()
    assert min(times) < 0.5


def test_a_walk_with_a_symbol_that_is_no_file_name_stays_inside_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    store = ParquetStore(inside)
    for symbol in ("../../escape", "..", "/etc/passwd", "con", "a\\b", "x" * 400):
        bars = replace(walk_bars(5), instruments=(Instrument(symbol),))
        store.append(bars, source="../up")
        assert store.read([symbol], "1d").n_bars == 5
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
