"""tradewright by its public face: arrays become `Bars`, `Bars` become a result, and the result is read, in every call.

Sweeps go through the same functions of the engine that `tradewright.sweep` drives, without its table of results.
"""

import os
import sys

import _common
from _common import Job, Unsupported


def load():
    """Import the package; W6 times this line."""
    global tw
    import tradewright as tw

    return tw.__version__


def _engine():
    """The engine behind the one door; only the compiled one is worth a row, unless Python was asked for by name."""
    global np
    import numpy as np

    from tradewright.kernel import core

    if core.__backend__ == "python" and os.environ.get("TRADEWRIGHT_BACKEND") != "python":
        raise Unsupported("the compiled engine is not installed")
    return core


def _bars(x):
    return tw.Bars.from_arrays(x.ts, x.open, x.high, x.low, x.close, x.volume)


def _options(x, slip=True):
    p = x.p
    return {"initial_capital": p["cash"], "commission": p["fee"], "slippage": p["slip"] if slip else 0.0}


def _read(result):
    """What a whole call ends with: final equity, statistics, curve and trade list."""
    stats = result.stats
    return stats["final_equity"], stats["max_drawdown"], stats["sharpe"], result.equity, len(result.trades)


def _evidence(result):
    t = result.trades
    last = len(result.equity) - 1
    is_open = t["exit_bar"] < 0
    exit_bar = np.where(is_open, last, t["exit_bar"])
    columns = (t["entry_bar"], exit_bar, t["entry_price"], t["exit_price"], t["quantity"], (~is_open).astype("i8"))
    return {"trades": _common.trades_array(*columns), "equity": result.equity[-1:].copy()}


def _job(x, run, evidence, units, unit):
    """`run(bars)` as a whole call from arrays; beside it, what the same costs on bars that exist already."""

    def call():
        result = run(_bars(x))
        _read(result)
        return result

    made = []

    def prepared():
        made[:] = made or [_bars(x)]  # not before it is asked for: W6 counts what a first backtest needs
        result = run(made[0])
        _read(result)
        return result

    def unread():
        return run(_bars(x))

    extra = {"on bars made before": prepared, "without reading the result": unread}
    return Job(call, evidence, units, unit, extra=extra)


def w1(x):
    _engine()
    cross, options = x.p["cross"], _options(x)
    return _job(
        x, lambda bars: tw.backtest(bars, "sma_cross", params=cross, **options), _evidence, len(x.close), "bars"
    )


def _spec(x, core):
    p = x.p
    return core.Spec(1, initial_cash=p["cash"], maker_rate=p["fee"], taker_rate=p["fee"], slip_model="rate",
                     slip_a=p["slip"], allow_short=False, periods_per_year=1.0)  # fmt: skip


def _metrics(core, rows):
    """Metrics by name; with one period a year the Sharpe ratio is that of a period."""
    at = {name: k for k, name in enumerate(core.METRICS)}
    names = {"equity": "final_equity", "drawdown": "max_drawdown", "sharpe": "sharpe", "trades": "n_trades"}
    columns = {k: rows[:, at[v]].copy() for k, v in names.items()}
    columns["trades"] = columns["trades"].astype("i8")
    return columns


def _sweep(x, threads):
    core = _engine()
    params = np.column_stack([x.fast, x.slow]).astype(np.float64)

    def call():
        market = core.Market(x.ts, x.open, x.high, x.low, x.close)
        return core.sweep_rule(market, _spec(x, core), "sma_cross", params, by_state=False, threads=threads)

    return Job(call, lambda rows: _metrics(core, rows), len(params), "backtests")


def w2_lanes(x):
    return _sweep(x, 1)


def w2_all_cores(x):
    return _sweep(x, len(os.sched_getaffinity(0)))


def w2(x):
    """Any rule: signals of every pair made one by one, then run by the general engine."""
    core = _engine()
    pairs = np.column_stack([x.fast, x.slow]).astype(np.float64)
    block = 250  # signals held at a time

    def call():
        market = core.Market(x.ts, x.open, x.high, x.low, x.close)
        spec = _spec(x, core)
        parts = []
        for start in range(0, len(pairs), block):
            chosen = pairs[start : start + block]
            signals = np.empty((len(chosen), len(x.close)), dtype=np.int8)
            for k, pair in enumerate(chosen):
                signals[k] = core.rule_signals("sma_cross", market, pair, by_state=False).reshape(-1)
            parts.append(core.sweep_signals(market, spec, signals, threads=1))
        return np.concatenate(parts)

    return Job(call, lambda rows: _metrics(core, rows), len(pairs), "backtests", note="signals in, one row per pair")


def w3(x):
    _engine()
    q, options = x.p["portfolio"], _options(x, slip=False)
    rule = {"top": q["top"], "lookback": q["long_lag"], "skip": q["short_lag"], "every": q["every"]}

    def evidence(result):
        f = result.run.fills
        orders = np.zeros(len(f["bar"]), [("bar", "i8"), ("asset", "i8"), ("size", "f8"), ("price", "f8")])
        orders["bar"], orders["asset"], orders["size"], orders["price"] = (
            f["bar"],
            f["asset"],
            f["quantity"],
            f["price"],
        )
        return {"orders": orders, "curve": result.equity.copy(), "equity": result.equity[-1:].copy()}

    return _job(x, lambda bars: tw.backtest(bars, "momentum_rotation", params=rule, **options), evidence, 1, "runs")


def w4(x):
    core = _engine()
    s, options = x.p["stops"], _options(x, slip=False)

    def run(bars):
        signals = np.full(x.signal.shape, core.HOLD, dtype=np.int8)
        signals[x.signal] = 1
        return tw.backtest(bars, signals=signals, **s, **options)

    return _job(x, run, _evidence, len(x.close), "bars")


def w5(x):
    _engine()
    cross, options = x.p["cross"], _options(x)

    class Cross(tw.Strategy):
        """The rule of W1, decided bar by bar."""

        def init(self, bars):
            self.fast, self.slow = (self.indicator("sma", cross[k]) for k in ("fast", "slow"))

        def on_bar(self, ctx):
            fast, slow = self.fast, self.slow
            if fast.now > slow.now:
                if fast.before < slow.before and not ctx.position:
                    ctx.buy()
            elif fast.before > slow.before and ctx.position:
                ctx.close_position()

    return _job(x, lambda bars: tw.backtest(bars, Cross(), **options), _evidence, len(x.close), "bars")


FUNCTIONS = {"W1": w1, "W2": w2, "W2v": w2_lanes, "W2x": w2_all_cores, "W3": w3, "W4": w4, "W5": w5}

if __name__ == "__main__":
    _common.main(sys.modules[__name__], FUNCTIONS)
