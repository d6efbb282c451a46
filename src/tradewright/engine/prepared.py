"""Bars and settings made ready for the engine, once.

Entry points: `Prepared`, `prepare`, `checked`, `spec_of`, `market_of`, `adjusted_bars`.

Invariants: what is derived from bars alone (session ordinals, periods per year, the checked arrays, ATR and
volatility) is kept with the bars and lives as long as they do; a second run on the same bars and settings builds
nothing again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.data.calendars import periods_per_year, session_ordinals
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import utc
from tradewright.domain.errors import ConfigError, InputError, MissingDataError
from tradewright.domain.instrument import AssetClass
from tradewright.kernel import core

if TYPE_CHECKING:
    from tradewright.data.sanity import SanityReport
    from tradewright.domain.bars import Bars
    from tradewright.engine.settings import Settings

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["Prepared", "adjusted_bars", "checked", "market_of", "memory_of", "periods_of", "prepare", "spec_of"]

_DAY_NS: Final = 86_400_000_000_000
_FUNDING_NS: Final = _DAY_NS // 3
_FUNDED: Final = frozenset({AssetClass.CRYPTO, AssetClass.FUTURE})
_LEAP: Final = 40.0
_CODES: Final = {
    ActionKind.SPLIT: 0,
    ActionKind.DIVIDEND: 1,
    ActionKind.DELISTING: 2,
    ActionKind.SPIN_OFF: 3,
    ActionKind.MERGER: 4,
}
_EXCHANGES: Final = frozenset({ActionKind.SPIN_OFF, ActionKind.MERGER})
KEPT_RUNS: Final = 64
"""How many prepared runs one set of bars remembers."""


class Prepared:
    """One set of bars under one set of settings, ready to run.

    Attributes
    ----------
    bars : Bars
        Checked, cut to the range.
    settings : Settings
    market : core.Market
    spec : core.Spec
    periods_per_year : float
    periods_reason : str
    findings : SanityReport or None
        None when the bars were not judged.
    memory : dict
        Of this pair: what later runs may reuse (decisions of named strategies are not kept here).
    """

    __slots__ = (
        "_findings",
        "_validated",
        "bars",
        "market",
        "memory",
        "periods_per_year",
        "periods_reason",
        "settings",
        "spec",
    )

    def __init__(
        self,
        bars: Bars,
        settings: Settings,
        findings: SanityReport | None,
        detail: Bars | None = None,
        *,
        validated: bool = True,
    ) -> None:
        if bars.n_bars == 0:
            raise MissingDataError("There are no bars in this range; choose another --start and --end.")
        self.bars = bars
        self.settings = settings
        self._findings = findings
        self._validated = validated
        self.periods_per_year, self.periods_reason = periods_of(bars)
        self.market = market_of(bars, settings, detail)
        self.spec = spec_of(bars, settings, self.periods_per_year)
        self.memory: dict[str, Any] = {}

    @property
    def adjusted(self) -> tuple[Bars, core.Market] | None:
        """Bars adjusted for what their prices do not contain, and the engine's view of them, for decisions only."""
        seen = adjusted_bars(self.bars)
        return None if seen is None else (seen, market_of(seen, self.settings))

    @property
    def findings(self) -> SanityReport | None:
        """What the data rules found; None when the bars were not judged.

        Bars that came through the loader bring their report along. Of bars that were handed in, those that cannot be
        traded are taken out before the run; what only deserves a warning is looked for when somebody asks.
        """
        if self._findings is None and self._validated:
            memory = memory_of(self.bars)
            known: SanityReport | None = memory.get("findings")
            if known is None:
                from tradewright.data.sanity import check

                known = memory["findings"] = check(self.bars)
            self._findings = known
        return self._findings


def memory_of(bars: Bars) -> dict[Any, Any]:
    """Return what the engine remembers about these bars (kept in the bars, so it ends with them)."""
    memory: dict[Any, Any] = bars._cache.setdefault("engine", {})
    return memory


def prepare(
    bars: Bars,
    settings: Settings,
    *,
    validate: bool = True,
    detail: Bars | None = None,
    findings: SanityReport | None = None,
) -> Prepared:
    """Check bars and make them ready under settings.

    Parameters
    ----------
    bars : Bars
    settings : Settings
    validate : bool
        False leaves the bars as they are; results say so.
    detail : Bars, optional
        Finer bars of the same instruments.
    findings : SanityReport, optional
        What was found when the bars were loaded; they are not judged again then.

    Raises
    ------
    MissingDataError
        If there are no bars.
    InconsistentDataError
        If no usable row is left.
    """
    if validate and findings is None:
        bars, findings = checked(bars)
    bars = _settled(bars)
    return Prepared(bars, settings, findings, detail, validated=validate)


def adjusted_bars(bars: Bars) -> Bars | None:
    """Bars as decisions may see them: adjusted forward for splits and dividends, None where there is nothing to adjust.

    Forward adjustment divides what comes after an action and leaves what was before it, so row ``t`` is made of prices
    and actions up to ``t`` and no later action ever changes it. The bars carry no actions: those would tell the future.

    Raises
    ------
    InconsistentDataError
        If a dividend is not smaller than the price before it.
    """
    if not bars.actions:
        return None
    memory = memory_of(bars)
    if "adjusted" not in memory:
        from tradewright.data.adjust import factors, scaled

        made = factors(bars, direction="forward")
        origin = bars.provenance.with_note("adjusted forward for what had happened by each bar")
        seen = scaled(bars, made.price, made.volume, origin, ()) if made.steps else None
        memory["adjusted"], memory["factors"] = seen, (made.price, made.volume)
    found: Bars | None = memory["adjusted"]
    return found


def _settled(bars: Bars) -> Bars:
    """Bars with changes of symbol joined and without what comes after a delisting or merger."""
    kinds = {action.kind for action in bars.actions}
    if not kinds & {ActionKind.SYMBOL_CHANGE, ActionKind.DELISTING, ActionKind.MERGER}:
        return bars
    memory = memory_of(bars)
    known: Bars | None = memory.get("settled")
    if known is None:
        from tradewright.data.corporate import join_symbols, listed

        known = memory["settled"] = listed(join_symbols(bars, bars.actions))
    return known


def checked(bars: Bars) -> tuple[Bars, SanityReport | None]:
    """Bars without their bad rows, and what was found; judged once per object."""
    memory = memory_of(bars)
    known: tuple[Bars, SanityReport | None] | None = memory.get("checked")
    if known is None:
        # Where closes never leap, the rules of `tradewright.data.sanity` object to single bars at most. They take
        # longer than the run itself, so they are asked only when something is found.
        if core.first_bad_bar(bars.open, bars.high, bars.low, bars.close, bars.volume, _LEAP) < 0:
            known = (bars, None)
        else:
            from tradewright.data.sanity import clean

            kept, report = clean(bars)
            known = (kept, report)
        memory["checked"] = known
    return known


def periods_of(bars: Bars) -> tuple[float, str]:
    """Bars in a year and why, computed once per object."""
    memory = memory_of(bars)
    known: tuple[float, str] | None = memory.get("periods")
    if known is None:
        known = memory["periods"] = periods_per_year(bars)
    return known


def market_of(bars: Bars, settings: Settings, detail: Bars | None = None) -> core.Market:
    """Return the engine's view of the bars; kept with them unless finer bars are given."""
    atr_window = settings.atr_window if settings.needs_atr else 0
    sigma_window = settings.sigma_window if settings.needs_sigma else 0
    memory = memory_of(bars)
    funding_rate = settings.costs.funding_rate
    key = ("market", atr_window, sigma_window, funding_rate)
    if detail is None and key in memory:
        market: core.Market = memory[key]
        return market
    seen = adjusted_bars(bars)
    factors: tuple[Array, Array] | None = None if seen is None else memory["factors"]
    # True ranges and volatilities across a split are those of the market alone, in prices of their own day.
    steady = bars if seen is None else seen
    atr = (
        _by_column(steady, lambda _, h, low, c: core.atr(h, low, c, atr_window), atr_window + 1) if atr_window else None
    )
    if atr is not None and factors is not None:
        atr = np.ascontiguousarray(atr / factors[0])
    market = core.Market(
        bars.ts,
        bars.open,
        bars.high,
        bars.low,
        bars.close,
        bars.volume,
        session=lambda: np.ascontiguousarray(session_ordinals(bars), dtype=np.int64),
        atr=atr,
        sigma=_by_column(steady, lambda *prices: _volatility(prices[3], sigma_window), sigma_window + 1)
        if sigma_window
        else None,
        funding=_funding(bars, funding_rate) if funding_rate else None,
        actions=_actions(bars),
        factors=factors,
        checked=memory.get("checked") == (bars, None),
        detail=None if detail is None else _detail(bars, detail),
    )
    if detail is None:
        memory[key] = market
    return market


def spec_of(bars: Bars, settings: Settings, periods: float) -> core.Spec:
    """Return the engine's settings for these instruments."""
    instruments = bars.instruments
    n_assets = len(instruments)
    per_asset: dict[str, list[float]] = {
        "tick": [i.tick for i in instruments],
        "lot": [i.lot if settings.lot is None else settings.lot for i in instruments],
        "min_notional": [i.min_notional for i in instruments],
        "multiplier": [i.multiplier for i in instruments],
    }
    arrays: dict[str, Any] = {
        name: values[0] if len(set(values)) == 1 else np.array(values, dtype=np.float64)
        for name, values in per_asset.items()
    }
    return core.Spec(n_assets, periods_per_year=periods, **settings.spec_settings(n_assets), **arrays)


def _by_column(bars: Bars, compute: Any, least: int) -> Array:
    """Apply a kernel to the rows at which each instrument has a bar; a row without one repeats the last value."""
    out = np.full((bars.n_bars, bars.n_assets), np.nan)
    for j in range(bars.n_assets):
        rows = np.flatnonzero(np.isfinite(bars.close[:, j]))
        if rows.size < least:
            continue
        fields = [np.ascontiguousarray(getattr(bars, name)[rows, j]) for name in ("open", "high", "low", "close")]
        values = compute(*fields)
        newest = np.searchsorted(rows, np.arange(bars.n_bars), side="right") - 1
        known = newest >= 0
        out[known, j] = values[newest[known]]
    return out


def _volatility(close: Array, window: int) -> Array:
    """Sample standard deviation of the last `window` log returns, known at the close of its row."""
    out = np.full(close.size, np.nan)
    changes = np.ascontiguousarray(np.diff(np.log(close)))
    out[1:] = core.rolling_std(changes, window, 1)
    return out


def _funding(bars: Bars, rate: float) -> Array:
    """Funding that falls due from one bar to the next: `rate` for every settlement (eight hours, UTC) in between."""
    settled = bars.ts // _FUNDING_NS
    times = np.diff(settled, prepend=settled[:1]).astype(np.float64)
    paying = np.array([i.asset_class in _FUNDED for i in bars.instruments], dtype=np.float64)
    if not paying.any():
        raise ConfigError(
            f"costs.funding_rate is {rate:g}, but neither a coin nor a future is among {', '.join(bars.symbols[:8])}; "
            "leave it at 0, or set it under asset_classes.crypto."
        )
    return np.ascontiguousarray(times[:, None] * (rate * paying)[None, :])


def _actions(bars: Bars) -> dict[str, Array] | None:
    if not bars.actions:
        return None
    from tradewright.data.adjust import action_rows, column_of

    rows = action_rows(bars)
    if not rows:
        return None
    out: dict[str, Array] = {
        "bar": np.array([row for row, _, _, _ in rows], dtype=np.int64),
        "asset": np.array([column for _, column, _, _ in rows], dtype=np.int64),
        "kind": np.array([_CODES[action.kind] for _, _, action, _ in rows], dtype=np.int8),
        "value": np.array([value for _, _, _, value in rows], dtype=np.float64),
    }
    if any(action.kind in _EXCHANGES for _, _, action, _ in rows):
        others = [column_of(bars, action.new_symbol) if action.exchanges else None for _, _, action, _ in rows]
        for (row, _, action, _), other in zip(rows, others, strict=True):
            _check_exchange(bars, row, action, other)
        out["other"] = np.array([-1 if other is None else other for other in others], dtype=np.int64)
        out["cash"] = np.array([action.cash for _, _, action, _ in rows], dtype=np.float64)
        out["price"] = np.array([action.price for _, _, action, _ in rows], dtype=np.float64)
    return out


def _check_exchange(bars: Bars, row: int, action: CorporateAction, other: int | None) -> None:
    """Refuse a spin-off or merger in something without a known price; on the first row nobody holds anything."""
    if not action.exchanges or action.price > 0.0 or row == 0:
        return
    what = f"The {action.kind} of {action.instrument.symbol} on {utc(action.ts):%Y-%m-%d} gives {action.new_symbol}, "
    if other is None:
        raise InputError(
            f"{what}which is not among the instruments of this run ({', '.join(bars.symbols[:8])}); load it too, or "
            "state its price (column `price` of the actions), at which it is then paid in cash."
        )
    if not (np.isfinite(bars.close[:row, other]).any() or np.isfinite(bars.open[row, other])):
        raise InputError(
            f"{what}which has no bar by then; state its price (column `price` of the actions), or load earlier bars."
        )


def _detail(bars: Bars, detail: Bars) -> tuple[Array, Array, Array, Array, Array]:
    finer = detail.select(bars.symbols)
    if finer.n_bars == 0 or int(finer.ts[0]) > int(bars.ts[-1]) or int(finer.ts[-1]) < int(bars.ts[0]):
        raise InputError(f"The finer bars ({finer!r}) do not overlap the bars ({bars!r}).")
    if finer.n_bars <= bars.n_bars and finer.interval_ns >= bars.interval_ns > 0:
        raise InputError("The detail bars are not finer than the bars themselves; swap them, or leave detail out.")
    owner = np.searchsorted(bars.ts, finer.ts, side="left")
    rows = np.flatnonzero(_inside(bars, finer, owner))
    if not rows.size:
        raise InputError(f"The finer bars ({finer!r}) do not lie inside of the bars ({bars!r}).")
    offsets = np.concatenate(
        [np.zeros(1, dtype=np.int64), np.searchsorted(owner[rows], np.arange(bars.n_bars), side="right")]
    ).astype(np.int64)
    alone = bars.n_assets == 1
    opened, high, low, close = (
        np.ascontiguousarray(field[rows, 0] if alone else field[rows])
        for field in (finer.open, finer.high, finer.low, finer.close)
    )
    return offsets, opened, high, low, close


def _inside(bars: Bars, finer: Bars, owner: Array) -> Array:
    """Which finer bars are part of the bar that closes next: not those of the night, nor after the last close."""
    known = owner < bars.n_bars
    owner = np.minimum(owner, bars.n_bars - 1)
    step = bars.interval_ns or (int(np.median(np.diff(bars.ts))) if bars.n_bars > 1 else 0)
    if step < _DAY_NS * 5 // 6:
        return known & (finer.ts > bars.ts[owner] - step)
    from tradewright.data.calendars import market_hours
    from tradewright.data.hours import MINUTE_NS
    from tradewright.data.zones import to_local

    hours = market_hours(bars)
    at_the_bell = (to_local(bars.ts - 1, hours.zone) % _DAY_NS // MINUTE_NS == hours.close_minute - 1).all()
    if hours.always_open or hours.overnight or not at_the_bell:
        return known & (finer.ts > bars.ts[owner] - step)
    minute = to_local(finer.ts - 1, hours.zone) % _DAY_NS // MINUTE_NS
    return known & (minute >= hours.open_minute) & (minute < hours.close_minute)
