"""Honest fill bands: what a result would be if the unknown order of high and low had been kind, fair or unkind.

Entry points: `Bands`, `bands_of`.

Invariants: the three runs differ in nothing but the rule inside bars; decisions are the same arrays (a callback
strategy is run anew, because what it sees depends on its fills).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tradewright.engine.prepared import spec_of

if TYPE_CHECKING:
    from tradewright.engine.decisions import Decisions
    from tradewright.engine.prepared import Prepared
    from tradewright.kernel import core

__all__ = ["RULES", "Bands", "bands_of"]

RULES: Final = ("pessimistic", "expected", "optimistic")


@dataclass(frozen=True, slots=True)
class Bands:
    """Statistics under the three rules inside bars.

    Parameters
    ----------
    pessimistic, expected, optimistic : mapping of str to float or None
        Statistics of the run under each rule.
    n_order_dependent : int
        Closed trades of the pessimistic run whose outcome depends on the unknown order.
    n_trades : int
        Closed trades of the pessimistic run.
    """

    pessimistic: Mapping[str, float | None]
    expected: Mapping[str, float | None]
    optimistic: Mapping[str, float | None]
    n_order_dependent: int
    n_trades: int

    @property
    def spread(self) -> float:
        """Total return of the optimistic run less the pessimistic one: how much these bars do not tell."""
        return float(self.optimistic["total_return"] or 0.0) - float(self.pessimistic["total_return"] or 0.0)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "pessimistic": dict(self.pessimistic),
            "expected": dict(self.expected),
            "optimistic": dict(self.optimistic),
            "n_order_dependent": self.n_order_dependent,
            "n_trades": self.n_trades,
            "spread": self.spread,
        }


def bands_of(prepared: Prepared, decisions: Decisions, run: core.Run) -> Bands:
    """Run the engine under the rules that `run` did not use and put the three side by side.

    Parameters
    ----------
    prepared : Prepared
    decisions : Decisions
    run : core.Run
        Made under ``prepared.settings.intrabar``.
    """
    runs: dict[str, core.Run] = {prepared.settings.intrabar: run}
    for rule in RULES:
        if rule not in runs:
            settings = replace(prepared.settings, intrabar=rule)
            spec = spec_of(prepared.bars, settings, prepared.periods_per_year)
            runs[rule] = decisions.run(prepared.market, spec, prepared.bars)
    trades = runs["pessimistic"].trades
    closed = trades["exit_bar"] >= 0
    values = {rule: {name: _defined(value) for name, value in runs[rule].stats.items()} for rule in RULES}
    return Bands(
        **values,
        n_order_dependent=int((trades["ambiguous"][closed] != 0).sum()),
        n_trades=int(closed.sum()),
    )


def _defined(value: float) -> float | None:
    return float(value) if value - value == 0.0 else None
