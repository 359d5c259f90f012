"""From a node, a target and the types of the inputs to the one applicable rule."""

from collections.abc import Iterable, Mapping
from typing import Any

from reactivepgm.rulebook.letter import no_rule
from reactivepgm.rulebook.packs import load_packs
from reactivepgm.rulebook.register_rules import canonical_target, kernel_target, the_node
from reactivepgm.rulebook.rule_object import Rule
from reactivepgm.rulebook.table import TABLE


def find_rule(
    node: Any, to: str, inputs: Mapping[str, type], meta: Any = None, *, site: object | None = None
) -> Rule:
    """The message rule toward an interface; answers are cached.

    Args:
        node: a node, its distribution class, its function or its name.
        to: the target interface.
        inputs: input name (``m_out``, ``q_variance``, ``q_out_mean``) to the distribution's class.
        meta: the factor's meta; rules may dispatch on its type.
        site: the model's line, for the error.

    Raises:
        NoRuleError: none applies; the message shows the nearest ones and a stub.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance, PointMass
        >>> find_rule("NormalMeanVariance", "mean", {"m_out": NormalMeanVariance, "q_variance": PointMass}).target
        'mean'
    """
    return _required("rule", node, to, inputs, meta, site)


def find_marginal_rule(
    node: Any, joint: str, inputs: Mapping[str, type], meta: Any = None, *, site: object | None = None
) -> Rule:
    """The joint-marginal rule toward interfaces joined by ``_``; answers are cached.

    Raises:
        NoRuleError: none applies.
    """
    return _required("marginal", node, joint, inputs, meta, site)


def find_average_energy(
    node: Any, inputs: Mapping[str, type], meta: Any = None, *, site: object | None = None
) -> Rule:
    """The average energy from marginals and joint marginals of these types; answers are cached.

    Raises:
        NoRuleError: none applies.
    """
    return _required("energy", node, "", inputs, meta, site)


def find_kernel(
    node: Any, to: str, ins: Iterable[str], inputs: Mapping[str, type], meta: Any = None
) -> Rule | None:
    """The kernel between ``to`` and ``ins`` given the other inputs, or None where the factor has none.

    Example:
        >>> from reactivepgm.distributions import PointMass
        >>> rule = find_kernel("NormalMeanVariance", "out", ("mean",), {"m_variance": PointMass})
        >>> rule(m_variance=PointMass(2.0)).covariance.tolist()
        [[2.0]]
        >>> find_kernel("Gamma", "out", ("shape",), {"m_scale": PointMass}) is None
        True
    """
    load_packs()
    found = the_node(node)
    return TABLE.find("kernel", found, kernel_target(found, to, tuple(ins)), inputs, meta)


def _required(kind: str, node: Any, target: str, inputs: Mapping[str, type], meta: Any, site: object | None) -> Rule:
    load_packs()
    found = the_node(node)
    canonical = canonical_target(found, target)
    rule = TABLE.find(kind, found, canonical, inputs, meta)
    if rule is None:
        raise no_rule(kind, found, canonical, inputs, meta, site)
    return rule


def find_log_scale(node: Any, to: str, inputs: Mapping[str, type], meta: Any = None) -> Rule | None:
    """The rule for log of the factor's integral against all messages, that on ``to`` included; None where there is none.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance, PointMass
        >>> rule = find_log_scale("Probit", "in", {"m_out": PointMass, "m_in": NormalMeanVariance})
        >>> round(float(rule(m_out=PointMass(1.0), m_in=NormalMeanVariance(0.0, 1.0))), 6)
        -0.693147
    """
    load_packs()
    found = the_node(node)
    return TABLE.find("scale", found, canonical_target(found, to), inputs, meta)


def has_rule(node: Any, to: str, inputs: Mapping[str, type], meta: Any = None) -> bool:
    """Whether a message rule toward an interface takes inputs of these types.

    Example:
        >>> from reactivepgm.distributions import Beta, PointMass
        >>> has_rule("NormalMeanVariance", "mean", {"m_out": Beta, "m_variance": PointMass})
        False
    """
    load_packs()
    found = the_node(node)
    return TABLE.find("rule", found, canonical_target(found, to), inputs, meta) is not None


def own_roles(node: Any, to: str) -> frozenset[str]:
    """Which inputs on their own target's edge the rules toward an interface name: "m", the message, "q", the marginal.

    Example:
        >>> own_roles("Probit", "in"), own_roles("Probit", "out")
        (frozenset({'m'}), frozenset())
    """
    load_packs()
    found = the_node(node)
    target = canonical_target(found, to)
    rows = (rule for rule in TABLE.rules("rule", found.key, target) if rule.target == target)
    return frozenset(role[0] for rule in rows for role in rule.signature.inputs if role[2:] == target)
