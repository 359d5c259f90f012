"""Dirichlet(out | a) against its density and the Beta moments of its components."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from reactivepgm.distributions import Beta, Dirichlet, PointMass
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation

SIMPLEX = [np.array(p) for p in ([0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1])]
A = np.array([2.0, 1.0, 3.0])
Q = np.array([1.5, 2.0, 4.0])


@pytest.mark.parametrize("role", ["m", "q"])
def test_toward_out(role):
    message = call_rule(Dirichlet, "out", **{f"{role}_a": PointMass(A)})
    assert_same_shape(message, stats.dirichlet(A).logpdf, SIMPLEX)


def test_joint():
    joint = call_marginal_rule(Dirichlet, "out_a", m_out=Dirichlet(Q), m_a=PointMass(A))
    assert_same_shape(joint.factors["out"], lambda p: np.sum((A + Q - 2) * np.log(p)), SIMPLEX)
    assert joint.factors["a"] == PointMass(A)


def test_energy():
    logs = np.array([expectation(np.log, Beta(Q[k], Q.sum() - Q[k])) for k in range(3)])
    expected = gammaln(A).sum() - gammaln(A.sum()) - np.sum((A - 1) * logs)
    assert average_energy(Dirichlet, q_out=Dirichlet(Q), q_a=PointMass(A)) == pytest.approx(expected, rel=1e-9)
    point = average_energy(Dirichlet, q_out=PointMass(SIMPLEX[0]), q_a=PointMass(A))
    assert point == pytest.approx(-stats.dirichlet(A).logpdf(SIMPLEX[0]))


def test_energy_at_a_corner_of_the_simplex():
    flat = average_energy(Dirichlet, q_out=PointMass([1.0, 0.0]), q_a=PointMass([1.0, 1.0]))
    assert flat == pytest.approx(0.0)


def test_batches():
    outs = [Dirichlet([1.0, 2.0]), Dirichlet([0.5, 4.0])]
    points = [PointMass(np.array(a), event_rank=1) for a in ([2.0, 3.0], [1.0, 0.5])]
    assert_rows_alike(lambda m_a: call_rule(Dirichlet, "out", m_a=m_a), m_a=points)
    assert_rows_alike(lambda m_out, m_a: call_marginal_rule(Dirichlet, "out_a", m_out=m_out, m_a=m_a), m_out=outs, m_a=points)
    assert_rows_alike(lambda q_out, q_a: average_energy(Dirichlet, q_out=q_out, q_a=q_a), q_out=outs, q_a=points)
