"""What a run produced, as columns: :class:`Run`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewright._reference.engine import Engine
from tradewright._reference.execution import FillRow
from tradewright._reference.ledger import Flow, Trade
from tradewright._reference.numbers import F64, KIND_CODE, REASON_CODE, STATUS_CODE, TIF_CODE, from_units
from tradewright._reference.orders import NAN, Order
from tradewright._reference.statistics import METRICS, ratio, statistics, trade_statistics

Columns = dict[str, NDArray[Any]]


class Run:
    """Columns and figures of a finished run; see ``_core.pyi`` for their names.

    Parameters
    ----------
    engine : Engine
        An engine whose last bar is decided and closed out.
    keep : bool, default True
        Whether orders, fills, trades, cash flows and curves are kept; figures always are.

    Examples
    --------
    >>> from tradewright._reference.spec import Spec
    >>> run = Run(Engine(Spec(initial_cash=5.0)))
    >>> run.final_equity, run.final_cash_units
    (5.0, 5000000000000)
    """

    def __init__(self, engine: Engine, *, keep: bool = True) -> None:
        ledger = engine.ledger
        trades = [*ledger.trades, *ledger.open_trades()]
        self.refusals = dict(engine.refusals)
        self.final_equity = engine.equity[-1] if engine.equity else engine.initial
        self.final_cash_units = ledger.cash
        self.stats = _stats(engine, ledger.trades)
        self.positions = _positions(engine)
        self.equity: F64 = np.array(engine.equity if keep else [], dtype=np.float64)
        self.exposure: F64 = np.array(engine.exposure if keep else [], dtype=np.float64)
        self.orders = orders_table(engine, engine.orders.all if keep else [])
        self.fills = fills_table(engine.fills if keep else [])
        self.trades = _trades(trades if keep else [])
        self.cash_flows = flows_table(engine.ledger.flows if keep else [])


def _column(values: Iterable[Any], dtype: Any) -> NDArray[Any]:
    """Array of a dtype; object columns stay Python objects."""
    items = list(values)
    out = np.empty(len(items), dtype=dtype)
    out[:] = items
    return out


def _average_price(order: Order, multiplier: float) -> float:
    """Average fill price of an order; NaN without fills."""
    size = from_units(abs(order.filled)) * multiplier
    return from_units(order.notional) / size if size > 0.0 else NAN


def orders_table(engine: Engine, orders: Sequence[Order]) -> Columns:
    """Table of orders by id."""
    multiplier = engine.spec.multiplier
    shown = [order.reason if order.status in {"pending", "filled"} else order.closing_reason for order in orders]
    return {
        "id": _column((o.id for o in orders), np.int64),
        "bar": _column((o.bar for o in orders), np.int64),
        "asset": _column((o.asset for o in orders), np.int64),
        "kind": _column((KIND_CODE[o.kind] for o in orders), np.int8),
        "quantity": _column((NAN if o.quantity is None else from_units(o.quantity) for o in orders), np.float64),
        "limit": _column((o.limit for o in orders), np.float64),
        "stop": _column((o.stop for o in orders), np.float64),
        "tif": _column((TIF_CODE[o.tif] for o in orders), np.int8),
        "status": _column((STATUS_CODE[o.status] for o in orders), np.int16),
        "filled": _column((from_units(o.filled) for o in orders), np.float64),
        "price": _column((_average_price(o, multiplier[o.asset]) for o in orders), np.float64),
        "reason": _column((REASON_CODE[reason] for reason in shown), np.int16),
        "parent": _column((o.parent for o in orders), np.int64),
        "group": _column((o.group for o in orders), np.int64),
    }


def fills_table(rows: Sequence[FillRow]) -> Columns:
    """Table of fills in the order in which they happened."""
    facts = [row.execution for row in rows]
    return {
        "order": _column((x.order for x in facts), np.int64),
        "bar": _column((x.bar for x in facts), np.int64),
        "asset": _column((x.asset for x in facts), np.int64),
        "phase": _column((row.phase for row in rows), np.int8),
        "quantity": _column((from_units(x.quantity) for x in facts), np.float64),
        "price": _column((x.price for x in facts), np.float64),
        "raw_price": _column((row.base for row in rows), np.float64),
        "fee": _column((from_units(x.fee) for x in facts), np.float64),
        "slippage": _column((row.slippage for row in rows), np.float64),
        "notional": _column((from_units(x.notional) for x in facts), np.float64),
        "ambiguous": _column((x.ambiguous for x in facts), np.bool_),
        "cash_units": _column((row.cash for row in rows), object),
        "reason": _column((REASON_CODE[x.reason] for x in facts), np.int16),
    }


def _trades(trades: Sequence[Trade]) -> Columns:
    """Table of trades: closed ones in the order of their exits, then the open ones by asset."""
    return {
        "asset": _column((x.asset for x in trades), np.int64),
        "direction": _column((x.direction for x in trades), np.int8),
        "quantity": _column((from_units(x.quantity) for x in trades), np.float64),
        "entry_bar": _column((x.entry_bar for x in trades), np.int64),
        "entry_price": _column((x.entry_price for x in trades), np.float64),
        "exit_bar": _column((x.exit_bar for x in trades), np.int64),
        "exit_price": _column((x.exit_price for x in trades), np.float64),
        "fees": _column((from_units(x.fees) for x in trades), np.float64),
        "pnl": _column((from_units(x.pnl) for x in trades), np.float64),
        "ret": _column((_return(x) for x in trades), np.float64),
        "ambiguous": _column((x.ambiguous for x in trades), np.bool_),
        "entry_reason": _column((REASON_CODE[x.entry_reason] for x in trades), np.int16),
        "exit_reason": _column((REASON_CODE[x.exit_reason] for x in trades), np.int16),
        "entry_order": _column((x.entry_order for x in trades), np.int64),
        "exit_order": _column((x.exit_order for x in trades), np.int64),
    }


def _return(trade: Trade) -> float:
    """Net profit as a fraction of what the position cost."""
    return ratio(from_units(trade.pnl), from_units(abs(trade.cost)))


def flows_table(flows: Sequence[Flow]) -> Columns:
    """Table of cash movements."""
    return {
        "bar": _column((x.bar for x in flows), np.int64),
        "asset": _column((x.asset for x in flows), np.int64),
        "kind": _column((x.kind for x in flows), object),
        "amount": _column((from_units(x.units) for x in flows), np.float64),
        "units": _column((x.units for x in flows), object),
    }


def _positions(engine: Engine) -> Columns:
    """Table of what is held at the end."""
    ledger, multiplier = engine.ledger, engine.spec.multiplier
    held = ledger.held()
    quantities = [from_units(ledger.positions[a].quantity) for a in held]
    return {
        "asset": _column(held, np.int64),
        "quantity": _column(quantities, np.float64),
        "cost": _column((from_units(ledger.positions[a].cost) for a in held), np.float64),
        "mark": _column((ledger.marks[a] for a in held), np.float64),
        "value": _column(
            ((q * multiplier[a]) * ledger.marks[a] for a, q in zip(held, quantities, strict=True)), np.float64
        ),
    }


def _stats(engine: Engine, closed: Sequence[Trade]) -> dict[str, float]:
    """All metrics in the order of METRICS."""
    spec = engine.spec
    curve = np.array(engine.equity, dtype=np.float64)
    stats = statistics(curve, engine.initial, spec.periods_per_year, spec.risk_free)
    stats |= trade_statistics([from_units(x.pnl) for x in closed], [_return(x) for x in closed])
    n_bars = len(engine.equity)
    average = math.fsum(engine.equity) / n_bars if n_bars else NAN
    traded = math.fsum(abs(from_units(row.execution.notional)) for row in engine.fills)
    stats["exposure"] = ratio(float(engine.bars_held), float(n_bars))
    stats["turnover"] = ratio(traded, average) / (n_bars / spec.periods_per_year) if n_bars else NAN
    stats["fees"] = from_units(sum(row.execution.fee for row in engine.fills))
    stats["slippage"] = math.fsum(row.slippage for row in engine.fills)
    return {name: stats[name] for name in METRICS}
