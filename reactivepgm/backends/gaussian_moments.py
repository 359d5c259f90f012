"""What a traced contraction knows: marginals, joints of factors, and the terms of the free energy.

With J the information from out's side, D = inv(I + C J):   Cov(out, in) = D A Cov(in),   H[out | in] loses log det(I + C J) / 2
"""

from __future__ import annotations

import math
from functools import partial

import jax.numpy as jnp
import numpy as np

from reactivepgm.backends.beliefs import TracedBeliefs
from reactivepgm.backends.gaussian_run import GaussianRun
from reactivepgm.backends.matrices import (
    batch_first,
    identity_plus,
    inverse,
    logdet,
    matmul,
    matvec,
    transpose,
)
from reactivepgm.distributions import Distribution, MvNormalMeanCovariance
from reactivepgm.numerics.array import Array
from reactivepgm.plan.gaussian_forest import GaussianForest
from reactivepgm.plan.kernels import KernelCluster
from reactivepgm.plan.outbound import Surroundings
from reactivepgm.plan.structure import Structure

Kernel = tuple[list[Array], Array | None, Array | None]


class GaussianMoments:
    """The posterior of a forest.

    Args:
        forest: its structure.
        run: the contraction, done.
        kernels: A, b and C of every family, batch last.
    """

    def __init__(self, forest: GaussianForest, run: GaussianRun, kernels: list[Kernel]) -> None:
        self._forest, self._run, self._kernels = forest, run, kernels
        self._marginals = [run.marginals(label) for label in range(len(forest.label_dims))]

    def marginal(self, array: int) -> tuple[Array, Array]:
        """Means (n, d) and covariances (n, d, d) of an array."""
        V, m = self._marginals[self._forest.array_label[array]]
        place = self._forest.places[array]
        return batch_first(m[..., place]), batch_first(V[..., place])

    def _at(self, family: int, end: int) -> tuple[Array, Array]:
        array, elements = self._forest.families[family].ends[end]
        V, m = self._marginals[self._forest.array_label[array]]
        at = elements + self._forest.places[array].start
        if len(at) and (np.diff(at) == 1).all():
            at = slice(int(at[0]), int(at[-1]) + 1)
        return V[..., at], m[..., at]

    def _out(self, family: int) -> tuple[Array, Array]:
        label = self._forest.array_label[self._forest.families[family].out[0]]
        at = self._run.plan.edges_of(family, 0)
        return self._run.down_matrix[label][..., at], self._run.down_vector[label][..., at]

    def keep_joint(self, beliefs: TracedBeliefs, structure: Structure, number: int, kernel: KernelCluster) -> None:
        """Leave the joint of a factor and its conditional entropy with the beliefs.

        Where the noise is known, average energy less conditional entropy is one finite number, singular noise or not, and it
        stands for both (``plan.gaussian_noise``); else the noise is an expectation, which is never singular.
        """
        cluster = kernel.cluster
        (_, _, C) = self._kernels[number]
        if C is None:
            beliefs.replace_conditional(cluster, kernel.in_names, jnp.zeros(cluster.size))
            return
        beliefs.replace_joint(cluster, partial(self._joint, number))
        d = C.shape[0]
        if Surroundings(structure, cluster).is_fixed and cluster.rows is None:
            beliefs.unheard.add(cluster.family.id)
            beliefs.replace_conditional(cluster, kernel.in_names, -self._noise_terms(number))
            return
        J, _ = self._out(number)
        shrunk = 0.5 * logdet(identity_plus(matmul(C, J)))
        entropy = 0.5 * (d * math.log(2.0 * math.pi * math.e) + logdet(C)) - shrunk
        beliefs.replace_conditional(cluster, kernel.in_names, jnp.broadcast_to(entropy, (cluster.size,)))

    def _noise_terms(self, number: int) -> Array:
        """(log det(I + J C) + tr K - d + E[u'C u]) / 2 with K = inv(I + J C), u = K (eta - J (A in + b))."""
        (A,), b, C = self._kernels[number]
        assert C is not None
        J, eta = self._out(number)
        V, mean = self._at(number, 1)
        blur = identity_plus(matmul(J, C))
        keep = inverse(blur)
        image = matvec(A, mean)
        u = matvec(keep, eta - matvec(J, image if b is None else image + b))
        back = matmul(matmul(keep, J), A)
        spread = matmul(matmul(back, V), transpose(back))
        second = (C * (spread + u[:, None] * u[None])).sum(axis=(0, 1))
        trace = sum(keep[i, i] for i in range(keep.shape[0]))
        return 0.5 * (logdet(blur) + trace - C.shape[0] + second)

    def _joint(self, number: int) -> Distribution:
        """Output and input as one normal, output first."""
        (A,), _, C = self._kernels[number]
        (V_out, m_out), (V_in, m_in) = self._at(number, 0), self._at(number, 1)
        J, _ = self._out(number)
        across = matmul(inverse(identity_plus(matmul(C, J))), matmul(A, V_in))
        mean = jnp.concatenate([m_out, m_in])
        covariance = jnp.concatenate(
            [jnp.concatenate([V_out, across], axis=1), jnp.concatenate([transpose(across), V_in], axis=1)]
        )
        return MvNormalMeanCovariance._of(batch_first(mean), batch_first(covariance))
