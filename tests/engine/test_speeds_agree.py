"""One scenario through arrays, callback, book and sweep: the same trades, the same equity, to the last bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import tradewright as tw
from tradewright.data.calendars import session_ordinals
from tradewright.engine.costs import FREE, CostSettings
from tradewright.engine.decisions import Decisions
from tradewright.engine.prepared import prepare
from tradewright.engine.settings import Settings
from tradewright.kernel import core
from tradewright.testing import walk_bars

HOLD = -128
COMPARED = (
    "asset",
    "direction",
    "quantity",
    "entry_bar",
    "entry_price",
    "exit_bar",
    "exit_price",
    "fees",
    "pnl",
    "ret",
    "ambiguous",
)

costs = st.sampled_from(
    [CostSettings(), FREE, CostSettings(per_share=0.005, min_fee=1.0, max_rate=0.01, taker_rate=0.0, maker_rate=0.0)]
)
distances = st.sampled_from([None, None, 0.01, 0.03])


@st.composite
def scenarios(draw: Any) -> tuple[Any, Settings, np.ndarray]:
    n_assets = draw(st.sampled_from([1, 1, 2, 3]))
    bars = walk_bars(
        draw(st.integers(20, 90)), n_assets, seed=draw(st.integers(0, 2**20)), holes=draw(st.sampled_from([0, 0.1]))
    )
    made = Settings(
        fill=draw(st.sampled_from(["next_open", "next_close", "same_close"])),
        intrabar=draw(st.sampled_from(["pessimistic", "expected", "optimistic"])),
        size=draw(st.sampled_from([None, 0.3, 1.0])),
        size_basis=draw(st.sampled_from(["fill", "decision"])),
        lot=draw(st.sampled_from([0.0, 1.0])),
        leverage=draw(st.sampled_from([1.0, 2.0])),
        on_short_cash=draw(st.sampled_from(["resize", "refuse"])),
        close_last=draw(st.booleans()),
        stop=draw(distances),
        target=draw(distances),
        trail=draw(distances),
        costs=draw(costs),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    choices = [1, 0, -1, HOLD] if draw(st.booleans()) else [1, 0, HOLD, HOLD, HOLD]
    signals = rng.choice(np.array(choices, dtype=np.int8), size=(bars.n_bars, n_assets))
    return bars, made, np.ascontiguousarray(signals)


class Repeats:
    """Gives through ``on_bar`` the orders that a table of signals stands for."""

    def __init__(self, signals: np.ndarray, made: Settings, n_bars: int, hole: np.ndarray) -> None:
        self.signals, self.made, self.last, self.hole = signals, made, n_bars - 1, hole
        self.entries: dict[int, tuple[int, int]] = {}

    def init(self, bars: Any) -> None:
        self.entries = {}

    def on_bar(self, ctx: Any) -> None:
        if ctx.bar == self.last and self.made.fill != "same_close":
            return
        for j in range(ctx.n_assets):
            signal = int(self.signals[ctx.bar, j])
            if signal == HOLD:
                continue
            held = np.sign(ctx.position_of(j))
            pending = self.entries.get(j)
            if pending is not None and pending[0] in ctx.active_orders(j):
                if pending[1] == signal:
                    continue
                ctx.cancel(pending[0])
            if signal == held:
                continue
            if held:
                ctx.close_position(j)
            if signal:
                enter = ctx.buy if signal > 0 else ctx.sell
                order = enter(asset=j, stop_loss=self.made.stop, take_profit=self.made.target, trail=self.made.trail)
                self.entries[j] = (order, signal)


def _same(left: Any, right: Any) -> None:
    assert np.array_equal(left.equity, right.equity), "equity differs"
    assert left.final_cash_units == right.final_cash_units
    for name in COMPARED:
        a, b = np.asarray(left.trades[name]), np.asarray(right.trades[name])
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), f"trades differ in {name}"


def _book(prepared: Any, signals: np.ndarray) -> Any:
    bars = prepared.bars
    sessions = session_ordinals(bars)
    book = core.Book(prepared.spec)
    for t in range(bars.n_bars):
        rows = [np.ascontiguousarray(getattr(bars, name)[t]) for name in ("open", "high", "low", "close", "volume")]
        book.step(int(bars.ts[t]), int(sessions[t]), *rows)
        if t < bars.n_bars - 1 or prepared.settings.fill == "same_close":
            book.signal(np.ascontiguousarray(signals[t]))
        book.decided()
    return book.finish()


@settings(max_examples=120, deadline=None)
@given(scenarios())
def test_arrays_callback_and_book_trade_the_same(scenario: Any) -> None:
    bars, made, signals = scenario
    prepared = prepare(bars, made, validate=False)
    arrays = Decisions("signals", signals).run(prepared.market, prepared.spec, bars)
    repeats = Repeats(signals, made, bars.n_bars, np.isnan(bars.close))
    callback = Decisions("callback", strategy=repeats).run(prepared.market, prepared.spec, bars)
    _same(arrays, callback)
    if not made.close_last:  # a book does not know which bar is the last
        _same(arrays, _book(prepared, signals))


@settings(max_examples=60, deadline=None)
@given(scenarios())
def test_a_row_of_a_sweep_is_the_run_of_its_signals(scenario: Any) -> None:
    bars, made, signals = scenario
    if bars.n_assets != 1:
        bars, signals = bars.select(bars.symbols[:1]), np.ascontiguousarray(signals[:, :1])
    prepared = prepare(bars, made, validate=False)
    run = core.run_signals(prepared.market, prepared.spec, signals)
    rows = core.sweep_signals(prepared.market, prepared.spec, np.ascontiguousarray(signals.T))
    want = np.array([run.stats[name] for name in core.METRICS])
    assert np.array_equal(rows[0], want, equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(scenarios(), st.integers(1, 6), st.integers(1, 12), st.sampled_from(["cross", "state"]), st.booleans())
def test_a_row_of_a_rule_sweep_is_the_backtest_of_its_parameters(
    scenario: Any, fast: int, gap: int, on: str, both: bool
) -> None:
    bars, made, _ = scenario
    params = {"fast": fast, "slow": fast + gap, "on": on, "direction": "long_short" if both else "long"}
    if bars.n_bars <= fast + gap + 1:
        return
    options = {
        name: getattr(made, name) for name in ("fill", "intrabar", "size", "lot", "close_last", "stop", "target")
    }
    options["costs" if not made.costs.is_free else "no_costs"] = made.costs if not made.costs.is_free else True
    single = tw.backtest(bars, "sma_cross", params=params, validate=False, **options)
    swept = tw.sweep(
        bars,
        "sma_cross",
        grid={"fast": [fast], "slow": [fast + gap], "on": ["cross", "state"], "direction": ["long", "long_short"]},
        validate=False,
        **options,
    )
    row = next(i for i in range(len(swept)) if swept.grid[i] == params)
    want = np.array([single.run.stats[name] for name in core.METRICS])
    assert np.array_equal(swept.metrics[row], want, equal_nan=True)


class AlwaysIn(tw.Strategy):
    """A callback that depends on its fills, for runs in processes."""

    size: float = 0.5
    stop: float = 0.02

    def on_bar(self, ctx: Any) -> None:
        if not ctx.position:
            ctx.buy(self.size, stop_loss=self.stop)


def test_a_callback_sweep_is_the_same_for_any_number_of_workers() -> None:
    bars = walk_bars(150)
    grid = {"size": [0.2, 0.5, 0.9], "stop": [0.01, 0.02, 0.05]}
    one = tw.sweep(bars, AlwaysIn, grid=grid, workers=1)
    two = tw.sweep(bars, AlwaysIn, grid=grid, workers=2)
    assert np.array_equal(one.metrics, two.metrics, equal_nan=True)
    for i in (0, 4, 8):
        single = tw.backtest(bars, AlwaysIn, params=one.grid[i])
        want = np.array([single.run.stats[name] for name in core.METRICS])
        assert np.array_equal(one.metrics[i], want, equal_nan=True)
    assert len(np.unique(one.values("final_equity"))) == 9, "the sets must differ, or the test says nothing"


def test_a_callback_may_run_again_on_the_same_object() -> None:
    bars = walk_bars(120)
    strategy = AlwaysIn()
    first, again = tw.backtest(bars, strategy, bands=True), tw.backtest(bars, strategy)
    assert np.array_equal(first.equity, again.equity)
    assert first.bands is not None
    assert first.bands.pessimistic["final_equity"] == first.stats["final_equity"]
    other = tw.backtest(bars, strategy, intrabar="optimistic")
    assert first.bands.optimistic["final_equity"] == other.stats["final_equity"]
    assert replace(first.settings, intrabar="optimistic") == other.settings
