"""The textbook examples of the model language as first published for Julia, said in Python: all build, and those with data run.

Where a posterior is computed it is held against a closed form, dense algebra, or quadrature.
"""
# ruff: noqa: RET504, F821, F841 - a model names what it draws; the edges of a factorisation are bound nowhere

import numpy as np
import pytest

import reactivepgm as rp
from reactivepgm import (
    ConstVariable,
    FullFactorisation,
    Gamma,
    LoggerPipelineStage,
    MeanField,
    MvNormal,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    constvar,
    datavar,
    infer,
    inv,
    model,
    q,
    randomvar,
)

TOGETHER = (("out", "mean", "variance"),)
APART = (("out",), ("mean",), ("variance",))
MEAN_AND_VARIANCE = (("out",), ("mean", "variance"))


def node_names(graph):
    return [family.node.name for family in graph.families]


# -- the model function ---------------------------------------------------------------------------------------------------


def test_options_first_and_then_a_function():
    @model(default_factorisation=MeanField(), pipeline=rp.EmptyPipelineStage())
    def model_name(a, b):
        x = ~NormalMeanVariance(a, b)
        return x

    @model()
    def without_options(a, b):
        x = ~NormalMeanVariance(a, b)
        return x

    @model
    def plain(a, b):
        x = ~NormalMeanVariance(a, b)
        return x

    assert without_options(1.0, 2.0).build().same_as(plain(1.0, 2.0).build())
    graph, x = model_name(1.0, b=2.0)
    assert infer(graph).posteriors["x"] == NormalMeanVariance(1.0, 2.0) and x.name == "x"


def test_a_graph_and_a_tuple_of_what_was_returned():
    @model
    def my_model(variance):
        x = ~NormalMeanVariance(0.0, variance)
        y = ~NormalMeanVariance(x, variance)
        return x, y

    graph, (x, y) = my_model(2.0)
    _, (again, _) = my_model(variance=2.0)
    assert (x.name, y.name, again.name) == ("x", "y", "x")
    assert isinstance(graph, rp.Graph) and len(graph.factors) == 2


def test_a_model_must_return_something_to_be_unpacked():
    @model
    def my_model():
        x = ~NormalMeanVariance(0.0, 1.0)

    with pytest.raises(rp.ModelReturnsNothingError):
        _, _ = my_model()


# -- the full example -----------------------------------------------------------------------------------------------------


@model
def state_space_model(n_observations, noise_variance):
    x = randomvar(n_observations)
    y = datavar(float, n_observations)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    for i in range(1, n_observations):
        x[i] = ~(x[i - 1] + 1.0)
        y[i] = ~NormalMeanVariance(x[i], noise_variance)
    return x, y


@pytest.mark.parametrize("n", [2, 3, 40])
def test_a_linear_gaussian_state_space_model(n):
    graph, (x, y) = state_space_model(n, 2.0)
    assert (x.kind, x.shape, y.kind, y.shape) == ("random", (n,), "data", (n,))
    assert node_names(graph) == ["NormalMeanVariance", "addition", "NormalMeanVariance"]
    ys = np.arange(n) + np.random.default_rng(n).normal(3.0, 1.0, n)
    result = infer(graph, data={"y": ys}, free_energy=True)
    # x_i = x_0 + i, so n - 1 observations y_i - i speak of x_0 alone.
    seen = ys[1:] - np.arange(1, n)
    precision = 1 / 100.0 + (n - 1) / 2.0
    mean = seen.sum() / 2.0 / precision
    np.testing.assert_allclose(result.posteriors["x"].mean, mean + np.arange(n), rtol=1e-10)
    np.testing.assert_allclose(result.posteriors["x"].variance, 1 / precision, rtol=1e-9)
    covariance = 100.0 + 2.0 * np.eye(n - 1)
    evidence = -0.5 * (seen @ np.linalg.solve(covariance, seen) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    np.testing.assert_allclose(-result.free_energy[-1], evidence, rtol=1e-10)


def test_the_state_space_model_one_observation_at_a_time():
    _, (x, y) = state_space_model(3, 2.0)
    seen = []
    rp.marginal(x).subscribe(seen.append)
    rp.update(y, [None, 4.0, 5.0])
    assert seen[-1].mean[0] == pytest.approx((4.0 - 1.0 + 5.0 - 2.0) / 2.0 / (0.01 + 1.0))


# -- constants ------------------------------------------------------------------------------------------------------------


def test_a_constant_made_by_hand_is_shared():
    @model
    def by_hand(n):
        x = randomvar(n)
        c = constvar(1.0)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        for i in range(1, n):
            x[i] = ~(x[i - 1] + c)
        return x

    @model
    def annotated(nsamples: int, c: ConstVariable):
        x = randomvar(nsamples)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        for i in range(1, nsamples):
            x[i] = ~(x[i - 1] + c)
        return x

    assert by_hand(5).build().same_as(annotated(5, 1.0).build()) and annotated(5, 1).build().same_as(by_hand(5).build())
    np.testing.assert_allclose(infer(annotated(5, 1)).posteriors["x"].mean, np.arange(5.0), atol=1e-12)


def test_a_large_matrix_is_not_copied():
    big = np.eye(50)

    @model
    def f(matrix: ConstVariable):
        x = randomvar(20)
        x[0] = ~MvNormal(mean=np.zeros(50), covariance=matrix)
        for i in range(1, 20):
            x[i] = ~MvNormal(mean=x[i - 1], covariance=matrix)

    graph = f(big).build()
    assert [family.rows for family in graph.families] == [1, 19]
    assert all(family.fixed["covariance"].resolve({}).value.shape == (50, 50) for family in graph.families)


# -- data and random variables --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda *s: datavar(float, *s), randomvar], ids=["datavar", "randomvar"])
def test_shapes_of_variables(make):
    n, m = 3, 2

    @model
    def f():
        a = make()
        b = make(n)
        c = make(n, m)
        d = make((n, m))
        return a, b, c, d

    _, variables = f()
    assert [v.shape for v in variables] == [(), (n,), (n, m), (n, m)]


# -- factor nodes ---------------------------------------------------------------------------------------------------------


def test_a_factor_makes_its_variable():
    @model
    def f():
        m = randomvar()
        v = randomvar()
        y = ~NormalMeanVariance(m, v)
        return m, v, y

    graph, (_, _, y) = f()
    assert (y.name, y.kind) == ("y", "random") and graph.families[0].clusters == TOGETHER


def test_deterministic_relations():
    @model
    def f(seen):
        a = randomvar()
        b = randomvar()
        a[...] = ~NormalMeanVariance(1.0, 2.0)
        b[...] = ~NormalMeanVariance(2.0, 3.0)
        c = ~(a + b)
        seen[...] = ~NormalMeanVariance(c, 1.0)
        return c

    result = infer(f(), data={"seen": 5.0}, free_energy=True)
    # c ~ N(3, 5) a priori, seen with variance 1.
    assert result.posteriors["c"].mean == pytest.approx((3.0 / 5.0 + 5.0) / (1 / 5.0 + 1.0))
    assert result.posteriors["a"].mean == pytest.approx(1.0 + 2.0 / 6.0 * 2.0)
    assert -result.free_energy[-1] == pytest.approx(-0.5 * (np.log(2 * np.pi * 6.0) + 4.0 / 6.0))


def test_inner_calls_become_factors_only_where_something_is_random():
    @model
    def f(mean, precision):
        noise = ~NormalMeanVariance(mean, inv(precision))
        return noise

    @model
    def random():
        mean = ~NormalMeanVariance(0.0, 1.0)
        precision = ~Gamma(shape=2.0, rate=1.0)
        noise = ~NormalMeanVariance(mean, inv(precision))
        return noise

    assert node_names(f(1.0, 4.0).build()) == ["NormalMeanVariance"]
    assert node_names(f().build({"mean": 1.0, "precision": 4.0})) == ["NormalMeanVariance"]
    assert node_names(f(1.0).build({"precision": 4.0})) == ["NormalMeanVariance"]
    assert "Delta(inv)" in node_names(random().build())
    for posterior in (
        infer(f(1.0, 4.0)).posteriors["noise"],
        infer(f(), data={"mean": 1.0, "precision": 4.0}).posteriors["noise"],
    ):
        assert (posterior.mean, posterior.variance) == (pytest.approx(1.0), pytest.approx(0.25))


def test_indexing_makes_no_factor():
    @model
    def f(variance):
        x = randomvar(3)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        for i in range(1, 3):
            x[i] = ~NormalMeanVariance(x[i - 1], variance)
        y = ~NormalMeanVariance(x[2], variance)
        return y

    assert node_names(f(1.0).build()) == ["NormalMeanVariance"] * 3
    assert infer(f(1.0)).posteriors["y"].variance == pytest.approx(4.0)


def test_a_matrix_times_an_element_is_one_anonymous_factor():
    A = np.array([[1.0, 1.0], [0.0, 1.0]])

    @model
    def f(y, A, variance):
        x = randomvar(len(y))
        x[0] = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))
        y[0] = ~MvNormalMeanCovariance(x[0], variance)
        for i in range(1, len(y)):
            x[i] = ~MvNormalMeanCovariance(A @ x[i - 1], variance)
            y[i] = ~MvNormalMeanCovariance(x[i], variance)

    ys = np.random.default_rng(0).normal(size=(4, 2))
    variance = 0.5 * np.eye(2)
    graph = f(A=A, variance=variance).build({"y": ys})
    assert node_names(graph).count("multiplication") == 1 and sum(array.anonymous for array in graph.random) == 1
    result = infer(f(A=A, variance=variance), data={"y": ys}, free_energy=True)
    # The joint of all states and observations, dense: x = L e with block row i of L being A^(i-j).
    n = len(ys)
    L = np.block([[np.linalg.matrix_power(A, i - j) if i >= j else np.zeros((2, 2)) for j in range(n)] for i in range(n)])
    noise = np.kron(np.diag([1.0, 0.5, 0.5, 0.5]), np.eye(2))
    prior = L @ noise @ L.T
    covariance = prior + 0.5 * np.eye(2 * n)
    mean = prior @ np.linalg.solve(covariance, ys.ravel())
    np.testing.assert_allclose(result.posteriors["x"].mean.ravel(), mean, rtol=1e-9)
    evidence = -0.5 * (ys.ravel() @ np.linalg.solve(covariance, ys.ravel()) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    assert -result.free_energy[-1] == pytest.approx(evidence)


def test_a_node_reference_takes_an_initial_joint_marginal():
    @model
    def f():
        y = datavar(float)
        mean = ~NormalMeanVariance(0.0, 1.0)
        precision = ~Gamma(shape=1.0, rate=1.0)
        node, hidden = ~NormalMeanPrecision(mean, precision).where(q=q(out, mean) * q(precision))
        y[...] = ~NormalMeanVariance(hidden, 1.0)
        return node, precision, y

    _, (node, precision, y) = f()
    assert node.interfaces == ("out", "mean", "precision")
    rp.set_marginal(node, "out_mean", MvNormal(mean=np.zeros(2), covariance=np.eye(2)))
    seen = []
    rp.marginal(precision).subscribe(seen.append)
    rp.update(y, 1.0)
    # E (out - mean)^2 = 2 under the joint that was set.
    assert seen[0] == rp.GammaShapeRate(1.5, 2.0)


# -- options of a statement -----------------------------------------------------------------------------------------------


def test_every_spelling_of_a_factorisation():
    @model
    def f():
        y_mean = randomvar()
        y_var = randomvar()
        a = ~NormalMeanVariance(y_mean, y_var).where(q=MeanField())
        b = ~NormalMeanVariance(y_mean, y_var).where(q=FullFactorisation())
        y = ~NormalMeanVariance(y_mean, y_var).where(q=q(y_mean) * q(y_var) * q(y))
        c = ~NormalMeanVariance(y_mean, y_var).where(q=q(μ) * q(v) * q(out))
        d = ~NormalMeanVariance(y_mean, y_var).where(q=q(μ, v) * q(out))
        e = ~NormalMeanVariance(y_mean, y_var).where(q=q(mean) * q(var) * q(out))
        g = ~NormalMeanVariance(y_mean, y_var).where(q=q(mean, var) * q(out))
        h = ~NormalMeanVariance(y_mean, y_var).where(q=q(y_mean, y_var) * q(h))
        i = ~NormalMeanVariance(y_mean, y_var).where(q=q(μ) * q(y_var) * q(out))
        j = ~NormalMeanVariance(y_mean, y_var).where(q=q(y_mean, v) * q(j))
        k = ~NormalMeanVariance(y_mean, y_var).where(q="q(μ)q(v)q(out)")
        m = ~NormalMeanVariance(y_mean, y_var).where(q="q(y_mean, y_var)q(m)")

    expected = [APART, TOGETHER, APART, APART, MEAN_AND_VARIANCE, APART, MEAN_AND_VARIANCE, MEAN_AND_VARIANCE]
    expected += [APART, MEAN_AND_VARIANCE, APART, MEAN_AND_VARIANCE]
    assert [family.clusters for family in f().build().families] == expected


def test_a_factorised_model_runs():
    @model
    def f(ys):
        y_mean = ~NormalMeanVariance(0.0, 100.0)
        y_precision = ~Gamma(shape=2.0, rate=1.0)
        for i in range(len(ys)):
            ys[i] = ~NormalMeanPrecision(y_mean, y_precision).where(q=q(y_mean) * q(y_precision) * q(out))

    ys = np.array([1.0, 2.0, 1.5, 0.5])
    start = {"y_precision": Gamma(shape=2.0, rate=1.0)}
    result = infer(f(), data={"ys": ys}, initialisation=start, iterations=100)
    # The fixed point of the two equations, iterated by hand.
    rate = 1.0
    for _ in range(200):
        precision = 0.01 + 4 * (4.0 / rate)
        mean = ys.sum() * (4.0 / rate) / precision
        rate = 1.0 + 0.5 * (((ys - mean) ** 2).sum() + 4 / precision)
    assert result.posteriors["y_mean"].mean == pytest.approx(mean, rel=1e-9)
    assert result.posteriors["y_precision"].rate == pytest.approx(rate, rel=1e-9)
    assert result.posteriors["y_precision"].shape == pytest.approx(4.0)


def test_meta_reaches_the_factor_and_its_rules():
    def f(x, y):
        return np.sin(x) + y

    @model
    def with_meta(seen):
        x = ~NormalMeanVariance(0.3, 0.01)
        y = ~NormalMeanVariance(1.0, 0.01)
        z = ~f(x, y).where(meta=rp.Linearisation())
        seen[...] = ~NormalMeanVariance(z, 0.1)

    graph = with_meta().build({"seen": 1.4})
    assert graph.families[2].meta == rp.Linearisation()
    posterior = infer(graph, data={"seen": 1.4}).posteriors["z"]
    # Linear around the means: slopes cos 0.3 and 1.
    prior = 0.01 * np.cos(0.3) ** 2 + 0.01
    assert posterior.variance == pytest.approx(1.0 / (1.0 / prior + 10.0))


def test_a_pipeline_logs_the_outbound_messages(capsys):
    @model
    def f(y):
        m = ~NormalMeanVariance(0.0, 1.0)
        y[...] = ~NormalMeanVariance(m, 1.0).where(pipeline=LoggerPipelineStage())

    infer(f(), data={"y": 2.0})
    assert capsys.readouterr().out.startswith("NormalMeanVariance -> mean [1 row]: NormalMeanVariance(mean=2.0,")
