"""The low-level reactive verbs: push data into a built graph, subscribe to what is believed.

A variable belongs to the graph that its model made, and to every graph that constraints made of it. Verbs take ``graph=``
where that is not clear; without it they mean the one that reacts already, if there is only one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ModelError
from reactivepgm.graph import FactorHandle, Graph, Reference, VariableArray
from reactivepgm.streams.cell import Cell
from reactivepgm.streams.held import ScheduledUpdates
from reactivepgm.streams.live import LiveGraph, is_live, live
from reactivepgm.streams.skip import SkipStrategy


def update(variable: Reference, value: Any, *, graph: Graph | None = None) -> None:
    """Push a value into a data variable (None or NaN: missing); propagation follows at once.

    Nothing flows until every data variable of the graph has a value.

    Raises:
        DataError: the value does not fit the variable, or the variable was finished.
        ThreadError: called from another thread than the graph's.
    """
    chosen = _reference(variable, "update")
    _live(chosen, graph).update(chosen, value)


def resend(variable: Reference, *, graph: Graph | None = None) -> None:
    """Push the last value of a data variable again: another round of a variational cycle, another line of a log.

        update     --1---------->
        resend     -----r---r--->
        posterior  --p--p'--p''->

    Raises:
        DataError: no value has come yet.
    """
    chosen = _reference(variable, "resend")
    _live(chosen, graph).resend(chosen)


def finish(*variables: Reference, graph: Graph | None = None) -> None:
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
    if not variables:
        raise ModelError("finish needs the data variables whose streams have ended")
    for variable in variables:
        chosen = _reference(variable, "finish")
        _live(chosen, graph).finish(chosen)


def marginal(
    of: Reference | FactorHandle, names: str | None = None, *, skip: SkipStrategy | None = None, graph: Graph | None = None
) -> Cell:
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
        return _live(of, graph).joint(of, names)
    chosen = _reference(of, "marginal")
    return _live(chosen, graph).marginal(chosen, skip)


def marginals(
    variables: Iterable[Reference], *, skip: SkipStrategy | None = None, graph: Graph | None = None
) -> list[Cell]:
    """One observable a variable."""
    return [marginal(variable, skip=skip, graph=graph) for variable in variables]


def message(factor: FactorHandle, interface: str, *, graph: Graph | None = None) -> Cell:
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
    return _live(_factor(factor, "message"), graph).message(factor, interface)


def set_marginal(of: Reference | FactorHandle, *belief: Any, graph: Graph | None = None) -> None:
    """Give a variable its initial marginal, or a factor's cluster its initial joint, where a cycle needs one.

    ``set_marginal(variable, belief)`` or ``set_marginal(node, "out_mean", belief)``.

    Raises:
        DataError: the belief is of another shape than the variable, or lives where the variable cannot.
        ModelError: no such variable or cluster, or the data are complete already.
    """
    if isinstance(of, FactorHandle):
        names, joint = _two(belief, 'set_marginal(node, "out_mean", belief)')
        _live(of, graph).set_joint(of, names, joint)
    else:
        chosen = _reference(of, "set_marginal")
        _live(chosen, graph).set_marginal(chosen, _one(belief, "set_marginal(variable, belief)"))


def set_marginals(
    beliefs: Mapping[Reference, Distribution] | Iterable[tuple[Reference, Distribution]], *, graph: Graph | None = None
) -> None:
    """Give several variables their initial marginals."""
    pairs = list(beliefs.items()) if isinstance(beliefs, Mapping) else list(beliefs)
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise ModelError(f"set_marginals: {pair!r} is no variable with its belief; write  set_marginals({{x: belief}})")
        set_marginal(*pair, graph=graph)


def set_message(of: Reference | FactorHandle, *message: Any, graph: Graph | None = None) -> None:
    """Give a cycle or a delayed edge its first message.

    ``set_message(variable, message)`` is for all edges into the variables of an array, ``set_message(node, "mean",
    message)`` for one interface of all factors of a statement. Regions without cycles and delays need none, and make no
    use of one.

    Raises:
        DataError: the message is of another shape than the variable, or lives where the variable cannot.
        ModelError: no such variable or interface, or the data are complete already.
    """
    if isinstance(of, FactorHandle):
        interface, first = _two(message, 'set_message(node, "mean", message)')
        _live(of, graph).set_message(of, interface, first)
    else:
        chosen = _reference(of, "set_message")
        _live(chosen, graph).set_message(chosen, None, _one(message, "set_message(variable, message)"))


def schedule_updates(*variables: Reference, graph: Graph | None = None) -> ScheduledUpdates:
    """Hold the posteriors of variables until ``.release()``.

        data       --1---2------3------------>
        release    ----------r-------r------->
        posterior  ----------p2------p3------>

    Variables that share a region are held together; ``.dispose()`` ends the holding.
    """
    if not variables:
        raise ModelError("schedule_updates needs the variables whose posteriors are to be held")
    chosen = [_reference(variable, "schedule_updates") for variable in variables]
    return _live(chosen[0], graph).hold(chosen)


def bethe_free_energy(graph: Graph) -> Cell:
    """An observable of the Bethe free energy (nats), renewed with every propagation."""
    return live(graph).free_energy()


def _one(given: tuple[Any, ...], write: str) -> Any:
    if len(given) != 1:
        raise ModelError(f"{len(given)} arguments after the variable; write  {write}")
    return given[0]


def _two(given: tuple[Any, ...], write: str) -> tuple[str, Any]:
    if len(given) != 2 or not isinstance(given[0], str):
        raise ModelError(f"a factor needs a name and a belief; write  {write}")
    return given[0], given[1]


def _reference(of: Any, verb: str) -> Reference:
    """A variable as a reference; an array of ``graph.variables`` stands for all its elements."""
    if isinstance(of, VariableArray):
        return Reference(of, 0, of.shape)
    if isinstance(of, Reference):
        return of
    raise ModelError(
        f"{verb}: {of!r} is no variable; write what the model returned, or graph.variables[\"name\"]"
    )


def _factor(of: Any, verb: str) -> FactorHandle:
    if isinstance(of, FactorHandle):
        return of
    raise ModelError(f"{verb}: {of!r} is no factor; write  node, x = ~Factor(...)  in the model, or graph.factors[i]")


def _array(of: Reference | FactorHandle) -> VariableArray:
    if isinstance(of, Reference):
        return of.array
    for binding in of.family.random.values():
        for _, array, _ in binding.components():
            return array
    raise ModelError(f"{of!r} has no random variable")


def _live(of: Reference | FactorHandle, graph: Graph | None) -> LiveGraph:
    """The live graph that a variable or a factor is meant in."""
    array = _array(of)
    if graph is not None:
        if not any(own is array for own in graph.arrays):
            raise ModelError(f"{of!r} is not in this graph; its variables are {', '.join(graph.variables)}")
        return live(graph)
    own: Graph | None = array.graph
    if own is None:
        raise ModelError(f"{of!r} belongs to a model that is still being built")
    both = [own, *own.derived]
    reacting = [one for one in both if is_live(one)]
    if len(reacting) == 1:
        return live(reacting[0])
    if len(both) == 1:
        return live(own)
    raise ModelError(
        f"{of!r} is in {len(both)} graphs, the model's own and what constraints made of it; say which one reacts:\n"
        "  write  update(y, value, graph=graph)  and likewise with the other verbs,  or once  live(graph)"
    )
