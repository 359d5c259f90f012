"""Annotations: message scales add up to the evidence, and every message says what made it."""

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    DiscreteTransition,
    Gamma,
    InferenceError,
    MeanField,
    ModelError,
    MvNormal,
    Normal,
    NormalMeanPrecision,
    Poisson,
    infer,
    model,
    randomvar,
)


@model
def coin(y):
    p = ~Beta(2.0, 3.0)
    y[:] = ~Bernoulli(p)


@model
def counts(y):
    rate = ~Gamma(shape=2.0, rate=3.0)
    y[:] = ~Poisson(rate)


@model
def walk(y):
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=10.0)
    x[1:] = ~Normal(mean=x[:-1], variance=0.5)
    y[:] = ~Normal(mean=2.0 * x + 1.0, variance=2.0)


@model
def vectors(y):
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=np.zeros(2), covariance=4.0 * np.eye(2))
    x[1:] = ~MvNormal(mean=np.array([[1.0, 1.0], [0.0, 1.0]]) @ x[:-1], covariance=0.3 * np.eye(2))
    y[:] = ~MvNormal(mean=np.array([[1.0, 0.0]]) @ x, covariance=np.eye(1))


STAY = np.array([[0.9, 0.3], [0.1, 0.7]])


@model
def hidden(y):
    s = randomvar(len(y))
    s[0] = ~Categorical([0.4, 0.6])
    s[1:] = ~DiscreteTransition(s[:-1], STAY)
    y[:] = ~DiscreteTransition(s, np.array([[0.8, 0.2], [0.2, 0.8]]))


@pytest.mark.parametrize(
    ("instance", "y"),
    [
        (coin(), [1.0, 0.0, None, 1.0]),
        (counts(), [3, 0, 5]),
        (walk(), [1.0, None, 2.0, 4.0]),
        (vectors(), [[1.0], [2.5], [2.0]]),
        (hidden(), np.eye(2)[[0, 1, 1, 0]]),
    ],
    ids=["star", "gamma", "chain", "vectors", "discrete"],
)
def test_the_scales_of_messages_are_the_evidence(instance, y):
    result = infer(instance, data={"y": y}, free_energy=True, annotations=("log_scale",))
    np.testing.assert_allclose(result.annotations["log_scale"], -result.free_energy[-1], rtol=1e-9, atol=1e-9)


@model
def level(y):
    m = ~Normal(mean=0.0, variance=10.0)
    w = ~Gamma(shape=1.0, rate=1.0)
    y[:] = ~NormalMeanPrecision(m, w)


def test_a_cut_has_no_scale():
    with pytest.raises(InferenceError, match="free_energy=True"):
        infer(
            level(), data={"y": [1.0, 2.0]}, constraints=MeanField(), annotations=["log_scale"],
            initialisation={"w": Gamma(shape=1.0, rate=1.0)},
        )  # fmt: skip


def test_messages_say_what_made_them():
    result = infer(
        level(), data={"y": [1.0, 2.0]}, constraints=MeanField(), annotations=["inputs"],
        initialisation={"w": Gamma(shape=1.0, rate=1.0)},
    )  # fmt: skip
    made = {(subject.split(" at ")[0], to): inputs for (subject, to), inputs in result.annotations["inputs"].items()}
    assert made["NormalMeanPrecision", "mean"] == ("q_precision: GammaShapeRate", "q_out: PointMass")
    assert made["NormalMeanPrecision", "precision"] == ("q_mean: NormalMeanVariance", "q_out: PointMass")


def test_unknown_annotations_are_refused():
    with pytest.raises(ModelError, match="none called 'colour'; there are log_scale, inputs"):
        infer(level(), data={"y": [1.0]}, annotations=["colour"])
    with pytest.raises(ModelError, match="annotations=True names none"):
        infer(level(), data={"y": [1.0]}, annotations=True)
