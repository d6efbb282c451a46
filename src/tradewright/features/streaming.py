"""Indicators one row at a time.

Entry points: `Stream`.

Invariants: after ``k`` updates the stream has given what the whole columns give in their first ``k`` rows. What our own
definitions compute keeps as much as their windows hold and takes the same bits; what TA-Lib computes keeps all rows and
is computed anew at every update, which `Stream.memory` says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.errors import InputError

if TYPE_CHECKING:
    from tradewright.features.indicators.spec import Indicator

    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Stream"]


class Stream:
    """State of one indicator that takes one row at a time.

    Parameters
    ----------
    indicator : Indicator or str
        What to compute.
    n_assets : int
        With more than one, every value is an array of this many.
    missing : {"window", "skip"}
        What a row without any value of its own inputs is, as in `compute`: a missing value, or no row of that asset
        (as whole columns of bars are computed). Either way its outputs are NaN.
    **params
        Parameters of the indicator.

    Attributes
    ----------
    count : int
        Rows so far.
    warm_up : int
        Rows until all outputs have a value.
    memory : str
        ``"windows"``, or ``"all rows"`` for what TA-Lib computes anew at every update.

    Raises
    ------
    InputError
        If the indicator or a parameter is unknown or out of range.

    Examples
    --------
    >>> mean = Stream("sma", window=2)
    >>> [mean.update(x) for x in (1.0, 2.0, 4.0)]
    [nan, 1.5, 3.0]
    >>> both = Stream("macd", fast=1, slow=2, signal=1)
    >>> for x in (1.0, 2.0, 4.0):
    ...     row = both.update({"close": x})
    >>> round(row.macd, 4), both.count
    (0.8333, 3)
    """

    def __init__(
        self, indicator: Indicator | str, *, n_assets: int = 1, missing: str = "window", **params: Any
    ) -> None:
        from tradewright.features.indicators.registry import indicator as find
        from tradewright.features.indicators.registry import outputs_type
        from tradewright.features.indicators.spec import OWN

        self.indicator = find(indicator) if isinstance(indicator, str) else indicator
        if n_assets < 1:
            raise InputError(f"n_assets is {n_assets}; it must be 1 or more.")
        if missing not in {"window", "skip"}:
            raise InputError(f"missing is {missing!r}; it must be window or skip.")
        self.missing = missing
        self._own = [k for k, name in enumerate(self.indicator.inputs) if name in OWN]
        self.params = self.indicator.checked(params)
        self.n_assets = n_assets
        self.count = 0
        self._type = outputs_type(self.indicator.name) if len(self.indicator.outputs) > 1 else None
        self._parts: list[Any]
        if self.indicator.definition is None:
            self.memory = "all rows"
            self._parts = [_Recomputed(self.indicator, self.params) for _ in range(n_assets)]
        else:
            self.memory = "windows"
            program = self.indicator.build(self.params).program
            self._parts = [program.state() for _ in range(n_assets)]

    @property
    def warm_up(self) -> int:
        """Rows until all outputs have a value, that row included."""
        return self.indicator.warm_up(**self.params)

    def update(self, *values: Any) -> Any:
        """Take the next row and give its outputs.

        Parameters
        ----------
        *values : float, array of shape (n_assets,), Bar or mapping
            The inputs in their order, or one object that has them as attributes (such as a `Bar`) or keys. ``ts`` is
            nanoseconds.

        Returns
        -------
        float, array of shape (n_assets,), or a named tuple of these

        Raises
        ------
        InputError
            If a value is missing or of another shape.
        """
        row = self._row(values)
        if self.n_assets == 1:
            self.count += 1
            found = self._next(self._parts[0], row)
            return found[0] if self._type is None else self._type(*found)
        table = []
        for name, value in zip(self.indicator.inputs, row, strict=True):
            column = np.asarray(value, dtype=np.float64)
            if column.shape not in {(), (self.n_assets,)}:
                raise InputError(f"{name} has shape {column.shape}; this stream takes {self.n_assets} assets.")
            table.append(np.broadcast_to(column, (self.n_assets,)).tolist())
        self.count += 1
        rows = [self._next(part, list(one)) for part, one in zip(self._parts, zip(*table, strict=True), strict=True)]
        out = [np.array(column) for column in zip(*rows, strict=True)]
        return out[0] if self._type is None else self._type(*out)

    def extend(self, *columns: Any, **named: Any) -> Any:
        """Take the next rows as whole columns, and give their outputs in the same kind.

        Examples
        --------
        >>> mean = Stream("sma", window=2)
        >>> mean.extend([1.0, 2.0]).tolist(), mean.update(4.0)
        ([nan, 1.5], 3.0)
        """
        from tradewright.features.indicators.frames import columns_of
        from tradewright.features.indicators.registry import without_empty_rows

        arrays, kind = columns_of(self.indicator, columns, named)
        n_assets = 1 if arrays[0].ndim == 1 else arrays[0].shape[1]
        if n_assets != self.n_assets:
            raise InputError(f"The columns have {n_assets} assets; this stream takes {self.n_assets}.")
        self.count += arrays[0].shape[0]
        tables = [a.reshape(a.shape[0], -1) for a in arrays]
        columns_by_asset = [[np.ascontiguousarray(t[:, j]) for t in tables] for j in range(n_assets)]
        if self.missing == "skip" and self._own:
            parts = [
                without_empty_rows(part.extend, self._own, given)
                for part, given in zip(self._parts, columns_by_asset, strict=True)
            ]
        else:
            parts = [part.extend(given) for part, given in zip(self._parts, columns_by_asset, strict=True)]
        shape = arrays[0].shape
        found = [np.column_stack([part[k] for part in parts]).reshape(shape) for k in range(len(parts[0]))]
        wrapped = [kind.wrap(v, label) for v, label in zip(found, self.indicator.outputs, strict=True)]
        return wrapped[0] if self._type is None else self._type(*wrapped)

    def _next(self, part: Any, row: list[Any]) -> Any:
        if self.missing == "skip" and self._own and not any(math.isfinite(row[k]) for k in self._own):
            return (math.nan,) * len(self.indicator.outputs)
        return part.update(row)

    def _row(self, values: tuple[Any, ...]) -> list[Any]:
        wants = self.indicator.inputs
        if len(values) == 1 and not isinstance(values[0], (int, float, np.ndarray, np.generic, list, tuple)):
            return [self._pick(values[0], name) for name in wants]
        if len(values) != len(wants):
            raise InputError(
                f"{self.indicator.name} takes {len(wants)} values ({', '.join(wants)}), not {len(values)}; a bar or a "
                "mapping that has them will do as well."
            )
        return [v / 1e9 if name == "ts" else v for name, v in zip(wants, values, strict=True)]

    def _pick(self, row: Any, name: str) -> Any:
        day = 86_400_000_000_000
        keyed = isinstance(row, Mapping)
        value = row.get(name) if keyed else getattr(row, name, None)
        if value is not None:
            return value / 1e9 if name == "ts" else value
        ts = row.get("ts") if keyed else getattr(row, "ts", None)
        if name == "session" and ts is not None:
            return float(ts // day)
        raise InputError(f"{self.indicator.name} needs {name}, which the row does not have.")

    def __repr__(self) -> str:
        inner = ", ".join(f"{key}={value!r}" for key, value in self.params.items())
        return f"Stream({self.indicator.name}: {inner or 'no parameters'}; {self.count} rows)"


class _Recomputed:
    """All rows so far, and TA-Lib on them: exact, and slower with every row."""

    def __init__(self, indicator: Indicator, params: Mapping[str, Any]) -> None:
        self.indicator, self.params = indicator, params
        self.rows = np.empty((len(indicator.inputs), 256))
        self.count = 0

    def update(self, values: list[float]) -> tuple[float, ...]:
        return tuple(float(column[-1]) for column in self.extend([np.array([float(v)]) for v in values]))

    def extend(self, columns: list[F64]) -> list[F64]:
        from tradewright.features.indicators.talib import run

        begin, more = self.count, columns[0].size
        while begin + more > self.rows.shape[1]:
            self.rows = np.concatenate([self.rows, np.empty_like(self.rows)], axis=1)
        self.rows[:, begin : begin + more] = np.stack(columns)
        self.count = begin + more
        return [column[begin:] for column in run(self.indicator, list(self.rows[:, : self.count]), self.params)]
