"""Price and volume together.

Entry points: the definitions below, registered by name; `money_flow` for other families.

Invariants: where volume is not known (NaN) there is no value. Running totals begin with the first row and so depend on
where the data begin: their changes mean something, their level does not.
"""

from __future__ import annotations

from typing import Any, Final

from tradewright.features.indicators import graph as g
from tradewright.features.indicators.average import exponential
from tradewright.features.indicators.graph import Inputs, Node
from tradewright.features.indicators.spec import Talib, choice, define, whole

_F: Final = "volume"
_SEED: Final = choice("seed", "sma", "first")


def money_flow(x: Inputs, window: int) -> Node:
    """Money flow index, 0 to 100; 50 where the typical price stood still."""
    step = g.change(x.typical)
    flow = x.typical * x.volume
    zero = g.fill(step + flow, 0.0)
    rounding = x.typical * 1e-12  # equal means of other prices differ in their last digit
    up = g.total(g.where(g.greater(step, rounding), flow, zero), window)
    down = g.total(g.where(g.greater(-step, rounding), flow, zero), window)
    return g.quotient(up * 100.0, up + down, zero=50.0)


@define(
    "On balance volume",
    family=_F,
    inputs="close volume",
    unit="volume",
    source="Granville (1963), Granville's New Key to Stock Market Profits",
    notes="Begins with the volume of the first row, as TA-Lib.",
    talib=Talib("OBV"),
)
def obv(x: Inputs, p: Any) -> Node:
    """Running total of volume with the sign of the change of the close.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.obv([1.0, 2.0, 1.5], [10.0, 5.0, 2.0]).tolist()
    [10.0, 15.0, 13.0]
    """
    step = g.sign(x.close - g.previous(x.close))
    return g.cumulate(g.either(step, g.fill(x.close, 1.0)) * x.volume)


def _money_multiplier(x: Inputs) -> Node:
    return g.quotient((x.close - x.low) - (x.high - x.close), x.high - x.low, zero=0.0)


@define(
    "Accumulation and distribution",
    family=_F,
    inputs="high low close volume",
    unit="volume",
    source="Chaikin (1966)",
    undefined="adds 0 where high equals low",
    talib=Talib("AD"),
)
def ad(x: Inputs, p: Any) -> Node:
    """Running total of volume times the place of the close in its range, -1 to 1."""
    return g.cumulate(_money_multiplier(x) * x.volume)


@define(
    "Chaikin oscillator",
    family=_F,
    inputs="high low close volume",
    params=[whole("fast", 3), whole("slow", 10), choice("seed", "first", "sma")],
    unit="volume",
    source="Chaikin (1966)",
    needs=("fast < slow", lambda p: p["fast"] < p["slow"]),
    notes="TA-Lib seeds both averages with the first value and shows rows from `slow` on; so does seed=first here.",
    talib=Talib("ADOSC", {"fastperiod": "fast", "slowperiod": "slow"}, {"seed": "first"}),
)
def adosc(x: Inputs, p: Any) -> Node:
    """Fast minus slow exponential average of accumulation and distribution."""
    line = g.cumulate(_money_multiplier(x) * x.volume)
    gap = exponential(line, p.fast, p.seed) - exponential(line, p.slow, p.seed)
    return g.skip(gap, p.slow - 1) if p.seed == "first" else gap


@define(
    "Chaikin money flow",
    family=_F,
    inputs="high low close volume",
    params=[whole("window", 20)],
    unit="-1 to 1",
    source="Chaikin (c. 1985)",
    undefined="NaN where no volume was traded in the window",
    talib=Talib("CMF", {"timeperiod": "window"}),
)
def cmf(x: Inputs, p: Any) -> Node:
    """Volume times the place of the close in its range, over volume."""
    return g.total(_money_multiplier(x) * x.volume, p.window) / g.total(x.volume, p.window)


@define(
    "Money flow index",
    family=_F,
    inputs="high low close volume",
    params=[whole("window", 14)],
    unit="0 to 100",
    source="Quong and Soudack (1989), Stocks & Commodities 7(3)",
    undefined="50 where the typical price stood still (TA-Lib: 0)",
    notes="A change of the typical price of less than 1e-12 of it is rounding, and no change, as in TA-Lib.",
    talib=Talib("MFI", {"timeperiod": "window"}),
)
def mfi(x: Inputs, p: Any) -> Node:
    """Money traded on rising rows over money traded on rows that moved."""
    return money_flow(x, p.window)


@define(
    "Elder's force index",
    family=_F,
    inputs="close volume",
    params=[whole("window", 13), _SEED],
    unit="price times volume",
    source="Elder (1993), Trading for a Living",
    talib=Talib("EFI", {"timeperiod": "window"}, {"seed": "sma"}),
)
def efi(x: Inputs, p: Any) -> Node:
    """Exponential average of the change of the close times volume."""
    return exponential((x.close - g.previous(x.close)) * x.volume, p.window, p.seed)


@define(
    "Ease of movement",
    family=_F,
    inputs="high low volume",
    params=[whole("window", 14)],
    unit="price squared per 100 million of volume",
    source="Arms (1996), The Arms Index",
    undefined="NaN where no volume was traded",
)
def eom(x: Inputs, p: Any) -> Node:
    """Mean of the move of the middle of the bar times its range, per volume, times 1e8."""
    return g.mean((x.middle - g.previous(x.middle)) * (x.high - x.low) * 1e8 / x.volume, p.window)


def _volume_index(x: Inputs, *, rising: bool) -> Node:
    volume = x.volume - g.previous(x.volume)
    counts = g.greater(volume if rising else -volume, 0.0)
    growth = x.close / g.previous(x.close)
    return g.product(g.either(g.where(counts, growth, 1.0), g.fill(x.close + x.volume, 1.0)), 1000.0)


@define(
    "Negative volume index",
    family=_F,
    inputs="close volume",
    unit="1000 at the first row",
    source="Fosback (1976), Stock Market Logic",
    talib=Talib("NVI"),
)
def nvi(x: Inputs, p: Any) -> Node:
    """Returns of the rows on which volume fell, compounded."""
    return _volume_index(x, rising=False)


@define(
    "Positive volume index",
    family=_F,
    inputs="close volume",
    unit="1000 at the first row",
    source="Fosback (1976), Stock Market Logic",
    talib=Talib("PVI"),
)
def pvi(x: Inputs, p: Any) -> Node:
    """Returns of the rows on which volume rose, compounded."""
    return _volume_index(x, rising=True)


@define(
    "Price volume trend", family=_F, inputs="close volume", unit="volume", source="Markstein (1966)", talib=Talib("PVT")
)
def pvt(x: Inputs, p: Any) -> Node:
    """Running total of volume times the return; 0 at the first row."""
    before = g.previous(x.close)
    return g.cumulate(g.either((x.close - before) / before * x.volume, g.fill(x.close + x.volume, 0.0)))


@define(
    "Percentage volume oscillator",
    family=_F,
    inputs="volume",
    params=[whole("fast", 12), whole("slow", 26)],
    unit="percent",
    source="Classical",
    needs=("fast < slow", lambda p: p["fast"] < p["slow"]),
    undefined="NaN where the slow average is 0",
    talib=Talib("PVO", {"fastperiod": "fast", "slowperiod": "slow", "matype": 1.0}),
)
def pvo(x: Inputs, p: Any) -> Node:
    """Fast minus slow exponential average of volume, in percent of the slow one."""
    slow = exponential(x.volume, p.slow)
    return (exponential(x.volume, p.fast) - slow) * 100.0 / slow


@define(
    "Relative volume",
    family=_F,
    inputs="volume",
    params=[whole("window", 20)],
    unit="ratio",
    source="Classical",
    undefined="NaN where no volume was traded before",
    notes="The row itself is not in the mean.",
    talib=Talib("RVOL", {"timeperiod": "window"}),
)
def rvol(x: Inputs, p: Any) -> Node:
    """Volume over the mean of the `window` rows before."""
    return x.volume / g.lag(g.mean(x.volume, p.window), 1)


@define(
    "Klinger volume oscillator",
    family=_F,
    inputs="high low close volume",
    params=[whole("fast", 34), whole("slow", 55), whole("signal", 13), _SEED],
    outputs="kvo signal",
    unit="volume times 100",
    source="Klinger (1997), Stocks & Commodities 15(12)",
    undefined="force 0 where there is no range",
    needs=("fast < slow", lambda p: p["fast"] < p["slow"]),
    notes="Klinger's own volume force with its cumulative range; pandas-ta-classic takes volume with the sign of "
    "the move alone.",
)
def kvo(x: Inputs, p: Any) -> tuple[Node, ...]:
    """Fast minus slow exponential average of the volume force, and its own average."""
    force = g.klinger_force(x.high + x.low + x.close, x.high - x.low, x.volume)
    line = exponential(force, p.fast, p.seed) - exponential(force, p.slow, p.seed)
    signal = exponential(line, p.signal, p.seed)
    return g.known(line, signal), signal


@define(
    "Market facilitation index",
    family=_F,
    inputs="high low volume",
    unit="price per volume",
    source="Williams (1995), Trading Chaos",
    undefined="NaN where no volume was traded",
    talib=Talib("MARKETFI"),
)
def marketfi(x: Inputs, p: Any) -> Node:
    """Range per unit of volume."""
    return (x.high - x.low) / x.volume


@define(
    "Williams' accumulation and distribution",
    family=_F,
    inputs="high low close",
    unit="price",
    source="Williams (1972)",
    talib=Talib("WAD"),
    notes="0 at the first row.",
)
def wad(x: Inputs, p: Any) -> Node:
    """Running total of the reach from the true low or to the true high."""
    before = g.previous(x.close)
    step = x.close - before
    gain, loss = x.close - g.smaller(x.low, before), x.close - g.larger(x.high, before)
    move = g.where(g.greater(step, 0.0), gain, g.where(g.greater(-step, 0.0), loss, 0.0))
    return g.cumulate(g.either(move, g.fill(x.close + x.high + x.low, 0.0)))


@define(
    "Volume zone oscillator",
    family=_F,
    inputs="close volume",
    params=[whole("window", 14), _SEED],
    unit="-100 to 100",
    source="Khalil and Steckler (2011), Stocks & Commodities 29(6)",
    undefined="0 where no volume was traded",
)
def vzo(x: Inputs, p: Any) -> Node:
    """Exponential average of signed volume over that of volume."""
    signed = g.sign(x.close - g.previous(x.close)) * x.volume
    return g.quotient(
        exponential(signed, p.window, p.seed) * 100.0,
        exponential(g.known(x.volume, signed), p.window, p.seed),
        zero=0.0,
    )


@define(
    "Money traded",
    family=_F,
    inputs="close volume",
    params=[whole("window", 20)],
    unit="currency a row",
    source="Classical",
)
def money_traded(x: Inputs, p: Any) -> Node:
    """Mean of close times volume."""
    return g.mean(x.close * x.volume, p.window)


@define(
    "Amihud illiquidity",
    family=_F,
    inputs="close volume",
    params=[whole("window", 20)],
    unit="return per million of currency traded",
    source="Amihud (2002), Journal of Financial Markets 5(1)",
    undefined="NaN where nothing was traded",
)
def amihud(x: Inputs, p: Any) -> Node:
    """Mean of the absolute return over money traded, times 1e6.

    Examples
    --------
    >>> from tradewright.features import indicators
    >>> indicators.amihud([1.0, 2.0], [5.0, 5e5], window=1).tolist()  # a return of 1 on a million
    [nan, 1.0]
    """
    move = g.absolute(x.close / g.lag(x.close, 1) - 1.0)
    return g.mean(move / (x.close * x.volume), p.window) * 1e6
