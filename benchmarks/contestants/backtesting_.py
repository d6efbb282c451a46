"""backtesting.py: an event loop in Python over one asset.

Its conventions differ: whole units, the spread is paid on entries only, a stop and a target may fill at other prices
inside a bar. So its trades are compared by bar numbers only, and its figures are speed, not agreement.
"""

import sys

import _common
from _common import Job, Unsupported

BARS = 100_000  # of the minute data: the loop is some thousand times slower than a compiled one, its speed is constant
PAIRS = 40


def load():
    global np, pd, Backtest, Strategy
    import warnings

    import numpy as np
    import pandas as pd

    warnings.filterwarnings("ignore")
    import backtesting
    from backtesting import Backtest, Strategy

    backtesting.backtesting._tqdm = lambda values, **_: values  # no progress bar in the timing
    return backtesting.__version__


def _frame(x, n):
    columns = {"Open": x.open, "High": x.high, "Low": x.low, "Close": x.close, "Volume": x.volume}
    return pd.DataFrame({k: v[:n] for k, v in columns.items()}, index=pd.to_datetime(x.ts[:n]))


def _backtest(x, n, strategy):
    p = x.p
    return Backtest(_frame(x, n), strategy, cash=p["cash"], commission=p["fee"], spread=p["slip"])


def _evidence(stats):
    trades = stats["_trades"]
    fields = (trades[k].to_numpy() for k in ("EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "Size"))
    return {"trades": _common.trades_array(*fields, np.ones(len(trades), "i8"))}


def _mean(values, window):
    return pd.Series(values).rolling(window).mean().to_numpy()


def _cross_strategy(fast, slow):
    class Cross(Strategy):
        def init(self):
            close = self.data.Close
            self.fast = self.I(_mean, close, fast)
            self.slow = self.I(_mean, close, slow)

        def next(self):
            f, s = self.fast, self.slow
            if f[-1] > s[-1] and f[-2] < s[-2]:
                if not self.position:
                    self.buy()
            elif f[-1] < s[-1] and f[-2] > s[-2] and self.position:
                self.position.close()

    return Cross


def w1(x):
    n, cross = min(BARS, len(x.close)), x.p["cross"]

    def call():
        return _backtest(x, n, _cross_strategy(cross["fast"], cross["slow"])).run()

    note = f"first {n:,} bars" if n < len(x.close) else ""
    return Job(call, _evidence, n, "bars", note=note)


def w2(x):
    n = len(x.close)
    chosen = range(0, len(x.fast), max(1, len(x.fast) // PAIRS))

    def call():
        return [
            _backtest(x, n, _cross_strategy(int(x.fast[i]), int(x.slow[i]))).run()[
                ["Equity Final [$]", "Max. Drawdown [%]", "Sharpe Ratio", "# Trades"]
            ]
            for i in chosen
        ]

    return Job(call, lambda rows: {}, len(chosen), "backtests", note=f"{len(chosen)} of {len(x.fast):,} pairs")


def w4(x):
    n, s = min(BARS, len(x.close)), x.p["stops"]
    signal = x.signal

    class Stops(Strategy):
        def init(self):
            self.at = -1
            self.peak = 0.0

        def next(self):
            data = self.data
            if self.trades:
                trade = self.trades[0]
                if self.at != trade.entry_bar:  # entered at this bar's open
                    self.at, self.peak = trade.entry_bar, trade.entry_price
                    trade.tp = trade.entry_price * (1 + s["target"])
                    trade.sl = trade.entry_price * (1 - s["stop"])
                self.peak = max(self.peak, data.High[-1])
                level = self.peak * (1 - s["trail"])
                trade.sl = max(trade.sl, level)
            elif signal[len(data) - 1]:
                close = data.Close[-1]
                self.buy(sl=close * (1 - s["stop"]), tp=close * (1 + s["target"]))

    def call():
        return _backtest(x, n, Stops).run()

    note = f"first {n:,} bars; " if n < len(x.close) else ""
    return Job(call, lambda result: {}, n, "bars", note=note + "trail moved by hand once a bar")


def w3(x):
    raise Unsupported("one asset only")


FUNCTIONS = {"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w1}

if __name__ == "__main__":
    _common.main(sys.modules[__name__], FUNCTIONS)
