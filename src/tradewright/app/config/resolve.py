"""Puts the layers on top of each other and says where each value came from.

Entry points: `resolve` (from profile, symbols, file, environment and options), `resolve_layers`, `Resolved`.

Invariants: later layers win, key by key: base < profile < asset class < cost preset < user's file < environment <
command line. Nothing is global: the frozen `Config` is handed on. A limit of the risk block binds a backtest when any
layer above base sets it; the engine's own key wins over it. Unknown keys and bad values are errors with file and line.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from tradewright.app.config.layers import (
    Layer,
    Leaf,
    environment_layer,
    file_layer,
    flatten,
    model_layer,
    option_layer,
    secret_hint,
    set_layer,
)
from tradewright.app.config.models import Config, CostsConfig, Key, keys
from tradewright.app.config.profiles import ALIASES, SHIPPED, profile_layers, shown
from tradewright.data.store import without_password
from tradewright.domain.errors import ConfigError, InputError, closest
from tradewright.domain.instrument import AssetClass, asset_class_of
from tradewright.engine.costs import PRESETS
from tradewright.engine.settings import settings_hash

__all__ = ["Overridden", "Resolved", "Row", "config_hash", "resolve", "resolve_layers"]

LIMITS: Final = ("max_gross", "max_position", "daily_loss", "max_drawdown")
"""Limits of the risk block that the engine knows under the same name."""

_NOT_HASHED: Final = ("profile", "report", "logging", "research")


@dataclass(frozen=True, slots=True)
class Overridden:
    """A value that a later layer replaced."""

    value: Any
    layer: str
    source: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Where one value came from.

    Parameters
    ----------
    key : str
        Dotted key.
    value : Any
        Value in force.
    layer : str
        Layer that set it.
    file : str
        File, variable or option.
    line : int or None
        Line in the file.
    overrode : tuple of Overridden
        What it replaced, newest first.
    """

    key: str
    value: Any
    layer: str
    file: str
    line: int | None
    overrode: tuple[Overridden, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """A resolved configuration.

    Parameters
    ----------
    config : Config
        Frozen; what is handed on.
    layers : tuple of Layer
        Lowest first.
    warnings : tuple of str
        What the user should know (old names).
    derived : mapping of str to str
        Keys whose value follows from another key.

    Examples
    --------
    >>> r = resolve(profile="risk_low", env={}, sets=["risk.daily_loss=0.005"])
    >>> r.config.engine.max_drawdown, r.config.engine.daily_loss
    (0.08, 0.005)
    >>> row = next(row for row in r.explain() if row.key == "risk.daily_loss")
    >>> row.layer, [old.layer for old in row.overrode]
    ('command line', ['profile', 'base'])
    """

    config: Config
    layers: tuple[Layer, ...]
    warnings: tuple[str, ...]
    derived: Mapping[str, str]
    class_layers: Mapping[str, Layer]
    asset_class: str | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON; see `config_hash`."""
        return config_hash(self.config)

    def explain(self) -> tuple[Row, ...]:
        """One row per setting, in the order of the models."""
        values = dict(flatten(self.config.model_dump(mode="json")))
        rows: list[Row] = []
        for key, value in values.items():
            value = without_password(value)
            found = [(layer.name, layer.leaves[key]) for layer in reversed(self.layers) if key in layer.leaves]
            old = tuple(_old(name, key, leaf) for name, leaf in found[1:])
            if key in self.derived:
                old = tuple(_old(name, key, leaf) for name, leaf in found)
                rows.append(Row(key, value, "derived", self.derived[key], None, old))
            elif found:
                name, leaf = found[0]
                line = leaf.line if name != "base" else _line_of(key)
                rows.append(Row(key, value, name, leaf.source, line, old))
            else:
                rows.append(Row(key, value, "base", _BASE, _line_of(key), ()))
        return tuple(rows)

    def for_class(self, asset_class: str) -> Config:
        """Configuration with the rules of one asset class, for universes that mix them.

        Raises
        ------
        ConfigError
            If the class is unknown.
        """
        if asset_class not in list(AssetClass):
            raise ConfigError(f"There is no asset class {asset_class!r}{closest(asset_class, list(AssetClass)) or '.'}")
        kept = [layer for layer in self.layers if layer.name != "asset class"]
        chosen = _class_layers(asset_class, self.class_layers)
        index = _place_of_class(kept)
        return resolve_layers([*kept[:index], *chosen, *kept[index:]]).config

    def for_symbol(self, symbol: str) -> Config:
        """Configuration with the rules of a symbol's asset class."""
        return self.for_class(str(asset_class_of(symbol)))


def resolve(
    *,
    profile: str | None = None,
    symbols: Iterable[str] | None = None,
    file: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    option_names: Mapping[str, str] | None = None,
    profile_folder: Path | None = None,
) -> Resolved:
    """Configuration from all its layers.

    Parameters
    ----------
    profile : str, optional
        Risk profile; wins over the key `profile` of the other layers.
    symbols : iterable of str, optional
        Wins over `data.symbols`. When all are of one asset class its rules become a layer; of a mixed universe each
        class has its own (`Resolved.for_symbol`).
    file : str or Path, optional
        The user's YAML or JSON file.
    env : mapping, optional
        Variables, default those of the process.
    sets : sequence of str
        ``key=value`` texts of ``--set``.
    options : mapping of str to value, optional
        Named options by dotted key; None was not given. They win over `sets`.
    option_names : mapping of str to str, optional
        How the options are called, for messages.
    profile_folder : Path, optional
        Folder of the user's profiles.

    Returns
    -------
    Resolved

    Raises
    ------
    ConfigError
        If anything is unknown or out of range; the message names file, line and the nearest name.

    Warns
    -----
    FutureWarning
        If the profile is an old name.

    Examples
    --------
    >>> resolve(env={}).config.engine.max_gross is None
    True
    >>> resolve(env={}, profile="risk_balanced").config.engine.max_gross
    0.5
    """
    given = dict(options or {})
    if profile is not None:
        given["profile"] = profile
    if symbols is not None:
        chosen = [symbols] if isinstance(symbols, str) else list(symbols)
        if chosen:
            given["data.symbols"] = chosen
    from_file = file_layer(Path(file), "file") if file is not None else Layer("file")
    own_classes, from_file = from_file.split("asset_classes.")
    above = [
        from_file,
        environment_layer(os.environ if env is None else env),
        set_layer(sets),
        option_layer(given, option_names),
    ]
    layers: list[Layer] = []
    notes: list[str] = []
    name = _newest(above, "profile")
    above = [_renamed(layer) for layer in above]
    if name is not None:
        found, note = profile_layers(str(name), profile_folder)
        layers += found
        if note is not None:
            notes.append(note)
            warnings.warn(note, FutureWarning, stacklevel=2)
    layers, above = _expanded(layers, above)
    classes = _own_class_layers(own_classes)
    asset_class = _asset_class([*layers, *above])
    if asset_class is not None:
        layers += _class_layers(asset_class, classes)
    resolved = resolve_layers([*layers, *above])
    return Resolved(resolved.config, resolved.layers, tuple(notes), resolved.derived, classes, asset_class)


def resolve_layers(layers: Sequence[Layer]) -> Resolved:
    """Configuration from layers above base, lowest first.

    Raises
    ------
    ConfigError
        See `resolve`.
    """
    layers = [layer for layer in layers if layer.leaves and layer.name not in {"base", "cost preset"}]
    _refuse_unknown(layers)
    preset = _newest(layers, "costs.preset")
    if preset:
        index = _place_of_class(layers) + sum(layer.name == "asset class" for layer in layers)
        layers = [*layers[:index], _preset_layer(str(preset), layers), *layers[index:]]
    leaves: dict[str, Leaf] = {}
    for layer in layers:
        for key, leaf in layer.leaves.items():
            _drop_block(leaves, key, leaf)
            leaves[key] = leaf
    derived: dict[str, str] = {}
    for limit in LIMITS:
        if f"engine.{limit}" not in leaves and f"risk.{limit}" in leaves:
            leaves[f"engine.{limit}"] = leaves[f"risk.{limit}"]
            derived[f"engine.{limit}"] = f"risk.{limit}"
    config = _validated(leaves, derived)
    base = model_layer({key: item.default for key, item in _keys().items()}, _BASE)
    return Resolved(config, (base, *layers), (), derived, {})


def config_hash(config: Config) -> str:
    """SHA-256 (hex) of the canonical JSON of everything that can change a result.

    `report`, `logging` and `research` cannot, and the name of the profile is only a name: its settings are in the hash.

    Examples
    --------
    >>> config_hash(Config()) == config_hash(resolve(env={"LOG_LEVEL": "DEBUG"}).config)
    True
    """
    return settings_hash(config.model_dump(mode="json", exclude=set(_NOT_HASHED)))


_BASE: Final = "models.py"


@cache
def _keys() -> Mapping[str, Key]:
    return keys()


@cache
def _lines() -> Mapping[tuple[str, str], int]:
    """Line of each field of each model, read from their source."""
    import ast

    from tradewright.app.config import models

    tree = ast.parse(Path(models.__file__).read_text(encoding="utf-8"))
    return {
        (block.name, item.target.id): item.lineno
        for block in tree.body
        if isinstance(block, ast.ClassDef)
        for item in block.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


def _line_of(key: str) -> int | None:
    known = _keys().get(key)
    return _lines().get((known.model, known.field)) if known else None


def _old(layer: str, key: str, leaf: Leaf) -> Overridden:
    return Overridden(without_password(leaf.value), layer, leaf.source, leaf.line if layer != "base" else _line_of(key))


def _newest(layers: Sequence[Layer], key: str) -> Any:
    for layer in reversed(layers):
        if key in layer.leaves:
            return layer.leaves[key].value
    return None


def _renamed(layer: Layer) -> Layer:
    """Layer with the new name of its profile where it gives an old one."""
    leaf = layer.leaves.get("profile")
    if leaf is None or not isinstance(leaf.value, str) or leaf.value not in ALIASES:
        return layer
    return Layer(layer.name, {**layer.leaves, "profile": Leaf(ALIASES[leaf.value][0], leaf.source, leaf.line)})


def _drop_block(leaves: dict[str, Leaf], key: str, leaf: Leaf) -> None:
    """An open block given as a whole ({} or a mapping) replaces what lower layers put into it."""
    if isinstance(leaf.value, Mapping):
        for old in [old for old in leaves if old.startswith(f"{key}.")]:
            del leaves[old]


def _expanded(*groups: list[Layer]) -> tuple[list[Layer], ...]:
    """Layers in which every ``@NAME`` among the symbols is the list that it stands for."""
    own: dict[str, list[str]] = {}
    for layer in (layer for group in groups for layer in group):
        for key, leaf in layer.leaves.items():
            if key.startswith("data.universes."):
                own[key.removeprefix("data.universes.")] = _symbols_in(leaf)
    return tuple([_with_lists(layer, own) for layer in group] for group in groups)


def _with_lists(layer: Layer, own: Mapping[str, Sequence[str]]) -> Layer:
    leaf = layer.leaves.get("data.symbols")
    if leaf is None or "@" not in str(leaf.value):
        return layer
    from tradewright.data.universes import expand

    try:
        symbols = expand(_symbols_in(leaf), own, keep_tables=True)
    except InputError as error:
        raise ConfigError(f"{leaf.place}: {str(error)[:1].lower()}{str(error)[1:]}") from None
    return Layer(layer.name, {**layer.leaves, "data.symbols": Leaf(symbols, leaf.source, leaf.line)})


def _symbols_in(leaf: Leaf) -> list[str]:
    words = leaf.value.split(",") if isinstance(leaf.value, str) else leaf.value
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise ConfigError(f"{leaf.place}: {leaf.value!r} is no list of symbols.")
    return [word.strip() for word in words if word.strip()]


def _place_of_class(layers: Sequence[Layer]) -> int:
    return sum(layer.name == "profile" for layer in layers)


def _asset_class(layers: Sequence[Layer]) -> str | None:
    symbols = _newest(layers, "data.symbols")
    if isinstance(symbols, str):
        symbols = [word.strip() for word in symbols.split(",") if word.strip()]
    if not isinstance(symbols, (list, tuple)):
        return None
    if any(str(symbol).startswith("@") for symbol in symbols):
        from tradewright.data.universes import expand

        symbols = expand([str(symbol) for symbol in symbols])
    classes = {str(asset_class_of(str(symbol))) for symbol in symbols}
    return classes.pop() if len(classes) == 1 else None


def _class_layers(asset_class: str, own: Mapping[str, Layer]) -> list[Layer]:
    path = SHIPPED / "asset_classes" / f"{asset_class}.yaml"
    shipped = [file_layer(path, "asset class", shown=shown(path))] if path.is_file() else []
    return [*shipped, *([own[asset_class]] if asset_class in own else [])]


def _own_class_layers(block: Layer) -> dict[str, Layer]:
    made: dict[str, dict[str, Leaf]] = {}
    for key, leaf in block.leaves.items():
        name, _, rest = key.partition(".")
        if name not in list(AssetClass):
            raise ConfigError(f"{leaf.place}: there is no asset class {name!r}{closest(name, list(AssetClass)) or '.'}")
        if rest in {"profile", "data.symbols"}:
            raise ConfigError(f"{leaf.place}: {rest} cannot depend on the asset class; set it above.")
        if rest:
            made.setdefault(name, {})[rest] = leaf
    layers = {name: Layer("asset class", leaves) for name, leaves in made.items()}
    _refuse_unknown(list(layers.values()))
    return layers


def _preset_layer(name: str, layers: Sequence[Layer]) -> Layer:
    maker = PRESETS.get(name)
    if maker is None:
        leaf = next(layer.leaves["costs.preset"] for layer in reversed(layers) if "costs.preset" in layer.leaves)
        raise ConfigError(
            f"{leaf.place}: there is no cost preset {name!r}{closest(name, PRESETS) or '.'} "
            f"Known are {', '.join(PRESETS)}."
        )
    costs = maker()
    values = {
        "commission_bps": costs.taker_rate * 10_000,
        "maker_bps": costs.maker_rate * 10_000,
        "taker_bps": costs.taker_rate * 10_000,
        "commission_per_share": costs.per_share,
        "commission_per_order": costs.per_order,
        "commission_min": costs.min_fee,
        "commission_max_rate": costs.max_rate,
        "sell_bps": costs.sell_rate * 10_000,
    }
    leaves = {f"costs.{key}": Leaf(value, f"cost preset {name}") for key, value in values.items()}
    return Layer("cost preset", leaves)


def _refuse_unknown(layers: Sequence[Layer]) -> None:
    known = _keys()
    blocks = {name.rsplit(".", 1)[0] for name in known if "." in name}
    open_blocks = tuple(f"{name}." for name, key in known.items() if key.open)
    problems: list[str] = []
    for layer in layers:
        for key, leaf in layer.leaves.items():
            if key in known or key.startswith(open_blocks):
                continue
            if key in blocks:
                # An empty section ("risk:") is nothing; anything else in its place is a mistake.
                if leaf.value is not None and leaf.value != {}:
                    example = next(name for name in known if name.startswith(f"{key}."))
                    problems.append(f"{leaf.place}: {key} is a section; give its keys, such as {example}.")
                continue
            owner = next((name for name in known if key.startswith(f"{name}.")), None)
            if owner is not None:
                problems.append(f"{leaf.place}: {owner} takes a value ({known[owner].kind}), not a block.")
                continue
            problems.append(
                f"{leaf.place}: there is no setting {key!r}{secret_hint(key) or _nearest(key, known) or '.'}"
            )
    if problems:
        raise ConfigError("\n".join(problems))


def _nearest(key: str, known: Mapping[str, Key]) -> str:
    section, _, last = key.rpartition(".")
    same = [name for name in known if name.rsplit(".", 1)[-1] == last]
    if same:
        return f", did you mean {' or '.join(repr(name) for name in same[:3])}?"
    inside = [name for name in known if name.startswith(f"{section}.")]
    hint = closest(key, inside, limit=1) or closest(key, known, limit=1)
    if hint:
        return hint
    by_last = {name.rsplit(".", 1)[-1]: name for name in known}
    near = closest(last, by_last, limit=1)
    return near.replace(near.split("'")[1], by_last[near.split("'")[1]]) if near else ""


def _validated(leaves: Mapping[str, Leaf], derived: Mapping[str, str]) -> Config:
    tree: dict[str, Any] = {}
    known = _keys()
    for key, leaf in leaves.items():
        if key not in known and not any(key.startswith(f"{name}.") for name, item in known.items() if item.open):
            continue  # an empty section
        *path, last = key.split(".")
        block = tree
        for part in path:
            block = block.setdefault(part, {})
        block[last] = dict(leaf.value) if isinstance(leaf.value, Mapping) else leaf.value
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        # What follows from another key is wrong only because that key is; one complaint is enough.
        own = [item for item in error.errors() if ".".join(map(str, item["loc"])) not in derived] or error.errors()
        raise ConfigError("\n".join(_problem(item, leaves) for item in own)) from None
    _refuse_free_costs(config.costs, leaves)
    return config


def _refuse_free_costs(costs: CostsConfig, leaves: Mapping[str, Leaf]) -> None:
    from tradewright.app.config.engine import cost_settings

    if costs.no_costs or not cost_settings(costs).is_free:
        return
    place = next((leaf.place for key, leaf in reversed(list(leaves.items())) if key.startswith("costs.")), "costs")
    raise ConfigError(
        f"{place}: commission and slippage are all zero, so trading would be free; give a cost, or say "
        "costs.no_costs: true (--no-costs) if that is meant, and the result will say so."
    )


def _problem(error: Any, leaves: Mapping[str, Leaf]) -> str:
    location = ".".join(str(part) for part in error["loc"])
    key = next((name for name in leaves if location == name or location.startswith(f"{name}.")), location)
    leaf = leaves.get(key)
    if leaf is None:
        inside = [item for name, item in leaves.items() if name.startswith(f"{location}.")]
        place = inside[-1].place if inside else location
        return f"{place}: {location}: {_sentence(error)}."
    hint = _hint(key, leaf.value)
    return f"{leaf.place}: {key} is {_shown(leaf.value)}; {_sentence(error)}{hint}" + ("" if hint[-1:] == "?" else ".")


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def _sentence(error: Any) -> str:
    kind, context = str(error["type"]), error.get("ctx", {})
    bounds = {
        "greater_than": ("above", "gt"),
        "greater_than_equal": ("at least", "ge"),
        "less_than": ("below", "lt"),
        "less_than_equal": ("at most", "le"),
    }
    if kind in bounds:
        word, name = bounds[kind]
        return f"it must be {word} {context[name]:g}"
    if kind == "literal_error":
        return f"it must be one of {context['expected']}"
    if kind == "value_error":
        return str(context["error"])
    if kind in {"float_parsing", "float_type"}:
        return "it must be a number"
    if kind in {"int_parsing", "int_type", "int_from_float"}:
        return "it must be a whole number"
    if kind == "finite_number":
        return "it must be finite"
    if kind in {"bool_parsing", "bool_type"}:
        return "it must be true or false"
    if kind == "string_type":
        return "it must be text"
    if kind == "tuple_type":
        return "it must be a list"
    if kind == "dict_type":
        return "it must be a block of keys"
    message = str(error["msg"])
    return message[:1].lower() + message[1:]


def _hint(key: str, value: Any) -> str:
    known = _keys().get(key)
    if known is None:
        return ""
    if isinstance(value, str) and not value.endswith("%"):
        words = [word for word in known.kind.split(", ") if word.isidentifier()]
        return closest(value, words, limit=1)
    limit = known.kind.rpartition("<")[2].removeprefix("=").strip() if "<" in known.kind else ""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and limit in {"1", "0.05"} and 1 <= value <= 100:
        return f" (fractions, never percent: {value:g} % is {value / 100:g})"
    return ""
