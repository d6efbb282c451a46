"""Compiled order engine and kernels: arrays in, arrays out.

The same names exist in ``tradewright._reference``; import either through ``tradewright.kernel``.
Semantics: docs/fill-semantics.md.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
I8 = NDArray[np.int8]
Columns = dict[str, NDArray[Any]]

UNIT: int
HOLD: int  # -128, "no opinion" in a signal array
METRICS: tuple[str, ...]  # column names of what sweeps return
__backend__: str  # "rust" or "python"

class Spec:
    """Everything that is constant in a run, parsed and checked once.

    ``Spec(n_assets=1, **settings)``; unknown names raise ``ValueError``. Per-asset settings (tick, lot,
    min_notional, multiplier) take a float or an array of ``n_assets``.
    """

    n_assets: int
    def __init__(
        self,
        n_assets: int = 1,
        *,
        initial_cash: float = 100_000.0,
        periods_per_year: float = 252.0,
        risk_free: float = 0.0,
        fill: str = "next_open",  # next_open | same_close | next_close
        intrabar: str = "pessimistic",  # pessimistic | expected | optimistic
        trail_update: str = "path",  # path | bar
        size: float = 1.0,
        size_mode: str = "fraction",  # fraction | quantity | value | risk
        size_basis: str = "fill",  # fill | decision
        allow_short: bool = True,
        leverage: float = 1.0,
        maintenance_margin: float = 0.25,
        on_short_cash: str = "resize",  # resize | refuse
        close_last: bool = False,
        volume_share: float = 0.0,  # 0: no cap
        cooldown: int = 0,
        max_position: float = 0.0,  # 0: no cap; fraction of equity
        max_gross: float = 0.0,
        daily_loss: float = 0.0,
        max_drawdown: float = 0.0,
        on_halt: str = "block",  # block | flatten | flatten_at_drawdown
        rebalance_buffer: float = 0.0,
        stop: float = 0.0,  # protection that signal entries carry; 0: none
        stop_kind: str = "fraction",  # fraction | amount | atr
        target: float = 0.0,
        target_kind: str = "fraction",
        trail: float = 0.0,
        trail_kind: str = "fraction",
        per_order: float = 0.0,
        per_share: float = 0.0,
        maker_rate: float = 0.0,
        taker_rate: float = 0.0,
        sell_rate: float = 0.0,
        min_fee: float = 0.0,
        max_rate: float = 0.0,
        half_spread: float = 0.0,
        slip_model: str = "none",  # none | fixed | rate | volume_share | square_root | almgren_chriss
        slip_a: float = 0.0,
        slip_b: float = 0.0,
        slip_c: float = 0.6,
        borrow_rate: float = 0.0,
        margin_rate: float = 0.0,
        cash_rate: float = 0.0,
        tick: float | F64 = 0.0,
        lot: float | F64 = 0.0,
        min_notional: float | F64 = 0.0,
        multiplier: float | F64 = 1.0,
    ) -> None: ...

class Market:
    """Checked references to the arrays of one run (nothing is copied when dtypes and layout fit).

    ``(n_bars, n_assets)`` C-contiguous float64 (1-D for one asset); ``ts`` int64 ns; ``session`` int64 ordinals
    (default: UTC day of ``ts``; a function is called when a run needs them). ``actions``: columns ``bar`` int64,
    ``asset`` int64, ``kind`` int8 (0 split, 1 dividend, 2 delisting, 3 spin-off, 4 merger), ``value`` float64; for the
    last two also ``other`` int64 (asset received, -1: none here), ``cash`` and ``price`` float64 (0: not stated).
    ``checked``: the caller vouches that stamps ascend and all prices are finite, which is then not looked at again.
    ``factors``: ``(of prices, of volumes)``, float64 as the prices, by which adjusted history is scaled.
    ``detail``: ``(offsets int64[n_bars + 1], open, high, low, close)`` of finer bars, one asset only or ``(rows,
    n_assets)``.
    """

    n_bars: int
    n_assets: int
    def __init__(
        self,
        ts: I64,
        open: F64,
        high: F64,
        low: F64,
        close: F64,
        volume: F64 | None = None,
        *,
        session: I64 | Callable[[], I64] | None = None,
        atr: F64 | None = None,
        sigma: F64 | None = None,
        funding: F64 | None = None,
        actions: Columns | None = None,
        detail: tuple[I64, F64, F64, F64, F64] | None = None,
        factors: tuple[F64, F64] | None = None,
        checked: bool = False,
    ) -> None: ...

class Run:
    """What a run produced; columns are made when asked for.

    ``orders``: id, bar, asset, kind (str code int8, see KINDS), quantity, limit, stop, tif, status, filled, price
    (average), reason, parent, group
    ``fills``: order, bar, asset, phase (0 open 1 inside 2 close), quantity, price, raw_price, fee, slippage (cost
    in money), notional, ambiguous,
    cash_units (python ints as object array), reason.
    ``trades``: asset, direction, quantity, entry_bar, entry_price, exit_bar, exit_price, fees, pnl, ret, ambiguous,
    entry_reason, exit_reason, entry_order, exit_order.
    ``cash_flows``: bar, asset (-1: account), kind (str), amount, units.
    Reasons and statuses are int16 codes into REASONS and STATUSES.
    """

    equity: F64
    exposure: F64  # gross exposure as a fraction of equity, per bar
    orders: Columns
    fills: Columns
    trades: Columns
    cash_flows: Columns
    refusals: dict[str, int]  # reason -> decisions or orders not taken
    final_equity: float
    final_cash_units: int
    positions: Columns  # asset, quantity, cost, mark, value
    stats: dict[str, float]  # see Statistics in docs/statistics.md

KINDS: tuple[str, ...]  # market limit stop stop_limit trail open close
TIFS: tuple[str, ...]  # gtc day gtd ioc fok
STATUSES: tuple[str, ...]  # pending filled cancelled expired refused
REASONS: tuple[str, ...]

def run_signals(market: Market, spec: Spec, signals: I8, *, size: F64 | None = None, keep: bool = True) -> Run:
    """Signals at closes; ``size`` optionally scales the entry per bar and asset."""

def run_weights(market: Market, spec: Spec, rows: I64, weights: F64) -> Run: ...
def run_orders(market: Market, spec: Spec, orders: Columns) -> Run:
    """Columns: bar, asset, kind (int8 code), quantity; optional limit, stop, trail (value), trail_kind (0 fraction 1
    amount), tif (int8 code),
    gtd (int64 ns), reduce_only (int8), group (int64, -1 none; own OCO groups), stop_loss/take_profit/trail_stop
    with *_kind (0 fraction 1 amount 2 atr 3 price).
    """

def run_callback(market: Market, spec: Spec, on_bar: Callable[[Context], None]) -> Run:
    """Call ``on_bar`` at each close with one reused context; an exception in it ends the run and is raised."""

class Context:
    """What a decision may see: the past and the account. One object, reused; read values are plain floats."""

    bar: int
    ts: int
    n_assets: int
    open: float  # asset 0; with several assets use field(name, asset)
    high: float
    low: float
    close: float
    volume: float
    position: float  # signed quantity, asset 0
    entry_price: float
    equity: float
    cash: float
    def field(self, name: str, asset: int = 0) -> float: ...
    def history(self, name: str, n: int, asset: int = 0, *, adjusted: bool = False) -> F64:
        """Last `n` values of a field; `adjusted`: times ``factors`` over those of this bar, so in prices of now."""
    def position_of(self, asset: int) -> float: ...
    def buy(
        self,
        size: float | None = None,
        *,
        asset: int = 0,
        limit: float | None = None,
        stop: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        trail: float | None = None,
        tif: str = "gtc",
        quantity: float | None = None,
    ) -> int:
        """Entry order. ``size`` in the spec's size_mode (default spec.size), or an exact ``quantity``. Protection as
        fractions. Returns the order id.
        """
    def sell(
        self,
        size: float | None = None,
        *,
        asset: int = 0,
        limit: float | None = None,
        stop: float | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        trail: float | None = None,
        tif: str = "gtc",
        quantity: float | None = None,
    ) -> int: ...
    def close_position(self, asset: int = 0) -> int | None:
        """Market order for minus the position, reduce_only; None when flat or one is pending."""
    def target(self, weight: float, asset: int = 0) -> int | None: ...
    def order(
        self,
        quantity: float,
        kind: str = "market",
        *,
        asset: int = 0,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        trail_kind: str = "fraction",
        tif: str = "gtc",
        gtd: int | None = None,
        reduce_only: bool = False,
        group: int | None = None,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        trail_stop: float | None = None,
        protect_kind: str = "fraction",
    ) -> int: ...
    def cancel(self, order: int) -> bool: ...
    def active_orders(self, asset: int | None = None) -> list[int]: ...

class Book:
    """The engine bar by bar: what SimulatedBroker drives in paper trading."""

    def __init__(self, spec: Spec) -> None: ...
    def step(
        self,
        ts: int,
        session: int,
        open: F64,
        high: F64,
        low: F64,
        close: F64,
        volume: F64 | None = None,
        *,
        atr: F64 | None = None,
        sigma: F64 | None = None,
        funding: F64 | None = None,
        actions: Columns | None = None,
    ) -> None:
        """Steps 1 to 8 of one bar."""
    def signal(self, codes: I8) -> None: ...
    def submit(self, quantity: float, kind: str = "market", **order: Any) -> int: ...
    def cancel(self, order: int) -> bool: ...
    def decided(self) -> None:
        """Steps 9 to 11: the decision of this bar is complete."""
    def fills(self, since: int = 0) -> Columns:
        """Fills so far, from number ``since`` on; the columns of ``Run.fills``."""

    def orders(self) -> Columns:
        """Every order so far, as it stands now; the columns of ``Run.orders``."""

    def cash_flows(self, since: int = 0) -> Columns:
        """Cash movements so far, from number ``since`` on."""

    def finish(self) -> Run: ...
    equity: float
    cash: float
    def position(self, asset: int = 0) -> float: ...
    def active_orders(self) -> list[int]: ...

# --- rules and sweeps
RULES: dict[str, tuple[str, ...]]  # rule name -> its numeric parameters in order

def rule_signals(rule: str, market: Market, params: F64, *, by_state: bool = True, long_only: bool = True) -> I8: ...
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
    """(n_params, len(METRICS)): each row is what run_signals(rule_signals(...)).stats gives, bit for bit."""

def sweep_signals(market: Market, spec: Spec, signals: I8, *, threads: int = 0) -> F64:
    """Signals (n_params, n_bars) of one asset."""

# --- indicators as programs
OPS: dict[str, tuple[int, int]]  # operation -> number of inputs and of outputs

class Program:
    """Operations on columns in the order of their evaluation: (name, slots it reads, parameters).

    Slots are first the given columns, then the outputs of the operations in their order.
    """

    n_inputs: int
    def __init__(
        self, n_inputs: int, ops: Sequence[tuple[str, Sequence[int], Sequence[float]]], outputs: Sequence[int]
    ) -> None: ...
    def run(self, columns: Sequence[F64]) -> list[F64]:
        """Outputs of whole columns of one length, from a state that has seen nothing."""

    def state(self) -> ProgramState: ...

class ProgramState:
    """A program and what its operations remember."""

    def update(self, values: Sequence[float]) -> tuple[float, ...]:
        """Outputs of the next row."""

    def extend(self, columns: Sequence[F64]) -> list[F64]:
        """Outputs of the next rows."""

# --- books of price levels
DEPTH_STATUSES: tuple[str, ...]  # what became of an event, by code
DEPTH_REASONS: tuple[str, ...]  # why a book is not in sync, by code; 0: it is
DEPTH_RULES: tuple[str, ...]

def decimal_units(texts: Sequence[Any], decimals: int) -> I64:
    """Decimal texts (a list) as exact integers of ``10**-decimals``; ``ValueError`` where that cannot be."""

def level_units(levels: Sequence[Any], price_decimals: int, size_decimals: int) -> tuple[I64, I64]:
    """Prices and sizes of a list of pairs."""

class DepthBook:
    """Levels rebuilt from snapshots and differences; ``within`` in millionths of a basis point, ``sizes`` in units.

    Columns: bid, bid_size, ask, ask_size, spread, spread_bp, mid, microprice; per ``levels``: imbalance, weighted mid,
    slope of bids, slope of asks; per ``within``: depth of bids, of asks; per ``sizes``: cost to buy, to sell; ofi.
    """

    width: int
    synced: bool
    reason: int
    last_id: int
    n_levels: tuple[int, int]
    def __init__(
        self,
        rule: str,
        *,
        levels: Sequence[int],
        within: Sequence[int],
        sizes: Sequence[int],
        price_decimals: int,
        size_decimals: int,
        depth: int = 0,
        hold: int = 10_000,
    ) -> None: ...
    def apply(
        self, snapshot: bool, first: int, last: int, previous: int, checksum: int, n_bids: int, price: I64, size: I64
    ) -> int: ...
    def row(self) -> F64: ...
    def run(
        self,
        snapshot: I8,
        first: I64,
        last: I64,
        previous: I64,
        checksum: I64,
        begin: I64,
        n_bids: I64,
        price: I64,
        size: I64,
    ) -> tuple[I8, I8, F64]:
        """Statuses, reasons and the row after each event; event ``k`` has levels ``begin[k]:begin[k + 1]``."""

    def top(self, n: int) -> list[I64]: ...
    def counts(self) -> dict[str, int]: ...
    def checksum(self) -> int: ...

# --- kernels (NaN until warm; 1-D; each value known at the close of its bar)
def sma(x: F64, window: int) -> F64: ...
def ema(x: F64, span: float) -> F64:
    """SMA-seeded, alpha = 2 / (span + 1)."""

def rolling_std(x: F64, window: int, ddof: int = 0) -> F64: ...
def rolling_max(x: F64, window: int) -> F64: ...
def rolling_min(x: F64, window: int) -> F64: ...
def rsi(x: F64, window: int) -> F64: ...
def atr(high: F64, low: F64, close: F64, window: int) -> F64:
    """Wilder: first value is the mean of the true ranges 1 to window (index window)."""

def momentum_weights(close: F64, lookback: int, skip: int, every: int, top: int, start: int) -> tuple[I64, F64]:
    """Equal weights of the ``top`` best ``close[t - skip] / close[t - lookback] - 1`` at every ``every``-th bar from
    ``start``; ties by asset index.
    """

def statistics(equity: F64, initial: float, periods_per_year: float, risk_free: float = 0.0) -> dict[str, float]: ...
def first_bad_bar(open: F64, high: F64, low: F64, close: F64, volume: F64 | None, leap: float = 0.0) -> int:
    """Index of the first row that breaks an OHLC relation, has a price not finite and positive, or a volume that
    is negative or infinite (NaN: not known); -1 when clean. With ``leap`` above 0 also the first row whose close is
    that many times the close of the row before, or a part of it as small.
    """

def first_foreign_code(codes: I8) -> int:
    """Flat index of the first code that is not 1, 0, -1 or -128 (no opinion); -1 when there is none."""

def first_touch(
    open: F64,
    high: F64,
    low: F64,
    close: F64,
    first: I64,
    last: I64,
    upper: F64,
    lower: F64,
    upper_wins: I8,
    *,
    by_close: bool = False,
    gap_first: bool = True,
) -> tuple[I64, F64, I8, I8]:
    """For each question, the first row in ``first..last`` at which a level is reached (1 upper, -1 lower), else the
    last row at its close (0): row, price, barrier, and whether one bar reached both (then ``upper_wins`` decides).

    By closes the price is that close. Else a bar that opens at or beyond a level is left at its open (the first row
    only with ``gap_first``), any other at the level.
    """

def trend_scan(x: F64, first: I64, shortest: int, longest: int, step: int = 1, limit: float = 1e6) -> tuple[F64, I64]:
    """Slope's t-value of largest magnitude over lines through ``x[first : first + length]``, and that length (the
    shortest of equals); magnitudes are cut to ``limit``.
    """

def cusum_events(change: F64, threshold: F64) -> tuple[I64, I8]:
    """Rows at which the sum of changes since the last event exceeds the threshold, and the direction."""

def ewm_std(x: F64, alpha: float, min_count: int = 2) -> F64:
    """Unbiased standard deviation with weights ``(1 - alpha)^age``: pandas ``ewm(alpha=alpha).std()``."""

def sequential_draws(first: I64, last: I64, uniform: F64) -> I64:
    """Spans (sorted by ``first``) drawn in proportion to their average uniqueness among those drawn before."""
