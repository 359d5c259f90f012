"""The low-level reactive verbs: push data into a built graph, subscribe to what is believed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ModelError
from reactivepgm.graph import Graph, Reference
from reactivepgm.streams.cell import Cell
from reactivepgm.streams.live import live


def update(variable: Reference, value: Any) -> None:
    """Push a value into a data variable (None or NaN: missing); propagation follows at once.

    Nothing flows until every data variable of the graph has a value.

    Raises:
        DataError: the value does not fit the variable.
        ThreadError: called from another thread than the graph's.
    """
    live(_graph(variable)).update(variable, value)


def marginal(variable: Reference) -> Cell:
    """An observable of a variable's posterior: the latest one on subscription, then every new one.

    Example:
        >>> from reactivepgm import Bernoulli, Beta, datavar, marginal, model, update
        >>> @model
        ... def coin():
        ...     flip = datavar(float)
        ...     p = ~Beta(a=1.0, b=1.0)
        ...     flip[...] = ~Bernoulli(p)
        ...     return flip, p
        >>> graph, (flip, p) = coin()
        >>> subscription = marginal(p).subscribe(print)
        >>> update(flip, 1.0)
        Beta(a=2.0, b=1.0)
    """
    return live(_graph(variable)).marginal(variable)


def marginals(variables: Iterable[Reference]) -> list[Cell]:
    """One observable a variable."""
    return [marginal(variable) for variable in variables]


def set_marginal(variable: Reference, belief: Distribution) -> None:
    """Give a variable its initial marginal, where a variational cycle needs one."""
    live(_graph(variable)).set_marginal(variable, belief)


def bethe_free_energy(graph: Graph) -> Cell:
    """An observable of the Bethe free energy (nats), renewed with every propagation."""
    return live(graph).free_energy()


def _graph(variable: Reference) -> Graph:
    graph: Graph | None = variable.array.graph
    if graph is None:
        raise ModelError(f"{variable!r} belongs to a model that is still being built")
    return graph
