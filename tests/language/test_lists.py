"""Variables kept in lists, tuples and dictionaries have the container's name, in constraints and in initial values."""

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    ConstraintError,
    Gamma,
    MeanField,
    ModelError,
    MvNormal,
    Normal,
    NormalMixture,
    PointMass,
    infer,
    model,
    randomvar,
)

RNG = np.random.default_rng(1)
Y = np.concatenate([RNG.normal(-2.0, 1.0, 20), RNG.normal(2.0, 1.0, 20)])
START = {
    "share": Beta(1.0, 1.0),
    "z": Bernoulli(0.5),
    "mu": Normal(mean=np.array([-1.0, 1.0]), variance=1.0),
    "w": Gamma(shape=1.0, rate=1.0),
}


@model
def arrays(y):
    share = ~Beta(1.0, 1.0)
    z, mu, w = randomvar(len(y)), randomvar(2), randomvar(2)
    mu[:] = ~Normal(mean=np.array([-1.0, 1.0]), variance=10.0)
    w[:] = ~Gamma(shape=np.ones(2), rate=1.0)
    z[:] = ~Bernoulli(share)
    y[:] = ~NormalMixture(z, mu, w)


@model
def displays(y):
    share = ~Beta(1.0, 1.0)
    z = randomvar(len(y))
    mu = [~Normal(mean=-1.0, variance=10.0), ~Normal(mean=1.0, variance=10.0)]
    w = (~Gamma(shape=1.0, rate=1.0), ~Gamma(shape=1.0, rate=1.0))
    z[:] = ~Bernoulli(share)
    y[:] = ~NormalMixture(z, tuple(mu), w)


@model
def comprehensions(y):
    share = ~Beta(1.0, 1.0)
    z = randomvar(len(y))
    mu = [~Normal(mean=2.0 * k - 1.0, variance=10.0) for k in range(2)]
    w = [~Gamma(shape=1.0, rate=1.0) for _ in range(2)]
    z[:] = ~Bernoulli(share)
    y[:] = ~NormalMixture(z, mu, w)


@model
def appended(y):
    share = ~Beta(1.0, 1.0)
    z = randomvar(len(y))
    mu = []
    w = []
    for k in range(2):
        mu.append(~Normal(mean=2.0 * k - 1.0, variance=10.0))
        w.append(~Gamma(shape=1.0, rate=1.0))
    z[:] = ~Bernoulli(share)
    y[:] = ~NormalMixture(z, tuple(mu), tuple(w))


@model
def stored(y):
    share = ~Beta(1.0, 1.0)
    z = randomvar(len(y))
    mu, w = {}, [None] * 2
    for k, name in enumerate(("low", "high")):
        mu[name] = ~Normal(mean=2.0 * k - 1.0, variance=10.0)
        w[k] = ~Gamma(shape=1.0, rate=1.0)
    z[:] = ~Bernoulli(share)
    y[:] = ~NormalMixture(z, (mu["low"], mu["high"]), tuple(w))


SPELLINGS = [displays, comprehensions, appended, stored]
CONSTRAINTS = {
    "mean field": MeanField(),
    "equations": ["q(z, mu, w, share) = q(z) q(mu) q(w) q(share)", "q(mu) = prod q(mu[k])", "q(w) = q(w[0]) q(w[1])"],
}


@pytest.mark.parametrize("constraints", CONSTRAINTS)
@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda m: m.function.__name__)
def test_a_mixture_of_listed_components_is_that_of_arrays(spelling, constraints):
    """Names, posteriors and free energy are those of declared arrays."""
    chosen = CONSTRAINTS[constraints]
    expected = infer(arrays(), data={"y": Y}, constraints=MeanField(), initialisation=START, iterations=10, free_energy=True)
    result = infer(spelling(), data={"y": Y}, constraints=chosen, initialisation=START, iterations=10, free_energy=True)
    assert set(result.posteriors) == {"share", "z", "mu", "w"}
    np.testing.assert_allclose(result.free_energy, expected.free_energy)
    np.testing.assert_allclose(result.posteriors["mu"].mean, expected.posteriors["mu"].mean)


def test_one_interface_of_several_variables_falls_apart_alone():
    """The equation names nothing else, and the components are in the cluster of nothing else."""
    graph = arrays().build({"y": Y}).constrained("q(mu) = prod q(mu[k])")
    mixture = next(family for family in graph.families if family.node.name == "NormalMixture")
    assert ("m",) in mixture.clusters
    together = arrays().build({"y": Y})
    with pytest.raises(ConstraintError, match="no factor has two of z"):
        together.constrained("q(z) = prod q(z[i])")


def test_a_joint_cluster_of_components_is_a_letter():
    """With the statement, the variables and what to write."""
    with pytest.raises(ModelError) as caught:
        infer(arrays(), data={"y": Y}, constraints="q(share, z) = q(share) q(z)", initialisation=START)
    told = str(caught.value)
    assert "m of NormalMixture takes several variables, here mu, which q must set apart; q holds them together with" in told
    assert "test_lists.py" in told and "y[:] = ~NormalMixture(z, mu, w)" in told
    assert ".where(q=q(switch) * q(m) * q(p)) behind the factor, or constraints=MeanField()" in told


def test_lists_of_several_kinds_keep_a_variable_each():
    """Beliefs of several families, or of several dimensions, have no array in common."""

    @model
    def mixed():
        pair = [~Normal(mean=0.0, variance=1.0), ~Gamma(shape=1.0, rate=1.0)]
        sizes = [~MvNormal(mean=np.zeros(k), covariance=np.eye(k)) for k in (2, 3)]
        vectors = [~MvNormal(mean=np.zeros(2), covariance=np.eye(2)), ~MvNormal(mean=np.ones(2), covariance=np.eye(2))]
        unequal = [~MvNormal(mean=np.zeros(2), covariance=np.eye(2)), ~MvNormal(mean=np.ones(3), covariance=np.eye(3))]
        return pair, sizes, vectors, unequal

    instance = mixed()
    graph = instance.build()
    pair, _, vectors, unequal = instance.returned
    assert [variable.name for variable in pair] == ["pair_0", "pair_1"]
    assert [variable.name for variable in unequal] == ["unequal_0", "unequal_1"]
    assert [variable.array.name for variable in vectors] == ["vectors", "vectors"]
    assert graph.variables["vectors"].shape == (2,)


def test_lists_in_loops_keep_a_variable_each():
    """Each turn has other variables."""

    @model
    def turns(n):
        ends = []
        for _ in range(n):
            pair = [~Normal(mean=0.0, variance=1.0), ~Normal(mean=1.0, variance=1.0)]
            ends.append(pair[1])
        return ends

    instance = turns(3)
    graph = instance.build()
    assert sum(array.size for array in graph.random) == 6
    assert [float(infer(instance).posteriors[v.array.name].mean[v.first]) for v in instance.returned] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("value", [2.0, np.array([1.0, 3.0])], ids=["number", "vector"])
def test_a_known_value_is_drawn_written_out_or_by_name(value):
    """``~PointMass(v)`` and ``~prior`` are one thing."""

    @model
    def by_name(prior):
        x = ~prior
        return [x]

    @model
    def written():
        x = ~PointMass(value)
        return [x]

    one, other = infer(by_name(PointMass(value))), infer(written())
    np.testing.assert_array_equal(one.posteriors["x"].mean, value)
    np.testing.assert_array_equal(other.posteriors["x"].mean, value)
    assert one.graph.same_as(other.graph)
