from __future__ import annotations

import datetime as dt

import pytest

from tradewright.domain.errors import InputError
from tradewright.domain.instrument import AssetClass, Instrument, OptionKind, asset_class_of

NOTATIONS = {
    AssetClass.CRYPTO: "BTC-USD BTC/USDT ETHUSDT ETH-EUR BTCUSD SOL_USDC XBTUSD FOO/USDT 1INCHUSDT BTC/USDT:USDT "
    "X:BTCUSD ETH/BTC doge-usd BTC PEPE24478-USD ADABTC",
    AssetClass.FX: "EURUSD EUR/USD EURUSD=X JPY=X C:EURUSD GBP-JPY usd_chf XAUUSD XAG/USD EUR_NOK",
    AssetClass.ETF: "SPY QQQ XLK XLE XLRE GLD TLT IWM EEM HYG VTI SOXL BITO ARKK spy",
    AssetClass.INDEX: "^GSPC ^VIX _VIX _SPX SPX VIX IXIC I:NDX $DJI",
    AssetClass.FUTURE: "ES=F CL=F /ES ESZ24 NQH5",
    AssetClass.OPTION: "SPY240119C00480000 O:AAPL250620P00150000",
    AssetClass.EQUITY: "TSLA AAPL MSFT BRK-B BRK.B BF-B BF/B GE F T USB DAL HYUNDAI RDS-A 7203.T SHOP.TO VOD.L EUR",
}


@pytest.mark.parametrize(("symbol", "expected"), [(s, c) for c, text in NOTATIONS.items() for s in text.split()])
def test_the_class_is_read_from_the_notation(symbol: str, expected: AssetClass) -> None:
    assert asset_class_of(symbol) is expected


def test_the_default_universes_are_classified() -> None:
    universe = ["SPY", "QQQ", "AAPL", "MSFT", "NVDA", "GOOGL", "TSLA", "AMZN", "BTC-USD", "ETH-USD"]
    found = [str(asset_class_of(s)) for s in universe]
    assert found == ["etf"] * 2 + ["equity"] * 6 + ["crypto"] * 2


def test_instruments_are_equal_and_hashed_by_id() -> None:
    a, b = Instrument("BTC/USDT", venue="binance", tick=0.01), Instrument("BTC/USDT", venue="binance", lot=0.1)
    assert a == b
    assert hash(a) == hash(b)
    assert {a: 1}[b] == 1
    assert a != Instrument("BTC/USDT", venue="kraken")
    assert a != Instrument("BTC/USDT")
    assert a != "BTC/USDT.binance"
    assert str(a) == a.id == "BTC/USDT.binance"


def test_class_defaults_and_overrides() -> None:
    assert Instrument.of("BTC-USD").calendar == "24/7"
    assert Instrument.of("USDJPY").currency == "JPY"
    assert Instrument.of("ETHUSDT").currency == "USDT"
    assert Instrument.of("ES=F").asset_class is AssetClass.FUTURE
    assert Instrument.of("AAPL", calendar="XLON", tick=0.01).calendar == "XLON"
    assert Instrument.of("XYZ", asset_class="crypto").calendar == "24/7"


def test_an_option_symbol_tells_its_terms() -> None:
    option = Instrument.of("O:AAPL250620P00150500")
    assert (option.underlying, option.expiry, option.option_kind, option.strike, option.multiplier) == (
        "AAPL",
        dt.date(2025, 6, 20),
        OptionKind.PUT,
        150.5,
        100.0,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"symbol": ""},
        {"symbol": " SPY"},
        {"symbol": "SPY", "tick": -0.01},
        {"symbol": "SPY", "lot": float("nan")},
        {"symbol": "SPY", "min_notional": float("inf")},
        {"symbol": "SPY", "multiplier": 0.0},
    ],
)
def test_impossible_instruments_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Instrument(**fields)  # type: ignore[arg-type]
