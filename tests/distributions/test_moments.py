"""Moments, entropies, log densities and samples of every family against SciPy, quadrature and each other."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats as ss

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

SCALARS = [
    (NormalMeanVariance(0.7, 2.5), ss.norm(0.7, math.sqrt(2.5))),
    (NormalMeanPrecision(0.7, 0.4), ss.norm(0.7, math.sqrt(2.5))),
    (NormalWeightedMeanPrecision(0.28, 0.4), ss.norm(0.7, math.sqrt(2.5))),
    (GammaShapeRate(3.2, 2.0), ss.gamma(3.2, scale=0.5)),
    (GammaShapeScale(3.2, 0.5), ss.gamma(3.2, scale=0.5)),
    (GammaShapeRate(0.5, 2.0), ss.gamma(0.5, scale=0.5)),
    (InverseGamma(4.5, 3.0), ss.invgamma(4.5, scale=3.0)),
    (Beta(2.5, 3.5), ss.beta(2.5, 3.5)),
    (Beta(0.5, 0.7), ss.beta(0.5, 0.7)),
    (Uniform(-1.0, 3.0), ss.uniform(-1.0, 4.0)),
]


def name(value):
    return repr(value) if isinstance(value, tuple(type(d) for d, _ in SCALARS)) else ""


@pytest.mark.parametrize(("ours", "theirs"), SCALARS, ids=name)
def test_scalar_families_agree_with_scipy(ours, theirs):
    assert ours.mean == pytest.approx(theirs.mean(), rel=1e-12)
    assert ours.variance == pytest.approx(theirs.var(), rel=1e-12)
    assert ours.std == pytest.approx(theirs.std(), rel=1e-12)
    assert ours.entropy() == pytest.approx(float(theirs.entropy()), rel=1e-9)
    assert {type(x) for x in (ours.mean, ours.variance, ours.std, ours.entropy(), ours.log_pdf(0.4))} == {float}
    x = np.array([-2.0, -0.3, 0.0, 0.2, 0.9, 1.0, 2.0, 7.0])
    np.testing.assert_allclose(ours.log_pdf(x), theirs.logpdf(x), rtol=1e-10, atol=1e-12)
    assert (ours.batch_shape, ours.event_shape) == ((), ())


def expected(d, f, low, high):
    return scipy.integrate.quad(lambda x: f(x) * math.exp(d.log_pdf(x)), low, high, epsabs=1e-11, limit=200)[0]


@pytest.mark.parametrize("d", [GammaShapeRate(3.2, 2.0), GammaShapeScale(1.4, 0.5), InverseGamma(4.5, 3.0), Beta(2.5, 3.5)])
def test_expected_logarithms_and_inverses_by_quadrature(d):
    high = 1.0 if isinstance(d, Beta) else math.inf
    assert d.mean_log == pytest.approx(expected(d, math.log, 0.0, high), rel=1e-7)
    if isinstance(d, Beta):
        assert d.mean_log_complement == pytest.approx(expected(d, lambda x: math.log1p(-x), 0.0, 1.0), rel=1e-7)
    else:
        assert d.mean_inverse == pytest.approx(expected(d, lambda x: 1.0 / x, 0.0, high), rel=1e-7)
        assert d.entropy() == pytest.approx(-expected(d, d.log_pdf, 0.0, high), rel=1e-7)


@pytest.mark.parametrize(
    "d",
    [d for d, _ in SCALARS if not isinstance(d, Uniform) and not math.isnan(d.mode) and d != GammaShapeRate(0.5, 2.0)],
    ids=repr,
)
def test_the_mode_is_where_the_density_is_highest(d):
    assert d.log_pdf(d.mode) > max(d.log_pdf(d.mode - 1e-3), d.log_pdf(d.mode + 1e-3))


def test_modes_at_the_ends():
    assert GammaShapeRate(0.5, 2.0).mode == GammaShapeRate(1.0, 2.0).mode == 0.0
    assert Beta(1.0, 1.0).mode == 0.5
    assert (Beta(1.0, 2.0).mode, Beta(0.5, 2.0).mode, Beta(2.0, 1.0).mode, Beta(2.0, 0.5).mode) == (0.0, 0.0, 1.0, 1.0)
    assert Beta(0.5, 1.0).mode == 0.0
    assert math.isnan(Beta(0.5, 0.7).mode)
    assert Beta([1.0, 2.0, 0.5], [2.0, 2.0, 0.5]).mode[:2].tolist() == [0.0, 0.5]


def spd(d, seed=0):
    a = np.random.default_rng(seed).standard_normal((d, d))
    return a @ a.T + 0.5 * np.eye(d)


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("form", [MvNormalMeanCovariance, MvNormalMeanPrecision, MvNormalWeightedMeanPrecision])
def test_multivariate_normals_agree_with_scipy_in_every_form(d, form):
    mean, covariance = np.arange(1.0, d + 1), spd(d)
    precision = np.linalg.inv(covariance)
    weighted = precision @ mean
    arguments = {
        MvNormalMeanCovariance: (mean, covariance),
        MvNormalMeanPrecision: (mean, precision),
        MvNormalWeightedMeanPrecision: (weighted, precision),
    }
    ours, theirs = form(*arguments[form]), ss.multivariate_normal(mean, covariance)
    for attribute, value in zip(
        ("mean", "covariance", "precision", "weighted_mean"), (mean, covariance, precision, weighted), strict=True
    ):
        np.testing.assert_allclose(getattr(ours, attribute), value, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(ours.variance, np.diag(covariance))
    assert ours.entropy() == pytest.approx(float(theirs.entropy()), rel=1e-9)
    x = np.random.default_rng(1).standard_normal((5, d))
    np.testing.assert_allclose(ours.log_pdf(x), np.atleast_1d(theirs.logpdf(x)), rtol=1e-9)
    assert type(ours.log_pdf(x[0])) is type(ours.entropy()) is float
    assert (ours.batch_shape, ours.event_shape) == ((), (d,))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_wishart_agrees_with_scipy_in_both_forms(d):
    df, scale = d + 2.5, spd(d)
    theirs = ss.wishart(df, scale)
    x = np.stack([spd(d, seed) for seed in (1, 2, 3)])
    for ours in (Wishart(df, scale), Wishart.from_inverse_scale(df, np.linalg.inv(scale))):
        np.testing.assert_allclose(ours.mean, df * scale, rtol=1e-9)
        np.testing.assert_allclose(ours.variance, np.reshape(theirs.var(), (d, d)), rtol=1e-9)
        np.testing.assert_allclose(ours.mode, (df - d - 1) * scale, rtol=1e-9)
        np.testing.assert_allclose(ours.log_pdf(x), theirs.logpdf(np.moveaxis(x, 0, -1)), rtol=1e-9)
        assert ours.entropy() == pytest.approx(float(theirs.entropy()), rel=1e-9)
        np.testing.assert_allclose(ours.mean_inverse, np.linalg.inv(scale) / (df - d - 1), rtol=1e-8)
        assert ours.log_pdf(-np.eye(d)) == -math.inf
        assert ours.event_shape == (d, d)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_inverse_wishart_agrees_with_scipy(d):
    df, scale = d + 4.5, spd(d)
    ours, theirs = InverseWishart(df, scale), ss.invwishart(df, scale)
    x = np.stack([spd(d, seed) for seed in (1, 2, 3)])
    np.testing.assert_allclose(ours.mean, np.reshape(theirs.mean(), (d, d)), rtol=1e-9)
    np.testing.assert_allclose(ours.variance, np.reshape(theirs.var(), (d, d)), rtol=1e-9)
    np.testing.assert_allclose(ours.mode, np.reshape(theirs.mode(), (d, d)), rtol=1e-9)
    np.testing.assert_allclose(ours.log_pdf(x), theirs.logpdf(np.moveaxis(x, 0, -1)), rtol=1e-9)
    np.testing.assert_allclose(ours.mean_inverse, df * np.linalg.inv(scale), rtol=1e-8)
    # The inverse of a Wishart: log det changes its sign, and the map's Jacobian is det(X)^-(d + 1). (SciPy's own entropy
    # lacks a factor d before log 2.)
    inverse = Wishart(df, np.linalg.inv(scale))
    assert ours.mean_log_det == pytest.approx(-inverse.mean_log_det, rel=1e-9)
    assert ours.entropy() == pytest.approx(inverse.entropy() - (d + 1) * inverse.mean_log_det, rel=1e-9)
    assert ours.log_pdf(np.zeros((d, d))) == -math.inf


def test_one_dimensional_matrices_are_gammas():
    gamma, inverse = GammaShapeRate(2.5, 0.7), InverseGamma(2.5, 0.7)
    wishart, inverse_wishart = Wishart(5.0, [[1 / 1.4]]), InverseWishart(5.0, [[1.4]])
    for scalar, matrix in ((gamma, wishart), (inverse, inverse_wishart)):
        assert matrix.entropy() == pytest.approx(scalar.entropy(), rel=1e-12)
        assert matrix.mean_log_det == pytest.approx(scalar.mean_log, rel=1e-12)
        assert matrix.log_pdf([[0.8]]) == pytest.approx(scalar.log_pdf(0.8), rel=1e-12)
        assert matrix.variance[0, 0] == pytest.approx(scalar.variance, rel=1e-12)
        assert matrix.mean_inverse[0, 0] == pytest.approx(scalar.mean_inverse, rel=1e-12)


def test_dirichlet_agrees_with_scipy():
    alpha = np.array([1.5, 2.5, 4.0])
    ours, theirs = Dirichlet(alpha), ss.dirichlet(alpha)
    np.testing.assert_allclose(ours.mean, theirs.mean())
    np.testing.assert_allclose(ours.variance, theirs.var())
    np.testing.assert_allclose(ours.covariance, theirs.cov(), atol=1e-15)
    assert ours.entropy() == pytest.approx(float(theirs.entropy()), rel=1e-12)
    assert ours.log_pdf([0.2, 0.3, 0.5]) == pytest.approx(float(theirs.logpdf([0.2, 0.3, 0.5])), rel=1e-12)
    assert ours.log_pdf([0.2, 0.3, 0.6]) == -math.inf
    np.testing.assert_allclose(ours.mode, [0.1, 0.3, 0.6])
    np.testing.assert_allclose(ours.mean_log[0], Beta(1.5, 6.5).mean_log)
    assert np.isnan(Dirichlet([0.5, 2.0]).mode).all()


def test_a_collection_is_its_dirichlets():
    alpha = np.random.default_rng(0).gamma(3.0, size=(4, 3, 2, 2)) + 1.0
    collection = DirichletCollection(alpha, event_rank=3)
    columns = Dirichlet(np.moveaxis(alpha, 1, -1))
    assert (collection.batch_shape, collection.event_shape) == ((4,), (3, 2, 2))
    np.testing.assert_allclose(collection.entropy(), columns.entropy().sum(axis=(1, 2)))
    x = collection.sample(np.random.default_rng(1))
    np.testing.assert_allclose(x.sum(axis=1), 1.0)
    np.testing.assert_allclose(collection.log_pdf(x), columns.log_pdf(np.moveaxis(x, 1, -1)).sum(axis=(1, 2)))
    for attribute in ("mean", "variance", "mode", "mean_log"):
        np.testing.assert_allclose(getattr(collection, attribute), np.moveaxis(getattr(columns, attribute), -1, 1))
    vector = DirichletCollection([1.0, 2.0])
    assert vector.entropy() == pytest.approx(Dirichlet([1.0, 2.0]).entropy())
    assert vector.log_pdf([0.3, 0.7]) == pytest.approx(Dirichlet([1.0, 2.0]).log_pdf([0.3, 0.7]))


@pytest.mark.parametrize("rate", [1e-3, 0.7, 3.0, 40.0, 1e4, 9e5, 2e6])
def test_poisson_agrees_with_scipy(rate):
    ours, theirs = Poisson(rate), ss.poisson(rate)
    assert (ours.mean, ours.variance, ours.mode) == (rate, rate, math.floor(rate))
    x = np.array([0.0, 1.0, 5.0, 1.5, -1.0])
    np.testing.assert_allclose(ours.log_pdf(x), theirs.logpmf(x), rtol=1e-10, atol=1e-9)
    count = np.arange(max(0, int(rate - 20 * math.sqrt(rate))), int(rate + 20 * math.sqrt(rate)) + 30)
    assert ours.entropy() == pytest.approx(-(np.exp(theirs.logpmf(count)) * theirs.logpmf(count)).sum(), rel=1e-7)


def test_poisson_entropies_of_a_batch():
    np.testing.assert_allclose(Poisson([0.0, 3.0]).entropy(), [0.0, Poisson(3.0).entropy()])


def test_discrete_families():
    coin = Bernoulli(0.3)
    assert (coin.mean, coin.mode) == (0.3, 0.0)
    assert coin.variance == pytest.approx(0.21)
    assert coin.entropy() == pytest.approx(float(ss.bernoulli(0.3).entropy()))
    np.testing.assert_allclose(coin.log_pdf([0, 1, 2]), [math.log(0.7), math.log(0.3), -math.inf])
    die = Categorical([0.2, 0.0, 0.8])
    assert (die.mode, type(die.mode)) == (2, int)
    assert die.mean == pytest.approx(1.6)
    assert die.variance == pytest.approx(0.64)
    assert die.entropy() == pytest.approx(Bernoulli(0.2).entropy())
    assert die.log_probabilities[1] == -math.inf
    assert Categorical([0.7, 0.3]).entropy() == pytest.approx(coin.entropy())


def test_a_category_is_a_number_or_one_hot():
    batch = Categorical([[0.2, 0.8], [0.6, 0.4]])
    np.testing.assert_allclose(np.exp(batch.log_pdf(1)), [0.8, 0.4])
    np.testing.assert_allclose(np.exp(batch.log_pdf([0, 1])), [0.2, 0.4])
    np.testing.assert_allclose(np.exp(batch.log_pdf([[1, 0], [0, 1]])), [0.2, 0.4])
    np.testing.assert_allclose(np.exp(batch.log_pdf(np.array([[0], [1], [0]]))), [[0.2, 0.6], [0.8, 0.4], [0.2, 0.6]])
    single = Categorical([0.2, 0.3, 0.5])
    np.testing.assert_allclose(np.exp(single.log_pdf(np.array([0, 1, 2, 2]))), [0.2, 0.3, 0.5, 0.5])
    with pytest.raises(ValueError, match="must be one-hot"):
        single.log_pdf([0, 1, 2])
    for wrong in (3, -1, 0.5):
        with pytest.raises(ValueError, match=r"numbers 0 \.\.\. 2"):
            single.log_pdf(wrong)


def test_contingency_marginals_by_summation():
    p = np.random.default_rng(0).dirichlet(np.ones(24), size=5).reshape(5, 2, 3, 4)
    table = Contingency(p, event_rank=3)
    assert (table.batch_shape, table.event_shape, table.table_shape) == ((5,), (3,), (2, 3, 4))
    np.testing.assert_allclose(table.marginal(1).p, p.sum(axis=(1, 3)))
    np.testing.assert_allclose(table.marginal(-1).p, p.sum(axis=(1, 2)))
    np.testing.assert_allclose(table.marginal((2, 0)).p, p.sum(axis=2).swapaxes(1, 2))
    np.testing.assert_allclose(table.marginal((1, 2, 0)).p, np.einsum("nijk->njki", p))
    np.testing.assert_allclose(table.entropy(), -(p * np.log(p)).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(table.mean[:, 2], table.marginal(2).mean)
    np.testing.assert_allclose(table.variance[:, 1], table.marginal(1).variance)
    np.testing.assert_allclose(table.log_pdf([1, 2, 3]), np.log(p[:, 1, 2, 3]))
    mode = table.mode
    np.testing.assert_allclose(p[np.arange(5), mode[:, 0], mode[:, 1], mode[:, 2]], p.max(axis=(1, 2, 3)))
    assert table[2].marginal(0).p.shape == (2,)


def test_point_masses_know_their_expectations():
    matrix = spd(3)
    point = PointMass(matrix)
    assert point.mean is matrix is point.value is point.mode
    np.testing.assert_allclose(point.mean_inverse, np.linalg.inv(matrix))
    assert point.mean_log_det == pytest.approx(np.linalg.slogdet(matrix)[1])
    scalar = PointMass(0.25)
    assert (scalar.mean_inverse, scalar.mean_log, scalar.mean_log_complement) == (4.0, math.log(0.25), math.log(0.75))
    assert scalar.mean_log_det == scalar.mean_log
    assert (scalar.variance, scalar.std, scalar.entropy()) == (0.0, 0.0, 0.0)
    rows = PointMass(np.ones((5, 2)), event_rank=1)
    assert (rows.batch_shape, rows.event_shape, rows.covariance.shape) == ((5,), (2,), (5, 2, 2))
    assert rows.log_pdf([1.0, 1.0]).tolist() == [0.0] * 5
    assert rows.log_pdf([1.0, 2.0]).tolist() == [-math.inf] * 5
    assert rows.entropy().tolist() == [0.0] * 5
