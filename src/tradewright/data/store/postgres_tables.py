"""What `postgres.PostgresStore` says to its database: tables, rows in and out, and how an address is read.

Entry points: `statements` (the tables), `entries_of`, `rows_of`, `cuts_of`, `actions_of`, `quarantine_of` (reading),
`lock`, `write_changes`, `write_actions`, `write_quarantine` (writing), `parsed` and `address_of`.

Invariants: every function works in the transaction of the cursor it is given and finds its tables by the search path;
numbers travel in binary, bit by bit.
"""

from __future__ import annotations

import builtins
import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np

from ...domain.actions import ActionKind, CorporateAction
from ...domain.errors import ConfigError
from ...domain.events import Finding, Severity
from ...domain.series import Appended, SeriesInfo, SeriesKey
from .rows import Entry, Facts, Rows, action_differs, action_key, chosen, instrument_from, instrument_to, newest_actions

if TYPE_CHECKING:
    import psycopg

    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = [
    "FIRST_NS",
    "LAST_NS",
    "Change",
    "actions_of",
    "address_of",
    "chosen_of",
    "cuts_of",
    "entries_of",
    "facts_in",
    "fresh_of",
    "lock",
    "may_pass",
    "number_of",
    "parsed",
    "quarantine_of",
    "rows_of",
    "statements",
    "without_secrets",
    "write_actions",
    "write_changes",
    "write_quarantine",
    "year_start",
    "years_of",
]

FIRST_NS: Final = -(2**63)
LAST_NS: Final = 2**63 - 1
_LOCKS: Final = 512
"""Different advisory locks a store uses: many series share one, so that a wide write cannot exhaust the server's."""
_QUERY_ROWS: Final = 2_000_000
"""Rows that one statement of a read brings, so that neither side holds the answer twice."""
_PIECE_ROWS: Final = 4_000_000
"""Rows of one series in one value (56 bytes each); PostgreSQL ends at one gigabyte."""
_ROW: Final = np.dtype([("ts", ">i8"), ("known", ">i8"), ("values", ">f8", (5,))])
_COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TAIL: Final = b"\xff\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a write does to one series."""

    key: SeriesKey
    old: Entry | None
    facts: Facts
    rows: Rows
    done: Appended
    notes: tuple[tuple[int, str], ...]


# --- reading --------------------------------------------------------------------------------------


def entries_of(
    cursor: Cursor, symbols: Sequence[str] | None = None, *, interval: int | None = None, source: str | None = None
) -> builtins.list[tuple[Entry, int]]:
    """Series in the order of their keys, each with the version of its content."""
    wanted = None if symbols is None else [*symbols]
    rows = cursor.execute(
        """
        select number, symbol, interval_ns, source, instrument, adjusted, licence, origin, synthetic, n_bars, first_ts,
               last_ts, restated, coalesce(content_hash, ''), version,
               array(select known from revisions r where r.series = s.number union
                     select known from actions a where a.symbol = s.symbol and a.source = s.source order by 1),
               (select count(*) from quarantine q where (q.symbol, q.interval_ns, q.source)
                                                      = (s.symbol, s.interval_ns, s.source)),
               array(select n.known from notes n where n.series = s.number order by n.place),
               array(select n.note from notes n where n.series = s.number order by n.place)
        from series s
        where (%(symbols)s::text[] is null or symbol = any(%(symbols)s::text[]))
          and (%(interval)s::bigint is null or interval_ns = %(interval)s::bigint)
          and (%(source)s::text is null or source = %(source)s::text)
        """,
        {"symbols": wanted, "interval": interval, "source": source},
    ).fetchall()
    out = [
        (
            Entry(
                number=number,
                info=SeriesInfo(
                    key=SeriesKey(symbol, length, of), n_bars=n_bars, first=first, last=last,
                    revisions=tuple(revisions), restated=restated, rejected=rejected, adjusted=adjusted,
                    licence=licence, origin=origin, synthetic=synthetic, content_hash=content,
                ),
                instrument=instrument_from(instrument),
                notes=tuple(zip(instants, notes, strict=True)),
            ),
            version,
        )
        for (number, symbol, length, of, instrument, adjusted, licence, origin, synthetic, n_bars, first, last,
             restated, content, version, revisions, rejected, instants, notes) in rows
    ]  # fmt: skip
    return sorted(out, key=lambda item: item[0].info.key)


def chosen_of(cursor: Cursor, symbols: Sequence[str], interval: str, source: str | None) -> builtins.list[Entry]:
    """Series of the symbols; the whole catalogue is read only where one of them is not there as it is written."""
    wanted = [symbols] if isinstance(symbols, str) else [*symbols]
    found = [entry for entry, _ in entries_of(cursor, wanted)]
    if {entry.info.key.symbol for entry in found} != set(wanted):
        found = [entry for entry, _ in entries_of(cursor)]
    return chosen(found, symbols, interval, source)


def facts_in(entry: Entry) -> Facts:
    info = entry.info
    return Facts(
        instrument=entry.instrument, adjusted=info.adjusted, licence=info.licence, origin=info.origin,
        synthetic=info.synthetic,
    )  # fmt: skip


def rows_of(
    cursor: Cursor,
    spans: Sequence[tuple[Entry, int | None, int | None]],
    at: int | None,
    *,
    piece_rows: int = _PIECE_ROWS,
    query_rows: int = _QUERY_ROWS,
) -> builtins.list[Rows]:
    """Rows of several series, every version known at an instant, by stamp and then by when they were known.

    The server packs the rows of a series into one value: ten times fewer calls than a row at a time.
    """
    asked: builtins.list[tuple[int, int, int, int, int]] = []
    for place, (entry, low, high) in enumerate(spans):
        info = entry.info
        first = max(FIRST_NS if low is None else low, info.first)
        last = min(LAST_NS if high is None else high, info.last)
        if first > last:
            continue
        n_rows = info.n_bars + info.restated
        share = max(1, -(-n_rows // piece_rows) * 2 if n_rows > piece_rows else 1)
        edges = [first + (last - first + 1) * part // share for part in range(share)] + [last + 1]
        asked += [
            (place, entry.number, edges[part], edges[part + 1] - 1, n_rows // share) for part in range(share)
        ]  # fmt: skip
    pieces: builtins.list[builtins.list[Rows]] = [[] for _ in spans]
    while asked:
        total, batch = 0, 0
        while batch < len(asked) and (not batch or total + asked[batch][4] <= query_rows):
            total += asked[batch][4]
            batch += 1
        now, asked = asked[:batch], asked[batch:]
        answers = cursor.execute(
            """
            select s.place, (
                select string_agg(int8send(b.ts) || int8send(b.known) || float8send(b.open) || float8send(b.high)
                                  || float8send(b.low) || float8send(b.close) || float8send(b.volume), ''::bytea)
                from bars b
                where b.series = s.number and b.ts between s.low and s.high and b.known <= %s)
            from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) s(place, number, low, high)
            """,
            (LAST_NS if at is None else at, *([item[field] for item in now] for field in range(4))),
        )
        for place, packed in answers:
            if packed is not None:
                pieces[place].append(_unpacked(packed))
    return [_in_order(parts) for parts in pieces]


def _unpacked(packed: bytes) -> Rows:
    raw = np.frombuffer(packed, dtype=_ROW)
    return Rows(raw["ts"].astype(np.int64), raw["known"].astype(np.int64), raw["values"].astype(np.float64))


def _in_order(parts: Sequence[Rows]) -> Rows:
    if len(parts) == 1 and bool((np.diff(parts[0].ts) > 0).all()):
        return parts[0]
    return Rows.joined(parts)


def cuts_of(
    cursor: Cursor, entries: Sequence[Entry], rows: int, low: int | None, high: int | None, at: int | None
) -> builtins.list[int]:
    """Every `rows`-th of the different stamps, from the first."""
    found = cursor.execute(
        """
        select ts from (
            select ts, row_number() over (order by ts) - 1 as place
            from (select distinct ts from bars where series = any(%s) and ts between %s and %s and known <= %s) every
        ) numbered where place %% %s = 0 order by ts
        """,
        (
            [entry.number for entry in entries],
            FIRST_NS if low is None else low,
            LAST_NS if high is None else high,
            LAST_NS if at is None else at,
            rows,
        ),
    )
    return [int(ts) for (ts,) in found]


def actions_of(
    cursor: Cursor, symbols: Sequence[str], source: str | None
) -> builtins.list[tuple[int, CorporateAction]]:
    wanted = [symbols] if isinstance(symbols, str) else [*symbols]
    rows = cursor.execute(
        "select known, ts, instrument, kind, value, new_symbol, cash, price from actions "
        "where symbol = any(%(symbols)s) and (%(source)s::text is null or source = %(source)s::text) order by number",
        {"symbols": wanted, "source": source},
    ).fetchall()
    return [
        (known, CorporateAction(ts=ts, instrument=instrument_from(instrument), kind=ActionKind(kind), value=value,
                                new_symbol=new_symbol, cash=cash, price=price))
        for known, ts, instrument, kind, value, new_symbol, cash, price in rows
    ]  # fmt: skip


def fresh_of(
    known: Sequence[tuple[int, CorporateAction]], actions: Sequence[CorporateAction], *, restate: bool
) -> builtins.list[CorporateAction]:
    """Actions that say something new."""
    if not actions:
        return []
    there = {action_key(old): old.terms for old in newest_actions(known)}
    out: builtins.list[CorporateAction] = []
    for action in actions:
        terms = there.get(action_key(action))
        if terms is not None and terms != action.terms and not restate:
            raise action_differs(action, terms)
        if terms != action.terms:
            out.append(action)
    return out


def quarantine_of(cursor: Cursor, symbols: Sequence[str] | None) -> dict[SeriesKey, builtins.list[Finding]]:
    wanted = [symbols] if isinstance(symbols, str) else None if symbols is None else [*symbols]
    rows = cursor.execute(
        "select symbol, interval_ns, source, rule, severity, message, said_symbol, row_number, ts, value, action "
        "from quarantine where %(symbols)s::text[] is null or symbol = any(%(symbols)s::text[]) order by number",
        {"symbols": wanted},
    ).fetchall()
    out: dict[SeriesKey, builtins.list[Finding]] = {}
    for symbol, length, source, rule, severity, message, said, row, ts, value, action in rows:
        out.setdefault(SeriesKey(symbol, length, source), []).append(Finding(
            rule=rule, severity=Severity(severity), message=message, symbol=said, row=row, ts=ts, value=value,
            action=action,
        ))  # fmt: skip
    return out


# --- writing --------------------------------------------------------------------------------------


def lock(cursor: Cursor, schema: str, symbols: Sequence[str], source: str) -> None:
    """Wait until nobody else writes these series; in one order, so that two writers never wait for each other."""
    numbers = sorted({number_of(schema, "series", str(number_of(symbol, source) % _LOCKS)) for symbol in symbols})
    cursor.execute("select pg_advisory_xact_lock(l) from unnest(%s::bigint[]) l", (numbers,))


def number_of(*words: str) -> int:
    digest = hashlib.blake2b("\0".join(("tradewright", *words)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def write_changes(cursor: Cursor, changes: Sequence[Change]) -> None:
    if not changes:
        return
    numbers: builtins.list[int] = []
    for change in changes:
        rows, facts, done = change.rows, change.facts, change.done
        first = int(rows.ts[0]) if rows.size else LAST_NS
        last = int(rows.ts[-1]) if rows.size else FIRST_NS
        if change.old is None:
            row = cursor.execute(
                "insert into series (symbol, interval_ns, source, instrument, adjusted, licence, origin, synthetic, "
                "n_bars, first_ts, last_ts, restated) "
                "values (%s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s, %s, %s) returning number",
                (change.key.symbol, change.key.interval_ns, change.key.source,
                 json.dumps(instrument_to(facts.instrument)), facts.adjusted, facts.licence, facts.origin,
                 facts.synthetic, done.added, first, last, done.restated),
            ).fetchone()  # fmt: skip
            assert row is not None
            numbers.append(int(row[0]))
            continue
        numbers.append(change.old.number)
        cursor.execute(
            "update series set n_bars = n_bars + %s, first_ts = least(first_ts, %s), last_ts = greatest(last_ts, %s), "
            "restated = restated + %s, licence = %s, origin = %s, content_hash = null, version = version + 1 "
            "where number = %s",
            (done.added, first, last, done.restated, facts.licence, facts.origin, change.old.number),
        )
    cursor.executemany(
        "insert into revisions (series, known) values (%s, %s) on conflict do nothing",
        [
            (number, known)
            for number, change in zip(numbers, changes, strict=True)
            for known in (change.done.known, *change.rows.known[:1].tolist())
        ],
    )
    notes = [(number, *item) for number, change in zip(numbers, changes, strict=True) for item in change.notes]
    if notes:
        cursor.executemany("insert into notes (series, known, note) values (%s, %s, %s)", notes)
    with cursor.copy("copy bars from stdin (format binary)") as copy:
        copy.write(_COPY_HEAD)
        for number, change in zip(numbers, changes, strict=True):
            copy.write(_packed(number, change.rows))
        copy.write(_COPY_TAIL)


def _copy_dtype() -> np.dtype[Any]:
    """One row as COPY reads it: the number of fields, then each with its length before it."""
    fields: builtins.list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in (("series", ">i8"), ("ts", ">i8"), ("known", ">i8"), *((f"value{i}", ">f8") for i in range(5))):
        fields += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(fields)


_COPIED: Final = _copy_dtype()


def _packed(number: int, rows: Rows) -> bytes:
    out = np.zeros(rows.size, dtype=_COPIED)
    out["fields"] = 8
    for name in _COPIED.names or ():
        if name.endswith("_length"):
            out[name] = 8
    out["series"], out["ts"], out["known"] = number, rows.ts, rows.known
    for i in range(5):
        out[f"value{i}"] = rows.values[:, i]
    return out.tobytes()


def write_actions(cursor: Cursor, source: str, told: Sequence[tuple[int, CorporateAction]]) -> None:
    if not told:
        return
    cursor.executemany(
        "insert into actions (symbol, source, known, ts, instrument, kind, value, new_symbol, cash, price) "
        "values (%s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)",
        [
            (action.instrument.id, source, known, action.ts, json.dumps(instrument_to(action.instrument)),
             str(action.kind), action.value, action.new_symbol, action.cash, action.price)
            for known, action in told
        ],
    )  # fmt: skip
    cursor.execute(
        "update series set content_hash = null, version = version + 1 where source = %s and symbol = any(%s)",
        (source, sorted({action.instrument.id for _, action in told})),
    )


def write_quarantine(cursor: Cursor, bad: dict[SeriesKey, builtins.list[Finding]]) -> None:
    if not bad:
        return
    kept = quarantine_of(cursor, sorted({key.symbol for key in bad}))
    fresh: builtins.list[tuple[Any, ...]] = []
    for key, findings in bad.items():
        there = kept.get(key, [])
        for f in findings:
            if f in there:
                continue
            there.append(f)
            fresh.append((key.symbol, key.interval_ns, key.source, f.rule, str(f.severity), f.message, f.symbol,
                          f.row, f.ts, f.value, f.action))  # fmt: skip
    if fresh:
        cursor.executemany(
            "insert into quarantine (symbol, interval_ns, source, rule, severity, message, said_symbol, row_number, "
            "ts, value, action) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            fresh,
        )


# --- the schema and the address -------------------------------------------------------------------


def statements(*, hypertable: bool) -> builtins.list[str]:
    """Statements that make the tables in the first schema of the search path."""
    bars = (
        "create table bars (series bigint not null, ts bigint not null, known bigint not null, "
        "open double precision not null, high double precision not null, low double precision not null, "
        "close double precision not null, volume double precision not null, primary key (series, ts, known))"
    )
    layout = (
        [bars, f"select create_hypertable('bars', 'ts', chunk_time_interval => {366 * 86_400 * 10**9}::bigint)"]
        if hypertable
        else [f"{bars} partition by range (ts)"]
    )
    return [
        "create table meta (name text primary key, value text not null)",
        "create table series (number bigint generated always as identity primary key, symbol text not null, "
        "interval_ns bigint not null, source text not null, instrument jsonb not null, adjusted text not null, "
        "licence text not null, origin text not null, synthetic boolean not null, n_bars bigint not null, "
        "first_ts bigint not null, last_ts bigint not null, restated bigint not null, content_hash text, "
        "version bigint not null default 1, unique (symbol, interval_ns, source))",
        "create table revisions (series bigint references series on delete cascade, known bigint, "
        "primary key (series, known))",
        "create table notes (place bigint generated always as identity primary key, "
        "series bigint not null references series on delete cascade, known bigint not null, note text not null)",
        "create index on notes (series)",
        *layout,
        "create index on bars using brin (ts)",
        "create table actions (number bigint generated always as identity primary key, symbol text not null, "
        "source text not null, known bigint not null, ts bigint not null, instrument jsonb not null, "
        "kind text not null, value double precision not null, new_symbol text not null, "
        "cash double precision not null default 0, price double precision not null default 0)",
        "create index on actions (symbol, source)",
        "create table quarantine (number bigint generated always as identity primary key, symbol text not null, "
        "interval_ns bigint not null, source text not null, rule text not null, severity text not null, "
        "message text not null, said_symbol text not null, row_number bigint, ts bigint, value double precision, "
        "action text not null)",
        "create index on quarantine (symbol, interval_ns, source)",
        "create view prices as select s.symbol, s.interval_ns / 1e9 * interval '1 second' as length, s.source, "
        "to_timestamp(b.ts / 1e9) as time, to_timestamp(b.known / 1e9) as known, b.open, b.high, b.low, b.close, "
        "b.volume from bars b join series s on s.number = b.series",
    ]


def years_of(ts: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.unique(ts.astype("datetime64[ns]").astype("datetime64[Y]").astype(np.int64) + 1970)


def year_start(year: int) -> int | None:
    """First nanosecond of a year, None where 64 bits cannot count it."""
    days = int(np.datetime64(f"{year:04d}-01-01", "D").astype(np.int64))
    ns = days * 86_400 * 10**9
    return ns if FIRST_NS <= ns <= LAST_NS else None


def parsed(dsn: str) -> tuple[dict[str, Any], tuple[str, ...], str]:
    """Parameters of an address, what must not be said of it, and the schema after its ``#``."""
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise ConfigError("PostgreSQL needs psycopg; install it with: pip install 'tradewright[db]'.") from None
    text, schema = dsn.strip(), ""
    if "://" in text:
        scheme, _, rest = text.partition("://")
        if scheme not in {"postgresql", "postgres"}:
            raise ConfigError(f"The address of the database starts with {scheme!r}; it must be postgresql://...")
        place = rest.find("@")
        if rest.count("@") > 1 or (place >= 0 and re.search(r"[/?#]", rest[:place])):
            # Read as they stand, parts of the password would become host or port, and be said in errors.
            raise ConfigError(
                "The address of the database has a second '@', or a '/', '?' or '#' before the '@'. Write such "
                "characters of a password as %40, %2F, %3F and %23, or give the password in PGPASSWORD."
            )
        text, _, schema = text.partition("#")
    try:
        found = {key: value for key, value in conninfo_to_dict(text).items() if value is not None}
    except psycopg.Error:
        raise ConfigError(
            "The address of the database cannot be understood; write postgresql://user:password@host:port/database or "
            "'host=... dbname=...' (it is not shown here because it may hold a password)."
        ) from None
    words = ("password", "sslpassword")
    secrets = [str(found[word]) for word in words if found.get(word)]
    if os.environ.get("PGPASSWORD"):
        secrets.append(os.environ["PGPASSWORD"])
    return found, tuple(sorted(secrets, key=len, reverse=True)), schema


def address_of(parameters: dict[str, Any], schema: str) -> str:
    """Address that opens the same store again where the password comes from elsewhere (``PGPASSWORD``, a file)."""
    hosts = str(parameters.get("host") or parameters.get("hostaddr") or os.environ.get("PGHOST") or "localhost")
    ports = str(parameters.get("port") or os.environ.get("PGPORT") or "5432").split(",")
    named = [f"[{host}]" if ":" in host else quote(host, safe="") for host in hosts.split(",")]
    ports = ports * len(named) if len(ports) == 1 else ports
    place = ",".join(f"{host}:{port}" for host, port in zip(named, ports, strict=False))
    user = parameters.get("user") or os.environ.get("PGUSER")
    database = parameters.get("dbname") or os.environ.get("PGDATABASE") or user or ""
    who = f"{quote(str(user), safe='')}@" if user else ""
    return f"postgresql://{who}{place}/{quote(str(database), safe='')}#{schema}"


def may_pass(error: BaseException) -> bool:
    """Whether the same work may succeed a moment later."""
    import psycopg

    if isinstance(error, (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)):
        return True
    if isinstance(error, psycopg.InterfaceError):
        return True
    if not isinstance(error, psycopg.OperationalError):
        return False
    # Without a state the connection itself failed; 08 is connection, 57P0x a server that stops or starts.
    return not error.sqlstate or error.sqlstate.startswith(("08", "57P"))


def without_secrets(error: Exception, secrets: Sequence[str]) -> Exception | None:
    return None if any(secret in str(error) for secret in secrets) else error
