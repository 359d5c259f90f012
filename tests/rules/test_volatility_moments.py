"""The message of a volatility factor beside a cavity: its moments against sums over fine grids and Gauss-Hermite points."""

import numpy as np
import pytest
from reactivepgm_rules.volatility_moments import beside

from reactivepgm.distributions import (
    ExponentialLinearQuadratic,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    product,
)
from reactivepgm.errors import InvalidParameterError
from reactivepgm.nodes import GCV, GaussHermiteCubature, GCVMeta
from reactivepgm.rulebook import call_rule
from tests.oracles.batch_law import assert_rows_alike

Y, X = NormalMeanVariance(1.2, 0.6), NormalMeanVariance(-0.3, 0.4)
TIED = MvNormalMeanCovariance([1.2, -0.3], [[0.6, 0.2], [0.2, 0.4]])
OTHERS = {"z": NormalMeanVariance(0.5, 0.7), "kappa": NormalMeanVariance(0.8, 0.4), "omega": NormalMeanPrecision(-0.4, 2.0)}
CAVITIES = [NormalMeanVariance(0.0, 1.0), NormalMeanPrecision(-4.0, 0.2), NormalWeightedMeanPrecision(30.0, 10.0)]


def roles(**beliefs):
    return {f"q_{name}": belief for name, belief in beliefs.items()}


ENDS = [roles(y=Y, x=X), roles(y=PointMass(2.0), x=X), {"q_y_x": TIED}]


def on_a_grid(cavity, message):
    """Mean and variance of cavity times message."""
    x = cavity.mean + np.sqrt(cavity.variance) * np.linspace(-14.0, 14.0, 20001)
    height = cavity.log_pdf(x) + message.log_pdf(x)
    p = np.exp(height - height.max())
    mean = (x * p).sum() / p.sum()
    return mean, ((x - mean) ** 2 * p).sum() / p.sum()


@pytest.mark.parametrize("cavity", CAVITIES, ids=["unit", "wide", "tight"])
@pytest.mark.parametrize("to", ["z", "kappa", "omega"])
@pytest.mark.parametrize("ends", ENDS, ids=["apart", "seen", "tied"])
def test_the_moments_beside_the_cavity_are_kept(to, ends, cavity):
    others = roles(**{name: belief for name, belief in OTHERS.items() if name != to})
    message = call_rule(GCV, to, **ends, **others, **{f"m_{to}": cavity})
    belief = product(cavity, message)
    assert (belief.mean, belief.variance) == pytest.approx(on_a_grid(cavity, call_rule(GCV, to, **ends, **others)), rel=1e-9)
    assert message.precision > 0.0


@pytest.mark.parametrize("n", [3, 9, 20])
def test_a_meta_names_the_points(n):
    cavity, message = NormalMeanVariance(0.4, 1.3), ExponentialLinearQuadratic(0.8, 1.7, -0.8, 0.2)
    t, w = np.polynomial.hermite_e.hermegauss(n)
    x = 0.4 + np.sqrt(1.3) * t
    w = w * np.exp(message.log_pdf(x))
    mean = (w * x).sum() / w.sum()
    belief = product(cavity, beside(message, cavity, GCVMeta(GaussHermiteCubature(n))))
    assert (belief.mean, belief.variance) == pytest.approx((mean, (w * (x - mean) ** 2).sum() / w.sum()), rel=1e-12)


def test_many_points_are_exact_and_the_filter_s_nine_nearly():
    cavity, message = NormalMeanVariance(0.0, 0.6), ExponentialLinearQuadratic(1.0, 2.0, -1.0, 0.0)
    exact = beside(message, cavity, None)
    many, nine = (beside(message, cavity, GCVMeta(GaussHermiteCubature(n))) for n in (60, 9))
    assert (many.weighted_mean, many.precision) == pytest.approx((exact.weighted_mean, exact.precision), rel=1e-6)
    assert (nine.weighted_mean, nine.precision) == pytest.approx((exact.weighted_mean, exact.precision), rel=1e-2)


def test_points_of_which_one_has_all_the_weight_are_an_error():
    cavity, far = NormalMeanVariance(0.0, 0.5), ExponentialLinearQuadratic(1.0, 1e5, -1.0, 0.0)
    with pytest.raises(InvalidParameterError, match=r"GaussHermiteCubature\(9\).*all the weight"):
        beside(far, cavity, GCVMeta(GaussHermiteCubature(9)))
    assert beside(far, cavity, None).precision > 0.0


@pytest.mark.parametrize("meta", [None, GCVMeta(GaussHermiteCubature(9))], ids=["exact", "points"])
def test_beside_certainty_nothing_is_said(meta):
    message = beside(ExponentialLinearQuadratic(1.0, 2.0, -1.0, 0.0), NormalMeanVariance(0.3, 0.0), meta)
    assert (message.weighted_mean, message.precision) == (0.0, 0.0)


@pytest.mark.parametrize("meta", [None, GCVMeta(GaussHermiteCubature(9))], ids=["exact", "points"])
def test_a_batch_is_its_rows(meta):
    rows = {
        "m_z": [NormalMeanVariance(0.0, 1.0), NormalMeanVariance(-2.0, 0.3)],
        "q_y": [Y, NormalMeanVariance(-1.0, 0.2)],
        "q_x": [X, NormalMeanVariance(0.5, 1.0)],
        "q_kappa": [OTHERS["kappa"], NormalMeanVariance(0.1, 0.2)],
        "q_omega": [NormalMeanVariance(0.3, 0.2), NormalMeanVariance(-2.0, 0.5)],
    }
    assert_rows_alike(lambda **q: call_rule(GCV, "z", meta=meta, **q), **rows)
