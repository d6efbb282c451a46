"""What a result is compared with.

Entry point: `benchmark_curve`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.errors import InputError, MissingDataError

if TYPE_CHECKING:
    from tradewright.domain.actions import CorporateAction
    from tradewright.domain.bars import Bars

    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["benchmark_curve"]


def benchmark_curve(what: Any, bars: Bars, initial: float) -> F64:
    """Equity of holding the benchmark, without costs, at the closes of the run's bars, dividends reinvested.

    Parameters
    ----------
    what : str, Bars or array-like
        ``"buy_and_hold"``: the run's instruments, equal parts at their first close. A symbol among them. Other `Bars`
        with one instrument (the newest close at or before each bar counts). Or an array of prices, one a bar.
    bars : Bars
        Of the run.
    initial : float
        What is put in.

    Returns
    -------
    float64 array, shape (n_bars,)

    Raises
    ------
    InputError
        If an array has another length, or a symbol is not there.
    MissingDataError
        If the benchmark has no price at the start.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> bars = Bars.from_arrays(None, *[[[1.0, 4.0], [2.0, 4.0]]] * 4, symbols=["A", "B"])
    >>> benchmark_curve("buy_and_hold", bars, 100.0).tolist(), benchmark_curve("A", bars, 100.0).tolist()
    ([100.0, 150.0], [100.0, 200.0])
    """
    if isinstance(what, str):
        if what == "buy_and_hold":
            return _hold(_held(bars), initial)
        return _hold(_held(bars)[:, [bars.column(what)]], initial)
    if hasattr(what, "instruments"):
        other: Bars = what
        if other.n_assets != 1:
            raise InputError(
                f"The benchmark has {other.n_assets} instruments; select one of {', '.join(other.symbols[:8])}."
            )
        known = np.isfinite(other.close[:, 0])
        stamps, prices = other.ts[known], _held(other)[known, 0]
        newest = np.searchsorted(stamps, bars.ts, side="right") - 1
        if prices.size == 0 or newest[-1] < 0:
            raise MissingDataError(f"The benchmark {other.symbols[0]} has no price in the range of the run.")
        column = np.where(newest >= 0, prices[np.maximum(newest, 0)], np.nan)
        return _hold(column.reshape(-1, 1), initial)
    prices = np.asarray(what, dtype=np.float64)
    if prices.shape != (bars.n_bars,):
        raise InputError(f"The benchmark has shape {prices.shape}; it needs one price a bar ({bars.n_bars}).")
    return _hold(prices.reshape(-1, 1), initial)


def _held(bars: Bars) -> F64:
    """Closes as a holder sees them: with splits, dividends reinvested at the close, and the payout of a delisting."""
    if not bars.actions:
        return bars.close
    from tradewright.data.adjust import action_rows, factors

    price = factors(bars, rule="ex_close", direction="forward").price
    out: F64 = bars.close * price
    for row, j, action, value in action_rows(bars):
        if str(action.kind) == "delisting":
            out[row:, j] = value * price[row, j]
        elif str(action.kind) == "merger":
            out[row:, j] = _merged(bars, row, action) * price[row, j]
    return out


def _merged(bars: Bars, row: int, action: CorporateAction) -> F64:
    """What a share of a merged company is worth from then on: new shares with their own actions, cash as it is."""
    from tradewright.data.adjust import column_of, factors

    k = column_of(bars, action.new_symbol) if action.exchanges else None
    if k is None:
        return np.full(bars.n_bars - row, action.value * action.price + action.cash)
    close, held = bars.close[:, k], factors(bars, rule="ex_close", direction="forward").price[:, k]
    known = np.flatnonzero(np.isfinite(close[: row + 1]))
    first = close[known[-1]] * held[known[-1]] if known.size else np.nan
    base = held[row]
    path = np.where(np.isfinite(close[row:]), close[row:] * held[row:], np.nan)
    path[0] = first if np.isnan(path[0]) else path[0]
    newest = np.maximum.accumulate(np.where(np.isfinite(path), np.arange(path.size), 0))
    return np.asarray(action.value * path[newest] / base + action.cash, dtype=np.float64)


def _hold(close: F64, initial: float) -> F64:
    """Equal parts at the first close of each column; cash until then, the last close where a bar is missing."""
    rows = np.arange(close.shape[0])
    total = np.zeros(close.shape[0])
    part = initial / close.shape[1]
    for j in range(close.shape[1]):
        column = close[:, j]
        known = np.isfinite(column)
        if not known.any():
            total += part
            continue
        newest = np.maximum.accumulate(np.where(known, rows, -1))
        first = column[int(known.argmax())]
        total += np.where(newest >= 0, part * (column[np.maximum(newest, 0)] / first), part)
    return total
