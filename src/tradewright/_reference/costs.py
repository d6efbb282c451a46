"""What a trade costs: the price after spread, slippage and impact, and the fee.

Impact follows volume share (quadratic), the square-root law, or Almgren, Thum, Hauptmann and Li, "Direct estimation of
equity market impact", Risk 18(7), 2005: a permanent part, of which a trade pays half on average, and a temporary part.
"""

from __future__ import annotations

import math

from tradewright._reference.numbers import UNIT, down_tick, mul, to_units, up_tick
from tradewright._reference.spec import Spec


def taker_rate(spec: Spec, side: int) -> float:
    """Proportional fee that a taker pays, as a float.

    >>> taker_rate(Spec(taker_rate=0.001, sell_rate=0.002), -1)
    0.003
    """
    return spec.taker_rate + spec.sell_rate if side < 0 else spec.taker_rate


def fill_rate(spec: Spec, side: int, is_limit: bool) -> float:
    """Proportional fee of a fill, as a float: limits pay the maker's rate.

    >>> fill_rate(Spec(maker_rate=0.001, taker_rate=0.002), 1, True)
    0.001
    """
    base = spec.maker_rate if is_limit else spec.taker_rate
    return base + spec.sell_rate if side < 0 else base


def static_price(spec: Spec, base: float, side: int) -> float:
    """Price after spread and the part of slippage that does not depend on the quantity.

    >>> static_price(Spec(half_spread=0.01), 100.0, -1)
    99.0
    """
    rate = spec.half_spread + (spec.slip_a if spec.slip_model == "rate" else 0.0)
    price = base * (1.0 + side * rate)
    if spec.slip_model == "fixed":
        price = price + side * spec.slip_a
    return price


def impact_price(spec: Spec, price: float, side: int, quantity: float, volume: float, sigma: float) -> float:
    """Price after market impact.

    Parameters
    ----------
    price : float
        Price after static slippage.
    side : int
        1 buys, -1 sells.
    quantity : float
        Magnitude that is to trade.
    volume : float
        Volume of the bar; NaN or nothing: the whole volume is taken to be traded (share 1).
    sigma : float
        Volatility per bar known before the bar; NaN counts as 0.

    Returns
    -------
    float

    Examples
    --------
    >>> impact_price(Spec(slip_model="volume_share", slip_a=0.1, slip_b=0.5), 100.0, 1, 100.0, 400.0, 0.0)
    100.62500000000001
    """
    share = quantity / volume if volume > 0.0 else 1.0
    sigma = sigma if math.isfinite(sigma) else 0.0
    a, b, c = spec.slip_a, spec.slip_b, spec.slip_c
    if spec.slip_model == "volume_share":
        m = min(share, b) if b > 0.0 else share
        return price * (1.0 + side * (a * (m * m)))
    if spec.slip_model == "square_root":
        return price * (1.0 + side * (a * sigma * math.sqrt(share)))
    if spec.slip_model == "almgren_chriss":
        return price * (1.0 + side * (0.5 * (a * sigma * share) + b * sigma * math.pow(share, c)))
    return price


def on_tick_against(price: float, tick: float, side: int) -> float:
    """Fill price on the tick, against the trader.

    >>> on_tick_against(10.01, 0.25, 1), on_tick_against(10.01, 0.25, -1)
    (10.25, 10.0)
    """
    return up_tick(price, tick) if side > 0 else down_tick(price, tick)


def notional_units(quantity: int, price: float, multiplier: int) -> int:
    """Money value of a magnitude at a price, in units.

    >>> notional_units(2 * UNIT, 10.5, UNIT) == 21 * UNIT
    True
    """
    value = mul(quantity, to_units(price))
    return value if multiplier == UNIT else mul(value, multiplier)


def fee_units(spec: Spec, quantity: int, notional: int, side: int, is_limit: bool) -> int:
    """Fee of one fill in units.

    >>> fee_units(Spec(per_order=1.0, taker_rate=0.01, min_fee=1.5), UNIT, 100 * UNIT, 1, False) == 2 * UNIT
    True
    """
    rate = spec.maker_units if is_limit else spec.taker_units
    if side < 0:
        rate += spec.sell_units
    fee = spec.per_order_units + mul(spec.per_share_units, quantity) + mul(rate, notional)
    if spec.min_fee_units > 0:
        fee = max(fee, spec.min_fee_units)
    if spec.max_rate_units > 0:
        fee = min(fee, mul(spec.max_rate_units, notional))
    return fee
