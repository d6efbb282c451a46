"""Who traded: signs of trades, signed volume, order-flow imbalance, and VPIN.

Entry points: `tick_rule`, `bulk_volume`, `signed_volume`, `order_flow_imbalance`, `vpin`.

Invariants: every value is known at its stamp; volumes are counted in exact integer units, so a trade that fills a
bucket and begins the next is split without a rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tradewright.domain.depth import Trades
from tradewright.domain.errors import InputError, closest
from tradewright.kernel import core

if TYPE_CHECKING:
    import numpy.typing as npt

    F64 = npt.NDArray[np.float64]
    I64 = npt.NDArray[np.int64]

__all__ = ["SignedVolume", "Vpin", "bulk_volume", "order_flow_imbalance", "signed_volume", "tick_rule", "vpin"]

_UNIT = 8


def tick_rule(price: npt.ArrayLike) -> npt.NDArray[np.int8]:
    """Signs of trades from their prices: 1 above the trade before, -1 below, the sign before where equal.

    Parameters
    ----------
    price : array, shape (n,)

    Returns
    -------
    int8 array, shape (n,)
        0 until the price first changes.

    References
    ----------
    Lee and Ready (1991), Inferring trade direction from intraday data; Lopez de Prado (2018), section 19.3.1.

    Examples
    --------
    >>> tick_rule([100, 100, 101, 101, 99]).tolist()
    [0, 0, 1, 1, -1]
    """
    p = np.asarray(price, np.float64)
    if p.ndim != 1:
        raise InputError(f"price has {p.ndim} dimensions; give one row of prices.")
    step = np.sign(np.diff(p, prepend=p[:1])).astype(np.int8)
    last = np.maximum.accumulate(np.where(step != 0, np.arange(p.size), 0))
    return step[last] if p.size else step


def bulk_volume(
    close: npt.ArrayLike, volume: npt.ArrayLike, *, window: int = 50, sigma: float | None = None
) -> tuple[F64, F64]:
    """Bulk volume classification: how much of each bar's volume was bought and how much sold.

    Parameters
    ----------
    close, volume : array, shape (n_bars,)
    window : int
        Changes of price in the standard deviation, at least 2, the bar's own included.
    sigma : float, optional
        Standard deviation of the changes instead, where it is known beforehand.

    Returns
    -------
    bought, sold : float64 array, shape (n_bars,)
        ``volume x Phi(change / sigma)`` and the rest; Phi is the standard normal distribution, sigma the sample's
        (``ddof=1``). Where nothing moved, half and half. Warm-up ``window + 1`` rows (2 with `sigma`).

    References
    ----------
    Easley, Lopez de Prado and O'Hara (2012), Flow toxicity and liquidity in a high-frequency world, equation 4.

    Examples
    --------
    >>> bought, sold = bulk_volume([100.0, 101.0], [1.0, 10.0], sigma=1.0)
    >>> bought.round(4).tolist(), sold.round(4).tolist()
    ([nan, 8.4134], [nan, 1.5866])
    """
    c, v = np.asarray(close, np.float64), np.asarray(volume, np.float64)
    if c.ndim != 1 or c.shape != v.shape:
        raise InputError(f"close and volume have shapes {c.shape} and {v.shape}; give two rows of one length.")
    if window < 2:
        raise InputError(f"window is {window}; it must be 2 or more.")
    if sigma is not None and not sigma > 0:
        raise InputError(f"sigma is {sigma}; it must be above 0.")
    change = np.diff(c)
    z = np.full(c.size, np.nan)
    if sigma is not None:
        z[1:] = change / sigma
    elif c.size > window:
        n = c.size - window
        mean, square = np.zeros(n), np.zeros(n)
        for k in range(window):
            mean += change[k : k + n]
        mean /= window
        for k in range(window):
            square += (change[k : k + n] - mean) ** 2
        deviation = np.sqrt(square / (window - 1))
        now = change[window - 1 :]
        # Without deviation all changes are one: none, or all the same way.
        steady = np.where(now == 0, 0.0, np.copysign(np.inf, now))
        z[window:] = np.where(deviation > 0, now / np.where(deviation > 0, deviation, 1.0), steady)
    share = np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in z.tolist()])
    bought = v * share
    return bought, v - bought


@dataclass(frozen=True, slots=True, eq=False)
class SignedVolume:
    """What was bought and sold between stamps.

    Parameters
    ----------
    ts : int64 array, shape (m,)
    bought, sold, unknown : float64 array, shape (m,)
        Size of the trades whose buyer, whose seller, whose unknown side took liquidity.
    net, imbalance : float64 array, shape (m,)
        ``bought - sold``; the same over ``bought + sold``, NaN where neither traded.
    count : int64 array, shape (m,)
        Trades.
    """

    ts: I64
    bought: F64
    sold: F64
    unknown: F64
    net: F64
    imbalance: F64
    count: I64


def signed_volume(trades: Trades, stamps: npt.ArrayLike) -> SignedVolume:
    """Bought and sold size between stamps: interval ``k`` holds the trades with ``stamps[k - 1] < ts <= stamps[k]``.

    Parameters
    ----------
    trades : Trades
    stamps : int64 array, shape (m,)
        Rising; the first interval begins with the first trade.

    Examples
    --------
    >>> trades = Trades([1, 2, 3], [10.0, 10.0, 10.0], [3.0, 1.0, 5.0], [1, -1, -1])
    >>> found = signed_volume(trades, [2, 3])
    >>> found.net.tolist(), found.imbalance.tolist()
    ([2.0, -5.0], [0.5, -1.0])
    """
    at = _rising(stamps)
    ends = np.searchsorted(trades.ts, at, side="right")
    begins = np.concatenate([[0], ends[:-1]])
    sums = []
    for sign in (1, -1, 0):
        total = np.concatenate([[0], np.cumsum(np.where(trades.sign == sign, _units(trades.size), 0))])
        sums.append((total[ends] - total[begins]) / 10.0**_UNIT)
    bought, sold, unknown = sums
    known = bought + sold
    share = np.where(known > 0, (bought - sold) / np.where(known > 0, known, 1.0), np.nan)
    return SignedVolume(at, bought, sold, unknown, bought - sold, share, (ends - begins).astype(np.int64))


def order_flow_imbalance(
    bid: npt.ArrayLike, bid_size: npt.ArrayLike, ask: npt.ArrayLike, ask_size: npt.ArrayLike
) -> F64:
    """Order-flow imbalance of every change of the best quotes.

    Parameters
    ----------
    bid, bid_size, ask, ask_size : array, shape (n,)
        One row per event.

    Returns
    -------
    float64 array, shape (n,)
        ``[b >= b'] q - [b <= b'] q' - [a <= a'] r + [a >= a'] r'`` with the best bid ``b`` of size ``q``, the best ask
        ``a`` of size ``r``, and primes for the event before; in size. NaN in the first row. Sum it over an interval.

    References
    ----------
    Cont, Kukanov and Stoikov (2014), The price impact of order book events, Journal of Financial Econometrics 12.

    Examples
    --------
    The bid grows by 2; then it is lifted by a tick with size 4:

    >>> order_flow_imbalance([99, 99, 100], [5, 7, 4], [101, 101, 101], [6, 6, 6]).tolist()
    [nan, 2.0, 4.0]
    """
    b, q, a, r = (np.asarray(x, np.float64) for x in (bid, bid_size, ask, ask_size))
    if b.ndim != 1 or not b.shape == q.shape == a.shape == r.shape:
        raise InputError(f"The shapes are {b.shape}, {q.shape}, {a.shape}, {r.shape}; give four rows of one length.")
    out = np.full(b.size, np.nan)
    if b.size > 1:
        up = np.where(b[1:] >= b[:-1], q[1:], 0.0) - np.where(b[1:] <= b[:-1], q[:-1], 0.0)
        down = np.where(a[1:] >= a[:-1], r[:-1], 0.0) - np.where(a[1:] <= a[:-1], r[1:], 0.0)
        out[1:] = np.where(np.isnan(b[1:] + b[:-1] + a[1:] + a[:-1]), np.nan, up + down)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Vpin:
    """Buckets of equal volume, and the probability of informed trading over them.

    Parameters
    ----------
    ts : int64 array, shape (n_buckets,)
        When each bucket was full and its classification known.
    vpin : float64 array, shape (n_buckets,)
        In [0, 1]; NaN in the first ``window - 1`` rows.
    bought, sold : float64 array, shape (n_buckets,)
        They add up to `bucket_volume` exactly where every sign is known.
    bucket_volume : float
    window : int
    rest : float
        Volume in the bucket that is not full.
    unknown : float
        Volume without a sign, counted half and half.
    sign : str
        How trades were classified.
    """

    ts: I64
    vpin: F64
    bought: F64
    sold: F64
    bucket_volume: float
    window: int
    rest: float
    unknown: float
    sign: str


def vpin(
    trades: Trades,
    *,
    bucket_volume: float,
    window: int = 50,
    sign: Literal["given", "tick", "bulk"] = "given",
    bar_ns: int = 60_000_000_000,
    sigma_window: int = 50,
) -> Vpin:
    """Volume-synchronised probability of informed trading.

    Parameters
    ----------
    trades : Trades
    bucket_volume : float
        Size of a bucket (the authors: a fiftieth of the average daily volume).
    window : int
        Buckets in the mean.
    sign : {"given", "tick", "bulk"}
        The feed's own signs (trades without one count half and half); the tick rule; or bulk classification of time
        bars of `bar_ns`, as the authors, each known at the end of its bar.
    bar_ns, sigma_window : int
        Length of those bars; changes in their standard deviation. Bars before ``sigma_window + 1`` count half and half.

    Returns
    -------
    Vpin
        ``sum |bought - sold| / (window x bucket_volume)`` over the last `window` full buckets. A trade that does not
        fit is split: what fills a bucket belongs to it, the rest begins the next, and a large one fills several.

    Raises
    ------
    InputError
        If the bucket is not above 0 or finer than 8 decimals, or the window below 1.

    References
    ----------
    Easley, Lopez de Prado and O'Hara (2012), Flow toxicity and liquidity in a high-frequency world, Review of Financial
    Studies 25, sections 1.2 and 1.3.

    Examples
    --------
    Buckets of 10. The second trade fills the first bucket with 4 sold, and puts 11 more into the second and third:

    >>> trades = Trades([1, 2, 3], [100.0, 99.0, 100.0], [6.0, 15.0, 9.0], [1, -1, 1])
    >>> found = vpin(trades, bucket_volume=10, window=2)
    >>> found.bought.tolist(), found.sold.tolist(), found.ts.tolist()
    ([6.0, 0.0, 9.0], [4.0, 10.0, 1.0], [2, 2, 3])
    >>> found.vpin.tolist()
    [nan, 0.6, 0.9]
    """
    if not (math.isfinite(bucket_volume) and bucket_volume > 0):
        raise InputError(f"bucket_volume is {bucket_volume}; it must be finite and above 0.")
    if window < 1:
        raise InputError(f"window is {window}; it must be 1 or more.")
    if sign not in ("given", "tick", "bulk"):
        raise InputError(f"sign is {sign!r}{closest(sign, ['given', 'tick', 'bulk'])}; it must be given, tick or bulk.")
    bucket = int(_units(np.array([float(bucket_volume)]))[0])
    ts, price, size = trades.ts, trades.price, _units(trades.size)
    if sign == "bulk":
        if bar_ns < 1:
            raise InputError(f"bar_ns is {bar_ns}; it must be 1 or more.")
        ts, price, size = _time_bars(ts, price, size, bar_ns)
        total = size / 10.0**_UNIT
        bought, _ = bulk_volume(price, total, window=sigma_window)
        twice: Any = np.where(np.isnan(bought), 1.0, 2.0 * bought / np.where(total > 0, total, 1.0))
        unknown = int(size[np.isnan(bought)].sum())
    else:
        signs = trades.sign if sign == "given" else tick_rule(price)
        twice = signs.astype(np.int64) + 1  # twice the share that was bought: integers, so that nothing is rounded
        unknown = int(size[signs == 0].sum())
    volume = np.concatenate([[0], np.cumsum(size)])
    buys = np.concatenate([np.zeros(1, twice.dtype), np.cumsum(size * twice)])
    full = int(volume[-1]) // bucket if volume.size > 1 else 0
    edges = np.arange(full + 1, dtype=np.int64) * bucket
    at = np.maximum(np.searchsorted(volume, edges, side="left") - 1, 0)  # the trade that reaches the edge
    steps = np.diff(buys[at] + (edges - volume[at]) * twice[at]) if full else np.zeros(0)
    bought = steps / (2.0 * 10.0**_UNIT)
    sold = (2 * bucket - steps) / (2.0 * 10.0**_UNIT)
    gap = np.abs(steps - bucket)
    out = np.full(full, np.nan)
    if full >= window:
        n = full - window + 1
        total_gap = np.zeros(n)
        for k in range(window):
            total_gap += gap[k : k + n]
        out[window - 1 :] = total_gap / (float(window) * bucket)
    rest = int(volume[-1]) - full * bucket
    scale = 10.0**_UNIT
    return Vpin(ts[at[1:]], out, bought, sold, bucket / scale, window, rest / scale, unknown / scale, sign)


def _time_bars(ts: I64, price: F64, size: I64, bar_ns: int) -> tuple[I64, F64, I64]:
    """Ends, closes and volumes of the bars that have trades and are over."""
    if not ts.size:
        return ts, price, size
    number = ts // bar_ns
    last = np.flatnonzero(np.diff(number, append=number[-1] + 1))
    begins = np.concatenate([[0], last[:-1] + 1])
    volumes = np.add.reduceat(size, begins)
    done = slice(0, last.size - 1)  # of the last bar nothing says that it is over
    return ((number[last] + 1) * bar_ns)[done], price[last][done], volumes[done]


def _units(size: F64) -> I64:
    """Sizes as integers of 1e-8, exactly as their shortest text says."""
    scaled = np.rint(size * 10.0**_UNIT)
    if float(scaled.sum()) > 4e18:
        raise InputError(
            f"The sizes add up to {float(size.sum()):.4g}; 4e10 is the most that is counted exactly. Give them in "
            "larger units, such as thousands."
        )
    if bool((scaled / 10.0**_UNIT == size).all()) and bool((scaled < 2.0**53).all()):
        return scaled.astype(np.int64)
    try:
        out: Any = core.decimal_units(size.tolist(), _UNIT)
    except ValueError as error:
        raise InputError(f"A size cannot be counted exactly: {error}. Round sizes to 8 decimals.") from None
    return np.asarray(out, np.int64)


def _rising(stamps: npt.ArrayLike) -> I64:
    at = np.asarray(stamps, np.int64)
    if at.ndim != 1 or bool((np.diff(at) <= 0).any()):
        raise InputError("The stamps must be one rising row; sort them and take doubles out.")
    return at
