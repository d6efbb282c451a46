"""Funding of perpetual contracts: a rate every eight hours, from the configuration to the cash flows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tradewright as tw
from tradewright.app.cli import main
from tradewright.app.config import resolve
from tradewright.domain.errors import ConfigError

HOUR = np.timedelta64(1, "h")
STAMPS = np.datetime64("2024-01-01T01:00", "ns") + np.arange(48) * HOUR
FLAT = np.full(48, 100.0)
BARS = tw.Bars.from_arrays(STAMPS, FLAT, FLAT, FLAT, FLAT, symbols="BTC-PERP")
ORDER = [{"bar": 1, "quantity": 10.0}]
RATE = {"taker_rate": 0.0, "maker_rate": 0.0, "funding_rate": 0.0001}


def test_longs_pay_at_midnight_eight_and_sixteen() -> None:
    found = tw.backtest(BARS, orders=ORDER, costs=RATE, slippage=0.0001)
    flows = found.cash_flows
    # Held from the bar that closes at 03:00: 08:00, 16:00 and midnight of both days.
    assert [str(time)[11:16] for time in flows["time"]] == ["08:00", "16:00", "00:00"] * 2
    assert set(flows["kind"]) == {"funding"}
    assert flows["amount"].tolist() == pytest.approx([-0.1] * 6)
    assert found.stats["funding"] == pytest.approx(0.6)
    assert "funding 1 bp every eight hours" in found.conventions["costs"]
    short = tw.backtest(BARS, orders=[{"bar": 1, "quantity": -10.0}], costs=RATE, slippage=0.0001)
    assert short.stats["funding"] == pytest.approx(-0.6)
    turned = tw.backtest(BARS, orders=ORDER, costs={**RATE, "funding_rate": -0.0001}, slippage=0.0001)
    assert turned.stats["funding"] == pytest.approx(-0.6)


def test_the_length_of_a_bar_does_not_change_what_is_paid() -> None:
    days = np.datetime64("2024-01-01T00:00", "ns") + np.arange(4) * np.timedelta64(1, "D")
    daily = tw.Bars.from_arrays(days, *[np.full(4, 100.0)] * 4, symbols="BTC-PERP")
    found = tw.backtest(daily, orders=[{"bar": 0, "quantity": 10.0}], costs=RATE, slippage=0.0001)
    assert found.cash_flows["amount"].tolist() == pytest.approx([-0.3, -0.3])


def test_only_coins_and_futures_are_funded() -> None:
    both = tw.Bars.from_arrays(STAMPS, *[np.full((48, 2), 100.0)] * 4, symbols=["BTC-PERP", "AAPL"])
    orders = [{"bar": 1, "quantity": 10.0, "symbol": symbol} for symbol in both.symbols]
    found = tw.backtest(both, orders=orders, costs=RATE, slippage=0.0001)
    assert set(found.cash_flows["symbol"]) == {"BTC-PERP"}
    with pytest.raises(ConfigError, match="neither a coin nor a future is among AAPL"):
        tw.backtest(both.select(["AAPL"]), "buy_and_hold", costs={"funding_rate": 0.0001})
    with pytest.raises(ConfigError, match=r"at most 0\.05"):
        tw.CostSettings(funding_rate=1.0)


def test_a_sweep_pays_what_a_backtest_pays() -> None:
    close = 100.0 + 10.0 * np.sin(np.arange(48) / 5.0)
    bars = tw.Bars.from_arrays(STAMPS, close, close, close, close, symbols="BTC-PERP")
    params = {"fast": 2, "slow": 6, "direction": "long_short"}
    one = tw.backtest(bars, "sma_cross", params=params, costs={"funding_rate": 0.001})
    many = tw.sweep(
        bars,
        "sma_cross",
        grid={"fast": [2, 3], "slow": [6]},
        params={"direction": "long_short"},
        costs={"funding_rate": 0.001},
    )
    assert one.stats["funding"] != 0.0
    assert many.row(0)["final_equity"] == one.stats["final_equity"]


def test_the_configuration_sets_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "asset_classes:\n  crypto:\n    costs:\n      funding_rate: 0.0002\n"
    (tmp_path / "c.yaml").write_text(text)
    assert resolve(file=tmp_path / "c.yaml", symbols=["BTC-USD"], env={}).config.costs.funding_rate == 0.0002
    assert resolve(file=tmp_path / "c.yaml", symbols=["SPY"], env={}).config.costs.funding_rate == 0.0
    lines = [f"{str(stamp)[:19]}Z,100,100,100,100" for stamp in STAMPS - HOUR]
    (tmp_path / "BTC-PERP.csv").write_text("\n".join(["timestamp,open,high,low,close", *lines]) + "\n")
    words = ["backtest", "--data", str(tmp_path / "BTC-PERP.csv"), "--strategy", "buy_and_hold", "--fast", "--json"]
    assert main([*words, "--set", "costs.funding_rate=0.0001"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {flow["kind"] for flow in document["cash_flows"]} == {"funding"}
    assert document["stats"]["funding"] > 0.0
