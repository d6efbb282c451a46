"""Liquidity read off bars: price impact and effective spreads, for markets whose books and trades one does not have.

Entry points: `amihud`, `kyle_lambda`, `hasbrouck_lambda` (impact); `roll_spread`, `corwin_schultz`, `abdi_ranaldo`,
`edge_spread` (spreads, as fractions of the price); `BAR_FEATURES` (what there is), `BarStream` (bar by bar).

Invariants: arrays are ``(n_bars,)`` or ``(n_bars, n_assets)`` and the result has their shape; a row depends on its
window and nothing else, so that it is the same to the bit when later rows are cut off and when it is computed bar by
bar; NaN for the warm-up that each function names, and where a price or volume in the window is missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from tradewright.domain.errors import InputError, closest

if TYPE_CHECKING:
    import numpy.typing as npt

    F64 = npt.NDArray[np.float64]

__all__ = [
    "BAR_FEATURES",
    "BarFeature",
    "BarStream",
    "abdi_ranaldo",
    "amihud",
    "corwin_schultz",
    "edge_spread",
    "hasbrouck_lambda",
    "kyle_lambda",
    "roll_spread",
]

Negative = Literal["zero", "nan", "signed"]


def amihud(close: npt.ArrayLike, volume: npt.ArrayLike, *, window: int = 21) -> F64:
    """Amihud's illiquidity: mean of ``|return| / (close x volume)``.

    Parameters
    ----------
    close, volume : array, shape (n_bars,) or (n_bars, n_assets)
    window : int
        Returns averaged.

    Returns
    -------
    float64 array
        Fraction per unit of currency traded (the indicator of that name: times 1e6); returns are simple. Bars that
        traded nothing are left out of the mean, which is NaN when none traded. Warm-up ``window + 1`` rows.

    References
    ----------
    Amihud (2002), Illiquidity and stock returns, Journal of Financial Markets 5, equation 1.

    Examples
    --------
    >>> amihud([100.0, 101.0, 99.99], [1.0, 2.0, 4.0], window=1).round(8).tolist()
    [nan, 4.95e-05, 2.5e-05]
    """
    c, v = _inputs(window, 1, close=close, volume=volume)
    out = _empty(c)
    if len(c) <= window:
        return out
    value = c[1:] * v[1:]
    change = np.abs(c[1:] / c[:-1] - 1.0)
    traded = value > 0
    ratio = np.where(traded, change / np.where(traded, value, 1.0), np.where(np.isnan(value + change), np.nan, 0.0))
    count = _sum(np.where(np.isnan(ratio), np.nan, traded.astype(np.float64)), window)
    out[window:] = _over(_sum(ratio, window), count)
    return out


def kyle_lambda(
    close: npt.ArrayLike, volume: npt.ArrayLike, *, window: int = 21, signed_volume: npt.ArrayLike | None = None
) -> F64:
    """Kyle's lambda: change of price per unit of signed volume.

    Parameters
    ----------
    close, volume : array, shape (n_bars,) or (n_bars, n_assets)
    window : int
        Changes in the regression.
    signed_volume : array, optional
        Bought less sold volume, where trades or a classification tell; default the volume with the sign of the bar's
        change of price (0 for none).

    Returns
    -------
    float64 array
        Slope of ``close[t] - close[t - 1]`` on signed volume, a line through the origin: price per unit of volume. NaN
        where all signed volume is 0. Warm-up ``window + 1`` rows.

    References
    ----------
    Kyle (1985), Continuous auctions and insider trading; as in Lopez de Prado (2018), section 19.4.1.

    Examples
    --------
    >>> kyle_lambda([100.0, 101.0, 99.0], [9.0, 10.0, 20.0], window=2).tolist()
    [nan, nan, 0.1]
    """
    c, v = _inputs(window, 1, close=close, volume=volume)
    change = np.diff(c, axis=0)
    flow = _flow(change, v, signed_volume)
    return _slope(c, flow, change, window)


def hasbrouck_lambda(
    close: npt.ArrayLike, volume: npt.ArrayLike, *, window: int = 21, signed_volume: npt.ArrayLike | None = None
) -> F64:
    """Hasbrouck's lambda: log return per signed square root of value traded.

    Parameters
    ----------
    close, volume, window, signed_volume
        As in `kyle_lambda`.

    Returns
    -------
    float64 array
        Slope of ``log(close[t] / close[t - 1])`` on ``sign x sqrt(close x |signed volume|)``, through the origin. NaN
        where that is 0 throughout. Warm-up ``window + 1`` rows.

    References
    ----------
    Hasbrouck (2009), Trading costs and returns for U.S. equities; as in Lopez de Prado (2018), section 19.4.3, with
    one bar for the sum over its trades.

    Examples
    --------
    >>> hasbrouck_lambda([100.0, 100.0, 110.0], [1.0, 1.0, 10.0], window=1).round(6).tolist()
    [nan, nan, 0.002874]
    """
    c, v = _inputs(window, 1, close=close, volume=volume)
    change = np.diff(np.log(c), axis=0)
    flow = _flow(change, v, signed_volume)
    return _slope(c, np.sign(flow) * np.sqrt(np.abs(flow) * c[1:]), change, window)


def roll_spread(close: npt.ArrayLike, *, window: int = 21, negative: Negative = "zero", relative: bool = True) -> F64:
    """Roll's effective spread out of the bounce between bid and ask.

    Parameters
    ----------
    close : array, shape (n_bars,) or (n_bars, n_assets)
    window : int
        Pairs of successive changes in the covariance, at least 2.
    negative : {"zero", "nan", "signed"}
        What a positive covariance, which has no spread, gives: 0, NaN, or the negative of the root.
    relative : bool
        Of log prices (a fraction of the price), or of prices (in price).

    Returns
    -------
    float64 array
        ``2 sqrt(-cov(change[t], change[t - 1]))``, covariance of the sample (divided by ``window - 1``). Warm-up
        ``window + 2`` rows.

    References
    ----------
    Roll (1984), A simple implicit measure of the effective bid-ask spread, Journal of Finance 39.

    Examples
    --------
    Prices that bounce between 100 and 101:

    >>> roll_spread([100, 101, 100, 101, 100, 101.0], window=3, relative=False).round(4).tolist()
    [nan, nan, nan, nan, 2.3094, 2.3094]
    """
    (c,) = _inputs(window, 2, close=close)
    _check_negative(negative)
    change = np.diff(np.log(c) if relative else c, axis=0)
    out = _empty(c)
    if len(c) < window + 2:
        return out
    now, before = change[1:], change[:-1]
    mean_now, mean_before = _sum(now, window) / window, _sum(before, window) / window
    n = len(mean_now)
    total = np.zeros_like(mean_now)
    for k in range(window):
        total += (now[k : k + n] - mean_now) * (before[k : k + n] - mean_before)
    out[window + 1 :] = 2.0 * _root(-total / (window - 1), negative)
    return out


def corwin_schultz(
    high: npt.ArrayLike, low: npt.ArrayLike, close: npt.ArrayLike, *, window: int = 21, negative: Negative = "zero"
) -> F64:
    """Corwin and Schultz's spread out of highs and lows of one and of two bars.

    Parameters
    ----------
    high, low, close : array, shape (n_bars,) or (n_bars, n_assets)
    window : int
        Two-bar estimates averaged.
    negative : {"zero", "nan", "signed"}
        What a negative two-bar estimate counts as: 0 (the authors), left out of the mean, or itself.

    Returns
    -------
    float64 array
        Fraction of the price. A bar whose whole range lies above (below) the close before is moved down (up) until
        it touches that close: the overnight adjustment. Warm-up ``window + 1`` rows; with ``"nan"`` also NaN where no
        estimate is left.

    References
    ----------
    Corwin and Schultz (2012), A simple way to estimate bid-ask spreads from daily high and low prices, Journal of
    Finance 67, equations 14 and 18; adjustment: section II.D.

    Examples
    --------
    A range of 1 % in both bars and no wider in the two together is all spread:

    >>> high, low, close = [101.0, 101.0], [100.0, 100.0], [100.5, 100.5]
    >>> corwin_schultz(high, low, close, window=1).round(6).tolist()
    [nan, 0.00995]
    """
    h, low_, c = _inputs(window, 1, high=high, low=low, close=close)
    _check_negative(negative)
    out = _empty(c)
    if len(c) <= window:
        return out
    before = c[:-1]
    shift = np.maximum(low_[1:] - before, 0.0) - np.maximum(before - h[1:], 0.0)
    h2, l2 = h[1:] - shift, low_[1:] - shift
    beta = np.log(h[:-1] / low_[:-1]) ** 2 + np.log(h2 / l2) ** 2
    gamma = np.log(np.maximum(h[:-1], h2) / np.minimum(low_[:-1], l2)) ** 2
    k = 3.0 - 2.0 * np.sqrt(2.0)
    alpha = (np.sqrt(2.0 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
    spread = 2.0 * np.expm1(alpha) / (1.0 + np.exp(alpha))
    out[window:] = _mean_of_kept(spread, window, negative)
    return out


def abdi_ranaldo(
    high: npt.ArrayLike,
    low: npt.ArrayLike,
    close: npt.ArrayLike,
    *,
    window: int = 21,
    correction: Literal["window", "two_bar"] = "window",
    negative: Negative = "zero",
) -> F64:
    """Abdi and Ranaldo's spread out of closes and mid-ranges.

    Parameters
    ----------
    high, low, close : array, shape (n_bars,) or (n_bars, n_assets)
    window : int
        Two-bar products averaged.
    correction : {"window", "two_bar"}
        The root of the mean of all products (their monthly corrected estimate), or the mean of the roots of each
        (their two-day corrected one).
    negative : {"zero", "nan", "signed"}
        What a negative square counts as: 0 (the authors), missing (left out of a mean of roots), or minus its root.

    Returns
    -------
    float64 array
        ``sqrt(4 (c - m)(c - m'))`` with log close ``c`` and log mid-range ``m`` of a bar and ``m'`` of the next;
        fraction of the price, known with the next bar. Warm-up ``window + 1`` rows.

    References
    ----------
    Abdi and Ranaldo (2017), A simple estimation of bid-ask spreads from daily close, high, and low prices, Review of
    Financial Studies 30, equations 8 to 12.

    Examples
    --------
    >>> abdi_ranaldo([101.0, 101.0], [99.0, 99.0], [101.0, 99.0], window=1).round(6).tolist()
    [nan, 0.020001]
    """
    h, low_, c = _inputs(window, 1, high=high, low=low, close=close)
    _check_negative(negative)
    if correction not in ("window", "two_bar"):
        raise InputError(f"correction is {correction!r}; it must be window or two_bar.")
    out = _empty(c)
    if len(c) <= window:
        return out
    middle, last = (np.log(h) + np.log(low_)) / 2.0, np.log(c)
    square = 4.0 * (last[:-1] - middle[:-1]) * (last[:-1] - middle[1:])
    if correction == "window":
        out[window:] = _root(_sum(square, window) / window, negative)
    else:
        out[window:] = _mean_of_kept(_root(square, "signed"), window, negative)
    return out


def edge_spread(
    open: npt.ArrayLike,
    high: npt.ArrayLike,
    low: npt.ArrayLike,
    close: npt.ArrayLike,
    *,
    window: int = 21,
    signed: bool = False,
) -> F64:
    """EDGE, the efficient estimator of the spread out of open, high, low and close.

    Parameters
    ----------
    open, high, low, close : array, shape (n_bars,) or (n_bars, n_assets)
    window : int
        Bars read, at least 3.
    signed : bool
        Give the root of a negative square its sign, as an average over many needs; default its absolute value, as the
        authors.

    Returns
    -------
    float64 array
        Fraction of the price. NaN also where the window has no bar that moved, or opens (closes) only at its extremes
        never differ. Warm-up ``window`` rows.

    References
    ----------
    Ardia, Guidotti and Kroencke (2024), Efficient estimation of bid-ask spreads from open, high, low, and close
    prices, Journal of Financial Economics 161, equations 24 to 27 and proposition 3.

    Examples
    --------
    Bars of two trades that bounce between a bid of 99.5 and an ask of 100.5:

    >>> rows = [(99.5, 100.5), (100.5, 99.5), (100.5, 100.5), (99.5, 99.5), (100.5, 99.5), (99.5, 100.5)]
    >>> o, c = (np.array(x) for x in zip(*rows))
    >>> edge_spread(o, np.maximum(o, c), np.minimum(o, c), c, window=6).round(5).tolist()
    [nan, nan, nan, nan, nan, 0.01387]
    """
    o_, h_, l_, c_ = _inputs(window, 3, open=open, high=high, low=low, close=close)
    out = _empty(c_)
    if len(c_) < window:
        return out
    o, h, low_, c = (np.log(x) for x in (o_, h_, l_, c_))
    m = (h + low_) / 2.0
    n_pairs = window - 1
    o, c1, m0, m1 = o[1:], c[:-1], m[1:], m[:-1]
    missing = np.isnan(o + c1 + m0 + m1)
    moved = ((h[1:] != low_[1:]) | (low_[1:] != c1)).astype(np.float64)
    moved[missing] = np.nan
    r1, r2, r3, r4, r5 = m0 - o, o - m1, m0 - c1, c1 - m1, o - c1

    def mean(x: F64) -> F64:
        return _sum(x, n_pairs) / n_pairs

    share = mean(moved)
    p_open = mean(moved * (o != h[1:])) + mean(moved * (o != low_[1:]))
    p_close = mean(moved * (c1 != h[:-1])) + mean(moved * (c1 != low_[:-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [mean(r) / share for r in (r1, r3, r5)]
        by_open, by_close = -4.0 / p_open, -4.0 / p_close
        n = len(share)
        sums = [np.zeros_like(share) for _ in range(4)]
        for k in range(n_pairs):
            at = slice(k, k + n)
            d1, d3, d5 = (r[at] - x * moved[at] for r, x in zip((r1, r3, r5), means, strict=True))
            x1 = by_open * d1 * r2[at] + by_close * d3 * r4[at]
            x2 = by_open * d1 * r5[at] + by_close * d5 * r4[at]
            for total, term in zip(sums, (x1, x2, x1 * x1, x2 * x2), strict=True):
                total += term
        e1, e2, q1, q2 = (total / n_pairs for total in sums)
        v1, v2 = q1 - e1 * e1, q2 - e2 * e2
        both = v1 + v2
        square = np.where(both > 0, (v2 * e1 + v1 * e2) / both, (e1 + e2) / 2.0)
        root = np.sqrt(np.abs(square))
    usable = (share * n_pairs > 1.5) & (p_open > 0) & (p_close > 0)
    out[window - 1 :] = np.where(usable, np.sign(square) * root if signed else root, np.nan)
    return out


@dataclass(frozen=True, slots=True)
class BarFeature:
    """One feature of bars: what it reads, when its first value comes, where it is from.

    Parameters
    ----------
    name : str
    function : callable
        Takes the inputs in their order, then keywords.
    inputs : tuple of str
    extra : int
        Warm-up is ``window + extra`` rows.
    least : int
        Smallest window.
    unit, source : str
    """

    name: str
    function: Callable[..., F64]
    inputs: tuple[str, ...]
    extra: int
    least: int
    unit: str
    source: str

    def warm_up(self, window: int = 21) -> int:
        """Rows to the first value, that row included."""
        return window + self.extra


_HLC: Final = ("high", "low", "close")
BAR_FEATURES: Final[Mapping[str, BarFeature]] = {
    item.name: item
    for item in (
        BarFeature("amihud", amihud, ("close", "volume"), 1, 1, "fraction per unit of currency", "Amihud 2002"),
        BarFeature("kyle_lambda", kyle_lambda, ("close", "volume"), 1, 1, "price per unit of volume", "Kyle 1985"),
        BarFeature(
            "hasbrouck_lambda", hasbrouck_lambda, ("close", "volume"), 1, 1, "log return per root of currency",
            "Hasbrouck 2009",
        ),
        BarFeature("roll_spread", roll_spread, ("close",), 2, 2, "fraction of the price", "Roll 1984"),
        BarFeature("corwin_schultz", corwin_schultz, _HLC, 1, 1, "fraction of the price", "Corwin and Schultz 2012"),
        BarFeature("abdi_ranaldo", abdi_ranaldo, _HLC, 1, 1, "fraction of the price", "Abdi and Ranaldo 2017"),
        BarFeature(
            "edge_spread", edge_spread, ("open", *_HLC), 0, 3, "fraction of the price",
            "Ardia, Guidotti and Kroencke 2024",
        ),
    )
}  # fmt: skip
"""Features of bars by name."""


class BarStream:
    """One feature, bar by bar.

    Parameters
    ----------
    name : str
        A key of `BAR_FEATURES`.
    window : int
    **params
        Further keywords of the function.

    Raises
    ------
    InputError
        If the name is unknown, or a parameter cannot be used.

    Examples
    --------
    >>> stream = BarStream("amihud", window=1)
    >>> [round(stream.update(c, v), 8) for c, v in ((100.0, 1.0), (101.0, 2.0), (99.99, 4.0))]
    [nan, 4.95e-05, 2.5e-05]
    """

    def __init__(self, name: str, *, window: int = 21, **params: Any) -> None:
        if name not in BAR_FEATURES:
            raise InputError(
                f"There is no feature {name!r}{closest(name, BAR_FEATURES)}; there are {', '.join(BAR_FEATURES)}."
            )
        self.feature = BAR_FEATURES[name]
        self.window, self._params = window, params
        self._rows: deque[tuple[float, ...]] = deque(maxlen=self.feature.warm_up(window))
        nothing = np.zeros((0,))
        try:
            self.feature.function(*(nothing for _ in self.feature.inputs), window=window, **params)
        except TypeError as error:
            raise InputError(f"{name} cannot take these parameters: {error}.") from None

    def update(self, *values: float) -> float:
        """Take the inputs of the next bar, in their order; the value, NaN during the warm-up."""
        if len(values) != len(self.feature.inputs):
            raise InputError(f"{self.feature.name} takes {', '.join(self.feature.inputs)}; {len(values)} were given.")
        self._rows.append(tuple(float(x) for x in values))
        if len(self._rows) < self.feature.warm_up(self.window):
            return float("nan")
        columns = np.array(self._rows).T
        return float(self.feature.function(*columns, window=self.window, **self._params)[-1])


def _inputs(window: int, least: int, **named: npt.ArrayLike) -> list[F64]:
    if isinstance(window, bool) or window != int(window) or window < least:
        raise InputError(f"window is {window!r}; it must be a whole number, {least} or more.")
    arrays = {name: np.asarray(x, np.float64) for name, x in named.items()}
    shapes = {name: x.shape for name, x in arrays.items()}
    if len(set(shapes.values())) > 1 or next(iter(arrays.values())).ndim not in (1, 2):
        raise InputError(f"The shapes are {shapes}; give one of (n_bars,) or (n_bars, n_assets) to all.")
    for name, x in arrays.items():
        low = 0.0 if name == "volume" else np.nextafter(0.0, 1.0)
        with np.errstate(invalid="ignore"):
            bad = np.argwhere((x < low) | np.isinf(x))
        if bad.size:
            where = tuple(int(k) for k in bad[0])
            limit = "0 or more" if name == "volume" else "above 0"
            raise InputError(f"{name} is {x[where]} in row {where[0]}; it must be finite and {limit}, or NaN.")
    return list(arrays.values())


def _empty(like: F64) -> F64:
    return np.full(like.shape, np.nan)


def _sum(x: F64, window: int) -> F64:
    """Sum of every window, added from its first row to its last, so that it depends on nothing outside."""
    n = len(x) - window + 1
    if n <= 0:
        return np.zeros((0, *x.shape[1:]))
    total = x[:n].copy()
    for k in range(1, window):
        total += x[k : k + n]
    return total


def _over(up: F64, down: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(down > 0, up / down, np.nan)


def _check_negative(negative: str) -> None:
    if negative not in ("zero", "nan", "signed"):
        raise InputError(
            f"negative is {negative!r}{closest(negative, ['zero', 'nan', 'signed'])}; it must be zero, nan or signed."
        )


def _root(square: F64, negative: str) -> F64:
    root = np.sqrt(np.abs(square))
    if negative == "signed":
        return np.sign(square) * root
    return np.where(square < 0, np.nan if negative == "nan" else 0.0, root)


def _mean_of_kept(x: F64, window: int, negative: str) -> F64:
    if negative == "nan":
        missing = np.isnan(x)
        kept = np.where(missing, np.nan, (x >= 0).astype(np.float64))
        return _over(_sum(np.where(missing, np.nan, np.maximum(x, 0.0)), window), _sum(kept, window))
    return _sum(np.maximum(x, 0.0) if negative == "zero" else x, window) / window


def _flow(change: F64, volume: F64, signed: npt.ArrayLike | None) -> F64:
    if signed is None:
        return np.sign(change) * volume[1:]
    given = np.asarray(signed, np.float64)
    if given.shape != volume.shape:
        raise InputError(f"signed_volume has shape {given.shape}; it must be that of volume, {volume.shape}.")
    return given[1:]


def _slope(like: F64, x: F64, y: F64, window: int) -> F64:
    out = _empty(like)
    if len(like) > window:
        out[window:] = _over(_sum(x * y, window), _sum(x * x, window))
    return out
