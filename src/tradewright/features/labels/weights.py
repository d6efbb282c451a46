"""How much each label is worth: labels that overlap share what they know.

Entry points: `concurrency`, `average_uniqueness`, `sequential_bootstrap`, `sequential_probabilities`, `time_decay`,
`return_attribution`.

Invariants: labels of different instruments do not share returns, so overlap is counted instrument by instrument. Spans
are closed, ``[t0, t1]``, unless ``closed="right"`` says that the event's own bar does not count. Weights are known only
when the last label that overlaps is over: they are for training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tradewright.domain.errors import InputError
from tradewright.features.labels.events import word_of
from tradewright.features.labels.table import F64, I64, Labels
from tradewright.kernel import core

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars

__all__ = [
    "average_uniqueness",
    "concurrency",
    "return_attribution",
    "sequential_bootstrap",
    "sequential_probabilities",
    "time_decay",
]

Spans: TypeAlias = "Labels | Sequence[tuple[int, int]] | npt.NDArray[Any]"
"""Labels, or first and last row of each, as pairs or as an array of shape (n, 2)."""

_CLOSED: Final = ("both", "right")


def concurrency(spans: Spans, *, n_bars: int | None = None, closed: str = "both") -> I64:
    """Number of labels that each bar has a part in.

    Parameters
    ----------
    spans : Labels, or pairs of rows
        First and last row, both included.
    n_bars : int, optional
        Length of the answer; Labels know theirs, else it ends with the last span.
    closed : str
        ``"both"``: all bars of the span. ``"right"``: not the event's, so the bars whose returns the label holds (a
        label of a single row keeps it).

    Returns
    -------
    int64 array
        Shape (n_bars, n_assets) for Labels (a row without a bar counts the labels that reach over it), (n_bars,) for
        pairs.

    References
    ----------
    Lopez de Prado (2018), section 4.3, snippet 4.1 (``"both"``).

    Examples
    --------
    >>> concurrency([(0, 2), (2, 3), (4, 5)]).tolist()
    [1, 1, 2, 1, 1, 1]
    """
    if isinstance(spans, Labels):
        word_of("closed", closed, _CLOSED)
        first = np.minimum(spans.row0 + 1, spans.row1) if closed == "right" else spans.row0
        return _counted(first, spans.row1, spans.asset, max(spans.n_bars, n_bars or 0), len(spans.symbols))
    first, last, asset, rows, n_assets = _read(spans, closed)
    return _counted(first, last, asset, max(rows, n_bars or 0), n_assets)[:, 0]


def average_uniqueness(spans: Spans, *, closed: str = "both") -> F64:
    """Mean over a label's bars of one over the number of labels there.

    Parameters
    ----------
    spans, closed
        As in `concurrency`.

    Returns
    -------
    float64 array, shape (n,)
        In (0, 1]; 1 for a label that overlaps none.

    References
    ----------
    Lopez de Prado (2018), section 4.4, snippet 4.2, and the example of section 4.5.3.

    Examples
    --------
    Bar 2 belongs to two labels: (1 + 1 + 1/2) / 3, (1/2 + 1) / 2 and 1.

    >>> average_uniqueness([(0, 2), (2, 3), (4, 5)]).round(4).tolist()
    [0.8333, 0.75, 1.0]
    """
    first, last, asset, rows, n_assets = _read(spans, closed)
    share = 1.0 / np.maximum(_counted(first, last, asset, rows, n_assets), 1)
    return _span_sums(share, first, last, asset) / (last - first + 1)


def sequential_bootstrap(
    spans: Spans, *, size: int | None = None, seed: int | np.random.Generator = 0, closed: str = "both"
) -> I64:
    """Draw labels with replacement, each draw in proportion to what the label adds to those drawn before.

    The chance of a label is its average uniqueness if it were drawn next, over the sum of all.

    Parameters
    ----------
    spans, closed
        As in `concurrency`.
    size : int, optional
        Number of draws, default the number of labels.
    seed : int or Generator
        The same seed gives the same draws.

    Returns
    -------
    int64 array, shape (size,)
        Places of labels, in the order drawn.

    References
    ----------
    Lopez de Prado (2018), section 4.5, snippets 4.3 to 4.5.

    Examples
    --------
    >>> sequential_bootstrap([(0, 2), (2, 3), (4, 5)], size=4, seed=1).tolist()
    [1, 2, 0, 2]
    """
    first, last, asset, rows, _ = _read(spans, closed)
    if not first.size:
        raise InputError("There are no labels to draw from.")
    draws = first.size if size is None else size
    if draws < 0:
        raise InputError(f"size is {size}; it must be 0 or more.")
    generator = np.random.default_rng(seed)
    # Instruments one behind the other: labels of different ones never meet.
    begin, end = first + asset * rows, last + asset * rows
    order = np.argsort(begin, kind="stable")
    picks: I64 = order[core.sequential_draws(begin[order], end[order], generator.random(draws))]
    return picks


def sequential_probabilities(spans: Spans, drawn: Sequence[int] = (), *, closed: str = "both") -> F64:
    """Chance of each label to be drawn next by the sequential bootstrap.

    Parameters
    ----------
    spans, closed
        As in `concurrency`.
    drawn : sequence of int
        Places of labels drawn so far, with repetitions.

    Returns
    -------
    float64 array, shape (n,)
        Sums to 1.

    References
    ----------
    Lopez de Prado (2018), section 4.5.3: after the second label was drawn the chances are 5/14, 3/14 and 6/14.

    Examples
    --------
    >>> (sequential_probabilities([(0, 2), (2, 3), (4, 5)], [1]) * 14).round(9).tolist()
    [5.0, 3.0, 6.0]
    """
    first, last, asset, rows, n_assets = _read(spans, closed)
    if not first.size:
        raise InputError("There are no labels to draw from.")
    picks = np.asarray(drawn, dtype=np.int64)
    if picks.size and (picks.min() < 0 or picks.max() >= first.size):
        raise InputError(f"drawn holds places from {picks.min()} to {picks.max()}; there are {first.size} labels.")
    counts = np.zeros((rows, n_assets))
    for k in picks.tolist():
        counts[first[k] : last[k] + 1, asset[k]] += 1.0
    chance = _span_sums(1.0 / (1.0 + counts), first, last, asset) / (last - first + 1)
    out: F64 = chance / chance.sum()
    return out


def time_decay(uniqueness: npt.ArrayLike, *, oldest: float = 0.5) -> F64:
    """Weights that fall from 1 for the newest label to `oldest`, along cumulated uniqueness rather than time.

    Parameters
    ----------
    uniqueness : array-like, shape (n,)
        Average uniqueness, the oldest label first.
    oldest : float
        Where the line would be at no uniqueness: 1 no decay; from 0 to 1 a linear decay towards it; below 0 (above -1)
        the oldest labels get nothing, as far as that share of the total uniqueness.

    Returns
    -------
    float64 array, shape (n,)
        In [0, 1], the last 1.

    References
    ----------
    Lopez de Prado (2018), section 4.7, snippet 4.11.

    Examples
    --------
    >>> time_decay([1, 1, 1, 1], oldest=0).tolist()
    [0.25, 0.5, 0.75, 1.0]
    >>> time_decay([1, 1, 1, 1], oldest=-0.5).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    shares = np.asarray(uniqueness, dtype=np.float64)
    if shares.ndim != 1 or not (shares >= 0).all():
        raise InputError("uniqueness must be one number a label, none below 0 or NaN.")
    if not -1.0 < oldest <= 1.0:
        raise InputError(f"oldest is {oldest}; it must be above -1 and at most 1.")
    age = np.cumsum(shares)
    if not shares.size or age[-1] == 0:
        return np.ones(shares.size)
    slope = (1.0 - oldest) / age[-1] if oldest >= 0 else 1.0 / ((oldest + 1.0) * age[-1])
    out: F64 = np.maximum(1.0 + slope * (age - age[-1]), 0.0)
    return out


def return_attribution(bars: Bars, labels: Labels, *, closed: str = "both", normalise: bool = True) -> F64:
    """Weights by the return that belongs to a label alone: ``|sum of log return / concurrency|`` over its bars.

    Parameters
    ----------
    bars : Bars
        Those the labels were made of.
    labels : Labels
    closed : str
        ``"both"``: the return of the event's own bar takes part, as in the source, although it was over at the event;
        ``"right"``: it does not.
    normalise : bool
        Scale so that weights sum to the number of labels.

    Returns
    -------
    float64 array, shape (n,)

    References
    ----------
    Lopez de Prado (2018), section 4.6, snippet 4.10.

    Examples
    --------
    Two labels without overlap over log returns 0.1 + 0.1 and 0.2 - 0.1 weigh 2 to 1.

    >>> from tradewright.domain.bars import Bars
    >>> from tradewright.features.labels import fixed_horizon
    >>> close = np.exp([0.0, 0.1, 0.2, 0.4, 0.3])
    >>> bars = Bars.from_arrays(None, close, close, close, close)
    >>> labels = fixed_horizon(bars, [0, 2], horizon=2)
    >>> return_attribution(bars, labels, closed="right").round(9).tolist()
    [1.333333333, 0.666666667]
    """
    if labels.n_bars != bars.n_bars or labels.symbols != bars.symbols:
        raise InputError(
            f"The labels were made of {labels.n_bars} bars of {', '.join(labels.symbols[:3])}, these are {bars.n_bars} "
            f"of {', '.join(bars.symbols[:3])}; give the same bars."
        )
    first, last, asset, _, n_assets = _read(labels, closed)
    moves = np.zeros((bars.n_bars, n_assets))
    for j in range(n_assets):
        close = bars.close[np.isfinite(bars.close[:, j]), j]
        moves[1 : close.size, j] = np.diff(np.log(close))
    share = moves / np.maximum(_counted(first, last, asset, bars.n_bars, n_assets), 1)
    weight: F64 = np.abs(_span_sums(share, first, last, asset))
    total = weight.sum()
    if normalise and total > 0:
        weight = weight * (weight.size / total)
    return weight


def _read(spans: Spans, closed: str) -> tuple[I64, I64, I64, int, int]:
    """First and last bars that count, columns, number of bars and of columns.

    Of Labels these are the instrument's own bars, so that no weight depends on which others are loaded beside it.
    """
    word_of("closed", closed, _CLOSED)
    if isinstance(spans, Labels):
        first, last, asset, n_assets = spans.bar0, spans.bar1, spans.asset, len(spans.symbols)
        rows = int(last.max()) + 1 if last.size else 0
    else:
        table = np.asarray(spans)
        if table.size == 0:
            table = np.zeros((0, 2), dtype=np.int64)
        if table.ndim != 2 or table.shape[1] != 2 or table.dtype.kind not in "iu":
            raise InputError(
                f"Spans have shape {table.shape} and type {table.dtype}; give Labels, or pairs of rows (first, last)."
            )
        first, last = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
        if first.size and (first.min() < 0 or (last < first).any()):
            raise InputError("A span begins below row 0, or ends before it begins; give (first, last).")
        asset, n_assets = np.zeros(first.size, dtype=np.int64), 1
        rows = int(last.max()) + 1 if last.size else 0
    return np.minimum(first + 1, last) if closed == "right" else first, last, asset, rows, n_assets


def _counted(first: I64, last: I64, asset: I64, rows: int, n_assets: int) -> I64:
    """Number of spans over each row of each column."""
    out: I64 = np.zeros((rows, n_assets), dtype=np.int64)
    for j in range(n_assets):
        mine = asset == j
        step = np.bincount(first[mine], minlength=rows + 1) - np.bincount(last[mine] + 1, minlength=rows + 1)
        out[:, j] = np.cumsum(step)[:rows]
    return out


def _span_sums(values: F64, first: I64, last: I64, asset: I64) -> F64:
    """Sum of a column over each span, each summed for itself: no rounding is carried from one to the next."""
    out: F64 = np.zeros(first.size)
    for j in range(values.shape[1]):
        mine = np.flatnonzero(asset == j)
        if mine.size:
            padded = np.append(values[:, j], 0.0)
            cuts = np.stack([first[mine], last[mine] + 1], axis=1).ravel()
            out[mine] = np.add.reduceat(padded, cuts)[::2]
    return out
