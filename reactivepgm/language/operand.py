"""How the right-hand side of ``x = ~...`` is taken apart: the factor, its arguments, its options, a walrus name."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from reactivepgm.errors import ModelError
from reactivepgm.graph import Site

OPTIONS = ("q", "meta", "pipeline")
ARITHMETIC: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.MatMult: "matmul",
    ast.Div: "truediv",
    ast.USub: "neg",
    ast.BitAnd: "and_",
    ast.BitOr: "or_",
}


@dataclass
class Operand:
    """An operand of ``~``.

    ``function`` is the expression that is called; None for an operator (then ``operator`` is its name) and for a plain
    value (then ``operator`` is "value").
    """

    function: ast.expr | None
    operator: str
    args: list[ast.expr]
    keywords: list[ast.keyword] = field(default_factory=list)
    options: dict[str, ast.expr] = field(default_factory=dict)
    node_name: str | None = None


def read_operand(expression: ast.expr, site: Site) -> Operand:
    """Take an operand apart.

    Raises:
        ModelError: ``where`` with an option that does not exist.
    """
    options: dict[str, ast.expr] = {}
    name: str | None = None
    while True:
        if isinstance(expression, ast.NamedExpr) and isinstance(expression.value, ast.Call):
            name, expression = expression.target.id, expression.value
        elif _is_where(expression):
            assert isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute)
            for keyword in expression.keywords:
                if keyword.arg not in OPTIONS:
                    raise ModelError(site.letter(f"where() has no option {keyword.arg}", write=f"one of {', '.join(OPTIONS)}"))
                options.setdefault(str(keyword.arg), keyword.value)
            expression = expression.func.value
        else:
            break
    if isinstance(expression, ast.Call):
        return Operand(expression.func, "", expression.args, expression.keywords, options, name)
    if isinstance(expression, ast.BinOp) and type(expression.op) in ARITHMETIC:
        return Operand(None, ARITHMETIC[type(expression.op)], [expression.left, expression.right], [], options, name)
    if is_negation(expression):
        assert isinstance(expression, ast.UnaryOp)
        return Operand(None, "invert", [expression.operand], [], options, name)
    if isinstance(expression, ast.UnaryOp) and type(expression.op) in ARITHMETIC:
        return Operand(None, ARITHMETIC[type(expression.op)], [expression.operand], [], options, name)
    return Operand(None, "value", [expression], [], options, name)


def is_negation(expression: ast.expr) -> bool:
    """Whether ``~e`` inside an expression is about a truth value rather than about a factor that is called."""
    if not isinstance(expression, ast.UnaryOp) or not isinstance(expression.op, ast.Invert):
        return False
    inner = expression.operand
    is_logic = isinstance(inner, ast.BinOp) and isinstance(inner.op, (ast.BitAnd, ast.BitOr))
    return is_logic or isinstance(inner, (ast.Name, ast.Subscript, ast.Attribute)) or is_negation(inner)


def _is_where(expression: ast.expr) -> bool:
    """Whether an expression is ``F(...).where(q=...)`` rather than some other object's method of that name."""
    return (
        isinstance(expression, ast.Call)
        and isinstance(expression.func, ast.Attribute)
        and expression.func.attr == "where"
        and not expression.args
        and bool(expression.keywords)
        and any(keyword.arg in OPTIONS for keyword in expression.keywords)
    )


def labels_of(target: ast.expr | None, operand: Operand) -> dict[int | str, str]:
    """The source text of what may be named in ``q(...)``: variables, with or without an index."""
    labels: dict[int | str, str] = {}
    if target is not None:
        labels[0] = ast.unparse(target)
    if operand.operator == "":
        for position, argument in enumerate(operand.args):
            if isinstance(argument, ast.Starred):
                break
            if isinstance(argument, (ast.Name, ast.Subscript, ast.Attribute)):
                labels[position + 1] = ast.unparse(argument)
        for keyword in operand.keywords:
            if keyword.arg is not None and isinstance(keyword.value, (ast.Name, ast.Subscript, ast.Attribute)):
                labels[keyword.arg] = ast.unparse(keyword.value)
    else:
        labels.update({i + 1: ast.unparse(a) for i, a in enumerate(operand.args) if isinstance(a, (ast.Name, ast.Subscript))})
    return labels


def named_terms(expression: ast.expr) -> ast.expr:
    """``q(mean, x[t])`` with its arguments as text, since they name edges and need not be variables."""
    return ast.fix_missing_locations(_Terms().visit(expression))  # type: ignore[no-any-return]


class _Terms(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if _is_q(node.func):
            node.args = [
                argument
                if isinstance(argument, (ast.Starred, ast.Constant))
                else ast.copy_location(ast.Constant(ast.unparse(argument)), argument)
                for argument in node.args
            ]
        return node


def _is_q(function: ast.expr) -> bool:
    return (isinstance(function, ast.Name) and function.id == "q") or (
        isinstance(function, ast.Attribute) and function.attr == "q"
    )


def is_constant_factorisation(expression: ast.expr) -> bool:
    """Whether a factorisation, its terms already text, says the same each time it is evaluated."""
    if isinstance(expression, ast.Constant):
        return True
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Mult):
        return is_constant_factorisation(expression.left) and is_constant_factorisation(expression.right)
    if isinstance(expression, ast.Call) and not expression.keywords:
        if _is_q(expression.func):
            return all(isinstance(argument, ast.Constant) for argument in expression.args)
        return not expression.args and isinstance(expression.func, (ast.Name, ast.Attribute))
    return False
