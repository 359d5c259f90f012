"""Linear-Gaussian chains: smoothing and evidence against Kalman, a banded solve and statsmodels; chains of 10^5."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import solveh_banded

from reactivepgm import MvNormalMeanCovariance, NormalMeanPrecision, NormalMeanVariance, infer, model, randomvar
from tests.oracles import kalman
from tests.oracles.closeness import assert_moments

ROOT = Path(__file__).parents[2]


@model
def walk_by_loop(y, level_variance, noise_variance):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.5, 10.0)
    y[0] = ~NormalMeanVariance(x[0], noise_variance)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(x[t - 1], level_variance)
        y[t] = ~NormalMeanVariance(x[t], noise_variance)
    return x


@model
def walk_by_statement(y, level_variance, noise_variance):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.5, 10.0)
    x[1:] = ~NormalMeanVariance(x[:-1], level_variance)
    y[:] = ~NormalMeanVariance(x, noise_variance)
    return x


@model
def walk_by_precision(y, level_variance, noise_variance):
    x = randomvar(len(y))
    x[0] = ~NormalMeanPrecision(0.5, 0.1)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanPrecision(x[t - 1], 1.0 / level_variance)
    for t in range(len(y)):
        y[t] = ~NormalMeanPrecision(x[t], 1.0 / noise_variance)
    return x


@pytest.mark.parametrize("walk", [walk_by_loop, walk_by_statement, walk_by_precision])
@pytest.mark.parametrize("n", [1, 2, 3, 64, 301])
def test_a_scalar_chain_is_smoothed_exactly(walk, n):
    if n == 1 and walk is walk_by_statement:
        pytest.skip("an empty slice is not a statement")
    rng = np.random.default_rng(n)
    y = np.cumsum(rng.normal(size=n)) + rng.normal(size=n)
    result = infer(walk(level_variance=0.7, noise_variance=1.3), data={"y": y}, free_energy=True)
    expected = kalman.local_level(y, 0.7, 1.3, 0.5, 10.0)
    x = result.posteriors["x"]
    assert_moments(x.mean, x.variance, expected.mean[:, 0], expected.covariance[:, 0, 0])
    np.testing.assert_allclose(result.free_energy[-1], -expected.log_evidence, rtol=1e-9)


def test_a_scalar_chain_equals_a_banded_solve():
    n, q, r = 2000, 0.3, 2.0
    rng = np.random.default_rng(0)
    y = np.cumsum(rng.normal(size=n) * q**0.5) + rng.normal(size=n) * r**0.5
    result = infer(walk_by_statement(level_variance=q, noise_variance=r), data={"y": y})
    bands = np.zeros((2, n))
    bands[1] = 1 / r + np.r_[1 / 10.0 + 1 / q, np.full(n - 2, 2 / q), 1 / q]
    bands[0, 1:] = -1 / q
    h = y / r
    h[0] += 0.5 / 10.0
    np.testing.assert_allclose(result.posteriors["x"].mean, solveh_banded(bands, h), rtol=1e-9, atol=1e-9)


def test_the_nile_level_equals_statsmodels():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.tsa.statespace.structural import UnobservedComponents

        y = np.loadtxt(ROOT / "examples" / "data" / "nile.csv", delimiter=",", skiprows=1)[:, 1]
        reference = UnobservedComponents(y, "llevel")
        reference.ssm.initialize_known(np.array([0.5]), np.array([[10.0]]))
        expected = reference.smooth([15099.0, 1469.1])
    result = infer(walk_by_loop(level_variance=1469.1, noise_variance=15099.0), data={"y": y}, free_energy=True)
    x = result.posteriors["x"]
    np.testing.assert_allclose(x.mean, expected.level["smoothed"], rtol=1e-8)
    np.testing.assert_allclose(x.variance, expected.level["smoothed_cov"], rtol=1e-8)
    np.testing.assert_allclose(result.free_energy[-1], -expected.llf_obs.sum(), rtol=1e-8)


def test_missing_observations_are_predicted():
    rng = np.random.default_rng(5)
    y = np.cumsum(rng.normal(size=40))
    y[[0, 7, 8, 9, 39]] = np.nan
    result = infer(walk_by_loop(level_variance=0.7, noise_variance=1.3), data={"y": y}, free_energy=True)
    expected = kalman.local_level(y, 0.7, 1.3, 0.5, 10.0)
    x = result.posteriors["x"]
    assert_moments(x.mean, x.variance, expected.mean[:, 0], expected.covariance[:, 0, 0])
    np.testing.assert_allclose(result.free_energy[-1], -expected.log_evidence, rtol=1e-9)


@model
def state_space(y, A, H, Q, R, m0, P0, b):
    x = randomvar(len(y))
    x[0] = ~MvNormalMeanCovariance(m0, P0)
    y[0] = ~MvNormalMeanCovariance(H @ x[0], R)
    for t in range(1, len(y)):
        x[t] = ~MvNormalMeanCovariance(A @ x[t - 1] + b, Q)
        y[t] = ~MvNormalMeanCovariance(H @ x[t], R)
    return x


@pytest.mark.parametrize(("d", "k"), [(1, 1), (2, 2), (2, 1), (3, 2), (4, 4)])
@pytest.mark.parametrize("n", [2, 50])
def test_a_multivariate_chain_is_smoothed_exactly(d, k, n):
    rng = np.random.default_rng(10 * d + k)
    A = np.linalg.qr(rng.normal(size=(d, d)))[0] * 0.95
    H = rng.normal(size=(k, d))
    Q, P0 = (m @ m.T / d + 0.2 * np.eye(d) for m in rng.normal(size=(2, d, d)))
    R = 0.5 * np.eye(k) + 0.2
    m0, b, y = rng.normal(size=d), rng.normal(size=d), rng.normal(size=(n, k))
    result = infer(state_space(A=A, H=H, Q=Q, R=R, m0=m0, P0=P0, b=b), data={"y": y}, free_energy=True)
    expected = kalman.smooth(y, A, H, Q, R, m0, P0, b)
    x = result.posteriors["x"]
    assert_moments(x.mean, x.covariance, expected.mean, expected.covariance)
    np.testing.assert_allclose(result.free_energy[-1], -expected.log_evidence, rtol=1e-9)


LONG_CHAIN = '''
import resource, sys
import numpy as np
from scipy.linalg import solveh_banded
from reactivepgm import NormalMeanVariance, infer, model, randomvar

@model
def by_loop(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanVariance(x[0], 2.0)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(x[t - 1], 0.5)
        y[t] = ~NormalMeanVariance(x[t], 2.0)
    return x

@model
def by_statement(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanVariance(x[:-1], 0.5)
    y[:] = ~NormalMeanVariance(x, 2.0)
    return x

assert sys.getrecursionlimit() == 1000
n = 100_000
rng = np.random.default_rng(0)
y = np.cumsum(rng.normal(size=n) * 0.5**0.5) + rng.normal(size=n) * 2**0.5
loop = infer(by_loop(), data={"y": y}, free_energy=True)
try:
    lines = open("/proc/self/status").read().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20
except OSError:  # elsewhere the kernel's own count, which may still hold the parent's
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
vector = infer(by_statement(), data={"y": y}, free_energy=True)
a, b = loop.posteriors["x"], vector.posteriors["x"]
np.testing.assert_allclose(a.mean, b.mean, rtol=1e-12, atol=1e-12)
np.testing.assert_allclose(a.variance, b.variance, rtol=1e-12)
np.testing.assert_allclose(loop.free_energy, vector.free_energy, rtol=1e-12)
bands = np.zeros((2, n))
bands[1] = 0.5 + np.r_[0.01 + 2.0, np.full(n - 2, 4.0), 2.0]
bands[0, 1:] = -2.0
np.testing.assert_allclose(a.mean, solveh_banded(bands, y / 2), rtol=1e-9, atol=1e-9)
assert peak < 1.0, f"{peak:.2f} GB"
'''


def test_a_chain_of_a_hundred_thousand_needs_neither_recursion_nor_a_gigabyte(tmp_path):
    # A process of its own: the peak of memory is a number for the whole process.
    script = tmp_path / "long_chain.py"
    script.write_text(LONG_CHAIN)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "rules")])}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
