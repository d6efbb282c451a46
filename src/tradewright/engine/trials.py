"""The ledger of trials: everything that was ever tried, counted in one file.

Entry points: `trial_ledger` (the one that is in use), `FileTrialLedger`, `MemoryTrialLedger`, `use_ledger`,
`Market`, `Subject`, `Scope`. What the engine records and reads is in `tradewright.engine.evidence`.

What counts. A trial is one subject (a strategy with the hash of its source, or given decisions) under one set of
parameters and engine settings on one set of data. The same again with the same outcome is a repeat: it is kept, and
counts once. Fill bands, benchmarks, samples for the correlation of a sweep and `verify` are no trials: nobody can
choose among them. An evaluation is in the file before its result is handed out.

Which trials stand behind a result. All that saw some of the same returns: that share an instrument with it and overlap
with it in time, whatever their strategy, bar length or range. Data without names or dates counts by its own hash only.

Invariants: the file is a `ChainFile`; several processes write it at once and every evaluation is in it exactly once;
repeats of one process are written in batches (at the latest when it ends); reading it costs what was written since the
last time.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import os
import threading
import time
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from tradewright.domain.errors import ConfigError, InputError, TradewrightError
from tradewright.engine.chain import ChainCheck, ChainFile, ChainRow

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars

    F64 = np.ndarray[Any, np.dtype[np.float64]]
    U64 = np.ndarray[Any, np.dtype[np.uint64]]

__all__ = [
    "OFF",
    "SKETCH",
    "FileTrialLedger",
    "Market",
    "MemoryTrialLedger",
    "Scope",
    "Subject",
    "default_path",
    "market_of_bars",
    "outcome_mix",
    "trial_key",
    "trial_ledger",
    "use_ledger",
]

OFF: Final = frozenset({"off", "none", "no", "false", "0"})
"""Words that switch counting off, in TRADEWRIGHT_TRIALS or research.trials."""
SKETCH: Final = 128
"""Numbers in the sketch of a trial's returns."""
VARIABLE: Final = "TRADEWRIGHT_TRIALS"

_ANYWHERE: Final = (0, 0)
_SAMPLE: Final = 256  # bars that identify a long series; each costs a visit to memory


class Market(NamedTuple):
    """What a trial saw: the data, and which returns of the world they were.

    Parameters
    ----------
    data : str
        Hash of the data.
    symbols : tuple of str
        Instruments; empty when they have no names of their own.
    start, end : int
        First and last stamp, nanoseconds UTC; both 0 when there were no stamps.
    """

    data: str
    symbols: tuple[str, ...] = ()
    start: int = 0
    end: int = 0

    def overlaps(self, other: Market) -> bool:
        """Whether both saw some of the same returns.

        Examples
        --------
        >>> spy = Market("a", ("SPY",), 10, 20)
        >>> spy.overlaps(Market("b", ("QQQ", "SPY"), 20, 30)), spy.overlaps(Market("c", ("SPY",), 21, 30))
        (True, False)
        """
        if self.data == other.data:
            return True
        if _ANYWHERE in {(self.start, self.end), (other.start, other.end)}:
            return False
        return self.start <= other.end and other.start <= self.end and not set(self.symbols).isdisjoint(other.symbols)


class Subject(NamedTuple):
    """What was tried, apart from its parameters.

    Parameters
    ----------
    name : str
        For people.
    source : str
        Hash of its source, or of the decisions that were given; empty when unknown.
    settings : str
        Hash of the engine settings.
    """

    name: str
    source: str = ""
    settings: str = ""


class Scope(NamedTuple):
    """The trials that stand behind something.

    Parameters
    ----------
    n_trials : int
        Different ones.
    n_evaluations : int
        With repeats.
    sharpes : float64 array
        Annual Sharpe ratio of each different trial that has one.
    sketches : float64 array, shape (n, 128)
        Random projections of the returns of some of them.
    n_sketched : int
        Trials that the sketches stand for: themselves, and for a sweep all of its sets.
    growth : float
        How many more effective trials the sweeps among them hold than their sketches show.
    """

    n_trials: int
    n_evaluations: int
    sharpes: F64
    sketches: F64
    n_sketched: int
    growth: float


# --- identity of a trial ------------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _value_hash(name: str, value: Any) -> int:
    import json

    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)  # 20 and 20.0 are the same window
    if type(value) is int:
        return _hash64(f"{name}={value}")
    return _hash64(f"{name}={json.dumps(value, sort_keys=True, default=str)}")


def _finished(values: U64) -> U64:
    """Splitmix64: every bit of the answer depends on every bit of the value."""
    with np.errstate(over="ignore"):
        z = values + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


_MASK: Final = 2**64 - 1


def _finished_one(value: int) -> int:
    z = (value + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def outcome_mix(sharpe: Any, total_return: Any) -> U64:
    """Fingerprints of outcomes, rounded to single precision, so that a rounding error makes no new trial."""
    first = np.asarray(sharpe, dtype=np.float64).astype(np.float32)
    second = np.asarray(total_return, dtype=np.float64).astype(np.float32)
    bits = np.where(np.isnan(first), np.float32(0), first + np.float32(0)).astype(np.float32).view(np.uint32)
    more = np.where(np.isnan(second), np.float32(0), second + np.float32(0)).astype(np.float32).view(np.uint32)
    return _finished((bits.astype(np.uint64) << np.uint64(32)) | more.astype(np.uint64))


def _base_key(subject: Subject, data: str, fixed: Mapping[str, Any]) -> int:
    total = _hash64(f"{subject.name}|{subject.source}|{subject.settings}|{data}")
    for name, value in fixed.items():
        total += _value_hash(name, value)
    return total & _MASK


def trial_key(subject: Subject, data: str, params: Mapping[str, Any], outcome: int = 0) -> int:
    """Return the identity of a trial as 64 bits: equal for repeats, different for everything else.

    Examples
    --------
    >>> one = trial_key(Subject("rule"), "data", {"fast": 5, "slow": 20})
    >>> one == trial_key(Subject("rule"), "data", {"slow": 20.0, "fast": 5})
    True
    >>> one == trial_key(Subject("rule"), "data", {"fast": 20, "slow": 5})
    False
    """
    return _finished_one((_base_key(subject, data, params) + outcome) & _MASK)


def _grid_keys(
    subject: Subject, data: str, fixed: Mapping[str, Any], axes: Mapping[str, Sequence[Any]], flat: Any, outcome: U64
) -> U64:
    """Keys of many parameter sets of one grid, numbered as `Grid` numbers them."""
    total = np.full(len(flat), _base_key(subject, data, fixed), dtype=np.uint64)
    places = np.unravel_index(flat, tuple(len(values) for values in axes.values()))
    with np.errstate(over="ignore"):
        for (name, values), place in zip(axes.items(), places, strict=True):
            total += np.array([_value_hash(name, value) for value in values], dtype=np.uint64)[place]
        return _finished(total + outcome)


# --- the ledgers --------------------------------------------------------------------------------------


class _Group:
    """Rows of the ledger that saw the same market."""

    __slots__ = ("evaluations", "grids", "growth", "keys", "sharpes", "sketch_keys", "sketches", "subjects")

    def __init__(self) -> None:
        self.keys: list[U64] = []
        self.sharpes: list[F64] = []
        self.subjects: list[tuple[int, int]] = []  # hash of the subject, number of rows
        self.sketches: list[F64] = []
        self.sketch_keys: list[int] = []
        self.grids: list[int] = []  # which grid the keys are of; 0 for single trials
        self.growth: dict[int, float] = {}
        self.evaluations = 0


class _Ledger:
    """What both ledgers can do: rows in, counts out."""

    def __init__(self) -> None:
        self._guard = threading.RLock()
        self._groups: dict[Market, _Group] = {}
        self._evaluations = 0
        self._repeats = 0
        self._pid = os.getpid()
        self._flushed = time.monotonic()
        self._cache: dict[Any, Any] = {}

    # Where rows go and come from.
    def _put(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        raise NotImplementedError

    def _refresh(self) -> None:
        raise NotImplementedError

    def record(
        self,
        *,
        subject: str,
        params: Mapping[str, Any],
        data_hash: str,
        score: float | None,
        n_returns: int = 0,
        skew: float | None = None,
        kurtosis: float | None = None,
        origin: str = "python",
        periods_per_year: float | None = None,
    ) -> int:
        """Keep a trial of one's own (an optimiser, a notebook) and return how many different ones there are.

        Parameters
        ----------
        subject : str
            What was tried: a name, better a name and a hash of its source.
        params : mapping
            Its parameters, plain values.
        data_hash : str
            What it was tried on (``bars.data_hash()``); trials on the same data stand behind each other.
        score : float or None
            Sharpe ratio per bar; None when it has none.
        n_returns : int
            Returns behind the score.
        skew, kurtosis : float, optional
            Of those returns; kurtosis raw (3 for normal).
        origin : str
            Who tried it.
        periods_per_year : float, optional
            Bars in a year; without it the score is not compared with those of other bar lengths.

        Returns
        -------
        int
            Different trials of this subject on this data, this one included.

        Examples
        --------
        >>> ledger = MemoryTrialLedger()
        >>> for window in (5, 10, 10):
        ...     n = ledger.record(subject="mine", params={"window": window}, data_hash="d", score=0.01)
        >>> n, ledger.count(), ledger.evaluations()
        (2, 2, 3)
        """
        if not subject or not isinstance(subject, str):
            raise InputError(f"subject is {subject!r}; name what was tried, such as 'sma_cross@1a2b3c'.")
        if not data_hash or not isinstance(data_hash, str):
            raise InputError(f"data_hash is {data_hash!r}; name the data, such as bars.data_hash().")
        if score is not None and not np.isfinite(score):
            raise InputError(f"score is {score}; give a finite Sharpe ratio per bar, or None when there is none.")
        from tradewright.engine.manifest import plain

        body = {
            "n": 1,
            "kind": "trials",
            "subject": {"name": subject, "source": "", "settings": ""},
            "params": plain(dict(params)),
            "data": {"hash": data_hash, "symbols": [], "start": 0, "end": 0},
            "score": {"sharpe": score, "n": n_returns, "skew": skew, "kurtosis": kurtosis, "periods": periods_per_year},
            "origin": {"by": origin, "pid": os.getpid()},
        }
        self._put([body])
        return self.count(subject, data_hash)

    def repeated(self) -> None:
        """Count a repeat of a trial that this process has recorded already; written with others of its kind."""
        self._repeats += 1
        if time.monotonic() - self._flushed > 1.0:
            self.flush()

    def flush(self) -> None:
        """Write repeats that were only counted so far."""
        with self._guard:
            count, self._repeats = self._repeats, 0
            if self._pid != os.getpid():  # what a parent has not written yet is not its child's to write
                self._pid, count = os.getpid(), 0
            self._flushed = time.monotonic()
            if count:
                self._put([{"n": count, "kind": "repeats", "origin": {"pid": os.getpid()}}])

    def count(self, subject: str | None = None, data_hash: str | None = None) -> int:
        """Different trials so far.

        Parameters
        ----------
        subject : str, optional
            Only of this name; default all.
        data_hash : str, optional
            Only on this data; default all.
        """
        with self._guard:
            self._refresh()
            found: list[U64] = []
            wanted = None if subject is None else _hash64(subject)
            for market, group in self._groups.items():
                if data_hash is not None and market.data != data_hash:
                    continue
                for keys, (name, _) in zip(group.keys, group.subjects, strict=True):
                    if wanted is None or name == wanted:
                        found.append(keys)
            lost = sum(group.evaluations for market, group in self._groups.items() if market.data == _LOST)
            known = int(np.unique(np.concatenate(found)).size) if found else 0
            return known + (lost if subject is None and data_hash is None else 0)

    def evaluations(self) -> int:
        """Everything that was evaluated, repeats included."""
        self.flush()
        with self._guard:
            self._refresh()
            return self._evaluations

    def subjects(self) -> dict[str, dict[str, int]]:
        """Different trials and evaluations by name of the subject."""
        with self._guard:
            self._refresh()
            names: dict[int, str] = self._cache.setdefault("names", {})
            keys: dict[int, list[U64]] = {}
            for group in self._groups.values():
                for found, (name, _) in zip(group.keys, group.subjects, strict=True):
                    keys.setdefault(name, []).append(found)
            out = {
                names[name]: {
                    "trials": int(np.unique(np.concatenate(found)).size),
                    "evaluations": int(sum(part.size for part in found)),
                }
                for name, found in keys.items()
            }
            return dict(sorted(out.items(), key=lambda item: -item[1]["trials"]))

    def scope(self, market: Market) -> Scope:
        """Trials that saw some of the same returns as `market`."""
        with self._guard:
            self._refresh()
            state = (self._evaluations, market)
            if self._cache.get("scope", (None, None))[0] == state:
                kept: Scope = self._cache["scope"][1]
                return kept
            groups = [group for other, group in self._groups.items() if market.overlaps(other)]
            keys = [part for group in groups for part in group.keys]
            if not keys:
                return Scope(0, 0, np.empty(0), np.empty((0, SKETCH)), 0, 0.0)
            unique, first = np.unique(np.concatenate(keys), return_index=True)
            sharpes = np.concatenate([part for group in groups for part in group.sharpes])[first]
            drawn: dict[int, F64] = {}
            for group in groups:
                drawn.update(zip(group.sketch_keys, group.sketches, strict=True))
            sketches = np.array(list(drawn.values()), dtype=np.float64).reshape(-1, SKETCH)
            sweeps = {key: value for group in groups for key, value in group.growth.items()}
            single = np.array(list(drawn), dtype=np.uint64)
            stood = [np.intersect1d(single, unique)]
            for group in groups:
                stood += [part for part, grid in zip(group.keys, group.grids, strict=True) if grid in sweeps]
            lost = sum(group.evaluations for other, group in self._groups.items() if other.data == _LOST)
            found = Scope(
                int(unique.size) + lost,
                int(sum(part.size for part in keys)),
                sharpes[np.isfinite(sharpes)],
                sketches,
                int(np.unique(np.concatenate(stood)).size),
                float(sum(sweeps.values())),
            )
            self._cache["scope"] = (state, found)
            return found

    def _add(self, row: Mapping[str, Any]) -> None:
        """Take a row into the counts."""
        kind = row.get("kind")
        self._evaluations += int(row.get("n", 1))
        if kind == "note" and row.get("lost"):
            self._groups.setdefault(Market(_LOST), _Group()).evaluations += int(row["lost"])
        if kind not in {"trials", "sketch"}:
            return
        data, who, params = row["data"], Subject(**row["subject"]), row["params"]
        market = Market(data["hash"], tuple(data["symbols"]), data["start"], data["end"])
        group = self._groups.setdefault(market, _Group())
        if kind == "sketch":  # of some sets of a sweep, whose rows stand before it
            grid = _grid_of(who, market, params)
            group.sketches.extend(unpacked_sketches(row["sketch"]["values"]))
            group.sketch_keys.extend((grid + place) & _MASK for place in row["sketch"]["rows"])
            group.growth[grid] = float(row["sketch"]["growth"])
            return
        score = row["score"]
        periods = score.get("periods")
        if "sets" in row:
            flat = unpacked_index(row["sets"])
            annual = unpacked_floats(score["sharpe"])
            outcome = outcome_mix(annual, unpacked_floats(score["total_return"]))
            keys = _grid_keys(who, market.data, params["fixed"], params["axes"], flat, outcome)
            group.grids.append(_grid_of(who, market, params))
        else:
            value = score.get("sharpe")
            annual = np.array([np.nan if value is None else value * (periods**0.5 if periods else np.nan)])
            keys = np.array([trial_key(who, market.data, params, int(score.get("outcome") or 0))], dtype=np.uint64)
            group.grids.append(0)
            if row.get("sketch"):
                group.sketches.extend(unpacked_sketches(row["sketch"]["values"]))
                group.sketch_keys.append(int(keys[0]))
        group.keys.append(keys)
        group.sharpes.append(annual)
        name = _hash64(who.name)
        self._cache.setdefault("names", {})[name] = who.name
        group.subjects.append((name, keys.size))
        group.evaluations += keys.size


def _grid_of(who: Subject, market: Market, params: Mapping[str, Any]) -> int:
    return _hash64(repr((who, market.data, params)))


_LOST: Final = "lost rows"


class MemoryTrialLedger(_Ledger):
    """A ledger that ends with the process; for tests, and for research that shall not be counted with the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = []

    def _put(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        with self._guard:
            for body in bodies:
                self.rows.append({"seq": len(self.rows), **body})
                self._add(body)

    def _refresh(self) -> None:
        return


class FileTrialLedger(_Ledger):
    """The ledger in a chained file.

    Parameters
    ----------
    path : str or Path
        Made by the first trial.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> ledger = FileTrialLedger(Path(folder.name) / "trials.jsonl")
    >>> ledger.record(subject="mine", params={"window": 5}, data_hash="d", score=0.02, n_returns=500)
    1
    >>> ledger.verify().ok, FileTrialLedger(ledger.path).count()
    (True, 1)
    >>> ledger.close()
    >>> folder.cleanup()
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path).expanduser()
        self.chain = ChainFile(self.path)
        self._read: tuple[int, int] = (0, 0)  # which file, and how far

    def verify(self, *, repair: bool = True) -> ChainCheck:
        """Walk along the chain; see `ChainFile.verify`."""
        self.flush()
        return self.chain.verify(repair=repair)

    def rows(self) -> list[ChainRow]:
        """Every row, in order."""
        self.flush()
        return list(self.chain.rows())

    def close(self) -> None:
        """Write what is left and let go of the file."""
        self.flush()
        self.chain.close()

    def _put(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        self.chain.append(bodies)

    def _refresh(self) -> None:
        identity, size = self.chain.state()
        if identity != self._read[0] or size < self._read[1]:
            self._groups, self._evaluations = {}, 0
            self._cache.clear()
            self._read = (identity, 0)
        if size > self._read[1]:
            rows, end = self.chain.rows_from(self._read[1])
            for row in rows:
                try:
                    self._add(row.body)
                except (KeyError, TypeError, ValueError, zlib.error):
                    self._evaluations += 1  # a row of a newer version, or one changed by hand: it counts as one
            self._read = (identity, end)


# --- which ledger is in use ---------------------------------------------------------------------------

_chosen: FileTrialLedger | MemoryTrialLedger | None = None
_is_off = False
_open: dict[str, FileTrialLedger] = {}


def use_ledger(ledger: str | Path | FileTrialLedger | MemoryTrialLedger | None) -> None:
    """Choose the ledger of this process, over configuration and environment.

    Parameters
    ----------
    ledger : path, ledger, ``"off"`` or None
        None goes back to the configuration and the environment. ``"off"`` counts nothing; results then say so.
    """
    global _chosen, _is_off
    _is_off = isinstance(ledger, str) and ledger.lower() in OFF
    if ledger is None or _is_off:
        _chosen = None
    elif isinstance(ledger, (str, Path)):
        _chosen = _at(str(ledger))
    else:
        _chosen = ledger


def trial_ledger(path: str | Path | None = None) -> FileTrialLedger | MemoryTrialLedger | None:
    """Return the ledger in use, or the one at a path; None when counting is switched off.

    In this order: what `use_ledger` chose, `path` (the configuration's ``research.trials``), the variable
    ``TRADEWRIGHT_TRIALS``, and ``trials.jsonl`` in the user's data folder.

    Examples
    --------
    >>> ledger = MemoryTrialLedger()
    >>> use_ledger(ledger)
    >>> trial_ledger() is ledger
    True
    >>> use_ledger("off")
    >>> trial_ledger() is None
    True
    >>> use_ledger(None)
    """
    if _chosen is not None or _is_off:
        return _chosen
    text = str(path) if path is not None else os.environ.get(VARIABLE, "")
    if text:
        return None if text.lower() in OFF else _at(text)
    return _at(default_path())


@lru_cache(maxsize=1)
def default_path() -> str:
    """Where the ledger is when nobody says otherwise: ``trials.jsonl`` in the user's data folder."""
    import platformdirs

    return str(Path(platformdirs.user_data_dir("tradewright", appauthor=False)) / "trials.jsonl")


def _at(path: str) -> FileTrialLedger:
    found = _open.get(path)
    if found is None:
        place = Path(path).expanduser()
        if place.is_dir():
            raise ConfigError(
                f"{path!r} is a folder; the ledger of trials is a file, such as {str(place / 'trials.jsonl')!r}."
            )
        if not _open:
            atexit.register(_close_all)
        found = _open[path] = FileTrialLedger(place)
    return found


def _close_all() -> None:
    for ledger in _open.values():
        try:
            ledger.flush()
        except TradewrightError:
            continue  # the folder is gone; there is nobody left to tell


# --- data, and packing --------------------------------------------------------------------------------


def market_of_bars(bars: Bars) -> Market:
    """What bars are for the ledger.

    The hash is `Bars.data_hash` for bars of at most 65,536 closes. For more it would cost more than the backtest
    itself, so it is one of the shape, the stamps' ends and a sample of 256 bars, fewer where there are many
    instruments (its text begins with ``s``). A difference outside of the sample shows in the outcome, which belongs to
    what a trial is.
    """
    memory = bars._cache
    found: Market | None = memory.get("market")
    if found is None:
        data = bars.data_hash() if bars.close.size <= 65_536 else _sampled_hash(bars)
        named = tuple(s for s in bars.symbols if not (s.startswith("ASSET") and (s[5:].isdigit() or s == "ASSET")))
        undated = any(note.startswith("no stamps were given") for note in bars.provenance.notes)
        start, end = (0, 0) if undated or not named else (int(bars.ts[0]), int(bars.ts[-1]))
        found = memory["market"] = Market(data, named, start, end)
    return found


def _sampled_hash(bars: Bars) -> str:
    digest = hashlib.sha256()
    digest.update(repr((bars.close.shape, bars.symbols, int(bars.ts[0]), int(bars.ts[-1]))).encode())
    size = min(bars.n_bars, _SAMPLE, max(32, 16 * _SAMPLE // bars.n_assets))
    rows = np.linspace(0, bars.n_bars - 1, size).astype(np.int64)
    digest.update(bars.ts[rows].tobytes())
    for name in ("open", "high", "low", "close", "volume"):
        digest.update(np.nan_to_num(getattr(bars, name)[rows], nan=-1.0).tobytes())
    return "s" + digest.hexdigest()[1:]


def packed_floats(values: Any) -> str:
    """Single-precision numbers as text."""
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode()


def unpacked_floats(text: str) -> F64:
    """Numbers that `packed_floats` wrote."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float64)


def packed_index(flat: Any) -> str | list[int]:
    """Increasing numbers as text; a run without gaps as its first and its length.

    Examples
    --------
    >>> packed_index(np.arange(5, 9)), unpacked_index(packed_index(np.array([1, 5, 7]))).tolist()
    ([5, 4], [1, 5, 7])
    """
    flat = np.asarray(flat, dtype=np.int64)
    if flat.size and int(flat[-1] - flat[0]) == flat.size - 1:
        return [int(flat[0]), int(flat.size)]
    steps = np.diff(flat, prepend=0).astype("<u4")
    return base64.b64encode(zlib.compress(steps.tobytes(), 1)).decode()


def unpacked_index(packed: str | list[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers that `packed_index` wrote."""
    if isinstance(packed, list):
        return np.arange(packed[0], packed[0] + packed[1], dtype=np.int64)
    steps = np.frombuffer(zlib.decompress(base64.b64decode(packed)), dtype="<u4")
    return np.cumsum(steps.astype(np.int64))


def packed_sketches(rows: F64) -> str:
    """Sketches as text: each number in 8 bits, relative to the largest of its sketch (the length means nothing)."""
    top = np.abs(rows).max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(top > 0.0, np.rint(rows / top * 127.0), 0.0)
    return base64.b64encode(scaled.astype(np.int8).tobytes()).decode()


def unpacked_sketches(text: str) -> F64:
    """Sketches that `packed_sketches` wrote, one a row."""
    return np.frombuffer(base64.b64decode(text), dtype=np.int8).astype(np.float64).reshape(-1, SKETCH)
