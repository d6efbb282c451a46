"""What a feature is: its name, columns, parameters, and how it is computed on whole columns and row by row.

Entry points: `Feature`, `define`, `Sources`, `Market`, `State`, `Windowed`, `text`, `length`.

There are four ways to write one:

* ``program``: operations of `tradewright.features.indicators.graph` on the columns of one asset. Many of them are
  joined to one program, and every speed runs the same bits.
* ``state``: an object for one asset that takes the next rows and gives their values (`State`; `Windowed` for a function
  of the last rows).
* ``rows``: a function of single rows over all assets, and of what is known about the market (calendar, sectors, dated
  series). It has no memory.
* ``longer``: another feature on longer bars, closed ones only.

Invariants: parameters are checked before anything is computed; row ``t`` never depends on a later row.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np

from tradewright.domain.errors import InputError, closest
from tradewright.features.indicators.graph import Graph, Inputs, Node
from tradewright.features.indicators.spec import Param

if TYPE_CHECKING:
    from tradewright.domain.instrument import Instrument
    from tradewright.features.dated import DatedSeries
    from tradewright.features.indicators.spec import Indicator

    F64 = np.ndarray[Any, np.dtype[np.float64]]
    I64 = np.ndarray[Any, np.dtype[np.int64]]

__all__ = [
    "COLUMNS", "FAMILIES", "FEATURES", "Feature", "Length", "Market", "Sources", "State", "Text", "Windowed", "define",
    "length", "text",
]  # fmt: skip

COLUMNS: Final = ("open", "high", "low", "close", "volume", "benchmark", "session", "ts")
"""Columns that a feature can ask for; ``session`` is the number of the trading day, ``ts`` seconds UTC."""

FAMILIES: Final[Mapping[str, str]] = {
    "price": "The columns themselves",
    "returns": "Returns, lags and paths of the price",
    "volatility": "Volatility and jumps",
    "liquidity": "Volume and liquidity",
    "calendar": "Calendar and session",
    "relations": "Relations to a benchmark or another column",
    "cross_section": "Across assets: rank, score, sectors, neutralisation",
    "multi_timeframe": "Longer bars",
    "fractional": "Fractional differences",
    "outliers": "Outliers",
    "dated": "Dated series from outside: macro, sentiment, options, events",
    "transform": "Transforms of another feature",
}
"""Families of features; indicators keep their own, with ``indicator/`` before it."""

Default: TypeAlias = "str | Mapping[str, Any] | None"


class State(Protocol):
    """One asset's feature that takes rows as they come."""

    def extend(self, columns: Sequence[F64]) -> F64:
        """Values of the next rows, shape ``(n,)``."""
        ...


class Windowed:
    """State of a function of the last rows: keeps them, and computes on them again.

    Parameters
    ----------
    rows : int
        Rows that a value depends on, its own included.
    function : callable
        Of columns of shape ``(n,)``; gives ``(n,)``, of which the first ``rows - 1`` are not used.

    Examples
    --------
    >>> span = Windowed(2, lambda columns: columns[0] - np.roll(columns[0], 1))
    >>> span.extend([np.array([1.0, 4.0])]).tolist(), span.extend([np.array([9.0])]).tolist()
    ([nan, 3.0], [5.0])
    """

    def __init__(self, rows: int, function: Callable[[Sequence[F64]], F64]) -> None:
        self.rows, self.function = rows, function
        self.held: list[F64] = []

    def extend(self, columns: Sequence[F64]) -> F64:
        """Values of the next rows."""
        n = columns[0].size
        if not self.held:
            self.held = [np.full(self.rows - 1, np.nan) for _ in columns]
        joined = [np.concatenate([old, new]) for old, new in zip(self.held, columns, strict=True)]
        self.held = [column[column.size - self.rows + 1 :] for column in joined]
        return self.function(joined)[joined[0].size - n :]


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """What rows can be told about the market they come from.

    Parameters
    ----------
    ts : int64 array, shape (n_rows,)
        Closes, nanoseconds UTC.
    interval_ns : int
        Length of a bar, 0 when not known.
    instruments : tuple of Instrument
    sectors : tuple of str
        One per asset, ``""`` where not given.
    series : mapping of str to DatedSeries
        By name.
    """

    ts: I64
    interval_ns: int
    instruments: tuple[Instrument, ...]
    sectors: tuple[str, ...] = ()
    series: Mapping[str, DatedSeries] = field(default_factory=dict)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Identity of each asset."""
        return tuple(instrument.id for instrument in self.instruments)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and assets."""
        return int(self.ts.size), len(self.instruments)


class Sources(Inputs):
    """Columns of a definition by name, as nodes that are there already."""

    def __init__(self, graph: Graph, nodes: Mapping[str, Node]) -> None:
        self.graph = graph
        self._nodes = dict(nodes)


class Text(Param):
    """Parameter that is a word."""

    __slots__ = ()

    def check(self, owner: str, value: Any) -> Any:
        """The word; InputError when it is none."""
        if not isinstance(value, str) or not value:
            raise InputError(f"{self.name} of {owner} is {value!r}; it must be {self.words()}.")
        return value

    def words(self) -> str:
        """What it is, for people."""
        return "a name"


class Length(Param):
    """Parameter that is a length of time: ``"1h"``, ``"1d"``; or ``"next"`` and ``"next2"``, the usual longer bars."""

    __slots__ = ()

    def check(self, owner: str, value: Any) -> Any:
        """The text of the length; InputError when it names none."""
        from tradewright.data.intervals import interval_ns

        if value in NEXT and self.choices:
            return value
        if not isinstance(value, str):
            raise InputError(f"{self.name} of {owner} is {value!r}; it must be {self.words()}.")
        try:
            interval_ns(value)
        except InputError:
            raise InputError(f"{self.name} of {owner} is {value!r}; it must be {self.words()}.") from None
        return value

    def words(self) -> str:
        """What it is, for people."""
        return "a length such as 30min, 1h, 1d or 1w" + (", or next or next2" if self.choices else "")


NEXT: Final = ("next", "next2")


def text(name: str, default: str | None = None, about: str = "") -> Param:
    """Parameter that is a word; without a default it must be given."""
    return Text(name, "text", default, about=about)


def length(name: str, default: str, about: str = "", *, relative: bool = False) -> Param:
    """Parameter that is a length of time; `relative` allows ``next`` and ``next2``."""
    return Length(name, "length", default, choices=NEXT if relative else (), about=about)


@dataclass(frozen=True, slots=True)
class Feature:
    """One entry of the registry of features.

    Attributes
    ----------
    name, title, family : str
    kind : {"program", "state", "rows", "longer"}
        How it is computed; see the module.
    scope : {"asset", "cross_section", "market"}
        Whether a value depends on its own asset only, on all of them, or is the same for all.
    inputs : tuple of str
        Columns, of `COLUMNS`.
    takes : tuple of (str, default)
        Other features it is computed of, with what stands in when none is given; None must be given.
    params : tuple of Param
    outputs : tuple of str
    unit, source, notes, undefined : str
    needs : tuple of str
        What else must be given: ``"sectors"``, ``"series"``.
    standard : tuple of mapping
        Parameters with which it stands in the preset ``standard_200``.
    memory : str
        What is kept row by row: ``"windows"``, ``"none"``, ``"all rows"``.
    warm_up_rows : callable
        Of a ``state``: parameters to rows until the first value, that row included.
    known_at : str

    Examples
    --------
    >>> from tradewright.features.registry import feature
    >>> item = feature("cs_rank")
    >>> item.scope, item.takes[0][0], [p.name for p in item.params]
    ('cross_section', 'of', [])
    """

    name: str
    title: str
    family: str
    kind: str
    scope: str
    inputs: tuple[str, ...]
    takes: tuple[tuple[str, Default], ...]
    params: tuple[Param, ...]
    outputs: tuple[str, ...]
    unit: str
    source: str
    function: Callable[..., Any] = field(repr=False)
    notes: str = ""
    undefined: str = ""
    needs: tuple[str, ...] = ()
    standard: tuple[Mapping[str, Any], ...] = ()
    memory: str = "windows"
    warm_up_rows: Callable[[Any], int] | None = None
    known_at: str = "the close of its row"
    about: str = ""
    event: bool = False
    constraint: Callable[[Mapping[str, Any]], bool] | None = None
    constraint_text: str = ""
    indicator: Indicator | None = None

    def checked(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters with defaults filled in.

        Raises
        ------
        InputError
            If one is unknown, of a wrong kind, out of range, missing, or they do not fit together.
        """
        if self.indicator is not None:
            return self.indicator.checked(params)
        known = {p.name: p for p in self.params}
        values = {p.name: p.default for p in self.params}
        for key, value in params.items():
            if key not in known:
                words = [*known, *(name for name, _ in self.takes)]
                hint = closest(str(key), words) or "."
                raise InputError(
                    f"{self.name} has no parameter {key!r}{hint} It takes: {', '.join(words) or 'no parameters'}."
                )
            values[key] = known[key].check(self.name, value)
        for name, value in values.items():
            if value is None:
                raise InputError(f"{self.name} needs {name}, {known[name].words()}; give {name}: ... .")
        if self.constraint is not None and not self.constraint(values):
            given = ", ".join(f"{key}={value!r}" for key, value in values.items())
            raise InputError(f"{self.name} needs {self.constraint_text}, not {given}.")
        return values

    def to_dict(self) -> dict[str, Any]:
        """Facts for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "family": self.family,
            "scope": self.scope,
            "inputs": list(self.inputs),
            "of": dict(self.takes),
            "params": [p.to_dict() for p in self.params],
            "constraint": self.constraint_text,
            "outputs": list(self.outputs),
            "needs": list(self.needs),
            "unit": self.unit,
            "known_at": self.known_at,
            "row_by_row_keeps": self.memory,
            "undefined": self.undefined,
            "source": self.source,
            "notes": self.notes,
            "about": self.about.partition("\n")[0],
        }


FEATURES: Final[dict[str, Feature]] = {}
"""Features that have been defined so far, by name; `registry` loads the families."""


def define(
    title: str,
    *,
    family: str,
    kind: str = "program",
    scope: str = "asset",
    inputs: str = "",
    takes: Mapping[str, Default] | None = None,
    params: Sequence[Param] = (),
    unit: str,
    source: str,
    notes: str = "",
    undefined: str = "",
    needs: str = "",
    standard: Sequence[Mapping[str, Any]] = (),
    memory: str = "",
    warm_up: Callable[[Any], int] | None = None,
    known_at: str = "the close of its row",
    event: bool = False,
    require: tuple[str, Callable[[Mapping[str, Any]], bool]] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a definition under the name of its function, which stays what it is.

    Parameters
    ----------
    title, family, kind, scope, unit, source, notes, undefined, memory, known_at : str
        See `Feature`.
    inputs, needs : str
        Names with spaces between.
    takes : mapping of str to entry
        Features it is computed of, and what stands in when none is given.
    params : sequence of Param
    standard : sequence of mapping
        Parameters with which it stands in the standard preset.
    warm_up : callable
        Of a ``state``.
    event : bool
        The first value waits for something to happen, not for a number of rows.
    require : (text, predicate)
        Condition over the parameters.
    """
    condition, predicate = require or ("", None)

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__.rstrip("_")
        FEATURES[name] = Feature(
            name=name, title=title, family=family, kind=kind, scope=scope, inputs=tuple(inputs.split()),
            takes=tuple((takes or {}).items()), params=tuple(params), outputs=(name,), unit=unit, source=source,
            function=function, notes=notes, undefined=undefined, needs=tuple(needs.split()), standard=tuple(standard),
            memory=memory or {"rows": "none"}.get(kind, "windows"), warm_up_rows=warm_up, known_at=known_at,
            about=inspect.getdoc(function) or "", event=event, constraint=predicate, constraint_text=condition,
        )  # fmt: skip
        return function

    return register
