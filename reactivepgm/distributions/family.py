"""The abstract families that signatures speak of, whatever the parametrisation or the dimension."""

from reactivepgm.distributions.base import Distribution
from reactivepgm.numerics.array import Array


class NormalFamily(Distribution):
    """All normals, univariate and multivariate.

    Example:
        >>> from reactivepgm.distributions import NormalFamily, NormalMeanVariance
        >>> isinstance(NormalMeanVariance(0.0, 1.0), NormalFamily)
        True
    """


class DiscreteFamily(Distribution):
    """Beliefs over finitely many categories: Bernoulli and Categorical.

    Example:
        >>> from reactivepgm.distributions import Bernoulli
        >>> Bernoulli(0.25).probabilities
        array([0.75, 0.25])
    """

    @property
    def probabilities(self) -> Array:
        """(*batch, K)."""
        raise NotImplementedError

    @property
    def log_probabilities(self) -> Array:
        """(*batch, K); -inf where the probability is zero."""
        raise NotImplementedError
