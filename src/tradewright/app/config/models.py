"""Every setting of the system, with its default, range and meaning.

Entry points: `Config` and its sections; `keys` lists every setting.

Invariants: this is the only place where a default is written (the engine's and the costs' come from the engine's own
settings). Models are frozen and refuse what they do not know; rates and limits are fractions, never percent; numbers
are finite. The values here are the layer ``base``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, NoReturn, TypeAlias, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from tradewright.engine.costs import LARGEST_FUNDING, PRESETS, CostSettings
from tradewright.engine.settings import Settings

__all__ = [
    "ComposerConfig",
    "Config",
    "CostsConfig",
    "DataConfig",
    "EngineConfig",
    "FrozenDict",
    "Key",
    "LoggingConfig",
    "ReportConfig",
    "ResearchConfig",
    "RiskConfig",
    "StrategyConfig",
    "keys",
]

DAILY_LOSS_CEILING: Final = 0.05
"""No profile, file or option may allow a larger daily loss."""


class FrozenDict(dict[str, Any]):
    """A dict that refuses to change.

    Examples
    --------
    >>> FrozenDict(fast=20)["fast"]
    20
    >>> FrozenDict(fast=20).update(fast=30)
    Traceback (most recent call last):
    ...
    TypeError: A configuration never changes; resolve another one.
    """

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("A configuration never changes; resolve another one.")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse
    __ior__ = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is not a number")
    return value


def _no_percent(value: Any) -> Any:
    _no_bool(value)
    if isinstance(value, str) and value.strip().endswith("%"):
        number = value.strip().removesuffix("%").strip()
        try:
            hint = f"write {float(number) / 100:g}"
        except ValueError:
            hint = "write a fraction such as 0.15"
        raise ValueError(f"fractions, never percent: {hint}")
    return value


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else value


def _is_instant(value: str) -> str:
    try:
        dt.date.fromisoformat(value) if len(value) <= 10 else dt.datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("it must be an ISO date or time such as 2024-01-31") from None
    return value


def _split(value: Any) -> Any:
    """Text with commas, as variables and options give it, is a list."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


Number = Annotated[float, BeforeValidator(_no_percent)]
Count = Annotated[int, BeforeValidator(_no_bool)]
Fraction = Annotated[Number, Field(gt=0.0, le=1.0)]
Rate = Annotated[Number, Field(ge=0.0, lt=1.0)]
Cost = Annotated[Number, Field(ge=0.0)]
BasisPoints = Annotated[Number, Field(ge=0.0, le=2000.0)]
Instant = Annotated[str, BeforeValidator(_iso), AfterValidator(_is_instant)]
Open = Annotated[dict[str, Any], AfterValidator(FrozenDict)]
"""A block whose keys belong to somebody else (the parameters of a strategy)."""

AssetClassName: TypeAlias = Literal["equity", "etf", "crypto", "fx", "future", "option", "index"]

_ENGINE: Final[Any] = Settings()
_COSTS: Final[Any] = CostSettings()


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True, hide_input_in_errors=True
    )


class DataConfig(_Section):
    """Which bars are used."""

    symbols: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        default=(), description="Symbols, or @NAME for a list; their asset classes choose the asset-class layer."
    )
    universes: Open = Field(default_factory=FrozenDict, description="Lists of symbols of your own, for @NAME.")
    provider: str = Field(default="sample", description="Name of the provider.")
    path: str | None = Field(default=None, description="File or folder that the provider reads.")
    actions: str | None = Field(default=None, description="File of corporate actions that the prices do not contain.")
    start: Instant | None = Field(default=None, description="First day or instant, included.")
    end: Instant | None = Field(default=None, description="Last day or instant, included.")
    interval: str | None = Field(
        default=None, description="Length of a bar such as 1d or 15m; null takes what the data has."
    )
    columns: Open = Field(default_factory=FrozenDict, description="Names of columns where they are not recognised.")
    tz: str | None = Field(default=None, description="Time zone of stamps without one; null is that of the exchange.")
    check: bool = Field(default=True, description="Check the bars; without it every result is stamped as unchecked.")
    repair: Literal["quarantine", "refuse", "winsorise"] = Field(
        default="quarantine", description="What happens to bars that cannot be believed."
    )
    quality_minimum: Annotated[Number, Field(ge=0.0, le=1.0)] | None = Field(
        default=None, description="Least quality score of every instrument; a lower one stops the run."
    )
    chain: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        default=(), description="Providers to ask in order, such as [store, csv:prices/]; chosen by provider: chain."
    )
    chain_options: Open = Field(
        default_factory=FrozenDict, description="Options of the chain, such as on_missing, agree, max_lag, health."
    )
    missing_members: Literal["refuse", "stamp"] = Field(
        default="refuse", description="What happens to members of a universe with dates that have no data."
    )
    store: str | None = Field(
        default=None, description="Folder (or address) of the store; the variable TRADEWRIGHT_STORE sets it too."
    )
    source: str | None = Field(default=None, description="Which source of the store, where a symbol has several.")
    as_of: Instant | None = Field(
        default=None, description="Bars as the store knew them then; null is everything it knows."
    )


class EngineConfig(_Section):
    """How orders are sized and filled."""

    initial_capital: Annotated[Number, Field(gt=0.0)] = Field(
        default=_ENGINE.initial_capital, description="Cash before the first bar."
    )
    fill: Literal["next_open", "same_close", "next_close"] = Field(
        default=_ENGINE.fill, description="When market orders fill, counted from the bar of the decision."
    )
    intrabar: Literal["pessimistic", "expected", "optimistic"] = Field(
        default=_ENGINE.intrabar, description="What is assumed about the order of high and low inside a bar."
    )
    trail_update: Literal["path", "bar"] = Field(
        default=_ENGINE.trail_update,
        description="Whether a trailing stop follows the path inside a bar or whole bars only.",
    )
    size: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=_ENGINE.size,
        description="What an entry uses, in size_mode; null is all equity, split evenly over the symbols.",
    )
    size_mode: Literal["fraction", "quantity", "value", "risk"] = Field(
        default=_ENGINE.size_mode, description="What size counts: equity, units, money, or equity lost at the stop."
    )
    size_basis: Literal["fill", "decision"] = Field(
        default=_ENGINE.size_basis, description="Price and equity that a size is resolved with."
    )
    lot: Cost | None = Field(
        default=_ENGINE.lot, description="Step of quantities, 0 fractional; null is the instrument's own."
    )
    decide_on: Literal["auto", "adjusted", "raw"] = Field(
        default=_ENGINE.decide_on,
        description="Prices that decisions see where bars carry splits or dividends; fills are at raw prices.",
    )
    allow_short: bool = Field(default=_ENGINE.allow_short, description="Whether short positions may be opened.")
    leverage: Annotated[Number, Field(gt=0.0, le=100.0)] = Field(
        default=_ENGINE.leverage, description="Largest gross exposure as a multiple of equity."
    )
    maintenance_margin: Annotated[Number, Field(ge=0.0, le=1.0)] = Field(
        default=_ENGINE.maintenance_margin, description="Equity over gross exposure below which positions are closed."
    )
    on_short_cash: Literal["resize", "refuse"] = Field(
        default=_ENGINE.on_short_cash, description="What happens to an entry when cash is short."
    )
    close_last: bool = Field(
        default=_ENGINE.close_last, description="Close what is held at the last close, with costs."
    )
    volume_share: Annotated[Number, Field(ge=0.0, le=1.0)] = Field(
        default=_ENGINE.volume_share, description="Largest share of a bar's volume that may fill; 0 is no cap."
    )
    cooldown: Annotated[Count, Field(ge=0)] = Field(
        default=_ENGINE.cooldown, description="Bars without entries after a protective exit."
    )
    max_position: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=_ENGINE.max_position,
        description="Largest position as a fraction of equity; null follows the risk block.",
    )
    max_gross: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=_ENGINE.max_gross,
        description="Largest gross exposure as a fraction of equity; null follows the risk block.",
    )
    daily_loss: Fraction | None = Field(
        default=_ENGINE.daily_loss,
        description="Loss in a session that ends entries for it; null follows the risk block.",
    )
    max_drawdown: Fraction | None = Field(
        default=_ENGINE.max_drawdown, description="Drawdown that ends entries for good; null follows the risk block."
    )
    on_halt: Literal["block", "flatten", "flatten_at_drawdown"] = Field(
        default=_ENGINE.on_halt, description="What a halt does to open positions."
    )
    rebalance_buffer: Annotated[Number, Field(ge=0.0, lt=1.0)] = Field(
        default=_ENGINE.rebalance_buffer, description="Smallest change of a target weight that is traded."
    )
    stop: Annotated[Number, Field(gt=0.0, lt=1.0)] | None = Field(
        default=None, description="Protective stop as a fraction of the fill price."
    )
    target: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=None, description="Profit target as a fraction of the fill price."
    )
    trail: Annotated[Number, Field(gt=0.0, lt=1.0)] | None = Field(
        default=None, description="Trailing stop as a fraction of the best price."
    )
    stop_atr: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=None, description="Protective stop in average true ranges, instead of stop."
    )
    target_atr: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=None, description="Profit target in average true ranges, instead of target."
    )
    trail_atr: Annotated[Number, Field(gt=0.0)] | None = Field(
        default=None, description="Trailing stop in average true ranges, instead of trail."
    )
    atr_window: Annotated[Count, Field(ge=1)] = Field(
        default=_ENGINE.atr_window, description="Bars of the average true range."
    )
    sigma_window: Annotated[Count, Field(ge=2)] = Field(
        default=_ENGINE.sigma_window, description="Bars of the volatility that impact models read."
    )
    risk_free: Annotated[Number, Field(gt=-1.0, lt=1.0)] = Field(
        default=_ENGINE.risk_free, description="Yearly rate that ratios subtract."
    )

    @model_validator(mode="after")
    def _one_unit_per_protection(self) -> EngineConfig:
        for name in ("stop", "target", "trail"):
            if getattr(self, name) is not None and getattr(self, f"{name}_atr") is not None:
                raise ValueError(f"{name} and {name}_atr are both given; keep one of them")
        if self.size_mode == "risk" and self.stop is None and self.stop_atr is None:
            raise ValueError("size_mode risk sizes an entry by the distance of its stop; give stop or stop_atr")
        return self


class CostsConfig(_Section):
    """What trading costs. A preset fills the commission keys; keys that are given win over it."""

    preset: Literal["", *sorted(PRESETS)] = Field(default="", description="Commission schedule by name.")  # type: ignore[valid-type]
    no_costs: bool = Field(default=False, description="Trade for free; every result then says so.")
    commission_bps: BasisPoints = Field(
        default=_COSTS.taker_rate * 10_000, description="Commission in basis points of the value traded."
    )
    commission_per_share: Cost = Field(default=_COSTS.per_share, description="Commission per unit of quantity.")
    commission_per_order: Cost = Field(default=_COSTS.per_order, description="Commission per fill.")
    commission_min: Cost = Field(default=_COSTS.min_fee, description="Least commission of a fill.")
    commission_max_rate: Rate = Field(
        default=_COSTS.max_rate, description="Most commission as a fraction of the value traded; 0 is no cap."
    )
    maker_bps: BasisPoints | None = Field(
        default=None, description="Commission of limit fills; null is commission_bps."
    )
    taker_bps: BasisPoints | None = Field(
        default=None, description="Commission of other fills; null is commission_bps."
    )
    sell_bps: BasisPoints = Field(default=_COSTS.sell_rate * 10_000, description="Extra on sells (fees, stamp duty).")
    spread_bps: BasisPoints = Field(
        default=_COSTS.half_spread * 20_000, description="Quoted spread; each fill but a limit fill pays half of it."
    )
    slippage_model: Literal["none", "bps", "fixed", "volume_share", "square_root", "almgren_chriss"] = Field(
        default="bps", description="How far fills are from the reference price."
    )
    slippage_bps: BasisPoints = Field(
        default=_COSTS.slip_a * 10_000, description="Model bps: basis points of the price."
    )
    slippage_fixed: Cost = Field(default=0.0, description="Model fixed: in units of price.")
    slippage_impact: Cost | None = Field(
        default=None,
        description="Models volume_share and square_root: coefficient; null is 0.1 and 1.",
    )
    slippage_volume_limit: Annotated[Number, Field(ge=0.0, le=1.0)] = Field(
        default=0.025, description="Model volume_share: share of volume from which impact grows no more; 0 is no limit."
    )
    slippage_permanent: Cost = Field(default=0.314, description="Model almgren_chriss: permanent impact.")
    slippage_temporary: Cost = Field(default=0.142, description="Model almgren_chriss: temporary impact.")
    slippage_exponent: Annotated[Number, Field(gt=0.0, le=2.0)] = Field(
        default=_COSTS.slip_c, description="Model almgren_chriss: exponent of the temporary impact."
    )
    borrow_rate: Rate = Field(default=_COSTS.borrow_rate, description="Yearly rate paid on short positions.")
    margin_rate: Rate = Field(default=_COSTS.margin_rate, description="Yearly rate paid on negative cash.")
    cash_rate: Rate = Field(default=_COSTS.cash_rate, description="Yearly rate earned on positive cash.")
    funding_rate: Annotated[Number, Field(ge=-LARGEST_FUNDING, le=LARGEST_FUNDING)] = Field(
        default=_COSTS.funding_rate,
        description="What longs pay to shorts every eight hours, as a fraction of the position; coins and futures.",
    )


class RiskConfig(_Section):
    """Limits of trading. A backtest is bound by those that a profile, file, variable or option sets."""

    max_gross: Annotated[Number, Field(gt=0.0, le=10.0)] = Field(
        default=0.5, description="Largest gross exposure as a fraction of equity."
    )
    max_position: Fraction = Field(default=0.1, description="Largest position as a fraction of equity.")
    daily_loss: Annotated[Number, Field(gt=0.0, le=DAILY_LOSS_CEILING)] = Field(
        default=0.02, description="Loss in a session that ends entries for it; never above 0.05."
    )
    max_drawdown: Fraction = Field(default=0.15, description="Drawdown from the peak that ends entries.")
    volatility: Annotated[Number, Field(gt=0.0, le=5.0)] = Field(
        default=0.2,
        description="Yearly volatility that is ordinary for the asset class; sizing starts from it.",
    )


class ComposerConfig(_Section):
    """How the forecasts of several strategies become one."""

    use_composer: bool = Field(default=False, description="Blend strategies instead of running one.")
    mode: Literal["softmax_blender"] = Field(default="softmax_blender", description="How forecasts are weighed.")
    eligible: Annotated[tuple[Literal["momentum", "mean_reversion", "breakout"], ...], BeforeValidator(_split)] = Field(
        default=("momentum", "mean_reversion", "breakout"), description="Families of strategies that may take part."
    )


class StrategyConfig(_Section):
    """Which strategy runs."""

    name: str = Field(default="sma_cross", description="Name of a strategy, or path/to/file.py:name.")
    params: Open = Field(default_factory=FrozenDict, description="Parameters of the strategy.")


class ReportConfig(_Section):
    """What is written for people. Not part of the hash."""

    path: str | None = Field(default=None, description="Where the HTML report goes; null writes none unless asked for.")
    title: str | None = Field(default=None, description="Headline; null makes one.")
    benchmark: str | None = Field(
        default=None, description="Symbol to compare with; null is buy and hold of the same symbols."
    )
    theme: Literal["auto", "light", "dark"] = Field(
        default="auto", description="Colours; auto follows the reader's system."
    )


class LoggingConfig(_Section):
    """What is logged, and where. Not part of the hash."""

    level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
    ] = Field(default="WARNING", description="Least level that is logged; the variable LOG_LEVEL sets it too.")
    format: Literal["console", "json"] = Field(default="console", description="Form of the log on stderr.")
    folder: str | None = Field(default=None, description="Folder of rotating log files; null writes none.")


class ResearchConfig(_Section):
    """How research is kept honest. Not part of the hash."""

    trials: str | None = Field(
        default=None,
        description="File that counts every trial; off counts none (results say so); null is TRADEWRIGHT_TRIALS, else "
        "the user's data folder.",
    )


class Config(_Section):
    """The whole configuration, frozen."""

    profile: str | None = Field(default=None, description="Risk profile; null leaves the limits of a backtest off.")
    data: DataConfig = DataConfig()
    engine: EngineConfig = EngineConfig()
    costs: CostsConfig = CostsConfig()
    risk: RiskConfig = RiskConfig()
    composer: ComposerConfig = ComposerConfig()
    strategy: StrategyConfig = StrategyConfig()
    report: ReportConfig = ReportConfig()
    logging: LoggingConfig = LoggingConfig()
    research: ResearchConfig = ResearchConfig()


class Key(BaseModel):
    """One setting: dotted name, default, what it may be, and what it is for."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    name: str
    default: Any
    kind: str
    description: str
    open: bool = False
    """True for a block whose own keys are not checked here."""
    model: str = "Config"
    field: str = ""


def keys() -> Mapping[str, Key]:
    """Every setting by its dotted name, in the order of the models.

    Examples
    --------
    >>> keys()["risk.max_drawdown"].default
    0.15
    """
    return {key.name: key for key in _walk(Config, "")}


def _walk(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _walk(kind, f"{prefix}{name}.")
            continue
        yield Key(
            name=f"{prefix}{name}",
            default=info.get_default(call_default_factory=True),
            kind=_kind(info),
            description=info.description or "",
            open=FrozenDict in info.metadata
            or any(isinstance(m, AfterValidator) and m.func is FrozenDict for m in info.metadata),
            model=model.__name__,
            field=name,
        )


_WORDS: Final = {float: "number", int: "whole number", str: "text", bool: "true or false", type(None): "null"}


def _kind(info: FieldInfo) -> str:
    return _describe(info.annotation) + _bounds(info.metadata)


def _describe(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ", ".join(repr(word) if word == "" else str(word) for word in arguments)
    if origin is Annotated:
        return _describe(arguments[0]) + _bounds(arguments[1:])
    if origin is tuple:
        return f"list of {_describe(arguments[0])}"
    if origin is dict:
        return "block"
    if arguments:
        return " or ".join(_describe(argument) for argument in arguments)
    return _WORDS.get(kind, str(kind))


def _bounds(metadata: Any) -> str:
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    found: list[str] = []
    for item in metadata:
        inner = item.metadata if isinstance(item, FieldInfo) else [item]
        for bound in inner:
            found += [f"{sign} {getattr(bound, name):g}" for name, sign in signs.items() if hasattr(bound, name)]
    return f" {' and '.join(found)}" if found else ""
