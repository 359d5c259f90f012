"""``x = ~A() if c else ~B()`` and other statements that draw in several places."""

import numpy as np
import pytest

from reactivepgm import (
    Gamma,
    InvalidParameterError,
    ModelError,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    UndeclaredVariableError,
    infer,
    model,
    randomvar,
)
from tests.language.same_graph import NAMES, both

DATA = np.linspace(-1.0, 2.0, 40)
LOOP = """
@model(lift=LIFT)
def f(y, first):
    x = randomvar(len(y))
    for t in range(len(y)):
        x[t] = ~NormalMeanVariance(0.0, 9.0) if t == 0 else ~NormalMeanVariance(x[t - 1], 1.0)
        y[t] = ~NormalMeanVariance(x[t], 0.5) if first else ~NormalMeanPrecision(x[t], 1.0)
    return x
"""


@model
def walk(y):
    x = randomvar(len(y))
    for t in range(len(y)):
        x[t] = ~NormalMeanVariance(0.0, 9.0) if t == 0 else ~NormalMeanVariance(x[t - 1], 1.0)
        y[t] = ~NormalMeanVariance(x[t], 0.5)


@model
def walk_with_if(y):
    x = randomvar(len(y))
    for t in range(len(y)):
        if t == 0:
            x[t] = ~NormalMeanVariance(0.0, 9.0)
        else:
            x[t] = ~NormalMeanVariance(x[t - 1], 1.0)
        y[t] = ~NormalMeanVariance(x[t], 0.5)


@model
def walk_in_parentheses(y):
    x = randomvar(len(y))
    for t in range(len(y)):
        x[t] = ~(NormalMeanVariance(0.0, 9.0) if t == 0 else NormalMeanVariance(x[t - 1], 1.0))
        y[t] = ~NormalMeanVariance(x[t], 0.5)


@pytest.mark.parametrize("spelling", [walk, walk_in_parentheses], ids=["two tildes", "one tilde"])
def test_each_branch_is_a_draw_to_the_target(spelling):
    """The graph is that of the if statement."""
    assert spelling().build({"y": DATA}).same_as(walk_with_if().build({"y": DATA}))


@pytest.mark.parametrize("first", [True, False])
def test_a_loop_of_branches_is_lifted_like_an_if(first):
    """Both ways of building give the same indices."""
    both(LOOP, {"y": DATA}, first=first)


@pytest.mark.parametrize("kind", ["normal", "gamma", "none"])
def test_a_name_takes_the_branch_that_runs(kind):
    """Nested conditions, and a branch that draws nothing."""

    @model
    def named():
        x = ~Normal(mean=0.0, variance=2.0) if kind == "normal" else ~Gamma(shape=2.0, rate=1.0) if kind == "gamma" else None
        return [x]

    instance = named()
    graph = instance.build()
    if kind == "none":
        assert instance.returned == [None]
        assert not graph.families
    else:
        assert instance.returned[0].name == "x"
        assert [family.node.name for family in graph.families] == [
            "NormalMeanVariance" if kind == "normal" else "GammaShapeRate"
        ]


def test_options_and_nodes_stay_with_their_branch():
    """``where`` belongs to the factor it follows."""

    @model
    def chosen(y, apart):
        m = ~NormalMeanVariance(0.0, 1.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y[:] = ~NormalMeanPrecision(m, w).where(q="q(mean) q(precision)") if apart else ~NormalMeanPrecision(m, w)

    clusters = [chosen(apart=apart).build({"y": [1.0, 2.0]}).families[2].clusters for apart in (True, False)]
    assert clusters == [(("out",), ("mean",), ("precision",)), (("out",), ("mean", "precision"))]


def test_without_source_the_jump_is_followed():
    """Compiled code stores both branches under the name, or in the element."""
    names = {**NAMES, "__name__": "bare"}
    text = LOOP.replace("(lift=LIFT)", "") + (
        "@model\ndef g(c):\n    x = ~NormalMeanVariance(0.0, 1.0) if c else ~NormalMeanPrecision(0.0, 1.0)\n    return x\n"
    )
    exec(text, names)
    assert names["f"].is_traced
    graph = names["f"](first=True).build({"y": DATA})
    assert graph.same_as(walk_with_if().build({"y": DATA}))
    for c in (True, False):
        instance = names["g"](c)
        graph = instance.build()
        assert instance.returned.name == "x"
        assert graph.families[0].node.name == ("NormalMeanVariance" if c else "NormalMeanPrecision")


def test_the_letter_shows_the_statement_as_it_was_written():
    """The line, with both branches."""

    @model
    def wrong(y):
        y[:] = ~NormalMeanVariance(0.0, -1.0) if len(y) else ~NormalMeanVariance(0.0, 1.0)

    with pytest.raises(InvalidParameterError, match=r"y\[:\] = ~NormalMeanVariance\(0.0, -1.0\) if len\(y\) else ~Normal"):
        wrong().build({"y": [1.0]})


def test_a_branch_that_is_no_draw_is_a_letter():
    """What to write has no second ``~``."""

    @model
    def wrong(y):
        for t in range(len(y)):
            y[t] = ~NormalMeanVariance(0.0, 1.0) if t else None

    with pytest.raises(ModelError, match="is drawn from a factor, not assigned None") as caught:
        wrong().build({"y": [1.0, 2.0]})
    assert "~~" not in str(caught.value)


def test_several_targets_of_several_draws():
    """Names and elements, from left to right."""

    @model
    def pairs(y):
        a, b = ~Normal(mean=0.0, variance=1.0), ~Gamma(shape=1.0, rate=1.0)
        x = randomvar(2)
        x[0], x[1] = ~Normal(mean=a, variance=1.0), ~Normal(mean=a, variance=2.0)
        y[0], y[1] = ~Normal(mean=x[0], variance=1.0), ~Normal(mean=x[1], variance=1.0)
        return a, b, x

    instance = pairs()
    instance.build({"y": [1.0, 2.0]})
    assert [variable.name for variable in instance.returned] == ["a", "b", "x"]
    # y0 - a has variance 2 and y1 - a variance 3, given a; a has variance 1.
    posterior = infer(pairs(), data={"y": [1.0, 2.0]}).posteriors["a"]
    precision = 1.0 + 1.0 / 2.0 + 1.0 / 3.0
    np.testing.assert_allclose([posterior.mean, posterior.variance], [(0.5 + 2.0 / 3.0) / precision, 1.0 / precision])


def test_places_that_read_each_other_are_exchanged_as_in_python():
    """``a, b = ~F(b), ~G(a)`` reads both before either is drawn."""

    @model
    def exchanged():
        a = ~Normal(mean=1.0, variance=1.0)
        b = ~Normal(mean=5.0, variance=1.0)
        a, b = ~Normal(mean=b, variance=1.0), ~Normal(mean=a, variance=1.0)
        return a, b

    instance = exchanged()
    result = infer(instance)
    a, b = instance.returned
    assert [float(result.posteriors[v.name].mean) for v in (a, b)] == [5.0, 1.0]


def test_one_draw_for_a_name_and_an_element():
    """The name is the element."""

    @model
    def twice(y):
        last = y[0] = ~Normal(mean=3.0, variance=1.0)
        x = z = ~Normal(mean=last, variance=1.0)
        return last, x, z

    instance = twice()
    instance.build({"y": [1.0]})
    last, x, z = instance.returned
    assert last.kind == "data"
    assert x is z
    assert x.name == "x"


def test_an_element_before_the_first_is_found_in_a_branch():
    """The rewriting of indices holds inside branches, once."""

    @model
    def early(y):
        x = randomvar(len(y))
        for t in range(len(y)):
            x[t] = ~Normal(mean=x[t - 1], variance=1.0) if t >= 0 else ~Normal(mean=0.0, variance=1.0)

    with pytest.raises(UndeclaredVariableError, match=r"x\[-1\] was never declared"):
        early().build({"y": [1.0, 2.0]})
