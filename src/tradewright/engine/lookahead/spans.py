"""Examinations of what has spans: labels, which look ahead up to a stated end, and splitters, which must respect it.

Entry points: `examine_labels`, `examine_splitter`, `Spanned`, `spans_of_labels`.

Invariants: a label may read the bars of its span ``[t0, t1]`` and none after; a fold leaks where the span of a training
label and that of a test label have a bar-to-bar return in common, or the same row. Spans that only touch (one ends at
the close at which the other begins) have none in common.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import InputError
from tradewright.engine.lookahead.examination import when
from tradewright.engine.lookahead.findings import RULES, Checked, Leak, next_step
from tradewright.engine.lookahead.futures import FUTURES, choose_cuts
from tradewright.engine.lookahead.purity import Pristine, watched_files
from tradewright.engine.manifest import plain

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars

    I64 = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["HORIZON", "ROWS", "Spanned", "examine_labels", "examine_splitter", "spans_of_labels"]

HORIZON: Final = 5
"""Rows that a label spans in the examination of a splitter, where no spans are given."""
ROWS: Final = 600
"""Rows that are split in that examination."""
_FUTURES: Final = ("cut", "path", "boom", "crash", "missing", "flat", "wild")


@dataclass(slots=True)
class Spanned:
    """Labels by asset and begin: where they end, and a hash of what they say.

    Parameters
    ----------
    asset, row0, row1, content : int64 arrays, shape (n,)
    """

    asset: I64
    row0: I64
    row1: I64
    content: I64

    def before(self, cut: int) -> dict[tuple[int, int, int], int]:
        """Labels whose span ends before a row."""
        keep = self.row1 < cut
        keys = zip(self.asset[keep].tolist(), self.row0[keep].tolist(), self.row1[keep].tolist(), strict=True)
        return dict(zip(keys, self.content[keep].tolist(), strict=True))


def spans_of_labels(found: Any, bars: Bars, name: str, horizon: int | None = None) -> Spanned:
    """Read labels of any form.

    Parameters
    ----------
    found : object, mapping, frame or array
        With ``row0`` and ``row1`` (rows), or ``t0`` and ``t1`` (rows, nanoseconds or times), and the label under any
        other name. An array of one label a bar needs `horizon`.
    bars : Bars
    name : str
    horizon : int, optional
        Rows that every label spans.

    Raises
    ------
    InputError
        If the labels do not say where they end.
    """
    columns: dict[str, np.ndarray[Any, Any]] = {}
    if isinstance(found, Mapping) or hasattr(found, "columns"):
        keys = list(found.columns) if hasattr(found, "columns") else list(found)
        columns = {str(key): np.asarray(found[key]) for key in keys}
        index = getattr(found, "index", None)
        if "t0" not in columns and "row0" not in columns and index is not None and not callable(index):
            columns["t0"] = np.asarray(index)
    elif hasattr(found, "t0") and hasattr(found, "t1"):
        for key in ("asset", "row0", "row1", "t0", "t1", "label", "ret", "barrier", "side", "score", "value", "width"):
            value = getattr(found, key, None)
            if value is not None and np.ndim(value) == 1:
                columns[key] = np.asarray(value)
    elif horizon is not None:
        array = np.asarray(found, dtype=np.float64).reshape(bars.n_bars, -1)
        row, asset = np.nonzero(~np.isnan(array))
        columns = {"asset": asset, "row0": row, "row1": row + horizon, "label": array[row, asset]}
    if not ({"row0", "row1"} <= set(columns) or {"t0", "t1"} <= set(columns)):
        raise InputError(
            f"The labels of {name} do not say where they end; give columns t0 and t1 (rows or times), or horizon=ROWS "
            "for labels that all span as many."
        )
    row0, row1 = (_rows(columns[f"row{k}"] if f"row{k}" in columns else columns[f"t{k}"], bars, name) for k in (0, 1))
    n = row0.size
    asset = columns.get("asset", np.zeros(n, dtype=np.int64))
    if asset.dtype.kind not in "iu":
        asset = np.unique(asset.astype(str), return_inverse=True)[1]
    parts = [v.astype(np.float64) for k, v in columns.items() if k not in {"asset", "row0", "row1", "t0", "t1", "both"}
             and v.shape == (n,) and v.dtype.kind in "iufb"]  # fmt: skip
    stacked = np.column_stack(parts) if parts else np.zeros((n, 1))
    stacked = np.where(np.isnan(stacked), np.nan, stacked)
    content = [int.from_bytes(hashlib.blake2b(r.tobytes(), digest_size=6).digest(), "little") for r in stacked]
    return Spanned(asset.astype(np.int64), row0, row1, np.array(content, dtype=np.int64))


def _rows(values: np.ndarray[Any, Any], bars: Bars, name: str) -> I64:
    if values.dtype.kind == "O":
        import pandas as pd

        values = np.asarray(pd.to_datetime(values, utc=True).tz_localize(None))
    if values.dtype.kind == "M":
        values = values.astype("datetime64[ns]").astype(np.int64)
    if values.dtype.kind not in "iu":
        raise InputError(f"The spans of {name} are {values.dtype}; they must be rows, nanoseconds or times.")
    if values.size and int(values.max()) > 100 * max(bars.n_bars, 1_000_000):
        return np.searchsorted(bars.ts, values.astype(np.int64), side="left").astype(np.int64)
    return values.astype(np.int64)


def examine_labels(
    function: Callable[..., Any],
    bars: Bars,
    *,
    name: str,
    cuts: int,
    seed: int,
    params: Mapping[str, Any] | None = None,
    horizon: int | None = None,
    tick: Callable[[], None] | None = None,
) -> tuple[list[Leak], list[Checked], dict[int, str], int]:
    """Whether labels read bars after the end of their span.

    Parameters
    ----------
    function : callable
        ``f(bars, **params)`` gives labels.
    bars : Bars
    name, cuts, seed, params, horizon
        As in `tradewright.engine.lookahead.check_lookahead`.
    tick : callable, optional
        Called after every answer.

    Returns
    -------
    leaks, checked, cuts, answers
    """
    pristine, given = Pristine(function), dict(params or {})
    leaks: list[Leak] = []
    checked: list[Checked] = []
    refused: dict[str, str] = {}
    answers = 0

    def ask(on: Bars) -> Spanned:
        nonlocal answers
        answers += 1
        if tick is not None:
            tick()
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            return spans_of_labels(pristine.fresh()(on, **given), on, name, horizon)

    with watched_files() as heard:
        base = ask(bars)
    if not base.row0.size:
        raise InputError(f"{name} gives no labels on {bars.n_bars} bars; give more bars or other parameters.")
    wrong = np.flatnonzero(base.row1 < base.row0)
    if wrong.size:
        row = int(base.row0[wrong[0]])
        leaks.append(Leak("span", f"{name}: the label of row {row} ends before it begins.", next_step("span"), row=row))
    if heard:
        leaks.append(Leak("files", f"{name} reads {', '.join(heard[:3])} while it answers.", next_step("files")))
    checked.append(Checked("files", "no data files and no network", 1, "leaks" if heard else "clean"))
    chosen = choose_cuts(bars, cuts, seed=seed, events=(base.row1 + 1).tolist())
    runs, worst = 0, None
    for cut in chosen:
        for word in _FUTURES:
            future = FUTURES[word]
            try:
                other = ask(future.make(bars, cut, np.random.default_rng([seed, cut, 2])))
            except Exception as error:
                refused.setdefault(word, f"{type(error).__name__}: {error}"[:160])
                continue
            runs += 1
            # Where data ends, the last label may end with it: only spans that are over before are compared.
            end = cut if future.same_length else cut - 1
            before, after = base.before(end), other.before(end)
            keys = set(set(before) ^ set(after)) | {k for k in set(before) & set(after) if before[k] != after[k]}
            if keys:
                key = min(keys, key=lambda k: (k[1], k[2]))
                if worst is None or key[1] < worst[0][1]:
                    worst = (key, cut, word)
    if worst is not None:
        (asset, row0, row1), cut, word = worst
        of = f" of {bars.symbols[asset]}" if bars.n_assets > 1 and asset < bars.n_assets else ""
        leaks.append(
            Leak(
                "span",
                f"{name}: the label{of} at row {row0} ({when(bars, row0)}) says that it ends at row {row1}, but it "
                f"changes when {FUTURES[word].about} from row {cut} on.",
                next_step("span"),
                row=row0,
                time=when(bars, row0),
                column="label",
                looks_ahead=cut - row0,
                future=word,
                cut=cut,
            )
        )
    notes = "; ".join(f"{FUTURES[k].about}: {text}" for k, text in refused.items())
    checked.append(Checked("span", RULES["span"], runs, "leaks" if worst or wrong.size else "clean", notes))
    again = ask(bars)
    same = again.before(bars.n_bars) == base.before(bars.n_bars)
    if not same:
        leaks.append(Leak("chance", f"{name} gives other labels when asked twice.", next_step("chance")))
    checked.append(Checked("chance", RULES["chance"], 1, "clean" if same else "leaks"))
    return leaks, checked, chosen, answers


def examine_splitter(
    splitter: Any,
    *,
    name: str,
    spans: Any = None,
    embargo: int | None = None,
    horizon: int | None = None,
    n_rows: int = ROWS,
) -> tuple[list[Leak], list[Checked], dict[str, Any]]:
    """Whether training labels share time with test labels, in any fold.

    Parameters
    ----------
    splitter : object with ``split(X, y, groups)``, class or function
        One that takes ``spans`` gets them where it has none of its own.
    name : str
    spans : pair of int arrays, labels, optional
        Begin and end of the label of each row, in rows of bars; default: every label spans `horizon` rows.
    embargo : int, optional
        Rows that must be free after each test fold (after its last label).
    horizon : int, optional
        Default `HORIZON`.
    n_rows : int
        Rows split where no spans are given.

    Returns
    -------
    leaks, checked, facts
    """
    own = None if isinstance(splitter, type) else getattr(splitter, "spans", None)
    if spans is None and own is not None and not callable(own):
        spans = own
    if spans is None:
        row0 = np.arange(n_rows, dtype=np.int64)
        row1 = row0 + (HORIZON if horizon is None else horizon)
    else:
        row0, row1 = _pair(spans)
    pair = (row0, row1)
    made = _with_spans(splitter, pair)
    x, y = np.zeros((row0.size, 1)), (np.arange(row0.size) % 2)
    leaks: list[Leak] = []
    folds = shared = near = twice = 0
    first: dict[str, tuple[int, int, int]] = {}
    for k, (train, test) in enumerate(_folds(made, x, y)):
        folds += 1
        both = np.intersect1d(train, test)
        if both.size:
            twice += int(both.size)
            first.setdefault("fold", (k, int(both[0]), int(both[0])))
            train = np.setdiff1d(train, both)
        hit, partner = _overlapping(row0, row1, train, test)
        shared += int(hit.size)
        if hit.size:
            first.setdefault("overlap", (k, int(hit[0]), int(partner[0])))
        if embargo:
            for end in _ends_of_blocks(row0, row1, test):
                late = train[(row0[train] > end) & (row0[train] <= end + embargo)]
                near += int(late.size)
                if late.size:
                    first.setdefault("embargo", (k, int(late[0]), int(end)))
    if not folds:
        raise InputError(f"{name} gives no fold of {row0.size} rows; give more rows (spans), or another splitter.")
    if twice:
        k, row, _ = first["fold"]
        leaks.append(
            Leak(
                "fold",
                f"{name}: in fold {k}, row {row} is in the training and in the test part ({twice:,} in all).",
                next_step("fold"),
                row=row,
            )
        )
    if shared:
        k, row, other = first["overlap"]
        leaks.append(
            Leak(
                "overlap",
                f"{name}: in fold {k}, the training label of row {row} spans rows {row0[row]} to {row1[row]} and meets "
                f"the test label of row {other}, which spans {row0[other]} to {row1[other]} ({shared:,} training "
                f"labels in all {folds} folds).",
                next_step("overlap"),
                row=row,
                looks_ahead=int(row1[row] - row0[row]),
            )
        )
    if near:
        k, row, at = first["embargo"]
        leaks.append(
            Leak(
                "embargo",
                f"{name}: in fold {k}, training row {row} begins {int(row0[row]) - at} rows after the last test label, "
                f"within the embargo of {embargo} rows ({near:,} rows in all).",
                next_step("embargo"),
                row=row,
            )
        )
    rules = {leak.rule for leak in leaks}
    near_outcome = "leaks" if "embargo" in rules else "clean" if embargo else "not checked"
    why = "" if embargo else "no embargo is asked for (embargo=ROWS)"
    checked = [
        Checked("overlap", RULES["overlap"], folds, "leaks" if rules & {"overlap", "fold"} else "clean"),
        Checked("embargo", RULES["embargo"], folds if embargo else 0, near_outcome, why),
    ]
    digest = hashlib.sha256(np.concatenate([row0, row1]).astype("<i8").tobytes()).hexdigest()
    facts = {"n_rows": int(row0.size), "spans_hash": digest, "longest_label": int((row1 - row0).max()),
             "folds": folds, "embargo": embargo}  # fmt: skip
    return leaks, checked, plain(facts)


def _pair(spans: Any) -> tuple[I64, I64]:
    if hasattr(spans, "row0") and hasattr(spans, "row1"):
        spans = (spans.row0, spans.row1)
    elif hasattr(spans, "t0") and hasattr(spans, "t1"):
        spans = (spans.t0, spans.t1)
    if not (isinstance(spans, tuple) and len(spans) == 2):
        array = np.asarray(spans)
        if array.ndim != 2 or array.shape[1] != 2:
            raise InputError("spans must be a pair of arrays (begins, ends), labels, or an array of shape (n, 2).")
        spans = (array[:, 0], array[:, 1])
    row0, row1 = (np.asarray(s) for s in spans)
    if row0.dtype.kind == "M":
        row0, row1 = (s.astype("datetime64[ns]").astype(np.int64) for s in (row0, row1))
    if row0.shape != row1.shape or row0.ndim != 1 or bool((row1 < row0).any()):
        raise InputError("spans must be as many ends as begins, and no end before its begin.")
    return row0.astype(np.int64), row1.astype(np.int64)


def _with_spans(splitter: Any, pair: tuple[I64, I64]) -> Any:
    if inspect.isclass(splitter):
        takes = inspect.signature(splitter).parameters
        make: Any = splitter
        return make(spans=pair) if "spans" in takes else make()
    if inspect.isfunction(splitter):
        takes = inspect.signature(splitter).parameters
        if "spans" in takes:
            return splitter(spans=pair)
        return splitter(*pair) if len(takes) >= 2 else splitter()
    if hasattr(splitter, "spans") and getattr(splitter, "spans", None) is None:
        mine = copy.copy(splitter)
        mine.spans = pair
        return mine
    return splitter


def _folds(made: Any, x: Any, y: Any) -> Any:
    try:
        found = list(made.split(x, y)) if hasattr(made, "split") else made
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{type(made).__name__} cannot split {len(x)} rows: {error} Give a function of (begins, ends) that returns "
            "the folds, if it needs more than X and y."
        ) from error
    for train, tests in found:
        parts = tests if isinstance(tests, list) and tests and np.ndim(tests[0]) == 1 else [tests]
        yield np.asarray(train, dtype=np.int64), np.concatenate([np.asarray(p, dtype=np.int64) for p in parts])


def _overlapping(row0: I64, row1: I64, train: I64, test: I64) -> tuple[I64, I64]:
    """Training rows whose span shares a return with one of the test rows, and one such test row for each."""
    order = np.argsort(row0[test], kind="stable")
    begins, ends = row0[test][order], row1[test][order]
    highest = np.maximum.accumulate(ends) if ends.size else ends
    # A test label that begins before the training one ends, and the latest end among those.
    place = np.searchsorted(begins, row1[train], side="left") - 1
    reach = np.where(place >= 0, highest[np.maximum(place, 0)], np.iinfo(np.int64).min) if ends.size else train * 0
    bad = np.flatnonzero((place >= 0) & (reach > row0[train])) if ends.size else np.zeros(0, dtype=np.int64)
    partners = []
    for i in bad[:1]:
        meets = np.flatnonzero((begins < row1[train[i]]) & (ends > row0[train[i]]))
        partners.append(int(test[order][meets[0]]))
    return train[bad], np.array(partners, dtype=np.int64)


def _ends_of_blocks(row0: I64, row1: I64, test: I64) -> list[int]:
    """Last instant of each unbroken run of test rows."""
    rows = np.sort(test)
    breaks = np.flatnonzero(np.diff(rows) > 1)
    blocks = np.split(rows, breaks + 1)
    return [int(row1[block].max()) for block in blocks if block.size]
