"""Two models for the tests of shards, in a module that other processes can import."""

import numpy as np

from reactivepgm import (
    Categorical,
    Dirichlet,
    Gamma,
    GammaShapeRate,
    MeanField,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    dot,
    model,
    randomvar,
)


@model
def mixture(y, K):
    p = ~Dirichlet(np.ones(K))
    m, w, z = randomvar(K), randomvar(K), randomvar(len(y))
    for k in range(K):
        m[k] = ~NormalMeanPrecision(0.0, 0.01)
        w[k] = ~GammaShapeRate(1.0, 1.0)
    z[:] = ~Categorical(p)
    y[:] = ~NormalMixture(z, m, w)


@model
def regression(y, X):
    w = ~MvNormalMeanCovariance(np.zeros(3), 10.0 * np.eye(3))
    tau = ~GammaShapeRate(1.0, 1.0)
    for i in range(len(y)):
        y[i] = ~NormalMeanPrecision(dot(X[i], w), tau)


MIXTURE = {
    "constraints": MeanField(),
    "initialisation": {
        "m": NormalMeanVariance(np.array([-1.0, 0.0, 1.0]), 1.0),
        "w": GammaShapeRate(1.0, 1.0),
        "p": Dirichlet(np.ones(3)),
    },
}
REGRESSION = {"constraints": MeanField(), "initialisation": {"tau": Gamma(shape=1.0, rate=1.0)}}


def clusters(n):
    """Numbers from three groups, some missing."""
    rng = np.random.default_rng(7)
    y = np.concatenate([rng.normal(-3, 1, n // 3), rng.normal(0, 0.5, n // 3), rng.normal(4, 1, n - 2 * (n // 3))])
    y[5] = np.nan
    y[n // 2 : n // 2 + 4] = np.nan
    return y


def plane(n):
    """Inputs and outputs of a regression, some missing."""
    rng = np.random.default_rng(8)
    X = rng.normal(size=(n, 3))
    y = X @ [1.0, 2.0, -1.0] + 0.3 * rng.normal(size=n)
    y[[1, n // 2]] = np.nan
    return {"y": y, "X": X}
