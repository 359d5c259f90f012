"""The member of a family that is nearest to a belief: the one with the same expected sufficient statistics.

argmin_q KL(p || q)  <=>  E_q T(x) = E_p T(x)                                                       Minka 2001, section 3.2

Normal    E x, Var x                 Gamma          E x, E log x             Beta        E log x, E log(1 - x)
Poisson   E x                        InverseGamma   E 1/x, E log x           Dirichlet   E log x
LogNormal E log x, Var log x
Discrete  probabilities

Expectations are the belief's own where it knows them, sums over samples, or quadrature for scalars.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.approximations.fitting import beta_from_logs, dirichlet_from_logs, gamma_from_logs
from reactivepgm.approximations.quadrature import Points, points_of
from reactivepgm.approximations.support import support_of
from reactivepgm.approximations.weighted_samples import WeightedSamples
from reactivepgm.distributions import (
    BETA,
    DIRICHLET,
    GAMMA,
    INVERSE_GAMMA,
    LOG_NORMAL,
    MV_NORMAL,
    NORMAL,
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    DiscreteFamily,
    Distribution,
    GammaShapeRate,
    InverseGamma,
    LogDensity,
    LogNormal,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    PointMass,
    Poisson,
    ProductOfDensities,
)
from reactivepgm.errors import ConstraintError, ProductError

Floats = NDArray[np.float64]


def project(belief: Distribution, family: Any) -> Distribution:
    """The member of a family with the same expected sufficient statistics as a belief.

    Args:
        belief: any distribution, normalised or not, (*batch, *event).
        family: a distribution class or one of ``Normal``, ``MvNormal``, ``Gamma``.

    Returns:
        The belief itself if it is of the family, else a member with the same batch shape.

    Raises:
        ProductError: the belief has mass where the family has none, or expectations that nothing here computes.
        ConstraintError: a family that beliefs are not projected onto.

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate, Normal, NormalMeanVariance
        >>> project(GammaShapeRate(4.0, 2.0), Normal)
        NormalMeanVariance(mean=2.0, variance=1.0)
    """
    target = family_of(family)
    if _belongs(belief, target):
        return belief
    if isinstance(belief, PointMass):
        raise ProductError(f"{belief!r} is certain: no member of {target.__name__} is nearest to it")
    return _PROJECTIONS[target](_Expectations(belief, target))


def family_of(family: Any) -> type[Distribution]:
    """The class that stands for a family.

    Raises:
        ConstraintError: one that beliefs are not projected onto.

    Example:
        >>> from reactivepgm.distributions import GammaShapeScale
        >>> family_of(GammaShapeScale).__name__
        'GammaShapeRate'
    """
    if isinstance(family, type):
        if family in _PROJECTIONS:
            return family
        group = getattr(family, "group", None)
        name = family.__name__
        for known in _BY_GROUP:
            if (group is not None and known.group is group) or name == _BY_GROUP[known]:
                return known
    names = "Normal, MvNormal, LogNormal, Gamma, InverseGamma, Beta, Dirichlet, Bernoulli, Categorical, Poisson"
    raise ConstraintError(f"{family!r} is no family to project onto\n  write  one of {names}")


def _belongs(belief: Distribution, target: type[Distribution]) -> bool:
    if isinstance(belief, Bernoulli | Categorical):
        return target in (Bernoulli, Categorical)
    return isinstance(belief, target) or (belief.group is not None and belief.group is target.group)


class _Expectations:
    """The expectations of a belief that a family asks for."""

    def __init__(self, belief: Distribution, target: type[Distribution]) -> None:
        self.belief = belief
        self.target = target
        self._points: Points | None = None

    def of(self, attribute: str, statistic: Callable[[Floats], Floats]) -> Floats:
        """E statistic(x): the belief's own attribute, a sum over samples, or an integral."""
        belief = self.belief
        if isinstance(belief, WeightedSamples):
            samples = belief.covariance if attribute == "covariance" else belief.expectation(statistic)
            return np.asarray(samples, dtype=float)
        own = None if isinstance(belief, LogDensity | ProductOfDensities) else self._own(attribute)
        if own is not None:
            return own
        if belief.event_shape:
            raise ProductError(
                f"{belief!r} has no {attribute} in closed form, and only numbers are integrated\n"
                f"  write  Composite(SampleList(1000), ProjectedTo({self.target.__name__}))"
            )
        if self._points is None:
            self._points = points_of(belief)
        return self._points.mean if attribute == "mean" else self._points.expectation(statistic(self._points.x))

    def _own(self, attribute: str) -> Floats | None:
        try:
            value = np.asarray(getattr(self.belief, attribute), dtype=float)
        except (AttributeError, NotImplementedError, ProductError):
            return None
        return value if np.isfinite(value).all() else None

    def inside(self, low: float, high: float) -> None:
        """Refuse a belief with mass outside an interval."""
        if isinstance(self.belief, WeightedSamples):
            points = np.asarray(self.belief.points)
            fits = bool(((points >= low) & (points <= high)).all())
        else:
            ends = support_of(self.belief)
            fits = bool((np.asarray(ends[0]) >= low).all() and (np.asarray(ends[1]) <= high).all())
        if not fits:
            raise ProductError(
                f"{self.belief!r} has mass outside ({low}, {high}), where {self.target.__name__} has none\n"
                "  write  ProjectedTo(Normal), or a prior with that support"
            )


def _normal(q: _Expectations) -> Distribution:
    mean = q.of("mean", lambda x: x)
    centre = mean if not isinstance(q.belief, WeightedSamples) else np.expand_dims(mean, -1)
    variance = q.of("variance", lambda x: (x - centre) ** 2)
    return NormalMeanVariance(mean, variance)


def _mv_normal(q: _Expectations) -> Distribution:
    # No vector is integrated: the statistics stand for a mean and a covariance that the belief must know itself.
    return MvNormalMeanCovariance(q.of("mean", lambda x: x), q.of("covariance", _no_integral))


def _no_integral(x: Floats) -> Floats:
    raise ProductError("only numbers are integrated")


def _gamma(q: _Expectations) -> Distribution:
    q.inside(0.0, np.inf)
    mean = q.of("mean", lambda x: x)
    shape = gamma_from_logs(mean, q.of("mean_log", np.log))
    return GammaShapeRate(shape, shape / mean)


def _log_normal(q: _Expectations) -> Distribution:
    q.inside(0.0, np.inf)
    mean = q.of("mean_log", np.log)
    centre = mean if not isinstance(q.belief, WeightedSamples) else np.expand_dims(mean, -1)
    return LogNormal(mean, q.of("variance_log", lambda x: (np.log(x) - centre) ** 2))


def _inverse_gamma(q: _Expectations) -> Distribution:
    q.inside(0.0, np.inf)
    inverse = q.of("mean_inverse", lambda x: 1.0 / x)
    shape = gamma_from_logs(inverse, -q.of("mean_log", np.log))
    return InverseGamma(shape, shape / inverse)


def _beta(q: _Expectations) -> Distribution:
    q.inside(0.0, 1.0)
    return Beta(*beta_from_logs(q.of("mean_log", np.log), q.of("mean_log_complement", lambda x: np.log1p(-x))))


def _dirichlet(q: _Expectations) -> Distribution:
    return Dirichlet(dirichlet_from_logs(q.of("mean_log", np.log)))


def _bernoulli(q: _Expectations) -> Distribution:
    return Bernoulli(q.of("mean", lambda x: x))


def _categorical(q: _Expectations) -> Distribution:
    if isinstance(q.belief, DiscreteFamily):
        return Categorical(q.belief.probabilities)
    return Categorical(q.of("mean", lambda x: x))


def _poisson(q: _Expectations) -> Distribution:
    return Poisson(q.of("mean", lambda x: x))


_PROJECTIONS: dict[type[Distribution], Callable[[_Expectations], Distribution]] = {
    NormalMeanVariance: _normal,
    MvNormalMeanCovariance: _mv_normal,
    GammaShapeRate: _gamma,
    InverseGamma: _inverse_gamma,
    LogNormal: _log_normal,
    Beta: _beta,
    Dirichlet: _dirichlet,
    Bernoulli: _bernoulli,
    Categorical: _categorical,
    Poisson: _poisson,
}
_BY_GROUP: dict[type[Distribution], str] = {
    NormalMeanVariance: "Normal",
    MvNormalMeanCovariance: "MvNormal",
    GammaShapeRate: "Gamma",
    InverseGamma: "InverseGamma",
    LogNormal: "LogNormal",
    Beta: "Beta",
    Dirichlet: "Dirichlet",
}

assert {NORMAL, MV_NORMAL, LOG_NORMAL, GAMMA, INVERSE_GAMMA, BETA, DIRICHLET} == {known.group for known in _BY_GROUP}
