"""Rules that nobody wrote, by numerical integration of the node's log density; only where the user names one.

Message    log nu(x) = log ∫ exp(E_q[log f(x, q, m)]) prod m(m) dm          held as a log density of x
Energy     U = -E_q[log f]

Normals are integrated by Gauss-Hermite points, in one or two dimensions; other numbers by adaptive panels, of which one
input may need them; truth values by their sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reactivepgm.approximations import project
from reactivepgm.approximations.projection import family_of
from reactivepgm.approximations.quadrature import points_of
from reactivepgm.distributions import (
    Bernoulli,
    Distribution,
    LogDensity,
    MultivariateNormal,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.errors import NoRuleError, ParametrisationError
from reactivepgm.nodes import Node
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.quadrature import gauss_hermite
from reactivepgm.rulebook.rule_object import Rule
from reactivepgm.rulebook.signature import Signature

_DIMENSIONS = 2
_PANELS = 64  # no more Hermite points than this beside adaptive panels


@dataclass(frozen=True)
class Quadrature:
    """Messages and energies of a stochastic node by integrating its log density; a message is a log density.

    A form on the variable, such as ``ProjectedTo(Gamma)``, makes a belief of the product.

    Args:
        n: Gauss-Hermite points for each normal input.

    Example:
        >>> Quadrature(20)
        Quadrature(n=20)
    """

    n: int = 32

    def __post_init__(self) -> None:
        if not isinstance(self.n, int) or isinstance(self.n, bool) or not 1 <= self.n <= 200:
            raise ParametrisationError(f"Quadrature takes a number of points from 1 to 200, not {self.n!r}")

    def finish(self, message: Distribution) -> Distribution:
        """The message as it is sent."""
        return message


class Projection(Quadrature):
    """The same, each message replaced by the member of a family with its moments; it has to normalise.

    Args:
        family: the family of the messages.
        n: Gauss-Hermite points for each normal input.

    Example:
        >>> from reactivepgm.distributions import Gamma
        >>> Projection(Gamma)
        Projection(GammaShapeRate, n=32)
    """

    def __init__(self, family: Any, n: int = 32) -> None:
        super().__init__(n)
        object.__setattr__(self, "family", family_of(family))

    def finish(self, message: Distribution) -> Distribution:
        """The member of the family."""
        return project(message, self.family)  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Projection) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"Projection({self.family.__name__}, n={self.n})"  # type: ignore[attr-defined]


def fallback_rule(
    kind: str, node: Node, target: str, types: Mapping[str, type], fallback: Quadrature, site: object | None = None
) -> Rule:
    """The rule that integrates a node's log density.

    Args:
        kind: "rule" or "energy".
        node: the node.
        target: the interface, or "" for an energy.
        types: input name to type.
        fallback: how.
        site: the model's line, for the error.

    Raises:
        NoRuleError: a node without a log density, a joint, or a target that is no number.
    """
    what = fallback_refusal(kind, node, target, types)
    if what is not None:
        at = "" if site is None else f"\n  at   {site}"
        raise NoRuleError(
            f"{fallback!r} cannot stand in for the missing rule of {node.name}"
            f"{f' toward {target}' if target else ''}: {what}{at}\n  write  a rule of your own: @rule({node.key}, ...)"
        )
    signature = Signature({name: (type_,) for name, type_ in types.items()}, {}, None, (), (object,), LogDensity)

    def function(**inputs: Distribution) -> Any:
        if kind == "energy":
            return _energy(node, inputs, fallback.n)
        return fallback.finish(_message(node, target, inputs, fallback.n))

    return FallbackRule(kind, node, target, signature, function, fallback=fallback)


@dataclass(frozen=True, eq=False)
class FallbackRule(Rule):
    """A rule made of a log density; tables say so."""

    fallback: Quadrature = Quadrature()

    def describe(self) -> str:
        """Its inputs, and that it is a fallback."""
        return f"{super().describe()} by fallback={self.fallback!r}"


def fallback_refusal(kind: str, node: Node, target: str, types: Mapping[str, type]) -> str | None:
    """Why no fallback stands in for a rule; None where one does."""
    if node.kind != "stochastic" or node.log_density is None:
        return "the node has no log density"
    if kind not in ("rule", "energy"):
        return "only messages and energies are integrated, no joint marginals"
    joint = [name for name in types if name[2:] not in node.names]
    if joint:
        return f"{', '.join(joint)} is a joint or belongs to a plural interface"
    if kind == "rule" and (node.interface(target).event_rank or 0) > 0:
        return f"{target} is no number, and its message would have no form"
    return None


def _message(node: Node, target: str, inputs: Mapping[str, Distribution], n: int) -> LogDensity:
    grid = _Grid(node, inputs, n)

    def log_density(x: Array) -> Array:
        return grid.integrate(target, np.asarray(x, dtype=float))

    support = node.interface(target).support
    domain = {"positive": (0.0, math.inf), "nonnegative": (0.0, math.inf), "unit": (0.0, 1.0)}
    return LogDensity._of(log_density, domain.get(support or "", (-math.inf, math.inf)), grid.batch, ())


def _energy(node: Node, inputs: Mapping[str, Distribution], n: int) -> Array:
    return -_Grid(node, {"q" + name[1:]: value for name, value in inputs.items()}, n).integrate(None, None)


class _Grid:
    """Points of all inputs, each along leading axes of its own: (*points, *batch, *event)."""

    def __init__(self, node: Node, inputs: Mapping[str, Distribution], n: int) -> None:
        self._node = node
        self.batch = np.broadcast_shapes(*(value.batch_shape for value in inputs.values()))
        self._values: dict[str, Any] = {}
        self._axes: list[tuple[bool, Array]] = []
        """For each leading axis whether it is a message's, and its weights (m, *batch)."""
        pending = []
        panels = sum(_needs_panels(value) for value in inputs.values())
        if panels > 1:
            names = ", ".join(name for name, value in inputs.items() if _needs_panels(value))
            raise NoRuleError(f"{node.name}: {names} would each need adaptive panels; only one input that is not normal may")
        for name, value in inputs.items():
            if isinstance(value, PointMass):
                self._values[name[2:]] = (None, value.value, len(value.event_shape))
                continue
            points, weights = _points(node, name, value, min(n, _PANELS) if panels else n)
            pending.append((name, points, weights, len(value.event_shape)))
        spanned = sum(max(1, math.prod(value.event_shape)) for value in inputs.values() if not isinstance(value, PointMass))
        if spanned > _DIMENSIONS:
            raise NoRuleError(f"{node.name}: {spanned} dimensions would have to be integrated; quadrature does {_DIMENSIONS}")
        for axis, (name, points, weights, rank) in enumerate(pending):
            self._values[name[2:]] = (axis, points, rank)
            self._axes.append((name[0] == "m", weights))

    def integrate(self, target: str | None, x: Array | None) -> Array:
        """log ∫ exp(E_q log f) m over all points, for values x (..., *batch) of the target; without one E_q log f."""
        lead = 0 if x is None else max(np.ndim(x) - len(self.batch), 0)
        count = len(self._axes)
        arguments = []
        for name in self._node.names:
            if name == target:
                arguments.append(x)
                continue
            axis, value, _ = self._values[name]
            value = np.asarray(value)
            if axis is not None:
                at = (slice(None), *(None,) * (count - axis - 1 + lead))
                value = value[at]
            arguments.append(value)
        assert self._node.log_density is not None
        with np.errstate(all="ignore"):
            logs = np.asarray(self._node.log_density(*arguments))
        shape = (*(len(weights) for _, weights in self._axes), *(np.asarray(x).shape[:lead] if lead else ()), *self.batch)
        logs = np.broadcast_to(logs, np.broadcast_shapes(logs.shape, shape))
        for is_message in (False, True):
            for axis in reversed(range(count)):
                kind, weights = self._axes[axis]
                if kind is not is_message:
                    continue
                logs = _reduced(logs, axis, weights, lead, count, is_message)
        keep = tuple(np.shape(logs)[count:])
        return np.asarray(logs).reshape(keep) if keep else float(np.asarray(logs).reshape(()))


def _reduced(logs: Array, axis: int, weights: Array, lead: int, count: int, is_message: bool) -> Array:
    """One axis of points summed, kept with length one."""
    shape = (*(1,) * axis, len(weights), *(1,) * (count - axis - 1 + lead), *weights.shape[1:])
    w = weights.reshape(shape)
    if not is_message:
        return np.where(w == 0.0, 0.0, w * np.where(w == 0.0, 0.0, logs)).sum(axis, keepdims=True)
    top = np.max(logs, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return top + np.log((w * np.exp(logs - top)).sum(axis, keepdims=True))


def _needs_panels(value: Distribution) -> bool:
    return not isinstance(value, PointMass | UnivariateNormal | MultivariateNormal | Bernoulli)


def _points(node: Node, name: str, value: Distribution, n: int) -> tuple[Array, Array]:
    """Points (m, *batch, *event) and weights (m, *batch)."""
    nodes, weights = (np.asarray(part) for part in gauss_hermite(n))
    if isinstance(value, UnivariateNormal):
        mean, variance = np.asarray(value.mean), np.asarray(value.variance)
        batch = np.broadcast_shapes(mean.shape, variance.shape)
        spread = nodes.reshape(-1, *(1,) * len(batch))
        return mean + np.sqrt(variance) * spread, np.broadcast_to(weights.reshape(spread.shape), (n, *batch))
    if isinstance(value, MultivariateNormal) and value.event_shape[0] <= _DIMENSIONS:
        d = value.event_shape[0]
        table = np.stack(np.meshgrid(*(nodes,) * d, indexing="ij"), -1).reshape(-1, d)
        products = np.prod(np.stack(np.meshgrid(*(weights,) * d, indexing="ij"), -1).reshape(-1, d), axis=-1)
        batch = value.batch_shape
        spread = table.reshape(-1, *(1,) * len(batch), d)
        root = np.linalg.cholesky(np.asarray(value.covariance))
        points = np.asarray(value.mean) + (root @ spread[..., None])[..., 0]
        return points, np.broadcast_to(products.reshape(-1, *(1,) * len(batch)), (len(products), *batch))
    if isinstance(value, Bernoulli):
        p = np.asarray(value.p)
        values = np.broadcast_to(np.array([0.0, 1.0]).reshape(2, *(1,) * p.ndim), (2, *p.shape))
        return values, np.stack([1.0 - p, p])
    if value.event_shape or (value.group is None and not hasattr(value, "log_pdf")):
        raise NoRuleError(
            f"{node.name}: {name} is a {type(value).__name__} of shape {value.event_shape}: only numbers and"
            f" normals of up to {_DIMENSIONS} dimensions are integrated"
        )
    found = points_of(value)
    return found.x, found.weights
