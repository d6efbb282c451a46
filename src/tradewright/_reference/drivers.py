"""Whole runs: arrays of signals, weights or orders in, a :class:`Run` out.

Also a callback at each close, and sweeps over many parameter sets.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tradewright._reference.context import DISTANCE_KINDS, Context, Ticket
from tradewright._reference.engine import Engine
from tradewright._reference.market import Market
from tradewright._reference.numbers import F64, I8, I64, KINDS, TIFS
from tradewright._reference.results import Run
from tradewright._reference.rules import rule_signals
from tradewright._reference.spec import Spec, close_matches
from tradewright._reference.statistics import METRICS

ORDER_COLUMNS = (
    "bar",
    "asset",
    "kind",
    "quantity",
    "limit",
    "stop",
    "trail",
    "trail_kind",
    "tif",
    "gtd",
    "reduce_only",
    "group",
    "stop_loss",
    "stop_loss_kind",
    "take_profit",
    "take_profit_kind",
    "trail_stop",
    "trail_stop_kind",
)


def _run(market: Market, spec: Spec, decide: Callable[[Engine], None], *, keep: bool = True) -> Run:
    """Step through every bar, let `decide` act at each close, and close out."""
    if market.n_assets != spec.n_assets:
        raise ValueError(
            f"The market has {market.n_assets} assets and the spec {spec.n_assets}; give both the same number."
        )
    engine = Engine(spec)
    for bar in range(market.n_bars):
        engine.step(market.row(bar))
        decide(engine)
        engine.decided()
    engine.close_out()
    return Run(engine, keep=keep)


def _table(name: str, values: Any, market: Market, dtype: Any) -> Any:
    """Array as (n_bars, n_assets)."""
    array = np.ascontiguousarray(values, dtype=dtype)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    if array.shape != (market.n_bars, market.n_assets):
        raise ValueError(
            f"{name} has shape {np.shape(values)}; the market has {market.n_bars} bars and {market.n_assets} assets."
        )
    return array


def run_signals(market: Market, spec: Spec, signals: I8, *, size: F64 | None = None, keep: bool = True) -> Run:
    """Run signals decided at closes.

    Parameters
    ----------
    market : Market
    spec : Spec
    signals : ndarray of int8, shape (n_bars, n_assets) or (n_bars,)
        1 long, 0 flat, -1 short, -128 no opinion.
    size : ndarray of float64, optional
        Scales the entry of each bar and asset.
    keep : bool, default True
        Whether the run keeps its tables.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        For shapes that do not fit or a code that is no signal.

    Examples
    --------
    >>> x = np.array([10.0, 10.0, 12.0])
    >>> market = Market(np.arange(3), x, x, x, x)
    >>> run = run_signals(market, Spec(initial_cash=100.0), np.array([1, 1, 1], dtype=np.int8))
    >>> run.equity.tolist()
    [100.0, 100.0, 120.0]
    """
    table = _table("signals", signals, market, np.int8)
    bad = ~np.isin(table, (-128, -1, 0, 1))
    if bool(bad.any()):
        raise ValueError(f"A signal is {int(table[bad][0])}; signals are 1, 0, -1 or -128 (no opinion).")
    if spec.size_mode == "risk" and spec.stop <= 0.0:
        raise ValueError("size_mode is 'risk' and stop is 0; sizing by risk needs the distance of a stop.")
    scale = None if size is None else _table("size", size, market, np.float64)

    def decide(engine: Engine) -> None:
        if engine.bar < market.n_bars - 1 or spec.fill == "same_close":
            engine.decide_signals(table[engine.bar].tolist(), None if scale is None else scale[engine.bar].tolist())

    return _run(market, spec, decide, keep=keep)


def run_weights(market: Market, spec: Spec, rows: I64, weights: F64) -> Run:
    """Run target weights decided at the closes of `rows`.

    Parameters
    ----------
    rows : ndarray of int64, shape (n_rows,)
        Bars, increasing.
    weights : ndarray of float64, shape (n_rows, n_assets)
        Signed fractions of equity; NaN leaves an asset alone.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        For shapes that do not fit or rows that do not increase.

    Examples
    --------
    >>> x = np.array([10.0, 10.0, 12.0])
    >>> run = run_weights(Market(np.arange(3), x, x, x, x), Spec(initial_cash=100.0), np.array([0]), np.array([[0.5]]))
    >>> run.equity.tolist()
    [100.0, 100.0, 110.0]
    """
    bars: list[int] = np.asarray(rows, dtype=np.int64).tolist()
    table = np.asarray(weights, dtype=np.float64)
    if table.size != len(bars) * market.n_assets:
        raise ValueError(f"weights has shape {table.shape}; {len(bars)} rows of {market.n_assets} assets are needed.")
    table = table.reshape(len(bars), market.n_assets)
    if any(b <= a for a, b in itertools.pairwise(bars)) or any(not 0 <= bar < market.n_bars for bar in bars):
        raise ValueError(f"The rows of weights must increase and lie between 0 and {market.n_bars - 1}.")
    at = {bar: table[i].tolist() for i, bar in enumerate(bars)}

    def decide(engine: Engine) -> None:
        if engine.bar in at and (engine.bar < market.n_bars - 1 or spec.fill == "same_close"):
            engine.decide_weights(at[engine.bar])

    return _run(market, spec, decide)


def run_orders(market: Market, spec: Spec, orders: Mapping[str, Any]) -> Run:
    """Run a table of orders, each submitted at the close of its bar, in the order given.

    Parameters
    ----------
    orders : mapping of columns
        ``bar``, ``asset``, ``kind`` (code), ``quantity``; optional ones as ``_core.pyi`` names them.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        For unknown columns, codes, assets or bars, and quantities that are not finite.

    Examples
    --------
    >>> x = np.array([10.0, 10.0, 12.0])
    >>> orders = {"bar": [0], "asset": [0], "kind": [KINDS.index("market")], "quantity": [5.0]}
    >>> run_orders(Market(np.arange(3), x, x, x, x), Spec(initial_cash=100.0), orders).equity.tolist()
    [100.0, 100.0, 110.0]
    """
    tickets = _tickets(orders, market)

    def decide(engine: Engine) -> None:
        for ticket in tickets.get(engine.bar, []):
            ticket.submit(engine)

    return _run(market, spec, decide)


def _tickets(columns: Mapping[str, Any], market: Market) -> dict[int, list[Ticket]]:
    """Orders of a table by bar."""
    for name in columns:
        if name not in ORDER_COLUMNS:
            raise ValueError(f"Orders have no column {name!r}. {close_matches(name, ORDER_COLUMNS)}")
    lists: dict[str, list[Any]] = {name: np.asarray(values).tolist() for name, values in columns.items()}
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1 or not {"bar", "asset", "kind", "quantity"} <= set(lists):
        raise ValueError(f"Orders need the columns bar, asset, kind and quantity, all of one length; got {lengths}.")
    out: dict[int, list[Ticket]] = {}
    for i in range(lengths["bar"]):
        row = {name: values[i] for name, values in lists.items()}
        if not 0 <= row["bar"] < market.n_bars:
            raise ValueError(f"An order is for bar {row['bar']}; the market has bars 0 to {market.n_bars - 1}.")
        if not 0 <= row["asset"] < market.n_assets:
            raise ValueError(f"An order is for asset {row['asset']}; the market has assets 0 to {market.n_assets - 1}.")
        group = row.get("group", -1)
        out.setdefault(int(row["bar"]), []).append(
            Ticket(
                quantity=float(row["quantity"]),
                kind=_word("kind", row["kind"], KINDS),
                asset=int(row["asset"]),
                limit=row.get("limit"),
                stop=row.get("stop"),
                trail=row.get("trail"),
                trail_kind=_word("trail_kind", row.get("trail_kind", 0), DISTANCE_KINDS[:2]),
                tif=_word("tif", row.get("tif", 0), TIFS),
                gtd=row.get("gtd"),
                reduce_only=bool(row.get("reduce_only", 0)),
                group=None if group < 0 else group,
                stop_loss=row.get("stop_loss"),
                take_profit=row.get("take_profit"),
                trail_stop=row.get("trail_stop"),
                protect_kinds={
                    "stop": _word("stop_loss_kind", row.get("stop_loss_kind", 0), DISTANCE_KINDS),
                    "target": _word("take_profit_kind", row.get("take_profit_kind", 0), DISTANCE_KINDS),
                    "trail": _word("trail_stop_kind", row.get("trail_stop_kind", 0), DISTANCE_KINDS),
                },
            )
        )
    return out


def _word(name: str, code: int, words: tuple[str, ...]) -> str:
    """Word of an integer code."""
    if not 0 <= code < len(words):
        raise ValueError(f"{name} is {code}; the codes are 0 to {len(words) - 1} ({', '.join(words)}).")
    return words[int(code)]


def run_callback(market: Market, spec: Spec, on_bar: Callable[[Context], None]) -> Run:
    """Call `on_bar` at each close with one context; an exception in it ends the run and is raised.

    >>> x = np.array([10.0, 10.0, 12.0])
    >>> market = Market(np.arange(3), x, x, x, x)
    >>> run_callback(market, Spec(initial_cash=100.0), lambda ctx: ctx.order(1.0) and None).equity.tolist()
    [100.0, 100.0, 102.0]
    """
    context: list[Context] = []

    def decide(engine: Engine) -> None:
        if not context:
            context.append(Context(engine, market))
        on_bar(context[0])

    return _run(market, spec, decide)


def sweep_signals(market: Market, spec: Spec, signals: I8, *, threads: int = 0) -> F64:
    """Metrics of many signal rows of one asset.

    Parameters
    ----------
    signals : ndarray of int8, shape (n_params, n_bars)
    threads : int
        Taken for the compiled engine's sake; one thread is used here.

    Returns
    -------
    ndarray of float64, shape (n_params, len(METRICS))

    Examples
    --------
    >>> x = np.array([10.0, 10.0, 12.0])
    >>> market = Market(np.arange(3), x, x, x, x)
    >>> sweep_signals(market, Spec(initial_cash=100.0), np.array([[1, 1, 1], [0, 0, 0]], dtype=np.int8))[:, 0].tolist()
    [120.0, 100.0]
    """
    del threads
    rows = [_metrics(run_signals(market, spec, row, keep=False)) for row in np.asarray(signals, dtype=np.int8)]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(METRICS))


def sweep_rule(
    market: Market,
    spec: Spec,
    rule: str,
    params: F64,
    *,
    by_state: bool = True,
    long_only: bool = True,
    threads: int = 0,
    progress: Callable[[int], None] | None = None,
) -> F64:
    """Metrics of a built-in rule for many parameter sets.

    Parameters
    ----------
    params : ndarray of float64, shape (n_params, n_numbers)
    threads : int
        Taken for the compiled engine's sake; one thread is used here.
    progress : callable, optional
        Called with the number of sets done.

    Returns
    -------
    ndarray of float64, shape (n_params, len(METRICS))

    Examples
    --------
    >>> x = np.array([10.0, 9.0, 11.0, 12.0, 12.0])
    >>> market = Market(np.arange(5), x, x, x, x)
    >>> sweep_rule(market, Spec(initial_cash=120.0), "sma_cross", np.array([[1.0, 2.0]]))[:, 0].tolist()
    [120.0]
    """
    del threads
    rows = []
    for number, numbers in enumerate(np.asarray(params, dtype=np.float64)):
        signals = rule_signals(rule, market, numbers, by_state=by_state, long_only=long_only)
        rows.append(_metrics(run_signals(market, spec, signals, keep=False)))
        if progress is not None:
            progress(number + 1)
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(METRICS))


def _metrics(run: Run) -> list[float]:
    """Figures of a run in the order of METRICS."""
    return [run.stats[name] for name in METRICS]
