"""Statistics that a few wild values do not bend: medians instead of means.

Entry points: `robust_z` (how many deviations a value lies from what came before it), `level_shifts` (where a noisy
level changes for good by a large factor), `Shift`.

Invariants: causal where it says so; NaN is never an outlier; nothing here knows bars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["MAD_TO_SIGMA", "Shift", "level_shifts", "robust_z"]

MAD_TO_SIGMA: Final = 1.4826
"""Median absolute deviation of a normal variable to its standard deviation."""

_FLOOR: Final = 1e-4
"""Least deviation of a return that is believed: of a price that hardly moves every tick would be wild otherwise."""


def robust_z(x: npt.NDArray[np.float64], *, window: int = 100, least: int = 20) -> npt.NDArray[np.float64]:
    """Distance of each value from the median of the values before it, in robust standard deviations.

    Parameters
    ----------
    x : float64 array, shape (n,)
        Such as log returns; NaN is left out.
    window : int
        Values before that are looked at. They are taken stock of every ``window // 4`` values (of very long series
        20,000 times), so a value is compared with the last `window` values before the latest stock-taking, never with
        itself.
    least : int
        Values before the first answer.

    Returns
    -------
    float64 array, shape (n,)
        NaN during the first `least` values and where `x` is NaN.

    Notes
    -----
    ``z = (x - median) / (1.4826 MAD)`` with MAD at least 0.0001. Source: Hampel (1974), "The influence curve and its
    role in robust estimation".

    Examples
    --------
    >>> x = np.tile([0.01, 0.0, -0.01], 30); x[50] = 0.5
    >>> float(np.round(robust_z(x)[50], 1)), int(np.nanargmax(np.abs(robust_z(x))))
    (33.7, 50)
    """
    n = x.size
    out = np.full(n, np.nan)
    seen = np.flatnonzero(np.isfinite(x))
    values = x[seen]
    step = max(1, window // 4, values.size // _STOCKS)
    for start in range(least, values.size, step):
        past = values[max(0, start - window) : start]
        middle = float(np.median(past))
        sigma = max(_FLOOR, MAD_TO_SIGMA * float(np.median(np.abs(past - middle))))
        out[seen[start : start + step]] = (values[start : start + step] - middle) / sigma
    return out


_STOCKS: Final = 20_000


class Shift(NamedTuple):
    """A change of level.

    Parameters
    ----------
    row : int
        First value on the new level.
    factor : float
        New level over old.
    """

    row: int
    factor: float


def level_shifts(
    volume: npt.NDArray[np.float64], *, rise: float = 6.0, fall: float = 8.0, window: int = 20, lasting: int = 20
) -> list[Shift]:
    """Where the level of a noisy positive quantity changes at once, by a factor that news does not explain.

    Parameters
    ----------
    volume : float64 array, shape (n,)
        Such as the volume of each session; values that are not above 0 are left out.
    rise, fall : float
        Factors that count.
    window : int
        Values of the old level that are looked at, at most; half of them are needed.
    lasting : int
        Values for which a rise must hold, for news raises volume for days. Five are enough beyond a factor of 25, and
        three where it leads back to the level before a fall. A fall counts from the third value on: volume dries up on
        a holiday, not for days.

    Returns
    -------
    list of Shift

    Notes
    -----
    Of the logarithms: the median of the new values must differ from that of the old ones by the factor and by five
    robust deviations of the old ones, and each new value by half of the factor. Where exactly the level changes is the
    split of both sides with the least sum of absolute deviations from their medians.

    Examples
    --------
    >>> level = np.concatenate([np.full(30, 100.0), np.full(30, 4_000.0)])
    >>> level_shifts(level * np.tile([0.8, 1.0, 1.3], 20))
    [Shift(row=30, factor=40.0)]
    """
    rows = np.flatnonzero(np.isfinite(volume) & (volume > 0.0))
    y = np.log(volume[rows])
    out: list[Shift] = []
    start = 0
    home: float | None = None
    # Only where two neighbours differ by a lot can a level change; everything else is skipped.
    for i in (np.flatnonzero(np.abs(np.diff(y)) > np.log(min(rise, fall)) / 2.0) + 1).tolist():
        past = y[max(start, i - window) : i]
        back = home is not None and i > start
        if past.size < window // 2 and not back:
            continue
        middle = float(np.median(past))
        noise = MAD_TO_SIGMA * float(np.median(np.abs(past - middle))) if past.size >= window // 2 else 0.0
        down = float(y[i]) < middle
        least = max(float(np.log(fall if down else rise)), 5.0 * noise)
        near = y[i : i + 3] - middle
        if near.size < 2 or bool((np.abs(near) < least / 2.0).any()) or bool((near[0] * near < 0.0).any()):
            continue
        returns = (
            not down
            and home is not None
            and i > start
            and abs(float(np.median(near)) + middle - home) < np.log(rise) / 2.0
        )
        ahead = near
        if not down and not returns:
            ahead = y[i : i + lasting] - middle
            held = lasting if float(np.median(ahead)) < np.log(25.0) else 5
            if ahead.size < held or past.size < window // 2 or bool((ahead[:held] < least / 2.0).any()):
                continue
        if near.size < 3 and not returns and float(np.abs(near).min()) < np.log(25.0):
            continue
        size = float(np.median(ahead))
        if abs(size) < least:
            continue
        # A stretch may be short: what comes after its first values need not be on its level.
        at = _split(y, max(start, i - 10), i, min(y.size, i + (3 if down or returns else 10)))
        out.append(Shift(int(rows[at]), round(float(np.exp(size)), 12)))
        home = middle if down else None
        start = at
    return out


def _split(y: npt.NDArray[np.float64], low: int, found: int, end: int) -> int:
    """Row from which the new level holds, near where it was found."""

    def cost(k: int) -> float:
        left, right = y[low:k], y[k:end]
        return float(np.abs(left - np.median(left)).sum() + np.abs(right - np.median(right)).sum())

    return min(range(max(low + 1, found - 3), min(found + 3, end - 2) + 1), key=cost)
