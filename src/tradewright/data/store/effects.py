"""Whether what a store has learnt since would change the data of a result.

Entry points: `effect_on`, `counted`.

Invariants: the result is not run again (`tradewright.engine.known_today` does that); its data is read twice, as it
was recorded and as it is known later.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ...domain.bars import Bars
from ...domain.errors import DataError, MissingDataError
from ...domain.series import Store
from ..grid import FIELDS
from ..providers.stored import StoredProvider

__all__ = ["counted", "effect_on"]


def effect_on(path: str | Path, store: Store, *, later: int) -> dict[str, Any]:
    """What a later reading would do to the data of a saved result.

    Parameters
    ----------
    path : path
        JSON that ``tradewright backtest --out`` wrote.
    store : Store
        That it was made from.
    later : int
        As of when to read anew, ns UTC.

    Returns
    -------
    dict
        ``path``, ``from_store`` (whether its data came from a store at all), ``would_change`` (None when that cannot be
        said), ``cells`` (numbers that differ), ``bars_added``, ``actions_changed``, ``recorded_hash``, ``later_hash``,
        and ``verdict``, a sentence.

    Raises
    ------
    DataError
        If the file is no result.
    """
    try:
        manifest = json.loads(Path(path).read_text(encoding="utf-8"))["manifest"]
        inputs, recorded = dict(manifest["inputs"]), str(manifest["data"]["hash"])
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{str(path)!r} is not a result of 'tradewright backtest --out'.") from None
    facts: dict[str, Any] = {"path": str(path), "from_store": "as_of" in inputs, "would_change": None,
                             "recorded_hash": recorded}  # fmt: skip
    if not facts["from_store"]:
        return {**facts, "verdict": "its data did not come from a store, so a restatement here does not touch it"}

    def read(as_of: str | int) -> Bars:
        provider = StoredProvider(store=store, source=inputs.get("source"), as_of=as_of)
        return provider.load(inputs["symbols"], inputs.get("start"), inputs.get("end"), inputs.get("interval"))

    try:
        old, new = read(inputs["as_of"]), read(later)
    except MissingDataError as error:
        return {**facts, "verdict": f"its data cannot be read from {store.name}: {error}"}
    if old.data_hash() != recorded:
        return {
            **facts,
            "verdict": f"its data is not that of {store.name} (another store, or rows the rules took out at load); run "
            "'tradewright verify' on it",
        }
    cells, added, actions = counted(old, new).values()
    changes = new.data_hash() != recorded
    verdict = "its data would not change"
    if changes:
        verdict = f"its data would change: {cells:,} numbers differ, {added:,} bars are new, {actions} actions differ"
    return {
        **facts, "would_change": changes, "cells": cells, "bars_added": added, "actions_changed": actions,
        "later_hash": new.data_hash(), "verdict": verdict,
    }  # fmt: skip


def counted(old: Bars, new: Bars) -> dict[str, int]:
    """How much differs between two readings of the same series.

    Returns
    -------
    dict
        ``cells`` (numbers that differ), ``bars_added``, ``actions_changed``.

    Examples
    --------
    >>> from tradewright.testing import walk_bars
    >>> bars = walk_bars(9)
    >>> counted(bars.head(8), bars)
    {'cells': 0, 'bars_added': 1, 'actions_changed': 0}
    """
    places = np.searchsorted(new.ts, old.ts)
    safe = np.minimum(places, new.n_bars - 1)
    there = new.ts[safe] == old.ts
    cells = int((~there).sum()) * old.n_assets
    for name in FIELDS:
        before, after = getattr(old, name)[there], getattr(new, name)[safe[there]]
        cells += int((~((before == after) | (np.isnan(before) & np.isnan(after)))).sum())
    return {
        "cells": cells,
        "bars_added": new.n_bars - int(there.sum()),
        "actions_changed": len(set(_told(old)) ^ set(_told(new))),
    }


def _told(bars: Bars) -> list[tuple[int, str, str, tuple[float, float, float], str]]:
    return [(a.ts, a.instrument.id, str(a.kind), a.terms, a.new_symbol) for a in bars.actions]
