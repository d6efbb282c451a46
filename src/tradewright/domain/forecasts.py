"""What strategies and models believe, and the portfolio they want.

Entry points: `Signal`, `Regime`, `TargetWeights`, and the codes `LONG`, `FLAT`, `SHORT`, `HOLD` of signal arrays.

Invariants: scores and weights are signed and fractions, never percent; probabilities add up to one; whatever is not in
`TargetWeights` is cash.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .errors import InputError
from .instrument import Instrument

__all__ = ["FLAT", "HOLD", "LONG", "SHORT", "Regime", "Signal", "TargetWeights"]

LONG: Final = 1
FLAT: Final = 0
SHORT: Final = -1
HOLD: Final = -128
"""No opinion: whatever is held stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One strategy's forecast for one instrument.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC at which it was formed.
    instrument : Instrument
        What it is about.
    strategy : str
        Who says so.
    score : float
        In [-1, 1]; the sign is the direction.
    confidence : float
        In [0, 1].
    horizon : int
        Bars for which it is meant, 0 = until revoked.
    reason : str
        One sentence for people.

    Raises
    ------
    InputError
        If a number is out of its range.

    Examples
    --------
    >>> Signal(ts=0, instrument=Instrument("SPY"), strategy="sma", score=0.5).strength
    0.5
    """

    ts: int
    instrument: Instrument
    strategy: str
    score: float
    confidence: float = 1.0
    horizon: int = 0
    reason: str = ""

    def __post_init__(self) -> None:
        if not -1.0 <= self.score <= 1.0:
            raise InputError(
                f"score of {self.strategy} for {self.instrument} is {self.score!r}; it must be in [-1, 1]."
            )
        if not 0.0 <= self.confidence <= 1.0:
            raise InputError(
                f"confidence of {self.strategy} for {self.instrument} is {self.confidence!r}; it must be in [0, 1]."
            )
        if self.horizon < 0:
            raise InputError(f"horizon of {self.strategy} is {self.horizon}; it must be at least 0 bars.")

    @property
    def strength(self) -> float:
        """Score times confidence, in [-1, 1]."""
        return self.score * self.confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """Our belief about the state of a market.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC at which it was formed.
    probabilities : tuple of (str, float)
        One per named state, each in [0, 1], together 1 (within 1e-9).
    confidence : float
        In [0, 1].
    model : str
        Who says so.

    Raises
    ------
    InputError
        If the probabilities are not a distribution.

    Examples
    --------
    >>> Regime(ts=0, probabilities=(("calm", 0.75), ("stressed", 0.25))).state
    'calm'
    """

    ts: int
    probabilities: tuple[tuple[str, float], ...]
    confidence: float = 1.0
    model: str = ""

    def __post_init__(self) -> None:
        names = [name for name, _ in self.probabilities]
        if len(set(names)) != len(names) or not names:
            raise InputError(f"A regime needs states with different names, not {names}.")
        if any(not 0.0 <= p <= 1.0 for _, p in self.probabilities):
            raise InputError(f"Each probability of a regime must be in [0, 1], not {dict(self.probabilities)}.")
        total = math.fsum(p for _, p in self.probabilities)
        if abs(total - 1.0) > 1e-9:
            raise InputError(f"The probabilities of a regime add up to {total!r}; they must add up to 1.")
        if not 0.0 <= self.confidence <= 1.0:
            raise InputError(f"confidence of the regime is {self.confidence!r}; it must be in [0, 1].")

    @property
    def state(self) -> str:
        """Most probable state (the first of equals)."""
        return max(self.probabilities, key=lambda pair: pair[1])[0]

    def probability(self, state: str) -> float:
        """Probability of a state, 0 for a state that is not named."""
        return dict(self.probabilities).get(state, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetWeights:
    """The portfolio we want: signed fraction of equity per instrument; the rest is cash.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC at which it was decided.
    weights : tuple of (Instrument, float)
        Sorted by instrument id; `of` sorts. An instrument that is missing is left as it is; 0 closes it.
    reason : str
        One sentence for people.

    Raises
    ------
    InputError
        If a weight is not finite or an instrument appears twice.

    Examples
    --------
    >>> t = TargetWeights.of(0, {Instrument("SPY"): 0.5, Instrument("TLT"): -0.25})
    >>> t.gross, t.net, t.cash
    (0.75, 0.25, 0.75)
    """

    ts: int
    weights: tuple[tuple[Instrument, float], ...]
    reason: str = ""

    def __post_init__(self) -> None:
        ids = [instrument.id for instrument, _ in self.weights]
        if ids != sorted(set(ids)):
            raise InputError(f"Target weights need each instrument once and sorted by id, not {ids}; use of().")
        for instrument, weight in self.weights:
            if not math.isfinite(weight):
                raise InputError(f"Target weight of {instrument} is {weight!r}; it must be finite.")

    @classmethod
    def of(cls, ts: int, weights: Mapping[Instrument, float], reason: str = "") -> TargetWeights:
        """Target weights from a mapping, sorted by id."""
        ordered = sorted(weights.items(), key=lambda pair: pair[0].id)
        return cls(ts=ts, weights=tuple((i, float(w)) for i, w in ordered), reason=reason)

    @property
    def gross(self) -> float:
        """Sum of absolute weights."""
        return math.fsum(abs(weight) for _, weight in self.weights)

    @property
    def net(self) -> float:
        """Sum of weights."""
        return math.fsum(weight for _, weight in self.weights)

    @property
    def cash(self) -> float:
        """Fraction of equity left in cash; negative means borrowed."""
        return 1.0 - self.net

    def weight(self, instrument: Instrument) -> float | None:
        """Weight of an instrument; None when it is to be left as it is."""
        return dict(self.weights).get(instrument)
