"""The builder: rows, broadcasting, families, handles; the same graph as the language makes."""

import numpy as np
import pytest

from reactivepgm.distributions import NormalMeanVariance, PointMass
from reactivepgm.errors import DataError, InvalidParameterError, ModelError
from reactivepgm.graph import GraphBuilder, Site, q
from reactivepgm.language import model, randomvar
from reactivepgm.nodes import Interface, Node, NormalMixture


def chain(n):
    builder = GraphBuilder()
    x, y = builder.random("x", (n,)), builder.data("y", (n,))
    builder.add("NormalMeanVariance", {"out": x[0], "mean": 0.0, "variance": 100.0})
    for t in range(1, n):
        builder.add(NormalMeanVariance, {"out": x[t], "mu": x[t - 1], "v": 1.0})
    builder.add(NormalMeanVariance, {"out": y, "mean": x, "variance": 1.0})
    return builder.finish()


def test_the_same_graph_as_the_language():
    @model
    def f(y):
        x = randomvar(len(y))
        x[0] = ~NormalMeanVariance(0.0, 100.0)
        x[1:] = ~NormalMeanVariance(x[:-1], 1.0)
        y[:] = ~NormalMeanVariance(x, 1.0)

    assert chain(5).same_as(f().build({"y": np.zeros(5)}))
    assert not chain(4).same_as(f().build({"y": np.zeros(5)}))


def test_families_bindings_and_views():
    graph = chain(4)
    assert [family.rows for family in graph.families] == [1, 3, 4]
    transition = graph.family(1)
    assert transition.interfaces == ("out", "mean", "variance")
    assert set(transition.random) == {"out", "mean"} and set(transition.fixed) == {"variance"}
    assert transition.random["mean"].index.tolist() == [0, 1, 2] and transition.random["mean"].rows == 3
    assert [(c, a.name, i.tolist()) for c, a, i in transition.random["out"].components()] == [(None, "x", [1, 2, 3])]
    assert transition.clusters == (("out", "mean"), ("variance",)) and not transition.factorisation_given
    assert graph.family(2).clusters == (("out",), ("mean",), ("variance",))
    assert [a.name for a in graph.random] == ["x"] and [a.name for a in graph.data] == ["y"]
    assert len(graph.factors) == 8 and graph.factors[-1].row == 3 and graph.factors[2].family.id == 1
    assert [factor.row for factor in graph.factors][:3] == [0, 0, 1] and len(graph.factors[2:5]) == 3
    with pytest.raises(IndexError):
        graph.factors[8]
    with pytest.raises(DataError, match="no variable z; it has x, y"):
        graph.variable("z")
    assert repr(graph) == "<Graph of 4 random variables in 1 arrays, 8 factors in 3 families>"
    assert all(array.graph is graph for array in graph.arrays)


def test_an_output_is_made_where_none_is_given():
    builder = GraphBuilder()
    handle = builder.add("NormalMeanVariance", {"mean": np.zeros(3), "variance": 1.0}, name="x")
    assert handle.out.shape == (3,) and handle.out.name == "x" and handle.count == 3
    anonymous = builder.add("NormalMeanVariance", {"mean": handle.out, "variance": 1.0})
    assert anonymous.out.array.anonymous and anonymous.row == 0
    graph = builder.finish()
    assert anonymous.family is graph.families[1] and anonymous.out.array.graph is graph


def test_operands_without_a_language():
    builder = GraphBuilder()
    x = builder.random("x", (3,))
    z = 2.0 * x[1:] - x[:-1] / 4.0
    builder.rename(z.array, "z")
    graph = builder.finish()
    assert [family.node.name for family in graph.families] == ["multiplication", "multiplication", "subtraction"]
    assert graph.families[1].fixed["A"].resolve({}).value == 0.25
    assert graph.variable("z").shape == (2,)


def test_names_are_unique():
    builder = GraphBuilder()
    assert [builder.random("x").name for _ in range(3)] == ["x", "x_2", "x_3"]


def test_a_statement_of_no_rows_makes_no_family():
    builder = GraphBuilder()
    x = builder.random("x", (1,))
    handle = builder.add("NormalMeanVariance", {"out": x[1:], "mean": x[:-1], "variance": 1.0})
    assert handle.count == 0 and builder.finish().families == ()


def test_sites_of_other_front_ends():
    builder = GraphBuilder()
    site = Site("model.json", 12, "likelihood")
    x = builder.random("x", site=site)
    builder.add("NormalMeanVariance", {"out": x, "mean": 0.0, "variance": 1.0}, site=site)
    graph = builder.finish()
    assert graph.families[0].site == graph.arrays[0].site == site


def test_a_point_mass_is_a_constant():
    builder = GraphBuilder()
    builder.add("NormalMeanVariance", {"mean": PointMass(1.0), "variance": 1.0}, name="x")
    assert builder.finish().families[0].fixed["mean"].resolve({}).value == 1.0


def test_what_is_no_factor():
    builder = GraphBuilder()
    with pytest.raises(ModelError, match="'Elephant' is no factor"):
        builder.add("Elephant", {})
    with pytest.raises(ModelError, match=r"target of NormalMeanVariance is 3\.0, which is no variable"):
        builder.add("NormalMeanVariance", {"out": 3.0, "mean": 0.0, "variance": 1.0})
    with pytest.raises(ModelError, match="m of NormalMixture takes several variables"):
        builder.add(NormalMixture, {"switch": builder.random("z"), "m": 1.0, "p": (1.0, 2.0)})


def test_rows_of_constants_and_of_events():
    node = Node("thing", "stochastic", (Interface("out"), Interface("table", event_rank=2), Interface("any")), PointMass)
    builder = GraphBuilder()
    builder.add(node, {"table": np.zeros((5, 2, 3)), "any": np.zeros(5)}, name="a")
    builder.add(node, {"table": np.zeros((2, 3)), "any": np.zeros((5, 4))}, name="b")
    builder.add(node, {"table": np.zeros((5, 2, 3)), "any": np.zeros(4)}, name="c")
    families = builder.finish().families
    assert [family.rows for family in families] == [5, 1, 5]
    shapes = [(f.fixed["table"].resolve({}).batch_shape, f.fixed["any"].resolve({}).batch_shape) for f in families]
    assert shapes == [((5,), (5,)), ((), ()), ((5,), ())]
    with pytest.raises(InvalidParameterError, match="table of thing must be a matrix"):
        GraphBuilder().add(node, {"table": np.zeros(3), "any": 0.0})


def test_the_factorisation_of_one_row():
    builder = GraphBuilder()
    x, m = builder.random("x", (2,)), builder.random("m", (2,))
    builder.add("NormalMeanVariance", {"out": x[0], "mean": m[0], "variance": 1.0}, q=q(x[0]) * q(m[0]))
    family = builder.finish().families[0]
    assert family.clusters == (("out",), ("mean",), ("variance",)) and family.factorisation_given
