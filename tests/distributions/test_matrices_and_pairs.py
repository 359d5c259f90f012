"""The families of matrices, of locations with their precision, on subspaces and on the half line: scipy, laws, moments."""

import copy
import pickle

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    EmbeddedNormal,
    GammaShapeRate,
    HalfNormal,
    MatrixNormal,
    MatrixNormalWishart,
    MatrixT,
    MvNormalGamma,
    MvNormalMeanCovariance,
    MvNormalMeanScalePrecision,
    MvNormalWishart,
    Wishart,
    concatenate,
    product,
    stack,
)
from reactivepgm.errors import InvalidParameterError

ROWS = 3


def members():
    rng = np.random.default_rng(0)

    def matrices(d):
        a = rng.standard_normal((ROWS, d, d + 2))
        return a @ a.swapaxes(-1, -2) / d + np.eye(d)

    def positive():
        return rng.gamma(4.0, size=ROWS) + 0.5

    vectors, means = rng.standard_normal((ROWS, 2)), rng.standard_normal((ROWS, 3, 2))
    pair = MvNormalGamma(vectors, matrices(2), positive() + 3.0, positive())
    return [
        MvNormalMeanScalePrecision(vectors, positive()),
        HalfNormal(positive()),
        MatrixNormal(means, matrices(3), matrices(2)),
        MatrixT(positive() + 4.0, means, matrices(3), matrices(2)),
        pair,
        MvNormalGamma.from_quadratic(*pair.naturals()),
        MvNormalWishart(vectors, matrices(2), positive(), positive() + 6.0),
        MatrixNormalWishart(means, matrices(3), matrices(2), positive() + 6.0),
        EmbeddedNormal(vectors, matrices(2), [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]),
    ]


ZOO = members()
every = pytest.mark.parametrize("d", ZOO, ids=lambda d: type(d).__name__)


def located(x, d):
    """The part of a draw that the moments speak of."""
    if isinstance(d, MvNormalGamma):
        return x[..., :-1]
    if isinstance(d, MvNormalWishart):
        return x[..., 0, :]
    return x[..., :3, :] if isinstance(d, MatrixNormalWishart) else x


@every
def test_a_batch_of_n_equals_n_singles(d):
    x = d.sample(np.random.default_rng(1))
    assert d.batch_shape == (ROWS,)
    for i in range(ROWS):
        one = d[i]
        assert one.batch_shape == ()
        assert one.event_shape == d.event_shape
        for attribute in ("mean", "variance", "mode", "covariance"):
            if hasattr(type(d), attribute) and not isinstance(d, EmbeddedNormal):
                np.testing.assert_allclose(getattr(d, attribute)[i], getattr(one, attribute), rtol=1e-10)
        np.testing.assert_allclose(d.entropy()[i], one.entropy(), rtol=1e-10)
        np.testing.assert_allclose(d.log_pdf(x)[i], one.log_pdf(x[i]), rtol=1e-9)
        assert type(one.entropy()) is float
        assert type(one.log_pdf(x[i])) is float
        if not isinstance(d, MatrixT | EmbeddedNormal):
            for a, b in zip(d.naturals(), one.naturals(), strict=True):
                np.testing.assert_allclose(a[i], b, rtol=1e-10)


@every
def test_stacking_copies_and_text(d):
    same = stack([d[i] for i in range(ROWS)]) if not isinstance(d, EmbeddedNormal) else d
    for name, value in d.parameters.items():
        np.testing.assert_allclose(same.parameters[name], value)
    assert concatenate([d[:1], d[1:]])[2].event_shape == d.event_shape
    assert d.broadcast_to((2, ROWS))[1, 2] == d[2]
    for twin in (pickle.loads(pickle.dumps(d)), copy.deepcopy(d)):
        assert twin == d
        assert hash(twin) == hash(d)
    assert d[0] != d[1]
    assert repr(d).startswith(type(d).__name__ + "(")
    with pytest.raises(AttributeError, match="immutable"):
        d.something = 1.0


@every
def test_samples_have_the_moments_and_the_entropy(d):
    n = 40_000
    x = d.sample(np.random.default_rng(3), n)
    assert x.shape == (n, ROWS, *d.event_shape)
    part = located(x, d)
    # Six standard errors for means and entropies; eight for variances, by the sample's own fourth moment.
    assert (np.abs(part.mean(axis=0) - d.mean) <= 6 * np.sqrt(d.variance / n) + 1e-9).all()
    squares = (part - d.mean) ** 2
    assert (np.abs(squares.mean(axis=0) - d.variance) <= 8 * squares.std(axis=0) / np.sqrt(n) + 1e-9).all()
    surprise = -d.log_pdf(x)
    assert (np.abs(surprise.mean(axis=0) - d.entropy()) <= 6 * surprise.std(axis=0) / np.sqrt(n)).all()


@pytest.mark.parametrize("d", [d for d in ZOO if type(d).group is not None and not isinstance(d, EmbeddedNormal)], ids=repr)
def test_products_add_log_densities(d):
    a, b = d[0], d[1]
    both = product(a, b)
    rng = np.random.default_rng(4)
    gaps = []
    for x in a.sample(rng, 5):
        value = x.T.ravel() if isinstance(d, MatrixNormal) else x
        gaps.append(float(both.log_pdf(value)) - float(a.log_pdf(x)) - float(b.log_pdf(x)))
    assert np.ptp(gaps) < 1e-8 * (1 + np.abs(gaps).max())
    group = type(d).group
    assert group.is_proper(*d.naturals()).all()
    assert not np.any(group.is_proper(*(-x for x in d.naturals())))
    back = group.from_naturals(*a.naturals())
    first = a.sample(rng)
    flat = first.T.ravel() if isinstance(d, MatrixNormal) else first
    assert float(back.log_pdf(flat)) == pytest.approx(float(a.log_pdf(first)))


def test_densities_of_scipy():
    rng = np.random.default_rng(5)
    u, v = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.0], [0.1, 0.0, 0.7]]), np.array([[1.0, 0.2], [0.2, 0.5]])
    m, x = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    assert MatrixNormal(m, u, v).log_pdf(x) == pytest.approx(stats.matrix_normal(m, u, v).logpdf(x))
    assert MatrixNormal(m, u, v).entropy() == pytest.approx(stats.matrix_normal(m, u, v).entropy())
    vector = MatrixNormal(m, u, v).vectorised
    assert vector.log_pdf(x.T.ravel()) == pytest.approx(stats.matrix_normal(m, u, v).logpdf(x))
    assert HalfNormal(4.0).log_pdf(1.0) == pytest.approx(stats.halfnorm(scale=2.0).logpdf(1.0))
    assert HalfNormal(4.0).variance == pytest.approx(stats.halfnorm(scale=2.0).var())
    assert HalfNormal(4.0).entropy() == pytest.approx(stats.halfnorm(scale=2.0).entropy())
    scaled = MvNormalMeanScalePrecision(m[:, 0], 2.0)
    assert scaled.log_pdf(x[:, 0]) == pytest.approx(stats.multivariate_normal(m[:, 0], 0.5 * np.eye(3)).logpdf(x[:, 0]))
    row = MatrixT(5.0, m[:1], u[:1, :1], v)
    flat = stats.multivariate_t(m[0], 2.0 * v / 5.0, df=5.0)
    assert row.log_pdf(x[:1]) == pytest.approx(flat.logpdf(x[0]))
    pair = MvNormalGamma(m[0], v, 2.0, 3.0)
    expected = stats.multivariate_normal(m[0], np.linalg.inv(0.7 * v)).logpdf(x[0]) + stats.gamma(2.0, scale=1 / 3).logpdf(0.7)
    assert pair.log_pdf([*x[0], 0.7]) == pytest.approx(expected)
    assert pair.log_pdf([*x[0], -0.7]) == -np.inf
    w = np.array([[1.2, 0.1], [0.1, 0.6]])
    expected = stats.matrix_normal(m, u, np.linalg.inv(w)).logpdf(x) + stats.wishart(4.0, v).logpdf(w)
    assert MatrixNormalWishart(m, u, v, 4.0).log_pdf(np.vstack([x, w])) == pytest.approx(expected)
    expected = stats.multivariate_normal(m[0], np.linalg.inv(2.5 * w)).logpdf(x[0]) + stats.wishart(4.0, v).logpdf(w)
    assert MvNormalWishart(m[0], v, 2.5, 4.0).log_pdf(np.vstack([x[:1], w])) == pytest.approx(expected)
    assert MvNormalWishart(m[0], v, 2.5, 4.0).log_pdf(np.vstack([x[:1], -w])) == -np.inf


def test_a_matrix_t_is_its_transpose_and_an_evidence():
    rng = np.random.default_rng(6)
    u, v = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.0], [0.1, 0.0, 0.7]]), np.array([[1.0, 0.2], [0.2, 0.5]])
    m, x = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    t, turned = MatrixT(4.0, m, u, v), MatrixT(4.0, m.T, v, u)
    assert t.log_pdf(x) == pytest.approx(turned.log_pdf(x.T))
    assert t.entropy() == pytest.approx(turned.entropy())
    prior, gap = stats.invwishart(6.0, u), x - m
    posterior = stats.invwishart(8.0, u + gap @ np.linalg.solve(v, gap.T))
    evidence = stats.matrix_normal(m, np.eye(3), v).logpdf(x) + prior.logpdf(np.eye(3)) - posterior.logpdf(np.eye(3))
    assert t.log_pdf(x) == pytest.approx(evidence)


def test_a_normal_gamma_that_nothing_pins_down_keeps_its_information():
    direction = np.array([[1.0, 2.0, -3.0]])
    message = MvNormalGamma.from_quadratic(0.5, direction.T @ direction)
    assert message.precision.tolist() == [[1.0, 2.0], [2.0, 4.0]]
    assert message.weighted_mean.tolist() == [3.0, 6.0]
    assert not message.group.is_proper(*message.naturals())
    posterior = product(MvNormalGamma(np.zeros(2), np.eye(2), 1.0, 1.0), message)
    np.testing.assert_allclose(posterior.precision, [[2.0, 2.0], [2.0, 5.0]])
    np.testing.assert_allclose(posterior.mean, np.linalg.solve([[2.0, 2.0], [2.0, 5.0]], [3.0, 6.0]))
    flat = MvNormalGamma.group.flat((2,), (3,))
    assert [x.shape for x in flat] == [(2,), (2, 3, 3)]
    assert posterior.noise_precision == GammaShapeRate(posterior.shape, posterior.rate)


def test_marginals_of_pairs():
    pair = MatrixNormalWishart(np.zeros((3, 2)), np.eye(3), np.eye(2), 5.0)
    assert pair.column_precision == Wishart(5.0, np.eye(2))
    assert np.isnan(MatrixNormalWishart(np.zeros((3, 2)), np.eye(3), np.eye(2), 2.5).variance).all()
    assert np.isnan(MvNormalGamma([0.0], [[1.0]], 0.5, 1.0).covariance).all()
    single = MvNormalGamma([1.0], [[2.0]], 3.0, 6.0)
    wishart = MvNormalWishart([1.0], [[1 / 12.0]], 2.0, 6.0)  # Gamma(3, rate 6) is a Wishart of one dimension
    for z in ([0.3, 0.7], [2.0, 0.1]):
        assert single.log_pdf(z) == pytest.approx(wishart.log_pdf(np.array(z)[:, None]))
    np.testing.assert_allclose(single.mode, wishart.mode[:, 0])
    assert single.covariance[0, 0] == pytest.approx(wishart.covariance[0, 0])


def test_an_embedded_normal_off_and_on_its_subspace():
    twice = EmbeddedNormal([1.0], [[2.0]], [[1.0], [1.0]])
    np.testing.assert_allclose(twice.covariance, 2.0 * np.ones((2, 2)))
    np.testing.assert_allclose(twice.mean, [1.0, 1.0])
    assert twice.log_pdf([3.0, 3.0]) == pytest.approx(stats.norm(1.0, np.sqrt(2.0)).logpdf(3.0))
    assert twice.log_pdf([3.0, 2.0]) == -np.inf
    assert twice.entropy() == MvNormalMeanCovariance([1.0], [[2.0]]).entropy()
    assert np.isnan(twice.precision).all()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: MatrixNormal(np.zeros((3, 2)), np.eye(2), np.eye(2)), "does not fit rowcov"),
        (lambda: MatrixT(3.0, np.zeros((3, 2)), np.eye(3), np.eye(3)), "does not fit colscale"),
        (lambda: MatrixNormalWishart(np.zeros((3, 2)), np.eye(3), np.ones((2, 3)), 4.0), "scale must be square"),
        (lambda: MvNormalWishart(np.zeros(3), np.eye(2), 1.0, 4.0), "does not fit scale"),
        (lambda: MvNormalGamma(np.zeros(3), np.eye(2), 1.0, 1.0), "does not fit"),
        (lambda: EmbeddedNormal(np.zeros(3), np.eye(3), np.eye(2)), "does not fit source_mean"),
        (lambda: MvNormalMeanScalePrecision(1.0, 1.0), "mean must be a vector"),
    ],
)
def test_shapes_that_do_not_fit(make, text):
    with pytest.raises(InvalidParameterError, match=text):
        make()
