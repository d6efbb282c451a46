"""Pulling in wild prints, as a repair that is asked for and noted row by row.

Entry point: `winsorised`.

Invariants: never a default; only spikes that the next bar takes back are touched, so a lasting move is never invented
away; each repaired row is a finding and the provenance says how many. The repair looks one bar ahead, as any such
repair must: it is for research, and the note says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from ..domain.bars import FIELDS, Bars, utc
from ..domain.events import Finding, Severity
from .findings import FINDING_LIMIT, SanityReport
from .judging import series_of_column
from .robust import MAD_TO_SIGMA
from .rules import SPIKE, return_z, spikes

__all__ = ["winsorised"]


def winsorised(bars: Bars, *, limit: float = SPIKE, window: int = 100) -> tuple[Bars, SanityReport]:
    """Bars whose spikes are pulled in to `limit` robust deviations of a return.

    Parameters
    ----------
    bars : Bars
        Judged bars.
    limit : float
        Robust standard deviations that are left of a spike.
    window : int
        Returns before that tell the deviation.

    Returns
    -------
    bars : Bars
        The same object when there is no spike.
    report : SanityReport
        One finding a row with the close that was there; `n_rows` is 0, for nothing was judged anew.

    Examples
    --------
    >>> close = 100.0 * np.exp(np.cumsum(np.tile([0.01, 0.0, -0.01], 30))); close[60] *= 3.0
    >>> kept, report = winsorised(Bars.from_arrays(None, close, close, close, close, symbols="SPY"))
    >>> round(float(kept.close[60, 0]), 1), report.findings[0].row, report.findings[0].action
    (116.0, 60, 'winsorised')
    """
    arrays: dict[str, Any] = {}
    findings: list[Finding] = []
    counts: Counter[tuple[str, str, str]] = Counter()
    notes: list[str] = []
    for j in range(bars.n_assets):
        symbol, whole = series_of_column(bars, j)
        rows = np.flatnonzero(~np.isnan(whole.close))
        series = whole.take(rows)
        z = return_z(series, window=window)
        there, _ = spikes(series, z, limit=limit)
        found = np.flatnonzero(there)
        if not found.size:
            continue
        arrays = arrays or {name: getattr(bars, name).copy() for name in FIELDS}
        change = np.diff(np.log(series.close), prepend=np.nan)
        for k in found.tolist():
            past = change[max(1, k - window) : k]
            middle = float(np.median(past))
            reach = limit * max(1e-4, MAD_TO_SIGMA * float(np.median(np.abs(past - middle))))
            before = float(series.close[k - 1])
            low, high = before * float(np.exp(middle - reach)), before * float(np.exp(middle + reach))
            row = int(rows[k])
            for name in ("open", "high", "low", "close"):
                arrays[name][row, j] = min(max(float(arrays[name][row, j]), low), high)
            if len(findings) < FINDING_LIMIT:
                when, was = int(series.ts[k]), float(series.close[k])
                text = f"{symbol} row {row} ({utc(when):%Y-%m-%d %H:%M}): the spike {was:g} was pulled in"
                findings.append(Finding(rule="spike", severity=Severity.WARNING, message=text, symbol=symbol, row=row,
                                        ts=when, value=was, action="winsorised"))  # fmt: skip
        counts[symbol, "spike", "warning"] += int(found.size)
        notes.append(f"{symbol}: {found.size} spikes winsorised at {limit:g} robust deviations, knowing the bar after")
    if not arrays:
        return bars, SanityReport()
    return (
        replace(bars, **arrays, provenance=bars.provenance.with_note(*notes)),
        SanityReport(tuple(findings), dict(counts)),
    )
