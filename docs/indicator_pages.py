"""Write the pages and pictures of indicators from the registry and the sample data.

    python docs/indicator_pages.py [--pictures] [--measured FILE]

Pages say what the registry says, so that they cannot be wrong about it (a test compares); pictures need matplotlib, the
sample data (extra ``samples``) and TA-Lib for cycles and candles. ``--measured`` is what ``benchmarks/indicators.py
--data ... --json`` printed, and makes the page of measurements.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

from tradewright.features import indicators
from tradewright.features.indicators.spec import FAMILIES, Indicator

HERE: Final = Path(__file__).resolve().parent
FIRST: Final = "2018-01-02"
LAST: Final = "2018-12-31"
"""What the pictures show; indicators see all rows before."""

PICTURES: Final[dict[str, tuple[list[tuple[str, dict[str, Any], str]], list[tuple[str, dict[str, Any], str]]]]] = {
    "average": (
        [("ema", {"window": 20}, "ema"), ("kama", {}, "kama"), ("hma", {"window": 30}, "hma"),
         ("sma", {"window": 50}, "sma")],
        [],
    ),
    "band": (
        [("supertrend", {}, "line"), ("bbands", {}, "upper"), ("bbands", {}, "lower"), ("turtle", {}, "entry_high")],
        [("supertrend", {}, "direction")],
    ),
    "momentum": ([], [("rsi", {}, "rsi"), ("qqe", {}, "trail"), ("stoch", {}, "d")]),
    "trend": ([], [("adx", {}, "adx"), ("choppiness", {}, "choppiness"), ("plus_di", {}, "plus_di")]),
    "volatility": (
        [],
        [("yang_zhang", {"periods": 252.0}, "yang_zhang"), ("ewma_volatility", {"periods": 252.0}, "ewma_volatility"),
         ("historical_volatility", {"periods": 252.0}, "historical_volatility")],
    ),
    "volume": ([("vwma", {"window": 30}, "vwma")], [("mfi", {}, "mfi"), ("vzo", {}, "vzo")]),
    "statistic": (
        [("linreg", {"window": 60}, "linreg"), ("median", {"window": 60}, "median")],
        [("rank", {"window": 60}, "rank"),
            ("hurst", {"window": 256}, "hurst")],
    ),
    "price": ([("typprice", {}, "typprice")], [("close_place", {}, "close_place")]),
    "cycle": ([("ht_trendline", {}, "ht_trendline")], [("ht_sine", {}, "sine"), ("ht_sine", {}, "lead")]),
    "candle": ([], [(f"cdl_{name}", {}, f"cdl_{name}") for name in ("engulfing", "hammer", "doji")]),
}  # fmt: skip
"""Of each family: what is drawn on the price, and what below it."""

COLOURS: Final = ("#1a4e8a", "#b3470f", "#2a7f62", "#7a5200", "#7a3e9d")


def page(family: str) -> str:
    """Text of the page of one family."""
    found = [indicators.indicator(name) for name in indicators.names(family)]
    title = FAMILIES[family]
    lines = [
        f"# {title}",
        "",
        f"{len(found)} indicators of the family `{family}`. How they are computed and called: "
        f"[Indicators](indicators.md). "
        "This page is written from the registry by `docs/indicator_pages.py`.",
        "",
        f"![{title}, on the S&P 500 of 2018](img/indicators/{family}.png)",
        "",
        "| name | what | parameters | outputs | unit | warm-up |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(item) for item in found]
    if family == "candle":
        lines += ["", _candles()]
    else:
        for item in found:
            lines += ["", f"## {item.name}", "", *_entry(item)]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _row(item: Indicator) -> str:
    params = ", ".join(p.name if p.default is None else f"{p.name}={p.default}" for p in item.params) or "none"
    facts = item.to_dict()
    warm_ups = facts["warm_ups"]
    if not warm_ups:
        rows = "see below"
    elif len(set(warm_ups.values())) == 1:
        rows = str(facts["warm_up"])
    else:
        rows = ", ".join(f"{label} {count}" for label, count in warm_ups.items())
    if item.event:
        rows += ", then an event"
    name = f"`{item.name}`" if item.family == "candle" else f"[`{item.name}`](#{item.name})"
    return f"| {name} | {_cell(item.title)} | {params} | {', '.join(item.outputs)} | {_cell(item.unit)} | {rows} |"


def _candles() -> str:
    return (
        "All are computed by TA-Lib (extra `ta`) with its settings for what counts as long, short and near, from "
        "open, high, "
        "low and close. 100 is a rising pattern, -100 a falling one, 200 and -200 a confirmed one, 0 none; each "
        "is known at "
        "the close of the last candle of the pattern. A stream keeps all rows and computes them anew."
    )


def _entry(item: Indicator) -> list[str]:
    lines = [f"**{item.title}.** {item.about.partition(chr(10))[0]}", ""]
    rows = [
        ("Inputs", ", ".join(item.inputs)),
        ("Needs", item.constraint_text),
        ("Conventions", item.notes),
        ("Undefined", item.undefined),
        ("As TA-Lib", _talib(item)),
        ("Computed by", "TA-Lib (extra `ta`)" if item.definition is None else ""),
        ("Source", item.source),
    ]
    lines += [f"- {key}: {_cell(text)}" for key, text in rows if text]
    for p in item.params:
        default = "needed" if p.default is None else f"default {p.default}"
        lines.append(f"- `{p.name}`: {default}; {p.words()}{f'; {p.about}' if p.about else ''}")
    return lines


def _talib(item: Indicator) -> str:
    if item.talib is None or item.definition is None:
        return ""
    params = ", ".join(f"{theirs}={ours}" for theirs, ours in item.talib.params.items())
    when = ", ".join(f"{key}={value}" for key, value in item.talib.when.items())
    return f"`{item.talib.name}({params})`{f' with {when}' if when else ''}"


def draw(family: str, path: Path) -> None:
    """Picture of one family on the sample data."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    import tradewright as tw

    bars = tw.load("SPX", end=LAST)
    first = int(np.searchsorted(bars.ts, bars.between(FIRST, LAST).ts[0]))
    days = bars.ts[first:].astype("datetime64[ns]")
    above, below = PICTURES[family]
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
                         "grid.color": "#edf0f3", "axes.edgecolor": "#dfe5ea"})  # fmt: skip
    figure, axes = plt.subplots(
        2 if below else 1, 1, sharex=True, figsize=(10.0, 5.0 if below else 3.6), layout="constrained",
        gridspec_kw={"height_ratios": [2, 1.2]} if below else None,
    )  # fmt: skip
    panels = list(np.atleast_1d(axes))
    panels[0].vlines(days, bars.low[first:, 0], bars.high[first:, 0], color="#8593a1", lw=1)
    panels[0].plot(days, bars.close[first:, 0], color="#15202b", lw=0.9, label="SPX close")
    for panel, lines in zip(panels, (above, below), strict=False):
        for (name, params, output), colour in zip(lines, COLOURS, strict=False):
            found = indicators.compute(name, bars, **params)
            values = getattr(found, output) if isinstance(found, tuple) else found
            text = name + (f".{output}" if isinstance(found, tuple) else "")
            window = f" {params['window']}" if "window" in params else ""
            stepped = family == "candle" or output == "direction"
            style = "steps-mid" if stepped else "default"
            panel.plot(days, values[first:, 0], color=colour, lw=1.3, label=f"{text}{window}", drawstyle=style)
        panel.legend(loc="lower left", bbox_to_anchor=(0.0, 0.99), frameon=False, ncols=5, fontsize=8)
    figure.suptitle(FAMILIES[family], x=0.01, ha="left", fontsize=11)
    figure.savefig(path, dpi=100, metadata={"Software": None}, pil_kwargs={"optimize": True})
    plt.close(figure)


def measured(path: Path) -> str:
    """Page of what was measured: differences and times."""
    found = json.loads(path.read_text(encoding="utf-8"))
    agreement = found["agreement"]
    lines = [
        "# Indicators measured",
        "",
        "Written by `docs/indicator_pages.py` from one run of `benchmarks/indicators.py`. How indicators are "
        "called and what "
        "they promise: [Indicators](indicators.md).",
        "",
        "## Differences",
        "",
        "On 502 daily bars of SPY, 2017 and 2018: the largest relative difference where both libraries have a value "
        "(relative to a thousandth of the usual size near zero). `tests/oracles/test_indicators.py` holds all of it.",
        "",
        "TA-Lib has the same values, from the same row on, with the parameters named:",
        "",
        "| indicator | TA-Lib | largest difference |",
        "|---|---|---|",
    ]
    for row in agreement["talib"]:
        params = "".join(f" {key}={value}" for key, value in row["params"].items())
        lines.append(f"| `{row['name']}`{params} | {row['function']} | {row['all']:.0e} |")
    lines += [
        "",
        "TA-Lib takes slopes as the difference of two large sums; `linreg_slope` and its kin keep the digits "
        "that this loses.",
        "",
        "pandas-ta-classic, its own formulas (without TA-Lib). *equal*: to rounding. *meets*: recursions with "
        "another first "
        "value, equal to rounding from row 440 on. *differs*: another definition.",
        "",
        "| indicator | verdict | largest difference | where conventions part |",
        "|---|---|---|---|",
    ]
    for row in agreement["pandas_ta"]:
        params = "".join(f" {key}={value}" for key, value in row["params"].items())
        lines.append(f"| `{row['name']}`{params} | {row['verdict']} | {row['all']:.0e} | {row['why']} |")
    ratios = {key: found[f"{key}_ratio_geometric_mean"] for key in ("talib", "pandas_ta")}
    lines += [
        "",
        "## Times",
        "",
        f"Nanoseconds a row, best of the repeats, {found['rows']:,} rows, one thread, one run. Ratios are their "
        f"time over ours: "
        f"geometric mean {ratios['talib']:.2f} for TA-Lib (which wins where it carries sums along that ours take "
        f"anew, to keep "
        f"their digits), {ratios['pandas_ta']:.1f} for pandas-ta-classic. Ours checks every value for holes, "
        f"gives the same bits "
        "row by row, and computes what several outputs share once.",
        "",
        "| indicator | ours | TA-Lib | ratio | pandas-ta-classic | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["speed"]:
        cells = [
            f"{row[key]:.{digits}f}" if key in row else ""
            for key, digits in (("ours", 1), ("talib", 1), ("talib_ratio", 2), ("pandas_ta", 0), ("pandas_ta_ratio", 1))
        ]
        lines.append(f"| `{row['name']}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """File name and text of every page of a family."""
    return {f"indicators-{family}.md": page(family) for family in FAMILIES}


def main() -> None:
    """Write everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", action="store_true", help="draw the pictures too")
    parser.add_argument("--measured", type=Path, help="write the page of measurements from this")
    given = parser.parse_args()
    if given.measured:
        (HERE / "indicators-measured.md").write_text(measured(given.measured), encoding="utf-8")
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
        print(name)
    if given.pictures:
        for family in FAMILIES:
            path = HERE / "img" / "indicators" / f"{family}.png"
            draw(family, path)
            print(path.relative_to(HERE), path.stat().st_size)


if __name__ == "__main__":
    main()
