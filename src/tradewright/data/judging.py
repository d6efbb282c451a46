"""How rules are applied to one series: stages, order, duplicates, and who is rejected for what.

Entry points: `judge_series`, `judge_column`, `judge_raw`, `Judged`, `chosen_rules`.

Invariants: a row is rejected once, for the first reason, so that counts add up; rows are named as the source numbers
them; the fast screen decides which rules have anything to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ..domain.actions import ActionKind
from ..domain.bars import Bars, utc
from ..domain.errors import InputError, closest
from ..domain.instrument import AssetClass, Instrument
from .calendars import session_ordinals
from .findings import FINDING_LIMIT, SanityReport
from .hours import session_closes
from .intervals import unit_of
from .raw import RawSeries
from .rules import DEFAULT_RULES, Hits, Rule, Series, rules_by_name, screen
from .stamps import NAT

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..domain.actions import CorporateAction
    from ..domain.events import Finding

__all__ = [
    "Gone",
    "Judged",
    "chosen_rules",
    "judge_column",
    "judge_raw",
    "judge_series",
    "series_of_column",
    "series_of_raw",
]

_NO_ROWS: Final = np.zeros(0, dtype=np.int64)


class Gone(NamedTuple):
    """Rows that did not become bars, for one reason."""

    rows: npt.NDArray[np.int64]
    rule: str
    detail: str
    values: npt.NDArray[np.float64]


class Judged(NamedTuple):
    """What is kept of a series, and why not the rest."""

    report: SanityReport
    keep: npt.NDArray[np.int64] | None  # rows that are bars, in order of time; None means all, as they are
    widen: npt.NDArray[np.int64]
    gone: tuple[Gone, ...] = ()
    where: Mapping[str, npt.NDArray[np.int64]] = {}
    """Rows of the source by rule, all of them, whatever the severity."""


class _Notes:
    """Collects objections of one instrument under the rows of its source."""

    def __init__(self, symbol: str, series: Series) -> None:
        self.symbol, self.series = symbol, series
        self.findings: list[Finding] = []
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.widen = _NO_ROWS
        self.gone: list[Gone] = []
        self.where: dict[str, npt.NDArray[np.int64]] = {}

    def add(self, rule: str, hits: Hits, origin: npt.NDArray[np.int64] | None) -> None:
        """Record hits under the rows of the source."""
        from ..domain.events import Finding, Severity

        rows = hits.rows if origin is None else origin[hits.rows]
        name = hits.rule or rule
        self.counts[self.symbol, name, hits.severity] += int(rows.size)
        self.where[name] = np.concatenate((self.where[name], rows)) if name in self.where else rows
        for row, value in zip(rows[:FINDING_LIMIT].tolist(), hits.values[:FINDING_LIMIT].tolist(), strict=True):
            ts = int(self.series.ts[row])
            when = "" if ts == NAT else f" ({utc(ts):%Y-%m-%d %H:%M})"
            self.findings.append(
                Finding(
                    rule=name,
                    severity=Severity(hits.severity),
                    message=f"{self.symbol} row {row}{when}: {hits.detail.format(value=value)}",
                    symbol=self.symbol,
                    row=row,
                    ts=None if ts == NAT else ts,
                    value=value,
                    action=hits.action,
                )
            )
        if hits.severity == "error" or hits.action == "dropped":
            self.gone.append(Gone(rows, name, hits.detail, hits.values))
        if hits.action == "widened":
            self.widen = np.union1d(self.widen, rows)


def judge_series(symbol: str, series: Series, rules: Sequence[Rule]) -> Judged:
    """Apply rules to one series."""
    n = int(series.close.size)
    flags = screen(series)
    notes = _Notes(symbol, series)
    awake = [rule for rule in rules if flags.wakes(rule)]
    if flags.ordered and not awake:
        return Judged(SanityReport(n_rows=n, n_kept=n), None, _NO_ROWS)
    bad = np.zeros(n, dtype=np.bool_)
    present = _present(series)
    here = series if present is None else series.take(present)
    for rule in awake:
        if rule.stage == "row":
            for hits in rule.hits(here):
                found = hits
                if hits.severity == "error":
                    # A row is rejected once, for the first reason, so that counts add up.
                    rows = hits.rows if present is None else present[hits.rows]
                    new = ~bad[rows]
                    bad[rows] = True
                    found = hits._replace(rows=hits.rows[new], values=hits.values[new])
                if found.rows.size:
                    notes.add(rule.name, found, present)
    origin = np.flatnonzero(~bad) if present is None else present[~bad[present]]
    # A row without a time cannot be put in order, whatever rules were asked for.
    origin = origin[series.ts[origin] != NAT]
    origin = _ordered(series, origin, notes)
    touched = origin.size != n or not flags.ordered
    for stage in ("level", "series"):
        # Once rows are gone their neighbours are new to each other, so every rule looks again.
        wanted = [rule for rule in (rules if touched else awake) if rule.stage == stage]
        if not wanted:
            continue
        view = series.take(origin) if touched else series
        gone: list[npt.NDArray[np.int64]] = []
        for rule in wanted:
            for hits in rule.hits(view):
                notes.add(rule.name, hits, origin)
                if hits.severity == "error":
                    gone.append(hits.rows)
        if gone:
            origin = np.delete(origin, np.unique(np.concatenate(gone)))
            touched = True
    n_rows = n if present is None else int(present.size)
    report = SanityReport(tuple(notes.findings), dict(notes.counts), n_rows, int(origin.size))
    unchanged = origin.size == n_rows and flags.ordered
    return Judged(report, None if unchanged else origin, notes.widen, tuple(notes.gone), notes.where)


def _ordered(series: Series, origin: npt.NDArray[np.int64], notes: _Notes) -> npt.NDArray[np.int64]:
    """Good rows by time, one a stamp."""
    ts = series.ts[origin]
    if bool((ts[1:] > ts[:-1]).all()):
        return origin
    back = np.flatnonzero(ts[1:] < ts[:-1]) + 1
    if back.size:
        late = Hits(back, "warning", "its time lies before that of the row above", series.close[origin[back]], "sorted")
        notes.add("order", late, origin)
    origin = origin[np.argsort(ts, kind="stable")]
    ts = series.ts[origin]
    twin = np.flatnonzero(ts[1:] == ts[:-1])
    if twin.size:
        first, second = origin[twin], origin[twin + 1]
        same = np.ones(twin.size, dtype=np.bool_)
        for array in (series.open, series.high, series.low, series.close):
            same &= array[first] == array[second]
        for chosen, severity, text in (
            (~same, "error", "another row has the same time and other prices; the later row is kept"),
            (same, "warning", "the row comes twice"),
        ):
            if chosen.any():
                hits = Hits(twin[chosen], severity, text, series.close[first[chosen]], "dropped")  # type: ignore[arg-type]
                notes.add("duplicate", hits, origin)
        origin = np.delete(origin, twin)
    return origin


def _explained(verdict: Judged, actions: Sequence[CorporateAction], ts: npt.NDArray[np.int64]) -> Judged:
    """Verdict without the gaps that are splits the source names itself."""
    splits = [action.ts for action in actions if action.kind is ActionKind.SPLIT]
    if not splits:
        return verdict
    report = verdict.report
    stamps = np.sort(ts)
    # A split is in force from the first bar that closes at or after it.
    rows = np.searchsorted(stamps, np.array(splits, dtype=np.int64), side="left")
    known = stamps[rows[rows < stamps.size]]
    names = ("split", "jump")
    gone = [f for f in report.findings if f.rule in names and f.ts in set(known.tolist())]
    counts = Counter(report.counts)
    counts.subtract(Counter((f.symbol, f.rule, str(f.severity)) for f in gone))
    kept = tuple(f for f in report.findings if f not in gone)
    where = {name: found[~np.isin(ts[found], known)] if name in names else found
             for name, found in verdict.where.items()}  # fmt: skip
    report = replace(report, findings=kept, counts={key: number for key, number in counts.items() if number})
    return verdict._replace(report=report, where=where)


def _present(series: Series) -> npt.NDArray[np.int64] | None:
    """Rows that claim to be a bar, None when all do. Only bars (not raw rows) may have others."""
    if not series.nan_is_no_bar:
        return None
    gone = np.isnan(series.close) & np.isnan(series.open) & np.isnan(series.high) & np.isnan(series.low)
    return np.flatnonzero(~gone) if gone.any() else None


def series_of_column(bars: Bars, j: int) -> tuple[str, Series]:
    """Symbol and rows of one column of bars."""
    instrument = bars.instruments[j]
    return instrument.id, Series(
        ts=_stamps(bars, instrument.calendar),
        open=np.ascontiguousarray(bars.open[:, j]),
        high=np.ascontiguousarray(bars.high[:, j]),
        low=np.ascontiguousarray(bars.low[:, j]),
        close=np.ascontiguousarray(bars.close[:, j]),
        volume=np.ascontiguousarray(bars.volume[:, j]),
        calendar=instrument.calendar,
        interval_ns=bars.interval_ns,
        text_rows=_NO_ROWS,
        nan_is_no_bar=True,
        can_split=can_split(instrument),
    )


def _stamps(bars: Bars, calendar: str) -> npt.NDArray[np.int64]:
    """Closes of an instrument: where markets share daily rows, those of its own sessions and not of the last market."""
    if unit_of(bars.interval_ns) == "intraday" or len({other.calendar for other in bars.instruments}) == 1:
        return bars.ts
    return session_closes(session_ordinals(bars), calendar)


def series_of_raw(raw: RawSeries) -> Series:
    """Rows of a source as rules see them."""
    return Series(
        raw.ts, raw.open, raw.high, raw.low, raw.close, raw.volume, raw.instrument.calendar, raw.interval_ns,
        raw.text_rows, can_split=can_split(raw.instrument),
    )  # fmt: skip


def can_split(instrument: Instrument) -> bool:
    """Whether a gap in the price of an instrument can be a split: of shares and funds, and of nothing else."""
    return instrument.asset_class in {AssetClass.EQUITY, AssetClass.ETF}


def judge_column(bars: Bars, j: int, rules: Sequence[Rule]) -> Judged:
    """Apply rules to one column of bars; a row of NaN is no bar and no fault."""
    symbol, series = series_of_column(bars, j)
    verdict = judge_series(symbol, series, rules)
    own = [action for action in bars.actions if action.instrument == bars.instruments[j]]
    return _explained(verdict, own, series.ts) if own else verdict


def judge_raw(raw: RawSeries, rules: Sequence[Rule]) -> Judged:
    """Apply rules to rows as a source delivered them."""
    series = series_of_raw(raw)
    verdict = judge_series(raw.instrument.id, series, rules)
    verdict = _explained(verdict, raw.actions, raw.ts)
    if not raw.ragged:
        return verdict
    from ..domain.events import Finding, Severity

    symbol = raw.instrument.id
    found = Finding(rule="cells", severity=Severity.ERROR, symbol=symbol, value=float(raw.ragged), action="dropped",
                    message=f"{symbol}: {raw.ragged} rows have the wrong number of cells")  # fmt: skip
    report = replace(
        verdict.report,
        findings=(found, *verdict.report.findings),
        counts={(symbol, "cells", "error"): raw.ragged, **verdict.report.counts},
        n_rows=verdict.report.n_rows + raw.ragged,
    )
    return verdict._replace(report=report)


def chosen_rules(rules: Iterable[Rule | str]) -> tuple[Rule, ...]:
    """Rules from rules and names.

    Raises
    ------
    InputError
        If a name is not known; the message names the nearest.
    """
    if rules is DEFAULT_RULES:
        return DEFAULT_RULES
    by_name: dict[str, Rule] = {}
    out: list[Rule] = []
    for rule in [rules] if isinstance(rules, str) else rules:
        if not isinstance(rule, str):
            out.append(rule)
            continue
        by_name = by_name or rules_by_name()
        if rule not in by_name:
            raise InputError(
                f"There is no data rule {rule!r}{closest(rule, by_name) or '.'} Known: {', '.join(by_name)}."
            )
        out.append(by_name[rule])
    return tuple(out)
