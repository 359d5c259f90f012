"""DiscreteTransition(out | in, a, T1, T2, ...): messages, joints, energy, kernel, for any number of conditions.

Factor        f = a[out, in, T1, ...],  a: probabilities that sum to one along the first axis
              L = log a, or E[log a] under a DirichletCollection
Message       nu(x) ∝ sum over the message axes of exp(sum over the marginal axes of q L) times the messages
Joint         the same, not summed
Toward a      DirichletCollection(1 + the outer product of the marginals)
Energy        -sum q L, with 0 log 0 = 0

Any mix of messages and marginals, joint marginals too, takes one and the same path: a message weighs its axis, a
marginal averages L over its axes first. An observation does either, with the same result. Messages and joints take
log 0 as it is. Only the energy puts a number on probability that q gives to what a excludes (``EXCLUDED``), as
ReactiveMP.jl does; exact inference never does so, and there the energy is exact too.

Differs       a message is normalised once, over everything; normalising E[log a] along one axis first changes it
"""

from collections.abc import Iterator, Mapping
from math import inf
from math import log as log_of

from reactivepgm.distributions import (
    Categorical,
    Contingency,
    DirichletCollection,
    DiscreteFamily,
    Distribution,
    Factorized,
    PointMass,
)
from reactivepgm.errors import NoRuleError
from reactivepgm.nodes import DiscreteTransition
from reactivepgm.numerics.array import Array, is_numpy
from reactivepgm.numerics.elementary import exp, log, where
from reactivepgm.numerics.layout import total_along_last
from reactivepgm.numerics.linear_algebra import matvec
from reactivepgm.numerics.special import softmax
from reactivepgm.rulebook import DiscreteKernel, average_energy, kernel, marginal_rule, rule

from .category import probabilities
from .transition_table import aligned, expected, require_rank, summed, weighted

EXCLUDED = -12.0 * log_of(10.0)
"""The log probability that the energy charges for a transition of probability zero."""

TINY = 1e-280
"""Probabilities below this may have lost digits."""

Belief = DiscreteFamily | Contingency | PointMass
Table = DirichletCollection | PointMass


@rule(DiscreteTransition, to="a")
def _(**inputs: Belief) -> DirichletCollection:
    """Every cell counts in proportion to the probability of its categories."""
    beliefs = list(_beliefs(inputs))
    rank = sum(len(axes) for _, axes, _ in beliefs)
    counts: Array = 1.0
    for is_message, axes, belief in beliefs:
        if is_message and not isinstance(belief, PointMass):
            raise NoRuleError("DiscreteTransition -> a takes marginals; cut a from the other variables: q(out, in) q(a)")
        counts = counts * aligned(_joint_probabilities(belief, {}), axes, rank)
    return DirichletCollection(1.0 + counts, event_rank=rank)


@rule(DiscreteTransition, to="*")
def _(q_a: Table, to: str, **inputs: Belief) -> Categorical:
    """The remaining axis of the factor, once every other one is averaged or summed out."""
    carried = _carried(q_a, inputs, to)
    if carried is not None:
        return Categorical._of(carried)
    log_table, rank = _absorb(q_a, inputs, (to,))
    return Categorical.from_log_weights(summed(log_table, (_axis(to),), rank))


@marginal_rule(DiscreteTransition, "*")
def _(q_a: Table, to: str, **inputs: Belief) -> Contingency | Categorical | Factorized:
    """The factor times its messages, normalised; what was observed falls out of the joint."""
    names = tuple(to.split("_"))
    parts: dict[str | tuple[str, ...], Distribution] = {
        n: inputs[f"{r}_{n}"] for n in names for r in "mq" if isinstance(inputs.get(f"{r}_{n}"), PointMass)
    }
    free = tuple(n for n in names if n not in parts)
    if free:
        joint = _joint(q_a, inputs, free, names)
        if not parts:
            return joint
        parts[free if len(free) > 1 else free[0]] = joint
    return Factorized(parts)


@average_energy(DiscreteTransition)
def _(q_a: Table, **inputs: Belief) -> Array:
    """The expected negative log of the factor."""
    rank = sum(len(axes) for _, axes, _ in _beliefs(inputs))
    log_table = _log_table(q_a, rank, EXCLUDED)
    lengths = _lengths(log_table, rank)
    for _, axes, belief in _beliefs(inputs):
        log_table = expected(log_table, aligned(_joint_probabilities(belief, lengths, axes), axes, rank), axes, rank)
    return -log_table.reshape(log_table.shape[:-rank])


@kernel(DiscreteTransition, to="out", ins=("in",))
def _(q_a: Table, **inputs: Belief) -> DiscreteKernel:
    """What is left of the factor between out and in."""
    log_table, rank = _absorb(q_a, inputs, ("out", "in"))
    return DiscreteKernel(summed(log_table, (0, 1), rank))


def _carried(q_a: Table, inputs: Mapping[str, Belief], to: str) -> Array:
    """One message for many rows through one matrix, as probabilities; None where that is not the case, or loses digits.

    Sums of products of probabilities are as exact as their logs, as long as none of them underflows.
    """
    (name, belief), *others = inputs.items()
    if others or name[:2] != "m_" or len(belief.batch_shape) != 1 or not isinstance(belief, DiscreteFamily):
        return None
    table = exp(q_a.mean_log) if isinstance(q_a, DirichletCollection) else q_a.value
    if table.ndim != 2 or not is_numpy(table, belief.probabilities):
        return None
    matrix = table if _axis(to) == 0 else table.T
    if matrix.shape[-1] != belief.probabilities.shape[-1]:
        return None  # the log domain has the letter about shapes
    carried = matvec(matrix, belief.probabilities)
    if not (carried.min(initial=1.0) > TINY and carried.max(initial=1.0) < inf):
        return None
    return carried / total_along_last(carried)


def _axis(name: str) -> int:
    """The axis of ``a`` that an interface indexes."""
    return {"out": 0, "in": 1}[name] if name in ("out", "in") else int(name[1:]) + 1


def _beliefs(inputs: Mapping[str, Belief]) -> Iterator[tuple[bool, tuple[int, ...], Belief]]:
    """Of each input: whether it is a message, the axes it speaks of, and the belief."""
    for name, belief in inputs.items():
        role, *interfaces = name.split("_")
        yield role == "m", tuple(_axis(i) for i in interfaces), belief


def _lengths(table: Array, rank: int) -> dict[int, int]:
    return dict(enumerate(table.shape[-rank:]))


def _joint_probabilities(belief: Belief, lengths: Mapping[int, int], axes: tuple[int, ...] = ()) -> Array:
    """Probabilities over the axes of one belief."""
    if isinstance(belief, Contingency):
        return belief.p
    return probabilities(belief, lengths.get(axes[0]) if axes else None)


def _log_table(q_a: Table, rank: int, excluded: float = -inf) -> Array:
    """L = log a or its expectation, with a log of zero where a transition is excluded."""
    if isinstance(q_a, DirichletCollection):
        require_rank(q_a.alpha, rank)
        return q_a.mean_log
    require_rank(q_a.value, rank)
    log_a = log(q_a.value)
    return log_a if excluded == -inf else where(q_a.value > 0.0, log_a, excluded)


def _absorb(q_a: Table, inputs: Mapping[str, Belief], targets: tuple[str, ...]) -> tuple[Array, int]:
    """The log factor with every input averaged or multiplied in, and the number of its axes."""
    beliefs = list(_beliefs(inputs))
    rank = len({axis for _, axes, _ in beliefs for axis in axes} | {_axis(t) for t in targets})
    log_table = _log_table(q_a, rank)
    lengths = _lengths(log_table, rank)
    messages = []
    for is_message, axes, belief in beliefs:
        p = aligned(_joint_probabilities(belief, lengths, axes), axes, rank)
        if is_message:
            messages.append(p)
        else:
            log_table = expected(log_table, p, axes, rank)
    for p in messages:
        log_table = weighted(log_table, p)
    return log_table, rank


def _joint(
    q_a: Table, inputs: Mapping[str, Belief], free: tuple[str, ...], names: tuple[str, ...]
) -> Contingency | Categorical:
    """The joint belief about the variables that were not observed."""
    log_table, rank = _absorb(q_a, inputs, names)
    joint = summed(log_table, tuple(_axis(n) for n in free), rank)
    cells = joint.shape[joint.ndim - len(free) :]
    p = softmax(joint.reshape((*joint.shape[: joint.ndim - len(free)], -1)))
    if len(free) == 1:
        return Categorical(p)
    return Contingency(p.reshape((*p.shape[:-1], *cells)), event_rank=len(cells))
