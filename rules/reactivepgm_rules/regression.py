"""A number as a noisy inner product: y ~ N(theta'x, 1/gamma), by the expectations of everything but y and x.

With m = E[theta], g = E[gamma] and J = E[gamma (theta - m)(theta - m)'], the factor between y and x is

    exp E[log f] ∝ exp(-g (y - m'x)²/2 - x'J x/2)

Message     ν(y) = N(m'x, 1/g) of x ~ m_x(x) exp(-x'J x/2);  ν(x) = (weighted m h, precision m m' w + J)
            where (h, w) is the message of y widened by 1/g, in information form
Squares     E[gamma (y - theta'x)²] = g E[(y - m'x)²] + tr(J E[xx'])

A number x or theta is a vector of length one inside.                                     Bishop 2006, section 10.3
"""

from typing import NamedTuple

from reactivepgm.distributions import (
    Distribution,
    MultivariateNormal,
    MvNormalWeightedMeanPrecision,
    NormalFamily,
    NormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.errors import NoRuleError
from reactivepgm.numerics.array import Array, as_scalar
from reactivepgm.numerics.linear_algebra import inner, outer, quad_form, trace_product

from .gaussian_map import dotted, in_information_form, scaled
from .gaussian_sum import Gaussian, widened
from .linear_joint import Joint, linear_joint, tilted
from .matrix_form import as_matrix, as_vector, column_scaling, scaling


class Regression(NamedTuple):
    """What is known of theta and gamma: m (*batch, d), J (*batch, d, d) or None for zero, g (*batch,)."""

    mean: Array
    pull: Array | None
    gamma: Array


class Regressed(NamedTuple):
    """What is known of y (*batch,) and x (*batch, d): means, variances, and Cov[x, y], None for zero."""

    y: Array
    y_variance: Array
    x: Array
    x_covariance: Array
    across: Array | None

    def squares_of_x(self) -> Array:
        """E[xx'], (*batch, d, d)."""
        return self.x_covariance + outer(self.x)

    def products(self) -> Array:
        """E[x y], (*batch, d)."""
        product = column_scaling(self.y) * self.x
        return product if self.across is None else product + self.across

    def square(self, theta: Array) -> Array:
        """E[(y - theta'x)²] for a known theta, (*batch,)."""
        gap = self.y - inner(theta, self.x)
        spread = self.y_variance + quad_form(self.x_covariance, theta)
        return gap * gap + (spread if self.across is None else spread - 2.0 * inner(theta, self.across))


def moments(q: Distribution) -> tuple[Array, Array]:
    """Mean (*batch, d) and covariance (*batch, d, d) of a vector; of a number as a vector of length one.

    Example:
        >>> moments(PointMass(2.0))
        (array([2.]), array([[0.]]))
    """
    if is_number(q):
        return as_vector(q.mean), as_matrix(q.variance)
    return q.mean, q.covariance  # type: ignore[attr-defined]


def second_moment(q: Distribution) -> Array:
    """E[xx'], (*batch, d, d).

    Example:
        >>> second_moment(PointMass([1.0, 2.0])).tolist()
        [[1.0, 2.0], [2.0, 4.0]]
    """
    mean, covariance = moments(q)
    return covariance + outer(mean)


def is_number(q: Distribution) -> bool:
    """Whether a belief is about numbers.

    Example:
        >>> is_number(PointMass(1.0)), is_number(PointMass([1.0]))
        (True, False)
    """
    return not q.event_shape


def check_alike(node: str, **beliefs: Distribution) -> None:
    """Raise unless beliefs are all about numbers, or all about vectors of one length.

    Raises:
        NoRuleError: naming the shapes.

    Example:
        >>> check_alike("SoftDot", theta=PointMass(1.0), x=PointMass(2.0))
    """
    shapes = {name: q.event_shape for name, q in beliefs.items()}
    if len(set(shapes.values())) > 1:
        shown = " and ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
        raise NoRuleError(f"{node}: {shown} have no inner product")


def regression(q_theta: Distribution, q_gamma: Distribution) -> Regression:
    """The expectations of independent theta and gamma.

    Example:
        >>> regression(PointMass([1.0, 2.0]), PointMass(3.0)).gamma
        3.0
    """
    mean, covariance = moments(q_theta)
    pull = None if isinstance(q_theta, PointMass) else scaling(q_gamma.mean) * covariance
    return Regression(mean, pull, q_gamma.mean)


def apart(q_y: Distribution, q_x: Distribution) -> Regressed:
    """Independent y and x; of a vector y the first component.

    Example:
        >>> apart(PointMass(1.0), PointMass([2.0])).products()
        array([2.])
    """
    x, spread = moments(q_x)
    if is_number(q_y):
        return Regressed(q_y.mean, q_y.variance, x, spread, None)
    return Regressed(as_scalar(q_y.mean[..., 0]), as_scalar(q_y.variance[..., 0]), x, spread, None)


def tied(q_y_x: MultivariateNormal, d: int) -> Regressed:
    """A joint belief about [y; x] with x of length d; of a vector y the first component.

    Example:
        >>> from reactivepgm.distributions import MvNormalMeanCovariance
        >>> tied(MvNormalMeanCovariance([1.0, 2.0], [[1.0, 0.5], [0.5, 1.0]]), 1).products()
        array([2.5])
    """
    mean, spread = q_y_x.mean, q_y_x.covariance
    y, y_variance = as_scalar(mean[..., 0]), as_scalar(spread[..., 0, 0])
    return Regressed(y, y_variance, mean[..., -d:], spread[..., -d:, -d:], spread[..., 0, -d:])


def belief(weighted: Array, precision: Array, number: bool) -> NormalWeightedMeanPrecision | MvNormalWeightedMeanPrecision:
    """A message about a vector, or about the number that a vector of length one stands for.

    Example:
        >>> import numpy as np
        >>> belief(np.ones(1), np.eye(1), True)
        NormalWeightedMeanPrecision(weighted_mean=1.0, precision=1.0)
    """
    if number:
        return NormalWeightedMeanPrecision._of(as_scalar(weighted[..., 0]), as_scalar(precision[..., 0, 0]))
    return MvNormalWeightedMeanPrecision._of(weighted, precision)


def expected_square(r: Regression, values: Regressed) -> Array:
    """E[gamma (y - theta'x)²], (*batch,).

    Example:
        >>> expected_square(regression(PointMass(1.0), PointMass(2.0)), apart(PointMass(3.0), PointMass(1.0)))
        8.0
    """
    square = r.gamma * values.square(r.mean)
    return square if r.pull is None else square + trace_product(r.pull, values.squares_of_x())


def toward_theta(gamma: Array, values: Regressed, number: bool) -> Gaussian:
    """gamma E[xx'] and gamma E[x y], in information form.

    Example:
        >>> toward_theta(1.0, apart(PointMass(3.0), PointMass(2.0)), True)
        NormalWeightedMeanPrecision(weighted_mean=6.0, precision=4.0)
    """
    return belief(column_scaling(gamma) * values.products(), scaling(gamma) * values.squares_of_x(), number)


def toward_x(r: Regression, m_y: UnivariateNormal | None, y: Array, number: bool) -> Gaussian:
    """What a message about y (or, where there is none, a mean of y) says about x.

    Example:
        >>> toward_x(regression(PointMass(2.0), PointMass(1.0)), None, 3.0, True)
        NormalWeightedMeanPrecision(weighted_mean=6.0, precision=4.0)
    """
    if m_y is None:
        weighted, precision = r.gamma * y, r.gamma
    else:
        weighted, precision = in_information_form(widened(m_y, 1.0 / r.gamma))
    total = scaling(precision) * outer(r.mean)
    return belief(column_scaling(weighted) * r.mean, total if r.pull is None else total + r.pull, number)


def toward_y(r: Regression, m_x: NormalFamily) -> UnivariateNormal:
    """What a message about x says about y.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> toward_y(regression(PointMass(2.0), PointMass(1.0)), NormalMeanVariance(1.0, 1.0))
        NormalMeanVariance(mean=2.0, variance=5.0)
    """
    m = tilted(m_x, r.pull)  # type: ignore[arg-type]
    image = scaled(as_scalar(r.mean[..., 0]), m) if isinstance(m, UnivariateNormal) else dotted(r.mean, m)
    return widened(image, 1.0 / r.gamma)  # type: ignore[return-value]


def joint_of_number(r: Regression, m_y: Gaussian, m_x: Gaussian) -> Joint:
    """The belief about [y; x].

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> m = NormalMeanVariance(0.0, 1.0)
        >>> joint_of_number(regression(PointMass(1.0), PointMass(1.0)), m, m).covariance.round(3).tolist()
        [[0.667, 0.333], [0.333, 0.667]]
    """
    row = r.mean[..., None, :]
    return linear_joint(row, as_matrix(r.gamma), m_y, tilted(m_x, r.pull), as_matrix(1.0 / r.gamma))


def predicted(r: Regression, x: Array) -> Array:
    """m'x, (*batch,).

    Example:
        >>> predicted(regression(PointMass(2.0), PointMass(1.0)), moments(PointMass(3.0))[0])
        6.0
    """
    return as_scalar(inner(r.mean, x))
