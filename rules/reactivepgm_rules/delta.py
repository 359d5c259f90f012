"""Delta(out | in1, in2, ...): out = f(in1, in2, ...) for any Python function f; messages, joint of the inputs, kernel.

Approximation f(x) ~ A x + b + N(0, C) under the inputs' Gaussian belief N(m, V): the tangent (Linearisation, C = 0), or
              the regression by sigma points or cubature (Unscented, GaussHermite)
Toward out    N(A m + b, A V A' + C)
Joint of ins  N(m, V) times the message of out through A:  K = V A' (A V A' + C + R)^-1 for m_out = N(y, R)
Toward in_k   with a known inverse g_k: the message toward the value of g_k(out, other inputs)
              else what out says about A_k in_k once the other inputs are averaged out; the function is approximated at
              the messages of all inputs, the one on the own edge included, so that this is q(in_k) / m_in_k
              from a joint q(in) given instead: q(in_k) / m_in_k itself
              Särkkä 2013, chapters 5 and 6; Petersen, Hoffmann and Rostalski 2018 for the messages with known inverses

Data among the inputs are arguments of f. Without noise behind it, an observed out needs another factor in between.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from reactivepgm.approximations.linearisation import Affine
from reactivepgm.approximations.row_function import RowFunction
from reactivepgm.distributions import (
    Distribution,
    Factorized,
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
    product,
)
from reactivepgm.errors import NoRuleError, ParametrisationError
from reactivepgm.nodes import Node
from reactivepgm.nodes.delta import (
    CVI,
    DELTA,
    DeltaMeta,
    ForwardDeltaMeta,
    GaussHermite,
    GaussianMethod,
    Linearisation,
    Unscented,
)
from reactivepgm.numerics.array import Array, broadcast_shapes
from reactivepgm.numerics.linear_algebra import eye, matvec, solve, symmetrise, transpose
from reactivepgm.rulebook import GaussianKernel, marginal_rule, rule
from reactivepgm.rulebook.register_rules import file_rule

from .function_inputs import Belief, Inputs
from .gaussian_joint import in_vector_form
from .gaussian_map import unmapped
from .gaussian_sum import is_moment, shifted, widened
from .matrix_form import identity_like, point_in_vector_form

Through = DeltaMeta | Linearisation | Unscented | GaussHermite
Normal = UnivariateNormal | MultivariateNormal
Message = NormalMeanVariance | MvNormalMeanCovariance | NormalWeightedMeanPrecision | MvNormalWeightedMeanPrecision


def method_of(meta: Through) -> GaussianMethod:
    """How beliefs go through the function.

    Example:
        >>> method_of(DeltaMeta(Unscented())) == method_of(Unscented())
        True
    """
    return meta.method if isinstance(meta, DeltaMeta) else meta


@rule(DELTA, to="out")
def _(node: Node, **inputs: PointMass) -> PointMass:
    """The value of known inputs."""
    return _value(node.target, _in_order(inputs))


@rule(DELTA, to="out")
def _(meta: Through, node: Node, **inputs: Belief) -> NormalMeanVariance | MvNormalMeanCovariance:
    """The inputs' message through the function."""
    return _image(node.target, _in_order(inputs), method_of(meta))


@rule(DELTA, to="*")
def _(to: str, meta: Through, node: Node, **inputs: Belief) -> Message | PointMass:
    """Backward: by the inverse, by the joint, or by the approximation at all messages."""
    position = _number(to) - 1
    given = {name[2:]: belief for name, belief in inputs.items()}
    own = given.pop(to, None)
    inverse = meta.inverse_toward(position) if isinstance(meta, DeltaMeta) else None
    if inverse is not None and all(isinstance(belief, PointMass) for belief in given.values()):
        return _value(inverse, [given.pop("out"), *_in_order(given)])
    if inverse is not None and "out" in given:
        return _image(inverse, [given.pop("out"), *_in_order(given)], method_of(meta))
    if own is None and isinstance(given.get("out"), PointMass):
        raise NoRuleError(
            f"{node.name} -> {to}: a value that is known exactly settles the input, and no belief about it is left\n"
            f"  write  an observation with noise, Normal(mean=f(x), variance=...)\n"
            f"  or   an inverse, by which the input is computed: DeltaMeta(method={method_of(meta)!r}, inverse=...)"
        )
    if own is None or isinstance(own, PointMass):
        raise NoRuleError(
            f"{node.name} -> {to} needs the message on its own edge, m_{to}: there the function is approximated\n"
            f"  or   an inverse: DeltaMeta(method={method_of(meta)!r}, inverse=...)"
        )
    if "in" in given:
        return _divided(given["in"], own, position, _arity(node))
    out = given.pop("out")
    ins = Inputs(node.target, _in_order({**given, to: own}))
    place = [name for name, _ in _sorted({**given, to: own})].index(to)
    return _as_message(_backward(ins.fitted(method_of(meta)), ins, place, out), own)


@marginal_rule(DELTA, "*")
def _(
    meta: Through, node: Node, to: str, **inputs: Belief
) -> NormalMeanVariance | MvNormalMeanCovariance | Factorized:
    """All messages meet at the inputs."""
    given = {name[2:]: belief for name, belief in inputs.items()}
    out = given.pop("out")
    names = [name for name, _ in _sorted(given)]
    ins = Inputs(node.target, _in_order(given))
    mean, covariance = updated(ins.mean, ins.covariance, ins.fitted(method_of(meta)), out)
    joint: NormalMeanVariance | MvNormalMeanCovariance
    if len(ins.random) == 1 and not ins.shapes[ins.random[0]]:
        joint = NormalMeanVariance._of(mean[..., 0], covariance[..., 0, 0])
    else:
        joint = MvNormalMeanCovariance._of(mean, covariance)
    if len(ins.random) == len(names):
        return joint
    random = tuple(names[k] for k in ins.random)
    parts: dict[str | tuple[str, ...], Distribution] = {random: joint}
    wanted = to.split("_")
    parts.update({n: b for n, b in given.items() if isinstance(b, PointMass) and (n in wanted or wanted == ["in"])})
    return Factorized(parts) if len(parts) > 1 else joint


def _kernel(meta: ForwardDeltaMeta | Linearisation | Unscented | GaussHermite, node: Node, **inputs: Belief) -> GaussianKernel:
    """The function approximated at marginals of its inputs."""
    ins = Inputs(node.target, _in_order(inputs))
    fit = ins.fitted(method_of(meta))
    return GaussianKernel(tuple(ins.parts(fit.matrix)), fit.offset, fit.noise)


file_rule("kernel", DELTA, "*", True)(_kernel)


def updated(mean: Array, covariance: Array, fit: Affine, out: Normal | PointMass) -> tuple[Array, Array]:
    """The belief about the inputs after the message of out, both in vector form.

    Example:
        >>> import numpy as np
        >>> fit = Affine(np.eye(1), np.zeros(1))
        >>> updated(np.zeros(1), np.eye(1), fit, NormalMeanVariance(2.0, 1.0))
        (array([1.]), array([[0.5]]))
    """
    a, forward = fit.matrix, fit.matrix @ covariance
    if isinstance(out, PointMass) or is_moment(out):
        y, r = (point_in_vector_form(out), 0.0) if isinstance(out, PointMass) else _moments(out)
        noise = r if fit.noise is None else r + fit.noise
        gain = transpose(solve(forward @ transpose(a) + noise, forward))
        keep = identity_like(covariance) - gain @ a
        tail = 0.0 if isinstance(noise, float) else gain @ noise @ transpose(gain)
        return (
            mean + matvec(gain, y - matvec(a, mean) - fit.offset),
            symmetrise(keep @ covariance @ transpose(keep) + tail),
        )
    message = unmapped(a, _toward_image(out, fit.offset, fit.noise))
    belief: Any = product(MvNormalMeanCovariance._of(mean, covariance), message)
    return belief.mean, belief.covariance


def _moments(m: Normal) -> tuple[Array, Array]:
    vector = in_vector_form(m)
    return vector.mean, vector.covariance


def _toward_image(out: Normal | PointMass, offset: Array, noise: Array | None) -> MultivariateNormal:
    """What out says about A x, without the offset and the noise."""
    if isinstance(out, PointMass):
        value = point_in_vector_form(out)
        return MvNormalMeanCovariance._of(value - offset, 0.0 * eye(value.shape[-1]) if noise is None else noise)
    moved = shifted(in_vector_form(out), -offset)
    return moved if noise is None else widened(moved, noise)  # type: ignore[return-value]


def _backward(fit: Affine, ins: Inputs, position: int, out: Normal | PointMass) -> MultivariateNormal:
    """What out says about one input; the others are averaged out by their messages."""
    offset, noise = fit.offset, fit.noise
    number = ins.random.index(position)
    matrices, means = ins.parts(fit.matrix), ins.parts(ins.mean)
    for k, (matrix, mean) in enumerate(zip(matrices, means, strict=True)):
        if k != number:
            offset = offset + matvec(matrix, mean)
            spread = matrix @ ins.vectors[k].covariance @ transpose(matrix)
            noise = spread if noise is None else noise + spread
    return unmapped(matrices[number], _toward_image(out, offset, noise))


def _value(function: Callable[..., Any], points: list[Any]) -> PointMass:
    """The function of known arguments."""
    batch = broadcast_shapes(*(point.batch_shape for point in points))
    value = RowFunction(function, [point.event_rank for point in points])([point.value for point in points], batch)
    return PointMass(value, event_rank=value.ndim - len(batch))


def _image(
    function: Callable[..., Any], beliefs: list[Belief], method: GaussianMethod
) -> NormalMeanVariance | MvNormalMeanCovariance:
    """The moments of a function's value."""
    ins = Inputs(function, beliefs)
    mean, covariance = ins.fitted(method).moments(ins.mean, ins.covariance)
    if ins.out_rank:
        return MvNormalMeanCovariance._of(mean, covariance)
    return NormalMeanVariance._of(mean[..., 0], covariance[..., 0, 0])


def _as_message(m: MultivariateNormal, like: Normal) -> Message:
    """A message in vector form as one about a number or a vector, as another message on the edge is."""
    if isinstance(like, MultivariateNormal):
        return m  # type: ignore[return-value]
    if isinstance(m, MvNormalMeanCovariance):
        return NormalMeanVariance._of(m.mean[..., 0], m.covariance[..., 0, 0])
    return NormalWeightedMeanPrecision._of(m.weighted_mean[..., 0], m.precision[..., 0, 0])


def _divided(joint: Belief, own: Normal, position: int, arity: int | None) -> Message:
    """The marginal of one input divided by the message on its edge."""
    size = 1 if isinstance(own, UnivariateNormal) else own.event_shape[0]
    whole = in_vector_form(joint)  # type: ignore[arg-type]
    start = _start(whole.mean.shape[-1], size, position, arity)
    chosen = slice(start, start + size)
    marginal = MvNormalMeanCovariance._of(whole.mean[..., chosen], whole.covariance[..., chosen, chosen])
    vector = in_vector_form(own)
    weighted = marginal.weighted_mean - vector.weighted_mean
    ratio = MvNormalWeightedMeanPrecision._of(weighted, marginal.precision - vector.precision)
    return _as_message(ratio, own)


def _start(total: int, size: int, position: int, arity: int | None) -> int:
    """Where an input begins in the joint, which does not say how long its parts are."""
    if position == 0:
        return 0
    if arity is not None and position == arity - 1:
        return total - size
    if arity is not None and (total - size) % (arity - 1) == 0:
        return position * ((total - size) // (arity - 1))
    raise ParametrisationError(
        f"a joint of {total} components does not say where its input {position + 1} begins;"
        " give the messages m_out, m_in1, m_in2, ... instead"
    )


def _arity(node: Node) -> int | None:
    """How many inputs the function has, as far as that can be told."""
    if not node.interfaces[-1].plural:
        return len(node.interfaces) - 1
    try:
        parameters = inspect.signature(node.target).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = {p.kind for p in parameters}
    return None if inspect.Parameter.VAR_POSITIONAL in kinds else len(parameters)


def _number(name: str) -> int:
    return int(name[2:] or 1)


def _sorted(given: Mapping[str, Belief]) -> list[tuple[str, Belief]]:
    """Inputs by their numbers, whatever roles they were given in."""
    named = {name.removeprefix("m_").removeprefix("q_"): belief for name, belief in given.items()}
    return sorted(named.items(), key=lambda item: _number(item[0]))


def _in_order(given: Mapping[str, Belief]) -> list[Belief]:
    return [belief for _, belief in _sorted(given)]


@rule(DELTA, to="*")
def _(to: str, meta: CVI, node: Node, **inputs: Distribution) -> Distribution:
    """Regions with such functions are solved as a whole; alone, no message is one."""
    raise NoRuleError(
        f"{node.name} -> {to}: by CVI the messages at all edges of a function are found together, in a model\n"
        "  write  infer(...) of a model with the function and what is said of its value; a value that is known exactly leaves"
        " nothing to follow, so give it noise: Normal(mean=f(x), variance=...)"
    )
