"""The one door to the order engine and its kernels.

``tradewright._core`` (compiled) where it can be loaded, else ``tradewright._reference`` (the same semantics in readable
Python, slow), with one warning.
Set ``TRADEWRIGHT_BACKEND=python`` to choose the reference on purpose.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

_WANTED = os.environ.get("TRADEWRIGHT_BACKEND", "").lower()
if _WANTED not in {"", "python", "rust"}:
    raise ValueError(f"TRADEWRIGHT_BACKEND is {_WANTED!r}; it must be rust, python, or not set.")

if TYPE_CHECKING:
    from tradewright import _core as core
elif _WANTED == "python":
    from tradewright import _reference as core
else:
    try:
        from tradewright import _core as core
    except ImportError as error:
        from tradewright import _reference as core

        warnings.warn(
            f"the compiled engine could not be loaded ({error}); the Python reference runs instead, with the same "
            "results and far slower. Reinstall tradewright with a wheel for this platform, or build it with cargo "
            "installed.",
            RuntimeWarning,
            stacklevel=2,
        )

__all__ = ["core"]
