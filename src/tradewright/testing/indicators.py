"""The exam of indicators.

Entry point: `check_indicator`.

One exam for all: an entry of the registry (or its name) sits all of it, a plain function of arrays what can be asked of
one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewright.domain.errors import InputError

if TYPE_CHECKING:
    from tradewright.features.indicators.spec import Indicator

    F64 = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["check_indicator"]

_DAY_NS = 86_400_000_000_000
_CLOCKS = ("session", "ts")


def check_indicator(
    indicator: Indicator | str | Callable[..., Any],
    *args: Any,
    warm_up: int | None = None,
    inputs: int = 1,
    n: int = 200,
    **params: Any,
) -> None:
    """Examine an indicator: form, warm-up, that it never looks ahead, and that every speed gives the same values.

    Parameters
    ----------
    indicator : Indicator, str or callable
        An entry of the registry or its name; or ``f(x, ..., *args)`` of float64 arrays ``(n,)`` that returns one of the
        same length.
    *args
        Further arguments of a function.
    warm_up : int, optional
        Of a function: rows to the first value, that row included. An entry says its own.
    inputs : int
        Of a function: number of series it takes.
    n : int
        Rows after the warm-up on which it is examined.
    **params
        Parameters of an entry.

    Raises
    ------
    AssertionError
        With the fact that does not hold.

    Notes
    -----
    The facts, in this order: float64 of the shape of the input, the same twice, inputs untouched; NaN exactly before
    the warm-up; rows do not change when later rows are cut off or changed, to the bit; a missing value in the middle
    makes its row NaN, leaves the rows before as they are, and is over after the warm-up; constant, tiny and huge values
    and lengths about the warm-up give no error and no infinity. An entry also: row by row, and in pieces, equals whole
    columns (1e-12); several assets at once equal one by one; parameters out of range and unknown ones are refused.

    Examples
    --------
    >>> from tradewright.kernel import core
    >>> check_indicator(core.sma, 5, warm_up=5)
    >>> check_indicator("rsi", window=7)
    """
    from tradewright.features.indicators.registry import indicator as find
    from tradewright.features.indicators.spec import Indicator

    item: Any = find(indicator) if isinstance(indicator, str) else indicator
    if isinstance(item, Indicator):
        _Exam.of_entry(item, params, n).sit()
        _entry(item, params, n)
        return
    if warm_up is None:
        raise AssertionError("A function does not say its warm-up; give check_indicator(..., warm_up=rows).")
    name = getattr(item, "__name__", repr(item))

    def run(columns: Sequence[F64]) -> dict[str, F64]:
        return {name: np.asarray(item(*columns, *args))}

    _Exam(name, run, [f"input {k + 1}" for k in range(inputs)], {name: warm_up}, n + warm_up).sit()


class _Exam:
    """What can be asked of anything that turns columns into columns."""

    def __init__(
        self,
        name: str,
        run: Callable[[Sequence[F64]], Mapping[str, F64]],
        inputs: Sequence[str],
        warm_ups: Mapping[str, int],
        n: int,
        *,
        event: bool = False,
    ) -> None:
        self.name, self.run, self.inputs, self.warm_ups, self.n = name, run, list(inputs), warm_ups, n
        self.event = event
        self.longest = max(warm_ups.values())
        self.columns = _columns(self.inputs, n)

    @classmethod
    def of_entry(cls, item: Indicator, params: Mapping[str, Any], n: int) -> _Exam:
        def run(columns: Sequence[F64]) -> Mapping[str, F64]:
            return _outputs(item, item(*columns, **params))

        warm_ups = item.warm_ups(**params)
        return cls(item.name, run, item.inputs, warm_ups, n + 2 * max(warm_ups.values()), event=item.event)

    def sit(self) -> None:
        whole = self._form()
        self._warm_up(whole)
        self._future(whole)
        self._hole(whole)
        self._extremes()
        self._lengths(whole)

    def _form(self) -> Mapping[str, F64]:
        before = [column.copy() for column in self.columns]
        whole = self.run(self.columns)
        for label, values in whole.items():
            assert values.shape == (self.n,), f"{self.name} answers with shape {values.shape} for {self.n} values."
            assert values.dtype == np.float64, f"{self.name} answers with {values.dtype} in {label}, not float64."
        _same(self.run(self.columns), whole, f"{self.name} answers differently when asked twice")
        for label, mine, theirs in zip(self.inputs, self.columns, before, strict=True):
            assert np.array_equal(mine, theirs, equal_nan=True), f"{self.name} writes to its input {label}."
        return whole

    def _warm_up(self, whole: Mapping[str, F64]) -> None:
        for label, values in whole.items():
            head = self.warm_ups[label]
            assert np.isnan(values[: head - 1]).all(), f"{self.name} has a value before its warm-up of {head} is over."
            if self.event:
                assert np.isfinite(values).any(), f"{self.name} never has a value."
                continue
            assert np.isfinite(values[head - 1 :]).all(), (
                f"{self.name} has no value ({label}) at row {int(np.isnan(values[head - 1 :]).argmax()) + head - 1}, "
                f"after its warm-up of {head}."
            )

    def _future(self, whole: Mapping[str, F64]) -> None:
        rng = np.random.default_rng(17)
        cuts = sorted({min(self.longest, self.n - 1), self.n // 2, self.n * 3 // 4, self.n - 1} - {0})
        for cut in cuts:
            past = {label: values[:cut] for label, values in whole.items()}
            part = self.run([column[:cut].copy() for column in self.columns])
            _same(part, past, f"{self.name} looks ahead: row {{row}} needs later rows")
            other = []
            for label, column in zip(self.inputs, self.columns, strict=True):
                changed = column.copy()
                if label not in _CLOCKS:
                    changed[cut:] *= np.exp(rng.normal(0.0, 0.5, self.n - cut))
                other.append(changed)
            found = {label: values[:cut] for label, values in self.run(other).items()}
            _same(found, past, f"{self.name} looks ahead: row {{row}} depends on what later rows hold")

    def _hole(self, whole: Mapping[str, F64]) -> None:
        row = self.longest + (self.n - 2 * self.longest) // 3
        chosen = [label for label in self.inputs if label not in _CLOCKS]
        for holes in (chosen, *([label] for label in chosen[:1] if len(chosen) > 1)):
            columns = [
                np.where((np.arange(self.n) == row) & (label in holes), np.nan, column)
                for label, column in zip(self.inputs, self.columns, strict=True)
            ]
            found = self.run(columns)
            past = {label: values[:row] for label, values in whole.items()}
            _same({k: v[:row] for k, v in found.items()}, past, f"{self.name} lets a hole change row {{row}} before it")
            for label, values in found.items():
                if holes == chosen:
                    assert np.isnan(values[row]), f"{self.name} has a value ({label}) in the row of a missing bar."
                assert not np.isinf(values).any(), f"{self.name} is infinite ({label}) after a hole."
                if not self.event:
                    after = values[row + self.longest :]
                    assert np.isfinite(after).all(), (
                        f"{self.name} ({label}) has not come back {self.longest} rows after a missing value."
                    )

    def _extremes(self) -> None:
        for word, scale in (("constant", 0.0), ("tiny", 1e-8), ("huge", 1e12)):
            columns = [
                column if label in _CLOCKS else (np.full(self.n, 12.5) if scale == 0.0 else column * scale)
                for label, column in zip(self.inputs, self.columns, strict=True)
            ]
            with np.errstate(all="ignore"):
                found = self.run(columns)
            for label, values in found.items():
                assert values.shape == (self.n,), f"{self.name} answers with shape {values.shape} on {word} values."
                assert not np.isinf(values).any(), f"{self.name} is infinite ({label}) on {word} values."

    def _lengths(self, whole: Mapping[str, F64]) -> None:
        for length in sorted({0, 1, self.longest - 1, self.longest}):
            found = self.run([column[:length].copy() for column in self.columns])
            for values in found.values():
                assert values.shape == (length,), f"{self.name} answers with shape {values.shape} for {length} values."
            past = {label: values[:length] for label, values in whole.items()}
            _same(found, past, f"{self.name} looks ahead: of {length} rows, row {{row}} differs")


def _entry(item: Indicator, params: Mapping[str, Any], n: int) -> None:
    """What else is asked of an entry of the registry."""
    rows = 2 * item.warm_up(**params) + n if item.definition is not None else item.warm_up(**params) + 40
    columns = _columns(item.inputs, rows)
    for column, label in zip(columns, item.inputs, strict=True):
        if label not in _CLOCKS:
            column[rows - 20] = np.nan
    whole = _outputs(item, item(*columns, **params))
    clocked = [c.astype(np.int64) if label == "ts" else c for c, label in zip(columns, item.inputs, strict=True)]
    stream = item.stream(**params)
    given = [_outputs(item, stream.update(*(column[t] for column in clocked))) for t in range(rows)]
    found = {label: np.array([float(row[label]) for row in given]) for label in item.outputs}
    _near(found, whole, f"{item.name} gives another value row by row at row {{row}}")
    pieces = item.stream(**params)
    cuts = [0, 1, rows // 3, rows // 3 + 1, rows]
    parts = [_outputs(item, pieces.extend(*(column[a:b] for column in columns))) for a, b in itertools.pairwise(cuts)]
    joined = {label: np.concatenate([part[label] for part in parts]) for label in item.outputs}
    _near(joined, whole, f"{item.name} gives another value in pieces at row {{row}}")

    other = _columns(item.inputs, rows, seed=8)
    pairs = [np.column_stack(pair) for pair in zip(columns, other, strict=True)]
    both = _outputs(item, item(*pairs, **params))
    _same({k: v[:, 0] for k, v in both.items()}, whole, f"{item.name} differs at row {{row}} beside another asset")
    alone = _outputs(item, item(*other, **params))
    _same({k: v[:, 1] for k, v in both.items()}, alone, f"{item.name} differs at row {{row}} beside another asset")

    _refused(item, {**params, "windwo_": 1}, "a parameter that it does not have")
    for p in item.params:
        if p.kind in {"int", "float"} and np.isfinite(p.low):
            _refused(item, {**params, p.name: p.low if p.open_low else p.low - 1}, f"{p.name} below its range")
        if p.kind in {"int", "float"}:
            _refused(item, {**params, p.name: float("nan")}, f"{p.name} that is no number")
            _refused(item, {**params, p.name: p.high * 2 + 1}, f"{p.name} above its range")
        if p.kind == "choice":
            _refused(item, {**params, p.name: "nonsense"}, f"a word for {p.name} that it does not know")


def _refused(item: Indicator, params: Mapping[str, Any], what: str) -> None:
    try:
        item.checked(params)
    except InputError:
        return
    raise AssertionError(f"{item.name} accepts {what}.")


def _outputs(item: Indicator, found: Any) -> dict[str, F64]:
    parts = found if isinstance(found, tuple) else (found,)
    return dict(zip(item.outputs, parts, strict=True))


def _columns(inputs: Sequence[str], n: int, *, seed: int = 5) -> list[F64]:
    """Bars that fit together, by name; any other name is a series of positive values."""
    from tradewright.testing.market import walk_bars

    bars = walk_bars(n, 2, seed=seed)
    made: dict[str, Any] = {
        name: getattr(bars, name)[:, 0].copy() for name in ("open", "high", "low", "close", "volume")
    }
    made["benchmark"] = bars.close[:, 1].copy()
    made["session"] = np.arange(n) // 7.0
    made["ts"] = np.arange(n) * _DAY_NS
    rng = np.random.default_rng(seed)
    return [made[name] if name in made else np.exp(np.cumsum(rng.normal(0.0, 0.02, n))) * 100.0 for name in inputs]


def _same(found: Mapping[str, F64], wanted: Mapping[str, F64], sentence: str) -> None:
    for label, values in wanted.items():
        differs = (found[label] != values) & ~(np.isnan(found[label]) & np.isnan(values))
        assert not differs.any(), f"{sentence.format(row=int(differs.argmax()))} ({label})."


def _near(found: Mapping[str, F64], wanted: Mapping[str, F64], sentence: str) -> None:
    for label, values in wanted.items():
        missing = np.isnan(found[label]) != np.isnan(values)
        scale = np.maximum(np.abs(values), 1.0)
        differs = missing | (np.abs(found[label] - values) > 1e-12 * scale)
        assert not differs.any(), f"{sentence.format(row=int(differs.argmax()))} ({label})."
