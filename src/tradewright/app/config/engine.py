"""The engine block of a configuration as the settings of the engine.

Entry points: `engine_settings`, `cost_settings`.

Invariants: every setting of the engine has exactly one way to be written in a configuration; basis points become
fractions by one division, so the float is the one nearest to the decimal.
"""

from __future__ import annotations

from typing import Any

from tradewright.app.config.models import Config, CostsConfig
from tradewright.engine.costs import FREE, CostSettings
from tradewright.engine.settings import Settings

__all__ = ["cost_settings", "engine_settings"]


def engine_settings(config: Config) -> Settings:
    """Settings of the engine from a configuration.

    Examples
    --------
    >>> from tradewright.app.config.resolve import resolve
    >>> engine_settings(resolve(env={}).config) == Settings()
    True
    >>> engine_settings(resolve(env={}, sets=["engine.stop_atr=2"]).config).stop_kind
    'atr'
    """
    block = config.engine
    values: dict[str, Any] = {
        name: getattr(block, name)
        for name in type(block).model_fields
        if name not in {"stop", "target", "trail", "stop_atr", "target_atr", "trail_atr"}
    }
    for name in ("stop", "target", "trail"):
        multiple = getattr(block, f"{name}_atr")
        values[name] = getattr(block, name) if multiple is None else multiple
        values[f"{name}_kind"] = "fraction" if multiple is None else "atr"
    return Settings(**values, costs=cost_settings(config.costs))


def cost_settings(costs: CostsConfig) -> CostSettings:
    """Costs of the engine from the costs block.

    Examples
    --------
    >>> cost_settings(CostsConfig()) == CostSettings()
    True
    """
    if costs.no_costs:
        return FREE
    base = costs.commission_bps
    return CostSettings(
        per_order=costs.commission_per_order,
        per_share=costs.commission_per_share,
        maker_rate=(base if costs.maker_bps is None else costs.maker_bps) / 10_000,
        taker_rate=(base if costs.taker_bps is None else costs.taker_bps) / 10_000,
        sell_rate=costs.sell_bps / 10_000,
        min_fee=costs.commission_min,
        max_rate=costs.commission_max_rate,
        half_spread=costs.spread_bps / 20_000,
        **_slippage(costs),
        borrow_rate=costs.borrow_rate,
        margin_rate=costs.margin_rate,
        cash_rate=costs.cash_rate,
        funding_rate=costs.funding_rate,
    )


def _slippage(costs: CostsConfig) -> dict[str, Any]:
    model = costs.slippage_model
    if model == "bps":
        return {"slip_model": "rate", "slip_a": costs.slippage_bps / 10_000}
    if model == "fixed":
        return {"slip_model": "fixed", "slip_a": costs.slippage_fixed}
    if model == "volume_share":
        impact = 0.1 if costs.slippage_impact is None else costs.slippage_impact
        return {"slip_model": model, "slip_a": impact, "slip_b": costs.slippage_volume_limit}
    if model == "square_root":
        return {"slip_model": model, "slip_a": 1.0 if costs.slippage_impact is None else costs.slippage_impact}
    if model == "almgren_chriss":
        return {
            "slip_model": model,
            "slip_a": costs.slippage_permanent,
            "slip_b": costs.slippage_temporary,
            "slip_c": costs.slippage_exponent,
        }
    return {"slip_model": "none", "slip_a": 0.0}
