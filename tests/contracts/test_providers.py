"""The shipped providers sit the exam that a user's own provider sits."""

from __future__ import annotations

from tradewright.data.providers import make
from tradewright.testing import check_provider, walk_bars


def test_the_sample_provider_passes() -> None:
    check_provider(make("sample"), "SPX")


def test_the_memory_provider_passes() -> None:
    from tradewright.data.providers.memory import MemoryProvider

    check_provider(MemoryProvider(walk_bars(30)), "WALK")
