"""How fast order books are rebuilt: the compiled book beside dictionaries, from events in memory and from the file.

    python benchmarks/depth.py [--feed FILE] [--rounds 5] [--json]

Without a feed one is made up (seed 0). The contestants take turns; best times count. All of them must end with the same
best bid and offer after every event, else the run fails.

* ``book``: levels only, best bid and offer after each event. The dictionaries hold prices and sizes as floats, and
  search for the best level when it may have changed, as a careful script does.
* ``features``: all default columns after each event, beside the readable twin on dictionaries.
* ``file``: from compressed text to features, beside ``json.loads`` and the dictionaries with the best bid and offer.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tradewright import _reference
from tradewright.data.depth import read_depth
from tradewright.domain.depth import DepthFeed
from tradewright.features.microstructure import replay
from tradewright.kernel import core
from tradewright.testing.books import book_feed, feed_lines


class Dictionaries:
    """A book as a script writes it: two dictionaries, and the best of each remembered."""

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self.bid, self.ask = float("nan"), float("nan")

    def start(self, bids: list[Any], asks: list[Any]) -> None:
        self.bids, self.asks = {p: q for p, q in bids if q}, {p: q for p, q in asks if q}
        self.bid, self.ask = max(self.bids), min(self.asks)

    def change(self, bids: list[Any], asks: list[Any]) -> None:
        for p, q in bids:
            if q:
                self.bids[p] = q
                self.bid = max(self.bid, p)
            elif self.bids.pop(p, None) is not None and p == self.bid:
                self.bid = max(self.bids)
        for p, q in asks:
            if q:
                self.asks[p] = q
                self.ask = min(self.ask, p)
            elif self.asks.pop(p, None) is not None and p == self.ask:
                self.ask = min(self.asks)


def in_memory(feed: DepthFeed) -> list[tuple[bool, int, list[Any], list[Any]]]:
    """Events as a script has them after parsing: lists of float pairs."""
    out = []
    for e in feed.events:
        pairs = list(zip((e.price / 1e8).tolist(), (e.size / 1e8).tolist(), strict=True))
        out.append((e.snapshot, e.last_id, pairs[: e.n_bids], pairs[e.n_bids :]))
    return out


def walk(events: list[tuple[bool, int, list[Any], list[Any]]]) -> list[tuple[float, float]]:
    """Best bid and offer after each event; what came before the snapshot is dropped or kept by its number."""
    book, held, started, out = Dictionaries(), [], False, []
    for snapshot, last, bids, asks in events:
        if snapshot:
            book.start(bids, asks)
            for u, b, a in held:
                if u > last:
                    book.change(b, a)
            started = True
        elif started:
            book.change(bids, asks)
        else:
            held.append((last, bids, asks))
        out.append((book.bid, book.ask))
    return out


def from_file(path: Path) -> list[tuple[float, float]]:
    events = []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            said = json.loads(line.partition(" ")[2])
            data = said.get("data", said)
            if "lastUpdateId" in data:
                sides = data["bids"], data["asks"]
                events.append((True, data["lastUpdateId"], *([(float(p), float(q)) for p, q in s] for s in sides)))
            elif data.get("e") == "depthUpdate":
                sides = data["b"], data["a"]
                events.append((False, data["u"], *([(float(p), float(q)) for p, q in s] for s in sides)))
    return walk(events)


def best(rounds: int, contestants: dict[str, Callable[[], Any]]) -> dict[str, float]:
    times = dict.fromkeys(contestants, float("inf"))
    for _ in range(rounds):
        for name, run in contestants.items():
            begin = time.perf_counter()
            run()
            times[name] = min(times[name], time.perf_counter() - begin)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feed", type=Path, help="a compressed feed of Binance, one symbol")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.feed
        if path is None:
            path = Path(folder) / "feed.ndjson.gz"
            path.write_bytes(gzip.compress("\n".join(feed_lines(book_feed(20_000))).encode()))
        feed = read_depth(path)
        events = in_memory(feed)
        e = feed.events
        columns = (e.snapshot, e.first_id, e.last_id, e.previous_id, e.checksum, e.begin, e.n_bids, e.price, e.size)
        plain = {"price_decimals": 8, "size_decimals": 8, "levels": [], "within": [], "sizes": []}
        few = slice(0, min(len(e), 1500))
        part = (*(x[few] for x in columns[:5]), e.begin[: few.stop + 1], e.n_bids[few], e.price, e.size)
        full = {
            "price_decimals": 8,
            "size_decimals": 8,
            "levels": [1, 5, 10],
            "within": [5_000_000, 10_000_000],
            "sizes": [],
        }

        ours, theirs = replay(e), np.array(walk(events))
        good = ours.in_sync
        same = np.array_equal(ours.values[good][:, [0, 2]], theirs[good])
        times = best(
            options.rounds,
            {
                "book, compiled": lambda: core.DepthBook(e.venue, **plain).run(*columns),
                "book, dictionaries": lambda: walk(events),
                "features, compiled": lambda: core.DepthBook(e.venue, **full).run(*columns),
                "file to features, compiled": lambda: replay(read_depth(path).events),
                "file to best quotes, dictionaries": lambda: from_file(path),
            },
        )
        times |= best(1, {"features, dictionaries": lambda: _reference.DepthBook(e.venue, **full).run(*part)})
        times["features, dictionaries"] *= len(e) / few.stop
    n, levels = len(e), e.price.size
    pairs = [
        ("book", "book, compiled", "book, dictionaries"),
        ("features", "features, compiled", "features, dictionaries"),
        ("file", "file to features, compiled", "file to best quotes, dictionaries"),
    ]
    agree = "equal" if same else "DIFFERENT"
    table = {
        name: {"events_per_s": n / times[a], "dictionaries_events_per_s": n / times[b], "ratio": times[b] / times[a]}
        for name, a, b in pairs
    }
    if options.json:
        print(
            json.dumps({"feed": path.name, "events": n, "levels": levels, "same_quotes": same, "work": table}, indent=2)
        )
    else:
        print(f"{path.name}: {n} events, {levels} levels; best quotes {agree} after every event")
        print(f"{'work':<10} {'events/s':>12} {'dictionaries':>13} {'ratio':>7}")
        for name, (ours_s, theirs_s, ratio) in ((k, row.values()) for k, row in table.items()):
            print(f"{name:<10} {ours_s:>12,.0f} {theirs_s:>13,.0f} {ratio:>7.1f}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
