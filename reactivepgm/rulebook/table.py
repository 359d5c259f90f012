"""The table of rules: for a node and a target, multipledispatch over the types of the inputs.

A point mass is both a delta message and a delta marginal, so an input of that type may fill a parameter of either
role; exact roles are tried first, then as few changes of role as possible.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

from multipledispatch.dispatcher import Dispatcher

from reactivepgm.distributions import PointMass
from reactivepgm.nodes import Node
from reactivepgm.rulebook.rule_object import Rule
from reactivepgm.rulebook.signature import Signature, canonical_role

ANY = "*"


class RuleTable:
    """All rules, by (kind, node key, target).

    Example:
        >>> from reactivepgm.rulebook import TABLE
        >>> len(TABLE.rules("rule", "NormalMeanVariance", "mean")) > 0
        True
    """

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str, str], list[Rule]] = {}
        self._dispatchers: dict[tuple[str, str, str, tuple[str, ...]], Dispatcher] = {}
        self._found: dict[Any, Rule | None] = {}
        self.version = 0
        """How often a rule was added: what was found before holds for as long as this stays."""

    def add(self, rule: Rule) -> None:
        """File a rule; the same row filed again replaces the former one."""
        place = (rule.kind, rule.node.key, rule.target)
        rows = self._rules.setdefault(place, [])
        rows[:] = [r for r in rows if not _same_row(r.signature, rule.signature)]
        rows.append(rule)
        if rule.signature.others is None:
            roles = tuple(sorted(rule.signature.inputs))
            key = (*place, roles)
            dispatcher = self._dispatchers.get(key)
            if dispatcher is None:
                title = f"{rule.kind} {rule.node.key} {rule.target} from ({', '.join(roles)})"
                dispatcher = self._dispatchers[key] = Dispatcher(title)
            dispatcher.add((*(rule.signature.inputs[r] for r in roles), rule.signature.meta), rule)
        self._found.clear()
        self.version += 1

    def rules(self, kind: str, key: str, target: str) -> tuple[Rule, ...]:
        """The rules of a kind for a node's key and a target, those for any target last."""
        return (*self._rules.get((kind, key, target), ()), *self._rules.get((kind, key, ANY), ()))

    def targets(self, kind: str, key: str) -> tuple[str, ...]:
        """The targets for which a node has rules of a kind."""
        return tuple(t for (k, n, t) in self._rules if k == kind and n == key)

    def dispatchers(self) -> Iterator[Dispatcher]:
        """Every dispatcher, for tests that look for ambiguous rows."""
        return iter(self._dispatchers.values())

    def find(self, kind: str, node: Node, target: str, inputs: Mapping[str, type], meta: Any) -> Rule | None:
        """The most specific rule for inputs of these types, ready for inputs of these names; None if there is none.

        Args:
            kind: "rule", "marginal", "energy" or "kernel".
            node: the factor's node.
            target: the canonical target.
            inputs: input name, as the caller writes it, to type.
            meta: the factor's meta.
        """
        key = (kind, node, target, tuple(sorted(inputs.items(), key=_by_name)), type(meta))
        try:
            return self._found[key]
        except KeyError:
            pass
        found = self._found[key] = self._search(kind, node, target, inputs, type(meta))
        return found

    def _search(self, kind: str, node: Node, target: str, inputs: Mapping[str, type], meta: type) -> Rule | None:
        names = {canonical_role(node, name): name for name in inputs}
        given = {role: inputs[name] for role, name in names.items()}
        for place in (target, ANY):
            for variant, original in _role_variants(given):
                rule = self._dispatch((kind, node.key, place), variant, meta)
                if rule is not None:
                    parameters = rule.signature.parameters
                    return _renamed(rule, {names[original[role]]: parameters[role] for role in variant})
        for place in (target, ANY):
            for rule in self._rules.get((kind, node.key, place), ()):
                if rule.signature.others is not None:
                    renamed = _fit_others(rule.signature, given, meta)
                    if renamed is not None:
                        return _renamed(rule, {names[role]: parameter for role, parameter in renamed.items()})
        return None

    def _dispatch(self, place: tuple[str, str, str], given: Mapping[str, type], meta: type) -> Rule | None:
        roles = tuple(sorted(given))
        dispatcher = self._dispatchers.get((*place, roles))
        if dispatcher is None:
            return None
        found: Rule | None = dispatcher.dispatch(*(given[r] for r in roles), meta)
        return found


def _by_name(item: tuple[str, type]) -> str:
    return item[0]


def _same_row(a: Signature, b: Signature) -> bool:
    return a.inputs == b.inputs and a.others == b.others and a.meta == b.meta


def _renamed(rule: Rule, names: dict[str, str]) -> Rule:
    return replace(rule, renamed={caller: own for caller, own in names.items() if caller != own})


def _flip(role: str) -> str:
    return ("q" if role[0] == "m" else "m") + role[1:]


def _role_variants(given: Mapping[str, type]) -> Iterator[tuple[dict[str, type], dict[str, str]]]:
    """The inputs as given, then with the roles of some point masses exchanged, fewest first."""
    points = [role for role, kind in given.items() if issubclass(kind, PointMass)]
    for count in range(len(points) + 1):
        for chosen in combinations(points, count):
            original = {(_flip(role) if role in chosen else role): role for role in given}
            if len(original) == len(given):
                yield {role: given[before] for role, before in original.items()}, original


def _fit_others(signature: Signature, given: Mapping[str, type], meta: type) -> dict[str, str] | None:
    """How inputs fill a rule that takes further inputs: role to parameter, or None if they do not."""
    if not issubclass(meta, signature.meta) or signature.others is None:
        return None
    filled: dict[str, str] = {}
    for role, types in signature.inputs.items():
        exact = role in given
        source = role if exact else _flip(role)
        if source not in given or not issubclass(given[source], types):
            return None
        if not exact and not issubclass(given[source], PointMass):
            return None
        filled[source] = signature.parameters[role]
    for role, kind in given.items():
        if role not in filled:
            if not issubclass(kind, signature.others):
                return None
            filled[role] = role
    return filled


TABLE = RuleTable()
