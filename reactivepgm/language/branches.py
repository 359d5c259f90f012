"""Statements that draw in several places, as statements that draw in one each; done before anything else is rewritten.

``x = ~A() if c else ~B()``     if c: x = ~A()     else: x = ~B()
``x = ~(A() if c else B())``    the same
``a, b[0] = ~F(), ~G()``        a = ~F()           b[0] = ~G()
``x = y[0] = ~F()``             y[0] = ~F()        x = y[0]
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from reactivepgm.graph import Site
from reactivepgm.language.syntax import base_of, is_flat, is_model, is_tilde, located


class Branches(ast.NodeTransformer):
    """Takes such statements apart; what comes out remembers the statement as it was written.

    Args:
        file: the file of the model, for the letters.
    """

    def __init__(self, file: str) -> None:
        self.file = file

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Nested models look after themselves."""
        return node if any(is_model(decorator) for decorator in node.decorator_list) else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | Sequence[ast.stmt]:
        """``x: Reference = ~A() if c else ~B()``."""
        if node.value is None or not node.simple or not _draws(node.value):
            return node
        parts = self._apart([node.target], node.value)
        return node if parts is None else self._known(parts, node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | Sequence[ast.stmt]:
        """One statement for each place that draws."""
        if not _draws(node.value):
            return node
        parts = self._apart(node.targets, node.value)
        return node if parts is None else self._known(parts, node)

    def _apart(self, targets: list[ast.expr], value: ast.expr) -> list[ast.stmt] | None:
        """None where the statement is in one place already."""
        if isinstance(value, ast.IfExp):
            chosen = [ast.If(test=value.test, body=self._part(targets, value.body), orelse=self._part(targets, value.orelse))]
            return list(chosen)
        first = targets[0]
        if len(targets) == 1 and isinstance(first, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
            if _is_one_by_one(first, value):
                pairs = zip(first.elts, value.elts, strict=True)
                return [statement for target, part in pairs for statement in self._part([target], part)]
            return None
        if is_tilde(value):
            assert isinstance(value, ast.UnaryOp)
            if isinstance(value.operand, ast.IfExp):
                inner = value.operand
                drawn = [ast.UnaryOp(op=ast.Invert(), operand=branch) for branch in (inner.body, inner.orelse)]
                return self._apart(targets, ast.IfExp(test=inner.test, body=drawn[0], orelse=drawn[1]))
            elements = [target for target in targets if isinstance(target, ast.Subscript)]
            others = [target for target in targets if isinstance(target, ast.Name)]
            is_plain = len(elements) == 1 and len(elements) + len(others) == len(targets) and not _calls(elements[0])
            if len(targets) > 1 and is_plain:
                place = copy.deepcopy(elements[0])
                again = ast.Subscript(value=place.value, slice=place.slice, ctx=ast.Load())
                return [ast.Assign(targets=list(elements), value=value), ast.Assign(targets=list(others), value=again)]
        return None

    def _part(self, targets: list[ast.expr], value: ast.expr) -> list[ast.stmt]:
        apart = self._apart(targets, value) if _draws(value) else None
        # Copies, because whoever rewrites one part must leave the others as they are.
        return [ast.Assign(targets=copy.deepcopy(targets), value=value)] if apart is None else apart

    def _known(self, statements: list[ast.stmt], whole: ast.stmt) -> list[ast.stmt]:
        """The parts stand where the whole statement stood, and letters show that."""
        site = Site(self.file, whole.lineno, ast.unparse(whole).splitlines()[0])
        for statement in statements:
            for part in ast.walk(statement):
                if isinstance(part, ast.stmt):
                    part._reactivepgm_site = site  # type: ignore[attr-defined]
            located(statement, whole)
        return statements


def _draws(value: ast.expr) -> bool:
    """Whether a value is a ``~``, or holds one in a branch or a place."""
    if isinstance(value, ast.IfExp):
        return _draws(value.body) or _draws(value.orelse)
    if isinstance(value, (ast.Tuple, ast.List)):
        return any(_draws(part) for part in value.elts)
    return is_tilde(value)


def _is_one_by_one(targets: ast.Tuple | ast.List, values: ast.Tuple | ast.List) -> bool:
    """Whether a tuple may be assigned from left to right: no value reads what an earlier place has just received."""
    if not is_flat(targets) or len(targets.elts) != len(values.elts) or any(isinstance(v, ast.Starred) for v in values.elts):
        return False
    written = {base_of(target) for target in targets.elts}
    places = [target.slice for target in targets.elts if isinstance(target, ast.Subscript)]
    read = {part.id for tree in [*values.elts, *places] for part in ast.walk(tree) if isinstance(part, ast.Name)}
    return not written & read


def _calls(target: ast.expr) -> bool:
    return any(isinstance(part, ast.Call) for part in ast.walk(target))
