"""The Bethe free energy: average energies minus entropies of clusters, variables counted once.

F = sum_factors ( U - sum_clusters H ) + sum_variables (degree - 1) H

Entropies of single variables are not computed where they cancel: a cluster of one interface has the entropy of its
variable, and a factor that conditions an output on inputs has H[cluster] = H[out | ins] + sum H[in] (minus the mutual
information of two inputs), so only net coefficients remain. On a directed tree every variable's coefficient but the
roots' is zero, which keeps deterministic and singular conditionals, whose own entropies are minus infinity, exact by
counting. A factor whose message keeps moments (expectation propagation, m its cavity) has the belief f m / Z and counts with
U - H = -log Z + E_q[log m], where its rules tell log Z (Minka 2001, "The EP energy function").
On a forest F equals -log evidence; with cuts it bounds it from above.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import MixtureDistribution, PointMass
from reactivepgm.errors import FreeEnergyError, NoRuleError
from reactivepgm.graph import Family
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.events import noted
from reactivepgm.plan.outbound import Surroundings
from reactivepgm.plan.sampled import average_number, has_samples
from reactivepgm.plan.structure import Cluster, Structure
from reactivepgm.plan.tilted_energy import tilted_energy
from reactivepgm.rulebook import fallback_rule, find_average_energy, split_joints

Floats = NDArray[np.float64]


class FreeEnergy:
    """Scores the beliefs of a graph; the families' terms are batched calls of their energy rules."""

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        self._readers = {
            family.id: Surroundings(structure, Cluster(family, -1, ()))
            for family in structure.families
            if family.node.kind == "stochastic"
        }
        self._coefficients: list[Floats] | None = None
        self._counted: dict[int, NDArray[np.intp]] = {}

    def __call__(self, beliefs: Beliefs) -> float:
        """The free energy in nats.

        Raises:
            FreeEnergyError: if a term is not finite; names the factor, its line and the row.
        """
        return float(sum(np.sum(term) for term in self._terms(beliefs)))

    def of_copies(self, beliefs: Beliefs, copies: int) -> Floats:
        """The free energy of each of several independent copies of a model, (copies,); rows and elements copy by copy."""
        total = np.zeros(copies)
        for term in self._terms(beliefs):
            total += term.reshape(copies, -1).sum(axis=1)
        return total

    def _terms(self, beliefs: Beliefs) -> Iterator[Floats]:
        """What the rows of every family and the elements of every array contribute."""
        for family in self._structure.families:
            yield self._family(family, self._structure.clusters[family.id], beliefs)
        for array, coefficients in enumerate(self.net_coefficients(beliefs)):
            yield self._variable(array, coefficients, beliefs)

    def _family(self, family: Family, clusters: tuple[Cluster, ...], beliefs: Beliefs) -> Floats:
        found = []
        if family.node.kind == "stochastic" and family.id not in beliefs.unheard:
            found.append(self._average_energy(family, beliefs))
        found += [-self._joint_entropy(cluster, beliefs) for cluster in clusters if cluster.is_joint]
        terms = sum(found[1:], found[0]) if found else np.zeros(family.rows)
        with np.errstate(invalid="ignore", over="ignore"):
            is_finite = np.isfinite(np.sum(terms)) or np.isfinite(terms).all()    # the sum alone tells as a rule
        if not is_finite:
            row = int(np.flatnonzero(~np.isfinite(terms))[0])
            raise FreeEnergyError(
                f"the free energy of {family.node.name} is {terms[row]} at row {row}\n  at   {family.site}\n"
                "  a parameter has no finite expectation there: check priors, initial values and data"
            )
        return terms

    def _average_energy(self, family: Family, beliefs: Beliefs) -> Floats:
        missing = beliefs.missing(family)
        inputs = split_joints(family.node, self._readers[family.id].read(beliefs))
        cavity = beliefs.cavities.get(family.id)
        energy = None if cavity is None else tilted_energy(family, cavity, inputs, missing)
        if energy is None:
            energy = self._called(family, inputs)
        energy = np.broadcast_to(energy, (family.rows,))
        return energy if missing is None else np.where(missing, 0.0, energy)

    def _called(self, family: Family, inputs: Mapping[str, Any]) -> Floats:
        types = {name: type(value) for name, value in inputs.items()}
        try:
            rule = find_average_energy(family.node, types, family.meta, site=family.site)
        except NoRuleError:
            mixed = next((name for name, value in inputs.items() if isinstance(value, MixtureDistribution)), None)
            if mixed is not None:  # an energy is linear in the belief
                return self._over_components(family, inputs, mixed)
            if has_samples(inputs):
                return np.asarray(average_number(lambda points: self._called(family, points), inputs))
            if family.fallback is None:
                raise
            rule = fallback_rule("energy", family.node, "", types, family.fallback, family.site)
        with noted("energy rule", family, family.rows):
            return np.asarray(rule(meta=family.meta, node=family.node, **inputs))

    def _over_components(self, family: Family, inputs: Mapping[str, Any], mixed: str) -> Floats:
        mixture = inputs[mixed]
        weights = np.asarray(mixture.weights)
        return np.asarray(
            sum(
                weights[..., k] * self._called(family, {**inputs, mixed: mixture.components[..., k]})
                for k in range(weights.shape[-1])
            )
        )

    def _joint_entropy(self, cluster: Cluster, beliefs: Beliefs) -> Floats:
        key = (cluster.family.id, cluster.number)
        if key in beliefs.conditional:
            return beliefs.conditional[key][1]
        return np.broadcast_to(beliefs.joint(key).entropy(), (cluster.size,))

    def net_coefficients(self, beliefs: Beliefs) -> list[Floats]:
        """How often the entropy of each element counts after everything that cancels is left out."""
        if self._coefficients is None:
            found = [degree - 1.0 for degree in self._structure.degrees]
            for clusters in self._structure.clusters.values():
                for cluster in clusters:
                    ins = beliefs.conditional.get((cluster.family.id, cluster.number), (None,))[0]
                    for edge in cluster.edges:
                        if not cluster.is_joint or (ins is not None and edge.interface in ins):
                            edge.place.count(found[edge.array], -1.0)
            self._coefficients = found
        return self._coefficients

    def _variable(self, array: int, coefficients: Floats, beliefs: Beliefs) -> Floats:
        if array not in self._counted:
            self._counted[array] = np.flatnonzero(coefficients)
        counted = self._counted[array]
        if not len(counted):
            return np.zeros(len(coefficients))
        belief = beliefs.marginals[array]
        if belief is None or isinstance(belief, PointMass):
            return np.zeros(len(coefficients))
        size = self._structure.arrays[array].size
        entropy = np.broadcast_to(belief.entropy(), (size,))
        if len(counted) == size:
            with np.errstate(invalid="ignore", over="ignore"):
                terms = coefficients * entropy
                if np.isfinite(np.sum(terms)):    # then every one is
                    return np.asarray(terms)
        entropy = entropy[counted]
        if not np.isfinite(entropy).all():
            element = int(counted[np.flatnonzero(~np.isfinite(entropy))[0]])
            variable = self._structure.arrays[array]
            raise FreeEnergyError(
                f"the entropy of element {element} of `{variable.name}` is not finite ({variable.site});\n"
                "  its posterior is a point or does not normalise"
            )
        terms = np.zeros(size)
        terms[counted] = coefficients[counted] * entropy
        return terms

