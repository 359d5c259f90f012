"""Messages and joint marginals as observables, computed because somebody listens."""

import numpy as np
import pytest
from scipy.stats import norm

from reactivepgm import (
    AND,
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    DiscreteTransition,
    Gamma,
    MeanField,
    ModelError,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    Uninformative,
    datavar,
    marginal,
    message,
    model,
    product,
    q,
    randomvar,
    set_marginal,
    update,
)
from reactivepgm.streams import live


def latest(cell):
    seen = []
    cell.subscribe(seen.append).dispose()
    assert len(seen) == 1
    return seen[0]


@model
def walk(n):
    x, y = randomvar(n), datavar(float, n)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    step, x[1:] = ~NormalMeanVariance(x[:-1], 2.0)
    seen, y[:] = ~NormalMeanVariance(x, 1.0)
    return x, y, step, seen


def test_the_messages_at_a_variable_of_a_contracted_chain_multiply_to_its_marginal():
    n = 30
    _, (x, y, step, seen) = walk(n)
    update(y, np.sin(np.arange(n)))
    forward, backward, own = latest(message(step, "out")), latest(message(step, "mean")), latest(message(seen, "mean"))
    assert forward.batch_shape == (n - 1,)
    assert own.batch_shape == (n,)
    inner = product(product(forward[:-1], backward[1:]), own[1:-1])
    posterior = latest(marginal(x))[1:-1]
    np.testing.assert_allclose(inner.mean, posterior.mean, rtol=1e-10)
    np.testing.assert_allclose(inner.variance, posterior.variance, rtol=1e-10)


def test_messages_of_missing_rows_and_of_branches_that_hear_nothing_are_flat():
    _, (_, y, step, seen) = walk(4)
    update(y, [1.0, None, 2.0, None])
    own, backward = latest(message(seen, "mean")), latest(message(step, "mean"))
    np.testing.assert_array_equal(own.precision, [1.0, 0.0, 1.0, 0.0])
    np.testing.assert_allclose(backward.precision, [1 / 5, 1 / 3, 0.0], rtol=1e-12)
    update(y, [1.0, None, None, None])
    assert latest(message(step, "mean")) == Uninformative()


def test_the_joint_of_a_chain_step():
    _, (x, y, step, _) = walk(3)
    update(y, [1.0, 0.5, 2.0])
    joint = latest(marginal(step, "out_mean"))
    precision = np.array([[1.51, -0.5, 0.0], [-0.5, 2.0, -0.5], [0.0, -0.5, 1.5]])
    covariance = np.linalg.inv(precision)
    np.testing.assert_allclose(joint.covariance[0], covariance[np.ix_([1, 0], [1, 0])], rtol=1e-10)
    np.testing.assert_allclose(joint.mean[1], latest(marginal(x)).mean[[2, 1]], rtol=1e-12)
    assert latest(marginal(step, "mean")) == latest(marginal(x[:-1]))


@model
def hidden(n):
    s, y = randomvar(n), datavar(float, n)
    s[0] = ~Categorical([0.5, 0.3, 0.2])
    step, s[1:] = ~DiscreteTransition(s[:-1], np.array([[0.8, 0.1, 0.3], [0.1, 0.7, 0.3], [0.1, 0.2, 0.4]]))
    y[:] = ~NormalMixture(s, (-2.0, 0.0, 2.0), (1.0, 1.0, 1.0))
    return s, y, step


def test_discrete_messages_against_enumeration():
    _, (s, y, step) = hidden(2)
    values = [-1.0, 1.5]
    update(y, values)
    likelihood = np.array([norm.pdf(value, [-2.0, 0.0, 2.0]) for value in values])
    transition = np.array([[0.8, 0.1, 0.3], [0.1, 0.7, 0.3], [0.1, 0.2, 0.4]])
    forward = transition @ (np.array([0.5, 0.3, 0.2]) * likelihood[0])
    backward = transition.T @ likelihood[1]
    np.testing.assert_allclose(latest(message(step, "out")).p[0], forward / forward.sum(), rtol=1e-10)
    np.testing.assert_allclose(latest(message(step, "in")).p[0], backward / backward.sum(), rtol=1e-10)
    np.testing.assert_allclose(latest(marginal(s)).p[1], forward * likelihood[1] / (forward @ likelihood[1]), rtol=1e-10)


@model
def noisy(n):
    y = datavar(float, n)
    m = ~NormalMeanVariance(0.0, 10.0)
    w = ~Gamma(shape=1.0, rate=1.0)
    node, y[:] = ~NormalMeanPrecision(m, w).where(q=q(m) * q(w))
    return y, m, w, node


def test_messages_between_mean_field_regions():
    _, (y, m, w, node) = noisy(3)
    set_marginal(w, Gamma(shape=2.0, rate=1.0))
    update(y, [1.0, 2.0, 4.0])
    q_m = latest(marginal(m))
    towards = latest(message(node, "τ"))
    np.testing.assert_allclose(towards.shape, 1.5)
    np.testing.assert_allclose(towards.rate, 0.5 * ((np.array([1.0, 2.0, 4.0]) - q_m.mean) ** 2 + q_m.variance))


def test_a_message_is_materialised_only_while_somebody_listens():
    graph, (_, y, step, _) = walk(10)
    cell = message(step, "out")
    update(y, np.zeros(10))
    assert cell.unit.runs == 0
    seen = []
    subscription = cell.subscribe(seen.append)
    begun = cell.unit.runs
    update(y[3], 1.0)
    update(y[4], 1.0)
    assert (len(seen), cell.unit.runs - begun) == (3, 2)
    subscription.dispose()
    update(y[3], 2.0)
    assert (len(seen), cell.unit.runs - begun) == (3, 2)
    assert not live(graph)._shown


@model
def both():
    y = datavar(float)
    a = ~Bernoulli(0.3)
    b = ~Bernoulli(0.6)
    node, z = ~AND(a, b)
    seen, y[...] = ~NormalMixture(z, (0.0, 1.0), (1.0, 1.0))
    return y, node, seen


def test_messages_of_sequential_rounds():
    _, (y, node, seen) = both()
    update(y, 1.0)
    np.testing.assert_allclose(latest(message(node, "out")).p, [1 - 0.18, 0.18], rtol=1e-12)
    likelihood = norm.pdf(1.0, [0.0, 1.0])
    np.testing.assert_allclose(latest(message(seen, "switch")).probabilities, likelihood / likelihood.sum(), rtol=1e-10)
    towards_a = np.array([likelihood[0], 0.4 * likelihood[0] + 0.6 * likelihood[1]])
    np.testing.assert_allclose(latest(message(node, "in1")).p, towards_a / towards_a.sum(), rtol=1e-10)


def test_wrong_names_say_what_there_is():
    _, (_, _, step, seen) = walk(3)
    with pytest.raises(ModelError, match="`variance` of NormalMeanVariance is clamped"):
        message(step, "variance")
    with pytest.raises(ModelError, match="its clusters are out_mean"):
        marginal(step, "mean_out")
    with pytest.raises(ModelError, match="its clusters are mean"):
        marginal(seen, "out_mean")
    with pytest.raises(ModelError, match="which joint"):
        marginal(step)
    with pytest.raises(ModelError, match="no interface"):
        message(step, "colour")


@model
def mixture(n):
    y, z = datavar(float, n), randomvar(n)
    m, w = randomvar(2), ~Gamma(shape=2.0, rate=1.0)
    share = ~Dirichlet([1.0, 1.0])
    m[0] = ~NormalMeanVariance(-1.0, 1.0)
    m[1] = ~NormalMeanVariance(1.0, 1.0)
    z[:] = ~Categorical(share).where(q=MeanField())
    node, y[:] = ~NormalMixture(z, (m[0], m[1]), (w, w)).where(q=MeanField())
    return y, z, m, w, share, node


def test_a_plural_interface_sends_one_message_a_component():
    _, (y, z, m, w, share, node) = mixture(5)
    for variable, belief in (
        (z, Categorical([0.5, 0.5])), (w, Gamma(shape=2.0, rate=1.0)), (share, Dirichlet([1.0, 1.0])),
        (m, NormalMeanVariance(np.array([-1.0, 1.0]), 1.0)),
    ):
        set_marginal(variable, belief)
    update(y, [-1.0, -1.2, 0.9, 1.1, 1.0])
    assert latest(message(node, "m")).batch_shape == (5, 2)
    assert latest(message(node, "switch")).p.shape == (5, 2)


def test_single_rows_are_unbatched():
    @model
    def coin():
        flip = datavar(float)
        p = ~Beta(a=1.0, b=1.0)
        node, flip[...] = ~Bernoulli(p)
        return flip, node

    _, (flip, node) = coin()
    update(flip, 1.0)
    assert latest(message(node, "p")).batch_shape == ()
