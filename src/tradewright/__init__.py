"""Research, backtest, optimise, paper trade and trade live with one code path.

    import tradewright as tw
    bars = tw.load("SPX")
    result = tw.backtest(bars, "sma_cross", params={"fast": 20, "slow": 100})
    print(result)

Every name below is loaded when it is first asked for, so importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.data.service import load
    from tradewright.domain.bars import Bars, Provenance
    from tradewright.domain.instrument import AssetClass, Instrument
    from tradewright.engine.backtest import backtest
    from tradewright.engine.costs import CostSettings
    from tradewright.engine.known_today import as_known_today
    from tradewright.engine.lookahead import Certificate, check_lookahead
    from tradewright.engine.result import Result
    from tradewright.engine.sweep import SweepResult, sweep
    from tradewright.engine.trials import FileTrialLedger, MemoryTrialLedger, trial_ledger, use_ledger
    from tradewright.engine.verify import verify
    from tradewright.features import indicators, labels
    from tradewright.measures.summary import Measured, measure
    from tradewright.strategies.base import CompiledRule, Strategy
    from tradewright.strategies.registry import list_strategies, make_strategy

__version__ = "0.1.0"

__all__ = [
    "AssetClass",
    "Bars",
    "Certificate",
    "CompiledRule",
    "CostSettings",
    "FileTrialLedger",
    "Instrument",
    "Measured",
    "MemoryTrialLedger",
    "Provenance",
    "Result",
    "Strategy",
    "SweepResult",
    "__version__",
    "as_known_today",
    "backtest",
    "check_lookahead",
    "indicators",
    "labels",
    "list_strategies",
    "load",
    "make_strategy",
    "measure",
    "sweep",
    "trial_ledger",
    "use_ledger",
    "verify",
]

_HOME = {
    "data.service": ("load",),
    "domain.bars": ("Bars", "Provenance"),
    "domain.instrument": ("AssetClass", "Instrument"),
    "engine.backtest": ("backtest",),
    "engine.costs": ("CostSettings",),
    "engine.known_today": ("as_known_today",),
    "engine.lookahead": ("Certificate", "check_lookahead"),
    "engine.result": ("Result",),
    "engine.sweep": ("SweepResult", "sweep"),
    "engine.trials": ("FileTrialLedger", "MemoryTrialLedger", "trial_ledger", "use_ledger"),
    "engine.verify": ("verify",),
    "measures.summary": ("Measured", "measure"),
    "features": ("indicators", "labels"),
    "strategies.base": ("CompiledRule", "Strategy"),
    "strategies.registry": ("list_strategies", "make_strategy"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{module}", __name__), name)
    globals()[name] = value  # the next look-up is a plain attribute
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
