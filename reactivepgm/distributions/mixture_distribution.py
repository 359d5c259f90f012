"""A finite mixture: K components of one family, weighed by probabilities.

p(x) = sum_k w_k p_k(x);   E x = sum_k w_k m_k;   Var x = sum_k w_k (v_k + (m_k - E x)²)
Product with q: components p_k q, weights w_k ∫ p_k q; a mixture stays a mixture as long as p_k q has a closed form.
"""

from typing import Any, Self

import numpy as np

from reactivepgm.distributions.base import Distribution, rebuilt
from reactivepgm.distributions.family import DiscreteFamily
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.distributions.log_density import ProductOfDensities, Unresolved
from reactivepgm.distributions.mv_normal import MultivariateNormal, MvNormalMeanCovariance
from reactivepgm.distributions.normal import NormalMeanVariance, UnivariateNormal
from reactivepgm.distributions.point_mass import PointMass
from reactivepgm.distributions.product import _table as product_table
from reactivepgm.distributions.product import product
from reactivepgm.distributions.uninformative import Uninformative
from reactivepgm.errors import InvalidParameterError, ProductError
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import log
from reactivepgm.numerics.linear_algebra import inner, quad_form
from reactivepgm.numerics.special import logsumexp, softmax


class MixtureDistribution(Distribution):
    """A mixture by weights and components.

    Args:
        weights: (*batch, K), sum to one.
        components: one distribution with batch shape (*batch, K).

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> two = MixtureDistribution([0.5, 0.5], NormalMeanVariance([-1.0, 1.0], 1.0))
        >>> two.mean, two.variance
        (0.0, 2.0)
    """

    __slots__ = ("components", "weights")
    weights: Array
    components: Distribution

    @classmethod
    def _of(cls, *values: Any) -> Self:
        self = object.__new__(cls)
        object.__setattr__(self, "weights", values[0])
        object.__setattr__(self, "components", values[1])
        return self

    @classmethod
    def _checked(cls, weights: Array, components: Distribution) -> Self:
        weights = np.asarray(as_array(weights))
        batch = components.batch_shape
        if not weights.ndim or not batch or weights.shape[-1] != batch[-1]:
            raise InvalidParameterError(
                f"MixtureDistribution: weights of shape {weights.shape} do not fit components of batch shape {batch}"
            )
        return cls._of(weights, components)

    @property
    def parameters(self) -> dict[str, Any]:
        """The weights and the components."""
        return {"weights": self.weights, "components": self.components}

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The rows: all batch axes of the components but the last."""
        return np.broadcast_shapes(self.weights.shape, self.components.batch_shape)[:-1]

    @property
    def event_shape(self) -> tuple[int, ...]:
        """That of the components."""
        return self.components.event_shape

    def _average(self, value: Array) -> Array:
        """sum_k w_k value_k, (*batch, K, *event) to (*batch, *event)."""
        rank = len(self.event_shape)
        weights = self.weights.reshape(*self.weights.shape, *(1,) * rank)
        return as_scalar((weights * value).sum(-1 - rank))

    @property
    def mean(self) -> Array:
        """The components' means, averaged."""
        return self._average(self.components.mean)

    @property
    def variance(self) -> Array:
        """The components' variances and the spread of their means, averaged."""
        rank = len(self.event_shape)
        gap = self.components.mean - np.expand_dims(self.mean, -1 - rank)
        return self._average(self.components.variance + gap * gap)

    def log_pdf(self, x: Array) -> Array:
        """log sum_k w_k p_k(x), (*batch,)."""
        x = np.expand_dims(np.asarray(as_array(x)), -1 - len(self.event_shape))
        return logsumexp(log(self.weights) + self.components.log_pdf(x))

    def entropy(self) -> Array:
        """Not known in closed form.

        Raises:
            ProductError: always.
        """
        raise ProductError(
            "the entropy of a mixture has no closed form; constrain the form of this belief to one family to score it"
        )

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch, *event)."""
        shape = draw_shape(n, self.batch_shape)
        rank = len(self.event_shape)
        size = self.weights.shape[-1]
        everyone = np.broadcast_to(self.components.sample(rng, n), (*shape, size, *self.event_shape))
        chosen = (rng.random((*shape, 1)) > np.cumsum(self.weights, axis=-1)).sum(-1).clip(0, size - 1)
        index = chosen.reshape(*shape, *(1,) * (rank + 1))
        return as_scalar(np.take_along_axis(everyone, index, axis=-1 - rank).squeeze(-1 - rank))

    def broadcast_to(self, batch_shape: tuple[int, ...]) -> Self:
        """The same mixture for more rows."""
        whole = (*batch_shape, self.weights.shape[-1])
        return type(self)._of(np.broadcast_to(self.weights, whole), self.components.broadcast_to(whole))

    def __getitem__(self, index: Any) -> Self:
        """Choose rows."""
        parts = index if isinstance(index, tuple) else (index,)
        whole = self.broadcast_to(self.batch_shape)
        spread = parts if any(part is Ellipsis for part in parts) else (*parts, Ellipsis)
        return type(self)._of(whole.weights[(*spread, slice(None))], whole.components[(*spread, slice(None))])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MixtureDistribution)
            and np.array_equal(self.weights, other.weights)
            and self.components == other.components
        )

    def __hash__(self) -> int:
        return hash((type(self), self.weights.shape, self.components))

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt, (type(self), (self.weights, self.components))


def log_evidence(message: Distribution, belief: Distribution) -> Array:
    """log ∫ message(x) belief(x) dx, (*batch,), up to a constant of the message alone, which may be improper.

    Normals in moment form     log N(m; mean, V + covariance), also for singular V
    Otherwise, by Bayes' rule  log message(x) + log belief(x) - log product(x) at any x, the product being normalised

    Args:
        message: a likelihood.
        belief: a normalised distribution of the same variable.

    Raises:
        ProductError: their product has no closed form.

    Example:
        >>> from reactivepgm.distributions import Beta
        >>> heads = Beta(4.0, 8.0)  # the message of three heads and seven tails
        >>> round(log_evidence(heads, Beta(7.0, 2.0)) - log_evidence(heads, Beta(2.0, 7.0)), 6)
        -2.323787
    """
    if isinstance(belief, PointMass):
        return message.log_pdf(belief.value)
    if isinstance(message, PointMass):
        return belief.log_pdf(message.value)
    if isinstance(message, Uninformative) or isinstance(belief, Uninformative):
        return 0.0
    if isinstance(message, NormalMeanVariance) and isinstance(belief, UnivariateNormal):
        return NormalMeanVariance._of(belief.mean, belief.variance + message.variance).log_pdf(message.mean)
    if isinstance(message, MvNormalMeanCovariance) and isinstance(belief, MultivariateNormal):
        return MvNormalMeanCovariance._of(belief.mean, belief.covariance + message.covariance).log_pdf(message.mean)
    both = product(message, belief)
    if isinstance(both, Unresolved):
        raise ProductError(
            f"the integral of {type(message).__name__} times {type(belief).__name__} has no closed form: "
            "bring both to one family"
        )
    x = both.mode if isinstance(both, DiscreteFamily) else both.mean
    return as_scalar(_likelihood(message, x) + belief.log_pdf(x) - both.log_pdf(x))


def _likelihood(message: Distribution, x: Array) -> Array:
    """The log density without what does not depend on x, where a flat message would make that infinite."""
    if isinstance(message, UnivariateNormal):
        return x * (message.weighted_mean - 0.5 * message.precision * x)
    if isinstance(message, MultivariateNormal):
        return inner(x, message.weighted_mean) - 0.5 * quad_form(message.precision, x)
    return message.log_pdf(x)


def _reweighed(mixture: MixtureDistribution, other: Distribution) -> Distribution:
    beside = other[..., None]
    components = product(beside, mixture.components)
    if isinstance(components, ProductOfDensities):
        return ProductOfDensities((mixture, other))
    return MixtureDistribution._of(softmax(log(mixture.weights) + log_evidence(beside, mixture.components)), components)


def _reweighed_by(other: Distribution, mixture: MixtureDistribution) -> Distribution:
    return _reweighed(mixture, other)


def _both(a: MixtureDistribution, b: MixtureDistribution) -> Distribution:
    return ProductOfDensities((a, b))


product_table.add((MixtureDistribution, Distribution), _reweighed)
product_table.add((Distribution, MixtureDistribution), _reweighed_by)
product_table.add((MixtureDistribution, MixtureDistribution), _both)
product_table.add((PointMass, MixtureDistribution), lambda a, b: a)
product_table.add((MixtureDistribution, PointMass), lambda a, b: b)
product_table.add((Uninformative, MixtureDistribution), lambda a, b: b)
product_table.add((MixtureDistribution, Uninformative), lambda a, b: a)
