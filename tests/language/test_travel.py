"""Models and nodes in other processes: by name where that can be imported, by value through cloudpickle."""

import copy
import pickle

import pytest

from reactivepgm import Bernoulli, Beta, ModelError, infer, model
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
