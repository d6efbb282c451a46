"""Where market data comes from: one file per source, all behind the `Provider` port.

Entry points: `make` (a provider by name), `names`, `describe`, `require_provider`, `options_of`.

Built in are ``sample``, ``csv``, ``parquet``, ``store``, ``synthetic`` and ``memory``. A package of somebody else
adds one through the entry-point group ``tradewright.providers``: the name of the entry point is the name of the
provider, its target a class or function that takes keyword options and returns a `Provider`.

Invariants: a provider's module is imported when it is asked for, not before; nothing ever falls back to another
provider by itself, least of all to made-up data.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...domain.errors import ConfigError, InputError, closest

if TYPE_CHECKING:
    from ...domain.ports import Provider

__all__ = ["GROUP", "Entry", "describe", "make", "names", "options_of", "require_provider"]

GROUP: Final = "tradewright.providers"


class Entry(NamedTuple):
    """One line of the registry.

    Parameters
    ----------
    name : str
        What users write.
    target : str
        ``module:attribute``.
    about : str
        One sentence.
    """

    name: str
    target: str
    about: str


_BUILT_IN: Final = {
    entry.name: entry
    for entry in (
        Entry("sample", "tradewright.data.providers.sample:SampleProvider",
              "Real daily series inside installed libraries: indices, 20 large US stocks, 5 factor funds."),
        Entry("csv", "tradewright.data.providers.csv_files:CsvProvider",
              "A delimited text file, or a folder of them; gzip too."),
        Entry("parquet", "tradewright.data.providers.parquet_files:ParquetProvider",
              "A Parquet file, or a folder of them."),
        Entry("store", "tradewright.data.providers.stored:StoredProvider",
              "Bars that 'tradewright data import' has kept, also as they were known at an instant."),
        Entry("chain", "tradewright.data.providers.chain:ChainProvider",
              "Several of these in order: the first answer that can be believed; data.chain names them."),
        Entry("synthetic", "tradewright.data.providers.synthetic:SyntheticProvider",
              "Seeded random walks; every result says that its prices were made up."),
        Entry("memory", "tradewright.data.providers.memory:MemoryProvider",
              "Bars that are in memory already; the twin of the others in tests."),
    )
}  # fmt: skip


def names() -> tuple[str, ...]:
    """Names of all providers, built in first.

    Examples
    --------
    >>> names()[:3]
    ('sample', 'csv', 'parquet')
    """
    return (*_BUILT_IN, *(name for name in _plugged() if name not in _BUILT_IN))


def describe() -> list[Entry]:
    """Every provider with one sentence.

    Examples
    --------
    >>> [entry.name for entry in describe()][-2:]
    ['synthetic', 'memory']
    """
    return [*_BUILT_IN.values(), *(entry for name, entry in _plugged().items() if name not in _BUILT_IN)]


def require_provider(name: str) -> Entry:
    """Entry of a provider, without loading it.

    Raises
    ------
    InputError
        If there is no such provider; the message gives the nearest names.

    Examples
    --------
    >>> require_provider("smple")
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: There is no data provider 'smple', did you mean 'sample'? Known: ...
    """
    entry = _BUILT_IN.get(name) or _plugged().get(name)
    if entry is None:
        raise InputError(
            f"There is no data provider {name!r}{closest(name, names()) or '.'} Known: {', '.join(names())}."
        )
    return entry


def make(name: str, **options: Any) -> Provider:
    """Build a provider by name.

    Parameters
    ----------
    name : str
        One of `names`.
    **options
        What the provider takes.

    Returns
    -------
    Provider

    Raises
    ------
    InputError
        If there is no such provider, or it does not take an option.
    ConfigError
        If the plug-in that offers it cannot be imported.

    Examples
    --------
    >>> make("synthetic", seed=1).name
    'synthetic'
    """
    entry = require_provider(name)
    module, _, attribute = entry.target.partition(":")
    try:
        factory = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"The data provider {name!r} ({entry.target}) cannot be loaded: {error}.") from error
    try:
        made: Provider = factory(**options)
    except TypeError as error:
        raise InputError(f"The data provider {name!r} does not take these options: {error}.") from None
    return made


def options_of(name: Any) -> frozenset[str] | None:
    """Names of the options that a built-in provider takes; None for others, which only they themselves know.

    Examples
    --------
    >>> sorted(options_of("sample")), options_of("somebody else's")
    ([], None)
    """
    from inspect import signature

    entry = _BUILT_IN.get(name) if isinstance(name, str) else None
    if entry is None:
        return None
    module, _, attribute = entry.target.partition(":")
    return frozenset(signature(getattr(import_module(module), attribute)).parameters)


@lru_cache(maxsize=1)
def _plugged() -> dict[str, Entry]:
    from importlib.metadata import entry_points

    return {
        point.name: Entry(point.name, point.value, f"Offered by {point.dist.name if point.dist else 'a plug-in'}.")
        for point in entry_points(group=GROUP)
    }
