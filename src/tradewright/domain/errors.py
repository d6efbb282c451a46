"""One tree of errors, named for what one does about them.

Entry points: `TradewrightError` and its children, `closest` for messages about mistyped names.

Invariants: a message is a sentence with the offending value, the limit and the next step; every class carries the
`exit_code` with which a command ends when nobody caught it. A refused order, a halted day and a bar without a signal
are values (`Refusal`, `TradingState`, a zero), not errors.

| exit code | meaning |
|---|---|
| 2 | usage or configuration |
| 3 | data |
| 4 | risk halt |
| 5 | broker |
| 70 | a bug of ours |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "BrokerError",
    "ConfigError",
    "DataError",
    "DataProviderError",
    "EngineError",
    "ExecutionError",
    "InconsistentDataError",
    "InputError",
    "InvariantError",
    "MissingDataError",
    "ModelError",
    "NotFittedError",
    "OrderValidationError",
    "PortfolioUpdateError",
    "ReconciliationError",
    "RiskHaltError",
    "SolverError",
    "StaleDataError",
    "TradewrightError",
    "TransientBrokerError",
    "closest",
]


class TradewrightError(Exception):
    """Root of everything this package raises on purpose."""

    exit_code: ClassVar[int] = 70


class ConfigError(TradewrightError):
    """A configuration cannot be used: correct the file, variable or option that the message names."""

    exit_code: ClassVar[int] = 2


class InputError(TradewrightError, ValueError):
    """An argument is outside what a function accepts: correct the call."""

    exit_code: ClassVar[int] = 2


class DataError(TradewrightError):
    """Market data cannot be believed or found: look at the data."""

    exit_code: ClassVar[int] = 3


class MissingDataError(DataError):
    """Data that is needed is not there: get it, or ask for another range."""


class StaleDataError(DataError):
    """The newest data is too old to act on: wait for the feed or check it."""


class InconsistentDataError(DataError):
    """Two facts in the data contradict each other: repair or quarantine it."""


class ModelError(TradewrightError):
    """Something that learns or searches has no answer."""

    exit_code: ClassVar[int] = 3


class NotFittedError(ModelError):
    """A model was asked before it was fitted: fit it first."""

    exit_code: ClassVar[int] = 2


class SolverError(ModelError):
    """An optimisation did not converge or has no solution: loosen its constraints."""


class BrokerError(TradewrightError):
    """A broker refused or failed for good: a person has to look."""

    exit_code: ClassVar[int] = 5


class TransientBrokerError(BrokerError):
    """A broker failed for now: try the same request again later."""


class ReconciliationError(BrokerError):
    """Our book and the broker's disagree and nothing explains it: stop trading until it is explained."""


class RiskHaltError(TradewrightError):
    """A risk limit stopped the run: trading stays halted until an operator resumes it."""

    exit_code: ClassVar[int] = 4


class InvariantError(TradewrightError):
    """Something that can never happen did: report it as a bug."""


class EngineError(TradewrightError):
    """The order engine was asked for something it cannot do (parent of the order errors)."""


class OrderValidationError(EngineError, InputError):
    """An order contradicts itself (a limit order without a limit): correct the order."""

    exit_code: ClassVar[int] = 2


class ExecutionError(EngineError):
    """An order could not be carried out for a reason that is not a market outcome."""


class PortfolioUpdateError(EngineError, InvariantError):
    """A fill or cash movement cannot belong to this portfolio (wrong instrument, applied twice)."""


class DataProviderError(EngineError, DataError):
    """A source of market data failed: try again, or choose another provider."""

    exit_code: ClassVar[int] = 3


def closest(name: str, known: Iterable[str], *, limit: int = 3) -> str:
    """Text to append to a message about an unknown name.

    Parameters
    ----------
    name : str
        What was given.
    known : iterable of str
        What would have been accepted.
    limit : int
        At most this many suggestions.

    Returns
    -------
    str
        ``", did you mean 'x'?"``, or an empty string when nothing is near. Comparison ignores case.

    Examples
    --------
    >>> "unknown field 'clsoe'" + closest("clsoe", ["open", "close"])
    "unknown field 'clsoe', did you mean 'close'?"
    >>> closest("zzz", ["open", "close"])
    ''
    """
    import difflib

    originals: dict[str, str] = {}
    for candidate in known:
        originals.setdefault(candidate.casefold(), candidate)
    near = difflib.get_close_matches(name.casefold(), list(originals), n=limit, cutoff=0.6)
    if not near:
        return ""
    words = [repr(str(originals[match])) for match in near]
    text = words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
    return f", did you mean {text}?"
