"""Everything the product ships, examined: strategies, indicators, features, labels, splitters.

Entry points: `built_ins`, `check_built_ins`, `BuiltIn`.

Invariants: the list is made of the registries, so what is registered is examined; what cannot be examined without data
of the user's is listed with the reason and never counted as clean.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tradewright.domain.errors import ConfigError, InputError
from tradewright.engine.lookahead.certificate import Certificate
from tradewright.engine.lookahead.findings import RULES, Leak, next_step

__all__ = ["BuiltIn", "Outcome", "built_ins", "check_built_ins"]

_ANCHOR: Final = "2015-06-01"
_HASHED: Final = ("strategy", "indicator", "feature")


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """One thing that is shipped, and with which parameters it is examined.

    Parameters
    ----------
    kind, name : str
    params : mapping
    options : mapping
        Further arguments of `tradewright.check_lookahead`.
    why_not : str
        Why it is not examined; empty where it is.
    """

    kind: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    why_not: str = ""

    def subject(self) -> Any:
        """Return what `tradewright.check_lookahead` takes."""
        if self.kind != "splitter":
            return self.name
        from tradewright.models import validation

        return getattr(validation, self.name)(**self.params)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the examination of one built-in came out.

    Parameters
    ----------
    item : BuiltIn
    certificate : dict or None
        None where it was not examined.
    why_not : str
    digest : str
        Of its answer on the first market, to be compared with that of another process.
    """

    item: BuiltIn
    certificate: Mapping[str, Any] | None
    why_not: str = ""
    digest: str = ""

    @property
    def clean(self) -> bool:
        """Whether it was examined and nothing was found."""
        return self.certificate is not None and self.certificate["verdict"] == "clean"


def built_ins(kind: str | None = None) -> tuple[BuiltIn, ...]:
    """Everything that is shipped, in the order of kinds and names.

    Examples
    --------
    >>> found = built_ins("strategy")
    >>> found[0].name, len(built_ins("indicator")) > 200
    ('bollinger_reversion', True)
    """
    return tuple(item for item in _all() if kind is None or item.kind == kind)


def check_built_ins(
    *,
    kind: str | None = None,
    cuts: int = 8,
    seed: int = 7,
    workers: int | None = None,
    progress: Callable[[int, int, Outcome], None] | None = None,
) -> tuple[Outcome, ...]:
    """Examine everything that is shipped.

    Parameters
    ----------
    kind : str, optional
        Only strategies, indicators, features, labels or splitters.
    cuts, seed : int
        As in `tradewright.check_lookahead`.
    workers : int, optional
        Processes; default one per core, at most four.
    progress : callable, optional
        Called with the number done, the number of all and each outcome.

    Returns
    -------
    tuple of Outcome
        In the order of `built_ins`.
    """
    items = built_ins(kind)
    if not items:
        raise InputError(f"Nothing of kind {kind!r} is shipped; kinds: strategy, indicator, feature, label, splitter.")
    n_workers = workers if workers is not None else min(4, os.cpu_count() or 1)
    found: dict[int, Outcome] = {}
    for k, outcome in _outcomes(items, cuts, seed, n_workers):
        found[k] = outcome
        if progress is not None:
            progress(len(found), len(items), outcome)
    outcomes = [found[k] for k in range(len(items))]
    return tuple(_in_another_process(outcomes, seed))


def _outcomes(items: Sequence[BuiltIn], cuts: int, seed: int, workers: int) -> Iterator[tuple[int, Outcome]]:
    if workers <= 1 or len(items) < 8:
        for k, item in enumerate(items):
            yield k, _examined(item, cuts, seed)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    size = 6
    chunks = [list(range(k, min(k + size, len(items)))) for k in range(0, len(items), size)]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = {pool.submit(_chunk, [items[k] for k in chunk], cuts, seed): chunk for chunk in chunks}
        try:
            for done in as_completed(jobs):
                yield from zip(jobs[done], done.result(), strict=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _chunk(items: Sequence[BuiltIn], cuts: int, seed: int) -> list[Outcome]:
    return [_examined(item, cuts, seed) for item in items]


def _examined(item: BuiltIn, cuts: int, seed: int) -> Outcome:
    from tradewright.engine.lookahead.answers import table_digest
    from tradewright.engine.lookahead.check import check_lookahead
    from tradewright.engine.lookahead.futures import exam_markets
    from tradewright.engine.lookahead.subjects import subject_of

    if item.why_not:
        return Outcome(item, None, item.why_not)
    params = None if item.kind == "splitter" else item.params
    try:
        made = check_lookahead(
            item.subject(), kind=item.kind, params=params, cuts=cuts, sweep=2 * cuts, seed=seed, **item.options
        )
    except ConfigError as error:  # an extra is not installed
        return Outcome(item, None, str(error))
    digest = ""
    if item.kind in _HASHED:
        market = exam_markets(480, seed=seed)[0]
        try:
            digest = table_digest(subject_of(item.name, item.kind, params=item.params).answer(market))
        except InputError:  # needs more instruments than that market has
            digest = ""
    return Outcome(item, made.as_dict(), digest=digest)


def _in_another_process(outcomes: list[Outcome], seed: int) -> list[Outcome]:
    """Ask all of them again in one new interpreter with another hash seed and time zone."""
    from tradewright.engine.lookahead.purity import fresh_process

    asked = [k for k, o in enumerate(outcomes) if o.digest]
    jobs = [
        {
            "kind": outcomes[k].item.kind,
            "spec": outcomes[k].item.name,
            "params": dict(outcomes[k].item.params),
            "seed": seed,
            "n_bars": 480,
            "market": 0,
        }
        for k in asked
    ]
    answers = fresh_process(jobs) if jobs else []
    for k, answer in zip(asked, answers, strict=True):
        outcome = outcomes[k]
        document = dict(outcome.certificate or {})
        failed = answer.startswith("error:")
        same = answer == outcome.digest
        checked = [c for c in document["checked"] if c["check"] != "process"]
        checked.append(
            {
                "check": "process",
                "about": RULES["process"],
                "runs": 0 if failed else 1,
                "outcome": "not checked" if failed else "clean" if same else "leaks",
                "why": answer if failed else "",
            }
        )
        document["checked"] = checked
        if not same and not failed:
            sentence = f"{outcome.item.name} answers differently in another process (hash seed, time zone)."
            document["leaks"] = [*document["leaks"], Leak("process", sentence, next_step("process")).as_dict()]
            document["verdict"] = "leaks"
        document.pop("hash", None)
        outcomes[k] = Outcome(outcome.item, Certificate(document).as_dict(), digest=outcome.digest)
    return outcomes


def _all() -> list[BuiltIn]:
    from tradewright.features.indicators.registry import indicator, names
    from tradewright.strategies.registry import _BUILT_IN as STRATEGIES

    out = [BuiltIn("strategy", name) for name in sorted(STRATEGIES)]
    for name in names():
        item = indicator(name)
        params = {p.name: _ANCHOR for p in item.params if p.default is None and p.kind == "instant"}
        missing = [p.name for p in item.params if p.default is None and p.kind != "instant"]
        out.append(BuiltIn("indicator", name, params, why_not=f"needs {', '.join(missing)}" if missing else ""))
    return out + _features() + _labels() + _splitters()


def _features() -> list[BuiltIn]:
    if importlib.util.find_spec("tradewright.features.pipeline") is None:
        return []
    from tradewright.features import registry

    out = []
    for name in registry.names():
        item = registry.feature(name)
        needs = [n for n in item.needs if n != "sectors"]
        required = [key for key, default in item.takes if default is None]
        why = f"needs {', '.join(needs)} of yours" if needs else ""
        params: dict[str, Any] = dict(item.standard[0]) if item.standard else {}
        for key in required:
            params.setdefault(key, {"feature": "log_return", "window": 1})
        missing = [p.name for p in item.params if p.default is None and p.name not in params]
        why = why or (f"needs {', '.join(missing)}" if missing else "")
        out.append(BuiltIn("feature", name, params, why_not=why))
    return out


def _labels() -> list[BuiltIn]:
    if importlib.util.find_spec("tradewright.features.labels") is None:
        return []
    from tradewright.features.labels import registry

    given: dict[str, dict[str, Any]] = {"fixed_horizon": {"horizon": 5}, "meta": {"side": 1.0}}
    return [BuiltIn("label", name, given.get(name, {})) for name in registry.kinds()]


def _splitters() -> list[BuiltIn]:
    if importlib.util.find_spec("tradewright.models") is None:
        return []
    from tradewright.models import validation

    given: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "CombinatorialPurgedKFold": ({"embargo": 6}, {"embargo": 6}),
        "PurgedKFold": ({"embargo": 6}, {"embargo": 6}),
        "WalkForward": ({"train_size": 180, "test_size": 45, "step": 15}, {}),
    }
    return [
        BuiltIn("splitter", name, *given[name])
        if name in given
        else BuiltIn("splitter", name, why_not="is not known here")
        for name in validation.__all__
        if hasattr(getattr(validation, name), "split")
    ]
