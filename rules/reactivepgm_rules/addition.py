"""addition: out = in1 + in2, messages, joint, kernels.

Sum-product   ν(out) = law of in1 + in2;  ν(in1) = law of out - in2;  ν(in2) = law of out - in1
Joint         q(in1, in2) ∝ m_in1(in1) m_in2(in2) m_out(in1 + in2)                        Loeliger et al. 2007, table II

Sums of independent Poisson variables are Poisson, sums of Gamma variables of one rate are Gamma.
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    GammaFamily,
    GammaShapeRate,
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    PointMass,
    Poisson,
    UnivariateNormal,
    product,
)
from reactivepgm.errors import NoRuleError
from reactivepgm.rulebook import GaussianKernel, kernel, marginal_rule, rule

from .gaussian_joint import joint_of_sum
from .gaussian_sum import Gaussian, added, subtracted
from .matrix_form import as_matrix, is_everywhere, point_in_vector_form

Number = UnivariateNormal | PointMass
Vector = MultivariateNormal | PointMass
Belief = Gaussian | PointMass
Joint = MvNormalMeanCovariance | MvNormalWeightedMeanPrecision


@rule("addition", to="out")
def _(m_in1: Number, m_in2: Number) -> Belief:
    """Means and variances add."""
    return added(m_in1, m_in2)


@rule("addition", to="out")
def _(m_in1: Vector, m_in2: Vector) -> Belief:
    """Means and covariances add."""
    return added(m_in1, m_in2)


@rule("addition", to="in1")
def _(m_out: Number, m_in2: Number) -> Belief:
    """The output less the other input."""
    return subtracted(m_out, m_in2)


@rule("addition", to="in1")
def _(m_out: Vector, m_in2: Vector) -> Belief:
    """The output less the other input."""
    return subtracted(m_out, m_in2)


@rule("addition", to="in2")
def _(m_out: Number, m_in1: Number) -> Belief:
    """The output less the other input."""
    return subtracted(m_out, m_in1)


@rule("addition", to="in2")
def _(m_out: Vector, m_in1: Vector) -> Belief:
    """The output less the other input."""
    return subtracted(m_out, m_in1)


@rule("addition", to="out")
def _(m_in1: Poisson, m_in2: Poisson) -> Poisson:
    """Rates add."""
    return Poisson(m_in1.rate + m_in2.rate)


@rule("addition", to="out")
def _(m_in1: GammaFamily, m_in2: GammaFamily) -> GammaShapeRate:
    """Shapes add, if the rates are equal."""
    if not is_everywhere(m_in1.rate == m_in2.rate):
        raise NoRuleError(
            "addition -> out from two Gamma messages is a Gamma only where their rates are equal: "
            "constrain the sum to a form, or use one rate"
        )
    return GammaShapeRate(m_in1.shape + m_in2.shape, m_in1.rate)


@marginal_rule("addition", "in1_in2")
def _(m_out: UnivariateNormal, m_in1: UnivariateNormal, m_in2: UnivariateNormal) -> Joint:
    """Two beliefs tied by one about their sum."""
    return joint_of_sum(m_out, m_in1, m_in2, 1.0)


@marginal_rule("addition", "in1_in2")
def _(m_out: MultivariateNormal, m_in1: MultivariateNormal, m_in2: MultivariateNormal) -> Joint:
    """Two beliefs tied by one about their sum."""
    return joint_of_sum(m_out, m_in1, m_in2, 1.0)


@marginal_rule("addition", "in1_in2")
def _(m_out: Number, m_in1: UnivariateNormal, m_in2: PointMass) -> Factorized:
    """A known summand leaves a belief about the other."""
    return Factorized({"in1": product(subtracted(m_out, m_in2), m_in1), "in2": m_in2})


@marginal_rule("addition", "in1_in2")
def _(m_out: Vector, m_in1: MultivariateNormal, m_in2: PointMass) -> Factorized:
    """A known summand leaves a belief about the other."""
    return Factorized({"in1": product(subtracted(m_out, m_in2), m_in1), "in2": m_in2})


@marginal_rule("addition", "in1_in2")
def _(m_out: Number, m_in1: PointMass, m_in2: UnivariateNormal) -> Factorized:
    """A known summand leaves a belief about the other."""
    return Factorized({"in1": m_in1, "in2": product(subtracted(m_out, m_in1), m_in2)})


@marginal_rule("addition", "in1_in2")
def _(m_out: Vector, m_in1: PointMass, m_in2: MultivariateNormal) -> Factorized:
    """A known summand leaves a belief about the other."""
    return Factorized({"in1": m_in1, "in2": product(subtracted(m_out, m_in1), m_in2)})


@marginal_rule("addition", "in1_in2")
def _(m_out: Distribution, m_in1: PointMass, m_in2: PointMass) -> Factorized:
    """Both are known."""
    return Factorized({"in1": m_in1, "in2": m_in2})


@kernel("addition", to="out", ins=("in1", "in2"))
def _() -> GaussianKernel:
    """out = in1 + in2."""
    return GaussianKernel((None, None))


@kernel("addition", to="out", ins=("in1",))
def _(m_in2: PointMass) -> GaussianKernel:
    """out = in1 + a known offset."""
    return GaussianKernel((None,), point_in_vector_form(m_in2))


@kernel("addition", to="out", ins=("in2",))
def _(m_in1: PointMass) -> GaussianKernel:
    """out = in2 + a known offset."""
    return GaussianKernel((None,), point_in_vector_form(m_in1))


@kernel("addition", to="in1", ins=("in2",))
def _(m_out: PointMass) -> GaussianKernel:
    """in1 = a known sum - in2."""
    return GaussianKernel((as_matrix(-1.0),), point_in_vector_form(m_out))
