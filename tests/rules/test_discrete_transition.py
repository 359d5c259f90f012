"""DiscreteTransition(out | in, a, T1, ...) against loops over the cells of its table, for every mix of inputs."""

import itertools
import math

import numpy as np
import pytest

from reactivepgm.distributions import Bernoulli, Categorical, Contingency, DirichletCollection, PointMass
from reactivepgm.errors import InvalidParameterError, NoRuleError
from reactivepgm.nodes import DiscreteTransition
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule, find_kernel
from tests.oracles import transition
from tests.oracles.batch_law import assert_rows_alike

SIZES = {"out": 3, "in": 2, "T1": 4, "T2": 2, "T3": 3}
RNG = np.random.default_rng(7)


def simplex(*shape):
    return RNG.dirichlet(np.ones(math.prod(shape))).reshape(shape)


def tables(names):
    """A known table and a believed one, each with what the oracle takes for its logarithm."""
    shape = [SIZES[n] for n in names]
    alpha = RNG.uniform(0.3, 4.0, shape)
    a = alpha / alpha.sum(0)
    return (PointMass(a), np.log(a)), (DirichletCollection(alpha), transition.expected_log(alpha))


def mixes():
    """Each variable but the target as a message, a marginal or an observation, for 2 to 4 variables."""
    for names in (("out", "in"), ("out", "in", "T1"), ("out", "in", "T1", "T2")):
        for target in names:
            others = [n for n in names if n != target]
            kinds = "mqo" if len(others) < 3 else "mq"
            for roles in itertools.product(kinds, repeat=len(others)):
                yield names, target, dict(zip(others, roles, strict=True))


@pytest.mark.parametrize(("names", "target", "roles"), list(mixes()))
def test_messages(names, target, roles):
    beliefs = {n: np.eye(SIZES[n])[1] if r == "o" else simplex(SIZES[n]) for n, r in roles.items()}
    inputs = {}
    for n, r in roles.items():
        inputs[f"{'m' if r == 'm' else 'q'}_{n}"] = PointMass(beliefs[n]) if r == "o" else Categorical(beliefs[n])
    messages = {n: p for n, p in beliefs.items() if roles[n] == "m"}
    marginals = {(n,): p for n, p in beliefs.items() if roles[n] != "m"}
    for q_a, log_a in tables(names):
        got = call_rule(DiscreteTransition, target, q_a=q_a, **inputs)
        np.testing.assert_allclose(got.p, transition.joint(log_a, [target], messages, marginals), rtol=1e-12)


@pytest.mark.parametrize("target", ["T1", "T3"])
def test_messages_with_joint_marginals(target):
    names = ("out", "in", "T1", "T2", "T3")
    other = "T3" if target == "T1" else "T1"
    pair, message = simplex(SIZES["out"], SIZES["T2"]), simplex(SIZES[other])
    single = simplex(SIZES["in"])
    for q_a, log_a in tables(names):
        got = call_rule(
            DiscreteTransition,
            target,
            q_a=q_a,
            q_out_T2=Contingency(pair),
            q_in=Bernoulli(single[1]),
            **{f"m_{other}": Categorical(message)},
        )
        expected = transition.joint(log_a, [target], {other: message}, {("out", "T2"): pair, ("in",): single})
        np.testing.assert_allclose(got.p, expected, rtol=1e-12)


def test_excluded_transitions_stay_excluded():
    a = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.5]])
    forward = call_rule(DiscreteTransition, "out", m_in=Categorical([0.5, 0.5, 0.0]), q_a=PointMass(a))
    assert forward.p.tolist() == [0.5, 0.5, 0.0]
    backward = call_rule(DiscreteTransition, "in", m_out=PointMass([0.0, 0.0, 1.0]), q_a=PointMass(a))
    assert backward.p.tolist() == [0.0, 0.0, 1.0]
    averaged = call_rule(DiscreteTransition, "out", q_in=Categorical([0.0, 0.3, 0.7]), q_a=PointMass(a))
    assert averaged.p.tolist() == [0.0, 1.0, 0.0]


def test_messages_far_below_underflow():
    a = np.array([[1e-200, 1e-190], [0.0, 0.0]])
    got = call_rule(DiscreteTransition, "in", m_out=Categorical([1e-200, 1.0]), q_a=PointMass(a))
    np.testing.assert_allclose(got.p[0] / got.p[1], 1e-10, rtol=1e-10)


@pytest.mark.parametrize("value", [np.array([0.0, 0.0, 1.0]), 2])
def test_an_observation_may_be_a_message_or_a_marginal_one_hot_or_a_number(value):
    (q_a, log_a), _ = tables(("out", "in"))
    expected = transition.joint(log_a, ["in"], {"out": np.array([0.0, 0.0, 1.0])}, {})
    for role in "mq":
        got = call_rule(DiscreteTransition, "in", q_a=q_a, **{f"{role}_out": PointMass(value)})
        np.testing.assert_allclose(got.p, expected, rtol=1e-12)


def test_toward_a():
    pair, single = simplex(3, 2), simplex(4)
    message = call_rule(DiscreteTransition, "a", q_out_in=Contingency(pair), q_T1=Categorical(single))
    np.testing.assert_allclose(message.alpha, 1.0 + pair[:, :, None] * single)
    message = call_rule(DiscreteTransition, "a", q_in=Categorical(pair.sum(0)), q_out=PointMass([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(message.alpha, 1.0 + np.eye(3)[1][:, None] * pair.sum(0))
    whole = simplex(3, 2, 4)
    np.testing.assert_allclose(call_rule(DiscreteTransition, "a", q_out_in_T1=Contingency(whole)).alpha, 1.0 + whole)
    crossed = call_rule(DiscreteTransition, "a", q_out_T1=Contingency(simplex(3, 4)), q_in=Categorical([0.5, 0.5]))
    assert crossed.alpha.shape == (3, 2, 4)


def test_toward_a_takes_no_messages():
    with pytest.raises(NoRuleError, match="takes marginals"):
        call_rule(DiscreteTransition, "a", m_out=Categorical([0.5, 0.5]), m_in=Categorical([0.5, 0.5]))


@pytest.mark.parametrize(
    "targets", [("out", "in"), ("out", "in", "T1"), ("in", "T1"), ("out", "T2"), ("out", "in", "T1", "T2")]
)
def test_joints(targets):
    names = ("out", "in", "T1", "T2")
    messages = {n: simplex(SIZES[n]) for n in targets}
    rest = [n for n in names if n not in targets]
    marginals = {(n,): simplex(SIZES[n]) for n in rest}
    inputs = {f"m_{n}": Categorical(p) for n, p in messages.items()}
    inputs |= {f"q_{n}": Categorical(p) for (n,), p in marginals.items()}
    for q_a, log_a in tables(names):
        got = call_marginal_rule(DiscreteTransition, "_".join(targets), q_a=q_a, **inputs)
        assert isinstance(got, Contingency)
        np.testing.assert_allclose(got.p, transition.joint(log_a, targets, messages, marginals), rtol=1e-12)


def test_joints_fall_apart_at_observations():
    (q_a, log_a), _ = tables(("out", "in", "T1"))
    m_in, m_t1, seen = simplex(2), simplex(4), np.eye(3)[2]
    inputs = {"q_a": q_a, "m_in": Categorical(m_in), "m_out": PointMass(seen)}
    joint = call_marginal_rule(DiscreteTransition, "out_in_T1", m_T1=Categorical(m_t1), **inputs)
    assert joint.factors["out"] == PointMass(seen)
    expected = transition.joint(log_a, ["in", "T1"], {"in": m_in, "T1": m_t1, "out": seen}, {})
    np.testing.assert_allclose(joint.factors["in", "T1"].p, expected, rtol=1e-12)
    joint = call_marginal_rule(DiscreteTransition, "out_in_T1", m_T1=PointMass(np.eye(4)[0]), **inputs)
    expected = transition.joint(log_a, ["in"], {"in": m_in, "T1": np.eye(4)[0], "out": seen}, {})
    np.testing.assert_allclose(joint.factors["in"].p, expected, rtol=1e-12)


def test_energies():
    names = ("out", "in", "T1")
    for q_a, log_a in tables(names):
        pair, single = simplex(3, 2), simplex(4)
        got = average_energy(DiscreteTransition, q_a=q_a, q_out_in=Contingency(pair), q_T1=Categorical(single))
        assert got == pytest.approx(transition.energy(log_a, {("out", "in"): pair, ("T1",): single}), rel=1e-12)
        parts = {(n,): simplex(SIZES[n]) for n in names}
        got = average_energy(DiscreteTransition, q_a=q_a, **{f"q_{n}": Categorical(p) for (n,), p in parts.items()})
        assert got == pytest.approx(transition.energy(log_a, parts), rel=1e-12)
        got = average_energy(DiscreteTransition, q_a=q_a, q_out=PointMass(1), q_in=PointMass(0), q_T1=PointMass(3))
        assert got == pytest.approx(-log_a[1, 0, 3], rel=1e-12)


def test_energy_of_excluded_cells():
    """Nothing where q excludes them too, and a finite price where it does not."""
    identity = PointMass(np.eye(2))
    assert average_energy(DiscreteTransition, q_a=identity, q_out_in=Contingency([[0.4, 0.0], [0.0, 0.6]])) == 0.0
    priced = average_energy(DiscreteTransition, q_a=identity, q_out_in=Contingency([[0.2, 0.3], [0.4, 0.1]]))
    assert priced == pytest.approx(0.7 * math.log(1e12))


def test_kernel():
    names = ("out", "in", "T1")
    for q_a, log_a in tables(names):
        weights = simplex(4)
        rule = find_kernel(DiscreteTransition, "out", ("in",), {"q_a": type(q_a), "q_T1": Categorical})
        got = rule(q_a=q_a, q_T1=Categorical(weights)).log_matrix
        np.testing.assert_allclose(got, (log_a * weights).sum(-1), rtol=1e-12)


def test_a_table_with_too_few_axes_is_named():
    with pytest.raises(InvalidParameterError, match="3 variables"):
        call_rule(
            DiscreteTransition,
            "out",
            m_in=Categorical([1.0, 0.0]),
            m_T1=Categorical([1.0, 0.0]),
            q_a=PointMass(np.eye(2)),
        )


def test_batches():
    names = ("out", "in", "T1")
    rows = {n: [Categorical(simplex(SIZES[n])) for _ in range(3)] for n in names}
    dirichlets = [DirichletCollection(RNG.uniform(0.5, 3.0, (3, 2, 4))) for _ in range(3)]
    points = [PointMass(d.mean, event_rank=3) for d in dirichlets]
    seen = [PointMass(np.eye(4)[k], event_rank=1) for k in (0, 3, 1)]
    for q_a in (dirichlets, points):
        assert_rows_alike(lambda **q: call_rule(DiscreteTransition, "in", **q), q_a=q_a, m_out=rows["out"], q_T1=rows["T1"])
        assert_rows_alike(
            lambda **q: call_marginal_rule(DiscreteTransition, "out_in_T1", **q),
            q_a=q_a,
            m_out=rows["out"],
            m_in=rows["in"],
            m_T1=seen,
        )
        assert_rows_alike(
            lambda **q: average_energy(DiscreteTransition, **q),
            q_a=q_a,
            q_out=rows["out"],
            q_in=rows["in"],
            q_T1=seen,
        )
    assert_rows_alike(lambda **q: call_rule(DiscreteTransition, "a", **q), q_out=rows["out"], q_in=rows["in"], q_T1=rows["T1"])


def test_one_table_is_shared_by_all_rows():
    (q_a, _), (d_a, _) = tables(("out", "in"))
    rows = np.array([simplex(2) for _ in range(5)])
    for table in (q_a, d_a):
        got = call_rule(DiscreteTransition, "out", m_in=Categorical(rows), q_a=table)
        for i in range(5):
            single = call_rule(DiscreteTransition, "out", m_in=Categorical(rows[i]), q_a=table)
            np.testing.assert_allclose(got.p[i], single.p, rtol=1e-12)
