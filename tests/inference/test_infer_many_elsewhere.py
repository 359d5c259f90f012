"""``infer_many`` in other processes: pools of the standard library, and a Dask cluster."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from reactivepgm import Bernoulli, Beta, Gamma, NormalMeanPrecision, NormalMeanVariance, infer, infer_many, model, randomvar


@model
def walk(y):
    x = randomvar(len(y))
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanVariance(x[:-1], 1.0)
    y[:] = ~NormalMeanPrecision(x, tau)


WALK = {
    "constraints": "q(x, tau) = q(x) q(tau)",
    "initialisation": {"tau": Gamma(shape=1.0, rate=1.0)},
    "iterations": 4,
    "free_energy": True,
}


def frames():
    rng = np.random.default_rng(8)
    found = [{"y": rng.normal(size=n).cumsum()} for n in (6, 6, 9, 6, 9)]
    found[1]["y"][2] = np.nan
    return found


def check(executor):
    results = infer_many(walk(), frames(), executor=executor, pieces=2, **WALK)
    for frame, result in zip(frames(), results, strict=True):
        alone = infer(walk(), data=frame, **WALK)
        np.testing.assert_allclose(result.posteriors["x"].mean, alone.posteriors["x"].mean, rtol=1e-10)
        np.testing.assert_allclose(result.free_energy, alone.free_energy, rtol=1e-10)


@pytest.mark.parametrize("start", ["forkserver", "spawn"])
def test_pools_of_processes(start):
    with ProcessPoolExecutor(2, mp_context=get_context(start)) as pool:
        check(pool)


def test_a_dask_cluster():
    distributed = pytest.importorskip("distributed", reason="Dask comes with the extra [distributed]")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        check(client)

        @model
        def local(flips):
            p = ~Beta(a=3.0, b=1.0)
            flips[:] = ~Bernoulli(p)

        results = infer_many(local(), [{"flips": [1, 0]}, {"flips": [1, 1]}], executor=client, pieces=2)
        assert results.posteriors["p"].a.tolist() == [4.0, 5.0]
