"""``sample_prior`` and ``predict``: draws of a model before its data are seen, and of new data after.

Both run the model forward: variables are drawn from their factors, ancestors first, all ``n`` draws at once. A prior draw
is one draw from the joint distribution of all variables. A predictive draw starts from the posterior.

What of a predictive draw is joint, and what is not. The posterior of an inference is a set of marginals, one for every
element of every variable; elements are drawn from them independently of each other. Hence, within one draw:

- each datum alone is exact: its distribution is the average of its factor over the posterior that was inferred, and if
  its factor has several random inputs, over the product of their marginals, which is that posterior whenever the
  factorisation keeps them apart. Inputs that depend on each other in the posterior are refused, never drawn apart;
- data that share an element (a common mean, a transition matrix) share its draw, so what they have in common is joint;
- data of different elements (the steps of a chain) are independent, although in the posterior their elements are not: the
  draws make a band around a path, not a set of paths.

An input without a name, such as the ``a * x + b`` of a regression, is drawn from its own marginal, in which the dependence
of ``a`` and ``b`` is accounted for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution, PointMass
from reactivepgm.errors import DataError, InferenceError, InvalidParameterError
from reactivepgm.graph import Family, FixedBinding, Graph, RandomBinding, VariableArray, fitted
from reactivepgm.graph.ancestral import ancestry, covariates_of, output_source
from reactivepgm.inference.forward import Draws
from reactivepgm.inference.infer import check_arguments
from reactivepgm.inference.result import Result
from reactivepgm.language import ModelInstance
from reactivepgm.numerics.array import Array
from reactivepgm.plan.colouring import components
from reactivepgm.plan.structure import structure_of


def sample_prior(
    model: ModelInstance | Graph,
    n: int,
    rng: np.random.Generator | int | None = None,
    data: Mapping[str, Any] | None = None,
) -> dict[str, Array]:
    """Draws from the joint prior of all variables, and of the data they would give.

    Args:
        model: a model instance or a graph. Every variable must be drawn by one factor, from variables drawn before.
        n: how many draws.
        rng: a generator, or a seed; by default a fresh one.
        data: as for ``infer``. What the model observes only says how many data there are; what it uses as an input
            (covariates) is taken as given. A model that uses data which it also draws (an autoregression on its own
            data) gets its own draws as inputs.

    Returns:
        By name, for random variables and observed data: (n, *shape, *event). Categories and counts are integers; where
        the data are one-hot vectors so are the draws.

    Raises:
        ModelError: no directed model: an element that is drawn twice, never, or from itself; an improper prior.
        DataError: data that do not fit the model, or covariates that are missing.

    Example:
        >>> from reactivepgm import Bernoulli, Beta, model, sample_prior
        >>> @model
        ... def coin(flips):
        ...     p = ~Beta(a=8.0, b=2.0)
        ...     flips[:] = ~Bernoulli(p)
        >>> draws = sample_prior(coin(), 1000, rng=1, data={"flips": [0, 0, 0]})
        >>> draws["p"].shape, draws["flips"].shape
        ((1000,), (1000, 3))
        >>> bool(abs(draws["flips"].mean() - 0.8) < 0.03)
        True
    """
    n = _count(n)
    check_arguments(model, data, "sample_prior")
    graph = model.build(data) if isinstance(model, ModelInstance) else model
    graph.refuse_unread(data or {})
    known = {array.name: array.value for array in graph.data if array.value is not None}
    order = ancestry(graph.families, graph.arrays)
    draws = Draws(n, _generator(rng), {**known, **_read(graph, data or {})}, order)
    for block in order.blocks:
        draws.draw(block)
    read = {name for family in graph.families for binding in family.bindings.values() for name in binding.names}
    unread = [array for array in graph.data if not array.size and array.name not in read]  # no turn of a loop came to them
    return {array.name: draws.of(array) for array in (*graph.random, *_observed(graph), *unread) if not array.anonymous}


def predict(
    result: Result, n: int, rng: np.random.Generator | int | None = None, data: Mapping[str, Any] | None = None
) -> dict[str, Array]:
    """Draws of every observed variable from its posterior predictive distribution, the missing data included.

    Each datum alone is exact. Data that share an element share its draw; but the elements of one variable, such as the
    states of a chain, are drawn from their marginals, independently of each other, so a draw is no path: covariances
    between data of different elements are lost (the module's docstring has the whole story). To predict at new
    covariates, infer with the new rows' data missing (``None``): every prediction is then exact. An autoregression on data
    is predicted one step ahead.

    Args:
        result: of ``infer`` or ``load_result``.
        n: how many draws.
        rng: a generator, or a seed; by default a fresh one.
        data: covariates to use instead of those of the inference; of the same shapes.

    Returns:
        By the data's names: (n, *shape, *event), a draw for every datum, whether it was there or missing.

    Raises:
        InferenceError: inputs of one factor that depend on each other in the posterior; a posterior that the result
            does not hold, or that belongs to other covariates.
        ModelError: a datum that is observed by several factors.
        DataError: data that do not fit the model.

    Example:
        >>> from reactivepgm import Normal, NormalMeanVariance, infer, model, predict
        >>> @model
        ... def level(y):
        ...     mu = ~Normal(mean=0.0, variance=100.0)
        ...     y[:] = ~NormalMeanVariance(mu, 1.0)
        >>> draws = predict(infer(level(), data={"y": [4.0, 5.0, None]}), 1000, rng=1)
        >>> draws["y"].shape, bool(abs(draws["y"][:, 2].mean() - 4.5) < 0.2)
        ((1000, 3), True)
    """
    n = _count(n)
    if not isinstance(result, Result):
        raise InferenceError(
            f"predict needs the result of an inference, not {type(result).__name__}\n"
            "  write  predict(infer(...), n); sample_prior(model(...), n) for draws before any data"
        )
    posterior = _Posterior(result, _read(result.graph, data or {}))
    order = ancestry(posterior.families, posterior.arrays, given=posterior.beliefs, feedback=False)
    draws = Draws(n, _generator(rng), posterior.values, order)
    for array in result.graph.random:
        if array.id in posterior.beliefs:
            draws.give(array, posterior.beliefs[array.id])
    for block in order.blocks:
        draws.draw(block)
    return {array.name: draws.of(array) for array in _observed(result.graph)}


def _count(n: int) -> int:
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
        raise InvalidParameterError(f"the number of draws must be a positive integer, not {n!r}")
    return int(n)


def _generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is not None and (not isinstance(rng, (int, np.integer)) or rng < 0):
        raise InvalidParameterError(f"rng must be a np.random.Generator, or a seed (a whole number from 0 on), not {rng!r}")
    return np.random.default_rng(rng)


def _read(graph: Graph, data: Mapping[str, Any]) -> dict[str, Any]:
    """Data as arrays; unlike for an inference they need not be complete."""
    known = {array.name: array for array in graph.data}
    for name in data:
        if name not in known:
            raise DataError(f"there are no data called {name} in the model; its data are {', '.join(known) or 'none'}")
    return {name: fitted(known[name], value) for name, value in data.items() if value is not None}


def _observed(graph: Graph) -> list[VariableArray]:
    """The data that factors draw."""
    sources = [output_source(family) for family in graph.families if _observes(family)]
    drawn = {source.array.id for source in sources if source is not None}
    return [array for array in graph.data if array.id in drawn]


def _observes(family: Family) -> bool:
    """Whether a family draws data; a clamped constant on its output is no observation to predict."""
    output = family.bindings[family.interfaces[0]]
    return isinstance(output, FixedBinding) and bool(output.names)


class _Posterior:
    """Which beliefs a prediction starts from, and the factors that lead from there to the data."""

    def __init__(self, result: Result, data: Mapping[str, Any]) -> None:
        self.result = result
        self.graph = result.graph
        self.values = {**result.covariates, **data}
        self.beliefs: dict[int, Distribution] = {}
        self._makers: dict[int, list[Family]] = {}
        for family in self.graph.families:
            if not _observes(family):
                self._makers.setdefault(_output(family), []).append(family)
        self._stale = self._affected({name for name in data if not _same(data[name], result.covariates.get(name))})
        observing = [family for family in self.graph.families if _observes(family)]
        chosen, evaluated = self._walk(observing)
        self.families = tuple(family for family in self.graph.families if family.id in chosen)
        self.arrays = tuple(array for array in self.graph.arrays if array.kind == "data" or array.id in evaluated)
        self._check_independence()

    def _affected(self, changed: set[str]) -> set[int]:
        """Arrays that depend on covariates which are no longer those of the inference."""
        affected: set[int] = set()
        before = -1
        while changed and len(affected) != before:
            before = len(affected)
            for array, families in self._makers.items():
                for family in families:
                    inputs = {a.id for a in _arrays(family)}
                    if changed & covariates_of(family) or affected & inputs:
                        affected.add(array)
        return affected

    def _walk(self, observing: Iterable[Family]) -> tuple[set[int], set[int]]:
        """From the observed factors up to the first variables with a belief: families, and arrays without one."""
        chosen: set[int] = set()
        evaluated: set[int] = set()
        pending = list(observing)
        while pending:
            family = pending.pop()
            if family.id in chosen:
                continue
            chosen.add(family.id)
            for array in _arrays(family):
                if array.id in self.beliefs or array.id in evaluated:
                    continue
                belief = self._belief(array)
                if belief is not None:
                    self.beliefs[array.id] = belief
                else:
                    evaluated.add(array.id)
                    pending += self._evaluable(array)
        return chosen, evaluated

    def _belief(self, array: VariableArray) -> Distribution | None:
        if array.id in self._stale:
            return None
        held = self.result.hidden if array.anonymous else self.result.posteriors
        return held.get(array.name)

    def _evaluable(self, array: VariableArray) -> list[Family]:
        """The deterministic factors that give an array its values."""
        makers = self._makers.get(array.id, [])
        for family in makers:
            if not family.node.is_deterministic:
                name = "a variable without a name" if array.anonymous else array.name
                if array.id in self._stale:
                    raise InferenceError(
                        family.site.letter(
                            f"the posterior of {name} belongs to the covariates of the inference, not to those given",
                            write="infer(...) with the new covariates and the data missing, then predict(result, n)",
                        )
                    )
                raise InferenceError(
                    family.site.letter(
                        f"the result holds no posterior of {name}",
                        write="a name for it in the model, and infer(...) without returnvars= or with that name in it",
                    )
                )
        if not makers:
            raise InferenceError(array.site.letter(f"the result holds no posterior of {array.name}, and no factor draws it"))
        return makers

    def _check_independence(self) -> None:
        """Refuse rows whose random inputs depend on each other: their marginals do not say how."""
        several = [family for family in self.families if len(_columns(family)) > 1]
        if not several:
            return
        region, first = _regions(self.graph)
        for family in several:
            for (one, i), (other, j) in combinations(_columns(family), 2):
                if isinstance(self.beliefs.get(one.id), PointMass) or isinstance(self.beliefs.get(other.id), PointMass):
                    continue
                a, b = i + first[one.id], j + first[other.id]
                together = (region[a] == region[b]) & (a != b)
                if together.any():
                    row = int(np.argmax(together))
                    names = f"{one.element_name(int(i[row]))} and {other.element_name(int(j[row]))}"
                    raise InferenceError(
                        family.site.letter(
                            f"{names} depend on each other in the posterior, and only their marginals are known",
                            write="infer(...) with the rows to predict missing (None), an expression such as a * x + b for"
                            " the mean, or constraints= that keep the two apart",
                        )
                    )


def _output(family: Family) -> int:
    output = family.bindings[family.interfaces[0]]
    return output.array.id if isinstance(output, RandomBinding) else -1


def _columns(family: Family) -> list[tuple[VariableArray, NDArray[np.intp]]]:
    """The random inputs: arrays and the element in every row."""
    inputs = [binding for name, binding in family.random.items() if name != family.interfaces[0]]
    return [(array, index) for binding in inputs for _, array, index in binding.components()]


def _arrays(family: Family) -> list[VariableArray]:
    return list({array.id: array for array, _ in _columns(family)}.values())


def _same(one: Any, other: Any) -> bool:
    return other is not None and np.array_equal(one, other, equal_nan=True)


def _regions(graph: Graph) -> tuple[NDArray[np.intp], dict[int, int]]:
    """The region of every random element, and the number of each array's first element."""
    structure = structure_of(graph)
    starts = np.cumsum([0, *(array.size for array in structure.arrays)])
    pairs = [
        (starts[cluster.edges[0].array] + cluster.edges[0].place.index, starts[edge.array] + edge.place.index)
        for clusters in structure.clusters.values()
        for cluster in clusters
        if cluster.is_joint
        for edge in cluster.edges[1:]
    ]
    empty = np.zeros(0, dtype=np.intp)
    left = np.concatenate([empty, *(one for one, _ in pairs)])
    right = np.concatenate([empty, *(other for _, other in pairs)])
    _, labels = components(int(starts[-1]), left, right)
    return labels, {array.id: int(start) for array, start in zip(structure.arrays, starts, strict=False)}
