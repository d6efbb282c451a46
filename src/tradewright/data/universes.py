"""Lists of symbols with a name, so that nobody types 46 of them.

Entry points: `UNIVERSES`, `expand`.

Wherever symbols are written, ``@NAME`` stands for a list: ``--symbols @us_5``, ``tw.load("@us_46", data="prices/")``,
and ``data.symbols: ["@mine"]`` with a list of your own under ``data.universes``.

Invariants: a list is a list of names only; whether a source has them is for the source to say. All of them were chosen
with today's knowledge, and results over several symbols say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from ..domain.errors import InputError, closest

__all__ = ["UNIVERSES", "expand"]

UNIVERSES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        # Two index funds, six large shares and two coins: every asset class a first test should meet.
        "mixed_10": ("SPY", "QQQ", "AAPL", "MSFT", "NVDA", "GOOGL", "TSLA", "AMZN", "BTC-USD", "ETH-USD"),
        "us_46": (
            "AAPL",
            "ADBE",
            "AFRM",
            "AMD",
            "AMZN",
            "ARM",
            "AVGO",
            "BA",
            "BABA",
            "BAC",
            "C",
            "CAT",
            "COIN",
            "COST",
            "CRM",
            "CVX",
            "DASH",
            "GE",
            "GOOG",
            "GS",
            "HAL",
            "HOOD",
            "INTC",
            "JPM",
            "LMT",
            "LULU",
            "META",
            "MRNA",
            "MS",
            "MSFT",
            "NFLX",
            "NKE",
            "NVDA",
            "ORCL",
            "OXY",
            "PANW",
            "PLTR",
            "PYPL",
            "RTX",
            "SHOP",
            "SLB",
            "TGT",
            "TSLA",
            "UBER",
            "WMT",
            "XOM",
        ),
        "us_5": ("AAPL", "MSFT", "GOOGL", "SPY", "QQQ"),
    }
)
"""Lists that come with the package, by name."""


def expand(symbols: Iterable[str], own: Mapping[str, Iterable[str]] | None = None) -> list[str]:
    """Symbols with every ``@NAME`` replaced by its list, each symbol once.

    Parameters
    ----------
    symbols : iterable of str
    own : mapping of str to iterable of str, optional
        Further lists; they win over those of the package.

    Returns
    -------
    list of str
        In the order given.

    Raises
    ------
    InputError
        If there is no list of a name; the message gives the nearest.

    Examples
    --------
    >>> expand(["@us_5", "TLT", "SPY"])
    ['AAPL', 'MSFT', 'GOOGL', 'SPY', 'QQQ', 'TLT']
    >>> expand(["@mine"], {"mine": ["SPX", "IXIC"]})
    ['SPX', 'IXIC']
    """
    known = {**UNIVERSES, **(own or {})}
    out: dict[str, None] = {}
    for symbol in symbols:
        if not symbol.startswith("@"):
            out[symbol] = None
            continue
        name = symbol[1:]
        if name not in known:
            near = closest(name, known) or "."
            raise InputError(f"There is no universe {symbol!r}{near} Known: {', '.join('@' + key for key in known)}.")
        out.update(dict.fromkeys(known[name]))
    return list(out)
