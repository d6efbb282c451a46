"""A saved result beside the same run on what is known now.

Entry points: `as_known_today`, `KnownToday`, `AlteredTrade`.

A result on bars of a store pins the instant as of which the store was asked. Here it is run twice: on what was known
then, which must give the saved result again, and on what the store knows now. Whatever differs between the two was
learnt in between.

Invariants: the two runs differ in nothing but the instant of knowledge; every trade of either is listed once, as
unchanged, altered, added or removed; numbers of bars and orders are no part of a trade, for a bar that arrives late
moves them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from tradewright.domain.bars import Instant, utc
from tradewright.domain.errors import InputError
from tradewright.engine.result import Result
from tradewright.engine.saved import read_document
from tradewright.engine.verify import Verification, rerun, verify

__all__ = ["AlteredTrade", "KnownToday", "as_known_today"]

TradeRow: TypeAlias = Mapping[str, Any]

_FACTS: Final = (
    "symbol", "direction", "quantity", "entry_time", "entry_price", "exit_time", "exit_price", "fees", "pnl", "return",
    "order_dependent", "entry_reason", "exit_reason",
)  # fmt: skip
"""What a trade is; the rest of its row says where it stands in the tables."""
_SAME: Final = (
    ("symbol", "direction", "entry_time", "exit_time"),
    ("symbol", "direction", "entry_time"),
    ("symbol", "direction", "exit_time"),
)
"""By what a trade is recognised when it is not equal: the surest first."""


@dataclass(frozen=True, slots=True)
class AlteredTrade:
    """One trade in both runs.

    Parameters
    ----------
    old, new : dict
        The trade as it was known then and as it is now.
    """

    old: dict[str, Any]
    new: dict[str, Any]

    @property
    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Facts that differ: name to (old, new)."""
        return {name: (self.old[name], self.new[name]) for name in _FACTS if self.old[name] != self.new[name]}


@dataclass(frozen=True, slots=True)
class KnownToday:
    """What was learnt since a result was made, and what it does to the result.

    Parameters
    ----------
    verification : Verification
        Of the run on what was known then; not the same means that more than knowledge has changed since.
    known_then, known_now : int
        Instants of knowledge of the two runs, ns UTC.
    unchanged : int
        Trades that are equal in both.
    altered : tuple of AlteredTrade
    added, removed : tuple of dict
        Trades of the second or first run alone.
    headline : dict of str to (old, new)
        Statistics that differ.
    data : dict
        ``cells`` (numbers of bars that differ), ``bars_added``, ``actions_changed``.
    then, now : Result
        Both runs.
    """

    verification: Verification
    known_then: int
    known_now: int
    unchanged: int
    altered: tuple[AlteredTrade, ...]
    added: tuple[dict[str, Any], ...]
    removed: tuple[dict[str, Any], ...]
    headline: dict[str, tuple[Any, Any]]
    data: dict[str, int]
    then: Result
    now: Result

    @property
    def same(self) -> bool:
        """Whether no trade and no statistic differs."""
        return not (self.altered or self.added or self.removed or self.headline)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "same": self.same,
            "reproduced": self.verification.same,
            "differences": list(self.verification.differences),
            "known": {"old": utc(self.known_then).isoformat(), "new": utc(self.known_now).isoformat()},
            "result_hash": {
                "recorded": self.verification.expected,
                "old": self.verification.found,
                "new": self.now.result_hash,
            },
            "data": dict(self.data),
            "trades": {
                "unchanged": self.unchanged,
                "altered": [
                    {
                        "old": trade.old,
                        "new": trade.new,
                        "changed": {name: {"old": a, "new": b} for name, (a, b) in trade.changed.items()},
                    }
                    for trade in self.altered
                ],
                "added": list(self.added),
                "removed": list(self.removed),
            },
            "headline": {name: {"old": old, "new": new} for name, (old, new) in self.headline.items()},
            "convention": "old is what the store knew when the result was made, new what it knows as of `known.new`; a "
            "trade is recognised by symbol, direction and its times; numbers of bars and orders are not compared",
        }


def as_known_today(path: str | Path, *, known: Instant | None = None, strategy: Any = None) -> KnownToday:
    """Run a saved result again on what its store knew then and on what it knows now, and compare the trades.

    Parameters
    ----------
    path : str or Path
        JSON that `Result.save` or ``--out`` wrote, of a run on bars of a store.
    known : instant, optional
        As of when, instead of now (a date: at its end, UTC).
    strategy : optional
        For results of a strategy that no file or name can find.

    Returns
    -------
    KnownToday

    Raises
    ------
    DataError
        If the file is not a result, or its data cannot be loaded.
    InputError
        If its data did not come from a store, or the manifest does not say enough to run it again.

    See Also
    --------
    tradewright.engine.verify.verify : Only the first of the two runs.
    tradewright.data.store.diff.difference : What was learnt of one series.

    Examples
    --------
    >>> import tempfile
    >>> from dataclasses import replace
    >>> import tradewright as tw
    >>> from tradewright.data.store import ParquetStore
    >>> from tradewright.testing import walk_bars
    >>> bars = walk_bars(60)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = ParquetStore(folder + "/store")
    ...     _ = store.append(bars, source="exam", known="2020-01-01")
    ...     result = tw.backtest(folder + "/store", "buy_and_hold", symbols="WALK", provider="store", no_costs=True)
    ...     place = result.save(folder + "/result.json")
    ...     close, high = bars.close.copy(), bars.high.copy()
    ...     close[-1], high[-1] = close[-1] * 1.1, high[-1] * 1.1
    ...     _ = store.append(replace(bars, close=close, high=high), source="exam", known="2021-01-01", restate=True)
    ...     found = as_known_today(place)
    >>> found.verification.same, found.unchanged, [sorted(trade.changed) for trade in found.altered]
    (True, 0, [['exit_price', 'pnl', 'return']])
    """
    document = read_document(path)
    inputs = document["manifest"]["inputs"]
    if "as_of" not in inputs:
        raise InputError(
            f"The data of {str(path)!r} did not come from a store, so there is nothing that could be known otherwise "
            "today; run it on a store (provider='store'), or compare two results."
        )
    folder = Path(path).parent
    then = rerun(document, strategy=strategy, folder=folder)
    found = verify(path, again=then)
    loose = {name: value for name, value in inputs.items() if name != "as_of"}
    if known is not None:
        loose["as_of"] = known
    today = {**document, "manifest": {**document["manifest"], "inputs": loose}}
    now = rerun(today, strategy=strategy, folder=folder)
    old, new = _trades(then), _trades(now)
    unchanged, altered, removed, added = _matched(old, new)
    before, after = then.document()["stats"], now.document()["stats"]
    headline = {
        name: (before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    }
    from tradewright.data.store.effects import counted

    return KnownToday(
        verification=found,
        known_then=_known(then, inputs),
        known_now=_known(now, loose),
        unchanged=unchanged,
        altered=altered,
        added=added,
        removed=removed,
        headline=headline,
        data=counted(then.bars, now.bars),
        then=then,
        now=now,
    )


def _known(result: Result, inputs: Mapping[str, Any]) -> int:
    """Instant of knowledge of a run."""
    return int(dict(result.bars.provenance.pinned).get("as_of", inputs.get("as_of", 0)))


def _trades(result: Result) -> list[dict[str, Any]]:
    return [{name: row[name] for name in _FACTS} for row in result.document()["trades"]]


def _matched(
    old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]
) -> tuple[int, tuple[AlteredTrade, ...], tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]:
    """Trades of two runs, each once: how many are equal, then the altered, the removed and the added ones."""
    left, right = list(range(len(old))), list(range(len(new)))
    equal = _pairs(old, new, left, right, _FACTS)
    altered: list[tuple[int, int]] = []
    for names in _SAME:
        altered += _pairs(old, new, left, right, names)
    return (
        len(equal),
        tuple(AlteredTrade(old[i], new[k]) for i, k in sorted(altered)),
        tuple(old[i] for i in left),
        tuple(new[k] for k in right),
    )


def _pairs(
    old: Sequence[TradeRow],
    new: Sequence[TradeRow],
    left: list[int],
    right: list[int],
    names: Sequence[str],
) -> list[tuple[int, int]]:
    """Places of trades that agree in some facts, in order; they are taken out of `left` and `right`."""

    def key(row: TradeRow) -> tuple[Any, ...]:
        return tuple(row[name] for name in names)

    places: dict[tuple[Any, ...], list[int]] = {}
    for k in right:
        places.setdefault(key(new[k]), []).append(k)
    out: list[tuple[int, int]] = []
    for i in list(left):
        waiting = places.get(key(old[i]))
        if waiting:
            k = waiting.pop(0)
            out.append((i, k))
            left.remove(i)
            right.remove(k)
    return out
