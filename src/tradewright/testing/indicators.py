"""The exam of indicators.

Entry point: `check_indicator`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["check_indicator"]


def check_indicator(function: Callable[..., Any], *args: Any, warm_up: int, inputs: int = 1, n: int = 200) -> None:
    """Examine a function of one or more series: form, determinism, warm-up, and that it never looks ahead.

    Parameters
    ----------
    function : callable
        ``f(x, ..., *args)`` of float64 arrays ``(n,)`` that returns one of the same length.
    *args
        Its further arguments.
    warm_up : int
        Bars to the first value, that bar included: rows before ``warm_up - 1`` must be NaN, that row must not.
    inputs : int
        Number of series it takes.
    n : int
        Length of the series.

    Raises
    ------
    AssertionError
        With the fact that does not hold.

    Examples
    --------
    >>> from tradewright.kernel import core
    >>> check_indicator(core.sma, 5, warm_up=5)
    """
    name = getattr(function, "__name__", repr(function))
    rng = np.random.default_rng(5)
    series = [np.exp(np.cumsum(rng.normal(0.0, 0.02, n))) * 100.0 for _ in range(inputs)]
    whole = np.asarray(function(*series, *args))
    assert whole.shape == (n,), f"{name} answers with shape {whole.shape} for {n} values."
    assert whole.dtype == np.float64, f"{name} answers with {whole.dtype}, not float64."
    again = np.asarray(function(*series, *args))
    assert np.array_equal(whole, again, equal_nan=True), f"{name} answers differently when asked twice."
    assert np.isnan(whole[: warm_up - 1]).all(), f"{name} has a value before its warm-up of {warm_up} is over."
    assert np.isfinite(whole[warm_up - 1 :]).all(), f"{name} has no value at a row after its warm-up of {warm_up}."
    for cut in (warm_up, n // 2, n - 1):
        part = np.asarray(function(*(item[:cut].copy() for item in series), *args))
        assert np.array_equal(part, whole[:cut], equal_nan=True), f"{name} looks ahead: row {cut - 1} needs later rows."
