"""The nouns, events, errors, and the ports that others implement.

Everything here is frozen, slotted, comparable, free of I/O and of pandas. A name can be imported from this package or
from its module; both are the same object. Modules are loaded when first asked for, so importing the package is free.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .actions import ActionKind, CorporateAction
    from .bars import Bar, Bars, Instant, Provenance, instant_ns, utc
    from .errors import (
        BrokerError,
        ConfigError,
        DataError,
        DataProviderError,
        EngineError,
        ExecutionError,
        InconsistentDataError,
        InputError,
        InvariantError,
        MissingDataError,
        ModelError,
        NotFittedError,
        OrderValidationError,
        PortfolioUpdateError,
        ReconciliationError,
        RiskHaltError,
        SolverError,
        StaleDataError,
        TradewrightError,
        TransientBrokerError,
        closest,
    )
    from .events import (
        Checked,
        Command,
        CommandKind,
        Event,
        Finding,
        Halt,
        Opinion,
        Payload,
        Severity,
        Slice,
        TradingState,
    )
    from .forecasts import FLAT, HOLD, LONG, SHORT, Regime, Signal, TargetWeights
    from .instrument import AssetClass, Instrument, OptionKind, asset_class_of
    from .money import UNIT, Number, floor_lot, floor_units, from_units, mul, mul_div, to_units
    from .orders import (
        ApprovedOrder,
        Distance,
        DistanceUnit,
        Fill,
        Order,
        OrderStatus,
        OrderType,
        OrderUpdate,
        Protection,
        Refusal,
        TimeInForce,
    )
    from .portfolio import AccountSnapshot, CashKind, CashMovement, Portfolio, Position
    from .ports import (
        Advisor,
        Agent,
        Allocator,
        Broker,
        Check,
        Clock,
        CommandSource,
        Composer,
        CostModel,
        Costs,
        Feed,
        Gate,
        Journal,
        Notifier,
        Provider,
        RegimeModel,
        Report,
        Reporter,
        RiskRule,
        SignalStrategy,
        Strategy,
        TrialLedger,
        View,
        WeightStrategy,
    )
    from .series import Appended, SeriesInfo, SeriesKey, Store

_HOME: Final = {
    "actions": "ActionKind CorporateAction",
    "bars": "Bar Bars Instant Provenance instant_ns utc",
    "errors": (
        "BrokerError ConfigError DataError DataProviderError EngineError ExecutionError InconsistentDataError "
        "InputError InvariantError MissingDataError ModelError NotFittedError OrderValidationError "
        "PortfolioUpdateError ReconciliationError RiskHaltError SolverError StaleDataError TradewrightError "
        "TransientBrokerError closest"
    ),
    "events": "Checked Command CommandKind Event Finding Halt Opinion Payload Severity Slice TradingState",
    "forecasts": "FLAT HOLD LONG Regime SHORT Signal TargetWeights",
    "instrument": "AssetClass Instrument OptionKind asset_class_of",
    "money": "Number UNIT floor_lot floor_units from_units mul mul_div to_units",
    "orders": (
        "ApprovedOrder Distance DistanceUnit Fill Order OrderStatus OrderType OrderUpdate Protection Refusal "
        "TimeInForce"
    ),
    "portfolio": "AccountSnapshot CashKind CashMovement Portfolio Position",
    "ports": (
        "Advisor Agent Allocator Broker Check Clock CommandSource Composer CostModel Costs Feed Gate Journal "
        "Notifier Provider RegimeModel Report Reporter RiskRule SignalStrategy Strategy TrialLedger View "
        "WeightStrategy"
    ),
    "series": "Appended SeriesInfo SeriesKey Store",
}
_MODULE_OF: Final = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = [
    "FLAT",
    "HOLD",
    "LONG",
    "SHORT",
    "UNIT",
    "AccountSnapshot",
    "ActionKind",
    "Advisor",
    "Agent",
    "Allocator",
    "Appended",
    "ApprovedOrder",
    "AssetClass",
    "Bar",
    "Bars",
    "Broker",
    "BrokerError",
    "CashKind",
    "CashMovement",
    "Check",
    "Checked",
    "Clock",
    "Command",
    "CommandKind",
    "CommandSource",
    "Composer",
    "ConfigError",
    "CorporateAction",
    "CostModel",
    "Costs",
    "DataError",
    "DataProviderError",
    "Distance",
    "DistanceUnit",
    "EngineError",
    "Event",
    "ExecutionError",
    "Feed",
    "Fill",
    "Finding",
    "Gate",
    "Halt",
    "InconsistentDataError",
    "InputError",
    "Instant",
    "Instrument",
    "InvariantError",
    "Journal",
    "MissingDataError",
    "ModelError",
    "NotFittedError",
    "Notifier",
    "Number",
    "Opinion",
    "OptionKind",
    "Order",
    "OrderStatus",
    "OrderType",
    "OrderUpdate",
    "OrderValidationError",
    "Payload",
    "Portfolio",
    "PortfolioUpdateError",
    "Position",
    "Protection",
    "Provenance",
    "Provider",
    "ReconciliationError",
    "Refusal",
    "Regime",
    "RegimeModel",
    "Report",
    "Reporter",
    "RiskHaltError",
    "RiskRule",
    "SeriesInfo",
    "SeriesKey",
    "Severity",
    "Signal",
    "SignalStrategy",
    "Slice",
    "SolverError",
    "StaleDataError",
    "Store",
    "Strategy",
    "TargetWeights",
    "TimeInForce",
    "TradewrightError",
    "TradingState",
    "TransientBrokerError",
    "TrialLedger",
    "View",
    "WeightStrategy",
    "asset_class_of",
    "closest",
    "floor_lot",
    "floor_units",
    "from_units",
    "instant_ns",
    "mul",
    "mul_div",
    "to_units",
    "utc",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        from .errors import closest

        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{closest(name, _MODULE_OF)}")
    value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
