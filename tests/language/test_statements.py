"""Every form of ``~``: names, elements, data, operators, functions, node references, priors, ordinary inversion."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import numpy as np
import pytest

from reactivepgm.distributions import Bernoulli, Gamma, MvNormal, Normal, NormalMeanPrecision, NormalMeanVariance
from reactivepgm.graph import FactorHandle, Graph, Reference
from reactivepgm.language import datavar, model, randomvar
from reactivepgm.nodes import NormalMixture


def rows(graph: Graph) -> list[tuple[str, int]]:
    return [(family.node.name, family.rows) for family in graph.families]


def test_a_name_becomes_a_variable():
    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        return x

    graph, x = f()
    assert isinstance(x, Reference) and x.name == "x" and x.shape == ()
    assert rows(graph) == [("NormalMeanVariance", 1)]
    assert graph.families[0].site.text == "x = ~NormalMeanVariance(0.0, 1.0)"


def test_a_declared_variable_is_tied_and_a_second_factor_may_join():
    @model
    def f():
        x = randomvar()
        x = ~NormalMeanVariance(0.0, 1.0)
        x = ~NormalMeanVariance(1.0, 1.0)
        return x

    graph, x = f()
    assert len(graph.random) == 1 and x.name == "x"
    assert [family.random["out"].array.name for family in graph.families] == ["x", "x"]


def test_a_name_among_its_own_arguments_is_rebound():
    @model
    def f(n):
        x = ~NormalMeanVariance(0.0, 1.0)
        for _ in range(n):
            x = ~NormalMeanVariance(x, 1.0)
        return x

    graph, _ = f(4)
    # The first step starts from another array than the later ones.
    assert rows(graph) == [("NormalMeanVariance", 1), ("NormalMeanVariance", 1), ("NormalMeanVariance", 3)]
    last = graph.families[2]
    assert last.random["mean"].index.tolist() == [0, 1, 2] and last.random["out"].index.tolist() == [1, 2, 3]


def test_a_name_drawn_anew_in_each_turn_of_a_loop_is_a_new_variable():
    @model
    def f(y):
        last = 0.0
        for t in range(len(y)):
            state = ~NormalMeanVariance(last, 1.0)
            y[t] = ~NormalMeanVariance(state, 1.0)
            last = state

    graph = f().build({"y": np.zeros(5)})
    assert graph.variable("state").shape == (5,)
    assert rows(graph) == [("NormalMeanVariance", 1), ("NormalMeanVariance", 5), ("NormalMeanVariance", 4)]


def test_elements_and_data_make_rows_of_one_family():
    @model
    def f(y):
        x = randomvar(len(y))
        x[0] = ~NormalMeanVariance(0.0, 100.0)
        for t in range(1, len(y)):
            x[t] = ~NormalMeanVariance(x[t - 1], 1.0)
        for t in range(len(y)):
            y[t] = ~NormalMeanVariance(x[t], 2.0)

    graph = f().build({"y": np.arange(4.0)})
    assert rows(graph) == [("NormalMeanVariance", 1), ("NormalMeanVariance", 3), ("NormalMeanVariance", 4)]
    observation = graph.families[2].fixed["out"]
    assert observation.names == ("y",)
    assert observation.resolve({"y": np.arange(4.0)}).value.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_two_indices_and_early_use():
    @model
    def f():
        x = randomvar(2, 3)
        x[1, 2] = ~NormalMeanVariance(x[0, 0], 1.0)
        x[0, 0] = ~NormalMeanVariance(0.0, 1.0)

    graph = f().build()
    assert graph.families[0].random["out"].index.tolist() == [5]


def test_a_scalar_datum_is_observed_through_an_ellipsis():
    @model
    def f():
        y = datavar(float)
        x = ~NormalMeanVariance(0.0, 1.0)
        y[...] = ~NormalMeanVariance(x, 1.0)
        return x, y

    graph, (_, y) = f()
    assert y.kind == "data"
    assert graph.families[1].fixed["out"].resolve({"y": 3.0}).value == 3.0


@pytest.mark.parametrize("form", ["drawn", "walrus", "walrus inside where"])
def test_a_node_reference(form):
    @model
    def drawn():
        node, y = ~NormalMeanVariance(0.0, 1.0)
        return node, y

    @model
    def walrus():
        y = ~(node := NormalMeanVariance(0.0, 1.0))
        return node, y

    @model
    def inside():
        y = ~(node := NormalMeanVariance(0.0, 1.0).where(meta="m"))
        return node, y

    chosen = {"drawn": drawn, "walrus": walrus, "walrus inside where": inside}[form]
    graph, (node, y) = chosen()
    assert isinstance(node, FactorHandle)
    assert node.family is graph.families[0] and node.row == 0
    assert node.interfaces == ("out", "mean", "variance") and node.out == y
    assert node.clusters == (("out",), ("mean",), ("variance",))
    assert "NormalMeanVariance" in repr(node) and "test_statements.py" in repr(node)
    assert node.meta == ("m" if "where" in form else None)


def test_a_node_reference_with_an_indexed_target():
    @model
    def f():
        x = randomvar(3)
        node, x[1] = ~NormalMeanVariance(0.0, 1.0)
        x[2] = ~(other := NormalMeanVariance(x[1], 1.0))
        return node, other

    graph, (node, other) = f()
    assert node.family is graph.families[0] and other.family is graph.families[1]


def test_a_prior_object_is_the_factor_with_its_parameters():
    prior = Normal(mean=1.0, variance=2.0)

    @model
    def by_object():
        theta = ~prior
        return theta

    @model
    def by_factor():
        theta = ~NormalMeanVariance(1.0, 2.0)
        return theta

    assert by_object().build().same_as(by_factor().build())


def test_keywords_choose_the_parametrisation_and_aliases_are_accepted():
    @model
    def f():
        m = ~Normal(mean=0.0, variance=1.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        v = ~Gamma(scale=1.0, shape=2.0)
        a = ~Normal(precision=w, mean=m)
        b = ~NormalMeanVariance(mu=m, v=v)
        c = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
        return a, b, c

    graph, _ = f()
    names = [family.node.name for family in graph.families]
    assert names == [
        "NormalMeanVariance",
        "GammaShapeRate",
        "GammaShapeScale",
        "NormalMeanPrecision",
        "NormalMeanVariance",
        "MvNormalMeanCovariance",
    ]
    assert graph.families[2].fixed["shape"].resolve({}).value == 2.0
    assert graph.families[3].random["precision"].array.name == "w"


def test_keywords_in_a_loop_in_any_order():
    @model
    def f(y):
        m = ~Normal(mean=0.0, variance=1.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        for i in range(len(y)):
            y[i] = ~Normal(precision=w, mean=m)

    graph = f().build({"y": np.zeros(5)})
    assert rows(graph)[-1] == ("NormalMeanPrecision", 5)
    assert graph.families[-1].random["mean"].array.name == "m"


def test_ordinary_inversion_stays_what_it_was():
    mask = np.array([True, False])

    @model
    def f(k):
        inverted = ~mask
        number = ~k
        finite = ~np.isnan(np.array([1.0, np.nan]))
        first, second = ~mask
        table = np.array([True, True])
        table[0] = ~table[1]
        both = ~(mask & finite)
        x = ~NormalMeanVariance(0.0, 1.0)
        return inverted, number, finite, (first, second), table, both, x

    _, (inverted, number, finite, pair, table, both, _) = f(5)
    assert inverted.tolist() == [False, True]
    assert number == -6
    assert finite.tolist() == [True, False]
    assert pair == (False, True)
    assert table.tolist() == [False, True]
    assert both.tolist() == [False, True]


def test_inversion_of_data_is_an_expression_over_data():
    @model
    def f(y):
        seen = ~np.isnan(y)
        return seen

    instance = f()
    instance.build({"y": [1.0, np.nan]})
    assert instance.returned.shape == (2,)


def test_deterministic_statements():
    @model
    def f():
        a = ~NormalMeanVariance(0.0, 1.0)
        b = ~NormalMeanVariance(0.0, 1.0)
        c = ~(a + b)
        d = a - b
        e = ~(-a)
        return c, d, e

    graph, (c, d, e) = f()
    assert [x.name for x in (c, d, e)] == ["c", "d", "e"]
    assert [family.node.name for family in graph.families[2:]] == ["addition", "subtraction", "multiplication"]


def test_a_deterministic_statement_ties_an_element():
    @model
    def f(n):
        x = randomvar(n)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        for t in range(1, n):
            x[t] = ~(x[t - 1] + 1.0)
        return x

    graph, _ = f(4)
    assert rows(graph) == [("NormalMeanVariance", 1), ("addition", 3)]
    assert graph.families[1].random["out"].index.tolist() == [1, 2, 3]
    assert len(graph.random) == 1


def test_any_function_is_a_deterministic_factor():
    def bend(a, b):
        return a * b

    @model
    def f():
        a = ~NormalMeanVariance(0.0, 1.0)
        b = ~NormalMeanVariance(0.0, 1.0)
        c = ~bend(a, b)
        d = ~bend(a, 2.0)
        e = ~bend(b=a, a=3.0)
        return c, d, e

    graph, (c, _, _) = f()
    factors = graph.families[2:]
    assert c.name == "c"
    assert [family.node.key for family in factors] == ["Delta"] * 3
    assert [list(factor.random) for factor in factors] == [["out", "in1", "in2"], ["out", "in"], ["out", "in"]]
    assert factors[1].node.target(5.0) == 10.0 and factors[2].node.target(4.0) == 12.0


def test_several_variables_on_one_interface():
    @model
    def tuples(y):
        z = randomvar(len(y))
        m1, m2 = randomvar(), randomvar()
        w = randomvar(2)
        for i in range(len(y)):
            y[i] = ~NormalMixture(z[i], (m1, m2), (w[0], w[1]))

    @model
    def arrays(y):
        z = randomvar(len(y))
        m = randomvar(2)
        w = randomvar(2)
        y[:] = ~NormalMixture(z, m, w)

    data = {"y": np.zeros(3)}
    family = tuples().build(data).families[0]
    assert family.rows == 3
    assert [array.name for _, array, _ in family.random["m"].components()] == ["m1", "m2"]
    assert family.random["p"].index.tolist() == [[0, 1]] * 3
    family = arrays().build(data).families[0]
    assert family.random["m"].array.name == "m" and family.random["m"].index.tolist() == [[0, 1]] * 3


def test_constants_on_a_plural_interface():
    @model
    def f(y):
        z = ~Bernoulli(0.5)
        y[:] = ~NormalMixture(z, (-1.0, 1.0), np.array([1.0, 2.0]))

    family = f().build({"y": np.zeros(3)}).families[1]
    assert family.fixed["m"].resolve({}).value.tolist() == [-1.0, 1.0]
    assert family.fixed["m"].resolve({}).batch_shape == (2,)


def test_annotated_and_chained_assignments_and_draws_inside_expressions():
    @model
    def f():
        a: object = ~NormalMeanVariance(0.0, 1.0)
        b = c = ~NormalMeanVariance(0.0, 1.0)
        many = [~NormalMeanVariance(0.0, 1.0) for _ in range(3)]
        return a, b, c, many

    graph, (a, b, c, many) = f()
    assert (a.name, b.name) == ("a", "b") and b is c
    assert [m.name for m in many] == ["many"] * 3
    assert [m.first for m in many] == [0, 1, 2]
    assert rows(graph)[-1] == ("NormalMeanVariance", 3)


def test_a_factor_held_in_a_name_is_drawn_later():
    @model
    def f():
        m = ~NormalMeanVariance(0.0, 1.0)
        factor = NormalMeanPrecision(m, 1.0)
        x = ~factor
        return x

    graph, x = f()
    assert x.name == "x" and rows(graph)[1] == ("NormalMeanPrecision", 1)


def test_rows_of_other_kinds_make_other_families():
    @model
    def f(n):
        x = randomvar(n)
        last = 0.0
        for t in range(n):
            x[t] = ~NormalMeanVariance(last, 1.0)
            last = x[t]

    graph = f(4).build()
    assert rows(graph) == [("NormalMeanVariance", 1), ("NormalMeanVariance", 3)]
    assert graph.families[0].site == graph.families[1].site


def test_constants_that_change_from_row_to_row():
    @model
    def f(n):
        x = randomvar(n)
        noise = np.array([0.5])
        for t in range(n):
            noise[0] += 1.0
            x[t] = ~NormalMeanVariance(float(t), noise[0])
        z = randomvar(2)
        centre = np.zeros(2)
        for t in range(2):
            centre[0] = t
            z[t] = ~MvNormal(mean=centre, covariance=np.eye(2))

    graph = f(3).build()
    family = graph.families[0]
    assert family.fixed["mean"].resolve({}).value.tolist() == [0.0, 1.0, 2.0]
    assert family.fixed["variance"].resolve({}).value.tolist() == [1.5, 2.5, 3.5]
    # An array that is changed in place between rows is another value each time.
    assert graph.families[1].fixed["mean"].resolve({}).value.tolist() == [[0.0, 0.0], [1.0, 0.0]]
    assert graph.families[1].fixed["covariance"].resolve({}).batch_shape == ()


def test_draws_in_other_places():
    @model
    def f(flag):
        x = ~NormalMeanVariance(0.0, 1.0) if flag else ~Gamma(shape=1.0, rate=1.0)
        z = [(w := ~NormalMeanVariance(x, 1.0)), w]
        match flag:
            case True:
                u = ~NormalMeanVariance(x, 1.0)
            case _:
                u = x
        try:
            v = ~NormalMeanVariance(u, 1.0)
        finally:
            pass
        return x, z, u, v

    graph, (x, z, u, v) = f(True)
    assert [r.name for r in (x, z[0], u, v)] == ["x", "w", "u", "v"]
    assert len(graph.families) == 4


def test_functions_of_equal_constants_share_a_node():
    def scaled(a, by):
        return by @ a

    @model
    def f(n):
        x, z = randomvar(n), randomvar(n)
        for t in range(n):
            z[t] = ~scaled(x[t], np.eye(2))

    graph = f(3).build()
    assert [family.rows for family in graph.families] == [3]
    assert graph.same_as(f(3).build())


def test_variables_kept_as_attributes_are_known_by_them():
    class Kept:
        pass

    @model
    def f(y):
        kept = Kept()
        kept.x = ~NormalMeanVariance(0.0, 1.0)
        kept.z = kept.x + 1.0
        y[...] = ~NormalMeanVariance(kept.z, 1.0)

    graph = f().build({"y": 3.0})
    assert {array.name for array in graph.random} == {"kept.x", "kept.z"}
