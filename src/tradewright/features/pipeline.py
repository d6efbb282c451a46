"""Features as a declarative pipeline: a list of entries in, columns with names, warm-up and origin out.

Entry points: `FeatureSet` (``FeatureSet([...])``, ``FeatureSet.load("features.yaml")``, ``FeatureSet.preset(...)``),
`Features`, `FeatureStream`, `compute`.

    features:
      - {feature: log_return, window: 5}
      - feature: cs_rank
        of: {feature: log_return, window: 20}
        as: momentum_rank

Invariants: row ``t`` is known at the close of row ``t`` and does not change when rows are added; row by row gives the
values of whole columns; equal sets have equal hashes; what a set was computed with is written in the result.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.bars import Bars, Provenance
from tradewright.domain.errors import ConfigError, InputError, MissingDataError, closest
from tradewright.features import registry
from tradewright.features.dated import DatedSeries, read_series
from tradewright.features.evaluation import EQUAL_WEIGHT, RowByRow, Setting, benchmark_of, evaluate
from tradewright.features.plan import Entry, Plan, parse

if TYPE_CHECKING:
    from tradewright.domain.instrument import Instrument

    F64 = np.ndarray[Any, np.dtype[np.float64]]
    I64 = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["FeatureSet", "FeatureStream", "Features", "compute"]

Progress = Callable[[int, int], None]
MISSING: Final = (
    "NaN: the warm-up, a missing value, or what a feature says is undefined. A row in which an asset has no bar is no "
    "row of that asset: it is NaN, and windows and recursions go over it."
)
_KEYS: Final = ("name", "preset", "features", "benchmark", "sectors", "series")
_SERIES_KEYS: Final = ("file", "value", "published", "fetched", "symbol", "event", "lag")


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Columns of features on the rows of bars.

    Attributes
    ----------
    ts : int64 array, shape (n_bars,)
        Closes of the rows, nanoseconds UTC: when the values were known.
    instruments : tuple of Instrument
    names : tuple of str
        Of the features.
    store : float64 array, shape (n_assets, n_features, n_bars)
        The values as they lie in memory.
    columns : tuple of dict
        Facts about each feature: family, parameters, unit, warm-up, source, when it is known.
    provenance : Provenance
        Of the bars.
    hash : str
        Of the set and the bars together.
    set_hash, data_hash : str
    notes : tuple of str
        What was assumed.

    Examples
    --------
    >>> from tradewright.testing import walk_bars
    >>> found = FeatureSet(["close", {"feature": "log_return", "window": 1}]).compute(walk_bars(50, 2))
    >>> found.values.shape, found["log_return_1"].shape, found.warm_up
    ((50, 2, 2), (50, 2), 2)
    """

    ts: I64
    instruments: tuple[Instrument, ...]
    names: tuple[str, ...]
    store: F64
    columns: tuple[dict[str, Any], ...]
    provenance: Provenance
    hash: str
    set_hash: str
    data_hash: str
    notes: tuple[str, ...] = ()

    @property
    def values(self) -> F64:
        """All values, shape ``(n_bars, n_assets, n_features)`` (a view)."""
        return self.store.transpose(2, 0, 1)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Identity of each asset."""
        return tuple(instrument.id for instrument in self.instruments)

    @property
    def n_bars(self) -> int:
        """Number of rows."""
        return int(self.store.shape[2])

    @property
    def n_features(self) -> int:
        """Number of columns an asset has."""
        return len(self.names)

    @property
    def warm_up(self) -> int:
        """Rows until all features that have a fixed warm-up have a value, that row included."""
        return max((c["warm_up"] for c in self.columns if c["warm_up"] is not None), default=1)

    def __getitem__(self, name: str) -> F64:
        """One feature of all assets, shape ``(n_bars, n_assets)``; InputError with the nearest name when unknown."""
        if name not in self.names:
            raise InputError(f"There is no column {name!r}{closest(str(name), self.names) or '.'} 'names' lists all.")
        return self.column(self.names.index(name))

    def __repr__(self) -> str:
        return (
            f"Features({self.n_bars} bars x {len(self.instruments)} assets x {self.n_features} features; {self.hash})"
        )

    def column(self, k: int) -> F64:
        """Feature number `k` of all assets, shape ``(n_bars, n_assets)``."""
        return np.asarray(self.store[:, k, :].T)

    def of(self, symbol: str) -> F64:
        """All features of one asset, shape ``(n_bars, n_features)``."""
        if symbol not in self.symbols:
            raise InputError(f"There is no asset {symbol!r}{closest(symbol, self.symbols) or '.'}")
        return np.asarray(self.store[self.symbols.index(symbol)].T)

    def ready(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where all features have a value, shape ``(n_bars, n_assets)``."""
        return np.asarray(np.isfinite(self.store).all(axis=1).T)

    def first_rows(self) -> dict[str, int | None]:
        """First row in which each feature has a value for any asset, as the data came out; None where none has."""
        known = np.asarray(np.isfinite(self.store).any(axis=0))
        return {name: int(known[k].argmax()) if known[k].any() else None for k, name in enumerate(self.names)}

    def matrix(self, *, complete: bool = True) -> tuple[F64, I64, I64]:
        """Table for an estimator.

        Parameters
        ----------
        complete : bool
            Only rows in which every feature has a value.

        Returns
        -------
        X : float64 array, shape (n_samples, n_features)
            In order of time, assets of one row side by side.
        row, asset : int64 array, shape (n_samples,)
            Where each sample comes from.
        """
        keep = self.ready() if complete else np.ones((self.n_bars, len(self.instruments)), dtype=bool)
        row, asset = np.nonzero(keep)
        return np.ascontiguousarray(self.store[asset, :, row]), row.astype(np.int64), asset.astype(np.int64)

    def to_frame(self) -> Any:
        """Table with one row for each stamp and asset (pandas): ``ts``, ``symbol``, and the features."""
        import pandas as pd

        n, m = self.n_bars, len(self.instruments)
        table: dict[str, Any] = {
            "ts": np.repeat(self.ts.astype("datetime64[ns]"), m),
            "symbol": np.tile(np.array(self.symbols, dtype=object), n),
        }
        table.update({name: self.column(k).reshape(-1) for k, name in enumerate(self.names)})
        frame = pd.DataFrame(table)
        frame["ts"] = frame["ts"].dt.tz_localize("UTC")
        return frame

    def to_parquet(self, path: str | Path) -> Path:
        """Write a long table to Parquet, one group of rows for each asset, facts in the metadata."""
        with _ParquetWriter(Path(path), self.names, self.facts()) as writer:
            for j, symbol in enumerate(self.symbols):
                writer.write(self.ts, symbol, self.store[j])
        return Path(path)

    def facts(self) -> dict[str, Any]:
        """What was computed of what, for JSON."""
        return {
            "hash": self.hash,
            "set_hash": self.set_hash,
            "data_hash": self.data_hash,
            "data": {
                "source": self.provenance.source,
                "adjusted": self.provenance.adjusted,
                "synthetic": self.provenance.synthetic,
                "notes": list(self.provenance.notes),
            },
            "symbols": list(self.symbols),
            "bars": self.n_bars,
            "warm_up": self.warm_up,
            "missing_values": MISSING,
            "notes": list(self.notes),
            "columns": [dict(column) for column in self.columns],
        }


class FeatureSet:
    """Features to compute, checked.

    Parameters
    ----------
    features : sequence of entries
        Names, or mappings as `tradewright.features.plan.parse` takes them.
    benchmark : str or array of shape (n_bars,), optional
        For features that compare with one: a symbol of the bars, a price line, or ``"equal_weight"`` (the default): the
        mean simple return of all assets, chained.
    sectors : mapping of str to str, or path, optional
        Sector by symbol; a CSV file with the columns ``symbol`` and ``sector``.
    series : mapping of str to DatedSeries, path or mapping, optional
        Dated series by name; a mapping gives ``file`` and the columns (see `tradewright.features.dated.read_series`).
    name : str

    Raises
    ------
    InputError
        If a feature or parameter is unknown (with the nearest), out of range, or two columns have one name.

    Examples
    --------
    >>> wanted = FeatureSet([{"feature": "sma", "window": 2, "as": "mean"}, {"feature": "cs_rank", "of": "close"}])
    >>> wanted.names
    ('mean', 'cs_rank__close')
    >>> FeatureSet([{"feature": "log_return", "widnow": 5}])
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: log_return has no parameter 'widnow', did you mean 'window'?...
    """

    def __init__(
        self,
        features: Sequence[Any],
        *,
        benchmark: Any = None,
        sectors: Mapping[str, str] | str | Path | None = None,
        series: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> None:
        if isinstance(features, (str, Mapping)):
            raise InputError("features is one entry; give a list of them.")
        self.name = name
        self.plan = Plan([parse(entry, f"entry {n}") for n, entry in enumerate(features, 1)])
        self.names = tuple(word for word, _, _ in self.plan.wanted)
        self.setting = Setting(
            EQUAL_WEIGHT if benchmark is None else benchmark, _sectors(sectors), _series(series or {}, Path())
        )
        self._check_series(self.plan)

    def _check_series(self, plan: Plan) -> None:
        for column in plan.columns:
            word = column.entry.params.get("series")
            if "series" in column.feature.needs and word not in self.setting.series:
                known = ", ".join(self.setting.series) or "none"
                raise InputError(
                    f"{column.feature.name} reads the series {word!r}, which is not given"
                    f"{closest(str(word), self.setting.series) or '.'} Given are: {known}. Add it under series: , with "
                    "its file."
                )
            if column.feature.kind == "longer":
                self._check_series(plan.longer(column.entry.params["interval"])[0])

    def with_setting(
        self, *, benchmark: Any = None, sectors: Mapping[str, str] | str | Path | None = None
    ) -> FeatureSet:
        """Same features with another benchmark or other sectors; what is None stays."""
        if benchmark is None and sectors is None:
            return self
        out = FeatureSet.__new__(FeatureSet)
        out.name, out.plan, out.names = self.name, self.plan, self.names
        line = self.setting.benchmark if benchmark is None else benchmark
        out.setting = Setting(line, self.setting.sectors if sectors is None else _sectors(sectors), self.setting.series)
        return out

    @classmethod
    def preset(cls, name: str, **options: Any) -> FeatureSet:
        """Set of a preset (`tradewright.features.registry.presets`); `options` as the constructor's.

        Examples
        --------
        >>> len(FeatureSet.preset("standard_200").names)
        200
        """
        return cls(registry.preset(name), name=name, **options)

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any] | Sequence[Any]) -> FeatureSet:
        """Set out of a specification.

        Parameters
        ----------
        source : path, mapping or list
            A YAML or JSON file, or what is in one: a list of entries, or a mapping with ``features`` and (or)
            ``preset``, and ``benchmark``, ``sectors``, ``series``, ``name``. Paths in a file are relative to it. The
            name of a preset does as well.

        Raises
        ------
        ConfigError
            If the file cannot be read, or a key is unknown (with the nearest).
        InputError
            If an entry does not fit.

        Examples
        --------
        >>> FeatureSet.load({"preset": "calendar", "features": ["log_return"]}).names[-1]
        'log_return'
        """
        folder = Path()
        label = ""
        raw: Any = source
        if isinstance(source, (str, Path)):
            place = Path(source)
            if isinstance(source, str) and source in registry.presets():
                return cls.preset(source)
            if not place.is_file():
                hint = closest(str(source), registry.presets()) or "."
                raise ConfigError(
                    f"There is no specification {str(source)!r}{hint} Give a YAML or JSON file, or a preset: "
                    f"{', '.join(registry.presets())}."
                )
            folder, label = place.parent, place.stem
            raw = _read(place)
        if isinstance(raw, Mapping) and "feature" in raw:
            raise ConfigError("The specification is one entry; write a list: a line '- feature: ...' for each.")
        if isinstance(raw, Mapping):
            for key in raw:
                if key not in _KEYS:
                    hint = closest(str(key), _KEYS) or "."
                    raise ConfigError(f"The specification has no key {key!r}{hint} Keys: {', '.join(_KEYS)}.")
            names = raw.get("preset") or []
            listed = raw.get("features") or []
            if not isinstance(listed, (list, tuple)):
                raise ConfigError(f"features is {listed!r}; it must be a list, one line '- ...' for each.")
            entries: list[Any] = []
            for name in [names] if isinstance(names, str) else names:
                entries += registry.preset(name)
            sectors = raw.get("sectors")
            if isinstance(sectors, str):
                sectors = folder / sectors
            if not entries and not listed:
                raise ConfigError("The specification has neither features nor a preset; give one of them.")
            return cls(
                [*entries, *listed], benchmark=raw.get("benchmark"), sectors=sectors,
                series=_series(raw.get("series") or {}, folder), name=str(raw.get("name") or label),
            )  # fmt: skip
        if not isinstance(raw, (list, tuple)):
            raise ConfigError(f"The specification is {raw!r}; it must be a list of features, or a mapping with one.")
        return cls(list(raw), name=label)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"FeatureSet({self.name or 'no name'}: {len(self)} features; {self.hash})"

    @property
    def hash(self) -> str:
        """Fingerprint of everything that decides the values besides bars, 16 hex digits."""
        line = self.setting.benchmark
        facts = {
            "entries": [(name, column.entry.to_dict(), k) for name, column, k in self.plan.wanted],
            "benchmark": line
            if isinstance(line, str)
            else hashlib.sha256(np.asarray(line, float).tobytes()).hexdigest(),
            "sectors": dict(sorted(self.setting.sectors.items())),
            "series": {key: value.hash() for key, value in sorted(self.setting.series.items())},
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def columns(self) -> tuple[dict[str, Any], ...]:
        """Facts about each column."""
        out = []
        for name, column, k in self.plan.wanted:
            item, rows = column.feature, column.warm_ups[k]
            out.append({
                "name": name,
                **column.entry.to_dict(),
                "output": item.outputs[k],
                "family": item.family,
                "scope": "cross_section" if _crosses(column.entry) else item.scope,
                "unit": item.unit,
                "warm_up": rows or None,
                "known_at": item.known_at,
                "row_by_row_keeps": item.memory,
                "undefined": item.undefined,
                "source": item.source,
                "notes": item.notes,
            })  # fmt: skip
        return tuple(out)

    def compute(self, bars: Bars, *, threads: int = 0, progress: Progress | None = None) -> Features:
        """Values on whole bars.

        Parameters
        ----------
        bars : Bars
        threads : int
            0 uses all cores that this process may use.
        progress : callable, optional
            Called with (done, total) as assets are done.

        Returns
        -------
        Features

        Raises
        ------
        InputError
            If the benchmark or an asset of ``on`` is not among the bars.
        """
        store = np.empty((bars.n_assets, len(self.names), bars.n_bars))
        into: dict[tuple[int, int], Any] = {}
        twice = []
        for f, (_, column, k) in enumerate(self.plan.wanted):
            if (id(column), k) in into:
                twice.append((f, (id(column), k)))
            into.setdefault((id(column), k), store[:, f, :])
        tick = _ticker(progress, self._ticks(bars.n_assets))
        evaluate(
            self.plan, [column for _, column, _ in self.plan.wanted], bars, self.setting,
            benchmark=self._benchmark(bars), into=into, threads=_threads(threads), tick=tick,
        )  # fmt: skip
        for f, key in twice:
            store[:, f, :] = into[key]
        if progress is not None:
            total = self._ticks(bars.n_assets)
            progress(total, total)
        return Features(
            bars.ts, bars.instruments, self.names, store, self.columns(), bars.provenance, self._hash(bars), self.hash,
            bars.data_hash(), self._notes(bars),
        )  # fmt: skip

    def write(
        self, bars: Bars, path: str | Path, *, threads: int = 0, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Compute asset by asset and write each to a Parquet file as it is done, so that memory stays bounded.

        Parameters
        ----------
        bars, threads, progress
            As in `compute`.
        path : path
            Ends in ``.parquet``. It appears when it is complete.

        Returns
        -------
        dict
            Facts, which are in the file as well (key ``tradewright`` of its metadata).

        Notes
        -----
        In memory are the columns that look across assets (and what they are made of) of all assets, and everything else
        of as many assets as there are threads.
        """
        from concurrent.futures import ThreadPoolExecutor

        line = self._benchmark(bars)
        workers = _threads(threads)
        across = [column for column in self.plan.columns if column.feature.kind in {"rows", "longer"}]
        total = bars.n_assets * 2
        shared = evaluate(self.plan, across, bars, self.setting, benchmark=line, threads=workers) if across else {}
        keep = {(id(column), 0): (column, shared[id(column), 0]) for column in across}
        shared.clear()
        if progress is not None:
            progress(bars.n_assets, total)
        wanted = [column for _, column, _ in self.plan.wanted]
        facts = Features(
            bars.ts, bars.instruments, self.names, np.empty((0, 0, bars.n_bars)), self.columns(), bars.provenance,
            self._hash(bars), self.hash, bars.data_hash(), self._notes(bars),
        ).facts()  # fmt: skip

        def one(j: int) -> F64:
            store = np.empty((len(self.names), bars.n_bars))
            own = {key: (column, table[j : j + 1]) for key, (column, table) in keep.items()}
            local = [column for column in wanted if (id(column), 0) not in keep]
            found = evaluate(self.plan, local, bars, self.setting, benchmark=line, assets=[j], given=own)
            for f, (_, column, k) in enumerate(self.plan.wanted):
                store[f] = found[id(column), k][0]
            return store

        done = bars.n_assets
        with _ParquetWriter(Path(path), self.names, facts) as writer, ThreadPoolExecutor(workers) as pool:
            for begin in range(0, bars.n_assets, workers):
                some = list(range(begin, min(begin + workers, bars.n_assets)))
                for j, store in zip(some, pool.map(one, some), strict=True):
                    writer.write(bars.ts, bars.symbols[j], store)
                    done += 1
                    if progress is not None:
                        progress(done, total)
        return facts

    def stream(self, like: Bars) -> FeatureStream:
        """State that takes one row at a time.

        Parameters
        ----------
        like : Bars
            Bars (possibly without rows) with the instruments and interval of the rows to come.

        Examples
        --------
        >>> from tradewright.testing import walk_bars
        >>> bars = walk_bars(30, 2)
        >>> wanted = FeatureSet([{"feature": "log_return", "window": 5}])
        >>> rows = wanted.stream(bars).extend(bars)
        >>> bool(np.allclose(rows, wanted.compute(bars).values, equal_nan=True, rtol=0, atol=1e-12))
        True
        """
        return FeatureStream(self, like)

    def _benchmark(self, bars: Bars) -> F64 | None:
        return benchmark_of(bars, self.setting.benchmark) if "benchmark" in self.plan.reads else None

    def _ticks(self, n_assets: int) -> int:
        kinds = {(column.stage, column.feature.kind == "program") for column in self.plan.columns}
        states = sum(column.feature.kind == "state" for column in self.plan.columns)
        return n_assets * (sum(program for _, program in kinds) + states) or 1

    def _hash(self, bars: Bars) -> str:
        return hashlib.sha256(f"{self.hash}{bars.data_hash()}".encode()).hexdigest()[:16]

    def _notes(self, bars: Bars) -> tuple[str, ...]:
        from tradewright.features.calendar import notes as of_calendars
        from tradewright.features.multi_timeframe import longer_interval

        out: list[str] = []
        reads = self.plan.reads
        if "benchmark" in reads:
            line = self.setting.benchmark
            if isinstance(line, str) and line == EQUAL_WEIGHT:
                out.append("benchmark: mean simple return of all assets (equal_weight), chained")
                if bars.n_assets == 1:
                    out.append("benchmark: there is one asset, so it is its own benchmark; name one or give a line")
            else:
                out.append(f"benchmark: {line if isinstance(line, str) else 'a price line that was given'}")
        if "sectors" in reads:
            missing = [symbol for symbol in bars.symbols if symbol not in self.setting.sectors]
            if not self.setting.sectors:
                out.append("sectors: none were given, so all assets count as one sector")
            elif missing:
                shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
                out.append(f"sectors: {shown} have none and count as one sector together")
        for column in self.plan.columns:
            if column.feature.kind == "longer" and bars.interval_ns:
                word = column.entry.params["interval"]
                found = longer_interval(word, bars.interval_ns)
                if found != word:
                    out.append(f"interval {word}: {found}")
        if "calendar" in self.plan.families:
            out += of_calendars(self.setting.market(bars))
        for key, series in self.setting.series.items():
            out += [f"series {key}: {note}" for note in series.notes]
        if "volume" in reads and bars.n_bars and not np.isfinite(bars.volume).any():
            out.append("the data has no volume: features that read it have no value")
        longest = max((rows for column in self.plan.columns for rows in column.warm_ups), default=1)
        if bars.n_bars < longest:
            out.append(
                f"{bars.n_bars} bars are fewer than the longest warm-up of {longest}: some features have no value"
            )
        return tuple(dict.fromkeys(out))


class FeatureStream:
    """Features row by row.

    Attributes
    ----------
    names : tuple of str
    count : int
        Rows so far.
    """

    def __init__(self, wanted: FeatureSet, like: Bars) -> None:
        self.names = wanted.names
        self.instruments = like.instruments
        self.interval_ns = like.interval_ns
        self.count = 0
        self._last = -(2**63)
        self._line = not isinstance(wanted.setting.benchmark, str) and "benchmark" in wanted.plan.reads
        self._rows = RowByRow(wanted.plan, like, wanted.setting)

    def update(self, row: Bars, *, benchmark: float | None = None) -> F64:
        """Take the next row and give its features.

        Parameters
        ----------
        row : Bars
            One row of all assets, later than those before.
        benchmark : float, optional
            Price of the benchmark, where the set was made with a price line.

        Returns
        -------
        float64 array, shape (n_assets, n_features)

        Raises
        ------
        InputError
            If it is no single row, of other instruments, or not later than the last.
        """
        if row.n_bars != 1 or row.instruments != self.instruments:
            raise InputError(
                f"A stream takes one row of {len(self.instruments)} assets, not {row.n_bars} of {row.n_assets}; extend "
                "takes many rows."
            )
        if int(row.ts[0]) <= self._last:
            raise InputError("The row is not later than the one before; rows come in order of time.")
        if self._line and benchmark is None:
            raise InputError("The set was made with a price line as benchmark; give benchmark= with every row.")
        self._last = int(row.ts[0])
        self.count += 1
        return self._rows.update(row, benchmark)

    def extend(self, rows: Bars, *, benchmark: Sequence[float] | F64 | None = None) -> F64:
        """Take the next rows one after the other; values of shape ``(n_rows, n_assets, n_features)``."""
        found = [
            self.update(rows.rows(t, t + 1), benchmark=None if benchmark is None else float(benchmark[t]))
            for t in range(rows.n_bars)
        ]
        return np.array(found).reshape(rows.n_bars, rows.n_assets, len(self.names))


def compute(
    features: Any, bars: Bars, *, threads: int = 0, progress: Progress | None = None, **options: Any
) -> Features:
    """Compute features in one call.

    Parameters
    ----------
    features : list, str, path or mapping
        As `FeatureSet.load` takes it.
    bars : Bars
    threads, progress
        As in `FeatureSet.compute`.
    **options
        ``benchmark``, ``sectors``, ``series`` for a list of entries.

    Examples
    --------
    >>> from tradewright.testing import walk_bars
    >>> compute("small", walk_bars(80, 3)).n_features
    12
    """
    if options:
        wanted = (
            FeatureSet.preset(features, **options) if isinstance(features, str) else FeatureSet(features, **options)
        )
    else:
        wanted = FeatureSet.load(features)
    return wanted.compute(bars, threads=threads, progress=progress)


# --- private


def _threads(threads: int) -> int:
    if threads < 0:
        raise InputError(f"threads is {threads}; it must be 0 (all cores) or more.")
    if threads:
        return threads
    affinity = getattr(os, "sched_getaffinity", None)
    return max(1, len(affinity(0)) if affinity else os.cpu_count() or 1)


def _ticker(progress: Progress | None, total: int) -> Callable[[], None] | None:
    if progress is None:
        return None
    import threading

    lock, count = threading.Lock(), [0]

    def tick() -> None:
        with lock:
            count[0] += 1
            progress(min(count[0], total), total)

    return tick


def _crosses(entry: Entry) -> bool:
    """Whether a value depends on other assets."""
    return entry.feature.scope == "cross_section" or any(_crosses(child) for child in entry.children)


def _read(place: Path) -> Any:
    text = place.read_text(encoding="utf-8")
    try:
        if place.suffix.lower() == ".json":
            return json.loads(text)
        import yaml

        return yaml.safe_load(text)
    except ValueError as error:
        raise ConfigError(f"{place.name} is no JSON: {error}.") from None
    except Exception as error:
        raise ConfigError(f"{place.name} is no YAML: {' '.join(str(error).split())}.") from None


def _sectors(given: Mapping[str, str] | str | Path | None) -> dict[str, str]:
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {str(key): str(value) for key, value in given.items()}
    import csv

    place = Path(given)
    if not place.is_file():
        raise MissingDataError(
            f"There is no file of sectors {str(place)!r}; give a CSV with the columns symbol and sector."
        )
    with place.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    if not rows or "symbol" not in rows[0] or "sector" not in rows[0]:
        raise InputError(f"{place.name} must have the columns symbol and sector.")
    return {row["symbol"]: row["sector"] for row in rows}


def _series(given: Mapping[str, Any], folder: Path) -> dict[str, DatedSeries]:
    if not isinstance(given, Mapping):
        raise ConfigError(f"series is {given!r}; write a name and a file for each.")
    out: dict[str, DatedSeries] = {}
    for name, what in given.items():
        if isinstance(what, DatedSeries):
            out[str(name)] = what
            continue
        options = {"file": what} if isinstance(what, (str, Path)) else dict(what)
        for key in options:
            if key not in _SERIES_KEYS:
                raise ConfigError(
                    f"The series {name} has no key {key!r}{closest(str(key), _SERIES_KEYS) or '.'} Keys: "
                    f"{', '.join(_SERIES_KEYS)}."
                )
        if "file" not in options:
            raise ConfigError(f"The series {name} has no file; give file: path of a CSV or Parquet file.")
        file = folder / str(options.pop("file"))
        out[str(name)] = read_series(file, name=str(name), **{key: str(value) for key, value in options.items()})
    return out


class _ParquetWriter:
    """Long table, one group of rows an asset; the file appears when it is complete."""

    def __init__(self, path: Path, names: Iterable[str], facts: Mapping[str, Any]) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise ConfigError("Parquet needs pyarrow; install it with 'pip install tradewright[frames]'.") from None
        if path.suffix.lower() not in {".parquet", ".pq"}:
            raise InputError(f"The file is {str(path)!r}; it must end in .parquet.")
        if not path.parent.is_dir():
            raise MissingDataError(f"There is no folder {str(path.parent)!r}; make it first.")
        self.path, self.names, self.pa = path, tuple(names), pa
        self.beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        schema = pa.schema(
            [("ts", pa.timestamp("ns", tz="UTC")), ("symbol", pa.string())]
            + [(name, pa.float64()) for name in self.names],
            metadata={"tradewright": json.dumps(facts, default=str)},
        )
        self.schema = schema
        self.writer = pq.ParquetWriter(self.beside, schema, compression="zstd", use_dictionary=["symbol"])

    def __enter__(self) -> _ParquetWriter:
        return self

    def write(self, ts: I64, symbol: str, store: F64) -> None:
        """One asset: values of shape ``(n_features, n_bars)``."""
        pa = self.pa
        columns = [pa.array(ts, type=pa.timestamp("ns", tz="UTC")), pa.array([symbol] * ts.size, type=pa.string())]
        columns += [pa.array(np.ascontiguousarray(row)) for row in store]
        self.writer.write_table(pa.Table.from_arrays(columns, schema=self.schema), row_group_size=max(1, ts.size))

    def __exit__(self, kind: Any, *_: object) -> None:
        self.writer.close()
        if kind is None:
            self.beside.replace(self.path)
        else:
            self.beside.unlink(missing_ok=True)
