"""Expressions of variables, as `psi_real**2 + psi_imag**2`: a small language, parsed and never
executed as Python.

Numbers, names of variables, + - * / **, parentheses and abs, sqrt, exp, log, real, imag, conj. A
name that is no word of Python is quoted: `"wind speed"**2`.
"""

import ast
import operator
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from physent.data.lazy import later
from physent.errors import brief, nearest

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "real": np.real,
    "imag": np.imag,
    "conj": np.conj,
}
OPERATORS: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("plus", operator.add),
    ast.Sub: ("minus", operator.sub),
    ast.Mult: ("times", operator.mul),
    ast.Div: ("over", operator.truediv),
    ast.Pow: ("to", operator.pow),
}
ALLOWED = f"numbers, names, + - * / **, parentheses, {', '.join(FUNCTIONS)}"
LONGEST, DEEPEST = 500, 40


@dataclass(frozen=True)
class Expression:
    """A parsed expression: its text, the variables that it names by the names it has for them, and
    a word to name it by.
    """

    text: str
    names: Mapping[str, Any]
    word: str
    tree: ast.expr

    @property
    def alone(self) -> Any:
        """The variable that a quoted name stands for; None where there is more than a name."""
        return None if _name(self.tree) is None else next(iter(self.names.values()))

    def of(self, dataset: xr.Dataset) -> xr.DataArray:
        """Its value on the variables of a dataset, computed where it is read."""
        operands = [dataset[name].variable for name in self.names.values()]

        def value(*parts: xr.Variable) -> xr.Variable:
            return _value(self.tree, dict(zip(self.names, parts, strict=True)))

        with np.errstate(all="ignore"):
            try:
                made = later(value, *operands)
            except (ArithmeticError, TypeError) as error:
                raise ValueError(f"{brief(self.text)} has no value: {error}") from None
        made.attrs = {"long_name": self.text}
        for each in operands:  # its cells are theirs
            words = {**each.encoding, **each.attrs}
            if "cell_measures" in words:
                made.attrs.setdefault("cell_measures", words["cell_measures"])
            if "thinned" in words:
                made.attrs.setdefault("thinned", words["thinned"])
        dims = set(made.dims)
        coords = {key: c for key, c in dataset.coords.items() if set(c.dims) <= dims}
        return xr.DataArray(made, coords, name=self.word)


def expression(text: str, names: Mapping[Any, Any]) -> Expression | None:
    """The expression that a text is; None where it is a word, or no expression at all.

    Raises ValueError for what the language does not have, and for a name that is not there.
    """
    if not re.search(r"[-+*/(]|^\s*[\"'].*[\"']\s*$", text):
        return None
    if len(text) > LONGEST:
        raise ValueError(f"{brief(text)}: given {len(text)} characters, allowed: {LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError(
            f"{brief(text)} is neither a variable{nearest(text, map(str, names))} nor an "
            f"expression (allowed: {ALLOWED})"
        ) from None
    found: dict[str, None] = {}
    word = _read(tree, found, text, 0)
    if not found:
        raise ValueError(f"{brief(text)} names no variable")
    alike = {unicodedata.normalize("NFKC", str(name)): name for name in names}  # as Python reads
    for name in found:
        if name not in names and name not in alike:
            raise ValueError(
                f"{brief(text)}: there is no variable {name!r}{nearest(name, map(str, names))}"
            )
    meant = {name: name if name in names else alike[name] for name in found}
    return Expression(text, meant, word, tree)


def _read(node: ast.AST, found: dict[str, None], text: str, depth: int) -> str:
    """A part of an expression as a word; the names in it are added to those found. What would need
    parentheses stands between more underscores than are in it.
    """
    if depth > DEEPEST:
        raise ValueError(f"{brief(text)}: given more than {DEEPEST} operations in each other")
    if (name := _name(node)) is not None:
        found[name] = None
        return re.sub(r"\W+", "_", name).strip("_")
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        if isinstance(node.value, bool) or abs(node.value) > sys.float_info.max:
            raise ValueError(f"{brief(text)}: given {brief(node.value)}, allowed: {ALLOWED}")
        words = f"{float(node.value):g}".replace("e-", "em").replace("e+", "e")
        return re.sub(r"\W", "p", words)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        parts = [_read(each, found, text, depth + 1) for each in (node.left, node.right)]
        rank = _rank(node)
        right = rank + (not isinstance(node.op, ast.Add | ast.Mult | ast.Pow))
        left = rank + isinstance(node.op, ast.Pow)
        apart = _rank(node.left) < left or (
            _rank(node.right) < right and not isinstance(node.right, ast.UnaryOp)
        )
        line = _line(node.left, node.right) if apart else "_"
        return f"{line}{OPERATORS[type(node.op)][0]}{line}".join(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        line = _line(node.operand) if _rank(node.operand) < 2 else "_"
        sign = f"minus{line}" if isinstance(node.op, ast.USub) else ""
        return sign + _read(node.operand, found, text, depth + 1)
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        function = getattr(node.func, "id", "")
        if function in FUNCTIONS:
            line = _line(node.args[0]) if _rank(node.args[0]) < 4 else "_"
            return f"{function}{line}{_read(node.args[0], found, text, depth + 1)}"
    part = ast.get_source_segment(text.strip(), node) or text  # pyright: ignore
    raise ValueError(f"{brief(text)}: given {brief(part)}, allowed: {ALLOWED}")


def _rank(node: ast.AST) -> int:
    """How strongly a part holds together."""
    if isinstance(node, ast.BinOp):
        return 1 if isinstance(node.op, ast.Add | ast.Sub) else 2 + isinstance(node.op, ast.Pow)
    return 2 if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else 4


def _line(*nodes: ast.AST) -> str:
    """One underscore for every level of operations in the deepest of some parts, and one more."""

    def levels(node: ast.AST) -> int:
        inner = [levels(each) for each in ast.iter_child_nodes(node)]
        return max(inner, default=0) + isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call)

    return "_" * (1 + max(map(levels, nodes)))


def _name(node: ast.AST) -> str | None:
    """The variable that a node names: a word, words with dots between, or a quoted text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Attribute):
        before = _name(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else None


def _wide(variable: xr.Variable) -> xr.Variable:
    """A variable to compute with: float64 for whole numbers, which would wrap, float32 for half."""
    if variable.dtype.kind in "iub":
        return variable.astype(np.float64)
    return variable.astype(np.float32) if variable.dtype == np.float16 else variable


def _value(node: ast.AST, variables: Mapping[str, xr.Variable]) -> Any:
    if (name := _name(node)) is not None:
        return _wide(variables[name])
    if isinstance(node, ast.Constant):
        return float(node.value)  # pyright: ignore
    if isinstance(node, ast.BinOp):
        left, right = (_value(each, variables) for each in (node.left, node.right))
        return OPERATORS[type(node.op)][1](left, right)
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, variables)
        return -value if isinstance(node.op, ast.USub) else value
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    argument = _value(node.args[0], variables)
    if not isinstance(argument, xr.Variable):
        return float(FUNCTIONS[node.func.id](argument))
    if argument.chunks and node.func.id in ("real", "imag"):
        return getattr(argument, node.func.id)
    values = argument.data if argument.chunks else argument.values
    return xr.Variable(argument.dims, FUNCTIONS[node.func.id](values))
