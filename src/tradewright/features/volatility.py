"""Volatility beyond the estimators that are indicators (close, Parkinson, Garman-Klass, Rogers-Satchell, Yang-Zhang).

Entry points: the definitions below, registered by name; `Garch`.

Invariants: volatilities are per row (fractions, not annualised); log returns; a parameter that is fitted (GARCH) is
fitted on rows before the one it is used for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import ConfigError
from tradewright.features.feature import Sources, define
from tradewright.features.indicators import graph as g
from tradewright.features.indicators.graph import Node
from tradewright.features.indicators.spec import choice, whole
from tradewright.features.returns import log_returns, new_session

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Garch"]

_F: Final = "volatility"
_UNIT: Final = "fraction per row"
_CLASSICAL: Final = "Classical"


@define(
    "Volatility of one side",
    family=_F,
    inputs="close",
    params=[whole("window", 20), choice("side", "down", "up")],
    unit=_UNIT,
    source="Barndorff-Nielsen, Kinnebrock and Shephard (2010), in Volatility and Time Series Econometrics",
    notes="Root of the mean over all rows of the window of the squared returns of that side.",
    standard=[{"window": 20}, {"window": 60}, {"window": 20, "side": "up"}],
)
def semi_volatility(x: Sources, p: Any) -> Node:
    """Root of the mean square of the falling (or rising) log returns."""
    step = log_returns(x.close)
    one = g.clip(step, -1e300, 0.0) if p.side == "down" else g.clip(step, 0.0, 1e300)
    return g.sqrt(g.mean(one * one, p.window))


def _bipower(x: Sources, window: int) -> tuple[Node, Node]:
    """Bipower variation and realised variance, per row, over the same rows."""
    step = log_returns(x.close)
    pairs = g.absolute(step) * g.absolute(g.previous(step))
    return g.mean(pairs, window) * (math.pi / 2.0), g.mean(g.known(step * step, pairs), window)


@define(
    "Bipower volatility",
    family=_F,
    inputs="close",
    params=[whole("window", 20)],
    unit=_UNIT,
    source="Barndorff-Nielsen and Shephard (2004), Journal of Financial Econometrics 2(1)",
    standard=[{"window": 20}, {"window": 60}],
)
def bipower_volatility(x: Sources, p: Any) -> Node:
    """Volatility that single jumps do not raise: from products of neighbouring absolute returns."""
    return g.sqrt(_bipower(x, p.window)[0])


@define(
    "Share of jumps",
    family=_F,
    inputs="close",
    params=[whole("window", 60)],
    unit="0 to 1",
    source="Huang and Tauchen (2005), Journal of Financial Econometrics 3(4)",
    undefined="NaN where nothing moved",
    standard=[{"window": 60}],
)
def jump_share(x: Sources, p: Any) -> Node:
    """Part of the realised variance that bipower variation does not explain, not below 0."""
    smooth, realised = _bipower(x, p.window)
    return g.clip(1.0 - smooth / realised, 0.0, 1.0)


@define(
    "Volatility of volatility",
    family=_F,
    inputs="close",
    params=[whole("window", 60, 2), whole("inner", 20, 2)],
    unit=_UNIT,
    source="Baltussen, van Bekkum and van der Grient (2018), JFQA 53(4)",
    standard=[{"window": 60, "inner": 20}],
)
def volatility_of_volatility(x: Sources, p: Any) -> Node:
    """Standard deviation over the window of the volatility of the last `inner` rows (both ddof 1)."""
    return g.std(g.std(log_returns(x.close), p.inner, 1), p.window, 1)


@define(
    "Volatility spike",
    family=_F,
    inputs="close",
    params=[whole("window", 5, 2), whole("baseline", 60, 2)],
    unit="ratio; 2 and above is a spike by common use",
    source=_CLASSICAL,
    undefined="NaN where nothing moved",
    notes="The baseline ends where the window begins, so a spike does not hide itself.",
    standard=[{"window": 5, "baseline": 60}],
)
def volatility_spike(x: Sources, p: Any) -> Node:
    """Volatility of the window over that of the `baseline` rows before it."""
    step = log_returns(x.close)
    return g.std(step, p.window, 1) / g.lag(g.std(step, p.baseline, 1), p.window)


@define(
    "Rank of the volatility",
    family=_F,
    inputs="close",
    params=[whole("window", 20, 2), whole("lookback", 250, 2)],
    unit="0 to 1",
    source=_CLASSICAL,
    standard=[{"window": 20, "lookback": 120}],
)
def volatility_rank(x: Sources, p: Any) -> Node:
    """Share of the volatilities of the last `lookback` rows that are below the newest."""
    return g.rank(g.std(log_returns(x.close), p.window, 1), p.lookback, 0)


@define(
    "Share of the gaps in the variance",
    family=_F,
    inputs="open close",
    params=[whole("window", 60, 2)],
    unit="0 to 1",
    source="Yang and Zhang (2000), Journal of Business 73(3)",
    undefined="NaN where nothing moved",
    standard=[{"window": 60}],
)
def gap_share(x: Sources, p: Any) -> Node:
    """Variance of open over close before, as a share of it and the variance of close over open."""
    gap = g.variance(g.log(x.open / g.previous(x.close)), p.window, 1)
    return gap / (gap + g.variance(g.log(x.close / x.open), p.window, 1))


@define(
    "Volatility of the session so far",
    family=_F,
    inputs="open close session",
    unit="fraction since the open",
    source="Andersen and Bollerslev (1998), International Economic Review 39(4)",
    notes="Root of the sum of the squared log returns since the open; the gap before the session is not in it. The "
    "first session of the data has none.",
    event=True,
    standard=[{}],
)
def session_volatility(x: Sources, p: Any) -> Node:
    """Realised volatility since the open of the session."""
    first = new_session(x)
    step = g.where(first, g.log(x.close / x.open), log_returns(x.close))
    begun = g.hold(g.quotient(first, first))  # 1 from the first open of a session on
    return g.sqrt(g.cumulate_since(step * step, g.known(x.session, begun)) * begun)


class Garch:
    """GARCH(1,1) with parameters from the past only, as a state that takes rows as they come.

    Parameters
    ----------
    min_rows : int
        Returns before the first fit.
    refit : int
        Rows between fits. A fit at a row uses the returns up to that row, and is used for the value of that row on.

    Notes
    -----
    The value of a row is the volatility it forecasts for the next one. All rows are kept, for every fit sees all of
    them; rows without a return are left out.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 130)))
    >>> values = Garch(min_rows=100, refit=50).extend([close])
    >>> bool(np.isnan(values[:100]).all()), bool(0.005 < values[-1] < 0.02)
    (True, True)
    """

    def __init__(self, min_rows: int, refit: int) -> None:
        self.min_rows, self.refit = min_rows, refit
        self.before = math.nan
        self.returns: list[float] = []
        self.fitted: tuple[float, float, float, float] | None = None
        self.variance = math.nan

    def extend(self, columns: Sequence[F64]) -> F64:
        """Values of the next rows."""
        return np.array([self._update(value) for value in columns[0].tolist()], dtype=np.float64)

    def _update(self, close: float) -> float:
        if not (math.isfinite(close) and close > 0.0):
            return math.nan
        step = math.log(close / self.before) if math.isfinite(self.before) else math.nan
        self.before = close
        if not math.isfinite(step):
            return math.nan
        self.returns.append(100.0 * step)  # percent: the scale on which the optimiser works best
        n = len(self.returns)
        if n < self.min_rows:
            return math.nan
        if (n - self.min_rows) % self.refit == 0:
            self._fit()
        elif self.fitted is not None:
            mu, omega, alpha, beta = self.fitted
            self.variance = omega + alpha * (self.returns[-1] - mu) ** 2 + beta * self.variance
        return math.sqrt(self.variance) / 100.0 if self.variance > 0.0 else math.nan

    def _fit(self) -> None:
        import warnings

        try:
            from arch import arch_model
        except ImportError:
            raise ConfigError("GARCH needs the library arch; install it with 'pip install tradewright[ml]'.") from None
        data = np.array(self.returns)
        if not np.ptp(data) > 0.0:
            self.fitted, self.variance = None, math.nan
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a fit that did not converge the last parameters are as good as any
            found = arch_model(data, mean="Constant", vol="GARCH", p=1, q=1, dist="normal", rescale=False).fit(
                disp="off", show_warning=False
            )
        mu, omega, alpha, beta = (float(v) for v in found.params)
        self.fitted = (mu, omega, alpha, beta)
        last = float(found.conditional_volatility[-1]) ** 2
        self.variance = omega + alpha * (data[-1] - mu) ** 2 + beta * last


@define(
    "GARCH volatility",
    family=_F,
    kind="state",
    inputs="close",
    params=[
        whole("min_rows", 250, 50, about="returns before the first fit"),
        whole("refit", 250, 1, about="rows between fits"),
    ],
    unit="fraction per row, for the next row",
    source="Bollerslev (1986), Journal of Econometrics 31(3), eq. 2",
    notes="GARCH(1,1), constant mean, normal likelihood, by the library arch; fitted on an expanding past every "
    "`refit` rows, so never on a later row.",
    memory="all rows",
    warm_up=lambda p: p.min_rows + 1,
)
def garch_volatility(p: Any) -> Garch:
    """Forecast for the next row by a GARCH(1,1) fitted on the past only."""
    return Garch(p.min_rows, p.refit)
