"""Draw the picture of the page on features from the sample data.

    python docs/feature_picture.py

Needs matplotlib and the sample data (extra ``samples``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

import tradewright as tw
from tradewright.features import FeatureSet

FILE: Final = Path(__file__).resolve().parent / "img" / "features.png"
BLUE, RED, GREY, GREEN = "#1a4e8a", "#b3470f", "#9aa3ad", "#2a7f62"


def picture() -> None:
    """Price, a fractional difference of it, two volatilities, and ranks across assets."""
    import matplotlib.pyplot as plt

    bars = tw.load("AAPL,JPM,KO,XOM", start="2018-01-01", end="2020-12-31")
    found = FeatureSet([
        {"feature": "frac_diff", "d": 0.4, "threshold": 1e-3, "as": "difference of order 0.4"},
        {"feature": "historical_volatility", "window": 20, "as": "close"},
        {"feature": "semi_volatility", "window": 20, "as": "falling rows only"},
        {"feature": "cs_rank", "of": {"feature": "log_return", "window": 60}, "as": "rank"},
    ]).compute(bars)  # fmt: skip
    days = bars.ts.astype("datetime64[ns]")
    figure, axes = plt.subplots(4, 1, figsize=(10, 7.2), dpi=100, sharex=True, layout="constrained")
    axes[0].plot(days, bars.close[:, 0], color=GREY, lw=1.2)
    axes[0].set_title("AAPL", loc="left", fontsize=10)
    axes[1].plot(days, found.column(0)[:, 0], color=BLUE, lw=1.0)
    axes[1].set_title("Fractional difference of the log price, order 0.4: less trend, and still a memory", loc="left",
                      fontsize=10)  # fmt: skip
    axes[2].plot(days, found["close"][:, 0], color=GREY, lw=1.2, label="volatility of 20 rows")
    axes[2].plot(days, found["falling rows only"][:, 0], color=RED, lw=1.2, label="of its falling rows")
    axes[2].legend(frameon=False, fontsize=9, loc="upper left")
    axes[2].set_title("Volatility, a day", loc="left", fontsize=10)
    for j, colour in enumerate((BLUE, RED, GREEN, GREY)):
        line: Any = found["rank"][:, j]
        smooth = np.full(line.size, np.nan)
        smooth[9:] = np.convolve(line, np.ones(10) / 10, mode="valid")
        axes[3].plot(days, smooth, color=colour, lw=1.2, label=bars.symbols[j])
    axes[3].legend(frameon=False, fontsize=9, ncols=4, loc="upper left", bbox_to_anchor=(0.0, 1.02))
    axes[3].set_ylim(-0.05, 1.35)
    axes[3].set_yticks([0.0, 0.5, 1.0])
    axes[3].set_title("Rank of the return of 60 rows among the four (mean of 10 rows, for the eye)", loc="left",
                      fontsize=10)  # fmt: skip
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    FILE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(FILE, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    picture()
