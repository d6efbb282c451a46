"""Words and numbers as HTML: escaping, number formats, small building blocks.

Entry points: `esc`, `tag`, `table`, `fraction`, `ratio`, `money`, `count`, `number`, `value_text`.

Invariants: everything that comes from data passes through `esc` exactly once, on its way into the page; numbers are
written with a true minus sign, thousands separators and a fixed number of decimals per unit; what is not defined is
an en dash.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

__all__ = ["UNDEFINED", "count", "esc", "fraction", "money", "number", "ratio", "signed", "table", "tag", "value_text"]

UNDEFINED: Final = "–"


def esc(value: object) -> str:
    """Text that is safe inside HTML elements and quoted attributes.

    Examples
    --------
    >>> esc('<b a="1">')
    '&lt;b a=&quot;1&quot;&gt;'
    """
    return html.escape(str(value), quote=True)


def tag(name: str, *content: str, **attributes: object) -> str:
    """Element from ready HTML content; attribute values are escaped, ``_`` becomes ``-``, a trailing ``_`` is dropped.

    Examples
    --------
    >>> tag("p", "a &amp; b", class_="x", aria_label='"q"')
    '<p class="x" aria-label="&quot;q&quot;">a &amp; b</p>'
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        parts.append(key if value is True else f'{key}="{esc(value)}"')
    return f"<{' '.join(parts)}>{''.join(content)}</{name}>"


def number(value: float | None, decimals: int, *, plus: bool = False, suffix: str = "") -> str:
    """Number with separators and a true minus sign.

    Examples
    --------
    >>> number(-1234.5, 1), number(0.5, 2, plus=True), number(float("nan"), 2)
    ('−1,234.5', '+0.50', '–')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    text = f"{abs(value):,.{decimals}f}"
    zero = not any(digit in "123456789" for digit in text)
    sign = "" if zero else "−" if value < 0 else "+" if plus else ""
    return f"{sign}{text}{suffix}"


def fraction(value: float | None, decimals: int = 1, *, plus: bool = False) -> str:
    r"""Fraction as percent.

    Examples
    --------
    >>> fraction(-0.1234), fraction(0.05, 2, plus=True)
    ('−12.3\u202f%', '+5.00\u202f%')
    """
    if value is not None and abs(value) >= 10.0:
        decimals = 0
    return number(None if value is None else value * 100.0, decimals, plus=plus, suffix="\u202f%")


def ratio(value: float | None) -> str:
    """Ratio with two decimals."""
    return number(value, 2)


def money(value: float | None, *, plus: bool = False) -> str:
    """Amount, with cents only while they matter.

    Examples
    --------
    >>> money(123.456), money(-123456.7)
    ('123.46', '−123,457')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    return number(value, 2 if abs(value) < 10_000 else 0, plus=plus)


def count(value: float | None) -> str:
    """Whole number with separators."""
    return number(value, 0)


def signed(value: float | None) -> str:
    """Class of a number that may be good or bad."""
    if value is None or not math.isfinite(value) or value == 0.0:
        return ""
    return "gain" if value > 0.0 else "loss"


def value_text(value: object) -> str:
    """Any configuration value as short text.

    Examples
    --------
    >>> value_text(True), value_text(None), value_text(0.0005), value_text(["a", 1])
    ('yes', 'none', '0.0005', 'a, 1')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {value_text(item)}" for key, item in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(value_text(item) for item in value) or "none"
    return str(value)


def table(
    head: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[str]],
    *,
    caption: str,
    class_: str = "",
    header: bool = True,
) -> str:
    """Table in its own scroll box, so that a narrow page never scrolls sideways.

    Parameters
    ----------
    head : sequence of (text, class)
        Column titles (text, escaped here) and the class of their cells.
    rows : iterable of sequences of str
        Cells, ready HTML; the first is the row's header.
    caption : str
        What the table holds, read by screen readers.
    class_ : str
        Class of the table.
    header : bool
        False when the first column is data like the others.
    """
    titles = "".join(tag("th", esc(text), scope="col", class_=style or None) for text, style in head)
    lines = []
    for row in rows:
        cells = [
            tag("th", cell, scope="row", class_=style or None)
            if place == 0 and header
            else tag("td", cell, class_=style or None)
            for place, (cell, (_, style)) in enumerate(zip(row, head, strict=True))
        ]
        lines.append(tag("tr", *cells))
    inner = tag("caption", esc(caption), class_="quiet") + tag("thead", tag("tr", titles)) + tag("tbody", *lines)
    return tag(
        "div",
        tag("table", inner, class_=class_ or None),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def json_block(value: Any) -> str:
    """JSON that may stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return (
        text.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
