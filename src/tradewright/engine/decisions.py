"""From what a strategy answers to what the order engine takes.

Entry points: `Decisions`, `decide`, `decide_prepared`, `signal_array`, `weight_rows`, `order_columns`.

Invariants: whatever a user hands over (booleans, floats, lists, frames, texts) is checked here and becomes the exact
arrays of `core.run_signals`, `core.run_weights` or `core.run_orders`; nothing is guessed silently.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import InputError, closest
from tradewright.domain.forecasts import HOLD
from tradewright.engine.decision_tables import grid_of, is_table, order_table
from tradewright.engine.universe import within_universe
from tradewright.kernel import core
from tradewright.strategies.base import Strategy, step_of

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars
    from tradewright.engine.prepared import Prepared

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["Decisions", "decide", "decide_prepared", "order_columns", "signal_array", "weight_rows"]


@dataclass(slots=True)
class Decisions:
    """One of four ways to tell the engine what to do.

    Parameters
    ----------
    kind : str
        ``signals``, ``weights``, ``orders`` or ``callback``.
    signals : int8 array (n_bars, n_assets), optional
    rows, weights : int64 (k,), float64 (k, n_assets), optional
    orders : columns, optional
    strategy : object with ``on_bar``, optional
        Called anew for every run.
    scale : float64 array (n_bars, n_assets), optional
        Multiplies the size of entries by signal.
    seen : Bars, optional
        Adjusted bars that they were made on, None where those of the run were.
    """

    kind: str
    signals: Array | None = None
    rows: Array | None = None
    weights: Array | None = None
    orders: dict[str, Array] | None = None
    strategy: Any = None
    scale: Array | None = None
    seen: Bars | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def run(self, market: core.Market, spec: core.Spec, bars: Bars, *, keep: bool = True) -> core.Run:
        """Run the engine once on these decisions.

        Parameters
        ----------
        market, spec
            Of the same bars.
        bars : Bars
            Handed to the `init` of a callback strategy.
        keep : bool
            False keeps statistics only, where the engine can.
        """
        if self.kind == "signals":
            assert self.signals is not None
            if self.scale is None:
                return core.run_signals(market, spec, self.signals, keep=keep)
            return core.run_signals(market, spec, self.signals, size=self.scale, keep=keep)
        if self.kind == "weights":
            assert self.rows is not None
            assert self.weights is not None
            return core.run_weights(market, spec, self.rows, self.weights)
        if self.kind == "orders":
            assert self.orders is not None
            return core.run_orders(market, spec, self.orders)
        return core.run_callback(market, spec, step_of(self.strategy, bars if self.seen is None else self.seen))


def decide(strategy: Any, bars: Bars, market: core.Market) -> Decisions:
    """Ask a strategy for its decisions on all bars.

    Parameters
    ----------
    strategy : Strategy or object with ``on_bar``, ``signals``, ``weights`` or ``orders``
    bars : Bars
    market : core.Market
        Of the same bars, for compiled rules.

    Returns
    -------
    Decisions

    Raises
    ------
    InputError
        If the answer has a wrong shape or holds something that is not a decision.
    """
    if isinstance(strategy, Strategy):
        rule = strategy.rule()
        if rule is not None:
            values = np.array(rule.values, dtype=np.float64)
            return Decisions(
                "signals",
                core.rule_signals(rule.name, market, values, by_state=rule.by_state, long_only=rule.long_only),
            )
    if getattr(strategy, "on_bar", None) is not None:
        return Decisions("callback", strategy=strategy)
    name = getattr(strategy, "name", type(strategy).__name__)
    if getattr(strategy, "weights", None) is not None:
        return _weights(strategy.weights(bars), bars, name)
    if getattr(strategy, "orders", None) is not None:
        return Decisions("orders", orders=order_columns(strategy.orders(bars), bars, name))
    if getattr(strategy, "signals", None) is not None:
        answer = strategy.signals(bars)
        if isinstance(answer, tuple):
            return _weights(answer, bars, name)
        return Decisions("signals", signal_array(answer, bars, name))
    raise InputError(f"{name} decides nothing: it has none of signals, weights, orders and on_bar.")


def decide_prepared(strategy: Any, prepared: Prepared) -> Decisions:
    """Ask a strategy for its decisions on the prices that the settings let it see.

    Parameters
    ----------
    strategy
        As in `decide`.
    prepared : Prepared
        Where its bars carry splits or dividends, ``settings.decide_on`` chooses between raw and adjusted prices.

    Returns
    -------
    Decisions
        With `seen` set when they were made on adjusted bars.
    """
    choice = prepared.settings.decide_on
    if not prepared.bars.actions or choice == "raw" or (choice == "auto" and _states_prices(strategy)):
        return within_universe(decide(strategy, prepared.bars, prepared.market), prepared)
    view = prepared.adjusted
    if view is None:
        return within_universe(decide(strategy, prepared.bars, prepared.market), prepared)
    made = decide(strategy, *view)
    made.seen = view[0]
    return within_universe(made, prepared)


def _states_prices(strategy: Any) -> bool:
    """Whether a strategy names prices and quantities itself, which then are those of the market."""
    if isinstance(strategy, Strategy) and strategy.rule() is not None:
        return False
    if getattr(strategy, "on_bar", None) is not None:
        return True
    return getattr(strategy, "weights", None) is None and getattr(strategy, "orders", None) is not None


def signal_array(values: Any, bars: Bars, name: str = "signals") -> Array:
    """Signals as the engine takes them.

    Parameters
    ----------
    values : array-like of shape (n_bars,) or (n_bars, n_assets), frame, or path
        Booleans (long or flat), whole numbers 1, 0, -1 and -128 (no opinion), or floats where NaN is no opinion. Or a
        table with times, see `tradewright.engine.decision_tables.grid_of`; where it says nothing, there is no opinion.
    bars : Bars
        What they belong to.
    name : str
        For messages.

    Returns
    -------
    int8 array (n_bars, n_assets), C-contiguous

    Raises
    ------
    InputError
        If the shape does not fit or a value is not a signal.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> bars = Bars.from_arrays(None, *[[1.0, 2.0, 3.0]] * 4)
    >>> signal_array([np.nan, 1, 0], bars)[:, 0].tolist()
    [-128, 1, 0]
    """
    if not isinstance(values, np.ndarray) and is_table(values):
        rows, said = grid_of(values, bars, name)
        values = np.full((bars.n_bars, bars.n_assets), np.nan)
        values[rows] = said
    array = np.asarray(values)
    if array.ndim == 1 and bars.n_assets == 1:
        array = array.reshape(-1, 1)
    if array.shape != (bars.n_bars, bars.n_assets):
        raise InputError(
            f"{name} answers with shape {np.shape(values)}; it must be ({bars.n_bars}, {bars.n_assets}): one row "
            "a bar, one "
            "column an instrument."
        )
    if array.dtype.kind == "O":
        array = array.astype(np.float64)
    if array.dtype.kind == "f":
        missing = np.isnan(array)
        whole = np.where(missing, HOLD, array)
    elif array.dtype.kind in "iub":
        whole = array
    else:
        raise InputError(f"{name} answers with {array.dtype}; signals are 1, 0, -1, or NaN (-128) for no opinion.")
    if whole.dtype.kind in "ib" and whole.dtype.itemsize == 1:
        codes = np.ascontiguousarray(whole).view(np.int8)
        if core.first_foreign_code(codes) < 0:
            return codes
    wrong = ~((whole == 1) | (whole == 0) | (whole == -1) | (whole == HOLD))
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise InputError(
            f"{name} says {float(whole[row, column]):g} at bar {row}; signals are 1, 0, -1, or NaN (-128) for no "
            "opinion. Fractions of "
            "equity are weights: return (rows, weights)."
        )
    return np.ascontiguousarray(whole, dtype=np.int8)


def weight_rows(values: Any, bars: Bars, name: str = "weights") -> tuple[Array, Array]:
    """Target weights as the engine takes them.

    Parameters
    ----------
    values : tuple (rows, weights), array-like of shape (n_bars, n_assets), frame, or path
        In an array, rows without any number are not decisions. Or a table with times, see
        `tradewright.engine.decision_tables.grid_of`.
    bars : Bars
        What they belong to.
    name : str
        For messages.

    Returns
    -------
    rows : int64 array (k,), increasing
    weights : float64 array (k, n_assets), NaN leaves an instrument alone

    Raises
    ------
    InputError
        If shapes do not fit, rows are out of range or out of order, or a weight is infinite.
    """
    if not isinstance(values, (np.ndarray, tuple)) and is_table(values):
        values = grid_of(values, bars, name)
    if isinstance(values, tuple) and len(values) == 2:
        rows = np.ascontiguousarray(values[0], dtype=np.int64)
        weights = np.ascontiguousarray(values[1], dtype=np.float64)
        if weights.ndim == 1 and bars.n_assets == 1:
            weights = weights.reshape(-1, 1)
    else:
        full = np.asarray(values, dtype=np.float64)
        if full.ndim == 1 and bars.n_assets == 1:
            full = full.reshape(-1, 1)
        if full.shape != (bars.n_bars, bars.n_assets):
            raise InputError(f"{name} has shape {np.shape(values)}; it must be ({bars.n_bars}, {bars.n_assets}).")
        rows = np.flatnonzero(~np.isnan(full).all(axis=1)).astype(np.int64)
        weights = np.ascontiguousarray(full[rows])
    if rows.ndim != 1 or weights.shape != (rows.size, bars.n_assets):
        raise InputError(
            f"{name} answers with rows of shape {rows.shape} and weights of shape {weights.shape}; they must be "
            "(k,) and "
            f"(k, {bars.n_assets})."
        )
    if rows.size and (rows[0] < 0 or rows[-1] >= bars.n_bars or bool((np.diff(rows) <= 0).any())):
        raise InputError(f"{name}: rows must increase and lie in 0 .. {bars.n_bars - 1}.")
    if np.isinf(weights).any():
        raise InputError(f"{name}: a weight is infinite; weights are fractions of equity.")
    return rows, weights


_CODES: Final = {"kind": "KINDS", "tif": "TIFS"}
_UNITS: Final = {"fraction": 0, "amount": 1, "atr": 2, "price": 3}
_DTYPES: Final = {
    "bar": np.int64,
    "asset": np.int64,
    "kind": np.int8,
    "quantity": np.float64,
    "limit": np.float64,
    "stop": np.float64,
    "trail": np.float64,
    "trail_kind": np.int8,
    "tif": np.int8,
    "gtd": np.int64,
    "reduce_only": np.int8,
    "group": np.int64,
    "stop_loss": np.float64,
    "stop_loss_kind": np.int8,
    "take_profit": np.float64,
    "take_profit_kind": np.int8,
    "trail_stop": np.float64,
    "trail_stop_kind": np.int8,
}


def order_columns(orders: Any, bars: Bars, name: str = "orders") -> dict[str, Array]:
    """Orders as the engine takes them.

    Parameters
    ----------
    orders : mapping of columns, sequence of mappings, data frame, or path
        ``bar`` (or ``date`` or ``time``, see `tradewright.engine.decision_tables.rows_at`) and ``quantity`` (signed)
        are needed; ``symbol`` (or ``asset``, a column number) with several
        instruments; ``kind`` as text (``market`` by default), and as needed ``limit``, ``stop``, ``trail``, ``tif``,
        ``gtd``, ``reduce_only``, ``group``, ``stop_loss``, ``take_profit``, ``trail_stop`` with their ``_kind``
        (``fraction``, ``amount``, ``atr``, ``price``).
    bars : Bars
        What they belong to.
    name : str
        For messages.

    Returns
    -------
    dict of arrays, in the order given (stable by bar)

    Raises
    ------
    InputError
        If a column or word is unknown, lengths differ, or a bar or instrument is not there.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> bars = Bars.from_arrays(None, *[[1.0, 2.0, 3.0]] * 4)
    >>> columns = order_columns([{"bar": 0, "quantity": 5, "kind": "limit", "limit": 1.5}], bars)
    >>> columns["quantity"].tolist(), core.KINDS[columns["kind"][0]]
    ([5.0], 'limit')
    """
    given = order_table(orders, bars, name) or {"bar": [], "quantity": []}
    known = ["date", "time", "symbol", *_DTYPES]
    for key in given:
        if key not in known:
            raise InputError(f"{name} have no column {key!r}{closest(key, known) or '.'} Known: {', '.join(known)}.")
    for key in ("bar", "quantity"):
        if key not in given:
            raise InputError(f"{name} need a column {key!r}; they have {', '.join(given) or 'none'}.")
    n = len(given["bar"])
    for key, values in given.items():
        if len(values) != n:
            raise InputError(f"{name}: column {key!r} has {len(values)} rows but 'bar' has {n}.")
    if "symbol" in given:
        symbols = given.pop("symbol")
        given["asset"] = [bars.column(str(symbol)) for symbol in symbols]
    elif "asset" not in given:
        if bars.n_assets != 1:
            raise InputError(f"{name} need a column 'symbol': there are {bars.n_assets} instruments.")
        given["asset"] = [0] * n
    given.setdefault("kind", ["market"] * n)
    out = {key: _order_column(key, values, name) for key, values in given.items()}
    bar, asset = out["bar"], out["asset"]
    if n and (bar.min() < 0 or bar.max() >= bars.n_bars):
        raise InputError(f"{name}: bars must lie in 0 .. {bars.n_bars - 1}, not {int(bar.min())} .. {int(bar.max())}.")
    if n and (asset.min() < 0 or asset.max() >= bars.n_assets):
        raise InputError(f"{name}: instruments are numbered 0 .. {bars.n_assets - 1}.")
    if n and not np.isfinite(out["quantity"]).all():
        raise InputError(f"{name}: a quantity is not finite.")
    if n and bool((np.diff(bar) < 0).any()):
        order = np.argsort(bar, kind="stable")
        out = {key: values[order] for key, values in out.items()}
    return {key: np.ascontiguousarray(values) for key, values in out.items()}


def _weights(answer: Any, bars: Bars, name: str) -> Decisions:
    rows, weights = weight_rows(answer, bars, name)
    return Decisions("weights", rows=rows, weights=weights)


_DEFAULTS: Final[Mapping[str, Any]] = {"kind": "market", "tif": "gtc", "group": -1, "reduce_only": 0, "gtd": 0}


def _order_column(key: str, values: Any, name: str) -> Array:
    dtype = _DTYPES[key]
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf" and dtype == np.float64:
        return values.astype(dtype)
    read: Callable[[Any], Any]
    if key in _CODES:
        words: Sequence[str] = getattr(core, _CODES[key])
        read = lambda value: _code(value, words, key, name)  # noqa: E731
    elif key.endswith("_kind"):
        read = lambda value: _code(value, list(_UNITS), key, name)  # noqa: E731
    elif dtype == np.float64:
        read = lambda value: math.nan if _missing(value) else float(value)  # noqa: E731
    else:
        read = lambda value: int(_DEFAULTS.get(key, 0) if _missing(value) else _whole(value))  # noqa: E731
    try:
        return np.array([read(value) for value in values], dtype=dtype)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name}: column {key!r} holds something that is not a number: {error}.") from error


def _whole(value: Any) -> int:
    number = float(value) if isinstance(value, str) else value
    if number != int(number):
        raise ValueError(f"{value!r} is no whole number")
    return int(number)


def _missing(value: Any) -> bool:
    """Return whether a cell is empty, as frames of any kind write it."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ == "NAType"


def _code(value: Any, words: Sequence[str], key: str, name: str) -> int:
    if _missing(value):
        value = _DEFAULTS.get(key, words[0])
    if isinstance(value, str):
        if value not in words:
            raise InputError(
                f"{name}: {key} {value!r} is unknown{closest(value, words) or '.'} Known: {', '.join(words)}."
            )
        return words.index(value)
    code = int(value)
    if not 0 <= code < len(words):
        raise InputError(f"{name}: {key} code {code} is outside 0 .. {len(words) - 1}.")
    return code
