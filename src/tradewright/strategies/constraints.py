"""Conditions over parameter names, such as ``fast < slow``, read safely and applied to whole grids.

Entry point: `Constraint`.

Invariants: an expression is parsed, never executed: names, numbers, texts, arithmetic, comparisons, ``and``, ``or``,
``not``, ``in`` and the functions ``abs``, ``min`` and ``max`` are understood, everything else is refused. The same
expression gives the same answer for one set of values and for columns of many.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from typing import Any, Final

import numpy as np

from tradewright.domain.errors import InputError, closest

__all__ = ["Constraint"]

_BINARY: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda left, right: _any([left == item for item in right]),
    ast.NotIn: lambda left, right: np.logical_not(_any([left == item for item in right])),
}
_CALLS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": abs,
    "min": lambda *values: reduce(np.minimum, values),
    "max": lambda *values: reduce(np.maximum, values),
}


class Constraint:
    """A condition over parameters.

    Parameters
    ----------
    text : str
        For example ``"fast < slow and slow - fast >= 5"``; comparisons may be chained.

    Raises
    ------
    InputError
        If the text cannot be parsed or holds something else than a condition.

    Examples
    --------
    >>> wanted = Constraint("1 <= fast < slow and slow % 10 == 0")
    >>> wanted({"fast": 5, "slow": 20})
    True
    >>> wanted.mask({"fast": np.array([5, 30, 5]), "slow": np.array([20, 20, 21])}).tolist()
    [True, False, False]
    >>> Constraint("__import__('os')")
    Traceback (most recent call last):
    ...
    tradewright.domain.errors.InputError: "__import__('os')" calls '__import__'; only abs, min and max are known.
    """

    __slots__ = ("_tree", "names", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as error:
            raise InputError(f"{text!r} is not a condition ({error.msg}); write for example 'fast < slow'.") from None
        self.names = tuple(sorted(_checked(self._tree, text)))

    def __call__(self, values: Mapping[str, Any]) -> bool:
        """Return whether one set of values satisfies the condition."""
        return bool(self._value(values))

    def mask(self, columns: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return which rows of columns of equal length satisfy the condition."""
        n = len(next(iter(columns.values()))) if columns else 0
        found = np.asarray(self._value(columns), dtype=bool)
        return np.broadcast_to(found, (n,)).copy()

    def __repr__(self) -> str:
        return f"Constraint({self.text!r})"

    def _value(self, values: Mapping[str, Any]) -> Any:
        for name in self.names:
            if name not in values:
                hint = closest(name, values) or "."
                raise InputError(
                    f"{self.text!r} names {name!r}, which is no parameter{hint} Known: {', '.join(values)}."
                )
        with np.errstate(divide="ignore", invalid="ignore"):
            return _evaluate(self._tree, values)


@lru_cache(maxsize=256)
def constraint(text: str) -> Constraint:
    """Return the constraint of a text, parsed once."""
    return Constraint(text)


def _checked(node: ast.AST, text: str) -> set[str]:
    """Names in an expression; InputError for anything that is not part of the small language."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Constant):
        if not isinstance(node.value, (bool, int, float, str)):
            raise InputError(f"{text!r} holds {node.value!r}; numbers, texts and parameter names are known.")
        return set()
    children: list[ast.AST]
    if isinstance(node, ast.BoolOp):
        children = list(node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub, ast.UAdd)):
        children = [node.operand]
    elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        children = [node.left, node.right]
    elif isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops):
        children = [node.left, *node.comparators]
    elif isinstance(node, (ast.Tuple, ast.List)):
        children = list(node.elts)
    elif isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else "something"
        if name not in _CALLS or node.keywords:
            raise InputError(f"{text!r} calls {name!r}; only abs, min and max are known.")
        children = list(node.args)
    else:
        raise InputError(f"{text!r} holds a {type(node).__name__}; write a condition such as 'fast < slow'.")
    return set().union(*(_checked(child, text) for child in children)) if children else set()


def _evaluate(node: ast.AST, values: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BoolOp):
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return reduce(join, (np.asarray(_evaluate(item, values), dtype=bool) for item in node.values))
    if isinstance(node, ast.UnaryOp):
        inner = _evaluate(node.operand, values)
        if isinstance(node.op, ast.Not):
            return np.logical_not(np.asarray(inner, dtype=bool))
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_evaluate(node.left, values), _evaluate(node.right, values))
    if isinstance(node, ast.Compare):
        sides = [_evaluate(side, values) for side in (node.left, *node.comparators)]
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        return reduce(np.logical_and, (np.asarray(_COMPARE[type(op)](a, b), dtype=bool) for op, a, b in pairs))
    if isinstance(node, (ast.Tuple, ast.List)):
        return [_evaluate(item, values) for item in node.elts]
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return _CALLS[node.func.id](*(_evaluate(item, values) for item in node.args))


def _any(found: list[Any]) -> Any:
    return reduce(np.logical_or, (np.asarray(item, dtype=bool) for item in found), np.asarray(False))
