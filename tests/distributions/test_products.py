"""Products against quadrature of the pointwise product, dense algebra and the laws of a commutative group."""

import math

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given
from hypothesis import strategies as st

from reactivepgm.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    DirichletCollection,
    GammaShapeRate,
    GammaShapeScale,
    InverseGamma,
    LogDensity,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    Poisson,
    ProductOfDensities,
    Uniform,
    Uninformative,
    Wishart,
    product,
)
from reactivepgm.errors import ProductError
from tests.distributions.zoo import ROWS, label, members

GROUPED = [d for d in members() if d.group is not None]
NORMALS = (NormalMeanVariance, NormalMeanPrecision, NormalWeightedMeanPrecision)


def moments_by_quadrature(a, b, low, high):
    def weight(x):
        return math.exp(a.log_pdf(x) + b.log_pdf(x))

    norm, first, second = (
        scipy.integrate.quad(lambda x, k=k: x**k * weight(x), low, high, epsabs=1e-13, limit=300)[0] for k in range(3)
    )
    return first / norm, second / norm - (first / norm) ** 2


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        (NormalMeanVariance(0.5, 2.0), NormalMeanVariance(-1.0, 0.7), -12, 12),
        (NormalMeanVariance(0.5, 2.0), NormalMeanPrecision(-1.0, 0.7), -12, 12),
        (NormalMeanPrecision(0.5, 2.0), NormalWeightedMeanPrecision(-1.0, 0.7), -12, 12),
        (GammaShapeRate(2.5, 2.0), GammaShapeScale(1.5, 0.7), 0, 60),
        (InverseGamma(6.5, 2.0), InverseGamma(1.5, 0.7), 0, 60),
        (Beta(2.5, 2.0), Beta(1.5, 1.2), 0, 1),
        (Uniform(0.0, 1.0), Beta(1.5, 1.2), 0, 1),
        (Uniform(-1.0, 1.0), Uniform(0.3, 2.0), 0.3, 1.0),
    ],
    ids=repr,
)
def test_scalar_products_by_quadrature(a, b, low, high):
    mean, variance = moments_by_quadrature(a, b, low, high)
    for both in (product(a, b), product(b, a)):
        assert both.mean == pytest.approx(mean, rel=1e-7)
        assert both.variance == pytest.approx(variance, rel=1e-7)
        assert type(both.mean) is float


@pytest.mark.parametrize("d", GROUPED, ids=label)
def test_naturals_are_the_density(d):
    """Two members' log densities differ by the product of their naturals with one statistic, whatever the member."""
    other = d[::-1]
    both = product(d, other)
    x = d.sample(np.random.default_rng(0), 5)
    gap = both.log_pdf(x) - d.log_pdf(x) - other.log_pdf(x)
    np.testing.assert_allclose(gap, np.broadcast_to(gap[0], gap.shape), rtol=1e-8, atol=1e-8)
    for a, b, c in zip(d.naturals(), other.naturals(), both.naturals(), strict=True):
        if d.group.name == "DISCRETE":
            a, b, c = (z - z[..., :1] for z in (a, b, c))
        np.testing.assert_allclose(a + b, c, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("d", GROUPED, ids=label)
def test_the_flat_density_is_the_identity(d):
    group = d.group
    shape = d.naturals()[0].shape[1:] if group.name == "DISCRETE" else d.event_shape
    flat = group.flat(d.batch_shape, shape)
    assert [x.shape for x in flat] == [x.shape for x in d.naturals()]
    assert all(rank == x.ndim - 1 for rank, x in zip(group.event_ranks, flat, strict=True))
    same = group.from_naturals(*(a + b for a, b in zip(d.naturals(), flat, strict=True)))
    np.testing.assert_allclose(same.mean, d.mean, rtol=1e-9)
    np.testing.assert_allclose(same.variance, d.variance, rtol=1e-9)
    assert group.is_proper(*d.naturals()).tolist() == [True] * ROWS
    assert group.is_proper(*d[0].naturals()) is True
    if group.name not in ("DISCRETE", "BETA", "DIRICHLET", "DIRICHLET_COLLECTION"):
        assert not group.is_proper(*flat).any()
    nan = tuple(x + math.nan for x in d.naturals())
    assert not group.is_proper(*nan).any()


real = st.floats(-10, 10)
positive = st.floats(0.01, 100)


@st.composite
def normals(draw):
    form = draw(st.sampled_from(NORMALS))
    return form(draw(real), draw(positive))


@given(normals(), normals(), normals())
def test_products_of_normals_commute_and_associate(a, b, c):
    left, right, other = product(product(a, b), c), product(a, product(b, c)), product(product(c, b), a)
    for both in (right, other):
        for x, y in zip(left.naturals(), both.naturals(), strict=True):
            assert x == pytest.approx(y, rel=1e-9, abs=1e-9)


@given(normals(), normals())
def test_every_parametrisation_of_normals_gives_the_same(a, b):
    reference = NORMALS[2](*(x + y for x, y in zip(a.naturals(), b.naturals(), strict=True)))
    both = product(a, b)
    assert both.mean == pytest.approx(reference.mean, rel=1e-9, abs=1e-9)
    assert both.variance == pytest.approx(reference.variance, rel=1e-9)
    moment = isinstance(a, NormalMeanVariance) or isinstance(b, NormalMeanVariance)
    assert type(both) is (NormalMeanVariance if moment else NormalWeightedMeanPrecision)


@given(st.lists(st.tuples(positive, positive), min_size=3, max_size=3))
def test_products_of_gammas_and_betas_associate(parameters):
    for family in (GammaShapeRate, GammaShapeScale, InverseGamma, Beta):
        a, b, c = (family(*p) for p in parameters)
        left, right = product(product(a, b), c), product(c, product(b, a))
        for x, y in zip(left.naturals(), right.naturals(), strict=True):
            assert x == pytest.approx(y, rel=1e-9, abs=1e-9)


@given(st.lists(st.lists(st.floats(-700, 700), min_size=3, max_size=3), min_size=2, max_size=4))
def test_discrete_products_are_stable(rows):
    group = Categorical.group
    total = np.sum(rows, axis=0)
    p = group.from_naturals(total).p
    assert p.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(p, np.exp(total - total.max()) / np.exp(total - total.max()).sum(), rtol=1e-12)


@pytest.mark.parametrize("d", [1, 3])
def test_multivariate_products_by_dense_algebra(d):
    rng = np.random.default_rng(0)

    def matrix():
        a = rng.standard_normal((5, d, d + 1))
        return a @ a.swapaxes(-1, -2) + 0.3 * np.eye(d)

    m1, m2, V1, V2 = rng.standard_normal((5, d)), rng.standard_normal((5, d)), matrix(), matrix()
    J1, J2 = np.linalg.inv(V1), np.linalg.inv(V2)
    V = np.linalg.inv(J1 + J2)
    m = np.einsum("nij,nj->ni", V, np.einsum("nij,nj->ni", J1, m1) + np.einsum("nij,nj->ni", J2, m2))

    def forms(mean, covariance, precision):
        weighted = np.einsum("nij,nj->ni", precision, mean)
        yield MvNormalMeanCovariance(mean, covariance)
        yield MvNormalMeanPrecision(mean, precision)
        yield MvNormalWeightedMeanPrecision(weighted, precision)

    for a in forms(m1, V1, J1):
        for b in forms(m2, V2, J2):
            both = product(a, b)
            np.testing.assert_allclose(both.mean, m, rtol=1e-8, atol=1e-10)
            np.testing.assert_allclose(both.covariance, V, rtol=1e-8, atol=1e-10)
            one = product(a[2], b[2])
            np.testing.assert_allclose(one.mean, m[2], rtol=1e-8, atol=1e-10)
            np.testing.assert_allclose(product(a[2], b).covariance[2], V[2], rtol=1e-8, atol=1e-10)


def test_certain_directions_keep_their_certainty():
    certain, vague = NormalMeanVariance(1.0, 0.0), NormalWeightedMeanPrecision(0.0, 0.0)
    assert product(certain, NormalMeanPrecision(5.0, 2.0)) == certain
    assert product(NormalMeanVariance(5.0, 2.0), certain) == certain
    assert product(NormalMeanVariance(5.0, 2.0), vague) == NormalMeanVariance(5.0, 2.0)
    singular = MvNormalMeanCovariance([1.0, 2.0], np.diag([0.0, 1.0]))
    for other in (
        MvNormalMeanPrecision([3.0, 4.0], np.eye(2)),
        MvNormalMeanCovariance([3.0, 4.0], np.eye(2)),
        MvNormalWeightedMeanPrecision([3.0, 4.0], np.eye(2)),
    ):
        for both in (product(singular, other), product(other, singular)):
            np.testing.assert_allclose(both.mean, [1.0, 3.0])
            np.testing.assert_allclose(both.covariance, np.diag([0.0, 0.5]))
    flat = MvNormalWeightedMeanPrecision(np.zeros(2), np.zeros((2, 2)))
    np.testing.assert_allclose(product(singular, flat).covariance, singular.covariance)


def test_improper_factors_cancel():
    message = NormalWeightedMeanPrecision(1.0, -0.5)
    assert product(message, NormalWeightedMeanPrecision(0.0, 2.0)).precision == 1.5
    assert product(InverseGamma(-0.5, 1.0), InverseGamma(2.0, 1.0)).shape == 2.5
    assert product(GammaShapeRate(0.0, 1.0), GammaShapeRate(2.0, 1.0)).shape == 1.0
    half = Wishart.from_inverse_scale(4.0, np.diag([1.0, 0.0]))
    both = product(half, Wishart(4.0, np.eye(2)))
    np.testing.assert_allclose(both.inverse_scale, np.diag([2.0, 1.0]))
    assert both.df == 5.0


def test_other_products():
    d = GammaShapeRate(1.0, 2.0)
    assert product(d, Uninformative()) is product(Uninformative(), d) is d
    assert product(Uninformative(), Uninformative()) == Uninformative()
    point = PointMass(2.0)
    assert product(point, d) is product(d, point) is product(point, Uninformative()) is point
    assert product(point, PointMass(2.0)) == point
    assert product(PointMass(2.0), PointMass(np.full(3, 2.0), event_rank=0)).batch_shape == (3,)
    assert product(Bernoulli(0.2), Bernoulli(0.5)) == Bernoulli(0.2)
    np.testing.assert_allclose(product(Bernoulli(0.2), Categorical([0.5, 0.5])).p, [0.8, 0.2])
    np.testing.assert_allclose(product(Categorical([1.0, 0.0]), Bernoulli(0.2)).p, [1.0, 0.0])
    assert product(Dirichlet([1.0, 2.0]), Dirichlet([3.0, 1.0])) == Dirichlet([3.0, 2.0])
    both = product(DirichletCollection(np.ones((2, 3, 3)), event_rank=2), DirichletCollection(2 * np.ones((3, 3))))
    assert (both.batch_shape, both.event_shape) == ((2,), (3, 3))


def test_what_has_no_closed_form_is_held():
    a, b, c = GammaShapeRate(2.0, 1.0), NormalMeanVariance(0.5, 1.0), LogDensity(lambda x: -(x**4))
    both = product(product(a, b), c)
    assert isinstance(both, ProductOfDensities)
    assert both.factors == (a, b, c)
    x = np.array([0.5, 1.5])
    np.testing.assert_allclose(both.log_pdf(x), a.log_pdf(x) + b.log_pdf(x) - x**4)
    assert isinstance(product(Uniform(0.0, 2.0), Beta(1.0, 1.0)), ProductOfDensities)
    assert isinstance(product(Poisson(1.0), Poisson(2.0)), ProductOfDensities)
    assert product(both, PointMass(1.0)) == PointMass(1.0)
    assert product(both, Uninformative()) == both
    with pytest.raises(ProductError, match="constrain the form of this belief to a family"):
        both.mean  # noqa: B018


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (PointMass(1.0), PointMass(2.0), "point masses at different values"),
        (PointMass([1.0, 2.0], event_rank=0), PointMass([1.0, 3.0], event_rank=0), r"\(first at 1\)"),
        (Categorical([1.0, 0.0]), Categorical([0.0, 1.0]), "none of them is possible"),
        (Categorical([[0.5, 0.5], [1.0, 0.0]]), Bernoulli(1.0), "at row 1: none"),
        (Bernoulli(0.0), Bernoulli(1.0), "sure of 0, the other of 1"),
        (Uniform(0.0, 1.0), Uniform(2.0, 3.0), "do not overlap"),
        (NormalMeanVariance(0.0, 0.0), NormalMeanVariance(1.0, 0.0), "certain of the same direction"),
        (NormalMeanVariance([0.0, 1.0], 0.0), NormalMeanVariance(1.0, [1.0, 0.0]), "certain of the same direction"),
        (MvNormalMeanCovariance([0.0], [[0.0]]), MvNormalMeanCovariance([1.0], [[0.0]]), "certain of the same"),
        (
            MvNormalMeanCovariance(np.zeros(2), np.diag([0.0, 1.0])),
            MvNormalMeanCovariance(np.ones(2), np.diag([0.0, 1.0])),
            "certain of the same direction",
        ),
    ],
    ids=lambda x: "" if isinstance(x, str) else type(x).__name__,
)
def test_contradictions(a, b, text):
    with pytest.raises(ProductError, match=text):
        product(a, b)
