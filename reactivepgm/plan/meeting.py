"""Where the parts of a divided model meet: what a shard says to shared variables, and what it does with the answer.

A shard *tells* the sums of the natural parameters that its rows send to the shared elements. Whoever has heard all shards
multiplies them with the global part's own messages, and every shard *takes* the marginals that come of it.

In a linear-Gaussian region the messages of a plate do not depend on what it hears from the shared variable, so the region is
solved first with any proper belief there, and again with the cavity: the new marginal without the shard's own message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import (
    MV_NORMAL,
    NORMAL,
    Bernoulli,
    Distribution,
    Group,
    MultivariateNormal,
    Uninformative,
    UnivariateNormal,
)
from reactivepgm.errors import ModelError, ProductError
from reactivepgm.graph import Family, VariableArray
from reactivepgm.numerics.array import Array
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.contraction_steps import CycleError
from reactivepgm.plan.gaussian_arrays import GaussianKernelArrays, GaussianUnary
from reactivepgm.plan.gaussian_leaves import Pooled, PooledBeliefs, PooledForest
from reactivepgm.plan.gaussian_sweep import GaussianInbox, GaussianSweep, NotNormalError
from reactivepgm.plan.inbox import Inbox, as_binary, naturals_of
from reactivepgm.plan.kernels import KernelCluster, Shape
from reactivepgm.plan.place import Place
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.star_sweep import Senders, StarSweep
from reactivepgm.plan.structure import Edge, Structure

IntArray = NDArray[np.intp]


@dataclass(frozen=True)
class Told:
    """The product of a shard's messages at the shared elements of one array.

    Args:
        group: the exponential family.
        naturals: the sums of the natural parameters, each (shared elements, *event).
        is_binary: whether all messages are of variables with two values.
    """

    group: Group
    naturals: tuple[Array, ...]
    is_binary: bool = False

    @property
    def message(self) -> Distribution:
        """The product as one message an element."""
        found = self.group.from_naturals(*self.naturals)
        return as_binary(found) if self.is_binary else found


def together(parts: Sequence[Told], array: VariableArray) -> Told | None:
    """What all shards say: natural parameters add; None where nobody says anything.

    Raises:
        ProductError: they speak of different families.
    """
    if not parts:
        return None
    first = parts[0]
    shapes = {tuple(part.shape for part in told.naturals) for told in parts}
    if any(told.group is not first.group for told in parts) or len(shapes) > 1:
        raise ProductError(
            f"the shards send {' and '.join(sorted({t.group.name for t in parts}))} messages of shapes {sorted(shapes)} to"
            f" `{array.name}`, which do not add up\n  drawn at {array.site}\n  write  infer(...) without executor="
        )
    sums = tuple(np.sum([told.naturals[k] for told in parts], axis=0) for k in range(len(first.naturals)))
    return Told(first.group, sums, all(told.is_binary for told in parts))


class SharedStar:
    """The shared elements of a batch without messages between variables, as a shard sees them.

    Args:
        structure: of the shard.
        batch: the shared elements.
    """

    def __init__(self, structure: Structure, batch: Batch) -> None:
        self._structure = structure
        self._batch = batch
        self._senders = Senders(structure, batch.single)

    def tell(self, beliefs: Beliefs, shapes: Mapping[int, Shape]) -> dict[int, Told]:
        """By array, what the shard's rows say."""
        arrays = self._structure.arrays
        inboxes = {a: Inbox(arrays[a], self._batch.size(a, self._structure)) for a in self._batch.elements}
        self._senders.send(beliefs, inboxes)
        told = {}
        for array, inbox in inboxes.items():
            if inbox.holds_asides:
                raise ModelError(
                    inbox.array.site.letter(
                        f"messages without natural parameters reach the shared variable {inbox.array.name}: there are no sums"
                        " of them that a shard could send",
                        write="infer(...) without executor=",
                    )
                )
            if inbox.group is not None:
                told[array] = Told(inbox.group, tuple(inbox.naturals), inbox.holds_only(Bernoulli))
        return told

    def take(self, beliefs: Beliefs, marginals: Mapping[int, Distribution]) -> None:
        """Nothing else in the batch depends on the new marginals."""


class SharedGaussian(GaussianSweep):
    """A linear-Gaussian region around shared elements, as a shard sees it.

    Args:
        structure: of the shard.
        batch: the region.
        kernels: its joint clusters.
        shared: by array, the places of the shared elements in the batch.
    """

    name = "a shard of a linear-Gaussian region"

    def __init__(
        self, structure: Structure, batch: Batch, kernels: Sequence[KernelCluster], shared: Mapping[int, IntArray]
    ) -> None:
        super().__init__(structure, batch, kernels, may_be_whole=False)
        self._shared = {array: places for array, places in shared.items() if len(places)}
        self._posed: tuple[list[GaussianKernelArrays], Pooled] | None = None
        self._own: dict[int, Told] = {}

    def tell(self, beliefs: Beliefs, shapes: Mapping[int, Shape]) -> dict[int, Told]:
        """By array, what the plates of the shard say; it follows from everything outside the shared elements."""
        try:
            kernels = self._pose(beliefs, shapes)
        except (NotNormalError, CycleError) as error:
            raise self._refused(error) from None
        forest = self._forest
        assert isinstance(forest, PooledForest)
        pooled = forest.pool(self._unary, kernels)
        told = {array: self._heard(array, pooled.told[self._local[array]]) for array in self._shared}
        if pooled.families:
            self._solution = forest.contract(self._pivoted(pooled), self._unary, kernels)
            for array in self._shared:
                self._add_messages(beliefs, array, pooled, told[array])
        self._posed, self._own = (kernels, pooled), told
        return told

    def take(self, beliefs: Beliefs, marginals: Mapping[int, Distribution]) -> None:
        """Solve the region again, with what the others say."""
        assert self._posed is not None and isinstance(self._forest, PooledForest)
        kernels, pooled = self._posed
        self._posed = None
        told = dict(pooled.told)
        for array, places in self._shared.items():
            local = self._local[array]
            vector, matrix = _information(marginals[array])
            if pooled.families:  # what it said by messages is in the region already
                heard, own = self._heard(array, told[local]).naturals, self._own[array].naturals
                vector = vector - (own[0] - heard[0]).reshape(vector.shape)
                matrix = matrix - (own[1] - heard[1]).reshape(matrix.shape)
            told[local] = _replaced(told[local], places, vector, matrix)
        self._settle(beliefs, kernels, lambda: self._solved(replace(pooled, told=told), kernels, marginals))

    def _refused(self, error: Exception) -> ModelError:
        met = "cycles" if isinstance(error, CycleError) else f"{error} messages, which are not normal, in it"
        array = self._structure.arrays[self._arrays[0]]
        return ModelError(
            array.site.letter(
                f"a linear-Gaussian region around shared variables has {met}; that is not done on shards",
                write="a factorisation that cuts the shared variables off; or infer(...) without executor=",
            )
        )

    def _solved(
        self, pooled: Pooled, kernels: list[GaussianKernelArrays], marginals: Mapping[int, Distribution]
    ) -> PooledBeliefs:
        assert isinstance(self._forest, PooledForest)
        solution = self._forest.contract(pooled, self._unary, kernels)
        for array, places in self._shared.items():
            mean, covariance = solution.mean[self._local[array]], solution.covariance[self._local[array]]
            belief = marginals[array].broadcast_to((len(places),))
            mean[places] = np.asarray(belief.mean).reshape(mean[places].shape)
            spread = belief.covariance if isinstance(belief, MultivariateNormal) else belief.variance
            covariance[places] = np.asarray(spread).reshape(covariance[places].shape)
        return solution  # type: ignore[return-value]

    def _heard(self, array: int, unary: GaussianUnary) -> Told:
        """What reaches the shared elements from leaves and from factors of one interface."""
        vector, matrix = np.array(unary.weighted_mean), np.array(unary.precision)
        if unary.elements is not None:
            precision = np.linalg.inv(unary.covariance)
            vector[unary.elements] += np.einsum("nij,nj->ni", precision, unary.mean)
            matrix[unary.elements] += precision
        vector, matrix = vector[self._shared[array]], matrix[self._shared[array]]
        if self._shapes[array]:
            return Told(MV_NORMAL, (vector, matrix))
        return Told(NORMAL, (vector[:, 0], matrix[:, 0, 0]))

    def _pivoted(self, pooled: Pooled) -> Pooled:
        """With a proper belief about everything that is shared, on which the messages to it do not depend."""
        told = dict(pooled.told)
        for array, places in self._shared.items():
            unary = told[self._local[array]]
            eye = np.broadcast_to(np.eye(unary.precision.shape[-1]), (len(places), *unary.precision.shape[1:]))
            told[self._local[array]] = _replaced(
                unary, places, unary.weighted_mean[places], unary.precision[places] + eye
            )
        return replace(pooled, told=told)

    def _add_messages(self, beliefs: Beliefs, array: int, pooled: Pooled, told: Told) -> None:
        """Add what the families that are not leaves say."""
        size = self._sizes[self._local[array]]
        place = np.full(size, -1, dtype=np.intp)
        place[self._shared[array]] = np.arange(len(self._shared[array]))
        for number in pooled.families:
            cluster = self._kernels[number].cluster
            for edge in cluster.edges:
                rows = np.flatnonzero(place[edge.place.index] >= 0) if edge.array == array else np.zeros(0, dtype=np.intp)
                if not len(rows):
                    continue
                message = self.message(beliefs, cluster, edge.interface)
                if isinstance(message, Uninformative):
                    continue
                for total, part in zip(told.naturals, naturals_of(message, edge.place.rows), strict=True):
                    Place(place[edge.place.index[rows]], len(total)).add(total, part[rows])


class MeetingStar(StarSweep):
    """Regions of one variable in the global part, which also hear the shards."""

    def __init__(self, structure: Structure, batch: Batch, outside: Outside) -> None:
        super().__init__(structure, batch)
        self._outside = outside

    def run(self, beliefs: Beliefs) -> None:
        """Replace the marginals of the batch by the product of all messages, those of the shards among them."""
        arrays, forms = self._structure.arrays, self._structure.forms
        inboxes = {a: Inbox(arrays[a], self._batch.size(a, self._structure)) for a in self._batch.elements}
        self._senders.send(beliefs, inboxes)
        for array, inbox in inboxes.items():
            self._outside.put(array, self._batch, inbox)
            has_form = array in forms and forms[array].marginal is not None
            beliefs.replace(array, self._batch.elements[array], inbox.product(has_form))

    def shapes(self, beliefs: Beliefs) -> dict[int, Shape]:
        """No shard has to know any."""
        return {}


class MeetingGaussian(GaussianSweep):
    """A linear-Gaussian region of the global part, which also hears the shards."""

    def __init__(
        self, structure: Structure, batch: Batch, kernels: Sequence[KernelCluster], outside: Outside
    ) -> None:
        super().__init__(structure, batch, kernels)
        self._outside = outside

    def _listen(self, beliefs: Beliefs, inboxes: Mapping[int, GaussianInbox]) -> None:
        try:
            super()._listen(beliefs, inboxes)
            for array, inbox in inboxes.items():
                self._outside.put(array, self._batch, inbox)
        except NotNormalError as error:
            first = self._structure.arrays[self._arrays[0]]
            raise ModelError(
                first.site.letter(
                    f"{error} messages reach a linear-Gaussian region with shared variables; on shards only normal ones may",
                    write="infer(...) without executor=",
                )
            ) from None

    def shapes(self, beliefs: Beliefs) -> dict[int, Shape]:
        """By array, the event shapes that the global part knows by itself."""
        arrays = self._structure.arrays
        inboxes = {a: GaussianInbox(arrays[a], s, self._outputs[a]) for a, s in zip(self._arrays, self._sizes, strict=True)}
        self._senders.send(beliefs, inboxes)
        return {a: box.event_shape for a, box in inboxes.items() if box.event_shape is not None}


class Outside:
    """What the shards say to the shared elements, as the global part hears it.

    Args:
        families: by array, a family whose rows the shards have, for letters.
        shared: by array, the shared elements.
    """

    def __init__(self, families: Mapping[int, Family], shared: Mapping[int, IntArray]) -> None:
        self._families = families
        self._shared = shared
        self.told: Mapping[int, Told] = {}

    def put(self, array: int, batch: Batch, inbox: Inbox | GaussianInbox) -> None:
        """Into the inbox of an array, as far as its shared elements are in the batch."""
        told = self.told.get(array)
        if told is None:
            return
        chosen, shared = batch.elements[array], self._shared[array]
        places = shared if chosen is None else np.flatnonzero(np.isin(chosen, shared))
        edge = Edge("", None, array, Place(places, inbox.size))
        inbox.put(edge, told.message, None, self._families[array])


def _information(belief: Distribution) -> tuple[Array, Array]:
    """Weighted means (n, d) and precisions (n, d, d)."""
    assert isinstance(belief, UnivariateNormal | MultivariateNormal)
    vector, matrix = np.asarray(belief.weighted_mean), np.asarray(belief.precision)
    if isinstance(belief, UnivariateNormal):
        return vector[:, None], matrix[:, None, None]
    return vector, matrix


def _replaced(unary: GaussianUnary, places: IntArray, vector: Array, matrix: Array) -> GaussianUnary:
    """The unary messages with those at some elements replaced; their priors in moment form are in the new ones."""
    vectors, matrices = np.array(unary.weighted_mean), np.array(unary.precision)
    vectors[places], matrices[places] = vector, matrix
    if unary.elements is None:
        return replace(unary, weighted_mean=vectors, precision=matrices)
    kept = ~np.isin(unary.elements, places)
    return GaussianUnary(vectors, matrices, unary.elements[kept], unary.mean[kept], unary.covariance[kept])
