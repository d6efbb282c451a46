"""Across assets: each row is judged by itself, among the assets that have a value in it.

Entry points: the definitions below, registered by name; `residual`.

Invariants: a row depends on no other row, so nothing is fitted; assets without a value are left out and get none. What
asks for sectors takes all assets as one sector where none are given, and the result says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.features.feature import Market, define
from tradewright.features.indicators.spec import whole

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["groups", "ranks", "residual"]

_F: Final = "cross_section"
_SCOPE: Final = "cross_section"
_MOMENTUM: Final = {"feature": "log_return", "window": 20}
_BETA: Final = {"feature": "beta", "window": 60}


def _return(window: int) -> dict[str, Any]:
    return {"of": {"feature": "log_return", "window": window}}


_VOLATILITY: Final = {"of": {"feature": "historical_volatility", "window": 20}}


def groups(market: Market) -> list[list[int]]:
    """Columns of each sector; one group of all where no sectors are given. Assets of no sector stand alone as one."""
    names = market.sectors or ("",) * market.shape[1]
    return [[j for j, name in enumerate(names) if name == one] for one in dict.fromkeys(names)]


def ranks(x: F64) -> F64:
    """Place of each value in its row: 0 lowest, 1 highest, equal values share the mean; 0.5 where it is alone.

    Examples
    --------
    >>> ranks(np.array([[5.0, 1.0, np.nan, 1.0], [7.0, np.nan, np.nan, np.nan]])).tolist()
    [[1.0, 0.25, nan, 0.25], [0.5, nan, nan, nan]]
    """
    n, m = x.shape
    if not m:
        return x.copy()
    order = np.argsort(x, axis=1, kind="stable")
    line = np.take_along_axis(x, order, axis=1)
    known = np.isfinite(line)
    count = known.sum(axis=1, keepdims=True)
    new = np.ones((n, m), dtype=bool)
    new[:, 1:] = line[:, 1:] != line[:, :-1]
    place = np.broadcast_to(np.arange(m), (n, m))
    first = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    ends = np.ones((n, m), dtype=bool)
    ends[:, :-1] = new[:, 1:]
    last = np.minimum.accumulate(np.where(ends, place, m)[:, ::-1], axis=1)[:, ::-1]
    mean = (first + last) / 2.0
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(count > 1, mean / (count - 1), 0.5)
    out = np.empty((n, m))
    np.put_along_axis(out, order, np.where(known, share, np.nan), axis=1)
    return out


def _finite(x: F64) -> F64:
    return np.where(np.isfinite(x), x, np.nan)


def _mean(x: F64) -> F64:
    """Mean of the known values of each row, shape (n_rows, 1)."""
    known = np.isfinite(x)
    count = known.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known, x, 0.0).sum(axis=1, keepdims=True) / count)


def _spread(x: F64) -> F64:
    """Standard deviation of each row (ddof 1), shape (n_rows, 1); NaN below two values."""
    known = np.isfinite(x)
    away = np.where(known, x - _mean(x), 0.0)
    count = known.sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt((away * away).sum(axis=1, keepdims=True) / np.where(count > 1, count - 1, np.nan)))


def _within(x: F64, market: Market) -> F64:
    """Value less the mean of its sector."""
    out = np.empty_like(x)
    for members in groups(market):
        part = np.ascontiguousarray(x[:, members])
        out[:, members] = part - _mean(part)
    return out


def residual(y: F64, x: F64) -> F64:
    """What is left of y in each row after a least-squares line through x (both already without their means).

    Examples
    --------
    >>> residual(np.array([[-1.0, 0.0, 1.0]]), np.array([[-2.0, 0.0, 2.0]])).tolist()
    [[0.0, 0.0, 0.0]]
    """
    both = np.isfinite(y) & np.isfinite(x)
    a, b = np.where(both, y, 0.0), np.where(both, x, 0.0)
    square = (b * b).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(square > 0.0, (a * b).sum(axis=1, keepdims=True) / square, 0.0)
    return np.where(both, y - slope * x, np.nan)


def _together(given: Sequence[F64]) -> tuple[F64, F64]:
    """Two tables with values where both have one."""
    both = np.isfinite(given[0]) & np.isfinite(given[1])
    return np.where(both, given[0], np.nan), np.where(both, given[1], np.nan)


@define(
    "Rank across assets",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM},
    unit="0 (lowest) to 1 (highest)",
    source="Jegadeesh and Titman (1993), Journal of Finance 48(1)",
    notes="Equal values share the mean rank; 0.5 where an asset is alone.",
    standard=[_return(w) for w in (1, 5, 20, 60)]
    + [_VOLATILITY, {"of": {"feature": "rvol", "window": 20}}, {"of": {"feature": "rsi", "window": 14}}],
)
def cs_rank(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Place among the assets that have a value in the row."""
    return ranks(_finite(given[0]))


@define(
    "Score across assets",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM},
    unit="standard deviations",
    source="Asness, Moskowitz and Pedersen (2013), Journal of Finance 68(3)",
    undefined="NaN with fewer than two values or where all are equal",
    standard=[*(_return(w) for w in (1, 5, 20)), _VOLATILITY],
)
def cs_zscore(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Value less the mean of the row, over its standard deviation (ddof 1)."""
    x = _finite(given[0])
    spread = _spread(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((x - _mean(x)) / np.where(spread > 0.0, spread, np.nan))


@define(
    "Less the mean of all",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM},
    unit="that of `of`",
    source="Grinold and Kahn (1999), Active Portfolio Management, ch. 14",
    standard=[_return(w) for w in (1, 5, 20)],
)
def cs_demean(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Value less the mean of the row."""
    x = _finite(given[0])
    return x - _mean(x)


@define(
    "Less the mean of the sector",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM},
    unit="that of `of`",
    source="Grinold and Kahn (1999), Active Portfolio Management, ch. 14",
    needs="sectors",
    standard=[_return(20), _return(60)],
)
def cs_sector_neutral(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Value less the mean of its sector in the row; 0 for the only one of a sector."""
    return _within(_finite(given[0]), market)


@define(
    "Neutral to beta",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM, "by": _BETA},
    unit="that of `of`",
    source="Grinold and Kahn (1999), Active Portfolio Management, ch. 14",
    notes="Residual of a least-squares line with intercept through `by`, fitted in the row.",
    standard=[_return(20), _return(60)],
)
def cs_beta_neutral(given: Sequence[F64], market: Market, p: Any) -> F64:
    """What is left of a value when the part explained by `by` (a beta) is taken out."""
    y, x = _together(given)
    return residual(y - _mean(y), x - _mean(x))


@define(
    "Neutral to sector and beta",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM, "by": _BETA},
    unit="that of `of`",
    source="Grinold and Kahn (1999), Active Portfolio Management, ch. 14",
    notes="Residual of a least-squares fit in the row on one intercept for each sector and one slope for `by`.",
    needs="sectors",
    standard=[_return(20)],
)
def cs_neutral(given: Sequence[F64], market: Market, p: Any) -> F64:
    """What is left of a value when sector and the part explained by `by` are taken out."""
    y, x = _together(given)
    return residual(_within(y, market), _within(x, market))


@define(
    "Rank in the sector",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM},
    unit="0 (lowest) to 1 (highest)",
    source="Moskowitz and Grinblatt (1999), Journal of Finance 54(4)",
    needs="sectors",
    standard=[_return(20)],
)
def sector_rank(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Place among the assets of the same sector."""
    x, out = _finite(given[0]), np.empty(market.shape)
    for members in groups(market):
        out[:, members] = ranks(np.ascontiguousarray(x[:, members]))
    return out


@define(
    "Momentum of the sector",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM},
    unit="that of `of`",
    source="Moskowitz and Grinblatt (1999), Journal of Finance 54(4)",
    needs="sectors",
    standard=[_return(20), _return(60)],
)
def sector_momentum(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Mean of `of` over the assets of the same sector, for each of them that has a value itself."""
    x, out = _finite(given[0]), np.full(market.shape, np.nan)
    for members in groups(market):
        part = np.ascontiguousarray(x[:, members])
        out[:, members] = np.where(np.isfinite(part), _mean(part), np.nan)
    return out


@define(
    "Dispersion",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM},
    unit="that of `of`",
    source="Gorman, Sapra and Weigand (2010), Journal of Portfolio Management 36(3)",
    undefined="NaN with fewer than two values",
    standard=[_return(1), _return(20)],
)
def cs_dispersion(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Standard deviation over the assets of the row (ddof 1), the same for all of them."""
    return np.repeat(_spread(_finite(given[0])), market.shape[1], axis=1)


@define(
    "Breadth",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM},
    unit="0 to 1",
    source="Zweig (1986), Winning on Wall Street",
    standard=[_return(1), _return(20)],
)
def cs_breadth(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Share of the assets of the row whose value is above 0, the same for all of them."""
    x = _finite(given[0])
    return np.repeat(_mean(np.where(np.isfinite(x), (x > 0.0) * 1.0, np.nan)), market.shape[1], axis=1)


@define(
    "Mean of all",
    family=_F,
    kind="rows",
    scope=_SCOPE,
    takes={"of": _MOMENTUM},
    params=[whole("least", 1, about="assets that must have a value")],
    unit="that of `of`",
    source="Classical",
)
def cs_mean(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Mean over the assets of the row, the same for all of them."""
    x = _finite(given[0])
    enough = np.isfinite(x).sum(axis=1, keepdims=True) >= p.least
    return np.repeat(np.where(enough, _mean(x), np.nan), market.shape[1], axis=1)
