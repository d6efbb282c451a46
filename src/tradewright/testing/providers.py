"""The exam of data providers.

Entry point: `check_provider`.
"""

from __future__ import annotations

import numpy as np

from tradewright.domain.errors import DataError
from tradewright.domain.ports import Provider

__all__ = ["check_provider"]


def check_provider(provider: Provider, symbol: str) -> None:
    """Examine a provider: the port, order and form of what it loads, ranges, and refusal of what it does not have.

    Parameters
    ----------
    provider : Provider
        To be examined.
    symbol : str
        Something it has, with at least ten bars.

    Raises
    ------
    AssertionError
        With the fact that does not hold.
    """
    name = provider.name
    assert isinstance(provider, Provider), f"{type(provider).__name__} does not have the methods of the Provider port."
    whole = provider.load([symbol])
    assert whole.n_bars >= 10, f"{name}: {symbol} has {whole.n_bars} bars; the exam needs ten."
    found = {*whole.symbols, *(instrument.symbol for instrument in whole.instruments)}
    assert symbol in found, f"{name}: {symbol} is not in the answer."
    assert bool((np.diff(whole.ts) > 0).all()), f"{name}: stamps do not increase."
    assert whole.provenance.source, f"{name}: the provenance names no source."
    again = provider.load([symbol])
    assert whole.data_hash() == again.data_hash(), f"{name} answers differently when asked twice."
    first, last = int(whole.ts[3]), int(whole.ts[-3])
    part = provider.load([symbol], first, last)
    assert np.array_equal(part.ts, whole.ts[3:-2]), f"{name}: a range must include both ends and everything between."
    missing = f"{symbol}-does-not-exist"
    try:
        made_up = provider.load([missing])
    except DataError:
        return
    raise AssertionError(f"{name} answers for {missing!r} with {made_up!r}; an unknown symbol must be refused.")
