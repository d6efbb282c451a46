"""Other futures for the same past: where bars are cut, and what comes after the cut instead.

Entry points: `Future`, `FUTURES`, `choose_cuts`, `only_field`, `exam_markets`.

Invariants: the rows before a cut are the same bits in every future; everything is drawn from the seed that is given, so
that an examination can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import DAY_NS, FIELDS, Bars, Provenance
from tradewright.domain.instrument import Instrument

if TYPE_CHECKING:
    F64 = np.ndarray[Any, np.dtype[np.float64]]
    Generator = np.random.Generator

__all__ = ["FUTURES", "Future", "choose_cuts", "exam_markets", "only_field", "rebuilt", "renamed"]

PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Future:
    """One way to change what comes after a cut.

    Parameters
    ----------
    name : str
    about : str
        For people: what the bars from the cut on are.
    make : callable
        ``make(bars, cut, rng)`` gives the changed bars.
    same_length : bool
        Whether the number of rows stays. Only then are bits compared without any allowance.
    keeps_bars : bool
        Whether every price that was there still is one.
    """

    name: str
    about: str
    make: Callable[[Bars, int, Generator], Bars]
    same_length: bool = True
    keeps_bars: bool = True


def rebuilt(bars: Bars, **changes: Any) -> Bars:
    """Bars with other arrays, stamps or actions."""
    given = {name: np.ascontiguousarray(changes.get(name, getattr(bars, name)), dtype=np.float64) for name in FIELDS}
    return Bars(
        np.ascontiguousarray(changes.get("ts", bars.ts), dtype=np.int64),
        **given,
        instruments=changes.get("instruments", bars.instruments),
        interval_ns=bars.interval_ns,
        provenance=bars.provenance,
        actions=tuple(changes.get("actions", bars.actions)),
    )


def only_field(bars: Bars, other: Bars, field: str) -> Bars:
    """Bars in which one field alone is that of another future of the same length."""
    if field in {"ts", "actions"}:
        return rebuilt(bars, **{field: getattr(other, field)})
    return rebuilt(bars, **{field: getattr(other, field)})


def _scaled(bars: Bars, cut: int, price: F64, volume: F64) -> Bars:
    """Prices and volumes from the cut on times factors of shape (rows, 1) or (rows, n_assets)."""
    out: dict[str, F64] = {}
    for name in FIELDS:
        array = getattr(bars, name).copy()
        array[cut:] *= volume if name == "volume" else price
        out[name] = array
    return rebuilt(bars, **out)


def _path(bars: Bars, cut: int, rng: Generator) -> Bars:
    rows = bars.n_bars - cut
    steps = np.exp(np.cumsum(rng.normal(0.0, 0.05, (rows, bars.n_assets)), axis=0))
    jitter = np.exp(rng.normal(0.0, 0.01, (rows, bars.n_assets)))
    made = _scaled(bars, cut, steps, rng.lognormal(0.0, 0.7, (rows, bars.n_assets)))
    opening = made.open.copy()
    opening[cut:] *= jitter  # gaps are other ones too
    high, low = np.fmax(made.high, opening), np.fmin(made.low, opening)
    return rebuilt(made, open=opening, high=high, low=low)


def _by(factor: float, volume: float) -> Callable[[Bars, int, Generator], Bars]:
    def make(bars: Bars, cut: int, rng: Generator) -> Bars:
        ones = np.ones((bars.n_bars - cut, 1))
        return _scaled(bars, cut, ones * factor, ones * volume)

    return make


def _ordered(reverse: bool) -> Callable[[Bars, int, Generator], Bars]:
    def make(bars: Bars, cut: int, rng: Generator) -> Bars:
        rows = np.arange(cut, bars.n_bars)
        order = np.concatenate([np.arange(cut), rows[::-1] if reverse else rng.permutation(rows)])
        return rebuilt(bars, **{name: getattr(bars, name)[order] for name in FIELDS})

    return make


def _missing(share: float) -> Callable[[Bars, int, Generator], Bars]:
    def make(bars: Bars, cut: int, rng: Generator) -> Bars:
        gone = np.zeros((bars.n_bars, bars.n_assets), dtype=bool)
        gone[cut:] = rng.random((bars.n_bars - cut, bars.n_assets)) < share
        return rebuilt(bars, **{name: np.where(gone, np.nan, getattr(bars, name)) for name in FIELDS})

    return make


def _died(bars: Bars, cut: int, rng: Generator) -> Bars:
    gone = np.zeros((bars.n_bars, bars.n_assets), dtype=bool)
    gone[cut:, int(rng.integers(bars.n_assets))] = True
    return rebuilt(bars, **{name: np.where(gone, np.nan, getattr(bars, name)) for name in FIELDS})


def _dropped(bars: Bars, cut: int, rng: Generator) -> Bars:
    keep = np.ones(bars.n_bars, dtype=bool)
    keep[cut:] = rng.random(bars.n_bars - cut) < 0.5
    return rebuilt(bars, ts=bars.ts[keep], **{name: getattr(bars, name)[keep] for name in FIELDS})


def _flat(bars: Bars, cut: int, rng: Generator) -> Bars:
    last = bars.close[max(cut - 1, 0)]
    out = {name: getattr(bars, name).copy() for name in FIELDS}
    for name in PRICES:
        out[name][cut:] = np.where(np.isnan(last), out[name][cut:], last)
    out["volume"][cut:] = 0.0
    return rebuilt(bars, **out)


def _wild(bars: Bars, cut: int, rng: Generator) -> Bars:
    sign = np.where(np.arange(bars.n_bars - cut) % 2, 1e6, 0.05).reshape(-1, 1)
    return _scaled(bars, cut, sign, 1.0 / sign)


def _moved(bars: Bars, cut: int, rng: Generator) -> Bars:
    ts = bars.ts.copy()
    ts[cut:] += 33 * DAY_NS + 3_600_000_000_000
    return rebuilt(bars, ts=ts)


def _actions(bars: Bars, cut: int, rng: Generator) -> Bars:
    past = [a for a in bars.actions if cut and a.ts <= int(bars.ts[cut - 1])]
    later = int(bars.ts[min(cut + 1, bars.n_bars - 1)])
    here = int(bars.ts[min(cut, bars.n_bars - 1)])
    new = [
        CorporateAction(ts=here, instrument=bars.instruments[0], kind=ActionKind.SPLIT, value=3.0),
        CorporateAction(ts=later, instrument=bars.instruments[-1], kind=ActionKind.DIVIDEND, value=1.5),
    ]
    made = _by(1 / 3.0, 3.0)(bars, cut, rng)
    return rebuilt(made, actions=sorted([*past, *new], key=lambda a: a.ts))


def _longer(bars: Bars, cut: int, rng: Generator) -> Bars:
    more = max(5, bars.n_bars // 10)
    step = int(np.median(np.diff(bars.ts))) if bars.n_bars > 1 else DAY_NS
    ts = np.concatenate([bars.ts, bars.ts[-1] + step * np.arange(1, more + 1)])
    factor = np.exp(np.cumsum(rng.normal(0.0, 0.03, (more, 1)), axis=0))
    last = {name: getattr(bars, name)[-1:] for name in FIELDS}
    return rebuilt(
        bars,
        ts=ts,
        **{
            name: np.concatenate([getattr(bars, name), np.repeat(last[name], more, axis=0) * factor]) for name in FIELDS
        },
    )


FUTURES: Final[Mapping[str, Future]] = {
    item.name: item
    for item in (
        Future("cut", "there are no later bars", lambda bars, cut, rng: bars.head(cut), same_length=False),
        Future("path", "prices and volumes take another path", _path),
        Future("crash", "prices fall to a fifth, volumes rise tenfold", _by(0.2, 10.0)),
        Future("boom", "prices rise fivefold, volumes fall to a tenth", _by(5.0, 0.1)),
        Future("reversed", "later bars come in reverse order", _ordered(True), keeps_bars=False),
        Future("shuffled", "later bars come in random order", _ordered(False), keeps_bars=False),
        Future("missing", "all later prices are missing", _missing(2.0), keeps_bars=False),
        Future("holes", "a third of the later prices is missing", _missing(0.33), keeps_bars=False),
        Future("died", "one instrument has no later bars", _died, keeps_bars=False),
        Future("dropped", "half of the later rows is not there", _dropped, same_length=False, keeps_bars=False),
        Future("flat", "prices stand still and nothing trades", _flat),
        Future("wild", "prices jump between a twentieth and a millionfold", _wild),
        Future("moved", "later bars are stamped 33 days and an hour later", _moved),
        Future("actions", "other splits and dividends follow", _actions),
        Future("longer", "there are more later bars", _longer, same_length=False),
    )
}
"""Every future by name."""


def choose_cuts(bars: Bars, n: int, *, seed: int, warm_up: int = 1, events: Iterable[int] = ()) -> dict[int, str]:
    """Rows before which the future is changed, and why each of them.

    Parameters
    ----------
    bars : Bars
    n : int
        About how many.
    seed : int
    warm_up : int
        Rows before the first value.
    events : iterable of int
        Rows in which the answer changes: a leak of one bar shows best right after them.

    Returns
    -------
    dict of int to str
        By row, in order.
    """
    last = bars.n_bars - 1
    out: dict[int, str] = {}

    def add(rows: Iterable[int], why: str, most: int) -> None:
        fit = [int(r) for r in rows if 1 <= r <= last and r not in out]
        if len(fit) > most:
            fit = [fit[int(i)] for i in np.unique(np.linspace(0, len(fit) - 1, most).round().astype(int))]
        out.update(dict.fromkeys(fit, why))

    share = max(2, n // 7)
    rng = np.random.default_rng([seed, 1])
    add((1, 2, 3), "early", 2)
    add((warm_up - 1, warm_up, warm_up + 1, warm_up + 2), "about the warm-up", 4)
    add((last, last - 1), "late", 2)
    after = bars.ts[warm_up:] if warm_up < bars.n_bars else bars.ts
    offset = bars.n_bars - after.size
    moments = after.astype("datetime64[ns]")
    if after.size > 1:
        step = int(np.median(np.diff(after)))
        if step < DAY_NS // 2:
            days = np.flatnonzero(np.diff(moments.astype("datetime64[D]").astype(np.int64))) + 1 + offset
            add(days, "a session begins", share)
            add(days + 3, "inside a session", share)
            add(days - 1, "a session ends", share)
        months = np.flatnonzero(np.diff(moments.astype("datetime64[M]").astype(np.int64))) + 1 + offset
        add(months, "a month begins", share)
        add(months - 1, "a month ends", share // 2)
        gaps = np.flatnonzero(np.diff(after) > 2 * step) + 1 + offset
        add(gaps, "after a gap", share // 2)
    for action in bars.actions:
        row = int(np.searchsorted(bars.ts, action.ts))
        add((row, row + 1), f"about a {action.kind}", 2)
    known = ~np.isnan(bars.close)
    turns = np.flatnonzero((known[1:] != known[:-1]).sum(axis=1) > 0) + 1
    add(turns, "an instrument appears or disappears", share // 2)
    changed = np.array(sorted({int(r) for r in events if r >= warm_up}), dtype=int)
    if changed.size > 2 * share:
        changed = np.sort(rng.choice(changed, 2 * share, replace=False))
    add(changed + 1, "right after the answer changed", share)
    add(changed, "where the answer changes", share)
    rest = max(n - len(out), share)
    add(np.sort(rng.integers(min(warm_up, last), last + 1, rest)), "anywhere", rest)
    return dict(sorted(out.items()))


def exam_markets(n_bars: int = 480, *, seed: int = 7) -> tuple[Bars, ...]:
    """Markets to examine on when no bars are given: made up, and with everything that a leak can hide behind.

    Returns
    -------
    tuple of Bars
        One instrument, daily; three, daily, of which one is listed late, one dies and one splits and pays dividends,
        with holes; one, hourly in sessions of seven bars.
    """
    rng = np.random.default_rng(seed)
    one = _walk(_business_days(n_bars), 1, rng, DAY_NS)
    three = _walk(_business_days(n_bars), 3, rng, DAY_NS)
    gone = rng.random((n_bars, 3)) < 0.01
    gone[: n_bars // 6, 1] = True
    gone[(n_bars * 4) // 5 :, 2] = True
    columns = {name: np.where(gone, np.nan, getattr(three, name)) for name in FIELDS}
    row = n_bars // 2
    for name in PRICES:
        columns[name][row:, 0] /= 2.0
    columns["volume"][row:, 0] *= 2.0
    first = three.instruments[0]
    actions = (
        CorporateAction(ts=int(three.ts[n_bars // 3]), instrument=first, kind=ActionKind.DIVIDEND, value=0.5),
        CorporateAction(ts=int(three.ts[row]), instrument=first, kind=ActionKind.SPLIT, value=2.0),
        CorporateAction(ts=int(three.ts[(n_bars * 3) // 4]), instrument=first, kind=ActionKind.DIVIDEND, value=0.5),
    )
    three = rebuilt(three, **columns, actions=actions)
    days = _business_days(n_bars // 7 + 1) - DAY_NS * 7 // 8
    hours = (days[:, None] + (np.arange(7) + 15) * (DAY_NS // 24)).ravel()[:n_bars]
    return one, three, _walk(hours, 1, rng, DAY_NS // 24)


def _business_days(n: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    days = np.busday_offset(np.datetime64("2015-01-01", "D"), np.arange(n), roll="forward")
    return days.astype(np.int64) * DAY_NS + DAY_NS * 7 // 8


def _walk(ts: np.ndarray[Any, np.dtype[np.int64]], n_assets: int, rng: Generator, interval: int) -> Bars:
    shape = (ts.size, n_assets)
    wave = 0.004 * np.sin(np.arange(ts.size) / 9.0).reshape(-1, 1)  # so that trend rules and mean reversion both act
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.015, shape) + wave, axis=0))
    before = np.vstack([np.full((1, n_assets), 100.0), close[:-1]])
    opening = before * np.exp(rng.normal(0.0, 0.005, shape))
    high = np.maximum(opening, close) * np.exp(np.abs(rng.normal(0.0, 0.006, shape)))
    low = np.minimum(opening, close) * np.exp(-np.abs(rng.normal(0.0, 0.006, shape)))
    names = ("EXAM",) if n_assets == 1 else tuple(f"EXAM{j + 1}" for j in range(n_assets))
    return Bars.from_arrays(
        ts,
        opening,
        high,
        low,
        close,
        np.round(rng.lognormal(12.0, 0.5, shape)),
        instruments=[Instrument.of(name) for name in names],
        interval_ns=interval,
        provenance=Provenance("made up for an examination", synthetic=True, adjusted="raw"),
    )


def renamed(bars: Bars) -> Bars:
    """Bars whose instruments have other names, all else equal."""
    names = [replace(item, symbol=f"ANON{j + 1}") for j, item in enumerate(bars.instruments)]
    old = dict(zip(bars.instruments, names, strict=True))
    actions = [replace(a, instrument=old.get(a.instrument, a.instrument)) for a in bars.actions]
    return rebuilt(bars, instruments=tuple(names), actions=actions)
