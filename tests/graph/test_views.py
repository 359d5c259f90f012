"""Looking at a graph: text, networkx, Graphviz; and when two graphs are the same."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import networkx as nx
import numpy as np

from reactivepgm.distributions import Beta, Gamma, NormalMeanPrecision, NormalMeanVariance
from reactivepgm.graph import MeanField
from reactivepgm.language import model, randomvar


@model
def walk(y, meta=None, v=100.0):
    x = randomvar(len(y))
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, v)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanPrecision(x[t - 1], tau).where(meta=meta)
    y[:] = ~NormalMeanPrecision(0.5 * x, tau)
    return x


DATA = {"y": np.arange(3.0)}


def test_the_description():
    text = walk(meta="m").build(DATA).describe()
    for expected in (
        "Graph of 7 random variables in 3 arrays, 10 factors in 5 families",
        "random   x[3]",
        "data     y[3]",
        "(anonymous)",
        "2 x NormalMeanPrecision(out: x, mean: x, precision: tau)",
        "q(out, mean, precision) meta='m'",
        "x[t] = ~NormalMeanPrecision(x[t - 1], tau).where(meta=meta)",
        "in: x)",
    ):
        assert expected in text


def test_networkx_with_plates():
    network = walk().build(DATA).to_networkx()
    assert nx.is_bipartite(nx.Graph(network))
    assert network.nodes["x"]["shape"] == (3,) and network.nodes["y"]["kind"] == "data"
    assert network.nodes[("factor", 2)]["rows"] == 2
    assert {d["interface"] for *_, d in network.edges(("factor", 2), data=True)} == {"out", "mean", "precision"}
    assert network.number_of_edges(("factor", 2), "x") == 2


def test_networkx_expanded():
    network = walk().build(DATA).to_networkx(expand=True)
    factors = [n for n, d in network.nodes(data=True) if d["bipartite"] == "factor"]
    assert len(factors) == 10 and len(network) == 20
    assert network.nodes[("x", 1)]["label"] == "x[1]"
    assert set(network.neighbors(("factor", 2, 0))) == {("x", 0), ("x", 1), ("tau", 0)}
    assert ("y", 1) in network[("factor", 4, 1)] and network.nodes[("y", 1)]["observed"]


def test_graphs_that_differ():
    graph = walk().build(DATA)
    assert graph.same_as(walk().build({"y": np.ones(3)}))
    assert not graph.same_as(walk().build({"y": np.arange(4.0)}))
    assert not graph.same_as(walk(v=50.0).build(DATA))
    assert not graph.same_as(walk(meta="m").build(DATA))
    assert not graph.same_as(graph.constrained(MeanField()))

    @model
    def other():
        p = ~Beta(1.0, 1.0)
        return p

    assert not graph.same_as(other().build())


def test_rows_in_another_order_are_the_same_graph():
    @model
    def forward(y):
        x = randomvar(len(y))
        for t in range(len(y)):
            y[t] = ~NormalMeanVariance(x[t], 1.0 + t)

    @model
    def backward(y):
        x = randomvar(len(y))
        for t in reversed(range(len(y))):
            y[t] = ~NormalMeanVariance(x[t], 1.0 + t)

    assert forward().build(DATA).same_as(backward().build(DATA))


def test_forms_are_described_and_compared():
    @model
    def f(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanVariance(x, 1.0)

    graph = f().build({"y": [1.0, 2.0]})
    point = graph.constrained(["q(x) :: PointMass(bounds=(0, 1))", "mu(x) :: Normal"])
    assert "q(x) :: PointMassForm(bounds=(0.0, 1.0))   mu(x) :: ProjectedTo(NormalMeanVariance)" in point.describe()
    assert "::" not in graph.describe()
    again = graph.constrained(["mu(x) :: Normal", "q(x) :: PointMass(bounds=(0, 1))"])
    assert point.same_as(again) and not graph.same_as(point)
