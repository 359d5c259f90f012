"""AND, OR, NOT and IMPLY against enumeration of all truth values."""

import itertools

import numpy as np
import pytest

from reactivepgm.distributions import Bernoulli, Categorical, PointMass
from reactivepgm.rulebook import call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike

TRUTH = {"AND": lambda a, b: a and b, "OR": lambda a, b: a or b, "IMPLY": lambda a, b: int(not a or b)}
BELIEFS = [Bernoulli(0.3), Categorical([0.1, 0.9]), PointMass(1.0), PointMass(0.0), Bernoulli(0.65)]


def weights(belief):
    p = belief.value if isinstance(belief, PointMass) else belief.probabilities[1]
    return np.array([1 - p, p])


def table(node, out, in1, in2):
    """The joint of (out, in1, in2), not normalised."""
    f = np.zeros((2, 2, 2))
    for i, j in itertools.product((0, 1), repeat=2):
        f[TRUTH[node](i, j), i, j] = 1.0
    return f * weights(out)[:, None, None] * weights(in1)[:, None] * weights(in2)


@pytest.mark.parametrize("node", TRUTH)
@pytest.mark.parametrize("other", BELIEFS, ids=repr)
@pytest.mark.parametrize("one", BELIEFS, ids=repr)
def test_messages(node, one, other):
    flat = Bernoulli(0.5)
    expected = table(node, flat, one, other).sum((1, 2))
    assert call_rule(node, "out", m_in1=one, m_in2=other).p == pytest.approx(expected[1] / expected.sum(), abs=1e-14)
    for axis, to, inputs in ((1, "in1", {"m_in2": other}), (2, "in2", {"m_in1": other})):
        parts = (one, flat, other) if axis == 1 else (one, other, flat)
        expected = table(node, *parts).sum(tuple({0, 1, 2} - {axis}))
        if expected.sum() > 0:
            message = call_rule(node, to, m_out=one, **inputs)
            assert message.p == pytest.approx(expected[1] / expected.sum(), abs=1e-14)


@pytest.mark.parametrize("node", TRUTH)
@pytest.mark.parametrize("parts", list(itertools.product(BELIEFS[:4], repeat=3)), ids=repr)
def test_joint(node, parts):
    expected = table(node, *parts).sum(0)
    if expected.sum() == 0:
        return
    expected = expected / expected.sum()
    joint = call_marginal_rule(node, "in1_in2", m_out=parts[0], m_in1=parts[1], m_in2=parts[2])
    if any(isinstance(part, PointMass) for part in parts[1:]):
        mine = np.outer(*(weights(joint.factors[name]) for name in ("in1", "in2")))
    else:
        mine = joint.p
    np.testing.assert_allclose(mine, expected, atol=1e-14)


def test_not():
    assert call_rule("NOT", "out", m_in=Bernoulli(0.25)) == Bernoulli(0.75)
    assert call_rule("NOT", "in", m_out=PointMass(1.0)) == Bernoulli(0.0)
    joint = call_marginal_rule("NOT", "in", m_out=Bernoulli(0.2), m_in=Bernoulli(0.8))
    assert joint.p == pytest.approx(0.8 * 0.8 / (0.8 * 0.8 + 0.2 * 0.2))


def test_single_messages_are_floats():
    for to, inputs in (("out", ("in1", "in2")), ("in1", ("out", "in2")), ("in2", ("out", "in1"))):
        message = call_rule("IMPLY", to, **{f"m_{name}": Bernoulli(0.3) for name in inputs})
        assert type(message.p) is float


@pytest.mark.parametrize("node", TRUTH)
def test_batches(node):
    a, b, c = ([Bernoulli(p) for p in row] for row in ([0.2, 0.7], [1.0, 0.4], [0.5, 0.1]))
    assert_rows_alike(lambda **m: call_rule(node, "out", **m), m_in1=a, m_in2=b)
    assert_rows_alike(lambda **m: call_rule(node, "in1", **m), m_out=a, m_in2=c)
    assert_rows_alike(lambda **m: call_rule(node, "in2", **m), m_out=b, m_in1=c)
    assert_rows_alike(lambda **m: call_marginal_rule(node, "in1_in2", **m), m_out=a, m_in1=b, m_in2=c)
