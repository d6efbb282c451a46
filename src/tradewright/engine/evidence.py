"""How much a result is worth, given everything that was tried on the same returns.

Entry points: `Evidence`, `record_backtest`, `SweepRecorder`, `evidence_of`.

Invariants: evidence depends on the ledger of trials and is therefore no part of a result's document, bytes or hash; it
is computed when asked for, with the ledger as it is then, so trials that are made later count too. Repeats change
nothing in it.
"""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import ConfigError, InputError, closest
from tradewright.domain.forecasts import HOLD
from tradewright.engine.manifest import decisions_hash, plain, source_hash, strategy_spec
from tradewright.engine.settings import settings_hash
from tradewright.engine.trials import (
    SKETCH,
    FileTrialLedger,
    MemoryTrialLedger,
    Subject,
    market_of_bars,
    outcome_mix,
    packed_floats,
    packed_index,
    packed_sketches,
    trial_key,
    trial_ledger,
)
from tradewright.strategies.base import FunctionStrategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradewright.domain.bars import Bars
    from tradewright.engine.prepared import Prepared
    from tradewright.engine.result import Result
    from tradewright.measures.overfitting import SharpeMoments

    F64 = np.ndarray[Any, np.dtype[np.float64]]
    Ledger = FileTrialLedger | MemoryTrialLedger

__all__ = [
    "CONFIDENCE",
    "Evidence",
    "SweepRecorder",
    "evidence_of",
    "evidence_of_result",
    "ledger_of",
    "record_backtest",
]

CONFIDENCE: Final = 0.95
"""Deflated probability from which a result is called significant."""
_SKETCHED: Final = 64
_MOST_SKETCHES: Final = 2048
_DAY_NS: Final = 86_400_000_000_000
_PART: Final = 16_384  # returns computed at a time

CONVENTIONS: Final[Mapping[str, str]] = {
    "probabilistic_sharpe": "Probability that the true Sharpe ratio is above 0, from its estimate, the number of "
    "returns, their skewness and kurtosis (Bailey and López de Prado 2012, eq. 11).",
    "deflated_sharpe": "The same against the Sharpe ratio that the best of the effective trials is expected to have by "
    "luck (Bailey and López de Prado 2014, eq. 2).",
    "n_trials": "Different trials in the ledger that share an instrument with this result and overlap with it in time, "
    "this one included; the same subject, parameters, settings, data and outcome again is a repeat and counts once.",
    "effective_trials": "Independent trials whose best would be as good by luck, simulated from the correlation of the "
    "trials' returns; trials without a sketch of their returns are extrapolated.",
    "expected_best_by_luck": "Annual Sharpe ratio that the best of the effective trials is expected to have without "
    "skill: sharpe_deviation times the expected maximum of that many normals.",
    "sharpe_deviation": "Deviation (ddof 1) of the annual Sharpe ratios over the trials, at least that of one estimate "
    "without skill.",
    "min_track_record": "Bars that the track record must have for the Sharpe ratio to be above 0 with 95 % (Bailey and "
    "López de Prado 2012, eq. 13); with one trial.",
    "min_track_record_deflated": "The same against the best that luck would give.",
    "significant": "Whether deflated_sharpe is at least 0.95.",
}
"""How each number of the evidence is computed."""


class Evidence(Mapping[str, Any]):
    """What stands behind a result: its trials, and what is left of its Sharpe ratio.

    A mapping; ``convention(name)`` says how a number is computed.

    Examples
    --------
    >>> import numpy as np, tradewright as tw
    >>> close = 100 * np.exp(np.cumsum(np.random.default_rng(4).normal(0.001, 0.01, 500)))
    >>> before = tw.trial_ledger()
    >>> tw.use_ledger(tw.MemoryTrialLedger())
    >>> results = [tw.backtest({"close": close}, "sma_cross", params={"fast": f, "slow": 40}) for f in (5, 10, 10)]
    >>> found = results[-1].evidence
    >>> found["counted"], found["n_trials"], 1.0 <= found["effective_trials"] <= 2.0
    (True, 2, True)
    >>> found["deflated_sharpe"] <= found["probabilistic_sharpe"]
    True
    >>> tw.use_ledger(None)
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            hint = closest(name, self._values) or "."
            raise InputError(f"The evidence has no {name!r}{hint} It has: {', '.join(self._values)}.") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def convention(self, name: str) -> str:
        """How a number is computed; empty for those that explain themselves."""
        return CONVENTIONS.get(name, "")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, with the conventions."""
        return {**self._values, "conventions": dict(CONVENTIONS)}

    @property
    def sentence(self) -> str:
        """What it comes to, for people."""
        if not self["counted"]:
            return "; ".join(self["stamps"])
        n, effective = self["n_trials"], self["effective_trials"]
        alike = f"{effective:,.{0 if effective >= 10 else 1}f} independent ones"
        head = (
            f"{n:,} trials (like {alike}) on these returns stand behind this"
            if n > 1
            else ("1 trial stands behind this, the only one on these returns so far")
        )
        deflated = self["deflated_sharpe"]
        if deflated is None:
            return f"{head}; there is no Sharpe ratio to judge"
        verdict = "passes" if self["significant"] else "does not pass"
        luck = f"what luck gives the best of them ({self['expected_best_by_luck']:.2f})" if n > 1 else "0"
        return (
            f"{head}: with a probability of {deflated * 100:.1f} % its Sharpe ratio ({self['sharpe']:.2f}) is truly "
            f"above {luck}, which {verdict} at 95 %"
        )

    def __repr__(self) -> str:
        width = max(map(len, self._values))
        return "\n".join(f"{name:<{width}}  {'-' if value is None else value}" for name, value in self._values.items())


def ledger_of(resolved: Any = None) -> Ledger | None:
    """Return the ledger that a run is counted in; None when that is switched off."""
    block = None if resolved is None else getattr(resolved.config, "research", None)
    return trial_ledger(None if block is None else block.trials)


def record_backtest(result: Result, ledger: Ledger | None, by: str = "backtest") -> Result:
    """Count a backtest before anybody sees it.

    Parameters
    ----------
    result : Result
    ledger : ledger or None
        None leaves it uncounted; the evidence says so.
    by : str
        Who ran it.

    Returns
    -------
    Result
        The same.
    """
    kept = result._kept
    if ledger is None:
        kept["uncounted"] = "NO TRIAL LEDGER: this run was not counted, so nothing here is deflated"
        return result
    core_stats, prepared, made = kept["core_stats"], result.prepared, result.strategy
    sharpe, total = core_stats["sharpe"], core_stats["total_return"]
    kept["ledger"] = ledger
    shortcut: Any = None
    if made is not None and isinstance(result.given, str) and ":" not in result.given:
        shortcut = (id(ledger), id(made), None if math.isnan(sharpe) else sharpe, total)
        seen = prepared.memory.get("trials")
        if seen is not None and shortcut in seen:
            kept["trial"] = seen[shortcut][1]
            ledger.repeated()
            return result
    subject, params = _subject(result)
    market = market_of_bars(prepared.bars)
    outcome = int(outcome_mix(sharpe, total))
    key = kept["trial"] = trial_key(subject, market.data, params, outcome)
    known: set[int] = _known(ledger)
    if key in known:
        ledger.repeated()
    else:
        moments = _moments_of(result)
        body = {
            "n": 1,
            "kind": "trials",
            "subject": subject._asdict(),
            "params": params,
            "data": {"hash": market.data, "symbols": market.symbols, "start": market.start, "end": market.end},
            "score": {
                "sharpe": _defined(moments.sharpe),
                "n": moments.n,
                "skew": _defined(moments.skew),
                "kurtosis": _defined(moments.kurtosis),
                "periods": prepared.periods_per_year,
                "total_return": _defined(total),
                "outcome": outcome,
            },
            "origin": {"by": by, "pid": os.getpid()},
        }
        count = prepared.memory.get("n_trials", 0)
        prepared.memory["n_trials"] = count + 1
        if count < _SKETCHED or count % (count // _SKETCHED + 1) == 0:
            sketch = _sketch(result.equity, prepared)
            body["sketch"] = {"values": packed_sketches(sketch)}
        if not _put(ledger, [body], kept):
            return result
        known.add(key)
    if shortcut is not None:
        prepared.memory.setdefault("trials", {})[shortcut] = (made, key)
    return result


class SweepRecorder:
    """Counts the sets of a sweep while they are evaluated.

    Parameters
    ----------
    prepared : Prepared
    ledger : ledger or None
    subject : Subject
    fixed : mapping
        Parameters with one value, defaults included.
    grid : Grid
    metrics : sequence of str
        Names of the columns of what is evaluated.
    """

    def __init__(
        self,
        prepared: Prepared,
        ledger: Ledger | None,
        subject: Subject,
        fixed: Mapping[str, Any],
        grid: Any,
        metrics: Sequence[str],
    ) -> None:
        self.kept: dict[str, Any] = {"ledger": ledger}
        self._ledger, self._prepared, self._grid = ledger, prepared, grid
        self._sharpe, self._total = metrics.index("sharpe"), metrics.index("total_return")
        self._flat: list[Any] = []
        self._rows: list[F64] = []
        self._waiting, self._last = 0, time.monotonic()
        if ledger is None:
            self.kept["uncounted"] = "NO TRIAL LEDGER: these sets were not counted, so nothing here is deflated"
            return
        market = market_of_bars(prepared.bars)
        self._common = {
            "kind": "trials",
            "subject": subject._asdict(),
            "params": {"fixed": plain(dict(fixed)), "axes": plain(grid.axes)},
            "data": {"hash": market.data, "symbols": market.symbols, "start": market.start, "end": market.end},
            "origin": {"by": "sweep", "pid": os.getpid()},
        }

    def add(self, first: int, rows: F64, *, now: bool = False) -> None:
        """Take sets ``first ...`` with their metrics; they are written in batches, or `now`."""
        if self._ledger is None or not len(rows):
            return
        self._flat.append(self._grid._index[first : first + len(rows)])
        self._rows.append(rows)
        self._waiting += len(rows)
        if now or self._waiting >= 65_536 or time.monotonic() - self._last > 0.5:
            self.flush()

    def flush(self) -> None:
        """Write what was taken so far."""
        if self._ledger is None or not self._waiting:
            return
        flat, rows = np.concatenate(self._flat), np.concatenate(self._rows)
        order = np.argsort(flat, kind="stable")
        self._flat, self._rows, self._waiting, self._last = [], [], 0, time.monotonic()
        body = {
            "n": int(flat.size),
            **self._common,
            "sets": packed_index(flat[order]),
            "score": {
                "sharpe": packed_floats(rows[order, self._sharpe]),
                "total_return": packed_floats(rows[order, self._total]),
                "n": self._prepared.bars.n_bars,
                "periods": self._prepared.periods_per_year,
            },
        }
        _put(self._ledger, [body], self.kept)

    def finish(self, run: Callable[[int], F64], *, cheap: bool) -> None:
        """Write the rest, with sketches of some sets; `run` gives the equity of a set.

        `cheap` runs sketch up to 64 sets; others at most a twelfth of them, so that a sweep takes hardly longer.
        """
        if self._ledger is None:
            return
        total = len(self._grid)
        most = min(_SKETCHED, total if cheap else total // 12)
        if most < 2:
            return
        places = np.unique(np.linspace(0, total - 1, most).round().astype(np.int64))
        rows = np.array([_sketch(run(int(place)), self._prepared) for place in places])
        growth = _extrapolated(rows, total) - _independent(rows)
        sketch = {"rows": places.tolist(), "values": packed_sketches(rows), "growth": growth}
        _put(self._ledger, [{"n": 0, **self._common, "kind": "sketch", "sketch": sketch}], self.kept)


def subject_of(strategy: Any, given: Any, prepared: Prepared, decisions: Any = None, equity: Any = None) -> Subject:
    """Name, source and settings of what is tried.

    A registered strategy, or one of a file or module, is known by its source. A function or class of a running program
    may hold values that its source does not show, so what it decided (or, bar by bar, earned) belongs to its identity;
    so it does where arrays were given instead of a strategy.
    """
    memory = prepared.memory
    settings = memory.get("settings_hash")
    if settings is None:
        settings = memory["settings_hash"] = settings_hash(prepared.settings.as_dict())[:16]
    if strategy is None:
        return Subject(f"given {decisions.kind}", _given_hash(decisions)[:16], settings)
    name = str(getattr(strategy, "name", "") or type(strategy).__name__)
    source = _source(strategy)
    if decisions is not None and (
        isinstance(strategy, FunctionStrategy) or strategy_spec(given)["kind"] not in {"registered", "file", "module"}
    ):
        made = decisions_hash(decisions)
        if made is None and equity is not None:
            import hashlib

            made = hashlib.sha256(np.ascontiguousarray(equity, dtype="<f8").tobytes()).hexdigest()
        source = f"{source}-{(made or '')[:16]}"
    return Subject(name, source, settings)


def _given_hash(decisions: Any) -> str:
    """Hash of given decisions; of signals that seldom have an opinion only those, which takes half the time."""
    codes = decisions.signals
    if codes is None or decisions.scale is not None:
        return decisions_hash(decisions) or ""
    flat = codes.reshape(-1)
    rows = np.flatnonzero(flat != HOLD)
    if rows.size > flat.size // 8:
        return decisions_hash(decisions) or ""
    import hashlib

    digest = hashlib.sha256(f"opinions {codes.shape}".encode())
    digest.update(rows.astype("<i8", copy=False).data)
    digest.update(flat[rows].data)
    return digest.hexdigest()


def evidence_of(
    moments: SharpeMoments, bars: Bars, periods_per_year: float, kept: Mapping[str, Any], trial: int | None
) -> Evidence:
    """Evidence for a Sharpe ratio that was estimated on bars.

    Parameters
    ----------
    moments : SharpeMoments
        Per bar.
    bars : Bars
        What it was tried on.
    periods_per_year : float
    kept : mapping
        ``ledger``, or ``uncounted`` with the reason.
    trial : int or None
        Identity of the trial.
    """
    year = math.sqrt(periods_per_year)
    n = moments.n
    known = math.isfinite(moments.sharpe) and n > 1
    record = moments.min_track_record() if known else math.nan
    values: dict[str, Any] = {
        "counted": "uncounted" not in kept,
        "trial": None if trial is None else f"{trial:016x}",
        "sharpe": _defined(moments.sharpe * year),
        "n_returns": n,
        "skew": _defined(moments.skew),
        "kurtosis": _defined(moments.kurtosis),
        "probabilistic_sharpe": _defined(moments.probabilistic()) if known else None,
        "deflated_sharpe": None,
        "significant": False,
        "n_trials": None,
        "effective_trials": None,
        "expected_best_by_luck": None,
        "sharpe_deviation": None,
        "min_track_record": _bars(record),
        "min_track_record_years": _defined(record / periods_per_year),
        "min_track_record_deflated": None,
        "confidence": CONFIDENCE,
        "stamps": [],
    }
    if "uncounted" in kept:
        values["stamps"] = [kept["uncounted"]]
        return Evidence(values)
    from tradewright.measures.overfitting import expected_max_sharpe

    ledger: Ledger = kept["ledger"]
    found = ledger.scope(market_of_bars(bars))
    count = max(1, found.n_trials)
    effective = _effective_of(ledger, found)
    one = 1.0 / max(1, n - 1)
    spread = float(found.sharpes.var(ddof=1)) / periods_per_year if found.sharpes.size > 1 else 0.0
    variance = max(one, spread)
    luck = expected_max_sharpe(effective, variance=variance)
    deflated = moments.deflated(effective, variance) if known else math.nan
    values.update(
        deflated_sharpe=_defined(deflated),
        significant=bool(deflated >= CONFIDENCE),
        n_trials=count,
        effective_trials=effective,
        expected_best_by_luck=luck * year,
        sharpe_deviation=math.sqrt(variance) * year,
        min_track_record_deflated=_bars(moments.min_track_record(luck)) if known else None,
    )
    return Evidence(values)


def evidence_of_result(result: Result) -> Evidence:
    """Evidence for a backtest, with the ledger as it is now."""
    kept = result._kept
    if "uncounted" not in kept and "ledger" not in kept:
        kept["uncounted"] = "this run was not counted: it repeats a saved result"
    return evidence_of(_moments_of(result), result.bars, result.periods_per_year, kept, kept.get("trial"))


# --- private ------------------------------------------------------------------------------------------

_sources: dict[Any, str] = {}


def _source(strategy: Any) -> str:
    if isinstance(strategy, FunctionStrategy):
        return (source_hash(strategy) or "")[:16]
    kind = type(strategy)
    found = _sources.get(kind)
    if found is None:
        if len(_sources) > 1024:
            _sources.clear()
        found = _sources[kind] = (source_hash(strategy) or "")[:16]
    return found


def _subject(result: Result) -> tuple[Subject, dict[str, Any]]:
    equity = result.equity if result.decisions.kind == "callback" else None
    subject = subject_of(result.strategy, result.given, result.prepared, result.decisions, equity)
    params = plain(result.params)
    if result.decisions.scale is not None:
        params["sizes"] = (decisions_hash(result.decisions) or "")[:16]
    return subject, params


def _known(ledger: Ledger) -> set[int]:
    """Trials that this process has recorded; a forked child begins anew, which costs a repeat at most."""
    found: set[int] = ledger._cache.setdefault("known", set())
    return found


def _put(ledger: Ledger, bodies: list[dict[str, Any]], kept: dict[str, Any]) -> bool:
    """Write rows; a place that cannot be written to leaves the run uncounted, and says so once."""
    try:
        ledger._put(bodies)
    except ConfigError as error:
        kept["uncounted"] = f"TRIAL LEDGER NOT WRITTEN: this run was not counted ({error})"
        warnings.warn(f"Trials are not counted: {error}", UserWarning, stacklevel=4)
        return False
    return True


def _moments_of(result: Result) -> SharpeMoments:
    """Moments of the returns; the Sharpe ratio is the engine's, which knows the risk-free rate."""
    found: SharpeMoments | None = result._kept.get("moments")
    if found is None:
        initial = result.initial_capital
        year = math.sqrt(result.periods_per_year)
        sharpe = result._kept["core_stats"]["sharpe"] / year
        found = result._kept["moments"] = moments_of_equity(result.equity, initial, sharpe)
    return found


def moments_of_equity(equity: F64, initial: float, sharpe: float) -> SharpeMoments:
    """Skewness and kurtosis of the returns of an equity curve, beside a Sharpe ratio per bar that is known."""
    from tradewright.measures.overfitting import SharpeMoments

    n = equity.size
    mean = sum(float(part.sum()) for part in _returns_in_parts(equity, initial)) / max(n, 1)
    powers = np.zeros(3)
    for part in _returns_in_parts(equity, initial):
        off = part - mean
        square = off * off
        powers += (float(square.sum()), float(square @ off), float(square @ square))
    variance = float(powers[0]) / max(n, 1)
    if not (variance > 0.0 and math.isfinite(variance) and math.isfinite(sharpe)):
        return SharpeMoments(math.nan, n, math.nan, math.nan)
    return SharpeMoments(sharpe, n, float(powers[1]) / n / variance**1.5, float(powers[2]) / n / variance**2)


def _returns_in_parts(equity: F64, initial: float) -> Iterator[F64]:
    """Returns of a curve in parts that stay in the processor's cache: a long curve is not copied."""
    for first in range(0, equity.size, _PART):
        before = initial if first == 0 else float(equity[first - 1])
        yield _returns(equity[first : first + _PART], before)


def _returns(equity: F64, initial: float) -> F64:
    before = np.empty_like(equity)
    before[0] = initial
    before[1:] = equity[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        change: F64 = equity / before - 1.0
    return change


def _sketch(equity: F64, prepared: Prepared) -> F64:
    """Random projection of centred returns, keyed by the day: two runs correlate as their sketches do.

    Each day of the calendar belongs to one of 128 places and has a sign, both from a hash of its number, so runs over
    other ranges or bar lengths meet in the same places.
    """
    memory = prepared.bars._cache
    keyed = memory.get("sketch")
    if keyed is None:
        from tradewright.engine.trials import _finished

        ts = np.asarray(prepared.bars.ts)
        days = np.arange(int(ts[0]) // _DAY_NS, int(ts[-1]) // _DAY_NS + 1, dtype=np.int64)
        starts = np.searchsorted(ts, days * _DAY_NS)
        held = np.diff(starts, append=ts.size) > 0
        mixed = _finished(days[held].view(np.uint64))
        place = (mixed % np.uint64(SKETCH)).astype(np.int64)
        sign = np.where((mixed >> np.uint64(63)).astype(bool), 1.0, -1.0)
        keyed = memory["sketch"] = (starts[held], place, sign)
    starts, place, sign = keyed
    equity, initial = np.asarray(equity, dtype=np.float64), prepared.settings.initial_capital
    sums = np.zeros(starts.size)
    first = 0
    while first < starts.size:
        # Whole days, as many as a part holds.
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + _PART)))
        low, high = int(starts[first]), int(starts[last]) if last < starts.size else equity.size
        change = _returns(equity[low:high], initial if low == 0 else float(equity[low - 1]))
        change[~np.isfinite(change)] = 0.0  # an equity of zero on the way
        sums[first:last] = np.add.reduceat(change, starts[first:last] - low)
        first = last
    sums -= float(sums.sum()) / equity.size * np.diff(starts, append=equity.size)
    summed: F64 = np.bincount(place, weights=sums * sign, minlength=SKETCH).astype(np.float64, copy=False)
    return summed


def _independent(rows: F64) -> float:
    from tradewright.measures.multiple import independent_equivalent

    return independent_equivalent(rows, draws=2048)


def _extrapolated(rows: F64, total: int) -> float:
    """Effective trials of `total` of which these rows are an even sample.

    The number grows as a power of the number of trials; the power is seen between half of the sample and all of it
    (1 when there are too few to see). It falls as a grid gets denser, so this errs towards too many.
    """
    count = rows.shape[0]
    found = _independent(rows)
    if count >= total:
        return found
    power = 1.0
    if count >= 8:
        half = _independent(rows[::2])
        power = min(1.0, max(0.0, math.log2(found / half) / math.log2(count / rows[::2].shape[0])))
    return float(min(float(total), found * (total / count) ** power))


def _effective_of(ledger: Ledger, found: Any) -> float:
    """Effective number, kept while the ledger hands out the same scope."""
    kept = ledger._cache.get("effective")
    if kept is None or kept[0] is not found:
        kept = ledger._cache["effective"] = (found, _effective(found))
    return float(kept[1])


def _effective(found: Any) -> float:
    """Effective number of the trials of a scope."""
    count = max(1, found.n_trials)
    sketches = found.sketches
    if sketches.shape[0] == 0:
        return float(count)
    if sketches.shape[0] > _MOST_SKETCHES:
        kept = np.linspace(0, sketches.shape[0] - 1, _MOST_SKETCHES).round().astype(np.int64)
        sketches, most = sketches[kept], sketches.shape[0]
    else:
        most = sketches.shape[0]
    left = max(0, count - found.n_sketched)
    shown = _extrapolated(sketches, most + left) + found.growth
    return float(min(float(count), max(1.0, shown)))


def _defined(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _bars(value: float) -> int | None:
    return math.ceil(value) if math.isfinite(value) else None
