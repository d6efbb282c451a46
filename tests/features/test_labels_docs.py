"""The Python of the pages on labels and validation runs, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def run(page: str) -> dict[str, Any]:
    for library in ("arch", "pandas", "sklearn"):
        pytest.importorskip(library)
    text = (DOCS / page).read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": page}
    for code in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        exec(compile(code, page, "exec"), names)
    return names


def test_the_page_of_labels() -> None:
    names = run("labels.md")
    assert len(names["found"]) == 924
    assert names["chance"].shape == names["data"].y.shape
    assert np.abs(names["exposure"]).max() <= 1.0
    assert set(np.sign(names["size"])) > {0.0, 1.0}  # some bets are taken, some refused


def test_the_page_of_validation() -> None:
    names = run("validation.md")
    assert names["paths"].shape == (5, names["data"].y.size)
    assert names["scores"].shape == (5,)
    assert np.isfinite(names["scores"]).all()


@pytest.mark.parametrize("picture", ["triple_barrier.png", "splits.png"])
def test_pictures_are_small(picture: str) -> None:
    data = (DOCS / "img" / "labels" / picture).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(data) < 150_000
