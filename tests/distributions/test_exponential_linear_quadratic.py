"""ExponentialLinearQuadratic: moments, integral, entropy and draws against fine sums; products with normals."""

import numpy as np
import pytest

from reactivepgm.distributions import (
    ExponentialLinearQuadratic,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    ProductOfDensities,
    product,
    stack,
)

FLAT = (0.0, 0.0)
CASES = [
    ((1.0, 1.0, -1.0, 0.0), FLAT),
    ((0.5, 2.5, -0.5, 0.7), FLAT),
    ((-1.0, 1e-10, 5.0, 0.0), FLAT),
    ((1.0, 1e-30, -1.0, 0.01), FLAT),
    ((1.0, 7.0, -1.0, 0.0), (1.0, 0.5)),
    ((1.0, 1e-20, 1.0, 0.0), (0.0, 0.01)),
    ((1.0, 1e20, 1.0, 0.0), (0.0, 0.01)),
    ((1.0, 1e5, 1.0, 0.3), (0.0, 100.0)),
    ((-0.3, 2e6, -0.7, 0.001), (-0.4, 0.06)),
    ((1.0, 50.0, 0.0, 0.5), (3.0, 0.2)),
]


def sums(parameters, natural):
    """log of the integral, mean, variance and E log f by zooming in, then a fine Riemann sum."""
    (a, b, c, d), (xi, w) = parameters, natural

    def log_f(x):
        with np.errstate(over="ignore"):
            return xi * x - w * x * x / 2 - (a * x + b * np.exp(c * x + d * x * x / 2)) / 2

    low, high = -20000.0, 20000.0
    for _ in range(8):
        x = np.linspace(low, high, 40001)
        value = log_f(x)
        value = np.where(np.isnan(value), -np.inf, value)
        seen = x[value >= value.max() - 45]
        step = x[1] - x[0]
        low, high = seen[0] - step, seen[-1] + step
    x = np.linspace(low, high, 400001)
    top = log_f(x).max()
    p = np.exp(log_f(x) - top)
    mass = p.sum()
    mean = (x * p).sum() / mass
    return np.log(mass * (x[1] - x[0])) + top, mean, ((x - mean) ** 2 * p).sum() / mass, (p * log_f(x)).sum() / mass


@pytest.mark.parametrize(("parameters", "natural"), CASES)
def test_integral_and_moments(parameters, natural):
    log_norm, mean, variance, _ = sums(parameters, natural)
    mine = ExponentialLinearQuadratic(*parameters).tilted(*natural)
    assert type(mine.mean) is float
    assert mine.mean == pytest.approx(mean, abs=1e-8 * np.sqrt(variance))
    assert mine.variance == pytest.approx(variance, rel=1e-8)
    assert mine.log_norm == pytest.approx(log_norm, abs=1e-8)


def test_a_batch_equals_singles():
    parameters = np.array([p for p, _ in CASES])
    natural = np.array([n for _, n in CASES])
    batch = ExponentialLinearQuadratic(*parameters.T).tilted(*natural.T)
    for k, (p, n) in enumerate(CASES):
        single = ExponentialLinearQuadratic(*p).tilted(*n)
        np.testing.assert_allclose([v[k] for v in batch], list(single), rtol=1e-9)


@pytest.mark.parametrize("parameters", [p for p, n in CASES if n == FLAT])
def test_entropy_mode_and_draws(parameters):
    d = ExponentialLinearQuadratic(*parameters)
    log_norm, mean, variance, mean_log = sums(parameters, FLAT)
    assert d.entropy() == pytest.approx(log_norm - mean_log, abs=1e-6)
    width = 0.01 * np.sqrt(variance)
    assert d.log_pdf(d.mode) >= max(d.log_pdf(d.mode + width), d.log_pdf(d.mode - width))
    x = d.sample(np.random.default_rng(1), 40_000)
    assert abs(x.mean() - mean) < 6 * np.sqrt(variance / 40_000)
    assert x.var() == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize("kind", [NormalMeanVariance, NormalMeanPrecision, NormalWeightedMeanPrecision])
def test_product_with_a_normal_keeps_the_moments(kind):
    normal = NormalWeightedMeanPrecision(0.6, 1.5)
    normal = kind(*(getattr(normal, name) for name in kind.parameter_ranks))
    message = ExponentialLinearQuadratic(1.0, 3.0, -1.0, 0.2)
    _, mean, variance, _ = sums((1.0, 3.0, -1.0, 0.2), (0.6, 1.5))
    for both in (product(normal, message), product(message, normal)):
        assert (both.mean, both.variance) == pytest.approx((mean, variance), rel=1e-9)


def test_product_with_certainty_and_with_its_own_kind():
    message = ExponentialLinearQuadratic(1.0, 3.0, -1.0, 0.2)
    assert product(NormalMeanVariance(2.0, 0.0), message) == NormalMeanVariance(2.0, 0.0)
    some = product(stack([NormalMeanVariance(2.0, 0.0), NormalMeanVariance(1.0, 1.0)]), message)
    assert some[0] == NormalMeanVariance(2.0, 0.0)
    assert some.variance[1] > 0.0
    assert isinstance(product(message, message), ProductOfDensities)


def test_an_improper_one_has_no_moments():
    assert np.isnan(ExponentialLinearQuadratic(1.0, 1.0, 1.0, 0.0).mean)
