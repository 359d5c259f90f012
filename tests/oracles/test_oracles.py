"""The oracles agree with each other and with statsmodels, so that an error in one of them shows."""

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

from tests.oracles import loopy, variational
from tests.oracles.dense_gaussian import DenseGaussian
from tests.oracles.enumeration import Enumeration
from tests.oracles.exact_chain import smooth_exactly
from tests.oracles.kalman import local_level, smooth

NILE = Path(__file__).parents[2] / "examples" / "data" / "nile.csv"


def nile() -> np.ndarray:
    return np.loadtxt(NILE, delimiter=",", skiprows=1)[:, 1]


def test_the_nile_values_are_those_of_statsmodels():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.datasets import nile as dataset

        expected = dataset.load_pandas().data
    np.testing.assert_array_equal(np.loadtxt(NILE, delimiter=",", skiprows=1), expected.to_numpy())


def test_the_kalman_smoother_equals_statsmodels_on_the_nile():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.tsa.statespace.structural import UnobservedComponents

        model = UnobservedComponents(nile(), "llevel")
        model.ssm.initialize_known(np.array([1000.0]), np.array([[1e6]]))
        expected = model.smooth([15099.0, 1469.1])
    ours = local_level(nile(), 1469.1, 15099.0, 1000.0, 1e6)
    np.testing.assert_allclose(ours.mean[:, 0], expected.level["smoothed"], rtol=1e-10)
    np.testing.assert_allclose(ours.covariance[:, 0, 0], expected.level["smoothed_cov"], rtol=1e-9)
    np.testing.assert_allclose(ours.log_evidence, expected.llf_obs.sum(), rtol=1e-10)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_kalman_equals_dense_conditioning(d):
    rng = np.random.default_rng(d)
    n, k = 7, 2
    A, H = rng.normal(size=(d, d)), rng.normal(size=(k, d))
    Q, R, P0 = (m @ m.T + 0.1 * np.eye(len(m)) for m in (rng.normal(size=(s, s)) for s in (d, k, d)))
    b, m0, y = rng.normal(size=d), rng.normal(size=d), rng.normal(size=(n, k))
    model = DenseGaussian()
    for t in range(n):
        if t:
            model.draw(f"x{t}", {f"x{t - 1}": A}, b, Q)
        else:
            model.draw("x0", {}, m0, P0)
        model.draw(f"y{t}", {f"x{t}": H}, 0.0, R)
    dense = model.condition({f"y{t}": y[t] for t in range(n)})
    kalman = smooth(y, A, H, Q, R, m0, P0, b)
    for t in range(n):
        np.testing.assert_allclose(dense.mean(f"x{t}"), kalman.mean[t], rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(dense.covariance(f"x{t}"), kalman.covariance[t], rtol=1e-8, atol=1e-10)
    for t in range(n - 1):
        np.testing.assert_allclose(dense.covariance(f"x{t}", f"x{t + 1}"), kalman.cross[t], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(dense.log_evidence, kalman.log_evidence, rtol=1e-10)


def test_a_flat_root_is_the_limit_of_a_wide_one():
    flat, wide = DenseGaussian(), DenseGaussian()
    flat.flat("r", 2)
    wide.draw("r", {}, np.zeros(2), 1e8 * np.eye(2))
    for model in (flat, wide):
        model.draw("s", {"r": np.array([[1.0, 2.0]])}, 0.5, 2.0)
        model.draw("y", {"r": np.array([[1.0, -1.0]])}, 0.0, 1.0)
        model.draw("z", {"s": 1.0}, 0.0, 0.3)
    a, b = (model.condition({"y": 0.7, "z": 2.0}) for model in (flat, wide))
    np.testing.assert_allclose(a.joint_mean, b.joint_mean, rtol=1e-6)
    np.testing.assert_allclose(a.joint_covariance, b.joint_covariance, rtol=1e-6)
    np.testing.assert_allclose(a.log_evidence, b.log_evidence + np.log(2 * np.pi * 1e8), rtol=1e-6)


def test_exact_fractions_equal_kalman():
    y, q, r = [1.5, -0.25, 3.0], [0.5, 2.0], [1.0, 0.25, 4.0]
    means, variances = smooth_exactly(y, q, r, 0.5, 2.0)
    model = DenseGaussian()
    model.draw("x0", {}, 0.5, 2.0)
    for t in (1, 2):
        model.draw(f"x{t}", {f"x{t - 1}": 1.0}, 0.0, q[t - 1])
    for t in range(3):
        model.draw(f"y{t}", {f"x{t}": 1.0}, 0.0, r[t])
    dense = model.condition({f"y{t}": y[t] for t in range(3)})
    assert all(isinstance(m, Fraction) for m in means)
    np.testing.assert_allclose([float(m) for m in means], dense.joint_mean, rtol=1e-12)
    np.testing.assert_allclose([float(v) for v in variances], np.diag(dense.joint_covariance), rtol=1e-12)


def test_enumeration_of_a_markov_chain_equals_its_matrix_product():
    rng = np.random.default_rng(0)
    start, A = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), size=3).T
    likelihood = rng.uniform(size=(4, 3))
    model = Enumeration({f"s{t}": 3 for t in range(4)})
    model.factor(["s0"], start)
    for t in range(4):
        model.factor([f"s{t}"], likelihood[t])
        if t:
            model.factor([f"s{t}", f"s{t - 1}"], A)
    alpha = start * likelihood[0]
    for t in range(1, 4):
        alpha = (A @ alpha) * likelihood[t]
    np.testing.assert_allclose(model.log_evidence, np.log(alpha.sum()), rtol=1e-13)
    np.testing.assert_allclose(model.marginal("s3"), alpha / alpha.sum(), rtol=1e-12)
    np.testing.assert_allclose(model.marginal("s3", "s1").T, model.marginal("s1", "s3"), rtol=1e-15)


def test_loopy_is_exact_on_a_tree_and_its_gaussian_means_are_exact_on_a_grid():
    rng = np.random.default_rng(1)
    unary = rng.uniform(0.2, 1.0, size=(4, 2))
    edges = [(0, 1), (1, 2), (1, 3)]
    pairwise = {e: rng.uniform(0.2, 1.0, size=(2, 2)) for e in edges}
    model = Enumeration({str(i): 2 for i in range(4)})
    for i in range(4):
        model.factor([str(i)], unary[i])
    for (i, j), table in pairwise.items():
        model.factor([str(i), str(j)], table)
    beliefs = loopy.discrete(unary, pairwise, damping=0.3)
    np.testing.assert_allclose(beliefs, [model.marginal(str(i)) for i in range(4)], rtol=1e-10)

    edges = loopy.grid_edges(4, 5)
    J = 1.2 * np.eye(20)
    for i, j in edges:
        J[[i, j], [i, j]] += 0.7
        J[[i, j], [j, i]] = -0.7
    h = rng.normal(size=20)
    means, variances = loopy.gaussian(J, h, edges)
    np.testing.assert_allclose(means, np.linalg.solve(J, h), rtol=1e-9, atol=1e-12)
    assert np.all(variances < np.diag(np.linalg.inv(J)))


def falls(free_energy):
    return np.all(np.diff(free_energy) <= 1e-9)


def test_the_variational_models_descend_and_bound_the_evidence():
    rng = np.random.default_rng(2)
    Gamma, Dirichlet = variational.Gamma, variational.Dirichlet
    y = rng.normal(1.0, 0.5, size=8)
    found = variational.gamma_normal(y, 0.0, 4.0, Gamma(2.0, 1.0), Gamma(1.0, 1.0), 50)

    def evidence(tau):
        # Integrate mu in closed form, tau by quadrature.
        cov = np.eye(8) / tau + 4.0
        return stats.multivariate_normal(np.zeros(8), cov).pdf(y) * stats.gamma(2.0).pdf(tau)

    log_evidence = np.log(integrate.quad(evidence, 0, 60, limit=200)[0])
    assert falls(found.free_energy)
    assert -log_evidence < found.free_energy[-1] < -log_evidence + 0.1

    level, noise = Gamma(2.0, 1.0), Gamma(3.0, 1.0)
    walk = np.cumsum(rng.normal(size=20)) + rng.normal(size=20)
    both = [
        variational.random_walk(walk, 0.0, 9.0, level, noise, Gamma(1.0, 1.0), Gamma(1.0, 1.0), 200, structured=s)
        for s in (True, False)
    ]
    assert all(falls(f.free_energy) for f in both)
    assert both[0].free_energy[-1] < both[1].free_energy[-1]

    data = np.concatenate([rng.normal(-3, 1, 15), rng.normal(3, 1, 25)])
    mixture = variational.mixture(
        data, 0.0, 100.0, Gamma(np.ones(2), np.ones(2)), Dirichlet(np.ones(2)),
        [-1.0, 1.0], [1.0, 1.0], Gamma(np.ones(2), np.ones(2)), Dirichlet(np.ones(2)), 60,
    )
    assert falls(mixture.free_energy)
    np.testing.assert_allclose(mixture.q["m"][0], [data[:15].mean(), data[15:].mean()], atol=0.3)

    states = [0]
    for _ in range(79):
        states.append(states[-1] if rng.random() < 0.9 else 1 - states[-1])
    seen = np.array([s if rng.random() < 0.85 else 2 for s in states])
    prior_A, prior_B = Dirichlet(np.ones((2, 2))), Dirichlet(np.ones((3, 2)))
    start_B = Dirichlet(np.array([[3.0, 1.0], [1.0, 3.0], [1.0, 1.0]]))
    hmm = variational.hidden_markov(seen, np.array([0.5, 0.5]), prior_A, prior_B, prior_A, start_B, 60)
    assert falls(hmm.free_energy)
    np.testing.assert_allclose(hmm.q["s"].sum(1), 1.0, rtol=1e-12)


def test_the_hidden_markov_free_energy_is_the_evidence_when_the_matrices_are_known():
    # Dirichlet counts so large that the matrices are constants: F must become -log evidence.
    rng = np.random.default_rng(3)
    A, B, start = rng.dirichlet(np.ones(2), size=2).T, rng.dirichlet(np.ones(3), size=2).T, np.array([0.3, 0.7])
    y = rng.integers(0, 3, size=6)
    tight = [variational.Dirichlet(1e9 * m) for m in (A, B)]
    found = variational.hidden_markov(y, start, *tight, *tight, 3)
    model = Enumeration({f"s{t}": 2 for t in range(6)})
    model.factor(["s0"], start)
    for t in range(6):
        model.factor([f"s{t}"], B[y[t]])
        if t:
            model.factor([f"s{t}", f"s{t - 1}"], A)
    np.testing.assert_allclose(found.free_energy[-1], -model.log_evidence, atol=1e-5)
