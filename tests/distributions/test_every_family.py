"""What holds for all families: batches, indexing, joining, equality, immutability, precision, samples."""

import copy
import pickle

import numpy as np
import pytest

from reactivepgm.distributions import (
    Bernoulli,
    Categorical,
    NormalMeanVariance,
    PointMass,
    Poisson,
    concatenate,
    stack,
)
from tests.distributions.zoo import ROWS, label, members

ZOO = members()
every = pytest.mark.parametrize("d", ZOO, ids=label)


def close(a, b):
    assert type(a) is type(b)
    for x, y in zip(a.parameters.values(), b.parameters.values(), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


@every
def test_a_batch_of_n_equals_n_singles(d):
    x = d.sample(np.random.default_rng(1))
    for i in range(ROWS):
        one = d[i]
        assert one.batch_shape == ()
        assert one.event_shape == d.event_shape
        for attribute in ("mean", "variance", "std", "mode", "mean_log", "mean_log_det", "mean_inverse", "covariance"):
            if hasattr(type(d), attribute):
                np.testing.assert_allclose(getattr(d, attribute)[i], getattr(one, attribute), rtol=1e-10, err_msg=attribute)
        np.testing.assert_allclose(d.entropy()[i], one.entropy(), rtol=1e-10)
        np.testing.assert_allclose(d.log_pdf(x)[i], one.log_pdf(x[i]), rtol=1e-9)
        if d.group is not None:
            for a, b in zip(d.naturals(), one.naturals(), strict=True):
                np.testing.assert_allclose(a[i], b, rtol=1e-10)


@every
def test_scalars_of_a_single_one_are_floats(d):
    one = d[0]
    assert type(one.entropy()) is float
    if not one.event_shape:
        assert {type(value) for name, value in one.parameters.items() if name != "p"} <= {float}
        assert type(one.mean) is type(one.variance) is type(one.std) is float


@every
def test_indexing_reaches_the_batch_axes_only(d):
    grid = d.broadcast_to((2, ROWS))
    assert grid.batch_shape == (2, ROWS)
    assert grid[1].batch_shape == (ROWS,)
    assert grid[..., 0].batch_shape == (2,)
    assert grid[:, None, 1:].batch_shape == (2, 1, ROWS - 1)
    assert grid[np.array([0, 1]), np.array([1, 1])].batch_shape == (2,)
    assert grid[np.ones((2, ROWS), dtype=bool)].batch_shape == (2 * ROWS,)
    assert grid[1, 2] == d[2]
    assert d[-1] == d[ROWS - 1]
    assert d[None].batch_shape == (1, ROWS)
    with pytest.raises(IndexError, match="2 indices for the 1 batch axes"):
        d[0, 0]
    with pytest.raises(IndexError):
        d[0][0]
    assert d[0][()] == d[0][...] == d[0]
    assert len(d) == ROWS
    with pytest.raises(TypeError, match="has no length"):
        len(d[0])


@every
def test_stack_and_concatenate_undo_indexing(d):
    close(stack([d[i] for i in range(ROWS)]), d)
    close(concatenate([d[:1], d[1:]]), d)
    close(concatenate([d]), d)
    assert stack([d, d, d], axis=1).batch_shape == (ROWS, 3)
    assert stack([d, d, d], axis=-1).batch_shape == (ROWS, 3)
    assert stack([d, d, d], axis=-2).batch_shape == (3, ROWS)
    assert stack([d, d[0]]).batch_shape == (2, ROWS)
    grid = stack([d, d])
    assert concatenate([grid, grid], axis=1).batch_shape == (2, 2 * ROWS)
    assert concatenate([grid, grid], axis=-1).batch_shape == (2, 2 * ROWS)


@every
def test_views_where_possible(d):
    for name, value in d[1:3].parameters.items():
        assert np.shares_memory(value, getattr(d, name))
    for name, value in d.broadcast_to((5, ROWS)).parameters.items():
        assert np.shares_memory(value, getattr(d, name))


@every
def test_equality_hash_copies_and_text(d):
    same = d.like(*(np.array(value) for value in d.parameters.values()))
    assert same == d
    assert hash(same) == hash(d)
    assert d != d[1:]
    assert d[0] != d[1]
    assert d != "something else"
    for twin in (pickle.loads(pickle.dumps(d)), copy.copy(d), copy.deepcopy(d)):
        assert twin == d
        assert twin.batch_shape == d.batch_shape
    assert repr(d).startswith(type(d).__name__ + "(")
    assert len(repr(d.broadcast_to((1000, ROWS)))) < 300
    if d.group is not None:
        assert d.group in {d.group}


@every
def test_nothing_can_be_changed(d):
    name = next(iter(d.parameters))
    with pytest.raises(AttributeError, match="immutable"):
        setattr(d, name, 1.0)
    with pytest.raises(AttributeError, match="immutable"):
        delattr(d, name)
    with pytest.raises(AttributeError, match="immutable"):
        d.something = 1.0
    assert not hasattr(d, "__dict__")


@pytest.mark.parametrize("d", members(np.float32), ids=label)
def test_float32_stays_float32(d):
    for attribute in ("mean", "variance", "std", "mean_log", "mean_log_det", "mean_inverse", "covariance", "precision"):
        if hasattr(type(d), attribute):
            assert getattr(d, attribute).dtype == np.float32, attribute
    if not isinstance(d, Poisson | PointMass):
        assert d.entropy().dtype == np.float32
    if d.group is not None:
        naturals = d.naturals()
        assert {np.asarray(x).dtype for x in naturals} == {np.dtype(np.float32)}
        back = d.group.from_naturals(*naturals)
        assert {np.asarray(x).dtype for x in back.parameters.values()} == {np.dtype(np.float32)}
    x = d.sample(np.random.default_rng(0))
    if x.dtype.kind == "f":
        assert x.dtype == np.float32
        assert d.log_pdf(x).dtype == np.float32


@every
def test_sample_shapes(d):
    rng = np.random.default_rng(0)
    assert np.shape(d.sample(rng)) == (ROWS, *d.event_shape)
    assert np.shape(d.sample(rng, 7)) == (7, ROWS, *d.event_shape)
    assert np.shape(d[0].sample(rng, 7)) == (7, *d.event_shape)
    assert np.shape(d[0].sample(rng)) == d.event_shape
    assert np.isfinite(d.log_pdf(d.sample(rng, 7))).all()
    if isinstance(d, Bernoulli | Categorical | Poisson):
        assert type(d[0].sample(rng)) is int


@every
def test_samples_have_the_moments(d):
    n = 40_000
    x = d.sample(np.random.default_rng(3), n)
    # Six standard errors; the error of the variance uses the sample's own fourth moment.
    error = np.sqrt(d.variance / n)
    assert (np.abs(x.mean(axis=0) - d.mean) <= 6 * error + 1e-9).all()
    squares = (x - d.mean) ** 2
    assert (np.abs(squares.mean(axis=0) - d.variance) <= 8 * squares.std(axis=0) / np.sqrt(n) + 1e-9).all()
    if not isinstance(d, PointMass):
        surprise = -d.log_pdf(x)
        assert (np.abs(surprise.mean(axis=0) - d.entropy()) <= 6 * surprise.std(axis=0) / np.sqrt(n) + 1e-9).all()


def test_shared_parameters_stay_shared():
    d = NormalMeanVariance(np.zeros(5), 2.0)
    assert d[1:].variance == 2.0
    assert type(d[1].variance) is float
    assert d.entropy().shape == (5,)
    assert NormalMeanVariance(0.0, np.ones(5)).entropy().shape == (5,)
    assert [x.shape for x in d.naturals()] == [(5,), (5,)]
