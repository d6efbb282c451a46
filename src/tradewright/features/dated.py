"""Series from outside (macro figures, sentiment, implied volatility, events), known from when they were known.

Entry points: `DatedSeries`, `read_series`, and the features ``dated``, ``dated_age``, ``dated_mean``, ``dated_count``,
``hours_to_event``, ``hours_since_event``.

Invariants: a value is known from the later of its publish and its fetch time, both of which are kept; a row sees what
was known at its stamp and nothing else. What was known later but published earlier never takes the place of what was
published later. A date without a time counts as known when that day is over (UTC).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import InputError, MissingDataError, closest
from tradewright.features.feature import Market, define, length, text

if TYPE_CHECKING:
    import numpy.typing as npt

    from tradewright.domain.bars import Instant

    F64 = npt.NDArray[np.float64]
    I64 = npt.NDArray[np.int64]

__all__ = ["DatedSeries", "read_series"]

_F: Final = "dated"
_KNOWN: Final = "the later of publish and fetch time"
_DAY_NS: Final = 86_400_000_000_000
_HOUR_NS: Final = 3_600_000_000_000
_PUBLISHED: Final = ("published", "publish_time", "published_at", "release_time", "released", "announced")
_FETCHED: Final = ("fetched", "fetch_time", "fetched_at", "received", "ingested_at")
_DATED: Final = ("date", "time", "timestamp", "datetime", "period")
_EVENT: Final = ("event", "event_time", "scheduled", "scheduled_at")


@dataclass(frozen=True, slots=True, eq=False)
class DatedSeries:
    """Values with the instants at which they were published and fetched.

    Parameters
    ----------
    name : str
    published, fetched : int64 array, shape (n,)
        Nanoseconds UTC.
    value : float64 array, shape (n,)
        NaN (a day without a figure) is left out.
    symbol : tuple of str
        Asset of each value, or empty: the same for all.
    event : int64 array, shape (n,), optional
        Of scheduled events: when they take place.
    source : str
    notes : tuple of str
        What was assumed.

    Examples
    --------
    >>> published, fetched = ["2024-01-02T21:15", "2024-01-03T21:15"], ["2024-01-02T22:00", "2024-01-05T09:00"]
    >>> vix = DatedSeries.of("vix", published, [13.2, 14.0], fetched=fetched)
    >>> at = np.array(["2024-01-02T21:30", "2024-01-04T22:00", "2024-01-05T22:00"], dtype="datetime64[ns]")
    >>> vix.at(at.astype("int64")).tolist()
    [nan, 13.2, 14.0]
    """

    name: str
    published: I64
    fetched: I64
    value: F64
    symbol: tuple[str, ...] = ()
    event: I64 | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    _sorted: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(
        cls,
        name: str,
        published: Sequence[Instant],
        value: npt.ArrayLike,
        *,
        fetched: Sequence[Instant] | None = None,
        symbol: Sequence[str] = (),
        event: Sequence[Instant] | None = None,
        source: str = "",
        notes: Sequence[str] = (),
    ) -> DatedSeries:
        """Series from anything that names instants.

        Parameters
        ----------
        name : str
        published : sequence of instants
            A date without a time means the end of that day, UTC.
        value : array-like, shape (n,)
        fetched : sequence of instants, optional
            When the value reached us; without it the publish time, which a note says.
        symbol, event, source, notes
            See the class.

        Raises
        ------
        InputError
            If lengths differ or an instant cannot be read.
        """
        values = np.asarray(value, dtype=np.float64).ravel()
        told = [*notes]
        publish = _instants(published)
        if fetched is None:
            got = publish
            told.append("no fetch times: taken as known at publication")
        else:
            got = _instants(fetched)
        when = None if event is None else _instants(event, last=False)
        for what, column in (("published", publish), ("fetched", got), ("symbol", symbol or publish), ("event", when)):
            if column is not None and len(column) != values.size:
                raise InputError(f"{name} has {values.size} values but {len(column)} of {what}; they must be as many.")
        keep = np.isfinite(values)
        if not keep.all():
            told.append(f"{int((~keep).sum())} empty values are left out")
        return cls(
            name, publish[keep], got[keep], values[keep],
            tuple(str(s) for s, k in zip(symbol, keep, strict=True) if k) if len(symbol) else (),
            None if when is None else when[keep], source, tuple(dict.fromkeys(told)),
        )  # fmt: skip

    @property
    def known(self) -> I64:
        """Instant from which each value was known: the later of publish and fetch time."""
        return np.maximum(self.published, self.fetched)

    def __len__(self) -> int:
        return int(self.value.size)

    def hash(self) -> str:
        """Fingerprint of values and times, 16 hex digits."""
        digest = hashlib.sha256()
        for column in (self.published, self.fetched, self.value, self.event):
            digest.update(b"-" if column is None else np.ascontiguousarray(column).tobytes())
        digest.update("\0".join(self.symbol).encode())
        return digest.hexdigest()[:16]

    def at(self, ts: I64, symbol: str | None = None, *, max_age_ns: int = 0) -> F64:
        """Newest value that was known at each instant.

        Parameters
        ----------
        ts : int64 array, shape (n_rows,)
        symbol : str, optional
            Of a series with symbols.
        max_age_ns : int
            Values published longer ago are missing; 0 keeps them.

        Returns
        -------
        float64 array, shape (n_rows,)
            NaN before the first.
        """
        place = self._newest(ts, symbol)
        there = place >= 0
        if max_age_ns:
            there &= ts - self.published[place] <= max_age_ns
        return np.where(there, self.value[np.maximum(place, 0)], np.nan) if len(self) else np.full(ts.size, np.nan)

    def age_ns(self, ts: I64, symbol: str | None = None) -> F64:
        """Nanoseconds since that value was published; NaN before the first."""
        place = self._newest(ts, symbol)
        if not len(self):
            return np.full(ts.size, np.nan)
        return np.where(place >= 0, (ts - self.published[np.maximum(place, 0)]).astype(np.float64), np.nan)

    def _rows(self, symbol: str | None) -> tuple[I64, I64, I64]:
        """Rows of a symbol in the order in which they became known, their instants, and the newest published so far."""
        key = symbol if self.symbol and symbol is not None else ""
        if key not in self._sorted:
            own = np.arange(len(self))
            if self.symbol and symbol is not None:
                own = own[np.array([name == symbol for name in self.symbol], dtype=bool)]
            known = self.known[own]
            order = np.lexsort((self.published[own], known))
            rows = own[order]
            best = rows.copy()
            for k in range(1, rows.size):
                # A value that arrives late does not take the place of one that was published after it.
                best[k] = rows[k] if self.published[rows[k]] >= self.published[best[k - 1]] else best[k - 1]
            self._sorted[key] = (rows, self.known[rows], best)
        found: tuple[I64, I64, I64] = self._sorted[key]
        return found

    def _newest(self, ts: I64, symbol: str | None) -> I64:
        _, known, best = self._rows(symbol)
        place = np.searchsorted(known, ts, side="right") - 1
        return np.where(place >= 0, best[np.maximum(place, 0)], -1) if best.size else np.full(ts.size, -1)

    def window(self, ts: I64, span_ns: int, symbol: str | None = None) -> tuple[F64, F64]:
        """Number and mean of the values that became known in the span before each instant (its end included).

        Returns
        -------
        count, mean : float64 array, shape (n_rows,)
            The mean is NaN where there was none.
        """
        rows, known, _ = self._rows(symbol)
        last = np.searchsorted(known, ts, side="right")
        first = np.searchsorted(known, ts - span_ns, side="right")
        count = (last - first).astype(np.float64)
        values = self.value[rows]
        # Sums of the pieces themselves: a difference of running sums would carry the size of what is long past.
        sums = np.array(
            [values[a:b].sum() for a, b in zip(first.tolist(), last.tolist(), strict=True)], dtype=np.float64
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            return count, np.asarray(sums / np.where(count > 0, count, np.nan))

    def hours_to(self, ts: I64, symbol: str | None = None, *, past: bool = False) -> F64:
        """Hours to the next event that is announced, or since the last.

        Raises
        ------
        InputError
            If the series has no events.
        """
        if self.event is None:
            raise InputError(f"{self.name} has no times of events; give a column 'event' with them.")
        out = np.full(ts.size, np.inf)
        rows, known, _ = self._rows(symbol)
        for row, since in zip(rows.tolist(), known.tolist(), strict=True):
            when = int(self.event[row])
            begin = int(np.searchsorted(ts, max(since, when) if past else since, side="left"))
            end = ts.size if past else int(np.searchsorted(ts, when, side="right"))
            away = (ts[begin:end] - when) if past else (when - ts[begin:end])
            out[begin:end] = np.minimum(out[begin:end], away / _HOUR_NS)
        return np.where(np.isfinite(out), out, np.nan)


def _instants(values: Any, *, last: bool = True) -> I64:
    from tradewright.domain.bars import instant_ns

    array = np.asarray(values)
    if array.dtype.kind == "M":
        stamps = array.astype("datetime64[ns]").astype(np.int64)
        return stamps + (_DAY_NS if last and array.dtype == np.dtype("datetime64[D]") else 0)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    out = np.empty(len(values), dtype=np.int64)
    for k, value in enumerate(values):
        plain = isinstance(value, str) and len(value.strip()) <= 10
        stamp = instant_ns(value.strip() if isinstance(value, str) else value)
        out[k] = stamp + (_DAY_NS if plain and last else 0)
    return out


def read_series(
    path: str | Path,
    *,
    name: str = "",
    value: str = "",
    published: str = "",
    fetched: str = "",
    symbol: str = "",
    event: str = "",
    lag: str = "",
) -> DatedSeries:
    r"""Dated series from a CSV (also .gz) or Parquet file.

    Parameters
    ----------
    path : path
    name : str
        By default the name of the file.
    value, published, fetched, symbol, event : str
        Names of columns. By default: ``value`` (or the only other column of numbers), ``published``, ``fetched``,
        ``symbol`` and ``event`` where the file has them.
    lag : str
        Such as ``"1d"``: how long after its date a value is published, for files that have a date and no publish time.

    Returns
    -------
    DatedSeries

    Raises
    ------
    MissingDataError
        If there is no such file.
    InputError
        If a column is missing. A file with a date only is refused without `lag`: when its values were known is not
        written in it, and to take the date would be to look ahead.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> file = Path(folder) / "cpi.csv"
    >>> _ = file.write_text("published,value\n2024-01-11T13:30:00Z,3.4\n2024-02-13T13:30:00Z,3.1\n")
    >>> cpi = read_series(file)
    >>> cpi.name, len(cpi), cpi.value.tolist()
    ('cpi', 2, [3.4, 3.1])
    """
    place = Path(path)
    if not place.is_file():
        raise MissingDataError(f"There is no file {str(place)!r}; check the path of the series.")
    table = _table(place)
    title = name or place.name.split(".")[0]
    lower = {str(key).lower(): key for key in table}

    def column(given: str, usual: Sequence[str], what: str) -> list[Any] | None:
        if given:
            if given.lower() not in lower:
                raise InputError(
                    f"{place.name} has no column {given!r}{closest(given, lower) or '.'} It has {', '.join(table)}."
                )
            return table[lower[given.lower()]]
        return next((table[lower[word]] for word in usual if word in lower), None)

    publish = column(published, _PUBLISHED, "published")
    dates = column("", _DATED, "date")
    notes: list[str] = []
    if publish is None:
        if dates is None:
            raise InputError(f"{place.name} has no publish time; name its column with published: ... .")
        if not lag:
            raise InputError(
                f"{place.name} has a date but no publish time, so it does not say when its values were known. Name the "
                "column of the publish time (published: ...), or say how long after the date they were (lag: 1d)."
            )
        from tradewright.data.intervals import interval_ns

        publish = [int(t) for t in _instants(dates) + interval_ns(lag)]
        notes.append(f"published {lag} after the end of its date, as lag says")
    used = {lower.get(word.lower(), word) for word in (published, fetched, symbol, event) if word}
    values = column(value, ("value", "score", "actual", "close"), "value")
    events = column(event, _EVENT, "event")
    if values is None:
        others = [
            key
            for key in table
            if key not in used and str(key).lower() not in {*_PUBLISHED, *_FETCHED, *_DATED, *_EVENT, "symbol"}
        ]
        if len(others) == 1:
            values = table[others[0]]
        elif events is not None:
            values = [1.0] * len(publish)
        else:
            raise InputError(
                f"{place.name} has no column 'value'; name it with value: ... . It has {', '.join(table)}."
            )
    symbols = column(symbol, ("symbol", "ticker"), "symbol")
    return DatedSeries.of(
        title, publish, [_number(v, place) for v in values], fetched=column(fetched, _FETCHED, "fetched"),
        symbol=[str(s) for s in symbols] if symbols is not None else (), event=events, source=place.name, notes=notes,
    )  # fmt: skip


def _number(value: Any, place: Path) -> float:
    if value is None or (isinstance(value, str) and value.strip() in {"", ".", "NA", "NaN", "nan", "null", "-"}):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{place.name} has the value {value!r}; it must be a number or empty.") from None


def _table(place: Path) -> dict[str, list[Any]]:
    if place.suffix.lower() in {".parquet", ".pq"}:
        import pyarrow.parquet as pq

        found: dict[str, list[Any]] = pq.read_table(place).to_pydict()
        return found
    data = gzip.decompress(place.read_bytes()) if place.suffix == ".gz" else place.read_bytes()
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    if not rows:
        raise InputError(f"{place.name} has no rows; give a file with a header and values.")
    return {key: [row[key] for row in rows] for key in rows[0] if key is not None}


def _series(market: Market, name: str) -> DatedSeries:
    if name not in market.series:
        known = ", ".join(market.series) or "none"
        raise InputError(
            f"There is no series {name!r}{closest(name, market.series) or '.'} Given are: {known}. Add it to series: "
            "of the specification, with its file."
        )
    return market.series[name]


def _each(market: Market, series: DatedSeries, function: Any) -> F64:
    out = np.empty(market.shape)
    if not series.symbol:
        out[:] = np.asarray(function(None))[:, None]
        return out
    for j, symbol in enumerate(market.symbols):
        out[:, j] = function(symbol)
    return out


_NAME: Final = text("series", about="name of a dated series")


@define(
    "Dated value",
    family=_F,
    kind="rows",
    params=[_NAME, length("max_age", "365d", "older values are missing")],
    unit="that of the series",
    source="Point-in-time join; see Croushore and Stark (2001), Journal of Econometrics 105(1)",
    needs="series",
    known_at=_KNOWN,
    event=True,
)
def dated(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Newest value of a dated series that was known at the close of the row."""
    from tradewright.data.intervals import interval_ns

    series, age = _series(market, p.series), interval_ns(p.max_age)
    return _each(market, series, lambda symbol: series.at(market.ts, symbol, max_age_ns=age))


@define(
    "Age of the dated value",
    family=_F,
    kind="rows",
    params=[_NAME],
    unit="days since it was published",
    source="Point-in-time join",
    needs="series",
    known_at=_KNOWN,
    event=True,
)
def dated_age(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Days since the newest known value was published."""
    series = _series(market, p.series)
    return _each(market, series, lambda symbol: series.age_ns(market.ts, symbol) / _DAY_NS)


@define(
    "Mean of recent dated values",
    family=_F,
    kind="rows",
    params=[_NAME, length("span", "1d", "how far back")],
    unit="that of the series",
    source="Tetlock (2007), Journal of Finance 62(3)",
    undefined="NaN where nothing became known in the span",
    needs="series",
    known_at=_KNOWN,
    event=True,
)
def dated_mean(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Mean of the values that became known in the span before the close of the row: sentiment of the last day."""
    from tradewright.data.intervals import interval_ns

    series, span = _series(market, p.series), interval_ns(p.span)
    return _each(market, series, lambda symbol: series.window(market.ts, span, symbol)[1])


@define(
    "Number of recent dated values",
    family=_F,
    kind="rows",
    params=[_NAME, length("span", "1d", "how far back")],
    unit="count",
    source="Barber and Odean (2008), Review of Financial Studies 21(2)",
    needs="series",
    known_at=_KNOWN,
)
def dated_count(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Number of values that became known in the span before the close of the row: how much is written."""
    from tradewright.data.intervals import interval_ns

    series, span = _series(market, p.series), interval_ns(p.span)
    return _each(market, series, lambda symbol: series.window(market.ts, span, symbol)[0])


@define(
    "Hours to the next event",
    family=_F,
    kind="rows",
    params=[_NAME],
    unit="hours",
    source="Lucca and Moench (2015), Journal of Finance 70(1)",
    undefined="NaN where none is announced",
    notes="Only events whose announcement was known.",
    needs="series",
    known_at=_KNOWN,
    event=True,
)
def hours_to_event(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Hours from the close of the row to the next announced event of an economic calendar."""
    series = _series(market, p.series)
    return _each(market, series, lambda symbol: series.hours_to(market.ts, symbol))


@define(
    "Hours since the last event",
    family=_F,
    kind="rows",
    params=[_NAME],
    unit="hours",
    source="Lucca and Moench (2015), Journal of Finance 70(1)",
    undefined="NaN before the first",
    needs="series",
    known_at=_KNOWN,
    event=True,
)
def hours_since_event(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Hours from the last event of an economic calendar to the close of the row."""
    series = _series(market, p.series)
    return _each(market, series, lambda symbol: series.hours_to(market.ts, symbol, past=True))
