"""Made-up prices: seeded, repeatable, and marked as made up wherever they go.

Entry point: `SyntheticProvider`.

Invariants: the provenance says synthetic, so every result does; one (seed, symbol, options) gives the same prices,
whatever other symbols are asked for; open, high, low and close agree with each other after rounding.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ...domain.bars import Instant, Provenance, instant_ns
from ...domain.errors import InputError, closest
from ...domain.instrument import Instrument
from ..hours import MINUTE_NS, MarketHours, hours_of, session_closes
from ..intervals import interval_name, interval_ns, unit_of
from ..raw import RawSeries
from ..zones import DAY_NS
from .base import Progress, SeriesProvider

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["REGIMES", "MarketState", "SyntheticProvider"]


@dataclass(frozen=True, slots=True)
class MarketState:
    """A state of the made-up market.

    Parameters
    ----------
    drift : float
        Expected log return a year.
    volatility : float
        Standard deviation of log returns a year.
    days : float
        Mean length of a stay, in sessions.
    """

    drift: float
    volatility: float
    days: float


REGIMES: Final[dict[str, tuple[MarketState, ...]]] = {
    "steady": (MarketState(0.06, 0.18, 1e9),),
    "calm-stress": (MarketState(0.12, 0.11, 250.0), MarketState(-0.25, 0.38, 50.0)),
    "bull-bear-side": (
        MarketState(0.20, 0.13, 180.0),
        MarketState(-0.30, 0.32, 60.0),
        MarketState(0.0, 0.10, 90.0),
    ),
}
"""Sets of states by name; each state is followed by any other with equal chance."""


_LAST_DAY: Final = int(np.datetime64("2199-12-31").astype(np.int64))


class SyntheticProvider(SeriesProvider):
    """Geometric random walks with open, high, low, close and volume.

    Parameters
    ----------
    seed : int
        Same seed, same prices.
    n_bars : int
        Bars of each symbol.
    interval : str
        Length of a bar.
    first : date or ISO text
        First session looked at.
    regime : str
        One of `REGIMES`.
    drift, volatility : float, optional
        Log return and its deviation a year; only for the regime ``"steady"``.
    correlation : float
        Share of variance that all symbols have in common, 0 to 1.
    price : float
        Price before the first bar.
    decimals : int
        Places that prices are rounded to.

    Notes
    -----
    A bar's path is a Brownian bridge between its open and close; its high and low are drawn from the exact law of the
    bridge's maximum, ``(a + b + sqrt((b - a)^2 - 2 s^2 ln u)) / 2`` (Siegmund 1986, conditioned on both ends), so the
    ratio of range to volatility is that of a continuous path.

    Examples
    --------
    >>> bars = SyntheticProvider(seed=7, n_bars=500).load(["DEMO"])
    >>> bars.n_bars, bars.provenance.synthetic
    (500, True)
    >>> bool((bars.low <= np.minimum(bars.open, bars.close)).all())
    True
    """

    name = "synthetic"

    def __init__(
        self,
        *,
        seed: int = 7,
        n_bars: int = 2_520,
        interval: str = "1d",
        first: Instant = "2015-01-02",
        regime: str = "steady",
        drift: float | None = None,
        volatility: float | None = None,
        correlation: float = 0.0,
        price: float = 100.0,
        decimals: int = 4,
    ) -> None:
        if regime not in REGIMES:
            raise InputError(
                f"There is no regime {regime!r}{closest(regime, REGIMES) or '.'} Known: {', '.join(REGIMES)}."
            )
        for what, value, low, high in (
            ("n_bars", n_bars, 1, 50_000_000), ("seed", seed, 0, 2**63), ("correlation", correlation, 0.0, 1.0),
            ("price", price, 10.0**-decimals, 1e9), ("volatility", volatility or 0.0, 0.0, 10.0),
        ):  # fmt: skip
            if not low <= value <= high:
                raise InputError(f"{what} is {value}; it must lie from {low:g} to {high:g}.")
        if regime != "steady" and (drift is not None or volatility is not None):
            raise InputError(
                f"The regime {regime!r} brings its own drift and volatility; give them with 'steady' only."
            )
        base = REGIMES["steady"][0]
        self.states = REGIMES[regime]
        if regime == "steady":
            self.states = (
                MarketState(base.drift if drift is None else drift,
                            base.volatility if volatility is None else volatility, base.days),
            )  # fmt: skip
        self.seed, self.n_bars, self.interval, self.first = seed, n_bars, interval, first
        self.regime, self.correlation, self.price, self.decimals = regime, correlation, price, decimals

    def symbols(self) -> tuple[str, ...]:
        """Return ``("DEMO",)``; every other symbol works too."""
        return ("DEMO",)

    def series(
        self, symbols: Sequence[str] | None, interval: str | None = None, *, progress: Progress | None = None
    ) -> list[RawSeries]:
        """Made-up rows of each symbol."""
        return [self._make(symbol, interval or self.interval) for symbol in symbols or self.symbols()]

    def _make(self, symbol: str, interval: str) -> RawSeries:
        instrument = Instrument.of(symbol)
        hours = hours_of(instrument.calendar)
        step = interval_ns(interval)
        ts, years = self._clock(hours, step)
        own = np.random.default_rng([self.seed, zlib.crc32(symbol.encode())])
        shared = np.random.default_rng([self.seed, 0])
        drift, volatility = self._states(shared, years * hours.sessions_per_year)
        rho = np.sqrt(self.correlation)
        noise = rho * shared.standard_normal(self.n_bars) + np.sqrt(1.0 - rho * rho) * own.standard_normal(self.n_bars)
        spread = volatility * np.sqrt(years)
        with np.errstate(over="ignore"):
            path = np.log(self.price) + np.cumsum(drift * years + spread * noise)
        close = path
        # A tenth of the variance happens between bars, so that opens gap.
        gap = 0.316 * spread * own.standard_normal(self.n_bars)
        opened = np.concatenate(([np.log(self.price)], close[:-1])) + gap
        up, down = (-2.0 * spread**2 * np.log(1.0 - own.random(self.n_bars)) for _ in range(2))
        width = (close - opened) ** 2
        high = (opened + close + np.sqrt(width + up)) / 2.0
        low = (opened + close - np.sqrt(width + down)) / 2.0
        smallest = 10.0**-self.decimals
        o, h, lo, c = (np.maximum(np.round(np.exp(x), self.decimals), smallest) for x in (opened, high, low, close))
        volume = np.round(1e6 * years * hours.sessions_per_year * np.exp(0.4 * own.standard_normal(self.n_bars)
                                                                          + 4.0 * np.abs(noise) * spread))  # fmt: skip
        described = f"synthetic: seed {self.seed}, {self.regime}, {self.n_bars} bars of {interval_name(step)}"
        return RawSeries(
            instrument=instrument,
            ts=ts,
            open=o,
            high=np.maximum(h, np.maximum(o, c)),
            low=np.minimum(lo, np.minimum(o, c)),
            close=c,
            volume=volume,
            interval_ns=step,
            provenance=Provenance(
                source=described, synthetic=True, adjusted="raw", notes=("synthetic: these prices were made up",)
            ),
        )

    def _clock(self, hours: MarketHours, step: int) -> tuple[npt.NDArray[np.int64], float]:
        """Stamps, and the length of a bar in years of trading time."""
        unit = unit_of(step)
        start = instant_ns(self.first) // DAY_NS
        if unit == "intraday":
            per_session = -(-hours.minutes * MINUTE_NS // step)
            days = self._days(start, -(-self.n_bars // per_session), hours)
            closes = session_closes(days, hours.calendar)
            opens = closes - hours.minutes * MINUTE_NS
            ends = np.minimum(opens[:, None] + step * np.arange(1, per_session + 1), closes[:, None])
            return ends.ravel()[: self.n_bars], 1.0 / (per_session * hours.sessions_per_year)
        if unit != "day" or step != DAY_NS:
            raise InputError(f"Made-up bars can be intraday or daily, not {interval_name(step)}; resample daily ones.")
        return session_closes(self._days(start, self.n_bars, hours), hours.calendar), 1.0 / hours.sessions_per_year

    def _days(self, start: int, n: int, hours: MarketHours) -> npt.NDArray[np.int64]:
        days = _open_days(start, n, hours)
        if days[-1] > _LAST_DAY:
            raise InputError(
                f"{self.n_bars} bars of {self.interval} from {self.first} on would end after the year 2199; "
                "ask for fewer bars, or shorter ones."
            )
        return days

    def _states(
        self, rng: np.random.Generator, sessions_per_bar: float
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Drift and volatility of each bar; one path of states for all symbols of a seed."""
        if len(self.states) == 1:
            state = self.states[0]
            return np.full(self.n_bars, state.drift), np.full(self.n_bars, state.volatility)
        drift, volatility = np.empty(self.n_bars), np.empty(self.n_bars)
        row, current = 0, 0
        while row < self.n_bars:
            state = self.states[current]
            stay = max(1, round(rng.exponential(state.days) / sessions_per_bar))
            drift[row : row + stay], volatility[row : row + stay] = state.drift, state.volatility
            row += stay
            current = (current + 1 + int(rng.integers(len(self.states) - 1))) % len(self.states)
        return drift, volatility


def _open_days(start: int, n: int, hours: MarketHours) -> npt.NDArray[np.int64]:
    """The first `n` days a market is open from `start` on; made-up markets have weekends but no holidays."""
    if hours.always_open:
        return start + np.arange(n, dtype=np.int64)
    first = np.busday_offset(np.int64(start).astype("datetime64[D]"), 0, roll="forward")
    days: npt.NDArray[np.int64] = np.busday_offset(first, np.arange(n)).astype(np.int64)
    return days
