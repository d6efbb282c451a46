"""The bare C loops of reference/loops.c, called through ctypes with pooled output buffers."""

# ruff: noqa: PTH100, PTH118, PTH120

import ctypes
import os
import sys

import _common
from _common import Job

LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference", "build", "loops.so")
I, D, P = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p  # noqa: E741


class Costs(ctypes.Structure):
    _fields_ = (("fee", D), ("slip", D), ("cash", D))


def load():
    global np, lib, TRADE, METRICS, ORDER
    import numpy as np

    lib = ctypes.CDLL(LIBRARY)
    signatures = {
        "w1": (I, I, P, P, I, I, Costs, P, P),
        "curve_of": (None, I, P, Costs, I, P, P),
        "w2_scalar": (None, I, P, P, I, P, P, Costs, P),
        "w2_lanes": (None, I, P, P, I, P, P, Costs, P),
        "w3": (I, I, I, P, P, I, I, I, I, Costs, P, P, P),
        "w4": (I, I, P, P, P, P, P, D, D, D, Costs, P, P),
        "w5": (I, I, P, P, I, I, Costs, P, P),
        "curve_statistics": (None, I, P, D, P),
    }
    for name, (result, *arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    TRADE = np.dtype([(k, "i8" if k in {"entry", "exit", "reason"} else "f8") for k in
                      ("entry", "exit", "entry_price", "exit_price", "size", "reason")])  # fmt: skip
    METRICS = np.dtype([("equity", "f8"), ("drawdown", "f8"), ("sharpe", "f8"), ("trades", "i8")])
    ORDER = np.dtype([("bar", "i8"), ("asset", "i8"), ("size", "f8"), ("price", "f8"), ("fee", "f8")])
    return "cc -O3 -march=native"


def _costs(x, slip=True):
    return Costs(x.p["fee"], x.p["slip"] if slip else 0.0, x.p["cash"])


def _trades(records, equity):
    closed = (records["reason"] != 0).astype("i8")
    fields = (records[k] for k in ("entry", "exit", "entry_price", "exit_price", "size"))
    return {"trades": _common.trades_array(*fields, closed), "equity": np.array([equity])}


def _cross(x, function, curve):
    n, cross, cash = len(x.close), x.p["cross"], x.p["cash"]
    trades, final, values, statistics = np.zeros(n // 20 + 10, TRADE), D(), np.zeros(n), np.zeros(3)
    prices, records, costs = (x.open.ctypes.data, x.close.ctypes.data), trades.ctypes.data, _costs(x)
    arguments = (n, *prices, cross["fast"], cross["slow"], costs, records, ctypes.addressof(final))
    curve_at, out_at = values.ctypes.data, statistics.ctypes.data

    def bare():
        return trades[: function(*arguments)], final.value

    def full():
        count = function(*arguments)
        lib.curve_of(n, prices[1], costs, count, records, curve_at)
        lib.curve_statistics(n, curve_at, cash, out_at)
        return trades[:count], final.value

    extra = {"with equity curve and statistics": full} if curve else {}
    return Job(bare, lambda r: _trades(*r), n, "bars", extra=extra, keep=(x, values, statistics))


def w1(x):
    return _cross(x, lib.w1, curve=True)


def w5(x):
    return _cross(x, lib.w5, curve=False)


def _sweep(x, function, workers=1):
    n, pairs = len(x.close), len(x.fast)
    out = np.zeros(pairs, METRICS)
    bars = (n, x.open.ctypes.data, x.close.ctypes.data)
    edges = [pairs * w // workers for w in range(workers + 1)]
    size = METRICS.itemsize

    def part(a, b):
        function(*bars, b - a, x.fast.ctypes.data + 8 * a, x.slow.ctypes.data + 8 * a, _costs(x),
                 out.ctypes.data + size * a)  # fmt: skip

    def call():
        part(0, pairs)
        return out

    def threaded():
        from itertools import pairwise
        from threading import Thread

        threads = [Thread(target=part, args=edge) for edge in pairwise(edges)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return out

    return call if workers == 1 else threaded


def _sweep_evidence(out):
    return {k: out[k].copy() for k in METRICS.names}


def w2(x):
    extra = {"SIMD lanes": _sweep(x, lib.w2_lanes)}
    return Job(_sweep(x, lib.w2_scalar), _sweep_evidence, len(x.fast), "backtests", extra=extra, keep=x)


def w2_lanes(x):
    return Job(_sweep(x, lib.w2_lanes), _sweep_evidence, len(x.fast), "backtests", keep=x)


def w2_all_cores(x):
    workers = len(os.sched_getaffinity(0))
    extra = {"SIMD lanes": _sweep(x, lib.w2_lanes, workers)}
    return Job(_sweep(x, lib.w2_scalar, workers), _sweep_evidence, len(x.fast), "backtests", extra=extra, keep=x)


def w3(x):
    n, assets = x.close.shape
    q = x.p["portfolio"]
    momentum, curve, orders = np.zeros((n, assets)), np.zeros(n), np.zeros(n * 2 * q["top"] // q["every"] + 200, ORDER)
    prices, out = (x.open.ctypes.data, x.close.ctypes.data), (a.ctypes.data for a in (momentum, orders, curve))
    rule = (q["every"], q["long_lag"], q["short_lag"], q["top"])
    arguments = (n, assets, *prices, *rule, _costs(x, slip=False), *out)

    def call():
        return orders[: lib.w3(*arguments)], curve

    def evidence(result):
        done, values = result
        return {"orders": done.copy(), "curve": values.copy(), "equity": values[-1:].copy()}

    return Job(call, evidence, 1, "runs", keep=(x, momentum))


def w4(x):
    n, s = len(x.close), x.p["stops"]
    trades, final = np.zeros(n // 2 + 10, TRADE), D()
    prices = (x.open.ctypes.data, x.high.ctypes.data, x.low.ctypes.data, x.close.ctypes.data, x.signal.ctypes.data)
    arguments = (n, *prices, s["stop"], s["target"], s["trail"], _costs(x, slip=False), trades.ctypes.data,
                 ctypes.addressof(final))  # fmt: skip

    def call():
        return trades[: lib.w4(*arguments)], final.value

    return Job(call, lambda r: _trades(*r), n, "bars", keep=x)


FUNCTIONS = {"W1": w1, "W2": w2, "W2v": w2_lanes, "W2x": w2_all_cores, "W3": w3, "W4": w4, "W5": w5}

if __name__ == "__main__":
    _common.main(sys.modules[__name__], FUNCTIONS)
