"""Every feature sits the exam: form, warm-up, no later row, row by row equals whole columns to 1e-12."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tradewright.features.dated import DatedSeries
from tradewright.features.feature import FEATURES
from tradewright.features.pipeline import FeatureSet
from tradewright.features.registry import feature, names, preset
from tradewright.testing import check_feature, walk_bars

_RETURN: dict[str, Any] = {"feature": "log_return", "window": 1}
_GIVEN: dict[str, dict[str, Any]] = {
    "difference": {"of": "close"},
    "absolute": {"of": _RETURN},
    "sign": {"of": _RETURN},
    "clipped": {"of": _RETURN, "low": -0.01, "high": 0.01},
    "ratio": {"of": "close", "by": {"feature": "sma", "window": 5}},
    "spread": {"of": "close", "by": {"feature": "sma", "window": 5}},
    "product": {"of": _RETURN, "by": "volume"},
    "rolling_correlation": {"of": _RETURN, "by": {"feature": "of_symbol", "symbol": "WALK2"}, "window": 10},
    "rolling_beta": {"of": _RETURN, "by": {"feature": "of_symbol", "symbol": "WALK2"}, "window": 10},
    "of_symbol": {"symbol": "WALK2"},
    "volatility_rank": {"window": 5, "lookback": 20},
    "momentum_skip": {"window": 30, "skip": 5},
    "residual_momentum": {"window": 10, "beta_window": 20},
    "garch_volatility": {"min_rows": 100, "refit": 40},
    **{name: {"series": "figures"} for name in ("dated", "dated_age", "dated_mean", "dated_count")},
    **{name: {"series": "figures"} for name in ("hours_to_event", "hours_since_event")},
}
_DAYS = np.datetime64("2000-01-04T15:00", "ns") + np.arange(40) * np.timedelta64(5, "D").astype("timedelta64[ns]")
FIGURES = DatedSeries.of(
    "figures", _DAYS, np.sin(np.arange(40.0)), fetched=_DAYS + np.timedelta64(9, "h"),
    event=_DAYS + np.timedelta64(30, "D"),
)  # fmt: skip


@pytest.mark.parametrize("name", names())
def test_a_feature_passes(name: str) -> None:
    check_feature({"feature": name, **_GIVEN.get(name, {})}, series={"figures": FIGURES})


@pytest.mark.parametrize("name", ["rsi", "zscore", "atr", "macd", "vwap_session", "linreg_r2", "mfi"])
def test_an_indicator_is_a_feature(name: str) -> None:
    check_feature(name)


@pytest.mark.parametrize(
    "entry",
    [
        {"feature": "zscore", "window": 10, "of": {"feature": "cs_rank", "of": _RETURN}},
        {
            "feature": "cs_zscore",
            "of": {"feature": "zscore", "window": 10, "of": {"feature": "cs_rank", "of": _RETURN}},
        },
        {"feature": "longer", "interval": "1w", "of": {"feature": "cs_rank", "of": _RETURN}},
        {"feature": "lagged", "rows": 3, "of": {"feature": "longer", "interval": "1w", "of": "close"}},
        {"feature": "longer", "interval": "1w", "lag": 2, "of": {"feature": "beta", "window": 5}},
        {"feature": "longer", "interval": "1w", "of": {"feature": "longer", "interval": "1mo", "of": "close"}},
        {"feature": "mad_score", "window": 20, "of": {"feature": "frac_diff", "d": 0.5, "threshold": 1e-2}},
        {"feature": "cs_demean", "of": _RETURN, "on": ["WALK1", "WALK3"]},
        {"feature": "sma", "window": 3, "of": {**_RETURN, "on": ["WALK1"]}},
        {"feature": "bbands", "output": "upper"},
    ],
    ids=lambda entry: f"{entry['feature']} of {entry.get('of', '')!r:.60}",
)
def test_features_of_features_pass(entry: dict[str, Any]) -> None:
    check_feature(entry)


def test_the_standard_set_passes_on_bars_with_holes() -> None:
    check_feature(FeatureSet.preset("standard_200"), bars=walk_bars(900, 4, seed=11, holes=0.002), tolerance=1e-9)


@pytest.mark.shared_data
def test_the_standard_set_is_the_same_row_by_row_on_real_intraday_bars(shared_data: Any) -> None:
    from tradewright.data import load

    folder = shared_data / "open" / "intraday_2019"
    bars = load(data=folder, symbols=["SPY", "AAPL", "MSFT"], interval="15min", stamp="end")
    entries = [entry for entry in preset("standard_200") if entry["feature"] != "garch_volatility"]
    wanted = FeatureSet(entries)
    bars = bars.head(600)
    whole, rows = wanted.compute(bars).values, wanted.stream(bars).extend(bars)
    assert np.array_equal(np.isnan(whole), np.isnan(rows))
    assert np.nanmax(np.abs(whole - rows) / np.maximum(np.abs(whole), 1.0)) < 1e-12


def test_a_feature_that_looks_ahead_is_caught() -> None:
    def centred(given: Any, market: Any, p: Any) -> Any:
        """Mean of the rows before and after."""
        return np.stack([np.roll(given[0], s, axis=0) for s in (-1, 0, 1)]).mean(axis=0)

    from tradewright.features.feature import define

    try:
        define(
            "Centred", family="transform", kind="rows", scope="asset", takes={"of": "close"}, unit="", source="planted"
        )(centred)  # fmt: skip
        with pytest.raises(AssertionError, match=r"looks ahead|twice|warm-up"):
            check_feature("centred")
    finally:
        FEATURES.pop("centred", None)


def test_a_score_of_the_whole_sample_is_caught() -> None:
    class Whole:
        def extend(self, columns: Any) -> Any:
            return (columns[0] - columns[0].mean()) / columns[0].std()

    from tradewright.features.feature import define

    try:

        @define("Whole", family="transform", kind="state", takes={"of": "close"}, unit="", source="planted",
                warm_up=lambda p: 1)  # fmt: skip
        def whole_score(p: Any) -> Whole:
            """Score by mean and deviation of all rows."""
            return Whole()

        with pytest.raises(AssertionError, match="looks ahead"):
            check_feature("whole_score")
    finally:
        FEATURES.pop("whole_score", None)


def test_every_entry_of_the_registry_says_what_it_is() -> None:
    for name in names():
        item = feature(name)
        assert all((item.title, item.unit, item.source, item.about, item.known_at)), name
        assert item.scope in {"asset", "cross_section", "market"}, name
