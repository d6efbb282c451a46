"""The page: head, banners, tiles, sections and foot, as plain functions from a `View` to HTML.

Entry points: `page`.

Invariants: one file that asks for nothing (a content policy in the page forbids every request); everything from data
goes through `esc` or `json_block`; the page reads well without scripts except for charts and the trade list; the same
view gives the same bytes.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

import numpy as np

from tradewright import measures

from . import sections
from .figures import distribution_figure, equity_figure, exposure_figure, rolling_figure
from .payload import Store
from .text import count, esc, fraction, json_block, money, number, ratio, signed, tag
from .theme import css_variables
from .view import Trades, View

__all__ = ["document", "page", "plotly_js"]

POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "connect-src 'none'; form-action 'none'; base-uri 'none'"
)
TABLE_LIMIT: Final = 50_000
"""Trades listed in the page; beyond, those that moved most money."""


def page(view: View) -> str:
    """Whole report as one HTML document.

    Parameters
    ----------
    view : View
        What to show.

    Returns
    -------
    str
        HTML 5, about 5 MB, of which 4.8 MB is the chart library.
    """
    store = Store()
    figures = {
        "equity": equity_figure(view),
        "exposure": exposure_figure(view),
        "rolling": rolling_figure(view),
        "distribution": distribution_figure(view),
    }
    listed = _listed(view.trades)
    payload = {
        "figures": {name: store.pack(figure) for name, figure in figures.items() if figure["data"]},
        "candles": [
            {"asset": c.asset, "symbol": c.symbol, "levels": store.pack(c.levels), "closeOnly": c.close_only}
            for c in view.candles
        ],
        "trades": store.pack(_columns(view.trades, listed)),
        "daily": view.daily,
        "bars": int(view.equity.size),
    }
    payload["arrays"] = store.arrays
    body = [
        _header(view),
        sections.performance(view, figures),
        sections.trades(view, listed.size),
        sections.costs(view),
        sections.fills(view),
        sections.statistics(view),
        sections.assumptions(view),
        sections.data(view),
        sections.manifest(view),
        _foot(view),
    ]
    links = [
        ("performance", "Performance"),
        ("trades", "Trades"),
        ("costs", "Costs"),
        ("fills", "Fills"),
        ("statistics", "Statistics"),
        ("assumptions", "Assumptions"),
        ("data", "Data"),
        ("manifest", "Manifest"),
    ]
    return document(view.title, "".join(body), payload, links=links, script="report.js")


def document(title: str, body: str, payload: dict[str, Any], *, links: list[tuple[str, str]], script: str) -> str:
    """Frame of every page: head with inlined style, navigation, payload and scripts.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        Ready HTML.
    payload : dict
        Plain values for the script.
    links : list of (id, text)
        Sections for the navigation.
    script : str
        File of the page's own script.
    """
    nav = "".join(tag("a", esc(text), href=f"#{name}") for name, text in links)
    bar = (
        '<a class="skip" href="#main">Skip to the report</a>'
        '<header class="bar"><div class="wrap"><span class="brand">tradewright</span>'
        f'<nav aria-label="Sections">{nav}</nav>'
        '<button type="button" class="theme" id="theme" aria-label="Colours: as the system">'
        '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><circle cx="8" cy="8" r="6.25" fill="none" '
        'stroke="currentColor" stroke-width="1.5"/>'
        '<path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor"/></svg>'
        '<span id="theme-text">Auto</span></button></div></header>'
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="robots" content="noindex">\n'
        f"<title>{esc(title)}</title>\n"
        '<link rel="icon" href="data:,">\n'
        f"<style>{css_variables()}{_asset('report.css')}</style>\n"
        f"<script>{_asset('theme.js')}</script>\n</head>\n<body>\n{bar}\n"
        f'<main id="main" class="wrap">{body}</main>\n'
        f'<script type="application/json" id="payload">{json_block(payload)}</script>\n'
        f"<script>{plotly_js()}</script>\n<script>{_asset('common.js')}</script>\n<script>{_asset(script)}</script>\n"
        "</body>\n</html>\n"
    )


def plotly_js() -> str:
    """Chart library as shipped in the plotly package, read without importing the package.

    Raises
    ------
    ConfigError
        If plotly is not installed.
    """
    from importlib.util import find_spec

    from tradewright.domain.errors import ConfigError

    if find_spec("plotly") is None:
        raise ConfigError(
            "The HTML report needs plotly, which is not installed; run pip install 'tradewright[report]'."
        )
    text = (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script")


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _listed(trades: Trades) -> np.ndarray[Any, np.dtype[np.int64]]:
    if len(trades) <= TABLE_LIMIT:
        return np.arange(len(trades))
    return np.sort(np.argsort(-np.abs(trades.pnl), kind="stable")[:TABLE_LIMIT])


def _columns(trades: Trades, rows: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Any]:
    """Columns for the trade list, texts as codes into their distinct values."""

    def coded(values: list[str]) -> dict[str, Any]:
        words = sorted(set(values))
        place = {word: code for code, word in enumerate(words)}
        return {"words": words, "codes": np.array([place[values[row]] for row in rows.tolist()], dtype=np.int32)}

    f32 = np.float32
    return {
        "number": (rows + 1).astype(np.int32),
        "asset": trades.asset[rows].astype(np.int32),
        "symbol": coded(trades.symbol),
        "direction": trades.direction[rows].astype(np.int8),
        "quantity": trades.quantity[rows],
        "entryBar": trades.entry_bar[rows].astype(np.int32),
        "exitBar": trades.exit_bar[rows].astype(np.int32),
        "entryTime": trades.entry_ms[rows],
        "exitTime": trades.exit_ms[rows],
        "entryPrice": trades.entry_price[rows],
        "exitPrice": trades.exit_price[rows],
        "pnl": trades.pnl[rows],
        "ret": trades.ret[rows].astype(f32),
        "fees": trades.fees[rows].astype(f32),
        "entryReason": coded(trades.entry_reason),
        "exitReason": coded(trades.exit_reason),
        "ambiguous": trades.ambiguous[rows].astype(np.int8),
        "stop": trades.stop[rows].astype(f32),
        "target": trades.target[rows].astype(f32),
    }


def _header(view: View) -> str:
    symbols = ", ".join(view.symbols[:6]) + (f" and {len(view.symbols) - 6} more" if len(view.symbols) > 6 else "")
    facts = [
        symbols,
        view.interval,
        f"{view.first} to {view.last}",
        f"{view.equity.size:,} bars",
        f"start with {money(view.initial)} {view.currency}".strip(),
    ]
    params = ", ".join(f"{key} {value}" for key, value in view.params.items())
    parts = [
        tag("p", "Backtest report", class_="eyebrow"),
        tag("h1", esc(view.title)),
        tag("p", esc(params), class_="params") if params else "",
        tag("p", "".join(tag("span", esc(fact)) for fact in facts if fact), class_="facts"),
    ]
    banners = [
        tag("li", tag("strong", esc(stamp.title)), " ", tag("span", esc(stamp.text)), class_=f"stamp {stamp.level}")
        for stamp in view.stamps
    ]
    if banners:
        parts.append(tag("ul", *banners, class_="stamps", aria_label="Warnings about this result"))
    parts.append(_tiles(view))
    parts.append(tag("p", _summary(view), class_="summary"))
    if view.evidence:
        parts.append(tag("p", esc(view.evidence[:1].upper() + view.evidence[1:]) + ".", class_="summary"))
    return tag("section", *parts, class_="hero", id="overview", aria_label="Overview")


def _tiles(view: View) -> str:
    stats, bench = view.stats, view.benchmark.stats if view.benchmark else {}
    label = view.benchmark.label if view.benchmark else ""

    def tile(name: str, text: str, other: str, style: str = "", hint: str = "") -> str:
        measure = measures.MEASURES[name]
        below = tag("span", other, class_="other") if other else tag("span", "&nbsp;", class_="other")
        return tag(
            "div",
            tag("dt", esc(hint or measure.label), title=measure.convention),
            tag("dd", tag("span", text, class_=f"big {style}".strip()), below),
            class_="tile",
        )

    def versus(text: str) -> str:
        return f"{esc(label)} {text}" if label else ""

    trades = stats.get("n_trades")
    return tag(
        "dl",
        tile(
            "total_return", fraction(stats.get("total_return"), plus=True),
            versus(fraction(bench.get("total_return"), plus=True)), signed(stats.get("total_return")),
        ),
        tile(
            "cagr", fraction(stats.get("cagr"), plus=True), versus(fraction(bench.get("cagr"), plus=True)),
            hint="A year",
        ),
        tile("sharpe", ratio(stats.get("sharpe")), versus(ratio(bench.get("sharpe")))),
        tile("max_drawdown", fraction(stats.get("max_drawdown")), versus(fraction(bench.get("max_drawdown")))),
        tile("volatility", fraction(stats.get("volatility")), versus(fraction(bench.get("volatility")))),
        tile(
            "win_rate", fraction(stats.get("win_rate")),
            f"of {count(trades)} trade{'' if trades == 1 else 's'}" if trades else "no closed trade",
        ),
        class_="tiles",
    )  # fmt: skip


def _summary(view: View) -> str:
    """Result in words, for those who do not read charts."""
    stats = view.stats
    years = view.equity.size / view.periods_per_year
    span = f"{years:.1f} years" if years >= 1.5 else f"{view.equity.size:,} bars"
    final = stats.get("final_equity")
    text = f"{money(view.initial)} became <strong>{money(final)}</strong> in {span}"
    if view.benchmark is not None:
        text += (
            f"; {esc(_inside(view.benchmark.label))} would have made {money(float(view.benchmark.equity[-1]))} of it"
        )
    table = measures.drawdowns(view.equity, initial=view.initial, top=1)
    if len(table):
        peak, trough, back = int(table.peak[0]), int(table.trough[0]), int(table.recovery[0])
        began = view.first if peak < 0 else str(view.dates[peak])
        text += f". The deepest fall was {fraction(float(table.depth[0]))}, from {began} to {view.dates[trough]}, " + (
            "not recovered by the end" if back < 0 else f"recovered on {view.dates[back]}"
        )
    paid = sum(cost.amount for cost in view.costs if cost.is_cost)
    if paid > 0.0:
        share = paid / view.initial
        text += f". Trading cost {money(paid)}, {number(share * 100.0, 1)}\u202f% of the starting capital"
    return text + "."


def _inside(label: str) -> str:
    """Label inside a sentence."""
    return "buying and holding" if label == "Buy and hold" else label


def _foot(view: View) -> str:
    return tag(
        "footer",
        tag(
            "p",
            "Simulated results. They were computed on historical data, with the assumptions listed above, and with "
            "knowledge of how history went. They are no promise of future returns.",
        ),
        tag("p", f"Made by tradewright {esc(view.version)}. This file needs no network."),
    )
