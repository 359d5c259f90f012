"""The low-level reactive verbs: push data into a built graph, subscribe to what is believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ModelError
from reactivepgm.graph import FactorHandle, Graph, Reference
from reactivepgm.streams.cell import Cell
from reactivepgm.streams.held import ScheduledUpdates
from reactivepgm.streams.live import live
from reactivepgm.streams.skip import SkipStrategy


def update(variable: Reference, value: Any) -> None:
    """Push a value into a data variable (None or NaN: missing); propagation follows at once.

    Nothing flows until every data variable of the graph has a value.

    Raises:
        DataError: the value does not fit the variable, or the variable was finished.
        ThreadError: called from another thread than the graph's.
    """
    live(_graph(variable)).update(variable, value)


def resend(variable: Reference) -> None:
    """Push the last value of a data variable again: another round of a variational cycle, another line of a log.

        update     --1---------->
        resend     -----r---r--->
        posterior  --p--p'--p''->

    Raises:
        DataError: no value has come yet.
    """
    live(_graph(variable)).resend(variable)


def finish(*variables: Reference) -> None:
    """Complete data variables: posteriors that depend on finished data alone complete, too.

    Example:
        >>> from reactivepgm import Bernoulli, Beta, datavar, marginal, model, update
        >>> @model
        ... def coin():
        ...     flip = datavar(float)
        ...     p = ~Beta(a=1.0, b=1.0)
        ...     flip[...] = ~Bernoulli(p)
        ...     return flip, p
        >>> graph, (flip, p) = coin()
        >>> subscription = marginal(p).subscribe(print, on_completed=lambda: print("the end"))
        >>> update(flip, 1.0)
        Beta(a=2.0, b=1.0)
        >>> finish(flip)
        the end
    """
    for variable in variables:
        live(_graph(variable)).finish(variable)


def marginal(of: Reference | FactorHandle, names: str | None = None, *, skip: SkipStrategy | None = None) -> Cell:
    """An observable of a posterior: the latest one on subscription, then every new one.

    Args:
        of: a random variable; or a factor, whose joint marginal is meant.
        names: of a factor: the interfaces of a cluster in the node's order, such as ``"out_mean"``, or one interface.
        skip: which posteriors to leave out; ``SkipInitial()`` by default.

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
    if isinstance(of, FactorHandle):
        if names is None:
            raise ModelError(f"which joint marginal of {of!r}? write  marginal(node, \"out_mean\")")
        return live(_graph(of)).joint(of, names)
    return live(_graph(of)).marginal(of, skip)


def marginals(variables: Iterable[Reference], *, skip: SkipStrategy | None = None) -> list[Cell]:
    """One observable a variable."""
    return [marginal(variable, skip=skip) for variable in variables]


def message(factor: FactorHandle, interface: str) -> Cell:
    """An observable of a factor's outgoing message towards one of its interfaces.

    It is computed because somebody listens: by the factor's rule, from the beliefs after each propagation. For the rows of
    a vector statement it is one batched message.

    Raises:
        ModelError: the interface is clamped: no message flows there.

    Example:
        >>> from reactivepgm import Bernoulli, Beta, datavar, model, update
        >>> @model
        ... def coin():
        ...     flip = datavar(float)
        ...     p = ~Beta(a=2.0, b=1.0)
        ...     node, flip[...] = ~Bernoulli(p)
        ...     return flip, node
        >>> graph, (flip, node) = coin()
        >>> subscription = message(node, "p").subscribe(print)
        >>> update(flip, 1.0)
        Beta(a=2.0, b=1.0)
    """
    return live(_graph(factor)).message(factor, interface)


def set_marginal(of: Reference | FactorHandle, *belief: Any) -> None:
    """Give a variable its initial marginal, or a factor's cluster its initial joint, where a cycle needs one.

    ``set_marginal(variable, belief)`` or ``set_marginal(node, "out_mean", belief)``.
    """
    if isinstance(of, FactorHandle):
        names, joint = belief
        live(_graph(of)).set_joint(of, names, joint)
    else:
        (single,) = belief
        live(_graph(of)).set_marginal(of, single)


def set_marginals(beliefs: Mapping[Reference, Distribution] | Iterable[tuple[Reference, Distribution]]) -> None:
    """Give several variables their initial marginals."""
    for variable, belief in beliefs.items() if isinstance(beliefs, Mapping) else beliefs:
        set_marginal(variable, belief)


def set_message(of: Reference | FactorHandle, *message: Any) -> None:
    """Give a cycle or a delayed edge its first message.

    ``set_message(variable, message)`` is for all edges into the variables of an array, ``set_message(node, "mean",
    message)`` for one interface of all factors of a statement. Regions without cycles and delays need none, and make no
    use of one.
    """
    if isinstance(of, FactorHandle):
        interface, first = message
        live(_graph(of)).set_message(of, interface, first)
    else:
        (first,) = message
        live(_graph(of)).set_message(of, None, first)


def schedule_updates(*variables: Reference) -> ScheduledUpdates:
    """Hold the posteriors of variables until ``.release()``.

        data       --1---2------3------------>
        release    ----------r-------r------->
        posterior  ----------p2------p3------>

    Variables that share a region are held together; ``.dispose()`` ends the holding.
    """
    if not variables:
        raise ModelError("schedule_updates needs the variables whose posteriors are to be held")
    return live(_graph(variables[0])).hold(variables)


def bethe_free_energy(graph: Graph) -> Cell:
    """An observable of the Bethe free energy (nats), renewed with every propagation."""
    return live(graph).free_energy()


def _graph(of: Reference | FactorHandle) -> Graph:
    if isinstance(of, FactorHandle):
        random = list(of.family.random.values())
        if not random:
            raise ModelError(f"{of!r} has no random variable")
        _, array, _ = next(iter(random[0].components()))
        found = array.graph
    else:
        found = of.array.graph
    graph: Graph | None = found
    if graph is None:
        raise ModelError(f"{of!r} belongs to a model that is still being built")
    return graph
