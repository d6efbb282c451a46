"""Several providers in order: the first that has an answer which can be believed gives it.

Entry points: `ChainProvider`, `Fetched`, `NoData`, `Answer`, `NoDataError`.

What can be said of a symbol, and what follows:

| kind | meaning | then |
|---|---|---|
| ``answered`` | bars of the symbol, in the range, that pass every rule | used |
| ``missing`` | the provider works and does not have it | the next is asked; no mark against it |
| ``failed`` | it did not answer, after retries | the next is asked; its health falls |
| ``stale`` | its newest bar is older than `max_lag` allows | the next is asked; its freshness falls |
| ``bad`` | rows of its answer cannot be believed | the next is asked; repaired bars only where nobody has better ones |
| ``synthetic`` | its prices are made up | refused, unless `allow_synthetic` |

Invariants: every symbol asked for is either in the bars or a `NoData` that tells what each provider said; made-up
prices enter only where somebody allowed it, and then the bars say so; the provenance names the provider of every symbol
that the first did not answer. A mistake in the call (a range that ends before it starts) is raised, not passed on.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

import numpy as np

from ...domain.bars import Bars, Instant, instant_ns, utc
from ...domain.errors import (
    ConfigError,
    DataError,
    DataProviderError,
    InconsistentDataError,
    InputError,
    MissingDataError,
    StaleDataError,
)
from ..grid import align, between_sessions
from ..health import HealthBook
from ..intervals import interval_name, interval_ns, unit_of
from .base import check_symbols

if TYPE_CHECKING:
    from ...domain.events import Finding
    from ...domain.ports import Provider

__all__ = ["Answer", "ChainProvider", "Fetched", "NoData", "NoDataError"]

Kind = Literal["answered", "missing", "failed", "stale", "bad", "synthetic"]

VARIABLE: Final = "TRADEWRIGHT_CHAIN"
"""Environment variable with a chain, for commands that are given none."""

_FILES: Final = frozenset({"csv", "parquet"})
_STORED: Final = ("store", "source", "as_of")
_DAY_NS: Final = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Answer:
    """What one provider said of one symbol.

    Parameters
    ----------
    provider : str
    kind : str
        As the table of the module says.
    message : str
        In its own words.
    """

    provider: str
    kind: Kind
    message: str = ""

    def __str__(self) -> str:
        return f"{self.provider} {self.kind}{': ' + self.message if self.message else ''}"


@dataclass(frozen=True, slots=True)
class NoData:
    """That nobody has a symbol, and why.

    Parameters
    ----------
    symbol : str
    answers : tuple of Answer
        In the order in which the providers were asked.

    Examples
    --------
    >>> print(NoData("XYZ", (Answer("store", "missing", "No 'XYZ'."), Answer("web", "failed", "time-out"))))
    XYZ (store missing: No 'XYZ'.; web failed: time-out)
    """

    symbol: str
    answers: tuple[Answer, ...]

    @property
    def outage(self) -> bool:
        """Whether a provider failed, so that nobody knows if there is data."""
        return any(answer.kind == "failed" for answer in self.answers)

    def __str__(self) -> str:
        return f"{self.symbol} ({'; '.join(map(str, self.answers))})"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "symbol": self.symbol,
            "outage": self.outage,
            "answers": [{"provider": a.provider, "kind": a.kind, "message": a.message} for a in self.answers],
        }


class NoDataError(MissingDataError):
    """Nobody in a chain has what was asked for.

    Attributes
    ----------
    no_data : tuple of NoData
        Each symbol, and what each provider said.
    """

    def __init__(self, message: str, no_data: Sequence[NoData] = ()) -> None:
        super().__init__(message)
        self.no_data = tuple(no_data)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Answer of a chain.

    Parameters
    ----------
    bars : Bars or None
        Of the symbols that somebody has, None when nobody has any.
    no_data : tuple of NoData
        The other symbols.
    providers : dict of str to str
        Who answered, by symbol.
    said : dict of str to tuple of Answer
        Everything that was said, by symbol, in order.
    retries : int
        Requests that were repeated.
    findings : tuple of Finding
        Disagreements between providers, where they were looked for.
    """

    bars: Bars | None
    no_data: tuple[NoData, ...]
    providers: dict[str, str]
    said: dict[str, tuple[Answer, ...]]
    retries: int
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class _Round:
    """What is known while a chain is asked."""

    wanted: list[str]
    found: dict[str, Bars] = field(default_factory=dict)
    spare: dict[str, tuple[str, Bars]] = field(default_factory=dict)
    said: dict[str, list[Answer]] = field(default_factory=dict)
    providers: dict[str, str] = field(default_factory=dict)
    whole: Bars | None = None
    retries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, symbol: str, answer: Answer, bars: Bars | None) -> None:
        with self.lock:
            self.said.setdefault(symbol, []).append(answer)
            if bars is not None and answer.kind == "answered":
                self.found[symbol], self.providers[symbol] = bars, answer.provider
            elif bars is not None:
                self.spare.setdefault(symbol, (answer.provider, bars))


class ChainProvider:
    """Provider that asks several others, one after another.

    Parameters
    ----------
    chain : sequence of str, mapping or Provider, or str
        Providers in order. A text is a name (``"store"``), or a name and a path (``"csv:prices/"``); a mapping has
        ``provider`` and its options; one text may hold several, separated by commas. By default ``TRADEWRIGHT_CHAIN``.
    path : str or Path, optional
        File or folder for file providers that name none; what ``--data`` says.
    store, source, as_of : optional
        For members called ``"store"``; see `StoredProvider`.
    on_missing : {"raise", "skip"}
        Whether a symbol that nobody has is an error, or left out; the provenance then says which.
    allow_synthetic : bool
        Whether made-up prices may be an answer. The bars then say that they are.
    retries : int
        How often a request that failed for now (connection, time-out) is repeated.
    wait : float
        Seconds before the first repetition; doubled each time, with a random part.
    workers : int
        Symbols that are asked for at the same time where a provider cannot answer for all at once.
    max_lag : str, optional
        How old the newest bar may be at the end of the range (now, without one), such as ``"5d"``. By default any age.
    agree : float, optional
        Largest difference of a bar's return between two providers; given, each answer is compared with the next
        provider that has the symbol, over the last `agree_rows` bars.
    agree_rows : int
    on_disagreement : {"refuse", "note"}
        Whether a disagreement is an error or a note in the provenance (and a finding of `last`).
    health : HealthBook, str or Path, optional
        Health of the providers, or the file in which it is kept between runs.

    Raises
    ------
    InputError
        If the chain is empty, names a provider twice, or holds made-up data that nobody allowed.

    Examples
    --------
    >>> from tradewright.data.providers.memory import MemoryProvider
    >>> one = MemoryProvider(Bars.from_arrays(None, *[[1.0, 2.0, 3.0]] * 4, symbols="SPY"))
    >>> chain = ChainProvider([one, "sample"])
    >>> fetched = chain.fetch(["SPY", "SPX"], end="2018-12-31")
    >>> fetched.providers, fetched.no_data
    ({'SPY': 'memory', 'SPX': 'sample'}, ())
    >>> ChainProvider(["sample", "synthetic"])
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: 'synthetic' makes prices up and would stand in for real ones in silence; ...
    """

    name = "chain"

    def __init__(
        self,
        chain: str | Sequence[str | Mapping[str, Any] | Provider] | None = None,
        *,
        path: str | Path | None = None,
        store: Any = None,
        source: str | None = None,
        as_of: Instant | None = None,
        on_missing: Literal["raise", "skip"] = "raise",
        allow_synthetic: bool = False,
        retries: int = 2,
        wait: float = 0.1,
        workers: int = 4,
        max_lag: str | None = None,
        agree: float | None = None,
        agree_rows: int = 60,
        on_disagreement: Literal["refuse", "note"] = "refuse",
        health: HealthBook | str | Path | None = None,
    ) -> None:
        for what, value, words in (
            ("on_missing", on_missing, ("raise", "skip")), ("on_disagreement", on_disagreement, ("refuse", "note")),
        ):  # fmt: skip
            if value not in words:
                raise InputError(f"{what} is {value!r}; it must be {' or '.join(map(repr, words))}.")
        for what, number, low, high in (
            ("retries", retries, 0, 20), ("wait", wait, 0.0, 60.0), ("workers", workers, 1, 64),
            ("agree_rows", agree_rows, 3, 1_000_000), ("agree", 0.02 if agree is None else agree, 1e-9, 1.0),
        ):  # fmt: skip
            if not low <= number <= high:
                raise InputError(f"{what} is {number!r}; it must lie from {low:g} to {high:g}.")
        stored = {name: value for name, value in zip(_STORED, (store, source, as_of), strict=True) if value is not None}
        self.on_missing, self.allow_synthetic = on_missing, allow_synthetic
        self.retries, self.wait, self.workers = retries, wait, workers
        self.max_lag = None if max_lag is None else interval_ns(max_lag)
        self.agree, self.agree_rows, self.on_disagreement = agree, agree_rows, on_disagreement
        self.health = health if isinstance(health, HealthBook) else HealthBook(path=health)
        self._texts: dict[str, str] = {}
        self._members: dict[str, Provider] = {}
        for spec in _specs(chain):
            self._add(spec, path, stored)
        if not self._members:
            raise InputError(
                "The chain is empty; name its providers in order: data.chain: [store, 'csv:prices/'], or "
                f"{VARIABLE}=store,csv:prices/."
            )
        self.counts: Counter[tuple[str, Kind]] = Counter()
        self.last: Fetched | None = None
        self._lock = threading.Lock()

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the providers, in order."""
        return tuple(self._members)

    def symbols(self) -> tuple[str, ...]:
        """Symbols that some provider can list; a provider that cannot, or fails, adds none."""
        out: dict[str, None] = {}
        for member in self._members.values():
            listing = getattr(member, "symbols", None)
            if callable(listing):
                try:
                    out.update(dict.fromkeys(listing()))
                except (DataError, OSError):
                    continue
        return tuple(out)

    def load(
        self,
        symbols: Sequence[str],
        start: Instant | None = None,
        end: Instant | None = None,
        interval: str | None = None,
    ) -> Bars:
        """Bars of the symbols; see `tradewright.domain.ports.Provider`.

        Raises
        ------
        NoDataError
            If nobody has a symbol (with ``on_missing="skip"``: any symbol). It carries what each provider said.
        InconsistentDataError
            If two providers disagree, or the only answer cannot be believed.
        """
        fetched = self.fetch(symbols, start, end, interval)
        if fetched.bars is None or (fetched.no_data and self.on_missing == "raise"):
            shown = "; ".join(map(str, fetched.no_data[:5]))
            more = f"; and {len(fetched.no_data) - 5} more symbols" if len(fetched.no_data) > 5 else ""
            hint = (
                "try again when the provider answers" if any(item.outage for item in fetched.no_data)
                else "check the symbols, or leave them out (on_missing='skip')"
            )  # fmt: skip
            raise NoDataError(f"Nobody in the chain has {shown}{more}. Now {hint}.", fetched.no_data)
        return fetched.bars

    def fetch(
        self,
        symbols: Sequence[str],
        start: Instant | None = None,
        end: Instant | None = None,
        interval: str | None = None,
    ) -> Fetched:
        """Bars of the symbols that somebody has, and what was said of the others; never an error for want of data.

        Raises
        ------
        InconsistentDataError
            If two providers disagree and `on_disagreement` is ``"refuse"``.
        InputError
            If the call itself is wrong.
        """
        wanted = check_symbols(symbols)
        if start is not None and end is not None and instant_ns(start) > instant_ns(end, last=True):
            raise InputError(f"The range ends ({end}) before it starts ({start}); swap the two.")
        now = _Round(wanted)
        order = self.health.order(self._members)
        asked: list[str] = []
        try:
            for name in order:
                left = [symbol for symbol in wanted if symbol not in now.found]
                if not left:
                    break
                asked.append(name)
                self._ask(name, left, start, end, interval, now)
            for symbol, (name, bars) in now.spare.items():
                if symbol not in now.found:
                    now.found[symbol], now.providers[symbol] = bars, name
            findings = self._compared(now, order, start, end, interval) if self.agree is not None else ()
        finally:
            self.health.release(set(order) - set(asked))
            with self._lock:
                self.counts.update((answer.provider, answer.kind) for said in now.said.values() for answer in said)
            self.health.save()
        found = now.whole if now.whole is not None else self._joined(wanted, now)
        missing = tuple(NoData(symbol, tuple(now.said[symbol])) for symbol in wanted if symbol not in now.found)
        self.last = Fetched(
            bars=None if found is None else self._noted(found, wanted, now, missing, findings),
            no_data=missing,
            providers={symbol: now.providers[symbol] for symbol in wanted if symbol in now.found},
            said={symbol: tuple(said) for symbol, said in now.said.items()},
            retries=now.retries,
            findings=findings,
        )
        return self.last

    # --- asking -----------------------------------------------------------------------------------

    def _ask(
        self,
        name: str,
        symbols: Sequence[str],
        start: Instant | None,
        end: Instant | None,
        interval: str | None,
        now: _Round,
    ) -> None:
        """Ask one provider for several symbols: all at once, and one by one where that has no answer."""
        if len(symbols) > 1:
            outcome = self._request(name, symbols, start, end, interval, now)
            if isinstance(outcome, Bars):
                verdicts, sound = self._judged(name, symbols, outcome, start, end, interval)
                if sound is not None and len(symbols) == len(now.wanted) and _all_answered(verdicts):
                    now.whole = sound.select([sound.symbols[_column_of(sound, symbol) or 0] for symbol in symbols])
                if now.whole is not None or not _many_sessions(outcome):
                    self._take(verdicts, now)
                    return
            elif outcome.kind == "failed":
                # It did not answer for all; asking it for each would only wait as many times.
                for symbol in symbols:
                    now.note(symbol, outcome, None)
                return

        def one(symbol: str) -> None:
            outcome = self._request(name, [symbol], start, end, interval, now)
            if isinstance(outcome, Bars):
                self._take(self._judged(name, [symbol], outcome, start, end, interval)[0], now)
            else:
                now.note(symbol, outcome, None)

        if len(symbols) == 1 or self.workers == 1:
            for symbol in symbols:
                one(symbol)
            return
        with ThreadPoolExecutor(min(self.workers, len(symbols)), thread_name_prefix="tradewright-chain") as pool:
            list(pool.map(one, symbols))

    def _request(
        self,
        name: str,
        symbols: Sequence[str],
        start: Instant | None,
        end: Instant | None,
        interval: str | None,
        now: _Round,
    ) -> Bars | Answer:
        """One request with its repetitions; every attempt is a mark for the health of the provider."""
        import tenacity

        member = self._members[name]

        def attempt() -> Bars:
            began = time.monotonic()
            try:
                bars = member.load(list(symbols), start, end, interval)
            except MissingDataError:
                self.health.answered(name, seconds=time.monotonic() - began, missing=True)
                raise
            except StaleDataError:
                self.health.answered(name, seconds=time.monotonic() - began, freshness=0.0)
                raise
            except (InputError, ConfigError):
                raise
            except Exception as error:
                self.health.failed(name, _said(error), seconds=time.monotonic() - began)
                raise
            lag = self._lag(bars, end)
            fresh = 1.0 if lag is None or lag <= 0 else (self.max_lag or 1) / ((self.max_lag or 1) + lag)
            self.health.answered(name, seconds=time.monotonic() - began, freshness=fresh)
            return bars

        def repeated(_: tenacity.RetryCallState) -> None:
            with now.lock:
                now.retries += 1

        trying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            stop=tenacity.stop_after_attempt(self.retries + 1),
            wait=tenacity.wait_random_exponential(multiplier=self.wait, max=10.0)
            if self.wait
            else tenacity.wait_none(),
            before_sleep=repeated,
            reraise=True,
        )
        try:
            bars: Bars = trying(attempt)
        except (InputError, ConfigError):
            raise
        except MissingDataError as error:
            return Answer(name, "missing", _said(error))
        except StaleDataError as error:
            return Answer(name, "stale", _said(error))
        except InconsistentDataError as error:
            return Answer(name, "bad", _said(error))
        except Exception as error:
            return Answer(name, "failed", _said(error))
        return bars

    def _judged(
        self,
        name: str,
        symbols: Sequence[str],
        bars: Bars,
        start: Instant | None,
        end: Instant | None,
        interval: str | None,
    ) -> tuple[dict[str, tuple[Answer, Bars | None]], Bars | None]:
        """Whether bars answer for each symbol: the right one and length, real, in the range, new enough, and sound.

        Returns the verdicts with the bars of each symbol (repaired ones of those that are bad), and all bars together.
        """
        from ..sanity import clean

        def everybody(kind: Kind, message: str) -> dict[str, tuple[Answer, Bars | None]]:
            return {symbol: (Answer(name, kind, message), None) for symbol in symbols}

        bars = between_sessions(bars, start, end)
        if not bars.n_bars:
            return everybody("missing", "no bar in the range"), None
        if bars.provenance.synthetic and not self.allow_synthetic:
            text = "its prices are made up, and nobody allowed that (allow_synthetic)"
            return everybody("synthetic", text), None
        if interval and bars.interval_ns and bars.interval_ns != interval_ns(interval):
            text = f"bars of {interval_name(bars.interval_ns)} came where {interval} was asked for"
            self.health.failed(name, text, seconds=0.0)
            return everybody("bad", text), None
        try:
            sound, report = clean(bars)
        except DataError as error:
            self.health.failed(name, _said(error), seconds=0.0)
            return everybody("bad", _said(error)), None
        out: dict[str, tuple[Answer, Bars | None]] = {}
        for symbol in symbols:
            column = _column_of(sound, symbol)
            if column is None:
                text = f"the answer has {_some(bars.symbols)} and not {symbol}"
                out[symbol] = Answer(name, "missing", text), None
                continue
            there = ~np.isnan(sound.close[:, column])
            errors = report.count(symbol=sound.symbols[column], severity="error")
            if errors:
                text = f"{errors} rows of {symbol} cannot be believed"
                self.health.failed(name, text, seconds=0.0)
                out[symbol] = Answer(name, "bad", text), _column(sound, column, there) if there.any() else None
                continue
            if not there.any():
                out[symbol] = Answer(name, "missing", "no bar in the range"), None
                continue
            one = _column(sound, column, there)
            lag = self._lag(one, end)
            if lag is not None and lag > 0:
                text = f"its newest bar is of {utc(int(one.ts[-1])):%Y-%m-%d %H:%M} UTC"
                out[symbol] = Answer(name, "stale", text), None
                continue
            out[symbol] = Answer(name, "answered"), one
        return out, sound

    def _take(self, verdicts: Mapping[str, tuple[Answer, Bars | None]], now: _Round) -> None:
        for symbol, (answer, bars) in verdicts.items():
            now.note(symbol, answer, bars)

    def _lag(self, bars: Bars, end: Instant | None) -> int | None:
        """Nanoseconds by which the newest bar is older than `max_lag` allows; None where any age will do."""
        if self.max_lag is None or not bars.n_bars:
            return None
        asked = time.time_ns() if end is None else min(time.time_ns(), instant_ns(end, last=True))
        return asked - int(bars.ts[-1]) - self.max_lag

    def _compared(
        self, now: _Round, order: Sequence[str], start: Instant | None, end: Instant | None, interval: str | None
    ) -> tuple[Finding, ...]:
        """Compare each answer with the next provider that has the symbol, over its last rows."""
        from ..agreement import disagreements

        found: list[Finding] = []
        for symbol, bars in now.found.items():
            owner = now.providers[symbol]
            tail = bars.tail(min(self.agree_rows, bars.n_bars))
            # Whole days: a second source may close its bars at another second of the same session.
            low, high = int(tail.ts[0]) - _DAY_NS, int(tail.ts[-1]) + _DAY_NS
            asked = {
                answer.provider for answer in now.said[symbol] if answer.kind in {"missing", "failed", "synthetic"}
            }
            for name in order:
                if name == owner or name in asked:
                    continue
                if interval is None and not tail.interval_ns:
                    length = None
                else:
                    length = interval or interval_name(tail.interval_ns)
                try:
                    other = self._request(name, [symbol], low, high, length, now)
                except (InputError, ConfigError):
                    continue
                if not isinstance(other, Bars) or (other.provenance.synthetic and not self.allow_synthetic):
                    continue
                column = _column_of(other, symbol)
                if column is None:
                    continue
                assert self.agree is not None
                try:
                    agreement = disagreements(
                        tail, other.select([other.symbols[column]]), tolerance=self.agree
                    )  # fmt: skip
                except (MissingDataError, InputError):
                    continue
                if agreement.findings and self.on_disagreement == "refuse":
                    raise InconsistentDataError(
                        f"{owner} and {name} disagree on {len(agreement.findings)} of {agreement.difference.size} "
                        f"returns of {symbol}; first {agreement.findings[0].message}. Find out which is right, or note "
                        "it only (on_disagreement='note')."
                    )
                found += [replace(f, message=f"{f.message} ({owner} against {name})") for f in agreement.findings]
                break
        return tuple(found)

    # --- the answer -------------------------------------------------------------------------------

    def _joined(self, wanted: Sequence[str], now: _Round) -> Bars | None:
        parts = [now.found[symbol] for symbol in wanted if symbol in now.found]
        return align(parts) if parts else None

    def _noted(
        self,
        bars: Bars,
        wanted: Sequence[str],
        now: _Round,
        missing: Sequence[NoData],
        findings: Sequence[Finding],
    ) -> Bars:
        """Bars whose provenance tells who answered for whom, and what was left out."""
        notes: list[str] = []
        groups: dict[tuple[str, str], list[str]] = {}
        for symbol in wanted:
            if symbol not in now.found:
                continue
            before = [answer for answer in now.said[symbol] if answer.kind != "answered"]
            if before:
                reasons = ", ".join(f"{answer.provider} {answer.kind}" for answer in before)
                groups.setdefault((now.providers[symbol], reasons), []).append(symbol)
        for (name, reasons), symbols in groups.items():
            notes.append(f"{_some(symbols)} from {name} ({reasons})")
        if missing:
            notes.append(f"left out, nobody has them: {'; '.join(map(str, missing[:8]))}"
                         + (f"; and {len(missing) - 8} more" if len(missing) > 8 else ""))  # fmt: skip
        if findings:
            names = list(dict.fromkeys(f.symbol for f in findings))
            notes.append(
                f"providers disagree on {len(findings)} returns of {_some(names)}; first {findings[0].message}"
            )
        kinds = {part.provenance.adjusted for part in now.found.values()}
        if len(kinds) > 1:
            notes.append(f"prices of several kinds side by side: {', '.join(sorted(kinds))}")
        origin = bars.provenance.with_note(*(f"chain: {note}" for note in notes))
        # So that the same bars can be loaded again: by those who answered, as of what they knew.
        used = [name for name in self._members if name in set(now.providers.values())]
        told: dict[str, str] = {}
        for symbol, name in now.providers.items():
            for key, value in now.found[symbol].provenance.pinned:
                newer = key not in told or (key == "as_of" and int(value) > int(told[key]))
                if newer and (len(used) == 1 or name.partition(":")[0] == "store"):
                    told[key] = value
        if all(name in self._texts for name in used):
            told["chain"] = ",".join(self._texts[name] for name in used)
        return bars.with_provenance(replace(origin, pinned=tuple(told.items())))

    def _add(self, spec: str | Mapping[str, Any] | Provider, path: str | Path | None, stored: dict[str, Any]) -> None:
        from . import make

        text: str | None = None
        if isinstance(spec, str):
            kind, _, place = spec.partition(":")
            options: dict[str, Any] = {"path": place} if place else {}
            text = spec
        elif isinstance(spec, Mapping):
            options = {str(key): value for key, value in spec.items()}
            if "provider" not in options:
                raise InputError(f"A member of the chain has {', '.join(options) or 'nothing'}; it needs 'provider'.")
            kind = str(options.pop("provider"))
        else:
            self._name(getattr(spec, "name", type(spec).__name__), spec, None)
            return
        if kind == self.name:
            raise InputError("A chain cannot be a member of a chain; name its providers instead.")
        if kind == "synthetic" and not self.allow_synthetic:
            raise InputError(
                "'synthetic' makes prices up and would stand in for real ones in silence; take it out of the chain, or "
                "allow it (allow_synthetic=True) and every result will say that its prices were made up."
            )
        if kind in _FILES and "path" not in options and path is not None:
            options["path"] = str(path)
        if kind == "store":
            options = {**stored, **options}
            if "path" in options:
                options.pop("store", None)
        made = make(kind, **options)
        if text is not None and "://" in text:
            text = f"{kind}:{getattr(getattr(made, 'store', None), 'name', '')}"  # the address without its password
        self._name(kind if "path" not in options or text is None else text, made, text)

    def _name(self, name: str, member: Provider, text: str | None) -> None:
        if name in self._members:
            taken = name
            if text is not None:
                raise InputError(f"The chain names {taken!r} twice; each provider is asked once.")
            name = next(f"{taken}-{n}" for n in range(2, 1000) if f"{taken}-{n}" not in self._members)
        self._members[name] = member
        if text is not None:
            self._texts[name] = text


def _specs(
    chain: str | Sequence[str | Mapping[str, Any] | Provider] | None,
) -> list[str | Mapping[str, Any] | Provider]:
    if chain is None:
        chain = os.environ.get(VARIABLE, "")
    parts: Iterable[Any] = [chain] if isinstance(chain, (str, Mapping)) else chain
    out: list[str | Mapping[str, Any] | Provider] = []
    for part in parts:
        if isinstance(part, str):
            out += [word.strip() for word in part.split(",") if word.strip()]
        elif isinstance(part, Mapping) or hasattr(part, "load"):
            out.append(part)
        else:
            _strange(part)
    return out


def _strange(part: Any) -> NoReturn:
    raise InputError(f"{part!r} is no member of a chain; give names such as 'store' or 'csv:prices/', or providers.")


def _column_of(bars: Bars, symbol: str) -> int | None:
    """Column that answers for a symbol: its id, its plain symbol, or the same in another case."""
    names = bars.symbols
    for fit in (
        [j for j, name in enumerate(names) if name == symbol],
        [j for j, instrument in enumerate(bars.instruments) if instrument.symbol == symbol],
        [j for j, name in enumerate(names) if name.casefold() == symbol.casefold()],
    ):
        if len(fit) == 1:
            return fit[0]
    return None


def _column(bars: Bars, column: int, there: np.ndarray[Any, np.dtype[np.bool_]]) -> Bars:
    """One instrument, without the rows of a common grid at which it has no bar."""
    one = bars if bars.n_assets == 1 else bars.select([bars.symbols[column]])
    if there.all():
        return one
    fields: dict[str, Any] = {
        name: np.ascontiguousarray(getattr(one, name)[there]) for name in ("open", "high", "low", "close", "volume")
    }
    return replace(one, ts=np.ascontiguousarray(one.ts[there]), **fields)


def _all_answered(verdicts: Mapping[str, tuple[Answer, Bars | None]]) -> bool:
    return all(answer.kind == "answered" for answer, _ in verdicts.values())


def _many_sessions(bars: Bars) -> bool:
    """Whether rows are stamped with the last close of several markets, so that one of them alone has other stamps."""
    daily = unit_of(bars.interval_ns) != "intraday"
    return daily and len({instrument.calendar for instrument in bars.instruments}) > 1


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    return isinstance(error, (DataProviderError, OSError)) and not isinstance(
        error, (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
    )


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    text = text if isinstance(error, DataError) and text else f"{type(error).__name__}{': ' + text if text else ''}"
    return text if len(text) <= 300 else text[:297] + "..."


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
