"""The grammar of a trading session: what is said, in which order, and because of what.

Entry points: `Event`, `Slice`, `Command`, `Finding`, `TradingState`; `CorporateAction` is re-exported.

Invariants: events are numbered without gaps, and an event's cause has a smaller number, so from any event the chain of
causes leads back to a slice or a command. Payloads are nouns of this package, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from .actions import ActionKind, CorporateAction
from .bars import Bar
from .errors import InvariantError
from .forecasts import Regime, Signal, TargetWeights
from .instrument import Instrument
from .orders import ApprovedOrder, Fill, Order, OrderUpdate, Refusal
from .portfolio import AccountSnapshot, CashMovement

__all__ = [
    "ActionKind",
    "Checked",
    "Command",
    "CommandKind",
    "CorporateAction",
    "Event",
    "Finding",
    "Halt",
    "Opinion",
    "Payload",
    "Severity",
    "Slice",
    "TradingState",
]


class TradingState(StrEnum):
    """What trading is allowed: everything, only what reduces risk, or nothing new."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class Severity(StrEnum):
    """How bad a finding is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class CommandKind(StrEnum):
    """What an operator can wish for."""

    HALT = "halt"
    REDUCE = "reduce"
    RESUME = "resume"
    FLATTEN = "flatten"
    CANCEL_ALL = "cancel_all"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What became known at one instant.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC; every bar and action in it is stamped at or before.
    bars : tuple of Bar
        At most one per instrument, sorted by instrument id. An instrument without a bar is not there.
    actions : tuple of CorporateAction
        Taking effect now.

    Examples
    --------
    >>> spy = Instrument("SPY")
    >>> Slice(ts=5, bars=(Bar(5, spy, 1.0, 1.0, 1.0, 1.0),)).bar(spy).close
    1.0
    """

    ts: int
    bars: tuple[Bar, ...] = ()
    actions: tuple[CorporateAction, ...] = ()

    def bar(self, instrument: Instrument) -> Bar | None:
        """Bar of an instrument, None when it has none now."""
        for bar in self.bars:
            if bar.instrument == instrument:
                return bar
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about data or books that is not as it should be.

    Parameters
    ----------
    rule : str
        Name of the check.
    severity : Severity
        How bad it is.
    message : str
        A sentence with value, limit and next step.
    symbol : str
        Whom it concerns, empty for all.
    row : int or None
        Row of the bars (or line of the file) it was found at.
    ts : int or None
        Stamp it was found at, nanoseconds UTC.
    value : float or None
        Offending value.
    action : str
        What was done about it (``"kept"``, ``"quarantined"``, ``"dropped"``, ...).

    Examples
    --------
    >>> Finding(rule="high_low", severity=Severity.ERROR, message="...", symbol="SPY", row=3, value=-1.0).action
    'kept'
    """

    rule: str
    severity: Severity
    message: str
    symbol: str = ""
    row: int | None = None
    ts: int | None = None
    value: float | None = None
    action: str = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A slice that passed (or was repaired by) the data checks; strategies hear nothing else.

    Parameters
    ----------
    market : Slice
        What remains believable.
    rejected : tuple of Instrument
        Instruments whose bar was taken out.
    """

    market: Slice
    rejected: tuple[Instrument, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An operator's wish.

    Parameters
    ----------
    kind : CommandKind
        What is wanted.
    ts : int
        Nanoseconds UTC.
    author : str
        Who wants it (a person, or the name of an agent).
    reason : str
        Why.
    instrument : Instrument or None
        Only this one; None means everything.
    """

    kind: CommandKind
    ts: int
    author: str
    reason: str = ""
    instrument: Instrument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """A change of the trading state, by whom and why.

    Parameters
    ----------
    state : TradingState
        State from now on.
    ts : int
        Nanoseconds UTC.
    rule : str
        Which limit or command changed it.
    reason : str
        A sentence with value and limit.
    until : int or None
        When it ends by itself, None = when an operator resumes.
    """

    state: TradingState
    ts: int
    rule: str
    reason: str
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """A bounded number that an advisor (a language model) gave; kept, so that a replay never asks again.

    Parameters
    ----------
    ts : int
        Nanoseconds UTC.
    advisor : str
        Who was asked.
    question : str
        Name of the typed question.
    subject : str
        Instrument id or role it is about.
    answer : str
        One of the closed set of the question.
    effect : float
        Bounded multiplier or shift that follows from the answer.
    evidence : str
        Hash of the text that was sent and received.
    """

    ts: int
    advisor: str
    question: str
    subject: str
    answer: str
    effect: float
    evidence: str = ""


Payload: TypeAlias = (
    Slice
    | Checked
    | Signal
    | Regime
    | TargetWeights
    | Order
    | ApprovedOrder
    | Refusal
    | OrderUpdate
    | Fill
    | CashMovement
    | CorporateAction
    | AccountSnapshot
    | Finding
    | Halt
    | Opinion
    | Command
)
"""Everything that can be said in a session."""


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered fact in the journal.

    Parameters
    ----------
    seq : int
        Number, from 0 without gaps.
    ts : int
        Nanoseconds UTC at which it was published.
    cause : int or None
        Number of the event that it follows from; None for a slice, a command or a report from outside.
    payload : Payload
        What is said.

    Raises
    ------
    InvariantError
        If the cause is not an earlier event.

    Examples
    --------
    >>> Event(1, 0, 0, Slice(ts=0)).cause
    0
    """

    seq: int
    ts: int
    cause: int | None
    payload: Payload

    def __post_init__(self) -> None:
        if self.seq < 0 or (self.cause is not None and not 0 <= self.cause < self.seq):
            raise InvariantError(
                f"Event {self.seq} names event {self.cause} as its cause, which is not an earlier one."
            )
