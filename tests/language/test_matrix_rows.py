"""``X @ b`` with a matrix and one vector variable: a vector where a vector is read, n rows where numbers are."""

import numpy as np
import pytest

from reactivepgm import infer, model, randomvar
from reactivepgm.distributions import Gamma, MvNormal, Normal, NormalMeanPrecision, NormalMeanVariance
from reactivepgm.graph import q

RNG = np.random.default_rng(8)
N, D, NOISE = 12, 3, 0.5
X = RNG.normal(size=(N, D))
Y = X @ np.array([1.0, -2.0, 0.5]) + RNG.normal(size=N)
PRIOR_MEAN = np.array([0.3, 0.0, -0.2])
PRIOR = np.diag([1.0, 2.0, 3.0]) + 0.1


def dense(design, y, noise=NOISE, offset=0.0):
    """Posterior mean and covariance of b, and the log evidence, by the joint Gaussian of y and b."""
    cross = design @ PRIOR
    total = cross @ design.T + noise * np.eye(len(y))
    left = y - design @ PRIOR_MEAN - offset
    mean = PRIOR_MEAN + cross.T @ np.linalg.solve(total, left)
    covariance = PRIOR - cross.T @ np.linalg.solve(total, cross)
    log_evidence = -0.5 * (left @ np.linalg.solve(total, left) + np.linalg.slogdet(2 * np.pi * total)[1])
    return mean, covariance, log_evidence


def right(y, design):
    b = ~MvNormal(mean=PRIOR_MEAN, covariance=PRIOR)
    y[:] = ~Normal(mean=design @ b, variance=NOISE)


def left(y, design):
    b = ~MvNormal(mean=PRIOR_MEAN, covariance=PRIOR)
    y[:] = ~Normal(mean=b @ design.T, variance=NOISE)


def named(y, design):
    b = ~MvNormal(mean=PRIOR_MEAN, covariance=PRIOR)
    mu = design @ b
    y[:] = ~Normal(mean=mu, variance=NOISE)


def drawn(y, design):
    b = ~MvNormal(mean=PRIOR_MEAN, covariance=PRIOR)
    mu = ~(design @ b)
    y[:] = ~Normal(mean=mu, variance=NOISE)


def element_by_element(y, design):
    b = ~MvNormal(mean=PRIOR_MEAN, covariance=PRIOR)
    mu = design @ b
    for t in range(len(mu)):
        y[t] = ~Normal(mean=mu[t], variance=NOISE)


def as_one_vector(y, design):
    b = ~MvNormal(mean=PRIOR_MEAN, covariance=PRIOR)
    y[...] = ~MvNormal(mean=design @ b, covariance=NOISE * np.eye(N))


@pytest.mark.parametrize("is_data", [True, False], ids=["data", "constant"])
@pytest.mark.parametrize("function", [right, left, named, drawn, element_by_element, as_one_vector], ids=lambda f: f.__name__)
def test_linear_regression(function, is_data):
    mean, covariance, log_evidence = dense(X, Y)
    if is_data:
        result = infer(model(function)(), data={"y": Y, "design": X}, free_energy=True)
    else:
        result = infer(model(function)(design=X), data={"y": Y}, free_energy=True)
    b = result.posteriors["b"]
    assert np.allclose(b.mean, mean) and np.allclose(b.covariance, covariance)
    assert np.isclose(result.free_energy[-1], -log_evidence)


def test_the_rows_are_what_remains():
    graph = model(named)().build({"y": Y, "design": X})
    assert [(f.node.name, f.rows) for f in graph.families] == [
        ("MvNormalMeanCovariance", 1),
        ("dot", N),
        ("NormalMeanVariance", N),
    ]
    assert {a.name: a.shape for a in graph.random} == {"b": (), "mu": (N,)}

    @model
    def returns(y, design):
        b = ~MvNormal(mean=PRIOR_MEAN, covariance=PRIOR)
        mu = design @ b
        y[:] = ~Normal(mean=mu, variance=NOISE)
        return mu

    instance = returns()
    instance.build({"y": Y, "design": X})
    assert instance.returned.name == "mu" and instance.returned.shape == (N,)


def test_sums_and_multiples_of_such_vectors():
    offset = np.arange(float(N))

    @model
    def f(y, design):
        b = ~MvNormal(mean=PRIOR_MEAN, covariance=PRIOR)
        y[:] = ~Normal(mean=2.0 * (design @ b) - offset, variance=NOISE)

    mean, covariance, log_evidence = dense(2.0 * X, Y, offset=-offset)
    result = infer(f(), data={"y": Y, "design": X}, free_energy=True)
    assert np.allclose(result.posteriors["b"].mean, mean) and np.allclose(result.posteriors["b"].covariance, covariance)
    assert np.isclose(result.free_energy[-1], -log_evidence)


def test_a_variable_for_every_row():
    """The rows beside an array of scalar variables, and an unknown noise: a random effect each."""

    @model
    def f(y, design):
        b = ~MvNormal(mean=PRIOR_MEAN, covariance=PRIOR)
        u = randomvar(N)
        u[:] = ~Normal(mean=np.zeros(N), variance=0.25)
        y[:] = ~Normal(mean=design @ b + u, variance=NOISE)

    mean, covariance, log_evidence = dense(X, Y, NOISE + 0.25)
    result = infer(f(), data={"y": Y, "design": X}, free_energy=True)
    assert np.allclose(result.posteriors["b"].mean, mean) and np.allclose(result.posteriors["b"].covariance, covariance)
    assert np.isclose(result.free_energy[-1], -log_evidence)


def test_unknown_noise():
    @model
    def f(y, design):
        b = ~MvNormal(mean=PRIOR_MEAN, covariance=PRIOR)
        tau = ~Gamma(shape=2.0, rate=1.0)
        mu = design @ b
        y[:] = ~NormalMeanPrecision(mu, tau).where(q=q(mu) * q(tau))

    start = {"tau": Gamma(shape=2.0, rate=1.0)}
    result = infer(f(), data={"y": Y, "design": X}, initialisation=start, iterations=50)
    precision = 2.0
    for _ in range(60):  # coordinate ascent by hand
        mean, covariance, _ = dense(X, Y, 1.0 / precision)
        residual = Y - X @ mean
        precision = (2.0 + N / 2) / (1.0 + 0.5 * (residual @ residual + np.trace(X @ covariance @ X.T)))
    assert np.isclose(result.posteriors["tau"].mean, precision) and np.allclose(result.posteriors["b"].mean, mean)


@pytest.mark.parametrize("lift", [True, False])
@pytest.mark.parametrize("length", [4, 40])
def test_in_a_loop(length, lift):
    """Each turn its own vector, read as numbers: the same as a vector factor with independent noise."""
    a, ys = RNG.normal(size=(2, 2)), RNG.normal(size=(length, 2))

    @model(lift=lift)
    def rows(y):
        x = randomvar(length)
        x[0] = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
        for t in range(1, length):
            x[t] = ~MvNormal(mean=x[t - 1], covariance=np.eye(2))
        for t in range(length):
            y[t, :] = ~NormalMeanVariance(a @ x[t], 0.5)

    @model
    def vectors(y):
        x = randomvar(length)
        x[0] = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
        for t in range(1, length):
            x[t] = ~MvNormal(mean=x[t - 1], covariance=np.eye(2))
        for t in range(length):
            y[t] = ~MvNormal(mean=a @ x[t], covariance=0.5 * np.eye(2))

    one, other = (infer(f(), data={"y": ys}, free_energy=True, iterations=200) for f in (rows, vectors))
    assert np.allclose(one.posteriors["x"].mean, other.posteriors["x"].mean)
    assert [f.rows for f in one.graph.families if f.node.name == "dot"] == [2 * length]


@pytest.mark.parametrize("form", ["design @ b", "b @ design.T", "dot(design, b)"])
def test_an_array_of_scalars_is_multiplied_out(form, tmp_path):
    """The products and their sums stand for the rows of a vector variable with the same prior."""
    path = tmp_path / "scalars.py"
    path.write_text(
        "import numpy as np\nfrom reactivepgm import MvNormal, Normal, dot, model, randomvar\n@model\ndef f(y, design):\n"
        "    b = randomvar(3)\n    b[:] = ~Normal(mean=np.zeros(3), variance=1.0)\n"
        f"    y[:] = ~Normal(mean={form}, variance=0.5)\n"
        "@model\ndef g(y, design):\n    b = ~MvNormal(mean=np.zeros(3), covariance=np.eye(3))\n"
        "    y[:] = ~Normal(mean=design @ b, variance=0.5)\n"
    )
    names = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    for design in ({}, {"design": X}):
        one = infer(names["f"](**design), data={"y": Y} if design else {"y": Y, "design": X}, free_energy=True)
        other = infer(names["g"](), data={"y": Y, "design": X}, free_energy=True)
        np.testing.assert_allclose(one.posteriors["b"].mean, other.posteriors["b"].mean)
        np.testing.assert_allclose(one.posteriors["b"].variance, np.diag(other.posteriors["b"].covariance))
        np.testing.assert_allclose(one.free_energy[-1], other.free_energy[-1])
