"""Draw the pictures of the pages on labels and validation from the sample data.

    python docs/label_pictures.py

Needs matplotlib and the sample data (extra ``samples``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

import tradewright as tw
from tradewright.features import labels as lab
from tradewright.models.validation import CombinatorialPurgedKFold, PurgedKFold, WalkForward

FOLDER: Final = Path(__file__).resolve().parent / "img" / "labels"
BLUE, RED, GREY, GREEN, AMBER = "#1a4e8a", "#b3470f", "#9aa3ad", "#2a7f62", "#e0a72e"


def barriers() -> None:
    """A few labels on the price: box of the barriers, from the event to the answer."""
    import matplotlib.pyplot as plt

    bars = tw.load("SPX")
    events = lab.cusum_events(bars, 0.025)
    found = lab.triple_barrier(bars, events, min_return=0.0, profit_taking=2.0, stop_loss=2.0, max_bars=10)
    days = bars.ts.astype("datetime64[ns]")
    first, last = (int(np.searchsorted(days, np.datetime64(day))) for day in ("2018-01-15", "2018-07-01"))
    figure, axes = plt.subplots(figsize=(10, 4.2), dpi=100, layout="constrained")
    rows = np.arange(first, last)
    axes.vlines(rows, bars.low[rows, 0], bars.high[rows, 0], color=GREY, lw=1)
    axes.plot(rows, bars.close[rows, 0], color="#333333", lw=0.9)
    colours = {1: GREEN, 0: BLUE, -1: RED}
    names = {1: "upper barrier first", 0: "time", -1: "lower barrier first"}
    for k in np.flatnonzero((found.row0 >= first) & (found.row1 < last)):
        a, b, entry, width = int(found.row0[k]), int(found.row1[k]), float(found.entry[k]), float(found.width[k])
        colour = colours[int(found.label[k])]
        axes.fill_between([a, b], entry * (1 - 2 * width), entry * (1 + 2 * width), color=colour, alpha=0.13, lw=0)
        axes.hlines([entry * (1 + 2 * width), entry * (1 - 2 * width)], a, b, color=colour, lw=1.2)
        axes.plot([a], [entry], "o", color=colour, ms=4)
        axes.plot([b], [float(found.exit[k])], "x", color=colour, ms=7, mew=2)
    for label in (1, -1, 0):
        axes.plot([], [], "s", color=colours[label], label=names[label], alpha=0.7)
    ticks = rows[:: max(1, rows.size // 6)]
    axes.set_xticks(ticks, [str(days[t].astype("datetime64[D]")) for t in ticks])
    axes.set_title(
        "S&P 500, 2018: CUSUM events (dot), their barriers, and where they ended (cross)", fontsize=11, loc="left"
    )
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    _save(figure, axes, "triple_barrier.png")


def splits() -> None:
    """What each splitter trains on, tests and leaves out."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    n = 240
    rng = np.random.default_rng(4)
    t0 = np.arange(n)
    spans = (t0, t0 + rng.integers(3, 14, n))
    cvs = [
        ("PurgedKFold(5, embargo=0.03)", PurgedKFold(5, spans=spans, embargo=0.03)),
        ("CombinatorialPurgedKFold(5, 2, embargo=0.03)", CombinatorialPurgedKFold(5, 2, spans=spans, embargo=0.03)),
        ("WalkForward(90, 30)", WalkForward(90, 30, spans=spans)),
    ]
    colours = ListedColormap(["#ffffff", "#8fb3d9", AMBER, RED])
    found = [(name, list(cv.split(np.zeros(n)))) for name, cv in cvs]
    figure, panels = plt.subplots(
        3,
        1,
        figsize=(10, 5.6),
        dpi=100,
        layout="constrained",
        height_ratios=[len(parts) for _, parts in found],
        sharex=True,
    )
    for axes, (name, parts) in zip(panels, found, strict=True):
        table = np.zeros((len(parts), n))
        for k, (train, test) in enumerate(parts):
            if name.startswith("Walk"):
                table[k, max(0, int(test[0]) - 90) : int(test[0])] = 2
            else:
                table[k] = 2
            table[k, train] = 1
            table[k, test] = 3
        axes.pcolormesh(table[::-1], cmap=colours, vmin=0, vmax=3, edgecolors="none")
        axes.hlines(np.arange(len(parts) + 1), 0, n, color="white", lw=2)
        axes.set_title(name, fontsize=10, loc="left", family="monospace")
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(False)
    panels[-1].set_xlabel("row, in order of time; labels span 3 to 13 rows")
    marks = [("#8fb3d9", "training"), (RED, "test"), (AMBER, "purged or embargoed")]
    figure.legend(
        handles=[Patch(color=colour, label=text) for colour, text in marks], loc="outside upper right", ncols=3,
        frameon=False, fontsize=9,
    )  # fmt: skip
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / "splits.png", metadata={"Software": None})
    plt.close(figure)


def _save(figure: Any, axes: Any, name: str) -> None:
    import matplotlib.pyplot as plt

    axes.spines[["top", "right"]].set_visible(False)
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / name, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    import matplotlib

    matplotlib.use("Agg")
    barriers()
    splits()
