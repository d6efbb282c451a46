"""raptorbt: compiled signal backtests, batches on all cores, and a class of callbacks."""

import os
import sys

import _common
from _common import Job, Unsupported


def load():
    global np, rt
    from importlib.metadata import version

    import numpy as np
    import raptorbt as rt

    return version("raptorbt")


def _config(x, **more):
    p = x.p
    return rt.BacktestConfig(initial_capital=p["cash"], fees=p["fee"], slippage=p["slip"],
                             fill_timing="next_bar_open", **more)  # fmt: skip


def _crosses(fast, slow):
    with np.errstate(invalid="ignore"):
        above, below = fast > slow, fast < slow
    entries, exits = np.zeros(len(above), dtype=bool), np.zeros(len(above), dtype=bool)
    entries[1:] = above[1:] & below[:-1]
    exits[1:] = below[1:] & above[:-1]
    return entries, exits


def _evidence(result):
    trades = result.trades()
    fields = ([getattr(t, k) for t in trades] for k in ("entry_idx", "exit_idx", "entry_price", "exit_price", "size"))
    closed = [int(t.exit_reason != "EndOfData") for t in trades]
    return {
        "trades": _common.trades_array(*fields, closed),
        "equity": result.equity_curve()[-1:].copy(),
    }


def _bars(x):
    return {"timestamps": x.ts, "open": x.open, "high": x.high, "low": x.low, "close": x.close, "volume": x.volume}


def w1(x):
    cross = x.p["cross"]

    def call():
        entries, exits = _crosses(rt.sma(x.close, cross["fast"]), rt.sma(x.close, cross["slow"]))
        result = rt.run_single_backtest(**_bars(x), entries=entries, exits=exits, direction=1, weight=1.0,
                                        symbol="A", config=_config(x))  # fmt: skip
        result.equity_curve(), result.trades(), result.metrics.sharpe_ratio
        return result

    return Job(call, _evidence, len(x.close), "bars")


def _sweep(x):
    pairs = list(zip(x.fast.tolist(), x.slow.tolist(), strict=True))

    def call():
        means = {w: rt.sma(x.close, w) for w in {w for pair in pairs for w in pair}}
        config = _config(x, periods_per_year=1.0)
        items = []
        for number, (fast, slow) in enumerate(pairs):
            entries, exits = _crosses(means[fast], means[slow])
            items.append(rt.BatchSingleItem(str(number), entries, exits, config=config))
        done = rt.batch_single_backtest(x.ts, x.open, x.high, x.low, x.close, x.volume, items, config)
        metrics = [result.metrics for _, result in done]
        return [(m.end_value, m.max_drawdown_pct, m.sharpe_ratio, m.total_closed_trades) for m in metrics]

    def evidence(rows):
        equity, drawdown, sharpe, trades = (np.array(column) for column in zip(*rows, strict=True))
        return {"equity": equity, "drawdown": -np.abs(drawdown) / 100, "sharpe": sharpe, "trades": trades}

    return Job(call, evidence, len(pairs), "backtests")


def w2(x):
    return _sweep(x)


def w2_all_cores(x):
    if len(os.sched_getaffinity(0)) < 2:
        raise Unsupported("one core here")
    return _sweep(x)


def w5(x):
    cross, closes = x.p["cross"], x.close

    class Cross(rt.Strategy):
        def on_start(self, ctx):
            self.fast = rt.sma(closes, cross["fast"])
            self.slow = rt.sma(closes, cross["slow"])
            self.long = False  # decided, not filled: ctx.position knows of a fill one bar late

        def on_bar(self, ctx):
            i = ctx.idx
            if i == 0:
                return
            fast, slow = self.fast, self.slow
            if fast[i] > slow[i] and fast[i - 1] < slow[i - 1]:
                self.enter()
                self.long = True
            elif self.long and fast[i] < slow[i] and fast[i - 1] > slow[i - 1]:
                self.close_position()
                self.long = False

    def call():
        result = rt.run_strategy_backtest(Cross(), **_bars(x), symbol="A", config=_config(x))
        result.equity_curve(), result.trades(), result.metrics.sharpe_ratio
        return result

    return Job(call, _evidence, len(x.close), "bars")


def w3(x):
    raise Unsupported("no target weights with shared cash that resize holdings under these costs")


def w4(x):
    raise Unsupported("signal runs hold one stop (fixed or trailing) and one target, not three")


FUNCTIONS = {"W1": w1, "W2": w2, "W2x": w2_all_cores, "W3": w3, "W4": w4, "W5": w5}

if __name__ == "__main__":
    _common.main(sys.modules[__name__], FUNCTIONS)
