"""What a rule must compute, by quadrature of its node's log density: every rule brings its test with it.

Message   log ν(x) = log ∫ exp(E_q[log f(x, ...)]) m(...)      integrals over messages, expectations over marginals
Joint     exp(E_q[log f]) times the messages, normalised: mean and covariance, or the table of categories
Energy    -E_q[log f]
Batch     one call for stacked inputs equals a call for each

Inputs are numbers, truth values, categories and counts; whatever has more axes must be a point mass.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reactivepgm.approximations.quadrature import points_of
from reactivepgm.distributions import (
    Bernoulli,
    Binomial,
    Categorical,
    Distribution,
    Factorized,
    NegativeBinomial,
    PointMass,
    Poisson,
    UnivariateNormal,
    stack,
)
from reactivepgm.distributions.log_density import Unresolved
from reactivepgm.errors import InvalidParameterError
from reactivepgm.nodes import Node
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule, canonical_role, subject_names
from reactivepgm.rulebook.register_rules import the_node

Floats = NDArray[np.float64]

_NEGLIGIBLE = {1: 1e-60, 2: 1e-40}
_NEGLIGIBLE_OTHERWISE = 1e-11
_MOST = 30_000_000
_POINTS: dict[str | None, tuple[float, ...]] = {
    "positive": (0.3, 0.8, 1.5, 3.0),
    "nonnegative": (0.3, 0.8, 1.5, 3.0),
    "unit": (0.1, 0.35, 0.6, 0.9),
    "count": (0.0, 1.0, 3.0, 4.0),
    "binary": (0.0, 1.0),
}
_ANYWHERE = (-1.7, -0.4, 0.6, 2.1)


class _Grid(NamedTuple):
    """A belief as values, one for the log density each, with weights that sum to one."""

    values: list[Any]
    array: Floats | None
    weights: Floats


def check_rule(
    node: Any,
    to: str,
    *,
    points: Any = None,
    meta: Any = None,
    tolerance: float = 1e-8,
    **inputs: Distribution,
) -> None:
    """Compare a message rule with quadrature of the node's log density, up to a constant factor.

    Args:
        node: a node, its class, its function or its name.
        to: the target interface.
        points: values of the target at which to compare; by default a few in the interface's support.
        meta: the factor's meta.
        tolerance: how far log densities may be apart.
        **inputs: ``m_<interface>`` and ``q_<interface>``, as for ``call_rule``; each without batch axes.

    Raises:
        AssertionError: they differ; the message shows both.
        NoRuleError: there is no such rule.
        InvalidParameterError: an input that quadrature here cannot take.

    Example:
        >>> from reactivepgm import GammaShapeRate, NormalMeanVariance, PointMass
        >>> check_rule("NormalMeanPrecision", "mean", q_out=PointMass(1.0), q_precision=GammaShapeRate(2.0, 3.0))
    """
    found = the_node(node)
    given: dict[str, Any] = dict(inputs)
    message = call_rule(found, to, meta=meta, **given)
    name = found.interface(to).name
    grids = _grids(found, inputs)
    if points is None:
        points = _default_points(found, name, message)
    theirs = np.array([_log_message(found, {name: x}, grids) for x in points])
    mine = np.array([float(np.squeeze(_log_density(message, x))) for x in points])
    with np.errstate(invalid="ignore"):
        gap = np.where(np.isneginf(mine) & np.isneginf(theirs), np.nan, mine - theirs)
    finite = gap[~np.isnan(gap)]
    if len(finite) == 0 or not np.ptp(finite) <= tolerance * (1.0 + np.abs(finite).max()):
        shown = "\n".join(f"  at {x}: rule {a:.10g}, quadrature {b:.10g}" for x, a, b in zip(points, mine, theirs, strict=True))
        raise AssertionError(f"{found.name} -> {name}: {message!r} is not the message, up to a constant\n{shown}")


def check_average_energy(node: Any, *, meta: Any = None, tolerance: float = 1e-8, **inputs: Distribution) -> None:
    """Compare an average energy with quadrature of -E[log f] under independent marginals.

    Raises:
        AssertionError: they differ.
        NoRuleError: there is no such energy.
        InvalidParameterError: an input that quadrature here cannot take, or a joint marginal.

    Example:
        >>> from reactivepgm import Beta, Bernoulli
        >>> check_average_energy(Bernoulli, q_out=Bernoulli(0.3), q_p=Beta(2.0, 3.0))
    """
    found = the_node(node)
    mine = float(average_energy(found, meta=meta, **inputs))
    theirs = -_log_message(found, {}, _grids(found, inputs))
    if not abs(mine - theirs) <= tolerance * (1.0 + abs(theirs)):
        raise AssertionError(f"average energy of {found.name}: rule {mine!r}, quadrature {theirs!r}")


def check_marginal_rule(node: Any, joint: str, *, meta: Any = None, tolerance: float = 1e-8, **inputs: Distribution) -> None:
    """Compare a joint-marginal rule of two interfaces with quadrature: means and covariances, or all probabilities.

    Args:
        node: a node, its class, its function or its name.
        joint: two interfaces joined by ``_``, such as ``"out_mean"``.
        meta: the factor's meta.
        tolerance: how far moments may be apart.
        **inputs: messages on the interfaces of the joint, marginals on the others.

    Raises:
        AssertionError: they differ.
        InvalidParameterError: an input that quadrature here cannot take; a joint of other than two interfaces.

    Example:
        >>> from reactivepgm import NormalMeanVariance, PointMass
        >>> beliefs = {"m_out": NormalMeanVariance(1.0, 2.0), "m_mean": NormalMeanVariance(0.0, 1.0)}
        >>> check_marginal_rule("NormalMeanVariance", "out_mean", **beliefs, q_variance=PointMass(0.5))
    """
    found = the_node(node)
    names = subject_names(found, joint)
    if len(names) != 2:
        raise InvalidParameterError(f"check_marginal_rule compares joints of two interfaces, not {joint!r}")
    belief = call_marginal_rule(found, joint, meta=meta, **inputs)
    grids = _grids(found, inputs)
    pair = [grids[f"m_{name}"] for name in names]
    rest = {role: grid for role, grid in grids.items() if role[2:] not in names}
    first, second = names
    logs = np.array(
        [[_log_message(found, {first: a, second: b}, rest) for b in pair[1].values] for a in pair[0].values]
    )
    p = np.exp(logs - logs.max()) * pair[0].weights[:, None] * pair[1].weights
    p /= p.sum()
    if isinstance(belief, Factorized):
        mine = np.concatenate([np.ravel(belief.factors[name].mean) for name in names])
        theirs = np.concatenate([np.ravel(w @ _values(g)) for w, g in zip((p.sum(1), p.sum(0)), pair, strict=True)])
    elif hasattr(belief, "covariance"):
        a, b = _values(pair[0]), _values(pair[1])
        mean = np.array([p.sum(1) @ a, p.sum(0) @ b])
        cross = (a - mean[0]) @ p @ (b - mean[1])
        spread = np.array([[p.sum(1) @ (a - mean[0]) ** 2, cross], [cross, p.sum(0) @ (b - mean[1]) ** 2]])
        mine, theirs = np.r_[belief.mean, np.ravel(belief.covariance)], np.r_[mean, spread.ravel()]
    else:
        mine, theirs = np.ravel(belief.p), p.ravel()
    if mine.shape != theirs.shape or not np.abs(mine - theirs).max() <= tolerance * (1.0 + np.abs(theirs).max()):
        raise AssertionError(f"{found.name} -> {'_'.join(names)}: rule {mine}, quadrature {theirs}")


def check_batch(rule: Callable[..., Any], *, rtol: float = 1e-10, **rows: list[Distribution]) -> None:
    """Compare one call for stacked inputs with a call for each row.

    Args:
        rule: what is called with one distribution for each input: ``functools.partial(call_rule, node, "mean")``.
        rtol: how far the parameters may be apart, relatively.
        **rows: for each input as many distributions as there are rows.

    Raises:
        AssertionError: a row differs.

    Example:
        >>> from functools import partial
        >>> from reactivepgm import NormalMeanVariance, PointMass, call_rule
        >>> means = [NormalMeanVariance(0.0, 1.0), NormalMeanVariance(2.0, 3.0)]
        >>> check_batch(partial(call_rule, "NormalMeanVariance", "out"), m_mean=means, q_variance=[PointMass(1.0)] * 2)
    """
    together = rule(**{name: stack(given, axis=0) for name, given in rows.items()})
    for row in range(len(next(iter(rows.values())))):
        alone = rule(**{name: given[row] for name, given in rows.items()})
        if isinstance(alone, Distribution):
            mine = together[row].parameters
            pairs = [(name, mine[name], value) for name, value in alone.parameters.items()]
        else:
            pairs = [("value", np.broadcast_to(together, (row + 1,))[row] if np.ndim(together) == 0 else together[row], alone)]
        for name, a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13, err_msg=f"{name} of row {row}")


def _log_message(node: Node, fixed: Mapping[str, Any], grids: Mapping[str, _Grid]) -> float:
    """log ∫ exp(E_q[log f]) m, with some interfaces fixed: an expectation over q first, then the integral over m."""
    ordered = sorted(grids.items(), key=lambda item: item[0][0])  # m before q
    random = [(role, grid) for role, grid in ordered if len(grid.weights) > 1]
    single = {role[2:]: grid.values[0] for role, grid in ordered if len(grid.weights) == 1}
    shape = tuple(len(grid.weights) for _, grid in random)
    if np.prod(shape, dtype=float) > _MOST:
        raise InvalidParameterError(
            f"quadrature over {len(shape)} random inputs of {node.name} at once is too much: make some of them point masses"
        )
    values = _evaluated(node, {**fixed, **single}, random, shape)
    for axis in reversed(range(len(random))):
        role, grid = random[axis]
        if role.startswith("q"):
            values = (np.where(grid.weights > 0.0, values, 0.0) * grid.weights).sum(axis=-1)
        else:
            peak = np.max(values, initial=-np.inf)
            if np.isneginf(peak):
                return float("-inf")
            values = peak + np.log((np.exp(values - peak) * grid.weights).sum(axis=-1))
    return float(values)


def _evaluated(node: Node, known: Mapping[str, Any], random: list[tuple[str, _Grid]], shape: tuple[int, ...]) -> Floats:
    """log f on the product of the grids: at once where the log density takes arrays, else point by point."""
    assert node.log_density is not None
    names = node.names
    if random and all(grid.array is not None for _, grid in random):
        spread = dict(known)
        for axis, (role, grid) in enumerate(random):
            assert grid.array is not None
            spread[role[2:]] = grid.array.reshape((-1,) + (1,) * (len(shape) - axis - 1))
        with np.errstate(all="ignore"):
            try:
                return np.broadcast_to(np.asarray(node.log_density(*(spread[n] for n in names)), dtype=float), shape)
            except Exception:  # a log density for single values only
                pass
    found = np.empty(shape)
    with np.errstate(all="ignore"):
        for place in np.ndindex(*shape):
            here = {role[2:]: grid.values[k] for (role, grid), k in zip(random, place, strict=True)}
            found[place] = float(np.squeeze(node.log_density(*({**known, **here}[n] for n in names))))
    return found


def _grids(node: Node, inputs: Mapping[str, Distribution]) -> dict[str, _Grid]:
    found = {}
    random = sum(not isinstance(belief, PointMass) for belief in inputs.values())
    for name, belief in inputs.items():
        role = canonical_role(node, name)
        if len(subject_names(node, role[2:])) > 1:
            raise InvalidParameterError(f"{name} is a joint marginal: quadrature here takes one interface at a time")
        found[role] = _grid(name, belief, _NEGLIGIBLE.get(random, _NEGLIGIBLE_OTHERWISE))
    return found


def _grid(name: str, belief: Distribution, negligible: float) -> _Grid:
    if belief.batch_shape:
        raise InvalidParameterError(f"{name} has batch axes {belief.batch_shape}: give one row; check_batch is for batches")
    if isinstance(belief, PointMass):
        return _Grid([belief.value], None if np.ndim(belief.value) else np.array([belief.value], dtype=float), np.ones(1))
    if isinstance(belief, Bernoulli):
        return _Grid([0.0, 1.0], np.array([0.0, 1.0]), np.array([1.0 - belief.p, belief.p], dtype=float))
    if isinstance(belief, Categorical):
        return _Grid(list(np.eye(len(belief.p))), None, np.asarray(belief.p, dtype=float))
    if belief.event_shape:
        raise InvalidParameterError(f"{name} is {type(belief).__name__} with shape {belief.event_shape}: make it a point mass")
    if isinstance(belief, (Poisson, Binomial, NegativeBinomial)):
        x = np.arange(float(belief.mean + 20.0 * np.sqrt(belief.variance) + 60.0))
        with np.errstate(all="ignore"):
            weights = np.exp(np.asarray(belief.log_pdf(x), dtype=float))
    else:
        points = points_of(belief)
        x, weights = np.asarray(points.x), np.asarray(points.weights)
    kept = weights > negligible
    x, weights = x[kept], weights[kept]
    return _Grid(list(x), x, weights / weights.sum())


def _values(grid: _Grid) -> Floats:
    return np.asarray(grid.values, dtype=float)


def _default_points(node: Node, name: str, message: Any) -> Any:
    if isinstance(message, Bernoulli):
        return (0.0, 1.0)
    if isinstance(message, Categorical):
        return list(np.eye(len(message.p)))
    if message.event_shape:
        raise InvalidParameterError(f"{node.name} -> {name} has values of shape {message.event_shape}: say points=[...]")
    support = node.interface(name).support
    if support is None and not isinstance(message, Unresolved):
        with np.errstate(all="ignore"):
            mean, deviation = float(message.mean), float(np.sqrt(message.variance))
        if np.isfinite(mean) and 0.0 < deviation < np.inf:
            return tuple(mean + deviation * step for step in _ANYWHERE)
    return _POINTS.get(support, _ANYWHERE)


def _log_density(message: Any, x: Any) -> Any:
    """Up to a constant, of improper messages too."""
    if isinstance(message, UnivariateNormal):
        return message.weighted_mean * x - 0.5 * message.precision * x * x
    with np.errstate(all="ignore"):
        return message.log_pdf(x)
