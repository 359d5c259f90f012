"""Which loops may be lifted at all, read off their source before anything runs.

A loop passes when its body is ``~`` statements, assignments of expressions to names, ``if`` and further such loops, and
when nothing flows from one turn to the next: every name that the body binds is bound before it is read.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass

from reactivepgm.errors import ReactivePGMError
from reactivepgm.graph import Site
from reactivepgm.language.operand import is_constant_factorisation, named_terms, read_operand

_BINARY = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.MatMult, ast.Pow)
_UNARY = (ast.USub, ast.UAdd, ast.Not)
_NOWHERE = Site("", 0, "")


@dataclass(frozen=True)
class Names:
    """The names of a loop.

    Args:
        read: what its body takes from around it.
        bound: what it leaves bound: its own variables and what its body assigns, in order.
        drawn: the names that ``~`` draws, a part of ``bound``.
    """

    read: tuple[str, ...]
    bound: tuple[str, ...]
    drawn: tuple[str, ...]


class NotLiftable(Exception):  # noqa: N818 - no error, a verdict
    """The source holds something that only turn by turn means the same."""


def names_of(loop: ast.For) -> Names | None:
    """The names of a loop that may be lifted, None if it may not.

    Example:
        >>> loop = ast.parse("for t in range(1, n):\\n    x[t] = ~F(x[t - 1], v)").body[0]
        >>> names_of(loop)
        Names(read=('F', 'x', 'v'), bound=('t',), drawn=())
        >>> names_of(ast.parse("for t in range(9):\\n    s = s + t").body[0]) is None
        True
    """
    screen = _Screen()
    try:
        screen.loop(loop, set(), is_outermost=True)
        if any(name in screen.bound for name in screen.read):
            return None
    except NotLiftable:
        return None
    return Names(tuple(screen.read), tuple(screen.bound), tuple(screen.drawn))


class _Screen:
    """Walks a loop in the order in which it runs; ``definite`` is what is bound in this turn whatever happened."""

    def __init__(self) -> None:
        self.read: dict[str, None] = {}
        self.bound: dict[str, None] = {}
        self.drawn: dict[str, None] = {}

    def loop(self, node: ast.For, definite: set[str], is_outermost: bool = False) -> None:
        if node.orelse or node.type_comment:
            raise NotLiftable
        if not is_outermost:
            self._source(node.iter, definite)
        inside = set(definite)
        self._target(node.target, inside)
        self._block(node.body, inside)

    def _target(self, target: ast.expr, definite: set[str]) -> None:
        if isinstance(target, ast.Name):
            self.bound[target.id] = None
            definite.add(target.id)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self._target(part, definite)
        else:
            raise NotLiftable

    def _source(self, source: ast.expr, definite: set[str]) -> None:
        self._expression(source, definite)

    def _block(self, body: list[ast.stmt], definite: set[str]) -> None:
        for statement in body:
            self._statement(statement, definite)

    def _statement(self, node: ast.stmt, definite: set[str]) -> None:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            self._assignment(node.targets[0], node.value, definite)
        elif isinstance(node, ast.AnnAssign) and node.simple and node.value is not None:
            self._assignment(node.target, node.value, definite)
        elif isinstance(node, ast.If):
            self._expression(node.test, definite)
            then, otherwise = set(definite), set(definite)
            self._block(node.body, then)
            self._block(node.orelse, otherwise)
            definite |= then & otherwise
        elif isinstance(node, ast.For):
            self.loop(node, definite)
        elif not isinstance(node, ast.Pass) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            raise NotLiftable

    def _assignment(self, target: ast.expr, value: ast.expr, definite: set[str]) -> None:
        is_drawn = isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Invert)
        if is_drawn:
            assert isinstance(value, ast.UnaryOp)
            self._operand(value.operand, definite)
        else:
            self._expression(value, definite)
        if isinstance(target, ast.Name):
            self._target(target, definite)
            if is_drawn:
                self.drawn[target.id] = None
        elif isinstance(target, ast.Subscript) and is_drawn:
            self._expression(target.value, definite)
            self._expression(target.slice, definite)
        else:
            raise NotLiftable

    def _operand(self, expression: ast.expr, definite: set[str]) -> None:
        try:
            operand = read_operand(expression, _NOWHERE)
        except ReactivePGMError:
            raise NotLiftable from None
        if operand.operator == "value" or operand.node_name is not None:
            raise NotLiftable
        if operand.function is not None:
            self._expression(operand.function, definite)
        for part in (*operand.args, *self._keywords(operand.keywords)):
            self._expression(part, definite)
        for name, option in operand.options.items():
            if name == "q" and is_constant_factorisation(named := named_terms(copy.deepcopy(option))):
                self._factorisation(named, definite)
            elif isinstance(option, (ast.Name, ast.Constant, ast.Attribute)):
                self._expression(option, definite)
            else:
                raise NotLiftable

    def _factorisation(self, expression: ast.expr, definite: set[str]) -> None:
        for node in ast.walk(expression):
            if isinstance(node, ast.Call):
                self._expression(node.func, definite)

    def _expression(self, node: ast.expr, definite: set[str]) -> None:
        if isinstance(node, ast.Name):
            if node.id not in definite:
                self.read[node.id] = None
            return
        if isinstance(node, ast.Attribute):
            base = node.value
            if not isinstance(base, (ast.Name, ast.Attribute)) or node.attr.startswith("__"):
                raise NotLiftable
        elif isinstance(node, ast.BinOp):
            if not isinstance(node.op, _BINARY):
                raise NotLiftable
        elif isinstance(node, ast.UnaryOp):
            if not isinstance(node.op, _UNARY):
                raise NotLiftable
        elif isinstance(node, ast.Call):
            if not isinstance(node.func, (ast.Name, ast.Attribute)):
                raise NotLiftable
            self._expression(node.func, definite)
            for part in (*node.args, *self._keywords(node.keywords)):
                self._expression(part, definite)
            return
        elif not isinstance(
            node, (ast.Constant, ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Compare, ast.BoolOp, ast.IfExp)
        ):
            raise NotLiftable
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child, definite)

    def _keywords(self, keywords: list[ast.keyword]) -> list[ast.expr]:
        if any(keyword.arg is None for keyword in keywords):
            raise NotLiftable
        return [keyword.value for keyword in keywords]
