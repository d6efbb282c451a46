"""How much to bet on a forecast.

Entry points: from a probability `bet_size`, `kelly_binary`; from moments `kelly_continuous`; from a forecast price
`position_size`, `width_of`, `target_position`, `limit_price`; from sides alone `budget_size`; then `average_active` and
`discretise`.

Invariants: sizes are fractions of the full position, signed, in [-1, 1] (Kelly up to its cap); NaN in, NaN out.
"""

from __future__ import annotations

import math
from typing import Final, overload

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError
from tradewright.features.labels.events import word_of
from tradewright.features.labels.table import F64, I64, Labels

__all__ = [
    "average_active",
    "bet_size",
    "budget_size",
    "discretise",
    "kelly_binary",
    "kelly_continuous",
    "limit_price",
    "position_size",
    "target_position",
    "width_of",
]

_FORMS: Final = ("sigmoid", "power")


def bet_size(
    probability: npt.ArrayLike,
    side: npt.ArrayLike | None = None,
    *,
    n_classes: int = 2,
    step: float = 0.0,
    below: str | None = None,
) -> F64:
    """Size from the probability of the predicted class: ``2 Phi(z) - 1``, ``z = (p - 1/K) / sqrt(p (1 - p))``.

    Parameters
    ----------
    probability : array-like
        p of the class that was predicted, in [0, 1].
    side : array-like, optional
        1, -1 or 0: the predicted class, or what the first model said when p is a meta-model's.
    n_classes : int
        K, the number of classes.
    step : float
        Rounds by `discretise` when above 0.
    below : str, optional
        What a p below 1/K gives: ``"negative"``, the formula as it is, or ``"zero"``. By default negative without a
        side, and zero with one: a meta-model that doubts a bet refuses it, it does not turn it round.

    Returns
    -------
    float64 array
        In [-1, 1]: 0 at p = 1/K, 1 at p = 1.

    References
    ----------
    Lopez de Prado (2018), section 10.3, snippet 10.1.

    Examples
    --------
    p = 0.75 of two classes: z = 0.25 / sqrt(0.1875) = 0.577, and 2 Phi(z) - 1 = 0.4363.

    >>> bet_size([0.5, 0.75, 1.0]).round(4).tolist()
    [0.0, 0.4363, 1.0]
    >>> bet_size([0.75, 0.75, 0.3], [1, -1, 1], step=0.1).round(4).tolist()
    [0.4, -0.4, 0.0]
    """
    p = _probability(probability)
    if n_classes < 2:
        raise InputError(f"n_classes is {n_classes}; there are 2 or more.")
    rule = word_of("below", below or ("negative" if side is None else "zero"), ("negative", "zero"))
    even = 1.0 / n_classes
    with np.errstate(divide="ignore"):
        z = (p - even) / np.sqrt(p * (1.0 - p))
    size = _two_sided(z)
    if rule == "zero":
        size = np.where(np.isnan(size), size, np.maximum(size, 0.0))
    if side is not None:
        size = size * np.asarray(side, dtype=np.float64)
    return discretise(size, step) if step else size


def discretise(size: npt.ArrayLike, step: float) -> F64:
    """Round sizes to multiples of `step` within [-1, 1], so that small changes of a forecast do not trade.

    Parameters
    ----------
    size : array-like
    step : float
        In (0, 1]. Halves go to the even multiple.

    Returns
    -------
    float64 array

    References
    ----------
    Lopez de Prado (2018), section 10.5, snippet 10.3.

    Examples
    --------
    >>> discretise([0.12, -0.38, 1.4], 0.25).tolist()
    [0.0, -0.5, 1.0]
    """
    if not 0.0 < step <= 1.0:
        raise InputError(f"step is {step}; it must be above 0 and at most 1, such as 0.1.")
    rounded = np.round(np.asarray(size, dtype=np.float64) / step) * step
    out: F64 = np.clip(rounded, -1.0, 1.0) + 0.0
    return out


def average_active(spans: Labels | npt.ArrayLike, size: npt.ArrayLike) -> tuple[I64, F64]:
    """Mean size of the bets that are open, at every instant at which one begins or ends.

    Parameters
    ----------
    spans : Labels, or array-like of shape (n, 2)
        Begin and end of each bet as int64 (nanoseconds, rows) or datetime64; a bet is open from its begin until before
        its end. Labels of one instrument.
    size : array-like, shape (n,)
        Of each bet; one that is NaN is left out.

    Returns
    -------
    times : int64 array, shape (m,)
    sizes : float64 array, shape (m,)
        From each time until the next; 0 while no bet is open.

    References
    ----------
    Lopez de Prado (2018), section 10.4, snippet 10.2.

    Examples
    --------
    >>> times, sizes = average_active([(0, 3), (1, 2)], [1.0, 0.5])
    >>> times.tolist(), sizes.tolist()
    ([0, 1, 2, 3], [1.0, 0.75, 1.0, 0.0])
    """
    if isinstance(spans, Labels):
        if len(spans.symbols) > 1 and np.unique(spans.asset).size > 1:
            raise InputError("The labels are of several instruments; average each with labels.of(symbol).")
        begin, end = spans.t0, spans.t1
    else:
        table = np.asarray(spans)
        if table.dtype.kind == "M":
            table = table.astype("datetime64[ns]").astype(np.int64)
        if table.ndim != 2 or table.shape[1] != 2 or table.dtype.kind not in "iu":
            raise InputError(f"Spans have shape {table.shape} and type {table.dtype}; give pairs of begin and end.")
        begin, end = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    bets = np.asarray(size, dtype=np.float64)
    if bets.shape != begin.shape:
        raise InputError(f"There are {bets.size} sizes for {begin.size} bets.")
    if (end < begin).any():
        raise InputError(f"Bet {int((end < begin).argmax())} ends before it begins.")
    given = np.isfinite(bets)
    begin, end, bets = begin[given], end[given], bets[given]
    times = np.unique(np.concatenate([begin, end]))
    sizes = np.zeros(times.size)
    opens, ends = np.argsort(begin, kind="stable"), np.argsort(end, kind="stable")
    active: dict[int, float] = {}
    i = j = 0
    for k, now in enumerate(times.tolist()):
        while i < opens.size and begin[opens[i]] <= now:
            active[int(opens[i])] = float(bets[opens[i]])
            i += 1
        while j < ends.size and end[ends[j]] <= now:
            active.pop(int(ends[j]), None)
            j += 1
        sizes[k] = math.fsum(active.values()) / len(active) if active else 0.0
    return times, sizes


def budget_size(side: npt.ArrayLike, spans: Labels | npt.ArrayLike) -> tuple[I64, F64]:
    """Size from the number of bets open on either side, each over the largest number so far.

    Parameters
    ----------
    side : array-like, shape (n,)
        1 or -1.
    spans : Labels, or array-like of shape (n, 2)
        As in `average_active`.

    Returns
    -------
    times : int64 array, shape (m,)
    sizes : float64 array, shape (m,)
        ``long / max long - short / max short``, the largest numbers of the past only.

    References
    ----------
    Lopez de Prado (2018), section 10.2, where the largest number is that of the whole series.

    Examples
    --------
    >>> budget_size([1, 1, -1], [(0, 3), (1, 3), (2, 4)])[1].tolist()
    [1.0, 1.0, 0.0, -1.0, 0.0]
    """
    sides = np.asarray(side, dtype=np.float64)
    if not np.isin(sides, (-1.0, 1.0)).all():
        raise InputError("side must hold 1 and -1 only.")
    times, _ = average_active(spans, np.ones(sides.size))
    counts = []
    for which in (1.0, -1.0):
        mine = np.flatnonzero(sides == which)
        begin, end = _bounds(spans)
        opened = np.searchsorted(np.sort(begin[mine]), times, side="right")
        closed = np.searchsorted(np.sort(end[mine]), times, side="right")
        open_now = (opened - closed).astype(np.float64)
        counts.append(open_now / np.maximum(np.maximum.accumulate(open_now), 1.0))
    return times, counts[0] - counts[1]


@overload
def position_size(divergence: float, width: float, *, form: str = ...) -> float: ...
@overload
def position_size(divergence: npt.NDArray[np.float64], width: float, *, form: str = ...) -> F64: ...
def position_size(divergence: npt.ArrayLike, width: float, *, form: str = "sigmoid") -> float | F64:
    """Size from the divergence between forecast and price.

    Parameters
    ----------
    divergence : float or array
        Forecast price less market price; for ``"power"`` scaled into [-1, 1].
    width : float
        How slowly the size grows: w below.
    form : str
        ``"sigmoid"``: ``x / sqrt(w + x^2)``, w above 0. ``"power"``: ``sgn(x) |x|^w``, w 0 or more.

    Returns
    -------
    float or array
        In [-1, 1].

    References
    ----------
    Lopez de Prado (2018), section 10.6, snippet 10.4 (`betSize`).

    Examples
    --------
    >>> position_size(3.0, 16.0), position_size(-0.5, 2.0, form="power")
    (0.6, -0.25)
    """
    word_of("form", form, _FORMS)
    x = np.asarray(divergence, dtype=np.float64)
    if form == "sigmoid":
        _positive("width", width)
        out = x / np.sqrt(width + x * x)
    else:
        if not 0.0 <= width < math.inf:
            raise InputError(f"width is {width}; the power must be 0 or more.")
        if (np.abs(x) > 1).any():
            raise InputError(f"A divergence is {x[np.abs(x) > 1].flat[0]}; the power form needs it within -1 and 1.")
        out = np.sign(x) * np.abs(x) ** width
    return float(out) if out.ndim == 0 else out


def width_of(divergence: float, size: float, *, form: str = "sigmoid") -> float:
    """Width at which `position_size` gives this size for this divergence.

    Parameters
    ----------
    divergence : float
    size : float
        In (0, 1).
    form : str
        As in `position_size`.

    Returns
    -------
    float
        ``x^2 (m^-2 - 1)``, or ``ln m / ln x`` of the power form.

    References
    ----------
    Lopez de Prado (2018), section 10.6, snippet 10.4 (`getW`).

    Examples
    --------
    >>> round(width_of(10.0, 0.95), 6), width_of(0.5, 0.25, form="power")
    (10.803324, 2.0)
    """
    word_of("form", form, _FORMS)
    if not 0.0 < size < 1.0:
        raise InputError(f"size is {size}; it must be above 0 and below 1, such as 0.95.")
    if form == "sigmoid":
        _positive("the magnitude of divergence", abs(divergence))
        return divergence**2 * (size**-2 - 1.0)
    if not 0.0 < divergence < 1.0:
        raise InputError(f"divergence is {divergence}; the power form needs it above 0 and below 1.")
    return math.log(size) / math.log(divergence)


def target_position(width: float, forecast: float, price: float, max_position: float) -> int:
    """Whole units to hold at this price: the size times `max_position`, cut towards zero (sigmoid form).

    References
    ----------
    Lopez de Prado (2018), section 10.6, snippet 10.4 (`getTPos`).

    Examples
    --------
    Forecast 115, price 100: 15 / sqrt(10.8033 + 225) = 0.9768.

    >>> target_position(width_of(10.0, 0.95), 115.0, 100.0, 100)
    97
    """
    _positive("max_position", max_position)
    return int(position_size(forecast - price, width) * max_position)


def limit_price(target: int, position: int, forecast: float, width: float, max_position: float) -> float:
    """Limit at which going from `position` to `target` breaks even: the mean price at which each unit would be held.

    Parameters
    ----------
    target, position : int
        Units wanted (see `target_position`) and held; they must differ.
    forecast : float
        Price that is forecast.
    width : float
        Of `position_size`, sigmoid form.
    max_position : float
        Units at size 1.

    Returns
    -------
    float
        ``mean of forecast - m sqrt(w / (1 - m^2))``, m = j / max_position for each unit j traded.

    Raises
    ------
    InputError
        If there is nothing to trade, or `target` reaches `max_position`.

    References
    ----------
    Lopez de Prado (2018), section 10.6, snippet 10.4 (`limitPrice`), for orders that stay on one side of zero and
    extend a position; here also for those that reduce or cross it.

    Examples
    --------
    One unit at size 0.6 of a width of 16 is 3 below the forecast.

    >>> limit_price(6, 5, 115.0, 16.0, 10)
    112.0
    """
    _positive("width", width)
    _positive("max_position", max_position)
    if target == position:
        raise InputError(f"Position and target are both {target}; there is nothing to trade.")
    sign = 1 if target > position else -1
    units = np.arange(position + sign, target + sign, sign) / max_position
    if (np.abs(units) >= 1).any():
        raise InputError(
            f"target is {target}; it must stay below max_position {max_position:g}, where the price has no limit."
        )
    return float(np.mean(forecast - units * np.sqrt(width / (1.0 - units * units))))


def kelly_binary(
    probability: npt.ArrayLike, payoff: npt.ArrayLike = 1.0, *, fraction: float = 1.0, cap: float = 1.0
) -> F64:
    """Kelly's share of capital for a bet that wins `payoff` or loses 1: ``p - (1 - p) / payoff``.

    Parameters
    ----------
    probability : array-like
        Of winning.
    payoff : array-like
        Won per unit lost: the profit barrier over the loss barrier.
    fraction : float
        Share of the full Kelly bet, such as 0.5; it loses a quarter of the growth and half of the deviation.
    cap : float
        Largest size.

    Returns
    -------
    float64 array
        In [0, cap]; 0 where the bet is not worth it.

    References
    ----------
    Kelly (1956), A new interpretation of information rate; Thorp (2006), The Kelly criterion, equation 2.2.

    Examples
    --------
    >>> kelly_binary([0.6, 0.4, 0.3], [1.0, 2.0, 2.0]).round(9).tolist()
    [0.2, 0.1, 0.0]
    """
    p = _probability(probability)
    odds = np.asarray(payoff, dtype=np.float64)
    if (odds <= 0).any():
        raise InputError(f"payoff holds {odds[odds <= 0].flat[0]}; what is won must be above 0.")
    _share(fraction, cap)
    out: F64 = np.clip(fraction * (p - (1.0 - p) / odds), 0.0, cap)
    return out


def kelly_continuous(mean: npt.ArrayLike, variance: npt.ArrayLike, *, fraction: float = 1.0, cap: float = 1.0) -> F64:
    """Kelly's share of capital for a return of this mean and variance: ``mean / variance``.

    Parameters
    ----------
    mean : array-like
        Expected return over the risk-free rate, a bar (or any period).
    variance : array-like
        Of the return over the same period, above 0.
    fraction : float
        Share of the full Kelly bet.
    cap : float
        Largest magnitude; above 1 is leverage.

    Returns
    -------
    float64 array
        In [-cap, cap].

    References
    ----------
    Thorp (2006), The Kelly criterion in blackjack, sports betting and the stock market, equation 7.3.

    Examples
    --------
    >>> kelly_continuous([0.0005, -0.0002], 0.001, fraction=0.5).tolist()
    [0.25, -0.1]
    """
    spread = np.asarray(variance, dtype=np.float64)
    if (spread <= 0).any():
        raise InputError(f"variance holds {spread[spread <= 0].flat[0]}; it must be above 0.")
    _share(fraction, cap)
    out: F64 = np.clip(fraction * (np.asarray(mean, dtype=np.float64) / spread), -cap, cap)
    return out


def _bounds(spans: Labels | npt.ArrayLike) -> tuple[I64, I64]:
    if isinstance(spans, Labels):
        return spans.t0, spans.t1
    table = np.asarray(spans)
    if table.dtype.kind == "M":
        table = table.astype("datetime64[ns]")
    whole = table.astype(np.int64)
    return whole[:, 0], whole[:, 1]


def _two_sided(z: F64) -> F64:
    """``2 Phi(z) - 1``, which is the error function of ``z / sqrt 2``."""
    flat = [math.erf(value / math.sqrt(2.0)) for value in z.ravel().tolist()]
    return np.array(flat, dtype=np.float64).reshape(z.shape)


def _probability(value: npt.ArrayLike) -> F64:
    p = np.asarray(value, dtype=np.float64)
    wrong = (p < 0) | (p > 1)
    if wrong.any():
        raise InputError(f"A probability is {p[wrong].flat[0]}; it must lie from 0 to 1.")
    return p


def _positive(name: str, value: float) -> None:
    if not 0.0 < value < math.inf:
        raise InputError(f"{name} is {value}; it must be above 0.")


def _share(fraction: float, cap: float) -> None:
    if not 0.0 < fraction <= 1.0:
        raise InputError(f"fraction is {fraction}; it must be above 0 and at most 1 (betting more loses growth).")
    _positive("cap", cap)
