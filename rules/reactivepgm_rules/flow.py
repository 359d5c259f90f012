"""Flow(out | in): an invertible map f out of layers; messages and the marginal of the input.

Factor        out = f(in)
Linearised    forward at m = E[in]:     N(f(m), J V J'), precision inv(J)' W inv(J), J = ∂f/∂in at m
              backward at x = f⁻¹(m):   N(x, inv(J) V inv(J)'), precision J' W J, J = ∂f/∂in at x
Unscented     moments of f, or of f⁻¹, at 2d + 1 sigma points                Julier and Uhlmann 2004; Wan and van der
              weights λ/(d+λ), 1/(2(d+λ)), λ = α²(d+κ) - d                   Merwe 2000, algorithm 2.1
Marginal      q(in) ∝ m_in(in) times the backward message

Differs       a map is linearised at the end that the message comes from, both ways; the Jacobian at the other end is another
              map's wherever the layers are curved
"""

from collections.abc import Callable
from typing import Any

from reactivepgm.distributions import (
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
    product,
)
from reactivepgm.errors import ParametrisationError
from reactivepgm.nodes.maps import Flow, FlowMeta
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import cholesky, inv, matvec, outer, symmetrise, transpose
from reactivepgm.rulebook import marginal_rule, rule

Message = MvNormalMeanCovariance | MvNormalMeanPrecision | MvNormalWeightedMeanPrecision


def moved(m: MultivariateNormal, mean: Array, jacobian: Array, inverse: Array) -> Message:
    """A Gaussian carried along by a linear map, in its own form, to a new mean.

    Args:
        m: the belief before, (*batch, d).
        mean: the mean after.
        jacobian: of the map, (*batch, d, d).
        inverse: its inverse.

    Example:
        >>> import numpy as np
        >>> m = MvNormalMeanPrecision(np.zeros(1), np.eye(1))
        >>> moved(m, np.ones(1), 2.0 * np.eye(1), 0.5 * np.eye(1)).precision
        array([[0.25]])
    """
    if isinstance(m, MvNormalMeanCovariance):
        return MvNormalMeanCovariance._of(mean, symmetrise(jacobian @ m.covariance @ transpose(jacobian)))
    precision = symmetrise(transpose(inverse) @ m.precision @ inverse)
    if isinstance(m, MvNormalMeanPrecision):
        return MvNormalMeanPrecision._of(mean, precision)
    return MvNormalWeightedMeanPrecision._of(matvec(precision, mean), precision)


def unscented(f: Callable[[Array], Array], m: MultivariateNormal, how: Any) -> MvNormalMeanCovariance:
    """The moments of f(x) by sigma points.

    Args:
        f: maps (*batch, d) to (*batch, e).
        m: the belief about x.
        how: has alpha, beta and kappa.

    Raises:
        ParametrisationError: it has not.
    """
    try:
        alpha, beta, kappa = float(how.alpha), float(how.beta), float(how.kappa)
    except AttributeError:
        raise ParametrisationError(
            f"FlowMeta: the approximation is None (a linearisation) or has alpha, beta and kappa; {how!r} has not"
        ) from None
    d = m.mean.shape[-1]
    spread = alpha * alpha * (d + kappa)
    root = transpose(cholesky(spread * m.covariance))
    centre = m.mean
    points = [centre, *(centre + root[..., k, :] for k in range(d)), *(centre - root[..., k, :] for k in range(d))]
    images = [f(x) for x in points]
    # With a tiny alpha the weights are huge and of both signs: gaps from the central image keep the digits.
    gaps = [image - images[0] for image in images[1:]]
    weight = 0.5 / spread
    drift = weight * sum(gaps[1:], gaps[0])
    covariance = weight * sum((outer(gap) for gap in gaps[1:]), outer(gaps[0]))
    extra = beta - alpha * alpha
    return MvNormalMeanCovariance._of(images[0] + drift, symmetrise(covariance + extra * outer(drift)))


@rule(Flow, to="out")
def _(m_in: PointMass, meta: FlowMeta) -> PointMass:
    """A known input is mapped."""
    return m_in.like(meta.model.forward(m_in.value))


@rule(Flow, to="out")
def _(m_in: MultivariateNormal, meta: FlowMeta) -> Message:
    """The input's message through the map."""
    model = meta.model
    if not _is_linear(meta):
        return unscented(model.forward, m_in, meta.approximation)
    mean = m_in.mean
    jacobian = model.jacobian(mean)
    return moved(m_in, model.forward(mean), jacobian, inv(jacobian))


@rule(Flow, to="in")
def _(m_out: PointMass, meta: FlowMeta) -> PointMass:
    """A known output is mapped back."""
    return m_out.like(meta.model.backward(m_out.value))


@rule(Flow, to="in")
def _(m_out: MultivariateNormal, meta: FlowMeta) -> Message:
    """The output's message through the inverse map."""
    return backward(m_out, meta)


def backward(m_out: MultivariateNormal, meta: FlowMeta) -> Message:
    """The output's message through the inverse map, linearised where the output's mean comes from."""
    model = meta.model
    if not _is_linear(meta):
        return unscented(model.backward, m_out, meta.approximation)
    origin = model.backward(m_out.mean)
    jacobian = model.jacobian(origin)
    return moved(m_out, origin, inv(jacobian), jacobian)


@marginal_rule(Flow, "in")
def _(m_out: MultivariateNormal, m_in: MultivariateNormal, meta: FlowMeta) -> Message:
    """Both messages meet at the input."""
    return _gaussian(product(backward(m_out, meta), m_in))


@marginal_rule(Flow, "in")
def _(m_out: PointMass, m_in: MultivariateNormal, meta: FlowMeta) -> PointMass:
    """A known output leaves nothing open."""
    return m_out.like(meta.model.backward(m_out.value))


def _is_linear(meta: FlowMeta) -> bool:
    how = meta.approximation
    return how is None or type(how).__name__ in ("Linearization", "Linearisation")


def _gaussian(belief: Any) -> Message:
    return belief if isinstance(belief, Message) else MvNormalMeanCovariance._of(belief.mean, belief.covariance)
