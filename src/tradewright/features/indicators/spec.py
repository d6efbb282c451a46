"""What an indicator is: its name, columns, parameters, outputs and the one definition that all speeds run.

Entry points: `Indicator`, `Param`, `whole`, `real`, `choice`, `Talib`, `define`.

Invariants: parameters are checked before anything is computed; a definition depends on parameters only, so programs
are made once and shared; row ``t`` of an output is known at the close of row ``t``.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from tradewright.domain.errors import InputError, closest
from tradewright.features.indicators.graph import Graph, Inputs, Node
from tradewright.kernel import core

if TYPE_CHECKING:
    from tradewright.features.streaming import Stream

__all__ = ["FAMILIES", "INPUTS", "OWN", "Built", "Indicator", "Param", "Talib", "choice", "define", "real", "whole"]

Definition: TypeAlias = "Callable[[Inputs, Any], Node | tuple[Node, ...]]"

FAMILIES: Final[Mapping[str, str]] = {
    "average": "Averages and other lines on the scale of the price",
    "band": "Bands, channels and trailing stops",
    "momentum": "Oscillators and rates of change",
    "trend": "Direction and strength of a trend",
    "volatility": "Range and spread",
    "volume": "Price and volume together",
    "statistic": "Statistics of a window",
    "price": "One row of prices, transformed",
    "cycle": "Cycles by the Hilbert transform",
    "candle": "Candlestick patterns",
}
INPUTS: Final = ("open", "high", "low", "close", "volume", "benchmark", "session", "ts")
"""Columns an indicator can ask for; ``session`` is a number that changes with the session, ``ts`` the instant."""
OWN: Final = INPUTS[:5]
"""Those that belong to the bar itself: where all that are asked for are missing, there is no bar."""

_OTHER_NAMES: Final = {
    "length": ("window",), "timeperiod": ("window", "span"), "period": ("window",), "n": ("window",),
    "span": ("window",), "lookback": ("window",), "fastperiod": ("fast",), "slowperiod": ("slow",),
    "signalperiod": ("signal",), "nbdev": ("multiplier",), "mult": ("multiplier",), "std": ("multiplier",),
    "k": ("window",), "d": ("smooth_d",), "matype": ("average", "seed"), "mamode": ("average", "seed"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: its kind, default and range.

    Parameters
    ----------
    name : str
    kind : {"int", "float", "choice", "instant"}
    default : int, float or str
    low, high : float
        Range of numbers, both ends included unless `open_low`.
    choices : tuple of str
        Of a choice.
    about : str
        One line for people.
    open_low : bool
        The low end itself is refused.
    """

    name: str
    kind: str
    default: Any
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    about: str = ""
    open_low: bool = False

    def check(self, owner: str, value: Any) -> Any:
        """Value in its type; InputError when it is of another kind or out of range."""
        if isinstance(value, np.generic):
            value = value.item()
        if self.kind == "choice":
            if value not in self.choices:
                hint = closest(str(value), self.choices) or "."
                words = ", ".join(self.choices)
                raise InputError(f"{self.name} of {owner} is {value!r}; it must be one of {words}{hint}")
            return value
        if self.kind == "instant":
            from tradewright.domain.bars import instant_ns

            return instant_ns(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InputError(f"{self.name} of {owner} is {value!r}; it must be {self.words()}.")
        if self.kind == "int" and value != int(value):
            raise InputError(f"{self.name} of {owner} is {value!r}; it must be {self.words()}.")
        if not self.low <= value <= self.high or (self.open_low and value == self.low):
            raise InputError(f"{self.name} of {owner} is {value!r}; it must be {self.words()}.")
        return int(value) if self.kind == "int" else float(value)

    def words(self) -> str:
        """Range for people.

        Examples
        --------
        >>> whole("window", 14, 2).words(), choice("seed", "sma", "first").words()
        ('a whole number from 2 to 1,000,000', 'one of sma, first')
        """
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind == "instant":
            return "a date or instant, such as 2024-01-31"
        what = "a whole number" if self.kind == "int" else "a number"
        low, high = (f"{end:,.10g}" for end in (self.low, self.high))
        if math.isfinite(self.low) and math.isfinite(self.high):
            return f"{what} above {low} and up to {high}" if self.open_low else f"{what} from {low} to {high}"
        if math.isfinite(self.low):
            return f"{what} above {low}" if self.open_low else f"{what} of {low} or more"
        return what

    def to_dict(self) -> dict[str, Any]:
        """Facts for JSON."""
        out: dict[str, Any] = {"name": self.name, "type": self.kind, "default": self.default, "range": self.words()}
        if self.kind in {"int", "float"}:
            out["low"] = self.low if math.isfinite(self.low) else None
            out["high"] = self.high if math.isfinite(self.high) else None
            out["low_included"] = not self.open_low
        if self.choices:
            out["choices"] = list(self.choices)
        out["about"] = self.about
        return out


MAX_WINDOW: Final = 1_000_000


def whole(name: str, default: int, low: int = 1, high: int = MAX_WINDOW, about: str = "") -> Param:
    """Parameter that is a whole number."""
    return Param(name, "int", default, low, high, about=about or _ABOUT.get(name, ""))


def real(
    name: str, default: float, low: float = 0.0, high: float = 1e6, about: str = "", *, open_low: bool = True
) -> Param:
    """Parameter that is a real number, by default above `low`."""
    return Param(name, "float", default, low, high, about=about or _ABOUT.get(name, ""), open_low=open_low)


def choice(name: str, *choices: str, about: str = "") -> Param:
    """Parameter that is one of some words; the first is the default."""
    return Param(name, "choice", choices[0], choices=choices, about=about or _ABOUT.get(name, ""))


_ABOUT: Final = {
    "window": "rows in the window",
    "fast": "rows of the fast average",
    "slow": "rows of the slow average",
    "signal": "rows of the signal average",
    "multiplier": "width in units of the spread",
    "ddof": "divisor is window - ddof",
    "seed": "first value of the recursion: sma (mean of the first values), first (the first value)",
    "average": "kind of average",
}


@dataclass(frozen=True, slots=True)
class Talib:
    """How TA-Lib computes the same.

    Parameters
    ----------
    name : str
        Function.
    params : mapping
        Its parameter to ours (a name), or to a fixed number.
    when : mapping
        Our parameters must have these values for the two to agree.
    order : tuple of int
        Output k of ours is ``order[k]`` of theirs; empty: the same order.
    """

    name: str
    params: Mapping[str, str | float] = field(default_factory=dict)
    when: Mapping[str, Any] = field(default_factory=dict)
    order: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """A definition with its parameters filled in."""

    program: Any
    inputs: tuple[str, ...]
    warm_ups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One entry of the registry; call it with columns to compute it.

    Attributes
    ----------
    name, title, family : str
    inputs : tuple of str
        Columns, of `INPUTS`. An indicator of one column takes any series for it.
    params : tuple of Param
    outputs : tuple of str
    unit : str
        Unit or range of the outputs.
    source : str
        Author, year, title.
    notes : str
        Conventions, and where libraries differ.
    talib : Talib or None
        How TA-Lib computes the same; for indicators without a `definition`, what computes them.
    known_at : str
        When a row is known.

    Examples
    --------
    >>> from tradewright.features.indicators import rsi
    >>> rsi([1.0, 2.0, 1.0, 2.0], window=2).tolist()
    [nan, nan, 50.0, 75.0]
    >>> rsi.warm_up(window=14)
    15
    """

    name: str
    title: str
    family: str
    inputs: tuple[str, ...]
    params: tuple[Param, ...]
    outputs: tuple[str, ...]
    unit: str
    source: str
    notes: str = ""
    talib: Talib | None = None
    definition: Definition | None = None
    constraint: Callable[[Mapping[str, Any]], bool] | None = None
    constraint_text: str = ""
    event: bool = False
    undefined: str = ""
    about: str = ""
    known_at: str = "the close of its row"

    def __call__(self, *columns: Any, **params: Any) -> Any:
        """Compute it; see `tradewright.features.indicators.compute`."""
        from tradewright.features.indicators.registry import compute

        return compute(self, *columns, **params)

    def stream(self, *, n_assets: int = 1, missing: str = "window", **params: Any) -> Stream:
        """State that takes one row at a time; see `tradewright.features.streaming.Stream`."""
        from tradewright.features.streaming import Stream

        return Stream(self, n_assets=n_assets, missing=missing, **params)

    def checked(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters with defaults filled in.

        Raises
        ------
        InputError
            If one is unknown, of a wrong kind, out of range, or they do not fit together.
        """
        known = {p.name: p for p in self.params}
        values = {p.name: p.default for p in self.params}
        for key, value in params.items():
            if key not in known:
                raise InputError(self._unknown(key, known))
            values[key] = known[key].check(self.name, value)
        missing = [p.name for p in self.params if values[p.name] is None]
        if missing:
            p = known[missing[0]]
            raise InputError(f"{self.name} needs {p.name}, {p.words()}; give {p.name}=....")
        if self.constraint is not None and not self.constraint(values):
            given = ", ".join(f"{key}={value!r}" for key, value in values.items())
            raise InputError(f"{self.name} needs {self.constraint_text}, not {given}.")
        return values

    def _unknown(self, key: str, known: Mapping[str, Param]) -> str:
        alias = [name for name in _OTHER_NAMES.get(key, ()) if name in known]
        hint = f", did you mean {alias[0]!r}?" if alias else closest(key, known) or "."
        takes = ", ".join(known) or "no parameters"
        return f"{self.name} has no parameter {key!r}{hint} It takes: {takes}."

    def build(self, values: Mapping[str, Any]) -> Built:
        """Program of these (checked) parameters; made once."""
        return _built(self.name, self.definition, self.inputs, tuple(values.items()))

    def warm_up(self, **params: Any) -> int:
        """Rows until all outputs have their first value, that row included."""
        return max(self.warm_ups(**params).values())

    def warm_ups(self, **params: Any) -> dict[str, int]:
        """Rows until the first value of each output, that row included, on data without holes."""
        values = self.checked(params)
        if self.definition is None:
            from tradewright.features.indicators.talib import lookback

            rows = lookback(self, values) + 1
            return dict.fromkeys(self.outputs, rows)
        return dict(zip(self.outputs, self.build(values).warm_ups, strict=True))

    @property
    def engine(self) -> str:
        """What computes it: ``"tradewright"`` or ``"TA-Lib"``."""
        return "tradewright" if self.definition is not None else "TA-Lib"

    def to_dict(self, **params: Any) -> dict[str, Any]:
        """Facts for JSON, with the warm-up of these parameters (None where TA-Lib is needed and absent)."""
        from tradewright.domain.errors import TradewrightError

        values = self.checked(params) if all(p.default is not None for p in self.params) or params else None
        try:
            warm_ups = None if values is None else self.warm_ups(**values)
        except TradewrightError:
            warm_ups = None
        return {
            "name": self.name,
            "title": self.title,
            "family": self.family,
            "inputs": list(self.inputs),
            "params": [p.to_dict() for p in self.params],
            "constraint": self.constraint_text,
            "outputs": list(self.outputs),
            "unit": self.unit,
            "warm_up": None if warm_ups is None else max(warm_ups.values()),
            "warm_ups": warm_ups,
            "first_value_waits_for_an_event": self.event,
            "known_at": self.known_at,
            "missing_values": MISSING if self.definition is not None else MISSING_TALIB,
            "undefined": self.undefined,
            "source": self.source,
            "notes": self.notes,
            "engine": self.engine,
            "talib": None if self.talib is None else {
                "function": self.talib.name, "params": dict(self.talib.params), "when": dict(self.talib.when)},
        }  # fmt: skip


MISSING: Final = (
    "A value that is not finite is missing. That row is NaN, rows before it do not change; windows are NaN while they "
    "hold it; recursions go on after it as if the row did not exist. Of bars, a row without a bar is no row at all "
    "(missing=skip): windows go on after it too."
)
MISSING_TALIB: Final = (
    "A value that is not finite is missing. Such rows are taken out before TA-Lib computes and are NaN afterwards."
)


@functools.lru_cache(maxsize=4096)
def _built(name: str, definition: Definition, inputs: tuple[str, ...], values: tuple[tuple[str, Any], ...]) -> Built:
    import types

    graph = Graph()
    found = definition(Inputs(graph, inputs), types.SimpleNamespace(**dict(values)))
    nodes = found if isinstance(found, tuple) else (found,)
    ops, slots = graph.needed([node.slot for node in nodes])
    program = core.Program(len(inputs), ops, slots)
    return Built(program, inputs, tuple(node.warm_up for node in nodes))


REGISTRY: Final[dict[str, Indicator]] = {}
"""What has been defined so far, by name; `registry` loads the families."""


def define(
    title: str,
    *,
    family: str,
    inputs: str = "close",
    params: Sequence[Param] = (),
    outputs: str = "",
    unit: str = "",
    source: str,
    notes: str = "",
    undefined: str = "",
    talib: Talib | None = None,
    needs: tuple[str, Callable[[Mapping[str, Any]], bool]] | None = None,
    event: bool = False,
) -> Callable[[Definition], Definition]:
    """Register a definition under the name of its function, which stays what it is.

    Parameters
    ----------
    title : str
        What people call it.
    family : str
        One of `FAMILIES`.
    inputs, outputs : str
        Names with spaces between; without outputs the name of the function.
    params : sequence of Param
    unit, source, notes, undefined : str
        Unit or range; author and year; conventions; what a zero denominator gives.
    talib : Talib, optional
        How TA-Lib computes the same.
    needs : (text, predicate), optional
        Condition over the parameters.
    event : bool
        True where the first value waits for something to happen in the data, not for a number of rows.
    """

    def register(function: Definition) -> Definition:
        name = function.__name__.rstrip("_")
        text, predicate = needs or ("", None)
        REGISTRY[name] = Indicator(
            name=name, title=title, family=family, inputs=tuple(inputs.split()), params=tuple(params),
            outputs=tuple(outputs.split()) or (name,), unit=unit, source=source, notes=notes, talib=talib,
            definition=function, constraint=predicate, constraint_text=text, event=event, undefined=undefined,
            about=inspect.getdoc(function) or "",
        )  # fmt: skip
        return function

    return register
