"""Any Python function as a deterministic factor: random arguments become its edges, constants are closed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reactivepgm.errors import ModelError
from reactivepgm.graph.arithmetic import is_random, unwrapped
from reactivepgm.graph.derived import is_fixed_symbol
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site
from reactivepgm.nodes import Delta, Node

_CLOSED: dict[tuple[Any, ...], Callable[..., Any]] = {}


def function_node(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], site: Site
) -> tuple[Node, tuple[Reference, ...]]:
    """The node Delta(function), and its random inputs.

    Raises:
        ModelError: data among the arguments, or a random variable inside a list.
    """
    if node := _given(function):
        return node, tuple(args)
    places: list[int | str] = []
    fixed: dict[int | str, Any] = {}
    random: list[Reference] = []
    given: list[tuple[int | str, Any]] = [*enumerate(args), *kwargs.items()]
    for place, value in given:
        if isinstance(value, Reference) and is_random(value):
            places.append(place)
            random.append(value)
        elif is_random(value) or is_fixed_symbol(value):
            what = "data" if is_fixed_symbol(value) else "a list with a random variable"
            name = getattr(function, "__name__", repr(function))
            raise ModelError(
                site.letter(f"the argument {place} of {name} is {what}", write=f"{name}(...) of variables and constants only")
            )
        else:
            fixed[place] = unwrapped(value)
    if not fixed and places == list(range(len(args))):
        return Delta(function), tuple(random)
    return Delta(_closed(function, tuple(places), fixed)), tuple(random)


def _given(function: Any) -> Node | None:
    """A node such as ``Delta(f)`` itself."""
    return function if isinstance(function, Node) else None


def _closed(function: Callable[..., Any], places: tuple[int | str, ...], fixed: dict[int | str, Any]) -> Callable[..., Any]:
    """``function`` of the random arguments alone; the same object for the same constants."""
    key = (function, places, tuple((k, id(v) if _is_mutable(v) else (type(v), v)) for k, v in fixed.items()))
    if key in _CLOSED:
        return _CLOSED[key]

    def closed(*inputs: Any) -> Any:
        values = {**fixed, **dict(zip(places, inputs, strict=True))}
        positional = [values[k] for k in sorted(k for k in values if isinstance(k, int))]
        return function(*positional, **{k: v for k, v in values.items() if isinstance(k, str)})

    closed.__name__ = getattr(function, "__name__", "function")
    _CLOSED[key] = closed
    return closed


def _is_mutable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return True
    return False
