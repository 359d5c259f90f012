"""The energy of factors whose messages keep the moments of the tilted belief f m / Z, m what comes in on the edge.

U - H[f m / Z] = -log Z + E_q[log m],   so that   U = -log Z - KL(q || m)   beside the entropy of q

Where m says nothing, the tilted belief is the factor itself, a density of the variable: U = H[q].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import NORMAL, Distribution
from reactivepgm.errors import FreeEnergyError
from reactivepgm.graph import Family
from reactivepgm.numerics.array import Array
from reactivepgm.plan.beliefs import Cavity, Mask
from reactivepgm.plan.events import noted
from reactivepgm.rulebook import find_log_scale


def tilted_energy(
    family: Family, cavity: Cavity, inputs: Mapping[str, Any], missing: Mask
) -> NDArray[np.float64] | None:
    """The energies of all rows; None where the node has no rule for log Z.

    Args:
        family: the factors.
        cavity: what comes in on the edge.
        inputs: the marginals and values on all edges, by the names of a rule's inputs.
        missing: rows without an observation.

    Raises:
        FreeEnergyError: some row's cavity does not normalise.
    """
    own, group, naturals = cavity
    rest = {name: value for name, value in inputs.items() if name != f"q_{own}"}
    proper = np.broadcast_to(np.asarray(group.is_proper(*naturals)), (family.rows,))
    heard = np.ones(family.rows, dtype=bool) if missing is None else ~missing
    flat = ~np.any([part.reshape(family.rows, -1).any(axis=1) for part in naturals], axis=0)
    chosen = np.flatnonzero(heard & ~flat)
    types = {name: type(value) for name, value in rest.items()}
    message = group.from_naturals(*(part[chosen] for part in naturals))
    rule = find_log_scale(family.node, own, {**types, f"m_{own}": type(message)}, family.meta)
    if rule is None:
        return None
    if not proper[chosen].all():
        row = int(chosen[~proper[chosen]][0])
        raise FreeEnergyError(
            f"what comes in at {own} of {family.node.name} does not normalise at row {row}: its moments have no scale there\n"
            f"  at   {family.site}\n  add  more iterations, damping=, or a tighter prior"
        )
    belief: Distribution = inputs[f"q_{own}"].broadcast_to((family.rows,))
    energy = np.where(heard & flat, np.broadcast_to(belief.entropy(), (family.rows,)), 0.0)
    if len(chosen):
        known: dict[str, Any] = {n: v[chosen] if v.batch_shape and v.batch_shape[0] > 1 else v for n, v in rest.items()}
        known[f"m_{own}"] = message
        with noted("energy rule", family, len(chosen)):
            scale = rule(meta=family.meta, node=family.node, **known)
        energy[chosen] = energy_of_scale(np.asarray(scale), belief[chosen], message, group is NORMAL)
    return energy


def energy_of_scale(scale: Array, q: Any, m: Any, is_scalar: bool) -> Array:
    """-log Z - KL(q || m), (*batch,).

    Args:
        scale: log Z, (*batch,).
        q: the belief, a normal.
        m: what comes in on the edge, a normal.
        is_scalar: whether they are about numbers.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> round(energy_of_scale(-1.0, NormalMeanVariance(0.0, 1.0), NormalMeanVariance(0.0, 1.0), True), 9)
        1.0
    """
    return -scale - _divergence(q, m, is_scalar)


def _divergence(q: Any, m: Any, is_scalar: bool) -> Array:
    """KL(q || m) of normals, a row each."""
    spread = m.precision * q.variance if is_scalar else np.einsum("...ij,...ji->...", m.precision, q.covariance)
    return 0.5 * spread - m.log_pdf(q.mean) - q.entropy()
