"""One model on processes: a Dask cluster and pools, and what happens when one of them dies in the middle."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from reactivepgm import InferenceError, infer
from reactivepgm.inference.shard import answer
from tests.inference.sharded_models import MIXTURE, REGRESSION, clusters, mixture, plane, regression

MODELS = {
    "mixture": (mixture(K=3), {"data": {"y": clusters(120)}, **MIXTURE}),
    "regression": (regression(), {"data": plane(120), **REGRESSION}),
}


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed", reason="Dask comes with the extra [distributed]")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def close(here, there):
    np.testing.assert_allclose(there.free_energy, here.free_energy, rtol=1e-9)
    for name, belief in here.posteriors.items():
        for key, value in belief.parameters.items():
            np.testing.assert_allclose(there.posteriors[name].parameters[key], value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("iterations", [1, 2, 5])
def test_every_iteration_on_a_dask_cluster(client, name, iterations):
    instance, options = MODELS[name]
    options = {**options, "iterations": iterations, "free_energy": True}
    close(infer(instance, **options), infer(instance, executor=client, shards=3, **options))


def die_once(trace):
    """End the process that runs this, the first time."""
    try:
        Path(trace).touch(exist_ok=False)
    except FileExistsError:
        return
    os._exit(1)


@pytest.mark.parametrize("name", MODELS)
def test_a_worker_of_a_dask_cluster_dies(client, name, tmp_path):
    instance, options = MODELS[name]
    options = {**options, "iterations": 6, "free_energy": True}
    trace = str(tmp_path / "died")

    def kill(number, *_):
        if number == 3:
            client.submit(die_once, trace, pure=False).result()

    there = infer(instance, executor=client, shards=3, callbacks={"after_iteration": kill}, **options)
    assert Path(trace).exists()
    close(infer(instance, **options), there)


def test_a_worker_of_a_dask_cluster_dies_at_work(client, tmp_path, monkeypatch):
    """In the middle of a request: Dask gives it to another worker, which does not have the shard."""
    instance, options = MODELS["mixture"]
    options = {**options, "iterations": 4, "free_energy": True}
    monkeypatch.setattr("reactivepgm.inference.workers.answer", Fatal(str(tmp_path / "died"), 5))
    there = infer(instance, executor=client, shards=2, **options)
    assert (tmp_path / "died").exists()
    close(infer(instance, **options), there)


class Fatal:
    """``answer``, but the process ends once, at a given request."""

    def __init__(self, trace, version):
        self.trace, self.version = trace, version

    def __call__(self, request, *rest):
        if request.version == self.version:
            die_once(self.trace)
        return answer(request, *rest)


@pytest.mark.parametrize("name", MODELS)
def test_a_pool_and_a_list_of_pools(name):
    instance, options = MODELS[name]
    options = {**options, "iterations": 3, "free_energy": True}
    here = infer(instance, **options)
    context = get_context("forkserver")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        close(here, infer(instance, executor=pool, **options))
    with ProcessPoolExecutor(1, mp_context=context) as one, ProcessPoolExecutor(1, mp_context=context) as other:
        close(here, infer(instance, executor=[one, other], **options))


def test_pools_that_break(tmp_path):
    instance, options = MODELS["regression"]
    options = {**options, "iterations": 4, "free_energy": True}
    context = get_context("forkserver")
    pools = [ProcessPoolExecutor(1, mp_context=context) for _ in range(2)]

    def kill(number, *_):
        if number == 2:
            pools[0].submit(os._exit, 1)

    close(infer(instance, **options), infer(instance, executor=pools, callbacks={"after_iteration": kill}, **options))
    with pytest.raises(InferenceError, match="starts no other"):
        infer(instance, executor=pools[0], **options)
    for pool in pools:
        pool.shutdown()
