"""Compute one message, joint marginal or average energy from its inputs: the rulebook, called by hand."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

from reactivepgm.distributions import Distribution, Factorized, as_vectors, stack
from reactivepgm.errors import ParametrisationError
from reactivepgm.nodes import Node
from reactivepgm.rulebook.lookup import find_average_energy, find_marginal_rule, find_rule
from reactivepgm.rulebook.numbered_inputs import numbered_inputs
from reactivepgm.rulebook.register_rules import canonical_target, file_rule, the_node
from reactivepgm.rulebook.signature import canonical_role

F = TypeVar("F", bound=Callable[..., Any])


def call_rule(node: Any, to: str, *, meta: Any = None, index: int | None = None, **inputs: Any) -> Any:
    """The message of a factor toward one of its interfaces.

    Args:
        node: a node, its distribution class, its function or its name.
        to: the target interface.
        meta: the factor's meta.
        index: the component, where the target is a plural interface; counts from 0.
        **inputs: ``m_<interface>`` messages, ``q_<interface>`` marginals, ``q_<a>_<b>`` joint marginals. A plural
            interface takes a tuple, which becomes one distribution with the components on the last batch axis.

    Raises:
        NoRuleError: no rule computes it.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance, PointMass
        >>> call_rule(NormalMeanVariance, "mean", m_out=NormalMeanVariance(1.0, 2.0), m_variance=PointMass(3.0))
        NormalMeanVariance(mean=1.0, variance=5.0)
    """
    found = the_node(node)
    to, inputs = numbered_inputs(found, to, index, inputs)
    ready = _ready(found, inputs)
    rule = find_rule(found, to, _types(ready), meta)
    return rule(meta=meta, node=found, index=index, to=canonical_target(found, to), **ready)


def call_marginal_rule(node: Any, joint: str, *, meta: Any = None, **inputs: Any) -> Any:
    """The joint marginal of several interfaces of a factor.

    Args:
        node: a node, its distribution class, its function or its name.
        joint: the interfaces joined by ``_``, in the node's order, such as ``"out_mean"``.
        meta: the factor's meta.
        **inputs: messages on the interfaces of the joint, marginals on the others.

    Returns:
        A joint distribution, variables in interface order; a Factorized where a point mass makes it fall apart.

    Raises:
        NoRuleError: no rule computes it.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance, PointMass
        >>> prior, point = NormalMeanVariance(0.0, 1.0), PointMass(1.0)
        >>> joint = call_marginal_rule(NormalMeanVariance, "out_mean", m_out=point, m_mean=prior, q_variance=point)
        >>> float(joint.factors["mean"].mean)
        0.5
    """
    found = the_node(node)
    _, inputs = numbered_inputs(found, "", None, inputs)
    ready = _ready(found, inputs)
    rule = find_marginal_rule(found, joint, _types(ready), meta)
    return as_vectors(rule(meta=meta, node=found, to=canonical_target(found, joint), **ready))


@overload
def average_energy(node: Any, *, vectorized: bool = True) -> Callable[[F], F]: ...


@overload
def average_energy(node: Any, *, meta: Any = None, **inputs: Any) -> Any: ...


def average_energy(node: Any, *, meta: Any = None, vectorized: bool = True, **inputs: Any) -> Any:
    """The average energy -E_q[log f] of a factor; without inputs, the decorator that files one.

    Args:
        node: a node, its distribution class, its function or its name.
        meta: the factor's meta.
        vectorized: for the decorator: whether one call serves a whole batch.
        **inputs: the marginals ``q_<interface>`` and joint marginals ``q_<a>_<b>`` that cover all interfaces.

    Raises:
        NoRuleError: none computes it.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance, PointMass
        >>> point = PointMass(1.0)
        >>> round(float(average_energy(NormalMeanVariance, q_out=point, q_mean=point, q_variance=point)), 6)
        0.918939
    """
    found = the_node(node)
    if not inputs:
        return file_rule("energy", found, "", vectorized)
    ready = split_joints(found, _ready(found, inputs))
    return find_average_energy(found, _types(ready), meta)(meta=meta, node=found, **ready)


def split_joints(node: Node, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Joint marginals that fall apart, replaced by the marginals of their parts.

    Args:
        node: the factor's node.
        inputs: input name to distribution.

    Example:
        >>> from reactivepgm.distributions import Factorized, PointMass
        >>> from reactivepgm.nodes import node_of
        >>> joint = Factorized({"out": PointMass(1.0), "mean": PointMass(2.0)})
        >>> sorted(split_joints(node_of("NormalMeanVariance"), {"q_out_mean": joint}))
        ['q_mean', 'q_out']
    """
    split: dict[str, Any] = {}
    for name, value in inputs.items():
        if isinstance(value, Factorized):
            for part, factor in value.factors.items():
                subject = part if isinstance(part, str) else "_".join(part)
                split[canonical_role(node, f"q_{subject}")] = factor
        else:
            split[name] = value
    return split


def _ready(node: Node, inputs: Mapping[str, Any]) -> dict[str, Any]:
    ready: dict[str, Any] = {}
    for name, value in inputs.items():
        role = canonical_role(node, name)
        if role in ready:
            raise ParametrisationError(f"{node.name} got {role} twice")
        if isinstance(value, tuple):
            value = stack(value, axis=-1)
        elif isinstance(value, Mapping):
            value = Factorized(value)
        if not isinstance(value, Distribution):
            kind = type(value).__name__
            raise ParametrisationError(f"{name} must be a distribution, not {kind}; a known value is PointMass(value)")
        ready[role] = value
    return ready


def _types(inputs: Mapping[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in inputs.items()}
