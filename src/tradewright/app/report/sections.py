"""Sections of the report below its header, one function each.

Entry points: `performance`, `trades`, `costs`, `fills`, `statistics`, `assumptions`, `data`, `manifest`.

Invariants: a section that has nothing to show says why instead of disappearing; every chart has a text alternative that
carries its main numbers.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

import numpy as np

from tradewright import measures

from .figures import rolling_window
from .text import UNDEFINED, count, esc, fraction, money, number, ratio, signed, table, tag, value_text
from .view import View

__all__ = ["assumptions", "costs", "data", "fills", "manifest", "performance", "statistics", "trades"]

_ONLY_WHEN_PAID: Final = frozenset({"borrow", "funding", "interest", "dividends"})
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _section(name: str, title: str, *content: str, lead: str = "") -> str:
    return tag(
        "section",
        tag("h2", esc(title), id=f"{name}-title"),
        tag("p", lead, class_="lead") if lead else "",
        *content,
        id=name,
        aria_labelledby=f"{name}-title",
    )


def _chart(name: str, figure: dict[str, Any], label: str) -> str:
    if figure.get("empty") or not figure["data"]:
        return tag("p", "Nothing to draw: the equity never changed.", class_="empty")
    return tag(
        "div",
        tag("noscript", "Charts need scripts."),
        class_="chart",
        id=f"chart-{name}",
        role="img",
        aria_label=label,
        style=f"height:{figure['height']}px",
    )


def performance(view: View, figures: dict[str, dict[str, Any]]) -> str:
    """Equity with drawdown, months, distribution, rolling risk, exposure, worst drawdowns."""
    stats = view.stats
    label = (
        f"Equity from {money(view.initial)} to {money(stats.get('final_equity'))}, maximum drawdown "
        f"{fraction(stats.get('max_drawdown'))}"
    )
    if view.benchmark is not None:
        label += f"; {view.benchmark.label} ends at {money(float(view.benchmark.equity[-1]))}"
    can_log = bool(view.equity.min() > 0.0)
    toolbar = tag(
        "div",
        tag("h3", "Equity and drawdown"),
        tag(
            "button",
            "Log scale",
            type="button",
            class_="toggle",
            id="log",
            aria_pressed="true" if figures["equity"].get("log") else "false",
        )
        if can_log
        else "",
        class_="head",
    )
    window = rolling_window(view)
    return _section(
        "performance",
        "Performance",
        toolbar,
        _chart("equity", figures["equity"], label),
        tag("h3", "Monthly returns"),
        _months(view),
        tag(
            "div",
            tag(
                "div",
                tag("h3", "Returns of a bar"),
                _chart("distribution", figures["distribution"], _distribution_label(view)),
            ),
            tag("div", tag("h3", "Deepest drawdowns"), _drawdowns(view)),
            class_="two",
        ),
        tag("h3", f"Rolling Sharpe ratio and volatility, {window:,} bars"),
        _chart("rolling", figures["rolling"], f"Rolling Sharpe ratio and volatility over {window} bars"),
        tag("h3", "Exposure"),
        _chart(
            "exposure", figures["exposure"],
            f"Gross exposure; a position was held at {fraction(stats.get('exposure'))} of the closes",
        ),
    )  # fmt: skip


def _distribution_label(view: View) -> str:
    change = measures.returns(view.equity, initial=view.initial)
    change = change[np.isfinite(change)]
    return (
        f"Histogram of bar returns: mean {fraction(float(change.mean()), 3)}, best {fraction(float(change.max()), 2)}, "
        f"worst {fraction(float(change.min()), 2)}"
    )


def _months(view: View) -> str:
    found = measures.monthly_returns(view.equity, view.dates, initial=view.initial)
    filled = np.abs(found.table[np.isfinite(found.table)])
    # The ninth decile carries the full colour, so one wild month does not pale all others.
    full = max(float(np.quantile(filled, 0.9)) if filled.size else 0.0, 1e-6)
    rows = []
    for year, months, annual in zip(found.years.tolist(), found.table.tolist(), found.annual.tolist(), strict=True):
        cells = []
        for value in months:
            if math.isfinite(value):
                depth = min(1.0, abs(value) / full)
                side = "gain" if value > 0 else "loss"
                style = f"--d:{depth:.2f}" if value else None
                cells.append(tag("td", number(value * 100.0, 1), class_=f"m {side}" if value else "m", style=style))
            else:
                cells.append('<td class="m none"></td>')
        total = tag("td", fraction(annual), class_=f"year {signed(annual)}")
        rows.append(tag("tr", tag("th", str(year), scope="row"), *cells, total))
    head = "".join(tag("th", name, scope="col") for name in (*MONTHS, "Year"))
    caption = "Returns by month and year, in percent, by date of the exchange"
    inner = (
        tag("caption", caption, class_="quiet")
        + tag("thead", tag("tr", tag("th", tag("span", "Year", class_="quiet"), scope="col"), head))
        + tag("tbody", *rows)
    )
    return tag(
        "div", tag("table", inner, class_="months"), class_="scroll", tabindex="0", role="region", aria_label=caption
    )


def _drawdowns(view: View) -> str:
    found = measures.drawdowns(view.equity, initial=view.initial, top=5)
    if not len(found):
        return tag("p", "Equity never fell below its peak.", class_="empty")
    rows = []
    for place in range(len(found)):
        peak, back = int(found.peak[place]), int(found.recovery[place])
        rows.append(
            (
                fraction(float(found.depth[place])),
                "start" if peak < 0 else str(view.dates[peak]),
                str(view.dates[int(found.trough[place])]),
                str(view.dates[back]) if back >= 0 else "not yet",
                count(float(found.bars[place])),
            )
        )
    head = [("Depth", "n"), ("Peak", "n"), ("Bottom", "n"), ("Recovered", "n"), ("Bars", "n")]
    return table(head, rows, caption="Deepest drawdowns", class_="plain")


def trades(view: View, listed: int) -> str:
    """Candles with entries and exits, and the trade list."""
    if not len(view.trades):
        why = ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in view.refusals.items())
        text = "No trade was made." + (f" Decisions not taken: {esc(why)}." if why else "")
        lead = text
    else:
        lead = (
            "Entries are triangles in the direction of the trade, exits are squares; a line in the colour of the "
            "result joins the two. Choose a trade in the list to see it in the chart."
        )
    picker = ""
    if len(view.candles) > 1:
        options = "".join(tag("option", esc(c.symbol), value=str(i)) for i, c in enumerate(view.candles))
        picker = f'<label>Instrument <select id="symbol">{options}</select></label>'
    hidden = (
        tag("p", f"{view.hidden_symbols:,} instruments with fewer trades are not drawn.", class_="note")
        if view.hidden_symbols
        else ""
    )
    chart = ""
    if view.candles:
        name = view.candles[0].symbol
        chart = "".join(
            (
                tag(
                    "div",
                    tag("h3", "Price", class_="grow"),
                    picker,
                    tag(
                        "div",
                        *(
                            tag("button", text, type="button", data_span=span)
                            for text, span in (("50", "50"), ("250", "250"), ("1,000", "1000"), ("All", "all"))
                        ),
                        class_="group",
                        role="group",
                        aria_label="Bars shown",
                    ),
                    class_="head",
                ),
                f'<div class="chart" id="chart-price" role="img" style="height:440px" aria-label="Candles of '
                f"{esc(name)}"
                ' with entries, exits, stops and targets; the trade list below has the numbers"></div>',
                '<div id="navigator" class="navigator"></div>',
                tag("p", "", class_="note", id="price-note", aria_live="polite"),
                hidden,
            )
        )
    listing = ""
    if len(view.trades):
        cut = (
            tag("p", f"The {listed:,} trades that moved most money, of {len(view.trades):,}.", class_="note")
            if listed < len(view.trades)
            else ""
        )
        listing = (
            tag(
                "div",
                tag("h3", "Trade list", class_="grow"),
                '<label>Find <input type="search" id="find" placeholder="symbol, reason, date" '
                'autocomplete="off"></label>',
                '<label>Side <select id="side"><option value="">all</option><option value="1">long</option>'
                '<option value="-1">short</option></select></label>',
                '<label>Result <select id="outcome"><option value="">all</option><option value="win">profit</option>'
                '<option value="loss">loss</option><option value="open">open</option>'
                '<option value="dependent">order-dependent</option></select></label>',
                '<button type="button" id="csv">Save CSV</button>',
                class_="head tools",
            )
            + cut
            + '<div class="scroll" tabindex="0" role="region" aria-label="Trade list">'
            '<table id="trade-table" class="plain">'
            '<caption class="quiet">Trades; choose a column title to sort</caption>'
            "<thead></thead><tbody></tbody></table></div>"
            '<div class="pager"><p id="trade-count" aria-live="polite"></p><div class="group">'
            '<button type="button" id="previous" aria-label="Previous trades">Back</button>'
            '<button type="button" id="next" aria-label="Next trades">More</button></div></div>'
        )
    return _section("trades", "Trades", chart, listing, lead=lead)


def costs(view: View) -> str:
    """What trading took, by kind."""
    if not view.costs or not any(cost.amount for cost in view.costs):
        return _section(
            "costs", "Costs", tag("p", "This run paid no costs of any kind.", class_="empty"),
        )  # fmt: skip
    years = view.equity.size / view.periods_per_year
    mean = float(np.mean(view.equity))
    top = max(abs(cost.amount) for cost in view.costs)

    def row(label: str, amount: float, meter: str) -> tuple[str, ...]:
        yearly = fraction(amount / mean / years, 2) if mean > 0.0 and years > 0.0 else UNDEFINED
        return label, money(amount), fraction(amount / view.initial, 2), yearly, meter

    def meter(amount: float, side: str) -> str:
        width = abs(amount) / top * 100.0
        return tag("span", tag("span", class_=side, style=f"width:{width:.1f}%"), class_="meter", aria_hidden="true")

    paid = [cost for cost in view.costs if cost.is_cost]
    rows = [row(esc(cost.label), cost.amount, meter(cost.amount, "loss")) for cost in paid]
    rows.append(row(tag("strong", "All costs"), sum(cost.amount for cost in paid), ""))
    rows += [
        row(esc(f"{cost.label}, received"), cost.amount, meter(cost.amount, "gain"))
        for cost in view.costs
        if not cost.is_cost
    ]
    head = [
        ("Kind", ""),
        (view.currency or "Amount", "n"),
        ("Of start", "n"),
        ("A year, of mean equity", "n"),
        ("", "wide"),
    ]
    lead = "Costs are already in every other number of this report."
    return _section("costs", "Costs", table(head, rows, caption="Costs by kind", class_="plain"), lead=lead)


def fills(view: View) -> str:
    """How much the unknown path inside a bar matters."""
    dependent, total = int(view.trades.ambiguous.sum()), len(view.trades)
    lead = "A bar tells its highest and lowest price but not which came first. " + (
        f"<strong>{dependent:,} of {total:,} trades</strong> depend on that order."
        if dependent
        else "No trade depends on that order."
        if total
        else ""
    )
    refused = ""
    if view.refusals:
        counted = [(esc(name.replace("_", " ")), count(float(times))) for name, times in view.refusals.items()]
        refused = tag("h3", "Decisions and orders not taken") + table(
            [("Reason", ""), ("Count", "n")],
            counted,
            caption="Decisions and orders not taken, by reason",
            class_="plain narrow",
        )
    if not view.bands:
        hint = (
            "The run used one assumption only. Run it with <code>--bands</code> to get the pessimistic, expected and "
            "optimistic result side by side."
        )
        return _section("fills", "Fill bands", tag("p", hint, class_="empty"), refused, lead=lead)
    names = ("total_return", "cagr", "sharpe", "max_drawdown", "win_rate", "n_trades")
    head = [("Assumption", ""), *((measures.MEASURES[name].label, "n") for name in names)]
    rows = [
        (esc(band.name.capitalize()), *(stat_text(name, band.stats.get(name)) for name in names)) for band in view.bands
    ]
    return _section(
        "fills",
        "Fill bands",
        _band_scale(view),
        _band_range(view),
        table(head, rows, caption="Results under three assumptions about the path inside a bar", class_="plain"),
        refused,
        lead=lead,
    )


def _band_range(view: View) -> str:
    if view.band is None or view.band[0] == view.band[1]:
        return ""
    low, high = (fraction(value, plus=True) for value in view.band)
    text = f"Bars like these allow a total return between {low} and {high}, whatever the order of prices inside them."
    return tag("p", text, class_="note")


def _band_scale(view: View) -> str:
    found = [(band.name, value) for band in view.bands if (value := band.stats.get("total_return")) is not None]
    if len(found) < 2:
        return ""
    low, high = min(value for _, value in found), max(value for _, value in found)
    spread = high - low
    if spread == 0.0:
        return tag("p", f"All assumptions give the same return, {fraction(low, plus=True)}.", class_="note")
    # The label of the dot in between goes above the line, so that close labels do not cover each other.
    middle = sorted(found, key=lambda item: item[1])[1][0] if len(found) == 3 else ""
    dots = "".join(
        tag(
            "span", tag("i"), tag("b", fraction(value, plus=True)), tag("em", esc(name)),
            style=f"left:{(value - low) / spread * 100.0:.2f}%",
            class_=f"dot {name}" + (" middle" if name == middle else ""),
        )
        for name, value in found
    )  # fmt: skip
    return tag("div", dots, class_="scale", role="img", aria_label="Total return under each assumption: " + ", ".join(
        f"{name} {fraction(value)}" for name, value in found
    ))  # fmt: skip


def stat_text(name: str, value: Any) -> str:
    """Value of a statistic in its unit."""
    measure = measures.MEASURES.get(name)
    if value is None:
        return UNDEFINED
    if isinstance(value, str):
        return esc(value)
    unit = measure.unit if measure else "ratio"
    if isinstance(value, np.datetime64):
        return esc(value.astype("datetime64[D]"))
    value = float(value)
    if unit == "fraction":
        return fraction(value, 2 if abs(value) < 0.1 else 1)
    return {"money": money, "count": count, "bars": count}.get(unit, ratio)(value)


def statistics(view: View) -> str:
    """Every statistic with its convention, in groups."""
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for name in [*(key for key in measures.MEASURES if key in view.stats), *(set(view.stats) - set(measures.MEASURES))]:
        value = view.stats[name]
        if name in _ONLY_WHEN_PAID and not value:
            continue
        measure = measures.MEASURES.get(name)
        group = measure.group if measure else "Other"
        label = measure.label if measure else name.replace("_", " ").capitalize()
        text = dict(view.reasons).get(name) or (measure.convention if measure else "")
        hint = tag("button", esc(label), type="button", class_="hint", data_hint=text) if text else esc(label)
        other = view.benchmark.stats.get(name) if view.benchmark else None
        groups.setdefault(group, []).append(
            (hint, stat_text(name, value), stat_text(name, other) if other is not None else "")
        )
    order = list(dict.fromkeys(measure.group for measure in measures.MEASURES.values()))
    blocks = []
    for group in sorted(groups, key=lambda name: order.index(name) if name in order else len(order)):
        with_other = any(row[2] for row in groups[group])
        head = [("", ""), ("Strategy", "n")] + ([(view.benchmark.label, "n")] if with_other and view.benchmark else [])
        rows = [row if with_other else row[:2] for row in groups[group]]
        blocks.append(
            tag("div", tag("h3", esc(group)), table(head, rows, caption=f"Statistics: {group}", class_="plain"))
        )
    lead = "How each number is computed stands behind its name: point at it, or choose it."
    return _section("statistics", "Statistics", tag("div", *blocks, class_="grid"), lead=lead)


def assumptions(view: View) -> str:
    """Conventions of the run, then every configuration value with its layer."""
    first = tag(
        "dl",
        *(
            tag("div", tag("dt", esc(name)), tag("dd", esc(text[:1].upper() + text[1:])))
            for name, text in view.conventions
        ),
        class_="facts-list",
    )
    if not view.config:
        config = tag(
            "p", "The run was started from code with its defaults; no configuration file was read.", class_="empty"
        )
    else:
        config_rows = [
            (
                tag("code", esc(row.key)),
                tag("strong", esc(value_text(row.value))),
                esc(row.layer),
                esc(" ".join(part for part in (row.where, row.overrode) if part)),
            )
            for row in view.config
        ]
        config = tag(
            "details",
            tag("summary", f"All {len(view.config):,} configuration values and where each comes from"),
            table(
                [("Key", ""), ("Value", ""), ("Layer", ""), ("Where", "text")], config_rows, caption="Configuration",
                class_="plain",
            ),
        )  # fmt: skip
    return _section("assumptions", "Assumptions", first, config)


def data(view: View) -> str:
    """Provenance, coverage and findings."""
    origin = tag(
        "dl",
        *(tag("div", tag("dt", esc(key)), tag("dd", esc(value))) for key, value in view.provenance),
        class_="facts-list",
    )
    shown = view.coverage[:200]
    exact = any(row.expected for row in shown)
    head = [
        ("Instrument", ""), ("Class", ""), ("First bar", "n"), ("Last bar", "n"), ("Bars", "n"), ("Of all rows", "n"),
    ]  # fmt: skip
    if exact:
        head += [("Due by the calendar", "n"), ("Missing", "n"), ("Coverage", "n"), ("Quality", "n")]
    head.append(("Trades", "n"))
    rows = []
    for row in shown:
        cells = [esc(row.symbol), esc(row.kind), row.first, row.last, count(float(row.bars)), fraction(row.share)]
        if exact:
            known = row.expected > 0
            part = (row.expected - row.missing) / row.expected if known else None
            cells += [
                count(float(row.expected)) if known else UNDEFINED,
                count(float(row.missing)) if known else UNDEFINED,
                # Never 100 % where something is missing.
                fraction(min(part, 0.9999) if part is not None and row.missing else part, 2),
                number(row.quality, 3),
            ]
        rows.append((*cells, count(float(row.trades))))
    coverage = table(head, rows, caption="Coverage by instrument", class_="plain")
    if exact:
        coverage += tag(
            "p",
            "Due is what the exchange's calendar demands between the first and the last bar. Quality is completeness "
            "times validity, freshness and consistency, each from 0 to 1; <code>tradewright data check</code> shows "
            "them.",
            class_="note",
        )
    if len(view.coverage) > len(shown):
        coverage += tag("p", f"The first {len(shown)} of {len(view.coverage):,} instruments.", class_="note")
    if view.notes:
        found = [
            (
                tag("span", esc(note.severity), class_=f"badge {esc(note.severity)}"),
                esc(note.rule.replace("_", " ")),
                esc(note.symbol),
                esc(note.when),
                esc(note.text),
                esc(note.action),
            )
            for note in view.notes[:500]
        ]
        findings = table(
            [("Severity", ""), ("Check", ""), ("Instrument", ""), ("When", "n"), ("Finding", "text"), ("Action", "")],
            found, caption="Findings of the data checks", class_="plain",
        )  # fmt: skip
        if len(view.notes) > 500:
            findings += tag("p", f"The first 500 of {len(view.notes):,} findings.", class_="note")
    else:
        words = (
            "The checks found nothing to object to." if view.checked else "The checks were switched off for this run."
        )
        findings = tag("p", words, class_="empty")
    return _section(
        "data", "Data", origin, tag("h3", "Coverage and quality"), coverage, tag("h3", "Rejected rows"),
        _rejected_rows(view), tag("h3", "Findings"), findings,
    )  # fmt: skip


def _rejected_rows(view: View) -> str:
    """What did not become a bar, and why."""
    judged, kept = view.judged
    if not view.checked:
        return tag("p", "The checks were switched off for this run: nothing was rejected.", class_="empty")
    if not view.rejected:
        text = f"All {judged:,} rows were kept." if judged else "All rows were kept."
        return tag("p", text, class_="empty")
    rows = [
        (esc(item.symbol), esc(item.rule), count(float(item.count)), esc(item.first)) for item in view.rejected[:200]
    ]
    lead = tag(
        "p", f"{judged - kept:,} of {judged:,} rows are no bars; the others around them were kept.", class_="note"
    )
    head = [("Instrument", ""), ("Reason", ""), ("Rows", "n"), ("First", "text")]
    return lead + table(head, rows, caption="Rejected rows by instrument and reason", class_="plain")


def manifest(view: View) -> str:
    """What is needed to run it again, with a button to copy it."""
    text = json.dumps(view.manifest, indent=2, ensure_ascii=False, default=str, sort_keys=False)
    return _section(
        "manifest",
        "Manifest",
        tag("div", '<button type="button" id="copy">Copy</button>', class_="head end"),
        tag("pre", tag("code", esc(text)), id="manifest-text", tabindex="0", aria_label="Manifest as JSON"),
        lead="A saved result carries it; <code>tradewright verify</code> runs it again and compares every byte.",
    )
