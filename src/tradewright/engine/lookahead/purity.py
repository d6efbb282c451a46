"""What else than the bars an answer may depend on: memory between calls, chance, the clock, files, the hash seed.

Entry points: `Pristine`, `other_chance`, `other_clock`, `watched_files`, `fresh_process`.

Invariants: everything that is changed for the time of a call (the state of random generators, the clock that the
subject's own module sees) is put back afterwards; nothing outside of the subject's own module is touched.
"""

from __future__ import annotations

import contextlib
import copy
import datetime as _datetime
import random
import sys
import time as _time
import types
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

__all__ = ["Pristine", "fresh_process", "other_chance", "other_clock", "unwrapped", "watched_files"]

_SHIFT: Final = 1_000 * 86_400.0
_CLOCK_WORDS: Final = frozenset(
    {"now", "today", "utcnow", "time", "time_ns", "localtime", "gmtime", "strftime", "monotonic"}
)


class Pristine:
    """A subject as it was before anybody called it.

    Parameters
    ----------
    subject : object
        A function, or an object that can be copied. Of a function, its closure, defaults and the containers among the
        globals of its module are kept too, so that a cache that it fills is empty again for every copy.

    Examples
    --------
    >>> first = Pristine({"calls": []})
    >>> first.fresh()["calls"].append(1)
    >>> first.fresh()
    {'calls': []}
    """

    def __init__(self, subject: Any) -> None:
        self._kept = _copied(subject)

    def fresh(self) -> Any:
        """Another copy of the subject in its first state."""
        return _copied(self._kept)


def unwrapped(subject: Any) -> Any:
    """The function behind a bound method or `functools.partial`; other objects as they are."""
    while True:
        if isinstance(subject, types.MethodType):
            subject = subject.__func__
        elif hasattr(subject, "func") and callable(getattr(subject, "func", None)):
            subject = subject.func
        elif hasattr(subject, "__wrapped__"):
            subject = subject.__wrapped__
        else:
            return subject


def _copied(subject: Any) -> Any:
    if isinstance(subject, types.FunctionType):
        return _copied_function(subject, {})
    if isinstance(subject, (type, types.ModuleType, types.BuiltinFunctionType)):
        return subject
    memo: dict[int, Any] = {}
    for value in vars(subject).values() if hasattr(subject, "__dict__") else ():
        if isinstance(value, types.FunctionType):
            memo[id(value)] = _copied_function(value, {})
    try:
        return copy.deepcopy(subject, memo)
    except Exception:  # holds something that cannot be copied: a lock, a file, a compiled object
        try:
            return copy.copy(subject)
        except Exception:
            return subject


_PLAIN: Final = (dict, list, set, bytearray, np.ndarray, random.Random, np.random.Generator)


def _copied_function(function: types.FunctionType, memo: dict[int, Any]) -> types.FunctionType:
    """Same code over a copy of what it could have written to."""
    known = memo.get(id(function))
    if known is not None:
        found: types.FunctionType = known
        return found
    module = function.__module__ or ""
    if module.partition(".")[0] in {"numpy", "pandas", "scipy", "sklearn"} or _ours(module):
        return function  # libraries keep nothing from one call to the next that concerns an answer
    scope = memo.get(id(function.__globals__))
    if scope is None:
        scope = memo[id(function.__globals__)] = dict(function.__globals__)
        own = [key for key in _names_of(function.__code__, function.__globals__) if key in scope]
        for key in own:
            scope[key] = _copied_value(scope[key], memo, module)
    cells = None
    if function.__closure__ is not None:
        cells = tuple(types.CellType() for _ in function.__closure__)
    made = types.FunctionType(function.__code__, scope, function.__name__, None, cells)
    memo[id(function)] = made
    made.__defaults__ = (
        None if function.__defaults__ is None else tuple(_copied_value(v, memo, module) for v in function.__defaults__)
    )
    made.__kwdefaults__ = None if function.__kwdefaults__ is None else dict(function.__kwdefaults__)
    made.__module__, made.__qualname__, made.__doc__ = function.__module__, function.__qualname__, function.__doc__
    made.__annotations__ = dict(function.__annotations__)
    for old, new in zip(function.__closure__ or (), cells or (), strict=True):
        with contextlib.suppress(ValueError):  # an empty cell
            new.cell_contents = _copied_value(old.cell_contents, memo, module)
    return made


def _ours(module: str) -> bool:
    """Whether a module is one of the product's own, and not one of its examples of what goes wrong."""
    return module.startswith("tradewright.") and not module.startswith("tradewright.testing.")


def _names_of(code: types.CodeType, scope: dict[str, Any]) -> list[str]:
    """Globals that a function reads, itself or through functions of its module."""
    seen: set[str] = set()
    queue: list[types.CodeType] = [code]
    while queue:
        item = queue.pop()
        queue += [c for c in item.co_consts if isinstance(c, types.CodeType)]
        for name in item.co_names:
            if name in scope and name not in seen:
                seen.add(name)
                value = scope[name]
                if isinstance(value, types.FunctionType) and value.__globals__ is scope:
                    queue.append(value.__code__)
    return sorted(seen)


def _copied_value(value: Any, memo: dict[int, Any], module: str) -> Any:
    if id(value) in memo:
        return memo[id(value)]
    if isinstance(value, types.FunctionType):
        return _copied_function(value, memo) if value.__module__ == module else value
    own = not isinstance(value, type) and type(value).__module__ == module
    if isinstance(value, _PLAIN) or own:
        with contextlib.suppress(Exception):
            memo[id(value)] = copy.deepcopy(value)
            return memo[id(value)]
    return value


@contextlib.contextmanager
def other_chance(seed: int) -> Iterator[None]:
    """Set the global random generators of Python and NumPy for the time of a call."""
    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002  # what user code draws from
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002


class _Later(_datetime.datetime):
    """Datetime whose clock is some years ahead."""

    @classmethod
    def now(cls, tz: _datetime.tzinfo | None = None) -> Any:
        return _datetime.datetime.now(tz) + _datetime.timedelta(seconds=_SHIFT)

    @classmethod
    def utcnow(cls) -> Any:
        return _datetime.datetime.now(_datetime.UTC).replace(tzinfo=None) + _datetime.timedelta(seconds=_SHIFT)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


class _LaterDate(_datetime.date):
    @classmethod
    def today(cls) -> Any:
        return _datetime.date.today() + _datetime.timedelta(seconds=_SHIFT)


class _Moved:
    """A module or class seen through another clock."""

    def __init__(self, target: Any, changed: dict[str, Any]) -> None:
        self.__dict__.update(changed)
        self.__dict__["_target"] = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_target"], name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__dict__["_target"](*args, **kwargs)


def _moved(value: Any) -> Any:
    """The same with a clock that is ahead, or None where it has none."""
    if value is _time:
        changed = {
            "time": lambda: _time.time() + _SHIFT,
            "time_ns": lambda: _time.time_ns() + int(_SHIFT * 1e9),
            "localtime": lambda at=None: _time.localtime(_time.time() + _SHIFT if at is None else at),
            "gmtime": lambda at=None: _time.gmtime(_time.time() + _SHIFT if at is None else at),
        }
        return _Moved(_time, changed)
    if value is _time.time:
        return lambda: _time.time() + _SHIFT
    if value is _datetime:
        return _Moved(_datetime, {"datetime": _Later, "date": _LaterDate})
    if value is _datetime.datetime:
        return _Later
    if value is _datetime.date:
        return _LaterDate
    if value is np:
        shift = np.timedelta64(int(_SHIFT), "s")

        def stamp(*args: Any) -> Any:
            asked = args[0] if args else None
            found = np.datetime64(*args)
            return found + shift if isinstance(asked, str) and asked in {"now", "today"} else found

        return _Moved(np, {"datetime64": stamp})
    pandas = sys.modules.get("pandas")
    if pandas is not None and (value is pandas or value is pandas.Timestamp):
        real: Any = pandas.Timestamp
        delta: Any = pandas.Timedelta(seconds=_SHIFT)
        moved = _Moved(
            real,
            {
                "now": lambda tz=None: real.now(tz) + delta,
                "today": lambda tz=None: real.today(tz) + delta,
                "utcnow": lambda: real.now("UTC") + delta,
            },
        )
        return moved if value is real else _Moved(pandas, {"Timestamp": moved})
    return None


def asks_for_time(function: Any) -> bool:
    """Whether the code of a function, or of its module's functions that it calls, mentions a clock."""
    target = unwrapped(function)
    codes = [target] if isinstance(target, types.FunctionType) else [
        item for item in vars(type(target)).values() if isinstance(unwrapped(item), types.FunctionType)
    ]  # fmt: skip
    for item in map(unwrapped, codes):
        names = {
            n for code in _codes(item) for n in (*code.co_names, *(c for c in code.co_consts if isinstance(c, str)))
        }
        if names & _CLOCK_WORDS:
            return True
    return False


def _codes(function: types.FunctionType) -> list[types.CodeType]:
    scope = function.__globals__
    out, queue, seen = [], [function.__code__], set()
    while queue:
        code = queue.pop()
        out.append(code)
        queue += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        for name in code.co_names:
            value = scope.get(name)
            if isinstance(value, types.FunctionType) and value.__globals__ is scope and name not in seen:
                seen.add(name)
                queue.append(value.__code__)
    return out


@contextlib.contextmanager
def other_clock(subject: Any) -> Iterator[bool]:
    """Let the module of a subject see a clock that is years ahead; yields whether it sees any clock."""
    target = unwrapped(subject)
    if not isinstance(target, types.FunctionType):
        inner = getattr(target, "__dict__", {}).get("function")
        if isinstance(inner, types.FunctionType):
            target = inner
    scope = target.__globals__ if isinstance(target, types.FunctionType) else None
    if scope is None:
        module = sys.modules.get(type(target).__module__)
        scope = vars(module) if module is not None else {}
    changed: dict[str, Any] = {}
    if not _ours(str(scope.get("__name__", ""))):
        changed = {key: moved for key, value in scope.items() if (moved := _moved(value)) is not None}
    before = {key: scope[key] for key in changed}
    scope.update(changed)
    try:
        yield bool(changed)
    finally:
        scope.update(before)


_watchers: list[list[str]] = []
_hooked = False
_QUIET: Final = (".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".dylib", ".pth", ".tzdata", ".ttf", ".toml", ".zi")
_LIBRARY: Final = ("site-packages", "dist-packages", "zoneinfo", "lib/python", "/proc/", "/sys/", "/dev/", "/etc/")


@contextlib.contextmanager
def watched_files() -> Iterator[list[str]]:
    """Names of data files that are opened, and hosts that are called, inside of the block."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_hear)  # for the life of the process; it does nothing while nobody listens
        _hooked = True
    heard: list[str] = []
    _watchers.append(heard)
    try:
        yield heard
    finally:
        _watchers.remove(heard)


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if not _watchers:
        return
    if event == "open":
        path, mode = args[0], args[1]
        if isinstance(path, bytes):
            path = path.decode("utf-8", "replace")
        if not isinstance(path, str) or (isinstance(mode, str) and set(mode) & set("wax")):
            return
        place = path.replace("\\", "/")
        if place.endswith(_QUIET) or any(part in place for part in _LIBRARY):
            return
        if _importing():
            return  # what a library reads while it is loaded is no part of an answer
        text = path
    elif event == "socket.connect":
        text = f"network {args[1]!r}"
    else:
        return
    for heard in _watchers:
        if text not in heard:
            heard.append(text)


def _importing() -> bool:
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False


def fresh_process(jobs: list[dict[str, Any]], *, hash_seed: int = 4242, timeout: float = 120.0) -> list[str]:
    """Digests of answers from a new interpreter with another hash seed, time zone and random state.

    Parameters
    ----------
    jobs : list of dict
        As `tradewright.engine.lookahead.subjects.described` gives them.
    hash_seed : int
    timeout : float
        Seconds.

    Returns
    -------
    list of str
        One digest per job; a text that begins with ``error:`` where a job failed.
    """
    import json
    import os
    import subprocess

    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "TZ": "Asia/Kathmandu"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", "tradewright.engine.lookahead.again"]
    try:
        run = subprocess.run(
            command,
            input=json.dumps(jobs).encode(),
            capture_output=True,
            timeout=timeout,
            env=environment,
            check=False,
        )
        if run.returncode == 0:
            lines = run.stdout.decode().splitlines()
            found: list[str] = json.loads(lines[-1])
            return found
        why = run.stderr.decode("utf-8", "replace").strip().splitlines()
        return [f"error: {why[-1] if why else run.returncode}"] * len(jobs)
    except subprocess.TimeoutExpired:
        return [f"error: no answer in {timeout:g} s"] * len(jobs)


Evaluate = Callable[..., Any]
