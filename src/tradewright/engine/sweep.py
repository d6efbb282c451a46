"""One strategy under many parameter sets.

Entry points: `sweep`, `SweepResult`.

Invariants: row ``i`` of a sweep equals, bit for bit, the statistics of a single backtest with set ``i``, whatever the
number of workers; metrics are streamed, so memory grows by a few numbers a set and never by bars times sets; a sweep
that was killed goes on from its resume file and repeats less than a hundredth of the work.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.data.membership import membership_of
from tradewright.domain.errors import ConfigError, InputError, closest
from tradewright.engine.backtest import load_inputs, require_bars, resolve_settings
from tradewright.engine.decisions import decide_prepared
from tradewright.engine.evidence import SweepRecorder, ledger_of, subject_of
from tradewright.engine.grid import Grid
from tradewright.engine.manifest import engine_build, plain, source_hash, strategy_spec
from tradewright.engine.parts import PartFile
from tradewright.engine.prepared import Prepared, prepare
from tradewright.engine.result import Origin
from tradewright.engine.settings import settings_hash
from tradewright.engine.statistics import check_plausible
from tradewright.engine.tables import Table
from tradewright.kernel import core
from tradewright.strategies.base import RuleStrategy, typed
from tradewright.strategies.registry import load_object, make_strategy, strategy_class

if TYPE_CHECKING:
    from tradewright.engine.evidence import Evidence

    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["LOWER_IS_BETTER", "SCHEMA", "SweepResult", "sweep"]

SCHEMA: Final = "tradewright.sweep/1"
LOWER_IS_BETTER: Final = frozenset({"volatility", "max_drawdown_bars", "exposure", "turnover", "fees", "slippage"})
"""Metrics of which the smallest value is the best; of all others it is the largest."""

_PARTS: Final = 200
"""A sweep with a resume file is written in at least this many parts, so a kill repeats at most half a percent."""
_BLOCK: Final = 16_384
"""Most parameter sets in one call of the engine; progress and interruption happen between calls."""
_SIGNAL_BYTES: Final = 64 << 20
"""Most bytes of signals that are held at once."""


def sweep(
    data: Any = None,
    strategy: Any = None,
    *,
    grid: Mapping[str, Iterable[Any]],
    where: str | Callable[..., bool] | None = None,
    metric: str = "sharpe",
    params: Mapping[str, Any] | None = None,
    workers: int | None = None,
    resume: str | Path | None = None,
    progress: bool | Callable[[int, int], None] = False,
    symbols: Any = None,
    start: Any = None,
    end: Any = None,
    provider: str | None = None,
    interval: str | None = None,
    profile: str | None = None,
    config: Any = None,
    validate: bool = True,
    load_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> SweepResult:
    """Run a strategy under every combination of parameter values.

    Parameters
    ----------
    data, symbols, start, end, provider, interval, profile, config, validate
        As in `tradewright.backtest`; `load_options` are further arguments of the loader.
    strategy : str, class or function
        What to run; each combination makes its own.
    grid : mapping of str to iterable
        Values per parameter, such as ``{"fast": range(5, 50, 5), "slow": [50, 100, 200]}``.
    where : str or callable, optional
        Which combinations are wanted: ``"fast < slow"``, or a function of the parameters. A strategy's own constraint
        is applied in any case.
    metric : str
        What `best` and `heatmap` look at; one of ``core.METRICS``.
    params : mapping, optional
        Parameters that stay the same.
    workers : int, optional
        Threads or processes; default all processors.
    resume : path, optional
        File that keeps what is done; an existing one of the same sweep is continued.
    progress : bool or callable
        True shows a bar on stderr; a callable gets ``(done, total)``.
    **options
        Engine settings and costs, as in `tradewright.backtest`.

    Returns
    -------
    SweepResult

    Raises
    ------
    ConfigError, InputError
        If the grid, a parameter, the metric or an option is refused, or the resume file belongs to another sweep.
    DataError
        If data is missing or shorter than the longest warm-up of the grid.

    Notes
    -----
    Compiled rules never leave the engine. Strategies that answer with signals are asked once per combination, those
    with ``on_bar`` run in processes. The best of many trials is partly luck: `SweepResult.luck` says how much of it.

    Examples
    --------
    >>> import numpy as np, tradewright as tw
    >>> close = 100 + 10 * np.sin(np.arange(300) / 20)
    >>> found = tw.sweep({"close": close}, "sma_cross", grid={"fast": [5, 10], "slow": [10, 20]}, metric="total_return")
    >>> len(found), found.best()["params"]
    (3, {'fast': 5, 'slow': 10})
    """
    if metric not in core.METRICS:
        raise InputError(
            f"There is no metric {metric!r}{closest(metric, core.METRICS) or '.'} Known: {', '.join(core.METRICS)}."
        )
    resolved = None
    if profile is not None or config is not None:
        from tradewright.engine.backtest import resolved_config

        resolved = resolved_config(profile, config, symbols if symbols is not None else getattr(data, "symbols", None))
        block = resolved.config
        if strategy is None:
            strategy, params = block.strategy.name, {**block.strategy.params, **(params or {})}
        if data is None:
            symbols = symbols if symbols is not None else (list(block.data.symbols) or None)
            data = None if block.data.path is None else Path(block.data.path)
            provider = provider or (None if data is not None else block.data.provider)
        start, end, interval = start or block.data.start, end or block.data.end, interval or block.data.interval
    if strategy is None:
        raise InputError("A sweep needs a strategy: a name, a file.py:name, a class or a function.")
    origin = Origin()
    bars, origin.inputs, report = load_inputs(
        data,
        symbols=symbols,
        start=start,
        end=end,
        provider=provider,
        interval=interval,
        validate=validate,
        **(load_options or {}),
    )
    prepared = prepare(bars, resolve_settings(resolved, **options), validate=validate, findings=report)
    maker = _Maker(strategy, dict(params or {}))
    maker.check_names(grid)
    sets = Grid(grid, where, maker.constraint, maker.known)
    longest = maker.longest_warm_up(sets)
    if prepared.bars.n_bars <= longest:
        require_bars(prepared.bars, longest, origin)
    count = workers if workers is not None else (os.cpu_count() or 1)
    if count < 1:
        raise InputError(f"workers is {workers}; it must be at least 1.")

    width = len(core.METRICS)
    metrics = np.full((len(sets), width), np.nan)
    done = np.zeros(len(sets), dtype=bool)
    parts = None if resume is None else PartFile(Path(resume), _key(prepared, maker, sets), width)
    resumed = 0
    if parts is not None:
        for first, rows in parts.done:
            if first + len(rows) > len(sets):
                raise ConfigError(f"{str(resume)!r} holds sets beyond the grid; delete it to start anew.")
            metrics[first : first + len(rows)] = rows
            done[first : first + len(rows)] = True
        resumed = int(done.sum())
    fixed = {name: value for name, value in _params_of(maker.make(sets[0])).items() if name not in sets.axes}
    sample = maker.make(sets[0])
    recorder = SweepRecorder(
        prepared, ledger_of(resolved), subject_of(sample, strategy, prepared), fixed, sets, core.METRICS
    )
    if resumed:  # they may have been made while nothing was counted; those that were counted are repeats
        for first in np.flatnonzero(np.diff(done.astype(np.int8), prepend=0) == 1).tolist():
            stop = first + int((~done[first:]).argmax()) if not done[first:].all() else len(sets)
            recorder.add(first, metrics[first:stop])
    tell, finish = _progress(progress, len(sets))
    finished = resumed
    tell(finished)
    try:
        for first, rows in _evaluate(prepared, maker, sets, done, count, small=parts is not None):
            metrics[first : first + len(rows)] = rows
            recorder.add(first, rows, now=parts is not None)
            if parts is not None:
                parts.append(first, rows)
            finished += len(rows)
            tell(finished)
    except BaseException:
        recorder.flush()  # what was evaluated counts, whether or not anybody gets to see the rest
        raise
    finally:
        finish()
        if parts is not None:
            parts.close()
    recorder.flush()
    if parts is None or _is_compiled(sample):  # a sweep that can be resumed asks a Python strategy nothing twice
        recorder.finish(lambda index: _equity_of(prepared, maker, sets, index), cheap=_is_compiled(sample))
    result = SweepResult(prepared, maker, sets, metrics, metric, origin, resumed)
    result._trials = recorder.kept
    return result


class SweepResult:
    """Metrics of every parameter set.

    Attributes
    ----------
    grid : Grid
        The sets, in order.
    metrics : float64 array, shape (n_sets, len(core.METRICS))
        NaN where a metric is not defined.
    metric : str
        What the sweep was asked about.
    resumed : int
        Sets that came from the resume file.
    """

    def __init__(
        self,
        prepared: Prepared,
        maker: _Maker,
        grid: Grid,
        metrics: F64,
        metric: str,
        origin: Origin,
        resumed: int,
    ) -> None:
        self.prepared = prepared
        self.grid = grid
        self.metrics = metrics
        self.metric = metric
        self.resumed = resumed
        self._maker = maker
        self._origin = origin
        self._trials: dict[str, Any] = {"uncounted": "this sweep was not counted"}

    def __len__(self) -> int:
        return len(self.grid)

    @property
    def n_trials(self) -> int:
        """Parameter sets that were tried: the number by which the best result has to be discounted."""
        return len(self.grid)

    @property
    def strategy_name(self) -> str:
        """Name of the strategy."""
        return self._maker.name

    @property
    def symbols(self) -> tuple[str, ...]:
        """Instruments that were traded."""
        return self.prepared.bars.symbols

    @property
    def table(self) -> Table:
        """Parameters and metrics of every set, in the order of the grid."""
        columns: dict[str, Any] = dict(self.grid.columns())
        for j, name in enumerate(core.METRICS):
            columns[name] = self.metrics[:, j]
        return Table("parameter sets", columns)

    def values(self, metric: str | None = None) -> F64:
        """One metric of every set, shape (n_sets,).

        Raises
        ------
        InputError
            If there is no such metric.
        """
        name = metric or self.metric
        if name not in core.METRICS:
            raise InputError(
                f"There is no metric {name!r}{closest(name, core.METRICS) or '.'} Known: {', '.join(core.METRICS)}."
            )
        return self.metrics[:, core.METRICS.index(name)]

    def ranking(self, metric: str | None = None) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Numbers of the sets from best to worst; undefined ones last, ties in the order of the grid."""
        values = self.values(metric)
        signed = values if (metric or self.metric) in LOWER_IS_BETTER else -values
        return np.argsort(np.where(np.isnan(signed), np.inf, signed), kind="stable")

    def best(self, metric: str | None = None) -> dict[str, Any]:
        """Parameters and metrics of the best set.

        Returns
        -------
        dict
            ``index``, ``params`` and every metric (None where undefined).

        Raises
        ------
        InputError
            If the metric is undefined for every set (nothing traded).
        """
        if np.isnan(self.values(metric)).all():
            raise InputError(
                f"{metric or self.metric} is undefined for all {len(self)} sets: none of them traded enough."
            )
        return self.row(int(self.ranking(metric)[0]))

    def top(self, n: int = 10, metric: str | None = None) -> list[dict[str, Any]]:
        """The best `n` sets, as `best` returns them."""
        return [self.row(int(i)) for i in self.ranking(metric)[:n]]

    def row(self, index: int) -> dict[str, Any]:
        """Parameters and metrics of one set."""
        values = {name: _defined(value) for name, value in zip(core.METRICS, self.metrics[index].tolist(), strict=True)}
        return {"index": index, "params": self.grid[index], **values}

    @property
    def luck(self) -> dict[str, float | int | None]:
        """What the best Sharpe ratio would be expected to be if no set had any skill.

        Notes
        -----
        ``E[max] = sd * ((1 - g) * z(1 - 1 / n) + g * z(1 - 1 / (n e)))`` with ``sd`` the deviation of the Sharpe
        ratios over the sets and ``g`` Euler's constant. Sets that resemble each other count as fewer trials, so the
        true figure is lower. Source: D. Bailey, M. López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio
        Management 40 (2014), eq. 6.
        """
        sharpe = self.values("sharpe")
        known = sharpe[np.isfinite(sharpe)]
        best = float(known.max()) if known.size else None
        if known.size < 2:
            return {"n_trials": self.n_trials, "best_sharpe": best, "expected_best_by_luck": None}
        from statistics import NormalDist

        n, normal, euler = known.size, NormalDist(), 0.5772156649015329
        quantile = (1 - euler) * normal.inv_cdf(1 - 1 / n) + euler * normal.inv_cdf(1 - 1 / (n * math.e))
        return {
            "n_trials": self.n_trials,
            "best_sharpe": best,
            "expected_best_by_luck": float(known.std(ddof=1)) * quantile,
        }

    @property
    def evidence(self) -> Evidence:
        """What stands behind the best set by Sharpe ratio: trials on the same returns, and what they leave of it.

        Computed from the ledger of trials as it is now; no part of the document's bytes.
        """
        from tradewright.engine.evidence import evidence_of, moments_of_equity

        known = not bool(np.isnan(self.values("sharpe")).all())
        index = int(self.ranking("sharpe")[0]) if known else 0
        equity = _equity_of(self.prepared, self._maker, self.grid, index)
        year = math.sqrt(self.prepared.periods_per_year)
        sharpe = float(self.values("sharpe")[index]) / year
        moments = moments_of_equity(equity, self.prepared.settings.initial_capital, sharpe)
        return evidence_of(moments, self.prepared.bars, self.prepared.periods_per_year, self._trials, None)

    @property
    def warnings(self) -> list[str]:
        """What one must know before using the best set."""
        from tradewright.engine.conventions import stamps_of

        prepared, bars = self.prepared, self.prepared.bars
        found = prepared.findings
        repaired = 0 if found is None else found.rejected
        out = stamps_of(bars, prepared.settings, validated=found is not None, repaired=repaired)
        if found is not None:
            out += found.alerts(int(bars.ts[0]), int(bars.ts[-1]))
        luck = self.luck
        if luck["expected_best_by_luck"] is not None:
            out.append(
                f"multiple testing: the best Sharpe ratio of {self.n_trials:,} trials is "
                f"{luck['best_sharpe']:.2f}, of which "
                f"{luck['expected_best_by_luck']:.2f} would be expected without any skill; confirm it on data it "
                "has not seen"
            )
        else:
            out.append(
                f"multiple testing: the best of {self.n_trials:,} trials is partly luck; confirm it on data it "
                "has not seen"
            )
        return out

    def matrix(
        self, x: str | None = None, y: str | None = None, metric: str | None = None
    ) -> tuple[list[Any], list[Any], F64]:
        """One metric over two parameters; of the sets that share both, the best.

        Parameters
        ----------
        x, y : str, optional
            Parameters; default the first two with more than one value.
        metric : str, optional

        Returns
        -------
        xs, ys : list
            Values of the axes.
        values : float64 array, shape (len(ys), len(xs))
            NaN where there is no set.
        """
        wide = [name for name, values in self.grid.axes.items() if len(values) > 1] or list(self.grid.names)
        x = x or wide[0]
        y = y or next((name for name in wide if name != x), x)
        for name in (x, y):
            if name not in self.grid.axes:
                raise InputError(f"The grid has no parameter {name!r}{closest(name, self.grid.axes) or '.'}")
        values = self.values(metric)
        sign = -1.0 if (metric or self.metric) in LOWER_IS_BETTER else 1.0
        places = self.grid.positions()
        out = np.full((len(self.grid.axes[y]), len(self.grid.axes[x])), -np.inf)
        known = np.isfinite(values)
        np.maximum.at(out, (places[y][known], places[x][known]), sign * values[known])
        return self.grid.axes[x], self.grid.axes[y], np.where(np.isneginf(out), np.nan, sign * out)

    def heatmap(self, path: str | Path = "heatmap.html", **options: Any) -> Path:
        """Write a heat map page and return its path (needs the ``report`` extra)."""
        from tradewright.engine.hooks import hook

        written = hook("report.heatmap")(self, Path(path), **options)
        return Path(written) if written is not None else Path(path)

    def document(self) -> dict[str, Any]:
        """Return the sweep as plain values (docs/result-schema.md)."""
        bars, settings = self.prepared.bars, self.prepared.settings
        config = settings.as_dict()
        columns = {name: [_defined(v) for v in self.metrics[:, j].tolist()] for j, name in enumerate(core.METRICS)}
        defined = not bool(np.isnan(self.values()).all())
        return {
            "schema": SCHEMA,
            "strategy": {**self._maker.spec, "name": self._maker.name, "params": plain(self._maker.fixed)},
            "grid": self.grid.as_dict(),
            "metric": self.metric,
            "best": self.best() if defined else None,
            "params": {name: plain(values) for name, values in self.grid.columns().items()},
            "metrics": columns,
            "luck": self.luck,
            "warnings": self.warnings,
            "data": {"hash": bars.data_hash(), "symbols": list(bars.symbols), "n_bars": bars.n_bars},
            "config": config,
            "config_hash": settings_hash(config),
            "key": _key(self.prepared, self._maker, self.grid),
        }

    def to_json(self, *, evidence: bool = False) -> str:
        """Return everything as JSON text (schema ``tradewright.sweep/1``), on wish with the evidence."""
        from tradewright.engine.record import to_bytes

        document = self.document()
        if evidence:
            document["evidence"] = self.evidence.as_dict()
        return to_bytes(document).decode("utf-8")

    def save(self, path: str | Path, *, evidence: bool = False) -> Path:
        """Write the JSON to a file and return its path."""
        from tradewright.engine.record import write_atomic

        return write_atomic(Path(path), self.to_json(evidence=evidence).encode("utf-8"))

    def __repr__(self) -> str:
        head = f"{self.strategy_name} on {', '.join(self.symbols[:4])}: {len(self):,} sets by {self.metric}"
        lines = [head]
        for row in self.top(5):
            words = ", ".join(f"{name}={value}" for name, value in row["params"].items())
            value = row[self.metric]
            lines.append(f"  {'-' if value is None else format(value, '.4g'):>10}  {words}")
        return "\n".join(lines)


# --- private ------------------------------------------------------------------------------------------


class _Maker:
    """Makes a strategy from parameters, again and again."""

    def __init__(self, what: Any, fixed: dict[str, Any]) -> None:
        self.spec = strategy_spec(what)
        if isinstance(what, str):
            what = load_object(what) if ":" in what else strategy_class(what)
        self.what = what
        self.fixed = fixed
        self.constraint = str(getattr(what, "constraint", "") or "")
        self.name = str(getattr(what, "name", "") or getattr(what, "__name__", type(what).__name__))
        self.known: dict[str, Any] = {**getattr(what, "_defaults", {}), **fixed}

    def check_names(self, grid: Mapping[str, Any]) -> None:
        """Refuse axes that are no parameters, where the strategy tells what it takes."""
        own = getattr(self.what, "_defaults", None)
        if own is None or not isinstance(self.what, type):
            return
        for name in grid:
            if name not in own:
                hint = closest(name, own) or "."
                raise InputError(f"{self.name} has no parameter {name!r}{hint} It takes: {', '.join(own) or 'none'}.")

    def make(self, params: Mapping[str, Any]) -> Any:
        return make_strategy(self.what, {**self.fixed, **params})

    def longest_warm_up(self, sets: Grid) -> int:
        """Longest warm-up at the corners of the grid: warm-ups grow or shrink with each parameter."""
        corners = {0, len(sets) - 1}
        for places in sets.positions().values():
            corners |= {int(places.argmin()), int(places.argmax())}
        for values in sets.columns().values():
            if values.dtype != object:
                corners |= {int(values.argmin()), int(values.argmax())}
        found = [getattr(self.make(sets[i]), "warm_up", None) for i in sorted(corners)]
        return max((int(warm_up()) for warm_up in found if warm_up is not None), default=0)


def _evaluate(
    prepared: Prepared, maker: _Maker, sets: Grid, done: np.ndarray[Any, Any], workers: int, *, small: bool
) -> Iterator[tuple[int, F64]]:
    """Finished parts ``(first, metrics)`` of everything that is not done."""
    sample = maker.make(sets[0])
    n_bars = prepared.bars.n_bars
    sees_raw = not prepared.bars.actions or prepared.settings.decide_on == "raw" or prepared.adjusted is None
    free = membership_of(prepared.bars) is None
    if prepared.bars.n_assets == 1 and sees_raw and free and _is_compiled(sample):
        size, run = _BLOCK, _rule_runner(prepared, maker, sets, workers)
    elif getattr(sample, "on_bar", None) is not None:
        size, run = max(1, 4 * workers), _CallbackRunner(prepared, maker, sets, workers)
    else:
        size, run = max(1, min(256, _SIGNAL_BYTES // max(1, n_bars))), _SignalRunner(prepared, maker, sets, workers)
    if small:
        size = max(1, min(size, len(sets) // _PARTS))
    try:
        for first in range(0, len(sets), size):
            last = min(first + size, len(sets))
            if done[first:last].all():
                continue
            at = first
            while at < last:  # a part of another size may have covered some of these
                if done[at]:
                    at += 1
                    continue
                end = at
                while end < last and not done[end]:
                    end += 1
                rows = run(at, end)
                _check_rows(rows, n_bars)
                yield at, rows
                at = end
    finally:
        close = getattr(run, "close", None)
        if close is not None:
            close()


def _is_compiled(strategy: Any) -> bool:
    """Return whether the engine's rule is all there is to a strategy (nothing was overridden)."""
    kind = type(strategy)
    return (
        isinstance(strategy, RuleStrategy)
        and strategy.rule_name in core.RULES
        and kind.rule is RuleStrategy.rule
        and kind.signals is RuleStrategy.signals
    )


def _check_rows(rows: F64, n_bars: int) -> None:
    names = core.METRICS
    total = rows[:, names.index("total_return")]
    suspicious = ~np.isfinite(total) | (np.abs(total) > 1e6)
    for i in np.flatnonzero(suspicious).tolist():
        check_plausible(dict(zip(names, rows[i].tolist(), strict=True)), n_bars)


def _rule_runner(prepared: Prepared, maker: _Maker, sets: Grid, workers: int) -> Callable[[int, int], F64]:
    """Whole blocks in compiled code; sets that differ in how the rule is read go in separate calls."""
    first = maker.make(sets[0])
    names: tuple[str, ...] = first.rule_params
    reading = [name for name in ("on", "direction") if name in sets.names]

    def run(start: int, end: int) -> F64:
        columns = sets.columns(start, end)
        n = end - start
        values = np.empty((n, len(names)), dtype=np.float64)
        for j, name in enumerate(names):
            values[:, j] = columns[name] if name in columns else float(getattr(first, name))
        out = np.empty((n, len(core.METRICS)))
        words = list(zip(*(columns[name].tolist() for name in reading), strict=True)) if reading else [()] * 1
        for word in dict.fromkeys(words):
            rule = maker.make({**sets[start], **dict(zip(reading, word, strict=True))}).rule()
            rows = slice(None) if not reading else np.array([w == word for w in words])
            out[rows] = core.sweep_rule(
                prepared.market,
                prepared.spec,
                rule.name,
                np.ascontiguousarray(values[rows]),
                by_state=rule.by_state,
                long_only=rule.long_only,
                threads=workers,
            )
        return out

    _validate_types(maker, sets)
    return run


def _validate_types(maker: _Maker, sets: Grid) -> None:
    """Refuse values on an axis that a single backtest would refuse (1.5 bars, text), before anything runs."""
    hints = maker.what.hints()
    for name, values in sets.axes.items():
        for value in values:
            typed(maker.name, name, value, hints.get(name))


class _SignalRunner:
    """Asks a strategy once per set; the engine runs what it answers in threads, which hold no lock there."""

    def __init__(self, prepared: Prepared, maker: _Maker, sets: Grid, workers: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._prepared, self._maker, self._sets, self._workers = prepared, maker, sets, workers
        self._pool = ThreadPoolExecutor(workers)

    def __call__(self, start: int, end: int) -> F64:
        prepared = self._prepared
        bars, market, spec = prepared.bars, prepared.market, prepared.spec
        if bars.n_assets > 1:
            numbers = range(start, end)
            rows = self._pool.map(lambda i: _one(prepared, self._maker, self._sets, i), numbers)
            return np.array(list(rows), dtype=np.float64)
        decided = [decide_prepared(self._maker.make(self._sets[i]), prepared) for i in range(start, end)]
        if all(item.kind == "signals" for item in decided):
            signals = np.ascontiguousarray(np.stack([np.asarray(item.signals).reshape(-1) for item in decided]))
            return core.sweep_signals(market, spec, signals, threads=self._workers)
        runs = self._pool.map(lambda item: _metrics(item.run(market, spec, bars, keep=False)), decided)
        return np.array(list(runs), dtype=np.float64)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _metrics(run: core.Run) -> list[float]:
    stats = run.stats
    return [float(stats[name]) for name in core.METRICS]


class _CallbackRunner:
    """Runs ``on_bar`` strategies in processes that share the bars by forking, or one by one without fork."""

    def __init__(self, prepared: Prepared, maker: _Maker, sets: Grid, workers: int) -> None:
        self._prepared, self._maker, self._sets = prepared, maker, sets
        self._pool: Any = None
        if workers > 1 and len(sets) > 1:
            import multiprocessing

            if "fork" in multiprocessing.get_all_start_methods():
                from concurrent.futures import ProcessPoolExecutor

                _shared["work"] = (prepared, maker, sets)
                self._pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork"))

    def __call__(self, start: int, end: int) -> F64:
        if self._pool is None:
            rows = [_one(self._prepared, self._maker, self._sets, i) for i in range(start, end)]
        else:
            rows = list(self._pool.map(_shared_one, range(start, end)))
        return np.array(rows, dtype=np.float64)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            _shared.clear()


_shared: dict[str, Any] = {}


def _shared_one(index: int) -> list[float]:
    prepared, maker, sets = _shared["work"]
    return _one(prepared, maker, sets, index)


def _one(prepared: Prepared, maker: _Maker, sets: Grid, index: int) -> list[float]:
    decided = decide_prepared(maker.make(sets[index]), prepared)
    return _metrics(decided.run(prepared.market, prepared.spec, prepared.bars, keep=False))


def _equity_of(prepared: Prepared, maker: _Maker, sets: Grid, index: int) -> F64:
    decided = decide_prepared(maker.make(sets[index]), prepared)
    return np.asarray(decided.run(prepared.market, prepared.spec, prepared.bars).equity)


def _params_of(strategy: Any) -> dict[str, Any]:
    return dict(getattr(strategy, "params", None) or {})


def _key(prepared: Prepared, maker: _Maker, sets: Grid) -> str:
    """Hash of everything that decides the numbers."""
    grid = sets.as_dict()
    if sets.where == "a function":
        grid["sets"] = hashlib.sha256(np.ascontiguousarray(sets._index).tobytes()).hexdigest()
    what = {
        "data": prepared.bars.data_hash(),
        "config": settings_hash(prepared.settings.as_dict()),
        "strategy": [maker.name, source_hash(maker.make(sets[0])), plain(maker.fixed)],
        "grid": grid,
        "metrics": list(core.METRICS),
        "engine": list(engine_build()),
    }
    return settings_hash(plain(what))


def _progress(
    wanted: bool | Callable[[int, int], None], total: int
) -> tuple[Callable[[int], None], Callable[[], None]]:
    if callable(wanted):
        return lambda done: wanted(done, total), lambda: None
    if not wanted:
        return lambda done: None, lambda: None
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    task = bar.add_task("sweep", total=total)
    bar.start()
    return lambda done: bar.update(task, completed=done), bar.stop


def _defined(value: float) -> float | None:
    return value if value - value == 0.0 else None
