"""Charts of a report as plain plotly specifications, colours as tokens.

Entry points: `equity_figure`, `rolling_figure`, `distribution_figure`, `exposure_figure`, and `notebook_figure`, which
joins equity, drawdown and price with its trades for `plot`.

Invariants: a specification holds arrays and plain values only, the same for page and notebook; long series are thinned
by `keep_shape` after drawdowns and windows were computed on every bar.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tradewright import measures

from .payload import keep_shape
from .text import fraction
from .theme import axis, base_layout
from .view import View

__all__ = [
    "distribution_figure",
    "equity_figure",
    "exposure_figure",
    "notebook_figure",
    "rolling_figure",
    "rolling_window",
]

F64 = npt.NDArray[np.float64]
POINTS: Final = 4_000
"""Points of a line beyond which it is thinned; twice the widest screen."""


def _time_axis(view: View, **changes: Any) -> dict[str, Any]:
    return axis(
        type="date",
        showgrid=False,
        hoverformat="%a %d %b %Y" if view.daily else "%a %d %b %Y %H:%M",
        rangebreaks=view.rangebreaks,
        **changes,
    )


def _line(name: str, x: Any, y: Any, color: str, width: float, hover: str, **changes: Any) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "hovertemplate": hover + "<extra></extra>",
        **changes,
        "line": {"color": color, "width": width} | changes.get("line", {}),
    }


def equity_figure(view: View) -> dict[str, Any]:
    """Equity and benchmark, drawdown below, one time axis."""
    below = measures.drawdown(view.equity, initial=view.initial)
    lines = [view.equity, below]
    other = None
    if view.benchmark is not None:
        other = measures.drawdown(view.benchmark.equity, initial=view.initial)
        lines += [view.benchmark.equity, other]
    rows = keep_shape(lines, POINTS)
    x = view.times_ms[rows]
    data = [
        _line(
            "Strategy", x, view.equity[rows], "var(--accent)", 1.8, "<b>%{y:,.0f}</b>  Strategy", legendrank=1
        ),
        _line(
            "Drawdown", x, below[rows], "var(--loss)", 1, "%{y:.1%}  Drawdown", yaxis="y2", fill="tozeroy",
            fillcolor="var(--loss-soft)", showlegend=False,
        ),
    ]  # fmt: skip
    if view.benchmark is not None and other is not None:
        name = view.benchmark.label
        data += [
            _line(name, x, view.benchmark.equity[rows], "var(--benchmark)", 1.3, f"%{{y:,.0f}}  {_plain(name)}"),
            _line(
                name, x, other[rows], "var(--benchmark)", 1, f"%{{y:.1%}}  Drawdown, {_plain(name)}", yaxis="y2",
                showlegend=False,
            ),
        ]  # fmt: skip
    layout = base_layout() | {
        "showlegend": True,
        "xaxis": _time_axis(view, anchor="y2"),
        "yaxis": axis(domain=[0.32, 1.0], tickformat=",.4~s", side="right", nticks=6),
        "yaxis2": axis(domain=[0.0, 0.25], tickformat=".0%", side="right", rangemode="tozero", nticks=4),
    }
    return {
        "data": data,
        "layout": layout,
        "height": 480,
        "thinned": rows.size < view.equity.size,
        "log": _wide(view),
    }


def _wide(view: View) -> bool:
    """Whether the lines span so much that a linear axis would hide the beginning."""
    lines = [view.equity] if view.benchmark is None else [view.equity, view.benchmark.equity]
    low, high = min(float(line.min()) for line in lines), max(float(line.max()) for line in lines)
    return low > 0.0 and high > 8.0 * low


def rolling_window(view: View) -> int:
    """Bars of the rolling statistics: half a year, less for short runs."""
    half = max(2, round(view.periods_per_year / 2))
    return half if view.equity.size >= 3 * half else max(2, view.equity.size // 4)


def rolling_figure(view: View) -> dict[str, Any]:
    """Rolling Sharpe ratio above rolling volatility."""
    change = np.nan_to_num(measures.returns(view.equity, initial=view.initial))
    window, year = rolling_window(view), view.periods_per_year
    ratio = measures.rolling_sharpe(change, window=window, periods_per_year=year, risk_free=view.risk_free)
    spread = measures.rolling_volatility(change, window=window, periods_per_year=year)
    lines = [ratio, spread]
    bench_spread: F64 | None = None
    if view.benchmark is not None:
        other = np.nan_to_num(measures.returns(view.benchmark.equity, initial=view.initial))
        bench_spread = measures.rolling_volatility(other, window=window, periods_per_year=year)
        lines.append(bench_spread)
    rows = keep_shape(lines, POINTS)
    x = view.times_ms[rows]
    data = [
        _line("Sharpe", x, ratio[rows], "var(--accent)", 1.4, "<b>%{y:.2f}</b>  Sharpe"),
        _line("Volatility", x, spread[rows], "var(--accent)", 1.4, "<b>%{y:.1%}</b>  Volatility", yaxis="y2"),
    ]
    if view.benchmark is not None and bench_spread is not None:
        label = view.benchmark.label
        data.append(
            _line(label, x, bench_spread[rows], "var(--benchmark)", 1.2, f"%{{y:.1%}}  {_plain(label)}", yaxis="y2")
        )
    layout = base_layout() | {
        "xaxis": _time_axis(view, anchor="y2"),
        "yaxis": axis(
            domain=[0.56, 1.0], side="right", nticks=5, tickformat=".1f", zeroline=True, zerolinecolor="var(--line)"
        ),
        "yaxis2": axis(domain=[0.0, 0.44], side="right", tickformat=".0%", rangemode="tozero", nticks=4),
        "margin": base_layout()["margin"] | {"t": 22},
        "annotations": [_caption("Sharpe ratio", 1.0), _caption("Volatility, annualised", 0.44)],
    }
    return {"data": data, "layout": layout, "height": 340, "thinned": rows.size < view.equity.size}


def _caption(text: str, y: float) -> dict[str, Any]:
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": y,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"color": "var(--muted)", "size": 12},
    }


def distribution_figure(view: View) -> dict[str, Any]:
    """Histogram of bar returns, losses and gains in their colours, the outer half percent gathered at the ends."""
    change = measures.returns(view.equity, initial=view.initial)
    change = change[np.isfinite(change) & (change != 0.0)]
    if change.size < 2 or change.min() == change.max():
        return {"data": [], "layout": base_layout(), "height": 260, "empty": True}
    low, high = np.quantile(change, [0.005, 0.995])
    reach = max(abs(float(low)), abs(float(high)))
    bins = 2 * max(8, min(40, int(np.sqrt(change.size) / 1.2)))
    edges = np.linspace(-reach, reach, bins + 1)
    counts, _ = np.histogram(np.clip(change, -reach, reach), edges)
    middle = (edges[:-1] + edges[1:]) / 2.0
    share = counts / change.size
    label = [f"{fraction(left, 2)} to {fraction(right, 2)}" for left, right in pairwise(edges.tolist())]
    data = [
        {
            "type": "bar",
            "x": middle,
            "y": share,
            "customdata": label,
            "width": float(edges[1] - edges[0]) * 0.9,
            "marker": {
                "color": ["var(--loss)" if value < 0 else "var(--gain)" for value in middle],
                "line": {"width": 0},
            },
            "hovertemplate": "%{customdata}<br><b>%{y:.1%}</b> of bars<extra></extra>",
        }
    ]
    tail = float(np.quantile(change, 0.05))
    mark = {"type": "line", "yref": "paper", "y0": 0, "y1": 1}
    layout = base_layout() | {
        "hovermode": "closest",
        "bargap": 0,
        "xaxis": axis(tickformat=".1%", showgrid=False, nticks=7),
        "yaxis": axis(tickformat=".0%", side="right", nticks=4),
        "shapes": [
            mark | {"x0": 0, "x1": 0, "line": {"color": "var(--line)", "width": 1}},
            mark | {"x0": tail, "x1": tail, "line": {"color": "var(--muted)", "width": 1, "dash": "dot"}},
        ],
        "annotations": [
            {
                "text": f"5 % of bars below {fraction(tail, 2)}",
                "x": tail,
                "y": 1,
                "yref": "paper",
                "xanchor": "right",
                "yanchor": "top",
                "xshift": -6,
                "showarrow": False,
                "font": {"size": 11, "color": "var(--muted)"},
            }
        ],
    }
    return {"data": data, "layout": layout, "height": 260}


def exposure_figure(view: View) -> dict[str, Any]:
    """Gross exposure as a fraction of equity."""
    rows = keep_shape([view.exposure], POINTS)
    data = [
        _line(
            "Exposure", view.times_ms[rows], view.exposure[rows], "var(--accent)", 0,
            "<b>%{y:.0%}</b> of equity", fill="tozeroy", fillcolor="var(--accent-fill)",
            line={"width": 0, "shape": "hv"},
        )
    ]  # fmt: skip
    layout = base_layout() | {
        "xaxis": _time_axis(view),
        "yaxis": axis(tickformat=".0%", side="right", rangemode="tozero", nticks=4),
    }
    return {"data": data, "layout": layout, "height": 200, "thinned": rows.size < view.exposure.size}


def notebook_figure(view: View) -> dict[str, Any]:
    """Equity, drawdown and the price of the most traded instrument with its entries and exits."""
    spec = equity_figure(view)
    candles = view.candles[0] if view.candles else None
    if candles is None:
        return spec
    layout = spec["layout"]
    layout["yaxis"]["domain"] = [0.62, 1.0]
    layout["yaxis2"]["domain"] = [0.46, 0.59]
    layout["yaxis3"] = axis(domain=[0.0, 0.42], side="right", tickformat=",.6~g", nticks=6)
    layout["xaxis"]["anchor"] = "y3"
    level = candles.levels[-1]
    spec["data"].append(
        {
            "type": "candlestick",
            "name": candles.symbol,
            "x": level["t"],
            "open": level["o"],
            "high": level["h"],
            "low": level["l"],
            "close": level["c"],
            "yaxis": "y3",
            "showlegend": False,
            "increasing": {"line": {"color": "var(--gain)", "width": 1}, "fillcolor": "var(--gain)"},
            "decreasing": {"line": {"color": "var(--loss)", "width": 1}, "fillcolor": "var(--loss)"},
        }
    )
    layout["xaxis"]["rangeslider"] = {"visible": False}
    trades = view.trades
    mine = trades.asset == candles.asset
    for name, when, price, symbol, color in (
        ("Entry", trades.entry_ms, trades.entry_price, "triangle-up", "var(--accent)"),
        ("Exit", trades.exit_ms, trades.exit_price, "square", "var(--ink)"),
    ):
        rows = np.flatnonzero(mine & np.isfinite(when))
        reason = trades.entry_reason if name == "Entry" else trades.exit_reason
        spec["data"].append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": when[rows],
                "y": price[rows],
                "yaxis": "y3",
                "customdata": [_plain(reason[row]) for row in rows.tolist()],
                "marker": {"symbol": symbol, "size": 8, "color": color, "line": {"width": 1, "color": "var(--bg)"}},
                "hovertemplate": f"{name} %{{y:,.6~g}} (%{{customdata}})<extra></extra>",
            }
        )
    spec["height"] = 760
    return spec


def _plain(text: str) -> str:
    """Text for plotly, which reads a little HTML and fills in ``%{...}``."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "% {")
