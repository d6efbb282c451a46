"""Where the profit of a backtest came from.

Entry point: `attribution_of` (`Result.attribution`).

Invariants: the parts are money and add up exactly to final equity less starting capital; positions that are open count
at their mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from tradewright.domain.errors import InputError, closest

if TYPE_CHECKING:
    from tradewright.engine.result import Result
    from tradewright.measures.attribution import Attribution

__all__ = ["WAYS", "attribution_of"]

Way = Literal["asset", "sector", "side", "cost", "reason", "strategy"]
WAYS: Final = ("asset", "sector", "side", "cost", "reason", "strategy")
_ACCOUNT: Final = "account"


def attribution_of(result: Result, by: str = "asset", groups: Mapping[str, str] | None = None) -> Attribution:
    """Split the profit of a run.

    Parameters
    ----------
    result : Result
    by : {"asset", "sector", "side", "cost", "reason", "strategy"}
        ``"asset"``: instruments, with their fees, dividends, borrowing and funding; interest on cash is the part
        ``account``. ``"sector"``: the same by `groups`. ``"side"``: long and short trades after fees, then each kind of
        cash flow. ``"cost"``: what trades would have made at reference prices for free (``gross``), then what
        commission and slippage took, then each kind of cash flow. ``"reason"``: exit reasons of trades, then cash
        flows. ``"strategy"``: by `groups` too; without them the one strategy of the run.
    groups : mapping of str to str, optional
        Label of each instrument; those without one are ``other``.

    Returns
    -------
    Attribution
        Money; largest part first.

    Raises
    ------
    InputError
        If `by` is unknown, or ``"sector"`` has no groups.

    Examples
    --------
    >>> import tradewright as tw
    >>> prices = {"close": [[10.0, 50.0], [11.0, 50.0], [12.0, 40.0], [13.0, 40.0]]}
    >>> result = tw.backtest(prices, "buy_and_hold", symbols=["UP", "DOWN"], no_costs=True, initial_capital=1000)
    >>> {name: round(part, 2) for name, part in attribution_of(result).items()}
    {'UP': 90.91, 'DOWN': -100.0}
    >>> round(attribution_of(result).total, 2)
    -9.09
    """
    from tradewright.measures.attribution import attribute

    if by not in WAYS:
        raise InputError(f"There is no attribution by {by!r}{closest(by, WAYS) or '.'} Known: {', '.join(WAYS)}.")
    if by == "sector" and groups is None:
        raise InputError("Attribution by sector needs groups={symbol: sector}.")
    trades, flows = result.trades, result.cash_flows
    pnl = np.asarray(trades["pnl"], dtype=np.float64).tolist()
    money = np.asarray(flows["amount"], dtype=np.float64).tolist()
    symbols = [str(name) for name in trades["symbol"]]
    if by in {"asset", "sector"} or (by == "strategy" and groups is not None):
        found = {symbol: symbol if groups is None else groups.get(symbol, "other") for symbol in result.symbols}
        labels = [found[symbol] for symbol in symbols]
        labels += [found.get(str(symbol), _ACCOUNT) for symbol in flows["symbol"]]
    elif by == "strategy":
        labels = [result.strategy_name] * (len(pnl) + len(money))
    else:
        kinds = [str(kind) for kind in flows["kind"]]
        if by == "cost":
            fees = float(result.stats["fees"])
            slippage = float(result.stats["slippage"])
            labels = ["gross", "commission", "slippage"]
            pnl = [sum(pnl) + fees + slippage, -fees, -slippage]
        else:
            labels = [str(word) for word in trades["direction" if by == "side" else "exit_reason"]]
        labels += kinds
    total = float(result.equity[-1]) - result.initial_capital
    return attribute(labels, pnl + money, total=total, residual_below=1e-6 * max(1.0, result.initial_capital))
