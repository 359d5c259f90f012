"""The Bernoulli distribution on {0, 1}, a categorical with two categories.

p(1) = p,   natural parameters (log [1 - p, p],)
"""

from typing import ClassVar

import numpy as np

from reactivepgm.distributions.categorical import DISCRETE, two_sided
from reactivepgm.distributions.family import DiscreteFamily
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar, namespace
from reactivepgm.numerics.elementary import log, log1p, where
from reactivepgm.numerics.special import xlog1py, xlogy


class Bernoulli(DiscreteFamily):
    """Bernoulli by its probability of one.

    Args:
        p: (*batch,).

    Example:
        >>> Bernoulli(0.25).variance
        0.1875
    """

    __slots__ = ("p",)
    parameter_ranks: ClassVar[dict[str, int]] = {"p": 0}
    group: ClassVar[Group | None] = DISCRETE
    p: Array

    @property
    def probabilities(self) -> Array:
        """[1 - p, p], (*batch, 2)."""
        return two_sided(self.p)

    @property
    def log_probabilities(self) -> Array:
        """log [1 - p, p], (*batch, 2); -inf where the probability is zero."""
        p = self.p
        return namespace(p).stack([log1p(-p), log(p)], axis=-1)

    @property
    def mean(self) -> Array:
        """p."""
        return self.p

    @property
    def variance(self) -> Array:
        """p (1 - p)."""
        return self.p * (1.0 - self.p)

    @property
    def mode(self) -> Array:
        """1.0 where p > 1/2, else 0.0."""
        return where(self.p > 0.5, 1.0, 0.0)

    def entropy(self) -> Array:
        """-p log p - (1 - p) log(1 - p).

        Example:
            >>> Bernoulli(0.0).entropy()
            0.0
        """
        p = self.p
        return 0.0 - xlogy(p, p) - xlog1py(1.0 - p, -p)

    def log_pdf(self, x: Array) -> Array:
        """log p for x = 1, log(1 - p) for x = 0, -inf for anything else.

        Example:
            >>> import math
            >>> Bernoulli(0.25).log_pdf(1) == math.log(0.25)
            True
        """
        x = as_array(x)
        value = where(x == 1.0, log(self.p), log1p(-self.p))
        return as_scalar(where((x == 0.0) | (x == 1.0), value, -np.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Zeros and ones, (n, *batch) of ints.

        Example:
            >>> Bernoulli(1.0).sample(np.random.default_rng(1), 3).tolist()
            [1, 1, 1]
        """
        drawn = rng.random(draw_shape(n, self.batch_shape)) < self.p
        return drawn.astype(int) if getattr(drawn, "ndim", 0) else int(drawn)

    def naturals(self) -> tuple[Array, ...]:
        """(log [1 - p, p],)."""
        return (self.log_probabilities,)
