"""What all tests share: where the real market data lies, when it is there."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real market data beside the project; the test is skipped when it is absent."""
    folder = (Path(__file__).resolve().parents[1] / ".." / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip("the folder of real market data is not beside the project")
    return folder
