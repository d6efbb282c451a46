"""Kinds of labels by name, for the command line, configuration and exams.

Entry points: `kinds`, `kind`, `compute`, `Kind`.

Invariants: a kind is a function ``f(bars, events=None, **options) -> Labels``; its options and defaults are those of
its signature.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError, closest
from tradewright.features.labels.barriers import fixed_horizon, meta_labels, triple_barrier
from tradewright.features.labels.events import Events, cusum_events, every_bar, ewm_volatility
from tradewright.features.labels.table import Labels
from tradewright.features.labels.trend import trend_scan

__all__ = ["Kind", "compute", "kind", "kinds", "named_events"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to label.

    Parameters
    ----------
    name : str
    title : str
        One line about it.
    function : callable
        ``f(bars, events=None, **options) -> Labels``.
    options : mapping
        Names and defaults; `inspect.Parameter.empty` where one is needed.
    """

    name: str
    title: str
    function: Callable[..., Labels]
    options: Mapping[str, Any]


def kinds() -> tuple[str, ...]:
    """Names of all kinds.

    Examples
    --------
    >>> kinds()
    ('fixed_horizon', 'meta', 'trend_scan', 'triple_barrier')
    """
    return tuple(sorted(_KINDS))


def kind(name: str) -> Kind:
    """One kind by its name.

    Raises
    ------
    InputError
        If there is none; the message names the nearest.

    Examples
    --------
    >>> kind("triple_barrier").options["max_bars"]
    20
    """
    if name not in _KINDS:
        raise InputError(
            f"There is no kind of label {name!r}{closest(name, _KINDS) or '.'} Kinds: {', '.join(kinds())}."
        )
    function = _KINDS[name]
    title = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
    options = _options(triple_barrier) if name == "meta" else _options(function)
    if name == "meta":
        options["side"] = inspect.Parameter.empty
    return Kind(name, title, function, options)


def compute(name: str, bars: Bars, events: Events | npt.ArrayLike | None = None, **options: Any) -> Labels:
    """Labels of a kind, by its name.

    Parameters
    ----------
    name : str
        One of `kinds`.
    bars, events
        As the kind takes them.
    **options
        Of the kind.

    Raises
    ------
    InputError
        If the kind or an option is unknown, with the nearest, or an option that is needed is missing.

    Examples
    --------
    >>> close = [100.0, 101.0, 102.0]
    >>> compute("fixed_horizon", Bars.from_arrays(None, close, close, close, close), horizon=1).label.tolist()
    [1, 1]
    """
    chosen = kind(name)
    for option in options:
        if option not in chosen.options:
            raise InputError(
                f"{name} has no option {option!r}{closest(option, chosen.options) or '.'} "
                f"Options: {', '.join(chosen.options)}."
            )
    for option, value in options.items():
        if isinstance(chosen.options[option], (int, float)) and isinstance(value, str) and option != "horizon":
            raise InputError(f"{option} is {value!r}; it must be a number, such as {chosen.options[option]}.")
    needed = [k for k, v in chosen.options.items() if v is inspect.Parameter.empty and k not in options]
    if needed:
        raise InputError(f"{name} needs {', '.join(needed)}; give it, such as {needed[0]}=1.")
    try:
        return chosen.function(bars, events, **options)
    except TypeError as error:
        raise InputError(f"{name} cannot use its options: {error}.") from error


def named_events(bars: Bars, text: str) -> Events:
    """Events of a short text: ``every``, ``every:5``, ``cusum:0.02``, or ``cusum:2vol`` (multiples of the volatility).

    Examples
    --------
    >>> close = [100.0, 103.0, 103.1, 106.0]
    >>> named_events(Bars.from_arrays(None, close, close, close, close), "cusum:0.02").row.tolist()
    [1, 3]
    """
    word, _, value = text.partition(":")
    if word not in {"every", "cusum"}:
        raise InputError(
            f"Events are {text!r}{closest(word, ('every', 'cusum'))}; write every, every:5, cusum:0.02 or cusum:2vol."
        )
    times_volatility = value.endswith("vol")
    try:
        number = float(value.removesuffix("vol")) if value else 1.0
    except ValueError:
        raise InputError(
            f"Events are {text!r}, and {value!r} is no number; write every:5, cusum:0.02 or cusum:2vol."
        ) from None
    if word == "every":
        if times_volatility or number != int(number):
            raise InputError(f"Events are {text!r}; write every, or every:5 for every fifth bar.")
        return every_bar(bars, step=int(number))
    if not value:
        raise InputError("A CUSUM filter needs its threshold; write cusum:0.02, or cusum:2vol for two volatilities.")
    if not 0 < number < np.inf:
        raise InputError(f"The threshold is {number:g}; it must be above 0, such as cusum:0.02.")
    return cusum_events(bars, number * ewm_volatility(bars) if times_volatility else number)


def _options(function: Callable[..., Any]) -> dict[str, Any]:
    found = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in found if p.kind is inspect.Parameter.KEYWORD_ONLY}


_KINDS: Final[dict[str, Callable[..., Labels]]] = {
    "triple_barrier": triple_barrier,
    "meta": meta_labels,
    "trend_scan": trend_scan,
    "fixed_horizon": fixed_horizon,
}
