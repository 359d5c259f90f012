"""A marginal that is given fits its variable, or a letter says what was given and what is taken, before any data."""

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    ConstraintError,
    DiscreteTransition,
    FixedMarginal,
    Gamma,
    MvNormal,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    PointMass,
    Uniform,
    explain,
    form,
    infer,
    model,
    randomvar,
)

YS = {"y": np.array([0.5, 1.0, 0.0, 2.0])}
CUT = "q(x, tau) = q(x) q(tau)"


@model
def walk(y):
    x = randomvar(len(y))
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanPrecision(x[:-1], tau)
    y[:] = ~NormalMeanVariance(x, 0.5)


@model
def table(y):
    x = randomvar(2, 2)
    x[:, :] = ~NormalMeanVariance(np.zeros((2, 2)), 1.0)
    for i in range(2):
        for j in range(2):
            y[i, j] = ~NormalMeanVariance(x[i, j], 1.0)


@model
def switch(y):
    z = ~Bernoulli(0.5)
    y[...] = ~DiscreteTransition(z, np.array([[0.9, 0.2], [0.1, 0.8]]))


def fixed(name, marginal):
    return form(name, FixedMarginal(marginal))


@pytest.mark.parametrize(
    ("name", "marginal", "letter"),
    [
        ("x", Normal(mean=np.zeros(3), variance=1.0), r"batch shape \(3,\).*`x` has shape \(4,\)"),
        ("x", Normal(mean=np.zeros((4, 1)), variance=1.0), r"batch shape \(4, 1\).*`x` has shape \(4,\)"),
        ("tau", Gamma(shape=[1.0, 2.0], rate=1.0), r"batch shape \(2,\).*`tau` has shape \(\)"),
        ("x", MvNormal(mean=np.zeros(4), covariance=np.eye(4)), r"vectors of shape \(4,\).*takes numbers"),
        ("tau", Categorical([0.5, 0.5]), r"categories.*takes numbers"),
        ("tau", Bernoulli(0.5), r"categories.*takes numbers"),
        ("tau", Normal(mean=1.0, variance=1.0), r"numbers from -inf to inf.*takes numbers from 0 to inf"),
        ("tau", Uniform(-1.0, 1.0), r"numbers from -1 to 1.*takes numbers from 0 to inf"),
    ],
)
def test_what_does_not_fit_is_refused(name, marginal, letter):
    constraints = [CUT, fixed(name, marginal)]
    for attempt in (
        lambda: walk().build(YS).constrained(constraints),
        lambda: explain(walk(), YS, constraints=constraints),
        lambda: infer(walk(), data=YS, constraints=constraints, initialisation={"tau": Gamma(shape=1.0, rate=1.0)}),
    ):
        with pytest.raises(ConstraintError, match=letter) as caught:
            attempt()
        text = str(caught.value)
        assert f"the constraint q({name}) :: FixedMarginal" in text and __file__.rpartition("/")[2] in text and "write" in text


def test_a_category_is_no_number():
    with pytest.raises(ConstraintError, match="takes categories: a Bernoulli or a Categorical"):
        switch().build({"y": np.array([0.0, 1.0])}).constrained(fixed("z", Beta(1.0, 1.0)))


def test_a_declared_form_is_checked_too():
    @model
    def f():
        x = randomvar(2, form_constraint=FixedMarginal(Normal(mean=np.zeros(3), variance=1.0)))
        x[:] = ~NormalMeanVariance(np.zeros(2), 1.0)

    with pytest.raises(ConstraintError, match=r"batch shape \(3,\).*`x` has shape \(2,\)"):
        f().build()


@pytest.mark.parametrize(
    ("name", "marginal"),
    [
        ("x", Normal(mean=0.0, variance=1.0)),
        ("x", Normal(mean=np.arange(4.0), variance=1.0)),
        ("x", Normal(mean=[1.0], variance=1.0)),
        ("tau", Gamma(shape=3.0, rate=2.0)),
        ("tau", Beta(1.0, 2.0)),
        ("tau", Uniform(0.5, 2.0)),
        ("tau", PointMass(2.0)),
    ],
)
def test_what_fits_is_kept(name, marginal):
    start = {"tau": Gamma(shape=1.0, rate=1.0)} if name == "x" else {}
    result = infer(walk(), data=YS, constraints=[CUT, fixed(name, marginal)], initialisation=start, iterations=2)
    np.testing.assert_allclose(result.posteriors[name].mean, np.broadcast_to(marginal.mean, {"x": (4,), "tau": ()}[name]))


def test_arrays_of_two_axes():
    means = np.arange(4.0).reshape(2, 2)
    ys = {"y": np.zeros((2, 2))}
    result = infer(table(), data=ys, constraints=fixed("x", Normal(mean=means, variance=1.0)))
    np.testing.assert_array_equal(result.posteriors["x"].mean, means)
    with pytest.raises(ConstraintError, match=r"batch shape \(4,\).*shape \(2, 2\)"):
        infer(table(), data=ys, constraints=fixed("x", Normal(mean=np.zeros(4), variance=1.0)))


def test_a_fixed_marginal_and_an_initial_value_contradict():
    given, begun = Gamma(shape=3.0, rate=2.0), Gamma(shape=5.0, rate=1.0)
    letter = r"`tau`: .*fixed to GammaShapeRate\(shape=3.0.*given GammaShapeRate\(shape=\[5.0"
    with pytest.raises(ConstraintError, match=letter):
        infer(walk(), data=YS, constraints=[CUT, fixed("tau", given)], initialisation={"tau": begun})
