"""Row "logic": ``a & b``, ``a | b``, ``~a`` inside an expression, ``implies(a, b)``."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import itertools
import re

import numpy as np
import pytest

from reactivepgm import infer
from reactivepgm.distributions import Bernoulli
from reactivepgm.errors import ModelError
from reactivepgm.language import implies, model, randomvar
from reactivepgm.nodes import NOT


def nodes(graph):
    return [family.node.name for family in graph.families if family.node.name != "Bernoulli"]


def test_operators():
    @model
    def f():
        a = ~Bernoulli(0.5)
        b = ~Bernoulli(0.4)
        c = ~(a & b)
        d = a | b
        e = ~implies(a, b)
        g = implies(b, a)
        return c, d, e, g

    graph, returned = f()
    assert nodes(graph) == ["AND", "OR", "IMPLY", "IMPLY"]
    assert [r.name for r in returned] == ["c", "d", "e", "g"]
    assert graph.families[5].random["in1"].array.name == "b"


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        ("~(~a)", ["NOT"]),
        ("~NOT(a)", ["NOT"]),
        ("a & ~b", ["NOT", "AND"]),
        ("~(~a | b)", ["NOT", "OR"]),
        ("~(~(a & b) | a)", ["AND", "NOT", "OR"]),
        ("~(~(~a))", ["NOT", "NOT"]),
        ("~(implies(a, b) & a)", ["IMPLY", "AND"]),
        ("implies(a, ~b) | b", ["NOT", "IMPLY", "OR"]),
        ("~(1 & a)", ["AND"]),
        ("~(a & True)", ["AND"]),
        ("np.logical_or(a, b)", ["OR"]),
    ],
)
def test_negation_inside_an_expression(spelled, expected):
    namespace = {"model": model, "Bernoulli": Bernoulli, "implies": implies, "NOT": NOT, "np": np}
    source = f"@model\ndef f():\n    a = ~Bernoulli(0.5)\n    b = ~Bernoulli(0.4)\n    c = {spelled}\n    return c\n"
    import linecache

    name = f"<ipython-input-1-{abs(hash(spelled)):x}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    exec(compile(source, name, "exec"), namespace)
    graph, c = namespace["f"]()
    assert nodes(graph) == expected
    assert c.name == "c"


def test_an_outermost_tilde_on_a_variable_draws_nothing():
    @model
    def f():
        a = ~Bernoulli(0.5)
        c = ~a
        return c

    with pytest.raises(ModelError, match=rf"is a variable already[\s\S]*{re.escape('y = ~(~x) for the negation NOT')}"):
        f().build()


def test_elements_and_loops():
    @model
    def f(n):
        a, b, c = randomvar(n), randomvar(n), randomvar(n)
        for t in range(n):
            a[t] = ~Bernoulli(0.5)
            b[t] = ~(a[t] | a[(t - 1) % n])
            c[t] = ~(~b[t])
        d = [~x for x in c]
        e = ~a[0] & b[0]
        return d, e

    graph, _ = f(3)
    assert [(g.node.name, g.rows) for g in graph.families] == [
        *(("Bernoulli", 3), ("OR", 3), ("NOT", 3), ("NOT", 3), ("NOT", 1), ("AND", 1)),
    ]


def test_data_in_logic():
    @model
    def f(y, seen):
        a = ~Bernoulli(0.3)
        b = a & y[0]
        y[1] = ~(a | b)
        c = ~y[0] & seen[1]
        d = ~Bernoulli(0.5 * c + 0.25)
        return d

    data = {"y": [1.0, 1.0], "seen": [0.0, 1.0]}
    graph = f().build(data)
    assert nodes(graph) == ["AND", "OR"]
    assert graph.families[-1].fixed["p"].resolve(graph.read_data(data)).value == 0.25


def test_the_posterior_by_enumeration():
    def weight(a, b, c):
        prior = np.prod([p if v else 1 - p for v, p in ((a, 0.3), (b, 0.6), (c, 0.2))])
        return prior * float((a and not b) or c)

    worlds = list(itertools.product([0, 1], repeat=3))
    evidence = sum(weight(*w) for w in worlds)
    exact = [sum(weight(*w) for w in worlds if w[i]) / evidence for i in range(3)]

    @model
    def f(y):
        a = ~Bernoulli(0.3)
        b = ~Bernoulli(0.6)
        c = ~Bernoulli(0.2)
        y[...] = ~((a & ~b) | c)

    result = infer(f(), data={"y": 1.0})
    np.testing.assert_allclose([result.posteriors[n].p for n in "abc"], exact, rtol=1e-12)
