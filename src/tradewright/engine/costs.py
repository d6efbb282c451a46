"""What trading costs: settings, presets by name, and how a user may write them.

Entry points: `CostSettings`, `PRESETS`, `costs_of`.

Invariants: rates are fractions of notional (never percent), amounts are in the account's currency, everything is zero
or positive. A run never is free by accident: the default is 5 bp commission and 1 bp slippage, and settings without
any cost are accepted only together with ``no_costs=True``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from tradewright.domain.errors import ConfigError, closest

__all__ = ["FREE", "PRESETS", "CostSettings", "costs_of", "rate_of"]

LARGEST_FUNDING: Final = 0.05
"""Most funding per eight hours, either way; venues cap it at 0.03 or below."""

SLIP_MODELS: Final = ("none", "fixed", "rate", "volume_share", "square_root", "almgren_chriss")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSettings:
    """Commission, spread, slippage and financing of one run.

    Parameters
    ----------
    per_order : float
        Amount per fill.
    per_share : float
        Amount per unit of quantity.
    maker_rate, taker_rate : float
        Fraction of notional for limit fills and for all others.
    sell_rate : float
        Fraction of notional on top of it for sells (regulatory fees, stamp duty).
    min_fee : float
        Least fee of a fill.
    max_rate : float
        Most a fee may be as a fraction of notional, 0 = no cap.
    half_spread : float
        Half of the quoted spread as a fraction of price; paid by every fill that is not a limit fill.
    slip_model : str
        ``none``, ``fixed`` (`slip_a` in price units), ``rate`` (`slip_a` as a fraction), ``volume_share`` (price
        moves by ``slip_a * min(share of volume, slip_b)**2``), ``square_root`` (``slip_a * sigma * sqrt(share)``) or
        ``almgren_chriss`` (permanent `slip_a`, temporary `slip_b` and exponent `slip_c`).
    slip_a, slip_b, slip_c : float
        Coefficients of the model.
    borrow_rate, margin_rate, cash_rate : float
        Yearly rates paid on shorts and on negative cash, and earned on positive cash.
    funding_rate : float
        Fraction of a position's value that longs pay to shorts (negative: shorts to longs) at 00:00, 08:00 and 16:00
        UTC, as perpetual contracts settle it. Coins and futures only.

    Raises
    ------
    ConfigError
        If a number is negative or not finite, a rate is so large that it must have been meant as percent, or the
        model is unknown.

    Examples
    --------
    >>> CostSettings().taker_rate, CostSettings().slip_a
    (0.0005, 0.0001)
    >>> CostSettings(taker_rate=5)
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.ConfigError: taker_rate is 5; it is a fraction of notional, at most 0.2 ...
    """

    per_order: float = 0.0
    per_share: float = 0.0
    maker_rate: float = 0.0005
    taker_rate: float = 0.0005
    sell_rate: float = 0.0
    min_fee: float = 0.0
    max_rate: float = 0.0
    half_spread: float = 0.0
    slip_model: str = "rate"
    slip_a: float = 0.0001
    slip_b: float = 0.0
    slip_c: float = 0.6
    borrow_rate: float = 0.0
    margin_rate: float = 0.0
    cash_rate: float = 0.0
    funding_rate: float = 0.0

    def __post_init__(self) -> None:
        if self.slip_model not in SLIP_MODELS:
            hint = closest(self.slip_model, SLIP_MODELS) or "."
            raise ConfigError(f"slip_model is {self.slip_model!r}{hint} It must be one of {', '.join(SLIP_MODELS)}.")
        for item in fields(self):
            if item.name in {"slip_model", "funding_rate"}:
                continue
            value = getattr(self, item.name)
            if not (isinstance(value, (int, float)) and math.isfinite(value) and value >= 0.0):
                raise ConfigError(f"{item.name} is {value!r}; it must be finite and at least 0.")
        for name in ("maker_rate", "taker_rate", "sell_rate", "half_spread"):
            _check_fraction(name, getattr(self, name))
        if self.slip_model == "rate":
            _check_fraction("slippage", self.slip_a)
        rate = self.funding_rate
        if not (isinstance(rate, (int, float)) and abs(rate) <= LARGEST_FUNDING):
            raise ConfigError(
                f"funding_rate is {rate!r}; it is a fraction per eight hours (0.0001 is one basis point), at most "
                f"{LARGEST_FUNDING:g} either way."
            )

    @property
    def is_free(self) -> bool:
        """True when no trade can cost anything."""
        fee = self.per_order or self.per_share or self.maker_rate or self.taker_rate or self.sell_rate or self.min_fee
        slip = self.half_spread or (self.slip_model != "none" and (self.slip_a or self.slip_b))
        return not fee and not slip

    def spec_settings(self) -> dict[str, Any]:
        """Keyword arguments of ``core.Spec``; funding is an array of the market, not a setting of the account."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "funding_rate"}

    def describe(self) -> str:
        """One sentence for people."""
        parts: list[str] = []
        if self.taker_rate or self.maker_rate:
            if self.taker_rate == self.maker_rate:
                parts.append(f"commission {_bp(self.taker_rate)}")
            else:
                parts.append(f"commission {_bp(self.maker_rate)} maker, {_bp(self.taker_rate)} taker")
        if self.per_share:
            parts.append(f"{self.per_share:g} a share")
        if self.per_order:
            parts.append(f"{self.per_order:g} a fill")
        if self.min_fee:
            parts.append(f"at least {self.min_fee:g}")
        if self.max_rate:
            parts.append(f"at most {_bp(self.max_rate)}")
        if self.sell_rate:
            parts.append(f"{_bp(self.sell_rate)} more on sells")
        if self.half_spread:
            parts.append(f"half spread {_bp(self.half_spread)}")
        if self.slip_model == "rate" and self.slip_a:
            parts.append(f"slippage {_bp(self.slip_a)}")
        elif self.slip_model == "fixed" and self.slip_a:
            parts.append(f"slippage {self.slip_a:g} in price")
        elif self.slip_model not in {"none", "rate", "fixed"}:
            parts.append(f"slippage {self.slip_model}({self.slip_a:g}, {self.slip_b:g}, {self.slip_c:g})")
        for name, text in (("borrow_rate", "borrow"), ("margin_rate", "margin"), ("cash_rate", "cash")):
            if getattr(self, name):
                parts.append(f"{text} {getattr(self, name):g} a year")
        if self.funding_rate:
            parts.append(f"funding {_bp(self.funding_rate)} every eight hours")
        return ", ".join(parts) if parts else "no costs"


def ib_fixed() -> CostSettings:
    """Interactive Brokers Pro, US stocks, fixed: USD 0.005 a share, at least 1.00, at most 1 % of the trade's value.

    Source: interactivebrokers.com, Pricing, Commissions, Stocks (United States, Fixed), as published 2020 to 2025.
    """
    return CostSettings(per_share=0.005, min_fee=1.0, max_rate=0.01, maker_rate=0.0, taker_rate=0.0)


def ib_tiered() -> CostSettings:
    """Interactive Brokers Pro, US stocks, tiered, up to 300,000 shares a month.

    USD 0.0035 a share to the broker and 0.0002 for clearing, at least 0.35, at most 1 %. Exchange fees (from a rebate
    of 0.002 to a charge of 0.003 a share, by venue) are not in it. Source: as `ib_fixed`, Tiered.
    """
    return CostSettings(per_share=0.0037, min_fee=0.35, max_rate=0.01, maker_rate=0.0, taker_rate=0.0)


def alpaca() -> CostSettings:
    """Alpaca, US stocks: no commission; the regulatory fee on sells is passed on.

    The SEC fee of USD 27.80 per million sold (Section 31 rate from 2024-05-22 to 2025-05-13, SEC fee rate advisory 2,
    2024) is charged throughout. FINRA's activity fee (0.000166 a share on sells) is below it by an order and left
    out.
    """
    return CostSettings(maker_rate=0.0, taker_rate=0.0, sell_rate=0.0000278)


def crypto_spot() -> CostSettings:
    """Crypto spot at the rate most large venues start from: 10 bp for maker and taker."""
    return CostSettings(maker_rate=0.001, taker_rate=0.001)


def binance() -> CostSettings:
    """Binance spot, regular user: 10 bp maker, 10 bp taker. Source: binance.com, fee schedule, VIP 0."""
    return CostSettings(maker_rate=0.001, taker_rate=0.001)


def kraken() -> CostSettings:
    """Kraken Pro spot, first tier: 25 bp maker, 40 bp taker. Source: kraken.com, fee schedule (2024)."""
    return CostSettings(maker_rate=0.0025, taker_rate=0.004)


def coinbase() -> CostSettings:
    """Coinbase Advanced, first tier: 40 bp maker, 60 bp taker. Source: help.coinbase.com, Advanced fees (2024)."""
    return CostSettings(maker_rate=0.004, taker_rate=0.006)


PRESETS: Final[Mapping[str, Callable[[], CostSettings]]] = {
    "alpaca": alpaca,
    "binance": binance,
    "coinbase": coinbase,
    "crypto_spot": crypto_spot,
    "ib_fixed": ib_fixed,
    "ib_tiered": ib_tiered,
    "kraken": kraken,
}
"""Commission schedules by name; each keeps the default slippage of 1 bp."""


def costs_of(
    *,
    base: CostSettings | None = None,
    costs: CostSettings | str | Mapping[str, Any] | None = None,
    commission: float | str | None = None,
    slippage: float | str | None = None,
    no_costs: bool = False,
) -> CostSettings:
    """Cost settings from what a user wrote.

    Parameters
    ----------
    base : CostSettings, optional
        What to start from (a configuration); default 5 bp commission and 1 bp slippage.
    costs : CostSettings, str or mapping, optional
        Finished settings, a preset's name, or fields to change.
    commission : float or str, optional
        A fraction of notional (``0.0005``), ``"5bp"``, or a preset's name.
    slippage : float or str, optional
        A fraction (``0.0001``), ``"1bp"``, ``"fixed:0.01"`` in price units, or ``"model:a:b:c"``.
    no_costs : bool
        Trade for free; excludes the other three.

    Returns
    -------
    CostSettings

    Raises
    ------
    ConfigError
        If something is not understood, or nothing would cost anything without ``no_costs``.

    Examples
    --------
    >>> costs_of(commission="ib_fixed", slippage="2bp").describe()
    '0.005 a share, at least 1, at most 100 bp, slippage 2 bp'
    >>> costs_of(commission=0, slippage=0)
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.ConfigError: Commission and slippage are both zero. ...
    """
    if no_costs:
        if costs is not None or commission is not None or slippage is not None:
            raise ConfigError("no_costs contradicts commission, slippage and costs; give one or the other.")
        return FREE
    made = base or CostSettings()
    if isinstance(costs, CostSettings):
        made = costs
    elif isinstance(costs, str):
        made = _preset(costs, made)
    elif costs is not None:
        known = [item.name for item in fields(CostSettings)]
        for key in costs:
            if key not in known:
                raise ConfigError(f"There is no cost {key!r}{closest(key, known) or '.'} Known: {', '.join(known)}.")
        made = replace(made, **dict(costs))
    if commission is not None:
        made = _with_commission(made, commission)
    if slippage is not None:
        made = _with_slippage(made, slippage)
    if made.is_free:
        raise ConfigError(
            "Commission and slippage are both zero. Say no_costs=True (--no-costs) if that is meant; the result "
            "will say so."
        )
    return made


def rate_of(name: str, value: float | str) -> float:
    """Fraction from a number or text such as ``"5bp"``.

    Examples
    --------
    >>> rate_of("commission", "5bp"), rate_of("commission", "0.001")
    (0.0005, 0.001)
    """
    if isinstance(value, str):
        text = value.strip().lower().replace(" ", "")
        if text.endswith("%"):
            raise ConfigError(f"{name} is {value!r}; write a fraction (0.0005) or basis points (5bp), never percent.")
        for suffix in ("bps", "bp"):
            if text.endswith(suffix):
                # Dividing by a power of ten gives the float nearest to the decimal; 5 * 1e-4 would not always.
                return _check_fraction(name, _number(name, text.removesuffix(suffix), value) / 10_000)
        return _check_fraction(name, _number(name, text, value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"{name} is {value!r}; write a fraction (0.0005) or basis points ('5bp').")
    return _check_fraction(name, float(value))


def _check_fraction(name: str, value: float) -> float:
    if not (math.isfinite(value) and 0.0 <= value <= 0.2):
        raise ConfigError(
            f"{name} is {value!r}; it is a fraction of notional, at most 0.2 (5 basis points are 0.0005 or '5bp')."
        )
    return value


def _number(name: str, text: str, value: object) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{name} is {value!r}; write a fraction (0.0005) or basis points (5bp).") from None


def _preset(name: str, base: CostSettings) -> CostSettings:
    maker = PRESETS.get(name)
    if maker is None:
        raise ConfigError(
            f"There is no cost preset {name!r}{closest(name, PRESETS) or '.'} Known: {', '.join(PRESETS)}."
        )
    keep = ("half_spread", "slip_model", "slip_a", "slip_b", "slip_c", "borrow_rate", "margin_rate", "cash_rate")
    return replace(maker(), **{key: getattr(base, key) for key in keep})


_NO_FEES: Final[dict[str, Any]] = {
    "per_order": 0.0,
    "per_share": 0.0,
    "sell_rate": 0.0,
    "min_fee": 0.0,
    "max_rate": 0.0,
}


def _with_commission(made: CostSettings, commission: float | str) -> CostSettings:
    if isinstance(commission, str) and commission.strip()[:1].isalpha():
        return _preset(commission.strip(), made)
    rate = rate_of("commission", commission)
    return replace(made, maker_rate=rate, taker_rate=rate, **_NO_FEES)


def _with_slippage(made: CostSettings, slippage: float | str) -> CostSettings:
    if isinstance(slippage, str) and slippage.strip()[:1].isalpha():
        model, *numbers = slippage.strip().split(":")
        if model not in SLIP_MODELS:
            raise ConfigError(
                f"slippage is {slippage!r}{closest(model, SLIP_MODELS) or '.'} Write a fraction, '1bp', or "
                "model:a:b:c with one "
                f"of the models {', '.join(SLIP_MODELS)}."
            )
        values = [_number("slippage", text, slippage) for text in numbers]
        names = ("slip_a", "slip_b", "slip_c")
        if len(values) > len(names) or (not values and model != "none"):
            raise ConfigError(f"slippage is {slippage!r}; a model needs one to three coefficients, model:a:b:c.")
        given = dict(zip(names, values, strict=False))
        return replace(made, **{"slip_model": model, "slip_a": 0.0, "slip_b": 0.0, "slip_c": 0.6, **given})  # type: ignore[arg-type]
    return replace(made, slip_model="rate", slip_a=rate_of("slippage", slippage), slip_b=0.0)


def _bp(rate: float) -> str:
    return f"{rate * 10_000:.4g} bp"


FREE: Final = CostSettings(maker_rate=0.0, taker_rate=0.0, slip_model="none", slip_a=0.0)
"""Nothing costs anything; needs ``no_costs=True``."""
