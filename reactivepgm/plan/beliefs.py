"""What is believed at the moment: marginals of arrays, joints of clusters, and the values that are clamped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import (
    Distribution,
    GammaFamily,
    GammaShapeRate,
    Group,
    MultivariateNormal,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.errors import ConstraintError, DataError
from reactivepgm.graph import Family, FixedBinding, FixedMarginal
from reactivepgm.graph.binding import MixedBinding
from reactivepgm.numerics.array import Array
from reactivepgm.plan.events import noted
from reactivepgm.plan.structure import Cluster, Structure

Mask = NDArray[np.bool_] | None


class Cavity(NamedTuple):
    """What came in on an edge, all rows of a family: natural parameters of one exponential family."""

    interface: str
    group: Group
    naturals: list[Array]


class Marginals:
    """The beliefs by array, None where there is none; those that nobody has read yet may still be functions."""

    def __init__(self, size: int) -> None:
        self._held: list[Distribution | Callable[[], Distribution] | None] = [None] * size

    def __getitem__(self, array: int) -> Distribution | None:
        belief = self._held[array]
        if belief is None or isinstance(belief, Distribution):
            return belief
        found = self._held[array] = as_posterior(belief())
        return found

    def __setitem__(self, array: int, belief: Distribution | Callable[[], Distribution] | None) -> None:
        self._held[array] = belief

    def is_pending(self, array: int) -> bool:
        """Whether a belief has yet to be computed."""
        belief = self._held[array]
        return belief is not None and not isinstance(belief, Distribution)

    @property
    def are_known(self) -> bool:
        """Whether there is a belief about every array."""
        return all(belief is not None for belief in self._held)


class Beliefs:
    """The state of an inference: one batched distribution for every array and for every joint cluster."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.marginals = Marginals(len(structure.arrays))
        self._joints: dict[tuple[int, int], Distribution | Callable[[], Distribution]] = {}
        self.conditional: dict[tuple[int, int], tuple[tuple[str, ...], NDArray[np.float64]]] = {}
        """For clusters that condition an output on inputs: the inputs, and H[cluster] - sum of H[input], a row each."""
        self.unheard: set[int] = set()
        """Families without an average energy: their outputs receive flat messages, so it cancels their entropy."""
        self.cavities: dict[int, Cavity] = {}
        """By family id, the messages that rules have read on their own target's edge."""
        self._fixed: dict[tuple[int, str], PointMass] = {}
        self._missing: dict[int, Mask] = {}
        self.clamped = 0
        """How often data have come."""

    def clamp(self, data: Mapping[str, Any], families: Iterable[Family] | None = None) -> None:
        """Resolve the data and constant inputs of families (all by default); remember which rows have no observation."""
        self.clamped += 1
        for family in self.structure.families if families is None else families:
            missing: Mask = None
            for name, binding in _clamped(family):
                value, mask = binding.resolve_masked(data)
                if mask is not None and mask.any():
                    missing = _allowed(family, name, mask)
                self._fixed[family.id, name] = value
            self._missing[family.id] = missing

    def fixed(self, family: Family, name: str) -> PointMass:
        """The value of a clamped interface."""
        return self._fixed[family.id, name]

    def missing(self, family: Family) -> Mask:
        """Which rows of a family have no observation (None: all have one)."""
        return self._missing[family.id]

    def replace(self, array: int, elements: NDArray[np.intp] | None, belief: Distribution) -> None:
        """New marginals for some elements of an array, or for all of them."""
        variable = self.structure.arrays[array]
        with noted("marginal", variable.name, variable.size if elements is None else len(elements)):
            forms = self.structure.forms.get(array)
            if forms is not None and forms.marginal is not None:
                if isinstance(forms.marginal, FixedMarginal):
                    return
                belief = forms.marginal(belief)
            self._keep(array, elements, as_posterior(belief))

    def replace_later(self, array: int, elements: NDArray[np.intp] | None, belief: Callable[[], Distribution]) -> None:
        """New marginals, computed when they are first read, where that makes no difference to anything else."""
        if elements is None and array not in self.structure.forms:
            self.marginals[array] = belief
        else:
            self.replace(array, elements, belief())

    def fix(self, array: int, belief: Distribution, elements: NDArray[np.intp] | None = None) -> None:
        """Marginals that are given, one an element, for all elements of an array or for some; no form applies to them."""
        self._keep(array, elements, as_posterior(belief))

    def begin(self, array: int, belief: Distribution) -> None:
        """An initial marginal for all elements of an array."""
        forms = self.structure.forms.get(array)
        if forms is not None and forms.marginal is not None:
            try:
                belief = forms.marginal.initial(belief)
            except ConstraintError as error:
                raise ConstraintError(f"`{self.structure.arrays[array].name}`: {error}") from None
        self._keep(array, None, as_posterior(belief))

    def _keep(self, array: int, elements: NDArray[np.intp] | None, belief: Distribution) -> None:
        if elements is None:
            self.marginals[array] = belief
        else:
            size = self.structure.arrays[array].size
            self.marginals[array] = _scattered(self.marginals[array], elements, belief, size)

    def shaped(self, array: int) -> Distribution:
        """The belief about an array in the array's own shape: unbatched for a single variable."""
        belief = self.marginals[array]
        assert belief is not None
        variable = self.structure.arrays[array]
        whole = belief.broadcast_to((variable.size,))
        if variable.shape == ():
            return whole[0]
        return whole if len(variable.shape) == 1 else whole[np.arange(variable.size).reshape(variable.shape)]

    def joint(self, key: tuple[int, int]) -> Distribution:
        """The joint marginal of a cluster, by family id and cluster number; computed when first asked for."""
        joint = self._joints[key]
        if not isinstance(joint, Distribution):
            joint = self._joints[key] = joint()
        return joint

    def has_joint(self, key: tuple[int, int]) -> bool:
        """Whether the joint marginal of a cluster is known."""
        return key in self._joints

    def begin_joint(self, key: tuple[int, int], joint: Distribution) -> None:
        """An initial joint marginal of a cluster."""
        self._joints[key] = joint

    def replace_joint(self, cluster: Cluster, joint: Callable[[], Distribution]) -> None:
        """A new joint marginal for the rows of a cluster, to be computed if anybody asks for it."""
        key = (cluster.family.id, cluster.number)
        rows = cluster.rows
        if rows is None:
            self._joints[key] = joint
            return
        before = self.joint(key) if key in self._joints else None
        self._joints[key] = _scattered(before, rows, joint(), cluster.family.rows)

    def keep_cavity(self, cluster: Cluster, interface: str, group: Group, naturals: list[Array]) -> None:
        """The messages that came in on an edge when its own last message was computed, for the rows of a cluster."""
        if cluster.rows is not None:
            before = self.cavities.get(cluster.family.id)
            wholes = []
            for number, part in enumerate(naturals):
                shape = (cluster.family.rows, *part.shape[1:])
                wholes.append(np.zeros(shape) if before is None else before.naturals[number].copy())
                wholes[-1][cluster.rows] = part
            naturals = wholes
        self.cavities[cluster.family.id] = Cavity(interface, group, naturals)

    def replace_conditional(self, cluster: Cluster, ins: tuple[str, ...], entropy: NDArray[np.float64]) -> None:
        """A new conditional entropy H[cluster] - sum of H[input] for the rows of a cluster."""
        key = (cluster.family.id, cluster.number)
        if cluster.rows is not None:
            whole = self.conditional[key][1].copy() if key in self.conditional else np.zeros(cluster.family.rows)
            whole[cluster.rows] = entropy
            entropy = whole
        self.conditional[key] = (ins, entropy)


def component_name(interface: str, component: int) -> str:
    """Under which name the value of a fixed component of a plural interface is kept."""
    return f"{interface}[{component}]"


def _clamped(family: Family) -> Iterator[tuple[str, FixedBinding]]:
    """The fixed interfaces, and the fixed components of plural ones."""
    for name, binding in family.bindings.items():
        if isinstance(binding, FixedBinding):
            yield name, binding
        elif isinstance(binding, MixedBinding):
            for component, part in binding.clamped.items():
                yield component_name(name, component), part


def _allowed(family: Family, name: str, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A missing value is allowed where the factor merely drops out: the observed output of a stochastic factor."""
    if family.node.kind == "stochastic" and name == family.node.interfaces[0].name:
        return np.broadcast_to(mask, (family.rows,))
    row = int(np.flatnonzero(mask)[0])
    raise DataError(
        f"missing value at row {row} of `{name}` of {family.node.name}\n"
        f"  at   {family.site}\n"
        "  only the observed output of a stochastic factor may be missing; give a value, or model it as a random variable"
    )


def as_posterior(belief: Distribution) -> Distribution:
    """The form in which posteriors are kept and shown: moments for the normals, shape and rate for the gammas."""
    if isinstance(belief, UnivariateNormal):
        return NormalMeanVariance._of(belief.mean, belief.variance)
    if isinstance(belief, MultivariateNormal):
        return MvNormalMeanCovariance._of(belief.mean, belief.covariance)
    if isinstance(belief, GammaFamily):
        return GammaShapeRate._of(belief.shape, belief.rate)
    return belief


def _scattered(old: Distribution | None, elements: NDArray[np.intp], belief: Distribution, size: int) -> Distribution:
    """The old marginals with some elements replaced; before their first update the others are not numbers."""
    belief = belief.broadcast_to((len(elements),))
    before = None if old is None else old.broadcast_to((size,))
    if type(before) is not type(belief):
        before = None
    parameters = []
    for name, new in belief.parameters.items():
        whole = np.full((size, *new.shape[1:]), np.nan)
        if before is not None:
            whole[...] = getattr(before, name)
        whole[elements] = new
        parameters.append(whole)
    return belief.like(*parameters)
