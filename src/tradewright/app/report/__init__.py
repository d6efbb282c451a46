"""The HTML report: one self-contained file that a person wants to look at, and charts for notebooks.

Entry points: `render`, `write` and `plot` for a backtest, `render_heatmap` and `write_heatmap` for a sweep.

Invariants: a page asks the network for nothing, needs no other file, and is the same bytes for the same result; what
comes from data is escaped. The engine reaches these functions through `tradewright.engine.hooks`, so nothing here is
imported before a report is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewright.engine.result import Result
    from tradewright.engine.sweep import SweepResult

__all__ = ["plot", "render", "render_heatmap", "write", "write_heatmap"]


def render(result: Result, *, benchmark: Any = None, title: str | None = None) -> str:
    """Report of a backtest as one HTML document.

    Parameters
    ----------
    result : Result
        From `tradewright.backtest`.
    benchmark : str, Bars, array-like or False, optional
        What to compare with: ``"buy_and_hold"``, one of the run's symbols, bars of one instrument, or one price a bar.
        Default: the benchmark of the run, or buying and holding its instruments. False: no comparison.
    title : str, optional
        Default: name of the strategy and its symbols.

    Returns
    -------
    str
        About 5 MB, nearly all of it the chart library.

    Raises
    ------
    ConfigError
        If plotly is not installed (extra ``report``).

    Examples
    --------
    >>> import tradewright as tw
    >>> prices = [100.0, 101.0, 99.0, 104.0]
    >>> result = tw.backtest({"close": prices}, "buy_and_hold", no_costs=True)
    >>> page = render(result, title="A <first> report")
    >>> page[:15], "<title>A &lt;first&gt; report</title>" in page, "NO COSTS" in page
    ('<!doctype html>', True, True)
    """
    from .page import page
    from .view import view_of

    return page(view_of(result, benchmark=benchmark, title=title))


def write(result: Result, path: str | Path = "report.html", *, benchmark: Any = None, title: str | None = None) -> Path:
    """Write the report of a backtest to a file, at once or not at all.

    Parameters
    ----------
    result : Result
        From `tradewright.backtest`.
    path : str or Path
        Folders on the way are made.
    benchmark, title
        See `render`.

    Returns
    -------
    Path
        Of the file.
    """
    return _save(render(result, benchmark=benchmark, title=title), path)


def plot(result: Result, *, benchmark: Any = None, dark: bool = False) -> Any:
    """Equity, drawdown and price with trades as a plotly figure for notebooks.

    Parameters
    ----------
    result : Result
        From `tradewright.backtest`.
    benchmark : str, Bars, array-like or False, optional
        See `render`.
    dark : bool
        Colours for a dark page.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    from .figures import notebook_figure
    from .theme import DARK, LIGHT, paint
    from .view import view_of

    colours = DARK if dark else LIGHT
    spec = paint(notebook_figure(view_of(result, benchmark=benchmark)), colours)
    layout = spec["layout"] | {"height": spec["height"], "paper_bgcolor": colours["bg"], "plot_bgcolor": colours["bg"]}
    for name in [name for name in layout if name.startswith(("xaxis", "yaxis"))]:
        if layout[name].get("type") == "date":
            layout[name].pop("rangebreaks", None)
    figure = go.Figure(data=[_dated(trace) for trace in spec["data"]], layout=layout)
    figure.update_layout(margin={"l": 16, "r": 16, "t": 24, "b": 16})
    return figure


def render_heatmap(sweep: SweepResult, *, title: str | None = None) -> str:
    """Heat map and table of a sweep as one HTML document.

    Parameters
    ----------
    sweep : SweepResult
        From `tradewright.sweep`.
    title : str, optional
        Default: name of the strategy.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        If plotly is not installed (extra ``report``).
    """
    from .heatmap import page

    return page(sweep, title=title)


def write_heatmap(sweep: SweepResult, path: str | Path = "sweep.html", *, title: str | None = None) -> Path:
    """Write the heat map of a sweep to a file and return its path; see `render_heatmap`."""
    return _save(render_heatmap(sweep, title=title), path)


def _dated(trace: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    if isinstance(trace.get("x"), np.ndarray):
        return trace | {"x": trace["x"].astype("datetime64[ms]")}
    return trace


def _save(text: str, path: str | Path) -> Path:
    from tradewright.engine.record import write_atomic

    return write_atomic(Path(path), text.encode("utf-8"))
