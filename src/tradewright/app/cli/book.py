"""``tradewright book``: order books rebuilt from raw feeds, and bars and flow made of trades.

Entry point: `app`.

Invariants: what is printed says how the book was built (rules of sequence, what was dropped and why, where it was out
of sync), how it was compared with the venue's own quotes, and what every column means.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewright.app.cli.options import JsonOption
from tradewright.domain.errors import ConfigError, closest

if TYPE_CHECKING:
    import numpy as np

    from tradewright.domain.depth import DepthFeed
    from tradewright.features.microstructure.book import Replay

__all__ = ["app"]

app = typer.Typer(
    name="book",
    help="Rebuild order books from raw feeds; make bars and flow of trades.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_MAX_SAMPLES = 5_000_000
_EXIT_CHECK = 3


@app.command("replay")
def replay_(
    files: Annotated[list[Path], typer.Argument(help="Files of one feed, in their order.", metavar="FILE...")],
    *,
    venue: Annotated[
        str | None,
        typer.Option("--venue", help="Rules of sequence: binance_spot, binance_usdm, bybit, kraken, generic."),
    ] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", "-s", help="Instrument, where a feed has several.")] = None,
    features: Annotated[
        bool, typer.Option("--features", help="Print the features too, every row with --json.")
    ] = False,
    every: Annotated[
        str | None, typer.Option("--every", help="Sample at this interval (100ms, 1s, 1min) instead of each event.")
    ] = None,
    levels: Annotated[str, typer.Option("--levels", help="Levels for imbalance, weighted mid, slopes.")] = "1,5,10",
    within: Annotated[
        str, typer.Option("--within", help="Distances from the mid in basis points, for depth.")
    ] = "5,10",
    size: Annotated[str, typer.Option("--size", help="Sizes to price a trade of, such as 0.1,1.")] = "",
    depth: Annotated[int, typer.Option("--depth", min=0, help="Levels kept on each side; 0 keeps all.")] = 0,
    price_decimals: Annotated[int, typer.Option("--price-decimals", min=0, max=18, help="Decimals of prices.")] = 8,
    size_decimals: Annotated[int, typer.Option("--size-decimals", min=0, max=18, help="Decimals of sizes.")] = 8,
    max_age: Annotated[
        str | None, typer.Option("--max-age", help="With --every: no value where the last event is older.")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Last rows of features printed (text only).")] = 10,
    out: Annotated[Path | None, typer.Option("--out", help="Write the features, .csv.", metavar="FILE")] = None,
    as_json: JsonOption = False,
) -> int:
    """Rebuild a book from snapshots and differences, and compare it with the venue's quotes.

    Files: lines of JSON, alone or after a local stamp in nanoseconds, as Binance, Bybit, OKX and Kraken send them, or
    plain ({"type": "snapshot", "last_id": 7, "bids": [["9.99", "5"]], "asks": [...]}); or CSV, one level a row
    (timestamp, side, price, qty, update_type or is_snapshot) or one snapshot a row (asks[0].price, ...). Gzip is fine.

    Exit code 3 when a book differs from a quote, or never was in sync.
    """
    import numpy as np

    from tradewright.data.depth import read_depth
    from tradewright.features.microstructure.book import replay
    from tradewright.features.microstructure.quotes import compare_quotes

    if max_age is not None and every is None:
        raise ConfigError("--max-age belongs to --every; give both.")
    settings: dict[str, Any] = {
        "levels": [int(x) for x in _numbers("--levels", levels, whole=True)],
        "within_bp": _numbers("--within", within),
        "sizes": _numbers("--size", size),
        "depth": depth,
    }
    feed = read_depth(files, venue=venue, symbol=symbol, price_decimals=price_decimals, size_decimals=size_decimals)
    done = replay(feed.events, **settings)
    comparison = compare_quotes(done, feed.quotes) if len(feed.quotes) else None
    if every is None:
        stamps, values = done.ts, done.values
    else:
        stamps, values = done.every(_nanoseconds("--every", every), max_age_ns=_age(max_age))
    facts = _facts(feed, done, comparison.to_dict() if comparison else None, settings, every)
    facts["features"] = {
        "sampled": f"every {every}" if every else "after each event",
        "rows": len(stamps),
        "rows_without_value": int(np.isnan(values[:, 0]).sum()),
    }
    if out is not None:
        _write(out, done, stamps, values, every)
        facts["features"]["file"] = str(out)
    if as_json:
        if features:
            facts["features"] |= _table(done, stamps, values, every)
        print(json.dumps(facts, indent=None if features else 2, allow_nan=False))
    else:
        _print(facts, comparison is not None)
        if features:
            _print_rows(done, stamps, values, rows)
    wrong = comparison is not None and comparison.different > 0
    return _EXIT_CHECK if wrong or not facts["rows_in_sync"] else 0


@app.command("trades")
def trades_(
    file: Annotated[Path, typer.Argument(help="Raw feed or CSV of trades.", metavar="FILE")],
    *,
    bars: Annotated[
        str,
        typer.Option("--bars", help="time, tick, volume, dollar, tick_imbalance, volume_imbalance, dollar_imbalance."),
    ] = "time",
    size: Annotated[str | None, typer.Option("--size", help="What fills a bar: 1min for time, else a number.")] = None,
    sign: Annotated[str, typer.Option("--sign", help="Who took liquidity: given (by the feed) or tick.")] = "given",
    expected_ticks: Annotated[int, typer.Option("--expected-ticks", min=1, help="Of the first imbalance bar.")] = 100,
    bucket: Annotated[
        float | None, typer.Option("--vpin-bucket", help="Also VPIN, with buckets of this volume.")
    ] = None,
    window: Annotated[int, typer.Option("--vpin-window", min=1, help="Buckets in VPIN.")] = 50,
    vpin_sign: Annotated[str, typer.Option("--vpin-sign", help="given, tick or bulk.")] = "given",
    vpin_bar: Annotated[str, typer.Option("--vpin-bar", help="Bars of the bulk classification.")] = "1min",
    symbol: Annotated[str | None, typer.Option("--symbol", "-s", help="Instrument, where a feed has several.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Last bars printed (text only).")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Make bars of trades: by time, trades, volume, value or imbalance; and VPIN."""
    from tradewright.data.trades import read_trades
    from tradewright.features.microstructure.flow import vpin
    from tradewright.features.microstructure.tape import KINDS, trade_bars

    if bars not in KINDS:
        raise ConfigError(f"--bars is {bars!r}{closest(bars, KINDS)}; it must be one of {', '.join(KINDS)}.")
    limit: float | None = None
    if bars == "time":
        limit = float(_nanoseconds("--size", size or "1min"))
    elif size is not None:
        limit = _numbers("--size", size)[0]
    trades, report = read_trades(file, symbol=symbol)
    made = trade_bars(trades, bars, limit, sign=sign, expected_ticks=expected_ticks)  # type: ignore[arg-type]
    columns = (
        "open", "high", "low", "close", "volume", "dollar", "vwap", "bought", "sold", "count", "threshold",
    )  # fmt: skip
    facts: dict[str, Any] = {
        "file": str(file),
        "report": report,
        "bars": bars,
        "size": limit,
        "sign": sign,
        "n_bars": len(made),
        "open_trades": made.open_trades,
        "conventions": {
            "known": "time bars at their end, others with the trade that fills them; whole trades only",
            "left_out": "bars that are not full: open_trades counts their trades",
            "stamps": "local receive stamp where the feed has one, nanoseconds UTC",
        },
    }
    if bucket is not None:
        found = vpin(
            trades, bucket_volume=bucket, window=window, sign=vpin_sign,  # type: ignore[arg-type]
            bar_ns=_nanoseconds("--vpin-bar", vpin_bar),
        )  # fmt: skip
        facts["vpin"] = {
            "bucket_volume": found.bucket_volume, "window": found.window, "sign": found.sign, "buckets": len(found.ts),
            "rest": found.rest, "unknown_volume": found.unknown,
            "formula": "sum |bought - sold| over the last window full buckets / (window x bucket_volume)",
            "ts": found.ts.tolist(), "bought": found.bought.tolist(), "sold": found.sold.tolist(),
            "values": _plain(found.vpin),
        }  # fmt: skip
    if as_json:
        facts["ts"] = made.ts.tolist()
        facts["columns"] = {name: _plain(getattr(made, name)) for name in columns}
        print(json.dumps(facts, allow_nan=False))
        return
    print(
        f"{report['trades']} trades of {report['rows']} rows ({report['left_out']} left out, signs known of "
        f"{report['signs_known']}); {len(made)} {bars} bars, {made.open_trades} trades after the last full one"
    )
    for why in report["left_out_rows"][:3]:
        print(f"  left out: {why}")
    shown = ("open", "high", "low", "close", "volume", "bought", "sold", "count")
    body = [[_clock(int(made.ts[k])), *(f"{getattr(made, name)[k]:.8g}" for name in shown)] for k in range(len(made))]
    _grid(["known at (UTC)", *shown], body[-rows:] if rows else [])
    if bucket is not None:
        values = [x for x in facts["vpin"]["values"] if x is not None]
        last = f"last {values[-1]:.4f}" if values else f"no value: fewer than {window} full buckets"
        print(f"VPIN over {window} of {facts['vpin']['buckets']} buckets of {bucket:g} ({vpin_sign}): {last}")


def _numbers(name: str, text: str, *, whole: bool = False) -> list[float]:
    out = []
    for word in filter(None, (w.strip() for w in text.split(","))):
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value <= 0 or (whole and value != int(value)):
            kind = "whole numbers above 0, such as 1,5,10" if whole else "numbers above 0, such as 0.5,2"
            raise ConfigError(f"{name} has {word!r}; write {kind}.")
        out.append(value)
    return out


def _nanoseconds(name: str, text: str) -> int:
    units = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 10**9, "sec": 10**9, "min": 60 * 10**9, "m": 60 * 10**9,
             "h": 3600 * 10**9, "d": 86_400 * 10**9}  # fmt: skip
    word = text.strip().lower()
    digits = word.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = word[len(digits) :].strip()
    try:
        value = float(digits or "1") * units[unit]
    except (ValueError, KeyError):
        value = 0.0
    if not 1 <= value < 2**62:
        raise ConfigError(
            f"{name} is {text!r}; write a number with a unit ({', '.join(units)}), such as 500ms or 1min."
        )
    return round(value)


def _age(text: str | None) -> int | None:
    return None if text is None else _nanoseconds("--max-age", text)


def _facts(
    feed: DepthFeed, done: Replay, comparison: dict[str, Any] | None, settings: dict[str, Any], every: str | None
) -> dict[str, Any]:
    from tradewright.features.microstructure.book import REASON_WORDS, conventions
    from tradewright.kernel import core

    book = done.book
    counts = book.counts
    statuses = done.statuses
    facts: dict[str, Any] = {
        "feed": dict(feed.report),
        "settings": settings,
        "backend": core.__backend__,
        "synced": book.synced,
        "reason": book.reason,
        "reason_in_words": REASON_WORDS[book.reason],
        "counts": counts,
        "status_of_events": {name: statuses.count(name) for name in core.DEPTH_STATUSES if name in set(statuses)},
        "dropped": {
            "older than the snapshot": counts["held_old"],
            "already in the book": counts["old"],
            "kept too many without a snapshot": counts["held_dropped"],
            "snapshots older than the book": counts["old_snapshots"],
        },
        "rows_in_sync": int(done.in_sync.sum()),
        "rows_out_of_sync": int((~done.in_sync).sum()),
        "losses": done.losses,
        "comparison": comparison,
        "columns": conventions(done.columns),
        "conventions": {
            "prices": "integers in the book, from the decimal text exactly; divided once for the features",
            "known": "an event is known at its local receive stamp (ns UTC); a sample holds the last event with "
            "ts <= stamp, never a later one",
            "early": "differences that came before the snapshot are kept, dropped if the snapshot holds them by "
            "update id, and applied if not",
            "out_of_sync": "no level, no value until the next snapshot",
        },
    }
    if book.synced:
        bids, asks = book.top(5)
        facts["book"] = {
            "last_id": book.last_id, "ts": int(done.ts[-1]), "levels": list(book.n_levels), "bids": bids.tolist(),
            "asks": asks.tolist(),
        }  # fmt: skip
    return facts


def _plain(column: np.ndarray[Any, Any]) -> list[Any]:
    return [None if isinstance(x, float) and not math.isfinite(x) else x for x in column.tolist()]


def _table(done: Replay, stamps: Any, values: Any, every: str | None) -> dict[str, Any]:
    if values.size > _MAX_SAMPLES:
        raise ConfigError(
            f"{len(stamps)} rows of {values.shape[1]} columns are too many for JSON; sample with --every, or "
            "write them with --out FILE.csv."
        )
    out: dict[str, Any] = {"ts": stamps.tolist()}
    if every is None:
        out |= {
            "line": done.events.line.tolist(), "last_id": done.events.last_id.tolist(),
            "exchange_ts": done.events.exchange_ts.tolist(), "status": done.statuses, "reason": done.reasons,
        }  # fmt: skip
    return {**out, "values": {name: _plain(values[:, k]) for k, name in enumerate(done.columns)}}


def _write(path: Path, done: Replay, stamps: Any, values: Any, every: str | None) -> None:
    import csv
    import io

    from tradewright.engine.record import write_atomic

    if path.suffix.lower() != ".csv":
        raise ConfigError(f"--out is {str(path)!r}; it must end in .csv.")
    text = io.StringIO()
    sheet = csv.writer(text, lineterminator="\n")
    extra = ["last_id", "status", "reason"] if every is None else []
    sheet.writerow(["ts", *extra, *done.columns])
    for k, row in enumerate(values.tolist()):
        more = [int(done.events.last_id[k]), done.statuses[k], done.reasons[k]] if every is None else []
        sheet.writerow([int(stamps[k]), *more, *("" if math.isnan(x) else repr(x) for x in row)])
    write_atomic(path, text.getvalue().encode())


def _clock(ns: int) -> str:
    from tradewright.domain.bars import utc

    return f"{utc(ns // 1000 * 1000):%Y-%m-%d %H:%M:%S.%f}"


def _print(facts: dict[str, Any], compared: bool) -> None:
    feed, counts = facts["feed"], facts["counts"]
    print(
        f"{feed['symbol'] or 'book'} ({feed['venue']}, rules from {feed['venue_from']}): {feed['lines']} lines, "
        f"{feed['snapshots']} snapshots, {feed['diffs']} differences, {feed['quotes']} quotes, {feed['trades']} trades"
    )
    if feed["malformed"]:
        print(f"  {feed['malformed']} lines cannot be read; {feed['malformed_lines'][0]}")
    for note in feed["notes"]:
        print(f"  {note}")
    print(
        f"differences: {counts['applied']} applied as they came, {counts['held']} kept for a snapshot "
        f"({counts['held_applied']} applied then, {counts['held_old']} older than it), {counts['old']} already in it"
    )
    for loss in facts["losses"][:5]:
        back = f"back at line {loss['back_at_line']}" if loss["back_at_line"] is not None else "not back until the end"
        print(f"  OUT OF SYNC at line {loss['line']} (update {loss['last_id']}): {loss['words']}; {back}")
    if len(facts["losses"]) > 5:
        print(f"  and {len(facts['losses']) - 5} more losses; --json prints all")
    if compared:
        found = facts["comparison"]
        print(
            f"venue's best bid and offer: {found['compared']} compared by update id, {found['equal']} equal, "
            f"{found['different']} different ({found['quotes_used']} quotes, {found['touch_changes']} changes of touch)"
        )
    else:
        print("venue's best bid and offer: the feed has none, nothing was compared")
    if facts["synced"]:
        book = facts["book"]
        (bid, bid_size), (ask, ask_size) = (book[s][0] if book[s] else (math.nan, math.nan) for s in ("bids", "asks"))
        print(
            f"at the end, {_clock(book['ts'])} UTC: in sync, update {book['last_id']}, "
            f"{book['levels'][0]} bids and {book['levels'][1]} asks, "
            f"{bid_size:g} at {bid:.10g} / {ask_size:g} at {ask:.10g}"
        )
    else:
        print(f"at the end: OUT OF SYNC, {facts['reason_in_words']}")


def _print_rows(done: Replay, stamps: Any, values: Any, rows: int) -> None:
    shown = [k for k, name in enumerate(done.columns) if name in {"bid", "ask", "spread_bp", "microprice", "ofi"}]
    shown += [k for k, name in enumerate(done.columns) if name.startswith(("imbalance", "buy_cost"))]
    begin = max(0, len(stamps) - rows)
    body = [
        [_clock(int(stamps[t])), *("-" if math.isnan(x) else f"{x:.9g}" for x in values[t, shown].tolist())]
        for t in range(begin, len(stamps))
    ]
    _grid(["known at (UTC)", *(done.columns[k] for k in shown)], body)
    print(f"{len(stamps)} rows of {len(done.columns)} columns; --json prints all, --out FILE.csv writes them")


def _grid(head: list[str] | tuple[str, ...], body: list[list[str]]) -> None:
    if not body:
        return
    width = [max(len(row[k]) for row in [list(head), *body]) for k in range(len(head))]
    for row in [list(head), *body]:
        print("  ".join(cell.rjust(w) for cell, w in zip(row, width, strict=True)))
