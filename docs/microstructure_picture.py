"""Draws the picture of the page on microstructure: a made-up book, its features, and a hole in its feed.

python docs/microstructure_picture.py [FILE.png]
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from tradewright.domain.depth import DepthEvents
from tradewright.features.microstructure import replay
from tradewright.testing import book_feed

BLUE, ORANGE, INK, GREY = "#2a6fbb", "#d9822b", "#15202b", "#8593a1"
LOST, BACK = 150, 190
SECOND = 1_000_000_000


def main(path: Path) -> None:
    feed = book_feed(360, seed=12, venue="binance_spot", snapshots=(BACK,))
    events = feed.events
    names = {"price_decimals": events.price_decimals, "size_decimals": events.size_decimals, "venue": events.venue}
    done = replay(DepthEvents.of([e for k, e in enumerate(events) if k != LOST], **names))
    loss = done.losses[0]
    seconds = (done.ts - done.ts[0]) / SECOND
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
                         "grid.color": "#edf0f3", "axes.edgecolor": "#dfe5ea"})  # fmt: skip
    figure, (top, middle, bottom) = plt.subplots(
        3, 1, sharex=True, figsize=(10.0, 6.0), layout="constrained", gridspec_kw={"height_ratios": [2, 1, 1]}
    )
    top.step(seconds, done.column("ask"), color=ORANGE, lw=1.1, where="post", label="best ask")
    top.step(seconds, done.column("bid"), color=BLUE, lw=1.1, where="post", label="best bid")
    top.step(seconds, done.column("microprice"), color=INK, lw=0.8, where="post", label="microprice")
    middle.step(seconds, done.column("imbalance_5"), color=GREY, lw=0.9, where="post", label="imbalance, 5 levels")
    middle.set_ylim(-1, 1)
    stamps, rows = done.every(SECOND)
    flow = rows[:, -1]
    bottom.bar((stamps - done.ts[0]) / SECOND - 0.5, flow, width=0.9, color=np.where(flow > 0, BLUE, ORANGE))
    bottom.plot([], [], color=BLUE, lw=4, label="order-flow imbalance a second")
    begin, end = seconds[loss["event"]], seconds[loss["back_at_event"]]
    for panel in (top, middle, bottom):
        panel.axvspan(begin, end, color="#f3d9d4", lw=0)
        panel.legend(loc="lower left", bbox_to_anchor=(0.0, 0.99), frameon=False, ncols=4, fontsize=8)
        panel.set_xlim(seconds[0], seconds[-1])
    top.text((begin + end) / 2, 0.07, "an update is missing:\nno values until the next snapshot",
             transform=top.get_xaxis_transform(), ha="center", va="bottom", fontsize=8, color="#8c2f20")  # fmt: skip
    bottom.set_xlabel("seconds since the first event")
    figure.savefig(path, dpi=100, metadata={"Software": None}, pil_kwargs={"optimize": True})
    plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("img") / "microstructure.png")
