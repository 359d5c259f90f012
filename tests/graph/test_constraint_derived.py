"""Constraints reach through what is computed from the variables that they name."""

import numpy as np
import pytest

from reactivepgm import (
    ConstraintError,
    Gamma,
    MeanField,
    MvNormal,
    Normal,
    dot,
    infer,
    model,
    randomvar,
)

RNG = np.random.default_rng(3)
X = RNG.normal(size=(12, 3))
Y = X @ np.array([1.0, -2.0, 0.5]) + 0.3 * RNG.normal(size=12)


@model
def regression(y, x):
    w = ~MvNormal(mean=np.zeros(3), covariance=np.eye(3))
    tau = ~Gamma(shape=1.0, rate=1.0)
    for i in range(len(y)):
        y[i] = ~Normal(mean=dot(x[i], w), precision=tau)


@model
def named(y, x):
    w = ~MvNormal(mean=np.zeros(3), covariance=np.eye(3))
    tau = ~Gamma(shape=1.0, rate=1.0)
    level = randomvar(len(y))
    for i in range(len(y)):
        level[i] = ~dot(x[i], w)
        y[i] = ~Normal(mean=level[i], precision=tau)


def by_hand(iterations):
    """Coordinate ascent for q(w) q(tau)."""
    shape, rate = 1.0, 1.0
    for _ in range(iterations):
        t = shape / rate
        cov = np.linalg.inv(np.eye(3) + t * X.T @ X)
        mean = t * cov @ X.T @ Y
        shape, rate = 1.0 + len(Y) / 2, 1.0 + 0.5 * (np.sum((Y - X @ mean) ** 2) + np.trace(X @ cov @ X.T))
    return mean, cov, shape, rate


@pytest.mark.parametrize("made", [regression, named])
@pytest.mark.parametrize("constraint", ["q(w, tau) = q(w) q(tau)", MeanField()])
def test_a_regression_with_unknown_precision(made, constraint):
    result = infer(
        made(),
        data={"y": Y, "x": X},
        constraints=constraint,
        initialisation={"tau": Gamma(shape=1.0, rate=1.0)},
        iterations=7,
        free_energy=True,
    )
    mean, cov, shape, rate = by_hand(7)
    np.testing.assert_allclose(result.posteriors["w"].mean, mean, rtol=1e-9)
    np.testing.assert_allclose(result.posteriors["w"].covariance, cov, rtol=1e-9)
    np.testing.assert_allclose([result.posteriors["tau"].shape, result.posteriors["tau"].rate], [shape, rate], rtol=1e-9)
    assert np.all(np.diff(result.free_energy) < 1e-9)


def test_what_is_computed_from_two_blocks_stands_apart():
    @model
    def line(y, x):
        a = ~Normal(mean=0.0, variance=1.0)
        b = ~Normal(mean=0.0, variance=1.0)
        tau = ~Gamma(shape=1.0, rate=1.0)
        for i in range(len(y)):
            y[i] = ~Normal(mean=a * x[i] + b, precision=tau)

    graph = line().build({"y": Y, "x": X[:, 0]}).constrained("q(a, b, tau) = q(a) q(b) q(tau)")
    (cut,) = [f for f in graph.families if f.node.name == "NormalMeanPrecision"]
    assert cut.clusters == (("out",), ("mean",), ("precision",))
    assert all(len(f.clusters[0]) > 1 for f in graph.families if f.node.is_deterministic)


def test_functions_of_functions_and_of_elements():
    @model
    def pairs(y):
        x = randomvar(4)
        x[:] = ~Normal(mean=0.0, variance=1.0)
        tau = ~Gamma(shape=1.0, rate=1.0)
        for i in range(4):
            y[i] = ~Normal(mean=2.0 * (3.0 * x[i] + 1.0), precision=tau)

    graph = pairs().build({"y": Y[:4]}).constrained("q(x, tau) = q(x) q(tau)")
    (cut,) = [f for f in graph.families if f.node.name == "NormalMeanPrecision"]
    assert cut.clusters == (("out",), ("mean",), ("precision",))


def test_an_equation_between_strangers_still_matches_nothing():
    @model
    def apart(y):
        a = ~Normal(mean=0.0, variance=1.0)
        b = ~Normal(mean=0.0, variance=1.0)
        y[0] = ~Normal(mean=a, variance=1.0)
        y[1] = ~Normal(mean=2.0 * b, variance=1.0)

    with pytest.raises(ConstraintError, match="no factor has two of a, b"):
        apart().build({"y": Y[:2]}).constrained("q(a, b) = q(a) q(b)")
