"""Rules, products and flat messages as calls of a script: what a stitched update is written with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from reactivepgm.distributions import NormalWeightedMeanPrecision, Uninformative, product
from reactivepgm.graph import Family
from reactivepgm.plan.beliefs import as_posterior
from reactivepgm.plan.script import Script, Slot
from reactivepgm.plan.structure import Cluster


class CannotStitchError(Exception):
    """The graph has batches, cycles or products that the batched plan has to handle."""


class Recorder:
    """A script under recording.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> recorder = Recorder()
        >>> slot = recorder.script.input("m", NormalMeanVariance(0.0, 1.0))
        >>> recorder.type_of(recorder.product([slot, slot])).__name__
        'NormalMeanVariance'
    """

    def __init__(self) -> None:
        self.script = Script()
        self._flat: Slot | None = None

    def type_of(self, slot: Slot) -> type:
        """The class of a value."""
        return type(self.script.values[slot])

    def types(self, inputs: Mapping[str, Slot]) -> dict[str, type]:
        """The classes of a rule's inputs."""
        return {name: self.type_of(slot) for name, slot in inputs.items()}

    def call(self, rule: Any, inputs: Mapping[str, Slot], family: Family, to: str) -> Slot:
        """A rule, with the options of the family."""
        renamed = {rule.renamed.get(name, name): slot for name, slot in inputs.items()}
        extras = {"meta": family.meta, "node": family.node, "index": None, "to": to}
        bound = {name: extras[name] for name in rule.signature.extras}
        if not rule.vectorized:
            raise CannotStitchError("a rule that runs row by row")
        function = partial(rule.function, **bound) if bound else rule.function
        return self.script.call(function, **renamed)

    def rule(self, find: Callable[..., Any], cluster: Cluster, to: str, inputs: Mapping[str, Slot]) -> Slot:
        """The rule of a cluster that applies to inputs of these types."""
        family = cluster.family
        return self.call(find(family.node, to, self.types(inputs), family.meta, site=family.site), inputs, family, to)

    def product(self, slots: Iterable[Slot]) -> Slot | None:
        """Everything multiplied that says something; None if nothing does."""
        told = [slot for slot in slots if self.type_of(slot) is not Uninformative]
        if not told:
            return None
        total = told[0]
        for slot in told[1:]:
            total = self.script.call(product, total, slot)
        return total

    def posterior(self, belief: Slot) -> Slot:
        """A belief in the form in which posteriors are handed out."""
        value = self.script.values[belief]
        return belief if type(as_posterior(value)) is type(value) else self.script.call(as_posterior, belief)

    def flat(self) -> Slot:
        """The message about a number that says nothing, as rules for normals take it."""
        if self._flat is None:
            self._flat = self.script.constant(NormalWeightedMeanPrecision(0.0, 0.0))
        return self._flat
