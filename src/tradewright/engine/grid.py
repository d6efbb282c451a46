"""The parameter sets of a sweep.

Entry points: `Grid`, `parse_axis`.

Invariants: sets are numbered in the order of the product (the last name turns fastest), after the conditions have
taken out what is not wanted; values are kept as columns, so a million sets are a few arrays and not a million
objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np

from tradewright.domain.errors import InputError
from tradewright.engine.manifest import plain
from tradewright.strategies.constraints import Constraint

__all__ = ["Grid", "parse_axis"]

LARGEST: Final = 50_000_000
"""More sets than this are refused: nobody waits for them, and their best is luck."""


class Grid:
    """Every combination of parameter values that is wanted.

    Parameters
    ----------
    axes : mapping of str to iterable
        Values per parameter.
    where : str or callable, optional
        Condition over the names, as text (`tradewright.strategies.constraints.Constraint`) or a function of keyword
        arguments.
    also : str
        A condition of the strategy itself; combinations outside of it are dropped and counted.
    fixed : mapping, optional
        Parameters that have one value, which conditions may name too.

    Raises
    ------
    InputError
        If an axis is empty, no combination is left, or there are too many.

    Examples
    --------
    >>> grid = Grid({"fast": range(5, 20, 5), "slow": [10, 20]}, where="fast < slow")
    >>> len(grid), grid[0], grid.dropped
    (4, {'fast': 5, 'slow': 10}, 2)
    """

    __slots__ = ("_index", "axes", "dropped", "names", "where")

    def __init__(
        self,
        axes: Mapping[str, Iterable[Any]],
        where: str | Callable[..., bool] | None = None,
        also: str = "",
        fixed: Mapping[str, Any] | None = None,
    ) -> None:
        if not axes:
            raise InputError(
                "A sweep needs at least one parameter with values, such as grid={'fast': range(5, 50, 5)}."
            )
        self.axes: dict[str, list[Any]] = {}
        for name, values in axes.items():
            items = [plain(value) for value in ([values] if isinstance(values, (str, int, float, bool)) else values)]
            if not items:
                raise InputError(f"The grid has no values for {name!r}.")
            self.axes[name] = items
        self.names = tuple(self.axes)
        sizes = [len(values) for values in self.axes.values()]
        total = int(np.prod([float(size) for size in sizes]))
        if total > LARGEST:
            raise InputError(f"The grid has {total:,} combinations; at most {LARGEST:,} are taken. Use wider steps.")
        constants = {name: value for name, value in (fixed or {}).items() if name not in self.axes}
        index = np.arange(total, dtype=np.int64)
        self.where = where if isinstance(where, str) else (None if where is None else "a function")
        for condition in (also, where):
            if not condition:
                continue
            if callable(condition):
                keep = np.array([bool(condition(**self._values(int(i)))) for i in index], dtype=bool)
            else:
                keep = self._mask(Constraint(condition), index, constants)
            index = index[keep]
        self.dropped = total - index.size
        if index.size == 0:
            raise InputError(
                f"No combination of the grid satisfies {' and '.join(str(c) for c in (also, where) if c)}."
            )
        self._index = index

    def __len__(self) -> int:
        return int(self._index.size)

    def __getitem__(self, i: int) -> dict[str, Any]:
        """Return one set of values by number."""
        return self._values(int(self._index[i]))

    def columns(self, first: int = 0, last: int | None = None) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """Return the values of sets ``first .. last - 1`` as columns."""
        return self._columns(self._index[first:last])

    def positions(self) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
        """Return, per name, the position of each set's value on its axis."""
        return dict(zip(self.names, np.unravel_index(self._index, self._shape()), strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON and hashes."""
        return {"axes": self.axes, "where": self.where, "n": len(self), "dropped": self.dropped}

    def _shape(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.axes.values())

    def _values(self, flat: int) -> dict[str, Any]:
        places = np.unravel_index(flat, self._shape())
        return {name: self.axes[name][int(place)] for name, place in zip(self.names, places, strict=True)}

    def _columns(self, flat: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        places = np.unravel_index(flat, self._shape())
        return {name: _array(self.axes[name])[place] for name, place in zip(self.names, places, strict=True)}

    def _mask(
        self, condition: Constraint, index: np.ndarray[Any, np.dtype[np.int64]], constants: dict[str, Any]
    ) -> Any:
        step = 1_000_000  # conditions over a huge grid are judged in parts, so that memory stays small
        parts = [
            condition.mask({**self._columns(index[i : i + step]), **constants}) for i in range(0, index.size, step)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)


def parse_axis(text: str) -> tuple[str, list[Any]]:
    """Name and values from ``name=a:b:step`` (both ends included) or ``name=v1,v2,...``.

    Examples
    --------
    >>> parse_axis("fast=5:20:5"), parse_axis("on=cross,state")
    (('fast', [5, 10, 15, 20]), ('on', ['cross', 'state']))
    >>> parse_axis("width=1:2:0.5")
    ('width', [1.0, 1.5, 2.0])
    """
    name, mark, body = text.partition("=")
    name, body = name.strip(), body.strip()
    if not mark or not name or not body:
        raise InputError(f"{text!r} is not a grid axis; write name=first:last:step or name=v1,v2,v3.")
    if ":" in body:
        parts = [_value(part) for part in body.split(":")]
        if len(parts) not in {2, 3} or not all(isinstance(p, (int, float)) and not isinstance(p, bool) for p in parts):
            raise InputError(f"{text!r} is not a range; write name=first:last:step with numbers.")
        first, last, step = parts[0], parts[1], parts[2] if len(parts) == 3 else 1
        if step <= 0 or last < first:
            raise InputError(
                f"{text!r} is an empty range; the step must be above 0 and the last value not below the first."
            )
        count = int((last - first) / step + 1e-9) + 1
        if all(isinstance(part, int) for part in (first, last, step)):
            return name, [first + i * step for i in range(count)]
        return name, [round(first + i * step, 12) for i in range(count)]
    return name, [_value(part) for part in body.split(",")]


def _value(text: str) -> Any:
    text = text.strip()
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def _array(values: list[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return np.array(values)
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out
