"""Row by row: every form of a statement, of a variable, and of what a call of a model returns, once and exactly."""
# ruff: noqa: RET504, F821, F841 - a model names what it draws; the edges of a factorisation are bound nowhere

import numpy as np
import pytest

import reactivepgm as rp
from reactivepgm import (
    Beta,
    ConstVariable,
    Gamma,
    MeanField,
    MvNormal,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    PointMass,
    constvar,
    datavar,
    infer,
    model,
    q,
    randomvar,
)

APART = (("out",), ("mean",), ("precision",))


def rows(graph):
    return [(family.node.name, family.rows) for family in graph.families]


def follow(cell):
    seen = []
    cell.subscribe(seen.append, on_completed=lambda: seen.append("end"))
    return seen


# -- statements -----------------------------------------------------------------------------------------------------------


def test_row_stochastic_statement():
    @model
    def f(m, v):
        y = ~NormalMeanVariance(m, v)
        return y

    graph, y = f(2.0, 3.0)
    assert (y.name, y.shape, rows(graph)) == ("y", (), [("NormalMeanVariance", 1)])
    assert infer(graph).posteriors["y"] == NormalMeanVariance(2.0, 3.0)


def test_row_observed_target():
    @model
    def f(y, z):
        x = ~NormalMeanVariance(0.0, 1.0)
        for t in range(len(y)):
            y[t] = ~NormalMeanVariance(x, 1.0)
        z[...] = ~NormalMeanVariance(x, 0.5)

    result = infer(f(), data={"y": [1.0, None], "z": 4.0})
    # Precision 1 + 1 + 2; the missing element says nothing.
    assert result.posteriors["x"].mean == pytest.approx((1.0 + 2.0 * 4.0) / 4.0)
    assert result.posteriors["x"].variance == pytest.approx(0.25)


def test_row_indexed_target():
    @model
    def f():
        x, w = randomvar(2), randomvar(2, 2)
        x[1] = ~NormalMeanVariance(0.0, 1.0)
        w[1, 0] = ~NormalMeanVariance(x[1], 1.0)
        grown[0] = ~NormalMeanVariance(w[1, 0], 1.0)
        grown[1] = ~NormalMeanVariance(grown[0], 1.0)
        return grown

    graph, drawn = f()
    assert [family.random["out"].index.tolist() for family in graph.families] == [[1], [2], [0], [1]]
    assert drawn.shape == (2,) and {name for name, _ in rows(graph)} == {"NormalMeanVariance"}


def test_row_vector_statement():
    @model
    def statement(y):
        x = randomvar(len(y))
        tau = ~Gamma(shape=1.0, rate=1.0)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        x[1:] = ~NormalMeanVariance(x[:-1], 2.0)
        y[:] = ~NormalMeanPrecision(x, tau)

    @model
    def loop(y):
        x = randomvar(len(y))
        tau = ~Gamma(shape=1.0, rate=1.0)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        for t in range(1, len(y)):
            x[t] = ~NormalMeanVariance(x[t - 1], 2.0)
        for t in range(len(y)):
            y[t] = ~NormalMeanPrecision(x[t], tau)

    one, other = (m().build({"y": np.arange(5.0)}) for m in (statement, loop))
    assert [family.rows for family in one.families] == [1, 1, 4, 5]
    assert one.same_as(other)


def test_row_deterministic():
    @model
    def f():
        a = ~NormalMeanVariance(1.0, 2.0)
        x = ~MvNormal(mean=np.array([1.0, 2.0]), covariance=np.eye(2))
        c = ~(a + 3.0)
        d = 2.0 * a
        e = ~np.dot(np.array([1.0, 1.0]), x)
        g = ~NormalMeanVariance(a - 1.0, 1.0)
        return c, d, e, g

    graph, variables = f()
    assert [variable.name for variable in variables] == ["c", "d", "e", "g"]
    assert [name for name, _ in rows(graph)[2:]] == ["addition", "multiplication", "dot", "subtraction", "NormalMeanVariance"]
    assert graph.families[5].random["out"].array.anonymous
    posteriors = infer(graph).posteriors
    means = [float(posteriors[name].mean) for name in "cdeg"]
    variances = [float(posteriors[name].variance) for name in "cdeg"]
    np.testing.assert_allclose(means, [4.0, 2.0, 3.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(variances, [2.0, 8.0, 2.0, 3.0])


def test_row_nested_call():
    def inv(value):
        return 1.0 / value

    @model
    def f(precision):
        y = ~NormalMeanVariance(0.0, inv(precision))
        return y

    @model
    def random():
        precision = ~Gamma(shape=2.0, rate=1.0)
        y = ~NormalMeanVariance(0.0, inv(precision))
        return y

    folded, derived = f(4.0).build(), f().build({"precision": 4.0})
    assert rows(folded) == rows(derived) == [("NormalMeanVariance", 1)]
    assert folded.families[0].fixed["variance"].names == () and derived.families[0].fixed["variance"].names == ("precision",)
    assert derived.families[0].fixed["variance"].resolve({"precision": 4.0}).value == 0.25
    assert [name for name, _ in rows(random().build())] == ["GammaShapeRate", "Delta(inv)", "NormalMeanVariance"]


def test_row_node_reference():
    @model
    def f():
        first, x = ~NormalMeanVariance(0.0, 1.0)
        y = ~(second := NormalMeanVariance(x, 2.0))
        return first, second, x, y

    graph, (first, second, x, y) = f()
    assert [first.family, second.family] == list(graph.families)
    assert (first.out, second.out) == (x, y)


def test_row_options():
    stage = rp.EmptyPipelineStage()

    @model
    def f():
        m = ~NormalMeanVariance(0.0, 1.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y = ~NormalMeanPrecision(m, w).where(q=q(y, m) * q(w), meta="any object", pipeline=stage)

    family = f().build().families[2]
    assert family.clusters == (("out", "mean"), ("precision",)) and family.factorisation_given
    assert (family.meta, family.pipeline) == ("any object", stage)


def test_row_several_variables_on_one_interface():
    @model
    def tuples(y):
        z, m, w = randomvar(len(y)), randomvar(2), randomvar(2)
        for i in range(len(y)):
            y[i] = ~NormalMixture(z[i], (m[0], m[1]), (w[0], w[1]))

    @model
    def arrays(y):
        z, m, w = randomvar(len(y)), randomvar(2), randomvar(2)
        y[:] = ~NormalMixture(z, m, w)

    one, other = (f().build({"y": np.zeros(3)}) for f in (tuples, arrays))
    assert one.same_as(other)
    assert one.families[0].random["m"].index.tolist() == other.families[0].random["m"].index.tolist() == [[0, 1]] * 3


def test_row_submodel():
    @model
    def submodel(x, a):
        w = ~Gamma(shape=1.0, rate=1.0)
        inside = ~NormalMeanPrecision(a * x, w)
        return inside

    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        z = ~submodel(x=x, a=2.0)
        return z

    graph, z = f()
    assert [array.name for array in graph.random if not array.anonymous] == ["x", "submodel.w", "z"]
    assert z.name == "z" and graph.variable("submodel.inside").name == "z"


def test_row_prior_object():
    @model
    def by_object(prior):
        theta = ~prior
        return theta

    @model
    def by_factor():
        theta = ~Beta(2.0, 3.0)
        return theta

    graph = by_object(Beta(2.0, 3.0)).build()
    assert graph.same_as(by_factor().build())
    assert infer(graph).posteriors["theta"] == Beta(2.0, 3.0)


@pytest.mark.parametrize(
    "prior",
    [
        NormalMeanVariance(1.0, 2.0),
        NormalMeanPrecision(1.0, 2.0),
        rp.NormalWeightedMeanPrecision(1.0, 2.0),
        rp.MvNormalMeanCovariance(np.ones(2), np.eye(2)),
        rp.MvNormalMeanPrecision(np.ones(2), np.eye(2)),
        rp.MvNormalWeightedMeanPrecision(np.ones(2), np.eye(2)),
        rp.MvNormalMeanScalePrecision(np.ones(2), 2.0),
        rp.GammaShapeRate(2.0, 3.0),
        rp.GammaShapeScale(2.0, 3.0),
        rp.InverseGamma(2.0, 3.0),
        rp.Bernoulli(0.3),
        rp.Categorical(np.array([0.2, 0.3, 0.5])),
        rp.Dirichlet(np.array([1.0, 2.0])),
        rp.Wishart(4.0, np.eye(2)),
        rp.InverseWishart(6.0, np.eye(2)),
    ],
    ids=lambda prior: type(prior).__name__,
)
def test_row_prior_object_of_every_family(prior):
    @model
    def f(prior):
        theta = ~prior

    posterior = infer(f(prior)).posteriors["theta"]
    np.testing.assert_allclose(posterior.mean, prior.mean)
    np.testing.assert_allclose(posterior.entropy(), prior.entropy())


def test_row_a_point_is_a_prior_that_is_known():
    @model
    def f(prior, y):
        theta = ~prior
        y[...] = ~rp.NormalMeanVariance(theta, 1.0)

    result = infer(f(PointMass(2.0)), data={"y": 5.0}, free_energy=True)
    np.testing.assert_allclose(result.posteriors["theta"].mean, 2.0)
    np.testing.assert_allclose(result.free_energy[-1], 0.5 * np.log(2.0 * np.pi) + 4.5)


def test_row_early_use():
    @model
    def f():
        x = randomvar(3)
        for t in range(2):
            x[t] = ~NormalMeanVariance(x[t + 1], 1.0)
        x[2] = ~NormalMeanVariance(5.0, 1.0)

    posterior = infer(f()).posteriors["x"]
    assert posterior.mean.tolist() == [5.0, 5.0, 5.0] and posterior.variance.tolist() == [3.0, 2.0, 1.0]


# -- variables ------------------------------------------------------------------------------------------------------------


def test_row_randomvar():
    @model
    def f():
        a, b = randomvar(), randomvar(3)
        c, d = randomvar(3, 2), randomvar((3, 2))
        e = randomvar(prod_constraint=rp.ProdAnalytical(), form_constraint=PointMass)
        return a, b, c, d, e

    graph, variables = f()
    assert [(v.kind, v.shape) for v in variables] == [("random", shape) for shape in ((), (3,), (3, 2), (3, 2), ())]
    assert graph.variable("e").constraints == {"prod": rp.ProdAnalytical(), "form": PointMass}


def test_row_datavar():
    @model
    def f():
        a, b = datavar(float), datavar(float, 3)
        c, d = datavar(float, 3, 2), datavar(float, (3, 2))
        x = ~NormalMeanVariance(0.0, 1.0)
        a[...] = ~NormalMeanVariance(x, 1.0)
        b[:] = ~NormalMeanVariance(x, 1.0)
        return a, b, c, d, x

    _, (a, b, c, d, x) = f()
    assert [(v.kind, v.shape) for v in (a, b, c, d)] == [("data", shape) for shape in ((), (3,), (3, 2), (3, 2))]
    seen = follow(rp.marginal(x))
    rp.update(a, 1.0)
    assert seen == []  # b, c and d have not arrived
    for variable in (b, c, d):
        rp.update(variable, np.ones(variable.shape))
    assert len(seen) == 1 and seen[0].mean == pytest.approx(4.0 / 5.0)


def test_row_constvar():
    @model
    def f(wrapped: ConstVariable, n):
        one = constvar(1.0)
        several = constvar(lambda i: 10.0 * i, 3)
        x = randomvar(n)
        for t in range(1, n):
            x[t] = ~(x[t - 1] + wrapped)
        return one, several, wrapped

    graph, (one, several, wrapped) = f(2.0, 4)
    assert (one.value, several.value.tolist(), wrapped.value) == (1.0, [0.0, 10.0, 20.0], 2.0)
    assert rows(graph) == [("addition", 3)] and graph.families[0].fixed["in2"].resolve({}).batch_shape == ()


def test_row_plain_values():
    @model
    def f(y, matrix, number):
        x = ~MvNormal(mean=np.zeros(2), covariance=matrix)
        y[...] = ~MvNormal(mean=number * x, covariance=np.eye(2))

    constants = f(matrix=np.eye(2), number=2.0).build({"y": [1.0, 2.0]})
    data = f(matrix=np.eye(2)).build({"y": [1.0, 2.0], "number": 2.0})
    assert [array.name for array in constants.data] == ["y"] and [array.name for array in data.data] == ["y", "number"]
    means = [
        infer(f(matrix=np.eye(2), number=2.0), data={"y": [1.0, 2.0]}).posteriors["x"].mean,
        infer(f(matrix=np.eye(2)), data={"y": [1.0, 2.0], "number": 2.0}).posteriors["x"].mean,
    ]
    np.testing.assert_allclose(means, [[0.4, 0.8]] * 2)


@pytest.mark.parametrize(
    ("older", "name"),
    [
        ("Transition", "DiscreteTransition"),
        ("MatrixDirichlet", "DirichletCollection"),
        ("AR", "Autoregressive"),
        ("CTransition", "ContinuousTransition"),
        ("GaussianMeanVariance", "NormalMeanVariance"),
        ("GaussianMeanPrecision", "NormalMeanPrecision"),
        ("GaussianWeightedMeanPrecision", "NormalWeightedMeanPrecision"),
        ("MatrixGaussian", "MatrixNormal"),
        ("MvGaussianMeanCovariance", "MvNormalMeanCovariance"),
        ("MvGaussianMeanPrecision", "MvNormalMeanPrecision"),
        ("MvGaussianMeanScalePrecision", "MvNormalMeanScalePrecision"),
        ("MvGaussianWeightedMeanPrecision", "MvNormalWeightedMeanPrecision"),
    ],
)
def test_row_older_names(older, name):
    assert rp.node_of(older) is rp.node_of(name) is not None
    assert getattr(rp, older) is getattr(rp, name)


def test_row_older_names_in_a_model():
    def of(normal, transition):
        @model
        def f():
            x = ~normal(0.0, 1.0)
            z = ~rp.Categorical(np.array([0.3, 0.7]))
            after = ~transition(z, np.array([[0.9, 0.2], [0.1, 0.8]]))

        return f().build()

    assert of(rp.GaussianMeanVariance, rp.Transition).same_as(of(NormalMeanVariance, rp.DiscreteTransition))


def test_row_inv():
    square = np.array([[2.0, 0.5], [0.5, 1.0]])

    @model
    def f(precision, matrix):
        y = ~NormalMeanVariance(0.0, rp.inv(precision))
        z = ~rp.MvNormalMeanCovariance(np.zeros(2), rp.inv(matrix))

    constants = infer(f(4.0, square)).posteriors
    data = infer(f(), data={"precision": 4.0, "matrix": square}).posteriors
    for posteriors in (constants, data):
        assert posteriors["y"].variance == pytest.approx(0.25)
        np.testing.assert_allclose(posteriors["z"].covariance @ square, np.eye(2), atol=1e-14)

    @model
    def random():
        precision = ~Gamma(shape=2.0, rate=1.0)
        y = ~NormalMeanVariance(0.0, rp.inv(precision))

    assert [name for name, _ in rows(random().build())] == ["GammaShapeRate", "Delta(inv)", "NormalMeanVariance"]


@pytest.mark.parametrize(
    ("value", "letter"),
    [(0.0, "zero has no inverse"), (np.ones(2), "a number or a square"), (np.ones((2, 2)), "the matrix is singular")],
    ids=["zero", "vector", "singular"],
)
def test_row_inv_of_what_has_none(value, letter):
    with pytest.raises(rp.InvalidParameterError, match=letter):
        rp.inv(value)


def test_row_axis_zero_is_out():
    @model
    def f(table):
        now = ~rp.Categorical(np.array([0.0, 1.0]))
        after = ~rp.DiscreteTransition(now, table)
        return after

    after = infer(f(np.array([[0.9, 0.3, 0.0], [0.1, 0.7, 1.0]])[:, :2])).posteriors["after"]
    np.testing.assert_allclose(after.p, [0.3, 0.7])


# -- what a call returns --------------------------------------------------------------------------------------------------


def test_row_lazy_instance():
    ran = []

    @model
    def f(y, drift):
        ran.append(drift)
        x = ~NormalMeanVariance(drift, 1.0)
        y[...] = ~NormalMeanVariance(x, 1.0)
        return x

    instance = f(drift=1.0)
    assert ran == [] and instance.open_parameters == ("y",)
    assert infer(instance, data={"y": 3.0}).posteriors["x"].mean == pytest.approx(2.0)
    assert ran == [1.0]


def test_row_unpacking():
    marker = object()

    @model
    def f(n):
        y = datavar(float, n)
        x = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanVariance(x, 1.0)
        return x, y, marker

    graph, returned = f(3)
    assert isinstance(graph, rp.Graph) and type(returned) is tuple
    assert (returned[0].name, returned[1].shape, returned[2]) == ("x", (3,), marker)


def test_row_a_model_that_returns_nothing():
    @model
    def f():
        x = ~NormalMeanVariance(1.0, 1.0)

    with pytest.raises(rp.ModelReturnsNothingError, match="f returns nothing to unpack"):
        _graph, _x = f()
    assert infer(f()).posteriors["x"] == NormalMeanVariance(1.0, 1.0)


def test_row_model_options():
    stage = rp.EmptyPipelineStage()

    @model(default_factorisation=MeanField(), pipeline=stage)
    def f():
        m = ~NormalMeanVariance(0.0, 1.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y = ~NormalMeanPrecision(m, w)

    family = f().build().families[2]
    assert (family.clusters, family.pipeline) == (APART, stage)
    with pytest.raises(rp.ModelError, match=r"no option colour[\s\S]*default_factorisation, pipeline"):
        model(colour="red")


