"""Series as a store keeps them: which they are, what is known of them, what a write did, and the port of a store.

Entry points: `SeriesKey`, `SeriesInfo`, `Appended`, `Store`.

Two times belong to every stored bar: `Bars.ts`, when the bar became known to the market (its close), and ``known``,
when this store learnt the row. A row is never overwritten: a source that restates a bar adds a second row with a later
``known``, so a read ``as_of`` an instant gives for ever the same bars (and the same `Bars.data_hash`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .actions import CorporateAction
from .bars import Bars, Instant
from .errors import InputError
from .events import Finding

__all__ = ["Appended", "SeriesInfo", "SeriesKey", "Store"]


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """Name of one stored series.

    Parameters
    ----------
    symbol : str
        Id of the instrument (`Instrument.id`).
    interval_ns : int
        Length of a bar.
    source : str
        Who delivered it; the same symbol of two sources is two series.

    Examples
    --------
    >>> SeriesKey("SPY", 86_400_000_000_000, "vendor").source
    'vendor'
    """

    symbol: str
    interval_ns: int
    source: str

    def __post_init__(self) -> None:
        if not self.symbol or not self.source:
            raise InputError(f"A series needs a symbol and a source, not {self.symbol!r} and {self.source!r}.")
        if self.interval_ns <= 0:
            raise InputError(f"The bars of {self.symbol} have no known length; give the interval, such as '1d'.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesInfo:
    """What a store knows of a series without reading its bars.

    Parameters
    ----------
    key : SeriesKey
        Which series.
    n_bars : int
        Bars of the newest reading.
    first, last : int
        Stamps (ns UTC) of the first and the last bar.
    revisions : tuple of int
        Instants (ns UTC) at which the store learnt something of it, its corporate actions included, ascending. Of a
        write under ``known="event"`` the first and the last instant stand for all.
    restated : int
        Rows that were later replaced by another.
    rejected : int
        Rows in quarantine.
    adjusted : str
        As in `Provenance`.
    licence : str
        As in `Provenance`.
    origin : str
        Source text of the provenance, for people.
    synthetic : bool
        True when the prices were made up.
    content_hash : str
        SHA-256 over the newest reading: `Bars.data_hash` of this one series read whole. Changes when and only when a
        read would give other bars.
    """

    key: SeriesKey
    n_bars: int
    first: int
    last: int
    revisions: tuple[int, ...]
    restated: int = 0
    rejected: int = 0
    adjusted: str = "unknown"
    licence: str = ""
    origin: str = ""
    synthetic: bool = False
    content_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What a write did to one series.

    Parameters
    ----------
    key : SeriesKey
        Which series.
    added, unchanged, restated : int
        Rows that are new, that were there with the same values, and that replace another.
    known : int
        Instant (ns UTC) under which the rows are known.
    """

    key: SeriesKey
    added: int
    unchanged: int
    restated: int
    known: int


@runtime_checkable
class Store(Protocol):
    """What keeps market data. Its exam is `tradewright.testing.check_store`."""

    @property
    def name(self) -> str:
        """Name for people, such as the folder or the address without secrets."""
        ...

    def list(
        self, symbols: Sequence[str] | None = None, *, interval: str | None = None, source: str | None = None
    ) -> tuple[SeriesInfo, ...]:
        """Series there are, in the order of their keys, narrowed where asked."""
        ...

    def append(
        self,
        bars: Bars,
        *,
        source: str,
        known: Instant | None = None,
        restate: bool = False,
        findings: Sequence[Finding] = (),
    ) -> tuple[Appended, ...]:
        """Keep bars and the actions they carry, all or nothing.

        Parameters
        ----------
        bars : Bars
            Of any number of instruments; a cell without a bar (NaN) is not stored.
        source : str
            Who delivered them.
        known : instant, optional
            When they became known here; now by default. ``"event"`` takes each row as known at its own stamp. Always
            after what the series knows already (rows that are there unchanged need no instant), never in the future,
            and no row before its own stamp. A date means its first nanosecond, UTC.
        restate : bool
            Whether a bar that is there with other values is replaced (the old one stays readable ``as_of`` before).
        findings : sequence of Finding
            Objections of the checks; those with an error are kept as the quarantine of their series.

        Raises
        ------
        InconsistentDataError
            If a bar (or the value of a corporate action) differs from the one there and `restate` is False, a bar is
            not whole or not over at `known`, or prices are adjusted in another way than those there. Nothing is
            written then.
        InputError
            If `known` does not lie after the newest revision, or the interval is not known.
        """
        ...

    def read(
        self,
        symbols: Sequence[str],
        interval: str,
        *,
        source: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        as_of: Instant | None = None,
    ) -> Bars:
        """Bars as they were known `as_of` (now by default), on one grid, with their corporate actions.

        `start` and `end` are stamps, both included; an `end` or `as_of` that is a date includes that whole day, UTC.
        With several sources of a symbol `source` must choose. A symbol without bars in the range is a column of NaN.

        Raises
        ------
        MissingDataError
            If a series is not there (the message names the nearest) or nothing lies in the range.
        """
        ...

    def slices(
        self,
        symbols: Sequence[str],
        interval: str,
        *,
        rows: int,
        source: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        as_of: Instant | None = None,
    ) -> Iterator[Bars]:
        """Read the same bars in parts of at most `rows` rows, one after another, never all of them in memory.

        The parts are those of `Bars.rows`: each carries the actions after the part before it, up to its last bar.
        """
        ...

    def write_actions(self, actions: Sequence[CorporateAction], *, source: str, known: Instant | None = None) -> int:
        """Keep corporate actions that did not come with bars; returns how many are new.

        An action is the same as one there when instrument, stamp and kind are; another value replaces it from `known`.
        """
        ...

    def actions(
        self, symbols: Sequence[str], *, source: str | None = None, as_of: Instant | None = None
    ) -> tuple[CorporateAction, ...]:
        """Corporate actions known `as_of`, by their stamps."""
        ...

    def quarantine(self, symbols: Sequence[str] | None = None) -> tuple[Finding, ...]:
        """Errors of rows that were not stored."""
        ...

    def remove(self, key: SeriesKey) -> None:
        """Forget a series and everything of it."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
