"""Bars that are in memory already: the twin of every other provider.

Entry point: `MemoryProvider`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...domain.bars import Bars
from ...domain.errors import InputError
from ..raw import RawSeries
from .base import Progress, SeriesProvider, only_interval, unknown_symbol

__all__ = ["MemoryProvider"]


class MemoryProvider(SeriesProvider):
    """Provider over bars or data frames in memory.

    Parameters
    ----------
    data : Bars, data frame, dict
        Anything `tradewright.data.bars_from` takes.

    Examples
    --------
    >>> provider = MemoryProvider(Bars.from_arrays(None, [1, 2], [1, 2], [1, 2], [1, 2], symbols="SPY"))
    >>> provider.symbols(), provider.load(["SPY"]).n_bars
    (('SPY',), 2)
    """

    name = "memory"

    def __init__(self, data: Bars | Mapping[str, Any] | Any = None) -> None:
        if data is None:
            raise InputError("The memory provider needs data: Bars, a data frame, or a dict of them.")
        from ..frames import bars_from

        self._bars: Bars = bars_from(data)

    def symbols(self) -> tuple[str, ...]:
        """Symbols of the bars."""
        return self._bars.symbols

    def series(
        self, symbols: Sequence[str] | None, interval: str | None = None, *, progress: Progress | None = None
    ) -> list[RawSeries]:
        """Rows of each symbol."""
        bars = self._bars
        out: list[RawSeries] = []
        for symbol in symbols if symbols is not None else bars.symbols:
            if symbol not in bars.symbols:
                raise unknown_symbol(symbol, bars.symbols, "memory")
            j = bars.column(symbol)
            rows = bars.close[:, j] == bars.close[:, j]
            raw = RawSeries(
                instrument=bars.instruments[j],
                ts=bars.ts[rows],
                open=bars.open[rows, j],
                high=bars.high[rows, j],
                low=bars.low[rows, j],
                close=bars.close[rows, j],
                volume=bars.volume[rows, j],
                interval_ns=bars.interval_ns,
                provenance=bars.provenance,
                actions=tuple(a for a in bars.actions if a.instrument == bars.instruments[j]),
            )
            out.append(only_interval(raw, interval))
        return out
