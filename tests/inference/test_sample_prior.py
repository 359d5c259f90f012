"""Prior draws: moments against closed forms and enumeration, at four standard errors; what is no forward model."""

import math

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    DataError,
    Dirichlet,
    DirichletCollection,
    DiscreteTransition,
    Gamma,
    InvalidParameterError,
    ModelError,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    PointMass,
    Poisson,
    Uninformative,
    Wishart,
    datavar,
    model,
    randomvar,
    sample_prior,
)
from reactivepgm.graph import GraphBuilder
from reactivepgm.graph.ancestral import ancestry
from reactivepgm.nodes import node_of
from reactivepgm.nodes.sampling import draw

N = 20_000


def assert_mean(draws, expected, sigmas=4.0):
    """The mean of draws is within so many standard errors of what is expected, entry by entry."""
    error = np.std(draws, axis=0) / math.sqrt(len(draws))
    assert np.all(np.abs(np.mean(draws, axis=0) - expected) <= sigmas * error + 1e-12)


@model
def walk(y, a, v):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(1.0, 2.0)
    y[0] = ~NormalMeanVariance(x[0], 0.5)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(a * x[t - 1], v)
        y[t] = ~NormalMeanVariance(x[t], 0.5)


def walk_moments(n, a, v):
    mean, cov = np.zeros(n), np.zeros((n, n))
    step = np.eye(n) - a * np.eye(n, k=-1)
    noise = np.diag([2.0, *[v] * (n - 1)])
    inverse = np.linalg.inv(step)
    mean = inverse @ np.eye(n)[0]
    cov = inverse @ noise @ inverse.T
    return mean, cov


def test_a_gaussian_chain_has_the_covariance_of_its_dense_form():
    n, a, v = 6, 0.8, 0.3
    draws = sample_prior(walk(a=a, v=v), N, 1, {"y": np.zeros(n)})
    mean, cov = walk_moments(n, a, v)
    assert draws["x"].shape == draws["y"].shape == (N, n)
    both = np.concatenate([draws["x"], draws["y"]], axis=1)
    exact = np.block([[cov, cov], [cov, cov + 0.5 * np.eye(n)]])
    assert_mean(both, np.tile(mean, 2))
    centred = both - np.tile(mean, 2)
    assert_mean(centred[:, :, None] * centred[:, None, :], exact)


def test_only_the_chain_is_drawn_step_by_step():
    graph = walk(a=0.8, v=0.3).build({"y": np.zeros(50)})
    blocks = ancestry(graph.families, graph.arrays).blocks
    # prior, 49 steps of the product and of the walk, and the observations of the first and of the other steps
    assert len(blocks) == 1 + 2 * 49 + 2
    assert sum(block.rows is None for block in blocks) == 3


def test_a_vector_statement_and_a_plate_are_one_block_each():
    builder = GraphBuilder()
    mu = builder.random("mu")
    y = builder.data("y", (1000,))
    builder.add("NormalMeanVariance", {"out": mu, "mean": 0.0, "variance": 1.0})
    builder.add("NormalMeanVariance", {"out": y, "mean": mu, "variance": 1.0})
    graph = builder.finish()
    assert [block.rows for block in ancestry(graph.families, graph.arrays).blocks] == [None, None]
    assert sample_prior(graph, 7, 1)["y"].shape == (7, 1000)


def test_beta_binomial():
    @model
    def coin(y):
        p = ~Beta(a=2.0, b=3.0)
        y[:] = ~Bernoulli(p)

    draws = sample_prior(coin(), N, 2, {"y": np.zeros(5)})
    assert draws["y"].dtype.kind == "i"
    count = draws["y"].sum(axis=1)
    k = np.arange(6)
    log_beta = np.vectorize(lambda a, b: math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b))
    exact = np.array([math.comb(5, i) for i in k]) * np.exp(log_beta(2.0 + k, 8.0 - k) - log_beta(2.0, 3.0))
    assert_mean(count[:, None] == k, exact)


def test_dirichlet_categorical():
    alpha = np.array([1.0, 2.0, 3.0])

    @model
    def urn(y):
        p = ~Dirichlet(alpha)
        y[0] = ~Categorical(p)
        y[1] = ~Categorical(p)

    draws = sample_prior(urn(), N, 3, {"y": np.zeros(2)})
    exact = (np.outer(alpha, alpha) + np.diag(alpha)) / (6.0 * 7.0)
    first, second = np.eye(3)[draws["y"][:, 0]], np.eye(3)[draws["y"][:, 1]]
    assert_mean(first[:, :, None] * second[:, None, :], exact)
    assert_mean(draws["p"], alpha / 6.0)


def test_categories_are_one_hot_where_the_data_are():
    @model
    def urn(y):
        p = ~Dirichlet(np.ones(3))
        for i in range(len(y)):
            y[i] = ~Categorical(p)

    draws = sample_prior(urn(), 100, 3, {"y": np.eye(3)[[0, 1, 2, 0]]})
    assert draws["y"].shape == (100, 4, 3)
    assert (draws["y"].sum(axis=-1) == 1.0).all()


def hmm_enumerated(start, transition, emission, steps):
    """The probability of every path of observations."""
    table = start
    joint = np.einsum("k,ok->ok", table, emission)
    for _ in range(steps - 1):
        joint = np.einsum("...k,lk,ol->...ol", joint, transition, emission)
    return joint.sum(axis=-1)


def test_a_hidden_markov_model_by_enumeration():
    start = np.array([0.6, 0.4])
    transition = np.array([[0.9, 0.3], [0.1, 0.7]])
    emission = np.array([[0.7, 0.1], [0.2, 0.2], [0.1, 0.7]])

    @model
    def hmm(y):
        z = randomvar(len(y))
        z[0] = ~Categorical(start)
        y[0] = ~DiscreteTransition(z[0], emission)
        for t in range(1, len(y)):
            z[t] = ~DiscreteTransition(z[t - 1], transition)
            y[t] = ~DiscreteTransition(z[t], emission)

    draws = sample_prior(hmm(), N, 4, {"y": np.zeros(3)})
    exact = hmm_enumerated(start, transition, emission, 3)
    seen = np.ravel_multi_index(tuple(draws["y"].T), (3, 3, 3))
    assert_mean(seen[:, None] == np.arange(27), exact.ravel())


def test_a_random_transition_matrix_with_two_conditions():
    alpha = np.array([[1.0, 4.0], [3.0, 1.0]])[:, :, None] * np.ones(2)

    @model
    def gate(y):
        a = ~DirichletCollection(alpha)
        z = ~Bernoulli(0.25)
        w = ~Bernoulli(0.5)
        y[...] = ~DiscreteTransition(z, a, w)

    draws = sample_prior(gate(), N, 5, {"y": 0.0})
    assert draws["a"].shape == (N, 2, 2, 2)
    exact = 0.75 * 3.0 / 4.0 + 0.25 * 1.0 / 5.0
    assert_mean(draws["y"], exact)


def test_a_mixture_chooses_scalars_and_vectors():
    @model
    def scalar(y):
        m = randomvar(2)
        w = randomvar(2)
        z = randomvar(len(y))
        m[0] = ~NormalMeanVariance(-2.0, 1.0)
        m[1] = ~NormalMeanVariance(2.0, 1.0)
        for k in range(2):
            w[k] = ~Gamma(shape=3.0, rate=2.0)
        for i in range(len(y)):
            z[i] = ~Bernoulli(0.3)
            y[i] = ~NormalMixture(z[i], (m[0], m[1]), (w[0], w[1]))

    draws = sample_prior(scalar(), N, 6, {"y": np.zeros(2)})
    assert_mean(draws["y"], -2.0 * 0.7 + 2.0 * 0.3)
    # E y^2 = E m^2 + E 1/w = 5 + 2/(3 - 1)
    assert_mean(draws["y"] ** 2, 6.0)

    builder = GraphBuilder()
    z = builder.random("z")
    y = builder.data("y", (), value_shape=None)
    builder.add("Categorical", {"out": z, "p": [0.5, 0.5]})
    parts = {"m": (np.zeros(2), np.ones(2)), "p": (np.eye(2), 4.0 * np.eye(2))}
    builder.add("NormalMixture", {"out": y, "switch": z, **parts})
    drawn = sample_prior(builder.finish(), N, 7)["y"]
    assert drawn.shape == (N, 2)
    assert_mean(drawn, 0.5)


def test_a_mixture_with_fixed_and_random_components():
    @model
    def mixture(y):
        m = ~NormalMeanVariance(3.0, 1.0)
        z = ~Bernoulli(0.25)
        y[...] = ~NormalMixture(z, (-1.0, m), (1.0, 2.0))

    draws = sample_prior(mixture(), N, 7, {"y": 0.0})
    assert_mean(draws["y"], -1.0 * 0.75 + 3.0 * 0.25)
    assert_mean(draws["y"] * draws["m"], -1.0 * 0.75 * 3.0 + 10.0 * 0.25)


def test_sums_products_and_inner_products_are_exact():
    c = np.array([[1.0, 0.5], [0.0, 2.0]])
    w = np.array([1.0, -1.0])

    @model
    def linear(y):
        x = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))
        u = ~NormalMeanVariance(0.0, 1.0)
        z = ~(c @ x)
        gap = ~(z - x)
        i = ~np.dot(w, x)
        d = ~(2.0 * u + i)
        y[...] = ~NormalMeanVariance(d, 1.0)
        return gap

    draws = sample_prior(linear(), 500, 8, {"y": 0.0})
    np.testing.assert_allclose(draws["z"], draws["x"] @ c.T)
    np.testing.assert_allclose(draws["gap"], draws["z"] - draws["x"])
    np.testing.assert_allclose(draws["i"], draws["x"] @ w)
    np.testing.assert_allclose(draws["d"], 2.0 * draws["u"] + draws["i"])


def test_any_python_function_is_applied_value_by_value():
    def norm(a, b):
        return math.sqrt(a * a + b @ b)

    @model
    def curved(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        v = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))
        r = ~norm(x, v)
        y[...] = ~NormalMeanVariance(r, 1.0)

    draws = sample_prior(curved(), 200, 9, {"y": 0.0})
    np.testing.assert_allclose(draws["r"], np.sqrt(draws["x"] ** 2 + (draws["v"] ** 2).sum(axis=1)))


def test_truth_values():
    builder = GraphBuilder()
    a, b, both = builder.random("a"), builder.random("b"), builder.random("both")
    builder.add("Bernoulli", {"out": a, "p": 0.5})
    builder.add("Bernoulli", {"out": b, "p": 0.75})
    builder.add("AND", {"out": both, "in1": a, "in2": b})
    draws = sample_prior(builder.finish(), 500, 1)
    np.testing.assert_array_equal(draws["both"], draws["a"] & draws["b"])


def test_precision_matrices_and_counts():
    @model
    def counts(y):
        p = ~Wishart(5.0, 0.5 * np.eye(2))
        rate = ~Gamma(shape=2.0, rate=1.0)
        y[:] = ~Poisson(rate)
        return p

    draws = sample_prior(counts(), N, 10, {"y": np.zeros(3)})
    assert draws["p"].shape == (N, 2, 2)
    assert_mean(draws["p"], 2.5 * np.eye(2))
    assert_mean(draws["y"], 2.0)
    assert draws["y"].dtype.kind == "i"


def test_covariates_are_taken_as_given():
    x = np.array([0.0, 1.0, 2.0])

    @model
    def line(y, x):
        a = ~NormalMeanVariance(1.0, 1.0)
        for i in range(len(y)):
            y[i] = ~NormalMeanVariance(2.0 * x[i] + a, 0.25)

    draws = sample_prior(line(), N, 11, {"y": np.zeros(3), "x": x})
    assert_mean(draws["y"], 2.0 * x + 1.0)
    assert set(draws) == {"a", "y"}


def test_an_autoregression_on_its_own_data_feeds_back():
    @model
    def autoregression(y):
        tau = ~Gamma(shape=100.0, rate=100.0)
        for t in range(1, len(y)):
            y[t] = ~NormalMeanPrecision(0.5 * y[t - 1] + 1.0, tau)

    draws = sample_prior(autoregression(), N, 12, {"y": [4.0, 0.0, 0.0, 0.0]})["y"]
    assert (draws[:, 0] == 4.0).all()
    means = [4.0]
    for _ in range(3):
        means.append(0.5 * means[-1] + 1.0)
    assert_mean(draws[:, 1:], means[1:])
    product = (draws[:, 1] - means[1]) * (draws[:, 2] - means[2])
    assert_mean(product, 0.5 * 100.0 / 99.0)

    @model
    def vector(y):
        y[1:] = ~NormalMeanVariance(y[:-1], 1.0)

    drawn = sample_prior(vector(), N, 12, {"y": [1.0, 0.0, 0.0]})["y"]
    assert_mean((drawn[:, 2] - 1.0) ** 2, 2.0)


def test_an_autoregression_needs_its_first_datum():
    y = (builder := GraphBuilder()).data("y", (3,))
    builder.add("NormalMeanVariance", {"out": y[1:], "mean": y[:-1], "variance": 1.0})
    with pytest.raises(DataError, match="y is an input where no factor draws it"):
        sample_prior(builder.finish(), 3, 1)


def test_data_declared_in_the_model_need_no_values():
    @model
    def declared():
        y = datavar(float, 3)
        m = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanVariance(m, 1.0)

    draws = sample_prior(declared(), 10, 1)
    assert draws["y"].shape == (10, 3)


def test_the_same_seed_gives_the_same_draws():
    data = {"y": np.zeros(4)}
    one = sample_prior(walk(a=1.0, v=1.0), 5, 3, data)
    two = sample_prior(walk(a=1.0, v=1.0), 5, np.random.default_rng(3), data)
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_arrays_of_two_axes_keep_their_shape():
    builder = GraphBuilder()
    x = builder.random("x", (2, 3))
    builder.add("MvNormalMeanCovariance", {"out": x, "mean": np.zeros(4), "covariance": np.eye(4)})
    assert sample_prior(builder.finish(), 5, 1)["x"].shape == (5, 2, 3, 4)


class TestWhatIsNoForwardModel:
    def test_a_variable_that_two_factors_draw(self):
        @model
        def twice():
            x = randomvar(2)
            x[0] = ~NormalMeanVariance(0.0, 1.0)
            x[1] = ~NormalMeanVariance(0.0, 1.0)
            x[1] = ~NormalMeanVariance(x[0], 1.0)

        with pytest.raises(ModelError, match=r"x\[1\] is drawn by 2 factors") as caught:
            sample_prior(twice(), 3, 1)
        assert "x[1] = ~NormalMeanVariance(x[0], 1.0)" in str(caught.value)

    def test_a_datum_that_two_factors_draw(self):
        @model
        def twice(y):
            y[...] = ~NormalMeanVariance(0.0, 1.0)
            y[...] = ~NormalMeanVariance(1.0, 1.0)

        with pytest.raises(ModelError, match="y is drawn by 2 factors"):
            sample_prior(twice(), 3, 1, {"y": 0.0})

    def test_a_variable_that_nobody_draws(self):
        @model
        def never(y):
            x = randomvar(3)
            x[0] = ~NormalMeanVariance(0.0, 1.0)
            y[...] = ~NormalMeanVariance(x[2], 1.0)

        with pytest.raises(ModelError, match=r"x\[1\] is never drawn(.|\n)*randomvar"):
            sample_prior(never(), 3, 1, {"y": 0.0})

    def test_an_improper_prior(self):
        @model
        def flat(y):
            x = ~Uninformative()
            y[...] = ~NormalMeanVariance(x, 1.0)

        with pytest.raises(ModelError, match=r"x has an improper prior: Uninformative(.|\n)*x = ~Uninformative\(\)"):
            sample_prior(flat(), 3, 1, {"y": 0.0})

    def test_an_infinite_variance(self):
        @model
        def wide(y):
            x = ~NormalMeanVariance(0.0, math.inf)
            y[...] = ~NormalMeanVariance(x, 1.0)

        with pytest.raises(ModelError, match="x has no prior whose draws are finite"):
            sample_prior(wide(), 3, 1, {"y": 0.0})

    def test_a_circle(self):
        builder = GraphBuilder()
        a, b = builder.random("a"), builder.random("b")
        builder.add("NormalMeanVariance", {"out": a, "mean": b, "variance": 1.0})
        builder.add("NormalMeanVariance", {"out": b, "mean": a, "variance": 1.0})
        with pytest.raises(ModelError, match="a depends on itself"):
            sample_prior(builder.finish(), 3, 1)


def test_covariates_that_are_missing():
    builder = GraphBuilder()
    x, y = builder.data("x", (2,)), builder.data("y", (2,))
    builder.add("NormalMeanVariance", {"out": y, "mean": x, "variance": 1.0})
    graph = builder.finish()
    with pytest.raises(DataError, match="no data for x"):
        sample_prior(graph, 3, 1)
    with pytest.raises(DataError, match="there are no data called z"):
        sample_prior(graph, 3, 1, {"z": 1.0})
    assert sample_prior(graph, 3, 1, {"x": [0.0, 1.0]})["y"].shape == (3, 2)


@pytest.mark.parametrize("n", [0, -1, 2.5, True, None])
def test_the_number_of_draws(n):
    with pytest.raises(InvalidParameterError, match="number of draws"):
        sample_prior(walk(a=1.0, v=1.0), n, 1, {"y": np.zeros(2)})


def test_a_category_that_is_none():
    table = PointMass(np.full((2, 2), 0.5))
    for wrong in (2.0, 0.5, -1.0):
        with pytest.raises(InvalidParameterError, match=r"in of DiscreteTransition must be one of the categories 0 \.\.\. 1"):
            draw(node_of("DiscreteTransition"), np.random.default_rng(1), [PointMass(wrong), table], (3,))


def test_a_long_chain():
    y = np.zeros(5000)
    draws = sample_prior(walk(a=1.0, v=1.0), 10, 1, {"y": y})
    assert draws["x"].shape == (10, 5000)


def test_without_data_the_draws_are_empty_arrays():
    @model
    def f(y):
        a = ~NormalMeanVariance(0.0, 1.0)
        x = randomvar(len(y))
        for i in range(len(y)):
            x[i] = ~NormalMeanVariance(a, 1.0)
            y[i] = ~NormalMeanVariance(x[i], 1.0)

    draws = sample_prior(f(), 4, rng=1, data={"y": []})
    assert {name: value.shape for name, value in draws.items()} == {"a": (4,), "x": (4, 0), "y": (4, 0)}
