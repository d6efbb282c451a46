"""How good a series is, as one number in [0, 1] that can be taken apart.

Entry points: `quality` (per instrument and window), `Quality`, `require_quality` (the gate), `rolling_quality` (known
at each bar, for models that trust a regime less on worse data).

``score = completeness x validity x freshness x consistency``, each in [0, 1]:

| part | formula |
|---|---|
| completeness | bars present / bars due by the exchange's calendar |
| validity | rows that became bars / rows judged |
| freshness | 1 - repeats / bars; times 1 / (1 + bars due at the end) when `now` is given |
| consistency | (1 - flagged / bars) x 0.8 ** breaks |

A repeat has the same four prices as the bar before. Flagged are spikes that the next bar takes back, and moves beyond a
factor of two. Breaks are gaps that look like splits, and changes of the unit of volume.

A product, because a series is as good as its worst property: half the bars missing is 0.5 at best, whatever the rest.

Invariants: 1.0 means that nothing was found; a window without a single due bar and without rows has no score (NaN).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..domain.bars import Bars, Instant, instant_ns
from ..domain.errors import InconsistentDataError, InputError, MissingDataError, closest
from .completeness import Coverage, coverage_of
from .intervals import infer_interval
from .judging import Judged, judge_column, judge_raw, series_of_column, series_of_raw
from .raw import RawSeries
from .rules import FULL_RULES, Rule, Series
from .schedule import bars_due, session_numbers
from .stamps import NAT

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["WINDOWS", "Quality", "Tally", "quality", "require_quality", "rolling_quality", "tally"]

WINDOWS: Final[Mapping[str, str]] = {"1y": "Y", "1q": "Q", "1mo": "M", "1w": "W"}
"""Windows by name: calendar years, quarters, months, weeks (from Monday)."""

_BREAK: Final = 0.8
_FLAGS: Final = ("spike", "jump")
_BREAKS: Final = ("split", "volume_unit")


@dataclass(frozen=True, slots=True)
class Quality:
    """Score of one instrument over one window.

    Parameters
    ----------
    symbol : str
        Whose score it is.
    start, end : str
        First and last session date looked at, ISO.
    expected, present : int
        Bars due by the calendar, and bars that are there.
    rows, rejected : int
        Rows judged, and rows that did not become bars.
    repeats, flagged, breaks : int
        See the table of the module.
    age_bars : int
        Bars that were due after the last one, when `now` was given.
    completeness, validity, freshness, consistency : float
        The parts, in [0, 1].
    """

    symbol: str
    start: str
    end: str
    expected: int
    present: int
    rows: int
    rejected: int
    repeats: int
    flagged: int
    breaks: int
    age_bars: int
    completeness: float
    validity: float
    freshness: float
    consistency: float

    @property
    def score(self) -> float:
        """Product of the parts, in [0, 1]."""
        return self.completeness * self.validity * self.freshness * self.consistency

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a part that does not exist is None."""
        found: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        found["score"] = self.score
        return {
            key: None if isinstance(value, float) and not np.isfinite(value) else value for key, value in found.items()
        }


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What scores are counted from: every row of one instrument, and what is known about it.

    Parameters
    ----------
    symbol : str
    judged : Judged
        By the full set of rules.
    coverage : Coverage
        Of the bars that are left.
    kept : Series
        The bars that are left, by time.
    ts : int64 array, shape (n_kept,)
        Stamps of the bars that are left.
    row_ts : int64 array, shape (n_rows,)
        Stamps of all rows, `stamps.NAT` where unreadable.
    rejected : bool array, shape (n_rows,)
    repeats : bool array, shape (n_kept,)
    flagged, breaks : int64 array
        Stamps of findings.
    """

    symbol: str
    calendar: str
    interval_ns: int
    judged: Judged
    coverage: Coverage
    kept: Series
    ts: npt.NDArray[np.int64]
    row_ts: npt.NDArray[np.int64]
    rejected: npt.NDArray[np.bool_]
    repeats: npt.NDArray[np.bool_]
    flagged: npt.NDArray[np.int64]
    breaks: npt.NDArray[np.int64]


def quality(
    data: Bars | RawSeries | Sequence[RawSeries], window: str | None = None, *, now: Instant | None = None,
    calendar: str | None = None,
) -> tuple[Quality, ...]:  # fmt: skip
    """Scores per instrument and window.

    Parameters
    ----------
    data : Bars, RawSeries or sequence of RawSeries
        Raw rows tell more than bars: what was rejected counts against validity, and against completeness too, for the
        bar is not there.
    window : {"1y", "1q", "1mo", "1w"} or None
        Calendar windows; None is the whole series.
    now : Instant, optional
        Makes the age of the last bar count in the last window.
    calendar : str, optional
        Instead of each instrument's own.

    Returns
    -------
    tuple of Quality
        By instrument, then by time.

    Raises
    ------
    InputError
        If there is no such window.

    Examples
    --------
    >>> days = np.array(["2024-07-02", "2024-07-03", "2024-07-08"], dtype="datetime64[D]")
    >>> close = [50, 51, 52]
    >>> bars = Bars.from_arrays(days, close, close, close, close, symbols="SPY", interval_ns=86_400_000_000_000)
    >>> found = quality(bars)[0]
    >>> found.expected, found.present, found.completeness, found.score
    (4, 3, 0.75, 0.75)
    """
    require_window(window)
    moment = None if now is None else instant_ns(now)
    return tuple(score for found in tally(data, calendar) for score in scores_of(found, window, now=moment))


def require_window(window: str | None) -> None:
    """Refuse a window that there is not (InputError, with the nearest)."""
    if window is not None and window not in WINDOWS:
        raise InputError(
            f"window is {window!r}{closest(str(window), WINDOWS) or ';'} It must be one of {', '.join(WINDOWS)}, or "
            "left out for the whole series."
        )


def tally(
    data: Bars | RawSeries | Sequence[RawSeries], calendar: str | None = None, *, rules: Sequence[Rule] = FULL_RULES,
    first_day: int | None = None, last_day: int | None = None,
) -> list[Tally]:  # fmt: skip
    """Judge data and lay out what scores and pictures are made of.

    Parameters
    ----------
    data : Bars, RawSeries or sequence of RawSeries
    calendar : str, optional
        Instead of each instrument's own.
    rules : sequence of Rule
        Rules to judge by.
    first_day, last_day : int, optional
        Range in which bars are expected, days since 1970-01-01; by default from the first to the last bar.

    Returns
    -------
    list of Tally
        One per instrument.
    """
    reach = (first_day, last_day)
    if isinstance(data, Bars):
        return [
            _tally(*series_of_column(data, j), judge_column(data, j, rules), calendar, reach)
            for j in range(data.n_assets)
        ]
    return [
        _tally(
            raw.instrument.id,
            series_of_raw(raw),
            judge_raw(raw, rules), calendar, reach,
        )
        for raw in ([data] if isinstance(data, RawSeries) else data)
    ]  # fmt: skip


def _tally(
    symbol: str, series: Series, judged: Judged, calendar: str | None, reach: tuple[int | None, int | None]
) -> Tally:
    code = calendar or series.calendar
    there = np.arange(series.ts.size) if judged.keep is None else judged.keep
    if series.nan_is_no_bar:
        claims = ~(np.isnan(series.open) & np.isnan(series.high) & np.isnan(series.low) & np.isnan(series.close))
        there = there[claims[there]]
    else:
        claims = np.ones(series.ts.size, dtype=np.bool_)
    kept = series.take(there)
    rejected = claims.copy()
    rejected[there] = False
    same = np.zeros(kept.ts.size, dtype=np.bool_)
    if kept.ts.size > 1:
        same[1:] = True
        for prices in (kept.open, kept.high, kept.low, kept.close):
            same[1:] &= prices[1:] == prices[:-1]
    interval = series.interval_ns or infer_interval(kept.ts)
    stamps = {name: series.ts[judged.where.get(name, there[:0])] for name in (*_FLAGS, *_BREAKS)}
    return Tally(
        symbol, code, interval, judged,
        coverage_of(symbol, kept.ts, code, interval, first_day=reach[0], last_day=reach[1]), kept, kept.ts,
        series.ts[claims], rejected[claims], same, np.sort(np.concatenate([stamps[name] for name in _FLAGS])),
        np.sort(np.concatenate([stamps[name] for name in _BREAKS])),
    )  # fmt: skip


def scores_of(found: Tally, window: str | None, *, now: int | None = None) -> list[Quality]:
    """Scores of one instrument by window; see `quality`."""
    known = found.row_ts != NAT
    days = session_numbers(np.sort(found.row_ts[known]), found.calendar)
    order = np.argsort(found.row_ts[known], kind="stable")
    row_day = np.empty_like(days)
    row_day[order] = days
    bar_day = session_numbers(found.ts, found.calendar)
    units = found.coverage.sessions
    if found.coverage.unit == "bar":
        # Bars due and present a session: shares times the number, so that windows add up.
        due_day, lost_day = _bar_days(found)
    else:
        due_day, lost_day = units, found.coverage.missing
    if window is None:
        keys = [np.zeros(x.size, dtype=np.int64) for x in (row_day, bar_day, due_day, lost_day)]
    else:
        keys = [_window_of(x, window) for x in (row_day, bar_day, due_day, lost_day)]
    stamp_keys = [
        np.zeros(x.size, dtype=np.int64) if window is None else _window_of(session_numbers(x, found.calendar), window)
        for x in (found.flagged, found.breaks)
    ]
    out = []
    unreadable = int((~known & found.rejected).sum())
    every = np.unique(np.concatenate(keys)) if any(key.size for key in keys) else np.zeros(0, dtype=np.int64)
    for place, key in enumerate(every.tolist()):
        rows, bars, due, lost = (k == key for k in keys)
        seen = np.concatenate((row_day[rows], due_day[due]))
        n_rows, n_rejected = int(rows.sum()), int(found.rejected[known][rows].sum())
        if place == 0:
            n_rows, n_rejected = n_rows + unreadable, n_rejected + unreadable
        n_due, n_lost, n_bars = int(due.sum()), int(lost.sum()), int(bars.sum())
        flagged, breaks = (int((k == key).sum()) for k in stamp_keys)
        repeats = int(found.repeats[bars].sum())
        age = 0
        if now is not None and place == every.size - 1 and found.ts.size:
            age = bars_due(found.calendar, found.interval_ns, int(found.ts[-1]), now)
        out.append(
            Quality(
                found.symbol, str(np.datetime64(int(seen.min()), "D")), str(np.datetime64(int(seen.max()), "D")),
                n_due, n_due - n_lost, n_rows, n_rejected, repeats, flagged, breaks, age,
                (n_due - n_lost) / n_due if n_due else (1.0 if n_bars else 0.0),
                1.0 - n_rejected / n_rows if n_rows else 1.0,
                (1.0 - repeats / n_bars if n_bars else 1.0) / (1.0 + age),
                max(0.0, 1.0 - flagged / n_bars if n_bars else 1.0) * _BREAK**breaks,
            )
        )  # fmt: skip
    return out


def _bar_days(found: Tally) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    lost = session_numbers(found.coverage.missing, found.calendar)
    inside = ~np.isin(found.ts, found.coverage.extra)
    # What is due is what is there (inside of hours) and what is missing.
    there = session_numbers(found.ts[inside], found.calendar)
    return np.sort(np.concatenate((there, lost))), lost


def _window_of(days: npt.NDArray[np.int64], window: str) -> npt.NDArray[np.int64]:
    unit = WINDOWS[window]
    dates = days.astype("datetime64[D]")
    if unit == "W":
        return (days + 3) // 7
    months = dates.astype("datetime64[M]").astype(np.int64)
    return months // {"Y": 12, "Q": 3, "M": 1}[unit]


def require_quality(
    data: Bars | RawSeries | Sequence[RawSeries], minimum: float, *, now: Instant | None = None
) -> tuple[Quality, ...]:
    """The gate: scores of the whole series, or an error when one is too low.

    Parameters
    ----------
    data : Bars, RawSeries or sequence of RawSeries
    minimum : float
        Least score, in [0, 1].
    now : Instant, optional
        As in `quality`.

    Returns
    -------
    tuple of Quality
        All at or above `minimum`.

    Raises
    ------
    InconsistentDataError
        If a score is below it; the message names the worst part of the worst instrument.
    InputError
        If `minimum` is no fraction.
    MissingDataError
        If there is nothing to score.

    Examples
    --------
    >>> bars = Bars.from_arrays(None, [50, 51], [50, 51], [50, 51], [50, 51], symbols="BTC-USD")
    >>> require_quality(bars, 0.9)[0].score
    1.0
    """
    if not 0.0 <= minimum <= 1.0:
        raise InputError(f"The least quality is {minimum}; it must be a fraction from 0 to 1.")
    found = quality(data, now=now)
    if not found:
        raise MissingDataError("There is nothing whose quality could be judged.")
    low = [score for score in found if not score.score >= minimum]
    if not low:
        return found
    worst = min(low, key=lambda score: score.score)
    parts = {name: getattr(worst, name) for name in ("completeness", "validity", "freshness", "consistency")}
    part = min(parts, key=lambda name: parts[name])
    raise InconsistentDataError(
        f"{len(low)} of {len(found)} instruments are below the least quality of {minimum:g}: {worst.symbol} has "
        f"{worst.score:.4f}, mostly for its {part} of {parts[part]:.4f}. Look with `tradewright data check`, mend the "
        "source, leave the instrument out, or lower data.quality_minimum."
    )


def rolling_quality(bars: Bars, window: int = 252) -> npt.NDArray[np.float64]:
    """Score of the last `window` rows, known at the close of each: what a model may trust its input by.

    Parameters
    ----------
    bars : Bars
        NaN where an instrument has no bar.
    window : int
        Rows looked back at.

    Returns
    -------
    float64 array, shape (n_bars, n_assets)
        (rows with a bar / rows since the instrument's first) x (1 - repeats / bars); NaN before the first bar. Causal:
        row ``t`` is the same whatever comes after it. What only the future can tell (a spike taken back) is no part.

    Raises
    ------
    InputError
        If `window` is below 1.

    Examples
    --------
    >>> nan = float("nan")
    >>> close = [1, 2, nan, 3, 3]
    >>> bars = Bars.from_arrays(None, close, close, close, close)
    >>> rolling_quality(bars, 4)[:, 0].round(3).tolist()
    [1.0, 1.0, 0.667, 0.75, 0.5]
    """
    if window < 1:
        raise InputError(f"window is {window}; it must be at least 1 row.")
    there = ~np.isnan(bars.close)
    out = np.full(bars.close.shape, np.nan)
    for j in range(bars.n_assets):
        rows = np.flatnonzero(there[:, j])
        if not rows.size:
            continue
        same = np.zeros(bars.n_bars)
        if rows.size > 1:
            equal = np.ones(rows.size - 1, dtype=np.bool_)
            for prices in (bars.open, bars.high, bars.low, bars.close):
                equal &= prices[rows[1:], j] == prices[rows[:-1], j]
            same[rows[1:][equal]] = 1.0
        first = int(rows[0])
        have, again = (_last(x[first:], window) for x in (there[:, j].astype(np.float64), same))
        due = np.minimum(np.arange(1, have.size + 1), window)
        out[first:, j] = have / due * (1.0 - np.divide(again, have, out=np.zeros_like(have), where=have > 0.0))
    return out


def _last(x: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Sum of the last `window` values; exact, for they are counts."""
    total = np.cumsum(x)
    total[window:] -= total[:-window].copy()
    return total
