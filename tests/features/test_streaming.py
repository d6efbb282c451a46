"""One row at a time: what can be given, what comes back, and that memory does not grow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tradewright.domain.errors import InputError
from tradewright.features import Stream, indicators
from tradewright.testing.market import walk_bars

BARS = walk_bars(60, 2)


def test_bars_mappings_and_values_are_the_same_row() -> None:
    wanted = indicators.atr(BARS, window=5)[:, 0]
    one, two, three = (indicators.atr.stream(window=5) for _ in range(3))
    for row in range(60):
        bar = BARS.bar(row, BARS.symbols[0])
        assert bar is not None
        found = (
            one.update(bar),
            two.update({"high": bar.high, "low": bar.low, "close": bar.close}),
            three.update(bar.high, bar.low, bar.close),
        )
        for value in found:
            assert value == wanted[row] or (np.isnan(value) and np.isnan(wanted[row]))
    assert one.count == 60
    assert repr(one) == "Stream(atr: window=5, average='rma'; 60 rows)"


def test_several_assets_in_one_stream() -> None:
    stream = indicators.macd.stream(n_assets=2, fast=3, slow=6, signal=3)
    wanted = indicators.macd(BARS, fast=3, slow=6, signal=3)
    rows = [stream.update(BARS.close[t]) for t in range(60)]
    np.testing.assert_array_equal(np.array([row.signal for row in rows]), wanted.signal)
    whole = indicators.macd.stream(n_assets=2, fast=3, slow=6, signal=3).extend(BARS)
    np.testing.assert_array_equal(whole.signal, wanted.signal)


def test_the_session_of_a_bar_is_its_day() -> None:
    stream = indicators.vwap_session.stream()
    bar = BARS.bar(0, BARS.symbols[0])
    assert bar is not None
    assert stream.update(bar).vwap == pytest.approx((bar.high + bar.low + bar.close) / 3.0)


def test_ours_keep_windows_and_talibs_keep_rows() -> None:
    assert indicators.rsi.stream().memory == "windows"
    pytest.importorskip("talib")
    assert indicators.ht_period.stream().memory == "all rows"


def test_a_stream_of_talib_equals_its_columns_beyond_its_first_memory() -> None:
    pytest.importorskip("talib")
    bars = walk_bars(300, 1)
    stream = indicators.cdl_engulfing.stream()
    found = [stream.update(bars.bar(t)) for t in range(300)]
    np.testing.assert_array_equal(found, indicators.cdl_engulfing(bars)[:, 0])
    assert np.abs(np.nan_to_num(found)).sum() > 0.0


def test_long_streams_keep_their_digits_and_equal_the_columns() -> None:
    rng = np.random.default_rng(2)
    x = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, 30_000)))
    for name, params in (("sma", {"window": 50}), ("max", {"window": 700}), ("quantile", {"window": 60}), ("ema", {})):
        stream = Stream(name, **params)
        found = np.array([stream.update(float(v)) for v in x])
        np.testing.assert_array_equal(found, indicators.compute(name, x, **params))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Stream("rsy"), "did you mean 'rsi'"),
        (lambda: Stream("rsi", window=0), "window of rsi is 0"),
        (lambda: Stream("rsi", n_assets=0), "n_assets is 0"),
        (lambda: Stream("atr").update(1.0, 2.0), "atr takes 3 values"),
        (lambda: Stream("atr").update({"high": 1.0, "low": 1.0}), "atr needs close"),
        (lambda: Stream("rsi", n_assets=3).update([1.0, 2.0]), "this stream takes 3 assets"),
        (lambda: Stream("rsi").extend(BARS), "this stream takes 1"),
    ],
)
def test_what_is_refused(call: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        call()
