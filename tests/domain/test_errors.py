from __future__ import annotations

import pytest

from tradewright.domain import errors


def tree() -> list[type[errors.TradewrightError]]:
    return [getattr(errors, name) for name in errors.__all__ if name != "closest"]


def test_every_error_is_of_one_tree_and_has_a_documented_exit_code() -> None:
    for error in tree():
        assert issubclass(error, errors.TradewrightError)
        assert error.exit_code in {2, 3, 4, 5, 70}
        assert error.__doc__


@pytest.mark.parametrize(
    ("error", "parent", "code"),
    [
        (errors.ConfigError, errors.TradewrightError, 2),
        (errors.InputError, ValueError, 2),
        (errors.MissingDataError, errors.DataError, 3),
        (errors.RiskHaltError, errors.TradewrightError, 4),
        (errors.ReconciliationError, errors.BrokerError, 5),
        (errors.InvariantError, errors.TradewrightError, 70),
        (errors.OrderValidationError, errors.InputError, 2),
        (errors.OrderValidationError, errors.EngineError, 2),
        (errors.PortfolioUpdateError, errors.InvariantError, 70),
        (errors.DataProviderError, errors.DataError, 3),
    ],
)
def test_errors_are_named_for_what_one_does_about_them(
    error: type[errors.TradewrightError], parent: type[Exception], code: int
) -> None:
    assert issubclass(error, parent)
    assert error.exit_code == code


def test_closest_names_what_is_near_and_nothing_else() -> None:
    assert errors.closest("max_drawdwon", ["max_drawdown", "max_gross", "lot"]).startswith(
        ", did you mean 'max_drawdown'"
    )
    assert errors.closest("spy", ["SPY", "QQQ"]) == ", did you mean 'SPY'?"
    assert errors.closest("xyzzy", ["SPY", "QQQ"]) == ""
    assert errors.closest("x", []) == ""
