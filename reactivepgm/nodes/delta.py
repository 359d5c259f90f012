"""Delta(f): the deterministic factor out = f(in, ...) of any Python function."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register

_INTERFACES = (Interface("out"), Interface("in", plural=True))


@lru_cache(maxsize=4096)  # one node per function, so that a model's loop makes one kind of factor
def Delta(function: Callable[..., Any]) -> Node:  # noqa: N802 - reads as a node's name in a model
    """The node out = function(in, ...); one node per function object, all under the rules of ``Delta``.

    Args:
        function: any Python function of the inputs' values.

    Returns:
        The node, with a plural interface ``in``.

    Example:
        >>> def square(x):
        ...     return x * x
        >>> Delta(square) is Delta(square)
        True
        >>> Delta(square)(3.0)
        9.0
    """
    name = f"Delta({getattr(function, '__name__', repr(function))})"
    return Node(name, "deterministic", _INTERFACES, function, key="Delta")


def _applied(*_: Any) -> Any:
    raise TypeError("Delta stands for no function of its own: write Delta(function)")


DELTA = register(Node("Delta", "deterministic", _INTERFACES, _applied), targets=(Delta,))
