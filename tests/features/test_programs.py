"""Programs of indicators: the compiled and the readable twin agree, and the kernels are the same numbers."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest

from tradewright import _reference as reference
from tradewright.features import indicators
from tradewright.features.indicators.graph import Graph, Inputs
from tradewright.kernel import core
from tradewright.testing.market import walk_bars

compiled = pytest.importorskip("tradewright._core")
OURS = [name for name in indicators.names() if indicators.indicator(name).engine == "tradewright"]
DAY = 86_400_000_000_000


def _columns(names: tuple[str, ...], n: int, *, holes: bool) -> list[np.ndarray]:
    bars = walk_bars(n, 2, seed=21)
    made: dict[str, Any] = {key: getattr(bars, key)[:, 0].copy() for key in ("open", "high", "low", "close", "volume")}
    made["benchmark"] = bars.close[:, 1].copy()
    made["session"], made["ts"] = np.arange(n) // 7.0, np.arange(n) * 86_400.0
    out = [made[name] for name in names]
    for column, name in zip(out, names, strict=True):
        if holes and name not in {"session", "ts"}:
            column[[n // 3, n // 3 + 1, n // 2]] = np.nan
            column[n // 2 + 30] = np.inf
    return out


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("name", OURS)
def test_both_backends_agree(name: str, holes: bool) -> None:
    item = indicators.indicator(name)
    values = item.checked({"anchor": "1970-02-10"} if name == "vwap_anchored" else {})
    graph = Graph()
    found = item.definition(Inputs(graph, item.inputs), types.SimpleNamespace(**values))
    nodes = found if isinstance(found, tuple) else (found,)
    given = (len(item.inputs), graph.ops, [node.slot for node in nodes])
    columns = _columns(item.inputs, 420, holes=holes)
    ours, theirs = compiled.Program(*given).run(columns), reference.Program(*given).run(columns)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11 * max(1.0, float(np.nanmax(np.abs(b), initial=0.0))))


def test_every_operation_is_reached_by_an_indicator() -> None:
    used: set[str] = set()
    for name in OURS:
        item = indicators.indicator(name)
        choices = [{}] + [{p.name: c} for p in item.params for c in p.choices]
        for params in choices:
            if name == "vwap_anchored":
                params = {**params, "anchor": "1970-02-10"}
            graph = Graph()
            item.definition(Inputs(graph, item.inputs), types.SimpleNamespace(**item.checked(params)))
            used |= {op for op, _, _ in graph.ops}
    assert set(reference.OPS) - used == set()
    assert compiled.OPS == reference.OPS


@pytest.mark.parametrize("n", [1, 30, 511, 1025, 5000])
@pytest.mark.parametrize("window", [1, 2, 20, 700])
def test_the_kernels_of_compiled_rules_give_the_same_bits(n: int, window: int) -> None:
    bars = walk_bars(n, seed=3)
    high, low, close = (np.ascontiguousarray(getattr(bars, key)[:, 0]) for key in ("high", "low", "close"))
    for name, kernel in (("sma", core.sma), ("max", core.rolling_max), ("min", core.rolling_min), ("ema", core.ema)):
        np.testing.assert_array_equal(indicators.compute(name, close, window=window), kernel(close, window))
    np.testing.assert_array_equal(indicators.std(close, window=window), core.rolling_std(close, window, 0))
    np.testing.assert_allclose(indicators.rsi(close, window=window), core.rsi(close, window), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        indicators.atr(high, low, close, window=window), core.atr(high, low, close, window), rtol=1e-12
    )


def test_a_running_mean_forgets_what_has_left_the_window() -> None:
    rng = np.random.default_rng(12)
    values = np.concatenate([1e8 * (1.0 + rng.random(1000)), 1.0 + rng.random(20_000)])
    exact = np.array([values[row - 19 : row + 1].mean() for row in range(2000, values.size, 501)])
    np.testing.assert_allclose(indicators.sma(values, window=20)[2000::501], exact, rtol=1e-12)


def test_a_giant_is_forgotten_when_it_leaves() -> None:
    """One bad tick must not spoil the rows after it: a plain running sum keeps its rounding for as long as it runs."""
    values = np.array([1.0, 1e17, 2.0, 3.0, 4.0, 1e308, 1e308, 5.0, 6.0, 7.0])
    assert indicators.sma(values, window=2)[[3, 4, 8, 9]].tolist() == [2.5, 3.5, 5.5, 6.5]
    assert indicators.sum(values, window=1).tolist() == values.tolist()
    assert not np.isinf(indicators.sma(values, window=3)).any()


@pytest.mark.parametrize("backend", [compiled, reference])
def test_wrong_programs_are_refused(backend: Any) -> None:
    for n_inputs, ops, outputs in (
        (1, [("nothing", (0,), ())], [0]),
        (1, [("abs", (1,), ())], [0]),
        (1, [("add", (0,), ())], [0]),
        (1, [], [1]),
    ):
        with pytest.raises(ValueError):
            backend.Program(n_inputs, ops, outputs)
    program = backend.Program(2, [("add", (0, 1), ())], [2])
    with pytest.raises(ValueError, match="2"):
        program.run([np.zeros(3)])
    with pytest.raises(ValueError, match="2"):
        program.state().update([1.0])


def test_an_extreme_costs_the_same_for_every_course_of_the_values() -> None:
    """Falling values are the worst case of a queue, rising ones of a scan; both are exact here."""
    for values in (np.arange(5000.0), -np.arange(5000.0), np.zeros(5000), np.tile([1.0, 2.0, 2.0, 1.0], 1250)):
        for window in (1, 2, 3, 64, 1000):
            ours = indicators.max(values, window=window)
            view = np.lib.stride_tricks.sliding_window_view(values, window)
            np.testing.assert_array_equal(ours[window - 1 :], view.max(axis=1))
            age = indicators.since_max(values, window=window)[window - 1 :]
            np.testing.assert_array_equal(age, view[:, ::-1].argmax(axis=1))
