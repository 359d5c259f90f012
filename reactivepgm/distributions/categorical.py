"""The categorical distribution over 0 ... K-1, and the group it shares with the Bernoulli.

Natural parameters: log p, up to a constant, (*batch, K). A probability of zero is -inf, which no message can undo.
"""

import math
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.family import DiscreteFamily
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.errors import InvalidParameterError, ProductError
from reactivepgm.numerics.array import Array, as_array, as_scalar, is_numpy, namespace, shape_of
from reactivepgm.numerics.elementary import all_finite, log
from reactivepgm.numerics.layout import along_last
from reactivepgm.numerics.special import softmax, xlogy


def normalised(log_weights: Array) -> Array:
    """Probabilities from log weights along the last axis.

    Raises:
        ProductError: some row has no category left; the message names the first.

    Example:
        >>> normalised(np.array([-1000.0, -1000.0]))
        array([0.5, 0.5])
    """
    if is_numpy(log_weights):
        top = _top(log_weights)
        if np.min(top, initial=0.0) == -math.inf:
            impossible = top == -math.inf
            row = tuple(int(i) for i in np.argwhere(impossible)[0])
            where = f" at row {row[0] if len(row) == 1 else row}" if row else ""
            raise ProductError(f"the beliefs about a category contradict each other{where}: none of them is possible")
    return softmax(log_weights)


def _top(log_weights: Array) -> Array:
    """The largest entry of each row."""
    xp = namespace(log_weights)
    return along_last(xp.maximum, xp.max, log_weights, -1)[..., 0]


def _canonical(log_weights: Array) -> Distribution:
    return Categorical._of(normalised(log_weights))


def _is_proper(log_weights: Array) -> Array:
    # nan fails both comparisons.
    top = _top(log_weights)
    return (top > -math.inf) & (top < math.inf)


DISCRETE = Group("DISCRETE", (1,), _canonical, _is_proper)


class Categorical(DiscreteFamily):
    """Categorical by its probabilities, which are taken as they are, normalised or not.

    Values are category numbers from 0; moments are those of the number.

    Args:
        p: (*batch, K).

    Example:
        >>> Categorical([0.25, 0.75]).mode
        1
    """

    __slots__ = ("_log_weights", "p")
    parameter_ranks: ClassVar[dict[str, int]] = {"p": 1}
    group: ClassVar[Group | None] = DISCRETE
    p: Array
    _log_weights: Array

    @classmethod
    def from_log_weights(cls, log_weights: Array) -> Self:
        """A categorical that keeps its log weights; the probabilities are computed when somebody asks for them.

        Args:
            log_weights: (*batch, K), the log probabilities up to a constant a row.

        Example:
            >>> Categorical.from_log_weights(np.array([-1000.0, -1000.0])).p
            array([0.5, 0.5])
        """
        self = object.__new__(cls)
        object.__setattr__(self, "_log_weights", log_weights)
        return self

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Array:
            """The probabilities, where only the log weights were given."""
            if name != "p":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            p = softmax(self._log_weights)
            object.__setattr__(self, "p", p)
            return p

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The rows."""
        try:
            return tuple(self._log_weights.shape[:-1])
        except AttributeError:
            return tuple(self.p.shape[:-1])

    @property
    def probabilities(self) -> Array:
        """p, (*batch, K)."""
        return self.p

    @property
    def log_probabilities(self) -> Array:
        """log p, (*batch, K); -inf where p is zero."""
        return log(self.p)

    @property
    def mean(self) -> Array:
        """The mean category number, sum k p_k."""
        return as_scalar((self.p * np.arange(self.p.shape[-1], dtype=self.p.dtype)).sum(axis=-1))

    @property
    def variance(self) -> Array:
        """The variance of the category number."""
        number = np.arange(self.p.shape[-1], dtype=self.p.dtype)
        mean = (self.p * number).sum(axis=-1, keepdims=True)
        return as_scalar((self.p * (number - mean) ** 2).sum(axis=-1))

    @property
    def mode(self) -> Array:
        """The most probable category, an int."""
        best = self.p.argmax(axis=-1)
        return best if getattr(best, "ndim", 0) else int(best)

    def entropy(self) -> Array:
        """-sum p log p.

        Example:
            >>> Categorical([0.5, 0.5]).entropy() == math.log(2.0)
            True
        """
        p = self.p
        if is_numpy(p) and p.size:
            with np.errstate(divide="ignore", invalid="ignore"):
                terms = np.log(p)
                terms *= p
            if not all_finite(terms):  # a probability of zero
                terms = xlogy(p, p)
            return as_scalar(-along_last(np.add, np.sum, terms, -1)[..., 0])
        return as_scalar(-xlogy(p, p).sum(axis=-1))

    def log_pdf(self, x: Array) -> Array:
        """log p of a category.

        Args:
            x: category numbers (...) that broadcast against the batch, or one-hot vectors (..., K): x is taken as
                one-hot if it has more axes than the batch and its last axis has length K.

        Raises:
            InvalidParameterError: a vector of length K that is not one-hot, or a number that is no category.

        Example:
            >>> Categorical([0.25, 0.75]).log_pdf(1) == Categorical([0.25, 0.75]).log_pdf([0, 1]) == math.log(0.75)
            True
        """
        x = as_array(x)
        p = self.p
        categories = p.shape[-1]
        shape: tuple[int, ...] = shape_of(x)
        if len(shape) > p.ndim - 1 and shape[-1] == categories:
            if is_numpy(x) and not (((x == 0) | (x == 1)).all() and (x.sum(axis=-1) == 1).all()):
                raise InvalidParameterError(
                    f"a last axis of length {categories} must be one-hot;"
                    " to give category numbers instead, add an axis: x[..., None]"
                )
            return as_scalar(xlogy(x, p).sum(axis=-1))
        number = np.asarray(x).astype(np.intp)
        if not ((number == x).all() and (number >= 0).all() and (number < categories).all()):
            raise InvalidParameterError(f"categories are the numbers 0 ... {categories - 1}")
        rows = np.broadcast_shapes(number.shape, p.shape[:-1])
        spread = np.broadcast_to(p, (*rows, categories))
        return log(as_scalar(np.take_along_axis(spread, np.broadcast_to(number, rows)[..., None], -1)[..., 0]))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Category numbers, (n, *batch) of ints.

        Example:
            >>> Categorical([0.0, 1.0]).sample(np.random.default_rng(1), 3).tolist()
            [1, 1, 1]
        """
        cumulative = np.cumsum(self.p, axis=-1)
        level = rng.random(draw_shape(n, self.batch_shape)) * cumulative[..., -1]
        chosen = (cumulative <= np.asarray(level)[..., None]).sum(axis=-1)
        return chosen if getattr(chosen, "ndim", 0) else int(chosen)

    def naturals(self) -> tuple[Array, ...]:
        """(log p,), up to a constant a row."""
        try:
            return (self._log_weights,)
        except AttributeError:
            return (self.log_probabilities,)


def two_sided(p: Array) -> Array:
    """[1 - p, p] along a new last axis.

    Example:
        >>> two_sided(0.25)
        array([0.75, 0.25])
    """
    if type(p) is float:
        return np.array((1.0 - p, p))
    return namespace(p).stack([1.0 - p, p], axis=-1)
