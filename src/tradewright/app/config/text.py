"""Configurations as text that can be read back, and the reference of all settings.

Entry points: `to_yaml`, `to_json`, `reference`.

Invariants: what `to_yaml` and `to_json` write resolves to the same hash when it is given as the user's file.
"""

from __future__ import annotations

import json
from typing import Any

from tradewright.app.config.models import Config, keys

__all__ = ["reference", "to_json", "to_yaml"]


def to_yaml(config: Config) -> str:
    """YAML of every setting.

    Examples
    --------
    >>> print(to_yaml(Config()).splitlines()[0])
    profile: null
    """
    import yaml

    return yaml.safe_dump(_plain(config), sort_keys=False, allow_unicode=True)


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
