"""From entries of a specification to columns that can be computed: parsing, checking, and the order of computation.

Entry points: `Entry`, `parse`, `Plan`, `Column`.

Invariants: equal parts of a specification are one column, computed once; everything a plan holds was checked; a plan
does not depend on data.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tradewright.domain.errors import ConfigError, InputError, closest
from tradewright.features.feature import Feature, Sources
from tradewright.features.indicators.graph import Graph, Node
from tradewright.features.registry import feature as find
from tradewright.kernel import core

__all__ = ["Column", "Entry", "Joint", "Plan", "parse"]

_OWN: Final = ("feature", "params", "as", "on", "output")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a specification.

    Parameters
    ----------
    feature : Feature
    params : dict
        Checked, with defaults.
    children : tuple of Entry
        What it is computed of, in the order of ``feature.takes``.
    output : str
        Empty for all of them.
    on : tuple of str
        Assets it is computed for; empty for all.
    name : str
        Of its column.
    given : tuple of str
        Parameters that were written.
    """

    feature: Feature
    params: dict[str, Any]
    children: tuple[Entry, ...] = ()
    output: str = ""
    on: tuple[str, ...] = ()
    name: str = ""
    given: tuple[str, ...] = ()

    def outputs(self) -> tuple[str, ...]:
        """Outputs it asks for."""
        return (self.output,) if self.output else self.feature.outputs

    def columns(self) -> tuple[str, ...]:
        """Names of its columns."""
        outputs = self.outputs()
        if len(outputs) == 1 and (self.name or len(self.feature.outputs) == 1 or not self.output):
            return (self.name or self._usual(),)
        return tuple(f"{self.name or self._usual()}.{output}" for output in outputs)

    def _usual(self) -> str:
        """Name of the feature, its given parameters in their order, and what it is computed of where that was given."""
        words = [self.feature.name]
        words += [_word(self.params[p.name]) for p in self.feature.params if p.name in self.given]
        name = "_".join(words)
        below = [child for (key, _), child in zip(self.feature.takes, self.children, strict=True) if key in self.given]
        if below:
            name = "__".join([name, *(child.name or child.columns()[0] for child in below)])
        return name

    def to_dict(self) -> dict[str, Any]:
        """What it says in full."""
        out: dict[str, Any] = {"feature": self.feature.name, "params": dict(self.params)}
        for (key, _), child in zip(self.feature.takes, self.children, strict=True):
            out[key] = child.to_dict()
        if self.output:
            out["output"] = self.output
        if self.on:
            out["on"] = list(self.on)
        return out


def _word(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def parse(raw: Any, where: str = "the specification") -> Entry:
    """Entry out of what a specification says.

    Parameters
    ----------
    raw : str or mapping
        A name, or ``{"feature": name, parameters..., "of": entry, "as": column, "on": [symbols], "output": name}``.
        Parameters may stand under ``params`` instead.
    where : str
        For messages.

    Raises
    ------
    InputError
        If a feature, parameter or output is unknown (with the nearest), or something is missing.

    Examples
    --------
    >>> entry = parse({"feature": "cs_rank", "of": {"feature": "log_return", "window": 20}})
    >>> entry.columns(), entry.children[0].params
    (('cs_rank__log_return_20',), {'window': 20})
    """
    if isinstance(raw, str):
        raw = {"feature": raw}
    if not isinstance(raw, Mapping):
        raise InputError(f"{where}: {raw!r} is no feature; write its name, or {{feature: name, window: 20}}.")
    # YAML reads a bare `on` as true.
    given = {("on" if key is True else str(key)): value for key, value in raw.items()}
    if "feature" not in given:
        if "name" in given:
            raise InputError(f"{where}: an entry has 'name' but no 'feature'; write feature: {given['name']}.")
        raise InputError(f"{where}: the entry {dict(raw)!r} has no 'feature'; name one, such as feature: log_return.")
    if not isinstance(given["feature"], str):
        raise InputError(f"{where}: feature is {given['feature']!r}; it must be a name, such as log_return.")
    item = find(given["feature"])
    inner = given.get("params") or {}
    if not isinstance(inner, Mapping):
        raise InputError(f"{where}: params of {item.name} is {inner!r}; write key: value pairs.")
    takes = dict(item.takes)
    choices = {p.name: p.choices for p in item.params}
    params: dict[str, Any] = dict(inner)
    below: dict[str, Any] = {}
    for key, value in given.items():
        if key in _OWN:
            continue
        if key in takes and not (isinstance(value, str) and value in choices.get(key, ())):
            below[key] = value
        elif key in params:
            raise InputError(f"{where}: {key} of {item.name} is given twice; leave one out.")
        else:
            params[key] = value
    stray = next((key for key in params if key in ("of", "by") and key not in choices), None)
    if stray is not None:
        takes_words = ", ".join(takes) or "no other feature"
        raise InputError(f"{where}: {item.name} cannot be computed `{stray}` another feature; it takes {takes_words}.")
    values = item.checked(params)
    children = []
    for key, default in item.takes:
        what = below.get(key, default)
        if what is None:
            raise InputError(f"{item.name} needs {key}: the feature it is computed of, such as {key}: close.")
        child = parse(what, f"{where}, {key} of {item.name}")
        if len(child.outputs()) != 1:
            raise InputError(
                f"{where}: {child.feature.name} has the outputs {', '.join(child.outputs())}; name one: output: ... ."
            )
        children.append(child)
    output = given.get("output") or ""
    if output and output not in item.outputs:
        raise InputError(
            f"{item.name} has no output {output!r}{closest(str(output), item.outputs) or '.'} It has "
            f"{', '.join(item.outputs)}."
        )
    on = given.get("on") or ()
    on = (on,) if isinstance(on, str) else tuple(str(symbol) for symbol in on)
    label = given.get("as") or ""
    if not isinstance(label, str):
        raise InputError(f"{where}: as is {label!r}; it must be the name of a column.")
    return Entry(item, values, tuple(children), str(output), on, label, (*params, *below))


@dataclass(slots=True, eq=False)
class Column:
    """One feature with its parameters in a plan.

    Parameters
    ----------
    entry : Entry
    children : list of (Column, int)
        Columns it is computed of, and which of their outputs.
    stage : int
        When it is computed: all of a stage need only earlier stages, or programs of their own.
    warm_ups : tuple of int
        Rows to the first value of each output; 0 where that waits for an event.
    """

    entry: Entry
    children: list[tuple[Column, int]]
    stage: int
    warm_ups: tuple[int, ...] = ()

    @property
    def feature(self) -> Feature:
        """What it is."""
        return self.entry.feature

    @property
    def values(self) -> types.SimpleNamespace:
        """Parameters, as definitions read them."""
        return types.SimpleNamespace(**self.entry.params)


@dataclass(slots=True, eq=False)
class Joint:
    """Program of all the ``program`` columns of a stage.

    Parameters
    ----------
    program : core.Program
    fields : tuple of str
        Columns of bars it reads, first.
    outside : list of (Column, int)
        Columns of earlier stages it reads, then.
    outputs : list of (Column, int)
        What it gives.
    warm_ups : tuple of int
        Rows to the first value of each.
    """

    program: Any
    fields: tuple[str, ...]
    outside: list[tuple[Column, int]]
    outputs: list[tuple[Column, int]]
    warm_ups: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Plan:
    """Columns of a specification in the order in which they can be computed.

    Parameters
    ----------
    entries : sequence of Entry
    """

    entries: Sequence[Entry]
    columns: list[Column] = field(default_factory=list)
    wanted: list[tuple[str, Column, int]] = field(default_factory=list)
    _known: dict[str, Column] = field(default_factory=dict)
    _joints: dict[Any, Joint | None] = field(default_factory=dict)
    _longer: dict[str, tuple[Plan, dict[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.entries:
            raise ConfigError("The specification has no features; name at least one, such as - log_return.")
        seen: dict[str, Entry] = {}
        for entry in self.entries:
            column = self._column(entry)
            for name, output in zip(entry.columns(), entry.outputs(), strict=True):
                if name in seen:
                    raise InputError(f"Two columns are called {name!r}; give one of them another name with as: ... .")
                seen[name] = entry
                self.wanted.append((name, column, entry.feature.outputs.index(output)))
        for column in self.columns:
            self._warm(column)

    def __reduce__(self) -> tuple[type[Plan], tuple[Sequence[Entry]]]:
        # A copy is planned anew: what is kept here is known by the identity of columns, which a copy does not share.
        return Plan, (self.entries,)

    @property
    def n_stages(self) -> int:
        """Number of stages."""
        return 1 + max(column.stage for column in self.columns)

    def _column(self, entry: Entry) -> Column:
        facts = entry.to_dict()
        facts.pop("output", None)
        key = json.dumps(facts, sort_keys=True, default=str)
        if key in self._known:
            return self._known[key]
        children = []
        for child in () if entry.feature.kind == "longer" else entry.children:
            below = self._column(child)
            children.append((below, child.feature.outputs.index(child.outputs()[0])))
        joint = entry.feature.kind == "program" and not entry.on
        stages = [
            below.stage if joint and below.feature.kind == "program" and not below.entry.on else below.stage + 1
            for below, _ in children
        ]
        if not joint:
            stages.append(1)  # after the programs of stage 0, so that all of one kind lie together
        column = self._known[key] = Column(entry, children, max(stages, default=0))
        self.columns.append(column)
        return column

    def _warm(self, column: Column) -> None:
        kind, item = column.feature.kind, column.feature
        below = [child.warm_ups[k] for child, k in column.children]
        waits = item.event or any(rows == 0 for rows in below)
        if kind == "program":
            rows = self._build([(column, k) for k in range(len(item.outputs))]).warm_ups
        elif kind == "state" and item.warm_up_rows is not None:
            rows = (item.warm_up_rows(column.values) + max(below, default=1) - 1,) * len(item.outputs)
        else:
            rows = (max(below, default=1),) * len(item.outputs)
        column.warm_ups = (0,) * len(item.outputs) if waits else tuple(rows)

    def needed(self, columns: Iterable[Column], given: Iterable[tuple[Column, int]] = ()) -> list[tuple[Column, int]]:
        """Outputs that have to be kept to compute some columns: those, and what is handed from stage to stage."""
        there = {(id(column), k) for column, k in given}
        cut = {key for key, _ in there}
        out: dict[tuple[int, int], tuple[Column, int]] = {}
        stack = [column for column in columns if id(column) not in cut]
        done: set[int] = set()
        for column in stack:
            out.update({(id(column), k): (column, k) for k in range(len(column.feature.outputs))})
        while stack:
            column = stack.pop()
            if id(column) in done:
                continue
            done.add(id(column))
            for child, k in column.children:
                if (id(child), k) in there:
                    continue
                if not self._inside(column, child):
                    out[id(child), k] = (child, k)
                stack.append(child)
        place = {id(column): number for number, column in enumerate(self.columns)}
        return sorted(out.values(), key=lambda pair: (place[id(pair[0])], pair[1]))

    def joint(self, needed: Sequence[tuple[Column, int]], stage: int) -> Joint | None:
        """Program of the ``program`` columns of a stage, for what of them is needed; None when nothing is."""
        outputs = [(c, k) for c, k in needed if c.stage == stage and c.feature.kind == "program"]
        key = (stage, tuple((id(column), k) for column, k in outputs))
        if key not in self._joints:
            self._joints[key] = self._build(outputs) if outputs else None
        return self._joints[key]

    def _build(self, outputs: Sequence[tuple[Column, int]]) -> Joint:
        fields: list[str] = []
        outside: list[tuple[Column, int]] = []

        def collect(column: Column, seen: set[int]) -> None:
            if id(column) in seen:
                return
            seen.add(id(column))
            fields.extend(name for name in column.feature.inputs if name not in fields)
            for child, k in column.children:
                if self._inside(column, child):
                    collect(child, seen)
                elif not any(child is other and k == m for other, m in outside):
                    outside.append((child, k))

        seen: set[int] = set()
        for column, _ in outputs:
            collect(column, seen)
        graph = Graph()
        base = {name: graph.input(name) for name in fields}
        given: dict[tuple[int, int], Node] = {}
        for child, k in outside:
            node = graph.input(f"{child.entry.feature.name}:{k}")
            given[id(child), k] = Node(graph, node.slot, max(1, child.warm_ups[k]))
        made: dict[int, tuple[Node, ...]] = {}

        def nodes(column: Column) -> tuple[Node, ...]:
            if id(column) not in made:
                sources = {name: base[name] for name in column.feature.inputs}
                for (key, _), (child, k) in zip(column.feature.takes, column.children, strict=True):
                    node = nodes(child)[k] if self._inside(column, child) else given[id(child), k]
                    own = column.feature.indicator
                    sources[own.inputs[0] if own is not None else key] = node
                found = column.feature.function(Sources(graph, sources), column.values)
                made[id(column)] = found if isinstance(found, tuple) else (found,)
            return made[id(column)]

        chosen = [nodes(column)[k] for column, k in outputs]
        ops, slots = graph.needed([node.slot for node in chosen])
        program = core.Program(len(graph.inputs), ops, slots)
        return Joint(program, tuple(fields), outside, list(outputs), tuple(node.warm_up for node in chosen))

    def longer(self, interval: str) -> tuple[Plan, dict[int, int]]:
        """Plan of what the ``longer`` columns of an interval are computed of, and the place of each in it."""
        if interval not in self._longer:
            own = [c for c in self.columns if c.feature.kind == "longer" and c.entry.params["interval"] == interval]
            parts = {json.dumps(c.entry.children[0].to_dict(), sort_keys=True, default=str): c for c in own}
            entries = [replace(c.entry.children[0], name=f"part {n}") for n, c in enumerate(parts.values())]
            order = list(parts)
            where = {
                id(c): order.index(json.dumps(c.entry.children[0].to_dict(), sort_keys=True, default=str)) for c in own
            }
            self._longer[interval] = Plan(entries), where
        return self._longer[interval]

    @property
    def reads(self) -> set[str]:
        """Columns of bars that are read, and what else is needed (``sectors``, ``series``), longer bars included."""
        out: set[str] = set()
        for column in self.columns:
            out |= {*column.feature.inputs, *column.feature.needs}
            if column.feature.kind == "longer":
                out |= self.longer(column.entry.params["interval"])[0].reads
        return out

    @property
    def families(self) -> set[str]:
        """Families of all columns, longer bars included."""
        out = {column.feature.family for column in self.columns}
        for column in self.columns:
            if column.feature.kind == "longer":
                out |= self.longer(column.entry.params["interval"])[0].families
        return out

    @staticmethod
    def _inside(column: Column, child: Column) -> bool:
        """Whether a child is part of the same program."""
        return child.feature.kind == "program" and not child.entry.on and child.stage == column.stage
