"""What the engine's own judges of input find, on both backends."""

from __future__ import annotations

import numpy as np
import pytest

from tradewright import _core, _reference

ENGINES = [_core, _reference]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_leap_is_found_at_its_row(engine) -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        n, m = int(rng.integers(2, 900)), int(rng.integers(1, 4))
        close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, (n, m)), axis=0))
        row, column = int(rng.integers(1, n)), int(rng.integers(m))
        close[row:, column] *= rng.choice([60.0, 1 / 60.0])
        bars = (close, close * 1.01, close * 0.99, close, None)
        assert engine.first_bad_bar(*bars) == -1
        assert engine.first_bad_bar(*bars, 40.0) == row
        assert engine.first_bad_bar(*bars, 80.0) == -1


@pytest.mark.parametrize("engine", ENGINES)
def test_codes_that_are_no_signals_are_found(engine) -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        codes = rng.choice(np.array([1, 0, -1, -128], dtype=np.int8), size=int(rng.integers(1, 300)))
        assert engine.first_foreign_code(codes) == -1
        at = int(rng.integers(codes.size))
        codes[at] = rng.choice([2, -2, 127, -127, 64])
        assert engine.first_foreign_code(codes) == at
