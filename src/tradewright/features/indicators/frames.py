"""Columns in, columns of the same kind out.

Entry points: `columns_of`, `Kind`.

Arrays and lists are taken as they are; `Bars`, mappings and data frames with named prices give the columns an indicator
asks for; pandas, polars and everything else narwhals knows come back as what they were, with their index. None of them
is imported here, only recognised.

Invariants: what comes back has the rows (and columns) of what went in; nothing that was given is written to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError, closest
from tradewright.features.indicators.spec import INPUTS, OWN, Indicator

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Kind", "columns_of"]

Wrap: TypeAlias = "Callable[[F64, str], Any]"
_NS: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """How to hand back an output: shape ``(n_bars,)`` or ``(n_bars, n_assets)`` as what was given."""

    wrap: Wrap


def columns_of(
    indicator: Indicator, given: Sequence[Any], named: Mapping[str, Any], *, field: str | None = None
) -> tuple[list[F64], Kind]:
    """Columns of an indicator in the order of its inputs.

    Parameters
    ----------
    indicator : Indicator
    given : sequence
        One source of all columns (bars, mapping, frame with named prices), or one object for each input.
    named : mapping
        Columns by name, beside or instead of those.
    field : str, optional
        What an indicator of one column reads from a source.

    Returns
    -------
    columns : list of float64 array, all of shape (n_bars,) or (n_bars, n_assets)
    kind : Kind

    Raises
    ------
    InputError
        If a column is missing, unknown, no number, or differs in shape.
    """
    wants = list(indicator.inputs)
    wrong = [name for name in named if name not in wants]
    if wrong:
        hint = closest(wrong[0], wants) or "."
        raise InputError(f"{indicator.name} has no input {wrong[0]!r}{hint} It takes: {', '.join(wants)}.")
    if field is not None and len(wants) != 1:
        raise InputError(f"{indicator.name} takes {', '.join(wants)}; field belongs to indicators of one column.")
    parts: dict[str, Any] = {}
    like: Any = None
    if len(given) == 1 and _is_source(given[0]):
        like = given[0]
        parts = _from_source(indicator, like, [name for name in wants if name not in named], field)
    else:
        if len(given) > len(wants):
            raise InputError(f"{indicator.name} takes {len(wants)} columns ({', '.join(wants)}), not {len(given)}.")
        parts = dict(zip(wants, given, strict=False))
        twice = [name for name in named if name in parts]
        if twice:
            raise InputError(f"{indicator.name} got {twice[0]} twice; give it by place or by name.")
        like = given[0] if given else next(iter(named.values()), None)
    parts.update(named)
    missing = [name for name in wants if name not in parts]
    if missing:
        raise InputError(
            f"{indicator.name} needs {', '.join(missing)}; give bars, or the columns {', '.join(wants)} in this order."
        )
    arrays = {name: _array(name, parts[name]) for name in wants}
    shape = max((a.shape for a in arrays.values()), key=len)
    columns = []
    for name in wants:
        array = arrays[name]
        if array.shape != shape:
            if array.shape != shape[:1]:
                raise InputError(
                    f"{name} has shape {array.shape}, but others have {shape}; columns must have equal shapes."
                )
            array = np.repeat(array[:, None], shape[1], axis=1)  # one benchmark, session or clock for all assets
        columns.append(np.ascontiguousarray(array))
    return columns, _kind(like, shape)


def _is_source(value: Any) -> bool:
    if isinstance(value, (Bars, Mapping)):
        return True
    return _named_prices(value) is not None


def _named_prices(value: Any) -> dict[str, Any] | None:
    """Names of price columns of a frame, lower case to its own; None when it is no frame of prices."""
    columns = getattr(value, "columns", None)
    if columns is None or isinstance(value, (np.ndarray, list, tuple)):
        return None
    names = {str(name).lower(): name for name in columns if isinstance(name, str)}
    return names if {"close", "high", "low", "open", "volume"} & names.keys() else None


def _from_source(indicator: Indicator, source: Any, wants: Sequence[str], field: str | None) -> dict[str, Any]:
    read = {name: field or name for name in wants} if len(indicator.inputs) == 1 else {name: name for name in wants}
    if isinstance(source, Bars):
        known = list(OWN) if field is not None else [name for name in INPUTS if name != "benchmark"]
        out: dict[str, Any] = {}
        for name, place in read.items():
            if place == "benchmark":
                continue  # said to be missing by the caller
            if place not in known:
                raise InputError(
                    f"Bars have no field {place!r}{closest(place, known) or '.'} There are: {', '.join(known)}."
                )
            out[name] = _of_bars(source, place)
        return out
    names = {str(k).lower(): k for k in source} if isinstance(source, Mapping) else _named_prices(source) or {}
    out = {}
    for name, place in read.items():
        if place.lower() in names:
            out[name] = source[names[place.lower()]]
        elif field is not None:
            raise InputError(
                f"There is no column {place!r}{closest(place, list(names)) or '.'} There are: {', '.join(names)}."
            )
    return out


def _of_bars(bars: Bars, name: str) -> Any:
    if name == "session":  # days of UTC; who knows the exchange's sessions passes them by name
        return (bars.ts // (86_400 * _NS)).astype(np.float64)
    if name == "ts":
        return bars.ts
    return getattr(bars, name)


def _array(name: str, value: Any) -> F64:
    array = np.asarray(value) if isinstance(value, (np.ndarray, list, tuple)) else _native(name, value)
    if name == "ts":  # nanoseconds outside, seconds inside, where a float holds them to a microsecond
        array = array.astype("datetime64[ns]").astype(np.int64) if array.dtype.kind == "M" else array
        array = array / _NS
    if name == "session" and array.dtype.kind in "MOU":
        array = np.unique(array, return_inverse=True)[1]
    if array.dtype.kind not in "fiub":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise InputError(f"{name} has type {array.dtype}; it must hold numbers.") from None
    if array.ndim not in {1, 2}:
        raise InputError(f"{name} has {array.ndim} dimensions; it must be (n_bars,) or (n_bars, n_assets).")
    return array.astype(np.float64, copy=False)


def _native(name: str, value: Any) -> np.ndarray[Any, Any]:
    """Values of a series or of the number columns of a frame."""
    import narwhals as nw

    try:
        found: Any = nw.from_native(value, eager_only=True, allow_series=True)
    except TypeError:
        raise InputError(
            f"{name} is a {type(value).__name__}; give an array, a list, a pandas or polars series or frame, or bars."
        ) from None
    if isinstance(found, nw.Series):
        return _numbers(found)
    wide = [column for column in found.columns if found[column].dtype.is_numeric()]
    if not wide:
        raise InputError(f"{name} is a frame without a column of numbers.")
    return np.column_stack([_numbers(found[column]) for column in wide])


def _numbers(series: Any) -> np.ndarray[Any, Any]:
    return np.asarray(series.to_numpy())


def _kind(like: Any, shape: tuple[int, ...]) -> Kind:
    if like is None or isinstance(like, (Bars, np.ndarray, list, tuple)):
        return Kind(lambda values, _: values)
    if isinstance(like, Mapping):
        return _kind(next((v for k, v in like.items() if str(k).lower() in INPUTS), None), shape)
    if len(shape) == 1:
        return Kind(lambda values, name: _series_like(like, values, name))
    return Kind(lambda values, _: _frame_like(like, values))


def _series_like(like: Any, values: F64, name: str) -> Any:
    import narwhals as nw

    if hasattr(like, "index") and hasattr(like, "iloc"):  # pandas and its kin keep their index
        column = like if not hasattr(like, "columns") else like[like.columns[0]]
        return type(column)(values, index=like.index, name=name)
    native = nw.from_native(like, eager_only=True, allow_series=True)
    return nw.new_series(name, values, nw.Float64, backend=native.implementation).to_native()


def _frame_like(like: Any, values: F64) -> Any:
    import narwhals as nw

    found: Any = nw.from_native(like, eager_only=True)
    wide = [column for column in found.columns if found[column].dtype.is_numeric()]
    if hasattr(like, "index") and hasattr(like, "iloc"):
        return type(like)(values, index=like.index, columns=like[wide].columns)
    made = [
        nw.new_series(column, np.ascontiguousarray(values[:, k]), nw.Float64, backend=found.implementation)
        for k, column in enumerate(wide)
    ]
    return found.with_columns(*made).to_native()
