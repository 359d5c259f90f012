"""Shards against a search by hand: no row or element is lost, and no two shards touch but through what is shared."""

import numpy as np
import pytest

from reactivepgm import Gamma, MeanField, ModelError, NormalMeanPrecision, NormalMeanVariance, model, randomvar
from reactivepgm.graph.part import Cutter
from reactivepgm.plan.division import GLOBAL, divided
from reactivepgm.plan.structure import structure_of


@model
def groups(y, g, G):
    mu = ~NormalMeanVariance(0.0, 100.0)
    tau = ~Gamma(shape=1.0, rate=1.0)
    m = randomvar(G)
    m[:] = ~NormalMeanVariance(mu, 1.0)
    for i in range(len(y)):
        y[i] = ~NormalMeanPrecision(m[g[i]], tau)


def made(rows, G, seed):
    rng = np.random.default_rng(seed)
    g = rng.choice(G, size=rows, p=rng.dirichlet(np.full(G, 0.3)))
    y = np.arange(rows, dtype=float)
    graph = groups(g=g, G=G).build({"y": y}).constrained(MeanField())
    return graph, {"y": y}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shards", [1, 2, 5])
def test_shards_touch_through_shared_elements_only(seed, shards):
    graph, _ = made(300, 30, seed)
    structure = structure_of(graph)
    division = divided(structure, shards)
    assert 1 <= division.shards <= shards
    for family in structure.families:
        where = division.rows[family.id]
        assert where.min() >= GLOBAL
        assert where.max() < division.shards
        for cluster in structure.clusters[family.id]:
            for edge in cluster.edges:
                index = edge.place.index
                shared = division.shared[edge.array][index]
                np.testing.assert_array_equal(division.elements[edge.array][index][~shared], where[~shared])
    sizes = sum(np.bincount(rows[rows >= 0], minlength=division.shards) for rows in division.rows.values())
    assert sizes.max() < 2.6 * sizes.sum() / division.shards
    assert sum(shared.sum() for shared in division.shared) <= max(16, sizes.sum() / division.shards)


def test_parts_hold_their_own_rows_and_data():
    graph, data = made(300, 30, 0)
    structure = structure_of(graph)
    division = divided(structure, 3)
    cutter = Cutter(graph, graph.read_data(data))
    seen = []
    for shard in range(division.shards):
        rows, elements = division.part(shard)
        part = cutter.part(rows, {structure.arrays[a].id: chosen for a, chosen in elements.items()})
        observed = part.families[-1]
        seen.append(np.asarray(observed.bindings["out"].resolve({}).value))
        np.testing.assert_array_equal(seen[-1], data["y"][rows[observed.id]])
        whole = graph.families[-1].bindings["mean"].index[rows[observed.id]]
        array = structure.number[observed.bindings["mean"].array.id]
        np.testing.assert_array_equal(elements[array][observed.bindings["mean"].index], whole)
    np.testing.assert_array_equal(np.sort(np.concatenate(seen)), data["y"])


def test_few_rows_are_not_worth_it():
    @model
    def pair():
        x = ~NormalMeanVariance(0.0, 1.0)
        y = ~NormalMeanVariance(x, 1.0)
        return x, y

    with pytest.raises(ModelError, match="without executor="):
        divided(structure_of(pair().build()), 2)
