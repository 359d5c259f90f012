"""The public checks accept the library's rules and reject rules that are wrong by a little."""

import re
from functools import partial

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    GammaShapeRate,
    InverseGamma,
    MvNormal,
    NormalMeanVariance,
    PointMass,
    Poisson,
    call_rule,
    node,
    rule,
)
from reactivepgm.errors import InvalidParameterError
from reactivepgm.rulebook import average_energy
from reactivepgm.testing import check_average_energy, check_batch, check_marginal_rule, check_rule

NARROW, WIDE = NormalMeanVariance(1.7, 1e-3), NormalMeanVariance(-30.0, 50.0)
NEAR = NormalMeanVariance(1.0, 2.0)
PLANE = MvNormal(mean=np.zeros(2), covariance=np.eye(2))
ONE = PointMass(1.0)
GAMMA = GammaShapeRate(3.0, 2.0)

MESSAGES = {
    "sum-product": ("NormalMeanVariance", "mean", {"m_out": NARROW, "q_variance": PointMass(0.3)}),
    "far away": ("NormalMeanVariance", "out", {"m_mean": WIDE, "q_variance": PointMass(0.3)}),
    "structured": ("NormalMeanPrecision", "out", {"m_mean": NARROW, "q_precision": GAMMA}),
    "variational": ("NormalMeanPrecision", "precision", {"q_out": NARROW, "q_mean": WIDE}),
    "improper": ("NormalMeanVariance", "variance", {"q_out": NARROW, "q_mean": WIDE}),
    "truth value": ("Bernoulli", "out", {"q_p": Beta(2.0, 3.0)}),
    "category": ("Categorical", "out", {"m_p": PointMass(np.array([0.2, 0.3, 0.5]))}),
    "count": ("Poisson", "l", {"q_out": Poisson(2.5)}),
    "of counts": ("Poisson", "out", {"q_l": GAMMA}),
    "held as a log density": ("Probit", "in", {"m_out": Bernoulli(0.8)}),
}
ENERGIES = {
    "three": ("NormalMeanPrecision", {"q_out": NARROW, "q_mean": WIDE, "q_precision": GAMMA}),
    "two": ("Exponential", {"q_out": GAMMA, "q_rate": GAMMA}),
    "count": ("Poisson", {"q_out": Poisson(2.5), "q_l": GAMMA}),
    "truth value": ("Bernoulli", {"q_out": Bernoulli(0.3), "q_p": Beta(2.0, 3.0)}),
}
JOINTS = {
    "normal": ("NormalMeanVariance", "out_mean", {"m_out": NARROW, "m_mean": NEAR, "q_variance": PointMass(0.5)}),
    "structured": ("NormalMeanPrecision", "out_mean", {"m_out": NARROW, "m_mean": NEAR, "q_precision": GAMMA}),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_of_the_library(name):
    of, to, inputs = MESSAGES[name]
    check_rule(of, to, **inputs)


@pytest.mark.parametrize("name", ENERGIES)
def test_energies_of_the_library(name):
    of, inputs = ENERGIES[name]
    check_average_energy(of, **inputs)


@pytest.mark.parametrize("name", JOINTS)
def test_joints_of_the_library(name):
    of, joint, inputs = JOINTS[name]
    check_marginal_rule(of, joint, **inputs)


@node("stochastic", "out", "mean")
def unit_normal(mean):
    return NormalMeanVariance(mean, 1.0)


@rule(unit_normal, to="mean")
def _(q_out: PointMass) -> NormalMeanVariance:
    """Slightly wrong."""
    return NormalMeanVariance(q_out.mean, 1.0 + 1e-6)


@average_energy(unit_normal)
def _(q_out: PointMass, q_mean: NormalMeanVariance) -> float:
    """Without the variance of mean."""
    return 0.5 * (np.log(2 * np.pi) + (q_out.mean - q_mean.mean) ** 2)


def test_a_rule_that_is_wrong_by_a_millionth():
    with pytest.raises(AssertionError, match=r"unit_normal -> mean: .* is not the message, up to a constant\n  at .*: rule"):
        check_rule(unit_normal, "mean", q_out=PointMass(0.3))
    check_rule(unit_normal, "mean", q_out=PointMass(0.3), tolerance=1e-5)


def test_an_energy_that_forgets_a_variance():
    with pytest.raises(AssertionError, match=r"average energy of unit_normal: rule .*, quadrature"):
        check_average_energy(unit_normal, q_out=PointMass(0.3), q_mean=NARROW)


def test_a_rule_that_mixes_rows():
    def mixing(q_out):
        return NormalMeanVariance(q_out.mean - np.mean(q_out.mean), 1.0)

    with pytest.raises(AssertionError, match="mean of row 0"):
        check_batch(mixing, q_out=[NARROW, WIDE])
    check_batch(partial(call_rule, "Beta", "out"), q_a=[GAMMA, GammaShapeRate(1.0, 2.0)], q_b=[GAMMA, GAMMA])


@pytest.mark.parametrize(
    ("call", "letter"),
    [
        (
            lambda: check_rule("MvNormalMeanCovariance", "mean", q_out=PLANE, q_covariance=PointMass(np.eye(2))),
            "q_out is MvNormalMeanCovariance with shape (2,): make it a point mass",
        ),
        (lambda: check_rule("Bernoulli", "out", q_p=Beta([1.0, 2.0], 2.0)), "q_p has batch axes (2,): give one row"),
        (lambda: check_marginal_rule("Beta", "out", m_out=Beta(1.0, 2.0), q_a=ONE, q_b=ONE), "joints of two interfaces"),
    ],
    ids=["vectors", "batches", "one interface"],
)
def test_what_quadrature_here_does_not_take(call, letter):
    with pytest.raises(InvalidParameterError, match=re.escape(letter)):
        call()


def test_improper_messages_compare_by_shape():
    check_rule("NormalMeanVariance", "variance", q_out=PointMass(1.0), q_mean=PointMass(0.0), points=[0.5, 2.0, 9.0])
    assert call_rule("NormalMeanVariance", "variance", q_out=PointMass(1.0), q_mean=PointMass(0.0)) == InverseGamma(-0.5, 0.5)
    assert Categorical([0.5, 0.5]).p.shape == (2,)
