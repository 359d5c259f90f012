"""Special and elementary functions: floats for floats, SciPy's values, no warnings and no exceptions at the edges."""

import math

import numpy as np
import pytest
import scipy.special as sp
from hypothesis import given
from hypothesis import strategies as st

from reactivepgm.numerics import elementary, special

POSITIVE = [1e-8, 0.3, 1.0, 2.5, 40.0, 1e6]
UNARY = {
    special.gammaln: sp.gammaln,
    special.digamma: sp.digamma,
    special.trigamma: lambda x: sp.polygamma(1, x),
    special.log_factorial: lambda x: sp.gammaln(x + 1),
    special.sigmoid: sp.expit,
    special.normal_cdf: sp.ndtr,
    special.log_normal_cdf: sp.log_ndtr,
    elementary.log: np.log,
    elementary.log1p: np.log1p,
    elementary.sqrt: np.sqrt,
    elementary.reciprocal: np.reciprocal,
}


@pytest.mark.parametrize("ours", UNARY, ids=lambda f: f.__name__)
def test_floats_and_arrays_agree_with_scipy(ours):
    expected = UNARY[ours](np.array(POSITIVE))
    np.testing.assert_allclose(ours(np.array(POSITIVE)), expected, rtol=1e-14)
    for x, value in zip(POSITIVE, expected, strict=True):
        single = ours(x)
        assert type(single) is float
        assert single == pytest.approx(value, rel=1e-12, abs=1e-14)
    assert ours(np.array(POSITIVE[:5], dtype=np.float32)).dtype == np.float32


@pytest.mark.parametrize("function", [elementary.log, elementary.log1p, elementary.exp, elementary.sqrt])
@pytest.mark.parametrize("x", [0.0, -0.5, -1.0, -2.0, 1e3, -1e3, math.inf, -math.inf, math.nan])
def test_floats_have_the_limits_that_arrays_have(function, x):
    np.testing.assert_equal(function(x), function(np.array([x]))[0])


@pytest.mark.parametrize("x", [0.0, -0.0, 1.0, -1.0, math.inf, math.nan])
@pytest.mark.parametrize("y", [0.0, -0.0, 2.0, math.inf, math.nan])
def test_division_is_that_of_arrays(x, y):
    np.testing.assert_equal(elementary.divide(x, y), elementary.divide(np.array([x]), np.array([y]))[0])
    np.testing.assert_equal(elementary.divide(x, y), elementary.divide(np.array([x]), y)[0])


@pytest.mark.parametrize("x", [0.0, -1.0, -2.0, -2.5])
def test_gammaln_at_the_poles(x):
    assert special.gammaln(x) == pytest.approx(float(sp.gammaln(x)))


def test_two_argument_functions():
    assert special.betaln(1e10, 1.0) == pytest.approx(-math.log(1e10))
    assert special.xlogy(0.0, 0.0) == 0.0
    assert special.xlogy(1.0, 0.0) == -math.inf
    assert special.xlogy(np.array([0.0, 2.0]), np.array([0.0, 3.0])).tolist() == [0.0, 2.0 * math.log(3.0)]
    assert special.xlog1py(0.0, -1.0) == 0.0


@pytest.mark.parametrize("d", [1, 2, 5])
def test_multivariate_gamma_functions(d):
    assert special.multigammaln(7.3, d) == pytest.approx(sp.multigammaln(7.3, d), rel=1e-13)
    step = 1e-5
    slope = (special.multigammaln(7.3 + step, d) - special.multigammaln(7.3 - step, d)) / (2 * step)
    assert special.multidigamma(7.3, d) == pytest.approx(slope, rel=1e-8)
    bend = (special.multidigamma(7.3 + step, d) - special.multidigamma(7.3 - step, d)) / (2 * step)
    assert special.multitrigamma(7.3, d) == pytest.approx(bend, rel=1e-8)
    assert type(special.multigammaln(7.3, d)) is float


def test_log_multibeta_is_betaln_for_two():
    assert special.log_multibeta(np.array([2.0, 3.5])) == pytest.approx(sp.betaln(2.0, 3.5))
    assert special.log_multibeta(np.ones((4, 2)), axis=0).shape == (2,)


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=6))
def test_logsumexp_and_softmax(values):
    x = np.array(values)
    assert special.logsumexp(x) == pytest.approx(sp.logsumexp(x), abs=1e-12)
    np.testing.assert_allclose(special.softmax(x), sp.softmax(x), atol=1e-15)
    np.testing.assert_allclose(special.log_softmax(x), sp.log_softmax(x), atol=1e-12)


def test_logsumexp_of_impossible_rows():
    x = np.array([[-np.inf, -np.inf], [0.0, -np.inf], [np.inf, 0.0]])
    assert special.logsumexp(x).tolist() == [-np.inf, 0.0, np.inf]
    assert special.logsumexp(x, axis=(0, 1)) == np.inf
    assert np.isnan(special.softmax(x)[0]).all()
    assert special.logsumexp(x[:2], keepdims=True).shape == (2, 1)


def test_where_and_clip():
    assert elementary.where(True, 1.0, 2.0) == 1.0
    assert elementary.where(np.array([True, False]), 1.0, np.array([3.0, 4.0])).tolist() == [1.0, 4.0]
    assert elementary.clip(-1.0, 0.0, 1.0) == 0.0
    assert elementary.clip(np.array([-1.0, 0.5]), 0.0, 1.0).tolist() == [0.0, 0.5]
