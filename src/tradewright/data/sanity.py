"""Whether bars can be believed: one protocol, one entry point, one kind of answer.

Entry points: `check` (judge, change nothing), `clean` (judge and act on it), `SanityReport`, `Sanity` (the same as an
object for the `Check` port).

What is done about an error is the caller's choice:

| repair | effect |
|---|---|
| ``"quarantine"`` (default) | bad rows are taken out, reported, and the clean bars around them are kept |
| ``"refuse"`` | `InconsistentDataError` at the first error |

Disorder is sorted and of two rows with one stamp the later is kept; both are counted. ``validate=False`` keeps every
row that can be laid out in time and stamps the bars as unchecked.

Invariants: every row that does not reach the bars is counted under one rule; bars that pass are handed on as the same
object, not as a copy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from ..domain.actions import ActionKind
from ..domain.bars import Bars, utc
from ..domain.errors import InconsistentDataError, InputError, MissingDataError, closest
from .intervals import interval_name
from .raw import RawSeries
from .rules import DEFAULT_RULES, Hits, Rule, Series, screen
from .stamps import NAT

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..domain.actions import CorporateAction
    from ..domain.events import Finding

__all__ = ["UNCHECKED_NOTE", "Repair", "Sanity", "SanityReport", "check", "clean"]

Repair = Literal["quarantine", "refuse"]

UNCHECKED_NOTE: Final = "unchecked: the data-sanity rules were switched off for this load"
"""Note in the provenance of bars that nobody judged; results repeat it."""

_HOLE: Final = 10.0
"""Missing days, or bars inside a session, from which a hole is worth an alert."""

_ALERTS: Final = (
    ("split", "a gap that looks like a split the prices are not adjusted for", "gaps that look like splits"),
    ("jump", "a move beyond a factor of two", "moves beyond a factor of two"),
    ("stale", "a stale stretch (the same four prices although traded)", "stale stretches"),
    ("gap", "a long hole in the bars", "long holes in the bars"),
)

FINDING_LIMIT: Final = 200
"""Findings kept per rule and instrument; counts are exact beyond it."""

_NO_ROWS: Final = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class SanityReport:
    """What the rules found.

    Parameters
    ----------
    findings : tuple of Finding
        At most `FINDING_LIMIT` per rule and instrument, in the order of the rules.
    counts : dict
        Exact number of objections, by (symbol, rule, severity).
    n_rows, n_kept : int
        Rows judged (per instrument, added up), and rows that are bars afterwards.
    checked : bool
        False when the rules were switched off.

    Examples
    --------
    >>> bars = Bars.from_arrays(None, [1, 2, 3.0], [1, 2, 3.0], [1, 2, 3.5], [1, 2, 3.0], symbols="SPY")
    >>> report = check(bars)
    >>> report.ok, report.rejected, report.findings[0].rule, report.findings[0].row
    (False, 1, 'relation', 2)
    """

    findings: tuple[Finding, ...] = ()
    counts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    n_rows: int = 0
    n_kept: int = 0
    checked: bool = True

    @property
    def ok(self) -> bool:
        """True when no rule found an error."""
        return not self.count(severity="error")

    @property
    def rejected(self) -> int:
        """Rows that did not become bars."""
        return self.n_rows - self.n_kept

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that took a row out."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that a person should look at."""
        return tuple(f for f in self.findings if f.severity == "warning")

    def count(self, rule: str | None = None, *, symbol: str | None = None, severity: str | None = None) -> int:
        """Exact number of objections, narrowed by rule, symbol and severity."""
        return sum(
            number
            for (of, name, level), number in self.counts.items()
            if rule in {None, name} and symbol in {None, of} and severity in {None, level}
        )

    def alerts(self, first: int | None = None, last: int | None = None) -> list[str]:
        """What somebody who trades on these bars must be told, one sentence a kind.

        Parameters
        ----------
        first, last : int, optional
            Stamps (ns) of the range that is traded; findings outside of it are left out.

        Returns
        -------
        list of str
            About gaps that look like splits, large moves, stale runs and long holes.
        """
        out: list[str] = []
        for rule, one, many in _ALERTS:
            found = [
                finding
                for finding in self.findings
                if finding.rule == rule
                and finding.ts is not None
                and (first is None or finding.ts >= first)
                and (last is None or finding.ts <= last)
                and (finding.severity == "warning" or (rule == "gap" and _is_hole(finding)))
            ]
            if found:
                names = list(dict.fromkeys(finding.symbol for finding in found))
                head = found[0]
                what = one if len(found) == 1 else f"{len(found)} {many}"
                where = f" in {len(names)} instruments" if len(names) > 1 else ""
                day = "" if head.ts is None else f"{utc(head.ts):%Y-%m-%d}"
                out.append(f"data: {what}{where}: {'' if len(found) == 1 else 'first '}{head.symbol} {day}")
        return out

    def lines(self) -> list[str]:
        """One sentence per symbol and rule, worst first."""
        order = {"error": 0, "warning": 1, "info": 2}
        out: list[str] = []
        for (symbol, rule, severity), number in sorted(
            self.counts.items(), key=lambda item: (order[item[0][2]], item[0][0], item[0][1])
        ):
            first = next((f for f in self.findings if (f.symbol, f.rule, f.severity) == (symbol, rule, severity)), None)
            where = f"; first: {first.message}" if first is not None else ""
            out.append(f"{severity} {symbol} {rule}: {number}{where}")
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; stamps as ISO text."""
        return {
            "checked": self.checked,
            "ok": self.ok,
            "rows": self.n_rows,
            "kept": self.n_kept,
            "rejected": self.rejected,
            "counts": [
                {"symbol": symbol, "rule": rule, "severity": severity, "count": number}
                for (symbol, rule, severity), number in self.counts.items()
            ],
            "findings": [
                {
                    "rule": f.rule,
                    "severity": str(f.severity),
                    "symbol": f.symbol,
                    "row": f.row,
                    "time": None if f.ts is None else utc(f.ts).isoformat(),
                    "value": f.value if f.value is not None and np.isfinite(f.value) else None,
                    "message": f.message,
                    "action": f.action,
                }
                for f in self.findings
            ],
        }

    @classmethod
    def merged(cls, reports: Iterable[SanityReport]) -> SanityReport:
        """One report over several instruments."""
        every = list(reports)
        counts: Counter[tuple[str, str, str]] = Counter()
        for report in every:
            counts.update(report.counts)
        return cls(
            tuple(f for report in every for f in report.findings),
            dict(counts),
            sum(report.n_rows for report in every),
            sum(report.n_kept for report in every),
            all(report.checked for report in every),
        )


class Sanity:
    """The rules as one object: what the `Check` port asks for.

    Parameters
    ----------
    rules : iterable of Rule or str
        As in `check`.

    Examples
    --------
    >>> bars = Bars.from_arrays(None, [1, -2.0], [1, 2.0], [1, -2.0], [1, 2.0])
    >>> [f.rule for f in Sanity()(bars)]
    ['price']
    """

    name = "sanity"

    def __init__(self, rules: Iterable[Rule | str] = DEFAULT_RULES) -> None:
        self.rules = _rules(rules)

    def __call__(self, bars: Bars) -> tuple[Finding, ...]:
        """Findings, none when all is well."""
        return check(bars, rules=self.rules).findings


def check(data: Bars | RawSeries | Sequence[RawSeries], *, rules: Iterable[Rule | str] = DEFAULT_RULES) -> SanityReport:
    """Judge bars without changing them.

    Parameters
    ----------
    data : Bars, RawSeries or sequence of RawSeries
        Bars of any number of instruments, or rows as a source delivered them. In bars a row of NaN means "no bar" and
        is no fault; in raw rows it is.
    rules : iterable of Rule or str
        Rules, or names of built-in ones: stamp, missing, price, relation, volume, scale, split, stale, gap.

    Returns
    -------
    SanityReport

    Raises
    ------
    InputError
        If a rule is not known.

    Examples
    --------
    >>> bars = Bars.from_arrays(None, [1, 2.0], [1, 2.0], [1, 2.0], [1, 2.0], [5, 5])
    >>> check(bars, rules=["price", "relation"]).ok
    True
    """
    chosen = _rules(rules)
    if isinstance(data, Bars):
        return SanityReport.merged(_judge_column(data, j, chosen).report for j in range(data.n_assets))
    series = [data] if isinstance(data, RawSeries) else list(data)
    return SanityReport.merged(_judge_raw(raw, chosen).report for raw in series)


def clean(
    data: Bars | RawSeries, *, repair: Repair = "quarantine", rules: Iterable[Rule | str] = DEFAULT_RULES,
    validate: bool = True,
) -> tuple[Bars, SanityReport]:  # fmt: skip
    """Judge bars and act on it.

    Parameters
    ----------
    data : Bars or RawSeries
        What came in.
    repair : {"quarantine", "refuse"}
        What to do about errors.
    rules : iterable of Rule or str
        As in `check`.
    validate : bool
        False switches the rules off and stamps the bars as unchecked (`UNCHECKED_NOTE`).

    Returns
    -------
    bars : Bars
        The believable ones; the same object when bars came in and nothing had to be done.
    report : SanityReport

    Raises
    ------
    InconsistentDataError
        If an error is found and `repair` is ``"refuse"``, or no row is left.
    MissingDataError
        If there was no row to begin with.

    Examples
    --------
    >>> bars = Bars.from_arrays(None, [3, -2, 3.1], [3, 2, 3.1], [3, -2, 3.1], [3, 2, 3.1], symbols="SPY")
    >>> kept, report = clean(bars)
    >>> kept.close[:, 0].tolist(), kept.provenance.notes[-1]
    ([3.0, 3.1], 'SPY: 1 of 3 rows taken out (price 1)')
    """
    if repair not in {"quarantine", "refuse"}:
        raise InputError(f"repair is {repair!r}; it must be 'quarantine' or 'refuse'.")
    chosen = _rules(rules)
    if isinstance(data, Bars):
        return _clean_bars(data, chosen, repair, validate)
    return _clean_raw(data, chosen, repair, validate)


# -- judging ---------------------------------------------------------------------------------------------------------


class _Verdict(NamedTuple):
    report: SanityReport
    keep: npt.NDArray[np.int64] | None  # rows that are bars, in order of time; None means all, as they are
    widen: npt.NDArray[np.int64]


class _Notes:
    """Collects objections of one instrument under the rows of its source."""

    def __init__(self, symbol: str, series: Series) -> None:
        self.symbol, self.series = symbol, series
        self.findings: list[Finding] = []
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.widen = _NO_ROWS

    def add(self, rule: str, hits: Hits, origin: npt.NDArray[np.int64] | None) -> None:
        """Record hits under the rows of the source."""
        from ..domain.events import Finding, Severity

        rows = hits.rows if origin is None else origin[hits.rows]
        name = hits.rule or rule
        self.counts[self.symbol, name, hits.severity] += int(rows.size)
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
        if hits.action == "widened":
            self.widen = np.union1d(self.widen, rows)


def _judge(symbol: str, series: Series, rules: Sequence[Rule]) -> _Verdict:
    n = int(series.close.size)
    flags = screen(series)
    notes = _Notes(symbol, series)
    awake = [rule for rule in rules if flags.wakes(rule)]
    if flags.ordered and not awake:
        return _Verdict(SanityReport(n_rows=n, n_kept=n), None, _NO_ROWS)
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
    return _Verdict(report, None if unchanged else origin, notes.widen)


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


def _is_hole(finding: Finding) -> bool:
    return finding.value is not None and finding.value >= _HOLE


def _explained(report: SanityReport, actions: Sequence[CorporateAction], ts: npt.NDArray[np.int64]) -> SanityReport:
    """Report without the gaps that are splits the source names itself."""
    splits = [action.ts for action in actions if action.kind is ActionKind.SPLIT]
    if not splits:
        return report
    stamps = np.sort(ts)
    # A split is in force from the first bar that closes at or after it.
    rows = np.searchsorted(stamps, np.array(splits, dtype=np.int64), side="left")
    known = set(stamps[rows[rows < stamps.size]].tolist())
    gone = [f for f in report.findings if f.rule in {"split", "jump"} and f.ts in known]
    counts = Counter(report.counts)
    counts.subtract(Counter((f.symbol, f.rule, str(f.severity)) for f in gone))
    kept = tuple(f for f in report.findings if f not in gone)
    return replace(report, findings=kept, counts={key: number for key, number in counts.items() if number})


def _present(series: Series) -> npt.NDArray[np.int64] | None:
    """Rows that claim to be a bar, None when all do. Only bars (not raw rows) may have others."""
    if not series.nan_is_no_bar:
        return None
    gone = np.isnan(series.close) & np.isnan(series.open) & np.isnan(series.high) & np.isnan(series.low)
    return np.flatnonzero(~gone) if gone.any() else None


def _column(bars: Bars, j: int) -> tuple[str, Series]:
    instrument = bars.instruments[j]
    return instrument.id, Series(
        ts=bars.ts,
        open=np.ascontiguousarray(bars.open[:, j]),
        high=np.ascontiguousarray(bars.high[:, j]),
        low=np.ascontiguousarray(bars.low[:, j]),
        close=np.ascontiguousarray(bars.close[:, j]),
        volume=np.ascontiguousarray(bars.volume[:, j]),
        calendar=instrument.calendar,
        interval_ns=bars.interval_ns,
        text_rows=_NO_ROWS,
        nan_is_no_bar=True,
    )


def _judge_column(bars: Bars, j: int, rules: Sequence[Rule]) -> _Verdict:
    verdict = _judge(*_column(bars, j), rules)
    own = [action for action in bars.actions if action.instrument == bars.instruments[j]]
    return verdict._replace(report=_explained(verdict.report, own, bars.ts)) if own else verdict


def _judge_raw(raw: RawSeries, rules: Sequence[Rule]) -> _Verdict:
    series = Series(raw.ts, raw.open, raw.high, raw.low, raw.close, raw.volume, raw.instrument.calendar,
                    raw.interval_ns, raw.text_rows)  # fmt: skip
    verdict = _judge(raw.instrument.id, series, rules)
    verdict = verdict._replace(report=_explained(verdict.report, raw.actions, raw.ts))
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


def _rules(rules: Iterable[Rule | str]) -> tuple[Rule, ...]:
    by_name = {rule.name: rule for rule in DEFAULT_RULES}
    out: list[Rule] = []
    for rule in [rules] if isinstance(rules, str) else rules:
        if not isinstance(rule, str):
            out.append(rule)
        elif rule in by_name:
            out.append(by_name[rule])
        else:
            raise InputError(
                f"There is no data rule {rule!r}{closest(rule, by_name) or '.'} Known: {', '.join(by_name)}."
            )
    return tuple(out)


# -- acting ----------------------------------------------------------------------------------------------------------


def _clean_bars(bars: Bars, rules: Sequence[Rule], repair: Repair, validate: bool) -> tuple[Bars, SanityReport]:
    if not bars.n_bars:
        raise MissingDataError(f"There are no bars of {', '.join(bars.symbols[:5])}; ask for another range.")
    if not validate:
        size = bars.n_bars * bars.n_assets
        return _unchecked(bars), SanityReport(n_rows=size, n_kept=size, checked=False)
    verdicts = [_judge_column(bars, j, rules) for j in range(bars.n_assets)]
    report = SanityReport.merged(v.report for v in verdicts)
    _refuse(report, repair, ", ".join(bars.symbols[:5]))
    if all(v.keep is None and not v.widen.size for v in verdicts):
        return bars, report
    arrays = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
    for j, verdict in enumerate(verdicts):
        if verdict.keep is not None:
            gone = np.ones(bars.n_bars, dtype=np.bool_)
            gone[verdict.keep] = False
            for array in arrays.values():
                array[gone, j] = np.nan
        _widen(arrays["open"][:, j], arrays["high"][:, j], arrays["low"][:, j], arrays["close"][:, j], verdict.widen)
    alive = ~np.isnan(arrays["close"]).all(axis=1)
    if not alive.any():
        raise _nothing_left(report, ", ".join(bars.symbols[:5]))
    if not alive.all():
        arrays = {name: np.ascontiguousarray(array[alive]) for name, array in arrays.items()}
    notes = tuple(
        _note(bars.instruments[j].id, v.report) for j, v in enumerate(verdicts) if v.report.rejected or v.widen.size
    )
    kept = replace(
        bars, ts=bars.ts[alive] if not alive.all() else bars.ts, **arrays, provenance=bars.provenance.with_note(*notes)
    )
    return kept, report


def _clean_raw(raw: RawSeries, rules: Sequence[Rule], repair: Repair, validate: bool) -> tuple[Bars, SanityReport]:
    symbol = raw.instrument.id
    if not raw.n_rows:
        raise MissingDataError(f"There are no rows of {symbol} in {raw.provenance.source or 'the data'}.")
    verdict = _judge_raw(raw, rules if validate else ())
    report = verdict.report if validate else replace(verdict.report, findings=(), counts={}, checked=False)
    if validate:
        _refuse(report, repair, symbol)
    if verdict.keep is not None and not verdict.keep.size:
        raise _nothing_left(report, symbol)
    rows: Any = slice(None) if verdict.keep is None else verdict.keep
    o, h, low, c, v = (array[rows] for array in (raw.open, raw.high, raw.low, raw.close, raw.volume))
    if verdict.widen.size:
        h, low = h.copy(), low.copy()
        where = verdict.widen if verdict.keep is None else np.flatnonzero(np.isin(verdict.keep, verdict.widen))
        _widen(o, h, low, c, where)
    provenance = raw.provenance
    quiet = not report.counts or all(level == "info" and rule != "rounding" for _, rule, level in report.counts)
    if validate and (report.rejected or not quiet):
        note = _note(symbol, report)
        provenance = provenance.with_note(note) if note else provenance
    bars = Bars(
        np.ascontiguousarray(raw.ts[rows]),
        open=np.ascontiguousarray(o).reshape(-1, 1),
        high=np.ascontiguousarray(h).reshape(-1, 1),
        low=np.ascontiguousarray(low).reshape(-1, 1),
        close=np.ascontiguousarray(c).reshape(-1, 1),
        volume=np.ascontiguousarray(v).reshape(-1, 1),
        instruments=(raw.instrument,),
        interval_ns=raw.interval_ns,
        provenance=provenance,
        actions=tuple(sorted(raw.actions, key=lambda action: action.ts)),
    )
    return (bars if validate else _unchecked(bars)), report


def _widen(o: Any, h: Any, low: Any, c: Any, rows: npt.NDArray[np.int64]) -> None:
    if rows.size:
        h[rows] = np.maximum(h[rows], np.maximum(o[rows], c[rows]))
        low[rows] = np.minimum(low[rows], np.minimum(o[rows], c[rows]))


def _unchecked(bars: Bars) -> Bars:
    if UNCHECKED_NOTE in bars.provenance.notes:
        return bars
    return bars.with_provenance(bars.provenance.with_note(UNCHECKED_NOTE))


def _refuse(report: SanityReport, repair: Repair, what: str) -> None:
    if repair == "refuse" and not report.ok:
        first = "; ".join(f.message for f in report.errors[:3])
        raise InconsistentDataError(
            f"{what}: {report.count(severity='error')} data errors, and repair='refuse' allows none. First: {first}. "
            "Mend the source or use repair='quarantine'."
        )


def _nothing_left(report: SanityReport, what: str) -> InconsistentDataError:
    return InconsistentDataError(
        f"{what}: all {report.n_rows} rows were rejected ({_reasons(report)}). "
        "Look at the source with `tradewright data check`."
    )


def _reasons(report: SanityReport) -> str:
    totals: Counter[str] = Counter()
    for (_, rule, severity), number in report.counts.items():
        if severity == "error" or rule in {"duplicate"}:
            totals[rule] += number
    return ", ".join(f"{rule} {number}" for rule, number in totals.most_common()) or "no readable time"


def _note(symbol: str, report: SanityReport) -> str:
    parts: list[str] = []
    if report.rejected:
        parts.append(f"{report.rejected} of {report.n_rows} rows taken out ({_reasons(report)})")
    for rule, words in _WORTH_A_NOTE:
        number = report.count(rule) - (0 if rule == "rounding" else report.count(rule, severity="info"))
        if number:
            parts.append(f"{words}: {number}")
    return f"{symbol}: {'; '.join(parts)}" if parts else ""


_WORTH_A_NOTE: Final = (
    ("order", "rows sorted by time"),
    ("rounding", "rows whose high or low was widened by a rounding"),
    ("split", "gaps that look like splits"),
    ("jump", "large moves"),
    ("stale", "stale runs"),
)


def describe_rules() -> list[tuple[str, str, str]]:
    """Name, stage and meaning of each built-in rule.

    Examples
    --------
    >>> describe_rules()[0]
    ('stamp', 'row', 'The time of a row can be read.')
    """
    return [(rule.name, rule.stage, (type(rule).__doc__ or "").split("\n")[0]) for rule in DEFAULT_RULES]


def span_of(bars: Bars) -> str:
    """One line about bars for people.

    Examples
    --------
    >>> span_of(Bars.from_arrays(None, [1, 2.0], [1, 2.0], [1, 2.0], [1, 2.0], symbols="SPY"))
    '2 bars of 1d from 1970-01-01 to 1970-01-02'
    """
    if not bars.n_bars:
        return "no bars"
    length = interval_name(bars.interval_ns)
    return f"{bars.n_bars:,} bars of {length} from {bars.start:%Y-%m-%d} to {bars.end:%Y-%m-%d}"
