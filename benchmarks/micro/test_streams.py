"""What an update of a living graph and one observation of an engine cost, with somebody listening and without."""

from operator import attrgetter
from typing import Any

import numpy as np
import pytest
from reactivex import operators

from benchmarks.workloads.beta_bernoulli import coin
from benchmarks.workloads.scalar_kalman import step
from reactivepgm import Normal, bethe_free_energy, datavar, infer_online, marginal, model, randomvar, update

COIN = {"a": 1.0, "b": 1.0}
STEP = {"m": 0.0, "v": 100.0}


def coin_engine() -> Any:
    return infer_online(coin(**COIN), autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b})


def step_engine() -> Any:
    return infer_online(step(**STEP), autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].variance})


@pytest.mark.parametrize("listens", [True, False], ids=["heard", "unheard"])
@pytest.mark.parametrize(
    ("engine_of", "observation", "name"), [(coin_engine, {"flip": 1.0}, "p"), (step_engine, {"y": 0.3}, "x")],
    ids=["coin", "kalman"],
)
def test_one_observation(benchmark: Any, engine_of: Any, observation: Any, name: Any, listens: Any) -> None:
    engine = engine_of()
    heard: list[Any] = []
    if listens:
        engine.posteriors[name].subscribe(lambda belief: heard.__setitem__(slice(None), [belief]))
    for _ in range(100):
        engine.observe(observation)
    benchmark(lambda: engine.observe(observation))
    assert bool(heard) is listens


def test_starting_an_engine(benchmark: Any) -> None:
    benchmark(lambda: step_engine().observe({"y": 0.3}))


@model
def live_walk(n: Any) -> Any:
    y = datavar(float, n)
    x = randomvar(n)
    x[0] = ~Normal(mean=0.0, variance=1.0)
    x[1:] = ~Normal(mean=x[:-1], variance=1.0)
    y[:] = ~Normal(mean=x, variance=1.0)
    return x, y


@pytest.mark.parametrize("n", [10, 10_000])
@pytest.mark.parametrize("wanted", ["marginal", "energy"])
def test_an_update_of_a_living_graph(benchmark: Any, n: Any, wanted: Any) -> None:
    graph, (x, y) = live_walk(n)
    (marginal(x) if wanted == "marginal" else bethe_free_energy(graph)).subscribe(lambda value: None)
    values = np.sin(np.arange(float(n)))
    update(y, values)
    benchmark(lambda: update(y, values))


def test_an_operator_of_reactivex_on_a_cell(benchmark: Any) -> None:
    _, (x, y) = live_walk(2)
    marginal(x).pipe(operators.map(attrgetter("mean"))).subscribe(lambda mean: None)
    update(y, [1.0, 2.0])
    benchmark(lambda: update(y, [1.0, 2.0]))
