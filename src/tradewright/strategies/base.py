"""What a strategy is.

Entry points: `Strategy` (base class of built-in and user strategies), `CompiledRule`, `Indicator`,
`FunctionStrategy`.

Invariants: a decision at the close of bar ``t`` depends on bars up to ``t`` and on nothing else; parameters are fixed
when the object is made, are checked then, and are plain values, so that a result can be run again from its manifest.
"""

from __future__ import annotations

import copy
import inspect
import math
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, get_args, get_origin, get_type_hints, overload

import numpy as np

from tradewright.domain.errors import InputError, closest
from tradewright.kernel import core
from tradewright.strategies.constraints import constraint

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars

    F64 = np.ndarray[Any, np.dtype[np.float64]]
    I8 = np.ndarray[Any, np.dtype[np.int8]]
    I64 = np.ndarray[Any, np.dtype[np.int64]]

__all__ = [
    "CompiledRule",
    "FunctionStrategy",
    "Indicator",
    "RuleStrategy",
    "Strategy",
    "initialised",
    "step_of",
    "typed",
]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule that the engine itself can evaluate, so that a sweep never leaves compiled code.

    Parameters
    ----------
    name : str
        Key of ``core.RULES``.
    values : tuple of float
        Its numeric parameters, in the order that ``core.RULES[name]`` states.
    by_state : bool
        True: the array holds the wanted state at every bar. False: an opinion only where the state changes.
    long_only : bool
        False lets the rule flip to short.
    """

    name: str
    values: tuple[float, ...]
    by_state: bool = True
    long_only: bool = True


def _snake(name: str) -> str:  # stands first because the classes below are named by it
    out: list[str] = []
    for i, char in enumerate(name):
        if char.isupper() and i and (not name[i - 1].isupper() or (i + 1 < len(name) and name[i + 1].islower())):
            out.append("_")
        out.append(char.lower())
    return "".join(out)


class Strategy:
    """Base class: parameters are annotated class attributes, decisions are one method.

    A subclass overrides exactly one of

    ``signals(bars)``
        int8 array ``(n_bars, n_assets)``: 1 long, 0 flat, -1 short, -128 no opinion, known at the close of its row.
    ``weights(bars)``
        ``(rows, weights)``: row numbers int64 ``(k,)`` and fractions of equity float64 ``(k, n_assets)``.
    ``orders(bars)``
        Columns of orders (see ``tradewright.engine.decisions.order_columns``).
    ``on_bar(ctx)``
        Called at every close with the engine's context, in which orders are given; ``init(bars)`` runs once before.

    Parameters
    ----------
    **params
        Values for the annotated class attributes.

    Raises
    ------
    InputError
        If a parameter is unknown, of a wrong type, or refused by `check`.

    Examples
    --------
    >>> class Dip(Strategy):
    ...     \"\"\"Long after `days` falling closes, else flat.\"\"\"
    ...     days: int = 2
    ...     def signals(self, bars):
    ...         down = np.diff(bars.close, axis=0, prepend=np.nan) < 0
    ...         want = np.ones_like(down)
    ...         for lag in range(self.days):
    ...             want &= np.roll(down, lag, axis=0)
    ...         return want.astype(np.int8)
    ...     def warm_up(self):
    ...         return self.days + 1
    >>> Dip(days=3).params
    {'days': 3}
    >>> Dip(day=3)
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: dip has no parameter 'day', did you mean 'days'? It takes: days.
    """

    name: ClassVar[str] = ""
    constraint: ClassVar[str] = ""
    """Condition over the parameters, such as ``"1 <= fast < slow"``; a sweep applies it to a whole grid at once."""
    _defaults: ClassVar[dict[str, Any]] = {}
    _types: ClassVar[dict[str, Any] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = inspect.get_annotations(cls)
        defaults = dict(cls._defaults)
        for key, annotation in own.items():
            if key.startswith("_") or "ClassVar" in str(annotation):
                continue
            if key not in cls.__dict__:
                raise InputError(f"Parameter {key!r} of {cls.__name__} has no default; write `{key}: type = value`.")
            defaults[key] = cls.__dict__[key]
        cls._defaults = defaults
        cls._types = None
        if "name" not in cls.__dict__:
            cls.name = _snake(cls.__name__)

    def __init__(self, **params: Any) -> None:
        values = dict(self._defaults)
        for key, value in params.items():
            if key not in values:
                known = ", ".join(values) or "no parameters"
                hint = closest(key, values) or "."
                raise InputError(f"{self.name} has no parameter {key!r}{hint} It takes: {known}.")
            values[key] = typed(self.name, key, value, self.hints().get(key))
        self.__dict__.update(values)
        self.check()

    def check(self) -> None:
        """Raise InputError when the parameters do not fit together; called once, when the object is made.

        A class that states a `constraint` needs no check of its own.
        """
        if self.constraint and not constraint(self.constraint)(self.params):
            values = ", ".join(f"{key}={self.params[key]!r}" for key in constraint(self.constraint).names)
            raise InputError(f"{self.name} needs {self.constraint}, not {values}.")

    @property
    def params(self) -> dict[str, Any]:
        """Parameters by name, in the order of their definition."""
        return {key: self.__dict__[key] for key in self._defaults}

    def warm_up(self) -> int:
        """Bars that are needed before the first row can hold an opinion, this row included."""
        return 1

    def rule(self) -> CompiledRule | None:
        """Return the compiled rule that gives the same signals, or None."""
        return None

    def init(self, bars: Bars) -> None:
        """Prepare indicators; called once before the first `on_bar`."""

    def indicator(
        self,
        values: str | F64 | Callable[[Bars], F64],
        *args: Any,
        asset: int = 0,
        field: str = "close",
        output: str | None = None,
        **params: Any,
    ) -> Indicator:
        """Return a series that, in `on_bar`, holds the values up to the current bar and nothing later.

        Parameters
        ----------
        values : str, array of shape (n_bars,) or callable
            An indicator by name (`tradewright.indicators.names`), an array that is known bar by bar, or a function of
            the bars that returns one.
        *args
            Parameters of the indicator in their order, such as the window.
        asset : int
            Column, when there are several.
        field : str
            What an indicator of one column reads.
        output : str, optional
            Which one, where there are several; by default the first.
        **params
            Parameters of the indicator by name.

        Returns
        -------
        Indicator
            ``x.now`` and ``x.before`` (one bar earlier) are floats, NaN until warm; ``x[-3]`` and ``x[-20:]`` reach
            further back.

        Raises
        ------
        InputError
            If called outside `init`, the indicator or a parameter is unknown, or the array has another length than the
            bars.
        """
        bars: Bars | None = self.__dict__.get("_bars")
        if bars is None:
            raise InputError(f"{self.name}: indicator() belongs in init(bars), where the bars are known.")
        series = Indicator(_series(self.name, bars, values, args, asset, field, output, params))
        self.__dict__["_indicators"].append(series)
        return series

    def __repr__(self) -> str:
        inner = ", ".join(f"{key}={value!r}" for key, value in self.params.items())
        return f"{self.name}({inner})"

    @classmethod
    def hints(cls) -> dict[str, Any]:
        """Types of the parameters, where annotations can be read."""
        if cls._types is None:
            try:
                cls._types = get_type_hints(cls)
            except (NameError, TypeError):
                cls._types = {}  # an annotation names something that only type checkers import
        return cls._types


class RuleStrategy(Strategy):
    """A strategy whose signals the engine computes.

    A subclass names the compiled rule and which of its parameters are the rule's numbers. Parameters ``on``
    (``"state"`` or ``"cross"``) and ``direction`` (``"long"`` or ``"long_short"``), if it has them, choose how the
    rule is read.
    """

    rule_name: ClassVar[str] = ""
    rule_params: ClassVar[tuple[str, ...]] = ()

    def rule(self) -> CompiledRule:
        """Return the compiled rule with these parameters."""
        values = self.__dict__
        return CompiledRule(
            self.rule_name,
            tuple([float(values[key]) for key in self.rule_params]),
            values.get("on", "state") == "state",
            values.get("direction", "long") == "long",
        )

    def signals(self, bars: Bars) -> I8:
        """Signals of the compiled rule, shape (n_bars, n_assets)."""
        rule = self.rule()
        market = core.Market(bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
        values = np.array(rule.values, dtype=np.float64)
        found = core.rule_signals(rule.name, market, values, by_state=rule.by_state, long_only=rule.long_only)
        return found.reshape(bars.n_bars, bars.n_assets)


class Indicator:
    """A series that holds its past and its present while the engine runs, and nothing later.

    Attributes
    ----------
    now : float
        Value at the current bar, NaN until warm.
    before : float
        Value one bar earlier.

    Notes
    -----
    ``x[-1]`` is now, ``x[-2]`` one bar ago, ``x[-20:]`` the last twenty as an array, ``len(x)`` the bars so far.
    `now` and `before` are plain attributes, which a decision reads in a few nanoseconds; an index costs some hundred.

    Examples
    --------
    >>> x = Indicator(np.array([1.0, 3.0, 2.0]))
    >>> for _ in range(2):
    ...     x.advance()
    >>> x.now, x.before, x[-2], len(x), x[-2:].tolist()
    (3.0, 1.0, 1.0, 2, [1.0, 3.0])
    >>> x[2]
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: Bar 2 of an indicator was asked for, but there are 2 so far; ...
    """

    __slots__ = ("_feed", "_source", "before", "now")

    def __init__(self, values: F64) -> None:
        self._source = values
        self._feed = iter(array("d", values.tobytes()))
        self.now = self.before = math.nan

    def __len__(self) -> int:
        """Return the number of bars so far, the current one included."""
        # The iterator knows where it is; counting here as well would cost every bar for what few strategies ask.
        place = self._feed.__reduce__()
        return int(place[2]) if isinstance(place, tuple) and len(place) > 2 else self._source.size

    @overload
    def __getitem__(self, key: int) -> float: ...
    @overload
    def __getitem__(self, key: slice) -> F64: ...
    def __getitem__(self, key: int | slice) -> float | F64:
        n = len(self)
        if isinstance(key, slice):
            return self._source[:n][key]
        if not -n <= key < n:
            raise InputError(f"Bar {key} of an indicator was asked for, but there are {n} so far; x[-1] is the newest.")
        return float(self._source[key + n if key < 0 else key])

    def __float__(self) -> float:
        return self.now

    @property
    def source(self) -> F64:
        """All values, past and future: for examiners, not for decisions."""
        return self._source

    @property
    def feed(self) -> Callable[[], float]:
        """Function that gives the next value at each call."""
        return self._feed.__next__

    def advance(self) -> None:
        """Go to the next bar."""
        self.before = self.now
        self.now = next(self._feed)


class FunctionStrategy(Strategy):
    """A plain function of the bars as a strategy.

    Parameters
    ----------
    function : callable
        ``f(bars, **params)`` that returns signals ``(n_bars,)`` or ``(n_bars, n_assets)``, or ``(rows, weights)``.
    params : mapping, optional
        Keyword arguments for it.

    Examples
    --------
    >>> always = FunctionStrategy(lambda bars: np.ones(bars.n_bars, dtype=np.int8))
    >>> always.params
    {}
    """

    def __init__(self, function: Callable[..., Any], params: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        name = getattr(function, "__name__", "")
        self.__dict__["name"] = "function" if name in {"", "<lambda>"} else name
        self.__dict__["function"] = function
        self.__dict__["_given"] = dict(params or {})
        self._check_names()

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.__dict__["_given"])

    def signals(self, bars: Bars) -> Any:
        """Whatever the function returns."""
        return self.__dict__["function"](bars, **self.__dict__["_given"])

    def with_params(self, params: Mapping[str, Any]) -> FunctionStrategy:
        """Return the same function with other parameters on top."""
        return FunctionStrategy(self.__dict__["function"], {**self.__dict__["_given"], **params})

    def _check_names(self) -> None:
        try:
            accepted = inspect.signature(self.__dict__["function"]).parameters
        except (TypeError, ValueError):
            return
        if any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
            return
        names = list(accepted)[1:]
        for key in self.__dict__["_given"]:
            if key not in names:
                takes = ", ".join(names) or "no parameters"
                hint = closest(key, names) or "."
                raise InputError(f"{self.name} has no parameter {key!r}{hint} It takes: {takes}.")


def initialised(strategy: Any, bars: Bars) -> tuple[Any, list[Indicator]]:
    """Return a copy of a strategy whose `init` has run on the bars, and the indicators it made."""
    mine = copy.copy(strategy)
    series: list[Indicator] = []
    try:
        mine.__dict__["_bars"] = bars
        mine.__dict__["_indicators"] = series
    except AttributeError:
        pass  # a class with slots: it has no indicators of ours
    init = getattr(mine, "init", None)
    if init is not None:
        init(bars)
    if getattr(mine, "__dict__", None) is not None:
        mine.__dict__.pop("_bars", None)
    return mine, series


def step_of(strategy: Any, bars: Bars) -> Callable[[Any], None]:
    """Return the function that the engine calls at each close of a callback strategy.

    The strategy is copied, so one object can run many times; its `init` runs here. What is touched per bar is one
    assignment per indicator and the user's `on_bar`.

    Parameters
    ----------
    strategy : object with ``on_bar(ctx)``
        Usually a `Strategy`; any class with that method will do.
    bars : Bars
        What it will see.

    Returns
    -------
    callable
        To hand to ``core.run_callback``.
    """
    mine, series = initialised(strategy, bars)
    on_bar: Callable[[Any], None] = mine.on_bar
    feeds = [(item, item.feed) for item in series]
    if not feeds:
        return on_bar
    if len(feeds) == 1:
        ((x, next_x),) = feeds

        def one(ctx: Any) -> None:
            x.before = x.now
            x.now = next_x()
            on_bar(ctx)

        return one
    if len(feeds) == 2:
        (x, next_x), (y, next_y) = feeds

        def two(ctx: Any) -> None:
            x.before = x.now
            x.now = next_x()
            y.before = y.now
            y.now = next_y()
            on_bar(ctx)

        return two

    def many(ctx: Any) -> None:
        for item, next_value in feeds:
            item.before = item.now
            item.now = next_value()
        on_bar(ctx)

    return many


_KERNELS: Final = {
    "sma": "sma",
    "ema": "ema",
    "rsi": "rsi",
    "std": "rolling_std",
    "max": "rolling_max",
    "min": "rolling_min",
}


def _series(
    name: str,
    bars: Bars,
    values: str | F64 | Callable[[Bars], F64],
    args: tuple[Any, ...],
    asset: int,
    field: str,
    output: str | None,
    params: Mapping[str, Any],
) -> F64:
    if isinstance(values, str):
        # The kernels of compiled rules, to the bit; the registry has the same values under the same names.
        if values in _KERNELS and not params and output is None:
            return np.ascontiguousarray(getattr(core, _KERNELS[values])(_column(name, bars, field, asset), *args))
        result = _registered(name, bars, values, args, asset, field, output, params)
    else:
        result = np.asarray(values(bars) if callable(values) else values, dtype=np.float64)
        if result.ndim == 2 and result.shape[1] > asset:
            result = result[:, asset]
    if result.shape != (bars.n_bars,):
        raise InputError(f"{name}: an indicator needs one value a bar ({bars.n_bars}), not shape {result.shape}.")
    return np.ascontiguousarray(result)


def _column(name: str, bars: Bars, field: str, asset: int) -> F64:
    fields = ("open", "high", "low", "close", "volume")
    if field not in fields:
        raise InputError(f"{name}: bars have no field {field!r}{closest(field, fields) or '.'}")
    return np.ascontiguousarray(getattr(bars, field)[:, asset])


def _registered(
    name: str,
    bars: Bars,
    values: str,
    args: tuple[Any, ...],
    asset: int,
    field: str,
    output: str | None,
    params: Mapping[str, Any],
) -> F64:
    from tradewright.features.indicators.registry import compute, indicator

    try:
        item = indicator(values)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    known = [p.name for p in item.params]
    if len(args) > len(known):
        raise InputError(f"{name}: {values} takes {len(known)} parameters ({', '.join(known)}), not {len(args)}.")
    given = {**dict(zip(known, args, strict=False)), **params}
    chosen = item.outputs[0] if output is None else output
    if chosen not in item.outputs:
        hint = closest(chosen, item.outputs) or "."
        raise InputError(f"{name}: {values} has no output {chosen!r}{hint} It has: {', '.join(item.outputs)}.")
    one = len(item.inputs) == 1
    columns: dict[str, Any] = {
        key: _column(name, bars, field if one else key, asset)
        for key in item.inputs
        if key in {"open", "high", "low", "close", "volume"}
    }
    if "ts" in item.inputs:
        columns["ts"] = bars.ts
    if "session" in item.inputs and "session" not in given:  # days of UTC, as the engine counts them by default
        columns["session"] = (bars.ts // 86_400_000_000_000).astype(np.float64)
    found = compute(item, **columns, **given)
    return np.asarray(found[item.outputs.index(chosen)] if isinstance(found, tuple) else found)


def typed(owner: str, key: str, value: Any, hint: Any) -> Any:
    """Value in the type its annotation asks for; InputError when it is not one."""
    if isinstance(value, np.generic):
        value = value.item()
    if hint is None or hint is Any:
        return value
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        if value in choices:
            return value
        words = ", ".join(repr(c) for c in choices)
        hint_text = closest(str(value), [str(c) for c in choices]) or "."
        raise InputError(f"{key} of {owner} is {value!r}; it must be one of {words}{hint_text}")
    if hint is bool and not isinstance(value, bool):
        raise InputError(f"{key} of {owner} is {value!r}; it must be true or false.")
    if hint is int:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
            raise InputError(f"{key} of {owner} is {value!r}; it must be a whole number.")
        return int(value)
    if hint is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InputError(f"{key} of {owner} is {value!r}; it must be a finite number.")
        return float(value)
    if hint is str and not isinstance(value, str):
        raise InputError(f"{key} of {owner} is {value!r}; it must be text.")
    return value
