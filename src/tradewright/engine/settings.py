"""Everything that a run is told besides data and strategy, with its defaults.

Entry points: `Settings`, `settings_of`, `protection_of`.

Invariants: settings are frozen, comparable and hashable, hold plain values only, and have one canonical JSON whose
SHA-256 is the hash that opens every result. The names are those of the engine block of the configuration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from tradewright.domain.errors import ConfigError, closest
from tradewright.engine.costs import CostSettings

__all__ = ["CHOICES", "Settings", "protection_of", "settings_hash", "settings_of"]

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
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
    "decide_on": ("auto", "adjusted", "raw"),
}
"""Closed sets of words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One resolved set of engine settings.

    Parameters
    ----------
    initial_capital : float
        Cash before the first bar, above 0.
    fill : str
        When market orders fill: ``next_open``, ``same_close`` or ``next_close``.
    intrabar, trail_update : str
        What is assumed about the path inside a bar.
    size : float or None
        What an entry uses, in `size_mode`. None: all equity, split evenly over the instruments.
    size_mode, size_basis : str
        ``fraction`` of equity, ``quantity``, ``value`` or ``risk`` (equity lost at the stop); resolved at the
        ``fill`` or at the ``decision`` price.
    lot : float or None
        Step of quantities, 0 = fractional; None: each instrument's own.
    allow_short, leverage, maintenance_margin, on_short_cash
        Shorts, gross exposure over equity, margin call level, and what happens when cash is short.
    close_last : bool
        Close what is held at the last close, with costs.
    volume_share : float
        Largest share of a bar's volume that may fill, 0 = no cap.
    cooldown : int
        Bars without entries after a protective exit.
    max_position, max_gross, daily_loss, max_drawdown : float or None
        Caps and halts as fractions of equity, None = none.
    on_halt : str
        ``block`` entries only, ``flatten``, or ``flatten_at_drawdown`` (only there).
    rebalance_buffer : float
        Smallest change of a target weight that is traded.
    stop, target, trail : float or None
        Protection that signal entries carry, in the unit of their ``_kind``.
    atr_window, sigma_window : int
        Windows of the average true range and of the volatility that impact models use.
    decide_on : str
        Prices that decisions are computed on where bars carry splits or dividends: ``adjusted`` (forward, so that a row
        knows only what had happened by then), ``raw``, or ``auto``: adjusted for signals and weights, raw for
        strategies that state prices themselves (orders and callbacks). Fills are always at raw prices.
    risk_free : float
        Yearly rate that ratios subtract.
    costs : CostSettings
        Commission, slippage, financing.

    Raises
    ------
    ConfigError
        If a value is outside its range; the message names it.

    Examples
    --------
    >>> Settings().fill
    'next_open'
    >>> Settings(fill="next_opn")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.ConfigError: fill is 'next_opn', did you mean 'next_open' or 'next_close'? It must ...
    """

    initial_capital: float = 100_000.0
    fill: str = "next_open"
    intrabar: str = "pessimistic"
    trail_update: str = "path"
    size: float | None = None
    size_mode: str = "fraction"
    size_basis: str = "fill"
    lot: float | None = None
    allow_short: bool = True
    leverage: float = 1.0
    maintenance_margin: float = 0.25
    on_short_cash: str = "resize"
    close_last: bool = False
    volume_share: float = 0.0
    cooldown: int = 0
    max_position: float | None = None
    max_gross: float | None = None
    daily_loss: float | None = None
    max_drawdown: float | None = None
    on_halt: str = "block"
    rebalance_buffer: float = 0.0
    stop: float | None = None
    stop_kind: str = "fraction"
    target: float | None = None
    target_kind: str = "fraction"
    trail: float | None = None
    trail_kind: str = "fraction"
    atr_window: int = 14
    sigma_window: int = 20
    decide_on: str = "auto"
    risk_free: float = 0.0
    costs: CostSettings = field(default_factory=CostSettings)

    def __post_init__(self) -> None:
        for name, words in CHOICES.items():
            value = getattr(self, name)
            if value not in words:
                hint = closest(str(value), words) or "."
                raise ConfigError(f"{name} is {value!r}{hint} It must be one of {', '.join(words)}.")
        _check("initial_capital", self.initial_capital, above=0.0, most=1e24)
        if self.size is not None:
            _check("size", self.size, above=0.0)
            most = {"fraction": max(self.leverage, 1.0), "risk": 1.0}.get(self.size_mode, math.inf)
            if self.size > most:
                raise ConfigError(
                    f"size is {self.size!r}; it is a fraction of equity (0.5 is half, never percent), at most {most:g}"
                    + (" (the leverage)." if self.size_mode == "fraction" else " when it is what a stop may lose.")
                )
        for name in ("lot", "max_position", "max_gross"):
            if getattr(self, name) is not None:
                _check(name, getattr(self, name), least=0.0)
        for name in ("daily_loss", "max_drawdown"):
            if getattr(self, name) is not None:
                _check(name, getattr(self, name), above=0.0, most=1.0)
        for name in ("stop", "target", "trail"):
            if getattr(self, name) is not None:
                limit = 1.0 if getattr(self, f"{name}_kind") == "fraction" and name != "target" else math.inf
                _check(name, getattr(self, name), above=0.0, below=limit)
        _check("leverage", self.leverage, above=0.0)
        _check("maintenance_margin", self.maintenance_margin, least=0.0, most=1.0)
        _check("volume_share", self.volume_share, least=0.0, most=1.0)
        _check("rebalance_buffer", self.rebalance_buffer, least=0.0, below=1.0)
        _check("risk_free", self.risk_free, above=-1.0, below=1.0)
        for name, least in (("cooldown", 0), ("atr_window", 1), ("sigma_window", 2)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"{name} is {value!r}; it must be a whole number of at least {least}.")
        if self.size_mode == "risk" and not self.stop:
            raise ConfigError("size_mode 'risk' sizes an entry by the distance of its stop; give a stop.")

    @property
    def needs_atr(self) -> bool:
        """True when protection is stated in average true ranges."""
        return any(
            getattr(self, name) is not None and getattr(self, f"{name}_kind") == "atr"
            for name in ("stop", "target", "trail")
        )

    @property
    def needs_sigma(self) -> bool:
        """True when the impact model reads volatility."""
        return self.costs.slip_model in {"square_root", "almgren_chriss"}

    def as_dict(self) -> dict[str, Any]:
        """Plain values, nested like the configuration."""
        return asdict(self)

    def spec_settings(self, n_assets: int) -> dict[str, Any]:
        """Keyword arguments of ``core.Spec`` that do not depend on the instruments.

        Parameters
        ----------
        n_assets : int
            Number of instruments, over which an unstated `size` is split.
        """
        size = self.size if self.size is not None else 1.0 / n_assets
        plain = {
            name: getattr(self, name)
            for name in (
                "fill",
                "intrabar",
                "trail_update",
                "size_mode",
                "size_basis",
                "allow_short",
                "leverage",
                "maintenance_margin",
                "on_short_cash",
                "close_last",
                "volume_share",
                "cooldown",
                "on_halt",
                "rebalance_buffer",
                "stop_kind",
                "target_kind",
                "trail_kind",
                "risk_free",
            )
        }
        caps = ("max_position", "max_gross", "daily_loss", "max_drawdown", "stop", "target", "trail")
        return {
            "initial_cash": self.initial_capital,
            "size": size,
            **plain,
            **{name: getattr(self, name) or 0.0 for name in caps},
            **self.costs.spec_settings(),
        }


def settings_of(base: Settings | None = None, **changes: Any) -> Settings:
    """Settings with changes; a change that is None leaves the base as it is.

    Raises
    ------
    ConfigError
        If a name is unknown (the message gives the nearest) or a value is refused.

    Examples
    --------
    >>> settings_of(fill="next_close", size=None).fill
    'next_close'
    """
    start = base or Settings()
    given = {key: value for key, value in changes.items() if value is not None}
    known = {item.name for item in fields(Settings)}
    for key in given:
        if key not in known:
            raise ConfigError(f"There is no setting {key!r}{closest(key, known) or '.'}")
    return replace(start, **given) if given else start


def settings_hash(values: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over the canonical JSON of plain values: sorted keys, shortest floats, no spaces."""
    import hashlib
    import json

    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def protection_of(name: str, value: float | str | tuple[str, float] | None) -> tuple[float, str] | None:
    """Distance and its unit from what a user wrote for a stop, target or trail.

    Parameters
    ----------
    name : str
        ``stop``, ``target`` or ``trail``, for messages.
    value : float, str, tuple or None
        ``0.05`` (fraction of the fill price), ``"2atr"``, ``"1.50amount"`` or ``("atr", 2.0)``; ``"50bp"`` is a
        fraction too.

    Returns
    -------
    tuple of (float, str), or None

    Raises
    ------
    ConfigError
        If it is not understood, or percent.

    Examples
    --------
    >>> protection_of("stop", 0.05), protection_of("stop", "2atr"), protection_of("trail", "50bp")
    ((0.05, 'fraction'), (2.0, 'atr'), (0.005, 'fraction'))
    """
    if value is None:
        return None
    if isinstance(value, tuple):
        kind, number = value
        if kind not in CHOICES["stop_kind"]:
            raise ConfigError(f"{name} is {value!r}; its unit must be one of {', '.join(CHOICES['stop_kind'])}.")
        return float(number), kind
    if isinstance(value, str):
        text = value.strip().lower().replace(" ", "")
        if text.endswith("%"):
            raise ConfigError(f"{name} is {value!r}; write a fraction (0.05), never percent.")
        for suffix, kind, divisor in (
            ("atr", "atr", 1),
            ("amount", "amount", 1),
            ("bp", "fraction", 10_000),
            ("", "fraction", 1),
        ):
            if text.endswith(suffix):
                try:
                    return float(text.removesuffix(suffix)) / divisor, kind
                except ValueError:
                    break
        raise ConfigError(f"{name} is {value!r}; write a fraction (0.05), '2atr', '1.50amount' or '50bp'.")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"{name} is {value!r}; write a fraction (0.05), '2atr' or '1.50amount'.")
    return float(value), "fraction"


def _check(
    name: str,
    value: Any,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> None:
    ok = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if ok and least <= value <= most and above < value and (value < below or below == math.inf):
        return
    bounds = [f"at least {least:g}"] if least > -math.inf else []
    bounds += [f"above {above:g}"] if above > -math.inf else []
    bounds += [f"at most {most:g}"] if most < math.inf else []
    bounds += [f"below {below:g}"] if below < math.inf else []
    raise ConfigError(
        f"{name} is {value!r}; it must be a finite number" + (f", {' and '.join(bounds)}." if bounds else ".")
    )
