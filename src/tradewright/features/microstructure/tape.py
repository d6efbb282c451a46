"""Bars made of trades: by time, number of trades, volume, value, and imbalance.

Entry points: `trade_bars`, `TradeBars`.

Invariants: a bar holds whole trades and ends with the one that reaches its limit; bars that are not full are not
given, only counted; a bar is stamped when it became known, a time bar at its end, any other with its last trade.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from tradewright.domain.depth import Trades
from tradewright.domain.errors import InputError, closest

from .flow import tick_rule

if TYPE_CHECKING:
    import numpy.typing as npt

    from tradewright.domain.bars import Bars

    F64 = npt.NDArray[np.float64]
    I64 = npt.NDArray[np.int64]

__all__ = ["KINDS", "TradeBars", "trade_bars"]

KINDS: Final = ("time", "tick", "volume", "dollar", "tick_imbalance", "volume_imbalance", "dollar_imbalance")
"""What a bar can be full of."""


@dataclass(frozen=True, slots=True, eq=False)
class TradeBars:
    """Bars made of trades.

    Parameters
    ----------
    kind : str
    ts : int64 array, shape (n,)
        When each bar became known; several may share an instant.
    begin_ts : int64 array, shape (n,)
        First trade.
    open, high, low, close, volume, dollar, vwap : float64 array, shape (n,)
    bought, sold : float64 array, shape (n,)
        Volume whose buyer, whose seller took liquidity.
    count : int64 array, shape (n,)
        Trades.
    threshold : float64 array, shape (n,)
        What the bar had to reach (absolute imbalance for imbalance bars).
    open_trades : int
        Trades after the last bar that is full.
    """

    kind: str
    ts: I64
    begin_ts: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    dollar: F64
    vwap: F64
    bought: F64
    sold: F64
    count: I64
    threshold: F64
    open_trades: int

    def __len__(self) -> int:
        return int(self.ts.size)

    def to_bars(self, symbol: str = "ASSET") -> Bars:
        """As `Bars`. Where several bars share an instant, each is stamped a nanosecond after the one before."""
        from tradewright.domain.bars import Bars, Provenance

        ts = self.ts.copy()
        for k in range(1, ts.size):
            ts[k] = max(ts[k], ts[k - 1] + 1)
        moved = int((ts != self.ts).sum())
        provenance = Provenance(f"trades, {self.kind} bars", adjusted="raw")
        if moved:
            provenance = provenance.with_note(f"{moved} bars shared an instant and were moved by nanoseconds")
        return Bars.from_arrays(
            ts, self.open, self.high, self.low, self.close, self.volume, symbols=symbol, provenance=provenance
        )


def trade_bars(
    trades: Trades,
    kind: str = "time",
    size: float | None = None,
    *,
    sign: Literal["given", "tick"] = "given",
    expected_ticks: int = 100,
    span: int = 20,
    bounds: tuple[float, float] = (0.1, 10.0),
) -> TradeBars:
    """Make bars of trades.

    Parameters
    ----------
    trades : Trades
    kind : str
        ``time`` (`size` nanoseconds), ``tick`` (trades), ``volume``, ``dollar`` (price times size); or imbalance bars:
        ``tick_imbalance``, ``volume_imbalance``, ``dollar_imbalance``.
    size : float, optional
        What fills a bar; not for imbalance bars.
    sign : {"given", "tick"}
        Signs of the feed, by the tick rule where it has none; or the tick rule throughout.
    expected_ticks : int
        Imbalance bars: trades expected in the first bar, and read before its expected imbalance is known.
    span : int
        Imbalance bars: span of the exponential means over bars (``alpha = 2 / (span + 1)``).
    bounds : (float, float)
        Imbalance bars: the expected number of trades stays within these multiples of `expected_ticks`, because it
        otherwise runs away or shrinks to one.

    Returns
    -------
    TradeBars

    Raises
    ------
    InputError
        If the kind is unknown or a size is missing or not above 0.

    Notes
    -----
    Time bars hold the trades of ``[k x size, (k + 1) x size)`` and are known at their end; intervals without trades
    have no bar, and the last interval is given only if a later trade shows that it is over. An imbalance bar ends with
    the first trade at which ``|sum b v| >= E[T] |E[b v]|``, with the sign ``b`` of a trade, ``v`` its 1, size or value,
    and means over the bars before it: of the number of trades, and of ``b v`` per trade. Both begin with the first
    `expected_ticks` trades.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, sections 2.3.1 and 2.3.2.1.

    Examples
    --------
    >>> trades = Trades([1, 2, 3, 4], [10.0, 12.0, 11.0, 11.0], [1.0, 2.0, 2.0, 1.0], [1, 1, -1, -1])
    >>> bars = trade_bars(trades, "volume", 3)
    >>> bars.close.tolist(), bars.volume.tolist(), bars.ts.tolist(), bars.vwap.round(4).tolist()
    ([12.0, 11.0], [3.0, 3.0], [2, 4], [11.3333, 11.0])
    """
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}{closest(kind, KINDS)}; it must be one of {', '.join(KINDS)}.")
    if sign not in ("given", "tick"):
        raise InputError(f"sign is {sign!r}{closest(sign, ['given', 'tick'])}; it must be given or tick.")
    signs = tick_rule(trades.price)
    if sign == "given":
        signs = np.where(trades.sign != 0, trades.sign, signs).astype(np.int8)
    n = len(trades)
    if kind.endswith("_imbalance"):
        if size is not None:
            raise InputError(f"{kind} bars have no size; set expected_ticks.")
        weights = {"tick": np.ones(n), "volume": trades.size, "dollar": trades.size * trades.price}
        ends, limits = _imbalance_ends(signs * weights[kind.partition("_")[0]], expected_ticks, span, bounds)
    else:
        if size is None or not (math.isfinite(size) and size > 0):
            raise InputError(f"size is {size}; {kind} bars need one that is finite and above 0.")
        if kind in ("time", "tick") and size != int(size):
            raise InputError(f"size is {size}; {kind} bars need a whole number.")
        ends = _ends(trades, kind, size)
        limits = np.full(ends.size, float(size))
    return _made(trades, kind, signs, ends, limits, size)


def _ends(trades: Trades, kind: str, size: float) -> I64:
    """Index of the last trade of every full bar."""
    n = len(trades)
    if kind == "time":
        number = trades.ts // int(size)
        return np.flatnonzero(np.diff(number)).astype(np.int64)
    if kind == "tick":
        return np.arange(int(size) - 1, n, int(size), dtype=np.int64)
    # Sums begin anew with every bar, so that a bar does not depend on how large the sum of all before it is.
    out, total = [], 0.0
    weight = trades.size if kind == "volume" else trades.size * trades.price
    # A sum that misses the limit by the rounding of its terms has reached it.
    limit = size * (1.0 - 1e-12)
    for k, w in enumerate(weight.tolist()):
        total += w
        if total >= limit:
            out.append(k)
            total = 0.0
    return np.array(out, np.int64)


def _imbalance_ends(signed: F64, expected: int, span: int, bounds: tuple[float, float]) -> tuple[I64, F64]:
    if expected < 1 or span < 1:
        raise InputError(f"expected_ticks is {expected} and span {span}; both must be 1 or more.")
    low, high = bounds
    if not 0 < low <= 1 <= high:
        raise InputError(f"bounds are {bounds}; they must be like (0.1, 10.0), with 1 between them.")
    ends: list[int] = []
    limits: list[float] = []
    if signed.size < expected:
        return np.array(ends, np.int64), np.array(limits)
    alpha = 2.0 / (span + 1.0)
    ticks = float(expected)
    mean = float(signed[:expected].mean())
    total, begin = 0.0, 0
    for k, x in enumerate(signed.tolist()):
        total += x
        # Before that the mean of the first trades is not known.
        if k + 1 < expected:
            continue
        limit = ticks * abs(mean)
        if abs(total) >= limit:
            count = k + 1 - begin
            ends.append(k)
            limits.append(limit)
            ticks = min(max((1.0 - alpha) * ticks + alpha * count, low * expected), high * expected)
            mean = (1.0 - alpha) * mean + alpha * total / count
            total, begin = 0.0, k + 1
    return np.array(ends, np.int64), np.array(limits)


def _made(
    trades: Trades, kind: str, signs: npt.NDArray[np.int8], ends: I64, limits: F64, size: float | None
) -> TradeBars:
    n = int(ends[-1]) + 1 if ends.size else 0
    begins = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64) if ends.size else ends
    price, volume = trades.price[:n], trades.size[:n]

    def total(x: F64) -> F64:
        return np.add.reduceat(x, begins) if ends.size else np.zeros(0)

    volumes, dollars = total(volume), total(price * volume)
    ts = trades.ts[ends]
    if kind == "time" and size is not None:
        ts = (ts // int(size) + 1) * int(size)
    return TradeBars(
        kind, ts, trades.ts[begins], price[begins],
        np.maximum.reduceat(price, begins) if ends.size else np.zeros(0),
        np.minimum.reduceat(price, begins) if ends.size else np.zeros(0),
        price[ends], volumes, dollars, dollars / volumes if ends.size else np.zeros(0),
        total(np.where(signs[:n] > 0, volume, 0.0)), total(np.where(signs[:n] < 0, volume, 0.0)),
        (ends - begins + 1).astype(np.int64), limits, len(trades) - n,
    )  # fmt: skip
