"""Computes the columns of a plan: on whole bars, asset by asset, and row by row.

Entry points: `Setting`, `evaluate`, `RowByRow`.

Invariants: both speeds run the same programs, states and functions of rows, so that they give the same values; an asset
sees only itself unless a feature looks across assets: a row in which it has no bar, because another asset has one, is
no row of its own and has no value.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.bars import FIELDS, Bars
from tradewright.domain.errors import InputError, closest
from tradewright.features.calendar import sessions_of
from tradewright.features.feature import Market
from tradewright.features.multi_timeframe import longer_interval

if TYPE_CHECKING:
    from tradewright.features.dated import DatedSeries
    from tradewright.features.plan import Column, Joint, Plan

    F64 = np.ndarray[Any, np.dtype[np.float64]]
    I64 = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["EQUAL_WEIGHT", "RowByRow", "Setting", "Tables", "benchmark_of", "evaluate"]

EQUAL_WEIGHT: Final = "equal_weight"
_BLOCK: Final = 65_536
_DAY_NS: Final = 86_400_000_000_000

Key = tuple[int, int]
Tables = dict[Key, "F64"]
"""Column and output to values of shape ``(n_assets, n_bars)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What features are computed with, beside bars.

    Parameters
    ----------
    benchmark : str or array of shape (n_bars,)
        A symbol of the bars, ``"equal_weight"``, or a price line.
    sectors : mapping of str to str
        Sector by symbol.
    series : mapping of str to DatedSeries
    """

    benchmark: Any = EQUAL_WEIGHT
    sectors: Mapping[str, str] = field(default_factory=dict)
    series: Mapping[str, DatedSeries] = field(default_factory=dict)

    def market(self, bars: Bars) -> Market:
        """Rows of bars as functions of rows see them."""
        sectors = tuple(self.sectors.get(symbol, "") for symbol in bars.symbols) if self.sectors else ()
        return Market(bars.ts, bars.interval_ns, bars.instruments, sectors, self.series)


class EqualWeight:
    """Index that takes the mean simple return of all assets with a bar in the row, since their last; begins at 1."""

    def __init__(self) -> None:
        self.before: F64 | None = None
        self.level = 1.0

    def extend(self, close: F64) -> F64:
        """Levels of the next rows.

        Examples
        --------
        >>> EqualWeight().extend(np.array([[1.0, 4.0], [2.0, 4.0], [2.0, np.nan]])).tolist()
        [1.0, 1.5, 1.5]
        """
        if not close.shape[0]:
            return np.zeros(0)
        first = np.full((1, close.shape[1]), np.nan) if self.before is None else self.before
        line = np.concatenate([first, close])
        place = np.where(np.isfinite(line), np.arange(line.shape[0])[:, None], 0)
        last = np.take_along_axis(line, np.maximum.accumulate(place, axis=0), axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            step = close / last[:-1] - 1.0
        known = np.isfinite(step)
        count = known.sum(axis=1)
        mean = np.where(known, step, 0.0).sum(axis=1) / np.maximum(count, 1)
        levels = np.cumprod(np.concatenate([[self.level], 1.0 + mean]))[1:]
        self.before, self.level = last[-1:].copy(), float(levels[-1])
        return np.asarray(levels)


def benchmark_of(bars: Bars, benchmark: Any) -> F64:
    """Price line of the benchmark on the rows of bars.

    Raises
    ------
    InputError
        If a symbol is not among the bars, or a line has another length.
    """
    if isinstance(benchmark, str):
        if benchmark == EQUAL_WEIGHT:
            return EqualWeight().extend(bars.close)
        if benchmark not in bars.symbols:
            hint = closest(benchmark, [*bars.symbols, EQUAL_WEIGHT]) or "."
            raise InputError(
                f"The benchmark {benchmark!r} is not among the bars{hint} Load it beside them, or give equal_weight or "
                "a price line."
            )
        return bars.close[:, bars.symbols.index(benchmark)]
    line = np.asarray(benchmark, dtype=np.float64).ravel()
    if line.size != bars.n_bars:
        raise InputError(f"The benchmark has {line.size} values for {bars.n_bars} bars; give one for each.")
    return line


class _Rows:
    """Columns of bars by name, made when they are first asked for."""

    def __init__(self, bars: Bars, benchmark: F64 | None) -> None:
        self.bars, self.benchmark = bars, benchmark
        self._clock = bars.ts / 1e9
        self._sessions: dict[str, F64] = {}
        there = np.isfinite(bars.close) | np.isfinite(bars.open) | np.isfinite(bars.high) | np.isfinite(bars.low)
        self.whole: list[bool] = np.atleast_1d(there.all(axis=0)).tolist()
        self.there = there

    def column(self, name: str, j: int) -> F64:
        if name == "ts":
            return self._clock
        if name == "benchmark":
            if self.benchmark is None:
                raise InputError("A feature compares with a benchmark, and none is given; give benchmark= .")
            return self.benchmark
        if name == "session":
            calendar = self.bars.instruments[j].calendar
            if calendar not in self._sessions:
                days = sessions_of(self.bars.ts, calendar, self.bars.interval_ns)
                self._sessions[calendar] = days.astype(np.float64)
            return self._sessions[calendar]
        return np.ascontiguousarray(getattr(self.bars, name)[:, j])


def _mask(bars: Bars, on: Sequence[str]) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    if not on:
        return None
    for symbol in on:
        if symbol not in bars.symbols:
            shown = ", ".join(bars.symbols[:8])
            raise InputError(
                f"on: {symbol!r} is not among the bars{closest(symbol, bars.symbols) or '.'} They are {shown}."
            )
    return np.array([symbol in on for symbol in bars.symbols])


def _run(program: Any, columns: Sequence[F64]) -> list[F64]:
    """Program on whole columns; a long one in pieces, so that what lies between is not kept whole."""
    n = columns[0].size if columns else 0
    if n <= _BLOCK:
        return list(program.run(list(columns)))
    state = program.state()
    parts = [state.extend([column[a : a + _BLOCK] for column in columns]) for a in range(0, n, _BLOCK)]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def evaluate(
    plan: Plan,
    columns: Sequence[Column],
    bars: Bars,
    setting: Setting,
    *,
    benchmark: F64 | None,
    assets: Sequence[int] | None = None,
    given: Mapping[Key, tuple[Column, F64]] | None = None,
    into: Mapping[Key, F64] | None = None,
    threads: int = 1,
    tick: Callable[[], None] | None = None,
) -> Tables:
    """Values of some columns of a plan.

    Parameters
    ----------
    plan : Plan
    columns : sequence of Column
        What is wanted.
    bars : Bars
    setting : Setting
    benchmark : array of shape (n_bars,), or None
    assets : sequence of int, optional
        Only these assets; columns that look across assets must be given then.
    given : mapping, optional
        Values that are there already: column, and array of shape (n_bars of `bars`; n_assets first).
    into : mapping, optional
        Where values are written, shape (n_assets, n_bars).
    threads : int
    tick : callable, optional
        Called after every asset of every stage.

    Returns
    -------
    dict
        Of (id of column, output) to array of shape (n_assets, n_bars).
    """
    chosen = list(range(bars.n_assets)) if assets is None else list(assets)
    shape = (len(chosen), bars.n_bars)
    rows = _Rows(bars, benchmark)
    tables: Tables = {key: values for key, (_, values) in (given or {}).items()}
    needed = plan.needed(columns, [(column, key[1]) for key, (column, _) in (given or {}).items()])
    needed = [(column, k) for column, k in needed if (id(column), k) not in tables]
    for column, k in needed:
        place = None if into is None else into.get((id(column), k))
        tables[id(column), k] = np.empty(shape) if place is None else place
    masks = {id(column): _mask(bars, column.entry.on) for column, _ in needed}
    done: set[int] = set()
    pool = ThreadPoolExecutor(threads) if threads > 1 and len(chosen) > 1 else None

    def each(function: Callable[[int], None]) -> None:
        def one(i: int) -> None:
            function(i)
            if tick is not None:
                tick()

        if pool is None:
            for i in range(len(chosen)):
                one(i)
        else:
            list(pool.map(one, range(len(chosen))))

    try:
        for stage in range(plan.n_stages):
            joint = plan.joint(needed, stage)
            if joint is not None:
                each(lambda i, joint=joint: _program(joint, rows, tables, chosen, i))  # type: ignore[misc]
                for column, k in joint.outputs:
                    _hide(tables[id(column), k], masks[id(column)], chosen)
            for column, _ in needed:
                if column.stage != stage or column.feature.kind == "program" or id(column) in done:
                    continue
                done.add(id(column))
                if column.feature.kind == "state":
                    each(lambda i, column=column: _state(column, rows, tables, chosen, i))  # type: ignore[misc]
                elif column.feature.kind == "rows":
                    tables[id(column), 0][:] = _of_rows(column, tables, setting.market(bars), masks[id(column)]).T
                else:
                    _longer(plan, column, bars, setting, benchmark, tables)
                _hide(tables[id(column), 0], masks[id(column)], chosen)
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    return tables


def _hide(table: F64, mask: Any, chosen: Sequence[int]) -> None:
    if mask is not None:
        table[~mask[list(chosen)]] = np.nan


def _program(joint: Joint, rows: _Rows, tables: Tables, chosen: Sequence[int], i: int) -> None:
    columns = [rows.column(name, chosen[i]) for name in joint.fields]
    columns += [tables[id(child), k][i] for child, k in joint.outside]
    if rows.whole[chosen[i]]:
        for (column, k), values in zip(joint.outputs, _run(joint.program, columns), strict=True):
            tables[id(column), k][i] = values
        return
    there = rows.there[:, chosen[i]]
    for (column, k), values in zip(joint.outputs, _run(joint.program, [c[there] for c in columns]), strict=True):
        tables[id(column), k][i] = np.nan
        tables[id(column), k][i, there] = values


def _columns_of(column: Column, rows: _Rows, tables: Tables, j: int, i: int) -> list[F64]:
    found = [rows.column(name, j) for name in column.feature.inputs]
    return found + [np.ascontiguousarray(tables[id(child), k][i]) for child, k in column.children]


def _state(column: Column, rows: _Rows, tables: Tables, chosen: Sequence[int], i: int) -> None:
    there = rows.there[:, chosen[i]]
    columns = [values[there] for values in _columns_of(column, rows, tables, chosen[i], i)]
    found = column.feature.function(column.values).extend(columns)
    for k, values in enumerate(found if isinstance(found, list) else [found]):
        if (id(column), k) in tables:
            tables[id(column), k][i] = np.nan
            tables[id(column), k][i, there] = values


def _of_rows(column: Column, tables: Tables, market: Market, mask: Any) -> F64:
    given = []
    for child, k in column.children:
        table = np.ascontiguousarray(tables[id(child), k].T)
        given.append(table if mask is None else np.where(mask, table, np.nan))
    return np.asarray(column.feature.function(given, market, column.values), dtype=np.float64)


def _longer(plan: Plan, column: Column, bars: Bars, setting: Setting, benchmark: F64 | None, tables: Tables) -> None:
    """All ``longer`` columns of the interval of this one, at the first of them."""
    from tradewright.data.grid import resample
    from tradewright.data.timeframes import join

    word = column.entry.params["interval"]
    key = (id(column), 0)
    below, where = plan.longer(word)
    marker = (hash(word), -1)
    if marker not in tables:
        longer = resample(*_to_resample(bars, longer_interval(word, bars.interval_ns)))
        line = None if benchmark is None else _at_longer(benchmark, bars, longer)
        if isinstance(setting.benchmark, str) and "benchmark" in below.reads:
            line = benchmark_of(longer, setting.benchmark)
        inner = evaluate(below, [c for _, c, _ in below.wanted], longer, setting, benchmark=line)
        values = {name: np.ascontiguousarray(inner[id(c), k].T) for name, c, k in below.wanted}
        wanted = [c for c in plan.columns if id(c) in where and (id(c), 0) in tables]
        for lag in sorted({c.entry.params["lag"] for c in wanted}):
            some = {id(c): below.wanted[where[id(c)]][0] for c in wanted if c.entry.params["lag"] == lag}
            joined = join(bars, longer, (), values={name: values[name] for name in some.values()}, lag=lag)
            for key_of, name in some.items():
                tables[key_of, 0][:] = joined.fields[name].T
        tables[marker] = np.zeros(0)
    assert key in tables


def _to_resample(bars: Bars, interval: str) -> tuple[Bars, str]:
    """Rows that make longer bars: for those of a day and more none outside of the sessions of the market.

    A trade after the bell, or a row on a holiday, would otherwise reopen a bar that was seen as closed.
    """
    from tradewright.data.calendars import market_hours
    from tradewright.data.grid import regular_hours
    from tradewright.data.intervals import interval_ns, unit_of
    from tradewright.data.schedule import schedule

    if not bars.n_bars or unit_of(interval_ns(interval)) == "intraday":
        return bars, interval
    hours = market_hours(bars)
    if hours.always_open:
        return bars, interval
    if 0 < bars.interval_ns < _DAY_NS:
        return regular_hours(bars), interval
    if bars.interval_ns >= 2 * _DAY_NS:
        return bars, interval
    days = sessions_of(bars.ts, hours.calendar, bars.interval_ns)
    keep = np.isin(days, schedule(hours.calendar, int(days[0]), int(days[-1])).days)
    if keep.all():
        return bars, interval
    fields = {name: np.ascontiguousarray(getattr(bars, name)[keep]) for name in FIELDS}
    return replace(bars, ts=np.ascontiguousarray(bars.ts[keep]), **fields), interval  # type: ignore[arg-type]


def _at_longer(line: F64, bars: Bars, longer: Bars) -> F64:
    place = np.searchsorted(bars.ts, longer.ts, side="right") - 1
    return np.ascontiguousarray(line[place]) if place.size else np.zeros(0)


class RowByRow:
    """State of a whole plan that takes one row of all assets at a time.

    Parameters
    ----------
    plan : Plan
    like : Bars
        Bars whose instruments and interval the rows have; its rows are not read.
    setting : Setting
    """

    def __init__(self, plan: Plan, like: Bars, setting: Setting) -> None:
        self.plan, self.like, self.setting = plan, like.head(0), setting
        self.needed = plan.needed([column for _, column, _ in plan.wanted])
        self.masks = {id(column): _mask(self.like, column.entry.on) for column, _ in self.needed}
        self.index = EqualWeight() if isinstance(setting.benchmark, str) and setting.benchmark == EQUAL_WEIGHT else None
        self.joints: list[tuple[Joint, list[Any]] | None] = []
        n = like.n_assets
        for stage in range(plan.n_stages):
            joint = plan.joint(self.needed, stage)
            self.joints.append(None if joint is None else (joint, [joint.program.state() for _ in range(n)]))
        self.states = {
            id(c): [c.feature.function(c.values) for _ in range(n)] for c, _ in self.needed if c.feature.kind == "state"
        }
        words = {c.entry.params["interval"] for c, _ in self.needed if c.feature.kind == "longer"}
        self.longer = {word: _LongerRows(plan, word, self.like, setting) for word in sorted(words)}

    def update(self, row: Bars, benchmark: float | None = None) -> F64:
        """Take one row and give the wanted columns, shape ``(n_assets, n_features)``."""
        line = self._benchmark(row, benchmark)
        rows = _Rows(row, line)
        n = row.n_assets
        tables: Tables = {(id(column), k): np.full((n, 1), np.nan) for column, k in self.needed}
        market = self.setting.market(row)
        done: set[int] = set()
        for longer in self.longer.values():  # needs nothing but bars
            longer.update(row, line, tables)
        for stage in range(self.plan.n_stages):
            held = self.joints[stage]
            if held is not None:
                joint, states = held
                for j, state in enumerate(states):
                    if not rows.whole[j]:
                        continue
                    columns = [float(rows.column(name, j)[0]) for name in joint.fields]
                    columns += [float(tables[id(child), k][j, 0]) for child, k in joint.outside]
                    for (column, k), value in zip(joint.outputs, state.update(columns), strict=True):
                        tables[id(column), k][j, 0] = value
                for column, k in joint.outputs:
                    _hide(tables[id(column), k], self.masks[id(column)], range(n))
            for column, _ in self.needed:
                kind = column.feature.kind
                if column.stage != stage or kind == "program" or id(column) in done:
                    continue
                done.add(id(column))
                if kind == "state":
                    for j, one in enumerate(self.states[id(column)]):
                        if not rows.whole[j]:
                            continue
                        found = one.extend(_columns_of(column, rows, tables, j, j))
                        for k, values in enumerate(found if isinstance(found, list) else [found]):
                            if (id(column), k) in tables:
                                tables[id(column), k][j] = values
                elif kind == "rows":
                    tables[id(column), 0][:] = _of_rows(column, tables, market, self.masks[id(column)]).T
                _hide(tables[id(column), 0], self.masks[id(column)], range(n))
        return np.column_stack([tables[id(column), k][:, 0] for _, column, k in self.plan.wanted])

    def _benchmark(self, row: Bars, benchmark: float | None) -> F64 | None:
        if benchmark is not None:
            return np.array([float(benchmark)])
        if self.index is not None:
            return self.index.extend(row.close)
        if isinstance(self.setting.benchmark, str):
            return benchmark_of(row, self.setting.benchmark)
        return None


class _LongerRows:
    """Longer bars out of rows as they come, and the features of those that are closed."""

    def __init__(self, plan: Plan, word: str, like: Bars, setting: Setting) -> None:
        self.plan, self.setting, self.word = plan, setting, word
        self.interval = longer_interval(word, like.interval_ns)
        self.below, self.where = plan.longer(word)
        self.rows: list[Bars] = []
        self.lines: list[float] = []
        self.inner: RowByRow | None = None
        most = 1 + max(c.entry.params["lag"] for c in plan.columns if id(c) in self.where)
        self.held = [deque[Any](maxlen=most) for _ in range(like.n_assets)]
        self.pending = deque[Any]()

    def update(self, row: Bars, line: F64 | None, tables: Tables) -> None:
        """Take one row, and write the ``longer`` columns of it."""
        from tradewright.data.grid import resample

        if _to_resample(row, self.interval)[0].n_bars:
            self.rows.append(row)
            self.lines.append(float("nan") if line is None else float(line[0]))
            self._close(resample)
        # A bar of a short session is over before the instant it is stamped with, and counts from that.
        while self.pending and self.pending[0][0] <= int(row.ts[0]):
            _, close, found = self.pending.popleft()
            for j, known in enumerate(np.isfinite(close).tolist()):
                if known:
                    self.held[j].append(found[j])
        for column in self.plan.columns:
            if id(column) in self.where and (id(column), 0) in tables:
                back = column.entry.params["lag"] + 1
                k = self.where[id(column)]
                for j, held in enumerate(self.held):
                    tables[id(column), 0][j, 0] = held[-back][k] if len(held) >= back else np.nan

    def _close(self, resample: Callable[[Bars, str], Bars]) -> None:
        """Take the longer bars that are over, and forget their rows."""
        joined = _joined(self.rows)
        longer = resample(joined, self.interval)
        for t in range(longer.n_bars):
            bar = longer.rows(t, t + 1)
            if self.inner is None:
                self.inner = RowByRow(self.below, bar, self.setting)
            place = int(np.searchsorted(joined.ts, bar.ts[0], side="right")) - 1
            own = None if isinstance(self.setting.benchmark, str) else self.lines[place]
            found = self.inner.update(bar, None if own is None or np.isnan(own) else own)
            self.pending.append((int(bar.ts[0]), bar.close[0], found))
        if longer.n_bars:
            over = int(np.searchsorted(joined.ts, longer.ts[-1], side="right"))
            self.rows, self.lines = self.rows[over:], self.lines[over:]


def _joined(rows: Sequence[Bars]) -> Bars:
    if len(rows) == 1:
        return rows[0]
    fields = {name: np.concatenate([getattr(row, name) for row in rows]) for name in FIELDS}
    return replace(rows[-1], ts=np.concatenate([row.ts for row in rows]), **fields)  # type: ignore[arg-type]
