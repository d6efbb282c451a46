"""What the engine is told about one bar (:class:`BarRow`), and the arrays of a run (:class:`Market`) that give it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tradewright._reference.numbers import F64, I64

DAY_NS = 86_400_000_000_000
SPLIT, DIVIDEND, DELISTING, SPIN_OFF, MERGER = range(5)
ORDER = {SPLIT: 0, DIVIDEND: 1, SPIN_OFF: 2, MERGER: 3, DELISTING: 4}


class Action(NamedTuple):
    """A corporate action.

    Kind 0 is a split (value: new shares per old), 1 a dividend (money per share), 2 a delisting (money per share), 3 a
    spin-off and 4 a merger (value: shares of `other` per share; -1: not an asset of the run). `cash` is money per share
    of a merger, `price` that of one share received (0: not stated).
    """

    asset: int
    kind: int
    value: float
    other: int = -1
    cash: float = 0.0
    price: float = 0.0


class Candle(NamedTuple):
    """Open, high, low and close of one asset over one (finer) bar."""

    open: float
    high: float
    low: float
    close: float


@dataclass
class BarRow:
    """One bar of every asset, as Python lists of length ``n_assets``."""

    ts: int
    session: int
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]
    atr: list[float]
    sigma: list[float]
    funding: list[float]
    actions: list[Action] = field(default_factory=list)
    detail: list[list[Candle]] | None = None  # finer bars, asset by asset
    delisted: frozenset[int] = frozenset()  # assets that have no bar any more

    def has_bar(self, asset: int) -> bool:
        """Whether the asset traded in this bar: it is listed, and open, high, low and close are all finite."""
        return (
            asset not in self.delisted
            and math.isfinite(self.open[asset])
            and math.isfinite(self.high[asset])
            and math.isfinite(self.low[asset])
            and math.isfinite(self.close[asset])
        )

    def candles(self, asset: int) -> list[Candle]:
        """Finer bars of the asset, or the bar itself when there are none."""
        finer = self.detail[asset] if self.detail is not None else []
        return finer or [Candle(self.open[asset], self.high[asset], self.low[asset], self.close[asset])]


class Market:
    """Checked arrays of one run.

    Parameters
    ----------
    ts : ndarray of int64, shape (n_bars,)
        Close of each bar in ns, strictly increasing.
    open, high, low, close, volume : ndarray of float64, shape (n_bars,) or (n_bars, n_assets)
        NaN where an asset has no bar.
    session : ndarray of int64, optional
        Ordinal of the trading session; default: UTC day of `ts`.
    atr, sigma, funding : ndarray of float64, optional
        Same shape as `close`.
    actions : mapping of columns, optional
        ``bar``, ``asset``, ``kind`` (0 split, 1 dividend, 2 delisting, 3 spin-off, 4 merger), ``value``; for the last
        two ``other``, ``cash`` and ``price``.
    detail : tuple, optional
        ``(offsets, open, high, low, close)`` of finer bars.
    factors : tuple, optional
        ``(of prices, of volumes)``, forward factors for those who ask for adjusted history.

    Raises
    ------
    ValueError
        When shapes do not fit, stamps do not increase or an action is impossible.

    Examples
    --------
    >>> x = np.array([10.0, 11.0])
    >>> market = Market(np.array([1, 2]), x, x, x, x)
    >>> market.n_bars, market.n_assets
    (2, 1)
    """

    def __init__(
        self,
        ts: I64,
        open: F64,
        high: F64,
        low: F64,
        close: F64,
        volume: F64 | None = None,
        *,
        session: I64 | Callable[[], I64] | None = None,
        atr: F64 | None = None,
        sigma: F64 | None = None,
        funding: F64 | None = None,
        actions: Mapping[str, Any] | None = None,
        detail: tuple[I64, F64, F64, F64, F64] | None = None,
        factors: tuple[F64, F64] | None = None,
        checked: bool = False,  # the twin looks anyway
    ) -> None:
        self.ts: I64 = np.ascontiguousarray(ts, dtype=np.int64)
        if self.ts.ndim != 1:
            raise ValueError(f"ts has {self.ts.ndim} dimensions; give one stamp for each bar.")
        self.n_bars = int(self.ts.shape[0])
        if self.n_bars > 1 and not bool(np.all(np.diff(self.ts) > 0)):
            bar = int(np.argmin(np.diff(self.ts) > 0)) + 1
            raise ValueError(f"ts does not increase at bar {bar}; sort the bars and drop duplicates.")
        self.close = self._table("close", close, None)
        self.n_assets = int(self.close.shape[1])
        shape = self.close.shape
        self.open = self._table("open", open, shape)
        self.high = self._table("high", high, shape)
        self.low = self._table("low", low, shape)
        nothing: F64 = np.full(shape, np.nan)
        self.volume = nothing if volume is None else self._table("volume", volume, shape)
        self.atr = nothing if atr is None else self._table("atr", atr, shape)
        self.sigma = nothing if sigma is None else self._table("sigma", sigma, shape)
        self.funding = nothing if funding is None else self._table("funding", funding, shape)
        given = session() if callable(session) else session
        self.session: I64 = self.ts // DAY_NS if given is None else np.ascontiguousarray(given, dtype=np.int64)
        if self.session.shape != self.ts.shape:
            raise ValueError(
                f"session has shape {self.session.shape}; ts has {self.ts.shape}, give one session for each bar."
            )
        self.actions = parse_actions(actions, self.n_assets, self.n_bars)
        self._detail = None if detail is None else self._finer(detail)
        self.factors = None if factors is None else tuple(self._table("factors", part, shape) for part in factors)

    def _table(self, name: str, values: F64, shape: tuple[int, ...] | None) -> F64:
        """Array as (n_bars, n_assets) float64."""
        array: F64 = np.ascontiguousarray(values, dtype=np.float64)
        if array.ndim == 1:
            array = array.reshape(-1, 1)
        expected = (self.n_bars, array.shape[1]) if shape is None and array.ndim == 2 else shape
        if array.shape != expected or array.shape[1] < 1:
            raise ValueError(f"{name} has shape {np.shape(values)}; the other arrays ask for {expected}.")
        return array

    def _finer(self, detail: tuple[I64, F64, F64, F64, F64]) -> tuple[list[int], list[F64]]:
        """Offsets and the four (rows, n_assets) tables of the finer bars."""
        offsets: list[int] = np.asarray(detail[0], dtype=np.int64).tolist()
        tables: list[F64] = []
        for values in detail[1:]:
            table: F64 = np.ascontiguousarray(values, dtype=np.float64)
            tables.append(table.reshape(-1, 1) if table.ndim == 1 else table)
        rows = tables[0].shape[0]
        if any(table.shape != (rows, self.n_assets) for table in tables):
            raise ValueError(
                f"The finer bars have shapes {[t.shape for t in tables]}; each must be ({rows}, {self.n_assets})."
            )
        ordered = all(a <= b for a, b in itertools.pairwise(offsets))
        if len(offsets) != self.n_bars + 1 or not ordered or offsets[0] != 0 or offsets[-1] != rows:
            raise ValueError(
                f"The offsets of the finer bars must be {self.n_bars + 1} numbers that rise from 0 to {rows}, "
                "the number of their rows."
            )
        return offsets, tables

    def row(self, bar: int) -> BarRow:
        """Everything about one bar."""
        return BarRow(
            ts=int(self.ts[bar]),
            session=int(self.session[bar]),
            open=self.open[bar].tolist(),
            high=self.high[bar].tolist(),
            low=self.low[bar].tolist(),
            close=self.close[bar].tolist(),
            volume=self.volume[bar].tolist(),
            atr=self.atr[bar].tolist(),
            sigma=self.sigma[bar].tolist(),
            funding=self.funding[bar].tolist(),
            actions=self.actions.get(bar, []),
            detail=self._detail_of(bar),
        )

    def _detail_of(self, bar: int) -> list[list[Candle]] | None:
        """Finer bars of one bar, asset by asset, without rows in which the asset has no finite candle."""
        if self._detail is None:
            return None
        offsets, tables = self._detail
        out: list[list[Candle]] = []
        for asset in range(self.n_assets):
            rows = [Candle(*(float(t[i, asset]) for t in tables)) for i in range(offsets[bar], offsets[bar + 1])]
            out.append([candle for candle in rows if all(math.isfinite(x) for x in candle)])
        return out


def parse_actions(columns: Mapping[str, Any] | None, n_assets: int, n_bars: int | None) -> dict[int, list[Action]]:
    """Actions by bar: splits, dividends, spin-offs, mergers, delistings, else in the order given.

    Without `n_bars` all count as of bar 0.

    >>> found = parse_actions({"bar": [3, 3], "asset": [0, 0], "kind": [1, 0], "value": [0.5, 2.0]}, 1, 9)
    >>> [(action.kind, action.value) for action in found[3]]
    [(0, 2.0), (1, 0.5)]
    """
    out: dict[int, list[Action]] = {}
    if columns is None:
        return out
    assets, kinds, values = (np.asarray(columns[name]).tolist() for name in ("asset", "kind", "value"))
    others = np.asarray(columns.get("other", [-1] * len(assets))).tolist()
    amounts = [np.asarray(columns.get(name, [0.0] * len(assets))).tolist() for name in ("cash", "price")]
    bars = [0] * len(assets) if n_bars is None else np.asarray(columns["bar"]).tolist()
    for bar, asset, kind, value, other, cash, price in zip(bars, assets, kinds, values, others, *amounts, strict=True):
        if not 0 <= asset < n_assets or not other < n_assets or not 0 <= bar < (n_bars or 1):
            raise ValueError(
                f"An action names bar {bar} and asset {asset}; there are {n_bars or 1} bars and {n_assets} assets."
            )
        impossible = (kind in {SPLIT, SPIN_OFF} and value <= 0.0) or (kind in {DELISTING, MERGER} and value < 0.0)
        unsound = other == asset or not all(math.isfinite(x) and x >= 0.0 for x in (cash, price))
        if kind not in ORDER or not math.isfinite(value) or impossible or unsound:
            raise ValueError(
                f"An action at bar {bar} has kind {kind}, value {value}, other {other}, cash {cash}, price {price}; a "
                "split (0) needs a ratio above 0, a dividend (1) a number, a delisting (2) 0 or more, a spin-off (3) "
                "above 0, a merger (4) 0 or more; other must be another asset, cash and price 0 or more."
            )
        out.setdefault(int(bar), []).append(
            Action(int(asset), int(kind), float(value), max(int(other), -1), float(cash), float(price))
        )
    return {bar: sorted(actions, key=lambda action: ORDER[action.kind]) for bar, actions in out.items()}
