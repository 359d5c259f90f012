"""The Bethe free energy, traced: one number for each family and each array, so that a bad one can be named afterwards.

Which entropies cancel is a matter of counting and is left to ``plan.energy``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from reactivepgm.backends.attribution import attributed_to
from reactivepgm.backends.beliefs import TracedBeliefs
from reactivepgm.distributions import PointMass
from reactivepgm.errors import FreeEnergyError
from reactivepgm.graph import Family
from reactivepgm.numerics.array import Array
from reactivepgm.plan.energy import FreeEnergy
from reactivepgm.plan.outbound import Surroundings
from reactivepgm.plan.structure import Cluster, Structure
from reactivepgm.rulebook import find_average_energy, split_joints


def energy_terms(structure: Structure, counted: FreeEnergy, beliefs: TracedBeliefs) -> Array:
    """What every family and then every array contributes, in nats, (families + arrays,)."""
    terms = []
    for family in structure.families:
        with attributed_to(family):
            terms.append(_family(structure, family, beliefs))
    for array, coefficients in enumerate(counted.net_coefficients(beliefs)):
        terms.append(_variable(array, coefficients, beliefs))
    return jnp.stack([jnp.asarray(term, dtype=float) for term in terms])


def check_energy(structure: Structure, terms: Any) -> None:
    """Raise for a term that is not finite.

    Args:
        structure: of the plan.
        terms: (iterations, families + arrays).

    Raises:
        FreeEnergyError: names the factor or the variable, and the iteration.
    """
    bad = np.argwhere(~np.isfinite(terms))
    if not len(bad):
        return
    iteration, place = (int(i) for i in bad[0])
    if place < len(structure.families):
        family = structure.families[place]
        raise FreeEnergyError(
            f"the free energy of {family.node.name} is {terms[iteration, place]} in iteration {iteration + 1}\n"
            f"  at   {family.site}\n  a parameter has no finite expectation there: check priors, initial values and data"
        )
    variable = structure.arrays[place - len(structure.families)]
    raise FreeEnergyError(
        f"the entropy of an element of `{variable.name}` is not finite ({variable.site});\n"
        "  its posterior is a point or does not normalise"
    )


def _family(structure: Structure, family: Family, beliefs: TracedBeliefs) -> Array:
    total: Array = 0.0
    if family.node.kind == "stochastic" and family.id not in beliefs.unheard:
        inputs = split_joints(family.node, Surroundings(structure, Cluster(family, -1, ())).read(beliefs))
        total = _summed(_called(family, inputs), family.rows, beliefs.missing(family))
    for cluster in structure.clusters[family.id]:
        if cluster.is_joint:
            key = (family.id, cluster.number)
            entropy = beliefs.conditional[key][1] if key in beliefs.conditional else beliefs.joint(key).entropy()
            total = total - _summed(entropy, cluster.size, None)
    return total


def _called(family: Family, inputs: Mapping[str, Any]) -> Array:
    types = {name: type(value) for name, value in inputs.items()}
    rule = find_average_energy(family.node, types, family.meta, site=family.site)
    return rule(meta=family.meta, node=family.node, **inputs)


def _summed(values: Array, rows: int, missing: Array) -> Array:
    """The sum over the rows of values that they may share."""
    values = jnp.asarray(values)
    if missing is not None:
        return jnp.where(missing, 0.0, jnp.broadcast_to(values, (rows,))).sum()
    return rows * values.reshape(()) if values.size == 1 else values.sum()


def _variable(array: int, coefficients: Any, beliefs: TracedBeliefs) -> Array:
    belief = beliefs.marginals[array]
    counted = np.flatnonzero(coefficients)
    if not len(counted) or belief is None or isinstance(belief, PointMass):
        return 0.0
    size = len(coefficients)
    if (coefficients == coefficients[0]).all():
        return float(coefficients[0]) * _summed(belief.entropy(), size, None)
    entropy = jnp.broadcast_to(jnp.asarray(belief.entropy()), (size,))[counted]
    return (coefficients[counted] * entropy).sum()
