"""subtraction: out = in1 - in2, messages, joint, kernels.

Sum-product   ν(out) = law of in1 - in2;  ν(in1) = law of out + in2;  ν(in2) = law of in1 - out
Joint         q(in1, in2) ∝ m_in1(in1) m_in2(in2) m_out(in1 - in2)                        Loeliger et al. 2007, table II

Differs       with in1 known, the joint has in2 = in1 - out, the sign that the constraint says and the message has
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
    product,
)
from reactivepgm.rulebook import GaussianKernel, kernel, marginal_rule, rule

from .gaussian_joint import joint_of_sum
from .gaussian_sum import Gaussian, added, subtracted
from .matrix_form import as_matrix, point_in_vector_form

Number = UnivariateNormal | PointMass
Vector = MultivariateNormal | PointMass
Belief = Gaussian | PointMass
Joint = MvNormalMeanCovariance | MvNormalWeightedMeanPrecision


@rule("subtraction", to="out")
def _(m_in1: Number, m_in2: Number) -> Belief:
    """Means subtract, variances add."""
    return subtracted(m_in1, m_in2)


@rule("subtraction", to="out")
def _(m_in1: Vector, m_in2: Vector) -> Belief:
    """Means subtract, covariances add."""
    return subtracted(m_in1, m_in2)


@rule("subtraction", to="in1")
def _(m_out: Number, m_in2: Number) -> Belief:
    """The difference and what was taken away."""
    return added(m_out, m_in2)


@rule("subtraction", to="in1")
def _(m_out: Vector, m_in2: Vector) -> Belief:
    """The difference and what was taken away."""
    return added(m_out, m_in2)


@rule("subtraction", to="in2")
def _(m_out: Number, m_in1: Number) -> Belief:
    """What was there less the difference."""
    return subtracted(m_in1, m_out)


@rule("subtraction", to="in2")
def _(m_out: Vector, m_in1: Vector) -> Belief:
    """What was there less the difference."""
    return subtracted(m_in1, m_out)


@marginal_rule("subtraction", "in1_in2")
def _(m_out: UnivariateNormal, m_in1: UnivariateNormal, m_in2: UnivariateNormal) -> Joint:
    """Two beliefs tied by one about their difference."""
    return joint_of_sum(m_out, m_in1, m_in2, -1.0)


@marginal_rule("subtraction", "in1_in2")
def _(m_out: MultivariateNormal, m_in1: MultivariateNormal, m_in2: MultivariateNormal) -> Joint:
    """Two beliefs tied by one about their difference."""
    return joint_of_sum(m_out, m_in1, m_in2, -1.0)


@marginal_rule("subtraction", "in1_in2")
def _(m_out: Number, m_in1: UnivariateNormal, m_in2: PointMass) -> Factorized:
    """in1 = out + a known number."""
    return Factorized({"in1": product(added(m_out, m_in2), m_in1), "in2": m_in2})


@marginal_rule("subtraction", "in1_in2")
def _(m_out: Vector, m_in1: MultivariateNormal, m_in2: PointMass) -> Factorized:
    """in1 = out + a known vector."""
    return Factorized({"in1": product(added(m_out, m_in2), m_in1), "in2": m_in2})


@marginal_rule("subtraction", "in1_in2")
def _(m_out: Number, m_in1: PointMass, m_in2: UnivariateNormal) -> Factorized:
    """in2 = a known number - out."""
    return Factorized({"in1": m_in1, "in2": product(subtracted(m_in1, m_out), m_in2)})


@marginal_rule("subtraction", "in1_in2")
def _(m_out: Vector, m_in1: PointMass, m_in2: MultivariateNormal) -> Factorized:
    """in2 = a known vector - out."""
    return Factorized({"in1": m_in1, "in2": product(subtracted(m_in1, m_out), m_in2)})


@marginal_rule("subtraction", "in1_in2")
def _(m_out: Distribution, m_in1: PointMass, m_in2: PointMass) -> Factorized:
    """Both are known."""
    return Factorized({"in1": m_in1, "in2": m_in2})


@kernel("subtraction", to="out", ins=("in1", "in2"))
def _() -> GaussianKernel:
    """out = in1 - in2."""
    return GaussianKernel((None, as_matrix(-1.0)))


@kernel("subtraction", to="out", ins=("in1",))
def _(m_in2: PointMass) -> GaussianKernel:
    """out = in1 - a known offset."""
    return GaussianKernel((None,), -point_in_vector_form(m_in2))


@kernel("subtraction", to="out", ins=("in2",))
def _(m_in1: PointMass) -> GaussianKernel:
    """out = a known offset - in2."""
    return GaussianKernel((as_matrix(-1.0),), point_in_vector_form(m_in1))


@kernel("subtraction", to="in1", ins=("in2",))
def _(m_out: PointMass) -> GaussianKernel:
    """in1 = a known difference + in2."""
    return GaussianKernel((None,), point_in_vector_form(m_out))
