"""The report in a real browser: it draws, sorts, fits a phone, and is silent on console and network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tradewright as tw
from tradewright.app.report import write, write_heatmap
from tradewright.domain.bars import Bars

sync_api = pytest.importorskip("playwright.sync_api")
pytest.importorskip("plotly")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (set CHROMIUM to its path)"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(11)
    n, symbols = 800, ["AAPL", "<img src=x onerror=alert(1)>"]
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0004, 0.015, (n, 2)), axis=0))
    open_ = close * np.exp(rng.normal(0.0, 0.004, close.shape))
    high, low = np.maximum(open_, close) * 1.006, np.minimum(open_, close) * 0.994
    days = np.busday_offset("2015-01-05", np.arange(n), roll="forward").astype("datetime64[ns]").astype(np.int64)
    bars = Bars.from_arrays(days, open_, high, low, close, symbols=symbols, interval_ns=86_400_000_000_000)
    options: dict[str, Any] = {"params": {"fast": 5, "slow": 20}, "stop": 0.02, "target": 0.04, "bands": True}
    made = tmp_path_factory.mktemp("report")
    write(tw.backtest(bars, "sma_cross", **options), made / "report.html")
    write(tw.backtest(bars, signals=np.zeros((n, 2), dtype=np.int8)), made / "empty.html")
    found = tw.sweep(bars.select("AAPL"), "sma_cross", grid={"fast": [5, 10, 15], "slow": [20, 40, 60]})
    write_heatmap(found, made / "sweep.html")
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        found = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        yield found
        found.close()


class Visit:
    """A page with a record of what it complained about and asked for."""

    def __init__(self, browser: Any, path: Path, *, width: int = 1280, scheme: str = "light") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: self.complaints.append("dialog"))
        self.page.goto(path.as_uri())

    def scroll_through(self) -> None:
        height = self.page.evaluate("document.documentElement.scrollHeight")
        for y in range(0, height, 500):
            self.page.evaluate(f"window.scrollTo(0, {y})")
            self.page.wait_for_timeout(30)
        self.page.wait_for_timeout(200)


@pytest.fixture
def visit(browser: Any, folder: Path) -> Iterator[Any]:
    opened: list[Visit] = []

    def make(name: str = "report.html", **options: Any) -> Visit:
        opened.append(Visit(browser, folder / name, **options))
        return opened[-1]

    yield make
    for item in opened:
        item.context.close()


@pytest.mark.parametrize("name", ["report.html", "empty.html", "sweep.html"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_silent_and_not_wider_than_the_window(visit: Any, name: str, width: int, scheme: str) -> None:
    seen = visit(name, width=width, scheme=scheme)
    seen.scroll_through()
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith(("file:", "data:"))] == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_charts_are_drawn(visit: Any) -> None:
    seen = visit()
    seen.scroll_through()
    for name in ("equity", "distribution", "rolling", "exposure", "price"):
        assert seen.page.locator(f"#chart-{name} svg.main-svg").count() > 0, name
        assert seen.page.locator(f"#chart-{name} .mlayer path").count() > 0, name
    assert seen.page.locator("#chart-price .scatterlayer .point").count() > 0


def test_table_sorts_filters_and_turns_pages(visit: Any) -> None:
    page = visit().page
    rows = page.locator("#trade-table tbody tr")
    titles = [text.strip() for text in page.locator("#trade-table thead th").all_inner_texts()]
    place = next(i for i, text in enumerate(titles) if text.startswith("Profit"))

    def profits() -> list[float]:
        cells = page.locator(f"#trade-table tbody tr td:nth-child({place + 1})").all_inner_texts()
        return [float(text.replace("−", "-").replace("+", "").replace(",", "")) for text in cells]

    button = page.locator(f"#trade-table thead th:nth-child({place + 1}) button")
    button.click()
    assert profits() == sorted(profits(), reverse=True)
    assert page.locator("#trade-table th[aria-sort=descending]").inner_text().startswith("Profit")
    button.click()
    assert profits() == sorted(profits())
    assert rows.count() == 25
    page.click("#next")
    assert page.locator("#trade-count").inner_text().startswith("26 to ")
    page.select_option("#outcome", "win")
    assert min(profits()) > 0.0
    page.select_option("#outcome", "")
    page.fill("#find", "stop")
    assert all("stop" in text for text in rows.all_inner_texts())
    page.fill("#find", "no such word")
    assert page.locator("#trade-count").inner_text() == "No trade fits."


def test_a_trade_is_shown_in_the_chart(visit: Any) -> None:
    seen = visit()
    seen.page.locator("#chart-price").scroll_into_view_if_needed()
    seen.page.wait_for_selector("#chart-price svg.main-svg")
    first = "document.getElementById('chart-price').layout.xaxis.range"
    before = seen.page.evaluate(first)
    seen.page.locator("#trade-table .go").nth(2).click()
    seen.page.wait_for_function(f"JSON.stringify({first}) !== JSON.stringify({before})")
    low, high = seen.page.evaluate(first)
    assert low < high < 800
    assert "chosen" in (seen.page.locator("#trade-table tbody tr").nth(2).get_attribute("class") or "")
    assert seen.complaints == []


def test_navigator_moves_by_keys_and_by_dragging(visit: Any) -> None:
    page = visit().page
    page.locator("#navigator").scroll_into_view_if_needed()
    edge = page.locator("#navigator .edge").first
    edge.wait_for()
    before = int(edge.get_attribute("aria-valuenow"))
    edge.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(100)
    moved = int(edge.get_attribute("aria-valuenow"))
    assert moved < before
    box = page.locator("#navigator .brush").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 150, box["y"] + 20)
    page.mouse.up()
    page.wait_for_timeout(100)
    assert int(edge.get_attribute("aria-valuenow")) < moved


def test_log_scale_and_colours_can_be_toggled(visit: Any) -> None:
    seen = visit()
    page = seen.page
    page.wait_for_selector("#chart-equity svg.main-svg")
    kind = "document.getElementById('chart-equity').layout.yaxis.type"
    before = page.evaluate(kind)
    page.click("#log")
    assert page.evaluate(kind) != before
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    page.click("#theme")
    assert page.evaluate(ground) != light
    text = "document.getElementById('chart-equity').layout.font.color"
    assert page.evaluate(text) == page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--muted')"
    )
    assert seen.complaints == []


def test_conventions_stand_behind_the_names(visit: Any) -> None:
    page = visit().page
    page.get_by_role("button", name="Sharpe ratio", exact=True).focus()
    assert "standard deviation (ddof 1)" in page.locator("#tip").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_trades_can_be_saved(visit: Any, tmp_path: Path) -> None:
    page = visit().page
    with page.expect_download() as waiting:
        page.click("#csv")
    waiting.value.save_as(tmp_path / "trades.csv")
    lines = (tmp_path / "trades.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("trade,symbol,direction,quantity,entry_time")
    assert len(lines) > 26


def test_the_heat_map_follows_its_choices(visit: Any) -> None:
    seen = visit("sweep.html")
    page = seen.page
    page.wait_for_selector("#chart-map svg.main-svg")
    cells = "document.getElementById('chart-map').data[0].z"
    before = page.evaluate(cells)
    page.select_option("#metric", label="Closed trades")
    assert page.evaluate(cells) != before
    assert seen.complaints == []


def test_paper_is_light_and_not_cut_off(visit: Any) -> None:
    # A4 with margins of 14 mm is 690 pixels wide.
    seen = visit(width=690, scheme="dark")
    seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    seen.page.emulate_media(media="print")
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 690
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert seen.page.locator("#chart-exposure .mlayer path").count() > 0
    assert seen.complaints == []
