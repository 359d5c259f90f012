"""``@node``: a class or a function becomes a kind of factor.

The parameters of the function, or of the class's ``log_density`` or constructor, are the interfaces; the output comes first.
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Literal

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ParametrisationError
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register


def node(
    kind: Literal["stochastic", "deterministic"],
    *interfaces: Interface | str,
    name: str = "",
    aliases: Iterable[str] = (),
    log_density: Callable[..., Any] | None = None,
    sampler: Callable[..., Any] | None = None,
    batch_sampler: Callable[..., Any] | None = None,
    hint: str = "",
) -> Callable[[Any], Any]:
    """Declare a node on a class or a function.

    A deterministic function computes the output. A stochastic one returns the distribution of the output, which brings
    log density and sampler with it. A class may have them as static methods, ``log_density(out, ...)`` and
    ``sample(rng, ...)``; a distribution class needs neither.

    Args:
        kind: "stochastic" (a conditional density) or "deterministic" (a function).
        *interfaces: output first, as names or as Interface with aliases, support and event rank; by default ``out`` and
            the parameters.
        name: as errors and tables print it; by default the class's or the function's own.
        aliases: further names of the node.
        log_density: ``log_density(out, *inputs)``.
        sampler: ``sampler(rng, *inputs)``.
        batch_sampler: ``batch_sampler(rng, batch, *inputs)``, for many rows at once.
        hint: what to write where a rule is missing because the factor has no meta.

    Returns:
        A decorator that registers the node. It gives back a distribution class as it is, and of anything else the node:
        that is what models call and rules are written for.

    Raises:
        ParametrisationError: interfaces that do not fit; a class that says nothing of its density.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> @node("stochastic", "out", Interface("height", aliases=("h",)))
        ... def ruler(height):
        ...     return NormalMeanVariance(height, 0.01)
        >>> ruler
        <node ruler(out, height)>
        >>> ruler.log_density(1.0, 1.0) > 0
        True
    """
    if kind not in ("stochastic", "deterministic"):
        raise ParametrisationError(f'@node: kind is "stochastic" or "deterministic", not {kind!r}; @node takes it first')

    def declare(target: Any) -> Any:
        if not callable(target):
            raise ParametrisationError(f"@node stands above a class or a function, not above {target!r}")
        called = name or getattr(target, "__name__", "")
        if not called:
            raise ParametrisationError(f"@node: {target!r} has no name of its own; say @node(..., name=...)")
        is_class = isinstance(target, type)
        is_belief = is_class and issubclass(target, Distribution)
        density = log_density or (getattr(target, "log_density", None) if is_class and not is_belief else None)
        draw = sampler or (getattr(target, "sample", None) if is_class and not is_belief else None)
        if is_class and not is_belief and kind == "stochastic" and density is None:
            raise ParametrisationError(
                f"@node: {called} says nothing of its density; give it  @staticmethod log_density(out, ...)"
            )
        inputs = _parameters(called, density if is_class and not is_belief else target)
        if is_class and not is_belief:
            inputs = inputs[1:]
        edges = tuple(i if isinstance(i, Interface) else Interface(i) for i in interfaces)
        if not edges:
            edges = (Interface("out"), *(Interface(parameter) for parameter in inputs))
        elif len(edges) != len(inputs) + 1 and not any(edge.plural for edge in edges):
            raise ParametrisationError(
                f"@node: {called} has {len(edges)} interfaces ({', '.join(edge.name for edge in edges)}), an output and"
                f" {len(edges) - 1} inputs, but takes {len(inputs)} arguments ({', '.join(inputs)})"
            )
        repeated = {edge.name for edge in edges if sum(edge.name == other.name for other in edges) > 1}
        if repeated:
            raise ParametrisationError(f"@node: {called} has the interface {', '.join(sorted(repeated))} twice")
        made = Node(
            called, kind, edges, target, log_density=density, sampler=draw, batch_sampler=batch_sampler, hint=hint
        )
        register(made, aliases=aliases)
        return target if is_belief else made

    return declare


def _parameters(called: str, function: Any) -> list[str]:
    if function is None:
        raise ParametrisationError(f"@node: {called} has no parameters to read; a deterministic node is a function")
    taken = inspect.signature(function).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in taken if parameter.kind in positional]
