"""Named sets of risk limits: those that ship, and those a user makes.

Entry points: `profile_layers`, `list_profiles`, `create_profile`, `config_dir`.

Invariants: a profile is a YAML file of settings, with an optional `description` and an optional profile that it
`extends`; a shipped name cannot be taken by a user's profile; what `create_profile` writes has been resolved once, so
it is known to work.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tradewright.app.config.layers import Layer, Leaf, file_layer, flatten
from tradewright.domain.errors import ConfigError, closest

__all__ = ["ALIASES", "Profile", "config_dir", "create_profile", "list_profiles", "profile_layers", "shown"]

SHIPPED: Final = Path(__file__).parent / "shipped"

ALIASES: Final[Mapping[str, tuple[str, str]]] = {
    "risk_strict": (
        "risk_aggressive",
        "The profile risk_strict is the loosest one, not a strict one; it is called risk_aggressive now. "
        "For strict limits take risk_low.",
    ),
}
"""Old names of profiles, their new names, and what to tell who uses them."""

_NAME: Final = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
_OWN_KEYS: Final = ("description", "extends")


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile that can be chosen.

    Parameters
    ----------
    name : str
        What ``--profile`` takes.
    path : Path
        Its file.
    shipped : bool
        True when it comes with the package.
    description : str
        One line for people.
    """

    name: str
    path: Path
    shipped: bool
    description: str = ""


def config_dir() -> Path:
    """Folder of the user's own configuration: ``TRADEWRIGHT_CONFIG_DIR``, or the system's place for it."""
    given = os.environ.get("TRADEWRIGHT_CONFIG_DIR")
    if given:
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_config_dir("tradewright", appauthor=False))


def list_profiles(folder: Path | None = None) -> tuple[Profile, ...]:
    """All profiles, shipped ones first.

    Parameters
    ----------
    folder : Path, optional
        Folder of the user's profiles, default ``profiles`` in `config_dir`.

    Examples
    --------
    >>> from pathlib import Path
    >>> [profile.name for profile in list_profiles(Path("nowhere"))]
    ['risk_aggressive', 'risk_balanced', 'risk_low']
    """
    found: dict[str, Profile] = {}
    for place, shipped in ((SHIPPED / "profiles", True), (folder or config_dir() / "profiles", False)):
        if not place.is_dir():
            continue
        for path in sorted(place.glob("*.yaml")):
            if path.stem not in found:
                leaf = file_layer(path, "profile").leaves.get("description")
                found[path.stem] = Profile(path.stem, path, shipped, str(leaf.value) if leaf else "")
    return tuple(found.values())


def profile_layers(name: str, folder: Path | None = None) -> tuple[list[Layer], str | None]:
    """Layers of a profile, the one it extends first, and a warning when the name is an old one.

    Parameters
    ----------
    name : str
        Name, old name, or path of a profile's file.
    folder : Path, optional
        Folder of the user's profiles.

    Raises
    ------
    ConfigError
        If there is no such profile (the message names the nearest), or profiles extend each other in a circle.

    Examples
    --------
    >>> layers, warning = profile_layers("risk_strict")
    >>> layers[0].leaves["risk.max_drawdown"].value, "risk_aggressive" in warning
    (0.25, True)
    """
    warning = None
    if name in ALIASES:
        name, warning = ALIASES[name]
    layers: list[Layer] = []
    chain: list[Path] = []
    wanted: str | None = name
    base = Path()
    while wanted is not None:
        path = _path_of(wanted, folder, base)
        if path in chain:
            circle = " -> ".join(item.stem for item in [*chain, path])
            raise ConfigError(f"Profiles extend each other in a circle: {circle}; remove one 'extends'.")
        chain.append(path)
        base = path.parent
        layer = file_layer(path, "profile", shown=shown(path))
        extends = layer.leaves.get("extends")
        if "profile" in layer.leaves:
            raise ConfigError(f"{layer.leaves['profile'].place}: a profile cannot name a profile; write 'extends'.")
        settings = {key: leaf for key, leaf in layer.leaves.items() if key not in _OWN_KEYS}
        layers.insert(0, Layer("profile", settings))
        wanted = None if extends is None or extends.value is None else str(extends.value)
    return layers, warning


def create_profile(
    name: str,
    settings: Mapping[str, Any],
    *,
    extends: str | None = None,
    description: str = "",
    folder: Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a profile of one's own; afterwards ``--profile NAME`` knows it.

    Parameters
    ----------
    name : str
        Small letters, digits, ``_`` and ``-``; not the name of a shipped profile.
    settings : mapping of str to value
        Dotted or nested keys of the configuration, such as ``{"risk.max_drawdown": 0.1}``.
    extends : str, optional
        Profile that it starts from.
    description : str
        One line for people.
    folder : Path, optional
        Where to write, default ``profiles`` in `config_dir`.
    overwrite : bool
        Replace a profile of that name.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If the name is taken or a setting is refused; nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> settings = {"risk.max_drawdown": 0.1, "composer.use_composer": True}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = create_profile("mine", settings, folder=Path(folder))
    ...     print(path.read_text())
    risk:
      max_drawdown: 0.1
    composer:
      use_composer: true
    <BLANKLINE>
    """
    from tradewright.app.config.resolve import resolve_layers
    from tradewright.app.config.text import dump_yaml

    if not _NAME.match(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a profile; take small letters, digits, _ and -, beginning with a letter."
        )
    if name in ALIASES or (SHIPPED / "profiles" / f"{name}.yaml").exists():
        raise ConfigError(f"The profile {name!r} ships with the package; choose another name (and extends={name!r}).")
    target = (folder or config_dir() / "profiles") / f"{name}.yaml"
    if target.exists() and not overwrite:
        raise ConfigError(
            f"There is a profile {name!r} already; choose another name, or overwrite it (overwrite=True)."
        )
    flat = dict(flatten(settings))
    if not flat and extends is None:
        raise ConfigError(f"The profile {name!r} would change nothing; give settings such as risk.max_drawdown=0.1.")
    own = Layer("profile", {key: Leaf(value, f"profile {name}") for key, value in flat.items()})
    below = profile_layers(extends, folder)[0] if extends is not None else []
    resolve_layers([*below, own])
    tree: dict[str, Any] = {}
    if description:
        tree["description"] = description
    if extends is not None:
        tree["extends"] = extends
    for key, value in flat.items():
        *path, last = key.split(".")
        block = tree
        for part in path:
            block = block.setdefault(part, {})
        block[last] = list(value) if isinstance(value, tuple) else value
    from tradewright.engine.record import write_atomic

    return write_atomic(target, dump_yaml(tree).encode("utf-8"))


def shown(path: Path) -> str:
    """Name of a configuration file in messages and results; files of the package the same on every machine."""
    return path.relative_to(SHIPPED.parent).as_posix() if path.is_relative_to(SHIPPED) else str(path)


def _path_of(name: str, folder: Path | None, base: Path) -> Path:
    if name.endswith((".yaml", ".yml", ".json")) or "/" in name or "\\" in name:
        path = Path(name)
        path = path if path.is_absolute() or path.exists() else base / path
        if not path.is_file():
            raise ConfigError(f"There is no profile file {name!r}; check the path.")
        return path
    places = (SHIPPED / "profiles", folder or config_dir() / "profiles")
    for place in places:
        path = place / f"{name}.yaml"
        if path.is_file():
            return path
    known = [profile.name for profile in list_profiles(folder)]
    raise ConfigError(f"There is no profile {name!r}{closest(name, known) or '.'} Known are {', '.join(known)}.")
