"""What can be given to an indicator, what comes back, and what is refused with which sentence."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.domain.errors import ConfigError, InputError
from tradewright.features import indicators
from tradewright.testing.market import walk_bars

BARS = walk_bars(80, 3)
CLOSE = BARS.close[:, 0].copy()


def test_arrays_lists_and_bars() -> None:
    wanted = indicators.rsi(CLOSE, window=5)
    assert wanted.shape == (80,)
    np.testing.assert_array_equal(indicators.rsi(CLOSE.tolist(), window=5), wanted)
    both = indicators.rsi(BARS, window=5)
    assert both.shape == (80, 3)
    np.testing.assert_array_equal(both[:, 0], wanted)
    np.testing.assert_array_equal(tw.indicators.compute("rsi", BARS, window=5), both)
    np.testing.assert_array_equal(indicators.rsi(close=CLOSE, window=5), wanted)
    np.testing.assert_array_equal(indicators.rsi(CLOSE.astype(np.float32), window=5).dtype, np.float64)


def test_several_outputs_are_a_named_tuple() -> None:
    found = indicators.macd(BARS)
    assert found._fields == ("macd", "signal", "histogram")
    assert found.signal.shape == (80, 3)
    top, middle, bottom = indicators.bbands(CLOSE, window=5)
    assert (top[5:] >= middle[5:]).all()
    assert (middle[5:] >= bottom[5:]).all()


def test_several_columns_by_place_by_name_and_from_a_mapping() -> None:
    high, low, close = BARS.high, BARS.low, BARS.close
    wanted = indicators.atr(high, low, close, window=5)
    np.testing.assert_array_equal(indicators.atr(BARS, window=5), wanted)
    np.testing.assert_array_equal(indicators.atr(high, low=low, close=close, window=5), wanted)
    np.testing.assert_array_equal(indicators.atr({"High": high, "LOW": low, "close": close}, window=5), wanted)


def test_a_field_other_than_the_close() -> None:
    np.testing.assert_array_equal(indicators.sma(BARS, window=5, field="volume"), indicators.sma(BARS.volume, window=5))
    with pytest.raises(InputError, match=r"no field 'volum', did you mean 'volume'"):
        indicators.sma(BARS, field="volum")
    with pytest.raises(InputError, match="field belongs to indicators of one column"):
        indicators.atr(BARS, field="close")


def test_one_benchmark_for_all_assets() -> None:
    line = BARS.close[:, 2].copy()
    both = indicators.beta(BARS, benchmark=line, window=20)
    np.testing.assert_array_equal(both[:, 1], indicators.beta(BARS.close[:, 1].copy(), line, window=20))
    np.testing.assert_allclose(both[20:, 2], 1.0, rtol=1e-12)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_series_and_frames_come_back_as_they_were(library: str) -> None:
    module = pytest.importorskip(library)
    wanted = indicators.macd(BARS)
    series = module.Series(CLOSE) if library == "pandas" else module.Series("close", CLOSE)
    found = indicators.macd(series)
    assert type(found.signal) is type(series)
    np.testing.assert_array_equal(found.signal.to_numpy(), wanted.signal[:, 0])
    assert found.signal.name == "signal"
    wide = module.DataFrame({f"A{k}": BARS.close[:, k] for k in range(3)})
    both = indicators.macd(wide)
    assert type(both.macd) is type(wide)
    assert list(both.macd.columns) == ["A0", "A1", "A2"]
    np.testing.assert_array_equal(both.macd.to_numpy(), wanted.macd)
    table = module.DataFrame({key: getattr(BARS, key)[:, 0] for key in ("open", "high", "low", "close", "volume")})
    ranges = indicators.atr(table, window=5)
    assert type(ranges) is type(series)
    np.testing.assert_array_equal(ranges.to_numpy(), indicators.atr(BARS, window=5)[:, 0])


def test_a_pandas_index_is_kept() -> None:
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2024-01-01", periods=80, tz="America/New_York")
    found = indicators.rsi(pd.Series(CLOSE, index=days))
    assert (found.index == days).all()
    wide = indicators.rsi(pd.DataFrame({"A": CLOSE, "B": CLOSE}, index=days))
    assert (wide.index == days).all()


def test_polars_nulls_are_missing_and_dates_stay() -> None:
    pl = pytest.importorskip("polars")
    found = indicators.sma(pl.Series("x", [1, None, 3, 5]), window=2)
    assert np.isnan(found.to_numpy()[:3]).all()
    assert found[3] == 4.0
    table = pl.DataFrame({"day": ["a", "b"], "X": [1.0, 3.0]})
    assert indicators.sma(table, window=2).columns == ["day", "X"]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: indicators.compute("rsy", CLOSE), "no indicator 'rsy', did you mean 'rsi'"),
        (lambda: indicators.compute("stddev", CLOSE), "did you mean 'std'"),
        (lambda: indicators.rsi(CLOSE, windwo=3), r"no parameter 'windwo', did you mean 'window'"),
        (lambda: indicators.rsi(CLOSE, length=3), "did you mean 'window'"),
        (lambda: indicators.rsi(CLOSE, window=0), "window of rsi is 0; it must be a whole number from 1"),
        (lambda: indicators.rsi(CLOSE, window=2.5), "window of rsi is 2.5; it must be a whole number"),
        (lambda: indicators.rsi(CLOSE, window="14"), "window of rsi is '14'"),
        (lambda: indicators.rsi(CLOSE, window=True), "window of rsi is True"),
        (lambda: indicators.rsi(CLOSE, seed="sme"), "one of sma, first, did you mean 'sma'"),
        (lambda: indicators.macd(CLOSE, fast=26, slow=12), "macd needs fast < slow"),
        (lambda: indicators.std(CLOSE, window=1, ddof=1), "window > ddof"),
        (lambda: indicators.atr(CLOSE), "atr needs low, close"),
        (lambda: indicators.atr(CLOSE, CLOSE, CLOSE, CLOSE), "atr takes 3 columns"),
        (lambda: indicators.atr(CLOSE, CLOSE[1:], CLOSE), "equal shapes"),
        (lambda: indicators.rsi(CLOSE, high=CLOSE), "has no parameter 'high'"),
        (lambda: indicators.rsi(np.zeros((2, 2, 2))), "3 dimensions"),
        (lambda: indicators.rsi(["a", "b"]), "must hold numbers"),
        (lambda: indicators.rsi(object()), "give an array, a list"),
        (lambda: indicators.compute("rsi"), "rsi needs close"),
        (lambda: indicators.beta(BARS), "beta needs benchmark"),
        (lambda: indicators.vwap_anchored(BARS), "vwap_anchored needs anchor"),
        (lambda: indicators.rsi(CLOSE, engine="ta"), "engine is 'ta'"),
        (
            lambda: indicators.rsi(CLOSE, missing="skp"),
            "missing is 'skp'; it must be window or skip, did you mean 'skip'",
        ),
        (lambda: indicators.ht_period(CLOSE, engine="tradewright"), "computed by TA-Lib only"),
        (lambda: indicators.choppiness(BARS, engine="talib"), "TA-Lib does not compute choppiness"),
        (lambda: indicators.names("momentun"), "no family 'momentun', did you mean 'momentum'"),
    ],
)
def test_what_is_refused(call: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        call()


def test_talib_is_asked_only_where_conventions_agree() -> None:
    pytest.importorskip("talib")
    with pytest.raises(InputError, match="only with seed='sma'"):
        indicators.rsi(CLOSE, seed="first", engine="talib")
    np.testing.assert_allclose(indicators.rsi(BARS, engine="talib")[14:], indicators.rsi(BARS)[14:], rtol=1e-10)


def test_without_talib_ours_compute_and_the_others_say_what_to_install() -> None:
    """In a process of its own, in which TA-Lib cannot be imported."""
    text = (
        "import sys; sys.modules['talib'] = None\n"
        "import tradewright as tw\n"
        "print(tw.indicators.rsi([1.0, 2.0, 1.0], window=2).tolist()[2], len(tw.indicators.names()))\n"
        "assert tw.indicators.ht_period.to_dict()['warm_up'] is None\n"
        "try:\n    tw.indicators.ht_period([1.0] * 100)\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("50.0 2")
    assert lines[1].startswith("ConfigError")
    assert "tradewright[ta]" in lines[1]
    assert issubclass(ConfigError, Exception)


def test_importing_indicators_loads_no_vendor() -> None:
    text = (
        "import sys, tradewright as tw; tw.indicators.names()\n"
        "print([m for m in ('pandas', 'polars', 'talib', 'narwhals', 'pydantic', 'typer') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_hole_is_said_where_it_is_and_nowhere_else() -> None:
    holed = CLOSE.copy()
    holed[40] = np.nan
    mean, strength = indicators.sma(holed, window=5), indicators.rsi(holed, window=5)
    assert np.flatnonzero(np.isnan(mean)).tolist() == [0, 1, 2, 3, 40, 41, 42, 43, 44]
    assert np.flatnonzero(np.isnan(strength)).tolist() == [0, 1, 2, 3, 4, 40]
    without = indicators.rsi(np.delete(CLOSE, 40), window=5)
    np.testing.assert_array_equal(np.delete(strength, 40), without)


def test_an_asset_of_bars_does_not_depend_on_those_beside_it() -> None:
    """A row without a bar of an asset is no row of that asset; of arrays it is a missing value, unless one says so."""
    shared = walk_bars(120, 2)
    holes = np.zeros(120, dtype=bool)
    holes[5::7] = True  # such as the weekends of one of the two
    fields = {}
    for key in ("open", "high", "low", "close", "volume"):
        values = getattr(shared, key).copy()
        values[holes, 0] = np.nan
        fields[key] = values
    bars = tw.Bars.from_arrays(shared.ts, **fields, symbols=["A", "B"])
    alone = {key: values[~holes, 0].copy() for key, values in fields.items()}
    for name in ("rsi", "supertrend", "mfi", "turtle", "ichimoku"):
        found, wanted = indicators.compute(name, bars), indicators.compute(name, alone)
        pairs = zip(found, wanted, strict=True) if isinstance(found, tuple) else [(found, wanted)]
        for a, b in pairs:
            np.testing.assert_array_equal(a[~holes, 0], b)
            assert np.isnan(a[holes, 0]).all()
    close = fields["close"][:, 0].copy()
    np.testing.assert_array_equal(indicators.sma(bars, window=10)[~holes, 0], indicators.sma(alone["close"], window=10))
    assert np.isnan(indicators.sma(close, window=10)).all()
    np.testing.assert_array_equal(
        indicators.sma(close, window=10, missing="skip"), indicators.sma(bars, window=10)[:, 0]
    )
    stream = indicators.sma.stream(window=10, n_assets=2, missing="skip")
    rows = np.array([stream.update(fields["close"][t]) for t in range(120)])
    np.testing.assert_array_equal(rows, indicators.sma(bars, window=10))
    pieces = indicators.sma.stream(window=10, n_assets=2, missing="skip")
    joined = np.concatenate([pieces.extend(bars[:50]), pieces.extend(bars[50:])])
    np.testing.assert_array_equal(joined, rows)


def test_ichimoku_knows_nothing_of_the_cloud_to_come() -> None:
    """The cloud under a row is the one that was drawn 25 rows before; the one drawn now is under no row yet."""
    lines = indicators.ichimoku(BARS)
    np.testing.assert_array_equal(
        lines.cloud_a[25:], np.where(np.isnan(lines.lead_a[:-25]), np.nan, lines.lead_a[:-25])
    )
    lagging = lines.lagging[:, 0]
    np.testing.assert_allclose(lagging[25:], CLOSE[25:] - CLOSE[:-25])


def test_a_turtle_channel_can_be_broken_and_a_donchian_channel_cannot() -> None:
    donchian, turtle = indicators.donchian(BARS, window=10), indicators.turtle(BARS, entry=10)
    assert not (BARS.high > donchian.upper).any()
    assert (BARS.high > turtle.entry_high).any()
    np.testing.assert_array_equal(turtle.entry_high[10:], donchian.upper[9:-1])


def test_two_vwaps_of_one_session_are_one() -> None:
    session = np.zeros(80)
    whole = indicators.vwap(BARS)
    np.testing.assert_array_equal(indicators.vwap_session(BARS, session=session).vwap, whole)
    np.testing.assert_array_equal(indicators.vwap_anchored(BARS, anchor=int(BARS.ts[0])), whole)
    later = indicators.vwap_anchored(BARS, anchor=int(BARS.ts[30]))
    assert np.isnan(later[:30]).all()
    np.testing.assert_allclose(later[30:], indicators.vwap(BARS[30:]), rtol=1e-12)


def test_every_entry_says_what_a_reader_needs() -> None:
    for name in indicators.names():
        facts = indicators.indicator(name).to_dict()
        for key in ("title", "unit", "source", "known_at", "missing_values", "inputs", "outputs"):
            assert facts[key], f"{name} has no {key}"
        for p in facts["params"]:
            assert p["about"] or p["name"], name
        if facts["engine"] == "tradewright" and name != "vwap_anchored":
            assert facts["warm_up"] >= 1


def test_strategies_take_any_indicator_by_name() -> None:
    class Both(tw.Strategy):
        def init(self, bars):
            self.line = self.indicator("supertrend", 5, multiplier=2.0)
            self.side = self.indicator("supertrend", 5, multiplier=2.0, output="direction")
            self.mean = self.indicator("hma", window=9, field="volume")

        def on_bar(self, ctx):
            pass

    bars = BARS.select(BARS.symbols[1])
    strategy = Both()
    tw.backtest(bars, strategy)
    wanted = indicators.supertrend(bars, window=5, multiplier=2.0)
    seen = Both()
    from tradewright.strategies.base import initialised

    found = initialised(seen, bars)[1]
    np.testing.assert_array_equal(found[0].source, wanted.line[:, 0])
    np.testing.assert_array_equal(found[1].source, wanted.direction[:, 0])
    np.testing.assert_array_equal(found[2].source, indicators.hma(bars.volume[:, 0].copy(), window=9))
