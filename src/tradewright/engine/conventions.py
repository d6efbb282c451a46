"""Which conventions a result was made under, in words.

Entry points: `conventions_of`, `convention_of`, `undefined_reason`, `stamps_of`.

Invariants: every sentence follows from the settings and the bars of the run, so two results with equal conventions
were computed the same way; a stamp is something that a reader must know before believing the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from tradewright.engine.universe import universe_facts
from tradewright.measures.catalogue import MEASURES

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars
    from tradewright.engine.settings import Settings

__all__ = ["convention_of", "conventions_of", "stamps_of", "undefined_reason"]

_FILL: Final = {
    "next_open": "decided at the close of a bar, market orders fill at the open of the next",
    "next_close": "decided at the close of a bar, market orders fill at the close of the next",
    "same_close": "decided and filled at the same close, which nobody can do exactly",
}
_INTRABAR: Final = {
    "pessimistic": "inside a bar the side that hurts the position comes first; a gap through a stop fills at the open",
    "expected": "inside a bar the extreme nearer to the open comes first; a gap through a stop fills at the open",
    "optimistic": "inside a bar the side that helps the position comes first; a gap through a stop fills at the open",
}
_SIZE: Final = {
    "fraction": "of equity",
    "quantity": "units",
    "value": "of money",
    "risk": "of equity lost if the stop is hit",
}
_NO_TRADES: Final = frozenset(
    {"win_rate", "profit_factor", "expectancy", "avg_trade", "best_trade", "worst_trade", "sqn", "kelly"}
)


def convention_of(name: str) -> str:
    """How a statistic is computed; empty for an unknown name.

    Examples
    --------
    >>> convention_of("n_fills")
    'Executions.'
    """
    measure = MEASURES.get(name)
    return "" if measure is None else measure.convention


def undefined_reason(name: str, stats: Mapping[str, Any]) -> str:
    """Why a statistic has no value in this run.

    Parameters
    ----------
    name : str
    stats : mapping
        The statistics that are defined, at least ``n_trades``.
    """
    trades = int(stats.get("n_trades") or 0)
    if name in _NO_TRADES:
        if trades == 0:
            return "no trade was closed"
        if name == "sqn":
            return "fewer than two closed trades, or all with the same profit"
        if name == "profit_factor":
            return "no closed trade lost money"
        if name == "kelly":
            return "it needs a winning and a losing trade"
        return "no trade was closed"
    if name in {"sharpe", "sortino", "calmar", "volatility"}:
        if name == "calmar":
            return "there was no drawdown"
        if name == "sortino":
            return "no return was below the risk-free rate"
        return "equity did not change" if trades == 0 else "returns do not vary"
    if name == "cagr":
        return "final equity is not positive"
    if name == "max_drawdown_recovery":
        return "the peak was not reached again" if stats.get("max_drawdown") else "there was no drawdown"
    if name in {"max_drawdown_peak", "max_drawdown_trough", "max_drawdown_length"}:
        return "there was no drawdown"
    return "not defined for these numbers"


def conventions_of(
    bars: Bars, settings: Settings, periods: float, reason: str, *, on_adjusted: bool = False
) -> dict[str, str]:
    """Return every convention of a run, by topic.

    Returns
    -------
    dict of str to str
        In the order in which a report shows them.
    """
    s = settings
    n = bars.n_assets
    size = f"{s.size:g}" if s.size is not None else ("1" if n == 1 else f"1/{n} (split evenly over {n} instruments)")
    basis = "fill" if s.size_basis == "fill" else "decision"
    return {
        "fill": _FILL[s.fill],
        "intrabar": _INTRABAR[s.intrabar],
        **_actions(bars, on_adjusted=on_adjusted),
        **_universe(bars),
        "size": f"{size} {_SIZE[s.size_mode]}, resolved at the {basis} price, costs within",
        "lot": "each instrument's own step"
        if s.lot is None
        else ("fractional" if s.lot == 0.0 else f"multiples of {s.lot:g}"),
        "cash": (
            "an entry that cash cannot pay is made smaller"
            if s.on_short_cash == "resize"
            else "an entry that cash cannot pay is refused"
        )
        + (f"; leverage {s.leverage:g}" if s.leverage != 1.0 else "; no leverage"),
        "shorts": "allowed" if s.allow_short else "refused",
        "costs": s.costs.describe(),
        "last_bar": "open positions are closed at the last close"
        if s.close_last
        else "open positions stay and count at the mark",
        "protection": _protection(s),
        "limits": _limits(s),
        "periods_per_year": f"{periods:g}: {reason}",
        "returns": "simple; the first bar's return is against the initial capital",
        "ddof": "1 (sample standard deviation)",
        "risk_free": f"{s.risk_free:g} a year, simple, subtracted per bar",
        "drawdown": "from the running peak of closing equity, which starts at the initial capital",
        "trades": "one per fill that reduces a position, at average cost, net of fees; statistics count closed ones",
        "time": "a bar is stamped with the instant of its close, UTC",
    }


def stamps_of(bars: Bars, settings: Settings, *, validated: bool, repaired: int = 0) -> list[str]:
    """Return what a reader must know before believing the numbers, worst first.

    Parameters
    ----------
    bars : Bars
    settings : Settings
    validated : bool
        False when the data was not judged in this run.
    repaired : int
        Rows that the checks took out.
    """
    from tradewright.data.sanity import UNCHECKED_NOTE

    stamps: list[str] = []
    provenance = bars.provenance
    if provenance.synthetic:
        stamps.append("synthetic data: prices were generated, not observed")
    if settings.costs.is_free:
        stamps.append("no costs: every trade was free")
    if settings.fill == "same_close":
        stamps.append("same-close fills: orders fill at the price that caused them")
    if not validated or any(note.startswith(UNCHECKED_NOTE[:9]) for note in provenance.notes):
        stamps.append("unchecked data: the sanity rules were switched off")
    if repaired:
        stamps.append(f"repaired data: {repaired:,} bad row{'s were' if repaired > 1 else ' was'} taken out")
    if settings.intrabar == "optimistic":
        stamps.append("optimistic inside bars: unknown order of high and low resolved in favour of the strategy")
    universe = universe_facts(bars)
    if universe and not universe["dated"]:
        stamps.append(f"not point-in-time: the universe {universe['name']} has no dates")
    elif universe and universe["survivors"]:
        stamps.append(f"survivorship: nobody ever leaves the universe {universe['name']}; it may be today's list")
    elif not universe and bars.n_assets > 1:
        stamps.append("not point-in-time: the instruments were chosen with today's knowledge")
    stamps += [note for note in provenance.notes if note.startswith("survivorship: ")]
    return stamps


def _universe(bars: Bars) -> dict[str, str]:
    """Who may be traded when; nothing where bars have no universe."""
    facts = universe_facts(bars)
    if not facts:
        return {}
    if not facts["dated"]:
        return {"universe": f"{facts['name']}: a list without dates, chosen with today's knowledge"}
    return {
        "universe": f"{facts['name']}: point-in-time, {facts['n_ever']} that ever were members, {facts['n_first']} at "
        f"the first bar and {facts['n_last']} at the last; who is no member at the session of a bar is flat from the "
        "next fill on; instruments that are not in it are not restricted; entries by signal without a size use 1 / "
        "members"
    }


def _actions(bars: Bars, *, on_adjusted: bool) -> dict[str, str]:
    """How corporate actions were treated; nothing where there are none."""
    kinds = {str(action.kind) for action in bars.actions}
    told = {
        "split": "splits change positions, open orders and stops",
        "dividend": "dividends are cash, paid by shorts, and lower resting buy limits, sell stops and sell trails",
        "spin_off": "spin-offs deliver shares with a part of the cost by worth, and lower orders like dividends",
        "merger": "a merger carries position and cost over, pays cash and fractions, and cancels orders of the target",
        "delisting": "a delisting cancels orders and pays positions out",
    }
    if not kinds & set(told):
        return {}
    out = {"corporate_actions": "; ".join(text for kind, text in told.items() if kind in kinds)}
    if kinds & {"split", "dividend", "spin_off"}:
        out["decide_on"] = (
            "decisions see prices adjusted forward for splits and dividends (1 - dividend / previous close), which "
            "later actions never change; fills are at raw prices"
            if on_adjusted
            else "decisions and fills are at raw prices"
        )
    return out


def _protection(s: Settings) -> str:
    units = {"fraction": "of the fill price", "amount": "in price", "atr": f"x ATR({s.atr_window})"}
    parts = [
        f"{name} {getattr(s, name):g} {units[getattr(s, name + '_kind')]}"
        for name in ("stop", "target", "trail")
        if getattr(s, name) is not None
    ]
    text = ", ".join(parts) if parts else "none"
    return text + (f"; no entry for {s.cooldown} bars after a protective exit" if s.cooldown else "")


def _limits(s: Settings) -> str:
    names = {
        "max_position": "position",
        "max_gross": "gross exposure",
        "daily_loss": "daily loss",
        "max_drawdown": "drawdown",
    }
    parts = [f"{label} {getattr(s, name):g} of equity" for name, label in names.items() if getattr(s, name)]
    if s.volume_share:
        parts.append(f"{s.volume_share:g} of a bar's volume")
    if s.daily_loss or s.max_drawdown:
        parts.append("a halt " + ("blocks entries" if s.on_halt == "block" else "closes everything"))
    return ", ".join(parts) if parts else "none"
