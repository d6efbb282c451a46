"""The shipped stores sit the exam that a user's own store sits."""

from __future__ import annotations

from tradewright.data.store.memory import MemoryStore
from tradewright.testing import check_store


def test_the_store_in_memory_passes() -> None:
    check_store(MemoryStore())
