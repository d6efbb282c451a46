"""All features by name, and the presets made of them.

Entry points: `feature`, `names`, `families`, `preset`, `presets`.

A name means a feature of the families here, or else an indicator: every indicator is a feature, and one that reads a
single column reads any other feature as well.

Invariants: a preset is made of the registry (each feature says with which parameters it stands in it), so it cannot
name what is not there.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from tradewright.domain.errors import InputError, closest
from tradewright.features.feature import FAMILIES, FEATURES, Feature

__all__ = ["families", "feature", "names", "preset", "presets"]

_MODULES: Final = (
    "returns", "volatility", "liquidity", "calendar", "relations", "cross_section", "multi_timeframe", "fractional",
    "outliers", "dated", "microstructure.registered",
)  # fmt: skip

_OTHER: Final = {
    "relative_strength_ratio": "relative_strength", "ratio_to_benchmark": "relative_strength",
    "momentum": "log_return", "ret": "simple_return", "returns": "simple_return", "pct_change": "simple_return",
    "volatility": "historical_volatility", "garch": "garch_volatility", "ewma": "ewma_volatility",
    "ffd": "frac_diff", "fracdiff": "frac_diff", "fractional_difference": "frac_diff",
    "rank": "cs_rank", "cross_sectional_rank": "cs_rank", "cross_sectional_zscore": "cs_zscore",
    "sector_neutral": "cs_sector_neutral", "neutralise": "cs_neutral", "neutralize": "cs_neutral",
    "neutralisation": "cs_neutral", "neutralization": "cs_neutral", "winsorize": "winsorise",
    "higher": "longer", "mtf": "longer", "higher_timeframe": "longer", "multi_timeframe": "longer",
    "asof": "dated", "macro": "dated", "series": "dated", "sentiment": "dated_mean",
    "time_to_close": "minutes_to_close", "dow": "day_of_week",
}  # fmt: skip


@lru_cache(maxsize=1)
def _load() -> None:
    for module in _MODULES:
        importlib.import_module(f"tradewright.features.{module}")
    from importlib.metadata import entry_points

    for entry in entry_points(group="tradewright.features"):
        entry.load()


def _own() -> dict[str, Feature]:
    _load()
    return FEATURES


def names(family: str | None = None, *, indicators: bool = False) -> tuple[str, ...]:
    """Names of the features, in the order of their families.

    Parameters
    ----------
    family : str, optional
        Only one, such as ``"returns"``, or ``"indicator/momentum"``.
    indicators : bool
        The indicators as well.

    Raises
    ------
    InputError
        If there is no such family.

    Examples
    --------
    >>> names("cross_section")[:2], len(names(indicators=True)) > 300
    (('cs_rank', 'cs_zscore'), True)
    """
    from tradewright.features.indicators.registry import names as indicator_names
    from tradewright.features.indicators.spec import FAMILIES as KINDS

    own = [name for group in FAMILIES for name, item in _own().items() if item.family == group]
    if family is None:
        return tuple(own) + (tuple(n for n in indicator_names() if n not in FEATURES) if indicators else ())
    known = [*FAMILIES, *(f"indicator/{kind}" for kind in KINDS)]
    if family not in known:
        raise InputError(f"There is no family {family!r}{closest(family, known) or '.'} Families: {', '.join(known)}.")
    if family.startswith("indicator/"):
        return tuple(name for name in indicator_names(family.partition("/")[2]) if name not in FEATURES)
    return tuple(name for name in own if FEATURES[name].family == family)


def families() -> dict[str, tuple[str, ...]]:
    """Names by family, without the indicators."""
    return {family: names(family) for family in FAMILIES}


def feature(name: str) -> Feature:
    """Return the feature of a name: of the families here, or an indicator.

    Raises
    ------
    InputError
        If there is none; the message names the nearest.

    Examples
    --------
    >>> feature("overnight_return").family, feature("rsi").family
    ('returns', 'indicator/momentum')
    >>> feature("overnite_return")
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: There is no feature 'overnite_return', did you mean 'overnight_return'...
    """
    from tradewright.features.indicators import registry

    word = str(name)
    found = _own().get(word) or _own().get(word.lower())
    if found is not None:
        return found
    everything = {*_own(), *registry.names()}
    if word.lower() in everything:
        return _of_indicator(word.lower())
    if word.lower() in _OTHER:
        hint = f", did you mean {_OTHER[word.lower()]!r}?"
    else:
        hint = closest(word.lower(), everything) or "."
    raise InputError(f"There is no feature {name!r}{hint} 'tradewright features list' names all.")


@lru_cache(maxsize=1024)
def _of_indicator(name: str) -> Feature:
    from tradewright.features.indicators.registry import indicator

    item = indicator(name)
    single = len(item.inputs) == 1 and item.inputs[0] not in {"session", "ts"}
    if item.definition is not None:
        function: Any = item.definition
    else:

        def function(p: Any) -> Any:
            from tradewright.features.streaming import _Recomputed

            return _Recomputed(item, vars(p))

    return Feature(
        name=item.name, title=item.title, family=f"indicator/{item.family}",
        kind="program" if item.definition is not None else "state", scope="asset",
        inputs=() if single else item.inputs, takes=(("of", item.inputs[0]),) if single else (), params=item.params,
        outputs=item.outputs, unit=item.unit, source=item.source, function=function, notes=item.notes,
        undefined=item.undefined, memory="windows" if item.definition is not None else "all rows",
        warm_up_rows=lambda p: item.warm_up(**vars(p)), known_at=item.known_at, about=item.about, event=item.event,
        constraint_text=item.constraint_text, indicator=item,
    )  # fmt: skip


# --- presets

_MOMENTUM: Final[tuple[dict[str, Any], ...]] = (
    *({"feature": "rsi", "window": w} for w in (7, 14, 28)),
    {"feature": "ppo", "fast": 12, "slow": 26},
    {"feature": "ppo", "fast": 5, "slow": 35},
    {"feature": "willr", "window": 14},
    {"feature": "cci", "window": 20},
    {"feature": "mfi", "window": 14},
    {"feature": "cmo", "window": 14},
    {"feature": "tsi", "slow": 25, "fast": 13},
    {"feature": "er", "window": 10},
    *({"feature": "zscore", "window": w} for w in (20, 60)),
    {"feature": "psl", "window": 20},
)
_TREND: Final[tuple[dict[str, Any], ...]] = (
    {"feature": "adx", "window": 14},
    {"feature": "aroonosc", "window": 25},
    {"feature": "choppiness", "window": 14},
    {"feature": "vhf", "window": 28},
    {"feature": "linreg_r2", "window": 20},
    *({"feature": "bbands_percent", "window": w} for w in (20, 60)),
    *({"feature": "bbands_width", "window": w} for w in (20, 60)),
)
_VOLATILITY: Final[tuple[dict[str, Any], ...]] = (
    *({"feature": "historical_volatility", "window": w} for w in (5, 20, 60, 120)),
    *({"feature": "parkinson", "window": w} for w in (20, 60)),
    *({"feature": "garman_klass", "window": w} for w in (20, 60)),
    *({"feature": "rogers_satchell", "window": w} for w in (20, 60)),
    *({"feature": "yang_zhang", "window": w} for w in (20, 60)),
    *({"feature": "ewma_volatility", "decay": d} for d in (0.94, 0.97)),
    {"feature": "natr", "window": 14},
    {"feature": "volatility_ratio", "fast": 10, "slow": 60},
    {"feature": "ulcer", "window": 20},
)
_VOLUME: Final[tuple[dict[str, Any], ...]] = (
    *({"feature": "rvol", "window": w} for w in (5, 20)),
    *({"feature": "amihud", "window": w} for w in (20, 60)),
    {"feature": "cmf", "window": 20},
    {"feature": "pvo", "fast": 12, "slow": 26},
)
_STATISTIC: Final[tuple[dict[str, Any], ...]] = (
    {"feature": "skewness", "window": 60, "of": {"feature": "log_return", "window": 1}},
    {"feature": "kurtosis", "window": 60, "of": {"feature": "log_return", "window": 1}},
    {"feature": "autocorrelation", "window": 60, "lag": 1},
    {"feature": "variance_ratio", "window": 120, "lag": 5},
    {"feature": "rank", "window": 100},
    {"feature": "rising_share", "window": 20},
    *({"feature": "beta", "window": w} for w in (60, 120)),
    *({"feature": "correlation", "window": w} for w in (60, 120)),
)
_BY_FAMILY: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "returns": (
        *({"feature": "simple_return", "window": w} for w in (1, 2, 3, 5)),
        *({"feature": "log_return", "window": w} for w in (10, 20, 40, 60, 120, 250)),
        *_MOMENTUM, *_TREND,
    ),
    "volatility": _VOLATILITY,
    "liquidity": _VOLUME,
    "relations": _STATISTIC,
}  # fmt: skip

_SMALL: Final[tuple[Any, ...]] = (
    *({"feature": "log_return", "window": w} for w in (1, 5, 20, 60)),
    {"feature": "rsi", "window": 14},
    {"feature": "historical_volatility", "window": 20},
    {"feature": "yang_zhang", "window": 20},
    {"feature": "rvol", "window": 20},
    {"feature": "distance_to_mean", "window": 20},
    {"feature": "drawdown_from_high", "window": 60},
    {"feature": "day_of_week"},
    {"feature": "cs_rank", "of": {"feature": "log_return", "window": 20}},
)

_PRESETS: Final[Mapping[str, str]] = {
    "standard_200": "200 features of all families, made from the registry",
    "prices": "those of the 200 that need nothing but the prices and volume of their own asset",
    "cross_section": "those of the 200 that look across assets",
    "calendar": "calendar and session",
    "small": "a dozen of all kinds to begin with",
}


def presets() -> dict[str, str]:
    """Names of the presets, and what they are."""
    return dict(_PRESETS)


def preset(name: str) -> list[dict[str, Any]]:
    """Entries of a preset, as a pipeline takes them.

    Raises
    ------
    InputError
        If there is none of this name.

    Examples
    --------
    >>> len(preset("standard_200")), preset("small")[0]
    (200, {'feature': 'log_return', 'window': 1})
    """
    if name not in _PRESETS:
        raise InputError(f"There is no preset {name!r}{closest(name, _PRESETS) or '.'} Presets: {', '.join(_PRESETS)}.")
    if name == "small":
        return [dict(entry) for entry in _SMALL]
    everything: list[dict[str, Any]] = []
    for family in FAMILIES:
        everything += [dict(entry) for entry in _BY_FAMILY.get(family, ())]
        everything += [{"feature": key, **given} for key in names(family) for given in _own()[key].standard]
    if name == "standard_200":
        return everything
    if name == "calendar":
        return [entry for entry in everything if feature(entry["feature"]).family == "calendar"]
    if name == "cross_section":
        return [entry for entry in everything if _across(entry)]
    return [entry for entry in everything if not _across(entry) and _plain(entry)]


def _across(entry: Any) -> bool:
    if isinstance(entry, str):
        return feature(entry).scope == "cross_section"
    item = feature(entry["feature"])
    below = [entry.get(key, default) for key, default in item.takes]
    return item.scope == "cross_section" or any(_across(part) for part in below if part is not None)


def _plain(entry: Any) -> bool:
    item = feature(entry if isinstance(entry, str) else entry["feature"])
    given = {} if isinstance(entry, str) else entry
    below = [given.get(key, default) for key, default in item.takes]
    own = item.scope == "asset" and not item.needs and not {"benchmark", "session", "ts"} & set(item.inputs)
    return own and item.kind in {"program", "state"} and all(_plain(part) for part in below if part is not None)
