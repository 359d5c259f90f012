"""Linear-Gaussian regions, traced: messages to the variables and kernels between them go through the plan's contraction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np

from reactivepgm.backends.beliefs import TracedBeliefs
from reactivepgm.backends.gaussian_moments import GaussianMoments
from reactivepgm.backends.gaussian_run import Elements, GaussianRun
from reactivepgm.backends.inbox import Senders, naturals_of
from reactivepgm.backends.matrices import batch_last, inverse, matvec, symmetrise
from reactivepgm.backends.refusal import refuse
from reactivepgm.backends.scatter import placed
from reactivepgm.distributions import (
    Distribution,
    MultivariateNormal,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    PointMass,
    Uninformative,
    UnivariateNormal,
)
from reactivepgm.errors import ProductError
from reactivepgm.graph import Family, VariableArray
from reactivepgm.numerics.array import Array
from reactivepgm.plan.contraction_steps import CycleError, Reduce
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays
from reactivepgm.plan.gaussian_forest import GaussianForest
from reactivepgm.plan.kernels import KernelCluster, known_shapes
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.structure import Edge, Structure


@dataclass
class GaussianInbox:
    """The messages at one array: sums in information form, and at most one prior in moment form an element.

    Attributes:
        taken: (size,) which elements are drawn by a factor of the region or have a prior.
        informed: (size,) which have been told something in information form.
        priors: elements, means and covariances.
    """

    array: VariableArray
    size: int
    taken: np.ndarray
    event_shape: tuple[int, ...] | None = None
    priors: list[tuple[np.ndarray, Array, Array]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.informed = np.zeros(self.size, dtype=bool)
        self._sums: list[Array | None] = [None, None]

    def put(self, edge: Edge, message: Distribution, missing: Array, family: Family) -> None:
        """Take a family's messages; priors keep their moment form."""
        if isinstance(message, Uninformative):
            return
        if not isinstance(message, UnivariateNormal | MultivariateNormal | PointMass):
            refuse(family.site, f"a {type(message).__name__} message among normal ones at `{self.array.name}`")
        if self.event_shape is not None and self.event_shape != message.event_shape:
            raise ProductError(
                f"messages of different shapes meet at `{self.array.name}`: {message.event_shape} from {family.site},"
                f" {self.event_shape} from the others"
            )
        self.event_shape = tuple(message.event_shape)
        rows, index = edge.place.rows, edge.place.index
        is_prior = edge.interface == family.node.interfaces[0].name and edge.place.is_injective
        moments = isinstance(message, PointMass | NormalMeanVariance | MvNormalMeanCovariance)
        if missing is None and moments and is_prior and not self.taken[index].any():
            self.taken[index] = True
            d = (self.event_shape or (1,))[0]
            whole = message.broadcast_to((rows,))
            spread = jnp.zeros((rows, d, d)) if isinstance(whole, PointMass) else _spread(whole)
            self.priors.append((index, jnp.asarray(whole.mean).reshape(rows, d), spread.reshape(rows, d, d)))
            return
        if isinstance(message, PointMass):
            refuse(family.site, f"a certain message to `{self.array.name}`, which is drawn elsewhere,")
        parts, events = naturals_of(message, rows, missing)
        self._sums = [placed(t, edge.place, p, e) for t, p, e in zip(self._sums, parts, events, strict=True)]
        self.informed[index] = True

    def told(self, d: int) -> tuple[Array, Array]:
        """(J, eta), batch last."""
        eta, J = (
            jnp.zeros((*shape, self.size)) if total is None else jnp.moveaxis(total.reshape(-1, *shape), 0, -1)
            for total, shape in zip(self._sums, ((d,), (d, d)), strict=True)
        )
        return J, eta


def _spread(message: UnivariateNormal | MultivariateNormal) -> Array:
    return jnp.asarray(message.variance if isinstance(message, UnivariateNormal) else message.covariance)


class GaussianRegion:
    """Updates the linear-Gaussian regions of a batch."""

    def __init__(self, structure: Structure, batch: Batch, kernels: Sequence[KernelCluster], is_wide: bool) -> None:
        self._structure, self._batch, self._kernels, self._is_wide = structure, batch, kernels, is_wide
        self._senders = Senders(structure, batch.single)
        self._arrays = list(batch.elements)
        self._local = {array: i for i, array in enumerate(self._arrays)}
        self._sizes = [batch.size(array, structure) for array in self._arrays]
        self._families = [
            Factors(self._address(kernel.out), tuple(self._address(edge) for edge in kernel.ins)) for kernel in kernels
        ]

    def _address(self, edge: Edge) -> tuple[int, np.ndarray]:
        return self._local[edge.array], edge.place.index

    def run(self, beliefs: TracedBeliefs) -> None:
        """Replace marginals and joints of the batch by those of the exact joint posterior."""
        inboxes = [
            GaussianInbox(self._structure.arrays[a], size, np.zeros(size, dtype=bool))
            for a, size in zip(self._arrays, self._sizes, strict=True)
        ]
        drawn = [np.zeros(size, dtype=bool) for size in self._sizes]
        for family, kernel in zip(self._families, self._kernels, strict=True):
            local, index = family.out
            if drawn[local][index].any() or len(np.unique(index)) < len(index):
                refuse(kernel.cluster.family.site, f"`{inboxes[local].array.name}`, which two factors draw,")
            drawn[local][index] = True
        for box, flags in zip(inboxes, drawn, strict=True):
            box.taken = flags.copy()
        self._senders.send(beliefs, dict(zip(self._arrays, inboxes, strict=True)))
        values = [kernel.gaussian(beliefs) for kernel in self._kernels]
        shapes = known_shapes(self._kernels, values, {a: b.event_shape for a, b in zip(self._arrays, inboxes, strict=True)})
        for kernel, value in zip(self._kernels, values, strict=True):
            kernel.check(value, shapes)
        dims = [(shapes[a] or (1,))[0] for a in self._arrays]
        forest = self._forest(dims)
        run = self._loaded(forest, inboxes, drawn, values)
        run.run()
        moments = GaussianMoments(forest, run, [_kernel(v, f, dims) for v, f in zip(values, self._families, strict=True)])
        for local, array in enumerate(self._arrays):
            mean, covariance = moments.marginal(local)
            belief: Distribution
            if shapes[array]:
                belief = MvNormalMeanCovariance._of(mean, covariance)
                proper = jnp.isfinite(mean).all(axis=-1) & jnp.isfinite(covariance).all(axis=(-2, -1))
            else:
                belief = NormalMeanVariance._of(mean[:, 0], covariance[:, 0, 0])
                proper = jnp.isfinite(mean[:, 0]) & (covariance[:, 0, 0] >= 0.0) & jnp.isfinite(covariance[:, 0, 0])
            beliefs.note(array, proper, self._batch.elements[array])
            beliefs.replace(array, self._batch.elements[array], belief)
        for number, kernel in enumerate(self._kernels):
            moments.keep_joint(beliefs, self._structure, number, kernel)

    def _forest(self, dims: Sequence[int]) -> GaussianForest:
        site = self._kernels[0].cluster.family.site
        try:
            forest = GaussianForest(self._sizes, dims, self._families)
        except CycleError:
            refuse(site, "a region with cycles")
        for half in forest.plan((False,) * len(self._families)).halves:
            for step in half.steps:
                if isinstance(step, Reduce):
                    refuse(self._kernels[step.family].cluster.family.site, "a sum of two random variables")
        return forest

    def _loaded(
        self, forest: GaussianForest, inboxes: list[GaussianInbox], drawn: list[np.ndarray],
        values: Sequence[GaussianKernelArrays],
    ) -> GaussianRun:
        plan = forest.plan(tuple(value.covariance is None for value in values))
        told, priors = [], []
        for label, d in enumerate(forest.label_dims):
            members = [i for i, at in enumerate(forest.array_label) if at == label]
            parts = [self._arrived(inboxes[i], drawn[i], d) for i in members]
            J, eta, C, m = (jnp.concatenate(some, axis=-1) for some in zip(*parts, strict=True))
            told.append((J, eta))
            priors.append((C, m))
        elements = {
            (a, b): Elements(forest.label_dims[a], forest.label_dims[b], size) for (a, b), size in plan.pools.items()
        }
        for number, (value, factors) in enumerate(zip(values, self._families, strict=True)):
            (A,), b, C = _kernel(value, factors, forest.dims)
            labels = [forest.array_label[array] for array, _ in factors.ends]
            pool, n = elements[labels[1], labels[0]], factors.rows
            at = slice(plan.bases[number], plan.bases[number] + n)
            pool.cross = pool.cross.at[..., at].set(A)
            pool.b = pool.b if C is None else pool.b.at[..., at].set(-C)
            pool.b_vector = pool.b_vector if b is None else pool.b_vector.at[..., at].set(-b)
        return GaussianRun(plan, forest.label_dims, elements, told, priors, self._is_wide)

    def _arrived(self, box: GaussianInbox, drawn: np.ndarray, d: int) -> tuple[Array, Array, Array, Array]:
        """Information and contributors at an array, batch last; a root with information only takes it as its prior."""
        J, eta = box.told(d)
        C, m = jnp.zeros((d, d, box.size)), jnp.zeros((d, box.size))
        for index, mean, spread in box.priors:
            C, m = C.at[..., index].set(jnp.moveaxis(spread, 0, -1)), m.at[:, index].set(mean.T)
        bare = np.flatnonzero(~box.taken)
        if bare.size:
            if not box.informed[bare].all():
                refuse(box.array.site, f"`{box.array.name}`, of which an element has no prior,")
            V = symmetrise(inverse(J[..., bare]))
            C, m = C.at[..., bare].set(V), m.at[:, bare].set(matvec(V, eta[:, bare]))
            J, eta = J.at[..., bare].set(0.0), eta.at[:, bare].set(0.0)
        return J, eta, C, m


def _kernel(
    value: GaussianKernelArrays, factors: Factors, dims: Sequence[int]
) -> tuple[list[Array], Array | None, Array | None]:
    """A, b and C of a family, batch last with a batch of one where they are shared."""
    out = dims[factors.out[0]]
    matrices = []
    for matrix, (array, _) in zip(value.matrices, factors.ins, strict=True):
        if matrix is None:
            matrices.append(jnp.eye(out)[:, :, None])
        elif matrix.shape[-2:] != (out, dims[array]):
            matrices.append(batch_last(matrix * jnp.eye(out)))
        else:
            matrices.append(batch_last(matrix))
    b = None if value.offset is None else batch_last(value.offset)
    C = None if value.covariance is None else batch_last(value.covariance)
    return matrices, b, C
