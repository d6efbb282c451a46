"""Probability of backtest overfitting: does the best of many in one half of the time stay good in the other?

Entry points: `overfitting_probability`, which returns an `Overfitting`.

Invariants: every way of halving the blocks is tried (combinatorially symmetric cross-validation), so the answer has no
randomness; trials that tie share the mean of their ranks; a trial without a ratio in a half is the worst of that half.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError

from ._check import F64, one_of, table

__all__ = ["Overfitting", "overfitting_probability"]

MOST_BLOCKS: Final = 20
"""More blocks than this (184,756 halves) are refused; 16 are usual (12,870)."""
_PART: Final = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """What became of the best.

    Parameters
    ----------
    probability : float
        Share of the halves in which the best of one is below the median of the other (PBO).
    n_combinations, n_blocks, n_trials : int
        Halves, blocks of time, trials.
    logits : float64 array, shape (n_combinations,)
        ``ln(w / (1 - w))`` with ``w`` the relative rank, in (0, 1), that the best has in the other half.
    in_sample, out_of_sample : float64 array, shape (n_combinations,)
        Score of the best in its half, and in the other.
    slope, intercept, r_squared : float
        Line through the two: degradation. A slope below zero means that the better it looked, the worse it got.
    probability_of_loss : float
        Share of the halves in which the best lost in the other.
    chosen : int64 array, shape (n_trials,)
        How often each trial was the best.
    first_order, second_order : bool
        Whether the scores of the best out of sample stochastically dominate those of all trials: choosing was better
        than drawing one at random, for everyone (first order) or for everyone who shuns risk (second order).
    dropped : int
        Bars at the end that did not fill the blocks.
    """

    probability: float
    n_combinations: int
    n_blocks: int
    n_trials: int
    logits: F64
    in_sample: F64
    out_of_sample: F64
    slope: float
    intercept: float
    r_squared: float
    probability_of_loss: float
    chosen: npt.NDArray[np.int64]
    first_order: bool
    second_order: bool
    dropped: int


def overfitting_probability(
    returns: npt.ArrayLike,
    *,
    n_blocks: int = 16,
    score: Literal["sharpe", "mean"] | Callable[[F64], npt.ArrayLike] = "sharpe",
) -> Overfitting:
    """Probability of backtest overfitting by combinatorially symmetric cross-validation.

    Time is cut into `n_blocks` equal blocks. For every half of the blocks, the trial with the best score is looked up
    in the other half; its relative rank there is ``w = rank / (n_trials + 1)``.

    Parameters
    ----------
    returns : array-like, shape (n_bars, n_trials)
        Simple returns of all trials on the same bars, the bad ones too. Bars at the end that do not fill the blocks are
        left out.
    n_blocks : int
        Even, from 2 to 20.
    score : {"sharpe", "mean"} or callable
        Of a half: Sharpe ratio per bar, mean return, or a function of returns ``(bars, n_trials)`` that gives one
        number a trial (slow: it is called for every half).

    Returns
    -------
    Overfitting

    Raises
    ------
    InputError
        With fewer than two trials, an odd number of blocks, or too few bars.

    Notes
    -----
    Source: D. Bailey, J. Borwein, M. López de Prado, Q. Zhu (2017), "The Probability of Backtest Overfitting", Journal
    of Computational Finance 20(4). A rank exactly at the median counts as overfit (a logit of zero or less).

    Examples
    --------
    Noise: the best of one half is anything in the other. With a real edge among it, it stays the best.

    >>> noise = np.random.default_rng(7).normal(0.0, 0.01, (640, 20))
    >>> found = overfitting_probability(noise, n_blocks=8)
    >>> found.n_combinations, 0.2 < found.probability < 0.9
    (70, True)
    >>> noise[:, 3] += 0.004
    >>> overfitting_probability(noise, n_blocks=8).probability
    0.0
    """
    matrix = table(returns, "returns")
    if not callable(score):
        one_of(score, ("sharpe", "mean"), "score")
    n_bars, n_trials = matrix.shape
    if n_trials < 2:
        raise InputError(f"There is {n_trials} trial; overfitting is about choosing among at least two.")
    if isinstance(n_blocks, bool) or n_blocks != int(n_blocks) or n_blocks % 2 or not 2 <= n_blocks <= MOST_BLOCKS:
        raise InputError(f"n_blocks is {n_blocks!r}; it must be an even number from 2 to {MOST_BLOCKS}, such as 16.")
    length = n_bars // n_blocks
    if length < 2:
        raise InputError(f"There are {n_bars} bars for {n_blocks} blocks; each block needs at least 2.")
    used = matrix[: length * n_blocks]
    blocks = used.reshape(n_blocks, length, n_trials)
    half = n_blocks // 2
    choices = np.array(list(combinations(range(n_blocks), half)), dtype=np.int64)
    member = np.zeros((len(choices), n_blocks))
    member[np.arange(len(choices))[:, None], choices] = 1.0

    best = np.empty(len(choices), dtype=np.int64)
    inside, outside, rank = np.empty(len(choices)), np.empty(len(choices)), np.empty(len(choices))
    spread = _Spread()
    step = max(1, _PART // n_trials)
    scores = _scores(blocks, score)
    for first in range(0, len(choices), step):
        rows = member[first : first + step]
        one, other = scores(rows), scores(1.0 - rows)
        place = one.argmax(axis=1)
        here = slice(first, first + len(rows))
        at = np.arange(len(rows))
        best[here], inside[here], outside[here] = place, one[at, place], other[at, place]
        own = other[at, place][:, None]
        rank[here] = (other < own).sum(axis=1) + 0.5 * ((other == own).sum(axis=1) + 1.0)
        spread.add(other)
    share = rank / (n_trials + 1.0)
    logits = np.log(share / (1.0 - share))
    slope, intercept, fit = _line(inside, outside)
    first_order, second_order = spread.dominated_by(outside)
    return Overfitting(
        probability=float(np.mean(logits <= 1e-12)),
        n_combinations=len(choices),
        n_blocks=int(n_blocks),
        n_trials=n_trials,
        logits=logits,
        in_sample=_known(inside),
        out_of_sample=_known(outside),
        slope=slope,
        intercept=intercept,
        r_squared=fit,
        probability_of_loss=float(np.mean(outside < 0.0)),
        chosen=np.bincount(best, minlength=n_trials).astype(np.int64),
        first_order=first_order,
        second_order=second_order,
        dropped=n_bars - length * n_blocks,
    )


def _scores(blocks: F64, score: str | Callable[[F64], npt.ArrayLike]) -> Callable[[F64], F64]:
    """Return what scores halves, given as rows of 0 and 1 over the blocks."""
    _, length, n_trials = blocks.shape
    if callable(score):
        judge = score

        def called(rows: F64) -> F64:
            out = np.array(
                [np.asarray(judge(blocks[row > 0.5].reshape(-1, n_trials)), dtype=np.float64) for row in rows]
            )
            if out.shape != (len(rows), n_trials):
                raise InputError(f"score gave an array of shape {out.shape[1:]}; it must give one number a trial.")
            return np.where(np.isnan(out), -np.inf, out)

        return called
    means = blocks.mean(axis=1)
    centre = means.mean(axis=0)
    off = blocks - centre  # sums of squares around the whole mean lose nothing to rounding
    sums, squares = off.sum(axis=1), (off * off).sum(axis=1)
    still = blocks.min(axis=(0, 1)) == blocks.max(axis=(0, 1))

    def streamed(rows: F64) -> F64:
        count = rows.sum(axis=1, keepdims=True) * length
        total = rows @ sums
        mean: F64 = total / count + centre
        if score == "mean":
            return mean
        variance = np.maximum(rows @ squares - total * total / count, 0.0) / (count - 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio: F64 = np.where((variance > 1e-30) & ~still, mean / np.sqrt(variance), -np.inf)
        return ratio

    return streamed


class _Spread:
    """Distribution of the scores of all trials, kept as counts on a fine grid."""

    def __init__(self) -> None:
        self._edges: F64 | None = None
        self._counts: npt.NDArray[np.int64] | None = None

    def add(self, scores: F64) -> None:
        known = scores[np.isfinite(scores)]
        if self._edges is None or self._counts is None:
            low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
            margin = max(high - low, 1e-12)
            self._edges = np.linspace(low - margin, high + margin, 4001)
            self._counts = np.zeros(4002, dtype=np.int64)
        places = np.searchsorted(self._edges, scores.ravel(), side="left")
        self._counts += np.bincount(places, minlength=4002)

    def dominated_by(self, best: F64) -> tuple[bool, bool]:
        assert self._edges is not None and self._counts is not None  # noqa: PT018 - both or none
        everyone = np.cumsum(self._counts)[:-1] / self._counts.sum()
        chosen = np.searchsorted(np.sort(best), self._edges, side="right") / best.size
        first = bool((chosen <= everyone + 1e-12).all() and (chosen < everyone - 1e-12).any())
        width = float(self._edges[1] - self._edges[0])
        area = np.cumsum(everyone - chosen) * width
        second = bool((area >= -1e-9 * width).all() and (area > 0.0).any())
        return first, second


def _known(values: F64) -> F64:
    out: F64 = np.where(np.isfinite(values), values, np.nan)
    return out


def _line(x: F64, y: F64) -> tuple[float, float, float]:
    good = np.isfinite(x) & np.isfinite(y)
    x, y = x[good], y[good]
    if x.size < 2 or x.min() == x.max():
        return math.nan, math.nan, math.nan
    off_x, off_y = x - x.mean(), y - y.mean()
    slope = float(off_x @ off_y) / float(off_x @ off_x)
    total = float(off_y @ off_y)
    fit = float(off_x @ off_y) ** 2 / (float(off_x @ off_x) * total) if total > 0.0 else math.nan
    return slope, float(y.mean()) - slope * float(x.mean()), fit
