"""How well each source of market data has been doing, and which of them is asked.

Entry points: `HealthBook`, `Health`, `HealthRules`.

The score of a provider lies in [0, 1]::

    score = success * (0.8 + 0.1 / (1 + latency / slow) + 0.1 * freshness)

with exponential averages of success (1 answered, 0 failed), latency in seconds and freshness (1 up to date, less when
the newest bar was older than it should be). "I do not have that symbol" is an answer, not a failure. A provider whose
score falls below the threshold is demoted: others are asked first for a cool-down, which doubles each time, and then
one request may try it again.

Invariants: a demoted provider is still asked when nobody else has an answer; of several threads one probes; times are
those of the clock that was given, so that what is kept in a file holds after a restart.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from ..domain.errors import InputError

__all__ = ["Health", "HealthBook", "HealthRules"]

_FORMAT: Final = "tradewright.health/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRules:
    """When a provider is believed to be ill.

    Parameters
    ----------
    weight : float
        Share of the newest outcome in the averages, in (0, 1].
    threshold : float
        Score below which a provider is demoted.
    slow : float
        Seconds of latency at which half of the marks for speed are lost.
    cool_down, longest_cool_down : float
        Seconds before a demoted provider is tried again; doubled each time it fails then, up to the longest.

    Examples
    --------
    >>> HealthRules().threshold
    0.5
    """

    weight: float = 0.2
    threshold: float = 0.5
    slow: float = 5.0
    cool_down: float = 60.0
    longest_cool_down: float = 3600.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("weight", 1e-6, 1.0), ("threshold", 0.0, 0.95), ("slow", 1e-6, 1e6), ("cool_down", 0.0, 1e9),
            ("longest_cool_down", 0.0, 1e9),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} is {value!r}; it must lie from {low:g} to {high:g}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """State of one provider.

    Parameters
    ----------
    success, freshness : float
        Exponential averages in [0, 1].
    latency : float
        Exponential average in seconds; 0 before the first answer.
    score : float
        As the module says.
    calls, answers, missing, failures, stale : int
        What happened since the beginning; `answers` include `missing` and `stale`.
    demoted : bool
        Whether others are asked first.
    retry_at : float
        Seconds of the clock at which a demoted provider is tried again.
    cool_down : float
        Its next cool-down.
    last_error : str
        What it said last when it failed.
    """

    success: float = 1.0
    latency: float = 0.0
    freshness: float = 1.0
    score: float = 1.0
    calls: int = 0
    answers: int = 0
    missing: int = 0
    failures: int = 0
    stale: int = 0
    demoted: bool = False
    retry_at: float = 0.0
    cool_down: float = 0.0
    last_error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(slots=True)
class _Kept:
    health: Health = field(default_factory=Health)
    probing: bool = False


class HealthBook:
    """Health of several providers.

    Parameters
    ----------
    rules : HealthRules, optional
    path : str or Path, optional
        File in which it is kept between runs. Where it cannot be read, everybody starts healthy and `problem` says why.
    clock : callable
        Seconds since 1970.

    Examples
    --------
    >>> book = HealthBook(clock=lambda: 0.0)
    >>> for _ in range(4):
    ...     book.failed("web", "time-out", seconds=1.0)
    >>> book["web"].demoted, book.order(["web", "store"])
    (True, ['store', 'web'])
    """

    def __init__(
        self,
        rules: HealthRules | None = None,
        *,
        path: str | Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rules = rules or HealthRules()
        self.problem = ""
        self._path = None if path is None else Path(path)
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        if self._path is not None:
            self._kept, self.problem = _read(self._path, self._clock(), self.rules.longest_cool_down)

    def __getitem__(self, name: str) -> Health:
        with self._lock:
            return self._kept[name].health if name in self._kept else Health()

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain values for JSON, by provider."""
        with self._lock:
            return {name: kept.health.to_dict() for name, kept in self._kept.items()}

    def order(self, names: Iterable[str]) -> list[str]:
        """Providers in the order in which to ask them: as given, the demoted last.

        One whose cool-down is over has its old place for whoever asks first: that request is its probe.
        """
        now = self._clock()
        first: list[str] = []
        later: list[str] = []
        with self._lock:
            for name in names:
                kept = self._kept.setdefault(name, _Kept())
                if not kept.health.demoted:
                    first.append(name)
                elif now >= kept.health.retry_at and not kept.probing:
                    kept.probing = True
                    first.append(name)
                else:
                    later.append(name)
        return [*first, *later]

    def answered(self, name: str, *, seconds: float, missing: bool = False, freshness: float = 1.0) -> None:
        """Note an answer, `missing` when it was that there is nothing."""
        self._note(name, 1.0, seconds, freshness, missing=missing, error="")

    def failed(self, name: str, error: str, *, seconds: float) -> None:
        """Note a failure."""
        self._note(name, 0.0, seconds, None, missing=False, error=error)

    def release(self, names: Iterable[str]) -> None:
        """Give back probes that were not needed: another provider had everything."""
        with self._lock:
            for name in names:
                if name in self._kept:
                    self._kept[name].probing = False

    def save(self) -> None:
        """Write the file, at once or not at all; a file that cannot be written is a `problem`, not an error."""
        if self._path is None:
            return
        text = json.dumps({"format": _FORMAT, "providers": self.to_dict()}, indent=2)
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(text, encoding="utf-8")
            part.replace(self._path)
        except OSError as error:
            self.problem = f"the health of the providers cannot be kept in {self._path.name}: {error.strerror}"

    def _note(
        self, name: str, outcome: float, seconds: float, freshness: float | None, *, missing: bool, error: str
    ) -> None:
        rules, now = self.rules, self._clock()
        with self._lock:
            kept = self._kept.setdefault(name, _Kept())
            old = kept.health
            probe, kept.probing = old.demoted, False
            failed = outcome == 0.0
            stale = freshness is not None and freshness < 1.0
            first = old.calls == 0
            success = old.success + rules.weight * (outcome - old.success)
            if probe and not failed:
                # Back on probation: above the threshold, and a single failure more is enough.
                success = max(success, min(1.0, rules.threshold / 0.8 + 0.1))
            new = replace(
                old,
                success=success,
                latency=seconds if first else old.latency + rules.weight * (seconds - old.latency),
                freshness=old.freshness
                if freshness is None
                else old.freshness + rules.weight * (min(1.0, max(0.0, freshness)) - old.freshness),
                calls=old.calls + 1,
                answers=old.answers + (not failed),
                missing=old.missing + missing,
                failures=old.failures + failed,
                stale=old.stale + stale,
                last_error=error or old.last_error,
            )
            new = replace(new, score=_score(new, rules))
            if new.score >= rules.threshold and not (probe and failed):
                new = replace(new, demoted=False, retry_at=0.0, cool_down=old.cool_down if failed else 0.0)
            elif not old.demoted or (failed and now >= old.retry_at):
                wait = min(rules.longest_cool_down, max(rules.cool_down, 2.0 * old.cool_down))
                new = replace(new, demoted=True, retry_at=now + wait, cool_down=wait)
            kept.health = new


def _score(health: Health, rules: HealthRules) -> float:
    speed = 1.0 / (1.0 + health.latency / rules.slow)
    return health.success * (0.8 + 0.1 * speed + 0.1 * health.freshness)


def _read(path: Path, now: float, longest: float) -> tuple[dict[str, _Kept], str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, ""
    except (OSError, UnicodeDecodeError) as error:
        return {}, f"the health of the providers in {path.name} cannot be read ({type(error).__name__})"
    try:
        found = json.loads(text)
        if found["format"] != _FORMAT:
            raise ValueError("another format")
        kept = {str(name): _Kept(_health(values, now, longest)) for name, values in found["providers"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, f"{path.name} is not a file of provider health; everybody starts healthy"
    return kept, ""


def _health(values: dict[str, Any], now: float, longest: float) -> Health:
    plain = Health()
    read: dict[str, Any] = {}
    for item in fields(Health):
        value, kind = values[item.name], type(getattr(plain, item.name))
        if kind is float:
            value = float(value)
            if not math.isfinite(value):
                raise ValueError(item.name)
        if not isinstance(value, kind):
            raise ValueError(item.name)
        read[item.name] = value
    health = Health(**read)
    # A clock that was set back must not keep anybody out for longer than the rules say.
    return replace(health, retry_at=min(health.retry_at, now + longest))
