"""Liquidity from bars: by hand, by the authors' own code, on prices whose spread is known, and causal to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tradewright.domain.errors import InputError
from tradewright.features.microstructure import (
    BAR_FEATURES,
    BarStream,
    abdi_ranaldo,
    amihud,
    corwin_schultz,
    edge_spread,
    hasbrouck_lambda,
    kyle_lambda,
    roll_spread,
)
from tradewright.testing import spread_bars

Columns = dict[str, np.ndarray[Any, np.dtype[np.float64]]]


BARS = spread_bars(0.01, 160, seed=1)


def compute(name: str, bars: Columns, **params: Any) -> np.ndarray[Any, Any]:
    feature = BAR_FEATURES[name]
    return feature.function(*(bars[key] for key in feature.inputs), **params)


@pytest.mark.parametrize("name", BAR_FEATURES)
@pytest.mark.parametrize("window", [3, 21])
def test_nan_exactly_for_the_warm_up(name: str, window: int) -> None:
    values = compute(name, BARS, window=window)
    warm_up = BAR_FEATURES[name].warm_up(window)
    assert np.isnan(values[: warm_up - 1]).all()
    assert np.isfinite(values[warm_up - 1 :]).all()
    assert np.isnan(compute(name, {k: v[: warm_up - 1] for k, v in BARS.items()}, window=window)).all()


@pytest.mark.parametrize("name", BAR_FEATURES)
def test_rows_know_nothing_later_and_bar_by_bar_is_the_same(name: str) -> None:
    values = compute(name, BARS, window=7)
    cut = compute(name, {k: v[:90] for k, v in BARS.items()}, window=7)
    np.testing.assert_array_equal(cut, values[:90])
    changed = {k: np.concatenate([v[:90], v[90:] * 3]) for k, v in BARS.items()}
    np.testing.assert_array_equal(compute(name, changed, window=7)[:90], values[:90])
    stream = BarStream(name, window=7)
    rows = zip(*(BARS[key] for key in BAR_FEATURES[name].inputs), strict=True)
    np.testing.assert_array_equal([stream.update(*row) for row in rows], values)


@pytest.mark.parametrize("name", BAR_FEATURES)
def test_several_assets_are_one_by_one_and_a_missing_row_passes(name: str) -> None:
    two = {k: np.column_stack([v, v[::-1] * 1.5]) for k, v in BARS.items()}
    both = compute(name, two, window=5)
    np.testing.assert_array_equal(both[:, 0], compute(name, BARS, window=5))
    holed = {k: v.copy() for k, v in BARS.items()}
    for column in holed.values():
        column[50] = np.nan
    values, clean = compute(name, holed, window=5), compute(name, BARS, window=5)
    warm_up = BAR_FEATURES[name].warm_up(5)
    np.testing.assert_array_equal(values[:50], clean[:50])
    assert np.isnan(values[50 : 50 + warm_up - 1]).all()
    np.testing.assert_array_equal(values[50 + warm_up :], clean[50 + warm_up :])


def test_spreads_do_not_depend_on_the_unit_of_prices() -> None:
    scaled = {k: v * 7 if k != "volume" else v for k, v in BARS.items()}
    for name in ("roll_spread", "corwin_schultz", "abdi_ranaldo", "edge_spread"):
        np.testing.assert_allclose(
            compute(name, scaled, window=21), compute(name, BARS, window=21), rtol=1e-9, atol=1e-12
        )


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_edge_is_that_of_its_authors() -> None:
    bidask = pytest.importorskip("bidask")
    import pandas as pd

    quiet = spread_bars(0.004, 300, seed=2, trades=20, seen=0.2)  # bars of few trades, many of them flat
    for bars in (BARS, quiet):
        frame = pd.DataFrame({k: bars[k] for k in ("open", "high", "low", "close")})
        for window in (3, 21, 60):
            for signed in (False, True):
                theirs = bidask.edge_rolling(frame, window=window, sign=signed).to_numpy()
                ours = compute("edge_spread", bars, window=window, signed=signed)
                np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def test_roll_is_the_covariance_of_numpy() -> None:
    close = BARS["close"]
    change = np.diff(np.log(close))
    ours = roll_spread(close, window=10, negative="signed")
    for t in (11, 40, 159):
        pair = np.cov(change[t - 10 : t], change[t - 11 : t - 1])[0, 1]
        assert ours[t] == pytest.approx(2 * np.sign(-pair) * np.sqrt(abs(pair)), rel=1e-9)
    zero, gone = roll_spread(close, window=10), roll_spread(close, window=10, negative="nan")
    np.testing.assert_array_equal(zero[11:] == 0, np.isnan(gone[11:]))


def test_lambdas_are_regressions() -> None:
    close, volume = BARS["close"], BARS["volume"] + np.arange(160)
    sign = np.sign(np.diff(close))
    t, w = 100, 30
    x = (sign * volume[1:])[t - w : t]
    slope = np.linalg.lstsq(x[:, None], np.diff(close)[t - w : t], rcond=None)[0][0]
    assert kyle_lambda(close, volume, window=w)[t] == pytest.approx(slope)
    x = (sign * np.sqrt(volume[1:] * close[1:]))[t - w : t]
    slope = np.linalg.lstsq(x[:, None], np.diff(np.log(close))[t - w : t], rcond=None)[0][0]
    assert hasbrouck_lambda(close, volume, window=w)[t] == pytest.approx(slope)
    given = np.concatenate([[0.0], sign * volume[1:]])
    np.testing.assert_array_equal(
        kyle_lambda(close, volume, window=w, signed_volume=given), kyle_lambda(close, volume, window=w)
    )


def test_kyles_lambda_finds_the_impact_that_was_put_in() -> None:
    rng = np.random.default_rng(3)
    flow = rng.normal(0, 1000, 4000)
    close = 100 + np.cumsum(0.0002 * flow + rng.normal(0, 0.05, 4000))
    found = kyle_lambda(close, np.abs(flow), window=3999, signed_volume=flow)[-1]
    assert found == pytest.approx(0.0002, rel=0.03)


def test_bars_without_volume_are_left_out_of_amihud() -> None:
    close, volume = [100.0, 101.0, 101.0, 102.01], [1.0, 1.0, 0.0, 2.0]
    values = amihud(close, volume, window=2)
    assert values[2] == pytest.approx(0.01 / 101)
    assert values[3] == pytest.approx(0.01 / 204.02)
    assert np.isnan(amihud(close, [1.0, 0, 0, 0], window=1)[1:]).all()
    assert np.isnan(kyle_lambda([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], window=1)[2])


def test_overnight_gaps_are_taken_out_of_corwin_and_schultz() -> None:
    """A bar moved up as a whole gives the spread of the bar that was not moved, with its low at the close before."""
    flat = corwin_schultz([101.0, 101.5], [100.0, 100.5], [100.5, 101.0], window=1)[1]
    gapped = corwin_schultz([101.0, 109.5], [100.0, 108.5], [100.5, 109.0], window=1)[1]
    assert gapped == pytest.approx(flat, abs=1e-15)
    fallen = corwin_schultz([101.0, 91.0], [100.0, 90.0], [100.5, 90.5], window=1)[1]
    mirror = corwin_schultz([101.0, 100.5], [100.0, 99.5], [100.5, 99.8], window=1)[1]
    assert fallen == pytest.approx(mirror, abs=1e-15)


def test_negative_estimates_follow_the_choice() -> None:
    high, low, close = ([*range(101, 141)], [*range(100, 140)], [x + 0.5 for x in range(100, 140)])
    signed = corwin_schultz(high, low, close, window=1, negative="signed")[1:]
    assert (signed < 0).all()
    assert (corwin_schultz(high, low, close, window=1)[1:] == 0).all()
    assert np.isnan(corwin_schultz(high, low, close, window=1, negative="nan")[1:]).all()
    mixed = abdi_ranaldo(BARS["high"], BARS["low"], BARS["close"], window=5, correction="two_bar", negative="nan")
    zeros = abdi_ranaldo(BARS["high"], BARS["low"], BARS["close"], window=5, correction="two_bar")
    assert (np.isnan(mixed[5:]) == (zeros[5:] == 0)).all()  # all of the window were negative
    assert (mixed[5:] >= zeros[5:])[zeros[5:] > 0].all()


@pytest.mark.parametrize("spread", [0.005, 0.01, 0.03])
def test_estimates_on_prices_of_a_known_spread(spread: float) -> None:
    """A year of minutes a day, volatility 2 %, at four seeds: all four within their known bias (largest: CS)."""
    found: dict[str, list[float]] = {"edge": [], "roll": [], "cs": [], "ar": []}
    for seed in range(4):
        b = spread_bars(spread, 2000, seed=seed, volatility=0.02)
        n = 2000
        found["edge"].append(edge_spread(b["open"], b["high"], b["low"], b["close"], window=n)[-1])
        found["roll"].append(roll_spread(b["close"], window=n - 2)[-1])
        found["cs"].append(corwin_schultz(b["high"], b["low"], b["close"], window=n - 1, negative="signed")[-1])
        found["ar"].append(abdi_ranaldo(b["high"], b["low"], b["close"], window=n - 1)[-1])
    means = {name: float(np.mean(values)) for name, values in found.items()}
    assert means["edge"] == pytest.approx(spread, abs=0.0012)
    assert means["ar"] == pytest.approx(spread, abs=0.003)
    assert means["cs"] == pytest.approx(spread, abs=0.004)
    assert means["roll"] == pytest.approx(spread, abs=0.006)


def test_edge_keeps_its_aim_where_few_trades_are_seen() -> None:
    """The case its authors made it for: highs and lows of few trades hide the range, and bias the others downwards."""
    b = spread_bars(0.01, 4000, seed=5, seen=0.01)
    edge = edge_spread(b["open"], b["high"], b["low"], b["close"], window=4000)[-1]
    cs = corwin_schultz(b["high"], b["low"], b["close"], window=3999, negative="signed")[-1]
    assert abs(edge - 0.01) < 0.0015
    assert cs < 0.007


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: roll_spread([1.0, 2.0], window=1), "2 or more"),
        (lambda: edge_spread([1.0], [1.0], [1.0], [1.0], window=2.5), "whole number"),
        (lambda: amihud([1.0, 2.0], [1.0], window=1), "shapes"),
        (lambda: amihud([1.0, -2.0], [1.0, 1.0], window=1), "row 1"),
        (lambda: amihud([1.0, 2.0], [1.0, -1.0], window=1), "0 or more"),
        (lambda: roll_spread([1.0, 2.0], negative="zeros"), "did you mean 'zero'"),
        (lambda: abdi_ranaldo([1.0], [1.0], [1.0], correction="month"), "two_bar"),
        (lambda: BarStream("amihut"), "did you mean 'amihud'"),
        (lambda: BarStream("amihud", negative="zero"), "cannot take"),
        (lambda: BarStream("amihud", window=3).update(1.0), "takes close, volume"),
        (lambda: kyle_lambda([1.0, 2.0], [1.0, 1.0], signed_volume=[1.0]), "that of volume"),
    ],
)
def test_wrong_calls_are_refused(call: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        call()


def test_they_are_features_of_the_registry_with_the_same_values() -> None:
    from tradewright.domain.bars import Bars
    from tradewright.features.pipeline import FeatureSet
    from tradewright.features.registry import names

    assert set(BAR_FEATURES) - {"amihud"} <= set(names("liquidity"))
    bars = Bars.from_arrays(None, *(BARS[k] for k in ("open", "high", "low", "close", "volume")))
    for name in set(BAR_FEATURES) - {"amihud"}:
        found = FeatureSet([{"feature": name, "window": 10}]).compute(bars).column(0)[:, 0]
        np.testing.assert_array_equal(found, compute(name, BARS, window=10))
