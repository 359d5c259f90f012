"""Every two families of numbers meet: their product is a member of a family, equal to the product of the densities up to
a constant; or it is held, its log density the sum; values that contradict each other are a ProductError."""

from itertools import combinations_with_replacement

import numpy as np
import pytest

from reactivepgm.distributions import (
    Beta,
    Exponential,
    GammaShapeRate,
    GammaShapeScale,
    HalfNormal,
    InverseGamma,
    Laplace,
    LogDensity,
    LogNormal,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    ProductOfDensities,
    StudentT,
    Uniform,
    Uninformative,
    VonMises,
    product,
)
from reactivepgm.errors import ProductError

MEMBERS = [
    NormalMeanVariance(0.3, 0.5),
    NormalMeanPrecision(0.4, 3.0),
    NormalWeightedMeanPrecision(1.0, 2.0),
    GammaShapeRate(2.0, 3.0),
    GammaShapeScale(3.0, 0.2),
    InverseGamma(3.0, 1.5),
    Beta(2.0, 3.0),
    Uniform(0.0, 1.0),
    Exponential(1.5),
    HalfNormal(0.7),
    Laplace(0.2, 0.6),
    LogNormal(-0.5, 0.4),
    StudentT(0.1, 0.8, 4.0),
    VonMises(0.2, 2.0),
    LogDensity(lambda x: -np.abs(x) ** 3),
    Uninformative(),
    PointMass(0.4),
]
INSIDE = np.array([0.11, 0.27, 0.42, 0.58, 0.73, 0.89])
PAIRS = list(combinations_with_replacement(MEMBERS, 2))


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=[f"{type(a).__name__}-{type(b).__name__}" for a, b in PAIRS])
def test_a_product_is_a_member_or_is_held(a, b):
    for one, other in ((a, b), (b, a)):
        both = product(one, other)  # all of them share values, so none is refused
        if isinstance(both, PointMass | Uninformative):
            assert PointMass in (type(a), type(b)) or type(a) is type(b) is Uninformative
            continue
        expected = sum(np.asarray(part.log_pdf(INSIDE)) for part in (a, b) if not isinstance(part, Uninformative))
        found = np.asarray(both.log_pdf(INSIDE))
        if isinstance(both, ProductOfDensities):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
        else:
            np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-9, atol=1e-9)


SPREAD = [member for member in MEMBERS if not isinstance(member, Uninformative | PointMass)]


@pytest.mark.parametrize("a", SPREAD, ids=lambda member: type(member).__name__)
def test_one_family_times_itself_stays_in_it_or_is_held(a):
    both = product(a, a)
    assert isinstance(both, ProductOfDensities) or both.group is a.group


def test_points_that_differ_contradict_each_other():
    with pytest.raises(ProductError, match="different values"):
        product(PointMass(1.0), PointMass(2.0))
