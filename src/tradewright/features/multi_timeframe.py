"""Features of longer bars on the rows of shorter ones: only closed bars are seen.

Entry points: the feature ``longer``; `longer_interval`.

Invariants: a row sees the newest longer bar that closed at or before it, never the one it is part of; which bar that is
does not depend on later rows (`tradewright.data.resample`, `tradewright.data.timeframes.join`).
"""

from __future__ import annotations

from typing import Any, Final

from tradewright.domain.errors import InputError
from tradewright.features.feature import define, length
from tradewright.features.indicators.spec import whole

__all__ = ["longer_interval"]

_DAY_NS: Final = 86_400_000_000_000
_STEPS: Final = ("5min", "1h", "1d", "1w", "1mo", "1q", "1y")


def longer_interval(interval: str, interval_ns: int) -> str:
    """Length of the longer bars that ``next`` and ``next2`` mean for bars of some length.

    Parameters
    ----------
    interval : str
        ``"next"``, ``"next2"``, or a length, which is given back.
    interval_ns : int
        Length of the bars.

    Returns
    -------
    str
        The next of 5 minutes, hour, day, week, month, quarter and year that is at least four times as long, or the one
        after it. (Of 15-minute bars: an hour, a day. Of daily bars: a week, a month.)

    Raises
    ------
    InputError
        If the length of the bars is not known.

    Examples
    --------
    >>> fifteen = 15 * 60 * 10**9
    >>> longer_interval("next", fifteen), longer_interval("next2", fifteen), longer_interval("next", 96 * fifteen)
    ('1h', '1d', '1w')
    """
    from tradewright.data.intervals import interval_ns as nanoseconds

    if interval not in {"next", "next2"}:
        return interval
    if interval_ns <= 0:
        raise InputError("The length of the bars is not known, so there is no next longer one; name it, such as 1d.")
    # A trading day is shorter than a day: an hour may be a seventh of it, so days and more need not be four times.
    beyond = [
        step
        for step in _STEPS
        if nanoseconds(step) >= (4 * interval_ns if nanoseconds(step) < _DAY_NS else interval_ns + 1)
    ]
    if interval_ns >= nanoseconds("1d"):
        beyond = [step for step in _STEPS if nanoseconds(step) > 3 * interval_ns]
    place = {"next": 0, "next2": 1}[interval]
    if len(beyond) <= place:
        raise InputError(f"There is no longer bar for interval {interval!r}; name one, or leave the feature out.")
    return beyond[place]


_OF: Final[tuple[dict[str, Any], ...]] = (
    {"feature": "log_return", "window": 1},
    {"feature": "rsi", "window": 14},
    {"feature": "distance_to_mean", "window": 20},
    {"feature": "historical_volatility", "window": 20},
)


@define(
    "On longer bars",
    family="multi_timeframe",
    kind="longer",
    takes={"of": {"feature": "log_return", "window": 1}},
    params=[
        length("interval", "next", "length of the longer bars; next and next2 are the usual ones", relative=True),
        whole("lag", 0, 0, about="closed bars further back"),
    ],
    unit="that of `of`",
    source="Murphy (1999), Technical Analysis of the Financial Markets, ch. 8",
    notes="Bars are resampled by the calendar of the exchange; the newest that is closed counts, and stays until "
    "the next closes. Rows outside of the sessions are not part of bars of a day and more.",
    known_at="the close of the longer bar",
    event=True,
    standard=[{"interval": word, "of": of} for word in ("next", "next2") for of in _OF],
)
def longer(interval: str, of: Any) -> None:
    """Value of a feature at the newest closed longer bar; computed by the pipeline, which resamples once for all."""
