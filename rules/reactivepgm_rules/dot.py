"""dot: out = in1' in2, with one of the vectors known; messages, joint, kernels.

Sum-product   ν(out) = N(a' m, a' V a)                         a the known vector
              ν(in)  = exp(a' in eta - (a' in)² J / 2): weighted mean a eta, precision J a a', of rank one
Joint         falls apart, as one vector is known                                         Loeliger et al. 2007, table II

Numbers are taken as vectors of length one. The product of two random vectors has no rule: cut one from the other, or
model it with a softened product.

Differs       messages of rank one stay as they are, in information form; no small number is put on a zero diagonal
"""

from reactivepgm.distributions import (
    Factorized,
    MultivariateNormal,
    PointMass,
    UnivariateNormal,
    product,
)
from reactivepgm.errors import InferenceError, NoRuleError
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import inner
from reactivepgm.rulebook import GaussianKernel, kernel, marginal_rule, rule

from .gaussian_map import dotted, scaled, undotted, unscaled
from .gaussian_sum import Gaussian
from .matrix_form import as_matrix, is_nonzero


@rule("dot", to="out")
def _(m_in1: Gaussian, m_in2: PointMass) -> UnivariateNormal:
    """The projection of a Gaussian on a known vector."""
    return _forward(m_in2, m_in1)


@rule("dot", to="out")
def _(m_in1: PointMass, m_in2: Gaussian) -> UnivariateNormal:
    """The projection of a Gaussian on a known vector."""
    return _forward(m_in1, m_in2)


@rule("dot", to="out")
def _(m_in1: PointMass, m_in2: PointMass) -> PointMass:
    """The product of two known vectors."""
    if m_in1.event_shape:
        return PointMass(inner(m_in1.value, m_in2.value), event_rank=0)
    return PointMass(m_in1.value * m_in2.value, event_rank=0)


@rule("dot", to="in1")
def _(m_out: UnivariateNormal, m_in2: PointMass) -> Gaussian:
    """A message about one direction."""
    return _backward(m_in2, m_out)


@rule("dot", to="in2")
def _(m_out: UnivariateNormal, m_in1: PointMass) -> Gaussian:
    """A message about one direction."""
    return _backward(m_in1, m_out)


@rule("dot", to="in1")
def _(m_out: PointMass, m_in2: PointMass) -> PointMass:
    """The one number that gives the product."""
    return _quotient(m_in2, m_out)


@rule("dot", to="in2")
def _(m_out: PointMass, m_in1: PointMass) -> PointMass:
    """The one number that gives the product."""
    return _quotient(m_in1, m_out)


@marginal_rule("dot", "in1_in2")
def _(m_out: UnivariateNormal, m_in1: PointMass, m_in2: Gaussian) -> Factorized:
    """A known vector falls out of the joint."""
    return Factorized({"in1": m_in1, "in2": product(_backward(m_in1, m_out), m_in2)})


@marginal_rule("dot", "in1_in2")
def _(m_out: UnivariateNormal, m_in1: Gaussian, m_in2: PointMass) -> Factorized:
    """A known vector falls out of the joint."""
    return Factorized({"in1": product(_backward(m_in2, m_out), m_in1), "in2": m_in2})


@kernel("dot", to="out", ins=("in1",))
def _(m_in2: PointMass) -> GaussianKernel:
    """out = in2' in1, in2 known."""
    return GaussianKernel((_row(m_in2),))


@kernel("dot", to="out", ins=("in2",))
def _(m_in1: PointMass) -> GaussianKernel:
    """out = in1' in2, in1 known."""
    return GaussianKernel((_row(m_in1),))


def _forward(a: PointMass, m: Gaussian) -> UnivariateNormal:
    if isinstance(m, MultivariateNormal) and len(a.event_shape) == 1:
        return dotted(a.value, m)
    if isinstance(m, UnivariateNormal) and not a.event_shape:
        return scaled(a.value, m)
    raise NoRuleError(f"dot: a value of shape {a.event_shape} has no dot product with one of shape {m.event_shape}")


def _backward(a: PointMass, m_out: UnivariateNormal) -> Gaussian:
    if len(a.event_shape) > 1:
        raise NoRuleError(f"dot: its inputs are vectors, not arrays of shape {a.event_shape}")
    return undotted(a.value, m_out) if a.event_shape else unscaled(a.value, m_out)


def _quotient(a: PointMass, out: PointMass) -> PointMass:
    if a.event_shape or not is_nonzero(a.value):
        raise InferenceError(
            "an observed dot product leaves all other directions of its vector open: "
            "put noise between the product and the datum"
        )
    return PointMass(out.value / a.value, event_rank=0)


def _row(a: PointMass) -> Array:
    return a.value[..., None, :] if a.event_shape else as_matrix(a.value)
