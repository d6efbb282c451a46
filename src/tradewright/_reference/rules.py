"""Built-in signal rules: the state that a rule wants at each close, or only its changes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from tradewright._reference import kernels
from tradewright._reference.market import Market
from tradewright._reference.numbers import F64, HOLD, I8
from tradewright._reference.spec import close_matches

RULES: dict[str, tuple[str, ...]] = {
    "sma_cross": ("fast", "slow"),
    "ema_cross": ("fast", "slow"),
    "donchian": ("entry", "exit"),
    "bollinger": ("window", "width"),
    "rsi": ("window", "low", "high"),
}
Step = Callable[[int, int], int]  # (bar, state before) -> state


def _count(name: str, value: float) -> int:
    """A window of whole bars."""
    if value != int(value) or value < 1:
        raise ValueError(f"{name} is {value}; it must be a whole number of bars, 1 or more.")
    return int(value)


def _states(inputs: list[F64], step: Step) -> list[int]:
    """Fold `step` over the bars at which every input is finite, starting flat; HOLD elsewhere."""
    state, out = 0, []
    for t in range(len(inputs[0])):
        if all(math.isfinite(x[t]) for x in inputs):
            state = step(t, state)
            out.append(state)
        else:
            out.append(HOLD)
    return out


def _cross(fast: F64, slow: F64, long_only: bool) -> list[int]:
    """Long while the fast line is above the slow one."""
    below = 0 if long_only else -1
    return _states([fast, slow], lambda t, _: 1 if fast[t] > slow[t] else below)


def _sma_cross(market: Market, asset: int, params: list[float], long_only: bool) -> list[int]:
    close = market.close[:, asset]
    return _cross(
        kernels.sma(close, _count("fast", params[0])), kernels.sma(close, _count("slow", params[1])), long_only
    )


def _ema_cross(market: Market, asset: int, params: list[float], long_only: bool) -> list[int]:
    close = market.close[:, asset]
    return _cross(kernels.ema(close, params[0]), kernels.ema(close, params[1]), long_only)


def _before(x: F64) -> F64:
    """The series one bar later: what was known before the bar."""
    out: F64 = np.full(len(x), np.nan)
    out[1:] = x[:-1]
    return out


def _donchian(market: Market, asset: int, params: list[float], long_only: bool) -> list[int]:
    entry, leave = _count("entry", params[0]), _count("exit", params[1])
    close, high, low = market.close[:, asset], market.high[:, asset], market.low[:, asset]
    top, bottom = _before(kernels.rolling_max(high, entry)), _before(kernels.rolling_min(low, entry))
    ceiling, floor = _before(kernels.rolling_max(high, leave)), _before(kernels.rolling_min(low, leave))

    def step(t: int, state: int) -> int:
        if close[t] > top[t]:
            return 1
        if not long_only and close[t] < bottom[t]:
            return -1
        if (state > 0 and close[t] < floor[t]) or (state < 0 and close[t] > ceiling[t]):
            return 0
        return state

    return _states([close, top, bottom, ceiling, floor], step)


def _bollinger(market: Market, asset: int, params: list[float], long_only: bool) -> list[int]:
    window, width = _count("window", params[0]), params[1]
    close = market.close[:, asset]
    mean, deviation = kernels.sma(close, window), kernels.rolling_std(close, window)

    def step(t: int, state: int) -> int:
        if close[t] < mean[t] - width * deviation[t]:
            return 1
        if not long_only and close[t] > mean[t] + width * deviation[t]:
            return -1
        if (state > 0 and close[t] >= mean[t]) or (state < 0 and close[t] <= mean[t]):
            return 0
        return state

    return _states([close, mean, deviation], step)


def _rsi(market: Market, asset: int, params: list[float], long_only: bool) -> list[int]:
    strength = kernels.rsi(market.close[:, asset], _count("window", params[0]))
    low, high = params[1], params[2]

    def step(t: int, state: int) -> int:
        if strength[t] < low:
            return 1
        if strength[t] > high:
            return 0 if long_only else -1
        return state

    return _states([strength], step)


_FUNCTIONS = {
    "sma_cross": _sma_cross,
    "ema_cross": _ema_cross,
    "donchian": _donchian,
    "bollinger": _bollinger,
    "rsi": _rsi,
}


def rule_signals(rule: str, market: Market, params: F64, *, by_state: bool = True, long_only: bool = True) -> I8:
    """Signals of a built-in rule.

    Parameters
    ----------
    rule : str
        A name in ``RULES``.
    market : Market
    params : ndarray of float64
        The parameters in the order that ``RULES`` names.
    by_state : bool, default True
        True: the wanted state at each bar. False: an opinion only where the state differs from that of the bar before.
    long_only : bool, default True

    Returns
    -------
    ndarray of int8, shape (n_bars, n_assets)
        1, 0, -1, or -128 (no opinion), for each asset by itself.

    Raises
    ------
    ValueError
        For an unknown rule or parameters that do not fit it.

    Examples
    --------
    >>> x = np.array([3.0, 2.0, 4.0, 5.0])
    >>> market = Market(np.arange(4), x, x, x, x)
    >>> rule_signals("sma_cross", market, np.array([1.0, 2.0]))[:, 0].tolist()
    [-128, 0, 1, 1]
    >>> rule_signals("sma_cross", market, np.array([1.0, 2.0]), by_state=False)[:, 0].tolist()
    [-128, -128, 1, -128]
    """
    if rule not in RULES:
        raise ValueError(f"There is no rule {rule!r}. {close_matches(rule, list(RULES))}")
    numbers = np.asarray(params, dtype=np.float64).ravel().tolist()
    if len(numbers) != len(RULES[rule]):
        raise ValueError(f"{rule} takes {len(RULES[rule])} parameters ({', '.join(RULES[rule])}), not {len(numbers)}.")
    out: I8 = np.full((market.n_bars, market.n_assets), HOLD, dtype=np.int8)
    for asset in range(market.n_assets):
        states = _FUNCTIONS[rule](market, asset, numbers, long_only)
        if not by_state:
            states = [
                HOLD,
                *(now if HOLD not in {now, then} and now != then else HOLD for then, now in itertools.pairwise(states)),
            ]
        out[:, asset] = states[: market.n_bars]
    return out
