"""Finished parts of a sweep on disk, so that a killed sweep goes on where it was.

Entry point: `PartFile`.

Invariants: the file only grows; a part counts only when it is whole (length and checksum); a file of another sweep
(other data, settings, strategy, grid or engine) is refused, never mixed in. A torn tail, as a kill leaves it, is cut
off.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from tradewright.domain.errors import ConfigError
from tradewright.engine.record import writing

__all__ = ["PartFile"]

_MAGIC: Final = b"tradewright.sweep/1 "
_HEAD: Final = struct.Struct("<qqI")  # first set, number of sets, checksum of the numbers
_SYNC_SECONDS: Final = 0.25


class PartFile:
    """An append-only file of metric rows.

    Parameters
    ----------
    path : Path
        Made if it is not there.
    key : str
        Hash of everything that decides the numbers.
    width : int
        Numbers per set.

    Raises
    ------
    ConfigError
        If the file belongs to another sweep, or is no sweep file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with PartFile(Path(folder) / "s.part", "k", 2) as parts:
    ...         parts.append(0, np.array([[1.0, 2.0]]))
    ...     with PartFile(Path(folder) / "s.part", "k", 2) as parts:
    ...         found = [(first, rows.tolist()) for first, rows in parts.done]
    >>> found
    [(0, [[1.0, 2.0]])]
    """

    def __init__(self, path: Path, key: str, width: int) -> None:
        self.path = path
        self.done: list[tuple[int, np.ndarray[Any, np.dtype[np.float64]]]] = []
        self._width = width
        header = _MAGIC + key.encode() + b"\n"
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            end = self._read(header) if path.exists() and path.stat().st_size else 0
            self._file: BinaryIO = path.open("r+b" if end else "wb")
        self._file.truncate(end)
        self._file.seek(end)
        if not end:
            self._file.write(header)
            self._sync()
        self._synced = time.monotonic()

    def append(self, first: int, rows: np.ndarray[Any, np.dtype[np.float64]]) -> None:
        """Add finished sets ``first .. first + len(rows) - 1``.

        The part is with the operating system when this returns, so it survives the death of the process; the disk is
        forced at most four times a second, which bounds what a power cut can take.
        """
        content = np.ascontiguousarray(rows, dtype="<f8").tobytes()
        self._file.write(_HEAD.pack(first, len(rows), zlib.crc32(content)) + content)
        self._file.flush()
        if time.monotonic() - self._synced >= _SYNC_SECONDS:
            self._sync()

    def close(self) -> None:
        """Force everything to disk and let go of the file."""
        if not self._file.closed:
            self._sync()
            self._file.close()

    def __enter__(self) -> PartFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def _read(self, header: bytes) -> int:
        """Read whole parts; return where the next one goes (0: nothing usable, start anew)."""
        content = self.path.read_bytes()
        if not content.startswith(_MAGIC[: len(content)]):
            raise ConfigError(f"{str(self.path)!r} is not a sweep file; choose another --resume path.")
        if b"\n" not in content:
            return 0  # killed while the header was being written
        if not content.startswith(header):
            raise ConfigError(
                f"{str(self.path)!r} belongs to another sweep (data, settings, strategy, grid or engine differ); "
                "choose another "
                "--resume path, or delete it to start anew."
            )
        at = len(header)
        while at + _HEAD.size <= len(content):
            first, count, checksum = _HEAD.unpack_from(content, at)
            start, size = at + _HEAD.size, count * self._width * 8
            block = content[start : start + size]
            if first < 0 or count <= 0 or len(block) < size or zlib.crc32(block) != checksum:
                break
            rows = np.frombuffer(block, dtype="<f8").reshape(count, self._width).astype(np.float64)
            self.done.append((first, rows))
            at = start + size
        return at
