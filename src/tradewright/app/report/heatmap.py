"""The page of a sweep: heat map over two parameters, what luck explains, the best sets.

Entry points: `page`.

Invariants: the number of trials and what the best of them would be by luck stand above the picture; blue is better for
every metric; of sets that share both shown parameters the best is drawn, which the page says.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from tradewright import measures

from .page import document
from .payload import Store
from .sections import stat_text
from .text import UNDEFINED, count, esc, fraction, number, ratio, table, tag, value_text
from .theme import axis, base_layout
from .view import pretty_name

if TYPE_CHECKING:
    from tradewright.engine.sweep import SweepResult

__all__ = ["page"]

F64 = npt.NDArray[np.float64]

METRICS: Final = (
    "sharpe",
    "total_return",
    "cagr",
    "max_drawdown",
    "sortino",
    "calmar",
    "volatility",
    "n_trades",
    "win_rate",
    "profit_factor",
    "turnover",
)
COLUMNS: Final = ("sharpe", "cagr", "total_return", "max_drawdown", "volatility", "n_trades", "win_rate", "turnover")
CELLS: Final = 1_500_000
"""Values of all pictures of a page together; with more, fewer metrics and pairs can be chosen."""
TOP: Final = 50


def page(sweep: SweepResult, *, title: str | None = None) -> str:
    """Heat map page as one HTML document.

    Parameters
    ----------
    sweep : SweepResult
        From `tradewright.sweep`.
    title : str, optional
        Default: name of the strategy and its symbols.
    """
    name = title or f"{pretty_name(sweep.strategy_name)}, {sweep.n_trials:,} parameter sets"
    store = Store()
    pictures = _pictures(sweep)
    payload: dict[str, Any] = {
        "pictures": [store.pack(picture) for picture in pictures],
        "layout": base_layout()
        | {
            "hovermode": "closest",
            "xaxis": axis(type="category", showgrid=False),
            "yaxis": axis(type="category", showgrid=False),
        },
    }
    payload["arrays"] = store.arrays
    body = [_hero(sweep, name, pictures), _map(sweep, pictures), _best(sweep), _foot()]
    links = [("map", "Map"), ("best", "Best sets")]
    return document(name, "".join(body), payload, links=links, script="heatmap.js")


def _pictures(sweep: SweepResult) -> list[dict[str, Any]]:
    """One matrix for each metric and pair of parameters, the sweep's own first, as many as fit."""
    from tradewright.engine.sweep import LOWER_IS_BETTER

    axes = sweep.grid.axes
    wide = [name for name, values in axes.items() if len(values) > 1] or list(axes)
    pairs = list(combinations(wide, 2)) or [(wide[0], wide[0])]
    metrics = [sweep.metric, *(metric for metric in METRICS if metric != sweep.metric)]
    found: list[dict[str, Any]] = []
    cells = 0
    for metric in metrics:
        for x, y in pairs:
            size = len(axes[x]) * (len(axes[y]) if x != y else 1)
            if found and cells + size > CELLS:
                continue
            xs, ys, values = sweep.matrix(x, y, metric)
            if x == y:
                # One parameter alone: the matrix is a diagonal.
                values, ys = np.diagonal(values).reshape(1, -1).copy(), []
            if np.isnan(values).all():
                continue
            cells += size
            measure = measures.MEASURES.get(metric)
            found.append(
                {
                    "metric": metric,
                    "label": measure.label if measure else metric,
                    "percent": bool(measure and measure.unit == "fraction"),
                    "whole": bool(measure and measure.unit in {"count", "bars"}),
                    "lower": metric in LOWER_IS_BETTER,
                    "x": x,
                    "y": y if x != y else "",
                    "xs": [value_text(value) for value in xs],
                    "ys": [value_text(value) for value in ys],
                    "rows": values.shape[0],
                    "z": np.ascontiguousarray(values, dtype=np.float32).reshape(-1),
                }
            )
    return found


def _hero(sweep: SweepResult, name: str, pictures: list[dict[str, Any]]) -> str:
    luck = sweep.luck
    defined = bool(np.isfinite(sweep.values()).any())
    best = sweep.best() if defined else None
    measure = measures.MEASURES.get(sweep.metric)
    label = measure.label if measure else sweep.metric
    words = ", ".join(f"{key} {value_text(value)}" for key, value in best["params"].items()) if best else ""
    near = _neighbours(sweep) if pictures else None
    tiles = [
        (
            "Parameter sets tried",
            count(float(sweep.n_trials)),
            f"{sweep.resumed:,} from an earlier run" if sweep.resumed else "",
        ),
        (f"Best: {label}", stat_text(sweep.metric, best[sweep.metric]) if best else UNDEFINED, words),
        (
            "Its neighbours, median",
            stat_text(sweep.metric, near) if near is not None else UNDEFINED,
            "a lone peak is luck, a plateau may not be",
        ),
        (
            "Best Sharpe ratio by luck",
            number(luck["expected_best_by_luck"], 2),
            f"found: {ratio(luck['best_sharpe'])}",
        ),
        ("Profitable sets", fraction(float(np.mean(sweep.values("total_return") > 0.0))), "total return above zero"),
    ]
    cells = [
        tag(
            "div",
            tag("dt", esc(title)),
            tag("dd", tag("span", text, class_="big"), tag("span", esc(below) or "&nbsp;", class_="other")),
            class_="tile",
        )
        for title, text, below in tiles
    ]
    stamps = []
    for text in sweep.warnings:
        head, _, rest = text.partition(": ")
        stamps.append(
            tag(
                "li",
                tag("strong", esc(head.upper())),
                " ",
                tag("span", esc(f"{rest[:1].upper()}{rest[1:]}.")),
                class_="stamp warn",
            )
        )
    bars = sweep.prepared.bars
    facts = [
        ", ".join(sweep.symbols[:6]) + (f" and {len(sweep.symbols) - 6} more" if len(sweep.symbols) > 6 else ""),
        f"{bars.n_bars:,} bars",
        f"{bars.start:%Y-%m-%d} to {bars.end:%Y-%m-%d}",
        f"by {label}",
    ]
    return tag(
        "section",
        tag("p", "Parameter sweep", class_="eyebrow"),
        tag("h1", esc(name)),
        tag("p", "".join(tag("span", esc(fact)) for fact in facts), class_="facts"),
        tag("ul", *stamps, class_="stamps", aria_label="Warnings about this result") if stamps else "",
        tag("dl", *cells, class_="tiles five"),
        class_="hero",
        id="overview",
        aria_label="Overview",
    )


def _neighbours(sweep: SweepResult) -> float | None:
    """Median of the sweep's metric over the sets one step away from the best in any parameter."""
    values = sweep.values()
    if not np.isfinite(values).any():
        return None
    places = sweep.grid.positions()
    best = int(sweep.ranking()[0])
    distance = np.zeros(values.size)
    for column in places.values():
        distance = np.maximum(distance, np.abs(column - column[best]))
    near = values[(distance == 1) & np.isfinite(values)]
    return float(np.median(near)) if near.size else None


def _map(sweep: SweepResult, pictures: list[dict[str, Any]]) -> str:
    if not pictures:
        empty = tag("p", "No set has a defined metric: none of them traded enough.", class_="empty")
        return tag("section", tag("h2", "Map", id="map-title"), empty, id="map", aria_labelledby="map-title")
    labels = list(dict.fromkeys(picture["label"] for picture in pictures))
    pairs = list(dict.fromkeys((picture["x"], picture["y"]) for picture in pictures))
    chooser = "".join(tag("option", esc(label)) for label in labels)
    tools = f'<label>Colour <select id="metric">{chooser}</select></label>'
    if len(pairs) > 1:
        options = "".join(tag("option", esc(f"{x} and {y}"), value=f"{i}") for i, (x, y) in enumerate(pairs))
        tools += f'<label>Parameters <select id="pair">{options}</select></label>'
    lead = "The stronger the blue the better; the outlined cell is the best. Empty: nothing was tried or traded."
    if len(sweep.grid.axes) > 2:
        lead += " Of the sets that share both parameters the best is drawn."
    return tag(
        "section",
        tag("h2", "Map", id="map-title"),
        tag("p", lead, class_="lead"),
        tag("div", tools, class_="head"),
        tag(
            "div",
            class_="chart",
            id="chart-map",
            role="img",
            aria_label="Heat map; the table below has the best sets",
            style="height:560px",
        ),
        id="map",
        aria_labelledby="map-title",
    )


def _best(sweep: SweepResult) -> str:
    names = list(sweep.grid.names)
    shown = [sweep.metric, *(metric for metric in COLUMNS if metric != sweep.metric)]
    head = [("#", "n"), *((name, "n") for name in names)]
    head += [(measures.MEASURES[metric].label if metric in measures.MEASURES else metric, "n") for metric in shown]
    rows = []
    for place, row in enumerate(sweep.top(TOP), start=1):
        params = [esc(value_text(row["params"][name])) for name in names]
        rows.append((str(place), *params, *(stat_text(metric, row[metric]) for metric in shown)))
    return tag(
        "section",
        tag("h2", "Best sets", id="best-title"),
        tag("p", f"The first {min(TOP, sweep.n_trials)} of {sweep.n_trials:,}.", class_="lead"),
        table(head, rows, caption="Best parameter sets", class_="plain"),
        id="best",
        aria_labelledby="best-title",
    )


def _foot() -> str:
    from tradewright import __version__

    return tag(
        "footer",
        tag(
            "p",
            "Simulated results. The best of many trials on the same data is partly luck: confirm it on data that the "
            "search has not seen.",
        ),
        tag("p", f"Made by tradewright {esc(__version__)}. This file needs no network."),
    )
