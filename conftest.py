"""The tests and the examples in docstrings count their trials in a file of their own, never in the user's."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_FOLDER = tempfile.TemporaryDirectory(prefix="tradewright-trials-")
os.environ["TRADEWRIGHT_TRIALS"] = str(Path(_FOLDER.name) / "trials.jsonl")
