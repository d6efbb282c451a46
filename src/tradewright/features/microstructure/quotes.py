"""A rebuilt book beside the venue's own best bid and offer.

Entry point: `compare_quotes`.

Invariants: nothing is compared by the time of arrival, for the two streams race each other; both carry the numbers of
the same updates, and those align them exactly.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.kernel import core

if TYPE_CHECKING:
    from tradewright.domain.depth import Quotes

    from .book import Replay

__all__ = ["ALIGNMENT", "QuoteComparison", "compare_quotes"]

ALIGNMENT: Final = (
    "by update id: after each difference that was applied, the book holds every update up to the difference's last id; "
    "it is compared with the quote of the highest id not above that one (price and size of both sides, as integers)"
)
_FIELDS: Final = ("bid", "bid_size", "ask", "ask_size")


@dataclass(frozen=True, slots=True)
class QuoteComparison:
    """How often a rebuilt book and the venue's best bid and offer agree.

    Parameters
    ----------
    compared : int
        Books compared, one per applied difference that a quote precedes.
    equal, different : int
        Books of which all four numbers agree; of which one does not.
    same_id : int
        Of those compared, how many quotes carry the very id of the difference.
    quotes_used : int
        Quotes that took part, each counted once.
    quotes_within : int
        Quotes that took no part: another came before the difference that holds them was over, so that no book is known
        at their very update (or they came before the book began).
    touch_changes : int
        How often the four numbers changed from one comparison to the next: with 0 nothing would be shown.
    confirmed_complete : int
        Comparisons after which a quote of a higher id came, so that none between can be missing at the end.
    not_compared : int
        Applied differences before the first quote.
    by_field : dict of str to int
        Differences of each number.
    first_differences : tuple of dict
        The first five.
    alignment : str
    """

    compared: int
    equal: int
    different: int
    same_id: int
    quotes_used: int
    quotes_within: int
    touch_changes: int
    confirmed_complete: int
    not_compared: int
    by_field: dict[str, int]
    first_differences: tuple[dict[str, Any], ...]
    alignment: str = ALIGNMENT

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "first_differences": list(self.first_differences)}


def compare_quotes(replay: Replay, quotes: Quotes) -> QuoteComparison:
    """Compare a replayed book with the best bid and offer that the venue sent.

    Parameters
    ----------
    replay : Replay
    quotes : Quotes
        Of the same venue, instrument and units.

    Returns
    -------
    QuoteComparison

    Examples
    --------
    >>> from tradewright.domain.depth import DepthEvent, DepthEvents, Quotes
    >>> from tradewright.features.microstructure.book import replay
    >>> events = DepthEvents.of([
    ...     DepthEvent(True, np.array([99, 101]), np.array([5, 6]), 1, ts=1, last_id=7),
    ...     DepthEvent(False, np.array([99]), np.array([4]), 1, ts=2, last_id=9)], price_decimals=0, size_decimals=0)
    >>> one = lambda *x: np.array(x, np.int64)
    >>> quotes = Quotes(one(1), one(1), one(8), one(1), one(99), one(4), one(101), one(6))
    >>> found = compare_quotes(replay(events), quotes)
    >>> found.compared, found.equal
    (1, 1)
    """
    events = replay.events
    applied = core.DEPTH_STATUSES.index("applied")
    rows = np.flatnonzero((replay.status == applied) & (events.snapshot == 0) & (events.last_id >= 0))
    order = np.argsort(quotes.update_id, kind="stable")
    ids = quotes.update_id[order]
    at = np.searchsorted(ids, events.last_id[rows], side="right") - 1
    there = at >= 0
    skipped = int((~there).sum())
    rows, at = rows[there], at[there]
    chosen = order[at]
    units = (10.0**events.price_decimals, 10.0**events.size_decimals)
    ours = np.column_stack([replay.column(name)[rows] * units[k % 2] for k, name in enumerate(_FIELDS)])
    theirs = np.column_stack([getattr(quotes, name)[chosen] for name in _FIELDS])
    wrong = np.isnan(ours) | (np.rint(np.nan_to_num(ours)).astype(np.int64) != theirs)
    bad = np.flatnonzero(wrong.any(axis=1))
    scale = np.array([units[k % 2] for k in range(4)])
    examples = tuple(
        {
            "line": int(events.line[rows[k]]),
            "last_id": int(events.last_id[rows[k]]),
            "quote_id": int(ids[at[k]]),
            "book": dict(zip(_FIELDS, (ours[k] / scale).tolist(), strict=True)),
            "quote": dict(zip(_FIELDS, (theirs[k] / scale).tolist(), strict=True)),
        }
        for k in bad[:5].tolist()
    )
    return QuoteComparison(
        compared=rows.size,
        equal=int(rows.size - bad.size),
        different=int(bad.size),
        same_id=int((ids[at] == events.last_id[rows]).sum()),
        quotes_used=int(np.unique(chosen).size),
        quotes_within=int(len(quotes) - np.unique(chosen).size),
        touch_changes=int((np.diff(theirs, axis=0) != 0).any(axis=1).sum()) if rows.size > 1 else 0,
        confirmed_complete=int((events.last_id[rows] < ids[-1]).sum()) if ids.size else 0,
        not_compared=skipped,
        by_field={name: int(wrong[:, k].sum()) for k, name in enumerate(_FIELDS)},
        first_differences=examples,
    )
