"""What TA-Lib computes: the only file that imports it, inside the functions that need it.

Entry points: `run` (any indicator that names a TA-Lib function), `lookback`, `PATTERNS`; the entries of cycles and
candlestick patterns are registered here, because no definition of ours computes them.

Invariants: rows with a missing input are taken out before TA-Lib sees the columns and are NaN afterwards, so that one
hole does not spoil what follows; TA-Lib's own first rows stay NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import ConfigError, InputError
from tradewright.features.indicators.spec import REGISTRY, Indicator, Param, Talib, real

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["PATTERNS", "lookback", "run"]


def _library(name: str) -> Any:
    try:
        import talib
    except ImportError:
        raise ConfigError(
            f"{name} is computed by TA-Lib, which is not installed: pip install 'tradewright[ta]'. "
            "Without it there are the indicators that `tradewright indicators list --engine tradewright` names."
        ) from None
    return talib


def _arguments(indicator: Indicator, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    spec = indicator.talib
    if spec is None:
        raise InputError(f"TA-Lib does not compute {indicator.name}; leave engine='talib' out.")
    wrong = {key: value for key, value in spec.when.items() if values.get(key) != value}
    if wrong:
        need = ", ".join(f"{key}={value!r}" for key, value in wrong.items())
        raise InputError(f"TA-Lib computes {indicator.name} only with {need}; set that, or leave engine='talib' out.")
    given = {theirs: values[ours] if isinstance(ours, str) else ours for theirs, ours in spec.params.items()}
    return spec.name, {
        key: int(v) if isinstance(v, float) and key.endswith("matype") else v for key, v in given.items()
    }


def run(indicator: Indicator, columns: Sequence[F64], values: Mapping[str, Any]) -> list[F64]:
    """Outputs of whole columns, 1-D, in our order.

    Parameters
    ----------
    indicator : Indicator
    columns : sequence of array, shape (n_bars,)
        In the order of `indicator.inputs`.
    values : mapping
        Checked parameters.

    Returns
    -------
    list of array, shape (n_bars,)

    Raises
    ------
    ConfigError
        If TA-Lib is not installed.
    InputError
        If TA-Lib does not compute the indicator with these parameters.
    """
    name, arguments = _arguments(indicator, values)
    function = getattr(_library(indicator.name), name)
    table = np.stack([np.asarray(column, dtype=np.float64) for column in columns])
    whole = np.isfinite(table).all(axis=0)
    out = [np.full(table.shape[1], np.nan) for _ in indicator.outputs]
    if not whole.any():
        return out
    given = [np.ascontiguousarray(row[whole]) for row in table]
    if name == "BETA":
        given.reverse()
    found = function(*given, **arguments)
    parts = found if isinstance(found, tuple) else (found,)
    order = (indicator.talib.order if indicator.talib else ()) or range(len(parts))
    head = _first(name, arguments)
    for k, column in zip(order, out, strict=False):
        part = np.asarray(parts[k], dtype=np.float64)
        if np.asarray(parts[k]).dtype.kind == "i":  # whole numbers cannot say NaN
            part[:head] = np.nan
        column[whole] = part
    return out


def _first(name: str, arguments: Mapping[str, Any]) -> int:
    import importlib

    function = importlib.import_module("talib.abstract").Function(name)
    function.set_parameters(dict(arguments))
    return int(function.lookback)


def lookback(indicator: Indicator, values: Mapping[str, Any]) -> int:
    """Rows before TA-Lib's first value."""
    _library(indicator.name)
    name, arguments = _arguments(indicator, values)
    return _first(name, arguments)


def _register(name: str, title: str, family: str, function: str, **facts: Any) -> None:
    params: tuple[Param, ...] = facts.pop("params", ())
    names: dict[str, str] = facts.pop("names", {})
    outputs: tuple[str, ...] = facts.pop("outputs", (name,))
    inputs: tuple[str, ...] = facts.pop("inputs", ("close",))
    REGISTRY[name] = Indicator(
        name=name, title=title, family=family, inputs=inputs, params=params, outputs=outputs,
        talib=Talib(function, names), about=f"{title}, computed by TA-Lib ({function}).", **facts,
    )  # fmt: skip


_EHLERS: Final = "Ehlers (2001), Rocket Science for Traders"
_register(
    "ht_trendline",
    "Hilbert transform: instantaneous trend line",
    "cycle",
    "HT_TRENDLINE",
    unit="as the input",
    source=_EHLERS,
)
_register("ht_period", "Hilbert transform: dominant cycle period", "cycle", "HT_DCPERIOD", unit="rows", source=_EHLERS)
_register(
    "ht_phase", "Hilbert transform: phase of the dominant cycle", "cycle", "HT_DCPHASE", unit="degrees", source=_EHLERS
)
_register(
    "ht_phasor",
    "Hilbert transform: phasor",
    "cycle",
    "HT_PHASOR",
    outputs=("in_phase", "quadrature"),
    unit="as the input",
    source=_EHLERS,
)
_register(
    "ht_sine",
    "Hilbert transform: sine wave",
    "cycle",
    "HT_SINE",
    outputs=("sine", "lead"),
    unit="-1 to 1",
    source=_EHLERS,
)
_register(
    "ht_trendmode",
    "Hilbert transform: trend or cycle",
    "cycle",
    "HT_TRENDMODE",
    unit="1 in a trend, 0 in a cycle",
    source=_EHLERS,
)
_register(
    "mama",
    "MESA adaptive moving average",
    "average",
    "MAMA",
    outputs=("mama", "fama"),
    unit="as the input",
    source="Ehlers (2001), Stocks & Commodities 19(9)",
    params=(
        real("fast", 0.5, 0.01, 0.99, "largest alpha", open_low=False),
        real("slow", 0.05, 0.01, 0.99, "smallest alpha", open_low=False),
    ),
    names={"fastlimit": "fast", "slowlimit": "slow"},
)

PATTERNS: Final[Mapping[str, str]] = {
    "2CROWS": "Two crows", "3BLACKCROWS": "Three black crows", "3INSIDE": "Three inside up or down",
    "3LINESTRIKE": "Three-line strike", "3OUTSIDE": "Three outside up or down",
    "3STARSINSOUTH": "Three stars in the south", "3WHITESOLDIERS": "Three advancing white soldiers",
    "ABANDONEDBABY": "Abandoned baby", "ADVANCEBLOCK": "Advance block", "BELTHOLD": "Belt hold",
    "BREAKAWAY": "Breakaway",
    "CLOSINGMARUBOZU": "Closing marubozu", "CONCEALBABYSWALL": "Concealing baby swallow",
    "COUNTERATTACK": "Counterattack", "DARKCLOUDCOVER": "Dark cloud cover", "DOJI": "Doji", "DOJISTAR": "Doji star",
    "DRAGONFLYDOJI": "Dragonfly doji", "ENGULFING": "Engulfing", "EVENINGDOJISTAR": "Evening doji star",
    "EVENINGSTAR": "Evening star", "GAPSIDESIDEWHITE": "Side-by-side white lines after a gap",
    "GRAVESTONEDOJI": "Gravestone doji", "HAMMER": "Hammer", "HANGINGMAN": "Hanging man", "HARAMI": "Harami",
    "HARAMICROSS": "Harami cross", "HIGHWAVE": "High wave", "HIKKAKE": "Hikkake", "HIKKAKEMOD": "Modified hikkake",
    "HOMINGPIGEON": "Homing pigeon", "IDENTICAL3CROWS": "Identical three crows", "INNECK": "In neck",
    "INVERTEDHAMMER": "Inverted hammer", "KICKING": "Kicking", "KICKINGBYLENGTH": "Kicking, the longer one decides",
    "LADDERBOTTOM": "Ladder bottom", "LONGLEGGEDDOJI": "Long-legged doji", "LONGLINE": "Long line",
    "MARUBOZU": "Marubozu", "MATCHINGLOW": "Matching low", "MATHOLD": "Mat hold",
    "MORNINGDOJISTAR": "Morning doji star", "MORNINGSTAR": "Morning star", "ONNECK": "On neck",
    "PIERCING": "Piercing line",
    "RICKSHAWMAN": "Rickshaw man", "RISEFALL3METHODS": "Rising and falling three methods",
    "SEPARATINGLINES": "Separating lines", "SHOOTINGSTAR": "Shooting star", "SHORTLINE": "Short line",
    "SPINNINGTOP": "Spinning top", "STALLEDPATTERN": "Stalled pattern", "STICKSANDWICH": "Stick sandwich",
    "TAKURI": "Takuri", "TASUKIGAP": "Tasuki gap", "THRUSTING": "Thrusting", "TRISTAR": "Tristar",
    "UNIQUE3RIVER": "Unique three river", "UPSIDEGAP2CROWS": "Upside gap two crows",
    "XSIDEGAP3METHODS": "Upside or downside gap three methods",
}  # fmt: skip
_WITH_PENETRATION: Final = {
    "ABANDONEDBABY": 0.3, "DARKCLOUDCOVER": 0.5, "EVENINGDOJISTAR": 0.3, "EVENINGSTAR": 0.3, "MATHOLD": 0.5,
    "MORNINGDOJISTAR": 0.3, "MORNINGSTAR": 0.3,
}  # fmt: skip
for _name, _title in PATTERNS.items():
    _depth = _WITH_PENETRATION.get(_name)
    _register(
        f"cdl_{_name.lower()}", _title, "candle", f"CDL{_name}", inputs=("open", "high", "low", "close"),
        unit="-200 to 200, 0: none", source="Nison (1991), Japanese Candlestick Charting Techniques; TA-Lib's settings",
        params=() if _depth is None else (real("penetration", _depth, 0.0, 1.0, "share of the body", open_low=False),),
        names={} if _depth is None else {"penetration": "penetration"},
    )  # fmt: skip
