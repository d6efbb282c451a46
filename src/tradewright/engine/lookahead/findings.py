"""What an examination found, in plain sentences.

Entry points: `Leak`, `Checked`, `RULES`, `next_step`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

__all__ = ["RULES", "Checked", "Leak", "next_step"]

RULES: Final[Mapping[str, str]] = {
    "future": "what was answered for a row changes when later rows do",
    "length": "what was answered for a row changes with the number of rows, though not with what they hold",
    "facts": "what was answered for a row changes with facts that were published later",
    "span": "a label changes with bars after the end of its span",
    "overlap": "a training label shares time with a test label",
    "embargo": "training rows follow a test fold without the embargo",
    "fold": "a row is in the training and the test part of one fold",
    "memory": "an answer depends on what was asked before",
    "chance": "an answer depends on chance: on the state of the global random generators, or on none at all",
    "clock": "an answer depends on the time of day at which it is asked",
    "process": "another process, with another hash seed and time zone, answers differently",
    "files": "data files or the network are read while answering",
    "hidden": "answers follow dates, but not the bars given: they come from data that the examination cannot change",
    "independent": "answers do not depend on the bars given, so nothing about them can be shown",
    "names": "answers depend on the names of the instruments, which are chosen with what is known today",
    "input": "the input is changed by the subject",
    "warm_up": "values come before the stated warm-up is over",
    "streaming": "row by row, other values come out than for all rows at once",
    "fitted": "a fitted model differs from the same model fitted on the past",
}
"""What can be found, by rule."""


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing that must not be.

    Parameters
    ----------
    rule : str
        Key of `RULES`.
    sentence : str
        What was seen.
    next_step : str
        What to do about it.
    row : int or None
        First row that leaks.
    time : str or None
        Close of that row, UTC.
    column : str
        Which output.
    looks_ahead : int or None
        Rows that it looks ahead at the least; to the end of the data where `to_the_end`.
    to_the_end : bool
    fields : tuple of str
        Which later fields it reads.
    future : str
        What was done to the later rows.
    cut : int or None
        First row that was changed.
    relative : float or None
        Difference relative to the largest value of the column; None where a value came or went.
    """

    rule: str
    sentence: str
    next_step: str
    row: int | None = None
    time: str | None = None
    column: str = ""
    looks_ahead: int | None = None
    to_the_end: bool = False
    fields: tuple[str, ...] = ()
    future: str = ""
    cut: int | None = None
    relative: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "fields": list(self.fields)}


@dataclass(frozen=True, slots=True)
class Checked:
    """One check: what was looked at, how often, and how it came out.

    Parameters
    ----------
    check, about : str
    runs : int
        Answers that were compared.
    outcome : {"clean", "leaks", "not checked"}
    why : str
        Why it was not checked, or what was noted.
    """

    check: str
    about: str
    runs: int
    outcome: str
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


_STEPS: Final[Mapping[str, str]] = {
    "length": "Count rows from the first one, never from the last, and do not let folds or windows depend on how many "
    "rows there are.",
    "facts": "Join facts by the time they were published, not by the period they are about, and take restated values "
    "from the day of the restatement on.",
    "span": "Let the span end at the last bar that the label reads.",
    "overlap": "Purge every training label whose span meets the test fold: the purge must be at least as long as the "
    "label.",
    "embargo": "Leave an embargo after each test fold.",
    "fold": "Take the test rows out of the training rows.",
    "memory": "Keep nothing from one call to the next: compute what is fitted inside of the call, from its own rows.",
    "chance": "Give every random generator a seed of its own.",
    "clock": "Take the time from the stamps of the bars.",
    "process": "Sort what comes out of sets, and give hash-like values a fixed function.",
    "files": "Hand the data over as dated facts (facts=...), with the time at which each row was published.",
    "hidden": "Hand the data over as dated facts (facts=...), so that its future can be changed too.",
    "independent": "Compute the answer from the bars that are given.",
    "names": "Choose instruments by dated membership (a universe with history), or accept it with allow=['names'].",
    "input": "Work on a copy.",
    "warm_up": "State the rows that are needed in warm_up, and answer NaN before.",
    "streaming": "Use the same recursion and the same seed in both.",
    "fitted": "Fit on the training rows only.",
}


def next_step(
    rule: str, *, ahead: int = 0, to_the_end: bool = False, fields: Sequence[str] = (), tiny: bool = False
) -> str:
    """What to do about a leak, by what was seen of it.

    Examples
    --------
    >>> next_step("future", ahead=1, fields=("open",))
    'The open of the next bar is not known when this one closes: decide at the close, and let the engine fill at the...
    """
    if rule != "future":
        return _STEPS.get(rule, "")
    if tiny:
        return (
            "The differences are as small as rounding, but they follow the later rows: a sum over all rows (an FFT "
            "convolution, a total) is involved. Compute each row from its own window."
        )
    if tuple(fields) == ("open",) and ahead == 1:
        return (
            "The open of the next bar is not known when this one closes: decide at the close, and let the engine fill "
            "at the next open."
        )
    if "actions" in fields and set(fields) <= {"actions"}:
        return "Adjust prices as of each row (splits up to that day), not by splits that come later."
    if "ts" in fields and set(fields) <= {"ts"}:
        return "Ask the exchange's calendar what comes next, not the stamps of later rows."
    if to_the_end:
        return (
            "Something is computed over all rows (a mean, scaling, ranking, fit, filter or backward fill). Compute it "
            "from the rows up to each one: expanding, rolling, or fitted on past rows."
        )
    if ahead == 1:
        return (
            "It reads the next bar: look for shift(-1), an index of t + 1, or a join that puts values a bar too early."
        )
    return (
        "It reads bars ahead: look for a negative shift, a centred window, a backward fill, or a bar of a higher "
        "timeframe (or session) that has not closed."
    )
