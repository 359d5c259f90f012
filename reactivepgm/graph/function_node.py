"""Any Python function as a deterministic factor: random arguments become its edges, constants are closed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reactivepgm.errors import ModelError
from reactivepgm.graph.arithmetic import frozen, is_random, unwrapped
from reactivepgm.graph.derived import is_fixed_symbol
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site
from reactivepgm.nodes import Delta, Node

_LIMIT = 4096
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
    kept = {place: frozen(value) for place, value in fixed.items()}
    key = _key(function, places, kept)
    if key is not None and key in _CLOSED:
        return _CLOSED[key]

    def closed(*inputs: Any) -> Any:
        values = {**kept, **dict(zip(places, inputs, strict=True))}
        positional = [values[k] for k in sorted(k for k in values if isinstance(k, int))]
        return function(*positional, **{k: v for k, v in values.items() if isinstance(k, str)})

    closed.__name__ = getattr(function, "__name__", "function")
    if key is not None:
        if len(_CLOSED) >= _LIMIT:
            _CLOSED.clear()
        _CLOSED[key] = closed
    return closed


def _key(function: Any, places: tuple[int | str, ...], fixed: dict[int | str, Any]) -> tuple[Any, ...] | None:
    """Equal for equal functions of equal constants; None where a constant cannot be compared."""
    parts: list[tuple[Any, ...]] = []
    for place, value in fixed.items():
        if isinstance(value, np.ndarray):
            parts.append((place, value.shape, str(value.dtype), value.tobytes()))
        else:
            parts.append((place, type(value), value))
    key = (function, places, tuple(parts))
    try:
        hash(key)
    except TypeError:
        return None
    return key
