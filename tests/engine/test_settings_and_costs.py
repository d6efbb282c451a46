"""Settings and costs are what the user wrote, or an error with the nearest right word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.errors import ConfigError
from tradewright.engine.costs import PRESETS, CostSettings, costs_of, rate_of
from tradewright.engine.settings import Settings, protection_of, settings_hash, settings_of
from tradewright.kernel import core
from tradewright.testing import walk_bars


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"fill": "next_opn"}, "did you mean 'next_open'"),
        ({"size": 0}, "above 0"),
        ({"size": 500}, "never percent"),
        ({"initial_capital": -1}, "above 0"),
        ({"initial_capital": float("nan")}, "finite"),
        ({"daily_loss": 1.5}, "at most 1"),
        ({"stop": 1.0}, "below 1"),
        ({"volume_share": 2}, "at most 1"),
        ({"cooldown": 1.5}, "whole number"),
        ({"size_mode": "risk"}, "give a stop"),
        ({"levrage": 2}, "did you mean 'leverage'"),
    ],
)
def test_a_wrong_setting_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        settings_of(**change)


def test_the_hash_is_of_the_values() -> None:
    assert settings_hash(Settings().as_dict()) == settings_hash(Settings(fill="next_open").as_dict())
    assert settings_hash(Settings().as_dict()) != settings_hash(Settings(lot=1.0).as_dict())
    assert settings_hash({"b": 1, "a": 2.5}) == settings_hash({"a": 2.5, "b": 1})


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (0.05, (0.05, "fraction")),
        ("0.05", (0.05, "fraction")),
        ("5bp", (0.0005, "fraction")),
        ("2.5atr", (2.5, "atr")),
        ("2 ATR", (2.0, "atr")),
        ("1.5amount", (1.5, "amount")),
        (("amount", 3), (3.0, "amount")),
        (None, None),
    ],
)
def test_protection_is_read(text: Any, want: Any) -> None:
    assert protection_of("stop", text) == want


@pytest.mark.parametrize("text", ["5%", "abc", "atr", True, ("percent", 5)])
def test_protection_that_is_not_understood_is_refused(text: Any) -> None:
    with pytest.raises(ConfigError, match="stop is"):
        protection_of("stop", text)


@pytest.mark.parametrize(
    ("text", "want"), [("5bp", 0.0005), ("5 bps", 0.0005), (0.001, 0.001), ("0.001", 0.001), (0, 0)]
)
def test_rates_are_fractions(text: Any, want: float) -> None:
    assert rate_of("commission", text) == want


@pytest.mark.parametrize("text", ["5%", 5, "abc", -0.1, float("nan"), True])
def test_rates_that_cannot_be_fractions_are_refused(text: Any) -> None:
    with pytest.raises(ConfigError, match="commission is"):
        rate_of("commission", text)


def test_a_mistyped_preset_gets_its_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'ib_fixed'"):
        costs_of(commission="ib_fixd")
    with pytest.raises(ConfigError, match="did you mean 'volume_share'"):
        costs_of(slippage="volume_shar:1")
    with pytest.raises(ConfigError, match="did you mean 'taker_rate'"):
        costs_of(costs={"taker_rat": 0.1})


def test_every_preset_costs_something_and_names_its_source() -> None:
    for name, make in PRESETS.items():
        assert not make().is_free
        assert "bp" in make().describe() or "share" in make().describe()
        assert len(make.__doc__ or "") > 60, name


def test_a_fixed_commission_per_share_is_charged_to_the_cent() -> None:
    """100 shares at 50: 0.50, raised to the minimum of 1.00; 1,000 shares: 5.00; 10 shares at 1: capped at 1 %."""
    close = np.full(6, 50.0)
    bars = tw.Bars.from_arrays(None, close, close, close, close)
    for quantity, price, fee in ((100, 50.0, 1.0), (1000, 50.0, 5.0), (10, 1.0, 0.1)):
        flat = bars if price == 50.0 else tw.Bars.from_arrays(None, *[np.full(6, price)] * 4)
        orders = [{"bar": 0, "quantity": quantity}]
        found = tw.backtest(flat, orders=orders, commission="ib_fixed", slippage=0)
        assert found.fills["fee"].tolist() == [fee]


def test_the_spec_of_the_engine_takes_every_setting() -> None:
    for n_assets in (1, 4):
        spec = core.Spec(n_assets, **Settings().spec_settings(n_assets))
        assert spec.n_assets == n_assets
    assert Settings().spec_settings(4)["size"] == 0.25
    assert Settings(size=1.0).spec_settings(4)["size"] == 1.0


def test_the_configuration_and_the_engine_have_the_same_defaults() -> None:
    from tradewright.app.config import engine_settings, resolve

    assert engine_settings(resolve(env={}).config) == Settings()


def test_a_profile_limits_the_engine() -> None:
    bars = walk_bars(120)
    free = tw.backtest(bars, "buy_and_hold")
    bound = tw.backtest(bars, "buy_and_hold", profile="risk_low")
    assert free.exposure.max() > 0.95
    assert bound.exposure.max() < 0.3
    assert bound.settings.max_drawdown == 0.08
    assert bound.manifest["configuration"]["profile"] == "risk_low"


def test_options_win_over_the_configuration_file(tmp_path: Any) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(
        "engine:\n  size: 0.4\n  fill: next_close\ncosts:\n  commission_bps: 7\nstrategy:\n  name: buy_and_hold\n"
    )
    found = tw.backtest(walk_bars(60), config=path, size=0.2, slippage="3bp")
    assert found.strategy_name == "buy_and_hold"
    assert (found.settings.size, found.settings.fill) == (0.2, "next_close")
    assert found.settings.costs == CostSettings(maker_rate=0.0007, taker_rate=0.0007, slip_a=0.0003)


@pytest.mark.parametrize(
    "model", ["fixed:0.05", "volume_share:0.1:0.025", "square_root:0.5", "almgren_chriss:0.3:0.1:0.6"]
)
def test_impact_models_make_fills_worse(model: str) -> None:
    bars = walk_bars(120)
    found = tw.backtest(bars, "sma_cross", params={"fast": 2, "slow": 6}, slippage=model, initial_capital=1e7)
    worse = np.sign(found.fills["quantity"]) * (found.fills["price"] - found.fills["raw_price"])
    late = found.fills["bar"] > 30  # volatility is known by then
    assert (worse[late] > 0).all()
    name = "in price" if model.startswith("fixed") else model.partition(":")[0]
    assert name in found.conventions["costs"]


def test_an_atr_stop_lies_that_many_ranges_below_the_fill() -> None:
    bars = walk_bars(200)
    found = tw.backtest(bars, "sma_cross", params={"fast": 3, "slow": 20}, stop="2atr", atr_window=10)
    atr = core.atr(*(np.ascontiguousarray(getattr(bars, name)[:, 0]) for name in ("high", "low", "close")), 10)
    entries = {int(r["id"]): r for r in found.orders.rows() if r["reason"] == "signal" and r["quantity"] > 0}
    stops = [r for r in found.orders.rows() if r["kind"] == "stop"]
    assert stops
    for stop in stops:
        entry = entries[stop["parent"]]
        assert stop["stop"] == pytest.approx(entry["price"] - 2 * atr[entry["bar"]], abs=1e-9)
