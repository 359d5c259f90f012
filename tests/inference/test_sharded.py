"""One model on several workers against the same model on one, iteration by iteration: posteriors and free energies."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reactivepgm import (
    Categorical,
    DirichletCollection,
    DiscreteTransition,
    Gamma,
    GammaShapeRate,
    ImproperPosteriorError,
    MeanField,
    ModelError,
    MvNormal,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    Probit,
    Wishart,
    dot,
    form,
    infer,
    model,
    predict,
    randomvar,
)
from reactivepgm.distributions import PointMass
from reactivepgm.inference import shard as shards_of_this_process
from tests.inference.sharded_models import MIXTURE, REGRESSION, clusters, mixture, plane, regression


@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(3) as executor:
        yield executor


def close(here, there):
    np.testing.assert_allclose(there.free_energy, here.free_energy, rtol=1e-9)
    assert there.iterations == here.iterations
    assert there.converged == here.converged
    assert set(there.posteriors) == set(here.posteriors)
    for name, belief in here.posteriors.items():
        other = there.posteriors[name]
        assert type(other) is type(belief)
        assert other.batch_shape == belief.batch_shape
        for key, value in belief.parameters.items():
            np.testing.assert_allclose(other.parameters[key], value, rtol=1e-9, atol=1e-12, err_msg=f"{name}.{key}")


def same(instance, executor, *, iterations=(1, 2, 5), shards=None, **options):
    options = {"free_energy": True, **options}
    for count in iterations:
        close(
            infer(instance, iterations=count, **options),
            infer(instance, iterations=count, executor=executor, shards=shards, **options),
        )


def test_a_mixture_with_gaps(pool):
    same(mixture(K=3), pool, data={"y": clusters(200)}, **MIXTURE)


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_any_number_of_shards(pool, shards):
    same(mixture(K=3), pool, shards=shards, iterations=[3], data={"y": clusters(90)}, **MIXTURE)


def test_a_mixture_that_begins_with_the_assignments(pool):
    start = {"z": Categorical(np.random.default_rng(1).dirichlet(np.ones(3), size=90)), "w": GammaShapeRate(1.0, 1.0)}
    same(mixture(K=3), pool, data={"y": clusters(90)}, constraints=MeanField(), initialisation=start)


def test_a_regression_with_unknown_precision_and_gaps(pool):
    same(regression(), pool, data=plane(150), **REGRESSION)


def test_a_regression_of_fewer_rows_in_a_shard_than_coefficients(pool):
    same(regression(), pool, shards=16, iterations=[4], data=plane(34), **REGRESSION)


def test_a_shard_without_any_observation(pool):
    data = plane(90)
    data["y"][:30] = np.nan
    same(regression(), pool, data=data, **REGRESSION)


def test_vague_priors_and_collinear_rows(pool):
    data = plane(60)
    data["X"][:20, 2] = data["X"][:20, 1]  # the first shard alone does not determine w

    @model
    def vague(y, X):
        w = ~MvNormalMeanCovariance(np.zeros(3), 1e8 * np.eye(3))
        tau = ~GammaShapeRate(1e-3, 1e-3)
        for i in range(len(y)):
            y[i] = ~NormalMeanPrecision(dot(X[i], w), tau)

    same(vague(), pool, data=data, **REGRESSION)


def test_latent_trees_on_a_shared_mean(pool):
    @model
    def trees(y):
        mu = ~NormalMeanVariance(0.0, 100.0)
        x, u = randomvar(len(y)), randomvar(len(y), 2)
        for i in range(len(y)):
            x[i] = ~NormalMeanVariance(mu, 2.0)
            for j in range(2):
                u[i, j] = ~NormalMeanVariance(x[i], 0.5)
                y[i, j] = ~NormalMeanVariance(u[i, j], 1.0)

    y = np.random.default_rng(2).normal(size=(40, 2)) + 3.0
    y[4, 1] = y[11] = np.nan
    same(trees(), pool, data={"y": y}, iterations=[1])


def test_vectors_around_a_shared_mean(pool):
    @model
    def vectors(y):
        mu = ~MvNormalMeanCovariance(np.zeros(2), 100.0 * np.eye(2))
        W = ~Wishart(4.0, np.eye(2))
        x = randomvar(len(y))
        for i in range(len(y)):
            x[i] = ~MvNormalMeanCovariance(mu, np.array([[1.0, 0.3], [0.3, 2.0]]))
            y[i] = ~MvNormalMeanPrecision(x[i], W)

    y = np.random.default_rng(3).normal(loc=[1.0, -4.0], size=(60, 2))
    start = {"W": Wishart(4.0, np.eye(2))}
    same(vectors(), pool, data={"y": y}, constraints="q(mu, x, W) = q(mu, x) q(W)", initialisation=start)


def test_groups_of_unequal_size(pool):
    """A group that is larger than a shard is shared, those that are smaller lie in one."""

    @model
    def groups(y, g, G):
        mu = ~NormalMeanVariance(0.0, 100.0)
        tau = ~Gamma(shape=1.0, rate=1.0)
        m = randomvar(G)
        m[:] = ~NormalMeanVariance(mu, 1.0)
        for i in range(len(y)):
            y[i] = ~NormalMeanPrecision(m[g[i]], tau)

    rng = np.random.default_rng(4)
    g = np.sort(np.concatenate([np.zeros(120, dtype=int), rng.integers(1, 25, size=100)]))
    y = rng.normal(size=len(g)) + g % 3
    start = {"tau": Gamma(shape=1.0, rate=1.0), "mu": Normal(mean=0.0, variance=1.0)}
    same(groups(g=g, G=25), pool, data={"y": y}, constraints=MeanField(), initialisation=start)


def test_many_hidden_markov_models_with_one_transition(pool):
    @model
    def series(y, n, T):
        A = ~DirichletCollection(np.ones((2, 2)) + np.eye(2))
        s = randomvar(n, T)
        for k in range(n):
            s[k, 0] = ~Categorical(np.full(2, 0.5))
            y[k, 0] = ~DiscreteTransition(s[k, 0], np.array([[0.9, 0.2], [0.1, 0.8]]))
            for t in range(1, T):
                s[k, t] = ~DiscreteTransition(s[k, t - 1], A)
                y[k, t] = ~DiscreteTransition(s[k, t], np.array([[0.9, 0.2], [0.1, 0.8]]))

    y = np.eye(2)[np.random.default_rng(5).integers(0, 2, size=(20, 6))]
    start = {"A": DirichletCollection(np.ones((2, 2)) + np.eye(2))}
    same(series(n=20, T=6), pool, data={"y": y}, constraints="q(s, A) = q(s) q(A)", initialisation=start)


def test_mean_field_chains_have_colours(pool):
    @model
    def chains(y, n, T):
        tau = ~Gamma(shape=1.0, rate=1.0)
        x = randomvar(n, T)
        for k in range(n):
            x[k, 0] = ~NormalMeanVariance(0.0, 10.0)
            for t in range(1, T):
                x[k, t] = ~NormalMeanVariance(x[k, t - 1], 1.0)
            for t in range(T):
                y[k, t] = ~NormalMeanPrecision(x[k, t], tau)

    y = np.random.default_rng(6).normal(size=(12, 5)).cumsum(axis=1)
    start = {"tau": Gamma(shape=1.0, rate=1.0), "x": Normal(mean=0.0, variance=1.0)}
    same(chains(n=12, T=5), pool, data={"y": y}, constraints=MeanField(), initialisation=start)


def test_points_and_a_hyperprior(pool):
    @model
    def ridge(y, X):
        alpha = ~Gamma(shape=1.0, rate=1.0)
        tau = ~Gamma(shape=1.0, rate=1.0)
        w = ~NormalMeanPrecision(0.0, alpha)
        for i in range(len(y)):
            y[i] = ~NormalMeanPrecision(X[i, 0] * w, tau)

    start = {"tau": Gamma(shape=2.0, rate=1.0), "alpha": Gamma(shape=1.0, rate=1.0)}
    constraints = [MeanField(), form("tau", PointMass)]
    same(ridge(), pool, data=plane(80), constraints=constraints, initialisation=start)


def test_what_is_lost_is_made_again(pool):
    """Shards that vanish between two iterations, from their inputs: with and without their own earlier state."""

    def lose(number, *_):
        if number in (2, 3):
            for key in list(shards_of_this_process._HELD)[: number - 1]:
                del shards_of_this_process._HELD[key]

    by_means = {"data": {"y": clusters(90)}, "iterations": 5, "free_energy": True, **MIXTURE}
    by_assignments = {
        **by_means,
        "initialisation": {
            "z": Categorical(np.random.default_rng(1).dirichlet(np.ones(3), size=90)),
            "w": Gamma(shape=1.0, rate=1.0),
        },
    }
    for instance, options in [
        (mixture(K=3), by_means),
        (mixture(K=3), by_assignments),
        (regression(), {"data": plane(90), "iterations": 5, "free_energy": True, **REGRESSION}),
    ]:
        sound = infer(instance, executor=pool, **options)
        lossy = infer(instance, executor=pool, callbacks={"after_iteration": lose}, **options)
        np.testing.assert_array_equal(lossy.free_energy, sound.free_energy)
        for name, belief in sound.posteriors.items():
            for key, value in belief.parameters.items():
                np.testing.assert_array_equal(lossy.posteriors[name].parameters[key], value)
    assert not shards_of_this_process._HELD


def test_it_stops_where_it_would(pool):
    same(mixture(K=3), pool, iterations=[50], tolerance=1e-4, data={"y": clusters(90)}, **MIXTURE)


def test_only_what_is_asked_for_is_collected(pool):
    result = infer(regression(), data=plane(60), executor=pool, iterations=5, returnvars=["w", "tau"], **REGRESSION)
    assert list(result.posteriors) == ["w", "tau"]
    assert predict(result, 4, rng=0)["y"].shape == (4, 60)


@model
def walk(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanVariance(x[:-1], 1.0)
    y[:] = ~NormalMeanVariance(x, 1.0)


@model
def line(y, x):
    a = ~Normal(mean=0.0, variance=10.0)
    b = ~Normal(mean=0.0, variance=10.0)
    for i in range(len(y)):
        y[i] = ~Normal(mean=a * x[i] + b, variance=1.0)


@model
def votes(y):
    mu = ~NormalMeanVariance(0.0, 1.0)
    for i in range(len(y)):
        y[i] = ~Probit(mu)


@pytest.mark.parametrize("n", [9, 400])
def test_a_chain_is_refused(pool, n):
    with pytest.raises(ModelError, match="without executor="):
        infer(walk(), data={"y": np.zeros(n)}, executor=pool)


def test_what_is_refused(pool):
    with pytest.raises(ModelError, match=r"dot\(X\[i\], w\)"):
        infer(line(), data={"y": np.zeros(90), "x": np.arange(90.0)}, executor=pool)
    with pytest.raises(ModelError, match="own edges"):
        infer(votes(), data={"y": np.ones(90)}, executor=pool)
    with pytest.raises(ModelError, match="takes no tasks"):
        infer(regression(), data=plane(60), executor=3, **REGRESSION)
    with pytest.raises(ModelError, match="without an executor"):
        infer(regression(), data=plane(60), shards=3, **REGRESSION)
    with pytest.raises(ModelError, match="one process only"):
        infer(regression(), data=plane(60), executor=pool, trace=True, **REGRESSION)
    with pytest.raises(ModelError, match="shards=0"):
        infer(regression(), data=plane(60), executor=pool, shards=0, **REGRESSION)


def test_errors_of_a_shard_say_which(pool):
    @model
    def bare(y):
        tau = ~Gamma(shape=1.0, rate=1.0)
        x = randomvar(len(y))
        y[:] = ~NormalMeanPrecision(x, tau)

    y = np.zeros(90)
    y[50] = np.nan
    with pytest.raises(ImproperPosteriorError) as caught:
        infer(bare(), data={"y": y}, constraints=MeanField(), initialisation={"tau": Gamma(shape=1.0, rate=1.0)}, executor=pool)
    assert caught.value.__notes__ == [
        "in shard 1, which has x[30] to x[59]; numbers of rows and elements count within the shard"
    ]


def test_vectors_with_a_known_covariance_settle_in_one_iteration(pool):
    @model
    def mean(y):
        mu = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
        for i in range(len(y)):
            y[i] = ~MvNormal(mean=mu, covariance=np.eye(2))

    same(mean(), pool, data={"y": np.random.default_rng(0).normal(size=(50, 2))}, iterations=[3])
