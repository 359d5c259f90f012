"""Pictures: plates instead of a thousand nodes, chains, cuts, observations; text where Graphviz is missing."""

import shutil
import xml.etree.ElementTree as ET

import networkx as nx
import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    DirichletCollection,
    DiscreteTransition,
    Gamma,
    MeanField,
    ModelError,
    Normal,
    NormalMeanPrecision,
    NormalMixture,
    model,
    randomvar,
)
from reactivepgm.graph.plates import lags, plates_of

RNG = np.random.default_rng(3)
HAS_DOT = shutil.which("dot") is not None
needs_dot = pytest.mark.skipif(not HAS_DOT, reason="the program dot is not installed")


@model
def coin(y):
    p = ~Beta(a=2.0, b=2.0)
    y[:] = ~Bernoulli(p)


@model
def regression(x, y):
    a = ~Normal(mean=0.0, variance=10.0)
    b = ~Normal(mean=0.0, variance=10.0)
    tau = ~Gamma(shape=1.0, rate=1.0)
    for i in range(len(x)):
        y[i] = ~NormalMeanPrecision(a * x[i] + b, tau).where(q="q(out, mean) q(precision)")


@model
def chain(y, n):
    x = randomvar(n)
    x[0] = ~Normal(mean=0.0, variance=100.0)
    x[1:] = ~Normal(mean=x[:-1], variance=1.0)
    y[:] = ~Normal(mean=x, variance=1.0)


@model
def hidden(y, n):
    A = ~DirichletCollection(np.ones((3, 3)))
    B = ~DirichletCollection(np.ones((4, 3)))
    s = randomvar(n)
    s[0] = ~Categorical(np.ones(3) / 3)
    s[1:] = ~DiscreteTransition(s[:-1], A).where(q="q(out, in) q(a)")
    y[:] = ~DiscreteTransition(s, B).where(q=MeanField())


@model
def mixture(y, n):
    w = ~Dirichlet(np.ones(2))
    m, p, z = randomvar(2), randomvar(2), randomvar(n)
    m[0] = ~Normal(mean=-2.0, variance=10.0)
    m[1] = ~Normal(mean=2.0, variance=10.0)
    p[:] = ~Gamma(shape=1.0, rate=1.0)
    z[:] = ~Categorical(w)
    y[:] = ~NormalMixture(switch=z, m=m, p=p).where(q=MeanField())


@model
def groups(y, J, n):
    mu = ~Normal(mean=0.0, variance=10.0)
    theta = randomvar(J)
    theta[:] = ~Normal(mean=mu, variance=1.0)
    z = randomvar(J, n)
    for j in range(J):
        for i in range(n):
            z[j, i] = ~Normal(mean=theta[j], variance=2.0)
            y[j, i] = ~Normal(mean=z[j, i], variance=1.0)


GRAPHS = {
    "coin": lambda: coin().build({"y": np.ones(1000)}),
    "regression": lambda: regression().build({"x": RNG.normal(size=30), "y": RNG.normal(size=30)}),
    "chain": lambda: chain(n=100).build({"y": RNG.normal(size=100)}),
    "hidden": lambda: hidden(n=50).build({"y": np.eye(4)[RNG.integers(4, size=50)]}),
    "mixture": lambda: mixture(n=40).build({"y": RNG.normal(size=40)}),
    "groups": lambda: groups(J=8, n=5).build({"y": RNG.normal(size=(8, 5))}),
}


def plates(name):
    graph = GRAPHS[name]()
    return plates_of(graph.arrays, graph.families)


def test_a_thousand_variables_are_one_node_in_a_plate():
    source = GRAPHS["coin"]().draw().source
    assert source.count("subgraph") == 1 and ">1000<" in source
    assert source.count("shape=ellipse") == 2 and len(source) < 3000


@pytest.mark.parametrize(
    "name, expected",
    [
        ("coin", [("1000", {"y"}, 1)]),
        ("regression", [("30", {"x", "y", "_1", "_2"}, 3)]),
        ("chain", [("100", {"x", "y"}, 2)]),
        ("hidden", [("50", {"s", "y"}, 2)]),
        ("mixture", [("40", {"y", "z"}, 2), ("2", {"m", "p"}, 1)]),
        ("groups", [("8", {"theta"}, 1)]),
    ],
)
def test_plates(name, expected):
    assert [(p.label, set(p.arrays), len(p.families)) for p in plates(name)] == expected


def test_a_plate_inside_a_plate():
    (outer,) = plates("groups")
    (inner,) = outer.inner
    assert inner.label == "5" and set(inner.arrays) == {"y", "z"}


def test_a_plate_counts_its_own_members():
    """19 steps with a precision each stand in a plate of 19, beside the 20 states."""

    @model
    def step(previous):
        tau = ~Gamma(shape=1.0, rate=1.0)
        return ~NormalMeanPrecision(previous, tau)

    @model
    def walk(y):
        x = randomvar(20)
        x[0] = ~Normal(mean=0.0, variance=1.0)
        for t in range(1, 20):
            x[t] = ~step(x[t - 1])
        y[:] = ~Normal(mean=x, variance=1.0)

    graph = walk().build({"y": np.zeros(20)})
    found = {p.label: (set(p.arrays), len(p.families)) for p in plates_of(graph.arrays, graph.families)}
    assert found == {"20": ({"x", "y"}, 1), "19": ({"step.tau"}, 2)}


def test_data_one_by_one_are_called_by_their_elements():
    """The first datum, observed by a statement of its own, too."""

    @model
    def f(y):
        x = randomvar(2)
        x[0] = ~Normal(mean=0.0, variance=1.0)
        y[0] = ~Normal(mean=x[0], variance=1.0)
        x[1] = ~Normal(mean=x[0], variance=1.0)
        y[1] = ~Normal(mean=x[1], variance=1.0)

    graph = f().build({"y": np.zeros(2)})
    source, network = graph.draw(expand=True).source, graph.to_networkx(expand=True)
    assert all(f'label="y[{t}]"' in source and network.nodes["y", t]["label"] == f"y[{t}]" for t in range(2))
    assert 'label="y"' not in source


def test_chains_say_how_they_step():
    graph = GRAPHS["chain"]()
    assert [lags(family) for family in graph.families] == [{}, {"out": "t", "mean": "t − 1"}, {}]
    source = graph.draw().source
    assert 'label="  t "' in source and 'label="  mean: t − 1 "' in source and 'label="  [0] "' in source


def test_a_step_that_is_not_constant_has_no_lag():
    @model
    def tangle():
        x = randomvar(6)
        x[0] = ~Normal(mean=0.0, variance=1.0)
        for i in range(1, 6):
            x[i] = ~Normal(mean=x[i // 2], variance=1.0)

    assert [lags(family) for family in tangle().build().families] == [{}, {}]


def test_observations_are_grey_inputs_are_dots_and_constants_stand_beside_their_factor():
    source = GRAPHS["regression"]().draw().source
    assert source.count('fillcolor="#d5dae1"') == 1 and source.count("●") == 1
    assert "variance = 10" in source


def test_a_cut_is_dashed_and_named():
    source = GRAPHS["hidden"]().draw().source
    assert source.count("style=dashed, color") == 3  # A into the transition; s and B into the observation
    assert "q(out, in) q(a)" in source and "q is cut there" in source
    assert "q is cut there" not in GRAPHS["coin"]().draw().source


@needs_dot
@pytest.mark.parametrize("name", GRAPHS)
def test_graphviz_draws_every_one(name, tmp_path):
    graph = GRAPHS[name]()
    root = ET.fromstring(graph.draw().svg)
    assert root.tag.endswith("svg")
    graph.draw(str(tmp_path / "g.png"))
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "g.png").read_bytes() == graph.draw().png


@needs_dot
def test_formats_and_refusals(tmp_path):
    graph = GRAPHS["coin"]()
    assert graph.draw().save(tmp_path / "g.pdf").read_bytes().startswith(b"%PDF")
    graph.draw(str(tmp_path / "plain"), format="svg")
    assert b"<svg" in (tmp_path / "plain").read_bytes()
    with pytest.raises(ModelError, match="refuses to draw"):
        graph.draw().render("nonsense")


@needs_dot
def test_names_that_mean_something_to_graphviz_or_html_are_harmless():
    @model
    def awkward(y, label):
        p = ~Beta(a=1.0, b=1.0)
        y[:] = ~Bernoulli(p).where(meta=label)

    graph = awkward(label='<script>"&').build({"y": [1.0, 0.0]})
    html = graph._repr_html_()
    assert "<script>" not in html and ET.fromstring(graph.draw().svg) is not None


def test_small_graphs_one_by_one():
    drawing = coin().build({"y": np.ones(3)}).draw(expand=True)
    assert [f'"y[{i}]"' in drawing.source for i in range(4)] == [True, True, True, False]
    assert drawing.source.count(" -> ") == 7 and "subgraph" not in drawing.source
    with pytest.raises(ModelError, match="too many to draw one by one"):
        GRAPHS["coin"]().draw(expand=True)


def test_without_graphviz_there_is_text_that_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    graph = GRAPHS["chain"]()
    drawing = graph.draw(str(tmp_path / "graph.svg"))
    text = str(drawing)
    assert text.startswith("(Graphviz is missing") and text == repr(drawing)
    assert (tmp_path / "graph.txt").read_text(encoding="utf-8") == f"{text}\n"
    assert "┌─ 100 ─" in text and "■ NormalMeanVariance(mean: x[:-1], variance: 1) → x[1:]" in text
    assert drawing._repr_html_().startswith("<pre") and "Graphviz is missing" in graph._repr_html_()
    with pytest.raises(ModelError, match="Graphviz is missing"):
        drawing.svg  # noqa: B018 - the property renders


def test_the_text_of_nested_plates_is_a_box_in_a_box():
    lines = GRAPHS["groups"]().draw().text.splitlines()
    assert len({len(line) for line in lines if line[0] in "┌│└"}) == 1
    assert any(line.startswith("│ ┌─ 5") for line in lines)


def test_networkx_knows_kinds_shapes_sites_and_observations():
    network = GRAPHS["hidden"]().to_networkx()
    assert nx.is_bipartite(nx.Graph(network))
    assert network.nodes["y"]["observed"] and not network.nodes["s"]["observed"]
    transition = network.nodes["factor", 3]
    assert transition["node"] == "DiscreteTransition" and transition["rows"] == 49 and transition["kind"] == "stochastic"
    assert transition["site"].text.startswith("s[1:] = ~") and network.nodes["s"]["site"].line > 0
    edges = {d["interface"]: d["cluster"] for *_, d in network.edges(("factor", 3), data=True)}
    assert edges == {"out": 0, "in": 0, "a": 1}


def test_networkx_one_by_one():
    network = GRAPHS["chain"]().to_networkx(expand=True)
    assert nx.is_bipartite(nx.Graph(network)) and len(network) == 400
    assert network.nodes["x", 3]["label"] == "x[3]" and not network.nodes["x", 3]["observed"]
    assert network.nodes["factor", 2, 5]["observed"] and set(network["factor", 2, 5]) == {("x", 5), ("y", 5)}
    assert network.nodes["y", 5]["kind"] == "data" and network.nodes["y", 5]["observed"]
    assert nx.is_forest(nx.Graph(network))


def test_factors_and_variables_print_a_line_each():
    graph = GRAPHS["hidden"]()
    factors, variables = repr(graph.factors), repr(graph.variables)
    assert len(factors.splitlines()) == len(graph.families) and len(variables.splitlines()) == len(graph.arrays)
    assert "49 x DiscreteTransition(out: s, in: s, a: A)   q(out, in) q(a)" in factors and "test_drawing.py:" in factors
    assert "random   s[50]" in variables
    factor = graph.factors[3]
    assert factor.interfaces == ("out", "in", "a") and factor.clusters == (("out", "in"), ("a",)) and factor.meta is None
    for html in (graph.factors._repr_html_(), graph.variables._repr_html_()):
        ET.fromstring(html)
    assert repr(graph.variables) and dict(graph.variables)["A"].shape == ()


def test_an_empty_model_can_be_looked_at():
    @model
    def nothing():
        return None

    graph = nothing().build()
    assert repr(graph.factors) == "no factors" and repr(graph.variables) == "no variables"
    assert graph.draw().text == "" and graph._repr_html_()


def test_forms_stand_below_the_names():
    @model
    def f(y):
        x = ~Normal(mean=0.0, variance=1.0)
        y[:] = ~Normal(mean=x, variance=1.0)

    graph = f().build({"y": [1.0, 2.0]}).constrained(["q(x) :: SampleList(10)", "mu(x) :: Normal"])
    for expand in (False, True):
        drawing = graph.draw(expand=expand)
        assert "SampleList(10)<BR/>mu: NormalMeanVariance" in drawing.source
        assert "○ x :: SampleList(10) :: mu: NormalMeanVariance" in str(drawing)
    assert "SampleList" not in f().build({"y": [1.0]}).draw().source
