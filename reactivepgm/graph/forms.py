"""What shape a belief is made to take: a point, a fixed belief, samples, a member of a family, or several in turn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from reactivepgm.approximations import mode_of, project, weighted_samples
from reactivepgm.approximations.projection import family_of
from reactivepgm.distributions import Distribution, PointMass
from reactivepgm.errors import ConstraintError


class Form:
    """Turns a belief, such as a product of messages without closed form, into the belief that is kept.

    Subclasses define ``__call__``; they must be pure functions of the belief, so that iterations settle.
    """

    stands_apart: bool = False
    """Whether the variable leaves all clusters: where q is one point or is given, no joint can say more."""

    def __call__(self, belief: Distribution) -> Distribution:
        """The belief that is kept instead, with the same batch shape."""
        raise NotImplementedError

    def initial(self, belief: Distribution) -> Distribution:
        """What an initial marginal becomes."""
        return belief

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.__dict__.items())})"


class PointMassForm(Form):
    """All mass on the mode, within bounds: maximum a posteriori for this variable, which makes the iteration EM.

    Written ``PointMass`` in texts and in ``form("theta", PointMass, bounds=(0.0, 1.0))``.

    Args:
        bounds: the lowest and the highest value of every component.

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate
        >>> PointMassForm(bounds=(1.0, 5.0))(GammaShapeRate(3.0, 4.0))
        PointMass(value=1.0)
    """

    stands_apart = True

    def __init__(self, bounds: tuple[float, float] = (-math.inf, math.inf)) -> None:
        try:
            low, high = (float(end) for end in bounds)
        except (TypeError, ValueError):
            low, high = math.nan, math.nan
        if not low < high:
            raise ConstraintError(f"bounds={bounds!r} hold no interval\n  write  bounds=(low, high) with low < high")
        self.bounds = (low, high)

    def __call__(self, belief: Distribution) -> Distribution:
        """All mass on the mode."""
        return mode_of(belief, self.bounds)

    def initial(self, belief: Distribution) -> Distribution:
        """All mass on the mean, which every initial marginal has, within the bounds."""
        if isinstance(belief, PointMass):
            return belief
        return PointMass(np.clip(belief.mean, *self.bounds), event_rank=len(belief.event_shape))


class FixedMarginal(Form):
    """The marginal is given, and never updated.

    Args:
        marginal: one belief for all elements of the variable, or a batch of its shape.

    Example:
        >>> from reactivepgm.distributions import Beta
        >>> FixedMarginal(Beta(1.0, 2.0))
        FixedMarginal(marginal=Beta(a=1.0, b=2.0))
    """

    stands_apart = True

    def __init__(self, marginal: Distribution) -> None:
        if not isinstance(marginal, Distribution):
            raise ConstraintError(f"FixedMarginal takes a distribution, not {marginal!r}")
        self.marginal = marginal

    def __call__(self, belief: Distribution) -> Distribution:
        """The given marginal."""
        batch = belief.batch_shape
        return self.marginal.broadcast_to(np.broadcast_shapes(batch, self.marginal.batch_shape))

    def initial(self, belief: Distribution) -> Distribution:
        """Nothing to begin with.

        Raises:
            ConstraintError: always; the marginal was given twice.
        """
        raise ConstraintError(
            f"the marginal is fixed to {self.marginal!r} and takes no initial value besides, but was given {belief!r}\n"
            "  write  one of the two only"
        )


class SampleList(Form):
    """Weighted samples: drawn from one message and weighted by the others. Works where nothing multiplies.

    Args:
        n: how many samples.
        seed: the same seed draws the same samples at every update.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> round(float(SampleList(4000)(NormalMeanVariance(1.0, 4.0)).mean), 1)
        1.0
    """

    def __init__(self, n: int, seed: int = 0) -> None:
        if not isinstance(n, int) or not 1 <= n <= 10**8:
            raise ConstraintError(f"SampleList takes a number of samples, not {n!r}\n  write  SampleList(1000)")
        if not isinstance(seed, int) or seed < 0:
            raise ConstraintError(f"a seed is a whole number from 0, not {seed!r}")
        self.n = n
        self.seed = seed

    def __call__(self, belief: Distribution) -> Distribution:
        """The weighted samples."""
        return weighted_samples(belief, self.n, self.seed)


class ProjectedTo(Form):
    """The nearest member of a family in the sense of KL(belief || member): its expected statistics are the belief's.

    Args:
        family: a distribution class, or ``Normal``, ``MvNormal``, ``Gamma``.

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate, Normal
        >>> ProjectedTo(Normal)(GammaShapeRate(4.0, 2.0))
        NormalMeanVariance(mean=2.0, variance=1.0)
    """

    def __init__(self, family: Any) -> None:
        self.family = family_of(family)

    def __call__(self, belief: Distribution) -> Distribution:
        """The member of the family."""
        return project(belief, self.family)

    def __repr__(self) -> str:
        return f"ProjectedTo({self.family.__name__})"


class Composite(Form):
    """Several forms, each applied to what the one before made.

    Args:
        *forms: forms, or classes that stand for them.

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate, Normal
        >>> Composite(ProjectedTo(Normal), PointMass)(GammaShapeRate(4.0, 2.0))
        PointMass(value=2.0)
    """

    def __init__(self, *forms: Any) -> None:
        self.forms = tuple(as_form(one) for one in forms)
        if len(self.forms) < 2 or any(isinstance(one, FixedMarginal) for one in self.forms):
            raise ConstraintError("Composite takes two forms or more, none of them a FixedMarginal")
        self.stands_apart = any(one.stands_apart for one in self.forms)

    def __call__(self, belief: Distribution) -> Distribution:
        """All forms in turn."""
        for one in self.forms:
            belief = one(belief)
        return belief

    def initial(self, belief: Distribution) -> Distribution:
        """What the last form makes of an initial marginal."""
        return self.forms[-1].initial(belief)

    def __repr__(self) -> str:
        return f"Composite({', '.join(map(repr, self.forms))})"


def as_form(value: Any, **options: Any) -> Form:
    """A form from itself or from the class that stands for it: PointMass, or the family to project onto.

    Raises:
        ConstraintError: it stands for none.

    Example:
        >>> from reactivepgm.distributions import Normal
        >>> as_form(Normal), as_form(PointMass, bounds=(0.0, 1.0))
        (ProjectedTo(NormalMeanVariance), PointMassForm(bounds=(0.0, 1.0)))
    """
    if value is PointMass:
        try:
            return PointMassForm(**options)
        except TypeError:
            raise ConstraintError(f"PointMass has the option bounds only, not {', '.join(options)}") from None
    if options:
        raise ConstraintError(f"{value!r} takes no options {', '.join(options)}")
    if isinstance(value, Form):
        return value
    if isinstance(value, type) and not issubclass(value, Form):
        return ProjectedTo(value)
    raise ConstraintError(
        f"{value!r} is no form\n  write  PointMass, FixedMarginal(d), SampleList(n), ProjectedTo(Normal) or Composite(...)"
    )
