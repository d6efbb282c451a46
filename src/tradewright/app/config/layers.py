"""Reads what a configuration is made of and remembers where each value stands.

Entry points: `file_layer`, `text_layer`, `environment_layer`, `set_layer`, `option_layer` and `model_layer`; each makes
a `Layer`.

Invariants: a layer is flat (dotted key to `Leaf`), a leaf knows its file and line, and nothing is checked here beyond
the syntax: whether a key exists and a value is in range is judged once, for all layers, when they are resolved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tradewright.domain.errors import ConfigError

__all__ = [
    "ENV_PREFIX",
    "WORDS",
    "Layer",
    "Leaf",
    "environment_layer",
    "file_layer",
    "flatten",
    "model_layer",
    "option_layer",
    "scalar",
    "secret_hint",
    "set_layer",
    "text_layer",
]

ENV_PREFIX: Final = "TRADEWRIGHT__"
_SECRET: Final = re.compile(r"(^|_)(api_?key|secret|password|passwd|token|credentials?)($|_)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value and where it stands.

    Parameters
    ----------
    value : Any
        Plain value.
    source : str
        File, variable or option.
    line : int or None
        Line in the file, from 1.
    """

    value: Any
    source: str
    line: int | None = None

    @property
    def place(self) -> str:
        """``file:line``, or what stands for it."""
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the configuration.

    Parameters
    ----------
    name : str
        ``base``, ``profile``, ``asset class``, ``cost preset``, ``file``, ``environment``, ``command line``.
    leaves : mapping of str to Leaf
        By dotted key.
    """

    name: str
    leaves: Mapping[str, Leaf] = field(default_factory=dict)

    def split(self, prefix: str) -> tuple[Layer, Layer]:
        """Leaves under a block (without its name), and all the others."""
        inside = {key.removeprefix(prefix): leaf for key, leaf in self.leaves.items() if key.startswith(prefix)}
        outside = {key: leaf for key, leaf in self.leaves.items() if not key.startswith(prefix)}
        return Layer(self.name, inside), Layer(self.name, outside)


class _Loader(yaml.SafeLoader):
    """Safe loader with the words of YAML 1.2.

    By YAML 1.1, which the library speaks, 1e-3 is text, 09:30 is 34,200, 010 is 8, "no" is false and dates are objects.
    """

    def construct_decimal(self, node: yaml.Node) -> int:
        """Whole number in decimal, or with the prefix 0x or 0o."""
        text = str(node.value)
        return int(text, 0) if text.lstrip("+-")[:2] in {"0x", "0o"} else int(text)


WORDS: Final = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    (
        "float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+0123456789."),
    ),
    ("merge", r"^(?:<<)$", ["<"]),
)
"""Tag, pattern and first letters of every plain text that is not just text."""

_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in WORDS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_decimal)


def file_layer(path: Path, name: str, *, shown: str | None = None) -> Layer:
    """Layer from a YAML or JSON file.

    Parameters
    ----------
    path : Path
        The file; a name that ends in ``.json`` is read as JSON.
    name : str
        Name of the layer.
    shown : str, optional
        How the file is called in messages, default its path.

    Raises
    ------
    ConfigError
        If it cannot be read, is not valid, or names a key twice; the message has the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"There is no configuration file {str(path)!r}; check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration file {str(path)!r} cannot be read: {error}.") from None
    return text_layer(text, name, shown or str(path), is_json=path.suffix.lower() == ".json")


def text_layer(text: str, name: str, source: str, *, is_json: bool = False) -> Layer:
    r"""Layer from the text of a YAML or JSON document; see `file_layer`.

    Examples
    --------
    >>> layer = text_layer("risk:\n  max_drawdown: 0.1\n", "file", "my.yaml")
    >>> layer.leaves["risk.max_drawdown"].place
    'my.yaml:2'
    """
    if is_json:
        return Layer(name, _json_leaves(text, source))
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return Layer(name, dict(_node_leaves(loader, node, source)) if node is not None else {})
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{source}{line}: not valid YAML ({error.problem or error.context}).") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: not valid YAML ({error}).") from None
    finally:
        loader.dispose()


def _node_leaves(loader: _Loader, node: yaml.Node, source: str) -> Iterator[tuple[str, Leaf]]:
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1
        raise ConfigError(f"{source}:{line}: a configuration is a mapping of sections such as 'risk:'.")
    yield from _mapping_leaves(loader, node, source, "")


def _mapping_leaves(loader: _Loader, node: yaml.MappingNode, source: str, prefix: str) -> Iterator[tuple[str, Leaf]]:
    seen: dict[str, int] = {}
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key in seen:
            raise ConfigError(f"{source}:{line}: {prefix}{key} is given twice, first in line {seen[key]}; keep one.")
        seen[key] = line
    loader.flatten_mapping(node)  # resolves "<<" merges; what is merged comes first, so own keys win below
    found: dict[str, Leaf] = {}
    for key_node, value_node in node.value:
        key = f"{prefix}{key_node.value}"
        if isinstance(value_node, yaml.MappingNode) and value_node.value:
            found |= dict(_mapping_leaves(loader, value_node, source, f"{key}."))
        else:
            value = loader.construct_document(value_node)
            found[key] = Leaf(value, source, key_node.start_mark.line + 1)
    yield from found.items()


def _json_leaves(text: str, source: str) -> dict[str, Leaf]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        for key in keys:
            if keys.count(key) > 1:
                raise ConfigError(f"{source}: {key!r} is given twice in one block; keep one.")
        return dict(pairs)

    try:
        values = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{source}:{error.lineno}: not valid JSON ({error.msg}).") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{source}:1: a configuration is an object of sections, not a {type(values).__name__}.")
    lines: dict[str, int | None] = {}
    try:
        # JSON is YAML but for tabs, so the YAML composer knows the lines.
        marked = text_layer(text.replace("\t", " "), "", source)
        lines = {key: leaf.line for key, leaf in marked.leaves.items()}
    except ConfigError:
        lines = {}
    return {key: Leaf(value, source, lines.get(key)) for key, value in flatten(values)}


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of each leaf of nested mappings; an empty mapping is a leaf.

    Examples
    --------
    >>> list(flatten({"risk": {"max_gross": 0.5}, "profile": None}))
    [('risk.max_gross', 0.5), ('profile', None)]
    """
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def environment_layer(env: Mapping[str, str]) -> Layer:
    """Layer from variables such as ``TRADEWRIGHT__RISK__MAX_DRAWDOWN=0.1``, ``LOG_LEVEL``, ``TRADEWRIGHT_STORE``.

    Examples
    --------
    >>> environment_layer({"TRADEWRIGHT__ENGINE__LOT": "null", "HOME": "x"}).leaves["engine.lot"].value is None
    True
    """
    leaves: dict[str, Leaf] = {}
    if env.get("LOG_LEVEL"):
        leaves["logging.level"] = Leaf(env["LOG_LEVEL"], "LOG_LEVEL")
    if env.get("TRADEWRIGHT_STORE"):
        leaves["data.store"] = Leaf(env["TRADEWRIGHT_STORE"], "TRADEWRIGHT_STORE")
    for name in sorted(env):
        if name.upper().startswith(ENV_PREFIX):
            key = name[len(ENV_PREFIX) :].lower().replace("__", ".")
            leaves[key] = Leaf(scalar(env[name]), name)
    return Layer("environment", leaves)


def set_layer(assignments: Sequence[str], source: str = "--set") -> Layer:
    """Layer from texts ``key=value``; a later one wins.

    Raises
    ------
    ConfigError
        If a text has no ``=``.

    Examples
    --------
    >>> set_layer(["risk.max_drawdown=0.1"]).leaves["risk.max_drawdown"].value
    0.1
    """
    leaves: dict[str, Leaf] = {}
    for text in assignments:
        key, mark, value = text.partition("=")
        if not mark or not key.strip():
            raise ConfigError(f"{source} {text!r} is not understood; write key=value such as risk.max_drawdown=0.1.")
        leaves[key.strip()] = Leaf(scalar(value), source)
    return Layer("command line", leaves)


def option_layer(options: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Layer:
    """Layer from named options; a value of None was not given.

    Parameters
    ----------
    options : mapping of str to value
        By dotted key, or nested.
    names : mapping of str to str, optional
        How each key's option is called, for messages (default ``--last-part``).
    """
    leaves: dict[str, Leaf] = {}
    for key, value in flatten(options):
        if value is not None:
            called = (names or {}).get(key) or "--" + key.rsplit(".", 1)[-1].replace("_", "-")
            leaves[key] = Leaf(value, called)
    return Layer("command line", leaves)


def model_layer(defaults: Mapping[str, Any], source: str) -> Layer:
    """The layer ``base``: defaults of the models."""
    return Layer("base", {key: Leaf(value, source) for key, value in defaults.items()})


def scalar(text: str) -> Any:
    """Value of a text as YAML reads it: number, true, null, ``[a, b]``, ``{a: 1}`` or text.

    Examples
    --------
    >>> scalar("0.1"), scalar("null"), scalar("[1, 2]"), scalar("1e-3"), scalar("risk_low")
    (0.1, None, [1, 2], 0.001, 'risk_low')
    """
    if not text.strip():
        return ""
    loader = _Loader(text)
    try:
        value = loader.get_single_data()
    except yaml.YAMLError:
        # A path or a symbol may hold a mark that means something in YAML ("^GSPC: x"); then it is just text.
        return text
    finally:
        loader.dispose()
    if isinstance(value, Mapping):
        if text.lstrip().startswith("{"):
            return dict(value)
        return text
    return value


def secret_hint(key: str) -> str:
    """What to say when an unknown key looks like a secret."""
    return "; secrets are read from the environment only." if _SECRET.search(key.rsplit(".", 1)[-1]) else ""
