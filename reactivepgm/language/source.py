"""From a live function to its syntax tree, and from a rewritten tree back to a function."""

from __future__ import annotations
import __future__

import ast
import inspect
import tokenize
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from reactivepgm.graph import Site

HOOK = "__reactivepgm__"
_FUTURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
_WRAPPER = "__reactivepgm_wrapper__"
Definition = ast.FunctionDef


def site_of_function(function: Any) -> Site:
    """Where a function is defined."""
    code = getattr(function, "__code__", None)
    if code is None:
        return Site("<unknown>", 0, repr(function))
    return Site(code.co_filename, code.co_firstlineno, f"def {function.__name__}")


def definition_of(function: FunctionType) -> Definition | None:
    """The syntax tree of a function, with the line numbers of its file.

    Returns:
        The definition; None where there is no source, or it is no longer that of the live function, because the file
        changed after it was imported.
    """
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError, SyntaxError, IndexError, tokenize.TokenError):
        return None
    source = "".join(lines)
    indented = source[:1].isspace()
    try:
        tree = ast.parse("if True:\n" + source if indented else source)
    except SyntaxError:
        return None
    ast.increment_lineno(tree, max(first, 1) - 1 - indented)
    body = tree.body[0].body if indented and isinstance(tree.body[0], ast.If) else tree.body
    definition = body[0] if body else None
    return definition if isinstance(definition, ast.FunctionDef) and is_unchanged(function) else None


def is_unchanged(function: FunctionType) -> bool:
    """Whether the source, compiled as it stands, is the live function."""
    if type(function.__globals__.get("__loader__")).__module__.partition(".")[0] == "_pytest":
        return True  # pytest rewrites assertions, so the code may differ for a good reason
    lines, _ = inspect.findsource(function)
    file = function.__code__.co_filename
    try:
        whole = _compiled_file("".join(lines), file)
    except SyntaxError:
        # A notebook cell with magics is no Python file, and its source cannot have changed.
        return not Path(file).is_file()
    live = function.__code__
    return any(code.co_firstlineno == live.co_firstlineno and _is_same_code(code, live) for code in _named(whole, live.co_name))


@lru_cache(maxsize=16)
def _compiled_file(source: str, file: str) -> CodeType:
    # The whole file, because what is imported at its top decides how calls of methods are compiled.
    return compile(source, file, "exec", dont_inherit=True)


def _named(code: CodeType, name: str) -> Iterator[CodeType]:
    """All code objects of a name, at any depth."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_name == name:
                yield constant
            yield from _named(constant, name)


def compiled(function: FunctionType, definition: Definition) -> CodeType:
    """The code of a rewritten definition, with the hook as a further free variable.

    Args:
        function: the live function, whose free variables, class and compiler flags count.
        definition: its rewritten syntax tree.
    """
    free = [*function.__code__.co_freevars, HOOK]
    bare = ast.FunctionDef(
        name=definition.name,
        args=_without_defaults(definition.args),
        body=definition.body,
        decorator_list=[],
        returns=None,
        type_comment=None,
    )
    ast.copy_location(bare, definition)
    inner: ast.stmt = bare
    path = function.__qualname__.split(".")
    if len(path) > 1 and path[-2] != "<locals>":
        # Private names such as self.__x are spelled with the class's name.
        inner = ast.ClassDef(name=path[-2], bases=[], keywords=[], body=[bare], decorator_list=[])
        ast.copy_location(inner, definition)
    wrapper = ast.FunctionDef(
        name=_WRAPPER,
        args=ast.arguments(
            posonlyargs=[],
            args=[ast.arg(arg=name) for name in free if name != "__class__"],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        ),
        body=[inner],
        decorator_list=[],
        returns=None,
        type_comment=None,
    )
    if definition.name not in free:
        # The function's own name means in it what it means in the live function: a global.
        wrapper.body.insert(0, ast.Global(names=[definition.name]))
    ast.copy_location(wrapper, definition)
    module = ast.fix_missing_locations(ast.Module(body=[wrapper], type_ignores=[]))
    flags = function.__code__.co_flags & _FUTURES
    code = compile(module, function.__code__.co_filename, "exec", flags=flags, dont_inherit=True)
    return next(found for found in _named(code, definition.name) if found.co_flags & inspect.CO_NEWLOCALS)


def _without_defaults(arguments: ast.arguments) -> ast.arguments:
    """The same parameters; defaults and annotations belong to the live function."""

    def plain(argument: ast.arg | None) -> ast.arg | None:
        return None if argument is None else ast.copy_location(ast.arg(arg=argument.arg), argument)

    return ast.arguments(
        posonlyargs=[ast.arg(arg=a.arg) for a in arguments.posonlyargs],
        args=[ast.arg(arg=a.arg) for a in arguments.args],
        vararg=plain(arguments.vararg),
        kwonlyargs=[ast.arg(arg=a.arg) for a in arguments.kwonlyargs],
        kw_defaults=[None for _ in arguments.kwonlyargs],
        kwarg=plain(arguments.kwarg),
        defaults=[],
    )


def _is_same_code(left: CodeType, right: CodeType) -> bool:
    names = ("co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_argcount", "co_kwonlyargcount")
    if any(getattr(left, n) != getattr(right, n) for n in names) or len(left.co_consts) != len(right.co_consts):
        return False
    return all(
        _is_same_code(a, b) if isinstance(a, CodeType) and isinstance(b, CodeType) else repr(a) == repr(b)
        for a, b in zip(left.co_consts, right.co_consts, strict=True)
    )
