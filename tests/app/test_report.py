"""The HTML report: what stands in it, that nothing from data becomes markup, and that it stays small and the same."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tradewright as tw
from tradewright.app.config import resolve
from tradewright.app.report import plot, render, render_heatmap, write, write_heatmap
from tradewright.app.report.payload import Store, candle_levels, keep_shape
from tradewright.app.report.text import esc, fraction, money, tag
from tradewright.app.report.theme import DARK, LIGHT
from tradewright.app.report.view import view_of
from tradewright.domain.bars import Bars, Provenance
from tradewright.domain.errors import InputError

pytest.importorskip("plotly")

EVIL = '<script>alert("1")</script>'
DAY = 86_400_000_000_000


def market(n: int = 600, *symbols: str, seed: int = 7, synthetic: bool = False) -> Bars:
    rng = np.random.default_rng(seed)
    names = symbols or ("AAPL",)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0003, 0.015, (n, len(names))), axis=0))
    open_ = close * np.exp(rng.normal(0.0, 0.004, close.shape))
    high = np.maximum(open_, close) * (1.0 + 0.01 * rng.random(close.shape))
    low = np.minimum(open_, close) * (1.0 - 0.01 * rng.random(close.shape))
    days = np.busday_offset("2015-01-05", np.arange(n), roll="forward").astype("datetime64[ns]").astype(np.int64)
    origin = Provenance(f'csv: "{EVIL}"', synthetic=synthetic, adjusted="split", notes=(f"note {EVIL}",))
    return Bars.from_arrays(
        days + 21 * 3_600_000_000_000, open_, high, low, close, symbols=names, interval_ns=DAY, provenance=origin
    )


def result_of(bars: Bars, strategy: str = "sma_cross", **options: Any) -> Any:
    params = options.pop("params", {"fast": 5, "slow": 20} if strategy == "sma_cross" else {})
    return tw.backtest(bars, strategy, params=params, **options)


def body_of(page: str) -> str:
    """Page without scripts, styles and the chart library."""
    return re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.S)


def payload_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, flags=re.S)
    assert found
    return dict(json.loads(found.group(1)))


def unpacked(payload: dict[str, Any], value: dict[str, int]) -> np.ndarray:
    packed = payload["arrays"][value["$a"]]
    return np.frombuffer(base64.b64decode(packed["b"]), dtype="<" + packed["t"])


def test_sections_and_headline_figures() -> None:
    result = result_of(market())
    page = body_of(render(result))
    for name in ("performance", "trades", "costs", "fills", "statistics", "assumptions", "data", "manifest"):
        assert f'<section id="{name}"' in page
    assert fraction(result.stats["total_return"], plus=True) in page
    assert fraction(result.stats["max_drawdown"]) in page
    assert "<h1>SMA cross on AAPL</h1>" in page
    assert result.manifest["data"]["hash"] in page
    for text in result.conventions.values():
        assert esc(text[:1].upper() + text[1:]) in page


def test_every_statistic_shows_its_convention() -> None:
    result = result_of(market(), benchmark="buy_and_hold")
    page = body_of(render(result))
    missing = [name for name, value in result.stats.items() if value and esc(result.stats.convention(name)) not in page]
    assert not missing


def test_nothing_from_data_becomes_markup() -> None:
    bars = market(300, EVIL, 'B"B', "C'C&")
    page = render(result_of(bars, title_free := "sma_cross", no_costs=True), title=f"{EVIL} {title_free}")
    assert EVIL not in page
    assert esc(EVIL) in body_of(page)
    assert 'B"B' not in body_of(page)
    payload = re.search(r'id="payload">(.*?)</script>', page, flags=re.S)
    assert payload
    assert "<" not in payload.group(1)
    assert EVIL in payload_of(page)["trades"]["symbol"]["words"]


def test_the_page_can_ask_for_nothing() -> None:
    page = render(result_of(market()))
    own = body_of(page)
    assert not re.search(r'(src|href)="(?!#|data:)', own)
    assert "url(" not in own
    assert "default-src 'none'" in page
    assert "connect-src 'none'" in page
    assert page.count("plotly.js v") == 1


@pytest.mark.parametrize(
    ("options", "synthetic", "title"),
    [
        ({"no_costs": True}, False, "NO COSTS"),
        ({"fill": "same_close"}, False, "SAME-CLOSE FILLS"),
        ({"validate": False}, False, "UNCHECKED DATA"),
        ({}, True, "SYNTHETIC DATA"),
    ],
)
def test_stamps_are_banners_above_the_figures(options: dict[str, Any], synthetic: bool, title: str) -> None:
    page = body_of(render(result_of(market(synthetic=synthetic), **options)))
    assert 0 < page.index(title) < page.index('class="tiles"')


def test_a_run_with_costs_on_checked_data_has_no_alarm() -> None:
    assert 'class="stamp alarm"' not in render(result_of(market()))


def test_same_result_same_bytes() -> None:
    assert render(result_of(market())) == render(result_of(market()))


def test_size_of_ten_thousand_bars() -> None:
    page = render(result_of(market(10_000), stop=0.03, target=0.05))
    assert len(page.encode()) < 8_000_000


def test_a_million_bars_are_thinned_and_say_so() -> None:
    n = 1_000_000
    price = 100.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.0, 0.0005, n)))
    bars = Bars.from_arrays(np.arange(n) * 60_000_000_000, price, price, price, price, symbols="BTC-USD")
    signals = np.where(np.arange(n) // 200 % 2, 1, 0).astype(np.int8)
    page = render(tw.backtest(bars, signals=signals))
    assert len(page.encode()) < 12_000_000
    levels = payload_of(page)["candles"][0]["levels"]
    assert [level["step"] > 1 for level in levels] == [False, True]


def test_benchmark_can_be_chosen_and_left_out() -> None:
    result = result_of(market(400, "AAPL", "MSFT"))
    assert "Buy and hold" in render(result)
    assert "MSFT +" in body_of(render(result, benchmark="MSFT")) or "MSFT −" in body_of(
        render(result, benchmark="MSFT")
    )
    bare = body_of(render(result, benchmark=False))
    assert "Buy and hold" not in bare
    assert "Against the benchmark" not in bare


def test_fill_bands_and_order_dependent_trades() -> None:
    bars = market(900)
    plain = body_of(render(result_of(bars, stop=0.004, target=0.004)))
    assert "--bands" in plain
    result = result_of(bars, stop=0.004, target=0.004, bands=True)
    page = body_of(render(result))
    for name in ("Pessimistic", "Expected", "Optimistic"):
        assert f">{name}</th>" in page
    count = result.bands.n_order_dependent
    assert count > 0
    assert f"<strong>{count:,} of {len(result.trades):,} trades</strong>" in page


def test_trades_in_the_page_are_the_trades_of_the_result() -> None:
    result = result_of(market(900), stop=0.02, target=0.04)
    payload = payload_of(render(result))
    columns = payload["trades"]
    assert np.array_equal(unpacked(payload, columns["pnl"]), result.trades["pnl"])
    assert np.array_equal(unpacked(payload, columns["entryBar"]), result.trades["entry_bar"])
    words = columns["exitReason"]["words"]
    assert [words[i] for i in unpacked(payload, columns["exitReason"]["codes"])] == result.trades[
        "exit_reason"
    ].tolist()
    entry, stop = unpacked(payload, columns["entryPrice"]), unpacked(payload, columns["stop"])
    assert np.allclose(stop, entry * 0.98, rtol=1e-6)


def test_daily_bars_show_the_date_of_their_session() -> None:
    bars = market(300)
    view = view_of(result_of(bars))
    assert view.first == "2015-01-05"
    assert view.times_ms[0] == np.datetime64("2015-01-05", "ms").astype(np.int64)


def test_a_run_without_trades_says_so() -> None:
    bars = market(300)
    result = tw.backtest(bars, signals=np.zeros(300, dtype=np.int8))
    page = body_of(render(result))
    assert "No trade was made." in page
    assert "nan" not in re.sub(r"<[^>]+>", " ", page).lower().split()


def test_configuration_shows_every_value_with_its_layer(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("engine:\n  stop: 0.07\n", encoding="utf-8")
    result = result_of(market(), stop=0.07)
    result.origin.config["rows"] = resolve(file=file, profile="risk_low", env={}).explain()
    rows = {row.key: row for row in view_of(result).config}
    page = body_of(render(result))
    assert rows["engine.stop"].value == 0.07
    assert rows["engine.stop"].layer == "file"
    assert rows["engine.stop"].where.endswith("mine.yaml:2")
    assert rows["engine.fill"].layer == "base"
    assert (rows["risk.max_drawdown"].layer, rows["risk.max_drawdown"].overrode) == (
        "profile",
        "instead of 0.15 (base)",
    )
    for key in rows:
        assert f"<code>{key}</code>" in page


def test_settings_given_in_code_are_told_from_defaults() -> None:
    rows = {row.key: row for row in view_of(result_of(market(), stop=0.07)).config}
    assert (rows["stop"].value, rows["stop"].layer) == (0.07, "given")
    assert rows["fill"].layer == "default"


def test_findings_of_the_checks_are_listed() -> None:
    bars = market(300)
    high = bars.high.copy()
    high[50, 0] = bars.low[50, 0] - 5.0
    dirty = Bars.from_arrays(bars.ts, bars.open, high, bars.low, bars.close, symbols="AAPL", interval_ns=DAY)
    page = body_of(render(result_of(dirty)))
    assert "REPAIRED DATA" in page
    assert 'class="badge error"' in page


def test_write_makes_folders_and_leaves_no_draft(tmp_path: Path) -> None:
    path = write(result_of(market(200)), tmp_path / "a" / "b.html")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [item.name for item in path.parent.iterdir()] == ["b.html"]


def test_a_saved_result_has_no_bars_to_report(tmp_path: Path) -> None:
    saved = tw.Result.load(result_of(market(200)).save(tmp_path / "r.json"))
    with pytest.raises(InputError, match="no bars"):
        render(saved)  # type: ignore[arg-type]


def test_plot_is_a_plotly_figure() -> None:
    result = result_of(market(300), stop=0.02)
    for dark, colours in ((False, LIGHT), (True, DARK)):
        figure = plot(result, dark=dark)
        assert {trace.type for trace in figure.data} == {"scatter", "candlestick"}
        assert np.array_equal(figure.data[0].y, result.equity)
        assert figure.layout.paper_bgcolor == colours["bg"]
        assert "var(--" not in figure.to_json()


def test_heat_map_of_a_sweep(tmp_path: Path) -> None:
    grid = {"fast": [5, 10, 15], "slow": [20, 40]}
    found = tw.sweep(market(400), "sma_cross", grid=grid, metric="total_return")
    page = render_heatmap(found, title=f"{EVIL} sweep")
    payload = payload_of(page)
    first = payload["pictures"][0]
    assert (first["metric"], first["x"], first["y"]) == ("total_return", "fast", "slow")
    xs, ys, values = found.matrix("fast", "slow", "total_return")
    assert np.allclose(unpacked(payload, first["z"]).reshape(len(ys), len(xs)), values, rtol=1e-6, equal_nan=True)
    assert EVIL not in page
    assert "MULTIPLE TESTING" in page
    assert write_heatmap(found, tmp_path / "h.html").stat().st_size < 6_000_000


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "bg"), ("muted", "bg"), ("muted", "surface"), ("gain", "bg"), ("loss", "bg"), ("gain", "surface"),
        ("loss", "surface"), ("accent", "bg"), ("warn", "warn-soft"), ("alarm", "alarm-soft"), ("ink", "warn-soft"),
        ("ink", "alarm-soft"),
    ],
)  # fmt: skip
def test_text_has_contrast(colours: dict[str, str], text: str, ground: str) -> None:
    light, dark = sorted((_luminance(colours[text]), _luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@given(hnp.arrays(np.float64, st.integers(1, 3000), elements=st.floats(-1e6, 1e6)), st.integers(40, 400))
def test_thinning_keeps_extremes_and_bounds(line: np.ndarray, limit: int) -> None:
    rows = keep_shape([line, -line], limit)
    assert rows[0] == 0
    assert rows[-1] == line.size - 1
    assert (np.diff(rows) > 0).all()
    assert line[rows].max() == line.max()
    assert line[rows].min() == line.min()
    assert rows.size <= max(limit, 8)


@given(st.integers(1, 400), st.integers(2, 100), st.integers(0, 5))
def test_aggregated_candles_are_candles_of_the_wider_interval(n: int, limit: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    close = rng.integers(50, 150, n).astype(float)
    open_ = rng.integers(50, 150, n).astype(float)
    high, low = np.maximum(open_, close) + 1.0, np.minimum(open_, close) - 1.0
    hole = rng.random(n) < 0.2
    for column in (open_, high, low, close):
        column[hole] = np.nan
    times = np.arange(n, dtype=float)
    levels = candle_levels(times, open_, high, low, close, limit=limit)
    assert sum(level["t"].size for level in levels) <= max(limit + 1, 2)
    for level in levels:
        for place in range(level["t"].size):
            rows = slice(level["start"] + place * level["step"], min(n, level["start"] + (place + 1) * level["step"]))
            there = np.flatnonzero(~np.isnan(close[rows])) + rows.start
            if there.size:
                assert level["o"][place] == open_[there[0]]
                assert level["c"][place] == close[there[-1]]
                assert level["h"][place] == high[there].max()
                assert level["l"][place] == low[there].min()
            else:
                assert np.isnan(level["c"][place])


def test_arrays_are_stored_once_and_come_back() -> None:
    store = Store()
    array = np.array([1.5, np.nan, -3.0])
    packed = store.pack({"a": array, "b": [array, float("inf"), np.float64(2.0)]})
    assert packed == {"a": {"$a": 0}, "b": [{"$a": 0}, None, 2.0]}
    again = np.frombuffer(base64.b64decode(store.arrays[0]["b"]), "<f8")
    assert np.array_equal(again, array, equal_nan=True)


def test_building_blocks_escape() -> None:
    assert tag("p", esc("<i>"), title='a"b') == '<p title="a&quot;b">&lt;i&gt;</p>'
    assert money(-0.0) == "0.00"
    assert fraction(float("nan")) == "–"
