"""The tests and the examples in docstrings count their trials in a file of their own, never in the user's."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import settings

_FOLDER = tempfile.TemporaryDirectory(prefix="tradewright-trials-")
os.environ["TRADEWRIGHT_TRIALS"] = str(Path(_FOLDER.name) / "trials.jsonl")

# A test proves a fact, not a speed: on a busy machine any example may take its time.
settings.register_profile("tradewright", deadline=None)
settings.load_profile("tradewright")
