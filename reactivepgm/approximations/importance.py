"""Beliefs as weighted samples: draws from one message, weighted by the others.

q(x) = p(x) g(x) / Z,   x_i ~ p,   w_i = g(x_i) / sum g,   Z = mean g,   H[q] = log Z - sum w_i (log p(x_i) + log g(x_i))

p is the message whose weights are worth the most independent draws (Kish 1965).           Robert & Casella 2004, section 3.3
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reactivepgm.approximations.weighted_samples import WeightedSamples
from reactivepgm.distributions import Distribution, LogDensity, PointMass, ProductOfDensities, Uninformative
from reactivepgm.errors import ProductError

Floats = NDArray[np.float64]


def weighted_samples(belief: Distribution, n: int, seed: int = 0) -> WeightedSamples:
    """n points for every row of a belief.

    Args:
        belief: a distribution that can be sampled, or a product that has such a factor.
        n: how many points a row.
        seed: the same seed draws the same points, so that iterations settle.

    Raises:
        ProductError: no factor can be sampled, or no point has a positive weight.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> round(weighted_samples(NormalMeanVariance(1.0, 4.0), 1000).effective_size)
        1000
    """
    factors = belief.factors if isinstance(belief, ProductOfDensities) else (belief,)
    proposals = [number for number, factor in enumerate(factors) if _can_be_sampled(factor)]
    if not proposals:
        raise ProductError(
            f"none of the messages can be sampled: {belief!r}\n  write  ProjectedTo(Normal), which integrates, instead"
        )
    lists = [_drawn(belief, factors, number, n, seed) for number in proposals]
    return max(lists, key=lambda found: float(np.min(found.effective_size)))


def _can_be_sampled(factor: Distribution) -> bool:
    if isinstance(factor, LogDensity | Uninformative):
        return False
    return factor.group is None or bool(np.all(factor.group.is_proper(*factor.naturals())))


def _drawn(belief: Distribution, factors: tuple[Distribution, ...], proposal: int, n: int, seed: int) -> WeightedSamples:
    batch = belief.batch_shape
    source = factors[proposal].broadcast_to(batch)
    x = np.asarray(source.sample(np.random.default_rng(seed), n))
    with np.errstate(all="ignore"):
        own = np.asarray(source.log_pdf(x))
        others = np.zeros(own.shape)
        for number, factor in enumerate(factors):
            if number != proposal:
                others = others + factor.log_pdf(x)
    others = np.where(np.isfinite(others), others, -np.inf)
    top = others.max(axis=0)
    if np.isneginf(top).any():
        raise ProductError(f"no sample of {source!r} has a positive weight under the other messages")
    raw = np.exp(others - top)
    total = raw.sum(axis=0)
    weights = raw / total
    log_norm = top + np.log(total / n)
    density = np.where(weights > 0.0, own + others, 0.0)
    entropy: Floats | float = log_norm - (weights * density).sum(axis=0)
    if isinstance(source, PointMass):
        entropy = np.zeros(batch)
    back = len(batch)
    return WeightedSamples._of(np.moveaxis(x, 0, back), np.moveaxis(weights, 0, back), np.asarray(entropy))
