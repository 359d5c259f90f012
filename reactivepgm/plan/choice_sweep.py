"""Regions around one Mixture: every switch weighs its inputs as models of the output, by their evidence. Exact.

With p the message of the switch, m_k those of the inputs, m that of everything else at the output:

Evidence    Z_k = ∫ m(x) m_k(x) dx,    w_k ∝ p_k Z_k
Switch      q(k) = w_k
Output      q(x) = sum_k w_k m(x) m_k(x) / Z_k
Input k     q(x) = w_k m(x) m_k(x) / Z_k + (1 - w_k) m_k(x)
Entropy     H[switch, inputs] = H[w] + sum_k w_k H[m m_k / Z_k] + (1 - w_k) H[m_k];   the output follows from them

(van Erp, Nuijten, van de Laar and de Vries 2023, "Automating model comparison in factor graphs"; the scales are not
carried along, since the free energy of the joint belief is the evidence.) Every variable must stand at one Mixture only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import DISCRETE, Bernoulli, Distribution, Group, MixtureDistribution, Uninformative
from reactivepgm.distributions.mixture_distribution import log_evidence
from reactivepgm.errors import ImproperPosteriorError, ModelError, ProductError
from reactivepgm.graph.binding import MixedBinding
from reactivepgm.nodes import Mixture
from reactivepgm.numerics.special import softmax
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.inbox import Inbox, as_binary, improper
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.star_sweep import Senders
from reactivepgm.plan.structure import Cluster, Edge, Structure

Floats = NDArray[np.float64]


def is_choice(batch: Batch) -> bool:
    """Whether the only joint clusters of a batch are Mixtures whose output, switch and inputs are all random."""
    joint = batch.joint
    is_whole = all(
        cluster.family.node is Mixture
        and cluster.names == Mixture.names
        and not isinstance(cluster.family.bindings["inputs"], MixedBinding)
        for cluster in joint
    )
    return bool(joint) and not batch.cut and is_whole


class ChoiceSweep:
    """Updates the variables around Mixtures in one go."""

    name = "choice by evidence"

    def __init__(self, structure: Structure, batch: Batch) -> None:
        self._structure = structure
        self._batch = batch
        self._senders = Senders(structure, batch.single)
        self.own = self._senders.own
        seen: dict[int, list[Any]] = {}
        for cluster in batch.joint:
            for edge in cluster.edges:
                seen.setdefault(edge.array, []).append(edge.place.index)
        for array, places in seen.items():
            elements = np.concatenate(places)
            if len(elements) != batch.size(array, structure) or len(np.unique(elements)) != len(elements):
                variable = structure.arrays[array]
                raise ModelError(
                    f"`{variable.name}` stands at no Mixture or at several: in one array every element is at exactly one\n"
                    f"  declared at {variable.site}\n"
                    "  give every Mixture inputs, a switch and an output of its own"
                )

    def run(self, beliefs: Beliefs) -> None:
        """Replace the marginals of the batch, and the entropies of its joint clusters."""
        inboxes = {a: Inbox(self._structure.arrays[a], self._batch.size(a, self._structure)) for a in self._batch.elements}
        self._senders.send(beliefs, inboxes)
        if self.own.active:
            raise ProductError(
                "a message that depends on what comes in on its own edge stands beside a Mixture\n"
                f"  at   {self.own.active[0].cluster.family.site}\n"
                "  a Mixture needs closed-form messages around it: use conjugate factors there"
            )
        found: dict[int, list[tuple[Edge, Distribution]]] = {array: [] for array in inboxes}
        for cluster in self._batch.joint:
            self._choose(cluster, inboxes, found, beliefs)
        for array, parts in found.items():
            beliefs.replace(array, self._batch.elements[array], _placed(parts))

    def message(self, beliefs: Beliefs, cluster: Cluster, interface: str) -> Distribution:
        """A cluster's message towards one of its interfaces; a Mixture's own are parts of its joint belief."""
        if cluster in self._batch.single:
            return self._senders.message(cluster, beliefs)
        raise ModelError("a Mixture whose inputs are random is solved as a whole: it sends no single messages")

    def _choose(
        self,
        cluster: Cluster,
        inboxes: Mapping[int, Inbox],
        found: dict[int, list[tuple[Edge, Distribution]]],
        beliefs: Beliefs,
    ) -> None:
        by_name: dict[str, list[Edge]] = {}
        for edge in cluster.edges:
            by_name.setdefault(edge.interface, []).append(edge)
        (out,), (switch,), inputs = by_name["out"], by_name["switch"], by_name["inputs"]
        inputs = sorted(inputs, key=lambda edge: edge.component or 0)
        groups = {inbox.group for edge in inputs if (inbox := inboxes[edge.array])}
        if len(groups) != 1 or None in groups:
            raise ProductError(f"the inputs of a Mixture need priors of one family: {cluster.family.site}")
        (group,) = groups
        assert group is not None
        parts = [self._naturals(edge, inboxes[edge.array], check=True) for edge in inputs]
        alone = group.from_naturals(*(np.stack(column, axis=1) for column in zip(*parts, strict=True)))
        heard = self._heard(out, inboxes[out.array], group)
        message = Uninformative() if heard is None else group.from_naturals(*(part[:, None] for part in heard))
        together = [part if heard is None else part + heard[k][:, None] for k, part in enumerate(alone.naturals())]
        chosen = group.from_naturals(*together)
        prior = self._prior(switch, inboxes[switch.array], len(inputs))
        weights = np.asarray(softmax(prior + log_evidence(message, alone)))
        weights = np.broadcast_to(weights, (cluster.size, len(inputs)))
        found[out.array].append((out, MixtureDistribution._of(weights, chosen)))
        q_switch = DISCRETE.from_naturals(np.log(np.maximum(weights, np.finfo(float).tiny)))
        is_binary = inboxes[switch.array].holds_only(Bernoulli)
        found[switch.array].append((switch, as_binary(q_switch) if is_binary else q_switch))
        for k, edge in enumerate(inputs):
            w = weights[:, k]
            both = zip(together, alone.naturals(), strict=True)
            pair = group.from_naturals(*(np.stack([with_it[:, k], without[:, k]], axis=1) for with_it, without in both))
            found[edge.array].append((edge, MixtureDistribution._of(np.stack([w, 1.0 - w], axis=-1), pair)))
        terms = weights * np.asarray(chosen.entropy()) + (1.0 - weights) * np.asarray(alone.entropy())
        entropy = terms.sum(axis=-1) - np.where(weights > 0.0, weights * np.log(np.maximum(weights, 1e-300)), 0.0).sum(axis=-1)
        beliefs.replace_conditional(cluster, (), np.asarray(entropy))

    def _naturals(self, edge: Edge, inbox: Inbox, check: bool = False) -> list[Floats]:
        self._plain(edge, inbox)
        assert inbox.group is not None
        parts = [np.asarray(part)[edge.place.index] for part in inbox.naturals]
        if check:
            proper = np.broadcast_to(np.asarray(inbox.group.is_proper(*parts)), (edge.place.rows,))
            if not proper.all():
                row = int(np.flatnonzero(~proper)[0])
                raise ImproperPosteriorError(improper(self._structure.arrays[edge.array], int(edge.place.index[row])))
        return parts

    def _heard(self, out: Edge, inbox: Inbox, group: Group) -> list[Floats] | None:
        """What else is said of the output; None where nothing is."""
        self._plain(out, inbox)
        if inbox.group is None:
            return None
        if inbox.group is not group:
            raise ProductError(
                f"what is said of `{self._structure.arrays[out.array].name}` is of the family {inbox.group.name}, the inputs of"
                f" its Mixture are {group.name}: give them priors of that family"
            )
        return self._naturals(out, inbox)

    def _prior(self, switch: Edge, inbox: Inbox, components: int) -> Floats:
        self._plain(switch, inbox)
        if inbox.group is None:
            return np.zeros(components)
        (logs,) = self._naturals(switch, inbox)
        if logs.shape[-1] != components:
            name = self._structure.arrays[switch.array].name
            raise ModelError(f"`{name}` has {logs.shape[-1]} categories, its Mixture {components} inputs")
        return logs

    def _plain(self, edge: Edge, inbox: Inbox) -> None:
        if inbox.holds_asides:
            name = self._structure.arrays[edge.array].name
            raise ProductError(
                f"a message without a closed-form product reaches `{name}`, which stands at a Mixture: use a conjugate prior"
            )


def _placed(parts: list[tuple[Edge, Distribution]]) -> Distribution:
    """The beliefs of all elements of an array, in their order."""
    order = np.argsort(np.concatenate([edge.place.index for edge, _ in parts]))
    first = parts[0][1]
    if len(parts) == 1:
        return first[order]
    if isinstance(first, MixtureDistribution):
        weights = np.concatenate([_mixture(belief).weights for _, belief in parts])[order]
        whole = [_mixture(belief).components for _, belief in parts]
        assert whole[0].group is not None
        naturals = [np.concatenate(column)[order] for column in zip(*(one.naturals() for one in whole), strict=True)]
        return MixtureDistribution._of(weights, whole[0].group.from_naturals(*naturals))
    columns = zip(*(belief.parameters.values() for _, belief in parts), strict=True)
    return first.like(*(np.concatenate(column)[order] for column in columns))


def _mixture(belief: Distribution) -> MixtureDistribution:
    assert isinstance(belief, MixtureDistribution)
    return belief
