"""The exam of data rules.

Entry points: `check_rule`, `nasty_series`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from tradewright.data.rules import Hits, Rule, Series
from tradewright.testing.market import walk_bars

__all__ = ["check_rule", "nasty_series"]

_STAGES = ("row", "level", "series")
_LEVELS = ("error", "warning", "info")


def check_rule(rule: Rule) -> None:
    """Examine a data rule: the protocol, no exception on any data, no change of data, well-formed and repeatable hits.

    Parameters
    ----------
    rule : Rule
        To be examined. One of stage ``row`` sees rows in any state; others see sorted good rows, one a stamp.

    Raises
    ------
    AssertionError
        With the fact that does not hold.

    Examples
    --------
    >>> from tradewright.data.rules import PriceRule
    >>> check_rule(PriceRule())
    """
    kind = type(rule).__name__
    assert isinstance(rule, Rule), f"{kind} does not have the members of the Rule protocol: name, stage, hits(series)."
    assert rule.name.isidentifier(), f"{kind}: the name {rule.name!r} is no word that an option could take."
    assert rule.stage in _STAGES, f"{rule.name}: the stage {rule.stage!r} is none of {', '.join(_STAGES)}."
    about = (type(rule).__doc__ or "").strip()
    assert about, f"{rule.name} has no docstring; its first line is what `data rules` prints."
    for what, series in nasty_series(clean=rule.stage != "row"):
        before = {f.name: getattr(series, f.name).copy() for f in fields(series) if _is_array(series, f.name)}
        for name in before:
            getattr(series, name).flags.writeable = False
        try:
            found = list(rule.hits(series))
        except Exception as error:
            raise AssertionError(
                f"{rule.name} raises {type(error).__name__} on {what}: {error}. A rule answers, it never raises."
            ) from error
        for name, old in before.items():
            same = np.array_equal(getattr(series, name), old, equal_nan=old.dtype.kind == "f")
            assert same, f"{rule.name} changes {name} on {what}."
        for hits in found:
            _check_hits(rule, hits, series, what)
        again = list(rule.hits(series))
        same = len(found) == len(again) and all(
            np.array_equal(a.rows, b.rows) and np.array_equal(a.values, b.values, equal_nan=True)
            for a, b in zip(found, again, strict=True)
        )
        assert same, f"{rule.name} answers differently when asked twice, on {what}."
    quiet = _series(walk_bars(400))
    loud = [hits for hits in rule.hits(quiet) if hits.severity == "error"]
    assert not loud, f"{rule.name} takes rows out of clean bars: {loud[0].detail}"


def nasty_series(*, clean: bool = False) -> Iterator[tuple[str, Series]]:
    """Series to examine rules on: what is wrong with it, and the series.

    Parameters
    ----------
    clean : bool
        Only series of good, sorted rows, as rules of the later stages see them.

    Yields
    ------
    name : str
    series : Series
    """
    walk = _series(walk_bars(300))
    none = walk.take(np.zeros(0, dtype=np.int64))
    yield "no rows", none
    yield "one row", walk.take(np.arange(1))
    yield "two rows", walk.take(np.arange(2))
    yield "clean bars", walk
    yield "clean bars without volume", _with(walk, volume=np.full(300, np.nan))
    yield "bars without trading", _with(walk, volume=np.zeros(300))
    yield "bars of unknown length", _other(walk, interval_ns=0)
    yield "bars around the clock", _other(walk, calendar="24/7")
    yield "overnight bars", _other(walk, calendar="CMES")
    yield "weekly bars", _other(walk.take(np.arange(0, 300, 7)), interval_ns=7 * 86_400_000_000_000)
    flat = np.full(300, 5.0)
    yield "one price for ever", _with(walk, open=flat, high=flat, low=flat, close=flat)
    holes = np.delete(np.arange(300), np.arange(50, 120))
    yield "bars with a hole", walk.take(holes)
    jump = np.where(np.arange(300) < 150, 1.0, 1e-3)
    yield "a lasting jump", _with(walk, **{n: getattr(walk, n) * jump for n in ("open", "high", "low", "close")})
    tiny = {n: np.full(300, 1e-12) for n in ("open", "high", "low", "close")}
    yield "prices near zero", _with(walk, **tiny)
    if clean:
        return
    rng = np.random.default_rng(5)
    for value in (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e308, -1e308, 5e-324):
        for name in ("open", "high", "low", "close", "volume"):
            cells = getattr(walk, name).copy()
            cells[rng.integers(0, 300, 30)] = value
            yield f"{value:g} in {name}", _with(walk, **{name: cells})
    everything = {n: np.full(300, np.nan) for n in ("open", "high", "low", "close", "volume")}
    yield "nothing but missing cells", _with(walk, **everything)
    yield "rows in disorder", walk.take(rng.permutation(300))
    yield "rows that come twice", walk.take(np.repeat(np.arange(150), 2))
    stamps = walk.ts.copy()
    stamps[::7] = np.iinfo(np.int64).min
    yield "unreadable times", _with(walk, ts=stamps)
    yield "text in the place of numbers", _with(walk, text_rows=np.array([0, 7, 299]))


def _check_hits(rule: Rule, hits: Hits, series: Series, what: str) -> None:
    name = rule.name
    assert hits.severity in _LEVELS, (
        f"{name}: the severity {hits.severity!r} is none of {', '.join(_LEVELS)}, on {what}."
    )
    rows = np.asarray(hits.rows)
    whole = rows.ndim == 1 and rows.dtype.kind in "iu"
    assert whole, f"{name}: rows must be a list of whole numbers, on {what}."
    assert rows.size, f"{name} answers with hits of no row on {what}; answer with nothing instead."
    # One past the last row stands for what is missing at the end.
    inside = bool((rows >= 0).all() and (rows <= series.close.size).all())
    assert inside, f"{name}: a row lies outside of the {series.close.size} rows, on {what}."
    assert np.asarray(hits.values).shape == rows.shape, f"{name}: one value a row is needed, on {what}."
    try:
        text = hits.detail.format(value=float(hits.values[0]))
    except (KeyError, IndexError, ValueError) as error:
        raise AssertionError(f"{name}: the detail {hits.detail!r} cannot be filled in: {error!r}.") from None
    assert text, f"{name}: the detail is empty, on {what}."


def _is_array(series: Series, name: str) -> bool:
    return isinstance(getattr(series, name), np.ndarray)


def _series(bars: object) -> Series:
    from tradewright.data.judging import series_of_column
    from tradewright.domain.bars import Bars

    assert isinstance(bars, Bars)
    return series_of_column(bars, 0)[1]


def _with(series: Series, **arrays: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Series:
    from dataclasses import replace

    return replace(series, **arrays)  # type: ignore[arg-type]


def _other(series: Series, *, calendar: str | None = None, interval_ns: int | None = None) -> Series:
    from dataclasses import replace

    return replace(
        series,
        calendar=series.calendar if calendar is None else calendar,
        interval_ns=series.interval_ns if interval_ns is None else interval_ns,
    )
