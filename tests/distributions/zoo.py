"""One batched and one single member of every family, for tests that hold for all of them."""

import numpy as np

from reactivepgm.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Contingency,
    Dirichlet,
    DirichletCollection,
    GammaShapeRate,
    GammaShapeScale,
    InverseGamma,
    InverseWishart,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    Poisson,
    Uniform,
    Wishart,
)

ROWS = 4


def members(dtype=float):
    """Batched with ROWS rows."""
    rng = np.random.default_rng(0)

    def positive(*shape):
        return (rng.gamma(4.0, size=(ROWS, *shape)) + 0.5).astype(dtype)

    def matrices(d):
        a = rng.standard_normal((ROWS, d, d + 2))
        return (a @ a.swapaxes(-1, -2) + np.eye(d)).astype(dtype)

    real = rng.standard_normal(ROWS).astype(dtype)
    vectors = rng.standard_normal((ROWS, 3)).astype(dtype)
    return [
        NormalMeanVariance(real, positive()),
        NormalMeanPrecision(real, positive()),
        NormalWeightedMeanPrecision(real, positive()),
        MvNormalMeanCovariance(vectors, matrices(3)),
        MvNormalMeanPrecision(vectors, matrices(3)),
        MvNormalWeightedMeanPrecision(vectors, matrices(3)),
        MvNormalMeanCovariance(vectors[:, :1], matrices(1)),
        GammaShapeRate(positive(), positive()),
        GammaShapeScale(positive(), positive()),
        InverseGamma(positive() + dtype(3.0), positive()),
        Wishart(positive() + dtype(4.0), matrices(2)),
        Wishart.from_inverse_scale(positive() + dtype(4.0), matrices(2)),
        InverseWishart(positive() + dtype(6.0), matrices(2)),
        Beta(positive(), positive()),
        Bernoulli(rng.random(ROWS).astype(dtype)),
        Categorical(rng.dirichlet(np.ones(3), ROWS).astype(dtype)),
        Dirichlet(positive(3)),
        DirichletCollection(positive(3, 2), event_rank=2),
        Contingency(rng.dirichlet(np.ones(6), ROWS).reshape(ROWS, 2, 3).astype(dtype), event_rank=2),
        Poisson(positive()),
        Uniform(real, real + positive()),
        PointMass(vectors, event_rank=1),
    ]


def label(d):
    return type(d).__name__ + "".join(str(n) for n in d.event_shape)
