"""Labels of what a price reached first, and of where it stood after a while.

Entry points: `triple_barrier`, `meta_labels`, `fixed_horizon`.

Invariants: an event at row ``t`` enters at the close of ``t`` or at the next open, and sees later bars only; bars after
``row1`` have no part in a label; an event that gives no label is counted in `Labels.dropped` with the reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError
from tradewright.features.labels.events import (
    Duration,
    Events,
    duration_ns,
    events_of,
    ewm_volatility,
    number_of,
    own_rows,
    per_event,
    word_of,
)
from tradewright.features.labels.table import F64, I8, I64, Barrier, Labels, assembled
from tradewright.kernel import core

__all__ = ["fixed_horizon", "meta_labels", "triple_barrier"]

_ENTRIES: Final = ("close", "next_open")
_TOUCHES: Final = ("range", "close")
_BOTH: Final = ("pessimistic", "optimistic", "drop")
_VERTICALS: Final = ("zero", "sign")
_ENDS: Final = ("resolved", "drop", "keep")
_BELOW: Final = ("drop", "widen")

_NO_BAR: Final = "no bar at the event"
_NO_WIDTH: Final = "no volatility at the event"
_NARROW: Final = "volatility not above min_return"
_NO_SIDE: Final = "no side at the event"
_NO_LATER: Final = "no bar after the event"
_UNFINISHED: Final = "not over when the data ends"
_BOTH_MET: Final = "one bar met both barriers"


def triple_barrier(
    bars: Bars,
    events: Events | npt.ArrayLike | None = None,
    *,
    width: float | npt.ArrayLike | None = None,
    span: float = 100.0,
    profit_taking: float | None = 2.0,
    stop_loss: float | None = 1.0,
    max_bars: int | None = 20,
    max_time: Duration | None = None,
    min_return: float = 0.01,
    below_min: str = "drop",
    side: float | npt.ArrayLike | None = None,
    entry: str = "close",
    touch: str = "range",
    both: str = "pessimistic",
    vertical_label: str = "zero",
    at_end: str = "resolved",
    cost: float | npt.ArrayLike = 0.0,
) -> Labels:
    """Which of three barriers is met first: profit, loss, or time.

    Parameters
    ----------
    bars : Bars
        One instrument or more; each is labelled for itself.
    events : Events, array-like or None
        Where to ask; see `events_of`. None: every bar.
    width : float or array-like, optional
        Unit of the barriers as a fraction of the entry price, known at the event: one number, one for each bar, one for
        each bar and instrument, or (with `Events`) one for each event. Default `ewm_volatility` with `span`.
    span : float
        Of the default width.
    profit_taking, stop_loss : float or None
        Barriers stand this many widths from the entry. None or 0: no such barrier.
    max_bars : int or None
        Time barrier: the close of this many bars of the instrument after the event.
    max_time : duration or None
        Time barrier: the close of the first bar at or after this time, such as ``"5d"``. The earlier of the two counts.
    min_return : float
        Least width that is worth a label.
    below_min : str
        What happens to an event whose width is not above `min_return`: ``"drop"``, or ``"widen"`` it to `min_return`.
    side : float or array-like, optional
        1 (long) or -1 (short), of the shapes of `width`: barriers and returns are then those of that side, and a label
        of 1 means its profit was taken. An event with side 0 or NaN is dropped. Without a side, labels tell where the
        price went: the profit barrier lies above, the loss barrier below.
    entry : str
        ``"close"`` of the event's bar, or ``"next_open"``.
    touch : str
        ``"range"``: highs and lows meet a barrier, the exit is at the barrier, or at the open of a bar that opens
        beyond it. ``"close"``: only closes do, and the exit is at that close.
    both : str
        When one bar meets both barriers: the loss counts (``"pessimistic"``), the profit (``"optimistic"``), or there
        is no label (``"drop"``). `Labels.both` marks them.
    vertical_label : str
        Label of the time barrier: ``"zero"``, or the ``"sign"`` of the return (of 0 when it is not above the cost).
    at_end : str
        What becomes of events whose time barrier lies behind the data: ``"resolved"`` keeps those that met a barrier;
        ``"drop"`` keeps none of them, since only the quick ones could; ``"keep"`` keeps all and ends the rest at the
        last close, label 0 or the sign, barrier ``NONE``.
    cost : float or array-like
        Of a round trip, as a fraction of the entry price.

    Returns
    -------
    Labels

    Raises
    ------
    InputError
        If an option is out of range, an unknown word, or of another shape than the bars.

    Notes
    -----
    A barrier is met when the price reaches it (at or beyond). Barriers stand at ``entry * (1 + k * width)``.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, sections 3.4 to 3.6; there only closes count, as with
    ``touch="close"``, and the sign labels the time barrier.

    Examples
    --------
    Bought at 100 with barriers at 104 and 98. The second bar after it reaches 104.5, so the profit is taken at 104.

    >>> bars = Bars.from_arrays(
    ...     None, [100, 100, 103, 103], [100, 102, 104.5, 104], [100, 99, 102, 90], [100, 101, 104, 91]
    ... )
    >>> found = triple_barrier(bars, [0], width=0.02)
    >>> found.label.tolist(), found.row1.tolist(), found.exit.tolist(), found.ret.round(12).tolist()
    ([1], [2], [104.0], [0.04])

    For a short the same bars lose: its stop stands at 102, which the first bar touches.

    >>> triple_barrier(bars, [0], width=0.02, side=-1).ret.round(12).tolist()
    [-0.02]
    """
    word_of("entry", entry, _ENTRIES)
    word_of("touch", touch, _TOUCHES)
    word_of("both", both, _BOTH)
    word_of("vertical_label", vertical_label, _VERTICALS)
    word_of("at_end", at_end, _ENDS)
    word_of("below_min", below_min, _BELOW)
    target, stop = _multiple("profit_taking", profit_taking), _multiple("stop_loss", stop_loss)
    if not 0.0 <= number_of("min_return", min_return) < 1.0:
        raise InputError(f"min_return is {min_return}; it must be a fraction from 0 to below 1, such as 0.01.")
    if max_bars is None and max_time is None and at_end == "drop":
        raise InputError(
            "at_end is 'drop' without a time barrier, so nothing would be kept; give max_bars or max_time."
        )
    asked, by_event = events_of(bars, events), isinstance(events, Events)
    if width is None:
        found_width = ewm_volatility(bars, span=span)
        unit = found_width[asked.row, asked.asset]
    else:
        unit = per_event("width", width, bars, asked, by_event=by_event)
    if (unit < 0).any() or np.isinf(unit).any():
        raise InputError(
            "width holds values below 0 or infinite ones; it must be a fraction, such as 0.02 (NaN: none)."
        )
    fee = per_event("cost", cost, bars, asked, by_event=by_event)
    _check_cost(fee)
    sides = _sides(side, bars, asked, by_event)

    lost: Counter[str] = Counter()
    keep = np.ones(len(asked), dtype=np.bool_)
    _drop(keep, ~np.isfinite(bars.close[asked.row, asked.asset]), _NO_BAR, lost)
    if sides is not None:
        _drop(keep, sides == 0, _NO_SIDE, lost)
    if target or stop:
        _drop(keep, ~np.isfinite(unit), _NO_WIDTH, lost)
        if below_min == "drop":
            _drop(keep, unit <= min_return, _NARROW, lost)
        else:
            unit = np.maximum(unit, min_return)
        _drop(keep, unit <= 0, _NARROW, lost)

    view = np.ones(len(asked), dtype=np.int8) if sides is None else sides
    far, near = target * unit, stop * unit
    scan = _Scan(
        bars, entry, touch == "close", max_bars, None if max_time is None else duration_ns("max_time", max_time)
    )
    # A short takes its profit below and its loss above. No barrier below zero: prices do not get there.
    above = np.where(view > 0, far, near)
    below = np.where(view > 0, near, far)
    above = np.where(above > 0, above, np.inf)
    below = np.where(below > 0, below, np.inf)
    upper_wins = ((view > 0) == (both == "optimistic")).astype(np.int8)
    walked = scan.walk(asked, keep, above, below, upper_wins, lost)

    at = walked["place"]
    cut = walked.pop("cut") & (walked["barrier"] == Barrier.VERTICAL)
    drop = np.zeros(at.size, dtype=np.bool_)
    if at_end == "keep":
        walked["barrier"] = np.where(cut, np.int8(Barrier.NONE), walked["barrier"])
    elif at_end == "resolved":
        drop = cut
    else:
        drop = walked["beyond"]
    if drop.any():
        lost[_UNFINISHED] += int(drop.sum())
    if both == "drop":
        twice = walked["both"] & ~drop
        lost[_BOTH_MET] += int(twice.sum())
        drop |= twice
    columns = {name: value[~drop] for name, value in walked.items() if name != "beyond"}
    at = columns.pop("place")

    gross = columns["exit"] / columns["entry"] - 1.0
    ret = gross * view[at]
    horizontal = np.abs(columns["barrier"]) == 1
    label = np.where(horizontal, columns["barrier"] * view[at], 0)
    if vertical_label == "sign":
        label = np.where(horizontal, label, np.sign(ret) * (np.abs(ret) > fee[at]))
    columns |= {"label": label.astype(np.int8), "ret": ret, "net": _net(ret, label, fee[at], sides is not None)}
    columns["side"] = np.zeros(at.size, dtype=np.int8) if sides is None else view[at]
    columns["width"] = unit[at]
    return assembled(
        "triple_barrier",
        bars.symbols,
        bars.ts,
        columns,
        dropped=lost,
        conventions={
            "barriers": f"{_times(target)} above and {_times(stop)} below the entry"
            + (" for a long, the other way round for a short" if sides is not None else "")
            + "; met when reached",
            "width": f"ewm standard deviation of bar returns, span {span:g}" if width is None else "given",
            "min_return": f"events with a width of {min_return:g} or less are "
            + ("dropped" if below_min == "drop" else f"widened to {min_return:g}"),
            "time_barrier": _horizon_words(max_bars, max_time),
            "entry": _ENTRY_WORDS[entry],
            "touch": _TOUCH_WORDS[touch],
            "both_in_one_bar": {
                "pessimistic": "the loss counts",
                "optimistic": "the profit counts",
                "drop": "no label",
            }[both],
            "label": ("1 profit, -1 loss" if sides is not None else "1 upper barrier, -1 lower barrier")
            + (", 0 time" if vertical_label == "zero" else ", sign of the return at the time barrier"),
            "at_end": _END_WORDS[at_end],
            "return": "simple, entry to exit, before costs" + (", of the side" if sides is not None else ""),
            "span": _SPAN_WORDS,
        },
    )


def meta_labels(
    bars: Bars, events: Events | npt.ArrayLike | None = None, *, side: float | npt.ArrayLike, **options: Any
) -> Labels:
    """Whether acting on a side would have paid: 1 yes, 0 no.

    Parameters
    ----------
    bars, events, side
        As in `triple_barrier`; the side is what the first model says.
    **options
        All others of `triple_barrier`.

    Returns
    -------
    Labels
        Kind ``"meta"``; the label is 1 where ``net > 0``.

    References
    ----------
    Lopez de Prado (2018), section 3.6, snippet 3.7.

    Examples
    --------
    >>> bars = Bars.from_arrays(None, [100] * 3, [100, 103, 103], [100, 100, 100], [100, 103, 103])
    >>> meta_labels(bars, [0], side=1, width=0.02, profit_taking=1).label.tolist()
    [1]
    >>> meta_labels(bars, [0], side=-1, width=0.02, profit_taking=1).label.tolist()
    [0]
    """
    found = triple_barrier(bars, events, side=side, **options)
    label = (found.net > 0).astype(np.int8)
    words = {**found.conventions, "label": "1 when the side's return after the cost is above 0, else 0"}
    return replace(found, kind="meta", label=label, conventions=words)


def fixed_horizon(
    bars: Bars,
    events: Events | npt.ArrayLike | None = None,
    *,
    horizon: int | Duration = 20,
    threshold: float | npt.ArrayLike = 0.0,
    width: float | npt.ArrayLike | None = None,
    entry: str = "close",
    cost: float | npt.ArrayLike = 0.0,
) -> Labels:
    """Sign of the return after a fixed while, where it is large enough.

    Parameters
    ----------
    bars : Bars
    events : Events, array-like or None
        Where to ask; None: every bar.
    horizon : int or duration
        A number of bars of the instrument (int), or a time such as ``"5d"``: the first close at or after it.
    threshold : float or array-like
        A return whose magnitude is not above it has the label 0.
    width : float or array-like, optional
        Multiplies `threshold`, such as a volatility known at the event; an event where it is NaN is dropped.
    entry : str
        ``"close"`` of the event's bar, or ``"next_open"``.
    cost : float or array-like
        Of a round trip, as a fraction; it counts in `Labels.net`.

    Returns
    -------
    Labels
        Events whose horizon lies behind the data are dropped and counted.

    References
    ----------
    Lopez de Prado (2018), section 3.2.

    Examples
    --------
    >>> close = [100.0, 101.0, 101.5, 99.0]
    >>> bars = Bars.from_arrays(None, close, close, close, close)
    >>> fixed_horizon(bars, horizon=1, threshold=0.008).label.tolist()
    [1, 0, -1]
    """
    word_of("entry", entry, _ENTRIES)
    asked, by_event = events_of(bars, events), isinstance(events, Events)
    limit = per_event("threshold", threshold, bars, asked, by_event=by_event)
    if not (limit >= 0).all():
        raise InputError("threshold holds values below 0 or NaN; it must be a return, 0 or more.")
    unit = np.full(len(asked), np.nan) if width is None else per_event("width", width, bars, asked, by_event=by_event)
    fee = per_event("cost", cost, bars, asked, by_event=by_event)
    _check_cost(fee)
    lost: Counter[str] = Counter()
    keep = np.ones(len(asked), dtype=np.bool_)
    _drop(keep, ~np.isfinite(bars.close[asked.row, asked.asset]), _NO_BAR, lost)
    if width is not None:
        _drop(keep, ~np.isfinite(unit), _NO_WIDTH, lost)
        limit = limit * unit
    by_bars = isinstance(horizon, (int, np.integer)) and not isinstance(horizon, bool)
    count = int(horizon) if by_bars else None  # type: ignore[arg-type]
    time = None if by_bars else duration_ns("horizon", horizon)
    never = np.full(len(asked), np.inf)
    walked = _Scan(bars, entry, True, count, time).walk(
        asked, keep, never, never, np.zeros(len(asked), dtype=np.int8), lost
    )
    if walked["beyond"].any():
        lost[_UNFINISHED] += int(walked["beyond"].sum())
    inside = ~walked["beyond"]
    columns = {name: value[inside] for name, value in walked.items() if name not in {"beyond", "cut"}}
    at = columns.pop("place")
    ret = columns["exit"] / columns["entry"] - 1.0
    label = np.sign(ret) * (np.abs(ret) > limit[at])
    columns |= {"label": label.astype(np.int8), "ret": ret, "net": _net(ret, label, fee[at], False), "width": unit[at]}
    return assembled(
        "fixed_horizon",
        bars.symbols,
        bars.ts,
        columns,
        dropped=lost,
        conventions={
            "time_barrier": _horizon_words(count, None if by_bars else horizon),
            "entry": _ENTRY_WORDS[entry],
            "label": "sign of the return; 0 when its magnitude is not above the threshold"
            + (" times the width" if width is not None else ""),
            "at_end": "events whose horizon lies behind the data are dropped",
            "return": "simple, entry to exit, before costs",
            "span": _SPAN_WORDS,
        },
    )


_ENTRY_WORDS: Final = {"close": "close of the event's bar", "next_open": "open of the next bar"}
_TOUCH_WORDS: Final = {
    "range": "highs and lows meet a barrier; exit at the barrier, or at the open of a bar that opens beyond it",
    "close": "closes meet a barrier; exit at that close",
}
_END_WORDS: Final = {
    "resolved": "events whose time barrier lies behind the data are kept when they met another barrier",
    "drop": "events whose time barrier lies behind the data are dropped",
    "keep": "events not over when the data ends exit at the last close (barrier none)",
}
_SPAN_WORDS: Final = "[t0, t1], closed: from the event's bar to the last bar that had a part in the label"


class _Scan:
    """Walks from events to what ends them, instrument by instrument, over the rows that have a bar."""

    def __init__(self, bars: Bars, entry: str, by_close: bool, max_bars: int | None, max_ns: int | None) -> None:
        whole = isinstance(max_bars, (int, np.integer)) and not isinstance(max_bars, bool)
        if max_bars is not None and (not whole or max_bars < 1):
            raise InputError(
                f"The time barrier is at {max_bars!r} bars; it must be a whole number, at least 1 (None: none)."
            )
        self.bars, self.by_close, self.max_bars, self.max_ns = bars, by_close, max_bars, max_ns
        self.next_open = entry == "next_open"

    def walk(
        self, asked: Events, keep: npt.NDArray[np.bool_], above: F64, below: F64, upper_wins: I8, lost: Counter[str]
    ) -> dict[str, npt.NDArray[Any]]:
        """Columns of the events that have a later bar; `place` is their place among those asked.

        `cut` tells that the scan ended with the data, `beyond` that its time barrier lies behind it.
        """
        parts = [
            self._one(j, np.flatnonzero(keep & (asked.asset == j)), asked, above, below, upper_wins, lost)
            for j in range(self.bars.n_assets)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _one(
        self, j: int, places: I64, asked: Events, above: F64, below: F64, upper_wins: I8, lost: Counter[str]
    ) -> dict[str, npt.NDArray[Any]]:
        bars = self.bars
        dense = _all_finite(bars.close[:, j])
        rows = None if dense else own_rows(bars, j)
        n = bars.n_bars if rows is None else rows.size
        at = asked.row[places] if rows is None else np.searchsorted(rows, asked.row[places])
        late = at + 1 >= n
        lost[_NO_LATER] += int(late.sum())
        places, at = places[~late], at[~late]
        column = self._prices(j, rows)
        far = np.full(at.size, n, dtype=np.int64)
        if self.max_bars is not None:
            far = np.minimum(far, at + self.max_bars)
        if self.max_ns is not None:
            stamps = bars.ts if rows is None else bars.ts[rows]
            end = np.searchsorted(stamps, stamps[at] + self.max_ns)
            far = np.minimum(far, np.maximum(end, at + 1))
        beyond = far > n - 1
        last = np.minimum(far, n - 1)
        first = at + 1
        price = column["open"][first] if self.next_open else column["close"][at]
        if price.size and not price.min() > 0:
            raise InputError(f"An entry price of {bars.symbols[j]} is {price.min()}; barriers need prices above 0.")
        row, exit_, barrier, both = core.first_touch(
            column["open"], column["high"], column["low"], column["close"],
            first, last, price * (1.0 + above[places]), price * (1.0 - below[places]), upper_wins[places],
            by_close=self.by_close, gap_first=not self.next_open,
        )  # fmt: skip
        return {
            "place": places,
            "asset": np.full(places.size, j, dtype=np.int64),
            "row0": at if rows is None else rows[at],
            "row1": row if rows is None else rows[row],
            "bar0": at,
            "bar1": row,
            "entry": price,
            "exit": exit_,
            "barrier": barrier,
            "both": both.astype(np.bool_),
            "cut": beyond,
            "beyond": beyond,
        }

    def _prices(self, j: int, rows: I64 | None) -> dict[str, F64]:
        """Columns of an instrument's own bars, without copies where it has all of them."""
        only_closes = self.by_close and not self.next_open
        made: dict[str, F64] = {}
        for name in ("close", "open", "high", "low"):
            if only_closes and name != "close":
                made[name] = made["close"]
                continue
            values = getattr(self.bars, name)[:, j]
            values = np.ascontiguousarray(values if rows is None else values[rows])
            # A bar with a close alone is a bar at that price.
            made[name] = values if _all_finite(values) else np.where(np.isfinite(values), values, made["close"])
        return made


def _all_finite(values: F64) -> bool:
    """Whether every value is a finite number; the sum tells it in one pass without a mask."""
    return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())


def _multiple(name: str, value: float | None) -> float:
    if value is None:
        return 0.0
    if not 0.0 <= number_of(name, value) < float("inf"):
        raise InputError(f"{name} is {value}; it must be a number of widths, 0 or more (None: no such barrier).")
    return float(value)


def _sides(side: float | npt.ArrayLike | None, bars: Bars, asked: Events, by_event: bool) -> I8 | None:
    if side is None:
        return None
    given = per_event("side", side, bars, asked, by_event=by_event)
    given = np.where(np.isnan(given), 0.0, given)
    if not np.isin(given, (-1.0, 0.0, 1.0)).all():
        wrong = given[~np.isin(given, (-1.0, 0.0, 1.0))][0]
        raise InputError(f"side holds {wrong}; it must be 1 (long), -1 (short) or 0 (no opinion).")
    return given.astype(np.int8)


def _check_cost(cost: F64) -> None:
    if not ((cost >= 0) & (cost < 1)).all():
        raise InputError(
            "cost holds values outside of 0 to 1; give the fraction that a round trip costs, such as 0.001."
        )


def _drop(keep: npt.NDArray[np.bool_], wrong: npt.NDArray[np.bool_], reason: str, lost: Counter[str]) -> None:
    lost[reason] += int((keep & wrong).sum())
    keep &= ~wrong


def _net(ret: F64, label: npt.NDArray[Any], cost: F64, has_side: bool) -> F64:
    out: F64 = ret - cost if has_side else ret * label - cost * (label != 0)
    return out


def _times(multiple: float) -> str:
    return f"{multiple:g} width{'' if multiple == 1 else 's'}" if multiple else "nothing"


def _horizon_words(max_bars: int | None, max_time: Duration | None) -> str:
    words = []
    if max_bars is not None:
        words.append(f"close of bar {max_bars} of the instrument after the event")
    if max_time is not None:
        words.append(f"first close at or after {max_time} from the event")
    return ("the earlier of: " if len(words) > 1 else "") + " and ".join(words) or "none"
