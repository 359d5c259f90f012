"""What is set by hand is checked where it is set; graphs under constraints are told from the model's own."""

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    DataError,
    Gamma,
    MeanField,
    ModelError,
    MvNormal,
    Normal,
    NormalMeanPrecision,
    bethe_free_energy,
    datavar,
    finish,
    infer,
    live,
    marginal,
    marginals,
    message,
    model,
    randomvar,
    resend,
    schedule_updates,
    set_marginal,
    set_marginals,
    set_message,
    update,
)


@model
def level():
    y = datavar(float)
    x = ~Normal(mean=0.0, variance=1.0)
    w = ~Gamma(shape=1.0, rate=1.0)
    node, y[...] = ~NormalMeanPrecision(x, w)
    return y, x, w, node


@model
def walk():
    y = datavar(float, 3)
    x = randomvar(3)
    x[0] = ~Normal(mean=0.0, variance=1.0)
    node, x[1:] = ~Normal(mean=x[:-1], variance=1.0)
    y[:] = ~Normal(mean=x, variance=1.0)
    return y, x, node


GAMMAS = Gamma(shape=np.ones(3), rate=np.ones(3))
VECTOR = MvNormal(mean=np.zeros(2), covariance=np.eye(2))


@pytest.mark.parametrize(
    ("belief", "words"),
    [
        (Normal(mean=0.0, variance=1.0), "is NormalMeanVariance, but as `out` of GammaShapeRate the variable is positive"),
        (GAMMAS, r"has batch shape \(3,\), the variable has shape \(\)"),
        (3.0, "must be a distribution, not 3.0"),
        (VECTOR, "is MvNormalMeanCovariance, but as `out`"),
    ],
    ids=["family", "batch", "number", "vector"],
)
def test_a_wrong_initial_marginal_or_message_is_refused_with_its_statement(belief, words):
    _, (_, _, w, _) = level()
    for setting in (set_marginal, set_message):
        with pytest.raises(DataError, match=words) as caught:
            setting(w, belief)
        assert "w = ~Gamma(shape=1.0, rate=1.0)" in str(caught.value)
    with pytest.raises(DataError, match=words):
        set_marginals({w: belief})


def test_shapes_and_ranks():
    _, (y, x, node) = walk()
    with pytest.raises(DataError, match=r"values of shape \(2,\); the variable is a number"):
        set_marginal(x, VECTOR)
    with pytest.raises(DataError, match=r"batch shape \(2,\), the variable has shape \(3,\)"):
        set_marginal(x, Normal(mean=np.zeros(2), variance=np.ones(2)))
    with pytest.raises(DataError, match=r"batch shape \(5,\); the statement has 2 rows"):
        set_message(node, "mean", Normal(mean=np.zeros(5), variance=np.ones(5)))
    with pytest.raises(DataError, match="not of rank 0"):
        set_message(node, "mean", VECTOR)
    with pytest.raises(DataError, match="must be a distribution"):
        set_message(node, "mean", 3.0)
    with pytest.raises(DataError, match="`y`, which is data"):
        set_marginal(y, Normal(mean=0.0, variance=1.0))
    set_marginal(x, Normal(mean=np.zeros(3), variance=1.0))


def test_verbs_say_what_they_need():
    _, (y, x, _, node) = level()
    for call in (
        lambda: update(5, 1.0), lambda: resend("y"), lambda: finish(None), lambda: marginal("x"),
        lambda: set_marginal("x", 1.0), lambda: schedule_updates("x"), lambda: set_message(3, 4),
    ):  # fmt: skip
        with pytest.raises(ModelError, match=r'graph.variables\["name"\]'):
            call()
    with pytest.raises(ModelError, match="no factor"):
        message(x, "mean")
    with pytest.raises(ModelError, match=r"write  set_marginal\(node, \"out_mean\", belief\)"):
        set_marginal(node, "out_mean")
    with pytest.raises(ModelError, match=r"write  set_message\(node, \"mean\", message\)"):
        set_message(node, Normal(mean=0.0, variance=1.0))
    with pytest.raises(ModelError, match=r"write  set_marginal\(variable, belief\)"):
        set_marginal(x)
    with pytest.raises(ModelError, match=r"write  set_marginals\(\{x: belief\}\)"):
        set_marginals([3])
    with pytest.raises(ModelError, match="is no graph"):
        bethe_free_energy(x)
    with pytest.raises(DataError, match="numbers are needed"):
        update(y, "one")


def test_arrays_of_a_graph_stand_for_their_variables():
    @model
    def coin(flip):
        p = ~Beta(a=1.0, b=1.0)
        flip[...] = ~Bernoulli(p)

    graph = coin().build({"flip": 1.0})
    seen = []
    marginal(graph.variables["p"]).subscribe(seen.append)
    update(graph.variables["flip"], 1.0)
    assert seen == [Beta(2.0, 1.0)]


def constrained_level():
    own, variables = level()
    return own, own.constrained(MeanField()), variables


def test_the_graph_under_constraints_is_named_or_made_to_react_first():
    _, graph, (y, x, w, node) = constrained_level()
    with pytest.raises(ModelError, match=r"in 2 graphs.*\n.*graph=graph.*live\(graph\)"):
        marginal(x)
    start = Gamma(shape=1.0, rate=1.0)
    set_marginal(w, start, graph=graph)
    beliefs, scores, messages = [], [], []
    marginal(x, graph=graph).subscribe(beliefs.append)
    message(node, "mean").subscribe(messages.append)
    bethe_free_energy(graph).subscribe(scores.append)
    update(y, 2.0)

    @model
    def same(y):
        x = ~Normal(mean=0.0, variance=1.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y[...] = ~NormalMeanPrecision(x, w)

    result = infer(
        same(), data={"y": 2.0}, constraints=MeanField(), initialisation={"w": start}, free_energy=True
    )  # fmt: skip
    assert beliefs == [result.posteriors["x"]]
    np.testing.assert_allclose(scores, result.free_energy)
    assert len(messages) == 1


def test_a_graph_that_reacts_is_meant_until_two_do():
    own, graph, (y, x, w, _) = constrained_level()
    live(graph)
    set_marginals({w: Gamma(shape=1.0, rate=1.0)})
    seen = []
    for cell in marginals([x, w]):
        cell.subscribe(seen.append)
    update(y, 1.0)
    assert len(seen) == 2
    live(own)
    with pytest.raises(ModelError, match="say which one reacts"):
        update(y, 1.0)
    resend(y, graph=graph)
    finish(y, graph=graph)
    other, _ = walk()
    with pytest.raises(ModelError, match="not in this graph; its variables are"):
        marginal(x, graph=other)


def test_a_graph_whose_constrained_versions_are_gone_needs_no_name():
    own, graph, (_, x, _, _) = constrained_level()
    del graph
    seen = []
    marginal(x).subscribe(seen.append)
    assert own.factors
