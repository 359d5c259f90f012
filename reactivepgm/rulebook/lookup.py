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
