"""Market data in columns: what features, strategies and the order engine read.

Entry points: `Bars` (and `Bars.from_arrays`), `Provenance`, `Bar`.

Invariants: stamps are int64 nanoseconds UTC, strictly increasing, each the instant its bar became known (its close);
every field is a read-only, C-contiguous float64 array of shape ``(n_bars, n_assets)``; NaN in a price means "no bar of
that instrument at that time", NaN in a volume means "not known". Rows are cut without copying. Arrays that already
have the right form are shared with the caller, who must not write to them afterwards.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from .actions import CorporateAction
from .errors import InputError, closest
from .instrument import Instrument

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Bar", "Bars", "Instant", "Provenance", "instant_ns", "utc"]

Instant: TypeAlias = "int | str | dt.date | dt.datetime | np.datetime64"
"""A moment: nanoseconds UTC, ISO text, date or datetime (a naive one is read as UTC)."""

DAY_NS: Final = 86_400_000_000_000
_ADJUSTMENTS: Final = ("raw", "split", "split+dividend", "unknown")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where bars come from, and what one should know before believing them.

    Parameters
    ----------
    source : str
        Provider and file or series, for people.
    synthetic : bool
        True when the prices were made up by a generator; every result then says so.
    licence : str
        Licence of the data, empty when not known.
    adjusted : str
        ``"raw"``, ``"split"``, ``"split+dividend"`` or ``"unknown"``.
    notes : tuple of str
        Everything that was assumed, repaired or dropped on the way.
    pinned : tuple of (str, str)
        Options of the loader that were left open and what they came to, such as the `as_of` of a store. With them the
        same bars can be loaded again when the source has learnt more; a manifest records them.

    Examples
    --------
    >>> Provenance("csv: spy.csv", adjusted="raw").with_note("2 rows dropped").notes
    ('2 rows dropped',)
    """

    source: str = ""
    synthetic: bool = False
    licence: str = ""
    adjusted: str = "unknown"
    notes: tuple[str, ...] = ()
    pinned: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.adjusted not in _ADJUSTMENTS:
            raise InputError(
                f"adjusted is {self.adjusted!r}; it must be one of {', '.join(_ADJUSTMENTS)}"
                f"{closest(self.adjusted, _ADJUSTMENTS)}."
            )

    def with_note(self, *notes: str) -> Provenance:
        """Return the same provenance with notes added."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close and volume of one instrument over one interval.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC at which the bar became known (its close).
    instrument : Instrument
        Whose bar it is.
    open, high, low, close : float
        Prices in the instrument's currency.
    volume : float
        Units traded; NaN when not known.

    Examples
    --------
    >>> Bar(0, Instrument("SPY"), 1.0, 2.0, 0.5, 1.5, 100.0).close
    1.5
    """

    ts: int
    instrument: Instrument
    open: float
    high: float
    low: float
    close: float
    volume: float = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Aligned bars of one or more instruments.

    The constructor trusts the *values* of stamps and arrays and only checks their form; `from_arrays` accepts anything
    array-like and checks everything.

    Parameters
    ----------
    ts : int64 array, shape (n_bars,)
        Nanoseconds UTC at which each bar became known, strictly increasing.
    open, high, low, close, volume : float64 array, shape (n_bars, n_assets)
        C-contiguous. A price of NaN means no bar of that instrument at that time.
    instruments : tuple of Instrument
        One per column, all different.
    interval_ns : int
        Length of a bar in nanoseconds, 0 when not known.
    provenance : Provenance
        Where the bars come from.
    actions : tuple of CorporateAction
        Splits, dividends and the like that the prices are not adjusted for.

    Raises
    ------
    InputError
        If shapes, types or the number of instruments do not fit together.

    Examples
    --------
    >>> bars = Bars.from_arrays(None, [1, 2, 3], [2, 3, 4], [1, 1, 2], [2, 2, 3], symbols="SPY")
    >>> bars.n_bars, bars.n_assets, bars.symbols
    (3, 1, ('SPY',))
    >>> bars.head(2).close[:, 0].tolist()
    [2.0, 2.0]
    """

    ts: npt.NDArray[np.int64]
    open: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    close: npt.NDArray[np.float64]
    volume: npt.NDArray[np.float64]
    instruments: tuple[Instrument, ...]
    interval_ns: int = 0
    provenance: Provenance = field(default_factory=Provenance)
    actions: tuple[CorporateAction, ...] = ()
    _cache: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        n_bars = self.ts.shape[0] if self.ts.ndim == 1 else -1
        if n_bars < 0 or self.ts.dtype != np.int64:
            raise InputError(f"ts must be a one-dimensional int64 array, not {self.ts.dtype} of shape {self.ts.shape}.")
        shape = (n_bars, len(self.instruments))
        object.__setattr__(self, "ts", _read_only(self.ts))
        for name in FIELDS:
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float64 or not array.flags.c_contiguous:
                raise InputError(
                    f"{name} must be a C-contiguous float64 array of shape {shape}, not {array.dtype} of shape "
                    f"{array.shape}; Bars.from_arrays converts."
                )
            object.__setattr__(self, name, _read_only(array))
        if not self.instruments:
            raise InputError("Bars need at least one instrument.")
        if len(set(self.instruments)) != len(self.instruments):
            twice = sorted({i.id for i in self.instruments if self.instruments.count(i) > 1})
            raise InputError(f"Each instrument may appear once; {', '.join(twice)} appears more often.")
        if self.interval_ns < 0:
            raise InputError(f"interval_ns is {self.interval_ns}; it must be at least 0 (0 means not known).")

    @classmethod
    def from_arrays(
        cls,
        ts: npt.ArrayLike | None,
        open: npt.ArrayLike,
        high: npt.ArrayLike,
        low: npt.ArrayLike,
        close: npt.ArrayLike,
        volume: npt.ArrayLike | None = None,
        *,
        symbols: str | Sequence[str] | None = None,
        instruments: Instrument | Sequence[Instrument] | None = None,
        interval_ns: int = 0,
        provenance: Provenance | None = None,
        actions: Iterable[CorporateAction] = (),
    ) -> Bars:
        """Bars from anything array-like, checked.

        Parameters
        ----------
        ts : array-like of shape (n_bars,), or None
            Close of each bar: nanoseconds UTC, ``datetime64`` (UTC) or datetimes. With None the bars are numbered: one
            a day from 1970-01-01 (one a minute beyond 100,000 bars), which the provenance says.
        open, high, low, close : array-like, shape (n_bars,) or (n_bars, n_assets)
            Any real type. Arrays that are float64 and C-contiguous are shared, not copied.
        volume : array-like or None
            Same shape; None means not known (NaN).
        symbols : str or sequence of str, optional
            One name per column, made instruments by `Instrument.of`. Without names: ``"ASSET"``, or ``"ASSET1"``, ...
        instruments : Instrument or sequence of Instrument, optional
            Instead of `symbols`.
        interval_ns : int
            Length of a bar, 0 when not known.
        provenance : Provenance, optional
            Where the bars come from.
        actions : iterable of CorporateAction
            What the prices are not adjusted for.

        Returns
        -------
        Bars

        Raises
        ------
        InputError
            If shapes differ, a value is not a number, stamps do not strictly increase or look like seconds,
            milliseconds or microseconds.

        Examples
        --------
        >>> import numpy as np
        >>> days = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
        >>> bars = Bars.from_arrays(days, [1, 2], [1, 2], [1, 2], [1, 2], symbols="BTC-USD")
        >>> bars.start.isoformat(), bars.instruments[0].calendar
        ('2024-01-02T00:00:00+00:00', '24/7')
        """
        given = {"open": open, "high": high, "low": low, "close": close}
        columns = {name: _matrix(value, name) for name, value in given.items()}
        shape = columns["close"].shape
        columns["volume"] = np.full(shape, np.nan) if volume is None else _matrix(volume, "volume")
        for name, array in columns.items():
            if array.shape != shape:
                raise InputError(f"{name} has shape {array.shape} but close has shape {shape}; they must be equal.")
        origin = provenance or Provenance()
        if ts is None:
            stamps, interval_ns, note = _numbered(shape[0])
            origin = origin.with_note(note)
        else:
            stamps = _stamps(ts)
        if stamps.shape[0] != shape[0]:
            raise InputError(f"There are {stamps.shape[0]} stamps but {shape[0]} rows of prices.")
        _check_increasing(stamps)
        return cls(
            stamps,
            **columns,
            instruments=_instruments(symbols, instruments, shape[1]),
            interval_ns=interval_ns,
            provenance=origin,
            actions=tuple(sorted(actions, key=lambda action: action.ts)),
        )

    @property
    def n_bars(self) -> int:
        """Number of rows."""
        return int(self.ts.shape[0])

    @property
    def n_assets(self) -> int:
        """Number of columns."""
        return len(self.instruments)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Identity of each column (`Instrument.id`)."""
        return tuple(instrument.id for instrument in self.instruments)

    @property
    def start(self) -> dt.datetime:
        """Stamp of the first bar, aware UTC (InputError when there are no bars)."""
        return self._stamp(0)

    @property
    def end(self) -> dt.datetime:
        """Stamp of the last bar, aware UTC (InputError when there are no bars)."""
        return self._stamp(-1)

    def __len__(self) -> int:
        return self.n_bars

    def __getitem__(self, rows: slice) -> Bars:
        if not isinstance(rows, slice):
            raise InputError(f"Bars are cut by a slice of rows, not by {rows!r}; use bar(row, symbol) for one bar.")
        first, last, step = rows.indices(self.n_bars)
        if step != 1:
            raise InputError(f"Rows are cut with step 1, not {step}; resample the data to thin it.")
        return self.rows(first, last)

    def __repr__(self) -> str:
        span = f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}" if self.n_bars else "empty"
        names = ", ".join(self.symbols[:5]) + (", ..." if self.n_assets > 5 else "")
        return f"Bars({self.n_bars} bars x {self.n_assets}: {names}; {span})"

    def rows(self, first: int, last: int) -> Bars:
        """Rows ``first <= i < last`` as views; bounds outside the bars are cut to them.

        Corporate actions are kept when they take effect at or before the last kept bar, and after the first.
        """
        first = max(0, min(first, self.n_bars))
        last = max(first, min(last, self.n_bars))
        if first == 0 and last == self.n_bars:
            return self
        actions = self.actions
        if actions:
            low = int(self.ts[first - 1]) if first else None
            high = int(self.ts[last - 1]) if last > first else None
            actions = tuple(
                a for a in actions if high is not None and a.ts <= high and (low is None or a.ts > low)
            )  # fmt: skip
        cut = slice(first, last)
        return Bars(
            self.ts[cut],
            self.open[cut],
            self.high[cut],
            self.low[cut],
            self.close[cut],
            self.volume[cut],
            self.instruments,
            self.interval_ns,
            self.provenance,
            actions,
        )

    def head(self, n: int) -> Bars:
        """Return the first `n` bars as views: what was known when the last of them closed."""
        return self.rows(0, n if n >= 0 else self.n_bars + n)

    def tail(self, n: int) -> Bars:
        """Return the last `n` bars as views; with a negative `n` all but the first of them."""
        return self.rows(self.n_bars - n if n >= 0 else -n, self.n_bars)

    def between(self, start: Instant | None = None, end: Instant | None = None) -> Bars:
        """Bars stamped from `start` to `end`, both included, as views.

        Parameters
        ----------
        start, end : int, str, date, datetime, datetime64 or None
            None is open. An `end` that is a date (or ISO text without a time) includes that whole day, UTC.

        Returns
        -------
        Bars
            Possibly without rows.

        Examples
        --------
        >>> bars = Bars.from_arrays(None, [1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3])
        >>> bars.between("1970-01-02", "1970-01-03").close[:, 0].tolist()
        [2.0, 3.0]
        """
        first = 0 if start is None else int(np.searchsorted(self.ts, instant_ns(start), side="left"))
        last = self.n_bars if end is None else int(np.searchsorted(self.ts, instant_ns(end, last=True), side="right"))
        return self.rows(first, last)

    def select(self, symbols: str | Iterable[str]) -> Bars:
        """Only these columns, in the order given (copied when it is not all of them).

        Raises
        ------
        InputError
            If a symbol is not there; the message names the nearest.
        """
        wanted = [symbols] if isinstance(symbols, str) else list(symbols)
        index = [self.column(symbol) for symbol in wanted]
        if index == list(range(self.n_assets)):
            return self
        chosen = tuple(self.instruments[i] for i in index)
        return Bars(
            self.ts,
            **{name: np.ascontiguousarray(getattr(self, name)[:, index]) for name in FIELDS},
            instruments=chosen,
            interval_ns=self.interval_ns,
            provenance=self.provenance,
            actions=tuple(action for action in self.actions if action.instrument in set(chosen)),
        )

    def column(self, symbol: str) -> int:
        """Index of the column of a symbol (its id, or its plain symbol when that is unambiguous).

        Raises
        ------
        InputError
            If no column has it; the message names the nearest.
        """
        names = self.symbols
        if symbol in names:
            return names.index(symbol)
        plain = [i for i, instrument in enumerate(self.instruments) if instrument.symbol == symbol]
        if len(plain) == 1:
            return plain[0]
        raise InputError(f"No bars of {symbol!r} among {_some(names)}{closest(symbol, names) or '.'}")

    def bar(self, row: int, symbol: str | None = None) -> Bar | None:
        """One bar, or None when the instrument has no bar in that row.

        Parameters
        ----------
        row : int
            Row; negative counts from the end.
        symbol : str, optional
            May be left out when there is one column.
        """
        if symbol is None and self.n_assets != 1:
            raise InputError(f"There are {self.n_assets} columns; name one of {_some(self.symbols)}.")
        j = 0 if symbol is None else self.column(symbol)
        if not -self.n_bars <= row < self.n_bars:
            raise InputError(f"Row {row} is outside the {self.n_bars} bars.")
        prices = [float(getattr(self, name)[row, j]) for name in FIELDS]
        if prices[3] != prices[3]:
            return None
        return Bar(int(self.ts[row]), self.instruments[j], *prices)

    def with_provenance(self, provenance: Provenance) -> Bars:
        """Return the same bars under another provenance."""
        return replace(self, provenance=provenance)

    def data_hash(self) -> str:
        """SHA-256 (hex) over stamps, arrays, symbols, interval and actions; provenance is not part of it.

        Computed once per object. Equal data gives the same text on every machine.
        """
        if "hash" not in self._cache:
            self._cache["hash"] = self._digest()
        value: str = self._cache["hash"]
        return value

    def _digest(self) -> str:
        import hashlib

        digest = hashlib.sha256()
        actions = [
            (a.ts, a.instrument.id, str(a.kind), a.value.hex(), a.new_symbol)
            + ((a.cash.hex(), a.price.hex()) if a.cash or a.price else ())
            for a in self.actions
        ]
        digest.update(repr((self.n_bars, self.symbols, self.interval_ns, actions)).encode())
        digest.update(np.ascontiguousarray(self.ts, dtype="<i8").data)
        for name in FIELDS:
            array = np.ascontiguousarray(getattr(self, name), dtype="<f8")
            missing = np.isnan(array)
            if missing.any():
                # A NaN has many bit patterns (its sign differs between processors); one of them stands for all.
                array = np.where(missing, np.nan, array)
            digest.update(array.data)
        return digest.hexdigest()

    def _stamp(self, row: int) -> dt.datetime:
        if not self.n_bars:
            raise InputError("There are no bars, so there is no first or last stamp; load a wider range.")
        return utc(int(self.ts[row]))

    def __iter__(self) -> Iterator[Bars]:
        raise TypeError("Bars are not iterable; use the arrays, rows(first, last) or bar(row, symbol).")


FIELDS: Final = ("open", "high", "low", "close", "volume")


def utc(ns: int) -> dt.datetime:
    """Aware UTC datetime of a nanosecond stamp, cut to microseconds.

    Examples
    --------
    >>> utc(1_704_153_600_000_000_000).isoformat()
    '2024-01-02T00:00:00+00:00'
    """
    return _EPOCH + dt.timedelta(microseconds=ns // 1000)


def instant_ns(value: Instant, *, last: bool = False) -> int:
    """Nanoseconds UTC of a moment.

    Parameters
    ----------
    value : int, str, date, datetime or datetime64
        ISO text and naive datetimes are read as UTC.
    last : bool
        A plain date then means its last nanosecond, not its first.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If the text is not ISO 8601.

    Examples
    --------
    >>> instant_ns("1970-01-02"), instant_ns("1970-01-01", last=True)
    (86400000000000, 86399999999999)
    """
    if isinstance(value, bool):
        raise InputError(f"{value!r} is not a moment; give an ISO date such as '2024-01-31'.")
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            raise InputError("The moment is NaT; give an ISO date such as '2024-01-31'.")
        whole_day = np.datetime_data(value)[0] == "D"
        return int(value.astype("datetime64[ns]").astype(np.int64)) + (DAY_NS - 1 if last and whole_day else 0)
    moment: dt.date | dt.datetime
    if isinstance(value, str):
        text = value.strip()
        try:
            moment = dt.date.fromisoformat(text) if len(text) <= 10 else dt.datetime.fromisoformat(text)
        except ValueError:
            raise InputError(f"{value!r} is not an ISO date or time; write it like '2024-01-31'.") from None
    elif isinstance(value, dt.date):
        moment = value
    else:
        raise InputError(f"{value!r} is not a moment; give an ISO date such as '2024-01-31'.")
    if not isinstance(moment, dt.datetime):
        return (moment - dt.date(1970, 1, 1)).days * DAY_NS + (DAY_NS - 1 if last else 0)
    aware = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
    return (aware - _EPOCH) // dt.timedelta(microseconds=1) * 1000


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def _matrix(value: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        if array.dtype.kind in "OUS":
            try:
                array = array.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise InputError(f"{name} holds something that is not a number ({error}); clean it first.") from None
        else:
            raise InputError(f"{name} has type {array.dtype}; it must hold real numbers.")
    if array.ndim not in {1, 2}:
        raise InputError(f"{name} has {array.ndim} dimensions; it must be (n_bars,) or (n_bars, n_assets).")
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    return np.ascontiguousarray(array, dtype=np.float64)


def _stamps(ts: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.asarray(ts)
    if array.ndim != 1:
        raise InputError(f"ts has {array.ndim} dimensions; it must have one.")
    if array.dtype.kind == "M":
        if np.isnat(array).any():
            raise InputError(f"ts holds NaT at row {int(np.isnat(array).argmax())}; every bar needs its stamp.")
        return np.ascontiguousarray(array.astype("datetime64[ns]", copy=False).view(np.int64))
    if array.dtype.kind in "OU":
        return np.array([instant_ns(item) for item in array.tolist()], dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise InputError(f"ts has type {array.dtype}; give int nanoseconds UTC or datetime64.")
    stamps = np.ascontiguousarray(array, dtype=np.int64)
    _check_unit(stamps)
    return stamps


# A stamp between 1990 and 2128 as each unit counts it, and the shortest step that could still mean nanoseconds.
_UNITS: Final = (
    ("s", 631_152_000, 5_000_000_000),
    ("ms", 631_152 * 10**6, 5 * 10**12),
    ("us", 631_152 * 10**9, 5 * 10**15),
)
_HOUR_NS: Final = 3_600_000_000_000


def _check_unit(stamps: npt.NDArray[np.int64]) -> None:
    if not stamps.size:
        return
    first, last = int(stamps[0]), int(stamps[-1])
    for unit, low, high in _UNITS:
        if low <= first <= last <= high and (last - first) / max(1, stamps.size - 1) < _HOUR_NS:
            raise InputError(
                f"ts starts at {first}, which looks like {unit}, not nanoseconds; pass ts.astype('datetime64[{unit}]')."
            )


def _check_increasing(stamps: npt.NDArray[np.int64]) -> None:
    later = stamps[1:] > stamps[:-1]
    if not later.all():
        row = int(later.argmin()) + 1
        raise InputError(
            f"Stamps must strictly increase, but row {row} ({utc(int(stamps[row]))}) does not come after row {row - 1} "
            f"({utc(int(stamps[row - 1]))}); sort the bars and drop duplicates."
        )


def _numbered(n_bars: int) -> tuple[npt.NDArray[np.int64], int, str]:
    step, word = (DAY_NS, "day") if n_bars <= 100_000 else (60_000_000_000, "minute")
    stamps = np.arange(n_bars, dtype=np.int64) * step
    return stamps, step, f"no stamps were given: the bars are numbered one a {word} from 1970-01-01"


def _instruments(
    symbols: str | Sequence[str] | None, instruments: Instrument | Sequence[Instrument] | None, n_assets: int
) -> tuple[Instrument, ...]:
    if symbols is not None and instruments is not None:
        raise InputError("Give symbols or instruments, not both.")
    if instruments is not None:
        made = (instruments,) if isinstance(instruments, Instrument) else tuple(instruments)
    elif symbols is not None:
        made = tuple(Instrument.of(symbol) for symbol in ([symbols] if isinstance(symbols, str) else symbols))
    elif n_assets == 1:
        made = (Instrument("ASSET"),)
    else:
        made = tuple(Instrument(f"ASSET{j + 1}") for j in range(n_assets))
    if len(made) != n_assets:
        raise InputError(f"There are {len(made)} symbols but {n_assets} columns of prices.")
    return made


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
