"""Pieces of syntax that the rewriting asks about, and makes."""

from __future__ import annotations

import ast
from typing import TypeVar

from reactivepgm.language.source import HOOK

Located = TypeVar("Located", bound=ast.AST)
CURRENT = "__reactivepgm_current__"
"""Where a rewritten statement keeps what its target is bound to."""


def is_tilde(node: ast.AST) -> bool:
    """Whether a node is ``~something``."""
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert)


def is_flat(targets: ast.Tuple | ast.List) -> bool:
    """Whether several targets are names and elements only."""
    return len(targets.elts) >= 2 and all(isinstance(t, (ast.Name, ast.Subscript)) for t in targets.elts)


def is_model(decorator: ast.expr) -> bool:
    """Whether a decorator is ``@model``, by its name."""
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(inner, ast.Name) and inner.id == "model") or (isinstance(inner, ast.Attribute) and inner.attr == "model")


def base_of(target: ast.expr) -> str:
    """The name that a target indexes or looks into."""
    while isinstance(target, (ast.Subscript, ast.Attribute)):
        target = target.value
    return ast.unparse(target)


def as_expressions(key: ast.expr) -> ast.expr:
    """``1:`` and ``:, 0`` as expressions outside brackets: slice objects, evaluated the same."""
    if isinstance(key, ast.Tuple):
        return ast.copy_location(ast.Tuple(elts=[as_expressions(e) for e in key.elts], ctx=ast.Load()), key)
    if not isinstance(key, ast.Slice):
        return key
    bounds: list[ast.expr] = [bound if bound is not None else ast.Constant(None) for bound in (key.lower, key.upper, key.step)]
    maker = ast.Attribute(value=ast.Name(HOOK, ast.Load()), attr="slice", ctx=ast.Load())
    return located(ast.Call(func=maker, args=bounds, keywords=[]), key)


def listed(visited: ast.AST | list[ast.stmt]) -> list[ast.stmt]:
    """What a visit gives, as a list of statements."""
    if isinstance(visited, list):
        return visited
    assert isinstance(visited, ast.stmt)
    return [visited]


def located(node: Located, like: ast.AST) -> Located:
    """The node with a position: every part that has none stands where ``like`` stands."""
    ast.copy_location(node, like)
    return ast.fix_missing_locations(node)


def bound_now(node: ast.stmt, name: str, kept: str = CURRENT) -> list[ast.stmt]:
    """What the name is bound to now, None if to nothing."""
    store: list[ast.expr] = [ast.Name(kept, ast.Store())]
    attempt = ast.Try(
        body=[ast.Assign(targets=store, value=ast.Name(name, ast.Load()))],
        handlers=[
            ast.ExceptHandler(
                type=ast.Name("NameError", ast.Load()),
                name=None,
                body=[ast.Assign(targets=[ast.Name(kept, ast.Store())], value=ast.Constant(None))],
            )
        ],
        orelse=[],
        finalbody=[],
    )
    return [located(attempt, node)]
