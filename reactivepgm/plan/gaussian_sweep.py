"""Regions in which every joint cluster is a linear-Gaussian kernel: handed to the contraction engine as arrays.

Here distributions become arrays and arrays become distributions again; the mathematics is in ``gaussian_forest``.
Scalar variables travel as vectors of dimension one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import (
    MV_NORMAL,
    NORMAL,
    Distribution,
    MultivariateNormal,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    PointMass,
    Uninformative,
    UnivariateNormal,
)
from reactivepgm.errors import ImproperPosteriorError, ModelError, ProductError
from reactivepgm.graph import Family, VariableArray
from reactivepgm.numerics.array import Array
from reactivepgm.plan.beliefs import Beliefs, Mask
from reactivepgm.plan.contraction_steps import CycleError
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_beliefs import GaussianBeliefs
from reactivepgm.plan.gaussian_leaves import PooledBeliefs, PooledForest
from reactivepgm.plan.gaussian_messages import GaussianMessages
from reactivepgm.plan.gaussian_network import GaussianNetwork, NetworkBeliefs
from reactivepgm.plan.gaussian_noise import is_singular, noise_terms
from reactivepgm.plan.gaussian_relays import RelayedBeliefs
from reactivepgm.plan.inbox import improper, naturals_of, one_each
from reactivepgm.plan.kernels import KernelCluster, Shape, known_shapes
from reactivepgm.plan.own_edges import solve_with_own
from reactivepgm.plan.pipeline import look, stage_of
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.remembered import Remembered
from reactivepgm.plan.star_sweep import Senders
from reactivepgm.plan.structure import Cluster, Edge, Structure

Floats = NDArray[np.float64]
Solution = GaussianBeliefs | RelayedBeliefs | PooledBeliefs | NetworkBeliefs

_FORESTS: Remembered[PooledForest] = Remembered()


class NotNormalError(Exception):
    """A message that is not normal reaches a region of linear factors: the ordinary rules have to do it."""


class GaussianInbox:
    """The messages at one array: a sum in information form, and at most one prior in moment form an element."""

    def __init__(self, array: VariableArray, size: int, is_output: NDArray[np.bool_]) -> None:
        self.array = array
        self.size = size
        self._taken = is_output.copy()
        self.event_shape: tuple[int, ...] | None = None
        self._information: list[tuple[Edge, Array, Array]] = []
        self._moments: list[tuple[NDArray[np.intp], Array, Array]] = []

    def put(self, edge: Edge, message: Distribution, missing: Mask, family: Family) -> None:
        """Take a family's messages; priors keep their moment form, so that singular covariances stay what they are."""
        if isinstance(message, Uninformative):
            return
        if not isinstance(message, UnivariateNormal | MultivariateNormal | PointMass):
            if message.group is not None:
                raise NotNormalError(type(message).__name__)
            raise ProductError(
                f"a {type(message).__name__} message meets normal ones at `{self.array.name}`\n  from {family.site}\n"
                "  use a conjugate prior, or a form constraint that makes the marginal normal"
            )
        self._note_shape(message.event_shape, family)
        rows, rank = edge.place.rows, len(message.event_shape)
        index = edge.place.index
        prior = edge.interface == family.node.interfaces[0].name and edge.place.is_injective
        spread = _spread(message, rows)
        if isinstance(message, PointMass) or (
            spread is not None and prior and not self._taken[index].any() and np.isfinite(spread).all()
        ):
            kept = slice(None) if missing is None else ~missing
            self._taken[index[kept]] = True
            mean = one_each(message.mean, rank, rows, None)[kept]
            self._moments.append((index[kept], mean, spread[kept]))
        else:
            pull = one_each(message.weighted_mean, rank, rows, missing)
            self._information.append((edge, pull, one_each(message.precision, 2 * rank, rows, missing)))

    def _note_shape(self, shape: tuple[int, ...], family: Family) -> None:
        if self.event_shape is not None and self.event_shape != shape:
            raise ProductError(
                f"messages of different shapes meet at `{self.array.name}`: {shape} from {family.site},"
                f" {self.event_shape} from the others"
            )
        self.event_shape = shape

    def unary(self, dimension: int) -> GaussianUnary:
        """Everything in vector form, ready for the forest."""
        if self._information:
            pull = np.zeros((self.size, dimension))
            precision = np.zeros((self.size, dimension, dimension))
        else:
            flat = GaussianUnary.flat(self.size, dimension)
            pull, precision = flat.weighted_mean, flat.precision
        for edge, eta, lam in self._information:
            edge.place.add(pull, eta.reshape(-1, dimension))
            edge.place.add(precision, lam.reshape(-1, dimension, dimension))
        if not self._moments:
            return GaussianUnary(pull, precision)
        elements, means, spreads = (np.concatenate(parts) for parts in zip(*self._moments, strict=True))
        return GaussianUnary(
            pull,
            precision,
            elements,
            means.reshape(-1, dimension),
            spreads.reshape(-1, dimension, dimension),
        )


def _spread(message: Distribution, rows: int) -> Array:
    """The (co)variances of a message in moment form, one a row; None for information form."""
    if isinstance(message, PointMass):
        return np.zeros((rows, *message.event_shape, *message.event_shape))
    if isinstance(message, NormalMeanVariance):
        return one_each(message.variance, 0, rows, None)
    if isinstance(message, MvNormalMeanCovariance):
        return one_each(message.covariance, 2, rows, None)
    return None


class GaussianSweep:
    """Updates linear-Gaussian regions exactly by tree contraction."""

    name = "linear-Gaussian contraction"
    whole = "linear-Gaussian cycles at once"
    """Its name where regions have cycles."""

    def __init__(
        self, structure: Structure, batch: Batch, kernels: Sequence[KernelCluster], may_be_whole: bool = True
    ) -> None:
        self._structure = structure
        self._may_be_whole = may_be_whole
        self._batch = batch
        self._senders = Senders(structure, batch.single, in_region=True)
        self.own = self._senders.own
        self._kernels = tuple(kernels)
        self._arrays = list(batch.elements)
        self._local = {array: i for i, array in enumerate(self._arrays)}
        self._sizes = [batch.size(array, structure) for array in self._arrays]
        self._outputs = {array: np.zeros(size, dtype=bool) for array, size in zip(self._arrays, self._sizes, strict=True)}
        for kernel in self._kernels:
            self._outputs[kernel.out.array][kernel.out.place.index] = True
        self._families = [
            Factors(self._address(kernel.out), tuple(self._address(edge) for edge in kernel.ins))
            for kernel in self._kernels
        ]
        self._forest: PooledForest | GaussianNetwork | None = None
        self._dimensions: tuple[int, ...] = ()
        self._solution: Solution | None = None
        self._shapes: dict[int, Shape] = {}
        self._unary: list[GaussianUnary] = []

    def _address(self, edge: Edge) -> tuple[int, NDArray[np.intp]]:
        return self._local[edge.array], edge.place.index

    def run(self, beliefs: Beliefs) -> None:
        """Replace marginals and joints of the batch by those of the exact joint posterior."""
        solve_with_own(self.own, lambda: self._solve(beliefs))
        look(self, beliefs, [kernel.cluster for kernel in self._kernels])

    def _solve(self, beliefs: Beliefs) -> None:
        kernels = self._pose(beliefs)
        assert self._forest is not None
        self._settle(beliefs, kernels, partial(self._forest.solve, self._unary, kernels))

    def _listen(self, beliefs: Beliefs, inboxes: Mapping[int, GaussianInbox]) -> None:
        """Take in everything that the region hears from outside."""
        self._senders.send(beliefs, inboxes)

    def _pose(self, beliefs: Beliefs, told: Mapping[int, Shape] | None = None) -> list[GaussianKernelArrays]:
        """The region in numbers: what its variables hear, its engine, and its kernels, which are returned.

        Args:
            beliefs: about everything else.
            told: event shapes of arrays that somebody else knows.
        """
        arrays = self._structure.arrays
        inboxes = {
            a: GaussianInbox(arrays[a], size, self._outputs[a])
            for a, size in zip(self._arrays, self._sizes, strict=True)
        }
        self._listen(beliefs, inboxes)
        self._prepare(beliefs, inboxes)
        values = [kernel.gaussian(beliefs) for kernel in self._kernels]
        known = {a: box.event_shape for a, box in inboxes.items()}
        known |= {a: shape for a, shape in (told or {}).items() if known[a] is None}
        shapes = known_shapes(self._kernels, values, known)
        for kernel, value in zip(self._kernels, values, strict=True):
            kernel.check(value, shapes)
        dimensions = tuple((shapes[a] or (1,))[0] for a in self._arrays)
        if self._forest is None or dimensions != self._dimensions:
            self._forest = self._engine(dimensions, [value.covariance is None for value in values])
            self._dimensions = dimensions
        self._unary = [inboxes[a].unary(d) for a, d in zip(self._arrays, dimensions, strict=True)]
        self._shapes = shapes
        return [
            _sized(value, dimensions[out], [dimensions[i] for i, _ in ins])
            for value, (out, ins) in zip(values, ((f.out[0], f.ins) for f in self._families), strict=True)
        ]

    def _settle(self, beliefs: Beliefs, kernels: list[GaussianKernelArrays], solve: Callable[[], Solution]) -> None:
        """Solve the region, and keep its marginals and joints."""
        arrays, shapes = self._structure.arrays, self._shapes
        try:
            solution = solve()
        except ImproperError as error:
            array = self._arrays[error.array]
            chosen = self._batch.elements[array]
            element = error.element if chosen is None else int(chosen[error.element])
            raise ImproperPosteriorError(improper(arrays[array], element)) from None
        for local, array in enumerate(self._arrays):
            marginal = partial(_marginal, solution, local, bool(shapes[array]))
            if isinstance(solution, PooledBeliefs | RelayedBeliefs) and solution.is_pending(local):
                beliefs.replace_later(array, self._batch.elements[array], marginal)
            else:
                beliefs.replace(array, self._batch.elements[array], marginal())
        for number, (kernel, value) in enumerate(zip(self._kernels, kernels, strict=True)):
            self._keep_joint(beliefs, number, kernel, value, solution)
        self._solution = solution
        self._tell_own(beliefs)

    def _engine(self, dimensions: tuple[int, ...], noiseless: list[bool]) -> PooledForest | GaussianNetwork:
        """What solves the regions: contraction, and where they have cycles, dense algebra, in which no messages flow."""
        try:
            ends = [family.ends for family in self._families]
            make = partial(PooledForest, self._sizes, dimensions, self._families, noiseless)
            return _FORESTS(self._sizes, (*dimensions, *noiseless), ends, make)
        except CycleError:
            if not self._may_be_whole or any(stage_of(kernel.cluster.family) is not None for kernel in self._kernels):
                raise
            self.name = self.whole
            return GaussianNetwork(self._sizes, dimensions, self._families)

    def _tell_own(self, beliefs: Beliefs) -> None:
        """What the factors of the region send to the variables at which rules read their own edge."""
        for array in filter(self.own.wants, self._arrays):
            size = self._sizes[self._local[array]]
            group, parts = NORMAL, [np.zeros(size), np.zeros(size)]
            if shape := self._shapes[array]:
                group, parts = MV_NORMAL, [np.zeros((size, *shape)), np.zeros((size, *shape, *shape))]
            if isinstance(self._solution, NetworkBeliefs):
                self.own.receive(array, group, self._from_elsewhere(array, parts))
                continue
            for kernel in self._kernels:
                for edge in kernel.cluster.edges:
                    if edge.array == array:
                        message = self.message(beliefs, kernel.cluster, edge.interface)
                        if not isinstance(message, Uninformative):
                            for total, part in zip(parts, naturals_of(message, edge.place.rows), strict=True):
                                edge.place.add(total, part)
            self.own.receive(array, group, parts)
        self.own.keep(beliefs)

    def _from_elsewhere(self, array: int, parts: list[Floats]) -> list[Floats]:
        """Natural parameters of what an array hears besides its own unary messages, without messages to add up."""
        assert self._solution is not None
        local = self._local[array]
        precision = np.linalg.inv(self._solution.covariance[local])
        unary = self._unary[local]
        pull = np.einsum("nij,nj->ni", precision, self._solution.mean[local]) - unary.weighted_mean
        precision = precision - unary.precision
        return [pull.reshape(parts[0].shape), precision.reshape(parts[1].shape)]

    def log_scale(self, beliefs: Beliefs) -> float:
        """The log of the integral over the region: the eliminations' own constant, and the scale of every unary message.

        A unary message is its factor up to a scale, log f(x) - log m(x) at any x; here x is the posterior mean.
        """
        assert self._solution is not None
        points: dict[int, Array] = {}
        total = self._solution.log_partition
        for local, array in enumerate(self._arrays):
            x, unary = self._solution.mean[local], self._unary[local]
            quadratic = np.einsum("ni,nij,nj->", x, unary.precision, x)
            total -= float(np.sum(unary.weighted_mean * x) - 0.5 * quadratic)
            if unary.elements is not None:
                prior = MvNormalMeanCovariance._of(unary.mean, unary.covariance)
                total -= float(np.sum(prior.log_pdf(x[unary.elements])))
            points[array] = x if self._shapes[array] else x[:, 0]
        return total + self._senders.log_densities(beliefs, points)

    def _prepare(self, beliefs: Beliefs, inboxes: Mapping[int, GaussianInbox]) -> None:
        """Whatever must be known before the kernels are computed: for linear factors nothing."""

    def message(self, beliefs: Beliefs, cluster: Cluster, interface: str) -> Distribution:
        """A cluster's message towards one of its interfaces, from the current beliefs."""
        if not cluster.is_joint:
            return self._senders.message(cluster, beliefs)
        if isinstance(self._solution, NetworkBeliefs):
            raise ModelError(
                cluster.family.site.letter(
                    f"{cluster.family.node.name} is part of a cycle that is solved whole, in which no messages flow",
                    write="marginal(...) of its variables, or a pipeline on the statement, which makes messages flow",
                )
            )
        assert self._solution is not None
        (number,) = (n for n, kernel in enumerate(self._kernels) if kernel.cluster is cluster)
        messages = GaussianMessages(self._structure, self._kernels[number], number)
        return messages(beliefs, self._solution, self._shapes, interface)

    def _keep_joint(
        self,
        beliefs: Beliefs,
        number: int,
        kernel: KernelCluster,
        value: GaussianKernelArrays,
        solution: Solution,
    ) -> None:
        cluster = kernel.cluster
        if len(kernel.ins) == 2:
            gained = -solution.mutual_information(number)
            beliefs.replace_conditional(cluster, kernel.in_names, gained)
            return
        shrunk = -solution.conditional_entropy_terms(number)
        if value.covariance is None:
            beliefs.replace_conditional(cluster, kernel.in_names, np.zeros(cluster.size))
            return
        d = value.covariance.shape[-1]
        if is_singular(value.covariance) and not isinstance(solution, NetworkBeliefs):
            # Average energy and entropy are both infinite: their difference is kept, and the energy is left out.
            beliefs.unheard.add(cluster.family.id)
            beliefs.replace_conditional(cluster, kernel.in_names, -noise_terms(number, value, solution))
            beliefs.replace_joint(cluster, partial(_joint, solution, number))
            return
        _, logdet = np.linalg.slogdet(value.covariance)
        entropy = 0.5 * (d * (1.0 + np.log(2.0 * np.pi)) + logdet) + shrunk
        beliefs.replace_conditional(cluster, kernel.in_names, np.broadcast_to(entropy, (cluster.size,)))
        beliefs.replace_joint(cluster, partial(_joint, solution, number))


def _marginal(solution: Solution, local: int, is_vector: bool) -> Distribution:
    mean, covariance = solution.mean[local], solution.covariance[local]
    if is_vector:
        return MvNormalMeanCovariance._of(mean, covariance)
    return NormalMeanVariance._of(mean[:, 0], covariance[:, 0, 0])


def _joint(solution: Solution, number: int) -> Distribution:
    """The joint of output and input as one multivariate normal, output first."""
    mean_out, mean_in, v_out, v_in, v_out_in = solution.joint(number)
    mean = np.concatenate([mean_out, mean_in], axis=-1)
    covariance = np.block([[v_out, v_out_in], [np.swapaxes(v_out_in, -1, -2), v_in]])
    return MvNormalMeanCovariance._of(mean, covariance)


def _sized(value: GaussianKernelArrays, d_out: int, d_ins: list[int]) -> GaussianKernelArrays:
    """The kernel with scalar factors (1, 1) blown up to multiples of the identity where the variables are vectors."""
    matrices = tuple(
        matrix if matrix is None or matrix.shape[-2:] == (d_out, d_in) else matrix * np.eye(d_out)
        for matrix, d_in in zip(value.matrices, d_ins, strict=True)
    )
    return GaussianKernelArrays(matrices, value.offset, value.covariance)
