"""The shipped stores sit the exam that a user's own store sits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewright.data.store.memory import MemoryStore
from tradewright.data.store.parquet import ParquetStore
from tradewright.domain.bars import Bars
from tradewright.testing import check_store


def test_the_store_in_memory_passes() -> None:
    check_store(MemoryStore())


def test_the_store_in_a_folder_passes(tmp_path: Path) -> None:
    check_store(ParquetStore(tmp_path), reopen=lambda: ParquetStore(tmp_path))


def test_the_exam_fails_a_store_that_forgets_what_was_known() -> None:
    class Forgetful(MemoryStore):
        def read(self, *args: object, **options: object) -> Bars:
            options.pop("as_of", None)
            return super().read(*args, **options)  # type: ignore[arg-type]

    with pytest.raises(AssertionError, match="second write"):
        check_store(Forgetful())


def test_the_exam_fails_a_store_that_lets_bars_change() -> None:
    class Yielding(MemoryStore):
        def append(self, bars: Bars, **options: object) -> object:  # type: ignore[override]
            options["restate"] = True
            return super().append(bars, **options)  # type: ignore[arg-type]

    with pytest.raises(AssertionError, match="took a changed bar"):
        check_store(Yielding())
