"""One examination, from whatever the user has to a certificate.

Entry point: `check_lookahead`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import InputError, TradewrightError, closest
from tradewright.engine.lookahead.certificate import SCHEMA, Certificate
from tradewright.engine.lookahead.examination import Examination, require_rows
from tradewright.engine.lookahead.findings import RULES, Checked, Leak, next_step
from tradewright.engine.lookahead.futures import FUTURES, exam_markets
from tradewright.engine.lookahead.purity import fresh_process, other_chance
from tradewright.engine.lookahead.spans import examine_labels, examine_splitter
from tradewright.engine.lookahead.subjects import Facts, Subject, kind_of, source_text, subject_of
from tradewright.engine.manifest import engine_build, environment, plain, strategy_spec

if TYPE_CHECKING:
    Tick = Callable[[], None]

__all__ = ["MOST_ROWS", "check_lookahead", "document_of", "merged"]

MOST_ROWS: Final = 3_000
"""Rows of given bars that are used by default: the last ones."""
_ORDER: Final = ("input", "future", "facts", "span", "overlap", "fold", "embargo", "length", "fitted", "names", "files",
                 "hidden", "independent", "memory", "chance", "clock", "process", "streaming", "warm_up")  # fmt: skip

TOLERANCE: Final = (
    "Bits must be equal where the length of the data is (NaN equals NaN). Where it is not, differences up to 1e-12 of "
    "the largest value of the column are allowed and noted, because sums may be taken in another order; they are "
    "allowed only because futures of the same length, compared without allowance, show none."
)


def check_lookahead(
    subject: Any,
    bars: Any = None,
    *,
    kind: str = "auto",
    params: Mapping[str, Any] | None = None,
    facts: Facts | None = None,
    cuts: int = 24,
    sweep: int | None = None,
    seed: int = 7,
    rows: int = MOST_ROWS,
    form: str = "auto",
    warm_up: int | None = None,
    horizon: int | None = None,
    spans: Any = None,
    embargo: int | None = None,
    fit_rows: int | None = None,
    data: Any = None,
    allow: Iterable[str] = (),
    process: bool | None = None,
    progress: Tick | None = None,
) -> Certificate:
    """Examine whether something looks ahead, and certify the outcome.

    Parameters
    ----------
    subject : str, object, class or function
        A strategy or indicator by name; ``"path/to/file.py:name"``; a strategy, an indicator, a feature or model as a
        function of bars (or of a pandas frame, or of columns named ``close``, ...), a scikit-learn estimator, labels as
        a function of bars, a splitter.
    bars : Bars, sequence of Bars, or what `tradewright.load` takes, optional
        Markets to examine on; default three made-up ones (`exam_markets`).
    kind : {"auto", "strategy", "indicator", "feature", "model", "label", "splitter"}
        What it is; ``"auto"`` finds out, except for labels.
    params : mapping, optional
        Parameters of the subject.
    facts : mapping of str to table, optional
        Dated tables that the subject takes by these names, each with a column ``known_at``: what was published later is
        taken away and changed.
    cuts : int
        About how many rows of each market before which the future is changed, at least 4.
    sweep : int, optional
        Further rows of the first market, spread over all, before which the future is changed too, so that a leak in
        few rows is found; default 400, of models 40.
    seed : int
        Of everything drawn.
    rows : int
        Of given bars the last so many are used.
    form : {"auto", "bars", "frame", "arrays", "series"}
        What a function takes.
    warm_up : int, optional
        Rows until the first value of a function, that row included.
    horizon : int, optional
        Rows that every label spans, for labels that are one array and for splitters (default 5).
    spans : optional
        Of a splitter: labels, or the begins and ends of each row's label.
    embargo : int, optional
        Of a splitter: rows that must be free after each test fold.
    fit_rows : int, optional
        Of a fitted model: rows of `data` that it may have been fitted on.
    data : array (n, n_features) or pair (X, y), optional
        Of a fitted model: what it is to transform or predict; the same model fitted on the first `fit_rows` must answer
        the same.
    allow : iterable of str
        Rules (`RULES`) whose findings are noted but do not count; the certificate says so.
    process : bool, optional
        Whether a new interpreter (with another hash seed and time zone) is asked too; default: for subjects in files.
    progress : callable, optional
        Called after every answer.

    Returns
    -------
    Certificate

    Raises
    ------
    InputError, ConfigError
        If the subject cannot be found or asked at all.

    Notes
    -----
    Rules, conventions and limits: docs/lookahead.md.

    Examples
    --------
    >>> import numpy as np, tradewright as tw
    >>> def tomorrow(bars):
    ...     return np.vstack([bars.close[1:], np.full((1, bars.n_assets), np.nan)]) / bars.close - 1
    >>> found = tw.check_lookahead(tomorrow)
    >>> found.clean, found.leaks[0].rule, found.leaks[0].row, found.leaks[0].looks_ahead, found.leaks[0].fields
    (False, 'future', 0, 1, ('close',))
    >>> tw.check_lookahead("sma_cross", params={"fast": 5, "slow": 20}).clean
    True
    """
    accepted = tuple(dict.fromkeys(allow))
    for rule in accepted:
        if rule not in RULES:
            raise InputError(
                f"There is no rule {rule!r} to allow{closest(rule, RULES) or '.'} Rules: {', '.join(RULES)}."
            )
    if isinstance(cuts, bool) or not isinstance(cuts, int) or cuts < 4:
        raise InputError(f"cuts is {cuts!r}; it must be a whole number, 4 or more.")
    if sweep is not None and (isinstance(sweep, bool) or not isinstance(sweep, int) or sweep < 0):
        raise InputError(f"sweep is {sweep!r}; it must be a whole number, 0 or more.")
    if not rows >= 50:
        raise InputError(f"rows is {rows!r}; it must be 50 or more.")
    chosen = kind_of(subject) if kind == "auto" else kind
    sweep = sweep if sweep is not None else 40 if chosen == "model" else 400
    options = {"cuts": cuts, "sweep": sweep, "seed": seed, "allow": list(accepted)}
    if chosen == "splitter":
        return _splitter(subject, params, spans, embargo, horizon, options)
    if chosen == "model" and data is not None:
        return _fitted(subject, data, fit_rows, options)
    markets, made_up = _markets(bars, rows, seed, subject, chosen, params, warm_up)
    if chosen == "label":
        return _labels(subject, markets, params, horizon, options, progress)
    made = subject_of(subject, chosen, params=params, form=form, warm_up=warm_up, example=markets[0], facts=facts)
    if made.form == "rows":
        markets = markets[:1]  # the columns it is examined on are those of one instrument
    leaks: list[Leak] = []
    checked: list[Checked] = []
    used: list[dict[str, Any]] = []
    answers, failed, depends = 0, "", False
    for market in markets:
        require_rows(market, made.warm_up, made.name)
        here = sweep if market is markets[0] else 0
        exam = Examination(made, market, cuts=cuts, seed=seed, sweep=here, facts=facts, tick=progress)
        try:
            exam.sit()
        except TradewrightError as error:
            if not made_up:
                raise
            failed = str(error)  # such as a rule of pairs on one instrument: another market may fit
            continue
        leaks += exam.leaks
        checked += exam.checked
        answers += exam.answers
        depends = depends or exam.depends
        used.append(_market_facts(market, exam.cuts))
    if not used:
        raise InputError(
            f"{made.name} answers on none of the made-up markets ({failed}); give bars it can be asked about."
        )
    if depends:  # on one market, a rotation has but one instrument to choose
        leaks = [leak for leak in leaks if leak.rule not in {"hidden", "independent"}]
    if process is None:
        process = made.spec.get("kind") in {"file", "module"}
    if process and facts is None and not any(leak.rule == "chance" for leak in leaks):
        _process(made, markets, made_up, seed, leaks, checked)
    else:
        checked.append(Checked("process", RULES["process"], 0, "not checked", "it was not asked for (process=True)"))
    return Certificate(document_of(made.described(), leaks, checked, used, options, answers=answers))


def document_of(
    subject: Mapping[str, Any],
    leaks: Sequence[Leak],
    checked: Sequence[Checked],
    data: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    *,
    answers: int,
) -> dict[str, Any]:
    """Certificate as plain values, without its hash."""
    import tradewright

    ordered = sorted(_first_of_each(leaks), key=lambda leak: _ORDER.index(leak.rule))
    counted = [leak for leak in ordered if leak.rule not in options["allow"]]
    kind, digest = engine_build()
    document = {
        "schema": SCHEMA,
        "subject": dict(subject),
        "verdict": "leaks" if counted else "clean",
        "leaks": [leak.as_dict() for leak in counted],
        "allowed": [leak.as_dict() for leak in ordered if leak.rule in options["allow"]],
        "checked": [item.as_dict() for item in merged(checked)],
        "data": [dict(item) for item in data],
        "futures": {name: future.about for name, future in FUTURES.items()},
        "tolerance": TOLERANCE,
        "options": dict(options),
        "answers": answers,
        "engine": {"version": tradewright.__version__, "kind": kind, "hash": digest},
        "environment": environment(),
    }
    found: dict[str, Any] = plain(document)
    return found


def merged(checked: Sequence[Checked]) -> list[Checked]:
    """One row per check over all markets: the worst outcome, the sum of the runs, every note once."""
    out: dict[str, Checked] = {}
    rank = {"leaks": 2, "clean": 1, "not checked": 0}
    for item in checked:
        known = out.get(item.check)
        if known is None:
            out[item.check] = item
            continue
        worst = max((known, item), key=lambda c: rank[c.outcome])
        notes = dict.fromkeys(t for t in (known.why, item.why) if t)
        out[item.check] = Checked(item.check, item.about, known.runs + item.runs, worst.outcome, "; ".join(notes))
    return list(out.values())


def _first_of_each(leaks: Sequence[Leak]) -> list[Leak]:
    """One finding per rule: the first, for the same leak shows on every market."""
    out: dict[str, Leak] = {}
    for leak in leaks:
        out.setdefault(leak.rule, leak)
    return list(out.values())


def _markets(
    bars: Any, rows: int, seed: int, subject: Any, kind: str, params: Mapping[str, Any] | None, warm_up: int | None
) -> tuple[tuple[Bars, ...], bool]:
    if bars is None:
        rows_needed = warm_up or 1
        if kind in {"strategy", "indicator"} or (kind == "feature" and isinstance(subject, str) and ":" not in subject):
            rows_needed = subject_of(subject, kind, params=params, warm_up=warm_up).warm_up
        return exam_markets(max(480, 2 * rows_needed + 160), seed=seed), True
    if isinstance(bars, Bars):
        given: tuple[Any, ...] = (bars,)
    elif isinstance(bars, (list, tuple)) and bars and all(isinstance(item, Bars) for item in bars):
        given = tuple(bars)
    else:
        from tradewright.engine.backtest import load_inputs

        given = (load_inputs(bars)[0],)
    return tuple(item.tail(rows) if item.n_bars > rows else item for item in given), False


def _market_facts(bars: Bars, cuts: Mapping[int, str]) -> dict[str, Any]:
    return {
        "hash": bars.data_hash(),
        "symbols": list(bars.symbols),
        "n_bars": bars.n_bars,
        "start": bars.start.isoformat(),
        "end": bars.end.isoformat(),
        "synthetic": bars.provenance.synthetic,
        "source": bars.provenance.source,
        "cuts": [{"row": row, "why": why} for row, why in cuts.items()],
    }


def _process(
    made: Subject, markets: Sequence[Bars], made_up: bool, seed: int, leaks: list[Leak], checked: list[Checked]
) -> None:
    from tradewright.engine.lookahead.answers import table_digest

    job = made.job()
    if job is None:
        checked.append(Checked("process", RULES["process"], 0, "not checked", "another process cannot find it"))
        return
    n_bars = markets[0].n_bars if made_up else max(480, 2 * made.warm_up + 160)
    here, jobs = [], []
    for k, market in enumerate(exam_markets(n_bars, seed=seed)):
        try:
            here.append(table_digest(made.answer(market)))
        except Exception:  # asks for instruments of its own: not on this market
            continue
        jobs.append({**job, "market": k, "n_bars": n_bars, "seed": seed})
    there = fresh_process(jobs) if jobs else []
    bad = [t for t in there if t.startswith("error:")]
    if bad or not jobs:
        why = bad[0] if bad else "it refuses the made-up markets"
        checked.append(Checked("process", RULES["process"], 0, "not checked", why))
        return
    if here != there:
        leaks.append(
            Leak(
                "process",
                f"{made.name} answers differently in another process (hash seed, time zone, first call).",
                next_step("process"),
            )
        )
    checked.append(Checked("process", RULES["process"], len(jobs), "clean" if here == there else "leaks"))


def _described(subject: Any, kind: str, params: Mapping[str, Any] | None) -> tuple[Any, str, dict[str, Any]]:
    import hashlib

    spec = strategy_spec(subject)
    if isinstance(subject, str):
        from tradewright.strategies.registry import load_object

        if ":" not in subject:
            raise InputError(
                f"There is no {kind} {subject!r} by name; give path/to/file.py:name, or the object itself."
            )
        subject = load_object(subject)
    name = str(getattr(subject, "__name__", "") or type(subject).__name__)
    text = source_text(subject)
    facts = {
        "kind": kind,
        "name": kind if name == "<lambda>" else name,
        "spec": spec,
        "params": plain(dict(params or {})),
        "source_hash": None if text is None else hashlib.sha256(text.encode()).hexdigest(),
        "form": "bars" if kind == "label" else "rows",
    }
    return subject, facts["name"], facts


def _labels(
    subject: Any,
    markets: Sequence[Bars],
    params: Mapping[str, Any] | None,
    horizon: int | None,
    options: Mapping[str, Any],
    progress: Tick | None,
) -> Certificate:
    given, name, facts = _label_of(subject, params)
    leaks: list[Leak] = []
    checked: list[Checked] = []
    used: list[dict[str, Any]] = []
    answers = 0
    for market in markets:
        found, done, cuts, asked = examine_labels(
            given,
            market,
            name=name,
            cuts=options["cuts"],
            seed=options["seed"],
            params=params,
            horizon=horizon,
            tick=progress,
        )
        leaks, checked, answers = leaks + found, checked + done, answers + asked
        used.append(_market_facts(market, cuts))
    return Certificate(document_of(facts, leaks, checked, used, {**options, "horizon": horizon}, answers=answers))


def _label_of(subject: Any, params: Mapping[str, Any] | None) -> tuple[Any, str, dict[str, Any]]:
    if isinstance(subject, str) and ":" not in subject:
        from tradewright.features.labels import registry

        kind = registry.kind(subject)
        _, _, facts = _described(kind.function, "label", params)
        facts["name"], facts["spec"] = kind.name, {"kind": "registered", "spec": kind.name}
        return kind.function, kind.name, facts
    return _described(subject, "label", params)


def _splitter(
    subject: Any,
    params: Mapping[str, Any] | None,
    spans: Any,
    embargo: int | None,
    horizon: int | None,
    options: Mapping[str, Any],
) -> Certificate:
    given, name, facts = _described(subject, "splitter", params)
    if params and isinstance(given, type):
        given = given(**params)
    leaks, checked, found = examine_splitter(given, name=name, spans=spans, embargo=embargo, horizon=horizon)
    return Certificate(
        document_of(facts, leaks, checked, [], {**options, "splits": found}, answers=int(found["folds"]))
    )


def _fitted(model: Any, data: Any, fit_rows: int | None, options: Mapping[str, Any]) -> Certificate:
    """Compare a fitted model with the same model fitted on the rows it may know."""
    import copy
    import hashlib

    given, name, facts = _described(model, "model", None)
    x, y = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
    x = np.asarray(x, dtype=np.float64)
    if fit_rows is None or not 2 <= fit_rows < x.shape[0]:
        raise InputError(
            f"fit_rows is {fit_rows!r}; say how many of the {x.shape[0]} rows the model may have seen (2 or more)."
        )
    method = next((m for m in ("transform", "predict_proba", "predict") if callable(getattr(given, m, None))), None)
    if method is None:
        raise InputError(f"{name} has neither transform nor predict; give a fitted model.")
    before = np.asarray(getattr(given, method)(x), dtype=np.float64)
    try:
        from sklearn.base import clone

        again = clone(given)
    except Exception:
        again = copy.deepcopy(given)
    with other_chance(options["seed"]):
        again.fit(x[:fit_rows]) if y is None else again.fit(x[:fit_rows], np.asarray(y)[:fit_rows])
    after = np.asarray(getattr(again, method)(x), dtype=np.float64)
    leaks: list[Leak] = []
    with np.errstate(invalid="ignore"):
        near = before.shape == after.shape and np.allclose(before, after, rtol=1e-9, atol=1e-12, equal_nan=True)
    if not near:
        leaks.append(
            Leak(
                "fitted",
                f"{name} answers otherwise than the same model fitted on the first {fit_rows:,} of {x.shape[0]:,} "
                "rows: it has been fitted on other rows.",
                next_step("fitted"),
            )
        )
    checked = [Checked("fitted", RULES["fitted"], 1, "clean" if near else "leaks", "up to 1e-9 of each value")]
    digest = hashlib.sha256(np.ascontiguousarray(x, dtype="<f8").tobytes()).hexdigest()
    rows = [{"hash": digest, "n_rows": int(x.shape[0]), "fit_rows": fit_rows}]
    return Certificate(document_of(facts, leaks, checked, rows, options, answers=2))
