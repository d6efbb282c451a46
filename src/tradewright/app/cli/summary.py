"""Results as people read them in a terminal.

Entry points: `print_result`, `print_sweep`.

Invariants: the same numbers as the JSON, rounded; undefined ones are a dash; warnings stand above the numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tradewright.engine.record import sparkline
from tradewright.measures.catalogue import MEASURES

if TYPE_CHECKING:
    from tradewright.engine.evidence import Evidence
    from tradewright.engine.result import Result
    from tradewright.engine.sweep import SweepResult

__all__ = ["print_result", "print_sweep"]

_LEFT: Final = ("total_return", "cagr", "volatility", "max_drawdown", "exposure", "final_equity", "total_costs")
_RIGHT: Final = ("sharpe", "sortino", "calmar", "n_trades", "win_rate", "profit_factor", "avg_trade")
_RELATIVE: Final = ("benchmark_return", "excess_return", "alpha", "beta")


def print_result(result: Result, console: Console | None = None) -> None:
    """Print a summary of a backtest."""
    out = console or Console(highlight=False)
    stats = result.stats
    names = ", ".join(result.symbols[:4]) + (f" and {len(result.symbols) - 4} more" if len(result.symbols) > 4 else "")
    params = ", ".join(f"{key}={value}" for key, value in result.params.items())
    title = Text(result.strategy_name, style="bold")
    title.append(f"({params})" if params else "", style="dim")
    title.append(f"  {names}")
    out.print(title)
    out.print(Text(f"{stats['start']} to {stats['end']}, {stats['n_bars']:,} bars", style="dim"))
    for warning in result.warnings:
        loud = warning in result.stamps
        out.print(Text(f"! {warning}", style="bold yellow" if loud else "yellow"))
    final = stats["final_equity"]
    colour = "green" if final >= result.initial_capital else "red"
    line = sparkline(result.equity, min(76, max(20, out.width - 4)))
    if _writable(line, out):
        out.print(Text(line, style=colour))
    table = RichTable(show_header=False, box=None, padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(style="dim")
        table.add_column(justify="right")
    for left, right in zip(_LEFT, _RIGHT, strict=True):
        table.add_row(_label(left), _value(left, stats[left]), _label(right), _value(right, stats[right]))
    if result.benchmark is not None:
        for left, right in zip(_RELATIVE[::2], _RELATIVE[1::2], strict=True):
            table.add_row(_label(left), _value(left, stats[left]), _label(right), _value(right, stats[right]))
    out.print(table)
    if stats["max_drawdown_peak"] is not None:
        recovered = stats["max_drawdown_recovery"]
        end = f"recovered {recovered}" if recovered else "not recovered"
        out.print(
            Text(
                f"Deepest drawdown from {stats['max_drawdown_peak']}, bottom {stats['max_drawdown_trough']}, {end}",
                style="dim",
            )
        )
    bands = result.bands
    if bands is not None and bands.n_trades:
        low, high = bands.low, bands.high
        out.print(
            Text(
                f"Fill band {_value('total_return', low)} to {_value('total_return', high)}: "
                f"{bands.n_order_dependent} of "
                f"{bands.n_trades} trades depend on the unknown order inside a bar",
                style="dim",
            )
        )
    _print_evidence(result.evidence, out)
    out.print(Text(f"Costs: {result.conventions['costs']}. Fill: {result.conventions['fill']}.", style="dim"))


def print_sweep(result: SweepResult, top: int, console: Console | None = None) -> None:
    """Print the best sets of a sweep."""
    out = console or Console(highlight=False)
    title = Text(result.strategy_name, style="bold")
    title.append(f"  {', '.join(result.symbols[:4])}  {len(result):,} sets by {result.metric}")
    out.print(title)
    if result.grid.dropped:
        out.print(Text(f"{result.grid.dropped:,} combinations were taken out by conditions", style="dim"))
    if result.resumed:
        out.print(Text(f"{result.resumed:,} sets came from the resume file", style="dim"))
    for warning in result.warnings:
        out.print(Text(f"! {warning}", style="yellow"))
    shown = list(
        dict.fromkeys([result.metric, "total_return", "cagr", "sharpe", "max_drawdown", "n_trades", "win_rate"])
    )
    table = RichTable(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in result.grid.names:
        table.add_column(name, justify="right")
    for name in shown:
        table.add_column(_label(name), justify="right", style="bold" if name == result.metric else "")
    for row in result.top(top):
        table.add_row(*(str(row["params"][name]) for name in result.grid.names), *(_value(n, row[n]) for n in shown))
    out.print(table)
    _print_evidence(result.evidence, out, "Best Sharpe ratio: ")


def _print_evidence(evidence: Evidence, out: Console, before: str = "") -> None:
    """What stands behind a result; loud when nothing was counted."""
    style = "bold yellow" if not evidence["counted"] else ("green" if evidence["significant"] else "yellow")
    sentence = evidence.sentence
    out.print(Text(f"{before}{sentence[:1].upper() if not before else sentence[:1]}{sentence[1:]}.", style=style))


def _writable(text: str, console: Console) -> bool:
    """Whether the terminal has these characters at all; a line of question marks tells nothing."""
    try:
        text.encode(getattr(console.file, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _label(name: str) -> str:
    measure = MEASURES.get(name)
    return name if measure is None else measure.label


def _value(name: str, value: Any) -> str:
    if value is None:
        return "-"
    measure = MEASURES.get(name)
    unit = "ratio" if measure is None else measure.unit
    if unit == "fraction":
        return f"{value * 100:,.2f} %"
    if unit == "money":
        return f"{value:,.2f}"
    if unit in {"count", "bars"}:
        return f"{int(value):,}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
