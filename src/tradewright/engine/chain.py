"""An append-only file whose rows are chained by hashes, for several processes at once.

Entry points: `ChainFile`, `ChainCheck`, `ChainRow`.

One row is one line of JSON. It begins with its number (``seq``), the hash of the row before (``prev``) and the time,
and ends with its own hash: SHA-256 over the bytes of the line without that last field. Beside the file lies its head
(``.head``): number and hash of the newest row, the length of the file and the count of what it holds. The head is the
lock of writers, spares them reading the file, and shows when rows were cut off the end, which a chain cannot.

Invariants: rows are written whole, under the lock, in one call; a row that `append` returned from survives the end of
the process (not the loss of power, which may take the last rows and is seen as such). Half a row at the end, left by a
writer that was killed, is cut off by the next one, and the file says so in a row of its own. Rows are never changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from tradewright.domain.errors import ConfigError, DataError

__all__ = ["ChainCheck", "ChainFile", "ChainRow"]

FIRST_HASH: Final = "0" * 64
_MARK: Final = b',"hash":"'
_TAIL: Final = len(_MARK) + 64 + len(b'"}')
_HEAD_BYTES: Final = 192
_CHUNK: Final = 1 << 20


class ChainRow(NamedTuple):
    """One row: its number, its hash, and what it says."""

    seq: int
    hash: str
    body: dict[str, Any]


class _Head(NamedTuple):
    seq: int = -1
    hash: str = FIRST_HASH
    end: int = 0
    n: int = 0


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What a walk along the chain found.

    Parameters
    ----------
    n_rows : int
        Whole rows in the file.
    n : int
        What the rows count (their ``n``) together.
    head : str
        Hash of the newest row; whoever keeps it can show later that nothing before it was changed.
    problems : tuple of str
        Rows that were changed, removed, put elsewhere or added by hand; empty when the chain holds.
    repaired : tuple of str
        Half a row that a killed writer left, and what was done about it.
    """

    n_rows: int
    n: int
    head: str
    problems: tuple[str, ...] = field(default=())
    repaired: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether the chain holds."""
        return not self.problems


class ChainFile:
    """A chained file.

    Parameters
    ----------
    path : Path
        Made, with its folder, by the first `append`.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> chain = ChainFile(Path(folder.name) / "rows.jsonl")
    >>> chain.append([{"n": 1, "word": "one"}, {"n": 2, "word": "two"}])
    1
    >>> chain.verify().ok, [row.body["word"] for row in chain.rows()]
    (True, ['one', 'two'])
    >>> text = chain.path.read_text()
    >>> _ = chain.path.write_text(text.replace('"one"', '"ten"'))
    >>> chain.verify().problems
    ('row 0 was changed: its hash does not fit its text',)
    >>> chain.close()
    >>> folder.cleanup()
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.head_path = path.with_name(path.name + ".head")
        self._thread_lock = threading.RLock()
        self._log = self._lock = -1
        self._owner = (-1, -1, -1)

    # --- writing ----------------------------------------------------------------------------------

    def append(self, bodies: Sequence[Mapping[str, Any]]) -> int:
        """Write rows and return the number of the last.

        Parameters
        ----------
        bodies : sequence of mapping
            Plain values; ``n`` is what a row counts (default 1). The names ``seq``, ``prev``, ``time`` and ``hash``
            belong to the chain.

        Raises
        ------
        ConfigError
            If the file cannot be written.
        """
        with self._thread_lock, self._locked():
            head, notes, _ = self._settled(repair=True)
            stamp = _now()
            payload: list[bytes] = []
            seq, last, n = head.seq, head.hash, head.n
            for body in [*notes, *bodies]:
                seq += 1
                line, last = _line(seq, last, stamp, body)
                payload.append(line)
                n += int(body.get("n", 1))
            content = b"".join(payload)
            self._write(content, _Head(seq, last, head.end + len(content), n))
            return seq

    def _write(self, content: bytes, head: _Head) -> None:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(self._log, view) :]
            _write_head(self._lock, _head_bytes(head))
        except OSError as error:
            raise _unwritable(self.path, error) from error

    # --- reading ----------------------------------------------------------------------------------

    def rows(self, start: int = 0) -> Iterator[ChainRow]:
        """Whole rows from byte `start` on, in the order of the file; lines that are no rows are left out."""
        for line, _ in self._lines(start):
            row = _parsed(line)
            if row is not None:
                yield row

    def rows_from(self, start: int) -> tuple[list[ChainRow], int]:
        """Whole rows from byte `start` on, and the byte after the last of them."""
        found: list[ChainRow] = []
        last = start
        for line, end in self._lines(start):
            last = end
            row = _parsed(line)
            if row is not None:
                found.append(row)
        return found, last

    def state(self) -> tuple[int, int]:
        """Identity and length of the file, by which a reader sees whether it has to read again; (0, 0) without one."""
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0
        return found.st_ino, found.st_size

    def verify(self, *, repair: bool = True) -> ChainCheck:
        """Walk along the whole chain.

        Parameters
        ----------
        repair : bool
            Cut off half a row at the end and note it in the file; False only reports it.

        Returns
        -------
        ChainCheck

        Raises
        ------
        DataError
            If there is no such file.
        ConfigError
            If it has to be repaired and cannot be written.
        """
        if not self.path.exists() and not self.head_path.exists():
            raise DataError(f"There is no file {str(self.path)!r} yet; it begins with the first trial.")
        if not repair:
            return self._walk([])
        with self._thread_lock, self._locked():
            head, notes, told = self._settled(repair=True)
            if notes:
                seq, last, n, payload = head.seq, head.hash, head.n, b""
                for body in notes:
                    seq += 1
                    line, last = _line(seq, last, _now(), body)
                    payload += line
                self._write(payload, _Head(seq, last, head.end + len(payload), n))
            return self._walk(told)

    def _walk(self, told: list[str]) -> ChainCheck:
        problems: list[str] = []
        head = self._read_head()
        last, expected = FIRST_HASH, 0
        count = total = 0
        whole = 0
        seen: set[int] = set()
        for number, (line, end) in enumerate(self._lines(0)):
            whole = end
            row = _parsed(line)
            if row is None:
                problems.append(f"line {number + 1} is no row of this file: it was added or changed by hand")
                continue
            count += 1
            total += int(row.body.get("n", 1))
            if hashlib.sha256(line[:-_TAIL] + b"}").hexdigest() != row.hash:
                problems.append(f"row {row.seq} was changed: its hash does not fit its text")
            if row.seq != expected:
                problems.append(_misplaced(row.seq, expected, seen))
            elif row.body["prev"] != last:
                problems.append(f"row {row.seq} does not follow the row before it: one of the two was replaced")
            if row.body.get("kind") == "note" and row.body.get("event") == "rows missing":
                problems.append(str(row.body.get("text", "rows are missing")))
            seen.add(row.seq)
            last, expected = row.hash, row.seq + 1
        size = self.state()[1]
        if size > whole:
            told = [*told, f"the last line is half a row ({size - whole} bytes); a writer was killed"]
        if head is None:
            if count:
                problems.append(f"the head {self.head_path.name!r} is missing, so rows cut off the end would not show")
        elif head.seq >= expected:
            gone = f"row {expected} is" if head.seq == expected else f"rows {expected} to {head.seq} are"
            problems.append(f"{gone} missing at the end: the head knows of them")
        return ChainCheck(count, total, last, tuple(problems), tuple(told))

    # --- private ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the files; the next `append` opens them again."""
        for handle in (self._log, self._lock):
            if handle >= 0 and self._owner[0] == os.getpid():
                os.close(handle)
        self._log = self._lock = -1
        self._owner = (-1, -1, -1)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._open()
            _acquire(self._lock)
            while not self._current():  # the file was replaced while this process waited
                _release(self._lock)
                self.close()
                self._open()
                _acquire(self._lock)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        try:
            yield
        finally:
            _release(self._lock)

    def _open(self) -> None:
        # After a fork the parent's handles would share its lock, so a child opens its own.
        if self._log >= 0 and self._owner[0] == os.getpid():
            return  # whether the file was replaced is seen under the lock
        if self._owner[0] == os.getpid():
            self.close()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
            self._lock = os.open(self.head_path, flags, 0o644)
            self._log = os.open(self.path, flags | os.O_APPEND, 0o644)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._owner = (os.getpid(), os.fstat(self._log).st_ino, os.fstat(self._lock).st_ino)

    def _current(self) -> bool:
        try:
            return self._owner == (os.getpid(), self.path.stat().st_ino, self.head_path.stat().st_ino)
        except OSError:
            return False

    def _read_head(self) -> _Head | None:
        try:
            content = self.head_path.read_bytes()
        except OSError:
            return None
        return _head_of(content)

    def _settled(self, *, repair: bool) -> tuple[_Head, list[dict[str, Any]], list[str]]:
        """Where the next row goes, what has to be noted before it, and what was repaired; under the lock."""
        head = _head_of(_read_head_bytes(self._lock))
        size = os.fstat(self._log).st_size
        if head is not None and head.end == size:
            return head, [], []
        notes: list[dict[str, Any]] = []
        told: list[str] = []
        known = head if head is not None and head.end < size else None
        found = _Head() if known is None else known
        for line, end in self._lines(found.end):
            row = _parsed(line)
            if row is None:
                found = found._replace(end=end)
            else:
                found = _Head(row.seq, row.hash, end, found.n + int(row.body.get("n", 1)))
        torn = size - found.end
        if torn and repair:
            os.ftruncate(self._log, found.end)
            told.append(f"half a row at the end ({torn} bytes, left by a killed writer) was cut off")
            notes.append({"n": 0, "kind": "note", "event": "torn row", "bytes": torn, "text": told[-1]})
        if head is None and found.seq >= 0:
            text = f"the head was missing when row {found.seq + 1} was written; rows cut off before would not show"
            notes.append({"n": 0, "kind": "note", "event": "head missing", "text": text})
        elif head is not None and head.seq > found.seq:
            lost = max(0, head.n - found.n)
            if torn and head.seq == found.seq + 1:  # the row was whole for its writer, and torn by a loss of power
                told.append(f"row {head.seq} is lost with it ({lost} trials, which still count)")
                event = "row lost"
            else:
                event = "rows missing"
            which = f"row {head.seq}" if head.seq == found.seq + 1 else f"rows {found.seq + 1} to {head.seq}"
            text = f"{which} went missing from the end ({lost} trials): cut off, or lost with the power"
            notes.append({"n": lost, "kind": "note", "event": event, "lost": lost, "was": head.hash, "text": text})
        return found, notes, told

    def _lines(self, start: int) -> Iterator[tuple[bytes, int]]:
        """Whole lines (without the line feed) from byte `start` on, each with the byte after it."""
        try:
            file = self.path.open("rb")
        except OSError:
            return
        with file:
            file.seek(start)
            at = start
            rest: list[bytes] = []
            while chunk := file.read(_CHUNK):
                parts = chunk.split(b"\n")
                rest.append(parts[0])
                for part in parts[1:]:
                    line = b"".join(rest)
                    at += len(line) + 1
                    yield line, at
                    rest = [part]


def _line(seq: int, prev: str, stamp: str, body: Mapping[str, Any]) -> tuple[bytes, str]:
    """Bytes of a row with its line feed, and its hash."""
    text = orjson.dumps({"seq": seq, "prev": prev, "time": stamp, **body})
    digest = hashlib.sha256(text).hexdigest()
    return b'%b%b%b"}\n' % (text[:-1], _MARK, digest.encode()), digest


def _parsed(line: bytes) -> ChainRow | None:
    if line[-_TAIL : -_TAIL + len(_MARK)] != _MARK:
        return None
    try:
        body = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("seq"), int) or not isinstance(body.get("prev"), str):
        return None
    return ChainRow(body["seq"], body["hash"], body)


def _misplaced(seq: int, expected: int, seen: set[int]) -> str:
    if seq in seen:
        return f"row {seq} stands twice, or after its place"
    if seq > expected:
        gone = f"row {expected} is" if seq == expected + 1 else f"rows {expected} to {seq - 1} are"
        return f"{gone} missing before row {seq}: removed, or moved"
    return f"row {seq} stands after its place: rows were moved"


def _read_head_bytes(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    return os.read(handle, _HEAD_BYTES)


def _write_head(handle: int, content: bytes) -> None:
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, content)


def _head_bytes(head: _Head) -> bytes:
    return orjson.dumps(head._asdict()).ljust(_HEAD_BYTES - 1) + b"\n"


def _head_of(content: bytes) -> _Head | None:
    try:
        found = orjson.loads(content)
        return _Head(int(found["seq"]), str(found["hash"]), int(found["end"]), int(found["n"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def _now() -> str:
    seconds = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06d}Z"


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{str(path)!r} cannot be written ({error.strerror or error}); choose another file with TRADEWRIGHT_TRIALS, or "
        "TRADEWRIGHT_TRIALS=off to count nothing (results then say so)."
    )


try:
    import fcntl

    def _acquire(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)

    def _release(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)

except ImportError:  # Windows: the byte behind the head stands for all of it
    import msvcrt

    _acquired: Final = _HEAD_BYTES

    def _acquire(handle: int) -> None:
        while True:
            os.lseek(handle, _acquired, os.SEEK_SET)
            try:
                msvcrt.locking(handle, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]
                return
            except OSError:
                time.sleep(0.01)

    def _release(handle: int) -> None:
        os.lseek(handle, _acquired, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
