"""The exams that every plug-in sits, shipped so that a user's own sits the same.

Entry points: `check_strategy`, `check_rule`, `check_indicator`, `check_feature`, `check_labels`, `check_splitter`,
`check_provider`, `check_store`, `check_book`; `walk_bars` makes bars and `book_feed` makes feeds of order books to
examine on. `planted_leaks` and `clean_controls` are leaks of every kind and their causal twins, to examine examiners.

Each exam returns nothing and raises AssertionError with a sentence that names the fact that does not hold.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.testing.books import book_feed, check_book, feed_lines, spread_bars
    from tradewright.testing.controls import clean_controls
    from tradewright.testing.features import check_feature
    from tradewright.testing.indicators import check_indicator
    from tradewright.testing.labels import check_labels
    from tradewright.testing.leaks import planted_leaks
    from tradewright.testing.market import walk_bars
    from tradewright.testing.providers import check_provider
    from tradewright.testing.rules import check_rule
    from tradewright.testing.splitters import check_splitter
    from tradewright.testing.stores import check_store
    from tradewright.testing.strategies import check_strategy

__all__ = [
    "book_feed",
    "check_book",
    "check_feature",
    "check_indicator",
    "check_labels",
    "check_provider",
    "check_rule",
    "check_splitter",
    "check_store",
    "check_strategy",
    "clean_controls",
    "feed_lines",
    "planted_leaks",
    "spread_bars",
    "walk_bars",
]

_HOME = {
    "book_feed": "books",
    "check_book": "books",
    "clean_controls": "controls",
    "feed_lines": "books",
    "planted_leaks": "leaks",
    "spread_bars": "books",
    "check_feature": "features",
    "check_indicator": "indicators",
    "check_labels": "labels",
    "check_provider": "providers",
    "check_splitter": "splitters",
    "check_store": "stores",
    "check_rule": "rules",
    "check_strategy": "strategies",
    "walk_bars": "market",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
