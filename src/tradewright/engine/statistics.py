"""The statistics block of a result.

Entry points: `Statistics`, `check_plausible`.

Invariants: the numbers that every run has come from the engine and are there at once; those that need the equity
curve's dates, the cash flows or a benchmark are computed when first asked for; what is not defined is None and says
why. What depends on the ledger of trials (the deflated Sharpe ratio) can be asked for by name, but is not among the
items, which are the same for the same input.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.errors import InputError, InvariantError, closest

if TYPE_CHECKING:
    from tradewright.engine.result import Result

__all__ = ["LARGEST_RETURN", "Statistics", "check_plausible"]

LARGEST_RETURN: Final = 1e6
"""A total return beyond this (a hundred million percent) is taken for a mistake, not for a success."""

EVIDENCE: Final = {
    "probabilistic_sharpe": "probabilistic_sharpe",
    "deflated_sharpe": "deflated_sharpe",
    "n_trials_behind": "n_trials",
    "effective_trials": "effective_trials",
    "expected_best_by_luck": "expected_best_by_luck",
    "min_track_record": "min_track_record",
}
"""Names that are answered from the evidence: they depend on the ledger of trials, so they are not among the items."""

_ALWAYS_FINITE: Final = ("final_equity", "total_return", "max_drawdown", "exposure", "fees", "slippage")


class Statistics(Mapping[str, Any]):
    """Statistics by name: numbers, ISO dates, or None where a number is not defined.

    Examples
    --------
    >>> import tradewright as tw
    >>> result = tw.backtest({"close": [10.0, 11.0, 12.0]}, "buy_and_hold", no_costs=True)
    >>> round(result.stats["total_return"], 4), result.stats["win_rate"], result.stats.reason("win_rate")
    (0.0909, None, 'no trade was closed')
    """

    __slots__ = ("_core", "_full", "_result")

    def __init__(self, result: Result, core_stats: Mapping[str, float]) -> None:
        self._result = result
        self._core = core_stats
        self._full: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        value = self._core.get(name)
        if value is not None and name not in _COUNTS:
            return value if value - value == 0.0 else None
        full = self._values()
        if name in EVIDENCE:
            return self._result.evidence[EVIDENCE[name]]
        try:
            return full[name]
        except KeyError:
            hint = closest(name, full) or "."
            raise InputError(f"There is no statistic {name!r}{hint} Known: {', '.join(full)}.") from None

    def __contains__(self, name: object) -> bool:
        return name in EVIDENCE or name in self._values()

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())

    def convention(self, name: str) -> str:
        """How a statistic is computed, in one sentence."""
        from tradewright.engine.conventions import convention_of

        if name in EVIDENCE:
            from tradewright.engine.evidence import CONVENTIONS

            return CONVENTIONS[EVIDENCE[name]]
        if name not in self._values():
            self[name]  # raises, with the nearest names
        return convention_of(name)

    def reason(self, name: str) -> str:
        """Why a statistic is None; empty when it has a value."""
        from tradewright.engine.conventions import undefined_reason

        return "" if self[name] is not None else undefined_reason(name, self._values())

    def undefined(self) -> dict[str, str]:
        """Every statistic without a value, with the reason."""
        from tradewright.engine.conventions import undefined_reason

        return {name: undefined_reason(name, self._values()) for name, value in self._values().items() if value is None}

    def as_dict(self) -> dict[str, Any]:
        """Plain values by name."""
        return dict(self._values())

    def __repr__(self) -> str:
        width = max(map(len, self))
        return "\n".join(f"{name:<{width}}  {'-' if value is None else _text(value)}" for name, value in self.items())

    def _values(self) -> dict[str, Any]:
        if self._full is None:
            self._full = _complete(self._result, self._core)
        return self._full


_COUNTS: Final = frozenset({"n_trades", "max_drawdown_bars"})


def check_plausible(stats: Mapping[str, float], n_bars: int) -> None:
    """Fail a run whose headline numbers cannot be true.

    Raises
    ------
    InvariantError
        If a number that is always defined is not finite, or the return is beyond `LARGEST_RETURN`.
    """
    for name in _ALWAYS_FINITE:
        value = stats[name]
        if value - value != 0.0:
            raise InvariantError(
                f"{name} of this run is {value}, which cannot be; check the data near extreme prices, and report "
                "it as a "
                "bug with the data if they are right."
            )
    if n_bars > 2 and not math.isfinite(stats["volatility"]):
        raise InvariantError(
            f"Volatility of this run is {stats['volatility']}: the equity curve holds a value that is no number."
        )
    if stats["total_return"] > LARGEST_RETURN or stats["total_return"] < -LARGEST_RETURN:
        raise InvariantError(
            f"The total return of this run is {stats['total_return']:.4g} (limit {LARGEST_RETURN:.0e}); such a number "
            "comes from bad prices or a strategy that sees the future. Check the data (tradewright data check) "
            "and the strategy."
        )
    if stats["max_drawdown"] > 0.0:
        raise InvariantError(
            f"The maximum drawdown of this run is {stats['max_drawdown']}; it must be zero or negative."
        )


def _complete(result: Result, core_stats: Mapping[str, float]) -> dict[str, Any]:
    run, bars = result.run, result.bars
    initial = result.settings.initial_capital
    labels = result.labels
    out: dict[str, Any] = {
        "start": labels(0),
        "end": labels(bars.n_bars - 1),
        "n_bars": bars.n_bars,
        "years": bars.n_bars / result.periods_per_year,
        "initial_capital": initial,
    }
    for name, value in core_stats.items():
        if not math.isfinite(value):
            out[name] = None
        else:
            out[name] = int(value) if name in _COUNTS else float(value)
        if name == "max_drawdown":
            out.update(_drawdown_dates(np.asarray(run.equity), initial, labels))
    flows = run.cash_flows
    kinds = np.asarray(flows["kind"]).astype(str)
    amounts = np.asarray(flows["amount"], dtype=np.float64)

    def paid(*names: str) -> float:
        return float(amounts[np.isin(kinds, names)].sum()) + 0.0 if amounts.size else 0.0

    borrow, funding = -paid("borrow") + 0.0, -paid("funding") + 0.0
    trades = run.trades
    closed = np.asarray(trades["exit_bar"]) >= 0
    statuses = list(_statuses())
    refused = int((np.asarray(run.orders["status"]) == statuses.index("refused")).sum())
    out.update(
        borrow=borrow,
        funding=funding,
        interest=paid("interest"),
        dividends=paid("dividend"),
        total_costs=float(core_stats["fees"] + core_stats["slippage"] + borrow + max(funding, 0.0)),
        n_orders=len(run.orders["id"]),
        n_fills=len(run.fills["order"]),
        n_refused=max(refused, int(sum(run.refusals.values()))),
        n_order_dependent=int(np.asarray(trades["ambiguous"])[closed].astype(bool).sum()),
        open_positions=int((~closed).sum()),
    )
    benchmark = result.benchmark
    if benchmark is not None:
        out.update(_relative(result, benchmark))
    return out


def _statuses() -> tuple[str, ...]:
    from tradewright.kernel import core

    return core.STATUSES


def _drawdown_dates(equity: np.ndarray[Any, Any], initial: float, labels: Any) -> dict[str, Any]:
    names = ("max_drawdown_peak", "max_drawdown_trough", "max_drawdown_recovery", "max_drawdown_length")
    if equity.size == 0:
        return dict.fromkeys(names)
    peak = np.maximum(np.maximum.accumulate(equity), initial)
    below = equity / peak - 1.0
    trough = int(below.argmin())
    if below[trough] >= 0.0:
        return dict.fromkeys(names)
    level = peak[trough]
    before = np.flatnonzero(equity[: trough + 1] == level)
    start = int(before[-1]) if before.size else -1  # -1: the initial capital is the peak
    after = np.flatnonzero(equity[trough:] >= level)
    end = trough + int(after[0]) if after.size else None
    return {
        "max_drawdown_peak": labels(max(start, 0)),
        "max_drawdown_trough": labels(trough),
        "max_drawdown_recovery": None if end is None else labels(end),
        "max_drawdown_length": (equity.size - 1 if end is None else end) - start,
    }


def _relative(result: Result, benchmark: np.ndarray[Any, Any]) -> dict[str, Any]:
    from tradewright.measures.performance import returns
    from tradewright.measures.relative import relative

    initial = result.settings.initial_capital
    own = returns(result.equity, initial=initial)
    other = returns(benchmark, initial=initial)
    found = relative(own, other, periods_per_year=result.periods_per_year, risk_free=result.settings.risk_free)
    held = float(benchmark[-1] / initial - 1.0)
    values = {
        "benchmark_return": held,
        "excess_return": float(result.equity[-1] / initial - 1.0) - held,
        "alpha": found.alpha,
        "beta": found.beta,
        "correlation": found.correlation,
        "tracking_error": found.tracking_error,
        "information_ratio": found.information_ratio,
    }
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _text(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
