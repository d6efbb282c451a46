"""vectorbt with its Rust engine where it has one (signals, target orders) and numba callbacks where it has not (W4).

Statistics are read from the cached portfolio properties that a user reads: final value, curve, drawdown, Sharpe ratio
and the trade records; `Portfolio.stats()` would be many times slower and is left out.
"""

import sys

import _common
from _common import Job, Unsupported


def load():
    global np, pd, vbt, flex_order
    import numpy as np
    import pandas as pd
    import vectorbt as vbt

    flex_order = None
    try:
        import vectorbt_rust

        engine = f"rust {vectorbt_rust.__version__}"
    except ImportError:
        engine = "numba"
    return f"{vbt.__version__} ({engine})"


def _evidence(pf):
    r = pf.trades.records
    fields = (r[k].to_numpy() for k in ("entry_idx", "exit_idx", "entry_price", "exit_price", "size"))
    trades = _common.trades_array(*fields, (r["status"].to_numpy() == 1).astype("i8"))
    return {"trades": trades, "equity": np.atleast_1d(pf.final_value())}


def _next_row(signals):
    out = np.zeros(len(signals), dtype=bool)
    out[1:] = signals[:-1]
    return out


def _read(pf):
    pf.trades.records  # noqa: B018 - properties compute when read
    return pf.final_value(), pf.value(), pf.max_drawdown(), pf.sharpe_ratio()


def w1(x):
    cross, p = x.p["cross"], x.p

    def call():
        close = pd.Series(x.close)  # the accessors take half the time of the indicator factory (vbt.MA)
        fast, slow = close.vbt.rolling_mean(cross["fast"]), close.vbt.rolling_mean(cross["slow"])
        entries = _next_row(fast.vbt.crossed_above(slow).to_numpy())
        exits = _next_row(fast.vbt.crossed_below(slow).to_numpy())
        pf = vbt.Portfolio.from_signals(x.close, entries, exits, price=x.open, init_cash=p["cash"], fees=p["fee"],
                                        slippage=p["slip"], freq="1min", direction="longonly")  # fmt: skip
        _read(pf)
        return pf

    return Job(call, _evidence, len(x.close), "bars")


def w2(x):
    p, n = x.p, len(x.close)
    fast_windows, slow_windows = x.fast.tolist(), x.slow.tolist()
    open_ = x.open[:, None]

    def call():
        fast = vbt.MA.run(x.close, fast_windows, run_unique=True)
        slow = vbt.MA.run(x.close, slow_windows, run_unique=True)
        above = fast.ma_crossed_above(slow).to_numpy()
        below = fast.ma_crossed_below(slow).to_numpy()
        entries, exits = np.zeros_like(above), np.zeros_like(below)
        entries[1:], exits[1:] = above[:-1], below[:-1]
        close = np.broadcast_to(x.close[:, None], entries.shape)
        pf = vbt.Portfolio.from_signals(close, entries, exits, price=open_, init_cash=p["cash"], fees=p["fee"],
                                        slippage=p["slip"], freq="1D", direction="longonly",
                                        max_orders=n * len(x.fast) // 20)  # fmt: skip
        return pf.final_value(), pf.max_drawdown(), pf.sharpe_ratio(), pf.trades.closed.count()

    def evidence(result):
        equity, drawdown, sharpe, trades = (np.asarray(v) for v in result)
        year = vbt.settings.returns["year_freq"]
        per_period = sharpe / np.sqrt(pd.Timedelta(year) / pd.Timedelta("1D"))
        return {"equity": equity, "drawdown": drawdown, "sharpe": per_period, "trades": trades}

    return Job(call, evidence, len(x.fast), "backtests")


def w3(x):
    p, q = x.p, x.p["portfolio"]
    n, assets = x.close.shape

    def call():
        momentum = np.full((n, assets), np.nan)
        a, b = q["long_lag"], q["short_lag"]
        momentum[a:] = x.close[a - b : n - b] / x.close[: n - a] - 1.0
        rows = np.arange(a, n - 1, q["every"])
        best = np.argsort(-momentum[rows], axis=1, kind="stable")[:, : q["top"]]
        size = np.full((n, assets), np.nan)
        size[rows + 1] = 0.0  # decided at the close of a row, filled at the open of the next
        size[(rows + 1)[:, None], best] = 1.0 / q["top"]
        pf = vbt.Portfolio.from_orders(x.close, size, size_type="targetpercent", price=x.open, fees=p["fee"],
                                       init_cash=p["cash"], group_by=True, cash_sharing=True, call_seq="auto",
                                       freq="1D", max_orders=n * assets // 10)  # fmt: skip
        _read(pf)
        return pf

    def evidence(pf):
        r = pf.orders.records.sort_values("id")
        orders = np.zeros(len(r), [("bar", "i8"), ("asset", "i8"), ("size", "f8"), ("price", "f8"), ("fee", "f8")])
        orders["bar"], orders["asset"], orders["price"], orders["fee"] = r["idx"], r["col"], r["price"], r["fees"]
        orders["size"] = np.where(r["side"] == 0, r["size"], -r["size"])
        curve = pf.value().to_numpy()
        return {"orders": orders, "curve": curve, "equity": curve[-1:].copy()}

    return Job(call, evidence, 1, "runs")


def _flex_order():
    """The full rule of W4 as a flexible order function, which may sell in the bar of the entry."""
    from numba import njit
    from vectorbt.portfolio.enums import NoOrder
    from vectorbt.portfolio.nb import order_nb

    @njit
    def order(c, open_, high, low, close, signal, fee, stop, target, trail, state, done):
        # state: entry price, highest price, bar of the entry; `done`: bar of the last exit
        i, col = c.i, c.from_col
        position = c.last_position[col]
        if position == 0.0:
            if c.call_idx > 0 or i == 0 or not signal[i - 1] or c.last_cash[0] == 0.0:
                return -1, NoOrder
            state[0] = state[1] = open_[i]
            state[2] = i
            return col, order_nb(size=np.inf, price=open_[i], fees=fee, direction=0)
        if done[0] == i:
            return -1, NoOrder
        floor, ceiling, factor = state[0] * (1.0 - stop), state[0] * (1.0 + target), 1.0 - trail
        level = max(floor, state[1] * factor)
        price = 0.0
        if i > state[2]:
            if open_[i] <= level or open_[i] >= ceiling:
                price = open_[i]
            elif open_[i] > state[1]:
                state[1] = open_[i]
                level = max(floor, state[1] * factor)
        if price == 0.0:
            if low[i] <= level:
                price = level
            elif high[i] >= ceiling:
                price = ceiling
            else:
                state[1] = max(state[1], high[i])
                level = max(floor, state[1] * factor)
                if close[i] <= level:
                    price = level
        if price == 0.0:
            return -1, NoOrder
        done[0] = i
        return col, order_nb(size=-position, price=price, fees=fee, direction=0)

    return order


def w4(x):
    """Signals with one stop and one target; a callback moves the stop to the higher of its two levels.

    This is the fastest way that vectorbt has. It does not test the bar of the entry, nor the close against a trail that
    the same bar has raised; bars of one minute never reach that far, which the comparison of trades confirms.
    """
    from numba import njit

    p, s, n = x.p, x.p["stops"], len(x.close)

    @njit
    def level(c, high, stop, trail):
        peak = max(c.curr_price, high[c.init_i])  # the high of the entry bar, which vectorbt leaves out
        return 1.0 - max(c.init_price * (1.0 - stop), peak * (1.0 - trail)) / c.curr_price, True

    def call():
        pf = vbt.Portfolio.from_signals(
            x.close, _next_row(x.signal), False, price=x.open, open=x.open, high=x.high, low=x.low,
            init_cash=p["cash"], fees=p["fee"], freq="1min", direction="longonly", sl_stop=s["stop"], sl_trail=True,
            tp_stop=s["target"], stop_entry_price="fillprice", stop_exit_price="stoplimit", adjust_sl_func_nb=level,
            adjust_sl_args=(x.high, s["stop"], s["trail"]), max_orders=n // 10)  # fmt: skip
        _read(pf)
        return pf

    return Job(call, _evidence, n, "bars", note="third stop by a numba callback")


def w4_rough(x):
    global flex_order
    flex_order = flex_order or _flex_order()
    p, s, n = x.p, x.p["stops"], len(x.close)

    def call():
        arrays = (x.open, x.high, x.low, x.close, x.signal)
        pf = vbt.Portfolio.from_order_func(x.close, flex_order, *arrays, p["fee"], s["stop"], s["target"], s["trail"],
                                           np.zeros(3), np.full(1, -1), flexible=True, init_cash=p["cash"],
                                           freq="1min", max_orders=n // 10)  # fmt: skip
        _read(pf)
        return pf

    return Job(call, _evidence, n, "bars", note="flexible order function")


def w5(x):
    raise Unsupported("no Python callback per bar: callbacks are compiled by numba")


FUNCTIONS = {"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W4r": w4_rough, "W5": w5}

if __name__ == "__main__":
    _common.main(sys.modules[__name__], FUNCTIONS)
