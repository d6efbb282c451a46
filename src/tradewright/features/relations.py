"""Relations of an asset to a benchmark, or of one feature to another.

Entry points: the definitions below, registered by name. Beta and correlation with the benchmark are the indicators
``beta`` and ``correlation``.

Invariants: relative strength has one definition, the change of the ratio to the benchmark; it is that of the indicator
``relative_to_benchmark``. Returns are log returns where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import InputError, closest
from tradewright.features.feature import Market, Sources, define, text
from tradewright.features.indicators import graph as g
from tradewright.features.indicators.graph import Node
from tradewright.features.indicators.spec import whole
from tradewright.features.indicators.trend import relative_to_benchmark
from tradewright.features.returns import log_returns

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]

_F: Final = "relations"
_RETURN: Final = {"feature": "log_return", "window": 1}
_FLAT: Final = "NaN where the benchmark does not move"
_MARKET_MODEL: Final = "Sharpe (1963), Management Science 9(2)"


@define(
    "Relative strength",
    family=_F,
    inputs="close benchmark",
    params=[whole("window", 60)],
    unit="fraction; above 0: stronger than the benchmark",
    source="Levy (1967), Journal of Finance 22(4)",
    notes="The only definition in use: close / benchmark over the same ratio `window` rows ago, minus 1.",
    standard=[{"window": w} for w in (20, 60, 120)],
)
def relative_strength(x: Sources, p: Any) -> Node:
    """Change of the ratio to the benchmark over the window.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> from tradewright.features.pipeline import FeatureSet
    >>> own, other = [10.0, 12.0, 18.0], [5.0, 5.0, 6.0]
    >>> bars = Bars.from_arrays(None, own, own, own, own)
    >>> wanted = FeatureSet([{"feature": "relative_strength", "window": 2}], benchmark=other)
    >>> wanted.compute(bars).column(0)[:, 0].tolist()
    [nan, nan, 0.5]
    """
    line = relative_to_benchmark(x, p)
    return line if isinstance(line, Node) else line[0]


@define(
    "Alpha of the market model",
    family=_F,
    inputs="close benchmark",
    params=[whole("window", 60, 2)],
    unit="log return per row",
    source="Jensen (1968), Journal of Finance 23(2)",
    undefined=_FLAT,
    standard=[{"window": 60}, {"window": 120}],
)
def alpha(x: Sources, p: Any) -> Node:
    """Mean of the log returns that beta times those of the benchmark do not explain."""
    own, other = log_returns(x.close), log_returns(x.benchmark)
    slope = g.covariance(own, other, p.window) / g.variance(other, p.window)
    return g.mean(own, p.window) - slope * g.mean(other, p.window)


@define(
    "Volatility of its own",
    family=_F,
    inputs="close benchmark",
    params=[whole("window", 60, 3)],
    unit="fraction per row",
    source="Ang, Hodrick, Xing and Zhang (2006), Journal of Finance 61(1)",
    undefined="NaN where one does not move",
    notes="Residual of the market model over the window, divisor window - 2.",
    standard=[{"window": 20}, {"window": 60}],
)
def idiosyncratic_volatility(x: Sources, p: Any) -> Node:
    """Standard deviation of what the benchmark does not explain."""
    own, other = log_returns(x.close), log_returns(x.benchmark)
    share = g.correlation(own, other, p.window)
    rest = g.variance(own, p.window) * g.clip(1.0 - share * share, 0.0, 1.0)
    return g.sqrt(rest * (p.window / (p.window - 2.0)))


@define(
    "Downside beta",
    family=_F,
    inputs="close benchmark",
    params=[whole("window", 60, 2)],
    unit="beta",
    source="Estrada (2002), Emerging Markets Review 3(4), with 0 as target",
    undefined="NaN where the benchmark did not fall",
    standard=[{"window": 60}, {"window": 120}],
)
def downside_beta(x: Sources, p: Any) -> Node:
    """Beta over the rows in which the benchmark fell: sum of products over sum of squares."""
    own, other = log_returns(x.close), log_returns(x.benchmark)
    fell = g.clip(other, -1e300, 0.0)
    return g.total(own * fell, p.window) / g.total(g.known(fell * fell, own), p.window)


@define(
    "Residual momentum",
    family=_F,
    inputs="close benchmark",
    params=[whole("window", 60), whole("beta_window", 120, 2)],
    unit="log return",
    source="Blitz, Huij and Martens (2011), Journal of Empirical Finance 18(3), with a single factor",
    undefined=_FLAT,
    notes="The beta of a row is that of the rows before it.",
    standard=[{"window": 60, "beta_window": 120}],
)
def residual_momentum(x: Sources, p: Any) -> Node:
    """Sum of the log returns of the window less beta times those of the benchmark."""
    own, other = log_returns(x.close), log_returns(x.benchmark)
    slope = g.covariance(own, other, p.beta_window) / g.variance(other, p.beta_window)
    return g.total(own - g.lag(slope, 1) * other, p.window)


@define(
    "Correlation with the benchmark of before",
    family=_F,
    inputs="close benchmark",
    params=[whole("window", 60, 2), whole("rows", 1)],
    unit="-1 to 1",
    source="Lo and MacKinlay (1990), Review of Financial Studies 3(2)",
    undefined="NaN where one does not move",
    standard=[{"window": 60, "rows": 1}],
)
def lead_correlation(x: Sources, p: Any) -> Node:
    """Correlation of the log returns with those of the benchmark `rows` rows before."""
    return g.correlation(log_returns(x.close), g.lag(log_returns(x.benchmark), p.rows), p.window)


@define(
    "Return of the benchmark",
    family=_F,
    scope="market",
    inputs="benchmark",
    params=[whole("window", 20)],
    unit="log return",
    source="Classical",
    standard=[{"window": 5}, {"window": 20}],
)
def benchmark_return(x: Sources, p: Any) -> Node:
    """Log return of the benchmark over the window."""
    return g.change(g.log(x.benchmark), p.window)


@define(
    "Volatility of the benchmark",
    family=_F,
    scope="market",
    inputs="benchmark",
    params=[whole("window", 20, 2)],
    unit="fraction per row",
    source="Classical",
    standard=[{"window": 20}],
)
def benchmark_volatility(x: Sources, p: Any) -> Node:
    """Standard deviation of the log returns of the benchmark (ddof 1)."""
    return g.std(log_returns(x.benchmark), p.window, 1)


@define(
    "Rolling correlation of two features",
    family=_F,
    takes={"of": None, "by": None},
    params=[whole("window", 60, 2)],
    unit="-1 to 1",
    source="Pearson (1895), Proceedings of the Royal Society 58",
    undefined="NaN where one does not change",
)
def rolling_correlation(x: Sources, p: Any) -> Node:
    """Pearson correlation over the window."""
    return g.correlation(x.of, x.by, p.window)


@define(
    "Rolling beta of two features",
    family=_F,
    takes={"of": None, "by": None},
    params=[whole("window", 60, 2)],
    unit="units of `of` per unit of `by`",
    source=_MARKET_MODEL,
    undefined="NaN where `by` does not change",
)
def rolling_beta(x: Sources, p: Any) -> Node:
    """Covariance over the window, over the variance of `by`."""
    return g.covariance(x.of, x.by, p.window) / g.variance(x.by, p.window)


@define(
    "Of one asset",
    family=_F,
    kind="rows",
    scope="cross_section",
    takes={"of": _RETURN},
    params=[text("symbol", about="whose value all assets get")],
    unit="that of `of`",
    source="Classical",
)
def of_symbol(given: Sequence[F64], market: Market, p: Any) -> F64:
    """Value of one asset, for all: to compare with it."""
    if p.symbol not in market.symbols:
        shown = ", ".join(market.symbols[:8])
        raise InputError(
            f"of_symbol: {p.symbol!r} is not among the bars{closest(p.symbol, market.symbols) or '.'} They are {shown}."
        )
    return np.repeat(given[0][:, [market.symbols.index(p.symbol)]], market.shape[1], axis=1)
