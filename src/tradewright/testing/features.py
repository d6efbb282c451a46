"""The exam of features.

Entry point: `check_feature`.

One exam for all: a name of the registry, an entry, or a whole set sits it on bars with several assets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError

if TYPE_CHECKING:
    from tradewright.features.pipeline import FeatureSet

    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["check_feature"]


def check_feature(
    feature: str | Mapping[str, Any] | FeatureSet,
    *,
    bars: Bars | None = None,
    rows: int = 60,
    tolerance: float = 1e-12,
    series: Mapping[str, Any] | None = None,
    **params: Any,
) -> None:
    """Examine a feature: form, warm-up, that it never looks ahead, and that row by row gives the same values.

    Parameters
    ----------
    feature : str, mapping or FeatureSet
        A name (with `params`), an entry as a specification has it, or a set.
    bars : Bars, optional
        What it is examined on; by default a random walk of five assets, long enough for the warm-up.
    rows : int
        Rows after the warm-up, where no bars are given.
    tolerance : float
        Between row by row and whole columns, relative to 1 or the value where that is larger.
    series : mapping of str to DatedSeries, optional
        Dated series it reads.
    **params
        Parameters of a name.

    Raises
    ------
    AssertionError
        With the fact that does not hold.

    Notes
    -----
    The facts, in this order: float64 of one row for each bar and asset, never infinite, the same twice, bars untouched;
    NaN before the warm-up that it states, and not after it; rows do not change when later rows are cut off or changed,
    to the bit; row by row gives the values of whole columns; what does not look across assets is the same for an asset
    by itself; a parameter that it does not have is refused.

    Examples
    --------
    >>> check_feature("return_per_risk", window=10)
    >>> check_feature({"feature": "cs_rank", "of": {"feature": "log_return", "window": 3}})
    """
    from tradewright.features.pipeline import FeatureSet

    if isinstance(feature, FeatureSet):
        wanted = feature
    else:
        entry: Any = {"feature": feature, **params} if isinstance(feature, str) else {**feature, **params}
        wanted = FeatureSet([entry], series=series)
        _refuses(FeatureSet, entry, series)
    if bars is None:
        bars = _bars(wanted, rows)
    before = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
    whole = wanted.compute(bars, threads=1)
    shape = (bars.n_bars, bars.n_assets, len(wanted.names))
    assert whole.values.shape == shape, f"The values have shape {whole.values.shape}, not {shape}."
    assert whole.values.dtype == np.float64, f"The values are {whole.values.dtype}, not float64."
    for k, name in enumerate(whole.names):
        assert not np.isinf(whole.column(k)).any(), f"{name} is infinite."
    _same(wanted.compute(bars).values, whole.values, whole.names, "{name} answers differently when asked twice")
    for name, column in before.items():
        assert np.array_equal(getattr(bars, name), column, equal_nan=True), f"The feature writes to {name}."
    _warm_up(whole)
    _future(wanted, bars, whole.values)
    streamed = wanted.stream(bars).extend(bars)
    _same(streamed, whole.values, whole.names, "{name} gives another value row by row at row {row}", tolerance)
    _alone(wanted, bars, whole)


def _bars(wanted: FeatureSet, rows: int) -> Bars:
    from tradewright.testing.market import walk_bars

    longest = max(rows_ for column in wanted.plan.columns for rows_ in column.warm_ups)
    longer = sum(column.feature.kind == "longer" for column in wanted.plan.columns)
    return walk_bars(longest + rows + (400 if longer else 0), 5, seed=3)


def _warm_up(whole: Any) -> None:
    known = np.isfinite(whole.store).any(axis=0)
    for k, column in enumerate(whole.columns):
        name, first = column["name"], column["warm_up"]
        if first is None:
            assert known[k].any(), f"{name} never has a value."
            continue
        assert not known[k, : first - 1].any(), f"{name} has a value before its warm-up of {first} is over."
        assert known[k, first - 1 :].any(), f"{name} has no value after its warm-up of {first}."
        assert known[k, first - 1], f"{name} has no value at the end of its warm-up of {first}."


def _future(wanted: FeatureSet, bars: Bars, whole: F64) -> None:
    from tradewright.testing.market import with_other_future

    n = bars.n_bars
    for cut in sorted({1, n // 2, n * 3 // 4, n - 1} - {0}):
        part = wanted.compute(bars.head(cut), threads=1).values
        _same(part, whole[:cut], wanted.names, "{name} looks ahead: row {row} needs later rows")
        other = wanted.compute(with_other_future(bars, cut), threads=1).values[:cut]
        _same(other, whole[:cut], wanted.names, "{name} looks ahead: row {row} depends on what later rows hold")


def _alone(wanted: FeatureSet, bars: Bars, whole: Any) -> None:
    """A feature of one asset is the same whatever stands beside it, unless it compares with all."""
    if bars.n_assets < 2 or "benchmark" in wanted.plan.reads:
        return
    local = [k for k, column in enumerate(whole.columns) if column["scope"] != "cross_section"]
    if not local or any(column.entry.on for column in wanted.plan.columns):
        return
    last = bars.symbols[-1]
    if len(local) < len(whole.columns):
        return
    alone = wanted.compute(bars.select(last), threads=1).values[:, :, local]
    names = [whole.names[k] for k in local]
    _same(alone, whole.values[:, -1:, local], names, "{name} differs at row {row} beside other assets")


def _refuses(kind: Any, entry: Mapping[str, Any], series: Any) -> None:
    try:
        kind([{**entry, "windwo_": 1}], series=series)
    except InputError:
        return
    raise AssertionError(f"{entry['feature']} accepts a parameter that it does not have.")


def _same(found: F64, wanted: F64, names: Any, sentence: str, tolerance: float = 0.0) -> None:
    away = np.abs(found - wanted) > tolerance * np.maximum(np.abs(wanted), 1.0)
    differs = (np.isnan(found) != np.isnan(wanted)) | away
    if differs.any():
        row, _, k = (int(i) for i in np.argwhere(differs)[0])
        raise AssertionError(f"{sentence.format(name=names[k], row=row)}.")
