"""Doors: casts, shape errors, keywords that choose, symbolic arguments, improper members."""

import inspect
import math
import re

import numpy as np
import pytest

from reactivepgm.distributions import (
    Beta,
    Categorical,
    Contingency,
    Dirichlet,
    DirichletCollection,
    Distribution,
    Factorized,
    Gamma,
    GammaFamily,
    GammaShapeRate,
    GammaShapeScale,
    InverseGamma,
    InverseWishart,
    LogDensity,
    MvNormal,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    Normal,
    NormalFamily,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    Symbolic,
    Uniform,
    Uninformative,
    UnivariateNormal,
    Wishart,
    concatenate,
    stack,
)
from reactivepgm.errors import (
    ImproperPosteriorError,
    InvalidParameterError,
    ParametrisationError,
    ProductError,
    ReactivePGMError,
)


def test_scalars_are_floats_and_stay_floats():
    d = NormalMeanVariance(1, np.float64(2.0))
    assert type(d.mean) is type(d.variance) is type(d.precision) is type(d.weighted_mean) is float
    assert NormalMeanVariance(variance=2, mean=1) == d
    assert NormalMeanVariance(1, variance=2) == d
    assert type(PointMass(3).value) is float
    assert NormalMeanVariance([1, 2], 1).mean.dtype == float


def test_signatures_name_the_parameters():
    assert list(inspect.signature(NormalMeanVariance).parameters) == ["mean", "variance"]
    assert list(inspect.signature(PointMass).parameters) == ["value", "event_rank"]
    assert list(inspect.signature(LogDensity).parameters) == ["fn", "domain", "batch_shape", "event_shape"]
    assert list(inspect.signature(Uninformative).parameters) == []


def test_parameters_broadcast_lazily():
    d = NormalMeanVariance(np.zeros((3, 1)), np.ones(4))
    assert d.batch_shape == (3, 4)
    assert d.mean.shape == (3, 1)
    m = MvNormalMeanCovariance(np.zeros((5, 2)), np.eye(2))
    assert m.batch_shape == (5,)
    assert m.entropy().shape == (5,)
    assert m.naturals()[1].shape == (5, 2, 2)
    assert m[1].covariance.shape == (2, 2)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: MvNormalMeanCovariance(np.zeros(3), np.ones((3, 2))), "covariance must be square, not of shape (3, 2)"),
        (
            lambda: MvNormalMeanCovariance(np.zeros(3), np.ones(3)),
            "covariance must be a matrix (*batch, d, d), not a vector of shape (3,);"
            " for independent components write covariance=numpy.diag(covariance)",
        ),
        (lambda: MvNormalMeanPrecision(np.zeros(3), np.ones(3)), "write precision=numpy.diag(precision)"),
        (lambda: MvNormalMeanCovariance(np.zeros(3), 1.0), "covariance must be a matrix (*batch, d, d), not of shape ()"),
        (lambda: MvNormalMeanCovariance(1.0, np.eye(3)), "mean must be a vector (*batch, d), not of shape ()"),
        (lambda: MvNormalMeanCovariance(np.zeros(2), np.eye(3)), "mean of shape (2,) does not fit covariance of shape (3, 3)"),
        (lambda: MvNormalMeanCovariance(np.zeros((4, 3)), np.ones((5, 3, 3))), "the shapes do not broadcast: mean (4, 3)"),
        (lambda: NormalMeanVariance([1.0, 2.0], [1.0, 2.0, 3.0]), "the shapes do not broadcast: mean (2,), variance (3,)"),
        (lambda: Wishart(3.0, np.ones((2, 3))), "Wishart: scale must be square"),
        (lambda: Wishart.from_inverse_scale(3.0, np.ones((2, 3))), "inverse_scale must be square"),
        (lambda: InverseWishart(3.0, 1.0), "scale must be a matrix"),
        (lambda: Dirichlet(1.0), "alpha must be a vector"),
        (lambda: Categorical(0.5), "p must be a vector"),
        (lambda: DirichletCollection(1.0), "alpha must have at least 1 axes"),
        (lambda: DirichletCollection(np.ones(2), event_rank=2), "alpha must have at least 2 axes"),
        (lambda: Contingency(0.5), "p must have at least 1 axes"),
        (lambda: PointMass(1.0, event_rank=1), "a value of shape () has no 1 event axes"),
        (lambda: NormalMeanVariance("a", 1.0), "must be a number or an array of numbers, not 'a'"),
        (lambda: stack([]), "nothing to stack"),
        (lambda: concatenate([Beta(1.0, 1.0), Beta(1.0, 1.0)]), "only batched distributions can be concatenated"),
        (lambda: stack([Beta(1.0, 1.0), GammaShapeRate(1.0, 1.0)]), "different families: Beta, GammaShapeRate"),
        (lambda: Factorized({"a": Beta([1.0, 2.0], 1.0), "b": Beta([1.0] * 3, 1.0)}), "batch shapes do not broadcast"),
        (lambda: LogDensity(3.0), "must be a function, not 3.0"),
    ],
)
def test_inconsistent_shapes(call, text):
    with pytest.raises(InvalidParameterError, match=re.escape(text)) as caught:
        call()
    assert isinstance(caught.value, ReactivePGMError | ValueError)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: Normal(0, 1), "write Normal(mean=0, variance=1) or Normal(mean=0, precision=1)"),
        (lambda: Normal(0.0), "write Normal(mean=0.0, variance=1.0) or Normal(mean=0.0, precision=1.0)"),
        (lambda: Normal(mean=0.0), "Normal(mean=0.0) does not say which parametrisation is meant"),
        (lambda: Normal(mean=0.0, std=1.0), "write Normal(mean="),
        (lambda: MvNormal([0.0], [[1.0]]), "write MvNormal(mean=[0.0], covariance=[[1.0]]) or MvNormal(mean=[0.0], precision"),
        (MvNormal, "write MvNormal(mean=numpy.zeros(d), covariance=numpy.eye(d))"),
        (lambda: Gamma(1, 2), "write Gamma(shape=1, rate=2) or Gamma(shape=1, scale=2)"),
        (lambda: NormalMeanVariance(1.0), "write NormalMeanVariance(mean, variance); NormalMeanVariance(_)"),
        (lambda: NormalMeanVariance(1.0, 2.0, 3.0), "write NormalMeanVariance(mean, variance)"),
        (lambda: NormalMeanVariance(1.0, sd=2.0), "NormalMeanVariance(_, sd=) does not say"),
        (lambda: NormalMeanVariance(1.0, mean=2.0), "NormalMeanVariance(_, mean=) does not say"),
        (lambda: UnivariateNormal(1.0, 2.0), "UnivariateNormal is an abstract family"),
        (lambda: Factorized({"a": 1.0}), "'a' must be a distribution"),
        (lambda: Factorized({"a": Beta(1.0, 1.0)}).marginal("b"), "no factor for 'b'; there are a"),
        (lambda: Uniform(0.0, 1.0).naturals(), "belongs to no exponential family"),
    ],
)
def test_unclear_calls(call, text):
    with pytest.raises(ParametrisationError, match=re.escape(text)):
        call()


def test_keywords_choose():
    assert type(Normal(mean=0, variance=1)) is NormalMeanVariance
    assert type(Normal(precision=1, mean=0)) is NormalMeanPrecision
    assert type(MvNormal(mean=[0.0], covariance=[[1.0]])) is MvNormalMeanCovariance
    assert type(MvNormal(mean=[0.0], precision=[[1.0]])) is MvNormalMeanPrecision
    assert type(Gamma(shape=1, rate=2)) is GammaShapeRate
    assert type(Gamma(shape=1, scale=2)) is GammaShapeScale
    assert isinstance(NormalWeightedMeanPrecision(0.0, 1.0), Normal)
    assert issubclass(NormalMeanVariance, Normal)
    assert issubclass(Gamma, Gamma)
    assert not isinstance(Beta(1.0, 1.0), Gamma)
    assert isinstance(MvNormal(mean=[0.0], precision=[[1.0]]), NormalFamily)
    assert isinstance(Gamma(shape=1, rate=2), GammaFamily)


class Unknown(Symbolic):
    __slots__ = ()

    def pending(self, constructor, args, kwargs):
        return constructor, args, kwargs


@pytest.mark.parametrize("constructor", [NormalMeanVariance, Beta, PointMass, Normal, MvNormal, Gamma, Contingency])
def test_symbolic_arguments_make_pending_factors(constructor):
    x = Unknown()
    assert constructor(x, 1.0) == (constructor, (x, 1.0), {})
    assert constructor(mean=1.0, variance=x) == (constructor, (), {"mean": 1.0, "variance": x})
    assert constructor([1.0, x], (x,)) == (constructor, ([1.0, x], (x,)), {})


@pytest.mark.parametrize("zero", [0.0, np.zeros(3)])
def test_improper_normals_are_inf_or_nan_only_where_something_is_missing(zero):
    flat = NormalWeightedMeanPrecision(zero, zero)
    assert np.all(flat.precision == 0.0)
    assert np.all(flat.weighted_mean == 0.0)
    assert np.isnan(flat.mean).all()
    assert np.isinf(flat.variance).all()
    negative = NormalWeightedMeanPrecision(1.0 + zero, -2.0 + zero)
    assert np.all(negative.mean == -0.5)
    assert np.all(negative.variance == -0.5)
    assert np.isnan(negative.entropy()).all()
    assert np.isnan(negative.std).all()
    certain = NormalMeanVariance(1.0 + zero, zero)
    assert np.isinf(certain.precision).all()
    assert np.isinf(certain.weighted_mean).all()
    assert np.all(certain.entropy() == -math.inf)
    assert np.isinf(NormalMeanVariance(zero, math.inf).variance).all()
    assert np.all(NormalMeanVariance(zero, zero + math.inf).naturals()[1] == 0.0)


def test_singular_matrices_are_nan_only_where_something_is_missing():
    flat = MvNormalWeightedMeanPrecision(np.zeros((2, 2)), np.stack([np.zeros((2, 2)), np.eye(2)]))
    assert np.isnan(flat.mean[0]).all()
    assert np.isnan(flat.covariance[0]).all()
    assert flat.mean[1].tolist() == [0.0, 0.0]
    assert flat.entropy()[0] == math.inf
    singular = MvNormalMeanCovariance(np.zeros(2), np.diag([1.0, 0.0]))
    assert singular.variance.tolist() == [1.0, 0.0]
    assert singular.entropy() == -math.inf
    assert singular.sample(np.random.default_rng(0), 4)[:, 1].tolist() == [0.0] * 4
    assert np.isnan(singular.precision).all()
    indefinite = MvNormalWeightedMeanPrecision([1.0, 1.0], np.diag([1.0, -1.0]))
    assert indefinite.mean.tolist() == [1.0, -1.0]
    assert math.isnan(indefinite.entropy())


@pytest.mark.parametrize(
    "d",
    [
        GammaShapeRate(0.0, 0.0),
        GammaShapeRate(-0.5, 1.0),
        GammaShapeScale(-1.0, 0.0),
        InverseGamma(-0.5, 0.0),
        InverseGamma(-0.5, 1.0),
        Beta(0.0, 0.0),
        Beta(-1.0, 2.0),
        Wishart.from_inverse_scale(0.0, np.zeros((2, 2))),
        Wishart(1.0, -np.eye(2)),
        InverseWishart(-3.0, np.zeros((2, 2))),
        NormalWeightedMeanPrecision(1.0, 0.0),
        Dirichlet([0.0, -1.0]),
        Uniform(1.0, 1.0),
    ],
    ids=repr,
)
def test_improper_members_neither_warn_nor_raise(d):
    batched = d.broadcast_to((2,))
    for member in (d, batched):
        for attribute in ("mean", "variance", "std", "mode", "mean_log", "mean_log_det", "mean_inverse"):
            if hasattr(type(d), attribute):
                getattr(member, attribute)
        member.entropy()
        if d.group is not None:
            assert not np.any(d.group.is_proper(*member.naturals()))


def test_boundaries_of_moments():
    assert GammaShapeRate(0.5, 1.0).mean_inverse == math.inf
    assert (InverseGamma(1.0, 1.0).mean, InverseGamma(2.0, 1.0).variance) == (math.inf, math.inf)
    assert np.isnan(InverseWishart(3.0, np.eye(2)).mean).all()
    assert np.isnan(Wishart(2.0, np.eye(2)).mode).all()


def test_uninformative():
    d = Uninformative()
    assert d == Uninformative()
    assert d[3] is d.broadcast_to((4,)) is d
    assert (d.batch_shape, d.entropy(), d.log_pdf(np.ones(3))) == ((), math.inf, 0.0)
    assert stack([d, d]) == d
    with pytest.raises(ImproperPosteriorError, match="proper prior"):
        d.sample(np.random.default_rng(0))


def test_factorized():
    joint = Factorized({"x": NormalMeanVariance([0.0, 1.0], 1.0), ("a", "b"): PointMass([1.0, 2.0]), "z": Beta(1.0, 2.0)})
    assert joint.batch_shape == (2,)
    np.testing.assert_allclose(joint.entropy(), joint.marginal("x").entropy() + Beta(1.0, 2.0).entropy())
    assert joint[0].marginal("x") == NormalMeanVariance(0.0, 1.0)
    assert joint[0].entropy() == pytest.approx(joint.entropy()[0])
    assert joint.mean["z"] == Beta(1.0, 2.0).mean
    rebuilt = stack([joint[0], joint[1]])
    assert rebuilt.marginal("x") == NormalMeanVariance([0.0, 1.0], [1.0, 1.0])
    assert concatenate([joint, joint]).batch_shape == (4,)
    assert joint == Factorized(dict(joint.factors))
    assert hash(joint) == hash(Factorized(dict(joint.factors)))
    x = joint.sample(np.random.default_rng(0), 3)
    assert x["x"].shape == (3, 2)
    value = {"x": 0.0, ("a", "b"): [1.0, 2.0], "z": 0.5}
    np.testing.assert_allclose(joint.log_pdf(value), joint.marginal("x").log_pdf(0.0) + Beta(1.0, 2.0).log_pdf(0.5))
    with pytest.raises(InvalidParameterError, match="different variables"):
        stack([Factorized({"a": Uninformative()}), Factorized({"b": Uninformative()})])


def test_log_densities():
    d = LogDensity(np.log, domain=(0.0, 1.0))
    assert d.log_pdf(0.5) == math.log(0.5)
    assert d.log_pdf([-1.0, 2.0]).tolist() == [-math.inf, -math.inf]
    assert LogDensity(np.log, (0.0, math.inf)).log_pdf(-1.0) == -math.inf
    assert LogDensity(lambda x: np.log(-x), (-math.inf, 0.0)).log_pdf(1.0) == -math.inf
    rows = LogDensity(lambda x: -x, batch_shape=(3,), event_shape=())
    assert rows.batch_shape == (3,)
    for call in (d.entropy, lambda: d.sample(np.random.default_rng(0)), lambda: rows[0], lambda: d.variance):
        with pytest.raises(ProductError, match="closed form"):
            call()
    assert d[()] is d
    assert d == LogDensity(np.log, (0, 1))


def test_one_family_in_many_forms_stacks_into_its_canonical_class():
    both = stack([NormalMeanVariance(1.0, 2.0), NormalMeanPrecision(3.0, 4.0)])
    assert type(both) is NormalWeightedMeanPrecision
    np.testing.assert_allclose(both.mean, [1.0, 3.0])


def test_abstract_families_are_abstract():
    assert issubclass(UnivariateNormal, Distribution)
    assert UnivariateNormal.group is NormalMeanVariance.group
    assert NormalMeanVariance.group is not MvNormalMeanCovariance.group
