"""Indicators beside other libraries: which function computes the same, and where the conventions part.

Entry points: `talib_cases`, `PANDAS_TA`, `columns`, `difference`.

Three verdicts: ``equal`` (to rounding, wherever both have a value), ``meets`` (another first value of a recursion:
equal to rounding from `FROM` rows on), ``differs`` (another definition, with the reason). All of them are tests.
"""

from __future__ import annotations

import csv
import gzip
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from tradewright.features.indicators.registry import compute, indicator, names

F64 = np.ndarray[Any, np.dtype[np.float64]]
FROM: Final = 440
"""Row of 502 from which two recursions with other seeds must have met."""


@dataclass(frozen=True)
class Case:
    """One comparison.

    Parameters
    ----------
    name : str
        Ours.
    params : mapping
        Ours.
    theirs : callable
        Columns (pandas series by name) and the library to their output, a series or a frame.
    places : tuple of int
        Column of their frame for each of our outputs that is compared.
    verdict : str
        ``equal``, ``meets`` or ``differs``.
    why : str
        Where the conventions part.
    scale : float
        Ours times this is theirs.
    """

    name: str
    params: Mapping[str, Any]
    theirs: Callable[[Any, Any], Any]
    places: tuple[int, ...] = (0,)
    verdict: str = "equal"
    why: str = ""
    scale: float = 1.0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name and parameters."""
        return self.name + "".join(f" {key}={value}" for key, value in self.params.items())


def _alone(function: Callable[..., Any], *args: Any, **params: Any) -> Any:
    """Call without the library's own use of TA-Lib, where it has such a switch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*args, talib=False, **params)
        except TypeError:
            return function(*args, **params)


def _close(name: str, **params: Any) -> Callable[[Any, Any], Any]:
    return lambda x, ta: _alone(getattr(ta, name), x.close, **params)


def _on(name: str, inputs: str, **params: Any) -> Callable[[Any, Any], Any]:
    return lambda x, ta: _alone(getattr(ta, name), *(getattr(x, key) for key in inputs.split()), **params)


_HLC = "high low close"
PANDAS_TA: Final = (
    Case("sma", {"window": 10}, _close("sma", length=10)),
    Case("ema", {"window": 10}, _close("ema", length=10)),
    Case("ema", {"window": 10, "seed": "first"}, _close("ema", length=10, sma=False)),
    Case("rma", {"window": 10}, _close("rma", length=10)),
    Case("wma", {"window": 10}, _close("wma", length=10)),
    Case("dema", {"window": 10}, _close("dema", length=10)),
    Case("tema", {"window": 10}, _close("tema", length=10)),
    Case("t3", {"window": 10}, _close("t3", length=10)),
    Case("trima", {"window": 9}, _close("trima", length=9)),
    Case("trima", {"window": 10}, _close("trima", length=10), verdict="differs",
         why="an even window of n is n / 2 and n / 2 + 1 (TA-Lib); theirs is n / 2 + 1 twice"),
    Case("hma", {"window": 10}, _close("hma", length=10)),
    Case("zlema", {"window": 10}, _close("zlma", length=10)),
    Case("kama", {"window": 10}, _close("kama", length=10)),
    Case("vidya", {"window": 14}, _close("vidya", length=14), verdict="meets", why="theirs begins with a mean"),
    Case("mcginley", {"window": 10, "k": 1.0}, _close("mcgd", length=10)),
    Case("alma", {"window": 10, "offset": 0.15}, _close("alma", length=10),
         why="theirs runs the weights from the newest row: their offset 0.85 is our 0.15"),
    Case("alma", {"window": 10}, _close("alma", length=10), verdict="differs", why="see alma offset=0.15"),
    Case("fwma", {"window": 10}, _close("fwma", length=10)),
    Case("pwma", {"window": 10}, _close("pwma", length=10)),
    Case("swma", {"window": 10}, _close("swma", length=10)),
    Case("sinwma", {"window": 14}, _close("sinwma", length=14)),
    Case("super_smoother", {"window": 10}, _close("ssf", length=10, poles=2), verdict="differs",
         why="Ehlers (2013) filters the mean of this row and the one before; theirs this row only"),
    Case("vwma", {"window": 10}, _on("vwma", "close volume", length=10)),
    Case("midpoint", {"window": 10}, _close("midpoint", length=10)),
    Case("midprice", {"window": 10}, _on("midprice", "high low", length=10)),
    Case("heikin_ashi", {}, _on("ha", "open high low close"), (0, 1, 2, 3)),
    Case("ichimoku", {"displacement": 27}, lambda x, ta: ta.ichimoku(x.high, x.low, x.close)[0], (2, 3, 0, 1),
         why="26 rows ahead without the row itself are our displacement of 27"),
    Case("bbands", {"window": 20}, _close("bbands", length=20, std=2, ddof=0), (2, 1, 0)),
    Case("bbands_percent", {"window": 20}, _close("bbands", length=20, std=2, ddof=0), (4,)),
    Case("bbands_width", {"window": 20}, _close("bbands", length=20, std=2, ddof=0), (3,), scale=100.0),
    Case("keltner", {"of": "close", "start": "own"}, _on("kc", _HLC, length=20, scalar=2), (2, 1, 0), verdict="differs",
         why="theirs averages the true range exponentially over the window of the middle line"),
    Case("donchian", {"window": 20}, _on("donchian", "high low", lower_length=20, upper_length=20), (2, 1, 0)),
    Case("accbands", {"window": 20}, _on("accbands", _HLC, length=20), (2, 1, 0)),
    Case("supertrend", {}, _on("supertrend", _HLC, length=10, multiplier=3.0), (0,), verdict="differs",
         why="theirs tightens a band only on its own side and does not ask where the last close was"),
    Case("chande_kroll", {"multiplier": 3.0, "stop_window": 20},
         _on("cksp", _HLC, p=10, x=3, q=20, tvmode=True), (0, 1)),
    Case("chande_kroll", {}, _on("cksp", _HLC, p=10, x=1, q=9, tvmode=False), (0, 1), verdict="differs",
         why="theirs takes a simple mean of true ranges when tvmode is off"),
    Case("psar", {}, lambda x, ta: _first_of(ta.psar(x.high, x.low)), (0,), verdict="meets",
         why="the direction of the first rows"),
    Case("rsi", {}, _close("rsi", length=14)),
    Case("macd", {"start": "own"}, _close("macd"), (0, 2, 1)),
    Case("macd", {}, _close("macd"), (0, 2, 1), verdict="meets",
         why="our default is TA-Lib's start; start=own is theirs"),
    Case("apo", {"average": "sma"}, _close("apo", fast=12, slow=26)),
    Case("ppo", {"average": "sma"}, _close("ppo", fast=12, slow=26)),
    Case("mom", {}, _close("mom", length=10)),
    Case("roc", {}, _close("roc", length=10)),
    Case("simple_return", {}, _close("percent_return", length=1)),
    Case("log_return", {}, _close("log_return", length=1)),
    Case("cmo", {"average": "sum"}, _close("cmo", length=14)),
    Case("cmo", {}, _close("cmo", length=14), verdict="differs",
         why="our default smooths as TA-Lib; average=sum is theirs"),
    Case("stoch", {}, _on("stoch", _HLC, k=14, d=3, smooth_k=3), (0, 1)),
    Case("stochrsi", {"smooth_k": 3}, _close("stochrsi", length=14, rsi_length=14, k=3, d=3), (0, 1)),
    Case("kdj", {}, _on("kdj", _HLC, length=9, signal=3), (0, 1, 2)),
    Case("willr", {}, _on("willr", _HLC, length=14)),
    Case("cci", {}, _on("cci", _HLC, length=20)),
    Case("ultosc", {}, _on("uo", _HLC)),
    Case("trix", {}, _close("trix", length=15)),
    Case("tsi", {}, _close("tsi", fast=13, slow=25)),
    Case("ao", {}, _on("ao", "high low")),
    Case("bop", {}, _on("bop", "open high low close")),
    Case("coppock", {}, _close("coppock", length=10, fast=11, slow=14)),
    Case("kst", {}, _close("kst"), (0, 1), scale=100.0, why="theirs is 100 times larger"),
    Case("dpo", {}, _close("dpo", length=20, centered=False), verdict="differs",
         why="theirs is this close minus an older mean; ours an older close minus this mean (TA-Lib)"),
    Case("er", {}, _close("er", length=10)),
    Case("eri", {}, _on("eri", _HLC, length=13), (0, 1)),
    Case("fisher", {}, _on("fisher", "high low", length=9), (0, 1), verdict="meets",
         why="theirs begins one row earlier with 0"),
    Case("pgo", {}, _on("pgo", _HLC, length=14), verdict="differs",
         why="theirs averages the average true range once more"),
    Case("psl", {}, _close("psl", length=12)),
    Case("bias", {}, _close("bias", length=26)),
    Case("cfo", {}, _close("cfo", length=9), verdict="differs", why="theirs takes the forecast for the next row"),
    Case("cg", {}, _close("cg", length=10)),
    Case("cti", {}, _close("cti", length=12)),
    Case("qqe", {}, _close("qqe"), (1, 0)),
    Case("squeeze", {}, _on("squeeze", _HLC, lazybear=True, use_tr=True), (0, 1)),
    Case("qstick", {}, _on("qstick", "open close", length=10)),
    Case("adx", {}, _on("adx", _HLC, length=14), (0,)),
    Case("plus_di", {}, _on("adx", _HLC, length=14), (1,)),
    Case("minus_di", {}, _on("adx", _HLC, length=14), (2,)),
    Case("aroon", {}, _on("aroon", "high low", length=14), (0, 1)),
    Case("vortex", {}, _on("vortex", _HLC, length=14), (0, 1)),
    Case("choppiness", {}, _on("chop", _HLC, length=14, atr_length=1)),
    Case("vhf", {}, _close("vhf", length=28)),
    Case("true_range", {}, _on("true_range", _HLC)),
    Case("atr", {}, _on("atr", _HLC, length=14)),
    Case("natr", {}, _on("natr", _HLC, length=14)),
    Case("mass_index", {}, _on("massi", "high low")),
    Case("rvi", {}, _close("rvi"), verdict="differs",
         why="theirs smooths exponentially (ema), TA-Lib and ours as Wilder"),
    Case("ulcer", {}, _close("ui", length=14)),
    Case("historical_volatility", {"periods": 252.0}, _close("hvol"), scale=100.0, why="theirs is in percent"),
    Case("obv", {}, _on("obv", "close volume")),
    Case("ad", {}, _on("ad", "high low close volume")),
    Case("adosc", {}, _on("adosc", "high low close volume")),
    Case("cmf", {}, _on("cmf", "high low close volume", length=20)),
    Case("mfi", {}, _on("mfi", "high low close volume", length=14)),
    Case("efi", {}, _on("efi", "close volume", length=13)),
    Case("eom", {}, _on("eom", "high low close volume", length=14)),
    Case("pvt", {}, _on("pvt", "close volume"), scale=100.0, why="theirs counts returns in percent"),
    Case("nvi", {}, _on("nvi", "close volume"), verdict="differs",
         why="theirs adds percentages, ours compounds (TA-Lib)"),
    Case("pvi", {}, _on("pvi", "close volume"), verdict="differs",
         why="theirs adds percentages, ours compounds (TA-Lib)"),
    Case("pvo", {}, _on("pvo", "volume")),
    Case("kvo", {}, _on("kvo", "high low close volume"), (0, 1), verdict="differs",
         why="theirs is volume with the sign of the move, ours Klinger's force"),
    Case("marketfi", {}, _on("marketfi", "high low volume")),
    Case("wad", {}, _on("wad", _HLC)),
    Case("std", {"window": 30, "ddof": 0}, _close("stdev", length=30, ddof=0)),
    Case("var", {"window": 30, "ddof": 1}, _close("variance", length=30, ddof=1)),
    Case("median", {"window": 30}, _close("median", length=30)),
    Case("quantile", {"window": 30, "q": 0.25}, _close("quantile", length=30, q=0.25)),
    Case("zscore", {"window": 30}, _close("zscore", length=30, std=1)),
    Case("mean_deviation", {"window": 30}, _close("mad", length=30)),
    Case("skewness", {"window": 30}, _close("skew", length=30)),
    Case("kurtosis", {"window": 30}, _close("kurtosis", length=30)),
    Case("entropy", {"window": 10}, _close("entropy", length=10)),
    Case("linreg", {}, _close("linreg", length=14)),
    Case("linreg_slope", {}, _close("linreg", length=14, slope=True)),
    Case("linreg_intercept", {}, _close("linreg", length=14, intercept=True)),
    Case("linreg_angle", {}, _close("linreg", length=14, angle=True, degrees=True)),
    Case("linreg_r2", {}, lambda x, ta: _alone(ta.linreg, x.close, length=14, r=True) ** 2),
    Case("tsf", {}, _close("linreg", length=14, tsf=True)),
    Case("correlation", {"window": 30, "of": "levels"}, _on("correl", "close benchmark", length=30)),
    Case("beta", {"window": 30}, _on("beta", "close benchmark", length=30)),
    Case("drawdown", {}, _close("drawdown"), (1,), scale=-1.0, why="theirs is positive"),
    Case("avgprice", {}, _on("ohlc4", "open high low close")),
    Case("medprice", {}, _on("hl2", "high low")),
    Case("typprice", {}, _on("hlc3", _HLC)),
    Case("wclprice", {}, _on("wcp", _HLC)),
    Case("cvi", {}, _on("cvi", "high low")),
    Case("dx", {}, _on("dx", _HLC)),
    Case("adxr", {}, _on("adxr", _HLC)),
)  # fmt: skip


def _first_of(frame: Any) -> Any:
    return frame.iloc[:, 0].fillna(frame.iloc[:, 1])


def talib_cases() -> tuple[tuple[str, dict[str, Any]], ...]:
    """Ours that TA-Lib has too: name, and the parameters that the two agree with."""
    found = [indicator(name) for name in names()]
    return tuple((x.name, dict(x.talib.when)) for x in found if x.talib is not None and x.definition is not None)


def columns(path: Path) -> dict[str, F64]:
    """Prices of a file with a header, and a made-up benchmark that moves with them."""
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    out = {key: np.array([float(row[key]) for row in rows]) for key in ("open", "high", "low", "close", "volume")}
    drift = 0.01 * np.sin(np.arange(len(rows)) / 3.0)
    out["benchmark"] = np.round(np.roll(out["close"], 2) * (1.0 + drift), 4)
    return out


def difference(ours: F64, theirs: F64, first: int = 0) -> float:
    """Largest relative difference where both have a value; near 0 relative to a thousandth of the usual size."""
    both = np.isfinite(ours) & np.isfinite(theirs)
    both[:first] = False
    if not both.any():
        return float("nan")
    size = np.abs(theirs[both])
    return float((np.abs(ours[both] - theirs[both]) / np.maximum(np.maximum(size, 1e-3 * size.mean()), 1e-300)).max())


def against_pandas_ta(case: Case, prices: Mapping[str, F64], frame: Any, library: Any) -> dict[str, Any]:
    """Largest differences of one case, over all rows and from `FROM` on, and both first rows."""
    item = indicator(case.name)
    found = compute(item, **{key: prices[key] for key in item.inputs}, **case.params)
    ours = found if isinstance(found, tuple) else (found,)
    given = case.theirs(frame, library)
    theirs = [given] if getattr(given, "ndim", 1) == 1 else [given.iloc[:, k] for k in case.places]
    n = len(frame)
    out: dict[str, Any] = {"all": 0.0, "late": 0.0, "first": [], "their_first": []}
    for a, b in zip(ours, theirs, strict=False):
        values = np.asarray(b, dtype=np.float64)[:n]
        out["all"] = max(out["all"], difference(a * case.scale, values))
        out["late"] = max(out["late"], difference(a * case.scale, values, FROM))
        out["first"].append(int(np.isfinite(a).argmax()))
        out["their_first"].append(int(np.isfinite(values).argmax()))
    return out


def against_talib(name: str, params: Mapping[str, Any], prices: Mapping[str, F64]) -> dict[str, Any]:
    """Largest difference of one of ours to TA-Lib, and both first rows."""
    item = indicator(name)
    given = {key: prices[key] for key in item.inputs}
    pair = []
    for engine in (None, "talib"):
        found = compute(item, **given, engine=engine, **params)
        pair.append(found if isinstance(found, tuple) else (found,))
    out: dict[str, Any] = {"all": 0.0, "first": [], "their_first": []}
    for a, b in zip(*pair, strict=True):
        if not np.isfinite(b).any():
            continue  # an output that TA-Lib does not have
        out["all"] = max(out["all"], difference(a, b))
        out["first"].append(int(np.isfinite(a).argmax()))
        out["their_first"].append(int(np.isfinite(b).argmax()))
    return out
