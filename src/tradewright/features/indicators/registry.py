"""All indicators by name, and what computes them.

Entry points: `indicator`, `names`, `compute`, `families`.

Invariants: a name means the same for the command line, for Python, for strategies and for streams; the result does not
depend on what is installed: TA-Lib computes only what no definition of ours does, or what it is asked to by name.
"""

from __future__ import annotations

import importlib
from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError, closest
from tradewright.features.indicators.frames import columns_of
from tradewright.features.indicators.spec import FAMILIES, OWN, REGISTRY, Indicator

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["compute", "families", "indicator", "names", "outputs_type", "without_empty_rows"]

_MODULES: Final = ("average", "band", "momentum", "trend", "volatility", "volume", "statistic", "price", "talib")


def _loaded() -> dict[str, Indicator]:
    """Everything that is defined: ours, what packages announce, and what the user has defined by now."""
    _load()
    return REGISTRY


@lru_cache(maxsize=1)
def _load() -> None:
    for module in _MODULES:
        importlib.import_module(f"tradewright.features.indicators.{module}")
    from importlib.metadata import entry_points

    for entry in entry_points(group="tradewright.indicators"):
        entry.load()


def names(family: str | None = None) -> tuple[str, ...]:
    """Names of all indicators, or of one family, in the order of the alphabet.

    Raises
    ------
    InputError
        If there is no such family.

    Examples
    --------
    >>> len(names()) > 200, names("price")[:2]
    (True, ('avgprice', 'body'))
    """
    if family is not None and family not in FAMILIES:
        raise InputError(
            f"There is no family {family!r}{closest(family, FAMILIES) or '.'} Families: {', '.join(FAMILIES)}."
        )
    return tuple(name for name, item in sorted(_loaded().items()) if family is None or item.family == family)


def families() -> dict[str, tuple[str, ...]]:
    """Names by family, in the order of the documentation."""
    return {family: names(family) for family in FAMILIES}


def indicator(name: str) -> Indicator:
    """Return the indicator of a name.

    Raises
    ------
    InputError
        If there is none; the message names the nearest.

    Examples
    --------
    >>> indicator("rsi").outputs
    ('rsi',)
    >>> indicator("rsy")
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: There is no indicator 'rsy', did you mean 'rsi'...
    """
    found = _loaded().get(name) or _loaded().get(str(name).lower())
    if found is None:
        known = [*_loaded(), *_OTHER]
        if str(name).lower() in _OTHER:
            other = _OTHER[str(name).lower()]
            raise InputError(
                f"There is no indicator {name!r}, did you mean {other!r}? 'tradewright indicators list' names all."
            )
        hint = closest(str(name).lower(), [n for n in known if n in _loaded()]) or "."
        raise InputError(f"There is no indicator {name!r}{hint} 'tradewright indicators list' names all.")
    return found


_OTHER: Final = {
    "stddev": "std",
    "rolling_std": "std",
    "bollinger": "bbands",
    "bb": "bbands",
    "kc": "keltner",
    "sar": "psar",
    "parabolic_sar": "psar",
    "chop": "choppiness",
    "percentrank": "rank",
    "percentile": "quantile",
    "rocp": "simple_return",
    "pct_change": "simple_return",
    "trange": "true_range",
    "tr": "true_range",
    "variance": "var",
    "smma": "rma",
    "lsma": "linreg",
    "linearreg": "linreg",
    "linearreg_slope": "linreg_slope",
    "slope": "linreg_slope",
    "correl": "correlation",
    "corr": "correlation",
    "highest": "max",
    "lowest": "min",
    "cv": "historical_volatility",
    "volatility": "historical_volatility",
    "wae": "waddah_attar",
    "qqemod": "qqe",
    "uo": "ultosc",
    "ui": "ulcer",
    "dm": "plus_dm",
    "di": "plus_di",
    "massi": "mass_index",
    "ssf": "super_smoother",
    "lrsi": "laguerre_rsi",
    "crsi": "connors_rsi",
    "avgdev": "mean_deviation",
    "mad": "mean_deviation",
    "skew": "skewness",
    "kurt": "kurtosis",
    "fractal": "fractals",
    "ha": "heikin_ashi",
    "cksp": "chande_kroll",
    "ce": "chandelier",
    "anchored_vwap": "vwap_anchored",
    "session_vwap": "vwap_session",
    "rolling_vwap": "vwap_rolling",
    "garmanklass": "garman_klass",
    "percent_b": "bbands_percent",
    "hvol": "historical_volatility",
    "williams_r": "willr",
    "stochastic": "stoch",
    "fdi": "fractal_dimension",
    "z": "zscore",
}


@lru_cache(maxsize=512)
def outputs_type(name: str) -> Any:
    """Named tuple of the outputs of an indicator."""
    return namedtuple("_".join(w.capitalize() for w in name.split("_")), indicator(name).outputs)


def compute(
    name: str | Indicator,
    *columns: Any,
    field: str | None = None,
    engine: str | None = None,
    missing: str | None = None,
    **params: Any,
) -> Any:
    """Compute an indicator on whole columns.

    Parameters
    ----------
    name : str or Indicator
    *columns : Bars, mapping, frame, series, array or list
        One source with named prices, or the inputs in their order. Arrays are ``(n_bars,)`` or ``(n_bars, n_assets)``;
        every column of the latter is computed by itself.
    field : str, optional
        What an indicator of one column reads from a source, by default the close.
    engine : {"tradewright", "talib"}, optional
        By default ours where there is one. ``"talib"`` asks TA-Lib to compute what it has.
    missing : {"window", "skip"}, optional
        What a row without any value of its own inputs is. ``"window"``: a missing value, which windows hold for as long
        as it is in them (the default of arrays and frames). ``"skip"``: no row at all, as in the history of that asset
        alone (the default of bars, where assets of several calendars share rows); it is NaN in the outcome.
    **params
        Parameters of the indicator, and inputs by name (``benchmark=...``).

    Returns
    -------
    array, series or frame
        Of the kind that was given, float64; a named tuple of these where there are several outputs. Row ``t`` is known
        at the close of row ``t``; rows before the warm-up are NaN.

    Raises
    ------
    InputError
        If the name, a parameter or an input is unknown, out of range, missing or of another shape.
    ConfigError
        If TA-Lib is needed and not installed.

    Examples
    --------
    >>> compute("sma", [1.0, 2.0, 4.0], window=2).tolist()
    [nan, 1.5, 3.0]
    >>> compute("sma", [1.0], window=0)
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: window of sma is 0; it must be a whole number from 1 to 1,000,000.
    """
    item = name if isinstance(name, Indicator) else indicator(name)
    own = {p.name for p in item.params}
    named = {key: params.pop(key) for key in list(params) if key in item.inputs and key not in own}
    values = item.checked(params)
    if engine not in {None, "tradewright", "talib"}:
        raise InputError(
            f"engine is {engine!r}; it must be tradewright or talib{closest(str(engine), ['tradewright', 'talib'])}."
        )
    if engine == "tradewright" and item.definition is None:
        raise InputError(f"{item.name} is computed by TA-Lib only; leave engine out.")
    if missing not in {None, "window", "skip"}:
        raise InputError(
            f"missing is {missing!r}; it must be window or skip{closest(str(missing), ['window', 'skip'])}."
        )
    arrays, kind = columns_of(item, columns, named, field=field)
    is_bars = len(columns) == 1 and isinstance(columns[0], Bars)
    found = _found(item, arrays, values, engine, skips=missing == "skip" or (missing is None and is_bars))
    wrapped = [kind.wrap(value, label) for value, label in zip(found, item.outputs, strict=True)]
    return wrapped[0] if len(wrapped) == 1 else outputs_type(item.name)(*wrapped)


def _found(
    item: Indicator, arrays: Sequence[F64], values: dict[str, Any], engine: str | None, *, skips: bool
) -> list[F64]:
    if item.definition is None or engine == "talib":
        from tradewright.features.indicators.talib import run as run_talib

        def run(part: list[F64]) -> list[F64]:
            return run_talib(item, part, values)

    else:
        run = item.build(values).program.run
    own = [k for k, name in enumerate(item.inputs) if name in OWN]
    if skips and own:
        run = partial(without_empty_rows, run, own)
    if arrays[0].ndim == 1:
        return list(run(list(arrays)))
    shape = arrays[0].shape
    out = [np.full(shape, np.nan) for _ in item.outputs]
    for j in range(shape[1]):
        for k, column in enumerate(run([np.ascontiguousarray(a[:, j]) for a in arrays])):
            out[k][:, j] = column
    return out


def without_empty_rows(run: Callable[[list[F64]], list[F64]], own: Sequence[int], part: list[F64]) -> list[F64]:
    """Outcome of the rows that have a value in one of the columns `own`, NaN in the others."""
    there = np.isfinite(part[own[0]])
    for k in own[1:]:
        there |= np.isfinite(part[k])
    if there.all():
        return run(part)
    out = []
    for column in run([values[there] for values in part]):
        whole = np.full(there.size, np.nan)
        whole[there] = column
        out.append(whole)
    return out
