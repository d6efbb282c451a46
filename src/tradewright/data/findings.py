"""What the rules found, as one value that can be counted, read and printed.

Entry points: `SanityReport`, `FINDING_LIMIT`.

Invariants: counts are exact; findings are examples, at most `FINDING_LIMIT` a rule and instrument.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..domain.bars import utc

if TYPE_CHECKING:
    from ..domain.events import Finding

__all__ = ["FINDING_LIMIT", "SanityReport"]

_HOLE: Final = 10.0
"""Missing days, or bars inside a session, from which a hole is worth an alert."""

_ALERTS: Final = (
    ("split", "a gap that looks like a split the prices are not adjusted for", "gaps that look like splits"),
    ("jump", "a move beyond a factor of two", "moves beyond a factor of two"),
    ("stale", "a stale stretch (the same four prices although traded)", "stale stretches"),
    ("gap", "a long hole in the bars", "long holes in the bars"),
)

FINDING_LIMIT: Final = 200
"""Findings kept per rule and instrument; counts are exact beyond it."""


@dataclass(frozen=True, slots=True)
class SanityReport:
    """What the rules found.

    Parameters
    ----------
    findings : tuple of Finding
        At most `FINDING_LIMIT` per rule and instrument, in the order of the rules.
    counts : dict
        Exact number of objections, by (symbol, rule, severity).
    n_rows, n_kept : int
        Rows judged (per instrument, added up), and rows that are bars afterwards.
    checked : bool
        False when the rules were switched off.

    Examples
    --------
    >>> from tradewright.data import check
    >>> from tradewright.domain.bars import Bars
    >>> bars = Bars.from_arrays(None, [1, 2, 3.0], [1, 2, 3.0], [1, 2, 3.5], [1, 2, 3.0], symbols="SPY")
    >>> report = check(bars)
    >>> report.ok, report.rejected, report.findings[0].rule, report.findings[0].row
    (False, 1, 'relation', 2)
    """

    findings: tuple[Finding, ...] = ()
    counts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    n_rows: int = 0
    n_kept: int = 0
    checked: bool = True

    @property
    def ok(self) -> bool:
        """True when no rule found an error."""
        return not self.count(severity="error")

    @property
    def rejected(self) -> int:
        """Rows that did not become bars."""
        return self.n_rows - self.n_kept

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that took a row out."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that a person should look at."""
        return tuple(f for f in self.findings if f.severity == "warning")

    def count(self, rule: str | None = None, *, symbol: str | None = None, severity: str | None = None) -> int:
        """Exact number of objections, narrowed by rule, symbol and severity."""
        return sum(
            number
            for (of, name, level), number in self.counts.items()
            if rule in {None, name} and symbol in {None, of} and severity in {None, level}
        )

    def alerts(self, first: int | None = None, last: int | None = None) -> list[str]:
        """What somebody who trades on these bars must be told, one sentence a kind.

        Parameters
        ----------
        first, last : int, optional
            Stamps (ns) of the range that is traded; findings outside of it are left out.

        Returns
        -------
        list of str
            About gaps that look like splits, large moves, stale runs and long holes.
        """
        out: list[str] = []
        for rule, one, many in _ALERTS:
            found = [
                finding
                for finding in self.findings
                if finding.rule == rule
                and finding.ts is not None
                and (first is None or finding.ts >= first)
                and (last is None or finding.ts <= last)
                and (finding.severity == "warning" or (rule == "gap" and _is_hole(finding)))
            ]
            if found:
                names = list(dict.fromkeys(finding.symbol for finding in found))
                head = found[0]
                what = one if len(found) == 1 else f"{len(found)} {many}"
                where = f" in {len(names)} instruments" if len(names) > 1 else ""
                day = "" if head.ts is None else f"{utc(head.ts):%Y-%m-%d}"
                out.append(f"data: {what}{where}: {'' if len(found) == 1 else 'first '}{head.symbol} {day}")
        return out

    def lines(self) -> list[str]:
        """One sentence per symbol and rule, worst first."""
        order = {"error": 0, "warning": 1, "info": 2}
        out: list[str] = []
        for (symbol, rule, severity), number in sorted(
            self.counts.items(), key=lambda item: (order[item[0][2]], item[0][0], item[0][1])
        ):
            first = next((f for f in self.findings if (f.symbol, f.rule, f.severity) == (symbol, rule, severity)), None)
            where = f"; first: {first.message}" if first is not None else ""
            out.append(f"{severity} {symbol} {rule}: {number}{where}")
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; stamps as ISO text."""
        return {
            "checked": self.checked,
            "ok": self.ok,
            "rows": self.n_rows,
            "kept": self.n_kept,
            "rejected": self.rejected,
            "counts": [
                {"symbol": symbol, "rule": rule, "severity": severity, "count": number}
                for (symbol, rule, severity), number in self.counts.items()
            ],
            "findings": [
                {
                    "rule": f.rule,
                    "severity": str(f.severity),
                    "symbol": f.symbol,
                    "row": f.row,
                    "time": None if f.ts is None else utc(f.ts).isoformat(),
                    "value": f.value if f.value is not None and np.isfinite(f.value) else None,
                    "message": f.message,
                    "action": f.action,
                }
                for f in self.findings
            ],
        }

    @classmethod
    def merged(cls, reports: Iterable[SanityReport]) -> SanityReport:
        """One report over several instruments."""
        every = list(reports)
        counts: Counter[tuple[str, str, str]] = Counter()
        for report in every:
            counts.update(report.counts)
        return cls(
            tuple(f for report in every for f in report.findings),
            dict(counts),
            sum(report.n_rows for report in every),
            sum(report.n_kept for report in every),
            all(report.checked for report in every),
        )


def _is_hole(finding: Finding) -> bool:
    return finding.value is not None and finding.value >= _HOLE
