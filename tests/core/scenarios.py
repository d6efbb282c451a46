"""Random scenarios for the order engine.

Markets with holes, gaps and ties, specs over every option, and signals, weights, orders or a callback. ``draw(seed)``
makes a scenario from a number, ``play(engine, scenario)`` runs it on an engine module, ``differences(a, b)`` compares
two runs bit for bit. Load this file by its path (tests are not a package).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

DAY = 86_400_000_000_000
MODES = ("signals", "weights", "orders", "callback")
TABLES = ("orders", "fills", "trades", "cash_flows", "positions")


@dataclass
class Scenario:
    """Everything that a run needs, as plain arrays and mappings."""

    seed: int
    mode: str
    n_bars: int
    n_assets: int
    bars: dict[str, Any]
    spec: dict[str, Any]
    signals: Any = None
    size: Any = None
    rows: Any = None
    weights: Any = None
    orders: dict[str, Any] = field(default_factory=dict)


def draw(
    seed: int,
    mode: str | None = None,
    *,
    n_bars: int | None = None,
    n_assets: int | None = None,
    detail: bool | None = None,
) -> Scenario:
    """Scenario number `seed`; the same number gives the same scenario on every machine."""
    rng = np.random.default_rng(seed)
    mode = MODES[int(rng.integers(len(MODES)))] if mode is None else mode
    n_bars = int(rng.integers(3, 50)) if n_bars is None else n_bars
    n_assets = int(rng.integers(1, 4)) if n_assets is None else n_assets
    bars = draw_bars(rng, n_bars, n_assets, detail=bool(rng.random() < 0.3) if detail is None else detail)
    out = Scenario(seed, mode, n_bars, n_assets, bars, draw_spec(rng, n_assets))
    if mode == "signals":
        draw_signals(rng, out)
    elif mode == "weights":
        draw_weights(rng, out)
    elif mode == "orders":
        draw_orders(rng, out)
    if rng.random() < 0.15:
        draw_delisting(rng, out)
    # Drawn apart, so that the other scenarios stay what they were.
    apart = np.random.default_rng((seed, 1))
    if n_assets > 1 and apart.random() < 0.3:
        draw_exchanges(apart, out)
    if rng.random() < 0.3:
        shape = (n_bars, n_assets)
        out.bars["factors"] = (np.exp(rng.normal(0.0, 0.5, shape)), rng.choice([0.5, 1.0, 7.0], shape))
    return out


def draw_bars(rng: np.random.Generator, n_bars: int, n_assets: int, *, detail: bool) -> dict[str, Any]:
    """Arguments of ``Market``: on a coarse grid half of the time, so that prices tie."""
    shape = (n_bars, n_assets)
    grid = 0.25 if rng.random() < 0.5 else 0.0
    vol = float(rng.choice([0.005, 0.02, 0.08, 0.25]))
    start = rng.uniform(5.0, 200.0, n_assets)
    close = start * np.exp(np.cumsum(rng.normal(0.0, vol, shape), axis=0))
    before = np.vstack([start, close[:-1]])
    opening = before * np.exp(rng.normal(0.0, vol, shape) * (rng.random(shape) < 0.5))
    high = np.maximum(opening, close) * np.exp(np.abs(rng.normal(0.0, vol, shape)))
    low = np.minimum(opening, close) * np.exp(-np.abs(rng.normal(0.0, vol, shape)))
    flat = rng.random(shape) < 0.05
    high[flat], low[flat], close[flat] = opening[flat], opening[flat], opening[flat]
    table = np.stack([opening, high, low, close])
    if grid:
        table = np.maximum(np.round(table / grid), 1.0) * grid
    hole = rng.random(shape) < float(rng.choice([0.0, 0.1]))
    table[int(rng.integers(4)), hole] = np.nan  # one missing field is a missing bar
    volume = np.round(rng.lognormal(6.0, 1.0, shape))
    volume[rng.random(shape) < 0.05] = np.nan
    volume[rng.random(shape) < 0.05] = 0.0
    out: dict[str, Any] = {"ts": np.cumsum(rng.integers(1, 3, n_bars)).astype(np.int64) * DAY}
    out |= dict(zip(("open", "high", "low", "close"), table, strict=True))
    out["volume"] = None if rng.random() < 0.2 else volume
    if rng.random() < 0.5:
        out["session"] = np.cumsum(rng.random(n_bars) < 0.4).astype(np.int64)
    if rng.random() < 0.7:
        out["atr"] = np.where(rng.random(shape) < 0.05, np.nan, close * vol)
    if rng.random() < 0.7:
        out["sigma"] = np.where(rng.random(shape) < 0.1, np.nan, rng.uniform(0.005, 0.05, shape))
    if rng.random() < 0.3:
        out["funding"] = np.where(rng.random(shape) < 0.5, np.nan, rng.normal(0.0, 0.001, shape))
    if rng.random() < 0.4:
        out["actions"] = draw_actions(rng, n_bars, n_assets)
    if detail:
        out["detail"] = draw_detail(rng, table, grid)
    return out


def draw_actions(rng: np.random.Generator, n_bars: int, n_assets: int) -> dict[str, Any]:
    """A few splits and dividends."""
    n = int(rng.integers(1, 6))
    kind = rng.integers(0, 2, n).astype(np.int8)
    split = rng.choice([2.0, 0.5, 1.5, 3.0, 0.1], n)
    return {
        "bar": np.sort(rng.integers(0, n_bars, n)).astype(np.int64),
        "asset": rng.integers(0, n_assets, n).astype(np.int64),
        "kind": kind,
        "value": np.where(kind == 0, split, np.round(rng.uniform(0.01, 1.0, n), 3)),
    }


def draw_delisting(rng: np.random.Generator, out: Scenario) -> None:
    """One asset leaves the market in the second half, though its prices go on; anywhere among other actions."""
    given = out.bars.get("actions")
    new = {
        "bar": np.array([int(rng.integers(out.n_bars // 2, out.n_bars))], dtype=np.int64),
        "asset": np.array([int(rng.integers(out.n_assets))], dtype=np.int64),
        "kind": np.array([2], dtype=np.int8),
        "value": np.array([float(rng.choice([0.0, 0.25, 40.0]))]),
    }
    columns = new if given is None else {name: np.concatenate([new[name], given[name]]) for name in new}
    order = np.argsort(columns["bar"], kind="stable")
    out.bars["actions"] = {name: values[order] for name, values in columns.items()}


def draw_exchanges(rng: np.random.Generator, out: Scenario) -> None:
    """Spin-offs and mergers: into another asset or one that is not there, with a price stated or not."""
    given = out.bars.get("actions", {})
    n = int(rng.integers(1, 4))
    asset = rng.integers(0, out.n_assets, n).astype(np.int64)
    other = (asset + rng.integers(1, out.n_assets, n)) % out.n_assets
    kind = rng.choice([3, 3, 4], n).astype(np.int8)
    spun = kind == 3
    value = np.where(spun, rng.choice([0.5, 0.05], n), rng.choice([0.5, 1.0, 2.25], n))
    closes = np.where(np.isnan(out.bars["close"]), np.inf, out.bars["close"])
    price = np.where(spun, 1e-5 * closes.min(axis=0)[asset] / value, rng.choice([0.0, 30.0], n))
    # What is spun off is worth a small part of its parent; where no price is stated that is up to the number of shares.
    unstated = spun & (rng.random(n) < 0.4) & np.isfinite(closes[0, other])
    value = np.where(
        unstated,
        1e-3 * closes.min(axis=0)[asset] / np.max(out.bars["close"], initial=1.0, where=closes < np.inf),
        value,
    )
    price = np.where(unstated, 0.0, np.where(np.isfinite(price), price, 1e-5))
    away = (rng.random(n) < 0.15) & (price > 0.0)
    new: dict[str, Any] = {
        "bar": np.sort(rng.integers(1, out.n_bars, n)).astype(np.int64),
        "asset": asset,
        "kind": kind,
        "value": value,
        "other": np.where(away, -1, other).astype(np.int64),
        "cash": np.where(spun, 0.0, rng.choice([0.0, 1.5], n)),
        "price": price,
    }
    rest = {"other": -1, "cash": 0.0, "price": 0.0}
    columns = {}
    for name, values in new.items():
        old = given.get(name, np.full(len(given.get("bar", ())), rest.get(name, 0), dtype=values.dtype))
        columns[name] = np.concatenate([values, old])
    order = np.argsort(columns["bar"], kind="stable")
    out.bars["actions"] = {name: values[order] for name, values in columns.items()}


def draw_detail(rng: np.random.Generator, table: Any, grid: float) -> tuple[Any, ...]:
    """Finer bars inside of each bar, with gaps between them; some bars have none and some rows have holes."""
    opening, high, low, close = table
    n_bars, n_assets = close.shape
    counts = rng.integers(0, 4, n_bars)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    fine = np.full((4, int(offsets[-1]), n_assets), np.nan)
    for t in range(n_bars):
        for i in range(offsets[t], offsets[t + 1]):
            u = rng.random((4, n_assets))
            points = low[t] + (high[t] - low[t]) * u
            if grid:
                points = np.round(points / grid) * grid
            fine[0, i] = opening[t] if i == offsets[t] else points[0]
            fine[3, i] = close[t] if i == offsets[t + 1] - 1 else points[1]
            fine[1, i] = np.maximum(np.maximum(fine[0, i], fine[3, i]), points[2])
            fine[2, i] = np.minimum(np.minimum(fine[0, i], fine[3, i]), points[3])
            if rng.random() < 0.05:
                fine[1, i, int(rng.integers(n_assets))] = np.nan
    return (offsets, *(np.ascontiguousarray(part) for part in fine))


def draw_spec(rng: np.random.Generator, n_assets: int) -> dict[str, Any]:
    """Arguments of ``Spec``: every option is on its default about half of the time."""

    def maybe(default: Any, *others: Any) -> Any:
        return default if rng.random() < 0.5 else others[int(rng.integers(len(others)))]

    mode = maybe("fraction", "quantity", "value", "risk")
    size = {
        "fraction": (1.0, 0.5, 2.5),
        "quantity": (10.0, 33.3, 1000.0),
        "value": (5_000.0, 20_000.0),
        "risk": (0.01, 0.2),
    }[mode]
    spec: dict[str, Any] = {
        "initial_cash": maybe(100_000.0, 10_000.0, 1_234.56),
        "fill": maybe("next_open", "same_close", "next_close"),
        "intrabar": str(rng.choice(["pessimistic", "expected", "optimistic"])),
        "trail_update": maybe("path", "bar"),
        "size_mode": mode,
        "size": float(rng.choice(size)),
        "size_basis": maybe("fill", "decision"),
        "allow_short": maybe(True, False),
        "leverage": maybe(1.0, 2.0, 1.3, 5.0),
        "maintenance_margin": maybe(0.25, 0.0, 0.6),
        "on_short_cash": maybe("resize", "refuse"),
        "close_last": bool(rng.random() < 0.5),
        "volume_share": maybe(0.0, 0.1, 0.01),
        "cooldown": maybe(0, 1, 4),
        "max_position": maybe(0.0, 0.5, 1.2),
        "max_gross": maybe(0.0, 0.8, 1.5),
        "daily_loss": maybe(0.0, 0.01, 0.03),
        "max_drawdown": maybe(0.0, 0.05, 0.2),
        "on_halt": maybe("block", "flatten", "flatten_at_drawdown"),
        "rebalance_buffer": maybe(0.0, 0.02),
        "stop": maybe(0.0, 0.01, 0.05),
        "stop_kind": maybe("fraction", "amount", "atr"),
        "target": maybe(0.0, 0.01, 0.05),
        "target_kind": maybe("fraction", "amount", "atr"),
        "trail": maybe(0.0, 0.015, 0.05),
        "trail_kind": maybe("fraction", "amount", "atr"),
        "per_order": maybe(0.0, 1.0),
        "per_share": maybe(0.0, 0.005),
        "maker_rate": maybe(0.0, 0.0002, -0.0001),
        "taker_rate": maybe(0.0, 0.0005),
        "sell_rate": maybe(0.0, 0.001),
        "min_fee": maybe(0.0, 1.0),
        "max_rate": maybe(0.0, 0.01),
        "half_spread": maybe(0.0, 0.0003),
        "slip_model": maybe("none", "fixed", "rate", "volume_share", "square_root", "almgren_chriss"),
        "slip_a": float(rng.choice([0.001, 0.05, 0.3])),
        "slip_b": float(rng.choice([0.0, 0.1])),
        "slip_c": float(rng.choice([0.6, 0.5])),
        "borrow_rate": maybe(0.0, 0.05),
        "margin_rate": maybe(0.0, 0.08),
        "cash_rate": maybe(0.0, 0.02),
        "tick": maybe(0.0, 0.01, 0.25),
        "lot": maybe(0.0, 1.0, 0.001),
        "min_notional": maybe(0.0, 50.0),
        "multiplier": maybe(1.0, 5.0),
    }
    if mode == "risk" and spec["stop"] == 0.0:
        spec["stop"] = 0.02
    for name in ("stop", "target", "trail"):
        if spec[f"{name}_kind"] != "fraction":
            spec[name] *= 40.0
    if rng.random() < 0.3:
        spec["lot"] = rng.choice([0.0, 1.0, 10.0], n_assets)
        spec["tick"] = rng.choice([0.0, 0.01, 0.5], n_assets)
        spec["multiplier"] = rng.choice([1.0, 2.5], n_assets)
    return spec


def draw_signals(rng: np.random.Generator, out: Scenario) -> None:
    """Signals that change now and then, and sometimes a size for each."""
    shape = (out.n_bars, out.n_assets)
    codes = rng.choice([1, 0, -1, -128], shape, p=[0.35, 0.2, 0.25, 0.2]).astype(np.int8)
    keep = rng.random(shape) < float(rng.choice([0.0, 0.7]))
    for t in range(1, out.n_bars):
        codes[t] = np.where(keep[t], codes[t - 1], codes[t])
    out.signals = codes
    if rng.random() < 0.3:
        out.size = np.where(rng.random(shape) < 0.05, np.nan, rng.uniform(0.0, 1.5, shape))


def draw_weights(rng: np.random.Generator, out: Scenario) -> None:
    """Target weights on some rows, with gaps, zeros and shorts."""
    rows = np.flatnonzero(rng.random(out.n_bars) < 0.4).astype(np.int64)
    weights = rng.normal(0.4, 0.5, (len(rows), out.n_assets)) / out.n_assets
    weights[rng.random(weights.shape) < 0.2] = 0.0
    weights[rng.random(weights.shape) < 0.1] = np.nan
    out.rows, out.weights = rows, weights


def draw_orders(rng: np.random.Generator, out: Scenario) -> None:
    """Orders of every kind, time in force and protection around the last close."""
    n = int(rng.integers(1, 3 * out.n_bars))
    bar = np.sort(rng.integers(0, out.n_bars, n)).astype(np.int64)
    asset = rng.integers(0, out.n_assets, n).astype(np.int64)
    base = out.bars["close"][bar, asset]
    base = np.where(np.isnan(base), 100.0, base)
    kind = rng.choice(7, n, p=[0.3, 0.2, 0.13, 0.12, 0.1, 0.08, 0.07]).astype(np.int8)
    unit = out.spec["initial_cash"] / base
    quantity = np.round(rng.normal(0.0, 0.5, n) * unit, int(rng.integers(0, 3)))

    def near(spread: float) -> Any:
        prices = base * np.exp(rng.normal(0.0, spread, n))
        return np.round(prices * 4.0) / 4.0 if rng.random() < 0.5 else prices

    def sometimes(values: Any, share: float) -> Any:
        return np.where(rng.random(n) < share, values, np.nan)

    by_amount = rng.integers(0, 2, n).astype(np.int8)
    columns = {
        "bar": bar,
        "asset": asset,
        "kind": kind,
        "quantity": quantity,
        "limit": near(0.02),
        "stop": near(0.02),
        "trail": np.where(by_amount == 0, rng.uniform(0.005, 0.05, n), base * 0.02),
        "trail_kind": by_amount,
        "tif": rng.choice(5, n, p=[0.5, 0.15, 0.1, 0.15, 0.1]).astype(np.int8),
        "gtd": out.bars["ts"][np.minimum(bar + rng.integers(0, 4, n), out.n_bars - 1)],
        "reduce_only": (rng.random(n) < 0.2).astype(np.int8),
        "group": np.where(
            rng.random(n) < 0.3,
            # Some groups are of one asset, some span them.
            np.where(rng.random(n) < 0.5, asset, 0) + out.n_assets * rng.integers(0, 3, n),
            -1,
        ).astype(np.int64),
    }
    for name in ("stop_loss", "take_profit", "trail_stop"):
        kinds = rng.integers(0, 3 if name == "trail_stop" else 4, n).astype(np.int8)
        away = {"stop_loss": -1.0, "take_profit": 1.0, "trail_stop": 0.0}[name] * np.sign(quantity)
        choices = np.stack(
            [rng.uniform(0.005, 0.06, n), base * 0.02, rng.uniform(0.5, 3.0, n), base * (1.0 + 0.03 * away)]
        )
        columns[name] = sometimes(choices[kinds, np.arange(n)], 0.35)
        columns[f"{name}_kind"] = kinds
    out.orders = columns


def script(seed: int, log: list[Any]) -> Callable[[Any], None]:
    """A callback that does random things with its context and writes what it saw into `log`."""
    rng = np.random.default_rng(seed + 1)

    def on_bar(ctx: Any) -> None:
        asset = int(rng.integers(ctx.n_assets))
        u = rng.random(8)
        log.append((ctx.bar, ctx.ts, ctx.equity, ctx.cash, ctx.position, ctx.entry_price, ctx.open, ctx.volume))
        log.append(
            (
                asset,
                ctx.position_of(asset),
                ctx.field("high", asset),
                ctx.history("close", 4, asset).tolist(),
                ctx.history("volume", 3, asset, adjusted=True).tolist(),
                ctx.history("open", 3, asset, adjusted=True).tolist(),
                ctx.active_orders(asset),
            )
        )
        close = ctx.field("close", asset)
        price = 50.0 if math.isnan(close) else close
        side = ctx.buy if u[1] < 0.5 else ctx.sell
        sign = 1.0 if u[1] < 0.5 else -1.0
        made: Any = None
        if u[0] < 0.15:
            made = side(asset=asset)
        elif u[0] < 0.3:
            made = side(
                float(u[2]),
                asset=asset,
                limit=price * (1.0 - sign * 0.01),
                stop_loss=0.02 if u[3] < 0.5 else 0.0,
                take_profit=0.03,
            )
        elif u[0] < 0.4:
            made = side(asset=asset, stop=price * (1.0 + sign * 0.01), tif="day", trail=0.02)
        elif u[0] < 0.5:
            made = side(
                asset=asset,
                limit=price * (1.0 + sign * 0.02),
                stop=price * (1.0 + sign * 0.01),
                quantity=float(np.round(u[4] * 50.0, 1)),
            )
        elif u[0] < 0.65:
            made = ctx.close_position(asset)
        elif u[0] < 0.75:
            made = ctx.target(float(np.round(u[5] * 1.5 - 0.5, 2)), asset)
        elif u[0] < 0.85:
            made = ctx.order(
                float(np.round(u[6] * 60.0 - 30.0, 1)), "trail", asset=asset, trail=0.02, reduce_only=bool(u[7] < 0.5)
            )
        elif u[0] < 0.9 and ctx.active_orders():
            made = ctx.cancel(ctx.active_orders()[0])
        log.append(made)

    return on_bar


def market(engine: ModuleType, scenario: Scenario, n_bars: int | None = None) -> Any:
    """Market of a scenario, of its first `n_bars` bars if given."""
    bars = dict(scenario.bars)
    if n_bars is not None:
        actions, detail, factors = (bars.pop(name, None) for name in ("actions", "detail", "factors"))
        bars = {name: None if value is None else value[:n_bars] for name, value in bars.items()}
        if actions is not None:
            known = actions["bar"] < n_bars
            bars["actions"] = {name: values[known] for name, values in actions.items()}
        if factors is not None:
            bars["factors"] = tuple(part[:n_bars] for part in factors)
        if detail is not None:
            offsets = detail[0][: n_bars + 1]
            bars["detail"] = (offsets, *(values[: offsets[-1]] for values in detail[1:]))
    arrays = [bars.pop(name) for name in ("ts", "open", "high", "low", "close", "volume")]
    return engine.Market(*arrays, **bars)


def play(
    engine: ModuleType, scenario: Scenario, *, n_bars: int | None = None, log: list[Any] | None = None, **changes: Any
) -> Any:
    """Run a scenario, or its first `n_bars` bars, with some settings changed."""
    m = market(engine, scenario, n_bars)
    spec = engine.Spec(scenario.n_assets, **{**scenario.spec, **changes})
    if scenario.mode == "signals":
        size = None if scenario.size is None else scenario.size[:n_bars]
        return engine.run_signals(m, spec, scenario.signals[:n_bars], size=size)
    if scenario.mode == "weights":
        known = scenario.rows < m.n_bars
        return engine.run_weights(m, spec, scenario.rows[known], scenario.weights[known])
    if scenario.mode == "orders":
        known = scenario.orders["bar"] < m.n_bars
        return engine.run_orders(m, spec, {name: values[known] for name, values in scenario.orders.items()})
    return engine.run_callback(m, spec, script(scenario.seed, [] if log is None else log))


def differences(a: Any, b: Any, tables: tuple[str, ...] = TABLES) -> list[str]:
    """Sentences about everything in which two runs are not equal bit for bit; statistics to 1e-12."""
    out: list[str] = []
    for name in tables:
        left, right = getattr(a, name), getattr(b, name)
        if list(left) != list(right):
            out.append(f"{name}: columns {list(left)} and {list(right)}")
        out += [
            text
            for column in left
            if column in right
            for text in _column(f"{name}.{column}", left[column], right[column])
        ]
    out += _column("equity", a.equity, b.equity) + _column("exposure", a.exposure, b.exposure)
    for name in ("final_cash_units", "final_equity", "refusals"):
        if getattr(a, name) != getattr(b, name):
            out.append(f"{name}: {getattr(a, name)} and {getattr(b, name)}")
    if list(a.stats) != list(b.stats):
        out.append(f"stats: {list(a.stats)} and {list(b.stats)}")
    out += [
        f"stats.{name}: {x!r} and {b.stats[name]!r}"
        for name, x in a.stats.items()
        if name in b.stats and not np.isclose(x, b.stats[name], rtol=1e-12, atol=1e-12, equal_nan=True)
    ]
    return out


def _column(name: str, left: Any, right: Any) -> list[str]:
    """What differs between two columns."""
    if left.dtype != right.dtype:
        return [f"{name}: dtypes {left.dtype} and {right.dtype}"]
    if left.shape != right.shape:
        return [f"{name}: {len(left)} rows and {len(right)}"]
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    unequal = [i for i, (x, y) in enumerate(pairs) if x != y and not (_is_nan(x) and _is_nan(y))]
    if not unequal:
        return []
    first = unequal[0]
    return [f"{name}[{first}]: {left[first]!r} and {right[first]!r} ({len(unequal)} rows differ)"]


def _is_nan(x: Any) -> bool:
    """Whether a value is a float that is not a number."""
    return isinstance(x, float) and math.isnan(x)
