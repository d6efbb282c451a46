"""The one entry for market data: pick the provider, load, judge, cut.

Entry points: `load` (bars), `load_with_report` (bars and what the rules found), `judge` (only what
the rules find), `provider_for`.

Invariants: no rows is an error, never an empty result; no provider stands in for another, so made-up prices appear only
where ``provider="synthetic"`` was written, and are marked as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..domain.bars import Bars, Instant
from ..domain.errors import InputError, MissingDataError
from .calendars import session_dates
from .columns import Reading
from .grid import between_sessions, resample
from .intervals import interval_ns
from .membership import with_membership
from .providers import make
from .providers.base import Progress, SeriesProvider, assemble, check_symbols
from .rules import DEFAULT_RULES, Rule
from .sanity import Repair, SanityReport, check, clean
from .stamps import Stamp
from .universes import note_of_lists, resolve

if TYPE_CHECKING:
    from ..domain.ports import Provider
    from .corporate import ActionsLike
    from .membership import Membership

__all__ = ["judge", "load", "load_with_report", "provider_for"]

_FILE_OPTIONS = frozenset({"csv", "parquet"})


def load(
    symbols: str | Iterable[str] | None = None,
    *,
    provider: str | Provider | None = None,
    data: Any = None,
    start: Instant | None = None,
    end: Instant | None = None,
    interval: str | None = None,
    columns: Mapping[str, str] | None = None,
    tz: str | None = None,
    stamp: Stamp = "auto",
    day_first: bool | None = None,
    calendar: str | None = None,
    adjust: bool = False,
    actions: ActionsLike | None = None,
    universe: Any = None,
    missing_members: Literal["refuse", "stamp"] = "refuse",
    validate: bool = True,
    repair: Repair = "quarantine",
    rules: Iterable[Rule | str] = DEFAULT_RULES,
    quality_minimum: float | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Bars:
    """Bars of some symbols from one source, judged.

    Parameters
    ----------
    symbols : str or iterable of str, optional
        One symbol, several separated by commas, or a list. May be left out where the data is a file, a folder or a
        frame; then all of it is loaded.
    provider : str or Provider, optional
        Name of a provider (``tradewright data providers`` lists them) or an object. Without it: files are read by their
        ending, and without `data` the real series of ``"sample"`` are used.
    data : path, Bars or frame, optional
        File or folder for the file providers; anything `bars_from` takes is used directly.
    start, end : date, ISO text, datetime, int or None
        Both included; plain dates are session dates of the exchange.
    interval : str, optional
        ``"1min"``, ``"1h"``, ``"1d"``, ...; shorter bars are resampled.
    columns, tz, stamp, day_first, calendar, adjust
        How files and frames are read; see `bars_from`.
    actions : path, or iterable of CorporateAction or mappings, optional
        Splits, dividends, changes of symbol and delistings that the prices do not contain; see
        `tradewright.data.corporate`. Instruments that changed their symbol are loaded under all of their names.
    universe : path, Membership or rows of (symbol, from, to), optional
        Who belonged to the universe when; see `tradewright.data.membership`. Without symbols its members are loaded.
        ``"@path/to/table.csv"`` among the symbols is the same.
    missing_members : {"refuse", "stamp"}
        Whether members without data are an error, or left out with a note that results repeat.
    validate : bool
        False switches the rules off and stamps the bars as unchecked.
    repair : {"quarantine", "refuse", "winsorise"}
        What to do with bad rows; see `clean`.
    rules : iterable of Rule or str
        Rules to apply.
    quality_minimum : float, optional
        Least quality score of every instrument in the range, in [0, 1]; a lower one is an error.
    progress : callable, optional
        Called with (done, total) while a folder is read.
    **options
        Options of the provider, such as ``seed`` of ``"synthetic"``.

    Returns
    -------
    Bars
        Its provenance tells the source, and what was taken out, repaired or assumed.

    Raises
    ------
    DataError
        If a symbol is not known (with the nearest), nothing lies in the range, or no row survives.
    InputError
        If an option does not fit.

    Examples
    --------
    >>> bars = load("SPX", start="2010-01-01", end="2010-12-31")
    >>> bars.n_bars, bars.provenance.synthetic
    (252, False)
    >>> load("DEMO", provider="synthetic", seed=1, n_bars=50).provenance.notes
    ('synthetic: these prices were made up',)
    """
    bars, _ = load_with_report(
        symbols, provider=provider, data=data, start=start, end=end, interval=interval, columns=columns, tz=tz,
        stamp=stamp, day_first=day_first, calendar=calendar, adjust=adjust, actions=actions, universe=universe,
        missing_members=missing_members, validate=validate, repair=repair, rules=rules, quality_minimum=quality_minimum,
        progress=progress, **options,
    )  # fmt: skip
    return bars


def load_with_report(
    symbols: str | Iterable[str] | None = None,
    *,
    provider: str | Provider | None = None,
    data: Any = None,
    start: Instant | None = None,
    end: Instant | None = None,
    interval: str | None = None,
    columns: Mapping[str, str] | None = None,
    tz: str | None = None,
    stamp: Stamp = "auto",
    day_first: bool | None = None,
    calendar: str | None = None,
    adjust: bool = False,
    actions: ActionsLike | None = None,
    universe: Any = None,
    missing_members: Literal["refuse", "stamp"] = "refuse",
    validate: bool = True,
    repair: Repair = "quarantine",
    rules: Iterable[Rule | str] = DEFAULT_RULES,
    quality_minimum: float | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> tuple[Bars, SanityReport]:
    """Bars and what the rules found about all rows of the source; see `load`.

    Returns
    -------
    bars : Bars
    report : SanityReport
        Of everything that was read, before the range was cut.
    """
    parts = None if symbols is None else _parts(symbols)
    wanted, table = resolve(parts, universe, start=start, end=end)
    wanted = None if wanted is None else check_symbols(wanted)
    lost: list[str] = []
    chosen = tuple(rules)
    reading = Reading(dict(columns or {}), tz, stamp, day_first, calendar, adjust)
    if data is not None and not isinstance(data, (str, Path)):
        from .frames import bars_and_report

        if table is not None and wanted is not None:
            everything, _ = bars_and_report(data, symbols=None, reading=reading)
            wanted, lost = _with_data(wanted, table, everything.symbols, "the data", missing_members)
        bars, report = bars_and_report(
            data, symbols=wanted, reading=reading, adjusted=options.pop("adjusted", "unknown"), validate=validate,
            repair=repair, rules=chosen,
        )  # fmt: skip
        if options:
            raise InputError(f"Data in memory takes no option {', '.join(map(repr, options))}.")
        if interval and 0 < bars.interval_ns < interval_ns(interval):
            bars = resample(bars, interval)
    else:
        source = provider_for(provider, data, reading=reading, start=start, interval=interval, **options)
        listing = getattr(source, "symbols", None)
        if table is not None and wanted is not None and callable(listing) and source.name not in _ANY_SYMBOL:
            wanted, lost = _with_data(wanted, table, listing(), source.name, missing_members)
        if isinstance(source, SeriesProvider):
            if wanted is None and data is None:
                known = ", ".join(source.symbols()[:30])
                raise InputError(f"Name the symbols to load; {source.name} has {known}.")
            if wanted is not None and actions is not None:
                from .corporate import other_names

                wanted = other_names(wanted, actions, source.symbols())
            bars, report = assemble(
                source.series(wanted, interval, progress=progress), interval=interval, repair=repair, rules=chosen,
                validate=validate,
            )  # fmt: skip
        else:
            if wanted is None:
                has = ", ".join(source.symbols()[:30]) if hasattr(source, "symbols") else ""
                raise InputError(f"Name the symbols to load from {source.name}{'; it has ' + has if has else ''}.")
            bars, report = clean(source.load(wanted, start, end, interval), repair=repair, rules=chosen,
                                 validate=validate)  # fmt: skip
    if actions is not None:
        from .corporate import attach, explained

        bars = attach(bars, actions)
        report = explained(report, bars)
    note = note_of_lists(parts)
    if note:
        bars = bars.with_provenance(bars.provenance.with_note(note))
    if table is not None:
        bars = with_membership(bars, table)
        # A chain may leave out symbols by itself.
        lost += [symbol for symbol in wanted or () if symbol in table.symbols and not _has(bars.symbols, symbol)]
    if lost and table is not None:
        text = f"survivorship: {_lost(lost, table)} and are left out"
        bars = bars.with_provenance(bars.provenance.with_note(text))
    _log(bars, report)
    cut = between_sessions(bars, start, end)
    if not cut.n_bars:
        dates = session_dates(bars)
        raise MissingDataError(
            f"No bars of {', '.join(bars.symbols[:5])} from {start or 'the start'} to {end or 'the end'}; the data has "
            f"{dates[0]} to {dates[-1]}."
        )
    if quality_minimum is not None:
        from .scores import require_quality

        require_quality(cut, quality_minimum)
    return cut, report


_ANY_SYMBOL = frozenset({"synthetic"})
"""Providers that have more symbols than they list."""


def _parts(symbols: str | Iterable[str]) -> list[str]:
    words = symbols.split(",") if isinstance(symbols, str) else list(symbols)
    parts = [word.strip() for word in words if word.strip()]
    if not parts:
        raise InputError("No symbol was given; name at least one, such as 'SPX'.")
    return parts


def _has(symbols: Iterable[str], symbol: str) -> bool:
    return symbol.casefold() in {name.casefold() for name in symbols}


def _with_data(
    wanted: list[str], table: Membership, available: Iterable[str], source: str, missing_members: str
) -> tuple[list[str], list[str]]:
    """Symbols that a source has, and members that it has not."""
    if missing_members not in {"refuse", "stamp"}:
        raise InputError(f"missing_members is {missing_members!r}; it must be 'refuse' or 'stamp'.")
    there = {name.casefold() for name in available}
    members = set(table.symbols)
    lost = [symbol for symbol in wanted if symbol in members and symbol.casefold() not in there]
    if lost and (missing_members == "refuse" or len(lost) == len(wanted)):
        raise MissingDataError(
            f"{_lost(lost, table)} in {source}. A universe without those that are gone looks better than it was: get "
            "their data, or leave them out and let the result say so (missing_members='stamp', "
            "--set data.missing_members=stamp)."
        )
    return [symbol for symbol in wanted if symbol not in set(lost)], lost


def _lost(lost: list[str], table: Membership) -> str:
    shown = ", ".join(lost[:12]) + (f" and {len(lost) - 12} more" if len(lost) > 12 else "")
    return f"{len(lost)} of {len(table.symbols)} that were members of {table.name} have no data ({shown})"


def _log(bars: Bars, report: SanityReport) -> None:
    import logging

    log = logging.getLogger("tradewright.data")
    if log.isEnabledFor(logging.INFO):
        found = {"symbols": list(bars.symbols), "bars": bars.n_bars, "rows": report.n_rows, "rejected": report.rejected}
        log.info("loaded", extra={**found, "source": bars.provenance.source})
        for line in report.lines():
            log.info("finding", extra={"finding": line})
        for note in bars.provenance.notes:
            log.debug("note", extra={"note": note})


def judge(
    symbols: str | Iterable[str] | None = None,
    *,
    provider: str | Provider | None = None,
    data: Any = None,
    interval: str | None = None,
    columns: Mapping[str, str] | None = None,
    tz: str | None = None,
    stamp: Stamp = "auto",
    rules: Iterable[Rule | str] = DEFAULT_RULES,
    progress: Progress | None = None,
    **options: Any,
) -> tuple[tuple[str, ...], SanityReport]:
    """What the rules find in a source, without making bars of it: works when not one row is good.

    Parameters
    ----------
    symbols, provider, data, interval, columns, tz, stamp, rules, progress, **options
        As in `load`.

    Returns
    -------
    symbols : tuple of str
        What was judged.
    report : SanityReport

    Examples
    --------
    >>> symbols, report = judge("SPX")
    >>> symbols, report.ok, report.n_rows
    (('SPX',), True, 5031)
    """
    wanted = None if symbols is None else check_symbols(symbols)
    if data is None or isinstance(data, (str, Path)):
        source = provider_for(
            provider, data, reading=Reading(dict(columns or {}), tz, stamp), interval=interval, **options
        )
        if isinstance(source, SeriesProvider):
            series = source.series(wanted, interval, progress=progress)
            return tuple(raw.instrument.id for raw in series), check(series, rules=rules)
    bars, report = load_with_report(
        symbols, provider=provider, data=data, interval=interval, columns=columns, tz=tz, stamp=stamp, rules=rules,
        progress=progress, **options,
    )  # fmt: skip
    return bars.symbols, report


def provider_for(
    provider: str | Provider | None = None,
    data: str | Path | None = None,
    *,
    reading: Reading | None = None,
    start: Instant | None = None,
    interval: str | None = None,
    **options: Any,
) -> Provider:
    """Provider that a name and a path mean.

    Parameters
    ----------
    provider : str, Provider or None
        As in `load`.
    data : path or None
        File or folder.
    reading : Reading, optional
        How files are read.
    start, interval
        Handed to ``"synthetic"``, which otherwise would start elsewhere.
    **options
        Options of the provider.

    Returns
    -------
    Provider

    Examples
    --------
    >>> provider_for().name
    'sample'
    """
    if provider is not None and not isinstance(provider, str):
        return provider
    if data is not None:
        if str(data).startswith(("postgresql:/", "postgres:/")):
            raise InputError("The address of a database names a store, not data: give it as store=... (--store).")
        # "sample" is what a configuration says when nobody chose; a path is a choice.
        name = _kind_of(Path(data)) if provider in {None, "sample"} else str(provider)
        how = reading or Reading()
        if name in _FILE_OPTIONS:
            options = {
                "columns": dict(how.columns), "tz": how.tz, "stamp": how.stamp, "day_first": how.day_first,
                "calendar": how.calendar, "adjust": how.adjust, **options,
            }  # fmt: skip
        elif how != Reading():
            raise InputError(
                "columns, tz, stamp, day_first, calendar and adjust say how files and frames are read; the provider "
                f"{name!r} keeps bars that were read already. Import them anew with these options."
            )
        return make(name, path=data, **options)
    name = provider or "sample"
    if reading is not None and reading != Reading():
        raise InputError(
            f"columns, tz, stamp, day_first, calendar and adjust say how files and frames are read; "
            f"the provider {name!r} without data=... reads neither."
        )
    if name == "synthetic":
        if start is not None:
            options.setdefault("first", start)
        if interval is not None:
            options.setdefault("interval", interval)
    return make(name, **options)


def _kind_of(path: Path) -> str:
    """Provider of a path, from its ending, or from the files in a folder, which must be of one kind."""
    if (path / "catalogue.duckdb").is_file():
        return "store"
    names = [path.name]
    if path.is_dir():
        names = [entry.name for entry in path.iterdir() if entry.is_file()]
    parquet = sum(name.lower().endswith((".parquet", ".pq")) for name in names)
    text = sum(name.lower().endswith((".csv", ".csv.gz")) for name in names)
    if parquet and text:
        raise InputError(
            f"{str(path)!r} holds {text} CSV and {parquet} Parquet files; say which by provider 'csv' or 'parquet'."
        )
    return "parquet" if parquet else "csv"
