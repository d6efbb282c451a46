"""The page of one indicator: prices, and its outputs on them or below them.

Entry points: `page`.

Invariants: the page asks the network for nothing and is the same bytes for the same data; lines on the scale of the
price stand on it, everything else in a panel of its own; the warm-up is empty, not zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .page import plotly_js
from .text import esc, json_block
from .theme import DARK, LIGHT, axis, base_layout, css_variables, paint

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars
    from tradewright.features.indicators.spec import Indicator

__all__ = ["page"]

COLOURS: Final = ("var(--accent)", "var(--loss)", "var(--gain)", "var(--warn)", "var(--benchmark)", "var(--muted)")
CANDLES: Final = 1500
"""Beyond this many bars the close is drawn as a line."""


def page(
    indicator: Indicator, bars: Bars, columns: Mapping[str, np.ndarray[Any, Any]], params: Mapping[str, Any]
) -> str:
    """HTML document with the prices of the first instrument and the outputs.

    Parameters
    ----------
    indicator : Indicator
    bars : Bars
    columns : mapping of str to array, shape (n_bars, n_assets)
        Outputs by name.
    params : mapping
        What they were computed with.

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
    >>> bars = tw.Bars.from_arrays(None, [1, 2, 3], [2, 3, 4], [1, 1, 2], [2, 2, 3], symbols="A<B")
    >>> text = page(tw.indicators.indicator("sma"), bars, {"sma": tw.indicators.sma(bars, window=2)}, {"window": 2})
    >>> text[:15], "A&lt;B" in text, "A<B" in text
    ('<!doctype html>', True, False)
    """
    figure = _figure(indicator, bars, columns)
    given = ", ".join(f"{key} {value}" for key, value in params.items())
    title = f"{indicator.title} of {bars.symbols[0]}"
    notes = indicator.notes.replace("`", "")
    facts = [given, indicator.unit, f"Known at {indicator.known_at}", notes, f"Source: {indicator.source}"]
    words = ". ".join(fact[0].upper() + fact[1:].rstrip(".") for fact in facts if fact)
    data = {"light": paint(figure, LIGHT), "dark": paint(figure, DARK)}
    more = f" First of {bars.n_assets} instruments." if bars.n_assets > 1 else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{esc(title)}</title>\n<link rel="icon" href="data:,">\n<style>{css_variables()}'
        "body{margin:0;padding:24px;background:var(--bg);color:var(--ink);font-family:var(--font)}"
        "h1{font-size:20px;margin:0 0 4px}p{color:var(--muted);font-size:13px;line-height:1.5;margin:0 0 12px;"
        "max-width:110ch}main{max-width:1200px;margin:auto}#chart{width:100%}</style>\n</head>\n<body><main>"
        f"<h1>{esc(title)}</h1><p>{esc(words)}.{esc(more)}</p>"
        f'<div id="chart" role="img" aria-label="{esc(title)}"></div></main>\n'
        f'<script type="application/json" id="payload">{json_block(data)}</script>\n<script>{plotly_js()}</script>\n'
        "<script>const P=JSON.parse(document.getElementById('payload').textContent),"
        "M=matchMedia('(prefers-color-scheme: dark)');"
        "function draw(){const f=M.matches?P.dark:P.light;"
        "Plotly.react('chart',f.data,f.layout,{responsive:true,displaylogo:false})}"
        "M.addEventListener('change',draw);draw();</script>\n</body>\n</html>\n"
    )


def _figure(indicator: Indicator, bars: Bars, columns: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    stamps = [str(t) for t in bars.ts.astype("datetime64[ns]").astype("datetime64[s]")]
    opening, high, low, close = (_plain(getattr(bars, name)[:, 0]) for name in ("open", "high", "low", "close"))
    price: dict[str, Any] = {"x": stamps, "name": bars.symbols[0], "yaxis": "y"}
    if bars.n_bars <= CANDLES:
        price |= {"type": "candlestick", "open": opening, "high": high, "low": low, "close": close,
                  "increasing": {"line": {"color": "var(--gain)", "width": 1}},
                  "decreasing": {"line": {"color": "var(--loss)", "width": 1}}}  # fmt: skip
    else:
        price |= {"type": "scattergl", "y": close, "line": {"color": "var(--ink)", "width": 1}}
    data = [price]
    below = 0
    for k, (label, values) in enumerate(columns.items()):
        on_price = _on_price(indicator, label, values[:, 0], bars)
        below += not on_price
        shape = "hv" if label == "direction" else "linear"
        data.append(
            {"type": "scattergl", "x": stamps, "y": _plain(values[:, 0]), "name": label, "connectgaps": False,
             "line": {"color": COLOURS[k % len(COLOURS)], "width": 1.5, "shape": shape},
             "yaxis": "y" if on_price else "y2"}
        )  # fmt: skip
    layout = base_layout() | {
        "height": 700 if below else 520,
        "showlegend": True,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "var(--muted)", "activecolor": "var(--ink)"},
        "margin": {"l": 8, "r": 8, "t": 32, "b": 8},
        "xaxis": axis(type="date", anchor="y2" if below else "y", rangeslider={"visible": False}),
        "yaxis": axis(domain=[0.42, 1.0] if below else [0.0, 1.0], side="right"),
    }
    if below:
        layout["yaxis2"] = axis(domain=[0.0, 0.36], side="right")
    return {"data": data, "layout": layout}


def _on_price(indicator: Indicator, label: str, values: np.ndarray[Any, Any], bars: Bars) -> bool:
    """Whether an output lives on the scale of the price, by its numbers: units are words for people."""
    there = np.isfinite(values)
    if label == "direction" or not there.any() or not indicator.unit.startswith(("price", "as the input")):
        return False
    low, high = float(np.nanmin(bars.low[:, 0])), float(np.nanmax(bars.high[:, 0]))
    middle = float(np.median(values[there]))
    return 0.5 * low <= middle <= 2.0 * high


def _plain(values: np.ndarray[Any, Any]) -> list[float | None]:
    return [None if not np.isfinite(v) else float(f"{v:.8g}") for v in values.tolist()]
