"""Any Python function as a deterministic factor: variables and data become its edges, constants are closed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reactivepgm.errors import ModelError
from reactivepgm.graph.arithmetic import frozen, is_random, unwrapped
from reactivepgm.graph.derived import is_fixed_symbol
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site
from reactivepgm.nodes import DELTA, Delta, Node, node_of

Places = tuple[tuple[int | str, int], ...]

_LIMIT = 4096
_CLOSED: dict[tuple[Any, ...], Callable[..., Any]] = {}


def function_node(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], site: Site
) -> tuple[Node, tuple[Any, ...]]:
    """The node Delta(function) with an interface for each input, and its inputs that are variables or data.

    Raises:
        ModelError: a variable or data inside a list.
    """
    refuse_reduction(function, site)
    node = node_of(function)
    if node is not None and node.key != DELTA.key:
        return node, tuple(args)
    if node is not None:
        function = node.target
    places: list[tuple[int | str, int]] = []
    fixed: dict[int | str, Any] = {}
    inputs: list[Any] = []
    given: list[tuple[int | str, Any]] = [*enumerate(args), *kwargs.items()]
    for place, value in given:
        if is_fixed_symbol(value) or (isinstance(value, Reference) and is_random(value)):
            # A variable that stands in two places is one input: its belief is one, and not two independent ones.
            number = next((k for k, known in enumerate(inputs) if _is_again(value, known)), len(inputs))
            inputs += [value] if number == len(inputs) else []
            places.append((place, number))
        elif is_random(value) or _holds_data(value):
            name = getattr(function, "__name__", repr(function))
            raise ModelError(
                site.letter(
                    f"the argument {place} of {name} is a list with a variable or data in it",
                    write=f"{name}(...) of variables, data and constants, each an argument of its own",
                )
            )
        else:
            fixed[place] = unwrapped(value)
    if not fixed and places == [(k, k) for k in range(len(args))]:
        return Delta(function, len(inputs)), tuple(inputs)
    return Delta(_closed(function, tuple(places), fixed), len(inputs)), tuple(inputs)


def is_for_containers(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether variables come to a plain function in lists only: then it is called, and what it does to them counts."""
    if node_of(function) is not None:
        return False
    random = [value for value in (*args, *kwargs.values()) if is_random(value)]
    return bool(random) and all(isinstance(value, (tuple, list)) for value in random)


def refuse_reduction(function: Any, site: Site) -> None:
    """NumPy's products and running sums look at numbers, which variables have not.

    Raises:
        ModelError: for a function of that kind.
    """
    try:
        cure = _REDUCTIONS.get(function)
    except TypeError:  # unhashable: no function of NumPy's
        return
    if cure is not None:
        raise ModelError(
            site.letter(f"NumPy's {function.__name__} adds or multiplies numbers, and a random variable is none", write=cure)
        )


_REDUCTIONS: dict[Any, str] = {
    np.cumsum: "s[t] = ~(s[t - 1] + x[t])  in a loop",
    np.average: "np.mean(x)",
    np.prod: "reduce(operator.mul, x)",
    np.multiply.reduce: "reduce(operator.mul, x)",
}


def _holds_data(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and any(is_fixed_symbol(part) or _holds_data(part) for part in value)


def _is_again(value: Any, known: Any) -> bool:
    return isinstance(value, Reference) and isinstance(known, Reference) and is_random(value) and bool(value == known)


def _closed(function: Callable[..., Any], places: Places, fixed: dict[int | str, Any]) -> Callable[..., Any]:
    """``function`` of the random arguments alone; the same object for the same constants."""
    kept = {place: frozen(value) for place, value in fixed.items()}
    key = _key(function, places, kept)
    if key is not None and key in _CLOSED:
        return _CLOSED[key]

    def closed(*inputs: Any) -> Any:
        values = {**kept, **{place: inputs[number] for place, number in places}}
        positional = [values[k] for k in sorted(k for k in values if isinstance(k, int))]
        return function(*positional, **{k: v for k, v in values.items() if isinstance(k, str)})

    closed.__name__ = getattr(function, "__name__", "function")
    if key is not None:
        if len(_CLOSED) >= _LIMIT:
            _CLOSED.clear()
        _CLOSED[key] = closed
    return closed


def _key(function: Any, places: Places, fixed: dict[int | str, Any]) -> tuple[Any, ...] | None:
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
