"""Prices with splits and dividends taken out of them, as of a date, and back again.

Entry points: `adjust`, `unadjust`, `factors` (the arrays behind both), `action_rows` (when an action takes effect).

Conventions. An action takes effect with the first bar, stamped at or after its `ts`, that its instrument has; without a
bar on the ex-date that is the next one. What happens at one bar is taken together: splits multiply, dividends add up. A
dividend is per share at its own instant, so one that is older than a split of the same bar is per old share, and one
dated with the split is per new share, as the order engine pays it.

With `r` new shares per old, `d` the dividends per new share, `p` the last close before and `c` the first close after,
prices before the action are multiplied by

====================  ==========================  =========================================================
kind, rule            factor                      what a return across the ex-date then is
====================  ==========================  =========================================================
split                 ``1 / r``                   ``r * c / p - 1``: of the price alone
previous_close        ``(1 / r)(1 - d r / p)``    ``c / (p / r - d) - 1``: of what was left of the price
ex_close              ``(1 / r) / (1 + d / c)``   ``r (c + d) / p - 1``: of holding, dividends reinvested at `c`
====================  ==========================  =========================================================

``previous_close`` (``1 - d / C_prev``) is the rule of Yahoo's adjusted close and of most charts; ``ex_close`` (``1 + d
/ C_t``) is that of total-return indices. A spin-off is taken as a dividend in kind: what is received for one share,
at its stated price, else at the last close of its own bars before, else at their first open. Mergers and delistings end
a series and change no price of it. Volumes are multiplied by ``r`` and never by dividends.

Backward adjustment leaves the newest prices as they are quoted and changes the past with every new action. Forward
adjustment leaves the first price as it is and divides what comes after by the same factors: row ``t`` depends on
actions up to ``t`` only and is never changed by a later one, to the last bit, so decisions may be made on it.

Invariants: an action later than `as_of` changes nothing and stays in `Bars.actions`; an action that is in the prices is
not in `Bars.actions` any more; what stays there is in the units of the adjusted prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ..domain.actions import ActionKind, CorporateAction
from ..domain.bars import Bars, Instant, Provenance, instant_ns, utc
from ..domain.errors import InconsistentDataError, InputError, closest
from ..domain.instrument import Instrument

if TYPE_CHECKING:
    import numpy.typing as npt

    F64 = npt.NDArray[np.float64]

__all__ = [
    "DIRECTIONS", "KINDS", "RULES", "Factors", "Step", "action_rows", "adjust", "column_of", "factors", "scaled",
    "unadjust", "worth_of",
]  # fmt: skip

KINDS: Final = ("split", "split+dividend")
RULES: Final = ("previous_close", "ex_close")
DIRECTIONS: Final = ("backward", "forward")
FORMULAS: Final[Mapping[str, str]] = {
    "previous_close": "earlier prices x (1 - dividend / previous close)",
    "ex_close": "earlier prices / (1 + dividend / close of the ex-date)",
}
_ALIASES: Final = {
    "1-d/c_prev": "previous_close", "1-d/c_(t-1)": "previous_close", "1-d/c_{t-1}": "previous_close",
    "1+d/c_t": "ex_close",
}  # fmt: skip
_ORDER: Final = (
    ActionKind.SPLIT, ActionKind.DIVIDEND, ActionKind.SPIN_OFF, ActionKind.MERGER, ActionKind.DELISTING,
)  # fmt: skip
_PAID: Final = frozenset({ActionKind.DIVIDEND, ActionKind.SPIN_OFF})
"""What takes a part out of the price."""
_PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one instrument at one bar.

    Parameters
    ----------
    symbol : str
        Whom it concerns.
    row : int
        First bar after it; ``n_bars`` when there is none yet.
    ratio : float
        New shares per old, 1 without a split.
    dividend : float
        Cash (and worth of what is spun off) per new share, 0 without it or when it is left in the prices.
    factor : float
        By which earlier prices are multiplied (backward).
    actions : tuple of CorporateAction
        What was taken together.
    """

    symbol: str
    row: int
    ratio: float
    dividend: float
    factor: float
    actions: tuple[CorporateAction, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """Arrays by which raw bars are multiplied.

    Parameters
    ----------
    price, volume : float64 array, shape (n_bars, n_assets)
    steps : tuple of Step
        In order of time, column by column.
    pending : tuple of CorporateAction
        Splits, dividends and spin-offs that were asked for and are not in the arrays, in the units of the adjusted
        prices.
    kind, rule, direction : str
        As asked for.
    """

    price: F64
    volume: F64
    steps: tuple[Step, ...]
    pending: tuple[CorporateAction, ...]
    kind: str
    rule: str
    direction: str


@dataclass(frozen=True, slots=True)
class _Group:
    """Actions that take effect at one bar of one column; `cash` is what leaves the price per new share.

    `dividends` are those and spin-offs with their values per new share.
    """

    row: int
    before: int
    ratio: float
    cash: float
    dividends: tuple[tuple[CorporateAction, float], ...]
    actions: tuple[CorporateAction, ...]

    def dividend(self, kind: str) -> float:
        return 0.0 if kind == "split" else self.cash


def adjust(
    bars: Bars,
    actions: Iterable[CorporateAction] | None = None,
    *,
    kind: str = "split+dividend",
    rule: str = "previous_close",
    as_of: Instant | None = None,
    direction: str = "backward",
) -> Bars:
    """Bars whose prices contain their splits, or splits and dividends.

    Parameters
    ----------
    bars : Bars
        With prices as they were quoted.
    actions : iterable of CorporateAction, optional
        Default: those that the bars carry.
    kind : {"split+dividend", "split"}
        What is taken out of the prices.
    rule : {"previous_close", "ex_close"}
        How a dividend is; also as ``"1-d/C_prev"`` and ``"1+d/C_t"``.
    as_of : date, ISO text, datetime, int or None
        Only actions that took effect by then are applied (a plain date: by the end of that day, UTC). None: by the last
        bar.
    direction : {"backward", "forward"}
        Which end of the prices stays as it was quoted.

    Returns
    -------
    Bars
        Its provenance says what was done. Actions that are not in the prices (later ones; dividends under ``"split"``;
        delistings and changes of symbol) are kept, restated per share of the adjusted prices, so that a backtest on
        these bars still pays them.

    Raises
    ------
    InputError
        If a word is unknown, or the prices are adjusted already for what was asked.
    InconsistentDataError
        If a dividend is not smaller than the price before it.

    See Also
    --------
    unadjust : The inverse.

    Examples
    --------
    A share at 100 splits two for one, then pays 1 at a price of 50:

    >>> days = np.array(["2024-01-02", "2024-01-03", "2024-01-04"], dtype="datetime64[D]")
    >>> bars = Bars.from_arrays(days, [100, 50, 49], [100, 50, 49], [100, 50, 49], [100, 50, 49], [10, 20, 20],
    ...                         symbols="X")
    >>> x = bars.instruments[0]
    >>> two = CorporateAction(ts=instant_ns("2024-01-03"), instrument=x, kind=ActionKind.SPLIT, value=2.0)
    >>> one = CorporateAction(ts=instant_ns("2024-01-04"), instrument=x, kind=ActionKind.DIVIDEND, value=1.0)
    >>> adjust(bars, [two, one]).close[:, 0].tolist()
    [49.0, 49.0, 49.0]
    >>> adjust(bars, [two, one], kind="split").close[:, 0].tolist()
    [50.0, 50.0, 49.0]
    >>> adjust(bars, [two, one], as_of="2024-01-03").close[:, 0].tolist()
    [50.0, 50.0, 49.0]
    >>> adjust(bars, [two, one], direction="forward").close[:, 0].tolist()
    [100.0, 100.0, 100.0]
    """
    given = bars.actions if actions is None else tuple(actions)
    made = factors(bars, None if actions is None else given, kind=kind, rule=rule, as_of=as_of, direction=direction)
    found = [_received(bars, action, made) for action in (*made.pending, *_others(bars, given, made))]
    kept = tuple(sorted(found, key=lambda action: action.ts))
    return scaled(bars, made.price, made.volume, _told(bars, made, as_of), kept)


def unadjust(
    bars: Bars,
    actions: Iterable[CorporateAction],
    *,
    kind: str = "split+dividend",
    rule: str = "previous_close",
    as_of: Instant | None = None,
    direction: str = "backward",
) -> Bars:
    """Prices as they were quoted, out of adjusted ones.

    Parameters
    ----------
    bars : Bars
        Adjusted by `adjust`, or by a source that follows the same rule.
    actions : iterable of CorporateAction
        What the prices were adjusted for, as it was announced (dividends per share of their day).
    kind, rule, as_of, direction
        As in `adjust`.

    Returns
    -------
    Bars
        With the actions; ``unadjust(adjust(bars), bars.actions)`` is `bars` to rounding.

    Examples
    --------
    >>> days = np.array(["2024-01-03", "2024-01-04"], dtype="datetime64[D]")
    >>> bars = Bars.from_arrays(days, [50, 49], [50, 49], [50, 49], [50, 49], symbols="X")
    >>> one = CorporateAction(ts=instant_ns("2024-01-04"), instrument=bars.instruments[0], kind=ActionKind.DIVIDEND,
    ...                       value=1.0)
    >>> unadjust(adjust(bars, [one]), [one]).close[:, 0].tolist()
    [50.0, 49.0]
    """
    rule = _checked(kind, rule, direction)
    given = tuple(actions)
    cutoff = _cutoff(bars, as_of)
    price, volume = np.ones(bars.close.shape), np.ones(bars.close.shape)
    own = _by_instrument(given)
    for j, instrument in enumerate(bars.instruments):
        close = bars.close[:, j]
        known = np.flatnonzero(np.isfinite(close))
        groups, _ = _groups(bars, known, own.get(instrument, []), kind, rule, cutoff, given=True)
        steps: list[tuple[int, float, float]] = []
        reach = 1.0
        for group in reversed(groups) if direction == "backward" else groups:
            d, ratio = group.dividend(kind), group.ratio
            if direction == "backward":
                before = (float(close[group.before]) / reach + d) * ratio
                after = float(close[group.row]) / reach if group.row < bars.n_bars else np.nan
            else:
                before = float(close[group.before]) / reach
                after = float(close[group.row]) / (reach * ratio) - d if group.row < bars.n_bars else np.nan
            factor = _factor(instrument.id, group, d, rule, before, after)
            steps.append((group.row, factor, ratio))
            reach = reach * factor if direction == "backward" else reach / factor
        price[:, j], volume[:, j] = _columns(sorted(steps), bars.n_bars, direction)
    origin = replace(bars.provenance, adjusted="raw").with_note(f"adjustment for {kind} undone ({direction}, {rule})")
    kept = tuple(sorted(given, key=lambda action: action.ts))
    return scaled(bars, 1.0 / price, 1.0 / volume, origin, kept)


def factors(
    bars: Bars,
    actions: Iterable[CorporateAction] | None = None,
    *,
    kind: str = "split+dividend",
    rule: str = "previous_close",
    as_of: Instant | None = None,
    direction: str = "backward",
) -> Factors:
    """Arrays by which raw prices and volumes are multiplied; see `adjust` for the arguments.

    Returns
    -------
    Factors

    Examples
    --------
    >>> days = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
    >>> bars = Bars.from_arrays(days, [100, 50], [100, 50], [100, 50], [100, 50], symbols="X")
    >>> two = CorporateAction(ts=instant_ns("2024-01-03"), instrument=bars.instruments[0], kind=ActionKind.SPLIT,
    ...                       value=2.0)
    >>> made = factors(bars, [two])
    >>> made.price[:, 0].tolist(), made.volume[:, 0].tolist()
    ([0.5, 1.0], [2.0, 1.0])
    """
    rule = _checked(kind, rule, direction)
    given = bars.actions if actions is None else tuple(actions)
    _refuse_twice(bars, given if actions is not None else (), kind)
    cutoff = _cutoff(bars, as_of)
    price, volume = np.ones(bars.close.shape), np.ones(bars.close.shape)
    own = _by_instrument(given)
    steps: list[Step] = []
    pending: list[CorporateAction] = []
    for j, instrument in enumerate(bars.instruments):
        known = np.flatnonzero(np.isfinite(bars.close[:, j]))
        groups, later = _groups(bars, known, own.get(instrument, []), kind, rule, cutoff)
        mine: list[Step] = []
        for group in groups:
            d = group.dividend(kind)
            after = float(bars.close[group.row, j]) if group.row < bars.n_bars else np.nan
            factor = _factor(instrument.id, group, d, rule, float(bars.close[group.before, j]), after)
            mine.append(Step(instrument.id, group.row, group.ratio, d, factor, group.actions))
        points = [(step.row, step.factor, step.ratio) for step in mine]
        if points:
            price[:, j], volume[:, j] = _columns(points, bars.n_bars, direction)
        kept = [pair for group in groups for pair in group.dividends] if kind == "split" else []
        for action, value in (*kept, *later):
            scale = _scale_at(points, _row(bars, known, action.ts), direction)
            if action.kind is ActionKind.SPLIT:
                pending.append(action)
            else:
                # Units of another instrument per share of the adjusted prices, or money.
                pending.append(replace(action, value=value * scale))
        steps += mine
    return Factors(price, volume, tuple(steps), tuple(pending), kind, rule, direction)


def action_rows(bars: Bars) -> list[tuple[int, int, CorporateAction, float]]:
    """When the actions of some bars take effect in a run, and their values as the order engine takes them.

    Returns
    -------
    list of (row, column, action, value)
        In order; in one row splits, dividends, spin-offs, mergers, delistings, where a dividend (or spin-off) that is
        older than a split of the same row is restated per new share. Actions of other instruments and after the last
        bar are left out.

    Examples
    --------
    >>> days = np.array(["2024-01-02", "2024-01-05"], dtype="datetime64[D]")
    >>> x = Bars.from_arrays(days, [100, 50], [100, 50], [100, 50], [100, 50], symbols="X").instruments[0]
    >>> two = CorporateAction(ts=instant_ns("2024-01-05"), instrument=x, kind=ActionKind.SPLIT, value=2.0)
    >>> one = CorporateAction(ts=instant_ns("2024-01-03"), instrument=x, kind=ActionKind.DIVIDEND, value=1.0)
    >>> bars = Bars.from_arrays(days, [100, 50], [100, 50], [100, 50], [100, 50], symbols="X", actions=[two, one])
    >>> [(row, str(action.kind), value) for row, _, action, value in action_rows(bars)]
    [(1, 'split', 2.0), (1, 'dividend', 0.5)]
    """
    ranks = {kind: rank for rank, kind in enumerate(_ORDER)}
    columns = {instrument: j for j, instrument in enumerate(bars.instruments)}
    found = [action for action in bars.actions if action.kind in ranks and action.instrument in columns]
    rows = np.searchsorted(bars.ts, np.array([action.ts for action in found], dtype=np.int64), side="left").tolist()
    splits: dict[tuple[int, int], list[CorporateAction]] = {}
    for row, action in zip(rows, found, strict=True):
        if action.kind is ActionKind.SPLIT:
            splits.setdefault((row, columns[action.instrument]), []).append(action)
    out: list[tuple[int, int, int, int, CorporateAction, float]] = []
    for number, (row, action) in enumerate(zip(rows, found, strict=True)):
        if row == bars.n_bars:
            continue
        column, value = columns[action.instrument], action.value
        if action.kind in {ActionKind.DIVIDEND, ActionKind.SPIN_OFF}:
            for split in splits.get((row, column), ()):
                value /= split.value if split.ts > action.ts else 1.0
        out.append((row, ranks[action.kind], number, column, action, value))
    out.sort(key=lambda item: item[:3])
    return [(row, column, action, value) for row, _, _, column, action, value in out]


def scaled(bars: Bars, price: F64, volume: F64, provenance: Provenance, actions: tuple[CorporateAction, ...]) -> Bars:
    """Bars with prices and volumes multiplied by arrays of their shape.

    Examples
    --------
    >>> bars = Bars.from_arrays(None, [1, 2], [1, 2], [1, 2], [1, 2], [3, 4])
    >>> scaled(bars, bars.close * 0 + 2, bars.close * 0 + 0.5, bars.provenance, ()).volume[:, 0].tolist()
    [1.5, 2.0]
    """
    opened, high, low, close = (np.ascontiguousarray(getattr(bars, name) * price) for name in _PRICES)
    traded = np.ascontiguousarray(bars.volume * volume)
    return Bars(bars.ts, opened, high, low, close, traded, bars.instruments, bars.interval_ns, provenance, actions)


# --- private ------------------------------------------------------------------------------------------


def _checked(kind: str, rule: str, direction: str) -> str:
    """Refuse unknown words; the rule's own name."""
    named = _ALIASES.get(rule.replace(" ", "").lower(), rule)
    for name, value, known in (("kind", kind, KINDS), ("rule", named, RULES), ("direction", direction, DIRECTIONS)):
        if value not in known:
            raise InputError(f"{name} is {value!r}{closest(value, known) or '.'} It must be one of {', '.join(known)}.")
    return named


def _cutoff(bars: Bars, as_of: Instant | None) -> int:
    if as_of is not None:
        return instant_ns(as_of, last=True)
    return int(bars.ts[-1]) if bars.n_bars else 0


def _refuse_twice(bars: Bars, given: tuple[CorporateAction, ...], kind: str) -> None:
    """Refuse actions given for prices that are said to contain them."""
    held = bars.provenance.adjusted
    kinds = {action.kind for action in given if action.instrument in set(bars.instruments)}
    again = held == "split+dividend" and kinds & {ActionKind.SPLIT, *_PAID}
    if again or (held == "split" and ActionKind.SPLIT in kinds):
        raise InputError(
            f"The prices of {', '.join(bars.symbols[:5])} are adjusted for {held} already; adjusting them for {kind} "
            "would count it twice. Leave those actions out, or load the prices with adjusted='raw' if they are."
        )


def _row(bars: Bars, known: npt.NDArray[np.int64], ts: int) -> int:
    """First of the rows a column has that is stamped at or after `ts`; ``n_bars`` without one."""
    at = int(np.searchsorted(known, np.searchsorted(bars.ts, ts, side="left")))
    return int(known[at]) if at < known.size else bars.n_bars


def _by_instrument(given: Iterable[CorporateAction]) -> dict[Instrument, list[CorporateAction]]:
    """Splits, dividends and spin-offs of each instrument in order of time, splits of an instant first."""
    out: dict[Instrument, list[CorporateAction]] = {}
    for action in given:
        if action.kind is ActionKind.SPLIT or action.kind in _PAID:
            out.setdefault(action.instrument, []).append(action)
    for own in out.values():
        own.sort(key=lambda action: (action.ts, action.kind in _PAID))
    return out


def _groups(
    bars: Bars,
    known: npt.NDArray[np.int64],
    own: list[CorporateAction],
    kind: str,
    rule: str,
    cutoff: int,
    *,
    given: bool = False,
) -> tuple[list[_Group], list[tuple[CorporateAction, float]]]:
    """Actions of one column bar by bar, and those that are not applied with their values.

    An action before the first bar changes nothing and is left out.
    """
    later: list[tuple[CorporateAction, float]] = [(action, action.value) for action in own if action.ts > cutoff]
    by_row: dict[int, list[CorporateAction]] = {}
    for action in own:
        if action.ts <= cutoff:
            by_row.setdefault(_row(bars, known, action.ts), []).append(action)
    out: list[_Group] = []
    for row, actions in sorted(by_row.items()):
        before = int(np.searchsorted(known, row, side="left")) - 1
        if before < 0:
            continue
        ahead = row == bars.n_bars or int(bars.ts[row]) > cutoff
        if ahead and rule == "ex_close" and kind != "split":
            # Its rule asks for a close that is not known yet.
            later += [(action, action.value) for action in actions if action.kind in _PAID]
            actions = [action for action in actions if action.kind is ActionKind.SPLIT]
            if not actions:
                continue
        ratio, dividends, cash = 1.0, [], 0.0
        for action in reversed(actions):
            if action.kind is ActionKind.SPLIT:
                ratio *= action.value
            else:
                dividends.append((action, action.value / ratio))
                cash += 0.0 if kind == "split" else worth_of(bars, action, row, stated=given) / ratio
        out.append(_Group(row, int(known[before]), ratio, cash, tuple(reversed(dividends)), tuple(actions)))
    return out, later


def worth_of(bars: Bars, action: CorporateAction, row: int, *, stated: bool = False) -> float:
    """Money that a dividend or spin-off takes out of the price of one share.

    Parameters
    ----------
    bars : Bars
        In which the bars of what is spun off may stand.
    action : CorporateAction
    row : int
        At which it takes effect.
    stated : bool, optional
        Only a stated price will do, for the bars are not as they were quoted.

    Raises
    ------
    InputError
        If no price of what is spun off is known.

    Examples
    --------
    >>> days = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
    >>> bars = Bars.from_arrays(days, *[[[10, np.nan], [8, 4]]] * 4, symbols=["X", "Y"])
    >>> spun = CorporateAction(ts=instant_ns("2024-01-03"), instrument=bars.instruments[0], kind=ActionKind.SPIN_OFF,
    ...                        value=0.5, new_symbol="Y")
    >>> worth_of(bars, spun, 1)
    2.0
    """
    if action.kind is not ActionKind.SPIN_OFF:
        return action.value
    price = action.price
    column = column_of(bars, action.new_symbol)
    if column is not None and not price and not stated:
        earlier = np.flatnonzero(np.isfinite(bars.close[:row, column]))
        if earlier.size:
            price = float(bars.close[earlier[-1], column])
            # Splits of what is spun off between its last close and this row.
            for at, j, other, _ in action_rows(bars):
                if j == column and other.kind is ActionKind.SPLIT and earlier[-1] < at <= row:
                    price /= other.value
        elif row < bars.n_bars and np.isfinite(bars.open[row, column]):
            price = float(bars.open[row, column])
    if not price:
        raise InputError(
            f"What {action.instrument.symbol} spun off on {utc(action.ts):%Y-%m-%d} has no price: {action.new_symbol} "
            "is not among the instruments, or has no bar on that day. Load it too, or state the price of one new share "
            "(column `price` of the actions)."
        )
    multiplier = action.instrument.multiplier if column is None else bars.instruments[column].multiplier
    return action.value * price * (multiplier / action.instrument.multiplier)


def column_of(bars: Bars, symbol: str) -> int | None:
    """Column of a symbol or id; None when it is not there."""
    return next(
        (j for j, instrument in enumerate(bars.instruments) if symbol in {instrument.symbol, instrument.id}), None
    )


def _factor(symbol: str, group: _Group, dividend: float, rule: str, before: float, after: float) -> float:
    """Factor of earlier prices."""
    if dividend == 0.0:
        return 1.0 / group.ratio
    if not dividend < before / group.ratio:
        day, price = utc(group.dividends[0][0].ts), before / group.ratio
        raise InconsistentDataError(
            f"{symbol} pays {dividend:g} per share on {day:%Y-%m-%d}, but its price before was {price:g}; a dividend "
            "must be smaller. Correct the action, or check whether prices and dividends are in one unit."
        )
    if rule == "previous_close":
        return (before / group.ratio - dividend) / before
    return 1.0 / (group.ratio * (1.0 + dividend / after))


def _columns(points: list[tuple[int, float, float]], n_bars: int, direction: str) -> tuple[F64, F64]:
    """Price and volume factors of one column from (row, factor, ratio) in order of rows."""
    price, volume = np.ones(n_bars), np.ones(n_bars)
    scale = shares = 1.0
    if direction == "backward":
        end = n_bars
        for row, factor, ratio in reversed(points):
            price[row:end], volume[row:end] = scale, shares
            scale, shares, end = scale * factor, shares * ratio, row
        price[:end], volume[:end] = scale, shares
        return price, volume
    start = 0
    for row, factor, ratio in points:
        price[start:row], volume[start:row] = scale, shares
        scale, shares, start = scale / factor, shares / ratio, row
    price[start:], volume[start:] = scale, shares
    return price, volume


def _scale_at(points: list[tuple[int, float, float]], row: int, direction: str) -> float:
    """Price factor of a row, also of one after the last."""
    scale = 1.0
    for at, factor, _ in reversed(points) if direction == "backward" else points:
        if direction == "backward" and at > row:
            scale *= factor
        elif direction == "forward" and at <= row:
            scale /= factor
    return scale


def _others(bars: Bars, given: tuple[CorporateAction, ...], made: Factors) -> list[CorporateAction]:
    """Delistings and mergers, per share of the adjusted prices, and changes of symbol.

    Actions of other instruments are dropped.
    """
    out: list[CorporateAction] = []
    columns = {instrument: j for j, instrument in enumerate(bars.instruments)}
    for action in given:
        if action.instrument not in columns or action.kind is ActionKind.SPLIT or action.kind in _PAID:
            continue
        if action.kind in {ActionKind.DELISTING, ActionKind.MERGER}:
            symbol = action.instrument.id
            points = [(step.row, step.factor, step.ratio) for step in made.steps if step.symbol == symbol]
            known = np.flatnonzero(np.isfinite(bars.close[:, columns[action.instrument]]))
            scale = _scale_at(points, _row(bars, known, action.ts), made.direction)
            action = replace(action, value=action.value * scale, cash=action.cash * scale)
        out.append(action)
    return out


def _received(bars: Bars, action: CorporateAction, made: Factors) -> CorporateAction:
    """A spin-off or merger in units and prices of the adjusted bars of what is received."""
    column = column_of(bars, action.new_symbol) if action.exchanges else None
    if column is None:
        return action
    symbol = bars.instruments[column].id
    points = [(step.row, step.factor, step.ratio) for step in made.steps if step.symbol == symbol]
    known = np.flatnonzero(np.isfinite(bars.close[:, column]))
    scale = _scale_at(points, _row(bars, known, action.ts), made.direction)
    return replace(action, value=action.value / scale, price=action.price * scale)


def _told(bars: Bars, made: Factors, as_of: Instant | None) -> Provenance:
    """Provenance of adjusted bars."""
    origin = bars.provenance
    if not made.steps and not made.pending and origin.adjusted == "unknown":
        return origin.with_note(f"no splits or dividends are known: nothing to adjust for ({made.kind})")
    spun = sum(action.kind is ActionKind.SPIN_OFF for step in made.steps for action in step.actions)
    splits = sum(action.kind is ActionKind.SPLIT for step in made.steps for action in step.actions)
    paid = 0 if made.kind == "split" else sum(len(step.actions) for step in made.steps) - splits - spun
    what = f"{splits} split{'s' * (splits != 1)}"
    if made.kind != "split":
        what += f", {spun} spin-off{'s' * (spun != 1)} at their worth" if spun else ""
        what += f" and {paid} dividend{'s' * (paid != 1)}, {made.rule}: {FORMULAS[made.rule]}"
    when = "" if as_of is None else f", as of {as_of}"
    stronger = "split+dividend" if origin.adjusted == "split+dividend" else made.kind
    return replace(origin, adjusted=stronger).with_note(f"adjusted {made.direction} for {what}{when}")
