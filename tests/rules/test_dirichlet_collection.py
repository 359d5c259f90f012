"""DirichletCollection(out | a): every column is a Dirichlet of its own."""

import numpy as np
import pytest

from reactivepgm.distributions import Dirichlet, DirichletCollection, PointMass
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike


def tables(*shape, seed=1):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 4.0, shape), rng.uniform(0.5, 4.0, shape)


@pytest.mark.parametrize("role", ["m", "q"])
def test_toward_out(role):
    a, _ = tables(3, 2, 4)
    message = call_rule(DirichletCollection, "out", **{f"{role}_a": PointMass(a)})
    assert message == DirichletCollection(a)
    assert message.batch_shape == ()


def test_joint():
    a, alpha = tables(3, 2)
    joint = call_marginal_rule(DirichletCollection, "out_a", m_out=DirichletCollection(alpha), m_a=PointMass(a))
    for j in range(2):
        column = call_marginal_rule(Dirichlet, "out_a", m_out=Dirichlet(alpha[:, j]), m_a=PointMass(a[:, j]))
        np.testing.assert_allclose(joint.factors["out"].alpha[:, j], column.factors["out"].alpha)


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 2, 4)])
def test_energy_is_the_sum_of_the_columns_energies(shape):
    a, alpha = tables(*shape)
    columns = zip(a.reshape(3, -1).T, alpha.reshape(3, -1).T, strict=True)
    expected = sum(average_energy(Dirichlet, q_out=Dirichlet(q), q_a=PointMass(p)) for p, q in columns)
    energy = average_energy(DirichletCollection, q_out=DirichletCollection(alpha), q_a=PointMass(a))
    assert energy == pytest.approx(expected, rel=1e-12)


def test_batches():
    a, alpha = tables(5, 3, 2)
    points = [PointMass(x, event_rank=2) for x in a]
    outs = [DirichletCollection(x) for x in alpha]
    assert_rows_alike(lambda m_a: call_rule(DirichletCollection, "out", m_a=m_a), m_a=points)
    assert_rows_alike(
        lambda m_out, m_a: call_marginal_rule(DirichletCollection, "out_a", m_out=m_out, m_a=m_a),
        m_out=outs,
        m_a=points,
    )
    assert_rows_alike(lambda q_out, q_a: average_energy(DirichletCollection, q_out=q_out, q_a=q_a), q_out=outs, q_a=points)
