"""Configurations as text that can be read back, and the reference of all settings.

Entry points: `to_yaml`, `to_json`, `dump_yaml`, `reference`.

Invariants: what `to_yaml` and `to_json` write resolves to the same hash when it is given as the user's file.
"""

from __future__ import annotations

import json
from typing import Any

from tradewright.app.config.models import Config, keys

__all__ = ["dump_yaml", "reference", "to_json", "to_yaml"]


def to_yaml(config: Config) -> str:
    """YAML of every setting.

    Examples
    --------
    >>> print(to_yaml(Config()).splitlines()[0])
    profile: null
    """
    return dump_yaml(_plain(config))


def dump_yaml(tree: dict[str, Any]) -> str:
    """YAML of plain values; text that any version of YAML takes for something else is quoted.

    Examples
    --------
    >>> print(dump_yaml({"a": "1e-3", "b": "no", "c": 0.001, "d": "SPY"}), end="")
    a: '1e-3'
    b: 'no'
    c: 0.001
    d: SPY
    """
    import re

    import yaml

    from tradewright.app.config.layers import WORDS

    class Dumper(yaml.SafeDumper):
        """Knows the words of YAML 1.2 besides those of 1.1."""

    for tag, pattern, first in WORDS:
        Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)
    text: str = yaml.dump(tree, Dumper=Dumper, sort_keys=False, allow_unicode=True)
    return text


def to_json(config: Config) -> str:
    """JSON of every setting, indented.

    Examples
    --------
    >>> import json
    >>> json.loads(to_json(Config()))["risk"]["max_gross"]
    0.5
    """
    return json.dumps(_plain(config), indent=2, allow_nan=False)


def reference() -> str:
    """Markdown table of every setting, its default, what it may be and what it is for, per section.

    Examples
    --------
    >>> reference().splitlines()[0]
    '### Top level'
    """
    lines: list[str] = []
    section = None
    for key in keys().values():
        block, _, _ = key.name.rpartition(".")
        if block != section:
            section = block
            title = f"`{block}`" if block else "Top level"
            lines += ([""] if lines else []) + [
                f"### {title}",
                "",
                "| key | default | values | meaning |",
                "|---|---|---|---|",
            ]
        default = json.dumps(key.default if not isinstance(key.default, tuple) else list(key.default))
        lines.append(f"| `{key.name}` | `{default}` | {key.kind.replace('|', chr(92) + '|')} | {key.description} |")
    return "\n".join(lines) + "\n"


def _plain(config: Config) -> dict[str, Any]:
    return config.model_dump(mode="json")
