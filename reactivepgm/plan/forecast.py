"""Which rule a call will find, from the classes its inputs may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from reactivepgm.errors import NoRuleError
from reactivepgm.graph import Family
from reactivepgm.plan.kinds import Kinds, kinds_of, union
from reactivepgm.rulebook import TABLE, Rule, fallback_rule, find_average_energy, find_marginal_rule, find_rule, load_packs
from reactivepgm.rulebook.fallback import FallbackRule
from reactivepgm.rulebook.register_rules import canonical_target

_MANY = 64
_REQUIRED: dict[str, Callable[..., Rule]] = {"rule": find_rule, "marginal": find_marginal_rule}


@dataclass(frozen=True, eq=False)
class Forecast:
    """One rule call that an inference will make for all rows of a family.

    Args:
        family: the family.
        kind: "rule", "marginal", "energy" or "kernel".
        target: the interface, the joint, the kernel's ``to|ins``, or "" for an energy.
        inputs: the classes that each input may have.
        rules: the rules that may be chosen; a single one is certain, none is either missing or decided when run.
        gives: the classes that the result may have.
        is_partial: whether some of the possible inputs have no rule.
        missing: the error that the call would raise, where no input that is possible has a rule.
    """

    family: Family
    kind: str
    target: str
    inputs: Mapping[str, Kinds]
    rules: tuple[Rule, ...]
    gives: Kinds
    is_partial: bool = False
    missing: NoRuleError | None = None

    @property
    def is_open(self) -> bool:
        """Whether an input's class is only decided when the model runs."""
        return any(not kinds for kinds in self.inputs.values())


class Forecaster:
    """Looks rules up for sets of classes; remembers what annotations allow."""

    def __init__(self) -> None:
        load_packs()
        self._allowed: dict[Any, Kinds] = {}

    def __call__(self, kind: str, family: Family, target: str, inputs: Mapping[str, Kinds]) -> Forecast:
        """The rules for every combination of classes that the inputs may have."""
        sets = list(inputs.values())
        if any(not kinds for kinds in sets) or prod(len(kinds or ()) for kinds in sets) > _MANY:
            return Forecast(family, kind, target, inputs, (), None)
        canonical = target if kind == "kernel" else canonical_target(family.node, target)
        found: dict[Any, Rule] = {}
        first: dict[str, type] | None = None
        for row in product(*(kinds or () for kinds in sets)):
            types: dict[str, type] = dict(zip(inputs, row, strict=True))
            rule = TABLE.find(kind, family.node, canonical, types, family.meta)
            if rule is not None:
                found.setdefault(rule.function, rule)
            elif first is None:
                first = types
        rules = tuple(found.values())
        missing = None
        if not rules and first is not None and kind != "kernel":
            try:
                rules = (self._required(kind, family, target, first),)
            except NoRuleError as error:
                missing = error
        is_partial = first is not None and not (rules and isinstance(rules[0], FallbackRule))
        gives = None if family.pipeline is not None or kind == "kernel" else union(map(self._returned, rules))
        return Forecast(family, kind, target, inputs, rules, gives if rules else None, is_partial, missing)

    def _required(self, kind: str, family: Family, target: str, types: Mapping[str, type]) -> Rule:
        if family.fallback is not None:
            return fallback_rule(kind, family.node, target, types, family.fallback, family.site)
        if kind == "energy":
            return find_average_energy(family.node, types, family.meta, site=family.site)
        return _REQUIRED[kind](family.node, target, types, family.meta, site=family.site)

    def _returned(self, rule: Rule) -> Kinds:
        annotation = rule.signature.returns
        if isinstance(rule, FallbackRule):
            return None
        if annotation not in self._allowed:
            self._allowed[annotation] = kinds_of(annotation)
        return self._allowed[annotation]
