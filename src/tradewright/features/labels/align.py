"""Features as they were known at the event, beside the label that came of it.

Entry points: `align_features`, `Aligned`.

Invariants: a label at row ``t0`` meets the features of row ``t0`` and of no later one; nothing is filled or shifted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tradewright.domain.bars import utc
from tradewright.domain.errors import InputError
from tradewright.features.labels.events import word_of
from tradewright.features.labels.table import F64, I8, I64, Labels

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Aligned", "align_features"]


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Rows for training: features known at t0, the label, and its span.

    Parameters
    ----------
    X : float64 array, shape (n, n_features)
    names : tuple of str
        Of the columns.
    labels : Labels
        One for each row of X; splitters take them as spans.
    missing : int
        Labels left out because a feature was NaN.
    """

    X: F64
    names: tuple[str, ...]
    labels: Labels
    missing: int

    @property
    def y(self) -> I8:
        """Labels as numbers."""
        return self.labels.label

    @property
    def times(self) -> I64:
        """Instants of the events, as `groups` that keep instruments of one time together."""
        return self.labels.t0

    def to_frame(self) -> pd.DataFrame:
        """X as a data frame indexed by symbol, t0 and t1, which splitters read even inside of a nested search."""
        import pandas as pd

        symbols = np.asarray(self.labels.symbols, dtype=object)[self.labels.asset]
        spans = [pd.to_datetime(self.labels.t0, utc=True), pd.to_datetime(self.labels.t1, utc=True)]
        index = pd.MultiIndex.from_arrays([symbols, *spans], names=["symbol", "t0", "t1"])
        return pd.DataFrame(self.X, index=index, columns=list(self.names))


def align_features(X: Any, labels: Labels, *, names: Sequence[str] | None = None, missing: str = "drop") -> Aligned:
    """Take each label's features at its event.

    Parameters
    ----------
    X : array, mapping or DataFrame
        An array of shape (n_bars, n_features) for one instrument, or (n_bars, n_assets, n_features); a mapping of names
        to arrays (n_bars,) or (n_bars, n_assets), such as indicators give; or a data frame of one instrument indexed by
        the stamps of its bars (naive ones are read as UTC), which may lack rows without events.
    labels : Labels
    names : sequence of str, optional
        Of the features of an array.
    missing : str
        What becomes of a label with a NaN or infinite feature: ``"drop"`` (counted), ``"keep"``, or ``"raise"``.

    Returns
    -------
    Aligned

    Raises
    ------
    InputError
        If shapes do not fit the bars of the labels, or the stamp of an event is not in the frame.

    Examples
    --------
    >>> from tradewright.domain.bars import Bars
    >>> from tradewright.features.labels import fixed_horizon
    >>> close = np.array([100.0, 101.0, 102.0, 101.0])
    >>> bars = Bars.from_arrays(None, close, close, close, close)
    >>> found = align_features({"before": [np.nan, 100.0, 101.0, 102.0]}, fixed_horizon(bars, horizon=1))
    >>> found.X.tolist(), found.y.tolist(), found.missing
    ([[100.0], [101.0]], [1, -1], 1)
    """
    word_of("missing", missing, ("drop", "keep", "raise"))
    table, found = _taken(X, labels)
    if names is not None:
        if len(names) != table.shape[1]:
            raise InputError(f"There are {len(names)} names for {table.shape[1]} features.")
        found = tuple(names)
    bad = ~np.isfinite(table).all(axis=1)
    if missing == "raise" and bad.any():
        k = int(bad.argmax())
        feature = found[int((~np.isfinite(table[k])).argmax())]
        raise InputError(
            f"{feature} is missing at {utc(int(labels.t0[k])).isoformat()} (label {k}); use missing='drop', or begin "
            "later."
        )
    if missing == "drop" and bad.any():
        return Aligned(table[~bad], found, labels.select(~bad), int(bad.sum()))
    return Aligned(table, found, labels, 0)


def _taken(X: Any, labels: Labels) -> tuple[F64, tuple[str, ...]]:
    if isinstance(X, Mapping):
        if not X:
            raise InputError("There are no features; give at least one.")
        columns = [_one(str(name), value, labels) for name, value in X.items()]
        return np.column_stack(columns), tuple(str(name) for name in X)
    if hasattr(X, "columns") and hasattr(X, "index"):
        return _of_frame(X, labels), tuple(str(name) for name in X.columns)
    array = np.asarray(X, dtype=np.float64)
    n_assets = len(labels.symbols)
    if array.ndim == 1:
        array = array[:, None]
    if array.shape[0] != labels.n_bars or array.ndim not in {2, 3} or (array.ndim == 3 and array.shape[1] != n_assets):
        raise InputError(
            f"X has shape {np.shape(X)}; it must be ({labels.n_bars}, n_features)"
            f"{'' if n_assets == 1 else f' or ({labels.n_bars}, {n_assets}, n_features)'}, a row for each bar."
        )
    if array.ndim == 2 and n_assets > 1:
        raise InputError(
            f"X has shape {array.shape}, but the labels are of {n_assets} instruments; give "
            f"({labels.n_bars}, {n_assets}, n_features), or a mapping of names to arrays."
        )
    taken: F64 = array[labels.row0] if array.ndim == 2 else array[labels.row0, labels.asset]
    return taken, tuple(f"x{k}" for k in range(taken.shape[1]))


def _one(name: str, value: npt.ArrayLike, labels: Labels) -> F64:
    array = np.asarray(value, dtype=np.float64)
    wanted = (labels.n_bars, len(labels.symbols))
    if array.shape == wanted:
        out: F64 = array[labels.row0, labels.asset]
        return out
    if array.shape == wanted[:1]:  # the same for all, such as a calendar or an index
        return np.asarray(array[labels.row0])
    raise InputError(f"{name} has shape {array.shape}; it must be {wanted} or {wanted[:1]}, a row for each bar.")


def _of_frame(frame: Any, labels: Labels) -> F64:
    import pandas as pd

    if len(labels.symbols) > 1:
        raise InputError(
            f"A data frame holds one instrument, but the labels are of {len(labels.symbols)}; give a mapping of "
            "names to arrays, or align each symbol with labels.of(symbol)."
        )
    if not isinstance(frame.index, pd.DatetimeIndex):
        raise InputError(f"The frame's index is {type(frame.index).__name__}; it must hold the stamps of bars.")
    index = frame.index.tz_localize("UTC") if frame.index.tz is None else frame.index.tz_convert("UTC")
    if not index.is_unique:
        raise InputError("The frame's index holds a stamp twice; keep one row for each bar.")
    stamps = index.as_unit("ns").asi8
    order = np.argsort(stamps, kind="stable")
    places = np.searchsorted(stamps[order], labels.t0)
    known = places < stamps.size
    known[known] = stamps[order][places[known]] == labels.t0[known]
    if not known.all():
        k = int((~known).argmax())
        raise InputError(
            f"The frame has no row at {utc(int(labels.t0[k])).isoformat()} (label {k}); its index must hold the closes "
            "of bars in UTC, as the labels do."
        )
    table: F64 = frame.to_numpy(dtype=np.float64)[order[places]]
    return table
