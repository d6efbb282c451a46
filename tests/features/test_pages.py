"""The pages of indicators say what the registry says, and their Python runs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tradewright.features.indicators.spec import FAMILIES, REGISTRY

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    if importlib.util.find_spec("talib") is None:
        pytest.skip("warm-ups of cycles and candles are TA-Lib's, which is not installed (extra: ta)")
    spec = importlib.util.spec_from_file_location("tradewright_indicator_pages", DOCS / "indicator_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("family", FAMILIES)
def test_a_page_is_what_the_registry_says(writer: ModuleType, family: str) -> None:
    shown = (DOCS / f"indicators-{family}.md").read_text(encoding="utf-8")
    assert shown == writer.page(family), "run python docs/indicator_pages.py"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_a_small_picture(family: str) -> None:
    data = (DOCS / "img" / "indicators" / f"{family}.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20], "big") == 1000
    assert len(data) < 150_000


def test_the_python_of_the_page_runs() -> None:
    pytest.importorskip("arch")
    pytest.importorskip("pandas")
    page = (DOCS / "indicators.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "tour"}
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    try:
        for block in blocks:
            exec(compile(block, "indicators.md", "exec"), names)
    finally:
        REGISTRY.pop("stretch", None)
    assert names["strength"].shape == (5031, 1)
    assert names["line"].tolist()[1:] == [1.5, 3.0]
