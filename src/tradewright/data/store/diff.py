"""What a restatement changed: rows, actions, and the headline numbers that follow from them.

Entry points: `difference`, `Difference`, `ChangedRow`, `Headline`.

Invariants: both sides are readings of the same series, so what differs was learnt between the two instants.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...domain.actions import CorporateAction
from ...domain.bars import Bars, Instant, utc
from ...domain.errors import InputError, MissingDataError
from ...domain.series import SeriesKey, Store
from ..calendars import session_dates
from ..grid import FIELDS
from ..intervals import interval_name, unit_of
from .rows import bounds, known_now

__all__ = ["ChangedRow", "Difference", "Headline", "difference"]


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """One bar that reads otherwise.

    Parameters
    ----------
    ts : int
        Stamp, ns UTC.
    session : str
        Date of its session.
    old, new : dict of str to float, or None
        Numbers that differ, by field; None where there is no bar.
    """

    ts: int
    session: str
    old: dict[str, float] | None
    new: dict[str, float] | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "time": utc(self.ts).isoformat(),
            "session": self.session,
            "old": None if self.old is None else {k: _number(v) for k, v in self.old.items()},
            "new": None if self.new is None else {k: _number(v) for k, v in self.new.items()},
        }


@dataclass(frozen=True, slots=True)
class Headline:
    """Numbers of one reading that people quote.

    Parameters
    ----------
    bars : int
    first, last : str
        Dates of the first and last session.
    total_return : float or None
        Last close over first close, less one. Of prices as stored, without dividends.
    volatility : float or None
        Standard deviation (n - 1) of the returns from bar to bar, not scaled to a year.
    worst, best : float or None
        Smallest and largest return from bar to bar; by day where bars are shorter.
    worst_day, best_day : str
        Their sessions.
    """

    bars: int
    first: str
    last: str
    total_return: float | None
    volatility: float | None
    worst: float | None
    worst_day: str
    best: float | None
    best_day: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Difference:
    """What was learnt of a series between two instants.

    Parameters
    ----------
    key : SeriesKey
    earlier, later : int
        Instants of knowledge, ns UTC.
    rows : tuple of ChangedRow
        Restated and added bars, by stamp.
    actions_added : tuple of CorporateAction
        Learnt in between, or with another value than before.
    old, new : Headline or None
        None where nothing was known yet.
    """

    key: SeriesKey
    earlier: int
    later: int
    rows: tuple[ChangedRow, ...]
    actions_added: tuple[CorporateAction, ...]
    old: Headline | None
    new: Headline | None

    @property
    def restated(self) -> int:
        """Bars with other numbers."""
        return sum(row.old is not None for row in self.rows)

    @property
    def added(self) -> int:
        """Bars that were not there."""
        return sum(row.old is None for row in self.rows)

    def headlines(self) -> dict[str, tuple[Any, Any]]:
        """Headline numbers that differ: name to (old, new)."""
        before = {} if self.old is None else self.old.to_dict()
        after = {} if self.new is None else self.new.to_dict()
        return {
            name: (before.get(name), after.get(name))
            for name in (after or before)
            if before.get(name) != after.get(name)
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "symbol": self.key.symbol,
            "interval": interval_name(self.key.interval_ns),
            "source": self.key.source,
            "from": utc(self.earlier).isoformat(),
            "to": utc(self.later).isoformat(),
            "same": not self.rows and not self.actions_added,
            "restated": self.restated,
            "added": self.added,
            "rows": [row.to_dict() for row in self.rows],
            "actions": [
                {
                    "time": utc(a.ts).isoformat(),
                    "kind": str(a.kind),
                    "value": a.value,
                    "new_symbol": a.new_symbol,
                    "cash": a.cash,
                    "price": a.price,
                }
                for a in self.actions_added
            ],
            "old": None if self.old is None else self.old.to_dict(),
            "new": None if self.new is None else self.new.to_dict(),
            "changed": {name: {"old": old, "new": new} for name, (old, new) in self.headlines().items()},
        }


def difference(
    store: Store,
    symbol: str,
    interval: str,
    *,
    source: str | None = None,
    earlier: Instant | None = None,
    later: Instant | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
) -> Difference:
    """Compare two readings of a series.

    Parameters
    ----------
    store : Store
    symbol, interval, source
        Which series, as in `Store.read`.
    earlier, later : instant, optional
        As of when; by default the first and the last time the store learnt something of the series. A date means its
        end, UTC.
    start, end : instant, optional
        Only bars stamped in this range.

    Raises
    ------
    InputError
        If `later` does not lie after `earlier`.
    MissingDataError
        If there is no such series.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from tradewright.data.store import MemoryStore
    >>> from tradewright.testing import walk_bars
    >>> store, bars = MemoryStore(), walk_bars(10)
    >>> _ = store.append(bars, source="exam", known="2020-01-01")
    >>> high = bars.high.copy(); high[3] += 1.0
    >>> _ = store.append(replace(bars, high=high), source="exam", known="2021-01-01", restate=True)
    >>> found = difference(store, "WALK", "1d")
    >>> found.restated, list(found.rows[0].new), found.headlines()
    (1, ['high'], {})
    """
    store.read([symbol], interval, source=source)  # says what is missing, with the nearest names
    infos = store.list(interval=interval, source=source)
    info = next((i for i in infos if i.key.symbol == symbol), None) or next(
        i for i in infos if i.key.symbol.casefold() == symbol.casefold()
    )
    before = info.revisions[0] if earlier is None else bounds(None, None, earlier)[2]
    after = known_now() if later is None else bounds(None, None, later)[2]
    assert before is not None
    assert after is not None
    if after < before:
        raise InputError(f"The later reading ({later}) lies before the earlier ({earlier}); swap the two.")
    key = info.key

    def read(as_of: int) -> Bars | None:
        try:
            return store.read(
                [key.symbol], interval_name(key.interval_ns), source=key.source, start=start, end=end, as_of=as_of
            )
        except MissingDataError:
            return None

    old, new = read(before), read(after)
    rows = _changed(old, new)
    known = {(a.ts, a.kind, a.new_symbol): a.terms for a in (old.actions if old else ())}
    actions = tuple(a for a in (new.actions if new else ()) if known.get((a.ts, a.kind, a.new_symbol)) != a.terms)
    return Difference(
        key,
        before,
        after,
        rows,
        actions,
        None if old is None else _headline(old),
        None if new is None else _headline(new),
    )


def _changed(old: Bars | None, new: Bars | None) -> tuple[ChangedRow, ...]:
    if new is None:
        return ()
    dates = session_dates(new)
    places = np.full(new.n_bars, -1)
    if old is not None:
        at = np.searchsorted(old.ts, new.ts)
        safe = np.minimum(at, old.n_bars - 1)
        places = np.where(old.ts[safe] == new.ts, safe, -1)
    out: list[ChangedRow] = []
    after = np.column_stack([getattr(new, name)[:, 0] for name in FIELDS])
    before = np.full_like(after, np.nan)
    if old is not None:
        there = np.flatnonzero(places >= 0)
        before[there] = np.column_stack([getattr(old, name)[:, 0] for name in FIELDS])[places[there]]
    differs = ~((before == after) | (np.isnan(before) & np.isnan(after)))
    for row in np.flatnonzero(differs.any(axis=1) | (places < 0)).tolist():
        fields = [i for i in range(len(FIELDS)) if differs[row, i]]
        out.append(
            ChangedRow(
                int(new.ts[row]),
                str(dates[row]),
                None if places[row] < 0 else {FIELDS[i]: float(before[row, i]) for i in fields},
                {FIELDS[i]: float(after[row, i]) for i in (range(len(FIELDS)) if places[row] < 0 else fields)},
            )
        )
    return tuple(out)


def _headline(bars: Bars) -> Headline:
    dates = session_dates(bars)
    close = bars.close[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = close[1:] / close[:-1] - 1.0
    days, daily = dates, close
    if unit_of(bars.interval_ns) == "intraday":
        last = np.append(np.flatnonzero(dates[1:] != dates[:-1]), dates.size - 1)
        days, daily = dates[last], close[last]
    with np.errstate(divide="ignore", invalid="ignore"):
        by_day = daily[1:] / daily[:-1] - 1.0
    low, high = (int(by_day.argmin()), int(by_day.argmax())) if by_day.size else (0, 0)
    return Headline(
        bars=bars.n_bars,
        first=str(dates[0]),
        last=str(dates[-1]),
        total_return=_number(float(close[-1] / close[0] - 1.0)) if close[0] else None,
        volatility=_number(float(np.std(returns, ddof=1))) if returns.size > 1 else None,
        worst=_number(float(by_day[low])) if by_day.size else None,
        worst_day=str(days[low + 1]) if by_day.size else "",
        best=_number(float(by_day[high])) if by_day.size else None,
        best_day=str(days[high + 1]) if by_day.size else "",
    )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
