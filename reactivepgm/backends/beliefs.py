"""Beliefs whose numbers are traced arrays, and distributions taken apart into arrays and put together again.

A program reads and writes the same ``Beliefs`` as the sweeps of NumPy do; only what is kept for some elements of an array is
put into its place without overwriting anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.plan.beliefs import Beliefs, Marginals, as_posterior
from reactivepgm.plan.structure import Cluster, Structure

IntArray = NDArray[np.intp]
Arrays = tuple[Array, ...]


def parameters_of(belief: Distribution) -> Arrays:
    """The parameters in order."""
    return tuple(belief.parameters.values())


def blank(belief: Distribution) -> Distribution:
    """A distribution of the same kind without its numbers, to make others ``like`` it."""
    return belief.like(*(np.zeros(()) for _ in belief.parameters))


class _Followed(Marginals):
    """Marginals that remember which were read before an iteration had written them."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.written: set[int] = set()
        self.read_early: set[int] = set()

    def __getitem__(self, array: int) -> Distribution | None:
        if array not in self.written:
            self.read_early.add(array)
        return super().__getitem__(array)

    def __setitem__(self, array: int, belief: Distribution | Callable[[], Distribution] | None) -> None:
        self.written.add(array)
        super().__setitem__(array, belief)


class TracedBeliefs(Beliefs):
    """The state of an inference while it is traced.

    Args:
        structure: of the plan.
        fixed: the clamped values, by family id and interface.
        missing: by family id, which rows have no observation.
        begun: beliefs from before the iteration, by array.
    """

    def __init__(
        self, structure: Structure, fixed: Mapping[tuple[int, str], Any], missing: Mapping[int, Any],
        begun: Mapping[int, Distribution],
    ) -> None:
        super().__init__(structure)
        self._fixed.update(fixed)
        self._missing.update(missing)
        self.followed = _Followed(len(structure.arrays))
        for array, belief in begun.items():
            self.followed[array] = belief
        self.followed.written.clear()
        self.marginals = self.followed
        self.bad: dict[int, Array] = {}
        """By array, the first element whose posterior does not normalise, its size where all do."""

    @staticmethod
    def clamped_in(beliefs: Beliefs) -> Mapping[tuple[int, str], PointMass]:
        """The clamped values of other beliefs, by family id and interface."""
        return beliefs._fixed

    def _keep(self, array: int, elements: IntArray | None, belief: Distribution) -> None:
        if elements is None:
            self.marginals[array] = belief
            return
        size = self.structure.arrays[array].size
        # Not a read of the iteration's own: elements that it has not written yet are carried along.
        before = self.marginals[array]
        self.marginals[array] = scattered(before, elements, belief, size)

    def replace_joint(self, cluster: Cluster, joint: Callable[[], Distribution]) -> None:
        """A new joint marginal for the rows of a cluster, to be traced if anybody asks for it."""
        key = (cluster.family.id, cluster.number)
        if cluster.rows is None:
            self._joints[key] = joint
            return
        before = self.joint(key) if key in self._joints else None
        self._joints[key] = scattered(before, cluster.rows, joint(), cluster.family.rows)

    def replace_conditional(self, cluster: Cluster, ins: tuple[str, ...], entropy: Any) -> None:
        """A new conditional entropy for the rows of a cluster."""
        key = (cluster.family.id, cluster.number)
        if cluster.rows is not None:
            whole: Any = self.conditional[key][1] if key in self.conditional else jnp.zeros(cluster.family.rows)
            entropy = whole.at[cluster.rows].set(entropy)
        self.conditional[key] = (ins, entropy)

    def note(self, array: int, proper: Array, elements: IntArray | None) -> None:
        """Take down the first element of an array whose product does not normalise."""
        size = self.structure.arrays[array].size
        places = np.arange(size) if elements is None else elements
        first = jnp.where(jnp.broadcast_to(proper, (len(places),)), size, jnp.asarray(places, dtype=jnp.int32)).min()
        self.bad[array] = jnp.minimum(self.bad[array], first) if array in self.bad else first


def scattered(old: Distribution | None, elements: IntArray, belief: Distribution, size: int) -> Distribution:
    """The old beliefs with some elements replaced; before their first update the others are not numbers."""
    belief = belief.broadcast_to((len(elements),))
    before = None if old is None else old.broadcast_to((size,))
    if type(before) is not type(belief):
        before = None
    values = []
    for name, new in belief.parameters.items():
        whole = jnp.full((size, *new.shape[1:]), jnp.nan) if before is None else jnp.asarray(getattr(before, name))
        values.append(whole.at[elements].set(new))
    return belief.like(*values)


def as_numpy(belief: Distribution, arrays: Sequence[Array]) -> Distribution:
    """A belief of that kind with the program's results for numbers."""
    return as_posterior(belief.like(*(np.asarray(a) for a in arrays)))
