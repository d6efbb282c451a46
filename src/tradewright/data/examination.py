"""Everything that can be said about the data of a source, without making bars of it: what ``data check`` prints.

Entry points: `examine`, `Examination`.

Invariants: works when not one row is good; the JSON (`Examination.to_dict`), the text and the HTML page of the command
are made from this one value; no clock is read unless `now` is left out, and then only to object to bars of the future.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..domain.bars import Bars, Instant, Provenance, instant_ns, utc
from ..domain.errors import DataError, InputError, MissingDataError
from .agreement import Agreement, disagreements
from .findings import SanityReport
from .judging import Judged, chosen_rules
from .quarantine import write_quarantine
from .raw import RawSeries
from .rules import FULL_RULES, Rule, future_rule
from .schedule import session_numbers
from .scores import Quality, Tally, require_window, scores_of, tally
from .stamps import NAT, Stamp

if TYPE_CHECKING:
    from ..domain.ports import Provider
    from .providers.base import Progress

__all__ = ["CONVENTIONS", "Examination", "examine"]

CONVENTIONS: Final[Mapping[str, str]] = {
    "coverage": "present / expected; expected is every session (or bar inside trading hours) of the exchange's "
    "calendar from the first to the last bar that is there, or in the range asked for",
    "missing": "sessions as exchange dates, bars as closes in UTC",
    "extra": "bars on no expected stamp: closed days, extended hours",
    "row": "row of the source from 0, without the header",
    "quality": "completeness x validity x freshness x consistency, each in [0, 1]",
    "completeness": "bars present / bars due",
    "validity": "rows that became bars / rows judged",
    "freshness": "1 - bars that repeat the four prices of the bar before / bars; times 1 / (1 + bars due at the end) "
    "when a moment is given with now",
    "consistency": "(1 - (spikes that the next bar takes back + moves beyond a factor of two) / bars) x 0.8 ** (gaps "
    "that look like splits + changes of the unit of volume)",
    "outlier": "robust z: (log return - median) / (1.4826 x MAD) over the 100 returns before, beyond 10",
}


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """What was found in a source.

    Parameters
    ----------
    source : str
        Where the rows come from.
    series : tuple of RawSeries, or Bars
        What was judged.
    tallies : tuple of Tally
        One per instrument.
    report : SanityReport
        Over all instruments.
    quality : tuple of Quality
        Of the whole series, one per instrument.
    windows : tuple of Quality
        By window, instrument and time.
    window : str
        ``"1y"``, ``"1q"``, ``"1mo"`` or ``"1w"``.
    agreements : tuple of Agreement
        With the other source, where one was given.
    unmatched : tuple of str
        Instruments that the other source does not have, or not in common.
    now : int or None
        Moment that was asked for.
    """

    source: str
    series: tuple[RawSeries, ...] | Bars
    tallies: tuple[Tally, ...]
    report: SanityReport
    quality: tuple[Quality, ...]
    windows: tuple[Quality, ...]
    window: str
    agreements: tuple[Agreement, ...] = ()
    unmatched: tuple[str, ...] = ()
    now: int | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """What was judged."""
        return tuple(found.symbol for found in self.tallies)

    @property
    def ok(self) -> bool:
        """True when no rule found an error."""
        return self.report.ok

    @property
    def judged(self) -> tuple[Judged, ...]:
        """Verdict of the rules on each instrument."""
        return tuple(found.judged for found in self.tallies)

    @property
    def worst(self) -> Quality | None:
        """Lowest score, None without instruments."""
        return min(self.quality, key=lambda score: score.score, default=None)

    def quarantine(self, path: str | Path) -> int:
        """Write the rejected rows with reasons and original values (CSV or JSON); returns how many."""
        data = self.series if isinstance(self.series, Bars) else list(self.series)
        return write_quarantine(path, data, self.judged)

    def to_dict(self, *, limit: int = 10_000) -> dict[str, Any]:
        """Plain values for JSON; at most `limit` missing and extra entries an instrument are listed."""
        return {
            "schema": "tradewright.data_check/1",
            "symbols": list(self.symbols),
            "source": self.source,
            "now": None if self.now is None else utc(self.now).isoformat(),
            **self.report.to_dict(),
            "coverage": {found.symbol: found.coverage.to_dict(limit=limit) for found in self.tallies},
            "quality": {score.symbol: score.to_dict() for score in self.quality},
            "window": self.window,
            "windows": [score.to_dict() for score in self.windows],
            "agreement": {found.symbol: found.to_dict() for found in self.agreements},
            "not_compared": list(self.unmatched),
            "conventions": dict(CONVENTIONS),
        }


def examine(
    symbols: str | Iterable[str] | None = None,
    *,
    provider: str | Provider | None = None,
    data: Any = None,
    start: Instant | None = None,
    end: Instant | None = None,
    interval: str | None = None,
    columns: Mapping[str, str] | None = None,
    tz: str | None = None,
    stamp: Stamp = "auto",
    calendar: str | None = None,
    rules: Iterable[Rule | str] | None = None,
    window: str | None = None,
    now: Instant | None = None,
    against: Any = None,
    tolerance: float = 0.02,
    progress: Progress | None = None,
    **options: Any,
) -> Examination:
    """Judge a source by every rule, against its exchange's calendar, and against another source.

    Parameters
    ----------
    symbols, provider, data, interval, columns, tz, stamp, calendar, progress, **options
        As in `load`.
    start, end : Instant, optional
        First and last session looked at; also the range in which bars are expected.
    rules : iterable of Rule or str, optional
        Default: `FULL_RULES` and the rule against bars of the future.
    window : {"1y", "1q", "1mo", "1w"}, optional
        Of the quality scores; by default what suits the length of the data.
    now : Instant, optional
        Moment from which bars are of the future and the last bar has an age. Without it the clock decides about the
        future, and old data is not held against a source.
    against : path, Bars or frame, optional
        Another source of the same instruments.
    tolerance : float
        Largest difference of a return between the two that is no finding.

    Returns
    -------
    Examination

    Raises
    ------
    DataError
        If a symbol is not there, or there are no rows in the range.

    Examples
    --------
    >>> found = examine("SPX", start="2018-01-01", end="2018-12-31")
    >>> found.ok, found.tallies[0].coverage.expected, found.tallies[0].coverage.coverage
    (True, 251, 1.0)
    """
    require_window(window)
    moment = None if now is None else instant_ns(now)
    wanted = (*FULL_RULES, future_rule(moment)) if rules is None else chosen_rules(rules)
    where: dict[str, Any] = {"interval": interval, "columns": columns, "tz": tz, "stamp": stamp, "calendar": calendar}
    rows, source = _rows(symbols, provider, data, progress, where, options)
    first, last = (None if t is None else int(instant_ns(t) // _DAY) for t in (start, end))
    if first is not None and last is not None and last < first:
        raise InputError(f"The range ends ({end}) before it starts ({start}).")
    if first is not None or last is not None:
        rows = _cut(rows, first, last)
    found = tally(rows, calendar, rules=wanted, first_day=first, last_day=last)
    chosen = window or _fitting(found)
    agreements, unmatched = _compared(rows, found, against, tolerance, where) if against is not None else ((), ())
    report = SanityReport.merged(one.judged.report for one in found)
    if agreements:
        extra = tuple(finding for agreement in agreements for finding in agreement.findings)
        counts = dict(report.counts)
        for agreement in agreements:
            if agreement.findings:
                counts[agreement.symbol, "disagreement", "warning"] = len(agreement.findings)
        report = replace(report, findings=(*report.findings, *extra), counts=counts)
    return Examination(
        source, rows if isinstance(rows, Bars) else tuple(rows), tuple(found), report,
        tuple(score for one in found for score in scores_of(one, None, now=moment)),
        tuple(score for one in found for score in scores_of(one, chosen, now=moment)), chosen, agreements, unmatched,
        moment,
    )  # fmt: skip


_DAY: Final = 86_400_000_000_000


def _rows(
    symbols: str | Iterable[str] | None, provider: Any, data: Any, progress: Any, where: Mapping[str, Any],
    options: Mapping[str, Any],
) -> tuple[Bars | list[RawSeries], str]:  # fmt: skip
    from .columns import Reading
    from .providers.base import SeriesProvider, check_symbols
    from .service import load_with_report, provider_for

    wanted = None if symbols is None else check_symbols(symbols)
    if data is None or isinstance(data, (str, Path)):
        reading = Reading(dict(where["columns"] or {}), where["tz"], where["stamp"], calendar=where["calendar"])
        if data is None:
            reading = replace(reading, calendar=None)
        source = provider_for(provider, data, reading=reading, interval=where["interval"], **options)
        if isinstance(source, SeriesProvider):
            if wanted is None and data is None:
                raise InputError(f"Name the symbols to check; {source.name} has {', '.join(source.symbols()[:30])}.")
            series = source.series(wanted, where["interval"], progress=progress)
            if not series:
                raise MissingDataError("The source has no series.")
            return series, _source(one.provenance for one in series)
    given = {key: value for key, value in where.items() if value is not None and key != "calendar"}
    bars, _ = load_with_report(wanted, provider=provider, data=data, progress=progress, validate=False, **given,
                               **options)  # fmt: skip
    return bars, bars.provenance.source or "in memory"


def _source(origins: Iterable[Provenance]) -> str:
    names = list(dict.fromkeys(origin.source for origin in origins if origin.source))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _cut(rows: Bars | list[RawSeries], first: int | None, last: int | None) -> Bars | list[RawSeries]:
    if isinstance(rows, Bars):
        from .grid import between_sessions

        low, high = (None if day is None else np.datetime64(day, "D") for day in (first, last))
        return between_sessions(rows, low, high)
    out = []
    for raw in rows:
        known = raw.ts != NAT
        order = np.argsort(raw.ts, kind="stable")
        days = np.empty_like(raw.ts)
        readable = order[known[order]]
        days[readable] = session_numbers(raw.ts[readable], raw.instrument.calendar)
        keep = known.copy()
        if first is not None:
            keep &= ~known | (days >= first)
        if last is not None:
            keep &= ~known | (days <= last)
        text = np.zeros(raw.ts.size, dtype=np.bool_)
        text[raw.text_rows] = True
        cells = {name: getattr(raw, name)[keep] for name in ("ts", "open", "high", "low", "close", "volume")}
        out.append(replace(raw, **cells, text_rows=np.flatnonzero(text[keep])))
    if not any(raw.n_rows for raw in out):
        ends = ["the start" if first is None else str(np.datetime64(first, "D")),
                "the end" if last is None else str(np.datetime64(last, "D"))]  # fmt: skip
        raise MissingDataError(f"There are no rows from {ends[0]} to {ends[1]}; ask for another range.")
    return out


def _fitting(found: Sequence[Tally]) -> str:
    """Window that makes some ten to sixty columns."""
    days = [one.coverage.last - one.coverage.first for one in found if one.ts.size]
    span = max(days, default=0)
    return "1y" if span > 12 * 365 else "1q" if span > 3 * 365 else "1mo" if span > 120 else "1w"


def _compared(
    rows: Bars | list[RawSeries], found: Sequence[Tally], against: Any, tolerance: float, where: Mapping[str, Any]
) -> tuple[tuple[Agreement, ...], tuple[str, ...]]:
    from .sanity import clean
    from .service import load

    given = {key: value for key, value in where.items() if value is not None and key != "columns"}
    out: list[Agreement] = []
    missing: list[str] = []
    for place, one in enumerate(found):
        try:
            mine = rows.select(one.symbol) if isinstance(rows, Bars) else rows[place]
            left, _ = clean(mine)
            right = _other(against, one.symbol, given, load)
            out.append(disagreements(left, right, tolerance=tolerance))
        except DataError:
            missing.append(one.symbol)
    if not out:
        raise MissingDataError(
            f"The source to compare with has none of {', '.join(one.symbol for one in found[:8])} in common."
        )
    return tuple(out), tuple(missing)


def _other(against: Any, symbol: str, given: Mapping[str, Any], load: Any) -> Bars:
    if isinstance(against, Bars):
        found: Bars = against.select(symbol) if against.n_assets > 1 else against
        return found
    one: Bars = load(symbol, data=Path(against) if isinstance(against, str) else against, **given)
    return one
