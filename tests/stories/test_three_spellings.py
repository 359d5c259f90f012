"""One state-space model as a loop, as vector statements and as models inside models: identical graphs, equal scores.

Identity is also counted out: the multiset of all single factors, each with the elements and numbers on its interfaces.
"""

# ruff: noqa: RET504 - a model names what it draws
from collections import Counter

import numpy as np
import pytest

from reactivepgm import Gamma, NormalMeanPrecision, NormalMeanVariance, infer, model, randomvar
from reactivepgm.graph import FixedBinding
from tests.oracles.kalman import local_level

SIZES = [1, 2, 3, 4, 7, 50]


# -- everything known -----------------------------------------------------------------------------------------------------


@model
def loop(y, drift):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanVariance(x[0], 0.25)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(x[t - 1], drift)
        y[t] = ~NormalMeanVariance(x[t], 0.25)


@model
def vector(y, drift):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanVariance(x[:-1], drift)
    y[:] = ~NormalMeanVariance(x, 0.25)


@model
def step(previous, seen, drift):
    state = ~NormalMeanVariance(previous, drift)
    seen[...] = ~NormalMeanVariance(state, 0.25)
    return state


@model
def nested(y, drift):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanVariance(x[0], 0.25)
    for t in range(1, len(y)):
        x[t] = ~step(x[t - 1], y[t], drift)


@model
def move(previous, drift):
    state = ~NormalMeanVariance(previous, drift)
    return state


@model
def deeper_step(previous, drift):
    state = ~move(previous, drift)
    return state


@model
def nested_twice(y, drift):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    for t in range(1, len(y)):
        x[t] = ~deeper_step(x[t - 1], drift)
    y[:] = ~NormalMeanVariance(x, 0.25)


@model
def backwards(y, drift):
    x = randomvar(len(y))
    for t in reversed(range(len(y))):
        y[t] = ~NormalMeanVariance(x[t], 0.25)
        if t > 0:
            x[t] = ~NormalMeanVariance(x[t - 1], drift)
        else:
            x[t] = ~NormalMeanVariance(0.0, 100.0)


# -- unknown precisions ---------------------------------------------------------------------------------------------------


@model
def unknown_loop(y):
    x = randomvar(len(y))
    w = ~Gamma(shape=2.0, rate=1.0)
    v = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanPrecision(x[0], v)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanPrecision(x[t - 1], w)
        y[t] = ~NormalMeanPrecision(x[t], v)


@model
def unknown_vector(y):
    x = randomvar(len(y))
    w = ~Gamma(shape=2.0, rate=1.0)
    v = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanPrecision(x[:-1], w)
    y[:] = ~NormalMeanPrecision(x, v)


@model
def unknown_step(previous, seen, w, v):
    state = ~NormalMeanPrecision(previous, w)
    seen[...] = ~NormalMeanPrecision(state, v)
    return state


@model
def unknown_nested(y):
    x = randomvar(len(y))
    w = ~Gamma(shape=2.0, rate=1.0)
    v = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanPrecision(x[0], v)
    for t in range(1, len(y)):
        x[t] = ~unknown_step(x[t - 1], y[t], w, v)


# -- a precision for each step --------------------------------------------------------------------------------------------


@model
def own_loop(y):
    x = randomvar(len(y))
    w = randomvar(len(y) - 1)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    for t in range(1, len(y)):
        w[t - 1] = ~Gamma(shape=2.0, rate=1.0)
        x[t] = ~NormalMeanPrecision(x[t - 1], w[t - 1])
    for t in range(len(y)):
        y[t] = ~NormalMeanVariance(x[t], 0.5)


@model
def own_vector(y):
    x = randomvar(len(y))
    w = randomvar(len(y) - 1)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    w[:] = ~Gamma(shape=np.full(len(y) - 1, 2.0), rate=1.0)
    x[1:] = ~NormalMeanPrecision(x[:-1], w)
    y[:] = ~NormalMeanVariance(x, 0.5)


@model
def precise(previous, w):
    state = ~NormalMeanPrecision(previous, w)
    return state


@model
def own_nested(y):
    x = randomvar(len(y))
    w = randomvar(len(y) - 1)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    for t in range(1, len(y)):
        w[t - 1] = ~Gamma(shape=2.0, rate=1.0)
        x[t] = ~precise(x[t - 1], w[t - 1])
    y[:] = ~NormalMeanVariance(x, 0.5)


def data(n):
    return {"y": np.cumsum(np.random.default_rng(n).normal(size=n))}


def factors(graph):
    """Every factor by itself: its node, its clusters, and what sits on each interface."""
    found = Counter()
    for family in graph.families:
        columns = []
        for name, binding in family.bindings.items():
            if isinstance(binding, FixedBinding):
                columns.append([(name, str(part)) for part in _elements(binding, family.rows)])
            else:
                array = binding.arrays[0]
                columns.append([(name, array.name, int(i)) for i in np.ravel(binding.index)])
        found.update((family.node.name, family.clusters, *row) for row in zip(*columns, strict=True))
    return found


def _elements(binding, rows):
    parts = binding.source.canonical(rows)
    arrays = [np.ravel(np.broadcast_to(part, (rows,))) for part in parts if isinstance(part, np.ndarray)]
    labels = [part for part in parts if not isinstance(part, np.ndarray)]
    return [(labels, [float(a[row]) for a in arrays]) for row in range(rows)]


def identical(graphs):
    first, *others = graphs
    for other in others:
        assert first.same_as(other) and other.same_as(first)
        assert factors(first) == factors(other)
        assert {(v.name, v.shape) for v in first.variables.values()} == {(v.name, v.shape) for v in other.variables.values()}


@pytest.mark.parametrize("n", SIZES)
def test_known_noise(n):
    models = [spelling(drift=1.0) for spelling in (loop, vector, nested, nested_twice, backwards)]
    identical([instance.build(data(n)) for instance in models])
    results = [infer(instance, data=data(n), free_energy=True) for instance in models]
    exact = local_level(data(n)["y"], 1.0, 0.25, 0.0, 100.0)
    for result in results:
        np.testing.assert_allclose(result.posteriors["x"].mean, exact.mean[:, 0], rtol=1e-10)
        np.testing.assert_allclose(result.posteriors["x"].variance, exact.covariance[:, 0, 0], rtol=1e-10)
        np.testing.assert_allclose(result.free_energy[-1], -exact.log_evidence, rtol=1e-12)


@pytest.mark.parametrize("n", SIZES)
def test_unknown_noise(n):
    models = [unknown_loop(), unknown_vector(), unknown_nested()]
    identical([instance.build(data(n)) for instance in models])
    start = {"w": Gamma(shape=2.0, rate=1.0), "v": Gamma(shape=1.0, rate=1.0)}
    options = {"constraints": "q(x, w, v) = q(x) q(w) q(v)", "initialisation": start, "iterations": 10, "free_energy": True}
    identical([instance.build(data(n)).constrained(options["constraints"]) for instance in models])
    results = [infer(instance, data=data(n), **options) for instance in models]
    for result in results[1:]:
        np.testing.assert_allclose(result.free_energy, results[0].free_energy, rtol=1e-12)
        for name in ("x", "w", "v"):
            np.testing.assert_allclose(result.posteriors[name].mean, results[0].posteriors[name].mean, rtol=1e-10)
    assert np.all(np.diff(results[0].free_energy) < 1e-9)


@pytest.mark.parametrize("n", SIZES)
def test_a_precision_for_each_step(n):
    models = [own_loop(), own_vector(), own_nested()]
    graphs = [instance.build(data(n)) for instance in models]
    identical(graphs)
    start = {"w": Gamma(shape=2.0, rate=1.0)} if n > 1 else {}
    constraint = "q(x, w) = q(x) q(w)" if n > 1 else None
    results = [
        infer(graph, data=data(n), constraints=constraint, initialisation=start, iterations=10, free_energy=True)
        for graph in graphs
    ]
    for result in results[1:]:
        np.testing.assert_allclose(result.free_energy, results[0].free_energy, rtol=1e-12)


@pytest.mark.parametrize(
    "other",
    [
        "x[t] = ~NormalMeanVariance(x[t - 1], 2.0)",
        "x[t] = ~NormalMeanPrecision(x[t - 1], drift)",
        "x[t] = ~NormalMeanVariance(x[0], drift)",
        "x[t] = ~NormalMeanVariance(x[t - 1], drift).where(q='q(out) q(mean)')",
    ],
)
def test_what_differs_is_told_apart(other, tmp_path):
    text = f"""
from reactivepgm import NormalMeanPrecision, NormalMeanVariance, model, randomvar

@model
def other(y, drift):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanVariance(x[0], 0.25)
    for t in range(1, len(y)):
        {other}
        y[t] = ~NormalMeanVariance(x[t], 0.25)
"""
    file = tmp_path / "other.py"
    file.write_text(text)
    names = {}
    exec(compile(text, str(file), "exec"), names)
    built = names["other"](drift=1.0).build(data(4))
    assert not built.same_as(loop(drift=1.0).build(data(4)))
    assert factors(built) != factors(loop(drift=1.0).build(data(4)))
