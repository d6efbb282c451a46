"""Decisions kept inside of a universe with dates: who is no member at a row is flat there.

Entry points: `within_universe`, `universe_facts`.

Invariants: membership is judged at the row of the decision, by the date of its session, and the order fills as any
other (by default at the next open); a member that leaves is sold even where the strategy says nothing; decisions about
members, and about instruments that are nowhere in the table, are never changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.data.membership import membership_of
from tradewright.domain.errors import InputError
from tradewright.domain.forecasts import HOLD

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars
    from tradewright.engine.decisions import Decisions
    from tradewright.engine.prepared import Prepared

__all__ = ["universe_facts", "within_universe"]


def within_universe(decisions: Decisions, prepared: Prepared) -> Decisions:
    """Make decisions about non-members flat.

    Parameters
    ----------
    decisions : Decisions
        Changed in place and returned.
    prepared : Prepared
        Whose bars say which universe they are of; without one nothing changes.

    Returns
    -------
    Decisions
        ``extra["made_flat"]`` counts what was asked of non-members and not done.

    Raises
    ------
    InputError
        If the decisions are orders or calls, whose quantities only their strategy can settle.

    Notes
    -----
    Signals: 0 in every row of a non-member; one that joins is given the opinion that stood before, where the strategy
    says nothing new at that row. Where no size was set, an entry uses 1 / (members at the row) of equity
    instead of 1 / (all who ever were). Weights: 0 for non-members in every row of decision, and a row of its own (NaN
    for all others) where a member leaves between two of them.
    """
    table = membership_of(prepared.bars)
    if table is None or not table.dated:
        return decisions
    mask = table.mask(prepared.bars)
    if decisions.kind == "signals":
        return _signals(decisions, prepared, mask)
    if decisions.kind == "weights":
        return _weights(decisions, mask)
    raise InputError(
        f"The universe {table.name} has dates, and {'orders' if decisions.kind == 'orders' else 'on_bar'} cannot be "
        "kept inside of it: only weights and signals can. Let the strategy answer with those, or load the symbols "
        "without the table and ask members_mask in it."
    )


def universe_facts(bars: Bars, decisions: Decisions | None = None) -> dict[str, Any]:
    """What a result tells of its universe; empty where there is none.

    Returns
    -------
    dict
        ``name``, ``hash``, ``dated``, ``survivors`` (dates, but nobody ever leaves), ``n_ever``, ``n_first`` and
        ``n_last`` (members at the first and last row), ``changes`` (joins and leaves inside of the bars) and
        ``made_flat``.
    """
    table = membership_of(bars)
    if table is None:
        return {}
    mask = table.mask(bars)
    return {
        "name": table.name,
        "hash": table.hash,
        "dated": table.dated,
        "survivors": table.survivors,
        "n_ever": len(table.symbols),
        "n_first": int(mask[0].sum()),
        "n_last": int(mask[-1].sum()),
        "changes": int((mask[1:] != mask[:-1]).sum()),
        "made_flat": 0 if decisions is None else int(decisions.extra.get("made_flat", 0)),
    }


def _signals(decisions: Decisions, prepared: Prepared, mask: np.ndarray[Any, np.dtype[np.bool_]]) -> Decisions:
    assert decisions.signals is not None
    given = np.asarray(decisions.signals).reshape(mask.shape)
    decisions.extra["made_flat"] = int(((np.abs(given.astype(np.int64)) == 1) & ~mask).sum())
    made = np.where(mask, _standing(given, mask), 0).astype(np.int8)
    decisions.signals = np.ascontiguousarray(made)
    if decisions.scale is None and prepared.settings.size is None and mask.shape[1] > 1:
        members = np.maximum(mask.sum(axis=1), 1)
        decisions.scale = np.ascontiguousarray(np.repeat((mask.shape[1] / members)[:, None], mask.shape[1], axis=1))
    return decisions


def _standing(
    given: np.ndarray[Any, np.dtype[Any]], mask: np.ndarray[Any, np.dtype[np.bool_]]
) -> np.ndarray[Any, np.dtype[Any]]:
    """Signals in which whoever joins without a word takes up what was said last while it was no member."""
    joins = np.zeros_like(mask)
    joins[1:] = mask[1:] & ~mask[:-1]
    rows = np.arange(given.shape[0])[:, None]
    said = np.maximum.accumulate(np.where(given != HOLD, rows, -1), axis=0)
    silent = joins & (given == HOLD) & (said >= 0)
    return np.where(silent, np.take_along_axis(given, np.maximum(said, 0), axis=0), given)


def _weights(decisions: Decisions, mask: np.ndarray[Any, np.dtype[np.bool_]]) -> Decisions:
    assert decisions.rows is not None
    assert decisions.weights is not None
    leaves = np.zeros_like(mask)
    leaves[1:] = mask[:-1] & ~mask[1:]
    rows = np.union1d(decisions.rows, np.flatnonzero(leaves.any(axis=1))).astype(np.int64)
    weights = np.full((rows.size, mask.shape[1]), np.nan)
    weights[np.searchsorted(rows, decisions.rows)] = decisions.weights
    asked = np.nan_to_num(weights) != 0.0
    decided = np.isin(rows, decisions.rows)
    outside = ~mask[rows]
    decisions.extra["made_flat"] = int((asked & outside).sum())
    weights = np.where(outside & (decided[:, None] | leaves[rows]), 0.0, weights)
    decisions.rows, decisions.weights = rows, np.ascontiguousarray(weights)
    return decisions
