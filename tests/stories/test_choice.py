"""A Mixture in a model: models compared by their evidence, against closed forms and grids."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    Gamma,
    Mixture,
    MixtureDistribution,
    Normal,
    NormalMeanVariance,
    Poisson,
    Probit,
    explain,
    infer,
    model,
    randomvar,
)
from reactivepgm.errors import ModelError, ProductError

FLIPS = np.array([1.0] * 3 + [0.0] * 7)
PRIORS = ((2.0, 7.0), (7.0, 2.0), (1.0, 1.0))


def evidences(flips=FLIPS, priors=PRIORS[:2]):
    heads, tails = flips.sum(), len(flips) - flips.sum()
    return np.array([betaln(a + heads, b + tails) - betaln(a, b) for a, b in priors])


@model
def which_coin(y):
    which = ~Bernoulli(0.7)
    coin = randomvar(2)
    coin[0] = ~Beta(2.0, 7.0)
    coin[1] = ~Beta(7.0, 2.0)
    bias = ~Mixture(which, coin)
    y[:] = ~Bernoulli(bias)


def test_the_switch_has_the_posterior_of_the_models():
    result = infer(which_coin(), data={"y": FLIPS}, free_energy=True)
    joint = np.array([0.3, 0.7]) * np.exp(evidences())
    weights = joint / joint.sum()
    q = result.posteriors
    assert float(q["which"].p) == pytest.approx(weights[1], rel=1e-12)
    np.testing.assert_allclose(q["bias"].weights, weights, rtol=1e-12)
    np.testing.assert_allclose(q["bias"].components.a, [5.0, 10.0])
    np.testing.assert_allclose(q["bias"].components.b, [14.0, 9.0])
    assert result.free_energy[-1] == pytest.approx(-np.log(joint.sum()), rel=1e-12)


def test_an_input_is_updated_as_far_as_it_was_chosen():
    """Against the exact marginal on a grid: p(in_k | y) ∝ prior_k(x) (π_k L(x) + sum of the others' evidence)."""
    q = infer(which_coin(), data={"y": FLIPS}).posteriors
    x = np.linspace(0, 1, 100001)[1:-1]
    likelihood = x**3 * (1 - x) ** 7
    z = np.exp(evidences())
    for k, other in ((0, 1), (1, 0)):
        p = stats.beta.pdf(x, *PRIORS[k]) * (np.array([0.3, 0.7])[k] * likelihood + np.array([0.3, 0.7])[other] * z[other])
        p /= p.sum()
        belief = q["coin"][k]
        assert float(belief.mean) == pytest.approx(p @ x, rel=1e-6)
        assert float(belief.variance) == pytest.approx(p @ x**2 - (p @ x) ** 2, rel=1e-5)


def test_three_models_and_many_coins():
    @model
    def coins(y):
        share = ~Dirichlet(np.ones(3))
        n = y.shape[0]
        a, b, c, bias, which = randomvar(n), randomvar(n), randomvar(n), randomvar(n), randomvar(n)
        for i in range(n):
            which[i] = ~Categorical(np.array([0.2, 0.3, 0.5]))
            a[i] = ~Beta(2.0, 7.0)
            b[i] = ~Beta(7.0, 2.0)
            c[i] = ~Beta(1.0, 1.0)
            bias[i] = ~Mixture(which[i], (a[i], b[i], c[i]))
            for j in range(y.shape[1]):
                y[i, j] = ~Bernoulli(bias[i])
        return share

    y = (np.random.default_rng(0).random((6, 8)) < np.linspace(0.05, 0.95, 6)[:, None]).astype(float)
    result = infer(coins(), data={"y": y}, free_energy=True)
    joint = np.array([[0.2, 0.3, 0.5] * np.exp(evidences(row, PRIORS)) for row in y])
    np.testing.assert_allclose(result.posteriors["which"].p, joint / joint.sum(1, keepdims=True), rtol=1e-10)
    assert result.free_energy[-1] == pytest.approx(-np.log(joint.sum(1)).sum(), rel=1e-10)


def test_normal_models_of_a_mean():
    @model
    def level(y):
        which = ~Bernoulli(0.5)
        low = ~Normal(mean=-2.0, variance=1.0)
        high = ~Normal(mean=2.0, variance=0.5)
        x = ~Mixture(which, (low, high))
        y[:] = ~NormalMeanVariance(x, 2.0)

    y = np.array([0.3, 1.1, -0.2])
    result = infer(level(), data={"y": y}, free_energy=True)
    logs = [stats.multivariate_normal(np.full(3, m), 2.0 * np.eye(3) + v).logpdf(y) for m, v in ((-2.0, 1.0), (2.0, 0.5))]
    joint = 0.5 * np.exp(logs)
    assert float(result.posteriors["which"].p) == pytest.approx(joint[1] / joint.sum(), rel=1e-10)
    assert result.free_energy[-1] == pytest.approx(-np.log(joint.sum()), rel=1e-10)
    grid = np.linspace(-8, 8, 40001)
    p = 0.5 * (stats.norm.pdf(grid, -2.0, 1.0) + stats.norm.pdf(grid, 2.0, np.sqrt(0.5)))
    p = p * np.exp(sum(stats.norm.logpdf(d, grid, np.sqrt(2.0)) for d in y))
    p /= p.sum()
    assert float(result.posteriors["x"].mean) == pytest.approx(p @ grid, rel=1e-8)
    assert isinstance(result.posteriors["x"], MixtureDistribution)


def test_without_data_the_prior_comes_back():
    result = infer(which_coin(), data={"y": np.full(3, np.nan)}, free_energy=True)
    assert float(result.posteriors["which"].p) == pytest.approx(0.7)
    assert float(result.posteriors["bias"].mean) == pytest.approx(0.3 * 2 / 9 + 0.7 * 7 / 9)
    assert result.free_energy[-1] == pytest.approx(0.0, abs=1e-12)


def test_what_will_run_is_told():
    told = str(explain(which_coin(), {"y": FLIPS}))
    assert "choice by evidence" in told and "which: Bernoulli" in told
    assert "missing" not in told


def test_a_mixture_kept_as_one_of_its_family():
    whole = infer(which_coin(), data={"y": FLIPS}).posteriors["bias"]
    kept = infer(which_coin(), data={"y": FLIPS}, constraints="q(bias) :: Beta").posteriors["bias"]
    assert isinstance(kept, Beta)
    assert float(kept.mean) == pytest.approx(float(whole.mean), abs=0.03)


@model
def shared(y):
    which = randomvar(2)
    which[:] = ~Bernoulli(np.full(2, 0.5))
    coin, bias = randomvar(2), randomvar(2)
    coin[0] = ~Beta(2.0, 7.0)
    coin[1] = ~Beta(7.0, 2.0)
    for i in range(2):
        bias[i] = ~Mixture(which[i], (coin[0], coin[1]))
        y[i] = ~Bernoulli(bias[i])


@model
def unlike(y):
    which = ~Bernoulli(0.5)
    rate = randomvar(2)
    rate[:] = ~Gamma(shape=np.array([1.0, 4.0]), rate=1.0)
    x = ~Mixture(which, rate)
    y[0] = ~Poisson(x)
    y[1] = ~NormalMeanVariance(x, 1.0)


@model
def tilted(y):
    which = ~Bernoulli(0.5)
    level = randomvar(2)
    level[:] = ~Normal(mean=np.array([-1.0, 2.0]), variance=1.0)
    x = ~Mixture(which, level)
    y[0] = ~Probit(x)
    y[1] = ~NormalMeanVariance(x, 1.0)


@pytest.mark.parametrize(
    ("f", "error", "letter"),
    [
        (shared, ModelError, "give every Mixture inputs, a switch and an output of its own"),
        (unlike, ProductError, "the messages at `x` do not multiply into one family"),
        (tilted, ProductError, "beside a Mixture"),
    ],
)
def test_what_is_refused(f, error, letter):
    with pytest.raises(error, match=letter):
        infer(f(), data={"y": np.array([1.0, 0.0])})
