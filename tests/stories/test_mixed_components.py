"""A mixture one of whose means is known: random and fixed components side by side on one interface."""

import numpy as np
import pytest

from reactivepgm import Bernoulli, Beta, Gamma, MeanField, Normal, NormalMixture, infer, model, randomvar
from reactivepgm.errors import ModelError

YS = np.concatenate([np.random.default_rng(1).normal(-2, 1, 60), np.random.default_rng(2).normal(3, 1, 40)])
INITIAL = {"w": Beta(1.0, 1.0), "m": Normal(mean=-1.0, variance=1.0), "z": Bernoulli(0.5)}


@model
def known(y, k):
    w = ~Beta(1.0, 1.0)
    z = randomvar(len(y))
    m = ~Normal(mean=-1.0, variance=10.0)
    for i in range(len(y)):
        z[i] = ~Bernoulli(w)
        y[i] = ~NormalMixture(z[i], (m, k), (1.0, 1.0))


@model
def nearly_known(y):
    w = ~Beta(1.0, 1.0)
    z = randomvar(len(y))
    m = ~Normal(mean=-1.0, variance=10.0)
    k = ~Normal(mean=3.0, variance=1e-12)
    for i in range(len(y)):
        z[i] = ~Bernoulli(w)
        y[i] = ~NormalMixture(z[i], (m, k), (1.0, 1.0))


@pytest.mark.parametrize("kind", ["constant", "data"])
def test_a_known_mean_is_a_very_narrow_prior(kind):
    settings = {"constraints": MeanField(), "iterations": 30, "free_energy": True}
    if kind == "constant":
        left = infer(known(k=3.0), data={"y": YS}, initialisation=INITIAL, **settings)
    else:
        left = infer(known(), data={"y": YS, "k": 3.0}, initialisation=INITIAL, **settings)
    narrow = {**INITIAL, "k": Normal(mean=3.0, variance=1e-12)}
    right = infer(nearly_known(), data={"y": YS}, initialisation=narrow, **settings)
    np.testing.assert_allclose(left.posteriors["m"].mean, right.posteriors["m"].mean, rtol=1e-8)
    np.testing.assert_allclose(left.posteriors["w"].mean, right.posteriors["w"].mean, rtol=1e-8)
    np.testing.assert_allclose(left.free_energy, right.free_energy, rtol=1e-8)
    assert (np.diff(left.free_energy) < 1e-9).all()


def test_what_does_not_stack_is_refused():
    @model
    def f(y):
        p = ~Gamma(shape=1.0, rate=1.0)
        z = randomvar(len(y))
        for i in range(len(y)):
            z[i] = ~Bernoulli(0.5)
            y[i] = ~NormalMixture(z[i], (0.0, 1.0), (p, 2.0))

    initial = {"p": Gamma(shape=1.0, rate=1.0), "z": Bernoulli(0.5)}
    with pytest.raises(ModelError, match=r"p mixes fixed components with random ones \(GammaShapeRate\)[\s\S]*narrow prior"):
        infer(f(), data={"y": YS}, constraints=MeanField(), initialisation=initial)
