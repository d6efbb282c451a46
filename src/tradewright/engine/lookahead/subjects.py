"""What can be examined, brought to one form: a function from bars to a table of answers.

Entry points: `Subject`, `subject_of`, `Facts`.

Invariants: every call asks a fresh copy of what the user gave, so that no call sees what another left behind, unless
`Subject.used` is asked for on purpose; row ``t`` of an answer is what is claimed to be known at the close of bar ``t``.
"""

from __future__ import annotations

import hashlib
import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import ConfigError, InputError, closest
from tradewright.engine.lookahead.answers import Table, digest_rows, table_of
from tradewright.engine.lookahead.purity import Pristine, unwrapped
from tradewright.engine.manifest import plain, strategy_spec

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["FORMS", "KINDS", "Facts", "Subject", "kind_of", "source_text", "subject_of"]

KINDS: Final = ("strategy", "indicator", "feature", "model", "label", "splitter")
FORMS: Final = ("bars", "frame", "arrays", "series")
Facts = Mapping[str, Any]
"""Dated tables by name: mappings of columns or pandas frames with a column ``known_at``."""

_COLUMNS: Final = ("open", "high", "low", "close", "volume")
_ARRAYS: Final = {
    **{name: name for name in _COLUMNS},
    **{f"{name}s": name for name in _COLUMNS},
    **dict.fromkeys(("x", "values", "price", "prices"), "close"),
    "open_": "open",
    "v": "volume",
}
_FRAMES: Final = {"df", "frame", "candles", "ohlcv", "dataframe", "history", "data"}
_METHODS: Final = ("on_bar", "signals", "weights", "orders")


@dataclass(slots=True)
class Subject:
    """Something that answers, and how to ask it.

    Parameters
    ----------
    kind, name : str
    given : object
        As the user gave it.
    ask : callable
        ``ask(copy, bars, facts)`` gives a `Table`.
    warm_ups : mapping
        Rows until the first value by column, that row included; empty where it is not said.
    params : mapping
    stream : callable, optional
        ``stream(bars)`` gives the same table, row by row.
    declares : tuple of str, optional
        Inputs it says it reads; None where it does not say.
    spec : mapping
        How it can be found again.
    form : str
        What a function takes, of `FORMS`.
    first_cut : int
        First row that may be changed: a model is fitted on the rows before it.
    source : object, optional
        What the source text is of, where that is not `given`.
    by_name : str
        What it is given by the names of instruments, on purpose; empty where nothing is.
    """

    kind: str
    name: str
    given: Any
    ask: Callable[[Any, Bars, Facts], Table]
    warm_ups: Mapping[str, int] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    stream: Callable[[Bars], Table] | None = None
    declares: tuple[str, ...] | None = None
    spec: Mapping[str, str] = field(default_factory=dict)
    form: str = "bars"
    first_cut: int = 1
    source: Any = None
    by_name: str = ""
    _pristine: Pristine | None = None
    _used: Any = None

    @property
    def warm_up(self) -> int:
        """Rows until all columns have a value; 1 where it is not said."""
        return max(self.warm_ups.values(), default=1)

    def answer(self, bars: Bars, facts: Facts | None = None) -> Table:
        """Ask a fresh copy."""
        if self._pristine is None:
            self._pristine = Pristine(self.given)
        return self.ask(self._pristine.fresh(), bars, facts or {})

    def used(self, bars: Bars, facts: Facts | None = None) -> Table:
        """Ask one and the same copy, which may remember earlier calls."""
        if self._pristine is None:
            self._pristine = Pristine(self.given)
        if self._used is None:
            self._used = self._pristine.fresh()
        return self.ask(self._used, bars, facts or {})

    def source_hash(self) -> str | None:
        """SHA-256 of the source text; None where there is none to read."""
        text = source_text(self.given if self.source is None else self.source)
        return None if text is None else hashlib.sha256(text.encode()).hexdigest()

    def described(self) -> dict[str, Any]:
        """Facts for a certificate."""
        return {
            "kind": self.kind,
            "name": self.name,
            "spec": dict(self.spec),
            "params": plain(dict(self.params)),
            "source_hash": self.source_hash(),
            "form": self.form,
        }

    def job(self) -> dict[str, Any] | None:
        """How another process can ask the same; None where it cannot find the subject."""
        place = self.spec.get("kind")
        if place not in {"registered", "file", "module"} or not self.spec.get("spec"):
            return None
        return {"kind": self.kind, "spec": self.spec["spec"], "params": plain(dict(self.params)), "form": self.form}


def source_text(given: Any) -> str | None:
    """Source text of a function, class or object, with the same line ends everywhere."""
    target = unwrapped(given)
    inner = getattr(target, "__dict__", {}).get("function") if not isinstance(target, type) else None
    if callable(inner):
        target = unwrapped(inner)
    definition = getattr(target, "definition", None)
    if callable(definition):
        target = definition
    if not inspect.isfunction(target) and not isinstance(target, type):
        target = type(target)
    try:
        return inspect.getsource(target).replace("\r\n", "\n")
    except (OSError, TypeError):
        return None


def kind_of(what: Any) -> str:
    """Kind of something a user hands over.

    Raises
    ------
    InputError
        If it is none of the kinds, or a name that nothing has.

    Examples
    --------
    >>> kind_of("sma_cross"), kind_of("rsi"), kind_of(lambda bars: bars.close)
    ('strategy', 'indicator', 'feature')
    """
    from tradewright.features.indicators.registry import names
    from tradewright.features.indicators.spec import Indicator
    from tradewright.strategies.registry import list_strategies

    if isinstance(what, str):
        if ":" in what:
            from tradewright.strategies.registry import load_object

            return kind_of(load_object(what))
        strategies, indicators = list_strategies(), names()
        if what in strategies:
            return "strategy"
        if what in indicators:
            return "indicator"
        from tradewright.features.registry import names as feature_names

        features = feature_names()
        if what in features:
            return "feature"
        hint = closest(what, [*strategies, *indicators, *features]) or "."
        raise InputError(
            f"There is no strategy, indicator or feature {what!r}{hint} A file of your own is path/to/file.py:name."
        )
    if isinstance(what, Indicator):
        return "indicator"
    if any(callable(getattr(what, name, None)) for name in _METHODS):
        return "strategy"
    if callable(getattr(what, "split", None)) and callable(getattr(what, "get_n_splits", None)):
        return "splitter"
    if callable(getattr(what, "fit", None)) and _learned(what):
        return "model"
    if callable(what) or callable(getattr(what, "compute", None)):
        return "feature"
    raise InputError(
        f"{what!r} cannot be examined; give a strategy, an indicator, a function of bars, a model with fit and "
        "transform or predict, or a splitter."
    )


def subject_of(
    what: Any,
    kind: str = "auto",
    *,
    params: Mapping[str, Any] | None = None,
    form: str = "auto",
    warm_up: int | None = None,
    example: Bars | None = None,
    facts: Facts | None = None,
) -> Subject:
    """Subject of whatever the user gives.

    Parameters
    ----------
    what : str, object, class or function
        A name, ``path/to/file.py:name``, or the thing itself.
    kind : str
        One of `KINDS`, or ``"auto"``.
    params : mapping, optional
    form : str
        What a function takes: ``bars``, ``frame`` (a pandas frame of one instrument with times), ``arrays`` or
        ``series`` (its parameters named open, high, low, close, volume); ``"auto"`` goes by its parameters' names.
    warm_up : int, optional
        Rows until the first value of a function.
    example : Bars, optional
        To find out what a function takes.
    facts : mapping, optional
        Dated tables it takes besides the bars.

    Raises
    ------
    InputError, ConfigError
        If it cannot be found, or is not of that kind.
    """
    if kind != "auto" and kind not in KINDS:
        raise InputError(f"kind is {kind!r}; it must be auto or one of {', '.join(KINDS)}{closest(kind, KINDS) or '.'}")
    if form != "auto" and form not in FORMS:
        raise InputError(f"form is {form!r}; it must be auto or one of {', '.join(FORMS)}{closest(form, FORMS) or '.'}")
    given = what
    spec = strategy_spec(what)
    chosen = kind_of(what) if kind == "auto" else kind
    if isinstance(what, str) and ":" in what:
        from tradewright.strategies.registry import load_object

        what = load_object(what)
    if chosen == "strategy":
        return _strategy(what, given, params, warm_up)
    if chosen == "indicator":
        found = _indicator(what, params)
        if found is not None:
            return found
    if chosen == "feature" and (isinstance(what, str) or hasattr(what, "with_setting")):
        return _feature(what, params)
    if isinstance(what, str):
        raise InputError(
            f"There is no {chosen} {what!r} by name; give path/to/file.py:name, or the object itself in Python."
        )
    if isinstance(what, type):
        what = what(**dict(params or {}))
        params = {}
    name = str(getattr(what, "name", "") or getattr(unwrapped(what), "__name__", "") or type(what).__name__)
    name = chosen if name == "<lambda>" else name
    said = warm_up if warm_up is not None else getattr(what, "warm_up", None)
    rows = said(**dict(params or {})) if callable(said) else said
    warm_ups = {"": int(rows)} if isinstance(rows, (int, np.integer)) else {}
    if chosen == "model" and callable(getattr(what, "fit", None)):
        n_fit = 200 if example is None else min(200, example.n_bars // 2)
        return Subject(
            chosen,
            name,
            what,
            _asking_estimator(n_fit),
            {},
            dict(params or {}),
            spec=spec,
            form="rows",
            first_cut=n_fit,
        )
    callee = what if callable(what) else getattr(what, "compute", None) or getattr(what, "transform", None)
    if not callable(callee):
        raise InputError(f"{name} cannot be asked: it is neither callable nor has compute(bars).")
    use = form if form != "auto" else _form_of(callee)
    made = Subject(
        chosen, name, what, _asking(name, use or "bars", dict(params or {})), warm_ups, dict(params or {}), spec=spec
    )
    made.form = use or "bars"
    if use is None and example is not None:
        _try_forms(made, callee, dict(params or {}), example, facts)
    return made


def frame_of(bars: Bars, j: int) -> Any:
    """Bars of one instrument as a pandas frame indexed by time (UTC), rows without a price left out."""
    import pandas as pd

    index = pd.DatetimeIndex(bars.ts.astype("datetime64[ns]"), tz="UTC", name="time")
    frame = pd.DataFrame({name: getattr(bars, name)[:, j].copy() for name in _COLUMNS}, index=index)
    frame.attrs["symbol"] = bars.symbols[j]
    return frame


def _learned(what: Any) -> bool:
    return any(callable(getattr(what, name, None)) for name in ("transform", "predict", "predict_proba"))


def _form_of(function: Any) -> str | None:
    """What a function takes, by the annotations and names of its parameters; None where they do not tell."""
    try:
        given = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return "arrays"
    names = [k for k, p in given.items() if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    if not names:
        return "bars"
    first = given[names[0]]
    word = str(first.annotation)
    for text, form in (("Bars", "bars"), ("DataFrame", "frame"), ("Series", "series"), ("ndarray", "arrays")):
        if text in word:
            return form
    if names[0] in {"series", "s"}:
        return "series"
    if names[0] == "bars":
        return "bars"
    if names[0] in _ARRAYS:
        return None if first.annotation is first.empty else "arrays"
    return "frame" if names[0] in _FRAMES - {"data", "history"} else None


def _try_forms(subject: Subject, function: Any, params: dict[str, Any], bars: Bars, facts: Facts | None) -> None:
    """Settle what a function takes by asking it; the first form that gives an answer counts."""
    try:
        first = next(iter(inspect.signature(function).parameters), "")
    except (TypeError, ValueError):
        first = "x"
    order = ("arrays", "series") if first in _ARRAYS else ("bars", "frame")
    errors: list[Exception] = []
    for form in order:
        subject.ask, subject.form = _asking(subject.name, form, params), form
        try:
            subject.answer(bars, facts)
        except Exception as error:
            errors.append(error)
        else:
            return
    subject.ask, subject.form = _asking(subject.name, order[0], params), order[0]
    raise errors[0]


def _asking(name: str, form: str, params: dict[str, Any]) -> Callable[[Any, Bars, Facts], Table]:
    def ask(what: Any, bars: Bars, facts: Facts) -> Table:
        function = what if callable(what) else getattr(what, "compute", None) or what.transform
        if form == "bars":
            return table_of(_kept(function(bars, **facts, **params), bars), bars, name)
        parts = [_one(function, form, bars, j, facts, params, name) for j in range(bars.n_assets)]
        columns = {key: np.hstack([part.columns[key] for part in parts]) for key in parts[0].columns}
        return Table(columns, labels=bars.symbols)

    return ask


def _kept(value: Any, bars: Bars) -> Any:
    """What a feature set answers, as columns; other values as they are."""
    frame = getattr(value, "columns_by_name", None)
    if callable(frame):
        return frame()
    names, values = getattr(value, "names", None), getattr(value, "values", None)
    if isinstance(values, np.ndarray) and isinstance(names, (tuple, list)) and values.shape[-1:] == (len(names),):
        return {str(key): values[..., k] for k, key in enumerate(names)}
    return value


def _one(function: Any, form: str, bars: Bars, j: int, facts: Facts, params: dict[str, Any], name: str) -> Table:
    from tradewright.engine.lookahead.futures import rebuilt

    single = bars if bars.n_assets == 1 else rebuilt(
        bars,
        instruments=(bars.instruments[j],),
        actions=[a for a in bars.actions if a.instrument == bars.instruments[j]],
        **{key: getattr(bars, key)[:, j : j + 1] for key in _COLUMNS},
    )  # fmt: skip
    if form == "frame":
        frame = frame_of(bars, j)
        before = frame.copy()
        found = function(frame, **facts, **params)
        if not before.equals(frame[before.columns] if set(before.columns) <= set(frame.columns) else None):
            raise MutatedInputError(f"{name} changes the frame it is given.")
        return table_of(_added(found, before), single, name)
    try:
        wanted = [k for k in inspect.signature(function).parameters if k in _ARRAYS]
    except (TypeError, ValueError):
        wanted = []
    columns = [np.ascontiguousarray(getattr(bars, _ARRAYS[key])[:, j]).copy() for key in wanted or ("close",)]
    given: list[Any] = list(columns)
    if form == "series":
        frame = frame_of(bars, j)
        given = [frame[_ARRAYS[key]].copy() for key in wanted or ("close",)]
    before_arrays = [np.array(item, copy=True) for item in given]
    found = function(*given, **facts, **params)
    if not all(np.array_equal(a, np.asarray(b), equal_nan=True) for a, b in zip(before_arrays, given, strict=True)):
        raise MutatedInputError(f"{name} changes the columns it is given.")
    return table_of(found, single, name)


class MutatedInputError(InputError):
    """A subject wrote to what it was handed."""


def _added(found: Any, before: Any) -> Any:
    """Of a frame that came back with more columns, only these (and those that are not as they were)."""
    if getattr(found, "ndim", 1) == 2 and set(before.columns) <= set(found.columns):
        new = [c for c in found.columns if c not in before.columns or not found[c].equals(before[c])]
        return found[new] if new else found
    return found


def _strategy(what: Any, given: Any, params: Mapping[str, Any] | None, warm_up: int | None) -> Subject:
    from tradewright.strategies.registry import make_strategy

    made = make_strategy(what, params)
    name = str(getattr(made, "name", "") or type(made).__name__)
    rows = warm_up if warm_up is not None else (int(made.warm_up()) if hasattr(made, "warm_up") else 1)
    own = dict(getattr(made, "params", None) or {})
    # A function does not say how many bars it needs, so nothing can be asked of its first rows.
    says = warm_up is not None or not callable(getattr(made, "__dict__", {}).get("function"))
    return Subject(
        "strategy",
        name,
        made,
        _ask_strategy,
        {"": rows} if says and rows > 1 else {},
        own,
        spec=strategy_spec(given),
    )


def _ask_strategy(strategy: Any, bars: Bars, facts: Facts) -> Table:
    from tradewright.domain.forecasts import HOLD
    from tradewright.engine.decisions import decide
    from tradewright.engine.prepared import market_of, prepare
    from tradewright.engine.settings import Settings
    from tradewright.strategies.base import initialised

    settings = Settings()
    made = decide(strategy, bars, market_of(bars, settings))
    if made.kind == "signals":
        signals = np.asarray(made.signals).reshape(bars.n_bars, -1).astype(np.float64)
        return Table({"signal": np.where(signals == HOLD, np.nan, signals)}, labels=bars.symbols)
    if made.kind == "weights":
        assert made.rows is not None
        dense = np.full((bars.n_bars, bars.n_assets), np.nan)
        dense[made.rows] = made.weights
        decided = np.zeros((bars.n_bars, 1), dtype=np.int64)
        decided[made.rows] = 1
        return Table({"weight": dense, "decision": decided}, labels=bars.symbols)
    if made.kind == "orders":
        orders = made.orders or {}
        rows = np.asarray(orders["bar"])
        parts = [np.asarray(orders[key], dtype=np.float64) for key in sorted(orders) if key != "bar"]
        return Table({"orders": digest_rows(rows, parts, bars.n_bars)}, labels=bars.symbols)
    prepared = prepare(bars, settings, validate=False)
    run = made.run(prepared.market, prepared.spec, bars)
    columns = {
        k: np.asarray(run.orders[k], dtype=np.float64) for k in ("bar", "asset", "kind", "quantity", "limit", "stop")
    }
    rows = columns["bar"].astype(np.int64)
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    asked = digest_rows(rows, [columns[k][order] for k in ("asset", "kind")], bars.n_bars)
    whole = digest_rows(rows, [columns[k][order] for k in ("asset", "kind", "quantity", "limit", "stop")], bars.n_bars)
    out: dict[str, Array] = {"orders asked for": asked, "orders": whole}
    for k, series in enumerate(initialised(strategy, bars)[1]):
        out[f"indicator {k + 1}"] = np.asarray(series.source).reshape(-1, 1)
    return Table(out, late={"orders": 1}, labels=bars.symbols)


def _indicator(what: Any, params: Mapping[str, Any] | None) -> Subject | None:
    from tradewright.features.indicators.registry import indicator
    from tradewright.features.indicators.spec import Indicator

    if isinstance(what, str):
        what = indicator(what)
    if not isinstance(what, Indicator):
        return None
    item = what
    values = item.checked(dict(params or {}))

    def columns(bars: Bars, j: int) -> list[Array]:
        out: list[Array] = []
        for key in item.inputs:
            if key == "ts":
                out.append(bars.ts / 1e9)
            elif key == "session":
                out.append((bars.ts // 86_400_000_000_000).astype(np.float64))
            else:
                # What others do is read from the next column, so that a leak of the other side is seen too.
                source, k = ("close", (j + 1) % bars.n_assets) if key == "benchmark" else (key, j)
                out.append(np.ascontiguousarray(getattr(bars, source)[:, k]))
        return out

    def table(bars: Bars, per_asset: Callable[[list[Array]], Any]) -> Table:
        found = [per_asset(columns(bars, j)) for j in range(bars.n_assets)]
        outs = [value if isinstance(value, tuple) else (value,) for value in found]
        return Table(
            {label: np.column_stack([np.asarray(o[k]) for o in outs]) for k, label in enumerate(item.outputs)},
            labels=bars.symbols,
        )

    def ask(entry: Any, bars: Bars, facts: Facts) -> Table:
        return table(bars, lambda given: entry(*given, **values))

    def stream(bars: Bars) -> Table:
        def rows(given: list[Array]) -> tuple[Array, ...]:
            state = item.stream(**values)
            pieces = (0, 1, 2, 3, bars.n_bars // 3, bars.n_bars // 3 + 1, bars.n_bars)  # in pieces of every size
            cuts = [state.extend(*[g[a:b] for g in given]) for a, b in itertools.pairwise(pieces) if b > a]
            parts = [c if isinstance(c, tuple) else (c,) for c in cuts]
            return tuple(np.concatenate([np.asarray(p[k]) for p in parts]) for k in range(len(item.outputs)))

        return table(bars, rows)

    try:
        warm_ups: Mapping[str, int] = item.warm_ups(**values)
    except ConfigError:
        warm_ups = {}
    return Subject(
        "indicator",
        item.name,
        item,
        ask,
        {} if item.event else warm_ups,
        values,
        stream=stream,
        declares=item.inputs,
        spec={"kind": "registered", "spec": item.name},
    )


class _Shared:
    """Something that is never changed, and therefore not copied."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __copy__(self) -> _Shared:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> _Shared:
        return self


def _feature(what: Any, params: Mapping[str, Any] | None) -> Subject:
    """A feature of the registry by name, a file of features, or a feature set."""
    from tradewright.features.pipeline import FeatureSet

    declares: tuple[str, ...] | None = None
    warm_ups: dict[str, int] = {}
    spec: dict[str, str] = {"kind": "object", "spec": ""}
    given: Any = what
    by_name = ""
    if isinstance(what, str) and what.endswith((".yaml", ".yml", ".json")):
        made, name, spec = FeatureSet.load(what), what, {"kind": "features", "spec": what}
    elif isinstance(what, str):
        from tradewright.features.registry import feature

        item = feature(what)
        sectors = {f"EXAM{k}": ("odd" if k % 2 else "even") for k in range(1, 10)} | {"EXAM": "odd"}
        entry: dict[str, Any] = {"feature": item.name, **dict(params or {})}
        made = FeatureSet([entry], sectors=sectors) if "sectors" in item.needs else FeatureSet([entry])
        name, spec, given = item.name, {"kind": "registered", "spec": item.name}, item.function
        declares = tuple(item.inputs) if not item.takes else None
        by_name = "a map of sectors, which is to be dated by whoever gives it" if "sectors" in item.needs else ""
        if item.kind != "longer" and not item.event and not item.needs:
            found = made.columns()[0]["warm_up"] if callable(made.columns) else made.columns[0]["warm_up"]
            warm_ups = {} if found is None else {"": int(found)}
    else:
        made, name = what, "features"

    def ask(features: Any, bars: Bars, facts: Facts) -> Table:
        return table_of(_kept(features.value.compute(bars, threads=1), bars), bars, name)

    subject = Subject("feature", name, _Shared(made), ask, warm_ups, dict(params or {}), declares=declares, spec=spec)
    subject.source, subject.by_name = given, by_name
    return subject


def _asking_estimator(n_fit: int) -> Callable[[Any, Bars, Facts], Table]:
    def ask(model: Any, bars: Bars, facts: Facts) -> Table:
        """Fit on the first rows, then answer for all: an answer must not depend on the rows after its own."""
        rows = design(bars)
        target = np.sign(np.r_[np.diff(bars.close[:, 0]), np.nan])
        # The target of the last of these rows is known one row later, which is still before any change.
        fit = np.arange(min(n_fit - 1, bars.n_bars))
        usable = fit[np.isfinite(rows[fit]).all(axis=1) & np.isfinite(target[fit])]
        model.fit(rows[usable], (target[usable] > 0).astype(int))
        inside = np.where(np.isfinite(rows), rows, 0.0)
        name = next(m for m in ("transform", "predict_proba", "predict") if callable(getattr(model, m, None)))
        found = getattr(model, name)(inside)
        found = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
        return Table({name: np.asarray(found, dtype=np.float64).reshape(bars.n_bars, -1)})

    return ask


def design(bars: Bars) -> Array:
    """Causal columns that a model is examined on: five lagged returns, the range, and two averages."""
    close = bars.close[:, 0]
    with np.errstate(all="ignore"):
        change = np.r_[np.nan, np.diff(np.log(close))]
        spread = np.log(bars.high[:, 0] / bars.low[:, 0])
    columns = [np.r_[np.full(k, np.nan), change[: close.size - k]] for k in range(5)]
    for window in (3, 6):
        mean = np.full(close.size, np.nan)
        if close.size >= window:
            view = np.lib.stride_tricks.sliding_window_view(change, window)
            mean[window - 1 :] = view.mean(axis=1)
        columns.append(mean)
    return np.column_stack([*columns, spread])


def fact_table(table: Any, name: str) -> tuple[Sequence[str], Array]:
    """Columns of a dated table, and when each of its rows became known in nanoseconds UTC.

    Raises
    ------
    InputError
        If it has no column ``known_at`` (or ``published``).
    """
    columns = [str(c) for c in (table.columns if hasattr(table, "columns") else table)]
    for key in ("known_at", "published", "publish_time", "knowledge_time"):
        if key in columns:
            known = np.asarray(table[key])
            if known.dtype.kind == "O":
                import pandas as pd

                known = np.asarray(pd.to_datetime(table[key], utc=True).dt.tz_localize(None))
            if known.dtype.kind == "M":
                known = known.astype("datetime64[ns]").astype(np.int64)
            return columns, known.astype(np.int64)
    raise InputError(f"Facts {name!r} have no column 'known_at', the time each row was published; they have {columns}.")


def later_facts(facts: Facts, ts: int, mode: str, seed: int) -> dict[str, Any]:
    """Facts without the rows that became known after `ts` (``"cut"``), or with other numbers in them (``"path"``)."""
    out: dict[str, Any] = {}
    rng = np.random.default_rng([seed, 3])
    for name, table in facts.items():
        columns, known = fact_table(table, name)
        later = known > ts
        frame = hasattr(table, "columns")
        if mode == "cut":
            out[name] = table[~later] if frame else {key: np.asarray(table[key])[~later] for key in columns}
            continue
        changed = table.copy() if frame else {key: np.array(table[key], copy=True) for key in columns}
        for key in columns:
            values = np.asarray(changed[key])
            if values.dtype.kind == "f":
                changed[key] = np.where(later, values * np.exp(rng.normal(0.0, 1.0, values.size)) + 1.0, values)
        out[name] = changed
    return out
