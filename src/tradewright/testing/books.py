"""Feeds of order books made up for tests, and the exam that a rebuilt book sits.

Entry points: `book_feed` (a market of levels with its events, quotes and truth), `feed_lines` (the same as raw text),
`spread_bars` (bars of trades at a bid and an ask of known distance), `check_book`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tradewright.domain.depth import DepthEvent, DepthEvents, Quotes
from tradewright.domain.errors import InputError

__all__ = ["BookFeed", "book_feed", "check_book", "feed_lines", "spread_bars"]

Side = dict[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class BookFeed:
    """A made-up feed.

    Parameters
    ----------
    events : DepthEvents
        As they arrive: differences also before the snapshot.
    quotes : Quotes
        The best bid and offer after every single change.
    truth : dict of int to (dict, dict)
        Bids and asks after the update of that id, where a difference ends.
    """

    events: DepthEvents
    quotes: Quotes
    truth: dict[int, tuple[Side, Side]]


def book_feed(
    n: int = 200, *, seed: int = 0, venue: str = "binance_spot", early: int = 3, snapshots: tuple[int, ...] = ()
) -> BookFeed:
    """Make a feed of `n` differences of a random walk of levels.

    Parameters
    ----------
    n : int
        Differences, each of one to six changes.
    seed : int
    venue : str
        ``binance_spot``, ``binance_usdm``, ``bybit`` or ``generic``: how updates are numbered.
    early : int
        Differences that arrive before the first snapshot, which covers all but the last of them (Binance and generic).
    snapshots : tuple of int
        Numbers of differences after which another snapshot comes.

    Returns
    -------
    BookFeed

    Examples
    --------
    >>> feed = book_feed(50, early=3)
    >>> len(feed.events), feed.events.snapshot[:5].tolist()
    (51, [0, 0, 0, 1, 0])
    """
    if venue not in ("binance_spot", "binance_usdm", "bybit", "generic"):
        raise InputError(f"venue is {venue!r}; feeds are made for binance_spot, binance_usdm, bybit and generic.")
    rng = np.random.default_rng(seed)
    early = 0 if venue == "bybit" else early
    middle = 10_000
    sides: tuple[Side, Side] = (
        {middle - 1 - k: int(rng.integers(1, 500)) for k in range(30)},
        {middle + 1 + k: int(rng.integers(1, 500)) for k in range(30)},
    )
    step = 1 if venue in ("binance_spot", "bybit") else 7  # USD-M numbers have holes
    update, now = 1000, 1_700_000_000_000_000_000
    truth = {update: (dict(sides[0]), dict(sides[1]))}
    found: list[DepthEvent] = []
    quotes: list[tuple[int, ...]] = []
    waiting: DepthEvent | None = None
    pressure = 0.3
    last = update
    for k in range(n):
        touched: tuple[Side, Side] = ({}, {})
        first = update + step
        if venue == "bybit":  # one number a difference
            update += 1
        for _ in range(int(rng.integers(1, 7))):
            if venue != "bybit":
                update += step
            pressure = -pressure if rng.random() < 0.01 else pressure
            _change(rng, sides, touched, pressure)
            bid, ask = max(sides[0]), min(sides[1])
            quotes.append((now, now, update, 0, bid, sides[0][bid], ask, sides[1][ask]))
        now += int(rng.integers(1, 200)) * 1_000_000
        pairs = [*touched[0].items(), *touched[1].items()]
        previous = last if venue in ("binance_usdm", "generic") else -1
        found.append(_event(False, pairs, len(touched[0]), now, update, first if venue != "bybit" else -1, previous))
        last = update
        truth[update] = (dict(sides[0]), dict(sides[1]))
        if k == max(early - 2, 0) and early:
            waiting = _snapshot(sides, now, update)
        if early and k == early - 1 and waiting is not None:
            found.append(replace(waiting, ts=now, exchange_ts=now))
        if k in snapshots:
            found.append(_snapshot(sides, now, update))
    if not early:
        start = _snapshot(truth[1000], found[0].ts, 1000)
        found.insert(0, start)
    found = [replace(event, line=k + 1) for k, event in enumerate(found)]
    table = np.array(quotes, np.int64)
    if venue == "bybit":  # only the quote at the end of a difference has a number of its own
        table = table[np.flatnonzero(np.diff(table[:, 2], append=update + 1))]
    columns = [np.ascontiguousarray(table[:, k]) for k in range(8)]
    events = DepthEvents.of(found, price_decimals=1, size_decimals=3, symbol="TEST", venue=venue)
    return BookFeed(events, Quotes(*columns), truth)


def feed_lines(feed: BookFeed) -> list[str]:
    """The feed as Binance would send it, after a local stamp (spot and USD-M numbering).

    Examples
    --------
    >>> feed_lines(book_feed(5))[0][:48]
    '1700000000000000000 {"stream": "test@bookTicker"'
    """
    events = feed.events

    def text(units: int, decimals: int) -> str:
        return f"{units // 10**decimals}.{units % 10**decimals:0{decimals}d}"

    out: list[tuple[int, int, str]] = []
    for k, event in enumerate(events):
        levels = [
            [text(p, events.price_decimals), text(q, events.size_decimals)]
            for p, q in zip(event.price.tolist(), event.size.tolist(), strict=True)
        ]
        bids, asks = levels[: event.n_bids], levels[event.n_bids :]
        body: dict[str, Any]
        if event.snapshot:
            body = {"lastUpdateId": event.last_id, "bids": bids, "asks": asks}
        else:
            data = {
                "e": "depthUpdate", "E": event.exchange_ts // 10**6, "s": events.symbol, "U": event.first_id,
                "u": event.last_id, "b": bids, "a": asks,
            }  # fmt: skip
            if events.venue == "binance_usdm":
                data["pu"] = event.previous_id
            body = {"stream": "test@depth@100ms", "data": data}
        out.append((event.ts, k, f"{event.ts} {json.dumps(body)}"))
    q = feed.quotes
    for k in range(len(q)):
        data = {
            "u": int(q.update_id[k]), "s": events.symbol, "b": text(int(q.bid[k]), events.price_decimals),
            "B": text(int(q.bid_size[k]), events.size_decimals), "a": text(int(q.ask[k]), events.price_decimals),
            "A": text(int(q.ask_size[k]), events.size_decimals),
        }  # fmt: skip
        body = {"stream": "test@bookTicker", "data": data}
        out.append((int(q.ts[k]), len(events) + k, f"{int(q.ts[k])} {json.dumps(body)}"))
    return [line for _, _, line in sorted(out)]


def spread_bars(
    spread: float, n: int, *, seed: int = 0, trades: int = 390, volatility: float = 0.02, seen: float = 1.0
) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Bars of a random walk of which each trade is at the bid or at the ask.

    Parameters
    ----------
    spread : float
        Distance of the ask from the bid, as a fraction of the price.
    n : int
        Bars.
    seed : int
    trades : int
        Trades in a bar.
    volatility : float
        Standard deviation of a bar's log return.
    seen : float
        Probability that a trade is observed; a bar has one at least.

    Returns
    -------
    dict of str to float64 array, shape (n,)
        ``open``, ``high``, ``low``, ``close`` and ``volume``.

    Examples
    --------
    >>> bars = spread_bars(0.01, 3)
    >>> bool((bars["high"] >= bars["low"] * 1.01).all())
    True
    """
    rng = np.random.default_rng(seed)
    efficient = np.cumsum(rng.normal(0, volatility / np.sqrt(trades), n * trades)).reshape(n, trades)
    price = 100 * np.exp(efficient) * (1 + spread / 2 * rng.choice([-1.0, 1.0], (n, trades)))
    there = rng.random((n, trades)) < seen
    there[:, 0] |= ~there.any(axis=1)
    first, last, rows = there.argmax(axis=1), trades - 1 - there[:, ::-1].argmax(axis=1), np.arange(n)
    return {
        "open": price[rows, first],
        "high": np.where(there, price, -np.inf).max(axis=1),
        "low": np.where(there, price, np.inf).min(axis=1),
        "close": price[rows, last],
        "volume": there.sum(axis=1) * 10.0,
    }


def check_book(feed: BookFeed, **settings: Any) -> None:
    """Examine the rebuilding of a made-up feed.

    Parameters
    ----------
    feed : BookFeed
    **settings
        Of `replay`.

    Raises
    ------
    AssertionError
        With the fact that does not hold.

    Notes
    -----
    The facts: after every applied event the levels are those of the truth; every quote agrees; event by event gives
    the bits of all at once; cutting the end off changes no row before; a difference that is left out is noticed at the
    very next one, and nothing is given until the next snapshot.

    Examples
    --------
    >>> check_book(book_feed(60, venue="bybit"))
    """
    from tradewright.features.microstructure.book import OrderBook, replay
    from tradewright.features.microstructure.quotes import compare_quotes

    events = feed.events
    done = replay(events, **settings)
    keys = ("levels", "within_bp", "sizes", "depth", "hold")
    book = OrderBook(
        events.venue, price_decimals=events.price_decimals, size_decimals=events.size_decimals,
        **{key: value for key, value in settings.items() if key in keys},
    )  # fmt: skip
    for k, event in enumerate(events):
        update = book.apply(event)
        _must(
            update.status == done.statuses[k], f"event {k} is {update.status} alone and {done.statuses[k]} in columns"
        )
        _must(_same(update.values, done.values[k]), f"event {k} gives other numbers alone than in columns")
        if book.synced:
            bids, asks = feed.truth[book.last_id]
            ours = book.top(10**6)
            for side, truth, sign in ((ours[0], bids, -1), (ours[1], asks, 1)):
                levels = [(p / 10**events.price_decimals, truth[p] / 10**events.size_decimals) for p in truth]
                levels.sort(key=lambda level, sign=sign: sign * level[0])  # type: ignore[misc]
                _must(np.array_equal(side, np.array(levels)), f"after event {k} the levels are not those of the market")
    found = compare_quotes(done, feed.quotes)
    _must(found.compared > 0 and found.different == 0, f"{found.different} of {found.compared} quotes differ")
    cut = len(events) // 2
    short = replay(DepthEvents.of([events[k] for k in range(cut)], **_units(events)), **settings)
    _must(_same(short.values, done.values[:cut]), "rows change when later events are cut off")
    applied = [k for k, status in enumerate(done.statuses) if status == "applied" and not events.snapshot[k]]
    for k in applied[1:-1:7]:
        rest = replay(DepthEvents.of([e for j, e in enumerate(events) if j != k], **_units(events)), **settings)
        if events.snapshot[k + 1]:
            continue
        _must(rest.statuses[k] == "lost" and rest.reasons[k] == "gap", f"event {k} left out goes unnoticed")
        after = np.flatnonzero(events.snapshot[k + 1 :])
        until = k + int(after[0]) if after.size else len(events) - 1
        _must(bool(np.isnan(rest.values[k:until]).all()), f"numbers are given although event {k} is missing")


def _units(events: DepthEvents) -> dict[str, Any]:
    names = ("price_decimals", "size_decimals", "symbol", "venue")
    return {name: getattr(events, name) for name in names}


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True)


def _must(holds: bool, sentence: str) -> None:
    if not holds:
        raise AssertionError(sentence)


def _change(rng: np.random.Generator, sides: tuple[Side, Side], touched: tuple[Side, Side], pressure: float) -> None:
    """One random change that keeps the bid below the ask and both sides full enough; with pressure, asks are taken."""
    taken = bool(rng.random() < 0.4)
    side = int((rng.random() < 0.5 + pressure) == taken)
    sign = 1 if side else -1
    own, other = sides[side], sides[1 - side]
    best = min(own) if side else max(own)
    rival = max(other) if side else min(other)
    if taken and len(own) > 10:  # a level goes, mostly the best
        price = best if rng.random() < 0.7 else int(rng.choice(list(own)))
        del own[price]
        touched[side][price] = 0
        return
    wide = abs(best - rival)
    if wide > 2 and rng.random() < 0.5:  # a wide spread is stepped into
        price = best - sign * int(rng.integers(1, wide))
    else:
        price = best + sign * int(rng.integers(0, 4 if len(own) > 25 else 40))
    own[price] = touched[side][price] = int(rng.integers(1, 500))


def _event(
    snapshot: bool, pairs: list[tuple[int, int]], n_bids: int, ts: int, last: int, first: int = -1, previous: int = -1
) -> DepthEvent:
    price, size = (np.array([pair[k] for pair in pairs], np.int64) for k in (0, 1))
    return DepthEvent(snapshot, price, size, n_bids, ts, ts, first, last, previous)


def _snapshot(sides: tuple[Side, Side], ts: int, last: int) -> DepthEvent:
    return _event(True, [*sides[0].items(), *sides[1].items()], len(sides[0]), ts, last)
