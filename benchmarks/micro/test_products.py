"""Products of messages, and the moments of what comes out."""

from typing import Any

import numpy as np
import pytest

from reactivepgm import Beta, Categorical, Dirichlet, ExponentialLinearQuadratic, Gamma, MvNormal, Normal, product

ROWS = np.linspace(0.5, 2.5, 100_000)
SIMPLEX = np.full((100_000, 3), 1.0 / 3.0)
PAIRS = {
    "normal": (Normal(mean=1.0, variance=2.0), Normal(mean=0.5, precision=2.0)),
    "normals": (Normal(mean=ROWS, variance=ROWS), Normal(mean=-ROWS, precision=ROWS)),
    "gamma": (Gamma(shape=2.0, rate=1.0), Gamma(shape=1.5, scale=0.5)),
    "gammas": (Gamma(shape=ROWS, rate=ROWS), Gamma(shape=ROWS, rate=1.0)),
    "beta": (Beta(1.0, 2.0), Beta(2.0, 3.0)),
    "categoricals": (Categorical(SIMPLEX), Categorical(SIMPLEX[::-1])),
    "dirichlets": (Dirichlet(SIMPLEX + 1.0), Dirichlet(SIMPLEX + 2.0)),
    "vector": (MvNormal(mean=np.ones(4), covariance=np.eye(4)), MvNormal(mean=np.zeros(4), precision=np.eye(4))),
    "vectors": (
        MvNormal(mean=np.ones((10_000, 4)), covariance=np.broadcast_to(np.eye(4), (10_000, 4, 4))),
        MvNormal(mean=np.zeros((10_000, 4)), precision=np.broadcast_to(np.eye(4), (10_000, 4, 4))),
    ),
    "volatility": (Normal(mean=0.0, variance=1.0), ExponentialLinearQuadratic(1.0, 2.0, -1.0, 0.0)),
    "volatilities": (Normal(mean=ROWS[:10_000], variance=1.0), ExponentialLinearQuadratic(1.0, ROWS[:10_000], -1.0, 0.0)),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_product_and_mean(benchmark: Any, pair: Any) -> None:
    first, second = PAIRS[pair]
    benchmark(lambda: product(first, second).mean)


@pytest.mark.parametrize("pair", ["normal", "normals", "gammas", "categoricals", "vectors"])
def test_entropy(benchmark: Any, pair: Any) -> None:
    belief = PAIRS[pair][0]
    benchmark(belief.entropy)
