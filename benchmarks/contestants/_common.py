"""What every contestant shares: the inputs, the clock, the memory reading and the form of its evidence.

A contestant is run as `python contestants/x.py W1 inputs_dir out.json [--repeats N --budget S --cpu C]` in a fresh
process of its own environment. It registers one function per workload; the function gets the `Inputs` and returns a
`Job`: the whole call to time and a function that turns its result into evidence (arrays written to `out.npz`), which
`run.py` compares between contestants. Only the standard library is imported before the timed imports of W6.
"""

# ruff: noqa: PTH118, PTH123, PTH208
# pathlib is left out: it would be an import that W6 then does not count.

import gc
import json
import os
import sys
import time

ENTERED = time.perf_counter()


class Unsupported(Exception):
    """The library cannot do this workload; the reason is shown in the table."""


class Job:
    """`call()` is timed; `evidence(result)` is not. `units` is how much work one call does (bars, backtests)."""

    def __init__(self, call, evidence, units, unit, note="", extra=None, keep=None):
        self.keep = keep  # whatever must outlive the call, such as arrays handed over by address
        self.call, self.evidence, self.units, self.unit, self.note = call, evidence, units, unit, note
        self.extra = extra or {}  # name -> another call, timed the same way and shown as a footnote


class Inputs:
    """Arrays of one data set as attributes, read when first asked for; `p` holds the workload constants."""

    def __init__(self, folder, dataset, limit=None):
        with open(os.path.join(folder, "params.json")) as file:
            self.p = json.load(file)
        self._folder, self._limit = os.path.join(folder, dataset), limit

    def __getattr__(self, name):
        import numpy as np

        if name.startswith("_"):
            raise AttributeError(name)
        values = np.load(os.path.join(self._folder, name + ".npy"))
        if self._limit is not None and name not in {"fast", "slow"}:
            values = np.ascontiguousarray(values[: self._limit])
        setattr(self, name, values)
        return values

    def load(self):
        """Read everything now and return self."""
        for file in os.listdir(self._folder):
            getattr(self, file[:-4])
        return self


DATASETS = {
    "W1": "minute",
    "W2": "daily",
    "W2v": "daily",
    "W2x": "daily",
    "W3": "portfolio",
    "W4": "minute",
    "W4r": "rough",
    "W5": "minute",
}


def trades_array(entry, exit_, entry_price, exit_price, size, closed):
    """The common form of a trade list; `closed` is 1 for a closed trade and 0 for one still open at the end."""
    import numpy as np

    kinds = [("entry", "i8"), ("exit", "i8"), ("entry_price", "f8"), ("exit_price", "f8"), ("size", "f8")]
    out = np.zeros(len(entry), dtype=[*kinds, ("closed", "i8")])
    columns = (entry, exit_, entry_price, exit_price, size, closed)
    for name, column in zip(out.dtype.names, columns, strict=True):
        out[name] = column
    return out


def _status_kib(field):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(field):
                return int(line.split()[1])
    return 0


def _peak_over(call):
    """MiB by which the resident size rose above its level before `call`."""
    gc.collect()
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # resets the high-water mark, so an import's own peak does not hide the call's
    except OSError:
        pass
    before = _status_kib("VmRSS")
    result = call()
    peak = _status_kib("VmHWM")
    del result
    return max(0.0, (peak - before) / 1024)


def _times(call, repeats, budget):
    """Seconds of each call after one warm-up call; at least one, at most `repeats`, ending when the budget is spent."""
    gc.collect()
    gc.disable()
    clock = time.perf_counter
    start = clock()
    result = call()
    first = clock() - start
    times = []
    del result
    gc.collect()
    while len(times) < repeats and (not times or clock() - start < budget):
        t = clock()
        result = call()
        times.append(clock() - t)
        del result
        gc.collect()  # untimed, so that cycles of one result do not fill the memory of the next call
    gc.enable()
    return first, times


def _rate(times):
    ordered = sorted(times)
    return {"median_s": ordered[len(ordered) // 2], "min_s": ordered[0], "repeats": len(ordered)}


def _speed(job, options):
    import numpy as np

    out = {"units": job.units, "unit": job.unit, "note": job.note}
    if options["evidence"]:
        evidence = job.evidence(job.call())
        np.savez(options["out"][:-5] + ".npz", **evidence)
    first, times = _times(job.call, options["repeats"], options["budget"])
    out.update(first_s=first, **_rate(times))
    out["extra"] = {
        name: _rate(_times(call, options["repeats"], options["budget"] / 2)[1]) for name, call in job.extra.items()
    }
    return out


def _cold(module, functions, folder):
    """W6: seconds to import, to the end of the first 2,520-bar backtest in this process, and of a warm call."""
    start = time.perf_counter()
    module.load()
    imported = time.perf_counter() - start
    import numpy  # noqa: F401 - counted here if the library has not needed it so far

    inputs = Inputs(folder, "daily")
    arrays = time.perf_counter()
    inputs.load()
    reading = time.perf_counter() - arrays
    job = functions["W1"](inputs)
    job.call()
    first = time.perf_counter() - start - reading
    # The same call again: on the same objects. A library with a data object of its own need not make it twice.
    _, times = _times(job.extra.get("on bars made before", job.call), 200, 2.0)
    _, arrays = _times(job.call, 200, 2.0)
    warm, fresh = _rate(times)["median_s"], _rate(arrays)["median_s"]
    return {"import_s": imported, "first_s": first, "warm_s": warm, "warm_from_arrays_s": fresh}


def _memory(functions, folder):
    """W7: MiB over imports and data, in one call of W1 and of W2, each after a small warm-up (compilers, pools)."""
    out = {}
    for name in ("W1", "W2"):
        try:
            warm_up = functions[name](Inputs(folder, DATASETS[name], limit=400).load())
            warm_up.call()
            job = functions[name](Inputs(folder, DATASETS[name]).load())
            out[name] = _peak_over(job.call)
        except (Unsupported, KeyError) as error:
            out[name] = None
            out[name + "_note"] = str(error)
    return out


def main(module, functions):
    """Entry point of a contestant. `module.load()` imports the library and returns its version."""
    arguments = sys.argv[1:]
    workload, folder, out = arguments[:3]
    options = {"repeats": 7, "budget": 10.0, "cpu": "", "evidence": "1"}
    for key, value in zip(arguments[3::2], arguments[4::2], strict=True):
        options[key[2:]] = type(options[key[2:]])(value)
    options.update(out=out, evidence=options["evidence"] == "1")
    if options["cpu"]:
        os.sched_setaffinity(0, {int(options["cpu"])})
    result = {"workload": workload}
    try:
        if workload == "W6":
            result.update(_cold(module, functions, folder))
            result["version"] = module.load()
        else:
            result["version"] = module.load()
            if workload == "W7":
                result.update(_memory(functions, folder))
            else:
                base = "W4" if workload == "W4r" and workload not in functions else workload
                if base not in functions:
                    raise Unsupported("not possible with this library")
                job = functions[base](Inputs(folder, DATASETS[workload]).load())
                result.update(_speed(job, options))
        result["status"] = "ok"
    except Unsupported as reason:
        result.update(status="unsupported", reason=str(reason))
    with open(out, "w") as file:
        json.dump(result, file)
