"""Whether bars can be believed: one protocol, one entry point, one kind of answer.

Entry points: `check` (judge, change nothing), `clean` (judge and act on it), `Sanity` (the same rules as one object at
three points: load, decision, order), `require_checks`, `describe_rules`.

What is done about an error is the caller's choice:

| repair | effect |
|---|---|
| ``"quarantine"`` (default) | bad rows are taken out, reported, and the clean bars around them are kept |
| ``"refuse"`` | `InconsistentDataError` at the first error |
| ``"winsorise"`` | as quarantine, and spikes that the next bar takes back are pulled in; each is noted |

Disorder is sorted and of two rows with one stamp the later is kept; both are counted. ``validate=False`` keeps every
row that can be laid out in time and stamps the bars as unchecked; in live mode it is refused.

Invariants: every row that does not reach the bars is counted under one rule; bars that pass are handed on as the same
object, not as a copy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from ..domain.bars import Bars
from ..domain.errors import ConfigError, InconsistentDataError, InputError, MissingDataError, closest
from .findings import SanityReport
from .intervals import interval_name
from .judging import chosen_rules, judge_column, judge_raw
from .raw import RawSeries
from .rules import DEFAULT_RULES, Rule, rules_by_name

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..domain.bars import Instant
    from ..domain.events import Finding
    from .verdicts import Judgement, Limits, Point

__all__ = [
    "UNCHECKED_NOTE",
    "Mode",
    "Repair",
    "Sanity",
    "SanityReport",
    "check",
    "clean",
    "describe_rules",
    "require_checks",
]

Repair: TypeAlias = Literal["quarantine", "refuse", "winsorise"]
Mode: TypeAlias = Literal["research", "paper", "live"]

REPAIRS: Final = ("quarantine", "refuse", "winsorise")
MODES: Final = ("research", "paper", "live")

UNCHECKED_NOTE: Final = "unchecked: the data-sanity rules were switched off for this load"
"""Note in the provenance of bars that nobody judged; results repeat it."""


class Sanity:
    """The same rules and limits at the three points where bad data could do harm.

    Parameters
    ----------
    rules : iterable of Rule or str
        As in `check`.
    limits : Limits, optional
        From which age, and from which jump, no new entry is made.
    mode : {"research", "paper", "live"}
        What the bars are for.
    validate : bool
        False switches everything off; refused in live mode, and stamped on the bars else.

    Raises
    ------
    ConfigError
        If the checks are switched off in live mode.

    Examples
    --------
    >>> sanity = Sanity()
    >>> poisoned = Bars.from_arrays(None, [1, -2.0], [1, 2.0], [1, -2.0], [1, 2.0], symbols="BTC-USD")
    >>> [f.rule for f in sanity(poisoned)]  # what the rules say
    ['price']
    >>> sanity.load(poisoned)[0].n_bars  # at the load the row is taken out
    1
    >>> sanity.judge(poisoned, point="decision").refused  # a bar that came later stops the decision, and the order
    {'BTC-USD': 'poisoned'}
    """

    name = "sanity"

    def __init__(
        self,
        rules: Iterable[Rule | str] = DEFAULT_RULES,
        *,
        limits: Limits | None = None,
        mode: Mode = "research",
        validate: bool = True,
    ) -> None:
        from .verdicts import Limits

        require_checks(mode, validate=validate)
        self.rules = chosen_rules(rules)
        self.limits = limits or Limits()
        self.mode = mode
        self.validate = validate

    def __call__(self, bars: Bars) -> tuple[Finding, ...]:
        """Findings, none when all is well."""
        return check(bars, rules=self.rules).findings

    def load(self, data: Bars | RawSeries, *, repair: Repair = "quarantine") -> tuple[Bars, SanityReport]:
        """First point: judge what came in and act on it; see `clean`."""
        return clean(data, repair=repair, rules=self.rules, validate=self.validate, mode=self.mode)

    def judge(
        self,
        bars: Bars,
        *,
        now: Instant | None = None,
        point: Point = "decision",
        quotes: Mapping[str, tuple[float, float]] | None = None,
    ) -> Judgement:
        """Second and third point: may each instrument be decided on, or ordered, now?

        Parameters
        ----------
        bars : Bars
            What is known, newest last.
        now : Instant, optional
            The moment of the decision; by default the stamp of the last row.
        point : {"load", "decision", "order"}
            Where it is asked, for the record. The answer is the same: there is one gate, not three.
        quotes : mapping of str to (bid, ask), optional
            Last quotes by symbol; they are judged too.

        Returns
        -------
        Judgement
            One verdict per instrument, with reasons.
        """
        from .verdicts import judge_now

        return judge_now(bars, self.rules, self.limits, now=now, point=point, quotes=quotes, validate=self.validate)


def check(data: Bars | RawSeries | Sequence[RawSeries], *, rules: Iterable[Rule | str] = DEFAULT_RULES) -> SanityReport:
    """Judge bars without changing them.

    Parameters
    ----------
    data : Bars, RawSeries or sequence of RawSeries
        Bars of any number of instruments, or rows as a source delivered them. In bars a row of NaN means "no bar" and
        is no fault; in raw rows it is.
    rules : iterable of Rule or str
        Rules, or names of built-in ones (``tradewright data rules`` lists them). `FULL_RULES` adds what needs the
        exchange's calendar and robust statistics.

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
    chosen = chosen_rules(rules)
    if isinstance(data, Bars):
        return SanityReport.merged(judge_column(data, j, chosen).report for j in range(data.n_assets))
    series = [data] if isinstance(data, RawSeries) else list(data)
    return SanityReport.merged(judge_raw(raw, chosen).report for raw in series)


def clean(
    data: Bars | RawSeries, *, repair: Repair = "quarantine", rules: Iterable[Rule | str] = DEFAULT_RULES,
    validate: bool = True, mode: Mode = "research",
) -> tuple[Bars, SanityReport]:  # fmt: skip
    """Judge bars and act on it.

    Parameters
    ----------
    data : Bars or RawSeries
        What came in.
    repair : {"quarantine", "refuse", "winsorise"}
        What to do about errors; see the table of the module.
    rules : iterable of Rule or str
        As in `check`.
    validate : bool
        False switches the rules off and stamps the bars as unchecked (`UNCHECKED_NOTE`).
    mode : {"research", "paper", "live"}
        What the bars are for. Live, the rules cannot be switched off.

    Returns
    -------
    bars : Bars
        The believable ones; the same object when bars came in and nothing had to be done.
    report : SanityReport

    Raises
    ------
    ConfigError
        If the rules are to be switched off in live mode.
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
    if repair not in REPAIRS:
        raise InputError(f"repair is {repair!r}{closest(str(repair), REPAIRS) or ';'} It must be {_either(REPAIRS)}.")
    require_checks(mode, validate=validate)
    chosen = chosen_rules(rules)
    if isinstance(data, Bars):
        bars, report = _clean_bars(data, chosen, repair, validate)
    else:
        bars, report = _clean_raw(data, chosen, repair, validate)
    if repair != "winsorise" or not validate:
        return bars, report
    from .outliers import winsorised

    bars, found = winsorised(bars)
    return bars, SanityReport.merged((report, found))


def require_checks(mode: str, *, validate: bool) -> None:
    """Refuse to switch the rules off where money is at stake.

    Parameters
    ----------
    mode : {"research", "paper", "live"}
        What the bars are for.
    validate : bool
        Whether the rules are on.

    Raises
    ------
    ConfigError
        If they are off in live mode.
    InputError
        If there is no such mode.

    Examples
    --------
    >>> require_checks("research", validate=False)
    >>> require_checks("live", validate=False)
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.ConfigError: The data checks cannot be switched off in live mode; set data.check to true.
    """
    if mode not in MODES:
        raise InputError(f"mode is {mode!r}{closest(mode, MODES) or ';'} It must be {_either(MODES)}.")
    if mode == "live" and not validate:
        raise ConfigError("The data checks cannot be switched off in live mode; set data.check to true.")


def _either(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words[:-1])) + f" or {words[-1]!r}"


# -- acting ----------------------------------------------------------------------------------------------------------


def _clean_bars(bars: Bars, rules: Sequence[Rule], repair: Repair, validate: bool) -> tuple[Bars, SanityReport]:
    if not bars.n_bars:
        raise MissingDataError(f"There are no bars of {', '.join(bars.symbols[:5])}; ask for another range.")
    if not validate:
        size = bars.n_bars * bars.n_assets
        return _unchecked(bars), SanityReport(n_rows=size, n_kept=size, checked=False)
    verdicts = [judge_column(bars, j, rules) for j in range(bars.n_assets)]
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
    verdict = judge_raw(raw, rules if validate else ())
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
    """Name, stage and meaning of each built-in rule, those that are only asked for last.

    Examples
    --------
    >>> describe_rules()[0]
    ('stamp', 'row', 'The time of a row can be read.')
    """
    return [(rule.name, rule.stage, (type(rule).__doc__ or "").split("\n")[0]) for rule in rules_by_name().values()]


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
