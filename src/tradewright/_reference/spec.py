"""Everything that is constant in a run, checked once: :class:`Spec`."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewright._reference.numbers import to_units

CHOICES: dict[str, tuple[str, ...]] = {
    "fill": ("next_open", "same_close", "next_close"),
    "intrabar": ("pessimistic", "expected", "optimistic"),
    "trail_update": ("path", "bar"),
    "size_mode": ("fraction", "quantity", "value", "risk"),
    "size_basis": ("fill", "decision"),
    "on_short_cash": ("resize", "refuse"),
    "on_halt": ("block", "flatten", "flatten_at_drawdown"),
    "stop_kind": ("fraction", "amount", "atr"),
    "target_kind": ("fraction", "amount", "atr"),
    "trail_kind": ("fraction", "amount", "atr"),
    "slip_model": ("none", "fixed", "rate", "volume_share", "square_root", "almgren_chriss"),
}
DEFAULTS: dict[str, Any] = {
    "initial_cash": 100_000.0,
    "periods_per_year": 252.0,
    "risk_free": 0.0,
    "fill": "next_open",
    "intrabar": "pessimistic",
    "trail_update": "path",
    "size": 1.0,
    "size_mode": "fraction",
    "size_basis": "fill",
    "allow_short": True,
    "leverage": 1.0,
    "maintenance_margin": 0.25,
    "on_short_cash": "resize",
    "close_last": False,
    "volume_share": 0.0,
    "cooldown": 0,
    "max_position": 0.0,
    "max_gross": 0.0,
    "daily_loss": 0.0,
    "max_drawdown": 0.0,
    "on_halt": "block",
    "rebalance_buffer": 0.0,
    "stop": 0.0,
    "stop_kind": "fraction",
    "target": 0.0,
    "target_kind": "fraction",
    "trail": 0.0,
    "trail_kind": "fraction",
    "per_order": 0.0,
    "per_share": 0.0,
    "maker_rate": 0.0,
    "taker_rate": 0.0,
    "sell_rate": 0.0,
    "min_fee": 0.0,
    "max_rate": 0.0,
    "half_spread": 0.0,
    "slip_model": "none",
    "slip_a": 0.0,
    "slip_b": 0.0,
    "slip_c": 0.6,
    "borrow_rate": 0.0,
    "margin_rate": 0.0,
    "cash_rate": 0.0,
}
PER_ASSET = {"tick": 0.0, "lot": 0.0, "min_notional": 0.0, "multiplier": 1.0}
SIGNED = {"risk_free", "maker_rate"}  # a maker may be paid a rebate
POSITIVE = {"initial_cash", "periods_per_year", "multiplier"}


def close_matches(name: str, known: Sequence[str]) -> str:
    """Sentence that names the entries of `known` nearest to a mistyped `name`.

    >>> close_matches("stpo", ["stop", "limit"])
    'Did you mean stop?'
    """
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(near)}?" if near else f"Choose one of {', '.join(known)}."


class Spec:
    """Settings of a run; see ``_core.pyi`` for their meaning and defaults.

    Parameters
    ----------
    n_assets : int
        Number of assets, 1 or more.
    **settings
        Named settings. Per-asset ones (tick, lot, min_notional, multiplier) take a float or ``n_assets`` floats.

    Raises
    ------
    ValueError
        For an unknown name, an unknown choice or a number out of range.

    Examples
    --------
    >>> Spec(2, lot=[1.0, 0.0]).lot_units
    [1000000000000, 0]
    """

    initial_cash: float
    periods_per_year: float
    risk_free: float
    fill: str
    intrabar: str
    trail_update: str
    size: float
    size_mode: str
    size_basis: str
    allow_short: bool
    leverage: float
    maintenance_margin: float
    on_short_cash: str
    close_last: bool
    volume_share: float
    cooldown: int
    max_position: float
    max_gross: float
    daily_loss: float
    max_drawdown: float
    on_halt: str
    rebalance_buffer: float
    stop: float
    stop_kind: str
    target: float
    target_kind: str
    trail: float
    trail_kind: str
    per_order: float
    per_share: float
    maker_rate: float
    taker_rate: float
    sell_rate: float
    min_fee: float
    max_rate: float
    half_spread: float
    slip_model: str
    slip_a: float
    slip_b: float
    slip_c: float
    borrow_rate: float
    margin_rate: float
    cash_rate: float

    def __init__(self, n_assets: int = 1, **settings: Any) -> None:
        if int(n_assets) < 1:
            raise ValueError(f"n_assets is {n_assets}; a run needs at least one asset.")
        self.n_assets = int(n_assets)
        known = [*DEFAULTS, *PER_ASSET]
        for name in settings:
            if name not in known:
                raise ValueError(f"Spec has no setting {name!r}. {close_matches(name, known)}")
        for name, default in DEFAULTS.items():
            setattr(self, name, _checked(name, settings.get(name, default), default))
        per_asset = {name: self._spread(name, settings.get(name, default)) for name, default in PER_ASSET.items()}
        self.tick = per_asset["tick"]
        self.min_notional = per_asset["min_notional"]
        self.multiplier = per_asset["multiplier"]
        self.lot_units = [to_units(x) for x in per_asset["lot"]]
        self.multiplier_units = [to_units(x) for x in self.multiplier]
        self.initial_units = to_units(self.initial_cash)
        self.per_order_units = to_units(self.per_order)
        self.per_share_units = to_units(self.per_share)
        self.maker_units = to_units(self.maker_rate)
        self.taker_units = to_units(self.taker_rate)
        self.sell_units = to_units(self.sell_rate)
        self.min_fee_units = to_units(self.min_fee)
        self.max_rate_units = to_units(self.max_rate)

    def _spread(self, name: str, value: Any) -> list[float]:
        """One float per asset."""
        array = np.asarray(value, dtype=np.float64)
        if array.ndim > 1 or (array.ndim == 1 and array.shape[0] != self.n_assets):
            raise ValueError(
                f"{name} has shape {array.shape}; give one number or {self.n_assets} numbers, one for each asset."
            )
        values: list[float] = np.broadcast_to(array, (self.n_assets,)).tolist()
        for x in values:
            _check_range(name, x)
        return values


def _checked(name: str, value: Any, default: Any) -> Any:
    """Value of a scalar setting in the type of its default."""
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise ValueError(f"{name} is {value!r}. {close_matches(value, CHOICES[name])}")
        return str(value)
    if isinstance(default, bool):
        return bool(value)
    if isinstance(default, int):
        if value < 0:
            raise ValueError(f"{name} is {value}; it must be 0 or more bars.")
        return int(value)
    number = float(value)
    _check_range(name, number)
    return number


def _check_range(name: str, x: float) -> None:
    """Raise ``ValueError`` for a number that the setting cannot have."""
    if not math.isfinite(x):
        raise ValueError(f"{name} is {x}; it must be a finite number.")
    if name == "leverage" and x < 1.0:
        raise ValueError(f"leverage is {x}; it must be 1 or more. Use size or max_gross to hold less.")
    if name in POSITIVE and x <= 0.0:
        raise ValueError(f"{name} is {x}; it must be above 0.")
    if name not in SIGNED and x < 0.0:
        raise ValueError(f"{name} is {x}; it must be 0 or more.")
