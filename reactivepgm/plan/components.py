"""The components of a plural interface as one batch, where random and fixed ones stand side by side.

A fixed component among normal ones is the normal of variance zero: rules read no more than its two moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reactivepgm.distributions import (
    Distribution,
    MultivariateNormal,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    PointMass,
    UnivariateNormal,
    stack,
)
from reactivepgm.errors import ModelError
from reactivepgm.graph import Site


def stacked(parts: Sequence[Distribution], interface: str, site: Site) -> Distribution:
    """One distribution with the components along the last batch axis.

    Args:
        parts: the beliefs, one a component.
        interface: where they sit, for messages.
        site: the statement.

    Raises:
        ModelError: fixed components among random ones that are no normals.

    Example:
        >>> both = [NormalMeanVariance([1.0, 2.0], 1.0), PointMass(3.0)]
        >>> stacked(both, "m", Site("m.py", 1, "y = ~NormalMixture(z, (m, 3.0), p)")).mean.tolist()
        [[1.0, 3.0], [2.0, 3.0]]
    """
    random = [part for part in parts if not isinstance(part, PointMass)]
    if not random or len(random) == len(parts):
        return stack(parts, axis=-1)
    if all(isinstance(part, UnivariateNormal) for part in random):
        return stack([NormalMeanVariance._of(part.mean, part.variance) for part in parts], axis=-1)
    if all(isinstance(part, MultivariateNormal) for part in random):
        every: Sequence[Any] = parts
        return stack([MvNormalMeanCovariance._of(part.mean, part.covariance) for part in every], axis=-1)
    kinds = ", ".join(sorted({type(part).__name__ for part in random}))
    raise ModelError(
        site.letter(
            f"{interface} mixes fixed components with random ones ({kinds}); side by side they can be normals only",
            write="a narrow prior for each fixed component, or all of them fixed",
        )
    )
