"""Scores of chains whose noise is singular: seasons, integrators, companions; against the evidence by dense algebra."""

import numpy as np
import pytest

from reactivepgm import MvNormal, Normal, dot, infer, model, randomvar

RNG = np.random.default_rng(23)
SEASON = np.array([[-1.0, -1.0, -1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
MOTION = np.array([[1.0, 1.0], [0.0, 1.0]])


def evidence(A, first, noise, seen, r, y):
    """log p(y) of x[0] ~ N(0, first), x[t] ~ N(A x[t-1], noise), y[t] ~ N(seen x[t], r)."""
    d, n = len(A), len(y)
    covariance = np.zeros((n * d, n * d))
    covariance[:d, :d] = first
    for t in range(1, n):
        i, j = slice(t * d, t * d + d), slice(t * d - d, t * d)
        covariance[i, : t * d] = A @ covariance[j, : t * d]
        covariance[: t * d, i] = covariance[i, : t * d].T
        covariance[i, i] = A @ covariance[j, j] @ A.T + noise
    H = np.kron(np.eye(n), seen[None])
    total = H @ covariance @ H.T + r * np.eye(n)
    return -0.5 * (y @ np.linalg.solve(total, y) + np.linalg.slogdet(2 * np.pi * total)[1])


@model
def chain(y, A, first, noise, seen, r):
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=np.zeros(len(A)), covariance=first)
    for t in range(1, len(y)):
        x[t] = ~MvNormal(mean=A @ x[t - 1], covariance=noise)
    for t in range(len(y)):
        y[t] = ~Normal(mean=dot(seen, x[t]), variance=r)


@pytest.mark.parametrize("n", [2, 3, 25])
@pytest.mark.parametrize(
    "A, noise, seen",
    [
        (SEASON, np.diag([0.1, 0.0, 0.0]), np.array([1.0, 0.0, 0.0])),
        (MOTION, np.diag([0.0, 0.3]), np.array([1.0, 0.0])),
        (MOTION, 0.2 * np.outer([0.5, 1.0], [0.5, 1.0]), np.array([1.0, 0.0])),
        (MOTION, np.zeros((2, 2)), np.array([1.0, 0.0])),
    ],
    ids=["season", "integrator", "rank one", "no noise"],
)
def test_the_score_is_the_evidence(n, A, noise, seen):
    y = RNG.normal(size=n).cumsum()
    first = 5.0 * np.eye(len(A))
    result = infer(chain(A=A, first=first, noise=noise, seen=seen, r=0.4), data={"y": y}, free_energy=True)
    np.testing.assert_allclose(result.free_energy[-1], -evidence(A, first, noise, seen, 0.4, y), rtol=1e-7)


def test_a_scalar_step_of_no_variance():
    y = RNG.normal(size=6)

    @model
    def still(y):
        x = randomvar(len(y))
        x[0] = ~Normal(mean=0.0, variance=3.0)
        x[1:] = ~Normal(mean=x[:-1], variance=0.0)
        y[:] = ~Normal(mean=x, variance=0.5)

    result = infer(still(), data={"y": y}, free_energy=True)
    total = 3.0 + 0.5 * np.eye(6)
    log_evidence = -0.5 * (y @ np.linalg.solve(total, y) + np.linalg.slogdet(2 * np.pi * total)[1])
    np.testing.assert_allclose(result.free_energy[-1], -log_evidence, rtol=1e-8)
