"""The letter that says which rule is missing, which rules come near, and what to write."""

from collections.abc import Mapping
from typing import Any

from reactivepgm.errors import NoRuleError
from reactivepgm.nodes import Node
from reactivepgm.rulebook.fallback import fallback_refusal
from reactivepgm.rulebook.rule_object import Rule
from reactivepgm.rulebook.signature import canonical_role
from reactivepgm.rulebook.table import TABLE

_NEAREST = 3


def no_rule(
    kind: str, node: Node, target: str, inputs: Mapping[str, type], meta: Any, site: object | None = None
) -> NoRuleError:
    """The error for a rule that is not there.

    Args:
        kind: "rule", "marginal" or "energy".
        node: the factor's node.
        target: interface, joint, or "" for an energy.
        inputs: canonical input name to type.
        meta: the factor's meta.
        site: file, line and statement of the model, where known.

    Example:
        >>> from reactivepgm.distributions import Beta, PointMass
        >>> from reactivepgm.nodes import node_of
        >>> inputs = {"m_out": Beta, "m_variance": PointMass}
        >>> print(str(no_rule("rule", node_of("NormalMeanVariance"), "mean", inputs, None)).splitlines()[0])
        no rule for NormalMeanVariance -> mean from (m_out: Beta, m_variance: PointMass), meta None
    """
    given = {canonical_role(node, name): kind_ for name, kind_ in inputs.items()}
    what = {"rule": "no rule", "marginal": "no joint-marginal rule", "energy": "no average energy"}[kind]
    arrow = f" -> {target}" if target else ""
    lines = [f"{what} for {node.name}{arrow} from {_row(given)}, meta {meta!r}"]
    if site is not None:
        lines.append(f"  at   {site}")
    if meta is None and node.hint:
        return NoRuleError("\n".join([*lines, f"  meta {node.hint}"]))
    near = sorted(TABLE.rules(kind, node.key, target), key=lambda rule: len(_differences(rule, given)))
    for rule in near[:_NEAREST]:
        lines.append(f"  near {rule.describe():<58s} {_told(_differences(rule, given))}")
    if not near:
        targets = TABLE.targets(kind, node.key)
        if targets:
            lines.append(f"  near rules toward {', '.join(targets)}")
        else:
            what = {"rule": "message rules", "marginal": "joint-marginal rules", "energy": "average energy"}[kind]
            lines.append(f"  near nothing: {node.name} has no {what} yet")
    if fallback_refusal(kind, node, target, inputs) is None and not any(name[:2] == "m_" for name in given):
        # Beside a message the edge stands in a joint cluster, whose marginal no fallback makes.
        lines.append("  or   .where(meta=Quadrature(32)), or fallback=Quadrature(32), which integrates its log density")
    lines += [f"  add  {_decorator(kind, node, target)}", f"       def _{_row(given)} -> ...:"]
    return NoRuleError("\n".join(lines))


def _row(given: Mapping[str, type]) -> str:
    return f"({', '.join(f'{name}: {kind.__name__}' for name, kind in given.items())})"


def _decorator(kind: str, node: Node, target: str) -> str:
    name = node.name if ":" in node.key else node.key  # a key with a line number is no name that could be written
    if kind == "rule":
        return f'@rule({name}, to="{target}")'
    if kind == "marginal":
        return f'@marginal_rule({name}, "{target}")'
    return f"@average_energy({name})"


def _differences(rule: Rule, given: Mapping[str, type]) -> list[str]:
    wanted = rule.signature.inputs
    further = rule.signature.others or ()
    differing = [name for name, types in wanted.items() if name not in given or not issubclass(given[name], types)]
    unwanted = [name for name, kind in given.items() if name not in wanted and not issubclass(kind, further)]
    return differing + unwanted


def _told(names: list[str]) -> str:
    if not names:
        return "meta differs"
    return f"{', '.join(names)} {'differs' if len(names) == 1 else 'differ'}"
