"""Live graphs: posteriors and scores follow the data, and only what depends on a datum runs."""

import threading

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    DataError,
    Gamma,
    MissingInitialError,
    ModelError,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    ThreadError,
    bethe_free_energy,
    datavar,
    marginal,
    marginals,
    model,
    q,
    randomvar,
    set_marginal,
    update,
)
from reactivepgm.graph.data_read import elements_read
from reactivepgm.streams import live


@model
def coin():
    flip = datavar(float)
    p = ~Beta(a=1.0, b=1.0)
    flip[...] = ~Bernoulli(p)
    return flip, p


@model
def walk(n):
    x, y = randomvar(n), datavar(float, n)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanVariance(x[:-1], 1.0)
    y[:] = ~NormalMeanVariance(x, 1.0)
    return x, y


def test_a_posterior_follows_every_datum():
    _, (flip, p) = coin()
    seen = []
    marginal(p).subscribe(seen.append)
    for value in (1.0, 0.0, None):
        update(flip, value)
    assert seen == [Beta(2.0, 1.0), Beta(1.0, 2.0), Beta(1.0, 1.0)]


def test_the_score_is_minus_log_evidence():
    graph, (flip, _) = coin()
    scores = []
    bethe_free_energy(graph).subscribe(scores.append)
    update(flip, 1.0)
    update(flip, float("nan"))
    np.testing.assert_allclose(scores, [np.log(2.0), 0.0], atol=1e-12)


def test_nothing_flows_until_all_data_have_come():
    graph, (x, y) = walk(3)
    whole, last, scores = [], [], []
    marginal(x).subscribe(whole.append)
    marginal(x[2]).subscribe(last.append)
    bethe_free_energy(graph).subscribe(scores.append)
    update(y[0], 1.0)
    update(y[1:], [None, 2.0])
    assert [len(seen) for seen in (whole, last, scores)] == [1, 1, 1]
    np.testing.assert_allclose(last[0].mean, whole[0].mean[2])
    precision = np.array([[1.01 + 1.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]])
    means = np.linalg.solve(precision, [1.0, 0.0, 2.0])
    np.testing.assert_allclose(whole[0].mean, means, rtol=1e-12)
    np.testing.assert_allclose(whole[0].variance, np.diag(np.linalg.inv(precision)), rtol=1e-12)
    update(y[1], 5.0)
    assert [len(seen) for seen in (whole, last, scores)] == [2, 2, 2]


def test_elements_that_no_factor_reads_are_not_waited_for():
    @model
    def drifting(n, noise):
        x = randomvar(n)
        y = datavar(float, n)
        x[0] = ~NormalMeanVariance(0.0, 100.0)
        for i in range(1, n):
            x[i] = ~(x[i - 1] + 1.0)
            y[i] = ~NormalMeanVariance(x[i], noise)
        return x, y

    _, (x, y) = drifting(4, 2.0)
    beliefs = []
    marginal(x[3]).subscribe(beliefs.append)
    update(y[1], 1.5)
    update(y[2], 2.0)
    assert not beliefs
    update(y[3], 3.5)
    precision = 0.01 + 3.0 / 2.0
    assert beliefs[-1].mean == pytest.approx(3.0 + (0.5 + 0.0 + 0.5) / 2.0 / precision)
    assert beliefs[-1].variance == pytest.approx(1.0 / precision)


@pytest.mark.parametrize("kind", ["rows", "vectors", "expression"])
def test_which_elements_are_waited_for(kind):
    @model
    def partly():
        m = ~NormalMeanVariance(0.0, 1.0)
        y = datavar(float, 3, 2)
        if kind == "rows":
            for i in range(2):
                y[i, 1] = ~NormalMeanVariance(m, 1.0)
        elif kind == "vectors":
            v = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))
            y[1] = ~MvNormalMeanCovariance(v, np.eye(2))
        else:
            m = ~NormalMeanVariance(m + np.sum(y), 1.0)
        return m

    graph, _ = partly()
    read = {"rows": [[0, 1], [0, 1], [0, 0]], "vectors": [[0, 0], [1, 1], [0, 0]], "expression": [[1, 1]] * 3}[kind]
    assert elements_read(graph.families, graph.data[0]).astype(int).tolist() == read


def test_a_late_subscriber_gets_the_latest():
    _, (flip, p) = coin()
    update(flip, 1.0)
    seen = []
    subscription = marginal(p).subscribe(seen.append)
    assert seen == [Beta(2.0, 1.0)]
    subscription.dispose()
    update(flip, 0.0)
    assert len(seen) == 1


@model
def two_coins():
    a, b = datavar(float), datavar(float)
    p = ~Beta(a=1.0, b=1.0)
    r = ~Beta(a=1.0, b=1.0)
    a[...] = ~Bernoulli(p)
    b[...] = ~Bernoulli(r)
    return a, b, p, r


def test_only_what_depends_on_a_datum_runs():
    graph, (a, b, p, r) = two_coins()
    first, second = [], []
    marginal(p).subscribe(first.append)
    marginal(r).subscribe(second.append)
    update(a, 1.0)
    update(b, 1.0)
    runs = [unit.runs for unit in live(graph).running.units]
    update(a, 0.0)
    assert [unit.runs for unit in live(graph).running.units] == [runs[0] + 1, runs[1]]
    assert (len(first), len(second)) == (2, 1)


@model
def noisy():
    y = datavar(float, 4)
    m = ~NormalMeanVariance(0.0, 10.0)
    w = ~Gamma(shape=1.0, rate=1.0)
    y[:] = ~NormalMeanPrecision(m, w).where(q=q(m) * q(w))
    return y, m, w


def test_a_variational_cycle_advances_with_every_push():
    graph, (y, m, w) = noisy()
    set_marginal(w, Gamma(shape=1.0, rate=1.0))
    scores = []
    bethe_free_energy(graph).subscribe(scores.append)
    for cell in marginals([m, w]):
        cell.subscribe(lambda belief: None)
    for _ in range(30):
        update(y, [1.0, 2.0, 3.0, 2.5])
    assert len(scores) == 30
    assert (np.diff(scores) <= 1e-12).all()
    assert abs(scores[-1] - scores[-2]) < 1e-8


def test_what_is_needed_and_not_given_is_named():
    _, (y, _, _) = noisy()
    with pytest.raises(MissingInitialError, match="`m`, `w`"):
        update(y, [1.0, 2.0, 3.0, 4.0])


def test_wrong_pushes_say_what_they_met():
    _, (x, y) = walk(3)
    with pytest.raises(DataError, match="length 2"):
        update(y, [1.0, 2.0])
    with pytest.raises(ModelError, match="no data variable"):
        update(x, 1.0)
    with pytest.raises(ModelError, match="only a random variable"):
        marginal(y)


def test_a_push_from_another_thread_is_refused():
    graph, (flip, _) = coin()
    live(graph)
    caught = []

    def push():
        try:
            update(flip, 1.0)
        except ThreadError as error:
            caught.append(error)

    thread = threading.Thread(target=push)
    thread.start()
    thread.join()
    assert len(caught) == 1
