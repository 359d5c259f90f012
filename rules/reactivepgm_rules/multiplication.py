"""multiplication: out = A in, messages, joint, kernels.

A and in may each be a number, a vector or a matrix, as far as the product exists: a number scales anything, a matrix
multiplies a vector, a vector is scaled by a number; with A a random vector and in a known matrix, out = in' A, as
Python's ``A @ in`` has it.

Sum-product   ν(out) = law of A in                       A known: N(A m, A V A')
              ν(in) ∝ m_out(A in)                        A known: exp(eta' A in - in' A' J A in / 2)
              both random numbers: log densities         (scalar_product)
Joint         falls apart, as one factor must be known                                    Loeliger et al. 2007, table II

The rules toward A are those toward in with the roles exchanged.

Differs       messages of deficient rank stay as they are, in information form; no small number is put on a zero diagonal
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    GammaFamily,
    GammaShapeRate,
    LogDensity,
    MultivariateNormal,
    PointMass,
    UnivariateNormal,
    product,
)
from reactivepgm.errors import InferenceError, NoRuleError
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import inv, matvec, transpose
from reactivepgm.rulebook import GaussianKernel, kernel, marginal_rule, rule

from .gaussian_map import mapped, scaled, stretched, unmapped, unscaled, unstretched
from .gaussian_sum import Gaussian
from .matrix_form import as_matrix, is_everywhere, is_nonzero
from .scalar_product import message_to_factor, message_to_product


@rule("multiplication", to="out")
def _(m_A: PointMass, m_in: PointMass) -> PointMass:
    """The product of two known values."""
    return _known_product(m_A, m_in)


@rule("multiplication", to="out")
def _(m_A: PointMass, m_in: Gaussian) -> Gaussian:
    """A known linear map of a Gaussian."""
    return _forward(m_A.value, len(m_A.event_shape), m_in)


@rule("multiplication", to="out")
def _(m_A: Gaussian, m_in: PointMass) -> Gaussian:
    """A Gaussian factor times a known value."""
    return _forward(*_as_map(m_in), m_A)


@rule("multiplication", to="in")
def _(m_out: Gaussian, m_A: PointMass) -> Gaussian:
    """What a message about the product says of the Gaussian factor."""
    return _backward(m_A.value, len(m_A.event_shape), m_out)


@rule("multiplication", to="A")
def _(m_out: Gaussian, m_in: PointMass) -> Gaussian:
    """What a message about the product says of the Gaussian factor."""
    return _backward(*_as_map(m_in), m_out)


@rule("multiplication", to="in")
def _(m_out: PointMass, m_A: PointMass) -> PointMass:
    """The one value that gives the product."""
    return _quotient(m_A.value, len(m_A.event_shape), m_out)


@rule("multiplication", to="A")
def _(m_out: PointMass, m_in: PointMass) -> PointMass:
    """The one value that gives the product."""
    if len(m_out.event_shape) == 2 and len(m_in.event_shape) == 2:  # A in = out is in' A' = out'
        flipped = _quotient(*_as_map(m_in), PointMass(transpose(m_out.value), event_rank=2))
        return PointMass(transpose(flipped.value), event_rank=2)
    return _quotient(*_as_map(m_in), m_out)


@rule("multiplication", to="out")
def _(m_A: PointMass, m_in: GammaFamily) -> GammaShapeRate:
    """A Gamma variable times a known positive number."""
    return GammaShapeRate(m_in.shape, m_in.rate / _number(m_A))


@rule("multiplication", to="out")
def _(m_A: GammaFamily, m_in: PointMass) -> GammaShapeRate:
    """A Gamma variable times a known positive number."""
    return GammaShapeRate(m_A.shape, m_A.rate / _number(m_in))


@rule("multiplication", to="in")
def _(m_out: GammaFamily, m_A: PointMass) -> GammaShapeRate:
    """A Gamma message about a known multiple."""
    return GammaShapeRate(m_out.shape, m_out.rate * _number(m_A))


@rule("multiplication", to="A")
def _(m_out: GammaFamily, m_in: PointMass) -> GammaShapeRate:
    """A Gamma message about a known multiple."""
    return GammaShapeRate(m_out.shape, m_out.rate * _number(m_in))


@rule("multiplication", to="out")
def _(m_A: Distribution, m_in: Distribution) -> LogDensity:
    """The density of a product of two random numbers."""
    return message_to_product(m_A, m_in)


@rule("multiplication", to="in")
def _(m_out: Distribution, m_A: Distribution) -> LogDensity:
    """The evidence of the product as a function of one of its random factors."""
    return message_to_factor(m_out, m_A)


@rule("multiplication", to="A")
def _(m_out: Distribution, m_in: Distribution) -> LogDensity:
    """The evidence of the product as a function of one of its random factors."""
    return message_to_factor(m_out, m_in)


@marginal_rule("multiplication", "A_in")
def _(m_out: Gaussian, m_A: PointMass, m_in: Gaussian) -> Factorized:
    """A known factor falls out of the joint."""
    message = _backward(m_A.value, len(m_A.event_shape), m_out)
    return Factorized({"A": m_A, "in": product(message, m_in)})


@marginal_rule("multiplication", "A_in")
def _(m_out: Gaussian, m_A: Gaussian, m_in: PointMass) -> Factorized:
    """A known factor falls out of the joint."""
    return Factorized({"A": product(_backward(*_as_map(m_in), m_out), m_A), "in": m_in})


@kernel("multiplication", to="out", ins=("in",))
def _(m_A: PointMass) -> GaussianKernel:
    """out = A in, A known."""
    return GaussianKernel((_map_matrix(m_A.value, len(m_A.event_shape)),))


@kernel("multiplication", to="out", ins=("A",))
def _(m_in: PointMass) -> GaussianKernel:
    """out = A in, in known."""
    return GaussianKernel((_map_matrix(*_as_map(m_in)),))


def _as_map(m_in: PointMass) -> tuple[Array, int]:
    """A known ``in`` as the linear map that it is for ``A``, and its number of axes."""
    rank = len(m_in.event_shape)
    return (transpose(m_in.value), rank) if rank == 2 else (m_in.value, rank)


def _map_matrix(a: Array, rank: int) -> Array:
    if rank == 0:
        return as_matrix(a)
    return a[..., None] if rank == 1 else a


def _forward(a: Array, rank: int, m: Gaussian) -> Gaussian:
    if rank == 0:
        return scaled(a, m)
    if rank == 1 and isinstance(m, UnivariateNormal):
        return stretched(a, m)
    if rank == 2 and isinstance(m, MultivariateNormal):
        return mapped(a, m)
    raise _undefined(rank, m)


def _backward(a: Array, rank: int, m: Gaussian) -> Gaussian:
    if rank == 0:
        return unscaled(a, m)
    if rank == 1 and isinstance(m, MultivariateNormal):
        return unstretched(a, m)
    if rank == 2 and isinstance(m, MultivariateNormal):
        return unmapped(a, m)
    raise _undefined(rank, m)


def _undefined(rank: int, m: Gaussian) -> NoRuleError:
    factor = ("a number", "a vector", "a matrix")[rank]
    other = "a number" if isinstance(m, UnivariateNormal) else "a vector"
    return NoRuleError(f"multiplication: {factor} times {other} is no product; dot(a, x) makes a number of two vectors")


def _number(point: PointMass) -> Array:
    if point.event_shape or not is_everywhere(point.value > 0):
        raise InferenceError("a Gamma variable can be multiplied by positive numbers only")
    return point.value


def _known_product(a: PointMass, b: PointMass) -> PointMass:
    left, right = len(a.event_shape), len(b.event_shape)
    if left == 2 and right == 1:
        return PointMass(matvec(a.value, b.value), event_rank=1)
    if left == 2 and right == 2:
        return PointMass(a.value @ b.value, event_rank=2)
    if not left and not right:
        return PointMass(a.value * b.value, event_rank=0)
    rank = max(left, right)
    x, y = (_with_axes(p.value, rank - len(p.event_shape)) for p in (a, b))
    return PointMass(x * y, event_rank=rank)


def _with_axes(value: Array, axes: int) -> Array:
    return value[(..., *(None,) * axes)] if axes and getattr(value, "ndim", 0) else value


def _quotient(a: Array, rank: int, out: PointMass) -> PointMass:
    """The value that the map ``a`` takes to ``out``."""
    axes = len(out.event_shape)
    if rank == 0:
        if not is_nonzero(a):
            raise InferenceError("nothing multiplied by zero gives a product that was observed")
        return PointMass(out.value / _with_axes(a, axes), event_rank=axes)
    back = inv(a) if rank == 2 and a.shape[-1] == a.shape[-2] else None
    if back is None or not is_everywhere(back == back):
        raise InferenceError(
            "an observed product determines its factor only through an invertible matrix: "
            "put noise between the product and the datum"
        )
    if axes == 1:
        return PointMass(matvec(back, out.value), event_rank=1)
    return PointMass(back @ out.value, event_rank=2)
