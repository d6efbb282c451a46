"""The page of ``tradewright data check``: what is there, what is missing, what was objected to.

Entry points: `data_page` (as HTML), `write_data_page` (to a file).

Invariants: as for every page of this package: one file that asks for nothing, escaped text, the same bytes for the same
examination. Pictures of at most `MAX_SERIES` instruments are drawn, the worst first; tables and counts cover all.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from tradewright.data.calendars import session_days
from tradewright.data.hours import hours_of
from tradewright.data.intervals import unit_of
from tradewright.data.schedule import session_numbers
from tradewright.data.zones import to_local

from .page import document
from .payload import Store, keep_shape
from .text import UNDEFINED, count, esc, fraction, number, table, tag
from .theme import axis, base_layout

if TYPE_CHECKING:
    from tradewright.data.examination import Examination
    from tradewright.data.scores import Quality, Tally

__all__ = ["data_page", "write_data_page"]

F64 = npt.NDArray[np.float64]

MAX_SERIES: Final = 80
POINTS: Final = 3_000
LISTED: Final = 300
"""Findings listed one by one; all are in the JSON of the command."""
MAP_COLUMNS: Final = 160
_MARKS: Final = (
    ("rejected", "Rejected rows", "x", "var(--loss)"),
    ("spike", "Spikes taken back", "triangle-up", "var(--loss)"),
    ("split", "Gaps like splits", "diamond", "var(--warn)"),
    ("jump", "Moves beyond a factor of two", "square", "var(--warn)"),
    ("outlier", "Wild returns that stay", "circle-open", "var(--muted)"),
    ("stale", "Stale runs", "line-ew-open", "var(--warn)"),
)
_OPEN: Final = 25
_MARK_LIMIT: Final = 400
_DAY_NS: Final = 86_400_000_000_000
_WINDOWS: Final = {"1y": "year", "1q": "quarter", "1mo": "month", "1w": "week"}
_PARTS: Final = ("score", "completeness", "validity", "freshness", "consistency")


def data_page(found: Examination, *, title: str | None = None) -> str:
    """Page of an examination as one HTML document.

    Parameters
    ----------
    found : Examination
        From `tradewright.data.examine`.
    title : str, optional
        Default: the symbols.

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
    >>> from tradewright.data import examine
    >>> page = data_page(examine("SPX", start="2018-01-01"))
    >>> page[:15], "Data check" in page, "251 of 251 sessions" in page
    ('<!doctype html>', True, True)
    """
    values = {score.symbol: score.score for score in found.quality}
    drawn = sorted(found.tallies, key=lambda one: values.get(one.symbol, 0.0))[:MAX_SERIES]
    drawn_names = {one.symbol for one in drawn}
    chosen = [one for one in found.tallies if one.symbol in drawn_names and (one.ts.size or one.row_ts.size)]
    points = max(600, POINTS // max(1, len(chosen) // 4))
    store = Store()
    payload: dict[str, Any] = {
        "series": [store.pack(_picture(one, found, points)) for one in chosen],
        "map": store.pack(_map(chosen, found)) if len(chosen) > 1 else None,
        "window": _WINDOWS[found.window],
        "layout": base_layout(),
        "axis": axis(),
        "marks": [{"key": key, "label": label, "symbol": shape, "color": color} for key, label, shape, color in _MARKS],
    }
    payload["arrays"] = store.arrays
    body = [
        _hero(found, title or _title(found)),
        _instruments(found),
        _map_section(found, chosen),
        _series_section(found, chosen),
        _findings(found),
        _agreement(found),
        _conventions(found),
        _foot(),
    ]
    links = [("instruments", "Coverage"), ("map", "Map"), ("series", "Series"), ("findings", "Findings")]
    if found.agreements:
        links.append(("agreement", "Second source"))
    links.append(("conventions", "Conventions"))
    if len(chosen) <= 1:
        links = [link for link in links if link[0] != "map"]
    return document(title or _title(found), "".join(body), payload, links=links, script="data.js")


def write_data_page(found: Examination, path: str | Path = "data.html", *, title: str | None = None) -> Path:
    """Write the page to a file, at once or not at all, and return its path; see `data_page`."""
    from tradewright.engine.record import write_atomic

    return write_atomic(Path(path), data_page(found, title=title).encode("utf-8"))


def _title(found: Examination) -> str:
    names = found.symbols
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} instruments"


# -- pictures ----------------------------------------------------------------------------------------------------------


def _picture(one: Tally, found: Examination, points: int) -> dict[str, Any]:
    """Arrays of one instrument."""
    cover, kept = one.coverage, one.kept
    hours = hours_of(one.calendar)
    intraday = unit_of(one.interval_ns) == "intraday"
    days = session_days(kept.ts, hours) if kept.ts.size else kept.ts
    local = to_local(kept.ts, hours.zone) / 1e6 if intraday else days * 86_400_000.0
    rows = keep_shape([kept.close], points) if kept.ts.size else np.zeros(0, dtype=np.int64)
    windows = [score for score in found.windows if score.symbol == one.symbol]
    volume_day, volume, level, shifts = _volume(one, points)
    return {
        "symbol": one.symbol,
        "unit": cover.unit,
        "days": cover.sessions.astype(np.int32),
        "share": cover.per_session.astype(np.float32),
        "t": np.asarray(local[rows], dtype=np.float64),
        "close": kept.close[rows].astype(np.float32),
        "thinned": bool(rows.size < kept.ts.size),
        "bars": int(kept.ts.size),
        "daily": not intraday,
        "marks": {key: _marks(one, key, hours.zone, intraday=intraday) for key, *_ in _MARKS},
        "volume": {"t": volume_day * 86_400_000.0, "v": volume.astype(np.float32), "level": level.astype(np.float32)},
        "shifts": shifts,
        "windows": {
            "label": [_label(score, found.window) for score in windows],
            "z": {part: np.array([getattr(score, part) for score in windows]) for part in _PARTS},
            "expected": [score.expected for score in windows],
            "present": [score.present for score in windows],
        },
    }


def _label(score: Quality, window: str) -> str:
    day = score.start
    if window == "1y":
        return day[:4]
    if window == "1q":
        return f"{day[:4]} Q{(int(day[5:7]) + 2) // 3}"
    return day[:7] if window == "1mo" else day


def _marks(one: Tally, key: str, zone: str, *, intraday: bool) -> dict[str, Any]:
    """Where findings of one rule lie on the line of closes."""
    if key == "rejected":
        rows = np.flatnonzero(one.rejected)
        stamps = one.row_ts[rows]
        stamps = stamps[stamps != np.iinfo(np.int64).min]
    else:
        rows = one.judged.where.get(key, np.zeros(0, dtype=np.int64))
        findings = [f for f in one.judged.report.findings if f.rule == key and f.ts is not None]
        stamps = np.array([f.ts for f in findings], dtype=np.int64)
    total = int(rows.size)
    stamps = np.sort(stamps)[:_MARK_LIMIT]
    if not stamps.size or not one.kept.ts.size:
        return {"total": total, "t": np.zeros(0), "y": np.zeros(0)}
    # A rejected row has no price worth drawing: it is marked on the last good one.
    place = np.clip(np.searchsorted(one.kept.ts, stamps, side="right") - 1, 0, one.kept.ts.size - 1)
    local = to_local(stamps, zone) if intraday else session_days(stamps, hours_of(one.calendar)) * _DAY_NS
    return {"total": total, "t": local / 1e6, "y": one.kept.close[place]}


def _volume(one: Tally, points: int) -> tuple[F64, F64, F64, list[dict[str, Any]]]:
    """Volume of each session, the level between shifts, and the shifts."""
    kept = one.kept
    if not kept.ts.size:
        none = np.zeros(0)
        return none, none, none, []
    numbers = session_numbers(kept.ts, one.calendar)
    first = np.concatenate(([0], np.flatnonzero(np.diff(numbers)) + 1))
    volume = np.add.reduceat(np.where(np.isfinite(kept.volume), kept.volume, 0.0), first)
    days = numbers[first].astype(np.float64)
    level = np.full(volume.size, np.nan)
    edges = np.unique(numbers[np.searchsorted(kept.ts, _shift_stamps(one))])
    cuts = [0, *np.searchsorted(numbers[first], edges).tolist(), volume.size]
    for a, b in pairwise(cuts):
        part = volume[a:b][volume[a:b] > 0.0]
        if part.size:
            level[a:b] = np.median(part)
    shifts = [
        {"t": float(days[cut] * 86_400_000.0), "date": str(np.datetime64(int(days[cut]), "D")),
         "factor": float(level[cut] / level[cut - 1])}
        for cut in cuts[1:-1]
    ]  # fmt: skip
    volume = np.where(volume > 0.0, volume, np.nan)
    if volume.size > points:
        rows = keep_shape([volume], points)
        return days[rows], volume[rows], level[rows], shifts
    return days, volume, level, shifts


def _shift_stamps(one: Tally) -> npt.NDArray[np.int64]:
    found = [f.ts for f in one.judged.report.findings if f.rule == "volume_unit" and f.ts is not None]
    return np.array(found, dtype=np.int64)


def _map(chosen: list[Tally], found: Examination) -> dict[str, Any]:
    """Completeness of all instruments over time, and their scores by window."""
    with_days = [one for one in chosen if one.coverage.sessions.size]
    if not with_days:
        return {"symbols": [], "t": [], "z": np.zeros(0, dtype=np.float32), "windows": [], "scores": np.zeros(0)}
    # Sessions, not days, make the columns: weekends are no holes.
    every = np.unique(np.concatenate([one.coverage.sessions for one in with_days]))
    cuts = np.unique(np.linspace(0, every.size, min(MAP_COLUMNS, every.size) + 1).astype(np.int64))
    edges = np.append(every[cuts[:-1]], every[-1] + 1)
    z = np.full((len(chosen), edges.size - 1), np.nan)
    lost = np.zeros(z.shape, dtype=np.int32)
    for k, one in enumerate(chosen):
        days, share = one.coverage.sessions, one.coverage.per_session
        if not days.size:
            continue
        place = np.searchsorted(edges, days, side="right") - 1
        total = np.bincount(place, minlength=edges.size - 1).astype(np.float64)
        have = np.bincount(place, weights=share, minlength=edges.size - 1)
        z[k] = np.divide(have, total, out=np.full(total.size, np.nan), where=total > 0.0)
        lost[k] = np.bincount(place[share < 1.0], minlength=edges.size - 1)
    labels = list(dict.fromkeys(_label(score, found.window) for score in sorted(found.windows, key=lambda s: s.start)))
    place_of = {label: k for k, label in enumerate(labels)}
    scores = np.full((len(chosen), len(labels)), np.nan)
    row_of = {one.symbol: k for k, one in enumerate(chosen)}
    for score in found.windows:
        if score.symbol in row_of:
            scores[row_of[score.symbol], place_of[_label(score, found.window)]] = score.score
    return {
        "symbols": [one.symbol for one in chosen],
        "t": [str(np.datetime64(int(day), "D")) for day in edges[:-1]],
        "end": [str(np.datetime64(int(day), "D")) for day in every[cuts[1:] - 1]],
        "z": z.astype(np.float32).ravel(),
        "lost": lost.ravel(),
        "windows": labels,
        "scores": scores.astype(np.float32).ravel(),
    }


# -- sections ----------------------------------------------------------------------------------------------------------


def _hero(found: Examination, title: str) -> str:
    report = found.report
    expected = sum(one.coverage.expected for one in found.tallies)
    present = sum(one.coverage.present for one in found.tallies)
    units = {one.coverage.unit for one in found.tallies if one.coverage.expected}
    unit = f"{units.pop()}s" if len(units) == 1 else "sessions and bars"
    days = [(one.coverage.first, one.coverage.last) for one in found.tallies if one.ts.size]
    low, high = min((d[0] for d in days), default=0), max((d[1] for d in days), default=0)
    span = f"{np.datetime64(low, 'D')} to {np.datetime64(high, 'D')}" if days else ""
    intervals = list(dict.fromkeys(one.coverage.interval for one in found.tallies if one.coverage.interval))
    number_of = f"{len(found.symbols)} instrument{'s' if len(found.symbols) != 1 else ''}"
    facts = [found.source, ", ".join(intervals[:4]), span, number_of]
    worst = found.worst
    warnings = report.count(severity="warning")
    tiles = [
        ("Quality, worst instrument", number(worst.score if worst else None, 3), worst.symbol if worst else "",
         "loss" if worst and worst.score < 0.8 else ""),
        ("Coverage", _share(present, expected), f"{present:,} of {expected:,} {unit}", ""),
        ("Missing", count(float(expected - present)), unit, ""),
        ("Rejected rows", count(float(report.rejected)), f"of {report.n_rows:,}", "loss" if report.rejected else ""),
        ("Warnings", count(float(warnings)), "to be looked at" if warnings else "none", ""),
    ]  # fmt: skip
    cells = [
        tag("div", tag("dt", esc(name)), tag("dd", tag("span", text, class_=f"big {style}".strip()),
            tag("span", esc(below) or "&nbsp;", class_="other")), class_="tile")
        for name, text, below, style in tiles
    ]  # fmt: skip
    stamps = [
        tag("li", tag("strong", esc(head)), " ", tag("span", esc(text)), class_=f"stamp {level}")
        for head, text, level in _banners(found)
    ]
    return tag(
        "section",
        tag("p", "Data check", class_="eyebrow"),
        tag("h1", esc(title)),
        tag("p", "".join(tag("span", esc(fact)) for fact in facts if fact), class_="facts"),
        tag("ul", *stamps, class_="stamps", aria_label="What to know first") if stamps else "",
        tag("dl", *cells, class_="tiles five"),
        tag("p", _summary(found), class_="summary"),
        class_="hero",
        id="overview",
        aria_label="Overview",
    )


def _banners(found: Examination) -> list[tuple[str, str, str]]:
    report = found.report
    out: list[tuple[str, str, str]] = []
    if report.rejected:
        out.append(("ROWS REJECTED", f"{report.rejected:,} of {report.n_rows:,} rows are no bars.", "alarm"))
    for rule, head, text, level in (
        ("volume_unit", "VOLUME CHANGES UNIT", "rules that read volume are wrong across the break", "alarm"),
        ("split", "GAPS LIKE SPLITS", "prices may not be adjusted", "warn"),
        ("disagreement", "SOURCES DISAGREE", "returns differ between the two sources", "warn"),
        ("stale", "STALE STRETCHES", "the same four prices again and again", "warn"),
    ):
        number_of = report.count(rule, severity="warning")
        if number_of:
            names = list(dict.fromkeys(f.symbol for f in report.findings if f.rule == rule))
            where = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
            out.append((head, f"{number_of:,} in {where}: {text}.", level))
    vague = [one for one in found.tallies if one.ts.size and not one.coverage.exact]
    if vague:
        out.append(("NO EXACT CALENDAR", f"{len(vague)} instruments: {vague[0].coverage.note[:160]}.", "info"))
    return out


def _summary(found: Examination) -> str:
    gaps = sum(bool(one.coverage.missing.size) for one in found.tallies)
    total = len(found.tallies)
    if total == 1:
        one = found.tallies[0].coverage
        words = (
            f"{one.present:,} of {one.expected:,} {one.unit}s that the calendar {one.calendar} demands are there"
            + (f"; {one.extra.size:,} bars lie outside of them." if one.extra.size else ".")
        )
        return esc(words)
    commonest: dict[str, int] = {}
    for one_tally in found.tallies:
        for text in one_tally.coverage.missing_texts()[:5_000]:
            commonest[text] = commonest.get(text, 0) + 1
    words = f"{gaps:,} of {total:,} instruments miss something that their exchange's calendar demands."
    if commonest:
        text, times = max(commonest.items(), key=lambda item: (item[1], item[0]))
        if times > 1:
            words += f" Most often {text[:16].replace('T', ' ')}, which {times:,} of them miss."
    return esc(words)


def _share(part: int, whole: int) -> str:
    if not whole:
        return UNDEFINED
    text = fraction(part / whole, 2)
    # Never 100.00 % where something is missing.
    return f"&gt; {fraction(0.9999, 2)}" if part < whole and part / whole > 0.99995 else text


def _instruments(found: Examination) -> str:
    scores = {score.symbol: score for score in found.quality}
    rows = []
    for one in found.tallies[:500]:
        cover, score = one.coverage, scores.get(one.symbol)
        texts = cover.missing_texts()[:3]
        shown = ", ".join(text[:16].replace("T", " ") for text in texts) + (", ..." if cover.missing.size > 3 else "")
        rows.append(
            (
                esc(one.symbol), esc(cover.calendar), esc(cover.interval),
                str(np.datetime64(cover.first, "D")) if one.ts.size else UNDEFINED,
                str(np.datetime64(cover.last, "D")) if one.ts.size else UNDEFINED,
                count(float(cover.expected)), count(float(cover.missing.size)), count(float(cover.extra.size)),
                _share(cover.present, cover.expected), count(float(one.judged.report.rejected)),
                number(score.score if score else None, 4), esc(shown),
            )
        )  # fmt: skip
    head = [
        ("Instrument", ""), ("Calendar", ""), ("Bar", ""), ("First", "n"), ("Last", "n"), ("Expected", "n"),
        ("Missing", "n"), ("Outside", "n"), ("Coverage", "n"), ("Rejected", "n"), ("Quality", "n"),
        ("Missing are", "text"),
    ]  # fmt: skip
    more = (
        tag("p", f"The first 500 of {len(found.tallies):,} instruments.", class_="note")
        if len(found.tallies) > 500
        else ""
    )
    lead = (
        "Expected is every session of the exchange (or every bar inside its hours) from the first to the last bar of "
        "the instrument, with holidays, half days and daylight saving."
    )
    return tag(
        "section",
        tag("h2", "Coverage", id="instruments-title"),
        tag("p", lead, class_="lead"),
        table(head, rows, caption="Coverage by instrument", class_="plain"),
        more,
        id="instruments",
        aria_labelledby="instruments-title",
    )


def _map_section(found: Examination, chosen: list[Tally]) -> str:
    if len(chosen) <= 1:
        return ""
    cut = (
        tag("p", f"The {len(chosen)} instruments of the lowest quality, of {len(found.tallies):,}.", class_="note")
        if len(chosen) < len(found.tallies)
        else ""
    )
    height = 60 + max(160, 17 * len(chosen))
    return tag(
        "section",
        tag("h2", "Map of all instruments", id="map-title"),
        tag(
            "p", "Blue is there, vermilion is missing; empty is before the first or after the last bar.", class_="lead"
        ),
        tag(
            "div",
            '<label>Show <select id="map-kind"><option value="gaps">completeness over time</option>'
            f'<option value="scores">quality by {_WINDOWS[found.window]}</option></select></label>',
            class_="head",
        ),
        _chart("map", height, "Completeness of every instrument over time; the table above has the numbers"),
        cut,
        id="map",
        aria_labelledby="map-title",
    )


def _chart(name: str, height: int, label: str) -> str:
    return tag(
        "div", tag("noscript", "Charts need scripts."), class_="chart", id=f"chart-{name}", role="img",
        aria_label=label, style=f"height:{height}px",
    )  # fmt: skip


def _series_section(found: Examination, chosen: list[Tally]) -> str:
    if not chosen:
        empty = tag("p", "Not one row could be read, so there is nothing to draw.", class_="empty")
        return tag(
            "section", tag("h2", "Series", id="series-title"), empty, id="series", aria_labelledby="series-title"
        )
    worst = min(
        range(len(chosen)), key=lambda k: next((s.score for s in found.quality if s.symbol == chosen[k].symbol), 1.0)
    )
    options = "".join(tag("option", esc(one.symbol), value=str(k), selected=k == worst) for k, one in enumerate(chosen))
    picker = f'<label>Instrument <select id="symbol">{options}</select></label>' if len(chosen) > 1 else ""
    return tag(
        "section",
        tag("h2", "Series", id="series-title"),
        tag("div", tag("h3", "Coverage calendar", class_="grow"), picker, class_="head"),
        _chart("calendar", 260, "Share of each session's bars that is there"),
        tag("p", "", class_="note", id="calendar-note", aria_live="polite"),
        tag("h3", "Price and what was objected to"),
        _chart("price", 360, "Closes with rejected rows, spikes, splits and outliers"),
        tag("p", "", class_="note", id="price-note", aria_live="polite"),
        tag("h3", "Volume of a session and its level"),
        _chart("volume", 260, "Volume of each session on a logarithmic axis, with changes of its level"),
        tag("p", "", class_="note", id="volume-note", aria_live="polite"),
        tag("h3", f"Quality by {_WINDOWS[found.window]}"),
        _chart("quality", 220, "Quality score and its parts by window"),
        tag("p", "The score is the product of the four parts below it.", class_="note"),
        id="series",
        aria_labelledby="series-title",
    )


def _findings(found: Examination) -> str:
    report = found.report
    order = {"error": 0, "warning": 1, "info": 2}
    totals: dict[tuple[str, str], list[int]] = {}
    for (_, rule, severity), times in report.counts.items():
        cell = totals.setdefault((severity, rule), [0, 0])
        cell[0] += times
        cell[1] += 1
    counted = [
        (tag("span", esc(severity), class_=f"badge {esc(severity)}"), esc(rule.replace("_", " ")),
         count(float(times)), count(float(names)))
        for (severity, rule), (times, names) in sorted(totals.items(), key=lambda i: (order[i[0][0]], -i[1][0]))
    ]  # fmt: skip
    if not counted:
        body = tag("p", "No rule objected to anything.", class_="empty")
        return tag(
            "section", tag("h2", "Findings", id="findings-title"), body, id="findings",
            aria_labelledby="findings-title",
        )  # fmt: skip
    shown = sorted(report.findings, key=lambda f: order[str(f.severity)])[:LISTED]
    rows = [
        (
            tag("span", esc(f.severity), class_=f"badge {esc(f.severity)}"), esc(f.rule.replace("_", " ")),
            esc(f.symbol), count(float(f.row)) if f.row is not None else UNDEFINED,
            "" if f.ts is None else str(np.datetime64(int(f.ts), "ns"))[:16].replace("T", " "),
            UNDEFINED if f.value is None or not np.isfinite(f.value) else f"{f.value:,.6g}",
            esc(_short(f.message)), esc(f.action),
        )
        for f in shown
    ]  # fmt: skip
    head = [
        ("Severity", ""), ("Rule", ""), ("Instrument", ""), ("Row", "n"), ("When (UTC)", "n"), ("Value", "n"),
        ("Finding", "text"), ("Done", ""),
    ]  # fmt: skip
    total = sum(report.counts.values())
    note = (
        tag("p", f"The first {len(rows)} of {total:,} findings, errors first.", class_="note")
        if total > len(rows)
        else ""
    )
    return tag(
        "section",
        tag("h2", "Findings", id="findings-title"),
        table(
            [("Severity", ""), ("Rule", ""), ("Count", "n"), ("Instruments", "n")], counted,
            caption="Findings by rule", class_="plain narrow",
        ),
        tag("h3", "One by one"),
        note,
        table(head, rows[:_OPEN], caption="Findings", class_="plain"),
        tag(
            "details",
            tag("summary", f"{len(rows) - _OPEN:,} more"),
            table(head, rows[_OPEN:], caption="More findings", class_="plain"),
        )
        if len(rows) > _OPEN
        else "",
        id="findings",
        aria_labelledby="findings-title",
    )  # fmt: skip


def _short(message: str) -> str:
    """Message without symbol, row and time, which have their own columns."""
    head, mark, rest = message.partition(": ")
    text = rest if mark and " row " in head else message
    return text[:1].upper() + text[1:]


def _agreement(found: Examination) -> str:
    if not found.agreements:
        return ""
    rows = [
        (
            esc(one.symbol), count(float(one.n_common)), number(one.correlation, 5),
            fraction(float(np.abs(one.difference).max()), 2) if one.difference.size else UNDEFINED,
            count(float(len(one.findings))),
            esc(", ".join(f.message.split(" ")[1].rstrip(":") for f in one.findings[:5]))
            + (", ..." if len(one.findings) > 5 else ""),
        )
        for one in found.agreements
    ]  # fmt: skip
    head = [
        ("Instrument", ""), ("Bars in common", "n"), ("Correlation of returns", "n"), ("Largest difference", "n"),
        ("Beyond tolerance", "n"), ("On", "text"),
    ]  # fmt: skip
    tolerance = found.agreements[0].tolerance
    missing = (
        tag("p", f"Not in the other source: {esc(', '.join(found.unmatched[:40]))}.", class_="note")
        if found.unmatched
        else ""
    )
    return tag(
        "section",
        tag("h2", "Against the second source", id="agreement-title"),
        tag("p", f"Returns of a bar that differ by more than {fraction(tolerance, 1)} are findings.", class_="lead"),
        table(head, rows, caption="Agreement of two sources", class_="plain"),
        missing,
        id="agreement",
        aria_labelledby="agreement-title",
    )


def _conventions(found: Examination) -> str:
    from tradewright.data.examination import CONVENTIONS

    items = [
        tag("div", tag("dt", esc(name.capitalize())), tag("dd", esc(text[:1].upper() + text[1:])))
        for name, text in CONVENTIONS.items()
    ]
    return tag(
        "section",
        tag("h2", "Conventions", id="conventions-title"),
        tag("dl", *items, class_="facts-list"),
        id="conventions",
        aria_labelledby="conventions-title",
    )


def _foot() -> str:
    from tradewright import __version__

    return tag(
        "footer",
        tag(
            "p",
            "A check finds what rules can see. Prices that are plausible and wrong pass all but a second source.",
        ),
        tag("p", f"Made by tradewright {esc(__version__)}. This file needs no network."),
    )
