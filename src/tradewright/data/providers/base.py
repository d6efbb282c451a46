"""What the built-in providers share: from raw series to bars.

Entry points: `SeriesProvider` (base class), `Progress`, `check_symbols`.

A provider of this package answers `series(symbols, interval)` with `RawSeries`; judging, aligning and cutting is done
here once, by `assemble`, for all of them. A foreign provider only needs `load`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from ...domain.bars import Bars, Instant
from ...domain.errors import InputError, MissingDataError, closest
from ..grid import align, between_sessions, resample
from ..intervals import interval_name, interval_ns
from ..raw import RawSeries
from ..rules import DEFAULT_RULES, Rule
from ..sanity import Repair, SanityReport, clean
from ..universes import expand

__all__ = ["Progress", "SeriesProvider", "assemble", "check_symbols", "unknown_symbol"]

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (done, total) while many files are read."""


class SeriesProvider(ABC):
    """A provider that delivers raw series."""

    name: str = ""

    @abstractmethod
    def symbols(self) -> tuple[str, ...]:
        """Symbols it can deliver."""

    @abstractmethod
    def series(
        self, symbols: Sequence[str] | None, interval: str | None = None, *, progress: Progress | None = None
    ) -> list[RawSeries]:
        """Raw series of the symbols, None for all.

        Raises
        ------
        DataError
            If a symbol is not known or cannot be read.
        """

    def load(
        self,
        symbols: Sequence[str],
        start: Instant | None = None,
        end: Instant | None = None,
        interval: str | None = None,
    ) -> Bars:
        """Judged bars of the symbols; see `tradewright.domain.ports.Provider`."""
        bars, _ = assemble(self.series(check_symbols(symbols), interval), interval=interval)
        cut = between_sessions(bars, start, end)
        if not cut.n_bars:
            raise MissingDataError(f"No bars of {', '.join(bars.symbols[:5])} in the range; there are "
                                   f"{bars.start:%Y-%m-%d} to {bars.end:%Y-%m-%d}.")  # fmt: skip
        return cut


def assemble(
    series: Sequence[RawSeries],
    *,
    interval: str | None = None,
    repair: Repair = "quarantine",
    rules: Iterable[Rule | str] = DEFAULT_RULES,
    validate: bool = True,
) -> tuple[Bars, SanityReport]:
    """Judge raw series and put them on one grid.

    Parameters
    ----------
    series : sequence of RawSeries
        One per instrument.
    interval : str, optional
        Length of the bars wanted; shorter ones are resampled, which their provenance then says.
    repair, rules, validate
        As in `sanity.clean`.

    Returns
    -------
    bars : Bars
    report : SanityReport
        Over all instruments.
    """
    if not series:
        raise MissingDataError("The source has no series.")
    chosen = tuple(rules)
    done = [clean(raw, repair=repair, rules=chosen, validate=validate) for raw in series]
    report = SanityReport.merged(report for _, report in done)
    wanted = interval_ns(interval) if interval else 0
    longer = [resample(bars, wanted) if wanted and 0 < bars.interval_ns < wanted else bars for bars, _ in done]
    return align(longer), report


def check_symbols(symbols: str | Iterable[str]) -> list[str]:
    """Symbols as a list without duplicates; a text may hold several, separated by commas, ``@NAME`` is a universe.

    Examples
    --------
    >>> check_symbols("SPX, VIX")
    ['SPX', 'VIX']
    """
    parts = symbols.split(",") if isinstance(symbols, str) else list(symbols)
    wanted = expand(part.strip() for part in parts if part.strip())
    if not wanted:
        raise InputError("No symbol was given; name at least one, such as 'SPX'.")
    return wanted


def unknown_symbol(symbol: str, known: Sequence[str], source: str) -> MissingDataError:
    """Error for a symbol that a source does not have, with the nearest it has."""
    shown = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    return MissingDataError(f"No {symbol!r} in {source}{closest(symbol, known) or '.'} It has {shown or 'nothing'}.")


def only_interval(raw: RawSeries, interval: str | None) -> RawSeries:
    """Return the series when bars of the interval asked for can be had from it, an error otherwise."""
    if interval is None or not raw.interval_ns or raw.interval_ns <= interval_ns(interval):
        return raw
    raise MissingDataError(
        f"{raw.instrument.id} of {raw.provenance.source} has bars of {interval_name(raw.interval_ns)}; bars of "
        f"{interval} cannot be made from them. Leave the interval out or name a longer one."
    )
