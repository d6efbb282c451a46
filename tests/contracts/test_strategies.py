"""Every built-in strategy sits the exam, and the exam finds what it is for."""

from __future__ import annotations

import numpy as np
import pytest

from tradewright.kernel import core
from tradewright.strategies.base import Strategy
from tradewright.strategies.registry import list_strategies
from tradewright.testing import check_indicator, check_strategy

CASES = [
    ("sma_cross", {"fast": 3, "slow": 9}),
    ("sma_cross", {"fast": 3, "slow": 9, "on": "state", "direction": "long_short"}),
    ("buy_and_hold", {}),
    ("bollinger_reversion", {"window": 8, "width": 1.0}),
    ("bollinger_reversion", {"window": 8, "width": 1.0, "direction": "long_short", "on": "cross"}),
    ("donchian_breakout", {"entry": 8, "exit": 4}),
    ("donchian_breakout", {"entry": 4, "exit": 8, "direction": "long_short"}),
    ("momentum_rotation", {"top": 2, "lookback": 12, "skip": 2, "every": 3}),
]


@pytest.mark.parametrize(("name", "params"), CASES)
def test_a_built_in_strategy_passes_its_exam(name: str, params: dict) -> None:
    check_strategy(name, params=params)


def test_every_built_in_strategy_is_examined() -> None:
    assert {name for name, _ in CASES} == set(list_strategies())


class Good(Strategy):
    window: int = 5

    def init(self, bars):
        self.mean = self.indicator("sma", self.window)

    def on_bar(self, ctx):
        if self.mean.now < ctx.close and not ctx.position:
            ctx.buy(0.5)
        elif self.mean.now > ctx.close and ctx.position:
            ctx.close_position()


class Peeks(Good):
    def init(self, bars):
        self.mean = self.indicator(np.roll(bars.close[:, 0], -1))


class Early(Strategy):
    def warm_up(self):
        return 10

    def signals(self, bars):
        return np.ones(bars.close.shape)


class Moody(Strategy):
    def __init__(self, **params):
        super().__init__(**params)
        self.calls = 0

    def signals(self, bars):
        self.calls += 1
        return np.full(bars.close.shape, self.calls % 2)


class PeeksInWeights(Strategy):
    def weights(self, bars):
        best = bars.close.max(axis=0) > bars.close[0]
        return np.array([0]), np.where(best, 1.0 / bars.n_assets, 0.0)[None, :]


def test_a_callback_strategy_passes() -> None:
    check_strategy(Good)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        (Peeks, "looks ahead"),
        (Early, "before its warm-up"),
        (Moody, "differently when asked twice"),
        (PeeksInWeights, "looks ahead"),
    ],
)
def test_the_exam_finds(what: type, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_strategy(what)


@pytest.mark.parametrize(
    ("kernel", "args", "warm_up", "inputs"),
    [
        ("sma", (7,), 7, 1),
        ("ema", (7.0,), 7, 1),
        ("rolling_std", (7, 0), 7, 1),
        ("rolling_std", (7, 1), 7, 1),
        ("rolling_max", (7,), 7, 1),
        ("rolling_min", (7,), 7, 1),
        ("rsi", (7,), 8, 1),
    ],
)
def test_a_kernel_passes_the_exam_of_indicators(kernel: str, args: tuple, warm_up: int, inputs: int) -> None:
    check_indicator(getattr(core, kernel), *args, warm_up=warm_up, inputs=inputs)


def test_the_exam_of_indicators_finds_a_look_ahead() -> None:
    def centred(x):
        out = np.full_like(x, np.nan)
        out[2:] = x[2:] - x.mean()
        return out

    with pytest.raises(AssertionError, match="looks ahead"):
        check_indicator(centred, warm_up=3)
