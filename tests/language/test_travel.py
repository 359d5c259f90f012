"""Models and nodes in other processes: by name where that can be imported, by value through cloudpickle."""

import copy
import pickle

import pytest

from reactivepgm import Bernoulli, Beta, BetheFactorisation, Linearisation, ModelError, Normal, infer, model
from reactivepgm.nodes import Interface, Node, node_of
from reactivepgm.nodes.registry import node_named


@model
def coin(flips):
    p = ~Beta(a=1.0, b=1.0)
    flips[:] = ~Bernoulli(p)


def biased(a):
    @model
    def inner(flips):
        p = ~Beta(a=a, b=1.0)
        flips[:] = ~Bernoulli(p)

    return inner


def test_a_model_that_can_be_imported_is_itself_again():
    assert pickle.loads(pickle.dumps(coin)) is coin
    assert pickle.loads(pickle.dumps(coin())).model is coin
    assert copy.deepcopy(coin()).model is coin


def test_a_local_model_travels_by_value():
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle comes with the extra [distributed]")
    again = cloudpickle.loads(cloudpickle.dumps(biased(3.0)()))
    assert infer(again, data={"flips": [1, 0]}).posteriors["p"] == Beta(4.0, 2.0)
    with pytest.raises((pickle.PicklingError, AttributeError), match="inner"):
        pickle.dumps(biased(3.0))


def test_a_model_of_the_main_module_travels_by_value_through_cloudpickle_only(monkeypatch):
    import sys

    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle comes with the extra [distributed]")
    monkeypatch.setattr(coin.function, "__module__", "__main__")
    monkeypatch.setattr(coin.function, "__qualname__", "coin")
    monkeypatch.setattr(sys.modules["__main__"], "coin", coin, raising=False)
    assert pickle.loads(pickle.dumps(coin)) is coin
    assert cloudpickle.loads(cloudpickle.dumps(coin)) is not coin


def test_nodes_travel_by_name():
    assert pickle.loads(pickle.dumps(node_of("Beta"))) is node_of("Beta")
    contracted = coin.contract()
    assert pickle.loads(pickle.dumps(contracted)) is contracted
    with pytest.raises(ModelError, match="register"):
        pickle.dumps(Node("nowhere", "deterministic", (Interface("out"), Interface("in")), abs))
    with pytest.raises(ModelError, match="no node nowhere"):
        node_named("nowhere", "math")


def squared(x):
    return x * x


@model
def curved(y):
    a = ~Normal(mean=1.0, variance=1.0)
    b = ~squared(a).where(meta=Linearisation())
    y[:] = ~Normal(mean=b, variance=1.0)


def test_graphs_and_results_travel_with_what_constrains_them():
    data = {"y": [1.0, 2.0]}
    graph = curved().build(data)
    constrained = graph.constrained(BetheFactorisation())
    for made in (graph, constrained):
        again = pickle.loads(pickle.dumps(made))
        assert again.same_as(made) and again.origin is not made
        assert infer(again, data=data).posteriors["a"] == infer(made, data=data).posteriors["a"]
    result = infer(curved(), data=data)
    assert pickle.loads(pickle.dumps(result)).posteriors["a"] == result.posteriors["a"]


def test_a_graph_with_a_local_function_travels_by_value():
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle comes with the extra [distributed]")

    @model
    def shifted(y):
        a = ~Normal(mean=0.0, variance=1.0)
        b = ~(lambda x: x + 1.0)(a).where(meta=Linearisation())
        y[...] = ~Normal(mean=b, variance=1.0)

    graph = shifted().build({"y": 2.0})
    again = cloudpickle.loads(cloudpickle.dumps(graph))
    assert infer(again, data={"y": 2.0}).posteriors["a"].mean == 0.5
