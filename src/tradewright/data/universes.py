"""Lists of symbols with a name, so that nobody types 46 of them, and tables of members with their dates.

Entry points: `UNIVERSES`, `expand`, `resolve`.

Wherever symbols are written, ``@NAME`` stands for a list: ``--symbols @us_5``, ``tw.load("@us_46", data="prices/")``,
and ``data.symbols: ["@mine"]`` with a list of your own under ``data.universes``. ``@PATH`` is a table of members
(`tradewright.data.membership`), and so is a name under ``data.universes`` that has a path.

Invariants: a list is a list of names only; whether a source has them is for the source to say. Lists were chosen with
today's knowledge, and results say so; only a table with dates is point-in-time. All who ever were members of it are
loaded, also those that were delisted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ..domain.errors import InputError, closest

if TYPE_CHECKING:
    from ..domain.bars import Instant
    from .membership import Membership

__all__ = ["NO_HISTORY", "UNIVERSES", "expand", "note_of_lists", "resolve"]

NO_HISTORY: Final = "not point-in-time"
"""What results say of instruments that were chosen with today's knowledge."""

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


def expand(
    symbols: Iterable[str], own: Mapping[str, Iterable[str]] | None = None, *, keep_tables: bool = False
) -> list[str]:
    """Symbols with every ``@NAME`` replaced by its list, each symbol once.

    Parameters
    ----------
    symbols : iterable of str
    own : mapping of str to iterable of str, optional
        Further lists; they win over those of the package. One whose only entry is a path is a table.
    keep_tables : bool
        Leave ``@PATH`` for `resolve`; otherwise all who ever were members stand in its place.

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
    >>> expand(["@sp", "SPY"], {"sp": ["members/sp.csv"]}, keep_tables=True)
    ['@members/sp.csv', 'SPY']
    """
    from .membership import Membership, is_table

    known = {**UNIVERSES, **(own or {})}
    out: dict[str, None] = {}
    for symbol in symbols:
        if not symbol.startswith("@"):
            out[symbol] = None
            continue
        name = symbol[1:]
        entries = list(known[name]) if name in known else []
        table = entries[0] if len(entries) == 1 and is_table(entries[0]) else name
        if name in known and table == name:
            out.update(dict.fromkeys(entries))
        elif not is_table(table):
            if "/" in name or "." in name:
                raise InputError(
                    f"{name!r} is no table of members; its file must end in .csv, .parquet, .yaml or .json."
                )
            near = closest(name, known) or "."
            raise InputError(
                f"There is no universe {symbol!r}{near} Known: {', '.join('@' + key for key in known)}; a table of "
                "members is @path/to/table.csv."
            )
        elif keep_tables:
            out[f"@{table}"] = None
        else:
            out.update(dict.fromkeys(Membership.read(table).symbols))
    return list(out)


def resolve(
    symbols: Iterable[str] | None,
    universe: Any = None,
    *,
    start: Instant | None = None,
    end: Instant | None = None,
) -> tuple[list[str] | None, Membership | None]:
    """Symbols to load, and the universe with dates that they belong to.

    Parameters
    ----------
    symbols : iterable of str or None
        As they were written; of an ``@PATH`` all who were members at any time of the range are loaded.
    universe : Membership, path, or anything `Membership.of` takes, optional
        Given without symbols, its members are loaded; with symbols, just those are.
    start, end : date or ISO text, optional
        Range, both included.

    Raises
    ------
    InputError
        If two tables are given, or nobody was a member in the range.

    Examples
    --------
    >>> rows = [("AAA", "2020-01-02", "2020-06-30"), ("BBB", "2021-01-04", None)]
    >>> wanted, table = resolve(None, rows, end="2020-12-31")
    >>> wanted, table.dated
    (['AAA'], True)
    """
    from .membership import Membership

    found = None if universe is None else Membership.of(universe)
    parts = None if symbols is None else expand(symbols, keep_tables=True)
    tables = [part for part in parts or () if part.startswith("@")]
    if len(tables) > 1 or (tables and found is not None):
        raise InputError(
            f"Two universes are given, {', '.join(tables)}{'' if found is None else ' and ' + found.name}; a run has "
            "one. Join the tables, or keep one."
        )
    if tables:
        found = Membership.read(tables[0][1:])
    if found is None or (parts is not None and not tables):
        return parts, found
    members = found.between(start, end)
    if not members:
        raise InputError(
            f"Nobody was a member of {found.name} from {start or 'the start'} to {end or 'the end'}; its stays are "
            f"{'; '.join(map(str, found.stays[:4]))}{'; ...' if len(found.stays) > 4 else ''}."
        )
    out: dict[str, None] = {}
    for part in parts if parts is not None else ["@"]:
        out.update(dict.fromkeys(members if part.startswith("@") else [part]))
    return list(out), found


def note_of_lists(symbols: Iterable[str] | None) -> str:
    """Note for the provenance where lists without history were asked for, empty where none was.

    Examples
    --------
    >>> note_of_lists(["@us_5", "TLT"])
    "not point-in-time: @us_5 is a list without history, chosen with today's knowledge"
    >>> note_of_lists(["TLT"])
    ''
    """
    from .membership import is_table

    lists = [symbol for symbol in symbols or () if symbol.startswith("@") and not is_table(symbol)]
    if not lists:
        return ""
    many = len(lists) > 1
    return (
        f"{NO_HISTORY}: {', '.join(lists)} {'are lists' if many else 'is a list'} without history, chosen with today's "
        "knowledge"
    )
