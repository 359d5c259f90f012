"""Beliefs about one category as probability vectors, whatever form they arrive in.

A category is believed through a Categorical, a Bernoulli (category 1 with probability p), or observed as a point mass:
a vector over the K categories (one-hot, or weights), or a whole number 0 ... K-1, for which K must be known.
"""

from reactivepgm.distributions import Bernoulli, DiscreteFamily, Distribution, PointMass
from reactivepgm.errors import DataError, NoRuleError
from reactivepgm.numerics.array import Array, is_numpy, namespace


def probabilities(belief: Distribution, categories: int | None = None) -> Array:
    """The probability vector of a belief about a category.

    Args:
        belief: a Categorical, a Bernoulli or a point mass; batch shape (*batch,).
        categories: K, where something else in the factor tells; needed for an observed whole number.

    Returns:
        Probabilities, shape (*batch, K).

    Raises:
        NoRuleError: the belief is no category, or a whole number was observed and nothing says how many there are.
        DataError: an observed category is no whole number of 0 ... K-1.

    Example:
        >>> from reactivepgm.distributions import Bernoulli, PointMass
        >>> probabilities(PointMass(2), categories=3)
        array([0., 0., 1.])
        >>> probabilities(Bernoulli(0.25))
        array([0.75, 0.25])
    """
    if isinstance(belief, DiscreteFamily):
        return belief.probabilities
    if not isinstance(belief, PointMass):
        raise NoRuleError(f"a belief about a category is a Categorical, a Bernoulli or a point mass, not {belief!r}")
    if len(belief.event_shape) == 1:
        return belief.value
    if len(belief.event_shape) > 1:
        raise NoRuleError(f"an observed category is a number or a vector, not an array of shape {belief.event_shape}")
    if categories is None:
        raise NoRuleError(
            "a category was observed as a number, and nothing here says how many categories there are: "
            "give it one-hot, e.g. numpy.eye(K)[y]"
        )
    return one_hot(belief.value, categories)


def weight(belief: Distribution, index: int) -> Array:
    """The probability of one category, (*batch,), without a look at the others.

    Raises:
        NoRuleError: as for ``probabilities``.

    Example:
        >>> from reactivepgm.distributions import Bernoulli
        >>> weight(Bernoulli(0.25), 0)
        0.75
    """
    if isinstance(belief, Bernoulli) and index < 2:
        return belief.p if index else 1.0 - belief.p
    return probabilities(belief)[..., index]


def one_hot(value: Array, categories: int) -> Array:
    """Whole numbers 0 ... K-1 as unit vectors: (*batch,) to (*batch, K).

    Raises:
        DataError: a number is outside, or not whole.

    Example:
        >>> one_hot(1.0, 2)
        array([0., 1.])
    """
    xp = namespace(value)
    number = xp.asarray(value)
    unit = (number[..., None] == xp.arange(categories)).astype(number.dtype)
    if is_numpy(value) and not (unit.sum(-1) == 1.0).all():
        raise DataError(f"categories count from 0 to {categories - 1}, not {value!r}")
    return unit
