"""Colours and chart defaults, written once for the style sheet, the report's charts and notebooks.

Entry points: `LIGHT`, `DARK` (token to colour), `css_variables`, `base_layout`, `paint`.

Invariants: charts and style sheet name colours only as ``var(--token)``; every text token has a contrast of at least
4.5 to 1 on its background in both themes; gain and loss are blue and vermilion, which stay apart for every kind of
colour blindness, and never carry meaning alone (a sign or a word goes with them).
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["DARK", "FONT", "LIGHT", "base_layout", "css_variables", "paint"]

FONT: Final = (
    'ui-sans-serif, -apple-system, BlinkMacSystemFont, "Segoe UI", "Helvetica Neue", Arial, '
    '"Liberation Sans", sans-serif'
)

LIGHT: Final[dict[str, str]] = {
    "bg": "#ffffff",
    "surface": "#f5f7f9",
    "raised": "#ffffff",
    "ink": "#15202b",
    "muted": "#566474",
    "line": "#dfe5ea",
    "grid": "#edf0f3",
    "accent": "#1a4e8a",
    "accent-soft": "rgba(26,78,138,0.08)",
    "accent-fill": "#a9bfd8",
    "benchmark": "#8593a1",
    "gain": "#1b66a8",
    "gain-soft": "rgba(27,102,168,0.16)",
    "loss": "#b3470f",
    "loss-soft": "rgba(179,71,15,0.16)",
    "shade": "rgba(21,32,43,0.14)",
    "warn": "#7a5200",
    "warn-soft": "#fff6dd",
    "warn-line": "#e3c26b",
    "alarm": "#8f2d0a",
    "alarm-soft": "#fdefe8",
    "alarm-line": "#e2a07e",
}
DARK: Final[dict[str, str]] = {
    "bg": "#0f151c",
    "surface": "#161e27",
    "raised": "#1b2530",
    "ink": "#e7ecf2",
    "muted": "#9dabb9",
    "line": "#2a3744",
    "grid": "#202b36",
    "accent": "#7db8f5",
    "accent-soft": "rgba(125,184,245,0.10)",
    "accent-fill": "#345474",
    "benchmark": "#7f8d9b",
    "gain": "#6cb1f2",
    "gain-soft": "rgba(108,177,242,0.22)",
    "loss": "#f29261",
    "loss-soft": "rgba(242,146,97,0.22)",
    "shade": "rgba(0,0,0,0.55)",
    "warn": "#f2d180",
    "warn-soft": "#2a2412",
    "warn-line": "#6d5a20",
    "alarm": "#ffb08c",
    "alarm-soft": "#2d1a12",
    "alarm-line": "#7d422a",
}


def css_variables() -> str:
    """Declarations of all tokens: light, dark by the reader's system, and either by the toggle."""

    def block(colours: dict[str, str]) -> str:
        return "".join(f"--{token}:{value};" for token, value in colours.items())

    dark, font = block(DARK), f"--font:{FONT};"
    return (
        f":root{{{font}color-scheme:light;{block(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}"
    )


def base_layout() -> dict[str, Any]:
    """Layout that every chart starts from, with colours as tokens."""
    return {
        "font": {"family": FONT, "size": 12, "color": "var(--muted)"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 0, "r": 0, "t": 8, "b": 0, "pad": 4},
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": "var(--raised)",
            "bordercolor": "var(--line)",
            "font": {"family": FONT, "size": 12, "color": "var(--ink)"},
            "align": "left",
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": "var(--ink)"}},
        "separators": ".,",
        "uirevision": "keep",
        "showlegend": False,
    }


def axis(**changes: Any) -> dict[str, Any]:
    """Axis with a hairline grid and no frame."""
    return {
        "gridcolor": "var(--grid)",
        "showline": False,
        "zeroline": False,
        "automargin": True,
        "ticks": "",
        "tickfont": {"color": "var(--muted)", "size": 11},
        **changes,
    }


def paint(spec: Any, colours: dict[str, str]) -> Any:
    """Copy of a chart with every ``var(--token)`` replaced by its colour.

    Examples
    --------
    >>> paint({"line": {"color": "var(--gain)"}}, LIGHT)
    {'line': {'color': '#1b66a8'}}
    """
    if isinstance(spec, dict):
        return {key: paint(value, colours) for key, value in spec.items()}
    if isinstance(spec, list):
        return [paint(value, colours) for value in spec]
    if isinstance(spec, str) and spec.startswith("var(--"):
        return colours[spec[6:-1]]
    return spec
