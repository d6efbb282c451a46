"""The page of a data check in a real browser: it draws, follows its choosers, fits a phone, and asks for nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright.app.report.data_page import write_data_page
from tradewright.data import examine
from tradewright.domain.bars import Bars
from tradewright.testing import walk_bars

sync_api = pytest.importorskip("playwright.sync_api")
pytest.importorskip("plotly")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (set CHROMIUM to its path)"),
]
PICTURES = ("map", "calendar", "price", "volume", "quality")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("data")
    walk = walk_bars(900, 2)
    arrays = {name: getattr(walk, name).copy() for name in ("open", "high", "low", "close", "volume")}
    arrays["volume"][500:, 0] *= 80.0
    arrays["low"][[100, 200], 1] = -1.0
    for array in arrays.values():
        array[300:340, 1] = np.nan
    symbols = ["AAPL", "<img src=x onerror=alert(1)>"]
    bars = Bars.from_arrays(walk.ts, **arrays, symbols=symbols, interval_ns=walk.interval_ns)
    write_data_page(examine(data=bars), made / "two.html")
    empty = made / "ZERO.csv"
    empty.write_text("date,open,high,low,close\n2024-07-01,0,0,0,0\n2024-07-02,0,0,0,0\n")
    write_data_page(examine(data=empty), made / "nothing.html")
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


def visit(browser: Any, path: Path, *, width: int, scheme: str) -> tuple[Any, list[str]]:
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append("dialog"))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else complaints.append(r.url))
    page.goto(path.as_uri())
    page.wait_for_timeout(800)
    return page, complaints


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_draws_everything_and_fits(browser: Any, folder: Path, width: int, scheme: str) -> None:
    page, complaints = visit(browser, folder / "two.html", width=width, scheme=scheme)
    for name in PICTURES:
        assert page.locator(f"#chart-{name} .main-svg").count() > 0, name
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").inner_text().startswith("AAPL")
    assert "VOLUME CHANGES UNIT" in page.locator(".stamps").inner_text()
    page.select_option("#symbol", index=0)
    page.wait_for_timeout(300)
    day = str(np.datetime64(int(walk_bars(900, 2).ts[500]), "ns"))[:10]
    assert day in page.locator("#volume-note").inner_text()
    page.select_option("#symbol", index=1)
    page.wait_for_timeout(300)
    assert "rejected rows 2" in page.locator("#price-note").inner_text()
    assert "missing" in page.locator("#calendar-note").inner_text()
    page.select_option("#map-kind", "scores")
    page.locator("#theme").click()
    page.wait_for_timeout(300)
    assert complaints == []


def test_a_source_without_one_good_row_has_a_page(browser: Any, folder: Path) -> None:
    page, complaints = visit(browser, folder / "nothing.html", width=1280, scheme="light")
    assert "2 of 2 rows are no bars" in page.locator(".stamps").inner_text()
    assert page.locator("#findings table").count() >= 1
    assert complaints == []
