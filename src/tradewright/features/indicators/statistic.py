"""Statistics of a window.

Entry points: the definitions below, registered by name.

Invariants: windows are recomputed from their values, so a spread far below the level keeps its digits.
"""

from __future__ import annotations

import math
from typing import Any, Final

from tradewright.features.indicators import graph as g
from tradewright.features.indicators.graph import Inputs, Node
from tradewright.features.indicators.spec import Talib, choice, define, real, whole

_F: Final = "statistic"
_AS: Final = "as the input"
_DDOF: Final = whole("ddof", 0, 0, 1)
_ENOUGH: Final = ("window > ddof", lambda p: p["window"] > p["ddof"])
_TALIB: Final = {"timeperiod": "window"}


@define(
    "Sum of a window", family=_F, params=[whole("window", 20)], unit=_AS, source="Classical", talib=Talib("SUM", _TALIB)
)
def sum_(x: Inputs, p: Any) -> Node:
    """Sum of the last `window` values.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.sum([1.0, 2.0, 4.0], window=2).tolist()
    [nan, 3.0, 6.0]
    """
    return g.total(x.close, p.window)


@define("Running total", family=_F, unit=_AS, source="Classical", talib=Talib("CUMSUM"))
def cumsum(x: Inputs, p: Any) -> Node:
    """Sum of all values so far."""
    return g.cumulate(x.close)


@define(
    "Standard deviation",
    family=_F,
    params=[whole("window", 20), _DDOF],
    unit=_AS,
    source="Classical",
    needs=_ENOUGH,
    notes="ddof=0 is TA-Lib; pandas' default is ddof=1.",
    talib=Talib("STDDEV", _TALIB, {"ddof": 0}),
)
def std(x: Inputs, p: Any) -> Node:
    """Root of the variance.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.std([1.0, 3.0, 3.0], window=2).tolist()
    [nan, 1.0, 0.0]
    """
    return g.std(x.close, p.window, p.ddof)


@define(
    "Variance",
    family=_F,
    params=[whole("window", 20), _DDOF],
    unit="input squared",
    source="Classical",
    needs=_ENOUGH,
    talib=Talib("VAR", _TALIB, {"ddof": 0}),
)
def var(x: Inputs, p: Any) -> Node:
    """Mean square distance from the mean."""
    return g.variance(x.close, p.window, p.ddof)


@define(
    "Smallest of a window",
    family=_F,
    params=[whole("window", 20)],
    unit=_AS,
    source="Classical",
    talib=Talib("MIN", _TALIB),
)
def min_(x: Inputs, p: Any) -> Node:
    """Smallest of the last `window` values.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.min([3.0, 1.0, 2.0], window=2).tolist()
    [nan, 1.0, 1.0]
    """
    return g.low_of(x.close, p.window)


@define(
    "Largest of a window",
    family=_F,
    params=[whole("window", 20)],
    unit=_AS,
    source="Classical",
    talib=Talib("MAX", _TALIB),
)
def max_(x: Inputs, p: Any) -> Node:
    """Largest of the last `window` values.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.max([3.0, 1.0, 2.0], window=2).tolist()
    [nan, 3.0, 2.0]
    """
    return g.high_of(x.close, p.window)


@define(
    "Rows since the largest",
    family=_F,
    params=[whole("window", 20)],
    unit="rows",
    source="Classical",
    notes="Of equals the latest. TA-Lib's MAXINDEX gives the row number.",
)
def since_max(x: Inputs, p: Any) -> Node:
    """Age of the largest of the last `window` values."""
    return g.since_high(x.close, p.window)


@define(
    "Rows since the smallest",
    family=_F,
    params=[whole("window", 20)],
    unit="rows",
    source="Classical",
    notes="Of equals the latest. TA-Lib's MININDEX gives the row number.",
)
def since_min(x: Inputs, p: Any) -> Node:
    """Age of the smallest of the last `window` values."""
    return g.since_low(x.close, p.window)


@define("Median", family=_F, params=[whole("window", 20)], unit=_AS, source="Classical")
def median(x: Inputs, p: Any) -> Node:
    """Middle of the sorted window, or the mean of the two in the middle.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.median([5.0, 1.0, 3.0, 9.0], window=3).tolist()
    [nan, nan, 3.0, 3.0]
    """
    return g.quantile(x.close, p.window, 0.5)


@define(
    "Quantile",
    family=_F,
    params=[
        whole("window", 20),
        real("q", 0.5, 0.0, 1.0, "share below", open_low=False),
        choice("method", "linear", "nearest"),
    ],
    unit=_AS,
    source="Hyndman and Fan (1996), American Statistician 50(4)",
    notes="linear is definition 7 (NumPy, pandas); nearest is definition 1, as TA-Lib's PERCENTILE (percentile = "
    "100 q).",
    talib=None,
)
def quantile(x: Inputs, p: Any) -> Node:
    """Value below which a share `q` of the window lies.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.quantile([1.0, 2.0, 10.0], window=3, q=0.25).tolist()
    [nan, nan, 1.5]
    """
    return g.quantile(x.close, p.window, p.q, nearest=p.method == "nearest")


@define(
    "Percent rank",
    family=_F,
    params=[whole("window", 100, 2), choice("method", "below", "max", "mean")],
    unit="0 to 1",
    source="Classical",
    notes="below: share of the window - 1 values before this one that are smaller. max, mean: rank within the "
    "window over window "
    "(pandas rolling rank with pct). TA-Lib's PERCENTRANK(w) is 100 times `below` with window w + 1.",
)
def rank(x: Inputs, p: Any) -> Node:
    """Place of the newest value among those of the window.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.rank([1.0, 3.0, 2.0], window=3).tolist()
    [nan, nan, 0.5]
    >>> indicators.rank([1.0, 3.0, 2.0], window=2, method="max").tolist()
    [nan, 1.0, 0.5]
    """
    return g.rank(x.close, p.window, {"below": 0, "max": 1, "mean": 2}[p.method])


@define(
    "Z-score",
    family=_F,
    params=[whole("window", 20, 2), whole("ddof", 1, 0, 1)],
    unit="standard deviations",
    source="Classical",
    undefined="NaN where nothing moved",
    notes="The row itself is in the window.",
)
def zscore(x: Inputs, p: Any) -> Node:
    """Distance from the mean of the window, in its standard deviations.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.zscore([1.0, 3.0, 2.0], window=2, ddof=0).tolist()
    [nan, 1.0, -1.0]
    """
    return (x.close - g.mean(x.close, p.window)) / g.std(x.close, p.window, p.ddof)


@define(
    "Mean absolute deviation",
    family=_F,
    params=[whole("window", 20)],
    unit=_AS,
    source="Classical",
    notes="Around the mean of the window.",
    talib=Talib("AVGDEV", _TALIB),
)
def mean_deviation(x: Inputs, p: Any) -> Node:
    """Mean distance from the mean."""
    return g.mean_deviation(x.close, p.window)


@define(
    "Skewness",
    family=_F,
    params=[whole("window", 60, 3)],
    unit="none",
    source="Joanes and Gill (1998), The Statistician 47(1), G1",
    undefined="NaN where nothing moved",
)
def skewness(x: Inputs, p: Any) -> Node:
    """Third moment of the window, corrected for bias as in pandas."""
    return g.skewness(x.close, p.window)


@define(
    "Excess kurtosis",
    family=_F,
    params=[whole("window", 60, 4)],
    unit="none",
    source="Joanes and Gill (1998), The Statistician 47(1), G2",
    undefined="NaN where nothing moved",
)
def kurtosis(x: Inputs, p: Any) -> Node:
    """Fourth moment of the window above that of the normal law, corrected for bias as in pandas."""
    return g.kurtosis(x.close, p.window)


@define(
    "Entropy",
    family=_F,
    params=[whole("window", 10, 2), real("base", 2.0, 1.0, 1e3, "of the logarithm")],
    unit="bits for base 2",
    source="Shannon (1948), Bell System Technical Journal 27",
    undefined="NaN where a value of the window is not positive",
    notes="Shares of the sum of the window.",
)
def entropy(x: Inputs, p: Any) -> Node:
    """Entropy of the shares that the values have in their sum.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.entropy([2.0, 2.0, 2.0, 2.0], window=4).tolist()
    [nan, nan, nan, 2.0]
    """
    return g.entropy(x.close, p.window, p.base)


@define(
    "End of the regression line",
    family=_F,
    params=[whole("window", 14, 2)],
    unit=_AS,
    source="Legendre (1805)",
    talib=Talib("LINEARREG", _TALIB),
)
def linreg(x: Inputs, p: Any) -> Node:
    """Value of the least-squares line of the window at its newest row.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> [round(float(v), 6) for v in indicators.linreg([1.0, 2.0, 4.0], window=3)]  # 5/6 + 2 * 3/2
    [nan, nan, 3.833333]
    """
    slope, intercept = g.linreg(x.close, p.window)
    return intercept + slope * float(p.window - 1)


@define(
    "Slope of the regression line",
    family=_F,
    params=[whole("window", 14, 2)],
    unit="input per row",
    source="Legendre (1805)",
    talib=Talib("LINEARREG_SLOPE", _TALIB),
)
def linreg_slope(x: Inputs, p: Any) -> Node:
    """Slope of the least-squares line over the window.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.linreg_slope([1.0, 2.0, 4.0], window=3).tolist()
    [nan, nan, 1.5]
    """
    return g.linreg(x.close, p.window)[0]


@define(
    "Intercept of the regression line",
    family=_F,
    params=[whole("window", 14, 2)],
    unit=_AS,
    source="Legendre (1805)",
    notes="At the oldest row of the window.",
    talib=Talib("LINEARREG_INTERCEPT", _TALIB),
)
def linreg_intercept(x: Inputs, p: Any) -> Node:
    """Value of the least-squares line at the oldest row of the window."""
    return g.linreg(x.close, p.window)[1]


@define(
    "Angle of the regression line",
    family=_F,
    params=[whole("window", 14, 2)],
    unit="degrees",
    source="Legendre (1805)",
    notes="Depends on the scale of the input.",
    talib=Talib("LINEARREG_ANGLE", _TALIB),
)
def linreg_angle(x: Inputs, p: Any) -> Node:
    """Arc tangent of the slope."""
    return g.arctan(g.linreg(x.close, p.window)[0]) * (180.0 / math.pi)


@define(
    "Fit of the regression line",
    family=_F,
    params=[whole("window", 14, 2)],
    unit="0 to 1",
    source="Legendre (1805)",
    undefined="NaN where nothing moved",
)
def linreg_r2(x: Inputs, p: Any) -> Node:
    """Share of the variance that the least-squares line explains.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> round(float(indicators.linreg_r2([1.0, 2.0, 4.0], window=3)[2]), 6)  # 27/28
    0.964286
    """
    return g.linreg_fit(x.close, p.window)[0]


@define(
    "Standard error of the regression line",
    family=_F,
    params=[whole("window", 14, 3)],
    unit=_AS,
    source="Legendre (1805)",
    notes="Divisor window - 2.",
)
def linreg_error(x: Inputs, p: Any) -> Node:
    """Spread around the least-squares line."""
    return g.linreg_fit(x.close, p.window)[1]


@define(
    "Time series forecast",
    family=_F,
    params=[whole("window", 14, 2)],
    unit=_AS,
    source="Legendre (1805)",
    talib=Talib("TSF", _TALIB),
)
def tsf(x: Inputs, p: Any) -> Node:
    """Value of the least-squares line one row after the newest."""
    slope, intercept = g.linreg(x.close, p.window)
    return intercept + slope * float(p.window)


@define(
    "Correlation with a benchmark",
    family=_F,
    inputs="close benchmark",
    params=[whole("window", 60, 2), choice("of", "returns", "levels")],
    unit="-1 to 1",
    source="Pearson (1895)",
    undefined="NaN where one of the two stood still",
    notes="TA-Lib's CORREL is of=levels.",
    talib=Talib("CORREL", _TALIB, {"of": "levels"}),
)
def correlation(x: Inputs, p: Any) -> Node:
    """Pearson correlation of the simple returns, or the levels, of the window.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.correlation([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], window=3, of="levels").tolist()
    [nan, nan, 1.0]
    """
    a, b = (x.close, x.benchmark) if p.of == "levels" else (_returns(x.close), _returns(x.benchmark))
    return g.correlation(a, b, p.window)


def _returns(x: Node) -> Node:
    before = g.lag(x, 1)
    return (x - before) / before


@define(
    "Beta to a benchmark",
    family=_F,
    inputs="close benchmark",
    params=[whole("window", 60, 2)],
    unit="ratio",
    source="Sharpe (1964), Journal of Finance 19(3)",
    undefined="NaN where the benchmark stood still",
    notes="Of simple returns. TA-Lib's BETA takes the benchmark first.",
    talib=Talib("BETA", _TALIB),
)
def beta(x: Inputs, p: Any) -> Node:
    """Covariance of the returns with those of the benchmark, over the variance of the latter.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.beta([1.0, 1.0, 2.0], [1.0, 1.0, 1.5], window=2).tolist()
    [nan, nan, 2.0]
    """
    a, b = _returns(x.close), _returns(x.benchmark)
    return g.covariance(a, b, p.window) / g.variance(b, p.window)


@define(
    "Autocorrelation",
    family=_F,
    params=[whole("window", 60, 2), whole("lag", 1), choice("of", "returns", "levels")],
    unit="-1 to 1",
    source="Yule (1926)",
    undefined="NaN where nothing moved",
)
def autocorrelation(x: Inputs, p: Any) -> Node:
    """Correlation with the values `lag` rows before."""
    a = x.close if p.of == "levels" else _returns(x.close)
    return g.correlation(a, g.lag(a, p.lag), p.window)


@define(
    "Hurst exponent",
    family=_F,
    params=[
        whole("window", 128, 16, 100_000),
        choice("method", "variance", "rs"),
        whole("lags", 20, 2, about="longest lag (method variance)"),
    ],
    unit="0.5 for a random walk",
    source="Hurst (1951), Transactions ASCE 116; Di Matteo (2007), Quantitative Finance 7(1)",
    undefined="NaN where nothing moved",
    notes="variance: slope of the log root mean square difference of log x over log lag, lags 1 to `lags`. rs: "
    "slope of the log mean "
    "rescaled range of log returns over the log size of the piece, the window halved down to 8 (biased upwards "
    "in short windows).",
    needs=("lags < window / 2", lambda p: p["lags"] < p["window"] / 2),
)
def hurst(x: Inputs, p: Any) -> Node:
    """Exponent with which a path spreads in time: below 0.5 it returns, above it runs on.

    Examples
    --------
    >>> import numpy as np
    >>> from tradewright.features import indicators
    >>> line = np.exp(np.arange(20.0))  # log x is straight: differences grow as the lag
    >>> round(float(indicators.hurst(line, window=16, lags=4)[-1]), 9)
    1.0
    """
    price = g.log(x.close)
    if p.method == "variance":
        return g.hurst_variance(price, p.window, p.lags)
    return g.hurst_rs(g.change(price), p.window)


@define(
    "Fractal dimension",
    family=_F,
    params=[whole("window", 30, 3), choice("method", "sevcik", "katz")],
    unit="1 (line) to 2 (plane)",
    source="Sevcik (1998), Complexity International 5; Katz (1988), Computers in Biology and Medicine 18(3)",
    undefined="NaN where nothing moved",
    notes="sevcik: the graph of the window in a unit square. katz: path and reach of the values alone.",
)
def fractal_dimension(x: Inputs, p: Any) -> Node:
    """How much of the plane the path fills.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.fractal_dimension([1.0, 2.0, 3.0, 4.0], window=4, method="katz").tolist()  # a straight way
    [nan, nan, nan, 1.0]
    """
    if p.method == "sevcik":
        return g.fractal_sevcik(x.close, p.window)
    return g.fractal_katz(x.close, p.window)


@define(
    "Drawdown", family=_F, unit="fraction, 0 or negative", source="Classical", notes="From the highest value so far."
)
def drawdown(x: Inputs, p: Any) -> Node:
    """Distance from the highest value so far, as a fraction of it.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.drawdown([1.0, 4.0, 3.0]).tolist()
    [0.0, 0.0, -0.25]
    """
    return x.close / g.highest(x.close) - 1.0


@define("Share of rising rows", family=_F, params=[whole("window", 20)], unit="0 to 1", source="Classical")
def rising_share(x: Inputs, p: Any) -> Node:
    """Share of the last `window` changes that are above 0."""
    return g.mean(g.greater(g.change(x.close), 0.0), p.window)


@define(
    "Efficiency of a random walk (variance ratio)",
    family=_F,
    params=[whole("window", 120, 8), whole("lag", 5, 2)],
    unit="1 for a random walk",
    source="Lo and MacKinlay (1988), Review of Financial Studies 1(1)",
    undefined="NaN where nothing moved",
    needs=("lag < window / 2", lambda p: p["lag"] < p["window"] / 2),
)
def variance_ratio(x: Inputs, p: Any) -> Node:
    """Variance of log returns over `lag` rows, over `lag` times that of one row."""
    price = g.log(x.close)
    return g.variance(g.change(price, p.lag), p.window, 1) / (g.variance(g.change(price), p.window, 1) * float(p.lag))
